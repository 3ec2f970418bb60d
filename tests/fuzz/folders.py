"""Run folders of which a file was changed: they answer as before, say why not, or what was changed says what it means."""

from __future__ import annotations

import json
import random
import shutil
from hashlib import sha256
from pathlib import Path

import torch

from regard.config import load_config
from regard.config.network_keys import other_net
from regard.training.checksums import CONFIG
from regard.training.provenance import RUN

from .bases import Base
from .calls import Outcome, alike, called, news
from .damage import changed_values, damaged

WAYS = ("predict", "predict", "evaluate", "info", "resume", "int8")


def try_values(draw: random.Random, base: dict[str, Base], folder: Path) -> tuple[str, Outcome]:
    """A value in a file of a run folder."""
    given = base[draw.choice(list(base))]
    files = sorted(p for p in given.run.rglob("*") if p.suffix in (".json", ".jsonl", ".yaml") and p.is_file())
    path = draw.choice(files)
    text, name = changed_values(path.read_text(encoding="utf-8"), path, draw)
    return _with(given, path, text.encode("utf-8", "surrogatepass"), f"{given.task}: {name}", draw, folder)


def try_bytes(draw: random.Random, base: dict[str, Base], folder: Path) -> tuple[str, Outcome]:
    """Bytes of a file of a run folder."""
    given = base[draw.choice(list(base))]
    path = draw.choice(sorted(p for p in given.run.rglob("*") if p.is_file()))
    return _with(given, path, damaged(path.read_bytes(), draw), f"{given.task}: bytes of {path.name}", draw, folder)


def try_threads(draw: random.Random, base: dict[str, Base], folder: Path) -> tuple[str, Outcome]:
    """Another number of threads, and of items at a time."""
    given = base[draw.choice(list(base))]
    verb = draw.choice(("predict", "evaluate"))
    words = [str(given.run), str(given.data[0]), *(["--format", "jsonl"] if verb == "predict" else ["--json"])]
    words += draw.choice(([], ["--precision", "int8"]))
    if (verb, *words) not in given.known:
        given.known[verb, *words] = called(verb, *words, "--threads", "1")
    more = ["--threads", str(draw.randrange(2, 8))]
    if given.task not in ("language", "forecast") or verb == "predict":
        more += draw.choice(([], ["--batch-size", str(draw.randrange(1, 9))]))
    try:
        found = called(verb, *words, *more)
    finally:
        torch.set_num_threads(1)
    name, before = f"{verb} {given.task} {' '.join(words[3:] + more)}", given.known[verb, *words]
    if found.how == before.how == "worked" and not alike(
        *(list(map(json.loads, o.answer.splitlines())) for o in (found, before))
    ):
        return name, found.silent(f"{before.answer:.200} with one thread, {found.answer:.200}")
    return name, found


def _with(base: Base, path: Path, data: bytes, name: str, draw: random.Random, folder: Path) -> tuple[str, Outcome]:
    way, run = draw.choice(WAYS), folder / "run"
    if (way, run) not in base.known:  # what is said names the folder
        shutil.copytree(base.run, run)
        base.known[way, run] = _asked(way, base, run)
        shutil.rmtree(run)
    shutil.copytree(base.run, run)
    try:
        (run / path.relative_to(base.run)).write_bytes(data)
        found, before = _asked(way, base, run), base.known[way, run]
        changed = found.how == "worked" and found.answer != before.answer and not news(found.said, before.said)
        if changed and not _means_it(way, base.run, run, path.name):
            found = found.silent(f"answered {_first_difference(before.answer, found.answer)}")
        return f"{way} {name}", found
    finally:
        shutil.rmtree(run)


def _asked(way: str, base: Base, run: Path) -> Outcome:
    if way == "info":
        found = called("info", str(run))
        kept = [line for line in found.answer.splitlines() if not line.startswith("on disk")]
        return Outcome(found.how, found.told, "\n".join(kept), found.said)
    if way == "resume":
        found = called("train", "--resume", "--out", str(run), "train.updates=4")
        steps = [*sorted(run.glob("checkpoints/step-*/*.safetensors")), run / "model.safetensors"]
        return Outcome(found.how, found.told, _hashes(steps) if found.how == "worked" else "", found.said)
    if way == "evaluate":
        return called("evaluate", str(run), str(base.data[0]), "--json")
    more = ["--precision", "int8"] if way == "int8" else []
    return called("predict", str(run), str(base.new), "--format", "jsonl", *more)


def _hashes(files: list[Path]) -> str:
    return "\n".join(f"{p.parent.name}/{p.name} {sha256(p.read_bytes()).hexdigest()}" for p in files)


def _means_it(way: str, before: Path, run: Path, name: str) -> bool:
    """Whether a changed file says something else where it may: of the config what is not of the net, of `run.json` who made it."""
    if name == RUN:
        return way == "info"
    if name != CONFIG:
        return False
    then, now = load_config(before / CONFIG), load_config(run / CONFIG)
    return then.model_dump() != now.model_dump() and not other_net(then, now)


def _first_difference(before: str, after: str) -> str:
    pairs = zip([*before.splitlines(), ""], [*after.splitlines(), ""], strict=False)
    one, other = next(((a, b) for a, b in pairs if a != b), (before, after))
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    return f"{one[max(0, at - 60) : at + 60]!r} before, {other[max(0, at - 60) : at + 60]!r} after"
