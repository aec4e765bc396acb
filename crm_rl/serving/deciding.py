"""How every endpoint decides: take the best action or, now and then, another one, and log it with its propensity."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from crm_rl.serving.decisions import Decision, DecisionLog


class Question(BaseModel):
    """A part of a request: a field that it does not have is an error, and so is true for 1 or "1" for 1."""

    model_config = ConfigDict(extra="forbid", strict=True)


#: Who a decision is about, in the client's own words; see `pseudonym`.
Subject = Annotated[
    str | None, Field(min_length=1, max_length=100, description="who this is about; the log keeps a hash of it")
]


def pseudonym(subject: str | None) -> dict[str, str]:
    """What the context of a decision says of its subject: a hash, by which the decisions about one person are linked.

    Whoever has a list of subjects can compute their hashes: this hides a name from a reader, not from its owner.
    """
    if subject is None:
        return {}
    return {"subject": hashlib.sha256(subject.encode(errors="surrogatepass")).hexdigest()[:32]}


def named_by(name: str, file: Path) -> str:
    """A policy's name that changes with its file: the name, and a hash of what the file holds."""
    return f"{name}-{hashlib.sha256(file.read_bytes()).hexdigest()[:8]}"


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

    def choose(self, best: int, permitted: Sequence[int]) -> tuple[int, float]:
        """Epsilon-greedy: the best action or, with probability epsilon, any permitted one; and its propensity."""
        action = int(self.rng.choice(permitted)) if self.rng.random() < self.epsilon else best
        return action, self.epsilon / len(permitted) + (1 - self.epsilon) * (action == best)

    async def decide(
        self,
        endpoint: str,
        policy: str,
        context: Any,
        best: int,
        names: Sequence[str],
        permitted: Sequence[int] | None = None,
    ) -> tuple[int, str]:
        """Choose among named actions, and log it.

        Args:
            endpoint, policy, context: what the log says of the decision, see `Decision`.
            best: the place of the best action.
            names: of all actions.
            permitted: places of the actions that exploration may draw, the best among them; by default, all.

        Returns:
            The action's place among the names, and the id of the decision.

        Raises:
            LogUnavailable: it cannot be logged, so it is not decided.
        """
        action, propensity = self.choose(best, range(len(names)) if permitted is None else permitted)
        (identifier,) = await self.log.add(Decision(endpoint, context, names[action], propensity, policy))
        return action, identifier
