"""`regard faithfulness`: figures that can be checked otherwise, every form of output, and what is refused."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import regard
from regard.cli.main import run
from regard.inference.input_gradients import gradient_times_input
from regard.metrics.correlation import kendall
from regard.metrics.resampling import mean_interval
from regard.tasks.faithfulness import find_looks, measure
from regard.tasks.load_run import load_run
from regard.view.faithfulness_page import BARS, html
from tests.laws.test_export import trained

from .trained import RECURRENT, TRANSFORMER, train_dates

CROSS = "decoder.0.cross"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_dates(tmp_path_factory.mktemp("recurrent"), dict(RECURRENT), epochs=3, pairs=600)


@pytest.fixture(scope="module")
def texts(folder: Path) -> Path:
    lines = (folder.parent / "valid.tsv").read_text("utf-8").splitlines()[:40]
    path = folder.parent / "texts.txt"
    path.write_text("".join(line.split("\t")[0] + "\n" for line in lines), "utf-8")
    return path


def test_a_drop_is_what_the_answers_lose_when_that_very_place_is_erased(folder, texts):
    """By `Erase` of each row's own place, text by text, through the public interface."""
    model, lines = regard.load(folder), texts.read_text("utf-8").splitlines()[:5]
    (found,) = measure(load_run(folder), lines, {CROSS: 1}, say=str)
    losses = []
    for own in model.predict(lines, beam=1):
        taken = own.attention[CROSS].mean(0).argmax(1).tolist()
        ones = [regard.Erase(CROSS, target=row, source=place) for row, place in enumerate(taken)]
        plain, touched = (intervened.score([(own.source, own.text)])[0] for intervened in (model, Touched(model, ones)))
        losses.append((plain.score - touched.score) / len(own.tokens))
    assert math.isclose(found.drops["most"].mean, float(np.mean(losses)), abs_tol=1e-5)
    assert found.drops["most"].low <= found.drops["most"].mean <= found.drops["most"].high
    everything = regard.load(folder).predict(lines, beam=1, interventions=[regard.Uniform(CROSS)])
    own = model.predict(lines, beam=1)
    assert found.changed["uniform"] == np.mean([a.text != b.text for a, b in zip(own, everything, strict=True)])


class Touched:
    """A model with interventions, to be asked for scores."""

    def __init__(self, model: regard.Model, ones: list) -> None:
        from regard.tasks.interventions import intervene

        self.model = intervene(model._model, ones)

    def score(self, pairs):
        return list(self.model.scores(iter(pairs)))


def test_every_form_of_output(folder, texts, capsys, tmp_path):
    page, table = tmp_path / "page.html", tmp_path / "table.tsv"
    assert run(["faithfulness", str(folder), str(texts), "--items", "12", "--out", str(page)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{CROSS}, all heads: ") and "12 items are few" in said.err
    shown = page.read_text("utf-8")
    assert shown.count("<svg") == 2 and str(folder.parent) not in shown and "script" not in shown.split("<style>")[1]
    assert run(["faithfulness", str(folder), str(texts), "--items", "12", "--json", "--out", str(table), "-q"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (
        told["items"] == 12 and told["drops"]["most"]["mean"] > told["drops"]["least"]["mean"] and -1 <= told["tau"]["mean"] <= 1
    )
    lines = [line.split("\t") for line in table.read_text("utf-8").splitlines()]
    assert lines[0] == ["look", "head", "items", "measure", "mean", "low", "high", "changed"]
    found = {line[3]: float(line[4]) for line in lines[1:]}
    assert found["most"] == pytest.approx(told["drops"]["most"]["mean"], abs=1e-6) and found["tau"] == pytest.approx(
        told["tau"]["mean"], abs=1e-6
    )
    shares = [found[f"without {share}"] for share in ("1%", "10%", "50%")]
    assert shares == sorted(shares) and found["only 50%"] < found["without 50%"]


def test_the_page_draws_what_was_found(folder, texts):
    """Bars as long as losses, a whisker through each end, curves that rise with what is lost."""
    (found,) = measure(load_run(folder), texts.read_text("utf-8").splitlines()[:12], {CROSS: 1}, say=str)
    shown = html([found], title="<a>")
    assert "<title>&lt;a&gt;" in shown and "script" not in shown.split("<style>")[1]
    widths = [float(width) for width in re.findall(r'<rect class="bar" [^>]*width="([\d.]+)"', shown)]
    losses = [abs(found.drops[name].mean) for name in BARS]
    np.testing.assert_allclose(np.array(widths) / max(widths), np.array(losses) / max(losses), atol=0.01)
    points = dict(re.findall(r'<polyline class="(\w+)" points="([^"]+)"', shown))
    heights = {word: [float(point.split(",")[1]) for point in line.split()] for word, line in points.items()}
    for word, line in heights.items():  # a page counts from above
        lost = [found.drops[name].mean for name in found.drops if name.startswith(f"{word} ")]
        assert np.argsort(line).tolist() == np.argsort(np.negative(lost), kind="stable").tolist() or len(set(line)) < len(line)
    assert min(heights["without"]) < min(heights["only"])


@pytest.mark.parametrize("name, look", [("tag", "pool"), ("classify-structured-letters", "pool")])
def test_tags_and_labels_are_judged_too(name, look, tmp_path):
    folder, items = trained(name, tmp_path)
    model = load_run(folder)
    looks = find_looks(model, None)
    assert look in looks
    answers = model.predict(items)
    given = [model.with_answer(item, p) for item, p in zip(items, answers, strict=True) if p.tokens]
    scores = [scored.score for scored in model.scores(iter(given))]
    np.testing.assert_allclose(scores, [p.score for p in answers if p.tokens], atol=1e-5)  # it is the answer that is scored
    found = {one.look: one for one in measure(model, items, {look: looks[look]}, say=str)}[look]
    assert found.items == len(given) and set(found.changed) == {"most", "random", "uniform", "permuted"}
    slopes = model.attribute(given[:2])
    assert (slopes is None) == (name == "tag")
    if slopes is not None:
        for label in model.labels.names:
            assert model.right(model.with_answer(items[0], replace(answers[0], text=label))) == label
        assert [rows.shape for rows in slopes] == [(1, len(p.source_tokens)) for p in [p for p in answers if p.tokens][:2]]
        assert all(rows.sum() > 0 for rows in slopes)


def test_heads_are_judged_one_by_one(tmp_path):
    model = load_run(train_dates(tmp_path, dict(TRANSFORMER), epochs=1, pairs=200))
    looks = find_looks(model, None)
    assert looks == {"encoder.0.self": 2, "decoder.0.self": 2, CROSS: 2}
    found = list(measure(model, ["March 5, 1999", "5 March 1999"], {CROSS: 2, "decoder.0.self": 2}, say=str))
    assert [(one.look, one.head) for one in found] == [
        (look, head) for look in (CROSS, "decoder.0.self") for head in (None, 0, 1)
    ]
    assert [one.tau is None for one in found] == [False] * 3 + [True] * 3


@pytest.mark.parametrize(
    "words, code, said",
    [
        (["--look", "decoder.0.corss"], 2, "Did you mean 'decoder.0.cross'"),
        (["--out", "page.pdf"], 2, ".html"),
        (["--items", "0"], 2, "--items"),
    ],
)
def test_what_is_refused(words, code, said, folder, texts, capsys):
    assert run(["faithfulness", str(folder), str(texts), *words]) == code
    assert said in capsys.readouterr().err


def test_a_task_without_such_scores_is_named(folder, texts, capsys, monkeypatch):
    monkeypatch.delattr("regard.tasks.transduce.predictor.Transducer.with_answer")
    assert run(["faithfulness", str(folder), str(texts), "--items", "2"]) == 2
    assert "scores of its own answers: expected a run of task transduce, tag or classify" in capsys.readouterr().err


def test_texts_without_an_answer_are_left_out_and_said(folder, tmp_path, capsys):
    path = tmp_path / "texts.txt"
    path.write_text("\n5 March 1999\n\n", "utf-8")
    assert run(["faithfulness", str(folder), str(path)]) == 0
    assert "2 of 3 items have no answer" in capsys.readouterr().err
    path.write_text("\n\n", "utf-8")
    assert run(["faithfulness", str(folder), str(path)]) == 2
    assert "expected items that the model answers" in capsys.readouterr().err


def test_kendalls_tau_is_that_of_its_definition():
    random = np.random.default_rng(3)
    for _ in range(20):
        a, b = random.integers(0, 4, (2, 7)).astype(float)
        agree = sum(np.sign(a[i] - a[j]) * np.sign(b[i] - b[j]) for i in range(7) for j in range(i))
        untied = [sum(x[i] != x[j] for i in range(7) for j in range(i)) for x in (a, b)]
        assert math.isclose(kendall(a, b), agree / math.sqrt(untied[0] * untied[1]) if all(untied) else 0.0, abs_tol=1e-12)
    assert kendall([1, 2, 3], [2, 4, 9]) == 1 and kendall([1, 2], [2, 1]) == -1 and kendall([1, 1], [1, 2]) == 0


def test_gradient_times_input_is_what_a_linear_net_adds_up():
    """Of a sum of w_k x_k it is |w_k x_k| itself."""
    table = nn.Embedding(5, 3)
    words, weights = torch.tensor([[1, 2, 4]]), torch.randn(2, 3, 3)
    found = gradient_times_input(table, lambda: torch.einsum("bkd,tkd->bt", table(words), weights))
    want = torch.einsum("bkd,tkd->btk", table(words), weights).abs()
    np.testing.assert_allclose(found, want.detach().numpy(), rtol=1e-5)
    assert not table._forward_hooks


def test_intervals_hold_the_mean_as_often_as_they_say():
    random = np.random.default_rng(5)
    held = [low <= 0.0 <= high for _, low, high in (mean_interval(random.normal(size=60), draws=300, seed=i) for i in range(200))]
    assert 0.92 <= np.mean(held) <= 0.98
