"""Figures of email audiences (chapter 10)."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crm_rl.plots.style import BLUE, GREY, ORANGE


def promised_and_delivered(lists: pd.DataFrame, base: float) -> Axes:
    """Draw what each list of audiences promised in one half of the emails, and what the other half delivered.

    Args:
        lists: a row a list, with `promised`, `delivered`, `low`, `high`, all rates.
        base: the rate of all emails.
    """
    _, axes = plt.subplots(figsize=(6.2, 2.9))
    places = np.arange(len(lists))[::-1]
    axes.axvline(100 * base, color=GREY, linestyle="--", linewidth=1.5)
    axes.hlines(places, 100 * lists["delivered"], 100 * lists["promised"], color=GREY, linewidth=1, alpha=0.6)
    axes.hlines(places, 100 * lists["low"], 100 * lists["high"], color=BLUE, linewidth=3)
    axes.plot(100 * lists["promised"], places, "D", color=ORANGE, markersize=8)
    axes.plot(100 * lists["delivered"], places, "o", color=BLUE, markersize=8)
    axes.set_yticks(places, lists.index)
    axes.set(xlabel="emails answered (%)", xlim=(15, 105), ylim=(-0.6, len(lists) - 0.2))
    first = lists.iloc[0]
    axes.text(100 * first["promised"], places[0] + 0.22, "promised", color="#8f5e02", ha="right", fontsize=10)
    axes.text(100 * first["delivered"] + 6, places[0] + 0.22, "delivered", color=BLUE, fontsize=10)
    axes.text(100 * base - 1, -0.5, "all emails", color="#555555", ha="right", fontsize=9)
    axes.grid(visible=False)
    return axes


def calibration(bins: pd.DataFrame, what: str) -> Axes:
    """Draw how often something happened against the probability that was predicted for it.

    Args:
        bins: a row a bin of predictions, with `predicted` (their mean), `happened`, `low`, `high`: all shares.
        what: happened, for the axes' names.
    """
    _, axes = plt.subplots(figsize=(4.6, 3.9))
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1.5)
    axes.vlines(bins["predicted"], bins["low"], bins["high"], color=BLUE, linewidth=2.5)
    axes.plot(bins["predicted"], bins["happened"], "o", color=BLUE, markersize=7)
    axes.text(0.42, 0.28, "perfect\ncalibration", color="#555555", fontsize=10)
    axes.set(xlabel=f"predicted chance: {what}", ylabel="share of cells where it did", xlim=(0, 1), ylim=(0, 1))
    axes.grid(visible=False)
    return axes
