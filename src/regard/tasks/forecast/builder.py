"""A checked config to a network that forecasts."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from regard.build import networks
from regard.config import Config
from regard.tasks.forecast import layers
from regard.tasks.forecast.layers import DecoderHead, FlattenHead, ForecastHead, LinearMap, Patches, SeriesNet
from regard.tasks.forecast.least_squares import LinearForecast
from regard.tasks.forecast.network import ForecastNetwork
from regard.tasks.forecast.scaler import Scales
from regard.tasks.forecast.section import ForecastSection

LEVELS: Mapping[str, type[layers.WindowNormalization]] = {
    "instance": layers.InstanceNormalization,
    "last": layers.LastValueNormalization,
    "none": layers.NoNormalization,
}


def forecaster(config: Config, columns: int) -> SeriesNet | LinearMap:
    """What forecasts series of so many columns: a net, or a linear map whose weights are still to come."""
    section = ForecastSection.of(config)
    return LinearMap(section.past, section.ahead) if section.model == "linear" else series_net(config, columns)


def build_forecaster(config: Config, scales: Scales, linear: LinearForecast, *, blended: int = 0) -> ForecastNetwork:
    """The network of a config for series of such scales.  linear: the least squares of its training rows, which may be the forecast itself;
    blended: how many forecasts are blended."""
    inner = forecaster(config, len(scales.columns))
    if isinstance(inner, LinearMap):
        inner.weights.copy_(torch.from_numpy(linear.weights))
    return ForecastNetwork(inner, blended=blended)


def series_net(config: Config, columns: int) -> SeriesNet:
    """The net of a config for series of so many columns, its weights drawn from torch's generator."""
    section, m = ForecastSection.of(config), config.model
    alone, transformer = section.channels == "alone", m.family != "recurrent"
    channels = 1 if alone else columns
    width = m.size if transformer else m.embedding
    encoder = networks.encoder(m)
    if section.head == "flat":
        ahead: ForecastHead = FlattenHead(section.places, encoder.size, ahead=section.ahead, channels=channels, dropout=m.dropout)
    else:
        decoder, place = networks.decoder(m, encoder.size), networks.make_positions(m) if transformer else None
        ahead = DecoderHead(decoder, width, ahead=section.ahead, channels=channels, stride=section.step, place=place)
    place, dropout = networks.make_positions(m) if transformer else None, m.embedding_dropout
    patches = Patches(channels, width, patch=section.patch, stride=section.step, place=place, dropout=dropout)
    return SeriesNet(LEVELS[section.level](), patches, encoder, ahead, alone=alone)
