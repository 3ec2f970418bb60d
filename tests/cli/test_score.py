"""`regard score`: how likely given targets are agrees with what predict and evaluate say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import regard
from regard.cli.main import run as command

from . import small


def pairs(folder: Path) -> Path:
    rows = [f"{a}\t{b}\t{'alike' if a[0] == b[0] else 'not'}" for a in small.words(8) for b in small.words(8, 3)]
    return small.made(folder, "pairs.tsv", rows, {"task": "pair"})


def slots(folder: Path) -> Path:
    """Tags by themselves, and a label."""
    lines = small.words()
    for name, text in (("a", "{0} to"), ("b", "B-x O"), ("c", "{1}")):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("".join(text.format(w, "long" if len(w) > 4 else "short") + "\n" for w in lines), "utf-8")
    files = [str(folder / name) for name in "abc"]
    return small.made(folder, "none", [], {"task": "tag", "data": {"train": files}, "tag": {"head": "softmax"}})


MADE: dict[str, tuple[Callable[[Path], Path], list[Any], list[str]]] = {  # a run, items to predict from, lines with targets
    "transduce": (small.transducer, ["bada", "gu"], ["bada\tb a d a", "gu\tg ʔ u"]),
    "features": (
        small.inflector,
        [("bada", "V;PST"), ("gu", "V;PRS")],
        ["lemma\tform\twhat", "bada\tbadad\tV;PST", "gu\tgus\tV;PRS"],
    ),
    "tag": (small.tagger, ["bada to", "gu"], ["bada B-x", "to O", "", "gu B-y"]),
    "classify": (small.classifier, ["bada it", "gu"], ["text\tlabel", "bada it\tlong", "gu\tshort"]),
    "pair": (pairs, [("bada", "gu"), ("gu", "gu")], ["bada\tgu\tnot", "gu\tgu\talike"]),
    "language": (small.writer, [], ["bada and gu", "gu and bada and some more than a window", "gu", "mi and", "do"]),
}


@pytest.fixture(scope="module", params=MADE)
def made(request, tmp_path_factory) -> tuple[str, Path, Path]:
    make, _, lines = MADE[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    run = make(folder / "made")
    file = folder / {"tag": "x.conll", "language": "x.txt"}.get(request.param, "x.tsv")
    file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return request.param, run, file


def rows(capsys, *args: object) -> list[dict[str, Any]]:
    assert command([str(arg) for arg in args]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_scores_of_a_file_make_its_loss(made, capsys):
    kind, run, file = made
    found = rows(capsys, "score", run, file)
    loss = regard.load(run).evaluate(str(file))["metrics"]["loss"]
    counts = [len(row["tokens"]) for row in found]
    assert -sum(row["score"] for row in found) / sum(counts) == pytest.approx(loss, rel=1e-5)
    for row in found:
        each = row["log_probabilities"]
        assert len(each) in (0, len(row["tokens"])) and (not each or sum(each) == pytest.approx(row["score"], rel=1e-6))
    first = {"features": 2, "classify": 2}.get(kind, 1)
    assert [row["line"] for row in found] == ([1, 4] if kind == "tag" else list(range(first, first + len(found))))
    assert found[1]["unknown"] == {"transduce": ["ʔ"], "language": list("srthw")}.get(kind, [])


def test_what_was_predicted_has_its_score(made):
    kind, run, _ = made
    model = regard.load(run)
    for item in MADE[kind][1]:
        answers = model.predict([item], n_best=None if kind == "tag" else 2, attention=False)
        for p in [answers[0]] if kind == "tag" else answers[0]:
            target = {
                "features": {"source": p.source, "features": p.features, "target": p.text},
                "tag": (p.source_tokens, p.tokens),
                "pair": (*item, p.text),
            }.get(kind, (item, p.text))
            (scored,) = model.score([target])
            assert scored.score == pytest.approx(p.score, abs=1e-5) and scored.target == p.text


def test_tags_by_themselves_and_a_label_have_their_own(tmp_path):
    model = regard.load(slots(tmp_path / "slots"))
    (p,) = model.predict(["bada to"])
    (scored,) = model.score([(p.source_tokens, p.tokens, p.details["label"])])
    assert scored.tokens == (*p.tokens, p.details["label"]) and len(scored.log_probabilities) == 3
    assert sum(scored.log_probabilities) == pytest.approx(scored.score) == pytest.approx(p.score)
    (unseen,) = model.score([(["bada"], ["B-z"])])
    assert unseen.score is None and unseen.unknown == ("B-z",)


def test_what_follows_is_scored_alone(tmp_path):
    model = regard.load(small.writer(tmp_path / "made"))
    whole, after = model.score(["bada and gu", ("bada", " and gu")])
    assert whole.tokens[4:] == after.tokens and whole.log_probabilities[4:] == pytest.approx(after.log_probabilities)
    found = [p for p in model.predict(["bada"], n_best=5)[0] if p.details["ended"]]
    for p, scored in zip(found, model.score([("bada", p.text) for p in found]), strict=True):
        assert scored.score == pytest.approx(p.score, abs=1e-5)


def test_one_line_and_several_runs(tmp_path, capsys):
    runs = [small.transducer(tmp_path / str(seed), train={"seed": seed}) for seed in (1, 2)]
    (row,) = rows(capsys, "score", runs[0], "--text", "bada\tb a", "--with", runs[1])
    both = regard.Model.ensemble([regard.load(run) for run in runs])
    assert row["score"] == pytest.approx(both.score([("bada", "b a")])[0].score, abs=1e-6)
    assert row["source"] == "bada" and row["target"] == "b a" and row["tokens"] == ["b", "a", "</s>"]


@pytest.mark.parametrize("item", ["bada", ("bada",), ("bada", None), ("bada", 3), {"source": "bada"}, 7])
def test_a_pair_that_is_none_is_told(tmp_path_factory, item):
    folder = tmp_path_factory.getbasetemp() / "scored"
    run = folder / "run" if folder.exists() else small.transducer(folder)
    with pytest.raises(regard.DataError, match="expected"):
        regard.load(run).score([item])


def test_what_has_no_probability_is_refused(tmp_path, capsys):
    file = tmp_path / "x.csv"
    file.write_text("a\n" + "".join(f"{n % 7}\n" for n in range(60)), "utf-8")
    config = {"task": "forecast", "forecast": {"past": 8, "ahead": 2}, "data": {"train": [str(file)]}}
    run = small.made(tmp_path / "f", "none", [], config)
    assert command(["score", str(run), str(file)]) == 2
    assert "score: expected a run whose task gives a target its probability" in capsys.readouterr().err
    with pytest.raises(regard.RegardError, match="of task forecast"):
        regard.load(run).score([])


def test_a_source_of_a_pair_has_its_features_in_every_form(tmp_path):
    """What takes a source with its features to predict from takes it to score."""
    model = regard.load(small.inflector(tmp_path / "run"))
    forms = ["bada\tV;PST", ("bada", "V;PST"), ("bada", ["V", "PST"]), {"source": "bada", "features": "V;PST"}]
    found = model.score([(form, "badad") for form in forms])
    assert {(one.source, one.features) for one in found} == {("bada", ("V", "PST"))}
    assert [one.score for one in found] == pytest.approx(
        [found[0].score] * 4, rel=1e-6
    )  # rows of a product may differ in the last bit
    assert found[0].score != model.score([("bada", "badad")])[0].score
    with pytest.raises(regard.DataError, match=r"Give \(source, target\)"):
        model.score([("bada", ["V", "PST"])])
