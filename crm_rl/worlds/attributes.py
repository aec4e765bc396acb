"""Who a customer of the responsive world is to an agent: the attributes it has bought, and how finely it sees them.

A customer has three attributes: whether they came unprompted, their country's standing and their bootcamp's. Which of
these an agent has bought is a mask number, 0 to 7: bit 0, 1 and 2. A table's resolution says how finely it tells each
apart, and how much of the episode it tells besides the milestones.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from crm_rl.worlds.base import ALL_VISIBLE
from crm_rl.worlds.responsive import (
    ATTRIBUTES,
    BOOTCAMP,
    COUNTRY,
    INBOUND,
    N_PATTERNS,
    N_SITUATIONS,
    Params,
    Population,
    State,
    situation,
)


class Resolution(NamedTuple):
    """How finely a table tells states apart.

    Attributes:
        inbound, country, bootcamp: to how many decimals each is told; None leaves it out.
        episode: how much is told of the episode: 0 the milestones, 1 also the week, 2 everything.
    """

    inbound: int | None
    country: int | None
    bootcamp: int | None
    episode: int = 2


#: From coarse to fine.
RESOLUTIONS = {
    "milestones": Resolution(None, None, None, 0),
    "+ week": Resolution(None, None, None, 1),
    "+ fatigue, channel, interest": Resolution(None, None, None),
    "+ inbound": Resolution(0, None, None),
    "+ standings to halves": Resolution(0, 0, 0),
    "+ standings, 1 decimal": Resolution(0, 1, 1),
    "+ country x bootcamp": Resolution(0, 6, 6),
}

N_ATTRIBUTES = 3
N_MASKS = 2**N_ATTRIBUTES
NONE, ALL = 0, N_MASKS - 1
#: Which of inbound, country and bootcamp can be seen with each mask number, shape (8, 3), 0 or 1.
SEEN = np.arange(N_MASKS)[:, None] >> np.arange(N_ATTRIBUTES) & 1


@njit(cache=True)
def bought_in(mask: int) -> int:
    """The mask number, 0 to 7, of a feature mask as `State.mask` has it; works on arrays too."""
    return mask >> INBOUND & 1 | (mask >> COUNTRY & 1) << 1 | (mask >> BOOTCAMP & 1) << 2


def mask_of(bought: int) -> int:
    """The feature mask of a mask number: all that is never hidden, and what was bought."""
    attributes = (bought & 1) << INBOUND | (bought >> 1 & 1) << COUNTRY | (bought >> 2 & 1) << BOOTCAMP
    return ALL_VISIBLE & ~ATTRIBUTES | attributes


def attributes_of(population: Population) -> np.ndarray:
    """Inbound and the standings of country and bootcamp, shape (customers, 3)."""
    return np.column_stack([population.inbound, population.country, population.bootcamp])


def place_among(rows: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The place of each row among rows that all differ, or -1; shape (rows,)."""
    places = {group: place for place, group in enumerate(map(tuple, groups.tolist()))}
    return np.array([places.get(row, -1) for row in map(tuple, rows.tolist())], dtype=np.int64)


class Levels(NamedTuple):
    """What a table tells apart: the customer groups of training.

    Attributes:
        groups: shape (groups, 4), float64, no row twice: what is told of the three attributes, 0 for one that is left
            out or not bought, and the mask number.
        decimals: shape (3,), int64: the resolution of the attributes; -1 leaves one out.
        episode: shape (1,), int64: how much is told of the episode, see `Resolution`.
    """

    groups: np.ndarray
    decimals: np.ndarray
    episode: np.ndarray

    def fits(self) -> bool:
        """Whether the parts fit together, when read from a file."""
        table = self.groups.ndim == 2 and self.groups.shape[1] == 4
        return table and self.decimals.shape == (3,) and self.episode.shape == (1,)


class Coder(NamedTuple):
    """Each customer's group.

    Attributes:
        group: shape (customers, 8), int64: by mask number; -1 where training had none of the group.
        episode: how much is told of the episode, see `Resolution`.
    """

    group: np.ndarray
    episode: int


def abstract(population: Population, decimals: np.ndarray) -> np.ndarray:
    """What is told of each customer at a resolution, shape (customers, 3); 0 for what is left out."""
    columns = [
        np.zeros(len(attribute)) if places < 0 else np.round(attribute, places)
        for attribute, places in zip(attributes_of(population).T, decimals, strict=True)
    ]
    return np.column_stack(columns)


def groups_with(population: Population, decimals: np.ndarray, bought: int) -> np.ndarray:
    """Each customer's group with this mask number, shape (customers, 4): what is told of them, and the number."""
    return np.column_stack([SEEN[bought] * abstract(population, decimals), np.full(len(population.start), bought)])


def levels_of(population: Population, params: Params, resolution: Resolution) -> Levels:
    """Learn which groups there are among the customers of training, with every mask that an agent can have."""
    decimals = np.array([-1 if places is None else places for places in resolution[:3]])
    masks = range(N_MASKS) if params.selects_features else (ALL,)
    every = np.concatenate([groups_with(population, decimals, bought) for bought in masks])
    return Levels(np.unique(every, axis=0), decimals, np.array([resolution.episode]))


def coder_of(population: Population, levels: Levels) -> Coder:
    """The groups of a population by the levels of the training population."""
    groups = [place_among(groups_with(population, levels.decimals, bought), levels.groups) for bought in range(N_MASKS)]
    return Coder(np.column_stack(groups), int(levels.episode[0]))


@njit(cache=True)
def state_key(state: State, coder: Coder, params: Params) -> tuple[int, int]:
    """The state's number and its mask; the number is -1 if training had no customer of the group."""
    group = coder.group[state.customer, bought_in(state.mask)]
    if group < 0:
        return -1, state.mask
    if coder.episode == 0:
        return group * N_PATTERNS + state.milestones, state.mask
    week = group * (params.weeks + 1) + state.steps
    if coder.episode == 1:
        return week * N_PATTERNS + state.milestones, state.mask
    place = situation(state.milestones, state.fatigue, state.channel, state.interest)
    return week * N_SITUATIONS + place, state.mask
