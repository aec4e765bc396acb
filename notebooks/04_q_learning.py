# %% [markdown]
# (ch-q-learning)=
# # Q-learning
#
# Chapter 3 computed the best plan from the probabilities of what customers do. At work nobody hands you those probabilities.
# **Q-learning comes close to the same answer from experience alone**: it acts, sees what happens, and corrects one number in a table.
# The price is experience. The agent has to try what may turn out badly, and it needs many customers to learn from; this chapter shows how many.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to update a Q-table by hand, and why the update works
#   - to write Q-learning yourself, in about 30 lines
#   - to choose how much to explore and how fast to learn
#   - where the maximum in the update misleads, and what rare rewards cost
#
# You need
# : [The funnel as an MDP](03_funnel_mdp.ipynb).
#
# Time
# : 30 minutes to read, 50 seconds to run.
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
# ## A table climbs to the optimum
#
# Take one customer of the {term}`responsive world`: inbound, already signed up, and best reached by an account manager. Waiting for twelve
# weeks is worth {glue:text}`q-waiting` dollars, the best plan {glue:text}`q-optimum`. A {term}`Q-table` that knows nothing plays episode after episode with
# customers like this one.

# %% mystnb={"figure": {"caption": "Five tables learn the best plan for one type of customer. Each starts empty and is paid 5,000 dollars for a subscription, minus the costs of its actions. At each dot we compute the exact value of acting greedily by the table. Thin lines are seeds, the thick line is their mean.", "name": "fig-q-climb"}, "image": {"alt": "Line chart. The share of the attainable gain begins near or below 0 after 100 episodes, passes the best single action between 3,000 and 10,000, and comes close to the optimum, a dashed line at 100 percent, after 100,000 episodes, for all five seeds."}} tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from crm_rl import plots
from crm_rl.agents.planned import PlannedPolicy, best_single_action, optimum
from crm_rl.agents.q_learning import Hyperparameters, train_q_learning
from crm_rl.evaluation.gain import exact_values, learning_curve, only
from crm_rl.planning.exact import always, optimal, share_of_gain
from crm_rl.worlds.base import Action
from crm_rl.worlds.registry import worlds
from crm_rl.worlds.responsive import DEMO, FRESH, NO_CHANNEL, SIGNUP, SURVEY

plots.use_style()
everybody = worlds("smooth")["all"]
people = everybody.population


def world_of(inbound: bool, milestones: int, channel: Action):
    """Return a world with one customer: of those who begin like this, the one whom this channel suits best."""
    alike = (people.inbound == inbound) & (people.start == milestones)
    affinity = np.where(alike, people.affinity[:, channel], -1)
    return only(everybody, np.arange(everybody.size()) == affinity.argmax())


world = world_of(True, 1 << DEMO | 1 << SURVEY | 1 << SIGNUP, Action.MANAGER)
FALLING = Hyperparameters(
    alpha=1.0, alpha_decay=0.3, gamma=1.0, epsilon_start=0.3, epsilon_end=0.3
)
points = [100, 300, 1_000, 3_000, 10_000, 30_000, 100_000]
climb = pd.DataFrame(
    {seed: learning_curve(world, FALLING, points, seed) for seed in range(5)}, index=points
)


def ends(world) -> tuple[np.ndarray, np.ndarray]:
    """Return what waiting and the best plan are worth."""
    waiting = PlannedPolicy(lambda _: always(Action.WAIT))
    return exact_values(waiting, world), exact_values(optimum(world), world)


single = share_of_gain(exact_values(best_single_action(world), world), *ends(world))
plots.climb_to_optimum(climb, {"best single action": single, "waiting": 0.0})
plt.show()

# %% tags=["remove-cell"]
from myst_nb import glue

waiting, best = (float(end[0]) for end in ends(world))
glue("q-waiting", f"{waiting:,.0f}", display=False)
glue("q-optimum", f"{best:,.0f}", display=False)
reached = climb.mean(axis=1)
for point in (1_000, 10_000, 100_000):
    glue(f"q-climb-{point}", f"{100 * reached[point]:.0f}%", display=False)
glue("q-single", f"{100 * single:.0f}%", display=False)
assert reached[100_000] > 0.95 and climb.loc[100_000].min() > 0.9
assert reached[300] < 0.1 < reached[1_000] < single < climb.loc[10_000].min()

# %% [markdown]
# After 1,000 episodes the tables get {glue:text}`q-climb-1000` of the attainable gain (the {term}`share <share of the attainable gain>` of chapter 3) on average, after 10,000
# {glue:text}`q-climb-10000`, and after 100,000 {glue:text}`q-climb-100000` ({numref}`fig-q-climb`). That is far above the best single action ({glue:text}`q-single`), and
# nobody told them any probability.
#
# ## A table with two rows
#
# We go back to chapter 3's small funnel: three weeks, three actions, and customers who are *new*, *signed up* or *gone*. As there, the
# reward is the expected one: a manager's visit to a customer who has signed up pays 480 dollars.
#
# An {term}`agent` that knows none of this keeps a number $Q(s, a)$ for each state and action: its estimate of the {term}`return` if it takes
# the action and acts as well as it can afterwards. All numbers begin at zero. After each week it corrects one of them:
#
# - The **target** is the reward just received plus the *highest* number in the row of the next state (nothing, if the episode ends).
# - The **surprise**, or {term}`temporal difference` $\delta$, is the target minus the old number.
# - The new number is the old one plus a tenth of the surprise.
#
# We follow two rows: a new customer in week 2, and one who has signed up in week 3, the last.
#
# :::{admonition} By hand: four episodes
# :class: by-hand
#
# **1.** In week 2 an email, and the customer signs up. The next row is all zeros.
#
# - $\delta = -0.10 + 0 - 0 = -0.10$, so $Q(\text{new}, \text{email}) = -0.01$.
#
# In week 3 the manager; then the episode ends.
#
# - $\delta = 480 - 0 = 480$, so $Q(\text{signed up}, \text{manager}) = 48$.
#
# **2.** An email again, and a signup again. This time the next row has something to say.
#
# - $\delta = -0.10 + 48 - (-0.01) = 47.91$, so $Q(\text{new}, \text{email}) = -0.01 + 4.791 = 4.781$.
#
# In week 3 the agent waits, which pays 50.
#
# - $\delta = 50 - 0 = 50$, so $Q(\text{signed up}, \text{wait}) = 5$.
#
# **3.** An email, and the customer opts out.
#
# - $\delta = -0.10 + 0 - 4.781 = -4.881$, so $Q(\text{new}, \text{email}) = 4.781 - 0.488 = 4.293$.
#
# **4.** The agent waits, and the customer signs up all the same. (We stop before the third week.)
#
# - $\delta = 0 + 48 - 0 = 48$, so $Q(\text{new}, \text{wait}) = 4.8$.
#
# | | wait | email | manager |
# |---|--:|--:|--:|
# | week 2, new | 4.800 | 4.293 | 0 |
# | week 3, signed up | 5 | 0 | 48 |
# :::
#
# :::{figure} ../book/_static/q_update.svg
# :name: fig-q-update
# :alt: Two rows of a Q-table. The highest number of the lower row, 48, goes up into the target: reward minus 0.10 plus 48 is 47.90. The number of the email in the upper row moves a tenth of the way there, from minus 0.01 to 4.78.
# :width: 92%
#
# The second email. The value of what the agent can do *next* flows back by one week.
# :::
#
# Two things matter here. In the second episode the value of the manager reached the email, one week earlier: that email
# earned nothing itself, and yet it became valuable. And in the fourth, a lucky wait overtook the email, which chapter 3 found to
# be worth four times as much (191.90 against 48). A {term}`greedy` agent, which always takes the action with the highest number, would wait the next time.
#
# ::::{exercise} ★ The fifth episode
# :label: ex-q-fifth
#
# In week 2 an email, and the customer signs up; in week 3 the manager. Work out both updates on paper. Which action is greedy in
# week 2 now?
# ::::
#
# :::{solution-start} ex-q-fifth
# :class: dropdown
# :::
#
# $\delta = -0.10 + 48 - 4.293 = 43.607$, so $Q(\text{new}, \text{email}) = 4.293 + 4.361 = 8.654$. Then $\delta = 480 - 48 = 432$, so
# $Q(\text{signed up}, \text{manager}) = 48 + 43.2 = 91.2$. The email is ahead again, because the agent explored.
#
# :::{solution-end}
# :::

# %% tags=["remove-cell"]
email, wait, manager = 0.0, 0.0, 0.0
for reward, following in ((-0.1, 0.0), (-0.1, 48.0), (-0.1, 0.0), (-0.1, 48.0)):
    if email > 0 and following == 48.0:
        assert round(email, 3) == 4.293
    email += 0.1 * (reward + following - email)
assert round(email, 3) == 8.654 and np.isclose(48 + 0.1 * (480 - 48), 91.2)

# %% [markdown]
# ## The update
#
# The best values satisfy the Bellman equation: $q_*(s, a)$ is the reward plus the best value of the next state, *averaged over what may
# happen*. With the probabilities we can compute this average. Without them we can estimate it, one case at a time, by moving a little towards
# each. This is {term}`Q-learning` ({cite:t}`watkins1992`; equation 6.8 in {cite:t}`sutton2018`):
#
# $$
# \begin{aligned}
# \delta &= r + \gamma \max_{a'} Q(s', a') - Q(s, a), \\
# Q(s, a) &\leftarrow Q(s, a) + \alpha \, \delta .
# \end{aligned}
# $$ (q-update)
#
# The {term}`learning rate <step size>` $\alpha$ says how far to move. With a {term}`discount` $\gamma$ below 1, a reward counts $\gamma$ times as much for each week that it comes later. Twelve weeks need none: $\gamma = 1$. Two words
# from the field: the target contains the table's own estimates, which is called **bootstrapping**; and it takes the best next action,
# whatever the agent really does next, so the agent can explore and still learn about the best policy. That is
# {term}`off-policy learning`.
#
# :::{prf:algorithm} Q-learning
# :label: alg-q-learning
#
# 1. Set $Q(s, a) = 0$ for all states and actions.
# 2. For each episode, from its first state $s$ until it ends:
#    1. with probability $\varepsilon$ take a random action $a$, otherwise one with the highest $Q(s, a)$;
#    2. observe the reward $r$ and the next state $s'$;
#    3. update $Q(s, a)$ by {eq}`q-update`, where the maximum is 0 if the episode has ended;
#    4. let $s$ be $s'$.
# :::
#
# Watch it on a smaller funnel, in which an email costs 1 dollar, a manager 20, and a subscription is worth 100. Step until a subscription has changed a value of
# week 1: how many episodes does that take, and why more than one? Then start again without exploring ($\varepsilon = 0$).
#
# <div class="q-stepper" data-seed="1" data-alpha="0.1" data-epsilon="0.5">
# <div class="part-fallback">
# <p>In the web pages of this book a Q-table learns here step by step, where JavaScript is on. One update by hand, with a
# learning rate of 0.1: a new customer gets an email for $1 and signs up. The next row is still all zeros, so the target is
# −1 + 0 = −1, and the new value is 0 + 0.1 × (−1 − 0) = −0.10. After many updates the table comes close to these exact values, in
# dollars:</p>
# <table class="table">
# <thead><tr><th>State</th><th>email</th><th>manager</th><th>wait</th></tr></thead>
# <tbody>
# <tr><th>week 1, new</th><td>28.50</td><td>−2.90</td><td>17.10</td></tr>
# <tr><th>week 2, new</th><td>14.00</td><td>−17.00</td><td>3.00</td></tr>
# <tr><th>week 2, signed up</th><td>36.00</td><td>45.00</td><td>30.00</td></tr>
# <tr><th>week 3, signed up</th><td>9.00</td><td>30.00</td><td>0.00</td></tr>
# </tbody>
# </table>
# </div>
# </div>
#
# ## Write it yourself
#
# Here is the small funnel again. The agent may use `P` and `r` only to play.

# %%
NEW, SIGNED_UP, GONE = range(3)
P = np.array([
    # wait, email and manager; each leads to: new, signed up, gone
    [[0.9, 0.1, 0.0], [0.5, 0.4, 0.1], [0.7, 0.2, 0.1]],  # from new
    [[0.0, 0.99, 0.01], [0.0, 0.88, 0.12], [0.0, 0.8, 0.2]],  # from signed up
    [[0.0, 0.0, 1.0]] * 3,  # nobody comes back
])  # fmt: skip
r = np.array([[0, -0.1, -20], [50, 99.9, 480], [0, 0, 0]])

# %% [markdown]
# ::::{exercise} ★★ Write Q-learning
# :label: ex-q-write
#
# An {term}`epsilon-greedy` agent takes a random action with probability $\varepsilon$, and otherwise the greedy one. The code below runs, but
# its agent never explores, and its update is not yet {eq}`q-update`. Complete the two marked lines; `check` gives you a hint.
# ::::


# %% tags=["remove-cell"]
def check(epsilon_greedy, q_learning) -> str:
    """Try a reader's agent on the small funnel, and hint at what is wrong."""
    rng = np.random.default_rng(0)
    values = np.array([0.0, 1.0, 0.5])
    share = np.mean([epsilon_greedy(values, 0.3, rng) == 1 for _ in range(2_000)])
    if share == 1:
        return "With epsilon 0.3 your agent took the greedy action in 2,000 of 2,000 tries."
    if not 0.75 < share < 0.85:
        return (
            f"With epsilon 0.3 the greedy action came in {share:.0%} of all tries. "
            "80% are right: 70%, and a third of the rest by chance."
        )
    Q = q_learning(10_000, 0.3, np.random.default_rng(1))
    value = Q[0, NEW].max()
    got = f"A new customer in week 1: {value:.2f}; exact is 441.45. "
    greedy = Q.argmax(axis=2)
    if abs(value / 441.45 - 1) < 0.05:
        right = greedy[:3, NEW].tolist() == [1, 1, 0] and (greedy[1:3, SIGNED_UP] == 2).all()
        return got + ("Right." if right else "But the plan is not the best one.")
    if Q.max() > 2_000:
        return got + "Numbers grow without limit: subtract Q[here], and look into next week's row."
    later = Q[1, SIGNED_UP]
    if np.allclose(later, r[SIGNED_UP]):
        return got + "Does your target contain what next week's row promises?"
    if np.isclose(later[0] - r[SIGNED_UP, 0], Q[2].max(axis=1)).any():
        return got + "Move only the part alpha of the way, towards the row of the *next* state."
    return got + "Is it Q[week + 1, next_state].max() that your target adds to the reward?"


v, worth = np.zeros(3), []
for _ in range(3):
    worth.append(r + P @ v)
    v = worth[-1].max(axis=1)
assert np.isclose(v[NEW], 441.45) and np.isclose(worth[1][NEW, :2], [48, 191.9]).all()


# %%
def epsilon_greedy(values, epsilon, rng):
    """Return a random action with probability epsilon, otherwise the best one."""
    return values.argmax()  # your turn: explore


def q_learning(episodes, epsilon, rng, weeks=3):
    """Learn Q[week, state, action] by playing."""
    Q = np.zeros((weeks + 1, *r.shape))  # Q[weeks] stays 0: the episode is over
    tries = np.zeros(Q.shape)
    for _ in range(episodes):
        state = NEW
        for week in range(weeks):
            action = epsilon_greedy(Q[week, state], epsilon, rng)
            reward = r[state, action]
            next_state = rng.choice(3, p=P[state, action])
            here = week, state, action
            alpha = 1 / (1 + 0.1 * tries[here])  # falls with the number of tries
            Q[here] += alpha * (reward - Q[here])  # your turn: what is missing?
            tries[here] += 1
            state = next_state
    return Q


print(check(epsilon_greedy, q_learning))

# %% [markdown]
# :::{solution-start} ex-q-write
# :class: dropdown
# :::


# %%
def epsilon_greedy(values, epsilon, rng):
    """Return a random action with probability epsilon, otherwise the best one."""
    if rng.random() < epsilon:
        return rng.integers(len(values))
    return values.argmax()


def q_learning(episodes, epsilon, rng, weeks=3):
    """Learn Q[week, state, action] by playing."""
    Q = np.zeros((weeks + 1, *r.shape))  # Q[weeks] stays 0: the episode is over
    tries = np.zeros(Q.shape)
    for _ in range(episodes):
        state = NEW
        for week in range(weeks):
            action = epsilon_greedy(Q[week, state], epsilon, rng)
            reward = r[state, action]
            next_state = rng.choice(3, p=P[state, action])
            here = week, state, action
            alpha = 1 / (1 + 0.1 * tries[here])  # falls with the number of tries
            target = reward + Q[week + 1, next_state].max()
            Q[here] += alpha * (target - Q[here])
            tries[here] += 1
            state = next_state
    return Q


print(check(epsilon_greedy, q_learning))

# %% [markdown]
# :::{solution-end}
# :::
#
# Your agent comes within a few dollars of what backward induction computed, and it never looked at a probability. The package's
# `train_q_learning` is the same loop with two differences: it is compiled, which makes it much faster, and its table grows by a row
# whenever a new state is met. We train one table with the settings of {numref}`fig-q-climb` ($\varepsilon = 0.3$ and $\alpha = 1 / (1 + 0.3 \, n)$ after $n$ tries) and
# look at its row for the first week.

# %%
table = train_q_learning(world, FALLING, episodes=30_000, seed=0)
print(f"{table.about['steps']:,} weeks, {len(table.q)} states met")

customer = world.start(np.array([0]))
place = (0, 0, customer.milestones[0], 0, NO_CHANNEL, FRESH)
row = {
    "learned": table.q_values(customer, world)[0],
    "exact": optimal(world.population, world.params).q[place],
    "tries": table.tries[table.find(customer, world)][0],
}
pd.DataFrame(row, [action.name.lower() for action in Action]).round().astype(int)

# %% tags=["remove-cell"]
learned, exact, tries = row.values()
assert learned.argmax() == exact.argmax() == tries.argmax() == Action.MANAGER
error = np.abs(learned - exact)
assert error[Action.MANAGER] == error.min() and error[Action.WAIT] == error.max()
close = f"{np.ceil(100 * error[Action.MANAGER] / exact[Action.MANAGER]):.0f}%"
glue("q-row-error", close, display=False)

# %% [markdown]
# The highest number is the manager's, as it should be, and it is within {glue:text}`q-row-error` of the exact one: most episodes began with it. Waiting is farthest off: its number also needs good numbers in the rows that it leads to, where the agent hardly goes. **A Q-table is accurate where its agent goes.** That is enough to act well, provided that the agent has tried everything often enough.
#
# ## How much to explore, and how fast to learn
#
# :::{admonition} Predict
# :class: predict
# Which $\varepsilon$ gives the best table after 30,000 episodes: 0, 0.1, 0.3 or 1? We always judge the *greedy* policy of
# the finished table, so exploring costs no money.
# :::

# %% mystnb={"figure": {"caption": "What tables of three seeds are worth after 30,000 episodes with the customer of the first section. Above: by exploration, with the falling learning rate 1 / (1 + 0.3 n) after n tries. Below: by learning rate, with an exploration of 0.3.", "name": "fig-q-settings"}, "image": {"alt": "Two charts. Above, the share of the attainable gain is an arch: close to 0 without exploration, highest at an exploration of 0.3, at about a half when every action is random. Below, constant learning rates get less than the falling one: 0.5 and 0.01 the least, 0.1 most."}} tags=["hide-input"]
def by_setting(settings: dict[str, Hyperparameters]) -> pd.DataFrame:
    """Return shares of the attainable gain: a row per setting, a column per seed."""
    return pd.DataFrame({
        seed: {n: learning_curve(world, h, [30_000], seed)[0] for n, h in settings.items()}
        for seed in range(3)
    })  # fmt: skip


epsilons = {
    f"{e:g}": FALLING._replace(epsilon_start=e, epsilon_end=e)
    for e in (0, 0.03, 0.1, 0.3, 0.6, 1)
}
rates = {
    f"{a:g}": FALLING._replace(alpha=a, alpha_decay=0.0) for a in (0.5, 0.1, 0.03, 0.01)
}
explored, learned = by_setting(epsilons), by_setting(rates)
learned.loc["falling"] = explored.loc["0.3"]
plots.share_by_setting({"exploration ε": explored, "learning rate α": learned})
plt.show()

# %% tags=["remove-cell"]
for name, shares in (("epsilon", explored), ("alpha", learned)):
    for value, share in shares.mean(axis=1).items():
        glue(f"q-{name}-{value}", f"{100 * share:.0f}%", display=False)
from crm_rl.data import data_path
from crm_rl.experiments.runner import data_name

# What the text says of these tables holds for the twin; with other customers the numbers change.
TWIN = data_name(data_path()) == "twin"
if TWIN:
    assert explored.mean(axis=1).idxmax() == "0.3" and explored.loc["0"].max() < 0.2
    assert explored.loc["1"].max() < 0.7 < explored.loc["0.3"].min()
    assert learned.mean(axis=1).idxmax() == "falling"
    assert learned.loc["0.1"].min() > learned.loc[["0.5", "0.01"]].max().max()
for name in ("0.3", "1"):
    weeks = train_q_learning(world, epsilons[name], 3_000, seed=0).about["steps"] / 3_000
    glue(f"q-weeks-{name}", f"{weeks:.1f}", display=False)
glue("q-hover", f"{1500 * np.sqrt(0.1 / 1.9):.0f}", display=False)
assert np.isclose(np.sqrt(0.1 * 0.9) * 5000, 1500)

# %% [markdown]
# **Exploration.** Without it ($\varepsilon = 0$) the tables get {glue:text}`q-epsilon-0`: they repeat whatever was lucky first. With
# 0.3 they get {glue:text}`q-epsilon-0.3`. Acting always at random ($\varepsilon = 1$) leaves them at {glue:text}`q-epsilon-1`, although
# Q-learning may learn from any behaviour. A likely reason is *where* the experience comes from: random contacts tire customers, so the first 3,000 episodes last {glue:text}`q-weeks-1` weeks, not {glue:text}`q-weeks-0.3` as with 0.3, and hardly visit the states that a good plan leads to. A common schedule starts at
# 1 and lowers $\varepsilon$ step by step.
#
# **Learning rate.** Q-learning converges to the best values with probability 1 in a finite MDP with bounded rewards, and episodes that always end or $\gamma < 1$ {cite:p}`watkins1992`, if
#
# - every action is tried in every state again and again, and
# - the learning rates fall, but not too fast: $\sum_k \alpha_k = \infty$ and $\sum_k \alpha_k^2 < \infty$ (equation 2.7 in
#   {cite:t}`sutton2018`). One over the number of tries does both.
#
# A constant rate fails the second condition, and the estimate never comes to rest. For a manager who sells for 5,000 dollars one time in ten, at $\alpha = 0.1$,
# the number scatters by {glue:text}`q-hover` dollars ($1{,}500 \sqrt{0.1 / 1.9}$) around its true 480. With 0.5 the tables get {glue:text}`q-alpha-0.5` here. A rate of
# 0.01 scatters little, but it has not arrived yet ({glue:text}`q-alpha-0.01`). A falling rate begins fast and comes to rest
# ({glue:text}`q-alpha-falling`).
#
# ## Where the maximum misleads
#
# The target takes the *highest* number of the next row. If the numbers are noisy, the highest is too high on average, even if each one
# alone is right on average. This is **maximisation bias** {cite:p}`hasselt2010`.
#
# :::{admonition} By hand: the better of two equal emails
# :class: by-hand
#
# Two emails each sell to one customer in a hundred, so each is worth $0.01 \times 5{,}000 = 50$ dollars. Send each once, and take the better result
# as the value of "the best email". It is 5,000 with probability $1 - 0.99^2 = 0.0199$, otherwise 0: on average
# **99.50 dollars**, twice the truth. With six emails it would be $5{,}000 \, (1 - 0.99^6) = 292.60$.
# :::
#
# The rarer the success, the noisier the estimates. We train tables for three customers, once paid as in real life ("sampled": 5,000 dollars or nothing) and
# once paid each week the *chance* of a subscription times its value ("expected": possible only in a simulator). The result is the mean share of the attainable gain that tables of three seeds **earn**, and in brackets what they
# **promise**: their highest number in the first week, on the same scale.

# %% tags=["hide-input"]
def judge(world, episodes: int = 30_000, seeds: int = 3) -> dict:
    """Return what tables earn and promise, in % of the attainable gain, with both kinds of reward."""
    row, (waiting, best) = {}, ends(world)
    for name in ("expected", "sampled"):
        paid = world._replace(params=world.params._replace(expected_reward=name == "expected"))
        tables = [train_q_learning(paid, FALLING, episodes, seed) for seed in range(seeds)]
        promised = [table.q_values(paid.start(np.array([0])), paid).max() for table in tables]
        earned = [exact_values(table, paid)[0] for table in tables]
        means = np.array([np.mean(earned), np.mean(promised)])
        share = 100 * (means - waiting) / (best - waiting)
        row[f"{name} rewards"] = "{:.0f}% ({:.0f}%)".format(*share)
    return row


customers = {
    "inbound, signed up": world,
    "inbound, had a demo": world_of(True, 1 << DEMO, Action.EMAIL),
    "outbound": world_of(False, 0, Action.EMAIL),
}
judged = pd.DataFrame({name: judge(one) for name, one in customers.items()}).T
judged

# %% tags=["remove-cell"]
from crm_rl.planning.exact import evaluate

for name, one in customers.items():
    free = one.params._replace(action_cost=(0.0,) * 6, value=1.0)
    chance = evaluate(optimum(one).plan(one.population), one.population, free)
    chance = chance.at_start(one.population)[0]
    key = "q-chance-" + name.split(", ")[-1].replace(" ", "-")
    glue(key, f"{100 * chance:.1f}%", display=False)
glue("q-rare", f"{round(30_000 * chance, -1):.0f}", display=False)
sampled, expected = (
    judged[f"{kind} rewards"].str.extract(r"(\S+)% \((\S+)%").astype(int)
    for kind in ("sampled", "expected")
)
demo = "inbound, had a demo"
if TWIN:
    assert (expected[1] < expected[0]).all() and sampled.loc["outbound", 1] > 100
    assert sampled.loc["outbound", 0] < 15 < expected.loc["outbound", 0]
    assert sampled.loc[demo, 1] - 20 > sampled.loc[demo, 0] < expected.loc[demo, 0] - 10

# %% [markdown]
# - **Signed up.** Under the best plan {glue:text}`q-chance-signed-up` of these customers subscribe, so rewards are frequent. Sampled or expected makes no
#   difference that we could tell.
# - **Had a demo.** {glue:text}`q-chance-had-a-demo` subscribe. Sampled rewards now cost much of the gain, and the table promises far more than it earns.
# - **Outbound.** {glue:text}`q-chance-outbound` subscribe. Even under the best plan, 30,000 episodes would hold only some {glue:text}`q-rare` subscriptions. The table
#   learns next to nothing from so few, and yet promises more than any plan could earn.
#
# With expected rewards the promise is too low: there is little noise to be misled by, and the numbers are still on their way up from zero.
# Never report the highest Q-value as the expected earnings. Evaluate the policy instead, exactly or on customers who were not used to train it.
#
# ::::{exercise} ★★ The price of sampled rewards
# :label: ex-q-price
#
# How many episodes with sampled rewards does the customer who had a demo need to reach what expected rewards bring in 30,000?
# ::::

# %%
had_demo = customers["inbound, had a demo"]
print(f"30,000: {learning_curve(had_demo, FALLING, [30_000], seed=0)[0]:.2f}")

# %% [markdown]
# :::{solution-start} ex-q-price
# :class: dropdown
# :::
#
# `learning_curve` accepts a list of episodes. This seed needs between two and four times as many:

# %%
expected = had_demo._replace(params=had_demo.params._replace(expected_reward=True))
goal = learning_curve(expected, FALLING, [30_000], seed=0)[0]
shares = learning_curve(had_demo, FALLING, [30_000, 60_000, 120_000], seed=0)
assert shares[1] < goal < shares[2]
print(f"expected: {goal:.2f}; sampled: {shares.round(2)}")

# %% [markdown]
# :::{solution-end}
# :::
#
# :::{admonition} In the published study
# :class: note
#
# {cite:t}`nair2026` trained a table by Q-learning in a replay of recorded customers and reports that **1.80%** of them subscribe, **4.09 times** the
# base rate. In our re-run by the rules of its code, twenty tables get {glue:text}`q-study-table` on average, and random targeting in the same
# replay {glue:text}`q-study-random`: learning does not explain the factor ([chapter 8](08_study.ipynb)).
# :::

# %% tags=["remove-cell"]
from crm_rl.experiments.funnel_study import load_study

runs, _, _ = load_study(data_name(data_path()))
rates = runs[runs["setting"] == "as_coded"].groupby("row")["subscription_rate"].mean()
glue("q-study-table", f"{rates['q_learning']:.2f}%", display=False)
glue("q-study-random", f"{rates['random']:.2f}%", display=False)
assert abs(rates["q_learning"] - rates["random"]) < 0.1

# %% [markdown]
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - Q-learning moves $Q(s, a)$ towards $r + \gamma \max_{a'} Q(s', a')$: the Bellman equation, one sample at a time.
# - It learns about the greedy policy while it follows another one. You can write it in about 30 lines.
# - Too little exploration never finds out; too much spends its experience in the wrong states.
# - A constant learning rate keeps hovering; one that falls with the tries comes to rest.
# - The maximum of noisy estimates is too high. Believe an evaluation, not the table's promise.
# - One customer type already needs {glue:text}`q-states` rows or more. What if there are hundreds? That is [the next chapter](05_state_space_explosion.ipynb).
# :::

# %% tags=["remove-cell"]
glue("q-states", f"{100 * (len(table.q) // 100)}", display=False)

# %% [markdown]
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. Q(s, a) = 2, the reward is 3, the next row is (4, 1, 0), γ = 0.5, α = 0.1. What is the new Q(s, a)?
# :class: quiz
#
# ::::{dropdown} 2.5
# :class-container: wrong
#
# That adds a tenth of the target, without subtracting the old value first.
# ::::
# ::::{dropdown} 5
# :class-container: wrong
#
# This is the target itself, as with a learning rate of 1.
# ::::
# ::::{dropdown} 2.3
# :class-container: right
#
# The target is 3 + 0.5 × 4 = 5, the surprise is 3, and a tenth of it is added.
# ::::
# :::::
#
# :::::{admonition} 2. Why may the agent explore and still learn the best policy's values?
# :class: quiz
#
# ::::{dropdown} The target takes the best next action, not the one taken next.
# :class-container: right
#
# Behaviour decides which entries are updated and how often, not what the update aims at.
# ::::
# ::::{dropdown} Random actions are as often too good as too bad, so their effects cancel out over many episodes.
# :class-container: wrong
#
# They do not cancel: random contacts tire customers. They just do not enter the target.
# ::::
# ::::{dropdown} Exploration stops in the end.
# :class-container: wrong
#
# In {numref}`fig-q-climb` it never stopped.
# ::::
# :::::
#
# :::::{admonition} 3. With α = 0.1 the values scatter between seeds. You train ten times as long. What happens to the scatter?
# :class: quiz
#
# ::::{dropdown} It falls to a tenth.
# :class-container: wrong
#
# Not even a plain average does that, and a constant rate remembers only the last few dozen targets.
# ::::
# ::::{dropdown} It stays as it is.
# :class-container: right
#
# Once settled it depends on α and on the scatter of the targets, not on the number of episodes.
# ::::
# ::::{dropdown} It grows, since errors add up.
# :class-container: wrong
#
# Each update also shrinks the old error, and the two balance.
# ::::
# :::::
#
# :::::{admonition} 4. A trained table's highest first-week value is 900 dollars. A colleague budgets 900 dollars a customer. What do you say?
# :class: quiz
#
# ::::{dropdown} Fine, as Q is the expected return.
# :class-container: wrong
#
# It estimates it, and the maximum of noisy estimates is too high.
# ::::
# ::::{dropdown} Too low, because exploration costs money while training.
# :class-container: wrong
#
# Q estimates the greedy policy, so exploration is not in it.
# ::::
# ::::{dropdown} Evaluate the policy first.
# :class-container: right
#
# In our table with sampled rewards the promise was far above what the policy earns.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} Derive the Q-learning update.
# :class-container: interview in-the-bank
#
# By the Bellman optimality equation, $q_*(s, a)$ is the mean of $r + \gamma \max_{a'} q_*(s', a')$ over what may follow. Replace the mean by one
# sample and $q_*$ by the current table: that is the target. Move the old value a step $\alpha$ towards it. After a terminal state the future is
# zero.
# ::::
# ::::{dropdown} When does tabular Q-learning converge?
# :class-container: interview in-the-bank
#
# In a finite MDP with bounded rewards, and episodes that always end or $\gamma < 1$, if every state and action is tried without end and learning rates have an infinite sum and a finite sum of
# squares {cite:p}`watkins1992`. With a constant rate it does not settle. If the features hide part of the state, the guarantee is lost {cite:p}`singh1994`. In practice
# I check against a case with a known answer, as in {numref}`fig-q-climb`.
# ::::
# ::::{dropdown} How do you choose an exploration schedule?
# :class-container: interview in-the-bank
#
# By tries per state and action, not by a number of episodes that sounds large. Too little gets stuck; random all the time sees the wrong states
# ({numref}`fig-q-settings`). I start high, lower it, and judge the greedy policy apart from the exploring one.
# ::::
# ::::{dropdown} What is maximisation bias, and what helps?
# :class-container: interview in-the-bank
#
# The maximum of noisy estimates is too high on average, and bootstrapping hands the error on from week to week. Rare, large rewards make it worse. More tries
# and a falling learning rate shrink it; double Q-learning chooses with one table and evaluates with another {cite:p}`hasselt2010`.
# ::::
#
# ## Further reading
#
# - {cite:t}`sutton2018`: section 6.5 for Q-learning, 2.5 for learning rates, 6.7 for maximisation bias.
# - {cite:t}`evendar2003`: how the learning rate sets the speed.
