"""Language models, the training side: plain text in, windows of it, and what follows each word."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from regard.config import Config
from regard.core.errors import DataError, message
from regard.core.plural import many
from regard.core.say import Say
from regard.data.examples import Item
from regard.data.plain_text import PlainText, read_plain, set_aside
from regard.data.report import gather
from regard.inference.int8 import quantize
from regard.pretrained.start_from_run import grow
from regard.pretrained.text_vocabulary import TextVocabulary
from regard.tasks.base import Precision, Splits
from regard.tasks.language import builder
from regard.tasks.language.network import ArrayLanguageModel, LanguageNetwork
from regard.tasks.language.predictor import TextGenerator
from regard.tasks.language.section import LanguageSection
from regard.tasks.language.windows import TokenWindows, carries
from regard.tasks.options import AnswerOptions
from regard.tasks.splits import SplitTask
from regard.training.checkpoint import MODEL, load_network
from regard.training.setup import TrainingSetup
from regard.training.validation import Validation

SMALL = 8  # symbols of a vocabulary, to see whether a net can be built
WHAT = "plain text"


class LanguageTask(SplitTask):
    """Texts, whole or a line or row each, read into memory."""

    def probe(self, config: Config) -> None:
        builder.build_language_model(config, SMALL)

    def read_items(self, config: Config, files: Sequence[str], report: Say) -> list[PlainText]:
        found = read_plain(files, kind=LanguageSection.of(config).documents, column=config.data.source)
        texts, read = gather(found, files, what=WHAT, on_bad_line=config.data.on_bad_line)
        whole = f"{' + '.join(read.files)}: {many(sum(len(text.text) for text in texts), 'character')}."
        report(whole if all(text.whole for text in texts) else str(read))
        return texts

    def set_aside(self, items: Sequence[PlainText], config: Config) -> tuple[list[PlainText], list[PlainText]]:
        return set_aside(items, config.data.valid_share, config.train.seed)

    def aside(self, valid: Sequence[PlainText]) -> tuple[str, str]:
        return "the end of each text" if valid[0].whole else many(len(valid), "text"), ""

    def validation_items(self, config: Config) -> list[Item]:
        """Beginnings, to be gone on with."""
        return beginnings(super().validation_items(config))

    def ready(self, config: Config, data: Splits, folder: Path, say: Say, *, fresh: bool) -> TrainingSetup:
        texts, section = list(data.train), LanguageSection.of(config)
        if fresh:
            TextVocabulary.learn(config, (text.text for text in texts), folder, least=section.min_count)
            if config.train.begin:
                grow(folder, Path(config.train.begin), say)
        task, model = _model(config, folder)
        ids = model.encode(texts)
        count = sum(map(len, ids))
        _refuse_short(count, section, config)
        windows = TokenWindows(
            ids, [text.whole for text in texts], window=section.window, streams=section.streams, carried=carries(config),
            seed=config.train.seed,
        )  # fmt: skip
        judged, shown = model.judging(data.valid), beginnings(data.valid)[: config.train.samples]
        if judged.unknown:
            lost = "validation tokens are not in the vocabulary; each counts as one <unk>"
            say(f"note: {judged.unknown:,} of {judged.tokens:,} {lost}.")
        sizes = f"{sum(p.numel() for p in task.parameters()):,} parameters; {len(model.texts):,} symbols"
        return TrainingSetup(
            task,
            batch=lambda rows: model.batch(windows.cut(rows)),
            batches=windows,
            validate=lambda: Validation(model.figures(judged), _samples(model, shown)),
            sizes=f"{sizes}; {count:,} training tokens, {judged.tokens:,} validation tokens",
            alone="language.carry: a window goes on from the one before" if carries(config) else "",
        )

    def open(self, config: Config, folder: Path, *, precision: Precision) -> TextGenerator:
        task, model = _model(config, folder)
        load_network(task, folder / MODEL)
        if precision == "int8":
            quantize(task.network)
        return model


def beginnings(texts: Sequence[PlainText]) -> list[Item]:
    """The first half of each text; of a whole file of each line."""
    each = [(line, text.place) for text in texts for line in (text.text.splitlines() if text.whole else [text.text])]
    return [Item(line[: (len(line) + 1) // 2].rstrip(), None, (), place) for line, place in each if line.strip()]


def _model(config: Config, folder: Path) -> tuple[LanguageNetwork, TextGenerator]:
    texts = TextVocabulary.load(config, folder)
    task = builder.build_language_model(config, len(texts))
    return task, TextGenerator(ArrayLanguageModel(task), texts, config, folder)


def _refuse_short(count: int, section: LanguageSection, config: Config) -> None:
    if count < section.window:
        do = "Give more text, or lower language.window."
        expected = f"at least a window of {section.window} tokens (language.window)"
        raise DataError(message(" + ".join(config.data.train), expected, f"{count}", do))


def _samples(model: TextGenerator, items: Sequence[Any]) -> list[str]:
    found = model.stream(items, AnswerOptions(beam=1, n_best=1), attention=False)
    return [f"  {best[0].source}  →  {best[0].text}".replace("\n", "\\n") for best in found]
