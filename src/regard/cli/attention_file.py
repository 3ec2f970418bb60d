"""Attention in a file: OUT.npz for NumPy, OUT.jsonl for everything else.  Written as it comes, and there whole or not at all."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from regard.cli.formats import tokens_of

if TYPE_CHECKING:
    from regard.tasks.base import TaskPrediction

SUFFIXES = (".npz", ".jsonl")
Save = Callable[[int, "Sequence[TaskPrediction]"], None]


def claim_attention(path: Path | None) -> Path | None:
    """A new file for attention; None: there will be none.  UsageError where it is there already, or has another ending."""
    if path is None:
        return None
    from regard.view.save import claim

    return claim(path, suffixes=SUFFIXES)


@contextmanager
def saving(path: Path | None) -> Iterator[Save]:
    """Hands over what saves the predictions of one line; line from 1.  None: saves nothing.

    npz: an array (heads, target, source) for each look, named `LINE.RANK.NAME`, both from 1, as in `1.1.decoder.0.cross`; and
    `tokens.json`, a list of objects with line, rank (both from 1), text, score, source_tokens and tokens:
    `json.loads(numpy.load(path)["tokens.json"])`.  Nothing in it is a pickle.
    jsonl: such an object for each hypothesis, with `attention`: name to nested lists.
    Errors: RegardError where the disk is full or cannot be written.
    """
    if path is None:
        yield lambda line, predictions: None
        return
    from regard.core.atomic_files import atomic

    with atomic(path) as file, (_npz if path.suffix.lower() == ".npz" else _jsonl)(file) as save:
        yield save


@contextmanager
def _jsonl(file: IO[bytes]) -> Iterator[Save]:
    def save(line: int, predictions: Sequence[TaskPrediction]) -> None:
        for rank, p in enumerate(predictions, 1):
            looks = {name: weights.tolist() for name, weights in p.attention.items()}
            file.write(json.dumps(tokens_of(line, rank, p) | {"attention": looks}, ensure_ascii=False).encode() + b"\n")

    yield save


@contextmanager
def _npz(file: IO[bytes]) -> Iterator[Save]:
    from numpy.lib.format import write_array

    told: list[dict[str, Any]] = []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:

        def member(name: str) -> IO[bytes]:
            info = zipfile.ZipInfo(name)  # of 1980, so that equal arrays give equal files
            info.compress_type = zipfile.ZIP_DEFLATED
            return archive.open(info, "w", force_zip64=True)

        def save(line: int, predictions: Sequence[TaskPrediction]) -> None:
            for rank, p in enumerate(predictions, 1):
                told.append(tokens_of(line, rank, p))
                for name, weights in p.attention.items():
                    with member(f"{line}.{rank}.{name}.npy") as array:
                        write_array(array, weights, allow_pickle=False)

        yield save
        with member("tokens.json") as tokens:
            tokens.write(json.dumps(told, ensure_ascii=False).encode())
