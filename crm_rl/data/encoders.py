"""Turn a column of names into numbers: by an invented order, or by what became of the people (chapter 2).

Encoders have `fit` (learn from the training part) and `transform` (apply to any part), so that one can *see* on which
rows a statistic was computed.
"""

from typing import Self

import pandas as pd

#: The group of those whose name is missing.
MISSING = "(missing)"


class LabelCodes:
    """Number the names in alphabetical order: 0, 1, 2, ...; one more code stands for a missing or unknown name.

    The order means nothing, yet any model that does arithmetic on the codes believes in it.
    """

    def fit(self, names: pd.Series) -> Self:
        """Learn the names: shape (customers,), text or missing."""
        self.codes_ = {name: code for code, name in enumerate(sorted(names.dropna().unique()))}
        return self

    def transform(self, names: pd.Series) -> pd.Series:
        """The codes, shape (customers,), 0 to k where k names were learned; k is a missing or unknown name."""
        return names.map(self.codes_).fillna(len(self.codes_)).astype(float)


class ConversionRate:
    """Replace a name by the rate at which its group converts, drawn towards the overall rate where the group is small.

    With n customers and s conversions in the group, overall rate p and prior strength m the rate is

        (s + m p) / (n + m),

    as if m more customers had been seen who convert like everybody else (m-estimate; Micci-Barreca 2001). With m = 0
    it is the plain rate, and a group of two with one conversion gets 50%.

    Args:
        strength: m, in customers, 0 or more. By default 1 / p: the prior weighs as much as one expected conversion.
    """

    def __init__(self, strength: float | None = None):
        self.strength = strength

    def fit(self, names: pd.Series, converted: pd.Series) -> Self:
        """Learn each group's rate.

        Args:
            names: shape (customers,), text; missing names form a group of their own.
            converted: shape (customers,), bool.
        """
        self.base_rate_ = float(converted.mean())
        expects_one = 1 / self.base_rate_ if self.base_rate_ else float(len(converted))
        self.strength_ = expects_one if self.strength is None else float(self.strength)
        groups = converted.groupby(names.fillna(MISSING)).agg(["sum", "size"])
        smoothed = (groups["sum"] + self.strength_ * self.base_rate_) / (groups["size"] + self.strength_)
        self.rates_ = smoothed.to_dict()
        return self

    def transform(self, names: pd.Series) -> pd.Series:
        """The rates, shape (customers,), in [0, 1]; a name never seen gets the overall rate."""
        return names.fillna(MISSING).map(self.rates_).fillna(self.base_rate_).astype(float)
