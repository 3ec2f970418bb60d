"""What an attention demands of the net around it, and of the lengths of the data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from regard.config.task_section import Problem

if TYPE_CHECKING:
    from regard.config.schema import AttentionSection, Config, ModelSection


def in_use(model: ModelSection) -> list[tuple[str, AttentionSection]]:
    """The attentions that a net of this family has, by their keys."""
    own = model.self_attention if model.family != "recurrent" else None
    every = (("model.attention", model.attention), ("model.self_attention", own), ("model.past", model.past))
    return [(key, look) for key, look in every if look is not None]


def looks(model: ModelSection) -> Iterator[Problem]:
    """All that does not fit the net."""
    for key, look in in_use(model):
        yield from _look(key, look, model)


def _look(key: str, look: AttentionSection, model: ModelSection) -> Iterator[Problem]:
    transformer = model.family != "recurrent"
    for part, word in look.sequential if transformer else ():
        blamed, received = (f"{key}.{part}", "model.family"), f"{word}, which looks step by step"
        yield Problem(blamed, "attentions that look at once", received, "Use family: recurrent.")
    heads = look.heads or (model.heads if transformer else 1)
    counted = f"{key}.heads" if look.heads else "model.heads"
    yield from _parts(key, look, model)
    asking = model.size // look.parts if key == "model.past" else model.size
    if asking % heads:
        of = f"model.size ({asking})" if asking == model.size else f"a part of model.size ({model.size} / {look.parts})"
        yield Problem((counted, "model.size"), f"a divisor of {of}", str(heads), "Change one of them.")
    if look.groups and heads % look.groups:
        yield Problem((f"{key}.groups", counted), f"a divisor of the {heads} heads", str(look.groups), "Change one of them.")
    if look.project is False and (heads > 1 or transformer):
        where = "in a Transformer" if transformer else f"with {heads} heads"
        keys = (f"{key}.project", counted, "model.family")
        yield Problem(keys, f"true or null {where}: its looks are projected", "false", "Remove it.")
    if not (look.project or heads > 1 or transformer):
        yield from _plain(key, look, model)


def _plain(key: str, look: AttentionSection, model: ModelSection) -> Iterator[Problem]:
    """Without projections nothing makes widths equal, and keys of projections would change nothing."""
    if look.project is False:
        yield from _widths(key, look, model)
    for name, value, default in (("bias", look.bias, False), ("out", look.out, True)):
        if value != default:
            keys, do = (f"{key}.{name}", f"{key}.project", f"{key}.heads"), "Write project: true, or remove it."
            yield Problem(keys, "a look with projections", f"{str(value).lower()} without them", do)


def _parts(key: str, look: AttentionSection, model: ModelSection) -> Iterator[Problem]:
    """A state that is divided has parts of one width, and something to predict where a part is for that."""
    if model.size % look.parts:
        do = "Change model.size, or write memory: plain."
        yield Problem((f"{key}.memory", "model.size"), f"a model.size that parts into {look.parts}", str(model.size), do)
    if look.parts == 3 and key != "model.past":
        do = "Write key-value, or use it in model.past."
        yield Problem((f"{key}.memory",), "plain or key-value: only in model.past states predict a word", look.memory, do)


def _widths(key: str, look: AttentionSection, model: ModelSection) -> Iterator[Problem]:
    """Without projections some scores need states of one width on both sides."""
    wide = model.size * (2 if model.both_directions else 1) // look.parts
    if look.same_width and wide != model.size and key != "model.past":
        is_wide = f", which is {wide} wide" if look.parts == 1 else f", whose keys are {wide} wide"
        direction = "one direction" if look.parts == 1 else "both directions"
        keys = (f"{key}.score", "model.attention", "model.encoder")
        expected = f"without projections, an encoder as wide as the decoder ({model.size}) for {' and '.join(look.same_width)}"
        do = f"Write general or additive, remove project: false, or take an encoder in {direction}."
        yield Problem(keys, expected, f"{model.encoder}{is_wide}", do)


def longest_sentences(config: Config) -> Iterator[Problem]:
    """A score with a number a place has enough of them for the longest sentence; a decoder looks at its own words too."""
    for key, look in in_use(config.model):
        sides = {"model.self_attention": ("source", "target"), "model.past": ("target",)}.get(key, ("source",))
        longest = {f"data.max_{side}_length": getattr(config.data, f"max_{side}_length") for side in sides}
        if look.longest is not None and look.longest < max(longest.values()):
            expected = f"a location for each token of the longest sentence, {max(longest.values())}"
            do = f"Raise its max, or lower {' and '.join(longest)}."
            yield Problem((f"{key}.score", *longest), expected, f"location({look.longest})", do)
