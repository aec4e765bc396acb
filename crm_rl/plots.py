"""Every figure of the book that more than one place draws. Nothing else in the package draws.

Functions draw on the axes they are given, or on new ones, and return them; colours are told apart by the colour-blind.
"""

import matplotlib.pyplot as plt
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
        months = {
            part: rows["arrival"].dropna().dt.to_period("M").value_counts() for part, rows in parts.items()
        }
        table = pd.DataFrame(months).fillna(0).sort_index()
        table = table.reindex(pd.period_range(table.index.min(), table.index.max(), freq="M"), fill_value=0)
        bottom = 0
        for part, colour in zip(parts, (SKY, YELLOW, RED), strict=True):
            axes.bar(
                table.index.to_timestamp(), table[part], width=26, bottom=bottom, color=colour, label=part
            )
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
