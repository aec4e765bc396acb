"""Prints what d3rlpy's fitted Q evaluation learns from the made-up log, for test_off_policy_public.py.

Not run in CI: it runs in an environment of its own, with Python 3.11, d3rlpy 2.8.1, torch 2.14.1 and numpy 1.26.4.
"""

from types import SimpleNamespace

import numpy as np
import torch
from d3rlpy.dataset import TransitionMiniBatch
from d3rlpy.models import VectorEncoderFactory
from d3rlpy.ope import DiscreteFQE, FQEConfig
from d3rlpy.optimizers import SGDFactory
from made_up_log import made_up_log

log = made_up_log()
x = np.concatenate([np.ones((400, 3, 1)), log.inputs], axis=2)
seen = (np.eye(3)[:, :, None] * x[:, :, None]).reshape(400, 3, 9).astype(np.float32)  # each week has its own weights
later = [np.roll(array, -1, axis=1) for array in (seen, log.favourite, log.going & (np.arange(3) > 0))]
q, values, linear = np.zeros((400, 3)), np.zeros((400, 3)), VectorEncoderFactory([9], exclude_last_activation=True)
for half in range(2):
    learns = log.going & (np.arange(400) % 2 != half)[:, None]
    then, best, on = (array[learns] for array in later)
    columns = (log.actions[learns], log.rewards[learns], best, ~on, np.ones(len(on)))
    actions, rewards, after, ends, steps = (column[:, None].astype(np.float32) for column in columns)
    batch = TransitionMiniBatch(seen[learns], actions, rewards, then, after, ends, steps, [])
    policy = SimpleNamespace(impl=SimpleNamespace(predict_best_action=lambda _, best=best: torch.tensor(best)))
    descent = SGDFactory(momentum=0.9, weight_decay=1 / len(on))  # by the gradient of the whole half; a ridge of 1
    kinds = {"optim_factory": descent, "encoder_factory": linear}
    fqe = DiscreteFQE(policy, FQEConfig(learning_rate=2.0, gamma=1.0, target_update_interval=1000, **kinds))
    fqe.create_impl((9,), 4)
    net, fixed = fqe.impl.modules.q_funcs[0], (torch.eye(9), torch.zeros(9), torch.zeros(4))  # no layer but the last
    for weights, value in zip((*net.encoder.parameters(), net._fc.bias), fixed, strict=True):
        weights.requires_grad_(False).copy_(value)
    for _ in range(4001):
        fqe.update(batch)
    for action, learned in ((log.actions, q), (log.favourite, values)):
        learned[half::2] = (log.going * fqe.predict_value(seen.reshape(-1, 9), action.ravel()).reshape(400, 3))[half::2]
print(values.mean(axis=0).tolist(), q.mean(axis=0).tolist())
