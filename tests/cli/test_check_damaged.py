"""Files that were damaged at random, of each format and under every name and task: the data doctor never falls ill itself."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from regard.check.examine import examine
from regard.check.rewrite import rewrite
from regard.check.screen import screen, told
from regard.core.errors import RegardError
from tests.cli import clean_files as clean

FILES = {
    "words.tsv": clean.tsv(clean.words(60)),
    "forms.tsv": clean.tsv(clean.forms(60)),
    "pairs.tsv": clean.tsv(clean.ratings(30)),
    "tags.conll": clean.conll(clean.tagged(20)),
    "asked.jsonl": clean.jsonl(clean.questions(8)),
    "load.csv": clean.csv(clean.hours(130)),
    "words.csv": clean.csv([["word", "ipa"], *([a, b] for a, b in clean.words(40))]),
    "text.txt": "\n".join(a for a, _ in clean.sentences(40)),
}
BYTES = [
    b"\n",
    b"\t",
    b"\r",
    b"\n\n",
    b'"',
    b",",
    b"#",
    b"\0",
    b"{",
    b"\xff",
    b"1e999",
    "\u00a0".encode(),
    b"\xed\xa0\x80",
    b"2024-13-45",
]
NAMES = (*FILES, "z", "z.txt", "z.tsv", "z.json", "z.jsonl", "z.csv", "z.conll", "z.conllu")
TASKS = (None, "transduce", "classify", "pair", "tag", "read", "forecast", "language", "caption", "pretrain")


def damaged(draw: random.Random) -> bytes:
    """One of the files, with bytes put in, taken out, exchanged or cut off."""
    raw = bytearray(draw.choice(list(FILES.values())).encode())
    for _ in range(draw.choice((1, 2, 5, 30))):
        at = draw.randrange(len(raw) + 1)
        kind = draw.randrange(5)
        if kind == 0:
            del raw[at : at + draw.choice((1, 3, 50, 2000))]
        elif kind == 1:
            raw[at:at] = draw.choice(BYTES)
        elif kind == 2:
            raw = raw[: max(at, 20)]
        elif kind == 3:
            raw = bytearray(
                bytes(raw).replace(draw.choice([b"\n", b"\t", b" ", b",", b'"']), draw.choice([b"", b" ", b"\r\n", b";"]))
            )
        else:
            raw[at:at] = raw[:at][:5000]
    return bytes(raw)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_a_file_holds_there_is_a_report(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    for number in range(25):
        file, out = tmp_path / draw.choice(NAMES), tmp_path / f"out-{number}"
        file.write_bytes(damaged(draw))
        try:
            report = examine([str(file)], task=draw.choice(TASKS), valid=[str(file)] if draw.random() < 0.2 else ())
            assert screen(report) and json.dumps(told(report))
            rewrite(report, out, report.files)
        except RegardError as error:
            assert str(error)
