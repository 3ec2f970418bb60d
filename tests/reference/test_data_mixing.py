"""Mixing sources: shares by weight and by temperature, what an epoch is, and that no row comes twice before all have come."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from regard.core.errors import ConfigError
from regard.data.batching import Batches
from regard.data.mixing import SourceMixture, by_temperature, by_weights


def test_shares_by_temperature_are_those_of_the_paper() -> None:
    """p is proportional to n^(1/T): of 1, 100 and 10,000 items at T = 2 to 1, 10 and 100."""
    assert by_temperature([1, 100, 10_000], 2) == pytest.approx([1 / 111, 10 / 111, 100 / 111])
    assert by_temperature([30, 70], 1) == pytest.approx([0.3, 0.7])
    assert by_temperature([3, 10**9], 1e9) == pytest.approx([0.5, 0.5])


def test_an_epoch_has_its_shares_and_each_row_comes_as_often_as_any_other_of_its_source() -> None:
    mixture = SourceMixture((10, 90), (0.7, 0.3), seed=3)
    assert mixture.counts == [70, 30]
    seen = Counter[int]()
    for epoch in range(7):
        rows = mixture.rows(epoch)
        assert sorted(Counter((rows >= 10).tolist()).values()) == [30, 70]
        seen.update(rows.tolist())
        for source in (range(10), range(10, 100)):
            times = [seen[row] for row in source]
            assert max(times) - min(times) <= 1, f"epoch {epoch}: {times}"
    assert np.array_equal(mixture.rows(4), SourceMixture((10, 90), (0.7, 0.3), seed=3).rows(4))
    assert not np.array_equal(mixture.rows(4), mixture.rows(5))


@pytest.mark.parametrize(("sizes", "shares"), [((3, 5, 9), (1 / 3, 1 / 3, 1 / 3)), ((1, 1000), (0.999, 0.001))])
def test_counts_add_up(sizes: tuple[int, ...], shares: tuple[float, ...]) -> None:
    mixture = SourceMixture(sizes, shares, seed=1)
    assert sum(mixture.counts) == len(mixture.rows(0)) == sum(sizes)


def test_batches_of_a_mixture_hold_its_rows_and_no_others() -> None:
    lengths = np.random.default_rng(1).integers(2, 30, 200)
    mixture = SourceMixture((50, 150), (0.5, 0.5), seed=9)
    batches = Batches(lengths, lengths, tokens=300, seed=9, mixture=mixture)
    for epoch in (0, 3):
        found = Counter(row for batch in batches.epoch(epoch) for row in batch)
        assert found == Counter(mixture.rows(epoch).tolist())
    plain = Counter(row for batch in Batches(lengths, lengths, tokens=300, seed=9).epoch(0) for row in batch)
    assert plain == Counter(range(200))  # without one, each row once an epoch


def test_sources_go_by_their_names_or_stems() -> None:
    sources = ["texts/de.tsv.gz", "texts/fr/", "texts/nl/*.tsv"]
    assert by_weights(sources, {"fr": 2, "texts/de.tsv.gz": 1, "nl": 3}) == pytest.approx((1 / 6, 2 / 6, 3 / 6))
    for weights, expected in (
        ({"de": 1, "fr": 1}, r"a weight for each source of data\.train .*; received none for texts/nl/\*\.tsv. Add nl: 1"),
        ({"de": 1, "fr": 1, "nl": 1, "nll": 1}, r"received 'nll', which none is called. Name a source. Did you mean 'nl'\?"),
        ({"de": 1, "fr": 1, "nl": 1, "texts/fr/": 1}, "each source once; received fr and texts/fr/"),
    ):
        with pytest.raises(ConfigError, match=expected):
            by_weights(sources, weights)
    with pytest.raises(ConfigError, match=r"'a', which several are called. Write its name as in data\.train"):
        by_weights(["x/a.tsv", "y/a.tsv"], {"a": 1})
