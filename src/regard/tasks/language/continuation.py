"""How a text goes on: words are written after those that were read, at most so many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from regard.data.tokenizer import BOS, EOS
from regard.decoding.networks import StepNetwork
from regard.decoding.search import Bounds
from regard.decoding.ways import Beam, Sample, find
from regard.tasks.base import Hypothesis
from regard.tasks.language.batch import LanguageBatch
from regard.tasks.writing import NEVER

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@runtime_checkable
class ReadingNetwork(StepNetwork, Protocol):
    """A language model: it reads texts, says what follows, and where it looked."""

    def read(self, words: Int[np.ndarray, "B T"]) -> tuple[Float[np.ndarray, "B V"], Any]:
        """The log-probabilities of what follows the last of the words, which begin with the start sign, and the state behind them."""
        ...

    def cross_entropies(self, batch: LanguageBatch, state: Any) -> tuple[Float[np.ndarray, " N"], Any]:
        """The cross-entropy of each target that counts, in nats, row by row, and the state behind the windows.  state: behind those before;
        None: as if nothing was read."""
        ...

    def looks(self, batch: LanguageBatch, state: Any) -> list[Float[np.ndarray, "B H T K"]]:
        """Where each layer looks in windows, the last T of K places their words; in float32.  state: as in `cross_entropies`."""
        ...


@dataclass(frozen=True)
class WritingState:
    """Where the writing of a text stands.  inner: of the network; ahead: what it says of the next word, where that is known already; left:
    how many words may still be written."""

    inner: Any
    ahead: Float[np.ndarray, "B V"] | None
    left: Int[np.ndarray, " B"]


class BoundedWriter:
    """A network whose texts are cut off at their bound: there the end is certain, and costs nothing."""

    def __init__(self, network: ReadingNetwork) -> None:
        self._network = network

    def step(self, words: Int[np.ndarray, " B"], state: WritingState) -> tuple[Float[np.ndarray, "B V"], WritingState]:
        log_p, inner = (state.ahead, state.inner) if state.ahead is not None else self._network.step(words, state.inner)
        over = state.left <= 0
        if over.any():
            log_p[over] = -np.inf
            log_p[over, EOS] = 0.0
        return log_p, WritingState(inner, None, state.left - 1)

    def select(self, state: WritingState, rows: Int[np.ndarray, " R"]) -> WritingState:
        ahead = None if state.ahead is None else state.ahead[rows]
        return WritingState(self._network.select(state.inner, rows), ahead, state.left[rows])

    def reorder(self, state: WritingState, rows: Int[np.ndarray, " B"]) -> WritingState:
        return WritingState(self._network.reorder(state.inner, rows), state.ahead, state.left[rows])


def go_on(
    network: ReadingNetwork, begun: Int[np.ndarray, "B T"], *, most: int, least: int, way: Beam | Sample, attention: bool
) -> list[list[Hypothesis]]:
    """How texts of one length go on: at most `most` words each, the best or the drawn.

    A score is the log-probability of what was written, the end sign included where the network wrote it; a text that is cut off at
    its bound pays nothing for that.  attention: "past.N", a row for each word written and a column for each word read, the start
    sign first: where the network looked as it wrote that word.
    """
    words = np.concatenate([np.full((len(begun), 1), BOS), begun], 1)
    ahead, inner = network.read(words)
    full = np.full(len(words), most)
    state, bounds = WritingState(inner, ahead, full), Bounds(BOS, EOS, NEVER, full, least)
    found = find(BoundedWriter(network), state, bounds=bounds, way=way, sources=list(begun))
    made = []
    for row, best in zip(words, found, strict=True):
        written = [(h.words[:most], h.score) for h in best]  # the end of what was cut off is none
        made.append([Hypothesis(w, score, _looked(network, row, w) if attention else {}) for w, score in written])
    return made


def _looked(network: ReadingNetwork, begun: Int[np.ndarray, " T"], written: Sequence[int]) -> dict[str, np.ndarray]:
    """Where it looked for each word written: the text is read once more, so it is always that of the final words."""
    read = np.concatenate([begun, np.array(written[:-1], dtype=np.int64)])[None]
    looks = network.looks(LanguageBatch(read, read, np.ones_like(read, bool), True), None)
    return {f"past.{i}": w[0, :, -len(written) :] for i, w in enumerate(looks)}
