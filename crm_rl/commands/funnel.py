"""The funnel's commands: prepare, fetch, twin, train, evaluate, recommend, onnx, study."""

import argparse
import time
from pathlib import Path

from crm_rl.arguments import SETTINGS, SPLITS, STUDIES, check_file, check_folder, count, day, seed, workers
from crm_rl.commands.output import say
from crm_rl.files import PROJECT, alone_in, folder_above, write_whole

NOTHING = "Nothing was written."
RESUMES = "The same command goes on from the last checkpoint, if there is one."
EXPORT = "(default: the one that CRM_RL_DATA names, else the twin)"


def add(commands: argparse._SubParsersAction) -> None:
    """Add these commands to the command line."""
    prepare = commands.add_parser("prepare", help="clean an export, split it by time and compute the 15 features")
    prepare.add_argument("file", nargs="?", type=Path, help=f"an .xlsx or .csv export {EXPORT}")
    prepare.add_argument("--out", type=Path, default=PROJECT / "data" / "processed", help="a folder (%(default)s)")
    prepare.add_argument("--split", choices=SPLITS, default="published", help="and its features (default: %(default)s)")
    prepare.add_argument("--snapshot", type=day, default="2022-04-28", metavar="YYYY-MM-DD", help="day of the export")
    prepare.set_defaults(run=_prepare, failed=NOTHING, stopped=NOTHING)

    fetch = commands.add_parser("fetch", help="download the original export and check that it is the right file")
    fetch.add_argument("--to", type=Path, help="where to keep it (default: data/raw/SalesCRM.xlsx)")
    fetch.add_argument("--url", help="another place to get it from")
    fetch.set_defaults(run=_fetch, failed=NOTHING, stopped=NOTHING)

    twin = commands.add_parser("twin", help="make the synthetic twin again from its spec and seed")
    twin.add_argument("--out", type=Path, help="a new .csv file to write (default: data/raw/crm_twin.csv)")
    twin.set_defaults(run=_twin, failed=NOTHING, stopped=NOTHING)

    train = commands.add_parser("train", help="train a policy, or go on with a training run that was stopped")
    train.add_argument("learner", choices=("q-learning", "dqn"))
    train.add_argument("--selection", action="store_true", help="let the agent select features")
    train.add_argument("--setting", choices=SETTINGS, default="described", help="whose rules (default: %(default)s)")
    train.add_argument("--budget", type=count, default=100_000, help="episodes of Q-learning, steps of DQN")
    train.add_argument("--seed", type=seed, default=0)
    train.add_argument("--data", type=Path, help=f"the export {EXPORT}")
    train.add_argument("--out", type=Path, help="the folder of the run (default: one in data/models)")
    train.set_defaults(run=_train, stopped=RESUMES)

    evaluate = commands.add_parser("evaluate", help="let a policy treat every customer of a part once")
    evaluate.add_argument("policy", type=Path, help="the .npz file that `train` wrote")
    evaluate.add_argument("--data", type=Path, help=f"the export it was trained on {EXPORT}")
    evaluate.add_argument("--part", choices=("train", "val", "test"), default="test")
    evaluate.add_argument("--seed", type=seed, default=0)
    evaluate.set_defaults(run=_evaluate)

    recommend = commands.add_parser("recommend", help="ask a policy what to do with each customer of a file")
    recommend.add_argument("policy", type=Path, help="the .npz file that `train` wrote")
    recommend.add_argument("customers", type=Path, help="a .csv or .xlsx file with the columns of an export")
    recommend.add_argument("--data", type=Path, help=f"the export it was trained on {EXPORT}")
    recommend.add_argument("--out", type=Path, help="a .csv file to write (default: print the first 20)")
    recommend.add_argument("--action", help="only the customers for whom this action is recommended")
    recommend.add_argument("--seed", type=seed, default=0)
    recommend.set_defaults(run=_recommend, failed=NOTHING, stopped=NOTHING)

    onnx = commands.add_parser("onnx", help="write a network as an ONNX model, to be run without Python")
    onnx.add_argument("policy", type=Path, help="the .npz file that `train dqn` wrote")
    onnx.add_argument("--out", type=Path, required=True, help="the .onnx file to write")
    onnx.set_defaults(run=_onnx, failed=NOTHING, stopped=NOTHING)

    study = commands.add_parser("study", help="run the book's studies over many seeds and record them")
    study.add_argument("only", nargs="*", metavar="STUDY", help=f"some of {', '.join(STUDIES)} (default: all)")
    study.add_argument("--data", type=Path, nargs="+", help=f"exports to run on {EXPORT}")
    study.add_argument("--seeds", type=count, help="how many (default: as on record)")
    study.add_argument("--budget", type=count, help="episodes or steps of each run (default: as on record)")
    study.add_argument("--workers", type=workers, default=-1, help="processes; -1 for as many as there are cores")
    study.add_argument("--dask", metavar="ADDRESS", help="run on the workers of this Dask scheduler instead")
    study.add_argument("--work", type=Path, default=PROJECT / "data" / "study", help="where jobs keep their state")
    study.add_argument(
        "--out", type=Path, help="where the record goes (default: data/results, or WORK/results if it is a part)"
    )
    study.set_defaults(run=_study, stopped=RESUMES)


def _export(chosen: Path | None) -> Path:
    from crm_rl.data import data_path

    return chosen or data_path()


def _customers(path: Path):
    from crm_rl.data import clean, load

    return clean(load(path), source=str(path))


def _prepare(options: argparse.Namespace) -> str:
    from crm_rl.data.prepare import FILES, prepare
    from crm_rl.data.split import describe

    check_folder(options.out)
    split, report = prepare(_export(options.file), options.out, options.split, options.snapshot)
    table = describe(split).to_string()
    return f"{report}\n\nThe {options.split} split:\n{table}\n\nWritten to {options.out}: {', '.join(FILES)}"


def _fetch(options: argparse.Namespace) -> str:
    from crm_rl.data.fetch import ORIGINAL, URL, fetch

    path = fetch(options.to or ORIGINAL, options.url or URL)
    return f"{path}: the original, checksum verified. To work on it: CRM_RL_DATA={path}"


def _twin(options: argparse.Namespace) -> str:
    from crm_rl.data.twin.draw import TWIN, make_twin

    return f"{make_twin(out=options.out or TWIN)}: the twin, drawn from its spec"


def _train(options: argparse.Namespace) -> str:
    data = _export(options.data)
    name = f"{options.learner}{'-selection' if options.selection else ''}-{options.setting}-seed{options.seed}"
    folder = options.out or PROJECT / "data" / "models" / name
    check_folder(folder, [data], "*.npz")
    customers, _ = _customers(data)

    from crm_rl.agents.dqn import train_dqn
    from crm_rl.agents.dqn_settings import STUDY
    from crm_rl.agents.q_learning import train_q_learning
    from crm_rl.worlds.replay_world import replay_worlds

    world = replay_worlds(customers, options.setting, options.selection)["train"]
    began = time.perf_counter()
    with folder_above(folder / "policy.npz"), alone_in(folder):
        if options.learner == "dqn":
            hyper = STUDY[options.setting, options.selection]
            train_dqn(world, hyper, options.budget, options.seed, folder=folder, progress=True)
            policy = folder / "policy.npz"
        else:
            train_q_learning(world, episodes=options.budget, seed=options.seed, folder=folder, progress=True)
            policy = folder / "q_table.npz"
    seconds = time.perf_counter() - began
    return f"{policy}: trained in {seconds:.0f} s\nNext: python -m crm_rl evaluate {policy}"


def _evaluate(options: argparse.Namespace) -> str:
    import numpy as np
    import pandas as pd

    from crm_rl.agents.policies import load_policy
    from crm_rl.agents.reference import constant_policy, random_policy
    from crm_rl.evaluation.rollouts import metrics, play
    from crm_rl.serving.recommend import trained_worlds
    from crm_rl.worlds.base import Action

    data, policy = _export(options.data), load_policy(options.policy)
    world = trained_worlds(policy, _customers(data)[0])[options.part]
    rivals = {"this policy": policy, "random": random_policy}
    rivals |= {f"always {action.name.lower()}": constant_policy(action) for action in Action}
    table = {name: metrics(play(world, rival, np.random.default_rng(options.seed))) for name, rival in rivals.items()}
    shown = ["subscribers", "subscription_rate", "rate_low", "rate_high", "first_call_rate", "cost_per_subscription"]
    figures = pd.DataFrame(table).T[[*shown, "average_reward", "features_used"]].round(2).to_string()
    return f"Every customer of the {options.part} part of {data}, once; rates in %, 95% Wilson intervals\n\n{figures}"


def _recommend(options: argparse.Namespace) -> str:
    data = _export(options.data)
    if options.out is not None:
        check_file(options.out, ".csv", (options.policy, options.customers, data))

    import numpy as np

    from crm_rl.agents.policies import load_policy
    from crm_rl.data import DataError
    from crm_rl.serving.recommend import left_alone, never_seen, recommend, setting_of
    from crm_rl.worlds.base import Action

    names = [action.name.lower() for action in Action]
    if options.action not in (None, *names):
        raise DataError(f"{options.action!r} is no action. Remedy: choose one of {', '.join(names)}.")
    policy = load_policy(options.policy)
    customers, report = _customers(options.customers)
    trained_on, _ = _customers(data)
    table = recommend(policy, customers, trained_on, np.random.default_rng(options.seed))
    counts = table["action"].fillna("none").value_counts()
    lines = [f"{report}\n"]
    lines += [f"{len(table):,} customers: " + ", ".join(f"{name} {number:,}" for name, number in counts.items())]
    if alone := int(left_alone(customers).sum()):
        lines += [f"For {alone:,}, who have subscribed or are marked 'do not contact', it is wait, whatever Q says."]
    unmet = int((table["known"] == False).sum())  # noqa: E712 missing is neither
    if unmet:
        lines += [f"For {unmet:,} the policy has never met the state: what it says of them is chance."]
    for name, values in never_seen(customers, trained_on).items():
        values = ", ".join(values)
        lines += [f"{name}: training never saw {values}. What a policy says of these customers is a guess."]
    if setting_of(policy)[0] == "as_coded":
        lines += ["As coded, countries are numbered anew in each file: who else is in it changes the answers."]
    if options.action is not None:
        table = table[table["action"] == options.action]
    if options.out is not None:
        write_whole(options.out, table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))
        return "\n".join([*lines, f"Written to {options.out}: {len(table):,} rows"])
    first = "For nobody." if table.empty else table.head(20).round(2).to_string(index=False)
    return "\n".join([*lines, first])


def _onnx(options: argparse.Namespace) -> str:
    check_file(options.out, ".onnx", (options.policy,))

    from crm_rl.agents.onnx_files import to_onnx
    from crm_rl.agents.policies import NetworkPolicy
    from crm_rl.worlds.base import n_actions, observation_size

    policy = NetworkPolicy.load(options.policy)
    write_whole(options.out, to_onnx(policy))
    inputs, outputs = observation_size(policy.params), n_actions(policy.params)
    return f"{options.out}: observations (batch, {inputs}) in, q_values (batch, {outputs}) out, float32"


def _study(options: argparse.Namespace) -> str:
    from crm_rl.data import DataError

    unknown = [name for name in options.only if name not in STUDIES]
    if unknown:
        raise DataError(f"no such study: {', '.join(unknown)}. Remedy: choose from {', '.join(STUDIES)}.")
    data = options.data or [_export(None)]
    for folder in (options.work, options.out or options.work / "results"):
        check_folder(folder, data, "*_*.csv")

    from crm_rl.experiments.studies import run_and_record

    names, places = options.only or list(STUDIES), (options.work, options.out)
    records = run_and_record(names, data, *places, options.seeds, options.budget, options.workers, options.dask)
    for files in records:
        say(f"Recorded: {', '.join(map(str, files))}")
    return "All that was asked for is on record."
