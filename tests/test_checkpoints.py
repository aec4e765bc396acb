import json
import os
import re
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import files
from tiny_worlds import CALL_ONCE, LOOK_THEN_ACT

import crm_rl
from crm_rl.agents.checkpoints import (
    ABANDONED,
    PolicyError,
    checkpoints_in,
    drop_folder,
    fingerprint,
    generator_at,
    put_folder,
    random_state,
    read_arrays,
    tuples,
    write_arrays,
)
from crm_rl.agents.dqn import train_dqn
from crm_rl.agents.dqn_settings import Hyperparameters
from crm_rl.agents.policies import load_policy
from crm_rl.agents.q_learning import train_q_learning
from crm_rl.data.problems import DataError
from crm_rl.worlds.replay_settings import PARAMS


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> dict[str, Path]:
    """A small policy of each kind."""
    folder = tmp_path_factory.mktemp("trained")
    train_q_learning(LOOK_THEN_ACT, episodes=50, folder=folder)
    train_dqn(CALL_ONCE, Hyperparameters(hidden=(4,)), steps=160, folder=folder)
    return {"q_table": folder / "q_table.npz", "dqn": folder / "policy.npz", "folder": folder}


def changed(source: Path, target: Path, **changes) -> Path:
    """A copy of a policy with arrays replaced; None leaves one out; `about` is a dict of replaced settings."""
    with np.load(source) as archive:
        arrays = dict(archive)
    about = json.loads(str(arrays.pop("about"))) | changes.pop("about", {})
    arrays = {name: array for name, array in (arrays | changes).items() if array is not None}
    np.savez(target, about=np.array(json.dumps(about)), **arrays)
    return target


# ---- Bad files ----


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(PolicyError, match="nowhere.npz: no such file. Remedy"):
        load_policy(tmp_path / "nowhere.npz")
    with pytest.raises(PolicyError, match="no such file"):
        load_policy(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x05\x06" + b"\0" * 18, b"\x80\x04N."], ids=range(4))
def test_a_file_that_is_none_of_ours(tmp_path, content):
    path = tmp_path / "policy.npz"
    path.write_bytes(content)
    with pytest.raises(PolicyError, match="not a policy.*Remedy: train it again"):
        load_policy(path)


def test_a_file_of_objects_is_not_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (os._exit, (1,))

    np.savez(tmp_path / "policy.npz", about=np.array([Bomb()], dtype=object))
    with pytest.raises(PolicyError, match="not a policy"):
        load_policy(tmp_path / "policy.npz")


BAD = {
    "a table of 14 levels": ("q_table", dict(levels_counts=np.ones(14, dtype=int)), "do not fit together"),
    "too few actions": ("q_table", dict(q=np.zeros((5, 6))), r"q has shape \(5, 6\), not \(any, 21\)"),
    "no keys and no levels": ("q_table", dict(keys=None, levels_counts=None), "no array .keys.; no array .levels_c"),
    "keys and values that differ": ("q_table", dict(q=np.zeros((1, 21))), "do not fit together"),
    "no number in a table": ("q_table", dict(q=np.full((2, 21), np.nan)), r"q\[0, 0\] is not a number"),
    "no number in a layer": ("dqn", dict(bias_1=np.float32([0, 0, 0, np.inf, 0, 0])), r"bias_1\[3\] is not a number"),
    "another number of features": ("dqn", dict(weight_0=np.zeros((4, 16))), r"weight_0 has shape \(4, 16\)"),
    "a layer missing": ("dqn", dict(bias_0=None), "no array 'bias_0'"),
    "layers that differ": ("dqn", dict(weight_1=np.zeros((6, 5))), "weight_1 has shape"),
    "no layers": ("dqn", dict(about=dict(layers=0)), "no layers"),
    "another format": ("dqn", dict(about=dict(version=99)), "format 99; this version of crm_rl reads format 1"),
    "another kind": ("dqn", dict(about=dict(kind="song")), "this holds 'song'"),
    "strange rules": ("q_table", dict(about=dict(rules=dict(horizon=3))), "its rules are not ours"),
    "no rules": ("q_table", dict(about=dict(rules=None)), "its rules are not ours"),
}


@pytest.mark.parametrize(("kind", "changes", "problem"), BAD.values(), ids=BAD)
def test_a_policy_with_a_fault(trained, tmp_path, kind, changes, problem):
    path = changed(trained[kind], tmp_path / "bad.npz", **changes)
    with pytest.raises(PolicyError, match=problem) as caught:
        load_policy(path)
    assert str(path) in str(caught.value) and "Remedy: " in str(caught.value)


@pytest.mark.parametrize("kind", ["q_table", "dqn"])
def test_damage_anywhere_gives_our_error_or_does_no_harm(trained, tmp_path, kind):
    whole, path = trained[kind].read_bytes(), tmp_path / "damaged.npz"

    @given(st.integers(0, len(whole) - 1), st.integers(1, 255), st.booleans())
    def check(place, flip, cut):
        path.write_bytes(whole[:place] if cut else whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
        try:
            load_policy(path)
        except PolicyError as error:
            assert "Remedy: " in str(error)

    check()


def test_our_error_is_one_of_the_data(trained):
    """So the command line reports it like the others."""
    assert issubclass(PolicyError, DataError)


# ---- Whole or not at all ----


class Interrupted(Exception):
    pass


def test_a_file_is_put_in_place_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    write_arrays(path, {"kind": "test"}, numbers=np.arange(3))
    before = path.read_bytes()
    with pytest.raises(ValueError, match="Object arrays"):
        write_arrays(path, {"kind": "test"}, numbers=np.array([{}]))
    assert path.read_bytes() == before
    write_arrays(path, {"kind": "test"}, numbers=np.arange(4))
    assert read_arrays(path, "test")[1]["numbers"].tolist() == [0, 1, 2, 3]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("call", range(4))
def test_wherever_a_folder_is_interrupted_a_complete_one_is_found(tmp_path, monkeypatch, call):
    """Killed at any renaming: what stands under a checkpoint's name is complete, and the next attempt works."""

    def fill(text):
        return lambda folder: [(folder / name).write_text(text) for name in "ab"]

    put_folder(tmp_path / "step_1", fill("old"))
    replace, calls = os.replace, iter(range(9))

    def interrupt(*names):
        if next(calls) == call:
            raise Interrupted
        replace(*names)

    monkeypatch.setattr(os, "replace", interrupt)
    try:
        put_folder(tmp_path / "step_2", fill("new"))
        put_folder(tmp_path / "step_2", fill("newer"))
        drop_folder(tmp_path / "step_1")
    except Interrupted:
        pass
    monkeypatch.undo()
    found = checkpoints_in(tmp_path)
    assert found and all(len(set(files(place).values())) == 1 and len(files(place)) == 2 for place in found)
    put_folder(tmp_path / "step_2", fill("last"))
    assert files(checkpoints_in(tmp_path)[-1]) == {"a": b"last", "b": b"last"}


def test_what_a_killed_run_left_half_way_is_no_checkpoint(tmp_path):
    (tmp_path / "step_000000160.tmp").mkdir()
    (tmp_path / "step_000000160.tmp" / "run.npz").write_bytes(b"half")
    policy = train_dqn(CALL_ONCE, Hyperparameters(hidden=(4,)), steps=160, folder=tmp_path)
    assert [path.name for path in checkpoints_in(tmp_path)] == ["step_000000160"] and policy.history["step"] == [160]


def test_a_full_disk_leaves_the_checkpoint_before_and_an_error_that_names_the_new_one(tmp_path):
    def fill(folder):
        write_arrays(folder / "run.npz", {"kind": "test"})
        raise OSError(28, "No space left on device")

    put_folder(tmp_path / "step_1", lambda folder: (folder / "a").write_text("whole"))
    with pytest.raises(OSError) as caught:
        put_folder(tmp_path / "step_2", fill)
    assert caught.value.filename == str(tmp_path / "step_2")
    assert files(tmp_path) == {"step_1/a": b"whole"}


def test_a_run_beside_another_does_not_take_its_unfinished_folder_away(tmp_path):
    def fill(folder):
        put_folder(tmp_path / "step_2", lambda other: (other / "b").write_text("faster"))
        (folder / "a").write_text("slower")

    put_folder(tmp_path / "step_1", fill)
    assert files(tmp_path) == {"step_1/a": b"slower", "step_2/b": b"faster"}


def test_what_was_left_half_way_long_ago_is_taken_away(tmp_path):
    for name, age in ((".step_1-0a1b2c3d.tmp", 2 * ABANDONED), ("step_1.tmp", 2 * ABANDONED), (".step_2-0.tmp", 0)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, times=(time.time() - age,) * 2)
    put_folder(tmp_path / "step_3", lambda folder: None)
    assert sorted(os.listdir(tmp_path)) == [".step_2-0.tmp", "step_3"]


# ---- What is written ----


def test_a_policy_comes_back_as_it_was(trained, tmp_path):
    for kind in ("q_table", "dqn"):
        load_policy(trained[kind]).save(tmp_path / "again.npz")
        assert (tmp_path / "again.npz").read_bytes() == trained[kind].read_bytes()


def test_params_and_generators_come_back_as_they_were():
    for params in PARAMS.values():
        fields = json.loads(json.dumps(params._asdict()))
        assert type(params)(**{name: tuples(value) for name, value in fields.items()}) == params
    rng = np.random.default_rng(4)
    rng.random(7)
    again = generator_at(json.loads(json.dumps(random_state(rng))))
    assert again.random(5).tolist() == rng.random(5).tolist()


def test_a_world_is_known_by_everything_in_it():
    population, params, pools = CALL_ONCE
    others = [
        CALL_ONCE._replace(params=params._replace(horizon=9)),
        CALL_ONCE._replace(population=population._replace(stage_unit=1.0)),
        CALL_ONCE._replace(population=population._replace(features=population.features + 1)),
        CALL_ONCE._replace(pools=pools._replace(shares=(0.1, 0.0))),
    ]
    assert len({fingerprint(world) for world in [CALL_ONCE, *others]}) == 5
    assert fingerprint(CALL_ONCE) == fingerprint(CALL_ONCE._replace(params=params._replace()))


def test_no_file_holds_a_python_object(trained):
    """The .npz files hold plain arrays only; torch reads its file with nothing but tensors allowed."""
    import torch

    written = [path for path in trained["folder"].rglob("*") if path.is_file()]
    assert {path.suffix for path in written} == {".npz", ".pt"}
    for path in written:
        if path.suffix == ".pt":
            torch.load(path, weights_only=True)
            continue
        with zipfile.ZipFile(path) as archive:
            assert all(name.endswith(".npy") for name in archive.namelist())
        with np.load(path, allow_pickle=False) as archive:
            assert all(archive[name].dtype.kind in "biufU" for name in archive.files)


def test_no_code_unpickles():
    forbidden = re.compile(
        r"import\s+(c?pickle|dill|cloudpickle|shelve)|pickle\.\w|allow_pickle\s*=\s*True|weights_only\s*=\s*False"
        r"|joblib\.(dump|load)|(read|to)_pickle"
    )
    sources = list(Path(crm_rl.__file__).parent.rglob("*.py"))
    assert len(sources) > 10
    for path in sources:
        text = path.read_text(encoding="utf-8")
        assert not forbidden.search(text), path
        assert all("weights_only=True" in call for call in re.findall(r"torch\.load\(.*", text)), path
        assert all("allow_pickle=False" in call for call in re.findall(r"np\.(?:load|savez\w*)\(.*", text)), path
