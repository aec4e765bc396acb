"""A log that no world made, from uniform draws and plain arithmetic: the same on any processor."""

from types import SimpleNamespace

import numpy as np

EPISODES, WEEKS, ACTIONS = 400, 3, 4


def made_up_log() -> SimpleNamespace:
    """Arrays of shape (episodes, weeks, ...): what was seen and done, two policies, and `q`, a model's guesses."""
    rng, each = np.random.default_rng(13), np.arange(ACTIONS)
    inputs = rng.random((EPISODES, WEEKS, 2))
    tried = 0.2 + rng.random((EPISODES, WEEKS, ACTIONS))
    tried /= tried.sum(axis=2, keepdims=True)
    actions = (rng.random((EPISODES, WEEKS, 1)) > tried.cumsum(axis=2)[:, :, :-1]).sum(axis=2)
    favourite = (2 * inputs.sum(axis=2)).astype(int)
    wanted = np.where(favourite[:, :, None] == each, 0.7, 0.1)
    # An episode lasts one, two or three weeks. After its end nothing is paid, and both policies do the same.
    going = np.arange(WEEKS) < 1 + np.floor(WEEKS * rng.random((EPISODES, 1)))
    # Divided so that errors stay below 1: beyond, d3rlpy's loss is no longer a square.
    rewards = going * (rng.random((EPISODES, WEEKS)) + actions * inputs[:, :, 0]) / 8
    q = going[:, :, None] * rng.random((EPISODES, WEEKS, ACTIONS)) / 4
    tried, wanted = (np.where(going[:, :, None], p, actions[:, :, None] == each) for p in (tried, wanted))
    return SimpleNamespace(
        inputs=inputs,
        actions=actions,
        going=going,
        rewards=rewards,
        favourite=favourite,
        tried=tried,
        wanted=wanted,
        q=q,
    )
