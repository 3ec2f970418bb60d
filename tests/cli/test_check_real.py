"""Real files that others have cleaned: the data doctor says no more than notes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard.check.examine import examine

SETS: list[tuple[str | None, str, tuple[str, ...], tuple[str, ...]]] = [  # task, folder, training, validation
    *((None, "g2p/sigmorphon2020", (f"{x}_train.tsv",), (f"{x}_valid.tsv",)) for x in ("arm", "fre", "hin", "kor", "rum")),
    (None, "g2p/sigmorphon2021", ("eng_us_train.tsv.gz",), ("eng_us_valid.tsv",)),
    (None, "g2p/sigmorphon2021", ("jpn_hira_train.tsv.gz",), ("jpn_hira_valid.tsv",)),
    (None, "g2p/cmudict", ("valid.tsv",), ()),
    *((None, "inflection/conll2018", (f"{x}_train_medium.tsv",), (f"{x}_valid.tsv",)) for x in ("finnish", "spanish", "turkish")),
    ("transduce", "multi30k", ("valid.en", "valid.de"), ("test2016.en", "test2016.de")),
    (None, "cmn-eng", ("train.tsv.gz",), ()),
    (None, "align/europarl_en_es", ("dev.en", "dev.es"), ()),
    (None, "align/gold_enfr", ("src.txt", "tgt.txt"), ()),
    ("classify", "cls/names18", ("train.tsv",), ("valid.tsv",)),
    ("classify", "cls/sst2", ("train.tsv.gz",), ("valid.tsv",)),
    (None, "cls/trec6", ("train.tsv.gz",), ("test.tsv",)),
    ("pair", "pairs/sick", ("train.tsv.gz",), ("valid.tsv",)),
    ("language", "text/tinyshakespeare", ("train.txt.gz",), ("valid.txt",)),
    ("language", "text/gutenberg_en", ("The-Adventures-of-Sherlock-Holmes_1661.txt.gz",), ()),
    ("tag", "slot/snips", ("train.in.gz", "train.out.gz", "train.label"), ("valid.in", "valid.out", "valid.label")),
    (None, "ner/wnut17", ("train.conll.gz",), ("valid.conll",)),
    (None, "rc/cmrc2018", ("dev.jsonl.gz",), ()),
    (None, "rc/cft_zh", ("train.jsonl.gz",), ("valid.jsonl",)),
    (None, "ts/etth1", ("ETTh1.csv.gz",), ()),
    (None, "ts/exchange_rate", ("train.csv.gz",), ("valid.csv",)),
]


@pytest.mark.parametrize(("task", "folder", "train", "valid"), SETS)
def test_real_files_give_notes_at_most(
    data_root: Path, task: str | None, folder: str, train: tuple[str, ...], valid: tuple[str, ...]
) -> None:
    files, held = ([str(data_root / folder / name) for name in names] for names in (train, valid))
    report = examine(files, valid=held, task=task)
    assert [finding.what for finding in report.findings if finding.level != "note"] == [] and report.rows
