"""The course of a network's training, in numbers that fit on a page (chapter 6)."""

import numpy as np

#: What is noted at each step: episodes ended, their rewards and subscriptions together, loss and so on.
LOG = ("ended", "reward", "subscribed", "loss", "epsilon", "max_q")


def history_of(log: np.ndarray, num_envs: int, every: int = 1_000) -> dict[str, np.ndarray]:
    """The course of training, an entry for each 1,000 steps.

    Args:
        log: shape (steps / num_envs, 6), columns as in `LOG`.
        num_envs: how many steps a row stands for.
        every: how many steps an entry stands for.

    Returns:
        `step` at the end of each entry; `reward` and `subscribed`, means over the episodes that ended in it; `loss`,
        `epsilon` and `max_q`, means over its updates. Missing where there were none.
    """
    ends = (np.arange(len(log)) + 1) * num_envs
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
