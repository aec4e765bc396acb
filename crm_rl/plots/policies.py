"""Figures of what policies do and what comes of it (chapters 3, 4 and 7)."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crm_rl.plots.style import BLUE, GREEN, GREY, ORANGE, RED, ROW_NAMES, SKY, YELLOW


def feature_visibility(shares: pd.DataFrame, marked: str | None = None) -> Axes:
    """Draw how often each feature was visible, in several groups of episodes, a line a feature.

    Args:
        shares: a row per feature, a column per group, in %; at most four groups, named as the legend is to say.
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


def values_of_policies(values: pd.DataFrame, highlight: str) -> Axes:
    """Draw what policies earn, as bars that say how much of the attainable gain each gets.

    Args:
        values: a row per policy: `dollars`, a customer, and `share`, of the attainable gain.
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
    """Draw which action a plan takes in which week: a panel per situation, a row per customer, a cell per week.

    Args:
        plans: by panel, actions as in `worlds.base.Action`: a row per customer, a column per week; all with the same
            rows and columns.

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
