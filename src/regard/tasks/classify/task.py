"""Classification, the training side: a label for each text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from regard.config import Config
from regard.core.atomic_files import write_text
from regard.core.errors import DataError, message
from regard.core.plural import many
from regard.core.say import Say
from regard.data.examples import Item
from regard.data.pairs import each_labelled
from regard.data.row_parser import RecordError
from regard.data.tokenizer import SPECIALS
from regard.data.vocab import Vocabulary
from regard.pretrained.text_vocabulary import TextVocabulary
from regard.tasks.classify.builder import build_classifier
from regard.tasks.classify.network import ClassifyNetwork
from regard.tasks.classify.predictor import COUNTS, LABELS, LETTERS, WHAT, Classifier, columns_of, label_of
from regard.tasks.classify.section import ClassifySection
from regard.tasks.in_memory_task import InMemoryTask
from regard.training.auto_values import Sizes

SMALL = 8  # symbols of a vocabulary, to see whether a net can be built


class ClassifyTask(InMemoryTask):
    what, predictor = WHAT, Classifier

    def probe(self, config: Config) -> None:
        build_classifier(config, words=SMALL, letters=SMALL, labels=2)

    def build(self, config: Config, known: Classifier) -> ClassifyNetwork:
        sizes = {"words": len(known.texts), "letters": len(known.letters), "labels": len(known.labels)}
        return build_classifier(config, **sizes, weights=known.balance, bert=known.texts.bert)

    def items(self, files: Sequence[str], config: Config, passed: Counter[str] | None = None) -> Iterator[Item | RecordError]:
        return each_labelled(files, columns_of(config, () if tuple(files) == config.data.train else files), passed)

    def kinds(self, item: Any, config: Config) -> Iterator[str]:
        yield label_of(item)

    def recipe(self, config: Config, sizes: Sizes) -> dict[str, Any]:
        return {"classify.letters": 50 if config.data.source_tokenizer in ("space", "word") else 0}

    def learn(self, config: Config, items: Sequence[Any], folder: Path, say: Say) -> None:
        counts = Counter(label_of(item) for item in items)
        if len(counts) < 2:
            received = f"{next(iter(counts))!r} alone, in {many(len(items), 'text')}"
            do = "Give data with more labels, or name the column that holds them (data.target)."
            raise DataError(message("labels of the training data", "at least 2 different ones", received, do))
        sources, section = (item.source for item in items), ClassifySection.of(config)
        texts = TextVocabulary.learn(config, sources, folder, least=section.min_count)
        letters = (letter for item in items for letter in texts.clean(item.source) if not letter.isspace())
        Vocabulary.counted(letters, first=SPECIALS).save(folder / LETTERS)
        labels = Vocabulary.counted(label_of(item) for item in items)
        labels.save(folder / LABELS)
        write_text(folder / COUNTS, json.dumps({name: counts[name] for name in labels}, ensure_ascii=False, indent=0))
        say(f"labels: {len(labels):,}, {_spread(counts)}; vocabulary: {len(texts):,} symbols ({config.data.source_tokenizer})")


def _spread(counts: Counter[str]) -> str:
    """How often the most and the least frequent label occur."""
    (most, often), (least, seldom) = counts.most_common(1)[0], counts.most_common()[-1]
    return f"from {most!r} ({often:,}) to {least!r} ({seldom:,})"
