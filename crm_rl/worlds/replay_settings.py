"""The constants of the replay world (chapter 8): what the study's text says, and what its code does."""

from typing import NamedTuple

from crm_rl.worlds.base import ALL_VISIBLE, N_ACTIONS


class Params(NamedTuple):
    """Every constant of the replay world, each action's in the order of `Action`.

    Attributes:
        horizon: the step after which an episode is cut off.
        action_cost: what each action costs.
        milestone_reward: what each action earns if the record has its milestone.
        signup_reward: earned at every step from stage 4 on, if the record has a signup.
        subscription_reward: earned when a subscription counts; that ends the episode.
        once: a milestone is paid once an episode, not each time.
        needs_stage: a subscription counts only from stage 4 on; otherwise, on the first action of the firm.
        manager_always_lifts: an account manager lifts the stage to 5 with none on record, too.
        timeout_penalty: for reaching the horizon.
        repeat_penalty: for the same action twice running (waiting is free).
        selects_features: the agent sees a mask and has 15 toggles.
        hides_features: a feature whose bit is 0 is seen as 0.
        first_mask: the mask at the start, as a number whose bits are the features.
        toggle_cost: of a toggle.
        toggle_cost_each: of a toggle, for each feature visible after it.
        decision_cost_each: of an action of the firm, for each visible feature.
        mask_gates_rewards: a milestone is paid only while its flag is visible.
        decision_ends: any action of the firm ends the episode.
        toggles_time_out: only a toggle can be cut off by the horizon; actions of the firm never are.
    """

    horizon: int
    action_cost: tuple[float, ...]
    milestone_reward: tuple[float, ...]
    signup_reward: float
    subscription_reward: float
    once: bool
    needs_stage: bool
    manager_always_lifts: bool
    timeout_penalty: float
    repeat_penalty: float
    selects_features: bool
    hides_features: bool
    first_mask: int
    toggle_cost: float
    toggle_cost_each: float
    decision_cost_each: float
    mask_gates_rewards: bool
    decision_ends: bool
    toggles_time_out: bool


#: What the study's description says.
DESCRIBED = Params(
    horizon=10,
    action_cost=(1.0,) * N_ACTIONS,
    milestone_reward=(0.0, 15.0, 10.0, 5.0, 0.0, 0.0),
    signup_reward=0.0,
    subscription_reward=100.0,
    once=True,
    needs_stage=False,
    manager_always_lifts=False,
    timeout_penalty=0.0,
    repeat_penalty=0.0,
    selects_features=False,
    hides_features=False,
    first_mask=ALL_VISIBLE,
    toggle_cost=0.0,
    toggle_cost_each=0.0,
    decision_cost_each=0.0,
    mask_gates_rewards=False,
    decision_ends=False,
    toggles_time_out=False,
)

#: What the study's code does.
AS_CODED = DESCRIBED._replace(
    action_cost=(1.0, 5.0, 10.0, 2.0, 0.0, 20.0),
    milestone_reward=(0.0, 15.0, 12.0, 8.0, 0.0, 10.0),
    signup_reward=20.0,
    once=False,
    needs_stage=True,
    timeout_penalty=10.0,
    repeat_penalty=5.0,
)

#: Feature selection as described: all features start hidden, and the first action of the firm ends the episode.
DESCRIBED_SELECTION = DESCRIBED._replace(
    horizon=20,
    selects_features=True,
    hides_features=True,
    first_mask=0,
    toggle_cost=1.0,
    decision_cost_each=0.1,
    decision_ends=True,
)

#: Feature selection as coded: all start visible, the mask hides nothing, and no action of the firm ends the episode.
AS_CODED_SELECTION = AS_CODED._replace(
    horizon=20,
    timeout_penalty=20.0,
    selects_features=True,
    first_mask=ALL_VISIBLE,
    toggle_cost_each=0.01,
    decision_cost_each=0.1,
    mask_gates_rewards=True,
    toggles_time_out=True,
)

#: The params by setting and by whether the agent selects features.
PARAMS = {
    ("described", False): DESCRIBED,
    ("described", True): DESCRIBED_SELECTION,
    ("as_coded", False): AS_CODED,
    ("as_coded", True): AS_CODED_SELECTION,
}
