"""Every figure of the book that more than one place draws. Nothing else in the package draws.

Functions draw on the axes they are given, or on new ones, and return them; colours are told apart by the colour-blind.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, DateFormatter, YearLocator

from crm_rl.crm_data.columns import EVENTS

PALETTE = sns.color_palette("colorblind").as_hex()
BLUE, ORANGE, GREEN, RED, PURPLE, BROWN, PINK, GREY, YELLOW, SKY = PALETTE


def use_style() -> None:
    """Set the book's style: white background, light grid, text that stays legible on a phone."""
    sns.set_theme(style="whitegrid", palette="colorblind", font_scale=1.0)
    plt.rcParams |= {
        "figure.figsize": (7, 3.4),
        "figure.dpi": 144,
        "figure.constrained_layout.use": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 11,
    }


def interval_dots(rates: pd.DataFrame, axes: Axes | None = None, colour: str = BLUE) -> Axes:
    """Draw rates with their intervals, a line a group, the first on top.

    Args:
        rates: as `intervals.rate_table` returns them; the index names the groups.
        axes: where to draw.
        colour: of the dots and lines.
    """
    axes = axes or plt.subplots(figsize=(7, 0.6 + 0.36 * len(rates)))[1]
    places = range(len(rates))[::-1]
    axes.hlines(places, rates["low %"], rates["high %"], color=colour, linewidth=2)
    axes.plot(rates["rate %"], places, "o", color=colour)
    axes.set_yticks(places, rates.index)
    axes.set(xlabel="subscribers (% of customers, with 95% interval)", ylim=(-0.6, len(rates) - 0.4))
    axes.set_xlim(left=0)
    axes.grid(axis="y", visible=False)
    return axes


def events_by_month(customers: pd.DataFrame) -> list[Axes]:
    """Draw how many customers reached each milestone in each month, inbound and outbound apart.

    Args:
        customers: the table that `crm_data.clean` returns.

    Returns:
        Six axes, one an event.
    """
    _, grid = plt.subplots(2, 3, figsize=(7, 4.2), sharex=True)
    for axes, event in zip(grid.flat, EVENTS, strict=True):
        months = customers[f"{event}_date"].dt.to_period("M")
        calendar = pd.period_range(customers["arrival"].min(), customers["arrival"].max(), freq="M")
        for inbound, colour, name in ((False, BLUE, "outbound"), (True, ORANGE, "inbound")):
            counts = months[customers["inbound"] == inbound].value_counts().reindex(calendar, fill_value=0)
            axes.plot(calendar.to_timestamp(), counts, color=colour, label=name)
        axes.set_title(event)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(YearLocator())
        axes.xaxis.set_major_formatter(DateFormatter("%Y"))
    grid[0, 1].legend(frameon=False, fontsize=9, loc="upper left")
    for axes in grid[:, 0]:
        axes.set_ylabel("customers a month")
    return list(grid.flat)


def parts_by_month(splits: dict[str, dict[str, pd.DataFrame]]) -> list[Axes]:
    """Draw when the customers of each part arrived, a panel a split; who has no arrival is not drawn.

    Args:
        splits: by name, the parts by name, as `Split.parts` gives them.

    Returns:
        One axes a split.
    """
    _, panels = plt.subplots(len(splits), 1, figsize=(7, 2.1 * len(splits)), sharex=True)
    for axes, (name, parts) in zip(panels, splits.items(), strict=True):
        months = {part: rows["arrival"].dropna().dt.to_period("M").value_counts() for part, rows in parts.items()}
        table = pd.DataFrame(months).fillna(0).sort_index()
        table = table.reindex(pd.period_range(table.index.min(), table.index.max(), freq="M"), fill_value=0)
        bottom = 0
        for part, colour in zip(parts, (SKY, YELLOW, RED), strict=True):
            axes.bar(table.index.to_timestamp(), table[part], width=26, bottom=bottom, color=colour, label=part)
            bottom = bottom + table[part]
        axes.set(title=f"the {name} split", ylabel="arrivals a month")
        axes.grid(axis="x", visible=False)
        ticks = AutoDateLocator(maxticks=7)
        axes.xaxis.set_major_locator(ticks)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(ticks))
    panels[0].legend(frameon=False, fontsize=9)
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
        axes.annotate(f" {name}", (value, top * (1.05 + 0.12 * place)), color=colour, fontsize=9)
    axes.set(xlabel=by_chance.name, ylabel="relabellings")
    axes.grid(axis="x", visible=False)
    return axes


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


#: The rows of the study's table, in words.
ROW_NAMES = {
    "random": "random",
    "q_learning": "Q-learning",
    "q_learning_selection": "Q-learning, selection",
    "dqn": "DQN",
    "dqn_selection": "DQN, selection",
}


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


def training_comparison(curves: pd.DataFrame) -> list[Axes]:
    """Draw how the reward of an episode rose in training, a panel a setting, with the middle half of the seeds.

    Args:
        curves: `setting`, `row`, `progress` from 0 to 1, `reward`, `reward_low` and `reward_high`.

    Returns:
        One axes a setting.
    """
    settings = list(curves["setting"].unique())
    _, panels = plt.subplots(1, len(settings), figsize=(7, 3.2), squeeze=False)
    for axes, setting in zip(panels.flat, settings, strict=True):
        ours = curves[curves["setting"] == setting]
        for (row, curve), colour in zip(ours.groupby("row", sort=False), (BLUE, SKY, RED, ORANGE), strict=False):
            axes.plot(100 * curve["progress"], curve["reward"], color=colour, label=ROW_NAMES[row])
            axes.fill_between(
                100 * curve["progress"],
                curve["reward_low"],
                curve["reward_high"],
                color=colour,
                alpha=0.25,
                linewidth=0,
            )
        axes.set(title=setting.replace("_", " "), xlabel="training done (%)")
    panels[0, 0].set_ylabel("reward of a training episode")
    panels[0, -1].legend(frameon=False, fontsize=9)
    return list(panels.flat)


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


def state_space_explosion(growth: dict[str, pd.Series]) -> Axes:
    """Draw how many states training had met, both axes logarithmic, each game's name at the end of its line.

    Args:
        growth: by the game's name, the states met, indexed by episodes run.
    """
    axes = plt.subplots(figsize=(7, 3.6))[1]
    heights, height = {}, 0.0
    for end, name in sorted((states.iloc[-1], name) for name, states in growth.items()):
        height = heights[name] = max(end, 1.7 * height)  # names of lines that end close together are pushed apart
    for (name, states), colour in zip(growth.items(), (BLUE, SKY, RED, ORANGE), strict=False):
        axes.plot(states.index, states, color=colour, linewidth=2)
        place = (1.2 * states.index[-1], heights[name])
        axes.annotate(name, place, color=colour, fontsize=9, va="center", annotation_clip=False)
    axes.set(xscale="log", yscale="log", xlabel="training episodes", ylabel="states met")
    axes.set_xlim(1, 40 * max(states.index[-1] for states in growth.values()))
    return axes


def reward_by_states(dial: dict[str, pd.DataFrame], marked: dict[str, float]) -> Axes:
    """Draw the reward of tables against how many states they hold, with intervals, and lines for fixed policies.

    Args:
        dial: by whose reward it is, a row a table: `states`, `iqm`, `low` and `high`.
        marked: rewards of policies that learn nothing, by their names.
    """
    axes = plt.subplots(figsize=(7, 3.8))[1]
    for (name, table), colour in zip(dial.items(), (SKY, RED), strict=False):
        axes.vlines(table["states"], table["low"], table["high"], color=colour, linewidth=2)
        axes.plot(table["states"], table["iqm"], "o-", color=colour, linewidth=1)
        last = (table["states"].iloc[-1], table["iqm"].iloc[-1])
        axes.annotate(name, last, xytext=(7, 4), textcoords="offset points", color=colour, fontsize=9)
    for name, reward in marked.items():
        axes.axhline(reward, color="black", linewidth=1, linestyle="--")
        axes.annotate(name, (4, reward), xytext=(0, -3), textcoords="offset points", fontsize=9, va="top")
    axes.set(xscale="log", xlabel="states met in training", ylabel="mean reward of an episode", xlim=(0.7, 40_000))
    return axes


def training_curve(histories: dict[str, dict[str, np.ndarray]], window: int = 1000) -> list[Axes]:
    """Draw how training went: reward of an episode, and share of episodes with a subscription, with 95% intervals.

    Args:
        histories: by name, `reward` and `subscribed` of each episode, arrays of shape (episodes,).
        window: how many episodes make a point.

    Returns:
        The two axes.
    """
    _, panels = plt.subplots(1, 2, figsize=(7, 3))
    scales = {"reward": 1, "subscribed": 100}
    for (name, history), colour in zip(histories.items(), (BLUE, ORANGE, GREEN, RED), strict=False):
        for axes, (key, scale) in zip(panels, scales.items(), strict=True):
            values = scale * np.asarray(history[key], dtype=float)
            windows = values[: len(values) // window * window].reshape(-1, window)
            mean, reach = windows.mean(axis=1), 1.96 * windows.std(axis=1) / np.sqrt(window)
            thousands = window * (1 + np.arange(len(mean))) / 1000
            axes.plot(thousands, mean, color=colour, linewidth=1.2, label=name.replace("_", " "))
            axes.fill_between(thousands, mean - reach, mean + reach, color=colour, alpha=0.2, linewidth=0)
    panels[0].set(xlabel="thousand episodes", ylabel="reward of an episode (points)")
    panels[1].set(xlabel="thousand episodes", ylabel="episodes with a subscription (%)", ylim=(0, None))
    panels[1].legend(frameon=False, fontsize=9, loc="lower right")
    return list(panels)


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


def training_stability(columns: dict[str, dict[str, pd.DataFrame]]) -> list[Axes]:
    """Draw the course of a network's training: reward, loss and highest Q-value against steps, a column a world.

    Args:
        columns: by title, by the line's name, a table with `step` and, for each of `reward`, `loss` and `max_q`, either
            that column or `_mid`, `_low` and `_high` of it.

    Returns:
        Three axes a column, row by row.
    """
    measures = {"reward": "reward of a\ntraining episode", "loss": "loss", "max_q": "highest Q-value"}
    size = (7, 1.2 + 1.6 * len(measures))
    _, grid = plt.subplots(len(measures), len(columns), figsize=size, sharex=True, squeeze=False)
    for line, (measure, label) in zip(grid, measures.items(), strict=True):
        line[0].set_ylabel(label)
        for axes, runs in zip(line, columns.values(), strict=True):
            for (name, table), colour in zip(runs.items(), (BLUE, RED, ORANGE, GREEN), strict=False):
                thousands = table["step"] / 1000
                middle = table[measure] if measure in table else table[f"{measure}_mid"]
                axes.plot(thousands, middle, color=colour, label=name)
                if f"{measure}_low" in table:
                    low, high = table[f"{measure}_low"], table[f"{measure}_high"]
                    axes.fill_between(thousands, low, high, color=colour, alpha=0.25, linewidth=0)
    for axes, title in zip(grid[0], columns, strict=True):
        axes.set_title(title)
    for axes in grid[-1]:
        axes.set_xlabel("steps (thousands)")
    if max(map(len, columns.values())) > 1:
        grid[1, 0].legend(frameon=False, fontsize=9)
    return list(grid.flat)
