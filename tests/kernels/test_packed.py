"""A matrix that was laid out for the processor multiplies as before, and only a head that is in use has one."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from regard.networks import packed
from regard.networks.coder import Written
from regard.networks.heads import TiedWordHead, WordHead
from regard.networks.packed import Packed


@pytest.mark.parametrize("rows", [1, 8, 33])
def test_products(rows, monkeypatch):
    """Also of other numbers of rows than were foreseen."""
    monkeypatch.setattr(packed, "LEAST", 1)
    torch.manual_seed(0)
    weight, bias, x = torch.randn(100, 24), torch.randn(100), torch.randn(rows, 2, 24)
    made = Packed.of(weight, 8)
    assert made is not None
    torch.testing.assert_close(made.linear(x, bias), F.linear(x, weight, bias), rtol=1e-5, atol=1e-5)


def test_it_is_not_made_where_it_would_not_pay(monkeypatch):
    monkeypatch.setattr(packed, "LEAST", 2400)
    weight = torch.randn(100, 24)
    assert Packed.of(weight, 7) is None and Packed.of(weight[:99], 8) is None and Packed.of(weight.double(), 8) is None
    assert Packed.of(weight.bfloat16(), 8) is None and Packed.of(weight, 8) is not None


@pytest.mark.parametrize("tied", [False, True])
def test_heads_in_use(tied, monkeypatch):
    """The same log-probabilities; the head itself stays as it was, and what is in use has the weights of when it was made ready."""
    monkeypatch.setattr(packed, "LEAST", 1)
    torch.manual_seed(0)
    head = TiedWordHead(24, nn.Embedding(100, 24)) if tied else WordHead(24, 100)
    states = torch.randn(9, 2, 24)

    def told(head):
        return head(Written(states, {}), torch.zeros(9, 2, dtype=torch.long), None)[0]

    with torch.no_grad():
        before, ready = told(head), head.in_use(9)
        assert ready.packed is not None and head.packed is None
        torch.testing.assert_close(told(ready), before, rtol=1e-5, atol=1e-5)
        head.weight[:9].mul_(-1.0)
        assert not torch.allclose(told(head), before) and torch.allclose(told(ready), before, atol=1e-5)
    assert head.in_use(9).packed is None  # where gradients are made, the matrix is what it is
