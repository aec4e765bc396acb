# %% [markdown]
# (ch-email)=
# # Email audiences
#
# A published system trains a Q-table to find the customers who answer an email {cite:p}`hemdev2024`. It learns where to look in a table of counts that it already has.
# **When the answer stands in a table, sort the table**; reinforcement learning is for decisions whose consequences you do not know. The sort has one trap: the rates on top are
# the luckiest ones. At work you meet this trap in every ranking of small groups: shops, keywords, sales people.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to rank many rates by empirical Bayes, and to check the ranking on held-out data
#   - to recognise an MDP that needs no learning, and to solve it exactly
#   - what a wrong update does to a Q-table
#
# You need
# : [The funnel as an MDP](03_funnel_mdp.ipynb) and [Q-learning](04_q_learning.ipynb).
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
# ## Three ways to sort
#
# A firm has sent {glue:text}`email-sent` million emails, and {glue:text}`email-base` of them were answered. (What counts as an answer, the publication does not say; it is far above usual reply rates.) An audience is a **cell**: a subject (3), weekday (7), years as a customer (7 bands), email domain (6), age (5 bands), gender (2), and business or consumer (2). That makes 17,640 cells, of which {glue:text}`email-cells-sent` have emails. Which 100 answer most? We put every email into one of two halves at random, pick
# 100 audiences by the first half, and see what they do in the second.

# %% mystnb={"figure": {"caption": "Three lists of 100 audiences, picked by one half of the emails (promised: their mean rate there) and judged on the other half (delivered: their emails together, with a 95% interval).", "name": "fig-email-curse"}, "image": {"alt": "Three rows. The highest raw rates promise 100 percent and deliver about a third, with a wide interval. With at least ten emails they promise about 62 and deliver about 35. The highest shrunken rates promise 40 and deliver 39, with a tiny interval. All emails together are at 34 percent."}} tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from crm_rl import plots
from crm_rl.case_studies.email.audiences import fit_prior, shrunken
from crm_rl.case_studies.email.table import base_rate, load_counts, split
from crm_rl.evaluation.intervals import wilson

plots.use_style()
counts = load_counts()  # of each of 17,640 cells: emails sent, emails answered
first, second = split(counts, 2, np.random.default_rng(1))
raw = np.nan_to_num(first.rates(), nan=-1.0)
kept = shrunken(first, fit_prior(first))
scores = {
    "raw rate": raw,
    "raw rate,\n10 or more emails": np.where(first.sent >= 10, raw, -1.0),
    "shrunken rate": kept,
}
lists, best = {}, {}
for name, score in scores.items():
    best[name] = np.argsort(-score, kind="stable")[:100]
    sent, answered = second.sent[best[name]].sum(), second.answered[best[name]].sum()
    lists[name] = (score[best[name]].mean(), answered / sent, *wilson(answered, sent), sent)
lists = pd.DataFrame(lists, index=["promised", "delivered", "low", "high", "sent"]).T
plots.promised_and_delivered(lists, base_rate(counts))
plt.show()

# %% tags=["remove-cell"]
from myst_nb import glue

from crm_rl.case_studies.email.twin import expected

glue("email-sent", f"{counts.sent.sum() / 1e6:.2f}", display=False)
glue("email-base", f"{base_rate(counts):.1%}", display=False)
glue("email-cells-sent", f"{(counts.sent > 0).sum():,}", display=False)
true_rate = expected()[1]
glue("email-perfect", f"{(raw == 1).sum()}", display=False)
for key, name in zip(("raw", "ten", "shrunken"), scores, strict=True):
    row, cells = lists.loc[name], best[name]
    glue(f"email-promised-{key}", f"{row['promised']:.0%}", display=False)
    text = f"{row['delivered']:.1%} ({row['low']:.1%} to {row['high']:.1%})"
    glue(f"email-delivered-{key}", text, display=False)
    glue(f"email-second-{key}", f"{row['sent']:,.0f}", display=False)
    true = (true_rate * second.sent)[cells].sum() / second.sent[cells].sum()
    glue(f"email-true-{key}", f"{true:.1%}", display=False)
    assert row["low"] < true < row["high"]
assert lists["promised"].iloc[0] == 1 and lists["high"].iloc[1] < lists["promised"].iloc[1]
assert abs(lists["promised"].iloc[2] - lists["delivered"].iloc[2]) < 0.02
assert lists["sent"].iloc[2] > 8 * lists["sent"].iloc[1]

# %% [markdown]
# {glue:text}`email-perfect` raw rates are {glue:text}`email-promised-raw`; the first 100 in table order fall to {glue:text}`email-delivered-raw`. The {term}`winner's curse` is at work: a rate is on top because it is high, or because it was lucky. Asking for ten emails does not
# cure it ({glue:text}`email-promised-ten` promised, {glue:text}`email-delivered-ten` delivered). The third list, sorted by a *shrunken* rate, promises {glue:text}`email-promised-shrunken` and delivers
# {glue:text}`email-delivered-shrunken`, on {glue:text}`email-second-shrunken` emails against {glue:text}`email-second-ten` behind the second list.
#
# Our data are a synthetic {term}`twin` of the published table, drawn so that most totals by attribute and by pairs agree with it up to chance. So we know the true rates of the emails behind the three lists:
# {glue:text}`email-true-raw`, {glue:text}`email-true-ten` and {glue:text}`email-true-shrunken`. The first two lists were unlucky: they delivered less than their true rates.
#
# ## Which rate to sort by
#
# :::{admonition} By hand: luck in small cells
# :class: by-hand
#
# Suppose that every customer answers with probability 0.34. A cell with two emails shows 100% with probability $0.34^2 = 0.116$. Among 1,000 such cells we expect 116 with a perfect rate. A cell with 200
# emails and a true rate of 0.40 shows about 80 answers, and stands below all of them.
# :::
#
# {term}`Empirical Bayes <empirical Bayes>` uses what all cells together say about a single one {cite:p}`efron1975`. Suppose that true rates are scattered like a **beta distribution** with two parameters, $a$ and $b$. Its
# mean is $a / (a + b)$. Once $k$ of a cell's $n$ emails were answered, its rate follows a beta distribution again, with $a + k$ and $b + n - k$. So the expected rate is
#
# $$
# \hat p = \frac{a + k}{a + b + n} .
# $$ (email-shrunken)
#
# It is as if each cell came with $a + b$ extra emails, answered at the usual rate. `fit_prior` finds the $a$ and $b$ under which the counts of all cells are most likely (it maximises the beta-binomial likelihood):

# %%
prior = fit_prior(counts)
print(f"a = {prior.a:.1f}, b = {prior.b:.1f}")
print(f"usual rate {prior.mean():.3f}, standard deviation {prior.spread():.3f}")

# %% tags=["remove-cell"]
one = (prior.a + 1) / (prior.a + prior.b + 1)
glue("email-one-of-one", f"{one:.3f}", display=False)
glue("email-extra", f"{prior.a + prior.b:.0f}", display=False)
glue("email-usual", f"{prior.mean():.3f}", display=False)
glue("email-largest", f"{counts.sent.max():,}", display=False)

# %% [markdown]
# A cell with one email, answered, has a raw rate of 1. Its shrunken rate is {glue:text}`email-one-of-one`, hardly more than the usual {glue:text}`email-usual`: one email says little next to about {glue:text}`email-extra`. (The usual rate is a mean over cells; the {glue:text}`email-base` above is one over emails.) The largest cell ({glue:text}`email-largest` emails) nearly keeps its rate.
#
# ::::{exercise} ★★ Write the ranking
# :label: ex-email-rank
#
# Return the expected rate of each cell by {eq}`email-shrunken`, and the probability that its true rate exceeds the goal. `beta.sf(x, a, b)` of SciPy is the probability that a beta variable exceeds `x`.
# The starting code runs, and believes every raw rate. `check` gives you a hint.
# ::::


# %% tags=["remove-cell"]
def check(judge) -> str:
    """Try a reader's ranking on three cells worked by hand, and hint at what is wrong."""
    sent, answered = np.array([0, 1, 200]), np.array([0, 1, 90])
    rate, chance = judge(sent, answered, 34.0, 66.0, 0.4)
    rate, chance = np.asarray(rate, dtype=float), np.asarray(chance, dtype=float)
    if not np.isclose(rate[0], 0.34):
        return f"A cell without emails should have the usual rate, 0.34. Yours has {rate[0]:.2f}."
    if not np.isclose(rate[1], 35 / 101):
        return f"One answer of one: 35 / 101 is right, about 0.347. Yours is {rate[1]:.3f}."
    if not np.isclose(rate[2], 124 / 300):
        return f"90 of 200: 124 / 300 is right, about 0.413. Yours is {rate[2]:.3f}."
    if np.isclose(chance[2], 0.3215, atol=0.002):
        return "The rates are right. Is the chance that of lying below the goal?"
    if not np.isclose(chance[2], 0.6785, atol=0.002):
        return (
            f"The rates are right. For 90 of 200 the chance is about 0.68, yours is {chance[2]:.2f}. "
            "The second parameter counts emails without an answer."
        )
    return "Right: rates and chances."


# %%
from scipy.stats import beta


def judge(sent, answered, a, b, goal):
    """Return each cell's expected rate, and the chance that it exceeds the goal."""
    rate = answered / np.maximum(sent, 1)  # your turn
    chance = (rate > goal).astype(float)  # your turn
    return rate, chance


print(check(judge))

# %% [markdown]
# :::{solution-start} ex-email-rank
# :class: dropdown
# :::


# %%
def judge(sent, answered, a, b, goal):
    """Return each cell's expected rate, and the chance that it exceeds the goal."""
    rate = (a + answered) / (a + b + sent)
    chance = beta.sf(goal, a + answered, b + sent - answered)
    return rate, chance


print(check(judge))

# %% [markdown]
# :::{solution-end}
# :::
#
# To get the most answers from a given number of emails, sort by the shrunken rate. The chance is for a yes-or-no limit. Here a manager asks which audiences of the second subject exceed 40%:

# %%
from crm_rl.case_studies.email.audiences import rank
from crm_rl.case_studies.email.cells import profile

for cell, row in rank(counts, goal=0.40, subject=2).head(4).iterrows():
    print(f"{row['rate']:.1%} ({row['low']:.1%} to {row['high']:.1%}),", end=" ")
    print(f"chance {row['chance']:.2f}; {row['sent']:,.0f} emails")
    who = profile(cell)
    print(f"   {who['Day of Week']}, {who['Email Domain']},", end=" ")
    print(f"tenure {who['Tenure Group']}, age {who['Age Group']},", end=" ")
    print(f"{who['Gender']}, {who['Customer Type']}")

# %% tags=["remove-cell"]
from crm_rl.case_studies.email.audiences import chance_above

rate, chance = judge(counts.sent, counts.answered, *prior, 0.4)
assert np.allclose(rate, shrunken(counts, prior))
assert np.allclose(chance, chance_above(0.4, counts, prior))
top = rank(counts, 0.4, 2)
glue("email-probable", f"{(top['chance'] > 0.5).sum()}", display=False)
glue("email-of-subject", f"{len(top):,}", display=False)

# %% [markdown]
# If the prior fits, the interval holds the true rate nine times in ten. Only {glue:text}`email-probable` of {glue:text}`email-of-subject` audiences have a better than even chance of exceeding 40%. On the command line, `python -m crm_rl email audiences --subject 2 --goal 0.4` prints
# the same list.
#
# What the list does not say:
#
# - **That Friday is better.** In the twin the day changes no rate: Friday is luck. Fix subject and day, and rank the customers' cells.
# - **What an email adds.** It finds who answers. If the goal is sales, rank by what the email adds ([chapter 12](12_budgets.ipynb)), and count unsubscribes and complaints.
#
# :::{admonition} Before any ranking
# :name: before-ranking
#
# - **Consent**, for each channel.
# - **Suppression list**: who unsubscribed or complained stays out, whatever the score.
# - **Frequency cap**, over all campaigns together.
# - May you use **gender and age**? Ask before you rank by them.
# :::
#
# ## Is a chance of 80% really 80%?
#
# We fit the prior to the first half of the emails and predict for each cell: how likely is it that the second half's rate will exceed 0.35? Then we look. This {term}`calibration` check needs no known truth.

# %% mystnb={"figure": {"caption": "Chance predicted from the first half of the emails that a cell's rate in the second half exceeds 0.35, and how often it did. Cells with at least 20 emails in the second half, in ten bins; bars are 95% intervals.", "name": "fig-email-calibration"}, "image": {"alt": "Ten dots close to the diagonal from the lower left to the upper right corner: predicted chances agree with what happened."}} tags=["hide-input"]
from crm_rl.case_studies.email.audiences import chance_of_at_most
from crm_rl.case_studies.email.cells import Counts

enough = second.sent >= 20
seen, new = (Counts(*(part[enough] for part in half)) for half in (first, second))
half_prior = fit_prior(first)
most = np.floor(0.35 * new.sent).astype(int)
predicted = 1 - chance_of_at_most(most, new.sent, seen, half_prior)
happened = new.answered > most
tenth = np.minimum((10 * predicted).astype(int), 9)
rows = [(predicted[tenth == i].mean(), happened[tenth == i]) for i in range(10)]
bins = pd.DataFrame([
    (mean, did.mean(), *wilson(did.sum(), len(did)), len(did)) for mean, did in rows
], columns=["predicted", "happened", "low", "high", "cells"])  # fmt: skip
plots.calibration(bins, "rate above 0.35")
plt.show()

# %% tags=["remove-cell"]
at_most = chance_of_at_most(new.answered, new.sent, seen, half_prior)
below = chance_of_at_most(new.answered - 1, new.sent, seen, half_prior)
covered = float(((at_most > 0.05) & (below < 0.95)).mean())
glue("email-covered", f"{covered:.1%}", display=False)
off = (bins["predicted"] - bins["happened"]).abs()
glue("email-off", f"{100 * off.max():.1f}", display=False)
glue("email-held-cells", f"{len(new.sent):,}", display=False)
assert covered > 0.9 and off.max() < 0.1
small = (counts.sent > 0) & (counts.sent < 40)
chances = chance_above(0.3, counts, prior)
glue("email-small-said", f"{chances[small].mean():.0%}", display=False)
glue("email-small-true", f"{(true_rate > 0.3)[small].mean():.0%}", display=False)
assert chances[small].mean() > (true_rate > 0.3)[small].mean() + 0.1
assert abs(chances[counts.sent >= 40].mean() - (true_rate > 0.3)[counts.sent >= 40].mean()) < 0.02

# %% [markdown]
# Of the cells with at least 20 emails in the second half, no bin is off by more than {glue:text}`email-off` percentage points ({numref}`fig-email-calibration`), and 90% intervals for the number of answers hold {glue:text}`email-covered` of the {glue:text}`email-held-cells` counts. This check cannot see smaller cells, where the prior decides and fits badly: with
# fewer than 40 emails, {glue:text}`email-small-said` should exceed 0.30, and in the twin's truth {glue:text}`email-small-true` do. So rank cells with 40 or more.
#
# At work, split by time, and by customer. Halves drawn at random hold the same customers, weeks and campaigns, so they show neither drift nor that a customer's emails are alike (in the twin, each email is independent). Expect a wider scatter than the beta-binomial says.
#
# ::::{exercise} ★★★ Priors of one's own
# :label: ex-email-priors
#
# Women and business customers answer more, and some subjects get more answers. Fit a prior to each of the 12 combinations of subject, gender and type, so that a cell is shrunk towards *its* combination. Does the list of 100 get better in the second half? And if
# you add age, for 60 combinations?
# ::::

# %%
from crm_rl.case_studies.email.cells import GENDER, SUBJECT, TYPE, decode

states = decode(np.arange(17_640))  # shape (17640, 7)
twelve = states[:, [SUBJECT, GENDER, TYPE]]
here = (twelve == twelve[-1]).all(axis=1)  # one combination; your turn: all twelve
part = Counts(first.sent * here, first.answered * here)  # its emails only
own = np.where(here, shrunken(part, fit_prior(part)), kept)
picked = np.argsort(-np.where(first.sent > 0, own, 0), kind="stable")[:100]
print(f"delivered: {second.answered[picked].sum() / second.sent[picked].sum():.1%}")

# %% [markdown]
# :::{solution-start} ex-email-priors
# :class: dropdown
# :::

# %%
from crm_rl.case_studies.email.cells import AGE

for columns in ([SUBJECT, GENDER, TYPE], [SUBJECT, GENDER, TYPE, AGE]):
    _, groups = np.unique(states[:, columns], axis=0, return_inverse=True)
    own = np.zeros(17_640)
    for group in range(groups.max() + 1):
        here = groups == group
        part = Counts(first.sent * here, first.answered * here)
        own[here] = shrunken(part, fit_prior(part))[here]
    picked = np.argsort(-np.where(first.sent > 0, own, 0), kind="stable")[:100]
    n, k = second.sent[picked].sum(), second.answered[picked].sum()
    low, high = wilson(k, n)
    print(f"{groups.max() + 1} priors: promised {own[picked].mean():.0%},", end=" ")
    print(f"delivered {k / n:.0%} ({low:.0%} to {high:.0%})")
    if len(columns) == 3:
        twelve_low = low

# %% [markdown]
# Twelve priors deliver more than one. With 60, some groups have too few emails to say how their rates scatter. Their priors come out nearly flat, the list goes back to tiny cells, and its promises are not kept.
#
# :::{solution-end}
# :::

# %% tags=["remove-cell"]
assert twelve_low > lists.loc["shrunken rate", "high"]
assert n < 1_000 and own[picked].mean() > high

# %% [markdown]
# ## The published walk
#
# The published system does not sort. Its agent walks from cell to cell:
#
# - **State**: a cell. **Action**: move one of the seven attributes to its next value; after the last comes the first.
# - **Reward**: 30 on entering a cell that meets the *goal* (a rate above 0.30 with at least 10 emails), and the episode ends. Otherwise 10 if the cell has an
#   answer, −1 if it has none; $\gamma = 0.6$.
#
# Moves are certain and their pay stands in the table, so {term}`value iteration <value iteration>`, the Bellman equation applied until nothing changes, gives the exact values:

# %%
from crm_rl.case_studies.email.campaign import meets_goal, rewards
from crm_rl.case_studies.email.cells import neighbours

following = neighbours()  # where each action leads: shape (17640, 7)
ends, paid = meets_goal(counts), rewards(counts)
exact = np.zeros(following.shape)
for _ in range(60):
    values = np.where(ends, 0.0, exact.max(axis=1))
    exact = (paid + 0.6 * values)[following]  # of the cell that each action leads to
print(f"mean value of the optimum: {exact.max(axis=1).mean():.1f}")

# %% tags=["remove-cell"]
from crm_rl.case_studies.email.campaign import PUBLISHED, exact_q, policy_values
from crm_rl.evaluation.intervals import in_digits, over_seeds
from crm_rl.experiments.email_study import load_email

assert np.allclose(exact, exact_q(counts), atol=1e-6)
halved = exact_q(counts, PUBLISHED._replace(gamma=0.3)).argmax(axis=1)  # half the reward decides alike
assert np.isclose(policy_values(halved, counts).mean(), exact.max(axis=1).mean())
one_move = ends[following].any(axis=1)
glue("email-meet-share", f"{ends.sum() / (counts.sent >= 10).sum():.0%}", display=False)
glue("email-reach", f"{(ends | one_move).mean():.0%}", display=False)
tables, _, _, source = load_email("twin")
facts = source["facts"]
assert np.isclose(exact.max(axis=1).mean(), facts["optimum"], atol=1e-4)
by_seed = tables.pivot(index="seed", columns="update", values="value")
gap = over_seeds((by_seed["published"] - by_seed["right"]).to_numpy(), statistic="mean")
glue("email-gap", in_digits(*gap, decimals=3), display=False)
assert gap["low"] < 0 < gap["high"] < 0.2
glue("email-seeds", str(len(by_seed)), display=False)
glue("email-optimum", f"{facts['optimum']:.1f}", display=False)
glue("email-weekday-policy", f"{facts['weekday_always']:.1f}", display=False)
glue("email-value-right", f"{by_seed['right'].mean():.1f}", display=False)
updated = tables.loc[tables["update"] == "right", "updated"].mean()
glue("email-updated", f"{updated:.0%}", display=False)
assert facts["weekday_always"] > 2 / 3 * facts["optimum"] and one_move.mean() > 0.8

# %% [markdown]
# The goal is below the {term}`base rate`: 30% against {glue:text}`email-base`. So {glue:text}`email-meet-share` of the cells with ten emails meet it, and {glue:text}`email-reach` of all cells meet it or are one move away.
#
# ::::{exercise} ★ When is it best never to arrive?
# :label: ex-email-gamma
#
# For which $\gamma$ does walking on for ever, at 10 a move, pay more than entering the goal at once?
# ::::
#
# :::{solution-start} ex-email-gamma
# :class: dropdown
# :::
#
# Walking pays $10 / (1 - \gamma)$, the goal 30. Walking wins if $1 - \gamma < 1/3$, so for $\gamma > 2/3$. The published 0.6 is just below.
#
# :::{solution-end}
# :::
#
# The published update subtracts the old value twice. With the target $y = r + \gamma \max Q'$:
#
# $$
# Q \leftarrow (1 - \alpha) \, Q + \alpha \, (y - Q) = (1 - 2\alpha) \, Q + 2\alpha \cdot \tfrac{y}{2} .
# $$ (email-twice)
#
# That is correct Q-learning with twice the learning rate, **half the reward and half the discount**. Halving all rewards changes no decision; halving the discount can, but here the best policy of the halved problem is optimal, too. We trained {glue:text}`email-seeds` tables with each update, for the published 20,000 episodes, and computed exactly what their
# greedy policies are worth. With the correct update they get {glue:text}`email-value-right` of a possible {glue:text}`email-optimum`, although only {glue:text}`email-updated` of the entries were ever updated; an empty table, which always moves the weekday, gets {glue:text}`email-weekday-policy`. With the wrong update their policies
# are worth {glue:text}`email-gap` more. A task this easy does not show the bug.
#
# ## What was published, and what it does
#
# The original table has {glue:text}`email-o-sent` emails, {glue:text}`email-o-base` answered, in {glue:text}`email-o-cells` cells. There, too, only the shrunken list keeps its promise: over ten splits it promises {glue:text}`email-o-promised` and delivers {glue:text}`email-o-shrunken`; the raw list promises 100% and delivers {glue:text}`email-o-raw`, on a hundredth of the emails.
#
# - **The goal asks for less than the average.** {glue:text}`email-o-meet` cells meet it, and {glue:text}`email-o-near` more are one move away.
# - **The example audiences rest on single emails.** The description itself lists two audiences "with high conversions", one with an expected conversion of 1.0, the other of 0.0. In the table each has {glue:text}`email-o-one` email. Their shrunken rates are
#   {glue:text}`email-o-first` and {glue:text}`email-o-second`.
# - **Weekdays are a day off.** pandas calls Monday 0, the published web service calls 0 Sunday. Rates by weekday differ by {glue:text}`email-o-days` percentage points at most, so here it hardly matters. In other data a campaign would run on the wrong day.
# - **The state leaves something out.** The code adds up answers and emails over all cells that an episode has passed, so whether the goal is met depends on the path. We follow the description.
# - **Answers are counted several times.** The code joins them to emails by customer and subject, so that one answer counts for each email of that subject. The book's `email prepare` assigns each answer to the last email of the same subject before it, if that is at most 14 days old (`--window` sets the days). In our mock of the raw
#   files ({glue:text}`email-mock` emails), where {glue:text}`email-mock-right` are answered, the published join would find {glue:text}`email-mock-joined`. If the original data repeat subjects as our mock does, the base rate itself is too high.
# - **The reported rates come from the same emails that chose the cells.** We trained on four fifths of the emails, walked from every cell to the goal, and looked up the rate where the walk ends:

# %% tags=["hide-input"]
folds_o = load_email("original")[1]
shown = folds_o[folds_o["seed"] == 0].groupby("part")
table = pd.DataFrame({
    name: shown[name].agg(lambda x: f"{100 * x.min():.1f} to {100 * x.max():.1f}")
    for name in ("mean", "median", "min", "max")
}).loc[["training", "testing"]]  # fmt: skip
table.insert(0, "published mean", ["33.4 to 40.8", "35.6 to 41.5"])
table

# %% tags=["remove-cell"]
import tempfile
from pathlib import Path

from crm_rl.case_studies.email.etl import prepare
from crm_rl.case_studies.email.mock import FILES, make_mock

original = load_email("original")[3]["facts"]
glue("email-o-sent", f"{original['emails']:,}", display=False)
glue("email-o-base", f"{original['base_rate']:.1%}", display=False)
glue("email-o-cells", f"{original['cells_sent']:,}", display=False)
glue("email-o-meet", f"{original['meet_goal']:,}", display=False)
glue("email-o-near", f"{original['one_move_away']:,}", display=False)
assert original["first_sent"] == original["second_sent"] == 1
assert (original["first_rate"], original["second_rate"]) == (1.0, 0.0)
glue("email-o-one", "one", display=False)
glue("email-o-first", f"{original['first_shrunken']:.3f}", display=False)
glue("email-o-second", f"{original['second_shrunken']:.3f}", display=False)
days = original["highest_weekday"] - original["lowest_weekday"]
glue("email-o-days", f"{100 * days:.1f}", display=False)
with tempfile.TemporaryDirectory() as folder:
    truth = make_mock(Path(folder), emails=50_000, seed=0)
    mock, report = prepare(*(Path(folder) / name for name in FILES))
assert (mock.answered == truth.counts.answered).all()
glue("email-mock", f"{report.sent:,}", display=False)
glue("email-mock-right", f"{report.answered / report.sent:.0%}", display=False)
glue("email-mock-joined", f"{report.joined / report.sent:.0%}", display=False)
means = folds_o.groupby("part")["mean"].mean()
chosen, pooled = (folds_o[folds_o["part"] == part]["pooled"].mean() for part in ("training", "testing"))
glue("email-fold-chosen", f"{chosen:.1%}", display=False)
halves = load_email("original")[2].groupby("order")[["promised", "sent", "answered"]].sum()
delivered = halves["answered"] / halves["sent"]
glue("email-o-promised", f"{halves.loc['shrunken', 'promised'] / 10:.0%}", display=False)
glue("email-o-shrunken", f"{delivered['shrunken']:.0%}", display=False)
glue("email-o-raw", f"{delivered['raw']:.0%}", display=False)
assert halves.loc["raw", "promised"] == 10 and halves.loc["raw", "sent"] < halves.loc["shrunken", "sent"] / 100
glue("email-fold-training", f"{means['training']:.1%}", display=False)
glue("email-fold-testing", f"{means['testing']:.1%}", display=False)
glue("email-fold-pooled", f"{pooled:.1%}", display=False)
assert means["testing"] < 0.37 < means["training"]

# %% [markdown]
# Each entry is in percent: the lowest and highest of our five folds, and in the first column those of the means that the publication reports for its folds. On the emails that chose them, the cells at the end of a walk have {glue:text}`email-fold-training` on average ({glue:text}`email-fold-chosen` if each email counts
# once), on held-out emails {glue:text}`email-fold-testing` ({glue:text}`email-fold-pooled`). The published testing means begin where ours end, and are no lower than the published training means: the code looks both up in the table that the model was
# given. Why its training means spread so much more widely than ours, we cannot say.
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - The top of a ranking of noisy rates is lucky. Shrink the rates, then sort.
# - To get the most answers from a given number of emails, rank by the shrunken rate. Use the chance of exceeding a goal only for a yes-or-no limit, and check on later data that chances mean what they say.
# - Compare a goal with the base rate before anything is trained.
# - If moves and rewards are known, compute the values. If they do not depend on a walk at all, sort.
# - Where actions do change what comes next, you need more than a sort. The next chapter has such a case.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. The prior is a = 34, b = 66. A cell has 20 answers to 20 emails. Its shrunken rate?
# :class: quiz
#
# ::::{dropdown} 0.45
# :class-container: right
#
# (34 + 20) / (100 + 20) = 54 / 120.
# ::::
# ::::{dropdown} 0.34, since 20 emails are too few
# :class-container: wrong
#
# They count as 20 beside the prior's 100, not as nothing.
# ::::
# ::::{dropdown} 0.67, halfway between the raw rate and the usual rate
# :class-container: wrong
#
# Halfway would need as many emails as the prior is worth: 100.
# ::::
# :::::
#
# :::::{admonition} 2. Why did the trained table do so well although it updated a fifth of its entries?
# :class: quiz
#
# ::::{dropdown} Q-learning needs few episodes if moves are deterministic, because one visit to an entry is enough.
# :class-container: wrong
#
# With a learning rate of 0.1, one visit moves an entry a tenth of the way.
# ::::
# ::::{dropdown} The published settings were tuned for this table.
# :class-container: wrong
#
# Perhaps, but even a policy that always moves the weekday is worth more than two thirds of the optimum.
# ::::
# ::::{dropdown} Most cells are next to a goal.
# :class-container: right
#
# A task that is this easy cannot tell a good learner from a poor one.
# ::::
# :::::
#
# :::::{admonition} 3. A colleague reports the mean rate of the 50 best of 5,000 keywords, 9%, as the expected rate of next month. You say:
# :class: quiz
#
# ::::{dropdown} Fine, as 50 keywords average out the luck of each single one.
# :class-container: wrong
#
# All 50 were selected for the same kind of luck. That does not average out.
# ::::
# ::::{dropdown} Choose on earlier months, report on a later one.
# :class-container: right
#
# A random part of the same months would cure the selection, but say nothing about the next month.
# ::::
# ::::{dropdown} Report the median instead, which outliers cannot move.
# :class-container: wrong
#
# The median of selected rates is too high as well.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} When would you not use reinforcement learning?
# :class-container: interview
#
# If the action does not change what I can do next, it is a prediction or bandit problem. If transitions and rewards are known, it is planning. In the email case rates and moves stood in a table: value iteration was exact, and one sort of shrunken rates enough, while 20,000 episodes of
# Q-learning updated about a fifth of the entries.
# ::::
# ::::{dropdown} How do you rank shops by complaint rate if some have 10 customers and some 10,000?
# :class-container: interview
#
# I fit a beta prior to all shops and rank by posterior mean, or by the chance of exceeding a limit, depending on the decision. Raw rates put small shops at both ends. I check on later data that the chances are calibrated
# ({numref}`fig-email-calibration`), and fit priors for groups of shops if groups differ.
# ::::
# ::::{dropdown} You find a bug in an update rule, but the results are good. What do you do?
# :class-container: interview in-the-bank
#
# I work out what the rule really optimises: in one published case, half the reward and half the discount. Then I compare with an exact answer where one exists. Good results despite a bug often mean that the task is too easy to notice it, so I look for one that is not.
# ::::
#
# ## Further reading
#
# - {cite:t}`efron1975`: baseball averages, and why shrunken ones predict better.
# - {cite:t}`efron2010`, chapter 1: empirical Bayes for thousands of cases at once.
# - {cite:t}`sutton2018`, section 4.4: value iteration.
