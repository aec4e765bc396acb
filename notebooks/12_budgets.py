# %% [markdown]
# (ch-budgets)=
# # Weekly budgets
#
# Twelve hundred customers could all use an offer, and there are 240 dollars a week. Who gets one? **A budget is a price.** Say what a dollar costs this week, choose for each customer alone, and move the price until the choices fit. The same price gives a bound that no policy can beat, so we can say how far each policy comes, reinforcement learning included.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to turn a budget into a price, by hand and by bisection
#   - to bound what any policy can earn over twelve weeks
#   - to judge nine policies beside that bound
#   - to put a safety layer behind all of them, and uplift models in front
#
# You need
# : [The funnel as an MDP](03_funnel_mdp.ipynb); [a fair match](07_fair_match.ipynb) for the intervals.
#
# Time
# : 28 minutes to read, 10 seconds to run.
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
# ## The picture
#
# Each customer gets nothing, or one of five offers worth 0.50 to 2.50 dollars over one of five channels: 26 actions. At a price of 0 we take the best action for everybody. As the price rises, cheaper ones win.

# %% mystnb={"figure": {"caption": "What 1,200 customers' choices cost in the first week, at each price. At a price of 1, an offer must bring a dollar for each dollar spent, on top of the dollar itself.", "name": "fig-budgets-price"}, "image": {"alt": "A falling staircase: at a price of 0 the choices cost about 800 dollars, and less and less as the price rises. It crosses the dashed line of the budget of 240 dollars at one point, whose place on the axis is the price of the budget."}} tags=["hide-input"]
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from crm_rl import plots
from crm_rl.case_studies.budgets.catalogue import CENTS
from crm_rl.case_studies.budgets.knapsack import choose as choose_all
from crm_rl.case_studies.budgets.knapsack import plan_week
from crm_rl.case_studies.budgets.world import book_world

plots.use_style()
world = book_world()
types, budget = world.types_of_all(), world.budget()  # a type a customer; cents
values = world.reward[types, 0]  # this week's expected dollars: customers x actions
week = plan_week(values, CENTS, budget)
grid = np.linspace(0, 3, 121)
spent = np.array([CENTS[choose_all(values, CENTS, price)].sum() / 100 for price in grid])
plots.spending_by_price(grid, spent, budget / 100, week.price)
plt.show()

# %% tags=["remove-cell"]
from myst_nb import glue

assert budget == 24_000 and len(types) == 1200 and (np.diff(spent) <= 0).all()
glue("budgets-free", f"{spent[0]:,.0f}", display=False)
glue("budgets-week-price", f"{week.price:.2f}", display=False)

# %% [markdown]
# Without a price the choices of {numref}`fig-budgets-price` cost {glue:text}`budgets-free` dollars. At {glue:text}`budgets-week-price` they fit the budget.
#
# ## Two customers, one budget
#
# :::{admonition} By hand: the price of a budget
# :class: by-hand
#
# An offer of 2 dollars gains 3.00 with Ann, one of 1 dollar gains 1.20 with Bob, both after their cost. The budget is 2.50.
#
# - At price $\lambda$ Ann's offer leaves $3.00 - 2\lambda$ and Bob's $1.20 - \lambda$. Ann's pays up to $\lambda = 1.50$, Bob's up to 1.20.
# - At $\lambda = 1$ both are sent, for 3 dollars: too much. At 1.30 only Ann's is, for 2 dollars, which fits.
# - The price is 1.20, where Bob's stops paying. The best choice within the budget is Ann alone: **3.00**.
# - *Bound*: what is left of both at this price, plus price times budget: $(3.00 - 2.40) + 0 + 1.20 \times 2.50 = 3.60$.
#
# No choice gains more than 3.60, and 3.00 can be had: the bound would buy half of Bob's offer.
# :::
#
# Customer $i$ gains $v_{ia}$ from action $a$, which costs $c_a$, and all costs together may be $B$ at most. This is a *multiple-choice knapsack* {cite:p}`sinha1979`. For any price $\lambda \ge 0$,
#
# $$
# \max_{\text{within } B} \sum_i v_{i a_i} \;\le\; \sum_i \max_a \left( v_{ia} - \lambda c_a \right) + \lambda B .
# $$ (budgets-bound)
#
# A choice within the budget spends at most $B$, so adding $\lambda (B - \text{spent})$ cannot make it smaller; and choosing freely at the price is at least as good. The lowest right-hand side is the value if offers could be divided (the *linear relaxation*), and its $\lambda$ is the {term}`shadow price`: what one more dollar of budget would earn.
#
# ## Write it yourself
#
# ::::{exercise} ★★ Choose at a price, and find the price
# :label: ex-budgets-price
#
# The code runs, but its customers ignore the price, and the search never finds that too much is spent. Complete the two marked lines; `check` gives you a hint. Costs are in cents, values and prices in dollars.
# ::::


# %% tags=["remove-cell"]
def check(choose, find_price) -> str:
    """Try a reader's choice and price on this week, and hint at what is wrong."""
    for price in (0.0, 0.7, 2.0):
        mine, right = choose(values, CENTS, price), choose_all(values, CENTS, price)
        if np.shape(mine) != right.shape:
            return "Return one action a customer: argmax over axis 1."
        if not (mine == right).all():
            cents = (values - price * CENTS).argmax(axis=1)
            if (mine == cents).all():
                return "CENTS are cents: divide by 100 before you take them off dollars."
            return f"At a price of {price} your customers spend {CENTS[mine].sum() / 100:,.0f} dollars; {CENTS[right].sum() / 100:,.0f} is right."
    price = find_price(values, CENTS, budget)
    used = CENTS[choose_all(values, CENTS, price)].sum()
    got = f"Price {price:.2f}, spending {used / 100:.2f} of {budget / 100:.2f} dollars. "
    if used > budget:
        return got + "Too much is spent: compare with the budget."
    if price > week.price + 1e-6:
        return got + "It fits, but a lower price would, too: when is it too much?"
    return got + "Right."


# %%
def choose(values, cents, price):
    """Each customer's best action, if every dollar costs `price` on top."""
    return values.argmax(axis=1)  # your turn: who pays the price?


def find_price(values, cents, budget):
    """The lowest price at which the choices fit the budget."""
    low, high = 0.0, 100.0
    for _ in range(50):
        middle = (low + high) / 2
        spent = cents[choose(values, cents, middle)].sum()
        too_much = spent < 0  # your turn: when is it too much?
        low, high = (middle, high) if too_much else (low, middle)
    return high


print(check(choose, find_price))

# %% [markdown]
# :::{solution-start} ex-budgets-price
# :class: dropdown
# :::


# %%
def choose(values, cents, price):
    """Each customer's best action, if every dollar costs `price` on top."""
    return (values - price * cents / 100).argmax(axis=1)


def find_price(values, cents, budget):
    """The lowest price at which the choices fit the budget."""
    low, high = 0.0, 100.0
    for _ in range(50):
        middle = (low + high) / 2
        spent = cents[choose(values, cents, middle)].sum()
        too_much = spent > budget
        low, high = (middle, high) if too_much else (low, middle)
    return high


print(check(choose, find_price))

# %% [markdown]
# :::{solution-end}
# :::
#
# Your choices leave some dollars, because customers of one type change at the same price, all at once. The package's `plan_week` then serves some of those on the edge, while money lasts.

# %%
week = plan_week(values, CENTS, budget)
print(f"spent {week.spent / 100:.2f} of {budget / 100:.2f} dollars")
alone = values[:, 0].sum()  # the week without offers
print(f"share of the attainable gain: {(week.value - alone) / (week.bound - alone):.3f}")

# %% tags=["remove-cell"]
import json

from crm_rl.files import PROJECT

assert week.spent <= budget and (week.value - alone) / (week.bound - alone) > 0.99
assert find_price(values, CENTS, budget) <= week.price + 1e-6
bench = json.loads((PROJECT / "benchmarks/results/budgets.json").read_text())
glue("budgets-bench-seconds", f"{bench['week']['processor seconds']:.1f}", display=False)

# %% [markdown]
# For 100,000 customers this takes {glue:text}`budgets-bench-seconds` seconds of one core on our machine. One week is solved. A season is not.
#
# ## Twelve weeks
#
# Our customers have a memory. A trip strengthens the **habit** of travelling (four levels), a week without may weaken it. A contact raises **fatigue** (three levels), at which offers work less. The reward of a week is margin plus 0.50 dollars a trip, minus what was sent, and the habit
# left at the end is worth eight more weeks: lifetime value. There are 24 types of customers, with margins, sensitivities and channels of their own. All this is assumed, and was written down before any learner was trained.
#
# Without budgets each type would be an {term}`MDP` with 12 states, solved by {term}`backward induction`. Budgets tie types together, but only by money. Such MDPs are called *weakly coupled*, and the trick is the same: give each week a price $\lambda_w$, and solve every type on its own with rewards minus prices {cite:p}`hawkins2003,adelman2008`. With $V_k(\lambda)$ for the value
# of type $k$ at its start and $n_k$ for its customers, no policy can earn more than
#
# $$
# \sum_k n_k V_k(\lambda) + \sum_w \lambda_w B .
# $$ (budgets-weeks)
#
# Any prices give a bound. Which give the lowest?

# %%
from crm_rl.case_studies.budgets.customers import PRICES
from crm_rl.case_studies.budgets.plan import plan_at
from crm_rl.case_studies.budgets.policies import doing_nothing

recorded = pd.read_csv(PRICES)["price"].to_numpy()
nothing = doing_nothing(world)  # exact, in dollars
for name, prices in {"0": np.zeros(12), "1": np.ones(12), "the best": recorded}.items():
    plan = plan_at(world, prices)
    bound = world.customers @ plan.start + prices.sum() * budget / 100
    print(f"prices {name}: at most {bound - nothing:,.0f} dollars above sending nothing")
print("the best prices:", *recorded.round(2))

# %% tags=["remove-cell"]
from crm_rl.evaluation.intervals import in_digits, over_seeds
from crm_rl.experiments.budgets_study import load_budgets

tables, source = load_budgets()
runs = tables["runs"]
everybody = runs[runs["customers"] == 1200]
assert abs(everybody.loc[everybody["world"] == 0, "bound"].iloc[0] - bound) < 2
assert (recorded > 0.8).all() and recorded.argmax() == 0

# %% [markdown]
# The bound is convex in the prices, and `price_budgets` finds its lowest point by cutting planes. Our tests compare it with a large linear program, and for three customers and two weeks with the best of all policies.
#
# The **price policy** follows at once. The plan at the best prices says what each action is worth *now and later*, $q_w(k, s, a)$. Each week, put these values into your knapsack instead of this week's rewards:
#
# ```python
# week = plan_week(plan.q[w, types, states], CENTS, budget)
# ```
#
# ::::{exercise} ★ One more dollar
# :label: ex-budgets-dollar
#
# Finance offers 100 dollars more in one week of the season. Which week do you ask for, and about how much would you gain? Print what you need.
# ::::

# %%
print(recorded.size, "prices")

# %% [markdown]
# :::{solution-start} ex-budgets-dollar
# :class: dropdown
# :::
#
# The week with the highest price. Each dollar earns its price, after its own cost; the last ones a little less, as the price falls when there is more money.

# %%
best = recorded.argmax()
print(f"week {best + 1}: about {100 * recorded[best]:.0f} dollars")

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Nine policies beside the bound
#
# - Three rules know how customers respond this week. **First come, first served** proposes everybody's best action, until the money is gone. **Gain per cost** serves those first whose offer gains most per dollar. **Linear program each week** is your knapsack, with this week's rewards.
# - {term}`Bandits <contextual bandit>` learn this week's reward from a log of random actions. The *published* one predicts how likely a reward above 0 is, and knows no budget. The *fixed* one predicts trips, works out the reward and uses your knapsack.
# - **PPO in turn** {cite:p}`schulman2017` serves one customer a step, as the published system does. It sees the customer, the week and the money left. What it cannot pay for is fined 5 dollars, or *masked* {cite:p}`huang2022`.
# - **PPO sets prices** decides once a week on three numbers: a floor for the price of a dollar, a bonus for a trip and a charge for a contact. Your knapsack does the rest, with this week's rewards.

# %% mystnb={"figure": {"caption": "What each policy gets of the attainable gain: 0 is sending nothing, 1 the bound. A dot is the mean over ten worlds drawn from one prior, a bar its 95% interval. Hollow dots: five worlds where PPO sets prices; one, and so no interval, where it serves in turn. The price policy knows the world; the three rules and PPO that sets prices know how customers respond this week; bandits and PPO in turn know nothing beforehand.", "name": "fig-budgets-shares"}, "image": {"alt": "Dots with intervals for nine policies. The price policy touches the bound at 1. PPO that sets prices comes next, then the linear program each week and the other rules; both PPO that serve customers in turn are near 0, where nothing is sent."}} tags=["hide-input"]
shares = pd.DataFrame({
    arm: over_seeds(group["share"].to_numpy(), statistic="mean")
    for arm, group in everybody.groupby("arm", sort=False)
}).T  # fmt: skip
shares = shares.sort_values("mean", ascending=False, kind="stable")
few = set(source["steps"])
plots.shares_of_bound(shares, few)
plt.show()

# %% tags=["remove-cell"]
for key, arm in {
    "price": "price policy", "lp": "linear program each week", "ratio": "gain per cost",
    "first": "first come, first served", "fixed": "bandit, fixed", "pub": "bandit, as published",
    "ppo-prices": "PPO sets prices", "ppo-masked": "PPO in turn, masked", "ppo-turn": "PPO in turn",
}.items():  # fmt: skip
    text = in_digits(*shares.loc[arm], decimals=3 if key == "price" else 2)
    text = text.replace("−0.00 ", "0.00 ")
    one_world = (everybody["arm"] == arm).sum() == 1  # and so no interval
    glue(f"budgets-{key}", text.split(" ")[0] if one_world else text, display=False)
for key, arm in {"masked": "PPO in turn, masked", "turn": "PPO in turn"}.items():
    used = everybody.loc[everybody["arm"] == arm, "spent"].mean()
    glue(f"budgets-spent-{key}", f"{100 * used:.0f}%", display=False)
wide = everybody.pivot(index="world", columns="arm", values="share")
lead = (wide["PPO sets prices"] - wide["linear program each week"]).dropna()
glue("budgets-ppo-lead", in_digits(*over_seeds(lead.to_numpy(), statistic="mean")), display=False)
refused = everybody.loc[everybody["arm"] == "bandit, as published", "refused"].mean()
glue("budgets-refused", f"{refused:,.0f}", display=False)
steps = source["steps"]
glue("budgets-steps", f"{steps['PPO in turn']:,}", display=False)
glue("budgets-week-steps", f"{steps['PPO sets prices']:,}", display=False)
small = runs[(runs["arm"] == "price policy") & (runs["customers"] < 1200)]
assert shares.loc["price policy", "low"] > 0.98
assert over_seeds(lead.to_numpy(), statistic="mean")["low"] > 0 and len(lead) == 5
assert everybody.loc[everybody["arm"] == "PPO in turn", "spent"].max() == 0

# %% [markdown]
# - The **price policy** gets {glue:text}`budgets-price` of the attainable gain; we had hoped for 0.98. Since it comes so near, the bound is tight: nobody can do much better.
# - The same knapsack with **this week's rewards only** gets {glue:text}`budgets-lp`. The one difference is that it does not count what a trip or a contact does to later weeks. First come, first served gets {glue:text}`budgets-first`.
# - **PPO that sets prices** gets {glue:text}`budgets-ppo-prices` {glue:text}`budgets-ppo-lead` above the linear program. Both know this week's rewards; what later weeks are worth, it learned from experience.
# - **PPO in turn** was trained in the book's world alone. With fines it gets {glue:text}`budgets-ppo-turn`: it learned to send nothing, and spends {glue:text}`budgets-spent-turn` of the budget. With masks it spends {glue:text}`budgets-spent-masked` and gets {glue:text}`budgets-ppo-masked`.
# - The **published bandit** gets {glue:text}`budgets-pub`, and the safety layer below refuses {glue:text}`budgets-refused` of its proposals a season. The fixed one gets {glue:text}`budgets-fixed` from the same log.
#
# Why may it matter so much how the problem is posed? In turn, a customer comes back only after all others were served, so a habit pays off dozens of steps later, among rewards that it did not cause. Prices take twelve decisions a season. But the match is not fair: PPO in turn knows nothing beforehand, and no PPO was tuned. Those in turn had {glue:text}`budgets-steps` steps (the published one had 200,000), the one with prices {glue:text}`budgets-week-steps` weeks of 240 customers; all were paid expected rewards.
#
# ::::{exercise} ★★ How many customers does a price need?
# :label: ex-budgets-size
#
# `small` has recorded seasons of the price policy with 24 to 480 customers and the same budget a customer. From how many on does it get 98%, on average?
# ::::

# %%
print(*sorted(small["customers"].unique()))

# %% [markdown]
# :::{solution-start} ex-budgets-size
# :class: dropdown
# :::

# %%
print(small.groupby("customers")["share"].mean().round(3).to_string())

# %% [markdown]
# From 120 on. The more customers there are, the less it matters that offers cannot be divided.
#
# :::{solution-end}
# :::
#
# ## A layer that never overspends
#
# Any policy can be wrong. So a **safety layer** stands behind all of them: it knows the budget, the age limit, consent by channel and a cap on contacts. It grants proposals one after the other, and gives a reason for each refusal.

# %%
from crm_rl.case_studies.budgets.safety import Customers, Limits, check

people = Customers(
    age=np.array([17, 30, 30, 30, 30]),
    consent=np.array([[True] * 5, [False] * 5, [True] * 5, [True] * 5, [True] * 5]),
    contacts=np.array([0, 0, 12, 0, 0]),
)
proposed = np.array([1, 1, 1, 25, 1])  # 0.50 by push, and once 2.50 by phone
checked = check(proposed, Limits(budget=260, contacts=12, age=18), people)
print("granted:", checked.actions, "spent:", checked.spent, "cents of 260")
print("refused:", checked.refused())

# %% tags=["remove-cell"]
assert checked.actions.tolist() == [0, 0, 0, 25, 0] and checked.spent == 257

# %% [markdown]
# Money is counted in whole cents, because sums of floating-point dollars can exceed a budget by a rounding error. A property test tries random situations: in a run of 10,000 it found no overspending and no broken rule. On the command line, `python -m crm_rl budgets plan CUSTOMERS.csv --budget 5000` plans with rules, price and safety layer; `budgets example FILE.csv` writes customers to try it with.
#
# ## Uplift instead of a stub
#
# All this needs $v_{ia}$, what an offer *adds*. The published simulator makes its outcomes up. At work, give one offer to a random half and nothing to the rest, and learn {term}`uplift`: the difference it makes. A *T-learner* subtracts two models of the chance of a trip, one of each half; an *X-learner* models the differences themselves {cite:p}`kunzel2019`. The tempting mistake is a *response
# model*, which serves those most likely to travel with the offer, also if they would have travelled anyway.
#
# In ten trials we learn from 20,000 customers, and then send 1.50 dollars by email to a fifth of 20,000 others. The *Qini coefficient* {cite:p}`radcliffe2011` says how well a ranking finds true uplift: 1 is perfect, 0 random.

# %% tags=["hide-input"]
table = tables["uplift"].groupby("scores", sort=False).agg(list)
summary = pd.DataFrame({
    name: {
        "Qini": in_digits(
            *over_seeds(np.array(row["qini"]), statistic="mean").round(2) + 0.0
        ),
        "cents a customer": in_digits(
            *over_seeds(100 * np.array(row["dollars"]), statistic="mean"), decimals=1
        ),
    }
    for name, row in table.iterrows()
}).T  # fmt: skip
summary

# %% tags=["remove-cell"]
dollars = tables["uplift"].pivot(index="seed", columns="scores", values="dollars")
lost = over_seeds(
    (1 - dollars["response model"] / dollars["X-learner"]).to_numpy(), statistic="mean"
)
glue("budgets-wrong", f"{100 * lost['mean']:.0f}%", display=False)
ahead = over_seeds((dollars["X-learner"] - dollars["T-learner"]).to_numpy(), statistic="mean")
assert ahead["low"] > 0 and lost["low"] > 0.2
glue("budgets-x-ahead", in_digits(*100 * ahead, decimals=1), display=False)

# %% [markdown]
# The response model earns {glue:text}`budgets-wrong` less than the X-learner with the same data and the same money. The X-learner is {glue:text}`budgets-x-ahead` cents a customer above the T-learner.
#
# ## What was published, and what it does
#
# The published `OfferEnv` poses the same problem: customers in turn, five offers, five channels, twelve weeks, a weekly budget, reward *profit + 0.5 x trip*, and a fine for overspending. Our `published` module has it as coded, and as described, where profits are random. Two questions audit it: can the budget bind, and what does the reward pay for?

# %%
from crm_rl.case_studies.budgets.published import AS_CODED, CHARGED, expected_reward, most_spent

print(f"the most that can be spent in a week: {most_spent():,.0f} of 1,000,000 dollars")
offers = np.arange(6)
pd.DataFrame(
    {
        "reward as coded": expected_reward(offers, 0, AS_CODED),
        "with the discount charged": expected_reward(offers, 0, CHARGED),
    },
    index=pd.Index(offers, name="offer, by push"),
).round(3)

# %% tags=["remove-cell"]
assert most_spent() == 25_700
coded = expected_reward(np.arange(6)[:, None], np.arange(5), AS_CODED)
charged = expected_reward(np.arange(6)[:, None], np.arange(5), CHARGED)
assert coded.argmax() == 25 and charged.argmax() == 0 and (coded > 0).all()
glue("budgets-published-share", f"{most_spent() / 1e6:.1%}", display=False)

# %% [markdown]
# 1. **The budget cannot bind.** If all 10,000 customers get the most expensive offer over the most expensive channel, {glue:text}`budgets-published-share` of it are spent. Its price is zero, and there is nothing to ration.
# 2. **The reward never charges the discount.** As coded, the best offer is the most expensive one, for everybody, every week. Charge it, and the best is to send nothing. No customer enters the outcome, so there is nothing to personalise either.
# 3. **The bandit has nothing to learn.** It predicts whether the reward is above 0, and every reward is. scikit-learn refuses to fit a single class.
#
# PPO may learn this perfectly and yet say nothing about budgets. As in [chapter 9](09_audit.ipynb), compute floor and ceiling before you train.
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - A budget is a price: at the right one, everybody chooses alone and the choices fit. You can find it by bisection.
# - Any price bounds every policy, so you know how much is left to gain before you train anything.
# - Over weeks, value *now and later* at a price a week; the price policy then comes close to the bound if customers are many.
# - If you use RL, try letting it set prices before you let it serve customers one after the other. Put a safety layer behind it.
# - Rank by uplift, not by response; and check that the budget binds and the reward pays for what is sent.
# :::
#
# ## Check yourself
#
# Choose an option: it opens and says why it is right or wrong.
#
# :::::{admonition} 1. The price of this week's budget is 0. What follows?
# :class: quiz
#
# ::::{dropdown} No offer is worth its cost.
# :class-container: wrong
#
# It is also 0 when much is sent and money suffices.
# ::::
# ::::{dropdown} More money would not help this week.
# :class-container: right
#
# Everybody already has their best action, as with the published budget.
# ::::
# ::::{dropdown} All of the budget is spent, to the last cent, on those who gain most from it.
# :class-container: wrong
#
# If it were scarce, its price would be above 0.
# ::::
# :::::
#
# :::::{admonition} 2. Ann gains 4 dollars from an offer of 4 dollars, Bob 3 from one of 2. At which prices does only Bob take his?
# :class: quiz
#
# ::::{dropdown} From 1 to 1.50
# :class-container: right
#
# Ann gives way at 4 / 4 = 1, Bob at 3 / 2 = 1.50.
# ::::
# ::::{dropdown} Above 1.50
# :class-container: wrong
#
# Above 3 / 2 = 1.50 Bob gives way, too.
# ::::
# ::::{dropdown} At none, because Ann's gain of 4 dollars is larger than Bob's 3 and so she is served first at any price
# :class-container: wrong
#
# What counts at a price is the gain for a dollar: 1.00 for Ann, 1.50 for Bob.
# ::::
# :::::
#
# :::::{admonition} 3. A policy earns more than the bound in one simulated season. What do you conclude?
# :class: quiz
#
# ::::{dropdown} The prices were not the best ones, or else the bound could not be exceeded by anything.
# :class-container: wrong
#
# Any prices give a valid bound; worse prices make it higher.
# ::::
# ::::{dropdown} The bound is wrong.
# :class-container: wrong
#
# Not from one season: the bound is about expected earnings.
# ::::
# ::::{dropdown} It was a lucky season.
# :class-container: right
#
# The bound holds for the expectation. Average over many seasons. (We count losses against the bound, which scatter less.)
# ::::
# :::::
#
# :::::{admonition} 4. A response model and an uplift model disagree about a loyal customer. Who is right?
# :class: quiz
#
# ::::{dropdown} The response model: a loyal customer travels, so the offer is used.
# :class-container: wrong
#
# It is used, and paid for, and adds little to what would have happened.
# ::::
# ::::{dropdown} Each, about its own question; the budget asks the second.
# :class-container: right
#
# Money should go where it changes most.
# ::::
# ::::{dropdown} It depends on which of the two predicts trips better on customers held out from training.
# :class-container: wrong
#
# Better predictions of trips need not rank differences better.
# ::::
# :::::
#
# ## In the interview
#
# ::::{dropdown} How would you share a weekly budget among a million customers?
# :class-container: interview
#
# Estimate what each offer adds for each customer, from randomised data. Then it is a multiple-choice knapsack: by bisection, find the price at which the choices fit the budget, and fill up by gain per cent. The bound says how much rounding loses: little, with many customers. Rules are masks before, and a safety layer after. {numref}`fig-budgets-price` is the picture.
# ::::
# ::::{dropdown} Derive the bound.
# :class-container: interview
#
# Add $\lambda (B - \text{spent})$ to the objective, which no choice within the budget makes negative. Drop the budget: customers separate, and each takes its maximum. The sum, plus $\lambda B$, is at least the optimum for any $\lambda \ge 0$, and convex in $\lambda$. Over weeks each customer's maximum is a small MDP.
# ::::
# ::::{dropdown} Why did PPO do so badly here, and what would you change?
# :class-container: interview
#
# Served in turn, a decision's consequences come dozens of steps later, mixed with other customers' rewards, and fines for overspending taught it to send nothing. Masks remove the fines, not the delay. I would change the problem, not the network: learn how customers respond, plan with that, or let PPO set prices once a week ({numref}`fig-budgets-shares`).
# ::::
# ::::{dropdown} Which guarantees do you give finance and legal?
# :class-container: interview
#
# No policy, however wrong, exceeds the budget, contacts a minor or uses a channel without consent: a small layer after the model, in whole cents, with a property test and a reason for each refusal. And I report the price: what another dollar would earn.
# ::::
#
# ## Further reading
#
# - {cite:t}`hawkins2003` and {cite:t}`adelman2008`: bounds for weakly coupled decision problems.
# - {cite:t}`sinha1979`: the multiple-choice knapsack and its relaxation.
# - {cite:t}`kunzel2019`: T-, S- and X-learners.
# - {cite:t}`huang2022`: what masking does to a policy gradient.
