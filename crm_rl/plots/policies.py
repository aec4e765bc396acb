"""Figures of what policies do and what comes of it (chapters 3, 4 and 7)."""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from crm_rl.plots.style import BLUE, GREEN, GREY, RED, ROW_NAMES, SKY, YELLOW


def journey(journeys: dict[str, pd.DataFrame]) -> Axes:
    """Draw what was done with customers and what it earned: a row of boxes a customer, a box a step.

    Args:
        journeys: by the customer's name, a table with the columns `action` and `reward` and a row a step.
    """
    longest = max(len(steps) for steps in journeys.values())
    axes = plt.subplots(figsize=(7, 0.5 + 0.85 * len(journeys)))[1]
    for row, (name, steps) in enumerate(journeys.items()):
        axes.text(-0.48, row - 0.42, name, fontsize=10, va="center")
        for step, (action, reward) in enumerate(zip(steps["action"], steps["reward"], strict=True)):
            colour = "whitesmoke" if reward <= 0 else SKY if reward < 50 else YELLOW
            box = plt.Rectangle((step - 0.48, row - 0.24), 0.96, 0.56, facecolor=colour, edgecolor=GREY)
            axes.add_patch(box)
            axes.text(step, row + 0.04, f"{action}\n{reward:+.4g}", fontsize=9, ha="center", va="center")
    axes.set(xlabel="step", xlim=(-0.55, longest - 0.45), ylim=(len(journeys) - 0.55, -0.62), yticks=[])
    axes.set_xticks(range(longest))
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    return axes


def q_heat_map(values: pd.DataFrame, axes: Axes | None = None) -> Axes:
    """Draw Q-values as a table whose cells are the darker, the nearer to the best action of their row.

    Args:
        values: a row a state or a group of states, a column an action.
        axes: where to draw.
    """
    axes = axes or plt.subplots(figsize=(7, 0.7 + 0.4 * len(values)))[1]
    behind = values.sub(values.max(axis=1), axis=0)
    spread = behind.abs().to_numpy().max() or 1.0
    look = {"cmap": "Blues", "vmin": -0.2, "vmax": 1.4, "cbar": False, "linewidths": 1}
    sns.heatmap(1 + behind / spread, annot=values, fmt=".1f", ax=axes, **look)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, rotation=0)
    axes.set(xlabel="", ylabel="")
    return axes


def action_distribution(shares: pd.DataFrame) -> Axes:
    """Draw which actions of the firm each policy takes, as parts of a bar.

    Args:
        shares: a row a policy, a column an action, each row adding up to 1.
    """
    axes = plt.subplots(figsize=(7, 0.9 + 0.36 * len(shares)))[1]
    places, left = range(len(shares))[::-1], 0.0
    for action, colour in zip(shares.columns, (SKY, BLUE, GREEN, YELLOW, GREY, RED), strict=True):
        axes.barh(places, 100 * shares[action], left=left, height=0.6, color=colour, label=action, edgecolor="white")
        left = left + 100 * shares[action]
    axes.set_yticks(places, [ROW_NAMES.get(name, name) for name in shares.index])
    axes.set(xlabel="share of the firm's actions (%)", xlim=(0, 100))
    axes.legend(ncols=6, frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(-0.02, 1.0), columnspacing=1)
    axes.grid(axis="y", visible=False)
    return axes


def feature_importance(shares: pd.DataFrame, label: str) -> Axes:
    """Draw a number for each feature with its interval, the largest on top.

    Args:
        shares: a row a feature: `value`, `low` and `high`.
        label: what the number is.
    """
    shares = shares.sort_values("value", kind="stable")
    axes = plt.subplots(figsize=(7, 0.8 + 0.26 * len(shares)))[1]
    axes.hlines(range(len(shares)), shares["low"], shares["high"], color=BLUE, linewidth=2)
    axes.plot(shares["value"], range(len(shares)), "o", color=BLUE)
    axes.set_yticks(range(len(shares)), shares.index)
    axes.set(xlabel=label, xlim=(min(0, 1.05 * shares["low"].min()), 1.05 * max(shares["high"].max(), 0)))
    axes.grid(axis="y", visible=False)
    return axes


def full_comparison(tables: dict[str, pd.DataFrame]) -> list[Axes]:
    """Draw the study's rows: subscription rate, first-call rate and reward, a line of panels a setting.

    Args:
        tables: by setting, a row a policy; for each measure the columns `measure`, `measure low`, `measure high`.

    Returns:
        Three axes a setting.
    """
    measures = {"rate %": "subscribers (%)", "first calls %": "first calls (%)", "reward": "average reward"}
    size = (7, 0.5 + 2.7 * len(tables))
    _, grid = plt.subplots(len(tables), len(measures), figsize=size, sharey="row", squeeze=False)
    for line, (setting, table) in zip(grid, tables.items(), strict=True):
        places = range(len(table))[::-1]
        for axes, (measure, label) in zip(line, measures.items(), strict=True):
            axes.hlines(places, table[f"{measure} low"], table[f"{measure} high"], color=BLUE, linewidth=2)
            axes.plot(table[measure], places, "o", color=BLUE)
            axes.set_yticks(places, [ROW_NAMES.get(name, name.replace("_", " ")) for name in table.index])
            axes.set(xlabel=label, ylim=(-0.6, len(table) - 0.4))
            axes.grid(axis="y", visible=False)
        line[0].set_title(setting.replace("_", " "))
        for axes in line[:2]:
            axes.set_xlim(0, 1.12 * axes.dataLim.x1)
    return list(grid.flat)


def claim_and_measurement(
    claimed: pd.Series, measured: pd.DataFrame, base: tuple[float, str], reference: tuple
) -> list:
    """Draw two panels for a talk: the rates as published, and as measured beside a policy that learns nothing.

    Args:
        claimed: a rate in % for each row.
        measured: `rate %`, `rate % low` and `rate % high` for each row.
        base: the published baseline, in %, and what to call it.
        reference: the same for the measured panel.

    Returns:
        The two axes.
    """
    _, panels = plt.subplots(1, 2, figsize=(7, 3), sharey=True, sharex=True)
    places = range(len(claimed))[::-1]
    panels[0].barh(places, claimed, height=0.55, color=SKY)
    panels[1].hlines(places, measured["rate % low"], measured["rate % high"], color=BLUE, linewidth=2)
    panels[1].plot(measured["rate %"], places, "o", color=BLUE)
    panels[0].set_yticks(places, [ROW_NAMES[name] for name in claimed.index])
    for axes, title, (value, name) in zip(panels, ("as published", "as measured"), (base, reference), strict=True):
        axes.axvline(value, color=RED, linewidth=1.5)
        axes.annotate(f" {name}", (value, -0.75), color=RED, fontsize=9, va="center")
        axes.set(title=title, xlabel="subscribers (%)", ylim=(-1.1, len(claimed) - 0.4), xlim=(0, None))
        axes.grid(axis="y", visible=False)
    return list(panels)
