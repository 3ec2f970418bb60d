"""The smallest runs of each kind: what they answer is nonsense, and always the same."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regard import runs
from regard.config import read_config

MODEL = {"embedding": 8, "size": 11, "dropout": 0.0}
SETTINGS = {"epochs": 1, "batch_tokens": 300, "samples": 0, "metric": "loss", "threads": 1, "learning_rate": 0.02}


def words(count: int = 60, seed: int = 7) -> list[str]:
    drawn, found = random.Random(seed), dict[str, None]()
    while len(found) < count:
        found["".join(drawn.choice("bdgmn") + drawn.choice("aeiou") for _ in range(drawn.randint(1, 3)))] = None
    return list(found)


def made(folder: Path, name: str, lines: list[str], config: Mapping[str, Any], *, files: Mapping[str, Any] | None = None) -> Path:
    """The run folder `folder/run` of a training on these lines.  config: sections beside what is small here; files: of data."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    sections = {"data": {"train": [str(folder / name)]}, "model": dict(MODEL), "train": dict(SETTINGS)}
    if config.get("task") == "language":
        del sections["train"]["batch_tokens"]  # its batches are windows
    if "task" in config:
        del sections["train"]["metric"]
    for section, values in config.items():
        sections[section] = {**sections.get(section, {}), **values} if isinstance(values, Mapping) else values
    runs.train(read_config(sections), folder / "run", say=lambda line: None)
    return folder / "run"


def transducer(folder: Path, **more: Any) -> Path:
    """Words to phones, in a TSV without a header."""
    data = {"target_tokenizer": "space", **more.pop("data", {})}
    return made(folder, "words.tsv", [f"{w}\t{' '.join(w)}" for w in words()], {"data": data, **more})


def inflector(folder: Path) -> Path:
    """Lemma and features to form, in named columns."""
    rows = [f"{w}\t{w}{end}\tV;{f}" for w in words(40) for f, end in (("PRS", "s"), ("PST", "d"))]
    data = {"source": "lemma", "target": "form", "features": "what"}
    return made(folder, "forms.tsv", ["lemma\tform\twhat", *rows], {"data": data})


def of_records(folder: Path) -> Path:
    """Words to phones, in JSON lines."""
    rows = [json.dumps({"source": w, "target": " ".join(w)}) for w in words()]
    return made(folder, "words.jsonl", rows, {"data": {"target_tokenizer": "space"}})


def tagger(folder: Path, **more: Any) -> Path:
    rows = [line for w in words() for line in (f"{w} B-x", "to O", f"{w[::-1]} B-y", "")]
    return made(folder, "tags.conll", rows, {"task": "tag", **more})


def writer(folder: Path) -> Path:
    """A language model of words."""
    section = {"documents": "lines", "window": 8, "streams": 4}
    lines = [f"{a} and {b}" for a in words(8) for b in words(8, 3)]
    return made(folder, "text.txt", lines, {"task": "language", "language": section, "decode": {"max_extra": 6}})


def classifier(folder: Path) -> Path:
    """Texts in named columns."""
    rows = [f"{w} it\t{'long' if len(w) > 4 else 'short'}" for w in words()]
    data = {"source": "text", "target": "label"}
    return made(folder, "texts.tsv", ["text\tlabel", *rows], {"task": "classify", "data": data})
