"""What can be sent: nothing, or one of five offers over one of five channels, with what each costs (chapter 12).

Money that a budget must hold is counted in whole cents, so that a sum of costs has no rounding error.
"""

import numpy as np

#: The value of each offer in dollars; 0 is no offer. An offer is a credit, charged when it is sent; one that costs
#: only when redeemed costs its value times the chance of redemption, on average.
OFFER_VALUES = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5)
CHANNELS = ("push", "email", "in-app", "sms", "phone")
CHANNEL_COSTS = (0.0, 0.02, 0.03, 0.05, 0.07)

NOTHING = 0
#: Action 0 sends nothing; action 1 + 5 (offer - 1) + channel sends that offer (1 to 5) over that channel (0 to 4).
N_ACTIONS = 1 + 5 * 5

#: Of each action, shape (26,): the number of its offer, of its channel (-1 without one), and its cost in cents.
OFFER = np.concatenate([[0], np.repeat(np.arange(1, 6), 5)])
CHANNEL = np.concatenate([[-1], np.tile(np.arange(5), 5)])
CENTS = np.rint(
    100 * (np.take(OFFER_VALUES, OFFER) + np.where(OFFER > 0, np.take(CHANNEL_COSTS, CHANNEL), 0.0))
).astype(np.int64)
DOLLARS = CENTS / 100


def action_name(action: int) -> str:
    """An action in words, as "2.50 dollars by email"."""
    if action == NOTHING:
        return "nothing"
    return f"{OFFER_VALUES[OFFER[action]]:.2f} dollars by {CHANNELS[CHANNEL[action]]}"
