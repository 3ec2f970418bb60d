"""Scheduled sampling: in training, a network reads more and more of its own words, as it must in use."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import exp, log

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention.weighting import Annealed
from regard.core.errors import ConfigError, message
from regard.data.tokenizer import BOS, EOS, PAD, UNK
from regard.networks.encoder_decoder import EncoderDecoder, Writing

Decay = Callable[[float, float], float]  # (done in [0, 1], share at the end) to the share now


def linear(done: float, most: float) -> float:
    """`1 - eps = c i`, up to `most`."""
    return most * done


def exponential(done: float, most: float) -> float:
    """`eps = k^i`, from 1 to 1 - `most`."""
    return 1 - (1 - most) ** done


def inverse_sigmoid(done: float, most: float) -> float:
    """`eps = k / (k + exp(i / k))` with k = 100 and its middle half way; stretched, so that it begins with 0 and ends with `most`."""
    steep = log(100)  # i / k runs from 0 to 2 log k

    def sigmoid(x: float) -> float:
        return 1 / (1 + exp(-x))

    return most * (sigmoid(steep * (2 * done - 1)) - sigmoid(-steep)) / (sigmoid(steep) - sigmoid(-steep))


class ScheduledSampling(nn.Module, Annealed, ABC):
    """`p(read the model's own word) = 1 - eps_i`: growing with training from 0 to a share, a coin for each word.
    Bengio et al. 2015, section 2.4.

    most: the share of own words at the end, in [0, 1); else ConfigError.  decay: how the share of the target's words falls.
    Own words are drawn from what the network says, without gradient, from torch's generator; the signs that are never read in
    use (padding, start, end, unknown) are not drawn.  The share depends on nothing but how much of the training is done, so a run
    that is resumed goes on exactly.

    Use it where answers are long and one error leads to the next; it helps little where answers are short, and too large a share
    teaches words that do not follow.

    Cost: what was to be read must be written first: one more forward pass, step by step in a recurrent net.
    """

    def __init__(self, most: float, decay: Decay = linear) -> None:
        super().__init__()
        if not 0 <= most < 1:
            raise ConfigError(message("share of own words", "at least 0 and less than 1", str(most), "Try 0.25."))
        self.most, self.decay, self.share = most, decay, 0.0

    def anneal(self, done: float) -> None:
        self.share = self.decay(done, self.most)

    @torch.no_grad()
    def forward(self, network: EncoderDecoder, words: Int[Tensor, "B T"], state: Writing) -> Int[Tensor, "B T"]:
        """What to read instead of `words`, which begin with the start sign; state: that of network.start."""
        if not self.share:
            return words
        own = torch.rand(words.shape, device=words.device) < self.share
        own[:, 0] = False
        return self.mixed(network, words, own, state) if bool(own.any()) else words

    @abstractmethod
    def mixed(
        self, network: EncoderDecoder, words: Int[Tensor, "B T"], own: Bool[Tensor, "B T"], state: Writing
    ) -> Int[Tensor, "B T"]:
        """The words, with the network's own in the places `own`."""


class StepByStep(ScheduledSampling):
    """Each own word is drawn after all that was read before it, own words among it."""

    def mixed(
        self, network: EncoderDecoder, words: Int[Tensor, "B T"], own: Bool[Tensor, "B T"], state: Writing
    ) -> Int[Tensor, "B T"]:
        read = [words[:, 0]]
        for t in range(1, words.shape[1]):
            log_p, state = network.step(read[-1], state)
            read.append(draw_words(log_p).where(own[:, t], words[:, t]))
        return torch.stack(read, 1)


class TwoPasses(ScheduledSampling):
    """All own words are drawn at once, each after the target's words before it: for nets that read all words at once.
    Mihaylova & Martins 2019, section 3."""

    def mixed(
        self, network: EncoderDecoder, words: Int[Tensor, "B T"], own: Bool[Tensor, "B T"], state: Writing
    ) -> Int[Tensor, "B T"]:
        log_p, _ = network(words[:, :-1], state)
        return torch.cat([words[:, :1], draw_words(log_p).where(own[:, 1:], words[:, 1:])], 1)


def draw_words(log_p: Float[Tensor, "*B V"]) -> Int[Tensor, "*B"]:
    """A word from each distribution, less what is never read, by Gumbel's trick."""
    log_p = log_p.index_fill(-1, torch.tensor([PAD, BOS, EOS, UNK], device=log_p.device), -torch.inf)
    noise = torch.empty_like(log_p).exponential_().clamp_min(torch.finfo(log_p.dtype).tiny)
    return (log_p - noise.log()).argmax(-1)
