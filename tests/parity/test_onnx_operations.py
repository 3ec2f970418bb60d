"""Each operation of a graph in ONNX says what numpy's says: of sizes of 0 and 1, of infinities, of every dtype that it may meet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from regard.export.recorder import Unexportable
from regard.runtime.graph import Graph, Node, Port
from regard.runtime.operations import OPERATIONS as NUMPY
from regard.runtime.player import Player

onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
ort = pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")

from regard.export.onnx_model import to_onnx  # noqa: E402
from regard.export.onnx_operations import OPERATIONS  # noqa: E402
from tests.parity.operation_cases import CASES, RESULTS, Case  # noqa: E402

RECURRENT = ("lstm", "gru", "rnn_tanh")  # whose weights stand in the file


def _played(cases: Sequence[Case], fixed: bool) -> list[tuple[Case, np.ndarray, np.ndarray]]:
    """What numpy says and what ONNX says, of one graph with a node for each case; fixed: all numbers stand in the file."""
    given: dict[str, np.ndarray] = {}
    weights: dict[str, np.ndarray] = {}
    for c, (operation, arrays, _) in enumerate(cases):
        for i, array in enumerate(arrays):
            (weights if fixed or (operation in RECURRENT and i) else given)[f"{c}.{i}"] = array
    places = {name: place for place, name in enumerate([*given, *weights])}
    made, nodes, outputs = len(places), list[Node](), list[tuple[str, Case, int]]()
    for c, case in enumerate(cases):
        operation, arrays, attributes = case
        results = RESULTS.get(operation, 1)
        nodes.append(Node(operation, tuple(places[f"{c}.{i}"] for i in range(len(arrays))), made, attributes, results))
        outputs += [(f"{c}.result.{i}", case, made + i) for i in range(results)]
        made += results
    ports = tuple(Port(name, a.dtype.name, tuple(("size", name, k) for k in range(a.ndim))) for name, a in given.items())
    graph = Graph(ports, tuple(weights), tuple(nodes), tuple((Port(name, ""), value) for name, _, value in outputs))
    told = {name: np.asarray(array) for name, array in Player(graph, weights)(**given).items()}
    typed = tuple((Port(name, told[name].dtype.name), value) for name, _, value in outputs)
    model = to_onnx(Graph(ports, tuple(weights), tuple(nodes), typed), weights)
    onnx.checker.check_model(model, full_check=True)
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [(case, told[name], seen) for (name, case, _), seen in zip(outputs, session.run(None, given), strict=True)]


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_an_operation_says_what_numpy_says(operation):
    cases = [case for case in CASES if case[0] == operation]
    assert cases
    for fixed in (False, True):
        for case, right, seen in _played(cases, fixed):
            said = f"{operation} of {[f'{a.dtype}{list(a.shape)}' for a in case[1]]}, {case[2]}, fixed: {fixed}"
            assert (seen.dtype, seen.shape) == (right.dtype, right.shape), said
            np.testing.assert_allclose(seen, right, atol=2e-6, rtol=2e-6, err_msg=said)


def test_every_operation_has_its_form():
    assert set(OPERATIONS) == {name for name in NUMPY if not name.endswith("_bytes")}  # which exports to ONNX do not hold


@pytest.mark.parametrize("operation", ["erf", "cos", "lstm", "convolution", "prod"])
def test_what_onnxruntime_lacks_is_refused_by_name(operation):
    name, arrays, attributes = next(case for case in CASES if case[0] == operation)
    with pytest.raises(Unexportable, match="of float64, which onnxruntime does not have"):
        _played([(name, tuple(a.astype("float64") for a in arrays), attributes)], fixed=False)
