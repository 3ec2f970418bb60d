"""What the CPU's loops of `kernels.tanh` compare: rows, and their exponentials where these may be used."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

NEAR = 10.0  # |q|, |k| up to which e^{2q} e^{2k}, and the product of two such, stay far from the ends of float32 (e^80 of e^88)
FEW = 4  # queries or keys below which their exponentials cost more than they save


class AdditiveRows(NamedTuple):
    """What is compared: "R" is every head of every sentence; contiguous, float32.

    e_query, e_keys: e^{2q}, e^{2k}; only to be used for pairs of a near query and a near key.
    """

    query: Float[Tensor, "R Q D"]
    keys: Float[Tensor, "R K D"]
    e_query: Float[Tensor, "R Q D"]
    e_keys: Float[Tensor, "R K D"]
    near_query: Bool[Tensor, "R Q"]
    near_keys: Bool[Tensor, "R K"]

    @staticmethod
    def of(query: Float[Tensor, "R Q D"], keys: Float[Tensor, "R K D"]) -> AdditiveRows:
        if min(query.shape[1], keys.shape[1]) < FEW:
            none = (torch.zeros(t.shape[:2], dtype=torch.bool) for t in (query, keys))
            return AdditiveRows(query, keys, query, keys, *none)
        near = (t.abs().amax(-1) <= NEAR for t in (query, keys))
        return AdditiveRows(query, keys, torch.exp(2 * query), torch.exp(2 * keys), *near)
