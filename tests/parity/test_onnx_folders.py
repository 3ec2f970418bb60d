"""Exported folders as ONNX: what is written, what is refused, and the hosts of docs/onnx.md, which answer as the exported model does."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")

import onnx
from onnx import numpy_helper

from regard import runs
from regard.config import read_config
from regard.core.errors import RegardError, RunFolderError
from regard.export import onnx_model
from regard.export.onnx import write_onnx
from regard.runtime.folder import WEIGHTS
from regard.tasks.load_exported import load_exported
from regard.tasks.load_run import load_run
from regard.tasks.options import AnswerOptions
from regard.tasks.transduce.demo_data import dates
from tests.laws.cases import CASES, TRAIN

from .exported import train, write

MODELS = {
    "recurrent": {"encoder": "bigru", "decoder": "gru", "embedding": 24, "size": 40, "dropout": 0.1},
    "transformer": {"family": "transformer", "size": 32, "heads": 2, "feedforward": 64, "encoder_layers": 1, "decoder_layers": 2},
}
PAGE = Path(__file__).resolve().parents[2] / "docs" / "onnx.md"
LINES = [source for source, _ in dates(5, 20)[0]] + ["", "?", "☃ 2"]


@pytest.fixture(scope="module", params=MODELS)
def exported(request, tmp_path_factory) -> Iterator[Path]:
    """A folder of `regard export`, of a model that has seen some dates, and beside it ONNX of float32 and of bytes."""
    folder = tmp_path_factory.mktemp("onnx")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    lines = "".join(f"{a}\t{b}\n" for a, b in dates(3, 400)[0])
    model = train(folder, lines, {"model": MODELS[request.param], "decode": {"min_length": 2, "length_penalty": 0.5}})
    for precision in ("float32", "int8"):
        write_onnx(write(model, folder / precision, precision), folder / f"onnx-{precision}")
    yield folder
    torch.set_default_dtype(before)


def test_the_manifest_tells_what_a_host_must_know(exported):
    folder = exported / "onnx-float32"
    told = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert {p.name for p in folder.iterdir()} == {*told["files"], "manifest.json"}
    assert {"encode.onnx", "step.onnx", "config.json", "tokenizer.source.json", "tokenizer.target.json"} == set(told["files"])
    for name, digest in told["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert told["signs"] == {"padding": 0, "start": 1, "end": 2, "unknown": 3, "never": [0, 1, 3]}
    encode, step = told["models"]["encode.onnx"], told["models"]["step.onnx"]
    assert encode["inputs"][0] == {"name": "source", "dtype": "int64", "shape": ["batch", "source"]}
    assert step["inputs"][0] == {"name": "words", "dtype": "int64", "shape": ["batch"]}
    assert {"log_p", *(state["next"] for state in told["state"])} <= {port["name"] for port in step["outputs"]}
    assert [state["input"] for state in told["state"]] == [port["name"] for port in step["inputs"][1:]]
    sizes = {size for port in step["inputs"] for size in port["shape"] if isinstance(size, str)}
    grows = any("self" in port["name"] for port in step["outputs"])
    assert "batch" in sizes and any(size.startswith("source") for size in sizes) and ("written" in sizes) == grows


def test_models_keep_to_one_opset_and_to_what_every_runtime_has(exported):
    for path in exported.glob("onnx-*/*.onnx"):
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 18)] and model.ir_version == 8


def test_weights_of_bytes_stay_so(exported):
    sizes = [sum(p.stat().st_size for p in (exported / name).glob("*.onnx")) for name in ("onnx-float32", "onnx-int8")]
    kept = [numpy_helper.to_array(w) for p in (exported / "onnx-int8").glob("*.onnx") for w in onnx.load(p).graph.initializer]
    assert sizes[1] < 0.8 * sizes[0] and max(w.size for w in kept if w.dtype == np.float32) < 1 << 10


def host(language: str, folder: Path) -> Path:
    """A host of the page."""
    code = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    path = folder / f"onnx_host.{'py' if language == 'python' else 'js'}"
    path.write_text(code[-1], encoding="utf-8")
    return path


def run_host(command: list[str], folder: Path, beam: int) -> list[tuple[str, float]]:
    done = subprocess.run(
        [*command, str(folder), str(beam)],
        input="".join(f"{line}\n" for line in LINES),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers = [line.split("\t") for line in done.stdout.splitlines()]
    return [(text, float(score)) for text, score in answers]


def assert_host_answers(command: list[str], exported: Path) -> None:
    for precision in ("float32", "int8"):
        model = load_exported(exported / precision)
        for beam in (1, 4):
            right = [best[0] for best in model.stream(LINES, AnswerOptions(beam=beam, n_best=1, batch_size=7))]
            told = run_host(command, exported / f"onnx-{precision}", beam)
            assert [text for text, _ in told] == [best.text for best in right]
            np.testing.assert_allclose([score for _, score in told], [best.score for best in right], rtol=1e-5, atol=1e-5)


def test_the_host_in_python_answers_as_the_model_does(exported):
    code = host("python", exported)
    assert set(re.findall(r"^(?:import|from) (\w+)", code.read_text("utf-8"), re.M)) == {
        "json",
        "sys",
        "pathlib",
        "numpy",
        "onnxruntime",
    }
    assert_host_answers([sys.executable, "-W", "error", str(code)], exported)


def test_the_host_in_javascript_answers_as_the_model_does(exported):
    code, node = host("javascript", exported), shutil.which("node")
    if not node or subprocess.run([node, "-e", 'require("onnxruntime-node")'], capture_output=True).returncode:
        pytest.skip("needs node, and NODE_PATH=DIR/node_modules after `npm install onnxruntime-node` in DIR")
    assert_host_answers([node, str(code)], exported)


@pytest.mark.parametrize(
    "name", ["tag", "classify-structured-letters", "forecast-flat-aaren", "read-over", "language-transformer", "caption"]
)
def test_every_manner_of_task_is_written(name, tmp_path):
    """The proof within `write_onnx` says that onnxruntime agrees with numpy."""
    torch.set_default_dtype(torch.float32)
    case = CASES[name]
    more = {**case.more, "data": {**case.data(tmp_path), **case.more.get("data", {})}}
    settings = {key: value for key, value in TRAIN.items() if key != "batch_tokens"} if more["task"] == "language" else TRAIN
    runs.train(
        read_config({**more, "train": {**settings, **more.get("train", {}), "epochs": 1}}),
        tmp_path / "run",
        say=lambda line: None,
    )
    write_onnx(write(load_run(tmp_path / "run"), tmp_path / "export"), tmp_path / "onnx")
    told = json.loads((tmp_path / "onnx" / "manifest.json").read_text("utf-8"))
    writes = more["task"] in ("language", "caption")
    assert set(told["models"]) == ({"encode.onnx", "step.onnx"} if writes else {"answer.onnx"})
    assert ("state" in told) == writes


def test_nothing_is_written_where_onnxruntime_says_something_else(exported, tmp_path, monkeypatch):
    right = onnx_model.to_onnx

    def spoilt(graph, weights, axes):
        model = right(graph, weights, axes)
        for node in model.graph.node:
            if node.op_type == "Tanh":
                node.op_type = "Sigmoid"
        if not any(node.op_type == "Sigmoid" for node in model.graph.node):  # a net without tanh
            next(node for node in model.graph.node if node.op_type == "Relu").op_type = "Neg"
        return model

    monkeypatch.setattr(onnx_model, "to_onnx", spoilt)
    with pytest.raises(RegardError, match=r"the proof.*Nothing was written"):
        write_onnx(exported / "float32", tmp_path / "onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("of", ["onnx", "onnxruntime", "import"])
def test_what_the_packages_raise_is_told(of, exported, tmp_path, monkeypatch):
    """Each has exceptions of its own, of no common class; and a library may be there that cannot be loaded."""
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail

    def fails(*given: object, **more: object) -> None:
        raise {"onnx": onnx.checker.ValidationError, "onnxruntime": Fail, "import": ImportError}[of]("no such symbol")

    if of == "onnx":
        monkeypatch.setattr(onnx.checker, "check_model", fails)
    elif of == "onnxruntime":
        monkeypatch.setattr("onnxruntime.InferenceSession", fails)
    else:
        monkeypatch.setattr(sys, "meta_path", [SimpleNamespace(find_spec=fails)])
        for name in ("onnxruntime", "regard.export.onnx_proof"):
            monkeypatch.delitem(sys.modules, name)
    said = {"onnx": "ValidationError of onnx", "onnxruntime": "Fail of onnx", "import": "onnxruntime; received no such symbol"}
    with pytest.raises(RegardError, match=said[of]):
        write_onnx(exported / "float32", tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_left_alone(exported, tmp_path):
    with pytest.raises(RunFolderError, match="Choose another name"):
        write_onnx(exported / "float32", tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_the_packages_it_says_what_to_install(exported, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "regard.export.onnx_proof")
    with pytest.raises(RegardError, match=r"pip install -e '\.\[onnx\]'"):
        write_onnx(exported / "float32", tmp_path / "onnx")


def test_an_answer_does_not_depend_on_its_batch(exported):
    """Weights of bytes included."""
    import onnxruntime

    for precision in ("float32", "int8"):
        folder = exported / f"onnx-{precision}"
        told = json.loads((folder / "manifest.json").read_text("utf-8"))
        encode, step = (onnxruntime.InferenceSession(str(folder / name)) for name in ("encode.onnx", "step.onnx"))
        by = np.random.default_rng(1)
        source = by.integers(4, told["network"]["source_words"], (64, 12))
        valid = np.arange(12) < by.integers(1, 13, (64, 1))
        words = by.integers(4, told["network"]["target_words"], (64, 9))

        def write_words(rows, width, encode=encode, step=step, told=told, source=source, valid=valid, words=words):
            given = {"source": (source * valid)[rows, :width], "valid": valid[rows, :width]}
            arrays = encode.run([state["first"] for state in told["state"]], given)
            for word in words[rows].T:
                feeds = {state["input"]: array for state, array in zip(told["state"], arrays, strict=True)}
                log_p, *arrays = step.run(["log_p", *(state["next"] for state in told["state"])], {"words": word, **feeds})
            return log_p

        together = write_words(slice(None), 12)
        for i in range(0, 64, 5):
            np.testing.assert_allclose(write_words([i], valid[i].sum())[0], together[i], atol=1e-5)


def test_the_weights_are_those_of_the_folder(exported):
    from safetensors.numpy import load_file

    kept = load_file(exported / "float32" / WEIGHTS)
    for path in (exported / "onnx-float32").glob("*.onnx"):
        arrays = {w.name: numpy_helper.to_array(w) for w in onnx.load(path).graph.initializer}
        assert kept.keys() & arrays.keys()
        assert all(np.array_equal(kept[name], arrays[name]) for name in kept.keys() & arrays.keys())
