# %% [markdown]
# (ch-study-in-full)=
# # Lab note: the study in full
#
# [Chapter 8](08_study.ipynb) repeats the published study {cite:p}`nair2026` and compares subscription rates. This note keeps what it leaves out: rewards
# in all four games beside policies that learn nothing, why the table with selection fails, and what replay and the target network do.
#
# ::::{admonition} In this note
# :class: chapter-box
#
# You will learn
# : - whether any learner beats a rival that was chosen beforehand
#   - why some seeds toggle features until the time is up
#   - what changes when DQN loses its replay buffer or its target network
#
# You need
# : [The published study, run again](08_study.ipynb).
#
# Time
# : 17 minutes to read, 60 seconds to run.
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
# ## Four games
#
# Two sets of rules, with and without {term}`feature selection`, make four games. Rewards of different games cannot be compared: with selection as described, an
# episode ends with the first action of the firm; without it, ten steps cost a point each. So each learner is held against seven
# policies *of its own game* that learn nothing: one that chooses at random, and the six that take one action always. From these we choose one rival
# beforehand, the one that earns most on the **validation** customers.
#
# As coded with selection, only a subscription or a late toggle ends an episode, so a policy that never toggles goes on for ever. We cut it off after 50 steps. In
# this game every reward is to be read with the words "at our cut".

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from crm_rl import plots
from crm_rl.data import data_path
from crm_rl.evaluation.intervals import in_digits, interquartile_mean, over_seeds
from crm_rl.evaluation.rollouts import compare, paired_error, play, play_rivals, reward_gap
from crm_rl.experiments.funnel_study import load_study
from crm_rl.experiments.runner import data_name
from crm_rl.worlds.registry import worlds
from crm_rl.worlds.replay_settings import PARAMS

plots.use_style()
runs, curves, source = load_study(data_name(data_path()))
SEEDS = source["seeds"]
TITLES = {False: "without selection", True: "with selection"}
LEARNED = {False: ["q_learning", "dqn"], True: ["q_learning_selection", "dqn_selection"]}
rivals, chosen, tables, played, gaps = {}, {}, {}, {}, {}


def most_earned(episodes: dict) -> str:
    """Return who earns most of the policies that learn nothing."""
    mean = pd.Series({who: each.reward.mean() for who, each in episodes.items()})
    return mean.groupby(level=0).agg(interquartile_mean).idxmax()


for setting, selection in PARAMS:
    game = setting, selection
    parts = worlds(setting, selection)
    rivals[game] = play_rivals(parts["test"], SEEDS)
    chosen[game] = most_earned(play_rivals(parts["val"], SEEDS))
    lines = [
        {"row": row, "seed": seed, "customers": len(each.reward), "average_reward": each.reward.mean()}
        | {"subscribers": int(each.subscribed.sum()), "subscription_rate": 100 * each.subscribed.mean()}
        | {"first_call_rate": 0.0, "features_used": 0.0, "cost": each.cost.sum()}
        for (row, seed), each in rivals[game].items()
    ]
    learned = runs[(runs["setting"] == setting) & runs["row"].isin(LEARNED[selection])]
    played[game] = pd.concat([learned, pd.DataFrame(lines)])
    tables[game] = compare(played[game], np.random.default_rng(7))
    one_each = [each for (_, seed), each in rivals[game].items() if seed == 0]
    error = max(paired_error(a, b) for a in one_each for b in one_each)
    rewards = played[game].groupby("row")["average_reward"].apply(np.array)
    for row in LEARNED[selection]:
        for rival in dict.fromkeys(("random", chosen[game])):
            gap = reward_gap(rewards[row], rewards[rival], error, np.random.default_rng(9))
            gaps[*game, row, rival] = gap


def name_of(row: str) -> str:
    return plots.ROW_NAMES.get(row, row.replace("_", " ")).removesuffix(", selection")


against = {}
for (setting, selection), rival in chosen.items():
    for row in LEARNED[selection]:
        against[setting.replace("_", " ") + ", " + TITLES[selection], name_of(row)] = {
            "minus random": in_digits(*gaps[setting, selection, row, "random"], decimals=1),
            "minus the rival": in_digits(*gaps[setting, selection, row, rival], decimals=1),
            "the rival": name_of(rival),
        }
pd.DataFrame(against).T

# %% tags=["remove-cell"]
from myst_nb import glue

found = pd.DataFrame(gaps).T
verdict = np.select([found["low"] > 0, found["high"] < 0], ["more", "less"], "unclear")
verdict = pd.Series(verdict, found.index).sort_index()
assert not (verdict == "more").groupby(level=[0, 1, 2]).all().any()
assert verdict["described", False, "dqn", "random"] == "less"
assert chosen["described", False] == "always_call"
assert verdict["described", False, "dqn", "always_call"] == "more"
assert verdict["as_coded", False, "dqn", "random"] == "more"
assert verdict["as_coded", False, "dqn", "always_wait"] == "unclear"
assert chosen["as_coded", False] == "always_wait" and chosen["described", True] == "always_call"
assert (verdict["described", True] != "more").all() and chosen["as_coded", True] == "random"
best_on_test = tables["described", True].drop(LEARNED[True])["reward"].idxmax()
seeds = played["described", True].query("row in @LEARNED[True]")["average_reward"]
demo = tables["described", True].loc["always_demo", "reward"]
assert best_on_test == "always_demo" and seeds.max() < demo
words = {"more": "lies above zero", "less": "lies below zero", "unclear": "includes zero"}
glue("full-last", words[verdict["as_coded", True, "dqn_selection", "random"]], display=False)

# %% [markdown]
# Rewards are interquartile means over 20 seeds, in points a customer; the intervals of the gaps count seeds and customers. **In no game is a learner shown to earn more than
# random and more than the rival.** (Where the rival is random, the two columns are one comparison.)
#
# - **As described, without selection**, DQN earns more than always calling, the rival, and less than random. Each milestone pays once, and
#   random tries most of them.
# - **As described, with selection**, no learner is ahead of "call everybody at once, and look at nothing".
# - **As coded, without selection**, DQN learned to save costs; we cannot tell it from always waiting.
# - **As coded, with selection**, the interval of DQN's lead over random {glue:text}`full-last`. The next section shows a policy far ahead
#   of both.

# %% mystnb={"figure": {"caption": "The four games. A small orange dot, below its line, is a seed; a large dot the interquartile mean with its interval over seeds, blue for learners. Rewards far to the left are written at the edge. Above as described, below as coded.", "name": "fig-full-described"}, "image": {"alt": "Two rows of two panels. Without selection all policies have the same subscribers, and rewards lie within three points. With selection some seeds of both learners have fewer subscribers than any rival, and DQN's seeds lie in two groups, one just above 0 and one below minus 14."}} tags=["hide-input"]
LEARNERS = (*LEARNED[False], *LEARNED[True])


def both(setting: str) -> None:
    games = {TITLES[s]: (tables[setting, s], played[setting, s]) for s in (False, True)}
    plots.full_comparison(games, LEARNERS)


both("described")
plt.show()

# %% mystnb={"figure": {"caption": "As coded, drawn like the figure before; with selection at our cut of 50 steps.", "name": "fig-full-coded"}, "image": {"alt": "Two rows of two panels. In subscribers no policy lies beyond one that gives everybody an account manager, and the networks are level with waiting. In reward without selection, DQN is within a few points of waiting. With selection DQN's seeds are spread widely on both sides of random, all below zero."}} tags=["hide-input"]
both("as_coded")
plt.show()

# %% [markdown]
# ## A rival that knows the rules
#
# As coded, each visible feature costs a tenth of a point at every action, a hidden one nothing, and hiding hides nothing. Waiting is free, and
# subscriptions come by themselves. So here is a policy in one sentence: *hide all fifteen features, one after the other, then wait.*

# %%
from crm_rl.worlds.base import N_FEATURES, Action

endless = worlds("as_coded", True)["test"]


def hide_then_wait(states, world, rng):
    return np.where(states.steps < N_FEATURES, states.steps, N_FEATURES + Action.WAIT)


hidden = play(endless, hide_then_wait, np.random.default_rng(0))
of_dqn = played["as_coded", True].query("row == 'dqn_selection'")["average_reward"]
print(f"hide, then wait: {hidden.reward.mean():.1f}; best seed of DQN: {of_dqn.max():.1f}")

# %% tags=["remove-cell"]
later = play(endless, hide_then_wait, np.random.default_rng(0), max_steps=100)
assert np.isclose(later.reward.mean(), hidden.reward.mean())
assert hidden.reward.mean() > of_dqn.max() + 4

# %% [markdown]
# It beats every seed of DQN, and its reward does not depend on our cut. A list of rivals is never finished. The first one to put on it is the one that knows the
# rules.
#
# ## Two groups of seeds
#
# As described with selection, DQN's seeds do not scatter around their mean:

# %% tags=["hide-input"]
split = runs.query("setting == 'described' and row == 'dqn_selection'")
at_once = split["average_steps"] < 2
groups = split.assign(seeds=np.where(at_once, "act at once", "toggle first")).groupby("seeds")
groups.agg(
    number=("seed", "count"),
    lowest_reward=("average_reward", "min"),
    highest_reward=("average_reward", "max"),
    fewest_subscribers=("subscribers", "min"),
    most_subscribers=("subscribers", "max"),
).round(1).rename(columns=lambda name: name.replace("_", " "))

# %% tags=["remove-cell"]
assert at_once.sum() >= 5 and (~at_once).sum() >= 1
assert (split.loc[~at_once, "average_reward"] < -14).all()
assert split.loc[at_once, "average_reward"].min() > 0

# %% [markdown]
# Some act at once with everybody. The others toggle features until the time is up, which costs 20 points, and may lose even the subscriptions that come by themselves. No seed
# earns the mean. Say how many seeds did what; one number cannot.
#
# ## The 0.80 against 1.80
#
# The study explains the low rate of Q-learning with selection by the state-space explosion. How often does each table decide in a state that training met? On the
# test customers, over seeds:

# %% tags=["hide-input"]
tabular = runs[runs["row"].isin(["q_learning", "q_learning_selection"])]
met = tabular.groupby(["setting", "row"], sort=False)[["states", "known_share"]].mean()
met = pd.DataFrame(
    {"states": met["states"].map("{:,.0f}".format), "decisions in met states": met["known_share"].map("{:.1%}".format)}
)
met.rename(index=plots.ROW_NAMES).rename(index={"as_coded": "as coded"})

# %% tags=["remove-cell"]
share = tabular.groupby(["setting", "row"])["known_share"].mean()
assert share["as_coded"].max() < 0.03 and share["described", "q_learning"] < 0.01
assert share["described", "q_learning_selection"] > 0.9

# %% [markdown]
# **As coded**, the explosion is there, and the table with selection guesses nearly everywhere. But so does the table *without* selection, which has few states: the
# test customers come later, their features were encoded anew, and their states are others. Explosion cannot explain a difference between two tables that both
# guess.
#
# **As described**, there is no explosion, and the table with selection decides in met states. Yet most seeds fail. Why? Calling at once is right by a small
# margin: a useless look costs a point and a delay. Meanwhile calling pays +114 for a subscriber, +14 for a call on record, else −1. With a learning
# rate of 0.1 it scatters by 0.23 times the standard deviation of these rewards ([chapter 4](04_q_learning.ipynb)), more than the margin. And the target of a toggle is a *maximum* over 21 such
# numbers, which is too high on average. So toggling looks good. If this is right, a smaller rate should cure it. To keep the states equal, we train with
# ε = 1: both rates then learn from the very same steps.

# %%
from crm_rl.agents.q_learning import STUDY, train_q_learning

looking = worlds("described", True)
by_rate = {}
for alpha in (0.1, 0.01):
    hyper = STUDY._replace(alpha=alpha, epsilon_end=1.0)
    trained = [train_q_learning(looking["train"], hyper, 50_000, seed) for seed in range(8)]
    by_rate[alpha] = [
        play(looking["val"], table, np.random.default_rng([seed, 1])).reward.mean()
        for seed, table in enumerate(trained)
    ]
    print(f"alpha {alpha}: {len(trained[0].q):,} states, rewards {np.round(by_rate[alpha], 1)}")

# %% tags=["remove-cell"]
drawn = np.empty(20_000, dtype=np.int64)
looking["train"].draw(np.random.default_rng(5), drawn)
calls = np.full(len(drawn), N_FEATURES + Action.CALL)
paid = looking["train"].step(looking["train"].start(drawn), calls, None).reward
margin = paid.mean() - (-1 + 0.95 * (paid.mean() - 0.1))
assert paid.std() * np.sqrt(0.1 / 1.9) > 3 * margin and round(np.sqrt(0.1 / 1.9), 2) == 0.23
gain = np.subtract(by_rate[0.01], by_rate[0.1])
assert over_seeds(gain, statistic="mean")["low"] > 5 and min(by_rate[0.01]) > -4
glue("full-gain", in_digits(*over_seeds(gain, statistic="mean"), decimals=1), display=False)

# %% [markdown]
# Same seeds, same steps, same states; the smaller rate earns {glue:text}`full-gain` points more on the validation customers. In this variant, then, the learning rate makes the difference, with the number of states unchanged. This concerns our runs. The published run we cannot repeat, only its rules.
#
# ## DQN without its parts
#
# What do replay and target network do *here*? An {term}`ablation` removes one part and keeps the rest: "no replay" remembers only the 64 newest transitions, "no target
# network" computes targets with the weights in training. Ten seeds each, 50,000 steps, without selection, paired by seed. Each entry is the variant minus the
# full DQN: mean and $t$ interval over seeds.

# %% tags=["hide-input"]
from crm_rl.experiments.dqn_ablation import load_ablation, record_for

trials, courses, _ = load_ablation(record_for(data_path()))
by_seed = trials.set_index(["setting", "variant", "seed"]).sort_index()
MEASURES = {"reward_train": "reward, training", "reward_val": "reward, validation"}
MEASURES |= {"last_loss": "loss", "last_max_q": "highest Q"}


def change(setting: str, variant: str, column: str) -> pd.Series:
    one, full = (by_seed.loc[(setting, name), column].to_numpy() for name in (variant, "full"))
    return over_seeds(one - full, statistic="mean")


pd.DataFrame({
    (setting.replace("_", " "), name): {
        variant: in_digits(*change(setting, variant, column), sign="+")
        for variant in ("no replay", "no target network")
    }
    for setting in ("described", "as_coded")
    for column, name in MEASURES.items()
}).T  # fmt: skip

# %% tags=["remove-cell"]
for setting in ("described", "as_coded"):
    for column in ("reward_train", "reward_val"):
        assert change(setting, "no replay", column)["high"] < 0
        assert abs(change(setting, "no target network", column).iloc[0]) < 1
assert change("described", "no replay", "last_loss")["high"] < 0
loss = change("as_coded", "no replay", "last_loss")
assert loss["low"] < 0 < loss["high"]

# %% mystnb={"figure": {"caption": "Ten seeds of each variant: median and middle half of the reward of training episodes, the loss, and the highest Q-value.", "name": "fig-full-ablation"}, "image": {"alt": "Two columns of three panels. As described the loss without replay ends well below that of the two others; as coded the three losses end nearly alike. The highest Q-value moves away from zero soonest without a target network. Without replay the reward of training episodes is some points lower."}} tags=["hide-input"]
plots.training_stability({
    setting.replace("_", " "): {
        variant: courses[(courses["setting"] == setting) & (courses["variant"] == variant)]
        for variant in ("full", "no replay", "no target network")
    }
    for setting in ("described", "as_coded")
})  # fmt: skip
plt.show()

# %% [markdown]
# - **Without replay the policy is worse** in both settings, on training and on validation customers. As described the change is small in points, because little
#   depends on the actions there.
# - **The loss would not have told us.** As described it is *lower* without replay, and as coded we cannot tell. Each update then sees the newest
#   transitions only, which are few and alike. Judge by the reward of the greedy policy.
# - **Without the target network the reward moves by less than a point.** Values move sooner ({numref}`fig-full-ablation`) and none runs away. Perhaps the small learning rate,
#   the Huber loss and replay suffice here; this record does not take them away one by one.
#
# This says nothing about the games for which DQN was made: {cite:t}`mnih2015` removed the parts on five of them, and both helped, replay the most.
