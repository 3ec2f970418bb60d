"""Items of files as a training reads them: how many there are, which labels they have, and how a training takes the files' columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from regard.check.form import FileForm, StatedForm
from regard.data.columns import Layout
from regard.data.prediction_layout import another

FEW = 1000  # items up to which it is tried whether some can be set aside for validation


@dataclass
class ItemsSeen:
    """What was read of a set of files.  first: some of the items; right: the labels of all, or numbers; letters: of running text."""

    count: int = 0
    first: list[Any] = field(default_factory=list)
    right: Counter[str] = field(default_factory=Counter)
    letters: int = 0


@dataclass(frozen=True)
class FilesToRead:
    """Files, what is known and said of them, and the files of the training that they are to validate, if any."""

    files: Sequence[str]
    form: FileForm
    given: StatedForm
    train: Sequence[str] | None = None

    def layout(self) -> Layout:
        """How a training reads tables.  DataError where it takes so many files, of such names, for none that go together."""
        layout = self.form.layout(self.given)
        if self.train is None:
            Layout(self.given.format or "auto").resolved(self.files)
            return layout
        layout = another(self.files, layout, trained_on=layout.format, train=self.train, inputs=False)
        return layout if layout.named else replace(layout, header="auto")
