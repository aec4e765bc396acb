"""Estimates from logs against public packages: their figures of the same made-up log, as public_ope.py and
public_fqe.py print them.
"""

import numpy as np
import pytest
from made_up_log import ACTIONS, made_up_log

from crm_rl.evaluation.off_policy import (
    estimates,
    evaluate_decisions,
    fitted_q_evaluation,
    importance_ratios,
    table_of,
)

#: scope-rl 0.2.1, three weeks: the estimate, and its t interval of 95%.
SEQUENCES = {
    "IPS": [0.28874673376896953, 0.22556110482548547, 0.3519323627124536],
    "per-decision IPS": [0.32284471972046774, 0.2674789109201097, 0.37821052852082576],
    "self-normalised IPS": [0.3360472144154699, 0.27832927907581945, 0.3937651497551204],
    "direct method": [0.12179503222142443, 0.11685410917815264, 0.12673595526469622],
    "doubly robust": [0.33189493963199573, 0.28112018164766045, 0.382669697616331],
}

#: obp 0.5.7, the first week alone, with a ridge regression of scikit-learn 1.9.1 as the model of rewards.
DECISIONS = {
    "IPS": 0.1699208796510275,
    "self-normalised IPS": 0.1766079149603385,
    "direct method": 0.14985607447939933,
    "doubly robust": 0.17157618587498713,
}

#: d3rlpy 2.8.1, fitted Q evaluation with a ridge of 1: the mean value of the policy and of the logged action, by week.
#: It descends from a random start, in single precision; every run comes to these seven digits.
VALUES = [0.3139261, 0.1608971, 0.05384435]
LOGGED = [0.3162291, 0.1512652, 0.04933029]


@pytest.fixture(scope="module")
def log():
    return made_up_log()


def logged(table: np.ndarray, actions: np.ndarray) -> np.ndarray:
    return np.take_along_axis(table, actions[:, :, None], axis=2)[:, :, 0]


def test_sequences_agree_with_scope_rl(log):
    tried, wanted, q = (logged(table, log.actions) for table in (log.tried, log.wanted, log.q))
    model = q, (log.wanted * log.q).sum(axis=2)
    table = table_of(estimates(log.rewards, importance_ratios(wanted, tried), model)).T
    for name, figures in SEQUENCES.items():
        # scope-rl takes the mean weight for known. Ours varies from log to log, and so the interval is another one.
        some = slice(1 if name == "self-normalised IPS" else 3)
        assert table[name].tolist()[some] == pytest.approx(figures[some], rel=1e-9), name


def test_decisions_agree_with_obp(log):
    actions, tried = log.actions[:, 0], logged(log.tried, log.actions)[:, 0]
    table, _ = evaluate_decisions(actions, tried, log.rewards[:, 0], log.wanted[:, 0])
    assert table.loc[list(DECISIONS), "estimate"].to_dict() == pytest.approx(DECISIONS, rel=1e-9)


def test_fitted_q_evaluation_agrees_with_d3rlpy(log):
    """d3rlpy judges policies without chance alone: here the one that always takes the favourite."""
    wanted = (log.favourite[:, :, None] == np.arange(ACTIONS)).astype(float)
    q, values = fitted_q_evaluation(log.inputs, log.actions, log.rewards, log.going, wanted)
    assert values.mean(axis=0).tolist() == pytest.approx(VALUES, rel=1e-6)
    assert q.mean(axis=0).tolist() == pytest.approx(LOGGED, rel=1e-6)
