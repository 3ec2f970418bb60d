"""Which scripts are written without spaces between words, so that words between spaces are no measure of their texts."""

from __future__ import annotations

import re

HAN = re.compile(r"[\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
KANA = re.compile(r"[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f\U0001aff0-\U0001b16f]")
SOUTHERN = re.compile(r"[\u0e01-\u0e5b\u0e81-\u0edf\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9fe\u1780-\u17ff\u0f00-\u0fff]")
# Thai, Lao, Myanmar and its extensions, Khmer, Tibetan.


def count_unspaced(text: str) -> tuple[int, int]:
    """How many characters of a text are Han, and how many of another script without spaces between words."""
    return len(HAN.findall(text)), len(KANA.findall(text)) + len(SOUTHERN.findall(text))
