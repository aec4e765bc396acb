"""Prints what obp and scope-rl estimate from the made-up log, for test_off_policy_public.py.

Not run in CI: it runs in an environment of its own, with Python 3.11, scope-rl 0.2.1, scikit-learn 1.9.1, numpy 1.26.4
and obp 0.5.7, which pins an older Python: `pip install --no-deps --ignore-requires-python obp==0.5.7` works too.
"""

import numpy as np
import obp.ope as decisions
import scope_rl.ope.discrete as episodes
from made_up_log import made_up_log
from sklearn.linear_model import Ridge

log = made_up_log()
chances = np.take_along_axis(log.tried, log.actions[:, :, None], axis=2)
whole = {"action": log.actions.ravel(), "reward": log.rewards.ravel(), "pscore": chances.ravel()}
whole["evaluation_policy_action_dist"] = log.wanted.reshape(-1, 4)
whole["state_action_value_prediction"] = log.q.reshape(-1, 4)
names = "TrajectoryWiseImportanceSampling PerDecisionImportanceSampling SelfNormalizedPDIS DirectMethod DoublyRobust"
for name in names.split():
    estimator = getattr(episodes, name)()
    print(name, estimator.estimate_interval(3, **whole, ci="ttest", alpha=0.025))  # alpha on either side

# Of the first week: each half is judged by a ridge regression of the other half, on the action alone.
first, nothing, model = {"action": log.actions[:, 0], "reward": log.rewards[:, 0]}, np.zeros((200, 1)), {}
for half in range(2):
    ridge = decisions.RegressionModel(Ridge(alpha=1.0, fit_intercept=False), n_actions=4)
    ridge.fit(nothing, **{key: column[1 - half :: 2] for key, column in first.items()})
    model[half] = ridge.predict(nothing)
first |= {"pscore": chances[:, 0, 0], "action_dist": log.wanted[:, 0, :, None]}
first["estimated_rewards_by_reg_model"] = np.stack([model[0], model[1]], axis=1).reshape(400, 4, 1)
names = "InverseProbabilityWeighting SelfNormalizedInverseProbabilityWeighting DirectMethod DoublyRobust"
for name in names.split():
    print(name, getattr(decisions, name)().estimate_policy_value(**first))
