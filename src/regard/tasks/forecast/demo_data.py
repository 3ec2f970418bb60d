"""A river, hour by hour: the data of the forecaster's demo, made here, so that it needs no file.

What rains in the hills comes by as high water `LAG` hours later: who forecasts the level must look back so far, and at the rain.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

COLUMNS = ("rain", "level", "temperature")
LAG = 30  # hours from the hills to the gauge
BEGIN = datetime(2024, 1, 1)
EVERY = 18  # hours between showers, in the mean


def floods(seed: int, hours: int) -> tuple[list[str], NDArray[np.float64]]:
    """(times in ISO form, values "T 3"): rain in the hills in mm, the level at the gauge in cm, the temperature in degrees.

    Rain falls now and then, and nothing says when.  The level has a daily season (water is taken by day), a slow trend, noise, and
    the echo of the rain; the temperature a daily season, a yearly one and noise that lasts.
    """
    random = np.random.default_rng(seed)
    hour = np.arange(-LAG, hours)
    rain = np.where(random.random(len(hour)) < 1 / EVERY, 2 + random.gamma(2.0, 4.0, len(hour)), 0.0)
    weather = np.zeros(len(hour))
    for t in range(1, len(hour)):
        weather[t] = 0.95 * weather[t - 1] + random.normal(0, 0.4)
    day = 2 * np.pi * hour / 24
    temperature = 10 - 8 * np.cos(2 * np.pi * hour / 8766) - 4 * np.cos(day - 0.8) + weather
    level = 120 + 4 * hour / 1000 + 5 * np.cos(day) + 2 * np.cos(2 * day) + random.normal(0, 1, len(hour))
    level[LAG:] += 2 * rain[:-LAG]
    values = np.stack([rain, level, temperature], 1)[LAG:].round(2)
    return [(BEGIN + timedelta(hours=t)).isoformat(" ", "minutes") for t in range(hours)], values


def csv(times: list[str], values: NDArray[np.float64]) -> str:
    """As a file holds it."""
    rows = [",".join([time, *(f"{x:g}" for x in row)]) for time, row in zip(times, values, strict=True)]
    return "\n".join([",".join(["time", *COLUMNS]), *rows, ""])
