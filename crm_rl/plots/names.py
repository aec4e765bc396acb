"""Figures of names that are read as numbers (chapter 2)."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crm_rl.plots.style import BLUE, GREEN, GREY, ORANGE, RED


def two_labellings(rates: dict[str, float], labellings: dict[str, dict[str, int]]) -> list[Axes]:
    """Draw the least-squares line through the same groups under different labels, a panel a labelling.

    Args:
        rates: the rate of each group in percent, by its true name.
        labellings: by the panel's title, the number that each group is given.

    Returns:
        One axes a labelling.
    """
    _, panels = plt.subplots(1, len(labellings), figsize=(7, 2.7), sharey=True)
    for axes, (title, label) in zip(panels, labellings.items(), strict=True):
        x, y = np.array([label[name] for name in rates]), np.array(list(rates.values()))
        slope, start = np.polyfit(x, y, 1)
        ends = np.array([x.min() - 0.4, x.max() + 0.4])
        axes.plot(ends, start + slope * ends, color=RED, linewidth=2)
        for name, colour, number, rate in zip(rates, (BLUE, ORANGE, GREEN), x, y, strict=False):
            axes.plot(number, rate, "o", color=colour, markersize=9)
            away = 0.7 if rate > start + slope * number else -0.7  # from the line
            axes.annotate(name, (number, rate + away), color=colour, ha="center", va="center", fontsize=10)
        axes.set(title=title, xlabel="code", xticks=sorted(x), xlim=(ends[0] - 0.2, ends[1] + 0.2), ylim=(0, 5.5))
    panels[0].set_ylabel("takes a call (%)")
    return list(panels)


def on_noise(summary: pd.DataFrame) -> Axes:
    """Draw what encodings score on shuffled outcomes, an interval a line; honest ones stand at 0.5.

    Args:
        summary: a row an encoding, the index naming it (a line break is kept), with the columns `low`, `median`
            and `high` of the AUC.
    """
    axes = plt.subplots(figsize=(7, 0.9 + 0.42 * len(summary)))[1]
    places = np.arange(len(summary))[::-1]
    axes.axvline(0.5, color=GREY, linewidth=1.5)
    axes.hlines(places, summary["low"], summary["high"], color=ORANGE, linewidth=2.5)
    axes.plot(summary["median"], places, "o", color=ORANGE)
    axes.set_yticks(places, summary.index)
    axes.set(xlabel="AUC on shuffled outcomes (0.5: nothing to find)", ylim=(-0.6, len(summary) - 0.4))
    axes.grid(axis="y", visible=False)
    return axes
