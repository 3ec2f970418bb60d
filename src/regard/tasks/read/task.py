"""Reading, the training side: a passage and a question, to a word or a part of the passage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from regard.config import Config
from regard.core.say import Say
from regard.data.row_parser import RecordError
from regard.data.tokenizer_kinds import SPECIALS
from regard.data.vocab import Vocabulary
from regard.pretrained.text_vocabulary import TextVocabulary
from regard.tasks.in_memory_task import InMemoryTask
from regard.tasks.read import builder
from regard.tasks.read.data import PassageQuestion
from regard.tasks.read.network import ReadNetwork
from regard.tasks.read.predictor import LETTERS, WHAT, Answerer, check_answer
from regard.training.auto_values import Sizes, batch, updates


class ReadTask(InMemoryTask):
    what, predictor = WHAT, Answerer

    def probe(self, config: Config) -> None:
        builder.read(config, words=8, letters=8)

    def build(self, config: Config, known: Answerer) -> ReadNetwork:
        return builder.read(config, words=len(known.texts), letters=len(known.letters), pieced=known.pieced)

    def items(
        self, files: Sequence[str], config: Config, passed: Counter[str] | None = None
    ) -> Iterator[PassageQuestion | RecordError]:
        return check_answer(files, config)

    def read_of(self, item: Any) -> str:
        return f"{item.passage} {item.question}"

    def recipe(self, config: Config, sizes: Sizes) -> dict[str, Any]:
        """Batches hold a dozen passages: these are long, and a question is what is learnt from."""
        net = {"model.size": 64, "model.embedding": 64, "model.dropout": 0.3, "model.embedding_dropout": 0.2}
        held = max(batch(sizes.tokens), 12 * sizes.tokens // sizes.items)
        return {**net, "train.batch_tokens": held, "train.updates": updates(10 * sizes.items)}

    def learn(self, config: Config, items: Sequence[Any], folder: Path, say: Say) -> None:
        passages = dict.fromkeys(item.passage for item in items)
        each = [*passages, *(item.question for item in items)]
        texts = TextVocabulary.learn(config, each, folder, pieced=False)
        letters = (letter for text in each for letter in texts.clean(text))
        Vocabulary.counted(letters, first=SPECIALS).save(folder / LETTERS)
