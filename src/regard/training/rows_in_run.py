"""Data that was in memory, kept in the run folder: a run can then go on, and says what it was made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from regard.core.errors import RunFolderError, message
from regard.core.plural import many
from regard.data.in_memory import write_rows


def keep_rows(rows: Mapping[str, Any], task: str, folder: Path, say: Callable[[str], None]) -> None:
    """Write the rows of `train` and `valid` into a run folder as `data.NAME.jsonl`.

    A run that goes on must be given the same rows: RunFolderError otherwise, and what is there stays.
    """
    for name, given in rows.items():
        path = folder / f"data.{name}.jsonl"
        new = path.with_name(f"{path.name}.new")
        try:
            count = write_rows(given, task, new if path.exists() else path)
            if new.exists() and new.read_bytes() != path.read_bytes():
                do = "Give the rows that the run began with, or train into another folder."
                raise RunFolderError(message(str(path), "the rows that the run began with", many(count, "other"), do))
        finally:
            new.unlink(missing_ok=True)
        say(f"{name}: {many(count, 'row that was', 'rows that were')} in memory: kept in {path}.")
