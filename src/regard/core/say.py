"""Who is told what a program does: a line of text at a time."""

from __future__ import annotations

from collections.abc import Callable

Say = Callable[[str], None]
