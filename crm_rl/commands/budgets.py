"""The commands of weekly budgets: plan offers for customers, price a season's budget, simulate a season."""

import argparse
from pathlib import Path

from crm_rl.arguments import check_file, count, seed

NOTHING = "Nothing was written."
SIMULATED = ("price", "each-week", "gain-per-cost", "first-come")


def add(commands: argparse._SubParsersAction) -> None:
    """Add `budgets` and its parts to the command line."""
    parser = commands.add_parser("budgets", help="offers under a weekly budget: plan, bound, simulate")
    parts = parser.add_subparsers(required=True, metavar="PART")

    plan = parts.add_parser("plan", help="who gets which offer this week, within a budget")
    plan.add_argument("customers", type=Path, help="a .csv file; `budgets example` writes one to try")
    plan.add_argument("--budget", type=_dollars, required=True, help="dollars that may be spent")
    plan.add_argument("--week", type=count, default=1, help="of the season, 1 to 12 (default: 1)")
    plan.add_argument(
        "--contacts", type=count, default=2, help="most contacts of a customer in four weeks (default: %(default)s)"
    )
    plan.add_argument("--age", type=count, default=18, help="least age for an offer (default: 18)")
    plan.add_argument("--out", type=Path, help="a .csv file to write (default: print the first 20)")
    plan.set_defaults(run=_plan, failed=NOTHING, stopped=NOTHING)

    example = parts.add_parser("example", help="write customers made up at random, to try `plan` with")
    example.add_argument("out", type=Path, help="a .csv file to write")
    example.add_argument("--customers", type=count, default=1000, help="how many (default: 1000)")
    example.add_argument("--seed", type=seed, default=0)
    example.set_defaults(run=_example, failed=NOTHING, stopped=NOTHING)

    bound = parts.add_parser("bound", help="what no policy can exceed in a season, and each week's price")
    simulate = parts.add_parser("simulate", help="let a policy serve everybody for a season, beside the bound")
    for one in (bound, simulate):
        one.add_argument("--budget", type=_dollars, help="dollars a week (default: 0.20 for each customer)")
        one.add_argument("--types", type=Path, help="a .csv file of segments (default: those of the book)")
    bound.set_defaults(run=_bound)
    simulate.add_argument("policy", choices=SIMULATED)
    simulate.add_argument("--seasons", type=count, default=10, help="how many (default: 10)")
    simulate.add_argument("--seed", type=seed, default=0)
    simulate.set_defaults(run=_simulate)


def _dollars(text: str) -> float:
    """An amount of money from 0; digits may be grouped by _ or commas."""
    try:
        amount = float(text.replace("_", "").replace(",", "").removeprefix("$"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount of dollars") from error
    if not 0 <= amount <= 1e12:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1e12")
    return amount


def _table(path: Path):
    import pandas as pd

    from crm_rl.data.problems import DataError

    if not path.exists():
        raise DataError(f"{path}: no such file. Remedy: check the name; `budgets example {path}` writes one to try.")
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, UnicodeDecodeError) as error:  # pandas' own errors are ValueErrors
        raise DataError(f"{path}: it cannot be read as a table ({error}). Remedy: save it as .csv in UTF-8.") from error


def _plan(options: argparse.Namespace) -> str:
    if options.out is not None:
        check_file(options.out, ".csv", (options.customers,))

    import numpy as np
    import pandas as pd

    from crm_rl.case_studies.budgets.customers import COLUMNS, REASONS, batch_of, cents_of, offers_within, rows_of
    from crm_rl.data.problems import DataError
    from crm_rl.files import write_whole

    table = _table(options.customers)
    if missing := [name for name in COLUMNS if name not in table]:
        raise DataError(
            f"{options.customers}: no column {', '.join(missing)}. Remedy: the columns are {', '.join(COLUMNS)}."
        )
    batch = batch_of(table.to_dict("records"), str(options.customers))
    offers = offers_within(batch, cents_of(options.budget), options.week, options.contacts, options.age)
    counts = np.bincount(offers.reasons, minlength=len(REASONS))
    lines = [
        f"{len(table):,} customers: "
        + ", ".join(f"{name} {n:,}" for name, n in zip(REASONS, counts, strict=True) if n),
        f"Spent ${offers.spent / 100:,.2f} of ${options.budget:,.2f}. Another dollar would earn ${offers.price:.2f}.",
        f"Expected gain over sending nothing: ${offers.gain:,.2f}; no choice can exceed ${offers.bound:,.2f}.",
    ]
    rows = pd.DataFrame(rows_of(batch, offers))
    if options.out is not None:
        write_whole(options.out, rows.to_csv(index=False, lineterminator="\n"))
        return "\n".join([*lines, f"Written to {options.out}: {len(rows):,} rows"])
    return "\n".join([*lines, "", rows.head(20).to_string(index=False)])


def _example(options: argparse.Namespace) -> str:
    check_file(options.out, ".csv", ())

    import numpy as np
    import pandas as pd

    from crm_rl.case_studies.budgets.catalogue import CHANNELS
    from crm_rl.case_studies.budgets.world import book_world
    from crm_rl.files import write_whole

    rng, n = np.random.default_rng(options.seed), options.customers
    agreed = rng.random((n, len(CHANNELS))) < 0.6
    table = {
        "customer_id": [f"c{number:06}" for number in range(1, n + 1)],
        "segment": rng.choice(book_world().segments, n),
        "habit": rng.integers(4, size=n),
        "fatigue": rng.integers(3, size=n),
        "age": rng.integers(16, 80, size=n),
        "contacts": rng.integers(4, size=n),
        "consent": [" ".join(np.array(CHANNELS)[row]) for row in agreed],
    }
    write_whole(options.out, pd.DataFrame(table).to_csv(index=False, lineterminator="\n"))
    return f"{options.out}: {n:,} customers\nNext: python -m crm_rl budgets plan {options.out} --budget 200"


def _world_and_budget(options: argparse.Namespace):
    from crm_rl.case_studies.budgets.customers import cents_of
    from crm_rl.case_studies.budgets.world import TYPES, book_world
    from crm_rl.data.problems import DataError

    if options.types is not None and not options.types.exists():
        raise DataError(f"{options.types}: no such file. Remedy: check the name; {TYPES} is one to start from.")
    world = book_world(options.types or TYPES)
    return world, world.budget() if options.budget is None else cents_of(options.budget)


def _bound(options: argparse.Namespace) -> str:
    from crm_rl.case_studies.budgets.bound import price_budgets
    from crm_rl.case_studies.budgets.policies import doing_nothing

    world, budget = _world_and_budget(options)
    bound, nothing = price_budgets(world, budget), doing_nothing(world)
    prices = "\n".join(f"week {week:2d}: {price:.2f}" for week, price in enumerate(bound.plan.prices, 1))
    return (
        f"{world.customers.sum():,} customers of {len(world.segments)} segments, ${budget / 100:,.2f} a week\n"
        f"Nothing sent: ${nothing:,.0f}. No policy can exceed ${bound.value:,.0f}: at most "
        f"${bound.value - nothing:,.0f} to gain.\nWhat one more dollar of a week's budget would earn:\n{prices}"
    )


def _simulate(options: argparse.Namespace) -> str:
    import numpy as np

    from crm_rl.case_studies.budgets import policies
    from crm_rl.case_studies.budgets.bound import price_budgets
    from crm_rl.evaluation.intervals import in_digits, over_seeds

    world, budget = _world_and_budget(options)
    bound, nothing = price_budgets(world, budget), policies.doing_nothing(world)
    chosen = {
        "price": lambda: policies.by_price(bound.plan),
        "each-week": lambda: policies.each_week(world),
        "gain-per-cost": lambda: policies.gain_per_cost(world),
        "first-come": lambda: policies.first_come(world),
    }[options.policy]()
    rngs = np.random.default_rng(options.seed).spawn(options.seasons)
    seasons = [policies.play(world, chosen, budget, bound.plan, rng) for rng in rngs]
    gain = bound.value - nothing - np.array([season.lost.sum() for season in seasons])
    most = max(int(season.spent.max()) for season in seasons)
    lines = [
        f"{options.policy}: gains ${in_digits(*over_seeds(gain, statistic='mean'), decimals=0)} over sending nothing",
        f"The bound: ${bound.value - nothing:,.0f}",
        f"Most spent in a week: ${most / 100:,.2f} of ${budget / 100:,.2f}",
    ]
    if bound.value > nothing:
        share = over_seeds(gain / (bound.value - nothing), statistic="mean")
        lines.insert(1, f"Share of the attainable gain: {in_digits(*share, decimals=3)}")
    return "\n".join(lines)
