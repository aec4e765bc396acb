# %% [markdown]
# (ch-education)=
# # The education-column fix
#
# **Names are not numbers.** A model that multiplies a name's code by a weight believes in an order that somebody made up, and its predictions change
# when the names do. In this chapter you catch such a model with a test that works on any model: rename everything, and watch. Then you replace names by something
# that has an order, meet the leak that comes with it, and write the code that stops it.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - why coding names as 1, 2, 3 is wrong, and how to show it
#   - to encode names without an order: one-hot and target encoding
#   - why target encoding leaks, and how to encode out of fold
#   - to tell a fault from a harm that you can measure
#
# You need
# : [Data processing](01_data_processing.ipynb). Reinforcement learning begins in [chapter 3](03_funnel_mdp.ipynb), which needs neither.
#
# Time
# : 27 minutes to read, 30 seconds to run.
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
# The column Education holds B1 to B30. These are {term}`bootcamps <bootcamp>`, and the numbers are aliases that hide their names. The published study
# first coded them 0 to 29 ({term}`label encoding`). When its author asked the owner of the data, it turned out that the numbers have no order
# {cite:p}`nair2026`. What does a model make of them?

# %% mystnb={"figure": {"caption": "The same three bootcamps, with two aliases swapped. The least-squares line believes in the order of the codes.", "name": "fig-education-three"}, "image": {"alt": "Two panels with three dots, at 4, 1 and 4 percent, and a line. With the labels as given the line is flat at 3 percent. After the second and third alias are swapped the line falls from 4.5 to 1.5 percent."}} tags=["hide-input"]
import matplotlib.pyplot as plt

from crm_rl import plots

plots.use_style()
plots.two_labellings(
    {"Alpha": 4, "Beta": 1, "Gamma": 4},
    {
        "Aliases as given": {"Alpha": 1, "Beta": 2, "Gamma": 3},
        "Two aliases swapped": {"Alpha": 1, "Gamma": 2, "Beta": 3},
    },
)
plt.show()

# %% [markdown]
# :::{admonition} By hand: one line, two labellings
# :class: by-hand
#
# Three bootcamps of equal size; 4%, 1% and 4% of their graduates take a call. Coded 1, 2, 3, the least-squares line has the slope
#
# $$
# \frac{\sum (x - 2)(y - 3)}{\sum (x - 2)^2} = \frac{(-1)(1) + (0)(-2) + (1)(1)}{2} = 0 ,
# $$
#
# so the model predicts 3% for everybody. Now swap two aliases. Nothing has changed in the world, but the slope is
# $\frac{(-1)(1) + (0)(1) + (1)(-2)}{2} = -1.5$, and the model predicts 4.5%, 3% and 1.5% ({numref}`fig-education-three`).
#
# Replace each name by its *rate* instead. The points are (4, 4), (1, 1) and (4, 4), whatever the aliases, and the line goes through all of them.
# :::
#
# ## Rename thirty bootcamps
#
# Now the real column. We predict who takes a first call, because subscriptions are too few for this chapter. A {term}`logistic regression` gets the code as
# its only input. Every customer is predicted by a model that has not seen them ({term}`cross-validation` with five folds).

# %%
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold, cross_val_predict

from crm_rl.data import clean, data_path, load

customers, _ = clean(load(data_path()))
known = customers[customers["education"].notna()]
bootcamp, took_call = known["education"], known["call"]
folds = list(KFold(5, shuffle=True, random_state=0).split(known))


def predict(model, feature):
    """Return chances of a first call, each from a model of the other four folds."""
    chances = cross_val_predict(
        model, feature, took_call, cv=folds, method="predict_proba"
    )
    return chances[:, 1]


def by_code(code):
    """Predict from one number a bootcamp."""
    codes = bootcamp.map(code).to_numpy()[:, None] / 30
    return predict(LogisticRegression(C=1e6), codes)


as_given = {f"B{alias}": alias for alias in range(1, 31)}
print(f"{len(known):,} customers, {took_call.sum()} first calls")
score = roc_auc_score(took_call, by_code(as_given))
print(f"AUC with the aliases as given: {score:.3f}")

# %% [markdown]
# {term}`AUC` is the chance that the model ranks a customer who took a call above one who did not; guessing gives 0.5. Now for the test: the aliases are
# arbitrary, so we shuffle them 200 times and train again. A sound model would not notice.
#
# :::{admonition} Predict
# :class: predict
# How much will the AUC move: in the third decimal, in the second, or in the first?
# :::

# %%
rng = np.random.default_rng(2)
aliases = list(as_given)
shuffled = [
    dict(zip(rng.permutation(aliases), range(1, 31), strict=True)) for _ in range(200)
]
predictions = np.array([by_code(code) for code in shuffled])
scores = [roc_auc_score(took_call, each) for each in predictions]
auc = pd.Series(scores, name="AUC, out of fold")

# %% tags=["remove-cell"]
from myst_nb import glue
from sklearn.preprocessing import OneHotEncoder

from crm_rl.data.encoders import ConversionRate
from crm_rl.evaluation.power import difference
from crm_rl.experiments.original_numbers import original_numbers


def by_rate(names):
    """Predict the smoothed rate of the customer's bootcamp, counted in the other folds."""
    chances = np.empty(len(names))
    for others, fold in folds:
        rates = ConversionRate().fit(names.iloc[others], took_call.iloc[others])
        chances[fold] = rates.transform(names.iloc[fold])
    return chances


given_auc = roc_auc_score(took_call, by_code(as_given))
assert auc.min() < given_auc < auc.max() and auc.max() - auc.min() > 0.1
glue("education-auc-low", f"{auc.min():.2f}", display=False)
glue("education-auc-high", f"{auc.max():.2f}", display=False)
largest = bootcamp.value_counts().idxmax()
told = 100 * predictions[:, np.flatnonzero(bootcamp == largest)[0]]
assert told.max() > 1.2 * told.min()
glue("education-largest", largest, display=False)
glue("education-told-low", f"{told.min():.1f}%", display=False)
glue("education-told-high", f"{told.max():.1f}%", display=False)

# %% mystnb={"figure": {"caption": "AUC of the same model on the same customers under 200 labellings of the bootcamps. The next section explains the smoothed rate.", "name": "fig-education-relabel"}, "image": {"alt": "Histogram of the AUC over 200 relabellings: it spreads from below 0.5 to almost 0.6. The labels as given stand inside it; the smoothed rate, which needs no labels, stands at or beyond its upper end."}} tags=["hide-input"]
plots.against_chance(
    auc,
    {
        "aliases as given": given_auc,
        "smoothed rate (no aliases)": roc_auc_score(took_call, by_rate(bootcamp)),
    },
)
plt.show()

# %% [markdown]
# From {glue:text}`education-auc-low` to {glue:text}`education-auc-high`: the same customers, the same outcomes, the same method
# ({numref}`fig-education-relabel`). Between "useless" and "somewhat useful" there is nothing but names, and the aliases as given are one draw among others. For a
# single person it is stranger still: a graduate of {glue:text}`education-largest`, the largest bootcamp, is told anything from
# {glue:text}`education-told-low` to {glue:text}`education-told-high`.
#
# ## Two encodings without an order
#
# {term}`One-hot encoding <one-hot encoding>` gives each bootcamp a column of its own, and so a weight of its own. That makes 30 columns.
#
# {term}`Target encoding <target encoding>` replaces the name by the outcome rate of its group: one column, whose order means something. Small groups need care. Suppose that 0.4% of all
# customers subscribe, and in a bootcamp of four, one did. Nobody believes that the fifth has one chance in four. {term}`Smoothing <smoothing>` adds $m$ imaginary customers to
# every group, who convert like everybody else {cite:p}`miccibarreca2001`:
#
# $$
# \text{rate} = \frac{s + m\,p}{n + m}
# $$
#
# with $s$ subscribers among $n$ customers, and the overall rate $p$.
#
# :::{admonition} By hand: a smoothed rate
# :class: by-hand
#
# Let $p = 0.004$ and $m = 1/p = 250$, as many customers as give one expected subscriber.
#
# - One subscriber among 4: $(1 + 1) / (4 + 250) = 0.79\%$, twice the average.
# - None among 3: $1 / 253 = 0.395\%$, just below the average.
# - Twenty among 2,000: $21 / 2{,}250 = 0.93\%$, close to its own 1%.
# :::
#
# Both encodings must pass the renaming test. `by_rate` predicts the smoothed rate of the customer's bootcamp, counted in the other folds; `by_one_hot` is here:

# %%
from sklearn.pipeline import make_pipeline


def by_one_hot(names):
    """Predict from a column for each name."""
    columns = OneHotEncoder(handle_unknown="ignore")
    model = make_pipeline(columns, LogisticRegression(tol=1e-8, max_iter=1000))
    return predict(model, names.to_frame())


renamed = bootcamp.map(dict(zip(aliases, rng.permutation(aliases), strict=True)))
for encoding in (by_rate, by_one_hot):
    moved = np.abs(encoding(renamed) - encoding(bootcamp)).max()
    print(f"{encoding.__name__}: largest change below a billionth: {moved < 1e-9}")

# %% [markdown]
# The fault is gone. But are these *better* models? A fault is one finding, a harm that can be measured is another. We compare {term}`log losses <log loss>` (lower is better) on the
# same customers, with 95% intervals:

# %% tags=["hide-input"]
def loss(chances: np.ndarray) -> np.ndarray:
    """Log loss of each customer, in thousandths."""
    return -1000 * np.log(np.where(took_call, chances, 1 - chances))


picks = np.random.default_rng(3).integers(len(known), size=(1000, len(known)))
worse = {
    "average": np.mean([loss(p) for p in predictions], axis=0),
    "given": loss(by_code(as_given)),
}
original, found, rows = original_numbers(), {}, {}
for name, title in {"average": "the average labelling", "given": "the aliases as given"}.items():
    gain = worse[name] - loss(by_rate(bootcamp))
    found[name] = gain.mean(), *np.quantile(gain[picks].mean(axis=1), [0.025, 0.975])
    here = "{:.2f} ({:.2f} to {:.2f})".format(*found[name])
    rows[f"against {title}"] = [here, original[f"education-gain-{name}"]]
print("gain of the smoothed rate in log loss, in thousandths (95% interval)")
pd.DataFrame(rows, index=["this file", "the original, as recorded"]).T

# %% tags=["remove-cell"]
for name, (gain, low, high) in found.items():
    zero = "lies above zero" if low > 0 else "lies below zero" if high < 0 else "includes zero"
    glue(f"education-gain-{name}", f"{gain:.2f} ({low:.2f} to {high:.2f})", display=False)
    glue(f"education-against-{name}", zero, display=False)
    glue(f"education-original-{name}", original[f"education-against-{name}"], display=False)
_, low, high = difference((18, 1000), (13, 1000))
glue("education-claim", f"{100 * low:.1f} to {100 * high:.1f}".replace("-", "−"), display=False)
assert low < 0 < high

# %% [markdown]
# Against the average labelling, the interval of the gain {glue:text}`education-against-average` in this file, and {glue:text}`education-original-average` in the original. The
# twin cannot show this harm, because first calls by bootcamp are not among the counts that it was drawn from ([what the twin loses](a1_twin_fidelity.ipynb)). And even in the
# original it is small: which bootcamp somebody attended says little about who takes a call, however you encode it. The case against the codes does not rest
# on the score. A model whose answers depend on aliases cannot be explained to anybody.
#
# The study reports that its subscription rate rose from 1.30% to 1.80% with this fix, on 1,000 customers each. The difference has a
# 95% interval of {glue:text}`education-claim` points, so the rise proves nothing. **The fix was right all the same.**
#
# ## Target encoding leaks too
#
# A rate counts outcomes. If you encode a row by a rate that counts this very row, its own outcome is in its feature. In a bootcamp with one graduate the plain rate *is* the
# outcome: 0% or 100%. The remedy is to encode each row {term}`out of fold <out-of-fold>`: by rates that are counted in the other folds.
#
# ::::{exercise} ★★ Write out-of-fold target encoding
# :label: ex-education-fold
#
# The function runs, but it leaks. Repair the two marked places; use the smoothed rate from the box. `check` flips the outcome of one customer after the other, and looks whether
# their own value moves.
# ::::


# %% tags=["remove-cell"]
def check(out_of_fold) -> str:
    """Try a reader's encoder on six rows, and hint at what is wrong."""
    names = pd.Series(list("aabbbc"))
    converted = pd.Series([True, False, True, False, False, True])
    even, odd = np.array([0, 2, 4]), np.array([1, 3, 5])
    parts = [(odd, even), (even, odd)]
    codes = np.asarray(out_of_fold(names, converted, parts, m=2), dtype=float)
    for row in range(len(names)):
        flipped = converted.copy()
        flipped[row] = not flipped[row]
        again = np.asarray(out_of_fold(names, flipped, parts, m=2), dtype=float)
        if not np.isclose(again[row], codes[row], equal_nan=True):
            return f"Row {row}: flip this customer's outcome, and their own value moves. Count the others only."
    if np.isnan(codes).any():
        return f"Row {np.isnan(codes).argmax()} has no code: its name is new to the other folds. Give it p."
    right = np.empty(6)
    for others, fold in parts:
        right[fold] = ConversionRate(2).fit(names.iloc[others], converted.iloc[others]).transform(names.iloc[fold])
    if not np.allclose(codes, right):
        row = int((~np.isclose(codes, right)).argmax())
        return f"Row {row} gets {codes[row]:.3f}; (s + m p) / (n + m) is {right[row]:.3f}, counted in the other fold."
    return "Right: no row knows its own outcome."


# %%
def out_of_fold(names, converted, folds, m):
    """Encode each row by the smoothed rate of its name in the other folds."""
    codes = pd.Series(np.nan, index=names.index)
    for others, fold in folds:
        p = converted.iloc[others].mean()
        counts = converted.groupby(names).agg(["sum", "size"])  # your turn: count whom?
        rates = counts["sum"] / counts["size"]  # your turn: smooth them
        codes.iloc[fold] = names.iloc[fold].map(rates).fillna(p)
    return codes


print(check(out_of_fold))

# %% [markdown]
# :::{solution-start} ex-education-fold
# :class: dropdown
# :::
#
# Count in `others` only. `fillna` gives a name that is new there the overall rate.


# %%
def out_of_fold(names, converted, folds, m):
    """Encode each row by the smoothed rate of its name in the other folds."""
    codes = pd.Series(np.nan, index=names.index)
    for others, fold in folds:
        p = converted.iloc[others].mean()
        counts = converted.iloc[others].groupby(names.iloc[others]).agg(["sum", "size"])
        rates = (counts["sum"] + m * p) / (counts["size"] + m)
        codes.iloc[fold] = names.iloc[fold].map(rates).fillna(p)
    return codes


print(check(out_of_fold))

# %% [markdown]
# :::{solution-end}
# :::
#
# How bad is the leak? We **shuffle the outcomes**, so that there is nothing to learn from any name, and an honest encoding must score 0.5. We encode by
# bootcamp, and by country and bootcamp together, which makes several hundred small groups.
#
# :::{admonition} Predict
# :class: predict
# Which of the two will look better on pure noise?
# :::

# %% mystnb={"figure": {"caption": "AUC on shuffled outcomes: median and central 95% of 40 shuffles. Everything above 0.5 is leak.", "name": "fig-education-leak"}, "image": {"alt": "Intervals of the AUC on pure noise. With the own outcome counted, the plain rate by country and bootcamp scores far above 0.5 and smoothing does not help much; by bootcamp alone the leak is smaller. Out-of-fold rates are at 0.5 or just below."}} tags=["hide-input"]
pairs = known["country"].fillna("?") + " " + bootcamp
m, scores = 1 / took_call.mean(), []
for shuffle in range(40):
    noise = pd.Series(rng.permutation(took_call), index=known.index)
    parts = list(KFold(5, shuffle=True, random_state=shuffle).split(known))
    for group, names in {"bootcamp": bootcamp, "country and bootcamp": pairs}.items():
        codes = {
            "plain rate": ConversionRate(strength=0).fit(names, noise).transform(names),
            "smoothed rate": ConversionRate().fit(names, noise).transform(names),
            "out of fold": out_of_fold(names, noise, parts, m),
        }
        scores += [(f"{how},\n{group}", roc_auc_score(noise, code)) for how, code in codes.items()]
scores = pd.DataFrame(scores, columns=["encoding", "AUC"]).groupby("encoding", sort=False)["AUC"]
summary = scores.quantile([0.025, 0.5, 0.975]).unstack()
summary.columns = ["low", "median", "high"]
plots.on_noise(summary)
plt.show()

# %% tags=["remove-cell"]
median = summary["median"]
leaking = {group: median[f"plain rate,\n{group}"] for group in ("bootcamp", "country and bootcamp")}
assert leaking["country and bootcamp"] > leaking["bootcamp"] + 0.03 > 0.58
assert median["smoothed rate,\ncountry and bootcamp"] > 0.55
assert all(abs(median[f"out of fold,\n{group}"] - 0.5) < 0.05 for group in leaking)
glue("education-leak", f"{leaking['country and bootcamp']:.2f}", display=False)
glue("education-pairs", str(pairs.nunique()), display=False)

# %% [markdown]
# The finer the groups, the better you can "predict" noise: with {glue:text}`education-pairs` pairs the plain rate scores {glue:text}`education-leak`
# ({numref}`fig-education-leak`). Smoothing does not close the leak, since a smoothed rate still rises with the row's own yes. Encoding out of fold does.
#
# Rows that come *after* train need none of this: rates fitted on train know nothing of them.
#
# ## What it means for the chapters to come
#
# The study's {term}`Q-table` has a row for each situation, told apart by rounded features. With a rate for a name it sees little:

# %%
from crm_rl.data.split import sound_split

train = sound_split(customers).train
rate = ConversionRate().fit(train["education"], train["subscribed"])
encoded = rate.transform(pd.Series(aliases))
print("30 bootcamps, different values to two decimals:", encoded.round(2).nunique())

# %% tags=["remove-cell"]
assert encoded.round(2).nunique() <= 3

# %% [markdown]
# The rate has a meaning, but to two decimals nearly all bootcamps look alike. An encoding can be right and still be too coarse for the learner that reads it. A network
# can do better. In [chapter 6](06_dqn.ipynb) it *learns* an encoding: a short list of numbers for each country and bootcamp, called an **embedding**. It has no order either, since
# renaming only swaps rows of a table.
#
# ## Exercises
#
# ::::{exercise} ★ Leave one out
# :label: ex-education-loo
#
# Encode each row by the plain rate of the *other* rows of its group. In a group of 10 with 3 conversions, which code do the converted rows get, and which the others?
# What would a model learn from that? Use pencil and paper.
# ::::
#
# :::{solution-start} ex-education-loo
# :class: dropdown
# :::
#
# Converted rows get 2/9, the others 3/9. Within a group a *lower* code now means a certain conversion: leave-one-out encoding leaks too, upside down. With a few large
# folds the same effect is there, but small. That is why the out-of-fold medians in {numref}`fig-education-leak` are at or just below 0.5.
#
# :::{solution-end}
# :::
#
# ::::{exercise} ★★★ The column that still has the fault
# :label: ex-education-country
#
# One of the study's 15 features still depends on what things are called. Find it: rename the bootcamps consistently, fit `PublishedFeatures` on the renamed train part, and see
# which features of the validation part change. Then do the same with the countries. Does `SoundFeatures` pass?
# ::::

# %%
from crm_rl.data.features import PublishedFeatures, SoundFeatures
from crm_rl.data.split import published_split

parts = published_split(customers)
before = PublishedFeatures().fit(parts.train).transform(parts.val)

# %% [markdown]
# :::{solution-start} ex-education-country
# :class: dropdown
# :::
#
# It is `Country`, the country's place in the alphabet: the fix stopped one column short. `Stage` is a code of names as well, from 0 to 6 (our own stops at 3, before "subscribed already"), and passes.
# Its order was chosen by somebody who knew what the notes mean. You can argue with that order; an alphabet does not even make a claim.


# %%
def changed(encoder, column):
    """Return the features that change when a column's names are shuffled."""
    own = sorted(customers[column].dropna().unique())
    new = dict(zip(own, np.random.default_rng(0).permutation(own), strict=True))
    train, val = (
        part.assign(**{column: part[column].map(new)}) for part in (parts.train, parts.val)
    )
    before = encoder().fit(parts.train).transform(parts.val)
    after = encoder().fit(train).transform(val)
    return [name for name in before if not np.allclose(before[name], after[name])]


for encoder in (PublishedFeatures, SoundFeatures):
    for column in ("education", "country"):
        print(encoder.__name__, column, changed(encoder, column))

# %% tags=["remove-cell"]
assert changed(PublishedFeatures, "country") == ["Country"]
assert changed(PublishedFeatures, "education") == changed(SoundFeatures, "country") == []

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - A prediction must not depend on what a thing is called. Renaming tests that, for any model.
# - One-hot columns and rates encode names without an order.
# - Smooth the rates of small groups, fit them on train, and on train itself encode out of fold.
# - On shuffled outcomes an honest encoding scores 0.5. It is the cheapest test for a leak.
# - A fault and a harm that can be measured are two findings. Report each for what it is.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. For which of these columns is coding by 1, 2, 3 sound in a linear model?
# :class: quiz
#
# ::::{dropdown} Country, in the order of the alphabet, if it is fitted on train
# :class-container: wrong
#
# The alphabet says nothing about customers, wherever it was fitted.
# ::::
# ::::{dropdown} Bootcamp, in the order of its rate on all rows
# :class-container: wrong
#
# Such ranks survive renaming, but they know the outcomes of the test part. And then the rate itself is the better number.
# ::::
# ::::{dropdown} Message sent: first, second, third
# :class-container: right
#
# These have an order. Equal steps are still an assumption, which you can check.
# ::::
# :::::
#
# :::::{admonition} 2. Would a decision tree be safe with label codes?
# :class: quiz
#
# ::::{dropdown} No: which names it can split off cheaply depends on who stands next to whom
# :class-container: right
#
# "Code below 12" uses the order. A deep tree can undo it, but each split costs data.
# ::::
# ::::{dropdown} Yes, since trees need no order
# :class-container: wrong
#
# They need no *distances*. A split by a threshold uses the order.
# ::::
# ::::{dropdown} Yes, if the codes are scaled to the range from 0 to 1
# :class-container: wrong
#
# Scaling keeps the order, and the order is the fault.
# ::::
# :::::
#
# :::::{admonition} 3. An encoding scores an AUC of 0.68 on its own training rows, with shuffled outcomes. What do you conclude?
# :class: quiz
#
# ::::{dropdown} The shuffle was unlucky
# :class-container: wrong
#
# Shuffle forty times, as in {numref}`fig-education-leak`. Luck does not lift all forty.
# ::::
# ::::{dropdown} The rows' own outcomes are in it
# :class-container: right
#
# Nothing else could lift it so far above 0.5. Encode out of fold.
# ::::
# ::::{dropdown} The column is useful, at least for ranking customers
# :class-container: wrong
#
# The outcomes were shuffled: no column can be useful.
# ::::
# :::::
#
# :::::{admonition} 4. After the fix the AUC rises from 0.53 to 0.55, and the interval of the difference includes zero. What do you report?
# :class: quiz
#
# ::::{dropdown} "The fix improves the model"
# :class-container: wrong
#
# The data do not show that. A difference of this size arises by chance.
# ::::
# ::::{dropdown} "The fix does not matter"
# :class-container: wrong
#
# That does not follow: the interval allows an improvement, and predictions no longer change with names.
# ::::
# ::::{dropdown} "The fault is gone; a gain is not shown"
# :class-container: right
#
# Two findings, each with its own evidence: the renaming test and the interval.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} Why is label encoding of a nominal column wrong, and how would you show it?
# :class-container: interview in-the-bank
#
# The codes have an order and distances, the names have none, and a model that does arithmetic on them uses both. I would shuffle the labels, train again, and look at the spread
# of the scores and of one person's prediction. In {numref}`fig-education-relabel` the AUC runs from {glue:text}`education-auc-low` to {glue:text}`education-auc-high` by the labels
# alone. One-hot columns and smoothed rates do not change.
# ::::
# ::::{dropdown} One-hot, target encoding or an embedding?
# :class-container: interview
#
# One-hot for few names with enough rows each: it assumes least, and needs a weight for every name. Target encoding for many names, or where the input must stay small: one number, and a leak to guard against.
# An embedding where a network is trained anyway and names matter in more than one way. All three ignore what things are called. I would compare them on held-out
# rows, with an interval.
# ::::
# ::::{dropdown} What can go wrong with target encoding?
# :class-container: interview in-the-bank
#
# On the rows that the rates come from, each row's own outcome is in its feature, so the model trusts the column too much, most of all in small groups:
# {numref}`fig-education-leak` "predicts" pure noise. I use out-of-fold rates for training rows, smoothing for small groups, and the overall rate for new names.
# ::::
# ::::{dropdown} You fixed a bug and the metric went up. How do you know that the fix did it?
# :class-container: interview
#
# I ask how far the metric moves when nothing is fixed: other seeds, other labels, another sample. The study's rise from 1.30% to 1.80% lies within the chance of a thousand episodes. So I report
# the fix, not the rise, and look for the same fault elsewhere: the study fixed Education and left Country.
# ::::
#
# ## Further reading
#
# - {cite:t}`miccibarreca2001` introduced smoothed target encoding; {cite:t}`pargent2022` compare encodings on many data sets.
# - {cite:t}`nair2026`, the study whose column this is.
