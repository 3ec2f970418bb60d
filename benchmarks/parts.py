"""Training data in ten parts: the most anonymous memory of `regard train`, and tokenising by two processes beside one.

    python benchmarks/parts.py [--lines 10000 10000000] [--tokenise 1000000] [--rounds 3] [--updates 20]

Lines as in corpus.py.  Memory (RssAnon) is that of the training and of its workers, each for itself and the most of all together; needs
Linux.  Tokenising is timed from files to a whole store, without learning the tokenizers: by one process with the tokenizers' own threads
(as `data.workers=1` has them), by one without, by two; each round in that order, and the median of the rounds counts.  Alone on two cores
10,000,000 lines take some 20 minutes, tokenising 1,000,000 three times as often as rounds some 2 minutes a round.
The order of an epoch (`data.batching.Batches`) is timed for itself: its seconds of one core, and the anonymous memory that it holds.
Writes benchmarks/results/parts.csv and parts.md.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from statistics import median

from corpus import MODEL, RESULTS, anonymous, write

PARTS = 10
THREADS = "TOKENIZERS_PARALLELISM"
TIMED = """
import sys, time
from pathlib import Path
from regard.data.columns import Layout
from regard.data.text_files import fingerprint
from regard.data.tokenize_blocks import Tokenization, tokenize
names, words, folder, workers = [sys.argv[1]], tuple(sys.argv[2:4]), Path(sys.argv[4]), int(sys.argv[5])
how = Tokenization(Layout("tsv"), False, words, (1000, 1000), "skip", False)
begun = time.perf_counter()
key = how.key([list(fingerprint(names).values())])
tokenize(names, how, folder, key=key, workers=workers, say=print, progress=lambda *_: None)
print(time.perf_counter() - begun)
"""

SHUFFLED = """
import sys, time
import numpy as np
sys.path.insert(0, sys.argv[3])
from corpus import anonymous
from regard.data.batching import Batches
rows, file = int(sys.argv[1]), sys.argv[2]
np.save(file, np.random.default_rng(0).integers(5, 15, 2 * rows).astype(np.int32))
lengths = np.load(file, mmap_mode="r")
batches, before, begun = Batches(lengths[0::2], lengths[1::2], tokens=3400, seed=1), anonymous("self"), time.process_time()
epoch = batches.epoch(0)
print(len(epoch), time.process_time() - begun, anonymous("self") - before)
"""


def write_parts(folder: Path, lines: int) -> Path:
    folder.mkdir()
    for part in range(PARTS):
        write(folder / f"part-{part:05}.tsv", lines // PARTS, part * (lines // PARTS))
    return folder


def children(process: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def measure(folder: Path, lines: int, updates: int, workers: int) -> tuple[float, float, float]:
    """The most anonymous memory in MB of the training, and of it with its workers; seconds."""
    train, valid, out = write_parts(folder / f"{lines}", lines), folder / "valid.tsv", folder / f"run{lines}-{workers}"
    write(valid, 50, 10**9)
    call = [sys.executable, "-m", "regard", "train", "--train", str(train), "--valid", str(valid), "--out", str(out), *MODEL]
    call += [
        f"train.updates={updates}",
        f"train.validate_every={updates}",
        "data.target_tokenizer=space",
        f"data.workers={workers}",
    ]
    began, alone, together = time.perf_counter(), 0.0, 0.0
    with subprocess.Popen(call, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            own = anonymous(process.pid)
            alone = max(alone, own)
            together = max(together, own + sum(map(anonymous, children(process.pid))))
            time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"error: training over {lines:,} lines ended with {process.returncode}")
    return alone, together, time.perf_counter() - began


def learn(folder: Path, parts: Path) -> list[str]:
    """Tokenizers of both sides, from the first part."""
    from regard.data.columns import Layout
    from regard.data.pairs import Pairs
    from regard.data.tokenizer import Tokenizer

    items = list(Pairs([str(parts / "part-00000.tsv")], Layout("tsv")))
    paths = [folder / f"{word}.json" for word in ("char", "space")]
    Tokenizer.train("char", (item.source for item in items)).save(paths[0])
    Tokenizer.train("space", (str(item.target) for item in items)).save(paths[1])
    return list(map(str, paths))


def timed(folder: Path, parts: Path, words: list[str], workers: int, *, threads: bool) -> float:
    env = {**os.environ, THREADS: "true" if threads else "false"}
    call = [sys.executable, "-c", TIMED, str(parts), *words, str(folder / f"store{time.monotonic_ns()}"), str(workers)]
    return float(subprocess.run(call, env=env, capture_output=True, check=True, text=True).stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, nargs="+", default=[10_000, 10_000_000])
    parser.add_argument("--tokenise", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--updates", type=int, default=20)
    parser.add_argument("--shuffle", type=int, nargs="+", default=[1_000_000, 10_000_000])
    asked = parser.parse_args()
    memory, orders, ways = (
        [],
        list[tuple[int, int, float, int]](),
        {"one process": (1, True), "one process, one thread": (1, False), "two processes": (2, False)},
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = write_parts(folder / "tokenise", asked.tokenise)
        words, took = learn(folder, parts), {way: list[float]() for way in ways}
        for _ in range(asked.rounds):
            for way, (workers, threads) in ways.items():
                took[way].append(timed(folder, parts, words, workers, threads=threads))
                print(way, round(took[way][-1], 1), flush=True)
        for lines in asked.lines:
            alone, together, seconds = measure(folder, lines, asked.updates, workers=2)
            memory.append((lines, round(alone), round(together), round(alone - memory[0][1]) if memory else 0, round(seconds, 1)))
            print(*memory[-1], flush=True)
        for rows in asked.shuffle:
            call = [sys.executable, "-c", SHUFFLED, str(rows), str(folder / "lengths.npy"), str(Path(__file__).parent)]
            batches, seconds, held = subprocess.run(call, capture_output=True, check=True, text=True).stdout.split()
            orders.append((rows, int(batches), round(float(seconds), 1), round(float(held))))
            print(*orders[-1], flush=True)
    middle = {way: median(each) for way, each in took.items()}
    speed = [
        (
            way,
            round(asked.tokenise / each),
            round(middle["one process"] / each, 2),
            round(middle["one process, one thread"] / each, 2),
        )
        for way, each in middle.items()
    ]
    heads = (
        ("lines in ten parts", "anonymous MB at most", "with two workers", "more than the first", "seconds"),
        ("tokenising", "lines a second", "times one process", "times one process of one thread"),
        ("order of an epoch, rows", "batches", "seconds of a core", "MB held"),
    )
    with (RESULTS / "parts.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([heads[0], *memory, heads[1], *speed, heads[2], *orders])
    options = (
        f"--lines {' '.join(map(str, asked.lines))} --tokenise {asked.tokenise} --rounds {asked.rounds} --updates {asked.updates}"
    )
    load = f"{os.cpu_count()} cores, load at the end {os.getloadavg()[0]:.1f}"
    told = [f"# Training data in ten parts\n\n`python benchmarks/parts.py {options}`, {date.today()}; {load}."]
    for head, rows in ((heads[0], memory), (heads[1], speed), (heads[2], orders)):
        told += ["", *(f"| {' | '.join(map(str, row))} |" for row in (head, ("---",) * len(head), *rows))]
    (RESULTS / "parts.md").write_text("\n".join(told) + "\n")


if __name__ == "__main__":
    main()
