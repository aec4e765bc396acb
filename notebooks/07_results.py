# %% [markdown]
# (ch-results)=
# # Results and business value
#
# The study's table, run again over many seeds and on every test customer; what it would mean in money; and what may be told to
# whom.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - how to compare two policies on the same customers, by hand and with an interval
#   - how to report a comparison: seeds, customers, and in each game rivals that learn nothing
#   - how one improvement factor becomes another when its denominator changes
#   - how to turn a rate into money, with its uncertainty
#   - how to say "this did not reproduce" in one page
#
# You need
# : [the funnel as an MDP](03_funnel_mdp.ipynb), [Q-learning](04_q_learning.ipynb),
#   [state-space explosion](05_state_space_explosion.ipynb), [DQN](06_dqn.ipynb).
#
# Time
# : 45 minutes to read, 30 seconds to run.
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
# ## Two policies by hand
#
# A table of results is a list of fractions. What is a difference between two of them worth? That depends on *who was counted*.
#
# :::{admonition} By hand: 25 against 24
# :class: by-hand
#
# One policy ends with 25 subscribers among 1,655 customers, another with 24, a factor of $25 / 24 = 1.04$.
#
# **Two groups of people.** Had each policy treated customers of its own, both counts would be left to chance. A count of rare events
# has a standard deviation of about its root, $\sqrt{25} = 5$, and the difference of two independent counts one of about
# $\sqrt{25 + 24} = 7$. Below 14 or so, a difference could well be luck.
#
# **The same people.** Here both policies treated the same 1,655, so we can lay the two lists of names side by side:
#
# | | second: subscribed | second: did not |
# |---|--:|--:|
# | **first: subscribed** | 24 | $b = 1$ |
# | **first: did not** | $c = 0$ | 1,630 |
#
# The 24 on whom both agree say nothing about which is better. Only the *discordant* customers do, $b$ and $c$. The difference is
# $b - c = 1$ and its standard deviation about $\sqrt{b + c} = 1$, not 7. If the policies were equally good, each discordant
# customer would be a fair coin, heads for the first. One toss, one head: as extreme a result comes **always**, $p = 1$. Three
# heads in three tosses: $p = 2 / 2^3 = 0.25$.
#
# An interval for the difference adds 1 to $b$ and to $c$, lest "none seen" be taken for "none possible":
# $(b - c) \pm 1.96 \sqrt{b + c + 2}$, here $1 \pm 3.4$ customers.
# :::
#
# The coins are *McNemar's exact test*; the interval is Bonett and Price's, without terms that are tiny for rare events
# ({cite:t}`fagerland2014` compare both with others). `paired` in `crm_rl/intervals.py` does them in full.
#
# :::{admonition} Predict
# :class: predict
# All discordant customers are on the first policy's side. How many must there be for $p < 0.05$: 2, 4, 6, 14?
# :::

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown
from myst_nb import glue
from scipy.stats import binomtest

from crm_rl import plots
from crm_rl.crm_data import clean, data_path, load
from crm_rl.crm_data.split import published_split
from crm_rl.evaluation import (
    PUBLISHED_BASE_RATE,
    compare,
    constant_policy,
    metrics,
    over_seeds,
    play,
    play_rivals,
    random_policy,
)
from crm_rl.features import PUBLISHED_FEATURES
from crm_rl.funnel import N_FEATURES, READY, RULES, STAGE_FEATURE, Action
from crm_rl.intervals import paired, wilson
from crm_rl.q_learning import train_q_learning
from crm_rl.study import data_name, load_study
from crm_rl.worlds import replay_worlds

plots.use_style()


def only_first(count: int, both: int = 22, customers: int = 1655):
    """Two policies that agree but for `count` customers, all won by the first."""
    first = np.arange(customers) < both + count
    return paired(first, np.arange(customers) < both)


tosses = {count: only_first(count) for count in (1, 2, 3, 4, 5, 6)}
assert tosses[1].p_value == 1 and tosses[3].p_value == 0.25
assert tosses[5].p_value > 0.05 > tosses[6].p_value
pd.DataFrame(
    {
        "p": {b: found.p_value for b, found in tosses.items()},
        "low": {b: 1655 * found.low for b, found in tosses.items()},
        "high": {b: 1655 * found.high for b, found in tosses.items()},
    }
).rename_axis("b").round(2)

# %% [markdown]
# Six. Five heads in five tosses still happen to fair coins, heads or tails, once in 16 times.
#
# Against what do we count? The study divides by 0.44%, the share of subscribers in all rows, and $1.51 / 0.44 = 3.4$. Divide by a
# policy that learns nothing, treats the *same* customers, and ends with 24, and it is 1.04. Same policy, same count.
#
# One more kind of chance is at work. With another **seed** training ends elsewhere. So we show two intervals: over seeds, the
# {term}`interquartile mean` (IQM) with its {term}`bootstrap` interval ({cite:t}`agarwal2021`;
# [chapter 5](05_state_space_explosion.ipynb) works both by hand), and over customers, the {term}`Wilson interval`.
#
# ## The claims
#
# The study reports one run of each row {cite:p}`nair2026`. We write its figures down as claims to be checked, with the counts that
# they amount to ({ref}`ch-problem`): its code evaluates Q-learning on 1,000 test customers drawn with replacement, DQN on
# 1,655. Of the baseline it does not say; 0.44% is the share of all rows.

# %%
claims = pd.DataFrame(
    {
        "random": [0.44, 1.0, 48, 11_032],
        "q_learning": [1.80, 4.09, 18, 1_000],
        "q_learning_selection": [0.80, 1.82, 8, 1_000],
        "dqn": [1.45, 3.30, 24, 1_655],
        "dqn_selection": [1.39, 3.16, 23, 1_655],
    },
    index=["rate %", "improvement", "count", "of"],
).T
assert ((100 * claims["count"] / claims["of"]).round(2) == claims["rate %"]).all()
claims.astype({"count": int, "of": int})

# %% [markdown]
# So far the test part has only been counted in; now policies are judged on it. One caution first: on this page all customers are
# the {term}`twin`'s unless you have set `CRM_RL_DATA`. The twin keeps who subscribed in which part of the split exactly, so the
# counts of subscribers mean what they would mean on the original, give or take one or two where the recorded stage decides; a
# reward or a number of states may differ.
#
# ## The record
#
# Training each row with {glue:text}`results-seeds` seeds takes the better part of an hour, so it is done once, by `make study`, and
# recorded with where it comes from. This chapter reads the record, and trains one seed of one row live, to see
# that it agrees. Two settings of the same rules were run: `described`, what the study's text says, and `as_coded`, what its code
# does ({ref}`ch-funnel`).

# %%
runs, curves, source = load_study(data_name(data_path()))
SEEDS = source["seeds"]
glue("results-seeds", str(len(SEEDS)), display=False)
lengths = runs.query("setting == 'as_coded' and row == 'q_learning_selection'")
lengths = lengths["training_steps"].mean() / source["budget"]["episodes"]
glue("results-train-steps", f"{lengths:.0f}", display=False)
print(f"input sha256 {source['input_sha256'][:12]}..., {len(SEEDS)} seeds,", end=" ")
print(f"{source['budget']['episodes']:,} episodes or steps; {len(runs)} runs")

# %% [markdown]
# One live run, Q-learning as described with seed 0:

# %%
customers, _ = clean(load(data_path()))
worlds = replay_worlds(customers, "described")
live = train_q_learning(worlds["train"], episodes=source["budget"]["episodes"], seed=0)
measured = metrics(play(worlds["test"], live, np.random.default_rng([0, 1])))
recorded = runs.query("setting == 'described' and row == 'q_learning' and seed == 0")
assert measured["subscribers"] == recorded["subscribers"].item()
assert abs(measured["average_reward"] - recorded["average_reward"].item()) < 1e-3
print(f"live and recorded: {measured['subscribers']} subscribers, ", end="")
print(f"average reward {measured['average_reward']:.2f}")

# %% [markdown]
# ## Four games, and rivals in each
#
# Rewards of two games cannot be compared. With feature selection an episode is longer, toggles cost, and as described the first action of
# the firm ends it. So there are four games, two settings without and with selection, and in each we let the same policies that
# learn nothing treat every test customer once: a random one, with as many seeds, and the six that take one action always. (Where the
# first action ends the episode, "always call" is "call at once, and look at nothing".) They are fast, so we play them here, and
# the random ones without selection must be those on record.

# %%
LEARNED = {False: ["q_learning", "dqn"], True: ["q_learning_selection", "dqn_selection"]}
chance = np.random.default_rng(7)
rivals, tables, played = {}, {}, {}
for setting, selection in RULES:
    game = setting, selection
    world = replay_worlds(customers, *game)["test"]
    rivals[game] = play_rivals(world, SEEDS)
    lines = [
        {"row": row, "seed": seed, **metrics(it)}
        for (row, seed), it in rivals[game].items()
    ]
    learned = runs[(runs["setting"] == setting) & runs["row"].isin(LEARNED[selection])]
    played[game] = pd.concat([learned, pd.DataFrame(lines)])
    tables[game] = compare(played[game], chance)
for setting in ("described", "as_coded"):
    on_record = runs.query("setting == @setting and row == 'random'")["subscribers"]
    again = played[setting, False].query("row == 'random'")["subscribers"]
    assert on_record.tolist() == again.tolist()
N = len(world.population.subscribed)
SUBSCRIBERS = int(world.population.subscribed.sum())
print(f"{len(rivals)} games; {N:,} test customers, {SUBSCRIBERS} of them subscribed")

# %% [markdown]
# As coded with selection the rules would let an episode go on for ever: the horizon cuts off toggles only, and of the firm's actions only one
# that brings a subscription ends it. Training goes by the rules, {glue:text}`results-train-steps` steps an episode on average for
# Q-learning; our evaluation stops at 50 steps.
#
# ## The table
#
# :::{admonition} Predict
# :class: predict
# In each game, which will be ahead in subscribers, and which in reward: the best policy that learned, or the best of seven that did
# not?
# :::


# %%
def shown(game: tuple[str, bool]) -> pd.DataFrame:
    """The table of a game, to read."""
    table, runs_of = tables[game], played[game].groupby("row", sort=False)
    counts = runs_of["subscribers"].agg(["min", "max"])
    lines = {}
    for row, line in table.iterrows():
        fewest, most = counts.loc[row]
        of_seeds = f" ({fewest} to {most})"
        interval = f" ({line['reward low']:.2f} to {line['reward high']:.2f})"
        several = len(runs_of.get_group(row)) > 1
        lines[row.removesuffix("_selection")] = {
            "subscribers": f"{line['subscribers']:.0f}" + of_seeds * several,
            "customers, %": f"{line['customers low']:.1f} to {line['customers high']:.1f}",
            "calls %": round(line["first calls %"], 1),
            "reward": f"{line['reward']:.2f}" + interval * several,
            "cost": round(line["cost of one"]),
            "features": round(line["features"], 1),
        }
    return pd.DataFrame(lines).T


shown(("described", False))

# %%
shown(("described", True))

# %%
shown(("as_coded", False))

# %%
shown(("as_coded", True))

# %% [markdown]
# `subscribers` is the interquartile mean over seeds as a count, with the fewest and the most that a seed had; `customers, %` the interval of
# the rate over customers; `calls %` the share with a first call; `reward` has its interval over seeds. `cost` is that of one subscription:
# what all of a row's seeds spent on actions of the firm, in the points of the rules, by the subscriptions they got. As coded,
# waiting costs nothing, and so do its subscriptions: they were not bought by it. `features` is how many were visible at the last action;
# without selection
# all 15 are.

# %% mystnb={"figure": {"caption": "As described. A small orange dot, below its line, is a seed; a large dot the interquartile mean with its interval over seeds, blue for policies that learned, grey for those that did not; a thin line in the first column the interval over customers. Each game has its own axis of rewards.", "name": "fig-results-full"}, "image": {"alt": "Two rows of three panels. Without selection all policies have the same subscribers, and their mean rewards lie within three points. With selection some seeds of both learners have fewer subscribers than any rival; the rewards of DQN's seeds lie in two groups, one just above 0 and one below minus 15, and offering a demo to everybody at once earns more than every seed of every learner."}} tags=["hide-input"]
titles = {False: "without selection", True: "with selection"}
learners = (*LEARNED[False], *LEARNED[True])


def side_by_side(setting: str) -> None:
    of_setting = {
        titles[s]: (tables[setting, s], played[setting, s]) for s in (False, True)
    }
    plots.full_comparison(of_setting, learners)


side_by_side("described")
plt.show()

# %%
plain, selecting = tables["described", False], tables["described", True]
assert np.ptp(plain["subscribers"]) == 0 and np.ptp(plain["reward"]) < 3
of_learners = played["described", True].query("row in @learners")
assert of_learners["average_reward"].max() < selecting.loc["always_demo", "reward"]
fewest = of_learners.groupby("row")["subscribers"].min()
assert (fewest < selecting.drop(LEARNED[True])["subscribers"].min()).all()
print("fewest subscribers of a seed:", fewest.to_dict())

# %% mystnb={"figure": {"caption": "As coded; drawn like the figure before. Rewards that lie far to the left are written at the edge.", "name": "fig-results-coded"}, "image": {"alt": "Two rows of three panels. In subscribers no policy lies beyond one that gives everybody an account manager, and the networks are level with waiting. In reward without selection, DQN is within a few points of waiting, and far above random and Q-learning. With selection the seeds of DQN are spread from near random to just below zero."}} tags=["hide-input"]
side_by_side("as_coded")
plt.show()

# %%
coded, waiting = tables["as_coded", False], tables["as_coded", False].loc["always_wait"]
assert np.allclose(
    coded.loc["dqn", ["rate % low", "rate % high"]].astype(float),
    waiting["rate %"],
    atol=1e-3,
)
assert coded.loc["random", "subscribers"] > coded.loc["dqn", "subscribers"]
assert abs(coded.loc["dqn", "reward"] - waiting["reward"]) < 3
assert coded.loc["dqn", "reward"] > coded.loc[["random", "q_learning"], "reward"].max() + 50
seeds_of_dqn = played["as_coded", True].query("row == 'dqn_selection'")["average_reward"]
assert -15 < seeds_of_dqn.max() < 0 and seeds_of_dqn.min() < -55
print(f"seeds of DQN with selection: {seeds_of_dqn.min():.1f} to {seeds_of_dqn.max():.1f}")

# %% [markdown]
# **Subscribers first.**

# %%
subscribers = {}
for (setting, selection), table in tables.items():
    of_learners, of_rivals = table.loc[LEARNED[selection]], table.drop(LEARNED[selection])
    every_seed = played[setting, selection]["subscribers"]
    assert every_seed.max() <= SUBSCRIBERS
    assert of_learners["rate %"].max() <= of_rivals["rate %"].max() + 1e-9
    subscribers[setting, titles[selection]] = {
        "best learned": of_learners["subscribers"].max(),
        "best rival": of_rivals["subscribers"].max(),
    }
networks = runs.query("setting == 'as_coded' and row in ['dqn', 'dqn_selection']")
assert (networks["action_manager"] == 0).mean() > 0.9
glue("results-dqn-coded", f"{coded.loc['dqn', 'subscribers']:.0f}", display=False)
glue("results-random-coded", f"{coded.loc['random', 'subscribers']:.0f}", display=False)
pd.DataFrame(subscribers).T.astype(int)

# %% [markdown]
# In no game has a row that learned more subscribers than the best rival ({numref}`fig-results-full`, {numref}`fig-results-coded`). In a world
# where the record decides who subscribes there is nothing to gain, only something to lose: a policy can fail to act in time, or,
# as coded, fail to lift the {term}`stage` on which a subscription has to wait.
#
# Look at DQN as coded. It ends with {glue:text}`results-dqn-coded` subscribers, as many as waiting does, while the random policy ends
# with {glue:text}`results-random-coded`. A subscription counts there from stage 4 on only, and nothing but an account manager lifts
# a customer so far. A manager costs 20 and pays 10 at most for nearly everybody: a network that has learned the reward well assigns
# none, with nearly every seed. The random policy assigns some by accident. Here, learning better *means* counting fewer subscribers.
#
# **Now the reward**, each game's best learner beside its best rival:

# %%
rewards = {}
for (setting, selection), table in tables.items():
    best = table.loc[LEARNED[selection], "reward"].idxmax()
    rival = table.drop(LEARNED[selection])["reward"].idxmax()
    low, high = table.loc[best, ["reward low", "reward high"]]
    rival_low, rival_high = table.loc[rival, ["reward low", "reward high"]]
    rewards[setting, titles[selection]] = {
        "best learned": plots.ROW_NAMES[best].removesuffix(", selection"),
        "reward": f"{table.loc[best, 'reward']:.2f} ({low:.2f} to {high:.2f})",
        "best rival": f"{rival.replace('_', ' ')}, {table.loc[rival, 'reward']:.2f}",
        "earns": "more" if low > rival_high else "less" if high < rival_low else "unclear",
    }
rewards = pd.DataFrame(rewards).T
verdict = rewards["earns"]
assert (verdict.xs("without selection", level=1) != "more").all()
assert verdict["described", "with selection"] == "less"
assert verdict["as_coded", "with selection"] == "more"
rewards

# %% [markdown]
# The last column says whether the learned policy earns more or less than the rival, `unclear` where the intervals over seeds overlap. What
# the policies *do* differ in is reward: they learn to collect the points for milestones on record, and to save costs. That is learning, and
# not selling. It is not much of it either. Without selection, no learned row earns visibly more on the test customers than the best
# policy that learns nothing. With selection as described, each earns less than offering everybody a demo at once. As coded with
# selection DQN does earn more than all seven rivals; {ref}`ex-results-rival` writes an eighth, in one sentence, that turns this round.
#
# **And the seeds.** In {numref}`fig-results-full` those of DQN with selection do not lie around their mean. Chapter 6 promised this picture:
# in one run its policy jumped between acting at once and toggling until the time is up.

# %%
split = runs.query("setting == 'described' and row == 'dqn_selection'")
at_once = tables["described", True].loc["always_call", "reward"]
acting = split["average_steps"] < 2
assert (split.loc[acting, "average_reward"] > at_once - 0.5).all() and acting.sum() >= 5
assert (split.loc[~acting, "average_reward"] < -15).all() and (~acting).sum() >= 1
groups = split.assign(seeds=np.where(acting, "act at once", "toggle first")).groupby(
    "seeds"
)
mean_of_all = tables["described", True].loc["dqn_selection", "reward"]
print(f"calling at once earns {at_once:.2f}; interquartile mean of all: {mean_of_all:.2f}")
groups.agg(
    number=("seed", "count"),
    lowest_reward=("average_reward", "min"),
    highest_reward=("average_reward", "max"),
    fewest_subscribers=("subscribers", "min"),
    most_subscribers=("subscribers", "max"),
).round(2).rename(columns=lambda name: name.replace("_", " "))

# %% [markdown]
# There are two kinds of seeds, and the interquartile mean is the reward of neither. One number cannot stand for two groups: say how many
# seeds did what. {ref}`ex-results-seeds` shows how a mean over seeds can hide it altogether.
#
# ## What training looked like

# %% mystnb={"figure": {"caption": "Reward of a training episode: mean over seeds, and the middle half of them. Training episodes are balanced, so that about a third of the customers are subscribers.", "name": "fig-results-training"}, "image": {"alt": "Two panels of learning curves against the share of training done. As coded, all four learners collect more reward as training goes on. As described, three stay about where they began, and DQN with selection swings widely."}} tags=["hide-input"]
plots.training_comparison(curves)
plt.show()

# %% [markdown]
# As coded, the curves rise; as described, there is little to rise to, since any first action collects the +100 of a subscriber
# ({numref}`fig-results-training`). A flat curve would make one look for a fault, and a rising one proves little: about a third of the
# episodes are a subscriber's because of the balanced draw, before the first update as after the last; what an agent can do about it
# is to lose some. Nor does a rise carry over: Q-learning with selection, as coded, ends at {glue:text}`results-train-reward` points a
# training episode
# and at {glue:text}`results-test-reward` a test customer. Part of that is the draw; but it also knows hardly a state of the test customers,
# as we shall see.

# %%
ends = curves.groupby(["setting", "row"], sort=False)["reward"].agg(["first", "last"])
assert (ends.loc["as_coded", "last"] > ends.loc["as_coded", "first"]).all()
ending = ends.loc[("as_coded", "q_learning_selection"), "last"]
tested = tables["as_coded", True].loc["q_learning_selection", "reward"]
glue("results-train-reward", f"{ending:.0f}", display=False)
glue("results-test-reward", f"{tested:.0f}".replace("-", "−"), display=False)
training_rate = curves.groupby(["setting", "row"], sort=False)["subscribed"].agg(
    ["first", "last"]
)
(100 * training_rate).round(1).rename(
    columns={"first": "subscribed, first 1% (%)", "last": "last 1% (%)"}
)

# %% [markdown]
# ## Against the claims
#
# Does a row reproduce? The claim is a count in a sample; our rate is that of every test customer. So we ask: if the study's customers were drawn
# from the test part, and its policy were like ours, how many subscribers would its sample hold, and would the count that it reports be
# unusual?
#
# :::{admonition} By hand: 8 of 1,000
# :class: by-hand
#
# Q-learning with selection is claimed at 0.80%, 8 of 1,000. A policy at 1.4% would give a sample of 1,000 about 14, with a standard
# deviation of about $\sqrt{14} = 3.7$. Eight is $6 / 3.7 = 1.6$ of them below: not usual, not strange.
#
# The baseline is claimed at 0.44%, 48 of 11,032. A policy at 1.5% would give so many customers 165, give or take 13. Forty-eight is nine
# standard deviations away.
# :::
#
# The table gives the exact binomial test of each claim, against our row in both settings, and in the last columns against the *random* policy.


# %%
def expected(rates: pd.Series) -> pd.DataFrame:
    """How many subscribers a sample of the claim's size would hold, and how usual the claimed count is."""
    tests = [
        binomtest(int(count), int(of), rate / 100).pvalue
        for count, of, rate in zip(claims["count"], claims["of"], rates, strict=True)
    ]
    return pd.DataFrame({"expected": claims["of"] * rates / 100, "p": tests})


our_rates = {
    setting: pd.Series(
        {
            row: tables[setting, row.endswith("selection")].loc[row, "rate %"]
            for row in claims.index
        }
    )
    for setting in ("described", "as_coded")
}
by_random = pd.Series(coded.loc["random", "rate %"], index=claims.index)
checked = {"claimed": claims[["count", "of"]].astype(int)} | {
    f"ours, {setting}".replace("_", " "): expected(rates).round(3)
    for setting, rates in our_rates.items()
}
checked["random, as coded"] = expected(by_random).round(3)
checked = pd.concat(checked, axis=1)
learned_rows = checked.drop("random")
assert (checked.loc["random"].xs("p", level=1) < 1e-6).all()
assert (learned_rows.xs("p", axis=1, level=1) > 0.05).all(axis=None)
checked.round(
    {
        ("ours, described", "expected"): 1,
        ("ours, as coded", "expected"): 1,
        ("random, as coded", "expected"): 1,
    }
)

# %%
random_measured = coded.loc["random", "rate %"]
glue("results-random", f"{random_measured:.2f}%", display=False)
glue("results-random-factor", f"{random_measured / PUBLISHED_BASE_RATE:.1f}", display=False)
factors = pd.DataFrame(
    {
        "over 0.44%": our_rates["as_coded"] / PUBLISHED_BASE_RATE,
        "over random in the same game": [
            rate / tables["as_coded", row.endswith("selection")].loc["random", "rate %"]
            for row, rate in our_rates["as_coded"].items()
        ],
    }
)
assert factors.iloc[:, 0].between(2.7, 3.5).all() and (factors.iloc[:, 1] <= 1.05).all()
factors.round(2)

# %% [markdown]
# All four claims about learners are counts such as a sample of the test customers would hold. So in this sense they reproduce. But so they
# would if each of the four had been the *random* policy: the last column holds no unusual count either. (If DQN's 1,655 were every test
# customer once, there is no luck of drawing in them at all, and a difference to our count is a matter of one to three named
# customers. And a test on so few events finds only gross differences: "usual" is not "the same".) As coded, divided by 0.44% each of our rows
# is about a threefold improvement, *random among them*; divided by random in the same game
# none is an improvement of any size.
#
# The row that does not reproduce is the *baseline*: a random policy on the test customers reaches {glue:text}`results-random`, which is
# {glue:text}`results-random-factor` times the 0.44% ({numref}`fig-results-talk`). The 0.44% is the share of subscribers in all rows of
# the export; as far as we can see, nobody ran a random policy to get it.

# %% mystnb={"figure": {"caption": "For a talk: the rates as published, against the published baseline, and as measured (as coded), each against the random policy of the same game; intervals over customers.", "name": "fig-results-talk"}, "image": {"alt": "Two panels. Left, the published rates, three of four learners with intervals far to the right of red ticks at 0.44 percent. Right, the measured rates with intervals, every red tick, the random policy in the same game, within the interval of its row, near 1.5 percent."}} tags=["hide-input"]
published = [
    wilson(int(count), int(of))
    for count, of in zip(claims["count"], claims["of"], strict=True)
]
left = claims[["rate %"]].assign(
    **{
        "low %": [100 * low for low, _ in published],
        "high %": [100 * high for _, high in published],
    }
)
right = pd.concat(
    [tables["as_coded", row.endswith("selection")].loc[[row]] for row in claims.index]
)[["rate %", "customers low", "customers high"]].set_axis(left.columns, axis=1)
own_random = pd.Series(
    {
        row: tables["as_coded", row.endswith("selection")].loc["random", "rate %"]
        for row in claims.index
    },
    name="random, same game",
)
all_rows = pd.Series(PUBLISHED_BASE_RATE, index=claims.index, name="share in all rows")
assert own_random.between(right["low %"], right["high %"]).all()
assert (left["low %"].drop("random") > PUBLISHED_BASE_RATE).sum() == 3
plots.claim_and_measurement(left, right, (all_rows, own_random))
plt.show()

# %% [markdown]
# ## Why 0.44% here and 1.51% there
#
# :::{admonition} Predict
# :class: predict
# The file has 48 subscribers. The test part is its last 15%. By first contact, missing dates last, as the study sorted: how many of the 48 are
# in the test part, and how many of these have a first contact date?
# :::

# %%
parts = {}
for name, part in published_split(customers).parts().items():
    dated = part["first_contact"].notna()
    parts[name] = {
        "customers": len(part),
        "subscribers": part["subscribed"].sum(),
        "rate %": 100 * part["subscribed"].mean(),
        "dated": dated.sum(),
        "dated, subscribed": part.loc[dated, "subscribed"].sum(),
        "undated": (~dated).sum(),
        "undated, subscribed": part.loc[~dated, "subscribed"].sum(),
    }
parts = pd.DataFrame(parts).T
assert parts.loc["test", "dated, subscribed"] == 0
assert parts.loc["test", "undated"] == parts["undated"].sum() == 716
assert parts["subscribers"].tolist() == [20, 3, 25]
parts.round(2).astype({c: int for c in parts.columns if c != "rate %"})

# %% [markdown]
# There it is. Every customer without a first contact date was sorted behind all others and cut into the test part, and all 25 subscribers
# there are among them; of the test customers who have a date, none subscribed. Those who signed up or bought without a first
# contact seem to have come by themselves ({term}`inbound`, {ref}`ch-problem`), and of such customers more subscribe. Therefore test has
# 1.51%, validation 0.18%,
# and the file, training part and all, 0.44%. The threefold improvement is in this table, and no agent is.
#
# What this chapter can say: on these customers, by these rules, what was learned sells no more than what was not. What it leaves to the audit:
# whether *any* evaluation on this record could have shown more; what the features give away; how a split should be made that tells the same
# people apart as the day of the decision does; and which experiment would settle it. That is Part III.
#
# ## What the policies do

# %% mystnb={"figure": {"caption": "Which actions of the firm each policy takes on the test customers, as described, over all seeds.", "name": "fig-results-actions"}, "image": {"alt": "Stacked bars of six actions for the five rows. The random policy and Q-learning take all six actions about equally often; the networks and the policies that select features do not."}} tags=["hide-input"]
actions = [f"action_{action.name.lower()}" for action in Action]
rows = runs[(runs["setting"] == "described") & runs["row"].isin(claims.index)]
shares = rows.groupby("row")[actions].mean().loc[claims.index]
shares = shares.div(shares.sum(axis=1), axis=0)  # some seeds never take an action
plots.action_distribution(shares.rename(columns=lambda name: name.removeprefix("action_")))
plt.show()

# %%
tabular = runs[runs["row"].str.startswith("q_learning")]  # a network keeps no list
known = tabular.groupby(["setting", "row"], sort=False)["known_share"].mean()
q_known = known["described", "q_learning"]
glue("results-known", f"{100 * q_known:.2f}%", display=False)
spread = (shares.loc["q_learning"] - shares.loc["random"]).abs().max()
assert q_known < 0.05 and spread < 0.05
uneven = ["q_learning_selection", "dqn", "dqn_selection"]
assert (shares.loc[uneven].max(axis=1) > 0.25).all()
(100 * known).round(2).rename("test decisions in a state that training met, %").to_frame()

# %% [markdown]
# Q-learning without feature selection takes the six actions as evenly as the random policy ({numref}`fig-results-actions`), and this
# is why: of its decisions on these customers {glue:text}`results-known` fall in a state that training met. Elsewhere its table has no row,
# and it chooses at random. The study's best row *is* a random policy, nearly everywhere. (A network always has an answer. Whether it is a good one
# for customers unlike those of training is another question.)
#
# The bar of DQN is a mean over seeds, and means of seeds have deceived us before. What does each network prefer?

# %%
favourites = rows[rows["row"] == "dqn"][actions].idxmax(axis=1)
favourites = favourites.str.removeprefix("action_").value_counts().sort_index()
assert len(favourites) >= 3
favourites.rename_axis("the action taken most").rename("seeds of DQN").to_frame()

# %% [markdown]
# The networks do not agree on a favourite, which is what one expects where nearly all of the six do equally well: any first action
# brings the subscription, and for a customer with nothing on record all cost the same.
#
# ## Feature importance
#
# The study reads importance off the mask: how often was a feature visible when a customer subscribed? Country_ConvRate and
# Education_ConvRate lead its list with 100%. We count the same, and two things beside it: what a *random* policy's mask looks like
# when a customer subscribes, and when none does. `Status_Active` is our check: it is 0 for every customer, and cannot tell anybody from anybody.

# %%
names = [feature.name for feature in PUBLISHED_FEATURES]
masks, sold = (
    np.concatenate(
        [getattr(rivals["as_coded", True]["random", seed], field) for seed in SEEDS]
    )
    for field in ("mask", "subscribed")
)
bits = masks[:, None] >> np.arange(N_FEATURES) & 1


def visible(setting: str) -> np.ndarray:
    """Mean over seeds of how often each feature was visible at a subscription: DQN with selection, in %."""
    ours = runs.query("setting == @setting and row == 'dqn_selection'")
    return 100 * ours[[f"visible_{name}" for name in names]].mean().to_numpy()


by_mask = pd.DataFrame(
    {
        "DQN with selection, subscribers": visible("as_coded"),
        "random policy, subscribers": 100 * bits[sold].mean(axis=0),
        "random policy, all others": 100 * bits[~sold].mean(axis=0),
    },
    index=names,
)
assert by_mask.iloc[:, 1].between(80, 95).all() and by_mask.iloc[:, 2].between(50, 62).all()
assert (by_mask.iloc[:, 0] > 95).all() and visible("described").max() < 50
glue(
    "results-constant-visible",
    f"{by_mask.loc['Status_Active'].iloc[0]:.0f}%",
    display=False,
)
glue("results-described-visible", f"{visible('described').max():.0f}%", display=False)
print(f"random policy: {sold.sum()} subscriptions, {(~sold).sum():,} episodes without one")

# %% mystnb={"figure": {"caption": "How often each feature was visible at the last action, as coded, where all start visible. The feature in red is the same for everybody.", "name": "fig-results-features"}, "image": {"alt": "Three groups of dots for 15 features. DQN with selection: all near 100 percent among those who subscribed. A random policy: all near 87 percent among those who subscribed and near 56 percent among the others, the constant feature, Status Active, like the rest."}} tags=["hide-input"]
plots.feature_visibility(by_mask, marked="Status_Active")
plt.show()

# %% [markdown]
# As coded, all features start visible, and a feature that nobody toggled counts as important: `Status_Active` was visible in
# {glue:text}`results-constant-visible` of DQN's successes ({numref}`fig-results-features`). To compare successes with failures, as one should, does
# not help here: for a policy that has learned nothing, *every* feature is shown more often at successes, the constant one too, since a success
# ends the episode before much could be hidden. And as described, where all start hidden, the same measure finds the most important one
# visible in {glue:text}`results-described-visible` of the successes. It measures how the episode begins and when it ends. A measure that
# asks "what changes if this feature is scrambled?" is {term}`permutation importance` {cite:p}`breiman2001`;
# {ref}`ex-results-permutation` computes it.
#
# ## Ten thousand customers a month
#
# The study's scenario: 10,000 customers a month at \$10 a contact; 44 subscriptions by random targeting become 139 by the agent, and a
# subscription costs \$719 instead of \$2,273.
#
# :::{admonition} By hand: the money, with its uncertainty
# :class: by-hand
#
# Whoever chooses the action, $10{,}000 \times \$10 = \$100{,}000$ are spent. At 0.44% that buys 44 subscriptions at
# $100{,}000 / 44 = \$2{,}273$ each; at 1.39%, 139 at \$719.
#
# Now a policy that ended with 25 of 1,655: 1.51%, so 151 subscriptions at $100{,}000 / 151 = \$662$. Its Wilson interval is 1.03% to 2.22%:
# 103 to 222 subscriptions, at \$450 to \$975. One policy, one count, and the price of a subscription is known to within a factor of two.
#
# The *difference* to a rival on the same customers is known better. Say 22 against 25, three discordant: $-3 / 1{,}655$ of 10,000 is
# $-18$ a month. The interval is about $(-3 \pm 1.96 \sqrt{3 + 2}) / 1{,}655$: from $-7.4$ to $+1.4$ customers of 1,655, or from $-45$ to $+8$
# a month.
# :::

# %%
CUSTOMERS, CONTACT = 10_000, 10


def in_money(count: float, of: int, points: float = np.nan) -> dict:
    """A month of the scenario, with the interval over customers."""
    low, high = wilson(round(count), of)
    return {
        "rate %": f"{100 * count / of:.2f}",
        "subscriptions": f"{CUSTOMERS * count / of:.0f} ({CUSTOMERS * low:.0f} to {CUSTOMERS * high:.0f})",
        "cost of one": f"${CONTACT * of / count:,.0f} (${CONTACT / high:,.0f} to ${CONTACT / low:,.0f})",
        "in points": "" if np.isnan(points) else f"{points:,.0f}",
    }


def row_in_money(row: str, selection: bool) -> dict:
    line = tables["as_coded", selection].loc[row]
    return in_money(line["subscribers"], N, line["cost of one"])


months = {
    ("as published", "share in all rows"): in_money(48, 11_032),
    ("as published", "DQN, selection"): in_money(23, 1_655),
    ("as measured", "DQN, selection"): row_in_money("dqn_selection", True),
    ("as measured", "random, same game"): row_in_money("random", True),
    ("as measured", "random, no selection"): row_in_money("random", False),
    ("as measured", "always wait"): row_in_money("always_wait", False),
    ("as measured", "always a manager"): row_in_money("always_manager", False),
}
assert months["as published", "share in all rows"]["cost of one"].startswith("$2,298")
pd.DataFrame(months).T

# %% [markdown]
# (48 of 11,032 is 0.435%; from it a subscription costs \$2,298. The study rounded to 0.44% before it divided.)
#
# At a flat \$10 a contact, an account manager for everybody looks cheap. But no manager costs what an email does. The last column counts the
# rules' own costs, as coded: a manager 20 points a step, an email 1, waiting nothing. By these one subscription from "always a manager" costs
# {glue:text}`results-manager-points` points, and one from waiting 0, although waiting ends with only {glue:text}`results-manager-more` fewer in the
# test part. A cost per subscription in which each action costs the same is a rate turned upside down, and says nothing new.
#
# Now the difference, on the same customers. Which ones did DQN with selection count? Where it assigns no manager and ends with as many as
# were at stage 4 or beyond from the start, it can only be those: the very ones that waiting counts. For the random policy we take the seed
# in the middle.

# %%
test = replay_worlds(customers, "as_coded", selection=True)["test"].population
ready = test.subscribed & (test.stage >= READY)
assert np.array_equal(ready, rivals["as_coded", True]["always_wait", 0].subscribed)
recorded = runs.query("setting == 'as_coded' and row == 'dqn_selection'")
same_people = (recorded["action_manager"] == 0) & (recorded["subscribers"] == ready.sum())
assert same_people.sum() >= len(SEEDS) / 2
manager = coded.loc["always_manager"]
more = manager["subscribers"] - ready.sum()
glue("results-manager-points", f"{manager['cost of one']:,.0f}", display=False)
glue("results-manager-more", f"{more:.0f}", display=False)
print(f"{same_people.sum()} of {len(SEEDS)} seeds count exactly these {ready.sum()}")


# %%
def a_month(rival: np.ndarray) -> dict:
    """DQN with selection minus a rival, on the same test customers."""
    found = paired(ready, rival)
    return {
        "only DQN": found.only_first,
        "only the rival": found.only_second,
        "a month": round(CUSTOMERS * found.difference),
        "low": round(CUSTOMERS * found.low),
        "high": round(CUSTOMERS * found.high),
        "p": round(found.p_value, 2),
    }


def middle_seed(game: tuple[str, bool]) -> np.ndarray:
    """Whom the random policy counts, for the seed in the middle."""
    seeds = [rivals[game]["random", seed].subscribed for seed in SEEDS]
    return sorted(seeds, key=np.sum)[len(seeds) // 2]


differences = pd.DataFrame(
    {
        "random, same game": a_month(middle_seed(("as_coded", True))),
        "random, no selection": a_month(middle_seed(("as_coded", False))),
        "always a manager": a_month(
            rivals["as_coded", False]["always_manager", 0].subscribed
        ),
        "always wait": a_month(rivals["as_coded", False]["always_wait", 0].subscribed),
    }
).T
assert (differences["high"] < 95).all() and (differences["p"] > 0.05).all()
assert (differences["low"] < 0).all() and (differences["high"] > 0).all()
assert (differences["only DQN"] + differences["only the rival"] <= 3).all()
extra = differences.loc["random, no selection"]
glue(
    "results-extra",
    f"{extra['a month']:+.0f} ({extra['low']:+.0f} to {extra['high']:+.0f})".replace(
        "-", "−"
    ),
    display=False,
)
differences.astype({c: int for c in differences.columns if c != "p"})

# %% [markdown]
# The promised 95 additional subscriptions a month are 1.39% minus 0.44% of 10,000. Against the random policy without selection, on the same
# customers, it is {glue:text}`results-extra` a month, with the interval over customers. Against each of the rivals the interval includes zero, none
# of the tests finds anything, and a gain of 95 lies outside every interval. All of it rests on three discordant customers or fewer. The
# saving per subscription goes
# the same way: it is the same division.
#
# ## One page for stakeholders

# %% tags=["hide-input"]
learned_best = max(
    tables["as_coded", s].loc[LEARNED[s], "subscribers"].max() for s in titles
)
low, high = (100 * end for end in wilson(SUBSCRIBERS, N))
whose = {
    "twin": "of a synthetic twin of the export, which keeps who subscribed in which part",
    "original": "of the export",
}[data_name(data_path())]
lines = [
    "**What was tried.** Two learning methods choose among six sales actions for each prospect; "
    f"each was trained {len(SEEDS)} times and judged on {N:,} customers kept aside, {whose}.",
    f"**What we found.** Of these {N:,}, {SUBSCRIBERS} subscribed ({100 * SUBSCRIBERS / N:.1f}%; among other customers "
    f"like them between {low:.1f}% and {high:.1f}%). The learned policies count {learned_best:.0f} of them at best, choosing at "
    f"random {coded.loc['random', 'subscribers']:.0f}, an account manager for everybody "
    f"{manager['subscribers']:.0f}. Per month of 10,000 customers, the published agent's gain over choosing at random is "
    f"{extra['a month']:+.0f} (between {extra['low']:+.0f} and {extra['high']:+.0f}): it could be nothing, and it is not 95.",
    "**What the published 3.16-fold improvement is.** A rate among the test customers, divided by a rate among "
    f"all customers. By the same division, choosing at random improves {random_measured / PUBLISHED_BASE_RATE:.1f}-fold. All "
    "subscribers among the test customers are people whom nobody wrote to first, as far as the record shows.",
    "**Why.** The data say what happened to each customer, not what we did and what it changed. In such data no "
    "policy can change who subscribes.",
    "**What we recommend.** Do not deploy on this evidence. Start recording each action, its day and its reason, "
    "and hold out a random share of customers; then the question can be answered.",
]
Markdown("\n\n".join(f"> {line}" for line in lines).replace(" -", " −"))

# %% [markdown]
# A brief has one reader with five minutes. It says what was done and on whom, what came out and how sure it is, what it means and what
# to do, in this order, and every figure in it stands in a table above.
#
# ## Exercises
#
# ::::{exercise} Which difference could this study have seen?
# :label: ex-results-power
#
# Suppose that the rival counts as many as waiting does, as coded. (a) How many more must a policy count on the same customers for
# $p < 0.05$, if it loses none of them? (b) And if both policies had treated 1,655 customers of their own? (c) How many more *can* it count here?
# ::::

# %%
rival_count = int(ready.sum())  # what waiting counts

# %% [markdown]
# :::{solution-start} ex-results-power
# :class: dropdown
# :::
#
# (a) Six, by the coins above. (b) Given the two counts together, each subscriber is a coin again, and now all count, not only the
# discordant. (c) No more than an account manager for everybody does, which counts all whom the rules let count. The room is half of what
# (a) needs, so **no policy could have been shown to be better than waiting**. That was certain before the first training step.

# %%
needed = next(k for k in range(1, 100) if only_first(k, rival_count).p_value < 0.05)
apart = next(
    k
    for k in range(1, 100)
    if binomtest(rival_count + k, 2 * rival_count + k).pvalue < 0.05
)
room = int(manager["subscribers"]) - rival_count
assert needed == 6 < apart and room == 3
print(f"same customers: {needed} more, {1 + needed / rival_count:.2f} times as many")
print(f"other customers: {apart} more, {1 + apart / rival_count:.2f} times as many")
print(f"room: {room} more")

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} How many bad seeds does a mean hide?
# :label: ex-results-seeds
#
# Twenty seeds: the good ones earn 1.6, the bad ones −18. Work out by hand, for 0, 5, 6, 10 and 15 bad seeds, the mean, the median and the
# interquartile mean (leave out the lowest five and the highest five). Then check:
# ::::

# %%
good, bad = 1.6, -18.0

# %% [markdown]
# :::{solution-start} ex-results-seeds
# :class: dropdown
# :::
#
# With five bad seeds, a quarter of all, the interquartile mean is that of a row without any; the median holds out until ten. They are robust,
# which is what one wants against one wild seed, and the wrong thing when the wild ones are a finding. The mean sees every seed and
# describes none. No single number shows two groups: a dot for each seed does.

# %%
summary = {}
for failures in (0, 5, 6, 10, 15):
    of_seeds = np.array([bad] * failures + [good] * (20 - failures))
    summary[failures] = {
        "mean": of_seeds.mean(),
        "median": np.median(of_seeds),
        "interquartile mean": over_seeds(of_seeds, np.random.default_rng(0))["iqm"],
    }
summary = pd.DataFrame(summary).T.rename_axis("bad seeds")
assert np.isclose(summary.loc[5, "interquartile mean"], good)
assert np.isclose(summary.loc[6, "interquartile mean"], (9 * good + bad) / 10)
summary.round(2)

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} A rival in one sentence
# :label: ex-results-rival
#
# As coded, with selection, DQN earned more than our seven rivals. Read the rules in {ref}`ch-funnel`: what costs points at each step? Write a
# policy in one sentence, without learning and without looking at a customer, that earns more than DQN. Start from one that only waits:
# ::::

# %%
coded_selection = replay_worlds(customers, "as_coded", selection=True)["test"]


def my_rival(states, population, rules, rng):
    return np.full(len(states.customer), N_FEATURES + Action.WAIT)


print(f"{play(coded_selection, my_rival, np.random.default_rng(0)).reward.mean():.2f}")

# %% [markdown]
# :::{solution-start} ex-results-rival
# :class: dropdown
# :::
#
# "Hide all fifteen features, one after the other, then wait." Each visible feature costs a tenth of a point at every action of the firm; a hidden
# one costs nothing, and as coded hiding hides nothing. Waiting costs nothing either, and the subscriptions come by themselves. No seed of
# DQN found this in 100,000 steps. So "better than seven rivals" is no praise; a list of rivals is never finished, and the first to be
# put on it is the one that knows the rules.


# %%
def hide_then_wait(states, population, rules, rng):
    return np.where(states.steps < N_FEATURES, states.steps, N_FEATURES + Action.WAIT)


hidden = metrics(play(coded_selection, hide_then_wait, np.random.default_rng(0)))
of_dqn = played["as_coded", True].query("row == 'dqn_selection'")["average_reward"]
assert hidden["average_reward"] > of_dqn.max() + 5
assert hidden["subscribers"] == ready.sum()
print(
    f"hide, then wait: {hidden['average_reward']:.2f}, {hidden['subscribers']} subscribers"
)
print(f"best seed of DQN: {of_dqn.max():.2f}")

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} Importance by scrambling
# :label: ex-results-permutation
#
# Take the live Q-table back to customers whose states it knows: those of the training part with something on record, and as many
# others. Scramble one feature at a time among them, let the policy treat them, and see how the average reward changes. Which features does
# the policy depend on, and which changes are noise? Mind the stage: what is seen of it comes from the state, not from the column, so scramble the
# recorded stage as well. Start here:
# ::::

# %%
train = worlds["train"].population
with_record = train.reached.any(axis=1) | train.subscribed
others = np.flatnonzero(~with_record)[:: (~with_record).sum() // with_record.sum()]
some = np.sort(np.concatenate([np.flatnonzero(with_record), others[: with_record.sum()]]))
COLUMNS = ("features", "reached", "subscribed", "stage")
people = train._replace(**{column: getattr(train, column)[some] for column in COLUMNS})


def reward_of(people, seed: int) -> float:
    world = worlds["train"]._replace(population=people)
    return play(world, live, np.random.default_rng(seed)).reward.mean()


def random_of(people) -> float:
    world = worlds["train"]._replace(population=people)
    return play(world, random_policy, np.random.default_rng(0)).reward.mean()


untouched = reward_of(people, 0)
print(
    f"{len(some):,} customers, average reward {untouched:.2f}, random {random_of(people):.2f}"
)

# %% [markdown]
# :::{solution-start} ex-results-permutation
# :class: dropdown
# :::
#
# Ten scramblings each: how far they lie apart is the noise, and where their range reaches zero we have found nothing. `Status_Active`, the same
# for everybody, changes nothing at all, as it must. Scrambling a feature that varies puts customers into states that the table has
# never met, and there it loses what it knew and acts at random; that is most of what we see, and why so many features matter about equally.
# For some the scrambled customers may even earn a little more: changes of this size are near the limit of what ten scramblings show.
# Note what is measured: the dependence of *this policy* on the feature, not what the feature says about customers.

# %%
rng = np.random.default_rng(2)
changes = {}
for place, name in enumerate(names):
    drops = []
    for seed in range(10):
        order, features, stage = (
            rng.permutation(len(some)),
            people.features.copy(),
            people.stage,
        )
        features[:, place] = features[order, place]
        if place == STAGE_FEATURE:
            stage = stage[order]
        scrambled = people._replace(features=features, stage=stage)
        drops.append(untouched - reward_of(scrambled, seed))
    changes[name] = {"value": np.mean(drops), "low": min(drops), "high": max(drops)}
changes = pd.DataFrame(changes).T
varies = people.features.std(axis=0) > 0
assert not varies[names.index("Status_Active")] and (changes[~varies] == 0).all(axis=None)
assert (changes["low"] > 0).sum() >= 5 and changes["value"].max() < 1.5
print("lost in every scrambling:", ", ".join(changes.index[changes["low"] > 0]))

# %% mystnb={"figure": {"caption": "Average reward lost when one feature is scrambled: mean and range of ten scramblings, Q-learning as described, on customers of its own training.", "name": "fig-results-permutation"}, "image": {"alt": "Dots with ranges for 15 features. Status Active, the constant, is exactly at zero. At least five features cost the policy reward in every scrambling, each less than one and a half points; for others the range reaches zero."}} tags=["hide-input"]
plots.feature_importance(changes, "average reward lost by scrambling (points)")
plt.show()

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} Another baseline
# :label: ex-results-baseline
#
# Evaluate "always wait" and the random policy on the *validation* customers, as coded. What improvement factor over 0.44% does waiting
# reach there, and what does that say about the factor?
# ::::

# %%
validation = replay_worlds(customers, "as_coded")["val"]

# %% [markdown]
# :::{solution-start} ex-results-baseline
# :class: dropdown
# :::
#
# Below one: among validation customers subscribers are rare. A factor that depends on which customers one looks at, more than on what
# one does with them, describes the customers.

# %%
wait_there = metrics(
    play(validation, constant_policy(Action.WAIT), np.random.default_rng(0))
)
by_chance = metrics(play(validation, random_policy, np.random.default_rng(0)))
assert wait_there["improvement_factor"] < 1
print(
    f"wait {wait_there['improvement_factor']:.2f}, random {by_chance['improvement_factor']:.2f}"
)

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - Put policies that learn nothing into the table: on the same customers, in the same game, and one that knows the rules.
# - An improvement factor is a fraction: ask for its denominator first. Here the denominator was other people.
# - Two policies on the same customers differ in the discordant ones alone. Six to none is the least that chance does not explain.
# - Seeds and customers are two sources of chance. Report both, and look at the seeds: a mean hides two groups.
# - A learner can learn well, and what it learned can still be worthless for the question.
# - Say what did not reproduce, what you measured instead, and what would settle it.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. A policy has 1.39% subscribers; "random baseline 0.44%". What do you ask first?
# :class: quiz
#
# ::::{dropdown} How many seeds?
# :class-container: wrong
#
# A good question, and the second one. Seeds cannot explain a threefold difference if the two rates are of different people.
# ::::
# ::::{dropdown} Were both measured on the same customers, by the same rules?
# :class-container: right
#
# Here they were not: 0.44% is the share in all rows, and as far as we can see no random policy was run to get it.
# ::::
# ::::{dropdown} Which learning rate?
# :class-container: wrong
#
# It may matter for training, and cannot repair a comparison.
# ::::
# :::::
#
# :::::{admonition} 2. All seeds of a row end with exactly 25 subscribers. How sure are we of its rate?
# :class: quiz
#
# ::::{dropdown} Wholly: there is no spread
# :class-container: wrong
#
# There is none over seeds. With other customers the count would be another; the Wilson interval goes from about 1.0% to 2.2%.
# ::::
# ::::{dropdown} As sure as 25 events among 1,655 customers make us
# :class-container: right
#
# The seeds agree because the record decides who subscribes. The uncertainty is in the customers.
# ::::
# ::::{dropdown} Not at all: with one test set nothing can be said
# :class-container: wrong
#
# Something can: that is what the interval over customers says.
# ::::
# :::::
#
# :::::{admonition} 3. Two policies on the same 1,655 customers: 25 and 22 subscribers, the 22 among the 25. How large is the standard deviation of the difference?
# :class: quiz
#
# ::::{dropdown} About 7, the root of 25 + 22
# :class-container: wrong
#
# That is for two independent groups. Here 22 customers are the same on both sides and cancel.
# ::::
# ::::{dropdown} About 1.7, the root of 3
# :class-container: right
#
# Only the three discordant customers can fall to either side. Three to none is a p-value of 0.25.
# ::::
# ::::{dropdown} 0: nobody of the 22 is missing
# :class-container: wrong
#
# On these customers the difference is 3, for certain. About customers like them three coins, all heads, say little.
# ::::
# :::::
#
# :::::{admonition} 4. With selection, as described, DQN's best seeds earn 1.6 and the best row without selection −6. Is selection better?
# :class: quiz
#
# ::::{dropdown} Yes: by 7.6 points a customer
# :class-container: wrong
#
# In one game an episode ends with the first action, in the other it goes on for ten steps at a point each. The points are not the same.
# ::::
# ::::{dropdown} Not to be said from this: each must be held against rivals in its own game
# :class-container: right
#
# And there, offering a demo at once and looking at nothing earns more than the best seed.
# ::::
# ::::{dropdown} No: fewer features cannot help
# :class-container: wrong
#
# They can; chapter 5 shows a table that does far better with few. It is this comparison that cannot tell.
# ::::
# :::::
#
# :::::{admonition} 5. A row's interquartile mean over 20 seeds is 1.6, with an interval of no width. What may you conclude?
# :class: quiz
#
# ::::{dropdown} All seeds earn 1.6
# :class-container: wrong
#
# Five could earn anything below, and five anything above, without moving it ({ref}`ex-results-seeds`).
# ::::
# ::::{dropdown} At least the middle half of the seeds earn 1.6; look at the others
# :class-container: right
#
# A dot for each seed shows what the mean was built to ignore.
# ::::
# ::::{dropdown} Training is stable
# :class-container: wrong
#
# Up to a quarter of the seeds may have failed.
# ::::
# :::::
#
# :::::{admonition} 6. Why do the learning curves rise, as coded, although no policy gains subscribers?
# :class: quiz
#
# ::::{dropdown} The agents overfit
# :class-container: wrong
#
# They may, and these are curves of training episodes. But the reason is in the reward.
# ::::
# ::::{dropdown} Most of what can be learned in the reward is costs and milestones on record
# :class-container: right
#
# Which action collects points, which costs little, when to stop. The +100 comes for nearly every subscriber in any case.
# ::::
# ::::{dropdown} Epsilon falls, so the curves must rise
# :class-container: wrong
#
# They would not, had the agent learned nothing: then greedy would be no better than random.
# ::::
# :::::
#
# :::::{admonition} 7. A feature was visible in 100% of the successes and in 60% of the failures. Is it important?
# :class: quiz
#
# ::::{dropdown} Yes: it is seen more often where there is success
# :class-container: wrong
#
# So is a constant, even under a random policy, if success ends the episode before features are hidden ({numref}`fig-results-features`).
# ::::
# ::::{dropdown} Not shown: ask what happens when it is scrambled, and what a constant scores
# :class-container: right
#
# A constant passes the first test and fails the second ({ref}`ex-results-permutation`).
# ::::
# ::::{dropdown} No: features that matter are visible less often
# :class-container: wrong
#
# That does not follow either. The frequency says little in both directions.
# ::::
# :::::
#
# :::::{admonition} 8. Q-learning without selection scores like random. Which explanation does the record support?
# :class: quiz
#
# ::::{dropdown} It was trained too briefly
# :class-container: wrong
#
# It met its training states many times. The test customers' states are others.
# ::::
# ::::{dropdown} It has hardly met any of the states it must decide in, and chooses at random there
# :class-container: right
#
# The share of known states stands in a table above, and its actions are as evenly spread as those of the random policy.
# ::::
# ::::{dropdown} Its learning rate is too small
# :class-container: wrong
#
# No learning rate fills rows of the table that training never visits.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} Your model improves conversion threefold. Convince me.
# :class-container: interview
#
# I show the rivals first: what do random, "always wait" and each constant action get on the same customers? Here they get as much as the
# learned policies ({numref}`fig-results-coded`), so I would not try to convince you. The factor came from dividing a rate among test
# customers by the share in all rows; no test subscriber has a first contact on record. What would convince me is a randomised holdout with
# actions on record.
# ::::
# ::::{dropdown} Two models, one test set, 25 against 22 successes. Is the first better?
# :class-container: interview
#
# They judged the same customers, so I pair: how many did only the first win, how many only the second? If it is 3 to 0, an exact McNemar test
# gives 0.25, and the interval of the difference includes zero. Treating the counts as independent would be too cautious: a standard deviation
# of 7 instead of 1.7 hides differences that pairing would show. With all discordant customers on one side it takes six. And I ask how many
# there *could* be: here, over a policy that waits, at most three ({ref}`ex-results-power`).
# ::::
# ::::{dropdown} How do you report results of reinforcement learning?
# :class-container: interview
#
# Many seeds, a dot for each, the interquartile mean with a bootstrap interval over seeds, every evaluation customer once, greedy policies,
# baselines that
# learn nothing in the same game, and the interval over customers, which more seeds do not shrink. I record inputs, settings and versions with
# the results
# and recompute a sample in CI. And I separate reward from the business measure: in this chapter one rises and the other does not move.
# ::::
# ::::{dropdown} Your mean over seeds looks fine. Why do you look at the seeds?
# :class-container: interview
#
# Because training can end in two places. Of our DQN seeds with selection, as described, most act at once and the others toggle features
# until the time is up, some without a single sale ({numref}`fig-results-full`); no seed has the mean's reward. A robust mean is built to
# ignore a quarter of the seeds
# on either side. If I deploy one run, I get one of the two, so I report how many seeds did what and choose a run on validation
# customers, not on the test.
# ::::
# ::::{dropdown} How do you translate a rate into money for a manager?
# :class-container: interview
#
# Customers times rate, cost over subscriptions, each with its interval carried along, with what each action really costs, and always as a
# difference to what would happen
# anyway on the same customers. In the study's scenario the 95 additional subscriptions vanish once the rival is the random policy on
# the same customers. I would rather bring that to the manager than have the quarter's numbers bring it.
# ::::
# ::::{dropdown} A result of yours does not reproduce. What do you do?
# :class-container: interview
#
# I check what each number measured: population, denominator, seed, setting. I write down which part reproduces, which is within the noise of
# its own sample, and
# which measured something else, as in the table against the claims. Then I say what experiment would settle it. The page for stakeholders
# above is that, in five sentences.
# ::::
#
# ## Further reading
#
# - {cite:t}`agarwal2021` on intervals for few runs; {cite:t}`fagerland2014` on paired proportions, with advice.
# - {cite:t}`kapoor2023` on leakage as a cause of results that do not reproduce; {cite:t}`breiman2001` for permutation importance.
# - {cite:t}`nair2026`, the study; [the problem](../book/problem.md) has its table of claims.
