# %% [markdown]
# (ch-explosion)=
# # State-space explosion
#
# A {term}`Q-table` has a row for each {term}`state`. How much should a state tell? Everything we know about the customer, you might say, since
# an agent that sees more can choose better. With a table this has a price: each thing it sees multiplies its rows, and the same experience is spread over all of them.
# **Seeing more helps only while each row is still tried often enough.** This chapter counts the rows, and the tries that are left for each.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to count the states of a table by hand, and to write a state key
#   - to judge a table by the tries of each row, not by their mean
#   - what a table does with customers it has never met
#   - to choose what a table should see, and a first cure: a sum of tables
#
# You need
# : [Q-learning](04_q_learning.ipynb).
#
# Time
# : 29 minutes to read, 60 seconds to run.
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
# ## Seven tables, one budget
#
# Seven tables learn the full funnel of chapter 3, each from a million customer-weeks. They differ in their {term}`state resolution`. The
# coarsest sees only which {term}`milestones <milestone>` a customer has reached. Each of the others sees one thing more, and the finest sees everything, including the
# exact country and bootcamp. We let them learn in ten {term}`smooth worlds <smooth world>`, and in ten {term}`rough ones <rough world>`. Sort the countries by their rate of subscribers. A country's {term}`standing` is the share of customers in those before it, from 0 to 1; bootcamps have theirs.
# In smooth worlds customers of similar standing respond alike; in rough ones a standing says nothing about its neighbours. ([Chapter 7](07_fair_match.ipynb) explains worlds and intervals.)

# %% mystnb={"figure": {"caption": "What seven tables make of a million customer-weeks each. Each table sees what the ones to its left see, and one thing more. Dots are means over ten recorded worlds, bars 95% intervals. Rows: those in use after training in the book's smooth world.", "name": "fig-explosion-arch"}, "image": {"alt": "Line chart of the share of the attainable gain for seven tables of 30 to 67,000 rows, in smooth and rough worlds. Both lines rise to about a quarter for the second table, fall to about zero for the third, recover partly for the fourth, and end well below zero, below waiting, for the finest table. The optimum, at 100 percent, is far above all of them."}} tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from crm_rl import plots
from crm_rl.agents.q_learning import train_q_learning
from crm_rl.experiments.arms import ARMS, CHOSEN_TABLE
from crm_rl.experiments.comparison_record import load_comparison, score
from crm_rl.worlds.attributes import RESOLUTIONS, Resolution
from crm_rl.worlds.nature import BOOK_WORLD
from crm_rl.worlds.registry import worlds

plots.use_style()
train = worlds("smooth")["train"]


def learn(name: str, world=train, weeks: int = 1_000_000):
    """Train one of the seven tables."""
    arm = ARMS[f"table: {name}"]
    settings, resolution = arm.trials[arm.chosen], RESOLUTIONS[name]
    return train_q_learning(
        world, settings, None, seed=0, steps=weeks, resolution=resolution
    )


tables = {name: learn(name) for name in RESOLUTIONS}
rows = pd.Series({name: len(table.q) for name, table in tables.items()})
ENDS = {"smooth worlds": 0.0, "rough worlds": 1.0}
runs = load_comparison("twin")
runs = runs[runs["world"] != BOOK_WORLD]
scores = {
    end: pd.DataFrame(
        {name: score(runs, f"table: {name}", roughness=roughness) for name in RESOLUTIONS}
    ).T
    for end, roughness in ENDS.items()
}
SEES = ["milestones", "week", "contacts,\nchannel,\ninterest", "inbound"]
SEES += ["names in\nhalves", "names in\ntenths", "names\nin full"]
plots.arch_by_rows(scores, rows, dict(zip(RESOLUTIONS, SEES, strict=True)))
plt.show()

# %% tags=["remove-cell"]
from myst_nb import glue

from crm_rl.experiments.comparison_record import lead

FINEST, WEEK = "+ country x bootcamp", "+ week"


def told(row) -> str:
    """A share, and its interval, in percent."""
    each = (f"{100 * row[name]:.0f}%".replace("-", "−") for name in ("mean", "low", "high"))
    return "{} ({} to {})".format(*each)


def points(row) -> str:
    """A difference of shares, and its interval, in percentage points."""
    low = f"{100 * row['low']:.{int(row['low'] < 0.01)}f}"
    return f"{100 * row['mean']:.0f} points ({low} to {100 * row['high']:.0f})"


def table_lead(first, second, end):
    return lead(runs, f"table: {first}", f"table: {second}", roughness=ENDS[end])


for end, table in scores.items():
    key = end.split()[0]
    assert table["mean"].idxmax() == WEEK and table["mean"].idxmin() == FINEST
    assert table.loc[FINEST, "high"] < 0 < table.loc[WEEK, "low"]
    assert (
        table_lead(WEEK, "milestones", end)["low"] > 0
        and table_lead(WEEK, FINEST, end)["low"] > 0
    )
    assert all(
        table_lead("+ inbound", name, end)["low"] > 0
        for name in (FINEST, "+ fatigue, channel, interest")
    )
    glue(f"explosion-best-{key}", told(table.loc[WEEK]), display=False)
    glue(f"explosion-finest-{key}", told(table.loc[FINEST]), display=False)
    glue(
        f"explosion-whole-state-{key}",
        points(table_lead(WEEK, "+ inbound", end)),
        display=False,
    )
    others = [name for name in RESOLUTIONS if name != WEEK]
    assert all(table_lead(WEEK, name, end)["low"] > 0 for name in others)
for name, key in ((WEEK, "week"), (FINEST, "finest")):
    glue(f"explosion-rows-{key}", f"{rows[name]:,}", display=False)
settings = {name: ARMS[f"table: {name}"].chosen for name in RESOLUTIONS}
assert (
    settings[WEEK]
    == settings["+ inbound"]
    == settings[FINEST]
    != settings["+ fatigue, channel, interest"]
)

# %% [markdown]
# {numref}`fig-explosion-arch` shows {term}`shares of the attainable gain <share of the attainable gain>`, as in the last two chapters: 0% for waiting, 100% for the best plan.
#
# - **The best of the seven sees little.** It sees only milestones and the week, has {glue:text}`explosion-rows-week` rows, and gets
#   {glue:text}`explosion-best-smooth` in the smooth worlds, {glue:text}`explosion-best-rough` in the rough ones.
# - **The finest table loses money.** It sees everything, has {glue:text}`explosion-rows-finest` rows, and gets
#   {glue:text}`explosion-finest-smooth` and {glue:text}`explosion-finest-rough`: less than doing nothing.
#
# From the second table on the trend is down. (The third and the fifth have other settings than their neighbours, the best of three tried, so dips may be due to that.)
#
# Why up, and why down? A table needs two things. Its rows must **tell apart** what calls for different actions: a table that
# sees only milestones does the same in week 1 as in week 12. And each row must be **tried often enough** to know which action is
# best. In principle the finest table could hold the best plan of every customer. It fails on the second.
#
# ## How rows multiply
#
# A table can have as many rows as there are ways to fill in what it sees, and ways multiply.
#
# :::{admonition} By hand: four tables
# :class: by-hand
#
# A customer has reached each of five milestones, or not: $2^5 = 32$ rows. The week is one of 12. {term}`Fatigue <fatigue>` is 0, 1, or 2
# and more contacts in a row (3 values), last week's channel none, written, spoken or shown (0 to 3), and interest cold, cooler or fresh (0 to 2). Inbound or outbound makes 2.
#
# | the table sees | rows | weeks per row | tries per action |
# |---|--:|--:|--:|
# | milestones | 32 | 31,250 | 5,208 |
# | and the week | 32 × 12 = 384 | 2,604 | 434 |
# | and contacts, channel, interest | 384 × 36 = 13,824 | 72 | 12 |
# | and inbound | 13,824 × 2 = 27,648 | 36 | 6 |
#
# Weeks per row: the million, spread evenly. Tries per action: that, divided by six.
#
# **What do six tries tell?** Suppose an action sells to one customer in a hundred, so that it is worth $0.01 \times 5{,}000 = 50$
# dollars. With probability $0.99^6 = 0.94$ six tries see no sale, and the row says that the action is worth nothing. Otherwise it says
# 833 dollars or more. Both are far off.
# :::
#
# Bellman called this the curse of dimensionality {cite:p}`bellman1957`; we say {term}`state-space explosion`. Countries and bootcamps make it worse:
# the customers of training come in {glue:text}`explosion-groups` combinations of inbound, country and bootcamp. That allows {glue:text}`explosion-groups` times 13,824, or
# {glue:text}`explosion-rows` million rows, which leaves {glue:text}`explosion-weeks` weeks for each.
#
# The numbers also explain why an incomplete state can win. The {term}`Markov property` asks that the state hold all that matters for what comes
# next. Milestones and week do not: fatigue, channel, interest and the customer are missing. The fourth table adds the first three and
# inbound, has the same learning rate, and is {glue:text}`explosion-whole-state-rough` below in the rough worlds, {glue:text}`explosion-whole-state-smooth` in the
# smooth ones. At this budget, a few well-known rows beat a fuller state.

# %% tags=["remove-cell"]
from crm_rl.worlds.responsive import N_CHANNELS, N_FATIGUES, N_INTERESTS, N_PATTERNS

SITUATIONS = N_FATIGUES * N_CHANNELS * N_INTERESTS
assert (N_PATTERNS, train.params.weeks, SITUATIONS) == (32, 12, 36)
for count, weeks, tries in (
    (32, 31_250, 5_208),
    (384, 2_604, 434),
    (13_824, 72, 12),
    (27_648, 36, 6),
):
    assert (round(1e6 / count), round(1e6 / count / 6)) == (weeks, tries)
assert round(0.99**6, 2) == 0.94 and round(5_000 / 6) == 833
groups = {
    name: len(train.levels(resolution).groups) for name, resolution in RESOLUTIONS.items()
}
rows_allowed = groups[FINEST] * 13_824
glue("explosion-groups", f"{groups[FINEST]}", display=False)
glue("explosion-rows", f"{rows_allowed / 1e6:.1f}", display=False)
glue("explosion-weeks", f"{1e6 / rows_allowed:.2f}", display=False)

# %% [markdown]
# ## Write a state key
#
# A program needs one number for each state, its **state key**. We count as a clock does: 2 hours, 3
# minutes and 4 seconds are $(2 \times 60 + 3) \times 60 + 4 = 7{,}384$ seconds. Multiply by the size of the next unit, then add its
# value. This is a **mixed radix**: every digit has its own base.
#
# ::::{exercise} ★★ A key for every state
# :label: ex-explosion-key
#
# Complete `state_key`. It gets the values of a state, such as milestones 5, week 2, contacts 1, channel 0, interest 2, and how many values each can have. It
# runs, but many states share a key. `check` tries all 13,824 states and gives you a hint.
# ::::


# %% tags=["remove-cell"]
from itertools import product

SIZES = (32, 12, 3, 4, 3)
NAMES = ("milestones", "week", "contacts", "channel", "interest")


def check(state_key) -> str:
    """Try a reader's state key on every state, and hint at what is wrong."""
    owner, highest = {}, int(np.prod(SIZES)) - 1
    for values in product(*map(range, SIZES)):
        key = state_key(values, SIZES)
        if key in owner:
            pair = " and ".join(str(each) for each in (owner[key], values))
            hint = "Multiply the key so far by the size of the next digit, then add it."
            if key == sum(values):
                hint = "A sum forgets which digit is which: multiply before you add."
            return f"{pair} share the key {key}.\n{hint}"
        owner[key] = values
    if not (min(owner) == 0 and max(owner) == highest):
        return f"All keys differ, but they run to {max(owner):,}; {highest:,} is enough.\nMultiply by `size` itself."
    if state_key((5, 2, 1, 0, 2), SIZES) != 2_246:
        return "All keys differ and none is left out. But the first value should count most, as hours do."
    return f"Right: {len(owner):,} states, keys 0 to {highest:,},\nand (5, 2, 1, 0, 2) has the key 2,246."


def plus_one(values, sizes):
    key = 0
    for value, size in zip(values, sizes, strict=True):
        key = key * (size + 1) + value
    return key


def backwards(values, sizes):
    key = 0
    for value, size in zip(reversed(values), reversed(sizes), strict=True):
        key = key * size + value
    return key


assert "run to" in check(plus_one) and "count most" in check(backwards)
assert (((5 * 12 + 2) * 3 + 1) * 4 + 0) * 3 + 2 == 2_246


# %%
def state_key(values, sizes):
    """One number for each state; values[i] is one of 0 to sizes[i] - 1."""
    key = 0
    for value, size in zip(values, sizes, strict=True):
        key = key + size * value  # your turn: make room for the new digit first
    return key


print(check(state_key))

# %% [markdown]
# :::{solution-start} ex-explosion-key
# :class: dropdown
# :::
#
# Multiplying by `size` makes room for a digit that can take `size` values.


# %%
def state_key(values, sizes):
    """One number for each state; values[i] is one of 0 to sizes[i] - 1."""
    key = 0
    for value, size in zip(values, sizes, strict=True):
        key = key * size + value
    return key


print(check(state_key))

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} ★ Read a key
# :label: ex-explosion-read
#
# Which state has the key 5,000? Take the digits off from the right, with pencil and paper: the last digit is the remainder after dividing by 3.
# ::::
#
# :::{solution-start} ex-explosion-read
# :class: dropdown
# :::
#
# $5{,}000 = 1{,}666 \times 3 + 2$: interest 2, fresh. $1{,}666 = 416 \times 4 + 2$: channel 2, spoken. $416 = 138 \times 3 + 2$: two or more contacts in a row.
# $138 = 11 \times 12 + 6$: six weeks gone by. What is left is $11 = 8 + 2 + 1$: three of the five milestones.

# %%
digits, rest = [], 5_000
for size in (3, 4, 3, 12):
    rest, digit = divmod(rest, size)
    digits.append(digit)
print([rest, *reversed(digits)])

# %% tags=["remove-cell"]
assert [rest, *reversed(digits)] == [11, 6, 2, 2, 2] and state_key(
    (11, 6, 2, 2, 2), SIZES
) == 5_000

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Tries, counted
#
# By hand we spread the weeks evenly. An agent does not. `tables` holds the seven tables of the first figure, trained in the book's
# smooth world, and each has counted how often it tried each action in each row.
#
# :::{admonition} Predict
# :class: predict
# The finest table has used {glue:text}`explosion-rows-finest` rows in a million weeks: about 15 weeks per row. How often was the row in the middle, the *median*, tried?
# :::

# %%
# by how much the table sees of the episode
situations = {0: 32, 1: 32 * 12, 2: 32 * 12 * 36}
counted = {}
for name, table in tables.items():
    resolution = RESOLUTIONS[name]
    groups = len(train.levels(resolution).groups)
    tries = table.tries.sum(axis=1)  # of each row
    counted[name] = {
        "possible": groups * situations[resolution.episode],
        "rows": len(tries),
        "mean": tries.mean(),
        "median": np.median(tries),
    }
counted = pd.DataFrame(counted).T
counted.round().astype(int)

# %% tags=["remove-cell"]
tries = {name: table.tries.sum(axis=1) for name, table in tables.items()}
finest, tenth = np.sort(tries[FINEST])[::-1], learn(FINEST, weeks=100_000)
assert counted.loc[FINEST, "median"] <= 1 and 10 < counted.loc[FINEST, "mean"] < 20
assert counted["rows"].is_monotonic_increasing and counted["mean"].is_monotonic_decreasing
glue("explosion-once", f"{100 * (finest <= 1).mean():.0f}%", display=False)
glue(
    "explosion-busiest",
    f"{100 * finest[: len(finest) // 100].sum() / finest.sum():.0f}%",
    display=False,
)
glue(
    "explosion-all-six",
    f"{100 * (tables[FINEST].tries > 0).all(axis=1).mean():.0f}%",
    display=False,
)
glue("explosion-tenth", f"{len(tenth.q):,}", display=False)
assert round(len(finest) / len(tenth.q)) == 3 and np.median(tenth.tries.sum(axis=1)) <= 1
assert (tables[FINEST].tries > 0).all(axis=1).mean() < 0.2

# %% [markdown]
# The median row of the finest table was tried **once**. {glue:text}`explosion-once` of its rows had one try or none, and in only
# {glue:text}`explosion-all-six` has it tried all six actions. The mean of 15 comes from a few rows: the busiest hundredth took {glue:text}`explosion-busiest` of all weeks.
# The agent walks the same first weeks again and again, and every exploring step leads it into a corner where it has hardly been. So don't
# trust the mean; print the median.
#
# Does more experience help? Slowly. After a tenth of the weeks the finest table had {glue:text}`explosion-tenth` rows, and its median was one try, too. Ten times the
# experience went into three times the rows.
#
# Go through the tables yourself. Where does the median fall below ten tries?
#
# <div class="states-slider" data-table="1">
# <div class="part-fallback">
# <p>In the web pages of this book a slider goes through the seven tables here, where JavaScript is on.
# Rows in use, the tries of the row in the middle, and the share of the attainable gain in smooth and in rough
# worlds, after a million weeks:</p>
# <table class="table">
# <thead>
# <tr><th>The table sees</th><th>Rows</th><th>Median tries</th><th>Smooth</th><th>Rough</th></tr>
# </thead>
# <tbody>
# <tr><th>milestones</th><td>30</td><td>2,796</td><td>13%</td><td>14%</td></tr>
# <tr><th>+ week</th><td>336</td><td>372</td><td>22%</td><td>28%</td></tr>
# <tr><th>+ contacts in a row, last channel, interest</th><td>4,786</td><td>6</td><td>0%</td><td>6%</td></tr>
# <tr><th>+ inbound or outbound</th><td>5,240</td><td>5</td><td>13%</td><td>18%</td></tr>
# <tr><th>+ country and bootcamp in halves</th><td>10,250</td><td>4</td><td>12%</td><td>1%</td></tr>
# <tr><th>+ country and bootcamp in tenths</th><td>27,852</td><td>2</td><td>−2%</td><td>−3%</td></tr>
# <tr><th>+ country and bootcamp in full</th><td>66,620</td><td>1</td><td>−23%</td><td>−19%</td></tr>
# </tbody>
# </table>
# </div>
# </div>
#
# ## Customers it has never met
#
# Tomorrow a customer comes with a pair of country and bootcamp that no training customer had: an {term}`unseen customer`. In five
# smooth and five rough worlds we kept a fifth of the pairs out of training, and judged on their customers alone.

# %% mystnb={"figure": {"caption": "Three learners on all customers, and on customers of pairs (country and bootcamp) that were kept out of training, after a million weeks. Means over the same five worlds, with 95% intervals.", "name": "fig-explosion-unseen"}, "image": {"alt": "Dots with intervals for three learners in smooth and rough worlds. For unseen customers the finest table falls to far below waiting, to between minus 100 and minus 300 percent. The table that sees no customer stays near zero. The sum of tables keeps about a quarter in the smooth worlds."}} tags=["hide-input"]
why = load_comparison("why_twin")
SHOWN = {
    "finest table": "table: + country x bootcamp",
    "table that sees\nno customer": "table: + fatigue, channel, interest",
    "sum of tables": "sum of tables",
}
GROUPS = {"all customers": "", "unseen pairs": "pairs"}
five = runs[runs["world"] < 5]


def scores_of(hidden: str, roughness: float) -> pd.DataFrame:
    record = why if hidden else five
    return pd.DataFrame(
        {
            name: score(record, arm, roughness=roughness, hidden=hidden)
            for name, arm in SHOWN.items()
        }
    ).T


unseen = {
    end: {name: scores_of(hidden, roughness) for name, hidden in GROUPS.items()}
    for end, roughness in ENDS.items()
}
plots.met_and_unseen(unseen)
plt.show()

# %% tags=["remove-cell"]
for end, panel in unseen.items():
    pairs, everyone = panel["unseen pairs"], panel["all customers"]
    assert pairs.loc["finest table", "high"] < min(
        -0.5, everyone.loc["finest table", "low"]
    )
    assert (
        pairs.loc["table that sees\nno customer", "low"]
        < 0
        < pairs.loc["table that sees\nno customer", "high"]
    )
    for name, key in zip(SHOWN, ("finest", "nobody", "sum"), strict=True):
        glue(
            f"explosion-unseen-{key}-{end.split()[0]}", told(pairs.loc[name]), display=False
        )

# %% [markdown]
# On unseen pairs the finest table falls to {glue:text}`explosion-unseen-finest-smooth` in the smooth worlds ({numref}`fig-explosion-unseen`). A row that was never met is all
# zeros, so the six actions tie, ties are broken at random, and random actions lose money, as chapter 3 showed. The third table, which sees the whole episode but not the customer, is the control: for it nobody is new, and it gets {glue:text}`explosion-unseen-nobody-smooth`. Whatever the finest table has learned about some pairs
# says nothing about the next one, however similar.
#
# ::::{exercise} ★★ Know when you don't know
# :label: ex-explosion-known
#
# Here the finest table learns without a fifth of the pairs, in the book's smooth world. Make it wait where `known` says that it has not met a
# state. What does it get on unseen customers then? Answer before you run it.
# ::::

# %% tags=["hide-input"]
from crm_rl.agents.planned import PlannedPolicy, optimum
from crm_rl.data import data_path
from crm_rl.evaluation.gain import exact_values, of_fold, only
from crm_rl.planning.exact import always, share_of_gain
from crm_rl.worlds.base import Action


def share_in(world):
    """Return a function: a policy's share of what there is to gain in a world."""
    waiting = PlannedPolicy(lambda _: always(Action.WAIT))
    ends = [exact_values(policy, world) for policy in (waiting, optimum(world))]
    return lambda policy: share_of_gain(exact_values(policy, world), *ends)


everybody, export = worlds("smooth")["all"], str(data_path())
without = only(train, ~of_fold(train, export, "pairs", 0))
share_of_unseen = share_in(only(everybody, of_fold(everybody, export, "pairs", 0)))
table = learn("+ country x bootcamp", without)


# %%
class Cautious:
    """A table that waits where it does not know."""

    def __init__(self, table):
        self.table = table

    def probabilities(self, states, world):
        chances = self.table.probabilities(states, world)  # shape (states, 6)
        known = self.table.known(states, world)  # shape (states,)
        chances[~known] = chances[~known]  # your turn: wait instead
        return chances


guessing = share_of_unseen(Cautious(table))
print(f"{guessing:.2f}")

# %% [markdown]
# :::{solution-start} ex-explosion-known
# :class: dropdown
# :::
#
# Exactly zero: every state of an unseen pair is new, so the policy always waits. That stops the loss, and gains nothing.


# %%
class Cautious:
    """A table that waits where it does not know."""

    def __init__(self, table):
        self.table = table

    def probabilities(self, states, world):
        chances = self.table.probabilities(states, world)  # shape (states, 6)
        known = self.table.known(states, world)  # shape (states,)
        chances[~known] = np.eye(6)[Action.WAIT]
        return chances


waiting = share_of_unseen(Cautious(table))
print(f"{waiting:.2f}")

# %% tags=["remove-cell"]
assert abs(waiting) < 1e-9 and guessing < -0.5

# %% [markdown]
# :::{solution-end}
# :::
#
# ## When attributes must be bought
#
# Now hide inbound, country and bootcamp until they are bought, for a dollar each. The state must also tell what was bought: three **mask bits**, up to $2^3 = 8$ times the rows. And 15 actions join the six, one to show
# each feature. With 21 actions, each entry gets up to $8 \times 21 / 6 = 28$ times fewer tries.
#
# In three recorded smooth worlds, after a million weeks, even the table of milestones and week, which buys nothing of use, gets {glue:text}`explosion-bought-loss` less, and no learner can be told from waiting:
# the best table gets {glue:text}`explosion-bought-best`, the network of the next chapter {glue:text}`explosion-bought-network`.

# %% tags=["remove-cell"]
from crm_rl.evaluation.intervals import over_seeds
from crm_rl.experiments.comparison_record import shares

bought = {
    name: score(why, f"table: {name}", roughness=0.0, selection=True)
    for name in RESOLUTIONS
}
assert all(row["low"] < 0 < row["high"] for row in bought.values())
best = max(bought.values(), key=lambda row: row["mean"])
network = score(why, "DQN, embeddings", roughness=0.0, selection=True)
assert network["low"] < 0 < network["high"]
loss = shares(runs, "table: + week", roughness=0.0) - shares(
    why, "table: + week", roughness=0.0, selection=True
)
loss = over_seeds(loss.dropna().to_numpy(), statistic="mean")
assert loss["low"] > 0 and 8 * 21 / 6 == 28
glue("explosion-bought-best", told(best), display=False)
glue("explosion-bought-network", told(network), display=False)
glue("explosion-bought-loss", points(loss), display=False)
for key, end in (("smooth", 0.0), ("rough", 1.0)):
    glue(
        f"explosion-chosen-{key}",
        told(score(runs, CHOSEN_TABLE, roughness=end)),
        display=False,
    )
ahead = lead(runs, CHOSEN_TABLE, "table: + week", roughness=0.0)
assert ahead["low"] > 0 and ARMS[CHOSEN_TABLE].learn.args == (Resolution(0, 0, 0, 1),)
glue("explosion-chosen-lead", points(ahead), display=False)

# %% [markdown]
# ## Choose what it sees
#
# The seven tables add things in a fixed order, which need not be the best: fatigue, channel and interest cost a factor of 36,
# the halves in which country and bootcamp stand a factor of 3 (not all combinations occur). Choosing what a state keeps is called **state abstraction** {cite:p}`li2006`.
#
# ::::{exercise} ★★★ Spend the rows well
# :label: ex-explosion-choose
#
# A `Resolution` says to how many decimals the table sees inbound and the standings of country and bootcamp: 0 tells the lower half from the upper, 6 tells each name, `None` sees nothing. `episode` is 0 for the
# milestones, 1 with the week, 2 with everything. The one below is that of the best table so far. Find one that gets more in the book's smooth world.
# ::::


# %%
def try_out(resolution):
    arm = ARMS["table: + week"]
    settings = arm.trials[arm.chosen]
    table = train_q_learning(
        train, settings, None, 0, steps=1_000_000, resolution=resolution
    )
    return f"{len(table.q):,} rows, share {share_of_all(table):.2f}"


share_of_all = share_in(everybody)
print(try_out(Resolution(inbound=None, country=None, bootcamp=None, episode=1)))

# %% [markdown]
# :::{solution-start} ex-explosion-choose
# :class: dropdown
# :::
#
# Milestones and week, and beside them inbound and the halves of country and bootcamp: three times the rows, nearly twice the share. With each name
# told apart the gain is gone.

# %%
for decimals in (0, 1, 6):
    found = try_out(Resolution(0, decimals, decimals, episode=1))
    print(f"{decimals} decimals: {found}")

# %% [markdown]
# One world may be luck, so we recorded the first of these in all ten: {glue:text}`explosion-chosen-smooth` in the smooth worlds, {glue:text}`explosion-chosen-lead` above the best of the seven, and {glue:text}`explosion-chosen-rough` in the rough ones. We could choose it because we know what matters.
#
# :::{solution-end}
# :::
#
# ## A first cure: a sum of tables
#
# Why choose one resolution? A **sum of tables** learns all seven at once and adds them up:
#
# $$
# Q(s, a) = \sum_{k=1}^{7} Q_k\bigl(\phi_k(s), a\bigr)
# $$ (explosion-sum)
#
# where $\phi_k(s)$ is what the table of resolution $k$ sees of the state. After each week there is one surprise $\delta$, as in {eq}`q-update`, and each of the seven rows moves by a seventh of the step. Coarse rows are tried often and
# soon know what holds for everybody; fine rows add what is different about a few. It is a simple form of **tile coding** ({cite:t}`sutton2018`, section 9.5.4), and an unseen
# customer still finds coarse rows.
#
# From the same million weeks it gets {glue:text}`explosion-sum-smooth` in the smooth worlds and {glue:text}`explosion-sum-rough` in the rough ones. In the smooth
# worlds that is {glue:text}`explosion-sum-lead` above the best of the seven tables of {numref}`fig-explosion-arch`; in the rough ones we cannot tell them apart. On unseen pairs of the smooth
# worlds it still gets {glue:text}`explosion-unseen-sum-smooth`; in the rough ones, where standings say nothing, the interval is too wide to tell it from waiting. Sharing helps, then, but less than a table chosen with knowledge of the world, and most of the attainable gain is
# still out of reach. A learner that finds out by itself which states are alike is the subject of [the next chapter](06_dqn.ipynb).

# %% tags=["remove-cell"]
for end, roughness in ENDS.items():
    key, ahead = (
        end.split()[0],
        lead(runs, "sum of tables", "table: + week", roughness=roughness),
    )
    glue(
        f"explosion-sum-{key}",
        told(score(runs, "sum of tables", roughness=roughness)),
        display=False,
    )
    assert (ahead["low"] > 0) == (key == "smooth") and ahead["high"] > 0
    if key == "smooth":
        glue("explosion-sum-lead", points(ahead), display=False)
    of_sum = unseen[end]["unseen pairs"].loc["sum of tables"]
    assert (of_sum["low"] > 0) == (key == "smooth") and of_sum["high"] > 0

# %% [markdown]
# :::{admonition} In the published study
# :class: note
#
# In {cite:t}`nair2026` the agent may show and hide each of 15 features: $2^{15} = 32{,}768$ masks. Its table grew to 522,619 states. The study divides its 11,032 customers by them and finds $11{,}032 / 522{,}619 = \mathbf{0.021}$ samples per state.
#
# But a table learns from steps, not from customers. In our re-run by the rules of its code the table met {glue:text}`explosion-study-states` states in {glue:text}`explosion-study-steps` million
# steps: {glue:text}`explosion-study-mean` for each state on average. Whether feature selection failed *because of* the explosion is a question for [chapter 8](08_study.ipynb), and [chapter 9](09_audit.ipynb) audits the study.
# :::

# %% tags=["remove-cell"]
from crm_rl.experiments.funnel_study import load_study
from crm_rl.experiments.runner import data_name

study, _, _ = load_study(data_name(data_path()))
study = study[(study["setting"] == "as_coded") & (study["row"] == "q_learning_selection")]
met, steps = study["states"].mean(), study["training_steps"].mean()
assert (
    round(11_032 / 522_619, 3) == 0.021 and 2**15 == 32_768 and abs(met / 522_619 - 1) < 0.1
)
glue("explosion-study-states", f"{round(met, -3):,.0f}", display=False)
glue("explosion-study-steps", f"{steps / 1e6:.1f}", display=False)
glue("explosion-study-mean", f"{steps / met:.0f}", display=False)

# %% [markdown]
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - States multiply: each thing a table sees multiplies its rows and divides the tries of each.
# - Too few rows cannot tell apart what matters; too many are never known. What to see is worth choosing well.
# - Count the tries of each row, and look at the median: a mean of 15 can hide that half the rows had one try at most.
# - A table knows nothing about a customer it has not met, and guessing costs more than waiting.
# - The cures are to choose what the state keeps, and to share experience between states.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. A table sees five yes-or-no flags and the week (12 values). You add the channel of last week (4 values). How many rows are possible now?
# :class: quiz
#
# ::::{dropdown} 388
# :class-container: wrong
#
# That adds the 4. Every one of the 384 states comes with each of the 4 channels.
# ::::
# ::::{dropdown} 1,536
# :class-container: right
#
# $2^5 \times 12 \times 4$: ways multiply.
# ::::
# ::::{dropdown} 480, since five flags have ten values between them, and the week and the channel multiply these
# :class-container: wrong
#
# Five flags have $2^5 = 32$ combinations, not ten.
# ::::
# :::::
#
# :::::{admonition} 2. A report says: 50,000 rows, a million updates, so each row was updated 20 times. What do you ask for?
# :class: quiz
#
# ::::{dropdown} The median, or the share of rows with one try
# :class-container: right
#
# Agents walk the same paths. In our finest table the mean was 15 and the median 1.
# ::::
# ::::{dropdown} Nothing more, since 20 updates are plenty for a learning rate that falls with the number of tries
# :class-container: wrong
#
# Twenty would be few for a sale in a hundred, and most rows did not have them.
# ::::
# ::::{dropdown} The number of possible states
# :class-container: wrong
#
# Useful, but rows that were never met do not enter the mean.
# ::::
# :::::
#
# :::::{admonition} 3. Why does the finest table do worse than waiting with unseen customers?
# :class: quiz
#
# ::::{dropdown} It takes them for the most similar customers that it knows, and treats these two alike.
# :class-container: wrong
#
# A table has no notion of similar. The nearest row is as foreign to it as any other.
# ::::
# ::::{dropdown} Unseen customers subscribe less often, so there is nothing to gain.
# :class-container: wrong
#
# The share is relative to what the best plan gains with these very customers.
# ::::
# ::::{dropdown} Its rows for them are all zeros, so it acts at random.
# :class-container: right
#
# Random actions cost more than they bring in. Waiting where it does not know would get exactly 0.
# ::::
# :::::
#
# :::::{admonition} 4. Is the best table's state, milestones and week, a Markov state?
# :class: quiz
#
# ::::{dropdown} No, and it wins all the same.
# :class-container: right
#
# Fatigue, channel, interest and the customer matter for what comes next. At this budget, knowing each row well is worth more.
# ::::
# ::::{dropdown} Yes, otherwise Q-learning could not have learned from it at all.
# :class-container: wrong
#
# The convergence guarantee is lost, but a table can still learn something useful.
# ::::
# ::::{dropdown} Yes, because the week counts the steps.
# :class-container: wrong
#
# The week does not tell how tired the customer is.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} What is the curse of dimensionality in tabular RL?
# :class-container: interview
#
# The number of states is the product of what each feature can be, while experience grows one step at a time. So tries per state and action fall by the same factor, and no row tells its
# neighbour anything. {numref}`fig-explosion-arch` shows the effect: from 340 rows to 67,000 the share of the attainable gain falls from about a quarter to below zero.
# ::::
# ::::{dropdown} Your Q-table has half a million states and does badly. How do you find out whether the states are the reason?
# :class-container: interview
#
# I count tries by row, and how many decisions fall in rows never met, for training customers and for new ones. Then I vary the resolution with the same experience and settings. If a
# coarser table does better, the states were the reason. If not, I look at learning rate, exploration and reward.
# ::::
# ::::{dropdown} How do you choose a state representation for a table?
# :class-container: interview
#
# I keep what changes the best action and drop the rest {cite:p}`li2006`. A new feature must still leave dozens of tries per action, more where rewards are rare. On a small budget an
# incomplete state can beat a Markov one. I compare on held-out customers.
# ::::
#
# ## Further reading
#
# - {cite:t}`bellman1957`: where the curse of dimensionality gets its name.
# - {cite:t}`sutton2018`: sections 9.3 and 9.5, from state aggregation to tile coding.
# - {cite:t}`li2006`: which abstractions are safe, in one table.
# - {cite:t}`singh1994`: learning without a Markov state.
