"""A model as a web page: its scripts, run by node, say what numpy and the predictors say; and the file needs nothing else."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from regard.config import read_config
from regard.data.tokenizer import Tokenizer
from regard.export import page
from regard.export.functions import names_of
from regard.export.trace import trace
from regard.runtime.graph import from_json, to_json
from regard.runtime.player import NAMES, Player
from regard.tasks.seq2seq_builder import build_seq2seq

from .test_export_graphs import NETS, SIZES, Functions, _states

NODE = shutil.which("node")
SCRIPTS = Path(page.__file__).parent / page.FOLDER
pytestmark = pytest.mark.skipif(NODE is None, reason="needs node on the path: apt-get install nodejs")
TEXTS = (
    "", " ", "a", "abandonat", "The cat sat.", "  two  spaces\tand a tab ", "中文字，没有空格", "ひらがなカタカナー", "café", "cafe\u0301", "ⁿdaˈpʰat͡ʃeː",
    "k\u0361p\u0303 ˥˩ a⁵⁵", "السلام عليكم", "שָׁלוֹם", "x² + y₃ = 10½", "a</s>b <unk> <s>", "नमस्ते", "한국어 \u1112\u1161\u11ab", "👩\u200d👩\u200d👧!", "\u3000全角　",
    "a\u0085b\u00a0c\u2028d", "\ufeffbom", "日本 Tokyo", "<unk>", "İstanbul ΣΑΣ", "?!...", "1,391", "e\u0301\u0323x", "〇、。",
)  # fmt: skip


def in_node(task: str, **asked: Any) -> Any:
    """What the page's modules answer."""
    assert NODE is not None
    script = Path(__file__).with_name("page_scripts.mjs")
    asking = json.dumps({"task": task, **asked})
    ran = subprocess.run([NODE, str(script), str(SCRIPTS)], input=asking, capture_output=True, text=True, encoding="utf-8")
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout)


# ---- graphs -------------------------------------------------------------------------------------------
def _traced(net: Any) -> list[tuple[dict[str, Any], Mapping[str, np.ndarray]]]:
    """The graphs `start` and `step` of a net as JSON holds them, with their weights."""
    of, starts, steps, names = Functions(net), [], [], names_of(net)
    for rows, places, before in SIZES:
        starts.append(of.source(rows, places))
        state = _states(of.start(**starts[-1]))
        for _ in range(before):
            state = _states(of.step(of.words(rows), **state))
        steps.append({"words": of.words(rows), **state})
    made = []
    for function, examples in ((of.start, starts), (of.step, steps)):
        weights: dict[str, np.ndarray] = {}
        made.append((json.loads(json.dumps(to_json(trace(function, examples, names, weights)))), weights))
    return made


@pytest.mark.parametrize("name", NETS)
def test_scripts_play_graphs_as_numpy_does(name):
    torch.manual_seed(3)
    data = {"max_source_length": 40, "max_target_length": 40}
    net = build_seq2seq(read_config({"data": data, "model": NETS[name]}), source_words=20, target_words=20).eval().network
    with torch.no_grad():
        traced = _traced(net)
    players = [Player(from_json(graph, NAMES, "a graph"), weights) for graph, weights in traced]
    of, calls, right = Functions(net), [], []
    for rows, places in ((1, 1), (3, 2), (5, 17)):
        given = {key: tensor.numpy() for key, tensor in of.source(rows, places).items()}
        for step in range(4):
            calls.append([min(step, 1), page.pack(given)])
            right.append(players[min(step, 1)](**given))
            given = {"words": of.words(rows).numpy(), **_states(right[-1])}
    made = in_node("play", graphs=[graph for graph, _ in traced], weights=[page.pack(w) for _, w in traced], calls=calls)
    for told, wanted in zip(made, right, strict=True):
        assert set(told) == set(wanted)
        for key, array in wanted.items():
            assert (told[key]["dtype"], told[key]["shape"]) == (str(array.dtype), list(array.shape)), key
            numbers = np.array([float(n) for n in told[key]["numbers"]]).reshape(array.shape)
            np.testing.assert_allclose(numbers, array, atol=1e-5, rtol=1e-5, err_msg=key)


def test_operations_that_are_lacking_are_those_that_are_refused():
    assert {*in_node("operations"), "scan"} == NAMES - page.LACKING


# ---- tokenizers ---------------------------------------------------------------------------------------
WORDS = ("char", "ipa", "profile", "space", "word", "bpe(120)", "unigram(120)")


def _strings(count: int) -> list[str]:
    by = random.Random(5)
    letters = sorted({letter for text in TEXTS for letter in text})
    return ["".join(by.choices(letters, k=by.randint(1, 20))) for _ in range(count)]


def test_texts_are_cut_as_in_python(tmp_path):
    profile = tmp_path / "profile.tsv"
    profile.write_text("Grapheme\naf\nfé\nsch\nch\nt.\n(\nה\n", encoding="utf-8")
    learnt, texts = [*TEXTS[2:16], *_strings(20)], [*TEXTS, *_strings(300)]
    tokenizers, told = [], []
    for word in WORDS:
        kind = f"profile({profile})" if word == "profile" else word
        made = Tokenizer.train(kind, learnt, features=["V", "PST"])
        made.save(tmp_path / "one.json")
        tokenizers.append(Tokenizer.load(tmp_path / "one.json"))
        told.append(page.describe_tokenizer(tokenizers[-1], tmp_path / "one.json"))
    for word, tokenizer, found in zip(WORDS, tokenizers, in_node("tokenize", tokenizers=told, texts=texts), strict=True):
        for text, one in zip(texts, found, strict=True):
            ids = tokenizer.encode(text)
            symbols = tokenizer.symbols(text)
            right = {"ids": ids, "symbols": symbols, "text": tokenizer.decode(ids), "tokens": tokenizer.tokens(ids)}
            assert one == {**right, "unknown": tokenizer.unknown(text)}, (word, text)
