"""Small trained models for the tests of the doors: made once a session, in seconds."""

from __future__ import annotations

from pathlib import Path

from regard import runs
from regard.config import read_config
from regard.tasks.transduce.demo_data import dates

RECURRENT = {"encoder": "bigru", "decoder": "gru", "embedding": 24, "size": 48, "dropout": 0.1}
TRANSFORMER = {"family": "transformer", "size": 32, "heads": 2, "feedforward": 64, "dropout": 0.1}


def train_dates(folder: Path, model: dict[str, object], *, epochs: int, pairs: int = 1500) -> Path:
    """A run folder of a model that has seen some dates."""
    train, valid = dates(3, pairs)
    for name, rows in (("train.tsv", train), ("valid.tsv", valid)):
        (folder / name).write_text("".join(f"{a}\t{b}\n" for a, b in rows), encoding="utf-8")
    settings = {"epochs": epochs, "batch_tokens": 400, "learning_rate": 5e-3, "metric": "loss", "samples": 0}
    data = {"train": [str(folder / "train.tsv")], "valid": [str(folder / "valid.tsv")]}
    runs.train(read_config({"data": data, "model": model, "train": settings}), folder / "run", say=lambda line: None)
    return folder / "run"
