"""A small training run of DQN, for tests and for what they start in processes of their own: it imports little."""

from tiny_worlds import crowd

from crm_rl.agents.dqn import train_dqn
from crm_rl.agents.dqn_settings import Hyperparameters
from crm_rl.worlds.replay_settings import AS_CODED_SELECTION

SMALL = Hyperparameters(hidden=(16, 16), buffer_size=320, batch_size=8, learning_starts=64, target_every=160)


def small_run(folder, seed=5, steps=1_600):
    return train_dqn(crowd(AS_CODED_SELECTION), SMALL, steps, seed, folder=folder, checkpoint_every=160)
