"""The default road: what is left out fits the file, is said, and stands in the run's config; a bound that was set is held to it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from regard.config import load_config
from regard.config.auto import left_out
from regard.data.tokenizer import Tokenizer
from regard.decoding.limits import Limits
from regard.runs import train

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
BRIEF = ["train.updates=1", "train.threads=1", "train.samples=0"]


@pytest.fixture(scope="module")
def numbers(tmp_path_factory) -> Path:
    """Five digits in words: 6 tokens with their end, and targets of some 55 letters, more than 2 x 6 + 20."""
    path = tmp_path_factory.mktemp("numbers") / "numbers.tsv"
    drawn = random.Random(1).sample(range(10_000, 100_000), 60)
    path.write_text("".join(f"{n}\t{' '.join(f'digit-{DIGITS[int(c)]}' for c in str(n))}\n" for n in drawn), encoding="utf-8")
    return path


def ran(path: Path, folder: Path, *words: str) -> tuple[Path, list[str]]:
    said: list[str] = []
    return train(load_config(None, [*BRIEF, *words], train=[str(path)]), folder, say=said.append).folder, said


def test_the_default_road_is_said_and_written_and_its_bound_holds_every_target(numbers, tmp_path):
    run, said = ran(numbers, tmp_path / "run", "data.target_tokenizer=char")
    assert any(line.startswith("54 pairs, ") and " target tokens: size 160, batches of " in line for line in said)
    config = load_config(run / "config.yaml")
    assert not left_out(config) and (config.model.order, config.model.size) == ("luong", 160)
    assert not any("longer than decode.max_ratio" in line for line in said)
    limits = Limits(0, config.decode.max_ratio, config.decode.max_extra)
    reader, writer = (Tokenizer.load(run / f"tokenizer.{side}.json") for side in ("source", "target"))
    for line in numbers.read_text(encoding="utf-8").splitlines():
        source, target = line.split("\t")
        assert len(writer.encode(target)) - 1 <= int(len(reader.encode(source)) * limits.ratio) + limits.extra


def test_a_bound_that_was_set_is_held_against_the_targets(numbers, tmp_path):
    run, said = ran(numbers, tmp_path / "run", "data.target_tokenizer=char", "decode.max_ratio=2.0", "decode.max_extra=20")
    told = next(line for line in said if "longer than decode.max_ratio" in line)
    longest = max(len(line.split("\t")[1]) for line in numbers.read_text(encoding="utf-8").splitlines())
    assert len([line for line in said if "longer than decode.max_ratio" in line]) == 1
    assert told.startswith(
        "note: 54 of 54 training targets are longer than decode.max_ratio and decode.max_extra let be written; max_extra: "
    )
    assert longest - 14 <= int(told.partition(" would do")[0].rpartition(" ")[2]) <= longest - 10  # five digits, twice
    config = load_config(run / "config.yaml")
    assert (config.decode.max_ratio, config.decode.max_extra) == (2.0, 20)


def test_a_run_that_goes_on_needs_none_of_what_was_left_out(numbers, tmp_path):
    run, _ = ran(numbers, tmp_path / "run")
    before = (run / "config.yaml").read_text(encoding="utf-8")
    said: list[str] = []
    train(load_config(None, BRIEF, train=[str(numbers)]), run, resume=True, say=said.append)
    assert "going on from step 1" in said and (run / "config.yaml").read_text(encoding="utf-8") == before
