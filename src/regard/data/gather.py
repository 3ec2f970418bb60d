"""Items of any kind from files, and what is done about lines at fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar, cast

from regard.core.errors import DataError, message
from regard.data.report import Report
from regard.data.row_parser import RecordError
from regard.data.text_files import shown

T = TypeVar("T")


def gather(
    found: Iterable[T | RecordError],
    files: Sequence[str],
    *,
    what: str,
    on_bad_line: str = "error",
    passed: Counter[str] | None = None,
) -> tuple[list[T], Report]:
    """All items at once, and what reading found.

    what: an item, in the plural ("sentences with tags").  on_bad_line: `error` refuses files with items at fault and says all
    that is wrong, `skip` passes them by and reports them.  passed: is told of lines that hold nothing while `found` is read.
    DataError names the file, the line and what to do; also where no item is left.
    """
    report, items = Report(tuple(shown(file) for file in files), of="item"), cast(list[T], [])
    report.passed = Counter() if passed is None else passed
    for item in found:
        report.lines += 1
        if isinstance(item, RecordError):
            report.skipped.append(str(item))
        elif on_bad_line == "skip" or not report.skipped:  # what is refused is read on for all that is wrong with it
            items.append(item)
    if report.skipped and on_bad_line != "skip":
        raise report.refusal()
    report.items = len(items)
    if not items:
        received = f"{report.lines} at fault; the first: {report.skipped[0]}" if report.skipped else "none"
        raise DataError(message(" + ".join(report.files), what, received, "Give a file with data."))
    return items, report


def refuse_errors(found: Iterable[T | RecordError]) -> Iterator[T]:
    """Items in order; one at fault is refused, whatever the config says: for where each must be answered."""
    for item in found:
        if isinstance(item, RecordError):
            raise item
        yield item
