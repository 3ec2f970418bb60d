"""Batches of a language model: windows of texts side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from regard.core.shapes import Array
from regard.data.tokenizer import PAD
from regard.tasks.language.windows import TokenWindow

if TYPE_CHECKING:
    from jaxtyping import Bool, Int


@dataclass(frozen=True, eq=False)
class LanguageBatch:
    """Windows side by side.  words: what is read; targets: what follows each; real: targets that count; first: nothing was read before,
    else each row goes on from the same row of the batch before, which may have had more rows."""

    words: Int[Array, "B T"]
    targets: Int[Array, "B T"]
    real: Bool[Array, "B T"]
    first: bool


def side_by_side(windows: Sequence[TokenWindow]) -> LanguageBatch:
    """Windows side by side, padded on the right."""
    longest = max(len(window.words) for window in windows)
    words, targets = np.full((2, len(windows), longest), PAD, dtype=np.int64)
    real = np.zeros((len(windows), longest), dtype=bool)
    for i, window in enumerate(windows):
        size = len(window.words)
        words[i, :size], targets[i, :size], real[i, window.skip : size] = window.words, window.targets, True
    return LanguageBatch(words, targets, real, windows[0].first)
