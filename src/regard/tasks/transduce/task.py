"""Transduction, the training side: files of pairs, two vocabularies, an encoder-decoder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from regard.config import Config
from regard.core.errors import DataError, message
from regard.core.plural import many
from regard.core.say import Say
from regard.data.batching import Batch, Batches, collate
from regard.data.examples import Group, Item, group, overlap
from regard.data.guided_links import GuidedLinks
from regard.data.pairs import Pairs, read_pairs
from regard.data.text_files import fingerprint
from regard.data.token_store import Corpus
from regard.data.tokenizer import Tokenizer
from regard.data.validation_share import HeldOutSources, TrainingSources
from regard.inference.array_writer import ArrayWriter
from regard.inference.int8 import quantize
from regard.pretrained.start_from_run import grow
from regard.tasks.base import Precision, Splits, Task
from regard.tasks.data_sizes import beyond_the_bound, fit_to_pairs
from regard.tasks.layouts import layout_for, layout_of
from regard.tasks.mixtures import mix
from regard.tasks.options import EvaluationOptions
from regard.tasks.seq2seq import Seq2SeqNetwork
from regard.tasks.seq2seq_builder import build_seq2seq
from regard.tasks.splits import APART, refuse_no_file, set_aside_line, shared_note
from regard.tasks.transduce.evaluation import judge_predictions, writable
from regard.tasks.transduce.predictor import SOURCE_TOKENIZER, TARGET_TOKENIZER, Transducer
from regard.tasks.transduce.stored_pairs import store_pairs
from regard.training.auto_values import EvenSample
from regard.training.checkpoint import MODEL, load_network
from regard.training.setup import TrainingSetup
from regard.training.validation import Validation

SMALL = 8  # symbols of a vocabulary, to see whether a net can be built


class TransduceTask(Task):
    """Sequences to sequences.  Items to learn from are pairs, items to judge by groups of a source with all its references."""

    def probe(self, config: Config) -> None:
        build_seq2seq(config, source_words=SMALL, target_words=SMALL)

    def read(self, config: Config, say: Say) -> Splits:
        refuse_no_file(config)
        data, layout = config.data, layout_of(config)
        pairs: Iterable[Item] = (train := Pairs(data.train, layout, on_bad_line=data.on_bad_line))
        sample = EvenSample[Item]()
        if data.valid:
            held, report = read_pairs(data.valid, layout_for(data.valid, config), on_bad_line=data.on_bad_line)
            shared = overlap(sample.watch(pairs), held)  # reads the training files once, whole
            notes = [f"valid: {report}", shared_note(shared, len(held))]
            columns = layout_for(data.valid, config).resolved(data.valid).format != "lines"
        else:
            pairs, held = _set_aside(train, config, sample)
            notes = [set_aside_line(config, many(len(held), "item"), APART)]
            columns = layout.resolved(data.train).format != "lines"
        for note in [f"train: {train.report}", *filter(None, notes)]:
            say(note)
        groups = group(held) if columns else [Group.of(item) for item in held]
        guide = [config.train.guided_alignment] if config.train.guided_alignment else []
        return Splits(pairs, groups, fingerprint([*data.train, *data.valid, *guide]), sample)

    def validation_items(self, config: Config) -> list[Item]:
        data = config.data
        if data.valid:
            return read_pairs(data.valid, layout_for(data.valid, config), on_bad_line=data.on_bad_line)[0]
        return _set_aside(Pairs(data.train, layout_of(config), on_bad_line=data.on_bad_line), config, EvenSample())[1]

    def fit(self, config: Config, data: Splits) -> tuple[Config, str]:
        assert data.sample is not None  # `read` took it
        return fit_to_pairs(config, data.sample)

    def ready(self, config: Config, data: Splits, folder: Path, say: Say, *, fresh: bool) -> TrainingSetup:
        tokenizers = _tokenizers(config, data.train, folder, say, fresh=fresh)
        stored = store_pairs(config, data, tokenizers, folder, say)
        corpus = stored.corpus
        if stored.limit.over:
            say(f"note: {stored.limit}")
        if not len(corpus):
            raise DataError(message("training data", "pairs that are not too long", "none left", "Raise data.max_source_length."))
        if cut := beyond_the_bound(config.decode, corpus.source_lengths, corpus.target_lengths):
            say(cut)
        reader, writer = tokenizers
        task = build_seq2seq(config, source_words=len(reader), target_words=len(writer), twins=reader.twins(writer))
        network = ArrayWriter(task.network)
        model = Transducer([network], tokenizers, config, folder)
        held = writable(data.valid, writer)
        return TrainingSetup(
            task,
            batch=lambda rows: _batch(corpus, rows, stored.guide),
            batches=Batches(
                corpus.source_lengths,
                corpus.target_lengths,
                tokens=config.train.batch_tokens,
                seed=config.train.seed,
                mixture=mix(config, stored.sources, say),
            ),
            validate=lambda: _validation(model, held, network),
            sizes=_sizes(task, tokenizers, corpus, data.valid),
            moved=_moved(config, reader),
        )

    def open(self, config: Config, folder: Path, *, precision: Precision) -> Transducer:
        return open_transducer(config, folder, precision=precision)


def open_transducer(config: Config, run: Path, *, precision: Precision) -> Transducer:
    """The model of a run folder whose config was read."""
    reader, writer = Tokenizer.load(run / SOURCE_TOKENIZER), Tokenizer.load(run / TARGET_TOKENIZER)
    task = build_seq2seq(config, source_words=len(reader), target_words=len(writer), twins=reader.twins(writer))
    load_network(task, run / MODEL)
    network = ArrayWriter(quantize(task.network) if precision == "int8" else task.network)
    return Transducer([network], (reader, writer), config, run)


def _set_aside(items: Pairs, config: Config, sample: EvenSample[Item]) -> tuple[TrainingSources, list[Item]]:
    """Items to train on, which are read again each time, and a share to validate.  sample: of the former."""
    train = TrainingSources(
        items, HeldOutSources.draw((item.source for item in items), config.data.valid_share, config.train.seed)
    )
    held: list[Item] = []
    sample.see_all(train.split_off(held))
    return train, held


def _tokenizers(config: Config, items: Iterable[Item], folder: Path, say: Say, *, fresh: bool) -> tuple[Tokenizer, Tokenizer]:
    """Learn the vocabularies from the training data; a run that goes on keeps its own."""
    paths = folder / SOURCE_TOKENIZER, folder / TARGET_TOKENIZER
    if not fresh:
        return Tokenizer.load(paths[0]), Tokenizer.load(paths[1])
    data = config.data
    # Without a column of features there are none, and the files are read once less.
    features = (symbol for item in items for symbol in item.features) if data.features is not None else ()
    sources, targets = (item.source for item in items), (str(item.target) for item in items)
    if data.joint:
        both = Tokenizer.train(data.source_tokenizer, chain(sources, targets), features=features)
        made = both, both
    else:
        reader = Tokenizer.train(data.source_tokenizer, sources, features=features)
        made = reader, Tokenizer.train(data.target_tokenizer, targets)
    for tokenizer, path in zip(made, paths, strict=True):
        tokenizer.save(path)
    if config.train.begin:
        grow(folder, Path(config.train.begin), say)
        return Tokenizer.load(paths[0]), Tokenizer.load(paths[1])
    return made


def _batch(corpus: Corpus, rows: Sequence[int], guide: GuidedLinks | None) -> Batch:
    batch = collate([corpus[i] for i in rows], rows)
    return batch if guide is None else guide.with_links(batch, rows)


def _moved(config: Config, reader: Tokenizer) -> dict[str, list[int]]:
    """Features are the last symbols, so that each new symbol of text moves them."""
    if not config.train.begin or not reader.features:
        return {}
    path = Path(config.train.begin) / SOURCE_TOKENIZER
    return {"network.source.": reader.places(Tokenizer.load(path))} if path.is_file() else {}


def _validation(model: Transducer, groups: Sequence[Group], network: ArrayWriter) -> Validation:
    """Figures of the model as it stands, and some predictions to show."""
    settings, model_decode = model.config.train, model.config.decode
    wanted = {"exact", "per", settings.metric}
    found, figures = judge_predictions(model, groups, EvaluationOptions(beam=model_decode.valid_beam), metrics=sorted(wanted))
    network.let_go()  # training changes every weight next
    shown = [
        f"  {g.source} {';'.join(g.features)}".rstrip()
        + f"  →  {p.text}"
        + ("" if p.text in g.references else f"   (≠ {g.references[0]})")
        for g, p in list(zip(groups, found, strict=True))[: settings.samples]
    ]
    return Validation(figures["metrics"], shown)


def _sizes(task: Seq2SeqNetwork, tokenizers: tuple[Tokenizer, Tokenizer], corpus: Corpus, valid: Sequence[Any]) -> str:
    count = sum(p.numel() for p in task.parameters())
    sides = zip(("source", "target"), tokenizers, strict=True)
    words = " and ".join(f"{len(t):,} {side} symbols ({t.word})" for side, t in sides)
    return f"{count:,} parameters; {words}; {many(len(corpus), 'training pair')}, {many(len(valid), 'validation item')}"
