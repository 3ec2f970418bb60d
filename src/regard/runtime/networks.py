"""Exported nets, asked as nets in PyTorch are: arrays in, arrays out."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from regard.runtime.graph import Graph
from regard.runtime.player import Arrays, Player

BOS = 1  # what a decoder reads first: `data.tokenizer.BOS`
STATE, BELOW = "state.", "/"  # names of a state's arrays; what parts the names of a tree
State = tuple[np.ndarray, ...]


class GraphWriter:
    """A net that writes, as two graphs: a `decoding.networks.WritingNetwork`.

    start: reads a source, and gives the state before the first word; step: one word more.  common: which arrays of the state all lines
    of a sentence have in common.
    """

    def __init__(
        self,
        start: Graph,
        step: Graph,
        weights: Arrays,
        *,
        source_words: int | None,
        target_words: int,
        extends: bool = False,
        common: Sequence[int] = (),
    ) -> None:
        self.source_words, self.target_words, self.extends, self.common = source_words, target_words, extends, frozenset(common)
        self._states = [port.name for port in step.inputs if port.name.startswith(STATE)]
        self._shown = [
            [p.name for p, _ in g.outputs if p.name != "log_p" and not p.name.startswith(STATE)] for g in (start, step)
        ]
        self._start, self._step = Player(start.only(self._states), weights), Player(step.only(["log_p", *self._states]), weights)
        self._looking = start, step, weights
        self._players: tuple[Player, Player] | None = None

    def prepare(self, rows: int) -> GraphWriter:
        """Itself: it is ready."""
        return self

    def start(self, *inputs: np.ndarray) -> State:
        """The state before the first word, for a source and what of it is real; of a net without a source, for so many rows of words."""
        names = [port.name for port in self._start.graph.inputs]
        made = self._start(**dict(zip(names, inputs, strict=True)))
        return tuple(made[name] for name in self._states)

    def step(self, words: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """The log-probabilities of the next word, "B V", and the state behind the word that was read."""
        made = self._step(words=words, **dict(zip(self._states, state, strict=True)))
        return made["log_p"], tuple(made[name] for name in self._states)

    def select(self, state: State, rows: np.ndarray) -> State:
        """The state of other rows."""
        return tuple(array.take(rows, 0) for array in state)

    def reorder(self, state: State, rows: np.ndarray) -> State:
        """`select` for lines that change places with lines of their own sentence."""
        return tuple(array if i in self.common else array.take(rows, 0) for i, array in enumerate(state))

    def looks(self, source: np.ndarray, valid: np.ndarray, words: np.ndarray) -> tuple[Arrays, Arrays]:
        """Where the encoder looked, and the decoder while it read these words, "B T", one after the other."""
        start, step = self._with_looks()
        names = [port.name for port in start.graph.inputs]
        begun = start(**dict(zip(names, (source, valid), strict=True)))
        _, told = self._read(words, tuple(begun[name] for name in self._states), step)
        return {name: begun[name] for name in self._shown[0]}, {
            name: _beneath([row[name] for row in told]) for name in self._shown[1]
        }

    def _with_looks(self) -> tuple[Player, Player]:
        """The same graphs with all that they show, made when somebody looks first."""
        if self._players is None:
            start, step, weights = self._looking
            self._players = Player(start, weights), Player(step, weights)
        return self._players

    def _read(self, words: np.ndarray, state: State, step: Player) -> tuple[State, list[dict[str, np.ndarray]]]:
        told = []
        for word in words.T:
            told.append(step(words=np.ascontiguousarray(word), **dict(zip(self._states, state, strict=True))))
            state = tuple(told[-1][name] for name in self._states)
        return state, told

    def cross_entropies(self, source: np.ndarray, valid: np.ndarray, target: np.ndarray, real: np.ndarray) -> np.ndarray:
        """The cross-entropy of each real word of the targets in nats, row by row."""
        state, each = self.start(source, valid), np.zeros(target.shape, np.float32)
        before = np.full(len(target), BOS, dtype=np.int64)
        for t in range(target.shape[1]):
            log_p, state = self.step(before, state)
            each[:, t] = -np.take_along_axis(log_p, target[:, t : t + 1], 1)[:, 0]
            before = target[:, t]
        return each[real]


def _beneath(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Looks of one step each, "B H 1 K", one below the other; K may grow, and what was not there yet has no weight."""
    most = max(row.shape[3] for row in rows)
    return np.concatenate([np.pad(row, ((0, 0), (0, 0), (0, 0), (0, most - row.shape[3]))) for row in rows], 2)


class GraphAnswers:
    """A net that answers in one pass, as one graph: `answer` as a task's network has it.

    fields: of what is answered, in order, with what stands there where the graph makes nothing: None, or {} for looks by name.
    """

    def __init__(self, graph: Graph, weights: Arrays, answers: Mapping[str, Any]) -> None:
        self._told, names = dict(answers), [port.name for port, _ in graph.outputs]
        self._form = namedtuple("Answers", answers)  # type: ignore[misc]  # its fields are those of the task's own
        self._plain = Player(graph.only([n for n in names if not n.startswith("looks" + BELOW)]), weights)
        self._all = Player(graph, weights)

    def answer(self, batch: Any, *, weights: bool = False) -> Any:
        """What is said of a batch of arrays, in arrays.  weights: with where it looked."""
        player = self._all if weights else self._plain
        given = dict(arrays(batch))
        made = player(**{port.name: given[port.name] for port in player.graph.inputs})
        told = {name: {} if value == {} else value for name, value in self._told.items()}
        for name, array in made.items():
            field, _, key = name.partition(BELOW)
            if key:
                told[field][key] = array
            else:
                told[field] = array
        return self._form(**told)


def arrays(tree: Any, name: str = "", kind: type = np.ndarray) -> Iterator[tuple[str, Any]]:
    """The arrays of a batch or of answers, each by its path; of what is of no `kind` nothing is told."""
    if isinstance(tree, kind):
        yield name, tree
        return
    if is_dataclass(tree) and not isinstance(tree, type):
        parts: Any = [(f.name, getattr(tree, f.name)) for f in fields(tree)]
    elif isinstance(tree, dict):
        parts = tree.items()
    elif isinstance(tree, tuple) and hasattr(tree, "_fields"):
        parts = zip(tree._fields, tree, strict=True)
    else:
        return
    for part, value in parts:
        yield from arrays(value, f"{name}{BELOW}{part}" if name else str(part), kind)
