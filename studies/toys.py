"""What the studies of learning share: strings of symbols, a training of ten lines, and the real search as the judge.

Ids 0 to 3 are padding, start, end and unknown, as everywhere in the house; symbol s has id FIRST + s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from random import Random
from typing import Any

import torch
from torch import nn

from regard.attention.weighting import Annealed
from regard.config import Config
from regard.core.arrays import to_tensors
from regard.data.batching import Batch, Batches, collate
from regard.data.tokenizer import EOS
from regard.decoding.limits import Limits
from regard.decoding.ways import Beam
from regard.inference.array_writer import ArrayWriter
from regard.networks.encoder_decoder import EncoderDecoder
from regard.tasks.seq2seq import Seq2SeqNetwork
from regard.tasks.seq2seq_builder import build_seq2seq
from regard.tasks.writing import answer

FIRST = 4
Pair = tuple[list[int], list[int]]  # ids of source and target, each with its end sign


def pair(source: Sequence[int], target: Sequence[int]) -> Pair:
    """Symbols to ids, with end signs."""
    return [FIRST + s for s in source] + [EOS], [FIRST + s for s in target] + [EOS]


def strings(random: Random, number: int, *, symbols: int, least: int, most: int) -> list[list[int]]:
    """`number` strings, the length of each from `least` to `most`, each length as likely."""
    return [[random.randrange(symbols) for _ in range(random.randint(least, most))] for _ in range(number)]


def copied(source: list[int]) -> Pair:
    return pair(source, source)


def turned(source: list[int]) -> Pair:
    return pair(source, source[::-1])


def batch(pairs: Sequence[Pair]) -> Batch:
    return to_tensors(collate(pairs, range(len(pairs))))


def cycled(pairs: Sequence[Pair], *, tokens: int, seed: int) -> Iterator[Batch]:
    """Batches of `tokens` tokens for ever, epoch after epoch, pairs of like length together."""
    batches = Batches([len(s) for s, _ in pairs], [len(t) for _, t in pairs], tokens=tokens, seed=seed)
    for epoch in count():
        for rows in batches.epoch(epoch):
            yield batch([pairs[i] for i in rows])


def network(words: Mapping[str, Any], *, seed: int, source_words: int, target_words: int) -> EncoderDecoder:
    """A net from the words of a config's `model`, its weights drawn from the seed; source_words, target_words: signs not counted."""
    torch.manual_seed(seed)
    config = Config.model_validate({"model": words, "train": {"label_smoothing": 0.0}})
    return build_seq2seq(config, source_words=FIRST + source_words, target_words=FIRST + target_words).network


def falling(peak: float) -> Callable[[float], float]:
    """A learning rate: constant for the first half of the training, then falling linearly to a tenth."""
    return lambda done: peak * min(1.0, 1.9 - 1.8 * done)


class Growing:
    """The longest length of a training that grows with what is learnt: by one, at most each fifth update, where a running mean of the
    loss is below .2 nats a word; from update `by` on it is `most`, learnt or not."""

    def __init__(self, first: int, most: int, *, by: int) -> None:
        self.longest, self.most, self.by = first, most, by
        self.mean, self.grown = math.inf, 0

    def hear(self, update: int, nats: float) -> None:
        """The loss of an update."""
        self.mean = nats if math.isinf(self.mean) else 0.8 * self.mean + 0.2 * nats
        if update >= self.by:
            self.longest = self.most
        elif self.mean < 0.2 and update - self.grown >= 5:
            self.longest, self.grown = min(self.most, self.longest + 1), update


def training(
    net: EncoderDecoder,
    fresh: Callable[[int], Batch],
    *,
    updates: int,
    rate: Callable[[float], float],
    hear: Callable[[int, float], None] | None = None,
) -> Iterator[int]:
    """Train by AdamW on `fresh(update)`, gradients clipped to norm 1; yields the number of each update when it is made.

    rate: the learning rate by the share of the training that is done, in [0, 1).  hear: is told the loss of each update, in nats a word.
    """
    task = Seq2SeqNetwork(net)
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=0.0, betas=(0.9, 0.98))
    annealed = [m for m in net.modules() if isinstance(m, Annealed)]
    for update in range(1, updates + 1):
        done = (update - 1) / updates
        for module in annealed:
            module.anneal(done)
        optimizer.param_groups[0]["lr"] = rate(done)
        net.train()
        loss = task.loss(fresh(update))
        optimizer.zero_grad()
        mean = loss.total / loss.tokens
        mean.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        if hear:
            hear(update, mean.item())
        yield update


def written(net: EncoderDecoder, pairs: Sequence[Pair], *, rows: int = 200) -> list[tuple[int, ...]]:
    """What the net writes for each source, by greedy search, the end sign included.  An answer may be two symbols too long, and is then
    cut: it is wrong anyway."""
    writer, told = ArrayWriter(net), dict[int, tuple[int, ...]]()
    for part in Batches.sequential([len(s) for s, _ in pairs], rows=rows):
        most = Limits(ratio=0.0, extra=max(len(pairs[i][1]) for i in part) + 2)
        found = answer(writer, collate([pairs[i] for i in part], range(len(part))), way=Beam(1), limits=most, attention=False)
        told |= {i: hypotheses[0].words for i, hypotheses in zip(part, found, strict=True)}
    return [told[i] for i in range(len(pairs))]


def exact(net: EncoderDecoder, pairs: Sequence[Pair]) -> float:
    """The share of sources answered without a fault."""
    return sum(list(w) == target for w, (_, target) in zip(written(net, pairs), pairs, strict=True)) / len(pairs)
