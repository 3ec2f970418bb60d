"""What is set apart of items that are read twice is what is set apart of a list."""

from __future__ import annotations

import random

import pytest

from regard.config import read_config
from regard.core.errors import DataError
from regard.data.examples import Item, Place, split
from regard.data.validation_share import HeldOutSources, TrainingSources
from regard.tasks.transduce.task import TransduceTask


def made(seed: int) -> list[Item]:
    """Items with sources that recur often, seldom or never."""
    rng = random.Random(seed)
    most = rng.choice([2, 3, 20, 400])
    return [Item(f"w{rng.randrange(most)}", str(i), (), Place("x", i)) for i in range(rng.randrange(3, 300))]


@pytest.mark.parametrize("seed", range(60))
def test_two_readings_set_apart_what_one_list_does(seed: int) -> None:
    items, share = made(seed), [0.02, 0.1, 0.5, 0.97][seed % 4]
    if len({item.source for item in items}) < 2:
        with pytest.raises(DataError, match="at least 2 different sources"):
            HeldOutSources.draw((item.source for item in items), share, seed)
        return
    train, held = split(items, share, seed)
    apart = HeldOutSources.draw((item.source for item in items), share, seed)
    remaining = TrainingSources(items, apart)
    assert list(remaining) == train == list(remaining)  # as often as they are asked for
    assert [item for item in items if item.source in apart] == held
    aside: list[Item] = []
    assert (list(remaining.split_off(aside)), aside) == (train, held)  # both in one reading


def test_sizes_are_taken_of_what_is_learnt_from_alone(tmp_path):
    file = tmp_path / "pairs.tsv"
    file.write_text("".join(f"w{i}\t{i}\n" for i in range(40)), "utf-8")
    config = read_config({"data": {"train": [str(file)], "valid_share": 0.25}})
    data = TransduceTask().read(config, lambda line: None)
    assert data.sample is not None and len(data.valid) == 10
    assert data.sample.count == 30 and data.sample.kept == list(data.train)
