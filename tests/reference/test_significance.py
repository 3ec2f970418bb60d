"""Paired tests: p-values against those of sacrebleu, of every swap there is, and of scipy; and counts of items against figures."""

from __future__ import annotations

import random
from itertools import product

import numpy as np
import pytest

from regard.metrics.classification import class_counts, class_figures
from regard.metrics.correlation import number_figures
from regard.metrics.item_counts import ItemCounts, in_correlation, in_ratio, in_the_mean
from regard.metrics.significance import compare_paired, correct_holm, pool_seeds
from regard.metrics.text_generation import METRICS, count_items, judge
from regard.tasks.tag.spans import span_counts, span_figures

WORDS = ["the", "a", "cat", "dog", "sat", "ran", "on", "under", "mat", "tree", "red", "blue"]


def sentences(count: int = 80) -> list[str]:
    by = random.Random(3)
    return [" ".join(by.choices(WORDS, k=by.randint(4, 12))) for _ in range(count)]


def damaged(texts: list[str], share: float, seed: int) -> list[str]:
    by = random.Random(seed)
    return [" ".join(by.choice(WORDS) if by.random() < share else word for word in text.split()) for text in texts]


@pytest.mark.parametrize("name", ["bleu", "chrf", "ter"])
@pytest.mark.parametrize("other", [0.30, 0.36])
def test_of_texts_as_sacrebleu(name, other):
    from sacrebleu.metrics import BLEU, CHRF, TER
    from sacrebleu.significance import PairedTest

    right = sentences()
    base, system = damaged(right, 0.3, 1), damaged(right, other, 2)
    metric = {"bleu": BLEU(force=True), "chrf": CHRF(), "ter": TER()}[name]
    trials = 1000
    theirs = {}
    for kind in ("ar", "bs"):
        found = PairedTest([("base", base), ("system", system)], {name: metric}, [right], kind, n_samples=trials)()[1]
        theirs[kind] = next(results for label, results in found.items() if label != "System")[1]
    counts = [count_items(texts, [[r] for r in right], str.split, [name])[name] for texts in (system, base)]
    ours = compare_paired(*counts, trials=trials, resamples=trials)
    assert counts[0].figure == pytest.approx(theirs["ar"].score, abs=1e-6)
    for mine, p in ((ours.randomization, theirs["ar"].p_value), (ours.bootstrap, theirs["bs"].p_value)):
        assert abs(mine - p) <= 4 * np.sqrt(2 * max(p * (1 - p), 0.005) / trials)  # both are drawn


def every_swap(a: ItemCounts, b: ItemCounts) -> float:
    """The p-value of all swaps there are."""
    truth, found = abs(a.figure - b.figure), []
    for kept in product((True, False), repeat=len(a.rows)):
        mask = np.array(kept)[:, None]
        first, second = np.where(mask, a.rows, b.rows).sum(0), np.where(mask, b.rows, a.rows).sum(0)
        found.append(abs(float((a.figures(first[None]) - a.figures(second[None]))[0])))
    return float(np.mean([each >= truth - 1e-12 for each in found]))


def made(kind: str, seed: int, items: int) -> ItemCounts:
    by = np.random.default_rng(seed)
    if kind == "exact":
        return in_the_mean(by.random(items) < 0.4 + 0.1 * seed)
    if kind == "rate":
        return in_ratio(by.integers(0, 5, items), by.integers(4, 9, items))
    both = by.integers(0, 3, items)
    return ItemCounts(np.stack([both, both + by.integers(0, 2, items), both + by.integers(0, 3, items)], 1).astype(float), "f1")


@pytest.mark.parametrize("kind", ["exact", "rate", "f1"])
def test_of_items_as_every_swap(kind):
    for seed in (1, 3, 5):
        a, b = made(kind, seed, 11), made(kind, 0, 11)
        p = every_swap(a, b)
        assert abs(compare_paired(a, b).randomization - p) < 4 * np.sqrt(0.25 / 10_000) + 1e-4


def test_of_items_as_scipy():
    stats = pytest.importorskip("scipy.stats", reason="scipy has an independent permutation test")
    a, b = made("exact", 2, 200), made("exact", 0, 200)

    def differ(x, y, axis):
        return x.mean(axis) - y.mean(axis)

    theirs = stats.permutation_test(
        (a.rows[:, 0], b.rows[:, 0]), differ, permutation_type="samples", vectorized=True, n_resamples=10_000, rng=1
    )
    assert compare_paired(a, b).randomization == pytest.approx(theirs.pvalue, abs=0.03)
    assert compare_paired(a, b).difference == pytest.approx(theirs.statistic)


def test_a_system_against_itself():
    same = compare_paired(made("exact", 1, 50), made("exact", 1, 50))
    assert (same.difference, same.low, same.high, same.randomization, same.bootstrap) == (0, 0, 0, 1, 1)


def test_the_interval_is_that_of_a_mean():
    a, b = made("exact", 4, 2000), made("exact", 0, 2000)
    found, each = compare_paired(a, b), a.rows[:, 0] - b.rows[:, 0]
    half = 1.96 * each.std() / np.sqrt(len(each))
    assert (found.low, found.high) == pytest.approx((each.mean() - half, each.mean() + half), abs=0.006)


def test_more_runs_of_the_same_answers_make_nothing_surer():
    a, b = made("rate", 1, 40), made("rate", 0, 40)
    alone, thrice = compare_paired(a, b), compare_paired(pool_seeds([a, a, a]), pool_seeds([b, b, b]))
    assert (thrice.randomization, thrice.bootstrap) == (alone.randomization, alone.bootstrap)
    assert pool_seeds([a, b]).figure == pytest.approx((a.rows[:, 0].sum() + b.rows[:, 0].sum()) / (a.rows + b.rows)[:, 1].sum())


def test_holm():
    """Holm 1979: the smallest of m is multiplied by m, the next by m - 1; none falls below one before it."""
    assert correct_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert correct_holm([0.9, 0.5]) == [1.0, 1.0] and correct_holm([]) == []


def test_counts_give_the_figures():
    right = sentences(30)
    wrong = [*right[:5], *damaged(right[5:], 0.3, 4)]
    references = [[a, b] if i % 3 else [a] for i, (a, b) in enumerate(zip(right, sentences(60)[30:], strict=True))]
    for texts, refs in ((wrong, references), (["明天见", "こんにちは"], [["明天见面"], ["こんばんは"]])):
        told = judge(texts, refs, str.split).metrics
        counted = {name: counts.figure for name, counts in count_items(texts, refs, str.split, METRICS).items()}
        assert counted == pytest.approx(told)
    found, true = list("aabbcca"), list("abbbcaa")
    assert {n: c.figure for n, c in class_counts(found, true, "abcd").items()} == pytest.approx(class_figures(found, true))
    tags = [["B-x", "I-x", "O"], ["B-y", "O"]], [["B-x", "I-x", "O"], ["B-y", "B-x"]]
    assert {n: c.figure for n, c in span_counts(*tags).items()} == pytest.approx(span_figures(*tags))
    numbers = [1.0, 2.5, 3.0, 2.0], [101.0, 102.0, 104.0, 103.0]
    assert in_correlation(*numbers).figure == pytest.approx(number_figures(*numbers)["pearson"])
