"""The practice pages: a task's starting code gets a hint, its solution is right, and so are the sums by hand."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import notebooks  # noqa: E402

PAGE = notebooks.NOTEBOOKS / "15_code_tasks"
CODE = [cell for cell in notebooks.read_ipynb(PAGE.with_suffix(".ipynb")).cells if cell.cell_type == "code"]
ASKED = [cell for cell in CODE if "print(check(" in cell.source]
NAMES = [re.search(r"print\(check\((\w+)\)\)", cell.source)[1] for cell in ASKED]


@pytest.fixture(scope="module")
def page() -> dict:
    """What the page defines, without the attempts: `check`, and NumPy."""
    found: dict = {}
    for cell in CODE:
        if cell not in ASKED and "google.colab" not in cell.source:
            exec(cell.source, found)
    return found


def attempt(page: dict, source: str):
    """A task's function or class, from its source."""
    found = {"np": np}
    exec(source, found)
    return next(found[name] for name in NAMES if name in found)


def test_each_of_twelve_tasks_has_a_start_and_a_solution():
    assert NAMES[::2] == NAMES[1::2] and len(set(NAMES)) == 12


@pytest.mark.parametrize("number", range(12), ids=NAMES[::2])
def test_the_start_is_not_right_and_the_solution_is(number):
    """Executed outputs, which nbval compares with fresh ones."""
    start, solution = (cell.outputs[0]["text"].strip() for cell in ASKED[2 * number : 2 * number + 2])
    assert solution == "Right."
    assert not start.startswith(("Right", "It stops with")) and start.endswith((".", "?"))


#: A change of a solution that somebody might make, and a part of the hint that it must get.
MISTAKES = [
    ("epsilon_greedy", "rng.choice(np.flatnonzero(values == values.max()))", "values.argmax()", "among the best"),
    ("epsilon_greedy", "rng.random() < epsilon", "rng.random() > epsilon", "10% are right"),
    ("epsilon_greedy", "rng.integers(len(values))", "rng.missing()", "It stops with AttributeError"),
    ("ReplayBuffer", "min(self.added, len(self.rows))", "self.added", "It stops with IndexError"),
    ("ReplayBuffer", "% len(self.rows)", "% (len(self.rows) - 1)", "3, 4 and 5 are right"),
    ("ReplayBuffer", "if filled == 0:", "if False:", "Raise a ValueError that says"),
    ("ReplayBuffer", "(capacity, width)", "(capacity, 1)", "It stops with ValueError"),
    ("n_step_return", "gamma**n * values[end]", "gamma * values[end]", "to the power n"),
    ("n_step_return", "if end < len(rewards):", "if True:", "end of the episode"),
    ("value_iteration", "gamma * change <= tolerance * (1 - gamma)", "change < tolerance", "how far can v be off"),
    ("value_iteration", "return v, q.argmax(axis=1)", "return v, q.argmin(axis=1)", "stays in state 0"),
    ("wilson", "extra / (4 * trials)", "extra / (2 * trials)", "0 to 0.278"),
    ("wilson", "if trials == 0:", "if False:", "It stops with ZeroDivisionError"),
    ("wilson", "return 0.0, 1.0", "return 0.0, 0.0", "every rate is possible"),
    ("wilson", "max(centre - half, 0.0), min(centre + half, 1.0)", "centre - half, centre + half", "Cut it off"),
    ("bootstrap_difference", "rng.choice(first, size=len(first))", "rng.choice(first, size=40)", "in its own size"),
    ("bootstrap_difference", "one.mean() - other.mean()", "other.mean() - one.mean()", "comes first"),
    ("bootstrap_difference", "size=len(first))", "size=len(first), replace=False)", "as wide as it should be"),
    ("bootstrap_difference", "rng.choice(first", "np.random.default_rng().choice(first", "two intervals"),
    ("target_encode", "target[~here].mean()", "target.mean()", "A leak"),
    ("target_encode", "m * overall) / (same.sum() + m)", "0) / same.sum()", "nan"),
    ("inverse_propensity", "target / behaviour", "behaviour / target", "upside down"),
    ("inverse_propensity", "/ weights.sum()", "/ len(weights)", "sum of the weights"),
    ("LinUCB", "self.A += np.outer(x, x)", "pass", "6 / 5"),
    ("LinUCB", "np.outer(x, x)", "np.diag(x * x)", "off its diagonal"),
    ("LinUCB", "np.sqrt(x @ np.linalg.solve(self.A, x))", "(x @ np.linalg.solve(self.A, x))", "Is there a root"),
    ("LinUCB", "np.sqrt(x @ np.linalg.solve(self.A, x))", "np.sqrt(x @ x)", "has not shrunk"),
    ("double_q_target", "online_next.argmax(axis=1)", "target_next.argmax(axis=1)", "plain DQN"),
    ("double_q_target", "(1 - done) * ", "", "has ended"),
    (
        "ppo_loss",
        "np.minimum(ratio * advantage, clipped * advantage)",
        "(clipped * advantage)",
        "the minimum for",
    ),
    ("ppo_loss", "-np.minimum", "np.minimum", "The sign"),
    ("ppo_loss", "logits = logits - logits.max(axis=1, keepdims=True)", "pass", "overflow"),
    ("ppo_loss", "1 - clip, 1 + clip", "None, 1 + clip", "a lower end, too"),
    ("ppo_loss", "advantage).mean()", "advantage).sum()", "adds them up"),
    ("ppo_loss", "logits.max(axis=1, keepdims=True)", "logits.max()", "a softmax of its own"),
    ("ppo_loss", "np.exp(logits).sum(axis=1, keepdims=True)", "np.exp(logits).sum()", "a softmax of its own"),
    ("choose_within", "np.where(allowed, value - price * cost, -np.inf)", "(value - price * cost)", "not allowed"),
    ("choose_within", "low, high = 0.0", "low, high = 3.0", "of the bound"),
    ("choose_within", "if extra[k] <= left:", "if False:", "Switch one at a time"),
    ("choose_within", "if extra[k] <= left:", "if True:", "of 250"),
]


@pytest.mark.parametrize(("name", "right", "wrong", "hint"), MISTAKES)
def test_a_mistake_gets_its_hint(page, name, right, wrong, hint):
    source = ASKED[2 * NAMES[::2].index(name) + 1].source.replace(f"print(check({name}))", "")
    assert page["check"](attempt(page, source)) == "Right."
    assert right in source
    assert hint in " ".join(page["check"](attempt(page, source.replace(right, wrong))).split())


def test_a_plan_within_a_budget_loses_less_than_one_offer(page):
    """Against every plan there is, with customers who are alike in half of the cases."""
    name = "choose_within"
    source = ASKED[2 * NAMES[::2].index(name) + 1].source.replace(f"print(check({name}))", "")
    choose_within, rng = attempt(page, source), np.random.default_rng(0)
    cost, plans = np.arange(4.0), np.indices((4,) * 5).reshape(5, -1).T  # 5 customers
    for case in range(60):
        value = rng.integers(0, 7, size=(5, 4)) * (cost > 0.0)
        value = value[rng.integers(2, size=5)] if case % 2 else value
        allowed = (rng.random((5, 4)) < 0.8) | (cost == 0)
        budget = float(rng.integers(0, 9))
        chosen = choose_within(value, cost, allowed, budget)
        within = (cost[plans].sum(axis=1) <= budget) & allowed[range(5), plans].all(axis=1)
        best = value[range(5), plans[within]].sum(axis=1).max()
        assert allowed[range(5), chosen].all() and cost[chosen].sum() <= budget
        assert best - value[range(5), chosen].sum() < max(value.max(), 1)


def test_the_sums_of_the_design_cases():
    """Each result of the two tables, from the assumptions that stand beside it."""
    text = (ROOT / "book" / "interview" / "design_cases.md").read_text(encoding="utf-8")
    people, core_hour = 10e6, 0.05
    rebuild, training = people * 3 * 104 * 100 / 50e6, 10 * 20 * 15 / 60  # seconds, hours
    pairs = 3e6 * 31
    sums = [
        f"60 numbers of 4 bytes | {people * 60 * 4 / 1e9:.1f} GB",
        f"104 weeks, 100 bytes | {people * 3 * 104 * 100 / 1e9:.0f} GB",
        f"| {rebuild / 60:.0f} core-minutes",
        f"| {rebuild / 104 / 60:.0f} core-minute |",
        f"| {people * (60 * 128 + 128 * 128 + 128 * 6) / 10e9:.0f} seconds",
        f"| {training:.0f} core-hours",
        f"waves of 15 minutes, {math.ceil(10 * 20 / 64) * 15} minutes; on 16",
        f"thirteen waves, {math.ceil(10 * 20 / 16) * 15} minutes",
        f"about 320,000 customers, {100 * 16 * 0.005 * 0.995 / 0.0005**2 / people:.1f}%",
        f"the training costs {training * core_hour:.2f} dollars and the rebuild {rebuild / 3600 * core_hour:.2f}",
        f"| {16 * 0.005 * 0.995 / 0.0005**2:,.0f} customers",
        f"| {0.02 * people * 0.05:,.0f} dollars a week",
        f"| {2e6 / 86_400 * 10:.0f} a second",
        f"| {pairs / 1e6:.0f} million",
        f"| {pairs * 8 / 1e6:.0f} MB",
        f"| {pairs * 20e-6 / 60:.0f} core-minutes",
        f"| {pairs * 20e-6 / 64:.0f} seconds",
        f"| {20 * pairs / 0.1e9:.0f} seconds",
        f"| {5 * (1e6 * 0.1 * 0.9) ** 0.5:,.0f} dollars",
        f"| {5 * 1e6 * (0.11 - 0.10):,.0f} dollars",
        f"| {0.01 * 500_000:,.0f} dollars a week",
        f"17^5 = {17**5:,}$ against $2^{{20}} = {2**20:,}$".replace(",", "{,}"),
    ]
    assert [each for each in sums if each not in text] == []
    assert rebuild / 64 < 120 and 17**5 > 2**20
