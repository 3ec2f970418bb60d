"""The compiled loops say what numpy says, for every class of processors that this machine can stand for."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from regard.core.library import Library, library, usual_threads
from regard.runtime import functions
from regard.runtime.folding import fold
from regard.runtime.functions import Function, Held
from regard.runtime.graph import Graph, Node, Port
from regard.runtime.operations import OPERATIONS
from regard.runtime.player import Player
from regard.runtime.program import Packs
from tests.parity.operation_cases import CASES, RESULTS, Case, reals

WEIGHTS = {
    "lstm": 3,
    "gru": 2,
    "rnn_tanh": 2,
    "convolution": 1,
    "linear_bytes": 1,
}  # from which input on they are known beforehand
WEIGHTS |= {f"{name}_bytes": first for name, first in WEIGHTS.items() if name in ("lstm", "gru", "rnn_tanh")}
# What numpy does alone: of float64, which nets hardly use, and what says the same by numpy's own rules for whole numbers.
BY_NUMPY = {"floordiv": ("float32", "float64"), "mod": ("float32", "float64"), "logaddexp": ("float64",), "isnan": ("float64",),
            "isinf": ("float64",), "isfinite": ("float64",), "matmul": ("float64",), "sort": ("float64",), "argmax": ("float64",),
            "logsumexp": ("float64",), "layer_norm": ("float64",), "cummax": ("int64", "float64"), "softmax": ("float64",),
            "log_softmax": ("float64",), "cumsum": ("float64",), "cumprod": ("float64",), "logcumsumexp": ("float64",)}  # fmt: skip


@pytest.fixture(params=[2, 3, 4])
def loops(request) -> Library:
    found = library()
    if found is None:
        pytest.skip("no compiled loops: there was no C compiler when Regard was installed")
    if request.param > found.processors:
        pytest.skip("this processor is of a lesser class")
    chosen = library(request.param)
    assert chosen is not None and chosen.processors == request.param
    return chosen


def graph_of(case: Case, fixed: Sequence[int]) -> tuple[Graph, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """A graph of one node, its weights, and what it is given.  fixed: which arrays are weights."""
    operation, arrays, attributes = case
    given = {f"x{i}": a for i, a in enumerate(arrays) if i not in fixed}
    weights = {f"w{i}": a for i, a in enumerate(arrays) if i in fixed}
    places = {name: place for place, name in enumerate([*given, *weights])}
    results, made = RESULTS.get(operation, 1), len(places)
    reads = tuple(places[f"w{i}" if i in fixed else f"x{i}"] for i in range(len(arrays)))
    ports = tuple(Port(name, a.dtype.name, tuple(("size", name, k) for k in range(a.ndim))) for name, a in given.items())
    outputs = tuple((Port(f"y{i}", ""), made + i) for i in range(results))
    return Graph(ports, tuple(weights), (Node(operation, reads, made, attributes, results),), outputs), weights, given


def fixed_in(case: Case) -> list[list[int]]:
    """Which arrays may be weights: none, or those of a product."""
    operation, arrays, _ = case
    if operation in WEIGHTS:
        return [list(range(WEIGHTS[operation], len(arrays)))]
    return [[], [1]] if operation == "matmul" else [[]]


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_an_operation_says_what_numpy_says(operation, loops):
    cases = [case for case in CASES if case[0] == operation]
    assert cases
    for case in cases:
        for fixed in fixed_in(case):
            graph, weights, given = graph_of(case, fixed)
            right, function = Player(graph, weights)(**given), Function(graph, weights, Packs(loops))
            seen, _ = function(given)
            said = f"{operation} of {[f'{a.dtype}{list(a.shape)}' for a in case[1]]}, {case[2]}, fixed: {fixed}"
            for name, array in right.items():
                array = np.asarray(array)
                assert (seen[name].dtype, seen[name].shape) == (array.dtype, array.shape), said
                np.testing.assert_allclose(seen[name], array, atol=2e-6, rtol=3e-6, err_msg=said)
            kinds = {a.dtype.name for a in case[1]}
            alone = kinds & set(BY_NUMPY.get(operation, ())) or (not array.size and function.by_numpy)
            assert bool(function.by_numpy) == bool(alone), said


def grown() -> Graph:
    """One step of a state "B T 3" that grows by what is read, and the sum of all of it."""
    ports = (Port("x", "float32"), Port("state.0", "float32"))
    nodes = (
        Node("unsqueeze", (0,), 2, {"axis": 1}),
        Node("concat", (1, 2), 3, {"axis": 1}),
        Node("sum", (3,), 4, {"axes": (1,), "keeps": False}),
    )
    return Graph(ports, (), nodes, ((Port("y", ""), 4), (Port("state.0", ""), 3)))


def test_a_state_of_before_is_what_it_was(loops):
    """What grows is written behind what was there: nobody who goes on from an older state may see it, or write over it."""
    step = Function(grown(), {}, Packs(loops))
    state: functions.State = (np.zeros((2, 0, 3), "float32"),)
    states, words = [state], [reals(2, 3) for _ in range(40)]
    for word in words:
        made, state = step({"x": word}, state)
        states.append(state)
    assert isinstance(state, Held) and not step.by_numpy
    for t in (0, 3, 17, 18, 39):
        other = reals(2, 3)
        made, after = step({"x": other}, states[t])
        np.testing.assert_allclose(made["y"], sum(words[:t], np.zeros((2, 3), "float32")) + other, atol=1e-5)
        again, _ = step({"x": words[0]}, after)
        np.testing.assert_allclose(again["y"], made["y"] + words[0], atol=1e-5)
    np.testing.assert_array_equal(state.array(0), np.stack(words, 1))


def test_rows_are_chosen_and_go_on(loops):
    step = Function(grown(), {}, Packs(loops))
    _, state = step({"x": np.arange(6, dtype="float32").reshape(2, 3)}, (np.ones((2, 1, 3), "float32"),))
    chosen = functions.choose_rows(state, np.array([1, 1, 0]))
    assert isinstance(chosen, Held)
    np.testing.assert_array_equal(chosen.array(0)[:, 1, 0], [3, 3, 0])
    made, _ = step({"x": np.zeros((3, 3), "float32")}, chosen)
    np.testing.assert_array_equal(made["y"][:, 0], [4, 4, 1])
    same = functions.choose_rows(state, np.array([1, 0]), common=[0])
    assert isinstance(same, Held)
    np.testing.assert_array_equal(same.array(0)[:, 1, 0], [0, 3])
    with pytest.raises(MemoryError):
        functions.choose_rows(state, np.array([2]))


@pytest.mark.parametrize(
    "operation", ["matmul", "linear_bytes", "softmax", "log_softmax", "layer_norm", "sum", "gru", "gru_bytes", "tanh", "exp"]
)
def test_a_row_alone_is_the_row_in_a_batch(operation, loops):
    """To the last bit: and so is one with others behind it, padding included."""
    random = np.random.default_rng(3)
    for case in [c for c in CASES if c[0] == operation and c[1][0].ndim >= 2 and c[1][0].dtype == np.float32 and c[1][0].size]:
        axis = case[2].get("axis", case[2].get("axes", (1,)))
        if axis == 0 or (isinstance(axis, tuple) and 0 in axis) or (operation == "matmul" and case[1][1].ndim > 2):
            continue
        fixed = [[1]] if operation in ("matmul", "linear_bytes") else fixed_in(case)
        if operation == "linear_bytes":
            fixed = [[1, 2]]
        many = np.asarray(random.standard_normal((37, *case[1][0].shape[1:])), "float32")
        rest = [
            np.resize(a, (37, *a.shape[1:])) if operation.startswith("gru") and i == 0 else a for i, a in enumerate(case[1][1:])
        ]
        graph, weights, given = graph_of((operation, (many, *rest), case[2]), fixed[0])
        function = Function(graph, weights, Packs(loops))
        whole = function(given)[0]["y0"]
        for rows in (1, 2, 5, 6, 7):
            some = {name: a[:rows] if len(a) == 37 else a for name, a in given.items()}
            np.testing.assert_array_equal(function(some)[0]["y0"], whole[:rows], err_msg=f"{operation} {rows}")
        assert not function.by_numpy


def test_an_output_may_have_another_shape_each_time(loops):
    """Room for a table is kept from call to call, and used where it is of that very shape."""
    ports = (Port("a", "float32"), Port("b", "float32"))
    function = Function(Graph(ports, (), (Node("matmul", (0, 1), 2),), ((Port("y", ""), 2),)), {}, Packs(loops))
    for rows, columns in ((3, 4), (2, 6), (4, 3), (4, 3), (6, 2), (3, 4), (1, 12), (0, 5)):
        a, b = reals(rows, 5), reals(5, columns)
        made = function({"a": a, "b": b})[0]["y"]
        assert made.shape == (rows, columns)
        np.testing.assert_allclose(made, a @ b, atol=1e-5)
    assert not function.by_numpy


def test_what_cannot_be_played_is_numpys_to_refuse(loops):
    """Sizes that do not fit, places beyond an array: no crash, and the sentence of `Player`."""
    from regard.core.errors import RunFolderError

    wrong: list[Case] = [
        ("matmul", (reals(2, 3), reals(4, 5)), {}), ("add", (reals(2, 3), reals(2, 4)), {}), ("reshape", (reals(2, 3),), {"shape": (7,)}),
        ("take", (reals(2, 3), np.array([5])), {"axis": 0}), ("gather", (reals(2, 3), np.array([[9], [0]])), {"axis": 1}),
        ("transpose", (reals(2, 3),), {"order": (0, 0)}), ("squeeze", (reals(2, 3),), {"axis": 0}),
        ("select", (reals(2, 3),), {"axis": 0, "index": 2}), ("full", (), {"shape": (1 << 30,), "value": 0.0, "dtype": "float32"}),
        ("expand", (reals(2, 1),), {"shape": (3, 4)}), ("concat", (reals(2, 3), reals(3, 4)), {"axis": 0}),
        ("linear_bytes", (reals(2, 3), np.zeros((4, 5), "int8"), reals(4)), {}),
        ("gru", (reals(2, 4, 3), reals(3, 5), reals(15, 3), reals(15, 5), reals(15), reals(15)), {}),
    ]  # fmt: skip
    for case in wrong:
        fixed = list(range(WEIGHTS[case[0]], len(case[1]))) if case[0] in WEIGHTS else []
        graph, weights, given = graph_of(case, fixed)
        with pytest.raises((RunFolderError, MemoryError)):
            Function(graph, weights, Packs(loops))(given)
    assert fold(graph, weights).nodes


def test_threads_change_no_bit(loops):
    """Products are shared among threads from some size on, by one call at a time; others do their work alone meanwhile."""
    weights = {
        "w": reals(256, 1500),
        "q": np.random.default_rng(1).integers(-127, 128, (1500, 256)).astype("int8"),
        "s": reals(1500),
    }
    ports = (Port("x", "float32"), Port("k", "float32"))
    nodes = (
        Node("matmul", (0, 2), 5),
        Node("linear_bytes", (0, 3, 4), 6),
        Node("add", (5, 6), 7),
        Node("softmax", (7,), 8, {"axis": 1}),
        Node("matmul", (1, 1), 9),
    )
    graph = Graph(ports, ("w", "q", "s"), nodes, ((Port("y", ""), 8), (Port("z", ""), 9)))
    function, given = (
        Function(graph, weights, Packs(loops)),
        [{"x": reals(n, 256), "k": reals(8, 64, 64)} for n in (1, 7, 40, 64)],
    )
    try:
        loops.threads(1)
        alone = [function(each)[0] for each in given]
        for threads in (2, 3):
            loops.threads(threads)
            with ThreadPoolExecutor(4) as pool:
                made = list(pool.map(lambda each: function(each)[0], given * 25))
            for i, each in enumerate(made):
                for name, array in each.items():
                    np.testing.assert_array_equal(array, alone[i % 4][name])
        assert not function.by_numpy
    finally:
        loops.threads(usual_threads())
