"""Deep Q-network (chapter 6; Mnih et al. 2015), on stable-baselines3 (SB3).

The library's DQN brings networks, optimiser and replay buffer. What the chapter explains stands here in full: how
actions are chosen, what the loss is, when the target network is renewed. Nothing depends on global random states: the
same seed gives the same bytes, in any process and in any order.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import stable_baselines3
import torch
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from torch.nn.functional import smooth_l1_loss
from tqdm import tqdm

from crm_rl.agents.checkpoints import checkpoints_in, fingerprint
from crm_rl.agents.dqn_checkpoints import restore_run, save_run
from crm_rl.agents.policies import NetworkPolicy
from crm_rl.worlds.gym_envs import FunnelVecEnv
from crm_rl.worlds.replay_world import World


class Hyperparameters(NamedTuple):
    """The study's settings of DQN. Where its description is silent, what its code has.

    Attributes:
        hidden: the hidden layers, each of so many rectified linear units.
        learning_rate: of Adam.
        gamma: the discount, in [0, 1].
        buffer_size: how many transitions are remembered.
        batch_size: how many of them an update learns from.
        learning_starts: how many steps are taken before the first update.
        train_every: one update for so many steps.
        target_every: the target network is renewed after so many steps.
        epsilon_start: how often the agent explores at first.
        epsilon_end: and at last.
        exploration: the share of training over which epsilon falls, on a straight line.
        max_gradient: longer gradients are shortened to this length.
        copies: how many episodes run side by side; updates then come in groups, as many for as many steps.
        replay: if not, only the newest `batch_size` transitions are remembered.
        target_network: if not, the network that is being trained sets its own targets.
    """

    hidden: tuple[int, ...] = (128, 128)
    learning_rate: float = 1e-4
    gamma: float = 0.95
    buffer_size: int = 100_000
    batch_size: int = 64
    learning_starts: int = 1_000
    train_every: int = 4
    target_every: int = 1_000
    epsilon_start: float = 1.0
    epsilon_end: float = 0.01
    exploration: float = 0.3
    max_gradient: float = 10.0
    copies: int = 16
    replay: bool = True
    target_network: bool = True


DESCRIBED = Hyperparameters()
AS_CODED = DESCRIBED._replace(hidden=(64, 64))

#: By setting and by whether the agent selects features.
STUDY = {
    ("described", False): DESCRIBED,
    ("described", True): DESCRIBED,
    ("as_coded", False): AS_CODED,
    ("as_coded", True): AS_CODED._replace(buffer_size=10_000, batch_size=32),
}

#: What is noted at each step of all copies: episodes ended, their rewards and subscriptions together, loss and so on.
LOG = ("ended", "reward", "subscribed", "loss", "epsilon", "max_q")


def train_dqn(
    world: World,
    hyper: Hyperparameters = DESCRIBED,
    steps: int = 100_000,
    seed: int = 0,
    folder: str | Path | None = None,
    checkpoint_every: int = 10_000,
    progress: bool = False,
) -> NetworkPolicy:
    """Train a network, or go on training it where a run in the same folder was stopped.

    Args:
        world: where to train.
        hyper: the settings.
        steps: how many to take in all copies together.
        seed: decides everything that is left to chance.
        folder: where to keep the last two checkpoints, `step_...`, and in the end `policy.npz`; None keeps nothing.
        checkpoint_every: in steps.
        progress: show a bar, in a terminal.

    Returns:
        The network, which acts and has `history`. A run that was killed and resumed ends with the same bytes.

    Raises:
        PolicyError: the folder holds a damaged checkpoint, or a run with other settings.
        ValueError: there is nothing to do.
    """
    if min(steps, checkpoint_every) < 1:
        raise ValueError(f"{steps} steps, a checkpoint every {checkpoint_every}. Remedy: 1 or more of each.")
    settings = {"hyper": hyper._asdict(), "seed": seed, "steps": steps, "world": fingerprint(world)}
    with one_thread():
        run = Run(world, hyper, steps, seed)
        found = checkpoints_in(Path(folder)) if folder is not None else []
        if found:
            restore_run(run, found[-1], settings)
        with tqdm(total=steps, initial=run.steps, unit=" steps", disable=None if progress else True) as bar:
            while run.steps < steps:
                run.advance()
                if folder is not None and (run.steps % checkpoint_every < hyper.copies or run.steps >= steps):
                    save_run(run, Path(folder) / f"step_{run.steps:09d}", settings)
                if run.steps % 1_000 < hyper.copies:
                    bar.update(run.steps - bar.n)
    weights = {name: value.numpy().copy() for name, value in run.agent.q_net.q_net.state_dict().items()}
    layers = [[array for name, array in weights.items() if name.endswith(kind)] for kind in ("weight", "bias")]
    policy = NetworkPolicy(*layers, world.rules, settings, history_of(run.log, hyper.copies))
    if folder is not None:
        policy.save(Path(folder) / "policy.npz")
    return policy


class Run:
    """One training run: an agent, its copies of the world, and how far they are."""

    def __init__(self, world: World, hyper: Hyperparameters, steps: int, seed: int):
        seeds = np.random.SeedSequence(seed).generate_state(4)
        self.hyper, self.total, self.steps = hyper, steps, 0
        self.env = FunnelVecEnv(hyper.copies, world=world)
        self.env.seed(int(seeds[0]))
        self.agent = Agent(self.env, hyper, int(seeds[1]))
        self.agent.replay_buffer.rng = np.random.default_rng(seeds[2])
        self.explorer = np.random.default_rng(seeds[3])
        self.log = np.zeros((-(-steps // hyper.copies), len(LOG)))
        self.observations = self.env.reset()

    def epsilon(self) -> float:
        """How often the agent explores at this point."""
        hyper, falling = self.hyper, max(1.0, self.total * self.hyper.exploration)
        return hyper.epsilon_start + min(1.0, self.steps / falling) * (hyper.epsilon_end - hyper.epsilon_start)

    def advance(self) -> None:
        """Take one step in each copy, remember what happened, and learn."""
        hyper, agent, copies = self.hyper, self.agent, self.hyper.copies
        epsilon = self.epsilon()
        explores = self.explorer.random(copies) < epsilon
        anything = self.explorer.integers(0, self.env.action_space.n, size=copies)
        actions = np.where(explores, anything, agent.best_actions(self.observations))

        seen, rewards, ended, infos = self.env.step(actions)
        after = seen.copy()  # where an episode has ended, `seen` is already the next customer
        for copy in np.flatnonzero(ended):
            after[copy] = infos[copy]["terminal_observation"]
        agent.replay_buffer.add(self.observations, after, actions, rewards, ended, infos)
        self.observations = seen
        before, self.steps = self.steps, self.steps + copies

        loss = max_q = np.nan
        if self.steps > hyper.learning_starts:
            updates = self.steps // hyper.train_every - before // hyper.train_every
            for group in [updates] if updates and hyper.target_network else [1] * updates:
                loss, max_q = agent.train(group, hyper.batch_size)
                if not hyper.target_network:
                    agent.renew_target()
        if self.steps // hyper.target_every > before // hyper.target_every:
            agent.renew_target()

        episodes = [infos[copy] for copy in np.flatnonzero(ended)]
        total, subscribed = sum(info["episode"]["r"] for info in episodes), sum(info["subscribed"] for info in episodes)
        self.log[before // copies] = len(episodes), total, subscribed, loss, epsilon, max_q


class Agent(stable_baselines3.DQN):
    """The library's DQN, with the update spelled out and chance in our hands."""

    def __init__(self, env: FunnelVecEnv, hyper: Hyperparameters, seed: int):
        self.hyper = hyper
        super().__init__(
            "MlpPolicy",
            env,
            learning_rate=hyper.learning_rate,
            gamma=hyper.gamma,
            buffer_size=hyper.buffer_size if hyper.replay else hyper.batch_size,
            max_grad_norm=hyper.max_gradient,
            replay_buffer_class=SeededReplay,
            policy_kwargs={"net_arch": list(hyper.hidden), "optimizer_kwargs": {"fused": True}},
            seed=seed,
            device="cpu",
        )

    def _setup_model(self) -> None:
        with torch.random.fork_rng(devices=[]):  # the first weights depend on the seed, and leave no trace
            torch.manual_seed(self.seed)
            super()._setup_model()

    def set_random_seed(self, seed: int | None = None) -> None:
        """The library would set three global random states and the environment's; we leave them alone."""

    def best_actions(self, observations: np.ndarray) -> np.ndarray:
        """The greedy action for each observation, shape (n,)."""
        with torch.no_grad():
            return self.q_net.q_net(torch.tensor(observations)).argmax(dim=1).numpy()

    def train(self, gradient_steps: int, batch_size: int = 64) -> tuple[float, float]:
        """Make some updates, the same as the library's.

        Returns:
            The mean loss, and the mean over transitions of the highest Q-value.
        """
        network, optimizer = self.q_net.q_net, self.policy.optimizer
        batches = self.replay_buffer.sample(gradient_steps * batch_size)
        with torch.no_grad():  # the target network stands still, so one pass serves all updates
            future = self.q_net_target.q_net(batches.next_observations).max(dim=1, keepdim=True).values
            targets = batches.rewards + (1 - batches.dones) * self.gamma * future
        parameters, losses, highest = list(network.parameters()), [], []
        parts = (part.split(batch_size) for part in (batches.observations, batches.actions, targets))
        for observations, actions, target in zip(*parts, strict=True):
            values = network(observations)
            loss = smooth_l1_loss(values.gather(1, actions), target)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, self.max_grad_norm)
            optimizer.step()
            losses.append(loss.detach())
            highest.append(values.detach())
        return torch.stack(losses).mean().item(), torch.cat(highest).max(dim=1).values.mean().item()

    def renew_target(self) -> None:
        """Copy the network into the target network."""
        self.q_net_target.load_state_dict(self.q_net.state_dict())

    def parts(self) -> dict:
        """What learning has changed, as tensors."""
        learned = {"network": self.q_net, "target": self.q_net_target, "optimizer": self.policy.optimizer}
        return {name: part.state_dict() for name, part in learned.items()}

    def load_parts(self, parts: dict) -> None:
        """Put it back."""
        self.q_net.load_state_dict(parts["network"])
        self.q_net_target.load_state_dict(parts["target"])
        self.policy.optimizer.load_state_dict(parts["optimizer"])


class SeededReplay(ReplayBuffer):
    """The library's replay buffer; a generator of ours chooses the transitions to learn from."""

    rng: np.random.Generator

    def sample(self, batch_size: int, env: None = None) -> ReplayBufferSamples:
        """Draw transitions, each with the same chance."""
        at = divmod(self.rng.integers(0, self.size() * self.n_envs, size=batch_size), self.n_envs)
        ended = (self.dones[at] * (1 - self.timeouts[at]))[:, None]  # an episode cut off had a future
        arrays = self.observations[at], self.actions[at], self.next_observations[at], ended, self.rewards[at][:, None]
        return ReplayBufferSamples(*(torch.tensor(array) for array in arrays))


def history_of(log: np.ndarray, copies: int, every: int = 1_000) -> dict[str, np.ndarray]:
    """The course of training, an entry for each 1,000 steps.

    Args:
        log: shape (steps / copies, 6), columns as in `LOG`.
        copies: how many steps a row stands for.
        every: how many steps an entry stands for.

    Returns:
        `step` at the end of each entry; `reward` and `subscribed`, means over the episodes that ended in it; `loss`,
        `epsilon` and `max_q`, means over its updates. Missing where there were none.
    """
    ends = (np.arange(len(log)) + 1) * copies
    window = (ends - 1) // every
    cuts = np.flatnonzero(np.diff(window, prepend=-1))
    ended, reward, subscribed = (np.add.reduceat(log[:, i], cuts) for i in range(3))
    learned = ~np.isnan(log[:, 3])
    updates = np.add.reduceat(learned.astype(float), cuts)
    loss, max_q = (np.add.reduceat(np.where(learned, log[:, i], 0), cuts) for i in (3, 5))
    with np.errstate(invalid="ignore"):
        return {
            "step": np.append(ends[cuts[1:] - 1], ends[-1]),
            "reward": reward / ended,
            "subscribed": subscribed / ended,
            "loss": loss / updates,
            "epsilon": np.add.reduceat(log[:, 4], cuts) / np.diff(cuts, append=len(log)),
            "max_q": max_q / updates,
        }


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: more are slower for networks so small, and another number may change the last bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
