"""Small language models for the laws over tasks: running texts and lines, nets that carry their state and nets that do not."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from regard.tasks.language.demo_data import fables


def texts(folder: Path, **more: Any) -> dict[str, Any]:
    """A file of made sentences for training, and one to judge by."""
    for name, part in zip(("train", "valid"), fables(3, 90), strict=True):
        (folder / f"{name}.txt").write_text("".join(f"{s.text}\n" for s in part), encoding="utf-8")
    return {name: [str(folder / f"{name}.txt")] for name in ("train", "valid")} | more


def begun(folder: Path) -> list[Any]:
    """Beginnings of many lengths, some of the same, nothing at all, and letters that training never saw."""
    lines = (folder / "valid.txt").read_text(encoding="utf-8").splitlines()
    return [line[: 3 + i] for i, line in enumerate(lines[:9])] + ["", "ann cup bén", lines[0][:3]]


BASE = {"task": "language", "train": {"batch_tokens": 2000}, "decode": {"max_extra": 9, "beam": 2}}
CUT = {"window": 13, "streams": 5}
CELLS = {"decoder": "gru", "embedding": 12, "size": 12, "dropout": 0.1}
WRITER = {"family": "transformer", "size": 32, "heads": 2, "feedforward": 24, "decoder_layers": 2, "dropout": 0.1}
NEAR = {"positions": "rotary", "self_attention": {"scope": "window(9, 0)"}}
RECALL = {"score": "additive", "scope": "window(7, 0)", "memory": "key-value-predict"}
SPARSE = {"score": "scaled", "weighting": "sparsemax", "scope": "window(3, 0)"}
LINES = {"documents": "lines", "window": 6, "streams": 4}

LANGUAGES = {
    "language": (texts, BASE | {"model": CELLS | {"past": RECALL}, "language": CUT}, begun),
    "language-lines-drawn": (
        partial(texts, source_tokenizer="space"),
        BASE | {"model": CELLS | {"past": SPARSE}, "language": LINES, "decode": {"sample": True, "max_extra": 9}},
        begun,
    ),
    "language-transformer": (texts, BASE | {"model": WRITER, "language": CUT}, begun),
    "language-transformer-carried": (texts, BASE | {"model": WRITER | NEAR, "language": CUT | {"carry": True}}, begun),
    "language-aaren": (texts, BASE | {"model": WRITER | {"family": "aaren"}, "language": CUT}, begun),
}
