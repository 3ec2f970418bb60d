"""What the heads of decoders demand of the other keys, and what mixes probabilities of its head."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from regard.config.task_section import Problem

if TYPE_CHECKING:
    from regard.config.schema import AttentionSection, ModelSection

HEAD, LOOK = "model.head", "model.attention"


def heads(model: ModelSection) -> Iterator[Problem]:
    """All that does not fit."""
    if model.head == "hard-monotonic":
        yield from _monotonic(model)
    if model.head == "copy" and model.attention is None:
        expected = "an attention, whose places are copied"
        yield Problem((HEAD, LOOK), expected, "copy with attention none", "Write one, or head: words.")
    yield from _marginal(model)


def _monotonic(model: ModelSection) -> Iterator[Problem]:
    """The decoder's states must not depend on where it looks, and the head makes the weights of the scores itself."""
    look = model.attention
    wanted: list[tuple[str, bool, str, object]] = [
        ("model.family", model.family == "recurrent", "recurrent", model.family),
        (LOOK, look is not None, "an attention, whose scores it reads", "none"),
        ("model.order", model.order == "luong", "luong, whose states do not depend on where it looks", model.order),
        ("model.input_feeding", model.input_feeding is False, "false, as states must not depend on looks", model.input_feeding),
        ("model.past", model.past is None, "none", "a look at earlier states"),
    ]
    if look is not None:
        wanted += [
            (f"{LOOK}.heads", (look.heads or 1) == 1, "1", look.heads),
            (f"{LOOK}.weighting", look.weighting == "softmax", "softmax: it weighs the scores itself", look.weighting),
            (f"{LOOK}.dropout", not look.dropout, "0: no weight gathers anything", look.dropout),
        ]
    for key, right, expected, received in wanted:
        if not right:
            shown = {None: "null", True: "true"}.get(received, received) if isinstance(received, bool | None) else received
            yield Problem((key, HEAD), f"with head hard-monotonic {expected}", str(shown), "Write that, or head: words.")


def _marginal(model: ModelSection) -> Iterator[Problem]:
    """Exact marginals are for the look of a recurrent decoder at the source, and for what reads words place by place."""
    own: list[tuple[str, AttentionSection | None]] = [("model.past", model.past)]
    if model.family != "recurrent":
        own = [("model.self_attention", model.self_attention), (LOOK, model.attention)]
    for key, look in own:
        if look is not None and look.mixes:
            expected = "marginal only in a recurrent decoder's look at the source, with head words"
            yield Problem((f"{key}.weighting", "model.family"), expected, "marginal", "Write another weighting.")
    look = model.attention
    if look is None or not look.mixes:
        return
    if model.head == "copy":
        yield Problem((f"{LOOK}.weighting", HEAD), "with marginal head words", "copy", "Change one of them.")
    if look.dropout and model.order == "luong" and model.input_feeding is False:
        expected = "0 with marginal in Luong's order without feeding: no weight gathers anything"
        yield Problem((f"{LOOK}.dropout", f"{LOOK}.weighting"), expected, str(look.dropout), "Remove it.")
