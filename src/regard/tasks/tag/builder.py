"""A checked config to a tagger's network."""

from __future__ import annotations

from regard.attention.attention import Attention
from regard.attention.pooling import Pool
from regard.attention.score import KeyOnly
from regard.build import networks
from regard.config import Config
from regard.data.vocab import Vocabulary
from regard.networks.bert import BertShape
from regard.networks.char_cnn import CharCNN
from regard.tasks.tag.crf import ChainCRF
from regard.tasks.tag.network import TagNetwork
from regard.tasks.tag.section import TagSection
from regard.tasks.tag.span_tags import says_places
from regard.tasks.tag.spans import forbidden


def build_tagger(
    config: Config, *, words: int, letters: int, tags: Vocabulary, labels: int, bert: BertShape | None = None
) -> TagNetwork:
    """The net of a config for vocabularies of these sizes."""
    section, model = TagSection.of(config), config.model
    spelling = CharCNN(letters, width=section.letter_embedding, size=section.letters) if section.letters else None
    reader = networks.reader(model, words, beside=section.letters, bert=bert)
    free = section.scheme == "none" or (section.scheme == "auto" and not says_places(tags.names))
    never = [] if free else forbidden(tags.names)
    return TagNetwork(
        reader,
        tags=len(tags),
        spelling=spelling,
        chain=ChainCRF(len(tags), never=never) if section.head == "crf" else None,
        labels=labels,
        pool=Pool(Attention(0, reader.size, score=KeyOnly(reader.size))) if labels else None,
        dropout=model.dropout,
        unseen=section.unseen,
    )
