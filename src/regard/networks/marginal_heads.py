"""Heads that mix probabilities instead of contexts: the look is at one place alone, and every place that it may be is counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from regard.core.errors import ConfigError, message
from regard.networks.base import DecoderOutput, EncoderOutput, Looks, Places
from regard.networks.heads import Head, WordsHead
from regard.networks.loss import LOWEST, costs, in_chunks, objective


class MixingHead(Head):
    """What reads each place by itself with a head of words."""

    mixes = True

    def __init__(self, words: WordsHead) -> None:
        super().__init__()
        self.words = words

    def mixed(self, states: Float[Tensor, "N P D"], log_share: Float[Tensor, "N P"]) -> Float[Tensor, "N V"]:
        """log sum_j share_j p(w | place j)."""
        return (self.words.log_p(states) + log_share[..., None]).logsumexp(1)

    def cells(self, states: Float[Tensor, "*B P D"]) -> int:
        """How many numbers the table of a row's places and words has."""
        return states.shape[-2] * self.words.vocabulary


class MarginalHead(MixingHead):
    """`p(y_t) = sum_j a_tj p(y_t | s_t, h_j)`: the exact probability of a look at one place, where softmax only expects a context.
    Shankar et al. 2018 (joint attention).

    words: what reads a state and one place.  It goes with `weighting: marginal`, which gives a, and is all that can read it.
    The state is updated by the expected context, as theirs; so the sum is exact where no state depends on a context (Luong's order
    without feeding), and elsewhere within each step.  Where nothing is in sight, a context of zeros is read.

    Use it where one place makes one word (inflection, pronunciation): looks become sharp without draws, and gradients are exact.

    Cost: m n (d^2 + d V), as every place is read by the head: n times that of softmax.
    """

    def start(self, encoded: EncoderOutput, words: Int[Tensor, "B K"]) -> None:
        return None

    def forward(self, written: DecoderOutput, words: Int[Tensor, "B T"], state: Any) -> tuple[Float[Tensor, "B T V"], None]:
        states, share = (x.flatten(0, 1) for x in _places(written))
        log_p = in_chunks(self.mixed, self.cells(states), states, _log(share))
        return log_p.unflatten(0, words.shape), None

    def loss(
        self,
        written: DecoderOutput,
        targets: Int[Tensor, "B T"],
        real: Bool[Tensor, "B T"],
        state: Any,
        *,
        smoothing: float = 0.0,
    ) -> tuple[Float[Tensor, ""], Float[Tensor, " N"]]:
        def told(states: Tensor, log_share: Tensor, targets: Tensor) -> Tensor:
            return costs(self.mixed(states, log_share), targets)

        states, share = (x[real] for x in _places(written))
        return objective(in_chunks(told, self.cells(states), states, _log(share), targets[real]), smoothing)

    def shown(self, written: DecoderOutput, words: Int[Tensor, "B T"], state: Any) -> Looks:
        return written.looks


@dataclass(frozen=True)
class AlignmentState:
    """prior: how likely each place was for the last look, before its word was known; states: what was read there.  P: the places,
    and nothing."""

    prior: Float[Tensor, "B P"]
    states: Float[Tensor, "B P D"]


class HardMonotonicHead(MixingHead):
    """`p(y | x) = sum_a prod_t p(a_t | a_{t-1}) p(y_t | s_t, h_{a_t})`, over all alignments a that never go back:
    `p(a_t = j | a_{t-1} = i)` is proportional to exp(score_t(j)) over j >= i.  Wu & Cotterell 2019, the 0th-order model.

    words: what reads a state and one place.  size: width of that.  Summed exactly by the forward algorithm, in the logarithm; the
    first look may be anywhere, the next ones at the same place or behind.  The decoder's states must not depend on the alignment:
    Luong's order without feeding.  In use, the state carries where the last look was; each word that is read tells more about it.
    What is in sight is up to the scope (a fade fades the scores' exponentials); where nothing from the last place on is in sight,
    nothing is read, a context of zeros, from there to the end.
    Shown is the predictive alignment, p(a_t | x, y_<t): what the words are mixed by, before the word itself is known.

    Use it where words come in the order of what they are made of: pronunciation, inflection, transliteration.  What has to
    turn words round is out of its reach.

    Cost: m n (d^2 + d V) to read every place, and m steps of n, one after the other, for the sum; in use twice that, once for what
    may follow and once for what did.
    """

    def __init__(self, words: WordsHead, size: int) -> None:
        super().__init__(words)
        self.size = size

    def start(self, encoded: EncoderOutput, words: Int[Tensor, "B K"]) -> AlignmentState:
        B, P = words.shape[0], words.shape[1] + 1
        exact = torch.promote_types(encoded.states.dtype, torch.float32)
        # Before the first word: at the first place.  One place alone, so the start sign tells nothing.
        prior = torch.zeros(B, 1, dtype=exact, device=words.device)
        prior = F.pad(prior, (0, P - 1), value=LOWEST)
        return AlignmentState(prior, encoded.states.new_zeros(B, P, self.size))

    def forward(
        self, written: DecoderOutput, words: Int[Tensor, "B T"], state: AlignmentState
    ) -> tuple[Float[Tensor, "B T V"], AlignmentState]:
        states, _ = _places(written)
        prior = self._priors(written, words, state)
        log_p = in_chunks(self.mixed, self.cells(states), states.flatten(0, 1), prior.flatten(0, 1))
        return log_p.unflatten(0, words.shape), AlignmentState(prior[:, -1], states[:, -1])

    def loss(
        self,
        written: DecoderOutput,
        targets: Int[Tensor, "B T"],
        real: Bool[Tensor, "B T"],
        state: AlignmentState,
        *,
        smoothing: float = 0.0,
    ) -> tuple[Float[Tensor, ""], Float[Tensor, " N"]]:
        states, share = _places(written)
        found = in_chunks(self._said, self.cells(states), states[real], targets[real])
        said = torch.zeros_like(share, dtype=found.dtype).masked_scatter(real[..., None], found)  # padding says nothing
        before = torch.cat([torch.zeros_like(said[:, :1]), said[:, :-1]], 1)
        prior = _walk(state.prior, before, share)
        nats = -(prior + said).logsumexp(-1)[real]
        spread = torch.zeros_like(nats)
        if smoothing:
            even = in_chunks(lambda *row: -self.mixed(*row).mean(-1), self.cells(states), states[real], prior[real])
            spread = spread + even
        return objective(torch.stack([nats, spread], -1), smoothing)

    def shown(self, written: DecoderOutput, words: Int[Tensor, "B T"], state: AlignmentState) -> Looks:
        prior = self._priors(written, words, state).exp()
        return {name: prior[:, None, :, :-1] if name.endswith(".cross") else look for name, look in written.looks.items()}

    def _priors(self, written: DecoderOutput, words: Int[Tensor, "B T"], state: AlignmentState) -> Float[Tensor, "B T P"]:
        states, share = _places(written)
        before = torch.cat([state.states[:, None].to(states), states[:, :-1]], 1)  # from which the words that are read were said
        said = in_chunks(self._said, self.cells(states), before.flatten(0, 1), words.flatten())
        return _walk(state.prior, said.unflatten(0, words.shape), share)

    def _said(self, states: Float[Tensor, "N P D"], words: Int[Tensor, " N"]) -> Float[Tensor, "N P"]:
        """How likely each place was to say the word."""
        return self.words.log_p(states).gather(-1, words[:, None, None].expand(-1, states.shape[1], 1))[..., 0]


def _walk(prior: Float[Tensor, "B P"], said: Float[Tensor, "B T P"], share: Float[Tensor, "B T P"]) -> Float[Tensor, "B T P"]:
    """Of each step, how likely each place is, given all words before: the forward algorithm, normalised at each step.

    prior: of the last look before; said: the log-probability, place by place, of the word that came of the look before each step;
    share: exp(score) up to a factor; 0 out of sight.
    """
    score = _log(share[..., :-1]).to(prior)
    ahead = score.flip(-1).logcumsumexp(-1).flip(-1)  # of all places from each on
    stuck = ahead <= LOWEST / 2
    found = []
    for t in range(said.shape[1]):
        after = (prior + said[:, t]).log_softmax(-1)
        here, nothing = after[:, :-1], after[:, -1:]
        come = (here - ahead[:, t]).where(~stuck[:, t], LOWEST).logcumsumexp(-1)
        lost = torch.cat([here.where(stuck[:, t], LOWEST), nothing], -1).logsumexp(-1, keepdim=True)
        prior = torch.cat([(score[:, t] + come).clamp(min=LOWEST), lost], -1)
        found.append(prior)
    return torch.stack(found, 1)


def _log(share: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """In float32 or better; of nothing, the lowest number."""
    share = share.to(torch.promote_types(share.dtype, torch.float32))
    some = share > torch.finfo(share.dtype).tiny
    return share.where(some, 1.0).log().where(some, LOWEST)


def _places(written: DecoderOutput) -> Places:
    if written.places is None:
        do = "Use weighting: marginal, in a recurrent decoder."
        raise ConfigError(message("head", "a decoder that hands over what each place gives", "one that does not", do))
    return written.places
