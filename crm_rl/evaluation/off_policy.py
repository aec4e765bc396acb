"""Off-policy evaluation: what a policy would have earned, from the log of another one (chapter 13).

Every estimator returns one value for each episode. Their mean is the estimate, and Student's interval of that mean
(`intervals.over_seeds`) says how far it would move with other episodes. Arrays have the shape (episodes, weeks); one
decision a customer is an episode of one week. After the end of an episode rewards are 0 and ratios 1. Nothing is
discounted.
"""

import numpy as np
import pandas as pd

from crm_rl.data.problems import DataError
from crm_rl.evaluation.intervals import over_seeds
from crm_rl.worlds.logs import Episodes

#: Below this effective sample size an IPS interval is not to be believed: see the study of chapter 13.
FEW = 100

#: Below this number of effective winners no interval is: in the study logs of one week with 34 of them, on average,
#: give 92% to 96% of the intervals the truth, with 5 they give 74% to 77%.
FEW_WINNERS = 30

#: What the ridge regression adds to the squares, as if it had seen so many customers without any value.
RIDGE = 1.0


def importance_ratios(chances: np.ndarray, propensities: np.ndarray) -> np.ndarray:
    """How much likelier the new policy is to do what was done than the old one, in the shape of both.

    Args:
        chances: how likely the new policy is to take the logged action, 0 to 1; 1 after the end of an episode.
        propensities: how likely the old one was, above 0.

    Raises:
        DataError: a probability is out of its range.
    """
    chances, propensities = np.asarray(chances, dtype=float), np.asarray(propensities, dtype=float)
    wrong = ~((propensities > 0) & (propensities <= 1) & (chances >= 0) & (chances <= 1))
    if wrong.any():
        place = np.argwhere(wrong)[0].tolist()
        raise DataError(
            f"{wrong.sum()} probabilities are out of range, the first at {place}. Remedy: log the probability of each "
            "action as it was taken, above 0; what a policy can never do is not in its log."
        )
    return chances / propensities


def trajectory_ips(rewards: np.ndarray, ratios: np.ndarray) -> np.ndarray:
    """Importance sampling: the return of each episode, times the product of its ratios (Precup et al. 2000)."""
    return ratios.prod(axis=1) * rewards.sum(axis=1)


def per_decision_ips(rewards: np.ndarray, ratios: np.ndarray) -> np.ndarray:
    """Each reward times the ratios up to its own week: what comes later cannot have caused it (Precup et al. 2000)."""
    return (ratios.cumprod(axis=1) * rewards).sum(axis=1)


def self_normalised_ips(rewards: np.ndarray, ratios: np.ndarray) -> np.ndarray:
    """The weighted average of each week's rewards, with weights that add up to 1 (CWPDIS; Thomas 2015).

    The estimate is the sum over weeks of these averages. An episode's value is the estimate plus how far the episode
    pulls it, to first order, so that the spread of the values is that of the estimate (the delta method). Missing where
    no episode has weight.
    """
    weights = ratios.cumprod(axis=1)
    with np.errstate(invalid="ignore"):
        weights = weights / weights.mean(axis=0)
    average = (weights * rewards).mean(axis=0)
    return average.sum() + (weights * (rewards - average)).sum(axis=1)


def direct_method(values: np.ndarray) -> np.ndarray:
    """What a model expects at the start of each episode, from `values` of shape (episodes, weeks)."""
    return values[:, 0]


def doubly_robust(rewards: np.ndarray, ratios: np.ndarray, q: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The model's values, corrected by what the log says of its errors (Jiang and Li 2016, equation 10).

    Without bias if the ratios are right, whatever the model, as long as the model was fitted on other episodes.

    Args:
        rewards, ratios: see above.
        q: what the model expects of the logged action; 0 after the end.
        values: what it expects of the new policy from this week on; 0 after the end.
    """
    corrected = np.zeros(len(rewards))
    for week in reversed(range(rewards.shape[1])):
        corrected = values[:, week] + ratios[:, week] * (rewards[:, week] + corrected - q[:, week])
    return corrected


def effective_sample_size(weights: np.ndarray) -> float:
    """How many equally weighted episodes say as much as these, of shape (episodes,): 0 to their number (Kish 1965)."""
    return float(weights.sum() ** 2 / (weights**2).sum()) if weights.any() else 0.0


def effective_winners(weights: np.ndarray, returns: np.ndarray) -> float:
    """How many equal gains say as much as those that an estimate with these weights adds up: 0 to their number.

    Where few episodes pay, the estimate rests on these few, however large the effective sample size. Costs, returns
    below 0, do not count.

    Args:
        weights, returns: of each episode, shape (episodes,).
    """
    return effective_sample_size(weights * np.maximum(returns, 0))


def warnings(weights: np.ndarray, returns: np.ndarray | None = None) -> list[str]:
    """Why not to believe an estimate; empty if there is no reason.

    If the log tried all that the new policy would do, the weights are 1 on average.

    Args:
        weights: of the episodes, shape (episodes,).
        returns: what each brought, of the same shape; without them nobody counts the winners.
    """
    found, size = [], effective_sample_size(weights)
    _, low, high = over_seeds(weights, statistic="mean")
    if size < FEW:
        found.append(f"the effective sample size, {size:,.1f}, is below {FEW}: the intervals are too short.")
    if returns is not None and (winners := effective_winners(weights, returns)) < FEW_WINNERS:
        found.append(
            f"the estimate rests on {winners:,.1f} effective winners, fewer than {FEW_WINNERS}: the intervals are too "
            "short."
        )
    if not low <= 1 <= high:
        found.append(
            f"the mean weight is {weights.mean():.2f} ({low:.2f} to {high:.2f}) and should be 1: the log did not "
            "try, or hardly tried, what the policy would do."
        )
    return found


def fitted_q_evaluation(
    inputs: np.ndarray, actions: np.ndarray, rewards: np.ndarray, going: np.ndarray, wanted: np.ndarray, folds: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Learn what each action is worth under the new policy, from the last week to the first (Le et al. 2019).

    A ridge regression for each week and action, on the reward plus what the next week's regressions expect. No episode
    is judged by a model that has seen it: every second one, say, by the model of the others.

    Args:
        inputs: what was seen, shape (episodes, weeks, features).
        actions, rewards: what was done and paid, shape (episodes, weeks).
        going: whether the episode still went on, of the same shape, bool.
        wanted: how likely the new policy is to take each action, shape (episodes, weeks, actions).
        folds: how many parts, at least 2.

    Returns:
        What the model expects of the logged action, and of the new policy, both of shape (episodes, weeks).
    """
    inputs = np.concatenate([np.ones((*actions.shape, 1)), inputs], axis=2)
    q, values = np.zeros(actions.shape), np.zeros(actions.shape)
    for fold in range(folds):
        judged = np.arange(len(actions)) % folds == fold
        following = np.zeros(len(actions))
        for week in reversed(range(actions.shape[1])):
            x, done, on = inputs[:, week], actions[:, week], going[:, week]
            target, learns = rewards[:, week] + following, on & ~judged
            expected = np.column_stack(
                [x @ _ridge(x[here], target[here]) for here in (learns & (done == a) for a in range(wanted.shape[2]))]
            )
            following = on * (wanted[:, week] * expected).sum(axis=1)
            q[judged, week] = (on * expected[np.arange(len(x)), done])[judged]
            values[judged, week] = following[judged]
    return q, values


def _ridge(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ y)


def judged(log: Episodes, wanted: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """What the estimators need to know of a new policy, on a log of episodes.

    Args:
        log: the episodes.
        wanted: how likely the new policy is to take each action, shape (episodes, weeks, actions).

    Returns:
        How likely it is to take the logged action, 1 after the end; and what `fitted_q_evaluation` returns.
    """
    chances = np.take_along_axis(wanted, log.actions[:, :, None], axis=2)[:, :, 0]
    model = fitted_q_evaluation(log.observations, log.actions, log.rewards, log.going, wanted)
    return np.where(log.going, chances, 1.0), model


def estimates(rewards: np.ndarray, ratios: np.ndarray, model: tuple[np.ndarray, np.ndarray]) -> dict[str, np.ndarray]:
    """The value of each episode by every estimator, by the estimator's name.

    Args:
        rewards, ratios: of shape (episodes, weeks).
        model: what `fitted_q_evaluation` returns.
    """
    return {
        "IPS": trajectory_ips(rewards, ratios),
        "per-decision IPS": per_decision_ips(rewards, ratios),
        "self-normalised IPS": self_normalised_ips(rewards, ratios),
        "direct method": direct_method(model[1]),
        "doubly robust": doubly_robust(rewards, ratios, *model),
    }


def table_of(values: dict[str, np.ndarray]) -> pd.DataFrame:
    """A row an estimator, from the value of each episode: `estimate`, and `low` and `high` of its 95% interval."""
    rows = {name: over_seeds(each, statistic="mean") for name, each in values.items()}
    return pd.DataFrame(rows).T.rename(columns={"mean": "estimate"})


def evaluate_decisions(
    actions: np.ndarray, propensities: np.ndarray, rewards: np.ndarray, wanted: np.ndarray
) -> tuple[pd.DataFrame, float]:
    """Judge a policy by a log of single decisions, such as the service keeps.

    The model behind the direct method and the doubly robust estimate knows only how each action paid on average.

    Args:
        actions: shape (decisions,): what was done, as a place in the columns of `wanted`.
        propensities: shape (decisions,): how likely that was, above 0.
        rewards: shape (decisions,): what came of it, of decisions alone of which that is known.
        wanted: shape (decisions, actions): how likely the new policy is to take each action.

    Returns:
        `table_of` the estimators, and the effective sample size.

    Raises:
        DataError: a probability is out of its range, a reward or an action is missing, or shapes differ.
    """
    actions, rewards, wanted = np.asarray(actions), np.asarray(rewards, dtype=float), np.asarray(wanted, dtype=float)
    if not (actions.shape == np.shape(propensities) == rewards.shape == wanted.shape[:1]) or len(actions) < 2:
        raise DataError(
            "the columns of the log differ in length, or have fewer than 2 rows. Remedy: one row a decision."
        )
    if not np.isfinite(rewards).all():
        raise DataError(
            f"{(~np.isfinite(rewards)).sum():,} rewards are not known. Remedy: read the log with `window_days`, which "
            "leaves out what is too young and counts as 0 what nobody reported. Who drops such rows keeps the buyers."
        )
    if not (np.issubdtype(actions.dtype, np.integer) and ((actions >= 0) & (actions < wanted.shape[1])).all()):
        raise DataError(f"actions must be places in the {wanted.shape[1]} columns of `wanted`. Remedy: 0, 1, 2, ...")
    ratios = importance_ratios(wanted[np.arange(len(actions)), actions], propensities)[:, None]
    column, paid = actions[:, None], rewards[:, None]
    nothing_seen, going = np.zeros((*column.shape, 0)), np.full(column.shape, True)
    model = fitted_q_evaluation(nothing_seen, column, paid, going, wanted[:, None])
    return table_of(estimates(paid, ratios, model)), effective_sample_size(ratios[:, 0])
