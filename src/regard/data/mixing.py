"""Several sources in one training: how often items of each come, and in which order, whatever their sizes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regard.core.errors import ConfigError, did_you_mean, message

Rows = NDArray[np.int32]


@dataclass(frozen=True)
class SourceMixture:
    """The rows of each epoch where sources are mixed.

    sizes: rows of each source, which stand one source after another; shares: of each, together 1.
    An epoch has as many rows as all sources together, and of each source its share of them.  A source is gone through again and again,
    each time in another order: none of its rows comes a second time before all of them came, in this epoch or in those before.
    """

    sizes: tuple[int, ...]
    shares: tuple[float, ...]
    seed: int

    @property
    def counts(self) -> list[int]:
        """How many rows of each source are in an epoch: rounded, at least one, and what is over or lacks is the largest one's."""
        counts = [max(1, round(share * sum(self.sizes))) for share in self.shares]
        counts[counts.index(max(counts))] += sum(self.sizes) - sum(counts)
        return counts

    def rows(self, epoch: int) -> Rows:
        """A pure function of sizes, shares, seed and epoch; source after source, still to be shuffled."""
        starts = np.cumsum([0, *self.sizes])
        return np.concatenate([self._some(i, int(starts[i]), count, epoch) for i, count in enumerate(self.counts)])

    def _some(self, source: int, start: int, count: int, epoch: int) -> Rows:
        size, begin, found = self.sizes[source], epoch * count, list[Rows]()
        while len_of(found) < count:
            passed, place = divmod(begin + len_of(found), size)
            random = np.random.default_rng([self.seed, source, passed, 1])  # four numbers: those of an epoch's batches are two
            order = random.permutation(np.arange(start, start + size, dtype=np.int32))
            found.append(order[place : place + count - len_of(found)])
        return np.concatenate(found) if found else np.empty(0, np.int32)


def len_of(parts: Sequence[Rows]) -> int:
    """Rows in all."""
    return sum(map(len, parts))


def by_temperature(sizes: Sequence[int], temperature: float) -> tuple[float, ...]:
    """Shares that go by `size ^ (1 / temperature)`: 1 leaves sources as large as they are, more makes them alike.  Arivazhagan et al. 2019,
    "Massively multilingual neural machine translation in the wild", section 4.1."""
    logs = np.log(np.asarray(sizes, dtype=np.float64)) / temperature
    weights = np.exp(logs - logs.max())
    return tuple((weights / weights.sum()).tolist())


def by_weights(sources: Sequence[str], weights: Mapping[str, float]) -> tuple[float, ...]:
    """The share of each source, by weights that name them whole or by their stems: `de` for `texts/de.tsv.gz`.  ConfigError where they do
    not (`find_misfit`)."""
    if (found := find_misfit(sources, weights)) is not None:
        raise ConfigError(message("data.weights", *found))
    each = [next(weight for name, weight in weights.items() if name in _names(source)) for source in sources]
    return tuple(weight / sum(each) for weight in each)


def find_misfit(sources: Sequence[str], weights: Mapping[str, float]) -> tuple[str, str, str] | None:
    """What is expected, received and to be done where a source has no weight or several, or a name stands for no source or for several."""
    listed = ", ".join(sources)
    for name in weights:
        called = sum(name in _names(source) for source in sources)
        if called != 1:
            near = did_you_mean(name, [known for source in sources for known in _names(source)])
            do = "Write its name as in data.train." if called else f"Name a source.{near}"
            return f"a source of data.train ({listed})", f"{name!r}, which {'several are' if called else 'none is'} called", do
    for source in sources:
        named = [name for name in weights if name in _names(source)]
        if not named:
            return f"a weight for each source of data.train ({listed})", f"none for {source}", f"Add {stem(source)}: 1."
        if len(named) > 1:
            return "each source once", " and ".join(named), "Remove one of the names."
    return None


def _names(source: str) -> tuple[str, str]:
    return source, stem(source)


def stem(source: str) -> str:
    """`de` of `texts/de.tsv.gz`, of `texts/de/` and of `texts/de/*.tsv`."""
    path = source.rstrip("/")
    while any(mark in os.path.basename(path) for mark in "*?["):
        path = os.path.dirname(path)
    return os.path.splitext(os.path.basename(path).removesuffix(".gz"))[0]
