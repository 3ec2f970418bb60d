"""`regard serve` over a socket: the answers are those of the command, and what is asked wrong is told with its sentences."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

import regard
from regard.cli.main import run as command
from regard.serve.models import BatchKey, ServedModel
from regard.tasks.answer_json import of_hypothesis, of_scored, of_source

from . import small
from .serving import Served, post, serving
from .test_score import slots

NEEDED = "needs the extra `serve`: pip install '.[serve]' in the checkout"
pytest.importorskip("starlette", reason=NEEDED)
pytest.importorskip("uvicorn", reason=NEEDED)
pytest.importorskip("prometheus_client", reason=NEEDED)


@contextmanager
def handlers_given_back() -> Iterator[None]:
    """A server that begins in this process sets handlers: they are given back."""
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


TEXTS = [*small.words(8, 3), "", "Ω≈ç√", "bada gu mi", "x"]
WAYS = [{}, {"beam": 1}, {"beam": 3, "n_best": 3}, {"sample": True, "seed": 5, "n_best": 2}, {"max_extra": 2, "max_ratio": 0.5}]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("served")
    made = {"phones": small.transducer, "forms": small.inflector, "kinds": small.classifier}
    return {name: make(folder / name) for name, make in made.items()}


@pytest.fixture(scope="module")
def served(runs) -> Served:
    with serving(*(f"{name}={run}" for name, run in runs.items()), "--log-texts") as found:
        yield found


def expected(model: regard.Model, text: object, way: dict) -> list[dict]:
    named = {name: value for name, value in way.items() if name in ("beam", "n_best", "sample", "seed")}
    decode = {name: value for name, value in way.items() if name not in named}
    (best,) = model.stream([text], attention=False, decode=decode or None, **named)
    return json.loads(json.dumps([{**of_hypothesis(p), **of_source(p)} for p in best]))


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_answers_are_those_of_the_text_alone_bit_for_bit(runs, served, precision):
    """Whoever else asks, whatever they ask, in whatever batch: not a bit differs from the model asked alone from Python."""
    model = regard.load(runs["phones"], precision=precision, batch_invariant=True)
    asked = [(text, way) for way in WAYS for text in TEXTS]
    with (
        serving(f"phones={runs['phones']}", "--limits", "wait=20", "--precision", precision, "-q") as one,
        ThreadPoolExecutor(24) as pool,
    ):
        found = list(pool.map(lambda a: one.ask("/v1/predict", {"texts": [a[0]], "options": a[1]}), asked))
        together = {str(way): one.ask("/v1/predict", {"texts": TEXTS, "options": way}) for way in WAYS}
        rows = one.ask("/metrics")[1]
    batches = float(next(line for line in rows.splitlines() if line.startswith("regard_batch_texts_count")).split()[1])
    assert batches < len(asked)  # or nothing was shared, and nothing shown
    for (text, way), (status, told) in zip(asked, found, strict=True):
        assert status == 200 and told["predictions"] == [expected(model, text, way)]
    for way in WAYS:
        assert together[str(way)][1]["predictions"] == [expected(model, text, way) for text in TEXTS]


def test_the_command_says_the_same(runs, served, tmp_path, capsys):
    (tmp_path / "new.txt").write_text("".join(f"{text}\n" for text in TEXTS), "utf-8")
    assert command(["predict", str(runs["phones"]), str(tmp_path / "new.txt"), "--format", "jsonl"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = served.ask("/v1/predict", {"texts": TEXTS, "model": "phones"})[1]["predictions"]
    for row, (best, *_) in zip(rows, told, strict=True):
        shared = {name: row[name] for name in ("source", "features", "unknown", "source_tokens")} | row["predictions"][0]
        score = shared.pop("score")
        assert {name: value for name, value in best.items() if name != "score"} == shared
        assert best["score"] == pytest.approx(score, abs=1e-5)


def test_what_a_batch_would_show_in_is_computed_one_by_one(tmp_path):
    """Tags by themselves: the sums over a sentence depend on the longest of the batch."""
    run, texts = slots(tmp_path), [" ".join(small.words(12, n)[: n % 7 + 1]) for n in range(40)]
    key = BatchKey(ServedModel("slots", run, "", regard.load(run, batch_invariant=True)), "predict")
    assert key.answer(texts) == [key.answer([text])[0] for text in texts]


def test_attention_is_that_of_the_model(runs, served):
    model = regard.load(runs["phones"], batch_invariant=True)
    body = {"texts": ["bada", "gumi"], "model": "phones", "attention": True}
    told = served.ask("/v1/predict", body)[1]["predictions"]
    for text, (best,) in zip(body["texts"], told, strict=True):
        (p,) = model.predict([text])
        assert best["attention"] == {name: weights.tolist() for name, weights in p.attention.items()} != {}


def test_scores_are_those_of_the_model(runs, served):
    pairs = [["bada", "b a d a"], ["gu", "g ʔ u"], ["mi", "m i"]]
    alone = [regard.load(runs["phones"], batch_invariant=True).score([tuple(pair)])[0] for pair in pairs]
    told = served.ask("/v1/score", {"pairs": pairs, "model": "phones"})[1]
    assert told["scores"] == [json.loads(json.dumps(of_scored(each))) for each in alone]
    assert told["model"]["name"] == "phones"


def test_items_have_the_forms_of_python(runs, served):
    forms = ["bada\tV;PST", {"source": "bada", "features": "V;PST"}, ["bada", ["V", "PST"]]]
    told = served.ask("/v1/predict", {"texts": forms, "model": "forms"})[1]["predictions"]
    assert told[0] == told[1] == told[2] and told[0][0]["features"] == ["V", "PST"]
    status, kinds = served.ask("/v1/predict", {"texts": ["bada it"], "model": "kinds", "options": {"n_best": 2}})
    assert status == 200 and {each["text"] for each in kinds["predictions"][0]} == {"long", "short"}


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "the body: expected one JSON object"),
        (b"{", 400, "the body: expected one JSON object"),
        (b"\xff{}", 400, "the body: expected UTF-8; received a byte at 0"),
        (b'{"texts": ["a"], "options": {"beam": NaN}}', 400, "NaN, which is no number"),
        (b'{"texts": ["\\ud800"]}', 400, "half a character"),
        (b'{"texts": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400, "nested"),
        (b'{"texts": ["a"], "options": {"seed": ' + b"9" * 5000 + b"}}", 400, "the body: expected one JSON object"),
        (
            [],
            422,
            "the body: expected an object; received a list. Send one with texts, model, options, attention, interventions.",
        ),
        ({}, 422, "the body: expected a field `texts`; received none."),
        ({"text": ["a"]}, 422, "Did you mean 'texts'?"),
        ({"texts": "a"}, 422, "the body, texts: expected a list; received a text."),
        ({"texts": []}, 422, "texts: expected at least one; received none."),
        ({"texts": [1]}, 422, "texts[0]: expected a text, a list of texts, or an object of them; received 1."),
        ({"texts": ["a", None]}, 422, "texts[1]: expected a text"),
        ({"texts": ["a"], "attention": 1}, 422, "the body, attention: expected true or false; received 1."),
        ({"texts": ["a"], "options": {"bean": 2}}, 422, "Did you mean 'beam'?"),
        ({"texts": ["a"], "options": {"beam": "2"}}, 422, "options, beam: expected a whole number; received a text."),
        ({"texts": ["a"], "options": {"beam": True}}, 422, "options, beam: expected a whole number; received true."),
        ({"texts": ["a"], "options": {"beam": 0}}, 422, "decode.beam"),
        ({"texts": ["a"], "options": {"beam": 2, "n_best": 3}}, 422, "decode.n_best"),
        ({"texts": ["a"], "options": {"temperature": -1}}, 422, "decode.temperature"),
        ({"texts": ["a"], "model": "phone"}, 404, "Did you mean 'phones'?"),
        ({"texts": ["a"], "model": None}, 422, "model: expected one of phones, forms, kinds; received none."),
        ({"texts": ["a"], "model": "kinds", "options": {"beam": 2}}, 422, "beam: expected a run whose task has it; classify"),
        ({"texts": [{"sauce": "a"}]}, 422, "Did you mean 'source'?"),
    ],
)
def test_what_is_asked_wrong_is_told(served, body, status, said):
    if isinstance(body, dict) and body.get("texts") and "model" not in body:
        body = {**body, "model": "phones"}
    found, told, headers = served.ask_all("/v1/predict", body)
    assert (found, headers["content-type"]) == (status, "application/problem+json") and said in told["detail"]
    assert told["status"] == status and told["title"] and str(Path.cwd()) not in told["detail"]
    assert served.ask("/v1/predict", {"texts": ["bada"], "model": "phones"})[0] == 200


def test_no_path_of_the_server_is_told(runs, served):
    told = served.ask("/v1/predict", {"texts": ["a"], "model": "kinds", "options": {"beam": 2}})[1]
    assert str(runs["kinds"]) not in told["detail"] and "received kinds." in told["detail"]


def test_routes_methods_and_kinds_of_content(served):
    assert served.ask("/v1/predit", {})[0] == 404 and "Did you mean '/v1/predict'?" in served.ask("/v1/predit", {})[1]["detail"]
    status, told, headers = served.ask_all("/v1/predict")
    assert status == 405 and headers["allow"] == "POST" and "expected the method POST; received GET" in told["detail"]
    for kind in ("text/plain", "", "application/json; charset=latin-1"):
        status, told = served.ask("/v1/predict", b"{}", Content_Type=kind)
        assert status == 415 and told["detail"].startswith("Content-Type: expected application/json")
    assert served.ask("/v1/predict", b"{}", Content_Encoding="gzip")[0] == 415
    body = {"texts": ["bada"], "model": "phones"}
    assert served.ask("/v1/predict", body, Content_Type="application/json; charset=utf-8")[0] == 200


def test_who_calls_it_by_another_name_is_refused(served):
    """DNS rebinding: a page of another site may lead its name here."""
    for host in ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", ""):
        assert served.ask("/healthz", Host=host)[0] == 421
    for host in ("localhost", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"):
        assert served.ask("/healthz", Host=host)[0] == 200


def test_it_tells_of_itself(served):
    assert served.ask("/healthz")[1] == {"status": "alive"}
    ready = served.ask("/readyz")[1]
    assert [each["task"] for each in ready["models"]] == ["transduce", "transduce", "classify"]
    page = served.ask("/")[1]
    assert "/v1/predict" in page and "http://" not in page.replace("http://127.0.0.1:8000", "") and "<script" not in page
    described = served.ask("/openapi.json")[1]
    assert described["openapi"].startswith("3.1") and "phones" in described["info"]["description"]
    rows = served.ask("/metrics")[1]
    assert 'regard_requests_total{path="/healthz",status="200"}' in rows and "regard_queue_texts 0.0" in rows


def test_the_log_has_texts_only_where_it_was_asked_for(runs, served):
    served.ask("/v1/predict", {"texts": ["a text of this test"], "model": "phones"})
    row = served.wait_for("request", items=["a text of this test"])
    assert row["status"] == 200 and row["model"] == "phones" and row["ms"] > 0
    with serving(runs["phones"]) as other:
        other.ask("/v1/predict", {"texts": ["dadadada"]})
        other.wait_for("request")
        assert other.events("request")[0]["texts"] == 1 and "dadadada" not in "".join(other.said)


def test_broken_http_harms_nobody(served):
    for said in (b"GET\r\n\r\n", b"\x00\x01\x02\r\n\r\n", b"POST /v1/predict HTTP/1.1\r\nContent-Length: -5\r\n\r\n"):
        with served.connect() as client:
            client.sendall(said)
            answer = client.recv(9999)
            assert answer.startswith(b"HTTP/1.1 400") and b"application/problem+json" in answer
    with served.connect() as client:
        client.sendall(post("/v1/predict", b'{"texts": ["bada"], "model": "phones"}')[:-10])
    assert served.ask("/v1/predict", {"texts": ["bada"], "model": "phones"})[0] == 200


def test_answers_do_not_change_from_call_to_call(served):
    body = post("/v1/predict", b'{"texts": ["bada", "gu"], "model": "phones"}', "Connection: close")
    found = set()
    for _ in range(3):
        with served.connect() as client:
            client.sendall(body)
            found.add(b"".join(iter(lambda: client.recv(9999), b"")))
    assert len(found) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0"], "--host: expected one of 127.0.0.1, localhost, ::1 where there is no --token; received 0.0.0.0."),
        (["--token", "none.txt"], "expected a file that holds a token; received No such file or directory."),
        (["--token", "short.txt"], "expected one line of at least 16 ASCII characters without blanks; received 5 characters."),
        (["--limits", "batch=x"], "--limits batch: expected a whole number"),
        (["--port", "0", "--workers", "2"], "expected a run folder with config.yaml; received nothing of that name."),
        (["--port", "0"], "expected a run folder with config.yaml; received nothing of that name."),
    ],
)
def test_what_cannot_be_served_is_told_before_anything_is(tmp_path, monkeypatch, words, said, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short.txt").write_text("short\n", "utf-8")
    with handlers_given_back():
        assert command(["serve", "nothing", *words]) == 2
    assert said in capfd.readouterr().err


def test_what_names_files_is_not_served(tmp_path, capsys):
    file = tmp_path / "x.csv"
    file.write_text("a\n" + "".join(f"{n % 7}\n" for n in range(60)), "utf-8")
    config = {"task": "forecast", "forecast": {"past": 8, "ahead": 2}, "data": {"train": [str(file)]}}
    run = small.made(tmp_path / "f", "none", [], config)
    with handlers_given_back():
        assert command(["serve", str(run), "--port", "0"]) == 2
    assert "expected a run whose items are texts; received one of task forecast" in capsys.readouterr().err


def test_another_version_of_a_run_takes_over(runs, tmp_path):
    """A folder that is replaced as a whole, as docs/serve.md says; one that holds no run leaves the model as it was."""
    link, other = tmp_path / "run", small.transducer(tmp_path / "other", train={"seed": 5})
    link.symlink_to(runs["phones"])
    with serving(f"phones={link}") as one:
        before = one.ask("/v1/predict", {"texts": ["bada"]})[1]
        for target, event in ((tmp_path, "reload-refused"), (other, "reloaded")):
            (tmp_path / "next").symlink_to(target)
            (tmp_path / "next").replace(link)
            one.process.send_signal(signal.SIGHUP)
            one.wait_for(event)
            told = one.ask("/v1/predict", {"texts": ["bada"]})[1]
            assert (told == before) == (event == "reload-refused")
        assert told["predictions"] == [expected(regard.load(other, batch_invariant=True), "bada", {})]
        assert told["model"]["version"] != before["model"]["version"]
