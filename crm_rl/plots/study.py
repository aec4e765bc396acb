"""Figures of the published study, run again (chapter 8)."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from crm_rl.plots.style import BLUE, GREEN, ORANGE, ROW_NAMES


def published_and_repeated(rates: dict[str, pd.DataFrame]) -> Axes:
    """Draw the rates of a table as published and as they came out again, one below the other in each row.

    A thick line is the interval over seeds, a thin one that over customers. The names stand beside the first row.

    Args:
        rates: by name, at most three; a row per policy, in %: `rate`, `low` and `high` over customers, and, where there
            are seeds, `seeds low` and `seeds high`. All have the same rows.
    """
    rows = list(next(iter(rates.values())).index)
    axes = plt.subplots(figsize=(5.8, 0.7 + 0.78 * len(rows)))[1]
    for i, ((name, table), colour, marker) in enumerate(zip(rates.items(), (ORANGE, BLUE, GREEN), "Dos", strict=False)):
        places = [place + 0.26 * (i - (len(rates) - 1) / 2) for place in range(len(rows))]
        axes.hlines(places, table["low"], table["high"], color=colour, linewidth=1.2)
        if "seeds low" in table:
            axes.hlines(places, table["seeds low"], table["seeds high"], color=colour, linewidth=4, alpha=0.6)
        axes.plot(table["rate"], places, marker, color=colour, markersize=6.5)
        axes.annotate(
            name,
            (table["high"].iloc[0], places[0]),
            (6, 0),
            textcoords="offset points",
            color=colour,
            fontsize=10,
            va="center",
        )
    axes.set_yticks(range(len(rows)), [ROW_NAMES.get(row, row).replace(", ", ",\n") for row in rows])
    axes.set(xlabel="subscribers (%)", xlim=(0, None), ylim=(len(rows) - 0.5, -0.5))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    for place in range(1, len(rows)):
        axes.axhline(place - 0.5, color="gainsboro", linewidth=0.8)
    return axes
