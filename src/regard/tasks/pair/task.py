"""Pairs, the training side: a label or a number for two texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from regard.config import Config
from regard.core.errors import DataError, message
from regard.core.plural import many
from regard.core.say import Say
from regard.data.row_parser import RecordError
from regard.data.vocab import Vocabulary
from regard.pretrained.text_vocabulary import TextVocabulary
from regard.tasks.in_memory_task import InMemoryTask
from regard.tasks.pair.builder import build_pair_network, make_regression
from regard.tasks.pair.data import TextPair, number, read_coupled
from regard.tasks.pair.network import Classification, PairNetwork
from regard.tasks.pair.predictor import LABELS, SCALE, WHAT, PairPredictor, check_numbers, columns_of
from regard.tasks.pair.ratings import Scale
from regard.tasks.pair.section import PairSection
from regard.training.auto_values import Sizes

MANY = 12  # labels that are all numbers, from which on it is said that they can be learnt as such
SMALL = 8  # symbols of a vocabulary, to see whether a net can be built


class PairTask(InMemoryTask):
    what, predictor = WHAT, PairPredictor

    def probe(self, config: Config) -> None:
        build_pair_network(config, SMALL, Classification(2))

    def build(self, config: Config, known: PairPredictor) -> PairNetwork:
        if known.section.output == "classes":
            wanted = Classification(len(known.labels), smoothing=config.train.label_smoothing)
            return build_pair_network(config, len(known.texts), wanted, texts=known.texts)
        return build_pair_network(config, len(known.texts), make_regression(known.section, known.scale), texts=known.texts)

    def items(self, files: Sequence[str], config: Config, passed: Counter[str] | None = None) -> Iterator[TextPair | RecordError]:
        others = () if tuple(files) == config.data.train else files
        return check_numbers(read_coupled(files, columns_of(config, others), passed), config)

    def kinds(self, item: Any, config: Config) -> Iterator[str]:
        if PairSection.of(config).output != "number":
            yield item.target

    def recipe(self, config: Config, sizes: Sizes) -> dict[str, Any]:
        return {"model.dropout": 0.3, "model.embedding_dropout": 0.0}

    def learn(self, config: Config, items: Sequence[Any], folder: Path, say: Say) -> None:
        texts = TextVocabulary.learn(config, (text for item in items for text in (item.first, item.second)), folder)
        if PairSection.of(config).output == "number":
            told = Scale.of([float(item.target) for item in items])
            told.save(folder / SCALE)
            say(f"numbers: from {told.low:g} to {told.high:g}, {told.mean:.3g} in the mean; vocabulary: {len(texts):,} symbols")
            return
        labels = Vocabulary.counted(item.target for item in items)
        if len(labels) < 2:
            received = f"{labels.names[0]!r} alone, in {many(len(items), 'pair')}"
            do = "Give data with more labels, or name the column that holds them (data.target)."
            raise DataError(message("labels of the training data", "at least 2 different ones", received, do))
        if len(labels) > MANY and all(number(label) is not None for label in labels):
            say(f"note: the {len(labels):,} labels are all numbers; pair.output: number would learn them as such.")
        labels.save(folder / LABELS)
        say(f"labels: {', '.join(labels.names[:MANY])}; vocabulary: {len(texts):,} symbols ({config.data.source_tokenizer})")
