"""Pre-training, the training side: plain text, of which words are masked and neighbours told from strangers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from regard.build.bert import make_bert, make_masked_words
from regard.config import Config
from regard.core.errors import ConfigError, DataError, message
from regard.core.plural import many
from regard.core.say import Say
from regard.data.batching import Batches
from regard.data.examples import split
from regard.data.text_files import show_file
from regard.data.wordpiece import MASK, WordPieces, parse_kind
from regard.inference.int8 import quantize
from regard.networks.bert import BertShape, draw
from regard.pretrained import huggingface, start_from_bert
from regard.pretrained.huggingface import FOLDER, NEXT, WORDS, Heads
from regard.tasks.base import Precision, Splits
from regard.tasks.pretrain.documents import BLOCK, Document, blocks, read_documents
from regard.tasks.pretrain.network import PretrainNetwork
from regard.tasks.pretrain.predictor import MaskedLMPredictor, draw_examples
from regard.tasks.pretrain.section import PretrainSection
from regard.tasks.splits import SplitTask
from regard.training.checkpoint import MODEL, load_network
from regard.training.setup import TrainingSetup

ARCHITECTURES = {
    (True, True): "BertForPreTraining",
    (True, False): "BertForMaskedLM",
    (False, True): "BertForNextSentencePrediction",
}
KEY = "pretrain.vocabulary"
LEFT_TO_RIGHT = "BertLMHeadModel"
SPREAD = 0.02 * math.sqrt(768)  # of first weights, times the root of the width: 0.02 in the paper's net, which is 768 wide


class PretrainTask(SplitTask):
    def probe(self, config: Config) -> None:
        parse_kind(PretrainSection.of(config).vocabulary, KEY)
        make_bert(_shape(config, words=8))

    def read_items(self, config: Config, files: Sequence[str], report: Say) -> list[Document]:
        found = list(read_documents(files))
        if not found:
            do = "Give a file with text: a line a sentence or a paragraph, a blank line between documents."
            raise DataError(message(" + ".join(show_file(file) for file in files), "text", "none", do))
        report(f"{many(len(found), 'document')}, {many(sum(len(d.lines) for d in found), 'line')}")
        return found

    def set_aside(self, items: Sequence[Document], config: Config) -> tuple[list[Any], list[Any]]:
        """A few lines that follow each other go the same way."""
        every: Any = [block for document in items for block in blocks(document)]
        if len({block.source for block in every}) < 2:
            expected = f"more than {BLOCK} lines, or two documents, to set a part aside (data.valid_share)"
            do = "Give more text, or a validation file (data.valid)."
            raise DataError(message(items[0].place.file, expected, many(len(every[0].lines), "line"), do))
        return split(every, config.data.valid_share, config.train.seed)

    def aside(self, valid: Sequence[Document]) -> tuple[str, str]:
        return many(sum(len(part.lines) for part in valid), "line"), ""

    def validation_items(self, config: Config) -> list[str]:
        """Lines with a word masked, the middle one."""
        words = [line.split() for document in super().validation_items(config) for line in document.lines]
        return [" ".join([*w[: len(w) // 2], MASK, *w[len(w) // 2 + 1 :]]) for w in words]

    def ready(self, config: Config, data: Splits, folder: Path, say: Say, *, fresh: bool) -> TrainingSetup:
        if fresh:
            self.learn(config, data.train, folder)
        model = self.model(config, folder)
        task, pieces = model.task, model.pieces
        if fresh:
            start_from_bert.warm(task, config, say, heads=heads(task))
        examples = draw_examples(list(data.train), pieces, config)
        read = f"{sum(p.size for p in examples.passages):,} of them in {many(len(examples), 'passage')} to train on"
        say(f"{len(pieces):,} pieces; {read}")
        judged = model.examples(data.valid)
        batches = Batches(examples.sizes, examples.sizes, tokens=config.train.batch_tokens, seed=config.train.seed)
        count = len(examples)
        return TrainingSetup(
            task,
            batch=lambda rows: model.collate([model.encode(examples.draw(*divmod(row, count))) for row in rows], rows),
            batches=RedrawnBatches(batches, count),
            validate=lambda: model.validation(judged),
            sizes=f"{sum(p.numel() for p in task.parameters()):,} parameters; {many(count, 'training passage')}, "
            f"{many(len(judged), 'validation passage')}",
            finish=lambda: export(model, folder / FOLDER),
        )

    def learn(self, config: Config, documents: Any, folder: Path) -> None:
        """The vocabulary, or that of the BERT that the run begins with, and the shape."""
        if config.model.pretrained is not None:
            start_from_bert.adopt(config, folder)
            return
        texts = (line for document in documents for line in document.lines)
        pieces = WordPieces.learn(PretrainSection.of(config).vocabulary, texts, lower=config.data.lowercase, key=KEY)
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
        huggingface.write_shape(folder / FOLDER, _shape(config, len(pieces)), pieces, architecture=_architecture(config))

    def model(self, config: Config, folder: Path) -> MaskedLMPredictor:
        made = MaskedLMPredictor(config, folder, None)
        _fits(made.bert, config)
        bert = make_bert(made.bert)
        follows = nn.Linear(bert.shape.size, 2) if PretrainSection.of(config).next else None
        task = PretrainNetwork(bert, make_masked_words(bert) if made.tells_words else None, follows)
        draw(task, spread=SPREAD / math.sqrt(bert.shape.size))
        made.network = task.eval()
        return made

    def open(self, config: Config, folder: Path, *, precision: Precision) -> MaskedLMPredictor:
        model = self.model(config, folder)
        load_network(model.task, folder / MODEL)
        if precision == "int8":
            quantize(model.task)
        return model


class RedrawnBatches:
    """Batches whose row numbers tell the epoch too, so that each epoch draws its own examples: epoch x count + row."""

    def __init__(self, batches: Batches, count: int) -> None:
        self.batches, self.count = batches, count

    def epoch(self, epoch: int) -> Sequence[list[int]]:
        return [[epoch * self.count + row for row in rows] for rows in self.batches.epoch(epoch)]


def export(model: MaskedLMPredictor, folder: Path) -> None:
    """Write a pre-trained model as Hugging Face lays a BERT out."""
    architecture = _architecture(model.config)
    huggingface.write(folder, model.task.reader, model.pieces, heads(model.task), architecture=architecture)


def heads(task: PretrainNetwork) -> Heads:
    """The heads of a task by Hugging Face's names."""
    return {name: head for name, head in ((WORDS, task.words), (NEXT, task.follows)) if head is not None}


def _shape(config: Config, words: int) -> BertShape:
    m, wanted = config.model, PretrainSection.of(config)
    return BertShape(
        words,
        size=m.size,
        layers=m.encoder_layers,
        heads=m.heads,
        feedforward=m.feedforward,
        positions=wanted.length,
        dropout=m.dropout,
        causal=wanted.manner == "left-to-right",
    )


def _fits(shape: BertShape, config: Config) -> None:
    """ConfigError where a BERT that the run begins with cannot do what the section asks for: it brings its own shape."""
    wanted, begun = PretrainSection.of(config), f"{config.model.pretrained} was made for"
    manner = "left-to-right" if shape.causal else "masked"
    if wanted.manner != manner:
        do = f"Write pretrain.manner={manner}."
        raise ConfigError(message("pretrain.manner", f"{manner}, which {begun}", wanted.manner, do))
    if wanted.length > shape.positions:
        do = f"Write pretrain.length={shape.positions}."
        raise ConfigError(message("pretrain.length", f"at most {shape.positions} pieces, which {begun}", f"{wanted.length}", do))
    if wanted.next and shape.segments < 2:
        do = "Write pretrain.next=false."
        raise ConfigError(message("pretrain.next", f"false with {shape.segments} text at a time, which {begun}", "true", do))


def _architecture(config: Config) -> str:
    wanted = PretrainSection.of(config)
    if wanted.manner == "left-to-right":
        return LEFT_TO_RIGHT
    return ARCHITECTURES[wanted.masked, wanted.next]
