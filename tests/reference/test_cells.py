"""Law 7: cells and their stacks at width 1, against their equations written out in numbers."""

from __future__ import annotations

from math import exp, tanh

import pytest
import torch
from torch import nn

from regard.networks.cells import GRU, LSTM, RNN, Cell, Stack
from regard.networks.dropout import Dropout
from regard.networks.gru_reset_before import ResetBeforeGRU
from regard.networks.peephole import FullPeepholeLSTM, PeepholeLSTM
from regard.networks.recurrent import RecurrentEncoder


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


def put(cell: Cell, w, u, b, c) -> Cell:
    """W, U, b and c: a number for each gate, in PyTorch's order."""
    for name, values in (("weight_ih_l0", w), ("weight_hh_l0", u), ("bias_ih_l0", b), ("bias_hh_l0", c)):
        parameter = getattr(cell.net, name)
        parameter.data.copy_(torch.tensor(values).view_as(parameter))
    return cell


def one(x: float) -> torch.Tensor:
    return torch.tensor([[x]])


def both_ways(cell: Cell, x: float, state):
    """One step by `step` and by `over`: they must agree; gives (y, state)."""
    y, left = cell.step(cell.gates(one(x)), state)
    again, end = cell.over(one(x)[:, None], state)
    torch.testing.assert_close(again[:, 0], y)
    torch.testing.assert_close(end, left)
    return y.item(), left


def test_rnn():
    """tanh(2*1 + 0.5 - 1*0.5 + 0.25) = tanh 2.25."""
    y, state = both_ways(put(RNN(1, 1), [2.0], [-1.0], [0.5], [0.25]), 1.0, one(0.5))
    assert y == state.item() == pytest.approx(tanh(2.25), abs=1e-6)


def test_gru():
    """Gates r, z, n.  r = s(1*2 + 0.1 + 0.5*0.4 + 0.2) = s(2.5); z = s(-1*2 + 0.5*0.4 + 1) = s(-0.8);
    n = tanh(0.5*2 + 0.3 + r (2*0.4 - 0.1)) = tanh(1.3 + 0.7 r): the reset comes after the product; h' = (1 - z) n + 0.4 z."""
    cell = put(GRU(1, 1), [1.0, -1.0, 0.5], [0.5, 0.5, 2.0], [0.1, 0.0, 0.3], [0.2, 1.0, -0.1])
    y, state = both_ways(cell, 2.0, one(0.4))
    r, z = sigmoid(2.5), sigmoid(-0.8)
    assert y == state.item() == pytest.approx((1 - z) * tanh(1.3 + 0.7 * r) + 0.4 * z, abs=1e-6)


def test_lstm():
    """Gates i, f, g, o of x = 2, h = 0.5, c = -1: i = s(2 - 0.5) = s(1.5); f = s(-2 + 0.5 + 1) = s(-0.5); g = tanh(1 + 1) = tanh 2;
    o = s(0.2 + 0.3) = s(0.5); c' = -f + i g; h' = o tanh c'."""
    cell = put(LSTM(1, 1), [1.0, -1.0, 0.5, 0.1], [-1.0, 1.0, 2.0, 0.0], [0.0, 1.0, 0.0, 0.1], [0.0, 0.0, 0.0, 0.2])
    y, (h, c) = both_ways(cell, 2.0, (one(0.5), one(-1.0)))
    new = -sigmoid(-0.5) + sigmoid(1.5) * tanh(2)
    assert c.item() == pytest.approx(new, abs=1e-6)
    assert y == h.item() == pytest.approx(sigmoid(0.5) * tanh(new), abs=1e-6)


def filled(cell: Cell, **values) -> Cell:
    """A cell that PyTorch does not have: its parameters by name, row by row."""
    assert set(values) == {name for name, _ in cell.named_parameters()}
    for name, given in values.items():
        parameter = getattr(cell, name)
        parameter.data.copy_(torch.tensor(given).view_as(parameter))
    return cell


def test_gru_reset_before():
    """Gates r, z, h~ of x = 2, h = 0.4.  r = s(2 + 0.5*0.4 + 0.3) = s(2.5); z = s(-2 + 0.2 + 1) = s(-0.8);
    h~ = tanh(0.5*2 + 2 (0.4 r) + 0.3) = tanh(1.3 + 0.8 r): the reset comes before the product, and no bias is reset;
    h' = (1 - z) 0.4 + z h~: the greater z, the more is new."""
    cell = filled(ResetBeforeGRU(1, 1), weight_ih=[1.0, -1.0, 0.5], weight_hh=[0.5, 0.5, 2.0], bias=[0.3, 1.0, 0.3])
    y, state = both_ways(cell, 2.0, one(0.4))
    r, z = sigmoid(2.5), sigmoid(-0.8)
    assert y == state.item() == pytest.approx((1 - z) * 0.4 + z * tanh(1.3 + 0.8 * r), abs=1e-6)


def test_gru_resets_before_the_product_and_not_after():
    """Two units, r = (1/2, s(20) = 1), h = (1, 1), h~ = tanh of U (r * h) with U = [[0, 1], [1, 0]]: before the product the units change
    places after they were reset, (tanh 1, tanh 1/2); after it they would be (tanh 1/2, tanh 1).  z = s(20) = 1 takes all of it."""
    zeros, swap = [[0.0, 0.0]] * 2, [[0.0, 1.0], [1.0, 0.0]]
    bias = [0.0, 20.0, 20.0, 20.0, 0.0, 0.0]
    cell = filled(ResetBeforeGRU(2, 2), weight_ih=zeros * 3, weight_hh=[*zeros, *zeros, *swap], bias=bias)
    y, _ = cell.step(cell.gates(torch.zeros(1, 2)), torch.ones(1, 2))
    torch.testing.assert_close(y, torch.tensor([[tanh(1), tanh(0.5)]]))
    torch.testing.assert_close(cell.over(torch.zeros(1, 1, 2), torch.ones(1, 2))[0][0], y)


def test_peephole_lstm():
    """The LSTM above, x = 2, h = 0.5, c = -1, with peepholes p_i = 0.5, p_f = -0.25, p_o = 2: i = s(1.5 - 0.5) = s(1);
    f = s(-0.5 + 0.25) = s(-0.25); c' = -f + i tanh 2; o = s(0.5 + 2 c'), of the cell as it is, not as it was; h' = o tanh c'."""
    cell = filled(
        PeepholeLSTM(1, 1),
        weight_ih=[1.0, -1.0, 0.5, 0.1],
        weight_hh=[-1.0, 1.0, 2.0, 0.0],
        bias=[0.0, 1.0, 0.0, 0.3],
        peephole=[0.5, -0.25, 2.0],
    )
    y, (h, c) = both_ways(cell, 2.0, (one(0.5), one(-1.0)))
    new = -sigmoid(-0.25) + sigmoid(1) * tanh(2)
    assert c.item() == pytest.approx(new, abs=1e-6)
    assert y == h.item() == pytest.approx(sigmoid(0.5 + 2 * new) * tanh(new), abs=1e-6)


def test_full_peephole_lstm():
    """Two units, nothing said, h = 0, c = (1, -2), all tanh inputs 1: each gate sees both cells.  i = s(c_2, c_1) = s(-2, 1);
    f = s(c_1 + c_2, 0) = s(-1, 0); c' = f c + i tanh 1; o = s(0, 3 c'_1); h' = o tanh c'."""
    see = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0], [3.0, 0.0]]
    bias = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]
    zeros = [[0.0, 0.0]] * 8
    cell = filled(FullPeepholeLSTM(2, 2), weight_ih=zeros, weight_hh=zeros, bias=bias, weight_ch=see)
    begin = (torch.zeros(1, 2), torch.tensor([[1.0, -2.0]]))
    y, (h, c) = cell.step(cell.gates(torch.zeros(1, 2)), begin)
    new = [sigmoid(-1) + sigmoid(-2) * tanh(1), -2 * sigmoid(0) + sigmoid(1) * tanh(1)]
    torch.testing.assert_close(c, torch.tensor([new]))
    torch.testing.assert_close(h, torch.tensor([[0.5 * tanh(new[0]), sigmoid(3 * new[0]) * tanh(new[1])]]))
    told, end = cell.over(torch.zeros(1, 1, 2), begin)
    torch.testing.assert_close((told[:, 0], end), (y, (h, c)))
    assert y is h


@pytest.mark.parametrize(
    ("kind", "count"), [(ResetBeforeGRU, 3 * 33), (PeepholeLSTM, 4 * 33 + 9), (FullPeepholeLSTM, 4 * 33 + 27)]
)
def test_parameters_are_those_of_the_equation(kind, count):
    """Input 7, state 3: a gate has 3 (7 + 3 + 1) = 33, peepholes 3 * 3, or 3 * 3 * 3.  They begin evenly between +- 1 / sqrt(state)."""
    assert sum(x.numel() for x in kind(7, 3).parameters()) == count
    torch.manual_seed(0)
    for x in kind(7, 400).parameters():
        assert x.abs().max() <= 0.05 < 1.01 * x.abs().max() and x.std().item() == pytest.approx(0.05 / 3**0.5, rel=0.05)


def test_a_stack_goes_upwards():
    """Below tanh(2*1 + 3*0.1) = tanh 2.3; above tanh(-1 * that + 0.5*0.2)."""
    stack = Stack([put(RNN(1, 1), [2.0], [3.0], [0.0], [0.0]), put(RNN(1, 1), [-1.0], [0.5], [0.0], [0.0])])
    state = (one(0.1), one(0.2))
    y, (below, above) = stack.step(stack.cells[0].gates(one(1.0)), state)
    assert below.item() == pytest.approx(tanh(2.3), abs=1e-6)
    assert y.item() == above.item() == pytest.approx(tanh(0.1 - tanh(2.3)), abs=1e-6)
    torch.testing.assert_close(stack.over(one(1.0)[:, None], state)[0][:, 0], y)


class Nothing(nn.Module):
    """A dropout that drops everything."""

    def forward(self, x):
        return torch.zeros_like(x)


def test_a_stack_drops_between_layers_only():
    """With everything between dropped, the upper cell hears nothing: tanh(0.5*0.2); the lower one is whole."""
    stack = Stack([put(RNN(1, 1), [2.0], [3.0], [0.0], [0.0]), put(RNN(1, 1), [-1.0], [0.5], [0.0], [0.0])])
    stack.dropout = Nothing()
    state = (one(0.1), one(0.2))
    for y, (below, above) in (stack.step(stack.cells[0].gates(one(1.0)), state), stack.over(one(1.0)[:, None], state)):
        assert below.item() == pytest.approx(tanh(2.3), abs=1e-6)
        assert y.item() == above.item() == pytest.approx(tanh(0.1), abs=1e-6)


def test_an_encoder_drops_between_layers_and_at_its_end():
    """Two layers with nothing between: the upper one reads zeros, in both directions; at the end all is dropped but the final state."""
    torch.manual_seed(0)
    encoder = RecurrentEncoder(nn.GRU(2, 3, 2, batch_first=True, bidirectional=True))
    x, valid = torch.randn(1, 4, 2), torch.ones(1, 4, dtype=torch.bool)
    encoder.between = Nothing()
    got, other = encoder(x, valid), encoder(torch.randn(1, 4, 2), valid)
    torch.testing.assert_close((got.states, got.final), (other.states, other.final))
    encoder.between, encoder.dropout = nn.Identity(), Nothing()
    assert not encoder(x, valid).states.any() and encoder(x, valid).final.all()


def test_dropout(n=40000):
    """A share of 0.3 is 77 of 256: each value goes with that chance and else is times 256 / 179 = 1.4302; the mean stays (to 4 standard
    errors of n draws).  In use nothing goes, and neither does anything with a share of 0."""
    torch.manual_seed(0)
    drop = Dropout(0.3).train()
    x = torch.full((n // 7, 7), 2.0, requires_grad=True)
    y = drop(x)
    kept = y != 0
    torch.testing.assert_close(y[kept], torch.full_like(y[kept], 2 * 256 / 179))
    assert float(kept.double().mean()) == pytest.approx(179 / 256, abs=4 * (0.21 / n) ** 0.5)
    # One value tells nothing of the next, along the row or below.
    for a, b in ((kept[:, 1:], kept[:, :-1]), (kept[1:], kept[:-1])):
        assert float((a & b).double().mean()) == pytest.approx((179 / 256) ** 2, abs=0.015)
    y.sum().backward()
    torch.testing.assert_close(x.grad, kept * 256 / 179)
    assert not torch.equal(drop(x), y) and drop.eval()(x) is x and Dropout(0.0).train()(x) is x
    assert Dropout(0.999).train()(torch.ones(9)).isfinite().all()
