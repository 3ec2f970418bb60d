"""Training data that a caller in Python has in memory, kept in the run folder: a run can then go on, and says what it was made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from regard.core.atomic_files import atomic
from regard.core.errors import DataError, RunFolderError, message
from regard.core.plural import many
from regard.tasks import registry

DO = "Give tuples, mappings, a pandas frame or a datasets.Dataset; or save the data as a file and name it."


def are_files(given: Any) -> bool:
    """Whether what is given are names of files, and no data."""
    each = [given] if isinstance(given, str | Path) else given
    return isinstance(each, list | tuple) and bool(each) and all(isinstance(name, str | Path) for name in each)


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


def write_rows(given: Any, task: str, path: Path) -> int:
    """Write data as JSON lines, whole or not at all, and return how many they are.

    given: tuples, whose parts are those of the task's spec (`row`), mappings with these keys or those of the config, a pandas frame
    (`to_dict`), or anything that gives mappings, as a `datasets.Dataset` does, whose classes are written by their names.
    DataError, with the number of the row from 1, for anything else, and where there is none.
    """
    if not registry.spec(task).row:
        known = ", ".join(spec.name for spec in registry.specs() if spec.row)
        raise DataError(message("train", f"a task whose data may be in memory ({known})", task, "Save the data as a file."))
    count = 0
    with atomic(path) as stream:
        for count, row in enumerate(_rows(given, task), 1):
            try:
                stream.write(json.dumps(row, ensure_ascii=False, default=_plain).encode() + b"\n")
            except (TypeError, ValueError) as error:
                raise DataError(message(f"row {count}", "texts, numbers and lists of them", str(error), DO)) from error
        if not count:
            raise DataError(message("the data in memory", "at least one row", "none", DO))
    return count


def _rows(given: Any, task: str) -> Iterator[Mapping[str, Any]]:
    if isinstance(given, Mapping):
        received = f"a mapping of {', '.join(map(str, list(given)[:4]))}"
        raise DataError(message("the data in memory", "rows", received, 'Give one part of it, as data["train"].'))
    frame = callable(getattr(given, "to_dict", None)) and hasattr(given, "columns")  # pandas: rows whose empty cells are NaN
    rows: Iterable[Any] = given.to_dict("records") if frame else given
    names = _classes(given)
    if isinstance(rows, str | bytes) or not isinstance(rows, Iterable):
        raise DataError(message("the data in memory", "rows", type(given).__name__, DO))
    for number, row in enumerate(rows, 1):
        if isinstance(row, Mapping):
            told = {str(key): value for key, value in row.items() if not _empty(value)}
            yield {key: names[key][value] if key in names and isinstance(value, int) else value for key, value in told.items()}
        else:
            yield _tuple(row, task, number)


def _tuple(row: Any, task: str, number: int) -> dict[str, Any]:
    parts = registry.spec(task).row
    keys, least = list(parts), sum(parts.values())
    if isinstance(row, str) or not isinstance(row, Sequence) or not least <= len(row) <= len(keys):
        expected = f"({', '.join(keys[:least])}" + "".join(f"[, {key}]" for key in keys[least:]) + "), or a mapping"
        raise DataError(message(f"row {number} of the data in memory", expected, repr(row)[:60], DO))
    return dict(zip(keys, row, strict=False))


def _classes(given: Any) -> dict[str, Sequence[str]]:
    """The names of the classes of a `datasets.Dataset`, for the columns that hold such numbers."""
    features = getattr(given, "features", None)
    each = features.items() if isinstance(features, Mapping) else ()
    return {key: feature.names for key, feature in each if isinstance(getattr(feature, "names", None), list)}


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _plain(value: Any) -> Any:
    """What numpy has as plain Python."""
    for way in ("tolist", "item"):
        if callable(getattr(value, way, None)):
            return getattr(value, way)()
    raise TypeError(f"{type(value).__name__} {value!r:.40}")
