"""The commands of chapter 13: make a log, and evaluate a policy from it."""

import argparse
from pathlib import Path

from crm_rl.arguments import check_file, count, seed
from crm_rl.commands.output import wait_for
from crm_rl.files import write_whole

NOTHING = "Nothing was written."
SOLVING = "Solving the world: about 20 seconds"
FIXED = ("random", "wait", "best")


def add(commands: argparse._SubParsersAction) -> None:
    """Add these commands to the command line."""
    logs = commands.add_parser("logs", help="learning from logs: make, evaluate")
    parts = logs.add_subparsers(required=True, metavar="PART")

    make = parts.add_parser("make", help="let today's rule treat customers of the smooth world, and log propensities")
    make.add_argument("--out", type=Path, required=True, help="a .csv file to write")
    make.add_argument("--customers", type=count, default=3_000, help="how many (default: %(default)s)")
    make.add_argument("--weeks", type=count, default=2, help="of each, at most 12 (default: %(default)s)")
    make.add_argument("--explore", type=float, default=0.5, help="how often any action is taken (default: %(default)s)")
    make.add_argument("--seed", type=seed, default=0)
    make.set_defaults(run=_make, failed=NOTHING, stopped=NOTHING)

    evaluate = parts.add_parser("evaluate", help="estimate from a log what another policy would have earned")
    evaluate.add_argument("log", type=Path, help="what `logs make` wrote; no other log will do")
    evaluate.add_argument("--policy", required=True, help=f"{', '.join(FIXED)}, or a policy's .npz file")
    evaluate.set_defaults(run=_evaluate)


def _make(options: argparse.Namespace) -> str:
    check_file(options.out, ".csv", ())

    from crm_rl.data.problems import DataError

    problems = []
    if not 0 <= options.explore <= 1:
        problems.append(f"--explore {options.explore:g} is no probability. Remedy: 0 to 1.")
    if options.weeks > 12:
        problems.append(f"--weeks {options.weeks} is more than there are. Remedy: 1 to 12.")
    if problems:
        raise DataError("\n".join(problems))
    wait_for(SOLVING)

    import numpy as np

    from crm_rl.evaluation.log_file import to_table
    from crm_rl.experiments.logs_study import signed_up, today
    from crm_rl.worlds.logs import play_episodes

    world = signed_up(weeks=options.weeks)
    log = play_episodes(today(options.explore), world, options.customers, np.random.default_rng(options.seed))
    table = to_table(log)
    write_whole(options.out, table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))
    earned = f"{log.rewards.sum(axis=1).mean():,.2f} dollars each"
    return (
        f"{options.out}: {len(table):,} weeks of {options.customers:,} customers, who brought {earned}."
        f"\nNext: python -m crm_rl logs evaluate {options.out} --policy best"
    )


def _evaluate(options: argparse.Namespace) -> str:
    wait_for(SOLVING)

    from crm_rl.evaluation import off_policy
    from crm_rl.evaluation.gain import exact_values
    from crm_rl.evaluation.log_file import read_log
    from crm_rl.experiments.logs_study import signed_up

    log, world = read_log(options.log, signed_up())
    policy = _policy(options.policy, world)
    chances, model = off_policy.judged(log, log.probabilities(policy, world))
    ratios = off_policy.importance_ratios(chances, log.propensities)
    table = off_policy.table_of(off_policy.estimates(log.rewards, ratios, model))
    weights = ratios.prod(axis=1)
    customers, weeks = log.rewards.shape
    lines = [
        f"{customers:,} customers, {weeks} week{'s' * (weeks > 1)} at most; dollars a customer, 95% intervals\n",
        table.round(2).to_string(),
        f"\nIn the log they earned {log.rewards.sum(axis=1).mean():,.2f} on average.",
        f"Exact value in this world, which no log tells: {exact_values(policy, world).mean():,.2f}.",
        f"Effective sample size: {off_policy.effective_sample_size(weights):,.1f}; mean weight: {weights.mean():.2f}.",
    ]
    found = off_policy.warnings(weights, log.rewards.sum(axis=1))
    lines += [f"Warning: {warning}" for warning in found]
    if found:
        lines.append(
            "Remedy: a longer log, one with more exploration, fewer weeks, or a policy closer to the one that wrote it."
        )
    return "\n".join(lines)


def _policy(name: str, world):
    from crm_rl.agents.behaviour import Exploring
    from crm_rl.agents.planned import optimum
    from crm_rl.agents.policies import load_policy, same_shape
    from crm_rl.agents.reference import constant_policy
    from crm_rl.worlds.base import Action

    if name == "best":
        return optimum(world)
    if name in FIXED:
        return Exploring(constant_policy(Action.WAIT), 1.0 if name == "random" else 0.0)
    policy = load_policy(name)
    same_shape(policy.params, world)
    return policy
