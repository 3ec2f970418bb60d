"""What decoding asks of a net: arrays in, arrays out, and states that it hands on unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

Looks = dict[str, np.ndarray]  # by name of the attention, such as "decoder.0.cross": "B H Q K"


@runtime_checkable
class StepNetwork(Protocol):
    """A net that says what comes next, word after word.  Its states are its own: they are chosen and put in order by it alone."""

    def step(self, words: Int[np.ndarray, " B"], state: Any) -> tuple[Float[np.ndarray, "B V"], Any]:
        """The log-probabilities of the next word after one more word, in an array that the caller may write into; the state behind it."""
        ...

    def select(self, state: Any, rows: Int[np.ndarray, " R"]) -> Any:
        """The state of other rows of the batch: some of them, or one several times."""
        ...

    def reorder(self, state: Any, rows: Int[np.ndarray, " B"]) -> Any:
        """`select` for lines of a beam that change places with lines of their own sentence only."""
        ...


@runtime_checkable
class WritingNetwork(StepNetwork, Protocol):
    """A net that writes a target for each source.

    extends: it says words of its own beyond its vocabulary, and takes a source that has such.  source_words, target_words: sizes of the
    vocabularies; None: its source is no text.
    """

    @property
    def extends(self) -> bool: ...
    @property
    def source_words(self) -> int | None: ...
    @property
    def target_words(self) -> int: ...

    def prepare(self, rows: int) -> WritingNetwork:
        """The same net, ready for many steps of about so many rows; itself where nothing is gained."""
        ...

    def start(self, source: np.ndarray, valid: Bool[np.ndarray, "B K"]) -> Any:
        """The state before the first word.  source: words "B K", or the cells of images "B K P"; valid: True = a real one, padding lies on
        the right."""
        ...

    def looks(self, source: np.ndarray, valid: Bool[np.ndarray, "B K"], words: Int[np.ndarray, "B T"]) -> tuple[Looks, Looks]:
        """Where the encoder looked, and the decoder while it read these words from the start sign on; padding included, in float32."""
        ...

    def cross_entropies(
        self,
        source: np.ndarray,
        valid: Bool[np.ndarray, "B K"],
        target: Int[np.ndarray, "B T"],
        real: Bool[np.ndarray, "B T"],
    ) -> Float[np.ndarray, " N"]:
        """The cross-entropy of each real word of the targets in nats, row by row."""
        ...
