"""The section of captions, and what its keys demand of others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from regard.config.base import Count, Name, NotNegative, field
from regard.config.task_section import Problem, TaskSection

if TYPE_CHECKING:
    from regard.config.schema import Config


class CaptionSection(TaskSection):
    """task: caption."""

    images: Name | None = field(None, "the folder where the names of images begin; null: where the file lies that names them")
    patch: Literal[1, 2, 4, 8, 16, 32, 64] = field(8, "images: the side of a cell in pixels; a cell is a place to look at")
    channels: Count = field(16, "images: of the first convolution; each further one has twice as many")
    kernel: Literal[1, 3] = field(
        1,
        "images: 1: a cell sees itself alone; 3: blocks of 4 pixels are read with those around them, so a cell sees as much "
        "of its neighbours",
    )
    positions: Literal["learned", "none"] = field("learned", "what tells a cell where it lies")
    doubly_stochastic: NotNegative = field(
        0.0, "weighs sum_i (1 - sum_t a_ti)^2 in training: each cell should be looked at as much as any other"
    )
    entropy: NotNegative = field(0.01, "weighting hard: weighs the entropy of the draws, so that they do not settle early")
    draws: Count = field(
        1, "weighting hard: how often a caption is written at each update; more often than once, draws are judged by the others'"
    )

    def check(self, config: Config) -> Iterator[Problem]:
        """Keys of words where there are cells, and a penalty that nothing could learn from."""
        model = config.model
        if model.tie == "all":
            do = "Write tie: output."
            yield Problem(("model.tie", "task"), "none or output: an image has no words to tie", "all", do)
        if model.family == "recurrent" and model.encoder_layers != 1:
            do = "Remove it, or write family: transformer, whose encoder reads the cells."
            expected = "1 in a recurrent net, which looks at the cells as they are"
            yield Problem(("model.encoder_layers", "task"), expected, f"{model.encoder_layers}", do)
        look = model.attention
        if self.doubly_stochastic and look is None:
            do = "Remove it, or write an attention."
            yield Problem(("caption.doubly_stochastic", "model.attention"), "an attention, whose weights it weighs", "none", do)
        if self.doubly_stochastic and look is not None and look.draws:
            do = "Remove it, or write weighting: softmax."
            keys = ("caption.doubly_stochastic", "model.attention.weighting")
            yield Problem(keys, "0 where places are drawn: draws hand no gradient to it", f"{self.doubly_stochastic:g}", do)
        if self.draws > 1 and not any(x.draws for x in (look, model.self_attention, model.past) if x is not None):
            do = "Remove it, or write weighting: hard."
            keys = ("caption.draws", "model.attention.weighting")
            yield Problem(keys, "1 where no place is drawn: each draw would be the same", f"{self.draws}", do)

    def net(self, config: Config) -> dict[str, str]:
        """A recurrent net has no encoder: the decoder looks at the cells as they are."""
        m, look = config.model, config.model.attention
        if m.family != "recurrent":
            return {}
        words = "none" if look is None else f"{look.score}, {look.scope}, {look.weighting}"
        return {"net": f"a grid of cells → {m.decoder_layers} x {m.decoder} of {m.size}", "attention": words}
