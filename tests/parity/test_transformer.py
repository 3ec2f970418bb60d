"""Law 6: our Transformer layers are PyTorch's, pre- and post-norm, with the weights copied."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from regard.attention import Attention, Causal
from regard.networks.base import EncoderOutput
from regard.networks.transformer import (
    DecoderLayer,
    EncoderLayer,
    FeedForward,
    PostNorm,
    PreNorm,
    TransformerDecoder,
    TransformerEncoder,
)

B, T, K, D, H, F = 3, 4, 5, 6, 2, 7
LENGTHS = torch.tensor([5, 3, 1])
NORMS = {"pre": PreNorm, "post": PostNorm}
ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU}


def gradients(y, *x):
    return torch.autograd.grad((y * torch.arange(1.0, y.numel() + 1).view_as(y).sin()).sum(), x, retain_graph=True)


def look(**kinds) -> Attention:
    return Attention(D, D, heads=H, bias=True, **kinds)


@torch.no_grad()
def scramble(module: nn.Module) -> None:
    """Norms and biases too: at their first values (1 and 0) half of the mistakes would not be seen."""
    for x in module.parameters():
        x.add_(0.3 * torch.randn_like(x))


@torch.no_grad()
def copy(theirs: nn.Module, looks: dict[str, Attention], ours: EncoderLayer | DecoderLayer) -> None:
    for name, attention in looks.items():
        target = getattr(theirs, name)
        parts = (attention.query, attention.key, attention.value)
        target.in_proj_weight.copy_(torch.cat([x.weight for x in parts]))
        target.in_proj_bias.copy_(torch.cat([x.bias for x in parts]))
        target.out_proj.load_state_dict(attention.out.state_dict())
    theirs.linear1.load_state_dict(ours.feedforward.net[0].state_dict())
    theirs.linear2.load_state_dict(ours.feedforward.net[3].state_dict())
    for i, residual in enumerate(ours.residuals, 1):
        getattr(theirs, f"norm{i}").load_state_dict(residual.norm.state_dict())


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("norm", NORMS)
def test_encoder_layers(norm, activation):
    """Two layers and the closing norm = nn.TransformerEncoder: states at real places, gradients."""
    layers = [
        EncoderLayer(look(), FeedForward(D, F, ACTIVATIONS[activation]()), (NORMS[norm](D), NORMS[norm](D))) for _ in range(2)
    ]
    closing = nn.LayerNorm(D) if norm == "pre" else nn.Identity()
    ours = TransformerEncoder(layers, closing, D)
    scramble(ours)
    single = nn.TransformerEncoderLayer(D, H, F, 0.0, activation, batch_first=True, norm_first=norm == "pre")
    theirs = nn.TransformerEncoder(single, 2, closing if norm == "pre" else None, enable_nested_tensor=False)
    for target, layer in zip(theirs.layers, layers, strict=True):
        copy(target, {"self_attn": layer.attention}, layer)
    x, valid = torch.randn(B, K, D, requires_grad=True), torch.arange(K) < LENGTHS[:, None]
    got, want = ours(x, valid).states, theirs(x, src_key_padding_mask=~valid)
    torch.testing.assert_close(got[valid], want[valid])
    torch.testing.assert_close(gradients(got[valid], x), gradients(want[valid], x))
    mine, given = layers[0].feedforward.net[0].weight, theirs.layers[0].linear1.weight
    torch.testing.assert_close(gradients(got[valid], mine), gradients(want[valid], given))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("norm", NORMS)
def test_decoder_layers(norm, activation):
    """Two layers and the closing norm = nn.TransformerDecoder, at once and word by word."""
    layers = [
        DecoderLayer(
            look(scope=Causal()), look(), FeedForward(D, F, ACTIVATIONS[activation]()), tuple(NORMS[norm](D) for _ in "123")
        )
        for _ in range(2)
    ]
    closing = nn.LayerNorm(D) if norm == "pre" else nn.Identity()
    ours = TransformerDecoder(layers, closing, D)
    scramble(ours)
    single = nn.TransformerDecoderLayer(D, H, F, 0.0, activation, batch_first=True, norm_first=norm == "pre")
    theirs = nn.TransformerDecoder(single, 2, closing if norm == "pre" else None)
    for target, layer in zip(theirs.layers, layers, strict=True):
        copy(target, {"self_attn": layer.own, "multihead_attn": layer.source}, layer)
    x, source = torch.randn(B, T, D, requires_grad=True), torch.randn(B, K, D, requires_grad=True)
    valid = torch.arange(K) < LENGTHS[:, None]
    ahead = torch.ones(T, T, dtype=torch.bool).triu(1)
    want = theirs(x, source, tgt_mask=ahead, memory_key_padding_mask=~valid)
    state = ours.start(EncoderOutput(source, valid, source[:, 0]))
    got = ours(x, state)[0].states
    torch.testing.assert_close(got, want)
    torch.testing.assert_close(gradients(got, x, source), gradients(want, x, source))
    parts = []
    for part in x.split(1, 1):
        told, state = ours(part, state)
        parts.append(told.states)
    torch.testing.assert_close(torch.cat(parts, 1), want)
