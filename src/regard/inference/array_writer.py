"""An encoder-decoder as decoding knows it: arrays of numpy in, arrays out (`decoding.networks.WritingNetwork`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import nn

from regard.core.arrays import to_arrays, to_tensors
from regard.core.devices import device_of
from regard.core.state import reorder, select
from regard.data.batching import Batch
from regard.decoding.networks import Looks
from regard.inference.prepare import PreparedNetworks
from regard.networks.embedding import Embedding
from regard.networks.encoder_decoder import EncoderDecoder


class ArrayWriter:
    """network: in evaluation mode.  What is laid out for use lies in memory beside its weights, until `let_go`."""

    def __init__(self, network: EncoderDecoder) -> None:
        self.network, self._kept = network.eval(), PreparedNetworks()
        source: nn.Module = network.source
        self.extends = network.head.extends
        self.source_words = source.table.num_embeddings if isinstance(source, Embedding) else None
        self.target_words = network.target.table.num_embeddings

    def prepare(self, rows: int) -> ArrayWriter:
        return ArrayWriter(self._kept.in_use(self.network, rows))

    def exchange(self, change: Callable[[nn.Module], Any]) -> ArrayWriter:
        """The same with what `change` makes of its network."""
        return ArrayWriter(change(self.network))

    def let_go(self) -> None:
        """Gives back what is laid out: training changes every weight next."""
        self._kept.let_go()

    def _sent(self, arrays: Any) -> Any:
        """Arrays as tensors, where the net is."""
        return to_tensors(arrays, device_of(self.network))

    @torch.no_grad()
    def start(self, source: np.ndarray, valid: Bool[np.ndarray, "B K"]) -> Any:
        words, real = self._sent((source, valid))
        return self.network.start(self.network.encode(words, real), words)

    @torch.no_grad()
    def step(self, words: Int[np.ndarray, " B"], state: Any) -> tuple[Float[np.ndarray, "B V"], Any]:
        log_p, state = self.network.step(self._sent(words), state)
        found: np.ndarray = to_arrays(log_p)
        return found, state

    @torch.no_grad()
    def select(self, state: Any, rows: Int[np.ndarray, " R"]) -> Any:
        return select(state, self._sent(rows))

    @torch.no_grad()
    def reorder(self, state: Any, rows: Int[np.ndarray, " B"]) -> Any:
        return reorder(state, self._sent(rows))

    @torch.no_grad()
    def looks(self, source: np.ndarray, valid: Bool[np.ndarray, "B K"], words: Int[np.ndarray, "B T"]) -> tuple[Looks, Looks]:
        read, real, written = self._sent((source, valid, words))
        encoded = self.network.encode(read, real, weights=True)
        decoded = self.network.looked(written, self.network.start(encoded, read))
        return _float32(encoded.looks), _float32(decoded)

    @torch.no_grad()
    def cross_entropies(
        self,
        source: np.ndarray,
        valid: Bool[np.ndarray, "B K"],
        target: Int[np.ndarray, "B T"],
        real: Bool[np.ndarray, "B T"],
    ) -> Float[np.ndarray, " N"]:
        batch = self._sent(Batch((), source, valid, target, real))
        state = self.network.start(self.network.encode(batch.source, batch.source_valid), batch.source)
        nats: np.ndarray = to_arrays(self.network.loss(batch.words, batch.target, batch.target_valid, state)[1])
        return nats


def _float32(looks: dict[str, torch.Tensor]) -> Looks:
    found: Looks = to_arrays({name: weights.float() for name, weights in looks.items()})
    return found
