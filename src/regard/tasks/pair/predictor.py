"""A trained model of pairs in use: two texts to a label or a number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from regard.core.errors import DataError, message
from regard.core.say import Say
from regard.data.batching import collate
from regard.data.report import Report, gather
from regard.data.row_parser import RecordError
from regard.data.tokenizer import SPECIALS, UNK
from regard.data.vocab import Vocabulary
from regard.metrics.classification import class_counts, class_figures, label_tables
from regard.metrics.correlation import number_figures
from regard.metrics.item_counts import ItemCounts, in_correlation, in_the_mean
from regard.pretrained.text_vocabulary import TextVocabulary
from regard.tasks.array_predictor import Answering, ArrayPredictor, Likely
from regard.tasks.base import NBest, TaskPrediction
from regard.tasks.layouts import layout_for, layout_of
from regard.tasks.pair.batch import MARKS, PairBatch
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
from regard.tasks.pair.ratings import Scale
from regard.tasks.row_looks import LookRows, PaddedLooks

if TYPE_CHECKING:
    from regard.config import Config

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


class PairPredictor(ArrayPredictor[EncodedPair]):
    """A trained model of pairs in use."""

    what = "pairs"

    @property
    def has_mistakes(self) -> bool:
        return self.section.output == "classes"

    def __init__(self, config: Config, folder: Path, network: Answering | None) -> None:
        self.texts, self.section, self.labels = TextVocabulary.load(config, folder), config.own, Vocabulary([])
        if self.section.output == "classes":
            self.labels = Vocabulary.load(folder / LABELS)
        else:
            self.scale = Scale.load(folder / SCALE)
        super().__init__(config, folder, network, bert=self.texts.bert)
        self.vocabulary = self.texts.words()
        room = None if self.section.align is None else self.section.align.longest
        if self.texts.bert is not None:  # both texts stand in one
            room = min((self.texts.bert.positions - 3) // 2, room or self.texts.bert.positions)
        self.most = min((most for most in (self.most, room) if most), default=None)

    def make_up(self, by: Random, length: int) -> tuple[str, str]:
        return self.texts.make_up(by, length), self.texts.make_up(by, by.randint(1, length))

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
        log_p = self.network.answer(batch).said
        each = [(int(item.right or 0), row) for item, row in zip(items, log_p, strict=True)]
        return [((self.labels.names[n],), (float(row[n]),), float(row[n])) for n, row in each]

    def measure_loss(self, items: Sequence[EncodedPair], batch: PairBatch) -> tuple[float, int]:
        if self.section.output == "classes":
            return super().measure_loss(items, batch)
        assert batch.right is not None
        return float(self.scale.costs(self.network.answer(batch).said, batch.right, self.section).sum()), len(items)

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
        words = collate([(item.words[side], None) for side in (0, 1) for item in items], [*rows, *rows])
        known = all(item.right is not None for item in items)
        kind = np.int64 if self.section.output == "classes" else np.float32
        right = np.array([item.right for item in items], dtype=kind) if known else None
        if not self.section.overlap:
            return PairBatch(words, None, right)
        marks = np.zeros((*words.source.shape, MARKS), dtype=np.float32)
        marks[words.source_valid] = [mark for side in (0, 1) for item in items for mark in item.marks[side]]
        return PairBatch(words, marks, right)

    def predict_batch(self, items: Sequence[EncodedPair], batch: PairBatch, n_best: int, attention: bool) -> NBest:
        found = self.network.answer(batch, weights=attention)
        seen = _of_pairs(found.looks, batch.words.source_valid)
        if self.section.output == "classes":
            told = zip(items, found.said, seen, strict=True)
            return [self._ranked(item, log_p, looks, n_best) for item, log_p, looks in told]
        numbers = self.scale.numbers(found.said, self.section).tolist()
        return [
            [self._prediction(item, self.scale.written(number), None, looks, {"number": number})]
            for item, number, looks in zip(items, numbers, seen, strict=True)
        ]

    def name_looks(self, names: Sequence[str]) -> dict[str, LookRows]:
        halves = {"first": lambda rows: slice(0, rows // 2), "second": lambda rows: slice(rows // 2, rows)}
        return {f"{side}.{name}": LookRows(name, half) for side, half in halves.items() for name in names}

    def _ranked(self, item: EncodedPair, log_p: np.ndarray, looks: dict[str, np.ndarray], n_best: int) -> list[TaskPrediction]:
        """The likeliest labels, each with the same pictures and all the probabilities."""
        order, names = np.argsort(-log_p, kind="stable").tolist(), self.labels.names
        details = {"probabilities": {names[n]: float(np.exp(log_p[n])) for n in order}}
        return [self._prediction(item, names[n], float(log_p[n]), looks, details) for n in order[:n_best]]

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
        source, seen = " ⇄ ".join(item.texts), (*first, *second)
        more: Any = {"sides": sides, "details": details, "axes": axes, "read": {"texts": list(item.texts)}}
        return TaskPrediction(text, score, (text,), seen, looks, source, (), unknown, **more)

    def figures(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, float]:
        if self.section.output == "classes":
            return class_figures([p.text for p in found], [item.target for item in items])
        return number_figures([p.details["number"] for p in found], [float(item.target) for item in items])

    def count_items(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, ItemCounts]:
        if self.section.output == "classes":
            return class_counts([p.text for p in found], [item.target for item in items], self.labels.names)
        told, right = (np.array(each, np.float64) for each in ([p.details["number"] for p in found], [i.target for i in items]))
        return {"pearson": in_correlation(told, right), "mse": in_the_mean((told - right) ** 2)}

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


def _of_pairs(looks: PaddedLooks, valid: np.ndarray) -> list[dict[str, np.ndarray]]:
    """Looks pair by pair, padding cut off, as `first.NAME` and `second.NAME`: `align` goes to the other text, every other one to the text
    itself.  valid: of the first texts and, below them, the second ones."""
    sizes, pairs = valid.sum(1).tolist(), len(valid) // 2
    found: list[dict[str, np.ndarray]] = [{} for _ in range(pairs)]
    for name, taken in looks.items():
        for row, size in enumerate(sizes):
            side = "first" if row < pairs else "second"
            columns = sizes[row - pairs] if name == "align" else size
            found[row % pairs][f"{side}.{name}"] = taken[row, :, :size, :columns]
    return found


def _plain(pieces: Sequence[str]) -> list[str]:
    return [piece.removeprefix("▁") for piece in pieces]


def check_numbers(found: Iterator[TextPair | RecordError], config: Config) -> Iterator[TextPair | RecordError]:
    """Where numbers are learnt, what is none is at fault."""
    return found if config.own.output == "classes" else as_rated(found)


def columns_of(config: Config, files: Sequence[str] = (), *, inputs: bool = False) -> PairColumns:
    """How its files are read; files: others than those of training."""
    table = layout_for(files, config, inputs=inputs) if files else layout_of(config)
    return PairColumns(config.data.source, config.own.second, config.data.target, table)
