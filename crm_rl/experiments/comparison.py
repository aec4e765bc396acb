"""The comparison (chapter 7): every learner in worlds drawn from a prior, judged exactly on all customers.

The unit is the world. A job lets one arm learn in some worlds and works out what its policies are worth.
"""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from crm_rl.agents.policies import Policy
from crm_rl.evaluation.gain import FOLD_SEED, FOLDS, base_rates, by_group, exact_values, of_fold, only, worlds_of
from crm_rl.experiments.arms import ARMS, KNOWN, SHARED
from crm_rl.experiments.comparison_record import GROUPS
from crm_rl.experiments.runner import RESULTS, data_name, provenance, write_record
from crm_rl.planning.feature_selection import selection_values
from crm_rl.worlds.attributes import RESOLUTIONS
from crm_rl.worlds.nature import BOOK_WORLD, FOCUS, SPREAD_OF_DRIVES, SPREAD_OF_HAZARDS
from crm_rl.worlds.responsive import BASELINE, SELECTION, Params
from crm_rl.worlds.responsive_world import SPLIT_SEED, ResponsiveWorld


class Job(NamedTuple):
    """One arm in some worlds.

    Attributes:
        data: a path.
        arm: a name in `arms.ARMS`, `KNOWN` or `SHARED`.
        steps: weeks of experience in each world; 0 for who does not learn.
        roughness: the dial, 0 to 1.
        worlds: numbers of worlds drawn from the prior.
        seed: of the learner, within each world.
        lift: L, of the params.
        expected: train on chance times value instead of what happens to happen.
        hidden: "pairs" or "countries": hide a fold of these in training and judge by its customers alone, the fold
            going by the world's number; "" hides none.
        selection: attributes must be bought.
        trial: the name of other settings than the chosen ones; "" for these.
        part: "all" to judge on all customers, "val" on validation customers.
        keep: leave the policies of the book's own world for its pages.
    """

    data: str
    arm: str
    steps: int
    roughness: float
    worlds: tuple[int, ...]
    seed: int = 0
    lift: float = BASELINE.lift
    expected: bool = False
    hidden: str = ""
    selection: bool = False
    trial: str = ""
    part: str = "all"
    keep: bool = False

    def params(self) -> Params:
        """The params of training; values are judged by the same, whatever reward is paid."""
        params = SELECTION if self.selection else BASELINE
        return params._replace(lift=self.lift, expected_reward=self.expected)

    def settings(self):
        """Of the arm; None for who does not learn."""
        arm = ARMS.get(self.arm)
        return arm and arm.trials[self.trial or arm.chosen]

    def identity(self) -> list:
        """All but the data: the job, its settings, and what the worlds depend on."""
        return [*self[1:], repr(self.settings()), constants(self.data, self.params())]

    def seconds(self) -> float:
        """Of one core, roughly."""
        millions = self.steps / 1e6
        learning = {"DQN": 75, "library's": 250, "fitted Q": 60, "one-step": 30, "contextual": 10, "sum": 8}
        each = next((cost for start, cost in learning.items() if self.arm.startswith(start)), 3)
        return (3 + each * millions + 60 * (self.arm in SHARED)) * len(self.worlds)

    def parts(self, number: int) -> tuple[ResponsiveWorld, ResponsiveWorld]:
        """Where the arm learns and where it is judged, in the world of this number."""
        parts = worlds_of(self.data, self.params(), number, self.roughness)
        train, judged = parts["train"], parts[self.part]
        if not self.hidden:
            return train, judged
        here = (self.data, self.hidden, number % FOLDS)
        return only(train, ~of_fold(train, *here)), only(judged, of_fold(judged, *here))

    def run(self, folder: Path) -> list[dict]:
        """Learn and be judged: a row a world, with the exact value in dollars a customer, by group of customers."""
        policies, rows = trained(self, folder), []
        for number, policy in zip(self.worlds, policies, strict=True):
            world = self.parts(number)[1]
            value = selection_values if self.selection else exact_values
            rows.append({"world": number, **by_group(value(policy, world), world)})
            if self.keep and number == BOOK_WORLD:
                path = folder.parent / "policies" / f"comparison_{data_name(self.data)}-{slug(self)}.npz"
                path.parent.mkdir(parents=True, exist_ok=True)
                policy.save(path)
        return rows


def slug(job: Job) -> str:
    """The job in the name of a file."""
    name = "".join(letter if letter.isalnum() else "_" for letter in job.arm)
    return f"{name}-{job.steps}-{job.roughness:g}" + "-selection" * job.selection + f"-{job.hidden}" * bool(job.hidden)


def trained(job: Job, folder: Path | None = None) -> list[Policy]:
    """A policy for each world of a job."""
    worlds = [job.parts(number)[0] for number in job.worlds]
    if job.arm not in ARMS:
        return [(KNOWN | SHARED)[job.arm](world) for world in worlds]
    seeds = [1 + number + 1000 * job.seed for number in job.worlds]  # the book's own is number -1
    return ARMS[job.arm].learn(worlds, job.steps, seeds, job.settings(), folder)


def constants(data: str, params: Params) -> dict:
    """All that a world depends on beside the customers and the code."""
    return {
        "rules": params._asdict(),
        "base_rates": base_rates(data).to_dict(),
        "prior": {"focus": FOCUS, "spread_of_drives": SPREAD_OF_DRIVES, "spread_of_hazards": SPREAD_OF_HAZARDS},
        "fixed_seeds": {"split": SPLIT_SEED, "folds": FOLD_SEED},
        "folds": FOLDS,
        "resolutions": RESOLUTIONS,
    }


def record(jobs: list[Job], results: list[list[dict]], out: Path = RESULTS, name: str = "comparison") -> list[Path]:
    """Write what came out of jobs on one export.

    Args:
        jobs: what was run.
        results: of these jobs, in their order.
        out: the folder.
        name: of the study.

    Returns:
        The files written: `comparison_DATA.csv`, a row a run, with its value in dollars a customer (a run that is in
        two jobs, once);
        `comparison_DATA_trials.csv`, the same for the logged trials; and `comparison_DATA.json`, where all that comes
        from.
    """
    rows = [{**job._asdict(), **row} for job, each in zip(jobs, results, strict=True) for row in each]
    table = pd.DataFrame(rows).drop(columns=["data", "worlds", "keep"])
    table = table.drop_duplicates([name for name in table.columns if name not in GROUPS])
    logged = table["part"] == "val"
    data = jobs[0].data
    arms = {
        name: {"chosen": arm.chosen, "trials": {k: repr(v) for k, v in arm.trials.items()}}
        for name, arm in ARMS.items()
    }
    source = {**provenance(data), **constants(data, BASELINE), "arms": arms}
    files = {"runs": table[~logged].drop(columns="part")} | ({"trials": table[logged]} if logged.any() else {})
    texts = {name: part.to_csv(index=False, float_format="%.6g") for name, part in files.items()}
    return write_record(out / f"{name}_{data_name(data)}", source, **texts)
