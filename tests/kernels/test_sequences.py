"""LSTM and GRU over a sequence in training, compiled, against PyTorch's own: states and every gradient; a row is the same alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from regard.core.optional import module, without_loops
from regard.networks import cells
from regard.networks.cells import GRU, LSTM, Cell
from regard.networks.recurrent import RecurrentEncoder

loops = module(cells.SEQUENCES)
pytestmark = pytest.mark.skipif(loops is None, reason="the loops were not built")
KINDS = {"lstm": LSTM, "gru": GRU}
SIZES = {
    "one of all": (1, 1, 1, 1),
    "small": (3, 4, 5, 7),
    "no full vector": (13, 9, 20, 37),
    "more than are taken at once": (101, 3, 8, 16),
}


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def told(cell: Cell, given: list[Tensor], weights: list[Tensor]) -> list[Tensor]:
    """States, the last state, and the gradients of a sum that all of them are part of."""
    x, h, c = given
    state = (h, c) if isinstance(cell, LSTM) else h
    y, left = cell.over(x, state)
    ends = left if isinstance(left, tuple) else (left,)
    total = sum((each * w).sum() for each, w in zip((y, *ends), weights, strict=False))
    asked = [x, h, *([c] if isinstance(cell, LSTM) else []), *cell.parameters()]
    return [each.detach() for each in (y, *ends, *torch.autograd.grad(total, asked))]


def drawn(B: int, T: int, inputs: int, D: int) -> tuple[list[Tensor], list[Tensor]]:
    given = [torch.randn(B, T, inputs), torch.randn(B, D), torch.randn(B, D)]
    return [t.requires_grad_() for t in given], [torch.randn(B, T, D), torch.randn(B, D), torch.randn(B, D)]


@pytest.mark.parametrize("many", [1, 2, 3])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_states_and_gradients(kind, size, many, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: many)
    cell, (given, weights) = KINDS[kind](*size[2:]), drawn(*size)
    made = told(cell, given, weights)
    exact = KINDS[kind](*size[2:]).double()
    exact.load_state_dict(cell.state_dict())
    with without_loops():
        want = told(exact, [t.detach().double().requires_grad_() for t in given], [w.double() for w in weights])
    for got, right in zip(made, want, strict=True):
        torch.testing.assert_close(got.double(), right, rtol=1e-4, atol=2e-5 * max(1.0, float(right.abs().max())))


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_what_trains_and_what_reads_in_use_is_not(kind, monkeypatch):
    """In float32 with gradients; elsewhere PyTorch's own loops."""
    calls, cell = [], KINDS[kind](5, 7)
    taken = getattr(loops, kind)
    monkeypatch.setattr(loops, kind, lambda *given: calls.append(1) or taken(*given))
    given, weights = drawn(3, 4, 5, 7)
    told(cell, given, weights)
    assert len(calls) == 1
    with torch.no_grad():
        cell.over(given[0], (given[1], given[2]) if kind == "lstm" else given[1])
    told(cell.double(), [t.detach().double().requires_grad_() for t in given], [w.double() for w in weights])
    assert len(calls) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_asked_for_has_a_gradient(kind):
    """The last state alone; the states alone; and none of a weight that is not trained."""
    cell, (given, _) = KINDS[kind](5, 7), drawn(3, 4, 5, 7)
    cell.net.weight_hh_l0.requires_grad_(False)
    state = (given[1], given[2]) if kind == "lstm" else given[1]
    for choose in (lambda y, left: y, lambda y, left: left[-1] if kind == "lstm" else left):
        made = []
        for plain in (False, True):
            if plain:
                with without_loops():
                    y, left = cell.over(given[0], state)
            else:
                y, left = cell.over(given[0], state)
            made.append(torch.autograd.grad(choose(y, left).sum(), [given[0], cell.net.weight_ih_l0, given[1]]))
        for got, right in zip(*made, strict=True):
            torch.testing.assert_close(got, right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_is_the_same_alone(kind):
    """To the last bit, in whatever batch, forward and back."""
    size = (50, 6, 5, 24)
    cell, (given, weights) = KINDS[kind](*size[2:]), drawn(*size)
    whole = told(cell, given, weights)
    for row in (0, 7, 49):
        alone = told(cell, [t.detach()[row : row + 1].requires_grad_() for t in given], [w[row : row + 1] for w in weights])
        ends = 3 if kind == "lstm" else 2
        assert all(torch.equal(a, b[row : row + 1]) for a, b in zip(alone[:ends], whole[:ends], strict=True))


@pytest.mark.parametrize("net", [nn.LSTM, nn.GRU])
@pytest.mark.parametrize("both", [False, True])
def test_an_encoder_that_trains(net, both):
    """Two layers, in one direction or two, sentences of several lengths and one that is empty, against PyTorch's own."""
    encoder = RecurrentEncoder(net(6, 9, num_layers=2, bidirectional=both, batch_first=True))
    x, valid = torch.randn(8, 5, 6), torch.arange(5) < torch.tensor([5, 3, 0, 1, 2, 5, 4, 3])[:, None]
    made = []
    for plain in (False, True):
        encoder.zero_grad()
        if plain:
            with without_loops():
                told = encoder(x, valid)
        else:
            told = encoder(x, valid)
        (told.states.square().sum() + told.final.sum()).backward()
        made.append([told.states, told.final, *(p.grad.clone() for p in encoder.parameters())])
    for got, right in zip(*made, strict=True):
        torch.testing.assert_close(got, right, rtol=1e-4, atol=2e-5)
