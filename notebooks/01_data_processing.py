# %% [markdown]
# (ch-data)=
# # Data processing
#
# From a spreadsheet that many hands have typed in, to three files that we can trust: cleaned, split by time, and encoded as
# 15 numbers a customer, with every repair counted.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - why three careful readers count three different numbers of subscribers in one file
#   - how to repair dirty cells without dropping anything in silence
#   - how to split by time, and how a sort by a column with gaps spoils the split
#   - where a statistic may come from, and how to smooth the rate of a small group
#
# You need
# : [the problem](../book/problem.md); Python and some pandas.
#
# Time
# : 35 minutes to read, 15 seconds to run.
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
# ## Six rows by hand
#
# Our export has a row a {term}`prospect` and 13 columns. Five of its columns hold {term}`milestones <milestone>`, the steps on
# the way to a sale, and a sixth the sale itself, the subscription; such a cell holds the day on which it happened. Here are six
# invented rows, with the five columns that matter now. How many of the six subscribed?
#
# | ID | First Contact | Last Contact | Stage | Did sign up to the platform | Subscribed |
# |---|---|---|---|---|---|
# | 1 | 2021-05-03 | 2021-05-03 | | | |
# | 2 | 2021-05-04 | 2021-06-01 | interested | No | |
# | 3 | 2021-05-07 | 2021-05-07 | subscribed already | 2021-06-01 | 0000-00-00 |
# | 4 | | 03.01.2022 | | | |
# | 5 | | 03.01.2023 | | 2021-12-20 | 2022-01-15 |
# | 6 | 2021-06-30 | 2021-07-01 | subscribed already | | |
#
# :::{admonition} By hand: one table, three answers
# :class: by-hand
#
# - **One**, says who parses `Subscribed` as a date and drops what fails: only row 5 has a date.
# - **Two**, says who asks what the cell *means*. In row 3 somebody knew that a subscription had happened and did not know when;
#   `0000-00-00` is a date nobody has, and still an answer. A `No`, as in row 2, is an answer as well: it did not happen.
# - **Three**, says who also believes the note in `Stage`: row 6 "subscribed already", with no date.
#
# And two more things to see. Rows 4 and 5 were last contacted on 3 January 2022 and 3 January **2023**, a year apart, and the
# export was taken in April 2022: somebody dragged a spreadsheet's fill handle. Neither date can be trusted, for nobody knows
# which of them was typed. Row 5 has no first contact, and yet signed up and subscribed: this customer came unasked.
# :::
#
# We take the second answer: **a cell of these six columns that holds anything but "No" means that it happened, if need be on an
# unknown day**. The package reads cells by that rule. We give it the six rows and check our reasoning.

# %%
import io

import pandas as pd
from myst_nb import glue

from crm_rl import plots
from crm_rl.data import COLUMNS, EVENTS, as_rows, clean, data_path, load

plots.use_style()
pd.set_option("display.max_colwidth", 60)

six = pd.read_csv(
    io.StringIO(
        """ID,First Contact,Last Contact,Stage,Did sign up to the platform,Subscribed
1,2021-05-03,2021-05-03,,,
2,2021-05-04,2021-06-01,interested,No,
3,2021-05-07,2021-05-07,subscribed already,2021-06-01,0000-00-00
4,,03.01.2022,,,
5,,03.01.2023,,2021-12-20,2022-01-15
6,2021-06-30,2021-07-01,subscribed already,,
"""
    ),
    dtype=str,
).reindex(columns=COLUMNS)
six_customers, six_report = clean(as_rows(six), source="six rows")
six_customers[
    [
        "customer_id",
        "last_contact",
        "signup",
        "subscribed",
        "subscribed_date",
        "inbound",
        "arrival",
    ]
]

# %% [markdown]
# Row 3 is a subscriber without a date. Rows 4 and 5 have lost their last contact. Row 5 is {term}`inbound`, and its
# {term}`arrival`, the first day on which we know of this customer, is the earliest milestone. Row 4 has no arrival at all: we
# keep the customer, and leave it out of anything that needs time. None of this happened in silence. (The report counts rows as a
# spreadsheet does, with the header as row 1: the customer of ID 3 stands in row 4.)

# %%
print(six_report)

# %% [markdown]
# (sec-data-load)=
# ## The file as it stands
#
# `load` returns the cells as the file holds them, unjudged, and numbers the rows as a spreadsheet does, so that every message
# can be checked by eye. The file is the {term}`twin` of the original export: drawn from its aggregates, with the same kinds of
# dirt ([how and how well](a1_twin_fidelity.ipynb)). With the original, set `CRM_RL_DATA` and run the same cells.

# %%
raw = load(data_path())
print(f"{len(raw):,} rows, {len(raw.columns)} columns")
filled = pd.DataFrame(
    {"filled cells": raw.notna().sum(), "share %": (100 * raw.notna().mean()).round(1)}
)
filled

# %% [markdown]
# Most cells of the milestones are empty: most prospects have been written to, and that is all we know of them.
#
# :::{admonition} Predict
# :class: predict
# In six rows the three readers counted one, two and three subscribers. In some eleven thousand rows of the same making, by how
# many will they differ: by a handful, by dozens, by hundreds?
# :::

# %%
customers, report = clean(raw, source="the export")

by_parsed_date = int(pd.to_datetime(raw["Subscribed"], errors="coerce").notna().sum())
by_meaning = int(customers["subscribed"].sum())
with_the_note = int(
    (customers["subscribed"] | (customers["stage"] == "subscribed already")).sum()
)
print(
    f"dates that parse: {by_parsed_date}    cells that say yes: {by_meaning}"
    f"    with the note in Stage: {with_the_note}"
)

# %%
assert (by_parsed_date, by_meaning, with_the_note) == (47, 48, 50)
glue("data-parsed", str(by_parsed_date), display=False)
glue("data-subscribers", str(by_meaning), display=False)
glue("data-noted", str(with_the_note), display=False)
glue("data-rows", f"{len(customers):,}", display=False)
glue("data-rate", f"{by_meaning / len(customers):.2%}", display=False)

# %% [markdown]
# By a handful. It matters all the same. A published rate of {glue:text}`data-rate` is {glue:text}`data-subscribers` of {glue:text}`data-rows`; who reads
# {glue:text}`data-parsed` has lost one to a parser. With so few subscribers one is 2% of them all, so we say which count we
# use and why. We do not add the two whom only the note claims, because the note has no date and the date column is
# the record of the event. That is a choice, and the report counts it.
#
# ## The cleaning report
#
# Every fault is found in one pass, by one [pandera](https://pandera.readthedocs.io) schema whose checks bear the names below.
# What cannot be mended stops the work: a missing column, two rows with one ID, no rows, a date column of which more than 5% of
# the filled cells cannot be read. Everything else is mended **and counted**, or left as it is and counted.

# %%
report.counts()[["severity", "problem", "column", "count", "first_value"]].fillna("")

# %% [markdown]
# One cell can stand in several lines: a date typed as text and part of a run is "date as text" *and* "drag-fill", one of 2042 is
# "after the snapshot" *and* "drag-fill". So the counts are of findings, and add up to more than there are cells. The {term}`snapshot date` is the day of the export, 28
# April 2022; "after" always means after that day, never after today, or else the same file would be cleaned differently next
# year.
#
# Here is the longest run of the fill handle, as the file has it, with the row above it.

# %%
is_fill = report.findings["problem"] == "drag-fill"
filled_rows = report.findings.loc[is_fill, "row"].astype(int).sort_values()
run_starts = (
    pd.to_datetime(raw.loc[filled_rows, "Last Contact"], format="%d.%m.%Y").dt.year.diff()
    != 1
)
longest = (
    filled_rows.groupby(run_starts.cumsum().to_numpy())
    .agg(["first", "size"])
    .sort_values("size", kind="stable")
    .iloc[-1]
)
print(f"{len(filled_rows)} cells in runs; the longest run has {longest['size']}")
raw.loc[
    longest["first"] - 1 : longest["first"] + 5,
    ["ID", "First Contact", "Last Contact", "Status"],
].fillna("")

# %% [markdown]
# Two kinds of dirt would be worse if they went unseen. A date in 2042 makes "days since last contact" negative by two decades;
# clipped to zero it would look like the most recent contact of all. And a country spelled `uSA` founds a country of its own,
# with one inhabitant and a conversion rate of 0 or 100%.
#
# (sec-data-inbound)=
# ## Who came unasked
#
# :::{admonition} Predict
# :class: predict
# Some customers have no first contact date. You know from [the problem](../book/problem.md) that more of them subscribe. How many
# times as many: twice, ten times, forty times?
# :::

# %%
from crm_rl.evaluation.intervals import rate_table

kind = pd.Series("first contact known", index=customers.index)
kind = kind.mask(customers["first_contact"].isna(), "neither contact nor milestone")
kind = kind.mask(customers["inbound"], "inbound: a milestone, no contact")
kinds = customers.groupby(kind)["subscribed"].agg(customers="size", subscribers="sum")
kinds = rate_table(kinds.sort_values("customers", ascending=False, kind="stable"))
assert (
    kinds.loc["inbound: a milestone, no contact", "low %"]
    > kinds.loc["first contact known", "high %"]
)
kinds

# %% mystnb={"figure": {"caption": "Subscription rate by what is known of the first contact, with 95% Wilson intervals.", "name": "fig-data-inbound"}, "image": {"alt": "Dot plot: about 9 percent of the inbound customers subscribe, with an interval from 6 to 13; of those with a known first contact, far below one percent; of the third group, none."}} tags=["hide-input"]
import matplotlib.pyplot as plt

plots.interval_dots(kinds)
plt.show()

# %% [markdown]
# The interval of the inbound customers lies far above that of the customers whom the firm wrote to first
# ({numref}`fig-data-inbound`; a {term}`Wilson interval` is where a rate lies, give or take the luck of the count,
# {cite:p}`wilson1927`). For them the missing date is no accident: nobody wrote to them *first*, they came by themselves, as far as
# the record tells. About half of all subscribers are among them. The group with neither a first contact nor a milestone holds no
# subscriber, and can hold none: with a subscription on record we would have called them inbound. **A gap in a table can be the most informative cell in it.** Whether an action of ours made anybody
# subscribe, it does not tell.
#
# When did all this happen?

# %% mystnb={"figure": {"caption": "Milestones by month, for customers whom the firm wrote to first (outbound) and who came by themselves (inbound). Each panel has a scale of its own.", "name": "fig-data-events"}, "image": {"alt": "Six small line charts. Demos and surveys are at zero until the end of August 2021 and then come almost wholly from inbound customers; calls and signups come from outbound customers in early 2021 and from both after it."}} tags=["hide-input"]
plots.events_by_month(customers)
plt.show()

# %%
tracked = pd.DataFrame(
    {
        event: [customers[f"{event}_date"].min().date(), int(customers[event].sum())]
        for event in EVENTS
    },
    index=["first recorded", "how many"],
).T
tracked

# %% [markdown]
# Nobody has a demo or a survey before the end of August 2021 (in the original, the first is of the 31st;
# {numref}`fig-data-events`): it looks as if that is when the firm began to record them, mostly for people
# who came by themselves. What a column says depends on when one looks. In Part
# III this will matter twice: a model may take the tracking for an effect, and inbound and outbound, mixed, can turn a comparison
# on its head ({term}`Simpson's paradox`).
#
# ## Splitting by time, two ways
#
# We train on the past and test on the future. At random, rows of 2022 would help to predict rows of 2021, and the score would
# promise something that no deployed system can have: this is {term}`leakage` {cite:p}`kaufman2012`. So: sort by time, take the
# first 70% to train, the next 15% to validate, the last 15% to test. Sort by *which* time?
#
# - **As published**: by first contact, missing dates last.
# - **Sound**: by arrival (first contact, else the earliest milestone, else the last contact); no day is divided between two
#   parts; who has no arrival is left out, and counted.

# %%
from crm_rl.data.split import describe, published_split, sound_split

published, sound = published_split(customers), sound_split(customers)
pd.concat({"published": describe(published), "sound": describe(sound)}).rename(
    columns={"no first contact": "no contact", "of them inbound": "inbound subs."}
).drop(columns="inbound")

# %% mystnb={"figure": {"caption": "When the customers of each part arrived. Above, the published test part reaches back over the whole validation part, and further.", "name": "fig-data-splits"}, "image": {"alt": "Two stacked bar charts of arrivals by month. In the published split, customers of the test part arrive from autumn 2021 on, mixed into the months of the validation part; in the sound split the three parts follow one another without overlap."}} tags=["hide-input"]
plots.parts_by_month({"published": published.parts(), "sound": sound.parts()})
plt.show()

# %% [markdown]
# One sort, and the test part has become another population. All rows without a first contact sit in it, whenever they came
# ({numref}`fig-data-splits`), and **every one of its subscribers is such a row**. What a model is tested
# on there is, above all, whether it can tell those who came by themselves from all others. What does each part's rate look like, with its interval?

# %%
by_part = {
    (name, part): {"customers": len(rows), "subscribers": int(rows["subscribed"].sum())}
    for name, split in {"published": published, "sound": sound}.items()
    for part, rows in split.parts().items()
}
part_rates = rate_table(pd.DataFrame(by_part).T.rename_axis(["split", "part"]))
part_rates

# %%
published_test = published.test
assert (
    part_rates.loc[("sound", "test"), "low %"]
    > part_rates.loc[("sound", "train"), "high %"]
)
assert published_test.loc[published_test["subscribed"], "first_contact"].isna().all()
glue("data-test-subscribers", str(int(published_test["subscribed"].sum())), display=False)
glue("data-val-subscribers", str(int(published.val["subscribed"].sum())), display=False)
glue(
    "data-test-missing",
    str(int(published_test["first_contact"].isna().sum())),
    display=False,
)

# %% [markdown]
# The published validation part has {glue:text}`data-val-subscribers` subscribers: whoever tunes a model on it tunes on three
# people. The sound split does not cure that, because nothing can: there are {glue:text}`data-subscribers` subscribers to share
# out, and what is counted in each part stays a small number with a wide interval. It also shows that the rate *rises* from train to
# test (their intervals do not meet). A split can be sound and still leave train and test unlike each other; then that is what the
# future was like. What changed? We look at inbound and outbound customers apart.

# %%
apart = {
    (group, part): {
        "customers": int((rows["inbound"] == came).sum()),
        "subscribers": int((rows["subscribed"] & (rows["inbound"] == came)).sum()),
    }
    for group, came in {"outbound and unknown": False, "inbound": True}.items()
    for part, rows in sound.parts().items()
}
apart = rate_table(pd.DataFrame(apart).T.rename_axis(["group", "part"]))
outbound = apart.loc["outbound and unknown"]
assert outbound.loc["test", "rate %"] < outbound.loc["train", "rate %"]
assert outbound.loc["test", "high %"] > outbound.loc["train", "low %"]
apart

# %% [markdown]
# In neither group does the rate rise: among the outbound customers it is, if anything, lower in test (though the intervals overlap),
# and among the inbound ones the few of train leave everything open. What rises is the *share* of inbound customers, who subscribe
# far more often. A change in the mixture looks like a change in the rate, and can even point the other way than every group in it:
# {term}`Simpson's paradox` {cite:p}`simpson1951`.
#
# :::{warning}
# A customer who arrived last week has had one week to subscribe; one who arrived in 2020 has had two years. The later parts are
# cut short (*censored*), and their rates are a little too low for it.
# :::
#
# ## Where a statistic may come from
#
# To compute "the subscription rate of this customer's country" somebody has to count subscribers. If the count includes the
# test part, the test knows its own answers. Our encoders are objects with two verbs, so that one can *see* on which rows a
# statistic was computed: `fit` learns from some rows, `transform` applies to any. The rule is: **fit on train, transform
# everything**.
#
# The study coded countries by their place in the alphabet, and did it anew for each part. Look at what becomes of three
# countries:

# %%
from crm_rl.data.encoders import ConversionRate, LabelCodes

parts = published.parts()
codes_by_part = pd.DataFrame(
    {part: LabelCodes().fit(rows["country"]).codes_ for part, rows in parts.items()}
)
fit_on_train = pd.Series(
    LabelCodes().fit(published.train["country"]).codes_, name="fitted on train"
)
three = ["Canada", "France", "USA"]
codes_by_part.join(fit_on_train).loc[three].astype(int).rename_axis("country")

# %%
moved = (codes_by_part["test"] != codes_by_part["train"])[codes_by_part.notna().all(axis=1)]
assert moved["USA"]
print(
    f"{moved.sum()} of the {len(moved)} countries that are in all three parts "
    "have another code in test than in train"
)

# %% [markdown]
# A model that learned what code 5 does in train meets, in test, another country under code 5. Nothing warns: the columns have
# the same names and the same ranges.
#
# ## The rate of a small group
#
# Suppose 0.4% of all customers subscribe, and a country has 4 customers, one of whom subscribed. Its rate is 25%, sixty times the
# average. Nobody believes that the fifth customer has one chance in four. And a country of three without a subscriber has a rate
# of 0%, and nobody believes that either.
#
# :::{admonition} By hand: a smoothed rate
# :class: by-hand
#
# Pretend that we had seen $m$ more customers in every country, who convert like everybody else. With $n$ customers, $s$
# subscribers, overall rate $p$:
#
# $$
# \text{rate} = \frac{s + m\,p}{n + m}
# $$
#
# Take $p = 0.004$ and $m = 250$. A country with one subscriber among 4: $(1 + 250 \times 0.004) / (4 + 250)$, that is $2 / 254 = 0.79\%$,
# twice the average. None among 3: $1 / 253 = 0.395\%$, a hair under it. And 20 among 2,000: $21 / 2250 = 0.93\%$, close to its
# own 1%. Small groups are drawn to the average; large ones speak for themselves.
# :::
#
# Why 250? We let $m = 1/p$: the prior then weighs as much as the group of customers in which one subscription is expected. The
# name for this is *m-estimate*; {cite:t}`miccibarreca2001` introduced it for columns of many categories.

# %%
names = pd.Series(
    ["four"] * 4 + ["three"] * 3 + ["two thousand"] * 2000 + ["the rest"] * 3243
)
subscribed = pd.Series(False, index=names.index)
subscribed[[0, *range(7, 27)]] = (
    True  # one of the four, none of the three, 20 of the two thousand
)
by_hand = ConversionRate(strength=250).fit(names, subscribed)
assert by_hand.base_rate_ == 0.004
(100 * pd.Series(by_hand.rates_)).round(3).rename("smoothed rate, %")

# %% [markdown]
# On our data, by bootcamp: the plain rate beside the smoothed one.

# %%
train = sound.train
plain = ConversionRate(strength=0).fit(train["education"], train["subscribed"])
smoothed = ConversionRate().fit(train["education"], train["subscribed"])
bootcamps = train.groupby(train["education"].fillna("(missing)"))["subscribed"].agg(
    customers="size", subscribers="sum"
)
bootcamps["plain %"] = 100 * pd.Series(plain.rates_)
bootcamps["smoothed %"] = 100 * pd.Series(smoothed.rates_)
print(f"overall rate {smoothed.base_rate_:.3%}, so m = {smoothed.strength_:.0f} customers")
ordered = bootcamps.sort_values("plain %", ascending=False, kind="stable")
pd.concat([ordered.head(6), ordered.tail(3)]).round(3)

# %% [markdown]
# There is one more leak. Some customers of the training part subscribed *after* the validation part began. On the
# day when one would have trained, nobody knew. Our sound features count only what was known by the last day of train:

# %%
known = train["subscribed"] & (train["subscribed_date"] <= sound.known_by)
known_subscribers, all_subscribers = int(known.sum()), int(train["subscribed"].sum())
assert known_subscribers < all_subscribers / 2
print(
    f"train ends on {sound.known_by.date()}: "
    f"of its {all_subscribers} subscribers {known_subscribers} were known by then"
)

# %% [markdown]
# ## The 15 features
#
# One table in the package says what each feature is; nothing else in the code knows their order. First as published, then as we
# would have them.

# %%
from crm_rl.data.features import PUBLISHED_FEATURES, SOUND_FEATURES, PublishedFeatures, SoundFeatures, feature_table

feature_table(PUBLISHED_FEATURES)[["name", "meaning", "unit", "scale"]]

# %%
changed = feature_table(SOUND_FEATURES).set_index("name")
same_meaning = changed["meaning"].isin(feature_table(PUBLISHED_FEATURES)["meaning"])
changed[~same_meaning].reset_index()[["name", "meaning", "unit", "scale"]]

# %% [markdown]
# Each value is divided by its scale and clipped to [0, 1]; which column it comes from stands in the same table
# (`feature_table`). The 103 is the study's: it counted the countries as they were spelled. What changed, and why:
#
# - **Country**, a place in the alphabet, goes; it has the fault of the next chapter. **Inbound** comes in.
# - **Stage** loses its last value. "Subscribed already" *is* the outcome: a feature that holds it predicts the past. The order of
#   the other notes is the study's opinion, and stays one.
# - **Status_Active** asked for a status that no row has, and was 0 for everybody.
# - The rates are smoothed, and count what was known.
# - A missing date no longer reads as "today".
#
# The milestone flags stay, in both. They say what *has* happened to a customer by the snapshot, which is not what was known when
# somebody had to act. Chapter 9 will ask what that does to a study; a feature can be free of the faults above and still come too
# late.

# %%
encoded = {
    "published": PublishedFeatures().fit(published.train).transform(published.test),
    "sound": SoundFeatures().fit(sound.train, sound.known_by).transform(sound.test),
}
for table in encoded.values():
    assert (
        table.shape[1] == 15
        and table.min().min() >= 0
        and table.max().max() <= 1
        and table.notna().all().all()
    )
never_vary = {
    name: [column for column in table if table[column].nunique() == 1]
    for name, table in encoded.items()
}
print("constant over the test part:", never_vary)
encoded["sound"].agg(["min", "mean", "max"]).T.round(3)

# %% [markdown]
# ## From the command line
#
# The same steps, in one command. It writes three CSV files and the statistics of train, all of them or none:
#
# ```
# python -m crm_rl prepare --split sound --out data/processed
# ```

# %%
import json
import tempfile
from pathlib import Path

from crm_rl.data.prepare import prepare

with tempfile.TemporaryDirectory() as folder:
    prepare(data_path(), Path(folder) / "processed", split="sound")
    written = sorted((Path(folder) / "processed").iterdir())
    statistics = json.loads(written[-1].read_text())
print([file.name for file in written])
print({key: statistics[key] for key in ("split", "rows", "known_by", "snapshot_date")})

# %% [markdown]
# ## Exercises
#
# ::::{exercise} What do these cells say?
# :label: ex-data-cells
#
# `read_date` reads one cell and returns its value and the name of its fault. Write down what you expect for each cell, then run
# it on all of them. The snapshot is 28 April 2022.
# ::::

# %%
from crm_rl.data.cells import read_date

puzzling = [
    "2021-05-03",
    "3.5.2021",
    "No",
    "2021-02-30",
    44319,
    "2022-05-01",
    "next week",
    "05/03/2021",
]

# %% [markdown]
# :::{solution-start} ex-data-cells
# :class: dropdown
# :::
#
# Excel counts days from the end of 1899, so 44319 is a day of 2021 whose date format got lost. `05/03/2021` is refused, because
# it is March to a German and May to an American: a reader that guesses is right half of the time.

# %%
readings = [read_date(cell) for cell in puzzling]
assert readings[4].value == readings[0].value  # 44319 is 3 May 2021 too
assert readings[-1].value is None
pd.DataFrame(
    {
        "cell": puzzling,
        "value": [reading.value for reading in readings],
        "fault": [r.problem for r in readings],
    }
).fillna("")

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} What would a random split have hidden?
# :label: ex-data-random
#
# Deal the customers at random into parts of the same sizes. Compare the share of inbound customers and of subscribers in each
# part with the sound split. What does the random split make of the change that time brought?
# ::::

# %%
import numpy as np

shuffled = customers.sample(frac=1, random_state=np.random.default_rng(0))

# %% [markdown]
# :::{solution-start} ex-data-random
# :class: dropdown
# :::
#
# The three parts come out alike, in inbound customers above all. A model would be tested on the same mixture that it was trained
# on, and we would never learn that the mixture changes.

# %%
ends = [int(0.70 * len(shuffled)), int(0.85 * len(shuffled))]
dealt = dict(
    zip(("train", "val", "test"), np.split(np.arange(len(shuffled)), ends), strict=True)
)
at_random = {part: shuffled.iloc[places] for part, places in dealt.items()}
shares = pd.DataFrame(
    {
        (name, part): {
            "inbound %": 100 * rows["inbound"].mean(),
            "subscribers": rows["subscribed"].sum(),
        }
        for name, by_name in {"random": at_random, "sound": sound.parts()}.items()
        for part, rows in by_name.items()
    }
).T.round(2)
shares["subscribers"] = shares["subscribers"].astype(int)
random_spread, sound_spread = (
    shares.loc[name, "inbound %"].max() - shares.loc[name, "inbound %"].min()
    for name in ("random", "sound")
)
assert random_spread < sound_spread
shares

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} A rate that knows the future
# :label: ex-data-asof
#
# Fit the country rates once with all subscribers of train, once with those known by its last day. By what factor do the
# overall rate and the rate of the USA differ?
# ::::

# %%
with_hindsight = ConversionRate().fit(train["country"], train["subscribed"])

# %% [markdown]
# :::{solution-start} ex-data-asof
# :class: dropdown
# :::
#
# Of train's subscribers, more were still to come than had come. A rate computed in hindsight is not wrong about the world; it is
# a number that nobody had on the day.

# %%
as_known = ConversionRate().fit(train["country"], known)
factors = pd.Series(
    {
        "overall": with_hindsight.base_rate_ / as_known.base_rate_,
        "USA": with_hindsight.rates_["USA"] / as_known.rates_["USA"],
    },
    name="hindsight / known",
)
assert factors["overall"] > 2
factors.round(2)

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - Decide what a cell *means* before you parse it, and count what you repaired.
# - A missing value can be the most informative one: without a first contact, with a milestone, means "came unasked".
# - Sort by a time that nearly every row has, and count the rest. A sort by a column with gaps filled the test part with one kind of
#   customer.
# - Fit on train, transform everything, and count only what was known by then.
# - Smooth the rate of a small group; keep the outcome out of the features.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. The cell under "Subscribed" holds 0000-00-00. What is the customer?
# :class: quiz
#
# ::::{dropdown} Not a subscriber: the date is invalid
# :class-container: wrong
#
# The date is invalid, the answer is not. An empty cell or a "No" would say that nothing happened.
# ::::
# ::::{dropdown} A subscriber, on an unknown day
# :class-container: right
#
# Somebody filled the cell because it had happened. The flag becomes true, the date stays missing.
# ::::
# ::::{dropdown} To be dropped from the data
# :class-container: wrong
#
# That would lose one of {glue:text}`data-subscribers` subscribers, and nobody would be told.
# ::::
# :::::
#
# :::::{admonition} 2. Two customers are dated 25.12.2021 and, one row below, 25.12.2022. The export is of April 2022. What do we do?
# :class: quiz
#
# ::::{dropdown} Keep the first date, drop the second
# :class-container: wrong
#
# The first may be a product of the fill handle as well, from a date above it, and it may have been typed wrong: some runs start
# in January 2021, amid rows of winter 2021/22.
# ::::
# ::::{dropdown} Set both to missing and count them
# :class-container: right
#
# Nobody can tell which was typed. Two missing dates, reported, are better than one invented.
# ::::
# ::::{dropdown} Correct 2022 to 2021
# :class-container: wrong
#
# It may be right, and it is a guess written down as a fact.
# ::::
# :::::
#
# :::::{admonition} 3. What is wrong with sorting by first contact, missing dates last?
# :class: quiz
#
# ::::{dropdown} pandas sorts missing values in an undefined way
# :class-container: wrong
#
# It puts them last, as asked. The code does what it says.
# ::::
# ::::{dropdown} It puts a special group of customers into the test part, whenever they came
# :class-container: right
#
# Customers who came unasked are among them, with half of all subscribers, and now they are all in test. Test is another population
# than train.
# ::::
# ::::{dropdown} Nothing, since no row of the future is in train
# :class-container: wrong
#
# True of train, and not enough: rows from before the validation part's end are in test, and the groups differ in kind.
# ::::
# :::::
#
# :::::{admonition} 4. A country has 2 customers and 1 subscriber; overall 0.5% subscribe. Which rate do we give it, with m = 200?
# :class: quiz
#
# ::::{dropdown} 50%
# :class-container: wrong
#
# That is the plain rate. It believes two people as firmly as two thousand.
# ::::
# ::::{dropdown} 0.5%
# :class-container: wrong
#
# That ignores the country altogether, as if m were infinite.
# ::::
# ::::{dropdown} About 1%
# :class-container: right
#
# (1 + 200 x 0.005) / (2 + 200) = 2 / 202 = 0.99%: twice the average, on the word of one subscriber.
# ::::
# :::::
#
# :::::{admonition} 5. Which of these may be fitted on all rows?
# :class: quiz
#
# ::::{dropdown} The subscription rate of each country
# :class-container: wrong
#
# It holds the outcomes of the test part.
# ::::
# ::::{dropdown} The codes of the countries, since they hold no outcome
# :class-container: wrong
#
# It leaks little, but on the day of training nobody knows which countries will come. Fit on train, and have a code for
# "never seen".
# ::::
# ::::{dropdown} The list of valid stages, fixed before looking at the data
# :class-container: right
#
# That is no statistic: it does not depend on any row.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} How do you split data for a model that will act in the future?
# :class-container: interview
#
# By time, with a time that nearly every row has. Train on the earliest rows, tune on the next, test on the last; fit every statistic on
# the training rows and count only outcomes known by their last day. Then look at who is in each part: here a sort by a column
# with gaps put all customers without a first contact into test ({numref}`fig-data-splits`). A time split can show that the
# population changes; a random split hides it.
# ::::
# ::::{dropdown} Tell me about a time when missing data mattered.
# :class-container: interview
#
# In a CRM export of {glue:text}`data-rows` prospects, {glue:text}`data-test-missing` had no first contact date. One could
# have dropped or imputed them. {numref}`fig-data-inbound` shows that those among them with a milestone, who had come by themselves,
# subscribed many times as often as the others. The missingness was a feature, and a trap: it marked people whom no action on record
# had brought.
# ::::
# ::::{dropdown} What is target leakage? Give three forms of it.
# :class-container: interview
#
# Information about the outcome that would not be there at prediction time. One: a feature that holds the outcome, like a note
# "subscribed already". Two: a statistic fitted on rows it is tested on, like a conversion rate over the whole file. Three: hindsight,
# like counting subscriptions that came after training would have taken place; in our train part more than half of them did
# ({ref}`ex-data-asof`).
# ::::
# ::::{dropdown} How do you encode a category with many rare values?
# :class-container: interview
#
# By its outcome rate on the training part, drawn towards the overall rate: (s + m p) / (n + m). A small group then moves a little,
# a large one speaks for itself, and a value never seen gets the overall rate. On the training rows themselves the rate should be
# computed out of fold, or each row's own outcome is in its feature: {numref}`fig-education-leak` shows how much that matters.
# ::::
#
# ## Further reading
#
# - {cite:t}`kaufman2012` define leakage and how to avoid it; {cite:t}`kapoor2023` count what it has done to published science.
# - {cite:t}`broman2018` on how to keep data in spreadsheets so that chapters like this one are not needed.
# - {cite:t}`miccibarreca2001` for smoothed rates; {cite:t}`brown2001` for why the Wilson interval, and not the textbook one.
