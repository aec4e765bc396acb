"""Is this result real? The checks of chapter 8, for any data split, environment and policy.

Bring a `Case`: tables of customers, and a function that lets a policy treat the test customers and says who came to a
success. `audit` asks ten questions of it and returns a `Report`. What you cannot bring is listed as not checked. Each
question is also a function of its own, with the numbers behind the answer.

A finding is a FAULT (the claim cannot stand on this), a thing to LOOK at (it may be harmless; say why), or NOTHING
FOUND, which is less than "all is well".
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from html import escape
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binom

from crm_rl.balancing import balanced
from crm_rl.crm_data.split import published_split
from crm_rl.evaluation import PUBLISHED_BASE_RATE, constant_policy, random_policy
from crm_rl.evaluation import play as play_world
from crm_rl.features import PUBLISHED_FEATURES
from crm_rl.funnel import Action, observe_all, start_all
from crm_rl.intervals import Paired, paired, rate_table, wilson
from crm_rl.worlds import World, replay_worlds

FAULT, LOOK, FINE, SKIPPED = "FAULT", "look", "nothing found", "not checked"

#: A rule with an F1 of this and more on one feature gives the outcome away; from the second on it is looked at.
GIVES_AWAY, SUSPICIOUS = 0.8, 0.5
#: A column whose missing cells are so much more frequent in test than in train (in shares).
MISSING_GAP = 0.2
#: With fewer successes than this in the test part, a rate is an assumption.
FEW_EVENTS = 10
#: How often the outcomes of training are dealt anew; the smallest p-value is 1 / (1 + this).
SHUFFLES = 19

Play = Callable[[Any, np.random.Generator], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A claim to be audited, and what is needed to check it. Leave out what you have not got.

    Attributes:
        parts: customers by part, a row each; the first is the training part, the last the test part.
        label: the column that holds the outcome on record, True or False.
        features: the columns that the policy may look at.
        names: columns of names, each with the feature that was made from it as a code.
        policies: by name. The first does nothing; the others are rivals and the candidate. What a policy *is* only
            `play` needs to know.
        candidate: the name of the policy that is claimed to be good.
        play: `play(policy, rng)` lets a policy treat every test customer once and returns who came to a success,
            shape (test customers,), bool.
        claimed_base: the rate, from 0 to 1, by which the improvement was divided.
        known: shape (test customers,): whether training met the state in which the policy first decides.
        retrain: `retrain(order)` trains the candidate's method on outcomes `order[i]` for training customer i, and
            returns the policy. `order` is a permutation of the training rows.
    """

    parts: dict[str, pd.DataFrame]
    label: str
    features: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    policies: dict[str, Any] = field(default_factory=dict)
    candidate: str | None = None
    play: Play | None = None
    claimed_base: float | None = None
    known: np.ndarray | None = None
    retrain: Callable[[np.ndarray], Any] | None = None

    def __post_init__(self):
        for name, part in self.parts.items():
            wanted = {self.label, *self.features, *self.names, *self.names.values()}
            if missing := sorted(wanted - set(part)):
                raise ValueError(f"part {name!r} has no column {', '.join(missing)}. Remedy: add it, or leave it out.")
        if self.candidate is not None and self.candidate not in self.policies:
            raise ValueError(f"{self.candidate!r} is not among the policies {list(self.policies)}. Remedy: add it.")

    @property
    def train(self) -> pd.DataFrame:
        return next(iter(self.parts.values()))

    @property
    def test(self) -> pd.DataFrame:
        return self.parts[list(self.parts)[-1]]


class Finding(NamedTuple):
    """What one check found: the question, the answer in words, and FAULT, LOOK, FINE or SKIPPED."""

    question: str
    answer: str
    verdict: str


class Report(NamedTuple):
    """All findings of an audit; a notebook shows it as a table."""

    findings: list[Finding]

    def table(self) -> pd.DataFrame:
        """A row a question."""
        return pd.DataFrame(self.findings, columns=["question", "answer", "verdict"])

    def verdict(self, question: str) -> str:
        """The verdict on one question, by its first words."""
        return next(found.verdict for found in self.findings if found.question.startswith(question))

    def faults(self) -> list[str]:
        """The questions whose answer is a fault."""
        return [found.question for found in self.findings if found.verdict == FAULT]

    def __repr__(self) -> str:
        return "\n".join(f"{found.verdict:>13}  {found.question} {found.answer}" for found in self.findings)

    def _repr_html_(self) -> str:
        """Two columns, so that it fits a phone: the verdict; the question and its answer."""
        cell = '<td style="text-align: left; white-space: normal; vertical-align: top">'
        rows = [
            f"<tr>{cell}<b>{escape(found.verdict)}</b></td>"
            f"{cell}<b>{escape(found.question)}</b><br>{escape(found.answer)}</td></tr>"
            for found in self.findings
        ]
        return "<table><tbody>" + "\n".join(rows) + "</tbody></table>"


def audit(case: Case, seed: int = 0) -> Report:
    """Ask all questions of a case.

    Args:
        case: what is claimed, and what is there to check it.
        seed: of all chance. Each policy meets the same draws, so that policies differ only where their actions do.
    """
    outcomes = played(case, seed)
    return Report(
        [
            who_is_in_test(case),
            whose_missing(case),
            what_gives_it_away(case),
            same_codes(case),
            which_denominator(case, outcomes),
            enough_events(case, outcomes),
            do_actions_matter(case, outcomes),
            better_than_rivals(case, outcomes),
            which_policy_was_it(case),
            learned_from_outcomes(case, seed),
        ]
    )


def played(case: Case, seed: int = 0) -> dict[str, np.ndarray]:
    """Who came to a success under each policy, by name; empty if the case cannot be played."""
    if case.play is None:
        return {}
    return {
        name: np.asarray(case.play(policy, np.random.default_rng(seed)), dtype=bool)
        for name, policy in case.policies.items()
    }


# ---- Who is in the parts -------------------------------------------------------------------------------------------


def rates_by_part(parts: dict[str, pd.DataFrame], label: str) -> pd.DataFrame:
    """Customers and successes of each part, with rate and Wilson interval in %."""
    counts = {name: {"customers": len(part), "subscribers": int(part[label].sum())} for name, part in parts.items()}
    return rate_table(pd.DataFrame(counts).T)


def who_is_in_test(case: Case) -> Finding:
    """Do train and test hold customers of the same kind, as far as the outcome shows it?"""
    rates = rates_by_part(case.parts, case.label)
    train, test = rates.iloc[0], rates.iloc[-1]
    apart = train["low %"] > test["high %"] or test["low %"] > train["high %"]
    answer = f"{_of(train)} in train, {_of(test)} in test"
    return Finding("Is test like train?", answer, LOOK if apart else FINE)


def missing_by_part(parts: dict[str, pd.DataFrame], label: str) -> pd.DataFrame:
    """Which columns have gaps, where, and what the gaps say.

    Args:
        parts: customers by part, the test part last.
        label: the outcome's column.

    Returns:
        A row a column with gaps: the share missing in each part in %, and in the test part the customers and
        successes with and without a value.
    """
    test = list(parts.values())[-1]
    lines = {}
    for column in test.columns:
        gaps = {f"{name} %": 100 * part[column].isna().mean() for name, part in parts.items()}
        if any(gaps.values()):
            gone = test[column].isna()
            lines[column] = gaps | {
                "missing": int(gone.sum()),
                "successes": int(test.loc[gone, label].sum()),
                "present": int((~gone).sum()),
                "successes there": int(test.loc[~gone, label].sum()),
            }
    return pd.DataFrame(lines).T


def whose_missing(case: Case) -> Finding:
    """Does a column have far more gaps in test than in train, and do the gaps tell the outcome?"""
    question = "Are gaps where they should be?"
    gaps = missing_by_part(case.parts, case.label)
    if gaps.empty:
        return Finding(question, "no column has gaps", FINE)
    names = list(case.parts)
    gaps["gap"] = gaps[f"{names[-1]} %"] - gaps[f"{names[0]} %"]
    gaps["tells"] = [_gaps_tell(line) for _, line in gaps.iterrows()]
    wide = gaps[gaps["gap"] >= 100 * MISSING_GAP]
    if wide.empty:
        return Finding(question, "no column has far more gaps in test than in train", FINE)
    worst = wide.sort_values(["tells", "gap"], ascending=False, kind="stable").iloc[0]
    answer = (
        f"{worst.name}: missing in {worst[f'{names[0]} %']:.0f}% of train and {worst[f'{names[-1]} %']:.0f}% of test; "
        f"there {worst['successes']:.0f} of {worst['missing']:,.0f} succeed without it, "
        f"{worst['successes there']:.0f} of {worst['present']:,.0f} with it"
    )
    return Finding(question, answer, FAULT if worst["tells"] else LOOK)


def _gaps_tell(line: pd.Series) -> bool:
    """Whether customers with and without a gap differ in their rate by more than chance."""
    if not line["missing"] or not line["present"]:
        return False
    without, there = wilson(line["successes"], line["missing"]), wilson(line["successes there"], line["present"])
    return without[0] > there[1] or there[0] > without[1]


# ---- What the features say -----------------------------------------------------------------------------------------


class Rule(NamedTuple):
    """A one-line rule: `feature >= cut` (or <=), how many it names, how many of these are right, how many there are."""

    feature: str
    rule: str
    named: int
    right: int
    all_successes: int
    f1: float


def one_line_rules(part: pd.DataFrame, label: str, features: Iterable[str]) -> pd.DataFrame:
    """For each feature the one-line rule that comes nearest to the outcome, the best first.

    The measure is F1 = 2 right / (named + all successes): 1 if the rule names exactly the successes.

    Args:
        part: customers, a row each; the features are numbers.
        label: the outcome's column.
        features: which to try.

    Returns:
        A row a feature, as `Rule` has them; a feature that never varies has the rule "(never varies)".
    """
    outcome = part[label].to_numpy(dtype=bool)
    rules = [_best_rule(feature, part[feature].to_numpy(dtype=float), outcome) for feature in features]
    return pd.DataFrame(rules).sort_values("f1", ascending=False, kind="stable").set_index("feature")


def _best_rule(feature: str, values: np.ndarray, outcome: np.ndarray) -> Rule:
    successes, best = int(outcome.sum()), Rule(feature, "(never varies)", 0, 0, int(outcome.sum()), 0.0)
    cuts = np.unique(values[~np.isnan(values)])
    if len(cuts) < 2:
        return best
    cuts = cuts if len(cuts) <= 200 else np.unique(np.quantile(cuts, np.linspace(0, 1, 200)))
    for sign, holds in ((">=", np.greater_equal), ("<=", np.less_equal)):
        for cut in cuts:
            named = holds(values, cut)
            right = int((named & outcome).sum())
            f1 = 2 * right / max(1, int(named.sum()) + successes)
            if f1 > best.f1:
                best = Rule(feature, f"{sign} {cut:.4g}", int(named.sum()), right, successes, f1)
    return best


def what_gives_it_away(case: Case) -> Finding:
    """Does one feature alone nearly name the successes of the test part? Does one never vary?"""
    question = "Does a feature give the outcome away?"
    if not case.features:
        return Finding(question, "no features given", SKIPPED)
    rules = one_line_rules(case.test, case.label, case.features)
    top, constant = rules.iloc[0], list(rules.index[rules["rule"] == "(never varies)"])
    answer = f"the nearest: {rules.index[0]} {top['rule']} names {top['named']:,}, "
    answer += f"right for {top['right']} of {top['all_successes']}"
    if constant:
        answer += f"; never varies: {', '.join(constant)}"
    verdict = FAULT if top["f1"] >= GIVES_AWAY else LOOK if top["f1"] >= SUSPICIOUS or constant else FINE
    return Finding(question, answer, verdict)


def codes_agree(train: pd.DataFrame, test: pd.DataFrame, name: str, code: str) -> dict[str, int]:
    """Does a name carry one code in both parts?

    Args:
        train, test: two parts.
        name: a column of names.
        code: the feature made from it.

    Returns:
        `names`, how many occur in both parts; `same`, how many of them have one code in both; `rows`, how many test
        customers have such a name; `rows_same`, how many of these the code of training.
    """
    first, second = (part.dropna(subset=name).groupby(name)[code].first() for part in (train, test))
    both = first.index.intersection(second.index)
    same = both[np.isclose(first[both].astype(float), second[both].astype(float))]
    return {
        "names": len(both),
        "same": len(same),
        "rows": int(test[name].isin(both).sum()),
        "rows_same": int(test[name].isin(same).sum()),
    }


def same_codes(case: Case) -> Finding:
    """Were the codes fitted on the training part, or on each part anew?"""
    question = "Does a code mean the same in train and test?"
    if not case.names:
        return Finding(question, "no coded names given", SKIPPED)
    agree = {name: codes_agree(case.train, case.test, name, code) for name, code in case.names.items()}
    answers = [f"{name}: {a['same']} of {a['names']} names have one code in both" for name, a in agree.items()]
    broken = any(a["same"] < a["names"] for a in agree.values())
    return Finding(question, "; ".join(answers), FAULT if broken else FINE)


# ---- What was counted, and against what ----------------------------------------------------------------------------


def which_denominator(case: Case, outcomes: dict[str, np.ndarray]) -> Finding:
    """Is the rate by which the improvement was divided that of doing nothing on the same customers?"""
    question = "Is the baseline of these customers?"
    if case.claimed_base is None or not outcomes:
        return Finding(question, "no baseline claimed, or nothing to play", SKIPPED)
    name, of_reference = next(iter(outcomes.items()))
    count, n = int(of_reference.sum()), len(of_reference)
    low, high = wilson(count, n)
    answer = f"claimed {case.claimed_base:.2%}; {name} on the test customers: {_rate(count, n)}"
    rows = pd.concat(case.parts.values())
    if round(rows[case.label].mean(), 4) == round(case.claimed_base, 4):
        answer += f"; {case.claimed_base:.2%} is the share in the rows of all parts together"
    return Finding(question, answer, FINE if low <= case.claimed_base <= high else FAULT)


def enough_events(case: Case, outcomes: dict[str, np.ndarray]) -> Finding:
    """Are there successes enough in the test part for a rate to mean anything?"""
    question = "Are there enough successes?"
    successes = outcomes[next(iter(outcomes))] if outcomes else case.test[case.label].to_numpy(dtype=bool)
    count, n = int(successes.sum()), len(successes)
    gain = detectable_gain(n)
    answer = f"{_rate(count, n)} without doing anything; a gain of {gain} customers would be seen four times in five"
    return Finding(question, answer, FAULT if count < FEW_EVENTS else LOOK if gain > count else FINE)


class Reach(NamedTuple):
    """How much depends on the policy at all, among those that were played (all with the same draws).

    Attributes:
        floor: successes that come under every policy.
        ceiling: those that come under at least one.
        swing: ceiling minus floor, the customers on whom any comparison of these policies rests.
    """

    floor: int
    ceiling: int
    swing: int


def reach(outcomes: dict[str, np.ndarray]) -> Reach:
    """Count floor, ceiling and swing of policies played on the same customers.

    Where each policy's best reach is known to be among the ones played, floor and ceiling hold for *every* policy; in
    general they hold for these.
    """
    table = np.array(list(outcomes.values()), dtype=bool)
    floor, ceiling = int(table.all(axis=0).sum()), int(table.any(axis=0).sum())
    return Reach(floor, ceiling, ceiling - floor)


def do_actions_matter(case: Case, outcomes: dict[str, np.ndarray]) -> Finding:
    """With the same draws for each policy: how many customers come out otherwise under another policy?"""
    question = "Do the actions matter?"
    if len(outcomes) < 2:
        return Finding(question, "fewer than two policies to play", SKIPPED)
    floor, ceiling, swing = reach(outcomes)
    needed = smallest_significant()
    answer = f"{floor} successes under every policy, {ceiling} under at least one: {swing} depend on the policy"
    if swing < needed:
        return Finding(question, f"{answer}; a test needs {needed}", FAULT)
    return Finding(question, answer, FINE)


def against(outcomes: dict[str, np.ndarray], reference: str | None = None) -> pd.DataFrame:
    """Each policy beside a reference, on the same customers.

    Args:
        outcomes: who came to a success, by policy.
        reference: the policy to compare with; by default the first.

    Returns:
        A row a policy: successes, how many more than the reference's with interval (in customers), the discordant
        customers on either side, and the p-value of McNemar's exact test.
    """
    reference = reference or next(iter(outcomes))
    lines = {}
    for name, ours in outcomes.items():
        found, n = paired(ours, outcomes[reference]), len(ours)
        lines[name] = {
            "successes": int(ours.sum()),
            "more": round(n * found.difference),
            "low": round(n * found.low, 1),
            "high": round(n * found.high, 1),
            "gained": found.only_first,
            "lost": found.only_second,
            "p": round(found.p_value, 3),
        }
    return pd.DataFrame(lines).T.astype({c: int for c in ("successes", "more", "gained", "lost")})


def better_than_rivals(case: Case, outcomes: dict[str, np.ndarray]) -> Finding:
    """Does the candidate beat the best policy that it should beat, by more than chance?"""
    question = "Does it beat its best rival?"
    if not outcomes or case.candidate is None:
        return Finding(question, "no candidate, or nothing to play", SKIPPED)
    rivals = {name: o for name, o in outcomes.items() if name != case.candidate}
    best = max(rivals, key=lambda name: rivals[name].sum())
    found: Paired = paired(outcomes[case.candidate], rivals[best])
    n = len(rivals[best])
    ours, theirs = int(outcomes[case.candidate].sum()), int(rivals[best].sum())
    answer = (
        f"{ours} against {theirs} of {best}: {found.only_first} gained, {found.only_second} lost, "
        f"difference {n * found.low:.0f} to {n * found.high:.0f} customers, "
        f"p = {found.p_value:.2g}"
    )
    return Finding(question, answer, FINE if found.low > 0 and found.p_value < 0.05 else LOOK)


def smallest_significant(level: float = 0.05) -> int:
    """How many discordant customers, all on one side, McNemar's exact test needs."""
    return next(k for k in range(1, 100) if 2 / 2**k < level)


def power_paired(gained: float, lost: float, customers: int, level: float = 0.05) -> float:
    """How likely a true difference is to be found by McNemar's exact test on the same customers.

    Args:
        gained: how many of these customers the better policy wins beyond the other, on average.
        lost: how many it loses, on average.
        customers: how many there are.
        level: of the test.

    Returns:
        The probability that p < level and the better policy is ahead. The two counts are taken as independent
        binomials, which is exact for lost = 0 and close where both are rare.
    """
    most = int(min(customers, gained + lost + 12 * np.sqrt(gained + lost + 1) + 12))
    counts = np.arange(most + 1)
    b, c = np.meshgrid(counts, counts, indexing="ij")
    p_value = np.minimum(1, 2 * binom.cdf(np.minimum(b, c), b + c, 0.5))
    chance = np.outer(binom.pmf(counts, customers, gained / customers), binom.pmf(counts, customers, lost / customers))
    return float(chance[(p_value < level) & (b > c)].sum())


def detectable_gain(customers: int, power: float = 0.8, lost: float = 0.0) -> int:
    """The smallest true gain, in customers, that is found with this probability if `lost` are lost on average."""
    return next(gain for gain in range(1, customers + 1) if power_paired(gain, lost, customers) >= power)


# ---- Which policy was it, and did it learn from the outcomes? ------------------------------------------------------


class Seen(NamedTuple):
    """How many states of the test part training had met: distinct states, of them known; customers, of them known."""

    states: int
    states_known: int
    customers: int
    customers_known: int


def seen(train: np.ndarray | pd.DataFrame, test: np.ndarray | pd.DataFrame, decimals: int = 2) -> Seen:
    """Compare the states of two parts.

    Args:
        train, test: what the policy sees of each customer, a row each, shape (n, features), numbers.
        decimals: to which a table rounds them.
    """
    tables = [np.round(np.asarray(part, dtype=float), decimals) + 0.0 for part in (train, test)]
    met, wanted = ([tuple(row) for row in table] for table in tables)
    known = set(met)
    distinct = set(wanted)
    return Seen(len(distinct), len(distinct & known), len(wanted), sum(state in known for state in wanted))


def which_policy_was_it(case: Case) -> Finding:
    """How often does the policy decide in a state that training met?"""
    question = "Has training met the test states?"
    if case.known is None:
        return Finding(question, "not said which states are known", SKIPPED)
    known, n = int(np.sum(case.known)), len(case.known)
    share = known / n
    answer = f"{known:,} of {n:,} test customers are in a state that training met ({share:.1%})"
    return Finding(question, answer, FAULT if share < 0.5 else LOOK if share < 0.95 else FINE)


def shuffled_scores(
    train_and_score: Callable[[np.ndarray], float], customers: int, rng: np.random.Generator, times: int = SHUFFLES
) -> tuple[float, np.ndarray]:
    """Train on the outcomes as they are and on outcomes dealt anew among the training customers.

    Args:
        train_and_score: trains with outcome `order[i]` for training customer i and returns the score on the test part.
        customers: how many there are in the training part.
        rng: deals.
        times: how often.

    Returns:
        The score with the outcomes as they are, and the others, shape (times,). A pipeline that learns from outcomes
        scores higher with the true ones than with most of the others.
    """
    as_it_is = train_and_score(np.arange(customers))
    return as_it_is, np.array([train_and_score(rng.permutation(customers)) for _ in range(times)])


def learned_from_outcomes(case: Case, seed: int = 0) -> Finding:
    """Does the method score lower when the outcomes of training are dealt anew?"""
    question = "Does shuffling the outcomes of training hurt?"
    if case.retrain is None or case.play is None:
        return Finding(question, "no way to train again", SKIPPED)

    def train_and_score(order: np.ndarray) -> float:
        return float(np.sum(case.play(case.retrain(order), np.random.default_rng(seed))))

    true, others = shuffled_scores(train_and_score, len(case.train), np.random.default_rng(seed))
    p_value = (1 + (others >= true).sum()) / (1 + len(others))
    answer = f"{true:.0f} successes; with shuffled outcomes {others.min():.0f} to {others.max():.0f}, p = {p_value:.2f}"
    return Finding(question, answer, FINE if p_value <= 0.05 else LOOK)


# ---- Adapters ------------------------------------------------------------------------------------------------------


def play_gymnasium(
    env, resets: Iterable[dict], succeeded: Callable[[float, dict], bool], max_steps: int = 1000
) -> Play:
    """Make `play` out of a Gymnasium environment.

    Args:
        env: the environment of the test part.
        resets: what to pass to `reset` as `options` for each test customer, in their order.
        succeeded: says of a step's reward and info whether it brought the success.
        max_steps: after which an episode is left.

    Returns:
        `play(policy, rng)`, for policies `(observation, rng) -> action`.
    """
    resets = list(resets)

    def play(policy: Callable, rng: np.random.Generator) -> np.ndarray:
        outcomes = np.zeros(len(resets), dtype=bool)
        seeds = rng.integers(2**31, size=len(resets))  # first, lest a policy's own chance change the customers'
        for customer, options in enumerate(resets):
            observation, _ = env.reset(seed=int(seeds[customer]), options=options)
            for _ in range(max_steps):
                observation, reward, terminated, truncated, info = env.step(policy(observation, rng))
                outcomes[customer] |= bool(succeeded(reward, info))
                if terminated or truncated:
                    break
        return outcomes

    return play


def replay_case(
    customers: pd.DataFrame,
    setting: str = "as_coded",
    policies: dict[str, Any] | None = None,
    candidate: str | None = None,
    learn: Callable[[World], Any] | None = None,
) -> Case:
    """The case of the study: its split, its features, its game without feature selection.

    Args:
        customers: as `crm_data.clean` returns them.
        setting: "as_coded" or "described".
        policies: beside waiting, a random one and the other five constants: policies as `evaluation.play` takes them.
        candidate: the name of the one to audit.
        learn: trains a policy in a training world; for `retrain`, where the record of each customer (milestones and
            subscription) becomes another one's.
    """
    worlds = replay_worlds(customers, setting)
    features = [feature.name for feature in PUBLISHED_FEATURES]
    parts = {
        name: part.assign(**dict(zip(features, worlds[name].population.features.T.astype(float), strict=True)))
        for name, part in published_split(customers).parts().items()
    }
    constants = {f"always {action.name.lower()}": constant_policy(action) for action in Action}
    everybody = {"always wait": constants.pop("always wait"), **constants, "random": random_policy, **(policies or {})}
    train, test = worlds["train"], worlds["test"]
    observations = observe_all(start_all(np.arange(len(test.population.stage)), *test[:2]), *test[:2])
    known = everybody[candidate].known(observations) if hasattr(everybody.get(candidate), "known") else None

    def retrain(order: np.ndarray) -> Any:
        people = train.population
        people = people._replace(reached=people.reached[order], subscribed=people.subscribed[order])
        return learn(World(people, train.rules, balanced(people, train.pools.shares)))

    return Case(
        parts=parts,
        label="subscribed",
        features=features,
        names={"country": "Country"},
        policies=everybody,
        candidate=candidate,
        play=lambda policy, rng: play_world(test, policy, rng).subscribed,
        claimed_base=PUBLISHED_BASE_RATE / 100,
        known=known,
        retrain=retrain if learn else None,
    )


def _of(line: pd.Series) -> str:
    return _rate(int(line["subscribers"]), int(line["customers"]))


def _rate(count: int, n: int) -> str:
    low, high = wilson(count, n)
    return f"{count:,} of {n:,} ({count / n:.2%}, {low:.2%} to {high:.2%})"
