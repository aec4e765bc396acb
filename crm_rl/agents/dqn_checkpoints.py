"""Checkpoints of a DQN's training: all that its next step depends on (chapter 6)."""

import io
from pathlib import Path
from typing import Any

import torch

from crm_rl.agents.checkpoints import (
    PolicyError,
    checkpoints_in,
    drop_folder,
    put_folder,
    random_state,
    read_arrays,
    same_run,
    write_arrays,
)
from crm_rl.files import write_whole


def save_run(run: Any, place: Path, settings: dict) -> None:
    """Put a checkpoint of a DQN's training in place; of the older ones, keep the last.

    It is a folder: `learner.pt` (networks and optimiser, tensors only) and `run.npz` (replay, episodes, log, and in
    JSON the settings, counters and random states). `run` is a `dqn.Run`.
    """
    replay, filled = run.replay, min(run.replay.added, run.replay.rows)
    about = {
        "kind": "dqn_checkpoint",
        "settings": settings,
        "steps": run.steps,
        "added": replay.added,
        "rngs": [random_state(rng) for rng in run.rngs],
    }
    arrays = {"history_log": run.log} | {f"actors_{name}": part for name, part in run.actors.get_state().items()}
    arrays |= {f"replay_{name}": getattr(replay, name)[:filled] for name in replay.ARRAYS}

    def fill(folder: Path) -> None:
        learner = io.BytesIO()  # torch tells no error of the disk by its name
        torch.save(_parts(run), learner)
        write_whole(folder / "learner.pt", learner.getvalue())
        write_arrays(folder / "run.npz", about, **arrays)

    put_folder(place, fill)
    for old in checkpoints_in(place.parent)[:-2]:
        drop_folder(old)


def restore_run(run: Any, place: Path, settings: dict) -> None:
    """Go on from a checkpoint.

    Raises:
        PolicyError: it is damaged, or of a run with other settings.
    """
    try:
        about, arrays = read_arrays(place / "run.npz", "dqn_checkpoint")
        learner = torch.load(place / "learner.pt", weights_only=True, map_location="cpu")
    except Exception as error:  # torch raises what its several readers raise
        raise _damaged(place, error) from error
    same_run(place, about["settings"], settings)
    try:
        run.networks.load_state_dict(learner["networks"])
        run.target.load_state_dict(learner["target"])
        run.optimizer.load_state_dict(learner["optimizer"])
        run.steps, run.replay.added = about["steps"], about["added"]
        filled = min(run.replay.added, run.replay.rows)
        for name in run.replay.ARRAYS:
            getattr(run.replay, name)[:filled] = arrays[f"replay_{name}"]
        run.actors.set_state(
            {name.removeprefix("actors_"): part for name, part in arrays.items() if name.startswith("actors_")}
        )
        for rng, state in zip(run.rngs, about["rngs"], strict=True):
            rng.bit_generator.state = state
        run.log[:] = arrays["history_log"]
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise _damaged(place, error) from error


def _parts(run: Any) -> dict:
    """What learning has changed, as tensors."""
    return {name: getattr(run, name).state_dict() for name in ("networks", "target", "optimizer")}


def _damaged(place: Path, error: Exception) -> PolicyError:
    problem = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return PolicyError(
        f"{place}: a damaged checkpoint ({problem}). Remedy: delete this folder; the run goes on from the one before."
    )
