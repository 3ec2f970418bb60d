"""Accuracy, F1 and the confusion of labels: as scikit-learn counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from regard.metrics.item_counts import ItemCounts, in_classes, in_the_mean


def class_figures(found: Sequence[str], right: Sequence[str]) -> dict[str, float]:
    """`accuracy`, and `macro_f1`: the mean of the F1 of every label that occurs, in what is right or in what was found, as
    `sklearn.metrics.f1_score(average="macro")` counts.  Fractions."""
    both = Counter(a for a, b in zip(found, right, strict=True) if a == b)
    either = Counter(found) + Counter(right)
    scores = [2 * both[label] / count for label, count in sorted(either.items())]
    return {"accuracy": both.total() / max(len(right), 1), "macro_f1": sum(scores) / max(len(scores), 1)}


def class_counts(found: Sequence[str], right: Sequence[str], labels: Sequence[str]) -> dict[str, ItemCounts]:
    """What `class_figures` is counted from, item by item.  labels: those that training saw."""
    same = [a == b for a, b in zip(found, right, strict=True)]
    return {"accuracy": in_the_mean(same), "macro_f1": in_classes(found, right, labels)}


def label_figures(found: Sequence[str], right: Sequence[str]) -> dict[str, dict[str, float]]:
    """Of each label that is right or was found somewhere: `precision`, `recall`, `f1` (fractions), and how many are `right` and were
    `found`; as `sklearn.metrics.classification_report` prints them."""
    both = Counter(a for a, b in zip(found, right, strict=True) if a == b)
    return count_figures(Counter(found), Counter(right), both)


def count_figures(told: Counter[str], true: Counter[str], both: Counter[str]) -> dict[str, dict[str, float]]:
    """The figures of each name, from how often it was found, how often it is right, and how often it is both."""
    return {
        name: {
            "precision": both[name] / told[name] if told[name] else 0.0,
            "recall": both[name] / true[name] if true[name] else 0.0,
            "f1": 2 * both[name] / (told[name] + true[name]),
            "right": true[name],
            "found": told[name],
        }
        for name in sorted(told | true)
    }


def confusion(found: Sequence[str], right: Sequence[str], labels: Sequence[str]) -> list[list[int]]:
    """How often each label (rows, right) was taken for each (columns, found).  What is not a label counts nowhere."""
    place = {label: i for i, label in enumerate(labels)}
    counts = [[0] * len(labels) for _ in labels]
    for a, b in zip(found, right, strict=True):
        if a in place and b in place:
            counts[place[b]][place[a]] += 1
    return counts


def label_tables(found: Sequence[str], right: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    """classes: the figures of each label.  confusion: rows are what is right, columns what was found; right labels that are none of
    `labels` stand behind them."""
    names = [*labels, *sorted({*right} - {*labels})]
    return {"classes": label_figures(found, right), "confusion": {"labels": names, "counts": confusion(found, right, names)}}
