"""Alignments of predictions in a file: a line of `i-j` for each line, written as it comes, and there whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regard.tasks.base import Predictor, TaskPrediction

SaveLinks = Callable[["Sequence[TaskPrediction]"], None]


def claim_links(path: Path | None) -> Path | None:
    """A new file, of any ending; None: there will be none.  UsageError where it is there already."""
    if path is None:
        return None
    from regard.view.save import claim

    return claim(path, suffixes=(path.suffix.lower(),))


@contextmanager
def open_links(path: Path | None, model: Predictor) -> Iterator[SaveLinks]:
    """Hands over what writes the links of the best prediction of a line.  None: writes nothing.

    Each word of the prediction is linked to the source word at which the last look at the source looked most, in the mean over heads.
    RunFolderError where the model writes no text for a text, or looks at no source.
    """
    if path is None:
        yield lambda predictions: None
        return
    from regard.core.atomic_files import atomic
    from regard.data.word_links import pharaoh
    from regard.tasks.align_pairs import as_pair_model
    from regard.tasks.word_looks import Chosen, choose_look, links_of, prediction_look

    pair_model = as_pair_model(model)
    chosen = Chosen(choose_look(pair_model, None, None)[0])
    with atomic(path) as file:

        def save(predictions: Sequence[TaskPrediction]) -> None:
            best = predictions[0]
            links = links_of(chosen.weights(prediction_look(pair_model, best))) if best.attention else ()
            file.write(f"{pharaoh(links)}\n".encode())

        yield save
