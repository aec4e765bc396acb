"""The commands of Part II: train a policy, evaluate it, ask it for recommendations, run the whole study."""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd

from crm_rl.data import clean, data_path, load
from crm_rl.data.problems import DataError
from crm_rl.files import PROJECT
from crm_rl.worlds.replay_world import SETTINGS

MODELS = PROJECT / "data" / "models"
LEARNERS = ("q-learning", "dqn")
STUDIES = ("funnel", "ablation", "comparison")


def add_commands(commands) -> None:
    """Add the commands to the parser's."""
    train = commands.add_parser("train", help="train a policy, or go on with a training run that was stopped")
    train.add_argument("learner", choices=LEARNERS)
    train.add_argument("--selection", action="store_true", help="let the agent select features")
    train.add_argument("--setting", choices=SETTINGS, default="described", help="whose rules (default: %(default)s)")
    train.add_argument("--budget", type=_count, default=100_000, help="episodes of Q-learning, steps of DQN")
    train.add_argument("--seed", type=_seed, default=0)
    train.add_argument("--data", type=Path, default=data_path(), help="the export (default: %(default)s)")
    train.add_argument("--out", type=Path, help="the folder of the run (default: one in data/models)")
    train.set_defaults(run=_train)

    evaluate = commands.add_parser("evaluate", help="let a policy treat every customer of a part once")
    evaluate.add_argument("policy", type=Path, help="the .npz file that `train` wrote")
    evaluate.add_argument("--data", type=Path, default=data_path(), help="the export it was trained on")
    evaluate.add_argument("--part", choices=("train", "val", "test"), default="test")
    evaluate.add_argument("--seed", type=_seed, default=0)
    evaluate.set_defaults(run=_evaluate)

    recommend = commands.add_parser("recommend", help="ask a policy what to do with each customer of a file")
    recommend.add_argument("policy", type=Path, help="the .npz file that `train` wrote")
    recommend.add_argument("customers", type=Path, help="a .csv or .xlsx file with the columns of an export")
    recommend.add_argument("--data", type=Path, default=data_path(), help="the export it was trained on")
    recommend.add_argument("--out", type=Path, help="a .csv file to write (default: print the first 20)")
    recommend.add_argument("--action", help="only the customers for whom this action is recommended")
    recommend.add_argument("--seed", type=_seed, default=0)
    recommend.set_defaults(run=_recommend)

    study = commands.add_parser("study", help="run the book's studies over many seeds and record them")
    study.add_argument("only", nargs="*", metavar="STUDY", help=f"some of {', '.join(STUDIES)} (default: all)")
    study.add_argument("--data", type=Path, nargs="+", default=[data_path()], help="exports to run on")
    study.add_argument("--seeds", type=_count, help="how many (default: as on record)")
    study.add_argument("--budget", type=_count, help="episodes or steps of each run (default: as on record)")
    study.add_argument("--workers", type=_workers, default=-1, help="processes; -1 for as many as there are cores")
    study.add_argument("--dask", metavar="ADDRESS", help="run on the workers of this Dask scheduler instead")
    study.add_argument("--work", type=Path, default=PROJECT / "data" / "study", help="where jobs keep their state")
    study.add_argument(
        "--out", type=Path, help="where the record goes (default: data/results, or WORK/results if it is a part)"
    )
    study.set_defaults(run=_study)


def _number(text: str) -> int:
    try:
        return int(text.replace("_", "").replace(",", ""))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from error


def _count(text: str) -> int:
    number = _number(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def _seed(text: str) -> int:
    number = _number(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return number


def _workers(text: str) -> int:
    return -1 if text == "-1" else _count(text)


def _customers(path: Path) -> pd.DataFrame:
    return clean(load(path), source=str(path))[0]


def _train(options: argparse.Namespace) -> None:
    from crm_rl.agents.dqn import STUDY, train_dqn
    from crm_rl.agents.q_learning import train_q_learning
    from crm_rl.worlds.replay_world import replay_worlds

    name = f"{options.learner}{'-selection' if options.selection else ''}-{options.setting}-seed{options.seed}"
    folder = options.out or MODELS / name
    world = replay_worlds(_customers(options.data), options.setting, options.selection)["train"]
    began = time.perf_counter()
    if options.learner == "dqn":
        hyper = STUDY[options.setting, options.selection]
        train_dqn(world, hyper, options.budget, options.seed, folder, progress=True)
        policy = folder / "policy.npz"
    else:
        train_q_learning(world, episodes=options.budget, seed=options.seed, folder=folder, progress=True)
        policy = folder / "q_table.npz"
    print(f"{policy}: trained in {time.perf_counter() - began:.0f} s")
    print(f"Next: python -m crm_rl evaluate {policy}")


def _evaluate(options: argparse.Namespace) -> None:
    from crm_rl.agents.policies import load_policy
    from crm_rl.agents.reference import constant_policy, random_policy
    from crm_rl.evaluation.rollouts import metrics, play
    from crm_rl.serving.recommend import trained_worlds
    from crm_rl.worlds.base import Action

    policy = load_policy(options.policy)
    world = trained_worlds(policy, _customers(options.data))[options.part]
    rivals = {"this policy": policy, "random": random_policy}
    rivals |= {f"always {action.name.lower()}": constant_policy(action) for action in Action}
    table = {name: metrics(play(world, rival, np.random.default_rng(options.seed))) for name, rival in rivals.items()}
    print(f"Every customer of the {options.part} part of {options.data}, once; rates in %, 95% Wilson intervals\n")
    shown = ["subscribers", "subscription_rate", "rate_low", "rate_high", "first_call_rate", "cost_per_subscription"]
    print(pd.DataFrame(table).T[[*shown, "average_reward", "features_used"]].round(2).to_string())


def _recommend(options: argparse.Namespace) -> None:
    from crm_rl.agents.policies import load_policy
    from crm_rl.serving.recommend import never_seen, recommend, setting_of
    from crm_rl.worlds.base import Action

    names = [action.name.lower() for action in Action]
    if options.action is not None and options.action not in names:
        raise DataError(f"{options.action!r} is no action. Remedy: choose one of {', '.join(names)}.")
    policy = load_policy(options.policy)
    customers, report = clean(load(options.customers), source=str(options.customers))
    trained_on = _customers(options.data)
    table = recommend(policy, customers, trained_on, np.random.default_rng(options.seed))
    print(report, end="\n\n")
    counts = table["action"].fillna("none").value_counts()
    print(f"{len(table):,} customers: " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))
    unmet = int((table["known"] == False).sum())  # noqa: E712 missing is neither
    if unmet:
        print(f"For {unmet:,} the policy has never met the state: what it says of them is chance.")
    for name, values in never_seen(customers, trained_on).items():
        print(f"{name}: training never saw {', '.join(values)}. What a policy says of these customers is a guess.")
    if setting_of(policy)[0] == "as_coded":
        print("As coded, countries are numbered anew in each file: who else is in it changes the answers.")
    if options.action is not None:
        table = table[table["action"] == options.action]
    if options.out is None and table.empty:
        print("For nobody.")
    elif options.out is None:
        print(table.head(20).round(2).to_string(index=False))
    else:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        unfinished = options.out.with_name(options.out.name + ".tmp")
        table.to_csv(unfinished, index=False, float_format="%.6g")
        unfinished.replace(options.out)
        print(f"Written to {options.out}: {len(table):,} rows")


def _study(options: argparse.Namespace) -> None:
    from crm_rl.experiments.studies import run_and_record

    unknown = [name for name in options.only if name not in STUDIES]
    if unknown:
        raise DataError(f"no such study: {', '.join(unknown)}. Remedy: choose from {', '.join(STUDIES)}.")
    for files in run_and_record(
        options.only or list(STUDIES),
        options.data,
        options.work,
        options.out,
        options.seeds,
        options.budget,
        options.workers,
        options.dask,
    ):
        print("Recorded: " + ", ".join(str(file) for file in files), flush=True)
