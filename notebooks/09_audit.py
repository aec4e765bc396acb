# %% [markdown]
# (ch-audit)=
# # The audit: floor and ceiling first
#
# The published study reports 3.16 times as many subscribers as under random targeting. Is that good?
# **Compute the floor and the ceiling before you believe a score**: what the worst and the best policy would get on the same customers. It takes
# a few lines and no training. Here it shows that doing nothing already "improves" threefold, and that only three customers
# depend on the policy. At work, make it the first check of any result, including your own.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to compute the floor and the ceiling of a score, in code that you write
#   - to find a bad split, a leak, and an agent that was never tested
#   - to say whether a test could have found a difference, and to plan one that can
#
# You need
# : [The study, run again](08_study.ipynb); the split of [data processing](01_data_processing.ipynb).
#
# Time
# : 29 minutes to read, 50 seconds to run.
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
# ## Where the published scores lie
#
# We audit the replay world in the setting `as_coded`, the rules of the study's code, and count on the {term}`twin`.

# %% mystnb={"figure": {"caption": "Published rates with 95% intervals, and what we measure on the test customers, as means over 20 seeds for agents and random actions. The band holds every score that is possible without feature selection if each customer counts once.", "name": "fig-audit-room"}, "image": {"alt": "All that we measure lies in a narrow band between the floor, which always waiting gets, and the ceiling, which always assigning a manager gets. The published Q-learning with selection lies below the floor, at 0.8 percent. The rate by which the study divided, 0.44 percent, lies far below the band."}} tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from crm_rl import plots
from crm_rl.agents.q_learning import train_q_learning
from crm_rl.agents.reference import constant_policy, random_policy
from crm_rl.data import clean, data_path, load
from crm_rl.data.split import published_split
from crm_rl.evaluation.audit.case import replay_case
from crm_rl.evaluation.audit.checks import audit
from crm_rl.evaluation.intervals import wilson
from crm_rl.evaluation.power import customers_per_arm
from crm_rl.evaluation.rollouts import metrics, play
from crm_rl.experiments.funnel_study import load_study
from crm_rl.experiments.runner import data_name
from crm_rl.worlds.base import Action
from crm_rl.worlds.replay_world import replay_worlds

plots.use_style()
customers, _ = clean(load(data_path()))
worlds = replay_worlds(customers, "as_coded")
test, N = worlds["test"], worlds["test"].size()
runs = load_study(data_name(data_path()))[0].query("setting == 'as_coded'")

policies = {f"always {action.name.lower()}": constant_policy(action) for action in Action}
policies["random"] = random_policy
counted = {
    name: play(test, policy, np.random.default_rng(0)).subscribed.sum()
    for name, policy in policies.items()
}
lowest, highest = counted["always wait"], counted["always manager"]

published = {"q_learning": (18, 1000), "dqn": (24, 1655)}
published |= {"q_learning_selection": (8, 1000), "dqn_selection": (23, 1655)}
rows = {}
for name, (count, of) in published.items():
    low, high = wilson(count, of)
    rerun = runs.query("row == @name")["subscribers"].mean() / N
    rows[plots.ROW_NAMES[name]] = 100 * np.array([rerun, count / of, low, high])
for name in ("random", "always wait", "always manager"):
    mean = runs.query("row == 'random'")["subscribers"].mean() if name == "random" else counted[name]
    rows[name] = 100 * np.array([mean / N, np.nan, np.nan, np.nan])
scores = pd.DataFrame(rows, index=["measured %", "published %", "low %", "high %"]).T
ends = {
    f"floor:\n{lowest} of {N:,}": 100 * lowest / N,
    f"ceiling:\n{highest} of {N:,}": 100 * highest / N,
}
plots.room(scores, ends, 0.44)
plt.show()

# %% tags=["remove-cell"]
import re

from myst_nb import glue
from scipy.stats import binom

from crm_rl.experiments.original_numbers import original_numbers

here, original = {}, original_numbers()


def note(name: str, value: object) -> None:
    """Keep a number of this chapter for the text, and for the record of the original."""
    here[name] = str(value)
    glue(f"audit-{name}", str(value), display=False)


BASE = 0.0044
note("floor", lowest)
note("ceiling", highest)
note("room", highest - lowest)
note("floor-rate", f"{lowest / N:.2%}")
note("ceiling-rate", f"{highest / N:.2%}")
note("luck-of-18", f"{binom.sf(17, 1000, highest / N):.2f}")
note("luck-of-8", f"{binom.cdf(8, 1000, lowest / N):.2f}")
assert binom.sf(17, 1000, highest / N) > 0.05 < binom.cdf(8, 1000, lowest / N)
lifting = test._replace(params=test.params._replace(manager_always_lifts=True))
always = play(lifting, policies["always manager"], np.random.default_rng(0)).subscribed.sum()
note("ceiling-always", always)
assert always == test.population.subscribed.sum() == 25
in_band = scores["measured %"].between(*(np.array([-1e-9, 1e-9]) + list(ends.values())))
assert in_band.all() and scores["published %"].min() < min(ends.values())
assert (scores["low %"].dropna() < max(ends.values())).all()
assert (scores["high %"].dropna() > min(ends.values())).all()
waits, acts = scores.loc["always wait"], scores.loc["DQN"]
assert np.isclose(waits["measured %"], acts["measured %"]) and waits["measured %"] < scores.loc["random", "measured %"]
for name in ("floor", "ceiling"):
    glue(f"audit-original-{name}", original[f"audit-{name}"], display=False)

# %% [markdown]
# The band in {numref}`fig-audit-room` goes from {glue:text}`audit-floor` subscribers ({glue:text}`audit-floor-rate`) to
# {glue:text}`audit-ceiling` ({glue:text}`audit-ceiling-rate`); on the original, from {glue:text}`audit-original-floor` to
# {glue:text}`audit-original-ceiling`. Beside it:
#
# - **Waiting is at the floor**, and so is our DQN. Random actions count a few more, since they pass the gate by accident.
# - **0.44%**, by which the study divided, is no score that a policy without selection could get here. Dividing by it gives about 3, whatever the agent does.
# - **Two published scores lie outside the band.** Both come from 1,000 customers drawn with replacement, and can be luck: a policy at the floor
#   gets 8 or fewer with a probability of {glue:text}`audit-luck-of-8`, one at the ceiling 18 or more with {glue:text}`audit-luck-of-18`. (With
#   feature selection, an agent that only switches features can also score below the floor.)
#
# ## Why there is a floor
#
# In the replay world no action makes anybody subscribe. As coded, a subscription counts when
#
# 1. the customer's record has one, **and**
# 2. the {term}`stage` is 4 or more. It starts as recorded; "subscribed already" is 6. An account manager lifts it to 5, if the record has
#    a manager. No other action lifts it above 3.
#
# :::{admonition} By hand: floor and ceiling of four customers
# :class: by-hand
#
# | record | subscribed | stage | manager |
# |---|---|--:|---|
# | Carla | yes | 6 | no |
# | Dan | yes | 3 | yes |
# | Eva | yes | 1 | no |
# | Finn | no | 6 | no |
#
# - **Carla** counts at the first action, whatever it is: also waiting.
# - **Dan** counts if he is assigned a manager.
# - **Eva** never reaches stage 4, and **Finn** has not subscribed. Neither ever counts.
#
# The floor is 1 of 4, the ceiling 2 of 4. However long you train, the score is 25% or 50%. If 1% of all the firm's customers subscribe,
# doing nothing "improves" that 25-fold.
# :::
#
# ::::{exercise} ★★ Write the floor and the ceiling
# :label: ex-audit-floor
#
# Complete the function. Its arguments are arrays with one entry a customer. `check` tries it and gives you a hint.
# ::::

# %% tags=["remove-cell"]
def check(solve) -> str:
    """Try a floor and ceiling on the four customers and on the test part, and hint at what is wrong."""
    four = np.array([True, True, True, False]), np.array([6, 3, 1, 6]), np.array([False, True, False, False])
    try:
        floor, ceiling = solve(*four)
    except (TypeError, ValueError):
        return "Return two numbers: the floor and the ceiling."
    got = f"The four customers: floor {floor}, ceiling {ceiling}.\n"
    if floor == 2:
        return got + "Your floor counts Finn: stage 6, but no subscription."
    if floor == 3:
        return got + "Your floor counts Dan and Eva, whose stage is below 4."
    if floor != 1:
        return got + "By hand the floor is 1. Whom does waiting count?"
    if ceiling == 3:
        return got + "Your ceiling counts Eva, whom nothing lifts to stage 4."
    if ceiling == 1:
        return got + "Your ceiling leaves out Dan, whom a manager lifts, or Carla."
    if ceiling != 2:
        return got + "By hand it is 2. Only customers with a subscription count."
    people = test.population
    ends = tuple(int(end) for end in solve(people.subscribed, people.stage, people.reached[:, -1]))
    if ends != (lowest, highest):
        return got + f"Right. But the test part gives {ends}, not {(int(lowest), int(highest))}."
    return got + f"Right. The test customers: floor {ends[0]}, ceiling {ends[1]}."


assert "Eva" in check(lambda subscribed, stage, manager: (sum(subscribed & (stage >= 4)), sum(subscribed)))
assert "Dan and" in check(lambda subscribed, stage, manager: (3, 2)) and "Carla" in check(lambda *_: (1, 1))

# %%
def floor_and_ceiling(subscribed, stage, has_manager):
    """Count the customers of the worst and of the best policy."""
    floor = (stage >= 4).sum()  # your turn: who is counted too much?
    ceiling = subscribed.sum()  # your turn: whom can no action reach?
    return floor, ceiling


print(check(floor_and_ceiling))

# %% [markdown]
# :::{solution-start} ex-audit-floor
# :class: dropdown
# :::

# %%
def floor_and_ceiling(subscribed, stage, has_manager):
    ready = stage >= 4
    floor = (subscribed & ready).sum()
    ceiling = (subscribed & (ready | has_manager)).sum()
    return floor, ceiling


print(check(floor_and_ceiling))

# %% [markdown]
# :::{solution-end}
# :::
#
# Where you cannot read the rules, play doing nothing, each constant action, and random actions:

# %%
for name, policy in policies.items():
    outcome = play(test, policy, np.random.default_rng(0))
    print(f"{name:15s} {outcome.subscribed.sum()} subscribers")

# %% tags=["remove-cell"]
assert [name for name, count in counted.items() if count == lowest] == [
    f"always {name}" for name in ("email", "call", "demo", "survey", "wait")
]
assert lowest < counted["random"] <= highest

# %% [markdown]
# Five of the six constant policies, waiting among them, get the floor. The sixth gets the ceiling. So do random actions, or nearly:
# among so many, a manager turns up for almost everybody.
#
# ## The denominator: where 3.16 comes from
#
# The study's 3.16 is 1.39% divided by 0.44%. Random actions do not score 0.44%: it equals the share of subscribers in all 11,032 rows.

# %% mystnb={"figure": {"caption": "The factor 3.16 of DQN with selection, taken apart. In brackets the 95% interval of the published count, divided by the rate of waiting.", "name": "fig-audit-factor"}, "image": {"alt": "Three bars. The share of subscribers is 0.44 percent in all rows, three times as high among test customers with whom the agent only waits, and a little higher still for the published agent. The first step is the change of customers; the second, small step is the agent."}} tags=["hide-input"]
agent, waiting = 23 / 1655, lowest / N
everybody = f"all rows:\n{customers['subscribed'].sum()} of {len(customers):,}"
bars = {everybody: BASE, f"test, waiting:\n{lowest} of {N:,}": waiting, "test, published:\n23 of 1,655": agent}
low, high = np.array(wilson(23, 1655)) / waiting
steps = [
    f"× {waiting / BASE:.2f}\nother customers",
    f"× {agent / waiting:.2f} ({low:.2f} to {high:.2f})\nthe agent",
]
plots.factor_in_two({name: 100 * rate for name, rate in bars.items()}, steps)
plt.show()

# %% tags=["remove-cell"]
note("floor-factor", f"{waiting / BASE:.2f}")
note("factor-dqn-selection", f"{agent / waiting:.2f}")
note("factor-dqn-selection-wait", f"{agent / waiting:.2f} ({low:.2f} to {high:.2f})")
assert waiting / BASE > 2.8 and agent / waiting < 1.2 and np.isclose(agent / 0.0044, 3.16, atol=0.005)
assert round(customers["subscribed"].mean(), 4) == BASE
for count, of in published.values():
    assert wilson(count, of)[0] < waiting < wilson(count, of)[1]

# %% [markdown]
# The change of customers alone makes a factor of {glue:text}`audit-floor-factor` ({numref}`fig-audit-factor`). The agent's
# {glue:text}`audit-factor-dqn-selection` has an interval that includes 1: we cannot tell it from waiting, nor any of the other three published
# rates. **Measure the denominator on the same customers, by the same rules.** But why do test customers subscribe
# so much more often?
#
# ## The split: who is in the test part?
#
# :::{figure} ../book/_static/two_splits.svg
# :name: fig-audit-splits
# :alt: Two timelines. In the published split, customers written to first are cut into train, validation and test, and all without a first contact are in the test part, with all of its 25 subscribers. In the split by arrival, both groups are cut on the same days. A dashed line marks the end of August 2021, when demos and surveys begin; nearly all customers without a first contact came from August on, when training was over.
# :width: 92%
#
# Two splits in time. Nearly all customers without a first contact arrived from August 2021 on.
# :::
#
# Because of a sort. The study orders customers by first contact, *missing dates last*, and takes the last 15% for testing. {term}`Inbound <inbound>`
# customers came by themselves and have no first contact, so all land in the test part. Of the {glue:text}`audit-test-missing` test
# customers without a first contact {glue:text}`audit-test-missing-subscribers` subscribed, of the {glue:text}`audit-test-dated` others
# {glue:text}`audit-test-dated-subscribers`. The agents trained on {term}`outbound` customers only, and were tested where that cannot show.
#
# A split by arrival (the lower half of {numref}`fig-audit-splits`) puts time in order, but the parts still differ, because the firm changed **in August 2021**. It
# began to record demos and surveys, and many customers came by themselves. Subscribers among those who arrived before 31 August 2021, and later:

# %% tags=["hide-input"]
parts = published_split(customers).parts()
group = pd.Series("neither", index=customers.index)
group = group.mask(customers["first_contact"].notna(), "outbound").mask(customers["inbound"], "inbound")
arrived = customers.dropna(subset="arrival").assign(group=group)
late = (arrived["arrival"] >= "2021-08-31").rename("late")
eras = arrived.groupby(["group", late])["subscribed"].agg(["sum", "count"])
eras = eras.unstack().loc[["outbound", "inbound", "neither"]]
eras.loc["all"] = eras.sum()
pd.DataFrame({
    name: [
        f"{s:,.0f} of {n:,.0f} ({100 * s / n:.2f}%)"
        for s, n in zip(eras["sum", after], eras["count", after], strict=True)
    ]
    for name, after in (("before", False), ("from then on", True))
}, index=eras.index.rename(None))  # fmt: skip

# %% tags=["remove-cell"]
from crm_rl.data import EVENTS
from crm_rl.evaluation.audit.numbers import missing_by_part

gaps = missing_by_part(parts, "subscribed").loc["first_contact"]
note("test-missing", f"{gaps['missing']:.0f}")
note("test-missing-subscribers", f"{gaps['successes']:.0f}")
note("test-dated", f"{gaps['present']:.0f}")
note("test-dated-subscribers", f"{gaps['successes there']:.0f}")
assert [gaps[name] for name in ("missing", "successes", "successes there")] == [716, 25, 0]
inbound = {name: int(rows["inbound"].sum()) for name, rows in parts.items()}
assert inbound["train"] == inbound["val"] == 0 and not (group[parts["train"].index] != "outbound").any()
rate = eras["sum"] / eras["count"]
three = ["outbound", "inbound", "neither"]
assert (rate[True] <= rate[False])[three].all()
weights = eras["count"][False][three] / eras["count"][False]["all"]
note("era-factor", f"{rate.loc['all', True] / rate.loc['all', False]:.1f}")
note("era-like-with-like", f"{(weights * rate[True][three]).sum() / rate.loc['all', False]:.2f}")
assert 2 < float(here["era-factor"]) < 4 and float(here["era-like-with-like"]) < 1
before, after = (eras["count"][late] for late in (False, True))
note("inbound-before", f"{before['inbound'] / before['all']:.2%}")
note("inbound-after", f"{after['inbound'] / after['all']:.0%}")
without = arrived["first_contact"].isna()
assert (arrived.loc[without, "arrival"] >= "2021-08-01").mean() > 0.97
had = pd.DataFrame({part: 100 * rows[list(EVENTS)].mean() for part, rows in parts.items()})
note("demo-train", f"{had.loc['demo', 'train']:.2f}%")
note("demo-test", f"{had.loc['demo', 'test']:.1f}%")
for event in ("demo", "survey"):
    note(f"{event}-from", customers[f"{event}_date"].min().date())

# %% [markdown]
# (*Neither* has no event, so no subscriber.) The total rises {glue:text}`audit-era-factor`-fold, and in no group does the rate rise. This is {term}`Simpson's paradox` {cite:p}`simpson1951`. The total is an
# average of the groups, weighted by size, and the share of inbound customers went from {glue:text}`audit-inbound-before` to
# {glue:text}`audit-inbound-after`. With the first period's weights the factor would be {glue:text}`audit-era-like-with-like`. A factor between two populations may be
# nothing but this.
#
# ## The leak: features that read the future
#
# A feature leaks if its value was written down after the decision. For a quick test, ask how well one feature alone can name the subscribers.
# "`Stage` is 6" {glue:text}`audit-rule-Stage`: somebody wrote *subscribed already*. Milestones are as of the
# {term}`snapshot date`: {glue:text}`audit-manager-after` subscribers with both dates were given their manager after they had subscribed.
#
# ::::{exercise} ★★ Win without learning
# :label: ex-audit-leak
#
# Beat the study's learners with a rule that reads the record: reach the ceiling, with a higher mean reward than their best run without feature selection.
# `flag["call"]` and `flag["manager"]` say whose record has one.
# ::::

# %% tags=["remove-cell"]
case = replay_case(customers, candidate="random")
places = {name: case.features.index(f"Had_{title}") for name, title in (("call", "First_Call"), ("manager", "Manager"))}


def score(choose) -> str:
    """Play the reader's policy with every test customer."""

    def policy(states, world, rng):
        flag = {name: world.population.features[states.customer, place] > 0 for name, place in places.items()}
        return choose(flag, states.steps)

    return metrics(play(test, policy, np.random.default_rng(0)))


best_learned = runs.query("row in ['q_learning', 'dqn']")["average_reward"].max()


def report_on(choose) -> str:
    """Say what it scores, and whether it beats every recorded run of the two learners."""
    ours = score(choose)
    text = f"{ours['subscribers']} subscribers, reward {ours['average_reward']:.2f}; best learner {best_learned:.2f}.\n"
    if ours["subscribers"] < highest:
        return text + "Who needs a manager to be counted?"
    return text + ("You win." if ours["average_reward"] > best_learned else "A call on record pays every time, as coded.")

# %%
def one_line(flag, steps):
    """Choose an action for each customer after so many steps."""
    return np.full(len(steps), Action.WAIT)  # your turn


print(report_on(one_line))

# %% [markdown]
# :::{solution-start} ex-audit-leak
# :class: dropdown
# :::
#
# A manager first, if one is on record. Then call those who have a call on record, and leave the others alone.

# %%
def one_line(flag, steps):
    then = np.where(flag["call"], Action.CALL, Action.WAIT)
    return np.where(flag["manager"] & (steps == 0), Action.MANAGER, then)


print(report_on(one_line))

# %% [markdown]
# :::{solution-end}
# :::
#
# The rule wins by reading what would not be there on the day of the decision. A high score in this world shows that an agent can read, not
# that it can sell.

# %% tags=["remove-cell"]
from crm_rl.evaluation.audit.numbers import one_line_rules

rules = one_line_rules(case.test, "subscribed", case.features)
stage = rules.loc["Stage"]
assert rules.index[0] == "Stage" and stage["rule"] == ">= 6" and stage["f1"] > 0.8
note("rule-Stage", f"names {stage['named']} customers: {stage['right']} of the {stage['all_successes']} subscribers")
note("never-varies", ", ".join(rules.index[rules["rule"] == "(never varies)"]))
assert here["never-varies"] == "Status_Active"
both = customers.dropna(subset=["manager_date", "subscribed_date"])
note("manager-after", f"{(both['manager_date'] > both['subscribed_date']).sum()} of {len(both)}")
ours = score(one_line)
assert ours["subscribers"] == highest and ours["average_reward"] > best_learned
note("one-line", f"{ours['subscribers']}, reward {ours['average_reward']:.2f}")
note("best-learned-reward", f"{best_learned:.2f}")

# %% [markdown]
# ## Which policy was tested?
#
# We train the study's Q-learning again and count the test customers who begin in a state that its table has met. Everywhere else it acts at
# random.

# %%
def learn(world):
    return train_q_learning(world, episodes=100_000, seed=0)


table = learn(worlds["train"])
case = replay_case(
    customers,
    policies={"Q-learning": table},
    candidate="Q-learning",
    learn=learn,
)
print(f"{case.known.sum()} of {N:,} test customers begin in a known state")

# %% tags=["remove-cell"]
from crm_rl.data.features import PublishedFeatures
from crm_rl.evaluation.audit.numbers import codes_agree, shuffled_scores, states_met

states = states_met(case.train[case.features], case.test[case.features])
assert states.customers_known == case.known.sum() < 0.05 * N
note("states", states.states)
note("states-known", states.states_known)
note("customers-known", f"{states.customers_known} of {states.customers:,}")
codes = codes_agree(case.train, case.test, "country", "Country")
note("codes", f"{codes['same']} of {codes['names']}")
assert codes["same"] < 0.1 * codes["names"]
dated = {
    name: rows.assign(**{event: rows[f"{event}_date"].notna() for event in EVENTS})
    for name, rows in parts.items()
}
encoder = PublishedFeatures().fit(dated["train"])
encoder.today_ = dated["test"]["first_contact"].max()  # as coded; the codes stay train's
repaired = states_met(case.train[case.features], encoder.as_coded(dated["test"]))
note("known-with-codes", repaired.customers_known)
assert repaired.customers_known > 5 * states.customers_known

train = worlds["train"]


def reward_on_train(order):
    return play(train, case.retrain(order), np.random.default_rng(0)).reward.mean()


control, controls = shuffled_scores(reward_on_train, train.size(), np.random.default_rng(0))
assert control > controls.max() + 5
note("control-true", f"{control:.1f}")
note("control-shuffled", f"{controls.min():.1f} to {controls.max():.1f}")

# %% [markdown]
# So what was scored under the name of Q-learning is, nearly always, the random policy. Judging by our re-run, its 1.80% says nothing about what it learned. One
# reason is a code: countries were numbered by the alphabet *in each part anew*, and {glue:text}`audit-codes` have the same number in
# both. With the training part's codes, {glue:text}`audit-known-with-codes` test customers would begin in a known state.
#
# Does it learn from outcomes at all? **Shuffle them** among the training customers, train again, and score on the true test
# customers ({term}`permutation test`). Nineteen shuffled tables count as many subscribers as the true one. But they could hardly have done
# otherwise, so we *cannot tell*. On the training customers we can: the true table earns a mean reward of {glue:text}`audit-control-true`, the shuffled ones
# {glue:text}`audit-control-shuffled`. The method fits the outcomes that it trained on. Whether that carries over, this test part cannot show.
#
# ## Could any difference have been found?
#
# Any two policies that act differ on at most {glue:text}`audit-room` customers. Suppose that one wins them all. If both were equally good, each of the three
# would be a fair coin, and three coins agree with a probability of $2 / 2^3 = 0.25$ (McNemar's exact test, {cite:p}`fagerland2014`). No p-value here can be smaller. For $p < 0.05$ a policy must
# win six and lose none: $2 / 2^6 = 0.03$. **No amount of training could have shown one of these policies to be better than another.** On other
# customers like these, a policy would have to win {glue:text}`audit-power-enough` on average, and lose none, to be found four times in five.
#
# And the study's 1.30% before its education fix, 1.80% after? *One unchanged policy*, evaluated twice on 1,000 drawn customers, differs by as much
# or more in {glue:text}`audit-education-itself` of cases.

# %% tags=["remove-cell"]
from crm_rl.evaluation.power import detectable_gain, largest_z

smallest_p = 2 / 2 ** (highest - lowest)
assert highest - lowest == 3 and smallest_p == 0.25 and 2 / 2 ** (always - lowest) > 0.05
note("smallest-p", f"{smallest_p:.2f}")
note("smallest-p-always", f"{2 / 2 ** (always - lowest):.3f}")
note("power-enough", detectable_gain(N))
assert runs.groupby("row")["subscribers"].agg(lambda s: s.max() - s.min()).max() <= 3
chance = binom.pmf(np.arange(1001), 1000, highest / N)
itself = sum(2 * chance[k:] @ chance[: 1001 - k] for k in range(18 - 13, 80))
note("education-itself", f"{itself:.0%}")
note("peeking", f"{(largest_z(12, np.random.default_rng(0)) > 1.96).mean():.0%}")
assert customers_per_arm(BASE, 1.2) == 97_633

# %% [markdown]
# ## The experiment that would settle it
#
# A {term}`randomised holdout`: at arrival a coin decides for each customer whether to apply the new policy or go on as before, and
# half a year later we count who subscribed. How many customers does that take?
#
# :::{admonition} By hand: customers in each arm
# :class: by-hand
#
# The base rate is $p = 0.44\%$. A lift of 20% makes it $p' = 0.528\%$, a difference of $0.088\%$. In arms of $n$ customers the measured
# difference has a variance of about $(p + p') / n = 0.00968 / n$. That difference must be 1.96 (the 5% level) plus 0.84 (found four times in five),
# together 2.8 standard deviations:
#
# $$
# n = 2.8^2 \times \frac{0.00968}{0.00088^2} \approx 98{,}000
# $$
#
# Since $p + p' \approx 2p$, a lift of $\lambda$ takes about $16 / \lambda^2$ *subscribers* in the control arm: 400 for 20%. The firm has had 48 in
# two years.
# :::

# %%
recent = customers[customers["arrival"] > "2021-04-28"]
a_year, base_last = len(recent), recent["subscribed"].mean()
lifts = {"20%": 1.2, "50%": 1.5, "2 times": 2, "3.16 times": 3.16}
plan = {}
for name, times in lifts.items():
    n = customers_per_arm(0.0044, times)
    n_last = customers_per_arm(base_last, times)
    plan[name] = {
        "customers per arm": f"{n:,}",
        "years": f"{2 * n / a_year + 0.5:.1f}",
        "years, last year's rate": f"{2 * n_last / a_year + 0.5:.1f}",
    }
pd.DataFrame(plan).T

# %% tags=["remove-cell"]
note("base-last", f"{base_last:.2%}")
note("arrivals", f"{a_year / 12:.0f}")
for name, times in (("20%", 1.2), ("3.16 times", 3.16)):
    note(f"years-{times}", plan[name]["years"])
    note(f"years-last-{times}", plan[name]["years, last year's rate"])
assert float(here["years-last-1.2"]) > 20 and float(here["years-3.16"]) < 1.5
assert 1_500 < customers_per_arm(BASE, 3.16) < 1_600

# %% [markdown]
# At {glue:text}`audit-arrivals` arrivals a month, and with half a year of waiting, a lift of 20% takes decades to measure ({cite:t}`lewis2015` found the
# same for advertising), also at last year's rate of {glue:text}`audit-base-last` (on the low side: the latest
# arrivals had little time). The claim itself, 3.16 times, takes about a year.
#
# - **If it takes too long**, measure an earlier outcome, such as first calls, and say that it answers another question.
# - **Fix the day of the analysis beforehand.** If you look twelve times and stop at the first $p < 0.05$, false alarms rise from 5% to
#   {glue:text}`audit-peeking`. Some methods allow looks {cite:p}`pocock1977,johari2022`.
# - **Log** each decision's date, features, action and {term}`propensity`, so that other policies can be judged from the record.
#
# ## The audit in one call
#
# `audit` asks ten questions of a `Case`: tables of train and test and, as far as you have them, features, policies, a function
# `play(policy, rng)`, the claimed base rate, and a way to train again.

# %%
report = audit(case)
report

# %% tags=["remove-cell"]
assert report.verdict("Does shuffling") == "cannot tell" and len(report.faults()) >= 4
note("faults", f"{len(report.faults())} of {len(report.findings)}")
count, others, reward, rewards = re.match(
    r"(\d+) .*outcomes (\d+ to \d+); score (\S+); shuffled (.+), p", report.findings[-1].answer
).groups()
note("shuffled", f"{count}; shuffled {others}")
note("reward-true", reward)
note("reward-shuffled", rewards)

# %% [markdown]
# *FAULT*: the claim cannot stand on this. *look*: it may be harmless; say why. *cannot tell*: it would look like this either way.
#
# ::::{exercise} ★★★ The break-it lab
# :label: ex-audit-lab
#
# Seven teams, A to G, bring you a result each; six have made one mistake. Which, and what would you tell them? Whose result stands? One mistake
# can show in several lines of the report: name the cause.
# ::::

# %%
from crm_rl.evaluation.audit.lab import LETTERS, PLANTED, lab_case

print(audit(lab_case("A")).faults())

# %% [markdown]
# :::{solution-start} ex-audit-lab
# :class: dropdown
# :::

# %%
for letter in LETTERS:
    faults = audit(lab_case(letter)).faults()
    assert len(faults) == (PLANTED[letter] != "nothing")
    print(f"{letter}: {PLANTED[letter]}; found by: {faults}")

# %% [markdown]
# **A**: divide by waiting, on the same customers. **B**: drop the feature that was written after the sale. **C**: collect more customers. **D** stands: it
# beats its best rival, actions matter, and shuffling makes it worse. **E**: split by a date that everybody has. **F**: actions do nothing here; run an experiment.
# **G**: fit codes on the training part; that the agent loses to a rival is a consequence.
#
# :::{solution-end}
# :::
#
# ## On the original export
#
# The cell below sets this chapter's numbers beside those of the original.

# %% tags=["hide-cell"]
lines = {
    "floor": "floor",
    "ceiling": "ceiling",
    "floor-factor": "waiting over 0.44%",
    "factor-dqn-selection": "1.39% over waiting",
    "era-factor": "late over early rate",
    "era-like-with-like": "with early weights",
    "codes": "equal country codes",
    "customers-known": "in a known state",
    "control-true": "training reward",
    "control-shuffled": "shuffled",
}
pd.DataFrame(
    {
        "this file": [here[name] for name in lines],
        "the original": [original[f"audit-{name}"] for name in lines],
    },
    index=list(lines.values()),
)

# %% [markdown]
# None of this says that reinforcement learning fails in sales; in the responsive world it works. It says that this
# score cannot show it. [The checklist](../book/checklist.md) is this chapter in sixteen questions, for use at work.
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - Before training, compute the floor and the ceiling on the test customers. If they are close, stop.
# - Play doing nothing, random and each constant action. The denominator comes from the same customers, by the same rules.
# - Ask who is in each part. A total can rise while no group does.
# - Distrust a feature that nearly names the outcome, and the score of a table that has met hardly any of the test states.
# - Say which difference your test could have found. A large claim is cheap to test by experiment.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. Floor 22 and ceiling 25 of 1,655. One agent counts 23, another 24. What follows?
# :class: quiz
#
# ::::{dropdown} Both have learned something, since both are above the floor.
# :class-container: wrong
#
# So are random actions.
# ::::
# ::::{dropdown} Nothing: these customers cannot tell any two agents apart.
# :class-container: right
#
# Three customers depend on the policy, and a test needs six.
# ::::
# ::::{dropdown} The second is better, but we need more seeds.
# :class-container: wrong
#
# More seeds judge by the same three customers. Customers are missing, not seeds.
# ::::
# :::::
#
# :::::{admonition} 2. Suppose that every subscription on record counted at the first action, whatever the stage. Floor and ceiling of the test part?
# :class: quiz
#
# ::::{dropdown} 25 and 25.
# :class-container: right
#
# Every policy counts all 25 subscribers on record, and no comparison of rates can show anything.
# ::::
# ::::{dropdown} 0 and 25, since a policy may also do nothing at all in every week.
# :class-container: wrong
#
# Waiting is an action too, and it would count them.
# ::::
# ::::{dropdown} 22 and 25, as before.
# :class-container: wrong
#
# The stage kept three customers from being counted at once. Without that condition they count under every policy.
# ::::
# :::::
#
# :::::{admonition} 3. An agent trained on shuffled outcomes scores as well as the real one. What does that show?
# :class: quiz
#
# ::::{dropdown} The method cannot learn.
# :class-container: wrong
#
# It may learn well, and be tested where that cannot show, as here.
# ::::
# ::::{dropdown} The score is inflated by a leak of the test outcomes into the features.
# :class-container: wrong
#
# Where training met the test states, a leak would make the true outcomes more useful, and shuffling them would hurt.
# ::::
# ::::{dropdown} The score does not come from the outcomes, provided that it could have come out otherwise.
# :class-container: right
#
# So check first whether training has met the test states, and whether actions matter.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} A paper reports a threefold improvement by reinforcement learning. How do you check it in an hour?
# :class-container: interview
#
# I ask for the two rates of the factor, and on whom each was measured. I play doing nothing, random and each constant action on the same test
# customers: floor and ceiling. In one study that I audited, doing nothing "improved" threefold ({numref}`fig-audit-factor`). Then I ask who is
# in the test part, whether a feature names the outcome, and how many test states training had met.
# ::::
# ::::{dropdown} Explain Simpson's paradox with an example from your work.
# :class-container: interview
#
# In a CRM export, customers who arrived after August 2021 subscribe {glue:text}`audit-era-factor` times as often as those before, and no group's rate rises.
# The share of inbound customers grew, and they subscribe far more often. I report groups with their sizes.
# ::::
# ::::{dropdown} How many customers does an A/B test need at a conversion of 0.44%?
# :class-container: interview in-the-bank
#
# About 16 over the squared relative lift, in conversions of the control arm. For 20% that is 400, or some 91,000 customers in
# each arm; without the shortcut it is 98,000. I fix the day of the analysis beforehand.
# ::::
# ::::{dropdown} Your agent reaches the highest score possible. Are you happy?
# :class-container: interview
#
# Not before I know the floor. In our replay world always assigning a manager reaches the ceiling too, and so does a rule that reads
# the record. A score is evidence only if policies that learn nothing score clearly lower.
# ::::
#
# ## Further reading
#
# - {cite:t}`kapoor2024`: a checklist for science based on machine learning; {cite:t}`kapoor2023`: the survey of leakage behind it.
# - {cite:t}`kohavi2020` on experiments in firms; {cite:t}`fleiss2003` for sample sizes.
# - {cite:t}`bickel1975`: the most famous case of Simpson's paradox in real data.
