"""The arms of the comparison (chapter 7): how each learns, and which of the settings that were tried it has.

Every learner has the same number of logged trials: 100,000 weeks, on one world of the prior that is never judged, at
both ends of the dial; validation customers chose.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from crm_rl.agents import planned
from crm_rl.agents.dqn import train_seeds
from crm_rl.agents.dqn_settings import RESPONSIVE
from crm_rl.agents.fitted_q import TREES, contextual_bandit, fitted_q_iteration, one_step_greedy
from crm_rl.agents.library import library_dqn, library_ppo
from crm_rl.agents.planned import PlannedPolicy
from crm_rl.agents.policies import Policy
from crm_rl.agents.q_learning import RESPONSIVE as TABLE
from crm_rl.agents.q_learning import train_q_learning
from crm_rl.agents.tile_coding import train_sum_of_tables
from crm_rl.planning.exact import always
from crm_rl.worlds.attributes import RESOLUTIONS, Resolution
from crm_rl.worlds.base import Action
from crm_rl.worlds.responsive_world import ResponsiveWorld


class Arm(NamedTuple):
    """A learner in the comparison.

    Attributes:
        learn: (worlds, steps, seeds, settings, folder for checkpoints) -> a policy for each world.
        trials: the settings that were tried, by name.
        chosen: the name of those it plays with.
    """

    learn: Callable[..., list[Policy]]
    trials: dict[str, Any]
    chosen: str


def _one_by_one(train: Callable, worlds, steps, seeds, settings, folder) -> list[Policy]:
    return [train(world, steps, seed, settings) for world, seed in zip(worlds, seeds, strict=True)]


def _networks(worlds, steps, seeds, settings, folder) -> list[Policy]:
    return train_seeds(worlds, settings, steps, seeds, folder, checkpoint_every=250_000)


def _table(resolution, worlds, steps, seeds, settings, folder) -> list[Policy]:
    return [
        train_q_learning(world, settings, None, seed, steps=steps, resolution=resolution)
        for world, seed in zip(worlds, seeds, strict=True)
    ]


def _sum(world, steps, seed, settings) -> Policy:
    return train_sum_of_tables(world, steps, seed, settings, RESOLUTIONS.values())


#: What chapter 5 finds by hand: the week, inbound, and the half that a country and a bootcamp are in. It plays with the
#: settings of the table that it adds to, with which it does better than with those that its own trials favour.
CHOSEN_TABLE, CHOSEN = "table, chosen by hand", Resolution(0, 0, 0, episode=1)

_TABLES = {
    "decay 1": TABLE,
    "decay 0.2, half exploration": TABLE._replace(alpha_decay=0.2, exploration=0.5),
    "rate 0.1": TABLE._replace(alpha=0.1, alpha_decay=0.0),
}
_BEST_TABLE = dict.fromkeys(RESOLUTIONS, "decay 0.2, half exploration")
_BEST_TABLE |= dict.fromkeys(["+ fatigue, channel, interest", "+ standings to halves"], "rate 0.1")
_TREES = {
    "16 leaves": TREES,
    "31 leaves": TREES | {"max_leaf_nodes": 31},
    "8 leaves of 200, 200 trees": TREES | {"max_leaf_nodes": 8, "min_samples_leaf": 200, "max_iter": 200},
}
_NETWORKS = {
    "rate 0.003": RESPONSIVE,
    "rate 0.001": RESPONSIVE._replace(learning_rate=1e-3),
    "relative 0.1, costs known": RESPONSIVE._replace(relative=0.1, known_costs=True),
}
_EMBEDDED = {
    "4 numbers a name": RESPONSIVE._replace(embedding=4),
    "8 numbers a name": RESPONSIVE._replace(embedding=8),
    "4, relative 0.1, costs known": RESPONSIVE._replace(embedding=4, relative=0.1, known_costs=True),
}
_AS_OURS = {"train_freq": 1, "batch_size": 128, "buffer_size": 200_000, "target_update_interval": 1_000}
_AS_OURS |= {"learning_rate": 1e-3, "exploration_fraction": 0.5, "learning_starts": 2_000}
_LIBRARY_DQN = {
    "the library's own": {},
    "as ours": _AS_OURS,
    "as ours, rate 0.003": _AS_OURS | {"learning_rate": 3e-3},
}
_LIBRARY_PPO = {
    "16 x 128": {"n_steps": 128, "batch_size": 256},
    "16 x 128, entropy": {"n_steps": 128, "batch_size": 256, "ent_coef": 0.01},
    "16 x 128, rate 0.001": {"n_steps": 128, "batch_size": 256, "learning_rate": 1e-3},
}

#: Everybody who learns, by name. Chosen is what did best in `data/results/comparison_twin_trials.csv`; the exception is
#: the table that was chosen by hand.
ARMS = {
    **{f"table: {name}": Arm(partial(_table, one), _TABLES, _BEST_TABLE[name]) for name, one in RESOLUTIONS.items()},
    CHOSEN_TABLE: Arm(partial(_table, CHOSEN), _TABLES, _BEST_TABLE["+ week"]),
    "sum of tables": Arm(partial(_one_by_one, _sum), _TABLES, "decay 0.2, half exploration"),
    "DQN, numbers": Arm(_networks, _NETWORKS, "relative 0.1, costs known"),
    "DQN, embeddings": Arm(_networks, _EMBEDDED, "4 numbers a name"),
    "contextual bandit": Arm(partial(_one_by_one, contextual_bandit), _TREES, "16 leaves"),
    "one-step greedy": Arm(partial(_one_by_one, one_step_greedy), _TREES, "31 leaves"),
    "fitted Q": Arm(partial(_one_by_one, fitted_q_iteration), _TREES, "8 leaves of 200, 200 trees"),
    "library's DQN": Arm(partial(_one_by_one, library_dqn), _LIBRARY_DQN, "as ours"),
    "library's PPO": Arm(partial(_one_by_one, library_ppo), _LIBRARY_PPO, "16 x 128, rate 0.001"),
}


def _always(action: Action, world: ResponsiveWorld) -> PlannedPolicy:
    return PlannedPolicy(lambda people: always(action))


#: Who learns nothing, but knows the world, or needs to know nothing.
KNOWN: dict[str, Callable[[ResponsiveWorld], PlannedPolicy]] = {
    "waiting": partial(_always, Action.WAIT),
    "optimum": planned.optimum,
    "best single action": planned.best_single_action,
    "best action of each week": planned.optimum_of_one_week,
    "always email": partial(_always, Action.EMAIL),
    "hand-written rule": planned.best_rule,
}

#: The same, where many customers make it slow.
SHARED = {"one plan for everybody": planned.one_plan_for_everybody}
