"""Law 6: our attention is PyTorch's, outputs and gradients, with the weights copied."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from regard.attention import Attention, Causal, ScaledDot, Softmax, Sparsemax

B, Q, K, D, M = 3, 4, 5, 6, 7
LENGTHS = torch.tensor([5, 3, 1])


def same(a, b) -> None:
    torch.testing.assert_close(a, b)


def gradients(y, *x):
    """Of a sum that tells every number apart."""
    return torch.autograd.grad((y * torch.arange(1.0, y.numel() + 1).view_as(y).sin()).sum(), x, retain_graph=True)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("heads", [1, 2, 3])
@pytest.mark.parametrize("memory_size", [D, M])
def test_multi_head_attention(heads, bias, memory_size):
    """nn.MultiheadAttention, its key and value widths equal to the queries' or not: contexts, weights, every gradient."""
    ours = Attention(D, memory_size, heads=heads, project=True, bias=bias)
    theirs = nn.MultiheadAttention(D, heads, bias=bias, kdim=memory_size, vdim=memory_size, batch_first=True)
    looks = (ours.query, ours.key, ours.value)
    apart = theirs.in_proj_weight is None
    weights = (theirs.q_proj_weight, theirs.k_proj_weight, theirs.v_proj_weight) if apart else (theirs.in_proj_weight,)
    with torch.no_grad():
        for target, parts in zip(weights, [[x.weight] for x in looks] if apart else [[x.weight for x in looks]], strict=True):
            target.copy_(torch.cat(parts))
        theirs.out_proj.weight.copy_(ours.out.weight)
        if bias:
            theirs.in_proj_bias.copy_(torch.cat([x.bias.normal_() for x in looks]))
            theirs.out_proj.bias.copy_(ours.out.bias.normal_())
    query, source = torch.randn(B, Q, D, requires_grad=True), torch.randn(B, K, memory_size, requires_grad=True)
    valid = torch.arange(K) < LENGTHS[:, None]
    got = ours(query, ours.remember(source, valid), torch.arange(Q).expand(B, Q), weights=True)
    want, told = theirs(query, source, source, key_padding_mask=~valid, average_attn_weights=False)
    same(got.context, want)
    same(got.weights, told)
    mine = gradients(got.context, query, source, ours.out.weight, *(x.weight for x in looks))
    given = gradients(want, query, source, theirs.out_proj.weight, *weights)
    same(mine[:3], given[:3])
    same(torch.cat([g.flatten() for g in mine[3:]]), torch.cat([g.flatten() for g in given[3:]]))


@pytest.mark.parametrize("causal", [False, True])
def test_scaled_dot_product_attention(causal):
    """F.scaled_dot_product_attention at our projections; without projections it is the whole look."""
    ours = Attention(D, D, score=ScaledDot(), scope=Causal() if causal else None)
    x = torch.randn(B, K, D, requires_grad=True)
    got = ours(x, ours.remember(x)).context
    want = F.scaled_dot_product_attention(x[:, None], x[:, None], x[:, None], is_causal=causal)[:, 0]
    same(got, want)
    same(gradients(got, x), gradients(want, x))


def test_without_the_output_projection():
    ours = Attention(D, M, heads=2, out=False)
    query, source = torch.randn(B, Q, D), torch.randn(B, K, M)
    split = [x.unflatten(-1, (2, 3)).transpose(1, 2) for x in (ours.query(query), ours.key(source), ours.value(source))]
    want = F.scaled_dot_product_attention(*split).transpose(1, 2).flatten(2)
    same(ours(query, ours.remember(source), torch.zeros(B, Q, dtype=torch.long)).context, want)


def bisected(z, mask):
    """sparsemax by its definition: max(z - t, 0) over what is in sight, t found by halving until the sum is 1."""
    z = z.masked_fill(~mask, -torch.inf)
    low, high = z.amax(-1, keepdim=True) - 1, z.amax(-1, keepdim=True)
    for _ in range(80):
        t = (low + high) / 2
        more = (z - t).clamp(min=0).sum(-1, keepdim=True) > 1
        low, high = torch.where(more, t, low), torch.where(more, high, t)
    return (z - low).clamp(min=0)


@pytest.mark.parametrize("spread", [0.01, 0.5, 3.0, 100.0])
@pytest.mark.parametrize("shift", [0.0, -50.0, 1e6])
def test_sparsemax(spread, shift):
    """Against bisection, wherever the scores lie; its gradient against g - mean(g over the support), on the support."""
    z = (shift + spread * torch.randn(2, 2, 6, 11)).requires_grad_()
    mask = torch.rand(2, 1, 6, 11) > 0.3
    mask[..., 0] = True
    got = Sparsemax()(z, mask, None, None).values
    torch.testing.assert_close(got, bisected(z.detach(), mask), atol=1e-9, rtol=1e-7)
    g = torch.randn_like(z)
    support = (got > 0).to(z)
    want = support * (g - (g * support).sum(-1, keepdim=True) / support.sum(-1, keepdim=True))
    same(torch.autograd.grad((got * g).sum(), z)[0], want)


def test_sparsemax_gradient_by_differences():
    z = torch.randn(1, 1, 3, 5, requires_grad=True)
    mask = torch.tensor([True, True, False, True, True]).expand(1, 1, 3, 5)
    assert torch.autograd.gradcheck(lambda z: Sparsemax()(z, mask, None, None).values, z)


def test_softmax():
    z, mask = torch.randn(2, 2, 6, 11), torch.rand(2, 1, 6, 11) > 0.3
    mask[..., 0] = True
    same(Softmax()(z, mask, None, None).values, z.masked_fill(~mask, -torch.inf).softmax(-1))


@pytest.mark.parametrize("weighting", [Softmax(), Sparsemax()])
def test_low_precision_stays_near(weighting):
    """bfloat16 scores: each row sums to 1 within what bfloat16 can say."""
    z = (3 * torch.randn(2, 2, 4, 40)).bfloat16()
    mask = torch.arange(40) < 33
    got = weighting(z, mask.expand(2, 1, 4, 40), None, None).values
    assert (got.double().sum(-1) - 1).abs().max() < 0.02 and not got[..., 33:].any()
