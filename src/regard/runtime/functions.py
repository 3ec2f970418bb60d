"""A graph as a function of arrays and of a state: by the compiled loops where they know all of it, else by numpy."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from ctypes import c_int64, c_void_p

import numpy as np

from regard.core.library import Library, library, numbers
from regard.runtime.folding import Arrays, fold
from regard.runtime.graph import Graph
from regard.runtime.player import Player
from regard.runtime.program import CODES, DTYPES, MOST_RANKS, Packs, Program, Uncompilable, describe, find_shared

STATE = "state."  # of the names of a state's arrays


class Held:
    """Arrays that the compiled loops hold: the state of a net between two steps."""

    __slots__ = ("address", "loops", "many")

    def __init__(self, loops: Library, address: int, many: int) -> None:
        self.loops, self.address, self.many = loops, address, many

    def __del__(self) -> None:
        self.loops.release(self.address)

    def array(self, i: int) -> np.ndarray:
        """A copy of one."""
        about = (c_int64 * (2 + MOST_RANKS))()
        self.loops.describe(self.address, i, about)
        made = np.empty(about[2 : 2 + about[1]], DTYPES[about[0]])
        if self.loops.copy(self.address, i, made.ctypes.data):
            raise MemoryError(f"an array of {made.size:,} numbers")
        return made

    def rows(self, rows: np.ndarray, common: Collection[int], shared: Collection[int]) -> Held:
        """The arrays of these rows; those in `common` as they are, those in `shared` with one row for several that are alike."""
        wanted = np.ascontiguousarray(rows, np.int64)
        told = [numbers([int(i in some) for i in range(self.many)]) for some in (common, shared)]
        address = self.loops.rows(self.address, len(wanted), wanted.ctypes.data, *told)
        if not address:
            raise MemoryError(f"a state of {len(wanted):,} rows")
        return Held(self.loops, address, self.many)


State = Held | tuple[np.ndarray, ...]


def packs_of() -> Packs | None:
    """Room for the matrices of a net in the compiled loops; None where there are none: then numpy plays alone."""
    loops = library()
    return Packs(loops) if loops else None


class Function:
    """state: the names of the arrays of a state, which the graph takes, gives, or both; they are handed on unseen.

    packs: matrices that other functions of the same net have in common with this one.
    """

    def __init__(self, graph: Graph, weights: Arrays, packs: Packs | None) -> None:
        self.inputs = [port.name for port in graph.inputs if not port.name.startswith(STATE)]
        self.outputs = [port.name for port, _ in graph.outputs if not port.name.startswith(STATE)]
        self.takes, self.gives = (
            [p.name for p in ports if p.name.startswith(STATE)] for ports in (graph.inputs, [p for p, _ in graph.outputs])
        )
        self._folded = fold(graph, weights)
        self.by_numpy = 0  # how often numpy was asked
        self._player: Player | None = None
        self._program: Program | None = None
        self._columns: dict[int, int] = {}  # of outputs that are tables of float32, as many as they had last
        if packs is not None:
            with suppress(Uncompilable):
                self._program = Program(self._folded, packs, [*self.inputs, *self.takes], [*self.outputs, *self.gives])
        self.shared = find_shared(self._folded, self.takes)

    @property
    def rows_alike(self) -> bool:
        """Whether a row is computed alike in any batch, whatever stands behind it as padding, to the last bit: the loops play all of it."""
        return self._program is not None and not self.by_numpy

    def __call__(self, inputs: Mapping[str, np.ndarray], state: State = ()) -> tuple[dict[str, np.ndarray], State]:
        """The outputs by name, and the state that is left.  RunFolderError for a graph of anybody's that cannot be played."""
        if self._program is not None and (told := self._run(self._program, inputs, state)) is not None:
            return told
        if self._player is None:
            self._player = Player(self._folded)
        self.by_numpy += 1
        arrays = tuple(map(state.array, range(state.many))) if isinstance(state, Held) else state
        made = self._player(**inputs, **dict(zip(self.takes, arrays, strict=True)))
        return {name: made[name] for name in self.outputs}, tuple(made[name] for name in self.gives)

    def _run(
        self, program: Program, inputs: Mapping[str, np.ndarray], state: State
    ) -> tuple[dict[str, np.ndarray], State] | None:
        loops, given = program.loops, [np.asarray(inputs[name], order="C") for name in self.inputs]
        held = state.address if isinstance(state, Held) else None
        if held is None:
            given += [np.asarray(array, order="C") for array in state]  # type: ignore[union-attr]
        if any(array.dtype not in CODES for array in given):
            return None
        ready = [self._place(i, len(given[0])) for i in range(len(self.outputs))] if given and given[0].ndim else []
        waiting = numbers([n for array in ready for n in _room(array)] or [0, 0, 0] * len(self.outputs))
        left = (c_void_p * 2)()
        told = numbers([n for array in given for n in describe(array)])
        failed = loops.run(program.address, len(given), told, held, len(self.outputs), waiting, left)
        many = len(self.outputs), len(self.gives)
        made, after = (Held(loops, address, n) if address else None for address, n in zip(left, many, strict=True))
        if failed or made is None or after is None:
            return None
        outputs = {}
        for i, name in enumerate(self.outputs):
            array = ready[i] if ready else None
            if array is None or waiting[3 * i]:
                array = made.array(i)
                if array.ndim == 2 and array.dtype == np.float32:
                    self._columns[i] = array.shape[1]
            outputs[name] = array
        return outputs, after

    def _place(self, output: int, rows: int) -> np.ndarray | None:
        """An array for an output, of as many columns as it had last."""
        return np.empty((rows, self._columns[output]), np.float32) if output in self._columns else None


def _room(array: np.ndarray | None) -> tuple[int, int, int]:
    """Address, rows and columns of a table."""
    return (0, 0, 0) if array is None else (array.__array_interface__["data"][0], *array.shape)


def choose_rows(state: State, rows: np.ndarray, common: Collection[int] = (), shared: Collection[int] = ()) -> State:
    """The state of other rows; the arrays in `common` as they are.

    shared: those of which several rows that are alike may be one in memory, as products read them (`Function.shared`).
    """
    if isinstance(state, Held):
        return state.rows(rows, common, shared)
    return tuple(array if i in common else array.take(rows, 0) for i, array in enumerate(state))
