"""Language models (N-N, 1-N): what follows each word of a text, and how a text goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from regard.core.state import select, tree_map
from regard.data.tokenizer import BOS, EOS, PAD, UNK
from regard.networks.language_model import LanguageNet
from regard.networks.search import Bounds, beam, sample
from regard.tasks.base import Hypothesis
from regard.tasks.seq2seq import Beam, Sample, key_of
from regard.training.objective import CarriesState, Loss, TaskNetwork


@dataclass(frozen=True, eq=False)
class LanguageBatch:
    """Windows side by side.  words: what is read; targets: what follows each; real: targets that count; first: nothing was read before,
    else each row goes on from the same row of the batch before, which may have had more rows."""

    words: Int[Tensor, "B T"]
    targets: Int[Tensor, "B T"]
    real: Bool[Tensor, "B T"]
    first: bool


class LanguageNetwork(TaskNetwork, CarriesState):
    """Cross-entropy of each next word, window after window, each from the state that the one before left, without its gradient:
    truncated back-propagation through time (Williams & Peng 1990; `networks.bptt.segments` for a single sequence).

    The state is that of the last update in training, and part of a checkpoint: a run that goes on exactly needs it.
    """

    def __init__(self, network: LanguageNet, *, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.network, self.label_smoothing = network, label_smoothing
        self._left: Any = None  # the state behind the last window in training

    def loss(self, batch: LanguageBatch) -> Loss:
        """Summed over the targets that count, in nats.  In training the state is kept for the next batch."""
        if not self.training:
            return self.reading(batch, None)[0]
        found, left = self.reading(batch, self._left)
        self._left = left if bool(torch.isfinite(found.nats)) else None
        return found

    def reading(self, batch: LanguageBatch, state: Any) -> tuple[Loss, Any]:
        """The loss of a window and the state behind it.  state: of the window before; None: as if nothing was read."""
        state = self._begun(batch, state)
        total, nats, left = self.network.loss(batch.words, batch.targets, batch.real, state, smoothing=self.label_smoothing)
        return Loss(total, nats.sum(), int(batch.real.sum())), tree_map(torch.Tensor.detach, left)

    @torch.no_grad()
    def costs(self, batch: LanguageBatch, state: Any) -> tuple[Float[Tensor, " N"], Any]:
        """The cross-entropy of each target that counts, in nats, row by row, and the state behind the window."""
        _, nats, left = self.network.loss(batch.words, batch.targets, batch.real, self._begun(batch, state))
        return nats, left

    def _begun(self, batch: LanguageBatch, state: Any) -> Any:
        """The state that a window begins with: rows that are over stood last."""
        rows = len(batch.words)
        if batch.first or state is None:
            return self.network.start(rows)
        return state if len(state.at) == rows else select(state, torch.arange(rows))

    def looks(self, batch: LanguageBatch, state: Any) -> list[Float[Tensor, "B H T K"]]:
        """Where each layer looks in a window.  state: as in `reading`."""
        state = self._begun(batch, state)
        return list(self.network.looked(batch.words, state).values())

    def carried(self) -> list[Tensor]:
        return [] if self._left is None else leaves(self._left)

    @torch.no_grad()
    def carry(self, tensors: Sequence[Tensor]) -> None:
        """A state of the same shape is made, and filled."""
        each, training = iter(tensors), self.training
        self.eval()
        made = self.network(torch.full((1, 1), BOS), self.network.start(1))[1] if tensors else None
        self.train(training)
        self._left = tree_map(lambda _: next(each), made)


def leaves(state: Any) -> list[Tensor]:
    """The tensors of a state, in order."""
    found = list[Tensor]()
    tree_map(found.append, state)
    return found


@dataclass(frozen=True)
class WritingState:
    """Where the writing of a text stands.  inner: of the network; ahead: what it says of the next word, where that is known already; left:
    how many words may still be written."""

    inner: Any
    ahead: Float[Tensor, "B V"] | None
    left: Int[Tensor, " B"]


@torch.no_grad()
def go_on(
    network: LanguageNet, begun: Int[Tensor, "B T"], *, most: int, least: int, way: Beam | Sample, attention: bool
) -> list[list[Hypothesis]]:
    """How texts of one length go on: at most `most` words each, the best or the drawn.

    A score is the log-probability of what was written, the end sign included where the network wrote it; a text that is cut off at
    its bound pays nothing for that.  attention: "past.N", a row for each word written and a column for each word read, the start
    sign first: where the network looked as it wrote that word.
    """
    words = torch.cat([begun.new_full((len(begun), 1), BOS), begun], 1)
    ahead, inner = network(words, network.start(len(words)))
    full = torch.full((len(words),), most)

    def step(words: Tensor, state: WritingState) -> tuple[Tensor, WritingState]:
        log_p, inner = (state.ahead, state.inner) if state.ahead is not None else network(words[:, None], state.inner)
        cut = torch.zeros_like(log_p[:1]).masked_fill_(torch.arange(log_p.shape[1]) != EOS, -torch.inf)
        return torch.where((state.left > 0)[:, None], log_p, cut), WritingState(inner, None, state.left - 1)

    state, bounds = WritingState(inner, ahead, full), Bounds(BOS, EOS, (PAD, BOS, UNK), full, least)
    if isinstance(way, Sample):
        found = sample(
            step, state, bounds=bounds, keys=[key_of(row) for row in begun], seed=way.seed, count=way.n_best,
            temperature=way.temperature, top_k=way.top_k, top_p=way.top_p,
        )  # fmt: skip
    else:
        found = beam(step, state, bounds=bounds, width=way.width, n_best=way.n_best, length_penalty=way.length_penalty)
    made = []
    for row, best in zip(words, found, strict=True):
        written = [(h.words[:most], h.score) for h in best]  # the end of what was cut off is none
        made.append([Hypothesis(w, score, _looked(network, row, w) if attention else {}) for w, score in written])
    return made


def _looked(network: LanguageNet, begun: Int[Tensor, " T"], written: Sequence[int]) -> dict[str, np.ndarray]:
    """Where it looked for each word written: the text is read once more, so it is always that of the final words."""
    read = torch.cat([begun, torch.tensor(written[:-1], dtype=torch.long)])[None]
    looks = network.looked(read, network.start(1))
    return {f"past.{i}": w[0, :, -len(written) :].float().cpu().numpy() for i, w in enumerate(looks.values())}


class Distances:
    """How far back the weight falls: `add` looks, then ask."""

    def __init__(self, near: Sequence[int] = (1, 5)) -> None:
        self._near, self._weight, self._way = dict.fromkeys(near, 0.0), 0.0, 0.0

    def add(self, weights: Float[Tensor, "B H T K"], real: Bool[Tensor, "B T"]) -> None:
        """weights: of T queries at the last T of K places."""
        T, K = weights.shape[2:]
        far = torch.arange(K - T, K)[:, None] - torch.arange(K)  # of each query from each place
        kept = (weights.mean(1) * real[..., None]).double().sum(0)
        self._weight += float(kept.sum())
        self._way += float((kept * far).sum())
        for near in self._near:
            self._near[near] += float((kept * (far <= near)).sum())

    def told(self) -> dict[str, float]:
        """The mean distance, in words, and the shares within so many; empty where nothing was looked at."""
        if not self._weight:
            return {}
        return {"distance": self._way / self._weight} | {f"within_{n}": w / self._weight for n, w in self._near.items()}
