"""The page's scripts, run by node, say what Python's own say: graphs, tokenizers, search and paths of tags."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pytest
import torch

from regard.config import read_config
from regard.data.tokenizer import Tokenizer
from regard.decoding.search import Bounds, beam
from regard.export import page
from regard.export.functions import names_of
from regard.export.trace import trace
from regard.runtime.graph import from_json, to_json
from regard.runtime.player import NAMES, Player
from regard.tasks.seq2seq_builder import build_seq2seq
from regard.tasks.tag.tag_paths import best_path, path_log_p
from regard.tasks.transduce.demo_data import dates

from .in_node import TEXTS, in_node, needs_node
from .test_export_graphs import NETS, SIZES, Functions, _states

pytestmark = needs_node


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
    in_bytes = {
        name for name in NAMES if name.endswith("_bytes")
    }  # a page keeps weights in bytes, and multiplies the numbers they stand for
    assert {*in_node("operations"), "scan"} == NAMES - page.LACKING - in_bytes


# ---- tokenizers ---------------------------------------------------------------------------------------
WORDS = ("char", "ipa", "profile", "space", "word", "bpe(260)", "unigram(260)")


def _strings(count: int) -> list[str]:
    by = random.Random(5)
    letters = sorted({letter for text in TEXTS for letter in text})
    return ["".join(by.choices(letters, k=by.randint(1, 20))) for _ in range(count)]


def test_texts_are_cut_as_in_python(tmp_path):
    profile = tmp_path / "profile.tsv"
    profile.write_text("Grapheme\naf\nfé\nsch\nch\nt.\n(\nה\n", encoding="utf-8")
    written = [source for source, _ in dates(3, 200)[0]]
    learnt, texts = [*TEXTS[2:16], *_strings(20), *written[:120]], [*TEXTS, *_strings(300), *written[100:]]
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


# ---- search and tags ----------------------------------------------------------------------------------
@dataclass
class TableNetwork:
    """Log-probabilities that depend on all words so far: rows of a table."""

    table: np.ndarray

    def step(self, words: np.ndarray, state: list[list[int]]) -> tuple[np.ndarray, list[list[int]]]:
        left = [[*line, int(word)] for line, word in zip(state, words, strict=True)]
        return self.table[[reduce(lambda sum, word: sum * 7 + word, line, 3) % len(self.table) for line in left]], left

    def select(self, state: list[list[int]], rows: np.ndarray) -> list[list[int]]:
        return [state[i] for i in rows]

    reorder = select


def _search_case(by: np.random.Generator) -> dict[str, Any]:
    """A search; words 0 and 1 begin and end, word 2 is never written."""
    words, most = int(by.integers(4, 9)), int(by.integers(1, 8))
    table = by.normal(0, 2, (97, words)).astype(np.float32)
    table[:, 1] += by.normal(0, 3)
    table[by.random(table.shape) < 0.1] = -np.inf
    bounds = {"start": 0, "stop": 1, "never": [0, 2], "least": int(by.integers(0, 3)) if most > 2 else 0, "most": most}
    count = int(by.integers(1, 4))
    how = {"width": int(by.integers(count, 7)), "count": count, "lengthPenalty": float(by.choice([0.0, 0.6, 2.0]))}
    return {"table": table, "bounds": bounds, **how}


def test_searches_find_what_pythons_finds():
    by = np.random.default_rng(2)
    cases = [_search_case(by) for _ in range(400)]
    asked = [
        {**case, "table": [[str(float(n)).replace("inf", "Infinity") for n in row] for row in case["table"]]} for case in cases
    ]
    for case, made in zip(cases, in_node("search", cases=asked), strict=True):
        bounds = Bounds(0, 1, (0, 2), np.array([case["bounds"]["most"]]), case["bounds"]["least"])
        how = {"width": case["width"], "n_best": case["count"], "length_penalty": case["lengthPenalty"]}
        [right] = beam(TableNetwork(case["table"]), [[]], bounds=bounds, **how)
        assert [tuple(one["words"]) for one in made] == [found.words for found in right], case
        assert [one["score"] for one in made] == pytest.approx([found.score for found in right], abs=1e-9)


def test_tags_are_the_likeliest_of_a_chain():
    by, cases = np.random.default_rng(3), []
    for _ in range(50):
        places, tags = by.integers(1, 9), by.integers(2, 7)
        steps = np.where(by.random((tags + 1, tags + 1)) < 0.2, -1e4, by.normal(0, 2, (tags + 1, tags + 1)))
        cases.append((by.normal(0, 2, (places, tags)), steps))
    asked = [{"scores": scores.tolist(), "steps": steps.tolist()} for scores, steps in cases]
    for (scores, steps), made in zip(cases, in_node("tags", cases=asked), strict=True):
        valid = np.ones((1, len(scores)), bool)
        right = best_path(scores[None], steps, valid)
        assert made["tags"] == right[0].tolist()
        assert made["logP"] == pytest.approx(float(path_log_p(scores[None], steps, right, valid)[0]), abs=1e-6)
