"""The command line: `python -m crm_rl prepare | fetch | twin | train | evaluate | recommend | study | rematch`."""

import argparse
import sys
from pathlib import Path

import pandas as pd

from crm_rl import cli_study
from crm_rl.data.columns import EARLIEST_DATE, SNAPSHOT_DATE
from crm_rl.data.load import data_path
from crm_rl.data.problems import DataError
from crm_rl.data.split import SPLITS, describe
from crm_rl.files import PROJECT


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns 0 if it worked, 1 if the data could not be used, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    nothing = "Nothing was written." if options.all_or_nothing else ""
    try:
        options.run(options)
    except DataError as error:
        print(f"error: {error}\n{nothing}".rstrip(), file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stdout = None
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror or error}.\n{nothing}".rstrip(), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"stopped. {nothing}".rstrip(), file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m crm_rl", description="The data and the agents of the book.")
    parser.set_defaults(all_or_nothing=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    prepare = commands.add_parser("prepare", help="clean an export, split it by time and compute the 15 features")
    prepare.add_argument(
        "file",
        nargs="?",
        type=Path,
        default=data_path(),
        help="an .xlsx or .csv export (default: %(default)s)",
    )
    prepare.add_argument(
        "--out",
        type=Path,
        default=PROJECT / "data" / "processed",
        help="the folder to write (default: %(default)s)",
    )
    prepare.add_argument(
        "--split", choices=SPLITS, default="published", help="which split and features (default: %(default)s)"
    )
    prepare.add_argument(
        "--snapshot",
        type=_day,
        default=SNAPSHOT_DATE,
        metavar="YYYY-MM-DD",
        help="the day of the export (default: 2022-04-28)",
    )
    prepare.set_defaults(run=_prepare, all_or_nothing=True)

    fetch = commands.add_parser("fetch", help="download the original export and check that it is the right file")
    fetch.add_argument("--to", type=Path, help="where to keep it (default: data/raw/SalesCRM.xlsx)")
    fetch.add_argument("--url", help="another place to get it from")
    fetch.set_defaults(run=_fetch, all_or_nothing=True)

    twin = commands.add_parser("twin", help="make the synthetic twin again from its spec and seed")
    twin.add_argument("--out", type=Path, help="a new .csv file to write (default: data/raw/crm_twin.csv)")
    twin.set_defaults(run=_twin, all_or_nothing=True)

    cli_study.add_commands(commands)
    return parser


def _day(text: str) -> pd.Timestamp:
    try:
        day = pd.to_datetime(text, format="%Y-%m-%d")
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day written as YYYY-MM-DD") from error
    if day < EARLIEST_DATE:
        raise argparse.ArgumentTypeError(f"{text} is before {EARLIEST_DATE.date()}, the first day that counts")
    return day


def _prepare(options: argparse.Namespace) -> None:
    from crm_rl.data.prepare import FILES, prepare

    split, report = prepare(options.file, options.out, options.split, options.snapshot)
    print(report)
    print(f"\nThe {options.split} split:\n{describe(split).to_string()}")
    print(f"\nWritten to {options.out}: {', '.join(FILES)}")


def _fetch(options: argparse.Namespace) -> None:
    from crm_rl.data.fetch import ORIGINAL, URL, fetch

    path = fetch(options.to or ORIGINAL, options.url or URL)
    print(f"{path}: the original, checksum verified. To work on it: CRM_RL_DATA={path}")


def _twin(options: argparse.Namespace) -> None:
    from crm_rl.data.load import TWIN
    from crm_rl.data.twin.draw import make_twin

    path = make_twin(out=options.out or TWIN)
    print(f"{path}: the twin, drawn from its spec")
