"""The break-it lab of chapter 9: small made-up cases, sound but for one planted fault each, and one without.

All are one company: 3,000 customers to train on, 2,000 to test, three actions. Doing nothing brings about 6% to buy;
which of the two other actions helps depends on the customer. `lab_case` builds a case by its letter; what is planted
where says `PLANTED`, at the end, which you should not read before you have looked.
"""

import numpy as np
import pandas as pd

from crm_rl.evaluation.audit.case import Case

FEATURES = ["visits", "age", "region_code"]
WAIT, CALL, MAIL = range(3)
REGIONS = ("east", "north", "south", "west")
LETTERS = "ABCDEFG"


def lab_case(letter: str) -> Case:
    """Build a case of the lab.

    Args:
        letter: A to G.

    Raises:
        ValueError: there is no such case.
    """
    if letter not in LETTERS or len(letter) != 1:
        raise ValueError(f"there is no case {letter!r}. Remedy: choose one of {', '.join(LETTERS)}.")
    fault = PLANTED[letter]
    rng = np.random.default_rng([8, LETTERS.index(letter)])
    train, test = _customers(3000, rng), _customers(80 if fault == "too few events" else 2000, rng)
    if fault == "test sorted by missingness":
        everyone = pd.concat([train, test], ignore_index=True)
        came = rng.random(len(everyone)) < 0.15
        everyone.loc[came, ["signed_on", "chance"]] = [np.nan, 0.25]
        everyone = everyone.sort_values("signed_on", kind="stable", na_position="last")
        train, test = everyone.iloc[: len(train)], everyone.iloc[len(train) :]
    for part in (train, test):
        part["bought"] = rng.random(len(part)) < part["chance"]
        part["region_code"] = part["region"].map(REGIONS.index)
    features = list(FEATURES)
    if fault == "codes refitted in each part":
        test = test[test["region"] != "east"]
        test["region_code"] = test["region"].map(sorted(test["region"].unique()).index)
    if fault == "label in the features":
        features.append("note")
        for part in (train, test):
            part["note"] = (part["bought"] ^ (rng.random(len(part)) < 0.005)).astype(int)

    tried = rng.integers(3, size=len(train))  # the firm tried its actions at random in training, and kept the log
    answers = rng.random(len(train)) < _chance(train, tried, fault)

    def retrain(order: np.ndarray) -> "Table":
        return Table(train, tried, answers[order])

    def play(policy, rng: np.random.Generator) -> np.ndarray:
        draws, of_policy = rng.random(len(test)), np.random.default_rng(rng.integers(2**31))
        return draws < _chance(test, policy(test, of_policy), fault)

    candidate = retrain(np.arange(len(train)))
    base = 0.018 if fault == "denominator of another population" else float(test["chance"].mean())
    return Case(
        parts={"train": train.drop(columns="chance"), "test": test.drop(columns="chance")},
        label="bought",
        features=features,
        names={"region": "region_code"},
        policies={
            "wait": lambda part, rng: np.full(len(part), WAIT),
            "always call": lambda part, rng: np.full(len(part), CALL),
            "always mail": lambda part, rng: np.full(len(part), MAIL),
            "random": lambda part, rng: rng.integers(3, size=len(part)),
            "agent": candidate,
        },
        reference="wait",
        candidate="agent",
        play=play,
        claimed_base=base,
        known=_known(train, test),
        retrain=retrain,
    )


class Table:
    """The lab's agent: for each state (visits, region code) the action that sold best in the log.

    Args:
        log: the training customers.
        actions: what was tried with each.
        bought: what came of it.
    """

    def __init__(self, log: pd.DataFrame, actions: np.ndarray, bought: np.ndarray):
        rates = pd.Series(bought).groupby([log["visits"].to_numpy(), log["region_code"].to_numpy(), actions]).mean()
        self.best = rates.unstack().fillna(0).to_numpy().argmax(axis=1)
        self.rows = {state: row for row, state in enumerate(rates.unstack().index)}

    def __call__(self, part: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
        states = zip(part["visits"], part["region_code"], strict=True)
        rows = [self.rows.get(state, -1) for state in states]
        return np.array([self.best[row] if row >= 0 else rng.integers(3) for row in rows])


def _customers(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Customers as they come: who they are, and their chance to buy unasked."""
    return pd.DataFrame(
        {
            "signed_on": rng.integers(0, 365, size=n).astype(float),
            "visits": rng.integers(0, 3, size=n),
            "age": rng.integers(18, 80, size=n),
            "region": rng.choice(REGIONS, size=n),
            "chance": rng.choice([0.04, 0.08], size=n),
        }
    )


def _chance(part: pd.DataFrame, actions: np.ndarray, fault: str) -> np.ndarray:
    """The chance to buy after an action: the right one for a customer triples it, unless the world is deaf."""
    north_south = part["region"].isin(["north", "south"]).to_numpy()
    right = np.where(north_south ^ (part["visits"].to_numpy() == 0), CALL, MAIL)
    lift = np.where((actions == right) & (fault != "actions without effect"), 3.0, 1.0)
    return part["chance"].to_numpy() * lift


def _known(train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    states = {tuple(row) for row in train[["visits", "region_code"]].to_numpy()}
    return np.array([tuple(row) in states for row in test[["visits", "region_code"]].to_numpy()])


PLANTED = {
    "A": "denominator of another population",
    "B": "label in the features",
    "C": "too few events",
    "D": "nothing",
    "E": "test sorted by missingness",
    "F": "actions without effect",
    "G": "codes refitted in each part",
}
