"""Runs that differ by their seed answer together, though they number their symbols otherwise."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import regard
from regard import runs as fit
from regard.cli.main import run as command
from regard.config import read_config
from regard.core.errors import RunFolderError
from regard.tasks.ensembles import make_ensemble
from regard.tasks.load_run import load_run
from regard.tasks.transduce.predictor import Transducer

KINDS = {
    "words": {},
    "tied": {"tie": "output", "embedding": 12, "size": 12},
    "copy": {"head": "copy"},
    "hard-monotonic": {"head": "hard-monotonic", "order": "luong", "input_feeding": False},
    "all in one": {"family": "transformer", "size": 12, "heads": 2, "feedforward": 20, "tie": "all"},
}
SOURCES = ["bada", "gu", "nimo", "dobu", "mi"]


def trained(folder: Path, name: str, model: dict[str, object], *, seed: int, letters: str = "bdgmnk", **data: object) -> Path:
    """A run without validation files, so that its seed says what is set aside, and by that in which order its symbols are."""
    drawn = random.Random(3)
    words = dict.fromkeys(
        "".join(drawn.choice(letters) + drawn.choice("aeiou") for _ in range(drawn.randint(1, 3))) for _ in range(90)
    )
    file = folder / f"{letters}.tsv"
    file.write_text("".join(f"{w}\t{w[::-1]}\n" for w in words), "utf-8")
    sections = {
        "data": {"train": [str(file)], **data},
        "model": {"embedding": 10, "size": 12, "dropout": 0.0, **model},
        "train": {
            "epochs": 1,
            "batch_tokens": 200,
            "learning_rate": 0.02,
            "seed": seed,
            "samples": 0,
            "metric": "loss",
            "threads": 1,
        },
    }
    fit.train(read_config(sections), folder / name, say=lambda line: None)
    return folder / name


@pytest.fixture(scope="module", params=KINDS)
def runs(request, tmp_path_factory) -> list[Path]:
    folder, model = tmp_path_factory.mktemp("seeds"), KINDS[request.param]
    data = {"joint": True} if request.param == "all in one" else {}
    return [trained(folder, f"r{seed}", model, seed=seed, **data) for seed in (1, 2)]


def numbered(run: Path) -> list[str]:
    made = load_run(run)
    assert isinstance(made, Transducer)
    return made.tokenizers[0].tokens(range(len(made.tokenizers[0])))


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_symbols_in_another_order_are_the_same_symbols(runs, precision, monkeypatch):
    monkeypatch.setattr("regard.inference.int8.LEAST", 1)  # the smallest weights are bytes too
    one, two = numbered(runs[0]), numbered(runs[1])
    assert one != two and sorted(one) == sorted(two)
    first, second = (load_run(run, precision=precision) for run in runs)
    both, turned = make_ensemble([first, second]), make_ensemble([second, first])
    assert isinstance(both, Transducer) and isinstance(first, Transducer)
    alone = Transducer(both.networks[1:], first.tokenizers, first.config, first.folder)
    for a, b in ((both, turned), (alone, second)):
        for p, q in zip(a.predict(SOURCES), b.predict(SOURCES), strict=True):
            assert p.text == q.text and p.score == pytest.approx(q.score, abs=1e-5)


def test_every_verb_takes_runs_together(runs, capsys, tmp_path):
    file = tmp_path / "x.tsv"
    file.write_text("".join(f"{s}\t{s[::-1]}\n" for s in SOURCES), "utf-8")
    model = regard.Model.ensemble([regard.load(run) for run in runs])
    right = sum(p.text == s[::-1] for p, s in zip(model.predict(SOURCES), SOURCES, strict=True)) / len(SOURCES)
    for verb, where in (("predict", file), ("evaluate", file), ("view", file)):
        assert command([verb, str(runs[0]), str(where), "--with", str(runs[1])]) == 0
        told = capsys.readouterr().out
        assert verb != "evaluate" or f"{right:.4g}" in told.splitlines()[1]


def test_other_symbols_are_refused_with_their_cause(tmp_path):
    one = regard.load(trained(tmp_path, "one", {}, seed=1))
    for more, cause in (
        ({"letters": "bdgmnz"}, "one of both alone has"),
        ({"source_tokenizer": "space"}, "one of space where that has char"),
    ):
        two = regard.load(trained(tmp_path, f"two{cause[:9]}", {}, seed=1, **more))
        with pytest.raises(RunFolderError, match=cause):
            regard.Model.ensemble([one, two])
    (tmp_path / "rare").mkdir()
    file = tmp_path / "rare" / "x.tsv"
    file.write_text("".join(f"{a}{b}\t{b}{a}\n" for a in "bdgmnklprstvz" for b in "a"), "utf-8")
    config = {"data": {"train": [str(file)]}, "model": {"embedding": 8, "size": 8}}
    rare = []
    for seed in (1, 2):
        made = read_config({**config, "train": {"epochs": 1, "seed": seed, "threads": 1, "samples": 0}})
        rare.append(regard.load(fit.train(made, tmp_path / "rare" / f"r{seed}", say=lambda line: None).folder))
    with pytest.raises(
        RunFolderError,
        match=r"set different parts of their data aside for validation \(train.seed 1 and 2\): train them with the same",
    ):
        regard.Model.ensemble(rare)
