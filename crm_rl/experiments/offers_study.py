"""Who learns to send offers (chapter 11): networks, bandits and fitted models at equal data, over seeds, recorded."""

import json
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from crm_rl.case_studies.offers import linear, networks
from crm_rl.case_studies.offers.catalogue import load_catalogue
from crm_rl.case_studies.offers.features import scaled
from crm_rl.case_studies.offers.published import PublishedEnv, rewards_of_all
from crm_rl.case_studies.offers.response import FATIGUE, HABIT, load_response, optimal, share_of_gain
from crm_rl.case_studies.offers.simulator import World, generated, greedy_actions, make_world, values_of
from crm_rl.experiments.runner import RESULTS, data_name, provenance, write_record

#: Customers of whom the learners get offers' outcomes, and others whom they never meet: how many, and the logs' seeds.
USERS, MET, UNSEEN = 1_000, 0, 1

#: What the book's record has: customer-weeks of each learner, and seeds; fewer for those that train a network.
WEEKS, SEEDS, NETWORK_SEEDS = 30_000, 10, 5

#: Of PPO with the published reward: customers treated, and seeds.
PUBLISHED_STEPS, PUBLISHED_SEEDS = 10_240, 3

#: The bandits' one setting, in dollars: how far beyond the estimate LinUCB looks, and how wide Thompson sampling draws.
ALPHA = SPREAD = 5.0

#: The learners: (world, customer-weeks, seed) -> scores of actions.
ARMS = {
    "PPO, flat": lambda world, weeks, seed: networks.ppo(world, weeks, seed),
    "PPO, factored": lambda world, weeks, seed: networks.ppo(world, weeks, seed, factored=True),
    "DQN": networks.dqn,
    "LinUCB": lambda world, weeks, seed: linear.linucb(world, weeks, seed, ALPHA),
    "Thompson sampling": lambda world, weeks, seed: linear.thompson(world, weeks, seed, SPREAD),
    "fitted model, greedy": linear.fitted_greedy,
    "fitted Q": linear.fitted_q,
}
PUBLISHED = "PPO, published reward"

#: Seconds of one core for 30,000 weeks, roughly.
SECONDS = {"PPO, flat": 7.0, "PPO, factored": 10.0, "DQN": 10.0, PUBLISHED: 20.0}


class Job(NamedTuple):
    """A run: the response model (a path), the learner, its seed, and how many customer-weeks it gets."""

    data: str
    arm: str
    seed: int
    weeks: int

    def identity(self) -> list:
        """All but the data, and the settings."""
        return [*self[1:], networks.PPO_SETTINGS, networks.DQN_SETTINGS, networks.ENVS, networks.HIDDEN, ALPHA, SPREAD]

    def seconds(self) -> float:
        """Of one core."""
        return SECONDS.get(self.arm, 1.0) * self.weeks / WEEKS

    def run(self, folder: Path) -> dict:
        """Learn, and evaluate exactly.

        Returns:
            A row of the record: shares of the attainable gain and dollars a customer, of customers met and unseen. Of
            PPO with the published reward also: the mean of that reward, the highest possible, the share of customers
            who get a discount by email, and the actions it takes with how many customers.
        """
        world = world_of(self.data, MET)
        row = {"arm": self.arm, "seed": self.seed, "weeks": self.weeks}
        if self.arm != PUBLISHED:
            scores = ARMS[self.arm](world, self.weeks, self.seed)
            return row | _judged(self.data, lambda world: greedy_actions(world, scores))
        env = PublishedEnv(world.customers.features, world.catalogue)
        scores = networks.published_ppo(env, self.weeks, self.seed)

        def same_every_week(world: World) -> np.ndarray:
            actions = scores(scaled(world.customers.features)).argmax(axis=1)
            return np.broadcast_to(actions[None, :, None, None], (world.response.weeks, len(actions), FATIGUE, HABIT))

        actions = same_every_week(world)[0, :, 0, 0]
        rewards = rewards_of_all(world.customers.features, world.catalogue)
        counts = np.bincount(actions, minlength=rewards.shape[1])
        chosen = [world.catalogue.actions[action] for action in actions]
        row |= {
            "reward": rewards[np.arange(len(actions)), actions].mean(),
            "reward_best": rewards.max(axis=1).mean(),
            "by_rule": np.mean([each.offer == "discount" and each.channel == "email" for each in chosen]),
            "actions": " ".join(f"{place}:{counts[place]}" for place in np.flatnonzero(counts)),
        }
        return row | _judged(self.data, same_every_week)


@lru_cache(maxsize=2)
def world_of(data: str, seed: int) -> World:
    """The world of a response model, with the customers of the generator's log of this seed."""
    return make_world(load_catalogue(), generated(USERS, seed), load_response(Path(data)))


def ends_of(world: World) -> tuple[np.ndarray, np.ndarray]:
    """What sending nothing and the optimum are worth for each customer, in dollars."""
    best = optimal(world.response).argmax(axis=4)[:, world.customers.types]
    return values_of(world, np.full_like(best, world.n_actions - 1)), values_of(world, best)


def _judged(data: str, actions_of) -> dict:
    row = {}
    for name, seed in (("met", MET), ("unseen", UNSEEN)):
        world = world_of(data, seed)
        values = values_of(world, actions_of(world))
        row |= {f"share_{name}": share_of_gain(values, *ends_of(world)), f"dollars_{name}": values.mean()}
    return row


def plan(data: str | Path, seeds: int | None = None, budget: int | None = None) -> list[Job]:
    """Every run: 30,000 customer-weeks and 10 seeds (networks 5, with the published reward 3) unless said otherwise."""
    seeds_of = {arm: NETWORK_SEEDS if arm in SECONDS else SEEDS for arm in ARMS} | {PUBLISHED: PUBLISHED_SEEDS}
    return [
        Job(str(data), arm, seed, budget or (PUBLISHED_STEPS if arm == PUBLISHED else WEEKS))
        for arm, number in seeds_of.items()
        for seed in range(seeds or number)
    ]


def record(jobs: list[Job], results: list[dict], out: Path = RESULTS) -> list[Path]:
    """Write the record: `offers_NAME.csv`, a row a run (see `Job.run`), and `offers_NAME.json`, where it comes from."""
    source = {
        "users": USERS,
        "ppo": networks.PPO_SETTINGS | {"environments": networks.ENVS, "hidden": networks.HIDDEN},
        "dqn": networks.DQN_SETTINGS,
        "alpha": ALPHA,
        "spread": SPREAD,
        **provenance(jobs[0].data),
    }
    stem = data_name(jobs[0].data)
    stem = stem if stem.startswith("offers_") else f"offers_{stem}"
    return write_record(out / stem, source, runs=pd.DataFrame(results).to_csv(index=False, float_format="%.6g"))


def load_offers(folder: Path = RESULTS) -> tuple[pd.DataFrame, dict]:
    """The recorded runs and their provenance."""
    runs = pd.read_csv(folder / "offers_response.csv")
    return runs, json.loads((folder / "offers_response.json").read_text())
