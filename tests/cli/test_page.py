"""The page: it holds the arrays, asks no network, and nothing in the data can break out of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from dataclasses import replace

import numpy as np
import pytest

from regard.core.errors import RegardError, UsageError
from regard.tasks.base import TaskPrediction
from regard.view import page

# ---- page ---------------------------------------------------------------------------------------------


def embedded(text: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def unpacked(data: dict, layer: dict, prediction: dict) -> np.ndarray:
    """The weights as the page's script reads them, written a second time."""
    raw = zlib.decompress(base64.b64decode(data["weights"][layer["weights"]]))
    high, low = np.frombuffer(raw, np.uint8).reshape(2, -1).astype(int)
    sides = [len(prediction["axes"][layer[side]]["tokens"]) for side in ("down", "across")]
    return ((high * 256 + low) / data["unit"]).reshape(layer["heads"], *sides)


def test_page_holds_the_arrays(told):
    best = [told([*list("abcde"), "</s>"], ["▁x", "y", "▁z", "</s>"], heads=3, layers=2, self_=True, seed=n) for n in range(2)]
    data = embedded(page.html([best, [told(["a", "</s>"], ["b", "</s>"])]], title="two"))
    assert [len(sentence["best"]) for sentence in data["sentences"]] == [2, 1]
    for given, kept in zip(best, data["sentences"][0]["best"], strict=True):
        assert (kept["text"], kept["score"], kept["layer"]) == (given.text, given.score, "decoder.1.cross")
        assert [layer["name"] for layer in kept["layers"]] == list(given.attention)
        for layer in kept["layers"]:
            np.testing.assert_allclose(unpacked(data, layer, kept), given.attention[layer["name"]], atol=0.5 / page.UNIT + 1e-7)
        assert kept["axes"]["target"]["words"] == [["xy", "xy"], ["z", "z"], ["⏎", "end of sentence"]]
        assert kept["axes"]["target"]["of"] == [0, 0, 1, 2] and kept["axes"]["target"]["ends"] == [3]
        assert kept["axes"]["target"]["spaced"] and not kept["axes"]["source"]["spaced"]
        assert kept["axes"]["read"]["tokens"][0] == ["↦", "start of sentence"] and kept["axes"]["read"]["ends"] == [0]


def test_page_keeps_equal_weights_once(told):
    one = told(["a", "</s>"], ["b", "</s>"])
    assert len(embedded(page.html([[one, one], [one]], title="t"))["weights"]) == 1


def test_page_cannot_be_broken_out_of(told):
    evil = "</script><script>alert(1)</script><!--"
    prediction = told(
        [evil, "{{script}}", "</s>"], [evil, "&amp;", "</s>"], source=evil, text=evil, unknown=(evil,), features=(evil,)
    )
    text = page.html([[prediction]], title=evil)
    assert text.count("<script") == 2 and text.count("</script>") == 2 and "<!--" not in text
    assert embedded(text)["sentences"][0]["source"] == evil
    assert embedded(text)["sentences"][0]["best"][0]["axes"]["source"]["tokens"][1][0] == "{{script}}"
    assert "&lt;script&gt;alert(1)" in text  # the title


def test_page_asks_no_network_and_runs_only_its_own_script(told):
    text = page.html([[told(["a", "</s>"], ["b", "</s>"])]], title="t")
    assert not re.search(r"https?:|//[a-z]|@import|\burl\(|\bsrc=|<link|<iframe", text)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    for part in ("style", "script"):
        inside = re.search(rf"<{part}>(.*?)</{part}>", text, re.DOTALL)[1]
        assert f"'sha256-{base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()}'" in policy
    assert "style=" not in text  # a policy by hash forbids inline styles


def test_page_keeps_a_line_without_a_prediction(told):
    empty = TaskPrediction("", 0.0)
    data = embedded(page.html([[empty], [told(["a", "</s>"], ["b", "</s>"])]], title="t"))
    assert data["sentences"][0]["best"][0]["layers"] == [] and data["sentences"][0]["best"][0]["layer"] is None
    with pytest.raises(UsageError, match="an empty input"):
        page.html([[empty]], title="t")
    with pytest.raises(UsageError, match="an empty input"):
        page.html([], title="t")


def test_page_says_which_text_runs_from_right_to_left(told):
    data = embedded(page.html([[told(["ك", "</s>"], ["k", "</s>"])], [told(["a", "</s>"], ["b", "</s>"])]], title="t"))
    assert [(s["rtl"], s["best"][0]["rtl"]) for s in data["sentences"]] == [(True, False), (False, False)]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -0.1, 7.0])
def test_page_refuses_what_no_attention_is(bad, fixed):
    prediction = fixed([[bad, 0.5]], ["a", "</s>"], ["b"])
    with pytest.raises(RegardError, match=r"attention of decoder\.0\.cross: expected finite weights"):
        page.html([[prediction]], title="t")


def test_page_stays_small(told):
    tokens = [f"▁w{n}" for n in range(59)] + ["</s>"]
    text = page.html([[told(tokens, tokens, seed=n)] for n in range(20)], title="t")
    assert len(text.encode()) < 20 * 10_000 + 90_000  # 7.2 kB a picture of 60 x 60 if each value took two bytes


# ---- answers seen in the text -------------------------------------------------------------------------


def answer_of(prediction: TaskPrediction) -> dict | None:
    return page.payload([[prediction]])["sentences"][0]["best"][0]["answer"]


def test_answers_are_seen_in_the_text(told):
    plain = told(["a", "b"], ["O", "B-x"])
    assert answer_of(plain) is None
    assert answer_of(replace(plain, details={"spans": [["x", 1, 2]], "label": "go"})) == {
        "tokens": ["a", "b"],
        "spans": [["x", 1, 2]],
        "label": "go",
    }
    shares = {f"kind {n}": 1 / 2 ** (n + 1) for n in range(9)}
    assert answer_of(replace(plain, details={"probabilities": shares}))["labels"][:2] == [["kind 0", 0.5], ["kind 1", 0.25]]
    read = replace(plain, details={"id": "q", "start": 3, "end": 5}, read={"texts": ["a passage", "a question"]})
    assert answer_of(read) == {"texts": ["a passage", "a question"], "start": 3, "end": 5}


def test_a_series_has_past_forecast_and_what_came(told):
    details = {"times": ["3", "4"], "columns": ["level"], "values": [[3.0], [4.0]]}
    read = {"times": ["1", "2"], "past": [[1.0], [2.0]], "truth": [[3.5], [3.9]], "places": [[0, 1], [1, 2]]}
    series = answer_of(replace(told(["1", "2"], ["3", "4"]), details=details, read=read))["series"]
    assert series["times"] == ["1", "2", "3", "4"] and series["forecast"] == details["values"]
    assert [series[name] for name in ("past", "truth", "places", "columns")] == [
        *(read[n] for n in ("past", "truth", "places")),
        ["level"],
    ]
