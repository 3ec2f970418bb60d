"""What a decoder keeps of its own words in pages (`runtime/loops/pages.h`): read as if it lay in one piece, whoever goes on from it."""

from __future__ import annotations

import numpy as np
import pytest

from regard.core.library import Library, library
from regard.runtime.functions import Function, Held, State, choose_rows
from regard.runtime.graph import Graph, Node, Port
from regard.runtime.program import Packs
from tests.parity.operation_cases import reals


@pytest.fixture(params=[2, 3, 4])
def loops(request) -> Library:
    found = library(request.param)
    if found is None or found.processors != request.param:
        pytest.skip("the loops were not built, or this processor is of a lesser class")
    return found


def look_back(*, sums: bool = False) -> Graph:
    """One step of attention over what was kept, "B H T E": scores of a query "B H M E", and what is read.  sums: something else reads
    what is kept as well."""
    ports = (Port("query", "float32"), Port("new", "float32"), Port("state.0", "float32"))
    nodes = [
        Node("concat", (2, 1), 3, {"axis": 2}),
        Node("transpose", (3,), 4, {"order": (0, 1, 3, 2)}),
        Node("matmul", (0, 4), 5),
        Node("softmax", (5,), 6, {"axis": 3}),
        Node("matmul", (6, 3), 7),
    ]
    outputs = [(Port("scores", ""), 5), (Port("read", ""), 7), (Port("state.0", ""), 3)]
    if sums:
        nodes.append(Node("sum", (3,), 8, {"axes": (2,), "keeps": False}))
        outputs.append((Port("sum", ""), 8))
    return Graph(ports, (), tuple(nodes), tuple(outputs))


def by_hand(query, new, kept):
    kept = np.concatenate([kept, new], 2)
    scores = query.astype(float) @ kept.swapaxes(2, 3).astype(float)
    share = np.exp(scores - scores.max(-1, keepdims=True))
    return {"scores": scores, "read": share / share.sum(-1, keepdims=True) @ kept}, kept


@pytest.mark.parametrize("size", [(1, 1, 1), (3, 5, 1), (2, 16, 2), (1, 80, 1), (4, 64, 5)])
def test_many_go_on_from_the_same_states(loops, size):
    """Steps, rows chosen, repeated and dropped, from states that were left at any time: pools grow, and no one writes in another's."""
    (H, E, M), draw = size, np.random.default_rng(0)
    step = Function(look_back(), {}, Packs(loops))
    first = reals(3, H, 2, E)
    alive: list[tuple[State, np.ndarray]] = [((first,), first)]
    for _ in range(150):
        state, kept = (
            alive[-1] if draw.random() < 0.7 else alive[draw.integers(len(alive))]
        )  # most go on from the last: pools grow
        if draw.random() < 0.4:
            rows = draw.integers(0, len(kept), draw.integers(1, 8))
            state, kept = choose_rows(state, rows), kept[rows]
        query, new = reals(len(kept), H, M, E) / 8, reals(len(kept), H, int(draw.integers(1, 3)), E)
        made, state = step({"query": query, "new": new}, state)
        wanted, kept = by_hand(query, new, kept)
        for name, array in wanted.items():
            np.testing.assert_allclose(made[name], array, atol=5e-5)
        assert isinstance(state, Held)
        alive = [*alive[-6:], (state, kept)]
    for state, kept in alive:
        assert isinstance(state, Held)
        np.testing.assert_array_equal(state.array(0), kept)
    assert not step.by_numpy


def test_pages_that_move_to_a_larger_pool_are_found_there(loops):
    """Rows change places before and after."""
    step, draw, kept = Function(look_back(), {}, Packs(loops)), np.random.default_rng(0), reals(4, 2, 1, 8)
    state: State = (kept,)
    for t in range(120):
        if t % 3 == 2:
            rows = draw.permutation(4)
            state, kept = choose_rows(state, rows), kept[rows]
        query, new = reals(4, 2, 1, 8) / 8, reals(4, 2, 1, 8)
        made, state = step({"query": query, "new": new}, state)
        wanted, kept = by_hand(query, new, kept)
        np.testing.assert_allclose(made["read"], wanted["read"], atol=5e-5)
    assert isinstance(state, Held)
    np.testing.assert_array_equal(state.array(0), kept)


def test_a_row_is_read_alike_in_any_batch(loops):
    step = Function(look_back(), {}, Packs(loops))
    kept, query, new = reals(40, 4, 7, 64), reals(40, 4, 1, 64), reals(40, 4, 1, 64)
    together, left = step({"query": query, "new": new}, (kept,))
    twice, _ = step({"query": query, "new": new}, left)
    for i in (0, 17, 39):
        alone, own = step({"query": query[i : i + 1], "new": new[i : i + 1]}, (kept[i : i + 1],))
        again, _ = step({"query": query[i : i + 1], "new": new[i : i + 1]}, own)
        for name, array in alone.items():
            np.testing.assert_array_equal(array, together[name][i : i + 1])
            np.testing.assert_array_equal(again[name], twice[name][i : i + 1])


def test_what_else_is_read_lies_in_one_piece(loops):
    """A sum over places is no product: then the state is no table of pages, and says the same."""
    plain, mixed = (Function(look_back(sums=sums), {}, Packs(loops)) for sums in (False, True))
    query, new, kept = reals(2, 3, 1, 8), reals(2, 3, 1, 8), reals(2, 3, 4, 8)
    _, states = zip(*(f({"query": query, "new": new}, (kept,)) for f in (plain, mixed)), strict=True)
    made, _ = mixed({"query": query, "new": new}, states[1])
    np.testing.assert_allclose(made["sum"], by_hand(query, new, by_hand(query, new, kept)[1])[1].sum(2), atol=1e-5)
    crossed, _ = mixed({"query": query, "new": new}, states[0])  # of one in pages too
    np.testing.assert_array_equal(crossed["sum"], made["sum"])
    for name in ("scores", "read"):
        np.testing.assert_allclose(crossed[name], made[name], atol=1e-6)


def test_rows_that_are_not_there_are_refused(loops):
    step = Function(look_back(), {}, Packs(loops))
    _, state = step({"query": reals(2, 3, 1, 8), "new": reals(2, 3, 1, 8)}, (reals(2, 3, 0, 8),))
    with pytest.raises(MemoryError):
        choose_rows(state, np.array([2]))
