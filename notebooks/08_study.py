# %% [markdown]
# (ch-study)=
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
# ({cite:t}`fagerland2014` compare both with others). `paired` in `crm_rl/evaluation/intervals.py` does them in full.
#
# :::{admonition} Predict
# :class: predict
# All discordant customers are on the first policy's side. How many must there be for $p < 0.05$: 2, 4, 6, 14?
# :::

# %%
import re
import tempfile
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown
from myst_nb import glue
from scipy.stats import binomtest

from crm_rl import cli, plots
from crm_rl.data import clean, data_path, load
from crm_rl.data.split import published_split
from crm_rl.agents.reference import constant_policy, random_policy
from crm_rl.evaluation.rollouts import (
    PUBLISHED_BASE_RATE,
    compare,
    metrics,
    paired_error,
    play,
    play_rivals,
    reward_gap,
)
from crm_rl.evaluation.power import customers_per_arm
from crm_rl.evaluation.rollouts import play_watched
from crm_rl.data.features import PUBLISHED_FEATURES
from crm_rl.worlds.base import N_FEATURES, Action
from crm_rl.worlds.replay import READY, STAGE_FEATURE
from crm_rl.worlds.replay_settings import RULES
from crm_rl.evaluation.intervals import (
    in_digits,
    interquartile_mean,
    over_seeds,
    paired,
    wilson,
)
from crm_rl.agents.q_learning import train_q_learning
from crm_rl.experiments.funnel_study import load_study
from crm_rl.experiments.runner import data_name
from crm_rl.worlds.replay_world import replay_worlds

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
# [chapter 5](05_state_space_explosion.ipynb) works both by hand), and over customers, the {term}`Wilson interval`. (Twenty seeds are not many:
# a bootstrap takes their spread for the true one, so such intervals are a little short, and say little where seeds fall into two groups.)
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
# recorded with where it comes from. The study's table has five rows, random and four learners; the record has a run of each for every seed, and one of each
# action taken always, which needs no seed. This chapter reads the record, and trains one seed of one row live, to see
# that it agrees. Two settings of the same rules were run: `described`, what the study's text says, and `as_coded`, what its code
# does ({term}`replay world`).

# %%
runs, curves, source = load_study(data_name(data_path()))
SEEDS = source["seeds"]
glue("results-seeds", str(len(SEEDS)), display=False)
lengths = runs.query("setting == 'as_coded' and row == 'q_learning_selection'")
lengths = lengths["training_steps"].mean() / source["budget"]["episodes"]
glue("results-train-steps", f"{lengths:.0f}", display=False)
print(f"input sha256 {source['input_sha256'][:12]}..., {len(SEEDS)} seeds,", end=" ")
print(f"{source['budget']['episodes']:,} episodes or steps")
print(f"2 settings x (5 rows x {len(SEEDS)} seeds + 6 constant actions) = {len(runs)} runs")
assert len(runs) == 2 * (5 * len(SEEDS) + len(Action))

# %% [markdown]
# One live run, Q-learning as coded with seed 0. As coded, what a policy counts and spends depends on what it learned, so that another table would
# not agree; as described any policy would count the same 25.

# %%
customers, _ = clean(load(data_path()))
worlds = replay_worlds(customers, "as_coded")
live = train_q_learning(worlds["train"], episodes=source["budget"]["episodes"], seed=0)
live_episodes = play(worlds["test"], live, np.random.default_rng([0, 1]))
recorded = runs.query("setting == 'as_coded' and row == 'q_learning' and seed == 0")
agreement = pd.DataFrame({"live": metrics(live_episodes) | {"states": len(live.q)}})
agreement["recorded"] = recorded.iloc[0][agreement.index].astype(float)
agreement = agreement.loc[["states", "subscribers", "cost", "average_reward"]]
assert np.allclose(agreement["live"], agreement["recorded"], rtol=1e-4)
agreement.round(2)

# %% [markdown]
# ## Four games, and rivals in each
#
# Rewards of two games cannot be compared. With feature selection an episode is longer, toggles cost, and as described the first action of
# the firm ends it. So there are four games, two settings without and with selection, and in each we let the same policies that
# learn nothing treat every test customer once: a random one, with as many seeds, and the six that take one action always. (Where the
# first action ends the episode, "always call" is "call at once, and look at nothing".) They are fast, so we play them here, and
# the random ones without selection must be those on record.

# %%
titles = {False: "without selection", True: "with selection"}
LEARNED = {False: ["q_learning", "dqn"], True: ["q_learning_selection", "dqn_selection"]}
chance = np.random.default_rng(7)
rivals, on_validation, tables, played = {}, {}, {}, {}
for setting, selection in RULES:
    game = setting, selection
    parts = replay_worlds(customers, *game)
    world = parts["test"]
    rivals[game], on_validation[game] = (
        play_rivals(parts[part], SEEDS) for part in ("test", "val")
    )
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
# Q-learning. Our evaluation has to stop somewhere and stops at 50 steps, and *where* it stops is no rule of the game. What policies that learn
# nothing earn with other cuts:

# %%
endless = replay_worlds(customers, "as_coded", selection=True)["test"]
fixed = {f"always {a.name.lower()}": constant_policy(a) for a in Action}
by_cut = {
    f"cut at {cut}": {
        name: play(endless, policy, np.random.default_rng([0, 1]), cut).reward.mean()
        for name, policy in ({"random": random_policy} | fixed).items()
    }
    for cut in (20, 50, 100)
}
by_cut = pd.DataFrame(by_cut)
assert (by_cut.idxmax() == ["always wait", "random", "random"]).all()
waits = by_cut.loc["always wait"]
assert waits["cut at 100"] < 1.9 * waits["cut at 50"]
assert np.isclose(*by_cut.loc["random", ["cut at 50", "cut at 100"]])
by_cut.round(1)

# %% [markdown]
# Six of the seven go on to the cut with nearly every customer, and their reward measures little else. Random ends by itself: sooner or later it toggles
# after step 20. So in this one game every reward, and who is ahead, is to be read with the words "at our cut of 50".
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
        several, last = len(runs_of.get_group(row)) > 1, "features" if game[1] else "cost"
        reward, *ends = line[["reward", "reward low", "reward high"]]
        amount = line["features" if game[1] else "cost of one"]
        lines[row.removesuffix("_selection").replace("_", " ")] = {
            "reward": in_digits(reward, *ends).split(" ", 0 if several else 1)[0],
            "subscribers": f"{line['subscribers']:.0f}"
            + several * f" ({fewest} to {most})",
            "rate, %": f"{line['customers low']:.1f} to {line['customers high']:.1f}",
            last: f"{amount:.0f}",
        }
    return pd.DataFrame(lines).T


shown(("described", False))

# %%
shown(("described", True))

# %%
shown(("as_coded", False))

# %% [markdown]
# As coded with selection, and at our cut of 50:

# %%
shown(("as_coded", True))

# %% [markdown]
# `reward` and `subscribers` are interquartile means over seeds; `reward` has its interval over seeds, `subscribers` the fewest and the most that a seed had.
# `rate, %` is the interval of the rate over customers, widened by that over seeds where seeds differ. `cost` is that of one subscription:
# what all of a row's seeds spent on actions of the firm, in the points of the rules, by the subscriptions they got. As coded,
# waiting costs nothing, and so do its subscriptions: they were not bought by it. With selection, where toggles and visible features cost as well, we leave it out, and
# show `features`, how many were visible at the end. Without selection all 15 are.
#
# The study also counts first calls: customers with a call on record whom the policy called. With intervals as for the rate:

# %%
first_calls = {}
for (setting, selection), runs_of in played.items():
    as_rates = runs_of.assign(
        subscription_rate=runs_of["first_call_rate"],
        subscribers=(runs_of["first_call_rate"] * N / 100).round(),
    )
    table = compare(as_rates, np.random.default_rng(8))
    table.index = table.index.str.removesuffix("_selection").str.replace("_", " ")
    ends = table[["rate %", "customers low", "customers high"]]
    first_calls[setting.replace("_", " "), titles[selection]] = {
        row: in_digits(*line, decimals=1) for row, line in ends.iterrows()
    }
pd.DataFrame(first_calls)

# %% mystnb={"figure": {"caption": "As described. A small orange dot, below its line, is a seed; a large dot the interquartile mean with its interval over seeds, blue for policies that learned, grey for those that did not; a thin line in the first column the interval of the rate over customers and seeds. Each game has its own axis of rewards.", "name": "fig-results-full"}, "image": {"alt": "Two rows of two panels. Without selection all policies have the same subscribers, and their mean rewards lie within three points. With selection some seeds of both learners have fewer subscribers than any rival; the rewards of DQN's seeds lie in two groups, one just above 0 and one below minus 14, and offering a demo to everybody at once earns more than every seed of every learner."}} tags=["hide-input"]
learners = (*LEARNED[False], *LEARNED[True])


def side_by_side(setting: str) -> None:
    of_setting = {
        titles[s]: (tables[setting, s], played[setting, s]) for s in (False, True)
    }
    plots.full_comparison(of_setting, learners)


side_by_side("described")
plt.show()

# %% tags=["hide-input"]
plain, selecting = tables["described", False], tables["described", True]
assert np.ptp(plain["subscribers"]) == 0 and np.ptp(plain["reward"]) < 3
of_learners = played["described", True].query("row in @learners")
assert of_learners["average_reward"].max() < selecting.loc["always_demo", "reward"]
fewest = of_learners.groupby("row")["subscribers"].min()
assert (fewest < selecting.drop(LEARNED[True])["subscribers"].min()).all()
print("fewest subscribers of a seed:", fewest.to_dict())

# %% mystnb={"figure": {"caption": "As coded, with selection at our cut of 50 steps; drawn like the figure before. Rewards that lie far to the left are written at the edge.", "name": "fig-results-coded"}, "image": {"alt": "Two rows of two panels. In subscribers no policy lies beyond one that gives everybody an account manager, and the networks are level with waiting. In reward without selection, DQN is within a few points of waiting, and far above random and Q-learning. With selection the seeds of DQN are spread widely on both sides of random, all below zero, and one lies far to the left."}} tags=["hide-input"]
side_by_side("as_coded")
plt.show()

# %% tags=["hide-input"]
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
of_random = tables["as_coded", True].loc["random", "reward"]
assert of_random + 20 < seeds_of_dqn.max() < 0 and seeds_of_dqn.min() < of_random - 50
assert (seeds_of_dqn < of_random).sum() > 1
print(f"seeds of DQN with selection: {seeds_of_dqn.min():.1f} to {seeds_of_dqn.max():.1f}")

# %% [markdown]
# **Subscribers first.**

# %% tags=["hide-input"]
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
people = worlds["train"].population
need_manager = people.subscribed & (people.stage < READY) & people.reached[:, -1]
assert need_manager.sum() <= 1
glue("results-need-manager", {0: "none", 1: "one"}[need_manager.sum()], display=False)
glue("results-train-subscribers", str(people.subscribed.sum()), display=False)
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
# none, with nearly every seed. The random policy assigns some by accident. Nor had training shown what a manager is good for: of its
# {glue:text}`results-train-subscribers` subscribers, {glue:text}`results-need-manager` needed one. Here, learning better can mean counting fewer subscribers.
#
# **Now the reward.** Against whom? A rival picked on the test customers is a rival in hindsight, with the luck of these customers. We choose it
# beforehand: of the seven that learn nothing, the one that earns most on the *validation* customers. Then every learner is held against it and against
# random, with one interval for the gap. It counts seeds, drawn anew for both, and customers. For these the record is too short, since it keeps
# the mean reward of each seed and not that of each customer; so we put in a stand-in, the standard error of the gap between those two rivals of the game that differ
# most from customer to customer. (For the learner whose customers we do have, that of the live run, it is wide enough.)


# %%
def seeds_of(runs_of: pd.DataFrame, row: str) -> np.ndarray:
    return runs_of.loc[runs_of["row"] == row, "average_reward"].to_numpy()


def ahead(table: dict) -> str:
    """Who earns most of the policies that learn nothing."""
    mean = pd.Series({who: it.reward.mean() for who, it in table.items()})
    return mean.groupby(level=0).agg(interquartile_mean).idxmax()


verdicts, errors, chosen = {}, {}, {}
for game, runs_of in played.items():
    one_each = [it for (_, seed), it in rivals[game].items() if seed == 0]
    errors[game] = max(paired_error(a, b) for a in one_each for b in one_each)
    chosen[game] = ahead(on_validation[game])
    for row in LEARNED[game[1]]:
        ours, rng = seeds_of(runs_of, row), np.random.default_rng(9)
        for rival in dict.fromkeys(("random", chosen[game])):
            gap = reward_gap(ours, seeds_of(runs_of, rival), errors[game], rng)
            verdicts[*game, row, rival] = gap
verdicts = pd.DataFrame(verdicts).T.sort_index()
verdicts["verdict"] = np.select(
    [verdicts["low"] > 0, verdicts["high"] < 0], ["more", "less"], "unclear"
)
live_error = paired_error(live_episodes, rivals["as_coded", False]["always_wait", 0])
assert live_error < errors["as_coded", False]  # the learner whose customers we have


# %% tags=["hide-input"]
pd.DataFrame(
    {
        f"{setting}, {titles[selection]}".replace("_", " "): {
            "chosen on validation": rival.replace("_", " "),
            "best on test, in hindsight": ahead(rivals[setting, selection]).replace(
                "_", " "
            ),
        }
        for (setting, selection), rival in chosen.items()
    }
).T


# %% tags=["hide-input"]
def against(line: pd.Series) -> str:
    gap = in_digits(*line[["gap", "low", "high"]], decimals=1)
    return f"{gap} {line['verdict']}"


readable = {}
for (setting, selection), rival in chosen.items():
    for row in LEARNED[selection]:
        lines = verdicts.loc[setting, selection, row]
        readable[f"{plots.ROW_NAMES[row]}, {setting}".replace("_", " ")] = {
            "over random": against(lines.loc["random"]),
            "over the rival chosen": against(lines.loc[rival]),
        }
pd.DataFrame(readable).T

# %% tags=["remove-cell"]
beats_all = (verdicts["verdict"] == "more").groupby(level=[0, 1, 2]).all()
assert not beats_all.any()
plain_described = tables["described", False]
assert verdicts.loc[("described", False, "dqn", "random"), "verdict"] == "less"
assert verdicts.loc[("described", False, "dqn", "always_call"), "verdict"] == "more"
constants = plain_described.drop(["random", *LEARNED[False]])["reward"]
assert constants.max() < plain_described.loc["random", "reward"] - 0.5
assert (verdicts.loc[("described", True)]["verdict"] != "more").all()
assert verdicts.loc[("as_coded", False, "dqn", "random"), "verdict"] == "more"
assert verdicts.loc[("as_coded", False, "dqn", "always_wait"), "verdict"] == "unclear"
for setting in ("described", "as_coded"):
    assert verdicts.loc[(setting, False, "q_learning", "random"), "verdict"] == "unclear"
assert chosen["described", True] == "always_call" and chosen["as_coded", True] == "random"
last_game = verdicts.loc[("as_coded", True, "dqn_selection", "random")]
assert last_game["gap"] > 5
glue("results-last-verdict", last_game["verdict"], display=False)
short = verdicts.loc[("described", False, "dqn", "random"), ["gap", "low", "high"]]
glue("results-dqn-short", in_digits(*short), display=False)

# %% [markdown]
# Each entry is a gap in points a customer, with its interval. Its last word says whether the learner earns more or less, `unclear` where the interval of the gap includes zero. Game by game:
#
# - **As described, without selection, DQN earns less than choosing at random**: {glue:text}`results-dqn-short` points a customer. Here variety pays: each milestone on
#   record is paid once, and ten steps are enough for several. Random tries most actions in turn; each action taken always collects one kind at
#   most, and all six earn less than random. A frozen network is near them: until a milestone lifts the stage, the customer's state stays what it was, and the same
#   state gets the same action again. (It does earn more than always calling.) Q-learning is level with random, for a reason that we shall see.
# - **As described, with selection**, no learner is ahead of calling everybody at once, the rival chosen beforehand; Q-learning is behind random, too. In hindsight a
#   demo for everybody would have been better still, better than every seed of every learner.
# - **As coded, without selection**, DQN has learned something: to save costs. It earns far more than random, and is not told apart from waiting, which is
#   the rival chosen beforehand. Q-learning again is level with random.
# - **As coded, with selection**, random is the rival, and the gap of DQN's interquartile mean is above zero, at our cut of 50; verdict:
#   {glue:text}`results-last-verdict`. Those of its customers who go on to the cut would go on paying after it, as waiting does in the table of cuts above, and random would
#   not; so a later cut would take from this lead. {ref}`ex-results-rival` writes an eighth rival, in one sentence, that turns it round.
#
# So in no game is a learner shown to earn more than random *and* more than the rival chosen beforehand. What they learn, where they learn, is to save costs and
# to collect milestones on record; that is learning, and not selling.
#
# **And the seeds.** In {numref}`fig-results-full` those of DQN with selection do not lie around their mean. Chapter 6 promised this picture:
# in one run its policy jumped between acting at once and toggling until the time is up.

# %%
split = runs.query("setting == 'described' and row == 'dqn_selection'")
at_once = tables["described", True].loc["always_call", "reward"]
acting = split["average_steps"] < 2
assert (split.loc[acting, "average_reward"] > at_once - 0.5).all() and acting.sum() >= 5
assert split["average_reward"].max() < at_once + 0.01
assert (split.loc[~acting, "average_reward"] < -14).all() and (~acting).sum() >= 1
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

# %% mystnb={"figure": {"caption": "Reward of a training episode: mean over seeds, and the middle half of them. Training episodes are balanced, so that about a third of the customers are subscribers.", "name": "fig-results-training"}, "image": {"alt": "Two panels of learning curves against the share of training done. As coded, all four learners collect more reward as training goes on. As described, the two without selection stay about where they began; the two with selection end some points lower, DQN swinging widely on the way."}} tags=["hide-input"]
plots.training_comparison(curves)
plt.show()

# %% [markdown]
# As coded, the curves rise; as described, there is little to rise to, since any first action collects the +100 of a subscriber
# ({numref}`fig-results-training`). With selection there the curves even *fall*: who acts at random acts in time with nearly everybody, and who has half learned may toggle
# on the way, at a point each; DQN's networks often toggle until the time is up and lose the +100, as the last table of this section shows. A flat curve would make one look for a fault, and a rising one proves little: about a third of the
# episodes are a subscriber's because of the balanced draw, before the first update as after the last; what an agent can do about it
# is to lose some. Nor does a rise carry over: Q-learning with selection, as coded, ends at {glue:text}`results-train-reward` points a
# training episode
# and at {glue:text}`results-test-reward` a test customer. Part of that is the draw; but it also knows hardly a state of the test customers,
# as we shall see.

# %% tags=["hide-input"]
ends = curves.groupby(["setting", "row"], sort=False)["reward"].agg(["first", "last"])
assert (ends.loc["as_coded", "last"] > ends.loc["as_coded", "first"]).all()
ending = ends.loc[("as_coded", "q_learning_selection"), "last"]
tested = tables["as_coded", True].loc["q_learning_selection", "reward"]
glue("results-train-reward", f"{ending:.0f}", display=False)
glue("results-test-reward", f"{tested:.0f}".replace("-", "−"), display=False)
stretch = pd.cut(curves["progress"], [0, 0.1, 0.9, 1], labels=["first", "-", "last"])
means = curves.groupby(["setting", "row", stretch], sort=False, observed=True)
means = means[["reward", "subscribed"]].mean().unstack()
described_change = means.loc["described", "reward"].eval("last - first")
assert (described_change[LEARNED[True]] < -1).all()
assert (described_change[LEARNED[False]].abs() < 3).all()
pd.DataFrame(
    {
        ("reward", "first 10%"): means["reward", "first"].round(1),
        ("reward", "last 10%"): means["reward", "last"].round(1),
        ("subscribed, %", "first 10%"): (100 * means["subscribed", "first"]).round(1),
        ("subscribed, %", "last 10%"): (100 * means["subscribed", "last"]).round(1),
    }
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

# %% tags=["hide-input"]
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
# All four claims about learners are counts such as a sample of the test customers would hold. So they are compatible with our rates. But so they
# would be if each of the four had been the *random* policy: the last column holds no unusual count either. (If DQN's 1,655 were every test
# customer once, there is no luck of drawing in them at all, and a difference to our count is a matter of one to three named
# customers. And a test on so few events finds only gross differences: "usual" is not "the same".) As coded, divided by 0.44% each of our rows
# is about a threefold improvement, *random among them*; divided by random in the same game
# none is an improvement of any size.
#
# The row that does not reproduce is the *baseline*: a random policy on the test customers reaches {glue:text}`results-random`, which is
# {glue:text}`results-random-factor` times the 0.44% ({numref}`fig-results-talk`). The 0.44% is the share of subscribers in all rows of
# the export; as far as we can see, nobody ran a random policy to get it.

# %% mystnb={"figure": {"caption": "For a talk: the rates as published, against the published baseline, and as measured (as coded), each against the random policy of the same game; intervals over customers, on the right over seeds, too.", "name": "fig-results-talk"}, "image": {"alt": "Two panels. Left, the published rates, three of four learners with intervals far to the right of red ticks at 0.44 percent. Right, the measured rates with intervals, every red tick, the random policy in the same game, within the interval of its row, near 1.5 percent."}} tags=["hide-input"]
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
parts = parts.round(2).astype({c: int for c in parts.columns if c != "rate %"})
above = ["all", "all", "all", "dated", "dated", "undated", "undated"]
below = ["customers", "subscribed", "rate %", *2 * ["customers", "subscribed"]]
parts.set_axis([above, below], axis=1)

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

# %% tags=["hide-input"]
tabular = runs[runs["row"].str.startswith("q_learning")]  # a network keeps no list
known = 100 * tabular.groupby(["setting", "row"], sort=False)["known_share"].agg(
    ["mean", "min", "max"]
)
q_known = known.loc[("described", "q_learning"), "max"]
best_row = known.loc[("as_coded", "q_learning"), "max"]
glue("results-known", f"{q_known:.2f}%", display=False)
glue("results-known-coded", f"{best_row:.1f}%", display=False)
spread = (shares.loc["q_learning"] - shares.loc["random"]).abs().max()
assert q_known < 1 and best_row < 5 and spread < 0.05
uneven = ["q_learning_selection", "dqn", "dqn_selection"]
assert (shares.loc[uneven].max(axis=1) > 0.25).all()
known.round(2).rename(columns={"mean": "met, %", "min": "lowest", "max": "highest"})

# %% [markdown]
# The table gives the share of test decisions that fall in a state that training met: the mean over seeds, the lowest and the highest.
#
# Q-learning without feature selection takes the six actions as evenly as the random policy ({numref}`fig-results-actions`), and this
# is why: as described, {glue:text}`results-known` of its decisions on these customers fall in a state that training met, with any seed at most. Elsewhere its table has no row,
# and it chooses at random. The study's best row, Q-learning without selection, came from its code. In our rerun as coded the share is
# {glue:text}`results-known-coded` at most: that row, too, *is* a random policy, nearly everywhere. (A network always has an answer. Whether it is a good one
# for customers unlike those of training is another question.)
#
# The bar of DQN is a mean over seeds, and means of seeds have deceived us before. What does each network prefer?

# %%
favourites = rows[rows["row"] == "dqn"][actions].idxmax(axis=1)
favourites = favourites.str.removeprefix("action_").value_counts().sort_index()
assert len(favourites) >= 3
favourites.rename_axis("the action taken most").rename("seeds of DQN").to_frame()

# %% [markdown]
# The networks do not agree on a favourite, which is what one expects where the six differ little: any first action
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


def each_seed(chosen: bool) -> list[float]:
    """How much of the features the random policy left visible, a number a seed."""
    games = [rivals["as_coded", True]["random", seed] for seed in SEEDS]
    shown_at = [game.mask[game.subscribed == chosen] for game in games]
    return [100 * (at[:, None] >> np.arange(N_FEATURES) & 1).mean() for at in shown_at]


of_dqn = runs.query("setting == 'as_coded' and row == 'dqn_selection'")
in_groups = {
    by_mask.columns[0]: 100 * of_dqn[[f"visible_{name}" for name in names]].mean(axis=1),
    by_mask.columns[1]: each_seed(True),
    by_mask.columns[2]: each_seed(False),
}
rng = np.random.default_rng(4)
spread = {who: in_digits(*over_seeds(v, rng), decimals=1) for who, v in in_groups.items()}
pd.Series(spread, name="features visible, % (over seeds)").to_frame()

# %% mystnb={"figure": {"caption": "How often each feature was visible at the end, as coded, where all start visible. The feature in red is the same for everybody.", "name": "fig-results-features"}, "image": {"alt": "Three groups of dots for 15 features. DQN with selection: all near 100 percent among those who subscribed. A random policy: all near 87 percent among those who subscribed and near 56 percent among the others, the constant feature, Status Active, like the rest."}} tags=["hide-input"]
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
# The *difference* to a rival on the same customers is known better. Say 22 against 24, two discordant: $-2 / 1{,}655$ of 10,000 is
# $-12$ a month. The interval is about $(-2 \pm 1.96 \sqrt{2 + 2}) / 1{,}655$: from $-5.9$ to $+1.9$ customers of 1,655, or from $-36$ to $+12$
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
    return in_money(line["subscribers"], N, np.nan if selection else line["cost of one"])


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
# rules' own costs, as coded, without selection: a manager 20 points a step, an email 1, waiting nothing. By these one subscription from "always a manager" costs
# {glue:text}`results-manager-points` points, and one from waiting 0, although waiting ends with only {glue:text}`results-manager-more` fewer in the
# test part. A cost per subscription in which each action costs the same is a rate turned upside down, and says nothing new.
#
# Now the difference, on the same customers. Which ones did DQN with selection count? Where it assigns no manager and ends with as many as
# were at stage 4 or beyond from the start, it can only be those: the very ones that waiting counts. For the random policy we take the seed
# in the middle.

# %% tags=["hide-input"]
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
extra = differences.loc["random, same game", ["a month", "low", "high"]]
glue("results-extra", in_digits(*extra, decimals=0, sign="+"), display=False)
differences.astype({c: int for c in differences.columns if c != "p"})

# %% [markdown]
# The promised 95 additional subscriptions a month are 1.39% minus 0.44% of 10,000. In our repetition, against the random policy of the same game on the same
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
game = tables["as_coded", True]["subscribers"].round().astype(int)
all_rows_rate = 48 / 11_032
twice, half_more = (customers_per_arm(all_rows_rate, factor) for factor in (2, 1.5))
assert (same_people.sum() > len(SEEDS) / 2) and game["dqn_selection"] == ready.sum()
whose = {
    "twin": "of a synthetic twin of the export, which keeps who subscribed in which part",
    "original": "of the export",
}[data_name(data_path())]
lines = [
    "**What was tried.** Two learning methods choose among six sales actions for each prospect, with and without choosing "
    "what to look at, by the study's text and by its code. Each of these eight combinations was "
    f"trained {len(SEEDS)} times and judged on {N:,} customers kept aside, {whose}.",
    f"**What we found.** Of these {N:,}, {SUBSCRIBERS} subscribed ({100 * SUBSCRIBERS / N:.1f}%; among other customers "
    f"like them between {low:.1f}% and {high:.1f}%). By the study's code, the learned policies count {learned_best:.0f} of them at best, choosing at "
    f"random {coded.loc['random', 'subscribers']:.0f}, an account manager for everybody "
    f"{manager['subscribers']:.0f}. The published variant, in our repetition, counts {game['dqn_selection']}: it hardly ever "
    "assigns the account manager without whom the rules do not count the others. Per month of 10,000 customers, its gain over "
    f"choosing at random by the same rules is {extra['a month']:+.0f} (between {extra['low']:+.0f} and "
    f"{extra['high']:+.0f}): it could be nothing, and it is not 95.",
    "**What the published 3.16-fold improvement is.** A rate among the test customers, divided by a rate among "
    f"all customers. By the same division, choosing at random improves {random_measured / PUBLISHED_BASE_RATE:.1f}-fold. All "
    "subscribers among the test customers are people whom nobody wrote to first, as far as the record shows.",
    "**Why.** The data say what happened to each customer, not what we did and what it changed. In such data no "
    "policy can change who subscribes, only whether the rules count it.",
    "**What we recommend.** Do not deploy on this evidence. Start recording each action, its day and its reason, "
    "and let a coin decide who is treated by the new policy and who is not. To find a doubled rate four times in five takes about "
    f"{round(twice, -2):,} customers in each group, to find one half as large again about {round(half_more, -2):,}; chapter 8 plans it.",
]
Markdown("\n\n".join(f"> {line}" for line in lines).replace(" -", " −"))

# %% [markdown]
# A brief has one reader with five minutes. It says what was done and on whom, what came out and how sure it is, what it means and what
# to do, in this order. Every figure about the customers stands in a table above; the sizes of the two groups are worked out in [the audit](09_audit.ipynb).
#
# ## From the command line
#
# All of this works without a notebook: train a policy, evaluate it beside its rivals, ask it about customers. A small run, of 3,000 episodes, in a folder of
# its own. (`export` is the file of this chapter, and we leave out how many seconds training took.)

# %% tags=["hide-input"]
folder = tempfile.TemporaryDirectory()
EXPORT = f"export{data_path().suffix}"
(Path(folder.name) / EXPORT).write_bytes(data_path().read_bytes())


def command(line: str) -> None:
    """Run `python -m crm_rl` with these words, and print what it says but for the seconds."""
    with chdir(folder.name), redirect_stdout(StringIO()) as said:
        status = cli.main(line.split())
    assert status == 0
    print(f"$ python -m crm_rl {line}\n")
    print(re.sub(r": trained in \d+ s", "", said.getvalue()))


command(f"train q-learning --budget 3000 --seed 0 --data {EXPORT} --out run")

# %%
command(f"evaluate run/q_table.npz --part val --data {EXPORT}")

# %% [markdown]
# We judge on the validation part, as one should while one is still choosing. Now five customers: three whom training has had, and two whom it has not. We move the last
# of them to a country that no customer of training is from:

# %%
raw, parts = load(data_path()), published_split(customers).parts()
five = pd.concat([parts["train"].head(3), parts["val"].head(2)]).index
asked = raw.loc[five].copy()
asked.loc[five[-1], "Country"] = "Bhutan"
asked.to_csv(Path(folder.name) / "five.csv", index=False)
command(f"recommend run/q_table.npz five.csv --data {EXPORT}")

# %% [markdown]
# It answers for everybody, which is the danger. `known` says whether training met the state. Where it did not, all six Q-values are zero and the action is chance,
# whatever the column `action` says. A network gives numbers even there, and leaves `known` blank: it can't tell. Nothing here should be used on customers; that is what the page for stakeholders
# says.

# %% tags=["remove-cell"]
folder.cleanup()

# %% [markdown]
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
# Twenty seeds: the good ones earn 1.6, the bad ones −18. Work out by hand, for 0, 2, 5, 6, 10 and 15 bad seeds, the mean, the median and the
# interquartile mean (leave out the lowest five and the highest five). Then check:
# ::::

# %%
good, bad = 1.6, -18.0

# %% [markdown]
# :::{solution-start} ex-results-seeds
# :class: dropdown
# :::
#
# With five bad seeds, a quarter of all, the interquartile mean is that of a row without any; the median holds out until ten. The interval of the interquartile mean
# does notice: with two bad seeds it has no width, with five it reaches far down. They are robust,
# which is what one wants against one wild seed, and the wrong thing when the wild ones are a finding. The mean sees every seed and
# describes none. No single number shows two groups: a dot for each seed does.

# %%
summary = {}
for failures in (0, 2, 5, 6, 10, 15):
    of_seeds = np.array([bad] * failures + [good] * (20 - failures))
    robust = over_seeds(of_seeds, np.random.default_rng(0))
    summary[failures] = {
        "mean": of_seeds.mean(),
        "median": np.median(of_seeds),
        "interquartile mean": robust["iqm"],
        "low": robust["low"],
        "high": robust["high"],
    }
summary = pd.DataFrame(summary).T.rename_axis("bad seeds")
assert np.isclose(summary.loc[5, "interquartile mean"], good)
assert np.isclose(summary.loc[6, "interquartile mean"], (9 * good + bad) / 10)
assert np.isclose(summary.loc[2, "low"], good) and summary.loc[5, "low"] < good - 5
summary.round(2)

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} A rival in one sentence
# :label: ex-results-rival
#
# As coded, with selection, and at our cut of 50 steps, DQN's interquartile mean was above all seven rivals. Read the rules in `crm_rl.worlds.replay_settings`: what costs points at each step? Write a
# policy in one sentence, without learning and without looking at a customer, that earns more than DQN. Start from one that only waits:
# ::::


# %%
def my_rival(states, world, rng):
    return np.full(len(states.customer), N_FEATURES + Action.WAIT)


print(f"{play(endless, my_rival, np.random.default_rng(0)).reward.mean():.2f}")

# %% [markdown]
# :::{solution-start} ex-results-rival
# :class: dropdown
# :::
#
# "Hide all fifteen features, one after the other, then wait." Each visible feature costs a tenth of a point at every action of the firm; a hidden
# one costs nothing, and as coded hiding hides nothing. Waiting costs nothing either, and the subscriptions come by themselves. So this rival's reward does not even depend on
# where we cut. No seed of DQN found this in 100,000 steps. So "better than seven rivals" is no praise; a list of rivals is never finished, and the first to be
# put on it is the one that knows the rules.


# %%
def hide_then_wait(states, world, rng):
    return np.where(states.steps < N_FEATURES, states.steps, N_FEATURES + Action.WAIT)


hidden = metrics(play(endless, hide_then_wait, np.random.default_rng(0)))
of_dqn = played["as_coded", True].query("row == 'dqn_selection'")["average_reward"]
assert hidden["average_reward"] > of_dqn.max() + 5
assert hidden["subscribers"] == ready.sum()
later = play(endless, hide_then_wait, np.random.default_rng(0), max_steps=100)
assert np.isclose(later.reward.mean(), hidden["average_reward"])
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
# Train Q-learning as described, and take the table back to customers whose states it knows: those of the training part with something on record, and as many
# others. Scramble one feature at a time among them, let the policy treat them, and see how the average reward changes. Which features does
# the policy depend on, and which changes are noise? Mind the stage: what is seen of it comes from the state, not from the column, so scramble the
# recorded stage as well. Start here:
# ::::

# %%
described_world = replay_worlds(customers, "described")["train"]
table = train_q_learning(described_world, seed=0)
train = described_world.population
with_record = train.reached.any(axis=1) | train.subscribed
others = np.flatnonzero(~with_record)[:: (~with_record).sum() // with_record.sum()]
some = np.sort(np.concatenate([np.flatnonzero(with_record), others[: with_record.sum()]]))
COLUMNS = ("features", "reached", "subscribed", "stage")
some_people = train._replace(**{column: getattr(train, column)[some] for column in COLUMNS})


def treat(people, seed: int) -> tuple[float, float]:
    """Average reward, and how many of 100 decisions were made in a state that training met."""
    world = described_world._replace(population=people)
    episodes, met = play_watched(world, table, np.random.default_rng(seed))
    return episodes.reward.mean(), 100 * met.sum() / episodes.steps.sum()


untouched, met = treat(some_people, 0)
there = described_world._replace(population=some_people)
chance_there = play(there, random_policy, np.random.default_rng(0))
print(f"{len(some):,} customers, {met:.0f}% of decisions in states that training met")
print(f"average reward {untouched:.2f}, random {chance_there.reward.mean():.2f}")

# %% [markdown]
# :::{solution-start} ex-results-permutation
# :class: dropdown
# :::
#
# Ten scramblings each: how far they lie apart is the noise, and where their range reaches zero we have found nothing. `Status_Active`, the same
# for everybody, changes nothing at all, as it must. Scrambling a feature that varies puts customers into states that the table has
# never met, where it acts at random. The column `met` says how often: it falls for every feature that costs reward, and the less is met, the
# more is lost, by and large. So much of what we measure is how many states a feature makes unknown, and not what it says.
# For some the scrambled customers may even earn a little more: changes of this size are near the limit of what ten scramblings show.
# Note what is measured: the dependence of *this policy* on the feature, not what the feature says about customers.

# %%
rng = np.random.default_rng(2)
changes = {}
for place, name in enumerate(names):
    drops, shares_met = [], []
    for seed in range(10):
        order = rng.permutation(len(some))
        features, stage = some_people.features.copy(), some_people.stage
        features[:, place] = features[order, place]
        if place == STAGE_FEATURE:
            stage = stage[order]
        reward, share = treat(some_people._replace(features=features, stage=stage), seed)
        drops.append(untouched - reward)
        shares_met.append(share)
    changes[name] = {"value": np.mean(drops), "low": min(drops), "high": max(drops)}
    changes[name]["met"] = np.mean(shares_met)
changes = pd.DataFrame(changes).T
varies = some_people.features.std(axis=0) > 0
assert not varies[names.index("Status_Active")]
assert (changes.loc[~varies, ["value", "low", "high"]] == 0).all(axis=None)
assert (changes["low"] > 0).sum() >= 5 and changes["value"].max() < 1.5
assert (changes.loc[changes["low"] > 0, "met"] < met - 1).all()
assert changes["value"].corr(changes["met"], method="spearman") < -0.5
changes.sort_values("met", kind="stable").round({"value": 2, "low": 2, "high": 2, "met": 0})

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
# - Put policies that learn nothing into the table: on the same customers, in the same game, and one that knows the rules. Choose the rival before the test.
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
# And there its best seeds do no better than "call at once", which one would have chosen on the validation customers.
# ::::
# ::::{dropdown} No: fewer features cannot help
# :class-container: wrong
#
# They can; chapter 5 shows a table that does far better with few. It is this comparison that cannot tell.
# ::::
# :::::
#
# :::::{admonition} 5. A row's interquartile mean over 20 seeds is 1.6, and so are its median and most of its seeds. What may you conclude?
# :class: quiz
#
# ::::{dropdown} All seeds earn 1.6
# :class-container: wrong
#
# Five could earn anything below, and five anything above, without moving the interquartile mean ({ref}`ex-results-seeds`).
# ::::
# ::::{dropdown} The middle half of the seeds earns 1.6 on average; look at the others, and at the interval
# :class-container: right
#
# A dot for each seed shows what the mean was built to ignore. With two bad seeds even its interval has no width; with five it reaches far down.
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
# I show the rivals first: what do random, "always wait" and each constant action get on the same customers? Here they get as many subscribers as the
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
# anyway on the same customers. In the study's scenario the 95 additional subscriptions vanish once the rival is the random policy by the same rules on
# the same customers. I would rather bring that to the manager than have the quarter's numbers bring it.
# ::::
# ::::{dropdown} A result of yours does not reproduce. What do you do?
# :class-container: interview
#
# I check what each number measured: population, denominator, seed, setting. I write down which part reproduces, which is within the noise of
# its own sample, and
# which measured something else, as in the table against the claims. Then I say what experiment would settle it. The page for stakeholders
# above is that.
# ::::
#
# ## Further reading
#
# - {cite:t}`agarwal2021` on intervals for few runs; {cite:t}`fagerland2014` on paired proportions, with advice.
# - {cite:t}`kapoor2023` on leakage as a cause of results that do not reproduce; {cite:t}`breiman2001` for permutation importance.
# - {cite:t}`nair2026`, the study; [the problem](../book/problem.md) has its table of claims.
