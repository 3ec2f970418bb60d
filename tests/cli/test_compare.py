"""`regard compare`: a study is read strictly, killed and gone on with, searched, and told of in tables."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from regard.compare.cells import make_cells
from regard.compare.results import Comparison
from regard.compare.run import Ways, run_study
from regard.compare.study import load_study
from regard.config.yaml_text import dump
from regard.core.errors import ConfigError, RegardError, RunFolderError, UsageError

WORKER = [sys.executable, "-m", "regard.cli.compare_cell"]
BASE = {
    "task": "classify",
    "model": {"encoder": "gru", "embedding": 6, "size": 8, "dropout": 0.0},
    "train": {"epochs": 2, "batch_tokens": 100, "threads": 1, "samples": 0},
}
# A process that trains nothing: what it finds depends on the config alone.  A size of 13 fails.
STUB = """
import json, sys, pathlib
order = json.loads(sys.stdin.readline())
values, out, result = order["values"], pathlib.Path(order["out"]), pathlib.Path(order["result"])
size, seed, rate = values["model"]["size"], values["train"]["seed"], values["train"].get("learning_rate", 0.01)
if size == 13:
    sys.exit("size 13 brings bad luck")
out.mkdir(parents=True, exist_ok=True)
(out / "config.yaml").write_text(json.dumps(values))
with open(out / "trained", "a") as file:
    file.write("once\\n")
result.parent.mkdir(parents=True, exist_ok=True)
found = {"metric": "accuracy", "validation": {"accuracy": 1 - abs(rate - 0.03)}, "updates": 1, "parameters": size, "seconds": 1.0}
if order["test"]:
    import hashlib, numpy as np
    right = np.random.default_rng([seed, size]).random(40) < (0.9 if size == 16 else 0.4)
    np.savez(result.with_suffix(".npz"), accuracy=np.stack([right, np.ones(40)], 1).astype(float))
    found |= {"metrics": {"accuracy": right.mean(), "loss": 1.0}, "items": 40, "judging_seconds": 0.1}
    found["counted"] = {"accuracy": {"rule": "ratio", "names": [], "settings": {}}}
found["test"] = {file: hashlib.sha256(open(file, "rb").read()).hexdigest() for file in order["test"]} if order["test"] else {}
result.write_text(json.dumps({**found, "peak_memory_mb": 100.0}))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    by = random.Random(5)
    for name, count in (("train", 40), ("valid", 20), ("test", 40)):
        letters = [[by.choice("abcd") for _ in range(by.randint(2, 5))] for _ in range(count)]
        rows = [f"{' '.join(w)}\t{'yes' if w.count('a') > w.count('b') else 'no'}\n" for w in letters]
        (tmp_path / f"{name}.tsv").write_text("".join(rows), "utf-8")
    (tmp_path / "stub.py").write_text(STUB, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))  # of processes that are started
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path


def write(folder: Path, **keys: Any) -> Path:
    """A study file with these keys, and the usual others."""
    data = {"letters": {"train": "train.tsv", "valid": "valid.tsv", "test": "test.tsv"}}
    path = folder / "study.yaml"
    path.write_text(dump({"base": BASE, "data": data, **keys}), "utf-8")
    return path


def stubbed(folder: Path, path: Path, **more: Any) -> Comparison:
    return run_study(load_study(path), folder / "out", Ways([sys.executable, "stub.py"], **more), lambda line: None)


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text("utf-8").splitlines()))


def test_killed_and_resumed(folder):
    """A kill in the middle leaves no process behind, and what was trained stays as it is."""
    cells = {"mean": {"classify.pooling": "mean"}, "last": {"classify.pooling": "last"}}
    study, out = write(folder, cells=cells, seeds=[1, 2]), folder / "out"
    command = [sys.executable, "-m", "regard", "compare", str(study), "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    first, second = out / "figures/letters/mean/1.json", out / "logs/letters/last/1.log"
    until = time.monotonic() + 240
    while not (first.exists() and second.exists()) and time.monotonic() < until and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = (first.stat().st_mtime_ns, (out / "cells/letters/mean/1/model.safetensors").stat().st_mtime_ns)
    found = run_study(load_study(study), out, Ways(WORKER, 2, resume=True), lambda line: None)
    assert [len(row.runs) for row in found.rows] == [2, 2] and not any(row.missing for row in found.rows)
    assert before == (first.stat().st_mtime_ns, (out / "cells/letters/mean/1/model.safetensors").stat().st_mtime_ns)
    again = run_study(load_study(study), out, Ways(["false"], resume=True), lambda line: None)  # there is nothing to start
    assert again.rows == found.rows
    told = {(row["cell"], row["seed"]): row for row in rows(out / "runs.csv")}
    assert set(told) == {(cell, seed) for cell in ("mean", "last") for seed in "12"}
    for cell, seed in told:
        run = out / "cells/letters" / cell / seed
        assert (
            f"seed: {seed}\n" in (run / "config.yaml").read_text("utf-8") and json.loads((run / "run.json").read_text())["ended"]
        )
        assert float(told[cell, seed]["accuracy"]) <= 1 and float(told[cell, seed]["validation"]) <= 1


def test_tables_and_a_cell_that_fails(folder):
    study = write(folder, vary={"model.size": [9, 13, 16, 8]}, seeds=[1, 2, 3], baseline=8)
    found, out = stubbed(folder, study, jobs=3), folder / "out"
    assert {row.name: len(row.runs) for row in found.rows} == {"8": 3, "13": 0, "16": 3, "9": 3}
    text = (out / "compare.md").read_text("utf-8")
    line = {
        name: next(each for each in text.split("accuracy against 8")[1].splitlines() if each.startswith(f"| {name} |"))
        for name in ("16", "9")
    }
    assert line["16"].endswith("| better |") and line["9"].endswith("| not told apart |")
    assert text.count("size 13 brings bad luck") == 3 and "letters/13/1" in text
    numbers = {(row["cell"], row["figure"]): row for row in rows(out / "compare.csv")}
    assert numbers["16", "loss"]["why_not_tested"] == "no figure of single items"
    means = {row.name: sum(run.figure("accuracy") for run in row.runs) / 3 for row in found.rows}
    assert float(numbers["16", "accuracy"]["difference"]) == pytest.approx(means["16"] - means["8"])
    assert float(numbers["16", "accuracy"]["p_randomization_holm"]) == pytest.approx(
        2 * float(numbers["16", "accuracy"]["p_randomization"])
    )
    page = (out / "compare.html").read_text("utf-8")
    assert (
        "size 13 brings bad luck" in page
        and "data:image/svg+xml" in page
        and "http" not in page.split("base64")[0].replace("http-equiv", "")
    )
    (folder / "stub.py").write_text(STUB.replace("size == 13", "size == 0"), "utf-8")
    again = stubbed(folder, study, resume=True)  # only what failed is tried again
    assert not any(row.missing for row in again.rows)
    assert {p.read_text().count("once") for p in out.glob("cells/**/trained")} == {1}


def test_a_folder_is_for_one_study(folder):
    study = write(folder, vary={"model.size": [8, 9]})
    stubbed(folder, study)
    with pytest.raises(RunFolderError, match="--resume"):
        stubbed(folder, study)
    write(folder, vary={"model.size": [8, 9], "train.epochs": {"8": 8}})
    found = stubbed(folder, study, resume=True)  # cells of other names are new ones
    assert {row.name for row in found.rows} == {"8,8", "9,8"}
    write(folder, base={**BASE, "train": {**BASE["train"], "epochs": 3}}, vary={"model.size": [8, 9]})
    with pytest.raises(RunFolderError, match=r"train.epochs"):
        stubbed(folder, study, resume=True)
    write(folder, vary={"model.size": [8, 9]})
    (folder / "test.tsv").write_text("a a\tyes\nb b\tno\n" * 20, "utf-8")  # judged anew
    assert stubbed(folder, study, resume=True)
    (folder / "test.tsv").write_text("a a\tno\nb b\tyes\n" * 20, "utf-8")
    (folder / "stub.py").write_text(STUB.replace("size == 13", "size == 9"), "utf-8")
    assert [len(row.runs) for row in stubbed(folder, study, resume=True).rows] == [
        1,
        0,
    ]  # what was found on other items is not told
    (folder / "other").mkdir()
    (folder / "other" / "mine").touch()
    with pytest.raises(RunFolderError, match="something else"):
        run_study(load_study(study), folder / "other", Ways(["false"], resume=True), lambda line: None)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"varry": {"model.size": [8]}}, r"study.yaml:\d+: varry: .*Did you mean 'vary'"),
        ({"vary": {"model.sise": [8]}}, r"study.yaml:\d+: model.sise: .*size"),
        ({"vary": {"model.size": [8, "wide"]}}, r"study.yaml:\d+: model.size: .*wide.*\(cell letters/wide\)"),
        ({"vary": {"size": [8]}}, r"study.yaml:\d+: vary.size: expected a dotted key"),
        ({"vary": {"model.size": 8}}, r"expected a list of values"),
        ({"vary": {"train.seed": [1, 2]}}, r"`seeds:`"),
        ({"vary": {"model.size": ["a/b", "a-b"]}}, r"two called 'a-b'"),
        ({"vary": {"model.size": {"a/b": 8}}}, r"a name of letters"),
        ({"seeds": [1, 1]}, r"study.yaml:\d+: seeds: .*different"),
        ({"cells": {"a": {"model.size": 8}}, "baseline": "b"}, r"baseline: expected one of a; received 'b'"),
        ({"data": {"x": {"train": "train.tsv"}}}, r"data.x.test: expected at least one file"),
        ({"data": {"x": {"train": "train.tsv", "test": "test.tsv", "vaild": "v"}}}, r"vaild: .*Did you mean 'valid'"),
        ({"tune": {"train.learning_rate": {"low": 1, "hihg": 2}}}, r"'hihg'.*Did you mean 'high'"),
        ({"tune": {"train.learning_rate": {"low": 2, "high": 1}}}, r"low below high"),
        ({"tune": {"model.size": [8, 9]}, "vary": {"model.size": [8, 9]}}, r"tune.model.size: expected a key that no cell says"),
        ({"base": {"model": {"sise": 3}}}, r"study.yaml:\d+: model.sise"),
        ({"base": "nowhere.yaml"}, r"nowhere.yaml: expected a config file; received no such file"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(folder, keys, told):
    with pytest.raises(ConfigError, match=told):
        make_cells(load_study(write(folder, **keys)))


def test_every_cell_is_checked_before_the_first_is_trained(folder):
    base = {**BASE, "model": {"family": "transformer", "size": 8, "heads": 2}}
    data = {name: {"train": "train.tsv", "valid": "valid.tsv", "test": f"{name}.tsv"} for name in ("test", "gone")}
    (folder / "bad.tsv").write_text("a b\tyes\nno label here\n", "utf-8")
    data["bad"] = {**data["test"], "test": "bad.tsv"}
    for heads, told in (([2, 3], ("model.heads", "cell test/3, gone/3")), ([2, 4], ("gone.tsv", "bad.tsv:2"))):
        study = write(folder, base=base, data=data, vary={"model.heads": heads})
        with pytest.raises(ConfigError) as error:
            run_study(load_study(study), folder / "out", Ways(["false"]), lambda line: None)
        assert all(part in str(error.value) for part in told)
    assert not (folder / "out").exists()
    with pytest.raises(ConfigError, match="Did you mean 'accuracy'"):
        stubbed(folder, write(folder, figure="acuracy"))
    with pytest.raises(RegardError, match="none; the first: size 13"):
        stubbed(folder, write(folder, vary={"model.size": [13]}))


def test_a_search_goes_on_where_it_was(folder):
    """Trials of a search that was stopped are those of one that was not, and the best one's run is not trained again."""
    pytest.importorskip("optuna", reason="the extra tune is optional")
    space = {"train.learning_rate": {"low": 1e-3, "high": 1e-1, "log": True}, "train.clip": [1.0, 5.0]}
    study = write(folder, vary={"model.size": [8, 13]}, seeds=[1, 2], tune=space)
    with pytest.raises(UsageError, match="--tune"):
        stubbed(folder, study)
    heard = list[str]()

    def stop(line: str) -> None:
        heard.append(line)
        if len(heard) == 4:
            raise KeyboardInterrupt

    command = [sys.executable, "stub.py"]
    with pytest.raises(KeyboardInterrupt):
        run_study(load_study(study), folder / "out", Ways(command, trials=3), stop)
    found = run_study(load_study(study), folder / "out", Ways(command, trials=3, resume=True), lambda line: None)
    run_study(load_study(study), folder / "whole", Ways(command, trials=3), lambda line: None)
    stopped, whole = (json.loads((folder / name / "tuned.json").read_text()) for name in ("out", "whole"))
    assert stopped == whole and set(stopped) == {"letters/8"}
    assert {row.name: len(row.runs) for row in found.rows} == {"8": 2, "13": 0}
    assert "none of its 3 trials" in (folder / "out/compare.md").read_text("utf-8")
    best = max(
        folder.glob("out/trials/letters/8/*.json"), key=lambda path: json.loads(path.read_text())["validation"]["accuracy"]
    )
    rate = json.loads((best.with_suffix("") / "config.yaml").read_text())["train"]["learning_rate"]
    assert (
        stopped["letters/8"]["values"]["train.learning_rate"] == rate
        and len(list(folder.glob("out/trials/letters/8/*.json"))) == 3
    )
    assert json.loads((folder / "out/cells/letters/8/2/config.yaml").read_text())["train"]["learning_rate"] == rate
