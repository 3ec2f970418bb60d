"""Damaged data, to train on, to predict from and to judge by."""

from __future__ import annotations

import contextlib
import io
import json
import random
import re
import shutil
from pathlib import Path
from typing import Any

from regard import runs
from regard.config import read_config
from regard.core.errors import RegardError

from .bases import Base
from .calls import Late, Outcome, alike, called, news, patience, where
from .damage import damaged
from .lines import counted, overheard, read, stands, units

LEARNT = re.compile(r"([\d,]+) training (?:pairs|items)")


def try_data(draw: random.Random, base: dict[str, Base], folder: Path) -> tuple[str, Outcome]:
    """Damaged data, for training, prediction and figures."""
    given = base[draw.choice(list(base))]
    way = draw.choice(("train", "train", "predict", "predict", "evaluate"))
    asked = draw.choice((given.new, given.new, given.data[0])) if way == "predict" else given.data[0]
    path = draw.choice([asked, *given.data[1:]])
    place = folder / "data"
    shutil.copytree(given.data[0].parent, place, ignore=shutil.ignore_patterns("run"))
    file = place / asked.name
    try:
        data, share = path.read_bytes(), draw.random() < 0.5
        for _ in range(draw.choice((1, 1, 3))):
            data = damaged(data, draw)
        key = (way, file, share and way == "train")
        if key not in given.known:
            given.known[key] = _train(given, file, folder, share=share) if way == "train" else _used(way, given, file)
        (place / path.name).write_bytes(data)
        name = f"{way} {given.task}: {path.name} {data[:30]!r}"
        if way == "train":
            return name, _train(given, file, folder, share=share)
        found = _used(way, given, file)
        if found.how != "worked" or _told(found, given.known[key]):
            return name, found
        touched = path.name if path != asked else ""
        why = (
            _misjudged(given, file, found)
            if way == "evaluate"
            else _misplaced(given, file, asked, found, given.known[key], touched)
        )
        return name, found.silent(why) if why else found
    finally:
        shutil.rmtree(place)


def _used(way: str, given: Base, file: Path) -> Outcome:
    return called(way, str(given.run), str(file), *(["--json"] if way == "evaluate" else ["--format", "jsonl"]))


def _told(found: Outcome, before: Outcome) -> bool:
    """Whether it was said how a file is read; which symbols are new says nothing of that."""
    notes = "\n".join(line for line in found.said.splitlines() if line.startswith("note:"))
    return news(notes, before.said)


def _misjudged(given: Base, file: Path, found: Outcome) -> str:
    """What `evaluate` counted otherwise than the file has it."""
    told, there = json.loads(found.answer), counted(given.task, file.read_bytes())
    if there is None or told["items"] == there or "passed" in told:
        return ""
    return f"{told['items']} items, where {there} stand"


def _misplaced(given: Base, file: Path, asked: Path, found: Outcome, before: Outcome, touched: str) -> str:
    """Which answer is none of its line, or no longer that of a line that stayed as it was.  touched: an image that did not."""
    there, known = (units(given.task, path, path.read_bytes()) for path in (file, asked))
    answers, usual = (list(map(json.loads, outcome.answer.splitlines())) for outcome in (found, before))
    if there is None or len(there) != len(answers):
        return f"{len(answers)} answers to {'what is no text' if there is None else f'{len(there)} lines'}"
    assert known is not None
    right = dict(zip(known, usual, strict=True))
    for unit, answer in zip(there, answers, strict=True):
        stayed = unit in right and not (touched and unit.startswith(touched))
        if stayed and not alike({**answer, "line": 0}, {**right[unit], "line": 0}):
            return f"{unit!r:.80}: {right[unit]!r:.150} before, {answer!r:.150}"
    return ""


def _train(given: Base, file: Path, folder: Path, *, share: bool) -> Outcome:
    """A training of one update.  share: what validates is set aside of the file; else it is the base's own."""
    said: list[str] = []
    values: dict[str, Any] = {
        **given.config,
        "data": {"train": [str(file)], **({"valid_share": 0.4} if share else {"valid": [str(given.data[0])]})},
        "train": {**given.config["train"], "updates": 1, "samples": 0},
    }
    try:
        with patience(), contextlib.redirect_stderr(io.StringIO()), overheard(given.task) as heard:
            runs.train(read_config(values), folder / "made", say=said.append)
            items, there = read(given.task, heard[-1], file, share=share), stands(given.task, file.read_bytes())
            learning = len(list(heard[-1].train))
    except RegardError as error:
        return Outcome("refused", str(error))
    except Late:
        return Outcome("hang", "")
    except BaseException as error:
        return Outcome("bare", where(error))
    finally:
        shutil.rmtree(folder / "made", ignore_errors=True)
    found = Outcome("worked", "", "", "\n".join(said))
    before = given.known.get(("train", file, share))
    if before is None or news(found.said, before.said):
        return found
    if items != there:
        wrong = next(((a, b) for a, b in zip([*there, None], [*items, None], strict=False) if a != b), (None, None))
        return found.silent(f"{wrong[0]!r:.150} stands there, {wrong[1]!r:.150} was read")
    learnt = next((int(m[1].replace(",", "")) for line in said if (m := LEARNT.search(line))), learning)
    return found if learnt == learning else found.silent(f"{learning} items were read, {learnt} are learnt from")
