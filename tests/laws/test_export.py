"""An exported model answers as the trained one, where neither PyTorch nor pydantic can be imported."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import regard
from regard import runs
from regard.config import read_config
from regard.core.errors import RegardError, RunFolderError
from regard.export import folder as exports
from regard.export.folder import export_run
from regard.runtime.folder import GRAPHS, MANIFEST, WEIGHTS
from regard.tasks.load_exported import load_exported
from regard.tasks.load_run import load_run
from regard.tasks.options import AnswerOptions

from .cases import CASES, TRAIN

SOURCE = Path(__file__).resolve().parents[2] / "src"
TRIED = (
    *("tag", "classify-structured-letters", "pair-begun", "read", "read-over", "forecast", "forecast-flat-aaren", "pretrain"),
    *("caption", "language", "language-transformer-carried", "language-lines-drawn", "language-aaren", "read-begun"),
)
SPELLING = {
    "data": {"valid_share": 0.2},
    "model": {"encoder": "bigru", "decoder": "gru", "embedding": 32, "size": 40, "head": "copy"},
    "decode": {"max_extra": 6, "beam": 3},
}
AAREN = {"family": "aaren", "size": 16, "heads": 2, "feedforward": 20, "encoder_layers": 1, "decoder_layers": 2}
BARRED = """
import sys
class Barrier:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "pydantic", "typer", "yaml", "sacrebleu"}:
            raise ImportError(f"{name} is barred here")
sys.meta_path.insert(0, Barrier())
"""


def trained(name: str, folder: Path) -> tuple[Path, list[Any]]:
    """A run of a case, hardly trained, and items for it."""
    if name in CASES:
        values, items = {"data": CASES[name].data(folder), **CASES[name].more}, CASES[name].items(folder)
    else:
        (folder / "words.tsv").write_text(
            "".join(f"{'abcde'[i % 5] * (i % 4 + 1)}\t{'vwxyz'[i % 5]}{i % 3}\n" for i in range(60))
        )
        values, items = (
            {
                **SPELLING,
                "data": {**SPELLING["data"], "train": [str(folder / "words.tsv")]},
                **({"model": AAREN} if name.endswith("aaren") else {}),
            },
            ["ab", "cqd", "", "eeee"],
        )
    train = {**TRAIN, "updates": 2, **values.pop("train", {})}
    if values.get("task") == "language":  # whose batches are windows
        train.pop("batch_tokens")
    runs.train(read_config({**values, "train": {**train, "epochs": 1}}), folder / "run", say=lambda line: None)
    return folder / "run", items


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MADE_UP", 30)


@pytest.mark.parametrize("name", [*TRIED, "transduce", "transduce-aaren"])
def test_an_export_answers_as_its_run(name, few, tmp_path):
    run, items = trained(name, tmp_path)
    proof = export_run(run, tmp_path / "out", items=items, say=lambda line: None)
    assert proof.holds and proof.answers > 30
    right, told = load_run(run), load_exported(tmp_path / "out")
    for a, b in zip(right.stream(items, AnswerOptions()), told.stream(items, AnswerOptions()), strict=True):
        assert [p.source for p in a] == [p.source for p in b] and set(a[0].attention) == set(b[0].attention)
        if name != "forecast":  # whose numbers may round to other digits
            assert [(p.text, p.tokens, p.unknown) for p in a] == [(p.text, p.tokens, p.unknown) for p in b]
        for p, q in zip(a, b, strict=True):
            assert (p.score is None) == (q.score is None) and (p.score is None or abs(p.score - q.score) < 1e-4)
            for look in p.attention:
                np.testing.assert_allclose(p.attention[look], q.attention[look], atol=1e-5)
    with pytest.raises(RunFolderError, match=r"interventions: expected a run folder; received .*an exported one"):
        regard.load(tmp_path / "out").predict(items, interventions=[regard.Uniform("decoder.0.cross")])


@pytest.fixture(scope="module")
def spelling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported model that spells, with the run that it was made of beside it."""
    place = tmp_path_factory.mktemp("spelling")
    run, items = trained("transduce", place)
    export_run(run, place / "out", items=items, say=lambda line: None)
    return place


def test_regard_run_needs_no_torch(spelling):
    code = f"{BARRED}from regard.cli.run_exported import main\nmain()"
    words = [str(spelling / "out"), "--format", "jsonl", "--beam", "3", "--n-best", "2", "decode.length_penalty=0.5"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], input="abe\n\ncc\n", capture_output=True, text=True, env={"PYTHONPATH": str(SOURCE)}
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    model = regard.load(spelling / "run", decode={"length_penalty": 0.5})
    for line, best in zip(lines, model.predict(["abe", "", "cc"], beam=3, n_best=2), strict=True):
        assert [p["text"] for p in line["predictions"]] == [p.text for p in best]


def test_regard_predict_takes_an_export_without_torch(spelling, tmp_path):
    code = (
        "import sys\nfrom regard.cli.main import run\ncode = run(sys.argv[1:])\nassert 'torch' not in sys.modules\nsys.exit(code)"
    )
    words = ["predict", str(spelling / "out"), "-", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], input="abe\n\ncc\n", capture_output=True, text=True, env={"PYTHONPATH": str(SOURCE)}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [p.text for p in regard.load(spelling / "run").predict(["abe", "", "cc"])]
    refused = subprocess.run(
        [sys.executable, "-c", code, *words, "--precision", "int8"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(SOURCE)},
    )
    assert refused.returncode == 2 and "expected a run folder; received an exported one" in refused.stderr


def test_python_opens_an_export_as_a_run(spelling):
    pairs = [("ab", "v0"), ("cc", "xyz")]
    run, export = regard.load(spelling / "run"), regard.load(spelling / "out")
    for a, b in zip(run.score(pairs), export.score(pairs), strict=True):
        assert a.score == pytest.approx(b.score, abs=1e-4) and a.tokens == b.tokens
    with pytest.raises(regard.ConfigError, match=r"decode.beam: expected a whole number at least 1; received 0"):
        export.predict(["a"], beam=0)
    with pytest.raises(regard.ConfigError, match="Did you mean 'beam'"):
        export.predict(["a"], decode={"baem": 3})


def test_bytes_are_a_quarter_and_what_they_change_is_told(spelling, tmp_path):
    proof = export_run(spelling / "run", tmp_path / "out", precision="int8", say=lambda line: None)
    told = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert told["precision"] == "int8" and told["proof"]["answers"] == proof.answers
    assert (tmp_path / "out" / WEIGHTS).stat().st_size < (spelling / "out" / WEIGHTS).stat().st_size  # small matrices stay
    assert [p.text for p in load_exported(tmp_path / "out").predict(["ab"])]


def test_what_fails_the_proof_is_not_written(spelling, tmp_path, monkeypatch):
    real = exports.graphs_of

    def wrong(model, weights):
        made = real(model, weights)
        bias = next(name for name in weights if name.endswith("linear.bias") and len(weights[name]) > 10)
        weights[bias] = weights[bias] + np.linspace(0, 0.1, len(weights[bias]), dtype=np.float32)
        return made

    monkeypatch.setattr(exports, "graphs_of", wrong)
    with pytest.raises(RegardError, match="the proof: expected the same texts"):
        export_run(spelling / "run", tmp_path / "out", say=lambda line: None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [MANIFEST, GRAPHS, WEIGHTS, "config.json", "tokenizer.source.json"])
def test_a_damaged_folder_is_named(spelling, tmp_path, name):
    copied = tmp_path / "out"
    for kind in ("gone", "cut", "other"):
        copied.mkdir()
        for file in (f for f in (spelling / "out").iterdir() if f.is_file()):
            (copied / file.name).write_bytes(file.read_bytes())
        whole = (copied / name).read_bytes()
        if kind == "gone":
            (copied / name).unlink()
        else:
            (copied / name).write_bytes(whole[: len(whole) // 2] if kind == "cut" else whole.replace(b"0", b"1", 1))
        if name == MANIFEST and kind == "other":
            (copied / name).write_bytes(whole.replace(b'"format": 1', b'"format": 2'))
        with pytest.raises(RunFolderError, match=str(tmp_path)):
            load_exported(copied)
        for file in copied.iterdir():
            file.unlink()
        copied.rmdir()


def test_a_changed_graph_is_refused_or_answers(spelling, tmp_path):
    """Numbers, words and lists of the graphs changed at random, their hash with them: an error of ours, or answers of the right kind."""
    by, whole, count = random.Random(5), json.loads((spelling / "out" / GRAPHS).read_text()), 0
    shutil.copytree(spelling / "out", tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text())
    for _ in range(120):
        changed = json.loads(json.dumps(whole))
        node = by.choice(changed[by.choice(["start", "step"])]["nodes"])
        place = by.randrange(len(node))
        node[place] = by.choice([-1, 0, 3, 10**9, "scan", [], [1], {}, {"axis": 7}, None, "softmax", 2.5, [10**6, 10**6]])
        text = json.dumps(changed).encode()
        (tmp_path / "out" / GRAPHS).write_bytes(text)
        manifest["files"][GRAPHS] = sha256(text).hexdigest()
        (tmp_path / "out" / MANIFEST).write_text(json.dumps(manifest))
        try:
            assert all(isinstance(p.text, str) for p in load_exported(tmp_path / "out").predict(["ab", "cqd"]))
        except RegardError:
            count += 1
    assert count > 40


@pytest.mark.parametrize("changed", ["data.lowercase", "decode.batch_size", "decode"])
def test_settings_that_do_not_go_with_the_rest_are_told(spelling, tmp_path, changed):
    """Whole files, each of its own: what is wrong with them shows when they are opened, or when they are used."""
    folder = tmp_path / "out"
    shutil.copytree(spelling / "out", folder)
    told, manifest = (json.loads((folder / name).read_text()) for name in ("config.json", MANIFEST))
    section, _, key = changed.partition(".")
    if section == "data":
        del told["data"][key]
    else:
        told[section] = {**told[section], key: "16"} if key else 16
    (folder / "config.json").write_text(json.dumps(told))
    manifest["files"]["config.json"] = sha256((folder / "config.json").read_bytes()).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(RegardError) as error:
        list(load_exported(folder).stream(["ab"]))
    assert str(folder) in str(error.value) or "decode.batch_size: expected a whole number" in str(error.value)
