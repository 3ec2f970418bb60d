"""BERT: a Transformer's encoder over words, their places and the text that each is of, and what it is pre-trained with.
Devlin et al. 2019."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention.positions import LearnedPositions, SinusoidalPositions
from regard.core.optional import in_a_graph
from regard.networks.base import Attentions, EncoderOutput, positions
from regard.networks.bert_shape import BertShape as BertShape
from regard.networks.embedding import Embedding
from regard.networks.heads import WordsHead
from regard.networks.text_encoder import TextEncoder
from regard.networks.transformer import TransformerEncoder


class BertEmbedding(Embedding):
    """`norm(E w + P p + S s)`: word, place, and which of two texts.  Devlin et al. 2019, section 3, figure 2."""

    def __init__(self, shape: BertShape) -> None:
        super().__init__(nn.Embedding(shape.words, shape.size, padding_idx=shape.padding), dropout=shape.dropout)
        self.positions = LearnedPositions(shape.size, shape.positions)
        self.segments = nn.Embedding(shape.segments, shape.size)
        self.norm = nn.LayerNorm(shape.size, eps=shape.epsilon)

    def forward(
        self,
        words: Int[Tensor, "B T"],
        at: Int[Tensor, "B T"],
        beside: Float[Tensor, "B T E"] | None = None,
        *,
        segments: Int[Tensor, "B T"] | None = None,
    ) -> Float[Tensor, "B T D"]:
        """segments: 0 or 1 for each word; None: all are of the first text.  A table of one segment takes both texts for one."""
        which = self.segments.weight[0]
        if segments is not None:
            which = self.segments(segments.clamp(max=self.segments.num_embeddings - 1))
        made = self.norm(self.table(words) + self.positions(at) + which)
        made = made if beside is None else torch.cat([made, beside], -1)
        device = made.device.type
        if torch.is_autocast_enabled(device):
            made = made.to(torch.get_autocast_dtype(device))  # as in `PositionedEmbedding`: cast once
        return self.dropout(made)


class Bert(TextEncoder):
    """Words, places and segments, layers of self-attention, and the pooled [CLS], `tanh(W h_0)`, as `EncoderOutput.final`.

    beside: width of what stands beside each state (not beside each word: the layers are as wide as they were trained).
    causal: the pooled place is the last one, for [CLS] has seen itself alone.
    """

    def __init__(self, shape: BertShape, encoder: TransformerEncoder, *, beside: int = 0) -> None:
        super().__init__(BertEmbedding(shape), encoder)
        self.shape, self.pooler, self.size = shape, nn.Linear(shape.size, shape.size), shape.size + beside

    def forward(
        self,
        words: Int[Tensor, "B K"],
        valid: Bool[Tensor, "B K"],
        beside: Float[Tensor, "B K E"] | None = None,
        *,
        segments: Int[Tensor, "B K"] | None = None,
        weights: bool = False,
    ) -> EncoderOutput:
        at = positions(words.new_zeros(len(words)), words.shape[1])
        if in_a_graph():  # which makes room for the longest of all pairs: padding has no position there, the table may be shorter
            at = at.masked_fill(~valid, 0)
        assert isinstance(self.embed, BertEmbedding)
        encoded = self.encoder(self.embed(words, at, segments=segments), valid, weights=weights)
        pooled = torch.tanh(self.pooler(encoded.final if self.shape.causal else encoded.states[:, 0]))
        states = encoded.states if beside is None else torch.cat([encoded.states, beside.to(encoded.states.dtype)], -1)
        return replace(encoded, states=states, final=pooled)


class MaskedWords(WordsHead):
    """`p = softmax(E norm(gelu(W s + c)) + b)`, with E the table of word vectors itself.  Devlin et al. 2019, appendix A.

    Use it to tell words that were masked; or, from the states of a net that looks to the left only, those that follow.

    Cost: m d (d + V).
    """

    def __init__(self, table: nn.Embedding, activation: nn.Module, *, epsilon: float = 1e-12) -> None:
        super().__init__()
        self.table, self.vocabulary, size = table, table.num_embeddings, table.embedding_dim
        self.transform, self.activation, self.norm = nn.Linear(size, size), activation, nn.LayerNorm(size, eps=epsilon)
        self.bias = nn.Parameter(table.weight.new_zeros(self.vocabulary))

    def parts(self, states: Float[Tensor, "*B D"]) -> tuple[Float[Tensor, "*B E"], Float[Tensor, "V E"], Float[Tensor, " V"]]:
        return self.norm(self.activation(self.transform(states))), self.table.weight, self.bias


@torch.no_grad()
def draw(network: nn.Module, *, spread: float = 0.02) -> None:
    """First weights as in the paper's code: normal, with a spread of 0.02; biases 0; norms 1 and 0; nothing at padding.

    Places alone begin as sinusoids of that spread (Vaswani et al. 2017, section 3.5), and are learnt from there: which are neighbours need
    not be found out first.  (Where their width is odd, they begin as the rest.)
    """
    for part in network.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            part.weight.normal_(0.0, spread)
        if isinstance(part, nn.Linear) and part.bias is not None:
            part.bias.zero_()
        if isinstance(part, nn.Embedding) and part.padding_idx is not None:
            part.weight[part.padding_idx].zero_()
    for part in network.modules():  # after its table was drawn
        if isinstance(part, LearnedPositions) and part.table.embedding_dim % 2 == 0:
            count, size = part.table.weight.shape
            part.table.weight.copy_(SinusoidalPositions(size)(torch.arange(count)[None])[0] * (spread * 2**0.5))


class TextPairs(TextEncoder):
    """Pairs of texts read in one, `[CLS] first [SEP] second [SEP]`, and handed back apart: what each place knows, it knows of both.

    start, end: the numbers of [CLS] and [SEP].  Rows: the first texts and, below them, the second ones.
    """

    def __init__(self, bert: Bert, *, start: int, end: int) -> None:
        nn.Module.__init__(self)  # the embedding and the encoder are the BERT's own, and stand there alone
        self.bert, self.start, self.end, self.size = bert, start, end, bert.size

    def forward(
        self,
        words: Int[Tensor, "B K"],
        valid: Bool[Tensor, "B K"],
        beside: Float[Tensor, "B K E"] | None = None,
        *,
        segments: Int[Tensor, "B K"] | None = None,
        weights: bool = False,
    ) -> EncoderOutput:
        """final: the pooled [CLS] of each pair, for both of its texts.  Where it looked is not told: those rows hold both texts."""
        half, K = len(words) // 2, words.shape[1]
        one, two = (part.sum(1, keepdim=True) for part in valid.split(half))
        longest = 2 * K if in_a_graph() else int((one + two).max())  # a graph knows lengths by shapes alone
        at = torch.arange(longest + 3, device=words.device).expand(half, -1)
        first, second = (at - 1).clamp(0, K - 1), (at - one - 2).clamp(0, K - 1)
        joint = torch.full_like(at, self.end).masked_fill(at == 0, self.start)
        joint = torch.where((at >= 1) & (at <= one), words[:half].gather(1, first), joint)
        joint = torch.where((at >= one + 2) & (at < one + two + 2), words[half:].gather(1, second), joint)
        read = self.bert(joint, at < one + two + 3, segments=(at >= one + 2).long())
        place = torch.arange(K, device=words.device).expand(half, -1)
        back = torch.cat([place + 1, place + one + 2]).clamp(max=at.shape[1] - 1)
        states = torch.cat([read.states, read.states]).gather(1, back[..., None].expand(-1, -1, read.states.shape[-1]))
        states = states if beside is None else torch.cat([states, beside.to(states.dtype)], -1)
        return EncoderOutput(states, valid, torch.cat([read.final, read.final]))

    def attentions(self) -> Attentions:
        return {}
