"""Captioning, the training side: images, or features of them, and what is said of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from regard.config import Config
from regard.core.errors import DataError, message
from regard.core.plural import many
from regard.core.say import Say
from regard.data.batching import Batches
from regard.data.examples import Item, overlap, split
from regard.data.length_limit import LengthLimit
from regard.data.report import gather
from regard.data.row_parser import RecordError
from regard.data.tokenizer import Tokenizer
from regard.inference.array_writer import ArrayWriter
from regard.inference.int8 import quantize
from regard.pretrained.start_from_run import grow
from regard.tasks.base import Precision, Splits
from regard.tasks.caption.builder import captioner
from regard.tasks.caption.data import CaptionedImage, merged, read_captioned
from regard.tasks.caption.grid import GRID, Grid, grid_of, load_grid, save_grid
from regard.tasks.caption.predictor import WORDS, Captioner
from regard.tasks.caption.section import CaptionSection
from regard.tasks.data_sizes import beyond_the_bound
from regard.tasks.layouts import layout_of
from regard.tasks.options import EvaluationOptions
from regard.tasks.splits import SplitTask, shared_note
from regard.training.checkpoint import MODEL, load_network
from regard.training.setup import TrainingSetup
from regard.training.validation import Validation

SMALL = Grid(2, 2, 3)  # to see whether a net can be built
WHAT = "images with captions"


@dataclass(frozen=True)
class EncodedCaption:
    """An image, one of its captions in tokens, and the image's place in the list of items."""

    words: Sequence[int]
    item: int


class CaptionTask(SplitTask):
    """Images to captions.  Items are images, each with all of its captions."""

    def probe(self, config: Config) -> None:
        captioner(config, SMALL, 8)

    def read(self, config: Config, say: Say) -> Splits:
        found = super().read(config, say)
        return replace(found, fingerprint={**found.fingerprint, "images": _mark([*found.train, *found.valid])})

    def read_items(self, config: Config, files: Sequence[str], report: Say) -> list[CaptionedImage]:
        found, read_ = gather(read(files, config), files, what=WHAT, on_bad_line=config.data.on_bad_line)
        items = merged(found)
        report(f"{read_} {many(len(items), 'image')}.")
        return items

    def overlap_note(self, train: Sequence[CaptionedImage], valid: Sequence[CaptionedImage]) -> str:
        return shared_note(overlap(_named(train), _named(valid)), len(valid), "images are")

    def set_aside(self, items: Sequence[Any], config: Config) -> tuple[list[Any], list[Any]]:
        return split(items, config.data.valid_share, config.train.seed)

    def aside(self, valid: Sequence[CaptionedImage]) -> tuple[str, str]:
        return many(len(valid), "image"), ""

    def ready(self, config: Config, data: Splits, folder: Path, say: Say, *, fresh: bool) -> TrainingSetup:
        items: list[CaptionedImage] = list(data.train)
        if fresh:
            save_grid(folder / GRID, grid_of(config, items[0]))
            texts = [text for item in items for text in item.captions]
            Tokenizer.train(config.data.target_tokenizer, texts).save(folder / WORDS)
            if config.train.begin:
                grow(folder, Path(config.train.begin), say)
        words, grid = Tokenizer.load(folder / WORDS), load_grid(folder / GRID)
        told = _told(config, items, words, say)
        task = captioner(config, grid, len(words))
        network = ArrayWriter(task.network)
        model = Captioner([network], words, grid, config, folder)
        for item in (*items[:1], *data.valid):
            model.cells(item)  # what does not fit is named before training begins
        lengths = np.array([len(one.words) for one in told])
        if cut := beyond_the_bound(config.decode, np.full_like(lengths, grid.rows * grid.columns), lengths):
            say(cut)
        return TrainingSetup(
            task,
            batch=lambda rows: model.collate([items[told[i].item] for i in rows], rows, [told[i].words for i in rows]),
            batches=Batches(lengths, lengths, tokens=config.train.batch_tokens, seed=config.train.seed),
            validate=lambda: _validation(model, data.valid, network),
            sizes=f"{sum(p.numel() for p in task.parameters()):,} parameters; {grid.rows} x {grid.columns} cells; "
            f"{many(len(words), 'word')}; {many(len(items), 'training image')} with {many(len(told), 'caption')}, "
            f"{many(len(data.valid), 'validation image')}",
        )

    def open(self, config: Config, folder: Path, *, precision: Precision) -> Captioner:
        words, grid = Tokenizer.load(folder / WORDS), load_grid(folder / GRID)
        task = captioner(config, grid, len(words))
        load_network(task, folder / MODEL)
        network = ArrayWriter(quantize(task.network) if precision == "int8" else task.network)
        return Captioner([network], words, grid, config, folder)


def read(files: Sequence[str], config: Config) -> Iterator[CaptionedImage | RecordError]:
    """The images of files, with their captions."""
    return read_captioned(files, layout_of(config), folder=CaptionSection.of(config).images)


def _told(config: Config, items: Sequence[CaptionedImage], words: Tokenizer, say: Say) -> list[EncodedCaption]:
    """Each caption of each image, in tokens; what is too long is treated as `data.on_long` says."""
    limit, told = LengthLimit(2, config.data.max_target_length, config.data.on_long), list[EncodedCaption]()
    for i, item in enumerate(items):
        for ids in words.encode_all(item.captions):
            if (kept := limit.keep(((), ids), item.place)) is not None:
                told.append(EncodedCaption(kept[1], i))
    if limit.long:
        say(f"note: {limit}")
    if not told:
        raise DataError(message("training data", "captions that are not too long", "none left", "Raise data.max_target_length."))
    return told


def _named(items: Sequence[CaptionedImage]) -> list[Item]:
    """Images are the same where their pixels are, whatever their names."""
    return [Item(hashlib.sha256(_bytes(item)).hexdigest(), None, (), item.place) for item in items]


def _bytes(item: CaptionedImage) -> bytes:
    assert item.seen is not None  # what is trained on can be seen
    return item.seen.tobytes()


def _mark(items: Sequence[CaptionedImage]) -> str:
    """What the images of a run are: another pixel is another run."""
    made = hashlib.sha256()
    for item in items:
        made.update(_bytes(item))
    return made.hexdigest()


def _validation(model: Captioner, items: Sequence[CaptionedImage], network: ArrayWriter) -> Validation:
    """Figures of the model as it stands, and some captions to show."""
    found, figures = model.judged(items, EvaluationOptions(beam=model.config.decode.valid_beam))
    network.let_go()  # training changes every weight next
    shown = [
        f"  {item.source}  →  {p.text}" + ("" if p.text in map(model.words.fold, item.captions) else f"   (≠ {item.captions[0]})")
        for item, p in list(zip(items, found, strict=True))[: model.config.train.samples]
    ]
    return Validation(figures["metrics"], shown)
