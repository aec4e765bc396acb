"""How every endpoint decides: take the best action or, now and then, another one, and log it with its propensity."""

from typing import Any, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from crm_rl.serving.decisions import Decision, DecisionLog


class Question(BaseModel):
    """A part of a request: a field that it does not have is an error, and so is true for 1 or "1" for 1."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Desk(NamedTuple):
    """What the endpoints share.

    Attributes:
        log: where decisions go.
        epsilon: the share of decisions that explore, 0 to 1.
        rng: decides which.
    """

    log: DecisionLog
    epsilon: float
    rng: np.random.Generator

    def choose(self, best: int, actions: int) -> tuple[int, float]:
        """Epsilon-greedy: the best of so many actions or, with probability epsilon, any; and its propensity."""
        action = int(self.rng.integers(actions)) if self.rng.random() < self.epsilon else best
        return action, self.epsilon / actions + (1 - self.epsilon) * (action == best)

    async def decide(self, endpoint: str, policy: str, context: Any, best: int, names: list[str]) -> tuple[int, str]:
        """Choose among named actions, and log it.

        Returns:
            The action's place among the names, and the id of the decision.

        Raises:
            LogUnavailable: it cannot be logged, so it is not decided.
        """
        action, propensity = self.choose(best, len(names))
        (identifier,) = await self.log.add(Decision(endpoint, context, names[action], propensity, policy))
        return action, identifier
