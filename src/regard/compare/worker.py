"""What a process of a study does: train one cell, judge it, and write down what was found."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from regard.core.atomic_files import write_bytes
from regard.core.say import Say
from regard.metrics.item_counts import ItemCounts


class WorkOrder(NamedTuple):
    """What a process is told.  values: a config; out: the run folder; test: files to judge on, none in a search; result: where to write."""

    values: Mapping[str, Any]
    out: str
    test: tuple[str, ...]
    result: str


def carry_out(order: WorkOrder, say: Say) -> None:
    """Train, or go on with what was begun; then judge.  Errors as `runs.train`'s and those of evaluation."""
    from regard import runs
    from regard.config import read_config
    from regard.config.trust import modules
    from regard.data.text_files import fingerprint
    from regard.tasks.load_run import load_run
    from regard.tasks.options import EvaluationOptions
    from regard.training.json_files import write_json

    config = read_config(order.values)
    runs.train(config, order.out, resume=True, say=say, trust=modules(config))
    run, path = Path(order.out), Path(order.result)
    path.parent.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {**_training(run), "test": fingerprint(order.test)}
    if order.test:
        begun = time.monotonic()
        model = load_run(run, trust=modules(config))
        found["parameters"] = sum(parameter.numel() for parameter in model.network.parameters())
        judged = model.evaluate(order.test, EvaluationOptions(by_item=True))
        counts: dict[str, ItemCounts] = judged.get("by_item", {})
        write_bytes(path.with_suffix(".npz"), _packed(counts))
        found |= {
            "metrics": {name: value if np.isfinite(value) else None for name, value in judged["metrics"].items()},
            "items": judged["items"],
            "signatures": judged.get("signatures", {}),
            "counted": {n: {"rule": c.rule, "names": list(c.names), "settings": dict(c.settings)} for n, c in counts.items()},
            "judging_seconds": round(time.monotonic() - begun, 3),
        }
    write_json(path, found)


def read_counts(path: Path, counted: Mapping[str, Any]) -> dict[str, ItemCounts]:
    """The counts of a result.  path: of its JSON; counted: what that says of them."""
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as file:
        return {n: ItemCounts(file[n], how["rule"], tuple(how["names"]), how["settings"]) for n, how in counted.items()}


def _packed(counts: Mapping[str, ItemCounts]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: each.rows for name, each in counts.items()})  # type: ignore[arg-type]
    return buffer.getvalue()


def _training(run: Path) -> dict[str, Any]:
    """What a run folder says of its training."""
    from regard.config import load_config
    from regard.training.checksums import CONFIG

    config = load_config(run / CONFIG, [])
    from regard.training.history import read_rows

    rows = read_rows(run)
    best: dict[str, Any] = next((row for row in reversed(rows) if row.get("best")), {})
    metric = config.train.metric
    peaks = [row["peak_memory_mb"] for row in rows if row.get("peak_memory_mb")]
    return {
        "metric": metric,
        "validation": {name: best.get(name) for name in config.spec.metrics if name in best},
        "updates": best.get("step"),
        "seconds": rows[-1].get("seconds") if rows else None,
        "peak_memory_mb": max(peaks, default=None),
    }
