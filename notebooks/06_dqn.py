# %% [markdown]
# (ch-dqn)=
# # Deep Q-networks
#
# A Q-table learns every state by itself; with a row for everybody it runs out of experience. A **deep Q-network** ({term}`DQN`) computes the values from the features instead, so that **states which look alike share what they learn**. That is
# its strength and its risk: it shares between whatever *looks* alike.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to do one gradient step of a network by hand
#   - what the replay buffer and the target network are for
#   - to write DQN in plain PyTorch, and to run the library's
#   - why a network should not read names as numbers, and how embeddings help
#
# You need
# : [Q-learning](04_q_learning.ipynb), [State-space explosion](05_state_space_explosion.ipynb); derivatives of simple functions.
#
# Time
# : 30 minutes to read, 60 seconds to run.
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
# ## Ahead of the tables
#
# Each learner below saw a million weeks of customers and was paid as a firm is paid: 5,000 dollars for a subscription, otherwise
# nothing but costs. Then we computed exactly what its policy is worth. We build "DQN, numbers" first, and add embeddings at the end.

# %% mystnb={"figure": {"caption": "Share of the attainable gain after a million weeks, of two deep Q-networks and of the table that chapter 5 chose by hand, from smooth worlds to rough ones. Dots are means over the same ten worlds at each place, bars are intervals over worlds.", "name": "fig-dqn-shares"}, "image": {"alt": "Line chart. In smooth worlds both networks get about 65 percent of the attainable gain. On the way to rough worlds the network with embeddings stays above 60, while the one on numbers falls to about 40. The table begins at 46 and falls to about 30. The optimum is a dashed line at 100."}} tags=["hide-input"]
import copy

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from myst_nb import glue
from torch import nn

from crm_rl import plots
from crm_rl.experiments.arms import ARMS, CHOSEN_TABLE
from crm_rl.experiments.comparison_record import lead, load_comparison, score
from crm_rl.worlds.nature import BOOK_WORLD

plots.use_style()
ENDS = {"smooth worlds": 0.0, "rough worlds": 1.0}
NAMES = {
    "DQN, embeddings": "DQN, embeddings",
    "DQN, numbers": "DQN, numbers",
    CHOSEN_TABLE: "chosen table",
    "table: + week": "best of seven tables",
    "table: + country x bootcamp": "finest table",
}


def recorded(name: str) -> pd.DataFrame:
    """Return what is on record, without the book's own world."""
    runs = load_comparison(name)
    return runs[runs["world"] != BOOK_WORLD]


runs = recorded("twin")
way = pd.concat([runs, recorded("why_twin")])
NUMBERS, EMBEDDED = "DQN, numbers", "DQN, embeddings"
PLACES = (0.0, 0.25, 0.5, 0.75, 1.0)
lines = {
    arm: pd.DataFrame({place: score(way, arm, roughness=place) for place in PLACES}).T
    for arm in (EMBEDDED, NUMBERS, CHOSEN_TABLE)
}
plots.shares_by_roughness(lines)
plt.show()

# %% tags=["remove-cell"]
shares = {
    title: pd.DataFrame({
        name: score(runs, arm, roughness=end) for arm, name in NAMES.items()
    }).T
    for title, end in ENDS.items()
}  # fmt: skip
for title, table in shares.items():
    for name, row in table.iterrows():
        key = f"dqn-{title.split()[0]}-{name.replace(', ', '-').replace(' ', '-')}"
        text = f"{100 * row['mean']:.0f}%".replace("-", "−")
        glue(key.lower(), text, display=False)


def gap(first: str, second: str, runs: pd.DataFrame = runs, **which) -> str:
    """Say by how many points of the share the first arm is above the second."""
    ahead = 100 * lead(runs, first, second, **which)
    text = f"{ahead['mean']:.0f} points ({ahead['low']:.0f} to {ahead['high']:.0f})"
    return text.replace("-", "−")


glue("dqn-ahead-tables", gap(NUMBERS, CHOSEN_TABLE, roughness=0.0), display=False)
glue("dqn-ahead-rough", gap(EMBEDDED, NUMBERS, roughness=1.0), display=False)
glue("dqn-ahead-half", gap(EMBEDDED, NUMBERS, way, roughness=0.5), display=False)
glue("dqn-half-numbers", f"{100 * lines[NUMBERS].loc[0.5, 'mean']:.0f}%", display=False)
tables = [arm for arm in ARMS if "table" in arm]
for end in ENDS.values():
    assert all(lead(runs, EMBEDDED, arm, roughness=end)["low"] > 0 for arm in tables)
assert all(lead(runs, NUMBERS, arm, roughness=0.0)["low"] > 0 for arm in tables)
assert all(lead(way, EMBEDDED, NUMBERS, roughness=place)["low"] > 0 for place in PLACES[1:])
assert lines[EMBEDDED]["mean"].min() > 0.6 and lines[CHOSEN_TABLE]["mean"].max() < 0.5
even = lead(runs, EMBEDDED, NUMBERS, roughness=0.0)
assert even["low"] < 0 < even["high"]
halfway = lead(way, NUMBERS, CHOSEN_TABLE, roughness=0.5)
assert halfway["low"] < 0 < halfway["high"]

# %% [markdown]
# In {term}`smooth worlds <smooth world>` customers whose numbers are close respond alike. There the network on numbers gets {glue:text}`dqn-smooth-dqn-numbers` of the attainable gain (its {term}`share <share of the attainable gain>`). The best of
# the tables, the one that we chose by hand, gets {glue:text}`dqn-smooth-chosen-table`: the network is {glue:text}`dqn-ahead-tables` above it. The finest table does worse than waiting ({glue:text}`dqn-smooth-finest-table`).
#
# On the way to {term}`rough worlds <rough world>` more and more countries and bootcamps respond unlike their neighbours. The network on numbers falls, to {glue:text}`dqn-half-numbers` halfway, where we cannot tell it from the chosen table; of the one with embeddings we cannot tell a fall
# ({numref}`fig-dqn-shares`).
#
# ## From a table to a network
#
# :::{figure} ../book/_static/table_and_network.svg
# :name: fig-dqn-network
# :alt: Left, a table with six numbers for each state; one week of experience changes one of them. Right, a network from 15 features through two hidden layers to six actions; one week of experience changes weights that all states share.
# :width: 92%
#
# A table looks the row up, a network computes it.
# :::
#
# A network is a function $Q(s, a; w)$ that turns the 15 features of a state into six values ({term}`function approximation`), so it has an
# answer for every state, met or not. Learning from one week moves its weights $w$, and with them the values of all states that use these weights. If those
# states are alike, this is {term}`generalisation`; if not, interference.
#
# Ours is 15-128-128-6, by the sizes of its layers:


# %%
def make_network():
    """A network with two hidden layers of 128 units."""
    return nn.Sequential(
        nn.Linear(15, 128), nn.ReLU(),
        nn.Linear(128, 128), nn.ReLU(),
        nn.Linear(128, 6),
    )  # fmt: skip


sizes = [part.numel() for part in make_network().parameters()]
print(*sizes, sep=" + ", end=f" = {sum(sizes):,} parameters")

# %% [markdown]
# A layer from $n$ to $k$ units has $nk$ weights and $k$ offsets. A table for *one* type of customer needs up to 13,824 states times six numbers,
# four times as many, and there are hundreds of types.
#
# ## One unit, one step, by hand
#
# A hidden unit (a *rectified linear unit*, ReLU) computes a weighted sum of the features and passes it on if it is positive: $h = \max(0, u \cdot x + b)$. Our
# smallest network has one, and one action, the manager: $Q = v h + d$, in hundreds of dollars. The features are *signed up* and *tired*. We start
# with $u = (2, -1)$, $b = 0$, $v = 1.5$, $d = 0$.
#
# :::{admonition} By hand: one gradient step
# :class: by-hand
#
# A customer who has signed up and is rested, $x = (1, 0)$, gets a manager. The week pays 3.5. Afterwards they are tired, a state that is worth 1.5.
#
# **Forward.** $h = \max(0, 2) = 2$, so $Q = 1.5 \times 2 = 3$. The target is $y = 3.5 + 1.5 = 5$, and the surprise $\delta = 5 - 3 = 2$.
#
# **Backward.** If $v$ grows by a little, $Q$ grows $h = 2$ times as much. For $d$ it is 1, for $b$ it is $v = 1.5$, and for $u$ it is
# $v x = (1.5, 0)$.
#
# **Step.** Each weight moves by $0.05 \times \delta = 0.1$ times its slope, the number just found:
#
# - $v = 1.5 + 0.2 = 1.7$ and $d = 0 + 0.1 = 0.1$
# - $b = 0 + 0.15 = 0.15$ and $u = (2 + 0.15, -1) = (2.15, -1)$
#
# | signed up, tired | $Q$ before | $h$ after | $Q$ after |
# |---|--:|--:|--:|
# | **yes, no** (met) | **3** | 2.30 | **4.01** |
# | yes, yes | 1.5 | 1.30 | 2.31 |
# | no, no | 0 | 0.15 | 0.355 |
# | no, yes | 0 | 0 | 0.1 |
# :::
#
# One customer was met, and all four values moved. The tired customer who signed up gained most among the other three, since the same unit is on: that is
# shared strength. The two who have not signed up gained without reason. Where the unit is off afterwards, as for *no, yes*, only $d$ counts. With many units, each on for other
# customers, a network can learn what to share.
#
# ::::{exercise} ★ What would a table do?
# :label: ex-dqn-table
#
# A table starts with the same four values and a learning rate of 0.05. Which of them change in this week, and to what?
# ::::
#
# :::{solution-start} ex-dqn-table
# :class: dropdown
# :::
#
# One: $3 + 0.05 \times 2 = 3.1$. The other three wait for customers of their own.
#
# :::{solution-end}
# :::

# %% tags=["remove-cell"]
u, b, v, d = np.array([2.0, -1.0]), 0.0, 1.5, 0.0
four = np.array([[1, 0], [1, 1], [0, 0], [0, 1]])
assert np.allclose(v * np.maximum(0, four @ u + b) + d, [3, 1.5, 0, 0])
x, move = four[0], 0.05 * (3.5 + 1.5 - 3)
u, b, v, d = u + move * v * x, b + move * v, v + move * 2, d + move
assert np.allclose(v * np.maximum(0, four @ u + b) + d, [4.01, 2.31, 0.355, 0.1])

# %% [markdown]
# ## What a step makes smaller
#
# The step went downhill on a *loss*, half the squared surprise:
#
# $$
# \begin{aligned}
# y &= r + \gamma \max_{a'} Q(s', a'; w^-), \\
# \mathcal{L}(w) &= \tfrac{1}{2} \, \big(y - Q(s, a; w)\big)^2 .
# \end{aligned}
# $$ (dqn-loss)
#
# If $s'$ ended the episode, $y = r$. It is the target of Q-learning, with two changes.
#
# - The target counts as a constant. The gradient goes through $Q(s, a; w)$ alone, so it is a {term}`semi-gradient` {cite:p}`sutton2018`.
# - Its weights $w^-$ are older than $w$; see below.
#
# The squared loss settles at the *mean* of the targets, which is what a Q-value should be. Many libraries use the {term}`Huber loss`; with rare, large rewards it settles
# near their *median*.
#
# ## Replay and the target network
#
# :::{figure} ../book/_static/replay_and_target.svg
# :name: fig-dqn-flow
# :alt: The network chooses actions for customers; each week goes into the replay buffer; batches are drawn from it at random; the target network and the reward make the target; the network takes a step towards it. The target network is copied from the network now and then.
# :width: 92%
#
# How DQN learns. Orange is the gradient step.
# :::
#
# **Replay.** A network that learns from its latest customers forgets earlier ones, since all share weights. A
# {term}`replay buffer` {cite:p}`lin1992` keeps old weeks, and each step learns from a random batch of them. Old weeks still serve, because Q-learning is
# {term}`off-policy <off-policy learning>`.
#
# **Target network.** The target contains the network's own values, so a step may push its target away.
#
# :::{admonition} By hand: a target that runs away
# :class: by-hand
#
# Two states share one weight: the first is worth $w$, the next $2w$, and no reward is ever paid, so $w = 0$ is right. We update the first state only. From $w = 10$ the target
# is $2 \times 10 = 20$, and with a step of 0.1 the weight goes to $10 + 0.1 \times 10 = 11$. Now the target is 22. The weight grows by a tenth each time, for ever.
#
# Take the target from a copy of $w$: it stays at 20, and $w$ comes to rest there.
# :::
#
# The {term}`target network` is such a copy, renewed every thousand weeks or so. It slows the runaway but does not rule it out: shared weights, bootstrapping
# and off-policy learning together *can* diverge (the {term}`deadly triad`; {cite:t}`sutton2018`, section 11.2, has an example like ours).
#
# :::{prf:algorithm} DQN
# :label: alg-dqn
#
# Start with an empty replay buffer and $w^- = w$. For each week with a customer:
#
# 1. act $\varepsilon$-greedily by $Q(s, \cdot\,; w)$, and store $(s, a, r, s')$ and whether the episode ended;
# 2. every few weeks, draw a batch and take one gradient step on the mean of the loss {eq}`dqn-loss`;
# 3. every thousand weeks or so, set $w^- = w$.
# :::
#
# ## Write it yourself
#
# ::::{exercise} ★★ Write the target and the step
# :label: ex-dqn-step
#
# A batch is five tensors: `observations` and `next_observations` of shape (n, 15), and `actions`, `rewards` and `ended` (1 where
# the episode is over) of shape (n,). Complete the three marked places by {eq}`dqn-loss`, with $\gamma = 1$.
# ::::

# %% tags=["remove-cell"]
HINTS = {
    "still": "The weights did not move. You need zero_grad, backward and step of PyTorch.",
    "reward": "Your target is the reward alone. Add the best next value, by `target`.",
    "endless": "After the end of an episode there is no future: multiply it by (1 - ended).",
    "own": "The best next value must come from `target`, not from the network in training.",
    "mean": "The target takes the highest value of the next state: max(dim=1).values.",
    "first": "You update action 0, whatever was done: gather picks a column for each row.",
    "best": "You update the best action. Update the one that was taken.",
    "column": "Values of shape (n, 1) minus targets of shape (n,) make n x n: take [:, 0].",
    "piled": "Gradients of earlier steps add up: call optimizer.zero_grad() first.",
}


def two_networks():
    """Return a small network to train and a target network."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return [
            nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3)) for _ in range(2)
        ]


BATCH = (
    torch.tensor([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.3, 0.9]]),
    torch.tensor([0, 2, 1, 2]),
    torch.tensor([0.5, 2.0, -1.0, 0.0]),
    torch.tensor([[1.0, 0.2], [0.4, 0.4], [0.8, 0.1], [0.0, 0.5]]),
    torch.tensor([0.0, 1.0, 0.0, 0.0]),
)


def slip(future: str, value: str, piled: str):
    """Return a gradient step with these mistakes; an empty string is none."""

    def step(network, target, optimizer, batch):
        seen, done, rewards, following, ended = batch
        with torch.no_grad():
            later = (network if future == "own" else target)(following)
            later = later.mean(dim=1) if future == "mean" else later.max(dim=1).values
            keep = {"reward": 0, "endless": 1}.get(future, 1 - ended)
            goal = rewards + keep * later
        q = network(seen)
        picked = {"first": lambda: q[:, 0], "best": lambda: q.max(dim=1).values}
        picked["column"] = lambda: q.gather(1, done[:, None])
        values = picked.get(value, lambda: q.gather(1, done[:, None])[:, 0])()
        if not piled:
            optimizer.zero_grad()
        (((goal - values) ** 2).mean() / 2).backward()
        optimizer.step()

    return step


def after_two_steps(step) -> np.ndarray:
    """Return all weights of the small network after two steps."""
    network, target = two_networks()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(2):
        step(network, target, optimizer, BATCH)
    return np.concatenate([part.detach().numpy().ravel() for part in network.parameters()])


SLIPS = {
    (future, value, piled): after_two_steps(slip(future, value, piled))
    for future in ("", "reward", "endless", "own", "mean")
    for value in ("", "first", "best", "column")
    for piled in ("", "piled")
}


def check(step) -> str:
    """Say whether a gradient step is right, and if not, what may be wrong with it."""
    got = after_two_steps(step)
    if np.array_equal(got, after_two_steps(lambda *_: None)):
        return HINTS["still"]
    for slips, weights in SLIPS.items():
        if np.allclose(got, weights, atol=1e-6):
            return next((HINTS[one] for one in slips if one), "Right.")
    return "Not yet, and none of the usual slips. Does the loss average over the batch, halved?"


assert len({tuple(weights.round(6)) for weights in SLIPS.values()}) == len(SLIPS)
assert check(slip("", "", "")) == "Right." and check(slip("own", "", "")) == HINTS["own"]


# %%
def gradient_step(network, target, optimizer, batch):
    """One step of DQN on a batch of weeks."""
    observations, actions, rewards, next_observations, ended = batch
    with torch.no_grad():  # the target is a constant
        goal = rewards  # your turn: what does the next state promise?
    values = network(observations)[:, 0]  # your turn: of the actions taken
    loss = ((goal - values) ** 2).mean() / 2
    # your turn: three lines that move the weights
    return loss.item()


print(check(gradient_step))

# %% [markdown]
# :::{solution-start} ex-dqn-step
# :class: dropdown
# :::


# %%
def gradient_step(network, target, optimizer, batch):
    """One step of DQN on a batch of weeks."""
    observations, actions, rewards, next_observations, ended = batch
    with torch.no_grad():  # the target is a constant
        later = target(next_observations).max(dim=1).values
        goal = rewards + (1 - ended) * later
    values = network(observations).gather(1, actions[:, None])[:, 0]
    loss = ((goal - values) ** 2).mean() / 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


print(check(gradient_step))

# %% [markdown]
# :::{solution-end}
# :::
#
# The rest of DQN {cite:p}`mnih2015` fits on a page: act, remember, draw, step, and renew the target now and then.

# %%
from crm_rl.worlds.gym_envs import FunnelVecEnv


def train(world, weeks, seed, n=64):
    """Deep Q-learning with n customers side by side."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    envs = FunnelVecEnv(n, world=world)
    envs.seed(seed)
    network = make_network()
    target = copy.deepcopy(network)
    optimizer = torch.optim.Adam(network.parameters())
    replay, observations = [], envs.reset()
    for step in range(weeks // n):
        done = step * n / weeks  # the share of training behind us
        with torch.no_grad():
            q = network(torch.from_numpy(observations))
        explore = rng.random(n) < max(0.05, 1 - 2 * done)
        actions = np.where(explore, rng.integers(6, size=n), q.argmax(dim=1))
        following, rewards, ended, _ = envs.step(actions)
        rewards, ended = rewards / 100, np.float32(ended)  # in hundreds of dollars
        weeks_seen = observations, actions, rewards, following, ended
        replay += zip(*weeks_seen, strict=True)
        observations = following
        optimizer.param_groups[0]["lr"] = 1e-3 * (1 - done)
        for _ in range(2):
            drawn = [replay[i] for i in rng.integers(len(replay), size=128)]
            columns = zip(*drawn, strict=True)
            batch = [torch.from_numpy(np.stack(column)) for column in columns]
            gradient_step(network, target, optimizer, batch)
        if step % 16 == 0:
            target.load_state_dict(network.state_dict())
    return network


# %% [markdown]
# Does it work? We train it on 60,000 weeks of inbound customers, beside the best of the seven tables of [chapter 5](05_state_space_explosion.ipynb). `inbound`
# is the smooth world with these customers alone, and `share` the share of the attainable gain, by exact values.

# %% tags=["remove-cell"]
from crm_rl.agents.arithmetic import one_thread
from crm_rl.agents.planned import PlannedPolicy, optimum
from crm_rl.agents.policies import NetworkPolicy, load_policy
from crm_rl.agents.q_learning import train_q_learning
from crm_rl.evaluation.gain import exact_values, only
from crm_rl.planning.exact import always, share_of_gain, types_of
from crm_rl.worlds.attributes import RESOLUTIONS
from crm_rl.worlds.base import Action
from crm_rl.worlds.registry import worlds

smooth = worlds("smooth")["all"]
inbound = only(smooth, smooth.population.inbound == 1)
assert 12 * 1152 == 13_824 and len(types_of(smooth.population)[0].start) > 200


def share(learned, world) -> float:
    """Return the share of the attainable gain, of a network in hundreds of dollars or of a policy."""
    if isinstance(learned, nn.Module):
        layers = [layer for layer in learned if isinstance(layer, nn.Linear)]
        weights, biases = (
            [getattr(layer, name).detach().numpy() for layer in layers]
            for name in ("weight", "bias")
        )
        learned = NetworkPolicy(weights, biases, world.params, 100.0)
    waiting = PlannedPolicy(lambda _: always(Action.WAIT))
    values = [exact_values(one, world) for one in (learned, waiting, optimum(world))]
    return share_of_gain(*values)


weeks_table = ARMS["table: + week"]
settings, by_week = weeks_table.trials[weeks_table.chosen], RESOLUTIONS["+ week"]
table = train_q_learning(inbound, settings, None, 0, steps=60_000, resolution=by_week)

# %%
with one_thread():
    network = train(inbound, weeks=60_000, seed=0)
reached = share(network, inbound)
print("network: more than a third of the gain:", reached > 1 / 3)
print(f"table: {share(table, inbound):.0%} of the gain")

# %% tags=["remove-cell"]
from crm_rl.data import data_path
from crm_rl.experiments.runner import data_name

# What the text says of this run holds for the twin; with other customers the numbers change.
if data_name(data_path()) == "twin":
    assert reached > 1 / 3 > share(table, inbound)

# %% [markdown]
# You have trained a DQN, and from as many weeks it got more than the table. (One seed; how far beyond a third varies with processors. The recorded networks add {term}`double DQN <double DQN>`: the network chooses the
# next action, the target network values it {cite:p}`vanhasselt2016`.)
#
# ## The library's version
#
# With stable-baselines3 {cite:p}`raffin2021`, all of it is an argument but the loss (Huber's):

# %%
from stable_baselines3 import DQN

model = DQN(
    "MlpPolicy", FunnelVecEnv(16, world=inbound), gamma=1.0, seed=0,
    learning_rate=1e-3, batch_size=128, buffer_size=200_000,
    learning_starts=2_000, train_freq=1, target_update_interval=1_000,
    exploration_fraction=0.5, policy_kwargs={"net_arch": [128, 128]},
)  # fmt: skip
with one_thread():
    model.learn(3_200)
print(f"{sum(part.numel() for part in model.q_net.parameters()):,} parameters")

# %% tags=["remove-cell"]
trials = load_comparison("twin", table="trials")
tried = trials[trials["arm"] == "library's DQN"].groupby("trial")["share"].mean()
for trial, key in (("the library's own", "own"), ("as ours", "ours")):
    text = f"{100 * tried[trial]:.0f}%".replace("-", "−")
    glue(f"dqn-library-{key}", text, display=False)
assert tried["the library's own"] < 0 < tried["as ours"]

# %% [markdown]
# Pass the settings; the defaults suit video games. In trials with 100,000 weeks, in one smooth and one rough world, the library's DQN got
# {glue:text}`dqn-library-own` with its defaults and {glue:text}`dqn-library-ours` with nearly these.
#
# ## Customers never met
#
# We hid a fifth of the pairs of country and bootcamp from training, and judged on their customers alone.

# %% mystnb={"figure": {"caption": "Share of the attainable gain with customers whose pair of country and bootcamp training never met. Dots are means over five worlds, bars are intervals over worlds.", "name": "fig-dqn-unseen"}, "image": {"alt": "Dot chart. With unseen pairs, in smooth worlds, the network on numbers gets 62 percent of the attainable gain, the one with embeddings 47, the chosen table 46, and the finest table loses 166 percent. In rough worlds networks and the chosen table lie near 10, with intervals around 0, the finest table at minus 190."}} tags=["hide-input"]
why = recorded("why_twin")
UNSEEN = ["DQN, numbers", "DQN, embeddings", CHOSEN_TABLE, "table: + country x bootcamp"]
unseen = {
    title: pd.DataFrame({
        NAMES[arm]: score(why, arm, roughness=end, hidden="pairs") for arm in UNSEEN
    }).T
    for title, end in ENDS.items()
}  # fmt: skip
plots.shares_by_group(unseen, limits=(-330, 108))
plt.show()

# %% tags=["remove-cell"]
UNMET = {"hidden": "pairs", "roughness": 0.0}
glue(
    "dqn-unseen-numbers",
    f"{100 * unseen['smooth worlds'].loc[NUMBERS, 'mean']:.0f}%",
    display=False,
)
glue("dqn-unseen-gap", gap(NUMBERS, CHOSEN_TABLE, runs=why, **UNMET), display=False)
assert lead(why, NUMBERS, CHOSEN_TABLE, **UNMET)["low"] > 0
assert (
    lead(why, EMBEDDED, NUMBERS, **UNMET)["low"]
    < 0
    < lead(why, EMBEDDED, NUMBERS, **UNMET)["high"]
)
from crm_rl.evaluation.intervals import over_seeds
from crm_rl.experiments.comparison_record import shares as of_worlds

both = pd.concat([runs, why])
same = {  # each network with the settings that were chosen for the other
    "dqn-alone-1": (EMBEDDED, "", NUMBERS, "rate 0.003"),
    "dqn-alone-2": (EMBEDDED, "4, relative 0.1, costs known", NUMBERS, ""),
}
for key, (first, its, second, others) in same.items():
    ahead = of_worlds(both, first, roughness=1.0, trial=its)
    ahead = (ahead - of_worlds(both, second, roughness=1.0, trial=others)).dropna()
    found = 100 * over_seeds(ahead.to_numpy(), statistic="mean")
    assert len(ahead) == 10 and found["low"] > 0
    text = f"{found['mean']:.0f} points ({found['low']:.0f} to {found['high']:.0f})"
    glue(key, text, display=False)
assert all(each.loc["finest table", "high"] < 0 for each in unseen.values())
assert (unseen["rough worlds"].loc[[NUMBERS, EMBEDDED], "low"] < 0).all()
assert (unseen["rough worlds"].loc[[NUMBERS, EMBEDDED], "high"] > 0).all()

# %% [markdown]
# The finest table has no rows for them: it acts at random. In the smooth worlds the network on numbers still gets {glue:text}`dqn-unseen-numbers`,
# {glue:text}`dqn-unseen-gap` above the chosen table; we cannot tell it from the network with embeddings. In the rough worlds neither network can be told from
# waiting.
#
# ## Names are not numbers, again
#
# Now the risk. Country and bootcamp reach the network as {term}`standings <standing>`: numbers between 0 and 1 that order the names by their rate of subscribers. In rough worlds two countries with neighbouring standings have
# nothing in common.
#
# Take two inbound customers of the book's own rough world: same bootcamp, both after a demo, from countries next to each other, at
# {glue:text}`dqn-standing-1` and {glue:text}`dqn-standing-2`. One is best reached by surveys, the other by email.

# %% mystnb={"figure": {"caption": "Two customers with nearly the same numbers in the rough world: the best plan, and what two recorded networks do after a million weeks, as long as nothing happens. White is waiting.", "name": "fig-dqn-plans"}, "image": {"alt": "Grid of twelve weeks for two customers. The best plan sends the first one surveys and the second one emails, every other week. The network on numbers sends surveys to both. The network with embeddings sends surveys to the first and emails to the second."}} tags=["hide-input"]
from crm_rl.experiments.runner import RESULTS
from crm_rl.planning.exact import all_states, optimal, shape_of, without_news
from crm_rl.worlds.responsive import DEMO, subset

rough = worlds("rough")["all"]
PAIR = (104, 157)
pair = rough._replace(population=subset(rough.population, np.array(PAIR)))
states = all_states(pair.population, pair.params)
networks = {
    name: load_policy(RESULTS / "policies" / f"comparison_twin-{file}-1000000-1.npz")
    for name, file in ((NUMBERS, "DQN__numbers"), (EMBEDDED, "DQN__embeddings"))
}
q = {"best plan": optimal(pair.population, pair.params).q} | {
    name: one.q_values(states, pair).reshape(*shape_of(pair.population, pair.params), 6)
    for name, one in networks.items()
}
plans = {
    f"customer from a country at {standing:.4f}": pd.DataFrame(
        [without_news(each[i], 1 << DEMO) for each in q.values()], list(q), range(1, 13)
    )
    for i, standing in enumerate(pair.population.country)
}
plots.plans_by_week(plans)
plt.show()

# %% tags=["remove-cell"]
for i, standing in enumerate(pair.population.country):
    glue(f"dqn-standing-{i + 1}", f"{standing:.4f}", display=False)
    one = pair._replace(population=subset(pair.population, np.array([i])))
    for name, policy in networks.items():
        text = f"{100 * share(policy, one):.0f}%".replace("-", "−")
        glue(f"dqn-pair-{i + 1}-{name.split(', ')[1]}", text, display=False)
        assert (share(policy, one) > 0.5) == (name == EMBEDDED or i == 0)

# %% [markdown]
# The network on numbers does the same with both. It earns {glue:text}`dqn-pair-1-numbers` of the attainable gain with the first and
# {glue:text}`dqn-pair-2-numbers` with the second. The network with embeddings tells them apart and gets {glue:text}`dqn-pair-1-embeddings` and
# {glue:text}`dqn-pair-2-embeddings`. The pair was chosen for that.
#
# The cure is that of [chapter 2](02_education_column.ipynb): do not let the model read an order into names. An **embedding** gives each name a short vector of
# weights, here four numbers, which start at random and are learned like all others. Two names become alike only if experience says so.
# In code it is one line, `nn.Embedding(names, 4)`; its output goes into the
# network beside the 15 features.
#
# The network with embeddings is {glue:text}`dqn-ahead-half` above the one on numbers halfway, and {glue:text}`dqn-ahead-rough` in the rough worlds. In the smooth ones we cannot tell them
# apart. The settings that our trials chose for the two differ in other things as well. With equal settings the lead in the rough worlds remains: {glue:text}`dqn-alone-1` with those chosen for
# embeddings, {glue:text}`dqn-alone-2` with those for numbers ([lab note](a2_comparison.ipynb)).
#
# ## Where it falls short
#
# - **Not 90%**, the aim that we registered before the first run. The network with embeddings got {glue:text}`dqn-smooth-dqn-embeddings` and {glue:text}`dqn-rough-dqn-embeddings`.
# - **Outbound customers.** With inbound customers it gets {glue:text}`dqn-inbound-smooth` (smooth) and {glue:text}`dqn-inbound-rough` (rough). With outbound customers it
#   loses to waiting in smooth worlds ({glue:text}`dqn-outbound-smooth`), and cannot be told from it in rough ones ({glue:text}`dqn-outbound-rough`). Noise is one cause: with
#   expected rewards, which only a simulator can pay, it gets {glue:text}`dqn-noise` more with them in smooth worlds ([lab note](a2_comparison.ipynb)).

# %% tags=["remove-cell"]

noise = of_worlds(why, EMBEDDED, "share_outbound", roughness=0.0, expected=True)
noise = (noise - of_worlds(runs, EMBEDDED, "share_outbound", roughness=0.0)).dropna()
noise = 100 * over_seeds(noise.to_numpy(), statistic="mean")
text = f"{noise['mean']:.0f} points ({noise['low']:.0f} to {noise['high']:.0f})"
glue("dqn-noise", text, display=False)
assert noise["low"] > 0
for group in ("inbound", "outbound"):
    for title, end in ENDS.items():
        each = of_worlds(runs, EMBEDDED, f"share_{group}", roughness=end).dropna()
        text = f"{100 * each.mean():.0f}%".replace("-", "−")
        glue(f"dqn-{group}-{title.split()[0]}", text, display=False)
        assert (each.mean() > 0.7) == (group == "inbound") != (each.mean() < 0)

# %% [markdown]
# :::{admonition} In the published study
# :class: note
#
# {cite:t}`nair2026` describes its network as 15-128-128-6 and reports that it subscribes **1.45%** of the customers, **3.30 times** the base rate. In our re-run by the rules of
# its code, twenty networks get {glue:text}`dqn-study-dqn` on average, random targeting {glue:text}`dqn-study-random`. See [the study](08_study.ipynb) and
# [the audit](09_audit.ipynb).
# :::

# %% tags=["remove-cell"]
from crm_rl.experiments.funnel_study import load_study

study, _, _ = load_study(data_name(data_path()))
rates = study[study["setting"] == "as_coded"].groupby("row")["subscription_rate"].mean()
glue("dqn-study-dqn", f"{rates['dqn']:.2f}%", display=False)
glue("dqn-study-random", f"{rates['random']:.2f}%", display=False)

# %% [markdown]
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - A table learns one number at a time. A network moves shared weights, so it learns about states it has not met.
# - DQN is Q-learning's target, a squared loss, a replay buffer and a target network: you wrote its core in seven lines.
# - The network with embeddings beat each of the seven tables and their sum, in smooth and in rough worlds.
# - A network shares between whatever looks alike. Where neighbouring numbers need not be alike, give it embeddings of the names as well.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. You forget `(1 - ended)` in the target. What happens?
# :class: quiz
#
# ::::{dropdown} Values come out wrong: a finished episode is given a future.
# :class-container: right
#
# What the buffer holds as the next state is then the start of *another* customer's episode.
# ::::
# ::::{dropdown} Nothing, because the reward of a subscription is large enough.
# :class-container: wrong
#
# A large reward does not remove the false future that is added to it.
# ::::
# ::::{dropdown} PyTorch raises an error.
# :class-container: wrong
#
# The shapes fit. Such mistakes are silent.
# ::::
# :::::
#
# :::::{admonition} 2. The loss of a network falls to nearly zero. Is its policy good?
# :class: quiz
#
# ::::{dropdown} Yes. The values have converged to the best ones.
# :class-container: wrong
#
# They agree with targets that the network made itself.
# ::::
# ::::{dropdown} Yes, if the target network was renewed often enough during training.
# :class-container: wrong
#
# That decides which targets it agrees with.
# ::::
# ::::{dropdown} We cannot say. Evaluate the policy.
# :class-container: right
#
# A network that says 0 everywhere has hardly any loss on weeks without a subscription, and is of no use.
# ::::
# :::::
#
# :::::{admonition} 3. Two bootcamps have the standings 0.41 and 0.42. What does a network on numbers assume?
# :class: quiz
#
# ::::{dropdown} That they are unrelated, until experience shows otherwise.
# :class-container: wrong
#
# An embedding starts like that. A number has neighbours from the beginning.
# ::::
# ::::{dropdown} That their customers respond almost alike.
# :class-container: right
#
# Right in a smooth world, costly in a rough one.
# ::::
# ::::{dropdown} That the second one subscribes more often, and nothing else.
# :class-container: wrong
#
# The network uses the number for every value it computes.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} Explain DQN to somebody who knows Q-learning.
# :class-container: interview
#
# The table becomes a network that takes the features and gives a value for each action. A step draws old transitions at random, forms the target
# $r + \gamma \max Q(s', a'; w^-)$ with an older copy of the weights, and follows the gradient of the squared difference, the target held constant. Replay mixes old
# experience with new, and the copy slows the moving target ({numref}`fig-dqn-flow`).
# ::::
# ::::{dropdown} Why not simply a larger table?
# :class-container: interview in-the-bank
#
# Its states would need experience of their own. In our comparison the finest table earned less than waiting after a million
# weeks, and a network got about two thirds of the attainable gain ({numref}`fig-dqn-shares`).
# ::::
# ::::{dropdown} How do you feed a categorical column with 75 levels to a network?
# :class-container: interview
#
# Not as a code or a rank, unless neighbours truly behave alike. An embedding of a few numbers a level is learned with the rest; a level never seen gets a vector of
# zeros. In our smooth worlds we could not tell the two apart ({numref}`fig-dqn-shares`).
# ::::
#
# ## Further reading
#
# - {cite:t}`mnih2015`: the paper.
# - {cite:t}`sutton2018`, chapters 9 and 11: function approximation and the deadly triad.
# - {cite:t}`vanhasselt2016` and {cite:t}`hessel2018`: improvements.
