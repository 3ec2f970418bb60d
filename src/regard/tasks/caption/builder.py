"""A checked config to a captioning network: an encoder of cells, then the decoder of any family."""

from __future__ import annotations

from typing import Any

from torch import nn

from regard.build import networks
from regard.build.heads import make_head
from regard.config import Config
from regard.data.tokenizer import PAD
from regard.networks.base import Encoder
from regard.networks.embedding import Embedding, PositionedEmbedding, table
from regard.networks.encoder_decoder import EncoderDecoder
from regard.networks.heads import TiedWordHead, WordHead
from regard.tasks.caption.grid import Grid
from regard.tasks.caption.layers import Convolved, GridEncoder, GridPositions, PatchEmbedding
from regard.tasks.caption.network import doubly_stochastic
from regard.tasks.caption.section import CaptionSection
from regard.tasks.seq2seq import Seq2SeqNetwork
from regard.tasks.seq2seq_builder import make_sampling


def captioner(config: Config, grid: Grid, words: int) -> Seq2SeqNetwork:
    """The task of a config whose sources are images of this grid, for a vocabulary of so many words."""
    m, section = config.model, CaptionSection.of(config)
    images = {"channels": section.channels, "kernel": section.kernel}
    read: nn.Module = Convolved(grid, m.size, **images) if grid.patch else nn.Linear(grid.width, m.size)
    places = GridPositions(grid, m.size) if section.positions == "learned" else nn.Identity()
    recurrent = m.family == "recurrent"
    encoder: Encoder = GridEncoder(m.size) if recurrent else networks.encoder(m)
    decoder = networks.decoder(m, m.size)
    target = table(words, m.embedding if recurrent else m.size, padding=PAD)
    made: dict[str, Any] = {"dropout": m.embedding_dropout}
    embed = Embedding(target, **made) if recurrent else PositionedEmbedding(target, networks.make_positions(m), **made)
    spoken = WordHead(decoder.size, words) if m.tie == "none" else TiedWordHead(decoder.size, target)
    sights = PatchEmbedding(read, places, dropout=m.dropout)
    network = EncoderDecoder(sights, encoder, embed, decoder, make_head(m, spoken, decoder, 0, None))
    penalty = doubly_stochastic(section.doubly_stochastic) if section.doubly_stochastic else None
    return Seq2SeqNetwork(
        network,
        label_smoothing=config.train.label_smoothing,
        entropy=section.entropy,
        draws=section.draws,
        sampling=make_sampling(config),
        penalty=penalty,
    )
