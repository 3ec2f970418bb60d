"""Who is told what a program does: a line of text at a time."""

from collections.abc import Callable

Say = Callable[[str], None]
