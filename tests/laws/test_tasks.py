"""Laws 3 and 9 for every task: batch and padding are invisible, a run that stops goes on exactly, what is saved answers the same."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

import regard
from regard import runs
from regard.cli.main import run as command
from regard.config import read_config
from regard.corpus.input_parts import cut
from regard.tasks.array_predictor import ArrayPredictor
from regard.tasks.load_run import load_run
from regard.tasks.options import EvaluationOptions

from .cases import CASES, TRAIN, Case


@pytest.fixture(scope="module", params=list(CASES))
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Case, Path, dict[str, Any]]:
    made, folder = CASES[request.param], tmp_path_factory.mktemp(request.param)
    values = {"data": made.data(folder), **made.more, "train": TRAIN | made.more.get("train", {})}
    runs.train(read_config(values), folder / "run", say=lambda line: None)
    return made, folder, values


def alike(got: Any, want: Any) -> None:
    """The same answer: text, score to 1e-5, attention to 1e-5, details."""
    assert got.text == want.text and got.tokens == want.tokens
    assert (got.score is None) == (want.score is None)  # what has no probability has no score
    assert got.score is None or abs(got.score - want.score) <= 1e-5 * max(1, abs(want.score))
    assert set(got.attention) == set(want.attention)
    for name, weights in want.attention.items():
        np.testing.assert_allclose(got.attention[name], weights, atol=1e-5, rtol=0)
    assert json.loads(json.dumps(got.details), parse_float=lambda x: round(float(x), 3)) == json.loads(
        json.dumps(want.details), parse_float=lambda x: round(float(x), 3)
    )


def test_batch_and_padding_are_invisible(case):
    made, folder, _ = case
    model, items = regard.load(folder / "run"), made.items(folder)
    whole = model.predict(items)
    assert len(whole) == len(items) and any(p.text for p in whole)
    for size in (1, 3, len(items)):
        for got, want in zip(model.predict(items, batch_size=size), whole, strict=True):
            alike(got, want)
    for got, want in zip(model.predict(items[::-1]), whole[::-1], strict=True):
        alike(got, want)
    for got, want in zip(model.predict(items, attention=False), whole, strict=True):
        assert got.text == want.text and not got.attention


def test_items_with_what_is_right_of_them_may_stand_beside_others(case):
    """What is known of some items of a batch, and not of others, changes no answer."""
    made, folder, values = case
    model, plain = load_run(folder / "run"), made.items(folder)
    if not isinstance(model, ArrayPredictor):
        pytest.skip("what writes takes no item with what is right of it")
    gold = model.read_gold(values["data"]["valid"])[0][: len(plain)]
    mixed = [item for both in zip(plain, gold, strict=False) for item in both]
    right = [p for item in mixed for p in model.predict([item])]
    for items, wanted in ((mixed, right), (mixed[::-1], right[::-1])):
        for got, want in zip(model.predict(items), wanted, strict=True):
            alike(got, want)


ANSWERS = ("pointer", "importance")  # what is answered from, and no look of an attention


def test_every_look_that_is_shown_can_be_touched(case):
    """Of a look that is named as predictions name it a place is erased; alone and in a batch it is the same, and elsewhere nothing is."""
    made, folder, _ = case
    model, items = regard.load(folder / "run"), made.items(folder)
    before = model.predict(items)
    shown = {name for p in before for name in p.attention}
    for name in sorted(shown):
        one = regard.Erase(name, source=1)
        if name in ANSWERS:
            with pytest.raises(regard.ArgumentError, match=f"Erase: look: expected one of .*; received '{name}'"):
                model.predict(items, interventions=[one])
            continue
        whole = model.predict(items, interventions=[one])
        assert not any(p.attention[name][..., 1].any() for p in whole if name in p.attention and p.attention[name].shape[-1] > 1)
        for got, want in zip(model.predict(items, interventions=[one], batch_size=1), whole, strict=True):
            assert want.score is None or got.text == want.text  # numbers are written with more digits than float32 keeps
            assert all(np.allclose(got.attention[name], w, atol=1e-5, rtol=0) for name, w in want.attention.items())
    for got, want in zip(model.predict(items, interventions=[]), before, strict=True):
        assert (got.text, got.score) == (want.text, want.score)
        assert all((got.attention[name] == w).all() for name, w in want.attention.items())


def test_a_run_that_stops_goes_on_exactly(case, monkeypatch):
    """A session that ends in the midst of an epoch, and another: the weights of the run that never stopped, bit for bit."""
    _, folder, values = case
    halves = {**values, "train": {**values["train"], "checkpoint_every": 1}}
    whole, parts = folder / "whole", folder / "parts"
    runs.train(read_config(halves), whole, say=lambda line: None)
    job_fit, stops = runs.fit, []

    def stopping(*args: Any, batch: Callable[..., Any], **more: Any) -> Any:
        def counted(rows: list[int]) -> Any:
            if len(stops) == 3:
                raise KeyboardInterrupt
            stops.append(rows)
            return batch(rows)

        return job_fit(*args, batch=counted, **more)

    monkeypatch.setattr(runs, "fit", stopping)
    with pytest.raises(KeyboardInterrupt):
        runs.train(read_config(halves), parts, say=lambda line: None)
    monkeypatch.setattr(runs, "fit", job_fit)
    runs.train(read_config(halves), parts, resume=True, say=lambda line: None)
    one, other = (load_file(run / "model.safetensors") for run in (whole, parts))
    assert one.keys() == other.keys() and all((one[k] == other[k]).all() for k in one)


def test_parts_of_a_corpus_are_the_bytes_of_one_process(case, tmp_path, capsys):
    """And a part is the same after it was sent to a worker."""
    _, folder, values = case
    file = next((file for file in values["data"]["valid"] if file.endswith(".npz")), values["data"]["valid"][0])
    ask = ["predict", str(folder / "run"), file, "--format", "jsonl", "--threads", "1", "--batch-size", "1"]
    assert command(ask) == 0
    alone = capsys.readouterr().out
    assert command([*ask, "--out", str(tmp_path / "out"), "--part-rows", "7"]) == 0
    assert "".join(path.read_text("utf-8") for path in sorted((tmp_path / "out").glob("part-*"))) == alone
    for part in cut(load_run(folder / "run"), [file], 7, str):
        assert pickle.loads(pickle.dumps(part)).digest() == part.digest()


def test_figures_are_those_of_training(case):
    """`evaluate` on the validation files tells what the model that was kept was told."""
    _, folder, values = case
    told = load_run(folder / "run").evaluate(values["data"]["valid"], EvaluationOptions(by_item=True))
    found = told["metrics"]
    rows = [json.loads(line) for line in (folder / "run" / "metrics.jsonl").read_text().splitlines()]
    best = [row for row in rows if row.get("best")][-1]
    for name, figure in found.items():
        assert figure == pytest.approx(best[name], abs=1e-6), name
    for name, counts in told.get("by_item", {}).items():  # what tests of significance count is what is told
        assert len(counts.rows) == told["items"] and counts.figure == pytest.approx(found[name], abs=1e-6), name
