"""Figures of offers: what a reward sees, and who learns (chapter 11)."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crm_rl.plots.style import BLUE, ORANGE


def reward_and_profit(groups: dict[str, tuple[float, np.ndarray]], nothing: float) -> Axes:
    """Draw what actions earn, in columns of actions that a reward cannot tell apart.

    Args:
        groups: by name, in order: the mean reward of the group, and what each of its actions earns in dollars a
            customer. The last is the one that the reward puts first.
        nothing: what customers who get no message earn, a dashed line.
    """
    axes = plt.subplots(figsize=(6, 3.7))[1]
    names = [f"{name}\n{reward:.2f}" for name, (reward, _) in groups.items()]
    for place, (_, dollars) in enumerate(groups.values()):
        beside = np.linspace(-0.22, 0.22, len(dollars)) if len(dollars) > 1 else np.zeros(1)
        colour = ORANGE if place == len(groups) - 1 else BLUE
        axes.plot(place + beside, np.sort(dollars), "o", color=colour, markersize=4.5, alpha=0.75)
    axes.axhline(nothing, color="dimgrey", linestyle="--", linewidth=1.4, zorder=0)
    axes.annotate("nothing sent", (-0.62, nothing), (0, 4), textcoords="offset points", fontsize=9.5, color="dimgrey")
    axes.set_xticks(range(len(names)), names, fontsize=10)
    axes.set(xlim=(-0.65, len(names) - 0.5), ylabel="profit in 12 weeks ($ a customer)")
    axes.set_xlabel("what the published reward sees, and its mean reward")
    axes.grid(axis="x", visible=False)
    return axes


def shares_of_learners(scores: pd.DataFrame, lines: dict[str, float]) -> Axes:
    """Draw shares of the attainable gain with intervals, a row a learner.

    Args:
        scores: a row a learner with `mean`, `low` and `high`, in the order in which they are drawn.
        lines: by name, shares that are known exactly, drawn as dashed lines.
    """
    axes = plt.subplots(figsize=(6, 0.9 + 0.42 * len(scores)))[1]
    for place, (_, row) in enumerate(scores.iterrows()):
        axes.plot([row["low"], row["high"]], [place] * 2, color=BLUE, linewidth=2.5, alpha=0.55)
        axes.plot(row["mean"], place, "o", color=BLUE, markersize=6)
        axes.annotate(
            f"{row['mean']:.2f}".replace("-", "−"), (row["mean"], place), (0, 6), textcoords="offset points",
            ha="center", fontsize=9, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )  # fmt: skip
    for name, share in lines.items():
        axes.axvline(share, color="dimgrey", linestyle="--", linewidth=1.2, zorder=1)
        axes.annotate(
            name, (share, 1), (0, 4), xycoords=("data", "axes fraction"), textcoords="offset points", ha="center",
            fontsize=9.5, color="dimgrey",
        )  # fmt: skip
    axes.set_yticks(range(len(scores)), scores.index, fontsize=10)
    axes.set(xlabel="share of the attainable gain", ylim=(len(scores) - 0.5, -0.7))
    axes.grid(axis="y", visible=False)
    return axes
