"""How a benchmark writes what it found: a CSV, and a page that names command, machine, versions and date."""

from __future__ import annotations

import csv
import os
import platform
from collections.abc import Sequence
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
