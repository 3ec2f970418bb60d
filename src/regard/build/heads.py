"""What of `build` makes the heads of decoders."""

from __future__ import annotations

from collections.abc import Sequence

from regard.data.tokenizer import SPECIALS, UNK
from regard.core.errors import ConfigError, message
from regard.networks.marginal_heads import HardMonotonicHead, MarginalHead
from regard.networks.base import Decoder
from regard.networks.heads import Head, WordsHead
from regard.networks.copy_head import CopyHead
from regard.config import ModelSection


def make_head(m: ModelSection, words: WordsHead, decoder: Decoder, source_words: int, twins: Sequence[int] | None) -> Head:
    """What reads words off the decoder; `words` reads them from one vocabulary."""
    if m.head == "hard-monotonic":
        _refuse_alignment(m)
        return HardMonotonicHead(words, decoder.size)
    if m.head == "words":
        return MarginalHead(words) if decoder.mixes else words
    if m.attention is None:
        do = "Write an attention, or head: words."
        raise ConfigError(message("model.head", "an attention, whose places can be copied", "copy with attention none", do))
    if twins is None and source_words != words.vocabulary:
        received = f"none, for {source_words} source and {words.vocabulary} target words"
        raise ConfigError(message("twins", "which target word each source word is copied as", received, "Give twins."))
    same = [-1 if word < len(SPECIALS) else word for word in range(source_words)]
    return CopyHead(words, decoder.size, same if twins is None else twins, UNK)


def _refuse_alignment(m: ModelSection) -> None:
    """The decoder's states must not hang on where it looks, and the head makes the weights."""
    look = m.attention
    if m.family != "recurrent" or look is None or m.order != "luong" or m.input_feeding is not False or m.past is not None:
        expected = "family recurrent with an attention, order luong, input_feeding false and past none"
        received = "a decoder whose states hang on where it looks, or that does not look"
        raise ConfigError(message("head hard-monotonic", expected, received, "Write these, or head: words."))
    if (look.heads or 1) > 1 or look.weighting != "softmax" or look.dropout:
        expected = "one head, weighting softmax and dropout 0 in model.attention: it makes the weights itself"
        received = f"heads {look.heads or 1}, weighting {look.weighting}, dropout {look.dropout}"
        raise ConfigError(message("head hard-monotonic", expected, received, "Remove them, or write head: words."))
