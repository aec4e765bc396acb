"""What a firm can do about fatigue that it does not see: count messages, or plan a schedule ahead (chapter 11).

Pure functions of the response model; all values are exact.
"""

from typing import NamedTuple

import numpy as np

from crm_rl.case_studies.offers.response import FATIGUE, HABIT, Response, q_values


class Capped(NamedTuple):
    """What a policy comes to under a cap, for each type of customer.

    Attributes:
        values: shape (types,): the expected profit of all weeks from a fresh start, in dollars.
        messages: shape (types,): how many messages a customer is expected to get.
    """

    values: np.ndarray
    messages: np.ndarray


def with_cap(response: Response, actions: np.ndarray, most: int, weeks: int) -> Capped:
    """Evaluate a policy that sends nothing where another message would be too many.

    The past `weeks` - 1 weeks are kept as bits, 1 for a message, so a state is these bits, fatigue and habit.

    Args:
        response: the model; its last action is to send nothing.
        actions: shape (types, fatigue, habit): what the policy does in every week where the cap allows it.
        most: messages that a customer may get in any `weeks` weeks in a row; `most` = `weeks` is no cap.
        weeks: from 2.

    Raises:
        ValueError: `weeks` is below 2, or `most` is not between 0 and `weeks`.
    """
    if weeks < 2 or not 0 <= most <= weeks:
        raise ValueError(f"a cap of {most} messages in {weeks} weeks. Remedy: weeks from 2, messages from 0 to weeks.")
    pasts = 2 ** (weeks - 1)
    allowed = np.array([past.bit_count() < most for past in range(pasts)])
    sends = allowed[:, None, None, None] & (actions != len(response.cost) - 1)
    reward = np.take_along_axis(response.reward, actions[..., None], axis=3)[..., 0]
    tires, teaches = response.tires[actions, np.arange(FATIGUE)[:, None]], response.teaches[actions, np.arange(HABIT)]
    here = np.zeros(sends.shape)  # chances of every state
    here[0, :, 0, 0] = 1
    values, messages = np.zeros((2, len(actions)))
    for _ in range(response.weeks):
        sent, quiet = here * sends, here * ~sends
        values += (sent * reward + quiet * response.reward[..., -1]).sum(axis=(0, 2, 3))
        messages += sent.sum(axis=(0, 2, 3))
        sent = np.einsum("mnfh,nfhg,nfhk->mngk", sent, tires, teaches, optimize=True)
        quiet = np.einsum("mnfh,fg,hk->mngk", quiet, response.tires[-1], response.teaches[-1], optimize=True)
        # the oldest bit, which is the highest, is forgotten; the new one becomes the lowest
        here = np.stack([part.reshape(2, pasts // 2, *actions.shape).sum(axis=0) for part in (quiet, sent)], axis=1)
        here = here.reshape(sends.shape)
    return Capped(values, messages)


def planned_schedule(response: Response) -> np.ndarray:
    """Plan the weeks of each type ahead, for a sender who never sees fatigue or habit.

    From silence, the action of one week after the other is replaced by the best one, the rest unchanged, until no such
    change helps. That need not be the best schedule of all, so its value is a lower bound for what can be had unseen.

    Returns:
        Shape (weeks, types): actions.
    """
    weeks, types = response.weeks, np.arange(len(response.buys))
    schedule = np.full((weeks, len(types)), len(response.cost) - 1)
    while True:
        before = schedule.copy()
        chances = [np.zeros(response.buys.shape[:3])]
        chances[0][:, 0, 0] = 1
        for action in schedule[:-1]:
            tires, teaches = response.tires[action], response.teaches[action]
            chances.append(np.einsum("nfh,nfg,nhk->ngk", chances[-1], tires, teaches, optimize=True))
        after = np.zeros(response.buys.shape[:3])
        for week in range(weeks - 1, -1, -1):  # backwards, so that the chances of earlier weeks stay as they are
            q = q_values(response, after)
            worth = np.einsum("nfh,nfha->na", chances[week], q)
            best = worth.argmax(axis=1)
            better = worth[types, best] > worth[types, schedule[week]] + 1e-9
            schedule[week] = np.where(better, best, schedule[week])
            after = q[types, :, :, schedule[week]]
        if (schedule == before).all():
            return schedule
