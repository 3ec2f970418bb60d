"""Sentences whose tokens have tags, block by block: from columns (CoNLL, CoNLL-U) and from JSON lines; sentences at fault go elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from regard.check.bad import BadLines
from regard.check.finding import FIX, Block, Finding, Hits, Seen, short
from regard.check.form import Form
from regard.check.opened import Opened
from regard.data.tag_forms import fields as fields_of
from regard.ground.counted import many

SENTENCES = 4000  # of a block
TAGS = ("tags", "ner_tags", "pos_tags", "labels", "slots", "upos")


class Sentences:
    """The sentences of files, tokens and tags joined by blanks.  After the last block: rows with another number of columns than most,
    tokens with blanks inside, cells with white space at an end, and how many tokens there were."""

    def __init__(
        self, opened: Sequence[Opened], form: Form, bad: BadLines, *, valid: bool = False, most: int | None = None
    ) -> None:
        self._opened, self._form, self._bad, self._valid, self._most = opened, form, bad, valid, most
        self.odd, self.inner, self.ends, self.comments = Hits(), Hits(), Hits(), Hits()
        self.rows = self.tokens = 0

    def __iter__(self) -> Iterator[Block]:
        for opened in self._opened:
            read = self._keyed(opened) if self._form.format == "jsonl" else self._columns(opened)
            lines, cells = list[int](), dict[str, list[str]](tokens=[], tags=[])
            files = {"tokens": opened.file, "tags": opened.file}
            for line, tokens, tags in read:
                lines.append(line)
                self.rows += 1
                self.tokens += len(tokens)
                cells["tokens"].append(" ".join(tokens))
                cells["tags"].append(" ".join(tags))
                if len(lines) >= SENTENCES:
                    yield Block(lines, cells, files, self._valid)
                    lines, cells = [], dict(tokens=[], tags=[])
                if self._most is not None and self.rows >= self._most:
                    break
            if lines:
                yield Block(lines, cells, files, self._valid)

    def _columns(self, opened: Opened) -> Iterator[tuple[int, list[str], list[str]]]:
        tokens, tags, start, fault = list[str](), list[str](), 0, False
        for number, line in ((n + i, line) for n, lines in opened.pieces() for i, line in enumerate(lines)):
            if not line.strip() or line.startswith("-DOCSTART-"):
                if tokens and not fault:
                    yield start, tokens, tags
                tokens, tags, fault = [], [], False
                continue
            if self._form.comment and line.startswith(self._form.comment):
                self.comments.add(Seen(opened.file, number, short(line)))
                continue
            start = start if tokens or fault else number
            fields = fields_of(line)
            if len(fields) != self._form.width:
                self.odd.add(Seen(opened.file, number, short(line)))
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

    def _picked(self, fields: Sequence[str]) -> tuple[str | None, str]:
        """The token and its tag; None for a range or an empty node of CoNLL-U."""
        if self._form.format == "conllu" and not fields[0].isdigit() and any(c in fields[0] for c in "-."):
            return None, ""
        token, tag = self._form.token, self._form.tag
        return (fields[token], fields[tag]) if max(1, token, tag) < len(fields) else ("", "")

    def _spaces(self, file: str, number: int, line: str, token: str, tag: str) -> None:
        if token != (token.strip() or token) or tag != tag.strip():  # an ideographic space may be a token
            self.ends.add(Seen(file, number, short(line)))
        if any(c.isspace() for c in token.strip()):
            self.inner.add(Seen(file, number, short(line)))

    def _keyed(self, opened: Opened) -> Iterator[tuple[int, list[str], list[str]]]:
        for number, line in ((n + i, line) for n, lines in opened.pieces() for i, line in enumerate(lines)):
            try:
                record = json.loads(line)
                tokens, tags = record["tokens"], next(record[key] for key in TAGS if key in record)
                tokens, tags = [str(token) for token in tokens], [str(tag) for tag in tags]
            except (ValueError, RecursionError):
                self._bad.add("no-json" if line.strip() else "empty-line", opened.file, number, line)
                continue
            except (KeyError, TypeError, StopIteration):
                self._bad.add("missing-key", opened.file, number, line, "no lists of tokens and tags")
                continue
            if len(tokens) != len(tags) or not tokens:
                self._bad.add("tag-count", opened.file, number, line, f"{len(tokens)} tokens, {len(tags)} tags")
            else:
                yield number, [token.replace(" ", "\u2423") for token in tokens], tags

    def findings(self) -> list[Finding]:
        found = []
        if self.odd.count and self.odd.count < 0.5 * max(1, self.tokens):
            what = f"{many(self.odd.count, 'line has', 'lines have')} another number of columns than the others ({self._form.width})."
            found.append(
                Finding(
                    "odd-columns", "warning", what, self.odd.count, self.odd.first(), "Correct them: the last column is the tag."
                )
            )
        if self.inner.count:
            what = f"{many(self.inner.count, 'token holds', 'tokens hold')} white space inside."
            found.append(
                Finding("blank-in-token", "warning", what, self.inner.count, self.inner.first(), "One token must be one word.")
            )
        if self.ends.count:
            what = f"White space at an end in {many(self.ends.count, 'line')}."
            found.append(Finding("ends", "note", what, self.ends.count, self.ends.first(), f"{FIX}.", True))
        if self.comments.count and self._form.format != "conllu":
            what = f"{many(self.comments.count, 'comment line')} ({self._form.comment} ...)."
            found.append(
                Finding("comments", "note", what, self.comments.count, self.comments.first(), "--fix takes them out.", True)
            )
        if self.rows <= 1 and self.tokens > 50:
            what = "The whole file is one sentence: there are no empty lines between sentences."
            found.append(Finding("one-sentence", "error", what, 1, (), "Put an empty line behind each sentence."))
        return found
