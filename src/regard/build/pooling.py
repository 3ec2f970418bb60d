"""From the words of a config to a pooling: how the states of a text become one vector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from regard.attention.attention import Attention
from regard.attention.pooling import Pool, StructuredPool
from regard.core.errors import ConfigError, message
from regard.networks.pooling import FirstPooling, LastPooling, MaxPooling, MeanPooling, AttentionPooling, Pooling
from regard.build.attention import make_attention

if TYPE_CHECKING:
    from regard.config.attention import AttentionSection
    from regard.config.task_sections import ClassifySection

SUMMARIES: Mapping[str, Callable[[int], Pooling]] = {
    "last": LastPooling,
    "mean": MeanPooling,
    "max": MaxPooling,
    "cls": FirstPooling,
}


def make_summing(section: ClassifySection, size: int, *, pooled: bool = False) -> Pooling:
    """How states of this width become one vector, from the word `pooling` of a section.  pooled: the reader pools by itself, as BERT does
    from [CLS]."""
    if section.pooling == "cls" and pooled:
        return LastPooling(size)
    if section.pooling == "attention":
        return AttentionPooling(Pool(pool_look(section.look, size)), size=size)
    if section.pooling == "structured":
        return AttentionPooling(StructuredPool(size, inner=section.hop_width, hops=section.hops), size=size, hops=section.hops)
    return SUMMARIES[section.pooling](size)


def pool_look(look: AttentionSection, size: int) -> Attention:
    """A look that nobody asks for, at states of this width.  ConfigError for a score that reads a query, or a weighting that draws, which
    nothing would train here."""
    made = make_attention(
        score=look.score, scope=look.scope, weighting=look.weighting, query_size=0, memory_size=size, dropout=look.dropout
    )
    if "query" in made.score.reads or made.score.sequential:
        do = "Write key-only, or self-attentive(64)."
        raise ConfigError(message("the look of a pool", "a score that reads the keys alone", look.score, do))
    if made.weighting.sequential or made.weighting.draws or made.weighting.mixes:
        do = "Write softmax, sparsemax or entmax15."
        raise ConfigError(message("the look of a pool", "a weighting that takes all places at once", look.weighting, do))
    return made
