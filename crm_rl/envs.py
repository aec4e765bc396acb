"""Three faces of the replay world (chapter 3): for Gymnasium, for its vector API, and for stable-baselines3 (SB3).

`import crm_rl.envs` registers `crm_rl/Funnel-v0` and `crm_rl/FunnelSelection-v0` with `gymnasium.make` and `make_vec`.

The rules are those of `crm_rl.funnel`; the faces add only chance, and chance only draws customers. Each copy has a
generator of its own, of which a new episode takes one draw: copy i of a face seeded with s meets the same customers as
the single environment seeded with s + i. So given the same actions the three faces go the same ways.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numba import njit
from stable_baselines3.common.vec_env import VecEnv

from crm_rl.balancing import Pools, draw
from crm_rl.crm_data import EVENTS, clean, data_path, load
from crm_rl.features import PUBLISHED_FEATURES
from crm_rl.funnel import (
    N_FEATURES,
    Action,
    Outcome,
    Rules,
    State,
    n_actions,
    observation_size,
    observe,
    observe_all,
    start,
    start_all,
    step,
    step_all,
)
from crm_rl.worlds import World, replay_worlds

#: After how many steps an episode is cut off if its rules would let it go on for ever.
MAX_STEPS = 100
NOT_NORMALISED_AS_CODED = ("Country", "Stage", "Stages_Completed")
_DRAWN_AHEAD = 64


class FunnelEnv(gymnasium.Env):
    """One customer an episode, one action of the firm a step; the customer's record decides what happens.

    **Observation**: float32, shape (15,), or (30,) with feature selection.

    | index | meaning | unit | range |
    |---|---|---|---|
    | 0 | country: its place in the alphabet | code / 103 | 0 to 1; as coded, 0 to 103 |
    | 1 | stage: the sales team's note; actions lift it | code / 6 | 0 to 1; as coded, 0 to 6 |
    | 2 | status is active | yes or no | 0 or 1 |
    | 3 | since the first contact | days / 365 | 0 to 1 |
    | 4 | since the last contact | days / 30 | 0 to 1 |
    | 5 | from the first to the last contact | days / 365 | 0 to 1 |
    | 6 | 1 / (days from first to last contact + 1) | per day | 0 to 1 |
    | 7 to 11 | the record has a first call, demo, survey, signup, manager | yes or no | 0 or 1 |
    | 12, 13 | share of subscribers in the country, in the bootcamp | share | 0 to 1 |
    | 14 | how many of those five milestones | number / 5 | 0 to 1; as coded, 0 to 5 |
    | 15 to 29 | with feature selection only: feature 0 to 14 is visible | yes or no | 0 or 1 |

    **Actions**: 0 email, 1 call, 2 demo, 3 survey, 4 wait, 5 account manager. With feature selection 0 to 14 show a
    hidden feature or hide a visible one, and 15 to 20 are those six.

    **Reward**: as described, -1 an action, +15 / +10 / +5 the first time a call / demo / survey meets one on record,
    +100 for a subscription, and with feature selection -0.1 for each feature visible when the firm acts.
    `funnel.DESCRIBED`, `AS_CODED` and the two of the same name with `_SELECTION` have every constant.

    **Start**: a customer drawn from the part: in train 30% subscribers, 30% with a first call, 40% anybody; in val and
    test anybody. `reset(options={"customer": i})` starts with the one at place i and draws nobody.

    **Episode end**: terminated by a subscription and, with feature selection as described, by any action of the firm;
    truncated after 10 steps, or 20 with feature selection. As coded with feature selection only a toggle can be cut
    off, so that a firm may act for ever: there the face truncates after `MAX_STEPS`, without a penalty.

    **Info**: `customer` (the place), `subscribed` (in this step), `stage` (0 to 6), `mask` (visible features, as bits).

    Args:
        setting: "described" (what the study's text says) or "as_coded" (what its code does).
        part: "train", "val" or "test" of the published split.
        data: the export; by default `crm_data.data_path()`.
        selection: whether the agent selects features; the registered ids set it.
        world: a ready world instead of these four.
        max_steps: truncate after so many steps if the rules have not; None is `MAX_STEPS` where the rules need it.
        render_mode: None, or "ansi": `render` returns the customer's journey as text.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 1}

    def __init__(
        self,
        setting: str = "described",
        part: str = "train",
        data: str | Path | None = None,
        selection: bool = False,
        world: World | None = None,
        max_steps: int | None = None,
        render_mode: str | None = None,
    ):
        self.world = world or world_of(setting, part, data, selection)
        self.observation_space, self.action_space = spaces_of(self.world)
        self.max_steps = _limit(self.world.rules, max_steps)
        self.render_mode = render_mode
        self.state: State | None = None
        self._journey: list[str] = []

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        population, rules, pools = self.world
        customer = _chosen(options)
        customer = draw(pools, self.np_random) if customer is None else int(_checked(customer, 1, self.world)[0])
        self.state = start(customer, population, rules)
        self._journey = [_introduction(customer, self.world)]
        return self._observation(), self._info(False)

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        if self.state is None:
            raise gymnasium.error.ResetNeeded("No episode has begun. Remedy: call reset() before step().")
        if not 0 <= action < self.action_space.n:
            raise ValueError(f"there is no action {action}. Remedy: choose one from 0 to {self.action_space.n - 1}.")
        population, rules, _ = self.world
        outcome = step(self.state, int(action), population, rules)
        self.state = outcome.state
        truncated = outcome.truncated or (self.state.steps >= self.max_steps and not outcome.terminated)
        if self.render_mode == "ansi":
            ending = "; subscribed" * outcome.subscribed + "; the end" * (outcome.terminated or truncated)
            name = action_name(action, self.state, rules)
            self._journey.append(f"{self.state.steps:3d}. {name}: {outcome.reward:+.2f}{ending}")
        return self._observation(), outcome.reward, outcome.terminated, truncated, self._info(outcome.subscribed)

    def render(self) -> str | None:
        return "\n".join(self._journey) if self.render_mode == "ansi" else None

    def _observation(self) -> np.ndarray:
        seen = np.empty(self.observation_space.shape, dtype=np.float32)
        observe(self.state, self.world.population, self.world.rules, seen)
        return seen

    def _info(self, subscribed: bool) -> dict:
        state = self.state
        return {"customer": state.customer, "subscribed": subscribed, "stage": state.stage, "mask": state.mask}


class Episodes:
    """A batch of episodes side by side, what the two batched faces share.

    Attributes:
        states: the fields of `State`, int64 arrays of shape (n,).
        generators: one for each copy; they draw customers ahead, which changes neither who comes nor in which order.
    """

    def __init__(self, world: World, n: int, max_steps: int | None):
        self.world, self.n = world, n
        self.max_steps = _limit(world.rules, max_steps)
        self.actions = n_actions(world.rules)
        self.states = start_all(np.zeros(n, dtype=np.int64), world.population, world.rules)
        self.seed([None] * n)

    def seed(self, seeds: list[int | None]) -> None:
        """Give the copies new generators."""
        self.generators = [np.random.default_rng(seed) for seed in seeds]
        self.ahead = np.zeros((self.n, _DRAWN_AHEAD), dtype=np.int64)
        self.used = np.full(self.n, _DRAWN_AHEAD)

    def begin(self, copies: np.ndarray, customers: np.ndarray | None = None) -> None:
        """Begin episodes anew in these copies, with these customers or with drawn ones."""
        if customers is None:
            for copy in copies[self.used[copies] == _DRAWN_AHEAD]:
                _draw_ahead(self.world.pools, self.generators[copy], self.ahead[copy])
                self.used[copy] = 0
            customers = self.ahead[copies, self.used[copies]]
            self.used[copies] += 1
        begun = start_all(customers, self.world.population, self.world.rules)
        for field, new in zip(self.states, begun, strict=True):
            field[copies] = new

    def step(self, actions: np.ndarray) -> Outcome:
        """Take one action in each copy."""
        actions = np.asarray(actions)
        if actions.shape != (self.n,) or actions.min() < 0 or actions.max() >= self.actions:
            raise ValueError(f"{actions} are no actions. Remedy: {self.n} numbers from 0 to {self.actions - 1}.")
        outcome = step_all(self.states, actions, self.world.population, self.world.rules)
        self.states = outcome.state
        cut_off = (self.states.steps >= self.max_steps) & ~outcome.terminated
        return outcome._replace(truncated=outcome.truncated | cut_off)

    def observe(self) -> np.ndarray:
        """What the agent sees of each copy, shape (n, 15) or (n, 30)."""
        return observe_all(self.states, self.world.population, self.world.rules)


class FunnelVectorEnv(VectorEnv):
    """`num_envs` copies of `FunnelEnv` in one Gymnasium vector environment; what is said there holds for each copy.

    An ended episode begins anew in the next step (`AutoresetMode.NEXT_STEP`), which ignores the copy's action and pays
    nothing. `reset(seed=s)` seeds copy i with s + i; a list gives each its own. `reset(options={"customer": i})` takes
    one place for all copies or an array of places.

    Args:
        num_envs: how many copies.
        setting, part, data, selection, world, max_steps: as in `FunnelEnv`.
    """

    def __init__(
        self,
        num_envs: int = 1,
        setting: str = "described",
        part: str = "train",
        data: str | Path | None = None,
        selection: bool = False,
        world: World | None = None,
        max_steps: int | None = None,
        render_mode: None = None,
    ):
        self.num_envs, self.render_mode = num_envs, render_mode
        self.metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP, "render_modes": []}
        self.world = world or world_of(setting, part, data, selection)
        self.episodes = Episodes(self.world, num_envs, max_steps)
        self.single_observation_space, self.single_action_space = spaces_of(self.world)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._ended = np.zeros(num_envs, dtype=bool)

    def reset(self, *, seed: int | list[int | None] | None = None, options: dict | None = None):
        if seed is not None:
            self.episodes.seed(_seeds(seed, self.num_envs))
        customers = _chosen(options)
        if customers is not None:
            customers = _checked(customers, self.num_envs, self.world)
        self.episodes.states = State(*(field.copy() for field in self.episodes.states))
        self.episodes.begin(np.arange(self.num_envs), customers)
        self._ended = np.zeros(self.num_envs, dtype=bool)
        return self.episodes.observe(), self._info(self._ended)

    def step(self, actions: np.ndarray):
        rewards, subscribed, terminated, truncated = self.episodes.step(actions)[1:]
        if self._ended.any():
            self.episodes.begin(np.flatnonzero(self._ended))
            rewards[self._ended] = 0
            for flags in (subscribed, terminated, truncated):
                flags[self._ended] = False
        self._ended = terminated | truncated
        return self.episodes.observe(), rewards, terminated, truncated, self._info(subscribed)

    def _info(self, subscribed: np.ndarray) -> dict:
        states = self.episodes.states
        info = {"customer": states.customer, "subscribed": subscribed, "stage": states.stage, "mask": states.mask}
        return info | {f"_{name}": np.ones(self.num_envs, dtype=bool) for name in info}


class FunnelVecEnv(VecEnv):
    """`num_envs` copies of `FunnelEnv` in one `VecEnv` of stable-baselines3; what is said there holds for each copy.

    An ended episode begins anew in the same step. Its info then has `terminal_observation`, `TimeLimit.truncated`,
    `episode` (`r` its return, `l` its length), `customer`, `subscribed` and `is_success` (both: it subscribed);
    other infos are empty. `seed(s)` seeds copy i with s + i at the next reset; `set_options({"customer": i})` chooses.

    `get_state` and `set_state` save and restore everything that the next step depends on, for checkpoints.

    Args:
        num_envs: how many copies.
        setting, part, data, selection, world, max_steps: as in `FunnelEnv`.
    """

    render_mode = None

    def __init__(
        self,
        num_envs: int = 1,
        setting: str = "described",
        part: str = "train",
        data: str | Path | None = None,
        selection: bool = False,
        world: World | None = None,
        max_steps: int | None = None,
    ):
        self.world = world or world_of(setting, part, data, selection)
        self.episodes = Episodes(self.world, num_envs, max_steps)
        self.returns = np.zeros(num_envs)
        super().__init__(num_envs, *spaces_of(self.world))

    def reset(self) -> np.ndarray:
        if any(seed is not None for seed in self._seeds):
            self.episodes.seed(self._seeds)
        customers = [_chosen(options) for options in self._options]
        for copy, customer in enumerate(customers):
            chosen = None if customer is None else _checked(customer, 1, self.world)
            self.episodes.begin(np.array([copy]), chosen)
        self.returns = np.zeros(self.num_envs)
        self._reset_seeds()
        self._reset_options()
        return self.episodes.observe()

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict]]:
        outcome = self.episodes.step(self._actions)
        self.returns += outcome.reward
        done = outcome.terminated | outcome.truncated
        seen = self.episodes.observe()
        infos: list[dict] = [{} for _ in range(self.num_envs)]
        ended = np.flatnonzero(done)
        if len(ended):
            for i in ended:
                infos[i] = {
                    "terminal_observation": seen[i].copy(),
                    "TimeLimit.truncated": bool(outcome.truncated[i]),
                    "episode": {"r": float(self.returns[i]), "l": int(outcome.state.steps[i])},
                    "customer": int(outcome.state.customer[i]),
                    "subscribed": bool(outcome.subscribed[i]),
                    "is_success": bool(outcome.subscribed[i]),
                }
            self.returns[ended] = 0
            self.episodes.begin(ended)
            seen = self.episodes.observe()
        return seen, outcome.reward.astype(np.float32), done, infos

    def observe(self) -> np.ndarray:
        """What the agent sees now, shape (num_envs, 15) or (num_envs, 30): what the last reset or step returned."""
        return self.episodes.observe()

    def get_state(self) -> dict[str, Any]:
        """Where every episode stands and what comes next: arrays, and `generators`, which JSON can hold."""
        episodes = self.episodes
        return {
            **{name: field.copy() for name, field in episodes.states._asdict().items()},
            "returns": self.returns.copy(),
            "ahead": episodes.ahead.copy(),
            "used": episodes.used.copy(),
            "generators": [generator.bit_generator.state for generator in episodes.generators],
        }

    def set_state(self, saved: dict[str, Any]) -> None:
        """Go on from what `get_state` returned, in a `FunnelVecEnv` of as many copies on the same world."""
        episodes = self.episodes
        if len(saved["generators"]) != self.num_envs:
            raise ValueError(
                f"the state is of {len(saved['generators'])} copies. Remedy: make so many, not {self.num_envs}."
            )
        _checked(saved["customer"], self.num_envs, self.world)
        episodes.states = State(*(np.array(saved[name], dtype=np.int64) for name in State._fields))
        self.returns = np.array(saved["returns"], dtype=np.float64)
        episodes.ahead, episodes.used = (np.array(saved[name], dtype=np.int64) for name in ("ahead", "used"))
        for generator, state in zip(episodes.generators, saved["generators"], strict=True):
            generator.bit_generator.state = state

    def close(self) -> None:
        pass

    def get_attr(self, attr_name: str, indices=None) -> list:
        return [getattr(self, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices=None) -> None:
        setattr(self, attr_name, value)

    def env_method(self, method_name: str, *method_args, indices=None, **method_kwargs) -> list:
        raise NotImplementedError("The copies are rows of arrays, not objects. Remedy: read `episodes.states`.")

    def env_is_wrapped(self, wrapper_class: type, indices=None) -> list[bool]:
        return [False for _ in self._get_indices(indices)]


def world_of(setting: str, part: str, data: str | Path | None = None, selection: bool = False) -> World:
    """One part of an export as a replay world; the last few exports are kept in memory."""
    path = Path(data or data_path()).resolve()
    worlds = _worlds(path, path.stat().st_mtime_ns if path.exists() else 0, setting, selection)
    if part not in worlds:
        raise ValueError(f"{part!r} is no part. Remedy: choose one of {', '.join(worlds)}.")
    return worlds[part]


@lru_cache(maxsize=8)
def _worlds(path: Path, modified: int, setting: str, selection: bool) -> dict[str, World]:
    return replay_worlds(clean(load(path))[0], setting, selection)


def spaces_of(world: World) -> tuple[spaces.Box, spaces.Discrete]:
    """The observation and the action space of a world."""
    as_coded = world.population.stage_unit == 1
    names = NOT_NORMALISED_AS_CODED if as_coded else ()
    high = np.ones(observation_size(world.rules), dtype=np.float32)
    high[:N_FEATURES] = [feature.scale if feature.name in names else 1 for feature in PUBLISHED_FEATURES]
    return spaces.Box(np.zeros_like(high), high), spaces.Discrete(n_actions(world.rules))


def action_name(action: int, after: State, rules: Rules) -> str:
    """An action in words, given the state after it."""
    if not rules.selects_features:
        return Action(action).name.lower()
    if action >= N_FEATURES:
        return Action(action - N_FEATURES).name.lower()
    return ("show " if after.mask >> action & 1 else "hide ") + PUBLISHED_FEATURES[action].name


def _introduction(customer: int, world: World) -> str:
    five = [event for event in EVENTS if event != "subscribed"]
    events = [event for event, reached in zip(five, world.population.reached[customer], strict=True) if reached]
    events += ["subscribed"] if world.population.subscribed[customer] else []
    return f"customer {customer}, stage {world.population.stage[customer]}, record: {', '.join(events) or 'nothing'}"


def _limit(rules: Rules, max_steps: int | None) -> int:
    if max_steps is not None and max_steps < 1:
        raise ValueError(f"an episode cannot have {max_steps} steps. Remedy: max_steps of 1 or more.")
    return max_steps or (MAX_STEPS if rules.toggles_time_out else rules.horizon)


def _chosen(options: dict | None) -> Any:
    unknown = set(options or ()) - {"customer"}
    if unknown:
        raise ValueError(f"unknown options {sorted(unknown)}. Remedy: the only one is 'customer'.")
    return (options or {}).get("customer")


def _checked(customers: Any, n: int, world: World) -> np.ndarray:
    people = len(world.population.stage)
    customers = np.array(np.broadcast_to(np.asarray(customers, dtype=np.int64), n))
    if (customers < 0).any() or (customers >= people).any():
        raise ValueError(f"there is no such customer: {customers}. Remedy: choose places from 0 to {people - 1}.")
    return customers


def _seeds(seed: int | list[int | None], n: int) -> list[int | None]:
    seeds = [seed + i for i in range(n)] if isinstance(seed, (int, np.integer)) else list(seed)
    if len(seeds) != n:
        raise ValueError(f"{len(seeds)} seeds for {n} copies. Remedy: one number, or one for each copy.")
    return seeds


@njit(cache=True)
def _draw_ahead(pools: Pools, rng: np.random.Generator, out: np.ndarray) -> None:
    for i in range(len(out)):
        out[i] = draw(pools, rng)


for _id, _selection in (("crm_rl/Funnel-v0", False), ("crm_rl/FunnelSelection-v0", True)):
    if _id not in gymnasium.registry:
        gymnasium.register(
            _id,
            entry_point="crm_rl.envs:FunnelEnv",
            vector_entry_point="crm_rl.envs:FunnelVectorEnv",
            kwargs={"selection": _selection},
        )
