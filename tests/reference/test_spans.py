"""Spans by hand, and F1 against seqeval, an implementation of conlleval."""

from __future__ import annotations

import random

import pytest

from regard.tasks.tag.span_tags import find_break, says_places, to_iob2
from regard.tasks.tag.spans import span_figures, spans, type_figures


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
    assert find_break(tags.split()) == place


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


@pytest.mark.parametrize(
    ("tags", "marks"),
    [("O B-a I-a", True), ("B I O", True), ("B M E S", True), ("NN VB", False), ("S- N-", False), ("M N V", False), ("B-per O", True),
     ("PER-B O", False), ("0 1", False), ("O", False)],
)  # fmt: skip
def test_whether_tags_mark_spans(tags, marks):
    assert says_places(tags.split()) is marks


@pytest.mark.parametrize(
    ("iob1", "iob2"),
    [
        ("O I-a I-a", "O B-a I-a"),
        ("I-a B-a I-a", "B-a B-a I-a"),
        ("I-a I-b", "B-a B-b"),
        ("B-a I-a O I-a", "B-a I-a O B-a"),
        ("", ""),
    ],
)
def test_iob1_becomes_iob2(iob1, iob2):
    assert " ".join(to_iob2(iob1.split())) == iob2


def test_figures_of_each_kind_by_hand():
    right, found = [["B-a", "I-a", "O", "B-b"], ["B-a", "O"]], [["B-a", "I-a", "O", "B-a"], ["O", "B-c"]]
    assert type_figures(found, right) == {
        "a": {"precision": 1 / 2, "recall": 1 / 2, "f1": 1 / 2, "right": 2, "found": 2},
        "b": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "right": 1, "found": 0},
        "c": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "right": 0, "found": 1},
    }


def test_figures_of_each_kind_are_seqevals():
    metrics = pytest.importorskip("seqeval.metrics", reason="seqeval, the oracle, is not installed: pip install seqeval")
    draw = random.Random(4)
    tags = [f"{p}-{k}" if p != "O" else p for p in "BIO" for k in ("x", "y", "z")]
    for _ in range(40):
        right = [[draw.choice(tags) for _ in range(draw.randint(1, 9))] for _ in range(5)]
        found = [[t if draw.random() < 0.6 else draw.choice(tags) for t in line] for line in right]
        theirs = metrics.classification_report(right, found, output_dict=True, zero_division=0)
        for kind, figures in type_figures(found, right).items():
            for ours, name in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score"), ("right", "support")):
                assert figures[ours] == pytest.approx(theirs.get(kind, {name: 0})[name])
