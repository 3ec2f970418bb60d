"""A model as a web page: run by node, it answers as the run does; and the file needs nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from regard.core.errors import RunFolderError, UsageError
from regard.export import page
from regard.runtime.folder import CONFIG, GRAPHS, MANIFEST
from regard.tasks.load_exported import load_exported
from regard.tasks.options import AnswerOptions
from regard.tasks.transduce.demo_data import dates

from .exported import train, write
from .in_node import NODE, TEXTS, in_node, needs_node

pytestmark = needs_node

RECURRENT = {"encoder": "bigru", "decoder": "gru", "embedding": 12, "size": 16}
TRANSFORMER = {"family": "transformer", "size": 16, "heads": 2, "feedforward": 24, "encoder_layers": 1, "decoder_layers": 1}
PAIRS = "".join(f"{source}\t{target}\n" for source, target in dates(3, 150)[0])
FORMS = "".join(f"lema{i % 7}\tlema{i % 7}{'sen'[i % 3]}\tV;{('PST', 'PRS', 'FUT')[i % 3]}\n" for i in range(90))
TAGGED = "".join(
    f"{a}\t{b}\n"
    for i in range(60)
    for a, b in ((f"Go{i % 9}", "O"), ("to", "O"), (f"Bari{i % 5}", "B-to"), ("北京", "I-to"), ("", ""))
)
RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "dates": (PAIRS, {"model": RECURRENT, "decode": {"beam": 3}}),
    "subwords": (
        PAIRS,
        {
            "model": TRANSFORMER,
            "data": {"source_tokenizer": "bpe(90)", "target_tokenizer": "unigram(60)", "lowercase": True, "unicode": "nfd"},
            "decode": {"length_penalty": 0.7, "min_length": 3, "max_ratio": 1.5, "max_extra": 4},
        },
    ),
    "features": (FORMS, {"model": RECURRENT, "data": {"features": 3}}),
    "copies": (PAIRS, {"model": {**RECURRENT, "head": "copy"}, "data": {"source_tokenizer": "space", "target_tokenizer": "space"}}),
    "tags": (TAGGED.replace("\t\n", "\n"), {"task": "tag", "model": {k: v for k, v in RECURRENT.items() if k != "decoder"}}),
}  # fmt: skip


@pytest.fixture
def float32() -> None:
    """The numbers of models in use, for one test."""
    torch.set_default_dtype(torch.float32)


def _made(name: str, folder: Path) -> tuple[Any, Path]:
    """A trained model, and the folder of its export."""
    lines, values = RUNS[name]
    model = train(folder, lines, values)
    return model, write(model, folder / "export")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """An exported folder."""
    return _made("dates", tmp_path_factory.mktemp("dates"))[1]


@pytest.mark.usefixtures("float32")
@pytest.mark.parametrize("name", RUNS)
def test_a_page_answers_as_the_run_does(name, tmp_path):
    model, folder = _made(name, tmp_path)
    texts = [*dict.fromkeys(line.split("\t")[0] for line in (PAIRS + FORMS).splitlines()[:60]), "Go3 to Bari4 北京", *TEXTS]
    described = page.describe_model(folder)
    features = [["V", "PST", "never"] if described["features"] else [] for _ in texts]
    made = in_node("answer", model=described, items=list(zip(texts, features, strict=True)))
    options = AnswerOptions(n_best=described["beam"]) if described["task"] == "transduce" else AnswerOptions()
    items = [
        {"source": t, "features": f} if described["task"] == "transduce" else t for t, f in zip(texts, features, strict=True)
    ]
    ties = 0
    for text, best, told in zip(texts, model.stream(items, options), made, strict=True):
        assert told["source"] == best[0].source and told["unknown"] == list(best[0].unknown), text
        assert [one["score"] for one in told["best"]] == pytest.approx([p.score for p in best], abs=1e-4), text
        if [one["text"] for one in told["best"]] != [p.text for p in best]:
            assert min(a.score - b.score for a, b in pairwise(best)) < 1e-5, text  # as likely: either may come first
            ties += 1
            continue
        for one, right in zip(told["best"], best, strict=True):
            assert one["tokens"] == list(right.tokens)
            assert set(one["looks"]) == set(right.attention)
            for name, weights in right.attention.items():
                look = one["looks"][name]
                shape = (look["heads"], look["down"], look["across"])
                np.testing.assert_allclose(np.reshape(look["weights"], shape), weights, atol=1e-4, err_msg=name)
    assert ties < len(texts) / 8  # of nets that were hardly trained, some texts are as likely as others to the last digits


@pytest.mark.usefixtures("float32")
def test_weights_of_one_byte_stand_for_what_they_stand_for_in_a_folder(tmp_path):
    lines, values = RUNS["dates"]
    folder = write(train(tmp_path, lines, {**values, "model": {**RECURRENT, "size": 96}}), tmp_path / "export", "int8")
    described = page.describe_model(folder)
    assert any(kept == "int8" for _, _, kept, _ in described["weights"]["arrays"])
    items = [[text, []] for text in TEXTS]
    made = in_node("answer", model=described, items=items)
    right = [
        best[0]
        for best in load_exported(folder).stream([{"source": text} for text in TEXTS], AnswerOptions(beam=described["beam"]))
    ]
    assert [one["best"][0]["text"] for one in made] == [p.text for p in right]
    np.testing.assert_allclose([one["best"][0]["score"] for one in made], [p.score for p in right], atol=1e-4)


def test_the_file_needs_nothing_else(folder, tmp_path):
    page.write_page(
        folder, tmp_path / "model.html", title="<b>A & B</b>", examples=page.choose_examples(["</script><b>", " ", ("Go", "on")])
    )
    text = (tmp_path / "model.html").read_text("utf-8")
    parts = re.split(r"<script(?: type=\"application/json\" id=\"(?:data|model)\")?>(.*?)</script>", text, flags=re.DOTALL)
    outside, (data, model, script) = "".join(parts[::2]), parts[1::2]
    assert not re.search(r"(?:src|href)=(?!\"#)|url\(|@import|https?:", outside) and "<b>" not in outside
    assert not re.search(r"\b(?:fetch|XMLHttpRequest|WebSocket|importScripts|eval|Function)\(|\bimport\b[ (]", script)
    assert "default-src 'none'" in outside and page.policy.__module__ == "regard.view.document"
    assert json.loads(data) == {"sentences": [], "weights": []} and json.loads(model)["examples"] == [
        ["</script><b>", []],
        ["Go on", []],
    ]
    (tmp_path / "script.js").write_text(script, encoding="utf-8")
    checked = subprocess.run([str(NODE), "--check", str(tmp_path / "script.js")], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_what_a_page_cannot_run_is_refused(folder, tmp_path):
    other = tmp_path / "export"
    shutil.copytree(folder, other)
    config = json.loads((other / CONFIG).read_text("utf-8"))
    manifest = json.loads((other / MANIFEST).read_text("utf-8"))
    (other / MANIFEST).write_text(json.dumps({**manifest, "task": "read"}), "utf-8")
    with pytest.raises(RunFolderError, match="a run of task transduce or tag, which a page can run; received one of read"):
        page.make_page(other, title="t")
    (other / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    (other / GRAPHS).write_text(json.dumps({"answer": {"nodes": [["rshift", [0, 1], 2, {}, 1]]}}), "utf-8")
    with pytest.raises(RunFolderError, match="received rshift"):
        page.make_page(other, title="t")
    (other / CONFIG).write_text(json.dumps({**config, "model": {**config["model"], "pretrained": "x"}}), "utf-8")
    with pytest.raises(RunFolderError, match="received one with a pre-trained reader"):
        page.make_page(other, title="t")
    with pytest.raises(UsageError, match=r"ends in \.html"):
        page.write_page(folder, tmp_path / "model.txt")
    with pytest.raises(RunFolderError, match="received larger ones"):
        page.pack({"hash": np.array([2**60])})


def test_the_demos_model_fits_into_three_megabytes():
    weights = np.random.default_rng(1).normal(size=418_000).astype(np.float32)  # as many as `regard demo` trains
    assert len(page.pack({"w": weights})["bytes"]) < 2_200_000
