"""Trials with wrong configs, run folders and data, in one file because it is also run by itself: `python tests/fuzz.py --trials 20000`.

Each trial is one command, run in this process.  It may work, or be refused with an error that says so; what it must not do is end in a
bare traceback or "a fault of Regard" (bare), or take longer than `PATIENCE` seconds (hang).  Whether an answer is right is not asked.  What
is found is printed with the trial's number, which makes it again: --only N.
The short ones of `doors/test_fuzz.py` are the same trials, fewer.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regard.doors.cli.main import run as command
from regard.ground.errors import RegardError
from regard.tasks.floods import csv, floods
from regard.tasks.moves import moves
from regard.tasks.stories import stories
from regard.workshop import fit
from regard.workshop.config import Config, read_config
from regard.workshop.config_explain import section_of

PATIENCE = 30  # seconds: the machine may have other things to do
MEMORY = 16 << 30  # bytes of address space, so that what asks for more is told by the system and does not take the machine down
FAULT = "fault of Regard"

WRONG: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 3, 7, 1.5, -0.5, 1e-320, 1e20, 1e300, 10**5, 2**31, 2**32, 2**63, 2**64, 10**20, 10**40),
    *(
        "",
        "x",
        "none",
        "null",
        "1",
        "dot",
        "a:B",
        "a.b:C(3)",
        "\x00",
        "\x1b]0;x\x07",
        "e" * 300,
        "\ufffe",
        "-",
        ".",
        "/",
        "/dev/zero",
    ),
    *([], [1], ["a"], [[]], [None], {}, {"a": 1}, {"a": {"b": []}}, [{"a": 1}]),
    *(
        "bpe(10)",
        "bpe(99999999999999999999)",
        "window(2147483647)",
        "location(1)",
        "dilated(3) & causal",
        "~(",
        "additive(7) + alibi",
    ),
]
LINES = [
    b"",
    b"\t",
    b"a",
    b"a\tb\tc\td\te",
    b"{}",
    b'{"a": 1}',
    b"[]",
    b"\xff\xfe\x00",
    b"\x00",
    b"a\x00b\tc",
    b"\xef\xbb\xbfa\tb",
    b"a\rb\tc",
]
READER = {"size": 8, "dropout": 0.0, "encoder": "gru", "embedding": 6}
TRANSFORMER = {"family": "transformer", "size": 8, "heads": 2, "feedforward": 8, "dropout": 0.0}
MODELS: dict[str, dict[str, Any]] = {
    **{"transduce": {**READER, "decoder": "gru"}, "tag": READER, "classify": READER, "pair": TRANSFORMER, "read": TRANSFORMER},
    **{"caption": {"size": 8, "decoder": "gru", "embedding": 6}, "language": {"size": 8, "decoder": "gru", "embedding": 6}},
    **{"forecast": TRANSFORMER, "pretrain": {"size": 8, "heads": 2, "feedforward": 8, "encoder_layers": 1}},
}
TRAIN = {"updates": 2, "batch_tokens": 60, "precision": "float32", "threads": 1}


@dataclass(frozen=True)
class Base:
    """A tiny run of a task, and what is predicted from."""

    run: Path
    data: list[Path]
    new: Path
    config: dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: worked, refused, bare or hang; told: what was said."""

    how: str
    told: str


def bases(folder: Path) -> dict[str, Base]:
    """One run of each task."""
    made = {}
    for task, write in {
        **{"transduce": _pairs, "tag": _tags, "classify": _labels, "pair": _two, "read": _questions, "caption": _images},
        **{"forecast": _series, "language": _text, "pretrain": _stories},
    }.items():
        place = folder / task
        place.mkdir(parents=True)
        data, new = write(place)
        values: dict[str, Any] = {"task": task, "data": {"train": [str(data[0])], "valid": [str(data[0])]}, "model": MODELS[task]}
        values |= {
            "train": {k: v for k, v in TRAIN.items() if k != "batch_tokens" or task != "language"},
            **({task: SECTIONS[task]} if task in SECTIONS else {}),
        }
        fit.train(read_config(values), place / "run", say=lambda line: None)
        made[task] = Base(place / "run", data, new, values)
    return made


SECTIONS = {
    "forecast": {"past": 12, "ahead": 3},
    "pretrain": {"length": 16, "vocabulary": "char"},
    "language": {"window": 8, "streams": 2},
    "caption": {"channels": 2, "patch": 4},
}


def _lines(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def _pairs(folder: Path) -> tuple[list[Path], Path]:
    some = [("abc", "x y"), ("ab", "x"), ("bca", "y x"), ("cab", "x y x"), ("b", "y"), ("ca", "z"), ("aé", "x z"), ("cc", "z z")]
    return [_lines(folder / "d.tsv", [f"{a}\t{b}" for a, b in some])], _lines(folder / "new.txt", ["abc", "", "qé"])


def _tags(folder: Path) -> tuple[list[Path], Path]:
    some = ["Ada\tB-PER", "went\tO", "to\tO", "Rome\tB-LOC", "", "Bo\tB-PER", "sang\tO", "", "the\tO", "Tiber\tB-LOC", ""] * 2
    return [_lines(folder / "d.conll", some)], _lines(folder / "new.txt", ["Ada went", "", "Zoë sang"])


def _labels(folder: Path) -> tuple[list[Path], Path]:
    some = ["good day\tpos", "bad day\tneg", "so good\tpos", "so bad\tneg", "a good one\tpos", "a bad one\tneg"]
    return [_lines(folder / "d.tsv", some)], _lines(folder / "new.txt", ["good", "", "Ω bad"])


def _two(folder: Path) -> tuple[list[Path], Path]:
    some = ["a man eats\ta man\tyes", "a dog runs\ta cat\tno", "it rains\tit is wet\tyes", "he sings\the sleeps\tno"] * 2
    return [_lines(folder / "d.tsv", some)], _lines(folder / "new.tsv", ["a man\ta dog", "it\tit"])


def _questions(folder: Path) -> tuple[list[Path], Path]:
    path = folder / "d.json"
    path.write_text(json.dumps({"data": [{"paragraphs": moves(1, 6)}]}), encoding="utf-8")
    return [path], path


def _images(folder: Path) -> tuple[list[Path], Path]:
    for i in range(4):
        (folder / f"{i}.ppm").write_bytes(b"P6 8 8 255\n" + bytes(random.Random(i).randrange(256) for _ in range(192)))
    path = _lines(folder / "d.tsv", [f"{i}.ppm\ta {w} thing" for i, w in enumerate(("red", "blue", "green", "red"))])
    return [path, folder / "0.ppm"], _lines(folder / "new.tsv", ["0.ppm", "1.ppm"])


def _series(folder: Path) -> tuple[list[Path], Path]:
    path = folder / "d.csv"
    path.write_text(csv(*floods(1, 120)))
    return [path], path


def _text(folder: Path) -> tuple[list[Path], Path]:
    return [_lines(folder / "d.txt", ["the cat sat on the mat", "a dog ran", "and so on and on"] * 4)], _lines(
        folder / "n.txt", ["the"]
    )


def _stories(folder: Path) -> tuple[list[Path], Path]:
    told = stories(3, 12, sentences=4)[0]
    path = _lines(folder / "d.txt", [line for story in told for line in (*story, "")])
    return [path], _lines(folder / "new.txt", ["the [MASK] is", "a"])


def keys() -> list[str]:
    """Every key of the config, dotted, with those of each task's section."""
    found = ["task"]

    def below(section: Any, above: str) -> None:
        for name, field in section.model_fields.items():
            inner = section_of(field)
            found.append(f"{above}{name}")
            if inner is not None:
                below(inner, f"{above}{name}.")

    below(Config, "")
    return list(dict.fromkeys(found))


class _Late(BaseException):
    """A trial takes too long."""


@contextlib.contextmanager
def patience(seconds: int = PATIENCE) -> Iterator[None]:
    """Ends what takes longer; only in the main thread, and where there are alarms."""

    def late(number: int, frame: Any) -> None:
        raise _Late

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def called(*args: str) -> Outcome:
    """A command in this process."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with patience(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = command(list(args))
    except _Late:
        return Outcome("hang", err.getvalue())
    except BaseException as error:
        return Outcome("bare", _where(error))
    if FAULT in err.getvalue() or "Traceback" in err.getvalue():
        return Outcome("bare", err.getvalue())
    return Outcome("worked", out.getvalue()) if code == 0 else Outcome("refused", err.getvalue())


def _where(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"


def try_config(draw: random.Random, base: dict[str, Base], folder: Path) -> tuple[str, Outcome]:
    """A key with a value of another kind, or out of range, as an override or in a file; sometimes two."""
    task = draw.choice(list(base))
    chosen = [(draw.choice(KEYS), draw.choice(WRONG)) for _ in range(draw.choice((1, 1, 2)))]
    name = f"{task}: " + " ".join(f"{key}={value!r:.40}" for key, value in chosen)
    words = [f"{key}={json.dumps(value)}" for key, value in chosen]
    return name, called("train", "--task", task, "--train", str(base[task].data[0]), *words, "--print-config")


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    each = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in list(each)[:40]:
        yield from _places(below, (*at, key))


def _put(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    if not at:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[at[0]] = _put(value[at[0]], at[1:], new)
    return copied


def changed_values(text: str, path: Path, draw: random.Random) -> tuple[str, str]:
    """A file of JSON, JSON lines or YAML with one value of another kind, and where."""
    import yaml

    rows = text.splitlines() if path.suffix == ".jsonl" else [text]
    row = draw.randrange(len(rows))
    whole = yaml.safe_load(rows[row]) if path.suffix == ".yaml" else json.loads(rows[row])
    at = draw.choice(list(_places(whole)))
    new = draw.choice([*WRONG, DELETED, DEEP])
    if new is DELETED and at:
        parent = whole
        for key in at[:-1]:
            parent = parent[key]
        del parent[at[-1]]
        made = whole
    else:
        made = _put(whole, at, None if new is DELETED else 0 if new is DEEP else new)
    rows[row] = yaml.safe_dump(made, allow_unicode=True) if path.suffix == ".yaml" else json.dumps(made)
    if new is DEEP:
        rows[row] = "[" * 100_000
    return "\n".join(rows) + "\n", f"{path.name} {'.'.join(map(str, at))}={new if new in (DELETED, DEEP) else repr(new)[:40]}"


DELETED, DEEP = "<deleted>", "<deep>"


def damaged(data: bytes, draw: random.Random) -> bytes:
    """Bytes changed, cut, doubled, or lines put in that are none."""
    way = draw.randrange(6)
    at = draw.randrange(len(data) + 1)
    if way == 0:
        return data[:at]
    if way == 1:
        return data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :]
    if way == 2:
        return data[:at] + draw.choice(LINES) + b"\n" + data[at:]
    if way == 3:
        return b"".join(data[i : i + 1] + b"\x00" for i in range(min(len(data), 2000)))  # UTF-16 without a mark
    if way == 4:
        return data.replace(b"\n", draw.choice([b"\r", b"\r\n", b"\x0b", b""]))
    return data + bytes(draw.randrange(256) for _ in range(draw.randrange(40)))


def try_values(draw: random.Random, base: dict[str, Base], folder: Path) -> tuple[str, Outcome]:
    """A value in a file of a run folder."""
    task = draw.choice(list(base))
    files = [p for p in base[task].run.rglob("*") if p.suffix in (".json", ".jsonl", ".yaml") and p.is_file()]
    path = draw.choice(files)
    text, name = changed_values(path.read_text(encoding="utf-8"), path, draw)
    return _with(base[task], path, text.encode("utf-8", "surrogatepass"), f"{task}: {name}", draw, folder)


def try_bytes(draw: random.Random, base: dict[str, Base], folder: Path) -> tuple[str, Outcome]:
    """Bytes of a file of a run folder."""
    task = draw.choice(list(base))
    path = draw.choice([p for p in base[task].run.rglob("*") if p.is_file()])
    return _with(base[task], path, damaged(path.read_bytes(), draw), f"{task}: bytes of {path.name}", draw, folder)


def _with(base: Base, path: Path, data: bytes, name: str, draw: random.Random, folder: Path) -> tuple[str, Outcome]:
    run = folder / "run"
    shutil.copytree(base.run, run)
    try:
        (run / path.relative_to(base.run)).write_bytes(data)
        way = draw.choice(("predict", "predict", "info", "resume", "int8"))
        if way == "info":
            return f"info {name}", called("info", str(run))
        if way == "resume":
            return f"resume {name}", called("train", "--resume", "--out", str(run), "train.updates=2")
        more = ["--precision", "int8"] if way == "int8" else []
        return f"{way} {name}", called("predict", str(run), str(base.new), *more)
    finally:
        shutil.rmtree(run)


def try_data(draw: random.Random, base: dict[str, Base], folder: Path) -> tuple[str, Outcome]:
    """Damaged data, for training, prediction and figures."""
    task = draw.choice(list(base))
    given = base[task]
    path = draw.choice(given.data)
    place = folder / "data"
    shutil.copytree(path.parent, place, ignore=shutil.ignore_patterns("run"))
    try:
        data = path.read_bytes()
        for _ in range(draw.choice((1, 1, 3))):
            data = damaged(data, draw)
        (place / path.name).write_bytes(data)
        file, way = str(place / given.data[0].name), draw.choice(("train", "predict", "evaluate"))
        name = f"{way} {task}: {path.name} {data[:30]!r}"
        if way != "train":
            return name, called(way, str(given.run), file)
        try:
            with patience(), contextlib.redirect_stderr(io.StringIO()):
                values = {
                    **given.config,
                    "data": {"train": [file], "valid_share": 0.4},
                    "train": {**given.config["train"], "updates": 1},
                }
                fit.train(read_config(values), folder / "made", say=lambda line: None)
        except RegardError as error:
            return name, Outcome("refused", str(error))
        except _Late:
            return name, Outcome("hang", "")
        except BaseException as error:
            return name, Outcome("bare", _where(error))
        return name, Outcome("worked", "")
    finally:
        shutil.rmtree(place)
        shutil.rmtree(folder / "made", ignore_errors=True)


KEYS = keys()
Trial = Callable[[random.Random, dict[str, Base], Path], tuple[str, Outcome]]
TRIALS: dict[Trial, int] = {try_config: 50, try_values: 25, try_bytes: 10, try_data: 15}  # how many of a hundred


def trial(seed: int, number: int, base: dict[str, Base], folder: Path) -> tuple[str, Outcome]:
    """The trial of a number."""
    draw = random.Random(f"{seed} {number}")
    return draw.choices(list(TRIALS), list(TRIALS.values()))[0](draw, base, folder)


def main() -> int:
    """Run them all; the exit code is 1 where something was found."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--trials", type=int, default=20_000)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", type=int)
    asked = options.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    numbers = range(asked.first, asked.first + asked.trials) if asked.only is None else [asked.only]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        base, counts, begun = bases(folder / "bases"), Counter[str](), time.process_time()
        for number in numbers:
            name, outcome = trial(asked.seed, number, base, folder)
            counts[outcome.how] += 1
            if outcome.how in ("bare", "hang") or asked.only is not None:
                print(f"{number}\t{outcome.how}\t{name}\t{outcome.told.strip()[:400]!r}", flush=True)
    print(f"seed {asked.seed}, {len(numbers):,} trials, {time.process_time() - begun:.0f} s of CPU: {dict(counts)}")
    return int(bool(counts["bare"] + counts["hang"]))


if __name__ == "__main__":
    sys.exit(main())
