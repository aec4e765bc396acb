# %% [markdown]
# (ch-data)=
# # Data processing
#
# A model believes what it is fed. So before any training, three decisions have to be made: **decide what each cell means, split the
# customers by time, and compute every statistic from the training part alone.** A mistake in one of them raises no error; it
# changes the score. In this chapter you take a dirty CRM export to 15 numbers a customer, and see what each decision is worth.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to read a dirty cell by what it means, and to count every repair
#   - to split by time, and how an empty date can spoil the split
#   - to keep the test part's answers out of the features
#
# You need
# : [the problem](../book/problem.md); Python and some pandas. If you are here for reinforcement learning, go to
#   [chapter 3](03_funnel_mdp.ipynb) first, and come back before chapter 8.
#
# Time
# : 29 minutes to read, 20 seconds to run.
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
# :::{figure} ../book/_static/data_flow.svg
# :name: fig-data-flow
# :alt: Three steps. First, cells get a meaning: 0000-00-00 becomes subscribed on an unknown day, 03.01.2023 a date from the future whose day is unknown, uSA becomes USA, and an empty first contact with a signup becomes inbound. Second, a time line is cut into train, the first 70 percent, validation and test. Third, rates counted in train alone go into the 15 features of all three parts.
# :width: 92%
#
# The chapter in one picture. One command does all of it: `python -m crm_rl prepare`.
# :::
#
# ## Six rows by hand
#
# The export has one row for each {term}`prospect` and 13 columns. Six of them are dates of events: five {term}`milestones <milestone>` on the way
# to a sale, and the subscription itself. Here are six invented rows with the columns that matter now. How many of the six subscribed?
#
# | ID | Subscribed | Signed up | First Contact | Last Contact | Stage |
# |---|---|---|---|---|---|
# | 1 | | | 2021-05-03 | 2021-05-03 | |
# | 2 | | No | 2021-05-04 | 2021-06-01 | interested |
# | 3 | 0000-00-00 | 2021-06-01 | 2021-05-07 | 2021-05-07 | subscribed already |
# | 4 | | | | 03.01.2022 | |
# | 5 | 2022-01-15 | 2021-12-20 | | 03.01.2023 | |
# | 6 | | | 2021-06-30 | 2021-07-01 | subscribed already |
#
# :::{admonition} By hand: one table, three answers
# :class: by-hand
#
# - **One**, if you parse `Subscribed` as a date and drop what fails: only row 5 has a date.
# - **Two**, if you ask what the cell *means*. In row 3 somebody knew that a subscription had happened, but not when. `0000-00-00` is no
#   date, and still an answer. So is the `No` in row 2: it did not happen.
# - **Three**, if you also believe the note in `Stage`: row 6 says "subscribed already", without a date.
#
# Two more things. The export was taken on 28 April 2022, the {term}`snapshot date`, so row 5's last contact lies in the future. And row 4 has the same day one
# year earlier: somebody dragged a spreadsheet's fill handle down the column ({term}`drag-fill`). Nobody knows which of the two dates was typed, so neither can be trusted.
# :::
#
# We take the second answer: **an event's cell that holds anything but "No" means that it happened, if need be on an unknown
# day.** The note is not enough, since the date column is the record of the event. This is a choice, and we will count whom it affects.
#
# ## Write the parser
#
# ::::{exercise} ★★ Read one event cell
# :label: ex-data-parser
#
# Complete the function below. It returns whether the event happened, and on which day (`None` if nobody knows). Dates come as
# `2021-05-03` or `3.5.2021`, day first. A date after the snapshot means: day unknown. `check` tries it on seven cells and gives
# you a hint.
# ::::

# %% tags=["remove-cell"]
from myst_nb import glue

from crm_rl import plots
from crm_rl.data import data_path


def check(read_event) -> str:
    """Try a reader's parser on some cells, and hint at the first that goes wrong."""
    third_of_may = pd.Timestamp("2021-05-03")
    cells = [
        (None, (False, None), "An empty cell says that nothing happened."),
        ("2021-05-03", (True, third_of_may), "This is a plain date."),
        ("No", (False, None), "No is an answer: it did not happen."),
        ("3.5.2021", (True, third_of_may), "Try a second format, with the day first."),
        ("0000-00-00", (True, None), "The cell is filled, so it happened. Only the day is unknown."),
        ("2021-02-30", (True, None), "There is no such day, but the cell is filled."),
        ("2023-01-03", (True, None), "This day is after the snapshot: it happened, but when?"),
    ]
    for cell, right, hint in cells:
        happened, day = read_event(cell)
        if (bool(happened), None if pd.isna(day) else pd.Timestamp(day)) != right:
            return f"{cell!r} gives {happened}, {day}.\n{hint}"
    return "Right: all seven cells."


# %%
import pandas as pd

SNAPSHOT = pd.Timestamp("2022-04-28")


def read_event(cell):
    """Return whether the event happened, and the day (None if unknown)."""
    if pd.isna(cell):
        return False, None
    day = pd.to_datetime(cell, format="%Y-%m-%d", errors="coerce")
    if pd.isna(day):
        return False, None  # your turn: does a cell without a date always say no?
    return True, day  # your turn: any day at all?


print(check(read_event))

# %% [markdown]
# :::{solution-start} ex-data-parser
# :class: dropdown
# :::
#
# First the two ways to say that nothing happened, then the two formats. Whatever is left did happen, on an unknown day.


# %%
def read_event(cell):
    """Return whether the event happened, and the day (None if unknown)."""
    if pd.isna(cell) or cell == "No":
        return False, None
    for pattern in ("%Y-%m-%d", "%d.%m.%Y"):
        day = pd.to_datetime(cell, format=pattern, errors="coerce")
        if day <= SNAPSHOT:  # False where the pattern does not fit
            return True, day
    return True, None


print(check(read_event))

# %% [markdown]
# :::{solution-end}
# :::
#
# Now the whole file. It is the {term}`twin` of the original export, drawn from its counts, with the same faults
# ([how faithful it is](a1_twin_fidelity.ipynb)).
#
# :::{admonition} Predict
# :class: predict
# In six rows the three answers were one, two and three subscribers. By how many will they differ in eleven thousand rows?
# :::

# %%
from crm_rl.data import load

raw = load(data_path())
happened = raw["Subscribed"].map(lambda cell: read_event(cell)[0])
noted = raw["Stage"] == "subscribed already"
parsed = pd.to_datetime(raw["Subscribed"], errors="coerce").notna()
print(f"{len(raw):,} rows; dates that parse: {parsed.sum()}")
print(f"cells that say yes: {happened.sum()}; with the note: {(happened | noted).sum()}")

# %% tags=["remove-cell"]
counts = int(parsed.sum()), int(happened.sum()), int((happened | noted).sum())
assert counts == (47, 48, 50)
for name, count in zip(("parsed", "subscribers", "noted"), counts, strict=True):
    glue(f"data-{name}", str(count), display=False)
glue("data-rows", f"{len(raw):,}", display=False)
glue("data-rate", f"{happened.mean():.2%}", display=False)
glue("data-one-more", f"{1 / happened.sum():.0%}", display=False)

# %% [markdown]
# By very few, and yet it matters: with {glue:text}`data-subscribers` subscribers, one more or less changes the subscription rate
# ({glue:text}`data-rate`) by {glue:text}`data-one-more` of itself. So always say which count you use, and why. Ours is {glue:text}`data-subscribers`.
#
# ## Repair, and count every repair
#
# The package's `clean` reads all 13 columns by such rules. It drops no row. What it cannot repair, such as two rows with one ID, stops the work with
# an error; every repair is counted:

# %%
from crm_rl.data import clean

customers, report = clean(raw)
repairs = report.counts("repaired")
repairs[["problem", "column", "count", "first_value"]]

# %% tags=["remove-cell"]
is_fill = report.findings["problem"] == "drag-fill"
filled = report.findings.loc[is_fill, "row"].astype(int).sort_values()
years = pd.to_datetime(raw.loc[filled, "Last Contact"], format="%d.%m.%Y")
run = (years.dt.year.diff() != 1).cumsum()
longest = years[run == run.value_counts().idxmax()]
glue("data-run", str(len(longest)), display=False)
glue("data-run-from", f"{longest.iloc[0]:%d.%m.%Y}", display=False)
glue("data-run-to", f"{longest.iloc[-1]:%d.%m.%Y}", display=False)
assert (customers["subscribed"] == happened).all()
inbound, unwritten = customers["inbound"], customers["first_contact"].isna()
glue("data-no-first", f"{int(unwritten.sum()):,}", display=False)
assert inbound.sum() == 281 and customers.loc[inbound, "subscribed"].sum() == 25

# %% [markdown]
# A cell can appear in two lines: a filled date is often in the future as well. The longest drag-fill runs over {glue:text}`data-run` rows, from
# {glue:text}`data-run-from` to {glue:text}`data-run-to`. Unseen, it would do damage: "days since the last contact" would be negative, and once clipped to zero,
# a contact twenty years from now would look like the most recent one of all. A country spelled `uSA` would be a country of its own with
# a single customer.
#
# Always compare a date with the snapshot, never with today's date. Otherwise the same file gives other features next year.
#
# ## An empty cell can say a lot
#
# {glue:text}`data-no-first` customers have no first contact. Before you drop them or fill the gap, ask what else is in their rows. If there is an event, the
# customer came without having been written to: we call them {term}`inbound`.

# %%
from crm_rl.evaluation.intervals import rate_table

group = pd.Series("first contact known", index=customers.index)
group[customers["first_contact"].isna()] = "neither contact nor event"
group[customers["inbound"]] = "inbound: an event, no contact"
rates = customers.groupby(group)["subscribed"].agg(customers="size", subscribers="sum")
rates = rate_table(rates)
ends = rates["low %"].map("{:.2f} to ".format) + rates["high %"].map("{:.2f}".format)
rates.assign(**{"95% interval": ends}).drop(columns=["low %", "high %"])

# %% tags=["remove-cell"]
assert rates.loc["inbound: an event, no contact", "low %"] > rates.loc["first contact known", "high %"]
glue("data-inbound-rate", f"{rates.loc['inbound: an event, no contact', 'rate %']:.1f}%", display=False)
glue("data-outbound-rate", f"{rates.loc['first contact known', 'rate %']:.1f}%", display=False)
blank = customers.loc[unwritten, "subscribed"].mean()
glue("data-no-first-rate", f"{blank:.1%}", display=False)
glue("data-no-first-factor", f"{blank / customers.loc[~unwritten, 'subscribed'].mean():.0f}", display=False)

# %% [markdown]
# Inbound customers subscribe in {glue:text}`data-inbound-rate` of cases, the others with a known first contact in {glue:text}`data-outbound-rate`, and their
# {term}`Wilson intervals <Wilson interval>` are far apart. More than half of all subscribers are inbound. Part of the gap is there by definition: a subscription is an event,
# so the group without one has no subscriber. But of *all* customers without a first contact {glue:text}`data-no-first-rate` subscribed, and that is still
# {glue:text}`data-no-first-factor` times the rate of the others. Their empty cell is no accident: nobody wrote to them first. Imputing a date would erase that.
#
# ## Split by time
#
# We train on the past and test on the future. If rows were split at random, those of 2022 would help to predict those of 2021, and the score would
# promise what no deployed model can have. This is {term}`leakage` {cite:p}`kaufman2012`. So sort by time: the first 70% train, the next 15% validate,
# the last 15% test. But by *which* time?
#
# - The published study sorts by **first contact**. Missing dates go last, as pandas does by default.
# - We sort by {term}`arrival`: the first contact or, where it is missing, the earliest event or else the last contact. Customers without any
#   date are left out, and counted.

# %%
from crm_rl.data.split import published_split, sound_split

published, sound = published_split(customers), sound_split(customers)
parts = {
    (name, part): {
        "customers": len(rows),
        "no first contact": rows["first_contact"].isna().sum(),
        "subscribers": rows["subscribed"].sum(),
    }
    for name, split in {"published": published, "sound": sound}.items()
    for part, rows in split.parts().items()
}
pd.DataFrame(parts).T

# %% mystnb={"figure": {"caption": "When the customers of each part arrived, and its subscribers. Above, the test part reaches back over the whole time.", "name": "fig-data-splits"}, "image": {"alt": "Two stacked bar charts of arrivals by month, with a tick for each subscriber. Sorted by first contact with missing dates last, test customers and test subscribers are scattered from 2020 to 2022 among those of train and validation. Sorted by arrival, the three parts follow one another without overlap."}} tags=["hide-input"]
import matplotlib.pyplot as plt

plots.use_style()
titles = "Sorted by first contact, missing dates last (published)", "Sorted by arrival (sound)"
plots.parts_by_month(dict(zip(titles, (published.parts(), sound.parts()), strict=True)))
plt.show()

# %% tags=["remove-cell"]
test = published.test
assert test.loc[test["subscribed"], "inbound"].all() and unwritten.sum() == test["first_contact"].isna().sum()
glue("data-test-subscribers", str(int(test["subscribed"].sum())), display=False)
glue("data-val-subscribers", str(int(published.val["subscribed"].sum())), display=False)
glue("data-test-missing", str(int(test["first_contact"].isna().sum())), display=False)
glue("data-left-out", str(len(sound.left_out)), display=False)

# %% [markdown]
# Sorting with missing dates last reads an empty cell as "later than everybody". It puts all {glue:text}`data-test-missing` customers without a first contact
# into the test part, whenever they came ({numref}`fig-data-splits`), and **all {glue:text}`data-test-subscribers` subscribers of that part are inbound**.
# A model is tested there on one question above all: can it tell those who came by themselves from the others? [Chapter 9](09_audit.ipynb) shows
# what this does to a score.
#
# The sound split leaves {glue:text}`data-left-out` customers out. It is no cure for small numbers: each part has a handful of subscribers, and those who arrived
# last have had little time to subscribe.
#
# ## Fit on train
#
# One of our features will be the subscription rate of the customer's country. Somebody has to count it, and from which rows? Our encoders have two
# verbs, so that you can see it in the code: `fit` counts, `transform` looks up. We fit one on all rows and one on train, and ask how well each
# ranks the *test* customers ({term}`AUC`: 0.5 is guessing, 1 is perfect).

# %%
from sklearn.metrics import roc_auc_score

from crm_rl.data.encoders import ConversionRate

for name, rows in {"all rows": customers, "train": sound.train}.items():
    encoder = ConversionRate().fit(rows["country"], rows["subscribed"])
    feature = encoder.transform(sound.test["country"])
    auc = roc_auc_score(sound.test["subscribed"], feature)
    print(f"country rate fitted on {name}: AUC {auc:.2f} on the test part")

# %% tags=["remove-cell"]
def test_auc(rows: pd.DataFrame) -> float:
    rates = ConversionRate().fit(rows["country"], rows["subscribed"])
    return roc_auc_score(sound.test["subscribed"], rates.transform(sound.test["country"]))


leaky, fair = test_auc(customers), test_auc(sound.train)
glue("data-auc-all", f"{leaky:.2f}", display=False)
glue("data-auc-train", f"{fair:.2f}", display=False)
assert leaky > fair + 0.1
known = sound.train["subscribed"] & (sound.train["subscribed_date"] <= sound.known_by)
glue("data-train-subscribers", str(int(sound.train["subscribed"].sum())), display=False)
glue("data-known", str(int(known.sum())), display=False)
glue("data-known-by", f"{sound.known_by.day} {sound.known_by:%B %Y}", display=False)
assert known.sum() < sound.train["subscribed"].sum() / 2

# %% [markdown]
# Same customers, same formula. The first number is higher because outcomes of the future are in the rates, the test part's own among them: a country whose one
# subscriber is a test customer betrays that customer. The rule is **fit on train, transform everything**.
#
# There is a subtler form. Train ends on {glue:text}`data-known-by`. Of its {glue:text}`data-train-subscribers` subscribers only {glue:text}`data-known` had subscribed by
# then; a model trained on that day could not have known the others. So our rates count only what was **known by the last day of train**.
#
# ## The 15 features
#
# Each value is divided by a scale and clipped to the range from 0 to 1. One table in the package says what they are:

# %%
from crm_rl.data.features import SOUND_FEATURES, feature_table

pd.set_option("display.max_colwidth", 70)
feature_table(SOUND_FEATURES)[["name", "meaning", "scale"]]

# %% [markdown]
# The study's 15 are nearly the same. We changed what breaks a rule of this chapter:
#
# - One column goes, because it reads names as numbers. You will find it in [the next chapter](02_education_column.ipynb). *Inbound* takes its place.
# - *Stage* loses "subscribed already". That note *is* the outcome.
# - *Status_Active* asks something else: its old status text is in no row, so it was always 0.
# - A missing date is no longer read as "today".
# - The two rates count what was known, and are drawn towards the average in small groups (also in the next chapter).
#
# One weakness stays: the milestones, and *Inbound* with them, describe the record *at the snapshot*, not on the day on which somebody had to act.
# Chapter 9 comes back to it.
#
# In a terminal, all of this chapter is one command:
#
# ```
# python -m crm_rl prepare --split sound --out data/processed
# ```
#
# It writes three CSV files and the statistics of train, or nothing if the export cannot be used.
#
# ## Exercises
#
# ::::{exercise} ★ Ambiguous cells
# :label: ex-data-cells
#
# What should a parser do with `05/03/2021`, with the number `44319`, and with `next week`? Decide before you open the solution.
# ::::
#
# :::{solution-start} ex-data-cells
# :class: dropdown
# :::
#
# Refuse `05/03/2021`: it is March to a German and May to an American, and a parser that guesses is right half of the time. Excel counts days from the end of 1899, so
# `44319` is 3 May 2021 without its date format. `next week` names no day: the event happened, the day is unknown.

# %%
from crm_rl.data.cells import read_date

for cell in ("05/03/2021", 44319, "next week"):
    print(cell, "->", *read_date(cell))

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} ★★ What a random split hides
# :label: ex-data-random
#
# Split the customers at random into parts of the same sizes. Compare the share of inbound customers in each part with the sound split. What would you
# not have learned from the random one?
# ::::

# %%
shuffled = customers.sample(frac=1, random_state=0)
ends = int(0.70 * len(shuffled)), int(0.85 * len(shuffled))
# your turn: the others
print("train:", f"{shuffled['inbound'].iloc[: ends[0]].mean():.1%}")

# %% [markdown]
# :::{solution-start} ex-data-random
# :class: dropdown
# :::
#
# The random parts are alike. You would test on the mixture that you trained on, and never learn that the mixture changes with time.

# %%
edges = [0, *ends, len(shuffled)]
at_random = [shuffled.iloc[a:b] for a, b in zip(edges, edges[1:], strict=False)]
for name, parts in {"random": at_random, "sound": sound.parts().values()}.items():
    print(name, *(f"{rows['inbound'].mean():.1%}" for rows in parts))

# %% tags=["remove-cell"]
spreads = [
    max(shares) - min(shares)
    for shares in (
        [rows["inbound"].mean() for rows in each] for each in (at_random, sound.parts().values())
    )
]
assert spreads[0] < 0.02 < spreads[1]

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - Decide what a cell *means* before you parse it, and count what you repair.
# - A missing value can be the most informative one. Never let a sort or an imputation decide what it means.
# - Split by a time that nearly every row has, and look at who ends up in each part.
# - Fit on train, transform everything, and count only what was known by the last day of train.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. The cell under "Subscribed" holds 0000-00-00. What is the customer?
# :class: quiz
#
# ::::{dropdown} A subscriber, on an unknown day
# :class-container: right
#
# Somebody filled the cell because it had happened. The flag is true, the day is missing.
# ::::
# ::::{dropdown} Not a subscriber, since the date is invalid
# :class-container: wrong
#
# The date is invalid, the answer is not. An empty cell or a "No" would say that nothing happened.
# ::::
# ::::{dropdown} To be dropped, as we cannot know
# :class-container: wrong
#
# This would lose one of {glue:text}`data-subscribers` subscribers, and nobody would notice.
# ::::
# :::::
#
# :::::{admonition} 2. Two neighbouring rows are dated 25.12.2021 and 25.12.2022. The export is of April 2022. What do we do?
# :class: quiz
#
# ::::{dropdown} Correct the second to 2021, as that is surely what was meant
# :class-container: wrong
#
# It may be right, and it is a guess written down as a fact.
# ::::
# ::::{dropdown} Keep the first and drop the second
# :class-container: wrong
#
# The first may come from the fill handle as well, from a date above it.
# ::::
# ::::{dropdown} Set both to missing and count them
# :class-container: right
#
# Nobody can tell which one was typed. Two missing dates on record are better than one invented one.
# ::::
# :::::
#
# :::::{admonition} 3. What is wrong with sorting by first contact, missing dates last?
# :class: quiz
#
# ::::{dropdown} Rows of the future get into the training part
# :class-container: wrong
#
# They do not: everybody in train has an early first contact. The trouble is at the other end.
# ::::
# ::::{dropdown} A special group is put into test, whenever it came
# :class-container: right
#
# All inbound customers are in it, with more than half of all subscribers. Train has none of them.
# ::::
# ::::{dropdown} The order of equal dates is left to chance
# :class-container: wrong
#
# A stable sort keeps their order. That hardly matters here.
# ::::
# :::::
#
# :::::{admonition} 4. Which of these may be computed from all rows?
# :class: quiz
#
# ::::{dropdown} The list of valid stages, written down beforehand
# :class-container: right
#
# It does not depend on any row, so it is no statistic.
# ::::
# ::::{dropdown} The mean number of days between contacts, since it contains no outcome
# :class-container: wrong
#
# It leaks less than a rate does, but on the day of training nobody knows the contacts to come.
# ::::
# ::::{dropdown} The subscription rate of each country
# :class-container: wrong
#
# It contains the outcomes of the test part.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} How do you split data for a model that will act in the future?
# :class-container: interview in-the-bank
#
# By time, with a date that nearly every row has: train on the earliest rows, tune on the next, test on the last. I fit every statistic on train and count
# only outcomes known by its last day. Then I look at who is in each part: in {numref}`fig-data-splits`, one sort with missing dates last moved a special group into the
# test part. A random split would have hidden that the population changes.
# ::::
# ::::{dropdown} Tell me about a time when missing data mattered.
# :class-container: interview
#
# In a CRM export of {glue:text}`data-rows` prospects, {glue:text}`data-test-missing` had no first contact date. Those among them with any later event had come by themselves, and
# {glue:text}`data-inbound-rate` of them subscribed, against {glue:text}`data-outbound-rate` of the customers written to first. Dropping or imputing would have lost that.
# It was a trap as well: no recorded action had brought these people.
# ::::
# ::::{dropdown} What is target leakage? Give three forms of it.
# :class-container: interview
#
# Information about the outcome that is not there at prediction time. A feature that holds the outcome, like the note "subscribed already". A statistic fitted on the
# rows that it is tested on: fitted on all rows, our country rate ranked test customers with an AUC of {glue:text}`data-auc-all` instead of {glue:text}`data-auc-train`. And
# hindsight: {glue:text}`data-known` of {glue:text}`data-train-subscribers` training subscribers had subscribed when train ended.
# ::::
#
# ## Further reading
#
# - {cite:t}`kaufman2012` define leakage and how to avoid it; {cite:t}`kapoor2023` count what it has done to published science.
# - {cite:t}`broman2018` on how to keep data in spreadsheets so that chapters like this one are not needed.
