"""What the sections of single tasks share; each stands in its task's folder, and under the task's name in a config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, Self

from regard.config.base import Section

if TYPE_CHECKING:
    from regard.config.schema import Config


class Problem(NamedTuple):
    """What is wrong with a config whose keys, each for itself, are right.  keys: dotted, the one to blame first."""

    keys: tuple[str, ...]
    expected: str
    received: str
    do: str


class TaskSection(Section):
    """The keys of one task."""

    @classmethod
    def of(cls, config: Config) -> Self:
        """The section of a config whose task has these keys."""
        own = config.own
        assert isinstance(own, cls)  # the config gives it to its task
        return own

    def check(self, config: Config) -> Iterator[Problem]:
        """What the task demands of the keys of a config, its own and others."""
        return iter(())

    def net(self, config: Config) -> dict[str, str]:
        """What `info` says of the net, by name, where an encoder and a decoder do not tell it; {} where they do."""
        return {}
