"""Pairs of token sequences on the disk, mapped into memory: RAM stays flat, however long the corpus.

`tokens.bin`: int32, little-endian, source and target of every pair one after another.  `lengths.npy`: int32, how long each of them is.
`offsets.npy`: int64, where each of them begins, and where the last ends: twice the number of pairs, and one.
`store.json`: of what data, by which tokenizers, as a hash, and what was found while it was made; where nobody needs to know it again there
is none.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regard.core.atomic_files import atomic, clean
from regard.core.errors import RunFolderError, message

TOKENS, LENGTHS, OFFSETS, ABOUT = "tokens.bin", "lengths.npy", "offsets.npy", "store.json"
CORPUS = "corpus"  # in a run folder: the store of its training data
PART = 1 << 20  # lengths that are added up at a time
AGAIN = "Delete the folder; it is made again from the data."

Ids = NDArray[np.int32]


class Corpus:
    """A sequence of (source, target), each an array of ids with its end mark.  Reading is random access, at no cost in RAM."""

    def __init__(self, tokens: Ids, lengths: Ids, offsets: NDArray[np.int64]) -> None:
        self._tokens, self._offsets = tokens, offsets
        self.source_lengths: Ids = lengths[0::2]
        self.target_lengths: Ids = lengths[1::2]

    @classmethod
    def write(cls, folder: Path, pairs: Iterable[tuple[Sequence[int], Sequence[int]]]) -> Corpus:
        """Write pairs as they come, and open the result.  A folder holds a whole corpus or, after a crash, none."""
        folder.mkdir(parents=True, exist_ok=True)
        clean(folder)
        forget(folder)
        lengths = array("i")
        with atomic(folder / TOKENS) as stream:
            for pair in pairs:
                for ids in pair:
                    stream.write(np.asarray(ids, dtype="<i4").tobytes())
                    lengths.append(len(ids))
        write_places(folder, np.frombuffer(lengths, dtype=np.int32))
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> Corpus:
        """Map what `write` wrote.  RunFolderError where it is missing or damaged."""
        try:
            lengths, offsets = (np.load(folder / name, allow_pickle=False, mmap_mode="r") for name in (LENGTHS, OFFSETS))
            size = os.path.getsize(folder / TOKENS)
        except (OSError, ValueError, EOFError) as error:
            expected = f"{TOKENS}, {LENGTHS} and {OFFSETS}, all whole"
            raise RunFolderError(message(str(folder), expected, str(error), AGAIN)) from error
        fits = offsets.dtype == np.int64 and lengths.dtype == np.int32 and offsets.ndim == 1 == lengths.ndim
        if not fits or len(offsets) % 2 == 0 or len(offsets) != len(lengths) + 1 or size != 4 * offsets[-1]:
            received = f"{size:,} bytes that do not fit its {OFFSETS}"
            raise RunFolderError(message(str(folder / TOKENS), "as many tokens as its offsets say", received, AGAIN))
        empty = np.empty(0, dtype="<i4")  # an empty file cannot be mapped
        tokens = np.memmap(folder / TOKENS, dtype="<i4", mode="r") if size else empty
        return cls(tokens, lengths, offsets)

    def __len__(self) -> int:
        return len(self.source_lengths)

    def __getitem__(self, row: int) -> tuple[Ids, Ids]:
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of a corpus of {len(self)}")
        first, second, last = self._offsets[2 * (row % len(self)) :][:3]
        return self._tokens[first:second], self._tokens[second:last]


def forget(folder: Path) -> None:
    """Takes away what makes a folder a store: the tokens that lie there count for nothing."""
    for name in (OFFSETS, ABOUT):
        (folder / name).unlink(missing_ok=True)


def share_store(run: Path, own: Path) -> None:
    """Lets another process of a training find the store of the run folder in a folder of its own, where it sees the run folder."""
    if (run / CORPUS).is_dir():
        with suppress(OSError):  # Windows, without the right to: it makes a store for itself
            (own / CORPUS).symlink_to((run / CORPUS).absolute(), target_is_directory=True)


def write_places(folder: Path, lengths: Ids) -> None:
    """Where the sequences of these lengths lie, which makes a folder with their tokens a store."""
    with atomic(folder / LENGTHS) as stream:
        np.save(stream, lengths, allow_pickle=False)
    with atomic(folder / OFFSETS) as stream:
        about = {"descr": "<i8", "fortran_order": False, "shape": (len(lengths) + 1,)}
        np.lib.format.write_array_header_1_0(stream, about)
        stream.write(np.zeros(1, dtype="<i8").tobytes())
        end = 0
        for start in range(0, len(lengths), PART):
            ends = end + np.cumsum(lengths[start : start + PART], dtype="<i8")
            stream.write(ends.tobytes())
            end = int(ends[-1])
