"""Every world of the book by its name: one line each, and every agent, interface and command finds it here."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pandas as pd

from crm_rl.data import customers, data_path
from crm_rl.worlds.base import World
from crm_rl.worlds.nature import BOOK
from crm_rl.worlds.replay_world import replay_worlds
from crm_rl.worlds.responsive import BASELINE, SELECTION
from crm_rl.worlds.responsive_world import rates_of, responsive_worlds
from crm_rl.worlds.stepping import Dynamics, kinds

Maker = Callable[[str, pd.DataFrame, Path, bool], dict[str, World]]


def _replay(name: str, people: pd.DataFrame, path: Path, selection: bool) -> dict[str, World]:
    return replay_worlds(people, name, selection)


def _responsive(roughness: float) -> Maker:
    def make(name: str, people: pd.DataFrame, path: Path, selection: bool) -> dict[str, World]:
        params = SELECTION if selection else BASELINE
        return responsive_worlds(people, rates_of(path, people), params, BOOK, roughness)

    return make


#: By name, what makes the worlds of the parts: (name, customers, path of the export, selection).
WORLDS: dict[str, Maker] = {
    "described": _replay,
    "as_coded": _replay,
    "smooth": _responsive(0.0),
    "rough": _responsive(1.0),
}


def worlds(name: str, selection: bool = False, data: str | Path | None = None) -> dict[str, World]:
    """The worlds of the parts of an export; the last few are kept in memory.

    Args:
        name: a key of `WORLDS`.
        selection: whether agents select features.
        data: the export; by default `data.data_path()`.

    Returns:
        The worlds by part: "train", "val" and "test"; of "smooth" and "rough" also "all".

    Raises:
        ValueError: there is no world of this name.
        DataError: the export cannot be used.
    """
    if name not in WORLDS:
        raise ValueError(f"there is no world {name!r}. Remedy: choose one of {', '.join(WORLDS)}.")
    path = Path(data or data_path()).resolve()
    return dict(_worlds(name, selection, path, path.stat().st_mtime_ns if path.exists() else 0))


@lru_cache(maxsize=8)
def _worlds(name: str, selection: bool, path: Path, modified: int) -> dict[str, World]:
    return WORLDS[name](name, customers(path)[0], path, selection)


def dynamics_named(name: str) -> Dynamics:
    """The kind of world of this name: all kinds are known once this module is imported.

    Raises:
        KeyError: there is none.
    """
    return {kind.name: kind for kind in kinds()}[name]
