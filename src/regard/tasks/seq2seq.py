"""Sequences to sequences (N-M): translation, pronunciation, inflection, transliteration, normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention.weighting import SampledLogProb
from regard.core.arrays import to_tensors
from regard.core.state import select
from regard.data.batching import Batch
from regard.data.tokenizer import BOS, EOS, PAD, UNK
from regard.networks.encoder_decoder import EncoderDecoder, Penalty
from regard.networks.search import Bounds, Found, beam, sample
from regard.tasks.base import Hypothesis
from regard.tasks.scheduled_sampling import ScheduledSampling
from regard.training.objective import Loss, TaskNetwork


@dataclass(frozen=True)
class Beam:
    """Search by beam; width 1 is greedy."""

    width: int = 5
    n_best: int = 1
    length_penalty: float = 0.0


@dataclass(frozen=True)
class Sample:
    """Draw instead of searching: `n_best` draws, keyed by (seed, sentence, draw, step)."""

    n_best: int = 1
    seed: int = 1
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0


@dataclass(frozen=True)
class Limits:
    """How long an answer may be, in words before the end sign: at least `least`, at most ratio * source + extra, and never more than
    the `room` that learned positions leave."""

    least: int = 0
    ratio: float = 2.0
    extra: int = 20
    room: int | None = None

    def most(self, length: Int[Tensor, " B"]) -> Int[Tensor, " B"]:
        """The most words for sources of these lengths."""
        most = ((length * self.ratio).long() + self.extra).clamp(min=self.least)
        return most if self.room is None else most.clamp(max=self.room - 1)

    @property
    def fewest(self) -> int:
        """`least`, where there is room for it."""
        return self.least if self.room is None else min(self.least, self.room - 1)

    def beyond(self, sources: Int[np.ndarray, " N"], targets: Int[np.ndarray, " N"]) -> tuple[int, int]:
        """How many targets of these lengths, in words before the end sign, are longer than may be written for sources of these lengths; and
        the least `extra` that holds them all, the room aside."""
        lacking = targets - np.maximum((sources * self.ratio).astype(np.int64) + self.extra, self.least)
        return int((lacking > 0).sum()), self.extra + max(0, int(lacking.max(initial=0)))


class Seq2SeqNetwork(TaskNetwork):
    """Cross-entropy on real positions, with label smoothing (Szegedy et al. 2016, section 7).

    Where an attention draws its places (hard attention), the draws learn by REINFORCE with a baseline and an entropy bonus; the reward
    of a draw is the log-probability of all that is written from it on.  Xu et al. 2015, section 4.1.
    draws: how often each target is written in training.  Once, the baseline is a moving average; more often, what the others' draws came
    to from that word on, in the mean: how hard the rest is no longer counts (Kool et al. 2019, "Buy 4 REINFORCE samples, get a baseline
    for free!").  Draws of an encoder, which all have in common, keep the moving average.
    sampling: in training, the network reads some words of its own instead of the target's; None: never.
    penalty: on where it looked in training, such as `doubly_stochastic`.
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
    ) -> None:
        super().__init__()
        self.network, self.label_smoothing, self.sampling, self.penalty = network, label_smoothing, sampling, penalty
        self.entropy, self.draws = entropy, draws
        self.baseline = nn.Buffer(torch.zeros(()))  # moving average of the log-probability of a token

    def loss(self, batch: Batch) -> Loss:
        """Summed over the real target tokens of the batch, the end sign included, in nats."""
        assert batch.target is not None and batch.target_valid is not None
        encoded = self.network.encode(batch.source, batch.source_valid)
        state, draws = self.network.start(encoded, batch.source), self.draws if self.training else 1
        words, target, real = batch.words, batch.target, batch.target_valid
        drawn = encoded.choice
        if self.training and self.sampling is not None:
            words = self.sampling(self.network, words, state)
        if draws > 1:  # of the very same words, so that draws alone differ
            rows = torch.arange(len(words), device=words.device).repeat(draws)
            state, drawn, words, target, real = select((state, drawn, words, target, real), rows)
        penalty = self.penalty if self.training else None
        total, nats, choice = self.network.loss(words, target, real, state, smoothing=self.label_smoothing, penalty=penalty)
        if choice is not None or drawn is not None:
            total = total + self._reinforce(choice, drawn, nats, real, draws)
        return Loss(total / draws, nats.sum() / draws, int(batch.target_valid.sum()))

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


def cross_entropies(networks: Sequence[EncoderDecoder], batch: Batch) -> Float[Tensor, " N"]:
    """The cross-entropy of each real target token, in nats, under the mean of the networks' probabilities (`Model.loss` asks)."""
    batch = to_tensors(batch)
    assert batch.target is not None and batch.target_valid is not None
    real, told = batch.target_valid, []
    extended = len(networks) > 1 and any(n.head.extends for n in networks)
    for network in networks:
        source, words, target = batch.source, batch.words, batch.target
        if cut := extended and not network.head.extends:
            source, words, target = (
                _within(source, network.source),
                _within(words, network.target),
                _within(target, network.target),
            )
        state = network.start(network.encode(source, batch.source_valid), source)
        nats = network.loss(words, target, real, state)[1]
        told.append(nats.masked_fill((target != batch.target)[real], torch.inf) if cut else nats)  # it cannot say them
    return told[0] if len(told) == 1 else np.log(len(told)) - torch.stack(told).neg().logsumexp(0)


@torch.no_grad()
def answer(
    networks: Sequence[EncoderDecoder], batch: Batch, *, way: Beam | Sample, limits: Limits, attention: bool
) -> list[list[Hypothesis]]:
    """The hypotheses of each row of the batch, best first.  Several networks make an ensemble: the mean of their probabilities.

    attention: also where each hypothesis looked, by reading it once more with weights: so it is always that of the final words.
    """
    batch = to_tensors(batch)
    extended = len(networks) > 1 and any(n.head.extends for n in networks)
    read = [_within(batch.source, n.source) if extended and not n.head.extends else batch.source for n in networks]
    state = tuple(n.start(n.encode(words, batch.source_valid), words) for n, words in zip(networks, read, strict=True))
    bounds = Bounds(BOS, EOS, (PAD, BOS, UNK), limits.most(batch.source_valid.sum(1)), limits.fewest)

    def step(words: Tensor, states: Any) -> tuple[Tensor, Any]:
        each = [_within(words, n.target) if extended and not n.head.extends else words for n in networks]
        told, left = zip(*(n.step(w, s) for n, w, s in zip(networks, each, states, strict=True)), strict=True)
        most = max(log_p.shape[1] for log_p in told)  # what one head says of words beyond the vocabulary, others cannot say
        told = tuple(F.pad(log_p, (0, most - log_p.shape[1]), value=-torch.inf) if extended else log_p for log_p in told)
        return told[0] if len(told) == 1 else torch.stack(told).logsumexp(0) - np.log(len(told)), left

    if isinstance(way, Sample):
        keys = [key_of(row[real]) for row, real in zip(batch.source, batch.source_valid, strict=True)]
        found = sample(
            step,
            state,
            bounds=bounds,
            keys=keys,
            seed=way.seed,
            count=way.n_best,
            temperature=way.temperature,
            top_k=way.top_k,
            top_p=way.top_p,
        )
    else:
        found = beam(step, state, bounds=bounds, width=way.width, n_best=way.n_best, length_penalty=way.length_penalty)
    looks = collect_attention(networks[0], batch, found) if attention else [[{} for _ in row] for row in found]
    return [
        [Hypothesis(h.words, h.score, look) for h, look in zip(row, seen, strict=True)]
        for row, seen in zip(found, looks, strict=True)
    ]


def _within(words: Tensor, of: Any) -> Tensor:
    """What a vocabulary lacks, unknown."""
    return words.where(words < of.table.num_embeddings, UNK)


def collect_attention(
    network: EncoderDecoder, batch: Batch, found: Sequence[Sequence[Found]]
) -> list[list[dict[str, np.ndarray]]]:
    """Where the network looked while it wrote each hypothesis, padding cut off."""
    rows = [i for i, row in enumerate(found) for _ in row]
    lines = [h.words for row in found for h in row]
    words = torch.full((len(lines), max((len(line) for line in lines), default=1)), PAD)
    for i, line in enumerate(lines):
        words[i, : len(line)] = torch.tensor((BOS, *line[:-1]))
    source, valid = batch.source[rows], batch.source_valid[rows]
    encoded = network.encode(source, valid, weights=True)
    written = network.looked(words, network.start(encoded, source))
    sizes = {"source": valid.sum(1).tolist(), "target": [len(line) for line in lines]}
    seen = []
    for i in range(len(lines)):
        T, K = sizes["target"][i], sizes["source"][i]
        cut = {"cross": (T, K), "self": (T, T)}
        look = {name: w[i, :, :K, :K] for name, w in encoded.looks.items()}
        look |= {name: w[i, :, : cut[name.split(".")[-1]][0], : cut[name.split(".")[-1]][1]] for name, w in written.items()}
        seen.append({name: w.float().cpu().numpy() for name, w in look.items()})
    each = iter(seen)
    return [[next(each) for _ in row] for row in found]


def key_of(source: Int[Tensor, " K"] | Float[Tensor, "K P"]) -> int:
    """A number that belongs to a sentence, or to an image, wherever it stands."""
    kind = "<f4" if source.is_floating_point() else "<i8"
    return int.from_bytes(blake2b(source.cpu().numpy().astype(kind).tobytes(), digest_size=8).digest(), "little")
