"""Language models (N-N, 1-N), what is trained: what follows each word of a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from regard.core.arrays import to_arrays, to_tensors
from regard.core.devices import device_of
from regard.core.state import reorder, select, tree_map
from regard.data.tokenizer import BOS
from regard.networks.language_model import LanguageNet
from regard.tasks.language.batch import LanguageBatch
from regard.training.objective import CarriesState, Loss, TaskNetwork


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
        state = self.begin(batch, state)
        total, nats, left = self.network.loss(batch.words, batch.targets, batch.real, state, smoothing=self.label_smoothing)
        return Loss(total, nats.sum(), int(batch.real.sum())), tree_map(torch.Tensor.detach, left)

    @torch.no_grad()
    def costs(self, batch: LanguageBatch, state: Any) -> tuple[Float[Tensor, " N"], Any]:
        """The cross-entropy of each target that counts, in nats, row by row, and the state behind the window."""
        _, nats, left = self.network.loss(batch.words, batch.targets, batch.real, self.begin(batch, state))
        return nats, left

    def begin(self, batch: LanguageBatch, state: Any) -> Any:
        """The state that a window begins with: rows that are over stood last."""
        rows = len(batch.words)
        if batch.first or state is None:
            return self.network.start(rows)
        return state if len(state.at) == rows else select(state, torch.arange(rows, device=batch.words.device))

    def carried(self) -> list[Tensor]:
        return [] if self._left is None else leaves(self._left)

    @torch.no_grad()
    def carry(self, tensors: Sequence[Tensor]) -> None:
        """A state of the same shape is made, and filled."""
        device, training = device_of(self), self.training
        each = (tensor.to(device) for tensor in tensors)
        self.eval()
        made = self.network(torch.full((1, 1), BOS, device=device), self.network.start(1))[1] if tensors else None
        self.train(training)
        self._left = tree_map(lambda _: next(each), made)


def leaves(state: Any) -> list[Tensor]:
    """The tensors of a state, in order."""
    found = list[Tensor]()
    tree_map(found.append, state)
    return found


class ArrayLanguageModel:
    """A `continuation.ReadingNetwork`: arrays of numpy in, arrays out.  task: in evaluation mode."""

    def __init__(self, task: LanguageNetwork) -> None:
        self.network, self._task = task.network, task.eval()

    def exchange(self, change: Callable[[nn.Module], Any]) -> ArrayLanguageModel:
        """The same with what `change` makes of its network."""
        return ArrayLanguageModel(LanguageNetwork(change(self.network)))

    def _sent(self, arrays: Any) -> Any:
        """Arrays as tensors, where the net is."""
        return to_tensors(arrays, device_of(self.network))

    @torch.no_grad()
    def read(self, words: Int[np.ndarray, "B T"]) -> tuple[Float[np.ndarray, "B V"], Any]:
        log_p, state = self.network(self._sent(words), self.network.start(len(words)))
        found: np.ndarray = to_arrays(log_p)
        return found, state

    @torch.no_grad()
    def step(self, words: Int[np.ndarray, " B"], state: Any) -> tuple[Float[np.ndarray, "B V"], Any]:
        log_p, state = self.network(self._sent(words)[:, None], state)
        found: np.ndarray = to_arrays(log_p)
        return found, state

    @torch.no_grad()
    def select(self, state: Any, rows: Int[np.ndarray, " R"]) -> Any:
        return select(state, self._sent(rows))

    @torch.no_grad()
    def reorder(self, state: Any, rows: Int[np.ndarray, " B"]) -> Any:
        return reorder(state, self._sent(rows))

    def cross_entropies(self, batch: LanguageBatch, state: Any) -> tuple[Float[np.ndarray, " N"], Any]:
        nats, left = self._task.costs(self._sent(batch), state)
        found: np.ndarray = to_arrays(nats)
        return found, left

    @torch.no_grad()
    def looks(self, batch: LanguageBatch, state: Any) -> list[Float[np.ndarray, "B H T K"]]:
        batch = self._sent(batch)
        found = self.network.looked(batch.words, self._task.begin(batch, state)).values()
        return [to_arrays(weights.float()) for weights in found]
