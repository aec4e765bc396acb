"""Cases for the audit of chapter 8: the study itself, and whatever has Gymnasium's face."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from crm_rl.agents.reference import constant_policy, random_policy
from crm_rl.data.features import PUBLISHED_FEATURES
from crm_rl.data.split import published_split
from crm_rl.evaluation.audit.report import Case, Play
from crm_rl.evaluation.rollouts import PUBLISHED_BASE_RATE, play
from crm_rl.worlds.base import Action
from crm_rl.worlds.replay_world import ReplayWorld, balanced, replay_worlds


def play_gymnasium(
    env, resets: Iterable[dict], succeeded: Callable[[float, dict], bool], max_steps: int = 1000
) -> Play:
    """Make `play` out of a Gymnasium environment.

    Args:
        env: the environment of the test part.
        resets: what to pass to `reset` as `options` for each test customer, in their order.
        succeeded: says of a step's reward and info whether it brought the success.
        max_steps: after which an episode is left.

    Returns:
        `play(policy, rng)`, for policies `(observation, rng) -> action`.
    """
    resets = list(resets)

    def play_env(policy: Callable, rng: np.random.Generator) -> np.ndarray:
        outcomes = np.zeros(len(resets), dtype=bool)
        seeds = rng.integers(2**31, size=len(resets))  # first, lest a policy's own chance change the customers'
        for customer, options in enumerate(resets):
            observation, _ = env.reset(seed=int(seeds[customer]), options=options)
            for _ in range(max_steps):
                observation, reward, terminated, truncated, info = env.step(policy(observation, rng))
                outcomes[customer] |= bool(succeeded(reward, info))
                if terminated or truncated:
                    break
        return outcomes

    return play_env


def replay_case(
    customers: pd.DataFrame,
    setting: str = "as_coded",
    policies: dict[str, Any] | None = None,
    candidate: str | None = None,
    learn: Callable[[ReplayWorld], Any] | None = None,
) -> Case:
    """The case of the study: its split, its features, its game without feature selection.

    Args:
        customers: as `crm_data.clean` returns them.
        setting: "as_coded" or "described".
        policies: beside waiting, a random one and the other five constants: policies as `evaluation.play` takes them.
        candidate: the name of the one to audit.
        learn: trains a policy in a training world; for `retrain`, where the record of each customer (milestones and
            subscription) becomes another one's.
    """
    worlds = replay_worlds(customers, setting)
    features = [feature.name for feature in PUBLISHED_FEATURES]
    parts = {
        name: part.assign(**dict(zip(features, worlds[name].population.features.T.astype(float), strict=True)))
        for name, part in published_split(customers).parts().items()
    }
    constants = {f"always {action.name.lower()}": constant_policy(action) for action in Action}
    everybody = {"always wait": constants.pop("always wait"), **constants, "random": random_policy, **(policies or {})}
    train, test = worlds["train"], worlds["test"]
    states = test.start(np.arange(test.size()))
    known = everybody[candidate].known(states, test) if hasattr(everybody.get(candidate), "known") else None

    def retrain(order: np.ndarray) -> Any:
        people = train.population
        people = people._replace(reached=people.reached[order], subscribed=people.subscribed[order])
        return learn(ReplayWorld(people, train.rules, balanced(people, train.pools.shares)))

    return Case(
        parts=parts,
        label="subscribed",
        features=features,
        names={"country": "Country"},
        policies=everybody,
        reference="always wait",
        candidate=candidate,
        play=lambda policy, rng: play(test, policy, rng).subscribed,
        claimed_base=PUBLISHED_BASE_RATE / 100,
        known=known,
        retrain=retrain if learn else None,
        score=lambda policy, rng: float(play(test, policy, rng).reward.mean()),
    )
