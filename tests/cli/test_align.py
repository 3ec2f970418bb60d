"""`regard align`, `predict --alignment` and guided alignment, on a language that turns its words round; long because all share two runs."""

from __future__ import annotations

import json
import random
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import regard
from regard import runs
from regard.cli.main import run
from regard.config import read_config
from regard.core.errors import ConfigError, DataError
from regard.data.word_links import pharaoh, read_links
from regard.tasks.align_pairs import LookChoice, align, as_pair_model, read_aligned_pairs
from regard.tasks.load_run import load_run
from regard.tasks.word_looks import force_looks

WORDS = {
    "casa": "house",
    "mar": "sea",
    "sol": "sun",
    "pan": "bread",
    "luz": "light",
    "rio": "river",
    "gato": "cat",
    "flor": "bloom",
}
RECURRENT = {"encoder": "bigru", "decoder": "gru", "embedding": 16, "size": 24, "dropout": 0.0}
TRANSFORMER = {
    "family": "transformer",
    "size": 16,
    "heads": 2,
    "feedforward": 24,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "dropout": 0.0,
}


def pairs(seed: int, count: int) -> list[tuple[str, str, str]]:
    """Source, target (its words, turned round), and their links."""
    by, made = random.Random(seed), []
    for _ in range(count):
        words = by.choices(list(WORDS), k=by.randint(2, 5))
        links = " ".join(f"{i}-{len(words) - 1 - i}" for i in range(len(words)))
        made.append((" ".join(words), " ".join(WORDS[w] for w in reversed(words)), links))
    return made


def write(folder: Path, name: str, rows: list[tuple[str, str, str]], *, turned: bool = False) -> list[str]:
    for ending, column in (("es", 0), ("en", 1), ("links", 2)):
        (folder / f"{name}.{ending}").write_text("".join(f"{row[column]}\n" for row in rows), "utf-8")
    files = [str(folder / f"{name}.{ending}") for ending in ("es", "en")]
    return files[::-1] if turned else files


def train(folder: Path, name: str, *, turned: bool = False, guided: bool = False, model: dict | None = None, **more) -> Path:
    data = {
        "train": write(folder, "train", pairs(1, 120), turned=turned),
        "valid": write(folder, "valid", pairs(2, 12), turned=turned),
    }
    data |= {"source_tokenizer": "char", "target_tokenizer": "bpe(45)"}
    settings = {"epochs": 2, "batch_tokens": 150, "learning_rate": 1e-2, "metric": "loss", "samples": 0, "label_smoothing": 0.0}
    settings |= {"guided_alignment": str(folder / "train.links"), "guided_weight": 1.0} if guided else {}
    values = {"data": data, "model": model or RECURRENT, "train": {**settings, **more}}
    runs.train(read_config(values), folder / name, say=lambda line: None)
    return folder / name


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("align")
    train(made, "plain")
    train(made, "guided", guided=True)
    train(made, "back", turned=True)
    train(made, "transformer", model=TRANSFORMER, guided=True, epochs=1)
    write(made, "valid", pairs(2, 12))
    return made


def valid(folder: Path) -> list[str]:
    return [str(folder / f"valid.{ending}") for ending in ("es", "en")]


def figures(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"(?m)^(\w+) +([\d.]+)", text)}


def test_guiding_makes_alignments_right(folder, capsys):
    """After as many updates as make the look of the other model no better than chance."""
    rates = {}
    for name in ("plain", "guided"):
        assert (
            run(
                [
                    "align",
                    str(folder / name),
                    *valid(folder),
                    "--gold",
                    str(folder / "valid.links"),
                    "--quiet",
                    "--out",
                    str(folder / f"{name}.out"),
                ]
            )
            == 0
        )
        rates[name] = figures(capsys.readouterr().out)["aer"]
    assert rates["guided"] < 0.35 and rates["guided"] < rates["plain"] - 0.3, rates


def test_what_is_written(folder, tmp_path, capsys):
    """All formats say the same, in the words of the files, and `--out` the same as stdout."""
    words = ["align", str(folder / "guided"), *valid(folder), "--quiet"]
    assert run(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 12 and run([*words, "--out", str(tmp_path / "links")]) == 0 and not capsys.readouterr().out
    assert (tmp_path / "links").read_text("utf-8").splitlines() == lines
    assert run([*words, "--format", "tsv"]) == 0
    table = [row.split("\t") for row in capsys.readouterr().out.splitlines()]
    assert run([*words, "--format", "jsonl"]) == 0
    told = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
    for number, (line, record, (source, target, _)) in enumerate(zip(lines, told, pairs(2, 12), strict=True), 1):
        assert record["source"] == source.split() and record["target"] == target.split() and record["line"] == number
        assert pharaoh(map(tuple, record["links"])) == line
        weights = np.array(record["weights"])
        assert weights.shape == (len(target.split()), len(source.split())) and (weights.sum(1) <= 1 + 1e-5).all()
        rows = [row for row in table if row[0] == str(number)]
        assert [f"{row[1]}-{row[2]}" for row in rows] == line.split()
        for _, i, j, word, other, weight in rows:
            assert (word, other) == (source.split()[int(i)], target.split()[int(j)]) and float(weight) == pytest.approx(
                weights[int(j), int(i)], abs=2e-6
            )


def test_python_aligns_as_the_command_does(folder, capsys):
    files = write(folder, "spoken", pairs(9, 6))
    assert run(["align", str(folder / "guided"), *files, "--head", "0", "--shift", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    given = list(zip(*(Path(file).read_text("utf-8").splitlines() for file in files), strict=True))
    found = regard.load(folder / "guided").align(given, head=0, shift=1)
    assert [pharaoh(pair.links) for pair in found] == lines
    assert found[0].source == tuple(given[0][0].split()) and found[0].weights.shape == (
        len(found[0].target),
        len(found[0].source),
    )
    with pytest.raises(DataError, match="a source and a target"):
        regard.load(folder / "guided").align([{"source": "casa"}])


def test_forced_decoding_is_where_a_prediction_looked(folder):
    """Of a pair that the model itself wrote: the same weights, characters summed into words, end marks left out."""
    model, tried = as_pair_model(load_run(folder / "guided")), 0
    for source, _, _ in pairs(2, 12):
        (best,) = regard.load(folder / "guided").predict([source], beam=1)
        if not best.text.strip():
            continue
        (items,) = [[model.pair((source, best.text))]]
        (look,) = force_looks(model, items)
        got = look.weights["decoder.0.cross"][0, 0]
        whole = best.attention["decoder.0.cross"][0]
        writer = model.tokenizers[1]
        if tuple(writer.tokens(writer.encode(best.text))) != best.tokens:
            continue  # written in other pieces than the text is cut into, or cut off
        tried += 1
        starts = np.cumsum([0, *(len(word) + 1 for word in source.split())])
        columns = [whole[:, a : b - 1].sum(1) for a, b in pairwise(starts)]
        numbers, number = [], -1
        for token in best.tokens[:-1]:
            number += token.startswith("▁") or number < 0
            numbers.append(-1 if token == "▁" else number)  # a space alone is of no word
        want = [[column[: len(numbers)][np.array(numbers) == j].mean() for column in columns] for j in range(number + 1)]
        np.testing.assert_allclose(got, want, atol=1e-5)
    assert tried


def test_the_next_step_is_another_look(folder):
    model = as_pair_model(load_run(folder / "transformer"))
    items = read_aligned_pairs(model, valid(folder))
    (first, *_) = force_looks(model, items[:3])
    assert set(first.weights) == {"decoder.0.cross", "decoder.1.cross"}
    both = first.weights["decoder.1.cross"]
    assert both.shape[:2] == (2, 2) and not np.allclose(both[:, 0], both[:, 1])
    for size in (1, 12):
        again = [look.weights["decoder.1.cross"] for look in force_looks(model, items[:size])]
        np.testing.assert_allclose(again[0], both, atol=1e-5)


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_pair_that_is_too_long_is_refused(folder, side):
    """Where positions bound what a model reads and writes."""
    model = as_pair_model(load_run(folder / "transformer"))
    model.room = model.room._replace(**{side: 4})
    with pytest.raises(
        DataError, match=rf"valid.es:1: expected a {side} of at most 4 tokens, which this model knows; received \d+"
    ):
        list(force_looks(model, read_aligned_pairs(model, valid(folder))))


def test_the_best_head_and_shift_are_chosen_on_gold_that_no_figure_counts(folder, tmp_path, capsys):
    write(tmp_path, "first", pairs(2, 5))
    words = [
        "align",
        str(folder / "transformer"),
        *valid(folder),
        "--head",
        "best",
        "--shift",
        "auto",
        "--gold",
        str(folder / "valid.links"),
    ]
    assert run([*words, "--valid-gold", str(tmp_path / "first.links"), "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr()
    assert re.search(r"decoder\.1\.cross, head (mean|0|1), shift [01]: AER \d\.\d{3} on the first 5 pairs \(of 6 ways", shown.err)
    assert figures(shown.out)["pairs"] == 7


def test_two_directions(folder, capsys):
    words = ["align", str(folder / "guided"), *valid(folder), "--reverse", str(folder / "back"), "--quiet"]
    found = {}
    for way in ("intersection", "grow-diag-final-and", "union"):
        assert run([*words, "--symmetrize", way]) == 0
        found[way] = capsys.readouterr().out.splitlines()
    assert run(words) == 0 and capsys.readouterr().out.splitlines() == found["grow-diag-final-and"]
    for least, some, most in zip(*found.values(), strict=True):
        assert {*least.split()} <= {*some.split()} <= {*most.split()}
    model = as_pair_model(load_run(folder / "guided"))
    alone = list(align(model, read_aligned_pairs(model, valid(folder)), LookChoice(), print))
    assert all({*pharaoh(a.links).split()} <= {*most.split()} for a, most in zip(alone, found["union"], strict=True))


def test_predictions_are_aligned(folder, tmp_path, capsys):
    source = tmp_path / "in.es"
    source.write_text("".join(f"{row[0]}\n" for row in pairs(3, 4)) + "\n", "utf-8")
    assert run(["predict", str(folder / "guided"), str(source), "--alignment", str(tmp_path / "links"), "--quiet"]) == 0
    texts, found = capsys.readouterr().out.splitlines(), [x for _, x in read_links(str(tmp_path / "links"))]
    assert len(found) == len(texts) == 5 and not found[-1]
    for text, (row, _, _), links in zip(texts[:-1], pairs(3, 4), found, strict=False):
        assert {j for _, j in links} == set(range(len(text.split()))) and all(i < len(row.split()) for i, _ in links)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--symmetrize", "union"], "--symmetrize: expected a run of the other direction"),
        (["--head", "best"], "expected gold links to choose by"),
        (["--shift", "auto"], "expected gold links to choose by"),
        (["--head", "x"], "--head: expected a number from 0, mean or best; received 'x'"),
        (["--head", "1"], "head: expected 0 to 0, the heads of decoder.0.cross; received 1"),
        (["--look", "decoder.3.cross"], "look: expected one of decoder.0.cross; received 'decoder.3.cross'.*Did you mean"),
        (["--gold", "{}/short"], "expected 12 lines, one for each pair; received 1"),
        (["--gold", "{}/valid.links", "--base", "1"], "valid.links:1: expected words counted from 1; received '0-"),
        (["--gold", "{}/outside"], "outside:1: expected links within . source and . target words"),
        (["--gold", "{}/none"], "none: expected a file"),
        (["--head", "best", "--gold", "{0}/valid.links", "--valid-gold", "{0}/valid.links"], "fewer lines than the 12 of --gold"),
    ],
)
def test_bad_input_is_told(folder, capsys, words, told):
    (folder / "short").write_text("0-0\n", "utf-8")
    (folder / "outside").write_text("0-0\n" * 12, "utf-8")
    (folder / "outside").write_text("30-0\n" + "0-0\n" * 11, "utf-8")
    assert run(["align", str(folder / "plain"), *valid(folder), *(word.format(folder) for word in words)]) == 2
    shown = capsys.readouterr()
    assert re.search(told, shown.err, re.S) and not shown.out, shown.err


def test_files_that_are_not_line_for_line(folder, tmp_path, capsys):
    (tmp_path / "a.es").write_text("casa\n\n", "utf-8")
    (tmp_path / "a.en").write_text("house\nsea\n", "utf-8")
    assert run(["align", str(folder / "plain"), str(tmp_path / "a.es"), str(tmp_path / "a.en")]) == 2
    assert "a.es:2" in capsys.readouterr().err


def test_a_guide_that_does_not_fit(folder, tmp_path):
    with pytest.raises(ConfigError, match=r"train.guided_alignment: expected an attention, to be guided"):
        train(tmp_path, "none", guided=True, model={**RECURRENT, "attention": "none"})
    with pytest.raises(ConfigError, match="expected weights that have a gradient; received hard, which draws them"):
        train(tmp_path, "hard", guided=True, model={**RECURRENT, "attention": {"weighting": "hard"}})
    with pytest.raises(ConfigError, match=r"train.guided_weight.*expected a guided_alignment, which it is of"):
        train(tmp_path, "weight", guided_weight=2.0)
    for name, text, told in (
        ("short", "0-0\n", "expected 120 lines, one for each of the training data; received 1"),
        ("outside", "9-0\n" + "0-0\n" * 119, "outside:1: expected links within"),
        ("broken", "0:0\n" * 120, "broken:1: expected links i-j"),
    ):
        (tmp_path / name).write_text(text, "utf-8")
        with pytest.raises(DataError, match=told):
            train(tmp_path, f"run-{name}", guided_alignment=str(tmp_path / name))


def test_a_guided_run_goes_on_and_its_guide_is_part_of_it(tmp_path):
    folder = train(tmp_path, "run", guided=True, epochs=1)
    guide = tmp_path / "train.links"
    guide.write_text("0-0\n" + guide.read_text("utf-8").partition("\n")[2], "utf-8")
    values = regard.load(folder).config
    with pytest.raises(regard.RegardError, match="other data"):
        runs.train(values, folder, resume=True, say=lambda line: None)
