"""What a file of tagged sentences is: columns, CoNLL-U or JSON lines; seen from its name, its first lines, and the config."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from regard.core.errors import DataError, did_you_mean, message
from regard.data.row_parser import object_in
from regard.data.text_files import show_file

AUTO = "auto"
CONLLU = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
ENDS = {name: "columns" for name in ("conll", "iob", "iob1", "iob2", "bio", "bioes", "bilou", "bmes")}
ENDS |= {"conllu": "conllu", "conllup": "conllu", "jsonl": "jsonl", "ndjson": "jsonl", "parquet": "parquet"}
TOKENS = ("tokens", "words", "form")  # keys of JSON lines, the first that is there
TAGS = ("tags", "ner_tags", "pos_tags", "chunk_tags", "ner", "pos", "upos", "xpos", "labels", "slots")
HEAD = 500  # lines that are looked at
PLACE = re.compile(r"O|[BIESLUM]-\S+")  # a tag that says a place in a span, or none
REMARK = re.compile(r"# +(?:id|sent_id|text|newdoc|newpar|global\.columns)\b|#\S+ = ")
NUMBER = re.compile(r"\d+(?:[-.]\d+)?")  # a word, a range of words (3-4), an empty node (3.1)
DO = "Name the columns of the tokens and of the tags: data.source and data.target, by number from 1."


@dataclass(frozen=True, slots=True)
class TagLayout:
    """What a config says of such files.  format: auto, columns, conllu, jsonl or lines; source, target: the column of the tokens and that
    of the tags, by number from 1 or by name, in JSON a key; `auto`: as the file has them."""

    format: str = AUTO
    source: int | str = AUTO
    target: int | str = AUTO


@dataclass(frozen=True, slots=True)
class TagFileForm:
    """What a file is.  kind: columns, conllu or jsonl; token, tag: places of columns from 0 (-1: the last), or keys; width: how many
    columns each line of CoNLL-U has; numbered: the first column counts the tokens; header: the line that names the columns, 0: none;
    said: the same for people."""

    kind: str
    token: Any = 0
    tag: Any = -1
    width: int = 0
    numbered: bool = False
    header: int = 0
    said: str = ""


def fields(line: str) -> list[str]:
    """The columns of a line: parted by tabs where it has one, else by blanks.  Only ASCII's blank and tab part: what else Python calls
    white space (a no-break space in `25 000`, an ideographic space) belongs to a token or is one."""
    if "\t" in line:
        return [cell.strip(" ") or cell for cell in line.split("\t")]
    return [cell for cell in line.split(" ") if cell]


def tokens_of(text: str) -> tuple[str, ...]:
    """The tokens of a line of text, which blanks and tabs part."""
    return tuple(token for token in re.split(r"[ \t]+", text) if token)


def is_blank(line: str) -> bool:
    return not line.strip(" \t")


def parts(line: str) -> bool:
    """Whether a line in columns stands between sentences."""
    return is_blank(line) or line.startswith("-DOCSTART-")


def is_remark(line: str) -> bool:
    """Whether a line is a comment whatever stands around it: `# sent_id = 3` of CoNLL-U, `#begin document` of CoNLL-2012."""
    return line.startswith(("#begin document", "#end document")) or bool(REMARK.match(line))


def kind_of(file: str) -> str | None:
    """What the name of a file says of it."""
    return ENDS.get(file.removesuffix(".gz").rpartition(".")[2].lower()) if "." in file else None


def form_of(head: Sequence[str], file: str, layout: TagLayout) -> TagFileForm:
    """What a file is.  head: its first lines.  DataError where it is none of the forms, with the words for those that are near."""
    first = next((line for line in head if not is_blank(line)), "")
    kind = layout.format if layout.format not in (AUTO, "tsv", "lines", "parquet") else kind_of(file)
    free = layout.format in (AUTO, "tsv")
    if kind == "jsonl" or (free and object_in(first) is not None):
        return of_record(object_in(first) or {}, layout)
    blocks = _blocks(head)
    if kind == "conllu" or (free and (_is_conllu(blocks) or first.startswith("# global.columns"))):
        return _conllu(first, file, layout)
    names, header = list[str](), 0
    if any(isinstance(column, str) and column != AUTO for column in (layout.source, layout.target)):
        header, line = next(((i, line) for i, line in enumerate(head, 1) if not parts(line) and not is_remark(line)), (1, ""))
        names = [name.strip() for name in fields(line)]
    token, tag = _columns(blocks, file, layout, names)
    wide = max((len(row) for block in blocks for row in block), default=0)
    which = f"column {tag + 1}" if tag >= 0 else f"the last of {wide}" if wide > 2 else "the last"
    numbered = _runs(blocks) and token > 0
    return TagFileForm("columns", token, tag, 0, numbered, header, f"columns, tokens from column {token + 1}, tags from {which}")


def is_comment(line: str, last: str, *, numbered: bool) -> bool:
    """Whether a line of a sentence in columns is a comment: one that begins with `#` and has other columns than the sentence.

    last: the sentence's last line; rows with tabs may be of several widths, so that a comment is what has no tab.  numbered: the first
    column counts the tokens, so that no token can stand there.
    """
    if not line.startswith("#"):
        return False
    if numbered or is_remark(line):
        return True
    return "\t" not in line if "\t" in last else len(fields(line)) != len(fields(last))


def _blocks(head: Sequence[str]) -> list[list[list[str]]]:
    """The rows of each sentence of the first lines, comments left out; the last, which may not be whole, too."""
    found = list[list[str]]([[]])
    for line in head:
        if parts(line):
            found.append([])
        elif not is_remark(line):
            found[-1].append(line)
    blocks = [[fields(x) for x in block if not is_comment(x, block[-1], numbered=False)] for block in found if block]
    return [rows for rows in blocks if rows]


def _is_conllu(blocks: Sequence[Sequence[Sequence[str]]]) -> bool:
    rows = [row for block in blocks for row in block if not row[0].startswith("#")]
    whole = all(len(row) == len(CONLLU) and NUMBER.fullmatch(row[0]) for row in rows)
    return whole and any("_" in row for row in rows)


def _runs(blocks: Sequence[Sequence[Sequence[str]]], place: int = 0) -> bool:
    """Whether a column counts the tokens of each sentence, from 0 or 1."""
    columns = [[row[place] for row in block if len(row) > place and row[0] != "#"] for block in blocks]
    runs = [column in ([str(i) for i in range(a, a + len(column))] for a in (0, 1)) for column in columns if column]
    return bool(runs) and all(runs) and sum(map(len, columns)) >= 3


def _columns(blocks: Sequence[Sequence[Sequence[str]]], file: str, layout: TagLayout, names: Sequence[str]) -> tuple[int, int]:
    """Where tokens and tags stand, counted from 0; -1 is the last column.  DataError where that must be said first."""
    rows = [row for block in blocks for row in block if row[0] != "#"]
    width, token, tag = max(map(len, rows), default=0), 0, -1
    if layout.source == AUTO or layout.target == AUTO:
        if width >= 4 and _runs(blocks, 2) and len({row[0] for row in rows}) == 1:
            do = "Set data.source: 4, and data.target: 5 for parts of speech (its entities are brackets, no tags of tokens)."
            if layout.source == AUTO:
                received = "a file as CoNLL-2012's, whose words are column 4"
                raise DataError(message(show_file(file), "tokens in the first column", received, do))
        elif _runs(blocks) and layout.source == AUTO:
            token = 1
            entities = width == 4 and all(PLACE.fullmatch(cell) for row in rows for cell in row[2:])
            tag = 2 if entities or width == 3 else -1
            if layout.target == AUTO and tag < 0:
                received = f"{width} columns, of which the first counts the tokens"
                expected = "a token first and its tag last, or CoNLL-U (ten columns and tabs)"
                raise DataError(message(show_file(file), expected, received, DO))
    token = token if layout.source == AUTO else place_of(layout.source, names, file, "data.source")
    return token, (tag if layout.target == AUTO else place_of(layout.target, names, file, "data.target"))


def _conllu(first: str, file: str, layout: TagLayout) -> TagFileForm:
    """Ten columns with names, or, where the first line says so (CoNLL-U Plus), others."""
    names = list(CONLLU)
    if first.startswith("# global.columns"):
        names = [name.lower() for name in first.partition("=")[2].split()]
    source, target = ("form" if layout.source == AUTO else layout.source), ("upos" if layout.target == AUTO else layout.target)
    token, tag = place_of(source, names, file, "data.source"), place_of(target, names, file, "data.target")
    said = f"CoNLL-U, tokens from {names[token]}, tags from {names[tag]}"
    return TagFileForm("conllu", token, tag, len(names), "id" in names, 0, said)


def place_of(column: int | str, names: Sequence[str], file: str, key: str) -> int:
    """Where a column stands, counted from 0.  DataError for a name that is none."""
    if isinstance(column, int) and (not names or column <= len(names)):
        return column - 1
    told = [name.lower() for name in names]
    if told.count(str(column).lower()) == 1:
        return told.index(str(column).lower())
    do = f"Set {key} to a column that is there.{did_you_mean(column, names)}"
    raise DataError(message(show_file(file), f"one column {column!r} for {key}", ", ".join(map(repr, names)) or "no columns", do))


def of_record(record: Mapping[str, Any], layout: TagLayout) -> TagFileForm:
    """What JSON lines are, of which this is the first, or the rows of a Parquet: which keys hold tokens and tags, those that the config
    names, else the first known ones."""
    tokens, tags = ([key for key in known if isinstance(record.get(key), list)] for known in (TOKENS, TAGS))
    token = layout.source if isinstance(layout.source, str) and layout.source != AUTO else (tokens or TOKENS)[0]
    tag = layout.target if isinstance(layout.target, str) and layout.target != AUTO else (tags or TAGS)[0]
    others = [key for key in tags if key != tag]
    more = f" (also there: {', '.join(others)}; data.target names another)" if others else ""
    return TagFileForm("jsonl", token, tag, said=f"JSON lines, tokens from {token}, tags from {tag}{more}")


def begins_as(
    stream: Iterable[str], file: str, layout: TagLayout, known: Collection[str]
) -> tuple[list[str], TagFileForm | None]:
    """What a file to predict from is, and the lines that were read to see it: None where each line is a sentence.

    known: the tags of the model.  A file in columns has as many in each row of its first sentence, the last of which are tags.  From
    standard input no more is read than is needed: of a text the first line.
    """
    head, kind, rows = list[str](), kind_of(file), list[list[str]]()
    if layout.format == "lines":
        return head, None
    certain = kind or (layout.format if layout.format not in (AUTO, "tsv") else None)
    for line in stream:
        head.append(line)
        if is_blank(line) and not rows and not certain:
            continue
        if (object_in(line) is not None and not rows) or (certain == "jsonl" and not is_blank(line)):
            return head, of_record(object_in(line) or {}, layout)
        if certain or line.startswith(("#", "-DOCSTART-")):
            if certain and len(head) >= HEAD:
                break
            continue
        if is_blank(line) or len(head) >= HEAD:
            if _decided(rows, layout, known):
                certain = "columns"
            elif len(rows) > 1 or not _told_tags(rows, layout, known):
                return head, None
            continue
        rows.append(fields(line))
        uneven = len(rows[-1]) != len(rows[0]) and "\t" not in line
        if len(rows[-1]) < 2 or uneven or (file == "-" and not _told_tags(rows[-1:], layout, known)):
            return head, None
    if not certain and not _decided(rows, layout, known):
        return head, None
    return head, form_of(head, file, layout)


def _decided(rows: Sequence[Sequence[str]], layout: TagLayout, known: Collection[str]) -> bool:
    """Whether rows of one width are surely a token and its tag: most of the tags are known, or say a place."""
    told = _told_tags(rows, layout, known)
    sure = len(rows) > 1 or any(PLACE.fullmatch(tag) for tag in told)
    return bool(rows) and sure and 4 * len(told) >= 3 * len(rows)


def _told_tags(rows: Sequence[Sequence[str]], layout: TagLayout, known: Collection[str]) -> list[str]:
    """The tags of rows, so far as they are such."""
    if _is_conllu([rows]):
        return [row[3] for row in rows]
    return [tag for row in rows for tag in _candidates(row, layout) if tag in known or PLACE.fullmatch(tag)][: len(rows)]


def _candidates(row: Sequence[str], layout: TagLayout) -> Iterator[str]:
    place = layout.target - 1 if isinstance(layout.target, int) else len(row) - 1
    if place < len(row):
        yield row[place]
