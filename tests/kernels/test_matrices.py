"""What stands where a matrix did: weights of one byte, near the float32 ones, blind to the batch and never silently something else; and
matrices laid out for the processor, which multiply as before."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from regard.config import Config
from regard.core import optional
from regard.inference import int8, prepacked
from regard.inference.int8 import Int8Weight, quantize
from regard.inference.prepacked import PrepackedWeight
from regard.inference.prepare import in_use
from regard.networks.encoder_decoder import EncoderDecoder
from regard.tasks.seq2seq_builder import build_seq2seq

NETS = {
    "transformer": {
        "family": "transformer",
        "encoder_layers": 2,
        "decoder_layers": 2,
        "heads": 4,
        "feedforward": 64,
        "tie": "output",
    },
    "bahdanau gru": {"encoder": "bigru", "decoder": "gru", "attention": "additive"},
    "feeding lstm": {"encoder": "lstm", "decoder": "lstm", "order": "luong", "attention": "general", "decoder_layers": 2},
    "luong lstm": {"encoder": "bilstm", "decoder": "lstm", "order": "luong", "input_feeding": False, "attention": "general"},
    "peephole": {"encoder": "gru", "decoder": "lstm-peephole", "attention": "additive", "tie": "output"},
    "reset before": {"encoder": "gru-reset-before", "decoder": "gru-reset-before", "attention": "none"},
    "copy": {"encoder": "bigru", "decoder": "gru", "attention": "additive", "head": "copy"},
}


@pytest.fixture(autouse=True)
def all_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8, "LEAST", 1)
    monkeypatch.setattr(prepacked, "LEAST", 1)
    torch.manual_seed(0)


def made(words: dict) -> EncoderDecoder:
    config = Config.model_validate({"model": {"size": 32, "dropout": 0.0, **words}})
    return build_seq2seq(config, source_words=11, target_words=13, twins=[*range(11), 0, 0]).network.eval()


def wrote(net: EncoderDecoder, rows: slice = slice(None)) -> Tensor:
    source = torch.randint(4, 11, (5, 6), generator=torch.Generator().manual_seed(1))[rows]
    words = torch.randint(4, 13, (5, 7), generator=torch.Generator().manual_seed(2))[rows]
    with torch.no_grad():
        state = net.start(net.encode(source, torch.ones_like(source, dtype=torch.bool)), source)
        told = []
        for word in words.T:
            log_p, state = net.step(word, state)
            told.append(log_p)
    return torch.stack(told, 1)


@pytest.mark.parametrize("words", NETS.values(), ids=NETS)
def test_a_net_in_bytes_says_nearly_the_same(words):
    net = made(words)
    plain, left = wrote(net), sum(p.numel() for p in net.parameters())
    changed = quantize(net)
    assert sum(p.numel() for p in changed.parameters()) < 0.75 * left
    assert 0 < (wrote(changed) - plain).abs().max() < 0.1


@pytest.mark.parametrize("words", NETS.values(), ids=NETS)
def test_the_batch_stays_invisible(words):
    net = quantize(made(words))
    whole = wrote(net)
    assert torch.allclose(torch.cat([wrote(net, slice(i, i + 1)) for i in range(5)]), whole, atol=1e-6)


def test_products_are_those_of_the_rounded_numbers():
    """By hand: 1.27 and -0.635 in steps of 0.01 are 127 and -64 (a half goes to the even)."""
    weight = Int8Weight.of(torch.tensor([[1.27, -0.64], [0.0, 0.0]]))
    assert weight.q.tolist() == [[127, -64], [0, 0]]
    assert torch.allclose(
        weight.linear(torch.tensor([[2.54, 1.28]]), torch.tensor([0.5, 1.0])),
        torch.tensor([[2.54 * 1.27 - 1.28 * 0.64 + 0.5, 1.0]]),
    )


def test_a_row_of_zeros_and_large_rows():
    weight = Int8Weight.of(torch.randn(7, 5))
    x = torch.stack([torch.zeros(5), torch.randn(5) * 1e6, torch.randn(5) * 1e-6])
    made, exact = weight.linear(x, None), x @ weight.float().T
    assert not made[0].any()
    assert ((made - exact).abs().amax(1) <= 0.03 * exact.abs().amax(1)).all()


def test_a_weight_in_bytes_stands_where_a_matrix_does():
    matrix = torch.randn(6, 8)
    weight = Int8Weight.of(matrix)
    x, rows = torch.randn(3, 8), torch.tensor([[1, 5], [0, 1]])
    assert isinstance(weight[:, 2:5], Int8Weight) and weight[:, 2:5] is weight[:, 2:5]
    assert weight[:, 2:5].float().equal(weight.float()[:, 2:5])
    assert weight[2].equal(weight.float()[2]) and weight[:, 1].equal(weight.float()[:, 1])
    assert [part.float().tolist() for part in weight.split([2, 4])] == [part.tolist() for part in weight.float().split([2, 4])]
    assert F.embedding(rows, weight).equal(weight.float()[rows])
    assert torch.allclose(x @ weight.T, x @ weight.float().T)
    assert torch.matmul(weight, x.T).equal(weight.float() @ x.T)
    assert weight.shape == (6, 8) and len(weight) == 6
    assert (weight.float() - matrix).abs().max() <= matrix.abs().amax() / 253
    assert deepcopy(weight).q.equal(weight.q)


def test_ties_stay_ties_and_encoders_keep_their_loops():
    net = quantize(made({"encoder": "gru", "decoder": "gru", "attention": "additive", "tie": "output"}))
    assert net.head.table.weight is net.target.table.weight
    assert all(isinstance(p, nn.Parameter) for p in net.encoder.parameters()) and list(net.encoder.parameters())


@pytest.mark.parametrize("rows", [1, 8, 33])
def test_products(rows):
    """Also of other numbers of rows than were foreseen, of columns and of parts of the rows; all else sees the matrix."""
    weight, bias, x = torch.randn(100, 24), torch.randn(100), torch.randn(rows, 2, 24)
    ready = PrepackedWeight(weight, 8)
    for ours, theirs in (
        (F.linear(x, ready, bias), F.linear(x, weight, bias)),
        (F.linear(x[..., 3:20], ready[:, 3:20]), F.linear(x[..., 3:20], weight[:, 3:20])),
        (F.linear(x, ready.split([30, 70])[1]), F.linear(x, weight[30:])),
        (F.embedding(torch.tensor([[3, 0]]), ready), weight[[3, 0]][None]),
        (torch.mv(ready, x[0, 0]), torch.mv(weight, x[0, 0])),
        (F.linear(x[:0], ready, bias), F.linear(x[:0], weight, bias)),
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        assert F.linear(x, ready, bias).dtype == torch.bfloat16


@pytest.mark.parametrize("words", NETS.values(), ids=NETS)
def test_a_net_in_use_says_the_same(words):
    """And the net itself stays as it was; what is in use shares its parameters, but for the matrices that it has laid out."""
    net = made(words)
    names, before = [n for n, _ in net.named_parameters()], wrote(net)
    ready = in_use(net, 16)
    assert len(list(ready.parameters())) < len(names) == len(list(net.parameters()))
    assert {id(p) for p in ready.parameters()} < {id(p) for p in net.parameters()}
    torch.testing.assert_close(wrote(ready), before, rtol=1e-5, atol=1e-5)
    assert torch.equal(wrote(net), before)


def matrices(net: EncoderDecoder) -> list[object]:
    return [x for m in net.modules() for x in m.__dict__.values() if isinstance(x, PrepackedWeight)]


def test_it_is_not_made_where_it_would_not_pay(monkeypatch):
    net = made(NETS["bahdanau gru"])
    assert matrices(in_use(net, 16))
    for other in (made(NETS["transformer"]).double(), quantize(made(NETS["peephole"]))):
        assert in_use(other, 16) is other
    with monkeypatch.context() as patch:
        for user in ("prepare", "recurrent_steps"):
            patch.setattr(f"regard.inference.{user}.module", lambda name: None)
        assert in_use(net, 15) is net and matrices(in_use(net, 16))
    monkeypatch.setattr(prepacked, "LEAST", 10**9)
    assert not matrices(in_use(net, 16))


def test_no_gradient_is_lost_without_a_word():
    """The matrices of a net in use are no parameters: what is left of them says so."""
    ready = in_use(made(NETS["bahdanau gru"]), 16)
    linear = next(m for m in ready.modules() if isinstance(getattr(m, "weight", None), PrepackedWeight))
    made_of: Tensor = F.linear(torch.randn(2, linear.weight.shape[1]), linear.weight)
    assert not made_of.requires_grad


@pytest.mark.skipif(optional.module("core.matrices_loops") is None, reason="the loops were not built")
@pytest.mark.parametrize("bias", [True, False])
def test_compiled_loops_around_a_product_of_bytes_say_what_torch_says(bias, monkeypatch):
    """Rows of all sizes, of zeros, and of the smallest numbers there are."""
    x = torch.randn(7, 33) * torch.tensor([1.0, 1e-3, 1e4, 0.0, 1e-38, 1.0, 0.1])[:, None]
    weight, b = Int8Weight.of(torch.randn(19, 33)), torch.randn(19) if bias else None
    made = weight.linear(x, b)
    monkeypatch.setattr(int8, "module", lambda name: None)
    torch.testing.assert_close(made, weight.linear(x, b), rtol=1e-6, atol=1e-6)
