"""Nets whose heads do more than read words off a state: each kind of head with decoders, weightings, scopes and heads of all sorts."""

from __future__ import annotations

from typing import Any

_GRU: dict[str, Any] = {"embedding": 5, "size": 6, "encoder": "bigru", "decoder": "gru"}
_LSTM = {**_GRU, "encoder": "lstm", "decoder": "lstm"}
_FREE = {"order": "luong", "input_feeding": False}
_COPY = {"head": "copy"}
_MONOTONIC = {**_FREE, "head": "hard-monotonic"}
_TRANSFORMER = {"family": "transformer", "size": 6, "feedforward": 5, "max_positions": 16, "decoder_layers": 2, "heads": 2}

HEADS: dict[str, dict[str, Any]] = {
    "words, tied": {**_GRU, "attention": "additive", "tie": "all"},
    "copy": {**_GRU, **_COPY, "attention": "additive"},
    "copy, feeding, two heads": {**_LSTM, **_COPY, "order": "luong", "attention": {"score": "scaled", "heads": 2}},
    "copy, fading": {**_LSTM, **_FREE, **_COPY, "attention": {"score": "general", "scope": "local-p(2)"}, "tie": "output"},
    "copy, sparse": {**_GRU, **_COPY, "attention": {"score": "general", "weighting": "sparsemax", "scope": "window(1)"}},
    "copy, sigmoid": {**_GRU, **_COPY, "attention": {"score": "dot", "weighting": "sigmoid", "project": True}},
    "copy, coverage": {**_LSTM, **_FREE, **_COPY, "attention": "general + coverage"},
    "copy, transformer": {**_TRANSFORMER, **_COPY, "tie": "output"},
    "copy, hard transformer": {**_TRANSFORMER, **_COPY, "attention": {"weighting": "hard"}},
    "marginal": {**_GRU, "attention": {"score": "additive", "weighting": "marginal"}},
    "marginal, feeding": {**_LSTM, "order": "luong", "attention": {"score": "general", "weighting": "marginal"}, "tie": "output"},
    "marginal, free, two heads": {**_GRU, **_FREE, "attention": {"score": "scaled", "weighting": "marginal", "heads": 2}},
    "marginal, looking back": {**_GRU, "past": "general", "attention": {"score": "general", "weighting": "marginal"}},
    "monotonic": {**_LSTM, **_MONOTONIC, "attention": "dot"},
    "monotonic, projected": {**_GRU, **_MONOTONIC, "attention": {"score": "additive", "project": True}, "tie": "output"},
    "monotonic, window": {**_GRU, **_MONOTONIC, "attention": {"score": "general", "scope": "window(1)"}},
    "monotonic, fading": {**_GRU, **_MONOTONIC, "attention": {"score": "general", "scope": "local-p(2)"}},
    "monotonic, coverage": {**_LSTM, **_MONOTONIC, "attention": "general + coverage"},
}  # fmt: skip
