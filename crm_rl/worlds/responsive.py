"""The responsive world: actions cause outcomes, over twelve weeks, one action a week.

Each week every milestone that has not happened yet, and the subscription, may happen. What happens unprompted comes
from the record. An action raises the chance of the event it is aimed at: the more so the better the channel suits the
customer, if the customer is ready for it, while interest is fresh, and unless the same channel was used the week
before. Too many contacts in a row and the customer is lost.

Everything is a pure function of the state, the action and a few uniform random numbers, which the caller draws.
Nothing here knows of Gymnasium.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from crm_rl.worlds.base import ALL_VISIBLE, N_FEATURES, Action, Outcome

N_MILESTONES = 5
N_EVENTS = 6  # call held, demo, survey, signup, manager; and the subscription
CALL, DEMO, SURVEY, SIGNUP, MEETING, SUBSCRIPTION = range(N_EVENTS)
N_PATTERNS = 2**N_MILESTONES
WAIT = int(Action.WAIT)

#: Contacts in a row, up to 2; a week without one lets the customer rest by one.
N_FATIGUES = 3

#: The channel of the week before: none, written (email, survey), spoken (call, account manager) or shown (demo).
NO_CHANNEL, WRITTEN, SPOKEN, SHOWN = range(4)
N_CHANNELS = 4
CHANNEL = (WRITTEN, SPOKEN, SHOWN, WRITTEN, NO_CHANNEL, SPOKEN)  # by action

#: Interest is fresh (2) at arrival and in the week after an event, and cools by one each week in which nothing happens.
N_INTERESTS = 3
FRESH = N_INTERESTS - 1

#: Everything in which two weeks of one customer can differ, besides the week: see `situation`.
N_SITUATIONS = N_PATTERNS * N_FATIGUES * N_CHANNELS * N_INTERESTS

#: The places of the attributes in the observation: with feature selection these must be bought.
INBOUND, COUNTRY, BOOTCAMP = 0, 12, 13
ATTRIBUTES = (1 << INBOUND) | (1 << COUNTRY) | (1 << BOOTCAMP)

#: How many uniform random numbers a step needs: one an event and one for opting out.
CHANCES = N_EVENTS + 1


class Population(NamedTuple):
    """The customers of a responsive world, as arrays.

    Attributes:
        inbound: shape (customers,), int64: 1 for those who made the first contact themselves.
        country, bootcamp: shape (customers,), float64, 0 to 1: where the customer's country (bootcamp) stands among
            all customers by its rate of subscribers. No two countries (bootcamps) have the same standing.
        start: shape (customers,), int64: the milestones reached at arrival, as bits.
        affinity: shape (customers, 6), float64, at least 0: how well each action reaches the customer; 1 is average.
        quiet: shape (2, 32, 6), float64, at most 0: by inbound, milestones reached and event, the logarithm of the
            chance that the event does not happen in a week in which the firm does nothing.
    """

    inbound: np.ndarray
    country: np.ndarray
    bootcamp: np.ndarray
    start: np.ndarray
    affinity: np.ndarray
    quiet: np.ndarray


def subset(population: Population, places: np.ndarray) -> Population:
    """Some of the customers, by place."""
    fields = {name: getattr(population, name)[places] for name in Population._fields if name != "quiet"}
    return population._replace(**fields)


class Params(NamedTuple):
    """Every constant of the responsive world; of actions in the order of `base.Action`, of events as above.

    Attributes:
        weeks: how many an episode has.
        lift: L, by how many times its unprompted rate an action raises the event it is aimed at, when all is well.
        drives: shape (actions, events): how far each action is aimed at each event, at least 0.
        needs: by event, the milestones without which an action can hardly bring it about, as bits.
        unready: the share of the lift that is left while these are missing, 0 to 1.
        repeated: the share that is left where the channel is that of the week before, 0 to 1.
        interest: shape (3,): the share that is left when interest is cold, cooler and fresh.
        action_cost: in dollars.
        value: of a subscription, in dollars.
        opt_out: by fatigue, the chance that a contact through a channel that does not suit at all loses the customer
            for good; it falls as exp(-affinity).
        expected_reward: pay chance times value each week, instead of the value when a subscription happens.
        selects_features: the attributes start hidden and can be bought.
        first_mask: the features visible at the start, as bits.
        feature_price: of an attribute, in dollars.
    """

    weeks: int
    lift: float
    drives: tuple[tuple[float, ...], ...]
    needs: tuple[int, ...]
    unready: float
    repeated: float
    interest: tuple[float, ...]
    action_cost: tuple[float, ...]
    value: float
    opt_out: tuple[float, ...]
    expected_reward: bool
    selects_features: bool
    first_mask: int
    feature_price: float


#: The baseline of the book. What happens unprompted is fitted; everything here is an assumption, fixed before any agent
#: was trained: see data/worlds/README.md.
BASELINE = Params(
    weeks=12,
    lift=6.0,
    drives=(
        # call, demo, survey, signup, manager, subscription
        (0.3, 0.3, 0.3, 1.0, 0.3, 0.1),  # email
        (1.0, 0.3, 0.3, 0.3, 0.3, 0.1),  # call
        (0.3, 1.0, 0.3, 0.3, 0.3, 0.1),  # demo
        (0.3, 0.3, 1.0, 0.3, 0.3, 0.1),  # survey
        (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),  # wait
        (0.3, 0.3, 0.3, 0.3, 1.0, 1.0),  # account manager
    ),
    needs=(0, 1 << CALL, 0, 0, 1 << SIGNUP, 1 << SIGNUP),
    unready=0.0,
    repeated=0.2,
    interest=(0.5, 0.75, 1.0),
    action_cost=(0.1, 2.0, 4.0, 0.2, 0.0, 20.0),
    value=5000.0,
    opt_out=(0.15, 0.25, 0.4),
    expected_reward=False,
    selects_features=False,
    first_mask=ALL_VISIBLE,
    feature_price=0.0,
)

#: Attributes must be bought.
SELECTION = BASELINE._replace(selects_features=True, first_mask=ALL_VISIBLE & ~ATTRIBUTES, feature_price=1.0)


class State(NamedTuple):
    """Where an episode stands. Every field is an int; in a batch, an int64 array of shape (customers,).

    Attributes:
        customer: a place in the population.
        steps: weeks gone by.
        milestones: reached, as bits.
        fatigue: contacts in a row, 0 to 2.
        channel: of the week before, 0 to 3.
        interest: 0 (cold) to 2 (fresh).
        mask: which features are visible, as bits.
    """

    customer: int
    steps: int
    milestones: int
    fatigue: int
    channel: int
    interest: int
    mask: int


@njit(cache=True)
def situation(milestones: int, fatigue: int, channel: int, interest: int) -> int:
    """The number of a week's situation, 0 to `N_SITUATIONS` - 1; works on arrays too."""
    return ((milestones * N_FATIGUES + fatigue) * N_CHANNELS + channel) * N_INTERESTS + interest


@njit(cache=True)
def start(customer: int, population: Population, params: Params) -> State:
    """Begin an episode: what had happened at arrival has happened, interest is fresh, and nobody has made contact."""
    return State(customer, 0, population.start[customer], 0, NO_CHANNEL, FRESH, params.first_mask)


# These three are inlined, since a call would copy all the params: three times the steps a second.
@njit(cache=True, inline="always")
def force(channel: int, interest: int, action: int, params: Params) -> float:
    """How much of an action's lift is left by what was done the week before and by how fresh interest is, 0 to 1."""
    return params.interest[interest] * (params.repeated if CHANNEL[action] == channel else 1.0)


@njit(cache=True, inline="always")
def event_chance(
    event: int, customer: int, milestones: int, action: int, strength: float, population: Population, params: Params
) -> float:
    """The chance that an event happens this week if it has not: 1 - (1 - own) (1 - outbound) ** (what the action adds).

    Here `own` is what happens to this customer unprompted, and `outbound` what would if the customer were outbound. The
    action adds L * drive * affinity * strength, and a share of that, `unready`, if the customer is not ready.
    """
    adds = params.lift * params.drives[action][event] * population.affinity[customer, action] * strength
    if milestones & params.needs[event] != params.needs[event]:
        adds *= params.unready
    unprompted = population.quiet[population.inbound[customer], milestones, event]
    return -np.expm1(unprompted + adds * population.quiet[0, milestones, event])


@njit(cache=True, inline="always")
def opt_out_chance(fatigue: int, customer: int, action: int, population: Population, params: Params) -> float:
    """The chance that this action loses the customer for good: the smaller the better the channel suits."""
    return 0.0 if action == WAIT else params.opt_out[fatigue] * np.exp(-population.affinity[customer, action])


@njit(cache=True)
def tire(fatigue: int, action: int) -> int:
    """Fatigue after a week with this action."""
    return max(0, fatigue - 1) if action == WAIT else min(fatigue + 1, N_FATIGUES - 1)


@njit(cache=True)
def step(state: State, action: int, population: Population, params: Params, chance: np.ndarray) -> Outcome:
    """Let one week go by, or buy an attribute.

    Args:
        state: where the episode stands.
        action: 0 to 5 as in `base.Action`; with feature selection 0 to 14 buy a feature and 15 to 20 are those six.
            Buying an attribute takes no time; asking for what is visible already is paid for and wastes the week.
        population, params: the world.
        chance: shape (7,), uniform in [0, 1): one number an event, the last for opting out.

    Returns:
        The outcome. An episode ends with a subscription, when the customer opts out, or after the last week: that too
        is an end of the task, not a cut, so `truncated` is always false.
    """
    customer, cost = state.customer, 0.0
    if params.selects_features and action < N_FEATURES:
        cost = params.feature_price
        if not state.mask >> action & 1:
            bought = state.mask | 1 << action
            after = State(customer, state.steps, state.milestones, state.fatigue, state.channel, state.interest, bought)
            return Outcome(after, -cost, False, False, False)
        action = WAIT
    elif params.selects_features:
        action -= N_FEATURES

    strength = force(state.channel, state.interest, action, params)
    p = event_chance(SUBSCRIPTION, customer, state.milestones, action, strength, population, params)
    subscribed = chance[SUBSCRIPTION] < p
    reward = (p if params.expected_reward else 1.0 * subscribed) * params.value - params.action_cost[action] - cost
    milestones = state.milestones
    for event in range(N_MILESTONES):
        if not state.milestones >> event & 1:
            q = event_chance(event, customer, state.milestones, action, strength, population, params)
            milestones |= (chance[event] < q) << event
    lost = chance[CHANCES - 1] < opt_out_chance(state.fatigue, customer, action, population, params)
    steps, fatigue = state.steps + 1, tire(state.fatigue, action)
    interest = FRESH if milestones != state.milestones else max(0, state.interest - 1)
    after = State(customer, steps, milestones, fatigue, CHANNEL[action], interest, state.mask)
    return Outcome(after, reward, subscribed, subscribed or lost or steps >= params.weeks, False)


@njit(cache=True)
def observe(state: State, population: Population, params: Params, out: np.ndarray) -> None:
    """Write what the agent sees of one episode into `out`: the 15 features and, with selection, the 15 mask bits.

    Args:
        state: where the episode stands.
        population, params: the world.
        out: shape (15,) or (30,), float32.
    """
    out[0] = population.inbound[state.customer]
    out[1] = state.steps / params.weeks
    out[2] = state.fatigue / (N_FATIGUES - 1)
    for channel in range(1, N_CHANNELS):
        out[2 + channel] = state.channel == channel
    out[6] = state.interest / FRESH
    reached = 0
    for event in range(N_MILESTONES):
        out[7 + event] = state.milestones >> event & 1
        reached += state.milestones >> event & 1
    out[12] = population.country[state.customer]
    out[13] = population.bootcamp[state.customer]
    out[14] = reached / N_MILESTONES
    if params.selects_features:
        for feature in range(N_FEATURES):
            visible = state.mask >> feature & 1
            out[feature] *= visible
            out[N_FEATURES + feature] = visible


@njit(cache=True)
def advance(state: State, action: int, population: Population, params: Params, rng: np.random.Generator) -> Outcome:
    """Let one week go by, as `worlds.stepping` asks, with chances drawn from `rng`."""
    return step(state, action, population, params, rng.random(CHANCES))
