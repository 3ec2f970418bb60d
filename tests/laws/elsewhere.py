"""Every task on another device: it learns what it learns on the CPU, and its run answers the same there and here.

    python -m tests.laws.elsewhere [--device cuda] [NAME ...]

Without --device on one that is played (`far_device`): it finds what is made, or left, on the wrong device, and nothing of a GPU's own
arithmetic.  Exit status 1 where a case fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from regard import runs
from regard.attention.interventions import Erase, Permute, Pin
from regard.config import read_config
from regard.core import devices
from regard.tasks.interventions import intervene
from regard.tasks.load_run import load_run
from regard.training import trainer
from regard.training.reporting import MEASURED

from .cases import CASES, RECURRENT, TRAIN, TRANSFORMER, Case
from .far_device import install

ROUNDING = {"rtol": 2e-4, "atol": 2e-4}  # other kernels sum in another order


def pairs(folder: Path) -> dict[str, Any]:
    """Words, and their letters backwards."""
    random = np.random.default_rng(3)
    named = {}
    for name, count in (("train", 90), ("valid", 11)):
        words = ["".join(random.choice(list("abcdef"), random.integers(1, 7))) for _ in range(count)]
        (folder / f"{name}.tsv").write_text("".join(f"{w}\t{w[::-1]}\n" for w in words), encoding="utf-8")
        named[name] = [str(folder / f"{name}.tsv")]
    return named


def words(folder: Path) -> list[Any]:
    return [line.split("\t")[0] for line in (folder / "valid.tsv").read_text("utf-8").splitlines()] + ["", "axb"]


NETS = {
    "additive": {**RECURRENT, "decoder": "gru", "attention": "additive"},
    "feeding": {**RECURRENT, "decoder": "lstm-peephole", "order": "luong", "attention": "location-sensitive"},
    "luong": {**RECURRENT, "decoder": "gru-reset-before", "order": "luong", "input_feeding": False, "attention": "general"},
    "hard": {**RECURRENT, "decoder": "gru", "attention": {"weighting": "hard"}},
    "window": {**RECURRENT, "decoder": "gru", "attention": {"scope": "local-p(2)", "weighting": "sparsemax"}},
    "copy": {**RECURRENT, "decoder": "gru", "head": "copy"},
    "marginal": {**RECURRENT, "decoder": "gru", "order": "luong", "input_feeding": False, "attention": {"weighting": "marginal"}},
    "monotonic": {**RECURRENT, "decoder": "gru", "order": "luong", "input_feeding": False, "head": "hard-monotonic"},
    "transformer": {**TRANSFORMER, "decoder_layers": 2},
    "transformer-relative": {**TRANSFORMER, "decoder_layers": 1, "positions": "learned", "self_attention": "relative"},
    "transformer-near": {**TRANSFORMER, "decoder_layers": 1, "positions": "rotary", "self_attention": {"scope": "window(3)"}},
    "aaren": {**TRANSFORMER, "decoder_layers": 1, "family": "aaren"},
}
SAMPLED = {"scheduled_sampling": 0.3, "average": 2, "accumulate": 2, "schedule": "plateau"}
EVERY = {
    **{
        f"transduce-{name}": Case(pairs, {"model": net, "decode": {"beam": 3, "max_extra": 9}}, words)
        for name, net in NETS.items()
    },
    "transduce-sampled": Case(pairs, {"model": NETS["additive"], "train": SAMPLED}, words),
    **CASES,
}


def rows(run: Path) -> list[dict[str, Any]]:
    """What a run reported, less what its machine says."""
    every = [json.loads(line) for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()]
    return [{name: value for name, value in row.items() if name not in MEASURED} for row in every]


def alike(got: Any, want: Any) -> None:
    """The same, numbers to rounding."""
    if isinstance(want, dict):
        assert got.keys() == want.keys()
        for name, value in want.items():
            alike(got[name], value)
    elif isinstance(want, float | np.ndarray):
        np.testing.assert_allclose(got, want, **ROUNDING)
    elif isinstance(want, list | tuple):
        assert len(got) == len(want)
        for a, b in zip(got, want, strict=True):
            alike(a, b)
    else:
        assert got == want, f"{got!r} != {want!r}"


def stop_and_go_on(values: dict[str, Any], run: Path) -> None:
    """A training that is broken off at its fourth batch, and gone on with."""
    fit, asked = runs.fit, []

    def stopping(*args: Any, batch: Any, **more: Any) -> Any:
        def counted(rows: list[int]) -> Any:
            asked.append(rows)
            if len(asked) == 4:
                raise KeyboardInterrupt
            return batch(rows)

        return fit(*args, batch=counted, **more)

    runs.fit = stopping
    try:
        runs.train(read_config(values), run, say=lambda line: None)
    except KeyboardInterrupt:
        pass
    finally:
        runs.fit = fit
    runs.train(read_config(values), run, say=lambda line: None, resume=True)


def try_one(case: Case, folder: Path, device: torch.device) -> None:
    """One task: trained and judged here and there, stopped and gone on with there, used here and there, alone and together."""
    values = {"data": case.data(folder), **case.more}
    values["train"] = {**TRAIN, "updates": 4, "validate_every": 2, "report_every": 1, **case.more.get("train", {})}
    values["train"]["checkpoint_every"] = 1
    here, there, parts = folder / "here", folder / "there", folder / "parts"
    runs.train(read_config(values), here, say=lambda line: None)
    find = trainer.find_device
    trainer.find_device = lambda word, what: device
    try:
        runs.train(read_config(values), there, say=lambda line: None)
        stop_and_go_on(values, parts)
    finally:
        trainer.find_device = find
    alike(rows(there), rows(here))
    assert (parts / "model.safetensors").read_bytes() == (there / "model.safetensors").read_bytes(), "resume is not exact"
    items = case.items(folder)
    near, far, back = load_run(here), load_run(here, device=device), load_run(there)
    want = near.predict(items)
    for found in (far.predict(items), far.predict(items[:2]) + far.predict(items[2:]), back.predict(items)):
        for got, expected in zip(found, want, strict=True):
            if case.more.get("task") != "forecast":  # whose texts are rounded numbers
                assert got.text == expected.text, f"{got.text!r} != {expected.text!r}"
            alike(got.score, expected.score)
            alike(got.attention, expected.attention)
    names = sorted({name for p in want for name in p.attention} - {"pointer", "importance"})  # answers, which no one changes
    ones = [kind for name in names[:2] for kind in (Permute(name), Pin(name, source=0, weight=0.4), Erase(name, source=1))]
    for got, expected in zip(intervene(far, ones).predict(items), intervene(near, ones).predict(items), strict=True):
        alike(got.attention, expected.attention)
    files = values["data"]["valid"]
    alike(far.evaluate(files)["metrics"], near.evaluate(files)["metrics"])
    if getattr(near, "likely", True) and near.config.task in ("transduce", "tag", "classify", "language", "caption"):
        for got, expected in zip(far.scores(far.pairs(files)), near.scores(near.pairs(files)), strict=True):
            alike(list(got.log_probabilities), list(expected.log_probabilities))


def main() -> int:
    read = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    read.add_argument("--device", help="a device of this machine: cuda, cuda:1, mps")
    read.add_argument("names", nargs="*", help=f"cases: {', '.join(EVERY)}")
    asked = read.parse_args()
    torch.set_num_threads(1)
    device = devices.find_device(asked.device, "--device") if asked.device else install()
    failed = []
    for name in asked.names or EVERY:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            try:
                try_one(EVERY[name], Path(folder), device)
            except Exception:
                failed.append(name)
                told = traceback.format_exc(limit=-9).split("\n\n")[0]  # PyTorch adds all of its tables
                print(f"{name} on {device}:\n{told}", flush=True)
    print(f"{len(asked.names or EVERY) - len(failed)} cases are the same on {device}; others: {', '.join(failed) or 'none'}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
