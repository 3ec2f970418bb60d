"""The first lines of a file with columns: what parts its cells, its header, its comments, and what each column holds."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from regard.check.column_profile import NUMBER, Profile, profile
from regard.check.form import StatedForm, dictionary, join_caption_cells, split_csv_line
from regard.data.column_names import KNOWN, image_columns, plain
from regard.data.file_format import MARKS, RecognizedFile

TEXTS = ("text", "unspaced text", "words", "transcription")
COMMENTS = ("#", ";;;", "%%")


@dataclass(frozen=True)
class TableHead:
    """header: names, where the first line has them; named: whether a training takes them for such by itself.  comment: what a line that
    is no row begins with; passed: whether a training passes it by.  width: cells of most lines."""

    first: str
    separator: str
    format: str
    width: int
    profiles: Mapping[int | str, Profile]
    header: tuple[str, ...] | None
    named: bool
    comment: str
    passed: bool

    @property
    def held(self) -> list[Profile]:
        """What each column holds."""
        return [self.profiles[i] for i in range(self.width)]

    @property
    def texts(self) -> list[Profile]:
        """Columns of words or text that are no labels."""
        return [one for one in self.held if one.manner in TEXTS and not one.labels]


def table_of(lines: Sequence[str], end: str, said: RecognizedFile | None, given: StatedForm, *, by_lines: bool) -> TableHead:
    """As a training would find it.  end: of the file's name; said: what a training would take the file for."""
    taken = given.comment if given.comment is not None else said.comment if said else ""
    mark = taken or ("" if given.comment is not None else _comment(lines))
    # A training knows these marks by itself, where such lines have too few columns.
    comment = "" if mark in MARKS and not taken else mark
    kept = [line for line in lines if line.strip() and not (mark and line.startswith(mark) and "\t" not in line)]
    separator, format = _separator(kept, end)
    if said and said.format in ("tsv", "csv", "cmudict"):
        separator, format = said.separator or separator, said.format
    separator, format = given.separator or separator, given.format or format
    rows = _split(kept, separator, format)
    if by_lines and format == "csv" and rows:
        rows = [join_caption_cells(row, len(rows[0]), separator) for row in rows]
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 1
    whole = [row for row in rows if len(row) == width]
    profiles: dict[int | str, Profile] = {i: profile([row[i] for row in whole[1:] or whole]) for i in range(width)}
    names = said.header if said and format == said.format else ()
    header = (names if len(names) == width else ()) or (_header(rows[0], profiles, whole) if rows else None)
    if given.header is not None:
        header = tuple(cell.strip() for cell in rows[0]) if given.header and rows else None
    passed, first = bool(taken) or not comment, kept[0] if kept else ""
    return TableHead(first, separator, format, width, profiles, header, bool(names), comment, passed)


def _split(lines: Sequence[str], separator: str, format: str) -> list[list[str]]:
    if format == "cmudict":
        return [dictionary(line) for line in lines]
    return [split_csv_line(x, separator) if format == "csv" else x.split(separator) for x in lines]


def _comment(lines: Sequence[str]) -> str:
    """What lines without a tab begin with that stand among lines with one."""
    tabs = sum("\t" in line for line in lines)
    for mark in COMMENTS:
        those = [line for line in lines if line.startswith(mark)]
        bare = sum("\t" not in line for line in those)
        if those and bare > 0.5 * len(those) and (tabs or mark != "#" or len(those) < len(lines)):
            return mark
    return ""


def _separator(lines: Sequence[str], end: str) -> tuple[str, str]:
    """The sign between cells, and the format, where a training would not say it."""
    if lines and (found := image_columns(lines[0])) and found[0] != "\t":
        return found[0], "csv"
    if end != ".csv":
        return "\t", "tsv"
    for sign in (";", ",", "\t"):
        try:
            widths = Counter(len(row) for row in csv.reader(lines[:200], delimiter=sign))
        except csv.Error:
            continue
        width, times = widths.most_common(1)[0] if widths else (1, 0)
        if width > 1 and times > 0.8 * sum(widths.values()):
            return sign, "csv"
    return ",", "csv"


def _header(first: Sequence[str], profiles: Mapping[int | str, Profile], rows: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    """The first row, where it holds names: words that columns are called, or what no other row of the column is like."""
    names = [cell.strip() for cell in first]
    if len(names) != len(profiles) or not all(names) or len(set(names)) < len(names) or len(names) < 2:
        return None
    again = {i for row in rows[1:] for i, cell in enumerate(row) if cell.strip() == names[i]}  # no name of its column
    odd = 0
    for i, name in enumerate(names):
        held = profiles[i]
        number = bool(NUMBER.fullmatch(name))
        odd += held.manner == "numbers" and not number
        odd += held.manner in ("phones", "symbols") and len(name.split()) == 1 and len(name) > 3 and held.blanks > 0.9
        odd += held.manner == "features" and name.isalpha() and name.islower()
        odd += held.labels and held.cells >= 60 and plain(name) in KNOWN and i not in again
        if held.manner == "numbers" and number:
            return None
    elsewhere = {cell.strip() for row in rows[1:] for cell in row}
    known = sum(plain(name) in KNOWN and name not in elsewhere for name in names)
    return tuple(names) if odd or known >= max(2, len(names) // 2) else None
