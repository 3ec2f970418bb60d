"""A river: rain in the hills, and the high water that follows a fixed time later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from regard.api import Model
from regard.demo import write_parts
from regard.tasks.forecast.data import windows
from regard.tasks.forecast.demo_data import LAG, csv, floods
from regard.tasks.forecast.series_file import read_series
from regard.view import page, terminal

HOURS, HELD, SHOWN = 5_000, 800, 96  # in all, for validation, and windows of them to look at
CONFIG: dict[str, Any] = {
    "model": {
        **{"family": "transformer", "size": 32, "heads": 4, "feedforward": 64, "encoder_layers": 1, "decoder_layers": 1},
        **{"dropout": 0.0, "activation": "gelu"},
        # Every hour is read by itself: what the forecast knows of an hour, it has looked at there.
        "self_attention": {"scope": "window(0)"},
    },
    "train": {"epochs": 6, "batch_tokens": 3072, "learning_rate": 5e-3, "schedule": "inverse-sqrt", "warmup": 100},
    "forecast": {"past": 48, "ahead": 24, "season": 24, "channels": "together", "level": "none"},
}
PAST, AHEAD = CONFIG["forecast"]["past"], CONFIG["forecast"]["ahead"]
CROSS = "decoder.0.cross"


def write(folder: Path) -> dict[str, Any]:
    """Make the data, say what they are, and hand over the data section of the config."""
    times, values = floods(1, HOURS)
    parts = slice(0, HOURS - HELD), slice(HOURS - HELD - PAST, HOURS)
    named = write_parts(folder, "river.*.csv", (csv(times[part], values[part]) for part in parts))
    print(f"{HOURS:,} hours of a river, rain, level and temperature: {folder}/river.*.csv")
    print(f"The rain in the hills comes by as high water {LAG} hours later; nothing in the file says so.")
    return named


def show(model: Model, folder: Path, seconds: float) -> None:
    """Figures beside those that need no net, how far back it looks, a window, a page, and what to do next."""
    valid = folder / "river.valid.csv"
    figures = model.evaluate([str(valid)])["metrics"]
    print(f"Trained in {seconds:.0f} s.  Mean squared error of {AHEAD} hours ahead, scaled, on hours never seen:")
    ways = {"": "attention", "linear_": "linear", "profile_": "mean day", "seasonal_": "last day", "naive_": "last value"}
    for way, said in ways.items():
        print(f"  {said:<12}{figures[f'{way}mse']:.3f}")
    shown = windows(read_series(str(valid)), PAST, AHEAD)[-SHOWN:]
    found, rain = model.predict(shown), [window.before[:, 0] for window in shown]
    looks = zip((best.attention[CROSS] for best in found), rain, strict=True)
    near = np.mean([share for look, fell in looks for share in _at_the_lag(look, fell)], 0)
    head, even = int(near.argmax()), 1 / PAST
    print(
        f"\nWhere it rained {LAG} hours before, head {head} of the look puts {near[head]:.0%} on that hour ({even:.0%} were it even):"
    )
    wet = max(range(SHOWN), key=lambda i: rain[i][PAST - LAG : PAST - LAG + AHEAD].sum())
    print(f"\n{terminal.draw(found[wet], name=CROSS, head=head)}\n")
    pictures = folder / "attention.html"
    page.write([[best] for best in found[::6]], pictures, title=f"Where the forecaster looked: the rain, {LAG} hours before")
    print(
        f"The page of attention, for any browser:   {pictures}\n"
        f"What follows the last row:                regard predict {folder}/run {valid}\n"
        f"Your own data:       regard train --task forecast --train FILE.csv --out my-run     (a header, a column of times, numbers)"
    )


def _at_the_lag(look: np.ndarray, rain: np.ndarray) -> list[np.ndarray]:
    """Of each hour ahead before whose LAG it rained: how much of each head's look falls on that hour."""
    hours = [(step, PAST + step - LAG) for step in range(look.shape[1])]
    return [look[:, step, hour] for step, hour in hours if rain[hour] > 0]
