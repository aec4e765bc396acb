"""The safety layer: no budget is overspent, no rule is broken, and nothing is dropped in silence."""

import numpy as np
import pytest

from crm_rl.case_studies.budgets.catalogue import CENTS, CHANNEL, N_ACTIONS
from crm_rl.case_studies.budgets.customers import REASONS, Batch, offers_within, season
from crm_rl.case_studies.budgets.safety import Customers, Limits, Verdict, allowed, check


def situation(rng: np.random.Generator):
    """Proposals, rules, up to 40 customers, and an order; half of the time everybody is to get the dearest offer."""
    n = rng.integers(1, 41)
    people = Customers(rng.integers(0, 100, n), rng.random((n, 5)) < rng.random(), rng.integers(0, 15, n))
    budget = 0 if rng.random() < 0.1 else int(rng.integers(6001))
    limits = Limits(budget, int(rng.integers(15)), int(rng.integers(100)))
    actions = np.full(n, N_ACTIONS - 1) if rng.random() < 0.5 else rng.integers(N_ACTIONS, size=n)
    return actions, limits, people, rng.permutation(n)


@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_ever_overspent_and_no_rule_broken(seed):
    """Ten thousand random situations."""
    rng = np.random.default_rng(seed)
    for _ in range(1000):
        holds(*situation(rng))


def holds(actions, limits, people, order):
    checked = check(actions, limits, people, order)
    served = checked.actions > 0
    assert CENTS[checked.actions].sum() == checked.spent <= limits.budget
    assert (people.age[served] >= limits.age).all() and (people.contacts[served] < limits.contacts).all()
    assert people.consent[served, CHANNEL[checked.actions[served]]].all()
    assert allowed(people, limits)[np.arange(len(actions)), checked.actions].all()
    # What was granted is what was proposed; what was not has a reason, and a refusal for money was one.
    granted = checked.verdicts == Verdict.GRANTED
    assert (checked.actions[granted] == actions[granted]).all() and not checked.actions[~granted].any()
    too_dear = checked.verdicts == Verdict.OVER_BUDGET
    assert (CENTS[actions[too_dear]] > limits.budget - checked.spent).all()
    assert sum(checked.refused().values()) == (~granted).sum()


def test_by_hand():
    people = Customers(
        age=np.array([17, 30, 30, 30, 30]),
        consent=np.array([[True] * 5, [False] * 5, [True] * 5, [True] * 5, [True] * 5]),
        contacts=np.array([0, 0, 2, 0, 0]),
    )
    checked = check(np.array([1, 1, 1, 25, 1]), Limits(budget=260), people)
    assert checked.actions.tolist() == [0, 0, 0, 25, 0] and checked.spent == 257
    assert checked.refused() == {"too_young": 1, "no_consent": 1, "contact_cap": 1, "over_budget": 1}
    reverse = check(np.array([1, 1, 1, 25, 1]), Limits(budget=260), people, np.arange(5)[::-1])
    assert reverse.actions.tolist() == [0, 0, 0, 0, 1] and reverse.spent == 50


@pytest.mark.parametrize(
    "wrong", [(np.array([26]), Limits(0), None), (np.array([-1]), Limits(0), None), (np.array([1]), Limits(-1), None)]
)
def test_what_is_no_proposal_is_refused(wrong):
    with pytest.raises(ValueError, match="Remedy"):
        check(*wrong)
    with pytest.raises(ValueError, match="Remedy"):
        check(np.array([1, 1]), Limits(100), None, np.array([0, 0]))


def test_why_customers_get_nothing():
    """Everybody alike but for consent; then a budget that never binds, and one that does."""
    world, values = season()
    n, rng = 400, np.random.default_rng(0)
    types, states = rng.integers(len(world.segments), size=n), rng.integers(12, size=n)
    people = Customers(np.full(n, 30), rng.random((n, 5)) < 0.5, np.zeros(n, dtype=int))
    batch = Batch([str(i) for i in range(n)], types, states, people)
    gains = values[0, types, states] - values[0, types, states, :1]
    may = allowed(people, Limits(0))
    for budget in (10**7, 2000):
        found = offers_within(batch, budget)
        reasons = np.array(REASONS)[found.reasons]
        nothing = ~np.isin(reasons, ["sent", "no consent"])
        assert (found.price == 0) == (budget == 10**7) and (nothing == (found.actions == 0))[
            people.consent.any(1)
        ].all()
        net = gains - found.price * CENTS / 100
        assert (np.where(may, net, 0).max(axis=1) <= 1e-9)[nothing].all(), "of what was allowed nothing was worth it"
        lacks, worthless = reasons == "better offers lack consent", reasons == "not worth its cost"
        assert (net.max(axis=1) > 0)[lacks].all() and lacks.any()
        assert (gains.max(axis=1) <= 1e-9)[worthless].all() and worthless.any()
        assert (reasons == "outbid at this price").any() == (budget == 2000)
