"""One step of one episode in any world, compiled: what the tabular learner goes by (chapter 4).

numba compiles no methods of Python objects. So a world registers its functions under the type of its rules, and
`begin`, `advance`, `state_key` and `state_at` call the right ones: at once in plain Python, and chosen while compiling
in a function that numba compiles.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload


class Dynamics(NamedTuple):
    """The functions of one kind of world.

    Attributes:
        name: of the kind, as saved with policies.
        rules: the class of its constants.
        levels: the class of what a table tells apart in it.
        begin: (customer, population, rules) -> state.
        advance: (state, action, population, rules, rng) -> outcome.
        state_key: (state, coder, rules) -> two integers, equal only for states that a table does not tell apart; the
            first is -1 for a state whose like training never had.
        state_at: (states, i) -> the state of episode i of a batch.
    """

    name: str
    rules: type
    levels: type
    begin: Callable
    advance: Callable
    state_key: Callable
    state_at: Callable


_KINDS: dict[type, Dynamics] = {}


def register(dynamics: Dynamics) -> None:
    """Make a kind of world known to the learners."""
    _KINDS[dynamics.rules] = dynamics


def dynamics_of(rules: Any) -> Dynamics:
    """The kind of world that these rules belong to."""
    return _KINDS[type(rules)]


def kinds() -> list[Dynamics]:
    """Every kind of world that has been made known."""
    return list(_KINDS.values())


def begin(customer: int, population: Any, rules: Any) -> Any:
    """Begin an episode with a customer."""
    return dynamics_of(rules).begin(customer, population, rules)


def advance(state: Any, action: int, population: Any, rules: Any, rng: np.random.Generator) -> Any:
    """Take one action; what is left to chance is drawn from `rng`."""
    return dynamics_of(rules).advance(state, action, population, rules, rng)


def state_key(state: Any, coder: Any, rules: Any) -> tuple[int, int]:
    """The state as a table tells it from others."""
    return dynamics_of(rules).state_key(state, coder, rules)


def state_at(states: Any, i: int, rules: Any) -> Any:
    """The state of episode i of a batch."""
    return dynamics_of(rules).state_at(states, i)


@overload(begin)
def _begin(customer, population, rules):
    compiled = _KINDS[rules.instance_class].begin
    return lambda customer, population, rules: compiled(customer, population, rules)


@overload(advance)
def _advance(state, action, population, rules, rng):
    compiled = _KINDS[rules.instance_class].advance
    return lambda state, action, population, rules, rng: compiled(state, action, population, rules, rng)


@overload(state_key)
def _state_key(state, coder, rules):
    compiled = _KINDS[rules.instance_class].state_key
    return lambda state, coder, rules: compiled(state, coder, rules)


@overload(state_at)
def _state_at(states, i, rules):
    compiled = _KINDS[rules.instance_class].state_at
    return lambda states, i, rules: compiled(states, i)
