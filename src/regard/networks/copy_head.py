"""The head that copies words of the source: a pointer beside a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.core.optional import in_a_graph
from regard.networks.base import DecoderOutput, EncoderOutput, Looks
from regard.networks.heads import Head, WordsHead
from regard.networks.loss import LOWEST, costs, in_chunks, objective


@dataclass(frozen=True)
class CopySources:
    """words: of each place of the source the word of the target that it would be copied as, or -1; behind the vocabulary of V words V +
    the place where it stands first."""

    words: Int[Tensor, "B K"]


class CopyHead(Head):
    """`p(w) = p_gen softmax(W s)_w + (1 - p_gen) sum_{k: x_k = w} a_k`: words are made up or copied from where the decoder looks.
    See et al. 2017, section 2.2, eq. 8-9.

    words: the head that makes words up.  size: width of its states.  twins: for each of the S words of the source that of the
    target with the same string, or -1: special signs and what has no twin cannot be copied.  What the source's vocabulary lacks
    stands behind it: S + the word of the target with that string or, where that vocabulary of V words lacks it too, S + V + the place
    where it stands first; it is copied as V + that place (the extended vocabulary), and read, by encoder and decoder, as `unknown`.
    p_gen = sigmoid(w . s + b) of the decoder's state as it is handed over: in Bahdanau's order that is [state; context; word], just
    what eq. 8 reads; in Luong's and in a Transformer it holds them.
    a: the weights that are shown, after fade and before dropout, the mean over heads, of a Transformer's last layer.  They are
    divided by their sum over the places that can be copied, so that no probability is lost whatever the weighting; where
    that sum is 0 (only the end sign in sight, or nothing) p_gen is 1.

    Use it where answers repeat parts of the source, above all parts that training never saw: names, numbers, inflection,
    normalisation.  It needs an attention that finds the places; where nothing is ever copied it changes little.

    Cost: m (V + n) beside the decoder's look, and the weights of that look in training.
    """

    looks = extends = True

    def __init__(self, words: WordsHead, size: int, twins: Sequence[int], unknown: int = 3) -> None:
        super().__init__()
        self.unknown = unknown
        self.words, self.gate = words, nn.Linear(size, 1)
        self.twins = nn.Buffer(torch.tensor(twins, dtype=torch.long), persistent=False)  # made of the vocabularies, not learnt

    def start(self, encoded: EncoderOutput, words: Int[Tensor, "B K"]) -> CopySources:
        known = len(self.twins)
        made = torch.where(words < known, self.twins[words.clamp(max=known - 1)], words - known)
        return CopySources(made)  # what lies at padding has no weight

    def read(self, words: Int[Tensor, "B K"]) -> Int[Tensor, "B K"]:
        return words.where(words < len(self.twins), self.unknown)

    def wrote(self, words: Int[Tensor, "B T"]) -> Int[Tensor, "B T"]:
        return words.where(words < self.words.vocabulary, self.unknown)

    def forward(
        self, written: DecoderOutput, words: Int[Tensor, "B T"], state: CopySources
    ) -> tuple[Float[Tensor, "B T V"], CopySources]:
        rows = [x.flatten(0, 1) for x in (written.states, *_pointed(written, state))]
        log_p = self._log_p(rows[0], rows[1], rows[2], self._most(state))
        return log_p.unflatten(0, written.states.shape[:2]), state

    def loss(
        self,
        written: DecoderOutput,
        targets: Int[Tensor, "B T"],
        real: Bool[Tensor, "B T"],
        state: CopySources,
        *,
        smoothing: float = 0.0,
    ) -> tuple[Float[Tensor, ""], Float[Tensor, " N"]]:
        def told(states: Tensor, share: Tensor, twins: Tensor, targets: Tensor) -> Tensor:
            log_p = self._log_p(states, share, twins, most)
            return torch.stack([costs(log_p, targets)[:, 0], -log_p[:, : self.words.vocabulary].mean(-1)], -1)

        most = self._most(state)
        rows = [x[real] for x in (written.states, *_pointed(written, state), targets)]
        return objective(in_chunks(told, most, *rows), smoothing)

    def shown(self, written: DecoderOutput, words: Int[Tensor, "B T"], state: CopySources) -> Looks:
        return written.looks

    def _most(self, state: CopySources) -> int:
        """The words of the vocabulary as far as these sources extend it."""
        if in_a_graph():  # of which lengths alone are known: each place may hold a word of its own
            return self.words.vocabulary + state.words.shape[1]
        return max(self.words.vocabulary, 1 + int(state.words.max()) if state.words.numel() else 0)

    def _log_p(
        self, states: Float[Tensor, "N D"], share: Float[Tensor, "N K"], twins: Int[Tensor, "N K"], most: int
    ) -> Float[Tensor, "N V"]:
        made = self.words.log_p(states)
        made = made if most == made.shape[-1] else F.pad(made, (0, most - made.shape[-1]), value=LOWEST)
        copied = torch.zeros_like(made).scatter_add(-1, twins.clamp(min=0), share.to(made))  # what has no twin has no share
        some = copied > torch.finfo(made.dtype).tiny
        gate, any_ = self.gate(states).to(made), some.any(-1, keepdim=True)
        keep, copy = F.logsigmoid(gate).where(any_, 0.0), F.logsigmoid(-gate).where(any_, LOWEST)
        return _either(keep + made, copy + copied.where(some, 1.0).log().where(some, LOWEST))


def _either(a: Float[Tensor, "N V"], b: Float[Tensor, "N V"]) -> Float[Tensor, "N V"]:
    """log(e^a + e^b).  In use by operations that do for each number what they do for any: PyTorch's own takes another road for what is
    left over of a vector."""
    if torch.is_grad_enabled():
        return torch.logaddexp(a, b)
    return torch.maximum(a, b) + (a - b).abs().neg_().exp_().add_(1.0).log_()


def _pointed(written: DecoderOutput, state: CopySources) -> tuple[Float[Tensor, "B T K"], Int[Tensor, "B T K"]]:
    """How likely each place is to be copied, in all 1, or 0 where none can be; and as which word."""
    look = [look for name, look in written.looks.items() if name.endswith(".cross")][-1]
    share = look.mean(1) * (state.words >= 0)[:, None]
    share = share.to(torch.promote_types(share.dtype, torch.float32))
    wide = share if share.requires_grad else share.double()  # in use no order of the sum, which depends on padding, may show
    total = wide.sum(-1, keepdim=True).to(share)
    some = total > torch.finfo(share.dtype).tiny
    return (share / total.where(some, 1.0)) * some, state.words[:, None].expand(share.shape)
