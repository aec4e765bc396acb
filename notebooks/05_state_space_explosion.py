# %% [markdown]
# (ch-explosion)=
# # State-space explosion
#
# The study says that its table failed because there were too many states. We count them, by hand and then by machine: those that
# are possible, those that training meets, and those that later customers need. Then we turn the number up step by step, and see what it
# costs, and what it does not explain.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to count states: possible, met, met by those who come later
#   - why "samples per state" needs a numerator, and why its mean says little
#   - what a table does in a state it has never met, and how to measure how often that happens
#   - to take a claim of the form "it failed because" apart, by an experiment for each part
#
# You need
# : [Q-learning](04_q_learning.ipynb), above all its state keys.
#
# Time
# : 45 minutes to read, 40 seconds to run.
# ::::

# %% tags=["remove-cell"]
# On Google Colab this cell fetches the project and installs it; anywhere else it does nothing.
import sys

if "google.colab" in sys.modules:
    import os
    import subprocess

    home, url = "/content/book", "https://github.com/crm-rl/q-tables-to-dqn"
    if not os.path.isdir(home):
        subprocess.run(["git", "clone", "--depth=1", url, home], check=True)
        pip = [sys.executable, "-m", "pip"]
        subprocess.run([*pip, "install", "-q", "-e", home], check=True)
    sys.path.insert(0, home)
    os.chdir(home + "/notebooks")

# %% [markdown]
# ## Counting by hand
#
# A {term}`Q-table` has one row for each {term}`state`. How many rows is that? As many as there are ways to fill in the features, and
# ways multiply.
#
# :::{admonition} By hand: three features and some masks
# :class: by-hand
#
# Three yes-or-no features: $2 \times 2 \times 2 = 8$ states.
#
# Now the agent may show or hide two of them. That adds two mask bits. If a hidden feature is still in the observation, as in the
# study's code, every state comes with every mask: $8 \times 2^2 = 32$. If a hidden feature is seen as a blank, as the study's text
# says, a feature with a bit is *yes*, *no* or *blank*, three ways instead of four:
#
# | feature and its bit | as coded | as described |
# |---|--:|--:|
# | always visible | 2 | 2 |
# | may be hidden | 2 × 2 = 4 | 3 |
# | may be hidden | 2 × 2 = 4 | 3 |
# | **together** | **32** | **18** |
#
# With a bit for all three it is $4^3 = 64$ against $3^3 = 27$. With 15 features the mask bits alone make
# $2^{15} = 32{,}768$ masks.
# :::
#
# In general, with $L_f$ values of feature $f$ and a mask $\mu$ of one bit a feature,
#
# $$
# \begin{aligned}
# 2^{15} \prod_{f=1}^{15} L_f & \quad \text{if the mask hides nothing,} \\
# \prod_{f=1}^{15} (L_f + 1) & \quad \text{if hidden features look alike.}
# \end{aligned}
# $$ (explosion-count)
#
# That a product of this kind outgrows any computer is what Bellman called the curse of dimensionality {cite:p}`bellman1957`; we say
# {term}`state-space explosion`.
#
# ## 0.021 samples per state
#
# The study reports a table of 1,451 states without feature selection and of 522,619 with it, and explains the failure of the second in
# one division {cite:p}`nair2026`.
#
# :::{admonition} By hand: what is divided by what?
# :class: by-hand
#
# $$
# \frac{11{,}032}{522{,}619} = 0.0211
# $$
#
# Below the line: 522,619 is no multiple of $2^{15}$, since $522{,}619 / 32{,}768 = 15.95$. So it is not a count of *possible* states; it
# is how many rows the table had *after training*, states that were met, each at least once.
#
# Above the line: 11,032 is the number of customers in the file, validation and test included. But customers are not what fills a table.
# **Steps** are: each step updates one row. With 100,000 episodes of only ten steps it would be
# $1{,}000{,}000 / 522{,}619 = 1.9$ updates a state, ninety times as many.
# :::
#
# A state that is in the table has been met, so fewer than one sample per state cannot be. The right question is not
# *rows divided by states*, it is *how often was each state updated, and will I meet it again?* For that we need the machine.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from myst_nb import glue

from crm_rl import plots
from crm_rl.crm_data import clean, data_path, load
from crm_rl.evaluation import constant_policy, over_seeds, play, random_policy
from crm_rl.explosion import play_watched, train_counting, with_visible
from crm_rl.features import PUBLISHED_FEATURES
from crm_rl.funnel import N_FEATURES, STAGE_FEATURE, STAGE_OF, Action, observe, start, step
from crm_rl.intervals import wilson
from crm_rl.q_learning import STUDY
from crm_rl.state_keys import levels_of
from crm_rl.worlds import replay_worlds

plots.use_style()
assert round(11_032 / 522_619, 3) == 0.021 and 522_619 % 2**15 != 0

customers, _ = clean(load(data_path()))
NAMES = [feature.name for feature in PUBLISHED_FEATURES]
GAMES = {
    "described": ("described", False),
    "described, selection": ("described", True),
    "as coded": ("as_coded", False),
    "as coded, selection": ("as_coded", True),
}
worlds = {name: replay_worlds(customers, *game) for name, game in GAMES.items()}
print(
    *(
        f"{part}: {len(worlds['described'][part].population.stage):,}"
        for part in worlds["described"]
    )
)

# %% [markdown]
# ## How many states are possible?
#
# Four games: two settings, each without and with feature selection. We round the features of the training customers to two
# decimals, as the state key does, and count the values. The actions can lift the stage, so it gets the values that it can be
# lifted to as well.


# %%
def n_levels(world) -> np.ndarray:
    """How many values each feature can take, shape (15,)."""
    levels = np.array([len(v) for v in levels_of(world.population).values], dtype=float)
    paid = np.array(world.rules.milestone_reward) > 0
    stages = {*world.population.stage, *np.array(STAGE_OF)[paid]}
    levels[STAGE_FEATURE] = len(stages)
    return levels


level_table = pd.DataFrame(
    {
        name: n_levels(worlds[name]["train"]).astype(int)
        for name in ("described", "as coded")
    },
    index=NAMES,
)
level_table.T.iloc[:, :8]

# %%
level_table.T.iloc[:, 8:]


# %%
def rounded(world) -> np.ndarray:
    return np.round(world.population.features.astype(np.float64), 2)


possible = {}
for name, game in worlds.items():
    levels, rules = n_levels(game["train"]), game["train"].rules
    alike = len(np.unique(rounded(game["train"]), axis=0))
    if not rules.selects_features:
        product, of_people = levels.prod(), alike
    elif rules.hides_features:
        product, of_people = (levels + 1).prod(), alike * 2**N_FEATURES
    else:
        product, of_people = levels.prod() * 2**N_FEATURES, alike * 2**N_FEATURES
    possible[name] = {
        "product of levels": f"{product:.1e}",
        "different customers": f"{alike:,}",
        "customers x masks": f"{of_people:,}",
    }
assert all(float(row["product of levels"]) > 8e9 for row in possible.values())
pd.DataFrame(possible).T

# %% [markdown]
# The product is absurd: more states than there are people on Earth, for a file of eleven thousand. It counts combinations that
# nobody has, such as a customer of every country with every conversion rate. What can occur is bounded by the people in the training part:
# so many *different* rounded customers, times the masks where there are masks. (The stage can be lifted on top of this; and where hidden features look
# alike, many of the combinations fall together, so that the last column is only a bound.)
#
# ## How many does training meet?
#
# We train the four tables of the study, 100,000 episodes each, and count two things on the way that Q-learning itself has no need of:
# in which episode each state was met first, and how many decisions were made in it. The counting run is otherwise the same,
# bit for bit.
#
# :::{admonition} Predict
# :class: predict
# The mask has 32,768 values in both selection games. By what factor will the number of states grow when selection is switched on: as coded,
# where everything starts visible, and as described, where everything starts hidden and the first action of the firm ends the
# episode?
# :::

# %%
counted = {name: train_counting(game["train"]) for name, game in worlds.items()}
met = pd.DataFrame(
    {
        name: {
            "states met": len(run.decisions),
            "decisions": run.decisions.sum(),
            "states decided in": (run.decisions > 0).sum(),
        }
        for name, run in counted.items()
    }
).T
met.map("{:,}".format)

# %%
states = met["states met"]
factor_coded = states["as coded, selection"] / states["as coded"]
factor_described = states["described, selection"] / states["described"]
assert factor_coded > 100 > 10 > factor_described
glue("explosion-states", f"{states['as coded, selection']:,}", display=False)
glue("explosion-factor-coded", f"{factor_coded:.0f}", display=False)
glue("explosion-factor-described", f"{factor_described:.1f}", display=False)
print(f"times as many states with selection: as coded {factor_coded:.0f}, ", end="")
print(f"as described {factor_described:.1f}")

# %%
episodes = np.unique(np.geomspace(1, 100_000, 60).astype(int))
growth = {
    name: pd.Series(run.met_after(episodes), index=episodes)
    for name, run in counted.items()
}
last_tenth = {
    name: len(run.decisions) - int(run.met_after(np.array([90_000]))[0])
    for name, run in counted.items()
}
pd.Series(last_tenth, name="new states in the last 10,000 episodes").map("{:,}".format)

# %% mystnb={"figure": {"caption": "States met in training, in the four games; both axes logarithmic.", "name": "fig-explosion-growth"}, "image": {"alt": "Four rising lines. As coded with selection grows almost in proportion to the episodes, to nearly half a million states, and does not bend. The three others stay in the hundreds or low thousands."}} tags=["hide-input"]
plots.state_space_explosion(growth)
plt.show()

# %%
assert last_tenth["as coded, selection"] > 0.05 * states["as coded, selection"]
assert last_tenth["as coded"] < 0.02 * states["as coded"]
assert states.drop("as coded, selection").max() < 10_000

# %% [markdown]
# The explosion is real, in one of the two games ({numref}`fig-explosion-growth`). As coded, selection multiplies the states by
# {glue:text}`explosion-factor-coded`, to {glue:text}`explosion-states` (the study reports 522,619), and the table still grows when training stops: there is
# no sign of an end. As described the factor is {glue:text}`explosion-factor-described`. A blank is a blank: as long as little is shown, most customers
# look the same, and an agent that acts early never gets into the far corners of the mask space.
#
# So "15 mask bits" do not make an explosion by themselves. It takes a start from which every bit can be turned at leisure, and an
# observation that tells states apart whether the mask does or not.
#
# ## How often is each state met?
#
# Now samples per state, counted: decisions divided by states.

# %%
spread = {}
for name, run in counted.items():
    decided = run.decisions[run.decisions > 0]
    busiest = np.sort(decided)[::-1]
    spread[name] = {
        "mean": decided.mean(),
        "median": np.median(decided),
        "once, %": 100 * (decided == 1).mean(),
        "busiest 1% hold, %": 100
        * busiest[: max(1, len(busiest) // 100)].sum()
        / busiest.sum(),
    }
spread = pd.DataFrame(spread).T
once = spread.loc["as coded, selection", "once, %"]
assert spread.loc["as coded, selection", "median"] <= 2 and once > 40
assert spread.loc["as coded, selection", "mean"] > 5
glue("explosion-once", f"{once:.0f}%", display=False)
blind = spread.loc["described, selection"]
glue("explosion-once-described", f"{blind['once, %']:.0f}%", display=False)
glue("explosion-busiest", f"{blind['busiest 1% hold, %']:.0f}%", display=False)
times = spread.loc["as coded, selection", "mean"] / (11_032 / 522_619)
glue("explosion-times", f"{times:.0f}", display=False)
glue("explosion-mean", f"{spread.loc['as coded, selection', 'mean']:.0f}", display=False)
spread.round(1)

# %% [markdown]
# As coded with selection there are {glue:text}`explosion-mean` decisions a state on average, {glue:text}`explosion-times` times the published 0.021. And
# yet {glue:text}`explosion-once` of these states saw exactly one. If ten samples fell on each state by pure chance, a state
# would see just one with probability $10\,e^{-10}$, one in 2,200. They do not fall by chance: the greedy agent walks the same paths over and
# over, and every random action throws it into a corner where nobody has been. **A mean of samples per state hides the very thing it is meant
# to measure.**
#
# What is one sample worth? With a learning rate of 0.1 a value moves from 0 to a tenth of its first target, for one of the 21
# actions. The other twenty are as they were: 0. The guarantee of Q-learning asks that *every* action be tried in *every* state without
# end {cite:p}`watkins1992`.
#
# ## What later customers find in the table
#
# {ref}`The last chapter <ch-q-learning>` looked at the first state of later customers. Now we follow them through all their steps, in all four
# games. A table that has not met a state takes any action at random, so the share of decisions in unmet states is the share that is **left
# to chance**. We let each table treat every customer of each part once. From the test part we take this count and nothing else; its
# rewards stay closed until chapter 7.
#
# :::{admonition} Predict
# :class: predict
# Without selection the table has seen every training customer many times. In what share of its decisions about *later* customers is it in
# a state that it has met: 90%, 50%, 10%?
# :::


# %%
def share_met(met: np.ndarray, steps: np.ndarray, rng: np.random.Generator) -> list[float]:
    """Share of decisions in met states, in %, and an interval from drawing customers anew.

    If it is none or all of them, drawing anew shows no spread: then Wilson's, over customers.
    """
    if met.sum() in (0, steps.sum()):
        ends = wilson(len(met) * int(met.sum() > 0), len(met))
        return [100 * met.sum() / steps.sum(), *(100 * np.array(ends))]
    picks = rng.integers(len(met), size=(500, len(met)))
    drawn = met[picks].sum(axis=1) / steps[picks].sum(axis=1)
    return [100 * met.sum() / steps.sum(), *(100 * np.quantile(drawn, [0.025, 0.975]))]


rng = np.random.default_rng(0)
found = {}
for name, game in worlds.items():
    for part in ("train", "val", "test"):
        played, met_here = play_watched(
            game[part], counted[name].policy, np.random.default_rng(1)
        )
        found[name, part] = share_met(met_here, played.steps, rng)
found = pd.DataFrame(found, index=["met, %", "low", "high"]).T
found.round(1).unstack()[[("met, %", p) for p in ("train", "val", "test")]]

# %%
later = found.loc[(slice(None), ["val", "test"]), :]
later.round(2)

# %%
assert (
    found.loc[["described", "as coded"]].loc[(slice(None), ["val", "test"]), "high"] < 5
).all()
assert (found.loc["as coded, selection"].loc[["val", "test"], "high"] < 2).all()
assert (found.loc["described, selection"].loc[["val", "test"], "met, %"] > 90).all()
glue(
    "explosion-val-described",
    f"{found.loc[('described', 'val'), 'met, %']:.1f}%",
    display=False,
)
glue(
    "explosion-val-coded", f"{found.loc[('as coded', 'val'), 'met, %']:.1f}%", display=False
)
glue(
    "explosion-val-selection",
    f"{found.loc[('described, selection', 'val'), 'met, %']:.0f}%",
    display=False,
)

# %% [markdown]
# This is the main result of the chapter, and it is not the one we were told to expect. **Without** selection, the small table has met
# next to nothing of what it needs for later customers:
# {glue:text}`explosion-val-described` of the validation decisions as described, {glue:text}`explosion-val-coded` as coded. What the
# published baseline does on later customers is, in our runs, almost wholly chance. With selection as described the table
# has met {glue:text}`explosion-val-selection`: everybody starts as fifteen blanks, and the table knows them well.
#
# So the number of states and the share that is met later have little to do with each other. Something else decides: *which* feature
# tells the states apart. We leave out one feature at a time and ask how many validation customers then start in a state that some
# training customer started in, too.

# %%
one_out = {}
for name in ("described", "as coded"):
    train, val = rounded(worlds[name]["train"]), rounded(worlds[name]["val"])
    share = {}
    for left_out in [None, *range(N_FEATURES)]:
        kept = [f for f in range(N_FEATURES) if f != left_out]
        known = set(map(tuple, train[:, kept]))
        share["nothing" if left_out is None else NAMES[left_out]] = 100 * np.mean(
            [tuple(row) in known for row in val[:, kept]]
        )
    one_out[name] = share
one_out = pd.DataFrame(one_out)
one_out[
    (one_out > one_out.loc["nothing"] + 5).any(axis=1) | (one_out.index == "nothing")
].round(1)

# %%
described_culprit, coded_culprit = (
    one_out["described"].idxmax(),
    one_out["as coded"].idxmax(),
)
assert described_culprit == "Days_Since_First_Contact" and coded_culprit == "Country"
assert one_out["described"].max() > 80 and one_out["as coded"].max() > 60
print(f"described: without {described_culprit}, {one_out['described'].max():.0f}% are met")
print(f"as coded:  without {coded_culprit}, {one_out['as coded'].max():.0f}% are met")

# %% [markdown]
# One column each. As described, "days since the first contact" counts back from one day for all parts, and the split is by first
# contact: the later customers have smaller values *by construction*, values that no training customer has. As coded, days are counted anew
# in each part, and so are the country codes: most countries have another number later on, one that in training belonged to somebody else, and
# the combination with its conversion rate is new. Neither has anything to do with how *many* states there are. It is a shift between
# training and use, and a table, which knows only "the same" and "not the same", turns the smallest shift into a total loss.
#
# ## Turning the number of states up
#
# To see what more states cost when nothing else changes, we need a dial. We fix which features are visible and keep the rest blank: first
# none, then the flag of the first call, then more, and at last all 15. Same customers, same rewards, same learner; no toggles. For
# each setting of the dial we train eight tables of 20,000 episodes on the `as coded` rewards, where actions cost different amounts and choosing well
# matters most, and let them treat every customer of train and of validation once.

# %%
SEEDS = range(8)
RUNGS = {
    "nothing": [],
    "+ first-call flag": ["Had_First_Call"],
    "+ the other flags": ["Had_Demo", "Had_Survey", "Had_Signup", "Had_Manager"],
    "+ stage, status, count": ["Stage", "Status_Active", "Stages_Completed"],
    "+ two rates": ["Country_ConvRate", "Education_ConvRate"],
    "+ days between, frequency": ["Days_Between_Contacts", "Contact_Frequency"],
    "+ days since last": ["Days_Since_Last_Contact"],
    "+ days since first": ["Days_Since_First_Contact"],
    "+ country (all 15)": ["Country"],
}


def turn_the_dial(game: dict, rungs: dict[str, list[str]], parts=("train", "val")):
    """Rewards of each customer, by rung and part, shape (seeds, customers), and a row a rung."""
    visible, rewards, rows = [], {}, {}
    for rung, added in rungs.items():
        visible = visible + [NAMES.index(name) for name in added]
        limited = {part: with_visible(game[part], visible) for part in parts}
        learns_in = with_visible(game["train"], visible)
        runs = [train_counting(learns_in, episodes=20_000, seed=seed) for seed in SEEDS]
        row = {"states": np.mean([len(run.decisions) for run in runs])}
        for part, world in limited.items():
            played = [
                play_watched(world, run.policy, np.random.default_rng([seed, 1]))
                for seed, run in zip(SEEDS, runs, strict=True)
            ]
            rewards[rung, part] = np.array([one.reward for one, _ in played])
            if part == "val":
                shares = [met.sum() / one.steps.sum() for one, met in played]
                row["met in val, %"] = 100 * np.mean(shares)
        rows[rung] = row
    return rewards, pd.DataFrame(rows).T


rewards, dial = turn_the_dial(worlds["as coded"], RUNGS)
curves = {}
for part in ("train", "val"):
    rng = np.random.default_rng(2)
    curves[part] = pd.DataFrame(
        {rung: over_seeds(rewards[rung, part].mean(axis=1), rng) for rung in RUNGS}
    ).T.assign(states=dial["states"])
shown = dial.round(1)
for part, curve in curves.items():
    shown[part] = curve["iqm"].round(2)
    shown[f"{part}, 95%"] = [
        f"{low:.2f} to {high:.2f}"
        for low, high in zip(curve["low"], curve["high"], strict=True)
    ]
shown.drop(columns="train, 95%")

# %% [markdown]
# The column `val` is the {term}`interquartile mean` over seeds, with a bootstrap interval over seeds. Two policies that learn nothing
# stand beside them, on the same customers:

# %%
val_as_coded = worlds["as coded"]["val"]
wait = play(val_as_coded, constant_policy(Action.WAIT), np.random.default_rng(0)).reward
by_chance = np.array(
    [
        play(val_as_coded, random_policy, np.random.default_rng([seed, 9])).reward
        for seed in SEEDS
    ]
)
marked = {"always wait": wait.mean(), "random": by_chance.mean()}
pd.Series(marked, name="mean reward").round(2)

# %% mystnb={"figure": {"caption": "Mean reward as coded against the number of states, as more features are shown: on the training customers and on later ones. Interquartile mean of eight seeds, 95% bootstrap intervals.", "name": "fig-explosion-dial"}, "image": {"alt": "Two falling lines. Tables with 2 to about 70 states earn about minus 8 to minus 10 on both; the one with a single state has a bar over the whole range on later customers. From there both fall as states are added, the later customers much further: with all 15 features they end at the reward of a random policy, the training customers well above it."}} tags=["hide-input"]
plots.reward_by_states(
    {"training customers": curves["train"], "later customers": curves["val"]}, marked
)
plt.show()

# %%
small, full = list(RUNGS)[1:5], list(RUNGS)[-1]
assert curves["val"].loc[small, "iqm"].min() > -12
assert abs(curves["val"].loc[full, "iqm"] - by_chance.mean()) < 3
assert curves["train"].loc[full, "low"] > by_chance.mean() + 10
assert (np.diff(curves["val"]["iqm"].iloc[4:]) < 0).all()


# %%
def difference(a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> tuple[float, ...]:
    """Mean of a - b, shapes (seeds, customers), and an interval from drawing both anew."""
    gap = a - b
    draws = []
    for _ in range(1000):
        seeds = rng.integers(len(gap), size=len(gap))
        draws.append(
            gap[seeds].mean(axis=0)[rng.integers(gap.shape[1], size=gap.shape[1])].mean()
        )
    return gap.mean(), *np.quantile(draws, [0.025, 0.975])


def in_words(low: float, high: float) -> str:
    return (
        "lies above zero" if low > 0 else "lies below zero" if high < 0 else "includes zero"
    )


rng = np.random.default_rng(3)
pairs = {
    "first-call flag alone, over always wait": (rewards["+ first-call flag", "val"], wait),
    "all 15, over always wait": (rewards[full, "val"], wait),
    "all 15, over random": (rewards[full, "val"], by_chance),
}
gaps = pd.DataFrame(
    {name: difference(a, b, rng) for name, (a, b) in pairs.items()},
    index=["gap", "low", "high"],
).T
for key, name in zip(("flag", "wait", "chance"), gaps.index, strict=True):
    glue(f"explosion-{key}", in_words(*gaps.loc[name, ["low", "high"]]), display=False)
assert gaps.loc["all 15, over always wait", "high"] < 0
gaps.round(2)

# %% [markdown]
# {numref}`fig-explosion-dial` holds three lessons.
#
# **More states are learned more slowly.** Look at the training customers alone, whose states have nearly all been met. Their reward falls
# as well, as soon as the days come in: the same steps are spread over more rows, and no row tells its neighbour what it found
# out.
#
# **More states are met again more rarely.** The later customers fall further. With all 15 features shown almost none of their states has been
# met, and the interval of the gap to a random policy {glue:text}`explosion-chance`. Note that the share of met states collapses
# with the last column added, the country code, and not step by step with the number of states.
#
# **A small table that tells the right things apart does well.** One flag, two states: the interval of its gain over always waiting
# {glue:text}`explosion-flag`. With nothing visible the table must do the same for everybody, and since in balanced training most
# customers have a call on record ({ref}`sec-funnel-balancing`), on some seeds it learns to call everybody; that is dear on later
# customers. A table needs an *abstraction* of the state, one that keeps what matters for the choice and drops the rest; which abstractions are
# safe is a subject of its own {cite:p}`li2006`.
#
# As described, the same dial moves hardly anything:

# %%
three = {
    "nothing": [],
    "+ all flags": [name for name in NAMES if name.startswith("Had_")],
    "+ the other ten": [name for name in NAMES if not name.startswith("Had_")],
}
rewards_described, dial_described = turn_the_dial(worlds["described"], three, parts=["val"])
chance_described = np.array(
    [
        play(
            worlds["described"]["val"], random_policy, np.random.default_rng([seed, 9])
        ).reward
        for seed in SEEDS
    ]
)
rng = np.random.default_rng(4)
for rung in three:
    gap, low, high = difference(rewards_described[rung, "val"], chance_described, rng)
    dial_described.loc[rung, ["over random", "low", "high"]] = gap, low, high
assert dial_described["over random"].abs().max() < 0.5
dial_described.round(2)

# %% [markdown]
# There every action costs 1, an episode has ten steps, and a random policy stumbles on a call in most of them. There is next to
# nothing to lose by not knowing a state. **How much an explosion costs depends on how much a choice matters.**
#
# (sec-explosion-because)=
# ## "Feature selection fails because of the explosion"
#
# Now the sentence itself. It says that with selection the table failed (0.80% against 1.80%), and why. Subscription rates are for chapter 7;
# here we ask about the *because*, with rewards, game by game.
#
# **As coded.** The explosion is there, and nearly all decisions about later customers are made in unmet states. If that is the cause, the
# baseline should be better off. It is not: its decisions are made in unmet states, too. We compare each table with a random policy of its own
# game. Four tables of 20,000 episodes, and the one of 100,000 from above, played four times:

# %%
selection = worlds["as coded, selection"]
chance_selection = np.array(
    [
        play(selection["val"], random_policy, np.random.default_rng([seed, 9])).reward
        for seed in range(4)
    ]
)
four = [
    train_counting(selection["train"], episodes=20_000, seed=seed).policy
    for seed in range(4)
]
one = [counted["as coded, selection"].policy] * 4
against_chance = {"as coded, 15 features": gaps.loc["all 15, over random"].tolist()}
for name, policies in {
    "selection, 20,000 episodes": four,
    "selection, 100,000 episodes": one,
}.items():
    earned = [
        play(selection["val"], policy, np.random.default_rng([seed, 1])).reward
        for seed, policy in enumerate(policies)
    ]
    against_chance[name] = difference(np.array(earned), chance_selection, rng)
against_chance = pd.DataFrame(against_chance, index=["over random", "low", "high"]).T
against_chance["the interval"] = [
    in_words(*row) for row in against_chance[["low", "high"]].to_numpy()
]
against_chance.round(2)

# %%
assert against_chance["over random"].abs().max() < 3

# %% [markdown]
# All of them play like chance on later customers. If one of two coins shows more heads than the other, their sizes are not the
# reason.
#
# **As described.** Here there is no explosion, and nearly all later decisions are in met states. So does selection work? We train
# eight tables of 50,000 episodes and let them treat the validation customers, beside "call at once", which shows nothing and
# calls everybody.

# %%
looking = worlds["described, selection"]
at_once = play(
    looking["val"], constant_policy(Action.CALL), np.random.default_rng(0)
).reward


def eight_tables(alpha: float):
    """A row a seed, and the rewards, shape (seeds, customers)."""
    rows, earned, policies = {}, [], []
    for seed in SEEDS:
        run = train_counting(looking["train"], STUDY._replace(alpha=alpha), 50_000, seed)
        played, met_here = play_watched(
            looking["val"], run.policy, np.random.default_rng([seed, 1])
        )
        earned.append(played.reward)
        policies.append(run.policy)
        rows[seed] = {
            "states": len(run.decisions),
            "met in val, %": 100 * met_here.sum() / played.steps.sum(),
            "mean steps": played.steps.mean(),
            "mean reward": played.reward.mean(),
        }
    return (
        pd.DataFrame(rows).T.rename_axis("seed").astype({"states": int}),
        np.array(earned),
        policies,
    )


tenth, tenth_rewards, tables = eight_tables(alpha=0.1)
print(f"call at once: {at_once.mean():.2f}")
tenth.round(2)

# %% [markdown]
# Some of these tables are far worse than doing one thing blindly, though they have met what they see. Look at the mean number of steps:
# close to 20 is the horizon. What does the worst one do there?

# %%
worst = int(tenth["mean reward"].idxmin())
people, rules, _ = looking["val"]
quiet = int(np.flatnonzero(~people.reached.any(axis=1))[0])
state, seen = start(quiet, people, rules), np.empty((1, 30), dtype=np.float32)
chooser, story = np.random.default_rng(0), []
for _ in range(6):
    observe(state, people, rules, seen[0])
    action = int(tables[worst].act(seen, chooser)[0])
    state = step(state, action, people, rules).state
    if action < N_FEATURES:
        story.append(("show " if state.mask >> action & 1 else "hide ") + NAMES[action])
    else:
        story.append(Action(action - N_FEATURES).name.lower())
assert tenth.loc[worst, "mean steps"] > 5
print(f"seed {worst}: " + ", ".join(story) + ", ...")

# %% [markdown]
# It goes in circles. In training it would not, since each useless toggle lowers its own value by a little, until something else is on top. A
# frozen table has no such way out. But why did it end up with toggles on top?
#
# :::{admonition} By hand: a restless value
# :class: by-hand
#
# Nothing is visible, and the agent calls at once. In a balanced draw the next customer brings +99, +14 or −1 (or +114, with a call and
# a subscription on record). Say that the value stands at 35, with a learning rate of 0.1. A subscriber lifts it to
# $35 + 0.1\,(99 - 35) = 41.4$. Four others with −1 take it to 37.2, 33.3, 29.9, 26.8. So it wanders, for ever, around its
# mean.
#
# How far? In {ref}`the last chapter <ch-q-learning>` we found $\sigma \sqrt{\alpha / (2 - \alpha)}$ for rewards of standard
# deviation $\sigma$: that is $0.229\,\sigma$ for $\alpha = 0.1$, and $0.071\,\sigma$ for $\alpha = 0.01$.
# :::

# %%
from crm_rl.balancing import draw_many
from crm_rl.funnel import DESCRIBED_SELECTION, start_all, step_all

drawn = np.empty(20_000, dtype=np.int64)
draw_many(looking["train"].pools, np.random.default_rng(5), drawn)
people = looking["train"].population
calls = np.full(len(drawn), N_FEATURES + Action.CALL)
paid = step_all(
    start_all(drawn, people, DESCRIBED_SELECTION), calls, people, DESCRIBED_SELECTION
).reward
sigma, mean = paid.std(), paid.mean()
gap_of_looking = mean - (-1 + 0.95 * (mean - 0.1))
restless = {alpha: sigma * np.sqrt(alpha / (2 - alpha)) for alpha in (0.1, 0.01)}
assert restless[0.1] > 2 * gap_of_looking > restless[0.01]
print(f"calling at once in balanced draws: mean {mean:.1f}, standard deviation {sigma:.1f}")
print(
    f"calling at once is better than showing one useless feature first by {gap_of_looking:.1f}"
)
for alpha, wander in restless.items():
    print(
        f"with alpha = {alpha}, the value wanders with a standard deviation of {wander:.1f}"
    )

# %% [markdown]
# With a learning rate of 0.1 the values wander several times as far as the gap between a right and a useless action, and the maximum over
# twenty-one restless values favours whichever was lucky last (*maximisation bias*: {cite:t}`sutton2018`, section 6.7; {cite:t}`hasselt2010` has a remedy). Which one is on top
# when training stops is an accident of the last few customers. If that is the cause, a smaller learning rate must mend it, with all
# else equal.

# %%
hundredth, hundredth_rewards, _ = eight_tables(alpha=0.01)
rng = np.random.default_rng(6)
step_sizes = pd.DataFrame(
    {
        "alpha = 0.1": over_seeds(tenth["mean reward"].to_numpy(), rng),
        "alpha = 0.01": over_seeds(hundredth["mean reward"].to_numpy(), rng),
    }
).T
step_sizes["states"] = [tenth["states"].median(), hundredth["states"].median()]
step_sizes["met in val, %"] = [
    tenth["met in val, %"].mean(),
    hundredth["met in val, %"].mean(),
]
step_sizes.round(2)

# %%
by_step = difference(hundredth_rewards, tenth_rewards, rng)
assert by_step[1] > 0 and hundredth["mean steps"].max() < 2
assert min(tenth["met in val, %"].mean(), hundredth["met in val, %"].mean()) > 90
glue(
    "explosion-by-step",
    f"{by_step[0]:.1f} ({by_step[1]:.1f} to {by_step[2]:.1f})",
    display=False,
)
print(
    f"gain by the smaller rate: {by_step[0]:.2f}, 95% interval {by_step[1]:.2f} to {by_step[2]:.2f}"
)

# %% [markdown]
# The mean reward rises by {glue:text}`explosion-by-step` points, and every table now acts at once. Same game, same
# states to be met, one constant changed. The failure as described was restlessness, not explosion.
#
# What our counts say of the sentence, part by part:
#
# | the claim | as coded | as described |
# |---|---|---|
# | selection makes far more states | yes, by a factor of {glue:text}`explosion-factor-coded` | no: a factor of {glue:text}`explosion-factor-described` |
# | most of them are met too rarely to be learned | yes: {glue:text}`explosion-once` of them once | {glue:text}`explosion-once-described` of them once, but the busiest 1% hold {glue:text}`explosion-busiest` of the decisions |
# | the table must guess for later customers | yes, and the baseline as well | no |
# | *therefore* it does worse than the baseline | not supported: both are at chance | not supported: a smaller learning rate mends it |
#
# The explosion exists, and {numref}`fig-explosion-dial` shows what it can cost. What it does not do is explain *this* failure. This is about our runs, on
# these customers; the published run we cannot repeat, only its rules.
#
# ## What a table can do, and what it cannot
#
# - It **can** learn any policy that its states can express, the best one in the limit, without any assumption about which states are alike.
# - It **can** be small and excellent, if somebody chooses the right abstraction: two states were enough here.
# - It **cannot** say anything about a state it has not met; a hundredth of a feature is as strange to it as another planet.
# - It **cannot** tell what it knows from what it does not, unless it counts. So count: `known` is one line, and should be printed beside every
#   score of a table.
#
# A learner that treats *similar* states alike would need fewer samples and would always have an answer. Whether it is a good answer is the
# question of the next chapter.
#
# ## Exercises
#
# ::::{exercise} Count, then list
# :label: ex-explosion-count
#
# Four features have 3, 2, 2 and 2 values, and each has a mask bit. How many states are there as coded, and how many if hidden features
# look alike? Compute both by {eq}`explosion-count`, then list them by machine and count.
# ::::

# %%
values = [3, 2, 2, 2]

# %% [markdown]
# :::{solution-start} ex-explosion-count
# :class: dropdown
# :::
#
# As coded $2^4 \times 24 = 384$; where hidden features look alike $4 \times 3 \times 3 \times 3 = 108$. To list them, we take every
# combination with every mask, and blank what is hidden.

# %%
from itertools import product

everything = [
    (combination, mask)
    for combination in product(*(range(n) for n in values))
    for mask in product((0, 1), repeat=len(values))
]
blanked = {
    (tuple(v if bit else None for v, bit in zip(combination, mask, strict=True)), mask)
    for combination, mask in everything
}
assert len(set(everything)) == 2**4 * 24 == 384
assert len(blanked) == 4 * 3 * 3 * 3 == 108
print(f"as coded {len(set(everything))}, hidden features alike {len(blanked)}")

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} Rounding as a dial
# :label: ex-explosion-rounding
#
# The state key rounds to two decimals. Train a table in the `described` game without selection on keys of 0, 1, 2 and 3 decimals, 20,000
# episodes each. How many states does it meet, and what share of the decisions about validation customers falls in them?
# ::::

# %%
smooth = worlds["described"]
run = train_counting(smooth["train"], episodes=20_000, decimals=2)
len(run.decisions)

# %% [markdown]
# :::{solution-start} ex-explosion-rounding
# :class: dropdown
# :::
#
# The finer, the more states, and the fewer of them are met again. Coarse rounding is a crude way of treating similar states alike: it
# works where a feature's value hardly matters, and it also throws away what matters, such as all the conversion rates.

# %%
by_decimals = {}
for decimals in range(4):
    run = train_counting(smooth["train"], episodes=20_000, decimals=decimals)
    played, met_here = play_watched(smooth["val"], run.policy, np.random.default_rng(1))
    share = 100 * met_here.sum() / played.steps.sum()
    by_decimals[decimals] = {"states": len(run.decisions), "met in val, %": share}
by_decimals = pd.DataFrame(by_decimals).T.rename_axis("decimals").astype({"states": int})
assert by_decimals["states"].is_monotonic_increasing
assert by_decimals["met in val, %"].is_monotonic_decreasing
by_decimals.round(1)

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} How many decisions would it take?
# :label: ex-explosion-needed
#
# Suppose that decisions were spread evenly over states, and that the 21 actions were drawn at random. How many decisions does a state need
# until any given action of it has been tried with a probability of 95%? How many is that for all the states that the table met as coded with
# selection, and how many did it have? Check the first number by simulation.
# ::::

# %%
untried_after_one = 20 / 21
round(untried_after_one, 4)

# %% [markdown]
# :::{solution-start} ex-explosion-needed
# :class: dropdown
# :::
#
# After $n$ decisions an action is still untried with probability $(20/21)^n$. That is 5% at
# $n = \ln 0.05 / \ln (20/21) = 61.4$, so 62. And a single try, with a learning rate of 0.1, is only a tenth of the way.

# %%
needed = int(np.ceil(np.log(0.05) / np.log(20 / 21)))
tried = np.random.default_rng(7).integers(21, size=(20_000, needed))
share = (tried == 0).any(axis=1).mean()
assert needed == 62 and abs(share - 0.95) < 0.01

in_all = needed * states["as coded, selection"]
assert in_all > 5 * met.loc["as coded, selection", "decisions"]
print(f"{needed} decisions a state; simulated, {share:.1%} of the states have tried it")
print(f"needed {in_all:,}, had {met.loc['as coded, selection', 'decisions']:,}")

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - States multiply. Three different counts: possible, met in training, met by those who come later. Say which one you quote.
# - "Samples per state" is decisions over states, not customers over states; and its mean hides that most states may be met once.
# - In an unmet state a table guesses. Print the share of met decisions beside every score.
# - More states hurt twice: they are learned more slowly, and met again more rarely. A single column that shifts over time is enough for the second.
# - The explosion is real as coded and hardly there as described. In neither does it explain why selection does worse: the baseline guesses as well, or a
#   smaller learning rate mends it.
# - The remedy for a table is an abstraction that keeps what matters. A table of two states was among our best.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. Five yes-or-no features, each with a mask bit, hidden ones seen as blank. How many states?
# :class: quiz
#
# ::::{dropdown} 32
# :class-container: wrong
#
# That is $2^5$, the features without masks.
# ::::
# ::::{dropdown} 243
# :class-container: right
#
# Yes, no or blank: $3^5 = 243$.
# ::::
# ::::{dropdown} 1,024
# :class-container: wrong
#
# $4^5$ would be the count if hidden values were still told apart.
# ::::
# :::::
#
# :::::{admonition} 2. A report says: "500,000 states and 10,000 customers, so 0.02 samples per state." What is wrong?
# :class: quiz
#
# ::::{dropdown} Nothing; it is a division
# :class-container: wrong
#
# The division is right, and it is not samples per state. A customer gives one sample a step, in many episodes.
# ::::
# ::::{dropdown} Samples are steps, and a state in the table was met at least once
# :class-container: right
#
# So the ratio of updates to met states is at least about 1, and the customers are the wrong numerator.
# ::::
# ::::{dropdown} It should be states per sample
# :class-container: wrong
#
# Turning the fraction over does not mend the numerator.
# ::::
# :::::
#
# :::::{admonition} 3. Ten decisions a state on average, and over half of the states have exactly one. How can that be?
# :class: quiz
#
# ::::{dropdown} The greedy agent returns to a few states, and exploration visits many others once
# :class-container: right
#
# A heavily skewed distribution has a mean far above its median.
# ::::
# ::::{dropdown} It cannot; one of the numbers is wrong
# :class-container: wrong
#
# If decisions fell evenly it would be all but impossible. They do not fall evenly.
# ::::
# ::::{dropdown} The table forgets states
# :class-container: wrong
#
# A table forgets nothing. It keeps a row for every state it has met.
# ::::
# :::::
#
# :::::{admonition} 4. A table of 1,500 states meets 0.4% of later customers' states again. What is the first thing to look at?
# :class: quiz
#
# ::::{dropdown} More training episodes
# :class-container: wrong
#
# Training customers have been met already. More of the same does not bring states that only later customers have.
# ::::
# ::::{dropdown} Whether some feature takes other values later
# :class-container: right
#
# Leave out one feature at a time: here, one column made all the difference.
# ::::
# ::::{dropdown} A larger table
# :class-container: wrong
#
# The table grows by itself. Rows for states nobody meets again are of no use.
# ::::
# :::::
#
# :::::{admonition} 5. With a learning rate of 0.1 some tables toggle features in circles, with 0.01 none does. What does this show?
# :class: quiz
#
# ::::{dropdown} That 0.01 is the best learning rate
# :class-container: wrong
#
# For this game, this reward noise and this many episodes it is better. Too small a rate would not have moved the values at all.
# ::::
# ::::{dropdown} That unmet states caused the circles
# :class-container: wrong
#
# Nearly all decisions were in met states with both rates.
# ::::
# ::::{dropdown} That the circles came from restless values, not from the number of states
# :class-container: right
#
# Nothing but the learning rate was changed, and the effect's interval excludes zero.
# ::::
# :::::
#
# :::::{admonition} 6. The table with two states earns more on later customers than that with two thousand. Why?
# :class: quiz
#
# ::::{dropdown} It has been trained longer
# :class-container: wrong
#
# All had 20,000 episodes.
# ::::
# ::::{dropdown} Its two states keep what matters for the choice, and both are met again by everybody
# :class-container: right
#
# Many samples a state, and no unmet states.
# ::::
# ::::{dropdown} Smaller tables are always better
# :class-container: wrong
#
# The table with one state is worse on some seeds: it has to call everybody or nobody.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} What is state-space explosion, and how do you see it in a project?
# :class-container: interview
#
# The number of states is a product over features, so it outgrows the data quickly. I would plot states met against episodes: a line that does
# not bend says that training keeps meeting states for the first time ({numref}`fig-explosion-growth`). Then I would count decisions a state, the
# median and not only the mean, and above all the share of decisions in met states on *later* data, since that is where the table is used.
# ::::
# ::::{dropdown} A colleague says that the Q-table failed because of 522,619 states. How do you check?
# :class-container: interview
#
# I split the claim. Are there that many, and of which kind? Are the later customers' states among them? And does a variant without the explosion do
# better, all else equal? Here the small baseline table meets hardly any later state either, so both guess; and in the setting without
# an explosion the failure went away with a smaller learning rate. So the count is true, and the "because" is not supported
# ({ref}`sec-explosion-because`).
# ::::
# ::::{dropdown} What does tabular Q-learning need in order to converge, and what of that holds here?
# :class-container: interview
#
# Every state and action must be tried without end, the learning rates must shrink suitably, and the states must be Markov {cite:p}`watkins1992`. Here
# over half of the states were seen once, the learning rate is constant, and the observation is not the state. A constant rate leaves a
# permanent wandering of about $\sigma \sqrt{\alpha / (2 - \alpha)}$. It may still give a good policy, but one should not expect it.
# ::::
# ::::{dropdown} How would you shrink a state space without a neural network?
# :class-container: interview
#
# Keep the features that change which action is best, and drop or coarsen the rest: state abstraction. Remove columns that drift over time, such as days counted
# from a fixed day. Check each step on later data, as with the dial of {numref}`fig-explosion-dial`. Tile coding or a
# linear model over a few features is the next rung, before anything deep.
# ::::
#
# ## Further reading
#
# - {cite:t}`bellman1957` named the curse of dimensionality, in the preface.
# - {cite:t}`sutton2018`, section 2.5 for constant learning rates, 6.7 for maximisation bias, chapter 9 for what to do instead of a table.
# - {cite:t}`li2006` sort state abstractions by what they preserve.
# - {cite:t}`guyon2003` on selecting features; {cite:t}`janisch2019` on paying for each of them, with reinforcement learning.
