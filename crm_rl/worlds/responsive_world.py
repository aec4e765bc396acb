"""From cleaned customers to the responsive worlds of Part III (chapter 9): who is in them and what reaches them.

What is fitted (`base_rates`) and what is assumed (here and in `responsive.BASELINE`) was fixed before any agent was
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
from crm_rl.worlds.attributes import RESOLUTIONS, Coder, Levels, coder_of, levels_of, state_key
from crm_rl.worlds.base import WAIT, Outcome, count_bits, observation_size
from crm_rl.worlds.base_rates import MILESTONES, fit_base_rates, weekly_chances
from crm_rl.worlds.responsive import (
    ATTRIBUTES,
    BASELINE,
    CHANCES,
    Population,
    Rules,
    State,
    advance,
    observe_all,
    start,
    start_all,
    state_at,
    step_all,
)
from crm_rl.worlds.sampling import Pools, draw_many
from crm_rl.worlds.stepping import Dynamics, register

WORLDS = shipped("worlds")
KINDS = ("smooth", "rough")

#: Where each channel is at home: the standing of the country and of the bootcamp, each 0 to 1, that it suits best.
HOME = {
    "email": (0.9, 0.5),
    "call": (0.1, 0.2),
    "demo": (0.5, 0.9),
    "survey": (0.5, 0.1),
    "manager": (0.1, 0.8),
}

#: How fast a channel loses its hold with the squared distance from home; 0 would make all customers alike.
FOCUS = 5.0

#: The seeds of the split into parts and of the rough world's random draw.
SPLIT_SEED, DEAL_SEED = 9, 10

#: What the 15 features say here: how things stand in the episode, never how the record ends.
_CHANGED = {
    "Inbound": Feature("Inbound", "came by himself", "yes or no", 1, "first contact, milestones"),
    "Stage": Feature("Stage", "the furthest milestone reached: 1 call to 5 manager", "place", 6, "the episode"),
    "Status_Active": Feature("Status_Active", "two contacts or more", "yes or no", 1, "the episode"),
    "Days_Since_First_Contact": Feature("Weeks", "weeks since arrival", "weeks", 12, "the episode"),
    "Days_Since_Last_Contact": Feature("Contacts", "contacts so far, up to 5", "contacts", 5, "the episode"),
    "Days_Between_Contacts": Feature("Weeks_Per_Contact", "weeks over contacts", "weeks", 12, "the episode"),
    "Contact_Frequency": Feature("Contact_Frequency", "contacts over (weeks + 1)", "per week", 1, "the episode"),
    "Country_ConvRate": Feature(
        "Country_Standing", "share of customers of countries with a lower rate", "share", 1, "Country"
    ),
    "Education_ConvRate": Feature(
        "Education_Standing", "share of customers of bootcamps with a lower rate", "share", 1, "Education"
    ),
}
RESPONSIVE_FEATURES = tuple(
    _CHANGED.get(feature.name, feature._replace(source="the episode")) for feature in SOUND_FEATURES
)


class ResponsiveWorld(NamedTuple):
    """A world in which actions cause what happens. `base.World` says what each method does.

    Attributes:
        population, rules, pools: as for every world.
        rows: shape (customers,): where each stands in the table of customers.
    """

    population: Population
    rules: Rules
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
        return start_all(customers, self.population, self.rules)

    def step(self, states: State, actions: np.ndarray, chances: np.ndarray) -> Outcome:
        """Let one week go by in each episode, with uniform random numbers of shape (n, 7)."""
        return step_all(states, actions, self.population, self.rules, chances)

    def observe(self, states: State) -> np.ndarray:
        """What the agent sees of each episode, shape (n, 15) or (n, 30), float32."""
        return observe_all(states, self.population, self.rules)

    def highest(self) -> np.ndarray:
        """The largest value of each thing seen, shape (15,) or (30,), float32; the smallest is 0."""
        return np.ones(observation_size(self.rules), dtype=np.float32)

    def longest(self) -> int:
        """After how many steps an episode is over at the latest: the weeks, and each attribute bought once."""
        return self.rules.weeks + self.rules.selects_features * count_bits(ATTRIBUTES)

    def called(self, states: State, actions: np.ndarray, outcome: Outcome) -> np.ndarray:
        """A first call is held in this week."""
        return (outcome.state.milestones & ~states.milestones & 1) == 1

    def levels(self, resolution: tuple[int | None, int | None, int | None] | None = None) -> Levels:
        """The customer groups; the resolution is a value of `attributes.RESOLUTIONS`, or another such triple."""
        return levels_of(self.population, self.rules, self.resolution if resolution is None else resolution)

    def coder(self, levels: Levels) -> Coder:
        """The groups of these customers by such levels."""
        return coder_of(self.population, levels)

    def info(self, states: State) -> dict[str, np.ndarray]:
        """What the interfaces tell beside the observation, arrays of shape (n,)."""
        return {name: getattr(states, name) for name in ("customer", "milestones", "contacts", "mask")}

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
    """The share of customers in groups with a lower smoothed rate of subscribers, ties by half; shape (customers,)."""
    rates = ConversionRate().fit(names, subscribed).transform(names)
    return ((rates.rank(method="average") - 0.5) / len(rates)).to_numpy()


def affinities(country: np.ndarray, bootcamp: np.ndarray, focus: float = FOCUS) -> np.ndarray:
    """How well each action reaches customers of these standings, shape (customers, 6).

    Every customer is equally easy to reach over all channels: the five numbers add up to 5. Which channel reaches him
    changes smoothly with his standings: neighbours are alike.
    """
    places = np.column_stack([country, bootcamp])
    distances = ((places[:, None] - np.array(list(HOME.values()))) ** 2).sum(axis=-1)
    hold = np.exp(-focus * distances)
    return np.insert(len(HOME) * hold / hold.sum(axis=1, keepdims=True), WAIT, 0.0, axis=1)


def pairs_of(customers: pd.DataFrame) -> np.ndarray:
    """The pair of country and bootcamp that each customer comes from, numbered from 0; shape (customers,)."""
    return pd.factorize(pd.MultiIndex.from_frame(customers[["country", "education"]].fillna("missing")))[0]


def responsive_population(
    customers: pd.DataFrame, rates: pd.DataFrame, kind: str = "smooth", deal: int = DEAL_SEED
) -> tuple[Population, np.ndarray]:
    """Everybody with an arrival, as arrays.

    Args:
        customers: as `data.clean` returns them.
        rates: of `base_rates.fit_base_rates`.
        kind: "smooth", or "rough": each pair of country and bootcamp gets the affinities of a customer drawn at
            random, so that neighbours have nothing in common.
        deal: the seed of the rough world's random draw; another seed is another rough world.

    Returns:
        The population, and the place of each of its customers in the table.

    Raises:
        ValueError: there is no such kind.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of world. Remedy: choose one of {', '.join(KINDS)}.")
    rows = np.flatnonzero(customers["arrival"].notna() & ~(customers["subscribed_date"] <= customers["arrival"]))
    people = customers.iloc[rows]
    start = np.zeros(len(people), dtype=np.int64)
    for bit, event in enumerate(MILESTONES):
        start |= (people[f"{event}_date"] <= people["arrival"]).to_numpy(dtype=np.int64) << bit
    country = standing(people["country"], people["subscribed"])
    bootcamp = standing(people["education"], people["subscribed"])
    affinity = affinities(country, bootcamp)
    if kind == "rough":
        pairs = pairs_of(people)
        dealt = np.random.default_rng(deal).integers(len(people), size=pairs.max() + 1)
        affinity = affinity[dealt[pairs]]
    quiet = np.log1p(-weekly_chances(rates))
    inbound = people["inbound"].to_numpy(dtype=np.int64)
    return Population(inbound, country, bootcamp, start, affinity, quiet), rows


def responsive_worlds(
    customers: pd.DataFrame,
    rates: pd.DataFrame,
    kind: str = "smooth",
    rules: Rules = BASELINE,
    deal: int = DEAL_SEED,
) -> dict[str, ResponsiveWorld]:
    """The worlds of the three parts, split at random 70 / 15 / 15, alike in inbound and subscribed.

    Half of the training episodes begin with an inbound customer, of whom there are few; in val and test everybody
    counts once.

    Args:
        customers, rates, kind, deal: as for `responsive_population`.
        rules: the constants.

    Returns:
        The worlds by name: train, val and test.
    """
    from sklearn.model_selection import train_test_split  # slow to import, and only this needs it

    everybody, rows = responsive_population(customers, rates, kind, deal)
    alike = 2 * everybody.inbound + customers["subscribed"].to_numpy()[rows]
    places = np.arange(len(rows))
    train, rest = train_test_split(places, train_size=0.7, stratify=alike, random_state=SPLIT_SEED)
    val, test = train_test_split(rest, train_size=0.5, stratify=alike[rest], random_state=SPLIT_SEED)
    parts = {"train": np.sort(train), "val": np.sort(val), "test": np.sort(test)}
    return {
        name: ResponsiveWorld(people, rules, half_inbound(people, 0.5 * (name == "train")), rows[part])
        for name, part in parts.items()
        for people in [subset(everybody, part)]
    }


def subset(population: Population, places: np.ndarray) -> Population:
    """Some of the customers, by place."""
    fields = {name: getattr(population, name)[places] for name in Population._fields if name != "quiet"}
    return population._replace(**fields)


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


register(Dynamics("responsive", Rules, Levels, start, advance, state_key, state_at))
