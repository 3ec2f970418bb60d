"""A trained classifier in use: texts to labels, ranked by their probability."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from regard.core.bounded_json import read_json, require_keys
from regard.core.errors import DataError, RunFolderError, message
from regard.core.say import Say
from regard.data.batching import collate
from regard.data.columns import Layout
from regard.data.examples import Item
from regard.data.pairs import each_labelled, read_inputs
from regard.data.python_items import pair_of
from regard.data.report import Report, gather
from regard.data.source_lists import single
from regard.data.tokenizer import UNK
from regard.data.vocab import Vocabulary
from regard.metrics.classification import class_counts, class_figures, label_tables
from regard.metrics.item_counts import ItemCounts
from regard.pretrained.text_vocabulary import TextVocabulary
from regard.tasks.array_predictor import Answering, ArrayPredictor, Likely
from regard.tasks.attributions import attribute_labels
from regard.tasks.base import NBest, TaskPrediction
from regard.tasks.classify.batch import ClassBatch
from regard.tasks.layouts import layout_for, layout_of
from regard.tasks.row_looks import of_rows
from regard.tasks.subword_batches import letters_side_by_side

if TYPE_CHECKING:
    from regard.config import Config

LETTERS, LABELS, COUNTS = "letters.json", "labels.json", "label_counts.json"  # in the run folder
WHAT = "texts with a label"
LONGEST = 40  # letters of a word that are read
UNSEEN = -1  # the number of a label that training never saw


@dataclass(frozen=True)
class EncodedText:
    """A text in numbers.  label: None where not known, or where training never saw it; letters: of each word, where the net reads them;
    told: whether its label, if it has one, is among those of training."""

    text: str
    pieces: tuple[str, ...]
    words: tuple[int, ...]
    letters: tuple[tuple[int, ...], ...]
    label: int | None
    told: bool = True

    @property
    def size(self) -> int:
        return len(self.words)


class Classifier(ArrayPredictor[EncodedText]):
    """A trained classifier in use."""

    likely = True
    what, has_mistakes = "texts", True

    def __init__(self, config: Config, folder: Path, network: Answering | None) -> None:
        self.texts, self.labels, self.letters = (
            TextVocabulary.load(config, folder),
            *(Vocabulary.load(folder / n) for n in (LABELS, LETTERS)),
        )
        self.section = config.own
        super().__init__(config, folder, network, bert=self.texts.bert)
        self.vocabulary = self.texts.words()

    @property
    def balance(self) -> list[float] | None:
        """How much the loss of a text counts in training, by its label; None: all the same."""
        return _balanced(self.folder / COUNTS, self.labels) if self.section.class_weights == "balanced" else None

    def make_up(self, by: Random, length: int) -> str:
        return self.texts.make_up(by, length)

    def inputs(self, file: str, say: Say | None = None) -> Iterator[Item]:
        found = read_inputs(file, columns_of(self.config, [file], inputs=True), say)
        return (replace(item, target=None) for item in found)  # a label is not read here

    def line(self, text: str) -> Item:
        return replace(single(text, columns_of(self.config)), target=None)

    def read_gold(self, files: Sequence[str]) -> tuple[list[Item], Report]:
        found = each_labelled(files, columns_of(self.config, files), passed := Counter[str]())
        return gather(found, files, what=WHAT, on_bad_line=self.config.data.on_bad_line, passed=passed)

    def encode(self, item: Any) -> EncodedText:
        """item: a text (with tabs: read as a line of a file is), or `Item`, whose target is its label."""
        item = self.line(item) if isinstance(item, str) and "\t" in item else item
        if not isinstance(item, str | Item):
            raise DataError(message("an item to classify", "a text", repr(item)[:60], "Give a text."))
        text = item if isinstance(item, str) else item.source
        words, letters = tuple(self.texts.encode_all([text])[0]), tuple[tuple[int, ...], ...]()
        pieces = self.texts.pieces(text)
        if self.section.letters:
            letters = tuple(tuple(self.letters.get(letter, UNK) for letter in piece[:LONGEST]) for piece in pieces)
        before, after = self.texts.around(self.section.pooling == "cls") if words else ((), ())
        words, pieces = (*before, *words, *after), (*self.texts.tokens(before), *pieces, *self.texts.tokens(after))
        letters = (*((),) * len(before), *letters, *((),) * len(after)) if letters else letters
        label = self.labels.get(label_of(item), UNSEEN) if isinstance(item, Item) and item.target is not None else None
        return EncodedText(text, pieces, words, letters, None if label == UNSEEN else label, label != UNSEEN)

    def with_right(self, item: Any) -> Item:
        """item: (text, label), a line with a tab between them, or `Item`."""
        found = pair_of(item, columns_of(self.config))
        return replace(found, target=str(found.target))

    def with_answer(self, item: Any, answer: TaskPrediction) -> Item:
        found = item if isinstance(item, Item) else self.line(item) if "\t" in item else single(item, columns_of(self.config))
        return replace(found, target=answer.text)

    def attribute(self, items: Sequence[Any]) -> list[np.ndarray] | None:
        return attribute_labels(self.network, self.graph_batch([self.encode(item) for item in items], Random(0)))

    def likelihoods(self, items: Sequence[EncodedText], batch: ClassBatch) -> list[Likely]:
        log_p = self.network.answer(batch).log_p
        each = [float(row[item.label]) for row, item in zip(log_p, items, strict=True)]
        return [((self.labels.names[item.label or 0],), (p,), p) for item, p in zip(items, each, strict=True)]

    def told(self, item: EncodedText) -> bool:
        return item.told

    def rights(self, item: Item) -> Iterator[tuple[str, Vocabulary]]:
        yield label_of(item), self.labels

    def truncate(self, item: EncodedText, size: int) -> EncodedText:
        """The beginning, and what stands after a text."""
        end = len(self.texts.around(False)[1])
        words, pieces = ((*x[: size - end], *x[len(x) - end :]) for x in (item.words, item.pieces))
        return replace(item, words=words, pieces=pieces, letters=item.letters[:size])

    def collate(self, items: Sequence[EncodedText], rows: Sequence[int]) -> ClassBatch:
        words = collate([(item.words, None) for item in items], rows)
        known = all(item.label is not None for item in items)
        label = np.array([item.label for item in items], dtype=np.int64) if known else None
        if not self.section.letters:
            return ClassBatch(words, label)
        return ClassBatch(words, label, *letters_side_by_side([item.letters for item in items], rows))

    def predict_batch(self, items: Sequence[EncodedText], batch: ClassBatch, n_best: int, attention: bool) -> NBest:
        found = self.network.answer(batch, weights=attention)
        each = zip(items, found.log_p, of_rows(found.looks, batch.words.source_valid), strict=True)
        return [self._ranked(item, log_p, looks, n_best) for item, log_p, looks in each]

    def _ranked(self, item: EncodedText, log_p: np.ndarray, looks: dict[str, np.ndarray], n_best: int) -> list[TaskPrediction]:
        """The likeliest labels, each with the same picture and all the probabilities."""
        names, seen = self.labels.names, item.pieces[: item.size]
        order = np.argsort(-log_p, kind="stable").tolist()
        details = {"probabilities": {names[n]: float(np.exp(log_p[n])) for n in order}}
        told, unknown = list[TaskPrediction](), self.texts.unknown(item.text)
        for n in order[:n_best]:
            sides, axes = {}, {}
            if "pool" in looks:
                hops = looks["pool"].shape[1]
                axes["pool"] = ("label" if hops == 1 else "hop", "text")
                sides["pool"] = ((names[n],) if hops == 1 else tuple(f"hop {i + 1}" for i in range(hops)), seen)
            told.append(
                TaskPrediction(
                    names[n], float(log_p[n]), (names[n],), seen, looks, item.text, (), unknown, sides, details, axes=axes
                )
            )
        return told

    def figures(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, float]:
        return class_figures([p.text for p in found], [label_of(item) for item in items])

    def count_items(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, ItemCounts]:
        told, right = [p.text for p in found], [label_of(item) for item in items]
        return class_counts(told, right, self.labels.names)

    def beside(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, Any]:
        return label_tables([p.text for p in found], [label_of(item) for item in items], self.labels.names)

    def right(self, item: Item) -> str:
        return label_of(item)


def label_of(item: Item) -> str:
    return str(item.target).strip()


def _balanced(file: Path, labels: Vocabulary) -> list[float]:
    """`n / (N n_c)`: so that every label counts the same in all, and a text counts 1 in the mean; scikit-learn's `balanced`."""
    try:
        counts = require_keys(read_json(file), dict.fromkeys(labels, int))
        if min(counts.values(), default=0) < 1:
            raise ValueError("a label that never occurs")
        return [sum(counts.values()) / (len(labels) * counts[name]) for name in labels]
    except (OSError, ValueError) as error:
        do = "Copy the run folder again, or train again."
        received = f"{type(error).__name__}: {error}"
        raise RunFolderError(message(str(file), "how often each label occurs in training", received, do)) from error


def columns_of(config: Config, files: Sequence[str] = (), *, inputs: bool = False) -> Layout:
    """How its files are read; files: others than those of training.  Labels stay as they are written; `TextVocabulary` cleans the texts."""
    layout = layout_for(files, config, inputs=inputs) if files else layout_of(config)
    return replace(layout, features=None, unicode="none", lowercase=False)
