"""A model that writes a target for each source, in use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from regard.core.errors import DataError, RunFolderError, message
from regard.core.plural import many
from regard.core.say import Say
from regard.data.batching import Batch, collate
from regard.data.columns import Layout
from regard.data.copy_vocabulary import number_source, number_target
from regard.data.examples import Item, Place
from regard.data.line_stream import in_chunks
from regard.data.made_up import make_text
from regard.data.pairs import each_pair, read_inputs
from regard.data.python_items import pair_of, source_of
from regard.data.report import refuse_errors
from regard.data.source_lists import single
from regard.data.tokenizer import EOS, SPECIALS, Tokenizer
from regard.decoding.networks import WritingNetwork
from regard.tasks.attributions import attribute_tokens
from regard.tasks.base import AnswerSettings, Hypothesis, NBest, Predictor, Scored, TaskPrediction
from regard.tasks.ensembles import order, renumber
from regard.tasks.generation import Seq2SeqPredictor
from regard.tasks.layouts import layout_for, layout_of
from regard.tasks.options import (
    ALL_FIGURES,
    SEARCHED,
    Accepted,
    AnswerOptions,
    EvaluationOptions,
    ahead,
    apply_decode,
    describe_limit,
)
from regard.tasks.transduce.evaluation import evaluate, nats

if TYPE_CHECKING:
    from regard.config import Config

SOURCE_TOKENIZER, TARGET_TOKENIZER = "tokenizer.source.json", "tokenizer.target.json"


@dataclass(frozen=True)
class Source:
    """One line to predict from, cleaned, and its tokens; `cut`: it was longer than the model can read."""

    text: str
    features: tuple[str, ...]
    ids: tuple[int, ...]
    cut: bool = False
    symbols: tuple[str | None, ...] = ()  # of the ids, where what the vocabularies lack can be copied


class Transducer(Seq2SeqPredictor):
    """A trained model of pairs, with its tokenizers; long because all that knows both sides of a pair stands together."""

    accepts = Accepted(SEARCHED.answers, SEARCHED.evaluation | {"train"})

    def __init__(
        self, networks: Sequence[WritingNetwork], tokenizers: tuple[Tokenizer, Tokenizer], config: Config, folder: Path
    ) -> None:
        super().__init__(networks, config, folder)
        self.tokenizers, self.layout = tokenizers, _layout(config)

    @classmethod
    def load(cls, config: Config, folder: Path, network: WritingNetwork) -> Transducer:
        """The model of a run folder, but for its network."""
        return cls(
            [network], (Tokenizer.load(folder / SOURCE_TOKENIZER), Tokenizer.load(folder / TARGET_TOKENIZER)), config, folder
        )

    def make_up(self, by: Random, length: int) -> Item:
        reader = self.tokenizers[0]
        text = make_text(reader.tokens(range(len(SPECIALS), len(reader) - len(reader.features))), by, length)
        features = tuple(by.choices(reader.features, k=2)) if reader.features else ()
        return Item(text, None, features, Place("made up", 1))

    def prepare(self, item: Any, settings: AnswerSettings) -> Source:
        """item: see `data.python_items.source_of`; an empty text gives an empty prediction."""
        return self._source(item)

    def remarkable(self, sources: Sequence[Source], found: NBest) -> Iterator[str]:
        longest, featured = self.config.data.max_source_length, self.config.data.features is not None
        for source, best in zip(sources, found, strict=True):
            if source.ids:
                yield from ["cut"] if source.cut else ["long"] if len(source.ids) > longest else []
                yield from ["bare"] if featured and not source.features else []
                yield from ["bound"] if best[0].details.get("ended") is False else []

    def notes(self, heard: Mapping[str, int]) -> Iterator[str]:
        """A source that is longer than training ever read is answered whole and told: to cut it would lose what it says, and a net
        without learned positions can read on."""
        longest = self.config.data.max_source_length
        said = {
            "cut": f"longer than the {self.room.source} tokens that this model reads; what follows was cut off.",
            "long": f"longer than the {longest} tokens that training read at most (data.max_source_length).",
            "bare": "without features, which this run was trained with (data.features).",
        }
        for kind, sentence in said.items():
            if count := heard.get(kind):
                yield f"{many(count, 'source was', 'sources were')} {sentence}"
        if heard.get("bound"):
            yield describe_limit(heard["bound"])

    def together(self, others: Sequence[Predictor]) -> Transducer:
        networks = list(self.networks)
        for other in others:
            assert isinstance(other, Transducer)
            if _cleaning(self.config) != _cleaning(other.config):
                what = f"data.unicode and data.lowercase as in {self.folder}"
                raise RunFolderError(message(f"{other.folder}", what, "others", "Train them on the same data."))
            source, target = (
                order(self, mine, other, theirs, side)
                for side, mine, theirs in zip(("source", "target"), self.tokenizers, other.tokenizers, strict=True)
            )
            networks += [renumber(network, source, target) for network in other.networks]
        return Transducer(networks, self.tokenizers, self.config, self.folder)

    def inputs(self, file: str, say: Say | None = None) -> Iterator[Item]:
        """A name such as .tsv, .csv or .jsonl says how the file is read; any other is read as the training data was: after two
        line-aligned files, a line is a source (`another`)."""
        return read_inputs(file, layout_for([file], self.config, inputs=True), say)

    def line(self, text: str) -> Item:
        return single(text, self.layout)

    def pairs(self, files: Sequence[str]) -> Iterator[Item]:
        return refuse_errors(each_pair(files, layout_for(files, self.config)))

    def pair(self, text: str) -> Item:
        return pair_of(text, self.layout)

    def scores(self, items: Iterable[Any], *, batch_size: int | None = None) -> Iterator[Scored]:
        """items: see `data.python_items.pair_of`."""
        rows = ahead(apply_decode(self.config, options=AnswerOptions(batch_size=batch_size)).decode)
        for chunk in in_chunks((pair_of(item, self.layout) for item in items), rows):
            yield from self._scored(chunk)

    def with_answer(self, item: Any, answer: TaskPrediction) -> Item:
        return replace(source_of(item, self.layout), target=answer.text)

    def attribute(self, items: Sequence[Any]) -> list[np.ndarray] | None:
        return attribute_tokens(self.network, self.in_tokens([(item, self.layout.clean(str(item.target))) for item in items]))

    def _scored(self, items: Sequence[Item]) -> list[Scored]:
        writer, room = self.tokenizers[1], self.room.target
        targets = [self.layout.clean(str(item.target)) for item in items]
        ids = writer.encode_all(targets)
        for item, target in zip(items, ids, strict=True):
            if room and len(target) > room:
                do = "Score shorter ones."
                expected = f"a target of at most {room} tokens, which is what this model writes"
                raise DataError(message(str(item.place), expected, f"{len(target)}", do))
        found: dict[int, Scored] = {}
        for i, costs in nats(self.writer, self.in_tokens(list(zip(items, targets, strict=True)))):
            tokens, unknown = tuple(writer.tokens(ids[i])), tuple(writer.unknown(targets[i]))
            log_p = tuple((-costs).tolist())
            found[i] = Scored(items[i].source, targets[i], sum(log_p), tokens, log_p, items[i].features, unknown)
        return [found[i] for i in range(len(items))]

    def evaluate(
        self, files: Sequence[str], options: EvaluationOptions = ALL_FIGURES, *, errors: Path | None = None
    ) -> dict[str, Any]:
        """Figures on files of sources and targets, see `transduce.evaluation`."""
        return evaluate(self, files, options, errors=errors)

    def target_tokens(self, text: str) -> list[str]:
        """A target text in tokens, without the end mark: what `per` counts."""
        return self.tokenizers[1].pieces(text)

    def in_tokens(self, items: Sequence[tuple[Any, str]]) -> list[tuple[Sequence[int], Sequence[int]]]:
        """Items and what is right of each, in tokens, as the network reads and is judged by them."""
        sources, writer = [self._source(item) for item, _ in items], self.tokenizers[1]
        targets = writer.encode_all([text for _, text in items])
        if self.writer.extends:
            each = zip(sources, items, targets, strict=True)
            targets = [number_target(self.tokenizers, text, ids, s.symbols, s.ids) for s, (_, text), ids in each]
        return [(source.ids, target) for source, target in zip(sources, targets, strict=True)]

    def _source(self, item: Any) -> Source:
        given = source_of(item, self.layout)
        features, text = given.features, self.layout.clean(given.source) if given.source.strip() else ""
        ids = self.tokenizers[0].encode(text, features) if text else []
        longest = self.room.source
        cut = longest is not None and len(ids) > longest
        ids = [*ids[: longest - 1], EOS] if cut and longest else ids
        if not ids or not self.writer.extends:
            return Source(text, features, tuple(ids), cut)
        symbols = tuple(self.tokenizers[0].symbols(text, features))
        return Source(text, features, tuple(number_source(self.tokenizers, symbols, ids)), cut, symbols)

    def size(self, source: Source) -> int:
        return len(source.ids)

    def collate(self, sources: Sequence[Source], rows: Sequence[int]) -> Batch:
        return collate([(source.ids, None) for source in sources], rows)

    def empty_prediction(self, source: Source) -> TaskPrediction:
        return TaskPrediction("", 0.0, source=source.text, features=source.features)

    def written(self, source: Source, found: Hypothesis, *, ended: bool, attention: bool) -> TaskPrediction:
        reader, writer = self.tokenizers
        return TaskPrediction(
            writer.decode(found.words, source.symbols),
            found.score,
            tuple(writer.tokens(found.words, source.symbols)),
            tuple(reader.tokens(source.ids)),
            found.attention,
            source.text,
            source.features,
            tuple(reader.unknown(source.text, source.features)),
            details={} if ended else {"ended": False},
        )


def _layout(config: Config) -> Layout:
    """How the training data were read."""
    layout, files = layout_of(config), config.data.train
    return layout.resolved(files) if files else layout


def _cleaning(config: Config) -> tuple[str, bool]:
    return config.data.unicode, config.data.lowercase
