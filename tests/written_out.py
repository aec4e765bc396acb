"""The responsive world once more, in plain Python and apart from the package: slow, and written from its description.

An episode is told by names; a week is every set of events that can happen in it, one by one. Of the package it takes
the numbers (`Params`, `Population`) and the order in which these list actions and events.
"""

import functools
import itertools
import math

ACTIONS = ("email", "call", "demo", "survey", "wait", "manager")
EVENTS = ("call held", "demo held", "survey filled in", "signed up", "met the manager", "subscribed")
LAST = 5
CHANNELS = {"email": "written", "survey": "written", "call": "spoken", "manager": "spoken", "demo": "shown"}

#: As the package numbers what was used the week before.
USED = (None, "written", "spoken", "shown")


class WrittenOut:
    """The values of one customer's weeks.

    Args:
        customer, population, params: the world.
        policy: from (week, happened, contacts in a row, channel, interest) to how likely each action is; without one
            the best action is taken.
    """

    def __init__(self, customer, population, params, policy=None):
        self.customer, self.population, self.params, self.policy = customer, population, params, policy
        self.value = functools.cache(self._value)

    def unprompted(self, event, happened, inbound):
        bits = sum(1 << EVENTS.index(name) for name in happened)
        return 1 - math.exp(self.population.quiet[inbound, bits, event])

    def chance(self, event, happened, action, used, interest):
        """1 minus the chance that it happens neither by itself nor through what the action adds."""
        number = ACTIONS.index(action)
        adds = self.params.lift * self.params.drives[number][event] * self.population.affinity[self.customer, number]
        adds *= self.params.interest[interest]
        if action != "wait" and CHANNELS[action] == used:
            adds *= self.params.repeated
        missing = [name for bit, name in enumerate(EVENTS[:LAST]) if self.params.needs[event] >> bit & 1]
        if not set(missing) <= happened:
            adds *= self.params.unready
        by_itself = self.unprompted(event, happened, self.population.inbound[self.customer])
        return 1 - (1 - by_itself) * (1 - self.unprompted(event, happened, 0)) ** adds

    def loses(self, contacts, action):
        if action == "wait":
            return 0.0
        suits = self.population.affinity[self.customer, ACTIONS.index(action)]
        return self.params.opt_out[contacts] / math.exp(suits)

    def q(self, week, happened, contacts, used, interest, action):
        """What an action is worth in a week."""
        cost = self.params.action_cost[ACTIONS.index(action)]
        subscribes = self.chance(LAST, happened, action, used, interest)
        worth = subscribes * self.params.value - cost
        if week + 1 == self.params.weeks:
            return worth
        stays = (1 - subscribes) * (1 - self.loses(contacts, action))
        tired = min(2, contacts + 1) if action != "wait" else max(0, contacts - 1)
        open_events = [event for event in range(LAST) if EVENTS[event] not in happened]
        chances = [self.chance(event, happened, action, used, interest) for event in open_events]
        for outcome in itertools.product((True, False), repeat=len(open_events)):
            likely = math.prod(p if happens else 1 - p for p, happens in zip(chances, outcome, strict=True))
            new = {EVENTS[event] for event, happens in zip(open_events, outcome, strict=True) if happens}
            fresh = 2 if new else max(0, interest - 1)
            worth += stays * likely * self.value(week + 1, happened | new, tired, CHANNELS.get(action), fresh)
        return worth

    def _value(self, week, happened, contacts, used, interest):
        worth = [self.q(week, happened, contacts, used, interest, action) for action in ACTIONS]
        if self.policy is None:
            return max(worth)
        likely = self.policy(week, happened, contacts, used, interest)
        return sum(p * each for p, each in zip(likely, worth, strict=True))

    def at_start(self):
        """The value of an episode's beginning; afterwards `self.value` holds every week that can follow."""
        bits = self.population.start[self.customer]
        return self.value(0, frozenset(name for bit, name in enumerate(EVENTS[:LAST]) if bits >> bit & 1), 0, None, 2)


def place(week, happened, contacts, used, interest):
    """Where the package's tables keep this."""
    return week, sum(1 << EVENTS.index(name) for name in happened), contacts, USED.index(used), interest
