"""Four days of ETTh1 from four days, and exchange rates: benchmarks/results/task-forecast.csv and .md.

    python benchmarks/tasks/forecast.py --seeds 1 2 3 --threads 2
    python benchmarks/tasks/forecast.py --only etth1/patch etth1/recurrent

Data: $REGARD_DATA, else ../shared/data beside the checkout.  The table is written again after each run, and a row that it has is not run
again.  ETTh1: training rows 0-8639, validation 8640-11519, test 11520-14399, scaled by the training rows (Zhou et al. 2021);
exchange rates: training the first 80 % of train.csv, validation the rest of it, test valid.csv.  96 rows from 96; every window of the
test rows counts, and looks back into the rows before.  The epoch is chosen on validation, the figures are those of test: mean errors of
scaled values.  Rows with seed `-` need no training, or are least squares; `DLinear` and `NLinear` (Zeng et al. 2023) are trained here, by
Adam.  Minutes: wall time of `regard train`, whole process, reading and validation included.
"""

from __future__ import annotations

import gzip
import tempfile
import time
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from seeds import DATA, NONE, ROOT, Row, Table, go, judged
from torch import nn

PAST, AHEAD = 96, 96
FILES = {"etth1": ("ts/etth1/ETTh1.csv.gz",), "exchange": ("ts/exchange_rate/train.csv.gz", "ts/exchange_rate/valid.csv")}
SHARE, SEASON = {"etth1": 0.25, "exchange": 0.2}, {"etth1": 24, "exchange": 0}
WINDOW = (f"forecast.past={PAST}", f"forecast.ahead={AHEAD}", "forecast.patch=24")
TRAIN = ("train.epochs=8", "train.batch_tokens=512", "train.learning_rate=1e-3", "train.average=3", "model.dropout=0.3")
WIDE = ("model.size=64", "model.heads=4", "model.feedforward=128", "model.activation=gelu", "model.encoder_layers=2")
GRU = ("model.encoder=bigru", "model.decoder=gru", "model.embedding=64", "model.size=64", "model.attention=additive")
NETS = {  # all but `patch`, the recipe, with a decoder that looks at what was read
    "patch": (str(ROOT / "configs" / "forecast.yaml"), "forecast.blend=false"),
    "transformer": (*WINDOW, *TRAIN, *WIDE, "model.family=transformer", "model.decoder_layers=1"),
    "aaren": (*WINDOW, *TRAIN, *WIDE, "model.family=aaren", "model.decoder_layers=1"),
    "recurrent": (*WINDOW, *TRAIN, *GRU, "model.order=luong", "model.input_feeding=false"),
    "transformer, columns together, no level": (
        *(*WINDOW, *TRAIN, *WIDE, "model.family=transformer", "model.decoder_layers=1"),
        *("forecast.channels=together", "forecast.level=none"),
    ),
}
LINEAR = ("DLinear", "NLinear")
BESIDE = {
    "naive_": "last value",
    "seasonal_": "last season",
    "profile_": "mean of the seasons in sight",
    "linear_": "least squares",
}
RUNS = {f"{data}/{model}": NETS.get(model, ()) for data in FILES for model in (*NETS, *LINEAR)}
TABLE = Table("task-forecast", "Forecasting", "forecast.py", ("mse", "mae", "valid_mse"), RUNS)


def write(data: str, folder: Path) -> tuple[Path, Path]:
    """(training and validation rows, test rows with as many before as are looked back at) as files."""
    parts = [gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes() for path in _paths(data)]
    lines = [part.decode().splitlines() for part in parts]
    if data == "etth1":
        head, rows, end, last = lines[0][:1], lines[0][1:], 11_520, 14_400
    else:
        head, rows, end, last = [], [*lines[0], *lines[1]], len(lines[0]), len(lines[0]) + len(lines[1])
    files = folder / "train.csv", folder / "test.csv"
    for file, some in zip(files, (rows[:end], rows[end - PAST : last]), strict=True):
        file.write_text("\n".join([*head, *some]) + "\n", encoding="utf-8")
    return files


def run(name: str, seed: int, threads: int) -> list[Row]:
    """Train and judge: a row, and those of forecasts that need no net."""
    data, model = name.split("/")
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        train, test = write(data, Path(folder))
        if model in LINEAR:
            *found, minutes = trained(model, train, test, SHARE[data], seed)
            return [TABLE.row(name, seed, dict(zip(TABLE.figures, found, strict=True)), minutes, threads)]
        words = ["--task", "forecast", *RUNS[name], f"data.valid_share={SHARE[data]}", f"forecast.season={SEASON[data]}"]
        figures, minutes, told = judged(words, [train], [], [test], seed=seed, threads=threads)
    best = [row for row in told if row.get("best")][-1]
    made = [TABLE.row(name, seed, {**figures, "valid_mse": best["mse"]}, minutes, threads)]
    for before, said in BESIDE.items():
        if f"{before}mse" in figures:
            found = {x: figures[f"{before}{x}"] for x in ("mse", "mae")} | {"valid_mse": best[f"{before}mse"]}
            made.append(TABLE.row(f"{data}/{said}", NONE, found, NONE, NONE))
    return made


def trained(kind: str, train: Path, test: Path, share: float, seed: int) -> tuple[float, float, float, float]:
    """(mse, mae, mse of validation, minutes) of a linear layer from past to future, for all columns one.  DLinear: one for the moving
    mean of 25 rows, and one for the rest; NLinear: the last value is taken away.  Zeng et al. 2023, section 4.2."""
    begun, rows = time.perf_counter(), _numbers(train)
    border = len(rows) - round(share * len(rows))
    mean, spread = rows[:border].mean(0), rows[:border].std(0)
    scaled, judged = ((x - mean) / spread for x in (rows, _numbers(test)))
    parts = [_windows(x) for x in (scaled[:border], scaled[border - PAST :], judged)]
    torch.manual_seed(seed)
    nets = nn.ModuleList(nn.Linear(PAST, AHEAD) for _ in range(2 if kind == "DLinear" else 1))
    for net in nets:
        nn.init.constant_(net.weight, 1 / PAST)

    def said(x: torch.Tensor) -> torch.Tensor:
        if kind == "NLinear":
            return nets[0](x - x[..., -1:]) + x[..., -1:]
        trend = F.avg_pool1d(F.pad(x, (12, 12), mode="replicate"), 25, 1)
        return nets[0](trend) + nets[1](x - trend)

    optimizer, best = torch.optim.Adam(nets.parameters(), 5e-3), (float("inf"), deepcopy(nets.state_dict()))
    for epoch in range(10):
        for group in optimizer.param_groups:
            group["lr"] = 5e-3 * 0.5**epoch
        for some in torch.randperm(len(parts[0])).split(32):
            optimizer.zero_grad()
            F.mse_loss(said(parts[0][some, :, :PAST]), parts[0][some, :, PAST:]).backward()
            optimizer.step()
        with torch.no_grad():
            now = float(F.mse_loss(said(parts[1][..., :PAST]), parts[1][..., PAST:]))
        best = min(best, (now, deepcopy(nets.state_dict())), key=lambda pair: pair[0])
    nets.load_state_dict(best[1])
    with torch.no_grad():
        gone = said(parts[2][..., :PAST]) - parts[2][..., PAST:]
    return float((gone**2).mean()), float(gone.abs().mean()), best[0], (time.perf_counter() - begun) / 60


def _paths(data: str) -> list[Path]:
    return [DATA / file for file in FILES[data]]


def _numbers(file: Path) -> np.ndarray:
    rows = [line.split(",") for line in file.read_text(encoding="utf-8").splitlines()]
    dated = rows[0][0] == "date"
    return np.array([[float(x) for x in row[dated:]] for row in rows[dated:]])


def _windows(rows: np.ndarray) -> torch.Tensor:
    """Every window, "N C T"."""
    return torch.from_numpy(np.lib.stride_tricks.sliding_window_view(rows, PAST + AHEAD, axis=0).astype(np.float32))


if __name__ == "__main__":
    go(TABLE, TABLE.asked(__doc__, [file for files in FILES.values() for file in files]), run)
