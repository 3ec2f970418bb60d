"""A large corpus, predicted by workers: how much two gain over one, what it holds in memory, and what killed workers cost.

    python benchmarks/corpus_prediction.py [--lines 2000000] [--kills 20] [--seed 1] [--quick]

Lines are made up: short dates, no two alike for the first million.  A GRU of 16 is trained on a thousand of them and exported
(`regard warm-up`), and predicts greedily: `regard predict RUN LINES --out FOLDER --workers N --beam 1`.  The same by one worker, by two,
and by two of which a random one is killed with SIGKILL `--kills` times, at random moments over the time that two took; compared are the
checksums of all parts.  Memory is resident: of the command, and of a worker, the most in each tenth of the time.  Seconds are of the
whole command.  Last, in seconds of the processor, which other work on the machine touches less: how many lines a second of it the command
reads, packs and unpacks for workers, and how many a worker answers.  --quick: a few updates, to see that the script works.
Writes results/corpus-prediction.csv and .md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import tables

from regard.corpus.input_parts import cut
from regard.tasks.load_exported import load_exported
from regard.tasks.options import AnswerOptions

FORMS = ("%d.%m.%Y", "%d %B %Y", "%B %d, %Y", "%Y/%m/%d", "%d %b %y", "%A, %d %B %Y", "%m/%d/%Y", "%d-%m-%Y", "%b %d %Y")
CONFIG = """
data: {train: [train.tsv], valid: [valid.tsv]}
model: {encoder: bigru, decoder: gru, embedding: 16, size: 16}
train: {updates: UPDATES, batch_tokens: 800, metric: loss, threads: 1}
decode: {beam: 1}
"""


def line(number: int) -> tuple[str, str]:
    """A date in one of nine forms, and as ISO 8601 has it."""
    days, form = divmod(number, len(FORMS))
    day = date(1700, 1, 1) + timedelta(days % 150_000)
    return day.strftime(FORMS[form]), day.isoformat()


def prepare(home: Path, lines: int, updates: int) -> None:
    """The corpus, and a run with its export."""
    for name, count, step in (("train", 1000, 7919), ("valid", 100, 6007)):
        pairs = [line(1 + n * step) for n in range(count)]
        (home / f"{name}.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in pairs), encoding="utf-8")
    with (home / "lines.txt").open("w", encoding="utf-8") as file:
        file.writelines(f"{line(number)[0]}\n" for number in range(lines))
    (home / "c.yaml").write_text(CONFIG.replace("UPDATES", str(updates)), encoding="utf-8")
    for words in (["train", "c.yaml", "--out", "run"], ["warm-up", "run"]):
        subprocess.run([sys.executable, "-m", "regard", *words], cwd=home, check=True, stderr=subprocess.DEVNULL)


@dataclass
class Course:
    """What was seen of one prediction.  command, worker: the most resident memory in MB, at each look."""

    seconds: float = 0.0
    killed: int = 0
    command: list[float] = field(default_factory=list)
    worker: list[float] = field(default_factory=list)

    def tenths(self, seen: list[float]) -> tuple[float, float]:
        """The most in the third tenth and in the last: before, workers begin."""
        tenth = max(1, len(seen) // 10)
        return max(seen[2 * tenth : 3 * tenth] or [0.0]), max(seen[-tenth:] or [0.0])


def children(process: int) -> list[int]:
    """The workers that a command has started, from whatever thread."""
    found = list[int]()
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):  # a thread, or a worker, that has ended meanwhile
            for each in path.read_text().split():
                found += [int(each)] if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes() else []
    return found


def resident(process: int) -> float:
    """MB."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return 0.0


def predict(home: Path, out: str, workers: int, kills: list[float]) -> Course:
    """Predicts the corpus by so many workers, of which one is killed at each of these moments, in seconds from the start."""
    words = ["predict", "run", "lines.txt", "--out", out, "--workers", str(workers), "--beam", "1", "--quiet"]
    seen, waiting, begun = Course(), sorted(kills), time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", "regard", *words], cwd=home) as process:
        while process.poll() is None:
            found = children(process.pid)
            if waiting and time.perf_counter() - begun > waiting[0] and found:
                del waiting[0]
                os.kill(random.choice(found), signal.SIGKILL)
                seen.killed += 1
            seen.command.append(resident(process.pid))
            seen.worker.append(max(map(resident, found), default=0.0))
            time.sleep(0.1)
    seen.seconds = time.perf_counter() - begun
    if process.returncode:
        raise SystemExit(f"error: the prediction by {workers} ended with {process.returncode}")
    return seen


def of_processor(home: Path, lines: int) -> dict[str, float]:
    """Lines a second of the processor: of the command that reads for workers, and of a worker."""
    from distributed.protocol import deserialize, serialize

    model = load_exported(home / "run" / "ready")
    begun, read, some = time.process_time(), 0, list[Any]()
    for part in cut(model, [str(home / "lines.txt")], 10_240, print):
        deserialize(*serialize(part))
        read, some = read + len(part.rows), some or part.rows[:4096]
        if read >= lines:
            break
    reading, begun = read / (time.process_time() - begun), time.process_time()
    settings = model.settle(AnswerOptions(beam=1), None, attention=False)
    answered = sum(1 for _ in model.answer_in_chunks(some, settings, Counter()))
    return {"the command, reading": reading, "a worker, answering": answered / (time.process_time() - begun)}


def sums(folder: Path) -> list[str]:
    return [part["sha256"] for part in json.loads((folder / "manifest.json").read_text("utf-8"))["parts"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=2_000_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    random.seed(asked.seed)
    rows = list[list[object]]()
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        prepare(home, asked.lines, 20 if asked.quick else 400)
        alone = predict(home, "one", 1, [])
        two = predict(home, "two", 2, [])
        moments = [random.uniform(0.1, 0.9) * two.seconds for _ in range(asked.kills)]
        killed = predict(home, "killed", 2, moments)
        for name, out, seen in (("one worker", "one", alone), ("two workers", "two", two), ("two, killed", "killed", killed)):
            same = "yes" if sums(home / out) == sums(home / "one") else "NO"
            memory = [" to ".join(f"{each:.0f}" for each in seen.tenths(some)) for some in (seen.command, seen.worker)]
            speed = f"{alone.seconds / seen.seconds:.2f}"
            rows.append([name, f"{seen.seconds:.0f}", f"{asked.lines / seen.seconds:,.0f}", speed, *memory, seen.killed, same])
            print(*rows[-1], flush=True)
        for name, rate in of_processor(home, min(asked.lines, 200_000)).items():
            rows.append([f"{name}, of the processor", "", f"{rate:,.0f}", "", "", "", "", ""])
            print(*rows[-1], flush=True)
    head = ["by", "seconds", "lines a second", "times one", "command MB", "worker MB", "kills", "the same bytes"]
    words = f"--lines {asked.lines} --kills {asked.kills} --seed {asked.seed}" + (" --quick" if asked.quick else "")
    title = f"{asked.lines:,} short lines by workers; memory in the third tenth of the time and the last"
    tables.write("corpus-prediction", title, f"python benchmarks/corpus_prediction.py {words}", head, rows)


if __name__ == "__main__":
    main()
