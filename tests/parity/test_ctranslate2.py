"""Transformers in CTranslate2 say what the trained nets say; what it cannot hold is refused; the host of docs/ctranslate2.md answers."""

from __future__ import annotations

import hashlib
import json
import random
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("ctranslate2", reason="the extra `ctranslate2` is not installed")

import ctranslate2

from regard.config import read_config
from regard.core.errors import RegardError, RunFolderError
from regard.data.tokenizer import SPECIALS, Tokenizer
from regard.export import ctranslate2 as exporter
from regard.export import ctranslate2_spec
from regard.export.ctranslate2_spec import to_spec
from regard.export.recorder import Unexportable
from regard.tasks.base import TaskPrediction
from regard.tasks.options import AnswerOptions
from regard.tasks.seq2seq_builder import build_seq2seq
from regard.tasks.transduce.demo_data import dates

from .exported import train

SMALL = {
    "family": "transformer",
    "size": 16,
    "heads": 2,
    "feedforward": 24,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "dropout": 0.0,
}
HELD: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "post-norm, gelu": {"norm": "post", "activation": "gelu"},
    "learned positions": {"positions": "learned", "max_positions": 13},
    "rotary": {"positions": "rotary"},
    "no positions": {"positions": "none"},
    "one table": {"tie": "all", "joint": True},
    "the target's table": {"tie": "output", "encoder_layers": 1, "decoder_layers": 2},
    "inner products, biases": {"attention": {"score": "dot", "bias": True}, "self_attention": {"score": "dot", "bias": True}},
    "one head": {"heads": 1},
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "score": ({"self_attention": {"score": "additive"}}, "encoder self-attention by Additive"),
    "two scores": ({"self_attention": {"score": "scaled + alibi"}}, "by Sum"),
    "weighting": ({"attention": {"weighting": "sparsemax"}}, "cross-attention weighed by Sparsemax"),
    "scope": ({"self_attention": {"scope": "window(2)"}}, "a scope that is not everywhere"),
    "groups": ({"self_attention": {"groups": 1}}, "heads share keys"),
    "parts": ({"attention": {"memory": "key-value"}}, "keys and values of their own"),
    "heads": ({"attention": {"heads": 4}}, "other numbers of heads"),
    "head": ({"head": "copy"}, "CopyHead"),
    "aaren": ({"family": "aaren"}, "AarenEncoderLayer"),
    "recurrent": ({"family": "recurrent"}, "Transformers alone"),
}
WORDS = [*SPECIALS, *"abcdefghijklmnop"]
PAGE = Path(__file__).resolve().parents[2] / "docs" / "ctranslate2.md"


@pytest.fixture(autouse=True)
def float32(float64: None) -> None:
    """As nets are trained and exported."""
    torch.set_default_dtype(torch.float32)


def build(values: dict[str, Any]) -> Any:
    torch.manual_seed(3)
    model = {**SMALL, **values}
    joint = model.pop("joint", False)
    if model["family"] == "recurrent":
        model = {"family": "recurrent", "size": 8, "embedding": 8}
    data = {"max_source_length": 12, "max_target_length": 12, "joint": joint}
    net = build_seq2seq(read_config({"data": data, "model": model}), source_words=20, target_words=20).eval().network
    with torch.no_grad():
        for weight in net.parameters():  # biases and norms begin with zeros and ones, which would hide a wrong place
            weight.add_(torch.randn_like(weight) * 0.2)
    return net


def log_probabilities(net: Any, source: list[int], target: list[int]) -> np.ndarray:
    """Of each word of a target and of its end."""
    words, valid = torch.tensor([[*source, 2]]), torch.ones(1, len(source) + 1, dtype=torch.bool)
    with torch.no_grad():
        said, _ = net(torch.tensor([[1, *target]]), net.start(net.encode(words, valid), words))
    return said[0, torch.arange(len(target) + 1), torch.tensor([*target, 2])].numpy()


@pytest.mark.parametrize("name", HELD)
def test_log_probabilities_are_those_of_the_net(name, tmp_path):
    net = build(HELD[name])
    before = {key: weight.clone() for key, weight in net.state_dict().items()}
    by, pairs = random.Random(1), []
    for _ in range(12):
        pairs.append([[by.randrange(3, 20) for _ in range(by.randint(1, 10))] for _ in range(2)])
    to_spec(net, (WORDS, WORDS)).save(str(tmp_path))
    engine = ctranslate2.Translator(str(tmp_path), compute_type="float32", intra_threads=1)
    told = engine.score_batch(*[[[WORDS[i] for i in row] for row in side] for side in zip(*pairs, strict=True)])
    for (source, target), found in zip(pairs, told, strict=True):
        np.testing.assert_allclose(found.log_probs, log_probabilities(net, source, target), rtol=1e-5, atol=2e-5)
    to_spec(net, (WORDS, WORDS)).optimize("int8")  # which writes over the arrays that it is given
    assert all(torch.equal(weight, before[key]) for key, weight in net.state_dict().items())


@pytest.mark.parametrize("name", REFUSED)
def test_what_ctranslate2_cannot_hold_is_named(name):
    values, said = REFUSED[name]
    with pytest.raises(Unexportable, match=said):
        to_spec(build(values), (WORDS, WORDS))


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Any:
    """A Transformer that has seen some dates, with features."""
    torch.set_default_dtype(torch.float32)
    lines = "".join(f"{a}\t{b}\t{'N;PL' if len(a) % 2 else 'V'}\n" for a, b in dates(3, 300)[0])
    return train(
        tmp_path_factory.mktemp("run"), lines, {"model": SMALL, "data": {"features": 3}, "decode": {"min_length": 2, "beam": 3}}
    )


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("made") / "out"
    exporter.write_ctranslate2(model, out, precision="float32", say=lambda line: None)
    return out


def test_the_proof_is_kept_and_the_files_are_told(folder):
    told = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert told["proof"]["answers"] > 1000 and told["proof"]["changed"] == 0 and 0 < told["proof"]["score"] < 1e-5
    assert 0 < told["proof"]["attention"] < 1e-5
    assert {p.name for p in folder.iterdir()} == {*told["files"], "manifest.json"}
    for name, digest in told["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert told["options"]["min_decoding_length"] == 2 and str(folder.parent) not in (folder / "settings.json").read_text("utf-8")


def test_the_host_answers_as_the_run_does(model, folder, tmp_path):
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0]
    (tmp_path / "host.py").write_text(code, encoding="utf-8")
    lines = [source for source, _ in dates(5, 12)[0]] + ["☃ 2", ""]
    right = [best[0] for best in model.stream([(line, ("V",)) for line in lines], AnswerOptions(beam=1, n_best=1))]
    done = subprocess.run(
        [sys.executable, str(tmp_path / "host.py"), str(folder), "1"],
        input="".join(f"{line}\tV\n" for line in lines),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == [p.text for p in right]


def test_pieces_are_compared_as_the_net_wrote_them():
    """A net may write pieces that its tokenizer would not cut the text into."""
    writer = Tokenizer.train("bpe(12)", ["ab ab ab", "ba"])
    shown = exporter._numbers_as_shown(writer)
    model = SimpleNamespace(tokenizers=(writer, writer), in_tokens=lambda items: [([], writer.encode(text)) for _, text in items])
    cut = writer.tokens(writer.encode("ab"))
    assert cut == ["▁ab", "</s>"]
    for tokens in (tuple(cut), ("▁", "a", "b", "</s>")):
        words = exporter._words(model, None, TaskPrediction("ab", -1.0, tokens), shown)
        assert (*writer.tokens(words), "</s>") == tokens and writer.decode(words) == "ab"
    doubtful = Tokenizer.train("char", ["a ▁b"])  # a space is shown as that sign
    shown, model.in_tokens = exporter._numbers_as_shown(doubtful), lambda items: [([], doubtful.encode(items[0][1]))]
    assert (
        list(exporter._words(model, None, TaskPrediction("a ▁", -1.0, ("a", "▁", "▁", "</s>")), shown))
        == doubtful.encode("a ▁")[:-1]
    )


def test_nothing_is_written_where_it_says_something_else(model, tmp_path, monkeypatch):
    fill = ctranslate2_spec._fill_norm

    def spoilt(spec: Any, norm: Any) -> None:
        fill(spec, norm)
        spec.beta = spec.beta + 0.3

    monkeypatch.setattr(ctranslate2_spec, "_fill_norm", spoilt)
    monkeypatch.setattr(exporter, "make_up_items", lambda model: [("12 3", ())])
    with pytest.raises(RegardError, match=r"the proof.*Nothing was written"):
        exporter.write_ctranslate2(model, tmp_path / "out", precision="float32", say=lambda line: None)
    assert not list(tmp_path.iterdir())


def test_refusals_of_the_command(model, tmp_path, monkeypatch):
    with pytest.raises(RunFolderError, match="Choose another name"):
        exporter.write_ctranslate2(model, tmp_path, precision="float32", say=lambda line: None)
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    with pytest.raises(RegardError, match=r"pip install -e '\.\[ctranslate2\]'"):
        exporter.write_ctranslate2(model, tmp_path / "out", precision="float32", say=lambda line: None)
