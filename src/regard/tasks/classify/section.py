"""What the task `classify` demands of the keys of a config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from regard.config.problem import Problem

if TYPE_CHECKING:
    from regard.config.schema import Config
    from regard.config.task_sections import ClassifySection


def classify_problems(config: Config, section: ClassifySection) -> Iterator[Problem]:
    """Keys of a pooling that was not chosen, and a symbol that stands where nothing has been read."""
    model, fields = config.model, type(section).model_fields
    for key, pooling in (
        ("look", "attention"),
        ("hops", "structured"),
        ("hop_width", "structured"),
        ("hop_penalty", "structured"),
    ):
        value = getattr(section, key)
        if value != fields[key].default and section.pooling != pooling:
            shown = f"{getattr(value, 'score', value)} with pooling {section.pooling}"
            yield Problem(
                (f"classify.{key}", "classify.pooling"), f"pooling: {pooling}, which alone uses it", shown, "Remove it."
            )
    onward = model.family == "aaren" or (model.family == "recurrent" and not model.both_directions)
    if section.pooling == "cls" and onward and model.pretrained is None:
        net = model.encoder if model.family == "recurrent" else "aaren"
        do = "Write pooling: last, or take an encoder in both directions."
        keys = ("classify.pooling", "model.encoder" if model.family == "recurrent" else "model.family")
        yield Problem(keys, "an encoder in both directions: the symbol stands before the text", f"cls with {net}", do)
    if model.pretrained is not None:
        return
    if section.min_count > 1 and config.data.source_tokenizer not in ("char", "space", "word"):
        do, received = "Remove it: the pieces of words are frequent as they are.", config.data.source_tokenizer
        yield Problem(("classify.min_count", "data.source_tokenizer"), "char, space or word, which count symbols", received, do)
    if section.letters and config.data.source_tokenizer not in ("space", "word"):
        do = "Write source_tokenizer: word (or space), or letters: 0."
        yield Problem(
            ("classify.letters", "data.source_tokenizer"), "a tokenizer of whole words", config.data.source_tokenizer, do
        )
