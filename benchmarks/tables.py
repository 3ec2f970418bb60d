"""How a benchmark writes what it found: a CSV, and a page that names command, machine, versions and date."""

from __future__ import annotations

import csv
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"


def write(name: str, title: str, command: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """results/NAME.csv and results/NAME.md."""
    with (RESULTS / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])
    about = f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, {date.today()}"
    lines = [f"# {title}", "", f"`{command}`; {about}.", ""]
    lines += [f"| {' | '.join(map(str, row))} |" for row in (head, ("---",) * len(head), *rows)]
    (RESULTS / f"{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def go_on(
    path: Path, jobs: Sequence[tuple[str, int]], measure: Callable[[str, int], dict[str, Any]], at_once: int
) -> list[dict[str, str]]:
    """Measures the jobs (name, seed) that are not in the CSV yet, `at_once` side by side, each a row of `job`, `seed` and figures that is
    kept as soon as it is there; then all rows."""
    path.parent.mkdir(exist_ok=True)
    had = {(row["job"], row["seed"]) for row in read_rows(path)}
    todo = [(name, seed) for name, seed in jobs if (name, str(seed)) not in had]
    with ThreadPoolExecutor(at_once) as pool:
        for row in pool.map(lambda job: measure(*job), todo):
            keep(path, row)
            print(row, flush=True)
    return read_rows(path)


def keep(path: Path, row: Mapping[str, Any]) -> None:
    """Appends a row to a CSV, the first one below a header."""
    with path.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(row), lineterminator="\n")
        if not stream.tell():
            writer.writeheader()
        writer.writerow(row)


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV; none where there is no file."""
    return list(csv.DictReader(path.open(encoding="utf-8"))) if path.exists() else []
