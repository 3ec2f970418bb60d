"""What all checks know of the files in hand: the task, the form, what each role holds, and how people call it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from regard.check.column_profile import Profile
from regard.check.form import FileForm, StatedForm
from regard.check.traits import TaskTraits
from regard.core.plural import many

PLAIN = ("phones", "symbols", "words", "transcription", "features", "numbers")  # in which a second blank is never meant


@dataclass(frozen=True)
class Case:
    """own: what the task says of its data.  profiles: of each role.  given: what was said of the files.  sampled: whether only the
    first rows are looked at."""

    own: TaskTraits
    form: FileForm
    given: StatedForm
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    sampled: bool = False

    @property
    def task(self) -> str:
        return self.own.task

    @property
    def rewritten(self) -> bool:
        """Whether --fix can write such files again."""
        return self.own.rewrites and self.form.format not in ("json", "arrays")

    def noun(self, role: str) -> str:
        return self.own.nouns.get(role, role)

    def many(self, count: int, role: str) -> str:
        """`3 labels`."""
        one = self.noun(role)
        return many(count, one, one if role in ("features", "tags") else "")

    def manner(self, role: str) -> str:
        return self.profiles[role].manner if role in self.profiles else "text"

    def labelled(self, role: str) -> bool:
        """Whether a role holds labels: by the task, not by chance."""
        return role in self.own.labelled

    def plain(self, role: str) -> bool:
        """Whether cells are single words, symbols or labels, in which white space and marks are never meant."""
        return self.labelled(role) or self.manner(role) in PLAIN

    @property
    def numeric(self) -> frozenset[str]:
        """Roles of numbers."""
        return frozenset(role for role, held in self.profiles.items() if held.manner == "numbers")

    def column(self, role: str) -> str:
        """A role's column as messages name it."""
        at = self.form.roles.get(role)
        return self.noun(role) if at is None else self.form.called(at)
