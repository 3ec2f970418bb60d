"""Items of any kind from files, and what is done about lines at fault."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar, cast

from regard.data.files import shown
from regard.data.formats import Report
from regard.data.rows import BadLine
from regard.ground.errors import DataError, message

T = TypeVar("T")


def gather(
    found: Iterable[T | BadLine], files: Sequence[str], *, what: str, on_bad_line: str = "error"
) -> tuple[list[T], Report]:
    """All items at once, and what reading found.

    what: an item, in the plural ("sentences with tags").  on_bad_line: `error` stops at an item at fault, `skip` passes it by and
    reports it.  DataError names the file, the line and the mend; also where no item is left.
    """
    report, items = Report(tuple(shown(file) for file in files), of="items"), cast(list[T], [])
    for item in found:
        report.lines += 1
        if not isinstance(item, BadLine):
            items.append(item)
        elif on_bad_line == "skip":
            report.skipped.append(str(item))
        else:
            raise BadLine(f"{item} Or set data.on_bad_line: skip.")
    report.items = len(items)
    if not items:
        received = f"{report.lines} at fault; the first: {report.skipped[0]}" if report.skipped else "none"
        raise DataError(message(" + ".join(report.files), what, received, "Give a file with data."))
    return items, report
