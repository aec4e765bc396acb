"""A network as an ONNX model: onnxruntime gets the values and actions from it that the package gets from the policy."""

import sys

import numpy as np
import pytest

from crm_rl.agents.onnx_files import to_onnx
from crm_rl.agents.policies import NetworkPolicy
from crm_rl.cli import main
from crm_rl.files import PROJECT
from crm_rl.worlds.base import n_actions, observation_size
from crm_rl.worlds.replay_settings import DESCRIBED

onnxruntime = pytest.importorskip("onnxruntime", reason="onnx and onnxruntime are not here, so no model was run")

POLICIES = PROJECT / "data" / "results" / "policies"
NETWORKS = sorted(POLICIES.glob("*dqn*.npz")) + sorted(POLICIES.glob("*DQN*.npz"))
TABLE = POLICIES / "funnel_twin-described-q_learning.npz"

#: Of the largest value: both sum in float32, in orders of their own.
TOLERANCE = 5e-6


def observations(policy: NetworkPolicy, rng: np.random.Generator, n: int = 2_000) -> np.ndarray:
    """Random ones, shape (n, 15) or (n, 30); most of those that stand for names are names that training met."""
    drawn = rng.random((n, observation_size(policy.params)), dtype=np.float32)
    for column, (numbers, _) in policy.names.items():
        met = rng.random(n) < 0.8
        drawn[met, column] = rng.choice(numbers, met.sum())
    return drawn


def run(model: bytes | str, given: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(["q_values"], {"observations": given})[0]


def assert_same(policy: NetworkPolicy, given: np.ndarray, found: np.ndarray) -> None:
    wanted = policy.of_observations(given)
    assert found.shape == wanted.shape == (len(given), n_actions(policy.params)) and found.dtype == np.float32
    allowed = TOLERANCE * np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=allowed)
    second, best = np.sort(wanted, axis=1)[:, -2:].T
    clear = best - second > 2 * allowed
    assert clear.mean() > 0.9, "or too few actions were compared"
    np.testing.assert_array_equal(found.argmax(axis=1)[clear], wanted.argmax(axis=1)[clear])


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_every_recorded_network_says_the_same_in_onnxruntime(path, tmp_path, capsys):
    out = tmp_path / "new" / "policy.onnx"
    assert main(["onnx", str(path), "--out", str(out)]) == 0
    policy = NetworkPolicy.load(path)
    given = observations(policy, np.random.default_rng(0))
    assert_same(policy, given, run(str(out), given))
    widths = f"observations (batch, {given.shape[1]}) in, q_values (batch, {n_actions(policy.params)}) out"
    assert capsys.readouterr().out == f"{out}: {widths}, float32\n"


def test_there_are_recorded_networks_of_every_kind():
    policies = [NetworkPolicy.load(path) for path in NETWORKS]
    kinds = {(type(p.params).__module__, p.params.selects_features, bool(p.names)) for p in policies}
    assert len(policies) == 12 and len(kinds) == 4


def test_a_dueling_network_says_the_same():
    """No recorded network has a dueling head. This one has names, too, and a scale."""
    rng = np.random.default_rng(1)
    sizes = [(32, 15 + 3), (1 + n_actions(DESCRIBED), 32)]
    weights, biases = ([rng.normal(size=s).astype(np.float32) for s in each] for each in (sizes, [(32,), (7,)]))
    names = {4: (np.float32([0.25, 0.5]), rng.normal(size=(3, 3)).astype(np.float32))}
    policy = NetworkPolicy(weights, biases, DESCRIBED, 100.0, names)
    given = observations(policy, rng)
    assert_same(policy, given, run(to_onnx(policy), given))


@pytest.mark.parametrize(
    ("policy", "out", "parts"),
    [
        ("nowhere.npz", "new.onnx", ["nowhere.npz: no such file. Remedy: name the .npz file"]),
        ("damaged.npz", "new.onnx", ["damaged.npz: not a policy or a checkpoint of ours, or a damaged one", "Remedy"]),
        (str(TABLE), "new.onnx", ["this holds 'q_table'. Remedy: name a file that holds a dqn."]),
        (str(NETWORKS[0]), "new.npz", ["what is written is a .onnx file. Remedy"]),
        ("same.onnx", "same.onnx", ["an input, would be written over. Remedy"]),
    ],
)
def test_what_cannot_be_written_is_a_clear_error(policy, out, parts, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("damaged.npz", "same.onnx"):
        (tmp_path / name).write_bytes(NETWORKS[0].read_bytes()[:9_000])
    before = sorted(tmp_path.iterdir())
    assert main(["onnx", policy, "--out", out]) == 1
    error = capsys.readouterr().err
    assert all(part in error for part in parts), error
    assert error.endswith("Nothing was written.\n") and sorted(tmp_path.iterdir()) == before


def test_without_the_extra_the_error_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main(["onnx", str(NETWORKS[0]), "--out", str(tmp_path / "new.onnx")]) == 1
    error = capsys.readouterr().err
    assert error == (
        "error: ONNX models need the package onnx. Remedy: pip install 'crm-rl[onnx]'.\nNothing was written.\n"
    )
    assert list(tmp_path.iterdir()) == []
