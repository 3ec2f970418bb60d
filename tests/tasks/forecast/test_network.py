"""Forecasting by hand: windows, clocks, baselines, levels and patches against numbers that a person can check."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from regard.data.examples import Place
from regard.tasks.forecast.baselines import ForecastErrors, naive, profile, seasonal
from regard.tasks.forecast.data import of_numbers, windows
from regard.tasks.forecast.demo_data import LAG, floods
from regard.tasks.forecast.layers import InstanceNormalization, LastValueNormalization, NoNormalization, Patches, patches
from regard.tasks.forecast.least_squares import Blend, LinearForecast
from regard.tasks.forecast.scaler import Scales, steady
from regard.tasks.forecast.timestamps import clock
from regard.tasks.pair.ratings import Scale


@pytest.mark.parametrize(
    ("times", "after"),
    [
        (["2024-02-28 22:00", "2024-02-28 23:00"], ["2024-02-29 00:00", "2024-02-29 01:00"]),
        (["2016-12-30", "2016-12-31"], ["2017-01-01", "2017-01-02"]),
        (["2023-12-31", "2024-01-31", "2024-02-29"], ["2024-03-31", "2024-04-30"]),
        (["2024-01-01", "2024-02-01", "2024-03-01"], ["2024-04-01", "2024-05-01"]),
        (["2022-01-01", "2023-01-01", "2024-01-01", "2025-01-01"], ["2026-01-01", "2027-01-01"]),
        (["2024-01-01T00:00:00Z", "2024-01-01T00:15:00Z"], ["2024-01-01T00:30:00Z", "2024-01-01T00:45:00Z"]),
        (["20240101T000000", "20240101T010000"], ["20240101T020000", "20240101T030000"]),
        (["20240101T0000Z", "20240101T0100Z"], ["20240101T0200Z", "20240101T0300Z"]),
        (["20240130", "20240131"], ["20240201", "20240202"]),
        (["20240101", "20240201", "20240301"], ["20240401", "20240501"]),
        (["20240131", "20240132"], ["20240133", "20240134"]),  # no day: numbers
        (["1704351600000", "1704351600250"], ["1704351600500", "1704351600750"]),
        (["3", "5", "7"], ["9", "11"]),
        (["0.25", "0.50"], ["0.75", "1.00"]),
    ],
)
def test_what_time_it_will_be(times, after):
    made = clock(times, [Place("x", i) for i in range(len(times))], gaps="error")
    assert made.after(2) == after


def test_windows_of_ten_rows():
    series = of_numbers(np.arange(10.0), ["a"])
    found = windows(series, 4, 2)
    assert [w.start for w in found] == [0, 1, 2, 3, 4]
    assert found[1].before[:, 0].tolist() == [1, 2, 3, 4] and found[1].after[:, 0].tolist() == [5, 6]
    # Forecasts from row 7 on look back before it: one window, whose past is rows 3 to 6.
    held = windows(series, 4, 2, first=7)
    assert [w.start for w in held] == [3, 4] and held[0].times == (("4", "5", "6", "7"), ("8", "9"))
    assert windows(series, 9, 2) == []


PAST = np.array([1.0, 2.0, 3.0, 5.0, 6.0, 10.0])[None, :, None]


def test_forecasts_that_need_no_net():
    assert naive(PAST, 3)[0, :, 0].tolist() == [10, 10, 10]
    assert seasonal(PAST, 4, 3)[0, :, 0].tolist() == [5, 6, 10, 5]
    assert profile(PAST, 4, 3)[0, :, 0].tolist() == [3, 4, 6.5, 3]
    assert profile(PAST, 3, 4)[0, :, 0].tolist() == [3, 5, 6]  # one whole season is in sight


def test_errors_are_means_over_all_numbers():
    errors = ForecastErrors()
    errors.add(np.zeros((1, 2, 1)), np.array([[[1.0], [-3.0]]]))
    errors.add(np.zeros((1, 1, 1)), np.array([[[2.0]]]))
    assert errors.figures() == {"mse": pytest.approx(14 / 3), "mae": pytest.approx(2.0)}


def test_the_linear_forecast_finds_a_linear_rule():
    """y_1 - x_3 = 0.5 (x_1 - x_3) + 2, in both channels."""
    past = np.random.default_rng(1).normal(size=(200, 3, 2))
    future = past[:, -1:] + 0.5 * (past[:, :1] - past[:, -1:]) + 2
    fitted = LinearForecast.fitted([(past[:120], future[:120]), (past[120:], future[120:])])
    np.testing.assert_allclose(fitted.weights[:, 0], [0.5, 0, 0, 2], atol=5e-3)
    np.testing.assert_allclose(fitted(past[:3]), future[:3], atol=2e-2)


def test_each_channel_may_have_its_own_line():
    """y = x_2 in the first channel, y = x_1 in the second: one map for both errs, one for each hardly."""
    past = np.random.default_rng(1).normal(size=(400, 3, 2))
    future = np.stack([past[:, 1:2, 0], past[:, :1, 1]], 2)
    fitted = LinearForecast.fitted([(past[:150], future[:150]), (past[150:], future[150:])], own=True)
    error = [float(((way(past) - future) ** 2).mean()) for way in (fitted, fitted.each)]
    assert fitted.own is not None and fitted.own.shape == (2, 4, 1) and error[1] < error[0] / 4
    np.testing.assert_allclose(fitted.weights[:3, 0], [0.5, 0.5, 0.0], atol=0.1)
    alone = LinearForecast.fitted([(past[..., :1], future[..., :1])], own=True)
    assert alone.own is None and np.array_equal(alone.each(past[..., :1]), alone(past[..., :1]))


def test_a_blend_has_the_best_weights_that_are_not_negative():
    random = np.random.default_rng(2)
    past, forecasts = random.normal(size=(50, 3, 2)), [random.normal(size=(50, 4, 2)) for _ in range(3)]
    beyond = [f - past[:, -1:] for f in forecasts]
    right = past[:, -1:] + 0.25 * beyond[0] + 0.5 * beyond[2]
    parts = [(past[i : i + 20], [f[i : i + 20] for f in forecasts], right[i : i + 20]) for i in (0, 20, 40)]
    blend = Blend.fitted(parts)
    np.testing.assert_allclose(blend.weights, [0.25, 0, 0.5], atol=1e-12)
    np.testing.assert_allclose(blend(past, forecasts), right)
    against = Blend.fitted([(past, forecasts, past[:, -1:] - beyond[1] + 0.5 * beyond[2])])
    assert against.weights[1] == 0 and against.weights[2] > 0  # what goes the wrong way is left out
    assert Blend.fitted([(past, forecasts[:1], past[:, -1:] - beyond[0])]).weights.tolist() == [0]  # the last value alone


def test_scales_keep_what_counts():
    """A constant that no binary number is has no deviation; digits go by the spread, and by what the file has."""
    values = np.stack(
        [np.full(900, 14.62), np.sin(np.arange(900.0)), 1e6 + np.arange(900.0), 48.1371 + 1e-5 * np.sin(np.arange(900.0))], 1
    )
    assert steady(values).tolist() == [True, False, False, False] and values.std(0)[0] > 0
    assert steady(np.full((900, 1), 0.1) + 1e-3 * (np.arange(900)[:, None] == 5)).tolist() == [False]
    scales = Scales(tuple("abcd"), values.mean(0), np.array([1.0, 0.7, 260.0, 7e-6]), None, (2, 9, 2, 4))
    row = np.array([14.620000123456789, 0.001234567891, 1000123.456789, 48.13715123456789])
    assert scales.written(row) == ["14.62", "0.00123457", "1000123.457", "48.13715123457"]
    assert scales.brief(row) == ["14.62", "0.001235", "1000123.5", "48.137151235"]
    assert Scales(("a",), np.zeros(1), np.array([1e9]), None).written(np.array([1234567891.7])) == ["1234567892"]


def test_numbers_of_pairs_keep_a_thousandth_of_their_deviation():
    assert Scale.of([0.0002, 0.0005]).written(0.00051234) == "0.0005123"
    assert Scale.of([0.0, 4.0]).written(2.0) == "2.000" and Scale.of([-1e6, 1e6]).written(5.25) == "5.250"


def test_levels():
    past = torch.tensor([[[1.0, 7.0], [3.0, 7.0]]])
    shift, scale = InstanceNormalization()(past)
    torch.testing.assert_close(shift, torch.tensor([[[2.0, 7.0]]]))
    torch.testing.assert_close(
        scale, torch.tensor([[[1.0, 1e-5**0.5]]]), rtol=1e-4, atol=0
    )  # what stands still is not divided by 0
    assert LastValueNormalization()(past)[0].tolist() == [[[3, 7]]] and NoNormalization()(past)[1].tolist() == [[[1, 1]]]


def test_patches_end_with_the_series():
    """Seven rows in patches of four, every three: two of them; rows 1-4 and 4-7.  Of eight, three: the first row is repeated in front."""
    assert [patches(n, patch=4, stride=3) for n in (3, 4, 5, 7, 8)] == [1, 1, 2, 2, 3]
    read = Patches(1, 4, patch=4, stride=3)
    with torch.no_grad():
        read.linear.weight.copy_(torch.eye(4))
        read.linear.bias.zero_()
    assert read(torch.arange(1.0, 8)[None, :, None]).tolist() == [[[1, 2, 3, 4], [4, 5, 6, 7]]]
    assert read(torch.arange(1.0, 9)[None, :, None]).tolist() == [[[1, 1, 1, 2], [2, 3, 4, 5], [5, 6, 7, 8]]]


def test_the_river_echoes_the_rain():
    times, values = floods(2, 3000)
    assert times[0] == "2024-01-01 00:00" and times[25] == "2024-01-02 01:00" and values.shape == (3000, 3)
    rain, level = values[:, 0], values[:, 1]
    at = [np.corrcoef(rain[: 3000 - lag], level[lag:])[0, 1] for lag in range(48)]
    assert int(np.argmax(at)) == LAG and at[LAG] > 0.6
