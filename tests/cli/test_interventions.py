"""Interventions from Python and from the command line: both decoders obey, ensembles too (`test_export` has exported folders)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import regard
from regard.cli.main import run
from regard.core import optional
from regard.core.errors import UsageError
from regard.tasks.intervention_words import read_interventions

from .trained import RECURRENT, TRANSFORMER, train_dates

CROSS = "decoder.0.cross"
TEXTS = ["March 5, 1999", "5 March 1999", "21st of November, 2026"]


@pytest.fixture(scope="module", params=["recurrent", "transformer"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = RECURRENT if request.param == "recurrent" else TRANSFORMER
    return train_dates(tmp_path_factory.mktemp(request.param), dict(model), epochs=1, pairs=300)


@pytest.fixture(scope="module")
def model(folder: Path) -> regard.Model:
    return regard.load(folder)


def test_the_compiled_decoder_steps_aside(model, monkeypatch):
    """With compiled loops and without them an intervention gives the same."""
    ones = [regard.Erase(CROSS, source=[0, 1]), regard.Pin(CROSS, source=3, target=[0, 1])]
    compiled = model.predict(TEXTS, interventions=ones)
    plain = [optional.module(f"inference.kernels.{name}_loops") for name in ("recurrent_steps", "transformer_steps")]
    monkeypatch.setattr("regard.inference.recurrent_steps.module", lambda name: None)
    monkeypatch.setattr("regard.inference.transformer_steps.module", lambda name: None)
    for got, want in zip(regard.load(model.folder).predict(TEXTS, interventions=ones), compiled, strict=True):
        assert got.text == want.text and abs(got.score - want.score) < 1e-5
        np.testing.assert_allclose(got.attention[CROSS], want.attention[CROSS], atol=1e-6)
    assert any(plain) or optional.module("core.matrices_loops") is None


def test_one_weight_of_one_step(model):
    """What is shown is what was done, in each sentence, and a step before it says the same to the last bit but for the compiled sums."""
    before = model.predict(TEXTS)
    for best, plain in zip(model.predict(TEXTS, interventions=[regard.Pin(CROSS, source=2, target=3)]), before, strict=True):
        row = best.attention[CROSS][:, 3]
        assert (row[:, 2] == 1).all() and not np.delete(row, 2, 1).any()
        assert best.tokens[:3] == plain.tokens[:3]
        np.testing.assert_allclose(best.attention[CROSS][:, :3], plain.attention[CROSS][:, :3], atol=1e-6)


def test_the_models_own_weights_change_nothing(model, monkeypatch):
    """Bit for bit beside the same decoder without interventions; beside the compiled one but for the order of its sums."""
    for text in TEXTS:
        (compiled,) = model.predict([text])
        own = [regard.Replace(name, weights=weights) for name, weights in compiled.attention.items()]
        (got,) = model.predict([text], interventions=own)
        assert got.text == compiled.text and abs(got.score - compiled.score) < 1e-4
        with monkeypatch.context() as patch:
            patch.setattr("regard.inference.recurrent_steps.module", lambda name: None)
            patch.setattr("regard.inference.transformer_steps.module", lambda name: None)
            (plain,) = regard.load(model.folder).predict([text])
            (again,) = regard.load(model.folder).predict([text], interventions=own)
        assert (again.text, again.score) == (plain.text, plain.score)
        assert all((again.attention[name] == weights).all() for name, weights in plain.attention.items())


def test_ensembles_obey(model):
    both = regard.Model.ensemble([model, model])
    ones = [regard.Uniform(CROSS)]
    for got, want in zip(both.predict(TEXTS, interventions=ones), model.predict(TEXTS, interventions=ones), strict=True):
        assert got.text == want.text
        np.testing.assert_allclose(got.attention[CROSS], want.attention[CROSS], atol=1e-6)


def test_the_command_line(folder, model, tmp_path, capsys):
    file = tmp_path / "in.txt"
    file.write_text("".join(f"{text}\n" for text in TEXTS), "utf-8")
    out = tmp_path / "looks.jsonl"
    words = ["predict", str(folder), str(file), "--attention", str(out)]
    touch = ["--permute", f"{CROSS}:seed=4", "--uniform", f"{CROSS}:target=1", "--pin", f"{CROSS}:source=2,weight=0.5,target=2,3"]
    assert run([*words, *touch, "--erase", f"{CROSS}:source=0,3-5"]) == 0
    told = capsys.readouterr().out.splitlines()
    ones = [
        regard.Permute(CROSS, seed=4),
        regard.Uniform(CROSS, target=1),
        regard.Pin(CROSS, source=2, weight=0.5, target=[2, 3]),
        regard.Erase(CROSS, source=[0, 3, 4, 5]),
    ]
    want = model.predict(TEXTS, interventions=ones)
    assert told == [p.text for p in want]
    for line, prediction in zip(out.read_text("utf-8").splitlines(), want, strict=True):
        shown = np.array(json.loads(line)["attention"][CROSS])
        np.testing.assert_allclose(shown, prediction.attention[CROSS], atol=1e-6)
        assert not shown[..., [0, 3, 4, 5]].any()


def test_what_a_run_keeps_to_answer_faster_is_not_asked(folder, monkeypatch):
    """An export of its own (`regard warm-up`) could not obey."""
    monkeypatch.setattr("regard.runtime.ready.find_ready", lambda run: pytest.fail(f"the export of {run} was looked for"))
    assert run(["predict", str(folder), "--text", TEXTS[0], "--erase", f"{CROSS}:source=0", "--quiet"]) == 0


@pytest.mark.parametrize("more", [{"precision": "int8"}, {"batch_invariant": True}], ids=str)
def test_other_arithmetic_obeys(folder, model, more):
    other = regard.load(folder, **more)
    for best in other.predict(TEXTS, interventions=[regard.Erase(CROSS, source=[0, 1])]):
        assert not best.attention[CROSS][..., :2].any()
        np.testing.assert_allclose(best.attention[CROSS].sum(-1), 1, atol=1e-5)
    (alone,) = other.predict(TEXTS[:1], interventions=[regard.Permute(CROSS)])
    (beside, *_) = other.predict(TEXTS, interventions=[regard.Permute(CROSS)])
    assert alone.score == beside.score and (alone.attention[CROSS] == beside.attention[CROSS]).all()


def test_a_place_that_no_text_has_is_told(folder, tmp_path, capsys):
    assert run(["predict", str(folder), "--text", TEXTS[0], "--erase", f"{CROSS}:source=99"]) == 0
    assert "Erase decoder.0.cross: no text has place 99 in sight; nothing was changed there." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--erase", "decoder.0.cros:source=1"],
            "Erase: look: expected one of .*; received 'decoder.0.cros'.*Did you mean 'decoder.0.cross'",
        ),
        (["--erase", f"{CROSS}:head=9"], f"Erase: head: expected less than the . of {CROSS}; received 9"),
        (["--erase", f"{CROSS}:sorce=1"], "--erase .* with head, target, source; received 'sorce'.*Did you mean 'source'"),
        (["--erase", f"{CROSS}:source=x"], "expected numbers from 0 behind a key; received 'source=x'"),
        (["--erase", f"{CROSS}:3"], "expected numbers from 0 behind a key; received '3'"),
        (["--pin", CROSS], "--pin decoder.0.cross: expected LOOK:source=PLACE; received no place"),
        (["--pin", f"{CROSS}:source=1,weight=2"], "Pin: weight: expected a share above 0, at most 1; received 2.0"),
        (["--erase", f"{CROSS}:source=99999999999"], "expected numbers from 0 behind a key"),
    ],
)
def test_words_that_are_none(folder, capsys, words, told):
    assert run(["predict", str(folder), "--text", "x", *words]) == 2
    shown = capsys.readouterr()
    assert re.search(told, shown.err) and not shown.out


def test_what_is_no_list_of_interventions(model):
    for wrong in (regard.Uniform(CROSS), ["erase"], {"erase": 3}):
        with pytest.raises(regard.ArgumentError, match="interventions: expected a list of Erase, Pin"):
            model.predict(TEXTS, interventions=wrong)


def test_no_option_gives_no_intervention():
    assert read_interventions({"erase": None, "pin": []}) == []
    with pytest.raises(UsageError, match="numbers from 0"):
        read_interventions({"permute": [f"{CROSS}:seed="]})


def test_one_intervention_after_another_leaves_nothing_behind(folder):
    """A model that was touched is kept for the next touch of the same looks: each answer is that of a model just loaded."""
    model = regard.load(folder)
    cases = [
        [regard.Erase(CROSS, source=[0, 1])],
        [regard.Pin(CROSS, source=3, target=0)],
        [],
        [regard.Erase(CROSS, source=99)],
        [regard.Pin(CROSS, source=2), regard.Erase(CROSS, source=0, target=1)],
    ]
    for touched in [*cases, *cases]:
        notes, fresh = [], []
        found = model.predict(TEXTS, interventions=touched, say=notes.append)
        right = regard.load(folder).predict(TEXTS, interventions=touched, say=fresh.append)
        assert notes == fresh
        for got, expected in zip(found, right, strict=True):
            assert got.text == expected.text and got.score == expected.score
            np.testing.assert_array_equal(got.attention[CROSS], expected.attention[CROSS])


def test_two_that_are_touched_at_a_time_do_not_touch_each_other(folder):
    model = regard.load(folder)
    ways = [[regard.Erase(CROSS, source=[0, 1])], [regard.Pin(CROSS, source=3)]]
    right = [model.predict(TEXTS, interventions=way) for way in ways]
    streams = [model.stream(TEXTS, interventions=way, batch_size=1) for way in ways]
    for number in range(len(TEXTS)):
        for stream, expected in zip(streams, right, strict=True):
            np.testing.assert_allclose(next(stream)[0].attention[CROSS], expected[number].attention[CROSS], atol=1e-6)
