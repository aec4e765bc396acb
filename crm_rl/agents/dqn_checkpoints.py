"""Checkpoints of a DQN's training: all that its next step depends on (chapter 6).

The library's own file leaves out the replay buffer and the random states, and has to be unpickled.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from crm_rl.agents.checkpoints import (
    PolicyError,
    checkpoints_in,
    drop_folder,
    generator_at,
    put_folder,
    random_state,
    read_arrays,
    same_run,
    write_arrays,
)

if TYPE_CHECKING:
    from crm_rl.agents.library_dqn import Run

#: What a replay buffer holds.
REPLAY = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


def save_run(run: "Run", place: Path, settings: dict) -> None:
    """Put a checkpoint of a DQN's training in place; of the older ones, keep the last.

    It is a folder: `learner.pt` (networks and optimiser, tensors only) and `run.npz` (replay buffer, episodes, log,
    and in JSON the settings, counters and random states).
    """
    agent, buffer, env = run.agent, run.agent.replay_buffer, run.env.get_state()
    about = {
        "kind": "dqn_checkpoint",
        "settings": settings,
        "steps": run.steps,
        "buffer": [buffer.pos, buffer.full],
        "env": env.pop("generators"),
        "replay": random_state(buffer.rng),
        "explorer": random_state(run.explorer),
    }
    arrays = {"history_log": run.log, "observations": run.observations}
    arrays |= {f"env_{name}": array for name, array in env.items()}
    arrays |= {f"replay_{name}": getattr(buffer, name)[: buffer.size()] for name in REPLAY}

    def fill(folder: Path) -> None:
        torch.save(agent.parts(), folder / "learner.pt")
        write_arrays(folder / "run.npz", about, **arrays)

    put_folder(place, fill)
    for old in checkpoints_in(place.parent)[:-2]:
        drop_folder(old)


def restore_run(run: "Run", place: Path, settings: dict) -> None:
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
    buffer = run.agent.replay_buffer
    try:
        run.agent.load_parts(learner)
        run.steps, (buffer.pos, buffer.full) = about["steps"], about["buffer"]
        for name in REPLAY:
            getattr(buffer, name)[: buffer.size()] = arrays[f"replay_{name}"]
        env = {name.removeprefix("env_"): array for name, array in arrays.items() if name.startswith("env_")}
        run.env.set_state(env | {"generators": about["env"]})
        buffer.rng, run.explorer = generator_at(about["replay"]), generator_at(about["explorer"])
        run.log[:], run.observations = arrays["history_log"], arrays["observations"]
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise _damaged(place, error) from error


def _damaged(place: Path, error: Exception) -> PolicyError:
    problem = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return PolicyError(
        f"{place}: a damaged checkpoint ({problem}). Remedy: delete this folder; the run goes on from the one before."
    )
