"""The service: what it answers, what it logs, what bad requests get, and what a failing log does."""

import asyncio
import contextlib
import datetime
import functools
import json
import re
import sqlite3
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from crm_rl.case_studies.email.campaign import exact_q, next_action
from crm_rl.case_studies.email.cells import N_CELLS, decode
from crm_rl.case_studies.email.table import load_counts
from crm_rl.case_studies.offers.recommend import recommend_offer
from crm_rl.cli import main
from crm_rl.data import customers, load
from crm_rl.data.cells import READERS
from crm_rl.data.problems import DataError
from crm_rl.data.split import published_split
from crm_rl.files import PROJECT
from crm_rl.serving import budgets, decisions, funnel, offers
from crm_rl.serving.app import Settings, create, policies
from crm_rl.serving.deciding import Desk, named_by
from crm_rl.serving.decisions import DecisionLog, read_decisions
from crm_rl.worlds.replay_world import world_of

MOVE = {"state": [2, 4, 3, 1, 0, 0, 0], "action": 2}
TOMORROW = str(datetime.date.today() + datetime.timedelta(2))
TWICE = budgets.EXAMPLE["customers"][:1] * 2


@pytest.fixture(scope="session")
def ready():
    return policies(Settings())


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/decisions.db"


@pytest.fixture
def service(ready, url):
    """A service with a log of its own; by name, other settings."""

    with contextlib.ExitStack() as running:

        def start(**changed) -> TestClient:
            return running.enter_context(TestClient(create(Settings(**{"decisions": url} | changed), ready)))

        yield start


# ---- What it answers ----


def test_the_next_action_has_the_published_form_and_is_the_one_of_chapter_10(service):
    client, q = service(), exact_q(load_counts())
    assert client.post("/get-next-action", json=MOVE).json() == {"next_action": next_action(q, **MOVE)}
    rng = np.random.default_rng(0)
    for state, action in zip(decode(rng.integers(N_CELLS, size=30)).tolist(), rng.integers(7, size=30), strict=True):
        answer = client.post("/get-next-action", json={"state": state, "action": int(action)})
        assert answer.json() == {"next_action": next_action(q, state, int(action))}


def test_audiences_have_the_published_form(service):
    client = service()
    found = client.post("/campaign-audience?subjectId=2").json()
    assert found == client.get("/campaign-audience?subjectId=2").json()
    (name, audience) = next(iter(found.items()))
    assert name == "campaign-audience" and audience["Email Subject"] == "Email Subject 2"
    assert len(audience["Audience Permutations"]) == 10
    for permutation in audience["Audience Permutations"]:
        assert set(permutation) == {"audience-profile", "expected-conversions"}
        assert set(permutation["audience-profile"]) == {
            *("Age Group", "Customer Type", "Day of Week"),
            *("Email Domain", "Gender", "Tenure Group"),
        }
    assert len(client.get("/campaign-audience?subjectId=2&most=3").json()[name]["Audience Permutations"]) == 3


def test_a_customer_is_encoded_as_in_training_to_the_bit(ready, twin):
    raw, (people, report) = load(twin), customers(twin)
    observed = world_of(people, published_split(people).train, "described")
    observed = observed.observe(observed.start(np.arange(observed.size())))
    rows = raw.drop(index=report.findings.loc[report.findings["problem"] == "drag-fill", "row"].unique())
    full = rows.notna().sum(axis=1).nlargest(20).index  # who has every kind of cell; and some of the others
    encoded = 0
    for row in full.union(rows.sample(20, random_state=0).index):
        cells = rows.loc[row].drop(["ID", "Subscribed"]).to_dict()
        if any(cell and READERS[name][0](cell).problem not in funnel.READABLE for name, cell in cells.items()):
            continue  # the service refuses what cleaning has to guess
        features, _, _ = ready[funnel].features(cells, "2022-04-28")
        np.testing.assert_array_equal(features, observed[people.index.get_loc(row)])
        encoded += 1
    assert encoded > 30


def test_the_funnel_takes_the_action_of_which_the_network_expects_most(service, ready, url):
    client = service()
    answer = client.post("/recommend/funnel", json={"customer": funnel.EXAMPLE}).json()
    (context,) = read_decisions(url).context
    values = ready[funnel].network.of_observations(np.array([context["features"]], dtype=np.float32))[0]
    assert list(answer["q_values"].values()) == pytest.approx(values.tolist(), abs=1e-4)
    assert answer["action"] == max(answer["q_values"], key=answer["q_values"].get)
    again = client.post("/recommend/funnel", json=context).json()
    assert again["q_values"] == answer["q_values"] and again["known"] is None
    assert answer["known"] is True


def test_days_count_back_from_today_and_days_that_training_never_met_are_said(service):
    client, today = service(), datetime.date.today()
    said = {}
    for name, days in (("new", 0), ("usual", 400), ("old", 2000)):
        customer = {"First Contact": str(today - datetime.timedelta(days)), "Country": "Germany"}
        said[name] = client.post("/recommend/funnel", json={"customer": customer}).json()["notes"]
    assert said["new"] == ["First Contact: 0 days before as_of; in training it was 284 to 784"]
    assert said["usual"] == [] and "2,000 days" in said["old"][0]


@pytest.mark.parametrize(
    "asked",
    [
        {"customer": funnel.EXAMPLE | {"Stage": "do not contact"}},
        {"customer": funnel.EXAMPLE | {"Stage": "subscribed already"}},
        {"customer": funnel.EXAMPLE | {"Subscribed": "2022-02-01"}},
        {"features": [0.2, 1.0] + [0.2] * 13},  # the second is the stage of a subscriber
    ],
)
def test_who_is_not_to_be_contacted_waits_whatever_the_network_says_and_whether_or_not_it_explores(asked, service, url):
    for explore in (0.0, 1.0):
        client = service(explore=explore)
        for _ in range(10):
            answer = client.post("/recommend/funnel", json=asked).json()
            assert answer["action"] == "wait" and "always wait" in answer["notes"][-1]
    log = read_decisions(url)
    assert len(log.id) == 20 and (log.propensity == 1).all() and set(log.policy) == {funnel.NO_CONTACT}


def test_others_are_still_contacted(service):
    client, asked = service(explore=1.0), {"customer": funnel.EXAMPLE | {"Subscribed": "No"}}
    assert {client.post("/recommend/funnel", json=asked).json()["action"] for _ in range(40)} > {"wait", "email"}


def test_the_funnel_says_what_it_read_otherwise_and_what_training_never_met(service, url):
    asked = {"customer": {"Country": "TUVALU", "First Call": "0000-00-00"}, "as_of": "2023-01-01"}
    answer = service().post("/recommend/funnel", json=asked).json()
    assert answer["known"] is False
    assert answer["notes"] == ["Country: read as Tuvalu", "First Call: read as an unknown day"]
    assert read_decisions(url).context[0]["features"][7] == 1


def test_an_offer_is_the_one_of_chapter_11(service):
    answer = service().post("/recommend/offer", json={"features": offers.EXAMPLE, "fatigue": 1}).json()
    expected = recommend_offer(offers.EXAMPLE, fatigue=1).as_dict()
    assert {name: answer[name] for name in expected} == expected and len(answer["alternatives"]) == 3


def test_a_budget_is_never_overspent_and_each_customer_is_a_decision(service, url):
    rng, client = np.random.default_rng(0), service()
    asked = [
        budgets.EXAMPLE["customers"][0]
        | {"customer_id": str(n), "segment": str(rng.choice(budgets.SEGMENTS)), "age": int(rng.integers(15, 70))}
        for n in range(50)
    ]
    for budget in (0, 3.5, 1000):
        answer = client.post("/recommend/budget", json={"budget": budget, "customers": asked}).json()
        costs = [offer["cost"] for offer in answer["offers"]]
        assert answer["spent"] == pytest.approx(sum(costs)) and answer["spent"] <= budget
        young = [offer for offer, customer in zip(answer["offers"], asked, strict=True) if customer["age"] < 18]
        assert young and all(offer["reason"] == "too young" and offer["offer"] == 0 for offer in young)
    assert sum(costs) > 3.5, "money decides"
    log = read_decisions(url, "recommend/budget")
    assert log.id[-50:].tolist() == [offer["decision"] for offer in answer["offers"]]
    assert len(log.id) == 150 and (log.propensity == 1).all()
    assert not any("customer_id" in context for context in log.context)


def test_the_examples_of_the_openapi_page_run(service):
    client, ran = service(), 0
    schemas = (api := client.get("/openapi.json").json())["components"]["schemas"]
    for path, methods in api["paths"].items():
        if path != "/outcome" and "requestBody" in (post := methods.get("post", {})):
            name = post["requestBody"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
            for example in schemas[name]["examples"]:
                assert client.post(path, json=example).status_code == 200, path
                ran += 1
    assert ran == 4


PAGE = (PROJECT / "book" / "service.md").read_text(encoding="utf-8")
EXAMPLE_ON_THE_PAGE = re.compile(
    r"curl '?localhost:8000(?P<path>[^\s']+)[^`]*?(-d '(?P<body>[^']+)')?\n```\n\n```json\n(?P<answer>[^`]*)```"
)


def test_the_examples_of_the_book_are_answered_as_it_says(service):
    client, examples = service(), list(EXAMPLE_ON_THE_PAGE.finditer(PAGE))
    assert len(examples) == 4
    for example in examples:
        body = example["body"]
        sent = client.post(example["path"], json=json.loads(body)) if body else client.get(example["path"])
        assert _comparable(sent.json()) == _comparable(json.loads(example["answer"])), example["path"]


def test_the_network_did_worse_than_random_actions_as_the_page_says():
    study = pd.read_csv(PROJECT / "data" / "results" / "study_twin.csv")
    rewards = study[study["setting"] == "described"].groupby("row")["average_reward"].mean()
    assert "worse than\nrandom actions" in PAGE and rewards["dqn"] < rewards["random"]


def _comparable(answer):
    """An answer without the ids, which are new each time, and with numbers that any processor agrees on."""
    if isinstance(answer, dict):
        return {name: _comparable(part) for name, part in answer.items() if name != "decision"}
    if isinstance(answer, list):
        return [_comparable(part) for part in answer]
    return round(answer, 3) if isinstance(answer, float) else answer


# ---- What bad requests get ----


@pytest.mark.parametrize(
    ("path", "body", "where", "says"),
    [
        (
            "/get-next-action",
            {"state": [0, 4, 3, 1, 0, 0, 0], "action": 2},
            "body.state.0",
            "greater than or equal to 1",
        ),
        ("/get-next-action", {"state": [1, 7, 3, 1, 0, 0, 0], "action": 2}, "body.state.1", "less than 7"),
        ("/get-next-action", {"state": [1, 4, 3, 1, 0, 0], "action": 2}, "body.state.6", "required"),
        ("/get-next-action", {"state": [2, 4, 3, 1, 0, 0, 0], "action": 7}, "body.action", "less than 7"),
        ("/get-next-action", {"state": [2, 4, 3, 1, 0, 0, 0], "action": True}, "body.action", "valid integer"),
        ("/get-next-action", {"state": [2, 4, 3, 1, 0, 0, 0]}, "body.action", "required"),
        ("/campaign-audience?subjectId=9", None, "query.subjectId", "less than or equal to 3"),
        ("/recommend/funnel", {}, "body", "either customer or features"),
        ("/recommend/funnel", {"features": [0.5] * 14}, "body.features", "at least 15 items"),
        ("/recommend/funnel", {"features": [1.5] + [0.5] * 14}, "body.features.0", "less than or equal to 1"),
        ("/recommend/funnel", {"customer": {"Stage": "keen"}}, "body.customer.Stage", "'interested'"),
        ("/recommend/funnel", {"customer": {"Land": "Germany"}}, "body.customer.Land", "not permitted"),
        ("/recommend/funnel", {"customer": {"Country": "Atlantis"}}, "customer.Country", "the name of one country"),
        ("/recommend/funnel", {"customer": {"First Call": "2022-02-30"}}, "customer.First Call", "as YYYY-MM-DD"),
        ("/recommend/funnel", {"customer": {"Last Contact": TOMORROW}}, "customer.Last Contact", "2000-01-01 to "),
        ("/recommend/funnel", {"customer": {"Subscribed": "2022-02-30"}}, "customer.Subscribed", "as YYYY-MM-DD"),
        ("/recommend/funnel", {"customer": {}, "as_of": "2022-13-01"}, "as_of", "YYYY-MM-DD"),
        (
            "/recommend/offer",
            {"features": offers.EXAMPLE | {"engagement": 2}},
            "body.features.engagement",
            "equal to 1",
        ),
        ("/recommend/offer", {"features": offers.EXAMPLE, "week": 12}, "body.week", "less than 12"),
        ("/recommend/budget", budgets.EXAMPLE | {"budget": -1}, "body.budget", "equal to 0"),
        ("/recommend/budget", budgets.EXAMPLE | {"customers": []}, "body.customers", "at least 1 item"),
        ("/recommend/budget", budgets.EXAMPLE | {"customers": TWICE}, "customers", "a name for each"),
        ("/outcome", {"decision": "7", "reward": 1}, "body.decision", "pattern"),
    ],
)
def test_what_is_not_allowed_is_422_that_says_what_is(path, body, where, says, service, url):
    answer = service().post(path, json=body)
    assert answer.status_code == 422
    assert [problem["where"] for problem in answer.json()["problems"]] == [where]
    assert says in answer.json()["problems"][0]["problem"]
    assert len(read_decisions(url).id) == 0, "nothing was decided"


def test_many_problems_are_one_answer(service):
    customers = budgets.EXAMPLE["customers"][:1] * 30
    answer = service().post("/recommend/budget", json=budgets.EXAMPLE | {"customers": customers})
    assert answer.status_code == 422 and len(answer.json()["problems"]) == 21
    assert answer.json()["problems"][-1]["problem"] == "... and 9 more."


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 422),
        (b'{"state": "\xff\xfe"}', 400),
        (b"[" * 100_000, 400),
        (b'{"state": [2, 4, 3, 1, 0, 0, NaN], "action": Infinity}', 422),
        (b'{"state": [2, 4, 3, 1, 0, 0, 0], "action": ' + b"9" * 5000 + b"}", 400),
        (b'{"\\ud800": "\\udfff"}', 422),
        (b'{"state": "' + b"x" * 1_000_000 + b'"}', 413),
    ],
)
def test_what_is_no_request_at_all_is_refused_in_the_same_form(content, status, service):
    answer = service().post("/get-next-action", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "problems"}


@pytest.mark.parametrize("mode", GenerationMode)
def test_whatever_the_schema_allows_or_forbids_is_answered_as_documented(mode, service):
    api, asked = schemathesis.openapi.from_asgi("/openapi.json", service().app), 0
    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    for operation in api.get_all_operations():
        if mode == GenerationMode.NEGATIVE and operation.ok().path == "/health":
            continue  # nothing in it can be wrong

        @settings(max_examples=3, suppress_health_check=list(HealthCheck))
        @given(case=operation.ok().as_strategy(generation_mode=mode))
        def ask(case):
            case.call_and_validate(checks=checks)
            nonlocal asked
            asked += 1

        ask()
    assert asked > 15


def test_a_token_is_asked_for_where_there_is_one(service):
    client = service(token="secret")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic secret"}):
        refused = client.post("/get-next-action", json=MOVE, headers=headers)
        assert refused.status_code == 401 and refused.headers["WWW-Authenticate"] == "Bearer"
    assert client.post("/get-next-action", json=MOVE, headers={"Authorization": "Bearer secret"}).status_code == 200
    assert client.get("/health").status_code == 200, "who watches the service needs no token"


# ---- The log ----


def test_every_decision_is_logged_with_what_was_known_and_how_likely_it_was(service, url):
    client = service()
    first = client.post("/get-next-action", json=MOVE)
    second = client.post("/recommend/funnel", json={"customer": funnel.EXAMPLE}).json()
    log = read_decisions(url)
    assert log.id.tolist() == [first.headers["X-Decision"], second["decision"]]
    assert log.context == [MOVE, {"features": log.context[1]["features"], "as_of": str(datetime.date.today())}]
    assert (abs(log.time - np.datetime64("now")) < np.timedelta64(1, "m")).all()
    assert log.action.tolist() == [str(first.json()["next_action"]), second["action"]]
    assert log.propensity.tolist() == [1, 1] and np.isnan(log.reward).all()
    assert len(read_decisions(url, "recommend/funnel").id) == 1


def _explore(url: str, epsilon: float, decisions: int, reward) -> None:
    """Let a desk decide so often, always with the second of four actions as the best, and report the rewards."""

    async def decide() -> None:
        desk = Desk(DecisionLog(url), epsilon, np.random.default_rng(0))
        asked = [desk.decide("test", "a policy", {"n": n}, 1, ["a", "b", "c", "d"]) for n in range(decisions)]
        for action, decision in await asyncio.gather(*asked):
            await desk.log.reward(decision, reward(action))
        desk.log.close()

    asyncio.run(decide())


def test_exploration_is_logged_with_its_true_propensity(url):
    _explore(url, 0.4, 300, float)
    log = read_decisions(url)
    assert [each["n"] for each in log.context] == list(range(300)), "in order of time"
    np.testing.assert_allclose(log.propensity, np.where(log.action == "b", 0.6 + 0.1, 0.1))
    assert abs((log.action == "b").mean() - 0.7) < 0.105, "four standard errors"
    assert set(log.action) == set("abcd")


def test_a_policy_can_be_valued_from_the_log(url):
    _explore(url, 0.4, 300, lambda action: 10.0 * action)
    log = read_decisions(url)
    for action, value in (("b", 10.0), ("c", 20.0)):
        weights = (log.action == action) / log.propensity
        estimate = weights * log.reward
        assert abs(estimate.mean() - value) < 4 * estimate.std() / len(estimate) ** 0.5
        assert estimate.std() / len(estimate) ** 0.5 < 0.2 * value, "near enough to tell them apart"


def test_the_service_explores_where_it_is_told_to(service, url):
    client = service(explore=1.0)
    for _ in range(150):
        client.post("/get-next-action", json=MOVE)
        client.post("/recommend/offer", json=offers.OfferQuestion.model_config["json_schema_extra"]["examples"][0])
    log = read_decisions(url)
    assert set(log.propensity.round(6)) == {round(1 / 7, 6), 1 / 4}
    assert len(set(log.action)) == 7 + 4


def test_no_offer_is_drawn_that_the_plan_puts_below_sending_nothing(service, url):
    client, tired = service(explore=1.0), {"features": offers.EXAMPLE, "fatigue": 3}
    for _ in range(20):
        answer = client.post("/recommend/offer", json=tired).json()
        assert answer["offer"] == "none"
        drawn = client.post("/recommend/offer", json={"features": offers.EXAMPLE}).json()
        known = recommend_offer(offers.EXAMPLE)
        assert drawn["gain"] in {round(gain, 2) for gain in (known.gain, *(gain for _, gain in known.alternatives))}
    assert set(read_decisions(url).propensity[::2]) == {1}


def test_a_later_outcome_takes_the_place_of_an_earlier_one(service, url):
    client = service()
    decision = client.post("/get-next-action", json=MOVE).headers["X-Decision"]
    for reward in (0, 0, 5000):
        answer = client.post("/outcome", json={"decision": decision, "reward": reward})
        assert answer.status_code == 200 and answer.json() == {"decision": decision, "reward": reward}
    assert client.post("/outcome", json={"decision": "0" * 32, "reward": 3}).status_code == 404
    assert read_decisions(url).reward.tolist() == [5000]


def days_ago(days: float, monkeypatch) -> None:
    """Let the next decisions be so old."""
    then = time.time_ns() - round(days * 86_400e9)
    monkeypatch.setattr(decisions, "time", SimpleNamespace(time_ns=lambda: then))


def test_a_window_leaves_out_what_is_too_young_and_counts_the_unreported_as_nothing(service, url, monkeypatch):
    client, reported = service(), []
    for days in (40, 29, 27, 0):
        with monkeypatch.context() as then:
            days_ago(days, then)
            reported.append(client.post("/get-next-action", json=MOVE).headers["X-Decision"])
            client.post("/get-next-action", json=MOVE)  # nobody reports on this one
    for decision in reported:
        client.post("/outcome", json={"decision": decision, "reward": 1})
    assert read_decisions(url, window_days=28).reward.tolist() == [1, 0, 1, 0]
    everything = read_decisions(url).reward
    assert len(everything) == 8 and np.isnan(everything).sum() == 4


def test_the_example_of_the_book_evaluates_a_policy_from_the_log(service, url, monkeypatch, capsys):
    """From decisions of four weeks ago, of which calls were told to pay 10, to what calling everybody would earn."""
    client, alone = service(explore=1.0), {"customer": funnel.EXAMPLE | {"Stage": "do not contact"}}
    with monkeypatch.context() as then:
        days_ago(30, then)
        for asked in [{"customer": funnel.EXAMPLE}] * 60 + [alone] * 20:
            answer = client.post("/recommend/funnel", json=asked).json()
            if answer["action"] == "call":
                client.post("/outcome", json={"decision": answer["decision"], "reward": 10.0})
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    monkeypatch.setattr(decisions, "read_decisions", functools.partial(read_decisions, url))
    found = {}
    exec(code, found)
    log = read_decisions(url)
    assert found["size"] == pytest.approx((n := 6 * (log.action == "call").sum() + 20) ** 2 / (6 * (n - 20) + 20))
    assert found["table"].loc["self-normalised IPS", "estimate"] == pytest.approx(10 * (n - 20) / n)
    assert "effective sample size" in capsys.readouterr().out


def test_decisions_about_one_customer_are_linked_by_a_hash(service, url):
    client = service()
    for subject in ("ada", "cem", "ada"):
        asked = {"customer": funnel.EXAMPLE, "subject": subject}
        assert client.post("/recommend/funnel", json=asked).status_code == 200
        assert client.post("/recommend/offer", json={"features": offers.EXAMPLE, "subject": subject}).status_code == 200
    subjects = [context["subject"] for context in read_decisions(url).context]
    assert subjects[0] == subjects[1] == subjects[4] and len(set(subjects)) == 2
    assert "ada" not in str(read_decisions(url).context)


def test_the_log_tells_a_network_from_the_one_that_took_its_file_name(ready, tmp_path):
    file = tmp_path / "network.npz"
    names = set()
    for content in (b"one", b"another", b"one"):
        file.write_bytes(content)
        names.add(named_by("network", file))
    assert len(names) == 2 and all(re.fullmatch("network-[0-9a-f]{8}", name) for name in names)
    assert ready[funnel].name == named_by("funnel_twin-described-dqn", funnel.POLICY)


def _unavailable(answer) -> bool:
    return answer.status_code == 503 and "log of decisions" in answer.json()["error"] and answer.headers["Retry-After"]


def test_a_locked_database_is_a_clear_503_until_it_is_free(service, url, tmp_path, monkeypatch):
    monkeypatch.setattr(decisions, "PATIENCE", 0.05)
    client = service()
    with sqlite3.connect(tmp_path / "decisions.db") as other:
        other.execute("BEGIN IMMEDIATE")
        assert _unavailable(client.post("/get-next-action", json=MOVE))
    assert client.post("/get-next-action", json=MOVE).status_code == 200
    assert len(read_decisions(url).id) == 1


def test_a_full_disk_is_a_clear_503_until_there_is_room(service, url, monkeypatch):
    limits = []

    def prepare(connection, _record):
        connection.execute("PRAGMA journal_mode = WAL")
        limits.append(connection)

    monkeypatch.setattr(decisions, "_prepare_sqlite", prepare)
    client = service()
    features = {"features": [0.123456789] * 15}
    (connection,) = {id(each): each for each in limits}.values()
    connection.execute("PRAGMA max_page_count = 6")
    answers = [client.post("/recommend/funnel", json=features) for _ in range(60)]
    assert {answer.status_code for answer in answers} == {200, 503}
    assert _unavailable(answers[-1]) and "full" in answers[-1].json()["error"]
    connection.execute("PRAGMA max_page_count = 1000")
    assert client.post("/recommend/funnel", json=features).status_code == 200
    log, answered = read_decisions(url), [answer.json()["decision"] for answer in answers if answer.status_code == 200]
    assert log.id[:-1].tolist() == answered


def test_health_says_which_policies_answer_and_when_the_log_does_not(service, tmp_path):
    client = service()
    policies = client.get("/health").json()["policies"]
    assert policies["email"] == "exact-q-twin" and policies["funnel"].startswith("funnel_twin-described-dqn-")
    with sqlite3.connect(tmp_path / "decisions.db") as other:
        other.execute("DROP TABLE decisions")
    assert _unavailable(client.get("/health"))


def test_a_log_that_is_not_there_is_said_and_not_made(tmp_path):
    with pytest.raises(DataError, match="no log here"):
        read_decisions(f"sqlite:///{tmp_path}/decisions.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bad", ["nothing", "oracle9://here/it", "sqlite:////proc/nowhere/d.db", "sqlite:///{file}"])
def test_a_log_that_cannot_be_opened_is_an_error_of_the_command_line(bad, tmp_path, capsys):
    (tmp_path / "text.db").write_text("no database " * 1000)
    assert main(["serve", "--port", "8799", "--decisions", bad.format(file=tmp_path / "text.db")]) == 1
    error = capsys.readouterr().err
    assert "log of decisions cannot be opened" in error and "Remedy" in error and "Traceback" not in error
