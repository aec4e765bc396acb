"""A generator of event logs: customers with known preferences visit a shop, look, fill a cart and buy (chapter 11)."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from crm_rl.case_studies.offers.catalogue import CHANNELS

#: What a visitor does, in this order; each session has at least a view.
ACTIONS = ("view", "add_to_cart", "purchase")
CATEGORIES = ("books", "clothing", "electronics", "home", "sports")

#: A session that no message brought about.
DIRECT = "direct"

#: The columns of a log, as `features.load_log` reads them.
COLUMNS = ("user_id", "session_id", "time", "action", "category", "channel", "amount", "discount", "free_shipping")

#: How many days a log covers, and its last moment.
DAYS, END = 90, pd.Timestamp("2026-03-31")


class Preferences(NamedTuple):
    """What the generator knows of its customers, arrays of shape (users,).

    Attributes:
        discount_sensitive, likes_free_shipping: bool.
        channel: a place in `CHANNELS`: the messages that bring them into the shop.
        engaged: bool: they come often.
        basket: what a purchase comes to, in dollars, the median.
        category: a place in `CATEGORIES`: what they mostly look at.
    """

    discount_sensitive: np.ndarray
    likes_free_shipping: np.ndarray
    channel: np.ndarray
    engaged: np.ndarray
    basket: np.ndarray
    category: np.ndarray


def draw_preferences(users: int, rng: np.random.Generator) -> Preferences:
    """Preferences of so many customers."""
    return Preferences(
        rng.random(users) < 0.4,
        rng.random(users) < 0.35,
        rng.choice(len(CHANNELS), size=users, p=[0.5, 0.2, 0.3]),
        rng.random(users) < 0.45,
        np.where(rng.random(users) < 0.4, 90.0, 45.0),
        rng.integers(len(CATEGORIES), size=users),
    )


def generate(preferences: Preferences, rng: np.random.Generator) -> pd.DataFrame:
    """A log of the last `DAYS` days of these customers, who are numbered from 1.

    Returns:
        A row an event, by time, with `COLUMNS`: `amount` is what a purchase came to in dollars (0 for other events),
        `discount` the percentage off its price, `free_shipping` 1 if it was shipped free.
    """
    user = np.repeat(np.arange(len(preferences.engaged)), 1 + rng.poisson(np.where(preferences.engaged, 14, 5)))
    n = len(user)
    started = rng.random(n) * DAYS * 24 * 3600
    by = rng.random(n)
    channel = np.where(by < 0.6, preferences.channel[user], np.where(by < 0.85, rng.integers(3, size=n), len(CHANNELS)))
    favourite = rng.random(n) < 0.6
    category = np.where(favourite, preferences.category[user], rng.integers(len(CATEGORIES), size=n))
    looks = 1 + rng.poisson(2, n)
    adds = rng.random(n) < 0.5
    buys = adds & (rng.random(n) < 0.6)
    amount = preferences.basket[user] * np.exp(rng.normal(0, 0.3, n))
    with_discount = rng.random(n) < np.where(preferences.discount_sensitive[user], 0.8, 0.1)
    shipped_free = rng.random(n) < np.where(preferences.likes_free_shipping[user], 0.8, 0.1)
    discount = with_discount * rng.choice([5, 10, 15], size=n)

    session = np.concatenate([np.repeat(np.arange(n), looks), np.flatnonzero(adds), np.flatnonzero(buys)])
    action = np.repeat([0, 1, 2], [looks.sum(), adds.sum(), buys.sum()])
    within = np.where(action == 0, rng.integers(0, 600, len(session)), 300 + 300 * action)  # seconds
    bought = action == 2
    log = pd.DataFrame(
        {
            "user_id": user[session] + 1,
            "session_id": session + 1,
            "time": END - pd.to_timedelta(np.floor(started[session]) - within, unit="s"),
            "action": np.array(ACTIONS)[action],
            "category": np.array(CATEGORIES)[category[session]],
            "channel": np.array([*CHANNELS, DIRECT])[channel[session]],
            "amount": np.where(bought, amount[session], 0.0).round(2),
            "discount": np.where(bought, discount[session], 0),
            "free_shipping": np.where(bought, shipped_free[session], False).astype(int),
        }
    )
    log = log[log["time"] <= END]
    return log.sort_values(["time", "session_id", "action"], kind="stable").reset_index(drop=True)
