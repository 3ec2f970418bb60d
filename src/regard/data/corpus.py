"""Pairs of token sequences on the disk, mapped into memory: RAM stays flat, however long the corpus.

`tokens.bin`: int32, little-endian, source and target of every pair one after another.  `offsets.npy`: int64, where each of them
begins, and where the last ends: twice the number of pairs, and one.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regard.ground.errors import RunFolderError, message
from regard.ground.files import atomic, clean

TOKENS, OFFSETS = "tokens.bin", "offsets.npy"
AGAIN = "Delete the folder; it is made again from the data."

Ids = NDArray[np.int32]


class Corpus:
    """A sequence of (source, target), each an array of ids with its end mark.  Reading is random access, at no cost in RAM."""

    def __init__(self, tokens: Ids, offsets: NDArray[np.int64]) -> None:
        self._tokens, self._offsets = tokens, offsets
        lengths = np.diff(offsets).astype(np.int32)
        self.source_lengths: Ids = lengths[0::2].copy()
        self.target_lengths: Ids = lengths[1::2].copy()

    @classmethod
    def write(cls, folder: Path, pairs: Iterable[tuple[Sequence[int], Sequence[int]]]) -> Corpus:
        """Write pairs as they come, and open the result.  A folder holds a whole corpus or, after a crash, none."""
        folder.mkdir(parents=True, exist_ok=True)
        clean(folder)
        (folder / OFFSETS).unlink(missing_ok=True)  # without it the old tokens count for nothing
        offsets = array("q", [0])
        with atomic(folder / TOKENS) as stream:
            for pair in pairs:
                for ids in pair:
                    stream.write(np.asarray(ids, dtype="<i4").tobytes())
                    offsets.append(offsets[-1] + len(ids))
        with atomic(folder / OFFSETS) as stream:
            np.save(stream, np.frombuffer(offsets, dtype=np.int64), allow_pickle=False)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> Corpus:
        """Map what `write` wrote.  RunFolderError where it is missing or damaged."""
        try:
            offsets = np.load(folder / OFFSETS, allow_pickle=False)
            size = os.path.getsize(folder / TOKENS)
        except (OSError, ValueError, EOFError) as error:
            raise RunFolderError(message(str(folder), f"{TOKENS} and {OFFSETS}, both whole", str(error), AGAIN)) from error
        if offsets.dtype != np.int64 or offsets.ndim != 1 or len(offsets) % 2 == 0 or size != 4 * offsets[-1]:
            received = f"{size:,} bytes that do not fit its {OFFSETS}"
            raise RunFolderError(message(str(folder / TOKENS), "as many tokens as its offsets say", received, AGAIN))
        empty = np.empty(0, dtype="<i4")  # an empty file cannot be mapped
        tokens = np.memmap(folder / TOKENS, dtype="<i4", mode="r") if size else empty
        return cls(tokens, offsets)

    def __len__(self) -> int:
        return len(self.source_lengths)

    def __getitem__(self, row: int) -> tuple[Ids, Ids]:
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of a corpus of {len(self)}")
        first, second, last = self._offsets[2 * (row % len(self)) :][:3]
        return self._tokens[first:second], self._tokens[second:last]
