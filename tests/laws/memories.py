"""Nets that differ in what there is to look at: Aarens, looks back at one's own states, keys apart from values, pooled contexts."""

from __future__ import annotations

from itertools import product
from typing import Any

from regard.config import mechanisms

from .products import attention, written

_AAREN = {"family": "aaren", "size": 6, "heads": 2, "feedforward": 5, "encoder_layers": 2, "decoder_layers": 2}
_TRANSFORMER = {**_AAREN, "family": "transformer"}
_NET = {"embedding": 5, "size": 6, "encoder": "bigru", "decoder": "gru"}
_LUONG = {**_NET, "order": "luong", "decoder": "lstm"}

MEMORIES: dict[str, dict[str, Any]] = {
    "aaren-pre": {**_AAREN, "attention": "additive(3)"},
    "aaren-post": {**_AAREN, "norm": "post", "positions": "none", "attention": {"weighting": "hard"}, "self_attention": "general + cosine"},
    "aaren-key-only": {**_AAREN, "self_attention": {"score": "key-only", "scope": "causal"}},
    "aaren-key-value": {**_AAREN, "attention": {"memory": "key-value"}, "self_attention": {"memory": "key-value", "groups": 1}},
    "transformer-key-value": {**_TRANSFORMER, "attention": {"memory": "key-value"}, "self_attention": {"memory": "key-value"}},
    "key-value": {**_NET, "attention": {"score": "additive(3)", "memory": "key-value"}},
    "key-value-dot": {**_LUONG, "attention": {"score": "dot", "memory": "key-value"}},
    "key-value-projected": {**_NET, "encoder": "lstm", "attention": {"memory": "key-value", "heads": 2, "weighting": "sparsemax"}},
    "recall": {**_NET, "past": "general"},
    "recall-window": {**_LUONG, "past": {"scope": "window(2, 0)", "heads": 2}},
    "recall-at-once": {**_LUONG, "input_feeding": False, "past": {"memory": "key-value", "score": "dot", "weighting": "sparsemax"}},
    "recall-predict": {**_NET, "decoder_layers": 2, "past": {"memory": "key-value-predict"}},
    "recall-predict-heads": {**_NET, "past": {"memory": "key-value-predict", "score": "scaled", "heads": 2, "scope": "~window(1)"}},
    "recall-drawn": {**_LUONG, "attention": {"weighting": "hard"}, "past": {"weighting": "hard"}},
    "recall-steps": {**_NET, "past": {"score": "additive-coverage(3)", "scope": "window(2)"}},
    "recall-filters": {**_LUONG, "past": {"score": "location-sensitive(2, 3)", "scope": "window(2)"}},
    "recall-mixed": {**_NET, "attention": {"weighting": "marginal"}, "past": "general"},
    "recall-mixed-at-once": {**_LUONG, "input_feeding": False, "attention": {"weighting": "marginal"}, "past": {"memory": "key-value"}},
    "recall-fixed": {**_NET, "attention": "none", "context": "pooled", "past": {"score": "dot", "memory": "key-value"}},
}  # fmt: skip
# Every word, in a look back at one's own states.
MEMORIES |= {f"recall {s}": {**_LUONG, "past": {"score": s}} for s in written(mechanisms.SCORES)}
MEMORIES |= {f"recall {s}": {**_NET, "past": {"scope": s}} for s in written(mechanisms.SCOPES)}
MEMORIES |= {
    f"recall {w}": {**_NET, "past": {"score": "general", "weighting": w}}
    for w in written(mechanisms.WEIGHTINGS)
    if not attention(weighting=w).weighting.mixes
}
CONTEXTS = {
    f"{c}-{u}": {"context": c, "context_use": u}
    for c, u in product(("last", "transform", "all", "pooled", "structured"), ("state", "input", "both"))
}
