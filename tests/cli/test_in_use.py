"""A run in use: how it writes can be set, whoever asks is answered at once, and sources come in the forms that people have."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import regard
from regard.cli.main import run as command
from regard.cli.train import after
from regard.config import load_config

from . import small

COMMAND = [sys.executable, "-c", "from regard.cli.main import main; main()"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    kinds = (small.transducer, small.inflector, small.of_records, small.tagger, small.writer, small.classifier)
    return {make.__name__: make(folder / make.__name__) for make in kinds}


def out(capsys, *args: object, code: int = 0) -> tuple[list[str], str]:
    assert command([str(arg) for arg in args]) == code
    told = capsys.readouterr()
    return told.out.splitlines(), told.err


def given(tmp_path: Path, text: str, name: str = "new.txt") -> Path:
    (tmp_path / name).write_text(text, "utf-8")
    return tmp_path / name


def test_writing_is_set_for_once(runs, capsys, tmp_path):
    run, file = runs["transducer"], given(tmp_path, "bada\n")
    config = (run / "config.yaml").read_bytes()
    long = ["decode.min_length=9", "decode.max_extra=1", "decode.max_ratio=1.6"]
    answer, note = out(capsys, "predict", run, file, *long)
    assert len(answer[0].split()) == 9 and "1 answer reached the bound (decode.max_ratio, decode.max_extra)" in note
    settings = {"min_length": 9, "max_extra": 1, "max_ratio": 1.6}
    assert [p.text for p in regard.load(run).predict(["bada"], decode=settings)] == answer
    assert [p.text for p in regard.load(run, decode=settings).predict(["bada"])] == answer
    figures = json.loads(out(capsys, "evaluate", run, given(tmp_path, f"bada\t{answer[0]}\n", "x.tsv"), *long, "--json")[0][0])
    assert figures["metrics"]["exact"] == 1 and figures["bound"] == 1
    assert answer[0] in out(capsys, "view", run, "--text", "bada", *long)[0][0]
    assert (run / "config.yaml").read_bytes() == config


@pytest.mark.parametrize("kind", ["transducer", "writer"])
def test_the_length_penalty_ranks(runs, kind):
    """By ((5 + length) / 6) ** a, of all that the beam holds."""
    model = regard.load(runs[kind], decode={"beam": 6, "n_best": 6})
    found = model.predict(["bada", "gu"], decode={"length_penalty": 4.0}, attention=False)
    for best in found:
        sizes = [len(p.tokens) + (p.details.get("ended") is False and kind == "writer") for p in best]  # its end is cut off
        ranks = [p.score / ((5 + size) / 6) ** 4 for p, size in zip(best, sizes, strict=True)]
        assert ranks == sorted(ranks, reverse=True)
    assert found != model.predict(["bada", "gu"], attention=False)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        (["decode.length_penalti=1"], "Did you mean 'length_penalty'?"),
        (["decode.beam=none"], "decode.beam: expected a whole number, at least 1"),
        (["decode.n_best=9"], "at most as many as the beam holds (5)"),
        (["decode.valid_beam=2"], "the beam of validation in training"),
        (["decode.max_extra=0", "decode.max_ratio=0"], "room for at least 1 token"),
        (["train.epochs=3"], "Other keys are set when a run is trained"),
        (["decoding.beam=3"], "Did you mean 'decode'?"),
    ],
)
@pytest.mark.parametrize("verb", ["predict", "evaluate", "view"])
def test_what_cannot_be_set(runs, capsys, tmp_path, verb, settings, part):
    told, said = out(capsys, verb, runs["transducer"], given(tmp_path, "bada\tb a\n", "x.tsv"), *settings, code=2)
    assert not told and part in said and "Traceback" not in said


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        (
            {"length_penalty": 1.0},
            "length_penalty: expected one of batch_size, beam, n_best, sample, seed; received no such word",
        ),
        ({"beem": 3}, "Did you mean 'beam'?"),
        ({"beam": "3"}, "decode.beam: expected a whole number"),
        ({"beam": 0}, "decode.beam: expected a whole number"),
        ({"n_best": 9}, "at most as many as the beam holds (5)"),
        ({"decode": {"top_q": 3}}, "Did you mean 'top_p'?"),
        ({"decode": "beam=3"}, "decode: expected a mapping"),
    ],
)
def test_a_wrong_argument_is_told(runs, wanted, part):
    with pytest.raises(regard.RegardError) as caught:
        regard.load(runs["transducer"]).predict(["bada"], **wanted)
    assert part in str(caught.value)


def test_options_of_other_tasks_are_told(runs, capsys, tmp_path):
    with pytest.raises(regard.ArgumentError, match="beam: expected a run whose task has it; tag knows batch_size; received"):
        regard.load(runs["tagger"]).predict([["bada"]], beam=3)
    for option in ("--beam", "--n-best"):
        _, said = out(capsys, "predict", runs["tagger"], given(tmp_path, "bada\n"), option, 2, "--format", "tsv", code=2)
        assert f"{option}: expected a run whose task has it; tag knows --batch-size;" in said
    with pytest.raises(regard.ConfigError, match="no such key with task classify"):
        regard.load(runs["classifier"], decode={"beam": 3})


@pytest.mark.parametrize("kind", ["inflector", "of_records", "classifier", "transducer"])
@pytest.mark.parametrize("name", ["new.txt", "new.tsv"])
def test_a_list_of_sources_is_one_for_every_run(runs, capsys, tmp_path, kind, name):
    """Whatever the training file looked like: an answer a line, those of Python."""
    lines = ["bada", "", "gu gu", "123"]
    told, said = out(capsys, "predict", runs[kind], given(tmp_path, "".join(f"{line}\n" for line in lines), name))
    assert told == [p.text for p in regard.load(runs[kind]).predict(lines)]
    noted = f"note: {tmp_path / name}: its first line ('bada')" in said
    assert noted == (
        (kind, name) not in {("transducer", "new.txt"), ("transducer", "new.tsv"), ("of_records", "new.tsv")}
    )  # their own form


def test_a_list_with_its_header_and_records_stay_what_they_are(runs, capsys, tmp_path):
    assert len(out(capsys, "predict", runs["inflector"], given(tmp_path, "lemma\nbada\n"))[0]) == 1
    assert len(out(capsys, "predict", runs["of_records"], given(tmp_path, '\n{"source": "bada"}\n'))[0]) == 2
    _, said = out(capsys, "predict", runs["of_records"], given(tmp_path, "bada\n", "new.jsonl"), code=2)
    assert "new.jsonl:1: expected a JSON object" in said
    _, said = out(capsys, "predict", runs["inflector"], given(tmp_path, "lema\twhat\nbada\tV\n"), code=2)
    assert "Did you mean 'lema'?" in said


def test_features_come_in_every_form(runs, capsys, tmp_path):
    model = regard.load(runs["inflector"])
    forms = [
        ("bada", ("V", "PST")),
        ["bada", ["V", "PST"]],
        ("bada", "V;PST"),
        {"source": "bada", "features": "V;PST"},
        {"lemma": "bada", "what": ["V", "PST"]},
        "bada\tV;PST",
    ]
    found = model.predict(forms)
    assert {(p.source, p.features, p.score) for p in found} == {("bada", ("V", "PST"), found[0].score)}
    told, said = out(capsys, "view", runs["inflector"], "--text", "bada\tV;PST")
    assert told[0] == f"bada → {found[0].text}   ({found[0].score:.3f})" and "<PST>" not in said
    rows = [
        json.loads(line) for line in out(capsys, "predict", runs["inflector"], "--text", "bada\tV;PST", "--format", "jsonl")[0]
    ]
    assert rows[0]["features"] == ["V", "PST"]


def test_tags_stand_at_their_tokens(runs, capsys):
    told, _ = out(capsys, "view", runs["tagger"], "--text", "bada to")
    tags = regard.load(runs["tagger"]).predict(["bada to"])[0].tokens
    assert [told[1].split(), told[2].split()] == [["bada", "to"], list(tags)]
    assert told[1].index("to") == told[2].index(tags[1], len(tags[0]))


@pytest.mark.parametrize("kind", ["transducer", "inflector", "tagger", "writer", "classifier"])
def test_the_next_step_that_training_names_works(runs, capsys, tmp_path, kind):
    config = load_config(runs[kind] / "config.yaml")
    steps = after(runs[kind], config).removeprefix("Next: ").split("   or   ")
    for name, text in (("FILE", "lemma\tform\twhat\nbada\tbadad\tV;PST\n" if kind == "inflector" else "bada and gu\n"),):
        file = given(tmp_path, text)
        for step in steps:
            words = [str(file) if word == name else word for word in shlex.split(step.replace("...", "bada"))]
            assert command(words[1:]) == 0, step
            assert capsys.readouterr().out


@pytest.mark.parametrize("item", [3, None, ("bada", 3), ("a", "b", "c"), {"sorce": "bada"}, {"features": ["V"]}, b"bada"])
def test_an_item_that_is_none_is_told(runs, item):
    with pytest.raises(regard.DataError, match="expected"):
        regard.load(runs["inflector"]).predict([item])


@pytest.mark.parametrize("verb", ["predict", "view"])
def test_features_that_are_missing_are_told(runs, capsys, verb):
    assert (
        "1 source was without features, which this run was trained with"
        in out(capsys, verb, runs["inflector"], "--text", "bada")[1]
    )
    assert not out(capsys, verb, runs["inflector"], "--text", "bada", "--quiet")[1]
    assert "features" not in out(capsys, verb, runs["transducer"], "--text", "bada")[1]


def test_sources_longer_than_training_read_are_told_and_answered_whole(tmp_path, capsys):
    run = small.transducer(tmp_path / "short", data={"max_source_length": 7})
    told, said = out(capsys, "predict", run, given(tmp_path, f"{'ba' * 9}\nba\n"), "--format", "jsonl")
    assert "1 source was longer than the 7 tokens that training read at most (data.max_source_length)." in said
    assert len(json.loads(told[0])["source_tokens"]) == 19


@pytest.mark.parametrize(("kind", "asked"), [("transducer", "bada"), ("tagger", "bada to"), ("writer", "bada and")])
def test_a_program_that_asks_line_by_line_is_answered(runs, kind, asked):
    model = regard.load(runs[kind])
    right = [p.text.replace("\n", "\\n") for p in model.predict([asked, asked[::-1]])]
    with subprocess.Popen(
        [*COMMAND, "predict", str(runs[kind]), "-", "--threads", "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdin and process.stdout
        for line, answer in ((asked, right[0]), (asked[::-1], right[1])):
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            assert process.stdout.readline() == f"{answer}\n"  # an answer that never comes is stopped by CI alone
        process.stdin.write("".join(f"{asked}\n" for _ in range(3000)) + "gu")  # and the rest, its last line without an end
        process.stdin.close()
        rest = process.stdout.read().splitlines()
        assert process.wait() == 0
    assert rest[:3000] == right[:1] * 3000 and len(rest) == 3001
