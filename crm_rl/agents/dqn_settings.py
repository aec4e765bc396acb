"""The settings of DQN: the study's (chapter 8), and those that suit the responsive worlds (chapter 7)."""

from typing import NamedTuple


class Hyperparameters(NamedTuple):
    """The settings of DQN; the defaults are the study's. Where its description is silent, what its code has.

    Attributes:
        hidden: the hidden layers, each of so many rectified linear units.
        learning_rate: of Adam, at the start.
        final_rate: the share of it that is left at the end; it falls on a straight line.
        gamma: the discount, in [0, 1].
        buffer_size: how many transitions are remembered.
        batch_size: how many of them an update learns from.
        learning_starts: how many steps are taken before the first update.
        train_every: one update for so many steps.
        target_every: the target network is renewed after so many steps.
        epsilon_start: how often the agent explores at first.
        epsilon_end: and at last.
        exploration: the share of training over which epsilon falls, on a straight line.
        max_gradient: longer gradients are shortened to this length.
        num_envs: how many episodes run side by side; updates then come in groups, as many for as many steps.
        replay: if not, only the newest `batch_size` transitions are remembered.
        target_network: if not, the network that is being trained sets its own targets.
        huber: the Huber loss (SB3's); otherwise the squared error, whose minimiser is the mean.
        reward_scale: what one unit of the network's output stands for. The Huber loss turns from square to straight at
            one unit, so with 100 it is the squared error almost everywhere: the few large values then outweigh the many
            small ones, and actions that differ by a point or two are told apart worse.
        double: the network in training chooses the next action, the target network says what it is worth.
        dueling: the last layer learns the value of the state and what each action adds.
        n_step: rewards taken from the episode itself before the target network says what follows. The actions behind
            them were partly random, which is not corrected for.
        relative: weigh a state by 1 / (its value + a floor) ** 2, so that an error counts relative to what is at stake.
            The floor is this many times the median value of the batch; 0 weighs all states alike. The weight depends
            on the state alone, which leaves the minimiser of the squared error the mean.
        embedding: the size of the vectors that are learned for names in the observation (`World.names`); 0 for none.
        known_costs: what each action costs is taken off the network's output, which then learns the rest.
        weight_decay: of Adam, decoupled from the gradient (Loshchilov and Hutter 2019).
        scale_to_budget: with few steps, learn more from each, sooner, and renew the target network more often.
    """

    hidden: tuple[int, ...] = (128, 128)
    learning_rate: float = 1e-4
    final_rate: float = 1.0
    gamma: float = 0.95
    buffer_size: int = 100_000
    batch_size: int = 64
    learning_starts: int = 1_000
    train_every: int = 4
    target_every: int = 1_000
    epsilon_start: float = 1.0
    epsilon_end: float = 0.01
    exploration: float = 0.3
    max_gradient: float = 10.0
    num_envs: int = 16
    replay: bool = True
    target_network: bool = True
    huber: bool = True
    reward_scale: float = 1.0
    double: bool = False
    dueling: bool = False
    n_step: int = 1
    relative: float = 0.0
    embedding: int = 0
    known_costs: bool = False
    weight_decay: float = 0.0
    scale_to_budget: bool = False


DESCRIBED = Hyperparameters()
AS_CODED = DESCRIBED._replace(hidden=(64, 64))

#: By setting and by whether the agent selects features.
STUDY = {
    ("described", False): DESCRIBED,
    ("described", True): DESCRIBED,
    ("as_coded", False): AS_CODED,
    ("as_coded", True): AS_CODED._replace(buffer_size=10_000, batch_size=32),
}

#: Rates, batches and exploration that suit the responsive worlds, with the study's loss and targets; and what was
#: chosen there on validation customers.
PLAIN = DESCRIBED._replace(
    learning_rate=3e-3,
    final_rate=0.02,
    gamma=1.0,
    batch_size=128,
    train_every=32,
    buffer_size=200_000,
    num_envs=64,
    learning_starts=2_000,
    epsilon_end=0.05,
    exploration=0.5,
    max_gradient=float("inf"),
    reward_scale=100.0,
    scale_to_budget=True,
)
RESPONSIVE = PLAIN._replace(huber=False, double=True, relative=0.3)
