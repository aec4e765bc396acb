"""Figures of learning from logs: estimates beside the truth, coverage, learners, and peeking (chapter 13)."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crm_rl.plots.style import BLUE, GREEN, GREY, ORANGE, RED

#: Colours and markers of lines, in the order of the names that a figure is given.
_LINES = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "D"), (RED, "^"))


def estimates_beside_truth(panels: dict[str, pd.DataFrame]) -> list[Axes]:
    """Draw where the estimates of many logs lie, a panel a horizon, one below the other.

    Args:
        panels: by title; a column an estimator, a row a log, as shares of the exact value.

    Returns:
        The axes, from top to bottom.
    """
    rows = [len(table.columns) for table in panels.values()]
    size = (5.8, 1.0 + 0.34 * sum(rows) + 0.4 * len(panels))
    _, grid = plt.subplots(len(panels), 1, figsize=size, sharex=True, squeeze=False)
    for axes, (title, table) in zip(grid.flat, panels.items(), strict=True):
        low, first, third, high = np.percentile(100 * table, [2.5, 25, 75, 97.5], axis=0)
        heights = np.arange(len(table.columns))
        axes.hlines(heights, low, high, color=BLUE, linewidth=1.5, alpha=0.7)
        axes.hlines(heights, first, third, color=BLUE, linewidth=6, alpha=0.45)
        axes.plot(100 * table.mean(), heights, "o", color=BLUE, markersize=6)
        axes.axvline(100, color="dimgrey", linestyle="--", linewidth=1.4)
        axes.set_yticks(heights, table.columns, fontsize=10)
        axes.set(title=title, ylim=(len(heights) - 0.5, -0.5))
        axes.grid(axis="y", visible=False)
    grid[-1, 0].set_xlabel("estimate (% of the exact value)")
    grid[0, 0].annotate(
        "exact", (100, 1), (4, 3), xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=10,
        color="dimgrey",
    )  # fmt: skip
    return list(grid.flat)


def coverage_by_horizon(coverage: pd.DataFrame, effective: pd.Series) -> Axes:
    """Draw how often the 95% intervals contain the exact value, a line an estimator.

    Args:
        coverage: a row a horizon in weeks, a column an estimator, at most four; shares.
        effective: the effective sample size, by horizon.
    """
    axes = plt.subplots(figsize=(5.8, 3.9))[1]
    places = np.arange(len(coverage))
    for (name, column), (colour, marker) in zip(coverage.items(), _LINES, strict=False):
        axes.plot(places, 100 * column, marker=marker, color=colour, linewidth=1.6, markersize=6, label=name)
    axes.axhline(95, color="dimgrey", linestyle="--", linewidth=1.4)
    axes.text(len(places) - 0.65, 97, "promised: 95%", fontsize=10, color="dimgrey", ha="right", va="bottom")
    axes.set_xticks(places, [f"{weeks}\n{size:,.0f}" for weeks, size in effective.items()])
    axes.set(xlabel="weeks of an episode, and effective sample size", ylabel="intervals with the truth (%)")
    axes.grid(axis="x", visible=False)
    axes.set(yticks=range(0, 101, 20), ylim=(-4, 108), xlim=(-0.4, len(places) - 0.6))
    axes.figure.legend(frameon=False, fontsize=10, ncols=2, loc="outside upper center")
    return axes


def learned_from_logs(panels: dict[str, pd.DataFrame], lines: dict[str, float]) -> list[Axes]:
    """Draw what learners get out of logs, a panel a behaviour policy, one below the other.

    Args:
        panels: by title; a row a learner and seed with `learner`, `customers` and `share`.
        lines: two shares to mark in every panel, by name.

    Returns:
        The axes, from top to bottom.
    """
    names = list(next(iter(panels.values()))["learner"].unique())
    _, grid = plt.subplots(len(panels), 1, figsize=(5.8, 1 + 1.6 * len(panels)), sharex=True, squeeze=False)
    for axes, (title, table) in zip(grid.flat, panels.items(), strict=True):
        sizes = table["customers"].unique()
        for size, colour, marker, shift in zip(sizes, (ORANGE, BLUE), "os", (-0.13, 0.13), strict=False):
            here = table[table["customers"] == size]
            heights = here["learner"].map(names.index) + shift
            axes.plot(100 * here["share"], heights, marker, color=colour, alpha=0.7, label=f"{size:,} customers")
        for share in lines.values():
            axes.axvline(100 * share, color=GREY, linestyle="--", linewidth=1.3, zorder=0)
        axes.set_yticks(range(len(names)), names, fontsize=10)
        axes.set(ylim=(len(names) - 0.5, -0.5))
        axes.set_title(title, pad=18 if axes is grid[0, 0] else None)
        axes.grid(axis="y", visible=False)
    for (name, share), side in zip(sorted(lines.items(), key=lambda line: line[1]), ("right", "left"), strict=True):
        grid[0, 0].annotate(
            name, (100 * share, 1), (0, 3), xycoords=("data", "axes fraction"), textcoords="offset points",
            fontsize=9, color="dimgrey", ha=side,
        )  # fmt: skip
    grid[-1, 0].set_xlabel("share of the attainable gain (%)")
    lines_, labels = grid[0, 0].get_legend_handles_labels()
    grid[0, 0].figure.legend(lines_, labels, frameon=False, fontsize=10, ncols=2, loc="outside upper center")
    return list(grid.flat)


def false_alarms(alarms: pd.DataFrame) -> Axes:
    """Draw how many equal pairs of policies have been declared different, by how long one has been looking.

    Args:
        alarms: a row a day, a column a rule, at most four; shares.
    """
    axes = plt.subplots(figsize=(5.8, 3.2))[1]
    for (name, column), (colour, _) in zip(alarms.items(), (_LINES[1], _LINES[0], *_LINES[2:]), strict=False):
        axes.plot(column.index, 100 * column, color=colour, linewidth=2)
        end = 100 * column.iloc[-1]
        axes.text(column.index[-1], end + 0.3, name, color=colour, fontsize=10, ha="right", va="bottom")
    axes.axhline(5, color="dimgrey", linestyle="--", linewidth=1.4)
    axes.text(column.index[-1], 5.6, "promised: 5%", color="dimgrey", fontsize=10, ha="right", va="bottom")
    axes.set(xlabel="days, with a look on each", ylabel="equal pairs declared different (%)")
    axes.set_ylim(0, 112 * alarms.to_numpy().max())
    return axes
