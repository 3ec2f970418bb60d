"""A model in use whose weights of attention are changed by a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from regard.core.errors import ArgumentError, RunFolderError, message
from regard.tasks.base import Predictor

if TYPE_CHECKING:
    from regard.attention.interventions import Intervention, LookEdit
    from regard.inference.intervene import Plan


class TouchedModels:
    """Models with interventions, made of one.  The last is kept for the next interventions on the same looks: to copy a network and to lay
    its weights out takes as long as an answer of a small one."""

    def __init__(self, model: Predictor) -> None:
        self._model = model
        self._kept: tuple[Any, Predictor, list[dict[str, LookEdit]]] | None = None

    @contextmanager
    def lend(self, interventions: Sequence[Intervention]) -> Iterator[Predictor]:
        """The model with these interventions, while the block runs.  Raises as `intervene`."""
        if isinstance(interventions, Sequence) and not interventions:
            yield self._model
            return
        plans = _plan(self._model, interventions)
        now = [(tuple(planned), places) for planned, places in zip(plans, _places(self._model), strict=True)]
        kept, self._kept = self._kept, None
        if kept is not None and kept[0] == now:
            _, made, edits = kept
            for planned, of_network in zip(plans, edits, strict=True):
                for name, each in planned.items():
                    of_network[name].begin(each)
        else:
            made, edits = _carry_out(self._model, plans)
        try:
            yield made
        finally:
            self._kept = now, made, edits


def intervene(model: Predictor, interventions: Sequence[Intervention]) -> Predictor:
    """The model with interventions on its looks, in their order; itself where there are none.  Of an ensemble every network has them.

    Raises ArgumentError for what is no intervention, and for a look or a head that is not there, and RunFolderError for an exported
    folder, whose graphs make their weights unseen.
    """
    if isinstance(interventions, Sequence) and not interventions:
        return model
    return _carry_out(model, _plan(model, interventions))[0]


def _plan(model: Predictor, interventions: Sequence[Intervention]) -> list[Plan]:
    """What is to be done in each network of a model.  Raises as `intervene`."""
    if not hasattr(model.network, "modules"):
        do = "Ask the run folder that it was exported from."
        raise RunFolderError(message("interventions", "a run folder", f"{model.folder}, an exported one", do))
    from regard.attention.interventions import Intervention  # with PyTorch, which an exported folder does without
    from regard.inference.intervene import plan

    if not isinstance(interventions, Sequence) or not all(isinstance(one, Intervention) for one in interventions):
        do = 'Write interventions=[regard.Erase("decoder.0.cross", source=3)].'
        raise ArgumentError(
            message("interventions", "a list of Erase, Pin, Uniform, Permute or Replace", repr(interventions)[:60], do)
        )
    plans: list[Plan] = []

    def planned(network: Any) -> Any:
        plans.append(plan(network, interventions, model.name_looks))
        return network

    model.exchange(planned)
    return plans


def _places(model: Predictor) -> list[list[int]]:
    """Of each network where its numbers lie: elsewhere once it was moved, or given others."""
    found = list[list[int]]()

    def look(network: Any) -> Any:
        found.append([t.data_ptr() for t in (*network.parameters(), *network.buffers())])
        return network

    model.exchange(look)
    return found


def _carry_out(model: Predictor, plans: Sequence[Plan]) -> tuple[Predictor, list[dict[str, LookEdit]]]:
    from regard.inference.intervene import carry_out

    ahead, edits = iter(plans), list[dict[str, Any]]()

    def changed(network: Any) -> Any:
        made, of_network = carry_out(network, next(ahead))
        edits.append(of_network)
        return made

    made = model.exchange(changed)
    made.edits = [edit for of_network in edits for edit in of_network.values()]
    return made, edits
