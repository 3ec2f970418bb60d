"""Answers that are written word by word: searched for or drawn in a net, of which it is told where that looked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from regard.data.batching import Batch
from regard.data.tokenizer import BOS, EOS, PAD, UNK
from regard.decoding.ensemble import Ensemble
from regard.decoding.limits import Limits
from regard.decoding.networks import WritingNetwork
from regard.decoding.search import Bounds, Found
from regard.decoding.ways import Beam, Sample, find
from regard.tasks.base import Hypothesis

NEVER = (PAD, BOS, UNK)  # no answer has them


def as_one(networks: Sequence[WritingNetwork]) -> WritingNetwork:
    """A network that answers for all: the mean of their probabilities."""
    return networks[0] if len(networks) == 1 else Ensemble(networks, unknown=UNK)


def answer(
    network: WritingNetwork, batch: Batch, *, way: Beam | Sample, limits: Limits, attention: bool
) -> list[list[Hypothesis]]:
    """The hypotheses of each row of the batch, best first.

    attention: also where each hypothesis looked, by reading it once more with weights: so it is always that of the final words.
    """
    source, valid = batch.source, batch.source_valid
    bounds = Bounds(BOS, EOS, NEVER, limits.most(valid.sum(1)), limits.fewest)
    sources = [row[real] for row, real in zip(source, valid, strict=True)]
    found = find(network, network.start(source, valid), bounds=bounds, way=way, sources=sources)
    looks = collect_attention(network, batch, found) if attention else [[{} for _ in row] for row in found]
    return [
        [Hypothesis(h.words, h.score, look) for h, look in zip(row, seen, strict=True)]
        for row, seen in zip(found, looks, strict=True)
    ]


def collect_attention(
    network: WritingNetwork, batch: Batch, found: Sequence[Sequence[Found]]
) -> list[list[dict[str, np.ndarray]]]:
    """Where the network looked while it wrote each hypothesis, padding cut off."""
    rows, lines = [i for i, row in enumerate(found) for _ in row], [h.words for row in found for h in row]
    words = np.full((len(lines), max((len(line) for line in lines), default=1)), PAD)
    for i, line in enumerate(lines):
        words[i, : len(line)] = (BOS, *line[:-1])
    encoded, decoded = network.looks(batch.source[rows], batch.source_valid[rows], words)
    sizes, seen = batch.source_valid[rows].sum(1).tolist(), []
    for i, (K, line) in enumerate(zip(sizes, lines, strict=True)):
        look = {name: w[i, :, :K, :K] for name, w in encoded.items()}
        look |= {name: w[i, :, : len(line), : len(line) if name.endswith(".self") else K] for name, w in decoded.items()}
        seen.append(look)
    each = iter(seen)
    return [[next(each) for _ in row] for row in found]


def cross_entropies(network: WritingNetwork, batch: Batch) -> np.ndarray:
    """The cross-entropy of each real target token "N", in nats, row by row."""
    assert batch.target is not None and batch.target_valid is not None
    return network.cross_entropies(batch.source, batch.source_valid, batch.target, batch.target_valid)
