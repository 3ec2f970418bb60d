"""Questions about texts, with their answers: SQuAD's JSON, a question a line (JSONL), and cloze questions, whose answer fills a blank."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from regard.core.errors import DataError, did_you_mean, message
from regard.data.examples import Place
from regard.data.file_format import is_parquet
from regard.data.parts import all_parts
from regard.data.records import PassedLine, read_records
from regard.data.row_parser import CORRECT, RecordError, has_half_surrogate, object_in, shorten
from regard.data.text_files import lines, show_file
from regard.data.tokenizer_kinds import kind_of, pieces

BLANK = "XXXXX"  # stands for the word that a cloze question asks for
TWO = "Give a passage, a tab and a question a line, or JSON (see docs/tasks/read.md)."
LACKING, MISPLACED = partial(RecordError, kind="missing-key"), partial(RecordError, kind="answer")


@dataclass(frozen=True, slots=True)
class Answer:
    """A part of a passage.  start: its first character there, counted from 0; None: of a cloze question, a word wherever it stands."""

    text: str
    start: int | None


@dataclass(frozen=True, slots=True)
class PassageQuestion:
    """A passage, a question about it, and all answers that are right, each once; none where they are not known.  name: the question's
    own (`id`), as JSON holds it; place: where it stands in its file."""

    passage: str
    question: str
    answers: tuple[Answer, ...]
    name: Any
    place: str

    @property
    def source(self) -> str:
        """What is set aside for validation together: all questions about one passage."""
        return self.passage


def read_asked(files: Sequence[str], *, blank: bool) -> Iterator[PassageQuestion | RecordError]:
    """The questions of files, with answers.  blank: they are cloze questions, with one blank each.

    One JSON as SQuAD's (`data`, `paragraphs`, `context`, `qas`, `id`, `question`, `answers`, `text`, `answer_start`), or JSONL:
    `context`, `question`, `answers` (their `answer_start` may be called `start`; a list, or, as Hugging Face writes them, two lists of
    texts and starts); cloze: `doc` (a text, or a list of sentences), `query`, `answer`; or Parquet with such columns.  A question at fault
    is a RecordError, which says file, place and what to do.  DataError for a file that is none of these.
    """
    for file in all_parts(files):
        for record, place in _records(file):
            if isinstance(record, RecordError):
                yield record
                continue
            try:
                yield _cloze(record, place, told=True) if blank else _span(record, place, told=True)
            except RecordError as fault:
                yield fault


def refuse_unreachable(
    found: Iterable[PassageQuestion | RecordError], tokenizer: str, clean: Callable[[str], str]
) -> Iterator[PassageQuestion | RecordError]:
    """Cloze questions; one whose answer is no word of its passage is at fault: there is no place to point at.

    tokenizer: that of the source, as `data.source_tokenizer`; clean: what is done to texts before.
    """
    kind = kind_of(tokenizer)
    for item in found:
        if isinstance(item, RecordError):
            yield item
            continue
        word, passage = clean(item.answers[0].text), clean(item.passage)
        if word in (piece.strip() for piece in pieces(kind, passage)):
            yield item
            continue
        within = ", which stands there as a part of words, or as several" if word in passage else ""
        expected = f"an answer that is one word of the passage (data.source_tokenizer: {kind})"
        do = f"{CORRECT} What stands nowhere cannot be pointed at."
        yield RecordError.at(item.place, expected, repr(word) + within, "answer", do=do)


def read_questions(file: str, *, blank: bool) -> Iterator[PassageQuestion]:
    """What to predict from: as `read_asked`, answers may be missing or be none; or lines with a passage, a tab and a question.

    An empty line, passage or question gives an item without a passage, so that output stays line for line.
    """
    if file != "-" and is_parquet(file):
        for record, place in _records(file):
            yield _cloze(record, place, told=False) if blank else _span(record, place, told=False)
        return
    stream, name, given = lines(file), show_file(file), list[str]()
    for line in stream:
        given.append(line)
        if line.strip():
            break
    first = given[-1].lstrip() if given else ""
    if first[:1] in ("{", "[") and (first.count("\t") != 1 or _is_row(first)):  # a passage may begin with a bracket too
        for record, place in _records(file, [*given, *stream], blanks=True):
            if isinstance(record, RecordError):
                raise record
            if isinstance(record, PassedLine):
                yield PassageQuestion("", "", (), None, place)
            else:
                yield _cloze(record, place, told=False) if blank else _span(record, place, told=False)
        return
    for number, line in enumerate(chain(given, stream), start=1):
        yield split_passage(line, str(Place(name, number)))


def split_passage(line: str, place: str) -> PassageQuestion:
    """A passage and a question with a tab between them.  DataError where there is no tab, or more than one."""
    fields = line.split("\t")
    if not line.strip():
        return PassageQuestion("", "", (), None, place)
    if len(fields) != 2:
        raise DataError(message(place, "a passage, a tab and a question", shorten(line), TWO))
    return PassageQuestion(fields[0], fields[1], (), None, place)


def _records(file: str, given: list[str] | None = None, *, blanks: bool = False) -> Iterator[tuple[Any, str]]:
    """Each question as one flat record, and its place; a line that is no JSON object is a RecordError.  blanks: empty lines may stand
    between rows, each a PassedLine."""
    if given is None and is_parquet(file):
        yield from ((record, str(place)) for place, record in read_records(file, "parquet"))
        return
    name, whole = show_file(file), list(lines(file)) if given is None else given
    first = next((line for line in whole if line.strip()), "")
    if not first:
        raise DataError(message(name, "questions", "an empty file", "Give a file with data."))
    if file.removesuffix(".gz").endswith(".jsonl") or _is_row(first):
        yield from ((record, str(place)) for place, record in read_records(file, "jsonl", stream=whole, blanks=blanks))
        return
    try:
        content = json.loads("\n".join(whole))
    except (ValueError, RecursionError) as error:
        at = f"{name}:{error.lineno}" if isinstance(error, json.JSONDecodeError) else name
        raise DataError(message(at, "JSON as SQuAD's, or JSONL", f"{shorten(first)} ({error})", "Correct the file.")) from error
    yield from _squad(content, name)


def _is_row(line: str) -> bool:
    """Whether a line is an object by itself, and not a whole file of SQuAD's."""
    found = object_in(line)
    return found is not None and not {"data", "paragraphs"} & set(found)


def _squad(content: Any, name: str) -> Iterator[tuple[Any, str]]:
    """The questions of SQuAD's JSON, each with the text that it is about.  What the frame lacks is no fault of one question."""
    for i, article in enumerate(_listed(_held(content, "data", name, DataError), f"{name}, data")):
        for j, paragraph in enumerate(_listed(_held(article, "paragraphs", at := f"{name}, data[{i}]", DataError), at)):
            at = f"{name}, data[{i}].paragraphs[{j}]"
            context = _held(paragraph, "context", at, DataError)
            for k, asked in enumerate(_listed(_held(paragraph, "qas", at, DataError), f"{at}.qas")):
                place = f"{at}.qas[{k}]"
                if isinstance(asked, dict):
                    yield {**asked, "context": context}, place + (f" (id {asked['id']!r})" if "id" in asked else "")
                else:
                    wrong = message(place, "an object with a question", shorten(json.dumps(asked)), CORRECT)
                    yield RecordError(wrong, "question"), place


def _span(record: dict[str, Any], place: str, *, told: bool) -> PassageQuestion:
    """A question whose answers are parts of the text."""
    passage, question = (_text(record, key, place, told=told) for key in ("context", "question"))
    if not told:
        given = _each(record.get("answers"))
        answers = _known(given if isinstance(given, list) else [], passage)
        return PassageQuestion(passage if question.strip() else "", question, answers, record.get("id"), place)
    found = []
    for i, answer in enumerate(_listed(_each(_held(record, "answers", place, LACKING)), f"{place}.answers", MISPLACED)):
        found.append(_answer(answer, passage, f"{place}.answers[{i}]"))
    if not found:
        do = f"{CORRECT} Questions that the text does not answer (SQuAD 2) are not learnt."
        raise RecordError.at(place, "an answer", "none", "no-answer", do=do)
    return PassageQuestion(passage, question, tuple(dict.fromkeys(found)), record.get("id"), place)


def _each(answers: Any) -> Any:
    """Answers one by one, where they are two lists side by side, as Hugging Face's data sets have them: `{"text": ["Pisa"],
    "answer_start": [20]}`; or one answer alone."""
    if not isinstance(answers, dict) or "text" not in answers:
        return answers
    key = "start" if "answer_start" not in answers and "start" in answers else "answer_start"
    texts, starts = answers["text"], answers.get(key)
    if not isinstance(texts, list) and not isinstance(starts, list):
        return [answers]
    if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
        return [answers]  # which is refused with what it holds
    return [{"text": text, key: start} for text, start in zip(texts, starts, strict=True)]


def _answer(given: Any, passage: str, place: str) -> Answer:
    """An answer that stands in the passage where it says.  RecordError otherwise, with where it does stand."""
    key = "start" if isinstance(given, dict) and "answer_start" not in given and "start" in given else "answer_start"
    text, start = _held(given, "text", place, MISPLACED), _held(given, key, place, MISPLACED)
    if not isinstance(text, str) or not text.strip() or not isinstance(start, int) or isinstance(start, bool):
        received = shorten(json.dumps(given, ensure_ascii=False))
        raise RecordError.at(place, f"a text, and the number of its first character ({key})", received, "answer")
    if start >= 0 and passage[start : start + len(text)] == text:
        return Answer(text, start)
    there = [at for at in range(len(passage)) if passage.startswith(text, at)]
    if not there:
        raise RecordError.at(place, "an answer that stands in the passage, to the letter", shorten(text), "answer")
    right = " or ".join(map(str, there[:3]))
    stands = shorten(passage[start : start + len(text)]) if start >= 0 else "nothing"
    expected, do = f"{key} {right}, where {shorten(text)} stands", f"{CORRECT} Characters are counted from 0."
    raise RecordError.at(place, expected, f"{start}, where {stands} stands", "answer", do=do)


def _known(given: list[Any], passage: str) -> tuple[Answer, ...]:
    """Those answers that are whole; in what is only to be predicted from, others are nobody's concern."""
    found = []
    for answer in given:
        try:
            found.append(_answer(answer, passage, ""))
        except RecordError:
            continue
    return tuple(dict.fromkeys(found))


def _cloze(record: dict[str, Any], place: str, *, told: bool) -> PassageQuestion:
    """A question with a blank, whose answer is a word of the text."""
    doc = _held(record, "doc", place, LACKING)
    doc = " ".join(doc) if isinstance(doc, list) and all(isinstance(part, str) for part in doc) else doc
    passage, question = (_text(given, key, place, told=told) for given, key in (({"doc": doc}, "doc"), (record, "query")))
    if question.count(BLANK) != 1 and (told or question.strip()):
        do = f"Write {BLANK} for the word that is asked for, once; or set read.head: span for questions without a blank."
        received = f"{question.count(BLANK)}: {shorten(question)}"
        raise RecordError.at(f"{place}, key 'query'", f"one blank ({BLANK})", received, "question", do=do)
    if not told:
        given = record.get("answer")
        answers = (Answer(given.strip(), None),) if isinstance(given, str) and given.strip() else ()
        return PassageQuestion(passage if question.strip() else "", question, answers, record.get("id"), place)
    answer = Answer(_text(record, "answer", place, told=True).strip(), None)
    return PassageQuestion(passage, question, (answer,), record.get("id"), place)


def _text(record: dict[str, Any], key: str, place: str, *, told: bool) -> str:
    """A text; with something in it, where it is to be learnt from."""
    kind, text = "answer" if key == "answer" else "question", _held(record, key, place, LACKING)
    if not isinstance(text, str) or has_half_surrogate(text):
        raise RecordError.at(f"{place}, key {key!r}", "a text", shorten(json.dumps(text)), kind)
    if told and not text.strip():
        raise RecordError.at(f"{place}, key {key!r}", "a text with something in it", "an empty one", kind)
    return text


def _held(record: Any, key: str, place: str, fault: Callable[[str], DataError]) -> Any:
    if not isinstance(record, dict):
        raise fault(message(place, f"an object with the key {key!r}", shorten(json.dumps(record, ensure_ascii=False)), CORRECT))
    if key not in record:
        there = ", ".join(map(repr, record)) or "no keys"
        raise fault(message(place, f"the key {key!r}", there, f"{CORRECT}{did_you_mean(key, record)}"))
    return record[key]


def _listed(value: Any, place: str, fault: Callable[[str], DataError] = DataError) -> list[Any]:
    if not isinstance(value, list):
        raise fault(message(place, "a list", shorten(json.dumps(value, ensure_ascii=False)), CORRECT))
    return value
