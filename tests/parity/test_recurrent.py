"""Law 6: our cells and encoders are PyTorch's; padding never leaks."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from regard.core.errors import ConfigError
from regard.networks.cells import GRU, LSTM, RNN, Stack
from regard.networks.gru_reset_before import ResetBeforeGRU
from regard.networks.peephole import FullPeepholeLSTM, PeepholeLSTM
from regard.networks.recurrent import RecurrentEncoder
from regard.networks.rnn_layers import RNNLayers

B, T, N, D = 3, 5, 4, 6
KINDS = {"rnn": (RNN, nn.RNN, nn.RNNCell), "gru": (GRU, nn.GRU, nn.GRUCell), "lstm": (LSTM, nn.LSTM, nn.LSTMCell)}
LENGTHS = torch.tensor([3, 5, 1])


OWN = {"peephole": PeepholeLSTM, "full": FullPeepholeLSTM, "reset": ResetBeforeGRU}


def same(a, b) -> None:
    torch.testing.assert_close(a, b)


def gradients(y, *x):
    return torch.autograd.grad((y * torch.arange(1.0, y.numel() + 1).view_as(y).sin()).sum(), x, retain_graph=True)


def begun(cell, h):
    """A state that is nowhere zero: also the memory cell of an LSTM."""
    return (h, h.flip(0) + 0.5) if isinstance(cell, LSTM) else h


def hidden(state):
    return state[0] if isinstance(state, tuple) else state


@pytest.mark.parametrize("kind", KINDS)
def test_cells_over_a_sequence_and_step_by_step(kind):
    """`over` is nn.X, `step` is nn.XCell, and one is the other: states and all gradients."""
    ours, whole, single = (make(N, D) for make in KINDS[kind])
    whole.load_state_dict(ours.net.state_dict())
    single.load_state_dict({k.removesuffix("_l0"): v for k, v in ours.net.state_dict().items()})
    x, h = torch.randn(B, T, N, requires_grad=True), torch.randn(B, D, requires_grad=True)
    state = begun(ours, h)
    over, end = ours.over(x, state)
    given = (state[0][None], state[1][None]) if isinstance(state, tuple) else state[None]
    want, last = whole(x.transpose(0, 1), given)
    same(over, want.transpose(0, 1))
    same(end, (last[0][0], last[1][0]) if isinstance(last, tuple) else last[0])

    stepped, theirs, other = [], [], begun(ours, h)
    for t in range(T):
        y, state = ours.step(ours.gates(x[:, t]), state)
        other = single(x[:, t], other)
        stepped.append(y)
        theirs.append(hidden(other))
    same(torch.stack(stepped, 1), over)
    same(torch.stack(theirs, 1), over)
    same(state, end)
    for of in (over, torch.stack(stepped, 1)):
        same(gradients(of, x, h, *ours.net.parameters())[:2], gradients(want.transpose(0, 1), x, h))
    same(gradients(over, *ours.net.parameters()), gradients(torch.stack(stepped, 1), *ours.net.parameters()))


def copied(cell, parameters) -> None:
    """W, U and the sum of both biases of PyTorch's cell, for a cell that has one bias."""
    w, u, *biases = parameters
    cell.weight_ih.data.copy_(w.data)
    cell.weight_hh.data.copy_(u.data)
    cell.bias.data.copy_(sum(x.data for x in biases))


def blinded(cell) -> None:
    """Peepholes that see nothing."""
    see = cell.peephole if isinstance(cell, PeepholeLSTM) else cell.weight_ch
    see.data.zero_()


@pytest.mark.parametrize("kind", ["peephole", "full"])
def test_an_lstm_whose_peepholes_are_zero_is_an_lstm(kind):
    """Outputs, last state and all gradients are nn.LSTM's; with the peepholes as they were drawn they are not."""
    ours, theirs = OWN[kind](N, D), nn.LSTM(N, D, batch_first=True)
    copied(ours, theirs.parameters())
    x, h, c = (torch.randn(B, *size, requires_grad=True) for size in ((T, N), (D,), (D,)))
    want, last = theirs(x, (h[None], c[None]))
    assert not torch.allclose(ours.over(x, (h, c))[0], want)
    blinded(ours)
    got, end = ours.over(x, (h, c))
    same((got, end), (want, (last[0][0], last[1][0])))
    w, u, b = gradients(got, ours.weight_ih, ours.weight_hh, ours.bias)
    same((w, u, b, b), gradients(want, *theirs.parameters()))
    same(gradients(got, x, h, c), gradients(want, x, h, c))


def test_where_nothing_is_reset_both_grus_are_one():
    """Their resets at s(40) = 1, and z turned round, which is its weights with the other sign: s(-a) = 1 - s(a)."""
    ours, theirs = ResetBeforeGRU(N, D), nn.GRU(N, D, batch_first=True)
    for parameter in (theirs.weight_ih_l0, theirs.weight_hh_l0, theirs.bias_ih_l0, theirs.bias_hh_l0):
        parameter.data[:D] = 40.0 if parameter.dim() == 1 else 0.0
    copied(ours, theirs.parameters())
    for parameter in ours.parameters():
        parameter.data[D : 2 * D] *= -1
    x, h = torch.randn(B, T, N), torch.randn(B, D)
    want, last = theirs(x, h[None])
    same(ours.over(x, h), (want, last[0]))
    ours.bias.data[:D] = 0.0
    assert not torch.allclose(ours.over(x, h)[0], want)


@pytest.mark.parametrize("kind", KINDS)
def test_cells_begin(kind):
    """`start` puts h where it belongs; an LSTM's memory begins at zero."""
    cell, h = KINDS[kind][0](N, D), torch.randn(B, D)
    state = cell.start(h)
    assert hidden(state) is h and (kind != "lstm" or not state[1].any())
    assert (cell.input_size, cell.size) == (N, D) == (cell.input_weight.shape[1], cell.net.weight_hh_l0.shape[1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_stack_is_a_net_of_layers(kind):
    """Over a sequence and step by step: nn.X with two layers."""
    stack = Stack([KINDS[kind][0](N, D), KINDS[kind][0](D, D)])
    want = KINDS[kind][1](N, D, 2, batch_first=True)
    want.load_state_dict({k[:-1] + str(i): v for i, c in enumerate(stack.cells) for k, v in c.net.state_dict().items()})
    x, h = torch.randn(B, T, N), torch.randn(2, B, D)
    start = tuple(begun(cell, x) for cell, x in zip(stack.cells, h, strict=True))
    given = tuple(torch.stack(parts) for parts in zip(*start, strict=True)) if kind == "lstm" else h
    told, _ = want(x, given)
    over, end = stack.over(x, start)
    same(over, told)
    state, stepped = start, []
    for t in range(T):
        y, state = stack.step(stack.cells[0].gates(x[:, t]), state)
        stepped.append(y)
    same(torch.stack(stepped, 1), told)
    same(state, end)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_encoder_is_packed(kind, both, layers):
    """States, final states and gradients are those of packed sentences, of each sentence alone, and blind to padding, even NaN."""
    net = KINDS[kind][1](N, D, layers, batch_first=True, bidirectional=both)
    ours = RecurrentEncoder(net).eval()
    x, valid = torch.randn(B, T, N), torch.arange(T) < LENGTHS[:, None]
    noise = torch.where(valid[..., None], x, torch.nan).requires_grad_()
    got = ours(noise, valid)
    packed, last = net(pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False))
    want, h = pad_packed_sequence(packed, batch_first=True)[0], hidden(last)
    same(got.states, want)
    same(got.final, torch.cat([h[-2], h[-1]], -1) if both else h[-1])
    assert (got.states[~valid] == 0).all() and ours.size == got.states.shape[-1] == got.final.shape[-1] == D * (1 + both)
    for row, length in enumerate(LENGTHS.tolist()):
        alone, last = net(x[row : row + 1, :length])
        same(got.states[row, :length], alone[0])
        ends = hidden(last)[:, 0]
        same(got.final[row], ends[-2:].flatten() if both else ends[-1])
    for gradient in gradients(torch.cat([got.states.flatten(), got.final.flatten()]), noise, *net.parameters()):
        assert gradient.isfinite().all()


@pytest.mark.parametrize("both", [False, True])
def test_layers_of_cells_are_a_net_of_layers(both):
    """LSTMs with blind peepholes, two layers of them in one direction or two: the same encoder as around nn.LSTM, padding and all."""
    net, layers = nn.LSTM(N, D, 2, batch_first=True, bidirectional=both), RNNLayers(PeepholeLSTM, N, D, 2, bidirectional=both)
    for cell, parameters in zip(layers.cells, net.all_weights, strict=True):
        copied(cell, parameters)
        blinded(cell)
    x, valid = torch.where((torch.arange(T) < LENGTHS[:, None])[..., None], torch.randn(B, T, N), torch.nan), LENGTHS
    encoders = RecurrentEncoder(layers).eval(), RecurrentEncoder(net).eval()
    x = x.requires_grad_()
    got, want = (encoder(x, torch.arange(T) < valid[:, None]) for encoder in encoders)
    same((got.states, got.final), (want.states, want.final))
    same(*(gradients(torch.cat([e.states.flatten(), e.final.flatten()]), x) for e in (got, want)))
    assert encoders[0].size == encoders[1].size == D * (1 + both)


@pytest.mark.parametrize("kind", OWN)
def test_the_encoder_reads_each_sentence_alone(kind):
    """Two layers of cells in both directions: each sentence without its padding, forward and turned round, step by step."""
    layers = RNNLayers(OWN[kind], N, D, 2, bidirectional=True)
    x, valid = torch.randn(B, T, N), torch.arange(T) < LENGTHS[:, None]
    noise = torch.where(valid[..., None], x, torch.nan).requires_grad_()
    got = RecurrentEncoder(layers).eval()(noise, valid)
    for row, length in enumerate(LENGTHS.tolist()):
        read = x[row : row + 1, :length]
        for ahead, back in (layers.cells[:2], layers.cells[2:]):
            sides = []
            for cell, said in ((ahead, read), (back, read.flip(1))):
                state, told = cell.start(torch.zeros(1, D)), []
                for said_t in said.unbind(1):
                    h, state = cell.step(cell.gates(said_t), state)
                    told.append(h)
                sides.append(torch.stack(told, 1))
            read, ends = torch.cat([sides[0], sides[1].flip(1)], -1), torch.cat([side[:, -1] for side in sides], -1)
        same(got.states[row, :length], read[0])
        same(got.final[row], ends[0])
    assert not got.states[~valid].any()
    for gradient in gradients(torch.cat([got.states.flatten(), got.final.flatten()]), noise, *layers.parameters()):
        assert gradient.isfinite().all()


def test_layers_drop_between_and_not_below():
    assert RecurrentEncoder(RNNLayers(PeepholeLSTM, N, D, 2, dropout=0.5)).between.below == 128


@pytest.mark.parametrize("kind", [*KINDS, *OWN])
def test_an_empty_sentence_reads_zeros(kind):
    """Also where its padding is NaN, and its neighbours do not notice."""
    keys = {"bidirectional": True}
    net = RNNLayers(OWN[kind], N, D, **keys) if kind in OWN else KINDS[kind][1](N, D, batch_first=True, **keys)
    ours = RecurrentEncoder(net).eval()
    x, valid = torch.randn(B, T, N), torch.arange(T) < torch.tensor([3, 0, 5])[:, None]
    got = ours(torch.where(valid[..., None], x, torch.nan), valid)
    assert not got.states[1].any() and not got.final[1].any()
    without = ours(x[[0, 2]], valid[[0, 2]])
    same((got.states[[0, 2]], got.final[[0, 2]]), (without.states, without.final))


def test_old_runs_load():
    """The names of what PyTorch has are PyTorch's, under `net`, as they are in every run folder since 0.1; other cells have their own."""
    names = {
        f"{kind}_{side}_l{layer}{way}"
        for kind in ("weight", "bias")
        for side in ("ih", "hh")
        for layer in (0, 1)
        for way in ("", "_reverse")
    }
    encoder = RecurrentEncoder(nn.LSTM(N, D, 2, batch_first=True, bidirectional=True))
    assert set(encoder.state_dict()) == {f"net.{name}" for name in names}
    assert set(Stack([GRU(N, D)]).state_dict()) == {f"layers.0.net.{name}" for name in names if name.endswith("l0")}
    own = {f"net.layers.{i}.{name}" for i in (0, 1) for name in ("weight_ih", "weight_hh", "bias", "peephole")}
    assert set(RecurrentEncoder(RNNLayers(PeepholeLSTM, N, D, bidirectional=True)).state_dict()) == own


def test_padding_on_the_left_is_refused():
    with pytest.raises(ConfigError, match="padding on the right"):
        RecurrentEncoder(nn.GRU(N, D, batch_first=True))(torch.randn(1, 3, N), torch.tensor([[False, True, True]]))
