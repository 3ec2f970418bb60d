"""Forecasting: how a series of numbers goes on."""

from regard.tasks import spec
from regard.tasks.spec import Metric, TaskSpec

SPEC = TaskSpec(
    name="forecast",
    about="how a series of numbers goes on",
    task="regard.tasks.forecast.task:ForecastTask",
    predictor="regard.tasks.forecast.predictor:Forecaster",
    section="regard.tasks.forecast.section:ForecastSection",
    demo="regard.tasks.forecast.demo",
    checks="regard.tasks.forecast.checks:ForecastChecks",
    metrics={  # of forecasts, and of forecasts that need no net
        f"{way}{figure}": Metric(f"mean {kind} error of scaled values{of}", lower=True)
        for way, of in {
            "": "",
            "net_": " of the net alone, before it is blended",
            "naive_": ": the last value, again and again",
            "seasonal_": ": the last season, again and again",
            "profile_": ": the mean of the seasons in sight",
            "linear_": ": one linear map of the past, by least squares",
        }.items()
        for figure, kind in {"mse": "squared", "mae": "absolute"}.items()
    },
    uses=(
        *(*spec.FILES, "data.max_source_length"),
        *(*spec.NET, *spec.ENCODER, *spec.DECODER, *spec.CROSS, *spec.TRAINING, *spec.BATCHES, *spec.IN_USE),
    ),
    defaults={"train.label_smoothing": 0.0, "train.samples": 0},
    in_use=("time", "gaps"),
    set_aside="at the end of each file",
    called="forecasting time-series timeseries",
    spellings={"context_length": "past", "horizon": "ahead", "normalization": "level"},
    other_names={
        "past": "lookback lookback_window input_chunk_length",
        "ahead": "prediction_length pred_len output_chunk_length forecast_horizon",
        "channels": "channel_independence* individual*",
    },
)
