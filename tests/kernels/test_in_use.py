"""What is compiled for nets in use, a step at a time: looks of one query, cells, encoders that read step by step, and the best word;
each against its plain twin."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from regard.attention import kernels
from regard.attention.score import AdditiveForm, DotForm
from regard.attention.weighting import masked_softmax
from regard.config import Config
from regard.core.optional import module
from regard.inference import int8, prepacked, recurrent_steps, transformer_steps
from regard.inference.int8 import Int8Weight, quantize
from regard.inference.prepare import PreparedNetworks, in_use
from regard.inference.weights import OneHead
from regard.networks.cells import GRU, LSTM
from regard.networks.recurrent import RecurrentEncoder
from regard.networks.rnn_layers import RNNLayers, by_cell, readers
from regard.tasks.seq2seq_builder import build_seq2seq

single_loops, cells_loops = (module(name) for name in ("attention.kernels.single_loops", "networks.kernels.cells_loops"))
pytestmark = pytest.mark.skipif(single_loops is None, reason="loops were not compiled")


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def sight(B: int, H: int, K: int) -> Tensor:
    mask = torch.rand(B, H, 1, K) < 0.7
    mask[1] = False
    mask[2] = torch.arange(K) == K - 1
    return mask


@pytest.mark.parametrize("size", [1.0, 100.0])
@pytest.mark.parametrize(("heads", "masks"), [(1, 1), (3, 1), (3, 3)])
@pytest.mark.parametrize("kind", ["tanh", "inner"])
def test_a_look_of_one_query(kind, heads, masks, size):
    """Also where numbers are large, and zeros where nothing is in sight."""
    B, K, D, E = 5, 7, 11, 4
    query, keys, values = size * torch.randn(B, heads, 1, D), size * torch.randn(B, heads, K, D), torch.randn(B, heads, K, E)
    form = AdditiveForm(query, keys, torch.randn(heads, D)) if kind == "tanh" else DotForm(query, keys)
    mask = sight(B, masks, K)
    with torch.no_grad():
        made = kernels.context(form, mask, values)
    exact = (
        AdditiveForm(query.double(), keys.double(), form.v.double())
        if isinstance(form, AdditiveForm)
        else DotForm(query.double(), keys.double())
    )
    want = masked_softmax(exact.scores(), mask) @ values.double()
    torch.testing.assert_close(made.double(), want, rtol=2e-5, atol=2e-5 if size == 1 else 2e-3)
    assert not made[1].any() and torch.equal(made[2], values[2, :, -1:])


@pytest.mark.parametrize("kind", ["tanh", "inner"])
def test_a_look_depends_on_what_it_sees_alone(kind):
    """To the last bit: not on other rows, nor on what is out of sight, wherever that lies."""
    B, H, K, D, E = 3, 2, 45, 37, 85
    query, keys, values, v = torch.randn(B, H, 1, D), torch.randn(B, H, K, D), torch.randn(B, H, K, E), torch.randn(H, D)

    def told(*given: Tensor) -> Tensor:
        return single_loops.of_inner(*given) if kind == "inner" else single_loops.of_tanh(*given[:2], v, *given[2:])

    mask = torch.rand(B, 1, 1, K) < 0.6
    whole = told(query, keys, mask, values)
    for b, seen in enumerate(mask[:, 0, 0]):
        alone = [x[b : b + 1, :, seen] for x in (keys, values)]
        assert torch.equal(told(query[b : b + 1], alone[0], mask[b : b + 1, ..., seen], alone[1])[0], whole[b])
    assert torch.equal(told(query, keys.masked_fill(~mask.mT, torch.nan), mask, values.masked_fill(~mask.mT, torch.inf)), whole)


def test_it_is_taken_in_use_alone(monkeypatch):
    """Where there are gradients, several queries or other types, the plain way."""
    calls: list[int] = []
    taken = single_loops.of_inner
    monkeypatch.setattr(single_loops, "of_inner", lambda *given: calls.append(1) or taken(*given))
    query, keys, values, mask = (
        torch.randn(2, 1, 1, 3),
        torch.randn(2, 1, 5, 3),
        torch.randn(2, 1, 5, 4),
        torch.ones(2, 1, 1, 5) > 0,
    )
    assert kernels.context(DotForm(query, keys), mask, values) is None
    with torch.no_grad():
        assert kernels.context(DotForm(query.double(), keys.double()), mask, values.double()) is None
        assert kernels.context(DotForm(query.expand(2, 1, 2, 3), keys), mask, values) is None
        assert not calls
        assert kernels.context(DotForm(query, keys), mask, values) is not None
    assert calls == [1]


@pytest.mark.parametrize("size", [1.0, 30.0])
@pytest.mark.parametrize("cell", [GRU, LSTM])
def test_a_step_of_a_cell(cell, size, monkeypatch):
    """As with gradients, which take the plain way; gates that are wide open and shut too."""
    made = cell(6, 37)
    x, (h, c) = size * torch.randn(5, 6), torch.randn(2, 5, 37)
    state = (h, c) if cell is LSTM else h
    calls: list[str] = []
    for name in ("gru", "lstm"):
        loops = getattr(cells_loops, name)
        monkeypatch.setattr(cells_loops, name, lambda *given, loops=loops, name=name: calls.append(name) or loops(*given))
    plain = made.step(made.gates(x), state)
    assert not calls and plain[0].requires_grad
    with torch.no_grad():
        fast = made.step(made.gates(x), state)
    assert calls == [cell.__name__.lower()]
    torch.testing.assert_close(fast, plain, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_cells_read_what_pytorchs_loops_read(kind):
    """Of each layer and direction, with its very parameters."""
    net = kind(5, 6, num_layers=2, bidirectional=True, batch_first=True)
    made = by_cell(net)
    assert isinstance(made, RNNLayers) and {id(p) for p in made.parameters()} == {id(p) for p in net.parameters()}
    with torch.no_grad():
        for one, other, width in zip(readers(made), readers(net), (5, 5, 12, 12), strict=True):
            x = torch.randn(3, 7, width)
            torch.testing.assert_close(one(x), other(x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", ["bilstm", "bigru", "rnn"])
def test_an_encoder_in_use(kind, monkeypatch):
    """Its matrices are laid out, or of bytes; the network itself keeps PyTorch's net."""
    monkeypatch.setattr(prepacked, "LEAST", 1)
    monkeypatch.setattr(int8, "LEAST", 1)
    config = Config.model_validate({"model": {"encoder": kind, "size": 16, "embedding": 16, "dropout": 0.0, "encoder_layers": 2}})
    net = build_seq2seq(config, source_words=11, target_words=13).network.eval()
    source, valid = torch.randint(4, 11, (20, 6)), torch.arange(6) < torch.randint(0, 7, (20, 1))
    with torch.no_grad():
        want = net.encode(source, valid)
        used = in_use(net, 20)
        made = used.encode(source, valid)
        assert isinstance(net.encoder, RecurrentEncoder) and isinstance(net.encoder.net, nn.RNNBase)
        assert isinstance(used.encoder, RecurrentEncoder) and isinstance(used.encoder.net, RNNLayers)
        torch.testing.assert_close((made.states, made.final), (want.states, want.final), rtol=1e-5, atol=1e-6)
        near = quantize(net).encode(source, valid)
    assert 0 < (near.states - want.states).abs().max() < 0.1


SIZES = [(1, 5), (40, 1_000), (64, 64), (130, 7), (600, 2)]


def without_matrices(patch: pytest.MonkeyPatch) -> None:
    """As where no loops were built for products."""
    for user in (int8, prepacked, transformer_steps, recurrent_steps):
        patch.setattr(user, "module", lambda name: None)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("rows", [1, 3, 4, 21, 70])
def test_products_of_bytes(size, rows, monkeypatch):
    """Beside PyTorch, to the last bit but those of the scales; also where all are at the end of their range."""
    given, bias = torch.randn(rows, size[1]), torch.randn(size[0])
    for weight, x in (
        (torch.randn(size), given),
        (torch.ones(size), torch.ones_like(given)),
        (torch.ones(size), -torch.ones_like(given)),
        (torch.ones(size), torch.zeros_like(given)),
    ):
        for b in (bias, None):
            ours = Int8Weight.of(weight).linear(x, b)
            with monkeypatch.context() as patch:
                without_matrices(patch)
                plain = Int8Weight.of(weight).linear(x, b)
            torch.testing.assert_close(ours, plain, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("rows", [1, 3, 4, 21, 70])
def test_products_of_float32(size, rows, monkeypatch):
    """Against float64; and to the last bit the same for a row alone, which is more than PyTorch promises."""
    weight, x, bias = torch.randn(size), torch.randn(rows, size[1]), torch.randn(size[0])
    for b in (bias, None):
        made, exact = (
            prepacked.PrepackedWeight(weight, 8).linear(x, b),
            F.linear(x.double(), weight.double(), None if b is None else b.double()),
        )
        torch.testing.assert_close(made.double(), exact, rtol=1e-5, atol=1e-4)
        assert torch.equal(made, torch.cat([prepacked.PrepackedWeight(weight, 8).linear(row, b) for row in x.split(1)]))
        with monkeypatch.context() as patch:
            without_matrices(patch)
            torch.testing.assert_close(prepacked.PrepackedWeight(weight, 8).linear(x, b), made, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("outputs", [1, 7, 32, 64, 150])
@pytest.mark.parametrize("width", [5, 16, 90])
def test_a_row_in_bytes_is_the_same_alone(outputs, width):
    """To the last bit: what is off by one becomes a whole step where it is rounded to bytes again."""
    weight, x, bias = Int8Weight.of(torch.randn(outputs, width)), torch.randn(70, width), torch.randn(outputs)
    for b in (bias, None):
        many = weight.linear(x, b)
        assert torch.equal(many, torch.cat([weight.linear(row, b) for row in x.split(1)]))
        assert torch.equal(many, torch.cat([weight.linear(rows, b) for rows in x.split(5)]))


def test_products_tell_what_is_not_a_number():
    """In its own row alone."""
    x = torch.randn(5, 8)
    x[2, 3] = torch.nan
    for weight in (Int8Weight.of(torch.randn(6, 8)), prepacked.PrepackedWeight(torch.randn(6, 8), 8)):
        made = weight.linear(x, None)
        assert made[2].isnan().all() and made[[0, 1, 3, 4]].isfinite().all()


@pytest.mark.parametrize(("score", "names"), [("additive", ("w1", "w2")), ("general", ("w",))])
def test_the_matrices_of_a_score(score, names, monkeypatch):
    """Of one head they are laid out too, or of bytes; the vector of additive scores stays as it is.  (Where a step is one call, it has them
    in another form.)"""
    without_matrices(monkeypatch)
    monkeypatch.setattr(prepacked, "LEAST", 1)
    monkeypatch.setattr(int8, "LEAST", 1)
    config = Config.model_validate({"model": {"size": 16, "embedding": 16, "dropout": 0.0, "attention": score}})
    net = build_seq2seq(config, source_words=11, target_words=13).network.eval()
    source, valid, words = torch.randint(4, 11, (20, 6)), torch.ones(20, 6) > 0, torch.randint(4, 13, (20,))
    with torch.no_grad():
        want = net.step(words, net.start(net.encode(source, valid), source))[0]
        used = in_use(net, 20)
        made = used.step(words, used.start(used.encode(source, valid), source))[0]
        torch.testing.assert_close(made, want, rtol=1e-5, atol=1e-5)
        for each in (used, quantize(net)):
            looks = each.decoder.attention.score
            assert all(isinstance(getattr(looks, name), OneHead) for name in names)
            assert isinstance(getattr(looks, "v", want), Tensor)
        near = net.step(words, net.start(net.encode(source, valid), source))[0]
    assert 0 < (near - want).abs().max() < 0.2


def test_what_is_not_a_number_stays_that():
    """So that whoever reads it can tell; what is infinite is at its end."""
    nan, inf = torch.nan, torch.inf
    zero, h = torch.zeros(1, 9), torch.zeros(1, 3)
    gates = torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, nan, inf, -inf]])
    made = cells_loops.gru(gates, zero, h)[0]
    assert made[0].isnan() and made[1:].tolist() == [0.5, -0.5]
    h, c = cells_loops.lstm(torch.tensor([[nan, 0.0, 0.0, 0.0], [inf, 0.0, inf, inf]]), torch.zeros(2, 4), torch.zeros(2, 1))
    assert h[0].isnan() and c[0].isnan() and c[1] == 1
    query, keys, values = torch.ones(1, 1, 1, 2), torch.tensor([[[[1.0, nan], [1.0, 1.0]]]]), torch.ones(1, 1, 2, 1)
    every, second = torch.ones(1, 1, 1, 2) > 0, torch.tensor([[[[False, True]]]])
    for look in (single_loops.of_inner, lambda q, k, m, x: single_loops.of_tanh(q, k, torch.ones(1, 2), m, x)):
        assert look(query, keys, every, values).isnan().all() and look(query, keys, second, values) == 1


@pytest.mark.parametrize("family", ["recurrent", "transformer"])
@torch.no_grad()
def test_what_is_ready_is_kept_while_the_weights_are_what_they_were(family):
    """A change in place is seen, also by way of `.data`, of a buffer, of other tensors, and from training's optimizer."""
    sizes = {"recurrent": {"embedding": 16, "encoder": "bigru", "decoder": "gru"}, "transformer": {"heads": 2, "feedforward": 32}}
    model = {"family": family, "size": 32, "dropout": 0.0, **sizes[family]}
    net = build_seq2seq(Config.model_validate({"model": model}), source_words=9, target_words=9).network.eval()
    kept, words = PreparedNetworks(), torch.tensor([[4, 5, 2], [6, 2, 2]])
    real = torch.ones_like(words, dtype=torch.bool)

    def says(network: nn.Module) -> Tensor:
        return network(words[:, :1], network.start(network.encode(words, real), words))[0]

    ready = kept.in_use(net, 4)
    assert ready is kept.in_use(net, 4)
    assert ready is not net
    weight, optimizer = [x for x in net.decoder.parameters() if x.dim() == 2][-1], torch.optim.Adam(net.parameters(), 0.1)

    def trained() -> None:
        for x in net.parameters():
            x.grad = torch.ones_like(x)
        optimizer.step()

    changes = [
        lambda: weight.mul_(1.5),
        lambda: weight.data.mul_(1.5),
        lambda: setattr(weight, "data", weight.data * 1.5),
        lambda: net.load_state_dict({k: v * 1.5 for k, v in net.state_dict().items()}),
        trained,
    ]
    for change in changes:
        before = says(ready)
        change()
        again = kept.in_use(net, 4)
        assert again is not ready or again is net
        torch.testing.assert_close(says(again), says(net))
        assert (says(again) - before).abs().max() > 1e-4
        ready = again
    kept.let_go()
    assert ready is net or kept.in_use(net, 4) is not ready
