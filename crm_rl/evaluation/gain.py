"""What a policy is worth in a responsive world, exactly, and how much of what there is to gain that is (chapter 7)."""

import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from crm_rl.agents.planned import PlannedPolicy, optimum
from crm_rl.agents.policies import Policy
from crm_rl.agents.q_learning import Hyperparameters, train_q_learning
from crm_rl.data import customers
from crm_rl.planning.exact import SITUATIONS, always, chunks, evaluate, shape_of, share_of_gain, spread, starts_of
from crm_rl.worlds.base import N_ACTIONS, WAIT
from crm_rl.worlds.nature import drawn
from crm_rl.worlds.responsive import FRESH, NO_CHANNEL, Params, State, subset
from crm_rl.worlds.responsive_world import ResponsiveWorld, half_inbound, rates_of, responsive_worlds

#: Names are put into so many folds; hide one from training, and its customers are unseen customers.
FOLDS, FOLD_SEED = 5, 11

#: What makes customers alike when a fold is hidden, by columns of the table of customers.
HIDDEN = {"pairs": ["country", "education"], "countries": ["country"]}


def exact_values(policy: Policy, world: ResponsiveWorld) -> np.ndarray:
    """The exact value of a policy at each customer's start, shape (customers,), in dollars.

    The policy is asked only where it can come to by its own actions.

    Args:
        policy: with `probabilities`, see `agents.policies`.
        world: without feature selection.
    """
    types, which = starts_of(world.population)
    values = [_values(policy, world._replace(population=subset(types, place))) for place in chunks(len(types.start))]
    return np.concatenate(values)[which]


def _values(policy: Policy, world: ResponsiveWorld) -> np.ndarray:
    people, params = world.population, world.params
    probabilities = np.zeros((*shape_of(people, params), N_ACTIONS))
    reached = np.zeros((len(people.start), *SITUATIONS), dtype=bool)
    reached[np.arange(len(people.start)), people.start, 0, NO_CHANNEL, FRESH] = True
    for week in range(params.weeks):
        customer, *rest = np.nonzero(reached)
        masks = np.full(len(customer), params.first_mask)
        states = State(customer, np.full(len(customer), week), *rest, masks)
        probabilities[customer, week, *rest] = policy.probabilities(states, world)
        reached = spread(reached, probabilities[:, week] > 0)
    return evaluate(probabilities, people, params).at_start(people)


def learning_curve(world: ResponsiveWorld, hyper: Hyperparameters, episodes: Sequence[int], seed: int) -> np.ndarray:
    """What a Q-table is worth on the way: its share of the attainable gain, by exact values (chapter 4).

    Args:
        world: where it is trained and judged.
        hyper: the settings; `exploration` must be 0, since the budget grows from point to point.
        episodes: after how many it is looked at, in rising order.
        seed: of the training.

    Returns:
        Shape (points,): acting greedily, 0 for what waiting earns and 1 for the optimum.
    """
    ends = [exact_values(policy, world) for policy in (PlannedPolicy(lambda _: always(WAIT)), optimum(world))]
    shares = []
    with tempfile.TemporaryDirectory() as folder:
        for point in episodes:
            table = train_q_learning(world, hyper, point, seed, folder, checkpoint_every=episodes[-1])
            shares.append(share_of_gain(exact_values(table, world), *ends))
    return np.array(shares)


def by_group(values: np.ndarray, world: ResponsiveWorld) -> dict[str, float]:
    """The mean of values, shape (customers,), over all customers of a world, inbound and outbound ones."""
    inbound = world.population.inbound == 1
    return {
        "all": float(values.mean()),
        "inbound": float(values[inbound].mean()) if inbound.any() else float("nan"),
        "outbound": float(values[~inbound].mean()) if not inbound.all() else float("nan"),
    }


@functools.lru_cache(maxsize=8)
def worlds_of(data: str, params: Params, number: int, roughness: float) -> dict[str, ResponsiveWorld]:
    """The parts of the world of this number, drawn from the prior, for the export at a path."""
    return responsive_worlds(*_customers(data), params, drawn(number), roughness)


def of_fold(world: ResponsiveWorld, data: str, hidden: str, fold: int) -> np.ndarray:
    """Which customers of a world belong to a fold of pairs or of countries, shape (customers,), bool."""
    return folds_of(_customers(data)[0], hidden)[world.rows] == fold


def only(world: ResponsiveWorld, chosen: np.ndarray) -> ResponsiveWorld:
    """A world of some of the customers, of whom as large a share of episodes begins inbound as before."""
    people = subset(world.population, np.flatnonzero(chosen))
    return world._replace(population=people, pools=half_inbound(people, world.pools.shares[0]), rows=world.rows[chosen])


def folds_of(people: pd.DataFrame, hidden: str) -> np.ndarray:
    """The fold of every customer, 0 to `FOLDS` - 1, all of one pair (or country) in the same; shape (customers,)."""
    which = people.groupby(HIDDEN[hidden], dropna=False).ngroup().to_numpy()
    return np.random.default_rng(FOLD_SEED).permutation(which.max() + 1)[which] % FOLDS


@functools.lru_cache(maxsize=2)
def _customers(data: str):
    people = customers(data)[0]
    return people, rates_of(Path(data), people)


def base_rates(data: str) -> pd.DataFrame:
    """The base rates of the world that is made from an export."""
    return _customers(data)[1]
