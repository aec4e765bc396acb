"""What every file of a policy holds besides its numbers: the params of its world, and the history of its training."""

from pathlib import Path
from typing import Any

import numpy as np

from crm_rl.agents.checkpoints import PolicyError, tuples
from crm_rl.worlds.registry import dynamics_named
from crm_rl.worlds.stepping import dynamics_of


def params_to_json(params: Any) -> dict:
    """The params of a world, and whose they are, for JSON; in files they are called rules."""
    return {"rules_of": dynamics_of(params).name, "rules": params._asdict()}


def params_of(path: str | Path, about: dict) -> Any:
    """The params that a file tells about.

    Raises:
        PolicyError: they are not of a world that we have.
    """
    try:
        kind = dynamics_named(about["rules_of"])
        return kind.params(**{name: tuples(value) for name, value in about["rules"].items()})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PolicyError(f"{path}: its rules are not ours ({error}). Remedy: train it again.") from error


def history_of(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of training's history, by their own names."""
    return {name[8:]: array for name, array in arrays.items() if name.startswith("history_")}
