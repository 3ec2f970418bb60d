"""Word alignments of given pairs, or of predictions: where a model looked, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from regard.core.errors import ArgumentError, DataError, RunFolderError, did_you_mean, message
from regard.data.batching import Batches, collate
from regard.data.columns import Layout
from regard.data.examples import Item, Place
from regard.data.line_stream import in_chunks
from regard.data.token_words import NO_WORD, sum_words, words_of_pieces, words_of_tokens
from regard.data.tokenizer import Tokenizer
from regard.data.tokenizer_kinds import kind_of
from regard.data.word_links import Links, words_of
from regard.decoding.networks import WritingNetwork
from regard.decoding.search import Found
from regard.tasks.base import TaskPrediction
from regard.tasks.writing import collect_attention

if TYPE_CHECKING:
    from jaxtyping import Float

    from regard.config import Config
    from regard.config.length_limits import Room

ROWS = 32  # pairs that are read side by side
CHUNK = 1024


@runtime_checkable
class TextPairModel(Protocol):
    """A model that writes a text for a text, and can be made to write a given one."""

    config: Config
    folder: Path
    room: Room
    layout: Layout
    networks: tuple[WritingNetwork, ...]
    tokenizers: tuple[Tokenizer, Tokenizer]

    def in_tokens(self, items: Sequence[tuple[Any, str]]) -> list[tuple[Sequence[int], Sequence[int]]]: ...


@dataclass(frozen=True)
class WordLook:
    """Where each target word of a pair looked.  weights: by name of the look, (heads, shifts, target words, source words), shifts 0 and 1;
    what lies on the end mark and on features is left out."""

    place: Place
    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: dict[str, Float[np.ndarray, "H 2 J I"]]


@dataclass(frozen=True)
class Chosen:
    """Which look is read.  look: its name; head: its number, None: the mean of all; shift: 0, a word looked when it was written; 1, when it
    had been written and was read."""

    look: str
    head: int | None = None
    shift: int = 0

    def weights(self, pair: WordLook) -> Float[np.ndarray, "J I"]:
        each = pair.weights[self.look][:, self.shift]
        made: np.ndarray = each.mean(0) if self.head is None else each[self.head]
        return made


def links_of(weights: Float[np.ndarray, "J I"]) -> Links:
    """For each target word the source word that it looked at most, the first of equal ones; none where it looked at no word."""
    return frozenset((int(row.argmax()), j) for j, row in enumerate(weights) if row.size and row.max() > 0)


def choose_look(model: TextPairModel, name: str | None, head: int | None) -> tuple[str, int]:
    """The look at the source of this name, None: the last; and how many heads it has.  ArgumentError for a look or a head that is not
    there, RunFolderError where the model looks at no source."""
    looks = _trial(model)
    names = list(looks)
    if not names:
        do = "Align with a run that has attention."
        raise RunFolderError(message(str(model.folder), "a model that looks at its source", "one that does not", do))
    if name is not None and name not in names:
        do = f"Name one of them.{did_you_mean(name, names)}"
        raise ArgumentError(message("look", f"one of {', '.join(names)}", repr(name), do))
    chosen = name or names[-1]
    heads = looks[chosen]
    if head is not None and not 0 <= head < heads:
        raise ArgumentError(message("head", f"0 to {heads - 1}, the heads of {chosen}", str(head), "Count heads from 0."))
    return chosen, heads


def _trial(model: TextPairModel) -> dict[str, int]:
    """The looks at the source, the last one last, and how many heads each has."""
    (look,) = force_looks(model, [Item("a", "a", (), Place("a trial", 1))])
    return {name: len(weights) for name, weights in look.weights.items()}


def force_looks(model: TextPairModel, items: Iterable[Item]) -> Iterator[WordLook]:
    """Where a model looks while it is made to write the target of each pair, in order.  Of an ensemble the first net.

    Tokens become words: those of a source word are summed, those of a target word averaged; the end mark and features are left out.
    DataError for a pair that is longer than the model reads or writes, and one whose words are not to be told apart.
    """
    for chunk in in_chunks(iter(items), CHUNK):
        yield from _chunk(model, chunk)


def _chunk(model: TextPairModel, items: Sequence[Item]) -> Iterator[WordLook]:
    targets = [str(item.target) for item in items]
    tokens = model.in_tokens([(item, model.layout.clean(target)) for item, target in zip(items, targets, strict=True)])
    columns = [[NO_WORD] * len(item.features) + _words(model.tokenizers[0], item.source, model) for item in items]
    for item, (_, target), known in zip(items, tokens, columns, strict=True):
        sizes = {"source": (len(known) + 1, model.room.source), "target": (len(target), model.room.target)}
        for side, (size, most) in sizes.items():
            if most and size > most:
                expected = f"a {side} of at most {most} tokens, which this model knows"
                raise DataError(message(str(item.place), expected, f"{size}", "Align shorter ones."))
    network, found = model.networks[0], dict[int, WordLook]()
    for rows in Batches.sequential([max(map(len, pair)) for pair in tokens], rows=ROWS):
        batch = collate([tokens[i] for i in rows], rows)
        seen = collect_attention(network, batch, [[Found(tuple(tokens[i][1]), 0.0)] for i in rows])
        for i, (looks,) in zip(rows, seen, strict=True):
            found[i] = _in_words(model, items[i], targets[i], columns[i], looks)
    return (found[i] for i in range(len(items)))


def _words(tokenizer: Tokenizer, text: str, model: TextPairModel) -> list[int]:
    return words_of_tokens(text, tokenizer.locate(text, model.layout.clean))


def _in_words(model: TextPairModel, item: Item, target: str, columns: Sequence[int], looks: dict[str, Any]) -> WordLook:
    rows = _words(model.tokenizers[1], target, model)
    source, written = (tuple(text[a:b] for a, b in words_of(text)) for text in (item.source, target))
    return WordLook(item.place, source, written, _summed(looks, rows, columns, (len(source), len(written))))


def _summed(
    looks: dict[str, Any], rows: Sequence[int], columns: Sequence[int], sizes: tuple[int, int]
) -> dict[str, Float[np.ndarray, "H 2 J I"]]:
    """The looks at the source in words, a token's row as it was written, and the one after it."""
    made = {}
    for name, weights in looks.items():
        if name.endswith(".cross"):
            known = columns[: weights.shape[2]]
            parts = [[head[shift:][: len(rows)] for shift in (0, 1)] for head in weights]
            each = [[sum_words(part, rows[: len(part)], known, sizes) for part in both] for both in parts]
            made[name] = np.asarray(each).reshape(len(weights), 2, sizes[1], sizes[0])
    return made


def prediction_look(model: TextPairModel, prediction: TaskPrediction) -> WordLook:
    """Where a prediction looked, in words: those between the blanks of its text and of its source."""
    reader, writer = model.tokenizers
    source = prediction.source
    columns = [NO_WORD] * len(prediction.features) + words_of_tokens(source, reader.locate(source, str)) if source else []
    pieces = [token.replace("▁", " ") for token in prediction.tokens[: -1 if prediction.tokens[-1:] == ("</s>",) else None]]
    rows = words_of_pieces(pieces, apart=_apart(writer))
    read, written = tuple(source.split()), tuple(prediction.text.split())
    sizes = len(read), max(len(written), max(rows, default=-1) + 1)
    return WordLook(Place("a prediction", 1), read, written, _summed(prediction.attention, rows, columns, sizes))


def _apart(tokenizer: Tokenizer) -> bool:
    """Whether each token is a word between blanks."""
    return kind_of(tokenizer.word).name == "space"
