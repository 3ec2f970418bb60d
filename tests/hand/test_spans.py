"""Spans by hand, and F1 against seqeval, an implementation of conlleval."""

from __future__ import annotations

import random

import pytest

from regard.tasks.spans import broken, span_figures, spans


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("O O", []),
        ("B-a I-a O B-b", [("a", 0, 2), ("b", 3, 4)]),
        ("B-a B-a I-a", [("a", 0, 1), ("a", 1, 3)]),
        ("O I-a I-a", [("a", 1, 3)]),  # goes on from nothing: conlleval counts it
        ("B-a I-b", [("a", 0, 1), ("b", 1, 2)]),
        ("B-a M-a E-a S-a S-a B-b E-b", [("a", 0, 3), ("a", 3, 4), ("a", 4, 5), ("b", 5, 7)]),
        ("B E S", [("", 0, 2), ("", 2, 3)]),
        ("B-to-city I-to-city", [("to-city", 0, 2)]),
        ("NN NN , -LRB- O", [("NN", 0, 1), ("NN", 1, 2), (",", 2, 3), ("-LRB-", 3, 4)]),  # no marks of places: each is a span
    ],
)
def test_spans_by_hand(tags, found):
    assert [tuple(span) for span in spans(tags.split())] == found


@pytest.mark.parametrize(
    ("tags", "place"),
    [
        ("B-a I-a O", None), ("O I-a", 1), ("B-a I-b", 1), ("I-a", 0),
        ("B-a M-a E-a S-b O", None), ("B-a O S-a", 1), ("S-a E-a", 1), ("O B-a", None), ("S-b B-a", 1), ("B-a B-a E-a", 1),
    ],
)  # fmt: skip
def test_what_is_broken_and_where(tags, place):
    assert broken(tags.split()) == place


def test_figures_are_those_of_conlleval():
    metrics = pytest.importorskip("seqeval.metrics", reason="seqeval, the oracle, is not installed: pip install seqeval")
    draw = random.Random(1)
    for places in ("BIO", "BIOES"):
        tags = [f"{p}-{k}" if p != "O" else p for p in places for k in ("x", "y")]
        for _ in range(200):
            right = [[draw.choice(tags) for _ in range(draw.randint(1, 9))] for _ in range(4)]
            found = [[t if draw.random() < 0.7 else draw.choice(tags) for t in line] for line in right]
            ours = span_figures(found, right)
            assert ours["slot_f1"] == pytest.approx(metrics.f1_score(right, found, zero_division=0))
            assert ours["slot_precision"] == pytest.approx(metrics.precision_score(right, found, zero_division=0))
            assert ours["slot_recall"] == pytest.approx(metrics.recall_score(right, found, zero_division=0))


def test_nothing_to_find():
    assert span_figures([["O"]], [["O"]]) == {"slot_f1": 0.0, "slot_precision": 0.0, "slot_recall": 0.0, "token_accuracy": 1.0}
