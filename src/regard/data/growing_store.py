"""A token store that grows block by block, of which nothing is lost when its writer is killed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from regard.core.atomic_files import clean, explain_error, sync_folder, write_text
from regard.core.bounded_json import read_json, require_keys
from regard.core.errors import RunFolderError
from regard.data.examples import Place
from regard.data.length_limit import NAMED, LengthLimit
from regard.data.token_store import ABOUT, TOKENS, Corpus, forget, write_places

NEW_TOKENS, NEW_LENGTHS, PROGRESS = "tokens.new", "lengths.new", "progress.json"  # of a store that is not whole yet
PIECE = 1 << 22  # bytes that are copied at a time


@dataclass
class StoreFacts:
    """What is known of a store.  key: a hash of all that its bytes depend on; blocks: how many are in it; sources: pairs of each source;
    pairs, over: pairs that were read, and how many were too long; long: file, line and lengths of the first of those."""

    key: str
    blocks: int = 0
    sources: list[int] = field(default_factory=list)
    pairs: int = 0
    over: int = 0
    long: list[list[Any]] = field(default_factory=list)

    def tell(self, limit: LengthLimit) -> LengthLimit:
        """A limit that knows what it would have met."""
        limit.pairs, limit.over = self.pairs, self.over
        limit.long = [(Place(file, line), what) for file, line, what in self.long]
        return limit


@dataclass(frozen=True)
class TokenBlock:
    """A block in tokens.  tokens, lengths: files, in the layout of the store; source: which one it is of; the rest as in `StoreFacts`."""

    tokens: str
    lengths: str
    source: int
    rows: int
    pairs: int
    over: int
    long: list[list[Any]]


_KEYS: Mapping[str, Any] = {**dict.fromkeys(("blocks", "pairs", "over"), int), "key": str, "sources": list[int], "long": list}


def open_store(folder: Path, key: str) -> tuple[Corpus, StoreFacts] | None:
    """A whole store of this key; None where another, half of one, or none lies there."""
    try:
        facts = _read(folder / ABOUT)
        return (Corpus.open(folder), facts) if facts.key == key else None
    except (OSError, ValueError, RunFolderError):
        return None


class GrowingStore:
    """A store in the making, which goes on where a writer with the same key was stopped.  What else lies in its folder is replaced."""

    def __init__(self, folder: Path, key: str, sources: int) -> None:
        self.folder = folder
        with explain_error(folder):
            folder.mkdir(parents=True, exist_ok=True)
            clean(folder)
            forget(folder)
        found = self._stopped(key)
        self.facts = found[0] if found else StoreFacts(key, sources=[0] * sources)
        with explain_error(folder):
            for name, size in zip((NEW_TOKENS, NEW_LENGTHS), found[1] if found else (0, 0), strict=True):
                with (folder / name).open("ab") as file:
                    file.truncate(size)

    def _stopped(self, key: str) -> tuple[StoreFacts, tuple[int, int]] | None:
        """What a writer that was stopped had done, and the sizes of its files; None where it is of other data, or not there."""
        try:
            sizes = read_json(self.folder / PROGRESS, most=1_000_000)["sizes"]
            facts = _read(self.folder / PROGRESS)
            wanted = int(sizes[0]), int(sizes[1])
            there = [os.path.getsize(self.folder / name) for name in (NEW_TOKENS, NEW_LENGTHS)]
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return (facts, wanted) if facts.key == key and all(a >= b >= 0 for a, b in zip(there, wanted, strict=True)) else None

    def add(self, block: TokenBlock) -> None:
        """Appends the next block, whose files go.  RegardError where the disk is full."""
        sizes = []
        for name, part in ((NEW_TOKENS, block.tokens), (NEW_LENGTHS, block.lengths)):
            with explain_error(self.folder / name), (self.folder / name).open("ab") as file, open(part, "rb") as read:
                while piece := read.read(PIECE):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
                sizes.append(file.tell())
        facts = self.facts
        facts.blocks, facts.pairs, facts.over = facts.blocks + 1, facts.pairs + block.pairs, facts.over + block.over
        facts.sources[block.source] += block.rows
        facts.long = [*facts.long, *block.long][:NAMED]
        write_text(self.folder / PROGRESS, json.dumps({**asdict(facts), "sizes": sizes}))
        for part in (block.tokens, block.lengths):
            os.unlink(part)

    def finish(self) -> Corpus:
        """The whole store, opened."""
        folder, made = self.folder, self.folder / NEW_LENGTHS
        lengths = np.memmap(made, dtype="<i4", mode="r") if os.path.getsize(made) else np.empty(0, dtype="<i4")
        with explain_error(folder):
            os.replace(folder / NEW_TOKENS, folder / TOKENS)
            sync_folder(folder)
        write_places(folder, lengths)
        write_text(folder / ABOUT, json.dumps(asdict(self.facts), ensure_ascii=False) + "\n")
        del lengths
        for name in (NEW_LENGTHS, PROGRESS):
            (folder / name).unlink()
        return Corpus.open(folder)


def _read(path: Path) -> StoreFacts:
    """ValueError for what no store says of itself."""
    found = require_keys(read_json(path, most=1_000_000), dict(_KEYS), others=True)
    for each in found["long"]:
        _refuse_odd(each)
    return StoreFacts(**{name: found[name] for name in _KEYS})


def _refuse_odd(each: Sequence[Any]) -> None:
    if not isinstance(each, list) or [type(part) for part in each] != [str, int, str]:
        raise ValueError("a place of a long pair that is none")
