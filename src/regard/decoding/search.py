"""Greedy and beam search over a `StepNetwork`.  It knows no model; no sentence sees its neighbours in the batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from regard.decoding.networks import StepNetwork
from regard.decoding.top_k import refuse_nan, refuse_other, top_k

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

IMPOSSIBLE = float(np.finfo(np.float32).min)  # the log-probability of an end that the net excludes and the bound demands


@dataclass(frozen=True)
class Found:
    """A hypothesis.  words: without the start sign, with the end sign; score: summed log-probability, end included."""

    words: tuple[int, ...]
    score: float


@dataclass(frozen=True)
class Bounds:
    """What may be written.  start, stop: signs; never: words that are not written; least, most: words before the end sign, `most`
    for each sentence: "B"."""

    start: int
    stop: int
    never: Sequence[int]
    most: Int[np.ndarray, " B"]
    least: int = 0

    @cached_property
    def soonest(self) -> int:
        """After how many words the first sentence is at its bound."""
        return int(self.most.min()) if len(self.most) else 0

    def allow(self, log_p: Float[np.ndarray, "B W V"], written: int, rows: Int[np.ndarray, " B"]) -> Float[np.ndarray, "B W V"]:
        """-inf, in place, for what may not come after `written` words; a sentence at its bound may only end, and may do so whatever
        forbids it, so that something is left.  The rest is not renormalised, so that a score stays what the model says.  RegardError
        for what is no floating number."""
        refuse_other(log_p)
        end = np.maximum(log_p[..., self.stop], IMPOSSIBLE) if written >= self.soonest else None
        for word in (*self.never, *([self.stop] if written < self.least else [])):
            log_p[..., word] = -np.inf
        if end is not None and (full := self.most[rows] <= written).any():
            log_p[full] = -np.inf
            log_p[full, :, self.stop] = end[full]
        return log_p


def length_norm(length: Float[np.ndarray, "*B"], alpha: float) -> Float[np.ndarray, "*B"]:
    """((5 + length) / 6) ** alpha, by which a hypothesis's score is divided when it is ranked.  Wu et al. 2016, section 7, eq. 14."""
    norm: np.ndarray = ((5.0 + length) / 6.0) ** alpha
    return norm


def _ranked(score: np.ndarray, length: np.ndarray, alpha: float) -> np.ndarray:
    return score / length_norm(length.astype(np.float64), alpha) if alpha else score


def beam(
    network: StepNetwork, state: Any, *, bounds: Bounds, width: int = 1, n_best: int = 1, length_penalty: float = 0.0
) -> list[list[Found]]:
    """The `n_best` best hypotheses of each sentence, best first; greedy is width 1.  Of equal ones the first.

    An ended hypothesis keeps its place in the beam while nothing better pushes it out.  A sentence is finished when nothing that
    still grows can overtake its `n_best` ended ones; it then leaves the batch.
    """
    B, W = len(bounds.most), max(width, n_best)
    if W == 1:
        return _greedy(network, state, bounds)
    rows = np.arange(B)  # of the sentences that are still being written
    state = network.select(state, rows.repeat(W))
    words = np.full((B, W, 1), bounds.start)
    ended, length = np.zeros((B, W), bool), np.zeros((B, W), np.int64)
    total = np.full((B, W), -np.inf)
    total[:, 0] = 0.0
    found: list[list[Found]] = [[] for _ in range(B)]
    while len(rows):
        log_p, state = network.step(words[:, :, -1].reshape(-1), state)
        log_p = bounds.allow(log_p.reshape(len(rows), W, -1), words.shape[2] - 1, rows)
        gain, choice = _heirs(log_p, ended, bounds.stop)
        grown = (length + ~ended)[..., None]
        score = total[..., None] + gain
        best = np.argsort(-_ranked(score, grown, length_penalty).reshape(len(rows), -1), axis=1, kind="stable")[:, :W]
        total, word = (np.take_along_axis(x.reshape(len(rows), -1), best, 1) for x in (score, choice))
        parent = best // gain.shape[-1]
        length = np.take_along_axis(grown[..., 0], parent, 1)
        words = np.concatenate([np.take_along_axis(words, parent[..., None], 1), word[..., None]], 2)
        ended = word == bounds.stop
        done = _finished(total, length, ended, bounds.most[rows], n_best, length_penalty)
        lines = np.arange(len(rows))[:, None] * W + parent
        if not done.any():
            state = network.reorder(state, lines.reshape(-1))
            continue
        for i in done.nonzero()[0].tolist():
            found[rows[i]] = _hypotheses(words[i], total[i], ended[i], bounds.stop, n_best)
        state = network.select(state, lines[~done].reshape(-1))
        rows, words, ended, length, total = (x[~done] for x in (rows, words, ended, length, total))
    return found


def _greedy(network: StepNetwork, state: Any, bounds: Bounds) -> list[list[Found]]:
    """A beam of one: what it would do, in fewer steps, for a sentence that has ended leaves at once."""
    rows = np.arange(len(bounds.most))
    words, total = np.full((len(rows), 1), bounds.start), np.zeros(len(rows))
    found: list[list[Found]] = [[] for _ in rows]
    while len(rows):
        log_p, state = network.step(words[:, -1], state)
        log_p = bounds.allow(log_p[:, None], words.shape[1] - 1, rows)[:, 0]
        word = log_p.argmax(-1)
        gain = log_p[np.arange(len(word)), word]
        refuse_nan(gain)
        total, words = total + gain, np.concatenate([words, word[:, None]], 1)
        ended = (word == bounds.stop) | (gain == -np.inf)
        if not ended.any():
            continue
        for i in ended.nonzero()[0].tolist():
            found[rows[i]] = _hypotheses(words[i : i + 1], total[i : i + 1], word[i : i + 1] == bounds.stop, bounds.stop, 1)
        state = network.select(state, (~ended).nonzero()[0])
        rows, words, total = (x[~ended] for x in (rows, words, total))
    return found


def _heirs(log_p: Float[np.ndarray, "B W V"], ended: Bool[np.ndarray, "B W"], stop: int) -> tuple[np.ndarray, np.ndarray]:
    """What each hypothesis may become: its W likeliest next words, "B W W"; an ended one has one heir, itself, at no cost."""
    B, W, V = log_p.shape
    gain, word = (x.reshape(B, W, -1) for x in top_k(log_p.reshape(-1, V), W))
    gain = gain.astype(np.float64)
    gain[ended], word[ended] = -np.inf, stop
    gain[ended, 0] = 0.0
    return gain, word


def _finished(
    total: np.ndarray, length: np.ndarray, ended: np.ndarray, most: np.ndarray, n_best: int, alpha: float
) -> Bool[np.ndarray, " B"]:
    """Whether the n_best best have ended and nothing that still grows can overtake them: a log-probability only falls, so the
    most that it can come to is its total now, at the length that suits it best."""
    rank, dead = _ranked(total, length, alpha), np.isinf(total)
    hope = np.where(ended | dead, -np.inf, np.maximum(rank, _ranked(total, most[:, None] + 1, alpha))).max(1)
    reached = -np.sort(np.where(ended, -rank, np.inf), axis=1)[:, min(n_best, rank.shape[1]) - 1]
    growing = (~ended & ~dead).any(1)
    finished: np.ndarray = ~growing | (reached >= hope)
    return finished


def _hypotheses(words: np.ndarray, total: np.ndarray, ended: np.ndarray, stop: int, n_best: int) -> list[Found]:
    made: list[Found] = []
    for line, score, end in zip(words[:, 1:].tolist(), total.tolist(), ended.tolist(), strict=True):
        if end and score > -math.inf and len(made) < n_best:
            made.append(Found(tuple(line[: line.index(stop) + 1]), score))
    return made
