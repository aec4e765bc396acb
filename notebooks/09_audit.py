# %% [markdown]
# (ch-audit)=
# # The audit: what did we measure?
#
# The study's result was 3.16 times better than random. We take it apart until it is clear what that number is, and build the tests that
# show it into a tool for results of your own.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - how a rate can rise while it falls in every group, by hand and in this data
#   - to work out the lowest and the highest score that any policy could get, before training one
#   - what difference a test on so few subscribers could have found
#   - which of the study's numbers measure something else, and what
#   - to audit a data set, an environment and a policy with `crm_rl.evaluation.audit`
#   - to plan the experiment that would settle it: how many customers, for how long, and when to stop
#
# You need
# : [Data processing](01_data_processing.ipynb), [the funnel as an MDP](03_funnel_mdp.ipynb) and
#   [the results](08_study.ipynb), where two policies are compared on the same customers.
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
# ## By hand: everybody does worse, and the total rises
#
# :::{admonition} By hand: a fourfold improvement
# :class: by-hand
#
# A company has two kinds of customers: those it writes to, and those who come by themselves. It counts who subscribes in two years.
#
# | | first year | second year | |
# |---|--:|--:|---|
# | written to | 9 of 900 = **1.0%** | 1 of 200 = **0.5%** | falls |
# | came by themselves | 10 of 100 = **10%** | 72 of 800 = **9%** | falls |
# | all | 19 of 1,000 = **1.9%** | 73 of 1,000 = **7.3%** | rises, 3.8-fold |
#
# No mistake: a total rate is an average of the groups' rates, weighted by how many each group has. First year:
# $0.9 \times 1.0\% + 0.1 \times 10\% = 1.9\%$. Second year: $0.2 \times 0.5\% + 0.8 \times 9\% = 7.3\%$. The rates fell, the
# weights moved.
#
# Had the weights stayed, the second year would have had $0.9 \times 0.5\% + 0.1 \times 9\% = 1.35\%$. Compared like with like, the factor is
# $1.35 / 1.9 = 0.71$, and not 3.8.
# :::
#
# This is {term}`Simpson's paradox` {cite:p}`simpson1951`. An improvement factor that compares two groups of people has this in it,
# whatever was done to them. The study divides a rate among its test customers by a rate among all customers, so we ask first who
# is in its test part.
#
# ## Who is in the test part?
#
# We audit the setting from which the published numbers came, `as_coded`. On this page "here" is the file that you run it on, by default
# the {term}`twin`; what the same cells give on the original is on record, and stands beside it.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import binom, fisher_exact

from crm_rl import plots
from crm_rl.evaluation.audit.case import replay_case
from crm_rl.evaluation.audit.checks import audit
from crm_rl.evaluation.audit.numbers import against, codes_agree, floor_and_ceiling
from crm_rl.evaluation.audit.numbers import missing_by_part, one_line_rules, shuffled_scores, states_met
from crm_rl.evaluation.power import detectable_gain, power_paired
from crm_rl.data import EVENTS, clean, data_path, load
from crm_rl.data.split import published_split
from crm_rl.agents.reference import constant_policy, random_policy
from crm_rl.evaluation.rollouts import metrics, play
from crm_rl.data.features import PublishedFeatures
from crm_rl.worlds.base import Action
from crm_rl.worlds.replay import READY
from crm_rl.evaluation.intervals import rate_table, wilson
from crm_rl.agents.q_learning import train_q_learning
from crm_rl.experiments.funnel_study import load_study
from crm_rl.experiments.runner import data_name
from crm_rl.worlds.replay_world import replay_worlds

plots.use_style()
pd.set_option("display.max_colwidth", None)
customers, _ = clean(load(data_path()))
parts = published_split(customers).parts()
test_rows = parts["test"]
runs, _, _ = load_study(data_name(data_path()))
coded = runs.query("setting == 'as_coded'")

# %% tags=["hide-input"]
# How this page keeps its numbers, and shows those of the original beside them.
import re

from myst_nb import glue

from crm_rl.experiments.original_numbers import original_numbers

here, original = {}, original_numbers()


def note(name: str, value: str) -> None:
    """Keep a number of this chapter for the text, and for the record."""
    here[name] = value
    glue(f"audit-{name}", value, display=False)


def beside(lines: dict[str, str]) -> pd.DataFrame:
    """Numbers of this file beside those of the original, as recorded: text and name of each."""
    both = {
        text: {"here": here[name], "the original": original[f"audit-{name}"]}
        for text, name in lines.items()
    }
    return pd.DataFrame(both).T


# %%
group = pd.Series("neither", index=customers.index)
group = group.mask(customers["first_contact"].notna(), "outbound")
group = group.mask(customers["inbound"], "inbound")
GROUPS = ["outbound", "inbound", "neither"]


def counted(rows: dict, by: list[str]) -> pd.DataFrame:
    """Customers, subscribers and rate of named sets of rows."""
    return rate_table(
        pd.DataFrame(
            {
                name: {"customers": len(r), "subscribers": int(r["subscribed"].sum())}
                for name, r in rows.items()
            }
        ).T.rename_axis(by)
    )


who = {
    (part, g): rows[group[rows.index] == g] for part, rows in parts.items() for g in GROUPS
}
by_part = counted(who, ["part", "group"])
assert (by_part.loc[[("train", "inbound"), ("val", "inbound")], "customers"] == 0).all()
assert by_part.loc[("test", "outbound"), "subscribers"] == 0
by_part[by_part["customers"] > 0]

# %% [markdown]
# {term}`Outbound <outbound>` customers were written to first; {term}`inbound` ones have a milestone and no first contact; the rest
# have neither. Train and validation hold outbound customers and nobody else. The test part holds all the others. It is so because the
# study sorts by first contact, missing dates last, and cuts. **All test subscribers are inbound, and of the outbound test customers none
# subscribed.** Whatever an agent learned about outbound customers was tested where it cannot show.

# %%
gaps = missing_by_part(parts, "subscribed").loc["first_contact"]
assert gaps["missing"] == 716 and gaps["successes"] == 25 and gaps["successes there"] == 0

# %% tags=["hide-input"]
note("test-missing", f"{gaps['missing']:.0f}")
note("test-missing-subscribers", f"{gaps['successes']:.0f}")
note("test-dated", f"{gaps['present']:.0f}")
note("test-dated-subscribers", f"{gaps['successes there']:.0f}")
beside(
    {
        "test customers without a first contact": "test-missing",
        "subscribers among them": "test-missing-subscribers",
        "test customers with one": "test-dated",
        "subscribers among those": "test-dated-subscribers",
    }
)

# %% [markdown]
# ### August 2021
#
# The parts of the split share outbound customers only, so they cannot show the paradox whole. Time can. The firm began to record demos and
# surveys at the end of August 2021 ({numref}`fig-data-events`), and from about then many came by themselves. We compare those who arrived
# before 31 August 2021 with those who arrived from then on.
#
# :::{admonition} Predict
# :class: predict
# The rate among all customers more than doubles from the first period to the second. In which of the three groups does it rise?
# :::

# %%
TRACKED = pd.Timestamp("2021-08-31")
arrived = customers[customers["arrival"].notna()]
period = np.where(arrived["arrival"] < TRACKED, "before", "after")
eras = {
    (g, era): arrived[(period == era) & ((group[arrived.index] == g) | (g == "all"))]
    for g in [*GROUPS, "all"]
    for era in ("before", "after")
}
by_era = counted(eras, ["group", "arrived"])
rate = (100 * by_era["subscribers"] / by_era["customers"]).unstack().loc[[*GROUPS, "all"]]
assert (rate.loc[GROUPS, "after"] <= rate.loc[GROUPS, "before"]).all()
assert by_era.loc[("all", "after"), "low %"] > by_era.loc[("all", "before"), "high %"]
factor = rate.loc["all", "after"] / rate.loc["all", "before"]
assert 2 < factor < 4
by_era

# %% tags=["remove-cell"]
note("era-factor", f"{factor:.1f}")

# %% mystnb={"figure": {"caption": "Subscription rate of those who arrived before 31 August 2021 and after, with 95% intervals; and who they are. Each panel has its own axis.", "name": "fig-audit-simpson"}, "image": {"alt": "Four panels. The rate of outbound customers and that of inbound customers are lower after August 2021 than before; the rate of all is more than twice as high. The last panel shows why: inbound customers are almost absent before and a tenth of all after."}} tags=["hide-input"]
shares = by_era["customers"].unstack().loc[GROUPS]
shares = 100 * shares / shares.sum()
plots.mixture(by_era.loc[["outbound", "inbound", "all"]], shares[["before", "after"]])
plt.show()

# %%
weights = shares["before"] / 100
like_with_like = (weights * rate.loc[GROUPS, "after"]).sum() / rate.loc["all", "before"]
assert like_with_like < 1

# %% tags=["hide-input"]
note("era-like-with-like", f"{like_with_like:.2f}")
note(
    "era-outbound",
    " and ".join(f"{rate.loc['outbound', e]:.2f}%" for e in ("before", "after")),
)
beside(
    {
        "factor of all customers": "era-factor",
        "the same with the first period's mixture": "era-like-with-like",
        "outbound rate before and after": "era-outbound",
    }
)

# %% [markdown]
# In none. The rate of all customers rises {glue:text}`audit-era-factor`-fold, and the two intervals do not meet; in no group does it rise
# ({numref}`fig-audit-simpson`). With the first period's mixture it would have changed by a factor of {glue:text}`audit-era-like-with-like`.
#
# How firm is "falls"? The outbound intervals overlap, and who came last had the least time to subscribe, so we claim no fall. Of the
# inbound customers before August 2021 there is a handful, and without demos and surveys one was noticed only with another milestone or a
# subscription: those are picked out by success. What is firm: the total rises, no rise shows in any group, and the mixture
# accounts for it.
#
# What does a milestone mean, then? In the features, `Had_Demo` and `Had_Survey` say in which part a customer is:

# %%
had = pd.DataFrame({part: 100 * rows[list(EVENTS)].mean() for part, rows in parts.items()})
assert had.loc["demo", "test"] > 20 * had.loc["demo", "train"]
tracked = {event: customers[f"{event}_date"].min().date() for event in ("demo", "survey")}

# %% tags=["hide-input"]
note("demo-from", str(tracked["demo"]))
note("survey-from", str(tracked["survey"]))
note("demo-train", f"{had.loc['demo', 'train']:.2f}%")
note("demo-test", f"{had.loc['demo', 'test']:.1f}%")
beside(
    {
        "first demo on record": "demo-from",
        "first survey": "survey-from",
        "train customers with a demo": "demo-train",
        "test customers with a demo": "demo-test",
    }
)

# %% [markdown]
# ## The floor and the ceiling
#
# Now the game. Which scores are possible at all? We need no agent to find out, only the rules as coded:
#
# 1. A subscription counts when the customer's record has one **and** the {term}`stage` is 4 or more.
# 2. The stage starts as recorded. "Subscribed already" is 6. Calls, demos and surveys lift to 3 at most, an account manager to 5.
#
# So a subscriber who starts at stage 4 or above is counted at the first action, **whatever it is**: also waiting. A subscriber below
# 4 is counted if a manager is assigned who lifts the stage. A customer without a subscription on record is never counted. From this follow a
# {term}`floor and a ceiling <floor and ceiling>`: what even the worst policy gets, and what the best can get.
#
# One question the code leaves open to a reader: does assigning a manager lift the stage always, or only if the record has a manager? Our
# rules do the second, like the milestone rewards. It matters for a customer or none, so we count both.

# %%
worlds = replay_worlds(customers, "as_coded")
test = worlds["test"]
people = test.population
N = len(people.stage)
ready = people.subscribed & (people.stage >= READY)
can_be = ready | (people.subscribed & people.reached[:, -1])  # a manager on record
floor, ceiling, ceiling_always = (
    int(ready.sum()),
    int(can_be.sum()),
    int(people.subscribed.sum()),
)
room = ceiling - floor

# %% tags=["hide-input"]
for name, count in (
    ("floor", floor),
    ("ceiling", ceiling),
    ("ceiling-always", ceiling_always),
):
    low, high = wilson(count, N)
    note(name, str(count))
    note(f"{name}-rate", f"{count / N:.2%} ({low:.2%} to {high:.2%})")
note("room", str(room))
beside(
    {
        "floor of any policy": "floor",
        "its rate": "floor-rate",
        "ceiling with a manager on record": "ceiling",
        "the rate of that": "ceiling-rate",
        "ceiling if a manager always lifts": "ceiling-always",
        "and of that": "ceiling-always-rate",
    }
)

# %% [markdown]
# :::{admonition} Predict
# :class: predict
# Always wait, always call, always a manager, random: who is at the floor, who at the ceiling?
# :::

# %%
constants = {f"always {a.name.lower()}": constant_policy(a) for a in Action}
rivals = {"always wait": constants.pop("always wait"), **constants, "random": random_policy}
outcomes = {
    name: play(test, policy, np.random.default_rng([0, 1])).subscribed
    for name, policy in rivals.items()
}
assert floor_and_ceiling({n: o for n, o in outcomes.items() if n != "random"}) == (floor, ceiling, room)
lifting = test._replace(rules=test.rules._replace(manager_always_lifts=True))
always_manager = play(
    lifting, rivals["always manager"], np.random.default_rng(0)
).subscribed
assert always_manager.sum() == ceiling_always
larger = replay_worlds(customers, "as_coded", selection=True)["test"]
waiting_there = play(larger, rivals["always wait"], np.random.default_rng(0)).subscribed
assert np.array_equal(waiting_there, ready)
against(outcomes)

# %% [markdown]
# `more` is how many more than waiting, on the same customers, `low` and `high` its 95% interval, `gained` and `lost` the {term}`discordant` customers, who
# were counted under only one of the two, `p` McNemar's exact test ({ref}`ch-study` does it by hand). Five of the six constant
# policies do exactly as well as doing nothing. Assigning a manager to everybody reaches the ceiling. Between worst and best lie
# {glue:text}`audit-room` customers.
#
# In the larger game, with feature selection, the same holds for every policy that takes at least one action of the firm with each
# customer, waiting among them; one that only toggles can go below the floor.
#
# Now divide, as the study did, by 0.44%:

# %%
BASE = 0.0044
assert floor / N / BASE > 2.8 and ceiling / floor < 1.2
assert floor / N / BASE < 3.16 < ceiling / N / BASE

# %% tags=["hide-input"]
note("floor-factor", f"{floor / N / BASE:.2f}")
note("ceiling-factor", f"{ceiling / N / BASE:.2f}")
note("ceiling-always-factor", f"{ceiling_always / N / BASE:.2f}")
note("best-over-worst", f"{ceiling / floor:.2f}")
beside(
    {
        "improvement factor of the worst policy": "floor-factor",
        "of the best": "ceiling-factor",
        "of the best if a manager always lifts": "ceiling-always-factor",
        "the best over the worst": "best-over-worst",
    }
)

# %% [markdown]
# **Every policy in this game improves about threefold, the worst one too.** The published 3.16 lies between the worst and the best. What a
# policy can change is the difference between the two, and that is a handful of customers.
#
# ## Could any difference have been found?
#
# All policies that act count the floor, and nobody beyond the ceiling. So *any two* of them differ on at most {glue:text}`audit-room`
# customers. The coin test with all of them on one side has $p = 2 / 2^{k}$ for $k$ customers, and smaller it cannot get:

# %%
smallest_p = 2 / 2**room
assert smallest_p > 0.05 and 2 / 2 ** (ceiling_always - floor) > 0.05

# %% tags=["hide-input"]
note("smallest-p", f"{smallest_p:.2f}")
note("smallest-p-always", f"{2 / 2 ** (ceiling_always - floor):.3f}")
beside(
    {
        "customers who depend on the policy": "room",
        "smallest p of any two policies": "smallest-p",
        "if a manager always lifts": "smallest-p-always",
    }
)

# %% [markdown]
# **On these test customers no policy that acts at all can be shown to be better than any other**, by any amount of training. (With selection
# a policy that only toggles until the time is up counts nobody, and it could be told.) For the five rows, over all recorded seeds:

# %%
ROWS = ["random", "q_learning", "dqn", "q_learning_selection", "dqn_selection"]
five = coded.groupby("row")["subscribers"].agg(["min", "max"]).loc[ROWS]
assert five["min"].min() >= floor and five["max"].max() <= ceiling
five["most over waiting"] = five["max"] - floor
five["p at least"] = 2.0 ** (1 - five["most over waiting"]).clip(upper=0)
between = five["max"].max() - five["min"].min()
assert between <= room and (five["p at least"] > 0.05).all()
five.rename(plots.ROW_NAMES).astype({"min": int, "max": int, "most over waiting": int})

# %% tags=["hide-input"]
for row in ROWS:
    note(
        f"row-{row}",
        " to ".join(str(v) for v in sorted({*five.loc[row, ["min", "max"]].astype(int)})),
    )
note("rows-between", str(int(between)))
beside(
    {
        "random": "row-random",
        "Q-learning": "row-q_learning",
        "DQN": "row-dqn",
        "Q-learning with selection": "row-q_learning_selection",
        "DQN with selection": "row-dqn_selection",
        "widest gap between two rows": "rows-between",
    }
)

# %% [markdown]
# (The p-values are the smallest that the counts allow: a policy that gains three and loses one has a larger one.) Keep two kinds of
# chance apart, as in {ref}`ch-study`. That DQN counts fewer than random does *on these customers* is no luck of the seeds: it
# does so with all of them. Whether it would on other customers like them hangs on {glue:text}`audit-room` people.
#
# Had the game left more room, what could a test on so many customers find? The {term}`power` of a test is the chance that it finds a
# difference of a given size. On *these* customers it is 0 for all the room there is: six are needed, and {glue:text}`audit-room` can turn
# up. So let us think of another 1,655 like them, drawn anew. A policy that gains $g$ of such customers *on average*, and loses none, is
# found if at least six turn up, and the power is the probability of six or more.

# %%
gains = list(range(1, 17))
power = [power_paired(gain, 0, N) for gain in gains]
enough, with_losses = detectable_gain(N), detectable_gain(N, lost=5)
assert power[room - 1] < 0.1 and enough == 8 and with_losses > enough + 5

# %% tags=["hide-input"]
note("power-room", f"{power[room - 1]:.0%}")
note("power-enough", f"{enough}")
note("power-enough-factor", f"{(floor + enough) / floor:.2f}")
note("power-with-losses", f"{with_losses} gained, 5 lost: {with_losses - 5} more")
beside(
    {
        f"power on other customers, {room} gained on average": "power-room",
        "gain found four times in five, if none is lost": "power-enough",
        "as a factor over waiting": "power-enough-factor",
        "found as often, if five are lost": "power-with-losses",
    }
)

# %% mystnb={"figure": {"caption": "How likely a true gain over waiting is to be found on another 1,655 customers like these, if none is lost. The gain is an average: how many turn up varies.", "name": "fig-audit-power"}, "image": {"alt": "A rising curve. If three customers are gained on average, as many as depend on the policy here, the test finds it in fewer than one case of ten; eight on average are needed for four in five."}} tags=["hide-input"]
plots.power_curve(
    gains, power, {room: "as many as depend on it here", enough: "four times in five"}
)
plt.show()

# %% [markdown]
# Even if there were {glue:text}`audit-power-enough` customers to gain, they would be found four times in five and no more often
# ({numref}`fig-audit-power`). If the policy also loses some, more must be gained: {glue:text}`audit-power-with-losses`. A difference of the size that the
# study discusses, 1.39% against 1.45%, is one customer.
#
# ## The right denominators
#
# 0.44% is 48 of 11,032: all rows. The test customers are 15% of these, with other people in them. The published counts stay as they are; we
# divide by what else one can do with the *test* customers.

# %%
published = pd.DataFrame(
    {
        "Q-learning": (18, 1000),
        "DQN": (24, 1655),
        "Q-learning, selection": (8, 1000),
        "DQN, selection": (23, 1655),
    },
    index=["count", "of"],
).T
random_rate = coded.query("row == 'random'")["subscribers"].mean() / N
below_the_line = {
    "0.44%, all rows": BASE,
    "always wait": floor / N,
    "random": random_rate,
    "the ceiling": ceiling / N,
}
factors = pd.DataFrame(index=published.index)
like_waiting = []
for name, line in below_the_line.items():
    cells = []
    for count, of in published.itertuples(index=False):
        low, high = (end / line for end in wilson(count, of))
        cells.append(f"{count / of / line:.2f} ({low:.2f} to {high:.2f})")
        like_waiting += [low < 1 < high] if name != "0.44%, all rows" else []
    factors[name] = cells
assert len(like_waiting) == 12 and all(like_waiting)
factors

# %% tags=["hide-input"]
for row, name in zip(
    factors.index, ("q", "dqn", "q-selection", "dqn-selection"), strict=True
):
    note(f"factor-{name}-wait", factors.loc[row, "always wait"])
    note(f"factor-{name}-random", factors.loc[row, "random"])
beside(
    {
        "Q-learning over waiting": "factor-q-wait",
        "DQN over waiting": "factor-dqn-wait",
        "Q-learning with selection over waiting": "factor-q-selection-wait",
        "DQN with selection over waiting": "factor-dqn-selection-wait",
        "DQN with selection over random": "factor-dqn-selection-random",
    }
)

# %% [markdown]
# The intervals are those of the published counts; the denominators are exact on these customers, but for random, which is a mean over seeds.
# The 3.16 becomes {glue:text}`audit-factor-dqn-selection-wait` over doing nothing, and each of the twelve intervals in the last three
# columns includes 1. The 4.09 of Q-learning is over the ceiling, as a rate: more than any policy can get if each test customer counts once.
# It was measured on 1,000 customers drawn with replacement, and such a draw can hold more subscribers than its source:

# %%
luck = binom.sf(17, 1000, ceiling / N)
bad_luck = binom.cdf(8, 1000, floor / N)
assert 0.05 < luck < 0.5 and ceiling_always / N < 18 / 1000
assert 0.05 < bad_luck < 0.5 and floor / N > 8 / 1000
print(f"18 or more of 1,000 draws, by a policy at the ceiling: {luck:.2f}")
print(f"8 or fewer of 1,000 draws, by a policy at the floor: {bad_luck:.2f}")

# %% tags=["hide-input"]
note("luck-of-18", f"{luck:.2f}")
note("luck-of-8", f"{bad_luck:.2f}")
beside(
    {
        "18 or more, at the ceiling": "luck-of-18",
        "8 or fewer, at the floor": "luck-of-8",
    }
)

# %% [markdown]
# The study's failure, the 0.80% of Q-learning with selection, lies on the other side: *below* the floor. It need not be a failure. A policy
# that counts everybody whom waiting counts gets 8 or fewer in {glue:text}`audit-luck-of-8` of such draws. The other reading is a policy that
# with some customers only toggles until the time is up. 8 of 1,000 cannot say which, and neither can they say that the state space was too
# large for a table.

# %% mystnb={"figure": {"caption": "Published rates with their 95% intervals (orange), our recorded means (blue), and all that any policy can get on these customers (band). The dashed line is the rate the study divided by.", "name": "fig-audit-room"}, "image": {"alt": "Every measured rate lies within a narrow band near 1.4 percent, and every published interval reaches into the band. The dashed line at 0.44 percent lies far to the left of the band."}} tags=["hide-input"]
measured = 100 * coded.groupby("row")["subscribers"].mean() / N
order = ["q_learning", "dqn", "q_learning_selection", "dqn_selection"]
ends = np.array([wilson(c, of) for c, of in published.itertuples(index=False)])
chart = pd.DataFrame(
    {
        "measured %": measured[order].to_numpy(),
        "published %": 100 * (published["count"] / published["of"]),
        "low %": 100 * ends[:, 0],
        "high %": 100 * ends[:, 1],
    }
)
chart.loc["random"] = [measured["random"], np.nan, np.nan, np.nan]
chart.loc["always wait"] = [100 * floor / N, np.nan, np.nan, np.nan]
band = 100 * floor / N, 100 * ceiling / N
assert chart["measured %"].between(band[0] - 1e-9, band[1] + 1e-9).all()
assert ((100 * ends[:, 0] < band[1]) & (100 * ends[:, 1] > band[0])).all()
plots.room(chart, *band, 100 * BASE)
plt.show()

# %% [markdown]
# ## Which policy was evaluated?
#
# We train the first row of the study live, Q-learning as coded, one seed, and ask in how many of its states it must decide on the test
# customers.

# %%
agent = train_q_learning(worlds["train"], episodes=100_000, seed=0)
case = replay_case(
    customers,
    policies={"Q-learning": agent},
    candidate="Q-learning",
    learn=lambda world: train_q_learning(world, episodes=100_000, seed=0),
)
states = states_met(case.train[case.features], case.test[case.features])
assert states.customers_known == case.known.sum() and states.customers_known < 0.05 * N
recorded = coded.query("row == 'q_learning'")["known_share"]
actions = coded.groupby("row")[[f"action_{a.name.lower()}" for a in Action]].mean()
apart = (actions.loc["q_learning"] - actions.loc["random"]).abs().max()
assert apart < 0.01

# %% tags=["hide-input"]
note("states", str(states.states))
note("states-known", str(states.states_known))
note("customers-known", f"{states.customers_known} of {states.customers:,}")
note("decisions-known", f"{recorded.mean():.2%}")
note("actions-apart", f"{100 * apart:.1f} points")
beside(
    {
        "distinct states of test customers": "states",
        "of them met in training": "states-known",
        "test customers in such a state": "customers-known",
        "decisions in a known state on record": "decisions-known",
        "largest difference to random in an action's share": "actions-apart",
    }
)

# %% [markdown]
# In a state that training never met the table has no row, and the rule is a uniformly random action. So what was evaluated under the name of
# Q-learning is the random policy, with a few exceptions, and its actions are spread like those of the random policy. Its best published
# figure, 1.80%, says nothing of what it learned, for or against.
#
# Why are the states unknown? One reason is a code. The study numbered the countries by the alphabet **in each part anew**, and one
# country's number depends on which others are present.

# %%
codes = codes_agree(case.train, case.test, "country", "Country")
assert codes["same"] < 0.1 * codes["names"]
dated = {
    name: rows.assign(**{event: rows[f"{event}_date"].notna() for event in EVENTS})
    for name, rows in parts.items()
}
encoder = PublishedFeatures().fit(dated["train"])
encoder.today_ = dated["test"]["first_contact"].max()  # as coded; the codes stay train's
with_codes_of_train = states_met(case.train[case.features], encoder.as_coded(dated["test"]))
assert with_codes_of_train.customers_known > 5 * states.customers_known

# %% tags=["hide-input"]
note("codes", f"{codes['same']} of {codes['names']}")
note("codes-rows", f"{codes['rows_same']} of {codes['rows']:,}")
note("known-with-codes", f"{with_codes_of_train.customers_known} of {N:,}")
beside(
    {
        "countries with one code in train and test": "codes",
        "test customers with such a country": "codes-rows",
        "in a known state with the codes of train": "known-with-codes",
    }
)

# %% [markdown]
# With the codes of train alone, everything else as it was, {glue:text}`audit-known-with-codes` test customers would be in a state that
# training met. So an audit of the *inputs*, one group-by in each part, would have found what no learning curve shows.
#
# ## Which features give the answer away?
#
# A feature is worth suspecting if a rule of one line on it nearly names the subscribers. For each feature we look for the best rule
# "value at least (or at most) a cut", by $F_1 = 2 \times \text{right} / (\text{named} + \text{subscribers})$, which is 1 if the rule
# names exactly the subscribers.

# %%
rules = one_line_rules(case.test, "subscribed", case.features)
stage = rules.loc["Stage"]
assert rules.index[0] == "Stage" and stage["rule"] == ">= 6" and stage["f1"] > 0.8
constant = rules.index[rules["rule"] == "(never varies)"]
assert list(constant) == ["Status_Active"]
rules.head(5).round(2)

# %% tags=["remove-cell"]
for name in ("Stage", "Had_Manager"):
    line = rules.loc[name]
    note(
        f"rule-{name}",
        f"names {line['named']}, {line['right']} of {line['all_successes']} subscribers among them",
    )
note("never-varies", ", ".join(constant))

# %%
both = customers.dropna(subset=["manager_date", "subscribed_date"])
after = int((both["manager_date"] > both["subscribed_date"]).sum())
assert after > 0

# %% tags=["hide-input"]
note("manager-after", f"{after} of {len(both)}")
beside(
    {
        "Stage is 6": "rule-Stage",
        "has had a manager": "rule-Had_Manager",
        "never varies": "never-varies",
        "managers assigned after the subscription": "manager-after",
    }
)

# %% [markdown]
# Stage 6 *is* the outcome: somebody wrote "subscribed already". The five milestones are as they stood at the {term}`snapshot <snapshot date>`, not when
# somebody had to decide; of the subscribers with both dates, {glue:text}`audit-manager-after` were given their manager after they had
# subscribed. And `Status_Active` is the same for everybody.
#
# What is such knowledge worth in this game? We write a policy of one line, from the rules and two flags, without learning: *if there is a
# manager on record, assign one first; then call whoever has a call on record, and leave all others alone.*

# %%
HAD_CALL = case.features.index("Had_First_Call")
HAD_MANAGER = case.features.index("Had_Manager")


def one_line(states, world, rng):
    flags = world.population.features[states.customer] > 0
    manager_first = flags[:, HAD_MANAGER] & (states.steps == 0)
    then = np.where(flags[:, HAD_CALL], Action.CALL, Action.WAIT)
    return np.where(manager_first, Action.MANAGER, then)


ours = metrics(play(test, one_line, np.random.default_rng(0)))
learned = coded.query("row in ['q_learning', 'dqn']")["average_reward"].max()
assert ours["subscribers"] == ceiling and ours["average_reward"] > learned

# %% tags=["hide-input"]
note("one-line", f"{ours['subscribers']}, reward {ours['average_reward']:.2f}")
note("best-learned-reward", f"{learned:.2f}")
beside(
    {
        "one line policy": "one-line",
        "best seed that learned without selection": "best-learned-reward",
    }
)

# %% [markdown]
# It reaches the ceiling in subscribers and earns more reward than any recorded seed of the two learners in this game. It does so because it
# reads the answers off the record. On the day of the decision the flags would not be there, and it would be worth nothing. A high score in
# this game shows that one can read, and not that one can sell.
#
# ## What did the education fix change?
#
# The study reports 1.30% before its fix and 1.80% after, each of 1,000 draws. It also gives two numbers for DQN, 1.15% and 1.45%, and for
# DQN with selection 1.39% and, in a log, 18 of 1,655. How far apart do two evaluations of **one unchanged policy** come out?
#
# :::{admonition} By hand: 13 and 18 of 1,000
# :class: by-hand
#
# A policy that counts 24 of the 1,655 test customers has a rate of 1.45%. In 1,000 draws with replacement it gets 14.5 on average, with a
# standard deviation of about $\sqrt{14.5} = 3.8$. The difference of two such evaluations has a standard deviation of
# $\sqrt{14.5 + 14.5} = 5.4$. The reported difference, $18 - 13 = 5$, is smaller than one standard deviation.
# :::

# %%
from crm_rl.evaluation.power import difference


def with_itself(gap: int, n: int, p: float) -> float:
    """How often two evaluations of one policy on n draws differ by `gap` or more."""
    counts = np.arange(n + 1)
    chance = binom.pmf(counts, n, p)
    return sum(chance @ np.r_[chance[k:], np.zeros(k)] * 2 for k in range(gap, 80))


pairs = {
    "Q-learning: 1.30% and 1.80%": (13, 18, 1000),
    "DQN: 1.15% and 1.45%": (19, 24, 1655),
    "DQN, selection: 18 and 23": (18, 23, 1655),
}
noise = {}
for name, (first, second, n) in pairs.items():
    apart, low, high = difference((second, n), (first, n))
    table = [[first, n - first], [second, n - second]]
    noise[name] = {
        "difference, points": f"{100 * apart:+.2f} ({100 * low:+.2f} to {100 * high:+.2f})",
        "p": f"{fisher_exact(table).pvalue:.2f}",
        "one policy with itself": f"{with_itself(second - first, n, ceiling / N):.0%}",
    }
    assert low < 0 < high
noise = pd.DataFrame(noise).T
noise

# %% tags=["remove-cell"]
note("education", noise.iloc[0, 0])
note("education-itself", noise.iloc[0, 2])
note("dqn-itself", noise.iloc[1, 2])

# %% [markdown]
# Every interval includes zero. One policy evaluated twice by drawing customers differs by as much or more in
# {glue:text}`audit-education-itself` of cases. So the fix, right as it is for the reasons of {ref}`ch-education`, changed nothing that
# these numbers can show; nor can it have changed more than the room between floor and ceiling.
#
# And the three pairs contradict each other as *exact* numbers. If each test customer counted once, no policy without selection could score
# below the floor, and 1.15% of 1,655 is 19:

# %%
assert 19 < floor <= 24

# %% tags=["hide-input"]
note("nineteen", f"{floor - 19} below the floor")
beside(
    {
        "19 subscribers, 1.15% of 1,655": "nineteen",
    }
)

# %% [markdown]
# So those 1,655 were drawn too, or counted by other rules; which, the study does not say. An evaluation of everybody, once, would have been
# cheaper and would have had no such noise.
#
# ## Does it learn from the outcomes at all?
#
# One more test, which needs no understanding of the game. **Deal the training outcomes anew** among the training customers, train again for
# as long, and score on the true test customers, by subscribers and by mean reward. What learned from the outcomes, and can show it, gets
# worse. It is a {term}`permutation test` of a whole pipeline. We put it together with all the other questions: `audit` asks them of a
# `Case`.

# %%
report = audit(case)
assert report.verdict("Does shuffling") == "cannot tell" and len(report.faults()) >= 4
report

# %% tags=["remove-cell"]
note("faults", f"{len(report.faults())} of {len(report.findings)}")
count, others, reward, rewards = re.match(
    r"(\d+) .*outcomes (\d+ to \d+); score (\S+); shuffled (.+), p",
    report.findings[-1].answer,
).groups()
note("shuffled", f"{count}; shuffled {others}")
note("reward-true", reward)
note("reward-shuffled", rewards)

# %% [markdown]
# Nineteen tables trained on other people's outcomes score like the one trained on the true ones. Does Q-learning learn nothing from outcomes?
# The report says *cannot tell*, and for a reason: the tables know next to none of the test states, all meet the same draws, and where
# they act at random they act alike. They could hardly have come out otherwise, whatever was learned. A test that cannot fail is no evidence
# either way, so we look for a place where it can: the training customers, nearly all of whom begin in a state that the table has met.

# %%
train = worlds["train"]


def reward_on_train(order):
    return play(train, case.retrain(order), np.random.default_rng(0)).reward.mean()


known = agent.known(train.start(np.arange(train.size())), train)
chance = np.random.default_rng(0)
control, controls = shuffled_scores(reward_on_train, train.size(), chance)
assert control > controls.max() + 5 and known.mean() > 0.99
print(f"reward on the training customers, true outcomes: {control:.1f}")
print(f"shuffled: {controls.min():.1f} to {controls.max():.1f}")

# %% [markdown]
# There the true outcomes earn more than all nineteen shuffled ones ($p = 1/20$, the smallest that nineteen allow). So the method does learn
# from outcomes, if only about customers it was trained on; that is memory, and no evidence on new ones. The *test part* cannot show what
# it learned.
#
# Each line of the report is a section of this chapter, and one function of `crm_rl.evaluation.audit.numbers`: `rates_by_part`, `missing_by_part`,
# `one_line_rules`, `codes_agree`, `floor_and_ceiling`, `against`, `states_met`, `shuffled_scores`; `power_paired` is in `power`.

# %% tags=["hide-input"]
note("control-true", f"{control:.1f}")
note("control-shuffled", f"{controls.min():.1f} to {controls.max():.1f}")
beside(
    {
        "questions that find a fault": "faults",
        "test subscribers, true and shuffled outcomes": "shuffled",
        "mean reward on the test customers": "reward-true",
        "the same, shuffled": "reward-shuffled",
        "mean reward on the training customers": "control-true",
        "and shuffled": "control-shuffled",
    }
)

# %% [markdown]
# :::{admonition} Why 3.16 is not evidence, in two sentences
# :class: important
#
# The 3.16 divides a rate among the test customers by a rate among all customers, and by that division doing nothing at all "improves" about
# threefold too, because all who came by themselves were sorted into the test part. In this game the record decides who subscribes, only three or four of
# 1,655 test customers depend on what a policy does, and so no policy that acts could have scored visibly better than another.
# :::
#
# What it does *not* say: that reinforcement learning fails in sales, or that the study's authors saw nothing worth trying. The data cannot
# tell. [The checklist](../book/checklist.md) is this chapter in one page, for use at work.
#
# ## The same for your own results
#
# A `Case` asks for what most teams have. Only the tables are a must; each thing more lets it ask another question.
#
# | you bring | it asks |
# |---|---|
# | `parts`, `label`: tables by part, and the outcome's column | is test like train; are gaps where they should be |
# | `features` | does one give the outcome away; does one never vary |
# | `names`: columns of names and the codes made from them | does a code mean the same in both parts |
# | `policies`, `play(policy, rng)`: who came to a success; `reference`: which policy does nothing | do the actions matter; enough successes |
# | `candidate` | does it beat its best rival, in pairs |
# | `claimed_base` | is the baseline one of these customers |
# | `known` | has training met the test states |
# | `retrain(order)`; a finer `score(policy, rng)` | does shuffling the outcomes hurt |
#
# `play` may be anything: a simulator, a replay of logs, an environment with Gymnasium's face. For the last there is an adapter; a policy is
# then a function of observation and generator. Bring *all* test customers, or a random sample: a sample picked by milestone or outcome
# would bring its own floor.

# %%
import gymnasium

import crm_rl.worlds.gym_envs  # noqa: F401
from crm_rl.evaluation.audit.case import Case, Report, play_gymnasium

env = gymnasium.make("crm_rl/Funnel-v0", world=test)
everybody = [{"customer": i} for i in range(N)]
from_env = Case(
    parts={"train": case.train, "test": case.test},
    label="subscribed",
    policies={
        "wait": lambda observation, rng: int(Action.WAIT),
        "manager": lambda observation, rng: int(Action.MANAGER),
    },
    reference="wait",
    play=play_gymnasium(env, everybody, lambda reward, info: info["subscribed"]),
)
by_env = audit(from_env)
assert by_env.verdict("Do the actions") == "FAULT"
for question in ("Is test like", "Are gaps", "Are there enough"):
    assert by_env.verdict(question) == report.verdict(question)
Report([found for found in by_env.findings if found.verdict != "not checked"])

# %% [markdown]
# A verdict is one of four. *FAULT*: the claim cannot stand on this. *look*: it may be harmless; say why. *cannot tell*: it would look like
# this either way. (Chance makes mistakes, too: a sound baseline is called a fault in one case of a thousand, and looked at in one of twenty.) *nothing found* is less than "all is well", for an audit finds only what it asks for.
#
# ## The break-it lab
#
# Seven teams of one company bring you a result each. Their agent chooses among waiting, calling and mailing; six of the seven have made one
# mistake, and one has made none.
#
# ::::{exercise} Seven results, six mistakes
# :label: ex-audit-lab
#
# Audit the cases A to G. Which mistake has each team made, and what would you tell them to do? Which result stands? Careful: a mistake may
# show in more than one line; name the cause.
# ::::

# %%
from crm_rl.evaluation.audit.lab import LETTERS, PLANTED, lab_case

audit(lab_case("A"))

# %% [markdown]
# :::{solution-start} ex-audit-lab
# :class: dropdown
# :::
#
# All seven at once: the questions that did not come out clean.

# %%
reports = {letter: audit(lab_case(letter)) for letter in LETTERS}
unclean = [
    found._replace(question=f"{letter}. {found.question}")
    for letter, report in reports.items()
    for found in report.findings
    if found.verdict != "nothing found"
]
Report(unclean)

# %%
assert [letter for letter in LETTERS if letter not in {f.question[0] for f in unclean}] == [
    "D"
]
assert all(
    len(report.faults()) == (PLANTED[letter] != "nothing")
    for letter, report in reports.items()
)
remedies = {
    "denominator of another population": "divide by waiting, on the same customers",
    "label in the features": "drop what was written down after the decision",
    "too few events": "collect more, and claim nothing until then",
    "nothing": "the result stands, as far as these questions go",
    "test sorted by missingness": "split by a time that all have, groups apart",
    "actions without effect": "no policy can be judged in this world; experiment",
    "codes refitted in each part": "fit codes on train, and train again",
}
pd.DataFrame(
    {
        letter: {"planted": PLANTED[letter], "what to do": remedies[PLANTED[letter]]}
        for letter in LETTERS
    }
).T

# %% [markdown]
# Team D's agent is good: it beats its best rival, the actions matter, and with shuffled outcomes it is worse. Teams F and G show several
# lines each. In F the world does not listen to actions, so nothing beats anything and shuffling cannot hurt. In G the codes are the cause: the
# agent reads a west that is south now. C may even have a good agent; its test cannot tell. And note what a clean page in A's other lines
# means: its agent *is* better, only not by the factor on the slide.
#
# :::{solution-end}
# :::
#
# ## What experiment would settle it?
#
# No analysis of this export can say what a policy sells. An experiment can: a {term}`randomised holdout`. Each customer is assigned by a coin
# to be treated by the policy or as before, and we count who subscribes. How many customers does that take, at a base rate of 0.44%?
#
# :::{admonition} By hand: customers per arm
# :class: by-hand
#
# Two rates, $p = 0.44\%$ and, with a lift of 20%, $p' = 0.528\%$. Their difference is $0.088\%$. In arms of $n$ each, the difference of the two
# measured rates has the variance $\bigl(p(1-p) + p'(1-p')\bigr) / n$, about $(p + p') / n = 0.00968 / n$.
#
# To find it four times in five at the 5% level, the difference must be $1.96 + 0.84 = 2.8$ standard deviations:
#
# $$
# n = 2.8^2 \times \frac{0.00968}{0.00088^2} \approx 98{,}000
# $$
#
# **per arm**. A rule of thumb follows. With lift $\lambda$ and small rates $p + p' \approx 2p$, so $n p \approx 16 / \lambda^2$: it takes
# about 16 divided by the square of the lift *subscribers* in the control arm, whatever the base rate. For 20%, 400, and a little more since
# $p' > p$. The firm has had 48 in two years.
# :::
#
# Which base rate, though? 0.44% is that of all rows, and this chapter has shown what a change of the mixture does to it. An experiment
# treats those who will come; the nearest to them that we have are those who came in the last year.

# %%
recent = customers[customers["arrival"] > pd.Timestamp("2021-04-28")]
lately = {g: recent[group[recent.index] == g] for g in GROUPS} | {"all": recent}
came = counted(lately, ["came in the last year"])
base_last = recent["subscribed"].mean()
assert base_last > 1.3 * BASE
assert came.loc["inbound", "subscribers"] > came.loc["all", "subscribers"] / 2
came

# %% [markdown]
# Their rate is higher, mostly because more of them are inbound, and though the latest have had little time to subscribe. We plan with both rates. A
# subscription also takes time, and not the same in both groups:

# %%
WAIT_FOR = 26  # weeks in which we wait for a subscription
delay = (customers["subscribed_date"] - customers["arrival"]).dt.days.dropna()
backwards = int((delay < 0).sum())  # dated before the arrival: left out
delay = delay[delay >= 0]
caught = {g: (d <= 7 * WAIT_FOR, d.median()) for g, d in delay.groupby(group)}
assert caught["inbound"][0].all() and caught["outbound"][0].mean() < 2 / 3

# %% tags=["hide-input"]
note("delay-backwards", f"{backwards}")
for g, (within, median) in caught.items():
    note(f"delay-{g}", f"{within.sum()} of {len(within)}")
    note(f"delay-{g}-median", f"{median:.0f} days")
beside(
    {
        "outbound: subscriptions within 26 weeks of arrival": "delay-outbound",
        "half of them within": "delay-outbound-median",
        "inbound: within 26 weeks": "delay-inbound",
        "half within": "delay-inbound-median",
        "dated before the arrival, left out": "delay-backwards",
    }
)

# %%
from crm_rl.evaluation.power import customers_per_arm, largest_z

a_month = len(recent) / 12
LIFTS = {"10%": 1.1, "20%": 1.2, "50%": 1.5, "2 times": 2.0, "3.16 times": 3.16}
plan, years = {}, {}
for name, times in LIFTS.items():
    n = customers_per_arm(BASE, times)
    plan[name] = {
        "per arm": f"{n:,}",
        "subscribers": round(n * BASE),
        "contacts": f"${10 * n:,}",
        "forgone": round(n * BASE * (times - 1)),
    }
    for rate, whose in ((BASE, "all rows"), (base_last, "last year")):
        recruiting = 2 * customers_per_arm(rate, times) / a_month / 12
        took = years.setdefault(f"{rate:.2%}, {whose}", {})
        took[name] = f"{recruiting + WAIT_FOR / 52:.1f}"
assert plan["20%"]["per arm"] == "97,633"
plan = pd.DataFrame(plan).T.rename_axis("lift")
years = pd.DataFrame(years).rename_axis("years for a lift of")
assert years.loc["20%"].astype(float).min() > 20
plan

# %%
years

# %% tags=["hide-input"]
note("arrivals", f"{a_month:.0f}")
note("base-last", f"{base_last:.2%}")
for name, times in LIFTS.items():
    note(f"years-{times}", years.loc[name].iloc[0])
    note(f"years-last-{times}", years.loc[name].iloc[1])
beside(
    {
        "arrivals a month in the last year": "arrivals",
        "their rate": "base-last",
        "years for a lift of 10%, at 0.44%": "years-1.1",
        "for 20%": "years-1.2",
        "for 50%": "years-1.5",
        "for 3.16 times": "years-3.16",
        "years for a lift of 10%, at last year's rate": "years-last-1.1",
        "20%, at last year's": "years-last-1.2",
        "50%, at last year's": "years-last-1.5",
        "3.16 times, at last year's": "years-last-3.16",
    }
)

# %% tags=["remove-cell"]
note("per-arm-1.2", plan.loc["20%", "per arm"])
note("conversions-1.2", f"{plan.loc['20%', 'subscribers']}")
note("calls", f"{recent['call'].sum() / recent['subscribed'].sum():.0f}")

# %% [markdown]
# `subscribers` are those expected in the control arm; `contacts` is what one more contact for each treated customer costs, at \$10;
# `forgone` the subscriptions that the held-out arm would not get if the lift is real: the price of knowing. The first table is for 0.44%.
# Years: both arms at {glue:text}`audit-arrivals` arrivals a month, and 26 weeks of waiting for the last.
#
# If anything, the years are too few. By 26 weeks the inbound have subscribed who will, as far as the record shows: they *arrive* with their first
# milestone. Of the outbound subscribers more than a third took longer, and more may do so than we see, since for the latest arrivals the
# record stops early. And both rates are averages over a mixture, so that most of the subscribers in such an experiment are inbound.
#
# Two things to see. A lift of 20%, which a firm would be glad of, takes this firm **decades** to measure in subscriptions:
# {glue:text}`audit-years-1.2` years at the one rate, {glue:text}`audit-years-last-1.2` at the other. {cite:t}`lewis2015` found the same of
# advertising. And the claim itself, 3.16 times, could be tested within {glue:text}`audit-years-3.16` years, with some 1,600 customers in
# each arm: a claim so large is cheap to test, and it was not. (With 7 subscribers expected in the control arm the formula is at its limit;
# plan for some more.)
#
# What one can do when it takes too long: measure an earlier and more frequent outcome (a first call, {glue:text}`audit-calls` times as
# frequent in the last year) and say that it is another question; test on the customers where most is at stake, apart; make fewer, bolder changes.
#
# **Who, and how.** The unit is the customer. The coin is tossed at arrival, apart for inbound and outbound (*stratified*), and written down.
# Everybody counts in the arm of their coin, also those whom nobody reached. A lift among the inbound says nothing on the outbound.
#
# **The estimator.** The difference of the two proportions with its interval (`difference` in `crm_rl/evaluation/power.py`, {cite:t}`newcombe1998`).
# What was known *before* the coin can take noise out of it: CUPED {cite:p}`deng2013`, or a regression with the arm among its terms. It cuts the
# variance by the share that the covariate explains, and for rare outcomes that is little:

# %%
explained = np.corrcoef(customers["inbound"], customers["subscribed"])[0, 1] ** 2
assert explained < 0.1

# %% tags=["hide-input"]
note("explained", f"{explained:.1%}")
beside(
    {
        "variance of subscribing that inbound explains": "explained",
    }
)

# %% [markdown]
# (And that is too much said: we know of an inbound customer only by a milestone, which may come after the coin.)
#
# **When to stop.** At the planned number, and not when it looks good. Whoever looks every month and stops at the first $p < 0.05$ gives
# chance many chances. We let 100,000 experiments run in which the policy changes nothing:

# %%
looks = {}
for number in (1, 2, 5, 12):
    largest = largest_z(number, np.random.default_rng(0))
    looks[number] = {
        "an effect found that is not there, %": 100 * (largest > 1.96).mean(),
        "bound on |z| that keeps it at 5%": np.quantile(largest, 0.95),
    }
looks = pd.DataFrame(looks).T.rename_axis("looks").round({0: 1}).round(2)
assert looks.iloc[0, 0] < 5.3 and looks.iloc[-1, 0] > 18
looks

# %% tags=["remove-cell"]
note("peeking", f"{looks.loc[12].iloc[0]:.0f}%")

# %% [markdown]
# With twelve looks a useless policy is found useful (or harmful) in {glue:text}`audit-peeking` of experiments. Three cures: one look, at the
# end, fixed beforehand; a higher bound at each of a planned number of looks, as in the last column, which is Pocock's {cite:p}`pocock1977`
# ({cite:t}`obrien1979` asks for more at first and less at the end); or an {term}`always-valid interval` that allows a look at any time, and is
# wider for it {cite:p}`johari2022`.
#
# **The log.** With this written down for each decision, from the first day, the question could be asked of the past:
#
# | field | why |
# |---|---|
# | customer, time | who, and when |
# | what was known then | the features as they stood, not as they stand today |
# | action, and what came of it | "called, not reached" is not "not called" |
# | {term}`propensity` | the probability with which this action was chosen; without it the past cannot be reweighted |
# | the version of policy, features and codes | so that a decision can be made again |
# | outcome and its date | and the day on which one looked |
#
# Where the propensity of every action is above zero, one log can judge many policies: that is the
# subject of chapter 14 (planned). Where the team does what it always does, no log can.
#
# ## Exercises
#
# ::::{exercise} Do demos sell?
# :label: ex-audit-demo
#
# Of all customers, those with a demo on record subscribe many times as often as those without. Compute the factor. Then compute it for inbound
# customers alone, and explain what you see. (How does one become an inbound customer?)
# ::::

# %%
with_demo = customers[customers["demo"]]
print(f"with a demo: {with_demo['subscribed'].sum()} of {len(with_demo)}")

# %% [markdown]
# :::{solution-start} ex-audit-demo
# :class: dropdown
# :::
#
# Among all the factor is large; among the inbound it is below one. The first is the mixture: most demos are inbound customers'. The second
# is a trap too. A customer without a first contact counts as inbound *because* a milestone or a subscription is on record. Who has no demo
# needs another one, a signup, a call, a manager, and those stand closer to a sale. Choosing people by a consequence makes its causes look
# like rivals (*collider bias*; {cite:t}`hernan2020`, chapter 8). Neither number says what a demo does.

# %%
sets = {
    (who, demo): customers[mask & (customers["demo"] == (demo == "with a demo"))]
    for who, mask in {
        "all": customers["subscribed"].notna(),
        "inbound": customers["inbound"],
    }.items()
    for demo in ("with a demo", "without")
}
demos = counted(sets, ["customers are", "they are"])
ratio = demos["rate %"].unstack()
ratio = ratio["with a demo"] / ratio["without"]
assert ratio["all"] > 20 and ratio["inbound"] < 1
demos

# %% tags=["remove-cell"]
note("demo-all", f"{ratio['all']:.0f}")
note("demo-inbound", f"{ratio['inbound']:.2f}")

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} Floor and ceiling, as described
# :label: ex-audit-described
#
# In the setting `described` any first action brings the subscription on record. Work out floor and ceiling of the test part in your head, then
# let `replay_case` and `floor_and_ceiling` say so. What does the audit find?
# ::::

# %%
described = replay_case(customers, setting="described", candidate="random")

# %% [markdown]
# :::{solution-start} ex-audit-described
# :class: dropdown
# :::
#
# Both are 25, all the subscribers of the part. The swing is 0, and no comparison of subscription rates in this setting can ever show
# anything.

# %%
from crm_rl.evaluation.audit.checks import played

found = floor_and_ceiling(played(described))
assert found == (25, 25, 0)
print(found)
print(audit(described).faults())

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} How long for outbound customers alone?
# :label: ex-audit-outbound
#
# The firm wants to know whether a new sequence of emails to outbound customers raises their rate by half. Use those who arrived in the last
# year: how many came, and their rate. How many customers, how many years? And if the outcome were the first call?
# ::::

# %%
outbound = lately["outbound"]
per_month = len(outbound) / 12

# %% [markdown]
# :::{solution-start} ex-audit-outbound
# :class: dropdown
# :::
#
# The rarer the outcome, the more customers: about $16 / \lambda^2$ events are needed either way, and outbound customers have few. First calls
# come {glue:text}`audit-outbound-calls` times as often, and the years shrink about as much. It is then an answer about calls.

# %%
duration = {}
for outcome in ("subscribed", "call"):
    rate_now = outbound[outcome].mean()
    n = customers_per_arm(rate_now, 1.5)
    duration[outcome] = {
        "rate %": round(100 * rate_now, 2),
        "customers per arm": f"{n:,}",
        "years": f"{2 * n / per_month / 12:.1f}",
    }
duration = pd.DataFrame(duration).T
assert float(duration.loc["subscribed", "years"]) > 4 * float(duration.loc["call", "years"])
duration

# %% tags=["remove-cell"]
note("outbound-calls", f"{outbound['call'].sum() / outbound['subscribed'].sum():.0f}")

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - Before training, work out what the worst and the best policy can score on the test customers. If they are close, stop.
# - A total can rise while no group does. Ask who is in each part, and where the gaps are.
# - The denominator must be measured on the same customers, by the same rules: doing nothing, random, each constant action.
# - Ask how often a policy decides in a state it has met; a table decides by coin in all others.
# - A feature that nearly names the outcome was written down after it.
# - Two evaluations of one policy differ. Say by how much before you credit a change.
# - A large claim is cheap to test by experiment; a small one may be beyond a small firm.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. On a test set the worst policy scores 1.33% and the best possible 1.51%. Two agents score 1.39% and 1.45%. What follows?
# :class: quiz
#
# ::::{dropdown} The second agent is better, and both are close to the best
# :class-container: wrong
#
# On 1,655 customers the two differ by one. Six to none is the least that chance does not explain, and there are three in play.
# ::::
# ::::{dropdown} These customers cannot tell any two agents apart
# :class-container: right
#
# Between worst and best lie three people. That was known before training ({numref}`fig-audit-power`).
# ::::
# ::::{dropdown} Both learned something: they are above the worst
# :class-container: wrong
#
# So is a random policy, which counts nearly as many as the best.
# ::::
# :::::
#
# :::::{admonition} 2. The rate in every group fell, and the total rose. Which number do you report?
# :class: quiz
#
# ::::{dropdown} The total: it counts everybody
# :class-container: wrong
#
# It is true, and it answers how many subscribe, not whether something made people subscribe more.
# ::::
# ::::{dropdown} The groups, with their sizes, and the total with the mixture held fixed
# :class-container: right
#
# Then the reader sees what changed: who came, or what they did.
# ::::
# ::::{dropdown} None: the data contradict themselves
# :class-container: wrong
#
# They do not. The total is an average whose weights moved.
# ::::
# :::::
#
# :::::{admonition} 3. A policy trained on shuffled outcomes scores as well as the real one. What does that show?
# :class: quiz
#
# ::::{dropdown} The score does not come from what was learned from the outcomes, if it could have come out otherwise
# :class-container: right
#
# Ask that first: here hardly a test customer was in a state that training met, so shuffling could change next to nothing,
# and we cannot tell. Where it could, the score comes from the world, the customers or the rules of counting. Which, the
# other checks must say.
# ::::
# ::::{dropdown} The method cannot learn
# :class-container: wrong
#
# It may learn well where there is something to learn. In a world without effect nothing can.
# ::::
# ::::{dropdown} The outcomes are wrong
# :class-container: wrong
#
# The shuffled ones are, on purpose. The true ones may be fine.
# ::::
# :::::
#
# :::::{admonition} 4. A code is fitted on the test part anew. Why is that a fault, though it uses no outcome?
# :class: quiz
#
# ::::{dropdown} It leaks the test outcomes
# :class-container: wrong
#
# It holds none. Not every fault is a leak, and this one makes results worse.
# ::::
# ::::{dropdown} A number then means another country than in training
# :class-container: right
#
# What was learned for one is applied to another; a table mostly finds no row at all.
# ::::
# ::::{dropdown} It is none: the alphabet is the same in both
# :class-container: wrong
#
# The alphabet is. The place in it depends on which names are present.
# ::::
# :::::
#
# :::::{admonition} 5. Half the base rate, the same relative lift: how many customers does the experiment need?
# :class: quiz
#
# ::::{dropdown} The same: the lift is the same
# :class-container: wrong
#
# It needs about the same number of *subscribers*, $16 / \lambda^2$ in the control arm.
# ::::
# ::::{dropdown} About twice as many
# :class-container: right
#
# As many events, each half as frequent.
# ::::
# ::::{dropdown} About four times as many
# :class-container: wrong
#
# The absolute difference is halved, which alone would give four; but the variance is halved as well.
# ::::
# :::::
#
# :::::{admonition} 6. After a third of the planned customers p is 0.03. Stop and deploy?
# :class: quiz
#
# ::::{dropdown} Yes: it is below 0.05
# :class-container: wrong
#
# That threshold was for one look. With many looks a useless policy passes it often.
# ::::
# ::::{dropdown} Only if a look now was planned, and its bound was set for that
# :class-container: right
#
# A planned look has a higher bound; an always-valid interval allows any look and is wider.
# ::::
# ::::{dropdown} Never stop early
# :class-container: wrong
#
# One may, by a rule that was fixed before the first customer.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} A paper reports a threefold improvement of a recommender by reinforcement learning. How do you check it in an hour?
# :class-container: interview
#
# I ask for the two rates of the factor and on whom each was measured. I let the policies that do nothing, act at random and take one action
# always treat the same test customers, and I ask what the worst and the best could get; here the worst "improves" about threefold
# ({numref}`fig-audit-room`). I count the successes, and who holds them: parts, gaps, groups. I look for a feature that names the outcome. If
# all is clean I shuffle the training outcomes and train again.
# ::::
# ::::{dropdown} Explain Simpson's paradox with an example of your own.
# :class-container: interview
#
# In a CRM export the subscription rate of customers who arrived after August 2021 is {glue:text}`audit-era-factor` times that of earlier ones, and in none of
# the three groups of customers did it rise ({numref}`fig-audit-simpson`). The total is an average weighted by group sizes, and the share of
# those who came by themselves, who subscribe far more often, went from almost none to a tenth. With the old mixture the factor is below one.
# So I report groups and sizes, and a total with fixed weights.
# ::::
# ::::{dropdown} How many customers does an A/B test need at a conversion of 0.44%?
# :class-container: interview
#
# For small rates about 16 divided by the squared relative lift, in conversions of the control arm; divide by the rate. For a lift of 20% the
# rule says 400 conversions, so about 91,000 customers an arm, at 80% power and 5%; the formula, which counts the larger spread of the
# treated arm, says {glue:text}`audit-conversions-1.2` and {glue:text}`audit-per-arm-1.2`. A threefold claim takes only some 1,600 an arm. I
# would fix the number and the one look beforehand, stratify by what predicts the outcome, and take an earlier outcome if the duration is
# absurd.
# ::::
# ::::{dropdown} Your agent's learning curve rises and its test score is the ceiling. Are you happy?
# :class-container: interview
#
# Not yet. I ask what the floor is: where the record decides, everybody is close to the ceiling. I ask how many test decisions were made in
# states that training met; here nearly none, so a "Q-learning" score was a random policy's. And a one-line rule that reads the milestones off
# the record reaches the same ceiling with more reward. A score is only evidence if something worse was possible.
# ::::
# ::::{dropdown} What should a firm log so that policies can be evaluated later?
# :class-container: interview
#
# For each decision: customer, time, the features as they stood, the action, the probability with which it was chosen, the version of policy
# and features, and later the outcome with its date. With propensities above zero for every action, past data can be reweighted to judge a
# new policy; without them one cannot tell effect from selection. A small share of random decisions is the cheapest insurance.
# ::::
#
# ## Further reading
#
# - {cite:t}`kapoor2024` is a checklist for science based on machine learning, of which [ours](../book/checklist.md) is a small relative;
#   {cite:t}`kapoor2023` is the survey of leakage behind it.
# - {cite:t}`kohavi2020` on experiments in firms; {cite:t}`lewis2015` on why small effects on rare purchases cannot be measured.
# - {cite:t}`fagerland2014` on paired proportions, {cite:t}`newcombe1998` on independent ones, {cite:t}`fleiss2003` for sample sizes.
# - {cite:t}`bickel1975`, the most famous paradox of this kind in real data.
