"""The job of forecasting: series in CSV files, and what follows them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import torch

from regard.data.clock import short
from regard.data.files import fingerprint
from regard.data.rows import BadLine
from regard.data.series import Series, Window, last_window, of_numbers, windows
from regard.data.series_file import described, read_series
from regard.ground.errors import ConfigError, DataError, message
from regard.tasks.forecast import Errors, Forecast, ForecastBatch, Linear, naive, profile, seasonal
from regard.tasks.task import Prediction
from regard.workshop.build_forecast import series_net
from regard.workshop.config import Config
from regard.workshop.config_forecast import ForecastSection
from regard.workshop.jobs.job import Prepared, Say
from regard.workshop.jobs.reading import Reading
from regard.workshop.jobs.reading_job import ReadingJob
from regard.workshop.jobs.scales import Scales, steady
from regard.workshop.train import Validation

ROWS = 256  # windows of which figures are taken at a time


@dataclass(frozen=True, eq=False)
class Framed:
    """A window, and how many places the encoder makes of it."""

    window: Window
    size: int


class ForecastJob(ReadingJob):
    what = "windows of a series"

    def probe(self, config: Config) -> None:
        series_net(config, 2)

    def items(self, files: Sequence[str], config: Config) -> Iterator[Window | BadLine]:
        section = _section(config)
        for series in _read(files, config):
            yield from _windows(series, section)

    def read(self, config: Config, say: Say) -> Prepared:
        """Windows.  Where no validation file is named, those whose forecast lies in the last rows of each file are set aside; what they
        know may lie in the rows before, as is usual, but no row that is forecast there is in a training window."""
        data = config.data
        if not data.train:
            do = "Name one: --train FILE, or data.train in the config."
            raise ConfigError(message("data.train", "a file to train on", "none", do))
        whole = _read([*data.train, *data.valid], config)
        for series in whole:
            say(described(series))
        train, held = _divided(config, whole)
        say(f"train: {' + '.join(data.train)}: {len(train):,} windows")
        aside = f"forecasts of the last {data.valid_share:g} of the rows; they look back into the rows before"
        say(f"valid: {' + '.join(data.valid) or aside}: {len(held):,} windows")
        return Prepared(train, held, fingerprint([*data.train, *data.valid]))

    def held(self, config: Config) -> list[Window]:
        return _divided(config, _read([*config.data.train, *config.data.valid], config))[1]

    def learn(self, config: Config, items: Sequence[Any], folder: Path, say: Say) -> None:
        whole = list({id(item.series): item.series for item in items}.values())
        scales = Scales.of(whole)
        still = [
            name for name, same in zip(scales.columns, steady(np.concatenate([s.values for s in whole])), strict=True) if same
        ]
        if still:
            say(f"note: {', '.join(still)} never changes in the training rows.")
        scales.save(folder, Linear.fitted(_parts(items, scales)).weights)

    def model(self, config: Config, folder: Path) -> Forecaster:
        return Forecaster(config, folder)


class Forecaster(Reading[Framed]):
    """A trained forecaster in use."""

    what = "series"

    def __init__(self, config: Config, folder: Path) -> None:
        self.section, self.scales, self.linear = _section(config), *Scales.load(folder)
        network = Forecast(series_net(config, len(self.scales.columns)))
        super().__init__(network, config, folder)
        self.network, self.most = network, None  # windows are as long as they are
        self._beside: tuple[Any, dict[str, float]] = (None, {})

    def inputs(self, file: str) -> Iterator[Window]:
        """What follows the last row of a file."""
        yield self._last(self._series(file))

    def judged(self, files: Sequence[str]) -> tuple[list[Window], int]:
        return [window for file in files for window in _windows(self._series(file), self.section)], 0

    def encoded(self, item: Any) -> Framed:
        """item: a window, the name of a file, or rows of numbers, of which the last count: what follows them is forecast."""
        if isinstance(item, str):
            item = self._series(item)
        if not isinstance(item, Window):
            item = self._last(item if isinstance(item, Series) else of_numbers(item, self.scales.columns))
        return Framed(item, self.section.places)

    def shortened(self, item: Framed, size: int) -> Framed:
        raise AssertionError("windows are never too long")

    def collated(self, items: Sequence[Framed], rows: Sequence[int]) -> ForecastBatch:
        past = self.scales.down(np.stack([item.window.before for item in items]))
        right = [after for item in items if (after := item.window.after) is not None]
        future = torch.from_numpy(self.scales.down(np.stack(right))).float() if len(right) == len(items) else None
        return ForecastBatch(torch.from_numpy(past).float(), future)

    def answered(self, items: Sequence[Framed], batch: ForecastBatch, n_best: int, attention: bool) -> list[list[Prediction]]:
        if n_best > 1:
            raise ConfigError(message("n_best", "1: a forecaster has one answer", str(n_best), "Leave it out."))
        found = self.network.answer(batch, weights=attention)
        values = self.scales.up(found.values.double().cpu().numpy())
        looks = {name: w.float().cpu().numpy() for name, w in found.looks.items()}
        return [[self._prediction(item.window, values[i], self._looks(looks, i))] for i, item in enumerate(items)]

    def _looks(self, looks: dict[str, np.ndarray], row: int) -> dict[str, np.ndarray]:
        """Of one window: where each column is read by itself, layers stand under the name of their column."""
        if self.section.channels == "together":
            return {name: w[row] for name, w in looks.items()}
        names = self.scales.columns
        return {f"{c}.{name}": w[row * len(names) + i] for i, c in enumerate(names) for name, w in looks.items()}

    def _prediction(self, window: Window, values: np.ndarray, looks: dict[str, np.ndarray]) -> Prediction:
        section, names = self.section, self.scales.columns
        known, later = window.times
        missing = (section.places - 1) * section.step + section.patch - section.past
        labels = short([*known, *later])
        read = tuple(labels[max(i * section.step - missing, 0)] for i in range(section.places))
        said = labels[section.past :: section.step] if section.head == "decoder" else labels[section.past :]
        sides = {name: _sides(name, read, said) for name in looks}
        clocked = window.series.clock is not None
        lines = [_row([*([time] if clocked else []), *self.scales.written(row)]) for time, row in zip(later, values, strict=True)]
        ends = map(self.scales.brief, (values[0], values[-1]))
        text = "; ".join(f"{name} {a} ... {b}" for name, a, b in zip(names, *ends, strict=True))
        details = {"times": list(later), "columns": list(names), "values": values.tolist()}
        head = _row([*([window.series.time] if clocked else []), *names])
        return Prediction(text, 0.0, said, read, looks, window.source, sides=sides, details=details, lines=(head, *lines))

    def nothing(self, item: Framed) -> Prediction:
        return Prediction("", 0.0)

    def figures(self, items: Sequence[Any], found: Sequence[Prediction]) -> dict[str, float]:
        raise AssertionError("figures are taken window by window: see metrics")

    def metrics(self, items: Sequence[Any], *, batch_size: int | None = None) -> tuple[list[Prediction], dict[str, float]]:
        """Errors of the net, and of forecasts that need none.  No predictions: a file has thousands of windows."""
        errors = Errors()
        for rows in _cut(items):
            batch = self.collated([self.encoded(item) for item in rows], range(len(rows)))
            assert batch.future is not None
            errors.add(self.network.answer(batch).values.cpu().numpy(), batch.future.cpu().numpy())
        if self._beside[0] is not items:
            self._beside = (items, self._baselines(items))
        return [], {**errors.figures(), **self._beside[1]}

    def _baselines(self, items: Sequence[Any]) -> dict[str, float]:
        season, ahead = self.section.season, self.section.ahead
        ways: dict[str, Any] = {"naive_": lambda x: naive(x, ahead)}
        if season:
            ways |= {"seasonal_": lambda x: seasonal(x, ahead, season), "profile_": lambda x: profile(x, ahead, season)}
        ways["linear_"] = self.linear
        errors = {name: Errors() for name in ways}
        for past, future in _parts(items, self.scales):
            for name, way in ways.items():
                errors[name].add(way(past), future)
        return reduce(lambda a, b: a | b, (error.figures(name) for name, error in errors.items()))

    def validation(self, items: Sequence[Any]) -> Validation:
        return Validation(self.metrics(items)[1], [])

    def right(self, item: Window) -> str:
        return "" if item.after is None else " ".join(self.scales.brief(item.after[-1]))

    def _series(self, file: str) -> Series:
        """A series with the columns and the step of training."""
        section = self.section
        found = read_series(file, columns=self.scales.columns, time=section.time, gaps=section.gaps)
        self.scales.refuse(found)
        return found

    def _last(self, series: Series) -> Window:
        return last_window(series, self.section.past, self.section.ahead)


def _read(files: Sequence[str], config: Config) -> list[Series]:
    """DataError where columns or steps differ from file to file."""
    section = _section(config)
    found = [read_series(file, columns=section.columns, time=section.time, gaps=section.gaps) for file in files]
    scales = Scales.like(found[0])
    for series in found[1:]:
        if series.columns != found[0].columns:
            expected = f"the columns of {found[0].name} ({', '.join(found[0].columns)})"
            do = "Give files with the same columns, or name those that all have: forecast.columns."
            raise DataError(message(series.name, expected, ", ".join(series.columns), do))
        scales.refuse(series)
    return found


def _divided(config: Config, whole: Sequence[Series]) -> tuple[list[Window], list[Window]]:
    """Windows of training and of validation; whole: the series of all files."""
    data, section = config.data, _section(config)
    train, valid = whole[: len(data.train)], whole[len(data.train) :]
    if valid:
        return _all(train, section), _all(valid, section)
    borders = [len(series) - max(section.ahead, round(data.valid_share * len(series))) for series in train]
    for series, border in zip(train, borders, strict=True):
        if border < section.past + section.ahead:
            need = section.past + section.ahead
            expected = f"at least {need} rows to train on (forecast.past + forecast.ahead), and {section.ahead} more to validate"
            received = (
                f"{len(series)} rows, of which {max(border, 0)} are left for training (data.valid_share: {data.valid_share:g})"
            )
            do = "Give more rows, a validation file (data.valid), or lower forecast.past or forecast.ahead."
            raise DataError(message(series.name, expected, received, do))
    kept = [series.part(0, border) for series, border in zip(train, borders, strict=True)]
    held = [windows(series, section.past, section.ahead, first=border) for series, border in zip(train, borders, strict=True)]
    return _all(kept, section), [window for each in held for window in each]


def _all(found: Sequence[Series], section: ForecastSection) -> list[Window]:
    return [window for series in found for window in _windows(series, section)]


def _windows(series: Series, section: ForecastSection) -> list[Window]:
    """DataError where there is none."""
    found = windows(series, section.past, section.ahead)
    if not found:
        need, do = section.past + section.ahead, "Give more rows, or lower forecast.past or forecast.ahead."
        expected = f"at least {need} rows, for one window of forecast.past = {section.past} and forecast.ahead = {section.ahead}"
        raise DataError(message(series.name, expected, f"{len(series)}", do))
    return found


def _row(cells: Sequence[Any]) -> str:
    """A line of CSV."""
    made = io.StringIO()
    csv.writer(made, lineterminator="").writerow(cells)
    return made.getvalue()


def _sides(name: str, read: tuple[str, ...], said: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The times beside the rows and the columns of a layer: `[column.]encoder...`, or `[column.]decoder...self` and `...cross`."""
    if "encoder." in name:
        return read, read
    return said, said if name.endswith("self") else read


def _cut(items: Sequence[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), ROWS):
        yield list(items[start : start + ROWS])


def _parts(items: Sequence[Window], scales: Scales) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(past, future), scaled, of so many windows at a time."""
    for rows in _cut(items):
        future = [window.after for window in rows]
        assert all(x is not None for x in future)
        yield scales.down(np.stack([window.before for window in rows])), scales.down(np.stack(future))


def _section(config: Config) -> ForecastSection:
    assert config.forecast is not None  # the config gives it to its task
    return config.forecast
