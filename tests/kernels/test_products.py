"""Linear layers in training by faster products, against PyTorch's own: forward, every gradient, and only where they are for it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from regard.core import products
from regard.core.optional import module, without_loops
from regard.networks import linear_products
from regard.networks.linear_products import FastProducts, fast_products
from regard.networks.weight_gradients import OverTime

matrices = module("core.matrices_loops")
pytestmark = pytest.mark.skipif(matrices is None, reason="the loops were not built")


@pytest.fixture(autouse=True)
def on_any_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where PyTorch's products are slower, and of all sizes."""
    monkeypatch.setattr(matrices, "FASTER", True)
    monkeypatch.setattr(products, "LEAST", 1)
    torch.manual_seed(0)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (3, 11, 33), (2, 3, 100, 64)], ids=str)
def test_a_layer_and_its_gradients(shape, bias):
    layer = nn.Linear(shape[-1], 37, bias=bias)
    x, weight = torch.randn(shape, requires_grad=True), torch.randn(*shape[:-1], 37)
    made = []
    for fast in (True, False):
        with fast_products() if fast else without_loops():
            y = layer(x)
        made.append([y, *torch.autograd.grad((y * weight).sum(), [x, *layer.parameters()])])
    assert "_Linear" in type(made[0][0].grad_fn).__name__
    for got, right in zip(*made, strict=True):
        torch.testing.assert_close(got, right, rtol=1e-4, atol=1e-4)


def test_gathered_over_time_it_is_the_same():
    """Within a loop over time the weight is laid out once, for the way there and back."""
    layer, steps = nn.Linear(20, 20), 4
    x = torch.randn(6, 20)
    made = []
    for fast in (True, False):
        with fast_products() if fast else without_loops(), OverTime(steps):
            h = x
            for _ in range(steps):
                h = torch.tanh(layer(h))
            made.append([h, *torch.autograd.grad(h.sum(), list(layer.parameters()))])
    for got, right in zip(*made, strict=True):
        torch.testing.assert_close(got, right, rtol=1e-4, atol=1e-4)


def test_what_it_is_not_for_goes_as_ever(monkeypatch):
    calls = []
    monkeypatch.setattr(linear_products._Linear, "apply", lambda *given: calls.append(1))
    layer, x = nn.Linear(5, 5), torch.randn(3, 5)
    with FastProducts():
        with torch.no_grad():
            layer(x)
        with torch.autocast("cpu", torch.bfloat16):
            layer(x)
        layer.double()(x.double())
        F.linear(x, torch.randn(2, 5), bias=None)  # by name: whatever else it may mean
        assert not calls
        nn.Linear(5, 5)(x)
    assert calls
    with torch.autocast("cpu", torch.bfloat16):
        assert not isinstance(fast_products(), FastProducts)
    monkeypatch.setattr(matrices, "FASTER", False)
    assert not isinstance(fast_products(), FastProducts)


def test_no_gradient_of_what_is_not_trained():
    layer, x = nn.Linear(5, 4), torch.randn(3, 5)
    layer.weight.requires_grad_(False)
    with fast_products():
        layer(x).sum().backward()
    assert layer.weight.grad is None and layer.bias.grad.tolist() == [3.0] * 4
