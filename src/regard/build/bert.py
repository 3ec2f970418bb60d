"""From a shape to a BERT."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from regard.attention.attention import Attention
from regard.attention.scope import Causal, Everywhere
from regard.core.errors import ConfigError, message
from regard.networks.bert import Bert, BertShape, MaskedWords
from regard.networks.bert_shape import ACTIVATIONS
from regard.networks.transformer import EncoderLayer, FeedForward, PostNorm, TransformerEncoder

_MADE: Mapping[str, Callable[[], nn.Module]] = dict(zip(ACTIVATIONS, (nn.GELU, lambda: nn.GELU("tanh"), nn.ReLU), strict=True))


def make_bert(shape: BertShape, *, beside: int = 0) -> Bert:
    """A BERT with weights as PyTorch draws them (see `bert.draw`).  ConfigError where its heads do not divide its size.

    beside: see `Bert`.
    """
    if shape.size % shape.heads:
        received = f"{shape.size} / {shape.heads}"
        raise ConfigError(message("heads of a BERT", "a divisor of its size", received, "Change one of them."))
    return Bert(shape, TransformerEncoder([_layer(shape) for _ in range(shape.layers)], nn.Identity(), shape.size), beside=beside)


def make_masked_words(bert: Bert) -> MaskedWords:
    """The head that tells words, on the table of the BERT's own."""
    return MaskedWords(bert.embed.table, _MADE[bert.shape.activation](), epsilon=bert.shape.epsilon)


def _layer(shape: BertShape) -> EncoderLayer:
    scope, dropout = Causal() if shape.causal else Everywhere(), shape.attention_dropout
    look = Attention(shape.size, shape.size, heads=shape.heads, project=True, bias=True, scope=scope, dropout=dropout)
    inner = FeedForward(shape.size, shape.feedforward, _MADE[shape.activation]())
    first, second = (PostNorm(shape.size, dropout=shape.dropout, epsilon=shape.epsilon) for _ in range(2))
    return EncoderLayer(look, inner, (first, second))
