"""Coloured shapes on a small canvas: what they are, and how they stand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from regard.api import Model
from regard.data.images import write_png
from regard.demo import write_parts
from regard.tasks.caption.demo_data import UNSEEN, Scene, cells, named, scenes
from regard.view import page, terminal

PICTURES = 10_000  # a tenth of them for validation
SHOWN = 3
CONFIG: dict[str, Any] = {
    "model": {"decoder": "gru", "embedding": 32, "size": 64, "dropout": 0.2, "embedding_dropout": 0.6},
    "train": {
        **{"epochs": 12, "batch_tokens": 512, "learning_rate": 4e-3, "schedule": "inverse-sqrt", "warmup": 150},
        **{"average": 3, "weight_decay": 0.1, "samples": 1, "report_every": 200},
    },
    "caption": {"channels": 32},
}
HARD: dict[str, Any] = {
    **CONFIG,
    "model": {**CONFIG["model"], "attention": {"score": "additive", "weighting": "hard(1)"}},
    "train": {**CONFIG["train"], "epochs": 24, "schedule": "linear"},
    "caption": {**CONFIG["caption"], "kernel": 3, "draws": 4},  # one cell at a time tells few kinds apart
}


def write(folder: Path, *, seed: int = 1, count: int = PICTURES) -> dict[str, Any]:
    """Make the pictures, say what they are, and hand over the data section of the config."""
    texts = list[str]()
    for name, part in zip(("train", "valid"), scenes(seed, count), strict=True):
        (folder / name).mkdir()
        for i, scene in enumerate(part):
            (folder / name / f"{i}.png").write_bytes(write_png(scene.pixels))
        records = [{"file": f"{name}/{i}.png", "caption": scene.caption} for i, scene in enumerate(part)]
        texts.append("".join(f"{json.dumps(record)}\n" for record in records))
    named = write_parts(folder, "shapes.*.jsonl", texts)
    print(f"{count:,} pictures of one or two coloured shapes, with captions: {folder}/shapes.*.jsonl")
    never = ", ".join(f"{colour} {kind}" for colour, kind in UNSEEN[:3])
    print(f"In each validation picture is a shape whose colour and kind never come together in training: {never} ...")
    return named


def looked(model: Model, part: Sequence[Scene], paths: Sequence[str]) -> dict[str, float]:
    """Whether attention falls on the shape that a word names, its colour or its kind, in captions that are right.

    on_shape: share of these words whose largest weight lies on a cell that the shape's box touches; colours, kinds: of each alone;
    mass: how much of their weight does; chance: how many of the cells those are; right: share of captions that are right.
    """
    hits: dict[str, list[bool]] = {"colours": [], "kinds": []}
    mass, chance, right = list[float](), list[float](), 0
    for scene, (best,) in zip(part, model.stream(paths, beam=1, n_best=1), strict=True):
        if best.text != scene.caption:
            continue
        right += 1
        rows, columns = best.details["grid"]
        name = [name for name in best.attention if name.endswith("cross")][-1]
        words = best.text.split()
        for weights, word, shape in zip(best.attention[name].mean(0), words, named(scene, words), strict=False):
            if shape is not None:
                on = sorted(cells(shape, rows, columns))
                hits["colours" if word == shape.colour else "kinds"].append(int(weights.argmax()) in on)
                mass.append(float(weights[on].sum()))
                chance.append(len(on) / (rows * columns))
    every: dict[str, Sequence[float]] = {"on_shape": [*hits["colours"], *hits["kinds"]], **hits, "mass": mass, "chance": chance}
    return {key: sum(found) / max(len(found), 1) for key, found in every.items()} | {"right": right / max(len(part), 1)}


def show(model: Model, folder: Path, seconds: float) -> None:
    """Figures, captions with where they looked, a page, and what to do next."""
    held = scenes(1, PICTURES)[1]
    paths = [str(folder / "valid" / f"{i}.png") for i in range(len(held))]
    found = looked(model, held, paths)
    print(f"Trained in {seconds:.0f} s.  Of pictures with a shape never seen, {found['right']:.2%} have just the right caption.")
    print(
        f"Of the words that name a shape, {found['on_shape']:.2%} look at it most (its box is {found['chance']:.0%} of the cells); "
        f"{found['mass']:.0%} of their weight lies there.\n"
    )
    for best in model.predict(paths[:SHOWN], beam=5, n_best=1):
        print(f"{best.source}  →  {best.text}   (log-probability {best.score:.3f})")
        print(terminal.draw(best) + "\n")
    pictures = folder / "attention.html"
    page.write(list(model.stream(paths[:20], beam=5, n_best=3)), pictures, title="Where the words look")
    print(
        f"The page of attention, for any browser:   {pictures}\n"
        f"One picture:         regard view {folder}/run {paths[0]} --out looked.png     (needs matplotlib)\n"
        f"Picture by picture:  ls {folder}/valid/*.png | regard predict {folder}/run -\n"
        f"Your own data:       regard train --task caption --train captions.tsv --out my-run     (a file name, a tab, a caption)"
    )
