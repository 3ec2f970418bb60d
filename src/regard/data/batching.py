"""Batching: which pairs go together, in which order, and how they become one array."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regard.core.errors import ConfigError, message
from regard.core.shapes import Array
from regard.data.mixing import Rows, SourceMixture
from regard.data.tokenizer import BOS, PAD

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

Ids = Sequence[int] | NDArray[np.int32]
SHARD = 1 << 20  # rows that are sorted together: what sorting needs does not grow with the corpus


@dataclass(frozen=True, eq=False)
class Batch:
    """Some rows of a corpus side by side.  Valid: True where a token is real, its end mark included; False at padding.

    links: which source tokens belong to each target token, where people or another aligner said so.
    source: tokens, or the cells of images.  All are numpy's as they are collated, and PyTorch's where a net is trained on them.
    """

    rows: tuple[int, ...]
    source: Int[Array, "B K"] | Float[Array, "B K P"]
    source_valid: Bool[Array, "B K"]
    target: Int[Array, "B T"] | None = None
    target_valid: Bool[Array, "B T"] | None = None
    links: Bool[Array, "B T K"] | None = None

    @property
    def words(self) -> Int[Array, "B T"]:
        """What the decoder reads: the target one place later, beginning with BOS.  ValueError where there is no target."""
        if self.target is None:
            raise ValueError(
                "batch.words: expected a batch with targets; received one to predict from. Collate pairs with targets."
            )
        words = self.target[:, list(range(-1, self.target.shape[1] - 1))]
        words[:, :1] = BOS
        return words

    @property
    def tokens(self) -> int:
        """The number of real target tokens, end marks included; 0 without a target."""
        return 0 if self.target_valid is None else int(self.target_valid.sum())


def collate(pairs: Sequence[tuple[Ids, Ids | None]], rows: Sequence[int]) -> Batch:
    """Pad pairs of ids on the right.  All of them have a target, or none has: ValueError otherwise, or without a pair."""
    if not pairs:
        raise ValueError("collate: expected at least one pair; received none. Skip batches without rows.")
    source, source_valid = _padded([source for source, _ in pairs])
    targets = [target for _, target in pairs if target is not None]
    if len(targets) not in (0, len(pairs)):
        raise ValueError(f"collate: expected a target in every pair or in none; received {len(targets)} in {len(pairs)} pairs.")
    target, target_valid = _padded(targets) if targets else (None, None)
    return Batch(tuple(rows), source, source_valid, target, target_valid)


def _padded(sequences: Sequence[Ids]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    lengths = np.array([len(ids) for ids in sequences])
    valid = np.arange(lengths.max()) < lengths[:, None]
    padded = np.full(valid.shape, PAD, dtype=np.int64)
    padded[valid] = np.concatenate([np.asarray(ids, dtype=np.int64) for ids in sequences])
    return padded, valid


class Epoch(Sequence[list[int]]):
    """The batches of an epoch, each a list of rows when it is asked for: ten million rows are 40 MB so, and would be 400 as numbers of
    Python's own."""

    def __init__(self, batches: Sequence[Rows], order: NDArray[np.int64]) -> None:
        self._batches, self._order = batches, order

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self._batches[i].tolist() for i in self._order[place]]
        return self._batches[self._order[place]].tolist()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)


class Batches:
    """Batches of rows of like length, so that little is padded.

    `tokens` is the most real tokens in a batch: target tokens, or source tokens in a row whose source is longer.  A row that
    is longer than that is a batch of its own.  `mixture`: which rows an epoch has where sources are mixed; None: each row once.
    """

    def __init__(
        self,
        source_lengths: ArrayLike,
        target_lengths: ArrayLike,
        *,
        tokens: int,
        seed: int,
        mixture: SourceMixture | None = None,
    ) -> None:
        if tokens < 1:
            raise ConfigError(message("train.batch_tokens", "1 or more", str(tokens), "Write a whole number, such as 3400."))
        self._lengths = np.asarray(source_lengths), np.asarray(target_lengths)  # as they are: they may lie on the disk
        self.tokens, self.seed, self.mixture = tokens, seed, mixture
        self._last: tuple[int, Epoch] | None = None

    def epoch(self, epoch: int) -> Epoch:
        """The batches of an epoch, every row of it in just one of them: a pure function of the lengths, the tokens, seed and epoch.

        The last one is kept: a training asks for its first twice, and of ten million rows it takes 40 seconds of a core.
        """
        if self._last is None or self._last[0] != epoch:
            self._last = epoch, self._draw(epoch)
        return self._last[1]

    def _draw(self, epoch: int) -> Epoch:
        random = np.random.default_rng([self.seed, epoch])
        each = np.arange(len(self._lengths[0]), dtype=np.int32) if self.mixture is None else self.mixture.rows(epoch)
        rows = random.permutation(each)
        batches = [batch for start in range(0, len(rows), SHARD) for batch in self._divided(rows[start : start + SHARD], random)]
        return Epoch(batches, random.permutation(len(batches)))

    def _costs(self, rows: Rows) -> NDArray[np.int64]:
        """What each row counts for."""
        return np.maximum(*(lengths[rows] for lengths in self._lengths)).astype(np.int64)

    def _divided(self, rows: Rows, random: np.random.Generator) -> list[Rows]:
        """Cut rows in two, again and again, until each part fits a batch: along source or target length, whichever pads less.

        The cut falls at random in the middle third, and rows of the same lengths are in random order, so that each epoch has
        other neighbours.
        """
        total = int(self._costs(rows).sum())
        if total <= self.tokens or len(rows) < 2:
            return [rows] if len(rows) else []
        # A little room is left: parts come out uneven by a row or so, and one that is too full would become two half batches.
        count = max(2, math.ceil(total / (self.tokens - min(2 * total / len(rows), self.tokens / 10))))
        share = random.integers(math.ceil(count / 3), count - math.ceil(count / 3) + 1) / count
        cuts = [self._cut(rows[np.argsort(lengths[rows], kind="stable")], total * share) for lengths in self._lengths]
        left, right = min(cuts, key=lambda parts: self._cells(parts[0]) + self._cells(parts[1]))
        return self._divided(left, random) + self._divided(right, random)

    def _cut(self, rows: Rows, tokens: float) -> tuple[Rows, Rows]:
        """The first rows, as many as have so many tokens, and the others; neither part empty."""
        place = int(np.searchsorted(np.cumsum(self._costs(rows)), tokens))
        place = min(max(place, 1), len(rows) - 1)
        return rows[:place], rows[place:]

    def _cells(self, rows: Rows) -> int:
        """How many cells these rows would fill as one batch, padding included."""
        return len(rows) * sum(int(lengths[rows].max()) for lengths in self._lengths)

    @staticmethod
    def sequential(lengths: ArrayLike, *, rows: int) -> list[list[int]]:
        """For prediction: batches of so many rows of like length, the longest first, so that a lack of memory shows at once."""
        if rows < 1:
            raise ConfigError(message("batch size", "1 or more", str(rows), "Write a whole number, such as 32."))
        order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable").tolist()
        return [order[start : start + rows] for start in range(0, len(order), rows)]
