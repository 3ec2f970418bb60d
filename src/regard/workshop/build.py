"""The only place where names become objects."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import reduce
from operator import add, and_, or_
from typing import Any

from torch import nn

from regard import attention as catalogue
from regard.attention.attention import Attention
from regard.attention.position import LearnedPositions, NoPositions, Positions, SinusoidalPositions
from regard.attention.scope import Causal, Scope
from regard.attention.score import Score
from regard.attention.weighting import Weighting
from regard.data.tokenize import PAD
from regard.networks.cells import GRU, LSTM, RNN, Cell, Stack
from regard.networks.coder import Decoder
from regard.networks.embed import Embed, PositionedEmbed, table
from regard.networks.encoder_decoder import EncoderDecoder
from regard.networks.heads import Head, TiedWordHead, WordHead
from regard.networks.recurrent import (
    BahdanauDecoder,
    FixedDecoder,
    LastState,
    LuongDecoder,
    RecurrentEncoder,
    TransformedAll,
    TransformedLast,
)
from regard.networks.transformer import (
    DecoderLayer,
    EncoderLayer,
    FeedForward,
    PostNorm,
    PreNorm,
    Residual,
    TransformerDecoder,
    TransformerEncoder,
)
from regard.tasks.transduce import Transduce
from regard.workshop import words
from regard.workshop.config import AttentionSection, Config, ModelSection

CELLS: Mapping[str, Callable[[int, int], Cell]] = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
NETS: Mapping[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
CONTEXTS: Mapping[str, Any] = {"last": lambda size: LastState(), "transform": TransformedLast, "all": TransformedAll}
NORMS: Mapping[str, type[Residual]] = {"pre": PreNorm, "post": PostNorm}
ACTIVATIONS: Mapping[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU}
_JOIN: Mapping[str, Any] = {"+": add, "&": and_, "|": or_}


def make_attention(
    *,
    score: str = "scaled",
    scope: str = "everywhere",
    weighting: str = "softmax",
    query_size: int,
    memory_size: int,
    heads: int = 1,
    project: bool | None = None,
    bias: bool = False,
    out: bool = True,
    dropout: float = 0.0,
) -> Attention:
    """An attention from words, such as score="additive(256)", scope="causal & window(3)", weighting="sparsemax".

    query_size, memory_size: widths of the queries and of what is looked at.  project: query, key, value and output projections
    (None: only where heads > 1); without them the look has just the parameters of its paper's equation, and reads out
    memory_size numbers; with them query_size.  Raises ConfigError for a word that is not known, with the nearest that is.
    """
    projected = heads > 1 if project is None else project
    within = (query_size // heads, query_size // heads) if projected else (query_size, memory_size)
    sizes = {"query_size": within[0], "key_size": within[1], "size": within[0], "heads": heads}
    made: Score = _made(words.score(score), words.SCORES, sizes)
    return Attention(
        query_size,
        memory_size,
        score=made,
        scope=make_scope(scope, query_size=query_size),
        weighting=make_weighting(weighting),
        heads=heads,
        project=project,
        bias=bias,
        out=out,
        dropout=dropout,
    )


def make_scope(text: str, *, query_size: int) -> Scope:
    """A scope from words; query_size: the width of the queries, for scopes that read them."""
    return _made(words.scope(text), words.SCOPES, {"query_size": query_size})


def make_weighting(text: str) -> Weighting:
    """A weighting from its word."""
    return _made(words.weighting(text), words.WEIGHTINGS, {})


def _made(tree: words.Tree, known: words.Table, sizes: Mapping[str, int]) -> Any:
    """The object that an expression names.  A constructor gets the sizes that it asks for, and the numbers written with its word."""
    if isinstance(tree, words.Op):
        parts = [_made(part, known, sizes) for part in tree.parts]
        return ~parts[0] if tree.sign == "~" else reduce(_JOIN[tree.sign], parts)
    made_by = getattr(catalogue, known[tree.name].names)
    asked = inspect.signature(made_by).parameters
    return made_by(**{**{k: v for k, v in sizes.items() if k in asked}, **tree.bound(known)})


def task(config: Config, *, source_words: int, target_words: int) -> Transduce:
    """The task of a config, for vocabularies of these sizes, its weights drawn from torch's generator."""
    build = transformer if config.model.family == "transformer" else recurrent
    return Transduce(build(config.model, source_words, target_words), label_smoothing=config.train.label_smoothing)


def recurrent(m: ModelSection, source_words: int, target_words: int) -> EncoderDecoder:
    """A recurrent encoder and decoder."""
    both, kind = m.encoder.startswith("bi"), m.encoder.removeprefix("bi")
    between = m.dropout if m.encoder_layers > 1 else 0.0
    net = NETS[kind](m.embedding, m.size, m.encoder_layers, batch_first=True, bidirectional=both, dropout=between)
    encoder = RecurrentEncoder(net, dropout=m.dropout)
    decoder = _recurrent_decoder(m, encoder.size)
    source, target, head = _tables(m, m.embedding, decoder.size, source_words, target_words)
    drop = m.embedding_dropout
    return EncoderDecoder(Embed(source, dropout=drop), encoder, Embed(target, dropout=drop), decoder, head)


def _recurrent_decoder(m: ModelSection, encoded: int) -> Decoder:
    def stack(more: int) -> Stack:
        sizes = [m.embedding + more] + [m.size] * (m.decoder_layers - 1)
        return Stack([CELLS[m.decoder](size, m.size) for size in sizes], dropout=m.dropout)

    if m.attention is None:
        begin, feed = m.context_use in ("state", "both"), m.context_use in ("input", "both")
        context = CONTEXTS[m.context](encoded)
        return FixedDecoder(stack(encoded if feed else 0), context, encoded, begin=begin, feed=feed, dropout=m.dropout)
    look = _look(m.attention, query_size=m.size, memory_size=encoded, heads=m.attention.heads or 1, project=m.attention.project)
    if m.order == "bahdanau":
        return BahdanauDecoder(stack(look.context_size), look, encoded, dropout=m.dropout)
    feed = m.input_feeding is not False
    return LuongDecoder(stack(m.size if feed else 0), look, encoded, feed=feed, dropout=m.dropout)


def transformer(m: ModelSection, source_words: int, target_words: int) -> EncoderDecoder:
    """A Transformer encoder and decoder.  Its linear layers begin with Xavier's uniform weights and no bias."""
    assert m.attention is not None  # the config refuses `attention: none` here
    norm = NORMS[m.norm]

    def feedforward() -> FeedForward:
        return FeedForward(m.size, m.feedforward, ACTIVATIONS[m.activation](), dropout=m.dropout)

    def look(section: AttentionSection, scope: Scope | None = None) -> Attention:
        made = _look(section, query_size=m.size, memory_size=m.size, heads=section.heads or m.heads, project=True)
        made.scope = made.scope if scope is None else scope & made.scope
        return made

    def residual() -> Residual:
        return norm(m.size, dropout=m.dropout)

    def closing() -> nn.Module:
        return nn.LayerNorm(m.size) if m.norm == "pre" else nn.Identity()

    readers = [EncoderLayer(look(m.self_attention), feedforward(), (residual(), residual())) for _ in range(m.encoder_layers)]
    writers = [
        DecoderLayer(look(m.self_attention, Causal()), look(m.attention), feedforward(), (residual(), residual(), residual()))
        for _ in range(m.decoder_layers)
    ]
    encoder, decoder = TransformerEncoder(readers, closing(), m.size), TransformerDecoder(writers, closing(), m.size)
    for linear in [x for net in (encoder, decoder) for x in net.modules() if isinstance(x, nn.Linear)]:
        nn.init.xavier_uniform_(linear.weight)
        if linear.bias is not None:
            nn.init.zeros_(linear.bias)
    source, target, head = _tables(m, m.size, m.size, source_words, target_words)
    drop = m.embedding_dropout
    return EncoderDecoder(
        PositionedEmbed(source, _positions(m), dropout=drop),
        encoder,
        PositionedEmbed(target, _positions(m), dropout=drop),
        decoder,
        head,
    )


def _look(section: AttentionSection, *, query_size: int, memory_size: int, heads: int, project: bool | None) -> Attention:
    return make_attention(
        score=section.score,
        scope=section.scope,
        weighting=section.weighting,
        query_size=query_size,
        memory_size=memory_size,
        heads=heads,
        project=project,
        bias=section.bias,
        out=section.out,
        dropout=section.dropout,
    )


def _positions(m: ModelSection) -> Positions:
    if m.positions == "learned":
        return LearnedPositions(m.size, m.max_positions)
    return SinusoidalPositions(m.size) if m.positions == "sinusoidal" else NoPositions(m.size)


def _tables(
    m: ModelSection, width: int, states: int, source_words: int, target_words: int
) -> tuple[nn.Embedding, nn.Embedding, Head]:
    target = table(target_words, width, padding=PAD)
    source = target if m.tie == "all" else table(source_words, width, padding=PAD)
    return source, target, WordHead(states, target_words) if m.tie == "none" else TiedWordHead(states, target)
