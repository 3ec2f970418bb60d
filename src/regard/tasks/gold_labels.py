"""Gold labels, what is right of items: names of which training may never have seen some, and which of them were taken for others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from regard.core.plural import list_counts
from regard.data.vocab import Vocabulary
from regard.metrics.confusions import Confusion, Mistake
from regard.tasks.base import TaskPrediction

if TYPE_CHECKING:
    from regard.config import Config

NAMED = 10  # so many labels that training never saw are named

P = TypeVar("P")


class LabelPredictor(ABC, Generic[P]):
    """A model whose answers are judged.  P: an item in numbers."""

    config: Config
    what = "items"  # in the plural, for messages
    right_is = "label"  # what is right of an item, for messages

    @abstractmethod
    def encode(self, item: Any) -> P:
        """An item in numbers, with what is right of it where it says so; of what training never saw see `told`."""

    @abstractmethod
    def right(self, item: Any) -> str:
        """What is right, as `TaskPrediction.text` says it."""

    def told(self, item: P) -> bool:
        """Whether all that is right of an item is among what training saw; else it has no loss, and counts as wrong."""
        return True

    def rights(self, item: Any) -> Iterable[tuple[str, Vocabulary]]:
        """What is right of an item, each with what training saw of its kind; nothing where any answer can be given."""
        return ()

    def unseen(self, items: Iterable[Any]) -> Counter[str]:
        """What is right of items, of all that training never saw, and how often."""
        return Counter(name for item in items for name, known in self.rights(item) if name not in known)

    def remarks(self, train: Sequence[Any], valid: Sequence[Any]) -> Iterator[str]:
        """What a person should know of the items before training begins.  DataError where the validation items can judge nothing."""
        missing = self.unseen(valid)
        if not missing:
            return
        total = sum(1 for item in valid for _ in self.rights(item))
        told = sum(self.told(self.encode(item)) for item in valid)
        if missing.total() == total or (not told and self.config.train.metric == "loss"):
            item, name, known = next((x, n, k) for x in valid for n, k in self.rights(x) if n not in k)
            known.number(name, what=self.right_is, place=getattr(item, "place", "the validation data"))
        yield (
            f"note: {missing.total():,} of {total:,} {self.right_is}s of the validation data are none that training saw: "
            f"{list_counts(missing, NAMED)}. They count as wrong; the loss is without the {len(valid) - told:,} {self.what} that have one."
        )

    @property
    def has_mistakes(self) -> bool:
        """Whether answers can be taken for others, so that `mistake` says which."""
        return False

    def mistake(self, item: Any, found: TaskPrediction) -> Mistake | None:
        """What was answered wrong; None where nothing was.  An answer that is one label as a whole, unless a task says otherwise."""
        right = self.right(item)
        if found.text == right:
            return None
        return Mistake(
            str(item.place), item.source, right, found.text, found.score or 0.0, [(item.source, Confusion(right, found.text))]
        )
