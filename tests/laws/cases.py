"""Every task, small: how to make its data, its config, and items to predict from."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from regard.data.images import write_png
from regard.tasks.caption.demo_data import scenes
from regard.tasks.classify.demo_data import messages
from regard.tasks.forecast.demo_data import csv as river
from regard.tasks.forecast.demo_data import floods
from regard.tasks.pair.demo_data import claims
from regard.tasks.read.demo_data import moves
from regard.tasks.tag.demo_data import tickets

from .begun import PRETRAINING, begun, masked_lines, plain_data
from .going import LANGUAGES

TRAIN = {"epochs": 2, "batch_tokens": 120, "learning_rate": 5e-3, "samples": 0, "precision": "float32", "threads": 1}
RECURRENT = {"encoder": "bigru", "embedding": 12, "size": 10, "dropout": 0.1}
TRANSFORMER = {"family": "transformer", "size": 32, "heads": 2, "feedforward": 24, "encoder_layers": 2, "dropout": 0.1}


class Case(NamedTuple):
    """A task: how to make its data (the data section comes back), what else its config says, and items to predict from."""

    data: Callable[[Path], dict[str, Any]]
    more: dict[str, Any]
    items: Callable[[Path], list[Any]]


def tag_data(folder: Path) -> dict[str, Any]:
    named = {}
    for name, part in zip(("train", "valid"), tickets(3, 100), strict=True):
        rows = [[" ".join(s.tokens) for s in part], [" ".join(s.tags) for s in part], [s.label for s in part]]
        named[name] = [str(folder / f"{name}.{i}") for i in range(3)]
        for file, lines in zip(named[name], rows, strict=True):
            Path(file).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return named


def class_data(folder: Path) -> dict[str, Any]:
    named = {}
    for name, part in zip(("train", "valid"), messages(3, 100), strict=True):
        named[name] = [str(folder / f"{name}.0")]
        Path(named[name][0]).write_text("".join(f"{m.text}\t{m.label}\n" for m in part), encoding="utf-8")
    return named


def first_columns(folder: Path) -> list[Any]:
    return [line.split("\t")[0] for line in first_lines(folder)]


def pair_data(folder: Path, *, numbers: bool = False) -> dict[str, Any]:
    """numbers: how long the claim is, in place of the label."""
    named = {}
    for name, part in zip(("train", "valid"), claims(3, 100), strict=True):
        named[name] = [str(folder / f"{name}.0")]
        rows = [(a, b, str(len(b) / 4) if numbers else label) for a, b, label in part]
        Path(named[name][0]).write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    return named


def couples(folder: Path) -> list[Any]:
    first, *others = [tuple(line.split("\t")[:2]) for line in first_lines(folder)]
    return [first, *others, first[::-1], (first[0] * 3, "x"), ("", "")]


def first_lines(folder: Path) -> list[Any]:
    return (folder / "valid.0").read_text(encoding="utf-8").splitlines()


def read_data(folder: Path, *, cloze: bool = False) -> dict[str, Any]:
    named = {name: [str(folder / f"{name}.json{'l' * cloze}")] for name in ("train", "valid")}
    for (file,), seed, count in zip(named.values(), (1, 2), (24, 5), strict=True):
        made = moves(seed, count, held=seed == 2, cloze=cloze)
        text = "".join(f"{json.dumps(x)}\n" for x in made) if cloze else json.dumps({"data": [{"paragraphs": made}]})
        Path(file).write_text(text, encoding="utf-8")
    return named


def cloze_data(folder: Path) -> dict[str, Any]:
    return read_data(folder, cloze=True)


def questions(folder: Path) -> list[Any]:
    spans = [(p["context"], qa["question"]) for p in moves(4, 4, held=True) for qa in p["qas"]]
    return spans + [(text * 2, question) for text, question in spans[:2]] + [("", "Where?")]


def blanks(folder: Path) -> list[Any]:
    return [(" ".join(x["doc"]), x["query"]) for x in moves(4, 4, held=True, cloze=True)] + [("", "XXXXX")]


def caption_data(folder: Path) -> dict[str, Any]:
    """Pictures, some with two captions."""
    named = {}
    for name, part in zip(("train", "valid"), scenes(3, 80), strict=True):
        for i, scene in enumerate(part):
            (folder / f"{name}.{i}.png").write_bytes(write_png(scene.pixels))
        records = [{"file": f"{name}.{i}.png", "caption": [s.caption, "two"][: 1 + i % 2]} for i, s in enumerate(part)]
        (folder / f"{name}.jsonl").write_text("".join(f"{json.dumps(r)}\n" for r in records), encoding="utf-8")
        named[name] = [str(folder / f"{name}.jsonl")]
    return named


def feature_data(folder: Path) -> dict[str, Any]:
    """Cells of features, and captions line for line."""
    random, named = np.random.default_rng(3), {}
    for name, count in (("train", 40), ("valid", 11)):
        rows = random.integers(0, 2, (count, 2, 3, 5)).astype(np.float32)
        np.savez(folder / f"{name}.npz", features=rows)
        words = (" ".join("ab"[int(x)] for x in row[:, :, 0].ravel()[: 1 + i % 6]) for i, row in enumerate(rows))
        (folder / f"{name}.txt").write_text("".join(f"{line}\n" for line in words), encoding="utf-8")
        named[name] = [str(folder / f"{name}.txt"), str(folder / f"{name}.npz")]
    return named


def pictures(folder: Path) -> list[Any]:
    return sorted(map(str, folder.glob("valid.*.png")))


def features(folder: Path) -> list[Any]:
    return list(np.load(folder / "valid.npz")["features"])


WRITER = {"decoder": "gru", "embedding": 12, "size": 10, "dropout": 0.1}
SHORT = {"decode": {"max_extra": 9, "min_length": 1, "beam": 1}}


def forecast_data(folder: Path) -> dict[str, Any]:
    times, values = floods(3, 230)
    for name, first, last in (("train", 0, 150), ("valid", 140, 230)):
        (folder / f"{name}.csv").write_text(river(times[first:last], values[first:last]), encoding="utf-8")
    return {name: [str(folder / f"{name}.csv")] for name in ("train", "valid")}


def forecast_items(folder: Path) -> list[Any]:
    values = floods(3, 230)[1]
    return [values[:end] for end in range(140, 150)]


FORECAST = {"past": 12, "ahead": 5, "season": 6, "patch": 4, "stride": 2}
BOTH = {"decoder": "gru", "order": "luong", "input_feeding": False, "attention": "additive"}


CASES = {
    "forecast": Case(
        forecast_data,
        {"task": "forecast", "model": {**RECURRENT, **BOTH}, "forecast": {**FORECAST, "level": "last"}},
        forecast_items,
    ),
    "forecast-transformer": Case(
        forecast_data,
        {"task": "forecast", "model": TRANSFORMER, "forecast": {**FORECAST, "channels": "together", "level": "none"}},
        forecast_items,
    ),
    "forecast-flat-aaren": Case(
        forecast_data,
        {
            "task": "forecast",
            "model": {**TRANSFORMER, "family": "aaren"},
            "forecast": {**FORECAST, "head": "flat", "blend": True},
        },
        forecast_items,
    ),
    **{name: Case(*made) for name, made in LANGUAGES.items()},
    **{name: Case(plain_data, more, masked_lines) for name, more in PRETRAINING.items()},
    "pair-begun": Case(pair_data, {"task": "pair", "model": {"pretrained": begun()}}, couples),
    "tag-begun": Case(tag_data, {"task": "tag", "model": {"pretrained": begun()}, "tag": {"letters": 6}}, first_lines),
    "read-begun": Case(read_data, {"task": "read", "model": {"pretrained": begun()}}, questions),
    "read-cloze-begun": Case(cloze_data, {"task": "read", "model": {"pretrained": begun()}, "read": {"head": "over"}}, blanks),
    "classify-begun": Case(class_data, {"task": "classify", "model": {"pretrained": begun()}}, first_columns),
    "caption": Case(caption_data, {"task": "caption", "model": WRITER, "caption": {"channels": 4}, **SHORT}, pictures),
    "caption-hard-features": Case(
        feature_data,
        {"task": "caption", "model": {**WRITER, "attention": {"weighting": "hard"}}, "caption": {"draws": 3}, **SHORT},
        features,
    ),
    "caption-transformer-penalty": Case(
        feature_data,
        {"task": "caption", "model": {**TRANSFORMER, "decoder_layers": 1}, "caption": {"doubly_stochastic": 0.5}, **SHORT},
        features,
    ),
    "pair": Case(pair_data, {"task": "pair", "model": RECURRENT}, couples),
    "pair-transformer-number": Case(
        partial(pair_data, numbers=True),
        {"task": "pair", "model": TRANSFORMER, "pair": {"output": "number", "align": "additive(8)", "hidden": 12}},
        couples,
    ),
    "pair-apart-square": Case(
        lambda folder: {**pair_data(folder, numbers=True), "source_tokenizer": "char"},
        {
            "task": "pair",
            "model": RECURRENT,
            "pair": {"output": "number", "ratings": "square", "align": "none", "compose": False, "overlap": False},
        },
        couples,
    ),
    "pair-sparse-local": Case(
        pair_data,
        {
            "task": "pair",
            "model": RECURRENT,
            "pair": {"align": {"score": "general", "scope": "window(4)", "weighting": "sparsemax", "heads": 2}, "compose": False},
        },
        couples,
    ),
    "classify": Case(class_data, {"task": "classify", "model": RECURRENT}, first_columns),
    "classify-structured-letters": Case(
        class_data,
        {
            "task": "classify",
            "model": RECURRENT,
            "classify": {
                **{"pooling": "structured", "hops": 3, "hop_width": 8, "hop_penalty": 0.1},
                **{"class_weights": "balanced", "letters": 6},
            },
        },
        first_columns,
    ),
    "classify-cls-transformer": Case(
        class_data, {"task": "classify", "model": TRANSFORMER, "classify": {"pooling": "cls"}}, first_columns
    ),
    "classify-max": Case(
        lambda folder: {**class_data(folder), "source_tokenizer": "char"},
        {"task": "classify", "model": RECURRENT, "classify": {"pooling": "max"}},
        first_columns,
    ),
    "read": Case(read_data, {"task": "read", "model": RECURRENT, "read": {"letters": 6}}, questions),
    "read-transformer": Case(read_data, {"task": "read", "model": TRANSFORMER, "read": {"look": {"heads": 3}}}, questions),
    "read-over": Case(cloze_data, {"task": "read", "model": RECURRENT, "read": {"head": "over"}}, blanks),
    "read-sum-transformer": Case(cloze_data, {"task": "read", "model": TRANSFORMER, "read": {"head": "sum"}}, blanks),
    "tag": Case(tag_data, {"task": "tag", "model": RECURRENT, "tag": {"letters": 6}}, first_lines),
    "tag-softmax-transformer": Case(
        tag_data, {"task": "tag", "model": TRANSFORMER, "tag": {"head": "softmax", "letters": 6}}, first_lines
    ),
}
