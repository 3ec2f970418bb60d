"""`regard check --fix`: a cleaned copy of each format; what is there already is never touched."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from regard.check.examine import examine
from regard.check.rewrite import rewrite
from regard.cli.main import run as command
from regard.data.images import write_png
from tests.cli import clean_files as clean
from tests.cli.test_check_faults import PRONUNCIATIONS, WORDS
from tests.cli.test_check_tasks import GOES_ON, TAGGED, renamed


def cleaned(folder: Path, name: str, text: str, **said: str) -> tuple[set[str], set[str], str]:
    """The kinds that are fixable before, all kinds after, and the copy; the file itself is as it was."""
    file, out = folder / name, folder / f"cleaned-{name}"
    file.write_text(text, "utf-8", newline="")
    report = examine([str(file)], task=said.get("task"))
    rewrite(report, out, report.files)
    assert file.read_bytes() == text.encode()
    after = examine([str(out)], task=report.case.task)
    fixable = {finding.kind for finding in report.findings if finding.fixable}
    return fixable, {finding.kind for finding in after.findings}, out.read_text("utf-8")


@pytest.mark.parametrize("fault", PRONUNCIATIONS)
def test_what_can_be_fixed_is_gone(tmp_path: Path, fault: str) -> None:
    damage, kind = PRONUNCIATIONS[fault]
    fixable, after, _ = cleaned(tmp_path, "words.tsv", damage(WORDS))
    assert not fixable & after
    assert kind not in after or kind not in fixable


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("caf&eacute; \tk a f e", ["café\tk a f e"]),
        ("cafÃ©\tk a f e", ["café\tk a f e"]),
        ("cafe\u0301\tk a f e ~ k a f ɛ", ["café\tk a f e", "café\tk a f ɛ"]),
        ("c\u0430fe\t/k a f e/", ["cafe\tk a f e"]),
        ("kate\t(en) k a: t\u00a0 e", ["kate\tk aː t e"]),
        ('"he said ""hi"""\th i', ['he said "hi"\th i']),
        ("# a comment", []),
        ("tryk", []),
        ("gate\tg ɛ 't", ["gate\tɡ ɛ ˈt"]),
    ],
)
def test_a_line_of_words_becomes(tmp_path: Path, line: str, right: list[str]) -> None:
    _, _, text = cleaned(tmp_path, "words.tsv", WORDS + line + "\n")
    assert text.split("\n")[len(WORDS.split("\n")) - 1 : -1] == right


def test_line_aligned_files_lose_the_same_lines(tmp_path: Path) -> None:
    pairs = clean.sentences(80)
    (tmp_path / "a.en").write_text("".join(f"{a} \n" for a, _ in pairs) + "\nlast\n", "utf-8")
    (tmp_path / "a.de").write_text("".join(f"{b}\n" for _, b in pairs) + "nichts\nletzte\n", "utf-8")
    out = tmp_path / "clean"
    assert command(["check", str(tmp_path / "a.en"), str(tmp_path / "a.de"), "--fix", str(out)]) == 0
    english, german = ((out / name).read_text("utf-8").splitlines() for name in ("a.en", "a.de"))
    assert list(zip(english, german, strict=True)) == [*pairs, ("last", "letzte")]


def test_json_lines_keep_their_other_keys(tmp_path: Path) -> None:
    rows = [{"source": a, "target": b, "id": i} for i, (a, b) in enumerate(clean.words(60))]
    rows[3]["target"] += " "
    _, after, text = cleaned(tmp_path, "words.jsonl", clean.jsonl(rows) + "{broken\n")
    made = [json.loads(line) for line in text.splitlines()]
    assert "ends" not in after and [row["id"] for row in made] == list(range(60)) and made[3]["target"] == clean.words(60)[3][1]


def test_csv_keeps_its_quotes_and_header(tmp_path: Path) -> None:
    rows = [["word", "pronunciation", "note"], *([a, b, 'seen, "twice"'] for a, b in clean.words(60))]
    text = "".join(f'{a},{b},"{c.replace(chr(34), chr(34) * 2)}"\n' if "," in c else f"{a},{b},{c}\n" for a, b, c in rows)
    _, _, made = cleaned(tmp_path, "words.csv", text.replace("\n", " \n", 3), task="transduce")
    assert made.splitlines()[0] == "word,pronunciation,note" and made.splitlines()[9] == text.splitlines()[9]


def test_labels_get_their_usual_spelling(tmp_path: Path) -> None:
    rows = [
        (text, label.upper() if i % 40 == 0 else label + " " * (i % 30 == 0)) for i, (text, label) in enumerate(clean.opinions())
    ]
    fixable, after, text = cleaned(tmp_path, "texts.tsv", clean.tsv(rows), task="classify")
    assert "label-spelling" in fixable and not after & {"label-spelling", "ends"}
    assert {line.split("\t")[1] for line in text.splitlines()} == {"praise", "blame", "question"}


def test_tags_get_their_scheme(tmp_path: Path) -> None:
    damaged = renamed(lambda i, a, b: (a, b.replace("B-", "I-") if i in GOES_ON[:3] else "o" if b == "O" and i % 30 == 0 else b))(
        TAGGED
    )
    fixable, after, text = cleaned(tmp_path, "a.conll", damaged)
    assert {"broken-spans", "outside"} <= fixable and not after & {"broken-spans", "outside"} and text == TAGGED


def test_a_series_is_sorted_and_each_time_there_once(tmp_path: Path) -> None:
    rows = clean.hours(200)
    damaged = [*rows[:50], rows[51], rows[50], *rows[52:90], rows[89], *rows[90:]]
    fixable, after, text = cleaned(tmp_path, "load.csv", clean.csv(damaged))
    assert {"time-order", "time-twice"} <= fixable and text == clean.csv(rows) and not after & {"time-order", "time-twice"}


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "words.tsv").write_text(WORDS, "utf-8")
    assert command(["check", str(tmp_path / "words.tsv"), "--fix", str(tmp_path / "words.tsv")]) == 2
    assert "which exists" in capsys.readouterr().err and (tmp_path / "words.tsv").read_text("utf-8") == WORDS


def test_from_a_messy_file_to_the_command_that_trains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "words.tsv").write_text("word\tpronunciation\n" + WORDS + "zut\tz y t \n", "utf-8")
    assert command(["check", str(tmp_path / "words.tsv"), "--fix", str(tmp_path / "clean.tsv")]) == 0
    said = capsys.readouterr().err
    assert "Next: regard train --train" in said and "data.target_tokenizer=space" in said and "data.source=word" in said


@pytest.mark.parametrize("name", ["captions.txt", "captions.csv"])
def test_captions_with_commas_of_their_own_stay(tmp_path: Path, name: str) -> None:
    """Flickr8k's form, which training reads: the last cell takes commas that stand in it without quotes."""
    for i in range(6):
        (tmp_path / f"{i}.png").write_bytes(write_png(np.full((8, 8, 3), 20 * i, np.uint8)))
    rows = [f"{i}.png,a red dog, and {what}" for i in range(6) for what in ("a cat", "a man")]
    _, after, copy = cleaned(tmp_path, name, "\n".join(["image,caption", *rows]) + "\n", task="caption")
    assert [line.replace('"', "") for line in copy.splitlines()] == ["image,caption", *rows]
    assert not after & {"no-image", "no-tabs", "too-few-columns"}


def test_a_copy_that_is_being_written_is_not_advised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "words.tsv"
    file.write_text(WORDS + "kate\tk a t \n", "utf-8")
    for words, advised in (([], True), (["--fix", str(tmp_path / "clean.tsv")], False)):
        assert command(["check", str(file), *words]) == 0
        assert ("A cleaned copy: regard check" in capsys.readouterr().out) == advised
