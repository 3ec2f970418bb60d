"""The Triton kernels against their plain twins; run by test_triton.py with TRITON_INTERPRET=1, or on a GPU as it is."""

from __future__ import annotations

import pytest
import torch

from regard.attention.kernels import band_triton, tanh_triton
from regard.attention.score import AdditiveForm
from regard.attention.weighting import masked_softmax

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@pytest.mark.parametrize("shape", [(2, 3, 5, 7, 11), (1, 1, 40, 33, 3), (1, 2, 1, 70, 4), (1, 1, 3, 0, 2)], ids=str)
@pytest.mark.parametrize("scale", [1.0, 60.0])
def test_additive(shape, scale):
    torch.manual_seed(0)
    B, H, Q, K, D = shape
    given = [torch.randn(B, H, Q, D) * scale, torch.randn(B, H, K, D) * scale, torch.randn(H, D)]
    grad = torch.randn(B, H, Q, K)
    leaves = [t.double().requires_grad_() for t in given]
    scores = AdditiveForm(*leaves).scores()
    truth = [scores, *torch.autograd.grad(scores, leaves, grad.double())]
    query, keys, v = (t.to(DEVICE) for t in given)
    rows = query.flatten(0, 1), keys.flatten(0, 1)
    made = [tanh_triton.forward(*rows, v), *tanh_triton.backward(*rows, v, grad.flatten(0, 1).to(DEVICE))]
    for ours, theirs, most in zip(made, truth, (2e-6, 5e-6, 5e-6, 5e-6), strict=True):
        if theirs.numel():
            assert (ours.cpu().view(theirs.shape) - theirs).abs().max() <= most * theirs.abs().max()


@pytest.mark.parametrize(
    "reach", [(4, 0), (3, 5), (float("inf"), 0), (0, float("inf")), (float("inf"), float("inf")), (0, 0)], ids=str
)
@pytest.mark.parametrize("T", [7, 70])
def test_bands(reach, T):
    torch.manual_seed(0)
    B, H, D, E = 2, 2, 5, 3
    query, keys, values, grad = (torch.randn(B, H, T, n) for n in (D, D, E, E))
    valid = torch.arange(T) < torch.tensor([[T], [T // 2]])
    valid[1, 0] = False
    at = torch.stack([torch.arange(T) + 3, torch.arange(T) * 2])  # places were left out of the second
    far = at[:, None] - at[..., None]
    mask = ((far <= reach[1]) & (-far <= reach[0]) & valid[:, None])[:, None]
    leaves = [t.double().requires_grad_() for t in (query, keys, values)]
    context = masked_softmax(leaves[0] @ leaves[1].mT, mask) @ leaves[2]
    truth = [context, *torch.autograd.grad(context, leaves, grad.double())]
    fast = [t.to(DEVICE).requires_grad_() for t in (query, keys, values)]
    context = band_triton.attend_band(*fast, at.to(DEVICE), valid.to(DEVICE), reach)
    made = [context, *torch.autograd.grad(context, fast, grad.to(DEVICE))]
    for ours, theirs in zip(made, truth, strict=True):
        assert (ours.cpu() - theirs).abs().max() <= 5e-6 * theirs.abs().max().clamp(min=1)
