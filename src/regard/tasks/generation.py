"""A model that writes a target for each source, in use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regard.config import Config, DecodeSection
from regard.config.length_limits import room
from regard.core.errors import RunFolderError, message
from regard.core.say import Say
from regard.data.batching import Batches, collate
from regard.data.columns import Layout
from regard.data.copy_vocabulary import numbered, pointed
from regard.data.line_stream import taken
from regard.data.pairs import Item, each_pair, read_inputs
from regard.data.python_items import pair_of, source_of
from regard.data.source_lists import single
from regard.data.tokenizer import EOS, Tokenizer
from regard.inference.int8 import quantize
from regard.inference.prepare import PreparedNetworks
from regard.networks.encoder_decoder import EncoderDecoder
from regard.tasks.answer_warnings import remarkable, told
from regard.tasks.base import Hypothesis, NBest, Precision, Predictor, Scored, TaskPrediction
from regard.tasks.decode_options import ahead, decided
from regard.tasks.ensembles import order, reordered
from regard.tasks.evaluation import evaluate, layout_for, layout_of
from regard.tasks.scoring import scores, unspoilt
from regard.tasks.seq2seq import Beam, Limits, Sample, answer
from regard.tasks.seq2seq_builder import build_seq2seq
from regard.training.checkpoint import MODEL, load_network

SOURCE_TOKENIZER, TARGET_TOKENIZER = "tokenizer.source.json", "tokenizer.target.json"


@dataclass(frozen=True)
class Source:
    """One line to predict from, cleaned, and its tokens; `cut`: it was longer than the model can read."""

    text: str
    features: tuple[str, ...]
    ids: tuple[int, ...]
    cut: bool = False
    symbols: tuple[str | None, ...] = ()  # of the ids, where what the vocabularies lack can be copied


class Transducer(Predictor):
    """One network, or several that answer together, with the tokenizers and the config of their training.

    Several networks answer with the mean of their probabilities; attention and attention pictures are those of the first.
    """

    judged_with = Predictor.judged_with | {"tokenize", "train"}

    def __init__(
        self, networks: Sequence[EncoderDecoder], tokenizers: tuple[Tokenizer, Tokenizer], config: Config, folder: Path
    ) -> None:
        self.networks, self.tokenizers, self.config, self.folder = tuple(networks), tokenizers, config, folder
        self.network, self.layout = self.networks[0], _layout(config)
        self.room = room(config.model)  # the most tokens that it can read and write, where its positions or scores bound it
        self.kept = PreparedNetworks()  # for use: what is laid out for it
        for network in self.networks:
            network.eval()

    def stream(  # type: ignore[override]  # says by name what its task takes
        self,
        items: Iterable[Any],
        *,
        beam: int | None = None,
        n_best: int | None = None,
        batch_size: int | None = None,
        attention: bool = True,
        sample: bool | None = None,
        seed: int | None = None,
        decode: Mapping[str, Any] | None = None,
        say: Callable[[str], None] | None = None,
    ) -> Iterator[list[TaskPrediction]]:
        """The n best predictions of each item, in order, while items are still being read.

        items: see `data.python_items.source_of`; an empty text gives an empty prediction.  What is left out is the config's.  batch_size
        changes speed, no prediction.  say: hears of what was wrong with sources, and of answers that came to the bound of their length.
        """
        asked = {"beam": beam, "n_best": n_best, "batch_size": batch_size, "sample": sample, "seed": seed}
        settings = decided(self.config, decode, **asked).decode
        each, found = map(self._source, items), Counter[str]()
        while chunk := taken(each, ahead(settings)):
            answers = self._answers(chunk, settings, attention)
            found.update(remarkable(chunk, answers, self.config))
            yield from answers
        for note in told(found, self.config, self.room.source):
            (say or str)(note)

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
            twins = self.tokenizers[0].twins(self.tokenizers[1])
            networks += [reordered(network, source, target, twins) for network in other.networks]
        return Transducer(networks, self.tokenizers, self.config, self.folder)

    def inputs(self, file: str, say: Say | None = None) -> Iterator[Item]:
        """A name such as .tsv, .csv or .jsonl says how the file is read; any other is read as the training data was: after two
        line-aligned files, a line is a source (`another`)."""
        return read_inputs(file, layout_for([file], self.config, inputs=True), say)

    def line(self, text: str) -> Item:
        return single(text, self.layout)

    def pairs(self, files: Sequence[str]) -> Iterator[Item]:
        return unspoilt(each_pair(files, layout_for(files, self.config)))

    def pair(self, text: str) -> Item:
        return pair_of(text, self.layout)

    def scores(self, items: Iterable[Any], *, batch_size: int | None = None) -> Iterator[Scored]:
        return scores(self, items, batch_size)

    def evaluate(  # type: ignore[override]  # likewise
        self,
        files: Sequence[str],
        *,
        beam: int | None = None,
        batch_size: int | None = None,
        errors: Path | None = None,
        tokenize: str | None = None,
        train: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Figures on files of sources and targets, see `evaluation.evaluate`."""
        how = tokenize or "auto"
        return evaluate(self, files, beam=beam, batch_size=batch_size, errors=errors, tokenize=how, train=train)

    def target_tokens(self, text: str) -> list[str]:
        """A target text in tokens, without the end mark: what `per` counts."""
        return self.tokenizers[1].pieces(text)

    def source_ids(self, item: Any) -> tuple[int, ...]:
        """An item's source in tokens, as the network reads it."""
        return self._source(item).ids

    def in_tokens(self, items: Sequence[tuple[Any, str]]) -> list[tuple[Sequence[int], Sequence[int]]]:
        """Items and what is right of each, in tokens, as the network reads and is judged by them."""
        sources, writer = [self._source(item) for item, _ in items], self.tokenizers[1]
        targets = writer.encode_all([text for _, text in items])
        if self.copies:
            each = zip(sources, items, targets, strict=True)
            targets = [pointed(self.tokenizers, text, ids, s.symbols, s.ids) for s, (_, text), ids in each]
        return [(source.ids, target) for source, target in zip(sources, targets, strict=True)]

    def _source(self, item: Any) -> Source:
        given = source_of(item, self.layout)
        features, text = given.features, self.layout.clean(given.source) if given.source.strip() else ""
        ids = self.tokenizers[0].encode(text, features) if text else []
        longest = self.room.source
        cut = longest is not None and len(ids) > longest
        ids = [*ids[: longest - 1], EOS] if cut and longest else ids
        if not ids or not self.copies:
            return Source(text, features, tuple(ids), cut)
        symbols = tuple(self.tokenizers[0].symbols(text, features))
        return Source(text, features, tuple(numbered(self.tokenizers, symbols, ids)), cut, symbols)

    @property
    def copies(self) -> bool:
        """Whether it can say words that it was never taught."""
        return any(network.head.extends for network in self.networks)

    def _answers(self, sources: Sequence[Source], decode: DecodeSection, attention: bool) -> NBest:
        found = [[TaskPrediction("", 0.0, source=s.text, features=s.features)] for s in sources]
        real = [i for i, s in enumerate(sources) if s.ids]
        limits = Limits(decode.min_length, decode.max_ratio, decode.max_extra, self.room.target)
        together = min(len(real), decode.batch_size) * max(decode.n_best, 1 if decode.sample else decode.beam)
        networks = [self.kept.in_use(network, together) for network in self.networks]
        for rows in Batches.sequential([len(sources[i].ids) for i in real], rows=decode.batch_size):
            places = [real[row] for row in rows]
            batch = collate([(sources[i].ids, None) for i in places], places)
            answers = answer(networks, batch, way=way_of(decode), limits=limits, attention=attention)
            most = limits.most(batch.source_valid.sum(1)).tolist()
            for i, bound, hypotheses in zip(places, most, answers, strict=True):
                found[i] = [self._prediction(sources[i], h, ended=len(h.words) <= bound) for h in hypotheses]
        return found

    def _prediction(self, source: Source, found: Hypothesis, *, ended: bool) -> TaskPrediction:
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


def opened(config: Config, run: Path, *, precision: Precision) -> Transducer:
    """The model of a run folder whose config was read."""
    reader, writer = Tokenizer.load(run / SOURCE_TOKENIZER), Tokenizer.load(run / TARGET_TOKENIZER)
    task = build_seq2seq(config, source_words=len(reader), target_words=len(writer), twins=reader.twins(writer))
    load_network(task, run / MODEL)
    return Transducer([quantize(task.network) if precision == "int8" else task.network], (reader, writer), config, run)


def way_of(decode: DecodeSection) -> Beam | Sample:
    """How answers are sought."""
    if decode.sample:
        return Sample(decode.n_best, decode.seed, decode.temperature, decode.top_k, decode.top_p)
    return Beam(decode.beam, decode.n_best, decode.length_penalty)


def _cleaning(config: Config) -> tuple[str, bool]:
    return config.data.unicode, config.data.lowercase
