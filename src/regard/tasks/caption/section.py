"""What captions demand of the keys of a config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from regard.config.problem import Problem

if TYPE_CHECKING:
    from regard.config.schema import Config
    from regard.config.task_sections import CaptionSection


def of_caption(config: Config, section: CaptionSection) -> Iterator[Problem]:
    """Keys of words where there are cells, and a penalty that nothing could learn from."""
    model = config.model
    if model.tie == "all":
        do = "Write tie: output."
        yield Problem(("model.tie", "task"), "none or output: an image has no words to tie", "all", do)
    if model.family == "recurrent" and model.encoder_layers != 1:
        do = "Remove it, or write family: transformer, whose encoder reads the cells."
        yield Problem(
            ("model.encoder_layers", "task"),
            "1 in a recurrent net, which looks at the cells as they are",
            f"{model.encoder_layers}",
            do,
        )
    look = model.attention
    if section.doubly_stochastic and look is None:
        do = "Remove it, or write an attention."
        yield Problem(("caption.doubly_stochastic", "model.attention"), "an attention, whose weights it weighs", "none", do)
    if section.doubly_stochastic and look is not None and look.draws:
        do = "Remove it, or write weighting: softmax."
        keys = ("caption.doubly_stochastic", "model.attention.weighting")
        yield Problem(keys, "0 where places are drawn: draws hand no gradient to it", f"{section.doubly_stochastic:g}", do)
    if section.draws > 1 and not any(x.draws for x in (look, model.self_attention, model.past) if x is not None):
        do = "Remove it, or write weighting: hard."
        keys = ("caption.draws", "model.attention.weighting")
        yield Problem(keys, "1 where no place is drawn: each draw would be the same", f"{section.draws}", do)
