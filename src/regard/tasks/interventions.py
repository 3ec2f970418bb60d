"""A model in use whose weights of attention are changed by a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from regard.core.errors import ArgumentError, RunFolderError, message
from regard.tasks.base import Predictor

if TYPE_CHECKING:
    from regard.attention.interventions import Intervention, LookEdit


def intervene(model: Predictor, interventions: Sequence[Intervention]) -> Predictor:
    """The model with interventions on its looks, in their order; itself where there are none.  Of an ensemble every network has them.

    Raises ArgumentError for what is no intervention, and for a look or a head that is not there, and RunFolderError for an exported
    folder, whose graphs make their weights unseen.
    """
    if isinstance(interventions, Sequence) and not interventions:
        return model
    if not hasattr(model.network, "modules"):
        do = "Ask the run folder that it was exported from."
        raise RunFolderError(message("interventions", "a run folder", f"{model.folder}, an exported one", do))
    from regard.attention.interventions import Intervention  # with PyTorch, which an exported folder does without
    from regard.inference.intervene import intervene as change

    if not isinstance(interventions, Sequence) or not all(isinstance(one, Intervention) for one in interventions):
        do = 'Write interventions=[regard.Erase("decoder.0.cross", source=3)].'
        raise ArgumentError(
            message("interventions", "a list of Erase, Pin, Uniform, Permute or Replace", repr(interventions)[:60], do)
        )

    edits: list[LookEdit] = []

    def changed(network: Any) -> Any:
        made, more = change(network, interventions, model.name_looks)
        edits.extend(more)
        return made

    made = model.exchange(changed)
    made.edits = edits
    return made
