# %% [markdown]
# (ch-logs)=
# # Learning from logs
#
# Your network beats today's rule in the simulator. At work there is no simulator, only a log of what today's rule did. **Evaluate before you
# deploy**: if the log says how likely each action was, you can estimate what another policy would have earned, and say how sure you are. This
# chapter puts such estimates beside the exact value, shows when they fail, and then takes a policy from a log to all customers in safe steps.
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
# $\varepsilon = 0.5$ the firm takes any of the six actions instead, and it logs the probability of the action taken. This is the {term}`behaviour policy` $\mu$. The policy to be judged, $\pi$, is the best plan of chapter 3. In a simulated world we know its value
# exactly. We made 200 logs of {glue:text}`logs-customers` customers each, and asked five estimators about each log: three that weight customers (IPS), a model (direct method), and both together (doubly robust). The next sections explain them.

# %% mystnb={"figure": {"caption": "What 200 logs say of the best plan, for episodes of one and of four weeks. A dot is the mean estimate, a thick bar the middle half of the estimates, a thin line the middle 95%.", "name": "fig-logs-estimates"}, "image": {"alt": "Two panels with the estimates of five estimators around a dashed line at 100 percent, the exact value. With one week all lie around it. With four weeks importance sampling is spread from near zero to six times the exact value, doubly robust even below zero; the direct method is narrow and somewhat too low."}} tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from crm_rl import plots
from crm_rl.data.load import TWIN
from crm_rl.experiments.logs_study import load_logs, summary

plots.use_style()
runs, learned, source = load_logs("twin")
ESTIMATORS = [name.removesuffix(", error") for name in runs if name.endswith(", error")]
grown = runs[runs["epsilon"] == 0.5]
panels = {
    f"{title}": (cell := grown[grown["weeks"] == weeks])[ESTIMATORS].div(cell["truth"], axis=0)
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
for name, estimator, weeks in (("ips", IPS, 4), ("dm", DM, 4), ("dm", DM, 12)):
    score = scores.loc[0.5, weeks, estimator]
    glue(f"logs-{name}-mean-{weeks}", f"{1 + score['bias'] / score['truth']:.0%}", display=False)
glue("logs-dr-coverage-2", f"{scores.loc[0.5, 2, DR]['coverage']:.0%}", display=False)
glue("logs-dr-coverage-4", f"{scores.loc[0.5, 4, DR]['coverage']:.0%}", display=False)
glue("logs-dm-coverage-1", f"{scores.loc[0.5, 1, DM]['coverage']:.0%}", display=False)
glue("logs-dr-coverage-12", f"{scores.loc[0.5, 12, DR]['coverage']:.0%}", display=False)

# %% [markdown]
# With one week all five are close to the exact value on average. With four weeks the same number of customers says almost nothing
# ({numref}`fig-logs-estimates`): a few huge estimates pull the mean of IPS up to {glue:text}`logs-ips-mean-4` of the truth.
#
# ## Three customers by hand
#
# The {term}`importance weight` of a decision is $w = \pi(a \mid s) / \mu(a \mid s)$: how many such customers there would be under $\pi$ for each one
# in the log. It needs the {term}`propensity` $\mu(a \mid s)$, logged when the action was taken.
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
# IPS is unbiased if the log tries all that $\pi$ does, but its 21.67 is more than anybody paid. Weights add up to the number of customers only on average. The self-normalised estimate stays within what was
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
# Over several weeks the weights multiply: $\rho_{0:t} = w_0 w_1 \cdots w_t$. **Per-decision IPS** weights the reward of week $t$ by $\rho_{0:t}$
# only, because later actions cannot have caused it {cite:p}`precup2000`. The **direct method** uses no weights: it learns what actions are worth under $\pi$ from the
# log, going back from the last week (fitted Q evaluation, {cite:t}`le2019`), and reports $\hat v(s_0)$. Its bias is that of its model. The **{term}`doubly robust <doubly robust estimate>`** one corrects the model by the weighted
# errors that the log shows {cite:p}`jiang2016`. From the last week to the first, with $V = 0$ after the last:
#
# $$
# V_t = \hat v(s_t) + w_t \left( r_{t+1} + V_{t+1} - \hat q(s_t, a_t) \right)
# $$ (logs-dr)
#
# Here $r_{t+1}$ is the reward of week $t$, $\hat q$ the model's value of an action, $\hat v$ its value of a state under $\pi$, and $V_t$ the corrected value from week $t$ on.
# In Cem's only week, let the model say $\hat v = 12$ and $\hat q = 16$: then $V = 12 + 3 \, (20 - 16) = 24$.
# The estimate is unbiased, whatever the model, if the propensities are right and never 0, and the model was fitted on other customers:

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
# chances: how likely the plan is to take each logged action. model: q and v, as the formula needs them,
# learned by fitted Q evaluation: each half of the customers is judged by the model of the other half.
chances, model = off_policy.judged(log, log.probabilities(plan, world))
ratios = off_policy.importance_ratios(chances, log.propensities)
values = off_policy.estimates(log.rewards, ratios, model)
assert np.allclose(doubly_robust(log.rewards, ratios, *model), values["doubly robust"])
size = off_policy.effective_sample_size(ratios.prod(axis=1))
print(f"exact value {runs.query('weeks == 2')['truth'].iloc[0]:.0f}")
print(f"effective sample size {size:.0f} of {len(ratios):,}")
off_policy.table_of(values).round(0).astype(int)

# %% [markdown]
# Each estimator returns one value for each customer: their mean is the estimate, and their spread gives the 95% interval. In this log the direct method is too high, and its interval misses the exact value.
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
# that is too low *and* an interval that is too short. After four weeks the mean size no longer falls, but that is no information: it counts how evenly the few remaining weights are spread.
#
# **The direct method's interval is wrong even in one week** ({glue:text}`logs-dm-coverage-1`). It shows how customers differ, not how far the model may be off. The *estimate* may still be the nearest: on average it is {glue:text}`logs-dm-mean-4` of the truth in four weeks and {glue:text}`logs-dm-mean-12` in twelve.
# Report it as the model's guess, without the interval. The doubly robust
# interval holds up best ({glue:text}`logs-dr-coverage-2` in two weeks, {glue:text}`logs-dr-coverage-4` in four, {glue:text}`logs-dr-coverage-12` in twelve), but it is so wide that it hardly helps.
#
# **Overlap.** The log must try what the new policy would do. The folded table has two weeks, with less and less exploration:

# %% tags=["hide-cell"]
overlap = pd.DataFrame({
    f"ε = {epsilon:g}": {
        "effective sample size": f"{scores.loc[epsilon, 2, 'IPS']['effective']:.0f}",
        "median IPS estimate": f"{cell['IPS'].median() / cell['truth'].iloc[0]:.0%}",
        "coverage, IPS": f"{scores.loc[epsilon, 2, 'IPS']['coverage']:.0%}",
        "coverage, doubly robust": f"{scores.loc[epsilon, 2, 'doubly robust']['coverage']:.0%}",
    }
    for epsilon in (1.0, 0.5, 0.2, 0.05, 0.0)
    for cell in [runs[(runs["epsilon"] == epsilon) & (runs["weeks"] == 2)]]
}).T  # fmt: skip
overlap

# %% [markdown]
# With less exploration the typical (median) log says less and less. At $\varepsilon = 0$ the estimate is a quarter of the truth, and no interval contains it. Here even the effective sample size is
# deceived: it counts those customers for whom the plan happens to do what the rule does, and does not see that all others are missing. The **mean weight** sees it. It should be 1, and in such a log
# it is {glue:text}`logs-mean-weight`.
#
# So look at two numbers first. If the effective sample size is below {glue:text}`logs-few`, or the mean weight far from 1, do not believe IPS or its interval: below {glue:text}`logs-few` they covered the truth in {glue:text}`logs-few-coverage` of logs at best. For doubly robust we found no such line. Ask for fewer weeks, more exploration, more customers, or a policy closer to today's.

# %% tags=["remove-cell"]
glue("logs-few", f"{off_policy.FEW}", display=False)
unexplored = play_episodes(today(0.0), world, 3_000, np.random.default_rng(1))
chances, _ = off_policy.judged(unexplored, unexplored.probabilities(plan, world))
unexplored = off_policy.importance_ratios(chances, unexplored.propensities).prod(axis=1)
glue("logs-mean-weight", f"{unexplored.mean():.2f}", display=False)
assert unexplored.mean() < 0.5 and off_policy.effective_sample_size(unexplored) > 100
assert scores.loc[(0.0, 2, IPS), "coverage"] == 0
few = scores[scores["effective"] < off_policy.FEW].xs(IPS, level="estimator")["coverage"]
glue("logs-few-coverage", f"{few.max():.0%}", display=False)
assert few.max() < 0.9 < scores.loc[(0.5, 1, IPS), "coverage"] < 0.95
assert (scores.loc[(0.5, 12), "coverage"] < 0.9).all()

# %% [markdown]
# ## Learning from the log alone
#
# Can you also *train* on a log? **Behaviour cloning** imitates it. **Fitted Q** is Q-learning on a fixed log; its maximum may pick an action that the log hardly tried, whose value is a guess.
# **Conservative Q-learning** (CQL) lowers the values of untried actions {cite:p}`kumar2020`. **Batch-constrained Q-learning** (BCQ) chooses only among actions that the log takes often enough
# {cite:p}`fujimoto2019b`. We judge all four exactly, over twelve weeks:

# %% mystnb={"figure": {"caption": "What four learners get out of a log, for three behaviour policies and two sizes. Each marker is one of three seeds, with a log of its own.", "name": "fig-logs-learned"}, "image": {"alt": "Three panels of dots, share of the attainable gain by learner. Random log: the three that learn values get 30 to 56 percent in most seeds, cloning falls below minus 40. Rule with 20 percent at random: fitted Q gets 31 to 49, conservative Q less, the other two equal the rule. With 2 percent at random fitted Q scatters from minus 68 to 41, all others equal the rule."}} tags=["hide-input"]
RULES = ("today's rule", "the log")
trained = learned[~learned["learner"].isin(RULES)]
rule = learned.loc[learned["learner"] == "today's rule", "share"].iloc[0]
titles = {
    1.0: "a log of random actions",
    0.2: "today's rule, 20% at random",
    0.02: "today's rule, 2% at random",
}
plots.learned_from_logs(
    {title: trained[trained["epsilon"] == epsilon] for epsilon, title in titles.items()},
    {"today's rule": rule, "waiting": 0.0},
)
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
# With 1,000 updates and three seeds, compare patterns, not decimals.
#
# - **Random log.** The three that learn values beat today's rule in every seed. The rule has {glue:text}`logs-rule-share`, worse than waiting: each contact by the account manager costs 20 dollars, and some customers opt out.
# - **20% at random.** Fitted Q gets {glue:text}`logs-fq-rule-1000` and {glue:text}`logs-fq-rule-10000` on average. Batch-constrained Q stays with the rule, because each other action is too rare for its threshold.
# - **2% at random.** Fitted Q is a gamble: its seeds end between {glue:text}`logs-fq-low` and {glue:text}`logs-fq-high`. The two careful methods do what the rule does. They cannot find what was hardly tried.
#
# ## Rolling out
#
# Estimates from logs choose what to try. Only an experiment shows whether it works, in four steps.
#
# **1. {term}`Shadow test`.** Both policies decide, only today's acts. This shows what the new one *would* do, under the budget that today's rule spends. A shadow test cannot show what it would *earn*. Here are the smooth world's 42 signed-up customers in their first week, with the dollars spent on all of them. The gains are exact; at work a learned $q$ takes their place.

# %%
from crm_rl.evaluation.rolling_out import cusum, evidence, ramp, shadow
from crm_rl.planning.exact import optimal
from crm_rl.worlds.base import Action

world = signed_up(TWIN)
everyone = np.arange(world.size())
states = world.start(everyone)
plan = optimum(world)
old = today(0.0).probabilities(states, world).argmax(axis=1)
new = plan.probabilities(states, world).argmax(axis=1)
q = optimal(world.population, world.rules).q
q = q[everyone, 0, states.milestones, 0, 0, states.interest]
gains = q[everyone, new] - q[:, Action.WAIT]
print(shadow(old, new, gains, np.array(world.rules.action_cost)).round(2).to_string())

# %% [markdown]
# The plan would spend less than the rule, so the budget does not bind.
#
# **2. A tenth of the customers first, then a bandit over policies.** Each week the new policy gets a share equal to the probability that it is the better one (Thompson sampling, {cite:t}`chapelle2011`), between 10%
# and 90%. Nobody can wait twelve weeks for each outcome, so we count what customers bring in their first four; until then the share stays at 10%. We simulate 1,400 new customers a week, with the plan and with random actions:

# %%
rng = np.random.default_rng(13)
earned = {
    name: play_episodes(policy, world, 4_000, rng).rewards[:, :4].sum(axis=1)
    for name, policy in {"rule": today(0.0), "plan": plan, "random": today(1.0)}.items()
}
for name in ("plan", "random"):
    pair = earned["rule"], earned[name]
    share = np.mean([ramp(*pair, 1_400, 12, rng, delay=4) for _ in range(200)], axis=0)
    print(f"{name:6}", " ".join(f"{100 * each:3.0f}%" for each in share))

# %% [markdown]
# Once outcomes are in, the plan soon gets nearly all customers that it may get. Random actions get a few more than a tenth at first, then fall back to it.
#
# **3. A stopping rule that you may look at every day.** A t-test or z-test promises 5% false alarms for *one* look. Daily tests give many more.
# Instead, count winners (new subscribers). If both policies are equal and the new one gets a *fixed* share $p$ of the customers at random, each winner comes from it with probability $p$. The bandit of step 2 changes the share every week, so do not run this test on its counts. The **evidence** against $p$ is
#
# $$
# E = \int_0^1 \frac{\theta^k (1 - \theta)^{n-k}}{p^k (1 - p)^{n-k}} \, d\theta = \frac{1}{(n + 1) \binom{n}{k} \, p^k (1 - p)^{n-k}}
# $$ (logs-evidence)
#
# for $k$ winners of the new policy among $n$. With $p = 1/2$ nine of ten give $1{,}024 / (11 \times 10) = 9.3$. If the policies are equal, $E$ *ever* exceeds 20 with a probability of at most 1/20: this is a mixture sequential probability ratio test
# {cite:p}`robbins1970`, and the {term}`always-valid interval` is its relative {cite:p}`howard2021`.

# %% mystnb={"figure": {"caption": "2,000 pairs of equal policies, looked at every day for 100 days: how many have been declared different.", "name": "fig-logs-peeking"}, "image": {"alt": "Two lines against days. The repeated z-test climbs past 30 percent; the evidence rule stays below the promised 5 percent."}} tags=["hide-input"]
win = {name: float((returns > 1_000).mean()) for name, returns in earned.items()}


def alarms(first, second, pairs, customers=100, days=100):
    """Return when a daily z-test and the evidence have stopped: shape (pairs, days)."""
    wins = np.stack([rng.binomial(customers, p, (pairs, days)) for p in (first, second)])
    wins = wins.cumsum(axis=2)
    served = customers * np.arange(1, days + 1)
    pooled = wins.sum(axis=0) / (2 * served)
    error = np.sqrt(2 * pooled * (1 - pooled) / served)
    z = (wins[1] - wins[0]) / served / np.maximum(error, 1e-9)
    stopped = np.abs(z) > 1.96, evidence(wins[1], wins.sum(axis=0)) >= 20
    return [np.maximum.accumulate(each, axis=1) for each in stopped]


equal = alarms(win["rule"], win["rule"], 2_000)
by_day = pd.DataFrame(
    {"z-test, every day": equal[0].mean(axis=0), "evidence of 20": equal[1].mean(axis=0)},
    index=np.arange(1, 101),
)
plots.false_alarms(by_day)
plt.show()

# %% tags=["remove-cell"]
better = alarms(win["rule"], win["plan"], 500)[1]
glue("logs-peek-z", f"{100 * by_day.iloc[-1, 0]:.0f}%", display=False)
glue("logs-peek-e", f"{100 * by_day.iloc[-1, 1]:.1f}%", display=False)
glue("logs-win-rule", f"{100 * win['rule']:.0f}%", display=False)
glue("logs-win-plan", f"{100 * win['plan']:.0f}%", display=False)
glue("logs-stop-days", f"{np.median(np.where(better[:, -1], (~better).sum(axis=1) + 1, 999)):.0f}", display=False)
assert by_day.iloc[-1, 0] > 0.2 and by_day.iloc[-1, 1] < 0.05 and better[:, -1].mean() > 0.9

# %% [markdown]
# After 100 looks the z-test has declared {glue:text}`logs-peek-z` of equal pairs different, the evidence {glue:text}`logs-peek-e`. Its 5% is a bound for looking for ever, and here each policy gets exactly 100 customers a day, which varies less than a coin. With the plan against today's rule
# ({glue:text}`logs-win-plan` against {glue:text}`logs-win-rule` subscribe within four weeks) half of the runs stop within {glue:text}`logs-stop-days` days of outcomes. The first outcomes come four weeks after the start.
#
# **4. An alarm for afterwards.** A cumulative sum (CUSUM, {cite:t}`page1954`) adds up week by week the log-likelihood ratio of "the rate has halved" to "all is well", never below 0. If we expect 10 subscriptions a week, a week with $x$ adds $5 - x \ln 2$: with five, $5 - 3.5 = 1.5$. Choose the threshold by simulation, for the false alarms
# that you can live with:

# %%
well = cusum(rng.poisson(10, (2_000, 52)), expected=10)
halved = cusum(rng.poisson(5, (2_000, 52)), expected=10)
for threshold in (4, 5, 6):
    false = (well > threshold).any(axis=1).mean()
    weeks = (halved > threshold).argmax(axis=1).mean() + 1
    print(f"above {threshold}: {false:.0%} false alarms a year; {weeks:.1f} weeks to an alarm")

# %% [markdown]
# ::::{exercise} ★★ Evidence with a tenth
# :label: ex-logs-tenth
#
# Only 10% of the customers get the new policy. After 20 winners, 6 of them come from it. Compute $E$. May you stop?
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
# None of the four systems (funnel, email, offers, budgets) judges its policy from logs before deployment, and none logs propensities. The budgeted-offers system names the right next steps: shadow tests under equal budget, a bandit at the level of policies that begins
# with 10% of the traffic, and offline learning with BCQ or CQL. It has code for none, and expects BCQ and CQL from sb3-contrib, where we find neither in the version that this book uses. Our [service](../book/service.md) logs every decision with its propensity; `off_policy.evaluate_decisions`
# reads such a log. On the command line:
#
#     python -m crm_rl logs make --out log.csv
#     python -m crm_rl logs evaluate log.csv --policy best
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - Log the propensity of every action, and keep some exploration. You cannot add either afterwards.
# - IPS is unbiased and wide; a model is narrow and biased; doubly robust uses the model and checks it.
# - Weights multiply over weeks. Look at the effective sample size and the mean weight before you look at the estimate.
# - Shadow, a tenth, a stopping rule that is valid on every day, an alarm: then all customers.
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
# It rests on the same few customers, through a model whose error nobody has measured.
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
# I check that propensities were logged and that the log tried what the policy would do: effective sample size and mean weight first. Then self-normalised IPS and doubly robust with a model fitted on other customers. Over many weeks I expect
# it to fail, and say so.
# ::::
# ::::{dropdown} Why does importance sampling fail over a long horizon?
# :class-container: interview
#
# The weight is a product of ratios. Its mean stays 1 while its variance can grow exponentially, so a few episodes carry everything and a typical log contains none of them.
# ::::
# ::::{dropdown} Why is offline Q-learning risky, and what do CQL and BCQ do?
# :class-container: interview
#
# The maximum prefers actions whose value is overestimated, and a fixed log never corrects it. CQL adds a penalty that lowers the values of actions outside the log; BCQ restricts the maximum to actions that the log takes often enough.
# ::::
#
# ## Further reading
#
# - {cite:t}`dudik2014`: doubly robust estimates for single decisions; {cite:t}`jiang2016` for many.
# - {cite:t}`levine2020`: offline reinforcement learning, and why it is hard.
# - {cite:t}`howard2021` and {cite:t}`johari2022`: inference that you may look at.
