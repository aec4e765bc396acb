"""Figures of the deep Q-networks: shares of what there is to gain, beside the optimum (chapter 6)."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from crm_rl.plots.style import BLUE, GREEN, GREY, ORANGE

#: A darker orange for words.
OCHRE = "#a05000"

MARKS = ((BLUE, "o"), (ORANGE, "D"), (GREEN, "s"))


def shares_by_group(groups: dict[str, pd.DataFrame], limits: tuple[float, float] = (-40, 108)) -> Axes:
    """Draw shares of the attainable gain: a line an arm, with a dot, its interval and its number for each group.

    Args:
        groups: by the group's name, a row an arm with `mean`, `low` and `high`, as shares; up to three groups, which
            have the same arms in the same order.
        limits: of the axis, in %; 0 is waiting, 100 the optimum, a dashed line.
    """
    arms = list(next(iter(groups.values())).index)
    height = 0.26 * len(groups) + 0.16
    axes = plt.subplots(figsize=(5.4, 1.2 + height * len(arms)))[1]
    for place, (table, (colour, mark)) in enumerate(zip(groups.values(), MARKS, strict=False)):
        rows = [height * i + 0.26 * (place - (len(groups) - 1) / 2) for i in range(len(arms))]
        axes.hlines(rows, 100 * table["low"], 100 * table["high"], color=colour, linewidth=2.5, alpha=0.45)
        axes.plot(100 * table["mean"], rows, mark, color=colour, markersize=6, label=list(groups)[place])
        for row, mean in zip(rows, table["mean"], strict=True):
            text = f" {100 * mean:.0f}%".replace("-", "−")
            axes.text(1, row, text, va="center", fontsize=10, transform=axes.get_yaxis_transform())
    axes.axvline(0, color=GREY, linewidth=1)
    axes.axvline(100, color=GREY, linewidth=1.6, linestyle="--")
    axes.set_yticks([height * i for i in range(len(arms))], arms)
    axes.set(xlabel="share of the attainable gain (%)\n0: waiting, 100: the optimum", xlim=limits)
    axes.set_ylim(height * (len(arms) - 0.45), -0.55 * height)
    axes.grid(visible=False)
    if len(groups) > 1:
        axes.legend(ncols=len(groups), frameon=False, fontsize=10, loc="lower left", bbox_to_anchor=(-0.02, 1.0))
    return axes


def shares_by_roughness(arms: dict[str, pd.DataFrame]) -> Axes:
    """Draw shares of the attainable gain from smooth worlds to rough ones: a line an arm, named at its right end.

    Args:
        arms: by name, at most three; a row per roughness, in rising order from 0 to 1, with `mean`, `low` and `high`,
            as shares.
    """
    axes = plt.subplots(figsize=(5.8, 3.9))[1]
    for (name, table), (colour, mark), shift in zip(arms.items(), MARKS, (-0.012, 0.0, 0.012), strict=False):
        places = table.index.to_numpy() + shift
        axes.vlines(places, 100 * table["low"], 100 * table["high"], color=colour, linewidth=2.5, alpha=0.45)
        axes.plot(places, 100 * table["mean"], f"{mark}-", color=colour, linewidth=1.8, markersize=6)
        text = name.replace(", ", ",\n")
        axes.annotate(
            text, (places[-1], 100 * table["mean"].iloc[-1]), (10, 0), textcoords="offset points", va="center",
            color=OCHRE if colour == ORANGE else colour, fontsize=9.5, linespacing=1.0,
        )  # fmt: skip
    axes.axhline(0, color=GREY, linewidth=1)
    axes.axhline(100, color=GREY, linewidth=1.6, linestyle="--")
    axes.text(0.0, 102, "the optimum", fontsize=10, color="dimgrey")
    axes.text(0.0, -2.5, "waiting", fontsize=10, color="dimgrey", va="top")
    axes.set_xticks(table.index, ["smooth", *(f"{value:g}" for value in table.index[1:-1]), "rough"])
    axes.set(xlim=(-0.05, 1.36), ylim=(-12, 112), yticks=range(0, 101, 25))
    axes.set(xlabel="share of names at random places (0: smooth, 1: rough)", ylabel="share of the attainable gain (%)")
    axes.grid(axis="x", visible=False)
    axes.spines["bottom"].set_bounds(0, 1)
    return axes
