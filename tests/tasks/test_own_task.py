"""docs/extending.md is true of tasks: one module of the user's is a task that trains, resumes, predicts, evaluates and is seen. It keeps
the laws of batch, padding and resuming, with no file of Regard touched."""

from __future__ import annotations

import json
import os
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

from regard import runs
from regard.cli.main import run
from regard.config import load_config, read_config
from regard.core.errors import ConfigError, RunFolderError
from regard.tasks import registry
from regard.tasks.load_run import load_run
from regard.tasks.options import AnswerOptions

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
(CODE,) = re.findall(r'```python\n(""".*?)```', PAGE, re.DOTALL)
TASK, TRUST = "mine.amounts:SPEC", ("mine.amounts",)
WORDS = ("good", "bad", "so", "it", "is", "was", "the")
MODEL = {"encoder": "bigru", "embedding": 12, "size": 10, "dropout": 0.1}
TRAIN = {"epochs": 2, "batch_tokens": 120, "learning_rate": 5e-3, "samples": 1, "precision": "float32", "threads": 1}


def texts(seed: int, count: int) -> list[tuple[str, float]]:
    draw = random.Random(seed)
    each = [[draw.choice(WORDS) for _ in range(draw.randint(1, 9))] for _ in range(count)]
    return [(" ".join(words), words.count("good") - words.count("bad") / 2) for words in each]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the module lies, beside its data and a run of it."""
    made, before, path = tmp_path_factory.mktemp("own"), Path.cwd(), list(sys.path)
    (made / "mine").mkdir()
    (made / "mine" / "amounts.py").write_text(CODE, encoding="utf-8")
    for name, seed, count in (("train", 1, 120), ("valid", 2, 20)):
        lines = "".join(f"{text}\t{amount}\n" for text, amount in texts(seed, count))
        (made / f"{name}.tsv").write_text(lines, encoding="utf-8")
    os.chdir(made)
    runs.train(read_config(values()), made / "run", say=lambda line: None)
    yield made
    os.chdir(before)
    sys.path[:] = path
    registry.spec.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "mine"]:
        del sys.modules[name]


def values(**more: Any) -> dict[str, Any]:
    data = {"train": ["train.tsv"], "valid": ["valid.tsv"]}
    return {"task": TASK, "data": data, "model": MODEL, "train": TRAIN | more, "amount": {"hidden": 8}}


def test_a_word_of_another_form_is_no_task_of_the_users():
    assert registry.is_own("mine.amounts:SPEC")
    assert not any(map(registry.is_own, ("tag", "mine.amounts", "mine.amounts:SPEC(3)", "mine amounts:SPEC", 3)))


def test_its_keys_are_judged_as_any_others(folder):
    config = read_config(values())
    assert config.spec.name == "amount" and config.model_dump()["amount"] == {"hidden": 8} and config.train.metric == "mse"
    assert read_config(config.model_dump(mode="json")) == config
    for wrong, told in (
        ({"amount": {"hiden": 3}}, "amount.hiden: expected a key of amount; received 'hiden'"),
        ({"amount": {"hidden": 0}}, "amount.hidden: expected a whole number, at least 1; received 0"),
        ({"decode": {"beam": 3}}, f"decode.beam: expected no such key with task {TASK}"),
        ({"tag": {}}, "tag: expected only with task: tag"),
        ({"train": {"metric": "bleu"}}, "train.metric: expected mse | loss; received bleu"),
        ({"task": "mine.amounts:SPEX"}, "mine.amounts:SPEX: expected a TaskSpec SPEX in"),
        ({"task": "mine.amount:SPEC"}, "Did you mean 'mine.amounts'?"),
    ):
        with pytest.raises(ConfigError) as caught:
            read_config({**values(), **wrong})
        assert told in str(caught.value)
    with pytest.raises(ConfigError, match=r"expected one of task, data"):
        read_config({"amount": {"hidden": 3}})


def test_batch_and_padding_are_invisible(folder):
    model, items = load_run(folder / "run", trust=TRUST), [text for text, _ in texts(3, 20)] + [""]
    whole = model.predict(items, AnswerOptions(batch_size=7))
    assert len(whole) == len(items) and all(p.text for p in whole[:-1]) and whole[-1].text == ""
    for other in (model.predict(items, AnswerOptions(batch_size=1)), model.predict(items[::-1])[::-1]):
        for got, want in zip(other, whole, strict=True):
            assert got.text == want.text and got.tokens == want.tokens
            assert got.attention.keys() == want.attention.keys()
            for name, weights in want.attention.items():
                np.testing.assert_allclose(got.attention[name], weights, atol=1e-5, rtol=0)


def test_a_run_that_stops_goes_on_exactly(folder, monkeypatch):
    config, whole, parts = read_config(values(checkpoint_every=1)), folder / "whole", folder / "parts"
    runs.train(config, whole, say=lambda line: None)
    fit, stops = runs.fit, []

    def stopping(*args: Any, batch: Any, **more: Any) -> Any:
        def counted(rows: list[int]) -> Any:
            if len(stops) == 3:
                raise KeyboardInterrupt
            stops.append(rows)
            return batch(rows)

        return fit(*args, batch=counted, **more)

    monkeypatch.setattr(runs, "fit", stopping)
    with pytest.raises(KeyboardInterrupt):
        runs.train(config, parts, say=lambda line: None)
    monkeypatch.setattr(runs, "fit", fit)
    runs.train(config, parts, resume=True, say=lambda line: None, trust=TRUST)
    one, other = (load_file(made / "model.safetensors") for made in (whole, parts))
    assert one.keys() == other.keys() and all((one[key] == other[key]).all() for key in one)


def test_the_commands_know_it(folder, capsys):
    assert run(["evaluate", "run", "valid.tsv", "--trust", "mine.amounts", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)["metrics"]
    best = [row for line in (folder / "run" / "metrics.jsonl").read_text().splitlines() if (row := json.loads(line)).get("best")][
        -1
    ]
    assert figures["loss"] == pytest.approx(best["loss"], abs=1e-6) and best["mse"] == min(figures["mse"], best["mse"])
    assert run(["predict", "run", "valid.tsv", "--trust", "mine.amounts"]) == 0
    assert len([float(line) for line in capsys.readouterr().out.splitlines()]) == 20
    assert run(["view", "run", "--text", "it is so good", "--trust", "mine.amounts"]) == 0
    assert "good" in capsys.readouterr().out
    assert run(["info", "run", "--trust", "mine.amounts"]) == 0
    assert "best mse" in capsys.readouterr().out
    assert "| mse |" in (folder / "run" / "README.md").read_text("utf-8")


@pytest.mark.parametrize("words", [["predict", "run", "valid.tsv"], ["info", "run"], ["train", "--resume", "--out", "run"]])
def test_a_strangers_run_runs_nothing(folder, words, capsys):
    """Before anything is imported: the module would not even be there."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "mine"]:
        del sys.modules[name]
    registry.spec.cache_clear()
    assert run(words) == 2
    assert "mine.amounts:SPEC in task, which would run code that is not Regard's" in capsys.readouterr().err
    assert not [name for name in sys.modules if name.partition(".")[0] == "mine"]


def test_a_run_to_begin_with_says_no_task_of_its_own(folder):
    assert load_config(None, [], pretrained="run").task == registry.USUAL
    with pytest.raises(RunFolderError, match=r"mine\.amounts:SPEC in task"):
        runs.train(load_config(None, [], pretrained="run", train=["train.tsv"]), folder / "other", say=lambda line: None)
