"""Law 10: a net that looks back finds what was said; seconds, not minutes."""

from __future__ import annotations

from regard import runs
from regard.config import read_config
from regard.tasks.language.demo_data import fables
from regard.tasks.load_run import load_run

MODEL = {
    **{"decoder": "gru", "embedding": 16, "size": 32, "dropout": 0.0},
    "past": {"score": "general", "scope": "window(10, 0)", "memory": "key-value"},
}


def test_what_was_said_is_found_again(tmp_path):
    """One person with one thing, said twice: the thing is 1 of 16 by chance, and the attention lies on the state behind it."""
    train, valid = fables(1, 256, least=1, most=1)
    for name, part in (("train", train), ("valid", valid)):
        (tmp_path / name).write_text("".join(f"{f.text}\n" for f in part), encoding="utf-8")
    values = {
        "task": "language",
        "data": {"train": [str(tmp_path / "train")], "valid": [str(tmp_path / "valid")], "source_tokenizer": "space"},
        "model": MODEL,
        "train": {"epochs": 25, "learning_rate": 0.02, "samples": 0, "threads": 1},
        "decode": {"beam": 1, "max_extra": 3},
        "language": {"documents": "lines", "streams": 8},
    }
    runs.train(read_config(values), tmp_path / "run", say=lambda line: None)
    found = load_run(tmp_path / "run").predict([fable.begun for fable in valid])
    right = [p.tokens[0] == f.words[f.told[0]] for p, f in zip(found, valid, strict=True)]
    assert sum(right) / len(right) >= 0.9
