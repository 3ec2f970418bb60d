"""What the live page asks, without a browser: the answers are those of `Model.predict`, and what is asked wrong is told."""

from __future__ import annotations

import base64
import re
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import regard
from regard.cli.main import run as command
from regard.view import page
from regard.view.page import payload

from . import small
from .serving import COMMAND, Served, running

NEEDED = "needs the extra `serve`: pip install '.[serve]' in the checkout"
for _module in ("starlette", "uvicorn", "prometheus_client"):
    pytest.importorskip(_module, reason=NEEDED)

LOOK, TEXT = "decoder.0.cross", "bada"


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("live")
    return small.transducer(folder / "phones"), small.classifier(folder / "kinds")


@pytest.fixture(scope="module")
def served(runs) -> Served:
    phones, kinds = runs
    words = [*COMMAND[:-1], "view", phones, "--live", "--with", kinds, "--port", "0", "decode.beam=2"]
    with running(*words, kind=LivePage) as found:
        yield found


class LivePage(Served):
    """A page that `regard view --live` serves: it tells its address in words for people."""

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.said.append(line)
            if found := re.match(r"http://127\.0\.0\.1:(\d+)/view", line):
                self.log.append({"event": "ready", "port": int(found[1])})


def ask(served: Served, **body: object):
    return served.ask("/v1/view", {"model": "phones", "text": TEXT, **body})


def unpacked(picture: dict, rank: int = 0) -> np.ndarray:
    layer = picture["sentences"][0]["best"][rank]["layers"][0]
    raw = np.frombuffer(zlib.decompress(base64.b64decode(picture["weights"][layer["weights"]])), np.uint8).astype(int)
    high, low = np.split(raw, 2)
    return (high * 256 + low) / page.UNIT


TOUCHES = [
    ({}, []),
    ({"erase": [f"{LOOK}:source=1,target=0"]}, [("Erase", {"source": 1, "target": 0})]),
    ({"pin": [f"{LOOK}:source=2"]}, [("Pin", {"source": 2})]),
    ({"erase": [f"{LOOK}:head=0"]}, [("Erase", {"head": 0})]),
    ({"erase": [f"{LOOK}:source=0"], "permute": [f"{LOOK}:seed=3"]}, [("Permute", {"seed": 3}), ("Erase", {"source": 0})]),
]


@pytest.mark.parametrize(("words", "done"), TOUCHES)
def test_a_picture_is_what_the_model_answers_touched_in_that_way(runs, served, words, done):
    model = regard.load(runs[0])
    interventions = [getattr(regard, name)(LOOK, **keys) for name, keys in done]
    (best,) = model.stream([TEXT], beam=2, n_best=2, interventions=interventions)
    status, told = ask(served, interventions=words)
    assert status == 200
    expected = payload([best])
    assert [one["text"] for one in told["pictures"][0]["sentences"][0]["best"]] == [p.text for p in best]
    assert [one["score"] for one in told["pictures"][0]["sentences"][0]["best"]] == [
        one["score"] for one in expected["sentences"][0]["best"]
    ]
    assert told["pictures"][0]["weights"] == expected["weights"]
    np.testing.assert_allclose(unpacked(told["pictures"][0]), best[0].attention[LOOK].ravel(), atol=1 / page.UNIT)


def test_predictions_are_touched_by_the_same_words(runs, served):
    words = {"erase": [f"{LOOK}:source=0-2"]}
    (prediction,) = regard.load(runs[0]).predict([TEXT], beam=2, interventions=[regard.Erase(LOOK, source=[0, 1, 2])])
    status, told = served.ask("/v1/predict", {"model": "phones", "texts": [TEXT], "interventions": words, "options": {"beam": 2}})
    assert status == 200 and told["predictions"][0][0]["score"] == prediction.score


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"interventions": {"erase": ["decoder.0.cros:source=1"]}}, 422, "Did you mean 'decoder.0.cross'?"),
        ({"interventions": {"erase": [f"{LOOK}:head=7"]}}, 422, "Erase: head: expected less than the 1 of decoder.0.cross"),
        ({"interventions": {"erase": [f"{LOOK}:sauce=1"]}}, 422, "Did you mean 'source'?"),
        ({"interventions": {"pin": [LOOK]}}, 422, "interventions.pin: decoder.0.cross: expected LOOK:source=PLACE"),
        ({"interventions": {"erase": [3]}}, 422, "interventions.erase: expected a list of texts; received 3."),
        ({"interventions": {"earse": []}}, 422, "Did you mean 'erase'?"),
        ({"interventions": {"erase": [LOOK] * 257}}, 422, "at most 256 (limit `touches`)"),
        ({"text": None}, 422, "a `text` or the number of an `example`; received neither"),
        ({"example": 0}, 422, "received both"),
        ({"text": None, "example": 99}, 422, "example: expected a number below"),
        ({"text": "a" * 4000}, 413, "at most 3,000 (limit `characters`)"),
        ({"text": "a" * 1_000_000}, 413, "at most 3,000 (limit `characters`)"),
        ({"text": "a" * 1_100_000}, 413, "limit `body`"),
        ({"model": "phone"}, 404, "Did you mean 'phones'?"),
    ],
)
def test_what_is_asked_wrong_is_told(served, body, status, said):
    found, told = ask(served, **body)
    assert (found, said in told["detail"]) == (status, True), told


def test_a_place_that_is_not_there_is_noted_and_the_answer_stays(served):
    own, touched = (ask(served, interventions=words)[1]["pictures"][0] for words in ({}, {"erase": [f"{LOOK}:source=99"]}))
    assert touched["weights"] == own["weights"]
    assert "no text has place 99 in sight" in " ".join(touched["sentences"][0]["notes"])


def test_another_site_and_another_name_are_refused(served):
    body = {"model": "phones", "text": TEXT}
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{served.port + 1}"):
        status, told = served.ask("/v1/view", body, Origin=origin)
        assert status == 403 and "Origin: expected" in told["detail"]
    assert served.ask("/v1/view", body, Host="evil.example")[0] == 421
    assert served.ask("/v1/view", body, Origin=f"http://127.0.0.1:{served.port}")[0] == 200


def test_a_hundred_at_once_are_each_answered(served):
    texts = small.words(20, 5) * 5
    with ThreadPoolExecutor(25) as pool:
        found = list(pool.map(lambda text: ask(served, text=text, interventions={"erase": [f"{LOOK}:source=0"]}), texts))
    assert [status for status, _ in found] == [200] * 100
    for text, (_, told) in zip(texts, found, strict=True):
        assert told["pictures"][0]["sentences"][0]["source"] == text
    assert [told["pictures"] for _, told in found[:20]] == [told["pictures"] for _, told in found[80:]]


def test_the_page_and_what_it_is_told(served):
    status, text, headers = served.ask_all("/view")
    assert status == 200 and headers["content-security-policy"] == "frame-ancestors 'none'"
    assert "connect-src 'self'" in text and not re.search(r"https?:|@import|\burl\(", text)
    phones, kinds = served.ask("/v1/models")[1]["models"]
    assert (phones["name"], phones["fields"], phones["beam"], phones["touchable"]) == ("phones", ["text"], 2, True)
    assert (kinds["name"], kinds["beam"]) == ("kinds", None) and len(phones["examples"]) > 3
    status, told = ask(served, text=None, example=1)
    assert status == 200 and told["pictures"][0]["sentences"][0]["source"] == phones["examples"][1][1][0]


def test_answers_in_the_text_are_told(served):
    told = served.ask("/v1/view", {"model": "kinds", "text": TEXT})[1]["pictures"][0]["sentences"][0]["best"][0]
    assert sum(share for _, share in told["answer"]["labels"]) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--port", "9"], "--port: expected --live beside it"),
        (["--open"], "--open: expected --live beside it"),
        (["--live", "--out", "page.html"], "--out: expected nothing, with --live"),
        (["--live", "a.tsv", "b.tsv"], "expected one FILE"),
    ],
)
def test_words_that_do_not_go_together_are_refused(runs, capsys, words, said):
    assert command(["view", str(runs[0]), *words]) == 2
    assert said in capsys.readouterr().err


def test_the_extra_is_named_where_it_is_missing(runs, capsys, monkeypatch):
    monkeypatch.setattr("regard.cli.serve.find_spec", lambda name: None)
    assert command(["view", str(runs[0]), "--live"]) == 2
    assert "regard view --live: expected Starlette" in (said := capsys.readouterr().err) and "pip install '.[serve]'" in said
