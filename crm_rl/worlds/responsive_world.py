"""From cleaned customers to the responsive worlds (chapter 3): who is in them and what reaches them.

What is fitted (`base_rates`) and what is assumed (`responsive.BASELINE`, `nature`) was fixed before any agent was
trained; `data/worlds/README.md` keeps the log of changes.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from crm_rl.data.encoders import ConversionRate
from crm_rl.data.features import SOUND_FEATURES, Feature
from crm_rl.data.load import ORIGINAL_SHA256, TWIN
from crm_rl.data.problems import DataError
from crm_rl.files import sha256, shipped
from crm_rl.worlds.attributes import RESOLUTIONS, Coder, Levels, Resolution, coder_of, levels_of, state_key
from crm_rl.worlds.base import Outcome, count_bits, observation_size
from crm_rl.worlds.base_rates import MILESTONES, fit_base_rates, weekly_chances
from crm_rl.worlds.nature import BOOK, Nature, affinities, driven, places_of
from crm_rl.worlds.responsive import (
    ATTRIBUTES,
    BASELINE,
    BOOTCAMP,
    CHANCES,
    COUNTRY,
    Params,
    Population,
    State,
    advance,
    observe,
    start,
    subset,
)
from crm_rl.worlds.responsive_batch import start_all, state_at, step_all
from crm_rl.worlds.sampling import Pools, draw_many
from crm_rl.worlds.stepping import Dynamics, observe_all, register

WORLDS = shipped("worlds")

#: The seed of the split into parts.
SPLIT_SEED = 9

#: What the 15 features say here: how things stand in the episode, never how the record ends.
RESPONSIVE_FEATURES = (
    Feature("Inbound", "made the first contact", "yes or no", 1, "first contact, milestones"),
    Feature("Week", "weeks since arrival", "weeks", 12, "the episode"),
    Feature("Fatigue", "contacts in a row, up to 2", "contacts", 2, "the episode"),
    Feature("Channel_Written", "last week's channel was written (email, survey)", "yes or no", 1, "the episode"),
    Feature("Channel_Spoken", "last week's channel was spoken (call, account manager)", "yes or no", 1, "the episode"),
    Feature("Channel_Shown", "last week's channel was a demo", "yes or no", 1, "the episode"),
    Feature("Interest", "weeks until interest is cold", "weeks", 2, "the episode"),
    *(feature._replace(source="the episode") for feature in SOUND_FEATURES[7:12]),
    Feature("Country_Standing", "share of customers of countries with a lower rate", "share", 1, "Country"),
    Feature("Education_Standing", "share of customers of bootcamps with a lower rate", "share", 1, "Education"),
    Feature("Milestones", "share of the five milestones reached", "share", 1, "the episode"),
)


class ResponsiveWorld(NamedTuple):
    """A world in which actions cause what happens. `base.World` says what each method does.

    Attributes:
        population, params, pools: as for every world.
        rows: shape (customers,): where each stands in the table of customers.
    """

    population: Population
    params: Params
    pools: Pools
    rows: np.ndarray

    features = RESPONSIVE_FEATURES
    chances = CHANCES
    resolution = RESOLUTIONS["+ country x bootcamp"]
    drawn_ahead = 1  # who comes and what happens are drawn in turn, by one generator

    def size(self) -> int:
        """How many customers there are."""
        return len(self.population.start)

    def draw(self, rng: np.random.Generator, out: np.ndarray) -> None:
        """Draw the customers of the next episodes into `out`, shape (n,), int64."""
        draw_many(self.pools, rng, out)

    def start(self, customers: np.ndarray) -> State:
        """Begin an episode with each of these customers, shape (n,)."""
        return start_all(customers, self.population, self.params)

    def step(self, states: State, actions: np.ndarray, chances: np.ndarray) -> Outcome:
        """Let one week go by in each episode, with uniform random numbers of shape (n, 7)."""
        return step_all(states, actions, self.population, self.params, chances)

    def observe(self, states: State) -> np.ndarray:
        """What the agent sees of each episode, shape (n, 15) or (n, 30), float32."""
        return observe_all(states, self.population, self.params)

    def names(self) -> dict[int, np.ndarray]:
        """The standings of these customers' countries and bootcamps: no two share one."""
        people = self.population
        return {COUNTRY: np.unique(np.float32(people.country)), BOOTCAMP: np.unique(np.float32(people.bootcamp))}

    def highest(self) -> np.ndarray:
        """The largest value of each thing seen, shape (15,) or (30,), float32; the smallest is 0."""
        return np.ones(observation_size(self.params), dtype=np.float32)

    def longest(self) -> int:
        """After how many steps an episode is over at the latest: the weeks, and each attribute bought once."""
        return self.params.weeks + self.params.selects_features * count_bits(ATTRIBUTES)

    def called(self, states: State, actions: np.ndarray, outcome: Outcome) -> np.ndarray:
        """A first call is held in this week."""
        return (outcome.state.milestones & ~states.milestones & 1) == 1

    def levels(self, resolution: Resolution | None = None) -> Levels:
        """The customer groups; the resolution is a value of `attributes.RESOLUTIONS`, or another."""
        return levels_of(self.population, self.params, self.resolution if resolution is None else resolution)

    def coder(self, levels: Levels) -> Coder:
        """The groups of these customers by such levels."""
        return coder_of(self.population, levels)

    def info(self, states: State) -> dict[str, np.ndarray]:
        """What the interfaces tell beside the observation, arrays of shape (n,)."""
        told = ("customer", "milestones", "fatigue", "channel", "interest", "mask")
        return {name: getattr(states, name) for name in told}

    def introduce(self, customer: int) -> str:
        """A customer in words."""
        people = self.population
        reached = [event for bit, event in enumerate(MILESTONES) if people.start[customer] >> bit & 1]
        came = "inbound" if people.inbound[customer] else "outbound"
        return f"customer {customer}, {came}, at arrival: {', '.join(reached) or 'nothing'}"


def half_inbound(population: Population, share: float = 0.5) -> Pools:
    """Pools from which this share of the episodes begins with an inbound customer, the rest with anybody."""
    inbound, everyone = np.flatnonzero(population.inbound), np.arange(len(population.inbound))
    return Pools(inbound, everyone[:0], everyone, (float(share), 0.0))


def standing(names: pd.Series, subscribed: pd.Series) -> np.ndarray:
    """Where each customer's group stands among all customers by its smoothed rate of subscribers; shape (customers,).

    It is the share of customers in groups before it, and half of its own. Groups of one rate go by name, so that no two
    have the same standing: whoever sees the number can tell whose it is.
    """
    rates = pd.Series(ConversionRate().fit(names, subscribed).transform(names), index=names.index)
    groups = pd.DataFrame({"name": names.fillna("missing"), "rate": rates})
    table = groups.groupby("name")["rate"].agg(["first", "size"]).sort_values(["first"], kind="stable")
    place = (table["size"].cumsum() - table["size"] / 2) / len(names)
    return groups["name"].map(place).to_numpy()


def responsive_population(
    customers: pd.DataFrame, rates: pd.DataFrame, nature: Nature = BOOK, roughness: float = 0.0
) -> tuple[Population, np.ndarray]:
    """Everybody with an arrival, as arrays.

    Args:
        customers: as `data.clean` returns them.
        rates: of `base_rates.fit_base_rates`.
        nature: what is drawn of the world, see `nature`.
        roughness: the dial, 0 (smooth) to 1 (rough).

    Returns:
        The population, and the place of each of its customers in the table.

    Raises:
        ValueError: the roughness is not between 0 and 1.
    """
    if not 0 <= roughness <= 1:
        raise ValueError(f"a roughness of {roughness}. Remedy: a number from 0 (smooth) to 1 (rough).")
    rows = np.flatnonzero(customers["arrival"].notna() & ~(customers["subscribed_date"] <= customers["arrival"]))
    people = customers.iloc[rows]
    start = np.zeros(len(people), dtype=np.int64)
    for bit, event in enumerate(MILESTONES):
        start |= (people[f"{event}_date"] <= people["arrival"]).to_numpy(dtype=np.int64) << bit
    country = standing(people["country"], people["subscribed"])
    bootcamp = standing(people["education"], people["subscribed"])
    affinity = affinities(
        places_of(country, roughness, nature.countries), places_of(bootcamp, roughness, nature.bootcamps), nature
    )
    quiet = np.log1p(-weekly_chances(rates)) * np.array(nature.hazards)
    inbound = people["inbound"].to_numpy(dtype=np.int64)
    return Population(inbound, country, bootcamp, start, affinity, quiet), rows


def responsive_worlds(
    customers: pd.DataFrame,
    rates: pd.DataFrame,
    params: Params = BASELINE,
    nature: Nature = BOOK,
    roughness: float = 0.0,
) -> dict[str, ResponsiveWorld]:
    """The worlds of the three parts, split at random 70 / 15 / 15, alike in inbound and subscribed, and of everybody.

    Half of the training episodes begin with an inbound customer, of whom there are few; elsewhere everybody counts
    once.

    Args:
        customers, rates, nature, roughness: as for `responsive_population`.
        params: the constants.

    Returns:
        The worlds by name: train, val, test and all.
    """
    from sklearn.model_selection import train_test_split  # slow to import, and only this needs it

    everybody, rows = responsive_population(customers, rates, nature, roughness)
    params = params._replace(drives=driven(params.drives, nature))
    alike = 2 * everybody.inbound + customers["subscribed"].to_numpy()[rows]
    places = np.arange(len(rows))
    train, rest = train_test_split(places, train_size=0.7, stratify=alike, random_state=SPLIT_SEED)
    val, test = train_test_split(rest, train_size=0.5, stratify=alike[rest], random_state=SPLIT_SEED)
    parts = {"train": np.sort(train), "val": np.sort(val), "test": np.sort(test), "all": places}
    return {
        name: ResponsiveWorld(people, params, half_inbound(people, 0.5 * (name == "train")), rows[part])
        for name, part in parts.items()
        for people in [subset(everybody, part)]
    }


def recorded_rates(name: str = "twin") -> pd.DataFrame:
    """The base rates that were committed for a data set, "twin" or "original".

    Raises:
        DataError: there are none.
    """
    path = WORLDS / f"base_rates_{name}.csv"
    if not path.exists():
        raise DataError(f"{path}: no such file. Remedy: fit the rates with `base_rates.fit_base_rates`.")
    return pd.read_csv(path, index_col="event")


def rates_of(path: Path, customers: pd.DataFrame) -> pd.DataFrame:
    """The base rates of an export: the committed ones for the twin and for the original, fitted ones for any other.

    Args:
        path: the export.
        customers: what `data.clean` made of it.
    """
    names = {ORIGINAL_SHA256: "original"} | ({sha256(TWIN): "twin"} if TWIN.is_file() else {})
    name = names.get(sha256(path))
    return fit_base_rates(customers) if name is None else recorded_rates(name)


register(Dynamics("responsive", Params, Levels, start, advance, state_key, state_at, observe))
