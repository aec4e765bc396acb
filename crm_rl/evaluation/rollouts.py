"""What a policy is worth: every customer of a part once, without exploration, and how sure each number is (chapter 9).

`agents.policies` says what a policy is.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from crm_rl.agents.policies import Policy
from crm_rl.agents.reference import CONSTANTS, random_policy
from crm_rl.evaluation.intervals import over_seeds, widened, wilson
from crm_rl.worlds.base import N_ACTIONS, N_FEATURES, World, firm_actions

#: What the study divided by: the share of subscribers in all 11,032 rows, in %, whatever was done to them.
PUBLISHED_BASE_RATE = 0.44


class Episodes(NamedTuple):
    """What happened to each customer, in the order of the population; arrays of shape (customers,) unless said.

    Attributes:
        reward: the sum over the episode.
        subscribed: whether a subscription counted.
        called: whether a call reached a customer whose record has one.
        cost: what the firm's actions cost together.
        steps: how many were taken.
        mask: which features were visible at the end, as bits.
        actions: shape (customers, 6): how often each action of the firm was taken.
    """

    reward: np.ndarray
    subscribed: np.ndarray
    called: np.ndarray
    cost: np.ndarray
    steps: np.ndarray
    mask: np.ndarray
    actions: np.ndarray


def play(world: World, policy: Policy, rng: np.random.Generator, max_steps: int | None = None) -> Episodes:
    """Let a policy treat every customer of a world once.

    Args:
        world: the customers and the rules; its pools are not used.
        policy: who chooses.
        rng: for policies that choose at random, and for what a world leaves to chance.
        max_steps: where an episode that the rules let go on is cut off; None is `World.longest`. It decides the reward
            of whoever gets there.

    Returns:
        What happened.
    """
    n, cost_of = world.size(), np.asarray(world.params.action_cost)
    reward, cost, steps = np.zeros(n), np.zeros(n), np.zeros(n, dtype=np.int64)
    subscribed, called = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    actions_taken = np.zeros((n, N_ACTIONS), dtype=np.int64)
    active = np.arange(n)
    states = world.start(active)
    mask = states.mask.copy()
    for _ in range(max_steps or world.longest()):
        actions = np.asarray(policy(states, world, rng))
        chances = rng.random((len(active), world.chances)) if world.chances else np.zeros((len(active), 0))
        outcome = world.step(states, actions, chances)
        by_firm, firm_action = firm_actions(actions, world.params)
        reward[active] += outcome.reward
        steps[active] += 1
        subscribed[active] |= outcome.subscribed
        mask[active] = outcome.state.mask
        cost[active[by_firm]] += cost_of[firm_action]
        actions_taken[active[by_firm], firm_action] += 1
        everybody = np.full(len(actions), -1)
        everybody[by_firm] = firm_action
        called[active] |= world.called(states, everybody, outcome)
        goes_on = ~(outcome.terminated | outcome.truncated)
        active = active[goes_on]
        states = type(states)(*(field[goes_on] for field in outcome.state))
        if not len(active):
            break
    return Episodes(reward, subscribed, called, cost, steps, mask, actions_taken)


def metrics(episodes: Episodes) -> dict[str, float]:
    """The study's measures of one evaluation, as plain numbers.

    Rates are in % of the customers. `cost_per_subscription` is missing where nobody subscribed.
    """
    n, subscribers = len(episodes.reward), int(episodes.subscribed.sum())
    low, high = wilson(subscribers, n)
    features = [int(mask).bit_count() for mask in episodes.mask]
    return {
        "customers": n,
        "subscribers": subscribers,
        "subscription_rate": 100 * subscribers / n,
        "rate_low": 100 * low,
        "rate_high": 100 * high,
        "improvement_factor": 100 * subscribers / n / PUBLISHED_BASE_RATE,
        "first_call_rate": 100 * episodes.called.mean(),
        "cost": episodes.cost.sum(),
        "cost_per_subscription": episodes.cost.sum() / subscribers if subscribers else np.nan,
        "average_reward": episodes.reward.mean(),
        "average_steps": episodes.steps.mean(),
        "features_used": float(np.mean(features)),
        "data_collection_savings": 100 * (1 - np.mean(features) / N_FEATURES),
    }


def feature_use(episodes: Episodes) -> np.ndarray:
    """How often each feature was visible among those who subscribed, shape (15,), in [0, 1]; missing if nobody did."""
    masks = episodes.mask[episodes.subscribed]
    bits = masks[:, None] >> np.arange(N_FEATURES) & 1
    return bits.mean(axis=0) if len(masks) else np.full(N_FEATURES, np.nan)


def reward_gap(first: np.ndarray, second: np.ndarray, customers_error: float, rng: np.random.Generator) -> pd.Series:
    """How much more one policy earns than another on the same customers, with one interval for seeds and customers.

    Args:
        first, second: the mean reward of each seed, shape (seeds,); one number for a policy without chance.
        customers_error: the standard error of the difference over customers, as `paired_error` gives it.
        rng: draws the seeds of both anew.

    Returns:
        `gap`, the difference of the interquartile means, with `low` and `high`.
    """
    gap, *of_seeds = over_seeds(first, rng, minus=second)
    reach = 1.96 * customers_error
    low, high = widened(gap, tuple(of_seeds), (gap - reach, gap + reach))
    return pd.Series({"gap": gap, "low": low, "high": high})


def paired_error(first: Episodes, second: Episodes) -> float:
    """The standard error, over customers, of the difference of two mean rewards of the same customers."""
    differences = first.reward - second.reward
    return float(differences.std(ddof=1) / np.sqrt(len(differences)))


def play_rivals(world: World, seeds: Iterable[int]) -> dict[tuple[str, int], Episodes]:
    """Let the policies that learn nothing treat every customer of a world once: random, and each action always.

    Where the first action of the firm ends the episode, "always call" is "call at once, looking at nothing".

    Args:
        world: the customers and the rules of their game.
        seeds: of the random policy, which draws as in the study.

    Returns:
        What happened, by the name of the policy and the seed; the six that choose nothing at random have seed 0 alone.
    """
    by_chance = {("random", seed): play(world, random_policy, np.random.default_rng([seed, 1])) for seed in seeds}
    return by_chance | {(name, 0): play(world, policy, np.random.default_rng(0)) for name, policy in CONSTANTS.items()}


#: The measures of the study's table, by the names of `metrics`.
MEASURES = {
    "rate %": "subscription_rate",
    "first calls %": "first_call_rate",
    "reward": "average_reward",
    "features": "features_used",
}


def compare(runs: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The policies of one game side by side.

    Args:
        runs: a row a run: `row` names the policy; the other columns are those of `metrics`.
        rng: draws the seeds anew, for the intervals over seeds.

    Returns:
        A row a policy, in the order in which `runs` has them. For each of `MEASURES` the interquartile mean over seeds
        and its interval (`reward`, `reward low`, `reward high`, ...). `subscribers`: the rate as a count of customers,
        to the nearest whole; `customers low` and `customers high`: the interval of the rate over customers, in %,
        Wilson's where all seeds agree, otherwise widened by that over seeds. `cost of one`: what all seeds spent on
        actions of the firm by what all seeds sold, in points, without toggles and features; missing where nothing was
        sold.
    """
    lines = {}
    for row, ours in runs.groupby("row", sort=False):
        line = {}
        for name, column in MEASURES.items():
            spread = over_seeds(ours[column], rng)
            line |= {name: spread["iqm"], f"{name} low": spread["low"], f"{name} high": spread["high"]}
        customers = int(ours["customers"].iloc[0])
        line["subscribers"] = round(line["rate %"] / 100 * customers)
        of_customers = tuple(100 * end for end in wilson(line["subscribers"], customers))
        of_seeds = line["rate % low"], line["rate % high"]
        low, high = widened(line["rate %"], of_seeds, of_customers)
        line["customers low"], line["customers high"] = max(0.0, low), high
        sold = ours["subscribers"].sum()
        line["cost of one"] = ours["cost"].sum() / sold if sold else np.nan
        lines[row] = line
    return pd.DataFrame(lines).T
