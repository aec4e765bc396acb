"""What the comparison runs (chapter 10): full depth where the verdict hangs, less elsewhere."""

from pathlib import Path

from crm_rl.experiments.comparison import (
    CEILINGS,
    KNOWING,
    KNOWN,
    LOGGED,
    MASKS,
    NETWORKS,
    SEEDS,
    TABLES,
    TUNED_TABLES,
    TUNING,
    TUNING_SEEDS,
    Job,
)
from crm_rl.experiments.runner import data_name
from crm_rl.worlds.responsive_world import KINDS

#: Weeks of experience.
STEPS = (10_000, 100_000, 1_000_000)

TEN, FIVE = SEEDS[:10], SEEDS[:5]

#: Networks of so many seeds learn side by side.
SIDE_BY_SIDE = 5


def plan(data: str | Path, seeds: int | None = None, budget: int | None = None) -> list[Job]:
    """Every job on one data set, those on which the verdict hangs first and with the most seeds.

    With `seeds` only seeds below that number are run, with `budget` no more steps than that. What only explains the
    verdict (each improvement alone, the constants of the world, what was tried in tuning) is run on the twin, which
    every reader has.
    """
    parts = [verdict, strangers, selection]
    if data_name(Path(data)) == "twin":
        parts += [lifts, sampled, ablation, tuning]
    jobs = [one for part in parts for job in part(str(data)) for one in side_by_side(job)]
    if seeds is not None:
        jobs = [job._replace(seeds=tuple(seed for seed in job.seeds if seed % 100 < seeds)) for job in jobs]
    if budget is not None:
        jobs = [job._replace(steps=min(job.steps, budget)) for job in jobs]
    return [job for job in dict.fromkeys(jobs) if job.seeds]


def side_by_side(job: Job) -> list[Job]:
    """A job of networks as several, of as many seeds as learn side by side."""
    if job.learner not in NETWORKS | TUNING:
        return [job]
    starts = range(0, len(job.seeds), SIDE_BY_SIDE)
    return [job._replace(seeds=job.seeds[start : start + SIDE_BY_SIDE]) for start in starts]


def verdict(data: str) -> list[Job]:
    """Tables, networks and rivals in both worlds, over experience."""
    draws = {"smooth": SEEDS[:1], "rough": SEEDS}  # where nothing is learned, a seed is a draw of the rough world
    jobs = [Job(data, world, one, 0, draws[world]) for world in KINDS for one in (*KNOWN, *KNOWING, *CEILINGS)]
    racing = ("tuned", *TABLES)
    jobs += [Job(data, world, learner, steps, SEEDS) for world in KINDS for steps in STEPS[::-1] for learner in racing]
    learning = [(rival, steps) for rival in LOGGED for steps in STEPS]
    return jobs + [Job(data, world, *rival, (seed,)) for world in KINDS for rival in learning for seed in TEN]


def strangers(data: str) -> list[Job]:
    """Customers from pairs of country and bootcamp that training never met."""
    learners = [("tuned", 100_000), ("fitted Q iteration", 100_000), *((table, 100_000) for table in TABLES)]
    learners += [(rival, 0) for rival in KNOWING]
    return [Job(data, world, *learner, TEN, strangers=True) for world in KINDS for learner in learners]


def selection(data: str) -> list[Job]:
    """Attributes must be bought."""
    jobs = [Job(data, "smooth", learner, 0, SEEDS[:1], selection=True) for learner in MASKS]
    jobs += [Job(data, "smooth", "tuned", steps, FIVE, selection=True) for steps in STEPS]
    return jobs + [Job(data, "smooth", learner, 1_000_000, FIVE, selection=True) for learner in TABLES]


def lifts(data: str) -> list[Job]:
    """The lift and the organic share."""
    jobs = []
    for changed in ({"lift": 2.0}, {"lift": 5.0}, {"organic": 0.0}, {"organic": 0.7}):
        jobs += [Job(data, "smooth", learner, 0, SEEDS[:1], **changed) for learner in KNOWN]
        learning = ("tuned", "fitted Q iteration", *TABLES)
        jobs += [Job(data, "smooth", learner, 100_000, FIVE, **changed) for learner in learning]
    return jobs


def sampled(data: str) -> list[Job]:
    """Rewards that are paid when a customer subscribes, instead of expected ones."""
    racing = ("tuned", *LOGGED, *TABLES)
    return [Job(data, "smooth", one, steps, FIVE, expected=False) for one in racing for steps in STEPS[1:]]


def ablation(data: str) -> list[Job]:
    """Each improvement of the network taken away, or added to a plain one."""
    return [Job(data, "smooth", learner, 100_000, FIVE) for learner in NETWORKS]


def tuning(data: str) -> list[Job]:
    """What was tried on validation customers, with seeds of its own."""
    jobs = [Job(data, "smooth", learner, 100_000, TUNING_SEEDS) for learner in ("tuned", *TUNING)]
    return jobs + [Job(data, "smooth", learner, steps, TUNING_SEEDS) for learner in TUNED_TABLES for steps in STEPS[1:]]
