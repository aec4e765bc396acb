# %% [markdown]
# (ch-fidelity)=
# # How faithful is the twin?
#
# What the synthetic twin keeps of the original export, what it keeps roughly, what it loses on purpose, and how single people
# are kept out of it.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - how a data set is drawn from counts alone
#   - which findings on the twin hold for the original, and how closely
#   - what you should not study on the twin
#   - how counts are made safe to publish
#
# You need
# : [Data processing](01_data_processing.ipynb); for one comparison, [the education-column fix](02_education_column.ipynb).
#
# Time
# : 25 minutes to read, 20 seconds to run.
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
# ## From counts to customers
#
# The original export is not ours to pass on. What the project embeds is its twin: the same columns, the same kinds of dirt,
# and no row of the original. Two modules make it. `crm_rl.data.twin.spec` counts in the original, once, and the counts are in the
# project: the *spec*. `crm_rl.data.twin.draw` draws customers from the spec and has never seen anything else:
#
# 1. **The skeleton.** Arrival days by month; who reaches nothing, a milestone, a subscription; which milestones; and their
#    days, step after step, from the counted delays.
# 2. **The profile.** Country and education, and likewise status, stage and the gap between the contacts, come from the
#    most even joint table that agrees with all the two-way counts we have. Iterative proportional fitting finds it
#    {cite:p}`deming1940`: scale a table of ones to each set of counts in turn, and again, until all agree.
# 3. **The dirt.** Each fault as often as cleaning found it in the original.
#
# This page puts up to four columns side by side: the *spec*, that is what was counted in the original; the *twin*; *another
# draw* from the same spec with another seed, since where two draws differ, chance decides; and, if you set `CRM_RL_DATA` to
# the original file, the *original* itself, which is known by its checksum. (Any other file is called "your file".)

# %%
import hashlib
import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.dates import DateFormatter, MonthLocator
from myst_nb import glue
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold

from crm_rl import plots
from crm_rl.data import EVENTS, clean, data_path, load
from crm_rl.data.load import TWIN
from crm_rl.data.split import SPLITS, sound_split
from crm_rl.data.encoders import ConversionRate
from crm_rl.evaluation.intervals import wilson
from crm_rl.experiments.original_numbers import original_numbers
from crm_rl.data.twin.draw import draw
from crm_rl.data.twin.spec import ONE_WAY, POOLED, SPEC, TWO_WAY, describe, measure, milestone_steps

plots.use_style()
pd.set_option("display.max_colwidth", 70)
spec = json.loads(SPEC.read_text(encoding="utf-8"))
exports = {"twin": load(TWIN), "another draw": draw(spec, np.random.default_rng(1))}
chosen = "twin"  # the file that CRM_RL_DATA names, if it names another than the twin
if data_path().resolve() != TWIN.resolve():
    checksum = hashlib.sha256(data_path().read_bytes()).hexdigest()
    is_original = checksum == spec["provenance"]["sha256 of the original"]
    chosen = "original" if is_original else "your file"
    exports[chosen] = load(data_path())
customers = {name: clean(raw)[0] for name, raw in exports.items()}
counted = {"spec": spec} | {name: measure(raw) for name, raw in exports.items()}
print(f"{spec['rows']:,} rows; the spec was measured on the file with sha256")
print(spec["provenance"]["sha256 of the original"])

# %% [markdown]
# Here is a piece of the spec: the subscribers of the table "class x country". Few cells hold at least five people, those
# without a country among them; all others are in one pool, and every number is rounded to a multiple of 5.

# %%
piece = spec["two-way"]["class x country"]["subscribed"]
print(f"{len(piece) - (POOLED in piece)} cells by name, and the pool:")
piece

# %% [markdown]
# ## Kept exactly
#
# **Milestone patterns.** How many customers reached exactly these milestones, for all the patterns that occur:

# %%
patterns = pd.DataFrame({name: counts["patterns"] for name, counts in counted.items()})
patterns["reached"] = patterns.index
assert (patterns["spec"] == patterns["twin"]).all()
patterns.reset_index(drop=True)

# %% [markdown]
# **Subscribers**, by the part of the split and by missing first contact. In the published split all subscribers of the test
# part lack a first contact; this is the fault that [chapter 1](01_data_processing.ipynb) finds, and the twin has it too. In
# the sound split the twin's numbers may be off by one, since its arrival days are drawn.


# %%
def subscribers(data: pd.DataFrame) -> dict:
    """Subscribers and those without first contact, by split and part."""
    table = {}
    for split, split_customers in SPLITS.items():
        for part, rows in split_customers(data).parts().items():
            who = rows[rows["subscribed"]]
            table[split, part, "subscribers"] = len(who)
            table[split, part, "no first contact"] = int(who["first_contact"].isna().sum())
    return table


by_part = spec["class by part"]["subscribed"]
known = {("published", part, "subscribers"): by_part[part] for part in ("train", "val")}
known["published", "test", "subscribers"] = by_part["test"] + by_part["inbound"]
known["published", "test", "no first contact"] = by_part["inbound"]
for part, people in spec["subscribers by sound part"].items():
    known["sound", part, "subscribers"] = people
table = pd.DataFrame({name: subscribers(data) for name, data in customers.items()})
table.insert(0, "spec", pd.Series(known))
table.astype("Int64").astype(object).fillna("")

# %% [markdown]
# An empty cell means that the spec does not say.
#
# **Every kind of dirt**, as the cleaning report counts it. The last two lines describe the drag-fill:

# %%
faults = pd.DataFrame({name: counts["faults"] for name, counts in counted.items()})
faults["fault"] = faults.index
assert (faults["spec"] == faults["twin"]).all()
faults.reset_index(drop=True)

# %% [markdown]
# ## Kept roughly
#
# ### The yardstick
#
# How far apart are two tables? We take the share of people who would have to move from one cell to another to turn one table
# into the other (the *total variation distance*). Three distances stand in each line: spec to twin, twin to another draw, and
# what two random samples of $n$ customers, drawn one by one from one population, would differ by on average.
#
# That last one can be worked out. In a cell that holds a share $p$ of the population, the count of a sample has the variance
# $n p (1 - p)$, and the difference of two counts has twice that. A normal variable with mean 0 and standard deviation $\sigma$
# is on average $\sigma \sqrt{2 / \pi}$ away from 0, here with $\pi$ the number. Half of each difference is a move, and we divide
# by $n$:
#
# $$
# \frac{1}{2n} \sqrt{2 n p (1 - p)} \sqrt{\frac{2}{\pi}} = \sqrt{\frac{p (1 - p)}{n \pi}} ,
# $$
#
# summed over the cells.

# %%
named = set(spec["one-way"]["country"])
tables = {name: describe(data, named) for name, data in customers.items()}


def in_spec_cells(table: pd.DataFrame, title: str) -> pd.Series:
    """The people in each cell that the spec names, and in each pool."""
    if title in ONE_WAY:
        return (
            table[title].value_counts().reindex(list(spec["one-way"][title]), fill_value=0)
        )
    kept = spec["two-way"][title]
    pairs = zip(*(table[name] for name in title.split(" x ")), strict=True)
    found = pd.Series([(row, name if name in kept[row] else POOLED) for row, name in pairs])
    return found.value_counts().reindex(in_spec(title).index, fill_value=0)


def in_spec(title: str) -> pd.Series:
    """The spec's own count of each cell and each pool."""
    if title in ONE_WAY:
        return pd.Series(spec["one-way"][title])
    cells = spec["two-way"][title]
    counts = {(row, name): cells[row][name] for row in cells for name in cells[row]}
    return pd.Series(counts.values(), index=pd.Index(counts.keys(), tupleize_cols=False))


def distance(first: pd.Series, second: pd.Series) -> float:
    return (first - second).abs().sum() / 2 / spec["rows"] * 100


lines = {}
for title in [*ONE_WAY, *(f"{row} x {column}" for row, column in TWO_WAY)]:
    twin, other = (in_spec_cells(tables[name], title) for name in ("twin", "another draw"))
    share = twin / spec["rows"]
    lines[title] = {
        "cells": len(twin),
        "spec to twin %": distance(in_spec(title), twin),
        "twin to another draw %": distance(twin, other),
        "two samples %": 100 * np.sqrt(share * (1 - share) / spec["rows"] / np.pi).sum(),
    }
    if chosen != "twin":
        truth = in_spec_cells(tables[chosen], title)
        lines[title][f"{chosen} to twin %"] = distance(truth, twin)
yardstick = pd.DataFrame(lines).T.astype({"cells": int}).round(2)
yardstick

# %%
closer = (yardstick["spec to twin %"] < yardstick["two samples %"]).sum()
glue("fidelity-closer", f"{closer} of {len(yardstick)}", display=False)
glue("fidelity-farthest", f"{yardstick['spec to twin %'].max():.1f}%", display=False)

# %% [markdown]
# In {glue:text}`fidelity-closer` tables the twin is closer to the spec than two samples are to each other, and nowhere would
# more than {glue:text}`fidelity-farthest` of the people have to move; part of that is the rounding of the spec itself.
#
# **This is so by construction, and no discovery.** The twin was fitted to these very tables, and the drawing spreads people
# evenly over the cells rather than throwing dice for each; so two draws are close as well. The table shows that the fitting
# worked. It cannot show that a *finding* on the twin holds for the original: a finding may rest on what no table counts.
#
# (sec-fidelity-findings)=
# ### Findings
#
# So we compare findings: three numbers that chapters 1 and 2 make something of, computed on each export in the same way.
#
# - The subscription rate of inbound customers. The spec counts both its parts exactly.
# - The share of train's subscribers who were known as such by its last day. The spec counts train's subscribers, and delays
#   in bins; the days are drawn.
# - The AUC of a bootcamp's smoothed rate as a prediction of a first call, out of fold. **First call by bootcamp is not in the
#   spec.** It has bootcamp by class (nothing, a milestone, the subscription), and which milestone it was is drawn without
#   regard to the bootcamp.
#
# :::{admonition} Predict
# :class: predict
# Which of the three can you trust on the twin, without having seen the original?
# :::


# %%
def auc_of_bootcamp_rate(data: pd.DataFrame) -> tuple[float, float, float]:
    """AUC for a first call, as in chapter 2, with the ends of a bootstrap interval over customers."""
    known = data[data["education"].notna()]
    bootcamp, call = known["education"], known["call"]
    rate = np.empty(len(known))
    for others, fold in KFold(5, shuffle=True, random_state=0).split(known):
        fitted = ConversionRate().fit(bootcamp.iloc[others], call.iloc[others])
        rate[fold] = fitted.transform(bootcamp.iloc[fold])
    called, rng = call.to_numpy(), np.random.default_rng(0)
    picks = (rng.integers(len(known), size=len(known)) for _ in range(200))
    drawn = [roc_auc_score(called[pick], rate[pick]) for pick in picks]
    return roc_auc_score(called, rate), *np.quantile(drawn, [0.025, 0.975])


def share(part: pd.Series) -> tuple[float, float, float]:
    """A share in percent, with its 95% Wilson interval."""
    return tuple(100 * x for x in (part.mean(), *wilson(int(part.sum()), len(part))))


findings = {}
for name, data in customers.items():
    split = sound_split(data)
    who = split.train[split.train["subscribed"]]
    numbers = {
        "inbound subscribed, %": share(data.loc[data["inbound"], "subscribed"]),
        "known in time, %": share(who["subscribed_date"] <= split.known_by),
        "AUC, bootcamp for call": auc_of_bootcamp_rate(data),
    }
    findings[name] = {
        finding: "{:.{d}f} ({:.{d}f} to {:.{d}f})".format(*found, d=3 if "AUC" in finding else 1)
        for finding, found in numbers.items()
    }
findings = pd.DataFrame(findings)
recorded = original_numbers()
names = ("fidelity-inbound", "fidelity-known", "fidelity-auc")
findings["original, as recorded"] = [recorded[name] for name in names]
findings

# %%
by_class = spec["class by part"]
rate = by_class["subscribed"]["inbound"] / sum(part["inbound"] for part in by_class.values())
value = findings[["twin", "another draw"]].map(lambda cell: float(cell.split()[0]))
assert value.loc["inbound subscribed, %"].eq(round(100 * rate, 1)).all()
auc = value.loc["AUC, bootcamp for call"]
assert 0.05 < auc["twin"] - 0.5 < 0.12
for name, found in zip(names, findings[chosen], strict=True):
    glue(name, found, display=False)
glue("fidelity-original-gain", recorded["education-against-average"], display=False)
glue("fidelity-auc-apart", f"{abs(auc['twin'] - auc['another draw']):.3f}", display=False)

# %% [markdown]
# The first is exact: the rate can be read off the spec, the twin has it, and so does every other draw. The second is close; one
# subscriber whose drawn day falls on the other side of the line moves it by a few points, and its interval is wide in any case.
# The third is another matter. Two draws from one spec differ by {glue:text}`fidelity-auc-apart`, and by about a tenth only does such a
# column rise above 0.5 at all. What chapter 2 finds about *how much* an encoding of the bootcamp gains for first
# calls therefore cannot be learned from the twin. It must be read on the original, where, as recorded, the interval of the gain
# over the average labelling {glue:text}`fidelity-original-gain`; [chapter 2](02_education_column.ipynb) shows both. What it finds about *names* (predictions that change when bootcamps are
# renamed) is arithmetic, and holds on any data.
#
# ### Arrivals

# %% mystnb={"figure": {"caption": "Arrivals by month, contacted and inbound customers apart. Bars: the twin. Dots: the spec, its bins of several months spread evenly.", "name": "fig-fidelity-arrivals"}, "image": {"alt": "Two panels of bars with dots on top of nearly every bar. Contacted customers arrive mostly from December 2020 to June 2021, with a second, lower wave from December 2021. Inbound customers arrive from October 2021 on, with few before. The twin agrees with the spec in every month."}} tags=["hide-input"]
figure, panels = plt.subplots(2, 1, figsize=(7, 4.6), sharex=True)
calendar = pd.period_range("2020-03", "2022-04", freq="M")
for axes, origin in zip(panels, ("contacted", "inbound"), strict=True):
    twin = customers["twin"][tables["twin"]["origin"] == origin]
    by_month = twin["arrival"].dt.to_period("M").value_counts().reindex(calendar)
    axes.bar(calendar.to_timestamp(), by_month.fillna(0), width=26, color=plots.SKY)
    for first, last, people, _ in spec["arrivals"][origin]:
        months = pd.period_range(first, last, freq="M")
        spread = np.full(len(months), people / len(months))
        axes.plot(months.to_timestamp(), spread, "o", color=plots.RED, markersize=4)
    axes.set(title=f"{origin} customers", ylabel="arrivals a month")
    axes.grid(axis="x", visible=False)
    axes.xaxis.set_major_locator(MonthLocator(bymonth=(1, 7)))
    axes.xaxis.set_major_formatter(DateFormatter("%b %Y"))
plt.show()

# %% [markdown]
# Bars and dots of {numref}`fig-fidelity-arrivals` agree. The inbound customers before October 2021 are too few to be counted
# by month: the spec has one bin for all of them, and the twin spreads them over it.
#
# ### Delays
#
# How many weeks after arrival was a milestone reached? The twin does not draw these delays from a table of them: it adds up
# single steps, so that sign-up and call, say, often fall on the same day. The spec's table serves as the check. Medians in
# weeks:


# %%
def median_in_bins(bins: list) -> float:
    """The median of [low, high, count] bins, evenly filled."""
    people = np.cumsum([count for *_, count in bins])
    place = int(np.searchsorted(people, people[-1] / 2))
    low, high, count = bins[place]
    return low + (high - low) * (people[-1] / 2 - people[place] + count) / count


keys = [f"{origin} {event}" for origin in ("contacted", "inbound") for event in EVENTS]
delays = pd.DataFrame(index=keys)
delays["people"] = [sum(n for *_, n in spec["days since arrival"][key]) for key in keys]
for name, counts in counted.items():
    weeks = [median_in_bins(counts["days since arrival"][key]) / 7 for key in keys]
    delays[f"{name}, weeks"] = np.round(weeks, 1)
delays

# %%
drawn = delays[["twin, weeks", "another draw, weeks"]]
off = drawn.sub(delays["spec, weeks"], axis=0).abs().max(axis=1).sort_values(ascending=False, kind="stable")
assert set(off.index[:2]) == {"contacted manager", "contacted subscribed"}
assert off.iloc[1] > 5 and off.iloc[2] < 3
assert off[off.index.str.startswith("inbound")].max() < 1
off.head(4).rename("largest distance of a draw from the spec, weeks")

# %% mystnb={"figure": {"caption": "Share of each milestone reached within so many weeks of arrival, of those who reach it. Lines: the twin. Dots: the spec, at the ends of its bins. The first dot is the day of arrival.", "name": "fig-fidelity-delays"}, "image": {"alt": "Six panels, one a milestone. In each, the line of inbound customers rises to nearly all within eight weeks and demos are reached on the day of arrival, while the line of contacted customers climbs slowly over up to a year. The dots of the spec lie close to the lines of the twin, less so for contacted customers with a manager or a subscription."}} tags=["hide-input"]
steps = milestone_steps(customers["twin"])
figure, grid = plt.subplots(2, 3, figsize=(7, 4.4), sharex=True, sharey=True)
for axes, event in zip(grid.flat, EVENTS, strict=True):
    for origin, colour in (("contacted", plots.BLUE), ("inbound", plots.ORANGE)):
        who = (steps["event"] == event) & (steps["origin"] == origin)
        days = np.sort(steps["since arrival"][who].clip(lower=0))
        place = np.linspace(0, 1, len(days) + 1)[1:]
        axes.step(days / 7, place, where="post", color=colour, label=origin)
        bins = np.array(spec["days since arrival"][f"{origin} {event}"])
        reached = bins[:, 2].cumsum() / bins[:, 2].sum()
        axes.plot((bins[:, 1] - 1) / 7, reached, "o", color=colour, markersize=4)
    axes.set_title(event)
    axes.set_xlim(-1, 60)
grid[1, 1].set_xlabel("weeks since arrival")
for axes in grid[:, 0]:
    axes.set_ylabel("share reached")
grid[0, 0].legend(frameon=False, fontsize=9, loc="lower right")
plt.show()

# %% [markdown]
# Two lines of the table are rough: the managers and the subscriptions of contacted customers. They come last in the chain of
# steps, so that they add up what every step before them missed, and they are few; a draw misses their median by many weeks
# ({numref}`fig-fidelity-delays` shows the whole curves). All other medians are within three weeks, and those of inbound customers
# within one. Do not study on the twin how long a contacted customer takes to subscribe.
#
# ### Countries and bootcamps
#
# The share of customers who reach any of the six events, in percent, for the groups with at least 150 customers. The spec's own
# rates come from rounded counts; the low and high ends are those of their 95% Wilson intervals.


# %%
def rates(column: str) -> pd.DataFrame:
    """Rates of any event by group, spec beside twins."""
    everyone = pd.Series(spec["one-way"][column])
    everyone = everyone[everyone >= 150]
    cells = spec["two-way"][f"class x {column}"]
    reached = pd.Series(cells["milestone"]).reindex(everyone.index)
    reached += pd.Series(cells["subscribed"]).reindex(everyone.index).fillna(0)
    table = pd.DataFrame({"customers": everyone, "spec %": 100 * reached / everyone})
    ends = [wilson(n, of) if n == n else (n, n) for n, of in zip(reached, everyone, strict=True)]
    table[["low %", "high %"]] = 100 * np.array(ends)
    for name, rows in tables.items():
        share = 100 * (rows["class"] != "nothing").groupby(rows[column]).mean()
        table[f"{name} %"] = share.reindex(table.index)
    told = table["spec %"].notna()
    assert table.loc[told, "twin %"].between(table["low %"][told], table["high %"][told]).all()
    table = table.round(1).astype(object).where(table.notna(), "")
    table.loc[~told, "spec %"] = "pooled"
    return table


rates("country")

# %%
rates("education")

# %% [markdown]
# Each rate of the twin lies within the interval of the spec's (a cell of code checks it). "Pooled": fewer than five people of the
# group reached an event, and the spec does not say how many.

# %% mystnb={"figure": {"caption": "Every cell of the two-way tables: people in the spec against people in the twin, on logarithmic axes. Grey: within two standard deviations of random sampling.", "name": "fig-fidelity-cells"}, "image": {"alt": "Scatter plot on logarithmic axes. Hundreds of dots, from five to ten thousand people, lie along the diagonal and almost all inside the grey band of sampling noise, which is wide for small cells and narrow for large ones."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7, 4.2))
size = np.geomspace(4, spec["rows"], 200)
noise = 2 * np.sqrt(size)
axes.fill_between(size, np.maximum(size - noise, 0.5), size + noise, color="0.85")
for row, column in TWO_WAY:
    published = in_spec(f"{row} x {column}")
    found = in_spec_cells(tables["twin"], f"{row} x {column}").clip(lower=0.5)
    shown = published > 0
    axes.plot(
        published[shown], found[shown], "o", color=plots.BLUE, markersize=3, alpha=0.6
    )
axes.set(xscale="log", yscale="log")
axes.set(xlabel="people in the spec", ylabel="people in the twin")
plt.show()

# %% [markdown]
# ## Lost on purpose
#
# What the spec does not count, the twin cannot know. Do not study on the twin:
#
# - **what three columns do together**, such as country, bootcamp and milestones, beyond what their pairs imply;
# - **pairs that are not in the table of distances above**, such as a single milestone and bootcamp, status and country, or stage
#   and bootcamp: their relation in the twin is what the counted pairs imply, no more;
# - **small groups**: a country or a bootcamp of which fewer than five reached a milestone has a rate that was
#   pooled with others; countries of fewer than five customers have made-up names;
# - **days**: weekdays, which days of a month the firm wrote on, and who was written to on one day together; months are right;
# - **delays of single customers**, long delays above all (the tails of the bins are cut off), and the odd orders of
#   milestones, but for managers assigned after the subscription;
# - **the spelling of faults**: their kinds and counts are the original's, the wording is ours;
# - **rows next to each other**: that inbound customers come first and the rest roughly by date is all that is left.
#
# Findings of the book that rest on these are checked on the original, and say so.
#
# ## How single people are kept out
#
# The twin is drawn from the spec alone, so it cannot tell more than the spec tells; what must be safe is the spec. Four
# rules (in full in `crm_rl/data/twin/spec.py`):
#
# 1. *Alone and exact*: the number of rows, the largest ID, the patterns of milestones, the faults that cleaning finds, the
#    managers assigned after the subscription, and how many reached nothing, a milestone or the subscription in each part of a
#    split are exact, even if few. Beyond what is named here they are crossed with nothing. That one customer had a demo and a
#    sign-up and nothing else is there to be read, but not who, from where, or when.
# 2. *One-way tables* (country, bootcamp, status, stage, gap between the contacts) are exact; countries of fewer than 5 people
#    are counted together and lose their names. No other group is that small.
# 3. *Two-way tables*: cells under 5 are pooled along their row, **and** every number is rounded to a multiple of 5. Pooling
#    alone is not enough: where one total is known, the pooled cell is what the others leave.
# 4. *Arrivals and delays* are counted in bins of months or weeks that hold at least 5 people each.
#
# Is it enough? We attack our own spec in the tests: take every total that can be known, let every number be off by what
# rounding allows, and narrow down each pooled cell, again and again, until nothing moves. How far does the attack get?
# Here it is for one table, by hand:
#
# :::{admonition} By hand: what does a pooled cell hold?
# :class: by-hand
#
# Say a country has 11 customers. The spec says 10 for "milestone" (so 8 to 12 people) and leaves "nothing" and "subscribed"
# to the pools of their rows (so 0 to 4 people each). Then "nothing" holds at most $11 - 8 = 3$. It may be 0, 1, 2 or 3: the
# attacker has learned something, and no count. Without rounding, "milestone" would be exact, say 9, the other two would add
# up to 2, and one more known number would settle both.
# :::
#
# The test fails if any cell of one to four people can be told exactly, even by somebody who knows all row and column totals.
# It failed once: two bins of the contact gap were so empty that two cells could be told. We merged the bins. Another test
# compares the twin with the original, where that is present: rows that share all their dates with a row of the original are
# as many as in other draws, and nearly all of them have one or two dates.
#
# So we have attacked the spec in the ways we could think of, and found nobody. That is no proof. It is statistical disclosure
# control as statistical offices do it {cite:p}`hundepool2012`, not differential privacy, which would bound what even an attacker
# who already knows nearly everybody else in the file could learn.
#
# ## Make it again
#
# `.venv/bin/python -m crm_rl twin` (on Windows `.venv\Scripts\python`) makes the file from spec and seed, byte for byte. The
# exercise uses another seed.
#
# ::::{exercise} A twin of your own
# :label: ex-fidelity-seed
#
# Draw a twin with the seed 7 and count its subscribers with a first contact in the test part of the published split. What do
# you expect? Start from this cell:
# ::::

# %%
mine = draw(spec, np.random.default_rng(0))  # your turn: another seed, and then count

# %% [markdown]
# :::{solution-start} ex-fidelity-seed
# :class: dropdown
# :::
#
# None: subscribers by part are kept exactly, whatever the seed.

# %%
mine = draw(spec, np.random.default_rng(7))
test = SPLITS["published"](clean(mine)[0]).test
with_first_contact = int((test["subscribed"] & test["first_contact"].notna()).sum())
assert with_first_contact == 0
with_first_contact

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - The twin is drawn from a spec of counts; the spec, not the twin, is what must be faithful and safe.
# - Patterns, subscribers by part, and the dirt are exact; counted pairs are close, because they were fitted; what was not
#   counted is lost.
# - That the fitted tables fit says little. Compare findings, and ask of each which counts it rests on.
# - First call by bootcamp is not counted: what an encoding of the bootcamp gains for it is read on the original.
# - Pooling small cells is not enough where totals are known; rounding all cells as well leaves nothing to subtract.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. Which of these may you study on the twin?
# :class: quiz
#
# ::::{dropdown} Whether graduates of one bootcamp from one country reach more milestones
# :class-container: wrong
#
# That is three columns at once. The twin has what their pairs imply, and nothing of its own.
# ::::
# ::::{dropdown} How the published split deals the subscribers to its parts
# :class-container: right
#
# That is counted exactly, and the same in every draw.
# ::::
# ::::{dropdown} How many weeks a contacted customer takes to subscribe
# :class-container: wrong
#
# Two draws from the spec put the median weeks apart; the table of delays shows it.
# ::::
# :::::
#
# :::::{admonition} 2. The twin is closer to the spec than two samples are to each other. What does that show?
# :class: quiz
#
# ::::{dropdown} That findings on the twin hold for the original
# :class-container: wrong
#
# Only those that rest on these tables alone. A finding may need a pair or a triple that was not counted.
# ::::
# ::::{dropdown} That the fitting and the drawing work
# :class-container: right
#
# It was fitted to these tables and drawn evenly, so nothing else was to be expected. If it were not so, there would be a bug.
# ::::
# ::::{dropdown} That the twin gives single people away
# :class-container: wrong
#
# Closeness to rounded counts of five and more tells nothing of single people. What the spec tells is what has to be judged.
# ::::
# :::::
#
# :::::{admonition} 3. All cells under five are pooled. Why round the others as well?
# :class: quiz
#
# ::::{dropdown} To make the table look tidy
# :class-container: wrong
#
# Rounding costs accuracy, and would be a bad bargain for looks.
# ::::
# ::::{dropdown} Because a known total minus the exact cells is the pooled cell
# :class-container: right
#
# The example by hand shows it: with exact neighbours, subtraction settles what the pool was to hide.
# ::::
# ::::{dropdown} Because counts are uncertain anyway
# :class-container: wrong
#
# They are not: these are counts of a file, and each is exact until we round it.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} We can't share customer data with a contractor. Would a synthetic copy do?
# :class-container: interview
#
# For building and testing, yes; for findings, only for those that rest on what the copy was fitted to. I would write down what is
# counted, draw twice, and see which results differ between the draws: those are chance, as {ref}`the findings
# <sec-fidelity-findings>` show for the AUC of a column. Whatever is to be claimed is then run once on the original, by somebody who
# may.
# ::::
# ::::{dropdown} Is synthetic data anonymous?
# :class-container: interview
#
# Not by being synthetic. A generator can only tell what it was given, so I judge that: here a file of counts, with small cells
# pooled, all cells rounded, and an attack in the tests that tries to undo both. It failed us once, and we merged two bins. Without
# differential privacy there is still no bound on what an attacker with much outside knowledge could learn.
# ::::
#
# ## Further reading
#
# {cite:t}`hundepool2012` is the handbook of disclosure control: pooling, rounding, and how they are attacked. {cite:t}`deming1940`
# introduced iterative proportional fitting, for a census. {cite:t}`gebru2021` say what to write down about a data set, and
# [our data card](../book/data_card.md) tries to.
