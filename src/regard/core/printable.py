"""Text of data where people read it: a terminal, a log, a picture.

Control characters of a text are commands to a terminal (`ESC ]0;` sets its title), and XML allows almost none of them.
"""

from __future__ import annotations

import re

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """The text with what cannot be shown by its number, as in `[U+001B]`: controls but tab and newline, line separators, half
    surrogates, and the two code points that are no characters and that no XML may hold."""
    return _UNPRINTABLE.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)
