"""A checked config to a language model: the decoder of a family, without a source."""

from __future__ import annotations

import math

from regard.attention.attention import Attention
from regard.build import networks
from regard.config import Config
from regard.core.errors import ConfigError, message
from regard.data.tokenizer import PAD
from regard.networks.embedding import Embedding, PositionedEmbedding, table
from regard.networks.heads import TiedWordHead, WordHead, WordsHead
from regard.networks.language_model import LanguageNet
from regard.tasks.language.network import LanguageNetwork
from regard.tasks.language.windows import carries


def build_language_model(config: Config, words: int) -> LanguageNetwork:
    """The task of a config, for a vocabulary of this size, its weights drawn from torch's generator.

    Raises ConfigError where a state that is carried would grow without end.
    """
    m = config.model
    decoder = networks.decoder(m, None)
    if carries(config) and m.family != "aaren":  # which keeps a sum
        for look in (x for x in decoder.modules() if isinstance(x, Attention)):
            _refuse_endless(look, "model.past.scope" if m.family == "recurrent" else "model.self_attention.scope")
    vectors = table(words, m.embedding if m.family == "recurrent" else m.size, padding=PAD)
    head: WordsHead = WordHead(decoder.size, words) if m.tie == "none" else TiedWordHead(decoder.size, vectors)
    if m.family == "recurrent":
        embed = Embedding(vectors, dropout=m.embedding_dropout)
    else:
        embed = PositionedEmbedding(vectors, networks.make_positions(m), dropout=m.embedding_dropout)
    return LanguageNetwork(LanguageNet(embed, decoder, head), label_smoothing=config.train.label_smoothing)


def _refuse_endless(look: Attention, key: str) -> None:
    """A look whose state has no end."""
    if look.sequential:
        kind = type(look.score if look.score.sequential else look.weighting).__name__
        do = "Take another score or weighting, or write language.carry: false."
        expected = "a look that does not go by its own past, where the state is carried from window to window"
        raise ConfigError(message(key.removesuffix(".scope"), expected, kind, do))
    if look.scope.reach[0] == math.inf:
        do = "Write `window(15, 0)`, to look 15 words back, or language.carry: false."
        expected = "a scope that ends, where the state is carried from window to window"
        raise ConfigError(message(key, expected, "one that does not", do))
