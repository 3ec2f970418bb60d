"""A count of one is said in the singular, wherever it is printed."""

from __future__ import annotations

import torch

from regard.config import read_config
from regard.core.plural import many
from regard.data.report import gather
from regard.data.row_parser import RecordError
from regard.training.optimizer import arithmetic
from regard.training.progress import Arithmetic
from regard.training.stopping import say_ending


def test_one_and_many():
    assert [many(n, "row") for n in (0, 1, 2000)] == ["0 rows", "1 row", "2,000 rows"]
    assert [many(n, "answer is", "answers are") for n in (1, 2)] == ["1 answer is", "2 answers are"]


def test_sentences_of_one():
    _, report = gather(iter(["a", RecordError("x:2: bad.")]), ["x"], what="things", on_bad_line="skip")
    assert "x: 1 item." in str(report) and "1 bad item was skipped" in str(report)
    train = read_config({"train": {"epochs": 1, "threads": 2}}).train
    assert say_ending("epochs", train) == "stopped: 1 epoch (train.epochs)"
    _, said = arithmetic(train, torch.nn.Linear(1, 1), Arithmetic(1, "float32", ""))
    assert said[0].startswith("note: 1 thread as the run began, not 2")
