"""The responsive world: its chances by hand, its ends, and what is seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_responsive import people

from crm_rl.worlds.base import ALL_VISIBLE, N_ACTIONS, N_FEATURES, Action
from crm_rl.worlds.responsive import (
    BASELINE,
    CALL,
    CHANCES,
    COUNTRY,
    DEMO,
    FRESH,
    MEETING,
    N_EVENTS,
    N_PATTERNS,
    N_SITUATIONS,
    NO_CHANNEL,
    SELECTION,
    SHOWN,
    SIGNUP,
    SPOKEN,
    SUBSCRIPTION,
    SURVEY,
    WRITTEN,
    Population,
    State,
    event_chance,
    force,
    opt_out_chance,
    situation,
    start,
    step,
    tire,
)
from crm_rl.worlds.responsive_batch import step_all
from crm_rl.worlds.responsive_world import (
    RESPONSIVE_FEATURES,
)
from crm_rl.worlds.stepping import observe_all

NEVER, SURELY = np.full(CHANCES, 0.999999), np.zeros(CHANCES)

#: As in the book, but with round numbers.
PARAMS = BASELINE._replace(
    lift=10.0, unready=0.5, repeated=0.2, interest=(0.5, 0.75, 1.0), opt_out=(0.15, 0.25, 0.4), value=5000.0
)


@pytest.fixture
def one() -> Population:
    """An outbound customer with rates of 10%, and channels of one strength but for the call's, which is 2."""
    affinity = np.ones((1, 6))
    affinity[0, Action.CALL] = 2
    quiet = np.full((2, N_PATTERNS, N_EVENTS), np.log(0.9))
    return Population(np.zeros(1, np.int64), np.array([0.25]), np.array([0.75]), np.zeros(1, np.int64), affinity, quiet)


def at(
    steps: int = 0,
    milestones: int = 0,
    fatigue: int = 0,
    channel: int = NO_CHANNEL,
    interest: int = FRESH,
    mask: int = ALL_VISIBLE,
) -> State:
    return State(0, steps, milestones, fatigue, channel, interest, mask)


def only(event: int) -> np.ndarray:
    """Random numbers with which this one thing happens."""
    return np.where(np.arange(CHANCES) == event, 0.0, NEVER)


def batch(states: list[State]) -> State:
    return State(*np.array(states).T.copy())


# What happens, by hand


def chance_of(event: int, population: Population, action: int, milestones: int = 0, strength: float = 1.0) -> float:
    return event_chance(event, 0, milestones, int(action), strength, population, PARAMS)


def test_the_chance_of_an_event_by_hand(one):
    """Ten more chances of 10% each, times the drive of 1 or 0.3, times the channel's strength of 2 for calls."""
    assert chance_of(CALL, one, Action.CALL) == pytest.approx(1 - 0.9**21)
    assert chance_of(CALL, one, Action.EMAIL) == pytest.approx(1 - 0.9**4)
    assert chance_of(CALL, one, Action.CALL, strength=0.2) == pytest.approx(1 - 0.9**5)
    assert chance_of(SURVEY, one, Action.SURVEY) == pytest.approx(1 - 0.9**11)
    for event in range(N_EVENTS):
        assert chance_of(event, one, Action.WAIT) == pytest.approx(0.1)


def test_an_action_adds_what_would_happen_to_an_outbound_customer(one):
    """Who came unprompted does more unprompted, but an action adds no more to that."""
    quiet = one.quiet.copy()
    quiet[1] = np.log(0.5)
    inbound = one._replace(inbound=np.ones(1, np.int64), quiet=quiet)
    assert chance_of(SURVEY, inbound, Action.WAIT) == pytest.approx(0.5)
    assert chance_of(SURVEY, inbound, Action.SURVEY) == pytest.approx(1 - 0.5 * 0.9**10)


@pytest.mark.parametrize(
    ("action", "event", "needed", "drive"),
    [
        (Action.DEMO, DEMO, CALL, 1.0),
        (Action.MANAGER, MEETING, SIGNUP, 1.0),
        (Action.MANAGER, SUBSCRIPTION, SIGNUP, 1.0),
        (Action.EMAIL, SUBSCRIPTION, SIGNUP, 0.1),
    ],
)
def test_without_what_an_event_needs_a_share_of_the_lift_is_left(action, event, needed, drive, one):
    others = (N_PATTERNS - 1) & ~(1 << needed) & ~(1 << event)
    ready = others | 1 << needed
    assert chance_of(event, one, action, ready) == pytest.approx(1 - 0.9 ** (1 + 10 * drive))
    assert chance_of(event, one, action, others) == pytest.approx(1 - 0.9 ** (1 + 5 * drive))
    none_left = PARAMS._replace(unready=0.0)
    assert event_chance(event, 0, others, int(action), 1.0, one, none_left) == pytest.approx(0.1)


def test_the_same_channel_twice_and_cold_interest_leave_a_share_of_the_lift():
    assert [force(NO_CHANNEL, interest, int(Action.CALL), PARAMS) for interest in (0, 1, 2)] == [0.5, 0.75, 1.0]
    assert force(SPOKEN, FRESH, int(Action.CALL), PARAMS) == 0.2
    assert force(SPOKEN, FRESH, int(Action.MANAGER), PARAMS) == 0.2, "an account manager speaks, too"
    assert force(WRITTEN, FRESH, int(Action.SURVEY), PARAMS) == force(WRITTEN, FRESH, int(Action.EMAIL), PARAMS) == 0.2
    assert force(SHOWN, FRESH, int(Action.DEMO), PARAMS) == 0.2
    assert force(WRITTEN, FRESH, int(Action.CALL), PARAMS) == 1.0
    assert force(SPOKEN, 0, int(Action.CALL), PARAMS) == pytest.approx(0.5 * 0.2)


def test_a_step_goes_by_the_channel_and_the_interest_of_the_week_before(one):
    """A survey after an email, interest cooler: 10 x 0.2 x 0.75 = 1.5 more chances of 10%."""
    p, chance = 1 - 0.9**2.5, NEVER.copy()
    for number, happens in ((p - 1e-9, True), (p + 1e-9, False)):
        chance[SURVEY] = number
        after = step(at(channel=WRITTEN, interest=1), int(Action.SURVEY), one, PARAMS, chance).state
        assert (after.milestones == 1 << SURVEY) == happens


def test_what_happens_this_week_makes_nobody_ready_before_the_next(one):
    """A call is held, by chance; the demo still has the half lift, 1 - 0.9 ** 6, of one who has had no call."""
    chance = only(CALL)
    for number, happens in ((1 - 0.9**6 - 1e-9, True), (1 - 0.9**6 + 1e-9, False)):
        chance[DEMO] = number
        after = step(at(), int(Action.DEMO), one, PARAMS, chance).state
        assert after.milestones == 1 << CALL | happens << DEMO


def test_contacts_tire_and_a_week_of_rest_makes_up_for_one():
    assert [tire(fatigue, int(Action.EMAIL)) for fatigue in (0, 1, 2)] == [1, 2, 2]
    assert [tire(fatigue, int(Action.WAIT)) for fatigue in (0, 1, 2)] == [0, 0, 1]


def test_the_chance_of_losing_a_customer_by_hand(one):
    emails = [opt_out_chance(fatigue, 0, int(Action.EMAIL), one, PARAMS) for fatigue in (0, 1, 2)]
    assert emails == pytest.approx(np.array([0.15, 0.25, 0.4]) * np.exp(-1))
    assert opt_out_chance(2, 0, int(Action.CALL), one, PARAMS) == pytest.approx(0.4 * np.exp(-2))
    assert [opt_out_chance(fatigue, 0, int(Action.WAIT), one, PARAMS) for fatigue in (0, 1, 2)] == [0, 0, 0]
    deaf = one._replace(affinity=np.zeros((1, N_ACTIONS)))
    assert opt_out_chance(2, 0, int(Action.CALL), deaf, PARAMS) == 0.4


def test_a_week_in_which_everything_happens_and_one_in_which_nothing_does(one):
    outcome = step(at(), int(Action.CALL), one, PARAMS, SURELY)
    assert outcome.subscribed and outcome.terminated and outcome.reward == PARAMS.value - 2
    assert outcome.state.milestones == N_PATTERNS - 1
    outcome = step(at(4, fatigue=1, channel=WRITTEN), int(Action.CALL), one, PARAMS, NEVER)
    assert not outcome.subscribed and not outcome.terminated and outcome.reward == -2
    assert outcome.state == at(5, fatigue=2, channel=SPOKEN, interest=1)
    assert step(outcome.state, int(Action.WAIT), one, PARAMS, NEVER).state == at(6, fatigue=1, interest=0)


def test_interest_is_fresh_after_an_event_and_cools_until_it_is_cold(one):
    state, seen = at(interest=0), []
    for event in (SURVEY, None, None, None):
        state = step(state, int(Action.WAIT), one, PARAMS, NEVER if event is None else only(event)).state
        seen.append(state.interest)
    assert seen == [2, 1, 0, 0]
    again = step(at(milestones=1 << SURVEY), int(Action.SURVEY), one, PARAMS, only(SURVEY)).state
    assert again.milestones == 1 << SURVEY and again.interest == 1, "what has happened does not happen again"


@pytest.mark.parametrize("fatigue", [0, 1, 2])
def test_a_customer_who_opts_out_ends_the_episode(fatigue, one):
    p = opt_out_chance(fatigue, 0, int(Action.EMAIL), one, PARAMS)
    for number, lost in ((p - 1e-9, True), (p + 1e-9, False)):
        chance = NEVER.copy()
        chance[CHANCES - 1] = number
        outcome = step(at(fatigue=fatigue), int(Action.EMAIL), one, PARAMS, chance)
        assert outcome.terminated == lost and not outcome.subscribed and not outcome.truncated
    chance[CHANCES - 1] = 0
    assert not step(at(fatigue=fatigue), int(Action.WAIT), one, PARAMS, chance).terminated


def test_the_last_week_ends_the_task(one):
    outcome = step(at(steps=11), int(Action.WAIT), one, PARAMS, NEVER)
    assert outcome.terminated and not outcome.truncated and outcome.reward == 0
    assert not step(at(steps=10), int(Action.WAIT), one, PARAMS, NEVER).terminated


def test_the_rate_follows_the_milestones(one):
    quiet = one.quiet.copy()
    quiet[0, 1 << DEMO, SUBSCRIPTION] = np.log(0.5)  # who has had a demo subscribes by 50%
    after = step(at(), int(Action.WAIT), one._replace(quiet=quiet), PARAMS, only(DEMO)).state
    assert after.milestones == 1 << DEMO
    assert chance_of(SUBSCRIPTION, one._replace(quiet=quiet), Action.WAIT, after.milestones) == 0.5


def test_the_expected_reward_is_chance_times_value(one):
    params = PARAMS._replace(expected_reward=True)
    p = 1 - 0.9 ** (1 + 10 * 0.1 * 0.5)  # a demo hardly brings a subscription, less so before the signup
    for chance in (NEVER, SURELY):
        assert step(at(), int(Action.DEMO), one, params, chance).reward == pytest.approx(p * params.value - 4)


def test_buying_an_attribute_takes_no_time_and_asking_twice_wastes_a_week(one):
    hidden = start(0, one, SELECTION)
    assert hidden == at(mask=SELECTION.first_mask)
    seen = observe_all(batch([hidden]), one, SELECTION)[0]
    assert seen[COUNTRY] == 0 and seen[N_FEATURES + COUNTRY] == 0 and seen[N_FEATURES + 3] == 1
    outcome = step(hidden, COUNTRY, one, SELECTION, SURELY)
    assert outcome.reward == -1 and not outcome.subscribed and not outcome.terminated
    assert outcome.state == hidden._replace(mask=hidden.mask | 1 << COUNTRY)
    seen = observe_all(batch([outcome.state]), one, SELECTION)[0]
    assert seen[COUNTRY] == pytest.approx(0.25) and seen[N_FEATURES + COUNTRY] == 1
    tired = outcome.state._replace(fatigue=2, channel=WRITTEN)
    again = step(tired, COUNTRY, one, SELECTION, NEVER)
    assert again.reward == -1 and again.state == tired._replace(steps=1, fatigue=1, channel=NO_CHANNEL, interest=1)
    assert step(hidden, N_FEATURES + int(Action.CALL), one, SELECTION, NEVER).reward == -2


# What is seen


def test_an_observation_by_hand(one):
    state = at(3, milestones=1 << CALL | 1 << SIGNUP, fatigue=1, channel=SPOKEN, interest=1)
    seen = observe_all(batch([state]), one._replace(inbound=np.ones(1, np.int64)), PARAMS)[0]
    expected = [1, 3 / 12, 1 / 2, 0, 1, 0, 1 / 2, 1, 0, 0, 1, 0, 0.25, 0.75, 2 / 5]
    np.testing.assert_allclose(seen, expected, rtol=1e-6)
    assert len(RESPONSIVE_FEATURES) == N_FEATURES and RESPONSIVE_FEATURES[4].name == "Channel_Spoken"


def test_no_two_situations_look_alike_or_share_a_number(one):
    """So who sees everything sees all that the next week depends on."""
    shape = (12, N_PATTERNS, 3, 4, 3)
    week, *rest = (axis.ravel() for axis in np.indices(shape))
    numbers = situation(*rest)
    assert sorted(numbers[week == 0]) == list(range(N_SITUATIONS))
    states = State(0 * week, week, *rest, np.full(len(week), ALL_VISIBLE))
    seen = observe_all(states, one, PARAMS)
    assert seen.min() >= 0 and seen.max() <= 1
    assert len(np.unique(seen, axis=0)) == len(week) == 12 * N_SITUATIONS


# What always holds

STATES = st.builds(
    at,
    steps=st.integers(0, 11),
    milestones=st.integers(0, N_PATTERNS - 1),
    fatigue=st.integers(0, 2),
    channel=st.integers(0, 3),
    interest=st.integers(0, 2),
)
ACTIONS = st.integers(0, N_ACTIONS - 1)
CROWD = people(5, seed=1)


@given(STATES, ACTIONS, st.integers(0, 2**32 - 1))
def test_a_week_undoes_nothing_and_moves_each_part_by_one_at_most(state, action, seed):
    chance = np.random.default_rng(seed).random(CHANCES)
    outcome = step(state, action, CROWD, PARAMS, chance)
    after = outcome.state
    assert after.customer == state.customer and after.mask == state.mask and after.steps == state.steps + 1
    assert after.milestones & state.milestones == state.milestones
    assert abs(after.fatigue - state.fatigue) <= 1 and 0 <= after.fatigue <= 2
    assert after.interest == (FRESH if after.milestones != state.milestones else max(0, state.interest - 1))
    assert (after.channel == NO_CHANNEL) == (action == Action.WAIT)
    assert outcome.reward == PARAMS.value * outcome.subscribed - PARAMS.action_cost[action]
    assert not outcome.truncated and outcome.terminated >= (outcome.subscribed or after.steps == PARAMS.weeks)


@given(STATES, ACTIONS, st.integers(0, N_EVENTS - 1), st.floats(0, 1))
def test_waiting_is_the_least_an_action_brings_and_all_its_strength_the_most(state, action, event, strength):
    for customer in range(2):
        waiting, some, most = (
            event_chance(event, customer, state.milestones, each, float(share), CROWD, PARAMS)
            for each, share in ((int(Action.WAIT), 1.0), (action, strength), (action, 1.0))
        )
        assert 0 < waiting <= some <= most < 1


@given(ACTIONS, st.integers(0, 1))
def test_the_more_tired_the_sooner_lost_and_the_better_reached_the_later(action, fatigue):
    lost = [opt_out_chance(fatigue, 0, action, CROWD, PARAMS) for fatigue in (fatigue, fatigue + 1)]
    better = CROWD._replace(affinity=CROWD.affinity + 0.5)
    assert 0 <= lost[0] <= lost[1] < 1 and opt_out_chance(fatigue, 0, action, better, PARAMS) <= lost[0]


@given(st.lists(st.tuples(STATES, ACTIONS), min_size=1, max_size=20), st.integers(0, 2**32 - 1))
def test_a_batch_goes_as_single_episodes_do(rows, seed):
    rng = np.random.default_rng(seed)
    states, actions = zip(*rows, strict=True)
    states = [state._replace(customer=int(rng.integers(5))) for state in states]
    chances = rng.random((len(rows), CHANCES))
    together = step_all(batch(states), np.array(actions), CROWD, PARAMS, chances)
    for i, state in enumerate(states):
        alone = step(state, actions[i], CROWD, PARAMS, chances[i])
        assert tuple(field[i] for field in together.state) == tuple(alone.state)
        assert (together.reward[i], together.subscribed[i], together.terminated[i]) == alone[1:4]
