"""A corpus, a run that answers it in processes that begin quickly, and the parts that it makes."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from regard.cli.main import run as command
from regard.export import folder as exports

from . import small

ROWS = 190
BATCH = ["--batch-size", "2"]  # 32 rows are sorted together
PARTS = ["--part-rows", "50"]  # so that a part has 64


_made = list[Path]()


def make_run(factory: pytest.TempPathFactory) -> Path:
    """A run with its export, once for a process of tests."""
    if _made:
        return _made[0]
    made, patch = small.transducer(factory.mktemp("corpus")), pytest.MonkeyPatch()
    patch.setattr(exports, "MADE_UP", 40)
    assert command(["warm-up", str(made), "--quiet"]) == 0
    patch.undo()
    _made.append(made)
    return made


def make_corpus(run: Path) -> Path:
    path = run.parent / "corpus.txt"
    path.write_text("".join(f"{word}\n" for word in small.words(ROWS, 5)), "utf-8")
    return path


class Asker:
    """`regard predict`, and what it says on stdout and stderr after it ended with a code."""

    def __init__(self, capsys: Any) -> None:
        self.capsys = capsys

    def __call__(self, *words: object, code: int = 0) -> tuple[str, str]:
        assert command(["predict", *map(str, words)]) == code
        told = self.capsys.readouterr()
        return told.out, told.err


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*"))


def whole(folder: Path) -> str:
    """All parts, after what their manifest says of them was seen to be so."""
    told = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert [part["name"] for part in told["parts"]] == [path.name for path in parts(folder)]
    assert [part["sha256"] for part in told["parts"]] == [sha256(path.read_bytes()).hexdigest() for path in parts(folder)]
    assert sum(part["rows"] for part in told["parts"]) == told["rows"] and not list(folder.glob(".*"))
    return "".join(path.read_text("utf-8") for path in parts(folder))
