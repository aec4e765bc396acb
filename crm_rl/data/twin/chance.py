"""Chance that keeps to its counts: systematic draws, and the most even table that agrees with given sums."""

import numpy as np

from crm_rl.data.twin.spec import POOLED


def systematic(weights: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw places in proportion to weights, evenly: each comes up its expected number of times, give or take one.

    Args:
        weights: shape (places,).
        size: how many to draw.
        rng: the source of chance.

    Returns:
        Places in ascending order, shape (size,).
    """
    ends = np.cumsum(weights)
    ticks = (np.arange(size) + rng.random()) * (ends[-1] / max(size, 1))
    return np.minimum(np.searchsorted(ends, ticks, side="right"), len(ends) - 1)


def choose(weights: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Choose `size` different places, each with a chance in proportion to its weight, but at most 1."""
    if size == 0 or size >= len(weights):
        return np.arange(min(size, len(weights)))
    for _ in range(50):
        weights = np.minimum(weights * (size / weights.sum()), 1)
    return systematic(weights, size, rng)


def uniform_in_bins(bins: list, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw whole numbers, shape (size,), from bins [low, high, count], evenly inside a bin."""
    low, high, count = (np.array(column) for column in zip(*(bins or [[0, 1, 1]]), strict=True))
    chosen = systematic(count, size, rng)
    return rng.permutation(rng.integers(low[chosen], high[chosen]))


def fit(shape: tuple[int, ...], margins: list, rounds: int = 40) -> np.ndarray:
    """Find the most even table that agrees with given sums: iterative proportional fitting.

    Args:
        shape: the table's.
        margins: pairs (labels, sums). `labels`, of any shape that broadcasts to the table's, says to which of
            the sums each cell belongs. Where sums contradict each other (they are rounded), the last pair wins.
        rounds: how often to go through all margins.

    Returns:
        The table, with `shape`.
    """
    margins = [(np.broadcast_to(labels, shape).ravel(), np.asarray(sums, float)) for labels, sums in margins]
    table = np.ones(int(np.prod(shape)))
    for _ in range(rounds):
        for labels, sums in margins:
            # bincount adds cell after cell, in order: the same bits on every processor
            found = np.bincount(labels, table, minlength=len(sums))
            table *= (sums / np.where(found > 0, found, 1))[labels]
    return table.reshape(shape)


def margin(title: str, table: dict, axes: dict[str, tuple]) -> tuple[np.ndarray, list]:
    """Turn a table of the spec ("row x column", or one-way) into labels and sums; a row's pooled cells share a sum."""
    row, column = title.split(" x ") if " x " in title else (None, title)
    sums, labels = [], []
    for name in axes[row] if row else [None]:
        kept = table.get(name, {POOLED: 0}) if row else table
        pool = len(sums)
        sums.append(max(kept.get(POOLED, 0), 1))  # a pool of one or two people was rounded to 0
        places = {}
        for other in axes[column]:
            if other in kept:
                places[other] = len(sums)
                sums.append(kept[other])
        labels.append([places.get(other, pool) for other in axes[column]])
    return np.reshape(labels, [len(axes[name]) if name in (row, column) else 1 for name in axes]), sums
