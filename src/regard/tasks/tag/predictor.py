"""A trained tagger in use: sentences to tags, and what is right of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from regard.core.errors import DataError, message
from regard.core.say import Say
from regard.data.batching import collate
from regard.data.examples import Place
from regard.data.made_up import make_words
from regard.data.report import Report, gather
from regard.data.tokenizer import SPECIALS, UNK
from regard.data.vocab import Vocabulary
from regard.metrics.classification import confusion
from regard.metrics.confusions import Confusion, Mistake
from regard.metrics.item_counts import ItemCounts, in_the_mean
from regard.pretrained.bert_folder import keep_bert
from regard.pretrained.text_vocabulary import SubwordVocabulary
from regard.tasks.array_predictor import Answering, ArrayPredictor, Likely
from regard.tasks.base import NBest, TaskPrediction
from regard.tasks.options import ONE_ANSWER
from regard.tasks.row_looks import of_rows
from regard.tasks.subword_batches import Spelled, fit_subwords, letters_side_by_side, side_by_side
from regard.tasks.tag.batch import TagAnswers, TagBatch
from regard.tasks.tag.data import TaggedSentence, read_tagged, read_tokens, tokens_of
from regard.tasks.tag.file_formats import TagLayout
from regard.tasks.tag.schemes import check_scheme
from regard.tasks.tag.span_tags import OUTSIDE
from regard.tasks.tag.spans import span_counts, span_figures, spans, type_figures
from regard.tasks.tag.tag_paths import best_tags, each_log_p, tags_log_p

if TYPE_CHECKING:
    from regard.config import Config

WORDS, LETTERS, TAGS, LABELS = "words.json", "letters.json", "tags.json", "labels.json"  # in the run folder
WHAT = "sentences with a tag for each token"
LONGEST = 40  # letters of a word that are read
AROUND = 2  # specials around a text


@dataclass(frozen=True)
class EncodedSentence:
    """A sentence in numbers.  tags, label: None where not known; pieces: of each token, for a pre-trained reader; told: whether its tags
    and its label are all among those of training (0 stands for others)."""

    tokens: tuple[str, ...]
    words: tuple[int, ...]
    letters: tuple[tuple[int, ...], ...]
    tags: tuple[int, ...] | None
    label: int | None
    pieces: Spelled
    told: bool = True

    @property
    def size(self) -> int:
        return AROUND + sum(map(len, self.pieces)) if self.pieces else len(self.words)


class Tagger(ArrayPredictor[EncodedSentence]):
    """A trained tagger in use; long because words, letters, tags and labels are read and told in one place."""

    what, right_is, has_mistakes, likely = "sentences", "tag", True, True
    accepts = ONE_ANSWER

    def __init__(self, config: Config, folder: Path, network: Answering | None) -> None:
        self.letters, self.tags, self.labels = (Vocabulary.load(folder / n) for n in (LETTERS, TAGS, LABELS))
        self.pieced = SubwordVocabulary(keep_bert(folder)) if config.model.pretrained is not None else None
        self.words = Vocabulary(SPECIALS) if self.pieced else Vocabulary.load(folder / WORDS)
        super().__init__(config, folder, network, bert=self.pieced.bert if self.pieced else None)
        self.vocabulary = tuple("" if word in SPECIALS else word for word in self.words)

    def make_up(self, by: Random, length: int) -> tuple[str, ...]:
        letters = [name for name in self.letters if len(name) == 1] or ["a"]
        spelt = ["".join(make_words(letters, by, by.randint(1, 9))) for _ in range(length)]
        known = [word for word in self.vocabulary if word]
        return tuple(by.choice(known) if known and by.random() < 0.8 else word for word in spelt)

    def inputs(self, file: str, say: Say | None = None) -> Iterator[tuple[str, ...]]:
        """A sentence is an item: a line of tokens, or what training reads, with tags or without."""
        return read_tokens(file, columns_of(self.config), self.tags.names)

    def read_gold(self, files: Sequence[str]) -> tuple[list[TaggedSentence], Report]:
        if len(files) == 3 and not len(self.labels):
            expected = "one file in columns, or tokens and tags: this run has learnt no label of a sentence"
            raise DataError(message(f"files for {self.folder}", expected, "3 files", f"Leave out {files[2]}."))
        found = check_scheme(read_tagged(files, columns_of(self.config), passed := Counter[str]()), self.config.own.scheme)
        return gather(found, files, what=WHAT, on_bad_line=self.config.data.on_bad_line, passed=passed)

    def encode(self, item: Any) -> EncodedSentence:
        """item: a text whose tokens blanks part, a sequence of tokens, a mapping with `tokens`, or `TaggedSentence`."""
        tagged = item if isinstance(item, TaggedSentence) else None
        item = item.get("tokens", [None]) if isinstance(item, Mapping) else item
        tokens = tagged.tokens if tagged else tokens_of(item) if isinstance(item, str) else tuple(item)
        if not all(isinstance(token, str) and token for token in tokens):
            do = "Give a text, or a list of tokens."
            raise DataError(message("an item to tag", "tokens that are texts", repr(item)[:60], do))
        words = tuple(self.words.get(known_word(token, self.config), UNK) for token in tokens)
        letters = tuple(tuple(self.letters.get(letter, UNK) for letter in token[:LONGEST]) for token in tokens)
        tags, label, told = None, None, True
        if tagged and tagged.tags:
            tags = tuple(self.tags.get(tag, 0) for tag in tagged.tags)
            told = all(name in known for name, known in self.rights(tagged))
        if tagged and tagged.label is not None and len(self.labels):
            label = self.labels.get(tagged.label, 0)
        return EncodedSentence(tokens, words, letters, tags, label, self.pieced.of_words(tokens) if self.pieced else (), told)

    def with_right(self, item: Any) -> TaggedSentence:
        return tagged_sentence_of(item)

    def with_answer(self, item: Any, answer: TaskPrediction) -> TaggedSentence:
        return TaggedSentence(answer.source_tokens, answer.tokens, answer.details.get("label"), Place("an item", 1))

    def likelihoods(self, items: Sequence[EncodedSentence], batch: TagBatch) -> list[Likely]:
        told, found, right, valid = self.network.answer(batch), list[Likely](), batch.words.target, batch.words.source_valid
        assert right is not None
        together, apart = tags_log_p(told, right, valid), each_log_p(told.tags, right, valid)
        for i, item in enumerate(items):
            tags, whole = [self.tags.names[n] for n in item.tags or ()], float(together[i])
            each = [] if told.steps is not None else apart[i, : len(tags)].tolist()  # a CRF tells tags together
            if told.label is not None and batch.label is not None and item.label is not None:
                label = float(told.label[i, item.label])
                tags, each, whole = [*tags, self.labels.names[item.label]], [*each, label] if each else [], whole + label
            found.append((tags, each, whole))
        return found

    def measure_loss(self, items: Sequence[EncodedSentence], batch: TagBatch) -> tuple[float, int]:
        """By the token."""
        return super().measure_loss(items, batch)[0], int(batch.words.source_valid.sum())

    def told(self, item: EncodedSentence) -> bool:
        return item.told

    def rights(self, item: TaggedSentence) -> Iterator[tuple[str, Vocabulary]]:
        yield from ((tag, self.tags) for tag in item.tags)
        if item.label is not None and len(self.labels):
            yield item.label, self.labels

    def truncate(self, item: EncodedSentence, size: int) -> EncodedSentence:
        """The rest is tagged O."""
        pieces = fit_subwords(item.pieces, size - AROUND) if item.pieces else ()
        size = len(pieces) or size
        tags = None if item.tags is None else item.tags[:size]
        return replace(item, words=item.words[:size], letters=item.letters[:size], tags=tags, pieces=pieces)

    def collate(self, items: Sequence[EncodedSentence], rows: Sequence[int]) -> TagBatch:
        tagged = all(item.tags is not None for item in items)
        words = collate([(item.words, item.tags if tagged else None) for item in items], rows)
        letters, spelled = letters_side_by_side([item.letters for item in items], rows)
        known = all(item.label is not None for item in items)
        label = np.array([item.label for item in items], dtype=np.int64) if known else None
        pieces = side_by_side([item.pieces for item in items], *self.pieced.around(True)) if self.pieced else None
        return TagBatch(words, letters, spelled, label, pieces)

    def predict_batch(self, items: Sequence[EncodedSentence], batch: TagBatch, n_best: int, attention: bool) -> NBest:
        found, valid = self.network.answer(batch, weights=attention), batch.words.source_valid
        best, answers, seen = best_tags(found, valid), [], _seen(found, batch)
        log_p = tags_log_p(found, best, valid)
        for i, item in enumerate(items):
            tags = tuple(self.tags.names[n] for n in best[i, : len(item.words)].tolist())
            tags += (OUTSIDE,) * (len(item.tokens) - len(tags))
            ends = list(accumulate((len(token) + 1 for token in item.tokens), initial=0))  # where each token begins, and one more
            found_spans = spans(tags)
            details: dict[str, Any] = {"spans": [[s.kind, s.start, s.end] for s in found_spans]}
            details["characters"] = [[s.kind, ends[s.start], ends[s.end] - 1] for s in found_spans]
            score, sides = float(log_p[i]), {}
            if found.label is not None:
                label = int(found.label[i].argmax())
                details["label"] = self.labels.names[label]
                score += float(found.label[i, label])
                sides["pool"] = ((details["label"],), item.tokens[: len(item.words)])
            answers.append([self._prediction(item, tags, score, seen[i], sides, details)])
        return answers

    def _prediction(
        self, item: EncodedSentence, tags: tuple[str, ...], score: float, looks: Any, sides: Any, details: Any
    ) -> TaskPrediction:
        text, axes = " ".join(item.tokens), dict.fromkeys(sides, ("label", "token"))
        if self.pieced:
            unknown, (before, after) = self.pieced.unknown(text), self.pieced.around(True)
            read = self.pieced.tokens((*before, *(n for word in item.pieces for n in word), *after))
            sides = sides | {name: (read, read) for name in looks if name.endswith("self")}
            axes |= {name: ("piece", "piece") for name in looks if name.endswith("self")}
        else:
            unknown = tuple(token for token, n in zip(item.tokens, item.words, strict=False) if n == UNK)
        once = tuple(dict.fromkeys(unknown))
        return TaskPrediction(
            " ".join(tags), score, tags, item.tokens, looks, text, (), once, sides=sides, details=details, axes=axes
        )

    def figures(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, float]:
        right = [p.tokens == item.tags for item, p in zip(items, found, strict=True)]
        figures = span_figures([p.tokens for p in found], [item.tags for item in items])
        if len(self.labels) and all(item.label is not None for item in items):
            labels = [p.details["label"] == item.label for item, p in zip(items, found, strict=True)]
            right = [a and b for a, b in zip(right, labels, strict=True)]
            figures["intent_accuracy"] = sum(labels) / len(labels)
        return {**figures, "sentence_accuracy": sum(right) / len(right)}

    def count_items(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, ItemCounts]:
        right = [p.tokens == item.tags for item, p in zip(items, found, strict=True)]
        counts = span_counts([p.tokens for p in found], [item.tags for item in items])
        if len(self.labels) and all(item.label is not None for item in items):
            labels = [p.details["label"] == item.label for item, p in zip(items, found, strict=True)]
            right = [a and b for a, b in zip(right, labels, strict=True)]
            counts["intent_accuracy"] = in_the_mean(labels)
        return {**counts, "sentence_accuracy": in_the_mean(right)}

    def beside(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, Any]:
        """types: the figures of each kind of span.  confusion: of single tags, rows are what is right, columns what was answered."""
        right, told = [item.tags for item in items], [p.tokens for p in found]
        names = [*self.tags.names, *sorted({tag for tags in right for tag in tags} - {*self.tags.names})]
        counts = confusion([tag for tags in told for tag in tags], [tag for tags in right for tag in tags], names)
        return {"types": type_figures(told, right), "confusion": {"labels": names, "counts": counts}}

    def mistake(self, item: TaggedSentence, found: TaskPrediction) -> Mistake | None:
        each = zip(item.tokens, item.tags, found.tokens, strict=True)
        wrong = [(token, Confusion(right, told)) for token, right, told in each if right != told]
        if item.label is not None and len(self.labels) and found.details["label"] != item.label:
            wrong.append((item.source, Confusion(item.label, found.details["label"])))
        return Mistake(str(item.place), item.source, self.right(item), found.text, (found.score or 0.0), wrong) if wrong else None

    def right(self, item: TaggedSentence) -> str:
        return " ".join(item.tags)


def _seen(found: TagAnswers, batch: TagBatch) -> list[dict[str, np.ndarray]]:
    """Looks, row by row: the pool's at the words, all others at the pieces, where these are read."""
    valid = batch.words.source_valid
    own = of_rows(
        {name: w for name, w in found.looks.items() if name != "pool"}, valid if batch.pieces is None else batch.pieces.valid
    )
    pooled = of_rows({name: w for name, w in found.looks.items() if name == "pool"}, valid)
    return [one | other for one, other in zip(own, pooled, strict=True)]


def tagged_sentence_of(item: Any) -> TaggedSentence:
    """A sentence with its tags, to be scored: (tokens, tags), (tokens, tags, label), a line with tabs between them, or a
    `TaggedSentence`; tokens and tags as texts or lists.  DataError for anything else."""
    if isinstance(item, TaggedSentence):
        return item
    item = item.split("\t") if isinstance(item, str) else item
    parts = list(item) if isinstance(item, tuple | list) and len(item) in (2, 3) else []
    each = [tuple(part.split()) if isinstance(part, str) else tuple(part) for part in parts[:2]]
    if not parts or len(each[0]) != len(each[1]):
        do = "Give (tokens, tags), or (tokens, tags, label)."
        raise DataError(message("an item to score", "tokens with a tag each", repr(item)[:60], do))
    return TaggedSentence(each[0], each[1], parts[2] if len(parts) == 3 else None, Place("an item", 1))


def columns_of(config: Config) -> TagLayout:
    """How its files are read."""
    data = config.data
    return TagLayout(data.format, data.source, data.target)


def known_word(token: str, config: Config) -> str:
    """A token as its vocabulary has it."""
    return token.lower() if config.data.lowercase else token
