"""Figures of the fair match: who wins, where, and how sure (chapter 7)."""

from textwrap import fill

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from crm_rl.plots.style import BLUE, ORANGE


def arms_at_both_ends(scores: dict[str, pd.DataFrame]) -> Axes:
    """Draw what each arm gets in two sets of worlds: two dots with intervals below one another, a line an arm.

    Args:
        scores: by name of the set, a row an arm with `mean`, `low` and `high`, shares of the attainable gain; both have
            the same arms in the same order, and the names are written to the left of the first arm's dots.
    """
    arms = next(iter(scores.values())).index
    axes = plt.subplots(figsize=(5.6, 0.9 + 0.38 * len(arms)))[1]
    for (name, table), colour, shift, shape in zip(scores.items(), (BLUE, ORANGE), (-0.17, 0.17), "os", strict=True):
        for place, (_, row) in enumerate(table.iterrows()):
            axes.plot([row["low"], row["high"]], [place + shift] * 2, color=colour, linewidth=2, alpha=0.55)
            axes.plot(row["mean"], place + shift, shape, color=colour, markersize=6)
        first = table.iloc[0]
        axes.annotate(
            name, (first["low"], shift), (-6, 0), textcoords="offset points", color=colour, fontsize=10, va="center",
            ha="right",
        )  # fmt: skip
    for place, label in ((0, "waiting"), (1, "optimum")):
        axes.axvline(place, color="dimgrey", linewidth=1.2, linestyle="--" if place else "-", zorder=0)
        axes.annotate(
            label, (place, 1), (0, 4), xycoords=("data", "axes fraction"), textcoords="offset points", ha="center",
            fontsize=10, color="dimgrey",
        )  # fmt: skip
    axes.set_yticks(range(len(arms)), [fill(arm, 20) for arm in arms], fontsize=10)
    axes.set(xlabel="share of the attainable gain", ylim=(len(arms) - 0.5, -0.6))
    axes.set_xlim(right=max(1.15, axes.get_xlim()[1]))
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color="gainsboro")
    return axes
