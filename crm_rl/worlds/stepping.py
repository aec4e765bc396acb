"""One step of one episode in any world, and what is seen of a batch, compiled (chapter 4).

numba compiles no methods of Python objects. So a world registers its functions under the type of its `params`, and
`begin`, `advance`, `state_key`, `state_at` and `observe` call the right ones: at once in plain Python, and chosen while
compiling in a function that numba compiles.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload

from crm_rl.worlds.base import N_FEATURES


class Dynamics(NamedTuple):
    """The functions of one kind of world.

    Attributes:
        name: of the kind, as saved with policies.
        params: the class of its constants.
        levels: the class of what a table tells apart in it.
        begin: (customer, population, params) -> state.
        advance: (state, action, population, params, rng) -> outcome.
        state_key: (state, coder, params) -> two integers, equal only for states that a table does not tell apart; the
            first is -1 for a state whose like training never had.
        state_at: (states, i) -> the state of episode i of a batch.
        observe: (state, population, params, out): writes what the agent sees into `out`, shape (15,) or (30,), float32.
    """

    name: str
    params: type
    levels: type
    begin: Callable
    advance: Callable
    state_key: Callable
    state_at: Callable
    observe: Callable


_KINDS: dict[type, Dynamics] = {}


def register(dynamics: Dynamics) -> None:
    """Make a kind of world known to the learners."""
    _KINDS[dynamics.params] = dynamics


def dynamics_of(params: Any) -> Dynamics:
    """The kind of world that these params belong to."""
    return _KINDS[type(params)]


def kinds() -> list[Dynamics]:
    """Every kind of world that has been made known."""
    return list(_KINDS.values())


def begin(customer: int, population: Any, params: Any) -> Any:
    """Begin an episode with a customer."""
    return dynamics_of(params).begin(customer, population, params)


def advance(state: Any, action: int, population: Any, params: Any, rng: np.random.Generator) -> Any:
    """Take one action; what is left to chance is drawn from `rng`."""
    return dynamics_of(params).advance(state, action, population, params, rng)


def state_key(state: Any, coder: Any, params: Any) -> tuple[int, int]:
    """The state as a table tells it from others."""
    return dynamics_of(params).state_key(state, coder, params)


def state_at(states: Any, i: int, params: Any) -> Any:
    """The state of episode i of a batch."""
    return dynamics_of(params).state_at(states, i)


def observe(state: Any, population: Any, params: Any, out: np.ndarray) -> None:
    """Write what the agent sees of one episode into `out`."""
    dynamics_of(params).observe(state, population, params, out)


@overload(begin)
def _begin(customer, population, params):
    compiled = _KINDS[params.instance_class].begin
    return lambda customer, population, params: compiled(customer, population, params)


@overload(advance)
def _advance(state, action, population, params, rng):
    compiled = _KINDS[params.instance_class].advance
    return lambda state, action, population, params, rng: compiled(state, action, population, params, rng)


@overload(state_key)
def _state_key(state, coder, params):
    compiled = _KINDS[params.instance_class].state_key
    return lambda state, coder, params: compiled(state, coder, params)


@overload(state_at)
def _state_at(states, i, params):
    compiled = _KINDS[params.instance_class].state_at
    return lambda states, i, params: compiled(states, i)


@overload(observe)
def _observe(state, population, params, out):
    compiled = _KINDS[params.instance_class].observe
    return lambda state, population, params, out: compiled(state, population, params, out)


@njit(cache=True)
def observe_all(states: Any, population: Any, params: Any) -> np.ndarray:
    """What the agent sees of each episode of a batch, shape (n, 15) or (n, 30), float32."""
    n = len(states.customer)
    seen = np.empty((n, 2 * N_FEATURES if params.selects_features else N_FEATURES), dtype=np.float32)
    for i in range(n):
        observe(state_at(states, i, params), population, params, seen[i])
    return seen
