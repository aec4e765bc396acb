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
#   - what a table does in a state it has never met, and how to tell an explosion from a drift
#   - to read an interquartile mean and a bootstrap over seeds, worked by hand
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
# Below the line: neither formula above gives this number. With masks that hide nothing it would be a multiple of $2^{15}$, and
# $522{,}619 / 32{,}768 = 15.95$. With hidden features alike, each of the five yes-or-no flags puts in a factor of 3, and 522,619 is not even divisible by 3
# (its digits add up to 25). So it is not a count of *possible* states; it is how many rows the table had *after training*, states that were met, each
# at least once.
#
# Above the line: 11,032 is the number of customers in the file, validation and test included. But customers are not what fills a table.
# **Steps** are: each step updates one row. An episode of the selection game may take twenty steps (as coded even more). If it took but ten on
# average, 100,000 episodes would be $1{,}000{,}000 / 522{,}619 = 1.9$ updates a state, ninety times as many.
# :::
#
# Every state in the table was met at least once. Met is not yet updated: the state in which an episode is cut off gets a row, since its value
# is looked up, but nothing is decided in it. So a state may have seen no update at all, and its neighbour a thousand. The right question is not
# *customers divided by states*, it is *how often was each state updated, and will I meet it again?* For that we need the machine.
#
# The customers are those of the synthetic {term}`twin`, unless you have set `CRM_RL_DATA`. Counts of states depend on the very values of the features,
# so on the original they come out somewhat different; what we say about them in words holds on both, and cells check it.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from myst_nb import glue

from crm_rl import plots
from crm_rl.data import clean, data_path, load
from crm_rl.agents.reference import constant_policy, random_policy
from crm_rl.evaluation.rollouts import play
from crm_rl.worlds.replay_world import with_visible
from crm_rl.evaluation.rollouts import play_watched
from crm_rl.data.features import PUBLISHED_FEATURES
from crm_rl.worlds.base import MAX_STEPS, N_FEATURES, Action
from crm_rl.worlds.replay import STAGE_FEATURE, STAGE_OF
from crm_rl.evaluation.intervals import in_digits, in_words, interquartile_mean, wilson
from crm_rl.evaluation.intervals import over_seeds, over_seeds_and_clusters
from crm_rl.agents.q_learning import STUDY, train_q_learning
from crm_rl.worlds.replay_keys import levels_of
from crm_rl.worlds.replay_world import replay_worlds

plots.use_style()

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

# %% tags=["remove-cell"]
assert round(11_032 / 522_619, 3) == 0.021
assert 522_619 % 2**15 != 0 and 522_619 % 3 != 0

# %% [markdown]
# ## How many states are possible?
#
# Four games: two settings, each without and with feature selection. We round the features of the training customers to two
# decimals, as the state key does, and count the values. The actions can lift the stage, so it gets the values that it can be
# lifted to as well.


# %%
def n_levels(world) -> np.ndarray:
    """How many values each feature can take, shape (15,)."""
    levels = levels_of(world.population).counts.astype(float)
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
pd.DataFrame(possible).T

# %% tags=["remove-cell"]
assert all(float(row["product of levels"]) > 8e9 for row in possible.values())

# %% [markdown]
# The product is absurd: more states than there are people on Earth, for a file of eleven thousand. It counts combinations that
# nobody has, such as a customer of every country with every conversion rate. What can occur is bounded by the people in the training part:
# so many *different* rounded customers, times the masks where there are masks. (The stage can be lifted on top of this; and where hidden features look
# alike, many of the combinations fall together, so that the last column is only a bound.)
#
# ## How many does training meet?
#
# We train the four tables of the study, 100,000 episodes each. On the way training notes two things that these settings have no need of: how many
# states had been met by the end of each episode, and how often each action was tried in each state.
#
# :::{admonition} Predict
# :class: predict
# The mask has 32,768 values in both selection games. By what factor will the number of states grow when selection is switched on: as coded,
# where everything starts visible, and as described, where everything starts hidden and the first action of the firm ends the
# episode?
# :::

# %%
trained = {name: train_q_learning(game["train"]) for name, game in worlds.items()}
decisions = {name: policy.tries.sum(axis=1) for name, policy in trained.items()}
met = pd.DataFrame(
    {
        name: {
            "states met": len(of_states),
            "decisions": of_states.sum(),
            "states decided in": (of_states > 0).sum(),
        }
        for name, of_states in decisions.items()
    }
).T
met.map("{:,}".format)

# %%
states = met["states met"]
factor_coded = states["as coded, selection"] / states["as coded"]
factor_described = states["described, selection"] / states["described"]
print(f"times as many states with selection: as coded {factor_coded:.0f}, ", end="")
print(f"as described {factor_described:.1f}")

# %% tags=["remove-cell"]
assert factor_coded > 100 > 10 > factor_described
glue("explosion-states", f"{states['as coded, selection']:,}", display=False)
glue("explosion-factor-coded", f"{factor_coded:.0f}", display=False)
glue("explosion-factor-described", f"{factor_described:.1f}", display=False)

# %%
episodes = np.unique(np.geomspace(1, 100_000, 60).astype(int))
growth = {
    name: pd.Series(policy.history["states"][episodes - 1], index=episodes)
    for name, policy in trained.items()
}
last_tenth = {
    name: states_met.iloc[-1] - trained[name].history["states"][90_000 - 1]
    for name, states_met in growth.items()
}
pd.Series(last_tenth, name="new states in the last 10,000 episodes").map("{:,}".format)

# %% mystnb={"figure": {"caption": "States met in training, in the four games; both axes logarithmic.", "name": "fig-explosion-growth"}, "image": {"alt": "Four rising lines. As coded with selection grows almost in proportion to the episodes, to about half a million states, and does not bend. The three others stay in the hundreds or low thousands."}} tags=["hide-input"]
plots.state_space_explosion(growth)
plt.show()

# %% tags=["remove-cell"]
assert 450_000 < states["as coded, selection"] < 550_000
assert last_tenth["as coded, selection"] > 0.05 * states["as coded, selection"]
assert last_tenth["as coded"] < 0.02 * states["as coded"]
assert states.drop("as coded, selection").max() < 10_000

# %% [markdown]
# The explosion is real, in one of the two games ({numref}`fig-explosion-growth`). As coded, selection multiplies the states by
# {glue:text}`explosion-factor-coded`, to {glue:text}`explosion-states` (the study reports 522,619), and the table still grows when training stops: there is
# no sign of an end. As described the factor is {glue:text}`explosion-factor-described` under the study's schedule. A blank is a blank: as long as little is shown, most
# customers look the same, and an agent that acts early never gets into the far corners of the mask space. This is how *this agent* behaves, not a property of the
# game: with every action drawn by lot the same game shows tens of thousands of states, as {ref}`we shall see <sec-explosion-because>`.
#
# So "15 mask bits" do not make an explosion by themselves. It takes an agent that turns them: one that may do so at leisure, as coded, or one that explores
# without end.
#
# ## How often is each state met?
#
# Now samples per state, counted: decisions in a state, over all states that were met. "Never" are those in which an episode was cut off and
# nothing was ever decided.

# %%
spread = {}
for name, of_states in decisions.items():
    decided = np.sort(of_states)[::-1]
    spread[name] = {
        "mean": decided.mean(),
        "median": np.median(decided),
        "never, %": 100 * (decided == 0).mean(),
        "once, %": 100 * (decided == 1).mean(),
        "busiest 1% hold, %": 100 * decided[: len(decided) // 100].sum() / decided.sum(),
    }
spread = pd.DataFrame(spread).T
spread.round(1)

# %% tags=["remove-cell"]
at_most_once = spread["never, %"] + spread["once, %"]
exploded = spread.loc["as coded, selection"]
assert exploded["median"] <= 1 and at_most_once["as coded, selection"] > 50
assert 5 < exploded["mean"] < 20
glue("explosion-once", f"{at_most_once['as coded, selection']:.0f}%", display=False)
blind = spread.loc["described, selection"]
glue(
    "explosion-once-described",
    f"{at_most_once['described, selection']:.0f}%",
    display=False,
)
glue("explosion-busiest", f"{blind['busiest 1% hold, %']:.0f}%", display=False)
glue("explosion-times", f"{exploded['mean'] / (11_032 / 522_619):.0f}", display=False)
glue("explosion-mean", f"{exploded['mean']:.0f}", display=False)
# %% [markdown]
# As coded with selection there are {glue:text}`explosion-mean` decisions a state on average, {glue:text}`explosion-times` times the published 0.021. And
# yet {glue:text}`explosion-once` of the states saw one or none. If ten samples a state fell by pure chance, a state
# would see one or none with probability $(1 + 10)\,e^{-10}$, one in 2,000. They do not fall by chance: the greedy agent walks the same paths over and
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
# One detail. As coded with selection only a subscription or a late toggle ends an episode, and training waits for it, however long it takes. When
# we play, we stop after 50 steps. The column "cut at 50" says how many customers that concerns.
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
found, cut = {}, {}
for name, game in worlds.items():
    for part in ("train", "val", "test"):
        played, met_here = play_watched(game[part], trained[name], np.random.default_rng(1))
        found[name, part] = share_met(met_here, played.steps, rng)
        cut[name, part] = 100 * (played.steps >= MAX_STEPS).mean()
found = pd.DataFrame(found, index=["met, %", "low", "high"]).T
found["cut at 50, %"] = pd.Series(cut)
found.round(2)

# %% tags=["remove-cell"]
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
own = found["met, %"].xs("train", level=1)
assert own["as coded, selection"] < 50 and own.drop("as coded, selection").min() > 99
glue("explosion-train-coded", f"{own['as coded, selection']:.0f}%", display=False)

# %% [markdown]
# (`low` and `high` are 95% intervals over customers, for one table a game, that of seed 0; other seeds are not in them. Where none or all of the decisions are met,
# drawing anew shows no spread, and the interval is Wilson's for a share of *customers*.)
#
# This is not what we were told to expect. **Without** selection, the small table has met
# next to nothing of what it needs for later customers:
# {glue:text}`explosion-val-described` of the validation decisions as described, {glue:text}`explosion-val-coded` as coded. What the
# published baseline does on later customers is, in our runs, almost wholly chance. With selection as described the table
# has met {glue:text}`explosion-val-selection`: everybody starts as fifteen blanks, and the table knows them well.
#
# Now read the column of the *training* customers. With selection as coded the table has met only {glue:text}`explosion-train-coded` of what it
# needs for the very customers that it was trained on; in the three other games it is nearly all. So there are two ways for a state to be unknown.
#
# (sec-explosion-drift)=
# ## Explosion and drift
#
# A state may be unknown because there are too many states, or because the customers have changed. To tell the two apart we need a third
# group: customers of the *same months* as those trained on, whom training never saw. We hold out a fifth of the training customers, drawn at random, and
# train on the rest. What is unknown among those trained on is **explosion**: too many states to meet even one's own. What is unknown among those
# held out, and not among those trained on, is the usual price of generalising to new people. What is unknown only among later customers is **drift**:
# the features themselves have shifted.

# %%
n_training = len(worlds["described"]["train"].population.stage)
held_out = np.random.default_rng(0).random(n_training) < 0.2


def without(world, left_out: np.ndarray):
    """The same world, but episodes are never drawn from these customers."""
    drawn = {pool: getattr(world.pools, pool) for pool in ("first", "second", "everyone")}
    kept = {pool: places[~left_out[places]] for pool, places in drawn.items()}
    return world._replace(pools=world.pools._replace(**kept))


rng = np.random.default_rng(8)
apart = {}
for name, game in worlds.items():
    policy = train_q_learning(without(game["train"], held_out))
    played, met_here = play_watched(game["train"], policy, np.random.default_rng(1))
    for who, members in (("trained on", ~held_out), ("held out at random", held_out)):
        apart[name, who] = share_met(met_here[members], played.steps[members], rng)
    played, met_here = play_watched(game["val"], policy, np.random.default_rng(1))
    apart[name, "later (val)"] = share_met(met_here, played.steps, rng)
apart = pd.DataFrame(apart, index=["met, %", "low", "high"]).T
apart["met, %"].unstack(sort=False).round(1)

# %% mystnb={"figure": {"caption": "Share of decisions in states that training had met, for three groups of customers. Bars from 100% down: what is missing on the left is explosion, what goes missing from the middle to the right is drift. One table a game; 95% intervals over customers.", "name": "fig-explosion-drift"}, "image": {"alt": "Four groups of three bars. Described and as coded: all decisions about customers trained on are in met states, most of those about customers held out at random, and almost none about later ones. Described with selection: nearly all in each group. As coded with selection: less than half of those trained on, fewer of those held out, almost none later."}} tags=["hide-input"]
plots.states_known(apart)
plt.show()

# %% tags=["remove-cell"]
share = apart["met, %"].unstack(sort=False)
baselines = share.loc[["described", "as coded"]]
assert (baselines["trained on"] > 99).all() and (baselines["later (val)"] < 5).all()
assert baselines["held out at random"].between(65, 97).all()
assert (share.loc["described, selection"] > 98).all()
coded_share = share.loc["as coded, selection"]
assert coded_share["trained on"] < 50 and coded_share["later (val)"] < 2
assert 15 < coded_share["held out at random"] < coded_share["trained on"]
for key, name in (("", "described"), ("-coded", "as coded")):
    glue(
        f"explosion-held{key}",
        f"{baselines.loc[name, 'held out at random']:.0f}%",
        display=False,
    )
for key, who in (("own", "trained on"), ("held-selection", "held out at random")):
    glue(f"explosion-{key}", f"{coded_share[who]:.0f}%", display=False)

# %% [markdown]
# {numref}`fig-explosion-drift` separates them.
#
# **With selection as coded, it is explosion first.** Only {glue:text}`explosion-own` of the decisions about the customers trained on fall in met
# states, and {glue:text}`explosion-held-selection` for others of the same months. Drift then takes the rest.
#
# **Without selection, it is drift.** There is no explosion to speak of: training has met everything about its own customers, and
# {glue:text}`explosion-held` (described) or {glue:text}`explosion-held-coded` (as coded) of what it needs for others of the same months. Of later customers it
# has met next to nothing. That is not a matter of too many states: the states of later customers are others, because their features take other values.
#
# Which features? We leave out one at a time and ask how many validation customers then start in a state that some
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

# %% tags=["remove-cell"]
without_days, without_country = (
    one_out.loc[name] for name in ("Days_Since_First_Contact", "Country")
)
assert one_out["described"].idxmax() == "Days_Since_First_Contact"
assert one_out["described"].drop("Days_Since_First_Contact").max() < 15
assert without_days["described"] > 80 and without_country["as coded"] > 60
assert one_out["as coded"].nlargest(2).index.tolist() == [
    "Country",
    "Days_Since_First_Contact",
]
assert without_days["as coded"] > one_out.loc["nothing", "as coded"] + 15

# %% [markdown]
# One column as described, and two as coded, either of which is enough to break most matches. As described, "days since the first contact" counts back from one day for all parts, and the split is by first
# contact: the later customers have smaller values *by construction*, values that no training customer has. As coded, days are counted anew
# in each part, and so are the country codes: most countries have another number later on, one that in training belonged to somebody else, and
# the combination with its conversion rate is new. None of this has anything to do with how *many* states there are. A table, which knows only
# "the same" and "not the same", turns the smallest shift into a total loss.
#
# ## Turning the number of states up
#
# To see what more states cost, we need a dial. We fix which features are visible and keep the rest blank: first
# none, then the flag of the first call, then more, and at last all 15. Same customers, same rewards, same learner; no toggles. For
# each setting of the dial we train eight tables of 20,000 episodes on the `as coded` rewards, where actions cost different amounts and choosing well
# matters most, and let them treat every customer of train and of validation once. And since {ref}`the last chapter <ch-q-learning>` found that exploring decides much,
# we do it twice: under the study's schedule, in which $\varepsilon$ is down to 0.01 after 919 episodes, and with $\varepsilon = 1$ throughout, so that every training action
# is drawn by lot.
#
# Eight runs give eight numbers. From here on we report such numbers by their {term}`interquartile mean`, with a {term}`bootstrap` interval
# {cite:p}`agarwal2021`.
#
# :::{admonition} By hand: eight seeds, one number and its interval
# :class: by-hand
#
# Eight runs, sorted: −100, −60, −12, −11, −10, −9, −8, −7.
#
# **Interquartile mean.** Leave out the lowest quarter and the highest, two numbers each. The mean of the middle four is
# $(-12 - 11 - 10 - 9) / 4 = -10.5$. The mean of all eight is −27.1: two wild runs pull it to where nobody is.
#
# **Bootstrap.** Would eight *other* seeds give about the same? We have no others, so we let the eight stand for all and draw eight of them anew, with
# replacement. Three such draws, sorted, with their middle four in bold:
#
# - −60, −12, **−11, −10, −9, −8**, −8, −7: −9.5
# - −12, −12, **−11, −10, −10, −9**, −9, −7: −10.0
# - −100, −100, **−60, −12, −10, −9**, −9, −7: −22.75
#
# Do this 2,000 times, sort the results, and cut off the lowest and the highest 2.5%: that is the 95% interval. Sometimes a wild run is drawn three or four
# times, so that it gets into the middle four. Hence a long interval is a hint that the runs fall into groups.
#
# **What it hides.** The interquartile mean would be the same with −10,000 for −100: a quarter of the runs may be as bad as they like. So we
# also print the lowest. And a bootstrap of few runs is a little too short: of such 95% intervals from eight normal runs about 93% hold the true value, from four 88%
# (a simulation of ours). Where we compare *means* of few runs, we use Student's $t$.
# :::

# %%
eight = np.array([-100, -60, -12, -11, -10, -9, -8, -7])
draws = [
    [-60, -12, -11, -10, -9, -8, -8, -7],
    [-12, -12, -11, -10, -10, -9, -9, -7],
    [-100, -100, -60, -12, -10, -9, -9, -7],
]
assert interquartile_mean(eight) == -10.5 and round(eight.mean(), 1) == -27.1
assert [interquartile_mean(np.array(draw)) for draw in draws] == [-9.5, -10.0, -22.75]
over_seeds(eight, np.random.default_rng(0)).round(1)

# %%
SEEDS = range(8)
RUNGS = {
    "nothing": [],
    "+ first-call flag": ["Had_First_Call"],
    "+ the other flags": ["Had_Demo", "Had_Survey", "Had_Signup", "Had_Manager"],
    "+ stage, status, count": ["Stage", "Status_Active", "Stages_Completed"],
    "+ two rates": ["Country_ConvRate", "Education_ConvRate"],
    "+ days between, freq.": ["Days_Between_Contacts", "Contact_Frequency"],
    "+ days since last": ["Days_Since_Last_Contact"],
    "+ days since first": ["Days_Since_First_Contact"],
    "+ country (all 15)": ["Country"],
}


LOT = STUDY._replace(epsilon_end=1.0)


def turn_the_dial(game: dict, rungs: dict, hyper=STUDY, parts=("train", "val")):
    """Mean rewards of each customer, by rung and part, shape (seeds, customers), and a row a rung."""
    visible, rewards, rows = [], {}, {}
    for rung, added in rungs.items():
        visible = visible + [NAMES.index(name) for name in added]
        limited = {part: with_visible(game[part], visible) for part in parts}
        learns_in = with_visible(game["train"], visible)
        policies = [train_q_learning(learns_in, hyper, 20_000, seed) for seed in SEEDS]
        row = {"states": np.mean([len(policy.q) for policy in policies])}
        for part, world in limited.items():
            played = [
                play_watched(world, policy, np.random.default_rng([seed, 1]))
                for seed, policy in zip(SEEDS, policies, strict=True)
            ]
            rewards[rung, part] = np.array([one.reward for one, _ in played])
            if part == "val":
                shares = [met.sum() / one.steps.sum() for one, met in played]
                row["met in val, %"] = 100 * np.mean(shares)
        rows[rung] = row
    return rewards, pd.DataFrame(rows).T


def curves_of(rewards: dict, dial: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """By part, a row a rung: states, interquartile mean, its interval, and the lowest seed."""
    curves, rng = {}, np.random.default_rng(2)
    for part in ("train", "val"):
        each = {rung: rewards[rung, part].mean(axis=1) for rung in dial.index}
        rows = {rung: over_seeds(values, rng) for rung, values in each.items()}
        lowest = pd.Series({rung: values.min() for rung, values in each.items()})
        curves[part] = pd.DataFrame(rows).T.assign(states=dial["states"], lowest=lowest)
    return curves


def table_of(curves: dict[str, pd.DataFrame], dial: pd.DataFrame) -> pd.DataFrame:
    shown = dial.rename(columns={"met in val, %": "met, %"}).round(1)
    shown["states"] = [f"{states:,.0f}" for states in dial["states"]]
    for part, curve in curves.items():
        spreads = curve[["iqm", "low", "high"]].to_numpy()
        shown[part] = [in_digits(*spread, decimals=1) for spread in spreads]
    shown["lowest"] = curves["val"]["lowest"].round(1)
    return shown


rewards, dial = turn_the_dial(worlds["as coded"], RUNGS)
curves = curves_of(rewards, dial)
table_of(curves, dial)

# %% [markdown]
# `met` is the share of validation decisions in met states. The columns `train` and `val` are interquartile means over the eight seeds, with bootstrap intervals
# over seeds; the last column is the lowest of the eight on validation. Look at the first line: with
# nothing visible, the interval reaches far below, and so does the lowest seed. The eight seeds one by one:

# %%
blind_seeds = rewards["nothing", "val"].mean(axis=1)
print("nothing visible, val:", np.sort(blind_seeds).round(1).tolist())

# %% tags=["remove-cell"]
n_bad = int((blind_seeds < -50).sum())
assert 0 < n_bad <= 3 and blind_seeds.max() > -12
everybody_called = play(
    worlds["as coded"]["val"], constant_policy(Action.CALL), np.random.default_rng(0)
).reward.mean()
assert np.allclose(blind_seeds[blind_seeds < -50], everybody_called)
glue("explosion-blind-bad", f"{n_bad}", display=False)

# %% [markdown]
# {glue:text}`explosion-blind-bad` of the eight tables call everybody, ten times, and the others do next to nothing. There are two kinds of tables, and
# the interquartile mean reports the more frequent kind.
#
# Now the second schedule, every training action by lot:

# %%
rewards_lot, dial_lot = turn_the_dial(worlds["as coded"], RUNGS, LOT)
curves_lot = curves_of(rewards_lot, dial_lot)
table_of(curves_lot, dial_lot)

# %% [markdown]
# Two policies that learn nothing stand beside them, on the same customers of each part:

# %%
wait, by_chance = {}, {}
for part in ("train", "val"):
    world = worlds["as coded"][part]
    still = play(world, constant_policy(Action.WAIT), np.random.default_rng(0))
    wait[part] = still.reward
    by_chance[part] = np.array(
        [
            play(world, random_policy, np.random.default_rng([seed, 9])).reward
            for seed in SEEDS
        ]
    )
marked = pd.DataFrame(
    {
        part: {"always wait": wait[part].mean(), "random": by_chance[part].mean()}
        for part in wait
    }
)
marked.round(2)

# %% mystnb={"figure": {"caption": "Mean reward as coded against the number of states, as more features are shown, under two schedules of exploring. Interquartile mean of eight seeds, 95% bootstrap intervals. Dashed: policies that learn nothing, on the same customers.", "name": "fig-explosion-dial"}, "image": {"alt": "Two panels, training customers and later customers, each with two lines. Under the study's schedule the training customers' line falls from about minus 8 with a few states to below minus 45 with all 15 features; exploring always, it falls only to between minus 15 and minus 30. For later customers both lines end at the reward of a random policy. With one or a few states, always exploring has bars that reach far down."}} tags=["hide-input"]
plots.reward_by_states(
    {
        title: {"the study's schedule": curves[part], "exploring always": curves_lot[part]}
        for title, part in (("training customers", "train"), ("later customers", "val"))
    },
    {
        title: marked[part]
        for title, part in (("training customers", "train"), ("later customers", "val"))
    },
)
plt.show()

# %% tags=["remove-cell"]
small, full = list(RUNGS)[1:5], list(RUNGS)[-1]
assert curves["val"].loc[small, "iqm"].min() > -12
assert abs(curves["val"].loc[full, "iqm"] - marked.loc["random", "val"]) < 3
assert abs(curves_lot["val"].loc[full, "iqm"] - marked.loc["random", "val"]) < 3
assert curves["train"].loc[full, "low"] > marked.loc["random", "train"] + 10
assert curves["train"].loc[full, "high"] < -45
assert (np.diff(curves["val"]["iqm"].iloc[4:]) < 0).all()
assert curves_lot["train"].loc[full, "low"] > -30
assert curves_lot["train"].loc[full, "high"] < -15
assert (
    curves_lot["train"].loc[list(RUNGS)[5:], "low"]
    > curves["train"].loc[list(RUNGS)[5:], "high"]
).all()
assert curves_lot["train"].loc["nothing", "low"] < -60
assert rewards_lot["+ the other flags", "train"].mean(axis=1).min() < -50
assert (dial_lot["states"] >= 0.98 * dial["states"]).all()
for key, of in (("study", curves), ("lot", curves_lot)):
    spread = of["train"].loc[full, ["iqm", "low", "high"]]
    glue(f"explosion-dial-{key}", in_digits(*spread, decimals=1), display=False)


# %%
rng = np.random.default_rng(3)
pairs = {
    "first-call flag alone, over always wait": (
        rewards["+ first-call flag", "val"],
        wait["val"],
    ),
    "all 15, over always wait": (rewards[full, "val"], wait["val"]),
    "all 15, over random": (rewards[full, "val"], by_chance["val"]),
}
gaps = pd.DataFrame(
    {name: over_seeds_and_clusters(a - b) for name, (a, b) in pairs.items()}
).T.rename(columns={"mean": "gap"})
gaps.round(2)

# %% tags=["remove-cell"]
for key, name in zip(("flag", "wait", "chance"), gaps.index, strict=True):
    glue(f"explosion-{key}", in_words(*gaps.loc[name, ["low", "high"]]), display=False)
assert gaps.loc["all 15, over always wait", "high"] < 0
n_called = int(worlds["as coded"]["val"].population.reached[:, 0].sum())
glue("explosion-called", f"{n_called}", display=False)
glue("explosion-flag-gain", f"{gaps.loc[gaps.index[0], 'gap']:.2f}", display=False)

# %% [markdown]
# These intervals hold two kinds of chance. An interval over seeds says how much *training* again would change; but the customers are a sample, too. So
# `over_seeds_and_clusters` adds the two variances, that of a mean over seeds and that of a mean over customers (here each for himself), and takes Student's $t$ for
# eight seeds: another training run, on other people.
#
# On the training customers the schedules are far apart. So is a large table bad at its own customers because its states are many, or because exploring was
# over too early? All 15 features shown, four seeds each, and a single run of a million episodes:

# %%
full_view = with_visible(worlds["as coded"]["train"], range(N_FEATURES))
CHANGES = {
    "as in the dial": (STUDY, 20_000, 4),
    "explores 10% to the end": (STUDY._replace(epsilon_end=0.1), 20_000, 4),
    "explores always": (LOT, 20_000, 4),
    "five times the episodes": (STUDY, 100_000, 4),
    "fifty times the episodes": (STUDY, 1_000_000, 1),
}
longer = {}
for change, (hyper, n_episodes, n_tables) in CHANGES.items():
    policies = [
        train_q_learning(full_view, hyper, n_episodes, seed) for seed in range(n_tables)
    ]
    each = [
        play(full_view, policy, np.random.default_rng([seed, 1])).reward.mean()
        for seed, policy in enumerate(policies)
    ]
    longer[change] = {
        "seeds": n_tables,
        "mean": np.mean(each),
        "lowest": np.min(each),
        "highest": np.max(each),
    }
longer = pd.DataFrame(longer).T.astype({"seeds": int})
longer.round(1)

# %% tags=["remove-cell"]
in_dial, ten_percent, always, five, fifty = (row for _, row in longer.iterrows())
assert STUDY.epsilon_decay**919 < 0.01 < STUDY.epsilon_decay**918
assert five["lowest"] > max(in_dial["highest"], ten_percent["highest"]) + 2
assert always["lowest"] > five["highest"] + 5 and fifty["lowest"] > -13
assert always["mean"] - in_dial["mean"] > 1.2 * (five["mean"] - in_dial["mean"])
glue("explosion-million", in_digits(fifty["mean"], 0, 0, 1).split()[0], display=False)
glue("explosion-lot-gain", f"{always['mean'] - in_dial['mean']:.0f}", display=False)
glue("explosion-five-gain", f"{five['mean'] - in_dial['mean']:.0f}", display=False)

# %% [markdown]
# The schedule is the larger part: with as many episodes, exploring always gains {glue:text}`explosion-lot-gain` points, five times the episodes
# {glue:text}`explosion-five-gain`. And a million episodes bring the largest table to {glue:text}`explosion-million`.
#
# But each rung also shows *other features*, so the dial mixes how many states there are with what they tell. To hold the content equal we show the first-call flag and
# beside it a feature that is **pure noise**: a number from 1 to $k$, drawn for each customer once. It tells nothing, it does not drift, and it multiplies the states by $k$.


# %%
def with_noise(world, k: int, seed: int):
    """The flag of the first call, and a random one of k values for each customer, in the room of two other features."""
    numbers = np.random.default_rng(seed).integers(k, size=len(world.population.stage))
    features, room = world.population.features.copy(), [NAMES.index(name) for name in ROOM]
    features[:, room] = np.column_stack([numbers % 100, numbers // 100]) / 100
    noisy = world._replace(population=world.population._replace(features=features))
    return with_visible(noisy, [NAMES.index("Had_First_Call"), *room])


ROOM = ["Days_Since_First_Contact", "Country"]
noise = {}
for k in (1, 30, 1_000):
    learns_in, later = (
        with_noise(worlds["as coded"][part], k, seed)
        for seed, part in enumerate(("train", "val"))
    )
    for schedule, hyper in (("study's schedule", STUDY), ("exploring always", LOT)):
        policies = [train_q_learning(learns_in, hyper, 20_000, seed) for seed in SEEDS]
        for part, world in (("train", learns_in), ("val", later)):
            each = [
                play(world, policy, np.random.default_rng([seed, 1])).reward.mean()
                for seed, policy in enumerate(policies)
            ]
            spread = over_seeds(np.array(each), np.random.default_rng(2))
            noise[k, len(policies[0].q), schedule, part] = spread
noise = pd.DataFrame(noise).T.rename_axis(["k", "states", "schedule", "part"]).reset_index()
noise["reward"] = [
    in_digits(*row, decimals=1) for row in noise[["iqm", "low", "high"]].to_numpy()
]
noise.pivot(index=["schedule", "k"], columns="part", values="reward")

# %% tags=["remove-cell"]
on_train = noise[noise["part"] == "train"].set_index(["schedule", "k"])
assert on_train.loc[("study's schedule", 1), "low"] > -10
assert on_train.loc[("study's schedule", 1_000), "high"] < -75
assert on_train.loc[("exploring always", 1_000), "low"] > -25
assert on_train.loc[("exploring always", 1_000), "high"] < -12
assert on_train.loc[("study's schedule", 1_000), "states"] > 1_000
by_part = noise.pivot(index=["schedule", "k"], columns="part", values="iqm")
assert (by_part["train"] - by_part["val"]).max() < 12
n_noisy = on_train.loc[("study's schedule", 1_000), "states"]
glue("explosion-noise-states", f"{n_noisy:,}", display=False)
for key, schedule in (("study", "study's schedule"), ("lot", "exploring always")):
    glue(f"explosion-noise-{key}", on_train.loc[(schedule, 1_000), "reward"], display=False)

# %% [markdown]
# With a thousand values of noise, {glue:text}`explosion-noise-states` states that tell no more than two did, the reward on training customers is
# {glue:text}`explosion-noise-study` under the study's schedule, and {glue:text}`explosion-noise-lot` exploring always. So the number of states has a price of its own,
# and the schedule decides how high it is. (With thirty values exploring always is no better, if anything worse: more on that below.) Later customers, whose noise is of the same kind, fare little worse: no drift, no collapse.
#
# {numref}`fig-explosion-dial` and this table hold three lessons.
#
# **More states need more experience, of all actions.** Look at the training customers alone, whose states have nearly all been met. Their reward falls
# as the states get more, under either schedule: the same steps are spread over more rows, and no row tells its neighbour what it found out. How far it falls is
# mostly the *schedule's* doing. With all 15 features it is {glue:text}`explosion-dial-study` where exploring is over after 919 episodes, long before each state has been tried with each
# action, and {glue:text}`explosion-dial-lot` where it never ends, with the same number of states and of episodes. And with enough episodes the largest table comes near the small ones even under
# the study's schedule: slow, then, and not incapable. Exploring always is no free lunch either. In the smallest tables, where under the study's schedule most seeds do well, some seeds
# end at −50 and below: the values of acting and waiting lie close together, random steps keep them restless, and training sees mostly customers with a call on record.
#
# **States that differ are not met again.** The later customers fall further, and with all 15 features no schedule helps: almost none of their states has been
# met, and under the study's schedule the interval of the gap to a random policy {glue:text}`explosion-chance`. That is drift, not number: with noise, which does not drift, they fell behind by a few points only. And the share of met states collapses
# with the last column added, the country code, and not step by step with the number of states.
#
# **A small table that tells the right things apart does well.** One flag, two states: the gain over always waiting is
# {glue:text}`explosion-flag-gain` points under the study's schedule, and its interval {glue:text}`explosion-flag`. Two cautions. It is a small gain, and it comes from
# the {glue:text}`explosion-called` validation customers with a call on record. And the flag is no lucky find: "had a first call" *is* the rule by which
# the replay world pays for a call. We gave the table the answer, as a record gives it away whenever the outcome is among the features.
# What remains is the lesson on size: a table needs an *abstraction* of the state, one that keeps what matters for the choice and
# drops the rest; which abstractions are safe is a subject of its own {cite:p}`li2006`. With nothing visible the table must do the same for everybody,
# and since in balanced training most customers have a call on record ({term}`batch-level balancing`), it may learn to act on everybody as if they had.
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
for rung in three:
    gap = over_seeds_and_clusters(rewards_described[rung, "val"] - chance_described)
    dial_described.loc[rung, ["over random", "low", "high"]] = gap.to_numpy()
dial_described.round(2)

# %% tags=["remove-cell"]
assert dial_described["over random"].abs().max() < 0.5

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
# game: eight tables of the baseline, four of 20,000 episodes with selection, and the single one of 100,000 from above, for which there is no interval over
# seeds, only over customers. For scale, a rival that is no good either but isn't random: it toggles one feature after the other until the time
# is up.

# %%
selection = worlds["as coded, selection"]["val"]


def toggle_in_turn(states, world, rng) -> np.ndarray:
    return states.steps % N_FEATURES


chance_selection = np.array(
    [
        play(selection, random_policy, np.random.default_rng([seed, 9])).reward
        for seed in range(4)
    ]
)
four = [
    train_q_learning(worlds["as coded, selection"]["train"], episodes=20_000, seed=seed)
    for seed in range(4)
]
earned = {
    "selection, 4 tables": [
        play(selection, policy, np.random.default_rng([seed, 1])).reward
        for seed, policy in enumerate(four)
    ],
    "selection, 1 long run": play(
        selection, trained["as coded, selection"], np.random.default_rng(1)
    ).reward,
}
toggles = play(selection, toggle_in_turn, np.random.default_rng(0)).reward
by_toggling = toggles.mean() - chance_selection.mean()
against_chance = {"baseline, 8 tables": gaps.loc["all 15, over random"].tolist()}
against_chance["selection, 4 tables"] = over_seeds_and_clusters(
    np.array(earned["selection, 4 tables"]) - chance_selection
).tolist()
against_chance["selection, 1 long run"] = over_seeds_and_clusters(
    earned["selection, 1 long run"] - chance_selection.mean(axis=0)
).tolist()
against_chance = pd.DataFrame(against_chance, index=["over random", "low", "high"]).T
against_chance["the interval"] = [
    in_words(*row) for row in against_chance[["low", "high"]].to_numpy()
]
print(f"toggling in turn, over random: {by_toggling:.1f}")
against_chance.round(2)

# %% tags=["remove-cell"]
reach = against_chance[["low", "high"]].abs().to_numpy().max()
assert reach < 5 < 30 < by_toggling
assert (against_chance["the interval"] == "includes zero").sum() >= 2
glue("explosion-reach", f"{reach:.1f}", display=False)
glue("explosion-toggling", f"{by_toggling:.0f}", display=False)
glue(
    "explosion-always",
    f"{marked.loc['always wait', 'val'] - marked.loc['random', 'val']:.0f}",
    display=False,
)

# %% [markdown]
# On later customers these tables are near chance, in both games: no interval reaches further than {glue:text}`explosion-reach` points from zero, where
# toggling in turn lies {glue:text}`explosion-toggling` points above chance, and always waiting, in the baseline's game, {glue:text}`explosion-always`.
# "Not told apart" is not "the same": a difference of a point, either way, is compatible with most lines. But what could a true difference between two tables that both guess be due to? Hardly to which of them has more states.
#
# **As described.** Here there is no explosion, and nearly all later decisions are in met states. So does selection work? We train
# eight tables of 50,000 episodes and let them treat the validation customers, beside "call at once", which shows nothing and
# calls everybody.

# %%
looking = worlds["described, selection"]
at_once = play(
    looking["val"], constant_policy(Action.CALL), np.random.default_rng(0)
).reward


def eight_tables(**changes):
    """A row a seed, the rewards, shape (seeds, customers), and the tables.

    The arguments are changes of the study's settings.
    """
    rows, earned, policies = {}, [], []
    for seed in SEEDS:
        policy = train_q_learning(looking["train"], STUDY._replace(**changes), 50_000, seed)
        played, met_here = play_watched(
            looking["val"], policy, np.random.default_rng([seed, 1])
        )
        earned.append(played.reward)
        policies.append(policy)
        rows[seed] = {
            "states": len(policy.q),
            "met in val, %": 100 * met_here.sum() / played.steps.sum(),
            "mean steps": played.steps.mean(),
            "mean reward": played.reward.mean(),
        }
    return (
        pd.DataFrame(rows).T.rename_axis("seed").astype({"states": int}),
        np.array(earned),
        policies,
    )


tenth, earned_tenth, tables = eight_tables(alpha=0.1)
print(f"call at once: {at_once.mean():.2f}")
tenth.round(2)

# %% [markdown]
# Some of these tables are far worse than doing one thing blindly, though they have met what they see. Look at the mean number of steps:
# close to 20 is the horizon. What does the worst one do there?

# %%
worst = int(tenth["mean reward"].idxmin())
later = looking["val"]
quiet = np.flatnonzero(~later.population.reached.any(axis=1))[:1]
at, chooser, story = later.start(quiet), np.random.default_rng(0), []
for _ in range(4):
    chosen = tables[worst](at, later, chooser)
    at, action = later.step(at, chosen, None).state, int(chosen[0])
    if action < N_FEATURES:
        story.append(("show " if at.mask[0] >> action & 1 else "hide ") + NAMES[action])
    else:
        story.append(Action(action - N_FEATURES).name.lower())
print(f"seed {worst}: " + ", ".join(story) + ", ...")

# %% tags=["remove-cell"]
assert tenth.loc[worst, "mean steps"] > 5

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
drawn = np.empty(20_000, dtype=np.int64)
looking["train"].draw(np.random.default_rng(5), drawn)
calls = np.full(len(drawn), N_FEATURES + Action.CALL)
paid = looking["train"].step(looking["train"].start(drawn), calls, None).reward
sigma, mean = paid.std(), paid.mean()
gap_of_looking = mean - (-1 + 0.95 * (mean - 0.1))
restless = {alpha: sigma * np.sqrt(alpha / (2 - alpha)) for alpha in (0.1, 0.01)}
print(f"calling at once in balanced draws: mean {mean:.1f}, standard deviation {sigma:.1f}")
print(
    f"calling at once is better than showing one useless feature first by {gap_of_looking:.1f}"
)
for alpha, wander in restless.items():
    print(
        f"alpha = {alpha}: the value wanders by {wander:.1f}, {wander / gap_of_looking:.1f} times the gap"
    )

# %% tags=["remove-cell"]
assert restless[0.1] > 3 * gap_of_looking
assert 0.5 * gap_of_looking < restless[0.01] < 2 * gap_of_looking
glue("explosion-looking-gap", f"{gap_of_looking:.1f}", display=False)

# %% [markdown]
# With a learning rate of 0.1 the value wanders several times as far as the gap between a right and a useless action. That alone would make the winner a matter of luck, a
# toggle as often as a call. But toggles win more often than that, and for a reason: *maximisation bias* ({cite:t}`sutton2018`, section 6.7; {cite:t}`hasselt2010` has a
# remedy). The target of a toggle is a **maximum** over the twenty-one values of the next state. The maximum of many restless values lies above the value of the best: it picks the one that has just been
# lucky. A call's target has no maximum in it, since the call ends the episode. So toggling is lifted, by more than the gap of
# {glue:text}`explosion-looking-gap`, and calling is not. Only *which* toggle is on top is an accident of the last few customers. With 0.01 the values wander about as far as the gap, and the lift shrinks with them.
#
# Does a smaller learning rate mend it? There is a trap in the test. Under the study's schedule another rate leads to other choices, and these to other
# states, so that two things change at once. So we also train with $\varepsilon = 1$ throughout: then every training action is drawn by lot, and with the same seed both
# rates learn from **the very same steps in the very same states**. (Acting is greedy, as always.) And because exploring might be the remedy itself, a third
# schedule, where $\varepsilon$ falls fifty times more slowly.

# %%
SCHEDULES = {
    "as in the study": {},
    "falls 50 times slower": {"epsilon_decay": 0.9999},
    "all by lot": {"epsilon_end": 1.0},
}
by_rate = {("as in the study", 0.1): (tenth, earned_tenth)}
for schedule, changes in SCHEDULES.items():
    for alpha in (0.1, 0.01):
        if (schedule, alpha) not in by_rate:
            by_rate[schedule, alpha] = eight_tables(alpha=alpha, **changes)[:2]

rng = np.random.default_rng(6)
step_sizes = {}
for key, (rows, _) in by_rate.items():
    of_seeds = over_seeds(rows["mean reward"].to_numpy(), rng)
    step_sizes[key] = {
        "states": f"{rows['states'].median():,.0f}",
        "met in val, %": f"{rows['met in val, %'].mean():.1f}",
        "reward": in_digits(*of_seeds),
        "lowest seed": f"{rows['mean reward'].min():.2f}".replace("-", "−"),
    }
pd.DataFrame(step_sizes).T.rename_axis(["exploring", "alpha"])

# %%
mended = {
    schedule: over_seeds_and_clusters(
        by_rate[schedule, 0.01][1] - by_rate[schedule, 0.1][1]
    )
    for schedule in SCHEDULES
}
mended = pd.DataFrame(mended).T.rename(columns={"mean": "gain by 0.01"})
mended.round(2)

# %% tags=["remove-cell"]
(lot_tenth, _), (lot_hundredth, _) = (by_rate["all by lot", alpha] for alpha in (0.1, 0.01))
assert (lot_tenth["states"] == lot_hundredth["states"]).all()
assert lot_tenth["states"].min() > 5 * tenth["states"].max()
assert (
    mended.loc["falls 50 times slower", "low"] > 0 and mended.loc["all by lot", "low"] > 5
)
glue(
    "explosion-by-step-words",
    in_words(*mended.loc["as in the study", ["low", "high"]]),
    display=False,
)
slower = by_rate["falls 50 times slower", 0.1][0]["mean reward"]
assert (lot_tenth["mean reward"] < -15).sum() >= 7 and lot_tenth["states"].min() > 10_000
assert slower.min() < -10 and lot_hundredth["mean reward"].min() > -3
for key, schedule in (("step", "as in the study"), ("lot", "all by lot")):
    glue(f"explosion-by-{key}", in_digits(*mended.loc[schedule], decimals=1), display=False)
glue("explosion-lot-states", f"{lot_tenth['states'].median():,.0f}", display=False)
glue("explosion-few-states", f"{tenth['states'].median():,.0f}", display=False)
lot_reward = interquartile_mean(lot_hundredth["mean reward"])
glue("explosion-lot-reward", f"{lot_reward:.2f}".replace("-", "−"), display=False)

# %% [markdown]
# Look at "all by lot" first. With the large rate nearly all of the eight tables toggle until the time is up: that is no accident of a seed, it is the lift. Same seeds, same steps, the same {glue:text}`explosion-lot-states` states; nothing differs but the rate, and it gains
# {glue:text}`explosion-by-lot` points. And compare the states across lines: the tables by lot with the small rate hold *many more* states than those of the
# study's schedule with the large one, {glue:text}`explosion-lot-states` against {glue:text}`explosion-few-states`, and earn {glue:text}`explosion-lot-reward`. So as described the
# number of states is not what decides, and the learning rate is.
#
# Under the study's own schedule the gain is {glue:text}`explosion-by-step`, an interval that {glue:text}`explosion-by-step-words`: eight seeds of two kinds, tables that act and tables that toggle, leave it
# wide. There the states change as well, so that by itself it would prove less. Exploring more, with the
# large rate, does not mend it. And the small rate is no guarantee: the column of the lowest seed says whether any table is left that goes in circles.
#
# What our counts say of the sentence, part by part:
#
# | the claim | as coded | as described |
# |---|---|---|
# | selection makes far more states | yes, by a factor of {glue:text}`explosion-factor-coded` | under the study's schedule no, a factor of {glue:text}`explosion-factor-described`; by lot yes |
# | most of them are met too rarely to be learned | yes: {glue:text}`explosion-once` at most once | {glue:text}`explosion-once-described` at most once, but the busiest 1% hold {glue:text}`explosion-busiest` of the decisions |
# | the table must guess for its own customers | yes, in most decisions | no |
# | the table must guess for later customers | yes, and the baseline as well, by drift | no |
# | *therefore* it does worse than the baseline | not supported: both are near chance | not supported: with the same states and a smaller rate it acts well |
#
# The explosion exists, and {numref}`fig-explosion-dial` shows what it can cost. On the customers of *training* it would be a fair explanation, as coded
# ({ref}`sec-explosion-drift`). For what was reported, results on later customers, it is not: there drift is enough. This is about our runs, on
# these customers; the published run we cannot repeat, only its rules.
#
# ## What a table can do, and what it cannot
#
# - It **can** learn any policy that its states can express, the best one in the limit, without any assumption about which states are alike.
# - It **can** be small and good, if somebody chooses the right abstraction: two states were enough here, where we knew the rule.
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
len(train_q_learning(smooth["train"], episodes=20_000, resolution=2).q)

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
    policy = train_q_learning(smooth["train"], episodes=20_000, resolution=decimals)
    played, met_here = play_watched(smooth["val"], policy, np.random.default_rng(1))
    share = 100 * met_here.sum() / played.steps.sum()
    by_decimals[decimals] = {"states": len(policy.q), "met in val, %": share}
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
# - "Samples per state" is decisions over states, not customers over states; and its mean hides that most states may be met at most once.
# - In an unmet state a table guesses. Print the share of met decisions beside every score.
# - Unknown to its own training customers: explosion. Unknown only to later ones: drift. People of the same months, held out at random, tell the two apart.
# - Under the study's schedule the explosion is real as coded and hardly there as described. In neither does it explain why selection does worse on later customers: the baseline
#   guesses as well, by drift; or, from the same steps in the same states, a smaller learning rate learns to act.
# - More states need more experience of every action. How much they cost depends on the exploring: with noise for content, a thousandfold of states costs far less if the
#   agent explores to the end.
# - An interquartile mean says nothing of the worst quarter of the runs. Look at the seeds.
# - The remedy for a table is an abstraction that keeps what matters. A table of two states was among our best, with the rule among its features.
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
# :::::{admonition} 4. A table of 1,500 states has met 85% of what customers of the same months need, and 0.4% of what later ones need. What is it?
# :class: quiz
#
# ::::{dropdown} Explosion: 1,500 states are too many
# :class-container: wrong
#
# Then people of the same months would find unmet states nearly as often as later people.
# ::::
# ::::{dropdown} Drift: some feature takes other values later
# :class-container: right
#
# The number of states is the same for both groups. Leave out one feature at a time to find the column.
# ::::
# ::::{dropdown} Too few training episodes
# :class-container: wrong
#
# More of the same customers does not bring states that only later customers have.
# ::::
# :::::
#
# :::::{admonition} 5. A learning rate of 0.1 gives tables that toggle in circles, 0.01 gives tables that act. What does this show of the number of states?
# :class: quiz
#
# Under the study's schedule the tables with 0.01 also met fewer states. Trained by lot, both met the same ones.
#
# ::::{dropdown} That 0.01 is the best learning rate
# :class-container: wrong
#
# For this game, this reward noise and this many episodes it is better than 0.1. That was not the question.
# ::::
# ::::{dropdown} Under the study's schedule alone: that the circles did not come from it
# :class-container: wrong
#
# There the rate and the states changed together. Either could be the cause.
# ::::
# ::::{dropdown} With the runs by lot: that the rate decides where the states are the same
# :class-container: right
#
# The same steps, the same states, only the rate differs, and the interval of the gain excludes zero. Hold equal what you want to rule out.
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
# Many samples a state, and no unmet states. (Here it was easy: the flag is the rule by which calls are paid.)
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
# I split the claim. Are there that many, and of which kind? Are the states of its own customers among them, of others of the same months, of later ones
# ({numref}`fig-explosion-drift`)? And does a variant without the explosion do better, all else equal? Here the small baseline table has met hardly any later
# state either, because features drift, so both guess; and in the setting without an explosion tables with the very same states act well with a smaller learning
# rate. So the count is true, and the "because" is not supported ({ref}`sec-explosion-because`).
# ::::
# ::::{dropdown} What does tabular Q-learning need in order to converge, and what of that holds here?
# :class-container: interview
#
# Every state and action must be tried without end, the learning rates must shrink suitably, and the states must be Markov {cite:p}`watkins1992`. Here
# over half of the states saw one decision or none, the learning rate is constant, and the observation is not the state. A constant rate leaves a
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
