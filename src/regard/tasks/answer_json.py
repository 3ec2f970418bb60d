"""Answers in what JSON holds, alike for the command line and the server."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regard.tasks.base import Scored, TaskPrediction


def of_source(prediction: TaskPrediction) -> dict[str, Any]:
    """What the answers to one source have in common."""
    return {
        "source": prediction.source,
        "features": list(prediction.features),
        "unknown": list(prediction.unknown),
        "source_tokens": list(prediction.source_tokens),
    }


def of_hypothesis(prediction: TaskPrediction) -> dict[str, Any]:
    """One answer, without attention."""
    found = {"text": prediction.text, "score": prediction.score, "tokens": list(prediction.tokens)}
    return {**found, "details": prediction.details} if prediction.details else found


def of_scored(scored: Scored) -> dict[str, Any]:
    """How likely a target is; null for what has no probability."""
    whole = scored.score is not None and math.isfinite(scored.score)
    return {
        "source": scored.source,
        "features": list(scored.features),
        "target": scored.target,
        "score": scored.score if whole else None,
        "tokens": list(scored.tokens),
        "log_probabilities": [p if math.isfinite(p) else None for p in scored.log_probabilities],
        "unknown": list(scored.unknown),
    }
