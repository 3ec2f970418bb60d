"""Exported nets, asked as nets in PyTorch are: arrays in, arrays out."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from regard.runtime.folding import Arrays
from regard.runtime.functions import STATE, Function, State, choose_rows, packs_of
from regard.runtime.graph import Graph

BOS = 1  # what a decoder reads first: `data.tokenizer.BOS`
BELOW = "/"  # parts the names of a tree


class GraphSteps:
    """A net that goes on word by word, as two graphs: a `decoding.networks.StepNetwork`.

    start: gives the state before the first word; step: one word more.  common: which arrays of the state all lines of a sentence have in
    common.  prefix: looks of which a step shows the newest place alone.
    """

    def __init__(
        self, start: Graph, step: Graph, weights: Arrays, *, common: Sequence[int] = (), prefix: Sequence[str] = ()
    ) -> None:
        self.common, self._prefix, self._packs = frozenset(common), frozenset(prefix), packs_of()
        states = [port.name for port in step.inputs if port.name.startswith(STATE)]
        self._start = Function(start.only(states), weights, self._packs)
        self._step = Function(step.only(["log_p", *states]), weights, self._packs)
        self._looking = start, step, weights
        self._functions: tuple[Function, Function] | None = None

    @property
    def rows_alike(self) -> bool:
        """Whether batches never show, to the last bit (`Function.rows_alike`)."""
        return all(f.rows_alike for f in (self._start, self._step, *(self._functions or ())))

    def step(self, words: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """The log-probabilities of the next word, "B V", and the state behind the word that was read."""
        made, state = self._step({"words": words}, state)
        return made["log_p"], state

    def select(self, state: State, rows: np.ndarray) -> State:
        """The state of other rows."""
        return choose_rows(state, rows, (), self._step.shared)

    def reorder(self, state: State, rows: np.ndarray) -> State:
        """`select` for lines that change places with lines of their own sentence."""
        return choose_rows(state, rows, self.common, self._step.shared)

    def _with_looks(self) -> tuple[Function, Function]:
        """The same graphs with all that they show, made when somebody looks first."""
        if self._functions is None:
            start, step, weights = self._looking
            self._functions = Function(start, weights, self._packs), Function(step, weights, self._packs)
        return self._functions

    def _look(self, words: np.ndarray, state: State) -> dict[str, np.ndarray]:
        """Where it looks while it reads these words, "B T", one after the other."""
        step, told = self._with_looks()[1], []
        for word in words.T:
            made, state = step({"words": word}, state)
            told.append(made)
        shown = [name for name in step.outputs if name != "log_p"]
        looks = {name: ([made[name] for made in told], name.endswith("self")) for name in shown}
        return {name: _of_prefixes(rows) if name in self._prefix else _beneath(rows, own) for name, (rows, own) in looks.items()}

    def _costs(self, words: np.ndarray, targets: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """The cross-entropy of each target, "B T", after the words up to its own; and the state behind them."""
        costs = np.zeros(targets.shape, np.float32)
        for t, word in enumerate(words.T):
            log_p, state = self.step(word, state)
            costs[:, t] = -np.take_along_axis(log_p, targets[:, t : t + 1], 1)[:, 0]
        return costs, state


class GraphWriter(GraphSteps):
    """A net that writes a target for each source: a `decoding.networks.WritingNetwork`."""

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
        prefix: Sequence[str] = (),
    ) -> None:
        super().__init__(start, step, weights, common=common, prefix=prefix)
        self.source_words, self.target_words, self.extends = source_words, target_words, extends

    def prepare(self, rows: int) -> GraphWriter:
        """Itself: it is ready."""
        return self

    def start(self, source: np.ndarray, valid: np.ndarray) -> State:
        """The state before the first word."""
        return self._start({"source": source, "valid": valid})[1]

    def looks(
        self, source: np.ndarray, valid: np.ndarray, words: np.ndarray
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Where the encoder looked, and the decoder while it read these words from the start sign on."""
        encoded, state = self._with_looks()[0]({"source": source, "valid": valid})
        return encoded, self._look(words, state)

    def cross_entropies(self, source: np.ndarray, valid: np.ndarray, target: np.ndarray, real: np.ndarray) -> np.ndarray:
        """The cross-entropy of each real word of the targets in nats, row by row."""
        read = np.concatenate([np.full_like(target[:, :1], BOS), target[:, :-1]], 1)
        return self._costs(read, target, self.start(source, valid))[0][real]


class GraphReader(GraphSteps):
    """A language model: what `tasks.language.continuation` asks of one."""

    def read(self, words: np.ndarray) -> tuple[np.ndarray, State]:
        """The log-probabilities of what follows the last of the words, which begin with the start sign, and the state behind them."""
        state = self._start({"words": words[:, 0]})[1]
        for word in words.T:
            log_p, state = self.step(word, state)
        return log_p, state

    def cross_entropies(self, batch: Any, state: Any) -> tuple[np.ndarray, State]:
        """The cross-entropy of each target that counts, row by row, and the state behind the windows."""
        costs, state = self._costs(batch.words, batch.targets, self._begun(batch, state))
        return costs[batch.real], state

    def looks(self, batch: Any, state: Any) -> list[np.ndarray]:
        """Where each layer looks in windows, the last T of K places their words."""
        return list(self._look(batch.words, self._begun(batch, state)).values())

    def _begun(self, batch: Any, state: State | None) -> State:
        """The state that a window begins with: rows that are over stood last."""
        if batch.first or state is None:
            return self._start({"words": batch.words[:, 0]})[1]
        return choose_rows(state, np.arange(len(batch.words)))


def _beneath(rows: Sequence[np.ndarray], own: bool) -> np.ndarray:
    """Looks of one step each, "B H 1 K", one below the other.  own: at what was written, which grows by a place a step and may be forgotten
    at its other end; what is not there has no weight."""
    if not own:
        return np.concatenate(rows, 2)
    before, (B, H, _, _) = rows[0].shape[3] - 1, rows[0].shape
    made = np.zeros((B, H, len(rows), before + len(rows)), rows[0].dtype)
    for t, row in enumerate(rows):
        end = before + t + 1
        made[:, :, t, end - row.shape[3] : end] = row[:, :, 0]
    return made


def _of_prefixes(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Looks of one step each at the newest place, "B H 1 1", with those at all places before it: what the newest does not take, they share
    as they shared it the step before.  For softmax over all that was written: exp(s_k) over a sum that grows by one term a step."""
    (B, H, _, _), T = rows[0].shape, len(rows)
    made = np.zeros((B, H, T, T), rows[0].dtype)
    for t, row in enumerate(rows):
        newest = row[:, :, 0, -1:]
        made[:, :, t, :t] = made[:, :, t - 1, :t] * (1 - newest)
        made[:, :, t, t] = newest[..., 0]
    return made


class GraphAnswers:
    """A net that answers in one pass, as one graph: `answer` as a task's network has it.

    fields: of what is answered, in order, with what stands there where the graph makes nothing: None, or {} for looks by name.
    """

    def __init__(self, graph: Graph, weights: Arrays, answers: Mapping[str, Any]) -> None:
        self._told, names, packs = dict(answers), [port.name for port, _ in graph.outputs], packs_of()
        self._form = namedtuple("Answers", answers)  # type: ignore[misc]  # its fields are those of the task's own
        self._plain = Function(graph.only([n for n in names if not n.startswith("looks" + BELOW)]), weights, packs)
        self._all = Function(graph, weights, packs)

    @property
    def rows_alike(self) -> bool:
        """Whether batches never show, to the last bit (`Function.rows_alike`)."""
        return self._plain.rows_alike and self._all.rows_alike

    def answer(self, batch: Any, *, weights: bool = False) -> Any:
        """What is said of a batch of arrays, in arrays.  weights: with where it looked."""
        function, given = self._all if weights else self._plain, dict(arrays(batch))
        made, _ = function({name: given[name] for name in function.inputs})
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
