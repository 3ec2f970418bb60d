"""The copy head copies what training never saw, whoever asks: names of a source that no vocabulary has."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

import regard
from regard.cli.main import run as command
from regard.data.copy_vocabulary import number_source, number_target
from regard.data.tokenizer import Tokenizer
from regard.tasks.ensembles import make_ensemble

VERBS = {"sees": "sieht", "knows": "kennt", "calls": "ruft"}
NAMES = [
    "Anna",
    "Otto",
    "Lena",
    "Paul",
    "Maria",
    "Jan",
    "Eva",
    "Karl",
    "Ida",
    "Max",
    "Nora",
    "Felix",
    "Greta",
    "Hugo",
    "Lea",
    "Tom",
]
UNSEEN = ["Anna sees Bertha .", "Zoltan knows Lena .", "Mandela calls Bertha .", "Bertha sees Bertha .", "Anna calls Otto ."]
WANTED = ["Anna sieht Bertha .", "Zoltan kennt Lena .", "Mandela ruft Bertha .", "Bertha sieht Bertha .", "Anna ruft Otto ."]
WORDS = {"source_tokenizer": "word", "target_tokenizer": "word"}


def pairs(count: int) -> list[tuple[str, str]]:
    by, made = Random(5), dict[str, str]()
    while len(made) < count:
        (one, other), verb = by.sample(NAMES, 2), by.choice(list(VERBS))
        made[f"{one} {verb} {other} ."] = f"{one} {VERBS[verb]} {other} ."
    return list(made.items())


def trained(folder: Path, name: str, **model: Any) -> Path:
    file, valid = folder / "train.tsv", folder / "valid.tsv"
    file.write_text("".join(f"{a}\t{b}\n" for a, b in pairs(260)), encoding="utf-8")
    valid.write_text("".join(f"{a}\t{b}\n" for a, b in zip(UNSEEN, WANTED, strict=True)), encoding="utf-8")
    net = {"size": 32, "embedding": 32, "encoder": "bigru", "decoder": "gru", "dropout": 0.1, **model}
    train = {"epochs": 8, "batch_tokens": 150, "learning_rate": 0.01, "threads": 1, "samples": 0, "seed": 2}
    data = {"train": [str(file)], "valid": [str(valid)], **WORDS}
    regard.train({"data": data, "model": net, "train": train}, out=folder / name)
    return folder / name


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("copying"), "run", head="copy")


def test_names_that_training_never_saw(run):
    """Greedy and by beams, n best, alone and together, in float32 and in bytes; what it says stands in text and tokens."""
    for model in (regard.load(run), regard.load(run, precision="int8")):
        whole = model.predict(UNSEEN)
        assert [p.text for p in whole] == WANTED
        assert whole[0].tokens[2] == "▁Bertha" and "<unk>" not in whole[0].tokens
        for more in ({"batch_size": 1}, {"beam": 1}, {"batch_size": 2, "attention": False}):
            for got, want in zip(model.predict(UNSEEN, **more), whole, strict=True):
                assert got.text == want.text and got.score == pytest.approx(want.score, abs=1e-5)
    best = regard.load(run).predict(UNSEEN, n_best=3, beam=3)
    assert [p[0].text for p in best] == WANTED and all(len({h.text for h in p}) == 3 for p in best)


def test_draws_hang_on_no_neighbour(run):
    model = regard.load(run)
    whole = model.predict(UNSEEN, sample=True, n_best=2)
    assert [[h.text for h in p] for p in whole] == [
        [h.text for h in model.predict([x], sample=True, n_best=2)[0]] for x in UNSEEN
    ]
    assert whole[0][0].text == WANTED[0]


def test_evaluation_counts_them_as_words_that_can_be_said(run, capsys):
    """Training's own validation, the command, and the loss: nearly that of words that were seen."""
    assert regard.load(run).evaluate([str(run.parent / "valid.tsv")])["metrics"]["loss"] < 0.8
    assert command(["evaluate", str(run), str(run.parent / "valid.tsv")]) == 0
    assert "exact" in capsys.readouterr().out


def test_an_ensemble_with_one_that_cannot_copy(run):
    """What only one of them can say has half of its probability."""
    other = trained(run.parent, "other")
    one = regard.load(run)._model
    assert [p.text for p in make_ensemble([one, regard.load(run)._model]).predict(UNSEEN)] == WANTED
    mixed = make_ensemble([one, regard.load(other)._model]).predict(UNSEEN)
    assert mixed[-1].text == WANTED[-1] and mixed[0].text.startswith("Anna sieht")
    both = make_ensemble([one, regard.load(other)._model])
    loss, own = (m.evaluate([str(run.parent / "valid.tsv")])["metrics"]["loss"] for m in (both, one))
    assert own < loss < own + 1.0


def test_numbers_of_pairs():
    """Known to both: as it is; to the target alone: its word there; to none: by the first place; features and what is cut off: none."""
    both = Tokenizer.train("word", ["a b"], features=["F"]), Tokenizer.train("word", ["a b c"])
    (reader, writer), text = both, "x c a x"
    S, V = len(reader), len(writer)
    symbols, ids = reader.symbols(text, ["G"]), reader.encode(text, ["G"])
    source = number_source(both, symbols, ids)
    assert symbols == [None, " x", " c", " a", " x"] and ids[:3] == [3, 3, 3]
    assert source == [3, S + V + 1, S + writer.number(" c"), ids[3], S + V + 1, 2]
    target = writer.encode("c x y")
    assert number_target(both, "c x y", target, symbols, source) == [target[0], V + 1, 3, 2]
    assert writer.decode([target[0], V + 1, 3, 2], symbols) == "c x⁇"
    assert writer.tokens([target[0], V + 1, 3, 2], symbols) == ["▁c", "▁x", "<unk>", "</s>"]
    assert number_target(both, "c x y", target, symbols, [3, 2]) == target
