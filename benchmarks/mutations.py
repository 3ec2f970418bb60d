"""Exported folders that were changed at random: refused, answered, or a fault?

    python benchmarks/mutations.py FOLDER [FOLDER2 ...] [--count 100000] [--seed 0] [--memory 1500] [--slow 2] [--dead 20]

FOLDERs are what `regard export` made.  Each trial changes one of them - bytes of any file, values of any JSON, nodes of a graph, the header
of the weights - and, mostly, the hashes with it; then it is opened and asked for answers, in batches, by beams, with attention.  A child
process does that, with so many megabytes more than it had; whoever kills it loses one trial, and another child goes on behind it.

refused: an error of Regard's; answered: texts; raised: any other exception, a fault; died: the process did, a fault; slow: refused or
answered, after more than --slow seconds; hung: not within --dead seconds, a fault; reached out: it wrote, connected, or began a process
(Python's audit hooks), a fault.  Trials are told by their numbers: --only N repeats one, and shows it.
Writes results/mutations.csv and mutations.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import select
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from folder_changes import change

EVENTS = (
    *(
        "subprocess",
        "os.system",
        "os.exec",
        "os.spawn",
        "os.posix_spawn",
        "os.fork",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.mkdir",
    ),
    *(
        "os.chmod",
        "os.link",
        "os.symlink",
        "socket.",
        "shutil.",
        "ctypes.dlopen",
        "urllib.",
        "webbrowser.",
        "pickle.",
        "marshal.",
    ),
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


# One process that tries


def be_child(folders: list[Path], first: int, last: int, step: int, seed: int, memory: int) -> None:
    """Trials on stdout, a JSON line each: when one begins, and what came of it."""
    from regard.core.errors import RegardError
    from regard.tasks.load_exported import load_exported
    from regard.tasks.options import AnswerOptions

    whole = [{p.relative_to(f).as_posix(): p.read_bytes() for p in sorted(f.rglob("*")) if p.is_file()} for f in folders]
    models = [load_exported(folder) for folder in folders]
    items = [[model.make_up(random.Random(i), length) for i, length in enumerate((1, 5, 9))] for model in models]
    searches = ["beam" in model.accepts.answers for model in models]

    def ask(folder: Path, number: int, by: random.Random) -> None:
        ways: dict[str, int] = {"beam": 3, "n_best": 2} if searches[number] and by.random() < 0.5 else {}
        for best in load_exported(folder).stream(items[number], AnswerOptions(**ways), attention=by.random() < 0.5):
            assert all(isinstance(p.text, str) for p in best)

    for number in range(len(folders)):
        ask(folders[number], number, random.Random(number))  # what is imported and laid out at first is there
    reached: list[str] = []
    with tempfile.TemporaryDirectory() as place:
        where = Path(place)
        sys.addaudithook(lambda event, told: _hear(event, told, reached))
        limit = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE") + memory * 1_000_000
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for trial in range(first, last, step):
            by, number = random.Random(f"{seed} {trial}"), trial % len(folders)
            kind, made = change(whole[number], by)
            for name, data in made.items():
                (where / name).parent.mkdir(exist_ok=True)
                (where / name).write_bytes(data)
            _say({"begins": trial, "kind": kind})
            reached.clear()
            HEARING.append(True)
            begun, outcome, why = time.perf_counter(), "answered", ""
            try:
                ask(where, number, by)
            except RegardError:
                outcome = "refused"
            except BaseException as error:
                outcome, why = (
                    "raised",
                    f"{type(error).__name__}: {error}"[:200] + "".join(traceback.format_tb(error.__traceback__)[-1:]),
                )
            seconds = time.perf_counter() - begun
            HEARING.clear()
            _say(
                {
                    "trial": trial,
                    "kind": kind,
                    "outcome": "reached out" if reached else outcome,
                    "seconds": seconds,
                    "why": why or " ".join(reached[:3]),
                }
            )


HEARING: list[bool] = []


def _hear(event: str, told: Any, reached: list[str]) -> None:
    if not HEARING:
        return
    writes = event == "open" and (isinstance(told[2], int) and told[2] & WRITING)
    if writes or event.startswith(EVENTS):
        reached.append(f"{event} {told!r}"[:200])


def _say(row: dict[str, Any]) -> None:
    print(json.dumps(row), flush=True)


# The process that counts


def run(asked: argparse.Namespace, first: int, step: int) -> Iterator[dict[str, Any]]:
    """All trials from one on, by so many steps; a child that dies is followed by another."""
    while first < asked.count:
        words = ["--child", f"{first},{asked.count},{step}", "--seed", str(asked.seed), "--memory", str(asked.memory)]
        command = [sys.executable, __file__, *map(str, asked.folders), *words]
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        assert child.stdout and child.stderr
        begun: dict[str, Any] | None = None
        while select.select([child.stdout], [], [], asked.dead + (60 if begun is None else 0))[0]:
            if not (line := child.stdout.readline()):
                break
            row = json.loads(line)
            if "begins" in row:
                begun = row
            else:
                yield row
        hung = child.poll() is None and bool(begun) and begun["begins"] + step < asked.count
        child.kill()
        said, code = child.stderr.read().decode(errors="replace"), child.wait()
        if begun is None:
            sys.exit(f"no trial began: {said[-2000:]}")
        first = begun["begins"] + step
        if first < asked.count or code not in (0, -9):
            outcome = "hung" if hung else "died"
            yield {
                "trial": begun["begins"],
                "kind": begun["kind"],
                "outcome": outcome,
                "seconds": asked.dead,
                "why": f"{code} {said[-300:]}",
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory", type=int, default=1500, help="megabytes beyond what an unchanged folder takes")
    parser.add_argument("--slow", type=float, default=2.0)
    parser.add_argument("--dead", type=float, default=20.0)
    parser.add_argument("--only", type=int, help="one trial")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child or asked.only is not None:
        first, last, step = map(int, asked.child.split(",")) if asked.child else (asked.only, asked.only + 1, 1)
        be_child(asked.folders, first, last, step, asked.seed, asked.memory)
        return
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    longest, begun = 0.0, time.monotonic()
    for row in run(asked, 0, 1):
        counts[row["kind"]][row["outcome"]] += 1
        counts[row["kind"]]["slow"] += asked.slow < row["seconds"] < asked.dead
        longest = max(longest, row["seconds"])
        if row["outcome"] not in ("refused", "answered") or row["seconds"] > asked.slow:
            print(row, flush=True)
        if row["trial"] % 10_000 == 9_999:
            print(row["trial"] + 1, f"{time.monotonic() - begun:.0f} s", dict(sum(counts.values(), Counter())), flush=True)
    import tables

    head = ("changed", "trials", "refused", "answered", "slow", "raised", "died", "hung", "reached out")
    rows: list[list[Any]] = []
    for kind, found in [*sorted(counts.items()), ("all", sum(counts.values(), Counter()))]:
        rows.append([kind, sum(found[name] for name in head[2:] if name != "slow"), *(found[name] for name in head[2:])])
    command = (
        f"python benchmarks/mutations.py {' '.join(f.name for f in asked.folders)} --count {asked.count} --seed {asked.seed}"
    )
    tables.write("mutations", "Exported folders, changed at random", command, head, rows)
    print(*rows, f"longest {longest:.1f} s", sep="\n")


if __name__ == "__main__":
    main()
