"""The demo: from nothing to a trained model whose attention one can see, on data that Regard makes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

from regard import runs
from regard.api import Model, load
from regard.config import read_config
from regard.config.other_names import suggest
from regard.config.print_config import print_config
from regard.core.atomic_files import write_text
from regard.core.errors import UsageError, message
from regard.core.interface_language import translate
from regard.tasks import registry


def run(task: str, out: Path | None = None) -> None:
    """Make data, train, print figures and predictions, write a page, and say what to do next.

    out: the folder for all of it, which must be new; None: regard-demo, or the first free name after it.
    """
    shown = [spec.name for spec in registry.specs() if spec.demo]
    if task not in shown:
        raise UsageError(message("--task", " | ".join(shown), repr(task), f"Choose one of them.{suggest(task, shown)}"))
    made = import_module(str(registry.spec(task).demo))
    folder = _folder(out)
    begun = time.perf_counter()
    config = read_config({"task": task, "data": made.write(folder), **made.CONFIG})
    print(flush=True)
    write_text(folder / f"{task}.yaml", print_config(config))
    runs.train(config, folder / "run", say=lambda line: print(f"  {translate(line)}", file=sys.stderr, flush=True))
    print()
    made.show(load(folder / "run"), folder, time.perf_counter() - begun)


def write_parts(folder: Path, name: str, texts: Iterable[str]) -> dict[str, Any]:
    """Write what to train on and what to validate with: `dates.*.tsv` are `dates.train.tsv` and `dates.valid.tsv`, as a data section has
    them."""
    named = {part: [str(folder / name.replace("*", part))] for part in ("train", "valid")}
    for (file,), text in zip(named.values(), texts, strict=True):
        write_text(Path(file), text)
    return named


def train_beside(values: Mapping[str, Any], folder: Path) -> Model:
    """Another net, to be compared, trained without a word."""
    runs.train(read_config(values), folder, say=lambda line: None)
    return load(folder)


def _folder(out: Path | None) -> Path:
    names = (Path("regard-demo" if i == 1 else f"regard-demo-{i}") for i in count(1))
    folder = out or next(name for name in names if not name.exists())
    if folder.exists():
        do = "Remove it or choose another name."
        raise UsageError(message(str(folder), "a folder that does not exist yet", "one that does", do))
    folder.mkdir(parents=True)
    return folder
