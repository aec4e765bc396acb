"""What the comparison runs (chapter 7): full depth where the verdict hangs, less elsewhere."""

from collections.abc import Callable
from pathlib import Path

from crm_rl.experiments.arms import ARMS, CHOSEN_TABLE, KNOWN, SHARED
from crm_rl.experiments.comparison import Job
from crm_rl.experiments.runner import data_name
from crm_rl.worlds.nature import BOOK_WORLD

#: Weeks of experience.
TEN_THOUSAND, HUNDRED_THOUSAND, MILLION = STEPS = (10_000, 100_000, 1_000_000)

#: The ends of the dial, and what lies between.
ENDS, BETWEEN = (0.0, 1.0), (0.25, 0.5, 0.75)

#: The world in which settings are tried; it is never judged.
TUNING_WORLD = 100

NETWORKS = ("DQN, embeddings", "DQN, numbers")
LIBRARY = ("library's DQN", "library's PPO")
TREES = ("contextual bandit", "one-step greedy", "fitted Q")
TABLES = tuple(arm for arm in ARMS if arm.startswith("table: "))
FINEST, NOBODY = TABLES[-1], TABLES[2]

#: How many worlds of the prior there are: for the verdict, for slow arms and for explanations, for the slowest.
TEN, FIVE, THREE = 10, 5, 3

#: So many networks learn side by side.
SIDE_BY_SIDE = 12


def plan(data: str | Path, seeds: int | None = None, budget: int | None = None) -> list[Job]:
    """The verdict on one data set: every arm at both ends of the dial, and on the twin what was tried.

    With `seeds` there are only so many worlds, with `budget` no more steps than that.
    """
    return _jobs([trials, verdict] if data_name(Path(data)) == "twin" else [verdict], data, seeds, budget)


def plan_why(data: str | Path, seeds: int | None = None, budget: int | None = None) -> list[Job]:
    """What explains the verdict: customers never met, attributes that are bought, the dial, lifts, expected rewards."""
    parts = [ends, unseen_customers, selection, same_settings, dial, expected, experience, lifts, spread, library]
    return _jobs(parts, data, seeds, budget)


def _jobs(parts: list[Callable], data: str | Path, seeds: int | None, budget: int | None) -> list[Job]:
    worlds = tuple(range(TEN if seeds is None else seeds))
    jobs = [side for part in parts for job in part(str(data), worlds) for side in side_by_side(job)]
    if budget is not None:
        jobs = [job._replace(steps=min(job.steps, budget)) for job in jobs]
    return list(dict.fromkeys(jobs))


def side_by_side(job: Job) -> list[Job]:
    """A job in many worlds as several."""
    starts = range(0, len(job.worlds), SIDE_BY_SIDE)
    return [job._replace(worlds=job.worlds[start : start + SIDE_BY_SIDE]) for start in starts]


def trials(data: str, worlds: tuple[int, ...]) -> list[Job]:
    """What was tried, on validation customers of a world that is never judged."""
    known = [Job(data, name, 0, end, (TUNING_WORLD,), part="val") for end in ENDS for name in ("waiting", "optimum")]
    return known + [
        Job(data, name, HUNDRED_THOUSAND, end, (TUNING_WORLD,), trial=trial, part="val")
        for name, arm in ARMS.items()
        for trial in arm.trials
        for end in ENDS
    ]


def verdict(data: str, worlds: tuple[int, ...]) -> list[Job]:
    """Every arm at both ends of the dial after a million weeks; first of all in the book's own world.

    The library's learners are too slow for that: see `library`. The twin, which the chapters show, gets ten worlds,
    any other export five.
    """
    worlds = (BOOK_WORLD, *worlds[: TEN if data_name(Path(data)) == "twin" else FIVE])
    jobs = [Job(data, arm, 0, end, worlds) for end in ENDS for arm in KNOWN]
    return jobs + [
        Job(data, arm, MILLION, end, some, keep=arm in NETWORKS)
        for arm in ARMS
        for end in ENDS
        for some in ((worlds[: 1 + THREE], worlds[1 + THREE :]) if arm in TREES else (worlds,))
        if arm not in LIBRARY and some
    ]


def library(data: str, worlds: tuple[int, ...]) -> list[Job]:
    """The library's learners, who take minutes for what ours do in seconds."""
    return [Job(data, arm, MILLION, end, (BOOK_WORLD, *worlds[:THREE])) for arm in LIBRARY for end in ENDS]


def experience(data: str, worlds: tuple[int, ...]) -> list[Job]:
    """The same after fewer weeks."""
    return [
        Job(data, arm, steps, end, (BOOK_WORLD, *worlds)[: 1 + (FIVE if arm in NETWORKS else THREE)])
        for steps in (HUNDRED_THOUSAND, TEN_THOUSAND)
        for arm in ARMS
        for end in ENDS
    ]


def ends(data: str, worlds: tuple[int, ...]) -> list[Job]:
    """What shares lie between, at both ends of the dial, and what takes minutes to plan."""
    known = [
        Job(data, arm, 0, end, some)
        for some in ((BOOK_WORLD, *worlds[:FIVE]), worlds[FIVE:])
        for end in ENDS
        for arm in ("waiting", "optimum")
        if some
    ]
    return known + [Job(data, arm, 0, end, (BOOK_WORLD,)) for end in ENDS for arm in SHARED]


def unseen_customers(data: str, worlds: tuple[int, ...]) -> list[Job]:
    """Pairs of country and bootcamp, or whole countries, that training never met; who sees nobody is the control."""
    arms = (*NETWORKS, "sum of tables", CHOSEN_TABLE, FINEST, NOBODY)
    return [
        Job(data, arm, steps, end, worlds[:FIVE], hidden=hidden)
        for hidden in ("pairs", "countries")
        for end in ENDS
        for arm, steps in [("waiting", 0), ("optimum", 0), *((arm, MILLION) for arm in arms)]
    ]


def selection(data: str, worlds: tuple[int, ...]) -> list[Job]:
    """Attributes must be bought."""
    arms = (NETWORKS[0], *TABLES)
    return [Job(data, arm, MILLION, 0.0, worlds[:THREE], selection=True) for arm in arms]


def same_settings(data: str, worlds: tuple[int, ...]) -> list[Job]:
    """Both networks with the settings that the other one plays with, for what is due to embedding alone.

    And the table that was chosen by hand with the settings that its trials favour.
    """
    other = {"DQN, embeddings": "4, relative 0.1, costs known", "DQN, numbers": "rate 0.003", CHOSEN_TABLE: "rate 0.1"}
    return [
        Job(data, arm, MILLION, end, some, trial=trial)
        for some in (worlds[:FIVE], worlds[FIVE:])
        for arm, trial in other.items()
        for end in ENDS
        if some
    ]


def dial(data: str, worlds: tuple[int, ...]) -> list[Job]:
    """From smooth to rough; the tables, which change little, in fewer worlds."""
    arms = [("waiting", 0), ("optimum", 0), *((arm, MILLION) for arm in (*NETWORKS, "sum of tables", CHOSEN_TABLE))]
    jobs = [
        Job(data, arm, steps, end, some)
        for some in (worlds[:THREE], worlds[THREE:])
        for end in BETWEEN
        for arm, steps in arms
        if some
    ]
    return jobs + [Job(data, arm, MILLION, end, worlds[:THREE]) for end in BETWEEN for arm in TABLES[-3:]]


def lifts(data: str, worlds: tuple[int, ...]) -> list[Job]:
    """From actions that do little to actions that do much."""
    arms = [
        *((arm, 0) for arm in KNOWN),
        *((arm, HUNDRED_THOUSAND) for arm in (*NETWORKS, "sum of tables", FINEST, *TREES)),
    ]
    return [
        Job(data, arm, steps, 0.0, worlds[:FIVE], lift=lift)
        for lift in (0.5, 1.0, 2.0, 4.0, 10.0)
        for arm, steps in arms
    ]


def expected(data: str, worlds: tuple[int, ...]) -> list[Job]:
    """Paid by chance times value, which nobody is: what learning would be without that noise."""
    arms = (NETWORKS[0], "sum of tables", *TABLES)
    return [Job(data, arm, MILLION, end, worlds[:THREE], expected=True) for end in ENDS for arm in arms]


def spread(data: str, worlds: tuple[int, ...]) -> list[Job]:
    """Five seeds in each of five worlds, to tell the spread of worlds from that of seeds."""
    arms = (NETWORKS[0], "sum of tables")
    return [
        Job(data, arm, HUNDRED_THOUSAND, end, worlds[:FIVE], seed=seed)
        for end in ENDS
        for arm in arms
        for seed in range(5)
    ]
