"""From a checked config to encoders, decoders and whole networks; attentions are made in `build.attention`, cells in `build.cells`,
heads in `build.heads`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from regard.attention.aaren import Aaren
from regard.attention.attention import Attention
from regard.attention.key_value import part_width
from regard.attention.pooling import Pool, StructuredPool
from regard.attention.positions import LearnedPositions, NoPositions, Positions, SinusoidalPositions
from regard.attention.scope import Causal, Everywhere, Scope, Window
from regard.attention.score import KeyOnly
from regard.attention.weighting import Marginal
from regard.build.attention import make_attention as make_attention
from regard.build.attention import make_from_section, make_key_value
from regard.build.attention import make_scope as make_scope
from regard.build.attention import make_weighting as make_weighting
from regard.build.bert import make_bert
from regard.build.cells import CELLS as CELLS
from regard.build.cells import make_cell, make_reader
from regard.build.heads import make_head
from regard.config import AttentionSection, ModelSection, check_heads, check_looks, mechanisms
from regard.core.errors import ConfigError, message
from regard.data.tokenizer import PAD
from regard.networks.aaren import AarenDecoderLayer, AarenEncoderLayer
from regard.networks.base import Decoder, Encoder
from regard.networks.bert import BertShape
from regard.networks.cells import Stack
from regard.networks.embedding import Embedding, PositionedEmbedding, table
from regard.networks.encoder_decoder import EncoderDecoder
from regard.networks.fixed_context import PooledContext
from regard.networks.heads import TiedWordHead, WordHead, WordsHead
from regard.networks.language_model import CellsDecoder
from regard.networks.recurrent import (
    BahdanauDecoder,
    FixedDecoder,
    LastState,
    LuongDecoder,
    RecurrentEncoder,
    TransformedAll,
    TransformedLast,
)
from regard.networks.self_attentive_decoder import SelfAttentiveDecoder
from regard.networks.text_encoder import TextEncoder
from regard.networks.transformer import (
    DecoderLayer,
    DecoderLayerBase,
    EncoderLayer,
    EncoderLayerBase,
    FeedForward,
    PostNorm,
    PreNorm,
    Residual,
    TransformerDecoder,
    TransformerEncoder,
)

CONTEXTS: Mapping[str, Any] = {
    "last": lambda size: LastState(),
    "transform": TransformedLast,
    "all": TransformedAll,
    "pooled": lambda size: PooledContext(Pool(Attention(0, size, score=KeyOnly(size)))),
}
NORMS: Mapping[str, type[Residual]] = {"pre": PreNorm, "post": PostNorm}
ACTIVATIONS: Mapping[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU}


def _refuse_misfits(m: ModelSection) -> None:
    """By the config's own rules, since a section alone may come from somebody who asked no config.  Raises ConfigError."""
    if problems := [*check_looks.looks(m), *check_heads.heads(m)]:
        raise ConfigError("\n".join(message(p.keys[0], p.expected, p.received, p.do) for p in problems))


def recurrent(m: ModelSection, source_words: int, target_words: int, twins: Sequence[int] | None = None) -> EncoderDecoder:
    """A recurrent encoder and decoder.

    twins: for each word of the source that of the target with the same string, or -1; None: both are one vocabulary.
    """
    _refuse_misfits(m)
    encoder = _make_recurrent_encoder(m)
    decoder = _add_past(m, _make_recurrent_decoder(m, encoder.size))
    source, target, spoken = _make_embeddings(m, m.embedding, decoder.size, source_words, target_words)
    head, drop = make_head(m, spoken, decoder, source_words, twins), m.embedding_dropout
    return EncoderDecoder(Embedding(source, dropout=drop), encoder, Embedding(target, dropout=drop), decoder, head)


def reader(m: ModelSection, words: int, *, beside: int = 0, bert: BertShape | None = None) -> TextEncoder:
    """What reads a text of a vocabulary of so many words, and writes none: the encoder half of the family.

    beside: width of what stands beside each word's vector; in a Transformer the vectors are narrower by that.  bert: the shape of the
    pre-trained reader that the run begins with.
    """
    if m.pretrained is not None:  # without a shape: a small one, to see whether the rest can be built
        return make_bert(bert or BertShape(words, size=12, layers=1, heads=1, feedforward=12), beside=beside)
    if m.family == "recurrent":
        reads = encoder(m, beside=beside)
        return TextEncoder(Embedding(table(words, m.embedding, padding=PAD), dropout=m.embedding_dropout), reads)
    if beside >= m.size:
        do = "Raise model.size, or take less beside the words."
        raise ConfigError(message("model.size", f"more than the {beside} that stand beside each word's vector", str(m.size), do))
    reads = encoder(m)
    drawn = table(words, m.size - beside, padding=PAD)
    return TextEncoder(PositionedEmbedding(drawn, make_positions(m), dropout=m.embedding_dropout), reads)


def encoder(m: ModelSection, *, beside: int = 0) -> Encoder:
    """The encoder of the family alone: it reads vectors `embedding` + `beside` wide, in a Transformer `size` wide."""
    if m.family == "recurrent":
        return _make_recurrent_encoder(m, beside)
    made = TransformerEncoder(_make_encoder_layers(m), _make_final_norm(m), m.size)
    _init_xavier(made)
    return made


def decoder(m: ModelSection, encoded: int | None) -> Decoder:
    """The decoder of the family alone, for states `encoded` wide (None: it has no source): it reads vectors `embedding` wide, in a
    Transformer `size` wide."""
    if m.family == "recurrent":
        return _add_past(m, _make_recurrent_decoder(m, encoded))
    made = TransformerDecoder(_make_decoder_layers(m, alone=encoded is None), _make_final_norm(m), m.size)
    _init_xavier(made)
    return made


def _make_recurrent_encoder(m: ModelSection, beside: int = 0) -> RecurrentEncoder:
    return RecurrentEncoder(make_reader(m, m.embedding + beside), dropout=m.dropout)


def _make_recurrent_decoder(m: ModelSection, encoded: int | None) -> Decoder:
    def stack(more: int) -> Stack:
        sizes = [m.embedding + more] + [m.size] * (m.decoder_layers - 1)
        return Stack([make_cell(mechanisms.cell(m.decoder), size, m.size) for size in sizes], dropout=m.dropout)

    if encoded is None:
        return CellsDecoder(stack(0), dropout=m.dropout if m.past is None else 0.0)  # a look back drops of what it says, once
    if m.attention is None:
        begin, feed = m.context_use in ("state", "both"), m.context_use in ("input", "both")
        context, width = _make_context(m, encoded)
        return FixedDecoder(stack(width if feed else 0), context, width, begin=begin, feed=feed, dropout=m.dropout)
    heads, project, directions = m.attention.heads or 1, m.attention.project, encoded // m.size
    look = make_key_value(
        m.attention, query_size=m.size, memory_size=encoded, heads=heads, project=project, directions=directions
    )
    if m.head == "hard-monotonic":  # it makes its own weights of the scores
        look.weighting = Marginal()
    if m.order == "bahdanau":
        return BahdanauDecoder(stack(look.context_size), look, encoded, dropout=m.dropout)
    feed = m.input_feeding is not False
    return LuongDecoder(stack(m.size if feed else 0), look, encoded, feed=feed, dropout=m.dropout)


def _make_context(m: ModelSection, encoded: int) -> tuple[nn.Module, int]:
    """What a decoder without attention knows of its source, and how wide it is."""
    if m.context == "structured":
        return PooledContext(StructuredPool(encoded, inner=m.size, hops=m.hops)), m.hops * encoded
    return CONTEXTS[m.context](encoded), encoded


def _add_past(m: ModelSection, decoder: Decoder) -> Decoder:
    """The same decoder, with a look back at its own earlier states where the config has one."""
    if m.past is None:
        return decoder
    part = part_width(m.size, m.past.parts)
    look = make_from_section(m.past, query_size=part, memory_size=part, heads=m.past.heads or 1, project=m.past.project)
    look.scope = Causal() & ~Window(0) & look.scope
    return SelfAttentiveDecoder(decoder, look, m.size, parts=m.past.parts, dropout=m.dropout)


def transformer(m: ModelSection, source_words: int, target_words: int, twins: Sequence[int] | None = None) -> EncoderDecoder:
    """A Transformer encoder and decoder.  Its linear layers begin with Xavier's uniform weights and no bias.  twins: see `recurrent`."""
    _refuse_misfits(m)
    readers, writers = _make_encoder_layers(m), _make_decoder_layers(m)
    encoder = TransformerEncoder(readers, _make_final_norm(m), m.size)
    decoder = TransformerDecoder(writers, _make_final_norm(m), m.size)
    _init_xavier(encoder, decoder)
    source, target, spoken = _make_embeddings(m, m.size, m.size, source_words, target_words)
    head, drop = make_head(m, spoken, decoder, source_words, twins), m.embedding_dropout
    read, write = (PositionedEmbedding(vectors, make_positions(m), dropout=drop) for vectors in (source, target))
    return EncoderDecoder(read, encoder, write, decoder, head)


def _make_encoder_layers(m: ModelSection) -> list[EncoderLayerBase]:
    """The layers of a Transformer's encoder, or of one whose own looks are Aarens."""

    def make_layer() -> EncoderLayerBase:
        if m.family == "aaren":
            return AarenEncoderLayer(_make_aaren(m), _make_feedforward(m), _make_residuals(m, 2))
        return EncoderLayer(_make_self_attention(m), _make_feedforward(m), _make_residuals(m, 2))

    return [make_layer() for _ in range(m.encoder_layers)]


def _make_decoder_layers(m: ModelSection, *, alone: bool = False) -> list[DecoderLayerBase]:
    """The layers of its decoder; alone: without a look at a source."""
    assert m.attention is not None  # the config refuses `attention: none` here
    cross = m.attention

    def make_layer() -> DecoderLayerBase:
        kind: Any = AarenDecoderLayer if m.family == "aaren" else DecoderLayer
        own = _make_aaren(m) if m.family == "aaren" else _make_self_attention(m, Causal())
        look = None if alone else _make_transformer_attention(m, cross)
        made: DecoderLayerBase = kind(own, look, _make_feedforward(m), _make_residuals(m, 2 if alone else 3))
        return made

    return [make_layer() for _ in range(m.decoder_layers)]


def _make_transformer_attention(m: ModelSection, section: AttentionSection, *, rotary: bool = False) -> Attention:
    heads = section.heads or m.heads
    return make_key_value(section, query_size=m.size, memory_size=m.size, heads=heads, project=True, rotary=rotary)


def _make_self_attention(m: ModelSection, scope: Scope | None = None) -> Attention:
    """A look at one's own sequence."""
    made = _make_transformer_attention(m, m.self_attention, rotary=m.positions == "rotary")
    made.scope = made.scope if scope is None else scope & made.scope
    return made


def _make_aaren(m: ModelSection) -> Aaren:
    made = _make_self_attention(m)
    made.scope = Causal() if isinstance(made.scope, Everywhere) else made.scope
    return Aaren(made, m.size if "query" in made.score.reads else 0)


def _make_feedforward(m: ModelSection) -> FeedForward:
    return FeedForward(m.size, m.feedforward, ACTIVATIONS[m.activation](), dropout=m.dropout)


def _make_residuals(m: ModelSection, count: int) -> Any:
    return tuple(NORMS[m.norm](m.size, dropout=m.dropout) for _ in range(count))


def _make_final_norm(m: ModelSection) -> nn.Module:
    return nn.LayerNorm(m.size) if m.norm == "pre" else nn.Identity()


def _init_xavier(*nets: nn.Module) -> None:
    """Linear layers begin with Xavier's uniform weights and no bias."""
    for linear in [x for net in nets for x in net.modules() if isinstance(x, nn.Linear)]:
        nn.init.xavier_uniform_(linear.weight)
        if linear.bias is not None:
            nn.init.zeros_(linear.bias)


def make_positions(m: ModelSection) -> Positions:
    """What is added to the vectors of a Transformer."""
    if m.positions == "learned":
        return LearnedPositions(m.size, m.max_positions)
    return SinusoidalPositions(m.size) if m.positions == "sinusoidal" else NoPositions(m.size)


def _make_embeddings(
    m: ModelSection, width: int, states: int, source_words: int, target_words: int
) -> tuple[nn.Embedding, nn.Embedding, WordsHead]:
    target = table(target_words, width, padding=PAD)
    source = target if m.tie == "all" else table(source_words, width, padding=PAD)
    return source, target, WordHead(states, target_words) if m.tie == "none" else TiedWordHead(states, target)
