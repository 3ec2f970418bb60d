"""A trained forecaster in use: windows of series, what follows them, and how far that is from what is right."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from regard.core.errors import DataError, message
from regard.core.say import Say
from regard.data.parts import all_parts
from regard.data.report import Report
from regard.tasks.array_predictor import Answering, ArrayPredictor, Judged
from regard.tasks.base import NBest, TaskPrediction
from regard.tasks.forecast.baselines import ForecastErrors, Rows, naive, profile, seasonal
from regard.tasks.forecast.batch import ForecastBatch, Forecasts
from regard.tasks.forecast.data import Series, SeriesWindow, last_window, of_numbers, windows
from regard.tasks.forecast.least_squares import Blend
from regard.tasks.forecast.scaler import Scales
from regard.tasks.forecast.series_file import read_series
from regard.tasks.forecast.timestamps import short
from regard.tasks.options import ALL_FIGURES, ONE_ANSWER, EvaluationOptions
from regard.tasks.row_looks import LookRows
from regard.training.validation import Validation

if TYPE_CHECKING:
    from regard.config import Config
    from regard.tasks.forecast.section import ForecastSection

ROWS = 256  # windows of which figures are taken at a time


@dataclass(frozen=True, eq=False)
class EncodedWindow:
    """A window, and how many places the encoder makes of it."""

    window: SeriesWindow
    size: int


class Forecaster(ArrayPredictor[EncodedWindow]):
    """A trained forecaster in use; long because it answers windows and is judged by series, by one network."""

    what, accepts = "series", ONE_ANSWER

    def __init__(self, config: Config, folder: Path, network: Answering | None) -> None:
        self.section, self.scales, self.linear = config.own, *Scales.load(folder)
        super().__init__(config, folder, network)
        self.most = None  # windows are as long as they are
        self._beside: tuple[Any, dict[str, float]] = (None, {})

    @property
    def blended(self) -> tuple[str, ...]:
        """What is blended, for people."""
        section = self.section
        each = ("least squares of each column",) if len(self.scales.columns) > 1 else ()
        return (
            *(("the net",) if section.model == "net" else ()),
            *("least squares", *each, *(("the mean season",) if section.season else ())),
        )

    def make_up(self, by: Random, length: int) -> np.ndarray:
        """A walk, of as many columns as the run has, about as large as what it was trained on."""
        draw = np.random.default_rng(by.randrange(1 << 32))
        steps = draw.normal(size=(self.section.past + length, len(self.scales.columns)))
        return self.scales.up(np.cumsum(steps, 0) / 3)

    def inputs(self, file: str, say: Say | None = None) -> Iterator[SeriesWindow]:
        """What follows the last row of a file."""
        yield self._last(self._series(file))

    def read_examples(self, file: str, say: Say | None = None) -> Iterator[SeriesWindow]:
        """What follows the last row, and before it the last window whose continuation the file has too."""
        series = self._series(file)
        yield self._last(series)
        if len(series) >= (need := self.section.past + self.section.ahead):
            yield SeriesWindow(series, len(series) - need, self.section.past, self.section.ahead)

    def read_gold(self, files: Sequence[str]) -> tuple[list[SeriesWindow], Report]:
        found = [window for file in all_parts(files) for window in windows_of(self._series(file), self.section)]
        return found, Report(tuple(files))

    def encode(self, item: Any) -> EncodedWindow:
        """item: a window, the name of a file, or rows of numbers, of which the last count: what follows them is forecast."""
        if isinstance(item, str):
            item = self._series(item)
        if not isinstance(item, SeriesWindow):
            item = self._last(item if isinstance(item, Series) else of_numbers(item, self.scales.columns))
        return EncodedWindow(item, self.section.places)

    def truncate(self, item: EncodedWindow, size: int) -> EncodedWindow:
        raise AssertionError("windows are never too long")

    def collate(self, items: Sequence[EncodedWindow], rows: Sequence[int]) -> ForecastBatch:
        past = self.scales.down(np.stack([item.window.before for item in items]))
        right = [after for item in items if (after := item.window.after) is not None]
        future = self.scales.down(np.stack(right)).astype(np.float32) if len(right) == len(items) else None
        return ForecastBatch(past.astype(np.float32), future)

    def predict_batch(self, items: Sequence[EncodedWindow], batch: ForecastBatch, n_best: int, attention: bool) -> NBest:
        found = self.network.answer(batch, weights=attention)
        values, looks = self.scales.up(self._mixed(batch, found)), found.looks
        return [[self._prediction(item.window, values[i], _looks(looks, i, self._apart))] for i, item in enumerate(items)]

    @property
    def _apart(self) -> Sequence[str]:
        """The columns, where each is read by itself."""
        return self.scales.columns if self.section.channels == "alone" else ()

    def name_looks(self, names: Sequence[str]) -> Mapping[str, LookRows]:
        if not self._apart:
            return super().name_looks(names)
        every, count = enumerate(self._apart), len(self._apart)
        return {f"{column}.{name}": LookRows(name, partial(_every, i, count)) for i, column in every for name in names}

    def _prediction(self, window: SeriesWindow, values: np.ndarray, looks: dict[str, np.ndarray]) -> TaskPrediction:
        section, names = self.section, self.scales.columns
        known, later = window.times
        missing = (section.places - 1) * section.step + section.patch - section.past
        labels = short([*known, *later])
        read = tuple(labels[max(i * section.step - missing, 0)] for i in range(section.places))
        said = labels[section.past :: section.step] if section.head == "decoder" else labels[section.past :]
        lying = {"past": read, "forecast": said}
        axes = {name: _axes(name) for name in looks}
        sides = {name: (lying[down], lying[across]) for name, (down, across) in axes.items()}
        clocked = window.series.clock is not None
        lines = [_row([*([time] if clocked else []), *self.scales.written(row)]) for time, row in zip(later, values, strict=True)]
        ends = map(self.scales.brief, (values[0], values[-1]))
        text = "; ".join(f"{name} {a} ... {b}" for name, a, b in zip(names, *ends, strict=True))
        details = {"times": list(later), "columns": list(names), "values": values.tolist()}
        head = _row([*([window.series.time] if clocked else []), *names])
        starts = [i * section.step - missing for i in range(section.places)]
        places = [[max(start, 0), min(start + section.patch, section.past)] for start in starts]
        truth = None if window.after is None else window.after.tolist()
        shown = {"past": window.before.tolist(), "times": list(known), "truth": truth, "places": places}
        more: Any = {"sides": sides, "details": details, "axes": axes, "read": shown}
        return TaskPrediction(text, None, said, read, looks, window.source, lines=(head, *lines), **more)

    def empty_prediction(self, item: EncodedWindow) -> TaskPrediction:
        return TaskPrediction("", None)

    def figures(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, float]:
        raise AssertionError("figures are taken window by window: see metrics")

    def metrics(self, items: Sequence[Any], options: EvaluationOptions = ALL_FIGURES) -> Judged:
        """Errors of the forecast, and of forecasts that need none.  No predictions: a file has thousands of windows."""
        errors, alone = ForecastErrors(), ForecastErrors()
        for batch, said in self._net(items):
            assert batch.future is not None
            errors.add(self._mixed(batch, said), batch.future)
            alone.add(said.values, batch.future)
        if self._beside[0] is not items:
            self._beside = (items, self._baselines(items))
        net = alone.figures("net_") if self.section.blend and self.section.model == "net" else {}
        return [], {**errors.figures(), **net, **self._beside[1]}

    def _net(self, items: Sequence[Any]) -> Iterator[tuple[ForecastBatch, Forecasts]]:
        """What the network says of windows, so many at a time."""
        for rows in _cut(items):
            batch = self.collate([self.encode(item) for item in rows], range(len(rows)))
            yield batch, self.network.answer(batch)

    def _each(self, batch: ForecastBatch, said: Forecasts) -> tuple[Rows, list[Rows]]:
        """(past, the forecasts that are blended), scaled; said: by the network."""
        past, net = batch.past.astype(np.float64), said.values.astype(np.float64)
        made = [net, self.linear(past)] if self.section.model == "net" else [net]
        made += [self.linear.each(past)] if len(self.scales.columns) > 1 else []
        made += [profile(past, self.section.ahead, self.section.season)] if self.section.season else []
        return past, made

    def _mixed(self, batch: ForecastBatch, said: Forecasts) -> Rows:
        """The forecast, scaled: what the network said, or what is made of it."""
        if said.mix is None:
            return said.values.astype(np.float64)
        past, each = self._each(batch, said)
        return Blend(said.mix)(past, each)

    def _baselines(self, items: Sequence[Any]) -> dict[str, float]:
        season, ahead = self.section.season, self.section.ahead
        ways: dict[str, Any] = {"naive_": lambda x: naive(x, ahead)}
        if season:
            ways |= {"seasonal_": lambda x: seasonal(x, ahead, season), "profile_": lambda x: profile(x, ahead, season)}
        ways["linear_"] = self.linear
        errors = {name: ForecastErrors() for name in ways}
        for past, future in parts(items, self.scales):
            for name, way in ways.items():
                errors[name].add(way(past), future)
        return reduce(lambda a, b: a | b, (error.figures(name) for name, error in errors.items()))

    def validation(self, items: Sequence[Any]) -> Validation:
        """Figures; a blend is mixed anew, by the weights that are best on the items."""
        if self.section.blend:
            blend = Blend.fitted(
                (*self._each(batch, said), batch.future.astype(np.float64))
                for batch, said in self._net(items)
                if batch.future is not None
            )
            self.task.keep_mix(blend.weights)
        return Validation(self.metrics(items)[1], [])

    def right(self, item: SeriesWindow) -> str:
        return "" if item.after is None else " ".join(self.scales.brief(item.after[-1]))

    def _series(self, file: str) -> Series:
        """A series with the columns and the step of training."""
        section = self.section
        found = read_series(file, columns=self.scales.columns, time=section.time, gaps=section.gaps)
        self.scales.refuse(found)
        return found

    def _last(self, series: Series) -> SeriesWindow:
        return last_window(series, self.section.past, self.section.ahead)


def windows_of(series: Series, section: ForecastSection) -> list[SeriesWindow]:
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


def _looks(looks: dict[str, np.ndarray], row: int, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Of one window: where each column is read by itself, layers stand under the name of their column."""
    if not names:
        return {name: w[row] for name, w in looks.items()}
    return {f"{c}.{name}": w[row * len(names) + i] for i, c in enumerate(names) for name, w in looks.items()}


def _every(first: int, step: int, rows: int) -> slice:
    return slice(first, rows, step)


def _axes(name: str) -> tuple[str, str]:
    """Of which times the rows and the columns of a layer are: `[column.]encoder...`, or `[column.]decoder...self` and `...cross`."""
    if "encoder." in name:
        return "past", "past"
    return "forecast", "forecast" if name.endswith("self") else "past"


def _cut(items: Sequence[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), ROWS):
        yield list(items[start : start + ROWS])


def parts(items: Sequence[SeriesWindow], scales: Scales) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(past, future), scaled, of so many windows at a time."""
    for rows in _cut(items):
        future = [window.after for window in rows]
        assert all(x is not None for x in future)
        yield scales.down(np.stack([window.before for window in rows])), scales.down(np.stack(future))
