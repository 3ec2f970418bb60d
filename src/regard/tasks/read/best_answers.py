"""What a network points at, in numpy: words by all the places where they stand, spans by where they begin and end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from regard.tasks.read.batch import ReadBatch

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

NEVER = np.finfo(np.float32).min


class BestAnswers(NamedTuple):
    """The likeliest answers of each row, the best first.  start, end: places of their first and last words (of a word that fills a blank,
    where it stands first); log_p: -inf where there are no more."""

    start: Int[np.ndarray, "B N"]
    end: Int[np.ndarray, "B N"]
    log_p: Float[np.ndarray, "B N"]

    def list_row(self, row: int) -> list[tuple[int, int, float]]:
        """(start, end, log_p) of the answers of a row, as many as there are."""
        each = zip(self.start[row].tolist(), self.end[row].tolist(), self.log_p[row].tolist(), strict=True)
        return [answer for answer in each if answer[2] > -np.inf]


def best_words(shares: Float[np.ndarray, "B 1 K"], batch: ReadBatch, *, count: int = 1) -> BestAnswers:
    """`p(w) = sum_{k: x_k = w} s_k`: the words that fill the blank.  Kadlec et al. 2016, section 4.3; Cui et al. 2017, eq. 8-9."""
    B, K = batch.forms.shape
    rows, share = np.arange(B)[:, None], np.exp(shares[:, 0]) * batch.candidate
    told = np.zeros((B, max(int(batch.forms.max()) + 1, count)), dtype=share.dtype)
    np.add.at(told, (rows, batch.forms), share)
    log_p = np.log(told, out=np.full_like(told, -np.inf), where=told != 0)
    first = np.full(told.shape, K)
    np.minimum.at(first, (rows, batch.forms), np.where(batch.candidate, np.arange(K), K))
    order = np.argsort(-log_p, axis=-1, kind="stable")[:, :count]
    at = first[rows, order]
    return BestAnswers(at, at, log_p[rows, order])


def best_spans(
    shares: Float[np.ndarray, "B 2 K"], valid: Bool[np.ndarray, "B K"], *, longest: int, count: int = 1
) -> BestAnswers:
    """The spans of which `p_start(i) p_end(j)` is highest, i <= j < i + longest: of every length at once.  Where there are fewer than
    `count`, the last have log-probability -inf.  Chen et al. 2017, section 3.2."""
    B, K = valid.shape
    sizes, never = min(longest, K), np.where(valid[:, None], shares, -np.inf).astype(shares.dtype)
    every = np.full((B, K, sizes), -np.inf, dtype=shares.dtype)  # by place, then by length: of equals the first and shortest
    for n in range(sizes):
        every[:, : K - n, n] = never[:, 0, : K - n] + never[:, 1, n:]
    flat = every.reshape(B, -1)
    if flat.shape[1] < count:
        flat = np.pad(flat, ((0, 0), (0, count - flat.shape[1])), constant_values=-np.inf)
    best = np.argsort(-flat, axis=-1, kind="stable")[:, :count] if count > 1 else flat.argmax(-1)[:, None]
    place, length = best // sizes, best % sizes
    return BestAnswers(place, place + length, np.take_along_axis(flat, best, -1))


def word_log_p(shares: Float[np.ndarray, "B 1 K"], batch: ReadBatch) -> Float[np.ndarray, " B"]:
    """The log-probability of the right word of each row, as `ReadWordNetwork.log_p` has it in training."""
    assert batch.right is not None
    word = np.take_along_axis(batch.forms, np.maximum(batch.right[:, :1, 0], 0), 1)
    return _log_sum(np.where((batch.forms == word) & batch.candidate, shares[:, 0], NEVER))


def spans_log_p(shares: Float[np.ndarray, "B 2 K"], batch: ReadBatch) -> Float[np.ndarray, " B"]:
    """That of all right spans of a row together, as `ReadSpanNetwork.log_p` has it."""
    assert batch.right is not None
    known = batch.right >= 0
    start, end = (
        np.where(known[..., i], np.take_along_axis(shares[:, i], np.maximum(batch.right[..., i], 0), 1), 0) for i in (0, 1)
    )
    return _log_sum(np.where(known[..., 0], start + end, NEVER))


def _log_sum(x: Float[np.ndarray, "B K"]) -> Float[np.ndarray, " B"]:
    most = x.max(-1, keepdims=True)
    return (most + np.log(np.exp(x - most).sum(-1, keepdims=True)))[:, 0]
