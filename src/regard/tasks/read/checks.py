"""What is asked of passages and questions before a net learns them (`regard check`): answers that tokens cannot give."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from regard.check.bad_lines import place_said
from regard.check.finding import Block, Finding, FindingPlace, Hits, refusal, short
from regard.check.form import FileForm
from regard.check.items_seen import FEW, FilesToRead
from regard.check.look import LIST, Look
from regard.check.rows import OpenedFiles
from regard.check.task_checks import Stream, TaskChecks
from regard.config import Config
from regard.core.errors import DataError
from regard.core.plural import many
from regard.data.columns import Layout
from regard.data.row_parser import RecordError
from regard.tasks.read.data import PassageQuestion, read_asked, refuse_unreachable
from regard.tasks.read.section import ReadSection

QUESTIONS = 500  # of a block
WORDS = "space"  # how cloze passages are cut, where nobody says a word about them: they come cut into words
LONGEST = 30  # words of an answer, as read.longest has by default
WORD = re.compile(r"[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff_]")  # signs that the tokenizer `word` keeps together


class Questions:
    """The questions of files.  After the last block: answers that begin or end inside a word, that are long, that are no word."""

    def __init__(self, read: OpenedFiles) -> None:
        given, self._opened, self._files = read.given, read.files, [o.file for o in read.files]
        self._bad, self._cloze, self._valid, self._most = read.bad, read.form.cloze or given.cloze, read.valid, read.most
        self._clean = Layout(unicode=given.unicode, lowercase=given.lowercase).clean
        self._words, self._said = given.source_tokenizer or ("word" if given.cloze else WORDS), given.cloze
        self.inside, self.long, self.absent, self.rows, self._refusal = Hits(), Hits(), Hits(), 0, ""

    def __iter__(self) -> Iterator[Block]:
        for opened in self._opened:
            for _ in opened.pieces():
                pass  # what is wrong with its bytes is known behind the last
        if not any(opened.broken for opened in self._opened):
            try:
                yield from self._read()
            except DataError as error:
                self._refusal = str(error)

    def _read(self) -> Iterator[Block]:
        numbers, cells, of = list[int](), _no_cells(), ""
        for found in read_asked(self._files, blank=self._cloze):
            text = str(found) if isinstance(found, RecordError) else found.place
            file, line = place_said(text, self._files)
            if isinstance(found, RecordError):
                kind = "question" if found.kind == "unreadable" else found.kind
                self._bad.add(kind, file, line, text, text.removeprefix(f"{file}:{line}: "))
                continue
            self.rows += 1
            self._look(found, FindingPlace(file, line))
            if numbers and (file != of or len(numbers) >= QUESTIONS):  # a block is of one file
                yield Block(numbers, cells, dict.fromkeys(cells, of), self._valid)
                numbers, cells = [], _no_cells()
            of = file
            numbers.append(line)
            cells["passage"].append(found.passage)
            cells["question"].append(found.question)
            cells["target"].append(found.answers[0].text if found.answers else "")
            if self._most is not None and self.rows >= self._most:
                break
        if numbers:
            yield Block(numbers, cells, dict.fromkeys(cells, of), self._valid)

    def _look(self, asked: PassageQuestion, seen: FindingPlace) -> None:
        for answer in asked.answers[:1]:
            text, passage = answer.text, asked.passage
            told = FindingPlace(seen.file, seen.line, short(text))
            if answer.start is None:
                if isinstance(next(refuse_unreachable([asked], self._words, self._clean)), RecordError):
                    self.absent.add(told)
                continue
            end = answer.start + len(text)
            if self._words != "char" and (_joined(passage, answer.start) or _joined(passage, end)):
                around = passage[max(0, answer.start - 8) : end + 8]
                self.inside.add(FindingPlace(seen.file, seen.line, f"{short(text, 30)} in {around!r}"))
            if len(text.split()) > LONGEST:
                self.long.add(told)

    def findings(self) -> Iterator[Finding]:
        rows = max(1, self.rows)
        if self._refusal:
            yield refusal(self._refusal)
        if self._cloze and not self._said:
            what = "Cloze questions, whose answers fill a blank: a training must be told so."
            do = "Set read.head: over (attention over attention) or sum; data.source_tokenizer: space where blanks part words."
            config = ("read.head: over", *(("data.source_tokenizer: space",) if self._words == WORDS else ()))
            yield Finding("cloze", "note", what, self.rows, (), do, False, config)
        what = (
            f"{many(self.inside.count, 'answer begins or ends', 'answers begin or end')} inside a word: tokens cannot give them."
        )
        level = "warning" if self.inside.count > 0.05 * rows else "note"
        do = "Set data.source_tokenizer: char, or mark whole words."
        yield from self.inside.report("answer-inside-word", level, what, do, quiet=True)
        what = f"{many(self.long.count, 'answer has', 'answers have')} more than {LONGEST} words."
        yield from self.long.report("answer-long", "note", what, "Raise read.longest.")
        what = f"{many(self.absent.count, 'answer is', 'answers are')} no word of the passage, so that no net can point at it."
        level = "error" if self._said or self.absent.count > 0.2 * rows else "note"
        do = "Correct or remove them, or set data.on_bad_line: skip; where blanks part the words, data.source_tokenizer: space."
        yield from self.absent.report("answer-absent", level, what, do, False, ("data.on_bad_line: skip",), skipped=True)


def _no_cells() -> dict[str, list[str]]:
    return dict(passage=[], question=[], target=[])


def _joined(text: str, at: int) -> bool:
    """Whether a word goes on over a place in a text."""
    return 0 < at < len(text) and bool(WORD.match(text[at - 1]) and WORD.match(text[at]))


class ReadChecks(TaskChecks):
    """Of a task that finds the answer to a question in a passage."""

    roles = ("passage", "question")
    nouns: Mapping[str, str] = {"target": "answer"}
    keys: Mapping[str, str] = {}
    any_script = ("target",)
    tabular = aligned = parquet = rewrites = False
    annotated = True

    def sure(self, look: Look) -> int:
        have = look.keys.keys() if look.kind in ("jsonl", "parquet") else set[str]()
        return 9 if {"context", "question"} <= have or {"doc", "query"} <= have else 2 if look.kind == LIST else 0

    def objects(self, look: Look) -> FileForm:
        return FileForm(self.task, "jsonl", cloze="doc" in look.keys)

    def stream(self, read: OpenedFiles) -> Stream:
        return Questions(read)

    def items(self, read: FilesToRead) -> Iterable[Any]:
        each = read_asked(read.files, blank=read.form.cloze or read.given.cloze)
        return islice((x for x in each if isinstance(x, PassageQuestion)), FEW + 1)  # what is wrong with others is known

    def read_section(self, config: Config, *, fixed: bool) -> dict[str, Any]:
        return {"cloze": ReadSection.of(config).head != "span"}
