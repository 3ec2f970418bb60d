"""Spans in tags, and how well they were found: exactly as conlleval counts (Tjong Kim Sang & Buchholz 2000)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from regard.metrics.classification import count_figures
from regard.metrics.item_counts import ItemCounts
from regard.tasks.tag.span_tags import OUTSIDE, belong_together, mark_ends, may_follow, split_tag


class Span(NamedTuple):
    """Places `start` to `end` (not included) that belong together."""

    kind: str
    start: int
    end: int


def spans(tags: Sequence[str]) -> list[Span]:
    """The spans of a sequence of tags such as `B-city`, in order.  A tag that goes on from nothing, or from another kind, begins a span:
    so broken sequences are counted too, as conlleval does."""
    found: list[Span] = []
    start = 0
    for i, tag in enumerate(tags):
        if i and not belong_together(tags[i - 1], tag) and tags[i - 1] != OUTSIDE:
            found.append(Span(split_tag(tags[i - 1])[1], start, i))
        if not i or not belong_together(tags[i - 1], tag):
            start = i
    if tags and tags[-1] != OUTSIDE:
        found.append(Span(split_tag(tags[-1])[1], start, len(tags)))
    return found


def forbidden(tags: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of places in a list of tags of which the second cannot follow the first; the length of the list stands for the start of a
    sentence, and for its end."""
    ends, chain = mark_ends(tags), [*tags, OUTSIDE]
    return [(i, j) for i, a in enumerate(chain) for j, b in enumerate(chain) if not may_follow(a, b, ends=ends)]


def span_figures(found: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> dict[str, float]:
    """`slot_precision`, `slot_recall` and `slot_f1` over all sentences: spans whose kind and both ends are right; and `token_accuracy`.
    Where there is nothing to find and nothing was found, F1 is 0, as in conlleval.  Fractions."""
    told, true, both, same, count = 0, 0, 0, 0, 0
    for mine, theirs in zip(found, right, strict=True):
        a, b = set(spans(mine)), set(spans(theirs))
        told, true, both = told + len(a), true + len(b), both + len(a & b)
        same, count = same + sum(x == y for x, y in zip(mine, theirs, strict=True)), count + len(theirs)
    precision, recall = both / told if told else 0.0, both / true if true else 0.0
    f1 = 2 * precision * recall / (precision + recall) if both else 0.0
    return {"slot_f1": f1, "slot_precision": precision, "slot_recall": recall, "token_accuracy": same / count if count else 0.0}


def span_counts(found: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> dict[str, ItemCounts]:
    """What `span_figures` is counted from, sentence by sentence."""
    rows, same = np.zeros((len(found), 3)), np.zeros((len(found), 2))
    for i, (mine, theirs) in enumerate(zip(found, right, strict=True)):
        a, b = set(spans(mine)), set(spans(theirs))
        rows[i] = len(a & b), len(a), len(b)
        same[i] = sum(x == y for x, y in zip(mine, theirs, strict=True)), len(theirs)
    return {
        "slot_f1": ItemCounts(rows, "f1"),
        "slot_precision": ItemCounts(rows[:, :2]),
        "slot_recall": ItemCounts(rows[:, ::2]),
        "token_accuracy": ItemCounts(same),
    }


def type_figures(found: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> dict[str, dict[str, float]]:
    """Of each kind of span, by name: `precision`, `recall`, `f1` (fractions), and how many are `right` and were `found`; as conlleval and
    seqeval print them."""
    told, true, both = Counter[str](), Counter[str](), Counter[str]()
    for mine, theirs in zip(found, right, strict=True):
        a, b = set(spans(mine)), set(spans(theirs))
        told.update(span.kind for span in a)
        true.update(span.kind for span in b)
        both.update(span.kind for span in a & b)
    return count_figures(told, true, both)
