"""Every task reads a folder of parts as the parts one after another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regard.config import read_config
from regard.data.columns import Layout
from regard.data.pairs import each_labelled, each_pair
from regard.data.plain_text import read_plain
from regard.tasks.caption.data import read_captioned
from regard.tasks.forecast import task as forecast
from regard.tasks.pair.data import PairColumns, read_coupled
from regard.tasks.pretrain.documents import read_documents
from regard.tasks.read.data import read_asked
from regard.tasks.tag.data import read_tagged

Read = Callable[[Sequence[str]], Iterator[Any]]


def series(files: Sequence[str]) -> Iterator[Any]:
    config = read_config({"task": "forecast", "data": {"train": list(files)}})
    return iter(tuple(one.values.ravel().tolist()) for one in forecast._read(files, config))


def question(n: int) -> str:
    return json.dumps({"context": f"it is {n}", "question": "what", "answers": [{"text": str(n), "answer_start": 6}]}) + "\n"


READERS: dict[str, tuple[Read, str, Callable[[int], str]]] = {
    "transduce": (lambda files: each_pair(files, Layout()), "tsv", lambda n: f"a{n}\tb{n}\n"),
    "classify": (lambda files: each_labelled(files, Layout()), "csv", lambda n: f"a{n},b\n"),
    "pair": (lambda files: read_coupled(files, PairColumns()), "tsv", lambda n: f"a{n}\tb{n}\tc\n"),
    "tag": (read_tagged, "conll", lambda n: f"a{n} B-x\nb O\n\n"),
    "read": (lambda files: read_asked(files, blank=False), "jsonl", question),
    "language": (lambda files: read_plain(files, kind="lines"), "txt", lambda n: f"text {n}\n"),
    "pretrain": (read_documents, "txt", lambda n: f"first {n}\nsecond\n\n"),
    "forecast": (series, "csv", lambda n: "date,v\n" + "".join(f"2026-01-{d:02},{d + n}\n" for d in range(1, 9))),
}


@pytest.mark.parametrize("task", READERS)
def test_a_folder_is_its_parts_in_order(task: str, tmp_path: Path) -> None:
    read, ending, text = READERS[task]
    parts = [tmp_path / "parts" / f"part-{n}.{ending}" for n in (2, 9, 10)]
    parts[0].parent.mkdir()
    for n, part in enumerate(parts):
        part.write_text(text(n))
    found = list(read([str(tmp_path / "parts")]))
    if task == "pretrain":  # a document knows its number
        assert [(d.lines, d.place.file) for d in found] == [((f"first {n}", "second"), str(p)) for n, p in enumerate(parts)]
    else:
        assert found == [item for part in parts for item in read([str(part)])] and len(found) == 3


def test_captions_in_parts_stand_beside_one_file_of_features(tmp_path: Path) -> None:
    (tmp_path / "said").mkdir()
    for n in (2, 10):
        (tmp_path / "said" / f"part-{n}.txt").write_text(f"caption {n}\n")
    np.savez(tmp_path / "seen.npz", features=np.arange(16, dtype=np.float32).reshape(2, 2, 4))
    found = list(read_captioned([str(tmp_path / "said"), str(tmp_path / "seen.npz")], Layout()))
    assert [item.captions for item in found] == [("caption 2",), ("caption 10",)]
    assert [item.seen.ravel()[0] for item in found] == [0, 8]
