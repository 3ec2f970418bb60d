"""A network made ready to take many steps with the weights of now."""

from __future__ import annotations

from copy import copy, deepcopy
from typing import Any

import torch
from torch import nn

from regard.ground.optional import module
from regard.networks import packed
from regard.networks.encoder_decoder import EncoderDecoder
from regard.networks.matrix import Matrix, exchange
from regard.networks.stepping import stepping
from regard.networks.stepping_cells import of_cells


def in_use(network: EncoderDecoder, rows: int) -> EncoderDecoder:
    """The same network for steps of about `rows` rows: another one that shares its weights, or itself where nothing is gained (few rows
    without numba, a GPU, a torch without oneDNN)."""
    weights = list(network.parameters())
    plain = all(w.device.type == "cpu" and w.dtype == torch.float32 for w in weights)
    if not plain or not hasattr(torch.ops.mkldnn, "_reorder_linear_weight"):
        return network
    in_bytes = any(isinstance(x, Matrix) for m in network.modules() for x in m.__dict__.values())
    decoder = of_cells(stepping(network.decoder, rows))
    made = network if decoder is network.decoder else _with(network, decoder)
    if in_bytes or (rows < packed.ROWS and module("networks.rows_numba") is None):
        return made
    shared: dict[int, Any] = {id(t): t for t in (*weights, *network.buffers())}
    shared |= {} if made is network else {id(decoder): decoder}
    return exchange(deepcopy(made, shared), lambda weight: packed.Packed(weight, rows), packed.LEAST)


def _with(network: EncoderDecoder, decoder: nn.Module) -> EncoderDecoder:
    """The same network with another decoder."""
    made = copy(network)
    made._modules = {**network._modules, "decoder": decoder}
    return made
