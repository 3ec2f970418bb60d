"""A model that says what an image shows, in use."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from regard.core.errors import DataError, RunFolderError, message
from regard.core.say import Say
from regard.core.shared_work import work_through
from regard.data.batching import Batch, Batches, collate
from regard.data.examples import Place
from regard.data.images import read_image, write_png
from regard.data.line_stream import in_chunks
from regard.data.report import gather, refuse_errors
from regard.data.tokenizer import Tokenizer
from regard.decoding.networks import WritingNetwork
from regard.metrics.text_generation import count_items, judge
from regard.tasks.base import AnswerSettings, Hypothesis, NBest, Predictor, Scored, TaskPrediction
from regard.tasks.caption.data import CaptionedImage, merged, read_captioned, read_images
from regard.tasks.caption.grid import GRID, Grid, load_grid, shape_of
from regard.tasks.ensembles import order, renumber
from regard.tasks.generation import Seq2SeqPredictor
from regard.tasks.layouts import layout_of
from regard.tasks.options import ALL_FIGURES, AnswerOptions, EvaluationOptions, apply_decode, describe_limit
from regard.tasks.writing import cross_entropies

if TYPE_CHECKING:
    from jaxtyping import Float

    from regard.config import Config

WORDS = "tokenizer.target.json"  # in the run folder
METRICS = ("exact", "bleu", "chrf")
THUMBNAIL = 128  # pixels of the longer side of the picture that goes with a prediction, at most


class Captioner(Seq2SeqPredictor):
    """A trained captioner, with its words and grid; long because all that knows its images stands together."""

    def __init__(self, networks: Sequence[WritingNetwork], words: Tokenizer, grid: Grid, config: Config, folder: Path) -> None:
        super().__init__(networks, config, folder)
        self.words, self.grid = words, grid

    @classmethod
    def load(cls, config: Config, folder: Path, network: WritingNetwork) -> Captioner:
        """The model of a run folder, but for its network."""
        return cls([network], Tokenizer.load(folder / WORDS), load_grid(folder / GRID), config, folder)

    def make_up(self, by: Random, length: int) -> CaptionedImage:
        """An image of the run's own size."""
        draw, grid = np.random.default_rng(by.randrange(1 << 32)), self.grid
        if grid.patch:
            return _item(draw.integers(0, 256, (grid.rows * grid.patch, grid.columns * grid.patch, 3), dtype=np.uint8))
        return _item(draw.normal(size=(grid.rows, grid.columns, grid.width)).astype(np.float32))

    def prepare(self, item: Any, settings: AnswerSettings) -> CaptionedImage:
        """item: path of an image file, pixels (H, W, 3) of bytes, features (rows, columns, D) of floats, or `CaptionedImage`; an empty
        path gives an empty caption."""
        return _item(item)

    def remarkable(self, sources: Sequence[CaptionedImage], found: NBest) -> Iterator[str]:
        return ("bound" for best in found if best[0].details.get("ended") is False)

    def notes(self, heard: Mapping[str, int]) -> list[str]:
        return [describe_limit(heard["bound"])] if heard["bound"] else []

    def together(self, others: Sequence[Predictor]) -> Captioner:
        networks = list(self.networks)
        for other in others:
            assert isinstance(other, Captioner)
            if other.grid != self.grid:
                expected = f"the grid of {self.folder}"
                raise RunFolderError(message(f"{other.folder}", expected, "another one", "Train them on the same data."))
            words = order(self, self.words, other, other.words, "target")
            networks += [renumber(network, None, words) for network in other.networks]
        return Captioner(networks, self.words, self.grid, self.config, self.folder)

    def inputs(self, file: str, say: Say | None = None) -> Iterator[CaptionedImage]:
        """An image file, an .npz, a table as in training whose captions may be missing, or a text file with a name a line."""
        return read_images(file, layout_of(self.config), folder=self._images)

    def pairs(self, files: Sequence[str]) -> Iterator[CaptionedImage]:
        found = refuse_errors(read_captioned(files, layout_of(self.config), folder=self._images))
        return (replace(item, captions=(caption,)) for item in found for caption in item.captions)

    def scores(self, items: Iterable[CaptionedImage], *, batch_size: int | None = None) -> Iterator[Scored]:
        """Each caption of an image by itself."""
        rows = apply_decode(self.config, options=AnswerOptions(batch_size=batch_size)).decode.batch_size
        for chunk in in_chunks(((item, caption) for item in items for caption in item.captions), rows):
            yield from self._scored(chunk)

    def _scored(self, captions: Sequence[tuple[CaptionedImage, str]]) -> Iterator[Scored]:
        ids = self.words.encode_all([caption for _, caption in captions])
        batch = self.collate([item for item, _ in captions], range(len(captions)), ids)
        found = cross_entropies(self.writer, batch).astype(np.float64)
        costs = np.split(found, np.cumsum([len(target) for target in ids])[:-1])
        for (item, caption), target, each in zip(captions, ids, costs, strict=True):
            log_p, unknown = tuple((-each).tolist()), tuple(self.words.unknown(caption))
            yield Scored(item.source, caption, sum(log_p), tuple(self.words.tokens(target)), log_p, (), unknown)

    def evaluate(
        self, files: Sequence[str], options: EvaluationOptions = ALL_FIGURES, *, errors: Path | None = None
    ) -> dict[str, Any]:
        """Figures on files of images and captions: {"metrics": {...}, "signatures": {...}, "items": n, ...}."""
        if errors is not None:
            do = "Leave it out; regard predict --format jsonl says what was answered."
            raise RunFolderError(message("errors", "a run whose sources are texts", "captions", do))
        found, report = gather(
            read_captioned(files, layout_of(self.config), folder=self._images),
            files,
            what="images with captions",
            on_bad_line=self.config.data.on_bad_line,
        )
        items = merged(found)
        predictions, judged = self.judged(items, options)
        return {
            **judged,
            "bound": sum(p.details.get("ended") is False for p in predictions),  # as long as they may be
            **{"items": len(items), "skipped": len(report.skipped), "files": list(files)},
            **{"beam": options.beam or self.config.decode.beam, "models": len(self.networks)},
        }

    def judged(self, items: Sequence[CaptionedImage], options: EvaluationOptions) -> tuple[list[TaskPrediction], dict[str, Any]]:
        """The best caption of each image, and their figures."""
        found = [p[0] for p in self.stream(items, options.best(), attention=False)]
        references = [tuple(dict.fromkeys(map(self.words.fold, item.captions))) for item in items]
        texts, lower = [p.text for p in found], self.config.data.lowercase
        judgement = judge(texts, references, str.split, metrics=METRICS, bleu_tokenize=options.tokenize, lowercase=lower)
        figures: dict[str, Any] = {"metrics": judgement.metrics | {"loss": self.loss(items)}, "signatures": judgement.signatures}
        if options.by_item:
            figures["by_item"] = count_items(
                texts, references, str.split, METRICS, bleu_tokenize=options.tokenize, lowercase=lower
            )
        return found, figures

    def loss(self, items: Sequence[CaptionedImage]) -> float:
        """The cross-entropy of all captions, in nats a word, the end included."""
        pairs = [(item, ids) for item in items for ids in self.words.encode_all(item.captions)]

        def cost(rows: list[int]) -> tuple[float, int]:
            batch = self.collate([pairs[i][0] for i in rows], rows, [pairs[i][1] for i in rows])
            found = cross_entropies(self.writer, batch)
            return float(found.sum(dtype=np.float64)), len(found)

        nats, tokens = 0.0, 0
        for more, count in work_through(cost, Batches.sequential([len(ids) for _, ids in pairs], rows=64)):
            nats, tokens = nats + more, tokens + count
        return nats / tokens

    def collate(
        self, sources: Sequence[CaptionedImage], rows: Sequence[int], targets: Sequence[Sequence[int]] | None = None
    ) -> Batch:
        """Images side by side, with captions or without."""
        cells = np.stack([self.cells(source) for source in sources])
        valid = np.ones(cells.shape[:2], bool)
        if targets is None:
            return Batch(tuple(rows), cells, valid)
        told = collate([(ids, ids) for ids in targets], rows)
        return Batch(tuple(rows), cells, valid, told.target, told.target_valid)

    def cells(self, item: CaptionedImage) -> Float[np.ndarray, "K P"]:
        """What the network reads of an image.  DataError where it is of another size or kind than those of training."""
        assert item.seen is not None
        found = shape_of(item.seen, self.grid.patch)
        if found != self.grid:
            do = "Give images of one size." if self.grid.patch else "Give features of the same extractor."
            raise DataError(message(f"{item.place}: {item.source}", _said(self.grid), _said(found), do))
        if not self.grid.patch:
            return item.seen.reshape(-1, item.seen.shape[-1])
        side, (rows, columns) = self.grid.patch, self.grid[:2]
        tall, wide = rows * side - item.seen.shape[0], columns * side - item.seen.shape[1]
        whole = np.pad(item.seen, ((0, tall), (0, wide), (0, 0)), mode="edge") if tall or wide else item.seen
        cut = whole.reshape(rows, side, columns, side, 3).swapaxes(1, 2).reshape(rows * columns, -1)
        return cut.astype(np.float32) / np.float32(64) - np.float32(2)  # from -2 to 2: about what a norm would make of it

    @property
    def _images(self) -> str | None:
        return self.config.own.images

    def size(self, source: CaptionedImage) -> int:
        return 0 if source.seen is None else self.grid.cells

    def empty_prediction(self, source: CaptionedImage) -> TaskPrediction:
        return TaskPrediction("", 0.0, source=source.source)

    def written(self, source: CaptionedImage, found: Hypothesis, *, ended: bool, attention: bool) -> TaskPrediction:
        names = tuple(f"{row + 1},{column + 1}" for row in range(self.grid.rows) for column in range(self.grid.columns))
        details: dict[str, Any] = {} if ended else {"ended": False}
        details |= {"grid": [self.grid.rows, self.grid.columns], **thumbnail(source.seen, self.grid)} if attention else {}
        return TaskPrediction(
            self.words.decode(found.words),
            found.score,
            tuple(self.words.tokens(found.words)),
            names,
            found.attention,
            source.source,
            details=details,
        )


def _item(item: Any) -> CaptionedImage:
    """An image in one of the forms that it may have.  DataError for anything else."""
    if isinstance(item, CaptionedImage):
        return item
    if isinstance(item, str | Path):
        path = str(item)
        return CaptionedImage(path, (), read_image(path) if path.strip() else None, Place(path, 1))
    if isinstance(item, np.ndarray) and item.ndim == 3 and (item.dtype == np.uint8 or item.dtype.kind == "f"):
        return CaptionedImage("an array", (), _seen(item), Place("an array", 1))
    received = f"{item.dtype} of shape {item.shape}" if isinstance(item, np.ndarray) else type(item).__name__
    expected = "a path, pixels (H, W, 3) of bytes, or features (rows, columns, D) of floats"
    raise DataError(message("an image to caption", expected, received, "Give one of these."))


def _seen(item: np.ndarray) -> np.ndarray:
    """Pixels in three colours, or features in float32.  DataError where they are no such numbers."""
    if item.dtype != np.uint8:
        with np.errstate(over="ignore"):
            seen = item.astype(np.float32)
        if not np.isfinite(seen).all():
            raise DataError(message("an image to caption", "finite numbers", "inf or nan", "Correct the features."))
        return seen
    colours = item.shape[2]
    if colours not in (1, 3, 4):
        do = "Give grey, red, green and blue, or those and a transparency, which is dropped."
        raise DataError(message("an image to caption", "pixels (H, W, 3) of bytes", f"shape {item.shape}", do))
    return np.repeat(item, 3, 2) if colours == 1 else item[:, :, :3]


def thumbnail(seen: np.ndarray | None, grid: Grid) -> dict[str, Any]:
    """The picture to lay attention over, as a PNG in base64; `extent`: which share of the grid it fills, where it was filled up."""
    if seen is None or not grid.patch:
        return {}
    step = -(-max(seen.shape[:2]) // THUMBNAIL)
    extent = [round(seen.shape[0] / (grid.rows * grid.patch), 6), round(seen.shape[1] / (grid.columns * grid.patch), 6)]
    return {"image": base64.b64encode(write_png(seen[::step, ::step])).decode("ascii"), "extent": extent}


def _said(grid: Grid) -> str:
    cells = f"{grid.rows} x {grid.columns} cells"
    return f"an image of {cells} of {grid.patch} pixels" if grid.patch else f"features of {cells} of {grid.width} numbers"
