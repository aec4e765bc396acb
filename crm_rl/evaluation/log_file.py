"""A log of episodes as a .csv file: a row a week of a customer, with how likely the action was (chapter 13)."""

from pathlib import Path

import numpy as np
import pandas as pd

from crm_rl.data.problems import DataError
from crm_rl.worlds.base import Action
from crm_rl.worlds.logs import Episodes
from crm_rl.worlds.responsive import N_CHANNELS, N_FATIGUES, N_INTERESTS, N_PATTERNS, State
from crm_rl.worlds.responsive_world import ResponsiveWorld

ACTIONS = [action.name.lower() for action in Action]

#: Columns of whole numbers, and below how much they must be; the customers of a world are as many as it has.
SITUATION = {"milestones": N_PATTERNS, "fatigue": N_FATIGUES, "channel": N_CHANNELS, "interest": N_INTERESTS}
COLUMNS = ("episode", "week", "customer", *SITUATION, "action", "propensity", "reward")


def to_table(log: Episodes) -> pd.DataFrame:
    """The log as a table with the columns `COLUMNS`, a row a week that took place."""
    episode, week = np.nonzero(log.going)
    states = {name: getattr(log.states, name)[log.going] for name in ("customer", *SITUATION)}
    done = {"propensity": log.propensities[log.going], "reward": log.rewards[log.going]}
    actions = np.array(ACTIONS)[log.actions[log.going]]
    return pd.DataFrame({"episode": episode, "week": week, **states, "action": actions, **done})


def read_log(path: Path, world: ResponsiveWorld) -> tuple[Episodes, ResponsiveWorld]:
    """Read such a table.

    Args:
        path: the file.
        world: whose customers it speaks of.

    Returns:
        The log, and the world with as many weeks as the longest episode.

    Raises:
        DataError: it cannot be used, with all problems at once, by column and row.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file. Remedy: check the name; `logs make` writes a log to try.")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a .csv file that can be read ({error}). Remedy: write it anew.") from error
    missing = [name for name in COLUMNS if name not in table]
    if missing or table.empty:
        fault = f"no column {', '.join(missing)}" if missing else "no rows"
        raise DataError(f"{path}: {fault}. Remedy: a row a week, with the columns {', '.join(COLUMNS)}.")
    numbers = table[[name for name in COLUMNS if name != "action"]].apply(pd.to_numeric, errors="coerce")
    _check(path, table, numbers, world)
    table = numbers.assign(action=table["action"].map(ACTIONS.index)).sort_values(["episode", "week"])
    return _episodes(table, world)


def _check(path: Path, table: pd.DataFrame, numbers: pd.DataFrame, world: ResponsiveWorld) -> None:
    limits = {"episode": np.inf, "week": world.params.weeks, "customer": world.size(), **SITUATION}
    good = {
        name: ((numbers[name] >= 0) & (numbers[name] < limit) & (numbers[name] % 1 == 0), f"0 to {limit - 1:g}")
        for name, limit in limits.items()
    }
    good["episode"] = good["episode"][0], "0 or more"
    good["action"] = table["action"].isin(ACTIONS), ", ".join(ACTIONS)
    good["propensity"] = (numbers["propensity"] > 0) & (numbers["propensity"] <= 1), "above 0, at most 1"
    good["reward"] = np.isfinite(numbers["reward"]), "a number of dollars"
    order = numbers.sort_values(["episode", "week"], kind="stable")
    in_turn = order["week"] == order.groupby("episode").cumcount()
    good["week"] = good["week"][0] & in_turn.reindex(table.index), "0, 1, 2, ... of each episode, each once"
    problems = [
        f"{path}, column {name}: {(~fine).sum():,} wrong, the first in row {np.flatnonzero(~fine)[0] + 2}. "
        f"Remedy: {wanted}."
        for name, (fine, wanted) in good.items()
        if not fine.all()
    ]
    if problems:
        raise DataError("\n".join(problems))


def _episodes(table: pd.DataFrame, world: ResponsiveWorld) -> tuple[Episodes, ResponsiveWorld]:
    """Rows in order as padded arrays; what is after the end repeats the first row's state and means nothing."""
    row = table["episode"].rank(method="dense").astype(int).to_numpy() - 1
    week = table["week"].astype(int).to_numpy()
    shape = row.max() + 1, week.max() + 1

    def padded(name: str, empty: float, kind: type = np.int64) -> np.ndarray:
        column = np.full(shape, empty, dtype=kind)
        column[row, week] = table[name]
        return column

    world = world._replace(params=world.params._replace(weeks=shape[1]))
    weeks, masks = np.broadcast_to(np.arange(shape[1]), shape), np.full(shape, world.params.first_mask)
    states = State(padded("customer", 0), weeks, *(padded(name, 0) for name in SITUATION), masks)
    seen = world.observe(State(*(np.ascontiguousarray(field).ravel() for field in states))).reshape(*shape, -1)
    going = np.zeros(shape, dtype=bool)
    going[row, week] = True
    numbers = padded("propensity", 1.0, float), padded("reward", 0.0, float)
    return Episodes(states, seen, going, padded("action", 0), *numbers), world
