"""Pairs of texts in tokens, some at a time, so that the whole never lies in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol

from regard.data.copy_vocabulary import number_source, number_target
from regard.data.examples import Item
from regard.data.length_limit import LengthLimit
from regard.data.tokenizer import UNK, Tokenizer

CHUNK = 2000  # pairs that are tokenised at a time
Tokenizers = tuple[Tokenizer, Tokenizer]  # of the source, of the target
Pair = tuple[Sequence[int], Sequence[int]]


class PairWatcher(Protocol):
    """Who is told of each pair that is kept, in order."""

    def add(self, item: Item, source: Sequence[int], target: Sequence[int]) -> None: ...


def encode_pairs(
    items: Iterable[Item],
    tokenizers: Tokenizers,
    limit: LengthLimit,
    *,
    copies: bool = False,
    watcher: PairWatcher | None = None,
) -> Iterator[Pair]:
    """Each pair in tokens, end marks included; what is too long is treated as `limit` says.  copies: with what the vocabularies lack, see
    `data/copy_vocabulary.py`."""
    each = iter(items)
    while part := list(islice(each, CHUNK)):
        sources = tokenizers[0].encode_all([item.source for item in part], [item.features for item in part])
        targets = tokenizers[1].encode_all([str(item.target) for item in part])
        for item, source, target in zip(part, sources, targets, strict=True):
            if (kept := limit.keep((source, target), item.place)) is not None:
                if watcher is not None:
                    watcher.add(item, *kept)
                yield _with_copies(item, tokenizers, *kept) if copies and UNK in (*source, *target) else kept


def _with_copies(item: Item, tokenizers: Tokenizers, source: Sequence[int], target: Sequence[int]) -> Pair:
    symbols = tokenizers[0].symbols(item.source, item.features)
    source = number_source(tokenizers, symbols, source)
    return source, number_target(tokenizers, str(item.target), target, symbols, source)
