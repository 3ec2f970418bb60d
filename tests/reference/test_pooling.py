"""Law 7: looks that nobody asks for, against numbers that a person can check; and that padding and empty sentences do no harm."""

from __future__ import annotations

import runpy
from math import exp, tanh
from pathlib import Path

import pytest
import torch

from regard.attention import Additive, Attention, AttentionOutput, Causal, KerasPool, KeyOnly, Pool, StructuredPool, hop_overlap
from regard.attention.scope import Window
from regard.core.errors import ConfigError, DataError
from regard.networks.base import EncoderOutput
from regard.networks.fixed_context import PooledContext

same = torch.testing.assert_close
H = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [9.0, 9.0]]])  # two real places, and padding
VALID = torch.tensor([[True, True, False]])


def close(got: torch.Tensor, want) -> None:
    same(got, torch.tensor(want), atol=1e-6, rtol=0)


def weights_of(reading: AttentionOutput) -> torch.Tensor:
    assert reading.weights is not None
    return reading.weights[0, 0]


def raffel_and_ellis() -> Pool:
    """w = (1, -1), b = 0.5."""
    score = KeyOnly(2)
    score.w.data.copy_(torch.tensor([[[1.0, -1.0]]]))
    score.b.data.fill_(0.5)
    return Pool(Attention(0, 2, score=score))


def test_feed_forward_attention():
    """e = tanh(1 + 0.5) and tanh(-2 + 0.5): the first place takes exp(e1) / (exp(e1) + exp(e2)) of the whole."""
    first = exp(tanh(1.5)) / (exp(tanh(1.5)) + exp(tanh(-1.5)))
    reading = raffel_and_ellis()(H, VALID, weights=True)
    close(weights_of(reading), [[first, 1 - first, 0.0]])
    close(reading.context, [[[first, 2 * (1 - first)]]])


def test_feed_forward_attention_unmasked():
    """As it was released: padding, here (9, 9), has its share too, exp(tanh 0.5)."""
    each = [exp(tanh(1.5)), exp(tanh(-1.5)), exp(tanh(0.5))]
    reading = raffel_and_ellis()(H, weights=True)
    close(weights_of(reading), [[e / sum(each) for e in each]])
    close(reading.context, [[[(each[0] + 9 * each[2]) / sum(each), (2 * each[1] + 9 * each[2]) / sum(each)]]])


def test_its_keras_form():
    """A bias for each step, the mask after the exponential, 1e-7 in the sum: with tanh(1 + 0.5) and tanh(-2 - 1), in double precision."""
    pool = KerasPool(2, 3).double()
    score = pool.pool.attention.score
    score.w.data.copy_(torch.tensor([1.0, -1.0]))
    score.b.data.copy_(torch.tensor([0.5, -1.0, 7.0]))
    each = [exp(tanh(1.5)), exp(tanh(-3.0))]
    want = torch.tensor([[e / (sum(each) + 1e-7) for e in each] + [0.0]], dtype=torch.float64)
    got = weights_of(pool(H.double(), VALID, weights=True))
    same(got, want, rtol=0, atol=1e-14)
    assert 2e-8 < 1 - got.sum().item() < 4e-8  # 1e-7 / 2.8


def test_a_keras_pool_has_its_longest_sentence():
    """Longer padding is nobody's business; a longer sentence is refused."""
    pool = KerasPool(2, 2)
    same(pool(H, VALID).context, pool(H[:, :2]).context)
    with pytest.raises(DataError, match=r"at most 2 places; received a real place 3\."):
        pool(H)


def test_structured():
    """tanh(W1 h) = (tanh 1, tanh 1) and (0, tanh 2); W2 = (1, 0), (0, -1): scores (tanh 1, 0) and (-tanh 1, -tanh 2)."""
    pool = StructuredPool(2, inner=2, hops=2)
    pool.inner.weight.data.copy_(torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
    pool.pool.queries.data.copy_(torch.tensor([[1.0, 0.0], [0.0, -1.0]]))
    a = exp(tanh(1)) / (exp(tanh(1)) + 1)
    b = exp(-tanh(1)) / (exp(-tanh(1)) + exp(-tanh(2)))
    reading = pool(H, VALID, weights=True)
    close(weights_of(reading), [[a, 1 - a, 0.0], [b, 1 - b, 0.0]])
    close(reading.context, [[[a, 2 * (1 - a)], [b, 2 * (1 - b)]]])
    assert sum(p.numel() for p in StructuredPool(7, inner=5, hops=3).parameters()) == 5 * 7 + 3 * 5


def test_the_papers_own_lines():
    """A = softmax(W2 tanh(W1 H^T)), M = A H; the penalty is the squared Frobenius norm of A A^T - I."""
    torch.manual_seed(0)
    pool, h = StructuredPool(7, inner=5, hops=3), torch.randn(2, 11, 7)
    a = torch.softmax(pool.pool.queries @ torch.tanh(pool.inner.weight @ h.mT), -1)
    reading = pool(h, weights=True)
    same(reading.context, a @ h)
    same(hop_overlap(reading.weights), torch.linalg.matrix_norm(a @ a.mT - torch.eye(3)) ** 2)


def test_the_penalty():
    """Each hop its own place: 0.  Both hops half and half: A A^T - I = (-.5, .5; .5, -.5), 4 x .25 = 1.  Heads add up."""
    apart, alike = torch.eye(2), torch.full((2, 2), 0.5)
    close(hop_overlap(torch.stack([apart, alike])[:, None]), [0.0, 1.0])
    close(hop_overlap(torch.stack([alike, alike])[None]), [2.0])


def test_learned_queries_are_queries_of_the_attention():
    """Three hops through two heads: what the attention reads for them, asked at the last real place."""
    torch.manual_seed(0)
    look = Attention(4, 5, score=Additive(2, 2, 3, heads=2), scope=Causal(), heads=2)
    pool, h, valid = Pool(look, hops=3, size=4), torch.randn(2, 7, 5), torch.arange(7) < torch.tensor([[7], [4]])
    want = look(pool.queries.expand(2, 3, 4), look.remember(h, valid), torch.tensor([[6] * 3, [3] * 3]), weights=True)
    got = pool(h, valid, weights=True)
    same(got.context, want.context)
    same(got.weights, want.weights)
    assert (got.weights[0] > 0).all() and (got.weights[1, ..., :4] > 0).all()
    look.scope = Window(0)
    assert (pool(h, valid, weights=True).weights[1, ..., 3] == 1).all()


def test_hops_without_queries_would_all_be_one():
    for hops, size in ((2, 0), (0, 3)):
        with pytest.raises(ConfigError, match="learned queries"):
            Pool(Attention(size, 2, score=KeyOnly(2)), hops=hops, size=size)


POOLS = {
    "none": lambda: Pool(Attention(0, 5, score=KeyOnly(5))),
    "learned": lambda: Pool(Attention(4, 5, heads=2), hops=3, size=4),
    "structured": lambda: StructuredPool(5, inner=3, hops=2),
    "keras": lambda: KerasPool(5, 7),
}


@pytest.mark.parametrize("kind", POOLS)
def test_padding_is_invisible_and_nothing_is_zeros(kind):
    torch.manual_seed(0)
    pool, h = POOLS[kind]().double(), torch.randn(3, 7, 5, dtype=torch.float64, requires_grad=True)
    valid = torch.arange(7) < torch.tensor([[7], [3], [0]])
    whole = pool(h, valid, weights=True)
    same(pool(h[1:2, :3]).context, whole.context[1:2])
    noise = torch.where(valid[..., None], h, 100.0)
    more = pool(torch.cat([noise, noise], 1), torch.cat([valid, torch.zeros_like(valid)], 1), weights=True)
    same(more.context, whole.context)
    same(more.weights[..., :7], whole.weights)
    assert (whole.weights[~valid[:, None, None].expand_as(whole.weights)] == 0).all() and not whole.context[2].any()
    whole.context.square().sum().backward()
    for name, x in {"h": h, **dict(pool.named_parameters())}.items():
        assert x.grad.isfinite().all() and x.grad.any(), name
    assert not h.grad[~valid].any()


@pytest.mark.parametrize("kind", POOLS)
def test_gradients(kind):
    torch.manual_seed(0)
    pool, h = POOLS[kind]().double(), torch.randn(2, 5, 5, dtype=torch.float64, requires_grad=True)
    valid = torch.arange(5) < torch.tensor([[5], [2]])

    def read(h: torch.Tensor) -> torch.Tensor:
        reading = pool(h, valid, weights=True)
        return torch.cat([reading.context.flatten(), hop_overlap(reading.weights)])

    assert torch.autograd.gradcheck(read, h)


NET = runpy.run_path(str(Path(__file__).parents[2] / "studies" / "feedforward.py"))["FeedForwardNet"]


@pytest.mark.parametrize(("attention", "count"), [(True, 10_602), (False, 10_501)])
def test_raffel_and_elliss_whole_net(attention, count):
    """200 + 100 of h, 100 + 1 of the attention, 10,000 + 100 of s, 100 + 1 of y."""
    net = NET(attention=attention)
    assert sum(p.numel() for p in net.parameters()) == count
    x = torch.randn(3, 11, 2)
    assert net(x).shape == (3,)
    valid = torch.arange(11) < torch.tensor([[11], [5], [1]])
    same(net(x, valid)[1:2], net(x[1:2, :5]))
    assert not torch.allclose(net(x, valid)[1], net(x)[1])


def test_a_pooled_context_is_its_hops_side_by_side():
    """Two hops of the two real places: (c1; c2), four numbers; of an empty source, zeros."""
    torch.manual_seed(0)
    pool, valid = StructuredPool(2, inner=3, hops=2), torch.tensor([[True, True, False], [False] * 3])
    states = H.expand(2, -1, -1)
    context = PooledContext(pool)(EncoderOutput(states, valid, torch.zeros(2, 2)))
    same(context[0], torch.cat([*pool(H, VALID).context[0]]))
    assert not context[1].any()
