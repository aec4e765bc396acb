"""Figures of what policies do and what comes of it (chapters 3, 4 and 7)."""

from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from crm_rl.plots.style import BLUE, GREEN, GREY, ORANGE, RED, ROW_NAMES, SKY, YELLOW


def journey(journeys: dict[str, pd.DataFrame]) -> Axes:
    """Draw what was done with customers and what it earned: a column of boxes a customer, a box a step.

    The figure is narrow, so that the words in the boxes can be read on a phone.

    Args:
        journeys: by the customer's name, a table with the columns `action` and `reward` and a row a step.
    """
    longest = max(len(steps) for steps in journeys.values())
    axes = plt.subplots(figsize=(0.5 + 1.35 * len(journeys), 0.6 + 0.34 * longest))[1]
    for column, steps in enumerate(journeys.values()):
        for step, (action, reward) in enumerate(zip(steps["action"], steps["reward"], strict=True)):
            colour = "whitesmoke" if reward <= 0 else SKY if reward < 50 else YELLOW
            box = plt.Rectangle((column - 0.47, step - 0.44), 0.94, 0.88, facecolor=colour, edgecolor=GREY)
            axes.add_patch(box)
            axes.text(column - 0.41, step, action, fontsize=10, ha="left", va="center")
            axes.text(column + 0.41, step, f"{reward:+.4g}", fontsize=10, ha="right", va="center")
    axes.set(ylabel="step", xlim=(-0.55, len(journeys) - 0.45), ylim=(longest - 0.45, -0.55))
    axes.set_xticks(range(len(journeys)), [fill(name, 16) for name in journeys], fontsize=10)
    axes.set_yticks(range(longest))
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return axes


def q_heat_map(values: pd.DataFrame, axes: Axes | None = None) -> Axes:
    """Draw Q-values as a table whose cells are the darker, the further above the mean of their row.

    The scale is that of all rows, and what lies below its row's mean is white: a row without preference stays pale.

    Args:
        values: a row a state or a group of states, a column an action.
        axes: where to draw.
    """
    axes = axes or plt.subplots(figsize=(6, 0.7 + 0.4 * len(values)))[1]
    ahead = values.sub(values.mean(axis=1), axis=0).clip(lower=0)
    look = {"cmap": "Blues", "vmin": 0, "vmax": 1.3 * ahead.to_numpy().max() or 1.0, "cbar": False, "linewidths": 1}
    sns.heatmap(ahead, annot=values, fmt=".1f", ax=axes, linecolor="gainsboro", **look)
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


def feature_visibility(shares: pd.DataFrame, marked: str | None = None) -> Axes:
    """Draw how often each feature was visible, in several groups of episodes, a line a feature.

    Args:
        shares: a row a feature, a column a group, in %; at most four groups, named as the legend is to say.
        marked: a feature whose name is printed in red.
    """
    axes = plt.subplots(figsize=(6, 1.1 + 0.27 * len(shares)))[1]
    places = range(len(shares))[::-1]
    for group, colour, shape in zip(shares, (BLUE, GREEN, ORANGE, GREY), "oDsv", strict=False):
        axes.plot(shares[group], places, shape, color=colour, markersize=6, label=group, linestyle="none")
    axes.set_yticks(places, shares.index)
    axes.set(xlabel="visible (% of episodes, at the end)", xlim=(-3, 103), ylim=(-0.6, len(shares) - 0.4))
    for label in axes.get_yticklabels():
        label.set_color(RED if label.get_text() == marked else "black")
    axes.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=1, handletextpad=0.1)
    return axes


def full_comparison(games: dict[str, tuple[pd.DataFrame, pd.DataFrame]], learned: tuple[str, ...]) -> list[Axes]:
    """Draw the policies of each game: subscribers and reward, a line of two panels a game.

    A small dot, below its line, is a seed; a large one the interquartile mean with its interval over seeds. In the
    first panel a thin line is the interval over customers and seeds. The rewards of different games have different
    axes; what lies far to the left of the learners and the random policy is written at the edge.

    Args:
        games: by title, the table that `evaluation.compare` returns, and the runs that it was made from.
        learned: the policies that learn, to be drawn in another colour than those that do not.

    Returns:
        Two axes a game.
    """
    sizes = [len(table) for table, _ in games.values()]
    _, grid = plt.subplots(
        len(games),
        len(PANELS),
        figsize=(5.6, 0.9 * len(games) + 0.26 * sum(sizes)),
        sharey="row",
        squeeze=False,
        height_ratios=sizes,
    )
    for line, (title, (table, runs)) in zip(grid, games.items(), strict=True):
        places = dict(zip(table.index, range(len(table))[::-1], strict=True))
        colours = [BLUE if row in learned else GREY for row in table.index]
        line[0].hlines(list(places.values()), table["customers low"], table["customers high"], colours, linewidth=0.8)
        for axes, (measure, (column, label)) in zip(line, PANELS.items(), strict=True):
            several = runs[runs["row"].isin([row for row, seeds in runs.groupby("row") if len(seeds) > 1])]
            axes.plot(several[column], several["row"].map(places) - 0.27, "o", color=ORANGE, markersize=2.5, alpha=0.6)
            axes.hlines(
                list(places.values()), table[f"{measure} low"], table[f"{measure} high"], colours, linewidth=2.5
            )
            axes.scatter(table[measure], list(places.values()), color=colours, s=26, zorder=3)
            axes.set(xlabel=label, ylim=(-0.6, len(table) - 0.4))
            axes.grid(axis="y", visible=False)
        names = [ROW_NAMES.get(row, row.replace("_", " ")).removesuffix(", selection") for row in table.index]
        line[0].set_yticks(list(places.values()), names)
        line[0].set_title(title)
        line[0].set_xlim(left=-0.03 * line[0].dataLim.x1)
        _cut_left(line[1], table["reward"], runs.loc[runs["row"].isin([*learned, "random"]), "average_reward"], places)
    return list(grid.flat)


def _cut_left(axes: Axes, rewards: pd.Series, main: pd.Series, places: dict[str, int]) -> None:
    """Where some rewards lie far to the left of the main ones, end the axis before them and write them at its edge."""
    left, right = main.min(), max(main.max(), rewards.max())
    reach = right - left
    if right - rewards.min() > 2.5 * reach:
        edge = left - 0.22 * reach
        axes.set_xlim(edge, right + 0.08 * reach)
        for row, reward in rewards[rewards < left - 0.2 * reach].items():
            axes.annotate(f" ← −{-reward:,.0f}", (edge, places[row]), fontsize=9, va="center")


#: The panels of `full_comparison`: the column of the runs, and what to write at the axis.
PANELS = {
    "rate %": ("subscription_rate", "subscribers (%)"),
    "reward": ("average_reward", "average reward"),
}


def claim_and_measurement(
    claimed: pd.DataFrame, measured: pd.DataFrame, references: tuple[pd.Series, pd.Series]
) -> list:
    """Draw two panels for a talk: the rates as published, and as measured, each beside what it is to be held against.

    Args:
        claimed: a row a policy: `rate %`, `low %` and `high %`.
        measured: the same.
        references: for each panel, by policy, the rate that it is held against, in %; the name becomes the label.

    Returns:
        The two axes.
    """
    _, panels = plt.subplots(1, 2, figsize=(6.2, 3.1), sharey=True, sharex=True)
    places = dict(zip(claimed.index, range(len(claimed))[::-1], strict=True))
    for axes, title, rates, reference in zip(
        panels, ("as published", "as measured"), (claimed, measured), references, strict=True
    ):
        rows = rates.index.map(places)
        axes.hlines(rows, rates["low %"], rates["high %"], color=BLUE, linewidth=2)
        axes.plot(rates["rate %"], rows, "o", color=BLUE)
        ticks = reference.index.map(places).to_numpy(dtype=float)
        axes.vlines(reference, ticks - 0.36, ticks + 0.36, color=RED, linewidth=2)
        axes.annotate(reference.name, (reference.iloc[-1], -0.8), color=RED, fontsize=9, va="center")
        axes.set(title=title, xlabel="subscribers (%)", ylim=(-1.1, len(claimed) - 0.4), xlim=(0, None))
        axes.grid(axis="y", visible=False)
    panels[0].set_yticks(list(places.values()), [ROW_NAMES[name] for name in places])
    return list(panels)


def values_of_policies(values: pd.DataFrame, highlight: str) -> Axes:
    """Draw what policies earn, as bars that say how much of the attainable gain each gets.

    Args:
        values: a row a policy: `dollars`, a customer, and `share`, of the attainable gain.
        highlight: the policy that stands out.
    """
    axes = plt.subplots(figsize=(5.4, 0.8 + 0.46 * len(values)))[1]
    places = range(len(values))[::-1]
    colours = [ORANGE if name == highlight else BLUE for name in values.index]
    axes.barh(places, values["dollars"], height=0.62, color=colours)
    for place, (_, row) in zip(places, values.iterrows(), strict=True):
        sign = "−" if row["dollars"] < 0 else ""
        text = f"{sign}${abs(row['dollars']):.2f}, {100 * row['share']:.0f}%".replace("-", "−")
        axes.text(max(row["dollars"], 0) + 0.8, place, text, va="center", fontsize=10)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_yticks(places, values.index)
    axes.set(xlabel="earnings (dollars a customer)", xlim=(1.1 * min(values["dollars"].min(), 0), None))
    axes.set_xlim(right=axes.get_xlim()[1] + 0.25 * (axes.get_xlim()[1] - axes.get_xlim()[0]))
    axes.grid(visible=False)
    return axes


#: Name, letter and colour of each action in `plans_by_week`, by its number; waiting is left white.
CELLS = (
    ("email", "E", SKY),
    ("call", "C", BLUE),
    ("demo", "D", GREEN),
    ("survey", "S", YELLOW),
    ("wait", "", "white"),
    ("manager", "M", RED),
)


def plans_by_week(plans: dict[str, pd.DataFrame]) -> list[Axes]:
    """Draw which action a plan takes in which week: a panel a situation, a row a customer, a cell a week.

    Args:
        plans: by panel, actions as in `worlds.base.Action`: a row a customer, a column a week; all with the same rows
            and columns.

    Returns:
        The axes, from top to bottom.
    """
    first = next(iter(plans.values()))
    height = 0.75 + len(plans) * (0.42 + 0.36 * len(first))
    _, panels = plt.subplots(len(plans), 1, figsize=(5.4, height), sharex=True, squeeze=False)
    for axes, (title, table) in zip(panels.flat, plans.items(), strict=True):
        for row, actions in enumerate(table.to_numpy()):
            for column, action in enumerate(actions):
                _, letter, colour = CELLS[action]
                box = plt.Rectangle((column - 0.46, row - 0.42), 0.92, 0.84, facecolor=colour, edgecolor=GREY)
                axes.add_patch(box)
                axes.text(column, row, letter, ha="center", va="center", fontsize=10)
        axes.set(title=title, xlim=(-0.55, len(table.columns) - 0.45), ylim=(len(table) - 0.5, -0.5))
        axes.set_yticks(range(len(table)), table.index)
        axes.set_xticks(range(len(table.columns)), table.columns)
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    panels[-1, 0].set_xlabel("week")
    taken = np.unique([table.to_numpy() for table in plans.values()])
    handles = [plt.Rectangle((0, 0), 1, 1, facecolor=CELLS[action][2], edgecolor=GREY) for action in taken]
    labels = [f"{CELLS[action][1]} {CELLS[action][0]}".strip() for action in taken]
    panels[0, 0].figure.legend(handles, labels, ncols=len(taken), frameon=False, loc="outside upper left", fontsize=10)
    return list(panels.flat)
