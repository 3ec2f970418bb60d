"""From the words of a config to the heads of decoders."""

from __future__ import annotations

from collections.abc import Sequence

from regard.config import ModelSection
from regard.core.errors import ConfigError, message
from regard.data.tokenizer import SPECIALS, UNK
from regard.networks.base import Decoder
from regard.networks.copy_head import CopyHead
from regard.networks.heads import Head, WordsHead
from regard.networks.marginal_heads import HardMonotonicHead, MarginalHead


def make_head(m: ModelSection, words: WordsHead, decoder: Decoder, source_words: int, twins: Sequence[int] | None) -> Head:
    """What reads words off the decoder; `words` reads them from one vocabulary."""
    if m.head == "hard-monotonic":
        return HardMonotonicHead(words, decoder.size)
    if m.head == "words":
        return MarginalHead(words) if decoder.mixes else words
    if twins is None and source_words != words.vocabulary:
        received = f"none, for {source_words} source and {words.vocabulary} target words"
        raise ConfigError(message("twins", "which target word each source word is copied as", received, "Give twins."))
    same = [-1 if word < len(SPECIALS) else word for word in range(source_words)]
    return CopyHead(words, decoder.size, same if twins is None else twins, UNK)
