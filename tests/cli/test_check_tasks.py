"""Faults of the other tasks, planted in clean files; long, because it is tables of faults: labels, tags, questions, series, captions."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from regard.check import plain_text
from regard.check.examine import CheckReport, examine
from regard.check.form import StatedForm
from regard.data.images import write_png
from regard.tasks import registry
from regard.tasks.spec import Metric, TaskSpec
from tests.cli import clean_files as clean

Pairs = list[tuple[str, ...]]


def report(folder: Path, name: str, text: str, *, valid: str = "", **said: Any) -> CheckReport:
    """What is found in a file of such text, and in one of validation data."""
    file, other = folder / name, folder / f"valid-{name}"
    file.write_text(text, "utf-8")
    if valid:
        other.write_text(valid, "utf-8")
    return examine([str(file)], valid=[str(other)] if valid else (), **said)


def kinds(found: CheckReport) -> set[str]:
    return {finding.kind for finding in found.findings}


def some(rows: Pairs, numbers: tuple[int, ...], change: Callable[..., tuple[str, ...]]) -> Pairs:
    """Rows of which some are changed."""
    return [change(*row) if i in numbers else row for i, row in enumerate(rows)]


LABELS: dict[str, tuple[Callable[[Pairs], Pairs], str]] = {
    "one label only": (lambda rows: [(text, "praise") for text, _ in rows], "one-label"),
    "nearly all one label": (
        lambda rows: [(text, "praise" if i % 50 else "blame") for i, (text, _) in enumerate(rows)],
        "majority",
    ),
    "a label of two items": (lambda rows: some(rows, (3, 9), lambda text, _: (text, "irony")), "rare-label"),
    "labels in another case": (
        lambda rows: some(rows, tuple(range(0, 90, 7)), lambda text, label: (text, label.upper())),
        "label-spelling",
    ),
    "labels with a blank": (lambda rows: some(rows, (3, 9, 12, 40), lambda text, label: (text, label + " ")), "ends"),
    "a label with a slip": (lambda rows: some(rows, (8,), lambda text, _: (text, "qestion")), "label-slip"),
    "two labels of one text": (
        lambda rows: [*rows, *((text, "blame" if label == "praise" else "praise") for text, label in rows[:9])],
        "contradictions",
    ),
    "rows twice": (lambda rows: [*rows, *rows[:30]], "duplicates"),
    "an empty label": (lambda rows: some(rows, (7,), lambda text, _: (text, "")), "empty-target"),
    "a header": (lambda rows: [("text", "label"), *rows], "header"),
}


@pytest.mark.parametrize("fault", LABELS)
def test_a_fault_of_labels_is_found(tmp_path: Path, fault: str) -> None:
    damage, kind = LABELS[fault]
    rows: Pairs = list(clean.opinions())
    whole = report(tmp_path, "clean.tsv", clean.tsv(rows))
    assert whole.case.task == "classify" and kind not in kinds(whole) and whole.worst in (None, "note")
    assert kind in kinds(report(tmp_path, "texts.tsv", clean.tsv(damage(rows)), task="classify"))


def test_labels_of_validation_alone_and_labels_first(tmp_path: Path) -> None:
    rows = clean.opinions()
    found = report(tmp_path, "a.tsv", clean.tsv(rows), valid="lovely bread\tirony\nold bridge\tpraise\n", task="classify")
    assert "label-only-valid" in kinds(found)
    turned = report(tmp_path, "b.tsv", clean.tsv((b, a) for a, b in rows), task="classify")
    assert "data.source: 2" in turned.config and "data.target: 1" in turned.config
    said = report(
        tmp_path, "c.tsv", clean.tsv((b, a) for a, b in rows), task="classify", given=StatedForm(source=1, target=2, fixed=True)
    )
    assert "swapped" in kinds(said) and said.worst == "error"


RATINGS: dict[str, tuple[Callable[[Pairs], Pairs], str]] = {
    "a rating out of range": (lambda rows: some(rows, (9,), lambda a, b, _: (a, b, "50.0")), "rating-range"),
    "a rating that is a word": (lambda rows: some(rows, (9,), lambda a, b, _: (a, b, "high")), "no-rating"),
    "one rating for all": (lambda rows: [(a, b, "2.5") for a, b, _ in rows], "one-label"),
    "two ratings of a pair": (lambda rows: [*rows, (rows[4][0], rows[4][1], "0.3")], "contradictions"),
}


@pytest.mark.parametrize("fault", RATINGS)
def test_a_fault_of_ratings_is_found(tmp_path: Path, fault: str) -> None:
    damage, kind = RATINGS[fault]
    rows: Pairs = list(clean.ratings())
    whole = report(tmp_path, "clean.tsv", clean.tsv(rows))
    assert whole.case.task == "pair" and kind not in kinds(whole) and whole.worst in (None, "note")
    assert kind in kinds(report(tmp_path, "pairs.tsv", clean.tsv(damage(rows)), task="pair"))


def renamed(change: Callable[[int, str, str], tuple[str, str]]) -> Callable[[str], str]:
    """Changes tokens and tags, line by line."""

    def damage(text: str) -> str:
        lines = text.split("\n")
        return "\n".join("\t".join(change(i, *line.split("\t"))) if line else "" for i, line in enumerate(lines))

    return damage


def spans(text: str) -> list[int]:
    """The lines on which a span begins that goes on."""
    lines = text.split("\n")
    return [i for i, line in enumerate(lines[:-1]) if "\tB-" in line and "\tI-" in lines[i + 1]]


TAGGED = clean.conll(clean.tagged())
GOES_ON = spans(TAGGED)
ALONE = next(i for i, line in enumerate(TAGGED.split("\n")) if "\tB-LOC" in line and i not in GOES_ON)
BIOES = {"B": "S", "I": "E"}
TAGS: dict[str, tuple[Callable[[str], str], str]] = {
    "I without B": (renamed(lambda i, a, b: (a, b.replace("B-", "I-") if i in GOES_ON[:3] else b)), "broken-spans"),
    "the kind changes inside": (
        renamed(lambda i, a, b: (a, b.replace("I-LOC", "I-PER") if i - 1 in GOES_ON[:4] else b)),
        "broken-spans",
    ),
    "IOB1": (renamed(lambda i, a, b: (a, b.replace("B-", "I-"))), "broken-spans"),
    "small o": (renamed(lambda i, a, b: (a, "o" if b == "O" and i % 20 == 0 else b)), "outside"),
    "zero for O": (renamed(lambda i, a, b: (a, "0" if b == "O" and i % 20 == 0 else b)), "outside"),
    "one tag only": (renamed(lambda i, a, b: (a, "O")), "one-tag"),
    "no scheme": (renamed(lambda i, a, b: (a, b.removeprefix("B-").removeprefix("I-"))), "no-scheme"),
    "some without B": (renamed(lambda i, a, b: (a, b.removeprefix("B-") if i % 7 == 0 else b)), "mixed-schemes"),
    "BIOES in some": (renamed(lambda i, a, b: (a, BIOES[b[0]] + b[1:] if b != "O" and i > 900 else b)), "mixed-schemes"),
    "tags in another case": (renamed(lambda i, a, b: (a, b.replace("LOC", "loc") if i % 9 == 0 else b)), "label-spelling"),
    "a tag with a slip": (renamed(lambda i, a, b: (a, b.replace("LOC", "LCO") if i == ALONE else b)), "label-slip"),
    "a token without a tag": (renamed(lambda i, a, b: (a, "" if i == 40 else b)), "no-tag"),
    "blank in a token": (renamed(lambda i, a, b: ("25\u00a0000" if i == 40 else a, b)), "blank-in-token"),
    "no empty lines": (lambda text: text.replace("\n\n", "\n"), "one-sentence"),
    "numbers as tokens": (renamed(lambda i, a, b: (str(i % 9 + 1), b)), "tokens-are-numbers"),
    "a third column in a line": (renamed(lambda i, a, b: (a, f"x\t{b}" if i == 44 else b)), "odd-columns"),
    "sentences twice": (lambda text: text + text[: text.index("\n\n") + 2], "duplicates"),
}


@pytest.mark.parametrize("fault", TAGS)
def test_a_fault_of_tags_is_found(tmp_path: Path, fault: str) -> None:
    damage, kind = TAGS[fault]
    whole = report(tmp_path, "clean.conll", TAGGED)
    assert kind not in kinds(whole) and whole.worst in (None, "note")
    assert kind in kinds(report(tmp_path, "damaged.conll", damage(TAGGED)))


FORMS: dict[str, Callable[[int, str, str], str]] = {  # of files that training reads as they are
    "CoNLL-U by its rows": lambda i, a, b: f"{i}\t{a}\t{a}\t{b}\t_\t_\t0\troot\t_\t_",
    "GermEval 2014": lambda i, a, b: f"{i}\t{a}\t{b}\tO",
    "a no-break space within a token, and blanks between columns": lambda i, a, b: f"{a}\u00a0{i} {b}",
}


@pytest.mark.parametrize("form", FORMS)
def test_columns_are_those_that_training_takes(tmp_path: Path, form: str) -> None:
    head = "#\thttp://a [2009]\n" if form.startswith("GermEval") else ""
    sentences = [[line.split("\t") for line in block.split("\n")] for block in TAGGED.strip().split("\n\n")]
    blocks = ["\n".join(FORMS[form](i, *cells) for i, cells in enumerate(rows, 1)) for rows in sentences]
    found = report(tmp_path, "tagged.tsv", "\n\n".join(head + block for block in blocks) + "\n", task="tag")
    assert kinds(found) <= {*kinds(report(tmp_path, "clean.conll", TAGGED)), "blank-in-token", "comments"}
    assert found.rows == len(sentences)


def test_an_ideographic_space_may_be_a_token(tmp_path: Path) -> None:
    text = TAGGED.replace("\n\n", "\n\u3000\tO\n\n", 3)
    found = report(tmp_path, "spaces.tsv", text, task="tag")
    assert not {"no-tag", "ends"} & kinds(found)


def test_sentences_of_both_sets_and_counts_that_differ(tmp_path: Path) -> None:
    assert {"shared"} <= kinds(report(tmp_path, "a.conll", TAGGED, valid=TAGGED[: TAGGED.index("\n\n") + 2]))
    (tmp_path / "a.in").write_text("a dog\nthe house\n" * 40, "utf-8")
    (tmp_path / "a.out").write_text("O B-X\nO\n" * 40, "utf-8")
    found = examine([str(tmp_path / "a.in"), str(tmp_path / "a.out")], task="tag")
    assert "tag-count" in kinds(found) and found.bad.count == 40


Records = list[dict[str, Any]]


def asked(numbers: tuple[int, ...], change: Callable[[dict[str, Any]], Any]) -> Callable[[Records], Records]:
    def damage(records: Records) -> Records:
        for number in numbers:
            change(records[number])
        return records

    return damage


QUESTIONS: dict[str, tuple[Callable[[Records], Records], str]] = {
    "a wrong offset": (asked((4,), lambda one: one["answers"][0].update(answer_start=2)), "answer"),
    "an answer that is not there": (asked((4,), lambda one: one["answers"][0].update(text="Timbuktu")), "answer"),
    "an answer inside a word": (
        asked((4, 5, 6, 7), lambda one: one["answers"][0].update(text=one["answers"][0]["text"][:-1])),
        "answer-inside-word",
    ),
    "no answers": (asked((4,), lambda one: one.pop("answers")), "missing-key"),
    "an empty list of answers": (asked((4,), lambda one: one["answers"].clear()), "no-answer"),
    "two answers to one question": (
        lambda records: [
            *records,
            {**records[3], "answers": [{"text": "train", "answer_start": records[3]["context"].index("train")}]},
        ],
        "contradictions",
    ),
}


@pytest.mark.parametrize("fault", QUESTIONS)
def test_a_fault_of_questions_is_found(tmp_path: Path, fault: str) -> None:
    damage, kind = QUESTIONS[fault]
    whole = report(tmp_path, "clean.jsonl", clean.jsonl(clean.questions()))
    assert whole.case.task == "read" and kind not in kinds(whole) and whole.worst in (None, "note")
    assert kind in kinds(report(tmp_path, "asked.jsonl", clean.jsonl(damage(copy.deepcopy(clean.questions())))))


@pytest.mark.parametrize("at", [0, 1])
def test_a_fault_of_questions_names_its_own_file(tmp_path: Path, at: int) -> None:
    """Of several files, whose names begin alike: faults of a line, of an answer, and what only a look at all questions finds."""
    records = clean.questions()
    halves = records[: len(records) // 2], records[len(records) // 2 :]
    halves[at][5]["question"] += " \u200b?"
    halves[at][6]["answers"][0].update(answer_start=2)
    halves[at][7]["answers"][0]["text"] = halves[at][7]["answers"][0]["text"][:-1]
    files = [tmp_path / "asked.json", tmp_path / "asked.jsonl"]
    for file, some in zip(files, halves, strict=True):
        file.write_text(clean.jsonl(some), "utf-8")
    found = examine([str(file) for file in files], task="read").findings
    told = {finding.kind: [(place.file, place.line) for place in finding.seen] for finding in found}
    assert told["zero-width"] == [(str(files[at]), 6)]
    assert told["answer"] == [(str(files[at]), 7)]
    assert told["answer-inside-word"] == [(str(files[at]), 8)]


Table = list[list[str]]


def column(number: int, change: Callable[[int, str], str]) -> Callable[[Table], Table]:
    """Changes a column, row by row; the header stays."""
    return lambda rows: [
        rows[0],
        *([*row[:number], change(i, row[number]), *row[number + 1 :]] for i, row in enumerate(rows[1:])),
    ]


def times(step: Callable[[int], datetime]) -> Callable[[Table], Table]:
    return column(0, lambda i, _: step(i).isoformat(" ", "minutes"))


def autumn(i: int) -> datetime:
    """Hours on a wall in Berlin, in October: 02:00 comes twice."""
    return datetime(2024, 10, 20) + timedelta(hours=i - (i > 170))


def spring(i: int) -> datetime:
    """Hours on a wall in Berlin, in March: 02:00 does not come."""
    return datetime(2024, 3, 24) + timedelta(hours=i + (i > 169))


SERIES: dict[str, tuple[Callable[[Table], Table], str]] = {
    "a constant column": (column(2, lambda i, x: "14.62"), "constant"),
    "a column that hardly changes": (column(2, lambda i, x: "3" if i < 390 else "4"), "nearly-constant"),
    "rows are missing": (lambda rows: rows[:100] + rows[105:], "time-gap"),
    "a row twice": (lambda rows: [*rows[:100], rows[99], *rows[100:]], "time-twice"),
    "rows in disorder": (lambda rows: [*rows[:100], rows[101], rows[100], *rows[102:]], "time-order"),
    "a clock change in autumn": (times(autumn), "clock-change"),
    "a clock change in spring": (times(spring), "clock-change"),
    "-999 for missing": (column(1, lambda i, x: "-999" if i in (7, 90) else x), "fill-value"),
    "netCDF's fill value": (column(1, lambda i, x: "9.96921e+36" if i in (7, 90) else x), "fill-value"),
    "NaN": (column(1, lambda i, x: "NaN" if i == 7 else x), "no-number"),
    "an empty cell": (column(1, lambda i, x: "" if i == 7 else x), "no-number"),
    "a level that float32 cannot hold": (column(1, lambda i, x: f"{1234567 + float(x) / 50:.2f}"), "level"),
    "too few rows": (lambda rows: rows[:60], "too-few-rows"),
    "a cell too many": (lambda rows: [*rows[:9], [*rows[9], "1"], *rows[10:]], "cells"),
    "a spike": (column(1, lambda i, x: "50000" if i == 7 else x), "spike"),
    "a sensor that hung": (column(1, lambda i, x: "51.5" if 100 < i < 160 else x), "stuck"),
    "two columns alike": (lambda rows: [[*row, row[1] if i else "again"] for i, row in enumerate(rows)], "same-columns"),
    "times in two ways": (column(0, lambda i, x: "01.02.2024 03:00" if i == 9 else x), "time-unreadable"),
}


@pytest.mark.parametrize("fault", SERIES)
def test_a_fault_of_series_is_found(tmp_path: Path, fault: str) -> None:
    damage, kind = SERIES[fault]
    whole = report(tmp_path, "clean.csv", clean.csv(clean.hours()))
    assert whole.case.task == "forecast" and kind not in kinds(whole) and whole.worst in (None, "note")
    assert kind in kinds(report(tmp_path, "load.csv", clean.csv(damage(clean.hours()))))


@pytest.mark.parametrize("step", [timedelta(days=1), timedelta(hours=1)])
def test_offsets_that_change_are_no_gaps(tmp_path: Path, step: timedelta) -> None:
    """Days as long as they are on the wall, hours as they are in the world: as a training takes both."""
    here, begin = ZoneInfo("Europe/Berlin"), datetime(2024, 10, 20, tzinfo=UTC if step < timedelta(days=1) else None)
    at = [(begin + i * step).astimezone(here) if begin.tzinfo else (begin + i * step).replace(tzinfo=here) for i in range(220)]
    rows = [["date", "load"], *([time.isoformat(), f"{i % 9 + i / 70:.2f}"] for i, time in enumerate(at))]
    assert not kinds(report(tmp_path, "load.csv", clean.csv(rows))) & {"time-gap", "time-twice", "time-order"}
    assert "time-gap" in kinds(report(tmp_path, "gap.csv", clean.csv(rows[:9] + rows[11:])))


def test_weekends_are_no_fault_where_gaps_are_ignored(tmp_path: Path) -> None:
    days = [day for i in range(400) if (day := datetime(2024, 1, 1) + timedelta(days=i)).weekday() < 5]
    rows = [["date", "close"], *([f"{day:%Y-%m-%d}", f"{100 + i % 9 + i / 7:.2f}"] for i, day in enumerate(days))]
    ignored = report(tmp_path, "close.csv", clean.csv(rows), given=StatedForm(gaps="ignore"))
    assert ignored.worst == "note" and "Weekends are left out." in {finding.what for finding in ignored.findings}
    assert (
        "forecast.gaps: ignore" in report(tmp_path, "close.csv", clean.csv(rows)).config
    )  # without which a training refuses them


def captions(folder: Path) -> Pairs:
    """Small images and what they show."""
    rows: Pairs = []
    for i in range(12):
        (folder / f"{i}.png").write_bytes(write_png(np.full((8, 8, 3), 20 * i, np.uint8)))
        rows.append((f"{i}.png", f"a grey square number {i}"))
    return rows


def with_image(raw: bytes) -> Callable[[Path, Pairs], Pairs]:
    """Other bytes in one of the images."""

    def damage(folder: Path, rows: Pairs) -> Pairs:
        (folder / "3.png").write_bytes(raw)
        return rows

    return damage


CAPTIONS: dict[str, tuple[Callable[[Path, Pairs], Pairs], str]] = {
    "an image that is missing": (lambda folder, rows: [*rows, ("no.png", "nothing")], "no-image"),
    "an image that does not open": (with_image(b"\x89PNG broken"), "no-image"),
    "sizes that differ": (with_image(write_png(np.zeros((9, 8, 3), np.uint8))), "image-size"),
    "an empty caption": (lambda folder, rows: [*rows[:5], (rows[5][0], ""), *rows[6:]], "empty-target"),
}


@pytest.mark.parametrize("fault", CAPTIONS)
def test_a_fault_of_captions_is_found(tmp_path: Path, fault: str) -> None:
    damage, kind = CAPTIONS[fault]
    rows = captions(tmp_path)
    whole = report(tmp_path, "clean.tsv", clean.tsv(rows), task="caption")
    assert kind not in kinds(whole) and whole.worst in (None, "note")
    assert kind in kinds(report(tmp_path, "images.tsv", clean.tsv(damage(tmp_path, rows)), task="caption"))


def test_captions_as_flickr_and_coco_have_them(tmp_path: Path) -> None:
    rows = captions(tmp_path)
    numbered = [(f"{name}#{i}", text) for name, text in rows for i in range(2)]
    assert "no-image" not in kinds(report(tmp_path, "flickr.tsv", clean.tsv(numbered), task="caption"))
    assert "no-image" in kinds(report(tmp_path, "none.tsv", clean.tsv([*numbered, ("no.png#0", "nothing")]), task="caption"))
    images = [{"id": i, "file_name": name} for i, (name, _) in enumerate(rows)]
    said = [{"image_id": i, "caption": text} for i, (_, text) in enumerate(rows)]
    found = report(tmp_path, "coco.json", json.dumps({"images": images, "annotations": said}), task="caption")
    assert found.rows == len(rows) and found.worst in (None, "note")
    lost = json.dumps({"images": [*images[:-1], {"id": len(rows) - 1, "file_name": "no.png"}], "annotations": said})
    assert "no-image" in kinds(report(tmp_path, "lost.json", lost, task="caption"))


def test_arrays_with_another_number_of_rows(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", features=np.zeros((3, 4, 5), np.float32))
    (tmp_path / "a.txt").write_text("one\ntwo\n", "utf-8")
    found = examine([str(tmp_path / "a.txt"), str(tmp_path / "a.npz")], task="caption")
    assert "line-counts" in kinds(found) and found.worst == "error"


JSON = [{"source": a, "target": b} for a, b in clean.words()]
OBJECTS: dict[str, tuple[Callable[[list[str]], list[str]], str]] = {
    "a broken object": (lambda lines: [*lines[:5], lines[5][:-2], *lines[6:]], "no-json"),
    "a key that is missing": (lambda lines: [*lines[:5], '{"source": "x"}', *lines[6:]], "missing-key"),
    "a number for a text": (lambda lines: [*lines[:5], '{"source": 7, "target": "a"}', *lines[6:]], "no-string"),
    "an empty text": (lambda lines: [*lines[:5], '{"source": "", "target": "a"}', *lines[6:]], "empty-source"),
    "a blank at an end": (lambda lines: [*lines[:5], json.dumps({"source": "zo ", "target": "z ɔ"}), *lines[6:]], "ends"),
}


@pytest.mark.parametrize("fault", OBJECTS)
def test_a_fault_of_json_lines_is_found(tmp_path: Path, fault: str) -> None:
    damage, kind = OBJECTS[fault]
    text = clean.jsonl(JSON)
    whole = report(tmp_path, "clean.jsonl", text)
    assert kind not in kinds(whole) and whole.worst in (None, "note")
    assert kind in kinds(report(tmp_path, "damaged.jsonl", "\n".join(damage(text.strip().split("\n"))) + "\n"))


SHOUT = TaskSpec("shout", "writes it larger", "a.module:Class", {"loss": Metric("nats", lower=True)}, uses=())


def test_a_task_that_brings_no_checks_has_columns_of_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cast(dict[str, str], registry.TASKS), "shout", f"{__name__}:SHOUT")
    rows = [(f"word {i}", f"WORD {i}" + " " * (i == 7)) for i in range(50)]
    found = report(tmp_path, "a.tsv", clean.tsv(rows), task="shout", valid=clean.tsv([("other", "OTHER")]))
    assert found.rows == 50 and "ends" in kinds(found) and found.worst != "error"


def test_texts_too_large_to_be_read_again_are_not_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_text, "LARGE", 100)
    text = "".join(f"This is sentence {i} of a text.\n" for i in range(90))
    assert "refused" not in kinds(report(tmp_path, "a.txt", text, task="language", valid=text.replace("text", "tale")))
