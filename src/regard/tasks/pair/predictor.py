"""A trained model of pairs in use: two texts to a label or a number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from regard.config import Config
from regard.core.arrays import to_tensors
from regard.core.errors import DataError, message
from regard.core.say import Say
from regard.data.batching import collate
from regard.data.report import Report, gather
from regard.data.row_parser import RecordError
from regard.data.tokenizer import SPECIALS, UNK
from regard.data.vocab import Vocabulary
from regard.metrics.classification import class_figures, label_tables
from regard.metrics.correlation import number_figures
from regard.pretrained.text_vocabulary import TextVocabulary
from regard.tasks.base import NBest, TaskPrediction
from regard.tasks.batch_predictor import BatchPredictor, Likely
from regard.tasks.layouts import layout_for, layout_of
from regard.tasks.pair.builder import MARKS, build_pair_network
from regard.tasks.pair.data import (
    PairColumns,
    TextPair,
    as_rated,
    number,
    overlap_marks,
    pair_of_item,
    read_coupled,
    read_couples,
)
from regard.tasks.pair.network import Classification, Objective, PairAnswers, PairBatch, Regression
from regard.tasks.pair.ratings import Scale
from regard.tasks.pair.section import PairSection

LABELS, SCALE = "labels.json", "scale.json"  # in the run folder
WHAT = "pairs of texts"


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


class PairPredictor(BatchPredictor[EncodedPair]):
    """A trained model of pairs in use."""

    what = "pairs"

    @property
    def has_mistakes(self) -> bool:
        return self.section.output == "classes"

    def __init__(self, config: Config, folder: Path) -> None:
        self.texts, self.section, self.labels = TextVocabulary.load(config, folder), PairSection.of(config), Vocabulary([])
        if self.section.output == "classes":
            self.labels = Vocabulary.load(folder / LABELS)
            wanted: Objective = Classification(len(self.labels), smoothing=config.train.label_smoothing)
        else:
            self.scale = Scale.load(folder / SCALE)
            wanted = self.scale.rating(self.section)
        network = build_pair_network(config, len(self.texts), wanted, texts=self.texts)
        super().__init__(network, config, folder)
        self.network, self.vocabulary = network, self.texts.words()
        room = None if self.section.align is None else self.section.align.longest
        if self.texts.bert is not None:  # both texts stand in one
            room = min((self.texts.bert.positions - 3) // 2, room or self.texts.bert.positions)
        self.most = min((most for most in (self.most, room) if most), default=None)

    def inputs(self, file: str, say: Say | None = None) -> Iterator[TextPair]:
        found = read_couples(file, columns_of(self.config, [file], inputs=True), say)
        return (replace(item, target=None) for item in found)  # a label is not read here

    def read_gold(self, files: Sequence[str]) -> tuple[list[TextPair], Report]:
        found = check_numbers(read_coupled(files, columns_of(self.config, files), passed := Counter[str]()), self.config)
        return gather(found, files, what=WHAT, on_bad_line=self.config.data.on_bad_line, passed=passed)

    def encode(self, item: Any) -> EncodedPair:
        """item: (first, second), a line with a tab between them, or `TextPair`."""
        given = pair_of_item(item)
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
        return labelled_pair_of(item)

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
        return label_tables([p.text for p in found], [str(item.target) for item in items], self.labels.names)

    def truncate(self, item: EncodedPair, size: int) -> EncodedPair:
        """The beginnings."""
        (first, second), marks = item.words, item.marks
        return replace(item, words=(first[:size], second[:size]), marks=(marks[0][:size], marks[1][:size]))

    def collate(self, items: Sequence[EncodedPair], rows: Sequence[int]) -> PairBatch:
        words = to_tensors(collate([(item.words[side], None) for side in (0, 1) for item in items], [*rows, *rows]))
        known = all(item.right is not None for item in items)
        kind = torch.long if self.section.output == "classes" else torch.float32
        right = torch.tensor([item.right for item in items], dtype=kind) if known else None
        if not self.section.overlap:
            return PairBatch(words, None, right)
        marks = np.zeros((*words.source.shape, MARKS), dtype=np.float32)
        marks[words.source_valid.numpy()] = [mark for side in (0, 1) for item in items for mark in item.marks[side]]
        return PairBatch(words, torch.from_numpy(marks), right)

    def predict_batch(self, items: Sequence[EncodedPair], batch: PairBatch, n_best: int, attention: bool) -> NBest:
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

    def figures(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, float]:
        if self.section.output == "classes":
            return class_figures([p.text for p in found], [item.target for item in items])
        return number_figures([p.details["number"] for p in found], [float(item.target) for item in items])

    def right(self, item: TextPair) -> str:
        return str(item.target)


def labelled_pair_of(item: Any) -> TextPair:
    """Two texts with their label, to be scored: (first, second, label), a line with tabs between them, or `TextPair`.  DataError for
    anything else."""
    parts = item.split("\t") if isinstance(item, str) else item
    if isinstance(parts, tuple | list) and len(parts) == 3 and isinstance(parts[2], str):
        return replace(pair_of_item(tuple(parts[:2])), target=parts[2])
    if not isinstance(item, TextPair) or item.target is None:
        do = "Give (first, second, label)."
        raise DataError(message("an item to score", "two texts and a label", repr(item)[:60], do))
    return item


def _plain(pieces: Sequence[str]) -> list[str]:
    return [piece.removeprefix("▁") for piece in pieces]


def check_numbers(found: Iterator[TextPair | RecordError], config: Config) -> Iterator[TextPair | RecordError]:
    """Where numbers are learnt, what is none is at fault."""
    return found if PairSection.of(config).output == "classes" else as_rated(found)


def columns_of(config: Config, files: Sequence[str] = (), *, inputs: bool = False) -> PairColumns:
    """How its files are read; files: others than those of training."""
    table = layout_for(files, config, inputs=inputs) if files else layout_of(config)
    return PairColumns(config.data.source, PairSection.of(config).second, config.data.target, table)
