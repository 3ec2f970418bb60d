"""What a training refuses is an error of the data doctor, and what a training takes is none; long, because it is a table of faults."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from regard.check.examine import examine
from regard.check.from_config import given
from regard.config import load_config
from regard.config.data_files import resolve_files
from regard.core.errors import RegardError
from regard.data.images import write_png
from regard.tasks import registry
from tests.cli import clean_files as clean
from tests.cli.test_check_tasks import GOES_ON, TAGGED, column, renamed

WORDS = clean.words(80)
TABLE, CSV = clean.tsv(WORDS), "word,pronunciation\n" + "".join(f"{a},{b}\n" for a, b in WORDS)
PAIRS = [{"source": a, "target": b} for a, b in WORDS]
LABELS = clean.opinions(60)
RATED = clean.ratings(60)
TEXTS = [{"text": a, "label": b} for a, b in LABELS]
BLANK = clean.tsv((a, "x" + " " * (i % 2)) for i, (a, _) in enumerate(LABELS))
COUPLES = [{"premise": a, "hypothesis": b, "label": c} for a, b, c in RATED]
SEVERAL = '{"premise": "a", "hypothesis": "b", "label": ["x"]}'
SENTENCES = clean.tagged(40)
TOKENS = [{"tokens": [a for a, _ in rows], "tags": [b for _, b in rows]} for rows in SENTENCES]
ASKED = clean.questions(20)
BLANKS = [{"doc": f"the dog {i} sees the cat", "query": "the XXXXX sees the cat", "answer": "dog"} for i in range(20)]
HOURS = clean.hours(200)
LONG = [["unique_id", "ds", "y"], *([f"s{k}", row[0], row[1]] for k in range(3) for row in HOURS[1:60])]
STORES = [["date", "sales", "store"], *([row[0], row[1], f"s{k}"] for k in range(3) for row in HOURS[1:60])]
SHOWN = [(f"{i}.png", f"a grey square number {i}") for i in range(8)]
TEXT = "\n".join(a for a, _ in clean.sentences(60)) + "\n"
WINDOW = ("forecast.past=24", "forecast.ahead=6")
Files = dict[str, str | bytes]


def with_line(records: Sequence[object], *more: str) -> str:
    """JSON lines, and others behind them."""
    return clean.jsonl(records) + "".join(f"{line}\n" for line in more)


def conllu(change: Callable[[str], str] = lambda text: text) -> str:
    blocks = [
        "".join(f"{i}\t{a}\t{a}\t{'DET' if b == 'O' else 'NOUN'}\t_\t_\t0\troot\t_\t_\n" for i, (a, b) in enumerate(rows, 1))
        for rows in SENTENCES
    ]
    return change("\n".join(blocks) + "\n")


def tags(change: Callable[[int, str, str], tuple[str, str]]) -> str:
    return renamed(change)(TAGGED)


def bare(tag: str) -> str:
    return tag.removeprefix("B-").removeprefix("I-")


BIOES = {"B": "S", "I": "E"}
ENDED = tags(lambda i, a, b: (a, BIOES.get(b[0], b[0]) + b[1:] if b != "O" and i > 900 else b))  # in half
NUMBERED = "\n\n".join("\n".join(f"{i}\t{a}\t{a}\tx\t{b}" for i, (a, b) in enumerate(rows, 1)) for rows in SENTENCES)
NUMBER = [*({"file": a, "caption": b} for a, b in SHOWN), {"file": "1.png", "caption": 5}]
PEOPLE = [[*row, "ann" if i else "who"] for i, row in enumerate(HOURS)]
OTHERS = [["date", "x", "y"], *HOURS[1:]]
HUGE = column(1, lambda i, x: "1e25" if i == 7 else x)(HOURS)
ALIGNED = {
    "a.in": "\n".join(" ".join(row["tokens"]) for row in TOKENS),
    "a.out": "\n".join(" ".join(row["tags"]) for row in TOKENS),
}
FAULTS: dict[str, tuple[str, Files, Files, tuple[str, ...]]] = {  # task, files, those to validate with, keys
    "a NUL byte": ("transduce", {"a.tsv": TABLE.replace("b", "b\0", 1)}, {}, ()),
    "returns alone": ("transduce", {"a.tsv": TABLE.replace("\n", "\r")}, {}, ()),
    "UTF-16 without a mark": ("transduce", {"a.tsv": TABLE.encode("utf-16-le")}, {}, ()),
    "one source": ("transduce", {"a.tsv": "ba\tb a\nba\tb e\n"}, {}, ()),
    "no validation data": ("transduce", {"a.tsv": TABLE}, {"v.tsv": ""}, ()),
    "validation data without the header": ("transduce", {"a.tsv": "word\tpronunciation\n" + TABLE}, {"v.tsv": TABLE}, ()),
    "validation data with an empty target": ("transduce", {"a.tsv": TABLE}, {"v.tsv": TABLE + "bo\t\n"}, ()),
    "a quote that is not closed": ("transduce", {"a.csv": CSV + '"a"b,x\n' + CSV.partition("\n")[2]}, {}, ()),
    "an empty line in CSV": ("transduce", {"a.csv": CSV + "\nbo,b o\n"}, {}, ()),
    "a number that is no whole one": ("transduce", {"a.jsonl": with_line(PAIRS, '{"source": "x", "target": 1.5}')}, {}, ()),
    "a list of numbers": ("transduce", {"a.jsonl": with_line(PAIRS, '{"source": "x", "target": [7, 8]}')}, {}, ()),
    "a list for a source": ("transduce", {"a.jsonl": with_line(PAIRS, '{"source": ["x"], "target": "y"}')}, {}, ()),
    "half a character": ("transduce", {"a.jsonl": with_line(PAIRS, '{"source": "x\\ud800", "target": "y"}')}, {}, ()),
    "a comment of another kind": ("transduce", {"a.tsv": "%% by ear\n" + TABLE}, {}, ()),
    "several labels": ("classify", {"a.jsonl": with_line(TEXTS, '{"text": "q", "label": ["a", "b"]}')}, {}, ()),
    "labels that differ in a blank": ("classify", {"a.tsv": BLANK}, {}, ()),
    "a label for each text": ("classify", {"a.tsv": "the dog\tx\nthe house\ty\n"}, {}, ()),
    "a rating that is a word": ("pair", {"a.tsv": clean.tsv([*RATED, ("a", "b", "high")])}, {}, ("pair.output=number",)),
    "a rating that is infinite": ("pair", {"a.tsv": clean.tsv([*RATED, ("a", "b", "inf")])}, {}, ("pair.output=number",)),
    "one label for all pairs": ("pair", {"a.tsv": clean.tsv((a, b, "same") for a, b, _ in RATED)}, {}, ()),
    "a pair without its second text": ("pair", {"a.tsv": clean.tsv([*RATED, ("a", "", "1.0")])}, {}, ()),
    "a label of a pair that is a list": ("pair", {"a.jsonl": with_line(COUPLES, SEVERAL)}, {}, ()),
    "I where B belongs": ("tag", {"a.conll": tags(lambda i, a, b: (a, b.replace("B-", "I-") if i in GOES_ON[:3] else b))}, {}, ()),
    "IOB1": ("tag", {"a.conll": tags(lambda i, a, b: (a, b.replace("B-", "I-")))}, {}, ()),
    "IOB1 in half": ("tag", {"a.conll": tags(lambda i, a, b: (a, b.replace("B-", "I-") if i > 900 else b))}, {}, ()),
    "BIOES in half": ("tag", {"a.conll": ENDED}, {}, ()),
    "BIOES in half, IOB1 said": ("tag", {"a.conll": ENDED}, {}, ("tag.scheme=iob1",)),
    "the kind first": ("tag", {"a.conll": tags(lambda i, a, b: (a, b if b == "O" else f"{b[2:]}-{b[0]}"))}, {}, ()),
    "a small o": ("tag", {"a.conll": tags(lambda i, a, b: (a, "o" if b == "O" and i % 20 == 0 else b))}, {}, ()),
    "another word for O": ("tag", {"a.conll": tags(lambda i, a, b: (a, "X" if b == "O" else b))}, {}, ()),
    "no spans where some are said": ("tag", {"a.conll": tags(lambda i, a, b: (a, bare(b)))}, {}, ("tag.scheme=spans",)),
    "a blank within a token": ("tag", {"a.conll": TAGGED.replace("\t", " ") + "so\tO\nNew York B-LOC\n\n"}, {}, ()),
    "broken spans to validate with": ("tag", {"a.conll": TAGGED}, {"v.conll": "so O\nOslo I-LOC\n\n"}, ()),
    "CoNLL-U of nine columns": ("tag", {"a.conllu": conllu(lambda text: text.replace("\t_\t_\n", "\t_\n", 1))}, {}, ()),
    "CoNLL-U with an ID too many": ("tag", {"a.conllu": conllu(lambda text: text.replace("\n2\t", "\n3\t", 1))}, {}, ()),
    "a column that counts": ("tag", {"a.conll": NUMBERED}, {}, ()),
    "an empty token": ("tag", {"a.jsonl": with_line(TOKENS, '{"tokens": ["a", ""], "tags": ["O", "O"]}')}, {}, ()),
    "a tag that is null": ("tag", {"a.jsonl": with_line(TOKENS, '{"tokens": ["a"], "tags": [null]}')}, {}, ()),
    "broken spans in JSON": ("tag", {"a.jsonl": with_line(TOKENS, '{"tokens": ["a", "b"], "tags": ["O", "I-LOC"]}')}, {}, ()),
    "broken spans beside tokens": ("tag", {"a.in": ALIGNED["a.in"] + "\na b\n", "a.out": ALIGNED["a.out"] + "\nO I-LOC\n"}, {}, ()),
    "an empty label of a sentence": ("tag", {**ALIGNED, "a.label": "x\n\n" * (len(TOKENS) // 2)}, {}, ()),
    "an empty passage": ("read", {"a.jsonl": with_line(ASKED, json.dumps({**ASKED[0], "context": ""}))}, {}, ()),
    "no file of questions": ("read", {"a.json": json.dumps({"dat": []})}, {}, ()),
    "a blank too many": ("read", {"a.jsonl": with_line(BLANKS, json.dumps({**BLANKS[0], "query": "XXXXX XXXXX"}))}, {}, ("read.head=sum",)),
    "a gap": ("forecast", {"a.csv": clean.csv(HOURS[:100] + HOURS[105:])}, {}, WINDOW),
    "series one under another": ("forecast", {"a.csv": clean.csv(LONG)}, {}, WINDOW),
    "series told apart by a word": ("forecast", {"a.csv": clean.csv(STORES)}, {}, WINDOW),
    "a number whose square is none": ("forecast", {"a.csv": clean.csv(HUGE)}, {}, WINDOW),
    "two columns of one name": ("forecast", {"a.csv": clean.csv([["date", "a", "a"], *HOURS[1:]])}, {}, WINDOW),
    "too few rows to set some aside": ("forecast", {"a.csv": clean.csv(HOURS[:34])}, {}, WINDOW),
    "other columns to validate with": ("forecast", {"a.csv": clean.csv(HOURS)}, {"v.csv": clean.csv(OTHERS)}, WINDOW),
    "another step to validate with": ("forecast", {"a.csv": clean.csv(HOURS)}, {"v.csv": clean.csv(HOURS[:1] + HOURS[1::2])}, WINDOW),
    "a column that is not there": ("forecast", {"a.csv": clean.csv(HOURS)}, {}, (*WINDOW, "forecast.columns=[lod]")),
    "images of two sizes": ("caption", {"c.tsv": clean.tsv([*SHOWN, ("big.png", "x")])}, {}, ()),
    "a caption that is a number": ("caption", {"c.json": json.dumps(NUMBER)}, {}, ()),
    "commas without a header": ("caption", {"c.txt": "".join(f"{a},{b}\n" for a, b in SHOWN)}, {}, ()),
    "an empty line among texts": ("language", {"a.txt": TEXT + "\n" + TEXT}, {}, ("language.documents=lines",)),
    "next to no text": ("language", {"a.txt": "ab\n"}, {}, ()),
    "one document": ("pretrain", {"a.txt": TEXT}, {}, ("pretrain.next=true",)),
    "a few lines": ("pretrain", {"a.txt": "the dog\nthe house\n"}, {}, ()),
}  # fmt: skip
TAKEN: dict[str, tuple[str, Files, Files, tuple[str, ...]]] = {
    "words": ("transduce", {"a.tsv": TABLE}, {}, ()),
    "CSV with a line end in a cell": ("transduce", {"a.csv": CSV + '"two\nlines",x\n'}, {}, ()),
    "one comment far down": ("transduce", {"a.tsv": clean.tsv(clean.words(1200)) + "# by ear\n"}, {}, ()),
    "sorted by label": ("classify", {"a.tsv": "".join(f"text {i}\t{'no' if i < 1100 else 'yes'}\n" for i in range(1200))}, {}, ()),
    "a header in both sets": ("transduce", {"a.csv": CSV}, {"v.csv": CSV}, ()),
    "pairs under one key": ("transduce", {"a.jsonl": clean.jsonl([{"translation": {"en": a, "de": b}} for a, b in WORDS])}, {}, ()),
    "labels that are numbers": ("classify", {"a.jsonl": clean.jsonl([{"text": a, "label": len(b)} for a, b in LABELS])}, {}, ()),
    "ratings": ("pair", {"a.tsv": clean.tsv(RATED)}, {}, ("pair.output=number",)),
    "IOB1 said": ("tag", {"a.conll": tags(lambda i, a, b: (a, b.replace("B-", "I-")))}, {}, ("tag.scheme=iob1",)),
    "tags of words": ("tag", {"a.conll": tags(lambda i, a, b: (a, "BMES"[i % 4] if i % 4 == 0 else "S"))}, {}, ("tag.scheme=none",)),
    "other keys": ("tag", {"a.jsonl": clean.jsonl([{"words": row["tokens"], "ner": row["tags"]} for row in TOKENS])}, {}, ()),
    "CoNLL-U": ("tag", {"a.conllu": conllu()}, {}, ()),
    "a gap that is ignored": ("forecast", {"a.csv": clean.csv(HOURS[:100] + HOURS[105:])}, {}, (*WINDOW, "forecast.gaps=ignore")),
    "a word in a column aside": ("forecast", {"a.csv": clean.csv(PEOPLE)}, {}, (*WINDOW, "forecast.columns=[load]")),
    "captions as Hugging Face has them": ("caption", {"c.jsonl": clean.jsonl([{"file_name": a, "text": b} for a, b in SHOWN])}, {}, ()),
    "texts": ("language", {"a.txt": TEXT}, {}, ()),
    "documents": ("pretrain", {"a.txt": TEXT + "\n" + TEXT.upper()}, {}, ("pretrain.next=true",)),
}  # fmt: skip


def written(folder: Path, files: Files) -> list[str]:
    for i in range(8):
        (folder / f"{i}.png").write_bytes(write_png(np.full((8, 8, 3), 20 * i, np.uint8)))
    (folder / "big.png").write_bytes(write_png(np.full((9, 8, 3), 20, np.uint8)))
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return [str(folder / name) for name in files]


def refusal(task: str, files: Sequence[str], valid: Sequence[str], keys: Sequence[str], folder: Path) -> str:
    """Why a training ends that has not begun to learn; "" where it would begin."""
    small = {"pretrain": ("model.size=8", "model.heads=2"), "forecast": ("model.size=8",)}.get(
        task, ("model.size=8", "model.embedding=8")
    )
    config = load_config(None, [*small, *keys], task=task, train=files, valid=valid)
    try:
        job, config = registry.of(config.task), resolve_files(config, lambda line: None)
        data = job.read(config, lambda line: None)
        config, _ = job.fit(config, data)
        folder.mkdir()
        job.ready(config, data, folder, lambda line: None, fresh=True)
    except RegardError as error:
        return str(error)
    return ""


def checked(task: str, files: Sequence[str], valid: Sequence[str], keys: Sequence[str]) -> tuple[str | None, str]:
    """How bad the worst is, and what to do about it."""
    config = load_config(None, list(keys), task=task)
    try:
        report = examine(files, valid=valid, task=task, given=given(config, fixed=False))
    except RegardError as error:  # of files of which it cannot be told what they are
        return "error", str(error)
    return report.worst, report.findings[0].do if report.findings else ""


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_training_refuses_is_an_error(tmp_path: Path, fault: str) -> None:
    task, files, valid, keys = FAULTS[fault]
    train, held = written(tmp_path, files), written(tmp_path, valid)
    assert refusal(task, train, held, keys, tmp_path / "run")
    worst, do = checked(task, train, held, keys)
    assert worst == "error" and do


@pytest.mark.parametrize("clean_one", TAKEN)
def test_what_a_training_takes_is_no_error(tmp_path: Path, clean_one: str) -> None:
    task, files, valid, keys = TAKEN[clean_one]
    train, held = written(tmp_path, files), written(tmp_path, valid)
    assert not refusal(task, train, held, keys, tmp_path / "run")
    assert checked(task, train, held, keys)[0] != "error"
