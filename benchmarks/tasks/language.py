"""Language models with and without a look at their own past, at equal parameters: perplexity, and how far back the weight falls.

    python benchmarks/tasks/language.py [--seeds 1 2 3] [--only shakespeare songs] [--kinds none plain key-value key-value-predict]

Tiny Shakespeare by words in lower case (its own validation part), and the Song poems by character, the lines of a poem joined by `|`
(the first 8,000 poems of the training file, every twentieth of them for validation).  The window is Daniluk et al.'s 15.  Data from
REGARD_DATA (default ../shared/data).  What is in the csv already is not run again.  Writes benchmarks/results/task-language.{csv,md}.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tables

from regard.doors.python import load
from regard.workshop import build_language, fit
from regard.workshop.config import read_config

HEAD = [
    *("text", "attention", "seed", "size", "parameters", "perplexity", "bits_per_character", "unknown"),
    *("distance", "within_1", "within_5", "minutes"),
]
TITLE = (
    "Language models at equal parameters (those of the net without attention; the state is as wide as they allow). Published order of "
    "perplexity (Daniluk et al. 2017, Wikipedia): key-value-predict < key-value < attention; most of the weight on the last 2-5 outputs. "
    "distance: mean number of words back, and the share of the weight within 1 and 5"
)
KINDS = ("none", "plain", "key-value", "key-value-predict")
PARTS = {"none": 1, "plain": 1, "key-value": 2, "key-value-predict": 3}
WIDE = 256  # the state of the net without attention
TEXTS: Mapping[str, dict[str, Any]] = {
    "shakespeare": {
        "data": {"source_tokenizer": "word", "lowercase": True},
        "language": {"window": 35, "streams": 32, "min_count": 2},
        "train": {"epochs": 8},
    },
    "songs": {
        "data": {"source_tokenizer": "char"},
        "language": {"documents": "lines", "window": 64, "streams": 32, "min_count": 2},
        "train": {"epochs": 6},
    },
}
TRAIN = {"learning_rate": 0.003, "schedule": "plateau", "plateau_patience": 0, "clip": 5.0, "samples": 0, "report_every": 200}
POEMS = 8_000


def files(name: str, folder: Path) -> dict[str, list[str]]:
    """The files of a text; poems are written out, for the split is our own."""
    data = Path(os.environ.get("REGARD_DATA", "../shared/data")) / "text"
    if not data.is_dir():
        sys.exit(f"{data}: expected the folder of texts; received nothing of that name. Set REGARD_DATA to the data folder.")
    if name == "shakespeare":
        of = data / "tinyshakespeare"
        return {"train": [str(of / "train.txt.gz")], "valid": [str(of / "valid.txt")]}
    parts: dict[str, list[str]] = {"train": [], "valid": []}
    with gzip.open(data / "song_ci_zh" / "train.tsv.gz", "rt", encoding="utf-8") as rows:
        for i, row in zip(range(POEMS), rows, strict=False):
            parts["train" if i % 20 else "valid"].append(row.rstrip("\n").split("\t")[2])
    for part, poems in parts.items():
        (folder / f"{part}.txt").write_text("".join(f"{poem}\n" for poem in poems), encoding="utf-8")
    return {part: [str(folder / f"{part}.txt")] for part in parts}


def model(kind: str, size: int) -> dict[str, Any]:
    past: Any = "none" if kind == "none" else {"score": "additive", "scope": "window(15, 0)", "memory": kind}
    return {
        **{"decoder": "lstm", "embedding": 128, "size": size, "past": past, "tie": "output"},
        **{"dropout": 0.4, "embedding_dropout": 0.2},
    }


def parameters(kind: str, size: int) -> int:
    """Of the net less its vocabulary, which is the same for all."""
    made = build_language.language(read_config({"task": "language", "model": model(kind, size)}), 4)
    return sum(p.numel() for p in made.parameters())


def widest(kind: str) -> int:
    """The widest state within the parameters of the net without attention."""
    most = parameters("none", WIDE)
    sizes = [size for size in range(PARTS[kind], 2 * WIDE, PARTS[kind]) if size > 32]
    return max(size for size in sizes if parameters(kind, size) <= most)


def one(text: str, kind: str, seed: int, epochs: int | None) -> list[Any]:
    """A row of the table."""
    size = widest(kind)
    with tempfile.TemporaryDirectory() as made:
        folder, given = Path(made), TEXTS[text]
        named = files(text, folder)
        train = {**TRAIN, **given["train"], "seed": seed, **({} if epochs is None else {"epochs": epochs})}
        config = {"task": "language", "data": {**named, **given["data"]}, "model": model(kind, size), "train": train}
        begun = time.perf_counter()
        fit.train(read_config({**config, "language": given["language"]}), folder / "run")
        minutes = (time.perf_counter() - begun) / 60
        task = load(folder / "run")
        found, count = task.evaluate(named["valid"]), sum(p.numel() for p in task._model.task.parameters())
    figures = [f"{found['metrics'][name]:.4g}" for name in HEAD[5:8]]
    looks = [f"{found['looks'][name]:.4g}" if found["looks"] else "-" for name in HEAD[8:11]]
    return [text, kind, seed, size, count, *figures, *looks, f"{minutes:.1f}"]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    asked.add_argument("--epochs", type=int)
    asked.add_argument("--only", nargs="+", choices=list(TEXTS), default=list(TEXTS))
    asked.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    options = asked.parse_args()
    path = tables.RESULTS / "task-language.csv"
    rows: list[list[Any]] = []
    if path.exists():
        with path.open(encoding="utf-8") as file:
            rows = [row for row in list(csv.reader(file))[1:] if row[2] != "median"]
    for seed in options.seeds:
        for text, kind in ((text, kind) for text in options.only for kind in options.kinds):
            if not any((row[0], row[1], int(row[2])) == (text, kind, seed) for row in rows):
                rows.append(one(text, kind, seed, options.epochs))
                keep(rows)
    keep(rows)


def keep(rows: Sequence[list[Any]]) -> None:
    """The table, with the median of the seeds below each kind."""
    whole = list[list[Any]]()
    for text, kind in ((text, kind) for text in TEXTS for kind in KINDS):
        same = sorted((row for row in rows if row[:2] == [text, kind]), key=lambda row: int(row[2]))
        whole += same
        if len(same) > 1:
            columns = [[row[i] for row in same if row[i] != "-"] for i in range(5, len(HEAD))]
            told = [f"{median(map(float, column)):.4g}" if column else "-" for column in columns]
            whole.append([text, kind, "median", *same[0][3:5], *told])
    tables.write("task-language", TITLE, "python benchmarks/tasks/language.py", HEAD, whole)


if __name__ == "__main__":
    main()
