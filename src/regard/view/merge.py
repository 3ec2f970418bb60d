"""Subwords put together into words: the same picture with fewer, larger cells.

A word that is written asks where its pieces looked: the rows of a target word are *averaged*.  A word that is looked at got what
its pieces got: the columns of a source word are *summed*.  So a row that summed to 1 still sums to 1.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from regard.view.label import END, SPACE, START

STANDING = ("CJK", "HIRAGANA", "KATAKANA")  # scripts without spaces: each of their tokens stays by itself


def words(tokens: Sequence[str], *, features: int = 0) -> list[int]:
    """For each token the number of the word that it belongs to, from 0 and rising by at most 1.

    A token that starts with "▁" begins a word.  Sentence marks, the first `features` tokens and tokens of Chinese and Japanese
    script are words of their own.  Without any "▁" nothing says where words begin, and each token is its own word.
    """
    if not any(token.startswith(SPACE) for token in tokens):
        return list(range(len(tokens)))
    numbers: list[int] = []
    number, alone = -1, True  # what stands alone also ends the word before it
    for i, token in enumerate(tokens):
        after, alone = alone, i < features or token in (END, START) or _stands(token)
        number += alone or after or token.startswith(SPACE)
        numbers.append(number)
    return numbers


def _stands(token: str) -> bool:
    text = token.removeprefix(SPACE)
    return bool(text) and unicodedata.name(text[0], "").startswith(STANDING)


def join(tokens: Sequence[str], numbers: Sequence[int]) -> list[str]:
    """The tokens of each word joined, without the "▁" that only says where a word begins.  A lone "▁" stays."""
    joined = [""] * (max(numbers, default=-1) + 1)
    for token, number in zip(tokens, numbers, strict=True):
        joined[number] += token
    return [word if word == SPACE else word.removeprefix(SPACE) for word in joined]
