"""How a text becomes numbers, for every task that reads texts and writes none: one place for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, cast

from regard.data.columns import Layout
from regard.data.made_up import make_text, make_words
from regard.data.offsets import Span
from regard.data.tokenizer import BOS, SPECIALS, Tokenizer
from regard.data.tokenizer_kinds import kind_of, pieces
from regard.networks.bert_shape import BertShape
from regard.pretrained.bert_folder import Folder, keep_bert

if TYPE_CHECKING:
    from regard.config import Config

TOKENIZER = "tokenizer.source.json"  # in the run folder
WHOLE = ("space", "word")  # tokenizers whose symbols are words


class TextVocabulary:
    """The vocabulary of a run, learnt from its training texts, and what `data.unicode` and `data.lowercase` do to a text before.

    bert: the shape of the pre-trained reader that the run begins with, where it does (`model.pretrained`): then the vocabulary is its own.
    start: the number of the symbol that can stand before a text to sum it up, as `[CLS]` does; no text ever gives it.
    """

    start, bert = BOS, cast(BertShape | None, None)

    def __init__(self, tokenizer: Tokenizer, layout: Layout) -> None:
        self.tokenizer, self._layout = tokenizer, layout

    @classmethod
    def learn(cls, config: Config, texts: Iterable[str], folder: Path, *, least: int = 1, pieced: bool = True) -> TextVocabulary:
        """Learn `data.source_tokenizer` from texts and keep it in the run folder.  ConfigError where its size is too small.

        pieced: a run that begins with a pre-trained reader cuts its texts into that one's pieces, and learns nothing.
        """
        if pieced and config.model.pretrained is not None:
            return SubwordVocabulary(keep_bert(folder))
        layout = _layout(config)
        tokenizer = Tokenizer.train(config.data.source_tokenizer, (layout.clean(text) for text in texts), least=least)
        tokenizer.save(folder / TOKENIZER)
        return cls(tokenizer, layout)

    @classmethod
    def load(cls, config: Config, folder: Path, *, pieced: bool = True) -> TextVocabulary:
        """What `learn` kept.  RunFolderError where it is missing or damaged."""
        if pieced and config.model.pretrained is not None:
            return SubwordVocabulary(keep_bert(folder))
        return cls(Tokenizer.load(folder / TOKENIZER), _layout(config))

    def make_up(self, by: Random, length: int) -> str:
        """A text of so many symbols that nobody wrote, for trials."""
        return make_text(self.tokens(range(len(SPECIALS), len(self))), by, length)

    def around(self, sums: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What stands before and after the numbers of a text.  sums: a symbol is wanted whose state sums it up."""
        return ((self.start,), ()) if sums else ((), ())

    def __len__(self) -> int:
        """Symbols of the vocabulary, specials included."""
        return len(self.tokenizer)

    def clean(self, text: str) -> str:
        """A text as the vocabulary reads it; what is clean stays as it is."""
        return self._layout.clean(text)

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """The numbers of each text, without an end mark; of an empty text none."""
        return [ids[:-1] for ids in self.tokenizer.encode_all([self.clean(text) for text in texts])]

    def tokens(self, ids: Iterable[int]) -> tuple[str, ...]:
        """One string for each number, to be shown."""
        return tuple(self.tokenizer.tokens(ids))

    def pieces(self, text: str) -> tuple[str, ...]:
        """What each number of a text stands for: its own piece even where training never saw it, in vocabularies of whole words; what
        `tokens` shows elsewhere."""
        clean = self.clean(text)
        if self.whole:
            return tuple(piece.replace(" ", "▁") for piece in pieces(kind_of(self.tokenizer.word), clean))
        return self.tokens(self.encode_all([clean])[0])

    @property
    def whole(self) -> bool:
        """Whether its symbols are whole words."""
        return kind_of(self.tokenizer.word).name in WHOLE

    def words(self) -> tuple[str, ...]:
        """The word of each number, as a file of word vectors has it; "" for what is no word."""
        named = self.tokens(range(len(SPECIALS), len(self)))
        return ("",) * len(SPECIALS) + tuple(name.removeprefix("▁") for name in named)

    def locate(self, text: str) -> list[Span]:
        """For each number of a text the characters of it, as it was given, that it stands for: first, and one after the last."""
        return self.tokenizer.locate(text, self.clean)

    def unknown(self, text: str) -> tuple[str, ...]:
        """What of a text training never saw, each once, in order."""
        return tuple(self.tokenizer.unknown(self.clean(text)))


class SubwordVocabulary(TextVocabulary):
    """The vocabulary of a pre-trained BERT; a text stands between [CLS] and [SEP].  Devlin et al. 2019, section 3."""

    def __init__(self, found: Folder) -> None:
        self.vocabulary, self.bert, self.start = found.pieces, found.shape, found.pieces.first

    def __len__(self) -> int:
        return len(self.vocabulary)

    def clean(self, text: str) -> str:
        return text.lower() if self.vocabulary.lower else text

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        return self.vocabulary.encode_all(texts)

    def tokens(self, ids: Iterable[int]) -> tuple[str, ...]:
        return self.vocabulary.tokens(ids)

    def pieces(self, text: str) -> tuple[str, ...]:
        return self.tokens(self.vocabulary.encode(text))

    @property
    def whole(self) -> bool:
        return False

    def words(self) -> tuple[str, ...]:
        return ("",) * len(self)

    def make_up(self, by: Random, length: int) -> str:
        known = [token.removeprefix("##") for token in self.tokens(range(len(self))) if not token.startswith("[")]
        return " ".join(make_words(known, by, length))

    def locate(self, text: str) -> list[Span]:
        return self.vocabulary.locate(text)

    def unknown(self, text: str) -> tuple[str, ...]:
        return self.vocabulary.unseen(text)

    def around(self, sums: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return (self.vocabulary.first,), (self.vocabulary.between,)

    def of_words(self, words: Sequence[str]) -> tuple[tuple[int, ...], ...]:
        """The pieces of each word; of one that has none (control characters alone), [UNK]."""
        return tuple(tuple(ids) or (self.vocabulary.unknown,) for ids in self.encode_all(words))


def _layout(config: Config) -> Layout:
    return Layout(unicode=config.data.unicode, lowercase=config.data.lowercase)
