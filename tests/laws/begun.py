"""Pre-training for the laws over tasks: its data, and a folder that other tasks begin with."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch

from regard.build.bert import make_bert
from regard.data.wordpiece import WordPieces
from regard.networks.bert import BertShape, draw
from regard.pretrained import huggingface
from regard.tasks.pretrain.demo_data import stories

_HELD = tempfile.TemporaryDirectory()  # until the process ends
BERT = {"size": 12, "heads": 2, "feedforward": 24, "encoder_layers": 2, "dropout": 0.1}
PRETRAINING = {
    "pretrain": {"task": "pretrain", "model": BERT, "pretrain": {"length": 24, "vocabulary": "wordpiece(150)"}},
    "pretrain-left-to-right": {
        "task": "pretrain",
        "model": BERT,
        "pretrain": {"manner": "left-to-right", "length": 24, "vocabulary": "char"},
    },
}


def plain_data(folder: Path) -> dict[str, Any]:
    """Stories, a blank line between them."""
    named = {}
    for name, told in zip(("train", "valid"), stories(3, 60, sentences=6), strict=True):
        named[name] = [str(folder / f"{name}.txt")]
        Path(named[name][0]).write_text("\n".join("".join(f"{line}\n" for line in story) for story in told))
    return named


def masked_lines(folder: Path) -> list[Any]:
    lines = [line.split() for line in (folder / "valid.txt").read_text().splitlines() if line]
    masked = [" ".join([*words[:1], "[MASK]", *words[2:]]) for words in lines[:9]]
    return [*masked, "the [MASK] is [MASK] . [MASK]\tso it is", "no mask", "", "one text\tand another"]


def begun(letters: str = "abcdefghijklmnopqrstuvwxyz0123456789.,'!?:;-/") -> str:
    """A folder of a BERT with random weights, whose pieces are letters."""
    folder = Path(_HELD.name) / "bert"
    if not folder.exists():
        torch.manual_seed(5)
        pieces = WordPieces.learn("char", [f"{letters}{letters[::-1]} {' '.join(letters)}"])
        bert = make_bert(BertShape(len(pieces), size=12, layers=2, heads=2, feedforward=24, positions=700))
        draw(bert, spread=0.3)
        huggingface.write(folder, bert, pieces, {}, architecture="BertModel")
    return str(folder)
