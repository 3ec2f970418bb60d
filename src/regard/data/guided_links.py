"""Word alignments of training data, as links of tokens that a look is trained to have."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from regard.core.errors import DataError, message
from regard.data.batching import Batch
from regard.data.columns import Layout
from regard.data.examples import Item
from regard.data.token_words import NO_WORD, words_of_tokens
from regard.data.tokenizer import Tokenizer
from regard.data.word_links import Links, read_links, refuse_outside, words_of


class GuidedLinks:
    """Links of the pairs of a corpus, in their order: 8 bytes each.

    file: Pharaoh's `i-j`, a line for each line of the training data, lines without a pair among them.  lines: how many those are.
    shift: by how many steps the links of a target token stand later.  DataError where the file has more or fewer lines.
    """

    def __init__(self, file: str, tokenizers: tuple[Tokenizer, Tokenizer], layout: Layout, *, lines: int, shift: int = 0) -> None:
        self._file, self._tokenizers, self._layout, self._shift = file, tokenizers, layout, shift
        self._lines: list[tuple[str, Links]] = list(read_links(file))
        if len(self._lines) != lines:
            expected, do = f"{lines:,} lines, one for each of the training data", "Align these very lines."
            raise DataError(message(file, expected, f"{len(self._lines):,}", do))
        self._links, self._ends = array("i"), array("q", [0])
        self._last = 0

    def add(self, item: Item, source: Sequence[int], target: Sequence[int]) -> None:
        """The links of the next pair of the corpus, whose tokens, as they are kept, are given.  DataError where it shares its line with
        another pair, or a link leaves its sentences."""
        line = item.place.line
        if line == self._last:
            raise DataError(message(str(item.place), "one target, which has one alignment", "several", "Give each its line."))
        self._last = line
        place, links = self._lines[line - 1]
        texts = item.source, str(item.target)
        refuse_outside(links, place, (len(words_of(texts[0])), len(words_of(texts[1]))))
        reader, writer = (
            words_of_tokens(text, tokenizer.locate(text, self._layout.clean))
            for text, tokenizer in zip(texts, self._tokenizers, strict=True)
        )
        reader = [NO_WORD] * len(item.features) + reader
        for i, j in sorted(links):
            tokens = [(t, k) for t, a in enumerate(writer) if a == j for k, b in enumerate(reader) if b == i]
            for t, k in tokens:
                if t < len(target) - 1 and k < len(source) - 1:  # what is kept of a pair that is cut, without the end marks
                    self._links.extend((t + self._shift, k))
        self._ends.append(len(self._links))

    def with_links(self, batch: Batch, rows: Sequence[int]) -> Batch:
        """A batch of these pairs, with their links."""
        assert batch.target is not None
        made: Bool[np.ndarray, "B T K"] = np.zeros((*batch.target.shape, batch.source.shape[1]), bool)
        for place, row in enumerate(rows):
            each = np.asarray(self._links[self._ends[row] : self._ends[row + 1]]).reshape(-1, 2)
            made[place, each[:, 0], each[:, 1]] = True
        return replace(batch, links=made)
