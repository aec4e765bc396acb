# %% [markdown]
# (ch-fair-match)=
# # A fair match
#
# In chapter 6 a network beat the tables. Would it win again in another world, with another seed, against a rival that somebody had tuned just as
# carefully? A result that you want to act on answers three questions: **who wins, where, and how sure are we?** In this chapter the methods of this part meet in worlds that none of them was tuned on, under rules that were written down before the first run. You will compute the intervals
# yourself, and read a verdict that is not the one we hoped for.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to set up a comparison that a sceptic accepts
#   - to score policies by a ratio of sums, and to see where a mean of ratios misleads
#   - to write the paired bootstrap of a difference
#   - to say who wins, where, and what remains unknown
#
# You need
# : [Q-learning](04_q_learning.ipynb), [state-space explosion](05_state_space_explosion.ipynb) and [deep Q-networks](06_dqn.ipynb).
#
# Time
# : 29 minutes to read, 15 seconds to run.
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
# ## Who wins
#
# Each learner, or {term}`arm`, had a million customer-weeks in each of ten {term}`responsive worlds <responsive world>`: in {term}`smooth <smooth world>` ones, where customers of similar
# {term}`standing` respond alike, and in {term}`rough <rough world>` ones, where every country and bootcamp is a case of its own. From here on shares are decimals: 0.66 is 66% of the attainable gain.

# %% mystnb={"figure": {"caption": "What each arm gets of the attainable gain. A dot is the mean over ten worlds, a bar its 95% interval. The best single action and the hand-written rule were chosen with knowledge of the world; all others learned from a million weeks.", "name": "fig-match-all"}, "image": {"alt": "Dots with intervals for sixteen arms, smooth and rough worlds. Both networks are to the right of every table; in rough worlds the network with embeddings is ahead of the one on numbers. All are well short of the optimum at 1; the finest table is left of waiting at 0."}} tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from crm_rl import plots
from crm_rl.evaluation.intervals import in_digits, over_seeds
from crm_rl.experiments.arms import ARMS, CHOSEN_TABLE
from crm_rl.experiments.comparison_plan import LIBRARY
from crm_rl.experiments.comparison_record import lead, load_comparison, score, shares
from crm_rl.worlds.nature import BOOK_WORLD

plots.use_style()
runs = load_comparison("twin")
runs = runs[runs["world"] != BOOK_WORLD]  # the world that the other chapters show
ENDS = {"smooth": 0.0, "rough": 1.0}
EMBEDDINGS, NUMBERS = "DQN, embeddings", "DQN, numbers"
played = [arm for arm in ARMS if (runs["arm"] == arm).any()]
scores = {
    name: pd.DataFrame({
        arm: score(runs, arm, roughness=end)
        for arm in [*played, "best single action", "hand-written rule"]
    }).T
    for name, end in ENDS.items()
}  # fmt: skip
order = scores["smooth"]["mean"].sort_values(ascending=False, kind="stable").index
plots.arms_at_both_ends({name: table.loc[order] for name, table in scores.items()})
plt.show()

# %% tags=["remove-cell"]
from myst_nb import glue

for name in ENDS:
    for key, arm in (("emb", EMBEDDINGS), ("num", NUMBERS)):
        glue(f"match-{key}-{name}", in_digits(*scores[name].loc[arm]), display=False)
tables = [arm for arm in played if arm.startswith("table: ")]
FINEST = tables[-1]
assert scores["smooth"].index.tolist() == scores["rough"].index.tolist()
assert all(
    scores[name].loc[arm, "low"] > 0 for name in ENDS for arm in (EMBEDDINGS, NUMBERS)
)
assert all(scores[name].loc[FINEST, "high"] < 0 for name in ENDS)
assert all(scores[name]["high"].max() < 0.8 for name in ENDS)
assert all(len(shares(runs, arm, roughness=end)) == 10 for arm in order for end in ENDS.values())
glue(
    "match-finest-smooth",
    f"{scores['smooth'].loc[FINEST, 'mean']:.2f}".replace("-", "−"),
    display=False,
)

# %% [markdown]
# In smooth worlds the two networks lead, in rough ones the network with embeddings, and the finest table does worse than waiting. The network with embeddings gets
# {glue:text}`match-emb-smooth` of the attainable gain in smooth worlds. Nobody comes near the optimum. Below you find what [each arm](match-rivals) does; the tables are those of
# chapter 5. First, let us see what such a dot is worth.
#
# ## What makes a match fair
#
# 1. **The same information.** All learners may use the same 15 features; country and bootcamp are among them.
# 2. **The same experience.** A million weeks each, paid as in real life: 5,000 dollars or nothing. Each learner may choose how it acts meanwhile.
# 3. **The same number of trials.** Each had three settings, tried with 100,000 weeks in one world that is judged nowhere else, in its smooth and in its rough version. All of them are on record, and the best one plays.
# 4. **The same judge.** Each policy's value is computed exactly, for all customers. Chance among customers plays no part.
# 5. **The criterion comes first.** Before the first run we registered: *the network with embeddings is ahead of every other learner in both kinds of world (the
#    interval of its lead lies above 0), and gets at least 0.90 of the attainable gain.*
#
# Ours is not spotless. The networks' learning rate, batch size and number of updates were searched for beforehand, for the network with embeddings; no other learner had such a
# search. Twenty worlds were registered; time allowed for ten. The library's agents, which are slow, played in three, and the table that chapter 5 chose by hand was added afterwards, with the settings of the one that it extends.
#
# ## One number: the ratio of sums
#
# :::{admonition} By hand: three customers
# :class: by-hand
#
# Exact values in dollars, and what the policy gained over waiting as a ratio of what it could have gained:
#
# | | wait | policy | best | ratio |
# |---|--:|--:|--:|--:|
# | Ann | 300 | 700 | 800 | 400 / 500 = 0.80 |
# | Bo | 2 | 1 | 4 | −1 / 2 = −0.50 |
# | Cem | 3 | 3 | 4 | 0 / 1 = 0.00 |
#
# - Mean of ratios: $(0.80 - 0.50 + 0) / 3$ ${} = 0.10$.
# - Ratio of sums: $(400 - 1 + 0) / (500 + 2 + 1)$ ${} = 399 / 503$ ${} = 0.79$.
# :::
#
# The firm could have 503 dollars more and gets 399 of them, so 0.79 is the number that it cares about. In the mean of ratios Bo's one dollar weighs as much as Ann's
# 400. We use the {term}`ratio of sums <share of the attainable gain>` within a world. Over worlds we take the plain mean, because
# we ask how well a method does in a world drawn at random.
#
# ::::{exercise} ★ A fourth customer
# :label: ex-match-ratio
#
# Dee is worth 2.00 dollars if we wait, 1.90 under the policy, and 2.05 under the best plan. What are both measures for the four customers?
# ::::
#
# :::{solution-start} ex-match-ratio
# :class: dropdown
# :::
#
# Dee's ratio is $-0.10 / 0.05 = -2$, so the mean of ratios falls to $(0.80 - 0.50 + 0 - 2) / 4$ $= -0.43$. The ratio of sums stays at
# $398.90 / 503.05$ $= 0.79$. Ten cents with one customer turned a good policy into one that looks worse than waiting.
#
# :::{solution-end}
# :::

# %% tags=["remove-cell"]
gained, attainable = np.array([400, -1, 0, -0.1]), np.array([500, 2, 1, 0.05])
assert np.isclose((gained[:3] / attainable[:3]).mean(), 0.10)
assert (
    round(gained[:3].sum() / attainable[:3].sum(), 2)
    == 0.79
    == round(gained.sum() / attainable.sum(), 2)
)
assert round((gained / attainable).mean(), 3) == -0.425
first_three = runs[runs["world"] < 3]
three = shares(first_three, "fitted Q", roughness=0.0)
assert three.round(3).tolist() == [0.433, 0.604, 0.568] and round(three.std(), 2) == 0.09
assert in_digits(*over_seeds(three.to_numpy(), statistic="mean")) == "0.53 (0.31 to 0.76)"
glue("match-fitted-ten", in_digits(*scores["smooth"].loc["fitted Q"]), display=False)
ten = lead(runs, EMBEDDINGS, "fitted Q", roughness=1.0)
glue("match-fitted-lead", in_digits(*ten), display=False)
assert ten["low"] > 0 > lead(first_three, EMBEDDINGS, "fitted Q", roughness=1.0)["low"]

# %% [markdown]
# ## How sure: worlds are the units
#
# An interval says how far chance may have moved the result. Chance in *what*? Not in customers: all {glue:text}`match-customers` are judged, exactly. What is left to chance is the **world** (which channels suit whom) and the **{term}`seed`** of the learner. Each arm was trained once in each world, so the spread
# over worlds contains both. (The [lab note](a2_comparison.ipynb) tells them apart, as far as five seeds in five worlds can.)
#
# :::{admonition} By hand: an interval over three worlds
# :class: by-hand
#
# Fitted Q got 0.433, 0.604 and 0.568 in the first three smooth worlds.
#
# - Mean: $1.605 / 3 = 0.535$.
# - Deviations: −0.102, 0.069 and 0.033. Their squares add up to 0.0163.
# - Standard deviation: $\sqrt{0.0163 / 2} = 0.090$.
# - Standard error of the mean: $0.090 / \sqrt{3} = 0.052$.
# - Student's t with 2 degrees of freedom: 4.30. So the interval reaches $4.30 \times 0.052 = 0.224$ to either side: **0.31 to 0.76**.
#
# Ten worlds with the same spread would give $2.26 \times 0.090 / \sqrt{10} = 0.064$, less than a third of that. The ten on record give {glue:text}`match-fitted-ten`.
# :::
#
# With three worlds the mean is less certain, and so is the spread itself, which is why t is 4.30 instead of 2.26. A wide interval is not a bad result. It says that
# the match was too short.
#
# ## Compare within a world
#
# Some worlds are easier than others. In a **paired** comparison, world by world, what makes a world easy for both arms cancels out. With $x_w$ and
# $y_w$ the arms' shares in world $w$, one of $W$ worlds:
#
# $$
# d_w = x_w - y_w, \qquad \bar d = \frac{1}{W} \sum_{w=1}^{W} d_w .
# $$ (match-lead)
#
# Student's t gives an interval for $\bar d$ if the $d_w$ scatter roughly normally. The {term}`bootstrap` needs no such formula {cite:p}`efron1993`: draw $W$ worlds *from those that we have, with replacement*, compute the
# mean lead, repeat a few thousand times, and take the middle 95% of the results. These are the rough worlds of the two networks:

# %%
first = shares(runs, EMBEDDINGS, roughness=1.0).to_numpy()
second = shares(runs, NUMBERS, roughness=1.0).to_numpy()
print("embeddings:", first.round(2))
print("numbers:   ", second.round(2))
print("lead:      ", (first - second).round(2))

# %% [markdown]
# ::::{exercise} ★★ Write the bootstrap of a difference
# :label: ex-match-bootstrap
#
# The function below runs, but its interval is wrong: it never repeats a world, and draws different worlds for the two arms. The random generator is passed in, so
# that the same seed gives the same interval. `check` uses invented worlds, and gives you a hint.
# ::::


# %% tags=["remove-cell"]
def check(bootstrap_lead) -> str:
    """Try a reader's bootstrap on leads that are known, and hint at what is wrong."""
    rng = np.random.default_rng(3)
    easy = rng.normal(0, 1, 40)
    x, y = easy + 0.5 + rng.normal(0, 0.2, 40), easy
    low, high = (float(end) for end in bootstrap_lead(x, y, np.random.default_rng(0)))
    again = bootstrap_lead(x, y, np.random.default_rng(0))
    if not np.allclose((low, high), again):
        return "The same seed gave two intervals. Draw with the rng that is passed in."
    middle, width = (x - y).mean(), high - low
    right = 2 * 1.96 * (x - y).std() / np.sqrt(40)
    got = f"Your interval is {width:.2f} wide, and {right:.2f} is right.\n"
    if width < 0.01:
        return (
            got
            + "Each draw has the same worlds. Draw with replacement, as rng.integers does."
        )
    if not low < middle < high:
        return got + f"It misses the mean lead, {middle:.2f}. Which arm comes first?"
    if width > 2 * right:
        return (
            got + "Easy and hard worlds do not cancel out. Do both arms use the same draw?"
        )
    if abs(width / right - 1) > 0.1:
        return (
            got
            + "Does each draw have as many worlds as there are? Are the ends 2.5 and 97.5?"
        )
    return "Right: paired, and with replacement."


def _unpaired(x, y, rng, draws=2_000):
    means = [
        x[rng.integers(len(x), size=len(x))].mean()
        - y[rng.integers(len(y), size=len(y))].mean()
        for _ in range(draws)
    ]
    return np.percentile(means, [2.5, 97.5])


assert "same draw" in check(_unpaired)
unpaired = _unpaired(first, second, np.random.default_rng(1), 20_000)
glue("match-unpaired", "{:.2f} to {:.2f}".format(*unpaired), display=False)


# %%
def bootstrap_lead(first, second, rng, draws=5_000):
    """Return the 95% interval of the mean lead; both have shape (worlds,)."""
    means = np.zeros(draws)
    for draw in range(draws):
        drawn = rng.permutation(len(first))  # your turn: with replacement
        others = rng.permutation(len(second))  # your turn: is this needed?
        means[draw] = first[drawn].mean() - second[others].mean()
    return np.percentile(means, [2.5, 97.5])


print(check(bootstrap_lead))

# %% [markdown]
# :::{solution-start} ex-match-bootstrap
# :class: dropdown
# :::


# %%
def bootstrap_lead(first, second, rng, draws=5_000):
    """Return the 95% interval of the mean lead; both have shape (worlds,)."""
    means = np.zeros(draws)
    for draw in range(draws):
        drawn = rng.integers(len(first), size=len(first))
        means[draw] = (first[drawn] - second[drawn]).mean()
    return np.percentile(means, [2.5, 97.5])


print(check(bootstrap_lead))

# %% [markdown]
# :::{solution-end}
# :::
#
# Your function on the record, and Student's t beside it:

# %%
for name, end in ENDS.items():
    x = shares(runs, EMBEDDINGS, roughness=end).to_numpy()
    y = shares(runs, NUMBERS, roughness=end).to_numpy()
    low, high = bootstrap_lead(x, y, np.random.default_rng(1))
    mean, t_low, t_high = lead(runs, EMBEDDINGS, NUMBERS, roughness=end)
    print(f"{name}, mean lead {mean:.2f}")
    print(f"  Student's t: {t_low:.2f} to {t_high:.2f}")
    print(f"  bootstrap:   {low:.2f} to {high:.2f}")

# %% tags=["remove-cell"]
networks = {
    name: lead(runs, EMBEDDINGS, NUMBERS, roughness=end) for name, end in ENDS.items()
}
assert networks["rough"]["low"] > 0 > networks["smooth"]["low"]
assert (
    low > networks["rough"]["low"]
    and high < networks["rough"]["high"]
    and unpaired[0] < low
)

# %% [markdown]
# In rough worlds embeddings are ahead, also where both networks have the same settings ([chapter 6](06_dqn.ipynb)); in smooth ones we cannot tell the two apart. Had we ignored the pairs, the rough interval would be {glue:text}`match-unpaired`, wider. The bootstrap is
# shorter than Student's interval, because it takes the spread of ten worlds for the true one. For so few worlds we trust Student's, which was also the one registered.
#
# ::::{exercise} ★★ How many worlds?
# :label: ex-match-worlds
#
# In the first three rough worlds we cannot tell the network with embeddings from fitted Q. If leads go on scattering as they do there, and the mean lead stays as it is, how
# many worlds are needed until the interval lies above 0?
# ::::

# %%
fitted = lead(first_three, EMBEDDINGS, "fitted Q", roughness=1.0)
print(in_digits(*fitted))

# %% [markdown]
# :::{solution-start} ex-match-worlds
# :class: dropdown
# :::
#
# The reach is $t_{W-1} \, s / \sqrt{W}$. From three worlds we know $s$, poorly:

# %%
from scipy.stats import t

s = (fitted["high"] - fitted["mean"]) * np.sqrt(3) / t.ppf(0.975, 2)
needed = next(
    W for W in range(3, 100) if t.ppf(0.975, W - 1) * s / np.sqrt(W) < fitted["mean"]
)
print(f"standard deviation {s:.2f}; worlds needed: {needed}")

# %% [markdown]
# This is a rough plan, since three worlds say little about the spread. The ten on record give a lead of {glue:text}`match-fitted-lead`. Decide on the number beforehand: adding worlds until the interval clears 0 is a way to be fooled.
#
# :::{solution-end}
# :::
#
# (match-rivals)=
# ## The rivals
#
# | arm | what it does |
# |---|---|
# | hand-written rule | The best of four simple schedules, such as an email in weeks 1 and 3. |
# | best single action | One fixed action a customer, chosen with full knowledge: what a perfect {term}`contextual bandit` that repeats one action would do. |
# | one-step greedy | Predicts this week's reward by regression (boosted trees), takes the best action, ignores the future. |
# | contextual bandit | Tries an action for a whole episode, learns with boosted trees what that earns with whom, and repeats each customer's best action every week. |
# | fitted Q | {term}`Fitted Q iteration <fitted Q iteration>`: boosted trees for each week, from the last to the first, on a log of random actions {cite:p}`ernst2005`. |
# | tables | Chapter 5's seven, from "milestones" to the finest; the sum of the seven; and the one chosen by hand. |
# | DQN, numbers | Chapter 6's network; reads country and bootcamp as numbers. |
# | DQN, embeddings | The same, but learns a vector for each name. |
# | library's DQN and PPO | Stable-Baselines3 {cite:p}`raffin2021`; slow, so in three of the ten worlds. There the network with embeddings is ahead of this DQN by {glue:text}`match-dqn-smooth` in smooth worlds, and of PPO by {glue:text}`match-ppo-rough` in rough ones. Its lead over PPO in smooth worlds ({glue:text}`match-ppo-smooth`), and over DQN in rough ones ({glue:text}`match-dqn-rough`), we cannot tell from 0. |
#
# How far is the network with embeddings ahead of its main rivals? Leads in share, paired by world:

# %% tags=["hide-input"]
rivals = [NUMBERS, "fitted Q", "best single action", "contextual bandit", "sum of tables"]
rivals += [CHOSEN_TABLE, "table: + week", "hand-written rule", FINEST]


def plain(arm: str) -> str:
    """Return an arm's name as the text has it."""
    return {"table: + week": "best of the seven tables", FINEST: "finest table"}.get(arm, arm)


leads = {
    (name, column): {
        arm: lead(runs, EMBEDDINGS, arm, column, roughness=end) for arm in rivals
    }
    for name, end in ENDS.items()
    for column in ("share", "all")
}
pd.DataFrame({
    name: {plain(arm): in_digits(*each, sign="+") for arm, each in leads[name, "share"].items()}
    for name in ENDS
})  # fmt: skip

# %% [markdown]
# And the money, in dollars a customer, beside the share. (A share is the mean of the worlds' shares, not the share of these mean dollars.)

# %% tags=["hide-input"]
some = ["optimum", EMBEDDINGS, NUMBERS, "fitted Q", CHOSEN_TABLE, "best single action"]
some += ["hand-written rule", "waiting", FINEST]
pd.DataFrame({
    f"{name}, {unit}": {plain(arm): shares(runs, arm, column, roughness=end).mean() for arm in some}
    for name, end in ENDS.items()
    for unit, column in (("$", "all"), ("share", "share"))
}).map("{:.2f}".format).replace("-", "−", regex=True)  # fmt: skip

# %% tags=["remove-cell"]
why = load_comparison("why_twin")
why = why[why["world"] != BOOK_WORLD]
at_length = pd.concat([runs, why[why["arm"].isin(LIBRARY)]])
over = {
    (arm, name): lead(at_length, EMBEDDINGS, arm, roughness=end)
    for arm in LIBRARY
    for name, end in ENDS.items()
}
for arm in LIBRARY:
    got = score(at_length, arm, roughness=0.0)["mean"]
    glue(f"match-library-{arm[-3:].lower()}", f"{got:.2f}", display=False)
for (arm, name), each in over.items():
    glue(f"match-{arm[-3:].lower()}-{name}", in_digits(*each), display=False)
assert all(len(shares(at_length, arm, roughness=end)) == 3 for arm in LIBRARY for end in ENDS.values())
assert [key for key, each in over.items() if each["low"] > 0] == [(LIBRARY[0], "smooth"), (LIBRARY[1], "rough")]
money = {
    "emb": shares(runs, EMBEDDINGS, "all", roughness=0.0).mean(),
    "fitted": shares(first_three, "fitted Q", "all", roughness=0.0).mean(),
}
for key, dollars in money.items():
    glue(f"match-money-{key}", f"{dollars:.2f}", display=False)
ahead = lead(first_three, EMBEDDINGS, "fitted Q", "all", roughness=0.0)
glue("match-money-lead-fitted", in_digits(*ahead), display=False)
assert money["fitted"] > money["emb"] and ahead["low"] > 0
single = {name: leads[name, "share"]["best single action"] for name in ENDS}
for name in ENDS:
    glue(f"match-single-{name}", in_digits(*single[name]), display=False)
    assert single[name]["low"] > 0

# %% [markdown]
# The most telling rival is the best single action, since no bandit that repeats an action can do better, however much it learns. The network is
# ahead of it by {glue:text}`match-single-smooth` in smooth worlds, and by {glue:text}`match-single-rough` in rough ones. That part of the gain comes from varying the action.
#
# This comparison was not registered. You may add one afterwards, if you say so, but not swap it for the one that you promised.
#
# ## Where
#
# **With whom.** We split the shares of {numref}`fig-match-all` by how customers came, {term}`inbound` or {term}`outbound` (one rough world is left out for outbound: under a dollar a customer to gain):

# %% tags=["hide-input"]
pd.DataFrame({
    name: {
        f"{group}: {arm}": in_digits(*over_seeds(
            shares(runs, arm, f"share_{group}", roughness=end).dropna().to_numpy(), statistic="mean"
        ))
        for group in ("inbound", "outbound")
        for arm in (EMBEDDINGS, NUMBERS, CHOSEN_TABLE)
    }
    for name, end in ENDS.items()
})  # fmt: skip

# %% tags=["remove-cell"]
from crm_rl.worlds.registry import worlds

inbound = worlds("smooth")["all"].population.inbound == 1
glue("match-inbound", f"{inbound.sum()} of {len(inbound):,}", display=False)
glue("match-customers", f"{len(inbound):,}", display=False)
group = {
    (group, name): score(runs, EMBEDDINGS, f"share_{group}", roughness=end)
    for group in ("inbound",) for name, end in ENDS.items()
}  # fmt: skip
assert all(each["low"] > 0.7 for each in group.values())
outbound = over_seeds(
    shares(runs, EMBEDDINGS, "share_outbound", roughness=0.0).dropna().to_numpy(),
    statistic="mean",
)
assert outbound["high"] < 0
left_out = [shares(runs, EMBEDDINGS, "share_outbound", roughness=end).isna().sum() for end in (0.0, 1.0)]
assert left_out == [0, 1]
of_gain = {}
for name, end in ENDS.items():
    best, rest = (
        shares(runs, "optimum", c, roughness=end)
        - shares(runs, "waiting", c, roughness=end)
        for c in ("inbound", "all")
    )
    of_gain[name] = (inbound.mean() * best / rest).mean()
    glue(f"match-inbound-gain-{name}", f"{100 * of_gain[name]:.0f}%", display=False)
extra = shares(runs, EMBEDDINGS, roughness=1.0) - shares(runs, NUMBERS, roughness=1.0)
extra -= shares(runs, EMBEDDINGS, roughness=0.0) - shares(runs, NUMBERS, roughness=0.0)
extra = over_seeds(extra.to_numpy(), statistic="mean")
assert extra["low"] > 0
glue("match-interaction", in_digits(*extra), display=False)

# %% [markdown]
# With inbound customers the network with embeddings gets about 0.8 of the gain on average. They are only {glue:text}`match-inbound`, but {glue:text}`match-inbound-gain-smooth` of the gain is theirs (smooth worlds). With outbound customers both networks do
# *worse than waiting* in smooth worlds. These customers hardly ever subscribe, and chapter 4 showed what rare rewards do to a learner.
#
# **In which worlds.** From smooth to rough worlds the lead of embeddings over numbers grows by {glue:text}`match-interaction`. With equal settings a lead in
# rough worlds remains ([chapter 6](06_dqn.ipynb)); how much of the growth is due to embedding alone we have not separated. Where actions add little, none of seven learners was ahead of waiting (up to a third of our effect, a hundred thousand weeks, smooth worlds; [lab note](a2_comparison.ipynb)).
#
# **With customers never met.** On the hidden pairs of {numref}`fig-dqn-unseen`, in smooth worlds both networks and the chosen table gain, and we cannot tell which of the two networks gains more. In rough worlds we cannot tell any of them from waiting. The finest table, which has only empty rows for
# these customers, does worse than waiting in both.

# %% tags=["remove-cell"]
unseen = {
    name: {
        arm: score(why, arm, roughness=end, hidden="pairs")
        for arm in (NUMBERS, EMBEDDINGS, CHOSEN_TABLE, FINEST)
    }
    for name, end in ENDS.items()
}
assert all(unseen["smooth"][arm]["low"] > 0 for arm in (NUMBERS, EMBEDDINGS))
assert all(
    unseen["rough"][arm]["low"] < 0 < unseen["rough"][arm]["high"]
    for arm in (NUMBERS, EMBEDDINGS, CHOSEN_TABLE)
)
assert all(unseen[name][FINEST]["high"] < 0 for name in ENDS)
on_pairs = lead(why, EMBEDDINGS, NUMBERS, roughness=0.0, hidden="pairs")
assert on_pairs["low"] < 0 < on_pairs["high"]

# %% [markdown]
# ::::{exercise} ★★★ Leave outbound customers alone
# :label: ex-match-hybrid
#
# Suppose the network acts with inbound customers only, and we wait with all others. What would its share be? A world's share of inbound customers is
# `inbound.mean()`; the record has the dollars of each group.
# ::::


# %%
def earned(arm, column, end):
    """Return what an arm earns in each world, in dollars a customer of a group."""
    return shares(runs, arm, column, roughness=end)


gain = earned("optimum", "all", 0.0) - earned("waiting", "all", 0.0)  # attainable
own = earned(EMBEDDINGS, "all", 0.0) - earned("waiting", "all", 0.0)
print(f"smooth, as it is: {(own / gain).mean():.2f}")

# %% [markdown]
# :::{solution-start} ex-match-hybrid
# :class: dropdown
# :::

# %%
for name, end in ENDS.items():
    gain, own = (
        earned(arm, "all", end) - earned("waiting", "all", end)
        for arm in ("optimum", EMBEDDINGS)
    )
    kept = inbound.mean() * (
        earned(EMBEDDINGS, "inbound", end) - earned("waiting", "inbound", end)
    )
    better = over_seeds(((kept - own) / gain).to_numpy(), statistic="mean")
    print(f"{name}: {(kept / gain).mean():.2f}, better by {in_digits(*better)}")

# %% [markdown]
# It helps in smooth worlds; in rough ones we cannot tell. But you tested the rule in the worlds that gave you the idea. Register it, and draw new ones.
#
# :::{solution-end}
# :::
#
# ## Looking often
#
# Thirteen rivals (every other learner of {numref}`fig-match-all`) and two ends make 26 intervals. If no arm were better than any other, each of them would lie above 0 with a probability of 2.5%.
#
# :::{admonition} By hand: 26 chances to be lucky
# :class: by-hand
#
# - Expected number of false wins: $26 \times 0.025 = 0.65$.
# - Probability of at least one, if they were independent: $1 - 0.975^{26} = 48\%$.
# :::
#
# So "ahead of at least one rival" would be nearly a coin toss. Our criterion asks for *all* leads at once, which one lucky interval cannot bring about, so it needs no correction. Trials are chances too: the best of three
# settings looks better than it is, so the world of the trials is never judged. And every choice that depends on results, such as how to split customers or when to stop, is another chance, even if you
# made it only once: a *garden of forking paths* {cite:p}`gelman2014`. The remedy: decide beforehand, write down all that was tried, and judge in fresh worlds.

# %% tags=["remove-cell"]
assert (
    len(played) - 1 == 13
    and round(26 * 0.025, 2) == 0.65
    and round(100 * (1 - 0.975**26)) == 48
)
behind = {
    name: [
        arm
        for arm in played
        if arm != EMBEDDINGS and lead(runs, EMBEDDINGS, arm, roughness=end)["low"] <= 0
    ]
    for name, end in ENDS.items()
}
assert behind == {"smooth": [NUMBERS], "rough": []}
of_tables = {
    name: min(
        lead(runs, EMBEDDINGS, arm, roughness=end)["mean"]
        for arm in [*tables, "sum of tables", CHOSEN_TABLE]
    )
    for name, end in ENDS.items()
}
glue("match-tables", f"{min(of_tables.values()):.2f}", display=False)
assert not any(arm.startswith(("table", "sum")) for each in behind.values() for arm in each)
assert all(scores[name].loc[EMBEDDINGS, "high"] < 0.9 for name in ENDS)

# %% [markdown]
# ## The verdict in five lines
#
# 1. **Ahead of every learner in both kinds of world: missed.** In rough worlds the network with embeddings is ahead of all thirteen. In smooth ones we cannot tell it from the network on numbers; it is ahead of the other twelve.
# 2. **At least 0.90 of the gain: missed.** It gets {glue:text}`match-emb-smooth` in smooth worlds. In rough ones it gets {glue:text}`match-emb-rough`.
# 3. **It is ahead of every table, also of the one chosen by hand, in both**, on average by {glue:text}`match-tables` or more.
# 4. **It is ahead of the best single action**, so varying pays. It gains with inbound customers. It loses to waiting with outbound ones in smooth worlds, and cannot be told from waiting with unseen ones in rough worlds.
# 5. **Not known**: whether it is ahead of the library's PPO in smooth worlds and of its DQN in rough ones, which three worlds do not tell; and how much of the spread is due to seeds, in smooth worlds and after a million weeks.
#
# The full record, with every arm, trial and group, is in [the lab note](a2_comparison.ipynb).
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - Fair means: same information, same experience, same number of trials, same judge, and a criterion written down beforehand.
# - Score by a ratio of sums, and put the money beside it.
# - Ask what would be drawn anew, and make that the unit of the interval. Here it is the world, not the customer.
# - Compare in pairs. You can write the bootstrap of a difference in six lines.
# - A missed criterion is a result. Say who wins, where, how sure, and what you do not know.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. Who earns more?
# :class: quiz
#
# A report judged fitted Q in three smooth worlds and the network with embeddings in ten. On average, it says, they earn {glue:text}`match-money-fitted` and {glue:text}`match-money-emb` dollars a customer.
#
# ::::{dropdown} Fitted Q: its mean is higher.
# :class-container: wrong
#
# The means are over different worlds, and these three happen to have more to gain.
# ::::
# ::::{dropdown} The network: in the same three worlds it is ahead.
# :class-container: right
#
# Its lead there is {glue:text}`match-money-lead-fitted` dollars.
# ::::
# ::::{dropdown} Nobody can say, because three worlds are never enough to compare two methods.
# :class-container: wrong
#
# Three give wide intervals. This one lies above 0 all the same.
# ::::
# :::::
#
# :::::{admonition} 2. A lead is 0.12 (−0.30 to 0.55). What do you report?
# :class: quiz
#
# ::::{dropdown} The two are equally good.
# :class-container: wrong
#
# A lead of 0.5 is as compatible with the data as one of −0.3. That is not equality.
# ::::
# ::::{dropdown} The first is ahead by 0.12, because that is the most likely value of the lead given the data.
# :class-container: wrong
#
# A claim needs an interval that supports it. This one includes 0.
# ::::
# ::::{dropdown} We cannot tell them apart.
# :class-container: right
#
# And say why: how many worlds there were, and how many it would take.
# ::::
# :::::
#
# :::::{admonition} 3. You judge one trained network on 100,000 customers instead of 10,000. What happens to the uncertainty about the method?
# :class: quiz
#
# ::::{dropdown} Little: worlds and seeds are as few as before.
# :class-container: right
#
# More customers measure this one network in this one world better. They do not tell what another draw would bring.
# ::::
# ::::{dropdown} It shrinks by the square root of ten, as with any sample that is ten times as large.
# :class-container: wrong
#
# That would hold if customers were what is drawn anew.
# ::::
# ::::{dropdown} It vanishes, as values are exact.
# :class-container: wrong
#
# The value of this policy is exact. The method is more than one policy.
# ::::
# :::::
#
# :::::{admonition} 4. Which of these makes the match unfair?
# :class: quiz
#
# ::::{dropdown} Fitted Q learns from random actions, a network from its own.
# :class-container: wrong
#
# The amount of experience is equal, and how to gather it is each method's own choice.
# ::::
# ::::{dropdown} One arm gets thirty trials, the others three.
# :class-container: right
#
# The best of thirty looks better than the best of three, even if all settings are equally good.
# ::::
# ::::{dropdown} The judge counts all customers, including those that the arms met in training.
# :class-container: wrong
#
# It is the same for all arms. Held-out customers would answer another question.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} How would you compare two RL agents?
# :class-container: interview
#
# Same information, experience and number of logged trials. Many seeds, and many environments if the claim is about more than one. A criterion fixed beforehand; paired differences
# with intervals; simple rivals such as doing nothing and a bandit; an upper bound if there is one. {numref}`fig-match-all` is close to such a match (only the networks had a search beforehand); the network missed its criterion.
# ::::
# ::::{dropdown} Explain the bootstrap. When does it fail?
# :class-container: interview
#
# Draw as many units as there are from the data, with replacement, recompute the statistic, and take percentiles of the results. The unit must be what varies independently, here the world. Pairs stay together. With few units its intervals are
# too short; and they are far too short if you draw customers where whole worlds vary.
# ::::
# ::::{dropdown} Your model failed the target that you set. What do you tell your stakeholders?
# :class-container: interview in-the-bank
#
# The target, the result with its interval, and that it was missed; I do not move the target. Then what does hold: it is ahead of each of the seven tables, and gets most of the gain with inbound customers. Then what is unknown, and which run would settle it.
# ::::
#
# ## Further reading
#
# - {cite:t}`agarwal2021`: few runs, wide intervals, and what to report.
# - {cite:t}`efron1993`, chapters 6 and 13: the bootstrap, and percentile intervals.
# - {cite:t}`gelman2014`: why one analysis can be many.
