"""The figure of the tour: what tables of rising size get, beside a network and the optimum."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from crm_rl.plots.style import BLUE, GREY, ORANGE


def tables_and_network(tables: pd.DataFrame, network: pd.Series) -> Axes:
    """Draw the share of the attainable gain of tables against their rows, and that of a network as a line.

    Args:
        tables: a row per table: `rows`, in use after training, and `mean`, `low` and `high` of its share.
        network: `mean`, `low` and `high` of its share.
    """
    axes = plt.subplots(figsize=(5.6, 4.0))[1]
    left, right = 0.6 * tables["rows"].min(), 1.7 * tables["rows"].max()
    axes.axhspan(100 * network["low"], 100 * network["high"], color=ORANGE, alpha=0.22, linewidth=0)
    axes.axhline(100 * network["mean"], color=ORANGE, linewidth=2.2)
    axes.vlines(tables["rows"], 100 * tables["low"], 100 * tables["high"], color=BLUE, linewidth=2, alpha=0.6)
    axes.plot(tables["rows"], 100 * tables["mean"], "o", color=BLUE, markersize=7)
    for height, style in ((100, "--"), (0, "-")):
        axes.axhline(height, color=GREY, linestyle=style, linewidth=1.4)
    inside = left * 1.15
    for name, height, colour in (
        ("best plan", 103, "dimgrey"),
        ("a network", 100 * network["high"] + 3, "#a05000"),
        ("Q-tables", 100 * tables["high"].iloc[:2].max() + 5, BLUE),
    ):
        axes.text(inside, height, name, fontsize=11, color=colour)
    axes.text(right / 1.15, 3, "waiting", fontsize=11, color="dimgrey", ha="right")
    axes.set(xscale="log", xlim=(left, right), ylim=(min(-45, 100 * tables["low"].min() - 5), 115))
    axes.set(xlabel="rows of the table", ylabel="share of the attainable gain (%)", yticks=range(0, 101, 25))
    axes.set_xticks([100, 1_000, 10_000], ["100", "1,000", "10,000"])
    axes.minorticks_off()
    axes.grid(axis="x", visible=False)
    return axes
