# %% [markdown]
# (ch-story)=
# # Telling the story
#
# "Tell me about a project" decides more interviews than any derivation. The same work needs three tellings: **two minutes for a stakeholder, ten for an engineer, and an honest answer to "what went wrong?"**
# Each is below, with the numbers filled in from the records of this book, and with the three hard questions that it provokes. Use them for this project, then write your own in the same form.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to say in two minutes what was found, what it is worth, and what to do
#   - to lead an engineer through ten minutes without hiding the weak points
#   - to tell a failure, a published one and our own, without blame or excuse
#
# You need
# : [A fair match](07_fair_match.ipynb) and [the audit](09_audit.ipynb).
#
# Time
# : 17 minutes to read, 15 seconds to run.
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
# ## Twelve numbers to know by heart
#
# A story without numbers sounds like an opinion, and one with thirty numbers like a report. These twelve carry all three tellings. The first six come from the simulated funnel, the others from the original export of the
# published study. (In brackets: a 95% interval, over worlds in the first six. "Smooth" and "rough" are explained [here](07_fair_match.ipynb).)

# %% tags=["hide-input"]
import pandas as pd

from crm_rl.evaluation.intervals import in_digits
from crm_rl.evaluation.power import customers_per_arm
from crm_rl.experiments.arms import ARMS
from crm_rl.experiments.comparison_record import lead, load_comparison, score, shares
from crm_rl.experiments.funnel_study import load_study
from crm_rl.experiments.original_numbers import original_numbers
from crm_rl.worlds.nature import BOOK_WORLD

runs = load_comparison("twin")
runs = runs[runs["world"] != BOOK_WORLD]  # the world that the chapters show
audit = original_numbers()
NETWORK, SINGLE = "DQN, embeddings", "best single action"
finest = [arm for arm in ARMS if arm.startswith("table: ") and (runs["arm"] == arm).any()][-1]


def dollars(arm: str) -> str:
    """Return what an arm earns in smooth worlds, in dollars a customer."""
    return f"{shares(runs, arm, 'all', roughness=0.0).mean():.2f}"


numbers = {
    "network, share of the gain, smooth worlds": in_digits(*score(runs, NETWORK, roughness=0.0)),
    "the same, rough worlds": in_digits(*score(runs, NETWORK, roughness=1.0)),
    "the network's lead over the best single action": in_digits(*lead(runs, NETWORK, SINGLE, roughness=0.0)),
    "finest table, smooth worlds": in_digits(*score(runs, finest, roughness=0.0)),
    "the share that was our registered goal": "0.90",
    "dollars each, smooth: waiting, network, best": ", ".join(
        dollars(arm) for arm in ("waiting", NETWORK, "optimum")
    ),
    "improvement factor that the study reports": "3.16 times",
    "factor from the change of customers alone": f"{audit['audit-floor-factor']} times",
    "published DQN over waiting, same customers": audit["audit-factor-dqn-selection-wait"],
    "test customers on whom a policy can matter": f"{audit['audit-room']} of 1,655",
    "customers per arm to find a lift of 20%": f"{customers_per_arm(0.0044, 1.2):,}",
    "years for that": audit["audit-years-1.2"],
}
pd.Series(numbers).to_frame("value")

# %% tags=["remove-cell"]
from myst_nb import glue

from crm_rl.worlds.registry import worlds

for key, text in {
    "smooth": numbers["network, share of the gain, smooth worlds"],
    "rough": numbers["the same, rough worlds"],
    "finest": numbers["finest table, smooth worlds"],
    "single": numbers["the network's lead over the best single action"],
    "waiting": f"{float(dollars('waiting')):.0f}",
    "network": f"{float(dollars(NETWORK)):.0f}",
    "best": f"{float(dollars('optimum')):.0f}",
    "floor-factor": audit["audit-floor-factor"],
    "over-waiting": audit["audit-factor-dqn-selection-wait"],
    "room": audit["audit-room"],
    "floor": audit["audit-floor"],
    "ceiling": audit["audit-ceiling"],
    "missing": audit["audit-test-missing"],
    "missing-subscribers": audit["audit-test-missing-subscribers"],
    "dated": audit["audit-test-dated"],
    "dated-subscribers": audit["audit-test-dated-subscribers"],
    "inbound-before": audit["audit-inbound-before"],
    "inbound-after": audit["audit-inbound-after"],
    "arm": f"{round(customers_per_arm(0.0044, 1.2), -3):,}",  # as one says it aloud
    "years": f"{float(audit['audit-years-1.2']):.0f}",
    "years-claim": f"{float(audit['audit-years-3.16']):.0f}",
    "percent": f"{100 * score(runs, NETWORK, roughness=0.0)['mean']:.0f}%",
    "numbers-rough": in_digits(*score(runs, "DQN, numbers", roughness=1.0)),
    "bandit": in_digits(*lead(runs, NETWORK, "contextual bandit", roughness=1.0)),
    "onestep": in_digits(*lead(runs, NETWORK, "one-step greedy", roughness=0.0)),
    "fitted": in_digits(*lead(runs, NETWORK, "fitted Q", roughness=1.0)),
    "twins": in_digits(*lead(runs, NETWORK, "DQN, numbers", roughness=0.0)),
    "worlds": str(len(shares(runs, NETWORK, roughness=0.0))),
}.items():
    glue(f"story-{key}", text.replace("-", "−") if key == "finest" else text, display=False)
assert score(runs, finest, roughness=0.0)["high"] < 0 < lead(runs, NETWORK, SINGLE, roughness=0.0)["low"]
for rival in ("contextual bandit", "fitted Q"):
    assert lead(runs, NETWORK, rival, roughness=1.0)["low"] > 0
assert lead(runs, NETWORK, "one-step greedy", roughness=0.0)["low"] > 0
assert all(score(runs, NETWORK, roughness=end)["high"] < 0.9 for end in (0.0, 1.0))
here = worlds("smooth")["all"].population.inbound.mean()
missing = {
    group: shares(runs, "optimum", group, roughness=0.0) - shares(runs, NETWORK, group, roughness=0.0)
    for group in ("all", "outbound")
}
share = ((1 - here) * missing["outbound"] / missing["all"]).mean()
assert share > 0.5
glue("story-missing-outbound", f"{100 * share:.0f}%", display=False)
outbound = lead(runs, NETWORK, "waiting", "outbound", roughness=0.0)
assert outbound["high"] < 0  # dollars with outbound customers
study = load_study("original")[0].query("setting == 'as_coded'").groupby("row")["subscribers"].mean()
glue("story-random", f"{study['random']:.1f}", display=False)
glue("story-dqn", f"{study['dqn']:.0f}", display=False)
assert study["dqn"] == float(audit["audit-floor"]) < study["random"]

# %% [markdown]
# ## Two minutes for a stakeholder
#
# The order is: decision, finding, worth, what to do. No method is named before somebody asks.
#
# :::{admonition} Say it aloud, with a clock
# :class: by-hand
#
# "Each week the sales team decides for every prospect whether to write, call, wait, or send an account manager. We were asked whether a learning system would choose better. A published study of this very data says yes: three times as many
# subscribers as random targeting.
#
# "We ran the study again, and the factor does not hold. It compares a test group, which happens to hold everybody who came to us by themselves, with all customers. Those who come by themselves subscribe far more often. Doing *nothing* gets {glue:text}`story-floor-factor` of the reported 3.16
# times. In that test, the choice of actions could matter for {glue:text}`story-room` of 1,655 customers. So it cannot tell you whether the system works.
#
# "Could such a system work? To find out, we built a simulated sales funnel in which the best possible plan is known. Left alone, a customer there is worth {glue:text}`story-waiting` dollars. The system learned to earn {glue:text}`story-network`, and the best plan would earn {glue:text}`story-best`.
# So such a system can work, with customers who behave as we assumed. They are simulated, and the numbers are no forecast.
#
# "What stands in the way is not the method, it is that nobody writes down which actions were tried. I propose three steps. First, log every action from now on, and choose a small share of them at random. Second, a pilot with a control group, planned so
# that we know beforehand what it can find. At the present rate of sales, finding a rise of 20% takes about {glue:text}`story-arm` prospects in each group, more than we see in decades, so we would test on a group that buys more often, or wait for a bigger effect. Third, until then, keep the present rule. The first step
# costs little, and without it we shall have the same conversation in a year."
# :::
#
# ::::{dropdown} "So you worked for months to tell me that it doesn't work?"
# :class-container: interview
#
# I can't tell you that it does not work, only that this number does not show that it does. What you get is a decision that you would otherwise have made on a wrong number: account managers for everybody, say, are the most expensive action we have. And you get the one step that makes the next answer possible, the log. I would rather bring you
# this now than after the roll-out.
# ::::
# ::::{dropdown} "How much money will it make?"
# :class-container: interview
#
# I don't know, and I would not trust anyone who gave you a number from this data. The simulation doubles the earnings per customer, but its customers do what we assumed. What I can give you is a plan in which you know the price of finding out beforehand, and the point at which we stop.
# ::::
# ::::{dropdown} "A vendor promises us three times. Why can't you?"
# :class-container: interview
#
# Perhaps they can. I would ask them three questions. Were both groups the same kind of customers, chosen by chance? What would doing nothing have scored? How many *sales*, not contacts, is the number based on? If the answers are good, we run a pilot with them, with our control group. A true factor of 3.16 would show within about {glue:text}`story-years-claim` year at our
# size, so the promise can be tested.
# ::::
#
# ## Ten minutes for an engineer
#
# An engineer wants to see where it could break. Draw while you talk, and give the weak points yourself.
#
# | minute | what you say | what you draw |
# |---|---|---|
# | 0 to 1 | the decision, six actions, twelve weeks, rewards rare and late | the funnel |
# | 1 to 3 | a simulated funnel with known probabilities; backward induction gives the optimum, exactly | a scale: waiting 0, optimum 1 |
# | 3 to 5 | Q-learning; the more a table sees, the fewer tries a state gets | the arch |
# | 5 to 8 | DQN with embeddings; the match, its rules, its result, what we missed | dots with intervals |
# | 8 to 10 | the published study, floor and ceiling; what I would build next | the narrow band |
#
# **Minutes 1 to 3.** "I wanted every learning curve beside the truth. So the funnel is simulated from a written prior, with hazards fitted to the data and effects of actions that are assumptions. Twelve weeks, six actions; the state is small enough for each customer to be solved by backward induction. Every policy is evaluated exactly, so the score has no sampling noise of customers: the share of the attainable gain, as a ratio of sums."
#
# **Minutes 3 to 5.** "A table gets nearly all for one type of customer. Give it more features, and each row is seen less often: the finest table gets {glue:text}`story-finest` in smooth worlds, which is worse than waiting. It is not a fault of Q-learning, it is the representation."
#
# **Minutes 5 to 8.** "A network of 128 and 128 units shares experience between neighbours. Country and bootcamp are names, so they get embeddings. We registered the criterion before the first run: ahead of every learner, and at least 0.90. In {glue:text}`story-worlds` worlds it gets {glue:text}`story-smooth` where like customers respond alike. It is ahead of
# all tables, also of one that I chose by hand, and of the best fixed action by {glue:text}`story-single`, so sequence pays. In rough worlds it beat every learner of mine, fitted Q by {glue:text}`story-fitted`. But the goal was missed: nobody reached 0.90, and in smooth worlds I cannot tell it from a network that reads names as numbers."
#
# **Minutes 8 to 10.** "The published study replays records, so the outcome is fixed before the agent acts. I played every constant action: the floor is {glue:text}`story-floor` subscribers, the ceiling {glue:text}`story-ceiling`. Over 20 seeds, random actions get {glue:text}`story-random` on average, and the DQN {glue:text}`story-dqn`, the floor. Next I would build the log with propensities, and begin with a bandit."
#
# ::::{dropdown} "You built the simulator. Of course your network wins in it."
# :class-container: interview
#
# That is the right suspicion, and the reason for three rules. The worlds were drawn from a prior that was written down first. Settings were tried in a world that is judged nowhere. And there is an end of the scale where a plain network must suffer: in rough worlds, where neighbours tell you nothing, the one that reads names as numbers gets {glue:text}`story-numbers-rough`. Our network did not
# win everything: the registered goal was missed. What the simulator cannot show is whether real customers are like any of these worlds.
# ::::
# ::::{dropdown} "Why a DQN and not a contextual bandit?"
# :class-container: interview
#
# Because of a bound, not a taste: a bandit that repeats one action can't beat the best single action per customer, and the network is ahead of that by {glue:text}`story-single`. A bandit that decides anew each week, with the week and milestones as context, is not bound by this; I ran that as the one-step rival, and in smooth worlds the network is ahead of it by {glue:text}`story-onestep`. It beats the bandit that commits to one action by {glue:text}`story-bandit` in rough worlds. At work I would still start with the bandit: it is simpler, its log can be
# evaluated with one weight per decision, and it tells me how much sequence could add.
# ::::
# ::::{dropdown} "Two thirds of the possible gain is not much. What is missing?"
# :class-container: interview
#
# Most of it is with outbound customers: {glue:text}`story-missing-outbound` of what is missing in smooth worlds. They hardly ever subscribe, so their rewards are nearly all noise, and in smooth worlds the network does worse with them than waiting would. The optimum also knows the true probabilities, which nobody could learn fully from a million weeks with rare sales. I would try a rule that leaves outbound customers alone until there is evidence, and
# judge it in new worlds, since the old ones gave me the idea.
# ::::
#
# ## What went wrong
#
# Tell two failures: one that you found, and one that was yours. The form is the same: what was claimed, what we saw, why it happened, what has changed since. Never name a culprit.
#
# :::{admonition} The published one, in a minute and a half
# :class: by-hand
#
# "The study reported 3.16 times the base rate. The first thing that I do with a score is to ask what doing nothing would get. Here it was {glue:text}`story-floor-factor` times. Compared with waiting on the same customers, the published agent comes to {glue:text}`story-over-waiting`, an interval with 1 in it.
#
# "The cause was a sort. Rows were ordered by the date of first contact, with missing dates last, and the last part became the test. Customers who come by themselves have no first contact, so all of them were in the test. Of {glue:text}`story-missing` test customers without that date {glue:text}`story-missing-subscribers` subscribed, of the {glue:text}`story-dated` others
# {glue:text}`story-dated-subscribers`. And the firm had changed: customers who came by themselves went from {glue:text}`story-inbound-before` to {glue:text}`story-inbound-after` of all arrivals. The total rate rises, and no group is seen to rise: Simpson's paradox. (The groups' counts are small, so I claim no more than that.)
#
# "What changed: I compute floor and ceiling before training anything, I count successes by group in each part of a split, and I keep a checklist of sixteen questions that we now ask of our own results first."
# :::
#
# :::{admonition} Our own, in one minute
# :class: by-hand
#
# "We had registered that our network would beat every rival and reach 0.90 of what is attainable. It reached {glue:text}`story-smooth` in smooth worlds and {glue:text}`story-rough` in rough ones, and one rival could not be told from it in smooth ones. We had also registered twenty worlds, and had time for ten. I could have moved the
# goal afterwards, for example to 'ahead of all tables', which is true. We reported the goal as missed, and that statement beside it. What I would do differently: time one full run of the slowest rival before promising a number of runs."
# :::
#
# ::::{dropdown} "Were the authors dishonest?"
# :class-container: interview
#
# I see no sign of it. Each step is one that I have seen in good teams: a default sort, a baseline from the dashboard, one seed. Code and data are public, which is why anybody could find this; most results can't be checked at all. I would rather work with people who publish so that they can be corrected.
# ::::
# ::::{dropdown} "How do you know that your audit is right?"
# :class-container: interview
#
# By three checks that could have failed. We rebuilt the study from its description and, separately, by the rules of its code, over 20 seeds, and each of the four published agents' rates is one that chance could give in our re-run. Floor and ceiling come from playing every constant action, and agree with a count made by hand. And each claim stands in a ledger with the record that decides it, including those that we
# could not test. What I am least sure of is the reading of one rule in the code; if it is read the other way, the ceiling rises by one customer.
# ::::
# ::::{dropdown} "What would change your mind?"
# :class-container: interview
#
# A randomised pilot in which the agent's group subscribes more often than the control group, with the size and the stopping rule fixed beforehand. Or a log with propensities on which a doubly robust estimate clears the present rule. Both are in my plan. Before that, no better network on this export can change my mind, because the export does not record actions.
# ::::
#
# ## Write your own
#
# ::::{exercise} ★★ Your project in the same form
# :label: ex-story-own
#
# Take a project of yours and write: the decision in one sentence, the finding with one number and its interval, what it is worth, what to do next. Then the three questions that you hope nobody asks, with answers. Read it aloud against a clock: about 300 words are two minutes.
# ::::
#
# :::{solution-start} ex-story-own
# :class: dropdown
# :::
#
# There is no solution, but a score sheet. One point for each yes:
#
# - Does the first minute name a decision, and no method?
# - Has every number a comparison ("than what?") and a source?
# - Do you say yourself what you do not know, before you are asked?
# - Is there a next step with a price and a point at which to stop?
# - Can you give the weak point of your own work in two sentences, without "but"?
#
# Four of five, and it is ready.
#
# :::{solution-end}
# :::
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - For a stakeholder: decision, finding, worth, next step. For an engineer: what could break, and how you would notice.
# - A missed goal that you report is worth more than a goal that you moved.
# - "I don't know" is complete when it comes with what would tell you, and what that costs.
# :::
