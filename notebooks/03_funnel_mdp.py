# %% [markdown]
# (ch-funnel)=
# # The funnel as an MDP
#
# We turn "whom do we write to, call, or leave alone" into a problem that an algorithm can work on: states, actions, rewards, and
# rules that say what follows what. Then we ask what in these rules an agent can change at all.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to trace an episode by hand, with its rewards and its discounted return
#   - the words of the field: state, observation, action, reward, transition, return, policy, value, MDP
#   - what the Markov property asks, and where our 15 features fall short of it
#   - what batch-level balancing does to the episodes, computed by hand and then drawn
#
# You need
# : [Data processing](01_data_processing.ipynb); [the notation page](../book/notation.md) to look things up.
#
# Time
# : 45 minutes to read, 20 seconds to run.
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
# Three customers of this chapter, Ada, Ben and Cleo, are invented. All others are those of the {term}`twin`, the synthetic export that
# comes with the book, unless you have set `CRM_RL_DATA` to the original file. The twin keeps exactly how many customers there are,
# which milestones they reached, and how many subscribed in each part of the published split; most other counts and the rewards
# that rest on them come out a little different.
#
# ## Ten steps with Ada
#
# Ada is invented. Her row in the {term}`CRM` says that she had a first call and filled in the survey; she never subscribed.
# {term}`The study` {cite:p}`nair2026` makes a game of such rows. The {term}`agent` is given a customer and chooses one of six
# {term}`actions <action>` at each step, ten times at most. It earns points by these rules, which we call `described`, because they
# are what the study's text says:
#
# - every action costs 1 point;
# - a call earns 15 if the record has a first call, a demo 10 if it has a demo, a survey 5 if it has a survey, each **once** an
#   episode;
# - a subscription earns 100 and ends the {term}`episode`. The first action brings it, if the record has one.
#
# A reward that comes later counts less: one step later, 0.95 times as much. That factor is the {term}`discount`, $\gamma$.
#
# :::{admonition} By hand: Ada's episode
# :class: by-hand
#
# Somebody writes to her, calls twice, sends the survey, offers a demo, and then waits.
#
# | step | action | reward | because | weight | adds |
# |--:|---|--:|---|--:|--:|
# | 0 | email | −1 | cost | 1 | −1.000 |
# | 1 | call | +14 | on record | 0.95 | +13.300 |
# | 2 | call | −1 | paid once | 0.9025 | −0.902 |
# | 3 | survey | +4 | on record | 0.8574 | +3.430 |
# | 4 | demo | −1 | no demo | 0.8145 | −0.815 |
# | 5 to 9 | wait | −1 each | cost | from 0.7738 | −3.501 |
# | | sum | +10 | | | **+10.512** |
#
# The weight of step $t$ is $0.95^t$. The five waits add $-(0.95^5 + \dots + 0.95^9) = -3.501$.
#
# After the tenth step the game is stopped, though nothing has happened to Ada. The last column's sum is the {term}`return`: what
# this episode was worth, seen from its first step.
# :::
#
# Ben is invented too. His record has a subscription. The agent waits: −1 + 100 = +99, and the episode is over.
#
# :::{admonition} Predict
# :class: predict
# What would the agent have had to do, for Ben *not* to subscribe? And for Ada to subscribe?
# :::
#
# We write both customers down as the package holds them, arrays with one row each, and let its rules replay our two episodes. One
# column more will appear, the **stage**: a number from 0 to 6 in the record that says how far a customer has come. A call that finds
# its milestone lifts it to 1, a survey to 3; the rest is told in "Two settings of one game".

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from myst_nb import glue

from crm_rl import plots
from crm_rl.worlds.base import Action
from crm_rl.worlds.replay import Population, start, step
from crm_rl.worlds.replay_settings import DESCRIBED, Rules

plots.use_style()
pd.set_option("display.max_columns", 20, "display.max_colwidth", None)
GAMMA = 0.95

invented = Population(
    features=np.zeros((2, 15), dtype=np.float32),
    reached=np.array([[1, 0, 1, 0, 0], [0, 0, 0, 0, 0]], dtype=bool),  # Ada: call, survey
    subscribed=np.array([False, True]),  # Ben
    stage=np.array([0, 0]),
    stage_unit=1 / 6,  # stages 0 to 6 are shown to the agent as 0 to 1
)
ADA, BEN = 0, 1


def walk(customer: int, plan: list[Action], population: Population, rules: Rules):
    """Follow a plan until the episode ends; one row a step."""
    state, rows = start(customer, population, rules), []
    for action in plan:
        outcome = step(state, action, population, rules)
        state = outcome.state
        end = "terminated" * outcome.terminated + "truncated" * outcome.truncated
        rows.append((action.name.lower(), outcome.reward, state.stage, end))
        if end:
            break
    return pd.DataFrame(rows, columns=["action", "reward", "stage", "end"])


EMAIL, CALL, DEMO, SURVEY, WAIT, MANAGER = Action
ada = walk(ADA, [EMAIL, CALL, CALL, SURVEY, DEMO] + [WAIT] * 5, invented, DESCRIBED)
ada["weight"] = GAMMA**ada.index
ada["adds"] = ada["reward"] * ada["weight"]
ada.rename_axis("t").round(4)

# %%
ada_return = ada["adds"].sum()
assert round(ada_return, 3) == 10.512 and ada["reward"].sum() == 10
print(f"Ada's return: {ada_return:.3f}")
walk(BEN, [WAIT], invented, DESCRIBED)

# %% [markdown]
# The two ends have two names, and the difference matters in the next chapter. Ben's episode is **terminated**: nothing can come
# after a subscription. Ada's is **truncated**: we stopped looking.
#
# And the question? Try all six actions on Ben, and 1,000 random episodes on Ada:

# %%
ben = {action.name.lower(): walk(BEN, [action], invented, DESCRIBED) for action in Action}
assert all(episode["end"].iloc[-1] == "terminated" for episode in ben.values())

rng = np.random.default_rng(0)
ada_subscribed = 0
for _ in range(1000):
    state = start(ADA, invented, DESCRIBED)
    for action in rng.integers(len(Action), size=10):
        outcome = step(state, action, invented, DESCRIBED)
        state = outcome.state
        ada_subscribed += outcome.subscribed
assert ada_subscribed == 0
print("actions after which Ben subscribes:", ", ".join(ben))
print(f"episodes in which Ada subscribes: {ada_subscribed} of 1,000")

# %% [markdown]
# Nothing the agent does makes Ada subscribe, and nothing keeps Ben from it. That is what we mean by {term}`replay world`: the
# record decides the outcome, and the actions decide which points are collected on the way. Keep it in mind; we shall see it again
# with real numbers.
#
# ## The words
#
# | word | what it is | in Ada's episode |
# |---|---|---|
# | {term}`state`, $S_t$ | all that is needed to say how things go on | her record, her stage, what has been paid, how many steps are left |
# | {term}`observation`, $O_t$ | what the agent sees of it | the 15 numbers of [chapter 1](01_data_processing.ipynb) |
# | action, $A_t$ | what the agent chooses | email, call, demo, survey, wait, account manager |
# | {term}`reward`, $R_{t+1}$ | one number, right after the action | −1, +14, −1, +4, ... |
# | {term}`transition` | how one state leads to the next | after the call: stage 1, call paid |
# | episode | from a start to an end | ten steps with one customer |
# | return, $G_t$ | the discounted sum of what is still to come | $G_0 = 10.512$ |
# | {term}`policy`, $\pi$ | a rule that says which action to choose when | "email, call, call, survey, demo, then wait" |
# | {term}`value <value function>`, $v_\pi(s)$ | the return to be expected from a state under a policy | that of "always wait", below |
#
# Now in symbols. The return from step $t$ on, in an episode whose last reward is $R_T$ ({cite:t}`sutton2018`, equation 3.11) is
#
# $$
# \begin{aligned}
# G_t = R_{t+1} &+ \gamma R_{t+2} + \gamma^2 R_{t+3} \\
# &+ \dots + \gamma^{T-t-1} R_T ,
# \end{aligned}
# $$ (funnel-return)
#
# and if we take $\gamma$ out of all terms but the first, the rest is the return of the next step (their 3.9):
#
# $$
# G_t = R_{t+1} + \gamma\, G_{t+1} .
# $$ (funnel-recursion)
#
# Everything in the chapters to come rests on this small step: *what a situation is worth* is *what I get now* plus *what the next
# situation is worth*. It also lets us compute a return from behind, without powers of 0.95:

# %%
backwards = 0.0
for reward in reversed(ada["reward"]):
    backwards = reward + GAMMA * backwards
assert np.isclose(backwards, ada_return)
print(f"from behind: {backwards:.3f}")

# %% [markdown]
# A value is an average of returns: over what the policy may choose, over what the world may do, and here above all over *who it
# is*. If half of the customers are like Ada and half like Ben, and the policy is to wait, always:
#
# :::{admonition} By hand: the value of "always wait"
# :class: by-hand
#
# - With Ada, ten times −1, discounted: $-(1 + 0.95 + \dots + 0.95^9)$ $= -(1 - 0.95^{10}) / 0.05$ $= -8.025.$
# - With Ben: 99, and the end.
# - Not knowing which of the two: $\tfrac{1}{2} (-8.025) + \tfrac{1}{2} (99)$ $= 45.487.$
# :::

# %%
always_wait = [
    (walk(who, [WAIT] * 10, invented, DESCRIBED)["reward"] * GAMMA ** np.arange(n)).sum()
    for who, n in ((ADA, 10), (BEN, 1))
]
assert np.allclose(np.round([*always_wait, np.mean(always_wait)], 3), [-8.025, 99, 45.487])
print(
    f"Ada {always_wait[0]:.3f}, Ben {always_wait[1]:.3f}, mean {np.mean(always_wait):.3f}"
)

# %% [markdown]
# Ada's −8.025 answers one of two questions, and they must be kept apart:
#
# - *What do ten steps bring?* Then the tenth step is the end, and how many steps are left belongs to the state, as in the table of
#   words. That is −8.025.
# - *What would waiting bring if nobody stopped the game?* Then the cut is only the end of our looking, and the steps left do not
#   matter. The sum has no last term: $-(1 + 0.95 + 0.95^2 + \dots)$ $= -1 / 0.05$ $= -20.$
#
# These are two MDPs with the same rewards. The study's agent does not see the steps left, so its learners, from the next chapter on,
# aim at the second. What a policy *earned* we shall measure over the ten steps that were played.
#
# ## The tuple
#
# A **Markov decision process**, {term}`MDP`, is a tuple $(\mathcal{S}, \mathcal{A}, p, \gamma)$: states, actions, a discount, and
# a function that gives the probability of each next state and reward ({cite:t}`sutton2018`, equation 3.2):
#
# $$
# \begin{aligned}
# & p(s', r \mid s, a) \\
# & \quad = \Pr\{ S_{t+1} = s', R_{t+1} = r \\
# & \qquad\quad \mid S_t = s, A_t = a \} .
# \end{aligned}
# $$ (funnel-dynamics)
#
# The bar is the point. To the right of it stand the present state and action **and nothing else**: how we came here adds nothing
# to what the state says already. This is the {term}`Markov property`. It is a demand on what we call "state", not on the world: put
# enough into the state, and any process has it.
#
# In our world $p$ is simple. Given the full state, one thing follows with probability 1. All chance is in the start: which
# customer the episode is about.
#
# ## What the agent does not see
#
# The agent does not see the full state. Meet Cleo: a call on record, like Ada, and a note in the row, "interested", which the study
# codes as stage 3. A call that succeeds lifts the stage, but only to 1, and she is beyond that. We call her twice, and look at the
# 15 numbers before each call.

# %%
from crm_rl.worlds.replay import observe

with_cleo = Population(
    features=np.zeros((1, 15), dtype=np.float32),
    reached=np.array([[1, 0, 0, 0, 0]], dtype=bool),
    subscribed=np.array([False]),
    stage=np.array([3]),
    stage_unit=1 / 6,
)
with_cleo.features[0, 7] = 1  # Had_First_Call

before, after = np.empty(15, dtype=np.float32), np.empty(15, dtype=np.float32)
state = start(0, with_cleo, DESCRIBED)
observe(state, with_cleo, DESCRIBED, before)
first = step(state, CALL, with_cleo, DESCRIBED)
observe(first.state, with_cleo, DESCRIBED, after)
second = step(first.state, CALL, with_cleo, DESCRIBED)

assert np.array_equal(before, after) and first.reward != second.reward
print("the same 15 numbers before both calls:", np.array_equal(before, after))
print(f"first call: {first.reward:+.0f}    second call: {second.reward:+.0f}")
print(f"hidden: paid = {state.paid} before the first, {first.state.paid} before the second")

# %% [markdown]
# One observation, one action, two rewards, and the first of them for certain if only we knew which call it is. So the observation
# does not have the Markov property. Hidden are
#
# - which milestones have been paid (the stage shows it for customers who start low and collect in ascending order, as Ada did; not
#   for Cleo, nor for Ada had the survey come before the call);
# - how many steps are left;
# - the record of the subscription, unless some feature gives it away.
#
# Such a problem is a *partially observed* MDP, a POMDP {cite:p}`kaelbling1998`. To treat the observation as if it were the state, as
# the study does and we shall, is common and often good enough; but the theorems of the next chapter are about states. How many
# customers are like Cleo, and does a feature give the subscription away? We count in the training part of the published split.

# %%
from crm_rl.data import clean, data_path, load
from crm_rl.worlds.replay_world import replay_worlds

customers, _ = clean(load(data_path()))
worlds = replay_worlds(customers, "described")
population = worlds["train"].population
called, stage, subscribed = (
    population.reached[:, 0],
    population.stage,
    population.subscribed,
)
like_cleo = called & (stage >= 1) & ~subscribed
told = subscribed & (stage == 6)
assert like_cleo.sum() > 0 and told.sum() >= 0.9 * subscribed.sum()
survey_first = walk(ADA, [SURVEY, CALL], invented, DESCRIBED)
assert survey_first["stage"].tolist() == [3, 3]
assert survey_first["reward"].tolist() == [4, 14]
print(f"train: {len(stage):,} customers, {called.sum()} with a first call on record")
print(f"  like Cleo (the first call, if paid, leaves no trace): {like_cleo.sum()}")
print(f"  subscribers: {subscribed.sum()}, of them at stage 6 already: {told.sum()}")

# %% [markdown]
# That counts those who *start* like Cleo. Whoever collects a survey before a call comes to the same point, so there are at least so many.
#
# Stage 6 means "subscribed already". Chapter 1 took it out of the sound features for that reason; the study kept it, and this part
# of the book tells the study. So here the hidden outcome is hardly hidden, which makes the table's work *easier* than it would be on
# the day of the decision.
#
# ## Two settings of one game
#
# The study's text and its code disagree, in the rewards and elsewhere. We keep both, as two settings: `described` and `as_coded`. The
# rules are the same functions with other constants; what an action costs, and what it earns if the record has its milestone, is the
# first difference.

# %%
from crm_rl.worlds.replay import MILESTONE_OF
from crm_rl.worlds.replay_settings import RULES

FIVE = ["call", "demo", "survey", "signup", "manager"]
in_points = {
    (setting, what): [value(RULES[setting, False], action) for action in Action]
    for setting in ("described", "as_coded")
    for what, value in {
        "costs": lambda rules, action: rules.action_cost[action],
        "earns": lambda rules, action: rules.milestone_reward[action],
    }.items()
}
actions = pd.DataFrame(in_points, index=[action.name.lower() for action in Action])
actions.insert(0, ("", "if on record"), [FIVE[m] if m >= 0 else "" for m in MILESTONE_OF])
actions

# %% [markdown]
# As described, doing nothing costs as much as a call. As coded it is free, and an account manager costs 20 for 10. The other rules, in
# words:

# %%
in_words = {
    "a milestone on record pays": lambda r: "once an episode" if r.once else "at each try",
    "the same action twice running costs (waiting: nothing)": lambda r: r.repeat_penalty,
    "the episode is cut off after step": lambda r: r.horizon,
    "being cut off costs": lambda r: r.timeout_penalty,
    "a subscription on record pays": lambda r: r.subscription_reward,
    "and counts": lambda r: "from stage 4 on" if r.needs_stage else "at once",
    "a signup on record pays, at each step from stage 4 on": lambda r: r.signup_reward,
}


def side_by_side(rules_in_words: dict, selection: bool) -> pd.DataFrame:
    """What each rule is in the two settings, read off the constants of the package."""
    columns = {}
    for setting in ("described", "as_coded"):
        values = [value(RULES[setting, selection]) for value in rules_in_words.values()]
        columns[setting] = [v if isinstance(v, str) else f"{v:g}" for v in values]
    return pd.DataFrame(columns, index=pd.Index(rules_in_words, name="rule"))


side_by_side(in_words, selection=False)

# %% [markdown]
# The *stage* begins as the record has it. A call that finds its milestone on the record lifts it to 1, a demo to 2, a survey to 3 and, as
# coded, an account manager to 5; nothing lowers it. (As described a manager earns nothing and lifts nothing.) As described the stage is only
# something to look at. As coded it is a gate: a
# subscription counts from stage 4 on, which takes a record that begins at 6, "subscribed already", or an account manager on record
# **and** an agent that assigns one. So there an action can decide whether a subscription is *counted*, which is not the same
# as whether somebody subscribes.
#
# :::{admonition} By hand: Ada's and Ben's episodes as coded
# :class: by-hand
#
# The same customer and the same ten actions as above:
#
# | step | action | reward | because | weight | adds |
# |--:|---|--:|---|--:|--:|
# | 0 | email | −1 | cost | 1 | −1.000 |
# | 1 | call | −5 + 15 = +10 | on record | 0.95 | +9.500 |
# | 2 | call | −5 + 15 − 5 = +5 | paid again; a repeat | 0.9025 | +4.513 |
# | 3 | survey | −2 + 8 = +6 | on record | 0.8574 | +5.144 |
# | 4 | demo | −10 | cost; no demo | 0.8145 | −8.145 |
# | 5 to 8 | wait | 0 each | free | from 0.7738 | 0 |
# | 9 | wait | −10 | cut off | 0.6302 | −6.302 |
# | | sum | 0 | | | **+3.709** |
#
# The second call, worthless before, now earns 5 points net. And Ben, who subscribed whatever we did? His stage is 0 and his record has no
# account manager, so he never comes to stage 4: ten times waiting brings 0, and −10 at the cut. With a manager on record one action
# would do: −20 + 10 + 100 = +90, and the end.
# :::

# %%
AS_CODED = RULES["as_coded", False]
ada = walk(ADA, [EMAIL, CALL, CALL, SURVEY, DEMO] + [WAIT] * 5, invented, AS_CODED)
assert ada["reward"].tolist() == [-1, 10, 5, 6, -10, 0, 0, 0, 0, -10]
assert round((ada["reward"] * GAMMA**ada.index).sum(), 3) == 3.709

ben = {
    action.name.lower(): walk(BEN, [action] * 10, invented, AS_CODED) for action in Action
}
assert all(episode["end"].iloc[-1] == "truncated" for episode in ben.values())
assert ben["wait"]["reward"].sum() == -10

managed = invented._replace(
    reached=np.array([[1, 0, 1, 0, 1], [0, 0, 0, 0, 1]], dtype=bool)
)
for rules, stage_after in ((DESCRIBED, 0), (AS_CODED, 5)):
    assert walk(ADA, [MANAGER], managed, rules)["stage"][0] == stage_after
walk(BEN, [MANAGER], managed, AS_CODED)

# %% [markdown]
# One difference lies in the customers and not in the rules. As coded, a milestone or a subscription counts only if its date can be
# read, and the features are encoded afresh in each part of the split; {ref}`ex-funnel-gate` meets a subscriber who is lost that way.
#
# ## Three journeys
#
# We take three customers of the training part and follow the same plan with each, in the `described` setting: nothing on
# record; a call and a signup, no subscription; a subscriber.

# %%
PLAN = [EMAIL, CALL, DEMO, SURVEY, CALL, MANAGER, WAIT, WAIT, WAIT, WAIT]
reached = population.reached
kinds = {
    "nothing on record": ~reached.any(axis=1) & ~subscribed,
    "call and signup on record": (reached == [True, False, False, True, False]).all(axis=1)
    & ~subscribed,
    "a subscriber": subscribed,
}
journeys = {}
for name, of_kind in kinds.items():
    customer = int(np.flatnonzero(of_kind)[0])
    journeys[name] = walk(customer, PLAN, population, DESCRIBED)
totals = {name: journey["reward"].sum() for name, journey in journeys.items()}
lengths = {name: len(journey) for name, journey in journeys.items()}
assert list(totals.values()) == [-10, 5, 99] and list(lengths.values()) == [10, 10, 1]
pd.DataFrame({"steps": lengths, "sum of rewards": totals})

# %% mystnb={"figure": {"caption": "One plan, three records: actions and rewards, step by step.", "name": "fig-funnel-journeys"}, "image": {"alt": "Three columns of boxes, a step below the other. With nothing on record every one of the ten steps pays minus 1. With a call and a signup on record the first call pays plus 14 and all other steps minus 1. The subscriber's column has one box: an email, plus 99, the end."}} tags=["hide-input"]
plots.journey(journeys)
plt.show()

# %% [markdown]
# The plan is the same, and so is all that the agent did until the first reward differed ({numref}`fig-funnel-journeys`). The record
# made the difference.
#
# ## What six constant policies score
#
# The simplest policies do one thing, always. We let each treat every customer of the validation part once; the test part stays
# closed until chapter 7.
#
# :::{admonition} Predict
# :class: predict
# Six policies: always email, always call, always demo, always survey, always wait, always account manager. Which one gets the most
# subscribers, as described? Which gets the fewest? Write down an order.
# :::

# %%
from crm_rl.agents.reference import constant_policy, random_policy
from crm_rl.evaluation.rollouts import metrics, play
from crm_rl.evaluation.intervals import rate_table


def scores(world) -> pd.DataFrame:
    """Six constant policies and a random one, every customer of the world once."""
    policies = {
        f"always {action.name.lower()}": constant_policy(action) for action in Action
    }
    policies["random"] = random_policy
    rows = {
        name: metrics(play(world, policy, np.random.default_rng(0)))
        for name, policy in policies.items()
    }
    columns = {
        "subscribers": "subscribers",
        "subscription_rate": "rate %",
        "rate_low": "low %",
        "rate_high": "high %",
        "average_reward": "mean reward",
    }
    table = pd.DataFrame(rows).T[list(columns)].rename(columns=columns)
    return table.astype({"subscribers": int}).round(3)


on_val = scores(worlds["val"])
on_val

# %% tags=["hide-input"]
val_subscribers = int(worlds["val"].population.subscribed.sum())
assert (on_val["subscribers"] == val_subscribers).all()
assert on_val["rate %"].nunique() == 1
glue("funnel-val-subscribers", str(val_subscribers), display=False)
glue("funnel-val-customers", f"{len(worlds['val'].population.stage):,}", display=False)
best = on_val["mean reward"].idxmax()
assert best == "always call"

# %% [markdown]
# There is no order. **Every policy gets the same {glue:text}`funnel-val-subscribers` subscribers**, the random one too: they are the
# customers whose record says so, and in this setting the first action brings it, whatever it is. No learner, however clever,
# can raise this number, and none can lower it. (The interval says how well {glue:text}`funnel-val-customers` customers tell the rate
# of others like them. It cannot tell the policies apart, since they all treated the same people.) The rewards do differ: calling
# collects 15 points from each customer with a call on record. An agent can learn *that*.
#
# As coded the rewards lie much further apart:

# %%
worlds_as_coded = replay_worlds(customers, "as_coded")
on_val_as_coded = scores(worlds_as_coded["val"])
assert (on_val_as_coded["subscribers"] == val_subscribers).all()
assert on_val_as_coded["mean reward"].idxmax() == "always wait"
on_val_as_coded

# %% [markdown]
# Nearly everybody here has nothing on record, and for such a customer the reward of a constant policy is made of three parts: what ten actions
# cost, nine penalties for doing the same again, and the penalty at the cut.

# %%
nobody = int(
    np.flatnonzero(~population.reached.any(axis=1) & ~subscribed & (stage == 0))[0]
)
parts = pd.DataFrame(
    {
        f"always {action.name.lower()}": {
            "ten actions": 0 - 10 * AS_CODED.action_cost[action],
            "nine repeats": 0 - 9 * AS_CODED.repeat_penalty * (action != WAIT),
            "the cut": -AS_CODED.timeout_penalty,
            "as played": walk(nobody, [action] * 10, population, AS_CODED)["reward"].sum(),
        }
        for action in Action
    }
).T.astype(int)
assert (parts.drop(columns="as played").sum(axis=1) == parts["as played"]).all()
assert (abs(parts["as played"] - on_val_as_coded["mean reward"].drop("random")) < 3).all()
parts

# %% [markdown]
# The cut costs everybody the same. The repeats set waiting, which may be repeated freely, apart from the other five by 45 points, for emails
# and surveys more than the actions themselves cost. The rest is prices. So of the constant policies the one that earns most here is the
# one that does nothing. The subscribers are the same again (on other customers the stage gate can cost one or another, as
# {ref}`ex-funnel-gate` shows).
#
# What, then, does a subscription rate measure in this game? Which customers there are, and nothing else. We only have to count, for each part:

# %%
of_part = {
    part: {
        "customers": len(w.population.stage),
        "subscribers": int(w.population.subscribed.sum()),
    }
    for part, w in worlds.items()
}
of_part = rate_table(pd.DataFrame(of_part).T.rename_axis("part"))
assert of_part.loc["test", "low %"] > of_part.loc["train", "high %"]
for part, rate in of_part["rate %"].items():
    glue(f"funnel-rate-{part}", f"{rate:.2f}%", display=False)
of_part

# %% [markdown]
# Any policy of this game, trained or not, scores {glue:text}`funnel-rate-val` on the validation customers and {glue:text}`funnel-rate-test` on the
# test customers, as described. The second is the highest because the published split sorts all customers without a first contact into the
# test part, and about half of all subscribers are among those ([chapter 1](01_data_processing.ipynb)). A study that compares agents
# by this rate compares groups of customers: where two rates differ, ask first whether the customers, or the rules of counting,
# were the same. Chapter 7 puts that question to the study's own table.
#
# ## The face that libraries know
#
# The functions `start`, `step` and `observe` are the whole world. Learners written by others expect it behind a standard face, that
# of [Gymnasium](https://gymnasium.farama.org): `reset` begins an episode, `step` takes an action and returns observation, reward,
# terminated, truncated, and a dictionary of extras.

# %%
import gymnasium

# before the colon: the module that registers the name
FUNNEL = "crm_rl.worlds.gym_envs:crm_rl/Funnel-v0"
env = gymnasium.make(FUNNEL, setting="described", part="val", render_mode="ansi")
a_called_customer = int(np.flatnonzero(worlds["val"].population.reached[:, 0])[0])
observation, info = env.reset(seed=1, options={"customer": a_called_customer})
print("observation:", env.observation_space.shape, " actions:", env.action_space.n)

agent = np.random.default_rng(5)
ended, total = False, 0.0
while not ended:
    action = int(agent.integers(env.action_space.n))
    observation, reward, terminated, truncated, info = env.step(action)
    total += reward
    ended = terminated or truncated
print(env.render())
print(f"sum of rewards: {total:+.0f}")

# %% [markdown]
# The face adds no rules. The same customer with the same actions gives the same rewards through `step`:

# %%
val = worlds["val"].population
state, again = start(info["customer"], val, DESCRIBED), 0.0
agent = np.random.default_rng(5)
for _ in range(10):
    outcome = step(state, int(agent.integers(6)), val, DESCRIBED)
    state, again = outcome.state, again + outcome.reward
    if outcome.terminated:
        break
assert again == total
print(f"by the functions themselves: {again:+.0f}")

# %% [markdown]
# ## The larger game: choosing what to see
#
# Data cost money to collect. In the study's second game the agent starts blind and may *show* features one by one before it acts.
# The observation has 30 numbers: the 15 features, those that are hidden given as 0, and 15 bits that say which are visible, the
# {term}`feature mask`. There are 21 actions: 15 toggles, each showing or hiding one feature, and the six of before. As described, the
# firm gets **one** action: it ends the episode. After twenty steps the episode is cut off; an agent that toggles until then has never
# acted, and so even a subscription on record is lost. These rules are added to those above, or replace them:

# %%
with_selection = {
    "visible at the start": lambda r: f"{r.first_mask.bit_count()} of 15",
    "a hidden feature is seen as": lambda r: "0" if r.hides_features else "what it is",
    "a toggle costs": lambda r: r.toggle_cost,
    "and for each feature visible after it": lambda r: r.toggle_cost_each,
    "an action of the firm costs more, for each visible feature": lambda r: (
        r.decision_cost_each
    ),
    "it ends the episode": lambda r: "always" if r.decision_ends else "at a subscription",
    "a milestone pays if its flag is hidden": lambda r: (
        "no" if r.mask_gates_rewards else "yes"
    ),
    "the episode is cut off after step": lambda r: (
        f"{r.horizon}, by a toggle" if r.toggles_time_out else r.horizon
    ),
    "being cut off costs": lambda r: r.timeout_penalty,
}
side_by_side(with_selection, selection=True)

# %% [markdown]
# :::{admonition} By hand: is it worth looking before calling Ada?
# :class: by-hand
#
# - **Call at once**: $-1 + 15 = 14$, and the end.
# - **Show Had_First_Call, then call**: $-1$ for the toggle; then $-1 - 0.1 + 15 = 13.9$. The return is
#   $-1 + 0.95 \times 13.9 = 12.205$.
#
# Looking cost $14 - 12.205 = 1.795$ points: 1 for the toggle, 0.1 for the visible feature, and $0.05 \times 13.9 = 0.695$ because
# the reward came a step later. It can only pay if what we see would change what we do, often enough.
# :::

# %%
from crm_rl.worlds.replay_settings import DESCRIBED_SELECTION

HAD_CALL, FIRM = 7, 15  # toggles are the actions 0 to 14; those of the firm begin at 15
state = start(ADA, invented, DESCRIBED_SELECTION)
look = step(state, HAD_CALL, invented, DESCRIBED_SELECTION)
then_call = step(look.state, FIRM + CALL, invented, DESCRIBED_SELECTION)
at_once = step(state, FIRM + CALL, invented, DESCRIBED_SELECTION)
looked = look.reward + GAMMA * then_call.reward
assert np.isclose(at_once.reward, 14) and np.isclose(looked, 12.205)
assert then_call.terminated and at_once.terminated
print(f"call at once: {at_once.reward:.3f}    look, then call: {looked:.3f}")

env = gymnasium.make("crm_rl/FunnelSelection-v0", part="val", render_mode="ansi")
env.reset(options={"customer": 0})
for action in (HAD_CALL, 1, FIRM + CALL):
    observation, *_ = env.step(action)
print(f"observation: {observation.shape}, actions: {env.action_space.n}")
print(env.render())

# %% [markdown]
# As coded, the game is another one. All features are visible from the start, and hiding one hides nothing: its value is still
# seen, only the milestone it stands for is no longer paid. An action of the firm ends the episode only if it brings a subscription, and only a toggle can be the last
# step. So an agent that never toggles can go on for ever. Chapter 5 plays both.
#
# (sec-funnel-balancing)=
# ## Batch-level balancing
#
# Subscribers are rare. Of 10,000 episodes with customers drawn at random, fewer than thirty would show one. The study therefore draws its training episodes
# from three pools: 30% from the subscribers, 30% from the customers with a first call, 40% from everybody. It calls this
# {term}`batch-level balancing`.
#
# :::{admonition} By hand: what does the agent meet?
# :class: by-hand
#
# Take 1,000 customers: 40 had a first call, 2 subscribed, and both of these had a call.
#
# How many **episodes** are about a subscriber? All of the first pool, 2 in 40 of the second, 2 in 1,000 of the third:
#
# $$
# \begin{aligned}
# & 0.3 + 0.3 \times \tfrac{2}{40} + 0.4 \times \tfrac{2}{1000} \\
# & = 0.3 + 0.015 + 0.0008 = 31.6\%
# \end{aligned}
# $$
#
# against 0.2% of the customers. How many are about somebody who had a call? $0.3 + 0.3 + 0.4 \times 0.04 = 61.6\%$.
#
# Now put the two together. Among the *customers* with a call, 2 in 40 subscribe: 5%. Among the *episodes* with such a customer it
# is $31.58 / 61.6 = 51\%$.
# :::
#
# The general rule, with $P$ for shares among the customers of the training part:
#
# $$
# \begin{aligned}
# & P_{\text{drawn}}(\text{sub}) = 0.3 \\
# & \quad + 0.3\, P(\text{sub} \mid \text{call}) \\
# & \quad + 0.4\, P(\text{sub}) .
# \end{aligned}
# $$ (funnel-balance)

# %%
from crm_rl.worlds.sampling import draw_many


def shares(both, n_call, n_sub, n):
    """Subscribers in %, by where one looks; `both` are called subscribers."""
    sub_drawn = 0.3 + 0.3 * both / n_call + 0.4 * n_sub / n
    call_drawn = 0.3 * both / n_sub + 0.3 + 0.4 * n_call / n
    both_drawn = 0.3 * both / n_sub + 0.3 * both / n_call + 0.4 * both / n
    return {
        "customers": 100 * n_sub / n,
        "episodes": 100 * sub_drawn,
        "called customers": 100 * both / n_call,
        "episodes about a called customer": 100 * both_drawn / call_drawn,
    }


n, n_sub, n_call = len(subscribed), int(subscribed.sum()), int(called.sum())
both = int((subscribed & called).sum())
assert np.isclose(shares(2, 40, 2, 1000)["episodes"], 31.58)  # as by hand
expected = shares(both, n_call, n_sub, n)
print(
    f"train: {n:,} customers, {n_call} called, {n_sub} subscribers ({both} of them called)"
)
for where, share in expected.items():
    print(f"  {where}: {share:.2f}%")

# %% [markdown]
# Does the package draw by that formula? We draw 20,000 episodes. A share of them is off by chance, and we know by how much: its standard
# error is $\sqrt{p (1 - p) / m}$ with $m$ draws. This is *Monte Carlo error*, the error of our experiment, and more draws make it as small as we like.

# %%
rng = np.random.default_rng(1)
drawn = np.empty(20_000, dtype=np.int64)
draw_many(worlds["train"].pools, rng, drawn)
in_draws = {
    "episodes": subscribed[drawn],
    "episodes about a called customer": subscribed[drawn][called[drawn]],
}
for where, hits in in_draws.items():
    error = np.sqrt(hits.mean() * (1 - hits.mean()) / len(hits))
    assert abs(100 * hits.mean() - expected[where]) < 300 * error
    print(
        f"{where}: formula {expected[where]:.2f}%, {len(hits):,} draws {hits.mean():.2%}, "
        f"standard error {error:.2%}"
    )

# %% [markdown]
# Another thing is how much these shares say about customers to come: they rest on {glue:text}`funnel-subscribers` subscribers, however many episodes we draw
# from them. To see it we draw the *customers* anew, as many as there are, with replacement, and compute the four shares again, 2,000
# times: a {term}`bootstrap` over customers.

# %%
groups = np.array([both, n_sub - both, n_call - both, n - n_sub - n_call + both]) / n
once_more = rng.multinomial(n, groups, size=2000).T
redrawn = shares(once_more[0], once_more[0] + once_more[2], once_more[0] + once_more[1], n)
low, high = np.quantile(list(redrawn.values()), [0.025, 0.975], axis=1)
balance = pd.DataFrame(
    {"rate %": expected.values(), "low %": low, "high %": high}, index=list(expected)
)
balance.round(2)

# %% tags=["hide-input"]
rates = balance["rate %"].tolist()
assert rates[0] < 1 and 30 < rates[1] < 35 and 5 < rates[2] < 9 and 45 < rates[3] < 60
width = (balance["high %"] - balance["low %"]) / balance["rate %"]
assert width[["customers", "called customers"]].min() > 0.5
assert width[["episodes", "episodes about a called customer"]].max() < 0.1
times_drawn = 100_000 * expected["episodes"] / 100 / n_sub
glue("funnel-drawn-rate", f"{expected['episodes']:.1f}%", display=False)
glue("funnel-natural-rate", f"{n_sub / n:.2%}", display=False)
glue("funnel-more-often", f"{expected['episodes'] / 100 * n / n_sub:.0f}", display=False)
glue("funnel-times-drawn", f"{times_drawn:,.0f}", display=False)
glue("funnel-subscribers", str(n_sub), display=False)
glue("funnel-called-natural", f"{both / n_call:.1%}", display=False)
glue("funnel-called-drawn", f"{rates[3]:.0f}%", display=False)

# %% mystnb={"figure": {"caption": "Subscribers among customers of the training part and among the episodes drawn from them. Dots: the exact shares for these customers. Bars: 95% bootstrap intervals over customers. Crosses: what 20,000 draws gave.", "name": "fig-funnel-balance"}, "image": {"alt": "Four rates. Under one percent of the customers subscribed, and about a third of the drawn episodes are about a subscriber. Of the called customers about 7 percent subscribed, and of the episodes about a called customer about half. The two crosses of the draws lie on the dots."}} tags=["hide-input"]
axes = plots.interval_dots(balance)
for where, hits in in_draws.items():
    place = len(balance) - 1 - balance.index.get_loc(where)
    axes.plot(100 * hits.mean(), place, "x", color="black", markersize=9)
axes.set_xlabel("subscribers (%)")
plt.show()

# %% [markdown]
# The formula and the draws agree ({numref}`fig-funnel-balance`). The bars of the two shares among *episodes* are short, compared with
# the shares. That is no knowledge of ours: subscribers were ordered for 30% of the episodes, and so they come. Those among *customers* say what
# so few subscribers can tell. What has been changed by the draw, and what has not?
#
# - **Where episodes start** has changed: about a subscriber in {glue:text}`funnel-drawn-rate` of the episodes instead of
#   {glue:text}`funnel-natural-rate`, which is {glue:text}`funnel-more-often` times as often. (The study says 68 times, which is 30%
#   over the 0.44% of *all* rows.)
# - **The rules** have not. Given the full state and the action, $p(s', r \mid s, a)$ is what it was. For a table with a row for each
#   state, the draw decides how *often* a row is updated, not what it converges to.
# - **What an observation seems to mean** has changed, wherever one observation stands for several states. "Had a first call" goes with a
#   subscription in {glue:text}`funnel-called-natural` of the customers and in {glue:text}`funnel-called-drawn` of the episodes. An
#   agent that sees only this learns the second number, and would expect far too much.
# - **No new data** have come in. In 100,000 episodes each of the {glue:text}`funnel-subscribers` subscribers is met some
#   {glue:text}`funnel-times-drawn` times. It is oversampling with replacement, an old remedy with known limits {cite:p}`he2009`:
#   repetition is not evidence.
#
# And this is why we **evaluate on the natural distribution**, each customer of a part once. Under balanced draws *any* policy of this game as
# described has a subscription rate of {glue:text}`funnel-drawn-rate`, give or take the luck of the draw: the study's "30 to 35% in
# training" needs no learning to explain it. (In the larger game a policy can stay below, by toggling until the episode is cut off, and as
# coded by leaving the gate shut. None can rise above.)
#
# ## Exercises
#
# ::::{exercise} The best plan for Ada
# :label: ex-funnel-plan
#
# Find the plan of ten steps with the highest return for Ada. Do you have to try all $6^{10}$? Start from this cell, and use `walk`.
# ::::


# %%
def discounted(plan: list[Action]) -> float:
    rewards = walk(ADA, plan, invented, DESCRIBED)["reward"]
    return float((rewards * GAMMA**rewards.index).sum())


round(discounted([SURVEY, CALL] + [WAIT] * 8), 3)

# %% [markdown]
# :::{solution-start} ex-funnel-plan
# :class: dropdown
# :::
#
# Only the call and the survey earn anything, each once, and every action costs the same. So what matters is *when* these two come, and
# with a discount sooner is better, the larger first: call, survey, then anything. Trying all beginnings of three steps confirms
# it.

# %%
from itertools import product

plans = {
    begin: discounted([*begin] + [WAIT] * 7) for begin in product(list(Action), repeat=3)
}
best_return = max(plans.values())
best_begins = [begin for begin, value in plans.items() if np.isclose(value, best_return)]
assert {begin[:2] for begin in best_begins} == {(CALL, SURVEY)}
assert best_return > discounted([SURVEY, CALL] + [WAIT] * 8)
print(
    f"best return {best_return:.3f}: call, survey, then any of {len(best_begins)} actions"
)

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} The mean reward of a constant policy, by counting
# :label: ex-funnel-count
#
# "Always call", as described, has a certain mean reward on the validation customers. Compute it from three counts, without playing an
# episode: customers, subscribers, and customers with a call on record. Does it agree with the table?
# ::::

# %%
count_n, count_sub = len(val.stage), int(val.subscribed.sum())
count_call = int(val.reached[:, 0].sum())

# %% [markdown]
# :::{solution-start} ex-funnel-count
# :class: dropdown
# :::
#
# A subscriber's episode is one step: −1 + 100. Anybody else's is ten: −10. And whoever has a call on record adds 15, once,
# whether subscriber or not.

# %%
by_counting = (99 * count_sub - 10 * (count_n - count_sub) + 15 * count_call) / count_n
assert round(by_counting, 3) == on_val.loc["always call", "mean reward"]
print(
    f"({count_sub} x 99 - {count_n - count_sub:,} x 10 + {count_call} x 15) / {count_n:,}"
)
print(f"= {by_counting:.3f}")

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} The gate
# :label: ex-funnel-gate
#
# As coded, a subscription counts only from stage 4 on. On the *training* customers, how many subscriptions does each constant policy
# collect? Which subscribers pass the gate whatever one does, and for whom does it take an account manager on record?
# ::::

# %%
train_as_coded = worlds_as_coded["train"]
int(train_as_coded.population.subscribed.sum())

# %% [markdown]
# :::{solution-start} ex-funnel-gate
# :class: dropdown
# :::
#
# Whoever starts at stage 6, "subscribed already", is past the gate from the beginning. Of the others only those with an account
# manager on record can pass, and only when the agent assigns one. Where a policy of "always manager" counts more than the others, it
# has not sold anything: it has opened a gate in the bookkeeping. (One subscriber of the training part is missing from all columns: the
# cell has no readable date, and as coded only dates count.)

# %%
by_policy = scores(train_as_coded)["subscribers"]
people = train_as_coded.population
past_the_gate = int((people.subscribed & (people.stage >= 4)).sum())
can_be_lifted = people.subscribed & (people.stage < 4) & people.reached[:, 4]
assert people.subscribed.sum() == subscribed.sum() - 1  # one without a readable date
assert by_policy["always email"] == past_the_gate
assert by_policy["always manager"] == past_the_gate + can_be_lifted.sum()
by_policy.to_frame().T

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} Can looking pay?
# :label: ex-funnel-look
#
# In the larger game as described, the agent that sees nothing can call at once. Suppose somebody told it the *whole record* for free. By
# how many points at most would the mean reward rise, over the training customers drawn naturally, and over balanced draws? Compare with
# the price of one toggle.
# ::::

# %%
earns = np.array([15.0, 10.0, 5.0])  # call, demo, survey, if on record
possible = population.reached[:, :3] * earns  # shape (customers, 3)

# %% [markdown]
# :::{solution-start} ex-funnel-look
# :class: dropdown
# :::
#
# One action of the firm ends the episode, so one milestone can be paid; all actions cost the same, and the subscription comes
# with any of them. Who knows the record takes the best-paid milestone on it; who is blind takes the call. The difference arises only for
# customers with a demo or a survey and no call, and they are few. It is far below the single point that one toggle costs: as
# described, the best policy shows nothing and calls. (This bound even forgets the delay.)

# %%
gain = possible.max(axis=1) - possible[:, 0]
assert max(gain.mean(), gain[drawn].mean()) < 0.05  # the toggle costs 1
print(f"natural: {gain.mean():.4f} points a customer; balanced: {gain[drawn].mean():.4f}")

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - An MDP is states, actions, $p(s', r \mid s, a)$ and a discount. The Markov property is a demand on what we call the state.
# - $G_t = R_{t+1} + \gamma G_{t+1}$: worth now is reward now plus discounted worth next.
# - Our agent sees 15 numbers, not the state: what has been paid, the steps left and the outcome on record are hidden, unless a feature
#   gives them away.
# - Terminated is not truncated: nothing comes after the one, and we only stopped looking at the other. The return of ten steps and the
#   value of going on for ever are two numbers: −8.025 and −20 for waiting with Ada.
# - In the replay world no action changes who subscribes. In the smaller game as described, every policy gets the same subscribers.
# - Balancing changes where episodes start and what an observation seems to mean; it adds no data. Evaluate on the natural distribution.
# - Monte Carlo error shrinks with more draws; what a few customers can tell does not improve, however often one draws them.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. Rewards −1, −1, +14, then the end. What is the return from the first step, with a discount of 0.5?
# :class: quiz
#
# ::::{dropdown} 12
# :class-container: wrong
#
# That is the plain sum, with a discount of 1.
# ::::
# ::::{dropdown} 2
# :class-container: right
#
# −1 + 0.5 × (−1) + 0.25 × 14 = −1 − 0.5 + 3.5 = 2.
# ::::
# ::::{dropdown} 6
# :class-container: wrong
#
# Half of the plain sum. The discount is applied once for every step of delay, not once to everything.
# ::::
# :::::
#
# :::::{admonition} 2. An agent sees the customer's features, but not which milestones it has been paid for. What is missing?
# :class: quiz
#
# ::::{dropdown} A larger table
# :class-container: wrong
#
# A table has one row for one observation. Two situations that look alike share it, however large the table.
# ::::
# ::::{dropdown} The Markov property of the observation
# :class-container: right
#
# The same observation and action can bring +14 or −1, depending on a past that the observation does not show. Adding the paid bits to
# it would mend that.
# ::::
# ::::{dropdown} A discount below 1
# :class-container: wrong
#
# The discount says how to weigh rewards over time. It does not make two situations distinguishable.
# ::::
# :::::
#
# :::::{admonition} 3. An episode was stopped after ten steps. What is the value of what comes after?
# :class: quiz
#
# ::::{dropdown} Zero
# :class-container: wrong
#
# That holds when an episode is *terminated*, or when ten steps are all we ask about and the state shows how many are left. Here the customer
# goes on; only our looking ended.
# ::::
# ::::{dropdown} Whatever the next state is worth; it must be estimated
# :class-container: right
#
# Truncation tells us nothing of the future. A learner that does not see the steps left and puts zero here mixes, in one and the same state,
# the value of going on with that of being cut off.
# ::::
# ::::{dropdown} It cannot be said
# :class-container: wrong
#
# It can be estimated from other episodes that pass through the same state. The next chapter does so.
# ::::
# :::::
#
# :::::{admonition} 4. In the smaller game as described, a policy has a subscription rate of 32% over balanced training episodes. What have we learned about it?
# :class: quiz
#
# ::::{dropdown} That it wins over about a third of the customers it treats
# :class-container: wrong
#
# About a third of the episodes are about somebody whose record has a subscription already. The policy wins nobody over.
# ::::
# ::::{dropdown} Nothing: in this game every policy gets that
# :class-container: right
#
# The rate is that of the draw, equation {eq}`funnel-balance`; whatever the first action is, it brings the subscription on record.
# ::::
# ::::{dropdown} That it overfits, since so few customers subscribe
# :class-container: wrong
#
# A policy that always waits gets the same rate, and it has learned nothing that could fit too closely.
# ::::
# :::::
#
# :::::{admonition} 5. Which of these does balancing leave unchanged?
# :class: quiz
#
# ::::{dropdown} How often each row of a Q-table is updated
# :class-container: wrong
#
# That is just what it changes: rows of subscribers are updated far more often.
# ::::
# ::::{dropdown} The share of subscribers among episodes whose customer had a call
# :class-container: wrong
#
# By hand, that share went from 5% to 51%.
# ::::
# ::::{dropdown} What follows from a full state and an action
# :class-container: right
#
# The rules of the world do not know how the customer was drawn.
# ::::
# :::::
#
# :::::{admonition} 6. In the larger game, why can showing a feature lose points even though it costs only 1?
# :class: quiz
#
# ::::{dropdown} Later rewards are discounted, and visible features are charged when the firm acts
# :class-container: right
#
# In Ada's case the toggle took 1, the visible feature 0.1, and the delay 0.695.
# ::::
# ::::{dropdown} It cannot; information never hurts
# :class-container: wrong
#
# Free information never hurts one who may ignore it. This one has a price.
# ::::
# ::::{dropdown} A shown feature can mislead the agent
# :class-container: wrong
#
# It may, for a poor learner. The points in Ada's example are lost without any mistake.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} Formulate a sales funnel as an MDP.
# :class-container: interview
#
# State: what is known of the customer now, including what has been done already and how much time is left. Actions: email, call, demo,
# survey, wait, account manager. Reward: value of a subscription minus the cost of actions. Transition: how likely each
# milestone is, given state and action; this is the part that a log without actions cannot give. Discount: how much a month of delay costs. Then I
# would say what is not observed, and that it is a POMDP in practice.
# ::::
# ::::{dropdown} What is the Markov property, and how would you test whether your features have it?
# :class-container: interview
#
# Given the present state and action, the past adds nothing to the prediction of next state and reward. To test, find two situations
# with the same features and different pasts, and see whether rewards differ: our second call to Cleo is one. Statistically, predict
# the reward from the features, then with a piece of history added; if the history helps, the property fails. The mend is to put that
# piece into the state.
# ::::
# ::::{dropdown} Your training metric is 32% and your test metric 0.2%. Is the model broken?
# :class-container: interview
#
# Not by that alone. I would ask how training episodes were drawn. With 30% from the subscribers, 30% from called customers and 40% from
# everybody, a random policy also shows some 32% in training ({numref}`fig-funnel-balance`). The two numbers describe two populations;
# only the natural one tells what to expect in use, and there only a baseline on the same customers gives it a meaning.
# ::::
# ::::{dropdown} How do you handle a class imbalance of hundreds to one in reinforcement learning?
# :class-container: interview
#
# Drawing rare starts more often makes learning signals frequent, and for a table with full states it changes the speed and not the
# target. Where states look alike it changes the target, because the same observation then stands for another mixture; and it never adds
# information, since the same few subscribers are replayed. So I would balance in training if I must, correct or at least know the shift, and
# evaluate naturally with intervals that show how few the positives are.
# ::::
# ::::{dropdown} What is the difference between terminated and truncated, and why does it matter to a learner?
# :class-container: interview
#
# Terminated: the process is over, the future is worth zero. Truncated: we stopped for our own reasons, and the future is worth what the next state
# is worth. A learner bootstraps in the second case and not in the first; confusing them biases values near the limit
# {cite:p}`pardo2018`. If the time left matters to the task itself, put it into the state instead.
# ::::
#
# ## Further reading
#
# - {cite:t}`sutton2018`, chapter 3, for MDPs, returns and values; section 17.3 for what to do when the state is not observed.
# - {cite:t}`puterman1994`, the standard mathematical text on MDPs; {cite:t}`kaelbling1998` on those that are partially observed.
# - {cite:t}`pardo2018` on time limits; {cite:t}`towers2024` describe Gymnasium, whose interface keeps the two ends apart.
# - {cite:t}`he2009` survey what can be done about rare outcomes, and what cannot.
