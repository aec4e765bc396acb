"""Figures of training: its curves, its stability, the states it met (chapters 4 to 7)."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crm_rl.plots.style import BLUE, GREEN, GREY, ORANGE, RED, ROW_NAMES


def climb_to_optimum(shares: pd.DataFrame, others: dict[str, float]) -> Axes:
    """Draw how learners came near the optimum, a dashed line: a thin line a seed, a thick one for their mean.

    Args:
        shares: of the attainable gain, a row per number of episodes (the axis is logarithmic), a column per seed.
        others: by name, shares of policies that learn nothing, drawn as dotted lines.
    """
    axes = plt.subplots(figsize=(6, 3.6))[1]
    axes.plot(100 * shares, color=BLUE, linewidth=0.8, alpha=0.5)
    axes.plot(100 * shares.mean(axis=1), "o-", color=BLUE, linewidth=2.2, markersize=5)
    left = shares.index[0]
    for name, share in ({"the optimum": 1.0} | others).items():
        axes.axhline(100 * share, color=GREY, linestyle="--" if share == 1 else ":", linewidth=1.6)
        axes.annotate(name, (left, 100 * share), (0, 4), textcoords="offset points", fontsize=10, color="dimgrey")
    axes.set(xscale="log", xlabel="training episodes", ylabel="share of the attainable gain (%)")
    axes.set(ylim=(min(-10, 100 * shares.to_numpy().min() - 5), 112))
    axes.set_xticks(shares.index, [f"{episodes:,}" for episodes in shares.index], fontsize=9)
    axes.set_yticks(range(0, 101, 50))
    axes.minorticks_off()
    axes.grid(axis="x", visible=False)
    return axes


def share_by_setting(panels: dict[str, pd.DataFrame]) -> list[Axes]:
    """Draw what tables came to with different settings, one panel below the other: a dot a seed, a bar for the mean.

    Args:
        panels: by the name of the setting, shares of the attainable gain: a row per value, a column per seed.
    """
    _, grid = plt.subplots(len(panels), 1, figsize=(5.6, 2.5 * len(panels)), squeeze=False)
    for axes, (name, shares) in zip(grid.flat, panels.items(), strict=True):
        places = np.arange(len(shares))
        axes.hlines(100 * shares.mean(axis=1), places - 0.22, places + 0.22, color=BLUE, linewidth=3)
        axes.plot(places, 100 * shares, "o", color=ORANGE, markersize=5)
        axes.axhline(100, color=GREY, linestyle="--", linewidth=1.6)
        axes.annotate("the optimum", (-0.4, 100), (0, 4), textcoords="offset points", fontsize=10, color="dimgrey")
        axes.set_xticks(places, shares.index)
        axes.set(xlabel=name, xlim=(-0.5, len(shares) - 0.5))
        axes.set(ylabel="share of the\nattainable gain (%)", ylim=(min(-8, 100 * shares.to_numpy().min() - 5), 118))
        axes.grid(axis="x", visible=False)
    return list(grid.flat)


def training_comparison(curves: pd.DataFrame) -> list[Axes]:
    """Draw how the reward of an episode rose in training, with the middle half of the seeds.

    A panel per setting, one below the other.

    Args:
        curves: `setting`, `row`, `progress` from 0 to 1, `reward`, `reward_low` and `reward_high`.

    Returns:
        One axes a setting.
    """
    settings = list(curves["setting"].unique())
    _, panels = plt.subplots(len(settings), 1, figsize=(5.6, 2.6 * len(settings)), sharex=True, squeeze=False)
    for axes, setting in zip(panels.flat, settings, strict=True):
        ours = curves[curves["setting"] == setting]
        for row, curve in ours.groupby("row", sort=False):
            colour, dashes = BLUE if row.startswith("q_learning") else RED, "--" if "selection" in row else "-"
            place = 100 * curve["progress"]
            axes.plot(place, curve["reward"], dashes, color=colour, label=ROW_NAMES[row])
            axes.fill_between(place, curve["reward_low"], curve["reward_high"], color=colour, alpha=0.2, linewidth=0)
        axes.set(title=f"as {setting.removeprefix('as_')}", ylabel="reward of an episode")
    panels[-1, 0].set_xlabel("training done (%)")
    lines, names = panels[0, 0].get_legend_handles_labels()
    panels[0, 0].figure.legend(lines, names, frameon=False, fontsize=9, ncols=2, loc="outside upper center")
    return list(panels.flat)


def training_stability(columns: dict[str, dict[str, pd.DataFrame]]) -> list[Axes]:
    """Draw the course of a network's training: reward, loss and highest Q-value against steps, a column per world.

    Args:
        columns: by title, by the line's name, a table with `step` and, for each of `reward`, `loss` and `max_q`, either
            that column or `_mid`, `_low` and `_high` of it.

    Returns:
        Three axes a column, row by row.
    """
    measures = {"reward": "reward of a\ntraining episode", "loss": "loss", "max_q": "highest Q-value"}
    size = (5.4, 1.2 + 1.6 * len(measures))  # no wider, so that a phone need not shrink it much
    _, grid = plt.subplots(len(measures), len(columns), figsize=size, sharex=True, squeeze=False)
    for line, (measure, label) in zip(grid, measures.items(), strict=True):
        line[0].set_ylabel(label)
        for axes, runs in zip(line, columns.values(), strict=True):
            for (name, table), colour in zip(runs.items(), (BLUE, RED, ORANGE, GREEN), strict=False):
                thousands = table["step"] / 1000
                middle = table[measure] if measure in table else table[f"{measure}_mid"]
                axes.plot(thousands, middle, color=colour, label=name)
                if f"{measure}_low" in table:
                    low, high = table[f"{measure}_low"], table[f"{measure}_high"]
                    axes.fill_between(thousands, low, high, color=colour, alpha=0.25, linewidth=0)
    for axes, title in zip(grid[0], columns, strict=True):
        axes.set_title(title)
    for axes in grid[-1]:
        axes.set_xlabel("steps (thousands)")
    if max(map(len, columns.values())) > 1:
        grid[1, -1].legend(frameon=False, fontsize=9, loc="upper right")
    return list(grid.flat)
