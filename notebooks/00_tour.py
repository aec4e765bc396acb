# %% [markdown]
# (ch-tour)=
# # Ten-minute tour
#
# Email, call, demo, survey, account manager, or leave the customer alone: which is best this week? An agent can learn the answer by
# trial and error. **A table memorises what it has tried, a network generalises to what it has not, and here is how we know**: in this
# book we can compute the best possible plan, and every learner is measured against it.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - what a sales funnel asks of an agent, by playing it
#   - what a table learns, and where it gives out
#   - how much further a network gets
#   - what became of a published claim
#
# You need
# : Nothing. You can read past the code.
#
# Time
# : 9 minutes to read, 30 seconds to run.
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
# ## Play the funnel
#
# You have one customer and twelve weeks. Each week you take one action, at its cost; a subscription pays 5,000 dollars. The customer
# is simulated, so we know what the best plan would earn. At the end you see what each of your choices gave up against it.
#
# :::{admonition} Predict
# :class: predict
# Which earns more: the same action every week, or two actions in turn? Guess, then try both.
# :::
#
# <div class="play-funnel" data-seed="1" data-customer="2">
# <div class="part-fallback">
# <p>In the web pages of this book you can play the funnel here against the best plan, where JavaScript
# is on. What twelve weeks with each of its customers earn on average, in dollars:</p>
# <table class="table">
# <thead>
# <tr><th>Customer</th><th>Always wait</th><th>Best single action</th><th>Best plan</th></tr>
# </thead>
# <tbody>
# <tr><th>India, after a demo</th><td>$119</td><td>$223</td><td>$439</td></tr>
# <tr><th>Germany, after a demo</th><td>$119</td><td>$288</td><td>$861</td></tr>
# <tr><th>Nigeria, signed up</th><td>$1,238</td><td>$1,240</td><td>$1,680</td></tr>
# </tbody>
# </table>
# </div>
# </div>
#
# Perhaps you noticed: the channel that suits one customer leaves another cold, the same channel twice in a row does little, and many contacts in
# a row drive people away. Nobody tells the agent. It has to find out as you did, but it can play a hundred thousand games.
#
# ## A table learns one customer
#
# A {term}`Q-table` is a memory. It has a row for each situation (the week, what has happened so far, last week's channel) and a
# column for each action. In each cell it keeps an estimate of what that action earns in the end, and corrects it after every try. Here a table that
# knows nothing plays with one customer (`world`) who has already signed up, and whom account managers suit:

# %% tags=["remove-cell"]
import numpy as np

from crm_rl.evaluation.gain import exact_values, only
from crm_rl.experiments.arms import KNOWN
from crm_rl.worlds.base import Action
from crm_rl.worlds.registry import worlds
from crm_rl.worlds.responsive import DEMO, SIGNUP, SURVEY

everybody = worlds("smooth")["all"]
people = everybody.population
alike = (people.inbound == 1) & (people.start == 1 << DEMO | 1 << SURVEY | 1 << SIGNUP)
suits = np.where(alike, people.affinity[:, Action.MANAGER], -1)
world = only(everybody, np.arange(everybody.size()) == suits.argmax())
known = {name: KNOWN[name](world) for name in ("waiting", "best single action")}
known["the best plan"] = KNOWN["optimum"](world)

# %%
from crm_rl.agents.q_learning import Hyperparameters, train_q_learning

settings = Hyperparameters(
    epsilon_start=0.3,  # how often it tries any action at random
    epsilon_end=0.3,
    alpha=1.0,  # how far it moves an estimate: less and less with each try
    alpha_decay=0.3,
    gamma=1.0,  # later rewards count in full
)
table = train_q_learning(world, settings, episodes=100_000, seed=0)

worth = {}
for name, policy in {"the table": table, **known}.items():
    worth[name] = exact_values(policy, world)[0]
    print(f"{name}: {worth[name]:,.0f} dollars")

# %% tags=["remove-cell"]
import matplotlib.pyplot as plt
import pandas as pd
from myst_nb import glue

from crm_rl import plots
from crm_rl.experiments.arms import ARMS, CHOSEN_TABLE
from crm_rl.experiments.comparison_record import lead, load_comparison, score
from crm_rl.worlds.attributes import RESOLUTIONS
from crm_rl.worlds.nature import BOOK_WORLD

gain = worth["the best plan"] - worth["waiting"]
share = (worth["the table"] - worth["waiting"]) / gain
assert share > 0.9 and worth["the table"] > worth["best single action"]
glue("tour-one", f"{100 * share:.0f}%", display=False)
glue("tour-rows", f"{len(table.q):,}", display=False)
glue("tour-customers", f"{everybody.size():,}", display=False)

# %% [markdown]
# The table comes close to the best plan. Waiting counts as 0%, the best plan as 100%, and the table got {glue:text}`tour-one` of the difference, its
# {term}`share of the attainable gain`. All that took about a second and {glue:text}`tour-rows` rows.
#
# ## Many customers: memory is not enough
#
# Now {glue:text}`tour-customers` customers, who respond in different ways. A small table, which tells few situations apart, treats them all
# alike. A large one has a row for every combination of country, {term}`bootcamp` (the customer's training provider) and situation, and must try each of them again and again. We gave
# seven tables and a {term}`deep Q-network <DQN>` the same experience, a million customer-weeks, in each of ten simulated worlds:

# %% mystnb={"figure": {"caption": "What tables and a network make of a million customer-weeks. Dots: seven tables, from the coarsest to the finest, by the rows they use. Orange: a network. Means over ten worlds, with 95% intervals.", "name": "fig-tour-tables"}, "image": {"alt": "Dots for seven tables with 30 to 67,000 rows: the best, with 340 rows, gets about a fifth of the attainable gain, the largest does worse than waiting. A band for the network lies at two thirds, far above all tables and well below the best plan."}} tags=["hide-input"]
plots.use_style()
runs = load_comparison("twin")
runs = runs[runs["world"] != BOOK_WORLD]
NETWORK = "DQN, embeddings"
tables = {}
for name, resolution in RESOLUTIONS.items():
    arm = ARMS[f"table: {name}"]
    train, setting = worlds("smooth")["train"], arm.trials[arm.chosen]
    trained = train_q_learning(train, setting, None, 0, steps=1_000_000, resolution=resolution)
    tables[name] = {"rows": len(trained.q), **score(runs, f"table: {name}", roughness=0.0)}
tables = pd.DataFrame(tables).T
plots.tables_and_network(tables, score(runs, NETWORK, roughness=0.0))
plt.show()

# %% tags=["remove-cell"]


def in_percent(row: pd.Series) -> str:
    """Return a mean and its interval as text."""
    mean, low, high = (f"{100 * share:.0f}%".replace("-", "−") for share in row)
    return f"{mean} ({low} to {high})"


for key, end in {"smooth": 0.0, "rough": 1.0}.items():
    scores = pd.DataFrame({name: score(runs, f"table: {name}", roughness=end) for name in RESOLUTIONS}).T
    best, finest = scores["mean"].idxmax(), scores.iloc[-1]
    assert all(lead(runs, NETWORK, f"table: {name}", roughness=end)["low"] > 0 for name in RESOLUTIONS)
    assert best == "+ week"
    for name, row in {"network": score(runs, NETWORK, roughness=end), "best": scores.loc[best], "finest": finest}.items():
        glue(f"tour-{name}-{key}", in_percent(row), display=False)
    ahead = lead(runs, NETWORK, f"table: {best}", roughness=end)
    glue(f"tour-lead-{key}", in_percent(ahead), display=False)
    assert score(runs, NETWORK, roughness=end)["high"] < 0.9
    assert finest["high"] < 0
glue("tour-chosen-smooth", in_percent(score(runs, CHOSEN_TABLE, roughness=0.0)), display=False)
assert lead(runs, NETWORK, CHOSEN_TABLE, roughness=0.0)["low"] > 0
for group in ("inbound", "outbound"):
    row = score(runs, NETWORK, f"share_{group}", roughness=0.0)
    glue(f"tour-{group}", in_percent(row), display=False)
assert row["high"] < 0

hidden = load_comparison("why_twin")
names = {"network": NETWORK, "numbers": "DQN, numbers", "finest": f"table: {list(RESOLUTIONS)[-1]}"}
unseen = {
    end: {key: score(hidden, arm, hidden="pairs", roughness=end) for key, arm in names.items()}
    for end in (0.0, 1.0)
}
for key in ("network", "finest"):
    glue(f"tour-unseen-{key}", in_percent(unseen[0.0][key]), display=False)
assert unseen[0.0]["network"]["low"] > 0 < unseen[0.0]["numbers"]["low"]
assert unseen[0.0]["finest"]["high"] < 0 and max(row["low"] for row in unseen[1.0].values()) < 0
assert all(score(hidden, arm, hidden="pairs", roughness=1.0)["low"] < 0 for arm in ("sum of tables", CHOSEN_TABLE))

from crm_rl.data import data_path
from crm_rl.experiments.funnel_study import load_study
from crm_rl.experiments.runner import data_name

study, _, source = load_study(data_name(data_path()))
assert len(source["seeds"]) == 20
for _, rows in study.groupby("setting"):
    rates = rows.groupby("row")["subscription_rate"].mean()
    assert rates.filter(like="q").max() <= rates["random"] + 1e-9
rates = study[study["setting"] == "as_coded"].groupby("row")["subscription_rate"].mean()
glue("tour-random", f"{rates['random']:.2f}%", display=False)
glue("tour-factor", f"{rates['random'] / 0.44:.1f}", display=False)
floor, ceiling = (rates[f"always_{name}"] * study["customers"].iloc[0] / 100 for name in ("wait", "manager"))
assert ceiling - floor > 2.5 and rates.between(rates["always_wait"], rates["always_manager"]).all()
glue("tour-room", f"{ceiling - floor:.0f}", display=False)

# %% [markdown]
# The best of the seven has few rows and gets {glue:text}`tour-best-smooth`. The finest sees the most and does worse than waiting: its experience
# is spread over too many rows.
#
# The network sees as much as the finest table and gets {glue:text}`tour-network-smooth`. It has no rows. It computes its estimates from the features, so what it learns from one
# customer also changes its answer for customers like them. Even in *rough* worlds, where similar customers respond differently, it gets
# {glue:text}`tour-network-rough`. A table whose rows we chose by hand, knowing what matters, gets {glue:text}`tour-chosen-smooth` in smooth worlds ([chapter 5](05_state_space_explosion.ipynb)).
#
# Can it treat customers whom it has never met? We hid a fifth of all pairs of country and bootcamp from training and judged by the hidden customers
# alone, in five worlds. The finest table has no row for them and guesses: {glue:text}`tour-unseen-finest`. The network gets {glue:text}`tour-unseen-network`, more than waiting. That is in smooth worlds; in rough ones
# no learner that we tried is clearly better than waiting for these customers.
#
# The network is not perfect either. Before the first run we had registered a goal of 90%, and the network missed it. With customers who came by themselves it gets
# {glue:text}`tour-inbound`; with the others, who hardly ever subscribe, it does worse than waiting in smooth worlds. [Chapter 7](07_fair_match.ipynb) has the whole match.
#
# ## What was claimed, and what we found
#
# This book grew out of a published study {cite:p}`nair2026`. Its agents learn in a replay of recorded customers, and three of the four are
# said to bring three to four times as many subscriptions as random targeting.
#
# We ran it again, with 20 seeds for each agent. Under random actions, by the same rules, {glue:text}`tour-random` of the same test customers
# subscribe: {glue:text}`tour-factor` times the published baseline, the share among *all* customers in
# the file. None of the four agents gets ahead of that. In the replay the record decides who subscribes, except for
# {glue:text}`tour-room` test customers.
#
# ## Where the book goes
#
# - **Part I, data.** [1](01_data_processing.ipynb): from a dirty export to 15 features. [2](02_education_column.ipynb): names are not numbers.
# - **Part II, learning beside the optimum.** [3](03_funnel_mdp.ipynb): the best plan, computed exactly. [4](04_q_learning.ipynb): a table learns it from experience.
#   [5](05_state_space_explosion.ipynb): tables with too many states. [6](06_dqn.ipynb): networks that generalise. [7](07_fair_match.ipynb): a fair match.
# - **Part III, the published study.** [8](08_study.ipynb): run again, with 20 seeds. [9](09_audit.ipynb): what its numbers measured.
# - **Part IV, the neighbours.** [10](10_email.ipynb): email audiences. [11](11_offers.ipynb): offers. [12](12_budgets.ipynb): weekly budgets. [13](13_logs.ipynb): learning from logs.
# - **Part V** prepares for interviews: [questions to practise](../book/interview/practice.md), derivations, tasks and cases.
#
# :::{admonition} What to keep
# :class: takeaways
# - A table learns what it tries, cell by cell. With many states its experience runs out.
# - A network shares what it learns between similar customers, and gets much further here.
# - We know because the best plan is known. A score without a floor and a ceiling says little.
# :::
#
# Next: [the problem](../book/problem.md); then [chapter 1](01_data_processing.ipynb), or straight to [the funnel as an MDP](03_funnel_mdp.ipynb).
