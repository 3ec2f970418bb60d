"""The few trials that need processes of their own: streams that are closed, full or read by nobody; two processes in one run folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from .bases import Base
from .calls import FAULT, Outcome, called

LONG = 120  # seconds
SMALL = [
    "model.size=8",
    "model.embedding=6",
    "model.encoder=gru",
    "model.decoder=gru",
    "train.threads=1",
    "train.precision=float32",
]
OFTEN = ["train.validate_every=1", "train.updates=150", "train.epochs=999", "train.batch_tokens=20", "train.average=2"]


def apart(base: dict[str, Base], folder: Path) -> Iterator[tuple[str, Outcome]]:
    """All of them, each with its name."""
    for verb in VERBS:
        yield from streams(verb, base["transduce"], folder)
    for resumed in (False, True):
        yield (
            f"two trainings in one folder{', gone on with' * resumed}",
            two_trainings(base["transduce"], folder, resumed=resumed),
        )
    yield from while_training(base["transduce"], folder)


VERBS = {  # of each its words (RUN, DATA and OUT stand for paths), and the files that it leaves
    "train": (
        ["train", "--train", "DATA", "--valid", "DATA", "--out", "OUT/run", *SMALL, "train.updates=3"],
        ["run/model.safetensors"],
    ),
    "predict": (["predict", "RUN", "DATA", "--attention", "OUT/a.jsonl"], ["a.jsonl"]),
    "evaluate": (["evaluate", "RUN", "DATA", "--errors", "OUT/e.tsv"], ["e.tsv"]),
    "score": (["score", "RUN", "DATA"], []),
    "info": (["info", "RUN"], []),
    "pack": (["pack", "RUN", "OUT/packed"], ["packed/model.safetensors", "packed/config.yaml"]),
    "check": (["check", "DATA", "--fix", "OUT/clean.tsv"], ["clean.tsv"]),
    "view": (["view", "RUN", "DATA", "--out", "OUT/page.html"], ["page.html"]),
}


def streams(verb: str, base: Base, folder: Path) -> Iterator[tuple[str, Outcome]]:
    """A command as always; without stdin and stderr; without stdout; to a full disk; to a reader that has gone."""
    usual, files = _left(verb, base, folder, "")
    yield f"{verb}", _plain(usual, 0)
    for how in ("<&- 2>&-", ">&-", ">/dev/full", "|"):
        if how == ">/dev/full" and not Path("/dev/full").exists():
            continue
        found, left = _left(verb, base, folder, how)
        lost = bool(usual.stdout) and how in (">/dev/full", "|")  # what was to be said could not be
        outcome = _plain(found, {">/dev/full": 1, "|": 141}[how] if lost else 0)
        if outcome.how == "worked" and how == "<&- 2>&-" and found.stdout != usual.stdout:
            outcome = outcome.silent(f"{usual.stdout[:100]!r} with all streams, {found.stdout[:100]!r} without")
        if outcome.how == "worked" and not lost and left != files:
            outcome = outcome.silent(f"{files} with all streams, {left} without")
        yield f"{verb} {how}", outcome


def _left(verb: str, base: Base, folder: Path, how: str) -> tuple[subprocess.CompletedProcess[bytes], dict[str, str]]:
    """How a command ended, and hashes of the files that it left."""
    words, names = VERBS[verb]
    out = folder / "out"
    out.mkdir()
    try:
        places = {"RUN": str(base.run), "DATA": str(base.data[0]), "OUT": str(out)}
        args = [places.get(first, first) + slash + rest for word in words for first, slash, rest in [word.partition("/")]]
        if how == "|":
            read, write = os.pipe()
            os.close(read)
            done = subprocess.run(_command(args), stdout=write, stderr=subprocess.PIPE, timeout=LONG)
            os.close(write)
        else:
            line = f"exec {' '.join(map(_quoted, _command(args)))} {how}"
            done = subprocess.run(["bash", "-c", line], capture_output=True, timeout=LONG)
        return done, {name: sha256((out / name).read_bytes()).hexdigest()[:9] for name in names if (out / name).is_file()}
    finally:
        shutil.rmtree(out)


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def _command(args: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "regard", *args]


def _plain(done: subprocess.CompletedProcess[bytes], code: int) -> Outcome:
    said = done.stderr.decode() if done.stderr else ""
    if FAULT in said or "Traceback" in said:
        return Outcome("bare", said)
    if done.returncode != code:
        return Outcome("silent", f"exit code {done.returncode}, where it should be {code}: {said[-300:]}")
    return Outcome("worked", said)


def _train(base: Base, out: Path, *more: str) -> subprocess.Popen[bytes]:
    words = ["train", "--train", str(base.data[0]), "--valid", str(base.data[0]), "--out", str(out), *SMALL, *OFTEN, *more]
    return subprocess.Popen(_command(words), stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def two_trainings(base: Base, folder: Path, *, resumed: bool) -> Outcome:
    """One of the two trains, and ends as if it were alone; the other is told so.  resumed: both go on with one that was killed."""
    alone, both, more = folder / "alone", folder / "both", ["--resume"] if resumed else []
    try:
        _train(base, alone).communicate(timeout=LONG)
        if resumed:
            killed = _train(base, both)
            _until(lambda: (both / "model.safetensors").exists(), killed)
            killed.kill()
            killed.communicate()
        pair = [_train(base, both, *more) for _ in range(2)]
        ended = [(process.communicate(timeout=LONG)[1].decode(), process.returncode) for process in pair]
        told = "\n".join(said[-300:] for said, _ in ended)
        if any(FAULT in said or "Traceback" in said for said, _ in ended):
            return Outcome("bare", told)
        if sorted(code for _, code in ended) != [0, 2]:
            return Outcome("silent", f"exit codes {[code for _, code in ended]}, where one trains and one is refused: {told}")
        weights = [(run / "model.safetensors").read_bytes() for run in (alone, both)]
        rows = [(run / "metrics.jsonl").read_bytes().count(b"\n") for run in (alone, both)]
        if weights[0] != weights[1] or rows[0] != rows[1]:
            return Outcome("silent", f"other weights than of a training alone, or {rows[1]} rows where it has {rows[0]}")
        return Outcome("worked", told)
    finally:
        for run in (alone, both):
            shutil.rmtree(run, ignore_errors=True)


def _until(there: object, process: subprocess.Popen[bytes]) -> None:
    assert callable(there)
    begun = time.monotonic()
    while not there() and process.poll() is None and time.monotonic() - begun < LONG:
        time.sleep(0.01)


def while_training(base: Base, folder: Path) -> Iterator[tuple[str, Outcome]]:
    """Predictions, facts and packed copies of a run whose weights another process replaces all the time."""
    run, lines = folder / "busy", base.data[0].read_bytes().count(b"\n")
    process = _train(base, run)
    try:
        _until(lambda: (run / "model.safetensors").exists(), process)
        asked = 0
        while process.poll() is None:
            asked += 1
            found = called("predict", str(run), str(base.data[0]))
            if found.how == "worked" and found.answer.count("\n") != lines:
                found = found.silent(f"{found.answer!r:.100}, where there are {lines} lines")
            yield f"predict {asked} while a training writes", _whole(found)
            yield f"info {asked} while a training writes", _whole(called("info", str(run)))
            yield f"pack {asked} while a training writes", _whole(called("pack", str(run), str(folder / f"packed{asked}")))
            shutil.rmtree(folder / f"packed{asked}", ignore_errors=True)
        _, said = process.communicate(timeout=LONG)
        yield "the training meanwhile", _plain(subprocess.CompletedProcess([], process.returncode, b"", said), 0)
        yield "predict after it", _whole(called("predict", str(run), str(base.data[0])))
    finally:
        process.kill()
        process.communicate()
        shutil.rmtree(run, ignore_errors=True)


def _whole(found: Outcome) -> Outcome:
    """There is nothing to refuse: a run has its weights from the first validation on."""
    return found if found.how != "refused" else found.silent(f"refused: {found.told}")
