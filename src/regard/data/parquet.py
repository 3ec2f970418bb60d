"""The rows of a Parquet file, by pyarrow where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from regard.core.errors import DataError, message
from regard.data.examples import Place
from regard.data.text_files import missing

AT_ONCE = 1000  # rows that lie in memory


def parquet_rows(file: str) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Each row with its number, counted from 1, as an object whose keys are the columns.

    DataError: pyarrow is not installed, a file that is not there or is no Parquet, standard input.
    """
    with _opened(file) as table:
        number = 0
        for batch in table.iter_batches(batch_size=AT_ONCE):
            for row in batch.to_pylist():
                number += 1
                yield Place(file, number), row


def _opened(file: str) -> Any:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        do = "pip install -e '.[parquet]', or save the data as JSON lines."
        raise DataError(message(file, "pyarrow, which reads Parquet", "no such package", do)) from error
    try:
        return parquet.ParquetFile(file)
    except FileNotFoundError as error:
        raise missing(file) from error
    except (OSError, pyarrow.ArrowException) as error:
        do = "Save the data again, as Parquet, JSON lines or TSV."
        raise DataError(message(file, "a Parquet file", str(error).partition("\n")[0][:200], do)) from error
