"""Memory by the length of the corpus: the most anonymous memory of `regard train` over files of more and more lines.

    python benchmarks/corpus.py [--lines 10000 100000 1000000 10000000] [--updates 20]

Lines are made up: words of a made-up language and their letters parted by blanks, no two lines alike.  Anonymous memory (RssAnon) is what
the process itself holds; pages of the mapped token store, which the system may drop at any time, do not count.  Needs Linux.
Writes benchmarks/results/corpus.csv and corpus.md.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
MODEL = ["model.size=64", "model.embedding=32", "train.threads=2", "train.metric=loss"]


def spelled(number: int) -> str:
    """A word for each number."""
    letters = []
    for _ in range(8):
        number, letter = divmod(number, len(LETTERS))
        letters.append(LETTERS[letter])
    return "".join(letters)


def write(path: Path, lines: int, first: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number in range(first, first + lines):
            word = spelled(number * 7919)
            file.write(f"{word}\t{' '.join(word)}\n")


def anonymous(process: int | str) -> float:
    """What the process holds of its own, in MB."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    found = [line for line in status.splitlines() if line.startswith("RssAnon")]
    return int(found[0].split()[1]) / 1024 if found else 0.0


def measure(folder: Path, lines: int, updates: int) -> tuple[float, float]:
    """The most anonymous memory in MB, and seconds."""
    train, valid = folder / f"{lines}.tsv", folder / "valid.tsv"
    write(train, lines, 0)
    write(valid, 50, 10**9)
    call = [
        sys.executable,
        "-m",
        "regard",
        "train",
        "--train",
        str(train),
        "--valid",
        str(valid),
        "--out",
        str(folder / f"run{lines}"),
    ]
    call += [*MODEL, f"train.updates={updates}", f"train.validate_every={updates}", "data.target_tokenizer=space"]
    began, most = time.perf_counter(), 0.0
    with subprocess.Popen(call, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, anonymous(process.pid))
            time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"error: training over {lines:,} lines ended with {process.returncode}")
    return most, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, nargs="+", default=[10_000, 100_000, 1_000_000, 10_000_000])
    parser.add_argument("--updates", type=int, default=20)
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for lines in asked.lines:
            most, seconds = measure(Path(folder), lines, asked.updates)
            rows.append((lines, round(most), round(most - rows[0][1]) if rows else 0, round(seconds, 1)))
            print(*rows[-1], flush=True)
    head = ("lines", "anonymous MB at most", "more than the first", "seconds")
    with (RESULTS / "corpus.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])
    told = [f"# Memory by the length of the corpus\n\n`python benchmarks/corpus.py --updates {asked.updates}`, {date.today()}.\n"]
    told += [f"| {' | '.join(map(str, row))} |" for row in (head, ("---",) * len(head), *rows)]
    (RESULTS / "corpus.md").write_text("\n".join(told) + "\n")


if __name__ == "__main__":
    main()
