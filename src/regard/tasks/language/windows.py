"""Long token sequences cut into windows that are read one after another, many side by side: for truncated back-propagation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regard.data.tokenizer import BOS

if TYPE_CHECKING:
    from regard.config import Config

Ids = NDArray[np.int32]


class TokenWindow(NamedTuple):
    """words: what is read; targets: what follows each of them; skip: so many targets at the front are not counted; first: nothing was
    read before it, else it goes on from the window before in the same row."""

    words: Ids
    targets: Ids
    skip: int
    first: bool


class TokenWindows:
    """Documents as chains of windows, and chains side by side.

    documents: ids with their end mark; whole: of each whether it is a running text, of which any piece is a text.  carried: windows go
    on from one another: as few documents as do not fill the `streams` are cut into as many chains of like length; otherwise each
    window is a chain of its own.  before: a chain that begins within a document reads so many tokens of it first, uncounted.
    A chain begins with the start sign where its document does, or anywhere in a running text; else with the token before.

    A batch is a row of windows, one of each of at most `streams` chains of like length; the next batch has the next windows of
    the same chains, in the same order, but for those that are over, which stand last.
    """

    def __init__(
        self,
        documents: Sequence[Sequence[int]],
        whole: Sequence[bool],
        *,
        window: int,
        streams: int,
        carried: bool,
        before: int = 0,
        seed: int = 1,
    ) -> None:
        self.window, self.streams, self.seed = window, streams, seed
        sizes = [len(ids) for ids in documents]
        starts = np.cumsum([0, *sizes])
        self.tokens = np.concatenate([np.asarray(ids, dtype=np.int32) for ids in documents])
        longest = lane(sizes, streams, window) if carried else window
        found = []  # of each chain: begin, end, where counting begins, whether it begins with the start sign
        for start, size, running in zip(starts, sizes, whole, strict=False):
            even = math.ceil(size / math.ceil(size / longest)) if carried else longest
            found += [(start + a, start + b, start + c, a == 0 or running) for a, b, c in parts(size, even, before)]
        self._begin, self._end, self._from, self._sign = (np.array(column) for column in zip(*found, strict=True))
        counts = -(-(self._end - self._begin) // window)  # windows of each chain
        self._chain = np.repeat(np.arange(len(found)), counts)
        self._row = np.cumsum([0, *counts])  # the number of the first window of each chain

    def epoch(self, epoch: int) -> list[list[int]]:
        """The windows of each batch of an epoch, by number: a pure function of the lengths, the seed and the epoch."""
        random = np.random.default_rng([self.seed, epoch])
        groups = self._groups(random.permutation(len(self._begin)))
        return [rows for place in random.permutation(len(groups)) for rows in self._steps(groups[place])]

    def in_order(self) -> list[list[int]]:
        """All batches once, for judging."""
        return [rows for group in self._groups(np.arange(len(self._begin))) for rows in self._steps(group)]

    def cut(self, rows: Sequence[int]) -> list[TokenWindow]:
        """The windows of these numbers."""
        return [self._cut(row) for row in rows]

    def _cut(self, row: int) -> TokenWindow:
        chain = self._chain[row]
        begin = int(self._begin[chain] + (row - self._row[chain]) * self.window)
        end = min(begin + self.window, int(self._end[chain]))
        first = row == self._row[chain]
        before = BOS if first and self._sign[chain] else self.tokens[begin - 1]
        targets = self.tokens[begin:end]
        words = np.concatenate([np.array([before], dtype=np.int32), targets[:-1]])
        return TokenWindow(words, targets, min(max(0, int(self._from[chain]) - begin), len(targets)), bool(first))

    def _groups(self, chains: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Chains of like length together, the longest first, equal ones in the order given."""
        ordered = chains[np.argsort(-(self._end - self._begin)[chains], kind="stable")]
        return [ordered[at : at + self.streams] for at in range(0, len(ordered), self.streams)]

    def _steps(self, group: NDArray[np.int64]) -> Iterator[list[int]]:
        first, count = self._row[group], self._row[group + 1] - self._row[group]
        for step in range(int(count.max())):
            yield (first + step)[count > step].tolist()


def parts(size: int, length: int, before: int) -> Iterator[tuple[int, int, int]]:
    """A sequence cut into pieces of at most `length`, all but the first with the `before` tokens before them: (begin, end, where what is
    new begins)."""
    start = 0
    while start < size:
        begin = max(0, start - before)
        end = min(size, max(begin + length, start + 1))
        yield begin, end, start
        start = end


def lane(sizes: Sequence[int], streams: int, window: int) -> int:
    """How long a chain may be, so that few documents fill the streams, and none of those is shorter than a window for nothing."""
    if len(sizes) >= streams:
        return max(sizes)
    length = max(math.ceil(sum(sizes) / streams), window)
    while sum(math.ceil(size / length) for size in sizes) > streams:
        length = math.ceil(1.02 * length)
    return length


def carries(config: Config) -> bool:
    """Whether windows go on from one another."""
    own: Any = config.own
    carried: bool = config.model.family == "recurrent" if own.carry is None else own.carry
    return carried
