"""Figures of the audit (chapter 9): what each group did while the whole did another thing, and what could be seen."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crm_rl.plots.style import BLUE, GREY, ORANGE, RED


def mixture(rates: pd.DataFrame, shares: pd.DataFrame) -> list[Axes]:
    """Draw the rate of each group in two periods, beside who makes up each period.

    Args:
        rates: a row per (group, period), with `rate %`, `low %` and `high %`; the last group is everybody.
        shares: a row per group without the last, a column a period: customers in %.

    Returns:
        A panel per group of `rates`, then one of the shares.
    """
    groups, periods = rates.index.unique(0), list(rates.index.unique(1))
    _, panels = plt.subplots(1, len(groups) + 1, figsize=(7, 3.0))
    for axes, group in zip(panels, groups, strict=False):
        lines = rates.loc[group]
        colour = RED if group == groups[-1] else BLUE
        axes.vlines(range(len(periods)), lines["low %"], lines["high %"], color=colour, linewidth=2)
        axes.plot(range(len(periods)), lines["rate %"], "o-", color=colour, linewidth=1)
        axes.set(title=group, xlim=(-0.5, len(periods) - 0.5), ylim=(0, None))
        axes.set_xticks(range(len(periods)), periods)
    panels[0].set_ylabel("subscribed (%)")
    bottom, colours = np.zeros(len(periods)), (BLUE, ORANGE, GREY)
    for group, colour in zip(shares.index, colours, strict=False):
        heights = shares.loc[group, periods].to_numpy(dtype=float)
        panels[-1].bar(range(len(periods)), heights, bottom=bottom, color=colour, width=0.6)
        bottom += heights
    for place, (group, colour) in enumerate(zip(shares.index, colours, strict=False)):
        panels[-1].text(0.5, -0.26 - 0.09 * place, group, transform=panels[-1].transAxes, color=colour, fontsize=9)
    panels[-1].set(title="who they are (%)", xlim=(-0.5, len(periods) - 0.5))
    panels[-1].set_xticks(range(len(periods)), periods)
    panels[-1].grid(axis="x", visible=False)
    for axes in panels:
        axes.tick_params(labelsize=8)
        axes.set_title(axes.get_title(loc="left"), fontsize=10, loc="left")
    return list(panels)


def room(rows: pd.DataFrame, ends: dict[str, float], base: float) -> Axes:
    """Draw the rates of policies between the floor and the ceiling of the customers they were counted on.

    Args:
        rows: a row per policy: `measured %`, and `published %`, `low %`, `high %` where published (else missing).
        ends: what to write at the floor and at the ceiling, in this order, and where they are, in %.
        base: the rate by which the study divided, in %.
    """
    _, axes = plt.subplots(figsize=(5.6, 1.0 + 0.4 * len(rows)))
    places, top = np.arange(len(rows))[::-1], len(rows) + 0.75
    (floor_text, floor), (ceiling_text, ceiling) = ends.items()
    axes.axvspan(floor, ceiling, color=BLUE, alpha=0.18, linewidth=0)
    axes.axvline(base, color=RED, linestyle="--", linewidth=1.5)
    axes.hlines(places + 0.15, rows["low %"], rows["high %"], color=ORANGE, linewidth=2)
    axes.plot(rows["published %"], places + 0.15, "D", color=ORANGE, markersize=6)
    axes.plot(rows["measured %"], places - 0.15, "o", color=BLUE, markersize=7)
    axes.set_yticks(places, rows.index)
    axes.set(xlabel="subscribers (% of test customers)", ylim=(-0.7, len(rows) + 0.85), xlim=(0, None))
    axes.text(base + 0.03, 0.5, f"{base:.2f}%: share\nof all rows", color=RED, fontsize=9, va="center")
    axes.text(floor - 0.03, top, floor_text, color=BLUE, fontsize=9, ha="right", va="top")
    axes.text(ceiling + 0.03, top, ceiling_text, color=BLUE, fontsize=9, va="top")
    axes.text(rows["published %"].iloc[0], places[0] + 0.3, "published", color="#8f5e02", fontsize=9, va="bottom")
    axes.text(ceiling + 0.03, places[0] - 0.2, "our re-run", color=BLUE, fontsize=9, va="center")
    axes.grid(visible=False)
    return axes


def factor_in_two(rates: dict[str, float], steps: Sequence[str]) -> Axes:
    """Draw three rates as bars, and by what each step multiplies: one factor taken apart into two.

    Args:
        rates: what to write beside each bar, and its rate in %, the denominator first.
        steps: what to write at the step from the first bar to the second, and from the second to the third.
    """
    _, axes = plt.subplots(figsize=(5.6, 2.5))
    places, colours, heights = [2, 1, 0], (RED, BLUE, ORANGE), list(rates.values())
    axes.barh(places, heights, color=colours, height=0.5)
    axes.set_yticks(places, rates)
    for place, rate in zip(places, heights, strict=True):
        axes.text(rate - 0.02, place, f"{rate:.2f}%", color="white", ha="right", va="center", fontsize=10)
    right = max(heights)
    for place, text in zip((1.5, 0.5), steps, strict=True):
        axes.annotate(
            "",
            (right + 0.08, place - 0.45),
            (right + 0.08, place + 0.45),
            arrowprops={"arrowstyle": "->", "color": GREY, "linewidth": 1.5},
        )
        axes.text(right + 0.14, place, text, va="center", fontsize=10)
    axes.set(xlim=(0, 2.15 * right), xlabel="subscribers (% of customers)")
    axes.set_xticks(np.arange(0, right + 0.1, 0.5))
    axes.grid(axis="y", visible=False)
    return axes
