"""What reading found: items of any kind at once, how many lines and items there were, and what is done about lines at fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

from regard.core.errors import DataError, message
from regard.core.plural import many
from regard.data.row_parser import RecordError
from regard.data.text_files import show_file

T = TypeVar("T")
NAMED = 5  # so many lines at fault are named one by one


def describe_passed(counts: Mapping[str, int]) -> str:
    """Lines that hold nothing to read, in words."""
    return " and ".join(many(count, f"{kind} line") for kind, count in sorted(counts.items()))


@dataclass
class Report:
    """What reading found; `str(report)` says it in sentences."""

    files: tuple[str, ...]
    lines: int = 0  # of text: a header does not count, and two aligned lines are one; or what else was read one by one
    items: int = 0
    skipped: list[str] = field(default_factory=list)  # what was wrong with each, its place first
    of: str = "line"  # what was read one by one
    passed: Counter[str] = field(default_factory=Counter)  # lines that hold nothing to read: comment, blank, header

    def __str__(self) -> str:
        read = "" if self.of == "item" else f"{many(self.lines, self.of)}, "
        said = [f"{' + '.join(self.files)}: {read}{many(self.items, 'item')}."]
        if self.passed:
            said[0] += f" Besides, {describe_passed(self.passed)}."
        if self.skipped:
            said.append(f"{many(len(self.skipped), f'bad {self.of} was', f'bad {self.of}s were')} skipped:")
            said += self._named()
        return "\n".join(said)

    def refusal(self) -> RecordError:
        """The error that says all that is wrong with a file: one fault in its own words, several in a list."""
        if len(self.skipped) == 1:
            return RecordError(f"{self.skipped[0]} Or set data.on_bad_line: skip.")
        received = f"{len(self.skipped):,} of {self.lines:,} at fault"
        do = "Correct them, or set data.on_bad_line: skip.\n" + "\n".join(self._named())
        return RecordError.at(" + ".join(self.files), f"{self.of}s that can be read", received, do=do)

    def _named(self) -> list[str]:
        """The first lines at fault, and how to see all."""
        named = [f"  {why}" for why in self.skipped[:NAMED]]
        more = len(self.skipped) - NAMED
        return [*named, f"  and {more:,} more; all of them: regard check {' '.join(self.files)}"] if more > 0 else named


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
    report, items = Report(tuple(show_file(file) for file in files), of="item"), cast(list[T], [])
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
