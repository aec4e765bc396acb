"""Figures of weekly budgets (chapter 12)."""

from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crm_rl.plots.style import BLUE, GREY, ORANGE


def spending_by_price(prices: np.ndarray, spent: np.ndarray, budget: float, price: float) -> Axes:
    """Draw what a week's choices cost at each price, and where they meet the budget.

    Args:
        prices: in dollars a dollar.
        spent: dollars at each price.
        budget: dollars.
        price: at which the choices fit the budget.
    """
    axes = plt.subplots(figsize=(6, 3.4))[1]
    axes.step(prices, spent, where="post", color=BLUE, linewidth=2.2)
    axes.axhline(budget, color=ORANGE, linewidth=1.8, linestyle="--")
    axes.plot([price, price], [0, budget], color=GREY, linewidth=1.4, linestyle=":")
    axes.plot(price, budget, "o", color=ORANGE, markersize=8)
    right = prices[-1]
    axes.annotate(
        f"the budget, {budget:,.0f} dollars", (right, budget), (0, 5), textcoords="offset points", color="dimgrey",
        fontsize=10, ha="right",
    )  # fmt: skip
    axes.annotate(
        f"its price: {price:.2f}", (price, budget), (24, 40), textcoords="offset points", fontsize=10, color="dimgrey",
        arrowprops={"arrowstyle": "-", "color": "grey"},
    )  # fmt: skip
    axes.set(xlabel="price of a dollar (dollars of gain)", ylabel="spent in the week (dollars)")
    axes.set(xlim=(0, right), ylim=(0, 1.05 * spent.max()))
    axes.grid(axis="x", visible=False)
    return axes


def shares_of_bound(table: pd.DataFrame) -> Axes:
    """Draw each policy's share of the attainable gain with its interval, best first.

    Args:
        table: by policy, `mean`, `low` and `high`, in the order in which they are drawn.
    """
    axes = plt.subplots(figsize=(6, 4.8))[1]
    for place, (_, row) in enumerate(table.iterrows()):
        axes.plot([row["low"], row["high"]], [place] * 2, color=BLUE, linewidth=2.2, alpha=0.55)
        axes.plot(row["mean"], place, "o", color=BLUE, markersize=7)
    for place, label in ((0, "nothing sent"), (1, "the bound")):
        axes.axvline(place, color="dimgrey", linewidth=1.2, linestyle="--" if place else "-", zorder=0)
        axes.annotate(
            label, (place, 1), (0, 4), xycoords=("data", "axes fraction"), textcoords="offset points", ha="center",
            fontsize=10, color="dimgrey",
        )  # fmt: skip
    axes.set_yticks(range(len(table)), [fill(name, 18) for name in table.index], fontsize=10)
    axes.set(xlabel="share of the attainable gain", ylim=(len(table) - 0.5, -0.6))
    axes.set_xlim(min(-0.15, table["low"].min() - 0.05), 1.12)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color="gainsboro")
    return axes
