"""What BERT is pre-trained on, drawn from passages: words masked, and pairs of which the second follows the first or does not.
Devlin et al. 2019, section 3.1 and appendix A.2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regard.core.errors import DataError, message
from regard.data.wordpiece import WordPieces
from regard.tasks.pretrain.documents import Passage

Ids = NDArray[np.int32]
NOTHING = -1  # at places where nothing is to be told
HIDDEN, OTHER = 0.8, 0.1  # shares of the chosen: masked, another word; the rest stays
TRIES = 1000


@dataclass(frozen=True, eq=False)
class MaskedExample:
    """A text, or two, between specials.  words: as they are read; targets: what is to be told at each place, or -1; segments: which
    text a place is of; follows: whether the second text is the one that follows, None where there is one text only."""

    words: Ids
    targets: Ids
    segments: Ids
    follows: bool | None

    @property
    def size(self) -> int:
        return len(self.words)


@dataclass(frozen=True)
class MaskingSettings:
    """What is drawn.  share: of the pieces that are chosen; whole: a word is chosen with all its pieces; pairs: two texts; ahead: nothing
    is masked, and each place tells the piece that follows.  short: share of the passages that end early, so that short texts are known
    too."""

    share: float = 0.15
    whole: bool = False
    pairs: bool = True
    ahead: bool = False
    masked: bool = True
    short: float = 0.1


class MaskedExamples:
    """Examples drawn from passages, each a pure function of (seed, drawing, number): any order and any batch, the same examples.

    Raises DataError where pairs are wanted and there is no second document, or no passage of two parts; not strict: then there are just no
    pairs.
    """

    def __init__(
        self, passages: Sequence[Passage], pieces: WordPieces, manner: MaskingSettings, *, seed: int, strict: bool = True
    ) -> None:
        self.passages, self.pieces, self.manner, self.seed = passages, pieces, manner, seed
        self._begins = np.array(pieces.begins)
        self._text = np.array([number for number in range(len(pieces)) if number not in pieces.specials], dtype=np.int32)
        documents = np.unique([passage.document for passage in passages])
        if manner.pairs and strict:
            _check_pairs(passages, len(documents))
        self._pairs = manner.pairs and len(documents) > 1

    def __len__(self) -> int:
        return len(self.passages)

    @property
    def sizes(self) -> list[int]:
        """How long each example is at most."""
        return [passage.size + (3 if self.manner.pairs else 2) for passage in self.passages]

    def draw(self, drawing: int, number: int) -> MaskedExample:
        """Example `number` of a drawing (an epoch)."""
        random = np.random.default_rng([self.seed, drawing, number])
        passage, follows = self.passages[number], None
        parts = passage.parts
        if random.random() < self.manner.short and len(parts) > 2:
            parts = parts[: int(random.integers(2, len(parts)))]
        first, second = np.concatenate(parts), None
        if self._pairs and len(parts) > 1:
            cut = int(random.integers(1, len(parts)))
            first, second = np.concatenate(parts[:cut]), np.concatenate(parts[cut:])
            follows = bool(random.random() < 0.5)
            second = second if follows else self._elsewhere(passage, len(second), random)
        words, segments = add_specials(first, second, self.pieces)
        targets = np.full_like(words, NOTHING)
        if self.manner.ahead:
            targets[:-1] = words[1:]
            targets[np.isin(targets, (self.pieces.first, self.pieces.between))] = NOTHING
        elif self.manner.masked:
            words, targets = self._masked(words, random)
        return MaskedExample(words, targets, segments, follows)

    def _elsewhere(self, passage: Passage, size: int, random: np.random.Generator) -> Ids:
        """As many pieces of another document, from where a part begins."""
        other = passage
        for _ in range(TRIES):
            other = self.passages[int(random.integers(len(self.passages)))]
            if other.document != passage.document:
                break
        else:  # one document is nearly all there is
            other = next(p for p in self.passages if p.document != passage.document)
        return np.concatenate(other.parts[int(random.integers(len(other.parts))) :])[:size]

    def _masked(self, words: Ids, random: np.random.Generator) -> tuple[Ids, Ids]:
        """Words with some of them hidden, and what they were."""
        chosen = self._chosen(words, random)
        targets, kind = np.full_like(words, NOTHING), random.random(len(chosen))
        targets[chosen] = words[chosen]
        other = self._text[random.integers(len(self._text), size=len(chosen))]
        read = np.where(kind < HIDDEN, self.pieces.mask, np.where(kind < HIDDEN + OTHER, other, words[chosen]))
        words = words.copy()
        words[chosen] = read
        return words, targets

    def _chosen(self, words: Ids, random: np.random.Generator) -> NDArray[np.int64]:
        """Places to be told: at least one, at most the share; where each word is longer than that, the shortest."""
        real = np.flatnonzero((words != self.pieces.first) & (words != self.pieces.between))
        count = max(1, round(self.manner.share * len(real)))
        if not self.manner.whole:
            return np.sort(random.permutation(real)[:count])
        word = np.cumsum(self._begins[words[real]] | (np.diff(real, prepend=-1) > 1))
        sizes, taken, left = np.bincount(word), list[int](), count
        for number in random.permutation(np.unique(word)):
            if sizes[number] <= left:
                taken.append(number)
                left -= sizes[number]
            if not left:
                break
        order = random.permutation(np.unique(word))
        return real[np.isin(word, taken or [min(order, key=lambda number: sizes[number])])]


def add_specials(first: Ids, second: Ids | None, pieces: WordPieces) -> tuple[Ids, Ids]:
    """`[CLS] first [SEP]`, or `[CLS] first [SEP] second [SEP]`, and which text each place is of."""
    end = np.array([pieces.between], dtype=np.int32)
    parts = [np.array([pieces.first], dtype=np.int32), first, end, *(() if second is None else (second, end))]
    segments = np.zeros(sum(map(len, parts)), dtype=np.int32)
    segments[len(first) + 2 :] = 1
    return np.concatenate(parts), segments


def _check_pairs(passages: Sequence[Passage], documents: int) -> None:
    do = "Put blank lines between documents, give more text, or set pretrain.next: false."
    if documents < 2:
        expected = "at least two documents, for pairs whose second text comes from elsewhere"
        raise DataError(message("text for next-sentence pairs (pretrain.next)", expected, f"{documents}", do))
    if all(len(passage.parts) < 2 for passage in passages):
        expected = "documents of at least two lines, for pairs of which the second follows the first"
        raise DataError(message("text for next-sentence pairs (pretrain.next)", expected, "one line in each document", do))
