"""The section of classification, and what its keys demand of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator

from regard.config.attention import AttentionSection
from regard.config.base import UNSEEN, Count, NotNegative, Share, Whole, auto_field, field
from regard.config.task_section import Problem, TaskSection

if TYPE_CHECKING:
    from regard.config.schema import Config


def _key_only(value: Any) -> Any:
    """A pool's look that does not name its score has the one of Raffel & Ellis."""
    return {"score": "key-only", **value} if isinstance(value, Mapping) else value


class ClassifySection(TaskSection):
    """task: classify."""

    pooling: Literal["last", "mean", "max", "attention", "structured", "cls"] = field(
        "attention",
        "how the states of a text become one vector: the last; their mean or maximum; a look that nobody asks for; `hops` "
        "looks side by side; the state of a symbol that is put before the text",
    )
    look: Annotated[AttentionSection, BeforeValidator(_key_only)] = field(
        AttentionSection(score="key-only"),
        "pooling attention: its score (key-only, self-attentive(64)), scope, weighting and dropout",
    )
    hops: Count = field(4, "pooling structured: how many looks")
    hop_width: Count = field(64, "pooling structured: inner width of the looks")
    hop_penalty: NotNegative = field(0.0, "pooling structured: what an overlap of the looks costs in training")
    class_weights: Literal["none", "balanced"] = field(
        "none", "balanced: a text of a rare label counts more in training, so that all labels count the same"
    )
    letters: Whole = auto_field(0, "width of a word's vector made of its letters, beside its own; 0: none")
    letter_embedding: Count = field(30, "width of a letter")
    min_count: Count = field(1, "a word seen less often in training is read as unknown")
    unseen: Share = field(0.05, UNSEEN)

    def check(self, config: Config) -> Iterator[Problem]:
        """Keys of a pooling that was not chosen, and a symbol that stands where nothing has been read."""
        model, fields = config.model, type(self).model_fields
        uses = {"look": "attention", "hops": "structured", "hop_width": "structured", "hop_penalty": "structured"}
        for key, pooling in uses.items():
            value = getattr(self, key)
            if value != fields[key].default and self.pooling != pooling:
                shown = f"{getattr(value, 'score', value)} with pooling {self.pooling}"
                expected = f"pooling: {pooling}, which alone uses it"
                yield Problem((f"classify.{key}", "classify.pooling"), expected, shown, "Remove it.")
        onward = model.family == "aaren" or (model.family == "recurrent" and not model.both_directions)
        if self.pooling == "cls" and onward and model.pretrained is None:
            net = model.encoder if model.family == "recurrent" else "aaren"
            do = "Write pooling: last, or take an encoder in both directions."
            keys = ("classify.pooling", "model.encoder" if model.family == "recurrent" else "model.family")
            yield Problem(keys, "an encoder in both directions: the symbol stands before the text", f"cls with {net}", do)
        if model.pretrained is not None:
            return
        cut = config.data.source_tokenizer
        if self.min_count > 1 and cut not in ("char", "space", "word"):
            keys, do = ("classify.min_count", "data.source_tokenizer"), "Remove it: the pieces of words are frequent as they are."
            yield Problem(keys, "char, space or word, which count symbols", cut, do)
        if self.letters and cut not in ("space", "word"):
            do = "Write source_tokenizer: word (or space), or letters: 0."
            yield Problem(("classify.letters", "data.source_tokenizer"), "a tokenizer of whole words", cut, do)
