"""The section of forecasting, and what its keys demand of others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from regard.config.base import Column, Count, Names, Whole, field
from regard.config.check_looks import in_use
from regard.config.task_section import Problem, TaskSection

if TYPE_CHECKING:
    from regard.config.schema import Config


class ForecastSection(TaskSection):
    """task: forecast."""

    columns: Names = field((), "the columns that are read and forecast; empty: all but the times")
    time: Column = field(
        "auto", "the column of times (ISO or numbers), by its header or number; auto: the first, where it looks like one; none"
    )
    gaps: Literal["error", "ignore"] = field(
        "error", "error: times that leave a row out are refused; ignore: rows count, whatever their times"
    )
    model: Literal["net", "linear"] = field(
        "net", "net: the model section, trained; linear: least squares from past to future, one map for all columns, untrained"
    )
    blend: bool = field(
        False,
        "whether the forecast is mixed with those that need no net (the last value, least squares, the seasons in sight), "
        "by weights that are best on validation",
    )
    past: Count = field(96, "rows that are known")
    ahead: Count = field(24, "rows behind them that are forecast")
    season: Whole = field(0, "rows of a season, such as 24 hours, for the seasonal rows of `regard evaluate`; 0: none")
    patch: Count = field(1, "rows that the net reads as one place")
    stride: Count | None = field(None, "rows from one such place to the next, and of a step of the decoder; null: as `patch`")
    channels: Literal["alone", "together"] = field(
        "alone", "alone: each column is forecast from itself, all by one net; together: a row is read whole"
    )
    level: Literal["instance", "last", "none"] = field(
        "instance",
        "taken from each window before the net reads it, and given back: its mean and deviation, its last value, or nothing",
    )
    head: Literal["decoder", "flat"] = field(
        "decoder", "decoder: the family's decoder looks at what was read; flat: one linear layer from all that was read"
    )

    @property
    def step(self) -> int:
        """Rows from one place to the next."""
        return self.stride or self.patch

    @property
    def places(self) -> int:
        """What the encoder reads."""
        return max(-(-(self.past - self.patch) // self.step), 0) + 1

    @property
    def steps(self) -> int:
        """Of the decoder."""
        return -(-self.ahead // self.step)

    def check(self, config: Config) -> Iterator[Problem]:
        """Keys that the head does not use; places that do not fit."""
        model = config.model
        for key, value in (("forecast.patch", self.patch), ("forecast.season", self.season)):
            if value > self.past:
                yield Problem((key, "forecast.past"), f"at most forecast.past ({self.past})", str(value), "Change one of them.")
        if self.step > self.patch:
            do = "Lower it, or raise forecast.patch."
            expected = f"at most forecast.patch ({self.patch}), to see every row"
            yield Problem(("forecast.stride", "forecast.patch"), expected, f"{self.step}", do)
        if self.places > config.data.max_source_length:
            do = "Lower forecast.past, raise forecast.patch, or raise data.max_source_length."
            keys = ("forecast.past", "forecast.patch", "data.max_source_length")
            yield Problem(keys, f"at most data.max_source_length ({config.data.max_source_length}) places", f"{self.places}", do)
        need = self.places + (self.steps if self.head == "decoder" else 0)
        if model.family != "recurrent" and model.positions == "learned" and need > model.max_positions:
            keys = ("model.max_positions", "forecast.past", "forecast.ahead")
            expected = f"at least {need}, one for each place that is read or said"
            yield Problem(keys, expected, str(model.max_positions), "Raise it.")
        for key, look in in_use(model):
            if look.draws or look.mixes:
                do = "Write softmax, sparsemax, entmax or gumbel."
                yield Problem((f"{key}.weighting", "task"), "a weighting that numbers can be learnt through", look.weighting, do)
        if self.head == "flat":
            yield from _flat(config)

    def net(self, config: Config) -> dict[str, str]:
        return {"net": "none: least squares"} if self.model == "linear" else {}


def _flat(config: Config) -> Iterator[Problem]:
    for word in ("decoder", "decoder_layers", "past", "order", "input_feeding", "context", "hops", "context_use"):
        value, default = getattr(config.model, word), type(config.model).model_fields[word].default
        if value != default:
            do = "Remove it, or write forecast.head: decoder."
            yield Problem((f"model.{word}", "forecast.head"), "only with forecast.head: decoder", str(value), do)
