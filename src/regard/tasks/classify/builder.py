"""A checked config to a classifier's network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from regard.attention.attention import Attention
from regard.attention.pooling import Pool, StructuredPool
from regard.build import networks
from regard.build.attention import make_attention
from regard.config import AttentionSection, Config
from regard.core.errors import ConfigError, message
from regard.networks.bert import Bert, BertShape
from regard.networks.char_cnn import CharCNN
from regard.networks.pooling import AttentionPooling, FirstPooling, LastPooling, MaxPooling, MeanPooling, Pooling
from regard.tasks.classify.network import ClassifyNetwork
from regard.tasks.classify.section import ClassifySection

SUMMARIES: Mapping[str, Callable[[int], Pooling]] = {
    "last": LastPooling,
    "mean": MeanPooling,
    "max": MaxPooling,
    "cls": FirstPooling,
}


def make_pooling(section: ClassifySection, size: int, *, pooled: bool = False) -> Pooling:
    """How states of this width become one vector, from the word `pooling` of a section.  pooled: the reader pools by itself, as BERT does
    from [CLS]."""
    if section.pooling == "cls" and pooled:
        return LastPooling(size)
    if section.pooling == "attention":
        return AttentionPooling(Pool(pool_look(section.look, size)), size=size)
    if section.pooling == "structured":
        return AttentionPooling(StructuredPool(size, inner=section.hop_width, hops=section.hops), size=size, hops=section.hops)
    return SUMMARIES[section.pooling](size)


def build_classifier(
    config: Config,
    *,
    words: int,
    letters: int,
    labels: int,
    weights: Sequence[float] | None = None,
    bert: BertShape | None = None,
) -> ClassifyNetwork:
    """The net of a config for vocabularies of these sizes."""
    section, model = ClassifySection.of(config), config.model
    spelling = CharCNN(letters, width=section.letter_embedding, size=section.letters) if section.letters else None
    reader = networks.reader(model, words, beside=section.letters, bert=bert)
    return ClassifyNetwork(
        reader,
        make_pooling(section, reader.size, pooled=isinstance(reader, Bert)),
        labels=labels,
        spelling=spelling,
        dropout=model.dropout,
        smoothing=config.train.label_smoothing,
        weights=weights,
        penalty=section.hop_penalty,
        unseen=section.unseen,
    )


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
