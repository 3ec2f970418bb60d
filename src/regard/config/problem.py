"""What is wrong with a config whose keys, each for itself, are right."""

from __future__ import annotations

from typing import NamedTuple

from regard.core.errors import ConfigError, message


class Problem(NamedTuple):
    """keys: dotted, the one to blame first."""

    keys: tuple[str, ...]
    expected: str
    received: str
    do: str


class ConfigErrors(ConfigError):
    """Keys that do not go together; `problems` has them one by one."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(message(p.keys[0], p.expected, p.received, p.do) for p in problems))
        self.problems = problems
