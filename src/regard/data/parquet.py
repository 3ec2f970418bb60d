"""The rows of a Parquet file, or of an Arrow file as Hugging Face's `datasets` saves them, by pyarrow where it is installed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from regard.core.errors import DataError, did_you_mean, message
from regard.data.examples import Place
from regard.data.text_files import missing

AT_ONCE = 1000  # rows that lie in memory
BEGINNINGS = (b"PAR1", b"ARROW1")  # what such files begin with; Arrow's streams have none
SAVED = b"huggingface"  # where `datasets` keeps the names of classes, in the metadata of Arrow


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is read.  key: what says which it is, as `data.source`; name: its own, or `outer.inner`; may: what it may hold
    besides texts, of `whole numbers`, `numbers` and `lists`; needed: it must be there."""

    key: str
    name: str
    may: tuple[str, ...] = ()
    needed: bool = True


def parquet_rows(
    file: str, columns: Sequence[Column] | None = None, *, filled: bool = False
) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Each row with its number, counted from 1, as an object whose keys are the columns; a class of `datasets` is its name.

    columns: those that are read; None: all.  filled: a file without a row is an error.
    DataError: pyarrow is not installed, a file that is not there, is no Parquet or Arrow, or is damaged; a column that is not there, or
    whose type is another.
    """
    number = 0
    with _explained(file):
        schema, batches = _opened(file, columns)
        classes = {} if _begin(file).startswith(b"PAR1") else _classes(schema)
        for batch in batches:
            for start in range(0, batch.num_rows, AT_ONCE):
                for row in batch.slice(start, AT_ONCE).to_pylist():
                    number += 1
                    for key in classes.keys() & row.keys():
                        row[key] = _name(classes[key], row[key])
                    yield Place(file, number), row
    if filled and not number:
        do = "Write it again, or remove it: an empty part is often one whose writer broke off."
        raise DataError(message(file, "rows", "none", do))


def first_row(file: str) -> dict[str, Any]:
    """The columns of the first row; of a file without one their names alone.  DataError as above."""
    with _explained(file):
        schema, _ = _opened(file, None)
        names = dict.fromkeys(map(str, schema.names))
    return next((row for _, row in parquet_rows(file)), names)


@contextmanager
def _explained(file: str) -> Iterator[None]:
    """What pyarrow says of a file, as a DataError."""
    try:
        import pyarrow
    except ImportError as error:
        do = "pip install -e '.[parquet]', or save the data as JSON lines."
        raise DataError(message(file, "pyarrow, which reads Parquet", "no such package", do)) from error
    try:
        yield
    except FileNotFoundError as error:
        raise missing(file) from error
    except (OSError, pyarrow.ArrowException) as error:
        do = "It is damaged, or no such file: save the data again, as Parquet, JSON lines or TSV."
        what, received = "Arrow" if file.endswith(".arrow") else "Parquet", str(error).partition("\n")[0][:200].rstrip(".")
        raise DataError(message(file, f"a whole {what} file", received, do)) from error


def _opened(file: str, columns: Sequence[Column] | None) -> tuple[Any, Iterator[Any]]:
    """Its schema, and its rows some at a time."""
    import pyarrow
    from pyarrow import parquet

    begin = _begin(file)
    if not begin.startswith(b"ARROW1") and not file.lower().endswith(".arrow"):
        table = parquet.ParquetFile(file)
        kept = _kept(file, table.schema_arrow, columns)
        nested = kept is not None and any("." in name for name in kept)  # which pyarrow takes for a part of another column
        return table.schema_arrow, table.iter_batches(batch_size=AT_ONCE, columns=None if nested else kept)
    stored = pyarrow.memory_map(file)
    if begin.startswith(b"ARROW1"):
        reader = pyarrow.ipc.open_file(stored)
        batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
    else:
        batches = reader = pyarrow.ipc.open_stream(stored)
    kept = _kept(file, reader.schema, columns)
    return reader.schema, batches if kept is None else (batch.select(kept) for batch in batches)


def _begin(file: str) -> bytes:
    with open(file, "rb") as stream:
        return stream.read(len(BEGINNINGS[-1]))


def _kept(file: str, schema: Any, columns: Sequence[Column] | None) -> list[str] | None:
    """The columns of the file that are read; None: all.  DataError where one is not as it is wanted."""
    if columns is None:
        return None
    kept = dict[str, None]()
    for column in columns:
        name = column.name if column.name in schema.names else column.name.partition(".")[0]
        if name in schema.names:
            _refuse_type(file, column, schema.field(name).type)
            kept[name] = None
        elif column.needed:
            do = f"Set {column.key} to a column that is there.{did_you_mean(column.name, schema.names)}"
            there = ", ".join(map(repr, schema.names)) or "no columns"
            raise DataError(message(file, f"one column {column.name!r} for {column.key}", there, do))
    return list(kept)


def _refuse_type(file: str, column: Column, type_: Any) -> None:
    """DataError for a column that holds neither texts nor what else it may.  What lies within an object is judged row by row."""
    from pyarrow import types

    kind = type_.value_type if types.is_dictionary(type_) else type_
    texts = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    found = {"lists": lists, "whole numbers": types.is_integer(kind)}
    found["numbers"] = found["whole numbers"] or types.is_floating(kind)
    if texts or types.is_struct(kind) or types.is_null(kind) or any(found[word] for word in column.may):
        return
    expected = f"{' or '.join(('texts', *column.may))} in the column {column.name!r} ({column.key})"
    do = f"Write the column as text, or set {column.key} to another one."
    raise DataError(message(file, expected, f"values of the type {type_}", do))


def _classes(schema: Any) -> Mapping[str, Sequence[str]]:
    """The names of the classes of a saved dataset, for the columns that hold their numbers."""
    try:
        features = json.loads((schema.metadata or {})[SAVED])["info"]["features"]
        named = {key: feature["names"] for key, feature in features.items() if "names" in feature}
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}
    return {key: names for key, names in named.items() if isinstance(names, list) and all(isinstance(n, str) for n in names)}


def _name(names: Sequence[str], value: Any) -> Any:
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else value
