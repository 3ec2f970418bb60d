"""Forecasting, the training side: series in CSV files, and what is learnt of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from regard.config import Config
from regard.config.auto import settle
from regard.core.errors import DataError, message
from regard.core.plural import many
from regard.core.say import Say
from regard.data.parts import all_parts
from regard.data.row_parser import RecordError
from regard.data.text_files import fingerprint
from regard.tasks.array_predictor import ArrayPredictor
from regard.tasks.base import Splits
from regard.tasks.forecast.builder import build_forecaster, forecaster
from regard.tasks.forecast.data import Series, SeriesWindow, windows
from regard.tasks.forecast.least_squares import LinearForecast
from regard.tasks.forecast.network import ForecastNetwork
from regard.tasks.forecast.predictor import Forecaster, parts, windows_of
from regard.tasks.forecast.scaler import Scales, steady
from regard.tasks.forecast.section import ForecastSection
from regard.tasks.forecast.series_file import describe, read_series
from regard.tasks.in_memory_task import InMemoryTask
from regard.tasks.splits import refuse_no_file
from regard.training.setup import TrainingSetup


class ForecastTask(InMemoryTask):
    what, predictor = "windows of a series", Forecaster

    def probe(self, config: Config) -> None:
        forecaster(config, 2)

    def items(
        self, files: Sequence[str], config: Config, passed: Counter[str] | None = None
    ) -> Iterator[SeriesWindow | RecordError]:
        section = ForecastSection.of(config)
        for series in _read(files, config):
            yield from windows_of(series, section)

    def read(self, config: Config, say: Say) -> Splits:
        """Windows.  Where no validation file is named, those whose forecast lies in the last rows of each file are set aside; what they
        know may lie in the rows before, as is usual, but no row that is forecast there is in a training window."""
        refuse_no_file(config)
        data = config.data
        whole = _read([*data.train, *data.valid], config)
        for series in whole:
            say(describe(series))
        train, held = _divided(config, whole)
        say(f"train: {' + '.join(data.train)}: {many(len(train), 'window')}")
        aside = f"forecasts of the last {data.valid_share:g} of the rows; they look back into the rows before"
        say(f"valid: {' + '.join(data.valid) or aside}: {many(len(held), 'window')}")
        return Splits(train, held, fingerprint([*data.train, *data.valid]))

    def validation_items(self, config: Config) -> list[SeriesWindow]:
        return _divided(config, _read([*config.data.train, *config.data.valid], config))[1]

    def fit(self, config: Config, data: Splits) -> tuple[Config, str]:
        # How a series should be learnt is in its clock and its scale, not in how much there is of it.
        return settle(config, {}), ""

    def learn(self, config: Config, items: Sequence[Any], folder: Path, say: Say) -> None:
        whole = list({id(item.series): item.series for item in items}.values())
        scales = Scales.of(whole)
        same = steady(np.concatenate([series.values for series in whole]))
        still = [name for name, never in zip(scales.columns, same, strict=True) if never]
        if still:
            say(f"note: {', '.join(still)} never changes in the training rows.")
        scales.save(folder, LinearForecast.fitted(parts(items, scales), own=ForecastSection.of(config).blend))

    def model(self, config: Config, folder: Path) -> ArrayPredictor[Any]:
        self._made: Any = super().model(config, folder)
        return self._made

    def build(self, config: Config, known: Forecaster) -> ForecastNetwork:
        return build_forecaster(config, known.scales, known.linear, blended=len(known.blended) if known.section.blend else 0)

    def ready(self, config: Config, data: Splits, folder: Path, say: Say, *, fresh: bool) -> TrainingSetup:
        """Least squares needs no update; in the end it is said whether a net was worth it, and what is blended how."""
        made, section = super().ready(config, data, folder, say, fresh=fresh), ForecastSection.of(config)
        straight = section.model == "linear"
        sizes = f"least squares, from forecast.past = {many(section.past, 'row')} to forecast.ahead = {section.ahead}; there are no updates"
        finish: Callable[[], None] = lambda: _compared(self._made, data.valid, say)
        return replace(made, finish=finish, untrained=straight, sizes=sizes if straight else made.sizes)


def _compared(model: Forecaster, held: Sequence[SeriesWindow], say: Say) -> None:
    """Says what a blend is made of, or whether least squares is better than the net."""
    figures = model.metrics(held)[1]
    net, line = figures.get("net_mse", figures["mse"]), figures["linear_mse"]
    if model.section.blend:
        shares = ", ".join(f"{w:.2f} {name}" for w, name in zip(model.network.mix.tolist(), model.blended, strict=True))
        alone = f"the net alone {net:.4g}, least squares {line:.4g}" if model.section.model == "net" else f"without it {line:.4g}"
        say(f"blend, of what lies beyond the last value: {shares} (mse {figures['mse']:.4g}; {alone})")
    elif model.section.model == "net" and line < net:
        do = "forecast.model=linear keeps it, forecast.blend=true mixes both."
        say(f"note: on the validation rows least squares is better than the net (mse {line:.4g}, the net {net:.4g}): {do}")


def _read(files: Sequence[str], config: Config) -> list[Series]:
    """DataError where columns or steps differ from file to file."""
    section = ForecastSection.of(config)
    found = [read_series(file, columns=section.columns, time=section.time, gaps=section.gaps) for file in all_parts(files)]
    scales = Scales.like(found[0])
    for series in found[1:]:
        if series.columns != found[0].columns:
            expected = f"the columns of {found[0].name} ({', '.join(found[0].columns)})"
            do = "Give files with the same columns, or name those that all have: forecast.columns."
            raise DataError(message(series.name, expected, ", ".join(series.columns), do))
        scales.refuse(series)
    return found


def _divided(config: Config, whole: Sequence[Series]) -> tuple[list[SeriesWindow], list[SeriesWindow]]:
    """Windows of training and of validation; whole: the series of all files."""
    data, section = config.data, ForecastSection.of(config)
    first = len(all_parts(data.train))
    train, valid = whole[:first], whole[first:]
    if valid:
        return _all(train, section), _all(valid, section)
    borders = [len(series) - max(section.ahead, round(data.valid_share * len(series))) for series in train]
    for series, border in zip(train, borders, strict=True):
        if border < section.past + section.ahead:
            need = section.past + section.ahead
            expected = f"at least {need} rows to train on (forecast.past + forecast.ahead), and {section.ahead} more to validate"
            left = f"{max(border, 0)} are left for training (data.valid_share: {data.valid_share:g})"
            received = f"{len(series)} rows, of which {left}"
            do = "Give more rows, a validation file (data.valid), or lower forecast.past or forecast.ahead."
            raise DataError(message(series.name, expected, received, do))
    kept = [series.part(0, border) for series, border in zip(train, borders, strict=True)]
    held = [windows(series, section.past, section.ahead, first=border) for series, border in zip(train, borders, strict=True)]
    return _all(kept, section), [window for each in held for window in each]


def _all(found: Sequence[Series], section: ForecastSection) -> list[SeriesWindow]:
    return [window for series in found for window in windows_of(series, section)]
