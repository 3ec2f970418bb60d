"""Law 7: cross-entropy, label smoothing, heads and the length penalty, against numbers that a person can check."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from regard.decoding.search import length_norm
from regard.networks import loss
from regard.networks.base import DecoderOutput
from regard.networks.heads import TiedWordHead, WordHead
from regard.networks.loss import chunked_cross_entropy, costs, objective


def cross_entropy(logits, words, smoothing=0.0):
    """The plain twin of `chunked_cross_entropy`."""
    return objective(costs(logits.log_softmax(-1), words), smoothing)


def test_cross_entropy():
    """Logits (0, ln 3) are 1/4 and 3/4: word 0 costs ln 4 = 1.386 nats, word 1 ln 4/3 = 0.288; together 1.674."""
    total, nats = cross_entropy(torch.tensor([[0.0, log(3)], [0.0, log(3)]]), torch.tensor([0, 1]))
    assert nats.tolist() == pytest.approx([log(4), log(4 / 3)]) and total.item() == pytest.approx(log(4) + log(4 / 3))


def test_label_smoothing():
    """A fifth is spread over both words: 0.8 ln 4 + 0.2 (ln 4 + ln 4/3) / 2.  The nats stay plain."""
    total, nats = cross_entropy(torch.tensor([[0.0, log(3)]]), torch.tensor([0]), 0.2)
    assert nats.item() == pytest.approx(log(4))
    assert total.item() == pytest.approx(0.8 * log(4) + 0.1 * (log(4) + log(4 / 3)))


@pytest.mark.parametrize("rows", [1, 7, 12, 23])  # less than a chunk of six, more, just two, and almost four
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_in_chunks_it_is_the_same(rows, smoothing, monkeypatch):
    """The chunked twin = F.cross_entropy = the plain one, and so are all gradients, scaled from above."""
    monkeypatch.setattr(loss, "CELLS", 6 * 11)
    torch.manual_seed(0)
    x, w, b = (t.double().requires_grad_() for t in (torch.randn(rows, 5), torch.randn(11, 5), torch.randn(11)))
    words = torch.randint(11, (rows,))
    theirs = F.cross_entropy(F.linear(x, w, b), words, reduction="sum", label_smoothing=smoothing)
    want = torch.autograd.grad(0.7 * theirs, (x, w, b))
    plain = cross_entropy(F.linear(x, w, b), words, smoothing)
    chunked = chunked_cross_entropy(x, w, b, words, smoothing)
    for total, nats in (plain, chunked):
        torch.testing.assert_close(total, theirs)
        torch.testing.assert_close(nats, F.cross_entropy(F.linear(x, w, b), words, reduction="none"))
        assert not nats.requires_grad
        torch.testing.assert_close(torch.autograd.grad(0.7 * total, (x, w, b)), want)


def test_huge_logits_stay_finite():
    total, nats = chunked_cross_entropy(torch.tensor([[1e4]]), torch.tensor([[1.0], [-1.0]]), torch.zeros(2), torch.tensor([1]))
    assert nats.item() == total.item() == 2e4


@pytest.mark.parametrize("size", [2, 3])
def test_heads(size):
    """A head's loss is the cross-entropy of its logits; tied, these are E (W s) + b, or E s + b where the widths are one."""
    torch.manual_seed(0)
    table, states, words = nn.Embedding(5, 2), torch.randn(4, size), torch.tensor([0, 4, 2, 2])
    tied, free = TiedWordHead(size, table), WordHead(size, 5)
    tied.bias.data.normal_()
    inner = states if size == 2 else states @ tied.linear.weight.T
    torch.testing.assert_close(tied.logits(states), inner @ table.weight.T + tied.bias)
    torch.testing.assert_close(free.logits(states), states @ free.linear.weight.T + free.linear.bias)
    written, real = DecoderOutput(states.view(2, 2, -1), {}), torch.tensor([[True, True], [True, False]])
    for head in (tied, free):
        total, nats = head.loss(written, words.view(2, 2), real, None, smoothing=0.1)
        want, plain = cross_entropy(head.logits(states[:3]), words[:3], 0.1)
        torch.testing.assert_close((total, nats), (want, plain))
        log_p, _ = head(written, words.view(2, 2), None)
        torch.testing.assert_close(log_p[real].gather(1, words[:3, None])[:, 0], -nats)
    assert tied.table is table and sum(p.numel() for p in tied.parameters()) == 5 * 2 + 5 + (0 if size == 2 else size * 2)


def test_length_penalty():
    """((5 + 7) / 6)^1 = 2, ^2 = 4; of length 1 always 1; without a penalty always 1."""
    lengths = np.array([1.0, 7.0])
    assert [length_norm(lengths, a).tolist() for a in (0.0, 1.0, 2.0)] == [[1, 1], [1, 2], [1, 4]]
