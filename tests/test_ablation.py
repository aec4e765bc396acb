"""The ablation: trials that resume, a record with its provenance, and the committed record itself."""

import json

import pytest

from crm_rl.data.load import TWIN
from crm_rl.experiments.dqn_ablation import VARIANTS, load_ablation, plan, record_ablation, record_for, run_trial
from crm_rl.experiments.runner import RESULTS


def test_every_variant_changes_only_what_its_name_says():
    trials = {trial.variant: trial for trial in plan(TWIN, seeds=1) if trial.setting == "described"}
    full = trials["full"].hyper()._asdict()
    changed = {
        name: {field for field, value in trial.hyper()._asdict().items() if value != full[field]}
        for name, trial in trials.items()
    }
    assert changed == {"full": set(), "no replay": {"replay"}, "no target network": {"target_network"}}


def test_a_trial_is_run_once_and_the_record_holds_all(tmp_path):
    trials = [trial for trial in plan(TWIN, seeds=1, steps=2_000) if trial.setting == "described"]
    assert len({trial.file(tmp_path) for trial in trials}) == len(VARIANTS)
    results = [run_trial(trial, tmp_path) for trial in trials]
    kept = trials[0].file(tmp_path)
    marked = json.loads(kept.read_text()) | {"marked": True}
    kept.write_text(json.dumps(marked))
    assert run_trial(trials[0], tmp_path)["marked"]
    record_ablation(trials, results, tmp_path / "out")
    runs, curves, source = load_ablation("twin", tmp_path / "out")
    assert runs["variant"].tolist() == list(VARIANTS) and runs["reward_val"].notna().all()
    assert curves.groupby("variant").size().tolist() == [2, 2, 2]
    assert source["seeds"] == [0] and source["budget"]["steps"] == 2_000 and len(source["input_sha256"]) == 64


def test_data_without_a_record_is_shown_beside_the_twins(tmp_path):
    other = tmp_path / "other.csv"
    other.write_bytes(TWIN.read_bytes() + b"\n")
    assert record_for(TWIN, tmp_path) == record_for(other, tmp_path) == "twin"
    (tmp_path / "ablation_other.json").write_text("{}")
    assert (record_for(TWIN, tmp_path), record_for(other, tmp_path)) == ("twin", "other")


@pytest.mark.skipif(not (RESULTS / "ablation_twin.csv").exists(), reason="no record")
def test_the_record_is_of_the_twin_and_complete():
    import hashlib

    runs, _, source = load_ablation("twin")
    assert source["input_sha256"] == hashlib.sha256(TWIN.read_bytes()).hexdigest()
    per_cell = runs.groupby(["setting", "variant"]).size()
    assert len(per_cell) == 2 * len(VARIANTS) and (per_cell == len(source["seeds"])).all()
    assert not runs.isna().any(axis=None)
