# %% [markdown]
# (ch-responsive)=
# # A funnel that responds
#
# We build a world in which actions do cause outcomes, put every assumption of it on the table, and work out exactly
# what the best
# policy is and what any other one is worth.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to solve a small sequential problem by hand, from its last week to its first
#   - to estimate weekly rates of rare events, and to say what they rest on and where they fail
#   - to list the assumptions of a simulator so that none is hidden, and to vary those that matter
#   - to compute the best policy and the exact value of any other, and four ways to check such a computation
#   - to say what a policy earns as a share of what there is to gain, with an interval
#   - why extra rewards for steps on the way change what is best, and which do not
#
# You need
# : [the funnel as an MDP](03_funnel_mdp.ipynb), [Q-learning](04_q_learning.ipynb), [the audit](08_audit.ipynb).
#
# Time
# : 50 minutes to read, 50 seconds to run.
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
# In the {term}`replay world` no action brings a subscription that the record does not hold
# ([chapter 3](03_funnel_mdp.ipynb)), and the
# audit found nothing by which a learned policy could be told from waiting. That is no verdict on Q-tables or networks:
# it was a game in which
# there was nothing of the kind to learn. To compare learners we need a world where actions matter. The record cannot
# supply it, since it does not say what the firm did to whom and when. So we
# have to *assume* what an action does, and the least we owe the reader is to say so, line by line.
#
# What we get in return: in a world whose rules we know, the best policy can be **computed**, and every other policy has
# an exact value.
#
# ## Two weeks by hand
#
# Dora is invented. For two weeks the firm may call her or leave her alone.
#
# :::{admonition} By hand: from the last week to the first
# :class: by-hand
#
# - A subscription is worth 100 dollars, a call costs 1.
# - If we wait she subscribes with 10% in a week. A call gives her a second such chance: she stays away only if both
#   fail, so she
#   subscribes with $1 - 0.9^2 = 19\%$.
#
# What should we do this week? That depends on what next week will be worth. So we begin with **week 2**, after which
# nothing comes:
#
# - wait: $0.10 \times 100 = 10$
# - call: $0.19 \times 100 - 1 = 18$. Better. *Being in week 2 is worth 18.*
#
# **Week 1.** If she does not subscribe now, we are in week 2, which is worth 18:
#
# - wait: $10 + 0.90 \times 18 = 26.2$
# - call: $18 + 0.81 \times 18 = 32.58$. Better. *The problem is worth 32.58.*
#
# The best plan is to call in both weeks. To wait twice is worth $10 + 0.9 \times 10 = 19$, so there are $13.58$ dollars
# to gain.
# :::
#
# This is {term}`backward induction` {cite:p}`bellman1957`. We never compared whole plans, of which there are four here and
# $6^{12}$ in twelve weeks with six actions, more if a plan may depend on what has happened. We compared actions, one
# week at a time, because what comes later had been settled already.
#
# :::{admonition} Predict
# :class: predict
# A third week is put in front. What is it worth? And from which price of a call on is it better to wait in week 2?
# :::

# %%
import ast
import inspect
import itertools
import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML
from myst_nb import glue

from crm_rl import plots
from crm_rl.worlds import base_rates, responsive, responsive_world as responsive_worlds
from crm_rl.planning.exact import (
    always,
    best_of,
    evaluate,
    optimal,
    reach,
    share_of_gain,
    starts_of,
)
from crm_rl.planning.shared import shared_policy
from crm_rl.worlds.responsive import (
    BASELINE,
    SELECTION,
    SUBSCRIPTION,
    Population,
    event_chance,
    opt_out_chance,
)

plots.use_style()
pd.set_option("display.max_columns", 20, "display.max_colwidth", None)
EMAIL, CALL, DEMO, SURVEY, WAIT, MANAGER = range(6)
NAMES = plots.ACTION_LABELS


def from_the_end(weeks: int, value=100.0, price=1.0, base=0.1) -> list[dict]:
    """Dora's problem, the last week first."""
    later, rows = 0.0, []
    for week in range(weeks, 0, -1):
        wait = base * value + (1 - base) * later
        call = (1 - (1 - base) ** 2) * value - price + (1 - base) ** 2 * later
        later = max(wait, call)
        rows.append({"week": week, "wait": wait, "call": call})
    return rows


by_hand = pd.DataFrame(from_the_end(2)).set_index("week")
assert by_hand.round(2).to_numpy().tolist() == [[10, 18], [26.2, 32.58]]
by_hand.round(2)

# %%
three = pd.DataFrame(from_the_end(3)).set_index("week")
assert three.loc[1, "call"] == three.loc[1].max() and three.loc[3].round(9).tolist() == [
    10,
    18,
]
(too_dear,) = from_the_end(1, price=9.01)
assert too_dear["wait"] > too_dear["call"]
print(f"three weeks: {three.loc[1].max():.2f}")

# %% [markdown]
# A week in front adds less than the one before: the more weeks there are, the more likely Dora has subscribed already.
# And a call is worth its price up to 9 dollars in the last week, the
# nine percentage points that it adds.
#
# ## The same in symbols
#
# Let $t = 0, 1, \dots, T - 1$ count the weeks, $s$ the {term}`state`, $a$ the {term}`action`. There is no
# {term}`discount` here: a dollar in
# week 12 is a dollar. After the last week nothing comes, $v_T(s) = 0$, and before it
#
# $$
# \begin{aligned}
# q_t(s, a) &= \sum_{s', r} p(s', r \mid s, a)\, \bigl[ r + v_{t+1}(s') \bigr] \\
# v_t(s) &= \max_a q_t(s, a) .
# \end{aligned}
# $$ (responsive-backward)
#
# These are {term}`Bellman's equations <Bellman equation>` for the best policy, with the week in the index since with a
# {term}`horizon` it matters how many are left. Whoever takes an action with the highest
# $q_t$ in every week follows a best policy, and no policy that remembers more or throws dice can do better
# ({cite:t}`puterman1994`,
# chapter 4). Replace the maximum by the mean over $\pi(a \mid s)$, and the same recursion gives the exact value of
# *any* policy
# $\pi$.
#
# Two things are needed for it: a state that has the {term}`Markov property`, and the probabilities $p$. Q-learning did
# without $p$, at the price
# of sampling. Here we write $p$ down.
#
# ## What happens in a week
#
# The state of a customer is: which of five {term}`milestones <milestone>` have been reached ($2^5 = 32$ patterns), the
# week (12), and how many
# contacts the firm has made (0 to 5, more are counted as 5). Beside it stand attributes that never change: whether the
# customer is
# {term}`inbound`, and where the country and the bootcamp stand. Each week, each milestone not yet reached may happen,
# and so may the subscription, which ends the
# {term}`episode`. The probability of an event is its {term}`hazard`:
#
# $$
# \begin{aligned}
# p_e &= 1 - (1 - \mathrm{base}_e)^{\,\kappa} \\
# \kappa &= 1 + (1 - \rho)\, L\, d_{a,e}\, \mathrm{aff}_a .
# \end{aligned}
# $$ (responsive-hazard)
#
# Read $\kappa$ as a number of chances. Doing nothing leaves the customer one chance of $\mathrm{base}_e$ a week, what
# happens by itself. An action adds chances: the more the larger
# the {term}`lift` $L$, the better the action $a$ is aimed at the event $e$ (its *drive* $d_{a,e}$), the better it
# reaches this customer (its {term}`affinity`
# $\mathrm{aff}_a$), and the smaller the {term}`organic share` $\rho$.
#
# :::{admonition} By hand: one hazard
# :class: by-hand
#
# By itself the event happens to 2% in a week. The action has drive 0.5 at it and reaches this customer somewhat better
# than average, affinity 1.2. With
# $L = 10$ and $\rho = 0.3$:
#
# $$
# \begin{aligned}
# \kappa &= 1 + 0.7 \times 10 \times 0.5 \times 1.2 = 5.2 \\
# p &= 1 - 0.98^{5.2} = 10.0\%
# \end{aligned}
# $$
#
# At $\rho = 1$ we have $\kappa = 1$ and $p = 2\%$, whatever we do.
# :::

# %%
invented = Population(
    inbound=np.zeros(1, dtype=np.int64),
    country=np.array([0.5]),
    bootcamp=np.array([0.5]),
    start=np.zeros(1, dtype=np.int64),
    affinity=np.full((1, 6), 1.2),
    quiet=np.log1p(-np.full((2, 32, 6), 0.02)),
)
chance = event_chance(SUBSCRIPTION, 0, 0, CALL, invented, BASELINE)
organic = event_chance(SUBSCRIPTION, 0, 0, CALL, invented, BASELINE._replace(organic=1.0))
assert (
    BASELINE.drives[CALL][SUBSCRIPTION] == 0.5
    and BASELINE.lift == 10
    and BASELINE.organic == 0.3
)
assert round(chance, 3) == 0.1 and np.isclose(organic, 0.02)
print(f"call: {chance:.3f}, at rho = 1: {organic:.3f}")

# %% [markdown]
# ## What happens by itself
#
# The base rates are the one part of the world that data can speak to. Most rows of the export got one message and no
# more, so we
# take the record as close to what happens when nobody pushes. That is an assumption too; the table below has it.
#
# We cut the first twelve weeks after each {term}`arrival` into *customer-weeks* and ask of each: had this event
# happened before, and
# does it happen now? A {term}`logistic regression` on such rows is a *discrete-time hazard model* {cite:p}`singer1993`.
# Its inputs are whether the
# customer is inbound and which milestones have been reached. Weeks that the export has not seen to their end are left
# out, and demos and surveys are
# at risk only from 2021-08-31, when their recording began ({numref}`fig-data-events`).
#
# Events are rare, so the weights are drawn towards 0 (a {term}`ridge penalty`), and then stretched or shrunk by a slope
# that is fitted on customers the model had
# not seen. A slope near 1 says that there was little to correct. With fewer than ten events we fit nothing and give
# everybody one number,
# which is called an assumption.

# %%
from crm_rl.worlds.base_rates import (
    FEWEST,
    RIDGE,
    WEEKS,
    expected_events,
    fit_base_rates,
    weekly_chances,
)
from crm_rl.data import clean, data_path, load
from crm_rl.data.columns import EVENTS
from crm_rl.worlds.responsive_world import recorded_rates
from crm_rl.experiments.runner import data_name

customers, _ = clean(load(data_path()))
fitted = fit_base_rates(customers)
recorded = recorded_rates(data_name(data_path()))
assert np.allclose(
    fitted.astype(float), recorded.astype(float), rtol=1e-3, atol=1e-3, equal_nan=True
)

rates = recorded.astype({"events": int, "customer_weeks": int})
glue("responsive-subscribed", str(rates.loc["subscribed", "events"]), display=False)
glue("responsive-demos", str(rates.loc["demo", "events"]), display=False)
assert rates.loc["demo", "events"] < FEWEST <= rates.drop("demo")["events"].min()
shown = rates[["events", "customer_weeks", "slope"]].copy()
shown["kind"] = np.where(shown["events"] < FEWEST, "assumption", "fitted")
shown.round(2)

# %% [markdown]
# The rates were fitted anew just now and agree with the ones that are committed with the book. Look at the events:
# these are what the world's "truth" rests on.
# {glue:text}`responsive-subscribed` dated subscriptions in twelve weeks, {glue:text}`responsive-demos` demos.
# On so few, a weight can be anything; the book does not claim that these rates are the firm's.

# %%
unprompted = weekly_chances(rates)  # by inbound, milestones reached as bits, and event
situations = {
    ("outbound", "nothing yet"): (0, 0b00000),
    ("outbound", "signup"): (0, 0b01000),
    ("inbound", "demo"): (1, 0b00010),
    ("inbound", "call, signup"): (1, 0b01001),
    ("inbound", "all but manager"): (1, 0b01111),
    ("inbound", "all five"): (1, 0b11111),
}
happened = {
    who: [pattern >> bit & 1 for bit in range(6)]
    for who, (_, pattern) in situations.items()
}
chances = pd.DataFrame(
    {who: unprompted[place] for who, place in situations.items()}, index=EVENTS
)
subscription = chances.loc["subscribed"]
assert subscription["outbound", "nothing yet"] < 1e-4 < subscription["inbound", "demo"]
assert subscription["inbound", "all five"] > 0.02
assert subscription.max() > 1000 * subscription["outbound", "nothing yet"]
assert np.array(list(happened.values())).sum(axis=1).tolist() == [0, 1, 1, 2, 4, 5]
print("weekly chances in %, if the firm does nothing; empty: it has happened already")
shown = (100 * chances).map("{:.3f}".format)
shown.mask(pd.DataFrame(happened, index=EVENTS) == 1, "").T

# %% [markdown]
# The subscription's chance rises a thousandfold and more from an outbound customer with nothing on record to an inbound
# one with everything. So the way to a subscription
# leads over the milestones, and that is what makes the problem sequential: an action may pay by what it makes possible
# later.
#
# (sec-responsive-calibration)=
# ### Are the rates right?
#
# {term}`Calibration` asks whether as many events happened as the rates expect. For each count there is an interval for
# its mean {cite:p}`garwood1936`; a star marks where it does not hold what was expected. Groups are: inbound or
# outbound, and
# how many milestones had been reached.

# %%
from crm_rl.evaluation.intervals import poisson


def held_against(groups: list[str]) -> pd.DataFrame:
    """Observed and expected events by group, with the interval of what was observed."""
    sums = table.groupby(groups, sort=False)[["observed", "expected"]].sum()
    sums[["low", "high"]] = [poisson(int(events)) for events in sums["observed"]]
    return sums


table = expected_events(customers, rates)
table["who"] = np.where(table["inbound"] == 1, "inbound", "outbound")
table["reached"] = (
    table["milestones"].clip(upper=2).map({0: "none", 1: "one", 2: "two or more"})
)
by_group = held_against(["event", "who", "reached"])
outside = (by_group["expected"] < by_group["low"]) | (
    by_group["expected"] > by_group["high"]
)
shown = [
    f"{line.observed:.0f} / {line.expected:.1f}" + " *" * out
    for line, out in zip(by_group.itertuples(), outside, strict=True)
]
print(
    "observed / expected, by milestones reached; * the interval does not hold the expected"
)
shown = pd.Series(shown, by_group.index).unstack("reached", fill_value="")
shown[["none", "one", "two or more"]]

# %% tags=["hide-input"]
by_week = held_against(["week"])
first_two = by_week.loc[1:2, "observed"].sum() / by_week["observed"].sum()
late = by_week.loc[6:]
assert 0 < outside.sum() < len(outside) / 2
managers = by_group.loc[("manager", "outbound", "none")]
assert managers["expected"] > managers["high"]
calls = by_group.loc[("call", "outbound", "one")]
assert calls["expected"] < calls["low"]
on_the_way = by_group[outside & (by_group.index.get_level_values("reached") != "none")]
on_the_way = on_the_way.xs("outbound", level="who")
assert len(on_the_way) >= 2 and (on_the_way["expected"] < on_the_way["low"]).all()
assert first_two > 0.5 and (late["expected"] > late["high"]).mean() > 0.5
glue("responsive-outside", str(int(outside.sum())), display=False)
glue("responsive-groups", str(len(outside)), display=False)
glue("responsive-first-two", f"{first_two:.0%}", display=False)

# %% tags=["hide-input"]
table["way"] = np.where(table["milestones"] > 0, "one or more reached", "nothing reached")
by_way = held_against(["who", "way"])
behind = by_way.loc[("outbound", "one or more reached")]
assert behind["low"] > behind["expected"]
ahead = by_way.loc[("inbound", "one or more reached")]
assert ahead["low"] < ahead["expected"] < ahead["high"]
glue("responsive-behind", f"{behind['observed']:.0f}", display=False)
glue("responsive-behind-expected", f"{behind['expected']:.1f}", display=False)
by_way.sort_index().round(1)

# %% mystnb={"figure": {"caption": "All six events by week since arrival: observed and expected. The rates do not know the week.", "name": "fig-responsive-weeks"}, "image": {"alt": "Observed events fall steeply from the first week to the fifth and then stay low; the expected ones fall only slightly, from well below the observed in the first two weeks to well above them from the sixth week on."}} tags=["hide-input"]
plots.observed_and_expected(by_week, "week since arrival")
plt.show()

# %% [markdown]
# By group the expectation misses the interval in {glue:text}`responsive-outside` of
# {glue:text}`responsive-groups` groups, and not just anywhere. Fewer outbound customers with nothing reached got an
# account manager than expected. And wherever outbound customers **with a milestone behind them** have a star, *more*
# happened than expected; calls are among it. All their events together are the last row of the small table:
# {glue:text}`responsive-behind` where {glue:text}`responsive-behind-expected` were expected. The fit has one weight a
# milestone for inbound and outbound customers alike, and learns it mostly from the inbound ones, whom it meets well; a
# step that is steeper in one group than in the other it cannot make. This is the very path on which a plan for outbound
# customers leads. So the **outbound side of our world is the less trustworthy one**: in the record, once a first step
# is made, the next ones come by themselves more often than our world lets them.
#
# The week is another matter ({numref}`fig-responsive-weeks`). {glue:text}`responsive-first-two` of the events come
# in the first two weeks, and our rates, which do not know the week, spread them over twelve. In the real funnel
# something happens soon or not at
# all. **Our world is more patient than the firm's customers were**: it rewards plans over several weeks more than it
# should. We keep both faults: to mend them, with
# rates that differ by group and week, takes more parameters than these events can bear. They stand here and among the
# limits.
#
# ## What an action does: assumed
#
# Nothing in the export says what an email or a call brings about. The drives below are our choice: an action works
# mostly towards one event,
# a little towards others, all five contacts push the subscription alike, and waiting pushes nothing.

# %%
drives = pd.DataFrame(BASELINE.drives, index=NAMES, columns=EVENTS)
drives["cost $"] = BASELINE.action_cost
drives

# %% [markdown]
# Which channel reaches whom is a choice as well. The *standing* of a country is the share of customers in countries
# with a lower rate of
# subscribers (smoothed as in [chapter 2](02_education_column.ipynb)), plus half of those with the same: 0.9 is near the
# top. Likewise that of a bootcamp. Every channel has a home on this
# map and loses its hold with the distance from it. The five affinities of a customer **add up to 5**: nobody is easier
# to reach than anybody else, only by other means.

# %%
from crm_rl.worlds.responsive_world import DEAL_SEED, FOCUS, HOME, SPLIT_SEED, affinities

corners = pd.DataFrame(HOME, index=["country", "bootcamp"]).T
there = affinities(corners["country"].to_numpy(), corners["bootcamp"].to_numpy())
assert np.allclose(there.sum(axis=1), 5) and FOCUS == 5
assert there.max(axis=1).min() > 2.5 and there.max() < 3.5
print("affinities of a customer who stands at the home of ...")
corners.join(
    pd.DataFrame(there.round(2), index=corners.index, columns=NAMES).drop(columns="wait")
)

# %% [markdown]
# So for a customer at its home a channel works about three times as well as for the average customer. Finally, contacts
# annoy: from the third on, each contact loses the customer for good with a chance that
# grows by $(1 - \rho) \times 5\%$ a contact, the {term}`opt-out`. It grows up to the sixth and stays there, because the
# world counts no further than five contacts before it:

# %%
risk = [
    opt_out_chance(min(made, BASELINE.most_contacts), EMAIL, BASELINE) for made in range(8)
]
assert np.allclose(risk, [0, 0, 0.035, 0.07, 0.105, 0.14, 0.14, 0.14])
pd.DataFrame(
    {"contact": range(1, 9), "loses him, %": np.round(np.multiply(100, risk), 1)}
).set_index("contact").T

# %% [markdown]
# Here is everything that we assume. To leave nothing out, a cell reads the source of the three modules that make the
# world: each field of `Rules` and each constant
# must have its line, unless it is named as a mere size or place. Numbers *inside* a function no such cell can find. We
# have gone through the functions and list them, too.

# %% tags=["hide-input"]
IN_RULES, IN_WORLDS, IN_RATES = "responsive.py", "responsive_world.py", "base_rates.py"
NONE = "none"
at_arrival = customers["subscribed_date"] <= customers["arrival"]
assumptions = {
    "the record shows what happens unprompted": (
        "",
        "most rows: first message, nothing more",
        IN_RATES,
    ),
    "rates depend on inbound and milestones alone (COVARIATES)": (
        "",
        "refuted for the week, by group doubtful",
        IN_RATES,
    ),
    "RECORDED_FROM: demos, surveys at risk": (
        "from 2021-08-31",
        "recording began then, chapter 1",
        IN_RATES,
    ),
    "FEWEST events for a fit": (FEWEST, "convention", IN_RATES),
    "RIDGE, the variance of a weight": (f"{RIDGE:g}", "convention", IN_RATES),
    "EXACT: solver and tolerance": ("", "the default stops too early", IN_RATES),
    "the slope is fitted out of fold": ("5 folds", "convention", IN_RATES),
    "where too few events: one rate": (
        "(events + 0.5) / (weeks + 1)",
        "convention",
        IN_RATES,
    ),
    "WEEKS of each customer for the fit": (WEEKS, "most events come within", IN_RATES),
    "an event on the day of arrival was there at arrival": (
        "",
        "the export has no hours",
        IN_RATES,
    ),
    "weeks": (BASELINE.weeks, "most events come within", IN_RULES),
    "lift": (f"{BASELINE.lift:g}", NONE, IN_RULES),
    "organic": (BASELINE.organic, NONE, IN_RULES),
    "drives": ("table above", NONE, IN_RULES),
    "action_cost": ("table above, $", NONE, IN_RULES),
    "value": (f"{BASELINE.value:,.0f} $", NONE, IN_RULES),
    "opt_out": (BASELINE.opt_out, NONE, IN_RULES),
    "free_contacts": (BASELINE.free_contacts, NONE, IN_RULES),
    "most_contacts": (
        f"{BASELINE.most_contacts}, more count as 5",
        "keeps the state small",
        IN_RULES,
    ),
    "no contact is riskier than the sixth": ("14%", "follows from most_contacts", IN_RULES),
    "one action a week, no discount": ("", "convention", IN_RULES),
    "events of a week are independent": ("given state and action", NONE, IN_RULES),
    "customers do not influence each other": ("", NONE, IN_RULES),
    "expected_reward": (BASELINE.expected_reward, "same plan, asserted below", IN_RULES),
    "stage_reward": ("0", "they would change the best policy, below", IN_RULES),
    "potential_based": (BASELINE.potential_based, "only with stage rewards", IN_RULES),
    "selects_features": (BASELINE.selects_features, "this chapter sees all", IN_RULES),
    "first_mask": ("all visible", "this chapter sees all", IN_RULES),
    "feature_price": (f"{BASELINE.feature_price:g} $", "this chapter sees all", IN_RULES),
    "SELECTION: attributes must be bought": (
        f"{SELECTION.feature_price:g} $",
        "not used in this chapter",
        IN_RULES,
    ),
    "HOME": ("table above", NONE, IN_WORLDS),
    "FOCUS": (f"{FOCUS:g}", NONE, IN_WORLDS),
    "affinities add up to 5": ("", NONE, IN_WORLDS),
    "standing: a group's rate is smoothed": (
        "as one expected conversion",
        "convention, chapter 2",
        "../data/encoders.py",
    ),
    "who has no arrival is left out": (
        int(customers["arrival"].isna().sum()),
        "has no first week",
        IN_WORLDS,
    ),
    "who subscribed by arrival is left out": (
        int(at_arrival.sum()),
        "nothing left to bring about",
        IN_WORLDS,
    ),
    "KINDS: smooth and rough": ("", "two extremes", IN_WORLDS),
    "DEAL_SEED of the rough world": (DEAL_SEED, "it matters; ten others below", IN_WORLDS),
    "SPLIT_SEED": (SPLIT_SEED, "convention; intervals below", IN_WORLDS),
    "parts, stratified": ("70 / 15 / 15", "convention", IN_WORLDS),
    "half of the training starts inbound": ("0.5", "they are few", IN_WORLDS),
}
SIZES = set(
    "N_MILESTONES N_EVENTS SUBSCRIPTION N_PATTERNS WAIT INBOUND COUNTRY BOOTCAMP".split()
)
SIZES |= set("ATTRIBUTES CHANCES BASELINE MILESTONES WORLDS RESPONSIVE_FEATURES".split())


def constants(module) -> set[str]:
    """The public names in capitals that a module's own lines define."""
    lines = ast.parse(inspect.getsource(module)).body
    targets = [t for line in lines if isinstance(line, ast.Assign) for t in line.targets]
    targets += [line.target for line in lines if isinstance(line, ast.AnnAssign)]
    places = [name for t in targets for name in ast.walk(t) if isinstance(name, ast.Name)]
    return {name.id for name in places if name.id.isupper() and not name.id.startswith("_")}


found = set.union(
    *(constants(module) for module in (base_rates, responsive, responsive_worlds))
)
listed = set(re.findall(r"\w+", " ".join(assumptions)))
assert {"RIDGE", "HOME", "SELECTION", "DEAL_SEED"} <= found and found >= SIZES
assert found | set(BASELINE._fields) <= listed | SIZES
without = sum(evidence == NONE for _, evidence, _ in assumptions.values())
glue("responsive-without", str(without), display=False)
glue("responsive-assumptions", str(len(assumptions)), display=False)


def wrapped(rows: dict[str, tuple], header: tuple[str, ...]) -> HTML:
    """A table whose cells wrap on a phone."""
    table = pd.DataFrame([(name, *cells) for name, cells in rows.items()], columns=header)
    left = '<td style="text-align: left; white-space: normal">'
    return HTML(table.to_html(index=False, justify="left", border=0).replace("<td>", left))


wrapped(assumptions, ("assumption", "value", "evidence", "in crm_rl/worlds/"))

# %% [markdown]
# For {glue:text}`responsive-without` of {glue:text}`responsive-assumptions` there is no evidence at all. **No number of
# this chapter says what an action would do for a
# real customer.** What the world is good for is another question: *if* actions work in some such way, which methods
# find out? The constants were fixed before any learner was let into
# it, so that they cannot have been chosen to flatter one; `data/worlds/README.md` keeps the log.
#
# ### What the agent will see
#
# Observations keep their 15 places from [chapter 1](01_data_processing.ipynb), and some change their meaning:
# everything is as it
# stands *in the episode*, never as the record ends.

# %%
from crm_rl.worlds.responsive_world import RESPONSIVE_FEATURES

in_episode = {f.name: (f.meaning, f.unit, f.scale, f.source) for f in RESPONSIVE_FEATURES}
wrapped(in_episode, ("feature", "meaning", "unit", "scale", "from"))

# %% [markdown]
# Week, contacts, the five flags, inbound and the two standings are all among them, and these make up the state: here,
# unlike in chapter 3, **the observation has
# the Markov property**. (A standing is computed from all customers' subscriptions, those of the test part too. In the
# replay world that would be {term}`leakage`. Here
# no recorded outcome is to be predicted; the standing is merely a place on the map by which affinities were dealt.)
#
# Customers start with what was known at their arrival: milestones dated on or before it. They are split at random into
# train, val and test, 70 / 15 / 15, with the same shares of inbound customers and subscribers in each.

# %%
worlds = responsive_worlds.responsive_worlds(customers, rates)
test = worlds["test"].population
people, place = starts_of(test)
count, inbound = np.bincount(place), people.inbound == 1
N = int(count.sum())
assert count[~inbound & (people.start == 0)].sum() > 0.99 * count[~inbound].sum()
assert (people.start[inbound] > 0).all()
glue("responsive-n", f"{N:,}", display=False)
glue("responsive-inbound", str(int(count[inbound].sum())), display=False)
glue("responsive-distinct", str(len(count)), display=False)
print(
    f"test: {N:,} customers, {count[inbound].sum()} of them inbound; {len(count)} distinct"
)

# %% tags=["hide-input"]
in_country = np.bincount(np.unique(test.country, return_inverse=True)[1]).max() / N
in_bootcamp = pd.Series(test.bootcamp[test.inbound == 1]).value_counts(normalize=True).max()
assert in_country > 0.5 and in_bootcamp > 0.7
glue("responsive-country", f"{in_country:.0%}", display=False)
glue("responsive-bootcamp", f"{in_bootcamp:.0%}", display=False)
print(
    f"largest country: {in_country:.0%}; inbound with one and the same bootcamp: {in_bootcamp:.0%}"
)

# %% [markdown]
# The map of standings is not evenly peopled. One country holds {glue:text}`responsive-country` of the test customers,
# and {glue:text}`responsive-bootcamp` of the inbound ones share one bootcamp standing (that of a missing
# bootcamp: who comes by himself is rarely asked). So there are fewer kinds of customers than the map has places.

# %% [markdown]
# ## The exact plan
#
# For one customer the recursion {eq}`responsive-backward` becomes
#
# $$
# \begin{aligned}
# q_t(f, c, a) = {}& p_{\text{sub}} V - \mathrm{cost}_a \\
# & + (1 - p_{\text{sub}})(1 - p_{\text{out}}) \\
# & \quad \times \sum_{f'} \Pr(f' \mid f, a)\, v_{t+1}(f', c')
# \end{aligned}
# $$ (responsive-week)
#
# with milestones $f$, contacts $c$ and $c'$, the value $V$ of a subscription, and the chances $p_{\text{sub}}$ and
# $p_{\text{out}}$ of a subscription and of losing the
# customer. That is $12 \times 32 \times 6$ states with six actions and at most 32 successors, for each customer apart.
# Customers who agree in attributes and
# start have the same plan, so the {glue:text}`responsive-n` test customers need only {glue:text}`responsive-distinct`
# of them. `crm_rl/planning/exact.py` is {eq}`responsive-week` in two loops.
#
# The *value* of a policy, from here on, is its expected dollars a customer over the twelve weeks: subscriptions times
# 5,000, less the cost of actions.

# %%
plan = optimal(people, BASELINE)
best = plan.at_start(people)


def worth(probabilities: np.ndarray, rules=BASELINE) -> np.ndarray:
    """The exact value of a policy for each distinct test customer."""
    return evaluate(probabilities, people, rules).at_start(people)


def mean(values: np.ndarray, who: np.ndarray | None = None) -> float:
    """The mean over test customers of a value for each distinct one."""
    who = np.ones(len(count), dtype=bool) if who is None else who
    return float(np.average(values[who], weights=count[who]))


waiting = worth(always(WAIT))
assert (best >= waiting).all() and plan.q.shape == (len(count), 12, 32, 6, 6)
print(f"always wait: {mean(waiting):.2f} $ a customer; the best policy: {mean(best):.2f} $")

# %% [markdown]
# ### Is it right?
#
# A plan is a computation like any other, and it will be the yardstick of all that follows. Four checks.
#
# **By hand.** Dora, put into the package's terms, must give the numbers of the box.

# %% tags=["hide-input"]
only_calls = np.zeros((6, 6))
only_calls[CALL, SUBSCRIPTION] = 1
dora = invented._replace(
    affinity=np.ones((1, 6)), quiet=np.log1p(-np.full((2, 32, 6), 0.1))
)
two_weeks = BASELINE._replace(
    weeks=2,
    lift=1.0,
    organic=0.0,
    drives=tuple(map(tuple, only_calls)),
    action_cost=(1.0, 1.0, 1.0, 1.0, 0.0, 1.0),
    value=100.0,
    opt_out=0.0,
)
q = optimal(dora, two_weeks).q[0, :, 0, 0]
assert np.allclose(q[:, [WAIT, CALL]], [[26.2, 32.58], [10, 18]])
pd.DataFrame(
    q[:, [WAIT, CALL]].round(2), index=["week 1", "week 2"], columns=["wait", "call"]
)

# %% [markdown]
# **All trajectories written out.** For one real customer and two weeks we go through every combination of events of
# week 1 and of week 2, multiply their
# probabilities and add up. It is slow, and shares with the planner nothing but the hazards.


# %%
def written_out(customer, week, reached, contacts, policy, rules) -> float:
    """The value of a policy, event by event."""
    if week == rules.weeks:
        return 0.0
    action, total = policy[week, reached, contacts], 0.0
    p = [event_chance(e, customer, reached, action, people, rules) for e in range(6)]
    free = [e for e in range(5) if not reached >> e & 1] + [SUBSCRIPTION]
    for happens in itertools.product((False, True), repeat=len(free)):
        now = dict(zip(free, happens, strict=True))
        likely = np.prod([p[e] if now[e] else 1 - p[e] for e in free])
        value = now[SUBSCRIPTION] * rules.value - rules.action_cost[action]
        if not now[SUBSCRIPTION]:
            then = reached | sum(1 << e for e in free if now[e])
            stays = 1 - opt_out_chance(contacts, action, rules)
            after = min(contacts + (action != WAIT), rules.most_contacts)
            value += stays * written_out(customer, week + 1, then, after, policy, rules)
        total += likely * value
    return total


short = BASELINE._replace(weeks=2, free_contacts=0)
someone = int(np.flatnonzero(inbound)[0])
planned = optimal(people, short)
policy = planned.q[someone].argmax(axis=-1)
slowly = written_out(someone, 0, int(people.start[someone]), 0, policy, short)
quickly = planned.at_start(people)[someone]
assert np.isclose(slowly, quickly)
print(f"written out {slowly:.6f} $, by the plan {quickly:.6f} $")

# %% [markdown]
# **By playing.** We let 40 episodes of the best policy run for each test customer. The mean must agree within the error
# of the draw. The same episodes tell
# something else: if each week pays the *expected* reward $p_{\text{sub}} V$ instead of $V$ when a subscription happens,
# the exact Q-values are the same to the last digit, as the cell asserts, and so is the plan. Is the noise smaller?

# %%
from crm_rl.worlds.responsive import CHANCES, start_all, step_all


def play(policy: np.ndarray, rules, seed: int, times: int = 40) -> np.ndarray:
    """The returns of that many episodes a test customer, `policy` indexed as the plan, shape (customers * times,)."""
    rng, who = np.random.default_rng(seed), np.repeat(place, times)
    states, total, running = (
        start_all(who, people, rules),
        np.zeros(len(who)),
        np.ones(len(who), bool),
    )
    for week in range(rules.weeks):
        actions = policy[who, week, states.milestones, states.contacts]
        outcome = step_all(states, actions, people, rules, rng.random((len(who), CHANCES)))
        total += outcome.reward * running
        running &= ~outcome.terminated
        states = outcome.state
    return total


choice = plan.q.argmax(axis=-1)
assert np.array_equal(optimal(people, BASELINE._replace(expected_reward=True)).q, plan.q)
played = {
    "sampled": play(choice, BASELINE, seed=1),
    "expected": play(choice, BASELINE._replace(expected_reward=True), seed=1),
}
rows = {}
for name, total in played.items():
    of_each = total.reshape(-1, 40)
    for who, mask in {
        "all": np.ones(N, bool),
        "inbound": test.inbound == 1,
        "outbound": test.inbound == 0,
    }.items():
        rows[who, name] = {
            "exact": np.mean(best[place][mask]),
            "mean": of_each[mask].mean(),
            "standard error": np.sqrt(
                of_each[mask].var(axis=1, ddof=1).mean() / of_each[mask].size
            ),
        }
simulated = pd.DataFrame(rows).T
error = simulated["standard error"]
assert ((simulated["mean"] - simulated["exact"]).abs() < 3.5 * error).all()
assert error["outbound", "expected"] < 0.7 * error["outbound", "sampled"]
assert error["inbound", "expected"] > error["inbound", "sampled"]
print(f"{len(played['sampled']):,} episodes")
simulated.sort_index(level=0, sort_remaining=False).round(2)

# %% [markdown]
# The standard error is that of the draw for these customers: the variance within each customer's 40 episodes. For
# outbound customers, of whom few subscribe whatever we do, expected rewards are
# quieter. For inbound customers they are **noisier**, and in all nothing is gained. A single week's reward is quieter
# for everybody; but the return adds up these chances until the episode ends, and *when* it ends remains luck. Chapter
# 10 comes back to it.
#
# **A property.** At $\rho = 1$ actions change no event and nobody opts out, so every policy must bring the same
# subscriptions. With a subscription worth 1 and free
# actions, a policy's value *is* its probability of a subscription. Five policies drawn at random:

# %%
organic = BASELINE._replace(organic=1.0, value=1.0, action_cost=(0.0,) * 6)
rng = np.random.default_rng(3)
at_random = [
    worth(rng.dirichlet(np.ones(6), size=(1, 12, 32, 6)), organic) for _ in range(5)
]
assert np.allclose(at_random, worth(always(WAIT), organic))
print("subscription % of five policies:", [round(100 * mean(v), 6) for v in at_random])

# %% [markdown]
# ## What the best policy does
#
# Now the part for the sales manager. Which action comes first, for whom?

# %% tags=["hide-input"]
side = (np.arange(30) + 0.5) / 30
across, up = (grid.ravel() for grid in np.meshgrid(side, side))
usual = int(np.bincount(test.start[test.inbound == 1]).argmax())
MILESTONE_NAMES = list(EVENTS)[:5]


def in_words(pattern: int) -> str:
    return (
        ", ".join(name for bit, name in enumerate(MILESTONE_NAMES) if pattern >> bit & 1)
        or "nothing"
    )


kinds = {"outbound, nothing yet": (0, 0), f"inbound, came by {in_words(usual)}": (1, usual)}
maps, marks = {}, {}
for title, (by_himself, start) in kinds.items():
    one = np.ones(len(across), dtype=np.int64)
    there = Population(
        one * by_himself, across, up, one * start, affinities(across, up), people.quiet
    )
    maps[title] = optimal(there, BASELINE).q[:, 0, start, 0].argmax(axis=-1).reshape(30, 30)
    alike = (people.inbound == by_himself) & (people.start == start)
    marks[title] = pd.DataFrame(
        {"country": people.country, "bootcamp": people.bootcamp, "customers": count}
    )[alike]
first = np.take_along_axis(plan.q[:, 0], people.start[:, None, None, None], axis=1)[
    :, 0, 0
].argmax(axis=-1)
pd.crosstab(
    np.where(inbound, "inbound", "outbound"),
    np.array(NAMES)[first],
    count,
    aggfunc="sum",
    rownames=["first action"],
    colnames=[""],
).fillna(0).astype(int)

# %% tags=["hide-input"]
outbound_map, inbound_map = maps.values()
assert WAIT in outbound_map and MANAGER not in outbound_map and MANAGER in inbound_map
assert np.bincount(first[~inbound], weights=count[~inbound]).argmax() == EMAIL
assert (outbound_map[:, -1] == EMAIL).all() and (outbound_map == EMAIL).mean() > 0.4
assert (outbound_map[23:, :4] == WAIT).all()

# %% mystnb={"figure": {"caption": "The best first action by where country and bootcamp stand. Black dots: test customers, larger where several stand.", "name": "fig-responsive-first"}, "image": {"alt": "Two maps. Outbound: email on the right and most of the middle, call at the lower left, survey at the bottom between them, demo only in a strip at the top, wait at the upper left, account manager nowhere. Inbound: the account manager takes the upper left, and demos a large area at the top."}} tags=["hide-input"]
plots.first_actions(maps, marks)
plt.show()

# %% [markdown]
# Each channel holds the ground around its home, the cheap ones more than the dear ({numref}`fig-responsive-first`). For
# an outbound customer there is little to be had, so where only a manager (20 dollars) or a demo
# (4 dollars) would reach well, upper left, it is best to **leave him alone**. For an inbound customer the same ground
# is worth the manager.
#
# And later? We follow the test customers through the plan: `reach` gives the probability of every state. First by how
# many milestones have been reached, in % of the weeks that customers spend there:

# %%
likely = reach(best_of(plan.q), people, BASELINE) * count[:, None, None, None]
doing = likely[..., None] * best_of(plan.q)
by_who = {"inbound": inbound, "outbound": ~inbound}
reached = np.array([pattern.bit_count() for pattern in range(32)])
rows = {
    (who, n): doing[mask][:, :, reached == n].sum(axis=(0, 1, 2, 3))
    for who, mask in by_who.items()
    for n in range(6)
}
by_reached = pd.DataFrame(rows, index=NAMES).T.rename_axis(["who", "reached"])
weeks = by_reached.sum(axis=1)
by_reached = (100 * by_reached.div(weeks, axis=0)).assign(weeks=weeks)[weeks > 5]
by_reached.round(1)

# %% tags=["hide-input"]
weekly = {}
for who, mask in by_who.items():
    in_week = 100 * doing[mask].sum(axis=(0, 2, 3)) / count[mask].sum()
    weekly[who] = pd.DataFrame(in_week, columns=NAMES)
by_inbound, wait_weekly = by_reached.loc["inbound", "wait"], weekly["inbound"]["wait"]
still_there = weekly["inbound"].sum(axis=1)
waited = 100 * wait_weekly / still_there  # of those still there; row 0 is week 1
assert waited[0] < 20 and waited[3] > 50 and waited[7] < 25 and waited[9:].max() < 1
assert waited[:4].is_monotonic_increasing and waited[5:].is_monotonic_decreasing
assert still_there[9] < 40 and still_there[4] > 60
outbound_weekly = weekly["outbound"]
assert (
    outbound_weekly.idxmax(axis=1).eq("email").all() and outbound_weekly["wait"].max() < 7
)
assert (outbound_weekly[["survey", "call"]] > 0).all(axis=None)
assert outbound_weekly.sum(axis=1)[2] > 99 > outbound_weekly.sum(axis=1)[3]
assert by_inbound.idxmax() >= 3 and by_inbound[[3, 4]].min() > 30 and by_inbound[1] < 15

# %% mystnb={"figure": {"caption": "What the best policy does in each week, of all who began. What is missing to 100% has subscribed or opted out.", "name": "fig-responsive-weekly"}, "image": {"alt": "Bars by week. Inbound: nearly all get a contact in the first week; then more and more are left alone, over half of those still there in week 4, under a quarter by week 8 and none in the last three weeks, when fewer than two in five are still there. Outbound: email for most, survey and call for others every week, hardly any waiting; the bars shrink from week 4 on."}} tags=["hide-input"]
plots.actions_by_week(weekly)
plt.show()

# %% [markdown]
# With inbound customers the best policy makes contact, then leaves many of them alone, and comes back towards the end
# ({numref}`fig-responsive-weekly`). In numbers, of those inbound customers who are still there:

# %%
assert len(waited) == 12
pd.DataFrame({"still there, %": still_there, "of these waited with, %": waited}).set_axis(
    range(1, 13)
).round(0).astype(int).T

# %% [markdown]
# With one milestone reached it rarely waits; with three or four of five it waits often. Why wait with a customer who
# has come so far?


# %%
def weeks_waited(rules, who: np.ndarray) -> float:
    """The share of their weeks in which the best policy waits with these customers."""
    policy = best_of(optimal(people, rules).q)
    visits = (reach(policy, people, rules) * count[:, None, None, None])[who]
    return (visits * policy[who][..., WAIT]).sum() / visits.sum()


waits_now = weeks_waited(BASELINE, inbound)
waits_free = weeks_waited(BASELINE._replace(action_cost=(0.0,) * 6), inbound)
waits_then = weeks_waited(BASELINE._replace(opt_out=0.0), inbound)
assert waits_now > 0.25 and waits_then < 0.01 and waits_free > 0.25
glue("responsive-waits", f"{waits_now:.0%}", display=False)
print(f"inbound weeks spent waiting: {waits_now:.1%}")
print(f"if all actions were free: {waits_free:.1%}")
print(f"if nobody ever opted out: {waits_then:.1%}")

# %% tags=["hide-input"]
visits = likely[inbound].sum(axis=(0, 2))
wait_share = doing[inbound][..., WAIT].sum(axis=(0, 2)) / visits.clip(1e-9)
seldom = visits < 0.1  # a tenth of one customer
waits = pd.DataFrame(np.where(seldom, np.nan, wait_share).T, columns=range(1, 13))
assert waits.iloc[:, -3:].max(axis=None) < 0.02 and waits.loc[0, 2] > 0.8

# %% mystnb={"figure": {"caption": "Inbound test customers under the best policy: how often it waits (%), by week and contacts so far. Cells that hardly anybody is in are empty.", "name": "fig-responsive-waiting"}, "image": {"alt": "Heat map. In the first weeks those who were waited with are waited with again; along each row waiting becomes rarer, and in the last three weeks it is zero or one percent, whatever the number of contacts."}} tags=["hide-input"]
plots.waiting_map(waits)
plt.show()

# %% [markdown]
# In {glue:text}`responsive-waits` of the weeks it waits, and the reason is not the price but the opt-out: take that
# away, and it hardly ever does. Contacts are a stock: up to the fifth, each makes all later ones riskier, and what it
# risks is *all that is still to come*. So they are spent
# where they do most. Early, to open a milestone on which others depend. Late, when little is left to lose
# ({numref}`fig-responsive-waiting`). In between, with most milestones reached, the next may come by itself, and each
# week that passes without a contact is a chance
# without a risk. No model of "who is likely to buy this week?" would have said so; it takes looking ahead.
#
# One customer's card, for the wall: the inbound customer of whose kind there are most. A row is what has been reached,
# a cell what to do, at the number of contacts that is likeliest there; it is empty where he hardly ever is.

# %%
typical = int(np.flatnonzero(inbound)[count[inbound].argmax()])
one = reach(best_of(plan.q), people, BASELINE)[typical]
rows = {}
for pattern in np.argsort(-one.sum(axis=(0, 2)), kind="stable")[:6]:
    contacts = one[:, pattern].argmax(axis=-1)
    action = choice[typical, range(12), pattern, contacts]
    met = one[:, pattern].sum(axis=-1) > 0.005
    letters = ["ecds.m"[a] if there else "" for a, there in zip(action, met, strict=True)]
    rows[in_words(pattern)] = letters
print("e email, c call, d demo, s survey, m manager, . wait")
pd.DataFrame(rows, index=range(1, 13)).T

# %% [markdown]
# ### The money at stake
#
# These values are exact *for these customers*. With other customers from the same source they would be others, so we
# draw the customers anew,
# with replacement, 2,000 times: a {term}`bootstrap`. In brackets is where 95% of the draws lie, here for the rates and
# dollars and for the weeks of waiting above.
#
# We do not draw them one by one. Customers of one pair of country and bootcamp are treated alike and are worth alike, so
# a hundred of them are no hundred witnesses, and intervals that take them for that are too short
# {cite:p}`cameron2015`. We draw whole *pairs*, each with all its customers, and scale the inbound and the outbound ones
# to as many as there are. So the brackets take as given how many inbound customers come; with more of them there would
# be more to gain.

# %% tags=["hide-input"]
from crm_rl.evaluation.intervals import in_words as where_it_lies
from crm_rl.evaluation.intervals import redraw_customers

pair = responsive_worlds.pairs_of(customers.iloc[worlds["test"].rows])
customers_again = redraw_customers(np.ones(N), test.inbound, pair, np.random.default_rng(9))
redrawn = customers_again @ np.eye(len(count))[place]  # by distinct customer
assert np.allclose(redrawn.sum(axis=1), N)
assert np.allclose(redrawn[:, inbound].sum(axis=1), count[inbound].sum())


def middle(values: np.ndarray) -> tuple[float, float]:
    """Between which two numbers 95% of what redrawn customers give lies."""
    return tuple(np.quantile(values, [0.025, 0.975]))


def redrawn_mean(values: np.ndarray, who: np.ndarray) -> str:
    """The interval of the mean over these customers, in words."""
    means = redrawn[:, who] @ values[who] / redrawn[:, who].sum(axis=1)
    return "{:,.2f} to {:,.2f}".format(*middle(means))


only_subscriptions = BASELINE._replace(value=1.0, action_cost=(0.0,) * 6)
rate_best, rate_wait = (
    worth(best_of(plan.q), only_subscriptions),
    worth(always(WAIT), only_subscriptions),
)
rows = {}
in_question = {
    "subscribe if we wait, %": 100 * rate_wait,
    "by the plan, %": 100 * rate_best,
    "waiting, $ each": waiting,
    "plan, $ each": best,
    "gain, $ each": best - waiting,
}
for who, mask in {"all": np.ones(len(count), bool), **by_who}.items():
    rows[who] = {"customers": str(count[mask].sum())}
    for name, values in in_question.items():
        rows[who][name] = f"{mean(values, mask):,.2f} ({redrawn_mean(values, mask)})"
    rows[who]["gain, $ in all"] = f"{(best - waiting)[mask] @ count[mask]:,.0f}"
money = pd.DataFrame(rows)
of_gain = ((best - waiting) * count)[inbound].sum() / ((best - waiting) * count).sum()
over = (redrawn * (best - waiting))[:, inbound].sum(axis=1) / (redrawn @ (best - waiting))
low, high = middle(over)
spent = (
    likely.sum(axis=(1, 2, 3)) / count
)  # weeks a customer, until he subscribes, is lost or time is up
waited_weeks = doing[..., WAIT].sum(axis=(1, 2, 3)) / count
waits_redrawn = (redrawn * waited_weeks)[:, inbound].sum(axis=1) / (redrawn * spent)[
    :, inbound
].sum(axis=1)
assert np.isclose(
    waits_now, (waited_weeks * count)[inbound].sum() / (spent * count)[inbound].sum()
)
assert middle(waits_redrawn)[0] > 0.15
assert of_gain > 2 / 3 and count[inbound].sum() / N < 0.03
glue(
    "responsive-inbound-gain",
    f"{of_gain:.0%} ({low:.0%} to {high:.0%})",
    display=False,
)
glue("responsive-inbound-share", f"{count[inbound].sum() / N:.1%}", display=False)
of_pair = np.bincount(pair, weights=(best - waiting)[place] * test.inbound)
of_pair = of_pair[of_pair > 0] / of_pair.sum()
assert 15 < len(of_pair) < 25 and of_pair.max() > 0.2
glue("responsive-inbound-pairs", str(len(of_pair)), display=False)
glue("responsive-largest-pair", f"{of_pair.max():.0%}", display=False)
glue("responsive-plan-inbound", f"{mean(rate_best, inbound):.0%}", display=False)
print(
    "inbound weeks spent waiting: {:.1%} ({:.1%} to {:.1%})".format(
        waits_now, *middle(waits_redrawn)
    )
)
money.T

# %% [markdown]
# {glue:text}`responsive-inbound` inbound customers, {glue:text}`responsive-inbound-share` of the test part, hold
# {glue:text}`responsive-inbound-gain` of all there is to gain. They come from {glue:text}`responsive-inbound-pairs`
# pairs, and one pair alone holds {glue:text}`responsive-largest-pair` of what they have to gain. With so few pairs even
# these intervals are rather too short than too long. So every score of Part III rests on a few dozen people,
# whatever the number of episodes, and comes with an interval over customers, for
# inbound and outbound apart. Look also at how strong this world is: the plan brings
# {glue:text}`responsive-plan-inbound` of the inbound customers to subscribe. That is what
# "lift 10" means, and no sales team should expect it.
#
# ## With the published costs, and with no lift
#
# The study's points are 100 for a subscription, and 1, 5, 10, 2, 0 and 20 for email, call, demo, survey, wait and
# manager, as coded.
#
# :::{admonition} Predict
# :class: predict
# In the study's world actions change nothing: lift 0. What is the best policy there? And with the study's points and
# our lift of 10?
# :::

# %%
points = BASELINE._replace(value=100.0, action_cost=(1.0, 5.0, 10.0, 2.0, 0.0, 20.0))
rows = {}
for name, rules in {
    "points, no lift": points._replace(lift=0.0),
    "dollars, no lift": BASELINE._replace(lift=0.0),
    "points, lift 10": points,
    "dollars, lift 10": BASELINE,
}.items():
    found = optimal(people, rules)
    rows[name] = {
        "waiting": mean(worth(always(WAIT), rules)),
        "best": mean(found.at_start(people)),
        "inbound waits %": 100 * weeks_waited(rules, inbound),
        "outbound waits %": 100 * weeks_waited(rules, ~inbound),
        "all states %": 100 * (found.q.argmax(axis=-1) == WAIT).mean(),
    }
published = pd.DataFrame(rows).T
assert np.allclose(published.iloc[:2, 2:], 100)
assert published.loc["points, lift 10", "outbound waits %"] > 99
published.round(2)

# %% [markdown]
# (The last three columns: in how many of the weeks that inbound and outbound customers go through the best policy
# waits, and in how many of all states.) With no lift it is best to wait: in every state, for every customer, with
# either prices. It needs no computer: an action that changes nothing and costs something is a loss. If actions do
# nothing, as in the
# study's own world, and only subscriptions pay, the best policy is to do nothing. With the study's points and a lift of
# 10, waiting stays best for outbound customers
# nearly always: a contact for 1 point is dear where a subscription, worth 100, is a matter of one in thousands. The
# study's prices settle most of the answer before any learning begins.
#
# ## How good are simple policies?
#
# A gain in dollars depends on what we say a subscription is worth. The score of Part III depends on it less, by how
# much we shall see: the **share of the attainable gain**, of what the best policy adds to waiting, as a ratio of sums
# over test customers:
#
# $$
# \frac{\sum_i (V_i^{\pi} - V_i^{\text{wait}})}{\sum_i (V_i^{*} - V_i^{\text{wait}})} .
# $$ (responsive-share)
#
# :::{admonition} By hand: why not the mean of the ratios
# :class: by-hand
#
# Two customers. For one there are 3,000 dollars to gain and the policy gains 1,500; for the other there is 1 dollar and
# it gains all of it. Ratio of sums: $1501 / 3001 = 50\%$.
# Mean of ratios: $(50\% + 100\%) / 2 = 75\%$, as if the dollar were worth as much as the three thousand. And where
# there is nothing to gain a ratio means nothing.
# :::

# %%
by_formula = share_of_gain(np.array([1500.0, 1.0]), np.zeros(2), np.array([3000.0, 1.0]))
assert round(by_formula, 2) == 0.50
print(f"{by_formula:.4f}")

# %% [markdown]
# The rivals that a team could write down on a Monday morning:
#
# - each action, always; and a random one;
# - *two emails*, then leave alone;
# - *the playbook*: inbound customers get the action of the first milestone they lack (call, demo, survey, email for the
#   signup, manager), the others two emails;
# - *one for everybody*: a plan that knows milestones, week and contacts but nothing about who the customer is;
# - *inbound apart*: the same, two plans;
# - *the best channel*: always the action with the customer's highest affinity.
#
# How to find a good plan for everybody? One candidate: average the customers' Q-values, weighted by how many they are,
# and be greedy. That is **a candidate and
# not the best**, for $q_*$ supposes that from next week on everybody gets a plan of his own, and it counts customers in
# states they never come to. The second candidate improves a given plan
# week by week with the Q-values of the policy itself, each customer weighted by how likely he is to be in the state
# (`shared_policy`). No step makes it worse, but it may end where no single step helps, short of
# the best. So we start it from three plans, the averaged one, always email and always demo, and keep what is worth most
# *on training customers*; all of this uses no others. "Inbound apart" starts from the winner, twice.

# %%
train = worlds["train"].population
trainees, of_trainee = starts_of(train)
train_count = np.bincount(of_trainee)
train_plan = optimal(trainees, BASELINE)


def averaged(group: np.ndarray) -> np.ndarray:
    """Greedy on the average Q of each group of training customers, shape (groups, weeks, 32, contacts)."""
    of_groups = [
        np.average(train_plan.q[group == g], axis=0, weights=train_count[group == g])
        for g in range(group.max() + 1)
    ]
    return np.array(of_groups).argmax(axis=-1)


everyone_alike = np.zeros(len(train.start), dtype=np.int64)
for_all = averaged(np.zeros(len(train_count), dtype=np.int64))
apart = averaged(trainees.inbound)
ONE_HOT = np.eye(6)


def in_training(policy: np.ndarray) -> float:
    """What a plan for everybody is worth, in dollars a training customer."""
    values = evaluate(ONE_HOT[policy], trainees, BASELINE).at_start(trainees)
    return float(np.average(values, weights=train_count))


first_plans = {
    "averaged": for_all,
    "always email": np.full((1, 12, 32, 6), EMAIL),
    "always demo": np.full((1, 12, 32, 6), DEMO),
}
candidates = {
    name: shared_policy(start, everyone_alike, train, BASELINE, rounds=6)
    for name, start in first_plans.items()
}
in_train = {name: in_training(policy) for name, policy in candidates.items()}
improved = candidates[max(in_train, key=in_train.get)]
improved_apart = shared_policy(
    improved.repeat(2, axis=0), train.inbound, train, BASELINE, 4
)
starts = pd.DataFrame(
    {"start": {n: in_training(p) for n, p in first_plans.items()}, "improved": in_train}
)
assert (starts["improved"] > starts["start"]).all() and np.ptp(starts["improved"]) < 3
print("dollars a training customer")
starts.round(2)

# %%
lacks = [
    next((bit for bit in range(5) if not pattern >> bit & 1), None) for pattern in range(32)
]
step_of = [CALL, DEMO, SURVEY, EMAIL, MANAGER]
two_emails = np.full((12, 32, 6), WAIT)
two_emails[:, :, :2] = EMAIL
playbook = np.full((12, 32, 6), WAIT)
for pattern, bit in enumerate(lacks):
    playbook[:, pattern] = WAIT if bit is None else step_of[bit]

BEST_CHANNEL = ONE_HOT[people.affinity.argmax(axis=1)][:, None, None, None]

policies = {f"always {name}": worth(always(action)) for action, name in enumerate(NAMES)}
policies |= {
    "random": worth(np.full(6, 1 / 6)),
    "two emails": worth(ONE_HOT[two_emails]),
    "the playbook": worth(ONE_HOT[np.array([two_emails, playbook])[people.inbound]]),
    "one for everybody, averaged": worth(ONE_HOT[for_all]),
    "one for everybody, improved": worth(ONE_HOT[improved]),
    "inbound apart, averaged": worth(ONE_HOT[apart][people.inbound]),
    "inbound apart, improved": worth(ONE_HOT[improved_apart][people.inbound]),
    "the best channel": worth(BEST_CHANNEL),
    "the plan": best,
}


# %%
def score(values: np.ndarray, who: np.ndarray) -> np.ndarray:
    """The share of the gain: of these customers, and 2.5% and 97.5% of what redrawn customers give."""
    gain, most = (values - waiting)[who], (best - waiting)[who]
    again = redrawn[:, who] @ gain / (redrawn[:, who] @ most)
    return np.array([gain @ count[who] / (most @ count[who]), *middle(again)])


def in_words_of(parts: np.ndarray) -> str:
    """A number and its interval."""
    shown = "{:.2f} ({:.2f} to {:.2f})".format(*(np.round(parts, 2) + 0.0))
    return shown.replace("-", "−")


everybody = np.ones(len(count), dtype=bool)
scores = {
    name: [score(v, who) for who in (everybody, inbound, ~inbound)]
    for name, v in policies.items()
}
pd.DataFrame(
    {name: [in_words_of(part) for part in parts] for name, parts in scores.items()},
    index=["all", "inbound", "outbound"],
).T

# %% [markdown]
# And in dollars a customer, costs taken off:

# %% tags=["hide-input"]
groups = {"all": everybody, **by_who}
in_dollars = {n: [mean(v, mask) for mask in groups.values()] for n, v in policies.items()}
pd.DataFrame(in_dollars, index=groups).T.round(2)

# %% tags=["hide-input"]
share = {name: parts[0][0] for name, parts in scores.items()}
constants = [f"always {name}" for name in NAMES]


def ahead_by(first: str, second: str) -> np.ndarray:
    """By how much of the gain the first policy is ahead, over the same redrawn customers."""
    return score(policies[first] - policies[second] + waiting, everybody)


apart_adds = ahead_by("inbound apart, improved", "one for everybody, improved")
over_email = ahead_by("one for everybody, improved", "always email")
by_averaging = ahead_by("one for everybody, improved", "one for everybody, averaged")
for_averaged = ahead_by("always email", "one for everybody, averaged")
assert over_email[1] > 0 and by_averaging[1] > 0 and for_averaged[2] > 0
assert scores["always manager"][0][2] < -1 and np.ptp(scores["always email"][0][1:]) > 0.25
assert max(scores[name][0][2] for name in share if name != "the plan") < 0.95
assert max(constants, key=share.get) == "always email"
assert (
    share["one for everybody, averaged"]
    < share["always email"]
    < share["one for everybody, improved"]
    < 0.9
)
assert share["always email"] > 0.6
assert share["the playbook"] < share["two emails"] < 0.25
assert np.abs(apart_adds).max() < 0.03
assert 0.74 < share["one for everybody, improved"] < 0.86
assert 0.7 < share["the best channel"] < 0.85
of_all = {name: in_words_of(parts[0]) for name, parts in scores.items()}
glue("responsive-email", of_all["always email"], display=False)
glue("responsive-averaged", of_all["one for everybody, averaged"], display=False)
glue("responsive-improved", of_all["one for everybody, improved"], display=False)
glue("responsive-playbook", of_all["the playbook"], display=False)
glue("responsive-channel", of_all["the best channel"], display=False)
glue("responsive-over-email", in_words_of(over_email), display=False)
glue("responsive-by-averaging", in_words_of(by_averaging), display=False)
glue("responsive-for-averaged", in_words_of(for_averaged), display=False)
left_over = 1 - scores["one for everybody, improved"][0]
glue(
    "responsive-rest",
    f"{left_over[0]:.2f} ({left_over[2]:.2f} to {left_over[1]:.2f})",
    display=False,
)
print(
    "inbound apart adds {:.3f} ({:.3f} to {:.3f}) to one for everybody".format(*apart_adds)
)

# %% mystnb={"figure": {"caption": "The share of the attainable gain that simple policies get, exact for these customers. Line: 95% interval over customers.", "name": "fig-responsive-shares"}, "image": {"alt": "Dot plot. Always email gets about two thirds to three quarters, with an interval over a quarter wide; the other constant actions and random far less, the playbook less than a tenth; one plan for everybody gets less than always email when averaged and more when improved, about 0.75 to 0.85; the best channel about three quarters. Only the plan reaches 1."}} tags=["hide-input"]
in_figure = pd.DataFrame(
    [[*parts[0], parts[1][0], parts[2][0]] for parts in scores.values()],
    index=list(scores),
    columns=["all", "low", "high", "inbound", "outbound"],
).drop("always wait")
plots.shares_of_gain(in_figure)
plt.show()

# %% [markdown]
# What we read from {numref}`fig-responsive-shares`:
#
# - **Cheap and persistent goes far**: to email everybody in every week gets {glue:text}`responsive-email`. The
#   playbook, which sounds more like sales, gets
#   {glue:text}`responsive-playbook`: it insists on a call until the call has happened, whoever is called.
# - **A wrong policy is worse than none**: a manager for everybody costs more than the whole gain.
# - **Averaging Q-values is a trap**: {glue:text}`responsive-averaged`. For these customers that is less even than always
#   email, by {glue:text}`responsive-for-averaged`, and less by {glue:text}`responsive-by-averaging` than the plan that
#   is improved with its own values.
# - **One improved plan for everybody** gets {glue:text}`responsive-improved`, {glue:text}`responsive-over-email` more
#   than always email, and knows nothing of who the customer is.
# - **To know inbound from outbound adds almost nothing** to that: the milestones at arrival already tell them apart.
# - **Knowing each customer's best channel, and nothing else**, gets {glue:text}`responsive-channel`. Neither *who* nor
#   *when* alone is enough.
#
# What is left for learning who the customer is, in this smooth world: {glue:text}`responsive-rest` of the gain, over the
# best shared plan that we found. That is what tables and networks can
# compete for in the next chapter, and the table's rows say where.

# %% [markdown]
# ## Rewards for steps on the way
#
# Subscriptions are rare, so one likes to pay a learner for steps towards them: the study pays 15 points for a call, 10
# for a demo, 5 for a survey. That is {term}`reward shaping`.
# Does it leave the best policy as it was? In a world that we can solve we need not argue: solve it with the extra
# rewards, and value the result *without* them.
#
# We take them as dollars, and once more ten and a hundred times as large, and each in two forms. Let the *potential* of
# a state, $\Phi(s)$, be the sum of the
# rewards of the milestones reached.
#
# - **Plain**: pay for each milestone when it is reached, that is $\Phi(s') - \Phi(s)$.
# - **Potential-based**: pay $\Phi(s') - \Phi(s)$ too, but let $\Phi$ be 0 wherever the episode ends: at the
#   subscription, the opt-out **and** after the last week. The end takes
#   back what was paid.
#
# :::{admonition} Predict
# :class: predict
# The two differ in the last payment only. Which of them changes what is best?
# :::


# %%
def under_shaping(size: float, potential_based: bool) -> dict:
    """Solve with stage rewards; say how the best policy differs and what it is really worth."""
    bonus = BASELINE._replace(
        stage_reward=(15.0 * size, 10.0 * size, 5.0 * size, 0.0, 0.0),
        potential_based=potential_based,
    )
    chosen = optimal(people, bonus).q.argmax(axis=-1)
    lost = best - worth(ONE_HOT[chosen])
    truly = np.take_along_axis(plan.q, chosen[..., None], axis=-1)[..., 0]
    worse = plan.value - truly > 1e-6
    again = score(best - lost, everybody)
    return {
        "rewards": f"{15 * size:g} / {10 * size:g} / {5 * size:g}",
        "form": "potential-based" if potential_based else "plain",
        "states changed, %": round(100 * worse.mean(), 2),
        "weeks changed, %": round(100 * (worse * likely).sum() / likely.sum(), 2),
        "lost, $ each": round(mean(lost), 3) + 0.0,
        "share of the gain": f"{again[0]:.4f} ({again[1]:.4f} to {again[2]:.4f})",
    }


shaping = pd.DataFrame(
    [under_shaping(size, form) for size in (1, 10, 100) for form in (False, True)]
)
plain = shaping[shaping["form"] == "plain"]
based = shaping[shaping["form"] == "potential-based"]
assert (based[["states changed, %", "weeks changed, %", "lost, $ each"]] == 0).all(
    axis=None
)
assert (plain["states changed, %"] > 0).all() and plain[
    "lost, $ each"
].is_monotonic_increasing
assert plain["lost, $ each"].iloc[0] < 0.05 and plain["lost, $ each"].iloc[2] > 5
glue("responsive-shaped-weeks", f"{plain['weeks changed, %'].iloc[0]:.1f}%", display=False)
glue("responsive-shaped-lost", f"{100 * plain['lost, $ each'].iloc[0]:.1f}", display=False)
glue("responsive-shaped-100", f"{plain['lost, $ each'].iloc[2]:.2f}", display=False)
shaping.drop(columns="states changed, %")

# %% [markdown]
# Plain rewards change the best policy in every row, though in the first by little: {glue:text}`responsive-shaped-weeks`
# of the weeks that customers go through get another action, at
# {glue:text}`responsive-shaped-lost` cents a customer. We had expected more; but fifteen dollars are small beside
# 5,000, and the best policy works towards milestones anyway. At a hundred times the size the policy
# collects milestones, some where they do not lead to a subscription, and loses {glue:text}`responsive-shaped-100`
# dollars a customer. The size at which harm begins is nothing a designer knows beforehand. The potential-based form
# changes nothing at any size.
#
# Why, in two lines {cite:p}`ng1999`. Along an episode $s_0, s_1, \dots, s_T$ the extra rewards telescope:
#
# $$
# \sum_{t=0}^{T-1} \bigl[ \Phi(s_{t+1}) - \Phi(s_t) \bigr] = \Phi(s_T) - \Phi(s_0) .
# $$
#
# If $\Phi(s_T) = 0$ at *every* end, each {term}`return` from $s_0$ shrinks by the same $\Phi(s_0)$ whatever we did, and
# the order of policies stays. In the plain form $\Phi(s_T)$ is what has been collected,
# and that depends on what we did. (With a discount the extra reward is $\gamma \Phi(s') - \Phi(s)$.) A learner may
# still profit from the potential-based form, since it hears earlier about good steps.
#
# ## Smooth and rough
#
# In our world neighbours on the map are alike. That is just what a network is good at: what it learns from one customer
# it carries over to the next. A book that showed only such a world would have
# decided the verdict before the race. So there is a second one, the {term}`rough world`: same rates, drives, prices and
# people, but each **pair** of country and bootcamp is dealt the affinities of some
# customer drawn at random. Knowing one pair then says nothing about another, and carrying over should not help.
#
# One deal is one draw: who happens to get the affinities that suit him decides what there is to gain. So we deal eleven
# times: by the seed that was fixed before any learner (10), and by the seeds 0 to 9.
# To keep it short, the shared plan starts from always email and is improved for two rounds only; in the smooth world as
# well, so that like is compared with like.

# %%
TWO_ROUNDS = "one for everybody, two rounds"
DEALS = {"smooth": ("smooth", DEAL_SEED), f"rough, {DEAL_SEED}": ("rough", DEAL_SEED)}
DEALS |= {f"rough, {deal}": ("rough", deal) for deal in range(10)}


def values_in(kind: str, deal: int) -> dict[str, np.ndarray]:
    """Exact values for each test customer, shape (customers,)."""
    dealt = responsive_worlds.responsive_worlds(customers, rates, kind, deal=deal)
    people, place = starts_of(dealt["test"].population)
    shared = shared_policy(
        first_plans["always email"], everyone_alike, dealt["train"].population, BASELINE, 2
    )
    plans = {"always email": always(EMAIL), TWO_ROUNDS: ONE_HOT[shared]}
    found = {
        n: evaluate(p, people, BASELINE).at_start(people)[place] for n, p in plans.items()
    }
    return found | {"the plan": optimal(people, BASELINE).at_start(people)[place]}


in_deals = {name: values_in(*deal) for name, deal in DEALS.items()}
by_customer = waiting[place]  # waiting reaches nobody: it is worth the same in every deal
by_deal = pd.DataFrame(
    {
        name: {
            "plan, $ each": values["the plan"].mean(),
            "always email": share_of_gain(
                values["always email"], by_customer, values["the plan"]
            ),
            TWO_ROUNDS: share_of_gain(values[TWO_ROUNDS], by_customer, values["the plan"]),
        }
        for name, values in in_deals.items()
    }
).T
assert np.isclose(by_deal.loc["smooth", "always email"], share["always email"])
by_deal.round(2)

# %% [markdown]
# The deals differ a good deal. Now ten of them together. We redraw *both*, the customers as before, by whole pairs, and,
# with replacement, the ten deals of the seeds 0 to 9, so that the interval holds what either draw
# brings along. The last row is the smooth world less the mean of the deals, on the same redrawn customers.

# %% tags=["hide-input"]
ten = [name for name in DEALS if name not in ("smooth", f"rough, {DEAL_SEED}")]
rng = np.random.default_rng(11)
deals_again = rng.integers(len(ten), size=(2000, len(ten)))


def redrawn_in(name: str, policy: str) -> np.ndarray:
    """What redrawn customers give: the share of a policy, or for the plan its dollars each."""
    values = in_deals[name]
    if policy == "the plan":
        return customers_again @ values[policy] / N
    gains = customers_again @ (values[policy] - by_customer)
    return gains / (customers_again @ (values["the plan"] - by_customer))


rows, apart_by = {}, {}
for policy, column in zip(["the plan", "always email", TWO_ROUNDS], by_deal, strict=True):
    in_smooth = redrawn_in("smooth", policy)
    of_deals = np.array([redrawn_in(name, policy) for name in ten])
    of_ten = np.take_along_axis(of_deals, deals_again.T, axis=0).mean(axis=0)
    smooth_one, rough_mean = by_deal.loc["smooth", column], by_deal.loc[ten, column].mean()
    apart_by[policy] = np.array([smooth_one - rough_mean, *middle(in_smooth - of_ten)])
    rows[column] = {
        "smooth": in_words_of([smooth_one, *middle(in_smooth)]),
        "rough, mean of ten": in_words_of([rough_mean, *middle(of_ten)]),
        "lowest and highest deal": f"{by_deal.loc[ten, column].min():.2f}, {by_deal.loc[ten, column].max():.2f}",
        "smooth less rough": in_words_of(apart_by[policy]),
    }
assert by_deal.loc[ten, "plan, $ each"].min() > 0.75 * mean(best)
assert by_deal.loc[ten, TWO_ROUNDS].min() > 0.45
assert min(gap for gap, _, _ in apart_by.values()) > 0
assert min(apart_by[TWO_ROUNDS][1:]) > -0.01
assert by_deal.loc[ten, "plan, $ each"].max() < by_deal.loc["smooth", "plan, $ each"]
assert by_deal.loc[ten, TWO_ROUNDS].max() < by_deal.loc["smooth", TWO_ROUNDS]
assert (
    np.ptp(by_deal.loc[ten, "always email"]) > 0.2
    and np.ptp(by_deal.loc[ten, TWO_ROUNDS]) > 0.1
)
ours = by_deal.drop("smooth")["plan, $ each"].rank(ascending=False)[f"rough, {DEAL_SEED}"]
assert ours <= 2
glue("responsive-deals-low", f"{by_deal.loc[ten, TWO_ROUNDS].min():.2f}", display=False)
glue("responsive-deals-high", f"{by_deal.loc[ten, TWO_ROUNDS].max():.2f}", display=False)
glue("responsive-deals-less", in_words_of(apart_by[TWO_ROUNDS]), display=False)
glue("responsive-deals-where", where_it_lies(*apart_by[TWO_ROUNDS][1:]), display=False)
glue("responsive-deals-mean", rows[TWO_ROUNDS]["rough, mean of ten"], display=False)
glue("responsive-deals-dollars", in_words_of(apart_by["the plan"]), display=False)
glue(
    "responsive-deals-plan", f"{by_deal.loc[ten, 'plan, $ each'].mean():.0f}", display=False
)
glue("responsive-smooth-plan", f"{mean(best):.0f}", display=False)
pd.DataFrame(rows)

# %% tags=["hide-input"]
everyone, everyone_rows = responsive_worlds.responsive_population(customers, rates)
everyone_rough, _ = responsive_worlds.responsive_population(customers, rates, "rough")
seen = np.column_stack([everyone.inbound, everyone.country, everyone.bootcamp])
_, look = np.unique(seen, axis=0, return_inverse=True)
look = look.ravel()


def look_alikes(population) -> float:
    """The share of customers who look like somebody with other affinities."""
    dealt = pd.DataFrame(population.affinity.round(9)).groupby(look).nunique().max(axis=1)
    return float((dealt.to_numpy()[look] > 1).mean())


assert look_alikes(everyone) == 0 < look_alikes(everyone_rough) < 0.1
glue("responsive-lookalikes", f"{look_alikes(everyone_rough):.1%}", display=False)
print(
    f"look-alikes with other affinities: smooth {look_alikes(everyone):.1%}, rough {look_alikes(everyone_rough):.1%}"
)

# %% tags=["hide-input"]
groups_of = responsive_worlds.pairs_of(customers.iloc[everyone_rows])
spots = {}
for kind, who in {"smooth": everyone, "rough": everyone_rough}.items():
    _, one_each = np.unique(groups_of, return_index=True)
    spots[kind] = (who.country[one_each], who.affinity[one_each, EMAIL])
low, top = spots["smooth"][0] < 0.2, spots["smooth"][0] > 0.9
assert spots["smooth"][1][low].max() < 0.3 and spots["smooth"][1][top].min() > 0.9
assert 3.4 < spots["smooth"][1].max() < 4 and 3.4 < spots["rough"][1].max() < 4
assert spots["rough"][1][low].min() < 0.1 and spots["rough"][1][low].max() > 2.5
assert spots["rough"][1][top].min() < 0.5 and spots["rough"][1][top].max() > 2.5
print(f"{len(one_each)} pairs of country and bootcamp")

# %% mystnb={"figure": {"caption": "The affinity of email by where the country stands; one dot for each pair of country and bootcamp, in the deal of seed 10.", "name": "fig-responsive-rough"}, "image": {"alt": "Two scatter plots. Smooth: the affinity of email is near 0 where the country stands low, below 1 in the middle and from about 1 to almost 4 at the top. Rough: at low standings as at high ones it lies anywhere from near 0 to about 3 or more."}} tags=["hide-input"]
_, panels = plt.subplots(1, 2, figsize=(7, 3.2), sharey=True)
for axes, (kind, dots) in zip(panels, spots.items(), strict=True):
    axes.plot(*dots, ".", color=plots.BLUE, alpha=0.6)
    axes.set(title=kind, xlabel="standing of the country")
panels[0].set_ylabel("affinity of email")
plt.show()

# %% [markdown]
# For these customers a shared plan gets less in each of the ten deals than in the smooth world, between
# {glue:text}`responsive-deals-low` and {glue:text}`responsive-deals-high` of the gain. So more is left for telling them
# apart, and it should be harder to learn how. How *much* more depends on the deal, and so does what always email gets,
# and on the customers: on average over deals the shared plan gets {glue:text}`responsive-deals-mean`, which is less by
# {glue:text}`responsive-deals-less`; before rounding this interval {glue:text}`responsive-deals-where`. For these
# customers the plan itself is worth less, too: {glue:text}`responsive-deals-plan` dollars a customer on average,
# against {glue:text}`responsive-smooth-plan`, a difference of {glue:text}`responsive-deals-dollars`. Of the eleven
# deals, that of seed 10 is one of the two richest: it was fixed beforehand and we keep it, but **no verdict about the
# rough world should rest on it alone**. One more warning for the next chapter: in it {glue:text}`responsive-lookalikes`
# of all customers share their standings with somebody who was dealt other affinities (small countries tie). There the
# observation is not quite the state, and no learner can reach the whole of the plan.
#
# ## If the assumptions were others
#
# The two constants that matter most to the gain, and for which there is no evidence: lift and organic share. Everything
# is solved anew for each pair.

# %%
rows = []
for lift, rho in itertools.product((2.0, 5.0, 10.0), (0.0, 0.3, 0.7, 1.0)):
    rules = BASELINE._replace(lift=lift, organic=rho)
    top, mails = optimal(people, rules).at_start(people), worth(always(EMAIL), rules)
    idle = waiting  # neither dial moves what happens by itself
    rows.append(
        {
            "lift": lift,
            "rho": rho,
            "plan, $ each": mean(top),
            "gain, $ each": mean(top - idle),
            "inbound gain": mean(top - idle, inbound),
            "outbound gain": mean(top - idle, ~inbound),
            "share of always email": share_of_gain(mails[place], idle[place], top[place]),
        }
    )
assert np.allclose(idle, worth(always(WAIT), rules))
dials = pd.DataFrame(rows)
gains = dials.pivot(index="rho", columns="lift", values="gain, $ each")
assert np.allclose(gains.loc[1.0], 0) and (np.diff(gains, axis=0) < 0).all()
assert (np.diff(gains.iloc[:3], axis=1) > 0).all()
told = dials["share of always email"].notna()
assert told.equals(dials["gain, $ each"] >= 1) and told.sum() == 9
assert dials.loc[told, "share of always email"].between(0.4, 0.9).all()
dials.round(2)

# %% mystnb={"figure": {"caption": "What there is to gain over waiting, by organic share and lift. Exact for the test customers.", "name": "fig-responsive-dials"}, "image": {"alt": "Three lines falling with the organic share, from over 120, about 65 to 70, and about 25 dollars a customer at lift 10, 5 and 2 and share 0, all to zero at share 1."}} tags=["hide-input"]
plots.stakes(gains)
plt.show()

# %% [markdown]
# The money depends wholly on what we assume ({numref}`fig-responsive-dials`): from nothing to more than a hundred
# dollars a customer. The *share* that always email gets depends on it much less, as the last column shows. That is why
# Part III compares shares. Where less
# than a dollar a customer is to be gained, as in the last row of each lift, it quotes none: `share_of_gain` returns no
# number there. And the value of a subscription, which we set to 5,000 dollars?

# %%
rows = {}
for value in (500.0, 1000.0, 5000.0, 100_000.0):
    rules = BASELINE._replace(value=value)
    top, idle = optimal(people, rules).at_start(people), worth(always(WAIT), rules)
    mails, suited = worth(always(EMAIL), rules), worth(BEST_CHANNEL, rules)
    rows[f"{value:,.0f} $"] = {
        "gain, $ each": mean(top - idle),
        "share of always email": share_of_gain(mails[place], idle[place], top[place]),
        "of the best channel": share_of_gain(suited[place], idle[place], top[place]),
    }
by_value = pd.DataFrame(rows).T
of_email, of_channel = by_value["share of always email"], by_value["of the best channel"]
assert 0.03 < np.ptp(of_email) < 0.12 and of_email.iloc[-1] < of_email.iloc[0]
assert (
    of_channel.is_monotonic_increasing
    and of_channel.iloc[0] < -0.5 < 0.8 < of_channel.iloc[-1]
)
assert by_value["gain, $ each"].iloc[-1] > 200 * by_value["gain, $ each"].iloc[0]
glue("responsive-cheap", f"{of_email.max():.2f}", display=False)
glue("responsive-dear", f"{of_email.min():.2f}", display=False)
glue(
    "responsive-channel-cheap", f"{of_channel.iloc[0]:.2f}".replace("-", "−"), display=False
)
glue("responsive-channel-dear", f"{of_channel.iloc[-1]:.2f}", display=False)
by_value.round(2)

# %% [markdown]
# From 500 to 100,000 dollars the gain grows more than two hundredfold. The share of always email hardly moves, from
# {glue:text}`responsive-cheap` down to {glue:text}`responsive-dear`, as its price hardly counts. That of
# the best channel goes from {glue:text}`responsive-channel-cheap` to {glue:text}`responsive-channel-dear`: it sends
# managers for 20 dollars, and whether these are worth it depends on what a subscription brings. So a share
# compares policies in one and the same world. From one world to another only the shares of policies that spend little
# stay about where they were; those of the others are a statement about 5,000 dollars.
#
# ## What this world is not
#
# - **It is not the firm.** Drives, affinities, lift, opt-out and the dollars are invented. A share of 0.75 here says
#   nothing about email in any company.
# - **One export of one firm**, {glue:text}`responsive-subscribed` dated subscriptions, demos that hardly happened. With
#   other customers the rates would be others; the intervals above redraw test customers by pairs, and deals in the
#   rough world, and
#   take the rates and the number of inbound customers as given.
# - **Its outbound side is the less trustworthy one**: behind a first milestone it lets less happen by itself than the
#   record shows ({ref}`sec-responsive-calibration`).
# - **Its customers are too patient**: rates do not fall with the weeks ({numref}`fig-responsive-weeks`).
# - **Inbound customers are known by what they did.** Who came by himself and did nothing is in no row, so inbound
#   starts always have a milestone.
# - **No memory, no saturation**: an email in the fourth week works as in the first, the opt-out apart; channels don't
#   tire; customers do not talk to each other; the firm has no budget and staff without limit.
# - **The planner knows everything.** It is a yardstick, not a method: outside a simulator nobody has the hazards. A
#   learner has only what happens.
#
# ## Exercises
#
# ::::{exercise} The third contact
# :label: ex-responsive-optout
#
# Dora again, with two contacts already made, and a chance of 20% that a further contact loses her for good (if it does
# not win her). By hand: what is a call worth in week 1, and what
# is best now? Then check with the package. Start here:
# ::::

# %%
annoyed = two_weeks._replace(opt_out=0.2)
f"{opt_out_chance(2, CALL, annoyed):.2f}"

# %% [markdown]
# :::{solution-start} ex-responsive-optout
# :class: dropdown
# :::
#
# In week 2 nothing comes after, so the opt-out costs nothing and a call is worth 18, as before. In week 1:
# $18 + 0.81 \times 0.8 \times 18 = 29.66$. Waiting is worth $26.2$: calling is still best. It would
# not be if the weeks to come were worth more than $v = 8 / 0.252 = 31.7$ dollars, for then $18 + 0.648\, v < 10 + 0.9\, v$.

# %%
after_two = optimal(dora, annoyed).q[0, 0, 0, 2]
assert np.isclose(after_two[CALL], 18 + 0.81 * 0.8 * 18) and np.isclose(
    after_two[WAIT], 26.2
)
print(f"call {after_two[CALL]:.2f}, wait {after_two[WAIT]:.2f}")

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} Without email
# :label: ex-responsive-email
#
# The firm loses the right to write emails. What is the best plan worth without them? Is that more or less than what
# always email gets? Start here:
# ::::

# %%
NO_DRIVE = (0.0,) * 6
print(len(BASELINE.drives), "actions, drives of email:", BASELINE.drives[EMAIL])

# %% [markdown]
# :::{solution-start} ex-responsive-email
# :class: dropdown
# :::
#
# Take away its drives: an email then costs 10 cents, annoys, and does nothing, so no best plan uses it. To compare the
# plan without emails with always email we need the interval of the *difference*, over the same redrawn
# customers: two intervals that overlap say little about it.

# %%
mute = BASELINE._replace(drives=(NO_DRIVE, *BASELINE.drives[1:]))
silent = optimal(people, mute)
assert (silent.q.argmax(axis=-1) != EMAIL).all()
no_mail = silent.at_start(people)
without_email = score(no_mail, everybody)
difference = score(no_mail - policies["always email"] + waiting, everybody)
assert difference[1] < 0 < difference[2]
assert 0.55 < without_email[0] < 0.75
print(
    f"without email: {mean(no_mail):.2f} $ a customer, share {in_words_of(without_email)}"
)
print(f"always email: share {in_words_of(scores['always email'][0])}")
print(f"without email less always email: {in_words_of(difference)}")

# %% [markdown]
# About two thirds of the gain are left for these customers. To know everything about each customer and lack the cheap
# channel is shown to be neither better nor worse than to send everybody emails and know nothing: the interval of the
# difference includes 0, and is wide.

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} If all customers were alike
# :label: ex-responsive-alike
#
# With `focus=0` every channel reaches everybody equally well. Give the test and the training customers such affinities.
# Which share of the gain does one plan for everybody get then?
# ::::

# %%
affinities(np.array([0.1, 0.9]), np.array([0.2, 0.5]), focus=0.0)

# %% [markdown]
# :::{solution-start} ex-responsive-alike
# :class: dropdown
# :::
#
# Nearly all of it: what remains personal is inbound or not, and the milestones give that away. So what there is to
# learn about *who* a customer is comes from the affinities alone, and those we invented.


# %%
def alike(population: Population) -> Population:
    flat = affinities(population.country, population.bootcamp, focus=0.0)
    return population._replace(affinity=flat)


same_test, same_train = alike(people), alike(train)
same_best, same_wait = (
    optimal(same_test, BASELINE).at_start(same_test),
    evaluate(always(WAIT), same_test, BASELINE).at_start(same_test),
)
one_plan = shared_policy(
    improved, np.zeros(len(same_train.start), dtype=np.int64), same_train, BASELINE
)
one_value = evaluate(ONE_HOT[one_plan], same_test, BASELINE).at_start(same_test)
same_share = share_of_gain(one_value[place], same_wait[place], same_best[place])
assert same_share > 0.97
print(f"share of the gain: {same_share:.3f}")

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} Why the last payment matters
# :label: ex-responsive-end
#
# Value the six constant policies with plain and with potential-based stage rewards of 1,500 / 1,000 / 500, and subtract
# their values without any. In which form is the difference the same for all six?
# What is it?
# ::::

# %%
bonus = BASELINE._replace(stage_reward=(1500.0, 1000.0, 500.0, 0.0, 0.0))
print(mean(worth(always(WAIT), bonus)) > mean(waiting))

# %% [markdown]
# :::{solution-start} ex-responsive-end
# :class: dropdown
# :::
#
# Potential-based it is $-\Phi(s_0)$ for each, what the milestones at arrival are worth: a constant that no policy can
# touch. Plain it is the expected worth of the milestones that the policy brings about, and each policy has another.

# %%
with_bonus = pd.DataFrame(
    {
        form: [
            mean(
                worth(always(a), bonus._replace(potential_based=based))
                - policies[f"always {name}"]
            )
            for a, name in enumerate(NAMES)
        ]
        for form, based in (("plain", False), ("potential-based", True))
    },
    index=NAMES,
)
at_arrival = [
    sum(bonus.stage_reward[bit] * (start >> bit & 1) for bit in range(5))
    for start in people.start
]
assert np.allclose(with_bonus["potential-based"], -mean(np.array(at_arrival)))
assert np.ptp(with_bonus["plain"]) > 10
with_bonus.round(2)

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} A week less
# :label: ex-responsive-weeks
#
# How much of the gain is left if the firm has only 4 weeks, or 8? Is the plan for 4 weeks the first third of the plan
# for 12?
# ::::

# %%
fewer = BASELINE._replace(weeks=4)
fewer.weeks

# %% [markdown]
# :::{solution-start} ex-responsive-weeks
# :class: dropdown
# :::
#
# No. It resembles the *last* third, since what matters is how many weeks are left: with less to come there is less to
# lose by an opt-out. Both solve the same recursion from the same end.

# %%
rows = {}
for weeks in (4, 8, 12):
    shorter = optimal(people, BASELINE._replace(weeks=weeks))
    rows[weeks] = {
        "plan, $ each": mean(shorter.at_start(people)),
        "like the first weeks of 12, %": 100
        * (shorter.q.argmax(-1) == choice[:, :weeks]).mean(),
        "like the last weeks of 12, %": 100
        * (shorter.q.argmax(-1) == choice[:, -weeks:]).mean(),
    }
by_length = pd.DataFrame(rows).T
assert (by_length["like the last weeks of 12, %"] == 100).all()
assert by_length["like the first weeks of 12, %"].iloc[0] < 95
by_length.rename_axis("weeks").round(1)

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - To compare learners, use a world where actions matter and the best policy is known. To have one you must assume;
#   print the list.
# - Backward induction: settle the last week, then the one before. The same recursion gives the exact value of any policy.
# - Beside every rate the number of events, and a plot of where it fails. Ours know nothing of the week, and should.
# - An exact planner is checked by hand, by brute force on a small case, by simulation, and by a property that must hold.
# - Waiting is an action. It is best where nothing reaches at its price, where there is much to lose and time to come
#   back, and always where nothing lifts.
# - A share of the attainable gain, as a ratio of sums, with an interval over customers, and beside it the money.
# - Customers of one group who are treated alike are not independent witnesses: redraw the groups.
# - Try the dull policies first. Here always email gets about two thirds of these customers' gain or more.
# - Pay for steps on the way only as differences of a potential that is 0 at every end.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. Why does backward induction begin at the last week?
# :class: quiz
#
# ::::{dropdown} Because rewards come late
# :class-container: wrong
#
# It would begin there if they came early, too. The order has to do with what must be known first.
# ::::
# ::::{dropdown} Because what an action is worth depends on what comes after, and after the last week nothing does
# :class-container: right
#
# $v_T = 0$ is known. Each week then needs only the one after it.
# ::::
# ::::{dropdown} Because the customer's first weeks are not known yet
# :class-container: wrong
#
# The plan covers every state that may occur; it need not know which will.
# ::::
# :::::
#
# :::::{admonition} 2. The base rate is 2%, and an action adds nine chances (κ = 10). What is the probability?
# :class: quiz
#
# ::::{dropdown} 20%
# :class-container: wrong
#
# Ten times 2% counts twice what happens on two of the ten chances. At 60 chances it would exceed 1.
# ::::
# ::::{dropdown} $1 - 0.98^{10} = 18.3\%$
# :class-container: right
#
# It does not happen only if all ten chances fail.
# ::::
# ::::{dropdown} 2%, if ρ is 0.3
# :class-container: wrong
#
# ρ is in κ already. Only at ρ = 1 is κ equal to 1.
# ::::
# :::::
#
# :::::{admonition} 3. A rate rests on 9 events in 29,000 customer-weeks. What do we know?
# :class: quiz
#
# ::::{dropdown} Much: 29,000 observations is a large sample
# :class-container: wrong
#
# What counts is the events. The exact interval for nine runs from about 4 to 17.
# ::::
# ::::{dropdown} Roughly its size, and nothing about how it depends on anything
# :class-container: right
#
# So one number for everybody, and it is called an assumption.
# ::::
# ::::{dropdown} Nothing at all
# :class-container: wrong
#
# That it is rare we do know: a rate ten times as high can be excluded.
# ::::
# :::::
#
# :::::{admonition} 4. The best policy waits with a valuable customer in week 3. Why can that be right?
# :class: quiz
#
# ::::{dropdown} Because contacts cost money
# :class-container: wrong
#
# Ten cents for an email are nothing beside 5,000 dollars. With free actions it waits as well; a cell above tries it.
# ::::
# ::::{dropdown} Because a further contact may lose him, and with many weeks to go that would lose much
# :class-container: right
#
# Without the opt-out the plan hardly ever waits with inbound customers ({numref}`fig-responsive-waiting`).
# ::::
# ::::{dropdown} It can't: the model must be wrong
# :class-container: wrong
#
# The four checks say that the plan is right for the model. Whether the model is right is another question.
# ::::
# :::::
#
# :::::{admonition} 5. "Our policy reaches 75% of the attainable gain." What do you ask?
# :class: quiz
#
# ::::{dropdown} Of which gain, in money, over which baseline, and on how many customers does it rest?
# :class-container: right
#
# Here over waiting, and most of it on a few dozen inbound customers of some twenty pairs; hence the interval and the
# dollars.
# ::::
# ::::{dropdown} Why not 100%?
# :class-container: wrong
#
# The plan knows the hazards; no learner does. That comes later.
# ::::
# ::::{dropdown} Whether it is the mean of the customers' ratios
# :class-container: wrong
#
# If it were, that would be a fault. But the first question is what the whole is.
# ::::
# :::::
#
# :::::{admonition} 6. A learner gets +15 for each first call, whatever comes of it. What is true?
# :class: quiz
#
# ::::{dropdown} It is harmless: calls lead to subscriptions
# :class-container: wrong
#
# Some do, and then the reward changes little, as in the first row of our table. Nothing guarantees it, and at a larger
# size the best policy collects calls.
# ::::
# ::::{dropdown} It is harmless if at the end of the episode the 15 are taken back
# :class-container: right
#
# At every end: subscription, opt-out and horizon. Then it is potential-based, and each return changes by a constant.
# ::::
# ::::{dropdown} It is harmless if the 15 are small beside the value of a subscription
# :class-container: wrong
#
# Then it may do little harm. But it changes decisions wherever two actions are close.
# ::::
# :::::
#
# :::::{admonition} 7. What is the rough world for?
# :class: quiz
#
# ::::{dropdown} It is more realistic
# :class-container: wrong
#
# Neither is real. In the rough one people with neighbouring standings have nothing in common, which is hard to believe
# of anybody.
# ::::
# ::::{dropdown} To give the table a fair chance: there, carrying over from one customer to the next should not help
# :class-container: right
#
# If the network won only where neighbours are alike, that would be the finding.
# ::::
# ::::{dropdown} To make all methods fail
# :class-container: wrong
#
# The plan keeps most of its worth in each of the ten deals, and a shared plan gets roughly half of the gain or more.
# What is missing is what only knowing the customer can bring, and that is to be learned there without help from the
# neighbours.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} How would you evaluate a learning method when no experiment is possible?
# :class-container: interview
#
# In a simulator whose assumptions I list and vary, against the exact optimum and dull baselines, and I would say that
# the result is about the *method*, not about customers. Here most of the assumptions that
# matter have no evidence, so I show the share of the attainable gain over a grid of lift and organic share
# ({numref}`fig-responsive-dials`). To learn what actions do to customers I would still run an experiment.
# ::::
# ::::{dropdown} When would you plan instead of learn?
# :class-container: interview
#
# When the transition probabilities are known and the states can be counted: then backward induction gives the optimum,
# here for all test customers in about a second, and there is nothing to learn. Learning is for when one of the two
# fails: probabilities unknown, or too many
# states. Even then an exact solution of a simplified problem is a good baseline and a test of the learner's code.
# ::::
# ::::{dropdown} How do you test a planner?
# :class-container: interview
#
# A two-week case solved by hand, a small case by enumerating all trajectories with code that shares nothing with the
# planner, simulation within its standard error, and invariants: if nothing
# responds, all policies bring the same subscriptions; with no lift and positive costs it is best to wait;
# potential-based shaping changes no choice. Each of them catches other faults.
# ::::
# ::::{dropdown} Explain reward shaping and its danger.
# :class-container: interview
#
# Extra rewards for intermediate steps make learning signals denser, and in general they change which policy is best:
# the agent collects the steps. Differences of a potential leave the order of policies intact, because they telescope to
# a constant, provided that the potential is 0 at every
# terminal state, the horizon included (Ng, Harada and Russell 1999). I showed it by solving the shaped problem exactly
# and valuing its policy under the true reward.
# ::::
# ::::{dropdown} Personalisation: how do you find out whether it is worth it?
# :class-container: interview
#
# I compare with the best policy that treats everybody alike, given the same state. Here such a plan gets
# {glue:text}`responsive-improved` of the gain in the smooth world, where knowing inbound from outbound adds next to
# nothing, since the milestones say it already ({numref}`fig-responsive-shares`), and in the rough one
# {glue:text}`responsive-deals-mean` on average. The rest is
# what personalisation can add, in these worlds, where we put the differences in ourselves. And I would not average
# Q-values to get the shared plan: improved with its own values it got {glue:text}`responsive-by-averaging` more.
# ::::
# ::::{dropdown} Why can it be optimal not to contact a good prospect?
# :class-container: interview
#
# Because a contact can lose him, and with much to come that loss is larger than what the contact adds this week. The
# plan makes contact while that opens milestones, then waits, and takes the risk towards the end, when little is left to
# lose ({numref}`fig-responsive-weekly`). A model that only
# predicts this week's response can't see that; it takes a value of the future.
# ::::
#
# ## Further reading
#
# - {cite:t}`bellman1957`, and {cite:t}`puterman1994`, chapter 4, on problems with a horizon; {cite:t}`sutton2018`,
#   chapters 3 and 4.
# - {cite:t}`singer1993` on discrete-time hazards, for readers who know logistic regression.
# - {cite:t}`ng1999` on shaping: short and readable. {cite:t}`garwood1936` is the interval of a count.
# - {cite:t}`kaelbling1998` on acting without seeing the whole state, which is what one plan for everybody does.
