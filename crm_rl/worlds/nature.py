"""What nobody knows about a responsive world, drawn from a prior: whom each channel suits, and how strongly it works.

A channel has a home on the map of standings (country's, bootcamp's) and suits customers the better the nearer they
live. In a smooth world a customer lives where the standings say. In a rough one countries and bootcamps live anywhere:
then customers of like standing have nothing in common, but those of one country still do.
"""

from typing import NamedTuple

import numpy as np

from crm_rl.worlds.base import N_ACTIONS, WAIT

#: Channels with a home: every action but waiting.
N_HOMES = N_ACTIONS - 1

#: How fast a channel's hold falls with the squared distance from home is drawn between these, evenly in its logarithm.
FOCUS = (15.0, 40.0)

#: The standard deviations of the logarithms by which drives and unprompted rates are multiplied.
SPREAD_OF_DRIVES, SPREAD_OF_HAZARDS = 0.3, 0.2


class Nature(NamedTuple):
    """One draw from the prior.

    Attributes:
        homes: shape (5, 2), 0 to 1: by action without waiting, the place on the map that it suits best.
        focus: how fast its hold falls with the squared distance from there.
        drives: shape (6,): by what each action's drives are multiplied.
        hazards: shape (6,): by what each event's unprompted rate is multiplied.
        countries, bootcamps: seeds of where names live in a rough world.
    """

    homes: tuple[tuple[float, float], ...]
    focus: float
    drives: tuple[float, ...]
    hazards: tuple[float, ...]
    countries: int
    bootcamps: int


#: The world of the book's pages, made by hand: channels at home in different corners, nothing multiplied.
BOOK = Nature(
    homes=((0.9, 0.5), (0.1, 0.2), (0.5, 0.9), (0.5, 0.1), (0.1, 0.8)),
    focus=25.0,
    drives=(1.0,) * N_ACTIONS,
    hazards=(1.0,) * N_ACTIONS,
    countries=10,
    bootcamps=11,
)


#: The number of the book's world, which is not drawn.
BOOK_WORLD = -1


def drawn(number: int) -> Nature:
    """The world of this number, drawn from the prior; `BOOK_WORLD` is `BOOK`."""
    if number == BOOK_WORLD:
        return BOOK
    rng = np.random.default_rng(number)
    homes = rng.random((N_HOMES, 2))
    focus = np.exp(rng.uniform(*np.log(FOCUS)))
    drives = np.exp(SPREAD_OF_DRIVES * rng.standard_normal(N_ACTIONS))
    hazards = np.exp(SPREAD_OF_HAZARDS * rng.standard_normal(N_ACTIONS))
    countries, bootcamps = rng.integers(2**32, size=2)
    return Nature(
        tuple(map(tuple, homes.tolist())), float(focus), tuple(drives.tolist()), tuple(hazards.tolist()),
        int(countries), int(bootcamps),
    )  # fmt: skip


def places_of(standing: np.ndarray, roughness: float, seed: int) -> np.ndarray:
    """Where customers live on one axis of the map, shape (customers,), by the standings of their names.

    A share of the names, about as large as the roughness, lives at random places; with a larger roughness these do so
    still.
    """
    names, which = np.unique(standing, return_inverse=True)
    elsewhere, moves = np.random.default_rng(seed).random((2, len(names)))
    return np.where(moves < roughness, elsewhere, names)[which]


def affinities(country: np.ndarray, bootcamp: np.ndarray, nature: Nature) -> np.ndarray:
    """How well each action reaches customers who live at these places, shape (customers, 6).

    Every customer is equally easy to reach over all channels: the five numbers add up to 5.
    """
    places = np.column_stack([country, bootcamp])
    distances = ((places[:, None] - np.array(nature.homes)) ** 2).sum(axis=-1)
    hold = np.exp(-nature.focus * distances)
    return np.insert(N_HOMES * hold / hold.sum(axis=1, keepdims=True), WAIT, 0.0, axis=1)


def driven(drives: tuple[tuple[float, ...], ...], nature: Nature) -> tuple[tuple[float, ...], ...]:
    """The drives of the params as this world has them."""
    return tuple(tuple(factor * d for d in row) for row, factor in zip(drives, nature.drives, strict=True))
