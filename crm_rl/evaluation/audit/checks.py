"""Is this result real? The checks of chapter 9, for any data split, environment and policy.

Bring a `Case`: tables of customers, and a function that lets a policy treat the test customers and says who came to a
success. `audit` asks ten questions of it and returns a `Report`. What you cannot bring is listed as not checked. Each
question is also a function of its own; the numbers behind the answers come from `audit.numbers` and `power`.

A finding is a FAULT (the claim cannot stand on this), a thing to LOOK at (it may be harmless; say why), CANNOT TELL (it
would look like this either way), or NOTHING FOUND, which is less than "all is well".
"""

import numpy as np
import pandas as pd

from crm_rl.evaluation.audit.case import FAULT, FINE, LOOK, SKIPPED, UNSURE, Case, Finding, Report
from crm_rl.evaluation.audit.numbers import (
    codes_agree,
    floor_and_ceiling,
    missing_by_part,
    one_line_rules,
    rates_by_part,
    shuffled_scores,
)
from crm_rl.evaluation.intervals import paired, wilson
from crm_rl.evaluation.power import detectable_gain, smallest_significant

#: A rule with an F1 of this and more on one feature gives the outcome away; from the second on it is looked at.
GIVES_AWAY, SUSPICIOUS = 0.8, 0.5
#: A column whose missing cells are so much more frequent in test than in train (in shares).
MISSING_GAP = 0.2
#: With fewer successes than this in the test part, a rate is an assumption.
FEW_EVENTS = 10
#: If training met the states of fewer test customers than this share, chance decides what the policy does.
MOSTLY_KNOWN = 0.5
#: A baseline outside of an interval of this level is a fault; one outside of the 95% interval is looked at.
SURE = 0.999


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
            learned_from_outcomes(case, outcomes, seed),
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


def who_is_in_test(case: Case) -> Finding:
    """Do train and test hold customers of the same kind, as far as the outcome shows it?"""
    rates = rates_by_part(case.parts, case.label)
    train, test = rates.iloc[0], rates.iloc[-1]
    apart = train["low %"] > test["high %"] or test["low %"] > train["high %"]
    answer = f"{_of(train)} in train, {_of(test)} in test"
    return Finding("Is test like train?", answer, LOOK if apart else FINE)


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


def same_codes(case: Case) -> Finding:
    """Were the codes fitted on the training part, or on each part anew?"""
    question = "Does a code mean the same in train and test?"
    if not case.names:
        return Finding(question, "no coded names given", SKIPPED)
    agree = {name: codes_agree(case.train, case.test, name, code) for name, code in case.names.items()}
    answers = [f"{name}: {a['same']} of {a['names']} names have one code in both" for name, a in agree.items()]
    broken = any(a["same"] < a["names"] for a in agree.values())
    unmet = any(a["names"] == 0 for a in agree.values())
    return Finding(question, "; ".join(answers), FAULT if broken else LOOK if unmet else FINE)


# ---- What was counted, and against what ----------------------------------------------------------------------------


def which_denominator(case: Case, outcomes: dict[str, np.ndarray]) -> Finding:
    """Is the rate by which the improvement was divided that of doing nothing on the same customers?

    Where it is, chance alone makes a fault of one case in a thousand, and something to look at of one in twenty.
    """
    question = "Is the baseline of these customers?"
    if case.claimed_base is None or not outcomes:
        return Finding(question, "no baseline claimed, or nothing to play", SKIPPED)
    count, n = int(outcomes[case.reference].sum()), len(case.test)
    answer = f"claimed {case.claimed_base:.2%}; {case.reference} on the test customers: {_rate(count, n)}"
    rows = pd.concat(case.parts.values())
    if round(rows[case.label].mean(), 4) == round(case.claimed_base, 4):
        answer += f"; {case.claimed_base:.2%} is the share in the rows of all parts together"
    misses_95, misses = (
        not low <= case.claimed_base <= high for low, high in (wilson(count, n), wilson(count, n, SURE))
    )
    return Finding(question, answer, FAULT if misses else LOOK if misses_95 else FINE)


def enough_events(case: Case, outcomes: dict[str, np.ndarray]) -> Finding:
    """Are there successes enough in the test part for a rate to mean anything?"""
    question = "Are there enough successes?"
    successes = outcomes[case.reference] if outcomes else case.test[case.label].to_numpy(dtype=bool)
    count, n = int(successes.sum()), len(successes)
    answer = f"{_rate(count, n)} {'without doing anything' if outcomes else 'on record'}"
    gain, room = detectable_gain(n), floor_and_ceiling(outcomes).swing if len(outcomes) > 1 else n
    if gain is None:
        return Finding(question, f"{answer}; no gain can be seen four times in five", FAULT)
    answer += f"; a gain of {gain} customers would be seen four times in five if none is lost"
    if room < gain:
        answer += f", and {room} depend on the policy"
    return Finding(question, answer, FAULT if count < FEW_EVENTS else LOOK if gain > min(count, room) else FINE)


def do_actions_matter(case: Case, outcomes: dict[str, np.ndarray]) -> Finding:
    """With the same draws for each policy: how many customers come out otherwise under another policy?"""
    question = "Do the actions matter?"
    if len(outcomes) < 2:
        return Finding(question, "fewer than two policies to play", SKIPPED)
    floor, ceiling, swing = floor_and_ceiling(outcomes)
    needed = smallest_significant()
    answer = f"{floor} successes under every policy, {ceiling} under at least one: {swing} depend on the policy"
    if swing < needed:
        return Finding(question, f"{answer}; a test needs {needed}", FAULT)
    return Finding(question, answer, FINE)


def better_than_rivals(case: Case, outcomes: dict[str, np.ndarray]) -> Finding:
    """Does the candidate beat the best policy that it should beat, by more than chance?"""
    question = "Does it beat its best rival?"
    if not outcomes or case.candidate is None:
        return Finding(question, "no candidate, or nothing to play", SKIPPED)
    rivals = {name: o for name, o in outcomes.items() if name != case.candidate}
    best = max(rivals, key=lambda name: rivals[name].sum())
    found = paired(outcomes[case.candidate], rivals[best])
    n = len(rivals[best])
    ours, theirs = int(outcomes[case.candidate].sum()), int(rivals[best].sum())
    answer = (
        f"{ours} against {theirs} of {best}: {found.only_first} gained, {found.only_second} lost, "
        f"difference {n * found.low:.0f} to {n * found.high:.0f} customers, "
        f"p = {found.p_value:.2g}"
    )
    return Finding(question, answer, FINE if found.low > 0 and found.p_value < 0.05 else LOOK)


# ---- Which policy was it, and did it learn from the outcomes? ------------------------------------------------------


def which_policy_was_it(case: Case) -> Finding:
    """How often does the policy decide in a state that training met?"""
    question = "Has training met the test states?"
    if case.known is None:
        return Finding(question, "not said which states are known", SKIPPED)
    known, n = int(np.sum(case.known)), len(case.known)
    share = known / n
    answer = f"{known:,} of {n:,} test customers are in a state that training met ({share:.1%})"
    return Finding(question, answer, FAULT if share < MOSTLY_KNOWN else LOOK if share < 0.95 else FINE)


def learned_from_outcomes(case: Case, outcomes: dict[str, np.ndarray], seed: int = 0) -> Finding:
    """Is the policy worse when the outcomes of training are dealt anew? If not: could this test part have shown it?"""
    question = "Does shuffling the outcomes of training hurt?"
    if case.retrain is None or case.play is None:
        return Finding(question, "no way to train again", SKIPPED)

    def train_and_score(order: np.ndarray) -> list[float]:
        policy = case.retrain(order)
        measures = [case.play] if case.score is None else [case.play, case.score]
        return [float(np.sum(measure(policy, np.random.default_rng(seed)))) for measure in measures]

    true, others = shuffled_scores(train_and_score, len(case.train), np.random.default_rng(seed))
    least, most = others.min(axis=0), others.max(axis=0)
    p_value = (1 + (others[:, -1] >= true[-1]).sum()) / (1 + len(others))
    answer = f"{true[0]:.0f} successes; with shuffled outcomes {least[0]:.0f} to {most[0]:.0f}"
    if case.score is not None:
        answer += f"; score {true[1]:.2f}; shuffled {least[1]:.2f} to {most[1]:.2f}"
    answer += f", p = {p_value:.2f}"
    if p_value <= 0.05:
        return Finding(question, answer, FINE)
    why = _why_blind(case, outcomes)
    return Finding(question, answer + why, UNSURE if why else LOOK)


def _why_blind(case: Case, outcomes: dict[str, np.ndarray]) -> str:
    """Why even a policy that learned could not have shown it on these test customers; empty if it could."""
    if case.known is not None and np.mean(case.known) < MOSTLY_KNOWN:
        return "; but most test customers are in states that training never met"
    if (
        case.score is None
        and len(outcomes) > 1
        and (swing := floor_and_ceiling(outcomes).swing) < smallest_significant()
    ):
        return f"; but {swing} customers depend on the policy, and a test needs {smallest_significant()}"
    return ""


def _of(line: pd.Series) -> str:
    return _rate(int(line["subscribers"]), int(line["customers"]))


def _rate(count: int, n: int) -> str:
    low, high = wilson(count, n)
    return f"{count:,} of {n:,} ({count / n:.2%}, {low:.2%} to {high:.2%})"
