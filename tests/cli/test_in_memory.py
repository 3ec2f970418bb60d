"""Data in memory takes the road of a file with the same rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import regard
from regard.core.errors import DataError, RunFolderError
from regard.training.rows_in_run import are_files, write_rows

PAIRS = [(a + b, f"{b} {a}") for a in "abcdef" for b in "uvwxyz"]
SMALL: dict[str, Any] = {
    "data": {"source_tokenizer": "char", "target_tokenizer": "space"},
    "model": {"size": 8, "embedding": 8},
    "train": {"updates": 2, "batch_tokens": 60, "samples": 0, "threads": 1},
}


class Frame:
    """What is asked of a pandas frame."""

    columns = ("word", "ipa")

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def to_dict(self, orient: str) -> list[dict[str, Any]]:
        assert orient == "records"
        return self.rows


class Labelled:
    """What is asked of a `datasets.Dataset`: rows, and the names of classes."""

    class Names:
        names = ["neg", "pos"]  # noqa: RUF012

    features = {"label": Names, "text": str}  # noqa: RUF012

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter([{"text": "so", "label": 1}, {"text": "no", "label": 0}])


def written(given: Any, task: str, folder: Path) -> list[Any]:
    write_rows(given, task, folder / "x.jsonl")
    return [json.loads(line) for line in (folder / "x.jsonl").read_text(encoding="utf-8").splitlines()]


def test_every_form_becomes_the_rows_of_a_file(tmp_path: Path) -> None:
    assert written([("é", "b"), ("c", "d", ["N", "SG"])], "transduce", tmp_path) == [
        {"source": "é", "target": "b"},
        {"source": "c", "target": "d", "features": ["N", "SG"]},
    ]
    assert written([("a", "b", "x")], "pair", tmp_path) == [{"source": "a", "second": "b", "target": "x"}]
    assert written([(["a", "b"], ["O", "B-X"])], "tag", tmp_path) == [{"tokens": ["a", "b"], "tags": ["O", "B-X"]}]
    assert written(Frame([{"word": "a", "ipa": float("nan")}]), "transduce", tmp_path) == [{"word": "a"}]
    assert written(Labelled(), "classify", tmp_path) == [{"text": "so", "label": "pos"}, {"text": "no", "label": "neg"}]
    assert are_files("a.tsv") and are_files([Path("a"), "b"]) and not are_files([("a", "b")]) and not are_files([])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([("a", "b"), ("c",)], r"row 2 of the data in memory: expected \(source, target\[, features\]\)"),
        ([("a", {1, 2})], "row 1: expected texts, numbers and lists"),
        ([], "at least one row; received none"),
        ({"train": [], "test": []}, r'a mapping of train, test. Give one part of it, as data\["train"\]'),
        (3, "expected rows; received int"),
    ],
)
def test_what_is_no_row_is_named(given: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        write_rows(given, "transduce", tmp_path / "x.jsonl")
    assert not list(tmp_path.iterdir())


def test_training_takes_rows_and_gives_what_a_file_gives(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("".join(json.dumps({"source": a, "target": b}) + "\n" for a, b in PAIRS))
    of_file = regard.train(SMALL, tmp_path / "file", train=str(file))
    of_rows = regard.train(SMALL, tmp_path / "rows", train=PAIRS)
    assert of_rows.metrics == of_file.metrics
    kept = tmp_path / "rows" / "data.train.jsonl"
    assert kept.read_bytes() == file.read_bytes()
    assert regard.load(tmp_path / "rows").config.data.train == (str(kept),)
    again = regard.train(SMALL, tmp_path / "rows", train=PAIRS, resume=True)
    assert again.metrics == of_rows.metrics
    with pytest.raises(RunFolderError, match="expected the rows that the run began with; received 35 others"):
        regard.train(SMALL, tmp_path / "rows", train=PAIRS[1:], resume=True)
    assert kept.read_bytes() == file.read_bytes() and not list(kept.parent.glob("*.new"))


def test_a_refused_training_leaves_the_folder_to_be_used(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="empty target"):
        regard.train(SMALL, tmp_path / "run", train=[("a", ""), ("b", "c")])
    assert not (tmp_path / "run").exists()
