# %% [markdown]
# (ch-q-learning)=
# # Q-learning
#
# A table, one line of arithmetic, and a hundred thousand episodes in about a second. We do six updates by hand, check the
# algorithm where the right answer is known, and then look at what it learns of the funnel.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to fill a Q-table by hand, and to derive the update from the Bellman optimality equation
#   - what the learning rate, the discount and exploration do, each by an experiment with many seeds
#   - when Q-learning converges, and why a constant learning rate only hovers
#   - to read a training curve and a trained table, and to ask how much of the table a new customer meets
#
# You need
# : [The funnel as an MDP](03_funnel_mdp.ipynb).
#
# Time
# : 50 minutes to read, 40 seconds to run.
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
# The funnel of the first half is invented, and so small that its right answers are known. In the second half, from "From a customer to a
# row" on, the customers are those of the {term}`twin`, unless you have set `CRM_RL_DATA` to the original file. The twin keeps exactly how many
# subscribed in each part of the split, so that what a policy *can* earn comes out nearly the same. Which features go together it keeps only roughly; the
# numbers of states and of rows in a table are its own.
#
# ## A table with two rows
#
# Ten customers look exactly alike. Each is in one of two situations: **new**, or **kept**, once an account manager has been assigned.
# Assigning the manager costs 20 points. Waiting costs nothing. From then on every step earns 2, the assigning step included,
# because a customer who is looked after keeps paying. And one of the ten, we don't know which, subscribes as soon as there is a manager: 100
# points, and the end.
#
# Should we assign a manager? An {term}`agent` that knows none of this keeps a {term}`Q-table`: for each situation and each action a
# number $Q(s, a)$, its guess of the {term}`return` if it does this now and its best afterwards. It begins with zeros. After each step
# it corrects one number:
#
# - the **target** is the reward it got, plus 0.95 times the best number in the row of the next situation (or plus nothing, if the
#   episode is over);
# - the **surprise** is the target minus the old number; its name is {term}`temporal-difference error <temporal difference>`,
#   $\delta$;
# - the new number is the old one plus a tenth of the surprise.
#
# :::{admonition} By hand: four episodes
# :class: by-hand
#
# **1. A customer who will not subscribe.** In *new* the agent tries the manager: reward −20 + 2 = −18. The row of *kept* is still all
# zeros.
#
# - $\delta = -18 + 0.95 \times 0 - 0$ $= -18$;
#   $Q(\text{new}, \text{manager})$ $= 0 + 0.1 \times (-18)$ $= -1.8$.
#
# In *kept* it waits, twice, for 2 points each:
#
# - $\delta = 2 + 0.95 \times 0 - 0$ $= 2$; $Q(\text{kept}, \text{wait}) = 0.2$;
# - $\delta = 2 + 0.95 \times 0.2 - 0.2$ $= 1.99$; $Q(\text{kept}, \text{wait})$ $= 0.2 + 0.199$ $= 0.399$.
#
# **2. Another like that.** The manager again: this time the next row has something to say.
#
# - $\delta = -18 + 0.95 \times 0.399$ $- (-1.8)$ $= -15.821$; $Q(\text{new}, \text{manager})$ $= -1.8 - 1.582$ $= -3.382$.
#
# **3. The one who subscribes.** The manager: −20 + 2 + 100 = 82, and the episode is over.
#
# - $\delta = 82 - (-3.382)$ $= 85.382$; $Q(\text{new}, \text{manager})$ $= -3.382 + 8.538$ $= 5.156$.
#
# **4. Waiting in *new*.** Reward 0, and the next situation is *new* again, whose best number is now 5.156.
#
# - $\delta = 0 + 0.95 \times 5.156 - 0$ $= 4.898$; $Q(\text{new}, \text{wait}) = 0.490$.
#
# | | wait | manager |
# |---|--:|--:|
# | new | 0.490 | 5.156 |
# | kept | 0.399 | 0 |
# :::
#
# Look at what happened between the episodes. After the second the table advises against the manager, and a {term}`greedy` agent, which
# always takes the action with the highest number, would never have tried it again. And in the fourth, waiting earned nothing and yet
# its number rose: the value of what one can do *next* flows back, one step at a time. We check the arithmetic.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from myst_nb import glue

from crm_rl import plots

plots.use_style()
pd.set_option("display.max_columns", 20)
ALPHA, GAMMA = 0.1, 0.95

by_hand = pd.DataFrame(0.0, index=["new", "kept"], columns=["wait", "manager"])


def update(situation: str, action: str, reward: float, following: str | None) -> float:
    """One step of Q-learning on `by_hand`; `following` is None at the end. Returns the surprise."""
    future = 0.0 if following is None else by_hand.loc[following].max()
    surprise = reward + GAMMA * future - by_hand.loc[situation, action]
    by_hand.loc[situation, action] += ALPHA * surprise
    return surprise


surprises = [
    update("new", "manager", -18, "kept"),
    update("kept", "wait", 2, "kept"),
    update("kept", "wait", 2, "kept"),
    update("new", "manager", -18, "kept"),
    update("new", "manager", 82, None),
    update("new", "wait", 0, "new"),
]
assert np.allclose(surprises, [-18, 2, 1.99, -15.82095, 85.382095, 4.898267])
by_hand.round(3)

# %% [markdown]
# ## What the numbers should be
#
# This funnel is so small that we know the right answer. Once the customer is kept, waiting for ever is best: nothing else earns
# anything. It is worth
#
# $$
# \begin{aligned}
# 2 + 0.95 \times 2 + 0.95^2 \times 2 + \dots \\
# = \frac{2}{1 - 0.95} = 40 . \qquad
# \end{aligned}
# $$
#
# :::{admonition} By hand: the best values
# :class: by-hand
#
# - $q_*(\text{kept}, \text{wait}) = 40$.
# - $q_*(\text{new}, \text{manager})$: with one customer in ten 82 and the end, with nine in ten −18 and then 0.95 × 40:
#   $\tfrac{1}{10} \times 82 + \tfrac{9}{10} (-18 + 38)$ $= 8.2 + 18 = 26.2$.
# - $q_*(\text{new}, \text{wait})$: nothing now, and then the manager after all: $0.95 \times 26.2 = 24.89$.
#
# So: assign a manager, at once. Each step of delay costs 5% of 26.2.
# :::
#
# What we did in the box has a general form. The best value of an action is its reward, plus the discounted best value of what
# follows, averaged over what can follow. This is the **Bellman optimality equation** {cite:p}`bellman1957`, equation 3.20 in
# {cite:t}`sutton2018`, and {eq}`bellman-optimality` on our [notation page](../book/notation.md):
#
# $$
# \begin{aligned}
# q_*(s, a) = \sum_{s', r} & p(s', r \mid s, a) \\
# & \bigl[ r + \gamma \max_{a'} q_*(s', a') \bigr] .
# \end{aligned}
# $$
#
# It is one equation for each pair of state and action, in as many unknowns. If we knew $p$, we could solve them. Now read the
# right-hand side as an **average**, of the bracket, over whatever the world may do. An average can be estimated without knowing the
# probabilities: observe one case after the other, and move the estimate a little towards each. The bracket with our own table in
# place of $q_*$ is the target, and the little step is {term}`Q-learning` ({cite:t}`watkins1992`; equation 6.8 in
# {cite:t}`sutton2018`):
#
# $$
# \begin{aligned}
# \delta &= r + \gamma \max_{a'} Q(s', a') \\
# & \qquad - Q(s, a) , \\
# Q(s, a) &\leftarrow Q(s, a) + \alpha\, \delta .
# \end{aligned}
# $$ (q-update)
#
# The {term}`learning rate <step size>` $\alpha$ says how far we move. Two things are worth a pause. The target uses the table itself, so
# guesses are corrected by guesses; that is called *bootstrapping*. And it uses the **best** next action, whatever the agent goes on to do: so the agent
# may explore and still learn about the greedy policy ({term}`off-policy learning`).
#
# ## The same funnel in the package
#
# Our two situations are a replay world with ten customers and a few constants changed. The other four actions are there as well;
# they cost what the study's code says and do nothing. The last lines put together what the learner asks for: the customers, the rules,
# how customers are drawn, and a *coder* that says which row of the table a situation belongs to. How a coder works comes later, in
# "From a customer to a row"; for now read `tiny` as "the ten customers and their rules".

# %%
from crm_rl.worlds.replay_world import balanced
from crm_rl.worlds.base import Action
from crm_rl.worlds.replay import Population, start, step
from crm_rl.worlds.replay_settings import AS_CODED, DESCRIBED
from crm_rl.agents.q_learning import (
    STUDY,
    Hyperparameters,
    empty_table,
    run_episodes,
    train,
)
from crm_rl.worlds.replay_keys import coder_of, levels_of, state_key

ten_alike = Population(
    features=np.zeros((10, 15), dtype=np.float32),
    reached=np.tile([False, False, False, True, False], (10, 1)),  # all have signed up
    subscribed=np.arange(10) == 0,
    stage=np.zeros(10, dtype=np.int64),
    stage_unit=1 / 6,
)
two_stages = DESCRIBED._replace(
    action_cost=AS_CODED.action_cost,  # email 1, call 5, demo 10, survey 2, wait 0, manager 20
    milestone_reward=(0.0,) * 6,
    signup_reward=2.0,  # from stage 4 on
    needs_stage=True,  # so does a subscription
    manager_always_lifts=True,  # to stage 5
)
tiny = (
    ten_alike,
    two_stages,
    balanced(ten_alike, shares=(0, 0)),  # every customer equally often
    coder_of(ten_alike, levels_of(ten_alike)),  # from a situation to its row
)

costs = np.array(two_stages.action_cost)
best_new = 0.1 * 82 + 0.9 * (-18 + GAMMA * 40)
optimum = np.array([-costs + GAMMA * best_new, -costs + 2 + GAMMA * 40])
optimum[0, Action.MANAGER] = best_new
assert np.isclose(best_new, 26.2) and np.isclose(optimum[1, Action.WAIT], 40)

# %% [markdown]
# `train` runs episodes on a table. With a learning rate that shrinks from hundred to hundred episodes, and an agent that always acts at
# random, does the table come to the values we computed by hand?

# %%
EXPLORE = Hyperparameters(epsilon_start=1.0, epsilon_end=1.0)
SHRINKING = 0.5 / (1 + np.arange(60) / 2)


def learn(hyper, seed, alphas, episodes=100, first_guess=0.0):
    """Train a new table on the tiny funnel, `episodes` with each learning rate in turn.

    Returns the table after each, shape (alphas, 2, 6), and the reward of each episode.
    """
    table, rng = empty_table(6, hyper), np.random.default_rng(seed)
    table.q += first_guess
    tables, rewards = [], []
    for alpha in alphas:
        reward, *_ = train(table, tiny, hyper._replace(alpha=alpha), episodes, rng)
        tables.append(table.q[: len(table.rows)].copy())
        rewards.append(reward)
    return np.array(tables), np.concatenate(rewards)


SEEDS = 20
learned = np.array([learn(EXPLORE, seed, SHRINKING)[0][-1] for seed in range(SEEDS)])
names = [action.name.lower() for action in Action]
error = learned.mean(axis=0) - optimum
assert np.abs(error).max() < 2
pd.concat(
    {
        "by hand": pd.DataFrame(optimum, ["new", "kept"], names).T,
        f"learned, mean of {SEEDS} seeds": pd.DataFrame(
            learned.mean(axis=0), ["new", "kept"], names
        ).T,
    },
    axis=1,
).round(1)

# %% [markdown]
# It does. And the agent acted at random all the time: what it learned about is the best policy, not the one it followed.
#
# ## When it converges, and when it hovers
#
# {cite:t}`watkins1992` proved that $Q$ converges to $q_*$ with probability 1, in a finite MDP with bounded rewards and a
# discount below 1, if
#
# - every pair of state and action is tried again and again, without end, and
# - the learning rates of each pair fall, neither too fast nor too slowly: $\sum \alpha_k = \infty$ and $\sum \alpha_k^2 < \infty$
#   (equation 2.7 in {cite:t}`sutton2018`).
#
# $\alpha_k = 1/k$ does both. A constant $\alpha$ does not: the second sum is infinite. The study uses a constant 0.1, as most do in practice.
# What does it cost?
#
# :::{admonition} By hand: how far a constant learning rate hovers
# :class: by-hand
#
# Suppose that the row of *kept* is already right. The target of $(\text{new}, \text{manager})$ is then 82 once in ten times and
# $-18 + 38 = 20$ otherwise. Its mean is 26.2 and its variance $0.1 \times 0.9 \times (82 - 20)^2 = 346$, so its standard deviation is
# $\sigma = 18.6$.
#
# Each update shrinks the old error by $1 - \alpha$ and adds $\alpha$ times a new one. In balance, the variance $V$ of $Q$ reproduces
# itself:
#
# $$
# \begin{aligned}
# V &= (1 - \alpha)^2 V + \alpha^2 \sigma^2 , \\
# \text{so } V &= \frac{\alpha}{2 - \alpha}\, \sigma^2 .
# \end{aligned}
# $$
#
# With $\alpha = 0.1$ that is a standard deviation of $18.6 \sqrt{0.1 / 1.9} = 4.27$: for ever. With 0.5 it is 10.74.
# :::
#
# :::{admonition} Predict
# :class: predict
# Four agents: constant 0.5, constant 0.1, constant 0.01, and the shrinking one. Which is nearest to 26.2 after 300 episodes? Which
# after 6,000?
# :::

# %%
from crm_rl.evaluation.intervals import over_seeds

schedules = {
    "0.5": np.full(60, 0.5),
    "0.1": np.full(60, 0.1),
    "0.01": np.full(60, 0.01),
    "shrinking": SHRINKING,
}
off_by = {
    name: np.array([learn(EXPLORE, seed, alphas)[0] for seed in range(SEEDS)])[:, :, 0, 5]
    - best_new
    for name, alphas in schedules.items()
}  # each of shape (seeds, 60)
mean_error = pd.DataFrame({name: np.abs(e).mean(axis=0) for name, e in off_by.items()})
mean_error.index = pd.Index(100 * (1 + np.arange(60)), name="episodes")


def with_interval(values: np.ndarray) -> pd.Series:
    """The mean over seeds and its 95% interval, Student's t."""
    return over_seeds(values, statistic="mean")


def in_words(values: np.ndarray) -> str:
    """The same as text, to one decimal."""
    mean, low, high = (round(end, 1) + 0.0 for end in with_interval(values))
    return f"{mean:.1f} ({low:.1f} to {high:.1f})"


shown = {
    f"{episodes:,} episodes": [
        in_words(np.abs(e[:, episodes // 100 - 1])) for e in off_by.values()
    ]
    for episodes in (300, 6000)
}
print("mean absolute error, with its 95% interval over 20 seeds")
pd.DataFrame(shown, index=pd.Index(schedules, name="learning rate"))

# %% mystnb={"figure": {"caption": "How far the value of assigning a manager is from 26.2: mean absolute error of 20 seeds, by learning rate.", "name": "fig-q-alpha"}, "image": {"alt": "Four lines over 6,000 episodes. With 0.5 the error falls at once and then swings about 8; with 0.1 it falls more slowly and then swings about 3.6; with 0.01 it is the largest for the first 3,000 episodes and still falling at the end; the shrinking rate goes on falling, to under 2."}} tags=["hide-input"]
figure, axes = plt.subplots()
for name, colour in zip(
    mean_error, (plots.RED, plots.ORANGE, plots.GREY, plots.BLUE), strict=True
):
    axes.plot(mean_error.index, mean_error[name], color=colour)
    place = 1500 if name == "0.01" else 6000
    axes.annotate(
        f"  {name}", (place, mean_error.loc[place, name]), color=colour, fontsize=10
    )
axes.set(
    xlabel="training episodes",
    ylabel="mean absolute error (points)",
    xlim=(0, 6900),
    ylim=(0, None),
)
plt.show()

# %%
rng = np.random.default_rng(0)
hovering = {}
for name in ("0.5", "0.1"):
    late = off_by[name][:, 20:] ** 2  # after 2,000 episodes
    picks = rng.integers(SEEDS, size=(2000, SEEDS))
    low, high = np.quantile(np.sqrt(late[picks].mean(axis=(1, 2))), [0.025, 0.975])
    alpha = float(name)
    hovering[name] = {
        "by hand": np.sqrt(alpha / (2 - alpha)) * 18.6,
        "measured": np.sqrt(late.mean()),
        "low": low,
        "high": high,
    }
hovering = pd.DataFrame(hovering).T.rename_axis("learning rate")
hovering.round(2)

# %% tags=["hide-input"]
assert (abs(hovering["measured"] / hovering["by hand"] - 1) < 0.15).all()
at_end = mean_error.loc[5000:].mean()
assert at_end["0.5"] > at_end["0.1"] > at_end["shrinking"] and at_end["shrinking"] < 2
swings = mean_error.loc[2100:, ["0.5", "0.1"]]
assert abs(swings.mean() - [8, 3.6]).max() < 0.5 and (np.ptp(swings, axis=0) > 2).all()
assert mean_error.loc[300].idxmin() in ("0.5", "shrinking")
assert mean_error.loc[:3000].iloc[5:].idxmax(axis=1).eq("0.01").all()
at_300 = {name: with_interval(np.abs(e[:, 2])) for name, e in off_by.items()}
assert max(at_300[n]["high"] for n in ("0.5", "shrinking")) < at_300["0.1"]["low"]
assert at_300["0.1"]["high"] < at_300["0.01"]["low"] - 10
assert at_300["shrinking"]["high"] > at_300["0.5"]["low"]
at_6000 = {name: with_interval(np.abs(e[:, -1])) for name, e in off_by.items()}
assert at_6000["shrinking"]["high"] < min(at_6000[n]["low"] for n in ("0.5", "0.1", "0.01"))

# %% [markdown]
# The hand calculation holds ({numref}`fig-q-alpha`; the intervals are those of a mean over seeds, by Student's $t$). After 300 episodes the
# shrinking rate and 0.5 are nearest (which of the two, their intervals leave open), and 0.01 is far behind; after 6,000 the shrinking
# one is nearer than all others. A large learning rate arrives soon and never rests; a small one hovers little and arrives late; a shrinking one comes to rest, as the theorem says. (How soon, the theorem
# does not say; ours began large.) A constant rate is no mistake:
# where the world changes, one does not want to rest. But its last number is a draw from a cloud, and two of its runs differ
# by the width of the cloud.
#
# The funnel itself fails another condition: our 15 numbers are not the state. Where one observation stands for several states,
# Q-learning settles, if at all, on averages that depend on how episodes are drawn and on what the agent does on the way
# {cite:p}`singh1994`. One uses it all the same; so it is good to have tried it first where the truth is known.
#
# ## What the discount decides
#
# A manager costs 18 points now and earns 2 a step from then on. Whether that pays depends on how much later points count, and the
# break-even can be computed: $q_*(\text{new}, \text{manager}) = -8 + 0.9\, \gamma\, \dfrac{2}{1 - \gamma}$, which is 0 at
# $\gamma = 8 / 9.8 = 0.816$. Below that, the best policy is to wait for ever, and *no amount of training* would find anything
# else, because there is nothing else to find.

# %%
rows = {}
for gamma in (0.5, 0.7, 0.8, 0.85, 0.9, 0.95):
    values = [
        learn(EXPLORE._replace(gamma=gamma), s, SHRINKING)[0][-1][0, 5]
        for s in range(SEEDS)
    ]
    by_hand_value = -8 + 0.9 * gamma * 2 / (1 - gamma)
    rows[gamma] = {"by hand": by_hand_value, **with_interval(np.array(values))}
by_discount = (
    pd.DataFrame(rows).T.rename_axis("discount").rename(columns={"mean": "learned"})
)
assert (abs(by_discount["learned"] - by_discount["by hand"]) < 2).all()
assert by_discount.loc[0.7, "high"] < 0 < by_discount.loc[0.9, "low"]
print("value of assigning a manager (mean of 20 seeds, 95% interval)")
by_discount.round(2)

# %% [markdown]
# So the discount is not a knob for better learning: **it is part of the question**. The study's 0.95 says that a point ten steps
# later is worth $0.95^{10} = 0.60$ points now.
#
# ## Why explore
#
# In the trace by hand the second episode left the agent with a bad opinion of the right action. An {term}`epsilon-greedy` agent
# gives every action another chance: with probability $\varepsilon$ it takes any action, otherwise the best by its table. The study
# starts at $\varepsilon = 1$, multiplies by 0.995 after each episode, and stops at 0.01. When is that reached? After
# $\ln 0.01 / \ln 0.995 = 919$ episodes. Keep this number.
#
# In the tiny funnel the best plan earns 8.2 points an episode (undiscounted: $\tfrac{1}{10} \times 82 + \tfrac{9}{10} (-18 + 9 \times 2)$). We let four
# agents train for 1,000 episodes, with $\alpha = 0.1$.
#
# :::{admonition} Predict
# :class: predict
# Which of them earns most in the last 200 episodes: the one that never explores, the study's, one that explores in one step of ten, or
# one that always does? And whose *table* is best, if we take it afterwards and act by it, without exploring?
# :::

# %%
from crm_rl.evaluation.rollouts import play
from crm_rl.worlds.replay_world import ReplayWorld


def greedy_reward(q: np.ndarray) -> float:
    """Mean reward over the ten customers of acting by this table, not exploring."""

    def act(states, *_):
        row = np.minimum(states.stage >= 4, len(q) - 1)  # 0 is new, 1 is kept, if ever met
        return q[row].argmax(axis=1)

    ten = ReplayWorld(ten_alike, two_stages, tiny[2])
    return play(ten, act, np.random.default_rng(0)).reward.mean()


epsilons = {
    "never": Hyperparameters(epsilon_start=0.0, epsilon_end=0.0),
    "study: 1 to 0.01": STUDY,
    "always 0.1": Hyperparameters(epsilon_start=0.1, epsilon_end=0.1),
    "always 1": EXPLORE,
}
while_training, by_table, ahead = {}, {}, {}
for name, hyper in epsilons.items():
    runs = [learn(hyper, seed, [0.1], episodes=1000) for seed in range(50)]
    while_training[name] = np.array([rewards for _, rewards in runs])
    by_table[name] = np.array([greedy_reward(tables[-1]) for tables, _ in runs])
    new = np.array([tables[-1][0] for tables, _ in runs])  # the row of the situation new
    ahead[name] = np.median(new[:, Action.MANAGER] - new[:, Action.WAIT])

whole = {name: with_interval(r.mean(axis=1)) for name, r in while_training.items()}
last = {name: with_interval(r[:, -200:].mean(axis=1)) for name, r in while_training.items()}
print("mean reward of an episode while training (50 seeds, 95% intervals over seeds)")
pd.DataFrame(
    {
        name: {
            "all 1,000 episodes": in_words(r.mean(axis=1)),
            "the last 200": in_words(r[:, -200:].mean(axis=1)),
        }
        for name, r in while_training.items()
    }
).T

# %%
best_plan = {name: int(np.isclose(values, 8.2).sum()) for name, values in by_table.items()}
afterwards = pd.DataFrame(
    {
        "greedy reward": {name: v.mean().round(2) for name, v in by_table.items()},
        "found the best plan": {name: f"{n} of 50" for name, n in best_plan.items()},
        "manager ahead by": pd.Series(ahead).round(1),
    }
)
afterwards

# %% tags=["hide-input"]
lead = pd.DataFrame(last).T
assert lead.loc["study: 1 to 0.01", "low"] > lead.drop("study: 1 to 0.01")["high"].max()
assert whole["study: 1 to 0.01"]["high"] < whole["never"]["low"]
assert best_plan["study: 1 to 0.01"] == best_plan["always 0.1"] == 50
assert best_plan["never"] < 5 < best_plan["always 1"] < 25
assert min(ahead["study: 1 to 0.01"], ahead["always 0.1"]) > 4.27 > 1.3 > ahead["always 1"]
assert set(by_table["always 1"].round(3)) == {0.0, 8.2}  # the others wait: 0 points
slowly = int((learned[:, 0].argmax(axis=1) == Action.MANAGER).sum())
assert slowly > SEEDS / 2
glue("q-always-plan", str(best_plan["always 1"]), display=False)
glue("q-slowly", f"{slowly} of {SEEDS}", display=False)

rng = np.random.default_rng(0)
redrawn = {  # means of 2,000 draws of the seeds: shape (2000, episodes)
    name: np.array([rewards[rng.integers(50, size=50)].mean(axis=0) for _ in range(2000)])
    for name, rewards in while_training.items()
    if name in ("never", "study: 1 to 0.01")
}
apart = redrawn["study: 1 to 0.01"] - redrawn["never"]
payback = -1000 * apart.mean(axis=1) / apart[:, -200:].mean(axis=1)
middle, low, high = np.quantile(payback, [0.5, 0.025, 0.975])
glue("q-payback", f"{middle:.0f} ({low:.0f} to {high:.0f})", display=False)

# %% [markdown]
# What an agent earns *while it explores* and what its table is worth *afterwards* are two questions, and the tables above answer them apart.
#
# - **Never**: almost never finds out.
# - **The study's schedule** and **always 0.1** both end with the best plan, in every seed. The one that keeps exploring goes on paying for
#   what it knows already.
# - The study's schedule had to pay as well: over all 1,000 episodes it earned less than the agent that never explores. At the pace of its last 200
#   it is even after {glue:text}`q-payback` more (95% interval over seeds).
# - **Always 1** earns far less than nothing, which says nothing about its table. But the table is poor, too: it has the best plan in
#   {glue:text}`q-always-plan` seeds of 50. The others wait for ever.
#
# Why is that table poor? Assigning should be ahead of waiting by 26.2 − 24.89 = 1.31, and its number hovers by 4.27. That alone would let
# waiting look better in many runs, but not in most. There is a second reason. The target of waiting takes the *largest* number of the row, and
# the largest of several restless numbers is too high on average, even where each is right on average: it is whichever happens
# to be up. It is called *maximisation bias* {cite:p}`hasselt2010`.
#
# :::{admonition} By hand: how far the maximum lifts waiting
# :class: by-hand
#
# Say that the number of assigning is 4.27 too high in half of the cases, 30.47, and 4.27 too low in the other half, 21.93. On average it is right.
# Waiting stands at its true 24.89. The larger of the two is then 30.47 or 24.89, on average 27.68. So the target of waiting is on average
#
# $$
# 0.95 \times 27.68 = 26.30 ,
# $$
#
# 1.4 too high. The whole lead was 1.31.
# :::
#
# Does it happen? We train 300 tables that always explore, and compare means.

# %%
runs = [learn(EXPLORE, seed, [0.1] * 3, episodes=1000)[0] for seed in range(300)]
new = np.array(runs)[:, :, 0]  # the row of new: shape (300, 3, 6)
wait, manager = new[:, :, Action.WAIT], new[:, :, Action.MANAGER]
true = {"wait": GAMMA * best_new, "manager": best_new, "lead": (1 - GAMMA) * best_new}
lifted = {}
for place, episodes in {0: 1000, 2: 3000}.items():
    now = {"wait": wait[:, place], "manager": manager[:, place]}
    now["lead"] = now["manager"] - now["wait"]
    for name, values in now.items():
        lifted[f"{episodes:,}", name] = {"true": true[name], **with_interval(values)}
lifted = pd.DataFrame(lifted).T.rename_axis(["episodes", "Q(new, ...)"])
print("the row of new, epsilon always 1: mean of 300 seeds, 95% intervals over seeds")
lifted.round(2)

# %% tags=["hide-input"]
late = lifted.loc["3,000"]
assert late.loc["wait", "low"] > true["wait"] + 0.5
assert late.loc["manager", "low"] < true["manager"] < late.loc["manager", "high"]
assert (lifted.xs("lead", level=1)["high"] < true["lead"]).all()
assert late.loc["lead", "low"] < 0 < late.loc["lead", "high"]
assert abs(error[0, Action.WAIT]) < 0.3  # with the shrinking learning rate

# %% [markdown]
# It does. After 3,000 episodes assigning is right on average, waiting is too high by about as much as we computed, and of the lead nothing is
# left that the interval can tell from zero. So which of the two is ahead when training stops is a matter of luck. (Assigning is not lifted: its
# target takes the row of *kept*, where waiting earns the same 2 every time, and so hardly hovers.) With the shrinking learning rate, after
# 6,000 episodes, numbers hover less, waiting comes out nearly right (the table of 20 seeds above), and {glue:text}`q-slowly` seeds had the best plan.
#
# Why do the study's schedule and always 0.1 not suffer from that? Because they *use* their tables. If waiting is ahead by mistake, they wait, get nothing, and the
# number of waiting falls, at each step by a tenth of 5% of itself, until the manager is ahead again. From then on waiting is hardly tried, so its number stays
# low: the column "manager ahead by", the median over seeds, has the manager ahead by far more than 1.3. Acting by what one believes is also a way to test it.
#
# So: explore first, then use what was found, and *how fast* to go over is a choice that depends on the size of the table: 919 episodes are
# plenty for two rows. How many rows will the funnel have?
#
# ## From a customer to a row
#
# Our customers have 15 numbers, and a table needs rows. The study rounds each number to two decimals and takes the 15 rounded numbers
# together as the key. We do the same. (In code, the rounded numbers become the digits of one whole number, which is faster to look
# up; equal keys mean equal rounded observations.)

# %%
from crm_rl.data import clean, data_path, load
from crm_rl.agents.reference import constant_policy, random_policy
from crm_rl.data.features import PUBLISHED_FEATURES
from crm_rl.evaluation.intervals import rate_table, wilson
from crm_rl.worlds.replay_world import replay_worlds

customers, _ = clean(load(data_path()))
worlds = {
    setting: replay_worlds(customers, setting) for setting in ("described", "as_coded")
}
world = worlds["described"]["train"]
people = world.population
levels = levels_of(people)
inside = (people, world.rules, world.pools, coder_of(people, levels))

like_ada = people.reached[:, 0] & ~people.subscribed & (people.stage == 0)
first_called = int(np.flatnonzero(like_ada)[0])
state = start(first_called, people, world.rules)
after = step(state, Action.CALL, people, world.rules).state
print("rounded:", np.round(people.features[first_called].astype(float), 2).tolist())
print("key at the start:", state_key(state, inside[3], world.rules)[0])
print(
    "key after a call:",
    state_key(after, inside[3], world.rules)[0],
    f"(stage {after.stage})",
)

# %% [markdown]
# The call lifted the stage from 0 to 1, so the customer is in another row afterwards. For a Cleo of the last chapter the key would stay as
# it was. How many rows is that, over all customers?

# %%
rounded = np.round(people.features.astype(float), 2)
distinct = len(np.unique(rounded, axis=0))
possible = np.prod(levels.counts.astype(float))
assert distinct < len(rounded) / 3
print(f"{len(rounded):,} training customers begin in {distinct:,} different states")
print(f"the rounded values could be combined in {possible:.0e} ways")

# %% [markdown]
# The table grows as states are met: a new key gets the next free row, filled with zeros. Chapter 5 asks how far this goes.
#
# ## The algorithm, as it is in the package
#
# Here it is, the very function that trains. Read it beside equation {eq}`q-update`.

# %%
import inspect

from IPython.display import Markdown

Markdown(f"```python\n{inspect.getsource(run_episodes.py_func)}```")

# %% [markdown]
# From top to bottom:
#
# 1. Draw a customer, balanced: 30% subscribers, 30% with a first call, 40% anybody ({term}`batch-level balancing`); find the row of the first state.
# 2. Choose epsilon-greedily. Among equals, choose at random: in a row of zeros, every action is as likely as another.
# 3. Take the step; find the row of the next state.
# 4. The target. `future` is 0 only if the episode **terminated**. When it is merely *truncated* after ten steps, the next state is
#    worth what the table says, since the customer does not vanish {cite:p}`pardo2018`.
# 5. Move $Q(s, a)$ by $\alpha$ times the surprise.
# 6. After each episode, shrink $\varepsilon$.
#
# The decorator `@njit` has the function compiled to machine code by numba. Compiled and plain Python do the same arithmetic in the same
# order, so they must agree to the last bit. That is a strong test, and cheap:

# %%
tables = {}
for name, function in {
    "compiled": run_episodes,
    "plain Python": run_episodes.py_func,
}.items():
    table = empty_table(6, STUDY)
    q, *_ = function(
        *(table.rows, table.q, table.tries, *inside, STUDY, 1.0),
        *(100, 0, 10**9, np.random.default_rng(3)),
    )
    tables[name] = (q.tobytes(), list(table.rows.items()))
assert tables["compiled"] == tables["plain Python"]
print(f"100 episodes, {len(tables['compiled'][1])} states: equal to the last bit")

# %% [markdown]
# ## A hundred thousand episodes
#
# Now the real run, in both settings: 100,000 episodes with the study's $\alpha = 0.1$, $\gamma = 0.95$ and its schedule of $\varepsilon$.
#
# :::{admonition} Predict
# :class: predict
# Two curves over the 100,000 episodes: the mean reward, and the share of episodes with a subscription. Which of them will rise?
# :::

# %%
from crm_rl.agents.q_learning import train_q_learning

policies = {
    setting: train_q_learning(parts["train"], STUDY, 100_000, seed=0)
    for setting, parts in worlds.items()
}
facts = {
    setting: {
        "states met": f"{len(policy.q):,}",
        "updates": f"{policy.about['steps']:,}",
        "epsilon at the end": f"{policy.about['epsilon']:.2f}",
        "pairs still at 0": f"{(policy.q == 0).sum():,} of {policy.q.size:,}",
    }
    for setting, policy in policies.items()
}
pd.DataFrame(facts)

# %% mystnb={"figure": {"caption": "Training in both settings, one run each: reward of an episode, and share of episodes with a subscription. Means of 1,000 episodes; the bands are 95% intervals for the chance of the draw, and say nothing about other seeds or other customers.", "name": "fig-q-training"}, "image": {"alt": "Two panels. Left: the mean reward as coded rises by several points, most of it in the first third of training; as described it stays at about 30 throughout. Right: the share of episodes with a subscription stays at about 32 percent in both settings from the first to the last."}} tags=["hide-input"]
plots.training_curve({name: policy.history for name, policy in policies.items()})
plt.show()

# %%
counts = {
    (name, f"{when} 10,000"): {
        "customers": 10_000,
        "subscribers": int(policy.history["subscribed"][part].sum()),
    }
    for name, policy in policies.items()
    for when, part in {"first": slice(10_000), "last": slice(-10_000, None)}.items()
}
shares = rate_table(pd.DataFrame(counts).T.rename_axis(["setting", "episodes"]))
print("share of episodes with a subscription; intervals: the chance of the draw alone")
shares.drop(columns="customers")

# %% tags=["hide-input"]
tenths = {
    name: {
        key: policy.history[key].reshape(10, -1).mean(axis=1)
        for key in ("reward", "subscribed")
    }
    for name, policy in policies.items()
}
rising = tenths["as_coded"]["reward"]
assert rising[3] - rising[0] > 0.5 * (rising[-1] - rising[0]) > 1.5
assert all(np.ptp(tenth["subscribed"]) < 0.02 for tenth in tenths.values())
assert all(abs(tenth["subscribed"] - 0.32).max() < 0.02 for tenth in tenths.values())
assert tenths["as_coded"]["reward"][-1] > tenths["as_coded"]["reward"][0] + 3
assert np.ptp(tenths["described"]["reward"]) < 2

gated = worlds["as_coded"]["train"].population
waits_at_the_gate = gated.subscribed & (gated.stage < 4) & gated.reached[:, 4]
n_gated, n_all = int(waits_at_the_gate.sum()), int(gated.subscribed.sum())
glue("q-gated", f"{n_gated} of {n_all}", display=False)
assert n_gated <= 1 and n_gated + (gated.subscribed & (gated.stage >= 4)).sum() == n_all

# %% [markdown]
# The share of subscriptions does not rise, and now we know why: it is the share of subscribers *drawn*. As described no action changes it. As coded
# an action can, at the gate: an account manager lets those subscribers through who have one on record and a stage below 4. Among the
# training subscribers these are {glue:text}`q-gated`, too few to move the curve. The
# reward does rise, as coded ({numref}`fig-q-training`), where there are costs to avoid and calls that pay again and again. As
# described there is little to see. Is there little to learn, or has little been learned?
#
# ## How much was learned
#
# Here the replay world helps once more, twice. First, we can compute what a policy earns in an average training episode without drawing
# any: play each customer once (for the random policy, twenty times), and weight each by how often it is drawn. Second, we can compute **the most that
# any policy could earn**. For one customer the game is a small graph: six actions, and what follows each is certain. `crm_rl/planning/replay.py` lists all
# situations that can be reached and goes through them from the end backwards; customers with the same record share the answer.
#
# :::{admonition} By hand: the most, as described
# :class: by-hand
#
# - A subscriber's game has one step. With a call on record the best is to call: −1 + 15 + 100 = 114.
# - Anybody else's has ten, for −10, and room enough to collect each milestone once: with a call and a survey on record
#   −10 + 15 + 5 = 10, with nothing −10.
# :::

# %%
from crm_rl.planning.replay import best_in_time, follow, tabulate, values_without_clock


def most_possible(world) -> np.ndarray:
    """The highest sum of rewards that any plan brings, shape (customers,)."""
    return best_in_time(tabulate(world.population, world.rules))


paid = people.reached[:, :3] * np.array([15, 10, 5])  # call, demo, survey
as_by_hand = np.where(people.subscribed, 99 + paid.max(axis=1), -10 + paid.sum(axis=1))
assert np.array_equal(most_possible(world), as_by_hand)


def drawn_how_often(world) -> np.ndarray:
    """The share of training episodes that are about each customer, shape (customers,)."""
    pools, n = world.pools, len(world.population.stage)
    share = np.full(n, (1 - sum(pools.shares)) / n)
    share[pools.first] += pools.shares[0] / len(pools.first)
    share[pools.second] += pools.shares[1] / len(pools.second)
    return share


def in_training(policy, world, plays: int = 1) -> float:
    """Mean reward of a training episode: each customer, weighted by how often it is drawn."""
    rewards = [play(world, policy, np.random.default_rng(i)).reward for i in range(plays)]
    return float(np.mean(rewards, axis=0) @ drawn_how_often(world))


# %% [markdown]
# Between acting at random and the most possible we place the best constant policy and the trained tables, acting greedily. One schedule more, because we kept
# a number in mind: $\varepsilon$ reached 0.01 after 919 of 100,000 episodes. What if it took some 92,000, with a factor of 0.99995?

# %%
SLOW = STUDY._replace(epsilon_decay=0.99995)
schedules = {"study's schedule": STUDY, "slow schedule": SLOW}
tables = {
    (setting, name): [
        train_q_learning(parts["train"], hyper, seed=seed) for seed in range(6)
    ]
    for setting, parts in worlds.items()
    for name, hyper in schedules.items()
}
assert np.array_equal(tables["described", "study's schedule"][0].q, policies["described"].q)

rewards = {}
for setting, best in {"described": Action.CALL, "as_coded": Action.WAIT}.items():
    here = worlds[setting]["train"]
    constant = [in_training(constant_policy(action), here) for action in Action]
    assert np.argmax(constant) == best
    rewards[setting, "random"] = [in_training(random_policy, here, plays=20)]
    rewards[setting, f"always {best.name.lower()}"] = [constant[best]]
    for name in schedules:
        scores = [in_training(table, here) for table in tables[setting, name]]
        rewards[setting, f"table, {name}"] = scores
    rewards[setting, "the most possible"] = [most_possible(here) @ drawn_how_often(here)]

# %%


def spread(numbers) -> pd.Series:
    """Mean and interval over seeds; a policy without seeds has no interval."""
    seeds = with_interval(np.array(numbers))
    return seeds if len(numbers) > 1 else seeds[["mean"]]


def share_of_the_way(setting: str, numbers) -> np.ndarray:
    """0 for acting at random, 100 for the most possible."""
    (zero,), (full,) = rewards[setting, "random"], rewards[setting, "the most possible"]
    return 100 * (np.array(numbers) - zero) / (full - zero)


measures = {
    "reward": {row: spread(numbers) for row, numbers in rewards.items()},
    "% of the way": {
        row: spread(share_of_the_way(row[0], numbers)) for row, numbers in rewards.items()
    },
}
earned = pd.concat(
    {
        what: pd.DataFrame(rows).T[["mean", "low", "high"]]
        for what, rows in measures.items()
    },
    axis=1,
)
print(
    "mean reward of a training episode, and how far it is from random to the most possible;"
)
print("tables: mean of 6 seeds, with 95% intervals over seeds")
bare = earned.drop(columns=[("reward", "low"), ("reward", "high")])  # the same interval
bare.round(2).astype(object).fillna("")

# %% tags=["hide-input"]
way = earned["% of the way"]
described, as_coded = way.loc["described"], way.loc["as_coded"]
study, slow = (f"table, {name}" for name in schedules)
for setting in worlds:
    assert max(rewards[setting, study]) < min(rewards[setting, slow])
assert described.loc[study, "low"] > 0 and described.loc[study, "high"] < 50
assert described.loc[slow, "low"] > 65 and described.loc[slow, "high"] < 90
assert 95 < described.loc["always call", "mean"] < 100
assert as_coded.loc["always wait", "mean"] < as_coded.loc[study, "low"]
assert as_coded.loc[slow, "high"] < 90
for label, part in {"described": described, "coded": as_coded}.items():
    for name, row in {"study": study, "slow": slow}.items():
        text = "{mean:.0f}% ({low:.0f} to {high:.0f})".format(**part.loc[row])
        glue(f"q-way-{label}-{name}", text, display=False)
glue("q-way-call", f"{described.loc['always call', 'mean']:.0f}%", display=False)
glue("q-way-wait", f"{as_coded.loc['always wait', 'mean']:.0f}%", display=False)
early, in_the_end = len(train_q_learning(world, STUDY, 919).q), len(policies["described"].q)
assert early < in_the_end / 2
print(f"states met in the first 919 episodes, as described: {early:,} of {in_the_end:,}")

# %% [markdown]
# There was something to learn. As described, always calling all but reaches the top: it goes {glue:text}`q-way-call` of the way from
# random to the most possible. A table trained by the study's schedule goes {glue:text}`q-way-described-study` of it, one trained by the
# slow schedule {glue:text}`q-way-described-slow`, which is still less than the one-line rule. As coded there is more to gain, and the tables beat every
# constant policy: {glue:text}`q-way-coded-study` and {glue:text}`q-way-coded-slow`, where always waiting goes {glue:text}`q-way-wait`. In
# both settings all six seeds of the slow schedule lie above all six of the study's. Same algorithm, same data, same number of
# episodes: **exploration was over after 1% of the training, when the agent had not yet met half of the states.**
#
# Four cautions. These are the training customers, from whom the tables learned, and the intervals say how *seeds* differ: nothing about
# other customers. Six seeds are few, and Student's $t$ takes them for draws from a bell curve; that all six lie above all six is the
# firmer statement. The most possible takes somebody who knows the full state. Our tables see 15 numbers of it; how much of
# what is missing they could ever get, we have not computed. And the yardstick adds up ten steps without a discount, while the tables aim at
# something else.
#
# At what? Read the target again. The reward at the cut includes the penalty (10 points, as coded), and yet the target goes on with what the table says of the
# next state, as if there had been no cut. And the table's states hold no clock. So to the table the episode never ends, and the
# penalty strikes out of the blue, at one step in ten: the mean of what it meets, wherever each step of the clock is met equally often. It aims at the
# *discounted* and *endless* return, less a tenth of the penalty at each step that does not end the episode.
#
# :::{admonition} By hand: waiting, as coded
# :class: by-hand
#
# A customer has nothing on record. Waiting is free and brings nothing, now and ever after, but for the penalty at one step in ten:
#
# $$
# Q(\text{wait}) = - \frac{10 / 10}{1 - 0.95} = -20 .
# $$
#
# Without the penalty it would be 0, and in the ten steps that are played it costs 10. An account manager costs 20 more: −40.
# :::
#
# Is that what the tables have learned? We look at the state in which most customers with nothing on record begin, and set beside it the values of
# the table's aim, from the full state.

# %%
GRAPHS = {
    setting: tabulate(parts["train"].population, parts["train"].rules)
    for setting, parts in worlds.items()
}
aimed_at = {
    setting: values_without_clock(graph, GAMMA) for setting, graph in GRAPHS.items()
}

coded = worlds["as_coded"]["train"]
nothing = ~coded.population.reached.any(axis=1) & (coded.population.stage == 0)
nothing = np.flatnonzero(nothing & ~coded.population.subscribed)
looks, first_of, how_many = np.unique(
    np.round(coded.population.features[nothing], 2),
    axis=0, return_index=True, return_counts=True,
)  # fmt: skip
typical = nothing[first_of[how_many.argmax()]]
state = coded.start(np.array([typical]))
learned = {
    f"table, {name}, mean of 6": np.mean(
        [table.q_values(state, coded)[0] for table in tables["as_coded", name]], axis=0
    )
    for name in schedules
}
aim = aimed_at["as_coded"][GRAPHS["as_coded"].first[typical]]
assert np.allclose(aim, [-21, -25, -30, -22, -20, -40])
assert np.abs(learned["table, slow schedule, mean of 6"] - aim).max() < 2
print(f"as coded; {how_many.max()} training customers begin in this state")
pd.DataFrame({"the table's aim": aim} | learned, index=names).round(1).T

# %% [markdown]
# It is, where a state was met often enough. How much can such an aim cost in the ten steps that count? We follow the best plan by the
# table's aim, with the full state, and add up what it earns.

# %%
aims = {}
for setting, parts in worlds.items():
    weight = drawn_how_often(parts["train"])
    by_aim = follow(GRAPHS[setting], aimed_at[setting].argmax(axis=1))
    aims[setting] = {
        "the most possible": best_in_time(GRAPHS[setting]) @ weight,
        "best by the tables' aim": by_aim @ weight,
    }
aims = pd.DataFrame(aims).T
costs_of_aim = aims["the most possible"] - aims["best by the tables' aim"]
assert abs(costs_of_aim["described"]) < 0.01 and -1e-9 < costs_of_aim["as_coded"] < 1
aims.round(2)

# %% [markdown]
# Nothing as described, and less than a point as coded. (The penalty hardly enters: whoever never subscribes pays it whatever is done.) It is not
# here that the points are lost.
#
# Where are the missing points? We look into the table.


# %%
def at_start(world):
    """Each customer's state when an episode begins."""
    return world.start(np.arange(world.size()))


five = ["call", "demo", "survey", "signup", "manager"]
on_record = [" + ".join(np.array(five)[has]) or "nothing" for has in people.reached]
kind = pd.Series(on_record).mask(people.subscribed, "subscriber")
q = pd.DataFrame(policies["described"].q_values(at_start(world), world), columns=names)
sizes = kind.value_counts()
kinds = [name for name in sizes[sizes >= 9].index if name != "subscriber"] + ["subscriber"]
heat = q.groupby(kind).mean().loc[kinds]
heat.index = [f"{name} ({sizes[name]:,})" for name in kinds]

# %% mystnb={"figure": {"caption": "Mean Q-values at the start of an episode, by what is on the customer's record (how many customers), as described. The darker, the further above the mean of its row, on one scale for all.", "name": "fig-q-heat"}, "image": {"alt": "Heat map. With a call on record, calling has by far the highest value of the six actions. With nothing on record all six are the same, and with a signup alone nearly so. For subscribers all six are between 20 and 60 and none stands out."}} tags=["hide-input"]
plots.q_heat_map(heat)
plt.show()

# %%
greedy = q[people.subscribed].idxmax(axis=1)
n_call, n_sub = int((greedy == "call").sum()), len(greedy)
assert n_call < n_sub / 2 and people.reached[people.subscribed, 0].all()
print("best action by the table, for the subscribers:", greedy.value_counts().to_dict())
print(f"a call: {n_call} of {n_sub}")
print(
    "with a call on record:",
    int((people.reached[:, 0] & people.subscribed).sum()),
    "of",
    n_sub,
)

# %% tags=["hide-input"]
for row, name in zip(heat.to_numpy(), kinds, strict=True):
    if "call" in name:
        assert row.argmax() == Action.CALL and np.sort(row)[-1] > 2 * np.sort(row)[-2]
    elif name != "subscriber":
        assert np.ptp(row) < 0.5
    else:
        assert row.min() > 20 and row.max() < 60

# %% [markdown]
# For a customer with a call on record, the table says: call ({numref}`fig-q-heat`). That is right, and it was learned from rewards
# alone. With nothing on record all actions are equally useless, and the table says that too.
#
# The subscribers show what went wrong. All of them have a call on record, so a call would earn 114 points (−1 + 15 + 100). But *any* first action
# earns at least 99 and ends the episode. The agent chose whatever got ahead early, again and again. It did try the others, but not often
# enough. With $\alpha = 0.1$ a number that starts at 0 comes slowly to where it belongs: each try leaves nine tenths of what is missing.
#
# :::{admonition} By hand: how many tries does a call need?
# :class: by-hand
#
# Nothing follows a subscriber's first action, so its target is always the same, $r$. After $n$ tries
#
# $$
# Q = r \, (1 - 0.9^n) .
# $$
#
# - After 3 tries of the call: $114 \times (1 - 0.729) = 30.9$. It looks far worse than an action that stands at 99.
# - To overtake it, $114 \, (1 - 0.9^n) > 99$, so $0.9^n < 15 / 114$, and $n \ge 20$.
#
# How many random tries can it expect? One of the 20 subscribers is drawn in $0.3 / 20 + 0.3 / 299$ $+ 0.4 / 7722$ $= 1.61\%$ of the episodes, and a random
# action is a call in one of six. By the study's schedule the $\varepsilon$ of all episodes add up to 1,189, by the slow one to 19,879:
#
# - study: $1{,}189 \times 0.0161 / 6 = 3.2$ tries;
# - slow: $19{,}879 \times 0.0161 / 6 = 53$ tries.
# :::
#
# The table counts the tries of each action in each state. What does it say of the subscribers, and does the formula give the numbers in their rows?

# %%
subscribers = np.flatnonzero(people.subscribed)
begun = world.start(subscribers)
tried = {}
for name in schedules:
    policy = tables["described", name][0]
    tried[name] = policy.tries[policy.find(begun, world)]  # shape (subscribers, 6)
by_study = tried["study's schedule"]
every_action = [np.full(len(subscribers), action) for action in Action]
target = np.stack([world.step(begun, a, None).reward for a in every_action], axis=1)
values = tables["described", "study's schedule"][0].q_values(begun, world)
assert np.allclose(values, target * (1 - 0.9**by_study))
others = by_study[by_study < 100]
assert len(others) == 5 * len(subscribers)
assert others.max() < 20 and np.median(others) <= 5
sums = {
    name: np.maximum(0.01, hyper.epsilon_decay ** np.arange(100_000)).sum()
    for name, hyper in schedules.items()
}
by_chance = {n: s * drawn_how_often(world)[subscribers[0]] / 6 for n, s in sums.items()}
assert [round(s) for s in sums.values()] == [1189, 19879]
assert np.allclose(list(by_chance.values()), [3.2, 53], rtol=0.02)
print(f"study's schedule, {by_study.size} pairs of a subscriber and an action:")
print(f"  the favourite of each, more than 100 tries: {len(subscribers)}")
print(f"  the others: median {np.median(others):.0f} tries, at most {others.max():.0f};")
print(f"  never tried: {(others == 0).sum()}")
for name in schedules:
    best = tables["described", name][0].q_values(begun, world).argmax(axis=1)
    print(f"{name}: the best action is a call for {(best == Action.CALL).sum()} of 20")

# %% [markdown]
# Nearly every action was tried, and hardly one often enough to show what it is worth. The slow schedule gives the call its twenty tries and more. (A larger
# $\alpha$ would have needed fewer tries, and would hover more where targets vary.) With *negative* rewards zeros work the other way round: an
# action not yet tried looks better than those tried, so all get tried, without any exploration. {ref}`ex-q-optimism` makes use of it.
#
# ## Rows that do not exist
#
# A table knows the states that it has met. What if a new customer begins in another one? Then all six values are zero, and the
# agent, choosing among equals, **takes any action at random**; the study's code does the same. How often does that happen?
#
# :::{admonition} Predict
# :class: predict
# The validation customers came after the training customers. For how many of them does the table have a row for the first state: for
# most, for half, for few? (The test customers stay where they are until chapter 7.)
# :::

# %%
rows = {}
for setting, parts in worlds.items():
    val, policy = parts["val"], policies[setting]
    known = policy.known(at_start(val), val)
    values = np.round(val.population.features.astype(float), 2)
    new_value = pd.Series(
        {
            feature.name: (
                ~np.isin(values[:, place], policy.levels.of_feature(place))
            ).mean()
            for place, feature in enumerate(PUBLISHED_FEATURES)
            if feature.name != "Stage"
        }
    )
    low, high = wilson(known.sum(), len(known))
    rows[setting] = {
        "validation customers": len(known),
        "first state met in training": int(known.sum()),
        "%": round(100 * known.mean(), 2),
        "low %": round(100 * low, 2),
        "high %": round(100 * high, 2),
        "most often new": new_value.idxmax(),
        "new for %": round(100 * new_value.max(), 1),
    }
    assert known.mean() < 0.05
not_met = pd.DataFrame(rows)
assert not_met.loc["most often new", "described"] == "Days_Since_First_Contact"
assert (
    not_met.loc["new for %", "described"] > 95 and not_met.loc["new for %", "as_coded"] < 5
)
print("most often new:", not_met.loc["most often new"].to_dict())
not_met.drop(index="most often new")

# %% [markdown]
# For very few, in both settings, for two different reasons. As described, "days since first contact" counts back from the day of the
# export: whoever came later has a smaller number, which no earlier customer has. As coded it counts back from the latest
# contact of each part, so the single values are familiar, and it is the *combination* of 15 values that is new.
#
# That was the first state. Can an episode come to a known row later on? Of the 15 numbers only the stage can change in an episode. So somebody whose *other
# 14* numbers agree with no training customer's never meets a known row, at no step and after no amount of training with these customers.

# %%
for setting, parts in worlds.items():
    levels = levels_of(parts["train"].population)
    digits = {
        name: coder_of(parts[name].population, levels).parts for name in ("train", "val")
    }
    never_seen = (digits["val"] < 0).any(axis=1)  # a value that no training customer has
    like_one = np.isin(digits["val"].sum(axis=1), digits["train"].sum(axis=1)) & ~never_seen
    assert like_one.mean() < 0.05
    print(f"{setting}: {(~like_one).sum():,} of {len(like_one):,} never meet a known row")

# %% [markdown]
# So on these customers the policy that we trained with such care is, but for a few of them, the random policy. We let both treat every
# validation customer once.

# %%
val = worlds["described"]["val"]
ours = play(val, policies["described"], np.random.default_rng(0))
chance = play(val, random_policy, np.random.default_rng(1))
difference = ours.reward - chance.reward
picks = rng.integers(len(difference), size=(2000, len(difference)))
low, high = np.quantile(difference[picks].mean(axis=1), [0.025, 0.975])
assert ours.subscribed.sum() == chance.subscribed.sum()
print(f"subscribers: table {ours.subscribed.sum()}, random {chance.subscribed.sum()}")
print(f"mean reward: table {ours.reward.mean():.3f}, random {chance.reward.mean():.3f}")
print(f"difference {difference.mean():.3f}, 95% interval {low:.3f} to {high:.3f}")
print("(one table and one random run; the customers drawn anew)")
verdict = (
    "lies above zero" if low > 0 else "lies below zero" if high < 0 else "includes zero"
)
glue("q-val-verdict", verdict, display=False)

# %% [markdown]
# The subscribers are the same, as they must be. The interval of the difference in reward {glue:text}`q-val-verdict`. A table can be
# right about every state it knows and have nothing to say about the next customer: it does not {term}`generalise <generalisation>`. Chapter 5 makes the
# table larger and this worse; chapter 6 replaces the table.
#
# ## Keeping a table
#
# A trained table is saved as an `.npz` file: arrays and a little JSON, with its settings and where its random numbers stood. There is no
# pickle in it, since unpickling a file from somebody else can run their code.

# %%
import tempfile
from pathlib import Path

from crm_rl.agents.policies import TablePolicy

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "q_table.npz"
    policies["described"].save(path)
    loaded = TablePolicy.load(path)
states = at_start(world)
assert np.array_equal(
    loaded.q_values(states, world), policies["described"].q_values(states, world)
)
print({key: loaded.about[key] for key in ("hyper", "seed", "episodes", "steps")})

# %% [markdown]
# From the command line, training and saving are one step: `python -m crm_rl train q-learning`.
#
# ## Exercises
#
# ::::{exercise} The next two updates
# :label: ex-q-next
#
# Go on with the trace by hand. Episode 5: in *new* the manager is assigned, the customer does not subscribe; then one step of waiting in
# *kept*. Compute both updates on paper, then run them with `update`.
# ::::

# %%
by_hand.round(3)

# %% [markdown]
# :::{solution-start} ex-q-next
# :class: dropdown
# :::
#
# $\delta = -18 + 0.95 \times 0.399 - 5.156 = -22.777$, so $Q(\text{new}, \text{manager}) = 5.156 - 2.278 = 2.878$. Then
# $\delta = 2 + 0.95 \times 0.399 - 0.399 = 1.980$, so $Q(\text{kept}, \text{wait}) = 0.399 + 0.198 = 0.597$. One good customer in ten,
# and every other pulls the number down again: this is the noise that makes a constant learning rate hover.

# %%
fifth = [update("new", "manager", -18, "kept"), update("kept", "wait", 2, "kept")]
assert np.allclose(np.round(fifth, 3), [-22.777, 1.980])
assert np.allclose(by_hand.round(3).to_numpy(), [[0.490, 2.878], [0.597, 0]])
by_hand.round(3)

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} A schedule that fits
# :label: ex-q-schedule
#
# By which factor must $\varepsilon$ be multiplied after each episode to go from 1 to 0.01 in exactly half of 100,000 episodes? And how many
# random actions are taken in all by then, if an episode has seven steps, compared with the study's schedule over its 919 episodes?
# ::::

# %%
study_episodes = np.log(0.01) / np.log(0.995)
round(study_episodes)

# %% [markdown]
# :::{solution-start} ex-q-schedule
# :class: dropdown
# :::
#
# The factor is $0.01^{1/50{,}000}$. The expected number of random actions is seven times the sum of the $\varepsilon$, a geometric
# series: about $7 \times 0.99 / (1 - d)$. A slower factor buys exploration in proportion.

# %%
factor = 0.01 ** (1 / 50_000)
random_actions = {d: 7 * (1 - 0.01) / (1 - d) for d in (0.995, factor)}
assert round(study_episodes) == 919 and np.isclose(factor**50_000, 0.01)
assert random_actions[factor] > 50 * random_actions[0.995]
for d, number in random_actions.items():
    print(f"factor {d:.6f}: about {number:,.0f} random actions")

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} Optimism instead of exploration
# :label: ex-q-optimism
#
# Let an agent that never explores start from a table of 50s instead of zeros (`first_guess=50`). Compare it, in the last 200 of 1,000
# episodes of the tiny funnel, with the agent that never explores and starts from zeros. Why does it work?
# ::::

# %%
never = epsilons["never"]
from_zeros = [learn(never, seed, [0.1], 1000)[1][-200:].mean() for seed in range(50)]
{key: round(float(value), 2) for key, value in with_interval(np.array(from_zeros)).items()}

# %% [markdown]
# :::{solution-start} ex-q-optimism
# :class: dropdown
# :::
#
# No action is really worth 50, so each try disappoints, and the agent turns to those it has not yet tried, until all numbers but that of the
# best have come down below it ({cite:t}`sutton2018`, section 2.6). There they stay, right or not: they are not tried again. It is exploration driven by disappointment. It works once, at the
# beginning; and in a table that grows, each new row must start optimistic too.

# %%
from_fifty = [
    learn(never, seed, [0.1], 1000, first_guess=50.0)[1][-200:].mean() for seed in range(50)
]
optimistic, pessimistic = (
    with_interval(np.array(from_fifty)),
    with_interval(np.array(from_zeros)),
)
assert optimistic["low"] > pessimistic["high"]
rows_of_new = [
    learn(never, seed, [0.1], 1000, first_guess=50.0)[0][-1][0] for seed in range(50)
]
optimist = np.mean(rows_of_new, axis=0)
assert optimist.argmax() == Action.MANAGER and np.delete(optimist, 5).max() < best_new - 5
print("mean row of new, from fifties:", pd.Series(optimist, names).round(1).to_dict())
pd.DataFrame({"from zeros": pessimistic, "from fifties": optimistic}).T.round(2)

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} If truncation counted as the end
# :label: ex-q-truncation
#
# In `run_episodes`, `future` is 0 only if the episode terminated. Suppose somebody wrote "terminated or truncated". In the tiny
# funnel, what would become of $Q(\text{kept}, \text{wait})$, which should be 40? Think first: what does the last step of each episode teach then? Change
# the loop below so that it does both.
# ::::


# %%
def kept_value(cut_is_end: bool, episodes: int = 600, alpha: float = 0.05) -> float:
    """The value of waiting in `kept`, learned from customers who get their manager at once."""
    value, rng = 0.0, np.random.default_rng(0)
    for _ in range(episodes):
        customer = int(rng.integers(1, 10))  # one who does not subscribe
        outcome = step(
            start(customer, ten_alike, two_stages), Action.MANAGER, ten_alike, two_stages
        )
        while not outcome.truncated:
            outcome = step(outcome.state, Action.WAIT, ten_alike, two_stages)
            future = value  # your turn: when should this be 0?
            value += alpha * (outcome.reward + GAMMA * future - value)
    return value


round(kept_value(cut_is_end=False), 2)

# %% [markdown]
# :::{solution-start} ex-q-truncation
# :class: dropdown
# :::
#
# With the cut as the end, nine updates in each episode go on as before and the last one has no future. The value settles near
# the solution of $v = 2 + \tfrac{8}{9}\, 0.95\, v$, which is $2 / (1 - 0.8444) = 12.9$: less than a third of the truth. If the limit were part of
# the task, the value would depend on the steps left, and the state would have to show them. (The last update of each episode comes just before we look, so we see it somewhat lower.)


# %%
def kept_value_if_cut_is_end(episodes: int = 600, alpha: float = 0.05) -> float:
    value = 0.0
    for _ in range(episodes):
        outcome = step(
            start(1, ten_alike, two_stages), Action.MANAGER, ten_alike, two_stages
        )
        while not outcome.truncated:
            outcome = step(outcome.state, Action.WAIT, ten_alike, two_stages)
            future = 0.0 if outcome.truncated else value
            value += alpha * (outcome.reward + GAMMA * future - value)
    return value


right, wrong = kept_value(cut_is_end=False), kept_value_if_cut_is_end()
assert abs(right - 40) < 0.5 and abs(wrong - 12.9) < 1.5
print(f"bootstrapping at the cut: {right:.2f}    taking the cut for the end: {wrong:.2f}")

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - Q-learning moves $Q(s, a)$ towards $r + \gamma \max_{a'} Q(s', a')$: the Bellman optimality equation, one sample at a time.
# - It learns about the greedy policy while it follows another. It converges if every pair is tried for ever and the learning rates fall
#   rightly; a constant one hovers, and how far can be computed.
# - The largest of several restless numbers is too high on average: maximisation bias. An agent that acts by its table tests it.
# - The discount is part of the question; exploration is what makes answers possible; both are choices to defend.
# - What an agent earns while exploring and what its table is worth are two measurements.
# - The study's schedule ends exploration after 919 of 100,000 episodes. A pair tried $n$ times at $\alpha = 0.1$ keeps $0.9^n$ of its
#   start value, and a few tries were not enough; a slower schedule went most of the way to the most possible, on training episodes.
# - The share of subscriptions in training never moved: it is the share of subscribers drawn. (As coded an action can open the gate, for hardly
#   anybody here.)
# - A state never met gets a random action. All but a few of the validation customers never come to a state that was met.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. Q(s, a) = 2, the reward is 3, the best value in the next row is 4, γ = 0.5, α = 0.1. What is the new Q(s, a)?
# :class: quiz
#
# ::::{dropdown} 2.3
# :class-container: right
#
# The target is 3 + 0.5 × 4 = 5, the surprise 5 − 2 = 3, and a tenth of it is added.
# ::::
# ::::{dropdown} 2.5
# :class-container: wrong
#
# That adds a tenth of the target, and forgets to subtract the old value from it.
# ::::
# ::::{dropdown} 5
# :class-container: wrong
#
# That is the target itself, as with a learning rate of 1.
# ::::
# :::::
#
# :::::{admonition} 2. Why may Q-learning explore as wildly as it likes and still learn the greedy policy's values?
# :class: quiz
#
# ::::{dropdown} Because its target takes the best next action, not the one taken next
# :class-container: right
#
# The behaviour decides which pairs are updated and how often; the target does not depend on it.
# ::::
# ::::{dropdown} Because exploration stops in the end
# :class-container: wrong
#
# In our first experiment it never stopped, and with a shrinking learning rate the values came out right on average, to within 2 points.
# ::::
# ::::{dropdown} Because random actions cancel out on average
# :class-container: wrong
#
# They don't: the always random agent earned far less than nothing while it explored. What it does next does not enter the target, so there is
# nothing to cancel.
# ::::
# :::::
#
# :::::{admonition} 3. With a constant learning rate, training goes on ten times as long. What happens to the scatter of the values between seeds?
# :class: quiz
#
# ::::{dropdown} It goes down to a tenth
# :class-container: wrong
#
# Not even an average of all targets would do that: its scatter goes with one over the square root, to about a third. And a constant rate
# forgets: only the last few dozen targets count.
# ::::
# ::::{dropdown} It stays as it is, once it has settled
# :class-container: right
#
# The variance is α / (2 − α) times that of the target, whatever the number of episodes.
# ::::
# ::::{dropdown} It grows
# :class-container: wrong
#
# Each update also shrinks the old error; the two come into balance.
# ::::
# :::::
#
# :::::{admonition} 4. A colleague raises γ from 0.8 to 0.95 and reports that "the agent learns better now". What do you say?
# :class: quiz
#
# ::::{dropdown} Good, a higher discount looks further ahead
# :class-container: wrong
#
# It does, and so it answers another question. In our funnel the best policy below 0.816 is to wait.
# ::::
# ::::{dropdown} The two agents solve different problems; compare them by what the firm wants
# :class-container: right
#
# Returns under different discounts are different quantities. Fix the measure first, then compare the policies by it.
# ::::
# ::::{dropdown} γ must be 1, since money is money
# :class-container: wrong
#
# It may be, with a fixed horizon. Without an end, the return could grow without limit, and the convergence theorem asks for less than 1.
# ::::
# :::::
#
# :::::{admonition} 5. A table of zeros, and every reward is −1. The agent never explores. What does it do in a state that it visits again and again?
# :class: quiz
#
# ::::{dropdown} It repeats its first action for ever
# :class-container: wrong
#
# That happens where the first action's reward was positive, as for the subscribers here.
# ::::
# ::::{dropdown} It tries every action at least once
# :class-container: right
#
# A tried action falls below zero and an untried one is still at zero, so it looks better. Zeros are optimistic where rewards are negative.
# ::::
# ::::{dropdown} It acts at random
# :class-container: wrong
#
# Only as long as several actions share the highest number.
# ::::
# :::::
#
# :::::{admonition} 6. The trained table gets as many subscribers on validation customers as a random policy does. What follows?
# :class: quiz
#
# ::::{dropdown} Q-learning does not work
# :class-container: wrong
#
# On the tiny funnel it found the values that we computed by hand.
# ::::
# ::::{dropdown} The table needs more training
# :class-container: wrong
#
# All but a few of these customers have features that no training customer has, so no number of episodes with those makes a row for
# them. And as described no policy can get more subscribers than another.
# ::::
# ::::{dropdown} About learning, nothing; in this world the number is the same for every policy
# :class-container: right
#
# Chapter 3 showed it for the constant ones. Look at rewards, or change the world.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} Derive the Q-learning update.
# :class-container: interview
#
# The best action values satisfy the Bellman optimality equation: $q_*(s, a)$ is the mean of $r + \gamma \max_{a'} q_*(s', a')$ over what may
# follow. Replace the mean by a sample and $q_*$ by the current table: that is the target. Move the old value a step $\alpha$ towards it.
# At a terminal state the future is zero, at a mere time limit it is not. The box with the four episodes shows the arithmetic.
# ::::
# ::::{dropdown} Under what conditions does tabular Q-learning converge, and which of them did your project meet?
# :class-container: interview
#
# A finite MDP, bounded rewards, every pair tried without end, and learning rates with an infinite sum and a finite sum of squares
# {cite:p}`watkins1992`. A constant 0.1 violates the last, so values hover, by an amount that can be computed and that we measured
# ({numref}`fig-q-alpha`). Features that hide part of the state violate the first: then even the limit depends on how episodes are drawn
# and on the behaviour. One uses it all the same, and checks it against something known.
# ::::
# ::::{dropdown} How do you choose an exploration schedule?
# :class-container: interview
#
# By how often each pair of state and action gets tried, not by a number of episodes that sounds large. Our schedule ended after 919 episodes, with most
# of the states still to be met: a call to a subscriber could expect 3 random tries and needed 20. Stretching
# it over the whole training, with nothing else changed, brought the table most of the way to the most possible. I would measure the greedy policy apart
# from the exploring one, and look at initial values: zeros are optimistic under
# negative rewards and the opposite under positive ones.
# ::::
# ::::{dropdown} Your training curve is flat. What do you check?
# :class-container: interview
#
# First whether the quantity can move: our subscription share could not, or as coded by a subscriber at most, being fixed by how episodes are
# drawn ({numref}`fig-q-training`). Then the yardsticks: what do a random policy, the best simple rule and, where it can be computed, the best of all policies earn in the same episodes? If there is a gap, is it
# exploration, learning rate or representation? We found it in exploration, by looking into the table row by row.
# ::::
# ::::{dropdown} What happens when a Q-table meets a state it has never seen?
# :class-container: interview
#
# It has nothing to say; by convention the action is random. In our study that was so for all but a few of the customers who came after training: as described
# since a rounded "days since" makes later customers new by construction, as coded since the combination of 15 values is new. The remedies: coarser or better features, or a function
# approximator. But check that it generalises because the features carry over and not because the test is easy.
# ::::
#
# ## Further reading
#
# - {cite:t}`sutton2018`: section 6.5 for Q-learning, 6.1 for temporal differences, 2.5 to 2.7 for step sizes, optimism and exploration.
# - {cite:t}`watkins1992` for the proof. {cite:t}`evendar2003` show how the learning rate sets the speed: with $1/k$ it can be exponentially
#   slow in $1 / (1 - \gamma)$.
# - {cite:t}`hasselt2010`: maximisation bias, and two tables as its remedy.
# - {cite:t}`pardo2018` on time limits, the subject of the last exercise.
