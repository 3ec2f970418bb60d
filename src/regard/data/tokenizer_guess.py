"""How texts want to be cut: a guess from the texts themselves, for a tokenizer that nobody named."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

SHORT = 3.0  # characters of a symbol, in the mean, that is a sound or a letter and no word
CLOSED = 1000  # different symbols that a closed set has at most
UNSEEN = 0.01  # share of the symbols of one half of the texts that the other half lacks, at most, where the set is closed
WORDS = 3.0  # words of a sentence, in the mean, at least


def written_in_symbols(texts: Sequence[str]) -> bool:
    """Whether texts are symbols with spaces between, out of a closed set: phones, digits in words.  A language's words are never all
    seen: half of 1,000 captions lacks 1 word in 8 of the other half, half of 200 pronunciations 1 phone in 200."""
    cut = [text.split() for text in texts]
    if sum(len(words) > 1 for words in cut) < len(cut) / 2:
        return False
    known = {word for words in cut[::2] for word in words}  # every other text: files may be sorted
    rest = [word for words in cut[1::2] for word in words]
    different = len({*known, *rest})
    return different <= CLOSED and sum(word not in known for word in rest) <= max(1, UNSEEN * len(rest))


def short_symbols(texts: Sequence[str]) -> bool:
    """Whether what stands between spaces is a sound or a letter in the mean, marks not counted."""
    words = [word for text in texts for word in text.split()]
    letters = sum(not unicodedata.combining(c) for word in words for c in word)
    return bool(words) and letters <= SHORT * len(words)


def written_in_sentences(texts: Sequence[str]) -> bool:
    """Whether texts are sentences of words with spaces between."""
    words = sum(len(text.split()) for text in texts)
    return words >= WORDS * len(texts) and not short_symbols(texts)


def pieces(texts: Sequence[str], items: int) -> int:
    """How many pieces of words suit so many sentences: 8,000 for the 400,000 words of Multi30k, where 4,000 to 10,000 do alike; fewer for
    fewer, so that most pieces are seen more than once.  texts: some of `items`."""
    words = sum(len(text.split()) for text in texts) * items / max(len(texts), 1)
    letters = len({character for text in texts for character in text})
    return max(100 * round(min(80, 0.13 * words**0.5)), 2 * letters + 200)


def cut_of(sources: Sequence[str], targets: Sequence[str], items: int) -> tuple[str, str]:
    """The tokenizers of both sides.  Symbols out of a closed set are taken whole, on the side that is written even where they are words;
    sentences on both sides in pieces; anything else letter by letter, which can spell what training never saw."""
    if written_in_sentences(sources) and written_in_sentences(targets) and not written_in_symbols(targets):
        return f"bpe({pieces(sources, items)})", f"bpe({pieces(targets, items)})"
    read = "space" if written_in_symbols(sources) and short_symbols(sources) else "char"
    return read, "space" if written_in_symbols(targets) else "char"
