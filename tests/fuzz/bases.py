"""A tiny run of each task, which trials put out of shape."""

from __future__ import annotations

import json
import random
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regard import runs
from regard.config import read_config
from regard.tasks.forecast.demo_data import csv, floods
from regard.tasks.pretrain.demo_data import stories
from regard.tasks.read.demo_data import moves

from .calls import Outcome, called

READER = {"size": 8, "dropout": 0.0, "encoder": "gru", "embedding": 6}
TRANSFORMER = {"family": "transformer", "size": 8, "heads": 2, "feedforward": 8, "dropout": 0.0}
MODELS: dict[str, dict[str, Any]] = {
    **{"transduce": {**READER, "decoder": "gru"}, "tag": READER, "classify": READER, "pair": TRANSFORMER, "read": TRANSFORMER},
    **{"caption": {"size": 8, "decoder": "gru", "embedding": 6}, "language": {"size": 8, "decoder": "gru", "embedding": 6}},
    **{"forecast": TRANSFORMER, "pretrain": {"size": 8, "heads": 2, "feedforward": 8, "encoder_layers": 1}},
}
TRAIN = {"updates": 2, "batch_tokens": 60, "schedule": "constant", "precision": "float32", "threads": 1}
SECTIONS = {
    "forecast": {"past": 12, "ahead": 3},
    "pretrain": {"length": 16, "vocabulary": "char"},
    "language": {"window": 8, "streams": 2},
    "caption": {"channels": 2, "patch": 4},
}


@dataclass(frozen=True)
class Base:
    """A tiny run of a task, its data, and what is predicted from.  known: what commands on it say, by their words, once asked."""

    task: str
    run: Path
    data: list[Path]
    new: Path
    config: dict[str, Any]
    known: dict[Any, Outcome] = field(default_factory=dict)


def bases(folder: Path, only: Collection[str] = frozenset(MODELS)) -> dict[str, Base]:
    """One run of each task, or of some."""
    made = {}
    for task, write in {
        **{"transduce": _pairs, "tag": _tags, "classify": _labels, "pair": _two, "read": _questions, "caption": _images},
        **{"forecast": _series, "language": _text, "pretrain": _stories},
    }.items():
        if task not in only:
            continue
        place = folder / task
        place.mkdir(parents=True)
        data, new = write(place)
        values: dict[str, Any] = {"task": task, "data": {"train": [str(data[0])], "valid": [str(data[0])]}, "model": MODELS[task]}
        values |= {
            "train": {k: v for k, v in TRAIN.items() if k != "batch_tokens" or task != "language"},
            **({task: SECTIONS[task]} if task in SECTIONS else {}),
        }
        runs.train(read_config(values), place / "run", say=lambda line: None)
        made[task] = Base(task, place / "run", data, new, values)
        called("predict", str(place / "run"), str(new), "--precision", "int8")  # leaves its report there
    return made


def _lines(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def _pairs(folder: Path) -> tuple[list[Path], Path]:
    some = [("abc", "x y"), ("ab", "x"), ("bca", "y x"), ("cab", "x y x"), ("b", "y"), ("ca", "z"), ("aé", "x z"), ("cc", "z z")]
    return [_lines(folder / "d.tsv", [f"{a}\t{b}" for a, b in some])], _lines(folder / "new.txt", ["abc", "", "qé"])


def _tags(folder: Path) -> tuple[list[Path], Path]:
    some = ["Ada\tB-PER", "went\tO", "to\tO", "Rome\tB-LOC", "", "Bo\tB-PER", "sang\tO", "", "the\tO", "Tiber\tB-LOC", ""] * 2
    return [_lines(folder / "d.conll", some)], _lines(folder / "new.txt", ["Ada went", "", "Zoë sang"])


def _labels(folder: Path) -> tuple[list[Path], Path]:
    some = ["good day\tpos", "bad day\tneg", "so good\tpos", "so bad\tneg", "a good one\tpos", "a bad one\tneg"]
    return [_lines(folder / "d.tsv", some)], _lines(folder / "new.txt", ["good", "", "Ω bad"])


def _two(folder: Path) -> tuple[list[Path], Path]:
    some = ["a man eats\ta man\tyes", "a dog runs\ta cat\tno", "it rains\tit is wet\tyes", "he sings\the sleeps\tno"] * 2
    return [_lines(folder / "d.tsv", some)], _lines(folder / "new.tsv", ["a man\ta dog", "it\tit"])


def _questions(folder: Path) -> tuple[list[Path], Path]:
    path = folder / "d.json"
    path.write_text(json.dumps({"data": [{"paragraphs": moves(1, 6)}]}), encoding="utf-8")
    return [path], path


def _images(folder: Path) -> tuple[list[Path], Path]:
    for i in range(4):
        (folder / f"{i}.ppm").write_bytes(b"P6 8 8 255\n" + bytes(random.Random(i).randrange(256) for _ in range(192)))
    path = _lines(folder / "d.tsv", [f"{i}.ppm\ta {w} thing" for i, w in enumerate(("red", "blue", "green", "red"))])
    return [path, folder / "0.ppm"], _lines(folder / "new.tsv", ["0.ppm", "1.ppm"])


def _series(folder: Path) -> tuple[list[Path], Path]:
    path = folder / "d.csv"
    path.write_text(csv(*floods(1, 120)))
    return [path], path


def _text(folder: Path) -> tuple[list[Path], Path]:
    return [_lines(folder / "d.txt", ["the cat sat on the mat", "a dog ran", "and so on and on"] * 4)], _lines(
        folder / "n.txt", ["the"]
    )


def _stories(folder: Path) -> tuple[list[Path], Path]:
    told = stories(3, 12, sentences=4)[0]
    path = _lines(folder / "d.txt", [line for story in told for line in (*story, "")])
    return [path], _lines(folder / "new.txt", ["the [MASK] is", "a"])
