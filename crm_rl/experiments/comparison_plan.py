"""What the comparison runs (chapter 7): full depth where the verdict hangs, less elsewhere."""

from pathlib import Path

from crm_rl.experiments.arms import ARMS, KNOWN, SHARED
from crm_rl.experiments.comparison import Job
from crm_rl.experiments.runner import data_name

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

#: How many worlds there are for each kind of arm, by data set; on other exports as on the twin.
MANY = {"twin": 20, "original": 10}


def plan(data: str | Path, seeds: int | None = None, budget: int | None = None) -> list[Job]:
    """Every job on one data set, those on which the verdict hangs first.

    With `seeds` there are only so many worlds, with `budget` no more steps than that. What only explains the verdict
    (the dial, lifts, expected rewards, seeds, what was tried) is run on the twin, which every reader has.
    """
    name = data_name(Path(data))
    worlds = range(min(MANY.get(name, 20), seeds or 20))
    parts = [verdict, strangers, selection] if name == "original" else [trials, verdict, strangers, selection, dial, lifts, expected, spread]
    jobs = [job for part in parts for job in part(str(data), tuple(worlds))]
    if budget is not None:
        jobs = [job._replace(steps=min(job.steps, budget)) for job in jobs]
    return list(dict.fromkeys(jobs))


def by_fives(job: Job) -> list[Job]:
    """A job as several, of five worlds each: as many networks learn side by side."""
    return [job._replace(worlds=job.worlds[start : start + 5]) for start in range(0, len(job.worlds), 5)]


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
    """Every arm at both ends of the dial, over experience."""
    jobs = [Job(data, arm, 0, end, worlds) for end in ENDS for arm in KNOWN]
    jobs += [Job(data, arm, 0, end, worlds[:3]) for end in ENDS for arm in SHARED]
    for steps in STEPS[::-1]:
        for arm in ARMS:
            few = worlds if steps == MILLION and arm not in LIBRARY + TREES else worlds[:10] if arm not in LIBRARY else worlds[:5]
            jobs += [Job(data, arm, steps, end, few, keep=keeps(arm, steps)) for end in ENDS]
    return [one for job in jobs for one in by_fives(job)]


def keeps(arm: str, steps: int) -> bool:
    """Whether chapters show the policies."""
    return False


def strangers(data: str, worlds: tuple[int, ...]) -> list[Job]:
    """Pairs of country and bootcamp, or whole countries, that training never met; who sees nobody is the control."""
    arms = (*NETWORKS, "sum of tables", FINEST, NOBODY)
    return [
        Job(data, arm, steps, end, worlds[:5], hidden=hidden)
        for hidden in ("pairs", "countries")
        for end in ENDS
        for arm, steps in [("waiting", 0), ("optimum", 0), *((arm, MILLION) for arm in arms)]
    ]


def selection(data: str, worlds: tuple[int, ...]) -> list[Job]:
    """Attributes must be bought."""
    arms = (NETWORKS[0], *TABLES)
    return [Job(data, arm, MILLION, 0.0, worlds[:5], selection=True) for arm in arms]


def dial(data: str, worlds: tuple[int, ...]) -> list[Job]:
    """From smooth to rough."""
    arms = [("waiting", 0), ("optimum", 0), *((arm, MILLION) for arm in (*NETWORKS, "sum of tables", *TABLES[-3:]))]
    return [Job(data, arm, steps, end, worlds[:5]) for end in BETWEEN for arm, steps in arms]


def lifts(data: str, worlds: tuple[int, ...]) -> list[Job]:
    """From actions that do little to actions that do much."""
    arms = [*((arm, 0) for arm in KNOWN), *((arm, HUNDRED_THOUSAND) for arm in (*NETWORKS, "sum of tables", FINEST, *TREES))]
    return [
        Job(data, arm, steps, 0.0, worlds[:5], lift=lift) for lift in (0.5, 1.0, 2.0, 4.0, 10.0) for arm, steps in arms
    ]


def expected(data: str, worlds: tuple[int, ...]) -> list[Job]:
    """Paid by chance times value, which nobody is: what learning would be without that noise."""
    arms = (*NETWORKS, "sum of tables", *TABLES, *TREES)
    return [Job(data, arm, HUNDRED_THOUSAND, end, worlds[:5], expected=True) for end in ENDS for arm in arms]


def spread(data: str, worlds: tuple[int, ...]) -> list[Job]:
    """Five seeds in each of five worlds, to tell the spread of worlds from that of seeds."""
    arms = (NETWORKS[0], "sum of tables")
    return [
        Job(data, arm, HUNDRED_THOUSAND, end, worlds[:5], seed=seed) for end in ENDS for arm in arms for seed in range(5)
    ]
