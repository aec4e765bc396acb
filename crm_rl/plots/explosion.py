"""Figures of state-space explosion: tables of rising size, and customers that training never met (chapter 5)."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crm_rl.plots.style import BLUE, GREY, ORANGE

#: A darker orange for words.
_OCHRE = "#a05000"


def arch_by_rows(scores: dict[str, pd.DataFrame], rows: pd.Series, labels: dict[str, str]) -> Axes:
    """Draw the share of the attainable gain of tables, from the coarsest to the finest, a line a group of worlds.

    Args:
        scores: by the line's name, one or two; a row per table with `mean`, `low` and `high`, in the order of `rows`.
        rows: how many rows each table has in use.
        labels: what each table sees, in a word or two; may have line breaks.
    """
    axes = plt.subplots(figsize=(5.8, 4.3))[1]
    places = np.arange(len(rows))
    lowest = min(table["low"].min() for table in scores.values())
    for (name, table), colour, words, shift in zip(
        scores.items(), (BLUE, ORANGE), (BLUE, _OCHRE), (-0.07, 0.07), strict=False
    ):
        axes.vlines(places + shift, 100 * table["low"], 100 * table["high"], color=colour, linewidth=2, alpha=0.5)
        axes.plot(places + shift, 100 * table["mean"], "o-", color=colour, linewidth=1.4, markersize=6)
        height = 80 if colour == BLUE else 66
        axes.text(len(rows) - 0.75, height, f"● {name}", fontsize=11, color=words, ha="right")
    for height, name in ((100, "the optimum"), (0, "")):
        axes.axhline(height, color=GREY, linestyle="--" if height else "-", linewidth=1.4)
        axes.text(-0.4, height + 2, name, fontsize=11, color="dimgrey")
    axes.text(-0.4, -3, "waiting", fontsize=11, color="dimgrey", va="top")
    axes.set_xticks(places, [f"{count:,}\n{labels[name]}" for name, count in rows.items()], fontsize=9)
    axes.set(xlim=(-0.5, len(rows) - 0.6), ylim=(min(-40, 100 * lowest - 5), 112), yticks=range(0, 101, 25))
    axes.set(xlabel="rows of the table, and what it sees in addition", ylabel="share of the attainable gain (%)")
    axes.grid(axis="x", visible=False)
    return axes


def met_and_unseen(panels: dict[str, dict[str, pd.DataFrame]]) -> list[Axes]:
    """Draw what learners get from groups of customers, a panel per world, one below the other.

    Args:
        panels: by title and by the group's name, at most three groups; a row per learner with `mean`, `low` and
            `high` of its share of the attainable gain, the learners in the same order everywhere.

    Returns:
        The axes, from top to bottom.
    """
    learners = list(next(iter(next(iter(panels.values())).values())).index)
    size = (5.4, 0.9 + len(panels) * (0.55 + 0.62 * len(learners)))
    _, grid = plt.subplots(len(panels), 1, figsize=size, sharex=True, squeeze=False)
    for axes, (title, groups) in zip(grid.flat, panels.items(), strict=True):
        shifts = np.linspace(-0.22, 0.22, len(groups)) if len(groups) > 1 else [0.0]
        for (name, table), colour, marker, shift in zip(
            groups.items(), (GREY, ORANGE, BLUE), "oDs", shifts, strict=False
        ):
            heights = np.arange(len(learners)) + shift
            axes.hlines(heights, 100 * table["low"], 100 * table["high"], color=colour, linewidth=2, alpha=0.6)
            axes.plot(100 * table["mean"], heights, marker, color=colour, markersize=6, label=name)
        axes.axvline(0, color=GREY, linewidth=1.4)
        axes.axvline(100, color=GREY, linewidth=1.4, linestyle="--")
        axes.set_yticks(range(len(learners)), learners)
        axes.set(title=title, ylim=(len(learners) - 0.5, -0.5))
        axes.grid(axis="y", visible=False)
    grid[-1, 0].set_xlabel("share of the attainable gain (%)")
    lines, names = grid[0, 0].get_legend_handles_labels()
    grid[0, 0].figure.legend(lines, names, frameon=False, fontsize=10, ncols=len(names), loc="outside upper center")
    return list(grid.flat)
