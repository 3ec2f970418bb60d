"""Sentences whose every token has a tag: columns, CoNLL-U, JSON lines, or line-aligned files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, islice, zip_longest
from typing import Any

from regard.core.errors import DataError, message
from regard.core.plural import many
from regard.data.examples import Place
from regard.data.parts import all_parts, beside_each_other, find_parts
from regard.data.records import PassedLine, Placed, parse_each, read_records
from regard.data.row_parser import CORRECT, RecordError, explain_missing_key, has_half_surrogate, shorten
from regard.data.text_files import lines, show_file
from regard.tasks.tag.file_formats import (
    HEAD,
    NUMBER,
    TagFileForm,
    TagLayout,
    begins_as,
    fields,
    form_of,
    is_comment,
    kind_of,
    of_record,
    parts,
)
from regard.tasks.tag.file_formats import tokens_of as tokens_of

LABELS = ("intent", "label")  # keys of JSON lines that may hold the label of a sentence
PLAIN = TagLayout()


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """A sentence.  tags: one for each token, or none at all; label: of the whole sentence (an intent), where there is one; place: of
    its first line; beside: the files in which, on the same line, its tags and its label stand; none: they stand with the tokens;
    rows: the line of each token, where they stand below each other."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    label: str | None
    place: Place
    beside: tuple[str, ...] = ()
    rows: tuple[int, ...] = field(default=(), compare=False, repr=False)

    @property
    def source(self) -> str:
        return " ".join(self.tokens)

    def tag_at(self, i: int) -> Place:
        """Where tag i stands."""
        if self.beside:
            return Place(self.beside[0], self.place.line)
        return Place(self.place.file, self.rows[i]) if self.rows else self.place


def read_tagged(
    files: Sequence[str], layout: TagLayout = PLAIN, passed: Counter[str] | None = None
) -> Iterator[TaggedSentence | RecordError]:
    """The sentences of one file, or of two or three that are line-aligned: tokens, tags and, maybe, a label for the sentence.

    One file is columns (a token and its tag a line, blank lines between sentences), CoNLL-U, or JSON lines (`tokens`, `tags`), as
    `file_formats.form_of` sees it; where `layout.format` says which, several are read one after another.  A sentence at fault is handed
    over as a RecordError, which says file, line and what to do.  passed: is told of comments.  DataError for files that end at different
    lines, another number of files, or a file that is none of these.
    """
    if layout.format != "lines" and (len(files) == 1 or (files and layout.format != "auto")):
        return (item for file in all_parts(files) for item in _of_one(file, layout, Counter() if passed is None else passed))
    if len(files) in (2, 3) and not any(map(kind_of, all_parts(files))):
        return (item for each in beside_each_other(files) for item in _aligned(each))
    expected = "one file in columns, or two or three line-aligned ones: tokens, tags, labels"
    received = f"{len(files)}: {', '.join(map(show_file, files))}"
    do = "Name the files of one set of sentences; or set data.format (columns, conllu, jsonl) to read them one after another."
    raise DataError(message("sentences with tags", expected, received, do))


def describe(files: Sequence[str], layout: TagLayout = PLAIN) -> Iterator[str]:
    """What each file that stands by itself is, and the first of several parts, for people."""
    if layout.format != "lines" and (len(files) == 1 or layout.format != "auto"):
        for file in (find_parts(name)[0] for name in files):
            rows = kind_of(file) == "parquet"
            form = _of_rows(file, layout)[0] if rows else form_of(list(islice(lines(file), HEAD)), file, layout)
            yield f"{show_file(file)}: {form.said}"


def read_tokens(file: str, layout: TagLayout = PLAIN, known: Collection[str] = ()) -> Iterator[tuple[str, ...]]:
    """The tokens of what is to be predicted from, lazily.  known: the tags of the model, by which a file in columns is known.

    Columns and CoNLL-U give an item for each sentence, JSON lines and lines of text one for each line, an empty one for an empty line.
    DataError, with the line, for what has no token.
    """
    if kind_of(file) == "parquet":
        form, rows = _of_rows(file, layout)
        yield from (read_record(record, place, form, told=False).tokens for place, record in rows)
        return
    stream = lines(file)
    head, begun = begins_as(stream, file, layout, known)
    each = chain(head, stream)
    if begun is None:
        yield from map(tokens_of, each)
    elif begun.kind == "jsonl":
        for _, sentence in _taken(read_records(file, "jsonl", stream=each, blanks=True), begun, told=False):
            if isinstance(sentence, RecordError):
                raise sentence
            yield () if isinstance(sentence, PassedLine) else sentence.tokens
    else:
        for found in _sentences(each, show_file(file), begun, told=False):
            if isinstance(found, RecordError):
                raise DataError(str(found))
            yield found.tokens


def _of_one(file: str, layout: TagLayout, passed: Counter[str]) -> Iterator[TaggedSentence | RecordError]:
    if kind_of(file) == "parquet":
        form, found = _of_rows(file, layout)
    else:
        stream = lines(file)
        head = list(islice(stream, HEAD))
        form, each = form_of(head, file, layout), chain(head, stream)
        if form.kind != "jsonl":
            yield from _sentences(each, show_file(file), form, told=True, passed=passed)
            return
        found = read_records(file, "jsonl", stream=each, blanks=True)
    for _, sentence in _taken(found, form, told=True):
        if not isinstance(sentence, PassedLine):
            yield sentence


def _taken(found: Placed[Any], form: TagFileForm, *, told: bool) -> Placed[TaggedSentence | RecordError | PassedLine]:
    """The sentence of each object."""
    return parse_each(found, partial(read_record, form=form, told=told))


def _of_rows(file: str, layout: TagLayout) -> tuple[TagFileForm, Placed[Any]]:
    """The rows of a Parquet, and which of its columns are tokens and tags."""
    rows = read_records(file, "parquet")
    first = next(rows, None)
    form = of_record({} if first is None else first[1], layout)
    return replace(form, said=form.said.replace("JSON lines", "Parquet")), chain([] if first is None else [first], rows)


def _sentences(
    each: Iterable[str], name: str, form: TagFileForm, *, told: bool, passed: Counter[str] | None = None
) -> Iterator[TaggedSentence | RecordError]:
    """The sentences of a file whose tokens stand below each other.  told: with their tags; passed: is told of comments."""
    block = list[tuple[int, str]]()
    for number, line in chain(enumerate(each, start=1), [(0, "")]):
        if number != form.header and not parts(line):
            block.append((number, line))
        elif block:
            rows = _rows(block, form)
            if passed is not None and len(rows) < len(block):
                passed["comment"] += len(block) - len(rows)
            block = []
            if rows:
                yield _sentence(rows, name, form, told)


def _rows(block: Sequence[tuple[int, str]], form: TagFileForm) -> list[tuple[int, list[str], str]]:
    """The lines of a sentence with their columns, comments left out."""
    if form.kind == "conllu":
        return [(number, line.split("\t"), line) for number, line in block if not line.startswith("#")]
    last = block[-1][1]
    return [(number, fields(line), line) for number, line in block if not is_comment(line, last, numbered=form.numbered)]


def _sentence(
    rows: Sequence[tuple[int, list[str], str]], name: str, form: TagFileForm, told: bool
) -> TaggedSentence | RecordError:
    """One sentence, or what is wrong with it first."""
    tokens, tags, at = list[str](), list[str](), list[int]()
    width = len(rows[0][1])
    for number, cells, line in rows:
        place = Place(name, number)
        if form.kind == "conllu":
            if (fault := _misfit(cells, form, len(tokens))) is not None:
                return RecordError.at(place, *fault)
            if form.numbered and not cells[0].isdecimal():
                continue  # a range of words (3-4), whose words follow, or an empty node (3.1)
        token = cells[form.token] if form.token < len(cells) else ""
        tag = cells[form.tag] if told and form.tag < len(cells) and (len(cells) > 1 or form.tag >= 0) else ""
        if not token or (told and not tag):
            alone = f"a token in {f'column {form.token + 1}' if form.token else 'the first column'}"
            expected, received = ("a token and its tag", repr(line)) if told else (alone, "none")
            return RecordError.at(place, expected, received)
        # Between tabs a cell may be missing: MeCab knows no reading of some words.
        if told and len(cells) != width and "\t" not in line:
            expected = f"{width} columns, as in {name}:{rows[0][0]}"
            do = f"{CORRECT} A blank within a token needs a tab between the columns."
            return RecordError.at(place, expected, f"{len(cells)}: {shorten(line)}", do=do)
        tokens.append(token)
        tags.append(tag)
        at.append(number)
    if not tokens:
        return RecordError.at(Place(name, rows[0][0]), "a word", "ranges and empty nodes alone")
    return TaggedSentence(tuple(tokens), tuple(tags) if told else (), None, Place(name, at[0]), rows=tuple(at))


def _misfit(cells: Sequence[str], form: TagFileForm, before: int) -> tuple[str, str] | None:
    """What is expected of a line of CoNLL-U and what it is, where that is not the same.  before: words of the sentence so far."""
    if len(cells) != form.width:
        return f"{form.width} columns with tabs between them (CoNLL-U)", f"{len(cells)}"
    if not form.numbered:
        return None
    if not NUMBER.fullmatch(cells[0]) or (cells[0].isdecimal() and cells[0] != str(before + 1)):
        return f"the ID {before + 1} (sentences are parted by an empty line)", shorten(cells[0])
    return None


def read_record(record: dict[str, Any], place: Place, form: TagFileForm, *, told: bool) -> TaggedSentence:
    """The sentence of an object.  Labels that are whole numbers are their text.  RecordError where it holds none."""
    tokens = _listed(record, form.token, place, "tokens that are texts")
    if not all(isinstance(token, str) and token and not has_half_surrogate(token) for token in tokens):
        received = shorten(json.dumps(tokens, ensure_ascii=True))
        raise RecordError.at(f"{place}, key {form.token!r}", "a list of tokens, none of them empty", received)
    if not told:
        return TaggedSentence(tuple(tokens), (), None, place)
    tags = [_text(tag) for tag in _listed(record, form.tag, place, "a tag for each token")]
    if len(tags) != len(tokens) or not tokens:
        received = many(len(tags), "tag") if tokens else "no tokens"
        expected = f"as many tags as tokens ({len(tokens) or 'at least 1'})"
        raise RecordError.at(f"{place}, key {form.tag!r}", expected, received, "tag-count")
    if not all(isinstance(tag, str) and tag and not has_half_surrogate(tag) for tag in tags):
        received = shorten(json.dumps(tags, ensure_ascii=True))
        raise RecordError.at(f"{place}, key {form.tag!r}", "tags that are texts, or whole numbers", received)
    label = next((_text(record[key]) for key in LABELS if key in record), None)
    label = label.strip() if isinstance(label, str) and not has_half_surrogate(label) else None
    return TaggedSentence(tuple(tokens), tuple(str(tag) for tag in tags), label or None, place)


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _listed(record: dict[str, Any], key: str, place: Place, expected: str) -> list[Any]:
    if key not in record:
        raise explain_missing_key(record, key, place)
    if not isinstance(record[key], list):
        raise RecordError.at(f"{place}, key {key!r}", f"a list: {expected}", shorten(json.dumps(record[key], ensure_ascii=True)))
    return record[key]


def _aligned(files: Sequence[str]) -> Iterator[TaggedSentence | RecordError]:
    counts, beside = [0] * len(files), tuple(show_file(file) for file in files[1:])
    for number, row in enumerate(zip_longest(*map(lines, files)), start=1):
        counts = [count + (line is not None) for count, line in zip(counts, row, strict=True)]
        if None in row:
            continue
        tokens, tags = tokens_of(row[0]), tokens_of(row[1])
        label = row[2].strip() if len(row) == 3 else None
        place = Place(show_file(files[0]), number)
        if len(tokens) != len(tags) or not tokens:
            expected = f"as many tags as {show_file(files[0])}:{number} has tokens ({len(tokens)})" if tokens else "tokens"
            at = Place(show_file(files[1] if tokens else files[0]), number)
            received = many(len(tags), "tag") if tokens else "an empty line"
            yield RecordError.at(at, expected, received, "tag-count" if tokens else "empty-line")
        elif label == "":
            yield RecordError.at(Place(show_file(files[2]), number), "a label", "an empty line")
        else:
            yield TaggedSentence(tokens, tags, label, place, beside)
    if len(set(counts)) > 1:
        received = ", ".join(f"{show_file(file)} {count:,}" for file, count in zip(files, counts, strict=True))
        do = "Find the line that one of them lacks: each line of one belongs to the same line of the others."
        raise DataError(message("line-aligned files", "the same number of lines", received, do))
