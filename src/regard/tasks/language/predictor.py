"""A language model in use: it goes on with texts, and tells how well it foresees them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from regard.core.errors import DataError, RunFolderError, message
from regard.core.plural import many
from regard.core.say import Say
from regard.data.examples import Item, Place
from regard.data.line_stream import in_chunks
from regard.data.made_up import make_text
from regard.data.pairs import read_inputs
from regard.data.plain_text import PlainText, read_plain, row_layout
from regard.data.report import gather, refuse_errors
from regard.data.text_files import lines, show_file
from regard.data.tokenizer import EOS, SPECIALS, UNK
from regard.data.tokenizer_kinds import kind_of
from regard.pretrained.text_vocabulary import TextVocabulary
from regard.tasks.base import AnswerSettings, Hypothesis, Predictor, Scored, TaskPrediction
from regard.tasks.generation import way_of
from regard.tasks.language.batch import side_by_side
from regard.tasks.language.continuation import ReadingNetwork, go_on
from regard.tasks.language.distances import Distances
from regard.tasks.language.windows import TokenWindows, carries
from regard.tasks.options import ALL_FIGURES, SEARCHED, Accepted, AnswerOptions, EvaluationOptions, ahead, apply_decode

if TYPE_CHECKING:
    from regard.config import Config

ROWS = 64  # short texts that are scored side by side
SIGN = "<s>"  # how the start sign is shown


@dataclass(frozen=True)
class Prompt:
    """A text to go on with.  ids: what of it is read; most: how many words may follow; cut: its beginning is not read."""

    text: str
    ids: tuple[int, ...]
    most: int
    cut: bool


class EvaluationTexts(NamedTuple):
    """Texts to be judged by: in windows; how many characters they have, ends included; how many tokens, and unknown ones of these."""

    windows: TokenWindows
    characters: int
    tokens: int
    unknown: int


class TextGenerator(Predictor):
    """A trained language model in use; long because it goes on with texts and judges them."""

    accepts = Accepted(SEARCHED.answers, frozenset({"beam"}))  # to say why it has none

    def __init__(self, network: ReadingNetwork, texts: TextVocabulary, config: Config, folder: Path) -> None:
        self.reader, self.texts, self.config, self.folder = network, texts, config, folder
        # Texts such as Penn Treebank's write <unk> where a word was rare: training saw that one.
        self._spells_unknown = kind_of(config.data.source_tokenizer).name == "space"
        bounds = [config.room.target]
        if config.model.family != "recurrent" and not carries(config):
            bounds.append(config.own.window)  # it never read more, and its places beyond are none that it knows
        self._room = min((bound for bound in bounds if bound is not None), default=None)

    @classmethod
    def load(cls, config: Config, folder: Path, network: ReadingNetwork) -> TextGenerator:
        """The model of a run folder, but for its network."""
        return cls(network, TextVocabulary.load(config, folder), config, folder)

    def make_up(self, by: Random, length: int) -> str:
        return make_text(self.texts.tokens(range(len(SPECIALS), len(self.texts))), by, length - 1)

    @property
    def network(self) -> Any:
        """The net that was trained."""
        return getattr(self.reader, "network", self.reader)

    def exchange(self, change: Callable[[Any], Any]) -> TextGenerator:
        made, reader = copy(self), cast(Any, self.reader)
        made.reader = reader.exchange(change)
        return made

    def answers(self, chunk: list[Prompt], settings: AnswerSettings, heard: Counter[str]) -> Iterator[list[TaskPrediction]]:
        """The n best continuations of each text; of an empty one, of nothing at all."""
        found: dict[int, list[TaskPrediction]] = {}
        way, least = way_of(settings.decode), settings.decode.min_length
        heard["cut"] += sum(text.cut for text in chunk)
        for rows in _alike(chunk, settings.decode.batch_size):
            begun, most = np.array([chunk[i].ids for i in rows], dtype=np.int64), chunk[rows[0]].most
            for edit in self.edits:
                edit.first = begun.shape[1]  # rows are words written, from the first on
            told = go_on(self.reader, begun, most=most, least=least, way=way, attention=settings.attention)
            for i, best in zip(rows, told, strict=True):
                found[i] = [self._prediction(chunk[i], h) for h in best]
        return (found[i] for i in range(len(chunk)))

    def notes(self, heard: Mapping[str, int]) -> Iterator[str]:
        if cut := heard["cut"]:
            yield f"{many(cut, 'text was', 'texts were')} longer than the {self._room} tokens that this model reads, and cut."

    def inputs(self, file: str, say: Say | None = None) -> Iterator[Item]:
        """Each line is a text to go on with; of .tsv and .jsonl, and where training read rows, a column of it."""
        kind, end = self.config.own.documents, file.removesuffix(".gz").rpartition(".")[2].lower()
        rows = next((name for name in (end, kind) if name in ("tsv", "jsonl")), None)
        if rows:
            return read_inputs(file, row_layout(rows, self.config.data.source), say)
        return (Item(line, None, (), Place(show_file(file), number)) for number, line in enumerate(lines(file), 1))

    def evaluate(
        self, files: Sequence[str], options: EvaluationOptions = ALL_FIGURES, *, errors: Path | None = None
    ) -> dict[str, Any]:
        """Figures on files of text: {"metrics": {...}, "items": n, "files": [...]}, and how far back the weight falls, where it looks."""
        for name, value in (("--beam", options.beam), ("--errors", errors)):
            if value is not None:
                do = "Leave it out; the figures are those of the text as it stands."
                expected = "a run that answers, for task language has nothing to search for"
                raise RunFolderError(message(name, expected, f"{value}", do))
        found = read_plain(files, kind=self.config.own.documents, column=self.config.data.source)
        texts, _ = gather(found, files, what="plain text", on_bad_line=self.config.data.on_bad_line)
        looks = Distances()
        figures = self.figures(self.judging(texts), looks)
        return {"metrics": figures, "items": len(texts), "files": list(files), "looks": looks.told()}

    def pairs(self, files: Sequence[str]) -> Iterator[PlainText]:
        return refuse_errors(read_plain(files, kind=self.config.own.documents, column=self.config.data.source))

    def pair(self, text: str) -> str:
        return text

    def scores(self, items: Iterable[Any], *, batch_size: int | None = None) -> Iterator[Scored]:
        """items: texts, or (begun, text), of which the text alone is scored, as what follows."""
        rows = ahead(apply_decode(self.config, options=AnswerOptions(batch_size=batch_size)).decode)
        for chunk in in_chunks(map(_text, items), rows):
            yield from _scored(self, chunk)

    def encode(self, texts: Sequence[PlainText]) -> list[list[int]]:
        """Each text in numbers, with its end mark."""
        return [[*ids, EOS] for ids in self.texts.encode_all([text.text for text in texts])]

    def judging(self, texts: Sequence[PlainText]) -> EvaluationTexts:
        """Texts in windows.  What a chain of them that begins within a text does not know is read first: a window of it, or half of one
        where nothing is carried."""
        ids, section = self.encode(texts), self.config.own
        carried = carries(self.config)
        before = section.window if carried else section.window // 2
        windows = TokenWindows(
            ids, [text.whole for text in texts], window=section.window, streams=section.streams, carried=carried, before=before
        )
        characters = sum(len(self.texts.clean(text.text)) + 1 for text in texts)
        spelled = sum(text.text.split().count(SPECIALS[UNK]) for text in texts) if self._spells_unknown else 0
        return EvaluationTexts(windows, characters, sum(map(len, ids)), max(0, sum(row.count(UNK) for row in ids) - spelled))

    def figures(self, judging: EvaluationTexts, looks: Distances | None = None) -> dict[str, float]:
        """Perplexity and what goes with it.  looks: is told where it looked."""
        nats, tokens, state = 0.0, 0, None
        for rows in judging.windows.in_order():
            batch = self.batch(judging.windows.cut(rows))
            if looks is not None:
                for weights in self.reader.looks(batch, state):
                    looks.add(weights, batch.real)
            found, state = self.reader.cross_entropies(batch, state)
            nats, tokens = nats + float(found.sum(dtype=np.float64)), tokens + len(found)
        return {
            "perplexity": math.exp(min(nats / tokens, 700)),
            "bits_per_character": nats / math.log(2) / judging.characters,
            "unknown": judging.unknown / judging.tokens,
            "loss": nats / tokens,
        }

    batch = staticmethod(side_by_side)

    def prepare(self, item: Any, settings: AnswerSettings) -> Prompt:
        """item: a text, or anything with `source`."""
        decode = settings.decode
        text = item if isinstance(item, str) else getattr(item, "source", None)
        if not isinstance(text, str):
            do = "Give str, an empty one for a text from its beginning."
            raise DataError(message("predict", "a text to go on with", type(item).__name__, do))
        ids = tuple(self.texts.encode_all([text])[0])
        most = max(int(len(ids) * decode.max_ratio) + decode.max_extra, decode.min_length, 1)
        if self._room is None or len(ids) + most < self._room:
            return Prompt(text, ids, most, False)
        kept = min(len(ids), max(self._room - 1 - most, self._room // 2, 1))
        most = max(1, min(most, self._room - 1 - kept))
        return Prompt(text, ids[len(ids) - kept :], most, kept < len(ids))

    def _unknown(self, text: str) -> tuple[str, ...]:
        """What training never saw of a text; a word that is written as unknown is no news."""
        spelled = {SPECIALS[UNK]} if self._spells_unknown else set()
        return tuple(token for token in self.texts.unknown(text) if token not in spelled)

    def _prediction(self, begun: Prompt, found: Hypothesis) -> TaskPrediction:
        tokenizer = self.texts.tokenizer
        read, written = tuple(tokenizer.tokens(begun.ids)), tuple(tokenizer.tokens(found.words))
        text = tokenizer.decode((*begun.ids, *found.words))[len(tokenizer.decode(begun.ids)) :]
        columns = (SIGN, *read, *written[:-1])
        return TaskPrediction(
            text, found.score, written, read, found.attention, begun.text, (), self._unknown(begun.text),
            sides={name: (written, columns) for name in found.attention},
            axes=dict.fromkeys(found.attention, ("written", "read so far")),
            details={"ended": EOS in found.words},
        )  # fmt: skip


def _scored(model: TextGenerator, chunk: Sequence[tuple[str, PlainText]]) -> Iterator[Scored]:
    """chunk: what was said before each text, and the text."""
    ids = model.encode([replace(text, text=begun + text.text) for begun, text in chunk])
    said = model.encode([replace(text, text=begun) for begun, text in chunk])
    skips = [
        sum(1 for _ in takewhile(lambda ab: ab[0] == ab[1], zip(a, b[:-1], strict=False))) for a, b in zip(ids, said, strict=True)
    ]
    for (begun, text), whole, skip, costs in zip(chunk, ids, skips, _costs(model, ids), strict=True):
        log_p = tuple((-costs[skip:]).tolist())
        tokens = tuple(model.texts.tokenizer.tokens(whole[skip:]))
        yield Scored(begun, text.text, sum(log_p), tokens, log_p, (), model.texts.unknown(text.text))


def _costs(model: TextGenerator, texts: Sequence[Sequence[int]]) -> list[NDArray[np.float64]]:
    """The cross-entropy of each token of each text, read from its beginning: short ones side by side, long ones window by window."""
    section = model.config.own
    window, carried = section.window, carries(model.config)
    short = [i for i, ids in enumerate(texts) if len(ids) <= window]
    groups = [short[at : at + ROWS] for at in range(0, len(short), ROWS)] + [
        [i] for i, ids in enumerate(texts) if len(ids) > window
    ]
    found: dict[int, NDArray[np.float64]] = {}
    for group in groups:
        before = window if carried else window // 2  # as where a text is judged
        some, count = [texts[i] for i in group], len(group)
        windows = TokenWindows(some, [False] * count, window=window, streams=count, carried=carried, before=before)
        costs, state = list[NDArray[np.float64]](), None
        for rows in [list(range(len(group)))] if len(group) > 1 else windows.in_order():
            told, state = model.reader.cross_entropies(model.batch(windows.cut(rows)), state)
            costs.append(told.astype(np.float64))
        sizes = [len(texts[i]) for i in group]
        found |= zip(group, np.split(np.concatenate(costs), np.cumsum(sizes)[:-1]), strict=True)
    return [found[i] for i in range(len(texts))]


def _text(item: Any) -> tuple[str, PlainText]:
    """What was said before, and a text.  DataError where an item is neither a text nor two of them."""
    if isinstance(item, PlainText):
        return "", item
    begun, text = item if isinstance(item, tuple | list) and len(item) == 2 else ("", item)
    if not isinstance(begun, str) or not isinstance(text, str):
        do = "Give a text, or (begun, text)."
        raise DataError(message("an item to score", "a text", repr(item)[:60], do))
    return begun, PlainText(text, Place("an item", 1))


def _alike(texts: Sequence[Prompt], rows: int) -> list[list[int]]:
    """Texts of one length together: what is read needs no padding then."""
    groups: dict[tuple[int, int], list[int]] = {}
    for i, text in enumerate(texts):
        groups.setdefault((len(text.ids), text.most), []).append(i)
    return [group[at : at + rows] for group in groups.values() for at in range(0, len(group), rows)]
