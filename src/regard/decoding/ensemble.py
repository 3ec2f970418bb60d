"""Several nets as one: the mean of their probabilities, and a net whose vocabularies are in another order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np

from regard.decoding.networks import Looks, WritingNetwork

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int


class Ensemble:
    """`p = mean of p_i`, of nets with one vocabulary; looks are those of the first.  What extends the vocabulary of some of them (copying)
    the others can neither read, which is then `unknown` to them, nor say."""

    def __init__(self, networks: Sequence[WritingNetwork], *, unknown: int) -> None:
        self._networks, self._unknown = tuple(networks), unknown
        self.extends = any(network.extends for network in networks)
        self.source_words, self.target_words = networks[0].source_words, networks[0].target_words

    def prepare(self, rows: int) -> Ensemble:
        return Ensemble([network.prepare(rows) for network in self._networks], unknown=self._unknown)

    def start(self, source: np.ndarray, valid: Bool[np.ndarray, "B K"]) -> tuple[Any, ...]:
        return tuple(n.start(self._read(n, source), valid) for n in self._networks)

    def step(self, words: Int[np.ndarray, " B"], state: tuple[Any, ...]) -> tuple[Float[np.ndarray, "B V"], tuple[Any, ...]]:
        each = [n.step(self._wrote(n, words), s) for n, s in zip(self._networks, state, strict=True)]
        told, most = [log_p for log_p, _ in each], max(log_p.shape[1] for log_p, _ in each)
        padded = [np.pad(x, ((0, 0), (0, most - x.shape[1])), constant_values=-np.inf) if x.shape[1] < most else x for x in told]
        return _mean(padded), tuple(left for _, left in each)

    def select(self, state: tuple[Any, ...], rows: Int[np.ndarray, " R"]) -> tuple[Any, ...]:
        return tuple(n.select(s, rows) for n, s in zip(self._networks, state, strict=True))

    def reorder(self, state: tuple[Any, ...], rows: Int[np.ndarray, " B"]) -> tuple[Any, ...]:
        return tuple(n.reorder(s, rows) for n, s in zip(self._networks, state, strict=True))

    def looks(self, source: np.ndarray, valid: Bool[np.ndarray, "B K"], words: Int[np.ndarray, "B T"]) -> tuple[Looks, Looks]:
        first = self._networks[0]
        return first.looks(self._read(first, source), valid, self._wrote(first, words))

    def cross_entropies(
        self,
        source: np.ndarray,
        valid: Bool[np.ndarray, "B K"],
        target: Int[np.ndarray, "B T"],
        real: Bool[np.ndarray, "B T"],
    ) -> Float[np.ndarray, " N"]:
        told = []
        for network in self._networks:
            known = self._wrote(network, target)
            nats = network.cross_entropies(self._read(network, source), valid, known, real)
            told.append(np.where((known != target)[real], np.inf, nats))
        return -_mean([-nats for nats in told])

    def _read(self, network: WritingNetwork, source: np.ndarray) -> np.ndarray:
        """A source as a net of them reads it."""
        return source if network.source_words is None else self._within(network, source, network.source_words)

    def _wrote(self, network: WritingNetwork, words: np.ndarray) -> np.ndarray:
        return self._within(network, words, network.target_words)

    def _within(self, network: WritingNetwork, words: np.ndarray, count: int) -> np.ndarray:
        return np.where(words < count, words, self._unknown) if self.extends and not network.extends else words


class RenumberedNetwork:
    """A net that was trained with other numbers for the same words.  source, target: for each word its number there; None: its source is
    no text.  What is numbered behind the vocabularies is of the pair, and stays."""

    def __init__(self, network: WritingNetwork, source: Sequence[int] | None, target: Sequence[int]) -> None:
        self._network, self._source, self._target = network, source, np.asarray(target)
        self.extends, self.source_words, self.target_words = network.extends, network.source_words, network.target_words
        self._read = None if source is None else np.asarray([*source, *(len(source) + number for number in target)])

    def prepare(self, rows: int) -> RenumberedNetwork:
        return RenumberedNetwork(self._network.prepare(rows), self._source, self._target.tolist())

    def exchange(self, change: Callable[[Any], Any]) -> RenumberedNetwork:
        """The same with what `change` makes of the net within."""
        inner: Any = self._network
        return RenumberedNetwork(inner.exchange(change), self._source, self._target.tolist())

    def start(self, source: np.ndarray, valid: Bool[np.ndarray, "B K"]) -> Any:
        return self._network.start(self._there(source), valid)

    def step(self, words: Int[np.ndarray, " B"], state: Any) -> tuple[Float[np.ndarray, "B V"], Any]:
        log_p, state = self._network.step(_numbered(words, self._target), state)
        own = log_p[:, self._target]
        behind = log_p[:, len(self._target) :]
        return np.concatenate([own, behind], 1) if behind.shape[1] else own, state

    def select(self, state: Any, rows: Int[np.ndarray, " R"]) -> Any:
        return self._network.select(state, rows)

    def reorder(self, state: Any, rows: Int[np.ndarray, " B"]) -> Any:
        return self._network.reorder(state, rows)

    def looks(self, source: np.ndarray, valid: Bool[np.ndarray, "B K"], words: Int[np.ndarray, "B T"]) -> tuple[Looks, Looks]:
        return self._network.looks(self._there(source), valid, _numbered(words, self._target))

    def cross_entropies(
        self,
        source: np.ndarray,
        valid: Bool[np.ndarray, "B K"],
        target: Int[np.ndarray, "B T"],
        real: Bool[np.ndarray, "B T"],
    ) -> Float[np.ndarray, " N"]:
        return self._network.cross_entropies(self._there(source), valid, _numbered(target, self._target), real)

    def _there(self, source: np.ndarray) -> np.ndarray:
        return source if self._read is None else _numbered(source, self._read)


def _mean(log_p: Sequence[np.ndarray]) -> np.ndarray:
    """The logarithm of the mean of probabilities."""
    most = np.maximum.reduce(log_p)
    most[np.isneginf(most)] = 0.0  # what no net can say: -inf stays
    with np.errstate(divide="ignore"):
        made: np.ndarray = np.log(sum(np.exp(x - most) for x in log_p)) + most - log(len(log_p))
    return made


def _numbered(words: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    return np.where(words < len(numbers), numbers[np.minimum(words, len(numbers) - 1)], words)
