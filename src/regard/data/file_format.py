"""What a file is, by its name and its first lines: format, separator, header, comments, and which column is what."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from regard.core.errors import DataError, message
from regard.data.column_content import (
    SHARE,
    above_numbers,
    find_separator,
    is_conllu,
    is_dictionary,
    is_tagged,
    looks_like_features,
)
from regard.data.column_names import Roles, is_header, may_be_header, roles
from regard.data.parquet import BEGINNINGS, first_row
from regard.data.parts import ROWS
from regard.data.row_parser import object_in
from regard.data.text_files import lines, show_file

HEAD, MOST = 1000, 1 << 20  # lines, and characters, that are looked at
ENDS = ROWS | {"json": "json", "conllu": "conllu", **dict.fromkeys(("conll", "iob", "iob2", "bio"), "conll")}
MARKS = (";;;", "#")  # what begins a comment
DECIMAL = re.compile(r"-?\d+(?:\.\d{3})*,\d+")


@dataclass(frozen=True)
class RecognizedFile:
    """What the first lines of a file say.  Columns are counted from 1; in JSON they are keys.

    format: tsv | csv | cmudict (a word, white space, its phones) | jsonl | json | conllu | conll | lines (plain text) | parquet.
    header: the names of the columns, where the first line that is no comment certainly is one (or the keys of the first object).
    comment: the mark that begins comment lines (`#`, `;;;`), else "".  blanks: blank lines part blocks.  features_separator: what parts
    the features of the features column.  kind: a format of the field by its name (unimorph, sigmorphon-2022, wikipron, cmudict, cldf,
    squad), else "".  notes: what a person should know, in sentences.
    """

    file: str
    format: str
    separator: str = ""
    header: tuple[str, ...] = ()
    comment: str = ""
    blanks: bool = False
    quoted: bool = False
    decimal_comma: bool = False
    width: int = 1
    source: int | str = 1
    target: int | str | None = None
    second: int | str | None = None
    features: int | str | None = None
    features_separator: str = ";"
    kind: str = ""
    notes: tuple[str, ...] = ()
    # The cells of the lines that were looked at, a header first.
    rows: tuple[tuple[str, ...], ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        named = {"\t": "tabs", ",": "commas", ";": "semicolons", " ": "blanks"}
        said = [self.format + (f" ({self.kind})" if self.kind not in ("", self.format) else "")]
        if self.format in ("tsv", "csv"):
            said.append(f"{self.width} columns parted by {named.get(self.separator, repr(self.separator))}")
            said.append(f"a header ({', '.join(self.header)})" if self.header else "no header")
        if self.comment:
            said.append(f"comments after {self.comment!r}")
        said += ["blank lines between blocks"] * (self.blanks and self.format in ("tsv", "csv"))
        said += ["quoted cells"] * self.quoted + ["decimal commas"] * self.decimal_comma
        return f"{show_file(self.file)}: {', '.join(said)}"


def recognize(file: str) -> RecognizedFile:
    """What a file is.  Only its first lines are read; `-` cannot be read twice, so it is refused.

    DataError: bytes that are not UTF-8 (UTF-16 and Latin-1 are named, with the line for iconv), before anything else; a file that is
    not there or cannot be read.
    """
    if file == "-":
        raise DataError(message("-", "a file, to look at its first lines", "standard input", "Save the data as a file."))
    named = ENDS.get(ending(file), "")
    if is_parquet(file):
        return _by_keys(file, "parquet", first_row(file))
    head = list(_head(file))
    start = next((line.lstrip() for line in head if line.strip()), "")
    if named == "jsonl" or (not named and object_in(start) is not None):
        return _jsonl(file, head)
    if named == "json" or (not named and start[:1] in "{[" and start[:1] and start.rstrip()[-1:] in "{[,"):
        squad = '"paragraphs"' in (whole := "".join(head)) or '"answers"' in whole
        return RecognizedFile(file, "json", kind="squad" if squad else "")
    if named in ("conllu", "conll"):
        return _conll(file, head, named)
    return _table(file, head, named)


def ending(file: str) -> str:
    """What a name ends in, `.gz` aside, in small letters."""
    return os.path.splitext(file.lower().removesuffix(".gz"))[1].removeprefix(".")


def is_parquet(file: str) -> bool:
    """Whether it is Parquet or Arrow, by its name or by its first bytes."""
    return ENDS.get(ending(file)) == "parquet" or any(_begins(file, mark) for mark in BEGINNINGS)


def _head(file: str) -> Iterator[str]:
    taken = 0
    for number, line in enumerate(islice(lines(file), HEAD), start=1):
        if "\0" in line[:10_000]:
            do = "It looks like UTF-16 or a binary file: save it as UTF-8 (iconv -f UTF-16LE -t UTF-8)."
            raise DataError(message(f"{show_file(file)}:{number}", "UTF-8 text", "a byte of zero", do))
        yield line
        taken += len(line)
        if taken > MOST:
            return


def _begins(file: str, mark: bytes) -> bool:
    try:
        with open(file, "rb") as stream:
            return stream.read(len(mark)) == mark
    except OSError:
        return False  # `lines` says what is wrong


def _jsonl(file: str, head: Sequence[str]) -> RecognizedFile:
    return _by_keys(file, "jsonl", next((record for record in map(object_in, head) if record is not None), {}))


def _by_keys(file: str, format: str, first: Mapping[str, Any]) -> RecognizedFile:
    """Keys by their names; `translation: {"de": ..., "en": ...}` is the keys `translation.de` and `translation.en`."""
    keys = [str(key) for key in first]
    for key, value in first.items():
        if isinstance(value, dict) and len(value) == 2 and all(isinstance(text, str) for text in value.values()):
            source, target = (f"{key}.{part}" for part in value)
            return RecognizedFile(file, format, header=tuple(keys), source=source, target=target)
    found = roles(keys)
    kind = "squad" if {"context", "question", "answers"} <= set(keys) else ""
    if "source" in keys or found is None:  # numbers stand for source, target and features
        return RecognizedFile(file, format, header=tuple(keys), target=2, features=3 if "features" in keys else None, kind=kind)
    return _named(RecognizedFile(file, format, header=tuple(keys), kind=kind), keys, found)


def _conll(file: str, head: Sequence[str], format: str) -> RecognizedFile:
    comment = "#" if format == "conllu" or any(re.match(r"#\s?\S+ = ", line) for line in head) else ""
    filled = [line for line in head if line.strip() and not (comment and line[0] == "#")]
    rows = [line.split("\t") if "\t" in line else line.split() for line in filled]
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 0
    if width == 10 and any(re.match(r"# (?:sent_id|text|newdoc)\b", line) for line in head):
        format = "conllu"
    header = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC") if format == "conllu" else ()
    tabs = "\t" if any("\t" in line for line in head) else " "
    return RecognizedFile(file, format, tabs, header, comment, True, width=width)


def _table(file: str, head: Sequence[str], named: str) -> RecognizedFile:
    """Columns parted by tabs, commas or semicolons, a pronouncing dictionary, a tagged text, or plain lines."""
    comment = _comment(head, named)
    kept = [line for line in head if not (comment and line.startswith(comment))]
    filled = [line for line in kept if line.strip()]
    plain = RecognizedFile(file, named or "lines", comment=comment if named else "")
    if not filled:
        return replace(plain, separator="\t" if named == "tsv" else "")
    if named != "csv" and is_dictionary(filled):
        return RecognizedFile(file, "cmudict", " ", (), comment, width=2, target=2, kind="cmudict")
    tabs = sum("\t" in line for line in filled)
    if not named and len(filled) < len(kept) and (is_tagged(kept) or is_conllu(filled)):
        return _conll(file, head, "conllu" if is_conllu(filled) else "conll")
    if named == "tsv" or (not named and 2 * tabs >= len(filled)):
        rows = [line.split("\t") for line in filled]
        return _columns(replace(plain, format="tsv", separator="\t", comment=comment), rows, kept)
    found = find_separator(filled, certain=named == "csv")
    if found is None:
        return replace(plain, separator="," if named == "csv" else "")
    separator, rows = found
    about = replace(plain, format="csv", separator=separator, comment=comment, quoted=any('"' in x for x in filled))
    return _columns(about, rows, kept)


def _comment(head: Sequence[str], named: str) -> str:
    """The mark of comments: lines that begin with it and have no columns, where others have."""
    split: Callable[[str], bool] = (lambda line: bool(re.search("[,;]", line))) if named == "csv" else (lambda line: "\t" in line)
    others = [line for line in head if line.strip() and not line.startswith(MARKS)]
    columns = 2 * sum(map(split, others)) >= len(others) > 0
    for mark in MARKS:
        begun = [line for line in head if line.startswith(mark)]
        told = [line for line in begun if not split(line) or (named == "csv" and line.startswith("# "))]
        # Else they are items that were taken out, or hashtags.
        out = [line for line in begun if line not in told and not line.startswith(f"{mark} ")]
        if told and (columns or mark == ";;;") and len(out) <= max(len(told), len(others) // 20):
            return mark
    return ""


def _columns(about: RecognizedFile, rows: list[list[str]], kept: Sequence[str]) -> RecognizedFile:
    """Header and columns of a table."""
    width = Counter(map(len, rows)).most_common(1)[0][0]
    named, notes = is_header(rows[0]) and len(rows[0]) >= min(width, 2), list[str]()
    body = rows[1:] if named else rows
    columns = [[row[i] if i < len(row) else "" for row in body] for i in range(width)]
    if not named and len(rows) > 1 and (may_be_header(rows[0], rows[1:]) or above_numbers(rows)):
        names = ", ".join(cell.strip() for cell in rows[0])
        do = "set data.header: true, or name the columns (data.source, data.target)"
        notes.append(f"line 1 looks like a header ({names}): {do}.")
    blanks = any(not line.strip() for line in kept[:-1])
    decimal = any(
        sum(bool(DECIMAL.fullmatch(x.strip())) for x in c) >= SHARE * max(1, sum(map(bool, c))) for c in columns if any(c)
    )
    header = tuple(x.strip() for x in rows[0]) if named else ()
    about = replace(about, width=width, header=header, blanks=blanks, decimal_comma=decimal)
    bundles = {i: mark for i, column in enumerate(columns) if (mark := looks_like_features(column))}
    found = roles(rows[0]) if named else None
    if found is None:
        found = _by_content(width, bundles)
    elif found.features is None and len(bundles) == 1 and found.second is None and width > 2:
        place = next(iter(bundles))
        found = replace(found, features=None if place in (found.source, found.target) else place)
    about = _named(about, about.header, found) if named else _numbered(about, found)
    if found.features is not None:
        about = replace(about, features_separator=bundles.get(found.features, ";"))
    if width == 2 and 1 in bundles and not named:
        notes.append("column 2 looks like features, not like a target.")
    kept_rows = tuple(map(tuple, rows))
    return replace(about, kind=_kind(about, found), notes=tuple(notes), rows=kept_rows)


def _by_content(width: int, bundles: dict[int, str]) -> Roles:
    """What columns without names are: features where one looks so, and the first two of the others."""
    if width < 3 or not bundles or (0 in bundles and len(bundles) == width):
        return Roles(0, 1)
    features = max(place for place in bundles if place < 3) if any(place < 3 for place in bundles) else max(bundles)
    source, target = [place for place in range(width) if place != features][:2]
    return Roles(source, target, features)


def _numbered(about: RecognizedFile, found: Roles) -> RecognizedFile:
    features = None if found.features is None else found.features + 1
    target = found.target + 1 if found.target < about.width else None
    return replace(about, source=found.source + 1, target=target, features=features)


def _named(about: RecognizedFile, names: Sequence[str], found: Roles) -> RecognizedFile:
    features, second = (None if place is None else names[place] for place in (found.features, found.second))
    return replace(about, source=names[found.source], target=names[found.target], features=features, second=second)


def _kind(about: RecognizedFile, found: Roles) -> str:
    if {"Form", "Segments"} <= set(about.header) and {"Language_ID", "ID"} & set(about.header):
        return "cldf"
    if found.features is not None and not about.header and about.features_separator == ";":
        return "sigmorphon-2022" if found.features < found.target else "unimorph" if found.features == 2 else ""
    return ""
