"""Figures of the deep Q-networks: shares of what there is to gain, several groups beside the optimum (chapter 6)."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from crm_rl.plots.style import BLUE, GREEN, GREY, ORANGE

MARKS = ((BLUE, "o"), (ORANGE, "D"), (GREEN, "s"))


def shares_by_group(groups: dict[str, pd.DataFrame], limits: tuple[float, float] = (-40, 108)) -> Axes:
    """Draw shares of the attainable gain: a line an arm, in it a dot with its interval and number for each group.

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
        for row, high, mean in zip(rows, table["high"], table["mean"], strict=True):
            text = f"{100 * mean:.0f}%".replace("-", "−")
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
            axes.annotate(
                text, (100 * high, row), (4, 0), textcoords="offset points", va="center", fontsize=10, bbox=box
            )
    axes.axvline(0, color=GREY, linewidth=1)
    axes.axvline(100, color=GREY, linewidth=1.6, linestyle="--")
    axes.set_yticks([height * i for i in range(len(arms))], arms)
    axes.set(xlabel="share of the attainable gain (%)\n0: waiting, 100: the optimum", xlim=limits)
    axes.set_ylim(height * (len(arms) - 0.45), -0.55 * height)
    axes.grid(visible=False)
    if len(groups) > 1:
        axes.legend(ncols=len(groups), frameon=False, fontsize=10, loc="lower left", bbox_to_anchor=(-0.02, 1.0))
    return axes
