"""What of `build` matches two texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regard.build import networks
from regard.build.attention import look_of
from regard.core.errors import ConfigError, message
from regard.networks.base import Encoder
from regard.tasks.pair.layers import Matcher, NoAlignment, SoftAlignment

if TYPE_CHECKING:
    from regard.config import ModelSection
    from regard.config.task_sections import PairSection


def make_matcher(m: ModelSection, section: PairSection, states: int) -> Matcher:
    """What matches two texts read to states of this width.  ConfigError for a look that goes step by step."""
    return Matcher(_align(m, section, states), _again(m) if section.compose else None)


def _again(m: ModelSection) -> Encoder:
    """One layer of the family's encoder, over what was compared, which is `model.size` wide."""
    one = m.model_copy(update={"encoder_layers": 1})
    return networks.encoder(one, beside=m.size - m.embedding if m.family == "recurrent" else 0)


def _align(m: ModelSection, section: PairSection, states: int) -> SoftAlignment | NoAlignment:
    if section.align is None:
        return NoAlignment(states, m.size, dropout=m.dropout)
    transformer = m.family != "recurrent"
    heads = section.align.heads or (m.heads if transformer else 1)
    project = True if transformer and section.align.project is None else section.align.project
    look = look_of(section.align, query_size=states, memory_size=states, heads=heads, project=project)
    if look.sequential:
        received = f"{section.align.score} and {section.align.weighting}"
        do = "Choose another score or weighting for pair.align."
        raise ConfigError(message("pair.align", "a look at all places at once", f"{received}, which look step by step", do))
    return SoftAlignment(look, states, m.size, dropout=m.dropout)
