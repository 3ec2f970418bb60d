"""How a part is written: lines of text, or rows of Parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from regard.core.errors import UsageError, message
from regard.tasks.base import TaskPrediction

Writer = Callable[[int, Sequence[TaskPrediction]], str]  # the number of a row, and its answers, to text


@dataclass(frozen=True)
class PartFormat:
    """ending: of the names of parts.  write: the text of a row; None: rows of Parquet, with the columns `line`, `rank`, `score` and `text`
    that the table of `--format tsv` has."""

    ending: str
    write: Writer | None

    def name(self, number: int) -> str:
        return f"part-{number:05d}.{self.ending}"

    def to_bytes(self, first: int, found: Iterable[Sequence[TaskPrediction]]) -> bytes:
        """A part as it lies on the disk.  first: the number of its first row."""
        if self.write is None:
            return _to_parquet(first, found)
        return "".join(self.write(line, best) for line, best in enumerate(found, first)).encode()

    def require(self) -> None:
        """UsageError where a package is missing."""
        if self.write is None:
            _pyarrow()


def _to_parquet(first: int, found: Iterable[Sequence[TaskPrediction]]) -> bytes:
    arrow, parquet = _pyarrow()
    rows = [(line, rank, p.score, p.text) for line, best in enumerate(found, first) for rank, p in enumerate(best, 1)]
    kinds = {"line": arrow.int64(), "rank": arrow.int32(), "score": arrow.float64(), "text": arrow.string()}
    columns = list(zip(*rows, strict=True)) or [()] * len(kinds)
    table = arrow.table({name: arrow.array(column, kind) for (name, kind), column in zip(kinds.items(), columns, strict=True)})
    stream = arrow.BufferOutputStream()
    parquet.write_table(table, stream)
    made: bytes = stream.getvalue().to_pybytes()
    return made


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        do = "pip install -e '.[parquet]', or write --format jsonl."
        raise UsageError(message("--format parquet", "pyarrow, which writes Parquet", "no such package", do)) from error
    return pyarrow, parquet
