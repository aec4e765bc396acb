# %% [markdown]
# (ch-budgets)=
# # Weekly budgets
#
# Twelve hundred customers could all use an offer, and there are 240 dollars a week. Who gets one? **A budget is a price.** Say what a dollar costs this week, choose for each customer alone, and move the price until the choices fit. The same price gives a bound that no policy can expect to beat, so we can say how far each comes, reinforcement learning included.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to turn a budget into a price, by hand and by bisection
#   - to bound what any policy can earn over twelve weeks
#   - to judge ten policies beside that bound, two of which you could deploy
#   - to put a safety layer behind all of them, and uplift models in front
#
# You need
# : [The funnel as an MDP](03_funnel_mdp.ipynb); [a fair match](07_fair_match.ipynb) for the intervals.
#
# Time
# : 30 minutes to read, 10 seconds to run.
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
# A firm sells trips: a coach line, say. Each week a customer gets nothing, or one of five offers (a credit of 0.50 to 2.50 dollars) over one of five channels: 26 actions. At a price of 0 we take the best action for everybody. As the price rises, cheaper ones win.

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
# Without a price the choices of {numref}`fig-budgets-price` cost {glue:text}`budgets-free` dollars. At a price of {glue:text}`budgets-week-price` they fit the budget.
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
# - *Bound*: at this price $3.00 - 2.40 = 0.60$ is left of Ann's offer and 0 of Bob's. Price times budget is $1.20 \times 2.50 = 3.00$. Together: 3.60.
#
# The bound is above 3.00 because it would buy half of Bob's offer.
# :::
#
# Customer $i$ gains $v_{ia}$ from action $a$, which costs $c_a$, and all costs together may be $B$ at most. This is a *multiple-choice knapsack* {cite:p}`sinha1979`. For any price $\lambda \ge 0$,
#
# $$
# \begin{aligned}
# & \max_{\text{within } B} \sum_i v_{i a_i} \\
# & \le \max_{\text{within } B} \sum_i ( v_{i a_i} - \lambda c_{a_i} ) + \lambda B \\
# & \le \sum_i \max_a ( v_{ia} - \lambda c_a ) + \lambda B .
# \end{aligned}
# $$ (budgets-bound)
#
# First, a choice within the budget spends at most $B$, so adding $\lambda (B - \text{spent})$ cannot make it smaller. Second, we drop the budget: choosing freely is at least as good. The lowest last line is the value if offers could be divided (the *linear relaxation*), and its $\lambda$ is the {term}`shadow price`: what one more dollar of budget would earn.
#
# ## Write it yourself
#
# ::::{exercise} ★★ Choose at a price, and find the price
# :label: ex-budgets-price
#
# Complete the two marked lines; `check` gives you a hint. Costs are in cents, values and prices in dollars.
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
# Your choices leave some dollars, because customers of one type change at the same price. The package's `plan_week` then serves some of them, while money lasts.

# %%
week = plan_week(values, CENTS, budget)
print(f"spent {week.spent / 100:.2f} of {budget / 100:.2f} dollars")
alone = values[:, 0].sum()  # the week without offers
share = (week.value - alone) / (week.bound - alone)
print(f"share of the attainable gain: {share:.3f}")

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
# Our customers have a memory. A trip strengthens the **habit** of travelling (four levels), a week without may weaken it. A contact raises **fatigue** (three levels), which weakens offers. The reward of a week is margin plus 0.50 dollars a trip, minus what was sent, and the habit
# left at the end is worth eight more weeks, a stand-in for lifetime value. There are 24 types of customers, with margins, sensitivities and channels of their own. All this we assumed, before any learner was trained.
#
# Without budgets each customer is an {term}`MDP` with 12 states, solved by {term}`backward induction`. Budgets tie customers together, but only by money. Such MDPs are called *weakly coupled*, and the trick is the same: give each week a price $\lambda_w$, and solve every type on its own with rewards minus prices {cite:p}`hawkins2003,adelman2008`. With $V_k(\lambda)$ for the value
# of type $k$ at its start and $n_k$ for its customers, no policy can expect to earn more than
#
# $$
# \sum_k n_k V_k(\lambda) + \sum_w \lambda_w B .
# $$ (budgets-weeks)
#
# Any prices give such a bound. Which give the lowest?

# %%
from crm_rl.case_studies.budgets.customers import PRICES
from crm_rl.case_studies.budgets.plan import plan_at
from crm_rl.case_studies.budgets.policies import doing_nothing

recorded = pd.read_csv(PRICES)["price"].to_numpy()
nothing = doing_nothing(world)  # exact, in dollars
trials = {"0": np.zeros(12), "1": np.ones(12), "the best": recorded}
for name, prices in trials.items():
    plan = plan_at(world, prices)
    bound = world.customers @ plan.start + prices.sum() * budget / 100
    gain = bound - nothing
    print(f"prices {name}: at most {gain:,.0f} dollars above sending nothing")
print("the best prices:", *recorded.round(2))

# %% tags=["remove-cell"]
from crm_rl.case_studies.budgets.fitted import CONTACTED
from crm_rl.evaluation.intervals import in_digits, over_seeds
from crm_rl.experiments.budgets_study import load_budgets

tables, source = load_budgets()
runs = tables["runs"]
everybody = runs[runs["customers"] == 1200]
assert abs(everybody.loc[everybody["world"] == 0, "bound"].iloc[0] - bound) < 2
assert (recorded > 0.8).all() and recorded.argmax() == 0

# %% [markdown]
# The bound is convex in the prices; `price_budgets` finds its lowest point by cutting planes, a method for convex functions.
#
# The **price policy** follows at once. The plan at the best prices says what each action is worth *now and later*, $q_w(k, s, a)$. In week `w`, with customers in `states`, put these values into your knapsack instead of this week's rewards:
#
# ```python
# week = plan_week(plan.q[w, types, states], CENTS, budget)
# ```
#
# ::::{exercise} ★ One more dollar
# :label: ex-budgets-dollar
#
# Finance offers 100 dollars more in one week. Which week do you ask for, and about how much would you gain?
# ::::

# %%
print(recorded.size, "prices")

# %% [markdown]
# :::{solution-start} ex-budgets-dollar
# :class: dropdown
# :::
#
# The week with the highest price. Each dollar earns its price, after its own cost; the last ones a little less.

# %%
best = recorded.argmax()
print(f"week {best + 1}: about {100 * recorded[best]:.0f} dollars")

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Ten policies beside the bound
#
# All policies see habit and fatigue; at work you count your contacts, and estimate habits.
#
# - Three rules know how customers respond this week. **First come, first served** proposes everybody's best action, until the money is gone. **Gain per cost** serves those first whose offer gains most per dollar. **Linear program each week** is `plan_week` with this week's rewards: your price, rounded to whole offers.
# - A firm does not know the response, but can buy a **random log**: in {glue:text}`budgets-log-seasons` seasons, {glue:text}`budgets-log-share` of the customers, drawn at random, get a random offer, within the budget on average. To it we fit boosted trees for the chance of a trip, knowing only type, margin, habit, fatigue, offer and channel, and count how habits move. *Linear program* and *price policy* then take the **fitted model** for true.
# - The **published classifier** predicts from the same log how likely a reward above 0 is (here an offer without a trip loses money), and knows no budget.
# - **PPO** ([chapter 11](11_offers.ipynb)), **one customer at a time**, is posed as published. What the money left cannot pay for is fined, or *masked* {cite:p}`huang2022`.
# - **PPO sets prices** decides once a week on three numbers: a floor for the price of a dollar, a bonus for a trip and a charge for a contact. The knapsack does the rest, and knows how customers respond this week. With a bonus of 0.40 and a charge of 0.10, an offer that adds 0.60 dollars and 0.3 trips counts $0.60 + 0.3 \times 0.40 - 0.10 = 0.62$.

# %% mystnb={"figure": {"caption": "What each policy gets of the attainable gain: 0 is sending nothing, 1 the bound. A dot is the mean over ten worlds drawn from one prior, a bar its 95% interval; in each world a policy plays ten simulated seasons, and the bound is exact. Only the rows with a fitted model use no more than a firm can have; the classifier and PPO, one customer at a time, see each type's numbers.", "name": "fig-budgets-shares"}, "image": {"alt": "Dots with intervals for ten policies. The price policy touches the bound at 1. PPO that sets prices comes next; then the price policy with a fitted model, with a wide interval; then first come, first served, and the linear program each week, almost level; then gain per cost, the linear program with a fitted model and, far below, the published classifier. PPO that serves one customer at a time is at 0, where nothing is sent; with masks its interval lies on both sides of 0."}} tags=["hide-input"]
shares = pd.DataFrame({
    arm: over_seeds(group["share"].to_numpy(), statistic="mean")
    for arm, group in everybody.groupby("arm", sort=False)
}).T  # fmt: skip
shares = shares.sort_values("mean", ascending=False, kind="stable")
plots.shares_of_bound(shares)
plt.show()

# %% tags=["remove-cell"]
for key, arm in {
    "price": "price policy", "lp": "linear program each week",
    "first": "first come, first served", "pub": "published classifier",
    "learned": "price policy, fitted model", "learned-lp": "linear program, fitted model",
    "ppo-prices": "PPO sets prices", "ppo-masked": "PPO, one customer at a time, masked",
}.items():  # fmt: skip
    text = in_digits(*shares.loc[arm], decimals=3 if key == "price" else 2)
    text = text.replace("−0.00 ", "0.00 ")
    glue(f"budgets-{key}", text, display=False)
one_at_a_time = "PPO, one customer at a time"
masked = everybody.loc[everybody["arm"] == f"{one_at_a_time}, masked", "spent"].mean()
glue("budgets-spent-masked", f"{100 * masked:.0f}%", display=False)
wide = everybody.pivot(index="world", columns="arm", values="share")
lead = (wide["PPO sets prices"] - wide["linear program each week"])
learned = wide["price policy, fitted model"]
ahead = over_seeds(
    (learned - wide["linear program, fitted model"]).to_numpy(), statistic="mean"
)
promised = everybody.loc[everybody["arm"] == "price policy, fitted model", "promised"]
excess = over_seeds(promised.to_numpy() - learned.to_numpy(), statistic="mean")
assert ahead["low"] > 0.2 and excess["low"] > 0.1
glue("budgets-learned-ahead", in_digits(*ahead), display=False)
glue("budgets-learned-worst", f"{learned.min():.2f}", display=False)
promised = over_seeds(promised.to_numpy(), statistic="mean")
glue("budgets-promised", f"{promised['mean']:.2f}", display=False)
glue("budgets-excess", in_digits(*excess), display=False)
glue("budgets-ppo-lead", in_digits(*over_seeds(lead.to_numpy(), statistic="mean")), display=False)
refused = everybody.loc[everybody["arm"] == "published classifier", "refused"].mean()
glue("budgets-refused", f"{refused:,.0f}", display=False)
glue("budgets-choices", f"{12 * 1200:,}", display=False)
glue("budgets-log-seasons", f"{source['logged_seasons']}", display=False)
unspent = 1 - everybody.loc[everybody["arm"] == "gain per cost", "spent"].mean()
glue("budgets-unspent", f"{unspent:.0%}", display=False)
glue("budgets-ratio", f"{shares.loc['gain per cost', 'mean']:.2f}", display=False)
assert wide["gain per cost"].max() < wide["linear program each week"].min()
glue("budgets-log-share", f"{CONTACTED:.0%}", display=False)
level = (wide["first come, first served"] - wide["linear program each week"]).to_numpy()
level = over_seeds(level, statistic="mean")
assert level["low"] < 0 < level["high"]
glue("budgets-level", in_digits(*level), display=False)
lost = tables["weeks"].pivot(index="week", columns="arm", values="lost")
for key, arm in {"lp": "linear program each week", "first": "first come, first served"}.items():
    for number in (1, 2):
        glue(f"budgets-lost-{key}-{number}", f"{lost.loc[number, arm]:.0f}", display=False)
steps = source["steps"]
glue("budgets-steps", f"{steps[one_at_a_time]:,}", display=False)
more = 240 * steps["PPO sets prices"] / steps[one_at_a_time]
glue("budgets-more-steps", f"{more:.0f}", display=False)
small = runs[(runs["arm"] == "price policy") & (runs["customers"] < 1200)]
assert shares.loc["price policy", "low"] > 0.98
assert over_seeds(lead.to_numpy(), statistic="mean")["low"] > 0
assert everybody.loc[everybody["arm"] == one_at_a_time, "spent"].max() == 0
assert shares.loc[f"{one_at_a_time}, masked", "low"] < 0 < shares.loc[f"{one_at_a_time}, masked", "high"]

# %% [markdown]
# - The **price policy** gets {glue:text}`budgets-price` of the attainable gain; our aim was 0.98. So the bound is tight. But this policy is told the true response.
# - The **price policy with a fitted model** is one you could deploy. It gets {glue:text}`budgets-learned`, in its worst world {glue:text}`budgets-learned-worst`. The **linear program with the same model** gets {glue:text}`budgets-learned-lp`: counting later weeks adds {glue:text}`budgets-learned-ahead`.
# - The fitted model **promises** that price policy {glue:text}`budgets-promised`, which is {glue:text}`budgets-excess` too much: the best of 26 noisy values is often the luckiest, a {term}`winner's curse`. Do not report a plan's value from the model that chose it.
# - The linear program with **this week's true rewards** gets {glue:text}`budgets-lp`. **First come, first served** gets {glue:text}`budgets-first`, {glue:text}`budgets-level` more, so we cannot tell them apart. **Gain per cost** gets {glue:text}`budgets-ratio`, and leaves {glue:text}`budgets-unspent` of the budget unspent. The program takes its gain early: in the book's world it falls {glue:text}`budgets-lost-lp-1` dollars short of the bound in week 1, {glue:text}`budgets-lost-lp-2` in week 2; arrival order, {glue:text}`budgets-lost-first-1` and {glue:text}`budgets-lost-first-2`.
# - **PPO that sets prices** gets {glue:text}`budgets-ppo-prices`. That is {glue:text}`budgets-ppo-lead` above the linear program; both know this week's response.
# - **PPO, one customer at a time**: with fines, it learned to send nothing in all ten worlds. With masks, it spends {glue:text}`budgets-spent-masked` of the budget and gets {glue:text}`budgets-ppo-masked`, so we cannot tell it from sending nothing.
# - The **published classifier** gets {glue:text}`budgets-pub`, and the safety layer below refuses {glue:text}`budgets-refused` of {glue:text}`budgets-choices` choices a season.
#
# The two PPOs differ in discount and in three other ways that we did not separate. *Posing*: one at a time, a habit pays off a whole round of customers later (48 steps in training, 1,200 when judged); prices take twelve decisions a season. *Knowledge*: one at a time, PPO does not know the response. *Experience*: {glue:text}`budgets-steps` customer-weeks, against {glue:text}`budgets-more-steps` times as many. Neither was tuned; both were paid expected rewards.
#
# Testing two policies in the field? Groups that share a budget take money from each other: split the budget with the customers, or randomise regions.
#
# ::::{exercise} ★★ How many customers does a price need?
# :label: ex-budgets-size
#
# `small` has recorded seasons of the price policy with 24 to 480 customers and the same budget a customer. Which of these sizes get 98%, on average?
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
# 120 suffice; 48 do not. The more customers, the less it matters that offers cannot be divided.
#
# :::{solution-end}
# :::
#
# ## A layer that never overspends
#
# Any policy can be wrong. So a **safety layer** stands behind all of them: it knows the budget, the age limit, consent by channel and a cap on contacts. It grants proposals one after the other, and gives a reason for each refusal. The cap here is 2 contacts in four weeks.

# %%
from crm_rl.case_studies.budgets.safety import Customers, Limits, check

people = Customers(
    age=np.array([17, 30, 30, 30, 30]),
    consent=np.array([[True] * 5, [False] * 5, [True] * 5, [True] * 5, [True] * 5]),
    contacts=np.array([0, 0, 2, 0, 0]),  # in the last four weeks
)
proposed = np.array([1, 1, 1, 25, 1])  # 0.50 by push, and once 2.50 by phone
checked = check(proposed, Limits(budget=260, contacts=2, age=18), people)
print("granted:", checked.actions, "spent:", checked.spent, "cents of 260")
print("refused:", checked.refused())

# %% tags=["remove-cell"]
assert checked.actions.tolist() == [0, 0, 0, 25, 0] and checked.spent == 257

# %% [markdown]
# Money is counted in whole cents: sums of floating-point dollars can exceed a budget by rounding. A property test of 10,000 random situations found no overspending and no broken rule. This holds for one call: keep a ledger of money and contacts, or a retry spends twice. And we charge a credit when it is sent. If it costs only when redeemed, plan with cost times the chance of redemption, and keep a reserve. `python -m crm_rl budgets plan CUSTOMERS.csv --budget 5000` plans with price and safety layer; `budgets example FILE.csv` writes customers to try it with.
#
# ## Uplift instead of a stub
#
# All this needs $v_{ia}$, what an offer *adds*; the published simulator makes it up. At work, give one offer to a random half and nothing to the rest, and learn {term}`uplift`: the difference it makes. A *T-learner* subtracts two models of the chance of a trip, one of each half; an *X-learner* fills in each customer's missing outcome by the other half's model, and models these differences {cite:p}`kunzel2019`. The tempting mistake is a *response
# model*, which serves those most likely to travel with the offer, even if they would anyway.
#
# In each of ten trials we learn from 20,000 customers, then send 1.50 dollars by email to the fifth of 20,000 others with the highest margin × score; cents are per customer of all 20,000. Serve customers by rank and add up the true uplift: the *Qini coefficient* {cite:p}`radcliffe2011` is the area of this curve above that of a random order, divided by the same area for the perfect order. At work nobody has the true uplift; `observed_qini` estimates the curve from the trial.
#
# "All" tells the learners each customer's true sensitivity and channels, the simulator's own numbers. "Without" leaves them about what a firm starts from: margin, base rate of trips, habit.

# %% tags=["hide-input"]
table = tables["uplift"].replace({"told": {"less": "without"}})
summary = pd.DataFrame([
    {
        "told": told,
        "scores": name,
        "Qini": in_digits(
            *over_seeds(some["qini"].to_numpy(), statistic="mean").round(2) + 0.0
        ),
        "cents a customer": in_digits(
            *over_seeds(100 * some["dollars"].to_numpy(), statistic="mean"), decimals=1
        ),
    }
    for (told, name), some in table.groupby(["told", "scores"], sort=False)
]).set_index(["told", "scores"])  # fmt: skip
summary

# %% tags=["remove-cell"]
paid = tables["uplift"].pivot(index="seed", columns=["told", "scores"], values="dollars")
lost = 1 - paid["all", "response model"] / paid["all", "X-learner"]
lost = over_seeds(lost.to_numpy(), statistic="mean")
glue("budgets-wrong", f"{100 * lost['mean']:.0f}%", display=False)
ahead = (paid["all", "X-learner"] - paid["all", "T-learner"]).to_numpy()
assert lost["low"] > 0.2 and over_seeds(ahead, statistic="mean")["low"] > 0
bare = {
    name: over_seeds(100 * paid["less", name].to_numpy(), statistic="mean")
    for name in ("X-learner", "T-learner", "response model")
}
assert all(row["high"] < 0 for row in bare.values())
glue("budgets-bare-x", in_digits(*bare["X-learner"], decimals=1), display=False)
worse = over_seeds(
    100 * (paid["less", "X-learner"] - paid["less", "response model"]).to_numpy(),
    statistic="mean",
)
assert worse["low"] > 0
glue("budgets-bare-ahead", in_digits(*worse, decimals=1), display=False)

# %% [markdown]
# Told all, the response model earns {glue:text}`budgets-wrong` less than the X-learner. Without sensitivity and channels, serving a fifth loses money: the X-learner's choice brings {glue:text}`budgets-bare-x` cents, though {glue:text}`budgets-bare-ahead` more than the response model's. A method does not replace data: record how customers answer earlier offers.
#
# ## What was published, and what it does
#
# The published `OfferEnv` poses the same problem: customers in turn, the same offers and channels, twelve weekly budgets, reward *profit + 0.5 x trip*, and a fine for overspending. Our `published` module has it as coded. Can its budget bind, and what does its reward pay for?

# %%
from crm_rl.case_studies.budgets.published import (
    AS_CODED,
    CHARGED,
    expected_reward,
    most_spent,
)

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
# 1. **The budget cannot bind.** If all 10,000 customers get the most expensive offer and channel, {glue:text}`budgets-published-share` of it is spent. Its price is zero.
# 2. **The reward never charges the discount.** As coded, the best offer is the most expensive one, for everybody, every week. Charge it, and the best is to send nothing. The outcome does not depend on the customer.
# 3. **So the classifier, which its authors call a bandit, has nothing to learn.** It predicts whether the reward is above 0, and every published reward is. scikit-learn refuses to fit a single class.
#
# As in [chapter 9](09_audit.ipynb), compute floor and ceiling before you train.
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - A budget is a price: at the right one, everybody chooses alone and the choices fit. You can find it by bisection.
# - If the response is known, any price bounds every policy: you see what is left to gain.
# - Over weeks, value *now and later* at a price a week; the price policy then comes close to the bound if customers are many.
# - If you use RL, try letting it set prices before you let it serve customers one after the other. Put a safety layer behind it.
# - A plan on an estimated response earns less than it promises: fit to a random log, and test.
# - Rank by what an offer adds, at a price, not by response; and check that the budget binds and the reward pays for what is sent.
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
# Everybody already has their best action.
# ::::
# ::::{dropdown} All of the budget is spent.
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
# There Bob gives way, too.
# ::::
# ::::{dropdown} At none: Ann gains more
# :class-container: wrong
#
# What counts is the gain for a dollar.
# ::::
# :::::
#
# :::::{admonition} 3. In one simulated season a policy earns 0.3% more than the bound. What do you conclude?
# :class: quiz
#
# ::::{dropdown} The prices were not the best ones.
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
# Average over many seasons.
# ::::
# :::::
#
# :::::{admonition} 4. A response model and an uplift model disagree about a loyal customer. Who is right?
# :class: quiz
#
# ::::{dropdown} The response model: a loyal customer travels, so the offer is used.
# :class-container: wrong
#
# It is used and paid for, and adds little.
# ::::
# ::::{dropdown} The uplift model, about where to spend.
# :class-container: right
#
# Money should go where it changes most.
# ::::
# ::::{dropdown} Whichever predicts trips better.
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
# Estimate what each offer adds for each customer, from randomised data. Then it is a multiple-choice knapsack: find by bisection the price at which everybody's best choice, value minus price times cost, fits the budget, and spend what is left where each cent gains most. Rounding loses little with many customers; estimation loses more, and the plan promises too much, so I judge it by a test. Rules are enforced twice: as masks before the choice, and by a safety layer after it.
# ::::
# ::::{dropdown} Derive the bound.
# :class-container: interview in-the-bank
#
# Add $\lambda (B - \text{spent})$, which is at least 0 within the budget. Drop the budget: customers separate, and each takes its maximum. The sum, plus $\lambda B$, is at least the optimum for any $\lambda \ge 0$. Over weeks each maximum is a small MDP.
# ::::
# ::::{dropdown} Why did PPO do so badly in the weekly budgets, and what would you change?
# :class-container: interview
#
# With one customer at a time, a decision's consequences come a whole round later, mixed with others' rewards, and with fines it learned to send nothing. Masks remove the fines, not the delay. It also had less knowledge and experience than PPO that sets prices; how much the posing explains I cannot say. I would fit the response to a random log, plan with that, and try RL for the prices.
# ::::
# ::::{dropdown} Which guarantees do you give finance and legal?
# :class-container: interview
#
# In one call no policy, however wrong, exceeds the budget, contacts a minor or uses a channel without consent: a small layer after the model, in whole cents, with a property test and a reason for each refusal. Across calls that takes a ledger and an idempotency key. If credits cost only when redeemed, I keep a reserve.
# ::::
#
# ## Further reading
#
# - {cite:t}`hawkins2003` and {cite:t}`adelman2008`: bounds for weakly coupled decision problems.
# - {cite:t}`sinha1979`: the multiple-choice knapsack and its relaxation.
# - {cite:t}`kunzel2019`: T-, S- and X-learners.
# - {cite:t}`huang2022`: what masking does to a policy gradient.
