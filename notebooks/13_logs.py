# %% [markdown]
# (ch-logs)=
# # Learning from logs
#
# Your network beats today's rule in the simulator. At work there is no simulator, only a log of what today's rule did. **Evaluate before you
# deploy**: if the log says how likely each action was, you can estimate what another policy would have earned, and say how sure you are. This
# chapter puts such estimates beside the exact value, shows when they fail, and then takes a policy from a log to customers in safe steps.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to write the importance sampling estimate and its self-normalised form
#   - to tell from the weights when not to believe it
#   - what can be learned from a log alone
#   - to roll out with a stopping rule that you may look at every day
#
# You need
# : [The funnel as an MDP](03_funnel_mdp.ipynb) and [A fair match](07_fair_match.ipynb).
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
# ## The exact value, and what logs say
#
# We take the inbound customers of the {term}`smooth world` who have signed up. Under today's rule the account manager contacts them every other week; with probability
# $\varepsilon = 0.5$ the firm takes any of the six actions instead. This is the {term}`behaviour policy` $\mu$. The policy to be judged, $\pi$, is the best plan of chapter 3. In a simulated world we know its value
# exactly. We made 200 logs of {glue:text}`logs-customers` customers each, and asked five estimators about each log: three that weight customers (IPS), a model (direct method), and both together (doubly robust).

# %% mystnb={"figure": {"caption": "What 200 logs say about the best plan, for episodes of one and of four weeks. A dot is the mean estimate, a thick bar the middle half of the estimates, a thin line the middle 95%.", "name": "fig-logs-estimates"}, "image": {"alt": "Two panels with the estimates of five estimators around a dashed line at 100 percent, the exact value. With one week all lie around it. With four weeks importance sampling is spread from near zero to six times the exact value, doubly robust even below zero; the direct method is narrow and somewhat too low."}} tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from crm_rl import plots
from crm_rl.data.load import TWIN
from crm_rl.experiments.logs_study import load_earned, load_logs, summary

plots.use_style()
all_runs, learned, source = load_logs("twin")
runs = all_runs[all_runs["customers"] == source["customers"]]
ESTIMATORS = [name.removesuffix(", error") for name in runs if name.endswith(", error")]
grown = runs[runs["epsilon"] == 0.5]
shares = grown[ESTIMATORS].div(grown["truth"], axis=0)
panels = {
    title: shares[grown["weeks"] == weeks]
    for weeks, title in ((1, "one week"), (4, "four weeks"))
}
plots.estimates_beside_truth(panels)
plt.show()

# %% tags=["remove-cell"]
from myst_nb import glue

scores = summary(runs).set_index(["epsilon", "weeks", "estimator"])
glue("logs-customers", f"{source['customers']:,}", display=False)
IPS, DR, DM = "IPS", "doubly robust", "direct method"
for weeks in (1, 2, 4):
    score = scores.loc[0.5, weeks, IPS]
    glue(f"logs-effective-{weeks}", f"{score['effective']:,.0f}", display=False)
    glue(f"logs-ips-coverage-{weeks}", f"{score['coverage']:.0%}", display=False)
score = scores.loc[0.5, 4, IPS]
glue("logs-ips-mean-4", f"{1 + score['bias'] / score['truth']:.0%}", display=False)
for weeks in (4, 12):
    of_weeks = scores.loc[0.5, weeks]
    off = np.hypot(of_weeks["bias"], of_weeks["spread"]) / of_weeks["truth"]  # root mean square
    glue(f"logs-dm-off-{weeks}", f"{off[DM]:.0%}", display=False)
    assert off.idxmin() == DM and off.drop(DM).min() > 2 * off[DM]
wide = grown[grown["weeks"] == 4]
glue("logs-dr-wide", f"{(1.96 * wide[f'{DR}, error'] / wide['truth']).median():.0%}", display=False)
glue("logs-dr-coverage-2", f"{scores.loc[0.5, 2, DR]['coverage']:.0%}", display=False)
glue("logs-dr-coverage-4", f"{scores.loc[0.5, 4, DR]['coverage']:.0%}", display=False)
glue("logs-dm-coverage-1", f"{scores.loc[0.5, 1, DM]['coverage']:.0%}", display=False)
glue("logs-dr-coverage-12", f"{scores.loc[0.5, 12, DR]['coverage']:.0%}", display=False)
score = scores.loc[0.5, 4, IPS]
reach = 1.96 * score["spread"] / np.sqrt(source["logs"]) / score["truth"]
glue("logs-ips-reach-4", f"{100 * reach:.0f}", display=False)
assert reach > abs(score["bias"]) / score["truth"]

# %% [markdown]
# With one week all five are close to the exact value on average. With four weeks the same number of customers says almost nothing
# ({numref}`fig-logs-estimates`): a few huge estimates pull the mean of IPS up to {glue:text}`logs-ips-mean-4` ± {glue:text}`logs-ips-reach-4` of the truth, so 200 logs are too few even for the mean.
#
# ## Three customers by hand
#
# The {term}`importance weight` of a decision is $w = \pi(a \mid s) / \mu(a \mid s)$: how many such customers there would be under $\pi$ for each one
# in the log. It needs the {term}`propensity` $\mu(a \mid s)$ of the action *delivered*. Log it after all masks, caps and budgets: an action that a filter replaced is another action.
#
# :::{admonition} By hand: three logged customers
# :class: by-hand
#
# The log emailed with probability 0.8 and called with 0.2. The new policy emails with 0.4 and calls with 0.6.
#
# | | action | reward | weight | weight × reward |
# |---|---|--:|--:|--:|
# | Ann | email | 0 | 0.4 / 0.8 = 0.5 | 0 |
# | Bo | email | 10 | 0.4 / 0.8 = 0.5 | 5 |
# | Cem | call | 20 | 0.6 / 0.2 = 3 | 60 |
#
# - **IPS** (inverse propensity score): $65 / 3 = 21.67$.
# - **Self-normalised**: divide by the sum of weights, $65 / 4 = 16.25$.
# - {term}`Effective sample size`: $(\sum w)^2 / \sum w^2$ ${} = 16 / 9.5 = 1.68$ customers.
# :::
#
# IPS is unbiased if the log tries all that $\pi$ does, but its 21.67 is more than anybody paid. The self-normalised estimate stays within what was
# paid; its bias vanishes as the log grows. Cem carries most of the weight, so three customers count as 1.68.
#
# ## Write it
#
# ::::{exercise} ★★ Two estimators
# :label: ex-logs-ips
#
# `rewards`, `new` and `old` have shape (customers,): the reward, $\pi$ and $\mu$ of the logged action. The functions below ignore the weights.
# ::::


# %% tags=["remove-cell"]
def check(ips, snips) -> str:
    """Try a reader's estimators on Ann, Bo and Cem, and hint at what is wrong."""
    rewards, new = np.array([0.0, 10, 20]), np.array([0.4, 0.4, 0.6])
    old = np.array([0.8, 0.8, 0.2])
    first, second = (float(function(rewards, new, old)) for function in (ips, snips))
    if np.isclose(first, 10):
        return "IPS: that is what the log earned. Weight each reward by new / old."
    if np.isclose(first, (0 + 10 / 0.5 + 20 / 3) / 3):
        return "IPS: the weight is upside down. What the new policy likes more counts more."
    if not np.isclose(first, 65 / 3):
        return f"IPS: {first:.2f}, and 21.67 is right. Divide by the number of customers."
    if np.isclose(second, 65 / 3):
        return "IPS is right. Self-normalised: divide by the sum of the weights."
    if not np.isclose(second, 65 / 4):
        return f"IPS is right. Self-normalised: {second:.2f}, and 16.25 is right."
    return "Right, both."


# %%
def ips(rewards, new, old):
    """Return the importance sampling estimate."""
    return rewards.mean()  # your turn


def snips(rewards, new, old):
    """Return the self-normalised estimate."""
    return rewards.mean()  # your turn


print(check(ips, snips))

# %% [markdown]
# :::{solution-start} ex-logs-ips
# :class: dropdown
# :::


# %%
def ips(rewards, new, old):
    """Return the importance sampling estimate."""
    return (new / old * rewards).mean()


def snips(rewards, new, old):
    """Return the self-normalised estimate."""
    weights = new / old
    return (weights * rewards).sum() / weights.sum()


print(check(ips, snips))

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Several weeks, and a model
#
# - **Multiply the weights.** A customer with weights 2, 0.5 and 3 in three weeks counts $2 \times 0.5 \times 3 = 3$ times. **Per-decision IPS** weights a week's reward by the weights up to then {cite:p}`precup2000`; self-normalised IPS divides these by their mean.
# - **Use a model instead: the direct method.** From the last week back to the first, it learns from the log what each action is worth under $\pi$ (fitted Q evaluation, {cite:t}`le2019`). The estimate is the model's value of the first week.
# - **Use both: {term}`doubly robust <doubly robust estimate>`** {cite:p}`jiang2016`. Add to the model's value the weighted errors that the log shows. Let it expect $\hat v = 12$ of Cem under $\pi$, and $\hat q = 16$ of the call, which paid 20: $12 + 3 \, (20 - 16) = 24$.
#
# With several weeks, go from the last to the first. To a week's reward add the corrected value $V$ of the next, 0 after the last:
#
# $$
# V_t = \hat v(s_t) + w_t \left( r_{t+1} + V_{t+1} - \hat q(s_t, a_t) \right)
# $$ (logs-dr)
#
# This is unbiased, whatever the model, if the propensities are right and never 0, and the model was fitted on other customers.

# %%
from crm_rl.agents.planned import optimum
from crm_rl.evaluation import off_policy
from crm_rl.experiments.logs_study import signed_up, today
from crm_rl.worlds.logs import play_episodes


def doubly_robust(rewards, ratios, q, values):
    """Return the estimate for each episode; all have shape (episodes, weeks)."""
    corrected = np.zeros(len(rewards))
    for week in reversed(range(rewards.shape[1])):
        errors = rewards[:, week] + corrected - q[:, week]
        corrected = values[:, week] + ratios[:, week] * errors
    return corrected


world = signed_up(TWIN, weeks=2)  # on the data of the record
plan = optimum(world)
log = play_episodes(today(0.5), world, 3_000, np.random.default_rng(1))
# chances: how likely the plan is to take each logged action. model: q and v of the
# formula; each half of the customers is judged by the model of the other half.
chances, model = off_policy.judged(log, log.probabilities(plan, world))
ratios = off_policy.importance_ratios(chances, log.propensities)
values = off_policy.estimates(log.rewards, ratios, model)
assert np.allclose(doubly_robust(log.rewards, ratios, *model), values["doubly robust"])
size = off_policy.effective_sample_size(ratios.prod(axis=1))
print(f"exact value {runs.query('weeks == 2')['truth'].iloc[0]:.0f}")
print(f"effective sample size {size:.0f} of {len(ratios):,}")
off_policy.table_of(values).round(0).astype(int)

# %% [markdown]
# Each estimator returns one value for each customer: their mean is the estimate, their spread gives the 95% interval. (If customers come back, bootstrap whole customers.) Here the direct method is too high, and its interval misses the exact value.
# Per-decision IPS gains nothing, because a subscription ends the episode and nearly all reward comes with it.
#
# ## When to believe the interval
#
# A 95% interval should contain the exact value in 190 of 200 logs.

# %% mystnb={"figure": {"caption": "How many of 200 logs give a 95% interval that contains the exact value, by the length of an episode. Below the weeks: the mean effective sample size.", "name": "fig-logs-coverage"}, "image": {"alt": "Line chart of coverage against weeks. With one week the intervals of importance sampling and doubly robust contain the truth in about 90 percent of the logs, below the promised 95. With more weeks importance sampling falls far below, doubly robust stays around 80 percent, and the direct method goes to zero."}} tags=["hide-input"]
shown = ["self-normalised IPS", "IPS", "direct method", "doubly robust"]
coverage = scores.loc[0.5]["coverage"].unstack()[shown]
effective = scores.loc[0.5]["effective"].unstack()["IPS"]
plots.coverage_by_horizon(coverage, effective)
plt.show()

# %% [markdown]
# **The horizon.** Every week multiplies the weights, and most episodes soon have weight 0. Of {glue:text}`logs-customers` customers the effective sample has
# {glue:text}`logs-effective-1` in one week, {glue:text}`logs-effective-2` in two, and {glue:text}`logs-effective-4` in four. IPS intervals then contain the truth in
# {glue:text}`logs-ips-coverage-1`, {glue:text}`logs-ips-coverage-2` and {glue:text}`logs-ips-coverage-4` of the logs ({numref}`fig-logs-coverage`). Most logs contain none of the few customers with very large weights. They give an estimate
# that is too low *and* an interval that is too short.
#
# **The direct method's interval is wrong even in one week** ({glue:text}`logs-dm-coverage-1`). It shows how customers differ, not how far the model may be off. The *estimate* may still be the nearest: off by {glue:text}`logs-dm-off-4` in four weeks, {glue:text}`logs-dm-off-12` in twelve (root mean square).
# Report it without the interval. Doubly robust
# holds up best ({glue:text}`logs-dr-coverage-2` in two weeks, {glue:text}`logs-dr-coverage-4` in four, {glue:text}`logs-dr-coverage-12` in twelve), but it is wide (±{glue:text}`logs-dr-wide` of the truth in four weeks).
#
# **Overlap.** The log must try what the new policy would do. Exploration has a price: with $\varepsilon = 0.05$, $0.2$ and $0.5$ today's rule earns {glue:text}`logs-price-0.05`, {glue:text}`logs-price-0.2` and {glue:text}`logs-price-0.5` less
# in twelve weeks. The folded table sets the price beside what logs of two weeks tell:

# %% tags=["hide-cell"]
earned, RULE = load_earned("twin"), "today's rule"
overlap = pd.DataFrame({
    f"ε = {epsilon:g}": {
        "effective sample size": f"{score.loc[IPS, 'effective']:.0f}",
        "median IPS estimate": f"{cell['IPS'].median() / cell['truth'].iloc[0]:.0%}",
        "coverage, IPS": f"{score.loc[IPS, 'coverage']:.0%}",
        "coverage, doubly robust": f"{score.loc[DR, 'coverage']:.0%}",
        "rule earns, $": f"{earned.loc[(RULE, epsilon), 'earned']:,.0f}",
    }
    for epsilon in (1.0, 0.5, 0.2, 0.05, 0.0)
    for cell in [runs[(runs["epsilon"] == epsilon) & (runs["weeks"] == 2)]]
    for score in [scores.loc[epsilon, 2]]
}).T  # fmt: skip
overlap

# %% [markdown]
# At $\varepsilon = 0$ IPS reports {glue:text}`logs-none-ips` of the truth (median). Self-normalised IPS reports {glue:text}`logs-none-snips` on average, and {glue:text}`logs-none-covered` of its intervals contain the truth, by luck: normalising hides the missing customers. The effective
# sample size, {glue:text}`logs-none-effective`, is deceived as well. Only the **mean weight** shows it: it should be 1, and is {glue:text}`logs-mean-weight`.
#
# **Winners.** An effective sample size of 100 with 5% winners rests on five of them. Count those too: their effective number is the same formula with weight × reward. One-week logs of 1,000 customers have an effective
# size of {glue:text}`logs-small-effective` and {glue:text}`logs-small-winners` effective winners: {glue:text}`logs-small-coverage` of IPS intervals contain the truth. With 10,000 customers, {glue:text}`logs-large-winners` winners, it is {glue:text}`logs-large-coverage`.
#
# So look at three numbers first. Do not believe IPS or its interval if
#
# - the mean weight is far from 1, or
# - the effective sample size is below {glue:text}`logs-few`: there, {glue:text}`logs-few-coverage` of intervals contained the truth at best (for doubly robust we found no such threshold), or
# - there are fewer than about {glue:text}`logs-few-winners` effective winners, which holds for doubly robust too.
#
# Then ask for more customers or exploration, fewer weeks, or a policy closer to today's.

# %% tags=["remove-cell"]
for epsilon in (0.05, 0.2, 0.5):
    lost = 1 - earned.loc[(RULE, epsilon), "earned"] / earned.loc[(RULE, 0.0), "earned"]
    glue(f"logs-price-{epsilon:g}", f"{lost:.0%}", display=False)
none, SNIPS = scores.loc[0.0, 2], "self-normalised IPS"
never = runs[(runs["epsilon"] == 0) & (runs["weeks"] == 2)]
glue("logs-none-ips", f"{(never[IPS] / never['truth']).median():.0%}", display=False)
glue("logs-none-snips", f"{1 + none.loc[SNIPS, 'bias'] / none.loc[SNIPS, 'truth']:.0%}", display=False)
glue("logs-none-covered", f"{none.loc[SNIPS, 'coverage']:.0%}", display=False)
glue("logs-none-effective", f"{none.loc[IPS, 'effective']:.0f}", display=False)
glue("logs-mean-weight", f"{none.loc[IPS, 'weight']:.2f}", display=False)
assert none.loc[IPS, "weight"] < 0.5 and none.loc[IPS, "effective"] > 100 and none.loc[IPS, "winners"] > 30
assert none.loc[IPS, "coverage"] == 0 and none.loc[SNIPS, "bias"] > 0.3 * none.loc[SNIPS, "truth"]
sizes = summary(all_runs).set_index(["epsilon", "weeks", "customers", "estimator"])
for name, customers in (("small", 1_000), ("large", 10_000)):
    score = sizes.loc[0.5, 1, customers, IPS]
    glue(f"logs-{name}-effective", f"{score['effective']:.0f}", display=False)
    glue(f"logs-{name}-winners", f"{score['winners']:.0f}", display=False)
    glue(f"logs-{name}-coverage", f"{score['coverage']:.0%}", display=False)
glue("logs-few", f"{off_policy.FEW}", display=False)
glue("logs-few-winners", f"{off_policy.FEW_WINNERS}", display=False)
few = scores[scores["effective"] < off_policy.FEW].xs(IPS, level="estimator")["coverage"]
glue("logs-few-coverage", f"{few.max():.0%}", display=False)
assert few.max() < 0.9 < scores.loc[(0.5, 1, IPS), "coverage"] < 0.95
assert (scores.loc[(0.5, 12), "coverage"] < 0.9).all()
# What the two thresholds are worth together: logs of one week that pass both, and those that pass the first alone.
week = all_runs[all_runs["weeks"] == 1]
covered = (week[IPS] - week["truth"]).abs() <= 1.96 * week[f"{IPS}, error"]
large = week["effective"] >= off_policy.FEW
assert covered[large & (week["winners"] >= off_policy.FEW_WINNERS)].mean() > 0.94 > covered[large].mean()
assert sizes.loc[(0.5, 1, 1_000), "coverage"].drop(DM).max() < 0.8  # doubly robust as well
assert sizes.loc[(0.5, 1, 10_000), "coverage"].drop(DM).min() > 0.9

# %% [markdown]
# ## Learning from the log alone
#
# Can you also *train* on a log? **Behaviour cloning** imitates it. **Fitted Q** is Q-learning on a fixed log; its maximum may pick an action that the log hardly tried, whose value is a guess.
# **Conservative Q-learning** (CQL) lowers the values of untried actions {cite:p}`kumar2020`. **Batch-constrained Q-learning** (BCQ) takes only actions that the log takes often enough
# {cite:p}`fujimoto2019b`. We judge all four exactly, over twelve weeks:

# %% mystnb={"figure": {"caption": "What four learners get out of a log, for three behaviour policies and two sizes. Each marker is one of three seeds, with a log of its own.", "name": "fig-logs-learned"}, "image": {"alt": "Three panels of dots, share of the attainable gain by learner. Random log: the three that learn values get 30 to 56 percent in most seeds, cloning falls below minus 40. Rule with 20 percent at random: fitted Q gets 31 to 49, conservative Q less, the other two equal the rule. With 2 percent at random fitted Q scatters from minus 68 to 41, all others equal the rule."}} tags=["hide-input"]
NOT_TRAINED = ("today's rule", "the log")
trained = learned[~learned["learner"].isin(NOT_TRAINED)]
rule = learned.loc[learned["learner"] == "today's rule", "share"].iloc[0]
titles = {
    1.0: "a log of random actions",
    0.2: "today's rule, 20% at random",
    0.02: "today's rule, 2% at random",
}
panels = {title: trained[trained["epsilon"] == each] for each, title in titles.items()}
plots.learned_from_logs(panels, {"today's rule": rule, "waiting": 0.0})
plt.show()

# %% tags=["remove-cell"]
mean = learned.groupby(["epsilon", "customers", "learner"])["share"].mean()
for size_of_log in (1_000, 10_000):
    share = mean[0.2, size_of_log, "fitted Q"]
    glue(f"logs-fq-rule-{size_of_log}", f"{100 * share:.0f}%", display=False)
gamble = learned.query("epsilon == 0.02 and learner == 'fitted Q'")["share"]
careful = learned.query("epsilon == 0.02 and learner in ['conservative Q', 'batch-constrained Q']")
for end, share in (("low", gamble.min()), ("high", gamble.max())):
    glue(f"logs-fq-{end}", f"{100 * share:.0f}%".replace("-", "−"), display=False)
assert np.allclose(careful["share"], rule, atol=0.01)
constrained = learned.query("epsilon == 0.2 and learner == 'batch-constrained Q'")["share"]
assert np.allclose(constrained, rule, atol=0.01)
values_learned = learned[learned["learner"].str.endswith(" Q") & (learned["epsilon"] == 1.0)]
assert values_learned["share"].min() > rule
assert learned.query("epsilon == 0.2 and learner == 'fitted Q'")["share"].min() > 0.3
glue("logs-rule-share", f"{100 * rule:.0f}%".replace("-", "−"), display=False)

# %% [markdown]
# With three seeds, compare patterns, not decimals.
#
# - **Random log.** The three that learn values beat today's rule ({glue:text}`logs-rule-share`, worse than waiting) in every seed. Cloning copies noise.
# - **20% at random.** Fitted Q gets {glue:text}`logs-fq-rule-1000` (1,000 customers) and {glue:text}`logs-fq-rule-10000` (10,000) on average. BCQ stays with the rule: each other action is too rare for its threshold.
# - **2% at random.** Fitted Q is a gamble: its seeds end between {glue:text}`logs-fq-low` and {glue:text}`logs-fq-high`. CQL and BCQ do what the rule does. They cannot find what was hardly tried.
#
# ## Rolling out
#
# Estimates from logs choose what to try. Only an experiment shows whether it works.
#
# **1. {term}`Shadow test`.** Both policies decide, only today's acts. This shows what the new one *would* do under today's budget, not what it would *earn*. Here are 42 signed-up customers in their first week. (The gains are exact; at work take a learned $q$.)

# %% tags=["hide-input"]
from crm_rl.evaluation.rolling_out import shadow
from crm_rl.planning.exact import optimal
from crm_rl.worlds.base import Action

world = signed_up(TWIN)
everyone = np.arange(world.size())
states = world.start(everyone)
plan = optimum(world)
old = today(0.0).probabilities(states, world).argmax(axis=1)
new = plan.probabilities(states, world).argmax(axis=1)
q = optimal(world.population, world.params).q
q = q[everyone, 0, states.milestones, 0, 0, states.interest]
gains = q[everyone, new] - q[:, Action.WAIT]
print(shadow(old, new, gains, np.array(world.params.action_cost)).round(2).to_string())

# %% [markdown]
# The plan would spend less, so the budget does not bind.
#
# **2. A fixed tenth, to find harm.** Give a random tenth of the customers the new policy for a few weeks. Watch opt-outs, complaints and costs. Do not wait for the gain here: to show it takes {glue:text}`logs-tenth-days` days of outcomes, against {glue:text}`logs-half-days` at one half (medians, 200 customers a day).
#
# **3. A fixed half, with a test that you may look at every day.** A z-test promises 5% false alarms for *one* look. Daily looks give many more. Instead, count winners: customers who subscribe in their first four weeks.
# Count only customers whose four weeks are over, or the policy that sells *faster* looks better. If both policies are equal and a coin gives the new one a *fixed* share $p$ of customers, each winner comes from it with probability $p$. The **evidence** against that is the likelihood averaged over all probabilities from 0 to 1, divided by that of $p$:
#
# $$
# E = \frac{1}{(n + 1) \binom{n}{k} \, p^k (1 - p)^{n-k}}
# $$ (logs-evidence)
#
# Here $k$ of $n$ winners are the new policy's. With $p = 1/2$, nine of ten give $1{,}024 / (11 \times 10) = 9.3$. If the policies are equal, $E$ *ever* exceeds 20 with a probability of at most 1/20
# (a mixture sequential probability ratio test, {cite:t}`robbins1970`).

# %% mystnb={"figure": {"caption": "2,000 pairs of equal policies, looked at every day for 100 days: how many have been declared different.", "name": "fig-logs-peeking"}, "image": {"alt": "Two lines against days. The repeated z-test climbs past 30 percent; the evidence rule stays below the promised 5 percent."}} tags=["hide-input"]
from crm_rl.evaluation.rolling_out import always_valid, evidence, verdict

rng = np.random.default_rng(13)
first_weeks = earned.xs(0.0, level="epsilon")  # exact
old_rate, new_rate = first_weeks.loc[[RULE, "best plan"], "subscribed"]


def wins_of(old, new, pairs, days, share=0.5, customers=200):
    """Return customers and winners under the old and the new policy up to each day."""
    given = rng.binomial(customers, share, (pairs, days))
    served = np.stack([customers - given, given])
    wins = rng.binomial(served, np.reshape([old, new], (2, 1, 1)))
    return served.cumsum(axis=2), wins.cumsum(axis=2)


served, wins = wins_of(old_rate, old_rate, 2_000, 100)
pooled = wins.sum(axis=0) / served.sum(axis=0)
error = np.sqrt(pooled * (1 - pooled) * (1 / served).sum(axis=0))
z = np.diff(wins / served, axis=0)[0] / np.maximum(error, 1e-9)
stopped = {
    "z-test, every day": np.abs(z) > 1.96,
    "evidence of 20": evidence(wins[1], wins.sum(axis=0)) >= 20,
}
by_day = {
    name: np.maximum.accumulate(each, axis=1).mean(axis=0) for name, each in stopped.items()
}
by_day = pd.DataFrame(by_day, index=np.arange(1, 101))
plots.false_alarms(by_day)
plt.show()

# %% tags=["remove-cell"]
from crm_rl.evaluation.rolling_out import ramp


def stops(old, new, share, days=400, pairs=1_000):
    """The day on which each pair stops, 10,000 if never, and the winners at that time."""
    _, wins = wins_of(old, new, pairs, days, share)
    stopped = evidence(wins[1], wins.sum(axis=0), share) >= 20
    day = np.where(stopped.any(axis=1), stopped.argmax(axis=1) + 1, 10_000)
    return day, np.take_along_axis(wins, np.minimum(day - 1, days - 1)[None, :, None], axis=2)[:, :, 0]


day, ended = stops(old_rate, new_rate, 0.5)
tenth, _ = stops(old_rate, new_rate, 0.1)
bad_day, bad = stops(new_rate, old_rate, 0.5)
assert (day <= 100).mean() > 0.98 and (bad_day <= 100).mean() > 0.98
assert (ended[1] > ended[0]).mean() > 0.98 and (bad[1] < bad[0]).mean() > 0.98
assert by_day.iloc[-1, 0] > 0.2 and by_day.iloc[-1, 1] < 0.05 and np.median(tenth) > 2 * np.median(day)
ratio = new_rate / old_rate
seen = (ended[1] / ended[0])[day <= 100]
assert np.mean(seen) > 1.1 * ratio  # what is seen at the stop is too large
glue("logs-peek-z", f"{100 * by_day.iloc[-1, 0]:.0f}%", display=False)
glue("logs-peek-e", f"{100 * by_day.iloc[-1, 1]:.1f}%", display=False)
glue("logs-win-rule", f"{100 * old_rate:.1f}%", display=False)
glue("logs-win-plan", f"{100 * new_rate:.1f}%", display=False)
glue("logs-half-days", f"{np.median(day):.0f}", display=False)
glue("logs-half-all", f"{np.median(day) + 28:.0f}", display=False)
glue("logs-tenth-days", f"{np.median(tenth):.0f}", display=False)
glue("logs-ratio", f"{ratio:.2f}", display=False)
glue("logs-seen", f"{np.mean(seen):.1f}", display=False)
for weeks in ("early", "earned"):
    gain = first_weeks.loc["best plan", weeks] - first_weeks.loc[RULE, weeks]
    glue(f"logs-gain-{weeks}", f"{gain:,.0f}", display=False)
    assert gain > 0
# The bandit: two equal policies, and rates that double in 26 weeks.
season = rng.random((26, 4_000)) < np.linspace(0.05, 0.1, 26)[:, None]
for name, within in (("pooled", False), ("within", True)):
    ends = [ramp(season, season, 1_400, 26, rng, delay=4, within=within)[-1] for _ in range(200)]
    glue(f"logs-bandit-{name}", f"{np.mean(np.array(ends) >= 0.85):.0%}", display=False)
    assert (np.mean(np.array(ends) >= 0.85) > 0.6) == (name == "pooled")

# %% [markdown]
# After 100 looks the z-test has declared {glue:text}`logs-peek-z` of equal pairs different, the evidence {glue:text}`logs-peek-e` (its 5% is a bound for ever).
# It has no direction, so fix three rules before the start:
#
# - $E \geq 20$ and the new rate is higher: go on to step 4.
# - $E \geq 20$ and it is lower: roll back.
# - Neither by day 100: give up, and keep today's policy.
#
# The plan wins {glue:text}`logs-win-plan` of customers, the rule {glue:text}`logs-win-rule` (exact). Then nearly all tests stop within 100 days of outcomes, half of them within {glue:text}`logs-half-days` ({glue:text}`logs-half-all` days after the start).
# Lucky runs stop early, so the ratio seen then is too large: {glue:text}`logs-seen` on average, where {glue:text}`logs-ratio` is right. Report the {term}`always-valid interval` {cite:p}`howard2021`. With 80 of 120 winners the new policy's:

# %%
print(verdict(80, 120))
print("times as many winners: {:.2f} to {:.2f}".format(*always_valid(80, 120)))

# %% [markdown]
# Four weeks are a proxy. The plan is ahead by {glue:text}`logs-gain-early` dollars a customer after four and by {glue:text}`logs-gain-earned` after twelve. With early costs and late sales the signs may differ.
#
# **Instead of step 3: a bandit.** Each week the new policy gets a share equal to the probability that it is the better one (Thompson sampling, {cite:t}`chapelle2011`). The share changes, so do not run the test on its counts. Compare *within* weeks. Totals mix up share and season (Simpson's paradox): of two *equal* policies whose rates double in half a year, the new one ends with 85% of the customers or more
# in {glue:text}`logs-bandit-pooled` of runs, instead of {glue:text}`logs-bandit-within`.
#
# **4. Everybody but a permanent holdout, and an alarm.** Keep 5% of customers on today's policy for good: without them you cannot tell a bad policy from a bad season. Keep exploring a little, so that the log can judge the next policy.
# A cumulative sum (CUSUM, {cite:t}`page1954`) adds up, week by week, the log-likelihood ratio of "the new policy's rate has halved" to "all is well", never below 0. `ratio` is the ratio of rates from step 3. Choose the threshold by simulation, here with rates that double within the year:

# %%
from crm_rl.evaluation.rolling_out import chance_of_new, cusum

holdout, delay = 0.05, 4  # delay: weeks until outcomes are known
well, ill = chance_of_new(ratio, holdout), chance_of_new(ratio / 2, holdout)
people = 1_400 * np.linspace(1, 2, 52)  # their number, or their rate
held = rng.poisson(holdout * old_rate * people, (2_000, 52))
new = rng.poisson((1 - holdout) * new_rate * people, held.shape)
halved = rng.poisson((1 - holdout) * new_rate / 2 * people, held.shape)
fine, broken = (cusum(wins, wins + held, well, ill) for wins in (new, halved))
for threshold in (4, 5, 6):
    false = (fine > threshold).any(axis=1).mean()
    weeks = (broken > threshold).argmax(axis=1).mean() + 1 + delay
    print(f"above {threshold}: {false:.0%} false alarms a year, {weeks:.0f} weeks to alarm")

# %% tags=["remove-cell"]
flat = 1_400 * np.ones(52)
held = rng.poisson(holdout * old_rate * flat, (2_000, 52))
new = rng.poisson((1 - holdout) * new_rate * flat, held.shape)
assert abs((cusum(new, new + held, well, ill) > 5).any(axis=1).mean() - (fine > 5).any(axis=1).mean()) < 0.03
assert (broken > 6).any(axis=1).all()

# %% [markdown]
# The season adds none, because it moves the holdout too.

# %% [markdown]
# ::::{exercise} ★★ Evidence with a tenth
# :label: ex-logs-tenth
#
# Only 10% of the customers get the new policy. Of the first 20 winners, 6 are its. Compute $E$. May you stop?
# ::::

# %%
k, n, share = 6, 20, 0.5  # your turn: what changes?
print(f"{float(evidence(k, n, share)):.1f}")

# %% [markdown]
# :::{solution-start} ex-logs-tenth
# :class: dropdown
# :::
#
# Now $p = 0.1$:

# %%
print(f"{float(evidence(6, 20, share=0.1)):.1f}")
assert float(evidence(6, 20, share=0.1)) < 20

# %% [markdown]
# Not yet: it is below 20. At 1/2, 6 of 20 would have been fewer than expected.
#
# :::{solution-end}
# :::
#
# ## What was published, and what it does
#
# None of the four systems (funnel, email, offers, budgets) judges its policy from logs before deployment, and none logs propensities. The budgeted-offers system names the right next steps: shadow tests, a bandit over policies, BCQ or CQL. It has code for none.
#
# Our [service](../book/service.md) logs every decision with its propensity, and its page shows how `evaluate_decisions` judges
# a policy by that log. These commands work on logs of the book's world only:
#
#     python -m crm_rl logs make --out log.csv
#     python -m crm_rl logs evaluate log.csv --policy best
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - Log the propensity of every action delivered, and keep some exploration. You cannot add either afterwards.
# - IPS is unbiased and wide; a model is narrow and biased; doubly robust uses the model and checks it.
# - Before the estimate, look at the mean weight, the effective sample size and the winners that carry weight.
# - Shadow; a tenth to find harm; a fixed half with a test valid on every day; then all but a permanent holdout, with which the alarm compares.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. IPS says 40 dollars (5 to 75); the effective sample size is 3 of 10,000. What do you report?
# :class: quiz
#
# ::::{dropdown} No estimate, and that the log cannot answer the question.
# :class-container: right
#
# The interval is computed from three customers' worth of data and misses the rare large rewards.
# ::::
# ::::{dropdown} 40 dollars with its interval, because IPS is unbiased and the interval excludes 0.
# :class-container: wrong
#
# Unbiased means right on average over many logs. Most single logs are too low, and so are their intervals.
# ::::
# ::::{dropdown} The direct method's estimate.
# :class-container: wrong
#
# It comes from a model whose error nobody has measured.
# ::::
# :::::
#
# :::::{admonition} 2. The propensities are right and the model is poor. Which estimate is unbiased?
# :class: quiz
#
# ::::{dropdown} The direct method
# :class-container: wrong
#
# It has the bias of the model.
# ::::
# ::::{dropdown} None, since a poor model spoils every estimate that uses it
# :class-container: wrong
#
# The weighted errors of equation {eq}`logs-dr` take the model's bias away.
# ::::
# ::::{dropdown} Doubly robust
# :class-container: right
#
# If the model was fitted on other customers. A poor model costs spread.
# ::::
# :::::
#
# :::::{admonition} 3. You look every day. On day 12 of a planned 100 the z-test says p = 0.03. May you stop?
# :class: quiz
#
# ::::{dropdown} Yes, 0.03 is below 0.05, whichever day it is.
# :class-container: wrong
#
# With a look each day, {glue:text}`logs-peek-z` of equal pairs got there within 100 days.
# ::::
# ::::{dropdown} Not by this test.
# :class-container: right
#
# It is valid on day 100 alone. Use a rule that is valid on every day, chosen beforehand.
# ::::
# ::::{dropdown} Yes, if it stays below 0.05 tomorrow.
# :class-container: wrong
#
# That gives fewer false alarms, but still far more than 5%.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} How do you evaluate a policy from logs?
# :class-container: interview
#
# I check that propensities of the delivered actions were logged. Then three numbers: mean weight (self-normalising hides what the log never tried), effective sample size, and winners that carry weight. If they are fine, self-normalised IPS, and doubly robust with a model fitted on other customers. Over many weeks I expect
# both to fail, and say so.
# ::::
# ::::{dropdown} Why does importance sampling fail over a long horizon?
# :class-container: interview in-the-bank
#
# The weight is a product of ratios. Its mean stays 1 while its variance can grow exponentially, so a few episodes carry everything and a typical log contains none of them.
# ::::
# ::::{dropdown} Why is offline Q-learning risky, and what do CQL and BCQ do?
# :class-container: interview in-the-bank
#
# The maximum prefers actions whose value is overestimated, and a fixed log never corrects it. CQL lowers the values of actions outside the log; BCQ restricts the maximum to actions that the log takes often enough.
# ::::
#
# ## Further reading
#
# - {cite:t}`dudik2014`: doubly robust estimates for single decisions; {cite:t}`jiang2016` for many.
# - {cite:t}`levine2020`: offline reinforcement learning, and why it is hard.
# - {cite:t}`howard2021` and {cite:t}`johari2022`: inference that you may look at.
