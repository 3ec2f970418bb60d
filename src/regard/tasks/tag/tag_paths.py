"""Paths of tags, in numpy: how likely they are and which is the likeliest, place by place or under a linear-chain CRF."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regard.tasks.tag.batch import TagAnswers

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

LEAST = 1e-300  # what a sum of probabilities is at least, so that its logarithm is finite


def best_tags(told: TagAnswers, valid: Bool[np.ndarray, "B K"]) -> Int[np.ndarray, "B K"]:
    """The likeliest tags of each row; 0 at padding."""
    if told.steps is not None:
        return best_path(told.tags, told.steps, valid)
    return np.where(valid, told.tags.argmax(-1), 0)


def tags_log_p(told: TagAnswers, tags: Int[np.ndarray, "B K"], valid: Bool[np.ndarray, "B K"]) -> Float[np.ndarray, " B"]:
    """The log-probability of the tags of each row together."""
    if told.steps is not None:
        return path_log_p(told.tags, told.steps, tags, valid)
    return each_log_p(told.tags, tags, valid).sum(1)


def each_log_p(
    log_p: Float[np.ndarray, "B K N"], tags: Int[np.ndarray, "B K"], valid: Bool[np.ndarray, "B K"]
) -> Float[np.ndarray, "B K"]:
    """That of each tag by itself; 0 at padding."""
    return np.where(valid, _chosen(log_p, np.where(valid, tags, 0)), np.float32(0))


def best_path(
    scores: Float[np.ndarray, "B K N"], steps: Float[np.ndarray, "N1 N1"], valid: Bool[np.ndarray, "B K"]
) -> Int[np.ndarray, "B K"]:
    """The likeliest sequence of each row under a CRF; 0 at padding, which lies on the right.  Viterbi 1967.  steps: see `TagAnswers`."""
    B, K, N = scores.shape
    if not K:
        return np.zeros((B, 0), dtype=np.int64)
    total, came, stay = steps[N, :N] + scores[:, 0], [], np.broadcast_to(np.arange(N), (B, N))
    for t in range(1, K):
        every = total[:, :, None] + steps[:N, :N]
        place = every.argmax(1)
        best = np.take_along_axis(every, place[:, None], 1)[:, 0]
        came.append(np.where(valid[:, t, None], place, stay))
        total = np.where(valid[:, t, None], best + scores[:, t], total)
    told = [(total + steps[:N, N]).argmax(-1)]
    for place in reversed(came):
        told.append(_chosen(place, told[-1]))
    return np.where(valid, np.stack(told[::-1], 1), 0)


def path_log_p(
    scores: Float[np.ndarray, "B K N"],
    steps: Float[np.ndarray, "N1 N1"],
    tags: Int[np.ndarray, "B K"],
    valid: Bool[np.ndarray, "B K"],
) -> Float[np.ndarray, " B"]:
    """The log-probability of whole sequences of tags under a CRF, as `ChainCRF.log_p` has it in training; 0 of a row without any place."""
    told, steps, scores, tags = scores.dtype, steps.astype(np.float64), scores.astype(np.float64), np.where(valid, tags, 0)
    N, length = scores.shape[2], valid.sum(1)
    if not scores.shape[1]:
        return np.zeros(len(scores), dtype=told)
    before = np.concatenate([np.full_like(tags[:, :1], N), tags[:, :-1]], 1)
    path = ((_chosen(scores, tags) + steps[before, tags]) * valid).sum(1)
    path = path + steps[_chosen(tags, np.maximum(length - 1, 0)), N]
    total, high = steps[N, :N] + scores[:, 0], steps.max()
    taken = np.exp(steps[:N, :N] - high)
    for t in range(1, scores.shape[1]):
        most = total.max(1, keepdims=True)
        summed = np.log(np.maximum(np.exp(total - most) @ taken, LEAST))
        total = np.where(valid[:, t, None], summed + (most + high) + scores[:, t], total)
    total = total + steps[:N, N]
    most = total.max(1)
    whole = most + np.log(np.exp(total - most[:, None]).sum(1))
    return np.where(length > 0, path - whole, 0.0).astype(told)


def _chosen(x: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Of the last axis the number that a place names."""
    return np.take_along_axis(x, places[..., None], -1)[..., 0]
