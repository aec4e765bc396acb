"""Figures of the comparison: shares of what there is to gain, with intervals over worlds (chapter 7)."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from crm_rl.plots.style import BLUE, GREY, ORANGE


def share_dots(scores: dict[str, pd.DataFrame], highlight: str) -> list[Axes]:
    """Draw what each arm came to, as a dot with its interval: a panel per world.

    Args:
        scores: by panel, a row an arm with `mean`, `low` and `high`; the panels have the same arms in the same order.
        highlight: the arm that stands out.

    Returns:
        The axes, from left to right.
    """
    arms = next(iter(scores.values())).index
    _, panels = plt.subplots(
        1, len(scores), figsize=(7.4, 0.9 + 0.27 * len(arms)), sharex=True, sharey=True, squeeze=False
    )
    for axes, (title, table) in zip(panels.flat, scores.items(), strict=True):
        for place, (arm, row) in enumerate(table.iterrows()):
            colour = ORANGE if arm == highlight else BLUE
            axes.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2, alpha=0.5)
            axes.plot(row["mean"], place, "o", color=colour, markersize=5)
        axes.axvline(0, color=GREY, linewidth=1)
        axes.axvline(1, color=GREY, linewidth=1, linestyle="--")
        axes.set(title=title, xlabel="share of the gain", yticks=range(len(arms)), yticklabels=arms)
    panels[0, 0].invert_yaxis()
    return list(panels.flat)
