"""What each word that was read has to do with each word that is said: gradient times input, the plainest attribution there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn


def gradient_times_input(table: nn.Module, say: Callable[[], Float[Tensor, "B T"]]) -> Float[np.ndarray, "B T K"]:
    """|sum_d x_kd dlog p_t / dx_kd|: of each log-probability that `say` gives, by the vector x_k of each word that was read.
    Denil et al. 2014; Atanasova et al. 2020 (beside others).

    table: the word vectors of what is read, which is the first thing that `say` asks it for; a table of both sides is asked again.
    """
    read: list[Tensor] = []

    def keep(module: nn.Module, given: Any, made: Tensor) -> Tensor:
        read.append(made.detach().requires_grad_())
        return read[-1]

    handle = table.register_forward_hook(keep)
    try:
        with torch.enable_grad():
            said = say()
            parts = []
            for t in range(said.shape[1]):
                (slope,) = torch.autograd.grad(said[:, t].sum(), read[0], retain_graph=t + 1 < said.shape[1])
                parts.append((slope * read[0].detach()).sum(-1).abs())
    finally:
        handle.remove()
    return torch.stack(parts, 1).numpy()
