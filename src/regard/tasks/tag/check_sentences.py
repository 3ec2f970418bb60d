"""Sentences whose tokens have tags, block by block: from columns (CoNLL, CoNLL-U) and from JSON lines; sentences at fault go elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from regard.check.finding import FIX, Block, Finding, FindingPlace, Hits, short
from regard.check.raw_lines import RawLines
from regard.check.rows import OpenedFiles, blocks, numbered
from regard.core.plural import many
from regard.data.examples import Place
from regard.data.row_parser import RecordError, json_object
from regard.tasks.tag.data import read_record
from regard.tasks.tag.file_formats import AUTO, TagLayout, of_record
from regard.tasks.tag.file_formats import TagFileForm as TagForm
from regard.tasks.tag.file_formats import fields as fields_of

SENTENCES = 4000  # of a block


class Sentences:
    """The sentences of files, tokens and tags joined by blanks.  After the last block: rows with another number of columns than most,
    tokens with blanks inside, cells with white space at an end, and how many tokens there were."""

    def __init__(self, read: OpenedFiles) -> None:
        self._opened, self._form, self._bad, self._valid, self._most = read.files, read.form, read.bad, read.valid, read.most
        self._layout = TagLayout("auto", *(read.form.roles.get(role, AUTO) for role in ("tokens", "tags")))
        self.odd, self.inner, self.ends, self.comments = Hits(), Hits(), Hits(), Hits()
        self.rows = self.tokens = 0

    def __iter__(self) -> Iterator[Block]:
        for opened in self._opened:
            files = dict.fromkeys(("tokens", "tags"), opened.file)
            yield from blocks(self._counted(opened), files, size=SENTENCES, valid=self._valid)

    def _counted(self, opened: RawLines) -> Iterator[tuple[int, Sequence[str]]]:
        read = self._keyed(opened) if self._form.format == "jsonl" else self._columns(opened)
        for line, tokens, tags in read:
            self.rows += 1
            self.tokens += len(tokens)
            yield line, (" ".join(tokens), " ".join(tags))
            if self._most is not None and self.rows >= self._most:
                return

    def _columns(self, opened: RawLines) -> Iterator[tuple[int, list[str], list[str]]]:
        tokens, tags, start, fault, wide = list[str](), list[str](), 0, False, 0
        for number, line in numbered(opened):
            if not line.strip() or line.startswith("-DOCSTART-"):
                if tokens and not fault:
                    yield start, tokens, tags
                tokens, tags, fault = [], [], False
                continue
            if self._form.comment and line.startswith(self._form.comment):
                self.comments.add(FindingPlace(opened.file, number, short(line)))
                continue
            start = start if tokens or fault else number
            fields = fields_of(line)
            wide = wide if tokens or fault else len(fields)
            if why := self._misfit(line, fields, wide):
                self._bad.add("sentence", opened.file, number, line, why)
                fault = True
                continue
            if len(fields) != self._form.width:
                self.odd.add(FindingPlace(opened.file, number, short(line)))
            token, tag = self._picked(fields)
            if token is None:
                continue
            if not token or not tag.strip():
                self._bad.add("no-tag", opened.file, number, line)
                fault = True
                continue
            self._spaces(opened.file, number, line, token, tag)
            tokens.append(re.sub(r"\s", "\u2423", token))
            tags.append(tag.strip().replace(" ", "\u2423"))
        if tokens and not fault:
            yield start, tokens, tags

    def _misfit(self, line: str, fields: Sequence[str], wide: int) -> str:
        """Why a training refuses a row for its columns.  wide: those of the first row of its sentence."""
        if self._form.format == "conllu":
            count = len(line.split("\t"))
            return f"{count} columns, not {self._form.width}" if count != self._form.width else ""
        return f"{len(fields)} columns, not {wide}" if len(fields) != wide and "\t" not in line else ""

    def _picked(self, fields: Sequence[str]) -> tuple[str | None, str]:
        """The token and its tag; None for a range or an empty node of CoNLL-U."""
        if self._form.format == "conllu" and not fields[0].isdigit() and any(c in fields[0] for c in "-."):
            return None, ""
        token, tag = self._form.token, self._form.tag
        return (fields[token], fields[tag]) if max(1, token, tag) < len(fields) else ("", "")

    def _spaces(self, file: str, number: int, line: str, token: str, tag: str) -> None:
        if token != (token.strip() or token) or tag != tag.strip():  # an ideographic space may be a token
            self.ends.add(FindingPlace(file, number, short(line)))
        if any(c.isspace() for c in token.strip()):
            self.inner.add(FindingPlace(file, number, short(line)))

    def _keyed(self, opened: RawLines) -> Iterator[tuple[int, list[str], list[str]]]:
        form: TagForm | None = None
        for number, line in numbered(opened):
            if not line.strip():
                continue  # a training passes it by
            try:
                place = Place(opened.file, number)
                record = json_object(line, place)
                form = form or of_record(record, self._layout)
                found = read_record(record, place, form, told=True)
            except RecordError as fault:
                kind = "sentence" if fault.kind == "unreadable" else fault.kind
                self._bad.add(kind, opened.file, number, line, str(fault).partition(": ")[2])
                continue
            tokens = [token.replace(" ", "\u2423") for token in found.tokens]
            yield number, tokens, [re.sub(r"\s", "\u2423", tag) for tag in found.tags]

    def findings(self) -> Iterator[Finding]:
        if self.odd.count < 0.5 * max(1, self.tokens):
            what = f"{many(self.odd.count, 'line has', 'lines have')} another number of columns than the others ({self._form.width})."
            yield from self.odd.report("odd-columns", "warning", what, "Correct them: the last column is the tag.")
        what = f"{many(self.inner.count, 'token holds', 'tokens hold')} white space inside."
        yield from self.inner.report("blank-in-token", "warning", what, "One token must be one word.")
        yield from self.ends.report("ends", "note", f"White space at an end in {many(self.ends.count, 'line')}.", f"{FIX}.", True)
        if self._form.format != "conllu":
            what = f"{many(self.comments.count, 'comment line')} ({self._form.comment} ...)."
            yield from self.comments.report("comments", "note", what, "--fix takes them out.", True)
        if self.rows <= 1 and self.tokens > 50:
            what = "The whole file is one sentence: there are no empty lines between sentences."
            yield Finding("one-sentence", "error", what, 1, (), "Put an empty line behind each sentence.", trains=True)
