"""Law 7: scores that read what earlier looks took, against numbers that a person can check."""

from __future__ import annotations

from math import exp, tanh

import pytest
import torch

from regard.attention import AdditiveCoverage, Attention, Coverage, Dot, LocationSensitive
from regard.core.errors import ConfigError

AT = torch.zeros(1, 1, dtype=torch.long)


def put(parameter: torch.Tensor, values) -> None:
    parameter.data.copy_(torch.tensor(values).view_as(parameter))


def softmax(*scores: float) -> list[float]:
    every = [exp(s) for s in scores]
    return [e / sum(every) for e in every]


def looks(attention: Attention, source: list[float], queries: list[float], valid=None) -> list[list[float]]:
    """The weights of looks one after the other, everything of width 1."""
    memory = attention.remember(torch.tensor(source)[None, :, None], valid)
    found = []
    for query in queries:
        reading = attention(torch.tensor([[[query]]]), memory, AT, weights=True)
        memory = reading.memory
        found.append(reading.weights.flatten().tolist())
    return found


def test_location_sensitive():
    """One channel, width 3, filter (5, 7, 11): what was taken before, at and behind a place; U = 0.2, W = 0.5, V = 2, b = 0.1, v = 3.
    First nothing was taken: 3 tanh(0.5 q + 2 h + 0.1); then, a being what the look before took (and not those before it), 0.2 times
    (7 a1 + 11 a2, 5 a1 + 7 a2 + 11 a3, 5 a2 + 7 a3) is added within."""
    score = LocationSensitive(1, 1, 1, channels=1, width=3)
    for parameter, value in ((score.filters, [5.0, 7.0, 11.0]), (score.u, 0.2), (score.w1, 2.0), (score.w2, 0.5), (score.b, 0.1)):
        put(parameter, value)
    put(score.v, 3.0)
    h, queries, a1, a2, a3 = [0.3, -0.4, 0.1], [1.0, -6.0, -5.0], 0.0, 0.0, 0.0
    for query, got in zip(queries, looks(Attention(1, 1, score=score), h, queries), strict=True):
        felt = [0.2 * f for f in (7 * a1 + 11 * a2, 5 * a1 + 7 * a2 + 11 * a3, 5 * a2 + 7 * a3)]
        a1, a2, a3 = softmax(*(3 * tanh(0.5 * query + 2 * x + f + 0.1) for x, f in zip(h, felt, strict=True)))
        assert got == pytest.approx([a1, a2, a3], abs=1e-5)


def test_the_filters_do_not_see_padding():
    """The same looks with padding on the right, on the left, and of any content."""
    torch.manual_seed(0)
    look, h = Attention(1, 1, score=LocationSensitive(1, 1, 3, channels=2, width=5)), [0.3, -0.4, 0.1]
    plain = looks(look, h, [1.0, -2.0, 0.5])
    assert max(abs(a - b) for a, b in zip(plain[0], plain[1], strict=True)) > 1e-3
    right = looks(look, [*h, 50.0, -7.0], [1.0, -2.0, 0.5], torch.tensor([[True] * 3 + [False] * 2]))
    left = looks(look, [50.0, -7.0, *h], [1.0, -2.0, 0.5], torch.tensor([[False] * 2 + [True] * 3]))
    for step, want in enumerate(plain):
        assert right[step] == pytest.approx([*want, 0, 0], abs=1e-6)
        assert left[step] == pytest.approx([0, 0, *want], abs=1e-6)


def test_each_head_feels_its_own_past():
    """Head 1 took place 1, head 2 place 2; filters (2) and (3), width 1, U = 1: they feel (2, 0) and (0, 3)."""
    score = LocationSensitive(1, 1, 1, channels=1, width=1, heads=2)
    put(score.filters, [2.0, 3.0])
    put(score.u, [1.0, 1.0])
    memory = Attention(2, 2, heads=2, score=score).remember(torch.zeros(1, 2, 2))
    taken = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    assert score.sense(memory.after(taken).past).flatten(1).tolist() == [[2, 0, 0, 3]]


def test_an_even_width_is_refused():
    with pytest.raises(ConfigError, match=r"an odd width, with the place in its middle; received 4\. Write 5\."):
        LocationSensitive(1, 1, 1, width=4)


def test_additive_coverage():
    """W = 0.5, V = 2, b = 0.1, v = 3, w = -4, inside the tanh: after two looks c is their sum, not the last."""
    score = AdditiveCoverage(1, 1, 1)
    for parameter, value in ((score.w1, 2.0), (score.w2, 0.5), (score.b, 0.1), (score.v, 3.0), (score.c, -4.0)):
        put(parameter, value)
    h, total, want = [0.3, -0.4], [0.0, 0.0], []
    for q in (1.0, -1.0, 2.0):
        want.append(softmax(*(3 * tanh(0.5 * q + 2 * x - 4 * c + 0.1) for x, c in zip(h, total, strict=True))))
        total = [c + w for c, w in zip(total, want[-1], strict=True)]
    for got, wanted in zip(looks(Attention(1, 1, score=score), h, [1.0, -1.0, 2.0]), want, strict=True):
        assert got == pytest.approx(wanted, abs=1e-6)


def test_coverage():
    """dot + coverage, begun at w = -1: the scores are q h minus what was taken so far."""
    h, total, want = [1.0, -1.0], [0.0, 0.0], []
    for q in (1.0, 0.5, 0.0):
        want.append(softmax(*(q * x - c for x, c in zip(h, total, strict=True))))
        total = [c + w for c, w in zip(total, want[-1], strict=True)]
    for got, wanted in zip(looks(Attention(1, 1, score=Dot() + Coverage()), h, [1.0, 0.5, 0.0]), want, strict=True):
        assert got == pytest.approx(wanted, abs=1e-6)


def test_coverage_has_a_weight_for_each_head():
    """w = 2 and -3, after 0.25 and 0.5 were taken: 0.5 and -1.5."""
    score = Coverage(heads=2)
    put(score.w, [2.0, -3.0])
    memory = Attention(2, 2, heads=2, score=score).remember(torch.zeros(1, 1, 2)).after(torch.tensor([[[0.25], [0.5]]]))
    assert score(torch.zeros(1, 2, 1, 1), memory, AT).flatten().tolist() == [0.5, -1.5]
