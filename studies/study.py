"""What every study shares: the command line, a table that survives an interruption, claims, a page of results, a plot.

A study is one file.  Its docstring says the claim, the paper and section, and the protocol; its `main` reads like this:

    study = Study(__file__, __doc__, full={"updates": 5000}, quick={"updates": 5})
    for seed in study.seeds:
        row = study.run({"cell": "gru", "seed": seed}, lambda seed=seed: {"mse": train(seed, study["updates"])})
    study.show("Adding problem", [{"cell": "gru", "published": "solved", "ours": median([r["mse"] for r in study.rows])}])
    study.claim("GRU below 1e-3 with every seed", all(r["mse"] < 1e-3 for r in study.rows))
    study.plot(lambda figure: figure.subplots().plot([r["mse"] for r in study.rows]))
    study.end()

It writes NAME.csv (every run, as it ends), NAME.md and NAME.svg into `--out`.  Started again it makes only the runs that are missing.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import torch

from regard.core.atomic_files import write_bytes, write_text
from regard.core.errors import UsageError, message

Row = dict[str, Any]
MOST = 80  # runs that a page lists; more are in the CSV alone
STYLE = {
    "svg.hashsalt": "regard", "svg.fonttype": "none", "font.size": 10, "axes.grid": True, "grid.alpha": 0.3,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "figure.constrained_layout.use": True,
}  # fmt: skip


class Table:
    """Runs in a CSV file: the first line, behind a #, says under what circumstances as JSON; then columns, then a row for each run.

    Each row ends in `seconds`.  An older file is gone on with where settings, machine and torch are the same; else UsageError.
    """

    def __init__(self, path: Path, about: Row) -> None:
        self.path, self.about, self.rows = path, about, list[Row]()
        if path.exists():
            first, *rest = path.read_text("utf-8").splitlines(keepends=True)
            was = json.loads(first.removeprefix("#"))
            differ = [key for key in about if was.get(key) != about[key]]
            if differ:
                received = ", ".join(f"{key} {was.get(key)}" for key in differ)
                expected = ", ".join(f"{key} {about[key]}" for key in differ)
                raise UsageError(message(f"{path}, an older study", expected, received, "Take it away, or choose another --out."))
            self.rows = [{k: _value(v) for k, v in row.items() if v} for row in csv.DictReader(rest)]

    @property
    def header(self) -> Row:
        seeds = sorted({row["seed"] for row in self.rows if "seed" in row})
        minutes = round(sum(row["seconds"] for row in self.rows) / 60, 2)
        return {**self.about, "date": str(date.today()), "seeds": seeds, "minutes": minutes}

    def run(self, key: Row, measure: Callable[[], Row]) -> Row:
        """The row that begins with `key`: as it was measured before, else measured now, timed and written."""
        key = _written(key)
        for row in self.rows:
            if all(row.get(k, "") == v for k, v in key.items()):
                return row
        began = time.perf_counter()
        measured = measure()
        self.rows.append(_written({**key, **measured, "seconds": round(time.perf_counter() - began, 3)}))
        file = io.StringIO()
        file.write(f"# {json.dumps(self.header)}\n")
        columns = [c for c in dict.fromkeys(c for row in self.rows for c in row) if c != "seconds"]
        writer = csv.DictWriter(file, [*columns, "seconds"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.path, file.getvalue())
        return self.rows[-1]


class Study:
    """One study, begun from the command line.

    full, quick: its settings, by name; those of `quick` replace those of `full` under --quick, where runs last seconds and claims
    about learning are not judged.
    """

    def __init__(self, file: str, doc: str | None, *, full: Row, quick: Row) -> None:
        parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--quick", action="store_true", help="a few seconds: that it runs, not what it shows")
        parser.add_argument("--out", type=Path, help="folder of the results; default studies/results, a new one with --quick")
        parser.add_argument("--seeds", type=int, nargs="+", help="default 0 1 2; 0 with --quick")
        parser.add_argument("--threads", type=int, default=1)
        asked = parser.parse_args()
        torch.set_num_threads(asked.threads)
        self.name, self.doc, self.quick = Path(file).stem, (doc or "").strip(), asked.quick
        self.settings = {**full, **quick} if asked.quick else full
        self.seeds = asked.seeds or ([0] if asked.quick else [0, 1, 2])
        self.out = asked.out or (Path(tempfile.mkdtemp()) if asked.quick else Path(file).parent / "results")
        self.out.mkdir(parents=True, exist_ok=True)
        machine = f"{platform.machine()}, {os.cpu_count()} cores"
        settings = json.loads(json.dumps(self.settings))  # as a file says it
        about = {"machine": machine, "torch": torch.__version__, "threads": asked.threads, "settings": settings}
        try:
            self.table = Table(self.out / f"{self.name}.csv", about)
        except UsageError as error:
            sys.exit(f"error: {error}")
        self._page: list[str] = []
        self._missed: list[str] = []

    def __getitem__(self, setting: str) -> Any:
        return self.settings[setting]

    @property
    def rows(self) -> list[Row]:
        return self.table.rows

    def run(self, key: Row, measure: Callable[[], Row]) -> Row:
        """The row of one run: `key` (what was asked: words, sizes, seed) and what `measure` finds, made only where it is missing."""
        before = len(self.rows)
        row = self.table.run(key, measure)
        if len(self.rows) > before:
            print("  ".join(f"{k} {v}" for k, v in row.items()), flush=True)
        return row

    def show(self, title: str, rows: Sequence[Row]) -> None:
        """A table of the page, such as the published figures beside ours."""
        self._page.append(f"## {title}\n\n{_markdown(rows)}")

    def say(self, text: str) -> None:
        """A paragraph of the page."""
        print(text, flush=True)
        self._page.append(text)

    def claim(self, text: str, held: bool, *, always: bool = False) -> None:
        """What the study has to show.  always: judged under --quick too."""
        judged = always or not self.quick
        self._page.append(f"* {text}: **{('holds' if held else 'does not hold') if judged else 'not judged under --quick'}**")
        print(f"{'claim' if judged else 'claim, not judged'}: {text}: {'holds' if held else 'does not hold'}", flush=True)
        if judged and not held:
            self._missed.append(text)

    def plot(self, draw: Callable[[Any], None], *, name: str = "", size: tuple[float, float] = (6.4, 4.0)) -> None:
        """NAME.svg, or NAME-`name`.svg: `draw` gets matplotlib's Figure.  Without matplotlib it is left out, and says so.

        The same rows give the same bytes.
        """
        path = self.out / f"{self.name}{f'-{name}' if name else ''}.svg"
        try:
            import matplotlib
            from matplotlib.figure import Figure
        except ImportError:
            print(f"no plot {path.name}: it needs matplotlib, pip install -e '.[plots]'; the table is written all the same")
            return
        drawn = io.BytesIO()
        with matplotlib.rc_context(STYLE):
            figure = Figure(figsize=size)
            draw(figure)
            figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
        write_bytes(path, drawn.getvalue())
        self._page.append(f"![{self.name}]({path.name})")

    def end(self) -> None:
        """Write the page, and leave: exit code 1 where a claim does not hold."""
        about = self.table.header
        settings = "".join(f"; {k} {' '.join(map(str, v)) if isinstance(v, list) else v}" for k, v in about["settings"].items())
        seeds = f"; seeds {' '.join(map(str, about['seeds']))}" if about["seeds"] else ""
        header = (
            f"{about['machine']}, {about['threads']} thread{'s' * (about['threads'] > 1)}; torch {about['torch']}; {about['date']}"
            f"{settings}{seeds}; {about['minutes']:g} minutes{' (--quick: it shows only that the study runs)' * self.quick}."
        )
        every = f"## Every run\n\n{_markdown(self.rows)}" if len(self.rows) <= MOST else f"Every run: {self.name}.csv."
        page = "\n\n".join([f"# {self.name}", header, self.doc, *self._page, every])
        page = re.sub(r"(?m)^(\* .*)\n\n(?=\* )", r"\1\n", page)  # claims that follow each other are one list
        write_text(self.out / f"{self.name}.md", page + "\n")
        print(f"written: {self.out / self.name}.md")
        sys.exit(1 if self._missed else 0)


def median(values: Sequence[float]) -> float:
    """The middle one; of an even number the lower of the two, so that it is a measured one."""
    return sorted(values)[(len(values) - 1) // 2]


def _markdown(rows: Sequence[Row]) -> str:
    columns = list(dict.fromkeys(c for row in rows for c in row))
    lines = [columns, ["---"] * len(columns), *([str(_told(row.get(c, ""))) for c in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _told(value: Any) -> Any:
    return f"{value:.4g}" if isinstance(value, float) else value


def _written(row: Mapping[str, Any]) -> Row:
    """As a file will give it back: a study that went on says the same as one that was never stopped."""
    return {k: _value(f"{v:.6g}" if isinstance(v, float) else str(v)) for k, v in row.items()}


def _value(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
