"""Deep Q-network (chapter 6; Mnih et al. 2015), in plain PyTorch, for any world and several seeds side by side.

Each later improvement is a line or two that can be switched on: double (van Hasselt et al. 2016), dueling (Wang et al.
2016), n-step returns (Sutton and Barto 2018, chapter 7; Hessel et al. 2018), and weights by which small values are
learned as well as large ones. Nothing depends on global random states.
"""

from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import mse_loss, smooth_l1_loss
from tqdm import tqdm

from crm_rl.agents.actors import Actors
from crm_rl.agents.arithmetic import one_thread, tiny_numbers_are_zero
from crm_rl.agents.checkpoints import checkpoints_in, fingerprint
from crm_rl.agents.dqn_checkpoints import restore_run, save_run
from crm_rl.agents.dqn_settings import DESCRIBED, Hyperparameters
from crm_rl.agents.history import LOG, history_of
from crm_rl.agents.networks import Networks, Replay
from crm_rl.agents.policies import NetworkPolicy
from crm_rl.worlds.base import World, n_actions, observation_size
from crm_rl.worlds.logs import action_costs


def train_dqn(world: World, hyper: Hyperparameters = DESCRIBED, steps: int = 100_000, seed: int = 0, **kept):
    """Train one network: `train_seeds` with a single seed, whose policy it returns."""
    return train_seeds([world], hyper, steps, [seed], **kept)[0]


def train_seeds(
    worlds: list[World],
    hyper: Hyperparameters,
    steps: int,
    seeds: list[int],
    folder: str | Path | None = None,
    checkpoint_every: int = 10_000,
    progress: bool = False,
) -> list[NetworkPolicy]:
    """Train a network for each seed, or go on training them where a run in the same folder was stopped.

    Args:
        worlds: where each seed learns, with params of one kind.
        hyper: the settings.
        steps: how many each seed takes, in all its environments together.
        seeds: each decides everything that is left to chance in its own run. Sums of a run that has others beside it
            are rounded in another order, so its last digits can differ.
        folder: where to keep the last two checkpoints, `step_...`, and in the end `policy.npz`, or `policy_SEED.npz`
            if there are several; None keeps nothing.
        checkpoint_every: in steps.
        progress: show a bar, in a terminal.

    Returns:
        The networks, which act and have `history`. A run that was killed and resumed ends with the same bytes.

    Raises:
        PolicyError: the folder holds a damaged checkpoint, or a run with other settings.
        ValueError: there is nothing to do.
    """
    if min(steps, checkpoint_every, len(seeds)) < 1 or len(worlds) != len(seeds):
        raise ValueError(
            f"{steps} steps, a checkpoint every {checkpoint_every}, {len(worlds)} worlds for {len(seeds)} seeds. "
            "Remedy: 1 or more of each, and a world for each seed."
        )
    settings = {"hyper": hyper._asdict(), "seeds": list(seeds), "steps": steps, "world": fingerprint(tuple(worlds))}
    with one_thread(), tiny_numbers_are_zero():
        run = Run(worlds, hyper, steps, seeds)
        found = checkpoints_in(Path(folder)) if folder is not None else []
        if found:
            restore_run(run, found[-1], settings)
        with tqdm(total=steps, initial=run.steps, unit=" steps", disable=None if progress else True) as bar:
            while run.steps < steps:
                before = run.steps
                run.advance()
                if folder is not None and (due(before, run.steps, checkpoint_every) or run.steps >= steps):
                    save_run(run, Path(folder) / f"step_{run.steps:09d}", settings)
                bar.update(run.steps - before)
    policies = run.policies(settings)
    if folder is not None:
        names = ["policy.npz"] if len(seeds) == 1 else [f"policy_{seed}.npz" for seed in seeds]
        for name, policy in zip(names, policies, strict=True):
            policy.save(Path(folder) / name)
    return policies


class Run:
    """One training run: the seeds' networks, their environments, what they remember, and how far they are."""

    def __init__(self, worlds: list[World], hyper: Hyperparameters, steps: int, seeds: list[int]):
        self.hyper = hyper = in_time(hyper, steps)
        self.worlds, self.total, self.steps = worlds, steps, 0
        params = worlds[0].params
        self.rngs = [np.random.default_rng(seed) for seed in seeds]
        inputs, names = observation_size(params), [world.names() for world in worlds]
        costs = action_costs(params) / hyper.reward_scale if hyper.known_costs else None
        shape = inputs, n_actions(params), hyper.hidden, hyper.dueling, seeds, names, hyper.embedding, costs
        self.networks, self.target = Networks(*shape), Networks(*shape)
        self.optimizer = torch.optim.AdamW(
            self.networks.parameters(), lr=hyper.learning_rate, weight_decay=hyper.weight_decay, fused=True
        )
        remembered = hyper.buffer_size if hyper.replay else hyper.batch_size
        self.replay = Replay(remembered, inputs, len(seeds), hyper.num_envs)
        self.actors = Actors(worlds, hyper.num_envs, self.rngs)
        self.log = np.zeros((-(-steps // hyper.num_envs), len(seeds), len(LOG)))

    def epsilon(self) -> float:
        """How often the agent explores at this point."""
        hyper, falling = self.hyper, max(1.0, self.total * self.hyper.exploration)
        return hyper.epsilon_start + min(1.0, self.steps / falling) * (hyper.epsilon_end - hyper.epsilon_start)

    def advance(self) -> None:
        """Take one step in each environment, remember what happened, and learn."""
        hyper, epsilon = self.hyper, self.epsilon()
        observations = self.actors.observe()
        choice = epsilon_greedy(self.networks, observations, epsilon, self.rngs)
        done = self.actors.step(choice)
        rewards, ended = done.reward / hyper.reward_scale, done.terminated | done.truncated
        self.replay.add(observations, self.actors.observe(), choice, rewards, done.terminated, ended)
        episodes = self.actors.begin_anew(ended)
        before, self.steps = self.steps, self.steps + hyper.num_envs
        loss, max_q = self.learn(due(before, self.steps, hyper.train_every)) if self.learns() else (np.nan, np.nan)
        if due(before, self.steps, hyper.target_every):
            self.target.load_state_dict(self.networks.state_dict())
        for column, value in zip(LOG, (*episodes, loss, epsilon, max_q), strict=True):
            self.log[before // hyper.num_envs, :, LOG.index(column)] = value

    def learns(self) -> bool:
        """Whether there has been enough to learn from."""
        return self.steps > self.hyper.learning_starts

    def learn(self, updates: int) -> tuple[np.ndarray, np.ndarray]:
        """Make some updates.

        Returns:
            For each seed the mean loss, and the mean over transitions of the highest Q-value; missing without updates.
        """
        hyper, met = self.hyper, []
        rate = hyper.learning_rate * max(hyper.final_rate, 1 - self.steps / self.total)
        self.optimizer.param_groups[0]["lr"] = rate if hyper.final_rate < 1 else hyper.learning_rate
        for _ in range(updates):
            batch = self.replay.sample(hyper.batch_size, hyper.n_step, hyper.gamma, self.rngs)
            met.append(update(self.networks, self.target, self.optimizer, batch, hyper))
            if not hyper.target_network:
                self.target.load_state_dict(self.networks.state_dict())
        if not met:
            return np.nan, np.nan
        return tuple(torch.stack(part).mean(dim=0).numpy() for part in zip(*met, strict=True))

    def policies(self, about: dict) -> list[NetworkPolicy]:
        """What each seed has learned."""
        return [
            NetworkPolicy(
                *self.networks.layers_of(place),
                world.params,
                self.hyper.reward_scale,
                self.networks.names_of(place),
                about | {"seed": about["seeds"][place]},
                history_of(self.log[:, place], self.hyper.num_envs),
            )
            for place, world in enumerate(self.worlds)
        ]


def update(
    networks: Networks, target: Networks, optimizer: torch.optim.Optimizer, batch: tuple, hyper: Hyperparameters
):
    """Move the Q-values of a batch of actions towards what came of them: one step of Adam for each seed.

    The target r + gamma max Q(s', .) is held fixed while the loss is differentiated (a semi-gradient: Sutton and Barto
    2018, section 9.3), and comes from the target network.

    Args:
        networks, target: in training, and as they were some time ago.
        optimizer: of `networks`.
        batch: as `Replay.sample` returns it.
        hyper: the settings.

    Returns:
        For each seed, shape (seeds,): the loss, and the mean over transitions of the highest Q-value.
    """
    observations, actions, rewards, next_observations, discount = batch
    q = networks(observations)
    with torch.no_grad():
        later = target(next_observations)
        if hyper.double:
            best = networks(next_observations).argmax(dim=2, keepdim=True)
            following = later.gather(2, best)[:, :, 0]
        else:
            following = later.amax(dim=2)
        goal = rewards + discount * following
    values = q.gather(2, actions[:, :, None])[:, :, 0]
    errors = (smooth_l1_loss if hyper.huber else mse_loss)(values, goal, reduction="none")
    if hyper.relative:
        errors = relative_weights(q.detach(), hyper.relative) * errors
    losses = errors.mean(dim=1)
    optimizer.zero_grad()
    losses.sum().backward()
    shorten_gradients(networks, hyper.max_gradient)
    optimizer.step()
    return losses.detach(), q.detach().amax(dim=2).mean(dim=1)


def relative_weights(q: torch.Tensor, floor: float) -> torch.Tensor:
    """Weights of a batch of states by their values, shape (seeds, batch), with mean 1 for each seed."""
    value = q.max(dim=2).values.abs()
    weights = (value + floor * value.median(dim=1, keepdim=True).values + 1e-6) ** -2
    return weights / weights.mean(dim=1, keepdim=True)


def shorten_gradients(networks: Networks, longest: float) -> None:
    """Shorten each seed's gradient, over all its weights, to this length (as `torch.nn.utils.clip_grad_norm_` does)."""
    if np.isinf(longest):
        return
    gradients = [parameter.grad for parameter in networks.parameters()]
    lengths = torch.stack([torch.linalg.vector_norm(gradient, dim=(1, 2)) for gradient in gradients])
    factor = (longest / (lengths.norm(dim=0) + 1e-6)).clamp(max=1.0)[:, None, None]
    for gradient in gradients:
        gradient.mul_(factor)


def epsilon_greedy(
    networks: Networks, observations: np.ndarray, epsilon: float, rngs: list[np.random.Generator]
) -> np.ndarray:
    """With probability epsilon any action, else the best; one for each observation, shape (seeds, num_envs)."""
    with torch.no_grad():
        q = networks(torch.from_numpy(observations)).numpy()
    num_envs, actions = q.shape[1:]
    anything = np.stack([rng.integers(0, actions, num_envs) for rng in rngs])
    explores = np.stack([rng.random(num_envs) < epsilon for rng in rngs])
    return np.where(explores, anything, q.argmax(axis=2))


def due(before: int, after: int, every: int) -> int:
    """How many multiples of `every` lie above `before` and not above `after`."""
    return after // every - before // every


def in_time(hyper: Hyperparameters, steps: int) -> Hyperparameters:
    """The settings for so many steps."""
    if not hyper.scale_to_budget:
        return hyper
    return hyper._replace(
        train_every=max(1, min(hyper.train_every, hyper.train_every * steps // 400_000)),
        target_every=min(hyper.target_every, steps // 100),
        learning_starts=min(hyper.learning_starts, steps // 10),
    )
