# %% [markdown]
# (ch-offers)=
# # Offers
#
# A shop may send each customer one of 144 offers. An agent learns which one, and comes close to the highest reward there is. Yet among the offers that this reward calls
# equally good, some earn more than sending nothing and some less. **What the reward does not see cannot be learned.** So before you choose an algorithm, look at what its reward can tell apart.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to find the best rule for a reward by enumeration, before any training
#   - to make a response model whose exact answer you know
#   - to write LinUCB, and to compare it with Thompson sampling, PPO and DQN at equal data
#   - what a policy misses that looks at one week only, and what a contact cap can do about it
#
# You need
# : [The funnel as an MDP](03_funnel_mdp.ipynb), [deep Q-networks](06_dqn.ipynb) and [a fair match](07_fair_match.ipynb).
#
# Time
# : 27 minutes to read, 15 seconds to run.
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
# ## Four groups, 144 offers
#
# An action is an offer, a value (a price cut, which may come on top of any offer), a channel and a time of sending. The published reward ({eq}`offers-published`, below) makes four groups of them. The figure shows what each action
# earns in the world that we build below.

# %% mystnb={"figure": {"caption": "Each dot is one of the 144 actions, sent to 1,000 customers every week for 12 weeks; its height is the exact profit in our response model. The published reward cannot tell the dots of a column apart, and it puts the rightmost column first.", "name": "fig-offers-groups"}, "image": {"alt": "Four columns of dots. The rightmost, discount by email, has the highest published reward; about half of its twelve dots lie below the dashed line of sending nothing. The most profitable actions are in the column of other offers by email."}} tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from crm_rl import plots
from crm_rl.case_studies.offers.published import one_line_rule, rewards_of_all
from crm_rl.case_studies.offers.response import FATIGUE, HABIT, RESPONSE, optimal, share_of_gain
from crm_rl.case_studies.offers.simulator import values_of
from crm_rl.evaluation.intervals import in_digits, over_seeds
from crm_rl.experiments.offers_study import MET, UNSEEN, ends_of, load_offers, world_of

plots.use_style()
world = world_of(str(RESPONSE), MET)
customers, catalogue, response = world.customers, world.catalogue, world.response
silent, best = ends_of(world)
SHAPE = (response.weeks, len(silent), FATIGUE, HABIT)
repeated = np.array([
    values_of(world, np.broadcast_to(np.array(action), SHAPE))
    for action in range(len(catalogue.actions))
])  # fmt: skip
seen = rewards_of_all(customers.features, catalogue).mean(axis=0)
discount, email = catalogue.offer == 0, catalogue.channel == 0
groups = {
    "neither": ~discount & ~email,
    "other offer\nby email": ~discount & email,
    "discount by\nsms or push": discount & ~email,
    "discount\nby email": discount & email,
}
plots.reward_and_profit(
    {name: (seen[group].mean(), repeated[group].mean(axis=1)) for name, group in groups.items()},
    silent.mean(),
)
plt.show()

# %% tags=["remove-cell"]
from myst_nb import glue

dollars = repeated.mean(axis=1).round(6)
rule = one_line_rule(catalogue)
champion = int(dollars.argmax())
for name, value in {
    "rule-low": dollars[rule].min(),
    "rule-high": dollars[rule].max(),
    "silent": silent.mean(),
    "champion": dollars[champion],
}.items():
    glue(f"offers-{name}", f"{value:.2f}", display=False)
glue("offers-champion-reward", f"{seen[champion]:.2f}", display=False)
glue("offers-rule-reward", f"{seen[rule[0]]:.2f}", display=False)
glue("offers-champion-name", str(catalogue.actions[champion]), display=False)
glue("offers-rule-losses", str(int((dollars[rule] < silent.mean()).sum())), display=False)
assert dollars[rule].min() < silent.mean() < dollars[rule].max() < dollars[champion]
assert len(rule) == 12 and not discount[champion] and email[champion]

# %% [markdown]
# The twelve actions at the top of the published reward earn between {glue:text}`offers-rule-low` and {glue:text}`offers-rule-high` dollars a customer. Sending *nothing* earns {glue:text}`offers-silent`, and
# {glue:text}`offers-rule-losses` of the twelve earn less than that ({numref}`fig-offers-groups`). The best single action, {glue:text}`offers-champion-name`, earns {glue:text}`offers-champion`. Its published reward is {glue:text}`offers-champion-reward` on average, and that of the twelve {glue:text}`offers-rule-reward`.
#
# ## From events to ten features
#
# The recommender starts from a log: who viewed, filled a cart or bought what, when, and through which channel. Ten numbers sum up each customer: days since the last visit (**R**ecency), sessions (**F**requency), dollars
# spent (**M**onetary value), an engagement score, the shares of purchases with a discount and with free shipping, the shares of sessions by email, SMS and push, and days since the last purchase. A share of few cases says little, so half a case
# is added to both sides: one purchase with a discount out of one gives $1.5 / 2 = 0.75$, none out of none gives 0.5.
#
# At work the share of purchases with a discount also reflects past targeting: send somebody discounts, and they become "sensitive". Measure sensitivity in a randomised test. And SMS and push each need consent: see {ref}`before any ranking <before-ranking>` in chapter 10.
#
# No real log comes with the book. A generator draws customers with known preferences and lets them shop for 90 days. On the command line:
#
# ```
# python -m crm_rl offers generate --out log.csv
# python -m crm_rl offers features log.csv
# python -m crm_rl offers recommend --user 42 --log log.csv
# ```
#
# Your own .csv or .xlsx with the same columns works, too. The last command applies the exact plan below, and gives a reason.
#
# ## What was published, and what it does
#
# The catalogue has 4 offers (discount, free shipping, product recommendation, bundle), 3 values (5, 10 or 15% off), 3 channels (email, SMS, push) and 3 timings (at once, after 1 or 6 hours). That makes 108; the 144 of the description
# needs a fourth value, 0, with which a discount is a mere reminder. The published reward is
#
# $$
# \begin{aligned}
# r = 0.1 &+ 0.5 \; [\text{discount, and the customer is sensitive to discounts}] \\
# &+ 0.3 \; [\text{email, and the customer opens more than half}],
# \end{aligned}
# $$ (offers-published)
#
# cut at 1, which never happens: the most is 0.9. A customer is *sensitive* if the share of purchases with a discount is above 0.5 (without purchases it is not). No feature is an open rate; a share of sessions by email above 0.5 stands in.
# Value, timing, SMS, push and cost do not occur in the reward. No action changes a customer.
#
# :::{admonition} By hand: two customers
# :class: by-hand
#
# | | discount by email | discount by SMS | bundle by email | bundle by SMS |
# |---|--:|--:|--:|--:|
# | Ann: sensitive, opens emails | 0.9 | 0.6 | 0.4 | 0.1 |
# | Bo: neither | 0.1 | 0.1 | 0.1 | 0.1 |
#
# A discount by email is the best action for Ann, and no worse than the others for Bo.
# :::
#
# Neither bracket can hurt, so **"send everybody a discount by email"** is optimal for every customer there can be, without a single feature. No agent is needed: 1,000 customers times 144 actions are quickly enumerated.

# %%
rewards = rewards_of_all(customers.features, catalogue)
is_best = rewards == rewards.max(axis=1, keepdims=True)
always = is_best.all(axis=0)
print("best for every customer:", always.sum(), "of", len(always), "actions")
ties, counts = np.unique(is_best.sum(axis=1), return_counts=True)
for number, count in zip(ties, counts, strict=True):
    print(f"{count:3} customers have {number:3} best actions")

# %% tags=["remove-cell"]
assert np.flatnonzero(always).tolist() == rule.tolist()
runs, source = load_offers()
published = runs[runs["arm"] == "PPO, published reward"]
glue("offers-ppo-seeds", str(len(published)), display=False)
glue("offers-ppo-steps", f"{published['weeks'].iloc[0]:,}", display=False)
reached = published["reward"] / published["reward_best"]
glue("offers-ppo-reward", f"{100 * reached.min():.0f}%", display=False)
assert (reached.iloc[:2] == 1).all() and 0.9 < reached.iloc[2] < 1 and len(published) == 3
assert published["dollars_met"].idxmin() == published.index[2] and published["dollars_met"].min() < silent.mean()

# %% [markdown]
# The 12 are the discounts by email, 36 the discounts on any channel, 48 any offer by email.
#
# The published agent is PPO {cite:p}`schulman2017`, a policy-gradient method: its network gives each action a probability, and an update makes actions that earned more than expected a little more likely. The description names no settings, so we took Stable-Baselines3's {cite:p}`raffin2021`, and
# trained it on this reward with {glue:text}`offers-ppo-steps` offers, {glue:text}`offers-ppo-seeds` times. What do the runs send, and what would that earn in our world if they sent it every week?

# %% tags=["hide-input"]
rows = {}
for run in published.itertuples():
    sent = dict(tuple(map(int, pair.split(":"))) for pair in run.actions.split())
    most = max(sent, key=sent.get)
    offer, way = str(catalogue.actions[most]).split(" via ")
    rows[f"run {run.seed + 1}"] = {
        "most frequent offer": offer,
        "by": way.split()[0],
        "reward reached": f"{run.reward / run.reward_best:.0%}",
        "$ a customer": f"{run.dollars_met:.2f}",
    }
pd.DataFrame(rows).T

# %% [markdown]
# Runs 1 and 2 reach the highest reward with different mixtures and different profits. Where actions tie, training picks one by chance; "15% discount via email", on the description's sample card, is one of twelve equals. The fault is not PPO's: no algorithm can prefer 5% to 15%
# if both pay the same. (Run 3 is still at {glue:text}`offers-ppo-reward`, and earns less than sending nothing, {glue:text}`offers-silent`.)
#
# ::::{exercise} ★ Make the value count
# :label: ex-offers-value
#
# Somebody proposes to add $0.02$ times the value in percent to the reward of customers who are sensitive to discounts. What is the best action for Ann now? What does the shop pay on a basket of \$45?
# ::::
#
# :::{solution-start} ex-offers-value
# :class: dropdown
# :::
#
# A discount of 5%, 10% or 15% by email: 5% reaches 1 as well ($0.9 + 0.1$), and there the reward is cut. So the values still tie. Without the cut the largest value would win, always. The shop pays between \$2.25 and \$6.75,
# and the reward does not know it.
#
# :::{solution-end}
# :::
#
# ## A world in which the rest matters
#
# Our response model asks what a customer *does*. All its numbers are assumptions, written down in one file before any agent was trained.
#
# - **Who.** Four yes-or-no questions about the features (sensitive to discounts? likes free shipping? spends much? engaged?) have 16 patterns of answers. With the customer's own channel, one of three, that makes 48 types.
# - **Purchase.** Each week, the log-odds of a purchase are a base plus what the message adds: an offer that suits, 10% off (0.7 for the sensitive, 0.1 for others), the right channel, the right time.
# - **Fatigue**, 0 to 3. A message may raise it by one (SMS most often, email least), a week without one may lower it. Each level takes 0.3 off what a message adds to the log-odds, and 0.05 off the base.
# - **Habit**, 0 to 2. Price cuts teach customers to wait for the next one. Each level takes 0.8 off the log-odds at full price.
# - **Reward.** The profit of a purchase (margin less price cut, shipping and bundle) minus the cost of the message.
#
# The agent may also send nothing, a 145th action that the published catalogue lacks. A type has $4 \times 3$ states in each of 12 weeks, so backward induction ([chapter 3](03_funnel_mdp.ipynb)) solves all 48 types exactly:

# %%
q = optimal(response)  # weeks, types, fatigue, habit, actions
plan = q.round(9).argmax(axis=4)
week_by_week = response.reward.round(9).argmax(axis=3)  # looks at this week only
nothing = len(catalogue.actions)  # the number of the last action


def dollars_of(actions):
    """What a plan earns a customer; actions have shape (weeks, types, 4, 3)."""
    chosen = np.broadcast_to(actions, plan.shape)[:, customers.types]
    return values_of(world, chosen)


myopic = dollars_of(week_by_week)
for name, values in {"nothing": silent, "myopic": myopic, "best plan": best}.items():
    share = share_of_gain(values, silent, best)
    print(f"{name:9}  ${values.mean():5.2f} a customer   share of the gain {share:.2f}")

# %% tags=["remove-cell"]
assert np.allclose(dollars_of(plan), best)
ceiling = share_of_gain(myopic, silent, best)
glue("offers-myopic", f"{ceiling:.2f}", display=False)


def sent_by(actions) -> tuple[float, float]:
    """Return how many messages, and how many price cuts, a customer gets on average."""
    chosen = np.broadcast_to(actions, plan.shape)[:, customers.types]
    cuts = np.append(catalogue.value, 0)
    here = np.zeros((len(silent), FATIGUE, HABIT))
    here[:, 0, 0] = 1
    messages = reductions = 0.0
    for actions_now in chosen:
        messages += (here * (actions_now < len(catalogue.actions))).sum()
        reductions += (here * (cuts[actions_now] > 0)).sum()
        here = np.einsum(
            "nfh,nfhg,nfhk->ngk",
            here,
            response.tires[actions_now, np.arange(FATIGUE)[:, None]],
            response.teaches[actions_now, np.arange(HABIT)],
        )
    return messages / len(silent), reductions / len(silent)


for name, actions in {"best": plan, "myopic": week_by_week}.items():
    messages, reductions = sent_by(actions)
    glue(f"offers-messages-{name}", f"{messages:.1f}", display=False)
    glue(f"offers-cuts-{name}", f"{reductions:.1f}", display=False)
assert sent_by(plan)[0] + 2 < sent_by(week_by_week)[0] and sent_by(plan)[1] < sent_by(week_by_week)[1]
second = plan[1, customers.types, :2, :2] == nothing  # who can be met then: fatigue and habit 0 or 1
assert not second[:, 0].any() and second[:, 1].all()

# %% [markdown]
# ## What a myopic policy misses
#
# The **myopic** policy knows the model perfectly, and takes the action with the highest profit of *this week*. It gets {glue:text}`offers-myopic` of the attainable {term}`gain <share of the attainable gain>`. What it misses:
#
# - It sends {glue:text}`offers-messages-myopic` messages in 12 weeks, the best plan {glue:text}`offers-messages-best`. In the second week, the best plan writes to every fresh customer and to no tired one (fatigue 1 or more).
# - It cuts prices {glue:text}`offers-cuts-myopic` times, the best plan {glue:text}`offers-cuts-best` times. A cut sells today, and makes the next full price harder to sell.
#
# A contextual bandit counts this week only, by design: it heads for the myopic policy.
#
# ::::{exercise} ★★ Rest the tired
# :label: ex-offers-cap
#
# Let the myopic policy send nothing to customers who are tired (fatigue 1 or more). Predict: does it get more or less than before? `week_by_week` has shape (types, fatigue, habit).
# ::::

# %%
rested = week_by_week.copy()
# your turn: the action for tired customers is `nothing`
print(f"{share_of_gain(dollars_of(rested), silent, best):.2f}")

# %% [markdown]
# :::{solution-start} ex-offers-cap
# :class: dropdown
# :::

# %%
rested[:, 1:] = nothing
print(f"{share_of_gain(dollars_of(rested), silent, best):.2f}")

# %% tags=["remove-cell"]
with_rest = share_of_gain(dollars_of(rested), silent, best)
glue("offers-rested", f"{with_rest:.2f}", display=False)
glue("offers-messages-rested", f"{sent_by(rested[None].repeat(len(plan), axis=0))[0]:.1f}", display=False)
assert with_rest - ceiling > (1 - ceiling) / 2

# %% [markdown]
# More: one line closes more than half of the gap to the optimum.
#
# :::{solution-end}
# :::
#
# But this fatigue, unlike chapter 3's, no firm observes. Firms cap how many messages they send. Let us cap the same policy; `with_cap` adds the past weeks to the state, and evaluates exactly:

# %%
from crm_rl.case_studies.offers.contact_caps import planned_schedule, with_cap

print(f"no cap               {ceiling:.2f}")
for most, weeks in ((1, 2), (2, 3), (3, 4), (5, 6)):
    values = with_cap(response, week_by_week, most, weeks).values[customers.types]
    print(f"at most {most} in {weeks} weeks {share_of_gain(values, silent, best):.2f}")
for pauses in ([3, 9], [3, 6]):
    weekly = np.stack([week_by_week] * response.weeks)
    weekly[np.array(pauses) - 1] = nothing  # for everybody
    share = share_of_gain(dollars_of(weekly), silent, best)
    print(f"pauses in {pauses}     {share:.2f}")

# %% tags=["remove-cell"]
def share_with(actions, most: int, weeks: int) -> float:
    """Return the share of the attainable gain under a cap by count."""
    return share_of_gain(with_cap(response, actions, most, weeks).values[customers.types], silent, best)


caps = {(most, weeks): share_with(week_by_week, most, weeks) for weeks in range(2, 8) for most in range(1, weeks)}
shown = [caps[cap] for cap in ((1, 2), (2, 3), (3, 4), (5, 6))]
assert max(shown) < ceiling - 0.02
best_cap = max(caps, key=caps.get)
glue("offers-caps", str(len(caps)), display=False)
glue("offers-caps-worse", str(sum(share < ceiling for share in caps.values())), display=False)
glue("offers-best-cap", "{} in {}".format(*best_cap), display=False)
glue("offers-best-capped", f"{caps[best_cap]:.2f}", display=False)
glue("offers-three-in-four", f"{caps[3, 4]:.2f}", display=False)
glue("offers-two-pauses", f"{share:.2f}", display=False)
assert share > ceiling + 0.04 > caps[5, 6] + 0.08  # as many messages: the cap pauses in weeks 6 and 12
assert ceiling < caps[best_cap] < ceiling + 0.04 < with_rest
# a policy that takes everybody for fresh, and so needs no fatigue or habit, fares alike
blind = np.broadcast_to(week_by_week[:, :1, :1], week_by_week.shape)
assert all(share_with(blind, *cap) < share_with(blind, 2, 2) - 0.02 for cap in ((1, 2), (2, 3), (3, 4), (5, 6)))
schedule = planned_schedule(response)
scheduled = share_of_gain(dollars_of(schedule[:, :, None, None].repeat(FATIGUE, 2).repeat(HABIT, 3)), silent, best)
glue("offers-scheduled", f"{scheduled:.2f}", display=False)
assert share < scheduled < with_rest and caps[best_cap] + 0.03 < scheduled

# %% [markdown]
# All four caps do worse: each pauses in week 12, where tiring costs nothing. Five in six weeks pauses in weeks 6 and 12; two pauses in better weeks help. **When to rest matters more than how often.** Of {glue:text}`offers-caps` caps over two to seven weeks, {glue:text}`offers-caps-worse` do harm; the best, {glue:text}`offers-best-cap`, gets {glue:text}`offers-best-capped`.
#
# If you know the model, you need not see fatigue: plan each type's 12 weeks ahead, pauses and channels included. `planned_schedule` gets {glue:text}`offers-scheduled`. (Firms also cap against complaints and unsubscribes, which this world does not have.)
#
# ## LinUCB
#
# How do you learn this week's profit with 145 actions? A {term}`contextual bandit` that learned each action on its own would need many customers for each. Instead, describe a *pair* of customer and action by a vector $x$, and assume that
# the expected reward is $x^\top \theta$. What you learn about one email then helps with all emails. Ridge regression needs two sums:
#
# $$
# A = I + \sum_i x_i x_i^\top, \qquad b = \sum_i r_i x_i, \qquad \hat\theta = A^{-1} b .
# $$ (offers-sums)
#
# **{term}`LinUCB`** {cite:p}`li2010` takes the action with the highest *upper bound*. What is uncertain gets a bonus, so it is tried:
#
# $$
# \text{score}(x) = x^\top \hat\theta + \alpha \sqrt{x^\top A^{-1} x} .
# $$ (offers-ucb)
#
# **{term}`Thompson sampling`** {cite:p}`thompson1933,russo2018` draws one $\theta$ from $N(\hat\theta, \sigma^2 A^{-1})$ and takes the action that is best for it; $\sigma$ sets how widely it explores. Both stop exploring an action when they are sure of it.
#
# :::{admonition} By hand: one update
# :class: by-hand
#
# With two numbers in $x$, we start from $A = I$ and $b = 0$. We choose $x = (1, 0)$, and the reward is 2.
#
# - $A = \begin{pmatrix} 2 & 0 \\ 0 & 1 \end{pmatrix}$, $\; b = (2, 0)$, $\; \hat\theta = (2/2,\; 0/1) = (1, 0)$.
# - The same $x$ again, with $\alpha = 1$: $1 + \sqrt{1/2} = 1.71$.
# - The other one, $x = (0, 1)$: $0 + \sqrt{1} = 1$.
# - With $\alpha = 4$: $1 + 4 \times 0.71 = 3.83$ against $4$. Now the untried one wins.
# :::
#
# ::::{exercise} ★★ Write LinUCB
# :label: ex-offers-linucb
#
# Complete the two functions. They run as they stand, but learn nothing, and explore nothing. `check` gives you a hint.
# ::::


# %% tags=["remove-cell"]
def check(update, score) -> str:
    """Try a reader's LinUCB on cases worked by hand, and hint at what is wrong."""
    A, b = update(np.eye(2), np.zeros(2), np.array([1.0, 0.0]), 2.0)
    A, b = np.asarray(A, float), np.asarray(b, float)
    if np.allclose(A, np.eye(2)):
        return "A did not change. Add the outer product of x with itself."
    if A.shape != (2, 2) or not np.allclose(A, [[2, 0], [0, 1]]):
        return f"A should be [[2, 0], [0, 1]] after x = (1, 0), not {A.tolist()}. np.outer(x, x) is a matrix, x @ x a number."
    if not np.allclose(b, [2, 0]):
        return f"b should be (2, 0) after a reward of 2, not {b.tolist()}. Add reward * x."
    A, b = update(A, b, np.array([1.0, 1.0]), 3.0)
    expected = [[3, 1], [1, 2]]
    if not np.allclose(A, expected) or not np.allclose(b, [5, 3]):
        return "The second update is wrong: add to the old sums, do not replace them."
    got = float(score(np.array(expected, float), np.array([4.0, 3.0]), np.array([0.0, 1.0]), 2.0))
    if np.isclose(got, 1.0):
        return "Right estimate, no bonus: the score does not yet use alpha."
    if np.isclose(got, 1 + 2 * 0.6):
        return "The bonus is a standard error: take the square root."
    if np.isclose(got, 1 + 2 * np.sqrt(2.0)):
        return "The bonus needs the inverse of A, not A."
    if not np.isclose(got, 1 + 2 * np.sqrt(0.6)):
        return f"The score of a case worked by hand should be 2.55, not {got:.2f}."
    return "Right: both sums, the estimate and the bonus."


# %%
def update(A, b, x, reward):
    """Return the two sums after one more example; A is (d, d), b and x are (d,)."""
    return A, b  # your turn


def score(A, b, x, alpha):
    """Return the upper bound of x."""
    theta = np.linalg.solve(A, b)
    return x @ theta  # your turn: the bonus


print(check(update, score))

# %% [markdown]
# :::{solution-start} ex-offers-linucb
# :class: dropdown
# :::


# %%
def update(A, b, x, reward):
    """Return the two sums after one more example; A is (d, d), b and x are (d,)."""
    return A + np.outer(x, x), b + reward * x


def score(A, b, x, alpha):
    """Return the upper bound of x."""
    theta = np.linalg.solve(A, b)
    return x @ theta + alpha * np.sqrt(x @ np.linalg.solve(A, x))


print(check(update, score))

# %% tags=["remove-cell"]
from crm_rl.case_studies.offers import bandits

rng = np.random.default_rng(0)
sums, A, b = bandits.no_data(4), np.eye(4), np.zeros(4)
for _ in range(20):
    x, reward = rng.normal(size=4), rng.normal()
    sums, (A, b) = bandits.update(sums, x[None], np.array([reward])), update(A, b, x, reward)
assert np.allclose(A, sums.A) and np.allclose(b, sums.b)
assert np.isclose(score(A, b, x, 2.0), bandits.upper_bounds(sums, x[None], 2.0)[0])
assert "no bonus" in check(update, lambda A, b, x, alpha: x @ np.linalg.solve(A, b))
assert "did not change" in check(lambda A, b, x, r: (A, b), score)

# %% [markdown]
# :::{solution-end}
# :::
#
# Below, $x$ has every product of a number of the customer (ten features, fatigue, habit, week, and a 1) with a part of the action (a 1, which is all that sending nothing has; 4 offers, the value, 3 channels, 3 timings): $14 \times 12 = 168$ numbers.
#
# ## Who learns
#
# Every learner got {glue:text}`offers-weeks` customer-weeks with sampled purchases, saw the same 13 numbers (fatigue and habit included, which at work you would have to estimate), and was then judged exactly, on 1,000 customers that it never met. Each had at most three settings tried, on a seed that is not shown.
#
# - **PPO, flat** chooses one of 145 actions. **PPO, factored** chooses offer, value, channel and timing separately: 15 outputs instead of 145.
# - **DQN** is the library's, because that of [chapter 6](06_dqn.ipynb) is built for six actions.
# - **LinUCB** and **Thompson sampling** are updated after every 100 customers.
# - **Fitted model, greedy** spends all weeks on random actions, fits $\hat\theta$ once, and takes the best action of the week. **Fitted Q** uses the same kind of log, and adds the estimated value of the following weeks ([chapter 7](07_fair_match.ipynb)).

# %% mystnb={"figure": {"caption": "Shares of the attainable gain at equal data, with unseen customers. Dots are means over seeds, bars their 95% intervals.", "name": "fig-offers-learners"}, "image": {"alt": "Dots with intervals. The greedy fitted model, Thompson sampling and LinUCB are between one half and two thirds, below the dashed line of the myopic policy; PPO with factored actions follows, then fitted Q and flat PPO; DQN is near 0."}} tags=["hide-input"]
learners = runs[runs["arm"] != "PPO, published reward"]
by_arm = {arm: each["share_unseen"].to_numpy() for arm, each in learners.groupby("arm")}
scores = pd.DataFrame({arm: over_seeds(each, statistic="mean") for arm, each in by_arm.items()}).T
scores = scores.sort_values("mean", ascending=False)
new = world_of(str(RESPONSE), UNSEEN)
chosen = np.broadcast_to(week_by_week, plan.shape)[:, new.customers.types]
line = share_of_gain(values_of(new, chosen), *ends_of(new))
plots.shares_of_learners(scores, {"nothing": 0.0, "myopic": line, "optimum": 1.0})
plt.show()

# %% tags=["remove-cell"]
from scipy.stats import ttest_ind


def lead(first: str, second: str) -> pd.Series:
    """Return the difference of two learners' means, and its interval (Welch: seeds are no pairs)."""
    low, high = ttest_ind(by_arm[first], by_arm[second], equal_var=False).confidence_interval()
    return pd.Series({"mean": by_arm[first].mean() - by_arm[second].mean(), "low": low, "high": high})


FLAT, FACTORED, THOMPSON, GREEDY = "PPO, flat", "PPO, factored", "Thompson sampling", "fitted model, greedy"
glue("offers-thompson", in_digits(*scores.loc[THOMPSON]), display=False)
glue("offers-weeks", f"{learners['weeks'].iloc[0]:,}", display=False)
glue("offers-seeds-linear", str(len(by_arm[THOMPSON])), display=False)
glue("offers-seeds-networks", str(len(by_arm[FLAT])), display=False)
glue("offers-lead-factored", in_digits(*lead(FACTORED, FLAT)), display=False)
glue("offers-lead-thompson", in_digits(*lead(THOMPSON, FACTORED)), display=False)
glue("offers-lead-linucb", in_digits(*lead("LinUCB", FACTORED)), display=False)
glue("offers-lead-greedy", in_digits(*lead(GREEDY, "fitted Q")), display=False)
stuck = (by_arm["LinUCB"] < 0.5).sum()
glue("offers-stuck", f"{stuck} of {len(by_arm['LinUCB'])}", display=False)
assert all(
    lead(*pair)["low"] > 0
    for pair in ((FACTORED, FLAT), (THOMPSON, FACTORED), ("LinUCB", FACTORED), (GREEDY, "fitted Q"))
)
assert lead(THOMPSON, GREEDY)["low"] < 0 < lead(THOMPSON, GREEDY)["high"]
assert scores["mean"].idxmin() == "DQN" and scores.loc["DQN", "low"] < 0 < scores.loc["DQN", "high"] and learners["share_unseen"].max() < line
assert 0 < stuck < 5 and by_arm["LinUCB"][by_arm["LinUCB"] > 0.5].min() > 0.55

# %% [markdown]
# (Linear learners have {glue:text}`offers-seeds-linear` seeds, networks {glue:text}`offers-seeds-networks`.)
#
# 1. **Simple models lead in this world.** Thompson sampling gets {glue:text}`offers-thompson`. It is ahead of the best network, PPO with factored actions, by {glue:text}`offers-lead-thompson`. We cannot tell it from the greedy fitted model. LinUCB leads factored PPO by {glue:text}`offers-lead-linucb`.
# 2. **Factoring helps PPO.** Four small choices are learned faster than one large one: factored minus flat is {glue:text}`offers-lead-factored`. The price: the four are drawn independently.
# 3. **Nobody passes the myopic line.** The linear learners aim at it. PPO, DQN and fitted Q may look ahead, but at this amount of data do not get that far; DQN cannot be told from sending nothing. Fitted Q is behind the greedy model by {glue:text}`offers-lead-greedy`. A likely reason: each of its twelve models has a twelfth of the log, and takes the
#    maximum over 145 noisy values.
# 4. **A bandit can trap itself.** {glue:text}`offers-stuck` LinUCB runs end below 0.5. We looked at one of them: it sends most customers 15% off. A likely reason, untested: customers who are used to price cuts seldom buy at full price, so full price looks bad to a learner that takes their habits as given.
#
# The ranking is about *this amount of data* in one world, which we wrote.
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - Enumerate the best action for your reward before you train. If a one-line rule is optimal, the reward is the problem.
# - A learning curve that reaches the maximum shows that the learner works, and nothing about the reward.
# - Reward the quantity you want (profit, after costs), and let the agent send nothing.
# - You can write LinUCB in two lines a function. Try such a model first when data are few.
# - Bandits are myopic. A model with an exact answer tells you what that costs. Resting tired customers brings much of it back; when to pause matters more than how often.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. Two of three PPO runs reach the highest possible published reward. What does that show?
# :class: quiz
#
# ::::{dropdown} PPO is a good algorithm for recommending offers to customers like these.
# :class-container: wrong
#
# A rule without features reaches it, too.
# ::::
# ::::{dropdown} The learner maximises the reward that it was given.
# :class-container: right
#
# Whether that reward is worth maximising is another question: some of its best actions earn less than sending nothing.
# ::::
# ::::{dropdown} The ten features are informative.
# :class-container: wrong
#
# The optimal rule uses none of them.
# ::::
# :::::
#
# :::::{admonition} 2. What does LinUCB's bonus do once an action has been tried thousands of times with customers of a kind?
# :class: quiz
#
# ::::{dropdown} It stays, because alpha is a constant that does not depend on the data.
# :class-container: wrong
#
# Alpha stays. The standard error it multiplies does not.
# ::::
# ::::{dropdown} It grows with the reward.
# :class-container: wrong
#
# The rewards are in $b$, and the bonus is made of $A$ alone.
# ::::
# ::::{dropdown} It shrinks towards 0.
# :class-container: right
#
# $A$ grows in that direction, so $x^\top A^{-1} x$ falls about as one over the number of tries, and the bonus as its root.
# ::::
# :::::
#
# :::::{admonition} 3. Which of these would a perfect contextual bandit still get wrong in our world?
# :class: quiz
#
# ::::{dropdown} How often to write
# :class-container: right
#
# Fatigue costs in later weeks, which a bandit does not count.
# ::::
# ::::{dropdown} Whether to send at once or hours later
# :class-container: wrong
#
# Timing changes this week's chance of a purchase, and nothing later.
# ::::
# ::::{dropdown} Whether free shipping pays for its cost with customers who like it
# :class-container: wrong
#
# Both the purchase and the cost fall into this week.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} Your agent's reward curve is perfect, and revenue does not move. Where do you look first?
# :class-container: interview
#
# At the reward. I list what it depends on, and compute the best action for each customer by enumeration. If actions that differ in cost tie, or a constant rule is optimal, the agent cannot help. {numref}`fig-offers-groups` is such a case.
# ::::
# ::::{dropdown} When is a contextual bandit enough, and when do you need RL?
# :class-container: interview
#
# A bandit is enough if an action hardly changes what the customer will do later. With fatigue or habituation to discounts, it is not: in our offers even a perfect myopic policy gets {glue:text}`offers-myopic` of the gain. But looking ahead needs more data; at {glue:text}`offers-weeks` weeks Thompson sampling was ahead of PPO ({numref}`fig-offers-learners`). I would start with a bandit, and plan its pauses: a cap of three messages in four weeks took the myopic policy to {glue:text}`offers-three-in-four`, two well-placed pauses to {glue:text}`offers-two-pauses`, a schedule planned ahead to {glue:text}`offers-scheduled`, with a known model.
# ::::
# ::::{dropdown} LinUCB or Thompson sampling?
# :class-container: interview
#
# Both keep the same two sums. LinUCB is deterministic and needs one width, $\alpha$. Thompson sampling is random, so it copes with delayed feedback and batches. Its propensities have no closed form for many actions: I estimate them by a few thousand draws of $\theta$, with a floor, since rare actions get 0. With sums that never forget, neither follows a changing season.
# ::::
#
# ## Further reading
#
# - {cite:t}`li2010`: LinUCB, for news articles.
# - {cite:t}`russo2018`: a tutorial on Thompson sampling, an idea of {cite:t}`thompson1933`.
# - {cite:t}`sutton2018`, section 17.4: designing reward signals.
