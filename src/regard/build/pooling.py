"""From the words of a config to a look that nobody asks for: attention pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regard.attention.attention import Attention
from regard.build.attention import make_attention
from regard.core.errors import ConfigError, message

if TYPE_CHECKING:
    from regard.config.attention import AttentionSection


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
