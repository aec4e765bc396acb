"""Linear contextual bandits: LinUCB, Thompson sampling, and a fitted model (chapter 11).

All three guess that an action is worth x'theta, with x made of what is known of the customer and of the action, and
keep the same two sums. They differ in how they choose: LinUCB by the upper end of what is likely (Li et al. 2010),
Thompson sampling by one draw from what is likely (Agrawal and Goyal 2013), the fitted model by the estimate alone.
"""

from typing import NamedTuple

import numpy as np

from crm_rl.case_studies.offers.catalogue import CHANNELS, OFFERS, TIMINGS, Catalogue


class Sums(NamedTuple):
    """What ridge regression needs of all examples so far.

    Attributes:
        A: shape (d, d): the identity plus the sum of x x'.
        b: shape (d,): the sum of reward times x.
    """

    A: np.ndarray
    b: np.ndarray

    @property
    def theta(self) -> np.ndarray:
        """The estimate, shape (d,)."""
        return np.linalg.solve(self.A, self.b)


def no_data(d: int) -> Sums:
    """Before the first example: the identity and zeros."""
    return Sums(np.eye(d), np.zeros(d))


def update(sums: Sums, x: np.ndarray, rewards: np.ndarray) -> Sums:
    """Take in examples.

    Args:
        sums: so far.
        x: shape (n, d).
        rewards: shape (n,).
    """
    return Sums(sums.A + x.T @ x, sums.b + x.T @ rewards)


def upper_bounds(sums: Sums, x: np.ndarray, alpha: float) -> np.ndarray:
    """LinUCB's score: the estimate plus alpha standard errors (Li et al. 2010, algorithm 1).

    Args:
        sums: so far.
        x: shape (n, d).
        alpha: how many.

    Returns:
        Shape (n,).
    """
    errors = np.einsum("nd,de,ne->n", x, np.linalg.inv(sums.A), x)
    return x @ sums.theta + alpha * np.sqrt(errors)


def draw_theta(sums: Sums, spread: float, number: int, rng: np.random.Generator) -> np.ndarray:
    """Thompson sampling: draws from the normal distribution around the estimate with covariance spread^2 A^-1.

    Returns:
        Shape (number, d).
    """
    root = np.linalg.inv(np.linalg.cholesky(sums.A))  # A^-1 = root' root
    return sums.theta + spread * rng.standard_normal((number, len(sums.b))) @ root


# ---- Customers and actions ------------------------------------------------------------------------------------------


def parts_of(catalogue: Catalogue) -> np.ndarray:
    """Actions by their parts, shape (actions + 1, 12): 1, offer, value, channel, timing; nothing, the last, is 1."""
    n = len(catalogue.actions)
    parts = np.column_stack(
        [
            np.ones(n),
            np.eye(len(OFFERS))[catalogue.offer],
            catalogue.value / 10,
            np.eye(len(CHANNELS))[catalogue.channel],
            np.eye(len(TIMINGS))[catalogue.timing],
        ]
    )
    return np.vstack([parts, np.eye(parts.shape[1])[0]])


class Pairs:
    """Every customer with every action: x is each number of the customer times each part of the action.

    An action then shares what is learned with those that have a part in common; and because x is a product, its scores
    need no array of all pairs.

    Args:
        parts: shape (actions, p), see `parts_of`.
        inputs: how many numbers a customer is seen by, without the 1 that is put before them.
    """

    def __init__(self, parts: np.ndarray, inputs: int):
        self.parts, self.k, self.p = parts, inputs + 1, parts.shape[1]
        self.d = self.k * self.p
        self._squares = (parts[:, :, None] * parts[:, None, :]).reshape(len(parts), -1)

    def x(self, seen: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Shape (n, d), of customers as they are seen, shape (n, inputs), and an action each."""
        return (self._context(seen)[:, :, None] * self.parts[actions][:, None, :]).reshape(len(seen), self.d)

    def scores(self, seen: np.ndarray, theta: np.ndarray) -> np.ndarray:
        """x'theta of every action, shape (n, actions); theta has shape (d,), or (n, d) for one each."""
        weights = theta.reshape(*theta.shape[:-1], self.k, self.p)
        spec = "nk,nkp->np" if theta.ndim == 2 else "nk,kp->np"
        return np.einsum(spec, self._context(seen), weights) @ self.parts.T

    def errors(self, seen: np.ndarray, inverse: np.ndarray) -> np.ndarray:
        """x' A^-1 x of every action, shape (n, actions); `inverse` is A^-1."""
        context = self._context(seen)
        pairs = (context[:, :, None] * context[:, None, :]).reshape(len(seen), -1)
        by_pair = inverse.reshape(self.k, self.p, self.k, self.p).transpose(0, 2, 1, 3).reshape(self.k**2, self.p**2)
        return np.maximum(pairs @ by_pair @ self._squares.T, 0)

    def _context(self, seen: np.ndarray) -> np.ndarray:
        return np.column_stack([np.ones(len(seen)), seen]).astype(float)
