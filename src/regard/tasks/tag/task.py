"""Tagging, the training side: sentences whose every token has a tag, and maybe a label for the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from regard.config import Config
from regard.core.say import Say
from regard.data.row_parser import RecordError
from regard.data.tokenizer import SPECIALS
from regard.data.vocab import Vocabulary
from regard.tasks.base import Splits
from regard.tasks.in_memory_task import InMemoryTask
from regard.tasks.tag.builder import build_tagger
from regard.tasks.tag.data import TaggedSentence, describe, read_tagged
from regard.tasks.tag.network import TagNetwork
from regard.tasks.tag.predictor import LABELS, LETTERS, TAGS, WHAT, WORDS, Tagger, columns_of, known_word
from regard.tasks.tag.schemes import check_scheme, note_doubts
from regard.tasks.tag.section import TagSection
from regard.training.auto_values import Sizes

LARGE = 20_000  # tokens of sentences in which a word that is there once says little


class TagTask(InMemoryTask):
    what, predictor = WHAT, Tagger

    def probe(self, config: Config) -> None:
        build_tagger(config, words=8, letters=8, tags=Vocabulary(["O"]), labels=2)

    def build(self, config: Config, known: Tagger) -> TagNetwork:
        bert = known.pieced.bert if known.pieced else None
        sizes = {"words": len(known.words), "letters": len(known.letters), "labels": len(known.labels)}
        return build_tagger(config, **sizes, tags=known.tags, bert=bert)

    def items(
        self, files: Sequence[str], config: Config, passed: Counter[str] | None = None
    ) -> Iterator[TaggedSentence | RecordError]:
        return check_scheme(read_tagged(files, columns_of(config), passed), TagSection.of(config).scheme)

    def read(self, config: Config, say: Say) -> Splits:
        for note in describe(config.data.train, columns_of(config)):
            say(note)
        found = super().read(config, say)
        train = list(found.train)
        labelled = len({item.label for item in train}) > 1
        counts = Counter(tag for item in train for tag in item.tags)
        for note in note_doubts(counts, TagSection.of(config).scheme, labelled=labelled):
            say(note)
        return replace(found, train=train)

    def kinds(self, item: Any, config: Config) -> Iterator[str]:
        yield from (f"tag {tag}" for tag in item.tags)
        yield from () if item.label is None else (f"label {item.label}",)

    def recipe(self, config: Config, sizes: Sizes) -> dict[str, Any]:
        """A word that was seen once is read by its letters alone, as will be those never seen: SNIPS has a slot F1 of .953 so and of .940
        with the plain values and less dropout (seed 1)."""
        rare = {"tag.letters": 100, "tag.min_count": 2 if sizes.tokens >= LARGE else 1, "tag.unseen": 0.1}
        return {"model.size": 176, "model.embedding_dropout": 0.5, **rare}

    def learn(self, config: Config, items: Sequence[Any], folder: Path, say: Say) -> None:
        if config.model.pretrained is None:
            words = (known_word(token, config) for item in items for token in item.tokens)
            Vocabulary.counted(words, first=SPECIALS, least=TagSection.of(config).min_count).save(folder / WORDS)
        letters = (letter for item in items for token in item.tokens for letter in token)
        Vocabulary.counted(letters, first=SPECIALS).save(folder / LETTERS)
        Vocabulary.counted(tag for item in items for tag in item.tags).save(folder / TAGS)
        Vocabulary.counted(item.label for item in items if item.label is not None).save(folder / LABELS)
