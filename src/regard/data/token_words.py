"""Which word a token belongs to, where words are what white space parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from regard.data.offsets import Span
from regard.data.word_links import words_of

if TYPE_CHECKING:
    from jaxtyping import Float

NO_WORD = -1


def words_of_tokens(text: str, spans: Sequence[Span]) -> list[int]:
    """The number of the word of `text` that each token begins in; NO_WORD for a token of white space.  spans: `Tokenizer.locate`."""
    found = list[int](NO_WORD for _ in spans)
    for number, (first, last) in enumerate(words_of(text)):
        for i, (start, end) in enumerate(spans):
            if start < end and first <= start < last:
                found[i] = number
    return found


def words_of_pieces(pieces: Sequence[str], *, apart: bool) -> list[int]:
    """The same for tokens that were written, as text has them, white space and all.  apart: each is a word by itself."""
    if apart:
        return list(range(len(pieces)))
    found, number, inside = list[int](), -1, False
    for piece in pieces:
        word = NO_WORD
        for character in piece:
            if character.isspace():
                inside = False
                continue
            number, inside = number + (not inside), True
            word = number if word == NO_WORD else word
        found.append(word)
    return found


def sum_words(
    weights: Float[np.ndarray, "T K"], rows: Sequence[int], columns: Sequence[int], sizes: tuple[int, int]
) -> Float[np.ndarray, "J I"]:
    """Weights of tokens as those of words: the tokens of a source word summed, those of a target word averaged.

    rows, columns: the word of each token, NO_WORD: none, which is left out.  sizes: words of source and target.
    """
    source = np.zeros((weights.shape[1], sizes[0]))
    target = np.zeros((sizes[1], weights.shape[0]))
    for i, word in enumerate(columns):
        if word != NO_WORD:
            source[i, word] = 1
    for t, word in enumerate(rows):
        if word != NO_WORD:
            target[word, t] = 1
    made: np.ndarray = target @ weights @ source / np.maximum(target.sum(1, keepdims=True), 1)
    return made
