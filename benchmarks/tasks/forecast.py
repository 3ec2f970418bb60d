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

import argparse
import csv
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from copy import deepcopy
from datetime import date
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1]))
import tables

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("REGARD_DATA", ROOT.parent / "shared" / "data"))
NAME, MEDIAN, PAST, AHEAD = "task-forecast", "median", 96, 96
HEAD = ("data", "model", "seed", "mse", "mae", "valid_mse", "minutes", "threads", "date")
FILES = {"etth1": ("ts/etth1/ETTh1.csv.gz",), "exchange": ("ts/exchange_rate/train.csv.gz", "ts/exchange_rate/valid.csv")}
SHARE, SEASON = {"etth1": 0.25, "exchange": 0.2}, {"etth1": 24, "exchange": 0}
WINDOW = (f"forecast.past={PAST}", f"forecast.ahead={AHEAD}", "forecast.patch=24")
TRAIN = ("train.epochs=8", "train.batch_tokens=512", "train.learning_rate=1e-3", "train.average=3", "model.dropout=0.3")
WIDE = ("model.size=64", "model.heads=4", "model.feedforward=128", "model.activation=gelu", "model.encoder_layers=2")
GRU = ("model.encoder=bigru", "model.decoder=gru", "model.embedding=64", "model.size=64", "model.attention=additive")
NETS = {  # all but `patch`, the recipe, with a decoder that looks at what was read
    "patch": (str(ROOT / "configs" / "forecast.yaml"),),
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
RUNS = [f"{data}/{model}" for data in FILES for model in (*NETS, *LINEAR)]


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


def run(name: str, seed: int, threads: int) -> list[dict[str, str]]:
    """Train and judge, in a fresh process each: a row, and those of forecasts that need no net."""
    data, model = name.split("/")
    regard, environment = [sys.executable, "-m", "regard"], {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with tempfile.TemporaryDirectory() as folder:
        train, test = write(data, Path(folder))
        if model in LINEAR:
            return [_row(data, model, seed, *trained(model, train, test, SHARE[data], seed), threads)]
        words = [*NETS[model], f"data.valid_share={SHARE[data]}", f"forecast.season={SEASON[data]}"]
        out, begun = f"{folder}/run", time.perf_counter()
        command = [*regard, "train", "--task", "forecast", *words, "--train", str(train), "--out", out]
        command += [f"train.seed={seed}", f"train.threads={threads}"]
        subprocess.run(command, check=True, capture_output=True, env=environment)
        minutes = (time.perf_counter() - begun) / 60
        judged = [
            subprocess.run([*regard, "evaluate", out, str(test), "--json"], check=True, capture_output=True, env=environment)
        ]
        found = json.loads(judged[0].stdout)["metrics"]
        told = [json.loads(line) for line in Path(out, "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
        best = [row for row in told if row.get("best")][-1]
    made = [_row(data, model, seed, found["mse"], found["mae"], best["mse"], minutes, threads)]
    beside = {before: said for before, said in BESIDE.items() if f"{before}mse" in found}
    for before, said in beside.items():
        made.append(_row(data, said, "-", *(found[f"{before}{x}"] for x in ("mse", "mae")), best[f"{before}mse"], 0.0, threads))
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


def _row(
    data: str, model: str, seed: int | str, mse: float, mae: float, valid: float, minutes: float, threads: int
) -> dict[str, str]:
    figures = {"mse": f"{mse:.4f}", "mae": f"{mae:.4f}", "valid_mse": f"{valid:.4f}", "minutes": f"{minutes:.1f}"}
    return {"data": data, "model": model, "seed": str(seed), **figures, "threads": str(threads), "date": str(date.today())}


def medians(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """A row for each model, the best first: medians over seeds, and the most minutes."""
    made = []
    for data, model in dict.fromkeys((row["data"], row["model"]) for row in rows):
        own = [row for row in rows if (row["data"], row["model"]) == (data, model)]
        middle = {x: f"{statistics.median(float(row[x]) for row in own):.4f}" for x in ("mse", "mae", "valid_mse")}
        most, seeds = max(own, key=lambda row: float(row["minutes"])), "none" if own[0]["seed"] == "-" else f"of {len(own)}"
        made.append({**most, "seed": f"{MEDIAN} {seeds}", **middle})
    return sorted(made, key=lambda row: (row["data"], float(row["mse"])))


def main() -> None:
    """Run what the table has not yet, and write it after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=RUNS, default=RUNS, metavar="DATA/MODEL", help=", ".join(RUNS))
    asked = parser.parse_args()
    if lacking := [path for name in asked.only for path in _paths(name.split("/")[0]) if not path.exists()]:
        sys.exit(f"{lacking[0]}: expected a data file; received no such file. Name the folder of the data: REGARD_DATA=FOLDER.")
    torch.set_num_threads(asked.threads)
    path = tables.RESULTS / f"{NAME}.csv"
    rows = list(csv.DictReader(path.open(encoding="utf-8"))) if path.exists() else []
    rows = [row for row in rows if not row["seed"].startswith(MEDIAN)]
    for seed in asked.seeds:
        for name in asked.only:
            if (name, str(seed)) in {(f"{row['data']}/{row['model']}", row["seed"]) for row in rows}:
                continue
            had = {(row["data"], row["model"]) for row in rows if row["seed"] == "-"}
            made = run(name, seed, asked.threads)
            rows += [row for row in made if row["seed"] != "-" or (row["data"], row["model"]) not in had]
            print(made[0], flush=True)
            written = [[row[key] for key in HEAD] for row in (*medians(rows), *(r for r in rows if r["seed"] != "-"))]
            written += [[row[key] for key in HEAD] for row in rows if row["seed"] == "-"]
            tables.write(NAME, "Forecasting", "python benchmarks/tasks/forecast.py", HEAD, written)


if __name__ == "__main__":
    main()
