"""Scores of a single query that is learned, against the plain product."""

from __future__ import annotations

import pytest
import torch

from regard.attention import kernels
from regard.attention.kernels import inner
from regard.attention.score import DotForm


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("heads", [1, 3])
@pytest.mark.parametrize("biased", [False, True])
def test_values_and_gradients(heads, biased):
    query, keys = (
        torch.randn(2, heads, 1, 5, dtype=torch.float64),
        torch.randn(2, 7, heads, 5, dtype=torch.float64).transpose(1, 2),
    )
    leaves = [query.requires_grad_(), keys.requires_grad_()]
    bias = torch.randn(2, heads, 1, 7, dtype=torch.float64) if biased else None

    def told(scores) -> list[torch.Tensor]:
        made = scores(DotForm(*leaves, bias))
        return [made, *torch.autograd.grad(made.sin().sum(), leaves)]

    assert inner.of_one(*leaves) is not None
    for ours, plain in zip(told(kernels.scores), told(DotForm.scores), strict=True):
        assert torch.allclose(ours, plain, rtol=0, atol=1e-14)
    assert torch.autograd.gradgradcheck(inner.of_one, leaves)


@pytest.mark.parametrize("heads", [1, 2])
def test_under_autocast(heads):
    leaves = [torch.randn(2, heads, 1, 8, requires_grad=True), torch.randn(2, heads, 9, 8, requires_grad=True)]

    def told(scores) -> list[torch.Tensor]:
        with torch.autocast("cpu", torch.bfloat16):
            made = scores(DotForm(*leaves))
        return [made, *torch.autograd.grad(made.float().sin().sum(), leaves)]

    for ours, plain in zip(told(kernels.scores), told(DotForm.scores), strict=True):
        assert ours.dtype == plain.dtype
        assert torch.allclose(ours.float(), plain.float(), rtol=0.02, atol=0.02)


def test_the_gradient_of_the_keys_lies_as_they_do():
    """What is added to it is then added in one pass."""
    query, keys = torch.randn(1, 1, 1, 16, requires_grad=True), torch.randn(1, 1, 50, 16, requires_grad=True)
    (grad,) = torch.autograd.grad(kernels.scores(DotForm(query, keys)).sum(), keys)
    assert grad.is_contiguous()


@pytest.mark.parametrize(
    "shapes", [((2, 1, 2, 4), (2, 1, 3, 4)), ((1, 1, 1, 4), (2, 1, 3, 4))], ids=["two queries", "one for all rows"]
)
def test_others_go_the_plain_way(shapes):
    query, keys = (torch.randn(shape, requires_grad=True) for shape in shapes)
    assert inner.of_one(query, keys) is None
    with torch.no_grad():
        assert inner.of_one(query[:1, :, :1], keys[:1]) is None
