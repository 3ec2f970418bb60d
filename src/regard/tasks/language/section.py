"""The section of the task `language`, and what it demands of the other keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from regard.config.base import Count, field
from regard.config.task_section import Problem, TaskSection
from regard.core.plural import many
from regard.tasks.language.windows import carries

if TYPE_CHECKING:
    from regard.config.schema import Config


class LanguageSection(TaskSection):
    """task: language."""

    documents: Literal["auto", "text", "lines", "tsv", "jsonl", "parquet"] = field(
        "auto",
        "what a text is: a whole file; each of its lines; each row, in the column data.source; auto: by the file's name, whole "
        "but for .tsv, .jsonl, .parquet and .arrow",
    )
    window: Count = field(
        64, "tokens that gradients go back through at a time; where nothing is carried, all that is read at a time"
    )
    streams: Count = field(32, "places of the text, or texts, that are read side by side: rows of a batch")
    carry: bool | None = field(
        None, "a window begins with the state that the one before left; null: in a recurrent net yes, otherwise no"
    )
    min_count: Count = field(1, "char, space, word: a token seen less often in training is read as unknown")

    def check(self, config: Config) -> Iterator[Problem]:
        """All that does not fit."""
        model, tokenizer = config.model, config.data.source_tokenizer
        if self.min_count > 1 and "(" in tokenizer:
            do = "Remove it: the size of the vocabulary says what is left out."
            yield Problem(("language.min_count", "data.source_tokenizer"), "char, space or word to count", tokenizer, do)
        if model.family != "recurrent" and carries(config) and model.positions not in ("none", "rotary"):
            keys = ("model.positions", "language.carry", "model.family")
            do = "Write one of them, or language.carry: false."
            yield Problem(keys, "none or rotary where the state is carried: places of a text have no end", model.positions, do)
        if model.family != "recurrent" and model.positions == "learned" and self.window > model.max_positions:
            keys = ("language.window", "model.max_positions", "model.positions")
            yield Problem(keys, f"at most model.max_positions ({model.max_positions})", str(self.window), "Change one of them.")
        look, key = (model.past, "model.past") if model.family == "recurrent" else (model.self_attention, "model.self_attention")
        if look is not None and look.draws:
            do = "Write gumbel, which learns by its gradient, or another weighting."
            yield Problem((f"{key}.weighting", "task"), "a weighting that draws no places", look.weighting, do)

    def net(self, config: Config) -> dict[str, str]:
        """The decoder, which reads too; it looks at nothing but its own past."""
        m = config.model
        if m.family != "recurrent":
            return {"net": f"{m.decoder_layers} x {m.family} with {many(m.heads, 'head')} of {m.size}"}
        past = "none" if m.past is None else f"{m.past.score}, {m.past.scope}, {m.past.weighting}, {m.past.memory}"
        return {"net": f"{m.decoder_layers} x {m.decoder} of {m.size}", "attention": past}
