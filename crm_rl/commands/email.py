"""The commands for email audiences: email prepare, mock, train, audiences."""

import argparse
from pathlib import Path

from crm_rl.arguments import check_file, check_folder, count, seed

NOTHING = "Nothing was written."
TABLE = "a permutation table (default: the one that CRM_RL_EMAIL names, else the twin)"


def add(commands: argparse._SubParsersAction) -> None:
    """Add these commands to the command line."""
    email = commands.add_parser("email", help="email audiences: whom to write to (chapter 10)")
    verbs = email.add_subparsers(required=True, metavar="WHAT")

    prepare = verbs.add_parser("prepare", help="make the permutation table from the three raw files")
    prepare.add_argument("sent", type=Path, help="a .csv file, a row an email: Sent_Date, Customer_ID, SubjectLine_ID")
    prepare.add_argument("responded", type=Path, help="a row an answer: Responded_Date, Customer_ID, SubjectLine_ID")
    columns = "Customer_ID, Gender, Age, Email_Address, Tenure, Type"
    prepare.add_argument("userbase", type=Path, help=f"a row a customer: {columns}")
    prepare.add_argument("--out", type=Path, required=True, help="the .csv file to write")
    prepare.add_argument(
        "--window", type=count, default=14, metavar="DAYS", help="an answer counts so long (default: %(default)s)"
    )
    prepare.set_defaults(run=_prepare, failed=NOTHING, stopped=NOTHING)

    mock = verbs.add_parser("mock", help="write three raw files of made-up emails, faults among them")
    mock.add_argument("--out", type=Path, required=True, help="a folder")
    mock.add_argument("--emails", type=count, default=2_500_000, help="how many, roughly (default: %(default)s)")
    mock.add_argument("--seed", type=seed, default=0)
    mock.set_defaults(run=_mock)

    train = verbs.add_parser("train", help="train a Q-table with the published settings")
    train.add_argument("table", nargs="?", type=Path, help=TABLE)
    train.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    train.add_argument("--episodes", type=count, default=20_000, help="(default: %(default)s)")
    train.add_argument(
        "--goal", type=_rate, default=0.3, help="the rate that a cell must exceed (default: %(default)s)"
    )
    train.add_argument("--least-sent", type=count, default=10, help="emails that it must have had (default: 10)")
    train.add_argument("--published-update", action="store_true", help="subtract Q twice, as published")
    train.add_argument("--seed", type=seed, default=0)
    train.set_defaults(run=_train, failed=NOTHING, stopped=NOTHING)

    audiences = verbs.add_parser("audiences", help="rank audiences by the chance that their rate exceeds a goal")
    audiences.add_argument("table", nargs="?", type=Path, help=TABLE)
    audiences.add_argument("--subject", type=count, choices=(1, 2, 3), help="of the email (default: all)")
    audiences.add_argument("--goal", type=_rate, default=0.4, help="a rate, say 0.4 (default: %(default)s)")
    audiences.add_argument("--most", type=count, default=10, help="how many to print (default: %(default)s)")
    audiences.set_defaults(run=_audiences)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from error
    if not 0 < rate < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a rate between 0 and 1")
    return rate


def _prepare(options: argparse.Namespace) -> str:
    from crm_rl.case_studies.email.etl import prepare
    from crm_rl.case_studies.email.table import write_table

    files = (options.sent, options.responded, options.userbase)
    check_file(options.out, ".csv", files)
    counts, report = prepare(*files, options.window)
    write_table(counts, options.out)
    return f"{report}\nWritten to {options.out}: {(counts.sent > 0).sum():,} cells"


def _mock(options: argparse.Namespace) -> str:
    check_folder(options.out)
    from crm_rl.case_studies.email.mock import FILES, make_mock

    truth = make_mock(options.out, options.emails, options.seed)
    sent, responded, userbase = (options.out / name for name in FILES)
    return (
        f"{truth.counts.sent.sum():,} emails, {truth.counts.answered.sum():,} answered, and faulty rows besides\n"
        f"Next: python -m crm_rl email prepare {sent} {responded} {userbase} --out {options.out / 'table.csv'}"
    )


def _train(options: argparse.Namespace) -> str:
    from crm_rl.case_studies.email.campaign import PUBLISHED, exact_q, policy_values, save_table, train
    from crm_rl.case_studies.email.table import load_counts

    check_file(options.out, ".npz", [options.table] if options.table else [])
    counts = load_counts(options.table)
    params = PUBLISHED._replace(goal=options.goal, least_sent=options.least_sent)
    q, updates = train(counts, params, options.episodes, options.seed, options.published_update)
    save_table(q, params, options.out)
    worth, best = policy_values(q.argmax(axis=1), counts, params).mean(), exact_q(counts, params).max(axis=1).mean()
    return (
        f"{updates.sum():,} moves in {options.episodes:,} episodes updated {(updates > 0).mean():.0%} of the entries\n"
        f"Value of its greedy policy: {worth:.2f} on average over all cells; the optimum is {best:.2f}\n"
        f"Written to {options.out}"
    )


def _audiences(options: argparse.Namespace) -> str:
    from crm_rl.case_studies.email.audiences import fit_prior, rank
    from crm_rl.case_studies.email.cells import profile
    from crm_rl.case_studies.email.table import base_rate, load_counts

    counts = load_counts(options.table)
    prior = fit_prior(counts)
    ranked = rank(counts, options.goal, options.subject, prior)
    lines = [
        f"{counts.sent.sum():,} emails, {base_rate(counts):.1%} answered; usual rate {prior.mean():.1%}, "
        f"spread {prior.spread():.1%}",
        f"{(ranked['chance'] > 0.5).sum():,} of {len(ranked):,} audiences probably exceed {options.goal:.0%}",
    ]
    for cell, row in ranked.head(options.most).iterrows():
        words = ", ".join(profile(cell).values())
        lines += [
            f"{row['rate']:.1%} ({row['low']:.1%} to {row['high']:.1%}), chance above goal {row['chance']:.1%}; "
            f"{row['answered']:,.0f} of {row['sent']:,.0f}: {words}"
        ]
    return "\n".join(lines)
