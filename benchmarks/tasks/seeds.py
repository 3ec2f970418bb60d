"""What the benchmarks of tasks share: each model with each seed trained and judged in a process of its own, in a table that goes on."""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import tables

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("REGARD_DATA", ROOT.parent / "shared" / "data"))
MEDIAN, NONE = "median", "-"
Row = dict[str, str]


@dataclass(frozen=True)
class Table:
    """name: of results/NAME.csv.  script: the benchmark's file.  figures: by the names of `regard evaluate --json`.  runs: DATA/MODEL, and
    what makes it."""

    name: str
    title: str
    script: str
    figures: Sequence[str]
    runs: Mapping[str, object]

    @property
    def head(self) -> tuple[str, ...]:
        return ("data", "model", "seed", *self.figures, "minutes", "threads", "date")

    def row(self, name: str, seed: int | str, found: Mapping[str, float], minutes: float | str, threads: int | str) -> Row:
        """What was found of DATA/MODEL; a figure that it has not is a dash, and one that counts something has no decimals."""
        data, model = name.split("/")
        told_of = {figure: str(x) if isinstance(x, int) else f"{x:.4f}" for figure, x in found.items()}
        figures = {figure: told_of.get(figure, NONE) for figure in self.figures}
        told = minutes if isinstance(minutes, str) else f"{minutes:.1f}"
        return {"data": data, "model": model, "seed": str(seed), **figures} | _beside(told, threads)

    def medians(self, rows: Sequence[Row]) -> list[Row]:
        """A row for each model: medians over seeds, how many, and the longest time; what needs no seed (`-`) as it is."""
        made = []
        for data, model in dict.fromkeys((row["data"], row["model"]) for row in rows):
            own = [row for row in rows if (row["data"], row["model"]) == (data, model)]
            if own[0]["seed"] == NONE:
                made.append(own[0])
                continue
            each = {figure: [row[figure] for row in own] for figure in self.figures}
            middle = {x: _middle(found) for x, found in each.items()}
            most = max(own, key=lambda row: float(row["minutes"]))
            made.append({**most, "seed": f"{MEDIAN} of {len(own)}", **middle})
        return sorted(made, key=lambda row: row["data"])

    def read(self) -> list[Row]:
        """The rows that the table has, but medians."""
        path = tables.RESULTS / f"{self.name}.csv"
        rows = list(csv.DictReader(path.open(encoding="utf-8"))) if path.exists() else []
        return [row for row in rows if not row["seed"].startswith(MEDIAN)]

    def write(self, rows: Sequence[Row]) -> None:
        """Medians first, then every seed."""
        seeds = [row for row in rows if row["seed"] != NONE]
        written = [[row[key] for key in self.head] for row in (*self.medians(rows), *seeds)]
        tables.write(self.name, self.title, f"python benchmarks/tasks/{self.script}", self.head, written)

    def asked(self, about: str | None, files: Iterable[str]) -> argparse.Namespace:
        """Seeds, threads and models that the command line names.  files: that must be there."""
        parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
        parser.add_argument("--threads", type=int, default=2)
        names, said = list(self.runs), ", ".join(self.runs)
        parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="DATA/MODEL", help=said)
        found = parser.parse_args()
        if lacking := [DATA / file for file in files if not (DATA / file).exists()]:
            do = "Name the folder of the data: REGARD_DATA=FOLDER."
            sys.exit(f"{lacking[0]}: expected a data file; received no such file. {do}")
        return found


def go(table: Table, asked: argparse.Namespace, run: Callable[[str, int, int], Sequence[Row]], plain: Sequence[Row] = ()) -> None:
    """Run what the table has not yet, and write it after each.

    run: (DATA/MODEL, seed, threads) to its row, and maybe others that need no seed.  plain: rows that need no run.
    """
    rows = list({_of(row): row for row in (*table.read(), *plain)}.values())
    for seed in asked.seeds:
        for name in asked.only:
            if (*name.split("/"), str(seed)) not in map(_of, rows):
                made = run(name, seed, asked.threads)
                rows = list({_of(row): row for row in (*rows, *made)}.values())
                print(made[0], flush=True)
                table.write(rows)
    table.write(rows)


def _middle(found: Sequence[str]) -> str:
    """The median; what is the same for all as it is."""
    return found[0] if len(set(found)) == 1 else NONE if NONE in found else f"{statistics.median(map(float, found)):.4f}"


def _of(row: Row) -> tuple[str, str, str]:
    return row["data"], row["model"], row["seed"]


def judged(
    words: Sequence[str], train: Sequence[Path], valid: Sequence[Path], test: Sequence[Path], *, seed: int, threads: int
) -> tuple[dict[str, float], float, list[dict[str, Any]]]:
    """`regard train` with these words and `regard evaluate`, each in a process of its own: the figures, the minutes of training, and
    what the run wrote down of itself."""
    regard, environment = [sys.executable, "-m", "regard"], {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with tempfile.TemporaryDirectory() as folder:
        files = [
            word for option, some in (("--train", train), ("--valid", valid)) for file in some for word in (option, str(file))
        ]
        command = [*regard, "train", *words, *files, "--out", f"{folder}/run", f"train.seed={seed}", f"train.threads={threads}"]
        begun = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=environment)
        minutes = (time.perf_counter() - begun) / 60
        judge = [*regard, "evaluate", f"{folder}/run", *map(str, test), "--json"]
        found = json.loads(subprocess.run(judge, check=True, capture_output=True, env=environment).stdout)["metrics"]
        told = Path(folder, "run", "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return found, minutes, [json.loads(line) for line in told]


def _beside(minutes: str, threads: int | str) -> Row:
    return {"minutes": minutes, "threads": str(threads), "date": str(date.today())}
