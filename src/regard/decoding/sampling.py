"""Draws from what a `StepNetwork` says: keyed by numbers, so that they depend on no batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from regard.decoding.networks import StepNetwork
from regard.decoding.search import Bounds, Found
from regard.decoding.top_k import refuse_nan

if TYPE_CHECKING:
    from jaxtyping import Float


def sample(
    network: StepNetwork,
    state: Any,
    *,
    bounds: Bounds,
    keys: Sequence[int],
    seed: int,
    count: int = 1,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
) -> list[list[Found]]:
    """`count` draws for each sentence, the likeliest first; scores are the model's own, without temperature or cuts.

    keys: a number for each sentence.  Randomness is keyed by (seed, sentence, draw, step), so that it does not depend on the batch.
    top_k: draw from the k likeliest (0: all); top_p: from the fewest that hold this share (Holtzman et al. 2020).
    """
    B = len(bounds.most)
    rows, draws = np.arange(B).repeat(count), np.tile(np.arange(count), B)
    state = network.select(state, rows) if count > 1 else state
    words, total = np.full((len(rows), 1), bounds.start), np.zeros(len(rows))
    found: list[list[Found]] = [[] for _ in range(B)]
    while len(rows):
        log_p, state = network.step(words[:, -1], state)
        log_p = bounds.allow(log_p[:, None].astype(np.float64), words.shape[1] - 1, rows)[:, 0]
        size = log_p.shape[1]
        noise = [_gumbel(seed, keys[r], d, words.shape[1], size) for r, d in zip(rows.tolist(), draws.tolist(), strict=True)]
        word = (_cut(log_p / temperature, top_k, top_p) + np.stack(noise)).argmax(-1)
        total = total + log_p[np.arange(len(word)), word]
        refuse_nan(total)
        words = np.concatenate([words, word[:, None]], 1)
        for i in (word == bounds.stop).nonzero()[0].tolist():
            found[rows[i]].append(Found(tuple(words[i, 1:].tolist()), float(total[i])))
        keep = (word != bounds.stop).nonzero()[0]
        state = network.select(state, keep) if len(keep) < len(rows) else state
        rows, draws, words, total = rows[keep], draws[keep], words[keep], total[keep]
    return [sorted(hypotheses, key=lambda h: (-h.score, h.words)) for hypotheses in found]


def _cut(log_p: Float[np.ndarray, "B V"], top_k: int, top_p: float) -> Float[np.ndarray, "B V"]:
    if top_k:
        k = min(top_k, log_p.shape[1])
        log_p = np.where(log_p < np.partition(log_p, -k, axis=1)[:, -k, None], -np.inf, log_p)
    if top_p < 1.0:
        share = np.exp(log_p - log_p.max(-1, keepdims=True))
        share /= share.sum(-1, keepdims=True)
        places = np.argsort(-share, axis=1, kind="stable")
        ordered = np.take_along_axis(share, places, 1)
        beyond = np.empty_like(places, bool)  # what is likelier already holds the share
        np.put_along_axis(beyond, places, ordered.cumsum(-1) - ordered >= top_p, 1)
        log_p = np.where(beyond, -np.inf, log_p)
    return log_p


def _gumbel(seed: int, key: int, draw: int, step: int, size: int) -> np.ndarray:
    """Noise that makes an argmax a draw.  Counter-based: Philox keyed by (seed, sentence), counted by (draw, step)."""
    generator = np.random.Generator(np.random.Philox(key=[seed % 2**64, key % 2**64], counter=[0, 0, draw, step]))
    return -np.log(-np.log(generator.random(size).clip(1e-300, 1 - 1e-16)))
