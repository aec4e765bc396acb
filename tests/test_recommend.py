"""From training to a recommendation, as a new user would, and what goes wrong on the way."""

import numpy as np
import pandas as pd
import pytest

from crm_rl.agents.checkpoints import PolicyError
from crm_rl.agents.policies import NetworkPolicy, load_policy
from crm_rl.cli import main
from crm_rl.data import clean, load
from crm_rl.data.load import TWIN
from crm_rl.serving.recommend import recommend, setting_of, trained_worlds
from crm_rl.worlds.base import Action

LEARNERS = [("q-learning", False), ("q-learning", True), ("dqn", False), ("dqn", True)]


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    return clean(load(TWIN))[0]


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
    assert best[known].all(), "where the state is known, the recommended action has the highest Q-value of the six"


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
