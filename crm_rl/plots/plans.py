"""Figures of plans in the responsive world: who gets which action when, and what is at stake (chapter 9)."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from crm_rl.plots.style import BLUE, GREEN, GREY, ORANGE, PINK, SKY, YELLOW
from crm_rl.worlds.base import Action

#: A colour an action, in the order of `funnel.Action`. Dark text is legible on each.
ACTION_COLOURS = (SKY, ORANGE, "#5fc49a", YELLOW, "#dddddd", PINK)
ACTION_LABELS = ("email", "call", "demo", "survey", "wait", "manager")


def first_actions(maps: dict[str, np.ndarray], people: dict[str, pd.DataFrame]) -> list[Axes]:
    """Draw maps of the best first action over the standings of country (across) and bootcamp (up).

    Args:
        maps: by title, the actions on an even grid over [0, 1] x [0, 1], shape (bootcamps, countries).
        people: by title, `country`, `bootcamp` and `customers` of those to mark on the map.

    Returns:
        One axes a map.
    """
    _, panels = plt.subplots(1, len(maps), figsize=(7, 3.9), sharey=True)
    for axes, (title, actions) in zip(panels, maps.items(), strict=True):
        axes.imshow(
            actions,
            cmap=ListedColormap(ACTION_COLOURS),
            vmin=-0.5,
            vmax=len(Action) - 0.5,
            origin="lower",
            extent=(0, 1, 0, 1),
            aspect="equal",
            interpolation="nearest",
        )
        marks = people[title]
        axes.scatter(
            marks["country"], marks["bootcamp"], s=3 + 0.5 * marks["customers"], color="black", alpha=0.6, linewidth=0
        )
        for action in np.unique(actions):
            across, up = _middle_of(actions == action)
            axes.text(
                max(across, 0.12), up, ACTION_LABELS[action], ha="center", va="center", fontsize=9, bbox=_BEHIND_TEXT
            )
        axes.set(title=title, xlabel="standing of the country")
        axes.grid(visible=False)
    panels[0].set_ylabel("standing of the bootcamp")
    return list(panels)


_BEHIND_TEXT = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}


def _middle_of(region: np.ndarray) -> tuple[float, float]:
    """The cell of a region that is nearest to its mean, as coordinates in [0, 1]."""
    up, across = np.nonzero(region)
    nearest = np.argmin((up - up.mean()) ** 2 + (across - across.mean()) ** 2)
    rows, columns = region.shape
    return (across[nearest] + 0.5) / columns, (up[nearest] + 0.5) / rows


def actions_by_week(shares: dict[str, pd.DataFrame]) -> list[Axes]:
    """Draw what a group of customers gets in each week, as bars that add up to those still there.

    Args:
        shares: by title, a row a week and a column an action (`ACTION_LABELS`), in % of the group.

    Returns:
        One axes a group.
    """
    _, panels = plt.subplots(1, len(shares), figsize=(7, 3.6), sharey=True)
    for axes, (title, table) in zip(panels, shares.items(), strict=True):
        bottom = np.zeros(len(table))
        for label, colour in zip(ACTION_LABELS, ACTION_COLOURS, strict=True):
            axes.bar(table.index + 1, table[label], 0.9, bottom=bottom, color=colour, label=label)
            bottom += table[label].to_numpy()
        axes.set(title=title, xlabel="week", ylim=(0, 100), xticks=(1, 4, 8, 12))
        axes.grid(axis="x", visible=False)
    panels[0].set_ylabel("of the customers (%)")
    panels[-1].figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=6, fontsize=9)
    return list(panels)


def waiting_map(share: pd.DataFrame, axes: Axes | None = None) -> Axes:
    """Draw how often a policy waits, by contacts so far (up) and week (across).

    Args:
        share: 0 to 1, a row a count of contacts and a column a week; missing where nobody is.
        axes: where to draw.
    """
    axes = axes or plt.subplots(figsize=(7, 3.2))[1]
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1.4, origin="lower", aspect="auto")
    for (contacts, week), value in np.ndenumerate(share.to_numpy()):
        if np.isfinite(value):
            axes.text(week, contacts, f"{100 * value:.0f}", ha="center", va="center", fontsize=9)
    axes.set(xlabel="week", ylabel="contacts so far")
    axes.set_xticks(range(share.shape[1]), share.columns)
    axes.set_yticks(range(share.shape[0]), share.index)
    axes.grid(visible=False)
    return axes


def shares_of_gain(table: pd.DataFrame, left: float = -0.8) -> Axes:
    """Draw which share of the attainable gain each policy gains; what lies further left is written at the edge.

    Args:
        table: a row a policy, with `all`, `low`, `high` (its interval), `inbound` and `outbound`.
        left: where the axis begins.
    """
    _, axes = plt.subplots(figsize=(7, 0.9 + 0.36 * len(table)))
    places = np.arange(len(table))[::-1]
    for column, colour, marker in (("inbound", ORANGE, "s"), ("outbound", GREY, "D")):
        inside = table[column] >= left
        axes.plot(
            table.loc[inside, column],
            places[inside],
            marker,
            color=colour,
            markersize=5,
            label=column,
        )
    axes.hlines(places, table["low"].clip(lower=left), table["high"], color=BLUE, linewidth=2.5)
    inside = table["all"] >= left
    axes.plot(table.loc[inside, "all"], places[inside], "o", color=BLUE, label="all customers")
    for place, (_, line) in zip(places, table.iterrows(), strict=True):
        far = [
            f"{name} {line[name]:.1f}".replace("-", "−") for name in ("all", "inbound", "outbound") if line[name] < left
        ]
        if far:
            axes.text(left, place, "← " + ", ".join(far), fontsize=9, va="center")
    axes.axvline(0, color="black", linewidth=1)
    axes.axvline(1, color=GREEN, linewidth=1)
    axes.set_yticks(places, table.index)
    axes.set(xlabel="share of the attainable gain (0: waiting, 1: the plan)", xlim=(left, 1.04))
    axes.grid(axis="y", visible=False)
    axes.figure.legend(loc="outside upper center", ncols=3, fontsize=9)
    return axes


def observed_and_expected(counts: pd.DataFrame, what: str) -> Axes:
    """Draw counted events with their intervals and, beside them, how many were expected.

    Args:
        counts: a row a group, with `observed`, `low`, `high` and `expected`.
        what: the label of the axis along which the groups lie.
    """
    _, axes = plt.subplots(figsize=(7, 3.2))
    axes.vlines(counts.index, counts["low"], counts["high"], color=BLUE, linewidth=2)
    axes.plot(counts.index, counts["observed"], "o", color=BLUE)
    axes.plot(counts.index, counts["expected"], "_", color=ORANGE, markersize=14, markeredgewidth=2.5)
    top = counts.index[0]
    axes.annotate(
        "observed, with 95% interval",
        (top, counts.loc[top, "observed"]),
        xytext=(10, -3),
        textcoords="offset points",
        color=BLUE,
    )
    last = counts.index[-1]
    axes.annotate(
        "expected by the rates",
        (last, counts.loc[last, "expected"]),
        xytext=(0, 8),
        textcoords="offset points",
        color=ORANGE,
        ha="right",
    )
    axes.set(xlabel=what, ylabel="events", ylim=(0, None), xticks=counts.index)
    axes.grid(axis="x", visible=False)
    return axes


def stakes(gain: pd.DataFrame) -> Axes:
    """Draw what there is to gain over waiting, by organic share, a line a lift.

    Args:
        gain: dollars a customer, a row an organic share and a column a lift.
    """
    _, axes = plt.subplots(figsize=(7, 3.2))
    for lift, colour in zip(gain.columns, (SKY, ORANGE, BLUE), strict=True):
        axes.plot(gain.index, gain[lift], "o-", color=colour)
        axes.annotate(
            f"lift {lift:g}",
            (gain.index[1], gain[lift].iloc[1]),
            xytext=(4, 6),
            textcoords="offset points",
            color=colour,
        )
    axes.set(xlabel="organic share ρ", ylabel="to gain over waiting ($ a customer)", ylim=(-3, None), xticks=gain.index)
    return axes
