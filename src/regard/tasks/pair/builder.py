"""A checked config to the network of pairs."""

from __future__ import annotations

from regard.build import networks
from regard.build.attention import make_from_section
from regard.config import Config, ModelSection
from regard.core.errors import ConfigError, message
from regard.networks.base import Encoder
from regard.networks.bert import Bert, TextPairs
from regard.pretrained.text_vocabulary import TextVocabulary
from regard.tasks.pair.batch import MARKS
from regard.tasks.pair.layers import Matcher, NoAlignment, SoftAlignment
from regard.tasks.pair.network import BinnedRegression, Objective, PairNetwork, SquaredRegression
from regard.tasks.pair.ratings import Scale
from regard.tasks.pair.section import PairSection


def build_pair_network(config: Config, words: int, wanted: Objective, *, texts: TextVocabulary | None = None) -> PairNetwork:
    """The net of a config for a vocabulary of this size.  texts: that of a run."""
    section, model = PairSection.of(config), config.model
    reader = networks.reader(model, words, beside=MARKS if section.overlap else 0, bert=None if texts is None else texts.bert)
    if isinstance(reader, Bert) and texts is not None:
        (start,), (end,) = texts.around(True)
        reader = TextPairs(reader, start=start, end=end)
    matcher = make_matcher(model, section, reader.size)
    return PairNetwork(reader, matcher, wanted, hidden=section.hidden, dropout=model.dropout, unseen=section.unseen)


def make_regression(section: PairSection, scale: Scale) -> Objective:
    """How numbers of such a scale are learnt."""
    if section.ratings == "square":
        return SquaredRegression(scale.mean, scale.deviation)
    return BinnedRegression(scale.low, scale.high, section.bins)


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
    look = make_from_section(section.align, query_size=states, memory_size=states, heads=heads, project=project)
    if look.sequential:
        received = f"{section.align.score} and {section.align.weighting}"
        do = "Choose another score or weighting for pair.align."
        raise ConfigError(message("pair.align", "a look at all places at once", f"{received}, which look step by step", do))
    return SoftAlignment(look, states, m.size, dropout=m.dropout)
