"""A pre-trained model in use: it fills [MASK] in a text, and says whether one text follows another (`text TAB text`)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from regard.core.errors import ConfigError, DataError, message
from regard.core.say import Say
from regard.data.batching import collate
from regard.data.made_up import make_words
from regard.data.report import Report
from regard.data.text_files import lines, show_file
from regard.data.wordpiece import GOES_ON, MASK, WordPieces
from regard.pretrained.bert_folder import keep_bert
from regard.tasks.array_predictor import Answering, ArrayPredictor, Judged
from regard.tasks.base import NBest, TaskPrediction
from regard.tasks.options import ALL_FIGURES, EvaluationOptions
from regard.tasks.pretrain.batch import BertBatch
from regard.tasks.pretrain.documents import Document, join_parts, passages, read_documents
from regard.tasks.pretrain.masking import NOTHING, MaskedExample, MaskedExamples, MaskingSettings, add_specials
from regard.tasks.row_looks import of_rows

if TYPE_CHECKING:
    from regard.config import Config

SHOWN = 5  # words told for each [MASK] in the details
VALIDATION = 0  # the drawing of what is judged: always the same
PART = 1024  # words that are judged at a time: the probabilities of all of a vocabulary take room


@dataclass(frozen=True, eq=False)
class MaskedText:
    """A text in numbers.  example: what was drawn to be judged; else text: as given, and places: of its masks."""

    words: Any
    segments: Any
    places: tuple[int, ...] = ()
    text: str = ""
    example: MaskedExample | None = None

    @property
    def size(self) -> int:
        return len(self.words)


class MaskedLMPredictor(ArrayPredictor[MaskedText]):
    """It answers lines, and examples that were drawn, to be judged; long because both are asked of the network in one way."""

    what = "lines"

    def __init__(self, config: Config, folder: Path, network: Answering | None) -> None:
        found, wanted = keep_bert(folder), config.own
        super().__init__(config, folder, network, bert=found.shape)
        self.bert, self.pieces, self.ahead = found.shape, found.pieces, wanted.manner == "left-to-right"
        self.tells_words = wanted.masked or self.ahead

    def make_up(self, by: Random, length: int) -> str:
        known = [token.removeprefix("##") for token in self.pieces.tokens(range(len(self.pieces))) if not token.startswith("[")]
        words = make_words(known, by, length)
        words[by.randrange(length)] = MASK
        return " ".join(words)

    def inputs(self, file: str, say: Say | None = None) -> Iterator[str]:
        """A line is a text with [MASK] where a word is asked for, or two texts with a tab between them."""
        return lines(file)

    def read_gold(self, files: Sequence[str]) -> tuple[list[MaskedExample], Report]:
        found = list(read_documents(files))
        if not found:
            raise DataError(message(" + ".join(map(show_file, files)), "text", "none", "Give a file with text."))
        return self.examples(found), Report(tuple(files))

    def examples(self, documents: Sequence[Document]) -> list[MaskedExample]:
        """What is judged of a text: always drawn the same."""
        made = draw_examples(documents, self.pieces, self.config, strict=False)
        return _always(made, len(documents), pairs=not self.tells_words)

    def encode(self, item: Any) -> MaskedText:
        """item: a text, or an `MaskedExample` to be judged."""
        if isinstance(item, MaskedExample):
            return MaskedText(item.words, item.segments, example=item)
        if not isinstance(item, str):
            raise DataError(message("an item to fill", "a text", repr(item)[:60], f"Give a text with {MASK} in it."))
        first, *more = item.split("\t")
        if not item.strip():
            return MaskedText((), (), text=item)
        ids = [mask_text(text, self.pieces) for text in (first, " ".join(more)) if text.strip()]
        words, segments = add_specials(ids[0], ids[1] if len(ids) > 1 else None, self.pieces)
        return MaskedText(words, segments, tuple(np.flatnonzero(words == self.pieces.mask).tolist()), item)

    def truncate(self, item: MaskedText, size: int) -> MaskedText:
        """Cut at the end; its last mark stays."""
        words = np.concatenate([item.words[: size - 1], item.words[-1:]])
        return replace(item, words=words, segments=item.segments[:size], places=tuple(p for p in item.places if p < size - 1))

    def collate(self, items: Sequence[MaskedText], rows: Sequence[int]) -> BertBatch:
        read = collate([(item.words, item.segments) for item in items], rows)
        assert read.target is not None
        targets, follows = np.full_like(read.source, NOTHING), np.full(len(items), NOTHING)
        for i, item in enumerate(items):
            if (example := item.example) is not None:
                targets[i, : example.size] = example.targets
                follows[i] = NOTHING if example.follows is None else int(not example.follows)
        return BertBatch(read.source, read.source_valid, read.target, targets, follows)

    def graph_batch(self, items: Sequence[MaskedText], by: Random) -> BertBatch:
        rows = [i for i, _ in enumerate(items) for _ in range(by.randint(1, 2))]
        places = [(i, by.randrange(items[i].size)) for i in rows]
        return replace(self.collate(items, range(len(items))), places=np.array(places, dtype=np.int64))

    def predict_batch(self, items: Sequence[MaskedText], batch: BertBatch, n_best: int, attention: bool) -> NBest:
        judged = [i for i, item in enumerate(items) if item.example is not None]
        if 0 < len(judged) < len(items):  # two questions, each with a batch of its own
            found: list[list[TaskPrediction]] = [[] for _ in items]
            for rows in (judged, sorted(set(range(len(items))).difference(judged))):
                some = [items[i] for i in rows]
                for i, best in zip(rows, self.predict_batch(some, self.batch(some, rows), n_best, attention), strict=True):
                    found[i] = best
            return found
        if judged:
            return [[p] for p in self._judged(items, batch)]
        if not self.tells_words and any(item.places for item in items):
            do = "Leave the masks out, or name a run that learnt words."
            raise ConfigError(message(MASK, "a run that learnt to tell words", "pretrain.masked: false", do))
        filled = self._filled(items, batch, n_best, attention)
        return [
            [self._prediction(item, told, *beside) for told in found]
            for item, (found, *beside) in zip(items, filled, strict=True)
        ]

    def _filled(self, items: Sequence[MaskedText], batch: BertBatch, n_best: int, attention: bool) -> list[Any]:
        """Of each item the best fillings, each (score, words); of each of its masks the likeliest words; where it looked; the
        log-probability that the second text follows.

        All masks are filled at once, each by itself.  A net that looks to the left only fills one after the other, and sees what it
        filled; then only the last has several fillings.
        """
        ahead, words = self.ahead, batch.words.copy()
        found: list[tuple[list[tuple[float, tuple[int, ...]]], list[Any]]] = [([(0.0, ())], []) for _ in items]
        rounds = max((len(item.places) for item in items), default=0) if ahead else 1
        shown: list[Any] = [None] * len(items)
        for step in range(max(rounds, 1)):
            asked = [
                (i, place) for i, item in enumerate(items) for place in (item.places[step : step + 1] if ahead else item.places)
            ]
            at = np.array([(i, place - ahead) for i, place in asked], dtype=np.int64).reshape(-1, 2)
            log_p, follows, padded = self.network.answer(replace(batch, words=words, places=at), weights=attention)
            looks = of_rows(padded, batch.valid)
            for i, item in enumerate(items):
                if not ahead or step == max(len(item.places) - 1, 0):  # what a row shows does not depend on its neighbours
                    shown[i] = looks[i], None if follows is None else float(follows[i, 0])
            for (i, place), row in zip(asked, () if log_p is None else log_p, strict=True):
                last = not ahead or step == len(items[i].places) - 1
                best = likeliest(row, self.pieces, max(n_best, SHOWN))
                fillings = [(score + p, (*told, w)) for score, told in found[i][0] for p, w in best[: n_best if last else 1]]
                found[i] = (sorted(fillings, key=lambda filling: -filling[0])[:n_best], [*found[i][1], best[:SHOWN]])
                if ahead:
                    words[i, place] = best[0][1]
        return [(*told, *beside) for told, beside in zip(found, shown, strict=True)]

    def _prediction(self, item: MaskedText, filling: Any, each: Any, looks: Any, follows: float | None) -> TaskPrediction:
        score, told = filling
        words = [int(word) for word in item.words]
        for place, word in zip(item.places, told, strict=True):
            words[place] = word
        details: dict[str, Any] = {}
        if each:
            details["masks"] = [[{"piece": self.pieces.names[w], "p": math.exp(p)} for p, w in best] for best in each]
        if follows is not None and item.segments[-1]:
            details["follows"] = math.exp(follows)
        return TaskPrediction(
            fill_in(item.text, [self.pieces.names[word] for word in told]),
            score,
            self.pieces.tokens(words),
            self.pieces.tokens(item.words),
            looks,
            item.text,
            unknown=self.pieces.unseen(item.text.replace(MASK, " ")),
            details=details,
        )

    def _judged(self, items: Sequence[MaskedText], batch: BertBatch) -> Iterator[TaskPrediction]:
        """Row by row, as many words at a time as there is room for."""
        for rows in _parts((batch.targets != NOTHING).sum(1)):
            part = batch.ask(rows)
            log_p, follows, _ = self.network.answer(part)
            place = 0
            for i, item in enumerate(items[rows]):
                count = int((part.targets[i] != NOTHING).sum())
                said = None if log_p is None else log_p[place : place + count]
                place += count
                yield judge(item, self.pieces, said, None if follows is None else follows[i])

    def right(self, item: Any) -> str:
        return " ".join(self.pieces.tokens(item.targets[item.targets != NOTHING])[:SHOWN])

    def metrics(self, items: Sequence[Any], options: EvaluationOptions = ALL_FIGURES) -> Judged:
        found = [best[0] for best in self.stream(items, options.best(), attention=False)]
        return found, self.figures(items, found)

    def figures(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, float]:
        words = sum(p.details["words"] for p in found) if self.tells_words else 0
        pairs = [p.details["follows"] for p in found if "follows" in p.details]
        loss, figures = 0.0, {}
        if words:
            nats = sum(p.details["nats"] for p in found) / words
            figures = {"masked_accuracy": sum(p.details["right"] for p in found) / words, "perplexity": math.exp(min(nats, 700))}
            loss += nats
            loss -= sum(p.details["words"] * p.details.get("follows", 0.0) for p in found) / words
        elif pairs:
            loss -= sum(pairs) / len(pairs)
        if pairs:
            figures["next_accuracy"] = sum(p > math.log(0.5) for p in pairs) / len(pairs)
        return {**figures, "loss": loss}


def judge(item: MaskedText, pieces: WordPieces, log_p: np.ndarray | None, follows: np.ndarray | None) -> TaskPrediction:
    """log_p: of all words at the places that are to be told; follows: see `BertAnswers`."""
    assert item.example is not None
    wanted = item.example.targets[item.example.targets != NOTHING]
    best = np.zeros(0, dtype=np.int64) if log_p is None else log_p.argmax(-1)
    nats = 0.0 if log_p is None else -float(log_p[np.arange(len(wanted)), wanted].sum())
    details = {"words": len(wanted), "right": int((best == wanted).sum()) if len(best) else 0, "nats": nats}
    if follows is not None and item.example.follows is not None:
        details["follows"] = float(follows[int(not item.example.follows)])
    told = pieces.tokens(best)
    text, score = " ".join(told[:SHOWN]), -details["nats"] + details.get("follows", 0.0)
    return TaskPrediction(text, score, told, source=" ".join(pieces.tokens(item.words)[:20]), details=details)


def _parts(counts: np.ndarray) -> Iterator[slice]:
    """Rows that follow each other and have no more words to tell than are judged at a time, or a single one."""
    first, left = 0, PART
    for row, count in enumerate(counts.tolist()):
        if count > left and row > first:
            yield slice(first, row)
            first, left = row, PART
        left -= count
    yield slice(first, len(counts))


def _always(made: MaskedExamples, documents: int, *, pairs: bool) -> list[MaskedExample]:
    """The same examples each time.  pairs: nothing but pairs is told; DataError where there is none, and so nothing to judge."""
    found = [made.draw(VALIDATION, number) for number in range(len(made))]
    if pairs and all(example.follows is None for example in found):
        do = "Name a file with at least two documents, or set aside more (data.valid_share)."
        expected = "pairs of texts, from two documents or more (pretrain.masked: false)"
        raise DataError(message("text to be judged on", expected, f"{documents} with no pair in it", do))
    return found


def mask_text(text: str, pieces: WordPieces) -> Any:
    """The numbers of a text with masks."""
    found = list[int]()
    for number, part in enumerate(pieces.encode_all(text.split(MASK))):
        found += [pieces.mask, *part] if number else part
    return np.array(found, dtype=np.int32)


def likeliest(log_p: np.ndarray, pieces: WordPieces, count: int) -> list[tuple[float, int]]:
    """The likeliest pieces of text, and their log-probabilities."""
    told = log_p[: len(pieces)].copy()  # a table may be longer than its vocabulary
    told[list(pieces.specials)] = -math.inf
    best = np.argsort(-told, kind="stable")[: min(count, len(pieces) - len(pieces.specials))]
    return list(zip(told[best].tolist(), best.tolist(), strict=True))


def draw_examples(documents: Sequence[Document], pieces: WordPieces, config: Config, *, strict: bool = True) -> MaskedExamples:
    """Examples as a config has them; in pairs, no part is longer than half of a passage."""
    wanted = config.own
    room = wanted.length - (3 if wanted.next else 2)
    found = passages(join_parts(documents), pieces, room=room, most=room // 2 if wanted.next else room)
    ahead = wanted.manner == "left-to-right"
    manner = MaskingSettings(wanted.share, wanted.whole_words, wanted.next, ahead, wanted.masked)
    return MaskedExamples(found, pieces, manner, seed=config.train.seed, strict=strict)


def fill_in(text: str, pieces: Sequence[str]) -> str:
    """A text with pieces in place of its masks; one that goes on joins the word before it."""
    first, *rest = text.split(MASK)
    for piece, more in zip(pieces, rest, strict=False):
        first = (first.rstrip(" ") if piece.startswith(GOES_ON) else first) + piece.removeprefix(GOES_ON) + more
    return MASK.join([first, *rest[len(pieces) :]])
