"""A GRU over a sequence in training, compiled, against PyTorch's own: states and every gradient; a row is the same alone."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn

from regard.core.optional import module, without_loops
from regard.networks import cells
from regard.networks.cells import GRU
from regard.networks.recurrent import RecurrentEncoder

loops = module(cells.SEQUENCE)
pytestmark = pytest.mark.skipif(loops is None, reason="the loops were not built")
SIZES = {
    "one of all": (1, 1, 1, 1),
    "small": (3, 4, 5, 7),
    "no full vector": (13, 9, 20, 37),
    "more than are taken at once": (101, 3, 8, 16),
}


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def told(cell: GRU, given: list[Tensor], weights: list[Tensor]) -> list[Tensor]:
    """States, the last state, and the gradients of a sum that both are part of."""
    y, left = cell.over(*given)
    total = sum((each * w).sum() for each, w in zip((y, left), weights, strict=True))
    return [each.detach() for each in (y, left, *torch.autograd.grad(total, [*given, *cell.parameters()]))]


def drawn(B: int, T: int, inputs: int, D: int) -> tuple[list[Tensor], list[Tensor]]:
    given = [torch.randn(B, T, inputs), torch.randn(B, D)]
    return [t.requires_grad_() for t in given], [torch.randn(B, T, D), torch.randn(B, D)]


@pytest.mark.parametrize("many", [1, 2, 3])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_states_and_gradients(size, many, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: many)
    cell, (given, weights) = GRU(*size[2:]), drawn(*size)
    made = told(cell, given, weights)
    exact = GRU(*size[2:]).double()
    exact.load_state_dict(cell.state_dict())
    with without_loops():
        want = told(exact, [t.detach().double().requires_grad_() for t in given], [w.double() for w in weights])
    for got, right in zip(made, want, strict=True):
        torch.testing.assert_close(got.double(), right, rtol=1e-4, atol=2e-5 * max(1.0, float(right.abs().max())))


def test_it_is_what_trains_and_what_reads_in_use_is_not(monkeypatch):
    """In float32 with gradients; elsewhere PyTorch's own loops."""
    calls, cell = [], GRU(5, 7)
    taken = loops.gru
    monkeypatch.setattr(loops, "gru", lambda *given: calls.append(1) or taken(*given))
    given, weights = drawn(3, 4, 5, 7)
    told(cell, given, weights)
    assert len(calls) == 1
    with torch.no_grad():
        cell.over(*given)
    told(cell.double(), [t.detach().double().requires_grad_() for t in given], [w.double() for w in weights])
    assert len(calls) == 1


def test_only_what_is_asked_for_has_a_gradient():
    """The last state alone; the states alone; and none of a weight that is not trained."""
    cell, (given, _) = GRU(5, 7), drawn(3, 4, 5, 7)
    cell.net.weight_hh_l0.requires_grad_(False)
    for which in (0, 1):
        made = []
        for plain in (False, True):
            with without_loops() if plain else nullcontext():
                told = cell.over(*given)[which]
            made.append(torch.autograd.grad(told.sum(), [given[0], cell.net.weight_ih_l0, given[1]]))
        for got, right in zip(*made, strict=True):
            torch.testing.assert_close(got, right, rtol=1e-4, atol=1e-5)


def test_a_row_is_the_same_alone():
    """To the last bit, in whatever batch, forward and back."""
    cell, said, h, weight = GRU(5, 24), torch.randn(101, 6, 72), torch.randn(101, 24), torch.randn(101, 6, 24)

    def go(rows: slice) -> list[Tensor]:
        given = [t[rows].clone().requires_grad_() for t in (said, h)]
        y = loops.gru(given[0], cell.net.weight_hh_l0, cell.net.bias_hh_l0, given[1])
        return [y, *torch.autograd.grad((y * weight[rows]).sum(), given)]

    whole = go(slice(None))
    for row in (0, 7, 49, 100):
        assert all(torch.equal(a, b[row : row + 1]) for a, b in zip(go(slice(row, row + 1)), whole, strict=True))


@pytest.mark.parametrize("both", [False, True])
def test_an_encoder_that_trains(both):
    """Two layers, in one direction or two, sentences of several lengths and one that is empty, against PyTorch's own."""
    encoder = RecurrentEncoder(nn.GRU(6, 9, num_layers=2, bidirectional=both, batch_first=True))
    x, valid = torch.randn(8, 5, 6), torch.arange(5) < torch.tensor([5, 3, 0, 1, 2, 5, 4, 3])[:, None]
    made = []
    for plain in (False, True):
        encoder.zero_grad()
        with without_loops() if plain else nullcontext():
            told = encoder(x, valid)
        (told.states.square().sum() + told.final.sum()).backward()
        made.append([told.states, told.final, *(p.grad.clone() for p in encoder.parameters())])
    for got, right in zip(*made, strict=True):
        torch.testing.assert_close(got, right, rtol=1e-4, atol=2e-5)
