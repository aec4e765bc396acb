"""A trained network as an ONNX model, which runtimes for many languages can run without this package."""

import json

import numpy as np

from crm_rl.agents.policies import NetworkPolicy
from crm_rl.agents.policy_files import params_to_json
from crm_rl.data.problems import DataError
from crm_rl.worlds.base import n_actions, observation_size

#: Versions of the format and of its operators: of 2022, so that runtimes need not be new.
FORMAT, OPERATORS = 8, 17


def to_onnx(policy: NetworkPolicy) -> bytes:
    """A network as the content of an .onnx file.

    The model has one input and one output, both float32:

    - `observations`, shape (batch, 15), or (batch, 30) with feature selection: what `World.observe` returns, such as
      the features of customers, each from 0 to 1. Names are found by their exact numbers.
    - `q_values`, shape (batch, 6), in the order of `Action` and the unit of the world's rewards; with feature selection
      (batch, 21), first the 15 that toggle a feature.

    The values are those of `NetworkPolicy.of_observations` up to the rounding of float32. What that refuses, a value
    that is not a number, the model does not. Its property `trained_in` tells the rules of the world, in JSON.

    Raises:
        DataError: the package onnx is not installed.
    """
    try:
        from onnx import TensorProto, checker, helper, numpy_helper
    except ImportError as error:
        raise DataError("ONNX models need the package onnx. Remedy: pip install 'crm-rl[onnx]'.") from error

    nodes, constants = [], []

    def node(operator: str, inputs: list[str], output: str, **attributes: int) -> str:
        nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(name: str, array: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    seen = ["observations"]
    for column, (numbers, vectors) in policy.names.items():
        which = constant(f"column_{column}", np.array([column]))
        number = node("Gather", ["observations", which], f"number_{column}", axis=1)
        same = node("Equal", [number, constant(f"names_{column}", numbers[None])], f"same_{column}")
        same = node("Cast", [same], f"same_float_{column}", to=TensorProto.FLOAT)
        # A half after the last name is the largest only where no name is the same: the vector of names never met.
        place = constant(f"after_{column}", np.array([0, 0, 0, 1])), constant(f"half_{column}", np.float32(0.5))
        padded = node("Pad", [same, *place], f"padded_{column}")
        row = node("ArgMax", [padded], f"row_{column}", axis=1, keepdims=0)
        seen.append(node("Gather", [constant(f"vectors_{column}", vectors), row], f"vector_{column}", axis=0))
    hidden = node("Concat", seen, "seen", axis=1)
    layers = [*zip(policy.weights[:-1], policy.biases[:-1], strict=True), _last_layer(policy)]
    for i, (weight, bias) in enumerate(layers):
        inputs, last = [hidden, constant(f"weight_{i}", weight), constant(f"bias_{i}", bias)], i == len(layers) - 1
        out = node("Gemm", inputs, "q_values" if last else f"sum_{i}", transB=1)
        hidden = out if last else node("Relu", [out], f"hidden_{i}")

    widths = {"observations": observation_size(policy.params), "q_values": n_actions(policy.params)}
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", n]) for name, n in widths.items()]
    graph = helper.make_graph(nodes, "policy", ends[:1], ends[1:], constants)
    versions = {"ir_version": FORMAT, "opset_imports": [helper.make_opsetid("", OPERATORS)]}
    model = helper.make_model(graph, producer_name="crm_rl", **versions)
    helper.set_model_props(model, {"trained_in": json.dumps(params_to_json(policy.params))})
    checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def _last_layer(policy: NetworkPolicy) -> tuple[np.ndarray, np.ndarray]:
    """Weights, shape (actions, inputs), and biases; the dueling head and the scale, which are linear, are in them."""
    last = np.column_stack([policy.weights[-1], policy.biases[-1]]).astype(np.float64)
    if len(last) > n_actions(policy.params):
        last = last[0] + last[1:] - last[1:].mean(axis=0)
    last = (policy.reward_scale * last).astype(np.float32)
    return last[:, :-1], last[:, -1]
