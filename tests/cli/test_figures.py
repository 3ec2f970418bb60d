"""What `evaluate` and training say of answers: white space that no tokenizer can write, words wrong, unseen symbols, features."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from regard import runs
from regard.cli.main import run as command
from regard.config import read_config
from regard.data.examples import Group
from regard.data.tokenizer import Tokenizer
from regard.metrics.text_generation import judge
from regard.tasks.load_run import load_run
from regard.tasks.options import EvaluationOptions
from regard.tasks.transduce.evaluation import targets_are, writable

PHONES = {"a": "ɑː", "e": "ɛ", "i": "iː", "o": "oʊ", "u": "uː"}
SMALL = {"encoder": "bigru", "decoder": "gru", "size": 32, "embedding": 32}
TRAIN = {"epochs": 12, "batch_tokens": 50, "learning_rate": 0.01, "samples": 3, "threads": 1, "precision": "float32"}


def spelt(count: int = 160) -> list[tuple[str, str]]:
    """Words of consonants and vowels, and how they are said, symbols between spaces."""
    roll, words = random.Random(7), dict[str, None]()
    while len(words) < count:
        words["".join(roll.choice("bdfgklmnp") + roll.choice("aeiou") for _ in range(roll.randint(1, 3)))] = None
    return [(word, " ".join(PHONES.get(x, x) for x in word)) for word in sorted(words)]


def write(path: Path, rows: list[tuple[str, ...]]) -> str:
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def train(folder: Path, rows: list[tuple[str, ...]], **data: object) -> tuple[runs.FinishedRun, list[str]]:
    said = list[str]()
    file = write(folder / "train.tsv", rows)
    sections = {"data": {"train": [file], "valid": [file], "target_tokenizer": "space", **data}, "model": SMALL, "train": TRAIN}
    return runs.train(read_config(sections), folder / "run", say=said.append), said


@pytest.fixture(scope="module")
def spaced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[runs.FinishedRun, list[str]]]:
    """A run whose training targets have white space that `space` cannot write, each kind in turn."""
    folder = tmp_path_factory.mktemp("spaced")
    odd = ("{} ", " {}", "{}\u00a0", "\u3000{}", "{}\u2028")
    rows = [(w, odd[i % 5].format(p).replace(" ", "  ", i % 3 == 0)) for i, (w, p) in enumerate(spelt())]
    yield train(folder, rows)


def test_white_space_that_the_target_tokenizer_folds_is_no_mistake(spaced, tmp_path):
    run, said = spaced
    clean = load_run(run.folder).evaluate([write(tmp_path / "clean.tsv", spelt())], EvaluationOptions(beam=1))["metrics"]
    assert run.metrics["exact"] == pytest.approx(clean["exact"]) and clean["exact"] > 0.6
    found = load_run(run.folder).evaluate([str(run.folder.parent / "train.tsv")], EvaluationOptions(beam=1))
    assert found["metrics"]["exact"] == pytest.approx(clean["exact"]) and found["metrics"]["per"] == pytest.approx(clean["per"])
    samples = [line for line in said if "→" in line]
    assert samples and not any(
        line.split("→")[1].split("(≠")[0].split() == line.rpartition("≠")[2].rstrip(")").split() for line in samples
    )


@pytest.mark.parametrize(("word", "right"), [("char", 1), ("bpe(40)", 1), ("unigram(40)", 1), ("space", 0), ("word", 0)])
def test_spaces_count_where_the_tokenizer_can_write_them(word, right):
    writer = Tokenizer.train(word, ["a  b ", "a b", "a\u00a0b"])
    (held,) = writable([Group("x", (), ("a  b ", "a\u00a0b"), ())], writer)
    assert held.references == (("a  b ", "a\u00a0b") if right else ("a b",))
    assert all(writer.decode(writer.encode(text)) == text for text in held.references)


def test_pronunciations_are_judged_by_the_figures_of_their_field(spaced, tmp_path, capsys):
    run, _ = spaced
    rows = [(w, p if i % 4 else p + " x") for i, (w, p) in enumerate(spelt())]
    file = write(tmp_path / "test.tsv", rows)
    assert command(["evaluate", str(run.folder), file, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["metrics"]) == ["exact", "per", "wer", "loss"] and found["targets"] == "pronunciations"
    assert found["metrics"]["wer"] == pytest.approx(1 - found["metrics"]["exact"]) and found["metrics"]["wer"] > 0.2
    assert found["metrics"]["per"] < found["metrics"]["wer"] / 2 and not found["signatures"]
    for name in ("exact", "per", "wer"):
        low, high = found["intervals"][name]
        assert low < found["metrics"][name] < high < low + 0.2
    assert command(["evaluate", str(run.folder), file]) == 0
    table = capsys.readouterr().out
    assert "share of words that are wrong" in table and "[from, to]: where 95 of 100" in table and "bleu" not in table


@pytest.mark.parametrize(
    ("rows", "targets"),
    [
        ([("cat", "K AE1 T"), ("ice cream", "AY1 S K R IY1 M"), *((w, p) for w, p in spelt(30))], "pronunciations"),
        ([("75284", "digit-seven digit-five digit-two"), ("300", "three hundred")], "sentences"),
        ([("你好", "nǐ hǎo"), ("谢谢", "xiè xie")], "sentences"),
        ([("我喜欢", "我 喜 欢")], "sentences"),
        ([("ein Haus", "a house"), ("der Hund", "the dog")], "sentences"),
        ([("sing", "sang"), ("gehen", "ging")], "words"),
        ([("今日は", "こんにちは")], "sentences"),
        ([("ねこ", "n e k o"), ("いぬ", "i n ɯ")], "pronunciations"),
    ],
)
def test_what_targets_are_is_seen_from_them(rows, targets):
    assert targets_are([Group(source, (), (target,), ()) for source, target in rows]) == targets


def test_symbols_that_training_never_saw_are_named_and_stay_apart(spaced, tmp_path):
    run, _ = spaced
    file = write(tmp_path / "u.tsv", [("ba", "ʙ ɑː"), ("da", "ʡ ɑː"), ("de", "<unk> ɛ")])
    assert command(["evaluate", str(run.folder), file, "--errors", str(tmp_path / "e.tsv")]) == 0
    with (tmp_path / "e.tsv").open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert {x for row in rows for x in row["operations"].split()} >= {"ʙ→b", "ʡ→d", "<unk>→d"}


def test_an_unknown_symbol_is_not_right_because_the_answer_has_an_unknown_one(spaced):
    model = load_run(spaced[0].folder)
    assert judge(["⁇ ɑː"], [["ʙ ɑː"]], model.target_tokens, metrics=["per"]).metrics["per"] == 0.5


def test_lower_cased_references_are_told_by_the_signature(tmp_path):
    roll, names = random.Random(1), ["Anna", "Otto", "Clara", "Tina", "Emil"]
    rows = [(f"{a} sees {b} now .", f"{a} sieht {b} jetzt .") for a, b in (roll.sample(names, 2) for _ in range(60))]
    run, _ = train(tmp_path, rows, source_tokenizer="word", target_tokenizer="word", lowercase=True)
    found = load_run(run.folder).evaluate([str(tmp_path / "train.tsv")])
    assert "case:lc" in found["signatures"]["bleu"] and "case:lc" in found["signatures"]["chrf"]
    chosen = load_run(run.folder).evaluate([str(tmp_path / "train.tsv")], EvaluationOptions(tokenize="char"))
    assert "tok:13a" in found["signatures"]["bleu"] and "tok:char" in chosen["signatures"]["bleu"]
    assert command(["evaluate", str(run.folder), str(tmp_path / "train.tsv"), "--tokenize", "cahr"]) == 2


def test_inflection_is_told_by_features_and_by_whether_training_saw_the_lemma(tmp_path, capsys):
    roll = random.Random(3)
    lemmas = sorted({"".join(roll.choice("bdgk") + roll.choice("aou") for _ in range(2)) for _ in range(60)})
    rows = [(lemma, lemma + ending, f"V;{tag}") for lemma in lemmas for ending, tag in (("t", "PST"), ("n", "PL"))]
    run, _ = train(tmp_path, rows, features=3, target_tokenizer="char")
    test = write(
        tmp_path / "test.tsv", [*rows[:10], ("mimi", "mimit", "V;PST"), ("mimi", "mimix", "V;PL"), ("lele", "lelex", "V;PL")]
    )
    words = ["evaluate", str(run.folder), test, "--train", str(tmp_path / "train.tsv")]
    assert command([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["targets"] == "words" and "bleu" not in found["metrics"]
    told = {each["name"]: each for each in found["by_features"]}
    assert (told["V;PST"]["items"], told["V;PL"]["items"]) == (6, 7) and found["by_features"][0]["name"] == "V;PL"
    assert sum(each["items"] * each["exact"] for each in told.values()) == pytest.approx(13 * found["metrics"]["exact"])
    assert {each["name"]: each["items"] for each in found["by_source"]} == {"unseen": 3, "seen": 10}
    assert command(words) == 0
    table = capsys.readouterr().out
    assert "V;PST" in table and "source in training" in table and "unseen" in table
