"""Language models with and without a look at their own past, at equal parameters: perplexity, and how far back the weight falls.

    python benchmarks/tasks/language.py [--seeds 1 2 3] [--threads 2] [--only songs/plain songs/key-value ...]

Tiny Shakespeare by words in lower case (its own validation part), and the Song poems by character, the lines of a poem joined by `|`
(the first 8,000 poems of the training file, every twentieth of them for validation).  The window is Daniluk et al.'s 15.  Data from
REGARD_DATA (default ../shared/data).  What is in the csv already is not run again.  Writes benchmarks/results/task-language.{csv,md}.
"""

from __future__ import annotations

import gzip
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seeds import DATA, Row, Table, go

from regard import runs
from regard.api import load
from regard.config import read_config
from regard.tasks.language import builder

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


SHAKESPEARE = {"train": "text/tinyshakespeare/train.txt.gz", "valid": "text/tinyshakespeare/valid.txt"}
SONGS = "text/song_ci_zh/train.tsv.gz"
FIGURES = ("perplexity", "bits_per_character", "unknown", "distance", "within_1", "within_5", "size", "parameters")
RUNS = {f"{text}/{kind}": (text, kind) for text in TEXTS for kind in KINDS}
TABLE = Table("task-language", TITLE, "language.py", FIGURES, RUNS)


def files(name: str, folder: Path) -> dict[str, list[str]]:
    """The files of a text; poems are written out, for the split is our own."""
    if name == "shakespeare":
        return {part: [str(DATA / file)] for part, file in SHAKESPEARE.items()}
    parts: dict[str, list[str]] = {"train": [], "valid": []}
    with gzip.open(DATA / SONGS, "rt", encoding="utf-8") as rows:
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
    made = builder.build_language_model(read_config({"task": "language", "model": model(kind, size)}), 4)
    return sum(p.numel() for p in made.parameters())


def widest(kind: str) -> int:
    """The widest state within the parameters of the net without attention."""
    most = parameters("none", WIDE)
    sizes = [size for size in range(PARTS[kind], 2 * WIDE, PARTS[kind]) if size > 32]
    return max(size for size in sizes if parameters(kind, size) <= most)


def run(name: str, seed: int, threads: int) -> list[Row]:
    """Train and judge."""
    text, kind = RUNS[name]
    size, given = widest(kind), TEXTS[text]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        named = files(text, folder)
        train = {**TRAIN, **given["train"], "seed": seed, "threads": threads}
        config = {"task": "language", "data": {**named, **given["data"]}, "model": model(kind, size), "train": train}
        begun = time.perf_counter()
        runs.train(read_config({**config, "language": given["language"]}), folder / "run")
        minutes = (time.perf_counter() - begun) / 60
        task = load(folder / "run")
        found = task.evaluate(named["valid"])
        shape = {"size": size, "parameters": sum(p.numel() for p in task._model.task.parameters())}
    return [TABLE.row(name, seed, found["metrics"] | found["looks"] | shape, minutes, threads)]


if __name__ == "__main__":
    go(TABLE, TABLE.asked(__doc__, [*SHAKESPEARE.values(), SONGS]), run)
