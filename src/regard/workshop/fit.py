"""From a config to a run folder: read, tokenise, build, train, keep."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from regard.data.batches import Batch, Batches, collate
from regard.data.corpus import Corpus
from regard.data.files import fingerprint
from regard.data.formats import read_pairs
from regard.data.items import Group, Item, group, overlap, split
from regard.data.lengths import LengthLimit
from regard.data.tokenize import Tokenizer
from regard.ground.errors import ConfigError, DataError, RunFolderError, message
from regard.tasks.transduce import Transduce
from regard.workshop import build, files
from regard.workshop.card import write_card
from regard.workshop.checkpoint import Checkpoints
from regard.workshop.config import Config, load_config
from regard.workshop.evaluate import judged, layout_of
from regard.workshop.model import CONFIG, SOURCE_TOKENIZER, TARGET_TOKENIZER, Model
from regard.workshop.train import Outcome, Validation, fit
from regard.workshop.trust import named

CORPUS = "corpus"  # in the run folder: the training data in tokens, made again at each start
SMALL = 8  # symbols of a vocabulary, to see whether a net can be built
CHUNK = 2000  # pairs that are tokenised at a time
Say = Callable[[str], None]


@dataclass(frozen=True)
class Run:
    """A finished training.  metrics: the validation figures of the model that was kept."""

    folder: Path
    metrics: dict[str, float | None]
    outcome: Outcome


@dataclass(frozen=True)
class Prepared:
    """Data ready for training: pairs to learn from, groups to judge by, and what is known of their files."""

    train: list[Item]
    valid: list[Group]
    fingerprint: dict[str, str]


def train(config: Config, out: str | Path, *, resume: bool = False, say: Say | None = None) -> Run:
    """Train what the config says into the run folder `out`; classes that it names are imported, for whoever trains trusts his config.

    resume: go on with the run that lies there, or begin where none does.  say: hears of data and progress; None: stderr.
    Raises ConfigError, DataError, RunFolderError (also where the run to go on with had another config or other data), RegardError
    where the disk is full, and Interrupted on SIGINT and SIGTERM, with a checkpoint made.
    """
    folder, say = Path(out), say or _to_stderr
    _claim(folder, config, resume)
    for word, key in ((n.word, n.key) for n in named(config)):
        say(f"note: {key} names {word}, code that is not Regard's; it is imported.")
    build.task(config, source_words=SMALL, target_words=SMALL)  # what cannot be built is refused before anything is read
    data = prepare(config, say)
    with files.explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    files.write_text(folder / CONFIG, config.to_yaml())
    tokenizers = _tokenizers(config, data.train, folder)
    limit = LengthLimit(config.data.max_source_length, config.data.max_target_length, config.data.on_long)
    corpus = Corpus.write(folder / CORPUS, _encoded(data.train, tokenizers, limit))
    if limit.long:
        say(f"note: {limit}")
    if not len(corpus):
        raise DataError(message("training data", "pairs that are not too long", "none left", "Raise data.max_source_length."))
    torch.manual_seed(config.train.seed)
    reader, writer = tokenizers
    task = build.task(config, source_words=len(reader), target_words=len(writer), twins=reader.twins(writer))
    say(_sizes(task, tokenizers, corpus, data.valid))
    model = Model([task.network], tokenizers, config, folder)
    outcome = fit(
        task,
        loss=task.loss,
        batch=lambda rows: _batch(corpus, rows),
        batches=Batches(corpus.source_lengths, corpus.target_lengths, tokens=config.train.batch_tokens, seed=config.train.seed),
        validate=lambda: _validation(model, data.valid),
        settings=config.train,
        folder=folder,
        fingerprint={**data.fingerprint, "config": config.model_dump(mode="json")},
        resume=resume,
        say=say,
    )
    write_card(folder, config, outcome, sizes=_sizes(task, tokenizers, corpus, data.valid))
    return Run(folder, outcome.best, outcome)


def prepare(config: Config, say: Say) -> Prepared:
    """Read the files of a config, set validation data aside where none is named, and say what was found."""
    data, layout = config.data, layout_of(config)
    if not data.train:
        raise ConfigError(
            message("data.train", "a file to train on", "none", "Name one: --train FILE, or data.train in the config.")
        )
    pairs, report = read_pairs(data.train, layout, on_bad_line=data.on_bad_line)
    say(f"train: {report}")
    if data.valid:
        held, report = read_pairs(data.valid, layout, on_bad_line=data.on_bad_line)
        say(f"valid: {report}")
        columns = layout.resolved(data.valid).format != "lines"
        if shared := overlap(pairs, held):
            say(f"note: {shared:,} of {len(held):,} validation items have a source that is in the training data too.")
    else:
        pairs, held = split(pairs, data.valid_share, config.train.seed)
        say(
            f"valid: {len(held):,} items set aside (data.valid_share: {data.valid_share}), none of their sources left in training."
        )
        columns = layout.resolved(data.train).format != "lines"
    groups = group(held) if columns else [Group.of(item) for item in held]
    return Prepared(pairs, groups, fingerprint([*data.train, *data.valid]))


def _claim(folder: Path, config: Config, resume: bool) -> None:
    """Refuse a folder that holds something else, before anything is read or written."""
    if not folder.exists():
        return
    if not folder.is_dir() or (not resume and any(folder.iterdir())):
        do = "Choose another --out, or go on with the run that lies there: --resume."
        raise RunFolderError(message(f"{folder}", "a new or empty folder", "something that exists", do))
    if resume and (folder / CONFIG).is_file():
        changed = load_config(folder / CONFIG, []).difference(config)
        if changed:
            listed = "".join(f"\n  {line}" for line in changed) + "\n"
            do = "Resume with the config of the run (leave the config out), or train into another folder."
            raise RunFolderError(message(f"{folder}", "the config that the run began with", listed, do))


def _tokenizers(config: Config, items: Sequence[Item], folder: Path) -> tuple[Tokenizer, Tokenizer]:
    """Learn the vocabularies from the training data; a run that goes on keeps its own."""
    paths = folder / SOURCE_TOKENIZER, folder / TARGET_TOKENIZER
    if Checkpoints(folder, fingerprint={}).newest() is not None:
        return Tokenizer.load(paths[0]), Tokenizer.load(paths[1])
    features = [symbol for item in items for symbol in item.features]
    sources, targets = [item.source for item in items], [str(item.target) for item in items]
    if config.data.joint:
        both = Tokenizer.train(config.data.source_tokenizer, sources + targets, features=features)
        made = both, both
    else:
        made = (
            Tokenizer.train(config.data.source_tokenizer, sources, features=features),
            Tokenizer.train(config.data.target_tokenizer, targets),
        )
    for tokenizer, path in zip(made, paths, strict=True):
        tokenizer.save(path)
    return made


def _encoded(
    items: Sequence[Item], tokenizers: tuple[Tokenizer, Tokenizer], limit: LengthLimit
) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
    """The pairs in tokens, some at a time, so that the whole never lies in memory; what is too long is treated as `limit` says."""
    for start in range(0, len(items), CHUNK):
        part = items[start : start + CHUNK]
        sources = tokenizers[0].encode_all([item.source for item in part], [item.features for item in part])
        targets = tokenizers[1].encode_all([str(item.target) for item in part])
        for item, source, target in zip(part, sources, targets, strict=True):
            if (kept := limit.keep((source, target), item.place)) is not None:
                yield kept


def _batch(corpus: Corpus, rows: Sequence[int]) -> Batch:
    return collate([corpus[i] for i in rows], rows)


def _validation(model: Model, groups: Sequence[Group]) -> Validation:
    """Figures of the model as it stands, and some predictions to show."""
    settings, model_decode = model.config.train, model.config.decode
    wanted = {"exact", "per", settings.metric}
    found, figures = judged(model, groups, metrics=sorted(wanted), beam=model_decode.valid_beam)
    shown = [
        f"  {g.source} {';'.join(g.features)}".rstrip()
        + f"  →  {p.text}"
        + ("" if p.text in g.references else f"   (≠ {g.references[0]})")
        for g, p in list(zip(groups, found, strict=True))[: settings.samples]
    ]
    return Validation(figures["metrics"], shown)


def _sizes(task: Transduce, tokenizers: tuple[Tokenizer, Tokenizer], corpus: Corpus, valid: Sequence[Any]) -> str:
    count = sum(p.numel() for p in task.parameters())
    words = f"{len(tokenizers[0]):,} source and {len(tokenizers[1]):,} target symbols"
    return f"{count:,} parameters; {words}; {len(corpus):,} training pairs, {len(valid):,} validation items"


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
