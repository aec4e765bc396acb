"""A world in which a weekly budget binds: customers who differ, with habits and fatigue (chapter 12).

Everything is a pure function of arrays; `TYPES` says what is known of a type of customer and where it comes from. A
customer's state is a habit (0 to 3) and a fatigue (0 to 2), numbered `3 * habit + fatigue`.

| in a week | what happens |
|---|---|
| trip | with chance (base + 0.08 habit) + pull x affinity x freshness, at most 0.95 |
| pull of an offer of v dollars | 1 - exp(-sensitivity x v) |
| freshness | 1, 0.6, 0.25 by fatigue |
| habit | after a trip one up; without a trip one down, with chance 0.3 |
| fatigue | after a contact one up; without one, one down |
| reward | (margin + 0.50) x trip - cost of what was sent, in dollars |
| after the last week | eight weeks of unprompted trips at the habit reached, a stand-in for lifetime value |

All of it is assumption: the published system has no customers to fit.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from crm_rl.case_studies.budgets.catalogue import CHANNEL, CHANNELS, DOLLARS, N_ACTIONS, OFFER, OFFER_VALUES
from crm_rl.data.problems import DataError
from crm_rl.files import shipped

WEEKS = 12
HABITS, FATIGUES = 4, 3
N_STATES = HABITS * FATIGUES
#: The habit and the fatigue of each state, shape (12,).
HABIT, FATIGUE = np.divmod(np.arange(N_STATES), FATIGUES)

#: Dollars that a trip is worth besides its margin: the published weight of a trip in the reward.
TRIP_WEIGHT = 0.5
HABIT_EFFECT, FADE, LIFETIME_WEEKS, MOST = 0.08, 0.3, 8, 0.95
FRESHNESS = np.array([1.0, 0.6, 0.25])

#: The book's world: the first draw from the prior below, rounded, on file so that it can be read and changed.
TYPES = shipped("worlds/budgets_book.csv")
NUMBERS = ("margin", "base", "sensitivity", *CHANNELS)
COLUMNS = ("segment", "customers", *NUMBERS)
RANGES = {"margin": (0, 1000), "base": (0, 1), "sensitivity": (0, 100), **dict.fromkeys(CHANNELS, (0, 1))}
#: Dollars that may be spent in a week, for each customer.
BUDGET_A_CUSTOMER = 0.20


class World(NamedTuple):
    """Types of customers, and what each action does with them.

    Attributes:
        segments: names of the K types.
        customers: shape (K,): how many there are of each.
        features: shape (K, 8): what a learner may see, the columns `NUMBERS`.
        trip: shape (K, 12, 26): the chance of a trip by type, state and action.
        reward: shape (K, 12, 26): expected dollars of a week.
        end: shape (K, 12): dollars after the last week.
        travelled, stayed: shapes (12, 26, 12): the chance of each next state after a trip, and without one.
    """

    segments: tuple[str, ...]
    customers: np.ndarray
    features: np.ndarray
    trip: np.ndarray
    reward: np.ndarray
    end: np.ndarray
    travelled: np.ndarray
    stayed: np.ndarray

    def types_of_all(self) -> np.ndarray:
        """The type of every customer, shape (customers,)."""
        return np.repeat(np.arange(len(self.customers)), self.customers)

    def budget(self) -> int:
        """What may be spent in a week, in cents."""
        return round(100 * BUDGET_A_CUSTOMER * int(self.customers.sum()))


def world_of(types: pd.DataFrame) -> World:
    """The world of a table of types, with the columns `COLUMNS`."""
    margin, base, sensitivity = (types[name].to_numpy(float)[:, None, None] for name in NUMBERS[:3])
    affinity = np.hstack([types[list(CHANNELS)].to_numpy(float)] + [np.zeros((len(types), 1))])
    pull = 1 - np.exp(-sensitivity * np.take(OFFER_VALUES, OFFER))
    reach = affinity[:, CHANNEL][:, None, :]  # channel -1, none, is the last column
    alone = base + HABIT_EFFECT * HABIT[:, None]
    trip = np.minimum(alone + pull * reach * FRESHNESS[FATIGUE][:, None], MOST)
    worth = margin + TRIP_WEIGHT
    end = LIFETIME_WEEKS * (worth * np.minimum(alone, MOST))[..., 0]
    return World(
        tuple(types["segment"].astype(str)),
        types["customers"].to_numpy(np.int64),
        types[list(NUMBERS)].to_numpy(float),
        trip,
        worth * trip - DOLLARS,
        end,
        *_next_states(),
    )


def _next_states() -> tuple[np.ndarray, np.ndarray]:
    travelled, stayed = np.zeros((2, N_STATES, N_ACTIONS, N_STATES))
    for state in range(N_STATES):
        for action in range(N_ACTIONS):
            fatigue = np.clip(FATIGUE[state] + (1 if action else -1), 0, FATIGUES - 1)
            up, down = min(HABIT[state] + 1, HABITS - 1), max(HABIT[state] - 1, 0)
            travelled[state, action, FATIGUES * up + fatigue] = 1
            stayed[state, action, FATIGUES * down + fatigue] += FADE
            stayed[state, action, FATIGUES * HABIT[state] + fatigue] += 1 - FADE
    return travelled, stayed


def step(
    world: World, types: np.ndarray, states: np.ndarray, actions: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """One week of many customers.

    Args:
        types, states, actions: shape (customers,) each.

    Returns:
        Who made a trip, bool, and the next states, shape (customers,) each. A customer uses up the same two random
        numbers whatever is done, so that policies can be compared on the same chances.
    """
    chance = rng.random((2, len(types)))
    trip = chance[0] < world.trip[types, states, actions]
    habit = np.where(trip, HABIT[states] + 1, HABIT[states] - (chance[1] < FADE))
    fatigue = FATIGUE[states] + np.where(actions > 0, 1, -1)
    return trip, FATIGUES * np.clip(habit, 0, HABITS - 1) + np.clip(fatigue, 0, FATIGUES - 1)


def draw_types(rng: np.random.Generator, types: int = 24, customers: int = 50) -> pd.DataFrame:
    """A table of types drawn from the prior: margins of 2 to 12 dollars, trips in 5 to 40% of the weeks, and more.

    Who travels often anyway responds less to offers, as a rule, and channels reach some and not others.
    """
    base = rng.uniform(0.05, 0.40, types)
    table = {
        "segment": [f"segment-{number + 1:02}" for number in range(types)],
        "customers": customers,
        "margin": 2 + 10 * rng.beta(1.5, 2.5, types),
        "base": base,
        "sensitivity": rng.gamma(2.0, 0.25, types) * (1.2 - 2 * base),
        **dict(zip(CHANNELS, rng.beta(1.2, 1.8, (len(CHANNELS), types)), strict=True)),
    }
    return pd.DataFrame(table).round(3)


def drawn_world(number: int) -> World:
    """A world by its number: 0 is the book's, on file; others are drawn."""
    return book_world() if number == 0 else world_of(draw_types(np.random.default_rng([12, number])))


def book_world(path: Path = TYPES) -> World:
    """The world of a file of types.

    Raises:
        DataError: what is wrong with it, all at once.
        OSError: it cannot be read.
    """
    return world_of(read_types(path))


def read_types(path: Path) -> pd.DataFrame:
    """Read and check a file of types: a row a segment, the columns `COLUMNS`."""
    try:
        types = pd.read_csv(path)
    except (ValueError, UnicodeDecodeError) as error:  # pandas' own errors are ValueErrors
        raise DataError(f"{path}: it cannot be read as a table ({error}). Remedy: save it as .csv in UTF-8.") from error
    missing = [name for name in COLUMNS if name not in types]
    if missing or types.empty:
        what = f"has no column {', '.join(missing)}" if missing else "has no rows"
        raise DataError(f"{path}: {what}. Remedy: a row a segment, with the columns {', '.join(COLUMNS)}.")
    problems = [f"{path}: segment {name!r} comes twice. Remedy: a row each." for name in _repeated(types["segment"])]
    for name, (low, high) in {"customers": (1, 10_000_000), **RANGES}.items():
        numbers = pd.to_numeric(types[name], errors="coerce")
        whole = (numbers % 1 == 0) | (name != "customers")
        for row in types.index[~(numbers.between(low, high) & whole)]:
            problems.append(f"{path}: row {row + 2}, {name}: {types[name][row]!r}. Remedy: a number {low} to {high}.")
    if problems:
        raise DataError("\n".join(problems))
    return types


def _repeated(names: pd.Series) -> list:
    return names[names.duplicated()].unique().tolist()
