"""What a check says: findings, each with how much harm it does, how often it is there, where first, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

LEVELS = ("error", "warning", "note")
KEPT = 5  # places that are kept of each finding
FIX = "--fix does it"


@dataclass(frozen=True, slots=True)
class FindingPlace:
    """One place: a file, a line of it (from 1; 0: the file as a whole), and the text that stands there."""

    file: str
    line: int
    text: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Finding:
    """kind: its name, for programs.  level: error (cannot be learnt from as it is), warning (most likely harmful), note (may be).
    what: one sentence; count: of how many lines (or symbols, labels) it is true; seen: the first places; do: what to do;
    fixable: whether `--fix` does it; config: lines for a config, `key: value`.  trains: whether a training goes on for all the error;
    skipped: whether `data.on_bad_line: skip` passes such lines by; quiet: whether a training says so by itself, or it is often meant."""

    kind: str
    level: str
    what: str
    count: int
    seen: tuple[FindingPlace, ...] = ()
    do: str = ""
    fixable: bool = False
    config: tuple[str, ...] = ()
    trains: bool = False
    skipped: bool = False
    quiet: bool = False

    def told(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        places = [{"file": s.file, "line": s.line, "text": s.text} for s in self.seen]
        whole = {"kind": self.kind, "level": self.level, "what": self.what, "count": self.count, "places": places}
        return {**whole, "do": self.do, "fixable": self.fixable, "config": list(self.config)}


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one or more line-aligned files.  lines: their numbers; cells: of each role (source, target, text ...), one a row;
    files: the file in which the cells of a role stand; valid: whether they are validation data."""

    lines: Sequence[int]
    cells: dict[str, list[str]]
    files: dict[str, str]
    valid: bool = False

    def joined(self, role: str) -> tuple[str, Sequence[str]]:
        """The cells of a role as one text with line ends between, and as they are there: a line end inside a cell, which JSON and CSV
        can write, is a blank."""
        cells = self.cells[role]
        text = "\n".join(cells)
        if text.count("\n") != len(cells) - 1:
            cells = [cell.replace("\n", " ") for cell in cells]
            text = "\n".join(cells)
        return text, cells

    def texts(self, roles: Iterable[str]) -> Iterator[tuple[str, str, Sequence[str]]]:
        """Those of the roles that are there, each with what `joined` says of it."""
        yield from ((role, *self.joined(role)) for role in roles if role in self.cells)

    def at(self, role: str, i: int, text: str | None = None) -> FindingPlace:
        """Row i of a role, with its cell as text."""
        return FindingPlace(self.files[role], self.lines[i], short(self.cells[role][i] if text is None else text))


class Check(Protocol):
    """One kind of question, asked of every block in one pass."""

    def feed(self, block: Block) -> None:
        """Looks at some rows."""

    def findings(self) -> Iterable[Finding]:
        """What was found in all of them."""


@dataclass
class Hits:
    """A count, and the first places."""

    count: int = 0
    seen: list[FindingPlace] = field(default_factory=list)

    def add(self, seen: FindingPlace) -> None:
        self.count += 1
        if len(self.seen) < KEPT:
            self.seen.append(seen)

    def first(self, number: int = 3) -> tuple[FindingPlace, ...]:
        return tuple(self.seen[:number])

    def report(
        self, kind: str, level: str, what: str, do: str, fixable: bool = False, config: tuple[str, ...] = (), **more: bool
    ) -> Iterator[Finding]:
        """What is to be said of these places, in the words of a `Finding`; nothing where there are none."""
        if self.count:
            yield Finding(kind, level, what, self.count, self.first(), do, fixable, config, **more)


def short(text: str, most: int = 60) -> str:
    """A text as findings show it."""
    return text if len(text) <= most else text[: most - 1] + "…"


def list_words(items: Sequence[str], most: int = 6) -> str:
    """`a, b, c and 4 more`."""
    told = ", ".join(items[:most])
    return told if len(items) <= most else f"{told} and {len(items) - most:,} more"


def said_and_done(error: str) -> tuple[str, str]:
    """What an error says is wrong, as a sentence, and what to do."""
    head, mark, rest = error.partition("; received ")
    received, _, do = rest.partition(". ")
    return (f"{head}{mark}{received}.", do) if mark else (error, "")


def refusal(error: object, kind: str = "refused") -> Finding:
    """What a training refuses as a whole, by its error."""
    what, do = said_and_done(str(error))
    return Finding(kind, "error", what, 1, (), do)
