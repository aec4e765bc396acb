"""Two interfaces of a world (chapters 3 and 8): Gymnasium's, and the one of many at once of stable-baselines3 (SB3).

`import crm_rl.worlds.gym_envs` registers `crm_rl/Funnel-v0` and `crm_rl/FunnelSelection-v0` with `gymnasium.make` and
`make_vec`. A new process, as `SubprocVecEnv` and `AsyncVectorEnv` start them, has not imported it, so there the id goes
with the module that registers it: `crm_rl.worlds.gym_envs:crm_rl/Funnel-v0`. That form works everywhere.

The dynamics are the world's own (`worlds.replay`, `worlds.responsive`); the interfaces add only chance: who comes and,
in a responsive world, what happens. Each environment has a generator of its own: number i of an interface seeded with s
draws what the single environment seeded with s + i draws. So given the same actions the two go the same ways.
"""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from crm_rl.worlds.base import N_FEATURES, Action, Outcome, World
from crm_rl.worlds.episodes import EpisodeBatch, check_render_mode, chosen, seed_of, spaces_of, world_for
from crm_rl.worlds.vec_env import RowsVecEnv


class FunnelEnv(gymnasium.Env):
    """One customer an episode, one action of the firm a step.

    In the settings "described" and "as_coded" the customer's record decides what happens (chapter 8), and what follows
    here speaks of these. In "smooth" and "rough" the actions cause what happens (chapter 3): there
    `responsive_world.RESPONSIVE_FEATURES` says what is seen, `responsive.step` what an action does, `responsive.Params`
    what is paid, and `info` has `milestones`, `fatigue`, `channel` and `interest` instead of `stage`, numbered as in
    `responsive.State`.

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
    off, so that a firm may act for ever: there the interface truncates after `MAX_STEPS`, without a penalty.
    After the end `step` raises `gymnasium.error.ResetNeeded`, as before the first `reset`.

    **Info**: `customer` (the place), `subscribed` (in this step), `stage` (0 to 6), `mask` (visible features, as bits).

    Args:
        setting: "described" (what the study's text says), "as_coded" (what its code does), "smooth" or "rough".
        part: "train", "val" or "test": of the published split, or of a random one in "smooth" and "rough", where "all"
            is everybody.
        data: the export; by default `data.data_path()`.
        selection: whether the agent selects features; the registered ids set it.
        world: a ready world instead of these four.
        max_episode_steps: truncate after so many steps if the rules have not; None leaves it to them (see above).
        render_mode: None, or "ansi": `render` returns the customer's journey as text.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 1}

    def __init__(
        self,
        setting: str = "described",
        part: str = "train",
        data: str | Path | None = None,
        selection: bool | None = None,
        world: World | None = None,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
    ):
        self.world = world_for(setting, part, data, selection, world)
        self.observation_space, self.action_space = spaces_of(self.world)
        self.episodes = EpisodeBatch(self.world, 1, max_episode_steps)
        self.render_mode = check_render_mode(render_mode, self.metadata["render_modes"])
        self._journey: list[str] = []

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        customer = chosen(options, self.world)
        super().reset(seed=seed_of(seed))
        if self.np_random is not self.episodes.generators[0]:  # a new seed, or a generator was assigned
            self.episodes.follow([self.np_random])
        self.episodes.begin(np.array([0]), customer)
        info = self._info(False)
        self._journey = [self.world.introduce(info["customer"])]
        return self.episodes.observe()[0], info

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        if isinstance(action, bool) or not self.action_space.contains(action):
            raise ValueError(f"there is no action {action!r}. Remedy: choose one from 0 to {self.action_space.n - 1}.")
        outcome = self.episodes.step(np.array([action]))
        reward, subscribed, terminated, truncated = (field[0].item() for field in outcome[1:])
        if self.render_mode == "ansi":
            ending = "; subscribed" * subscribed + "; the end" * (terminated or truncated)
            mask, steps = outcome.state.mask[0], len(self._journey)
            self._journey.append(f"{steps:3d}. {action_name(action, mask, self.world)}: {reward:+.2f}{ending}")
        return self.episodes.observe()[0], reward, terminated, truncated, self._info(subscribed)

    def render(self) -> str | None:
        return "\n".join(self._journey) if self.render_mode == "ansi" else None

    def _info(self, subscribed: bool) -> dict:
        told = self.world.info(self.episodes.states)
        return {name: values[0].item() for name, values in told.items()} | {"subscribed": subscribed}


class FunnelVecEnv(RowsVecEnv):
    """`num_envs` times `FunnelEnv` in one `VecEnv` of stable-baselines3; what is said there holds for each.

    An ended episode begins anew in the same step. Its info then has `terminal_observation`, `TimeLimit.truncated`,
    `episode` (`r` its return, `l` its length), `customer`, `subscribed` and `is_success` (both: it subscribed);
    other infos are empty. `seed(s)` seeds number i with s + i at the next reset;
    `set_options({"customer": i})` chooses.

    Args:
        num_envs: how many environments.
        setting, part, and data, selection, world, max_episode_steps by name: as in `FunnelEnv`.
        render_mode: None; there is nothing to see.
    """

    def __init__(
        self,
        num_envs: int = 1,
        setting: str = "described",
        part: str = "train",
        *,
        max_episode_steps: int | None = None,
        render_mode: None = None,
        **which: Any,
    ):
        self.render_mode = check_render_mode(render_mode, [])
        self.world = world_for(setting, part, **which)
        self.episodes = EpisodeBatch(self.world, num_envs, max_episode_steps)
        self.returns = np.zeros(num_envs)
        super().__init__(num_envs, *spaces_of(self.world))

    def reset(self) -> np.ndarray:
        customers = [chosen(options, self.world) for options in self._options]
        self.episodes.seed(self._seeds)
        for i, customer in enumerate(customers):
            self.episodes.begin(np.array([i]), customer)
        self.returns = np.zeros(self.num_envs)
        self._reset_seeds()
        self._reset_options()
        return self.episodes.observe()

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict]]:
        outcome = self.episodes.step(self._actions)
        self.returns += outcome.reward
        done = outcome.terminated | outcome.truncated
        seen = self.episodes.observe()
        infos: list[dict] = [{} for _ in range(self.num_envs)]
        ended = np.flatnonzero(done)
        if len(ended):
            self._report(infos, ended, outcome, seen[ended])
            self.returns[ended] = 0
            self.episodes.begin(ended)
            seen = self.episodes.observe()
        return seen, outcome.reward.astype(np.float32), done, infos

    def _report(self, infos: list[dict], ended: np.ndarray, outcome: Outcome, last_seen: np.ndarray) -> None:
        columns = (outcome.truncated, self.returns, self.episodes.taken, outcome.state.customer, outcome.subscribed)
        rows = zip(*(column[ended].tolist() for column in columns), strict=True)
        for i, observation, row in zip(ended.tolist(), last_seen, rows, strict=True):
            truncated, total, length, customer, subscribed = row
            infos[i] = {
                "terminal_observation": observation,
                "TimeLimit.truncated": truncated,
                "episode": {"r": total, "l": length},
                "customer": customer,
                "subscribed": subscribed,
                "is_success": subscribed,
            }


def action_name(action: int, mask: int, world: World) -> str:
    """An action in words, given the mask after it."""
    if not world.params.selects_features:
        return Action(action).name.lower()
    if action >= N_FEATURES:
        return Action(action - N_FEATURES).name.lower()
    return ("show " if mask >> action & 1 else "hide ") + world.features[action].name


for _id, _selection in (("crm_rl/Funnel-v0", False), ("crm_rl/FunnelSelection-v0", True)):
    if _id not in gymnasium.registry:
        gymnasium.register(
            _id,
            entry_point="crm_rl.worlds.gym_envs:FunnelEnv",
            kwargs={"selection": _selection},
        )
