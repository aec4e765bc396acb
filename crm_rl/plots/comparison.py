"""Figures of the comparison: shares of the attainable gain, over experience and side by side (chapter 10)."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crm_rl.plots.style import BLUE, GREEN, GREY, ORANGE, PINK

#: Tables by how much their states tell, from light to dark.
TABLE_COLOURS = ("#fdd49e", "#fdbb84", "#fc8d59", "#d7301f", "#7f0000")


def learning_curves(curves: pd.DataFrame, lines: pd.DataFrame, colours: Mapping[str, str]) -> list[Axes]:
    """Draw shares of the attainable gain against experience, with 95% bands, a panel a world.

    Args:
        curves: `world`, `learner`, `steps`, `value`, `low` and `high`.
        lines: what no experience changes, drawn across: `world`, `rival` and `value`.
        colours: of the learners, in the order in which they are named above the panels.

    Returns:
        One axes a world.
    """
    worlds = list(curves["world"].unique())
    _, panels = plt.subplots(1, len(worlds), figsize=(6.2, 4.2), sharey=True, squeeze=False)
    for axes, world in zip(panels.flat, worlds, strict=True):
        ours = curves[curves["world"] == world]
        for learner, colour in colours.items():
            curve = ours[ours["learner"] == learner].sort_values("steps")
            axes.plot(curve["steps"], curve["value"], "o-", color=colour, markersize=4, label=learner)
            axes.fill_between(curve["steps"], curve["low"], curve["high"], color=colour, alpha=0.2, linewidth=0)
        for rival in lines[lines["world"] == world].itertuples():
            axes.axhline(rival.value, color=GREY, linestyle="--", linewidth=1.2)
            where = ours["steps"].max(), rival.value
            axes.annotate(rival.rival, where, ha="right", va="bottom", fontsize=9, bbox=_BEHIND_TEXT, zorder=1)
        axes.axhline(1, color=GREEN, linewidth=1)
        lowest = np.floor(10 * curves["low"].min()) / 10
        axes.set(title=world, xlabel="weeks of experience", xscale="log", ylim=(lowest, 1.02))
        axes.grid(axis="x", visible=False)
    panels[0, 0].set_ylabel("share of the attainable gain")
    names = panels[0, 0].get_legend_handles_labels()
    panels[0, 0].figure.legend(*names, loc="outside upper center", ncols=2, fontsize=9, frameon=False)
    return list(panels.flat)


_BEHIND_TEXT = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.6}


def share_dots(table: pd.DataFrame, colours: Mapping[str, str] | None = None, left: float = 0.0) -> Axes:
    """Draw shares of the attainable gain with their intervals, a line a row, series beside each other within it.

    Args:
        table: `row`, `series`, `value`, `low` and `high`; what lies further left than the axis is written at its edge.
        colours: by series; by default in the order in which they come.
        left: where the axis begins.
    """
    rows, series = list(table["row"].unique()), list(table["series"].unique())
    colours = colours or dict(zip(series, (BLUE, ORANGE, GREY, PINK, GREEN), strict=False))
    _, axes = plt.subplots(figsize=(7, 1.1 + 0.22 * len(rows) * max(1.6, len(series))))
    height = 0.7 / len(series)
    for place in range(1, len(rows), 2):
        axes.axhspan(-place - 0.5, -place + 0.5, color=GREY, alpha=0.1, linewidth=0)
    for number, name in enumerate(series):
        ours = table[table["series"] == name]
        places = np.array([-rows.index(row) - height * (number - (len(series) - 1) / 2) for row in ours["row"]])
        colour, inside = colours[name], (ours["value"] >= left).to_numpy()
        axes.hlines(places, ours["low"].clip(lower=left), ours["high"].clip(lower=left), color=colour, linewidth=2.5)
        axes.plot(ours["value"][inside], places[inside], "o", color=colour, label=name)
        for place, value in zip(places[~inside], ours["value"][~inside], strict=True):
            axes.text(left, place, f"← {value:.1f}".replace("-", "−"), color=colour, fontsize=9, va="center")
    axes.axvline(1, color=GREEN, linewidth=1)
    axes.set_yticks([-place for place in range(len(rows))], rows)
    axes.set(xlabel="share of the attainable gain", xlim=(left, 1.02), ylim=(-len(rows) + 0.5, 0.5))
    axes.grid(axis="y", visible=False)
    if len(series) > 1:
        axes.figure.legend(loc="outside upper center", ncols=2, fontsize=9, frameon=False)
    return axes
