"""A third world around its dynamics, registered as any other."""

from typing import NamedTuple

import numpy as np
import third_dynamics as dynamics

from crm_rl.data.features import PUBLISHED_FEATURES
from crm_rl.worlds.base import N_FEATURES
from crm_rl.worlds.sampling import Pools, draw_many
from crm_rl.worlds.stepping import Dynamics, observe_all, register


class Levels(NamedTuple):
    """Nothing to tell apart but the state itself."""

    none: np.ndarray

    def fits(self):
        return True


class ThirdWorld(NamedTuple):
    population: dynamics.Population
    params: dynamics.Params
    pools: Pools

    features = PUBLISHED_FEATURES
    chances = 0
    drawn_ahead = 1
    resolution = None

    def size(self):
        return len(self.population.many)

    def draw(self, rng, out):
        draw_many(self.pools, rng, out)

    def start(self, customers):
        zeros = np.zeros(len(customers), dtype=np.int64)
        return dynamics.State(customers.astype(np.int64), zeros, zeros.copy(), zeros.copy())

    def step(self, states, actions, chances):
        return dynamics.step_all(states, actions, self.population, self.params, np.random.default_rng(0))

    def observe(self, states):
        return observe_all(states, self.population, self.params)

    def names(self):
        return {}

    def highest(self):
        return np.ones(N_FEATURES, dtype=np.float32)

    def longest(self):
        return self.params.horizon

    def info(self, states):
        return {"customer": states.customer}

    def called(self, states, actions, outcome):
        return actions == dynamics.CALL

    def introduce(self, customer):
        return f"customer {customer}"

    def levels(self, resolution=None):
        return Levels(np.zeros(0))

    def coder(self, levels):
        return levels


def third_worlds(name, people, path, selection):
    params = dynamics.Params(4, 10.0, (1.0,) * 6, False)
    everyone = np.arange(20)
    world = ThirdWorld(dynamics.Population(everyone), params, Pools(everyone[:0], everyone[:0], everyone, (0.0, 0.0)))
    return dict.fromkeys(("train", "val", "test"), world)


register(
    Dynamics(
        "third",
        dynamics.Params,
        Levels,
        dynamics.begin,
        dynamics.advance,
        dynamics.state_key,
        dynamics.state_at,
        dynamics.observe,
    )
)
