"""From cleaned customers to the worlds of the study: who is in them, what is seen, and by which rules they go."""

from typing import NamedTuple

import pandas as pd

from crm_rl.balancing import Pools, balanced
from crm_rl.crm_data.columns import EVENTS
from crm_rl.crm_data.split import published_split
from crm_rl.features import PublishedFeatures
from crm_rl.funnel import RULES, Population, Rules, population_of

SETTINGS = ("described", "as_coded")


class World(NamedTuple):
    """Customers, the rules they go by, and how episodes are drawn from them."""

    population: Population
    rules: Rules
    pools: Pools


def replay_worlds(customers: pd.DataFrame, setting: str = "described", selection: bool = False) -> dict[str, World]:
    """The replay world of each part of the published split.

    Training episodes are balanced 30 / 30 / 40, those of val and test are natural.

    Args:
        customers: as `crm_data.clean` returns them.
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
        population, rules, pools = world_of(part, parts["train"], setting, selection)
        shares = (0.3, 0.3) if name == "train" else (0.0, 0.0)
        worlds[name] = World(population, rules, pools._replace(shares=shares))
    return worlds


def world_of(customers: pd.DataFrame, train: pd.DataFrame, setting: str, selection: bool = False) -> World:
    """The replay world of any customers, encoded by what was learned from `train`; episodes are drawn naturally.

    Args:
        customers: whose world it is, as `crm_data.clean` returns them.
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
    return World(population, RULES[setting, selection], balanced(population, (0.0, 0.0)))


def _check(setting: str) -> None:
    if setting not in SETTINGS:
        raise ValueError(f"{setting!r} is no setting. Remedy: choose one of {', '.join(SETTINGS)}.")
