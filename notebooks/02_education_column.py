# %% [markdown]
# (ch-education)=
# # The education-column fix
#
# A column of names was read as a column of numbers. We measure what that does to a model, mend it, meet the mend's own fault,
# and leave you to find the column that still has the first one.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - why coding names as 1, 2, 3 makes a model believe in an order
#   - how to show it: rename everything and watch what changes
#   - how to encode by outcome, why that leaks, and how out-of-fold rates stop the leak
#   - how to tell a measured harm from a harm in principle
#
# You need
# : [Data processing](01_data_processing.ipynb).
#
# Time
# : 30 minutes to read, 30 seconds to run.
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
# ## Three bootcamps by hand
#
# The column Education holds B1 to B30. They are bootcamps, and the numbers are aliases that the owner of the data gave them, to
# hide their names. The published study first coded them 0 to 29 ({term}`label encoding`), and a model that multiplies a code by a
# weight then believes that B2 lies between B1 and B3. When the owner was asked, it came out that nothing of the kind is true
# {cite:p}`nair2026`.
#
# :::{admonition} By hand: one line, two labellings
# :class: by-hand
#
# Three bootcamps of equal size, of whose graduates 4%, 1% and 4% take a call. Coded 1, 2, 3, the points are (1, 4), (2, 1), (3, 4).
# The least-squares line has the slope
#
# $$
# \frac{\sum (x - 2)(y - 3)}{\sum (x - 2)^2} = \frac{(-1)(1) + (0)(-2) + (1)(1)}{1 + 0 + 1} = 0 ,
# $$
#
# and the model predicts 3% for everybody. Now the owner swaps two aliases: what was B2 is called B3. Nothing has changed in the
# world. The points are (1, 4), (2, 4), (3, 1), the slope is $\frac{(-1)(1) + (0)(1) + (1)(-2)}{2} = -1.5$, and the model predicts
# 4.5%, 3% and 1.5%. It was blind, and now it sees something; with a third labelling it would see something else.
#
# Replace each name by its *rate*, 4, 1, 4. Whatever the labels, the points are (4, 4), (1, 1), (4, 4), and the line goes through
# all of them.
# :::
#
# That is the whole chapter in small: **a prediction must not depend on what a thing is called**, and there is a test for it.
#
# ## Is there an order?
#
# We ask how many of each bootcamp's graduates took a first call. Subscriptions are too few for this chapter: we print how many
# are left among the customers with a known bootcamp, and go on with calls, so that a difference has a chance to show.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from myst_nb import glue
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import KFold
from sklearn.preprocessing import OneHotEncoder

from crm_rl import plots
from crm_rl.data import clean, data_path, load
from crm_rl.data.encoders import ConversionRate, out_of_fold_rates
from crm_rl.evaluation.intervals import wilson
from crm_rl.experiments.original_numbers import original_numbers

plots.use_style()
customers, _ = clean(load(data_path()))
known = customers[customers["education"].notna()]
bootcamp, took_call = known["education"], known["call"]
print(
    f"{len(known):,} customers with a known bootcamp: "
    f"{took_call.sum()} first calls, {known['subscribed'].sum()} subscriptions"
)

# %%
counts = took_call.groupby(bootcamp).agg(customers="size", calls="sum")
counts["alias"] = counts.index.str[1:].astype(int)
counts = counts.sort_values("alias", kind="stable")
ends = [wilson(row.calls, row.customers) for row in counts.itertuples()]
counts[["low %", "high %"]] = 100 * np.array(ends)
counts["rate %"] = 100 * counts["calls"] / counts["customers"]
counts.sort_values("customers", kind="stable").round(1).iloc[[0, 1, 2, -3, -2, -1]]

# %% mystnb={"figure": {"caption": "First-call rate of each bootcamp, in the order of the aliases, with 95% Wilson intervals.", "name": "fig-education-order"}, "image": {"alt": "Thirty rates with intervals, from B1 to B30: they go up and down, and the intervals of the small bootcamps reach over ten percentage points or more."}} tags=["hide-input"]
figure, axes = plt.subplots()
axes.vlines(
    counts["alias"], counts["low %"], counts["high %"], color=plots.BLUE, linewidth=2
)
axes.plot(counts["alias"], counts["rate %"], "o", color=plots.BLUE, markersize=5)
axes.set(
    xlabel="alias of the bootcamp (B1 to B30)",
    ylabel="took a first call (%)",
    ylim=(0, None),
)
plt.show()

# %% [markdown]
# The bootcamps do differ: some intervals lie apart. The smallest say next to nothing, as the length of their intervals shows. Is
# there a direction along the aliases ({numref}`fig-education-order`)? If so it is a faint one; we shall ask below how many *random*
# labellings show as much. Whatever the answer, the owner's word stands: the numbers were dealt out, they measure nothing.
#
# ## A model that believes in the order
#
# A logistic regression has one weight for the code. We let it predict who takes a call, always for customers it was not trained on:
# five folds, each predicted by a model of the other four ({term}`cross-validation`). Two scores: {term}`AUC`, the chance that a
# customer who took a call is ranked above one who did not (0.5 is guessing), and {term}`log loss`, which also asks whether the
# probabilities are right (lower is better).

# %%
folds = list(KFold(5, shuffle=True, random_state=0).split(known))
CODE = {f"B{alias}": alias for alias in range(1, 31)}


def predicted_by_code(
    code: dict[str, int], outcome: pd.Series = took_call, names: pd.Series = bootcamp
) -> np.ndarray:
    """Out-of-fold probabilities of a logistic regression on one number a name, shape (customers,)."""
    feature = names.map(code).to_numpy(dtype=float)[:, None] / len(code)
    probability = np.empty(len(names))
    for others, fold in folds:
        model = LogisticRegression(C=1e6).fit(feature[others], outcome.iloc[others])
        probability[fold] = model.predict_proba(feature[fold])[:, 1]
    return probability


as_given = predicted_by_code(CODE)
print(
    f"labels as given: AUC {roc_auc_score(took_call, as_given):.3f}, "
    f"log loss {log_loss(took_call, as_given):.4f}"
)

# %% [markdown]
# Now the test. The aliases are arbitrary, so we deal them anew, 200 times, and train again. A sound model would not notice.
#
# :::{admonition} Predict
# :class: predict
# How much will the AUC move: in the third decimal, in the second, in the first?
# :::

# %%
rng = np.random.default_rng(2)
names = list(CODE)
relabelled = [
    dict(zip(names, rng.permutation(range(1, 31)).tolist(), strict=True))
    for _ in range(200)
]
predictions = np.array([predicted_by_code(code) for code in relabelled])
auc = pd.Series([roc_auc_score(took_call, p) for p in predictions], name="AUC, out of fold")
auc.quantile([0.025, 0.5, 0.975]).round(3)


# %%
def encoded_predictions(names: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Out-of-fold probabilities by smoothed rate and by one-hot columns, shape (customers,)."""
    by_rate, by_one_hot = np.empty(len(names)), np.empty(len(names))
    for others, fold in folds:
        rates = ConversionRate().fit(names.iloc[others], took_call.iloc[others])
        by_rate[fold] = rates.transform(names.iloc[fold])
        columns = OneHotEncoder(handle_unknown="ignore").fit(names.to_frame().iloc[others])
        train, rest = (
            columns.transform(names.to_frame().iloc[rows]) for rows in (others, fold)
        )
        model = LogisticRegression(C=1.0, tol=1e-8, max_iter=1000).fit(
            train, took_call.iloc[others]
        )
        by_one_hot[fold] = model.predict_proba(rest)[:, 1]
    return by_rate, by_one_hot


by_rate, by_one_hot = encoded_predictions(bootcamp)
picks = np.random.default_rng(5).integers(len(known), size=(300, len(known)))
called = took_call.to_numpy()
scores = {"labels as given": as_given, "one-hot": by_one_hot, "smoothed rate": by_rate}
rows = {}
for name, probability in scores.items():
    drawn = [roc_auc_score(called[pick], probability[pick]) for pick in picks]
    low, high = np.quantile(drawn, [0.025, 0.975])
    rows[name] = {"AUC": roc_auc_score(called, probability), "low": low, "high": high}
print("AUC with 95% interval over customers")
pd.DataFrame(rows).T.round(3)

# %% mystnb={"figure": {"caption": "AUC of the same model on the same customers under 200 labellings of the bootcamps.", "name": "fig-education-relabel"}, "image": {"alt": "Histogram of the AUC over 200 relabellings: it spreads from below 0.5 to almost 0.6, and the labels as given stand inside it; the smoothed rate stands at or beyond its upper end."}} tags=["hide-input"]
plots.against_chance(
    auc,
    {
        "labels as given": roc_auc_score(took_call, as_given),
        "smoothed rate (no labels)": roc_auc_score(took_call, by_rate),
    },
)
plt.show()

# %%
assert auc.min() < roc_auc_score(took_call, as_given) < auc.max()
glue("education-auc-low", f"{auc.min():.2f}", display=False)
glue("education-auc-high", f"{auc.max():.2f}", display=False)

# %% [markdown]
# From {glue:text}`education-auc-low` to {glue:text}`education-auc-high`: the same customers, the same outcomes, the same method, and
# between "useless" and "somewhat useful" nothing but names ({numref}`fig-education-relabel`). (Scores somewhat below 0.5 are what
# out-of-fold predictions give when they find little: {numref}`fig-education-leak` shows the same for pure noise.) The labels as given are
# one draw among the others. What a published score on such a column measures is in part the luck of the labels.
#
# And the faint direction? A {term}`permutation test` {cite:p}`phipson2010` asks how many random labellings correlate with the outcome
# as strongly as the given one.


# %%
def strength(code: dict[str, int]) -> float:
    return abs(np.corrcoef(bootcamp.map(code), took_call)[0, 1])


as_strong = sum(strength(code) >= strength(CODE) for code in relabelled)
p_value = (as_strong + 1) / (len(relabelled) + 1)
glue("education-as-strong", str(as_strong), display=False)
glue("education-p", f"{p_value:.2f}", display=False)
print(
    f"correlation {strength(CODE):.3f}; as strong in {as_strong} of 200 labellings, p = {p_value:.2f}"
)

# %% [markdown]
# {glue:text}`education-as-strong` of 200 random labellings show as strong a direction (p = {glue:text}`education-p`). Bootcamps differ,
# so almost any way of lining them up shows some slope.
#
# For a single person it is stranger still. Here is what the 200 models say about one and the same graduate of the largest bootcamp.

# %%
largest = bootcamp.value_counts().idxmax()
person = int(np.flatnonzero(bootcamp == largest)[0])
told = pd.Series(
    100 * predictions[:, person],
    name=f"chance that a graduate of {largest} takes a call, %",
)
assert told.max() > 1.2 * told.min()
told.describe()[["min", "50%", "max"]].round(2)

# %% [markdown]
# ## Two models that do not
#
# {term}`One-hot encoding` gives each bootcamp a column of its own, and so a weight of its own: 30 columns, no order. {term}`Target
# encoding` replaces the name by the smoothed rate of its group in train, as in {ref}`the last chapter <ch-data>`: one column, no
# order. Deal the labels anew, and their predictions stay what they were:

# %%
renamed = bootcamp.map(dict(zip(names, rng.permutation(names), strict=True)))
rate_again, one_hot_again = encoded_predictions(renamed)
assert np.array_equal(rate_again, by_rate)
assert np.abs(one_hot_again - by_one_hot).max() < 1e-9
print("largest change of a prediction after renaming all bootcamps:")
print(f"smoothed rate {np.abs(rate_again - by_rate).max()}, one-hot below a billionth")

# %% [markdown]
# The smoothed rate's are the same to the last bit; one-hot's to the precision of the solver. But are they *better* models? Being free of a fault in principle is one thing,
# a gain that can be measured another. We compare the log losses on the same customers, and draw the customers anew 1,000 times
# ({term}`bootstrap`, {cite:t}`efron1993`) to see which differences would survive another sample. (The fitted models stay as they
# are; another training sample would widen the intervals further.)


# %%
def loss_of_each(probability: np.ndarray) -> np.ndarray:
    """Log loss a customer, shape (customers,)."""
    return -np.log(np.where(took_call, probability, 1 - probability))


constant = np.empty(len(known))
for others, fold in folds:
    constant[fold] = took_call.iloc[others].mean()
losses = {
    "labels as given": loss_of_each(as_given),
    "average over 200 labellings": np.mean([loss_of_each(p) for p in predictions], axis=0),
    "one-hot": loss_of_each(by_one_hot),
    "smoothed rate": loss_of_each(by_rate),
}
picks = rng.integers(len(known), size=(1000, len(known)))
rows = {}
for name, loss in losses.items():
    gain = 1000 * (loss_of_each(constant) - loss)
    low, high = np.quantile(gain[picks].mean(axis=1), [0.025, 0.975])
    rows[name] = {"gain": gain.mean(), "low": low, "high": high}
gains = pd.DataFrame(rows).T
print(
    "gain in log loss over predicting the overall rate, in thousandths, with 95% interval"
)
gains.round(2)

# %%
better = 1000 * (losses["average over 200 labellings"] - losses["smoothed rate"])
low, high = np.quantile(better[picks].mean(axis=1), [0.025, 0.975])
print(
    f"smoothed rate against the average labelling: {better.mean():.2f} thousandths, "
    f"95% interval {low:.2f} to {high:.2f}"
)
as_given_better = 1000 * (losses["labels as given"] - losses["smoothed rate"])
low_given, high_given = np.quantile(as_given_better[picks].mean(axis=1), [0.025, 0.975])
print(
    f"smoothed rate against the labels as given:   {as_given_better.mean():.2f} thousandths, "
    f"95% interval {low_given:.2f} to {high_given:.2f}"
)


# %%
def in_words(low: float, high: float) -> str:
    return (
        "lies above zero" if low > 0 else "lies below zero" if high < 0 else "includes zero"
    )


glue(
    "education-gain-average",
    f"{better.mean():.2f} ({low:.2f} to {high:.2f})",
    display=False,
)
glue(
    "education-gain-given",
    f"{as_given_better.mean():.2f} ({low_given:.2f} to {high_given:.2f})",
    display=False,
)
glue("education-against-average", in_words(low, high), display=False)
glue("education-against-given", in_words(low_given, high_given), display=False)
original = original_numbers()
compared = {
    "against the average labelling": "education-gain-average",
    "against the labels as given": "education-gain-given",
}
here = [f"{better.mean():.2f} ({low:.2f} to {high:.2f})"]
here += [f"{as_given_better.mean():.2f} ({low_given:.2f} to {high_given:.2f})"]
for name in ("against-average", "against-given"):
    glue(f"education-original-{name}", original[f"education-{name}"], display=False)
there = [original[key] for key in compared.values()]
pd.DataFrame({"this file": here, "the original, as recorded": there}, index=list(compared))

# %% [markdown]
# Read the intervals, and read both columns. On the twin, the interval of the smoothed rate's gain against the average labelling
# {glue:text}`education-against-average`, and against the labels as they happen to be given it {glue:text}`education-against-given`. On
# the original, as recorded, it {glue:text}`education-original-against-average` and {glue:text}`education-original-against-given`. So the
# harm can be measured on the original, and a reader who has only the twin would miss it: how many graduates of which bootcamp took
# a *call* is not among the counts from which the twin was drawn ([what the twin loses](a1_twin_fidelity.ipynb)). A synthetic file
# answers the questions that it was made for, and no others.
#
# All these gains are small: which bootcamp somebody went to says little about who takes a call, however one encodes it. And the
# case against label encoding does not hang on them: a model whose answers change with the names cannot be explained to anybody, and
# its score is one draw from {numref}`fig-education-relabel`.
#
# The study reports that its subscription rate rose from 1.30% to 1.80% with this fix, in 1,000 test episodes each time. Is that more
# than luck?

# %%
for subscribers in (13, 18):
    low, high = wilson(subscribers, 1000)
    print(f"{subscribers / 10:.2f}%: 95% interval {100 * low:.2f} to {100 * high:.2f}")
assert wilson(13, 1000)[1] > wilson(18, 1000)[0]

# %% [markdown]
# The intervals overlap over most of their length: two evaluations of one and the same policy could differ as much. The fix was right,
# and the rise does not show it.
#
# (sec-education-leak)=
# ## The mend has a leak of its own
#
# Target encoding puts outcomes into a feature. On the rows from which the rates were computed, each row's own outcome is in its
# own feature, and the smaller the group, the more of it. To see the leak with nothing else in the picture, we **shuffle the
# outcomes**: now there is nothing to learn from any name, and an honest encoder must score 0.5.
#
# :::{admonition} Predict
# :class: predict
# We encode by bootcamp (30 names) and by country and bootcamp together (several hundred names), each row with its own outcome
# counted in. Which will look better on outcomes that are pure noise?
# :::

# %%
pairs = known["country"].fillna("?") + " " + bootcamp
rng = np.random.default_rng(3)
scores = []
for _ in range(40):
    noise = pd.Series(rng.permutation(took_call), index=known.index)
    for group_name, groups in {"bootcamp": bootcamp, "country and bootcamp": pairs}.items():
        own_included = {
            "plain rate": ConversionRate(strength=0).fit(groups, noise).transform(groups),
            "smoothed rate": ConversionRate().fit(groups, noise).transform(groups),
            "out of fold": out_of_fold_rates(groups, noise, rng),
        }
        scores += [
            (group_name, how, roc_auc_score(noise, rate))
            for how, rate in own_included.items()
        ]
on_noise = pd.DataFrame(scores, columns=["grouped by", "encoding", "AUC"])
summary = (
    on_noise.groupby(["grouped by", "encoding"], sort=False)["AUC"]
    .quantile([0.025, 0.5, 0.975])
    .unstack()
)
print(
    f"names: {bootcamp.nunique()} bootcamps, "
    f"{pairs.nunique()} pairs of country and bootcamp; 40 shuffles"
)
summary.round(3)

# %%
median = on_noise.groupby(["grouped by", "encoding"])["AUC"].median()
assert (
    median["country and bootcamp", "plain rate"] > median["bootcamp", "plain rate"] > 0.55
)
assert abs(median["country and bootcamp", "out of fold"] - 0.5) < 0.05

# %% mystnb={"figure": {"caption": "AUC on shuffled outcomes: median and central 95% of 40 shuffles. Everything above 0.5 is the leak.", "name": "fig-education-leak"}, "image": {"alt": "Interval plot: with the own outcome counted in, the encoding by country and bootcamp scores far above 0.5 on pure noise, the one by bootcamp less far; out-of-fold rates are at 0.5 or just under it."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7, 2.8))
places = np.arange(len(summary))[::-1]
axes.hlines(places, summary[0.025], summary[0.975], color=plots.ORANGE, linewidth=2)
axes.plot(summary[0.5], places, "o", color=plots.ORANGE)
axes.axvline(0.5, color=plots.GREY, linewidth=1)
axes.set_yticks(places, [f"{how}, {groups}" for groups, how in summary.index])
axes.set_xlabel("AUC on outcomes that are pure noise")
axes.grid(axis="y", visible=False)
plt.show()

# %% [markdown]
# The finer the groups, the better noise can be "predicted" ({numref}`fig-education-leak`). {term}`Smoothing` tames the smallest
# groups and does not close the leak: a smoothed rate still rises when the row's own outcome is a yes, and over 30 fairly large
# groups it hardly changes who is ranked above whom. {term}`Out-of-fold` rates close it: each
# row is encoded by rows that do not include it. (Their medians come out at 0.5 or a touch under it; taking a yes out of the others
# lowers the rate that this row is given, as Exercise 3 works out by hand. The price is small, and on the safe side.) {cite:t}`pargent2022` compare such encodings on many
# data sets, and find smoothed out-of-fold rates hard to beat.
#
# For the parts that come *after* train none of this is needed: rates fitted on train know nothing of the rows of val and test.
#
# ## What it means for a learner of actions
#
# The published state had 16 numbers, Education_Encoded among them, and has 15 since the fix. In the chapters to come a
# {term}`Q-table` will round each feature to two decimals and look the result up. How many different values does the column then
# have?

# %%
from crm_rl.data.split import sound_split

parts = sound_split(customers)
known_then = parts.train["subscribed"] & (parts.train["subscribed_date"] <= parts.known_by)
subscription_rate = ConversionRate().fit(parts.train["education"], known_then)
of_known = subscription_rate.transform(known["education"])
distinct = {
    "label code / 29": (bootcamp.map(CODE) - 1).div(29).round(2).nunique(),
    "smoothed subscription rate": of_known.round(2).nunique(),
    "smoothed rate, four decimals": of_known.round(4).nunique(),
}
pd.Series(distinct, name="distinct values over 30 bootcamps")

# %% [markdown]
# The code told all the bootcamps apart, and meant nothing. The rate means something, but to two decimals a rate of under one
# per cent is 0.00 or 0.01, and the table can hardly see it. A representation can be right and still be too coarse for the learner
# that reads it. We note this down for the chapter on the Q-table.
#
# ## Exercises
#
# ::::{exercise} The column that still has the fault
# :label: ex-education-country
#
# One of the published 15 features still depends on what things are called. Write a test that finds it: rename all bootcamps
# consistently, fit `PublishedFeatures` on the renamed train part, and see whether any feature of any customer changes. Then do the
# same with the countries. Start from this cell:
# ::::

# %%
from crm_rl.data.split import published_split
from crm_rl.data.features import PublishedFeatures, SoundFeatures

parts = published_split(customers)
before = PublishedFeatures().fit(parts.train).transform(parts.val)
before.shape

# %% [markdown]
# :::{solution-start} ex-education-country
# :class: dropdown
# :::
#
# `Country`, the country's place in the alphabet. The fix of the education column was right, and stopped one column short. (`Stage`
# is a code of names as well, from 0 to 6. It passes the test, for its order was chosen by somebody who looked at what the notes mean,
# not by the alphabet. That makes it an opinion, which can be argued about; an alphabet cannot even be wrong.)


# %%
def changed_by_renaming(encoder, column: str, rng: np.random.Generator) -> list[str]:
    """Which features change when a column's names are dealt anew, alike in train and val?"""
    own = sorted(customers[column].dropna().unique())
    new_names = dict(zip(own, rng.permutation(own), strict=True))
    train, val = (
        part.assign(**{column: part[column].map(new_names)})
        for part in (parts.train, parts.val)
    )
    before = encoder().fit(parts.train).transform(parts.val)
    after = encoder().fit(train).transform(val)
    return [name for name in before if not np.allclose(before[name], after[name])]


found = {
    (encoder.__name__, column): changed_by_renaming(
        encoder, column, np.random.default_rng(0)
    )
    for encoder in (PublishedFeatures, SoundFeatures)
    for column in ("education", "country")
}
assert found == {
    ("PublishedFeatures", "education"): [],
    ("PublishedFeatures", "country"): ["Country"],
    ("SoundFeatures", "education"): [],
    ("SoundFeatures", "country"): [],
}
pd.Series(found, name="features that change").rename_axis(["encoder", "renamed column"])

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} How much does the fault in Country matter?
# :label: ex-education-harm
#
# Repeat the 200 relabellings for the country codes: how far does the AUC for a first call spread? Use 50 labellings to save time,
# and `predicted_by_code` with `names=`.
# ::::

# %%
country = known["country"].fillna("(missing)")
alphabetical = {name: place for place, name in enumerate(sorted(country.unique()))}

# %% [markdown]
# :::{solution-start} ex-education-harm
# :class: dropdown
# :::
#
# Most customers are from one country, so the labels decide mainly on which side of the others it stands, and how far off.

# %%
rng = np.random.default_rng(4)
country_auc = []
for _ in range(50):
    dealt = dict(
        zip(alphabetical, rng.permutation(len(alphabetical)).tolist(), strict=True)
    )
    country_auc.append(roc_auc_score(took_call, predicted_by_code(dealt, names=country)))
country_auc = pd.Series(country_auc)
given_country_auc = roc_auc_score(took_call, predicted_by_code(alphabetical, names=country))
assert country_auc.max() - country_auc.min() > 0.02
print(
    f"alphabetical: {given_country_auc:.3f}; "
    f"50 relabellings: {country_auc.min():.3f} to {country_auc.max():.3f}"
)

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} Leave one out
# :label: ex-education-loo
#
# Take groups of size n with s conversions, and encode each row by the rate of the *other* n - 1 rows of its group. In a group of 10
# with 3 conversions, which encoding do the converted rows get, and which do the others? What would a model learn from that?
# ::::

# %%
n, s = 10, 3

# %% [markdown]
# :::{solution-start} ex-education-loo
# :class: dropdown
# :::
#
# Converted rows get 2/9, the others 3/9: within every group, a *lower* code now means a certain conversion. Leave-one-out
# encoding leaks too, upside down, and a model that can cut a feature finely will find it. With few, large folds the same effect is
# there and small.

# %%
converted_get, others_get = (s - 1) / (n - 1), s / (n - 1)
assert converted_get < others_get
print(f"converted rows get {converted_get:.3f}, the others {others_get:.3f}")

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - Names are not numbers. A prediction that changes with the names is a fault, whatever the score.
# - Renaming is a test that anybody can run on any model. A score under one labelling is one draw among many.
# - Rates encode names without an order; fit them on train, smooth them, and on train itself use out-of-fold rates.
# - On shuffled outcomes an honest encoder scores 0.5. It is the cheapest test for a leak.
# - A fault in principle and a harm that can be measured are two findings. Report each for what it is.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. For which of these columns is coding by 1, 2, 3 sound in a linear model?
# :class: quiz
#
# ::::{dropdown} Country, in the order of the alphabet
# :class-container: wrong
#
# The alphabet says nothing about customers. France does not lie between Finland and Gabon in any sense that sells.
# ::::
# ::::{dropdown} Message sent: first, second, third
# :class-container: right
#
# These have an order. Equal steps are still an assumption, and one that can be looked at.
# ::::
# ::::{dropdown} Bootcamp, in the order of its conversion rate in train
# :class-container: wrong
#
# Nearly: such ranks do not depend on the names. But then the rate itself is the better number, and on train the ranks leak as
# the rates do.
# ::::
# :::::
#
# :::::{admonition} 2. Would a decision tree be safe with label codes?
# :class: quiz
#
# ::::{dropdown} Yes: trees need no order
# :class-container: wrong
#
# A split "code below 12" uses the order. With many splits the tree can undo it, at the price of data, and with few subscribers there
# is little to spend.
# ::::
# ::::{dropdown} No: what it can cut apart cheaply depends on which names stand next to each other
# :class-container: right
#
# It can single out any code if it goes deep enough, and pays for every cut. With other labels it would cut elsewhere.
# ::::
# ::::{dropdown} Yes, if the codes are scaled to [0, 1]
# :class-container: wrong
#
# Scaling keeps the order, and the order is the fault.
# ::::
# :::::
#
# :::::{admonition} 3. An encoder scores an AUC of 0.68 on its own training rows, with shuffled outcomes. What do you conclude?
# :class: quiz
#
# ::::{dropdown} The feature is useful
# :class-container: wrong
#
# The outcomes were shuffled: no feature can be useful.
# ::::
# ::::{dropdown} The encoding holds the rows' own outcomes
# :class-container: right
#
# Nothing else could lift it above 0.5 so far. Encode out of fold.
# ::::
# ::::{dropdown} The shuffle was unlucky
# :class-container: wrong
#
# Shuffle forty times and look at the spread, as in {numref}`fig-education-leak`. Luck does not lift all forty.
# ::::
# :::::
#
# :::::{admonition} 4. After the fix the AUC rises from 0.53 to 0.55, and the interval of the difference includes zero. What do you report?
# :class: quiz
#
# ::::{dropdown} "The fix improves the model"
# :class-container: wrong
#
# The data do not show that: a difference of this size arises by chance.
# ::::
# ::::{dropdown} "The fix does not matter"
# :class-container: wrong
#
# That does not follow either. An interval around zero allows an improvement, too. And predictions no longer change with names.
# ::::
# ::::{dropdown} "The fault is removed; a gain in score is not shown"
# :class-container: right
#
# Two findings, each with its evidence: the renaming test, and the interval.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} Why is label encoding of a nominal column wrong, and how would you show it?
# :class-container: interview
#
# The codes have an order and distances, the names have none, and any model that does arithmetic on them will use both. I would
# rename: deal the labels anew, train again, and look at the spread of the scores and of one person's prediction. In
# {numref}`fig-education-relabel` the same model runs from useless to somewhat useful, by its labels alone. Then I would encode by
# one-hot columns or by smoothed rates, for which renaming changes nothing.
# ::::
# ::::{dropdown} What is target encoding, and what can go wrong?
# :class-container: interview
#
# Each name is replaced by the outcome rate of its group. On the rows the rates come from, each row's own outcome is in its
# feature, so the model trusts the column too much, and most in small groups: {numref}`fig-education-leak` shows noise "predicted"
# well above chance. The remedies are rates computed out of fold for the training rows, smoothing for small groups, and the overall
# rate for names never seen.
# ::::
# ::::{dropdown} You fixed a bug and the metric went up. How do you know that the fix did it?
# :class-container: interview
#
# I would ask how far the metric moves when nothing is fixed: other seeds, other labellings, another sample of customers. If the
# rise is within that spread, I report the fix and not the rise. Here the score under the old encoding is itself one draw from a wide
# distribution ({numref}`fig-education-relabel`), and the study's own rise lies within the chance of a thousand episodes. And I would look for the same fault elsewhere: the study mended Education and left Country.
# ::::
# ::::{dropdown} One-hot or target encoding?
# :class-container: interview
#
# One-hot for few names, each with enough rows: it assumes least, and needs a weight a name. Target encoding for many names, or for
# learners whose input must stay small, like a table that is looked up: one number, at the price of the leak that one must guard
# against. Both pass the renaming test. I would compare them on held-out rows with an interval, as the gains in log loss are compared
# with those of {numref}`fig-education-relabel`'s model in this chapter.
# ::::
#
# ## Further reading
#
# - {cite:t}`miccibarreca2001`, the source of smoothed target encoding; {cite:t}`pargent2022`, a large comparison.
# - {cite:t}`efron1993` on the bootstrap.
# - {cite:t}`phipson2010` on permutation tests: how to count, and why a p-value is never zero.
# - {cite:t}`nair2026`, the study whose column this is.
