"""Forecasting (series to series): how a series of numbers goes on."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from regard.networks.base import Attentions
from regard.tasks.forecast.batch import ForecastBatch, Forecasts
from regard.tasks.forecast.layers import SeriesNet
from regard.training.objective import AnsweringNetwork, Loss


class ForecastNetwork(AnsweringNetwork):
    """The mean of squared differences, over rows ahead and channels.

    blended: how many forecasts are blended, the network's the first of them; their weights, found on validation, are part of it.
    """

    mix: Tensor

    def __init__(self, network: nn.Module, *, blended: int = 0) -> None:
        super().__init__()
        self.network = network
        if blended:
            self.register_buffer("mix", torch.eye(blended, dtype=torch.float64)[0])

    def loss(self, batch: ForecastBatch) -> Loss:
        """Summed over all numbers that are right; `tokens` counts them."""
        assert batch.future is not None
        total = ((self.network(batch.past).values - batch.future) ** 2).sum()
        return Loss(total, total.detach(), batch.future.numel())

    def attentions(self) -> Attentions:
        return self.network.attentions() if isinstance(self.network, SeriesNet) else {}

    def infer(self, batch: ForecastBatch, *, weights: bool = False) -> Forecasts:
        """What is ahead of each window."""
        values, looks = self.network(batch.past, weights=weights)
        return Forecasts(values, getattr(self, "mix", None), looks)

    @torch.no_grad()
    def keep_mix(self, weights: Float[np.ndarray, " N"]) -> None:
        """Take what forecasts are blended by."""
        self.mix.copy_(torch.from_numpy(weights))
