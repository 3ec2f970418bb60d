"""Reading on real data: benchmarks/results/task-read.csv and .md.

    python benchmarks/tasks/read.py                    # both tables, seeds 1 2 3; hours on two cores
    python benchmarks/tasks/read.py cft --seeds 1
    python benchmarks/tasks/read.py cmrc --seeds 1 2 3 --systems span

cft: word-segmented children's stories with a blank (Cui et al. 2016), train and valid together, without the questions whose answer is no
word of the story; five folds by story, and one of the others in ten chooses the model.  Attention over attention against attention sum,
the same in all else; the interval of their difference is a bootstrap over stories, paired by question.
cmrc: the development set of CMRC 2018, four of five passages to learn from (a tenth of those chooses the model), judged on the rest.

Data: $REGARD_DATA, else ../shared/data beside the checkout.  Each run is a row of results/task-read-runs.csv as it ends, and is not run
again; the summary is made of those rows.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
import tables  # noqa: E402  it lies beside this folder, which is no package

from regard import runs as fit  # noqa: E402  as above
from regard.api import load  # noqa: E402  as above
from regard.config import load_config  # noqa: E402  as above
from regard.tasks.read.metrics import answer_figures, exact_and_f1  # noqa: E402  as above

DATA = Path(os.environ.get("REGARD_DATA", ROOT.parent / "shared" / "data")) / "rc"
RUNS = tables.RESULTS / "task-read-runs.csv"
HEAD = ("table", "system", "fold", "seed", "items", "exact_match", "f1", "accuracy", "minutes", "right")
FOLDS, DRAWS = 5, 2000
SYSTEMS = {  # what differs from configs/read-cloze.yaml and configs/read.yaml
    "cft": {"attention over attention": ["read.head=over"], "attention sum": ["read.head=sum"]},
    "cmrc": {
        "span": [],
        "span, without the look at the question": ["read.look=none"],
        "span, without marks": ["read.marks=false"],
    },
}
SENTENCE = re.compile(r"[^。！？；!?;\n]+[。！？；!?;\n]*")
EDGES = "，。：？！“”；’《》、「」（）『』 \t\n,.;:!?()\"'"


def records(table: str) -> list[dict[str, Any]]:
    """The questions of a table, of cft those whose answer is a word of the story."""
    names = {"cft": ("cft_zh/train.jsonl.gz", "cft_zh/valid.jsonl"), "cmrc": ("cmrc2018/dev.jsonl.gz",)}[table]
    found = []
    for path in (DATA / name for name in names):
        if not path.exists():
            sys.exit(f"{path}: expected the data of this benchmark; received nothing. Set REGARD_DATA (see data/SOURCES.md).")
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as stream:
            found += [json.loads(line) for line in stream]
    return found if table == "cmrc" else [r for r in found if r["answer"] in " ".join(r["doc"]).split() and _blanks(r) == 1]


def _blanks(record: dict[str, Any]) -> int:
    return str(record["query"]).count("XXXXX")


def passage(record: dict[str, Any]) -> str:
    """What questions are kept together by: the text, and of a story with a blank the story before it had one."""
    return record["context"] if "context" in record else " ".join(record["doc"]).replace("XXXXX", record["answer"])


def fold(record: dict[str, Any]) -> int:
    """Which of the folds a passage is in, whatever stands beside it."""
    return hashlib.sha256(passage(record).encode()).digest()[0] % FOLDS


def train(table: str, system: str, number: int, seed: int) -> dict[str, Any]:
    """A row: train on all folds but one, judge on that one."""
    every = records(table)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part, some in (("train", [r for r in every if fold(r) != number]), ("test", [r for r in every if fold(r) == number])):
            (folder / f"{part}.jsonl").write_text("".join(f"{json.dumps(r)}\n" for r in some), encoding="utf-8")
        begun = time.perf_counter()
        recipe = ROOT / "configs" / {"cft": "read-cloze.yaml", "cmrc": "read.yaml"}[table]
        config = load_config(recipe, [*SYSTEMS[table][system], f"train.seed={seed}"], train=[str(folder / "train.jsonl")])
        fit.train(config, folder / "run", say=lambda line: print(f"  {line}", file=sys.stderr, flush=True))
        minutes = (time.perf_counter() - begun) / 60
        model, test = load(folder / "run"), [r for r in every if fold(r) == number]
        texts = [(r["context"], r["question"]) if table == "cmrc" else (" ".join(r["doc"]), r["query"]) for r in test]
        found = [
            p.text for p in model.predict([(a.replace("XXXXX", " XXXXX "), b.replace("XXXXX", " XXXXX ")) for a, b in texts])
        ]
    return {"table": table, "system": system, "fold": number, "seed": seed, "minutes": round(minutes, 2)} | judged(test, found)


def judged(test: Sequence[dict[str, Any]], found: Sequence[str]) -> dict[str, Any]:
    """Figures, and which questions are right, in the order of the data."""
    right = [[a["text"] for a in r["answers"]] if "answers" in r else [r["answer"]] for r in test]
    figures = answer_figures(found, right, by_character=[True] * len(test))
    bits = "".join(str(int(exact_and_f1(f, r, by_character=True)[0])) for f, r in zip(found, right, strict=True))
    return {"items": len(test), **{k: round(v, 4) for k, v in figures.items()}, "right": bits}


def baselines(table: str, number: int) -> Iterator[dict[str, Any]]:
    """What needs no net, on one fold."""
    every = records(table)
    test, seen = [r for r in every if fold(r) == number], [r for r in every if fold(r) != number]
    if table == "cft":
        counts = Counter(r["answer"] for r in seen)
        systems = {
            "the story's most frequent word that answered in training": [_frequent(r, counts) for r in test],
            "the story's word that answered most often in training": [
                max(_words(r), key=lambda word: counts[word], default="") for r in test
            ],
        }
    else:
        systems = {
            "longest match: the sentence": [_sentence(r) for r in test],
            "longest match: its longest run without the question's bigrams": [_rest(_sentence(r), r["question"]) for r in test],
        }
    for system, found in systems.items():
        yield {"table": table, "system": system, "fold": number, "seed": "", "minutes": 0} | judged(test, found)


def _words(record: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(word for word in " ".join(record["doc"]).split() if word != "XXXXX"))


def _frequent(record: dict[str, Any], answers: Counter[str]) -> str:
    counts = Counter(" ".join(record["doc"]).split())
    return max((word for word in _words(record) if answers[word]), key=lambda word: counts[word], default="")


def _sentence(record: dict[str, Any]) -> str:
    """The sentence that shares most characters with the question, each counted as often as both have it; the first of equals."""
    asked = Counter(record["question"])
    return max(SENTENCE.findall(record["context"]), key=lambda sentence: sum((Counter(sentence) & asked).values())).strip(EDGES)


def _rest(sentence: str, question: str) -> str:
    """The longest run of characters of a sentence none of which is in a pair that the question has too."""
    pairs = {question[i : i + 2] for i in range(len(question) - 1)}
    free = [True] * len(sentence)
    for i in range(len(sentence) - 1):
        if sentence[i : i + 2] in pairs:
            free[i] = free[i + 1] = False
    runs = "".join(c if keep else "\0" for c, keep in zip(sentence, free, strict=True)).split("\0")
    return max((run.strip(EDGES) for run in runs), key=len)


def interval(rows: Sequence[dict[str, str]], one: str, other: str, seeds: Sequence[int]) -> str:
    """The difference of accuracy of two systems, and its 95 % interval: stories drawn again and again, seeds in the mean."""
    stories: dict[str, list[float]] = {}
    for number in range(FOLDS):
        test = [r for r in records("cft") if fold(r) == number]
        both = [[_bits(rows, system, number, seed) for seed in seeds] for system in (one, other)]
        for i, record in enumerate(test):
            a, b = (statistics.mean(int(bits[i]) for bits in each) for each in both)
            stories.setdefault(passage(record), []).append(a - b)
    each, draw, drawn = list(stories.values()), random.Random(1), []
    for _ in range(DRAWS):
        some = [x for story in draw.choices(each, k=len(each)) for x in story]
        drawn.append(statistics.mean(some))
    drawn.sort()
    mean = statistics.mean(x for story in each for x in story)
    return f"{100 * mean:+.1f} [{100 * drawn[round(0.025 * DRAWS)]:+.1f}, {100 * drawn[round(0.975 * DRAWS) - 1]:+.1f}]"


def _bits(rows: Sequence[dict[str, str]], system: str, number: int, seed: int) -> str:
    return next(r["right"] for r in rows if (r["system"], r["fold"], r["seed"]) == (system, str(number), str(seed)))


def summary(rows: Sequence[dict[str, str]]) -> list[list[Any]]:
    """A line a system: each seed that has all folds over them together (CMRC: the one fold), and the median of these seeds."""
    lines = []
    for table, system in dict.fromkeys((r["table"], r["system"]) for r in rows):
        mine = [r for r in rows if (r["table"], r["system"]) == (table, system)]
        folds = {r["fold"] for r in mine}
        seeds = [s for s in dict.fromkeys(r["seed"] for r in mine) if {r["fold"] for r in mine if r["seed"] == s} == folds]
        figures = []
        for name in ("exact_match", "f1"):
            each = [_pooled([r for r in mine if r["seed"] == seed], name) for seed in seeds]
            figures += [round(100 * statistics.median(each), 1), " ".join(f"{100 * x:.1f}" for x in each)]
        minutes = round(statistics.median(float(r["minutes"]) for r in mine), 1)
        lines.append([table, system, len(folds), " ".join(seeds), *figures, minutes])
    return lines


def _pooled(rows: Sequence[dict[str, str]], name: str) -> float:
    return sum(float(r[name]) * int(r["items"]) for r in rows) / sum(int(r["items"]) for r in rows)


def main() -> None:
    parse = argparse.ArgumentParser(description="Reading on real data: benchmarks/results/task-read.{csv,md}.")
    parse.add_argument("tables", nargs="*", choices=[*SYSTEMS, []], default=list(SYSTEMS))
    parse.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parse.add_argument("--folds", nargs="+", type=int, help="only these (default: all five of cft, the first of cmrc)")
    systems = [name for systems in SYSTEMS.values() for name in systems]
    parse.add_argument("--systems", nargs="+", choices=systems, default=systems, help="only these")
    given = parse.parse_args()
    for table in given.tables:
        for number in given.folds or (range(FOLDS) if table == "cft" else [0]):
            there = {(r["table"], r["system"], r["fold"], r["seed"]) for r in tables.read_rows(RUNS)}
            for row in baselines(table, number):
                if (table, row["system"], str(number), "") not in there:
                    tables.keep(RUNS, {key: row.get(key, "") for key in HEAD})
            for seed in given.seeds:
                for system in SYSTEMS[table]:
                    if system in given.systems and (table, system, str(number), str(seed)) not in there:
                        row = train(table, system, number, seed)
                        tables.keep(RUNS, {key: row.get(key, "") for key in HEAD})
    rows = tables.read_rows(RUNS)
    lines, (one, other) = summary(rows), SYSTEMS["cft"]
    there = {(r["system"], r["fold"], r["seed"]) for r in rows}
    seeds = sorted({int(r["seed"]) for r in rows if r["system"] == one})
    whole = [s for s in seeds if all((name, str(n), str(s)) in there for name in (one, other) for n in range(FOLDS))]
    if whole:
        said = interval(rows, one, other, whole)
        lines.append(
            ["cft", f"{one} minus {other}: {said} (95 %, bootstrap over stories)", FOLDS, " ".join(map(str, whole)), *[""] * 5]
        )
    head = ("table", "system", "folds", "seeds", "exact, median", "each", "F1, median", "each", "minutes a run")
    title = "Reading: CFT cloze (accuracy is exact match) and CMRC 2018 spans"
    tables.write("task-read", title, "python benchmarks/tasks/read.py", head, lines)


if __name__ == "__main__":
    main()
