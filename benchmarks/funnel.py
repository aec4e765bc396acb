"""Customer-steps per second of the replay world and of its faces: `python benchmarks/funnel.py` (about two minutes).

Random actions on the twin, customers drawn as in training, episodes begun anew as they end. The jobs take turns, so
that a busy moment of the machine hits all of them; the median of the turns is recorded, and the slowest and fastest.
"""

import argparse
import importlib.metadata
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from gymnasium.vector import SyncVectorEnv
from stable_baselines3.common.vec_env import DummyVecEnv

from crm_rl.data import clean, load
from crm_rl.data.load import TWIN
from crm_rl.files import PROJECT
from crm_rl.worlds.base import n_actions
from crm_rl.worlds.gym_envs import FunnelEnv, FunnelVecEnv
from crm_rl.worlds.replay import start_all, step_all
from crm_rl.worlds.replay_settings import PARAMS
from crm_rl.worlds.replay_world import ReplayWorld, replay_worlds
from crm_rl.worlds.stepping import observe_all
from data import provenance

RESULTS = Path(__file__).parent / "results" / "funnel.json"
PACKAGES = ("numpy", "numba", "gymnasium", "stable-baselines3")
MANY, FEW = 10_000, 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=9, help="how often each job is measured")
    parser.add_argument("--seconds", type=float, default=0.2, help="how long each time")
    options = parser.parse_args()
    customers = clean(load(TWIN))[0]
    measured = []
    for setting, selection in PARAMS:
        world = replay_worlds(customers, setting, selection)["train"]
        name = setting + ", selection" * selection
        for job, speeds in measure(jobs(world), options.turns, options.seconds).items():
            low, middle, high = np.quantile(speeds, (0, 0.5, 1)).astype(int).tolist()
            measured.append(
                {"world": name, "job": job, "customer-steps per second": middle, "slowest": low, "fastest": high}
            )
    table = pd.DataFrame(measured)
    print(table.pivot(index="job", columns="world", values="customer-steps per second").map("{:,}".format).to_string())
    versions = {package: importlib.metadata.version(package) for package in PACKAGES}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**provenance(), "versions": versions, "jobs": measured}, indent=1) + "\n")
    print(f"recorded in {RESULTS.relative_to(PROJECT)}")


def jobs(world: ReplayWorld) -> dict[str, tuple[Callable[[], object], int]]:
    """Each job with the customer-steps it takes."""

    def single() -> FunnelEnv:
        return FunnelEnv(world=world)

    return {
        f"the world alone, {MANY:,} at once": (world_alone(world, observe=False), MANY),
        f"the world and observations, {MANY:,} at once": (world_alone(world, observe=True), MANY),
        f"FunnelVecEnv (SB3), {MANY:,} copies": (sb3_steps(FunnelVecEnv(MANY, world=world), MANY), MANY),
        f"FunnelVecEnv (SB3), {FEW} copies": (sb3_steps(FunnelVecEnv(FEW, world=world), FEW), FEW),
        f"{FEW} FunnelEnv in SyncVectorEnv": (gymnasium_steps(SyncVectorEnv([single] * FEW), FEW), FEW),
        f"{FEW} FunnelEnv in DummyVecEnv": (sb3_steps(DummyVecEnv([single] * FEW), FEW), FEW),
        "FunnelEnv, one": (single_steps(single()), 1),
    }


def world_alone(world: ReplayWorld, observe: bool) -> Callable[[], object]:
    population, params, _ = world
    rng = np.random.default_rng(0)
    states = start_all(rng.integers(0, len(population.stage), MANY), population, params)
    actions = rng.integers(0, n_actions(params), MANY)

    def run() -> None:
        after = step_all(states, actions, population, params).state
        if observe:
            observe_all(after, population, params)

    return run


def gymnasium_steps(envs: SyncVectorEnv, n: int) -> Callable[[], object]:
    actions = np.random.default_rng(0).integers(0, envs.single_action_space.n, (64, n))
    envs.reset(seed=0)
    return _through(actions, envs.step)


def sb3_steps(envs: FunnelVecEnv | DummyVecEnv, n: int) -> Callable[[], object]:
    actions = np.random.default_rng(0).integers(0, envs.action_space.n, (64, n))
    envs.seed(0)
    envs.reset()
    return _through(actions, envs.step)


def single_steps(env: FunnelEnv) -> Callable[[], object]:
    env.reset(seed=0)

    def step(action: int) -> None:
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            env.reset()

    return _through(np.random.default_rng(0).integers(0, env.action_space.n, 64).tolist(), step)


def _through(actions: list | np.ndarray, step: Callable) -> Callable[[], object]:
    """Each call takes the next of these actions, from the first again after the last."""
    turn = iter(range(2**62))
    return lambda: step(actions[next(turn) % len(actions)])


def measure(jobs: dict[str, tuple[Callable[[], object], int]], turns: int, seconds: float) -> dict[str, list[float]]:
    """Customer-steps per second of each job in each turn, after one turn that only warms up (and compiles)."""
    speeds: dict[str, list[float]] = {job: [] for job in jobs}
    for turn in range(turns + 1):
        for job, (run, customers) in jobs.items():
            runs, started = 0, time.perf_counter()
            while (taken := time.perf_counter() - started) < seconds:
                run()
                runs += 1
            if turn:
                speeds[job].append(runs * customers / taken)
    return speeds


if __name__ == "__main__":
    main()
