"""Questions about passages, as `regard.data.asked` reads them: at fault where it says so, and answers that tokens cannot give."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from regard.check.bad import BadLines
from regard.check.finding import Block, Finding, Hits, Seen, short
from regard.check.opened import Opened
from regard.data.asked import Asked, read_asked
from regard.data.rows import BadLine
from regard.ground.counted import many

QUESTIONS = 500  # of a block
LONGEST = 30  # words of an answer, as read.longest has by default
WORD = re.compile(r"[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff_]")  # signs that the tokenizer `word` keeps together
PLACE = re.compile(r"(.+?):(\d+)")


class Questions:
    """The questions of files.  After the last block: answers that begin or end inside a word, that are long, that are no word."""

    def __init__(
        self, opened: Sequence[Opened], bad: BadLines, *, cloze: bool, valid: bool = False, most: int | None = None
    ) -> None:
        self._files, self._bad, self._cloze, self._valid, self._most = [o.file for o in opened], bad, cloze, valid, most
        self.inside, self.long, self.absent, self.rows = Hits(), Hits(), Hits(), 0

    def __iter__(self) -> Iterator[Block]:
        numbers, cells = list[int](), dict[str, list[str]](passage=[], question=[], target=[])
        for at, found in enumerate(read_asked(self._files, blank=self._cloze), 1):
            file, line, text = self._place(found, at)
            if isinstance(found, BadLine):
                self._bad.add(_kind(text), file, line, text, text.removeprefix(f"{file}:{line}: "))
                continue
            self.rows += 1
            self._look(found, Seen(file, line))
            numbers.append(line)
            cells["passage"].append(found.passage)
            cells["question"].append(found.question)
            cells["target"].append(found.answers[0].text if found.answers else "")
            if len(numbers) >= QUESTIONS:
                yield Block(numbers, cells, dict.fromkeys(cells, file), self._valid)
                numbers, cells = [], dict(passage=[], question=[], target=[])
            if self._most is not None and self.rows >= self._most:
                break
        if numbers:
            yield Block(numbers, cells, dict.fromkeys(cells, file), self._valid)

    def _place(self, found: Asked | BadLine, at: int) -> tuple[str, int, str]:
        text = str(found) if isinstance(found, BadLine) else ""
        place = text.partition(": ")[0] if isinstance(found, BadLine) else found.place
        match = PLACE.match(place)
        return (match[1], int(match[2]), text) if match and match[1] in self._files else (self._files[0], at, text)

    def _look(self, asked: Asked, seen: Seen) -> None:
        for answer in asked.answers[:1]:
            text, passage = answer.text, asked.passage
            told = Seen(seen.file, seen.line, short(text))
            if answer.start is None:
                if text not in passage:
                    self.absent.add(told)
                continue
            end = answer.start + len(text)
            if _joined(passage, answer.start) or _joined(passage, end):
                around = passage[max(0, answer.start - 8) : end + 8]
                self.inside.add(Seen(seen.file, seen.line, f"{short(text, 30)} in {around!r}"))
            if len(text.split()) > LONGEST:
                self.long.add(told)

    def findings(self) -> list[Finding]:
        found, rows = [], max(1, self.rows)
        if self.inside.count:
            what = f"{many(self.inside.count, 'answer begins or ends', 'answers begin or end')} inside a word: tokens cannot give them."
            do = "Set data.source_tokenizer: char, or mark whole words."
            level = "warning" if self.inside.count > 0.05 * rows else "note"
            found.append(Finding("answer-inside-word", level, what, self.inside.count, self.inside.first(), do))
        if self.long.count:
            what = f"{many(self.long.count, 'answer has', 'answers have')} more than {LONGEST} words."
            found.append(Finding("answer-long", "note", what, self.long.count, self.long.first(), "Raise read.longest."))
        if self.absent.count:
            what = f"{many(self.absent.count, 'answer does', 'answers do')} not stand in the passage: no net can find them."
            level = "warning" if self.absent.count > 0.2 * rows else "note"
            found.append(Finding("answer-absent", level, what, self.absent.count, self.absent.first(), "Correct or remove them."))
        return found


def _joined(text: str, at: int) -> bool:
    """Whether a word goes on over a place in a text."""
    return 0 < at < len(text) and bool(WORD.match(text[at - 1]) and WORD.match(text[at]))


def _kind(text: str) -> str:
    """Which kind of fault a reader's words are about."""
    if "JSON object" in text:
        return "empty-line" if "an empty line" in text else "no-json"
    if "expected an answer; received none" in text:
        return "no-answer"
    if re.search(r"\.answers|answer_start|, key 'answer'|an answer", text):
        return "answer"
    return "missing-key" if "the key" in text else "question"
