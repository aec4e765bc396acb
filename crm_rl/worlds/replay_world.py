"""From cleaned customers to the worlds of the study: who is in them, what is seen, and by which rules they go."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from crm_rl.data.columns import EVENTS
from crm_rl.data.features import PUBLISHED_FEATURES, PublishedFeatures
from crm_rl.data.split import published_split
from crm_rl.worlds.base import MAX_STEPS, N_FEATURES, Action, Outcome, observation_size
from crm_rl.worlds.replay import (
    Population,
    State,
    advance,
    observe,
    population_of,
    start,
    start_all,
    state_at,
    step_all,
)
from crm_rl.worlds.replay_keys import DECIMALS, Coder, Levels, coder_of, levels_of, state_key
from crm_rl.worlds.replay_settings import PARAMS, Params
from crm_rl.worlds.sampling import Pools, draw_many
from crm_rl.worlds.stepping import Dynamics, observe_all, register

SETTINGS = ("described", "as_coded")
NOT_NORMALISED_AS_CODED = ("Country", "Stage", "Stages_Completed")


class ReplayWorld(NamedTuple):
    """A world whose customers' records decide what happens. `base.World` says what each method does."""

    population: Population
    params: Params
    pools: Pools

    features = PUBLISHED_FEATURES
    chances = 0  # random numbers that a step needs: none, the record decides
    drawn_ahead = 64  # customers; nothing else is drawn, so this changes neither who comes nor the order
    resolution = DECIMALS

    def size(self) -> int:
        """How many customers there are."""
        return len(self.population.stage)

    def draw(self, rng: np.random.Generator, out: np.ndarray) -> None:
        """Draw the customers of the next episodes into `out`, shape (n,), int64."""
        draw_many(self.pools, rng, out)

    def start(self, customers: np.ndarray) -> State:
        """Begin an episode with each of these customers, shape (n,)."""
        return start_all(customers, self.population, self.params)

    def step(self, states: State, actions: np.ndarray, chances: np.ndarray) -> Outcome:
        """Take one action in each episode; `chances`, shape (n, 0), are not used."""
        return step_all(states, actions, self.population, self.params)

    def observe(self, states: State) -> np.ndarray:
        """What the agent sees of each episode, shape (n, 15) or (n, 30), float32."""
        return observe_all(states, self.population, self.params)

    def names(self) -> dict[int, np.ndarray]:
        """None: rates of subscribers are told as rates."""
        return {}

    def highest(self) -> np.ndarray:
        """The largest value of each thing seen, shape (15,) or (30,), float32; the smallest is 0."""
        high = np.ones(observation_size(self.params), dtype=np.float32)
        if self.population.stage_unit == 1:
            high[:N_FEATURES] = [f.scale if f.name in NOT_NORMALISED_AS_CODED else 1 for f in self.features]
        return high

    def longest(self) -> int:
        """After how many steps an episode is over or cut off at the latest."""
        return MAX_STEPS if self.params.toggles_time_out else self.params.horizon

    def called(self, states: State, actions: np.ndarray, outcome: Outcome) -> np.ndarray:
        """A call reaches everybody whose record has one."""
        return (actions == Action.CALL) & self.population.reached[states.customer, 0]

    def levels(self, resolution: int | None = None) -> Levels:
        """The rounded values of each feature; the resolution is the number of decimals."""
        return levels_of(self.population, self.resolution if resolution is None else resolution)

    def coder(self, levels: Levels) -> Coder:
        """How the states of these customers are numbered by such levels."""
        return coder_of(self.population, levels)

    def info(self, states: State) -> dict[str, np.ndarray]:
        """What the interfaces tell beside the observation, arrays of shape (n,)."""
        return {"customer": states.customer, "stage": states.stage, "mask": states.mask}

    def introduce(self, customer: int) -> str:
        """A customer in words."""
        people, five = self.population, [event for event in EVENTS if event != "subscribed"]
        events = [event for event, reached in zip(five, people.reached[customer], strict=True) if reached]
        events += ["subscribed"] if people.subscribed[customer] else []
        return f"customer {customer}, stage {people.stage[customer]}, record: {', '.join(events) or 'nothing'}"


def balanced(population: Population, shares: tuple[float, float] = (0.3, 0.3)) -> Pools:
    """The study's pools: 30% subscribers, 30% customers with a first call, 40% anybody.

    With shares (0, 0) the draw is natural. A pool without customers is passed over, as in the study.
    """
    subscribed = np.flatnonzero(population.subscribed)
    called = np.flatnonzero(population.reached[:, 0])
    return Pools(subscribed, called, np.arange(len(population.stage)), (float(shares[0]), float(shares[1])))


def replay_worlds(
    customers: pd.DataFrame, setting: str = "described", selection: bool = False
) -> dict[str, ReplayWorld]:
    """The replay world of each part of the published split.

    Training episodes are balanced 30 / 30 / 40, those of val and test are natural.

    Args:
        customers: as `crm_rl.data.clean` returns them.
        setting: "described" (codes and rates fitted on train, features in [0, 1], every event that happened counts)
            or "as_coded" (codes fitted on each part anew, country and stage as they are, only dated events count).
        selection: whether the agent selects features.

    Returns:
        The worlds by name: train, val and test.
    """
    _check(setting)
    parts = published_split(customers).parts()
    worlds = {}
    for name, part in parts.items():
        population, params, pools = world_of(part, parts["train"], setting, selection)
        shares = (0.3, 0.3) if name == "train" else (0.0, 0.0)
        worlds[name] = ReplayWorld(population, params, pools._replace(shares=shares))
    return worlds


def world_of(customers: pd.DataFrame, train: pd.DataFrame, setting: str, selection: bool = False) -> ReplayWorld:
    """The replay world of any customers, encoded by what was learned from `train`; episodes are drawn naturally.

    Args:
        customers: whose world it is, as `crm_rl.data.clean` returns them.
        train: the training part, of the same form.
        setting, selection: as for `replay_worlds`.
    """
    _check(setting)
    if setting == "as_coded":
        customers, train = (
            part.assign(**{event: part[f"{event}_date"].notna() for event in EVENTS}) for part in (customers, train)
        )
        encoder = PublishedFeatures().fit(train).refit(customers)
        population = population_of(customers, encoder.as_coded(customers), stage_unit=1)
    else:
        population = population_of(customers, PublishedFeatures().fit(train).transform(customers))
    return ReplayWorld(population, PARAMS[setting, selection], balanced(population, (0.0, 0.0)))


def _check(setting: str) -> None:
    if setting not in SETTINGS:
        raise ValueError(f"{setting!r} is no setting. Remedy: choose one of {', '.join(SETTINGS)}.")


register(Dynamics("replay", Params, Levels, start, advance, state_key, state_at, observe))
