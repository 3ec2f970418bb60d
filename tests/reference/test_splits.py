"""What all tasks share: data that are read or set aside in one place, predictions that are streamed in one place, options with a type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from regard.config import read_config
from regard.core.errors import ArgumentError, ConfigError
from regard.data.examples import Item, Place, overlap, split
from regard.tasks.base import Predictor, TaskPrediction
from regard.tasks.options import ONE_ANSWER, RANKED, SEARCHED, AnswerOptions, EvaluationOptions
from regard.tasks.splits import SplitTask, shared_note


class Lines(SplitTask):
    """Items are lines; nothing is trained."""

    def read_items(self, config, files, report):
        found = [Item(line, None, (), Place(file, 1)) for file in files for line in Path(file).read_text().split()]
        report(f"{len(found)} lines")
        return found

    def set_aside(self, items, config):
        return split(items, config.data.valid_share, config.train.seed)

    def overlap_note(self, train, valid):
        return shared_note(overlap(train, valid), len(valid))

    probe = ready = open = None  # type: ignore[assignment]


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("train").write_text(" ".join(f"w{i}" for i in range(20)))
    Path("valid").write_text("w3 x y")


def read(**data: Any) -> tuple[list[str], list[str], list[str]]:
    task, config, said = Lines(), read_config({"data": data}), list[str]()
    found = task.read(config, said.append)
    assert task.validation_items(config) == found.valid, "the same items, whoever asks"
    assert found.fingerprint.keys() == {*data["train"], *data.get("valid", ())}
    return [item.source for item in found.train], [item.source for item in found.valid], said


def test_validation_data_are_read(files):
    train, valid, said = read(train=["train"], valid=["valid"])
    assert len(train) == 20 and valid == ["w3", "x", "y"]
    assert said[:2] == ["train: 20 lines", "valid: 3 lines"]
    assert said[2:] == ["note: 1 of 3 validation items have a source that is in the training data too."]


def test_or_set_aside(files):
    train, valid, said = read(train=["train"], valid_share=0.2)
    assert len(valid) == 4 and sorted(train + valid) == sorted(f"w{i}" for i in range(20))
    aside = "valid: 4 items set aside (data.valid_share: 0.2), none of their sources left in training."
    assert said == ["train: 20 lines", aside]


def test_nothing_to_train_on_is_told(files):
    with pytest.raises(ConfigError, match=r"data.train: expected a file to train on; received none"):
        Lines().read(read_config({}), print)


class Doubler(Predictor):
    """Says each text twice; counts the chunks that it was given."""

    def __init__(self) -> None:
        self.config, self.folder, self.chunks = read_config({"decode": {"batch_size": 2}}), Path("run"), list[int]()

    def inputs(self, file, say=None) -> Iterator[str]:
        return iter(())

    def prepare(self, item, settings):
        return item * 2

    def answers(self, chunk, settings, heard: Counter[str]):
        self.chunks.append(len(chunk))
        heard["long"] += sum(len(item) > 2 for item in chunk)
        return [[TaskPrediction(text, 0.0)] * settings.n_best for text in chunk]

    def notes(self, heard):
        yield f"{heard['long']} long"

    def evaluate(self, files, options=None, *, errors=None):
        return {}


def test_answers_come_in_order_chunk_by_chunk_and_notes_at_the_end():
    model, texts, said = Doubler(), [str(i) for i in range(40)], list[str]()
    found = [best[0].text for best in model.stream(texts, say=said.append)]
    assert found == [text * 2 for text in texts] and model.chunks == [32, 8] and said == ["30 long"]
    lazy, read = Doubler(), list[str]()
    stream = lazy.stream((read.append(text) or text for text in texts), AnswerOptions(batch_size=1, beam=3, n_best=3))
    assert len(next(stream)) == 3 and read == ["0"], "what is asked for one by one is answered one by one"


def test_options_are_those_that_some_task_takes():
    answers, evaluation = ({field.name for field in fields(kind)} for kind in (AnswerOptions, EvaluationOptions))
    for taken in (ONE_ANSWER, RANKED, SEARCHED):
        assert taken.answers <= answers and taken.evaluation <= evaluation
    model = Doubler()
    assert model.answer_options({"beam": 3, "seed": None}) == AnswerOptions(beam=3)
    assert model.evaluation_options({"tokenize": "char"}) == EvaluationOptions(tokenize="char")
    with pytest.raises(ArgumentError, match=r"beem: expected one of batch_size, beam.*Did you mean 'beam'\?"):
        model.answer_options({"beem": 3})
    with pytest.raises(ArgumentError, match="--train: expected a run whose task has it; transduce knows --batch_size"):
        model.evaluation_options({"train": ["x"]}, spelt="--{}".format)
