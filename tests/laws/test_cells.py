"""Laws of all cells, yours too (`--cell my.module:Class`): the loop over a sequence is the step, forward and backward; rows and
cuttings are free; what is tied adds up."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor

from regard.build.cells import CELLS, NETS, make_cell
from regard.config import mechanisms
from regard.core.state import select, tree_map
from regard.networks.bptt import gradients_by_lag, segments
from regard.networks.cells import Cell, OwnCell, Stack, TorchCell

pytestmark = pytest.mark.usefixtures("float64")
same = torch.testing.assert_close
B, T, N, D = 2, 5, 3, 7


@pytest.fixture
def cell(request: pytest.FixtureRequest, float64: None) -> Cell:
    return make_cell(mechanisms.cell(request.param), N, D)


def test_every_cell_has_its_word():
    """A class without a word would be under no law."""

    def kinds(of: type[Cell]) -> set[type[Cell]]:
        return {of}.union(*(kinds(below) for below in of.__subclasses__() if below.__module__.startswith("regard.")))

    assert kinds(Cell) - {Cell, TorchCell, OwnCell} == set(CELLS.values())
    assert {*NETS} == {word for word, made_by in CELLS.items() if issubclass(made_by, TorchCell)}


def begun(cell: Cell, batch: int = B):
    """A state that is nowhere zero, as a leaf of the graph."""
    return tree_map(lambda h: torch.randn_like(h).requires_grad_(), cell.start(torch.zeros(batch, D)))


def leaves(state) -> tuple[Tensor, ...]:
    return state if isinstance(state, tuple) else (state,)


def stepped(cell: Cell, x: Tensor, state):
    """What `over` must be."""
    told = []
    for x_t in x.unbind(1):
        y, state = cell.step(cell.gates(x_t), state)
        told.append(y)
    return torch.stack(told, 1), state


def weighed(y: Tensor, state) -> Tensor:
    """A loss in which every output has a weight of its own, that of the last state too."""
    parts = torch.cat([y.flatten(), *(x.flatten() for x in leaves(state))])
    return (parts * torch.arange(1.0, len(parts) + 1).sin()).sum()


def test_the_loop_is_the_step(cell):
    """Outputs, last state, and the gradients of input, first state and every parameter."""
    x, state = torch.randn(B, T, N).requires_grad_(), begun(cell)
    inputs = [x, *leaves(state), *cell.parameters()]
    (y, end), (told, other) = cell.over(x, state), stepped(cell, x, state)
    same((y, end), (told, other))
    same(torch.autograd.grad(weighed(y, end), inputs), torch.autograd.grad(weighed(told, other), inputs))


@pytest.mark.parametrize("part", ["outputs", "state"])
def test_a_loss_of_a_part(cell, part):
    """Of the outputs alone, or of the last state alone: gradients still those of the steps."""
    x, state = torch.randn(B, T, N).requires_grad_(), begun(cell)
    inputs = [x, *leaves(state)]

    def loss(y, end):
        return y.square().sum() if part == "outputs" else leaves(end)[-1].square().sum()

    gradients = (torch.autograd.grad(loss(*way), inputs) for way in (cell.over(x, state), stepped(cell, x, state)))
    same(*gradients)


@pytest.mark.parametrize("way", ["over", "stepped"])
def test_gradcheck(cell, way):
    x, state, names = torch.randn(B, 3, N).requires_grad_(), begun(cell), [name for name, _ in cell.named_parameters()]

    def run(x, *given):
        state, parameters = given[: len(leaves(begin))], dict(zip(names, given[len(leaves(begin)) :], strict=True))
        return torch.func.functional_call(Walk(cell, way), {f"cell.{k}": v for k, v in parameters.items()}, (x, state))

    begin = state
    assert torch.autograd.gradcheck(run, (x, *leaves(state), *cell.parameters()), eps=1e-6, atol=1e-6, rtol=1e-6)


class Walk(torch.nn.Module):
    def __init__(self, cell: Cell, way: str) -> None:
        super().__init__()
        self.cell, self.way = cell, way

    def forward(self, x, state):
        state = state if len(state) > 1 else state[0]
        y, end = self.cell.over(x, state) if self.way == "over" else stepped(self.cell, x, state)
        return (y, *leaves(end))


def test_cuttings_and_rows(cell):
    """`over` is its parts one after the other, rows choose rows, and the state that it was given does not change."""
    x, state = torch.randn(B, T, N), begun(cell)
    before = tree_map(torch.clone, state)
    y, end = cell.over(x, state)
    parts, left = [], state
    for part in x.split([1, 3, 1], 1):
        told, left = cell.over(part, left)
        parts.append(told)
    same((torch.cat(parts, 1), left), (y, end))
    rows = torch.tensor([1, 0, 1])
    same(cell.over(x[rows], select(state, rows)), (y[rows], select(end, rows)))
    same(state, before, rtol=0, atol=0)


def test_a_cell_begins(cell):
    h = torch.randn(B, D)
    state = leaves(cell.start(h))
    assert state[0] is h and not any(x.any() for x in state[1:])
    assert (cell.input_size, cell.size, cell.input_weight.shape[1]) == (N, D, N)
    assert cell.input_weight.shape[0] == len(cell.input_bias) == cell.gates(torch.zeros(1, N)).shape[1]


def test_tied_weights_gather_from_all_copies(cell):
    """Unrolled into T copies with weights of their own, the net gives a gradient to each; that of the one cell is their sum."""
    x, state = torch.randn(B, T, N), begun(cell)
    copies, told, left = [deepcopy(cell) for _ in range(T)], [], state
    for copy, x_t in zip(copies, x.unbind(1), strict=True):
        y, left = copy.step(copy.gates(x_t), left)
        told.append(y)
    tied = torch.autograd.grad(weighed(*cell.over(x, state)), list(cell.parameters()))
    loss = weighed(torch.stack(told, 1), left)
    untied = [torch.autograd.grad(loss, list(copy.parameters()), retain_graph=True) for copy in copies]
    same(tied, tuple(torch.stack(gradients).sum(0) for gradients in zip(*untied, strict=True)))
    assert not any(torch.allclose(a, b) for a, b in zip(tied, untied[-1], strict=True))


@pytest.mark.parametrize("length", [1, 2, T, T + 1])
def test_truncated_values_are_those_of_the_whole(cell, length):
    """So are the gradients with a segment as long as the sequence; else they are those of the last segment from its state, a constant."""
    stack = Stack([cell, CELLS["gru"](D, D)])
    x, state = torch.randn(B, T, N).requires_grad_(), (begun(cell), torch.randn(B, D))
    y, end = stack.over(x, state)
    parts = list(segments(stack.over, x, state, length=length))
    cut = torch.cat([part for part, _ in parts], 1)
    same((cut, parts[-1][1]), (y, end))
    before = max(T - 1, 0) // length * length  # steps before the last segment
    from_there = tree_map(torch.Tensor.detach, parts[-2][1]) if before else state
    (got,) = torch.autograd.grad(cut[:, -1].sum(), x)
    (alone,) = torch.autograd.grad(stack.over(x[:, before:], from_there)[0][:, -1].sum(), x)
    (full,) = torch.autograd.grad(y[:, -1].sum(), x)
    same(got, full if not before else alone)
    assert full[:, 0].all() and bool(got[:, 0].any()) == (not before)


def test_gradients_by_lag_are_those_of_jacobians(cell):
    """At lag k the norm of the Jacobian's block of the input k steps before the last."""
    x, state = torch.randn(1, T, N), begun(cell, 1)
    norms = gradients_by_lag(cell.over, x, state)
    whole = torch.autograd.functional.jacobian(lambda x: cell.over(x, state)[0][0, -1], x)[:, 0]
    same(norms, torch.stack([whole[:, T - 1 - lag].norm() for lag in range(T)]))


def test_autocast(cell):
    """In bfloat16 the loop is near the steps in float32, gradients too, and parameters' gradients keep their type."""
    cell, x = cell.float(), torch.randn(B, T, N, dtype=torch.float32)
    state = tree_map(lambda h: h.detach().float(), begun(cell))
    try:
        with torch.autocast("cpu", torch.bfloat16):
            y, end = cell.over(x, state)
    except RuntimeError as error:
        if "could not create a primitive descriptor" not in str(error):
            raise
        pytest.skip("oneDNN has no LSTM in bfloat16 for this processor, which lacks AVX-512")
    loss = weighed(y.float(), tree_map(torch.Tensor.float, end))
    gradients = torch.autograd.grad(loss, list(cell.parameters()))
    told = stepped(cell, x, state)
    same(y.float(), told[0], rtol=0, atol=0.02)
    wanted = torch.autograd.grad(weighed(*told), list(cell.parameters()))
    for got, want in zip(gradients, wanted, strict=True):
        assert got.dtype == torch.float32
        assert (got - want).norm() < 0.05 * want.norm()
