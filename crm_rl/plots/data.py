"""Figures of the customers: rates, dates, parts (chapters 1 and 2)."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from crm_rl.plots.style import GREEN, PURPLE, RED, SKY, YELLOW


def parts_by_month(splits: dict[str, dict[str, pd.DataFrame]]) -> list[Axes]:
    """Draw when the customers of each part arrived, a panel a split, with a tick for each subscriber above the bars.

    Who has no arrival is not drawn.

    Args:
        splits: by the panel's title, the parts by name, as `Split.parts` gives them.

    Returns:
        One axes a split.
    """
    _, panels = plt.subplots(len(splits), 1, figsize=(7, 2.3 * len(splits)), sharex=True)
    for axes, (title, parts) in zip(panels, splits.items(), strict=True):
        months = {part: rows["arrival"].dropna().dt.to_period("M").value_counts() for part, rows in parts.items()}
        table = pd.DataFrame(months).fillna(0).sort_index()
        table = table.reindex(pd.period_range(table.index.min(), table.index.max(), freq="M"), fill_value=0)
        top, bottom = 1.18 * table.sum(axis=1).max(), 0
        for (part, rows), colour in zip(parts.items(), (SKY, YELLOW, RED), strict=True):
            name = {"val": "validation"}.get(part, part)
            axes.bar(table.index.to_timestamp(), table[part], width=26, bottom=bottom, color=colour, label=name)
            bottom = bottom + table[part]
            who = rows.loc[rows["subscribed"], "arrival"].dropna()
            axes.plot(who, [top] * len(who), "|", color=colour, markersize=13, markeredgewidth=2)
        axes.annotate("each tick: a subscriber", (table.index[0].to_timestamp(), 0.88 * top), fontsize=9, va="center")
        axes.set(title=title, ylabel="arrivals a month", ylim=(0, 1.12 * top))
        axes.grid(axis="x", visible=False)
        ticks = AutoDateLocator(maxticks=7)
        axes.xaxis.set_major_locator(ticks)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(ticks))
    panels[0].legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(0.04, 0.42))
    return list(panels)


def against_chance(by_chance: pd.Series, marked: dict[str, float], axes: Axes | None = None) -> Axes:
    """Draw a histogram of what chance gives, and lines where given results stand.

    Args:
        by_chance: the values that chance gave; the name becomes the axis label.
        marked: results to mark, by what to write beside them.
        axes: where to draw.
    """
    axes = axes or plt.subplots()[1]
    axes.hist(by_chance, bins=25, color=SKY, edgecolor="white")
    top = axes.get_ylim()[1]
    axes.set_ylim(0, top * (1.05 + 0.12 * len(marked)))
    for place, ((name, value), colour) in enumerate(zip(marked.items(), (RED, GREEN, PURPLE), strict=False)):
        axes.axvline(value, color=colour, linewidth=2)
        side = "right" if value > np.mean(axes.get_xlim()) else "left"  # the text stays inside
        axes.annotate(f" {name} ", (value, top * (1.05 + 0.12 * place)), color=colour, fontsize=9, ha=side)
    axes.set(xlabel=by_chance.name, ylabel="relabellings")
    axes.grid(axis="x", visible=False)
    return axes
