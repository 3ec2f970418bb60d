"""A network made ready to take many steps with the weights of now."""

from __future__ import annotations

from copy import copy, deepcopy
from typing import Any

import torch
from torch import nn

from regard.core.optional import module
from regard.inference import prepacked
from regard.inference.recurrent_steps import of_cells
from regard.inference.transformer_steps import stepping
from regard.inference.weights import WeightFormat, exchange
from regard.networks.encoder_decoder import EncoderDecoder

SOME = 16  # numbers of each weight that are looked at


def in_use(network: EncoderDecoder, rows: int) -> EncoderDecoder:
    """The same network for steps of about `rows` rows: another one that shares its weights, or itself where nothing is gained (few rows
    without compiled loops, a GPU, a torch without oneDNN)."""
    weights = list(network.parameters())
    plain = all(w.device.type == "cpu" and w.dtype == torch.float32 for w in weights)
    if not plain or not hasattr(torch.ops.mkldnn, "_reorder_linear_weight"):
        return network
    in_bytes = any(isinstance(x, WeightFormat) for m in network.modules() for x in m.__dict__.values())
    decoder = of_cells(stepping(network.decoder))
    made = network if decoder is network.decoder else _with(network, decoder)
    if in_bytes or (rows < prepacked.ROWS and module(prepacked.LOOPS) is None):
        return made
    shared: dict[int, Any] = {id(t): t for t in (*weights, *network.buffers())}
    shared |= {} if made is network else {id(decoder): decoder}
    return exchange(deepcopy(made, shared), lambda weight: prepacked.PrepackedWeight(weight, rows), prepacked.LEAST)


class PreparedNetworks:
    """Networks made ready, each kept while its weights stay what they are: to make one again takes up to half the time of a line.

    What is laid out for use lies in memory beside the weights; `let_go` gives it back.
    """

    def __init__(self) -> None:
        self._made: dict[int, tuple[EncoderDecoder, tuple[Any, ...], EncoderDecoder]] = {}

    def in_use(self, network: EncoderDecoder, rows: int) -> EncoderDecoder:
        """`in_use`, of now or of before."""
        now = _mark(network, rows)
        kept = self._made.get(id(network))
        if kept is None or kept[1] != now:
            self._made[id(network)] = kept = (network, now, in_use(network, rows))
        return kept[2]

    def let_go(self) -> None:
        self._made.clear()


def _mark(network: EncoderDecoder, rows: int) -> tuple[Any, ...]:
    """What changes when the network does: where its numbers lie, how often they were written in place, and some of them, as what is
    written by way of `.data` counts for nothing; what can be had for use, and, where it matters, for how many rows."""
    names = (prepacked.LOOPS, "inference.kernels.transformer_steps_loops", "inference.kernels.recurrent_steps_loops")
    loops = [module(name) is not None for name in names]
    numbers = [t.detach() for t in (*network.parameters(), *network.buffers())]
    places = [(t.data_ptr(), -1 if t.is_inference() else t._version, t.shape, t.dtype) for t in numbers]
    some = torch.cat([t.reshape(-1)[:: 1 + t.numel() // SOME].double() for t in numbers]).tolist() if numbers else []
    return (loops, 0 if loops[0] else rows, prepacked.LEAST, network.training, places, some)


def _with(network: EncoderDecoder, decoder: nn.Module) -> EncoderDecoder:
    """The same network with another decoder."""
    made = copy(network)
    made._modules = {**network._modules, "decoder": decoder}
    return made
