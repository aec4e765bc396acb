# %% [markdown]
# (ch-funnel)=
# # The funnel as an MDP
#
# Email, call, demo, or leave the customer alone: which is best this week? **If we know how customers respond, the question has an exact
# answer**, and a few lines of Python find it. At work you rarely know the funnel that well, and from the [next chapter](04_q_learning.ipynb)
# on an agent has to learn it from experience. The exact answer shows what a good policy must weigh, and it is the yardstick beside every
# learning curve of this book.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to describe a sales funnel by states, actions, rewards and transitions
#   - to work out the value of a state and its best action by hand
#   - to write backward induction, and to solve the full funnel with it
#   - to step through the funnel with Gymnasium
#
# You need
# : Python and NumPy arrays; [the problem](../book/problem.md).
#
# Time
# : 30 minutes to read, 40 seconds to run.
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
# ## What is there to gain?
#
# Our funnel is simulated: a {term}`responsive world`, in which actions cause what happens. What customers do unprompted is fitted
# to the {term}`twin` data; what actions add is an assumption, fixed before any agent was trained. There are
# {glue:text}`funnel-customers` customers, {glue:text}`funnel-inbound` of them {term}`inbound`: they came by themselves. A customer
# stays for up to twelve weeks, and each week the firm takes one of six actions, at a cost. A subscription is worth 5,000 dollars.
#
# (This is the book's own world; results over ten others are marked as such.) Five ways to choose the action, and what each earns:

# %% mystnb={"figure": {"caption": "What five policies earn in twelve weeks, in dollars a customer, and their share of the attainable gain. Exact values, averaged over all customers.", "name": "fig-funnel-values"}, "image": {"alt": "Bar chart of earnings in dollars a customer. Random actions lose 19, waiting earns 11, always email 12, the hand-written rule 16, the best plan 30."}} tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from crm_rl import plots
from crm_rl.agents.planned import PlannedPolicy, best_rule, optimum
from crm_rl.evaluation.gain import exact_values
from crm_rl.planning.exact import always, share_of_gain
from crm_rl.worlds.base import Action
from crm_rl.worlds.registry import worlds

plots.use_style()
world = worlds("smooth")["all"]
policies = {
    "random actions": PlannedPolicy(lambda people: np.full(6, 1 / 6)),
    "waiting": PlannedPolicy(lambda people: always(Action.WAIT)),
    "always email": PlannedPolicy(lambda people: always(Action.EMAIL)),
    "hand-written rule": best_rule(world),
    "best plan": optimum(world),
}
worth = {name: exact_values(policy, world) for name, policy in policies.items()}
ends = worth["waiting"], worth["best plan"]
values = pd.DataFrame({
    "dollars": {name: each.mean() for name, each in worth.items()},
    "share": {name: share_of_gain(each, *ends) for name, each in worth.items()},
})  # fmt: skip
plots.values_of_policies(values, "best plan")
plt.show()

# %% tags=["remove-cell"]
from myst_nb import glue

inbound = world.population.inbound == 1
gain = worth["best plan"] - worth["waiting"]
glue("funnel-customers", f"{len(inbound):,}", display=False)
glue("funnel-inbound", f"{inbound.sum():,}", display=False)
for name, row in values.iterrows():
    key = name.replace(" ", "-")
    glue(f"funnel-{key}", f"{abs(row['dollars']):.2f}", display=False)
    glue(f"funnel-{key}-share", f"{100 * row['share']:.0f}%", display=False)
glue("funnel-gain-inbound", f"{100 * gain[inbound].sum() / gain.sum():.0f}%", display=False)
order = ["random actions", "waiting", "hand-written rule", "best plan"]
assert values.loc[order, "share"].is_monotonic_increasing

# %% [markdown]
# **Waiting** earns {glue:text}`funnel-waiting` dollars a customer, because some people subscribe without being asked. **Random actions**
# lose {glue:text}`funnel-random-actions` dollars: demos and account managers cost more than they bring in. **Always email** is hardly better than
# waiting. The **hand-written rule** is the best of four that a sales team might begin with: an email in weeks 1 and 3, then
# nothing. The **best plan** earns {glue:text}`funnel-best-plan` dollars.
#
# The percentages are {term}`shares of the attainable gain <share of the attainable gain>`: 0% for waiting, 100% for the best plan. Every agent
# of this book gets one.
#
# ## The loop of agent and environment
#
# :::{figure} ../book/_static/agent_and_customer.svg
# :name: fig-funnel-loop
# :alt: The agent, the sales team's policy, sends one of six actions to the environment, one customer for up to twelve weeks. Back come a reward and the next state. Inside the environment the customer goes from new to signed up to subscribed, or is lost on the way.
# :width: 92%
#
# Each week the agent acts and the customer responds.
# :::
#
# The {term}`agent` looks at the customer's {term}`state` and chooses an {term}`action`. The environment answers with
# a {term}`reward` and the next state.
#
# | word | in our funnel |
# |---|---|
# | state $S_t$ | the week $t$; the {term}`milestones <milestone>` reached; contacts in a row ({term}`fatigue`); last week's channel; how fresh the {term}`interest` is; who the customer is |
# | action $A_t$ | email, call, demo, survey, wait or account manager |
# | reward $R_{t+1}$ | 5,000 dollars for a subscription this week, minus the cost of the action |
# | {term}`transition` $p(s' \mid s, a)$ | the probability of each next state |
# | {term}`episode` | twelve weeks with one customer; it ends early with a subscription, or an {term}`opt-out` |
# | {term}`return` $G_t$ | the sum of all rewards still to come |
# | {term}`policy` $\pi$ | a rule that gives the action for each state |
# | {term}`value <value function>` $v_\pi(s)$ | the expected return from state $s$ under policy $\pi$ |
#
# States, actions, rewards and transitions make a **Markov decision process** ({term}`MDP`) {cite:p}`puterman1994`. The {term}`Markov property` is a
# demand on the state: given the state and the action, the past must tell us nothing more about what comes next. That is why fatigue is part of it.
# Otherwise two customers could look the same and respond differently, because one of them has had three emails in a row.
#
# Customers respond by a few rules:
#
# - **Every action has an aim.** Call, demo and survey aim at the milestone of their name, an email at the signup, a manager at the subscription. Each also helps all other events a little.
# - **Order matters.** Before a first call no action makes a demo likelier, and *before the signup none makes a subscription likelier*. Both may still come unprompted.
# - **Channels suit people differently.**
# - **Repetition wears off.** Email and survey are written, call and manager spoken, a demo is shown: last week's channel used again does a fifth of the work, and interest cools in weeks without news.
# - **Contacts in a row tire.** The more, and the worse they suit, the likelier the customer is lost for good.
#
# ## Three states by hand
#
# First a small case on paper: three weeks, three actions, and three states, *new*, *signed up* and *gone* (subscribed or lost).
#
# | state, action | reward | signs up | gone | stays |
# |---|--:|--:|--:|--:|
# | new, wait | 0 | 10% | 0% | 90% |
# | new, email | −0.10 | 40% | 10% | 50% |
# | new, manager | −20 | 20% | 10% | 70% |
# | signed up, wait | 50 | | 1% | 99% |
# | signed up, email | 99.90 | | 12% | 88% |
# | signed up, manager | 480 | | 20% | 80% |
#
# Rewards are expected ones: a manager brings a subscription with a chance of 10%; 10% of 5,000 dollars is 500, and the manager costs 20; an email with 2%, for ten cents; waiting with 1%. Every contact also
# loses 10% of the customers, so after an email 2% + 10% are gone.
#
# :::{admonition} By hand: the value of always waiting
# :class: by-hand
#
# Begin with the last week. A state is worth *this week's reward* plus *what next week's states are worth*, weighted by their
# probabilities.
#
# - **Week 3.** New: $0$. Signed up: $50$. Nothing comes after.
# - **Week 2.** New: $0 + 0.1 \times 50$ ${} + 0.9 \times 0$ $= 5$. Signed up: $50 + 0.99 \times 50$ $= 99.50$.
# - **Week 1.** New: $0 + 0.1 \times 99.50$ ${} + 0.9 \times 5$ $= 14.45$.
# :::
#
# As a formula, with $t$ weeks gone by and $T$ weeks in all ({cite:t}`sutton2018`, equation 4.4), where $r(s, a)$ is the expected reward of the week:
#
# $$
# \begin{aligned}
# v_{\pi,t}(s) &= r(s, a) \\
# & + \sum_{s'} p(s' \mid s, a) \, v_{\pi,t+1}(s') \\
# a &= \pi(s), \quad v_{\pi,T}(s) = 0
# \end{aligned}
# $$ (funnel-policy-value)
#
# :::{admonition} Predict
# :class: predict
# In week 3 an email to a new customer only loses ten cents. Is it worth sending in week 1? By how much?
# :::
#
# For the *best* policy, go backwards in the same way, but work out every action and keep the best.
#
# :::{admonition} By hand: the best plan
# :class: by-hand
#
# **Week 3.** New: wait 0, email −0.10, manager −20. Best: **wait, 0**. Signed up: 50, 99.90 or 480. Best: **manager, 480**.
#
# **Week 2**, new:
#
# - wait: $0 + 0.1 \times 480$ ${} + 0.9 \times 0$ $= 48$
# - **email**: $-0.10 + 0.4 \times 480$ ${} + 0.5 \times 0$ $= \mathbf{191.90}$
# - manager: $-20 + 0.2 \times 480$ ${} + 0.7 \times 0$ $= 76$
#
# **Week 2**, signed up:
#
# - wait: $50 + 0.99 \times 480$ $= 525.20$
# - email: $99.90 + 0.88 \times 480$ $= 522.30$
# - **manager**: $480 + 0.80 \times 480$ $= \mathbf{864}$
#
# **Week 1**, new:
#
# - wait: $0 + 0.1 \times 864$ ${} + 0.9 \times 191.90$ $= 259.11$
# - **email**: $-0.10 + 0.4 \times 864$ ${} + 0.5 \times 191.90$ $= \mathbf{441.45}$
# - manager: $-20 + 0.2 \times 864$ ${} + 0.7 \times 191.90$ $= 287.13$
# :::
#
# The best plan is *email until the signup, then the manager*. It is worth 441.45 dollars, thirty times as much as waiting. The
# first email loses ten cents that week, but it **prepares** a state in which the manager
# can sell.
#
# This is the {term}`Bellman equation` {cite:p}`bellman1957`: the value of an action is its reward plus the value of where it leads,
# and the value of a state is that of its best action.
#
# $$
# \begin{aligned}
# q_t(s, a) &= r(s, a) \\
# & + \sum_{s'} p(s' \mid s, a) \, v_{t+1}(s') \\
# v_t(s) &= \max_a q_t(s, a) \\
# v_T(s) &= 0
# \end{aligned}
# $$ (funnel-bellman)
#
# Going from the last week to the first is called {term}`backward induction`:
#
# :::{prf:algorithm} Backward induction
# :label: alg-backward-induction
#
# 1. Set $v_T(s) = 0$ for every state $s$.
# 2. For each week $t = T - 1, \dots, 0$ and every state $s$:
#    1. compute $q_t(s, a)$ for every action $a$;
#    2. set $v_t(s) = \max_a q_t(s, a)$; the best plan takes an action that attains it.
# :::
#
# ## Backward induction, in your own code
#
# The small funnel as two arrays: `P[s, a, s']` is the probability of each next state, `r[s, a]` the expected reward. NumPy
# confirms the three weeks of waiting:

# %%
NEW, SIGNED_UP, GONE = range(3)
# wait, email and manager; each leads to: new, signed up, gone
from_new = [[0.9, 0.1, 0.0], [0.5, 0.4, 0.1], [0.7, 0.2, 0.1]]
from_signed_up = [[0.0, 0.99, 0.01], [0.0, 0.88, 0.12], [0.0, 0.8, 0.2]]
from_gone = [[0.0, 0.0, 1.0]] * 3  # nobody comes back
P = np.array([from_new, from_signed_up, from_gone])
r = np.array([[0, -0.1, -20], [50, 99.9, 480], [0, 0, 0]])

v = np.zeros(3)
for week in (3, 2, 1):
    v = r[:, 0] + P[:, 0] @ v  # action 0 is waiting
    print(f"week {week}: new {v[NEW]:.2f}, signed up {v[SIGNED_UP]:.2f}")

# %% [markdown]
# ::::{exercise} ★★ Write backward induction
# :label: ex-funnel-backward
#
# Turn {eq}`funnel-bellman` into code. The function below runs, but has two faults; `check` gives you a hint.
# ::::


# %% tags=["remove-cell"]
def check(solve) -> str:
    """Compare a backward induction with the numbers worked out by hand, and hint at what differs."""
    v, plan = solve(P, r, 3)
    if v.shape != (4, 3) or plan.shape != (3, 3):
        return f"v has shape {v.shape}, plan {plan.shape}; (4, 3) and (3, 3) are needed."
    if v[3].any():
        return "v[3] is not 0. After the last week nothing is earned."
    got = f"A new customer in week 1: {v[0, NEW]:.2f}; by hand it is 441.45.\n"
    if np.isclose(v[0, NEW], 441.45):
        right = plan[:, NEW].tolist() == [1, 1, 0] and (plan[:, SIGNED_UP] == 2).all()
        return "Right: the values" + (" and the plan." if right else ", but not the plan.")
    if np.isclose(v[0, NEW], 0):
        return got + "Your q has this week's reward only, or v[t + 1] is not filled in yet."
    if np.isclose(v[0, NEW], 14.45):
        return got + "That is the value of waiting: take the best action, not the first."
    return got + "Is q the reward plus P @ v[t + 1], and v[t] its maximum over actions?"


def forgets(P, r, weeks):
    v = np.zeros((weeks + 1, len(r)))
    for t in range(weeks):
        v[t] = (r + P @ v[t + 1]).max(axis=1)
    return v, np.zeros((weeks, len(r)), dtype=int)


assert "filled in" in check(forgets)


# %%
def backward_induction(P, r, weeks):
    """The best values v[t, s] and actions plan[t, s], t weeks gone by."""
    v = np.zeros((weeks + 1, len(r)))  # v[weeks] stays 0: the episode is over
    plan = np.zeros((weeks, len(r)), dtype=int)
    for t in range(weeks):  # your turn: is this the right order?
        q = r  # your turn: what is missing?
        plan[t] = q.argmax(axis=1)
        v[t] = q.max(axis=1)
    return v, plan


print(check(backward_induction))

# %% [markdown]
# :::{solution-start} ex-funnel-backward
# :class: dropdown
# :::
#
# Go backwards, so that `v[t + 1]` is known when it is needed, and add `P @ v[t + 1]`.


# %%
def backward_induction(P, r, weeks):
    """The best values v[t, s] and actions plan[t, s], t weeks gone by."""
    v = np.zeros((weeks + 1, len(r)))  # v[weeks] stays 0: the episode is over
    plan = np.zeros((weeks, len(r)), dtype=int)
    for t in reversed(range(weeks)):
        q = r + P @ v[t + 1]
        plan[t] = q.argmax(axis=1)
        v[t] = q.max(axis=1)
    return v, plan


print(check(backward_induction))

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} ★ Look one week ahead
# :label: ex-funnel-myopic
#
# A team always takes the action with the highest reward *of this week*. What does it do in each state, and what is a new
# customer worth to it in week 1? Work it out on paper.
# ::::
#
# :::{solution-start} ex-funnel-myopic
# :class: dropdown
# :::
#
# It waits with new customers (0 is more than −0.10) and gives those who signed up a manager (480). So a new customer is
# worth 0 in week 3, $0.1 \times 480$ $= 48$ in week 2, and $0.1 \times 864$ ${} + 0.9 \times 48$ $= 129.60$ in week 1: less than a
# third of what is possible.

# %% tags=["remove-cell"]
myopic, states = r.argmax(axis=1), np.arange(3)
v = np.zeros(3)
for _ in range(3):
    v = r[states, myopic] + P[states, myopic] @ v
assert np.isclose(v[NEW], 129.60)

# %% [markdown]
# :::{solution-end}
# :::
#
# ## The full funnel, solved
#
# Your function solves any MDP that comes as two arrays. For one customer and week that is $2^5 \times 3 \times 4 \times 3 = 1{,}152$ combinations of five milestones, fatigue,
# channel and interest, and one state for "gone". Our customer is inbound, has had a demo, and is best reached by email:

# %%
from crm_rl.planning.model import as_arrays
from crm_rl.worlds.responsive import DEMO, FRESH, NO_CHANNEL, situation

people, params = world.population, world.params  # customers; the rules' numbers
had_demo = np.flatnonzero(inbound & (people.start == 1 << DEMO))
who = had_demo[people.affinity[had_demo, Action.EMAIL].argmax()]
P_full, r_full = as_arrays(who, people, params)

v, plan = backward_induction(P_full, r_full, params.weeks)
start = situation(people.start[who], 0, NO_CHANNEL, FRESH)
print(f"{len(r_full):,} states; in dollars, this customer is worth")
print(f"by your function: {v[0, start]:.2f}")
print(f"by the package:   {worth['best plan'][who]:.2f}")
print(f"if we wait:       {worth['waiting'][who]:.2f}")

# %% [markdown]
# Your function agrees with the package. The two terms of {eq}`funnel-bellman`
# for the first week:

# %%
first_week = pd.DataFrame(
    {"this week": r_full[start], "later": P_full[start] @ v[1]},
    index=[action.name.lower() for action in Action],
)
first_week["together"] = first_week.sum(axis=1)
first_week.sort_values("together", ascending=False).round(2)

# %% tags=["remove-cell"]
together = first_week["together"]
assert together.idxmax() == "email" and first_week["this week"].idxmax() == "wait"
assert np.isclose(v[0, start], worth["best plan"][who])
from crm_rl.worlds.responsive import SIGNUP

signed_up = situation(people.start[who] | 1 << SIGNUP, 0, NO_CHANNEL, FRESH)
glue("funnel-first-email", f"{together['email'] - together['wait']:.0f}", display=False)
glue("funnel-before-signup", f"{v[0, start]:,.0f}", display=False)
glue("funnel-after-signup", f"{v[0, signed_up]:,.0f}", display=False)
glue("funnel-states", f"{params.weeks * (len(r_full) - 1):,}", display=False)
assert params.repeated == 0.2 and params.value == 5000 and params.needs[-1] == 1 << SIGNUP

# %% [markdown]
# No action earns more than waiting *this week*, because before the signup nothing that we do can sell. The email wins by
# {glue:text}`funnel-first-email` dollars on what comes *later*: it makes a signup likelier, and a signup takes the value of this customer from
# {glue:text}`funnel-before-signup` to {glue:text}`funnel-after-signup` dollars.
#
# ## The same funnel behind Gymnasium's interface
#
# The planner needs the probabilities. A learner only gets to *play*: it sees an {term}`observation`, acts, and is paid.
# Most libraries expect [Gymnasium](https://gymnasium.farama.org)'s interface for that {cite:p}`towers2024`. Your plan plays an episode with the same customer:

# %%
import gymnasium

env = gymnasium.make(
    "crm_rl.worlds.gym_envs:crm_rl/Funnel-v0", setting="smooth", part="all"
)
observation, info = env.reset(seed=1, options={"customer": who})
week, ended = 0, False
while not ended:
    before = [info[x] for x in ("milestones", "fatigue", "channel", "interest")]
    action = Action(plan[week, situation(*before)])
    observation, reward, terminated, truncated, info = env.step(action)
    week, ended = week + 1, terminated or truncated
    news = ", a milestone" if info["milestones"] != before[0] else ""
    print(f"week {week}: {action.name.lower():5s} {reward:+.2f}{news}")
print(f"agent saw {len(observation)} numbers; subscribed: {info['subscribed']}")

# %% [markdown]
# This episode went well; in most the customer does not subscribe. `terminated` says that the episode is over, by a subscription, by an
# opt-out or after twelve weeks. `truncated` would mean that *we* stopped looking, which never happens here.
# These 15 numbers, unlike those of chapter 1, say how the episode stands, whether the customer is inbound, and how country and bootcamp rank by subscription rate.
# From these two an agent has to learn which channels suit. Where they do not tell, the MDP is *partially observed* {cite:p}`kaelbling1998`.
#
# ## What the best plan does
#
# Here is the plan for three customers, each best reached in another way:

# %% mystnb={"figure": {"caption": "The best plan for three inbound customers who have had a demo, as long as nothing happens. White is waiting.", "name": "fig-funnel-plan"}, "image": {"alt": "Grid of twelve weeks for three customers in two situations. The plan contacts the email and manager customers every other week and alternates email and demo where both suit. Before the signup the manager stops after week 7; after it, contacts go on to week 12."}} tags=["hide-input"]
from crm_rl.planning.exact import optimal, without_news
from crm_rl.worlds.responsive import SIGNUP, subset

affinity = people.affinity[had_demo]
both = np.minimum(affinity[:, Action.EMAIL], affinity[:, Action.DEMO])
shown = {
    "email suits": who,
    "email and demo suit": had_demo[both.argmax()],
    "manager suits": had_demo[affinity[:, Action.MANAGER].argmax()],
}
q = optimal(subset(people, list(shown.values())), params).q
weeks = range(1, params.weeks + 1)
situations = {"not signed up yet": 0, "signed up": 1 << SIGNUP}
plans = {
    title: pd.DataFrame(
        [without_news(each, 1 << DEMO | more) for each in q], list(shown), weeks
    )
    for title, more in situations.items()
}
plots.plans_by_week(plans)
plt.show()

# %% tags=["remove-cell"]
for name, action in (("manager suits", Action.MANAGER), ("email suits", Action.EMAIL)):
    contacts = np.flatnonzero(plans["not signed up yet"].loc[name] == action)
    glue(f"funnel-{action.name.lower()}-stops", str(contacts[-1] + 1), display=False)
    assert np.diff(contacts).mean() > 1.5  # with weeks of rest

# %% [markdown]
# {numref}`fig-funnel-plan` shows four habits that nobody programmed.
#
# 1. **Use the channel that suits.** Each customer gets the one or two channels that reach them.
# 2. **Let it rest.** The same channel twice in a row does little, so the plan mostly rests or alternates channels.
# 3. **Prepare.** Before the signup no contact can sell anything. The plan makes contact anyway, even by a manager at 20 dollars.
# 4. **Stop in time.** Before the signup, the manager's visits end after week {glue:text}`funnel-manager-stops`: too few weeks are left
#    for 20 dollars to pay off. An email costs ten cents and is still worth sending in week {glue:text}`funnel-email-stops`.
#
# The gain is not spread evenly: {glue:text}`funnel-gain-inbound` of it comes from the inbound customers, who are few but interested.
#
# ::::{exercise} ★★★ Take a rule away
# :label: ex-funnel-rules
#
# Each rule has its numbers in `params`; print them, and change one with `params._replace`. Which (`repeated`, `opt_out`, `interest` or `unready`) matters most to the customer who is best reached by email? Switch the rules off one at a time. How far does the value
# rise, and does the plan still rest after an email?
# ::::

# %%
easier = {"all rules": {}, "repetition does not wear off": {"repeated": 1.0}}
for name, change in easier.items():
    P_now, r_now = as_arrays(who, people, params._replace(**change))
    v, plan = backward_induction(P_now, r_now, params.weeks)
    print(f"{name}: {v[0, start]:,.0f} dollars")

# %% [markdown]
# :::{solution-start} ex-funnel-rules
# :class: dropdown
# :::
#
# Repetition matters most: without it, the plan sends an email every week. Without opt-outs it
# fills the week after an email with a demo instead of resting. Order hardly matters *for this customer*, who is so
# unlikely to subscribe before the signup.

# %%
easier |= {
    "contacts never lose a customer": {"opt_out": (0.0, 0.0, 0.0)},
    "interest does not cool": {"interest": (1.0, 1.0, 1.0)},
    "order does not matter": {"unready": 1.0},
}
emailed = situation(people.start[who], 1, 1, 1)  # an email last week, and no news
for name, change in easier.items():
    P_now, r_now = as_arrays(who, people, params._replace(**change))
    v, plan = backward_induction(P_now, r_now, params.weeks)
    then = Action(plan[1, emailed]).name.lower()
    print(f"{name}: {v[0, start]:,.0f} dollars; after an email: {then}")

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - An MDP is states, actions, rewards and transitions. Whatever changes what comes next belongs to the state.
# - Bellman: the value of an action is its reward plus the value of where it leads; the value of a state is that of its best action.
# - Where the world is known, backward induction finds the best plan exactly. You can write it in eight lines.
# - A good plan pays now for a better state later, and stops when too little time is left.
# - We judge every agent by its share of the attainable gain: 0% for waiting, 100% for the best plan.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. Why does the last week come first in backward induction?
# :class: quiz
#
# ::::{dropdown} Because most subscriptions happen late in an episode, so most of the value is there.
# :class-container: wrong
#
# When they happen does not matter, only what each value is computed from.
# ::::
# ::::{dropdown} Because a value needs those of next week, and after the last week they are zero.
# :class-container: right
#
# $q_t$ in {eq}`funnel-bellman` contains $v_{t+1}$, and $v_T = 0$ is where we can begin.
# ::::
# ::::{dropdown} It need not. Going forwards gives the same values, only more slowly.
# :class-container: wrong
#
# Going forwards, `v[t + 1]` is still zero when it is needed: one of the two faults in the exercise.
# ::::
# :::::
#
# :::::{admonition} 2. We drop fatigue from the state, and customers still tire. What breaks?
# :class: quiz
#
# ::::{dropdown} Nothing, as long as the average response stays the same.
# :class-container: wrong
#
# An average over rested and tired customers is right for neither.
# ::::
# ::::{dropdown} The rewards: a contact must cost more.
# :class-container: wrong
#
# A cost does not tell a tired customer from a rested one.
# ::::
# ::::{dropdown} The Markov property: the state is no longer enough.
# :class-container: right
#
# The past would tell more about next week than the state does, and no policy could know when to rest.
# ::::
# :::::
#
# :::::{admonition} 3. A policy has a share of the attainable gain of −20%. What does this mean?
# :class: quiz
#
# ::::{dropdown} It earns less than if the firm did nothing.
# :class-container: right
#
# Waiting is 0%. Below it, the actions cost or drive away more than they bring in, as random actions do in {numref}`fig-funnel-values`.
# ::::
# ::::{dropdown} It earns 20% less than the best plan.
# :class-container: wrong
#
# The share compares gains over waiting, not earnings.
# ::::
# ::::{dropdown} It loses money with every customer.
# :class-container: wrong
#
# It may earn money, only less than waiting does.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} Formulate next-best-action in a CRM as an MDP.
# :class-container: interview
#
# State: milestones, recent contacts, time left, and what we know about the customer. Actions: the channels, and doing nothing. Reward: the
# value of a subscription minus the cost of the action. Transitions: the chances of milestones, a subscription and an opt-out, given state and action.
# Transitions have to come from
# experiments, because a log shows only what the old policy tried.
# ::::
# ::::{dropdown} State the Bellman optimality equation, and explain it to a colleague in sales.
# :class-container: interview
#
# $v(s) = \max_a \, [\, r(s, a) + \sum_{s'} p(s' \mid s, a)\, v(s') \,]$. In words: a contact is worth what it earns now plus what the customer is worth
# afterwards, so make that total largest. An email that sells nothing can be the best action, because of the signup it prepares: in our small
# funnel it turns 259 dollars into 441.
# ::::
# ::::{dropdown} When would you plan, when would you learn, and when is a bandit enough?
# :class-container: interview
#
# With known transitions and few states I plan: backward induction is exact. With unknown
# transitions I learn, or fit a model and plan in it. A contextual bandit is enough where today's action does not change what is possible tomorrow.
# Our funnel is different: in the small case, a team that looks one week ahead earns less than a third of the optimum.
# ::::
#
# ## Further reading
#
# - {cite:t}`sutton2018`, chapters 3 and 4: MDPs, values, and dynamic programming.
# - {cite:t}`puterman1994`, chapter 4: backward induction and why it is optimal, with proofs.
