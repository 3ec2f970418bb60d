"""A trained reader in use: passages and questions to answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from regard.core.errors import DataError, message
from regard.core.say import Say
from regard.data.batching import collate
from regard.data.columns import Layout
from regard.data.offsets import Span, covering
from regard.data.report import Report, gather
from regard.data.row_parser import RecordError
from regard.data.tokenizer_kinds import PAD, UNK
from regard.data.vocab import Vocabulary
from regard.metrics.item_counts import ItemCounts, in_the_mean
from regard.pretrained.bert_folder import keep_bert
from regard.pretrained.text_vocabulary import SubwordVocabulary, TextVocabulary
from regard.tasks.array_predictor import Answering, ArrayPredictor
from regard.tasks.base import NBest, TaskPrediction
from regard.tasks.read.batch import MARKS, ReadBatch, ReadText
from regard.tasks.read.best_answers import best_spans, best_words, spans_log_p, word_log_p
from regard.tasks.read.data import BLANK, PassageQuestion, read_asked, read_questions, refuse_unreachable, split_passage
from regard.tasks.read.metrics import exact_and_f1, judge_answers, way_of
from regard.tasks.read.reachable import out_of_reach, told_beside
from regard.tasks.read.row_looks import AXES, of_read_rows
from regard.tasks.subword_batches import Spelled, fit_subwords, side_by_side

if TYPE_CHECKING:
    from regard.config import Config

WHAT = "questions with a passage and an answer"
LETTERS, LETTERS_READ = "letters.json", 40  # in the run folder; letters of a word
BETWEEN = 3  # specials around two texts in one
KEPT = 5_000  # passages whose words are kept: several questions are asked about one


@dataclass(frozen=True)
class EncodedWords:
    """A text in numbers.  spans: the characters that each token stands for; forms: each token as it is compared with others; pieces: of
    each token, for a pre-trained reader."""

    text: str
    ids: tuple[int, ...]
    spans: tuple[Span, ...]
    forms: tuple[str, ...]
    pieces: Spelled

    def first(self, size: int) -> EncodedWords:
        return EncodedWords(self.text, self.ids[:size], self.spans[:size], self.forms[:size], self.pieces[:size])

    def read_as(self, pieces: Spelled) -> EncodedWords:
        """The first tokens, as many as these are pieces of."""
        return replace(self.first(len(pieces)), pieces=pieces)


@dataclass(frozen=True)
class EncodedQuestion:
    """A passage and a question in numbers.  right: the first and last tokens of the right answers; None where they are not known."""

    asked: PassageQuestion
    passage: EncodedWords
    question: EncodedWords
    right: tuple[Span, ...] | None

    @property
    def size(self) -> int:
        """Tokens of the longer text; for a pre-trained reader the pieces of both in one."""
        if not self.passage.ids or not self.question.ids:
            return 0
        if self.passage.pieces:
            return BETWEEN + sum(map(len, (*self.passage.pieces, *self.question.pieces)))
        return max(len(self.passage.ids), len(self.question.ids))


class Answerer(ArrayPredictor[EncodedQuestion]):
    """A trained reader in use; long because passage, question and answer are read and cut in one place."""

    what = "passages"

    def __init__(self, config: Config, folder: Path, network: Answering | None) -> None:
        self.texts, self.section = TextVocabulary.load(config, folder, pieced=False), config.own
        self.pieced = SubwordVocabulary(keep_bert(folder)) if config.model.pretrained is not None else None
        self.cloze, self.marks = self.section.head != "span", MARKS * self.section.marks
        self.letters = Vocabulary.load(folder / LETTERS)
        super().__init__(config, folder, network, bert=self.pieced.bert if self.pieced else None)
        self.cut = lru_cache(KEPT)(self._words)

    def make_up(self, by: Random, length: int) -> tuple[str, str]:
        question = self.texts.make_up(by, by.randint(1, length))
        return self.texts.make_up(by, length), f"{question} {BLANK}" if self.cloze else question

    def inputs(self, file: str, say: Say | None = None) -> Iterator[PassageQuestion]:
        """SQuAD's JSON, JSONL, or lines with a passage, a tab and a question."""
        return read_questions(file, blank=self.cloze)

    def read_gold(self, files: Sequence[str]) -> tuple[list[PassageQuestion], Report]:
        return gather(check_answer(files, self.config), files, what=WHAT, on_bad_line=self.config.data.on_bad_line)

    def _words(self, text: str) -> EncodedWords:
        """A text cut and numbered."""
        ids, spans = tuple(self.texts.encode_all([text])[0]), tuple(self.texts.locate(text))
        pieces = self.pieced.of_words([text[a:b] for a, b in spans]) if self.pieced else ()
        return EncodedWords(text, ids, spans, tuple(self.texts.clean(text[a:b]) for a, b in spans), pieces)

    def encode(self, item: Any) -> EncodedQuestion:
        """item: `PassageQuestion`, a mapping with `passage` (or `context`) and `question`, a pair, or one text with a tab between them."""
        asked = _asked(item)
        passage, question = self.cut(asked.passage), self.cut(asked.question)
        right = tuple(filter(None, (self.place(answer, passage) for answer in asked.answers)))
        return EncodedQuestion(asked, passage, question, tuple(dict.fromkeys(right)) if asked.answers else None)

    def place(self, answer: Any, passage: EncodedWords) -> Span | None:
        """The first and the last token of an answer; of one that stands nowhere, None."""
        if answer.start is not None:
            return covering(passage.spans, answer.start, answer.start + len(answer.text))
        word = self.texts.clean(answer.text)
        return (at := passage.forms.index(word), at) if word in passage.forms else None

    def truncate(self, item: EncodedQuestion, size: int) -> EncodedQuestion:
        """Answers that are cut off are no longer to be found."""
        passage, question = item.passage.first(size), item.question.first(size)
        if self.pieced:  # half of the room at most for the question, the rest for the passage
            asked = fit_subwords(question.pieces, (size - BETWEEN) // 2)
            room = size - BETWEEN - sum(map(len, asked))
            passage, question = passage.read_as(fit_subwords(passage.pieces, room)), question.read_as(asked)
        right = None if item.right is None else tuple((a, b) for a, b in item.right if b < len(passage.ids))
        return replace(item, passage=passage, question=question, right=right)

    def teaches(self, item: EncodedQuestion) -> bool:
        return item.right is None or bool(item.right)

    def collate(self, items: Sequence[EncodedQuestion], rows: Sequence[int]) -> ReadBatch:
        different: dict[str, int] = {"": PAD}  # at padding stands a word without letters
        passage, question = (
            collate([(text.ids, [different.setdefault(form, len(different)) for form in text.forms]) for text in texts], rows)
            for texts in ([item.passage for item in items], [item.question for item in items])
        )
        marks = [_marks(item.passage, item.question, passage.source.shape[1]) for item in items]
        other = [_marks(item.question, item.passage, question.source.shape[1]) for item in items]
        forms, candidate = np.zeros_like(passage.source), passage.source_valid.copy()
        blank = self.texts.clean(BLANK)
        for i, item in enumerate(items):
            mine = item.passage.forms
            numbers = {form: n for n, form in enumerate(dict.fromkeys(mine))}
            forms[i, : len(mine)] = [numbers[form] for form in mine]
            if self.cloze and blank in numbers:
                candidate[i] &= forms[i] != numbers[blank]
        return ReadBatch(
            ReadText(
                passage.source,
                passage.source_valid,
                np.array(marks, dtype=np.float32)[..., : self.marks],
                passage.target,
                side_by_side([item.passage.pieces for item in items]) if self.pieced else None,
            ),
            ReadText(
                question.source,
                question.source_valid,
                np.array(other, dtype=np.float32)[..., : self.marks],
                question.target,
                side_by_side([item.question.pieces for item in items]) if self.pieced else None,
            ),
            forms,
            candidate,
            _padded([item.right or () for item in items]) if all(item.right is not None for item in items) else None,
            self._spelled(different) if self.section.letters else None,
        )

    def _spelled(self, words: Iterable[str]) -> np.ndarray:
        """The letters of each word, PAD beyond them."""
        spelled = [([self.letters.get(x, UNK) for x in word[:LETTERS_READ]] or [PAD], None) for word in words]
        return collate(spelled, [0]).source

    def predict_batch(self, items: Sequence[EncodedQuestion], batch: ReadBatch, n_best: int, attention: bool) -> NBest:
        found = self.network.answer(batch, weights=attention)
        if self.cloze:
            best = best_words(found.shares, batch, count=n_best)
        else:
            best = best_spans(found.shares, batch.candidate, longest=self.section.longest, count=n_best)
        answers, seen = [], of_read_rows(found.looks, batch)
        for i, item in enumerate(items):
            told = [self._prediction(item, *one, looks=seen[i]) for one in best.list_row(i)]
            answers.append(told or [self.empty_prediction(item)])
        return answers

    def measure_loss(self, items: Sequence[EncodedQuestion], batch: ReadBatch) -> tuple[float, int]:
        """Of questions that have a right answer: what was cut off with a passage's end is nobody's."""
        assert batch.right is not None
        known, shares = (batch.right[..., 0] >= 0).any(-1), self.network.answer(batch).shares
        log_p = word_log_p(shares, batch) if self.cloze else spans_log_p(shares, batch)
        return -float(log_p[known].sum()), int(known.sum())

    def _prediction(self, item: EncodedQuestion, start: int, end: int, score: float, looks: Any) -> TaskPrediction:
        passage, question = item.passage, item.question
        first, last = passage.spans[start][0], passage.spans[end][1]
        text = passage.text[first:last] if first < last else ""
        details = {"id": item.asked.name, "start": first, "end": max(first, last)}
        one, other = _shown(passage), _shown(question)
        lying = {"passage": one, "question": other, "importance": ("importance",), "question as a whole": ("question",)}
        lying["answer"] = (text,) if self.cloze else ("start", "end")
        axes = {name: AXES[name.partition(".")[0]] for name in looks}
        sides = {name: (lying[down], lying[across]) for name, (down, across) in axes.items()}
        unknown = dict.fromkeys([*self.texts.unknown(passage.text), *self.texts.unknown(question.text)])
        tokens, read = one[start : end + 1], {"texts": [passage.text, question.text]}
        return TaskPrediction(
            text, score, tokens, one, dict(looks), item.asked.question, (), tuple(unknown), sides, details, axes=axes, read=read
        )

    def empty_prediction(self, item: EncodedQuestion) -> TaskPrediction:
        return TaskPrediction("", 0.0, source=item.asked.question, details={"id": item.asked.name})

    def figures(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, float]:
        return {name: sum(each) / len(each) for name, each in self._each(items, found).items()}

    def count_items(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, ItemCounts]:
        return {name: in_the_mean(each) for name, each in self._each(items, found).items()}

    def _each(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, list[float]]:
        """The figures of each question."""
        right = [[answer.text for answer in item.answers] for item in items]
        if self.cloze:  # in the passage the word stands as it stands there; what is asked for is the word
            same = [self.texts.clean(p.text) == self.texts.clean(answers[0]) for p, answers in zip(found, right, strict=True)]
            return {"accuracy": [float(each) for each in same]}
        run, each = ([way_of(item.passage) == way for item in items] for way in ("run", "each"))
        return judge_answers([p.text for p in found], right, by_character=run, each=each)

    def beside(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, Any]:
        return {} if self.cloze else told_beside(items, list(reachable(self, items)))

    def remarks(self, train: Sequence[Any], valid: Sequence[Any]) -> Iterator[str]:
        yield from super().remarks(train, valid)
        for name, items in () if self.cloze else (("training", train), ("validation", valid)):
            yield from out_of_reach(self.config, name, list(reachable(self, items)))

    def right(self, item: PassageQuestion) -> str:
        return item.answers[0].text


def reachable(model: Answerer, items: Iterable[PassageQuestion]) -> Iterator[bool]:
    """Of each right answer whether tokens can give it exactly, as `exact_match` counts."""
    for item in items:
        passage, way = model.cut(item.passage), way_of(item.passage)
        for answer in item.answers:
            place = model.place(answer, passage)
            text = passage.text[passage.spans[place[0]][0] : passage.spans[place[1]][1]] if place else ""
            short = place is not None and place[1] - place[0] < model.section.longest
            yield short and exact_and_f1(text, [answer.text], by_character=way == "run", each=way == "each")[0]


def _asked(item: Any) -> PassageQuestion:
    """What to answer, in one of the forms that it may have."""
    if isinstance(item, PassageQuestion):
        return item
    if isinstance(item, str):
        return split_passage(item, "a text")
    if isinstance(item, Mapping):
        item = (item.get("passage", item.get("context")), item.get("question"))
    if isinstance(item, Sequence) and len(item) == 2 and all(isinstance(text, str) for text in item):
        real = item[0].strip() and item[1].strip()
        return PassageQuestion(item[0] if real else "", item[1], (), None, "an item")
    do = 'Give {"passage": ..., "question": ...}, a pair of texts, or one text with a tab between them.'
    raise DataError(message("an item to read", "a passage and a question", repr(item)[:60], do))


def _shown(words: EncodedWords) -> tuple[str, ...]:
    return tuple(words.text[a:b] or "▁" for a, b in words.spans)


def _marks(mine: EncodedWords, theirs: EncodedWords, size: int) -> list[tuple[bool, bool]]:
    """Of each word whether the other text has it, and whether with a neighbour; neither at padding."""
    there, pairs = set(theirs.forms), set(pairwise(theirs.forms))
    joined = [False, *(pair in pairs for pair in pairwise(mine.forms)), False]  # of each gap between words
    told = [(form in there, before or after) for form, (before, after) in zip(mine.forms, pairwise(joined), strict=True)]
    return told + [(False, False)] * (size - len(told))


def _padded(right: Sequence[Sequence[Span]]) -> np.ndarray:
    """The right answers of each row side by side, -1 beyond them."""
    padded = np.full((len(right), max(1, *map(len, right)) if right else 1, 2), -1, dtype=np.int64)
    for row, spans in zip(padded, right, strict=True):
        if spans:
            row[: len(spans)] = spans
    return padded


def check_answer(files: Sequence[str], config: Config) -> Iterator[PassageQuestion | RecordError]:
    """A cloze question whose answer is no word of its passage is at fault: there is no place to point at."""
    cloze = config.own.head != "span"
    found = read_asked(files, blank=cloze)
    clean = Layout(unicode=config.data.unicode, lowercase=config.data.lowercase).clean
    return refuse_unreachable(found, config.data.source_tokenizer, clean) if cloze else found
