"""The comparison (chapter 10): tables, networks and their rivals in the responsive worlds, many seeds, judged exactly.

A job trains one learner with some seeds and works out the exact value of each policy. Whatever was tuned was tuned on
validation customers, with seeds of its own.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from crm_rl.agents import dqn_settings, planned
from crm_rl.agents.dqn import in_time, train_seeds
from crm_rl.agents.dqn_settings import DESCRIBED, PLAIN, RESPONSIVE
from crm_rl.agents.fitted_q import fitted_q_iteration, one_step_greedy
from crm_rl.agents.planned import PlannedPolicy
from crm_rl.agents.policies import Policy
from crm_rl.agents.q_learning import RESPONSIVE as TABLE
from crm_rl.agents.q_learning import Hyperparameters, train_q_learning
from crm_rl.evaluation.gain import FOLD_SEED, FOLDS, base_rates, exact_values, judges_of, without, worlds_of
from crm_rl.experiments.runner import RESULTS, data_name, provenance, write_record
from crm_rl.planning.exact import always
from crm_rl.planning.feature_selection import fixed_mask
from crm_rl.worlds.attributes import RESOLUTIONS
from crm_rl.worlds.base import Action
from crm_rl.worlds.responsive import BASELINE, SELECTION, Rules
from crm_rl.worlds.responsive_world import DEAL_SEED, FOCUS, HOME, KINDS, SPLIT_SEED, ResponsiveWorld

#: The networks: chapter 6's, without any improvement, tuned, and each of the last two with one part changed.
NETWORKS = {
    "chapter 6": DESCRIBED._replace(gamma=1.0, max_gradient=float("inf"), reward_scale=100.0),
    "plain": PLAIN,
    "tuned": RESPONSIVE,
    "tuned, Huber loss": RESPONSIVE._replace(huber=True),
    "tuned, not relative": RESPONSIVE._replace(relative=0.0),
    "tuned, not double": RESPONSIVE._replace(double=False),
    "tuned, dueling": RESPONSIVE._replace(dueling=True),
    "tuned, 3 steps": RESPONSIVE._replace(n_step=3),
    "plain, squared error": PLAIN._replace(huber=False),
    "plain, relative": PLAIN._replace(relative=RESPONSIVE.relative),
    "plain, double": PLAIN._replace(double=True),
    "plain, dueling": PLAIN._replace(dueling=True),
    "plain, 3 steps": PLAIN._replace(n_step=3),
}

#: What else was tried to find the tuned network, judged on validation customers of the smooth world.
TUNING = {
    **{f"tuned, rate {rate:g}": RESPONSIVE._replace(learning_rate=rate) for rate in (3e-4, 3e-3)},
    **{f"tuned, batch {size}": RESPONSIVE._replace(batch_size=size) for size in (64, 128)},
    "tuned, an update in 32 steps": RESPONSIVE._replace(train_every=32),
}

#: The tables, one for each resolution: where groups are few, step sizes fall more slowly.
TABLES = {
    f"table: {name}": TABLE._replace(alpha_decay=0.2 if name in ("episode only", "+ inbound") else 1.0)
    for name in RESOLUTIONS
}

#: What was tried to find out how each learns best.
TUNED_TABLES = {
    f"table, {tried}: {name}": hyper
    for tried, hyper in {
        "decay 1": TABLE._replace(alpha_decay=1.0),
        "decay 0.2": TABLE._replace(alpha_decay=0.2),
        "decay 1, half exploration": TABLE._replace(alpha_decay=1.0, exploration=0.5),
        "decay 0.2, half exploration": TABLE._replace(alpha_decay=0.2, exploration=0.5),
        "rate 0.1": TABLE._replace(alpha=0.1, alpha_decay=0.0),
    }.items()
    for name in RESOLUTIONS
}


def _always(action: Action, world: ResponsiveWorld) -> PlannedPolicy:
    return PlannedPolicy(lambda people: always(action))


#: What no learner has to find out.
KNOWN: dict[str, Callable[[ResponsiveWorld], PlannedPolicy]] = {
    "waiting": partial(_always, Action.WAIT),
    "optimum": planned.optimum,
    "optimum of one week": planned.optimum_of_one_week,
}

#: Rivals that know the world and learn nothing but which of a few to choose.
KNOWING: dict[str, Callable[[ResponsiveWorld], PlannedPolicy]] = {
    "always email": partial(_always, Action.EMAIL),
    "rule of thumb": planned.best_rule,
    "one plan for everybody": planned.one_plan_for_everybody,
}

#: No rivals: what the tables' states could hold if there were nothing to learn.
CEILINGS: dict[str, Callable[[ResponsiveWorld], PlannedPolicy]] = {
    f"plan for groups: {name}": partial(planned.plan_for_groups, resolution=resolution)
    for name, resolution in RESOLUTIONS.items()
}

#: Rivals that learn from so many weeks of random actions.
LOGGED = {"one-step greedy": one_step_greedy, "fitted Q iteration": fitted_q_iteration}

#: With selection these buy a fixed set of attributes first, and then follow the best plan found for who looks alike.
MASKS = [f"fixed mask {bought}" for bought in range(8)]

SEEDS = tuple(range(20))
TUNING_SEEDS = tuple(range(100, 105))


class Job(NamedTuple):
    """A learner trained with some seeds: where, for how many weeks of experience each.

    In the rough world each seed has a world of its own, so that no verdict hangs on one draw.

    Attributes:
        data: a path.
        world: "smooth" or "rough".
        learner: a name in one of the tables above.
        steps: weeks of experience; 0 for what does not learn from any.
        seeds: of the learner.
        lift, organic: L and rho of the rules.
        expected: train on chance times value instead of what happens to happen.
        strangers: hide a fold of pairs of country and bootcamp in training, and judge by its customers alone; which
            fold goes by the seed.
        selection: attributes must be bought.
    """

    data: str
    world: str
    learner: str
    steps: int
    seeds: tuple[int, ...]
    lift: float = BASELINE.lift
    organic: float = BASELINE.organic
    expected: bool = True
    strangers: bool = False
    selection: bool = False

    def rules(self) -> Rules:
        """The rules of training; values are judged by the same, whatever reward is paid."""
        rules = SELECTION if self.selection else BASELINE
        return rules._replace(lift=self.lift, organic=self.organic, expected_reward=self.expected)

    def world_seed(self, seed: int) -> int:
        """By which the rough world is drawn; of no consequence in the smooth one."""
        return seed if self.world == "rough" else DEAL_SEED

    def fold(self, seed: int) -> int | None:
        """The fold of pairs that is hidden from training, if any is."""
        return seed % FOLDS if self.strangers else None

    def hyper(self) -> dqn_settings.Hyperparameters | Hyperparameters | None:
        """The learner's settings, if it has any."""
        return (NETWORKS | TUNING | TABLES | TUNED_TABLES).get(self.learner)

    def identity(self) -> list:
        """All but the data: the job, the learner's settings, and what the world depends on."""
        hyper = self.hyper()
        return [*self[1:], list(hyper) if hyper else None, constants(self.data, self.rules())]

    def seconds(self) -> float:
        """Of one core, roughly."""
        if self.learner in NETWORKS | TUNING:
            hyper = in_time(self.hyper(), self.steps)
            each = self.steps / hyper.train_every * hyper.batch_size * 3e-6
        elif self.learner in TABLES | TUNED_TABLES:
            each = 0.3 + 1e-6 * self.steps
        else:
            each = 0.3 + 4 * (self.learner in CEILINGS) + 5e-5 * self.steps  # trees are slow
        return (each + 20 * self.selection) * len(self.seeds)

    def run(self, folder: Path) -> list[dict]:
        """Train and judge.

        Returns:
            A row a seed: what the job says; for `val` and `test` the share of the attainable gain (all, inbound,
            outbound) and the money a customer; and `values`, for each type of test customer the exact value of the
            policy, in dollars.
        """
        rows = []
        for seed, worth in zip(self.seeds, valued(self, folder), strict=True):
            row = self._asdict() | {"seed": seed}
            for part in ("val", "test"):
                judges = judges_of(self.data, self.world, part, told_all(self.rules()), self.world_seed(seed))
                values = worth(judges.world(self.rules()))
                row |= {f"{name}_{part}": score for name, score in judges.scores(values, self.fold(seed)).items()}
            rows.append(row | {"values": [float(f"{value:.6g}") for value in values]})
        return rows


def told_all(rules: Rules) -> Rules:
    """The same world with every attribute visible: what is to gain is measured there, whatever agents have to buy."""
    return rules._replace(
        selects_features=False, first_mask=BASELINE.first_mask, feature_price=0.0, expected_reward=False
    )


def train_world(job: Job, seed: int) -> ResponsiveWorld:
    """Where a seed of a job learns."""
    world = worlds_of(job.data, job.world, job.rules(), job.world_seed(seed))["train"]
    return without(world, job.data, job.fold(seed)) if job.strangers else world


def trained(job: Job, folder: Path | None = None) -> list[Policy]:
    """A policy for each seed."""
    worlds = [train_world(job, seed) for seed in job.seeds]
    if job.learner in NETWORKS | TUNING:
        return train_seeds(worlds, job.hyper(), job.steps, list(job.seeds), folder, checkpoint_every=100_000)
    if job.learner in TABLES | TUNED_TABLES:
        resolution = RESOLUTIONS[job.learner.split(": ")[1]]
        return [
            train_q_learning(world, job.hyper(), None, seed, steps=job.steps, resolution=resolution)
            for world, seed in zip(worlds, job.seeds, strict=True)
        ]
    if job.learner in LOGGED:
        learner = LOGGED[job.learner]
        return [learner(world, job.steps, seed) for world, seed in zip(worlds, job.seeds, strict=True)]
    return [(KNOWN | KNOWING | CEILINGS)[job.learner](world) for world in worlds]


def valued(job: Job, folder: Path | None = None) -> list[Callable[[ResponsiveWorld], np.ndarray]]:
    """For each seed a function from a world to what the policy is worth to each of its customers, in dollars."""
    if job.learner not in MASKS:
        return [partial(exact_values, policy) for policy in trained(job, folder)]
    bought, trainees = MASKS.index(job.learner), [train_world(job, seed).population for seed in job.seeds]
    return [partial(_mask_values, bought, people) for people in trainees]


def _mask_values(bought: int, train, world: ResponsiveWorld) -> np.ndarray:
    return fixed_mask(bought, train, world.population, world.rules)


def constants(data: str, rules: Rules) -> dict:
    """All that a world depends on beside the customers and the code."""
    return {
        "rules": rules._asdict(),
        "base_rates": base_rates(data).to_dict(),
        "home": HOME,
        "focus": FOCUS,
        "fixed_seeds": {"split": SPLIT_SEED, "deal": DEAL_SEED, "folds": FOLD_SEED},
        "folds": FOLDS,
        "resolutions": RESOLUTIONS,
    }


def record(jobs: list[Job], results: list[list[dict]], out: Path = RESULTS) -> list[Path]:
    """Write what came out of jobs on one export.

    Args:
        jobs: what was run.
        results: of these jobs, in their order.
        out: the folder.

    Returns:
        The files written: `comparison_NAME.csv` (a row a run), `comparison_NAME_values.csv` (for each run that did not
        serve to tune, the exact value for each type of test customer, in dollars), `comparison_NAME_kinds.csv` (how
        many customers are of each type) and `comparison_NAME.json` (where all that comes from).
    """
    data, rows = jobs[0].data, [row for each in results for row in each]
    judges = judges_of(data, KINDS[0], "test", BASELINE, DEAL_SEED)
    country = np.unique(judges.people.country, return_inverse=True)[1]
    kinds = {
        "customers": judges.counts,
        "inbound": judges.people.inbound,
        "fold": judges.folds,
        "pair": judges.pairs,
        "country": country,
    }
    values = [row["values"] for row in rows if row["seed"] not in TUNING_SEEDS]
    learners = (NETWORKS, TUNING, TABLES, TUNED_TABLES)
    source = {
        **provenance(data),
        **constants(data, BASELINE),
        "learners": {name: hyper._asdict() for each in learners for name, hyper in each.items()},
        "seeds_of_tuning": TUNING_SEEDS,
    }
    return write_record(
        out / f"comparison_{data_name(data)}",
        source,
        runs=pd.DataFrame(rows).drop(columns=["data", "values", "seeds"]).to_csv(index=False, float_format="%.6g"),
        values=pd.DataFrame(values).to_csv(index=False, header=False, float_format="%.4g"),
        kinds=pd.DataFrame(kinds).to_csv(index=False),
    )
