"""From training to a recommendation, as a new user would, and what goes wrong on the way."""

import numpy as np
import pandas as pd
import pytest

from crm_rl.agents.checkpoints import PolicyError
from crm_rl.agents.policies import NetworkPolicy, load_policy
from crm_rl.case_studies.offers.features import FEATURES
from crm_rl.case_studies.offers.recommend import CLOSE, recommend_offer
from crm_rl.cli import main
from crm_rl.data import clean, load
from crm_rl.data import customers as cached_customers
from crm_rl.data.load import TWIN
from crm_rl.serving.recommend import LEFT_ALONE, left_alone, recommend, setting_of, trained_worlds
from crm_rl.worlds.base import Action, n_actions

LEARNERS = [("q-learning", False), ("q-learning", True), ("dqn", False), ("dqn", True)]


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    return cached_customers(TWIN)[0]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> dict:
    """A small policy of each kind, trained from the command line."""
    folder = tmp_path_factory.mktemp("models")
    policies = {}
    for learner, selection in LEARNERS:
        out = folder / f"{learner}-{selection}"
        more = ["--selection"] if selection else []
        assert main(["train", learner, *more, "--budget", "3000", "--data", str(TWIN), "--out", str(out)]) == 0
        (policies[learner, selection],) = out.glob("*.npz")
    return policies


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A file of 40 customers to ask about."""
    path = tmp_path_factory.mktemp("asked") / "customers.csv"
    lines = TWIN.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], *lines[200:240]]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", LEARNERS)
def test_every_customer_gets_an_action_and_its_q_values(kind, trained, asked, tmp_path):
    out = tmp_path / "actions.csv"
    assert main(["recommend", str(trained[kind]), str(asked), "--data", str(TWIN), "--out", str(out)]) == 0
    table = pd.read_csv(out)
    assert len(table) == 40 and table["customer_id"].is_unique
    decided = table[table["action"].notna()]
    assert set(decided["action"]) <= {action.name.lower() for action in Action}
    values = decided[[f"q_{action.name.lower()}" for action in Action]].to_numpy()
    chosen = [list(Action.__members__).index(name.upper()) for name in decided["action"]]
    assert decided["known"].isna().all() == (kind[0] == "dqn"), "a network cannot tell what it has met"
    known = decided["known"].astype("boolean").fillna(True).to_numpy(dtype=bool)
    best = values[np.arange(len(values)), chosen] == values.max(axis=1)
    alone = left_alone(clean(load(asked))[0])[table["action"].notna()]
    assert best[known & ~alone].all(), "where the state is known, the recommended action has the highest Q-value"


@pytest.mark.parametrize("kind", [("q-learning", True), ("dqn", False)])
def test_prospects_not_to_be_contacted_and_subscribers_get_wait(kind, trained, customers):
    class Calls(type(load_policy(trained[kind]))):
        def __call__(self, states, world, rng=None):
            return np.full(len(states.customer), n_actions(world.params) - len(Action) + Action.CALL)

    alone = customers[left_alone(customers)]
    assert set(alone["stage"].dropna()) >= set(LEFT_ALONE) and alone["subscribed"].any()
    some = pd.concat([alone.head(40), customers[~left_alone(customers)].head(10)])
    table = recommend(Calls.load(trained[kind]), some, customers, np.random.default_rng(0))
    assert table["action"].tolist() == ["wait"] * 40 + ["call"] * 10


def test_how_many_are_left_alone_is_said(trained, asked, tmp_path, capsys):
    lines = asked.read_text(encoding="utf-8").splitlines()
    marked = tmp_path / "marked.csv"
    cells = lines[1].split(",")
    cells[lines[0].split(",").index("Stage")] = "do not contact"
    marked.write_text("\n".join([lines[0], ",".join(cells)]) + "\n", encoding="utf-8")
    assert main(["recommend", str(trained["dqn", False]), str(marked), "--data", str(TWIN)]) == 0
    printed = capsys.readouterr().out
    assert "1 customers: wait 1" in printed and "For 1, who have subscribed or are marked 'do not contact'" in printed


def test_what_was_wrong_with_the_file_and_what_training_never_saw_is_said(trained, asked, tmp_path, capsys):
    strange, out = tmp_path / "strange.csv", tmp_path / "out.csv"
    lines = asked.read_text(encoding="utf-8").splitlines()
    lines[3] = lines[3].replace("Germany", "Atlantis")
    assert "Atlantis" in lines[3]
    strange.write_text("\n".join([*lines, "," * lines[0].count(",")]) + "\n", encoding="utf-8")
    policy = str(trained["dqn", False])
    assert main(["recommend", policy, str(strange), "--data", str(TWIN), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "empty row" in printed, printed
    assert "Atlantis" in printed, "no country that we know: the cleaning says so and leaves it out"
    assert "country: training never saw Guadeloupe" in printed
    assert len(pd.read_csv(out)) == 40


def test_an_action_for_nobody_is_said_in_words(trained, asked, capsys, monkeypatch):
    class Waits(NetworkPolicy):
        def __call__(self, states, world, rng=None):
            return np.full(len(states.customer), Action.WAIT)

    monkeypatch.setattr("crm_rl.agents.policies.load_policy", Waits.load)
    policy = str(trained["dqn", False])
    assert main(["recommend", policy, str(asked), "--data", str(TWIN), "--action", "demo"]) == 0
    assert capsys.readouterr().out.endswith("For nobody.\n")


@pytest.mark.parametrize("arguments", [["recommend", "p", "c", "--seed", "-1"], ["study", "--workers", "0"]])
def test_numbers_that_make_no_sense_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2 and "is less than" in capsys.readouterr().err


@pytest.mark.parametrize("kind", LEARNERS)
def test_evaluate_prints_the_policy_beside_its_rivals(kind, trained, capsys):
    assert main(["evaluate", str(trained[kind]), "--data", str(TWIN), "--part", "val"]) == 0
    printed = capsys.readouterr().out
    assert "this policy" in printed and "always wait" in printed and "random" in printed


def test_a_policy_knows_its_setting_and_its_training_data(trained, customers):
    policy = load_policy(trained["q-learning", True])
    assert setting_of(policy) == ("described", True)
    assert set(trained_worlds(policy, customers)) == {"train", "val", "test"}
    with pytest.raises(PolicyError, match="--data"):
        trained_worlds(policy, customers.iloc[:5000])


def test_a_recommendation_does_not_depend_on_who_else_is_asked_about(trained, customers):
    policy = load_policy(trained["dqn", False])
    few = recommend(policy, customers.iloc[[7, 70, 700]], customers, np.random.default_rng(0))
    many = recommend(policy, customers.iloc[:800], customers, np.random.default_rng(0))
    assert few["action"].tolist() == many["action"].iloc[[7, 70, 700]].tolist()


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("missing.npz", None, "no such file"),
        ("text.npz", b"not a policy", "text.npz"),
        ("empty.npz", b"", "empty.npz"),
    ],
)
def test_a_bad_policy_file_is_an_error_that_names_it(file, content, says, asked, tmp_path, capsys):
    if content is not None:
        (tmp_path / file).write_bytes(content)
    assert main(["recommend", str(tmp_path / file), str(asked), "--data", str(TWIN)]) == 1
    error = capsys.readouterr().err
    assert says in error and "Remedy" in error and "Traceback" not in error


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: "", "empty"),
        (lambda text: text.splitlines()[0] + "\n", "no rows"),
        (lambda text: text.replace("Country", "Land", 1), "missing column"),
    ],
)
def test_bad_customers_are_an_error_and_nothing_is_written(change, says, trained, asked, tmp_path, capsys):
    bad, out = tmp_path / "bad.csv", tmp_path / "out.csv"
    bad.write_text(change(asked.read_text(encoding="utf-8")), encoding="utf-8")
    policy = str(trained["q-learning", False])
    assert main(["recommend", policy, str(bad), "--data", str(TWIN), "--out", str(out)]) == 1
    error = capsys.readouterr().err
    assert says in error and "bad.csv" in error
    assert not out.exists()


def test_an_unknown_action_is_an_error_that_lists_the_known(trained, asked, capsys):
    policy = str(trained["q-learning", False])
    assert main(["recommend", policy, str(asked), "--data", str(TWIN), "--action", "fly"]) == 1
    assert "email, call, demo, survey, wait, manager" in capsys.readouterr().err


# ---- Offers: the reason is that of the action, not of the customer alone ----

SHARES = {"discount_sensitivity": 0.9, "free_shipping_preference": 0.1, "engagement": 0.8, "email_responsiveness": 0.7}


def because(offer: str, value: int, channel: str, timing: str) -> str:
    """What is said to a customer with these shares of this offer, which a policy insists on."""
    from crm_rl.case_studies.offers.catalogue import Offer, load_catalogue

    wanted = load_catalogue().actions.index(Offer(offer, value, channel, timing))
    customer = {name: 0.2 for name in FEATURES} | SHARES
    return recommend_offer(customer, scores=lambda seen: np.eye(145)[[wanted]]).reason


@pytest.mark.parametrize(
    ("offer", "says"),
    [
        (("discount", 5, "email", "immediate"), ["5% off, as they buy mostly at a discount (0.90)"]),
        (("discount", 0, "email", "immediate"), ["No price cut, although they buy mostly at a discount (0.90)"]),
        (("discount", 5, "email", "immediate"), ["by email, as they come most", "at once, as they are highly engaged"]),
        (("discount", 5, "push", "delay_1hour"), ["by push, although they come most often by email (0.70)."]),
        (
            ("free_shipping", 0, "email", "delay_6hours"),
            ["although they seldom use it", "after 6 hours, although they"],
        ),
        (("bundle", 0, "email", "immediate"), ["a bundle, although they have spent only $0"]),
    ],
)
def test_an_offer_that_does_not_suit_the_customer_is_not_said_to(offer, says):
    reason = because(*offer)
    assert all(part in reason for part in says), reason


def test_a_policy_that_sends_nothing_against_the_plan_is_told_from_the_plan():
    customer = {name: 0.2 for name in FEATURES} | SHARES
    reason = recommend_offer(customer, scores=lambda seen: np.eye(145)[[144]]).reason
    assert "so the policy decides" in reason and "$" in reason


def test_offers_that_are_as_good_are_not_ranked():
    for monetary in (50.0, 250.0):
        for sensitivity in (0.1, 0.9):
            customer = {name: 0.2 for name in FEATURES} | SHARES
            answer = recommend_offer(customer | {"monetary": monetary, "discount_sensitivity": sensitivity})
            gains = [answer.gain, *(gain for _, gain in answer.alternatives)]
            assert ("any of them will do" in answer.reason) == (max(gains) - min(gains) <= CLOSE)
