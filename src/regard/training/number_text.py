"""Figures and times of a training, as people read them."""

from __future__ import annotations

import math


def number(value: object, digits: int | None = None) -> str:
    """A figure with so many places behind the point, or with four that count; "-" where there is none."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return "-"
    return f"{value:,.{digits}f}" if digits is not None else f"{value:.4g}"


def clock(seconds: object) -> str:
    """Seconds as "1:02:03" or "2:03"; "-" where nobody knows."""
    if not isinstance(seconds, int | float):
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
