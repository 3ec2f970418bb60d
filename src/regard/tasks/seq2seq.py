"""Sequences to sequences (N-M): translation, pronunciation, inflection, transliteration, normalisation.  What is trained."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from regard.attention.weighting import SampledLogProb
from regard.core.state import select
from regard.data.batching import Batch
from regard.networks.base import Looks
from regard.networks.encoder_decoder import EncoderDecoder, Penalty
from regard.tasks.scheduled_sampling import ScheduledSampling
from regard.training.objective import Loss, TaskNetwork

LEAST = 1e-6  # of a weight, for its logarithm


def measure_guided_loss(looks: Looks, real: Bool[Tensor, "B T"], links: Bool[Tensor, "B T K"]) -> Float[Tensor, ""]:
    """`-log sum_{k in A_t} a_tk`, summed over the target tokens t that have links A_t: of the last look at the source, in the mean over
    its heads.  Chen et al. 2016 (there the cross-entropy with an equal share for each link); Garg et al. 2019."""
    look = [weights for name, weights in looks.items() if name.endswith(".cross")][-1].float().mean(1)
    told = links.any(-1) & real
    return -(look * links).sum(-1)[told].clamp(min=LEAST).log().sum()


class Seq2SeqNetwork(TaskNetwork):
    """Cross-entropy on real positions, with label smoothing (Szegedy et al. 2016, section 7).

    Where an attention draws its places (hard attention), the draws learn by REINFORCE with a baseline and an entropy bonus; the reward
    of a draw is the log-probability of all that is written from it on.  Xu et al. 2015, section 4.1.
    draws: how often each target is written in training.  Once, the baseline is a moving average; more often, what the others' draws came
    to from that word on, in the mean: how hard the rest is no longer counts (Kool et al. 2019, "Buy 4 REINFORCE samples, get a baseline
    for free!").  Draws of an encoder, which all have in common, keep the moving average.
    sampling: in training, the network reads some words of its own instead of the target's; None: never.
    penalty: on where it looked in training, such as `doubly_stochastic`.
    guided: what the loss of the links of a batch is multiplied by, see `measure_guided_loss`.
    """

    def __init__(
        self,
        network: EncoderDecoder,
        *,
        label_smoothing: float = 0.0,
        entropy: float = 0.01,
        draws: int = 1,
        sampling: ScheduledSampling | None = None,
        penalty: Penalty | None = None,
        guided: float = 1.0,
    ) -> None:
        super().__init__()
        self.network, self.label_smoothing, self.sampling, self.penalty = network, label_smoothing, sampling, penalty
        self.entropy, self.draws, self.guided = entropy, draws, guided
        self.baseline = nn.Buffer(torch.zeros(()))  # moving average of the log-probability of a token

    def loss(self, batch: Batch) -> Loss:
        """Summed over the real target tokens of the batch, the end sign included, in nats."""
        assert batch.target is not None and batch.target_valid is not None
        encoded = self.network.encode(batch.source, batch.source_valid)
        state, draws = self.network.start(encoded, batch.source), self.draws if self.training else 1
        words, target, real, links = batch.words, batch.target, batch.target_valid, batch.links
        drawn = encoded.choice
        if self.training and self.sampling is not None:
            words = self.sampling(self.network, words, state)
        if draws > 1:  # of the very same words, so that draws alone differ
            rows = torch.arange(len(words), device=words.device).repeat(draws)
            state, drawn, words, target, real, links = select((state, drawn, words, target, real, links), rows)
        penalty = self._penalty(links) if self.training else None
        total, nats, choice = self.network.loss(words, target, real, state, smoothing=self.label_smoothing, penalty=penalty)
        if choice is not None or drawn is not None:
            total = total + self._reinforce(choice, drawn, nats, real, draws)
        return Loss(total / draws, nats.sum() / draws, int(batch.target_valid.sum()))

    def _penalty(self, links: Bool[Tensor, "B T K"] | None) -> Penalty | None:
        own, guided = self.penalty, self.guided
        if links is None:
            return own
        return lambda looks, real: guided * measure_guided_loss(looks, real, links) + (0.0 if own is None else own(looks, real))

    def _reinforce(
        self,
        written: SampledLogProb | None,
        encoded: SampledLogProb | None,
        nats: Float[Tensor, " N"],
        real: Bool[Tensor, "B T"],
        draws: int,
    ) -> Tensor:
        """written: "B T", each draw of the decoder is rewarded by what comes from it on; encoded: "B K", each by everything."""
        gain = torch.zeros(real.shape, dtype=nats.dtype, device=nats.device).masked_scatter(real, -nats)
        ahead, count = (t.flip(1).cumsum(1).flip(1) for t in (gain, real.to(nats.dtype)))
        whole = own = ahead - self.baseline * count  # 0 where nothing real is ahead
        if draws > 1:
            each = ahead.unflatten(0, (draws, -1))
            own = (each - (each.sum(0) - each) / (draws - 1)).flatten(0, 1)
        if self.training:
            self.baseline.mul_(0.9).add_(0.1 * -nats.mean())
        added = nats.new_zeros(())
        for choice, reward, counts in ((written, own, real), (encoded, whole[:, :1], torch.ones_like(real[:, :1]))):
            if choice is not None:
                added = added - (reward * choice.log_prob).sum() - self.entropy * (choice.entropy * counts).sum()
        return added
