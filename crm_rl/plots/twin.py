"""Figures that put the twin beside the counts it was drawn from (the lab note on fidelity)."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crm_rl.data.columns import EVENTS
from crm_rl.plots.style import BLUE, ORANGE


def cell_by_cell(counted: pd.Series, drawn: pd.Series, people: int) -> Axes:
    """Draw every cell of the counted tables against the same cell of the drawn ones, on logarithmic axes.

    Args:
        counted, drawn: people in each cell, in the same order; cells that the spec leaves empty are not drawn.
        people: how many there are in all.
    """
    axes = plt.subplots(figsize=(7, 4.2))[1]
    size = np.geomspace(4, people, 200)
    noise = 2 * np.sqrt(size)
    axes.fill_between(size, np.maximum(size - noise, 0.5), size + noise, color="0.85")
    shown = counted.to_numpy() > 0
    axes.plot(counted[shown], drawn[shown].clip(lower=0.5), "o", color=BLUE, markersize=3, alpha=0.6)
    axes.set(xscale="log", yscale="log", xlabel="people in the spec", ylabel="people in the twin")
    return axes


def reached_by_week(steps: pd.DataFrame, bins: dict[str, list]) -> list[Axes]:
    """Draw how soon each milestone is reached: lines for the drawn customers, dots for the counted bins.

    Args:
        steps: as `spec.milestone_steps` returns them.
        bins: of "contacted call" and so on, the counts as [first day, day after the last, people].

    Returns:
        Six axes, one an event.
    """
    _, grid = plt.subplots(2, 3, figsize=(7, 4.4), sharex=True, sharey=True)
    for axes, event in zip(grid.flat, EVENTS, strict=True):
        for origin, colour in (("contacted", BLUE), ("inbound", ORANGE)):
            who = (steps["event"] == event) & (steps["origin"] == origin)
            days = np.sort(steps["since arrival"][who].clip(lower=0))
            place = np.linspace(0, 1, len(days) + 1)[1:]
            axes.step(days / 7, place, where="post", color=colour, label=origin)
            counted = np.array(bins[f"{origin} {event}"])
            reached = counted[:, 2].cumsum() / counted[:, 2].sum()
            axes.plot((counted[:, 1] - 1) / 7, reached, "o", color=colour, markersize=4)
        axes.set_title(event)
        axes.set_xlim(-1, 60)
    grid[1, 1].set_xlabel("weeks since arrival")
    for axes in grid[:, 0]:
        axes.set_ylabel("share reached")
    grid[0, 0].legend(frameon=False, fontsize=9, loc="lower right")
    return list(grid.flat)
