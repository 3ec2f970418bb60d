"""The job of pairs: a label or a number for two texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from regard.build import networks
from regard.config import Config
from regard.config.length_limits import places
from regard.config.task_sections import PairSection
from regard.core.errors import DataError, message
from regard.core.plural import many
from regard.core.say import Say
from regard.data.batching import collate
from regard.data.gather import gather
from regard.data.python_items import labelled_of
from regard.data.report import Report
from regard.data.row_parser import RecordError
from regard.data.tokenizer import SPECIALS, UNK
from regard.data.vocab import Vocabulary
from regard.metrics.classification import class_figures, confusion, label_figures
from regard.metrics.correlation import number_figures
from regard.networks.bert import Bert, TextPairs
from regard.pretrained.text_vocabulary import TextVocabulary
from regard.tasks.base import NBest, TaskPrediction
from regard.tasks.batch_predictor import BatchPredictor
from regard.tasks.evaluation import layout_for, layout_of
from regard.tasks.in_memory_task import InMemoryTask
from regard.tasks.pair.builder import make_matcher
from regard.tasks.pair.data import (
    PairColumns,
    TextPair,
    coupled_of,
    number,
    overlap_marks,
    rated,
    read_coupled,
    read_couples,
)
from regard.tasks.pair.network import Classification, Objective, PairAnswers, PairBatch, PairNetwork, Regression
from regard.tasks.pair.ratings import Scale
from regard.tasks.scoring import Likely

LABELS, SCALE = "labels.json", "scale.json"  # in the run folder
MARKS = 3  # what `overlap_marks` says of a word
MANY = 12  # labels that are all numbers, from which on it is said that they can be learnt as such
SMALL = 8  # symbols of a vocabulary, to see whether a net can be built


@dataclass(frozen=True)
class EncodedPair:
    """Two texts in numbers.  words, pieces, marks: of the first text and of the second; right: None where not known, or where training
    never saw the label; told: whether it did, if there is one."""

    texts: tuple[str, str]
    pieces: tuple[tuple[str, ...], tuple[str, ...]]
    words: tuple[tuple[int, ...], tuple[int, ...]]
    marks: tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]
    right: float | int | None
    told: bool = True

    @property
    def size(self) -> int:
        return max(map(len, self.words))


class PairTask(InMemoryTask):
    what = "pairs of texts"

    def probe(self, config: Config) -> None:
        _network(config, SMALL, Classification(2))

    def items(self, files: Sequence[str], config: Config, passed: Counter[str] | None = None) -> Iterator[TextPair | RecordError]:
        return _checked(read_coupled(files, _layout(config, () if tuple(files) == config.data.train else files), passed), config)

    def kinds(self, item: Any, config: Config) -> Iterator[str]:
        if _section(config).output != "number":
            yield item.target

    def learn(self, config: Config, items: Sequence[Any], folder: Path, say: Say) -> None:
        texts = TextVocabulary.learn(config, (text for item in items for text in (item.first, item.second)), folder)
        if _section(config).output == "number":
            told = Scale.of([float(item.target) for item in items])
            told.save(folder / SCALE)
            say(f"numbers: from {told.low:g} to {told.high:g}, {told.mean:.3g} in the mean; vocabulary: {len(texts):,} symbols")
            return
        labels = Vocabulary.counted(item.target for item in items)
        if len(labels) < 2:
            received = f"{labels.names[0]!r} alone, in {many(len(items), 'pair')}"
            do = "Give data with more labels, or name the column that holds them (data.target)."
            raise DataError(message("labels of the training data", "at least 2 different ones", received, do))
        if len(labels) > MANY and all(number(label) is not None for label in labels):
            say(f"note: the {len(labels):,} labels are all numbers; pair.output: number would learn them as such.")
        labels.save(folder / LABELS)
        say(f"labels: {', '.join(labels.names[:MANY])}; vocabulary: {len(texts):,} symbols ({config.data.source_tokenizer})")

    def model(self, config: Config, folder: Path) -> PairPredictor:
        return PairPredictor(config, folder)


class PairPredictor(BatchPredictor[EncodedPair]):
    """A trained model of pairs in use."""

    what = "pairs"

    @property
    def has_mistakes(self) -> bool:
        return self.section.output == "classes"

    def __init__(self, config: Config, folder: Path) -> None:
        self.texts, self.section, self.labels = TextVocabulary.load(config, folder), _section(config), Vocabulary([])
        if self.section.output == "classes":
            self.labels = Vocabulary.load(folder / LABELS)
            wanted: Objective = Classification(len(self.labels), smoothing=config.train.label_smoothing)
        else:
            self.scale = Scale.load(folder / SCALE)
            wanted = self.scale.rating(self.section)
        network = _network(config, len(self.texts), wanted, texts=self.texts)
        super().__init__(network, config, folder)
        self.network, self.vocabulary = network, self.texts.words()
        room = places(self.section.align.score) if self.section.align is not None else None
        if self.texts.bert is not None:  # both texts stand in one
            room = min((self.texts.bert.positions - 3) // 2, room or self.texts.bert.positions)
        self.most = min((most for most in (self.most, room) if most), default=None)

    def inputs(self, file: str, say: Say | None = None) -> Iterator[TextPair]:
        found = read_couples(file, _layout(self.config, [file], inputs=True), say)
        return (replace(item, target=None) for item in found)  # a label is not read here

    def judged(self, files: Sequence[str]) -> tuple[list[TextPair], Report]:
        found = _checked(read_coupled(files, _layout(self.config, files), passed := Counter[str]()), self.config)
        return gather(found, files, what=PairTask.what, on_bad_line=self.config.data.on_bad_line, passed=passed)

    def encoded(self, item: Any) -> EncodedPair:
        """item: (first, second), a line with a tab between them, or `TextPair`."""
        given = coupled_of(item)
        texts: tuple[str, str] = (given.first, given.second)
        right: float | int | None = None
        first, second = (tuple(ids) for ids in self.texts.encode_all(texts))
        pieces = self.texts.pieces(given.first), self.texts.pieces(given.second)
        plain = [[piece.removeprefix("▁") for piece in side if piece != SPECIALS[UNK]] for side in pieces]
        marks = (
            (overlap_marks(_plain(pieces[0]), plain[1]), overlap_marks(_plain(pieces[1]), plain[0]))
            if self.section.overlap
            else ([], [])
        )
        told = all(name in known for name, known in self.rights(given))
        if self.section.output == "number":
            right = number(given.target)
        elif given.target is not None and told:
            right = self.labels.number(given.target, what="label", place=given.place)
        return EncodedPair(texts, pieces, (first, second), marks, right, told)

    @property
    def likely(self) -> bool:  # type: ignore[override]  # a number has no probability
        return self.section.output == "classes"

    def with_right(self, item: Any) -> TextPair:
        return labelled_of(item)

    def likelihoods(self, items: Sequence[EncodedPair], batch: PairBatch) -> list[Likely]:
        log_p = self.network.answer(batch).said.log_softmax(-1)
        each = [(int(item.right or 0), row) for item, row in zip(items, log_p, strict=True)]
        return [((self.labels.names[n],), (float(row[n]),), float(row[n])) for n, row in each]

    def told(self, item: EncodedPair) -> bool:
        return item.told

    def rights(self, item: TextPair) -> Iterator[tuple[str, Vocabulary]]:
        if item.target is not None and self.section.output == "classes":
            yield item.target, self.labels

    def beside(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, Any]:
        """As a classifier's: the figures of each label, and which was taken for which."""
        if self.section.output == "number":
            return {}
        right, told = [str(item.target) for item in items], [p.text for p in found]
        names = [*self.labels.names, *sorted({*right} - {*self.labels.names})]
        return {
            "classes": label_figures(told, right),
            "confusion": {"labels": names, "counts": confusion(told, right, names)},
        }

    def shortened(self, item: EncodedPair, size: int) -> EncodedPair:
        """The beginnings."""
        (first, second), marks = item.words, item.marks
        return replace(item, words=(first[:size], second[:size]), marks=(marks[0][:size], marks[1][:size]))

    def collated(self, items: Sequence[EncodedPair], rows: Sequence[int]) -> PairBatch:
        words = collate([(item.words[side], None) for side in (0, 1) for item in items], [*rows, *rows])
        known = all(item.right is not None for item in items)
        kind = torch.long if self.section.output == "classes" else torch.float32
        right = torch.tensor([item.right for item in items], dtype=kind) if known else None
        if not self.section.overlap:
            return PairBatch(words, None, right)
        marks = np.zeros((*words.source.shape, MARKS), dtype=np.float32)
        marks[words.source_valid.numpy()] = [mark for side in (0, 1) for item in items for mark in item.marks[side]]
        return PairBatch(words, torch.from_numpy(marks), right)

    def answered(self, items: Sequence[EncodedPair], batch: PairBatch, n_best: int, attention: bool) -> NBest:
        found, wanted = self.network.answer(batch, weights=attention), self.network.wanted
        if not isinstance(wanted, Regression):
            return [self._ranked(item, i, found, n_best) for i, item in enumerate(items)]
        numbers = wanted.numbers(found.said).tolist()
        return [
            [self._prediction(item, self.scale.written(number), None, looks, {"number": number})]
            for item, number, looks in zip(items, numbers, found.looks, strict=True)
        ]

    def _ranked(self, item: EncodedPair, row: int, found: PairAnswers, n_best: int) -> list[TaskPrediction]:
        """The likeliest labels, each with the same pictures and all the probabilities."""
        log_p, names = found.said[row].log_softmax(-1), self.labels.names
        order = log_p.argsort(descending=True, stable=True).tolist()
        details = {"probabilities": {names[n]: float(log_p[n].exp()) for n in order}}
        return [self._prediction(item, names[n], float(log_p[n]), found.looks[row], details) for n in order[:n_best]]

    def _prediction(
        self, item: EncodedPair, text: str, score: float | None, looks: dict[str, np.ndarray], details: Any
    ) -> TaskPrediction:
        """score: a label's log-probability; a number has none."""
        first, second = (side[: len(words)] for side, words in zip(item.pieces, item.words, strict=True))
        own = {"first": first, "second": second}
        sides, axes = {}, {}
        for name in looks:
            side = name.partition(".")[0]
            other = ({*own} - {side}).pop() if name.endswith(".align") else side
            sides[name], axes[name] = (own[side], own[other]), (f"{side} text", f"{other} text")
        unknown = tuple(dict.fromkeys(symbol for text in item.texts for symbol in self.texts.unknown(text)))
        source, read = " ⇄ ".join(item.texts), (*first, *second)
        return TaskPrediction(text, score, (text,), read, looks, source, (), unknown, sides=sides, details=details, axes=axes)

    def nothing(self, item: EncodedPair) -> TaskPrediction:
        return TaskPrediction("", 0.0)

    def figures(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, float]:
        if self.section.output == "classes":
            return class_figures([p.text for p in found], [item.target for item in items])
        return number_figures([p.details["number"] for p in found], [float(item.target) for item in items])

    def right(self, item: TextPair) -> str:
        return str(item.target)


def _plain(pieces: Sequence[str]) -> list[str]:
    return [piece.removeprefix("▁") for piece in pieces]


def _checked(found: Iterator[TextPair | RecordError], config: Config) -> Iterator[TextPair | RecordError]:
    """Where numbers are learnt, what is none is at fault."""
    return found if _section(config).output == "classes" else rated(found)


def _network(config: Config, words: int, wanted: Objective, *, texts: TextVocabulary | None = None) -> PairNetwork:
    """The net of a config for a vocabulary of this size.  texts: that of a run."""
    section, model = _section(config), config.model
    reader = networks.reader(model, words, beside=MARKS if section.overlap else 0, bert=None if texts is None else texts.bert)
    if isinstance(reader, Bert) and texts is not None:
        (start,), (end,) = texts.around(True)
        reader = TextPairs(reader, start=start, end=end)
    matcher = make_matcher(model, section, reader.size)
    return PairNetwork(reader, matcher, wanted, hidden=section.hidden, dropout=model.dropout, unseen=section.unseen)


def _section(config: Config) -> PairSection:
    assert config.pair is not None  # the config gives it to its task
    return config.pair


def _layout(config: Config, files: Sequence[str] = (), *, inputs: bool = False) -> PairColumns:
    """How its files are read; files: others than those of training."""
    table = layout_for(files, config, inputs=inputs) if files else layout_of(config)
    return PairColumns(config.data.source, _section(config).second, config.data.target, table)
