"""The responsive world (chapter 9): actions cause outcomes, over twelve weeks, one action a week.

Each week every milestone that has not happened yet, and the subscription, may happen. An action raises the chances of
the events that it works towards, by how much depends on the customer. Everything is a pure function of the state, the
action and a few uniform random numbers, which the caller draws. Nothing here knows of Gymnasium.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from crm_rl.worlds.base import ALL_VISIBLE, N_FEATURES, Action, Outcome, count_bits

N_MILESTONES = 5
N_EVENTS = 6  # call held, demo, survey, signup, manager; and the subscription
SUBSCRIPTION = 5
N_PATTERNS = 2**N_MILESTONES
WAIT = int(Action.WAIT)

#: The places of the attributes in the observation: with feature selection these must be bought.
INBOUND, COUNTRY, BOOTCAMP = 0, 12, 13
ATTRIBUTES = (1 << INBOUND) | (1 << COUNTRY) | (1 << BOOTCAMP)

#: How many uniform random numbers a step needs: one an event and one for opting out.
CHANCES = N_EVENTS + 1


class Population(NamedTuple):
    """The customers of a responsive world, as arrays.

    Attributes:
        inbound: shape (customers,), int64: 1 for those who came by themselves.
        country, bootcamp: shape (customers,), float64, 0 to 1: where the customer's country (bootcamp) stands among
            all customers by its rate of subscribers.
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


class Rules(NamedTuple):
    """Every constant of the responsive world; of actions and events in the order of `funnel.Action` and of `EVENTS`.

    Attributes:
        weeks: how many an episode has.
        lift: L, how many times the unprompted rate a fully aimed action adds.
        organic: rho, the share of what happens that no action can change, 0 to 1.
        drives: by action and event, 0 to 1: how far the action is aimed at the event.
        action_cost: in dollars.
        value: of a subscription, in dollars.
        opt_out: the chance of losing the customer for each contact beyond the second, in the week of such a contact.
        free_contacts: how many contacts nobody minds.
        most_contacts: contacts are counted up to here.
        expected_reward: pay chance times value each week, instead of the value when a subscription happens.
        stage_reward: by milestone, an extra reward for reaching it (Ng, Harada and Russell 1999 on why not to).
        potential_based: pay the difference of potentials instead, with potential 0 at every end.
        selects_features: the attributes start hidden and can be bought.
        first_mask: the features visible at the start, as bits.
        feature_price: of an attribute, in dollars.
    """

    weeks: int
    lift: float
    organic: float
    drives: tuple[tuple[float, ...], ...]
    action_cost: tuple[float, ...]
    value: float
    opt_out: float
    free_contacts: int
    most_contacts: int
    expected_reward: bool
    stage_reward: tuple[float, ...]
    potential_based: bool
    selects_features: bool
    first_mask: int
    feature_price: float


#: The baseline of Part III. Towards which events an action works is an assumption, and so is how much it lifts them.
BASELINE = Rules(
    weeks=12,
    lift=10.0,
    organic=0.3,
    drives=(
        # call, demo, survey, signup, manager, subscription
        (0.2, 0.1, 0.3, 1.0, 0.1, 0.5),  # email
        (1.0, 0.3, 0.2, 0.3, 0.2, 0.5),  # call
        (0.2, 1.0, 0.2, 0.3, 0.2, 0.5),  # demo
        (0.1, 0.2, 1.0, 0.3, 0.1, 0.5),  # survey
        (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),  # wait
        (0.2, 0.2, 0.1, 0.2, 1.0, 0.5),  # account manager
    ),
    action_cost=(0.1, 2.0, 4.0, 0.2, 0.0, 20.0),
    value=5000.0,
    opt_out=0.05,
    free_contacts=2,
    most_contacts=5,
    expected_reward=False,
    stage_reward=(0.0,) * N_MILESTONES,
    potential_based=False,
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
        contacts: made so far, up to `most_contacts`.
        mask: which features are visible, as bits.
    """

    customer: int
    steps: int
    milestones: int
    contacts: int
    mask: int


@njit(cache=True)
def start(customer: int, population: Population, rules: Rules) -> State:
    """Begin an episode: what had happened when the customer arrived has happened, and nobody has made contact."""
    return State(customer, 0, population.start[customer], 0, rules.first_mask)


@njit(cache=True)
def event_chance(
    event: int, customer: int, milestones: int, action: int, population: Population, rules: Rules
) -> float:
    """The chance that an event happens this week if it has not: 1 - (1 - base) ** (1 + (1 - rho) L drive affinity)."""
    lift = (1 - rules.organic) * rules.lift * rules.drives[action][event] * population.affinity[customer, action]
    return -np.expm1(population.quiet[population.inbound[customer], milestones, event] * (1 + lift))


@njit(cache=True)
def opt_out_chance(contacts: int, action: int, rules: Rules) -> float:
    """The chance that a customer with so many contacts behind him leaves for good because of this action."""
    if action == WAIT:
        return 0.0
    return (1 - rules.organic) * rules.opt_out * max(0, contacts + 1 - rules.free_contacts)


@njit(cache=True)
def potential(milestones: int, rules: Rules) -> float:
    """What the milestones reached are worth by the stage rewards."""
    worth = 0.0
    for event in range(N_MILESTONES):
        worth += rules.stage_reward[event] * (milestones >> event & 1)
    return worth


@njit(cache=True)
def step(state: State, action: int, population: Population, rules: Rules, chance: np.ndarray) -> Outcome:
    """Let one week go by, or buy an attribute.

    Args:
        state: where the episode stands.
        action: 0 to 5 as in `funnel.Action`; with feature selection 0 to 14 buy a feature and 15 to 20 are those six.
            Buying an attribute takes no time; asking for what is visible already is paid for and wastes the week.
        population, rules: the world.
        chance: shape (7,), uniform in [0, 1): one number an event, the last for opting out.

    Returns:
        The outcome. An episode ends with a subscription, when the customer opts out, or after the last week: that too
        is an end of the task, not a cut, so `truncated` is always false.
    """
    cost, mask = 0.0, state.mask
    if rules.selects_features and action < N_FEATURES:
        cost = rules.feature_price
        if not mask >> action & 1:
            bought = State(state.customer, state.steps, state.milestones, state.contacts, mask | 1 << action)
            return Outcome(bought, -cost, False, False, False)
        action = WAIT
    elif rules.selects_features:
        action -= N_FEATURES

    p = event_chance(SUBSCRIPTION, state.customer, state.milestones, action, population, rules)
    subscribed = chance[SUBSCRIPTION] < p
    reward = (p if rules.expected_reward else 1.0 * subscribed) * rules.value - rules.action_cost[action] - cost
    milestones = state.milestones
    for event in range(N_MILESTONES):
        if not state.milestones >> event & 1:
            happens = chance[event] < event_chance(event, state.customer, state.milestones, action, population, rules)
            milestones |= happens << event
    lost = chance[CHANCES - 1] < opt_out_chance(state.contacts, action, rules)
    steps, contacts = state.steps + 1, min(state.contacts + (action != WAIT), rules.most_contacts)
    terminated = subscribed or lost or steps >= rules.weeks

    after = potential(milestones, rules)
    if rules.potential_based and terminated:
        after = 0.0
    reward += after - potential(state.milestones, rules)
    return Outcome(State(state.customer, steps, milestones, contacts, mask), reward, subscribed, terminated, False)


@njit(cache=True)
def observe(state: State, population: Population, rules: Rules, out: np.ndarray) -> None:
    """Write what the agent sees of one episode into `out`: the 15 features and, with selection, the 15 mask bits.

    Args:
        state: where the episode stands.
        population, rules: the world.
        out: shape (15,) or (30,), float32.
    """
    customer, weeks, contacts = state.customer, state.steps, state.contacts
    furthest = 0
    for event in range(N_MILESTONES):
        reached = state.milestones >> event & 1
        out[7 + event] = reached
        furthest = event + 1 if reached else furthest
    out[0] = population.inbound[customer]
    out[1] = furthest / N_EVENTS
    out[2] = contacts >= 2
    out[3] = weeks / rules.weeks
    out[4] = contacts / rules.most_contacts
    out[5] = weeks / rules.weeks / max(1, contacts)
    out[6] = min(1.0, contacts / (weeks + 1))
    out[12] = population.country[customer]
    out[13] = population.bootcamp[customer]
    out[14] = count_bits(state.milestones) / N_MILESTONES
    if rules.selects_features:
        for feature in range(N_FEATURES):
            visible = state.mask >> feature & 1
            out[feature] *= visible
            out[N_FEATURES + feature] = visible


@njit(cache=True)
def advance(state: State, action: int, population: Population, rules: Rules, rng: np.random.Generator) -> Outcome:
    """Let one week go by, as `worlds.stepping` asks, with chances drawn from `rng`."""
    return step(state, action, population, rules, rng.random(CHANCES))


@njit(cache=True)
def state_at(states: State, i: int) -> State:
    """The state of episode i of a batch."""
    return State(states.customer[i], states.steps[i], states.milestones[i], states.contacts[i], states.mask[i])


@njit(cache=True)
def start_all(customers: np.ndarray, population: Population, rules: Rules) -> State:
    """Begin an episode with each of these customers, shape (n,); the state's fields are arrays of that shape."""
    zeros = np.zeros(len(customers), dtype=np.int64)
    masks = np.full(len(customers), rules.first_mask, dtype=np.int64)
    return State(customers.astype(np.int64), zeros, population.start[customers], zeros.copy(), masks)


@njit(cache=True)
def step_all(states: State, actions: np.ndarray, population: Population, rules: Rules, chances: np.ndarray) -> Outcome:
    """Take one action in each episode of a batch, shape (n,), with `chances` of shape (n, 7)."""
    n = len(actions)
    fields = np.empty((5, n), dtype=np.int64)
    rewards, subscribed, terminated = np.empty(n), np.empty(n, np.bool_), np.empty(n, np.bool_)
    for i in range(n):
        outcome = step(state_at(states, i), actions[i], population, rules, chances[i])
        after = outcome.state
        fields[0, i], fields[1, i], fields[2, i] = after.customer, after.steps, after.milestones
        fields[3, i], fields[4, i] = after.contacts, after.mask
        rewards[i], subscribed[i], terminated[i] = outcome.reward, outcome.subscribed, outcome.terminated
    after_all = State(fields[0], fields[1], fields[2], fields[3], fields[4])
    return Outcome(after_all, rewards, subscribed, terminated, np.zeros(n, np.bool_))


@njit(cache=True)
def observe_all(states: State, population: Population, rules: Rules) -> np.ndarray:
    """What the agent sees of each episode of a batch, shape (n, 15) or (n, 30), float32."""
    n = len(states.customer)
    seen = np.empty((n, 2 * N_FEATURES if rules.selects_features else N_FEATURES), dtype=np.float32)
    for i in range(n):
        observe(state_at(states, i), population, rules, seen[i])
    return seen
