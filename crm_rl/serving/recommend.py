"""Which action for whom: a trained policy asked about the customers of an export."""

import numpy as np
import pandas as pd

from crm_rl.agents.checkpoints import PolicyError, fingerprint
from crm_rl.agents.policies import NetworkPolicy, TablePolicy
from crm_rl.data.columns import TEXT
from crm_rl.data.split import published_split
from crm_rl.worlds.base import Action, firm_actions
from crm_rl.worlds.replay_settings import PARAMS
from crm_rl.worlds.replay_world import ReplayWorld, replay_worlds, world_of

#: Stages of prospects whom no policy may contact.
LEFT_ALONE = ("do not contact", "subscribed already")


def left_alone(customers: pd.DataFrame) -> np.ndarray:
    """Who must not be contacted, whatever a policy says: shape (customers,), bool, from columns as `clean` has them."""
    return (customers["stage"].isin(LEFT_ALONE) | customers["subscribed"]).to_numpy(dtype=bool)


def setting_of(policy: TablePolicy | NetworkPolicy) -> tuple[str, bool]:
    """In which setting a policy was trained, and whether it selects features.

    Raises:
        PolicyError: in none of the study's.
    """
    for key, params in PARAMS.items():
        if params == policy.params:
            return key
    raise PolicyError("the policy was trained by rules of its own. Remedy: train it with `python -m crm_rl train`.")


def trained_worlds(policy: TablePolicy | NetworkPolicy, customers: pd.DataFrame) -> dict[str, ReplayWorld]:
    """The worlds in which a policy was trained, if these are the customers of its training.

    Args:
        policy: a policy of the study.
        customers: as `clean` returns them.

    Raises:
        PolicyError: it was trained on other customers, whose features mean something else.
    """
    worlds = replay_worlds(customers, *setting_of(policy))
    seeds = len(policy.about.get("seeds", [0]))  # networks trained side by side, each in a world of its own
    if fingerprint((worlds["train"],) * seeds) != policy.about.get("world"):
        raise PolicyError(
            "the policy was trained on other data than this. Remedy: name the export it was trained on with --data."
        )
    return worlds


def recommend(
    policy: TablePolicy | NetworkPolicy,
    customers: pd.DataFrame,
    trained_on: pd.DataFrame,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Ask a policy what to do with each customer.

    With feature selection the policy first chooses what to look at; what is recommended is its first action of the
    firm. Who is to be left alone gets `wait`, whatever the policy says.

    Args:
        policy: a policy of the study.
        customers: whom to ask about, as `clean` returns them.
        trained_on: the customers of its training, from which codes and rates come.
        rng: breaks ties, and decides where a table has never met the state.

    Returns:
        A row a customer: `customer_id`, `action` (missing if the policy only toggled features until the horizon),
        `known` (whether training met the state; missing for a network, which cannot tell), `looked_at` (how many
        features were visible), and the Q-value of each of the six actions, `q_email` to `q_manager`. As coded, codes
        are given anew on `customers`, so that who else is asked about changes the answers.

    Raises:
        PolicyError: the policy was trained on other customers than `trained_on`.
    """
    setting, selection = setting_of(policy)
    trained_worlds(policy, trained_on)
    world = world_of(customers, published_split(trained_on).train, setting, selection)
    n = len(customers)
    choice, known = np.full(n, -1), pd.array([pd.NA] * n, dtype="boolean")
    values, looked_at = np.full((n, len(Action)), np.nan), np.zeros(n, dtype=np.int64)
    states, asked = world.start(np.arange(n)), np.arange(n)
    for _ in range(world.params.horizon):
        actions = policy(states, world, rng)
        decides, firm_action = firm_actions(actions, world.params)
        who = asked[decides]
        choice[who] = firm_action
        if isinstance(policy, TablePolicy):
            known[who] = policy.known(states, world)[decides]
        values[who] = policy.q_values(states, world)[decides][:, -len(Action) :]
        looked_at[who] = [int(mask).bit_count() for mask in states.mask[decides]]
        if decides.all():
            break
        after = world.step(states, actions, np.zeros((len(asked), 0))).state
        states, asked = type(states)(*(field[~decides] for field in after)), asked[~decides]
    choice[left_alone(customers)] = Action.WAIT
    names = pd.Series([Action(place).name.lower() if place >= 0 else None for place in choice], dtype=TEXT)
    table = pd.DataFrame(
        {"customer_id": customers["customer_id"].to_numpy(), "action": names, "known": known, "looked_at": looked_at}
    )
    return table.join(pd.DataFrame(values, columns=[f"q_{action.name.lower()}" for action in Action]))


def never_seen(customers: pd.DataFrame, trained_on: pd.DataFrame) -> dict[str, list[str]]:
    """Countries and bootcamps of these customers that training never saw, by column.

    Args:
        customers: whom a policy is asked about, as `clean` returns them.
        trained_on: the customers of its training.
    """
    train = published_split(trained_on).train
    new = {name: sorted(set(customers[name].dropna()) - set(train[name].dropna())) for name in ("country", "education")}
    return {name: values for name, values in new.items() if values}
