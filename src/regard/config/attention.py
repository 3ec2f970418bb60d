"""The section of an attention, which stands wherever a config names one: its words, and what the tables say of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainSerializer, field_validator, model_validator

from regard.config import mechanisms
from regard.config.base import Count, Section, Share, field

PARTS: Mapping[str, int] = {"plain": 1, "key-value": 2, "key-value-predict": 3}


class AttentionSection(Section):
    """One look: four words, and how it is projected.  A short form gives the score alone: `attention: additive(256)`."""

    score: str = field("scaled", "how well a query matches a place: an expression of score words and `+`")
    scope: str = field("everywhere", "which places are in sight: an expression of scope words and `&`, `|`, `~`")
    weighting: str = field("softmax", "how much of each place is taken: one weighting word")
    memory: Literal["plain", "key-value", "key-value-predict"] = field(
        "plain",
        "a state is key and value at once; parted in two, one for each; or in three, the last to predict (in `model.past`)",
    )
    heads: Count | None = field(None, "looks side by side; null: `model.heads` in a Transformer, otherwise 1")
    groups: Count | None = field(
        None, "heads of keys and values, each shared by as many heads of queries; null: as many as `heads`"
    )
    dropout: Share = field(0.0, "share of the weights dropped in training, after the weights that are shown")
    project: bool | None = field(
        None,
        "query, key, value and output projections; null: where heads > 1, in a Transformer, and where a score for vectors "
        "of one width (dot, scaled, cosine) meets two (those of a bidirectional encoder)",
    )
    bias: bool = field(False, "the projections have biases")
    out: bool = field(True, "the projections end with an output layer")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"score": value} if isinstance(value, str) else value

    @field_validator("score")
    @classmethod
    def _score(cls, value: str) -> str:
        return str(mechanisms.score(value))

    @field_validator("scope")
    @classmethod
    def _scope(cls, value: str) -> str:
        return str(mechanisms.scope(value))

    @field_validator("weighting")
    @classmethod
    def _weighting(cls, value: str) -> str:
        return str(mechanisms.weighting(value))

    @property
    def parts(self) -> int:
        """In how many parts a state that is looked at is divided."""
        return PARTS[self.memory]

    @property
    def longest(self) -> int | None:
        """The most places that its score has numbers for; None: any number."""
        bounds = (word.bound(mechanisms.SCORES)[known.longest] for _, word, known in self._known() if known.longest)
        return min(map(int, bounds), default=None)

    @property
    def same_width(self) -> list[str]:
        """The words of its score that want queries and keys of one width."""
        return [word.name for _, word, known in self._known() if known.same_width]

    @property
    def sequential(self) -> list[tuple[str, str]]:
        """The words that look step by step, each behind its key."""
        return [(key, word.name) for key, word, known in self._known() if known.sequential]

    @property
    def draws(self) -> bool:
        """Whether its weighting is trained by what it drew, and hands its score no gradient."""
        return any(known.draws for _, _, known in self._known())

    @property
    def mixes(self) -> bool:
        """Whether its weights are of use to a head of words alone."""
        return any(known.mixes for _, _, known in self._known())

    def _known(self) -> Iterator[tuple[str, mechanisms.Word, mechanisms.Known]]:
        """The words of its score and weighting.  Classes of the user's are left out: only `build/` may import them and ask."""
        for key, tree, table in (
            ("score", mechanisms.score(self.score), mechanisms.SCORES),
            ("weighting", mechanisms.weighting(self.weighting), mechanisms.WEIGHTINGS),
        ):
            yield from ((key, word, table[word.name]) for word in mechanisms.leaves(tree) if word.name in table)


def _no_attention(value: Any) -> Any:
    if value is None:
        raise mechanisms.WordError("attention", "a score, a mapping, or none", "null", "Write `none` for no attention.")
    return None if value == "none" else value


def _none_is_a_word(value: AttentionSection | None) -> Any:
    return "none" if value is None else value.model_dump()


Look = Annotated[AttentionSection | None, BeforeValidator(_no_attention), PlainSerializer(_none_is_a_word)]
