# %% [markdown]
# (ch-results)=
# # Results and business value
#
# The study's table, run again over many seeds and on every test customer; what it would mean in money; and what may be told to
# whom.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - how to report a comparison of policies: seeds, customers, intervals, rivals that learn nothing
#   - how one improvement factor becomes another when its denominator changes
#   - how to turn a rate into money, with its uncertainty
#   - how to say "this did not reproduce" in one page
#
# You need
# : [the funnel as an MDP](03_funnel_mdp.ipynb), [Q-learning](04_q_learning.ipynb),
#   [state-space explosion](05_state_space_explosion.ipynb), [DQN](06_dqn.ipynb).
#
# Time
# : 30 minutes to read, 15 seconds to run.
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
# ## Two policies by hand
#
# A table of results is a list of fractions, and we have to know what a difference between two of them is worth before we look.
#
# :::{admonition} By hand: 25 against 24
# :class: by-hand
#
# One policy ends with 25 subscribers among 1,655 customers, another with 24. Their rates are 1.51% and 1.45%, a factor of
# $25 / 24 = 1.04$. How much luck is in a count of 25? If each of the customers subscribes or not by chance, the count has a
# standard deviation of about $\sqrt{25} = 5$. So a rival would have to lie some 10 subscribers lower before chance became a poor
# explanation; one is a fifth of a standard deviation.
#
# Against what? The study divides by 0.44%, the share of subscribers in all rows, and gets $1.51 / 0.44 = 3.4$. Divide by a policy
# that learns nothing and treats the *same* customers, and ends with 24, and you get 1.04. Same policy, same count.
# :::
#
# Two kinds of chance are at work. With another **seed** training ends elsewhere; with other **customers** the counts come out
# differently, also for one and the same policy. We show both.
#
# ## The claims
#
# The study reports one run of each row {cite:p}`nair2026`. We write its figures down as claims to be checked. So far the test
# part has only been counted in; now policies are judged on it. One caution first: on this page all customers are the {term}`twin`'s
# unless you have set `CRM_RL_DATA`. The twin keeps who subscribed in which part of the split exactly, so the counts of subscribers mean
# what they would mean on the original; a reward or a number of states may differ.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown
from myst_nb import glue

from crm_rl import plots
from crm_rl.crm_data import clean, data_path, load
from crm_rl.evaluation import (
    PUBLISHED_BASE_RATE,
    constant_policy,
    metrics,
    over_seeds,
    play,
    random_policy,
)
from crm_rl.features import PUBLISHED_FEATURES
from crm_rl.funnel import Action
from crm_rl.intervals import wilson
from crm_rl.q_learning import train_q_learning
from crm_rl.study import CONSTANT_ROWS, ROWS, data_name, load_study
from crm_rl.worlds import replay_worlds

plots.use_style()
claims = pd.DataFrame(
    {
        "random": [0.44, 1.0],
        "q_learning": [1.80, 4.09],
        "q_learning_selection": [0.80, 1.82],
        "dqn": [1.45, 3.30],
        "dqn_selection": [1.39, 3.16],
    },
    index=["rate %", "improvement"],
).T
claims

# %% [markdown]
# ## The record
#
# Training each row with {glue:text}`results-seeds` seeds takes the better part of an hour, so it is done once, by `make study`, and
# the results are recorded with where they come from. This chapter reads the record, and trains one seed of one row live, to see
# that it agrees. Two settings of the same rules were run: `described`, what the study's text says, and `as_coded`, what its code
# does ({ref}`ch-funnel`).

# %%
runs, curves, source = load_study(data_name(data_path()))
glue("results-seeds", str(len(source["seeds"])), display=False)
glue("results-budget", f"{source['budget']['episodes']:,}", display=False)
print(
    f"input sha256 {source['input_sha256'][:12]}..., {len(source['seeds'])} seeds,", end=" "
)
print(f"{source['budget']['episodes']:,} episodes or steps; {len(runs)} runs")

# %% [markdown]
# One live run, Q-learning as described with seed 0:

# %%
customers, _ = clean(load(data_path()))
worlds = replay_worlds(customers, "described")
episodes = source["budget"]["episodes"]
live = train_q_learning(worlds["train"], episodes=episodes, seed=0)
measured = metrics(play(worlds["test"], live, np.random.default_rng([0, 1])))
recorded = runs.query("setting == 'described' and row == 'q_learning' and seed == 0").iloc[
    0
]
assert measured["subscribers"] == recorded["subscribers"]
assert abs(measured["average_reward"] - recorded["average_reward"]) < 1e-3
print(f"live and recorded: {measured['subscribers']} subscribers, ", end="")
print(f"average reward {measured['average_reward']:.2f}")

# %% [markdown]
# ## The table
#
# :::{admonition} Predict
# :class: predict
# Six policies below learn nothing: they take one and the same action for everybody. Which of the five rows of the study will beat
# all of them in subscribers?
# :::
#
# For each row: the {term}`interquartile mean` over seeds with a {term}`bootstrap` interval over seeds ({cite:t}`agarwal2021`), and,
# for its number of subscribers, the {term}`Wilson interval` over customers.

# %%
chance = np.random.default_rng(7)
MEASURES = {
    "rate %": "subscription_rate",
    "first calls %": "first_call_rate",
    "reward": "average_reward",
    "features": "features_used",
}


def summary(setting: str, rows) -> pd.DataFrame:
    """A row a policy: each measure over seeds, and the interval of its rate over customers."""
    lines = {}
    for row in rows:
        ours = runs[(runs["setting"] == setting) & (runs["row"] == row)]
        line = {}
        for name, column in MEASURES.items():
            spread = over_seeds(ours[column], chance)
            line |= {
                name: spread["iqm"],
                f"{name} low": spread["low"],
                f"{name} high": spread["high"],
            }
        subscribers = round(line["rate %"] / 100 * ours["customers"].iloc[0])
        low, high = wilson(subscribers, int(ours["customers"].iloc[0]))
        line |= {
            "subscribers": subscribers,
            "customers low": 100 * low,
            "customers high": 100 * high,
        }
        line["states"] = ours["states"].median()
        line["cost per subscription"] = ours["cost_per_subscription"].median()
        lines[row] = line
    return pd.DataFrame(lines).T


tables = {
    setting: summary(setting, [*ROWS, *CONSTANT_ROWS])
    for setting in ("described", "as_coded")
}
SHOWN = [
    "rate %",
    "rate % low",
    "rate % high",
    "customers low",
    "customers high",
    "first calls %",
    "reward",
]
tables["described"][SHOWN].round(2)

# %%
tables["as_coded"][SHOWN].round(2)

# %% mystnb={"figure": {"caption": "The study's rows and six policies that learn nothing: interquartile mean over seeds, with the bootstrap interval over seeds. Above as described, below as coded.", "name": "fig-results-full"}, "image": {"alt": "Two rows of three dot plots. In subscribers, no policy that learns lies beyond the best of those that take one action for everybody, in either setting; some lie below. In first calls and in reward the policies differ."}} tags=["hide-input"]
plots.full_comparison(tables)
plt.show()

# %%
constant_best = {
    s: table.loc[list(CONSTANT_ROWS), "rate %"].max() for s, table in tables.items()
}
learned_best = {s: table.loc[list(ROWS)[1:], "rate %"].max() for s, table in tables.items()}
assert all(learned_best[s] <= constant_best[s] + 1e-9 for s in tables)
coded = tables["as_coded"]
dqn_count, wait_count = (coded.loc[row, "subscribers"] for row in ("dqn", "always_wait"))
assert dqn_count == wait_count <= coded.loc["random", "subscribers"]
glue("results-dqn-coded", f"{dqn_count:.0f}", display=False)
glue("results-random-coded", f"{coded.loc['random', 'subscribers']:.0f}", display=False)
for setting in tables:
    glue(f"results-constant-{setting}", f"{constant_best[setting]:.2f}%", display=False)
    glue(f"results-learned-{setting}", f"{learned_best[setting]:.2f}%", display=False)

# %% [markdown]
# None does. The best of the learned policies reaches {glue:text}`results-learned-described` as described and
# {glue:text}`results-learned-as_coded` as coded; the best policy that treats everybody alike reaches
# {glue:text}`results-constant-described` and {glue:text}`results-constant-as_coded` ({numref}`fig-results-full`). In a world where the
# record decides who subscribes, there is nothing to gain in subscribers, only something to lose: a policy can fail to act in time, or
# fail to lift the stage on which, as coded, a subscription has to wait.
#
# Look at DQN as coded. It ends with {glue:text}`results-dqn-coded` subscribers, as many as waiting does, while the random policy ends
# with {glue:text}`results-random-coded`. As coded, a subscription counts only from stage 4 on, and nothing but an account manager lifts
# a customer there. A manager costs 20 and pays 10 at most for nearly everybody: a network that has learned the reward well assigns
# none. The random policy assigns some by accident. Here, learning better *means* counting fewer subscribers.
#
# What the policies *do* differ in is reward: they learn to collect the points for milestones that are on record, and to save costs.
# That is learning, and not selling. It is not even much of it: without selection, no learned row earns visibly more on the test
# customers than the best policy that learns nothing. The rows with selection play another game, with its own costs and its own end,
# and must be held against a rival in that game: the policy that calls at once and looks at nothing.

# %%
selecting = replay_worlds(customers, "described", selection=True)["test"]
at_once = metrics(play(selecting, constant_policy(Action.CALL), np.random.default_rng(0)))
seeds = runs.query("setting == 'described' and row == 'dqn_selection'")
as_good = (seeds["average_reward"] > at_once["average_reward"] - 0.05).sum()
print(f"call at once, looking at nothing: average reward {at_once['average_reward']:.2f}")
print(f"DQN with selection: {as_good} of {len(seeds)} seeds earn as much;", end=" ")
print(f"the lowest earns {seeds['average_reward'].min():.2f},", end=" ")
print(f"with {seeds['subscribers'].min()} subscribers")

# %% [markdown]
# The seeds do not lie around their mean: some call at once, the others toggle features until the time is up. An interquartile mean
# hides such a split, so look at the seeds before you quote one.

# %% mystnb={"figure": {"caption": "Reward of a training episode: mean over seeds, and the middle half of them. Training episodes are balanced, so that about a third of the customers are subscribers.", "name": "fig-results-training"}, "image": {"alt": "Two panels of learning curves against the share of training done. As coded, all four learners collect more reward as training goes on. As described, three stay about where they began, and DQN with selection swings widely."}} tags=["hide-input"]
plots.training_comparison(curves)
plt.show()

# %% [markdown]
# As coded, the curves rise; as described, there is little to rise to, since any first action collects the +100 of a subscriber
# ({numref}`fig-results-training`). A flat curve would make one look for a fault, and a rising one proves little: about a third of the
# episodes are a subscriber's because of the balanced draw, before the first update as after the last; what an agent can do about it
# is to lose some.

# %%
ends = curves.groupby(["setting", "row"], sort=False)["reward"].agg(["first", "last"])
assert (ends.loc["as_coded", "last"] > ends.loc["as_coded", "first"]).all()
training_rate = curves.groupby(["setting", "row"], sort=False)["subscribed"].agg(
    ["first", "last"]
)
(100 * training_rate).round(1).rename(
    columns={"first": "subscribed, first 1% (%)", "last": "last 1% (%)"}
)

# %% [markdown]
# ## Against the claims
#
# Does a row reproduce? We say so if the claimed rate lies within the interval over seeds, widened by the interval over customers:
# a claim can be off because of another seed or because of other customers. And we put the same run over two denominators: the
# study's 0.44%, and the random policy on the same customers.


# %%
def against_claims(setting: str) -> pd.DataFrame:
    table = tables[setting].loc[list(ROWS)]
    random_rate = table.loc["random", "rate %"]
    lowest = table[["rate % low", "customers low"]].min(axis=1)
    highest = table[["rate % high", "customers high"]].max(axis=1)
    return pd.DataFrame(
        {
            "claimed %": claims["rate %"],
            "measured %": table["rate %"],
            "low %": lowest,
            "high %": highest,
            "claim inside": claims["rate %"].between(lowest, highest),
            "over 0.44%": table["rate %"] / PUBLISHED_BASE_RATE,
            "over random": table["rate %"] / random_rate,
        }
    )


checked = against_claims("as_coded")
assert not checked.loc["random", "claim inside"]
checked.round(2)

# %%
random_measured = tables["as_coded"].loc["random", "rate %"]
glue("results-random", f"{random_measured:.2f}%", display=False)
glue("results-random-factor", f"{random_measured / PUBLISHED_BASE_RATE:.1f}", display=False)
inside = [plots.ROW_NAMES[row] for row in ROWS if checked.loc[row, "claim inside"]]
glue("results-inside", ", ".join(inside), display=False)
outside = [plots.ROW_NAMES[row] for row in ROWS if not checked.loc[row, "claim inside"]]
glue("results-outside", ", ".join(outside), display=False)

# %% mystnb={"figure": {"caption": "For a talk: the rates as published, against the published baseline, and as measured, against a random policy on the same customers.", "name": "fig-results-talk"}, "image": {"alt": "Two panels. Left, the published rates, four of them far to the right of a line at 0.44 percent. Right, the measured rates with intervals, all of them around the line of the random policy on the same customers, near 1.5 percent."}} tags=["hide-input"]
measured = (
    tables["as_coded"].loc[list(ROWS), ["rate %", "rate % low", "rate % high"]].copy()
)
measured["rate % low"] = checked["low %"]
measured["rate % high"] = checked["high %"]
plots.claim_and_measurement(
    claims["rate %"],
    measured,
    (PUBLISHED_BASE_RATE, "share in all rows"),
    (random_measured, "random, same customers"),
)
plt.show()

# %% [markdown]
# Within the intervals: {glue:text}`results-inside`. Outside: {glue:text}`results-outside`. The row that is furthest off is the
# *baseline*: a random policy on the test customers reaches {glue:text}`results-random`, which is {glue:text}`results-random-factor`
# times the 0.44% ({numref}`fig-results-talk`). The 0.44% is the share of subscribers in all rows of the export; nobody ever ran a
# random policy to get it. How that came about, and what would have to be measured instead, is the subject of Part III.
#
# ## What the policies do

# %% mystnb={"figure": {"caption": "Which actions of the firm each policy takes on the test customers, as described, over all seeds.", "name": "fig-results-actions"}, "image": {"alt": "Stacked bars of six actions for the five rows. The random policy and Q-learning take all six actions about equally often; the networks and the policies that select features lean on a few."}} tags=["hide-input"]
actions = [f"action_{action.name.lower()}" for action in Action]
shares = runs[(runs["setting"] == "described") & runs["row"].isin(list(ROWS))]
shares = shares.groupby("row")[actions].mean().loc[list(ROWS)]
shares = shares.div(shares.sum(axis=1), axis=0)  # some seeds never take an action
plots.action_distribution(shares.rename(columns=lambda name: name.removeprefix("action_")))
plt.show()

# %%
tabular = runs[runs["row"].str.startswith("q_learning")]  # a network keeps no list
known = tabular.groupby(["setting", "row"], sort=False)["known_share"].mean()
q_known = known["described", "q_learning"]
glue("results-known", f"{100 * q_known:.1f}%", display=False)
spread = (shares.loc["q_learning"] - shares.loc["random"]).abs().max()
assert q_known < 0.05 and spread < 0.05
(100 * known).round(1).rename("test decisions in a state that training met, %").to_frame()

# %% [markdown]
# Q-learning without feature selection takes the six actions as evenly as the random policy ({numref}`fig-results-actions`), and this
# is why: it met {glue:text}`results-known` of the states that it has to decide in. Elsewhere its table has no row, and it chooses
# at random. The study's best row *is* a random policy, nearly everywhere. (A network always has an answer. Whether it is a good one
# for customers unlike those of training is another question.)
#
# ## Feature importance
#
# The study reads importance off the mask: how often was a feature visible when a customer subscribed? Country_ConvRate and
# Education_ConvRate lead its list with 100%.

# %%
visible = [f"visible_{feature.name}" for feature in PUBLISHED_FEATURES]


def visibility(setting: str, row: str) -> pd.DataFrame:
    ours = runs[(runs["setting"] == setting) & (runs["row"] == row)][visible].dropna()
    rows = {
        name.removeprefix("visible_"): over_seeds(ours[name], chance) for name in visible
    }
    return pd.DataFrame(rows).T.rename(columns={"iqm": "value"})


by_mask = visibility("as_coded", "dqn_selection")
first_rule = visibility("described", "dqn_selection")
pd.concat({"as coded": by_mask, "as described": first_rule}, axis=1).round(2)

# %% mystnb={"figure": {"caption": "How often each feature was visible among those who subscribed: DQN with feature selection, as coded (all features start visible).", "name": "fig-results-features"}, "image": {"alt": "Dot plot of 15 features, all at or near 100 percent: they start visible, and are still visible when a customer subscribes, whatever they say about the customer."}} tags=["hide-input"]
plots.feature_importance(100 * by_mask, "visible among those who subscribed (%)")
plt.show()

# %%
constant = "Status_Active"
glue(
    "results-constant-visible",
    f"{100 * by_mask.loc[constant, 'value']:.0f}%",
    display=False,
)

# %% [markdown]
# As coded, all features start visible, and a feature that nobody toggled counts as important ({numref}`fig-results-features`).
# `Status_Active`, which is 0 for every customer and cannot tell anybody from anybody, was visible in
# {glue:text}`results-constant-visible` of the successes. A measure of importance that a constant can pass measures something else: here,
# how the episode begins. A measure that asks "what changes if this feature is scrambled?" is *permutation importance*
# {cite:p}`breiman2001`; Exercise 2 computes it.
#
# ## Ten thousand customers a month
#
# The study's scenario: 10,000 customers a month at \$10 a contact; 44 subscriptions by random targeting become 139 by the agent, and a
# subscription costs \$719 instead of \$2,273. We repeat the arithmetic, and then do it with the rival on the same customers.

# %%
CUSTOMERS, CONTACT = 10_000, 10


def scenario(rates: dict[str, float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: {
                "rate %": rate,
                "subscriptions": CUSTOMERS * rate / 100,
                "cost of one ($)": CONTACT * 100 / rate,
            }
            for name, rate in rates.items()
        }
    ).T


as_published = scenario({"baseline (share in all rows)": 0.44, "DQN, selection": 1.39})
ours = scenario(
    {
        "random, same customers": coded.loc["random", "rate %"],
        "DQN, selection": coded.loc["dqn_selection", "rate %"],
        "always an account manager": coded.loc["always_manager", "rate %"],
    }
)
pd.concat({"as published": as_published, "as measured": ours}).round(2)

# %%
pairs = runs[
    (runs["setting"] == "as_coded") & runs["row"].isin(["random", "dqn_selection"])
]
pairs = pairs.pivot(index="seed", columns="row", values="subscription_rate")
difference = over_seeds(
    (pairs["dqn_selection"] - pairs["random"]) * CUSTOMERS / 100, chance
)
extra = f"{difference['iqm']:.0f} ({difference['low']:.0f} to {difference['high']:.0f})"
glue("results-extra", extra, display=False)
verdict = (
    "more than"
    if difference["low"] > 0
    else "fewer than"
    if difference["high"] < 0
    else "no more than"
)
glue("results-extra-verdict", verdict, display=False)
print(
    f"DQN with selection minus random, subscriptions a month: {extra}, 95% interval over seeds"
)

# %% [markdown]
# The promised 95 additional subscriptions a month are 1.39% minus 0.44% of 10,000. With the random policy on the same customers
# as the rival, the difference is {glue:text}`results-extra` a month, over seeds. It comes from a handful of the test customers, whom
# one policy counts and the other does not, so over *customers* it could as well be none; a gain of 95 it is not. The saving per subscription goes the same way: it is the same division.
#
# ## One page for stakeholders

# %% tags=["hide-input"]
lines = [
    "**What was tried.** Two learning methods choose among six sales actions for each prospect; "
    f"each was trained {len(source['seeds'])} times and judged on {int(runs['customers'].iloc[0]):,} "
    "customers kept aside (of the synthetic twin, unless the original was used).",
    f"**What we found.** The learned policies end with {learned_best['as_coded']:.2f}% subscribers at best. "
    f"Choosing at random ends with {random_measured:.2f}%, giving everybody an account manager with "
    f"{coded.loc['always_manager', 'rate %']:.2f}%.",
    "**What the published 3.16-fold improvement is.** A rate among the test customers, divided by a rate among "
    f"all customers. By the same division, choosing at random improves {random_measured / PUBLISHED_BASE_RATE:.1f}-fold.",
    "**Why.** The data say what happened to each customer, not what we did and what it changed. In such data no "
    "policy can change who subscribes.",
    "**What we recommend.** Do not deploy on this evidence. Start recording each action, its day and its reason, "
    "and hold out a random share of customers; then the question can be answered.",
]
Markdown("\n\n".join(f"> {line}" for line in lines))

# %% [markdown]
# A brief has one reader with five minutes. It says what was done, what came out, what it means and what to do, in this order, and
# every figure in it stands in a table above.
#
# ## Exercises
#
# ::::{exercise} Which difference could this study have seen?
# :label: ex-results-power
#
# Suppose that random ends with 25 subscribers of 1,655. How many would a policy need for its Wilson interval to lie wholly above
# 1.51%? What improvement over random is that?
# ::::

# %%
n, random_count = 1655, 25

# %% [markdown]
# :::{solution-start} ex-results-power
# :class: dropdown
# :::
#
# An improvement of less than about a half could not have been seen, even if the rate of random were known exactly.

# %%
needed = next(
    count for count in range(random_count, n) if wilson(count, n)[0] > random_count / n
)
assert wilson(needed - 1, n)[0] <= random_count / n < wilson(needed, n)[0]
print(f"{needed} subscribers, {needed / random_count:.2f} times as many")

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} Importance by scrambling
# :label: ex-results-permutation
#
# Take the live Q-table back to customers whose states it knows well: those of the training part with a call on record. Scramble one feature at a time among them,
# let the policy treat them, and see how the average reward changes. Which features does the policy depend on? Start here:
# ::::

# %%
train = worlds["train"].population
some = np.flatnonzero(train.reached[:, 0])
people = train._replace(
    **{
        field: getattr(train, field)[some]
        for field in ("features", "reached", "subscribed", "stage")
    }
)
familiar = worlds["test"]._replace(population=people)
untouched = metrics(play(familiar, live, np.random.default_rng(0)))["average_reward"]
print(f"average reward {untouched:.2f}")

# %% [markdown]
# :::{solution-start} ex-results-permutation
# :class: dropdown
# :::
#
# Scrambling a feature that varies puts customers into states that the table has never met, and the table loses what it knew. A
# feature that never varies, Status_Active, cannot matter, and this measure says so. Note what it measures: the dependence of *this
# policy* on the feature, not what the feature says about customers.

# %%
rng = np.random.default_rng(2)
changes = {}
for place, feature in enumerate(PUBLISHED_FEATURES):
    scrambled = people.features.copy()
    scrambled[:, place] = rng.permutation(scrambled[:, place])
    world = familiar._replace(population=people._replace(features=scrambled))
    reward = metrics(play(world, live, np.random.default_rng(0)))["average_reward"]
    changes[feature.name] = reward - untouched
changes = pd.Series(changes, name="change of the average reward").sort_values()
assert changes["Status_Active"] == 0 and changes.min() < 0
changes.round(2)

# %% [markdown]
# :::{solution-end}
# :::
#
# ::::{exercise} Another baseline
# :label: ex-results-baseline
#
# Evaluate "always wait" and the random policy on the *validation* customers, as coded. What improvement factor over 0.44% does waiting
# reach there, and what does that say about the factor?
# ::::

# %%
validation = replay_worlds(customers, "as_coded")["val"]

# %% [markdown]
# :::{solution-start} ex-results-baseline
# :class: dropdown
# :::
#
# Below one: among validation customers subscribers are rare. A factor that depends on which customers one looks at, more than on what
# one does with them, describes the customers.

# %%
waiting = metrics(play(validation, constant_policy(Action.WAIT), np.random.default_rng(0)))
by_chance = metrics(play(validation, random_policy, np.random.default_rng(0)))
assert waiting["improvement_factor"] < 1
print(
    f"wait {waiting['improvement_factor']:.2f}, random {by_chance['improvement_factor']:.2f}"
)

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - Put policies that learn nothing into the table, on the same customers. Without them a rate means nothing.
# - An improvement factor is a fraction: ask for its denominator first.
# - Seeds and customers are two sources of chance. Report both; twenty seeds do not make 25 subscribers many.
# - A learner can learn well, and what it learned can still be worthless for the question.
# - Say what did not reproduce, what you measured instead, and what would settle it.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. A policy has 1.39% subscribers; "random baseline 0.44%". What do you ask first?
# :class: quiz
#
# ::::{dropdown} How many seeds?
# :class-container: wrong
#
# A good question, and the second one. Seeds cannot explain a threefold difference if the two rates are of different people.
# ::::
# ::::{dropdown} Were both measured on the same customers, by the same rules?
# :class-container: right
#
# Here they were not: 0.44% is the share in all rows, and no random policy was ever run to get it.
# ::::
# ::::{dropdown} Which learning rate?
# :class-container: wrong
#
# It may matter for training, and cannot repair a comparison.
# ::::
# :::::
#
# :::::{admonition} 2. All seeds of a row end with exactly 25 subscribers. How sure are we of its rate?
# :class: quiz
#
# ::::{dropdown} Wholly: there is no spread
# :class-container: wrong
#
# There is none over seeds. With other customers the count would be another; the Wilson interval goes from about 1.0% to 2.2%.
# ::::
# ::::{dropdown} As sure as 25 events among 1,655 customers make us
# :class-container: right
#
# The seeds agree because the record decides who subscribes. The uncertainty is in the customers.
# ::::
# ::::{dropdown} Not at all: with one test set nothing can be said
# :class-container: wrong
#
# Something can: that is what the interval over customers says.
# ::::
# :::::
#
# :::::{admonition} 3. Why do the learning curves rise although no policy gains subscribers?
# :class: quiz
#
# ::::{dropdown} The agents overfit
# :class-container: wrong
#
# They may, and these are curves of training episodes. But the reason is in the reward.
# ::::
# ::::{dropdown} Most of what can be learned in the reward is costs and milestones on record
# :class-container: right
#
# Which action collects points, which costs little, when to stop. The +100 comes for a subscriber in any case.
# ::::
# ::::{dropdown} Epsilon falls, so the curves must rise
# :class-container: wrong
#
# They would not, had the agent learned nothing: then greedy would be no better than random.
# ::::
# :::::
#
# :::::{admonition} 4. A feature was visible in 100% of the successes. Is it important?
# :class: quiz
#
# ::::{dropdown} Yes: without it there would have been no success
# :class-container: wrong
#
# Nothing was tried without it. If all features start visible, all are present at most successes.
# ::::
# ::::{dropdown} Not shown: ask how often it was visible in failures, and what happens when it is scrambled
# :class-container: right
#
# A constant passes the first test and fails the second, as Exercise 2 shows.
# ::::
# ::::{dropdown} No: features that matter are visible less often
# :class-container: wrong
#
# That does not follow either. The frequency says little in both directions.
# ::::
# :::::
#
# :::::{admonition} 5. Q-learning without selection scores like random. Which explanation does the record support?
# :class: quiz
#
# ::::{dropdown} It was trained too briefly
# :class-container: wrong
#
# It met its training states many times. The test customers' states are others.
# ::::
# ::::{dropdown} It has hardly met any of the states it must decide in, and chooses at random there
# :class-container: right
#
# The share of known states stands in the table above, and its actions are as evenly spread as those of the random policy.
# ::::
# ::::{dropdown} Its learning rate is too small
# :class-container: wrong
#
# No learning rate fills rows of the table that training never visits.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} Your model improves conversion threefold. Convince me.
# :class-container: interview
#
# I show the rival first: what do random, "always wait" and each constant action get on the same customers? Here they get as much as the
# learned policies ({numref}`fig-results-full`), so I would not try to convince you. The factor came from dividing a rate among test
# customers by the share in all rows. What would convince me is a randomised holdout with actions on record.
# ::::
# ::::{dropdown} How do you report results of reinforcement learning?
# :class-container: interview
#
# Many seeds, the interquartile mean with a bootstrap interval over seeds, every evaluation customer once, greedy policies, baselines that
# learn nothing, and the interval over customers, which more seeds do not shrink. I record inputs, settings and versions with the results
# and recompute a sample in CI. And I separate reward from the business measure: in this chapter one rises and the other does not move.
# ::::
# ::::{dropdown} How do you translate a rate into money for a manager?
# :class-container: interview
#
# Customers times rate, cost over subscriptions, each with its interval carried along, and always as a difference to what would happen
# anyway on the same customers. In the study's scenario the 95 additional subscriptions vanish once the rival is the random policy on
# the same customers. I would rather bring that to the manager than have the quarter's numbers bring it.
# ::::
# ::::{dropdown} A result of yours does not reproduce. What do you do?
# :class-container: interview
#
# I check what each number measured: population, denominator, seed, setting. I write down which part reproduces, which is within noise, and
# which measured something else, as in the table against the claims. Then I say what experiment would settle it. The page for stakeholders
# above is that, in five sentences.
# ::::
#
# ## Further reading
#
# - {cite:t}`agarwal2021` on intervals for few runs; {cite:t}`kapoor2023` on leakage as a cause of results that do not reproduce.
# - {cite:t}`breiman2001` for permutation importance.
# - {cite:t}`nair2026`, the study; [the problem](../book/problem.md) has its table of claims.
