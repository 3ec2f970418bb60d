"""What a validation found, and shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Validation:
    """What a validation found: figures by name, and lines to show."""

    metrics: dict[str, float]
    samples: list[str]
