"""Time of the agents' training: `python benchmarks/agents.py` (about five minutes; `--share 0.1` for a short run).

On the twin, in one process with one torch thread, after a short run that compiles. What is compared takes turns in
the same run: the compiled Q-learning and the plain one; our DQN, with seeds side by side, and the library's own loop.
"""

import argparse
import cProfile
import importlib.metadata
import importlib.util
import json
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import stable_baselines3

from crm_rl.agents import dqn, dqn_settings
from crm_rl.agents.arithmetic import one_thread
from crm_rl.agents.q_learning import NO_LIMIT, STUDY, empty_table, run_episodes, train_q_learning
from crm_rl.data import clean, load
from crm_rl.data.load import TWIN
from crm_rl.files import PROJECT
from crm_rl.worlds.base import n_actions
from crm_rl.worlds.gym_envs import FunnelVecEnv
from crm_rl.worlds.replay_settings import PARAMS
from crm_rl.worlds.replay_world import ReplayWorld, replay_worlds
from data import provenance

RESULTS = Path(__file__).parent / "results" / "agents.json"
PACKAGES = ("numpy", "numba", "torch", "stable-baselines3", "gymnasium")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the study's 100,000 episodes and steps")
    parser.add_argument("--plain", type=int, help=argparse.SUPPRESS)  # for the process in which numba is off
    options = parser.parse_args()
    if options.plain:
        print(json.dumps({name: episodes_per_second(world, run_episodes, options.plain) for name, world in worlds()}))
        return
    budget = int(100_000 * options.share)
    jobs = [
        *measure(
            worlds(), "Q-learning", budget, lambda world, key, n, to: train_q_learning(world, STUDY, n, folder=to)
        ),
        *measure(
            worlds(),
            "DQN",
            budget,
            lambda world, key, n, to: dqn.train_dqn(world, dqn_settings.STUDY[key], n, folder=to),
        ),
    ]
    sections = {
        f"{budget:,} episodes or steps": pd.DataFrame(jobs),
        "Q-learning, episodes per second": pd.DataFrame(compiled_and_plain(max(100, budget // 500))),
        "DQN, steps per second": pd.DataFrame(loops(max(3_200, budget // 10))),
        "where the time of 20 networks goes, described": pd.DataFrame(where_the_time_goes(max(3_200, budget // 20))),
    }
    for title, table in sections.items():
        print(f"\n{title}\n{table.to_string(index=False)}")
    versions = {package: importlib.metadata.version(package) for package in PACKAGES}
    measured = {title: table.to_dict("records") for title, table in sections.items()}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**provenance(), "versions": versions, **measured}, indent=1) + "\n")
    print(f"\nrecorded in {RESULTS.relative_to(PROJECT)}")


def worlds() -> list[tuple[str, ReplayWorld]]:
    """The training world of each setting, by name."""
    customers = clean(load(TWIN))[0]
    keys = {setting + ", selection" * selection: (setting, selection) for setting, selection in PARAMS}
    return [(name, replay_worlds(customers, *key)["train"]) for name, key in keys.items()]


def measure(worlds: list[tuple[str, ReplayWorld]], agent: str, budget: int, train) -> list[dict]:
    """Train once without and once with checkpoints every 10,000; real time, and time on the processor."""
    jobs = []
    for (name, world), key in zip(worlds, PARAMS, strict=True):
        train(world, key, 1_600, None)
        with tempfile.TemporaryDirectory() as folder:
            taken = []
            for place in (None, folder):
                started, on_processor = time.perf_counter(), time.process_time()
                policy = train(world, key, budget, place)
                taken += [time.perf_counter() - started, time.process_time() - on_processor]
            size = max(path.stat().st_size for path in Path(folder).rglob("*.npz"))
        job = {"agent": agent, "world": name, "seconds": round(taken[0], 2), "processor": round(taken[1], 2)}
        job |= {"with checkpoints": round(taken[2], 2), "processor, with": round(taken[3], 2)}
        jobs.append(job | {"largest MB": round(size / 1e6, 1), "states": len(policy.q) if agent != "DQN" else "-"})
    return jobs


def compiled_and_plain(episodes: int) -> list[dict]:
    """Compiled; plain, calling compiled parts (`.py_func`); plain all through (numba off, in a process of its own)."""
    speeds = {name: defaultdict(list) for name, _ in worlds()}
    for _ in range(3):
        for name, world in worlds():
            speeds[name]["compiled"].append(episodes_per_second(world, run_episodes, 50 * episodes))
            speeds[name]["py_func"].append(episodes_per_second(world, run_episodes.py_func, episodes))
    command = [sys.executable, __file__, "--plain", str(episodes)]
    off = subprocess.run(
        command, env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=True
    )
    plain = json.loads(off.stdout)
    rows = []
    for name, by_kind in speeds.items():
        compiled, py_func = (float(np.median(by_kind[kind])) for kind in ("compiled", "py_func"))
        row = {"world": name, "compiled": round(compiled), "py_func": round(py_func), "numba off": round(plain[name])}
        rows.append(
            row | {"times py_func": round(compiled / py_func, 1), "times off": round(compiled / plain[name], 1)}
        )
    return rows


def episodes_per_second(world: ReplayWorld, run, episodes: int) -> float:
    inside = (*world, world.coder(world.levels()))
    for warm_up in (True, False):
        table, rng = empty_table(n_actions(world.params), STUDY), np.random.default_rng(0)
        first, many = (table.rows, table.q, table.tries, *inside, STUDY, 1.0), 2 if warm_up else episodes
        started = time.perf_counter()
        run(*first, many, 0, NO_LIMIT, rng)
    return episodes / (time.perf_counter() - started)


def loops(steps: int) -> list[dict]:
    """Ours with seeds side by side, the library's own loop, and `sbx` (the same in JAX) where it is installed.

    All with 16 environments and one update for four steps. They take turns; the library's speed is of one seed, ours is
    that of all seeds together. By time on the processor, so that other work on the machine counts for nobody.
    """
    world, speeds = dict(worlds())["described"], defaultdict(list)
    for _ in range(3):
        with one_thread():
            speeds["the library's"].append(_library(stable_baselines3.DQN, world, steps))
        for seeds in (1, 10, 20):
            started = time.process_time()
            dqn.train_seeds([world] * seeds, dqn_settings.DESCRIBED, steps, list(range(seeds)))
            speeds[f"ours, {seeds} seeds"].append(seeds * steps / (time.process_time() - started))
        if importlib.util.find_spec("sbx"):
            import sbx

            speeds["sbx"].append(_library(sbx.DQN, world, steps))
    library = np.array(speeds["the library's"])
    return [
        {
            "loop": name,
            "steps per second": round(np.median(each)),
            "times the library's": round(float(np.median(np.array(each) / library)), 1),
        }
        for name, each in speeds.items()
    ]


def _library(kind: type, world: ReplayWorld, steps: int) -> float:
    settings = dict(learning_rate=1e-4, gamma=0.95, buffer_size=100_000, learning_starts=1_000, batch_size=64)
    schedule = dict(target_update_interval=1_000, exploration_fraction=0.3, exploration_final_eps=0.01)
    every = dict(train_freq=1, gradient_steps=4)  # a step of all 16 environments, four updates
    net = dict(net_arch=[128, 128])
    agent = kind("MlpPolicy", FunnelVecEnv(16, world=world), policy_kwargs=net, **settings, **schedule, **every)
    started = time.process_time()
    agent.learn(steps)
    return steps / (time.process_time() - started)


def where_the_time_goes(steps: int, seeds: int = 20) -> list[dict]:
    """Processor time inside the parts of our loop, in %, as the profiler has it, which slows small functions most."""
    profile, world = cProfile.Profile(), dict(worlds())["described"]
    dqn.train_seeds([world] * seeds, dqn_settings.DESCRIBED, 1_600, list(range(seeds)))
    profile.enable()
    dqn.train_seeds([world] * seeds, dqn_settings.DESCRIBED, steps, list(range(seeds)))
    profile.disable()
    parts = {
        "forward passes": ("baddbmm", "relu"),
        "backward passes": ("run_backward",),
        "Adam": ("_fused_adam",),
        "drawing from memory": ("sample", "<listcomp>", "stack"),
        "the worlds": ("step", "observe", "begin_anew", "_start"),
        "shortening gradients": ("shorten_gradients", "square", "mul_"),
    }
    stats = pstats.Stats(profile).stats
    total = sum(entry[2] for entry in stats.values())
    rows = []
    for part, names in parts.items():
        spent = sum(entry[2] for (_, _, name), entry in stats.items() if any(f"{one}" in name for one in names))
        rows.append({"part": part, "share %": round(100 * spent / total)})
    return [*rows, {"part": "the rest", "share %": 100 - sum(row["share %"] for row in rows)}]


if __name__ == "__main__":
    main()
