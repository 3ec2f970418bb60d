"""Batches: every row once, little padding, and an order that only (seed, epoch) decides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from regard.core.arrays import to_arrays, to_tensors
from regard.core.errors import ConfigError
from regard.data.batching import Batches, collate
from regard.data.columns import Layout
from regard.data.pairs import read_pairs
from regard.data.tokenizer import BOS, EOS, PAD, Tokenizer

Lengths = tuple[np.ndarray, np.ndarray]


def captions(rows: int = 29_000) -> Lengths:
    """Lengths like those of Multi30k in subwords: about 15 on each side, and each near the other."""
    random = np.random.default_rng(5)
    source = np.exp(random.normal(np.log(14), 0.3, rows))
    target = source * np.exp(random.normal(0.05, 0.17, rows))
    return source.round().clip(3).astype(np.int32), target.round().clip(3).astype(np.int32)


def padding(batches: list[list[int]], source: np.ndarray, target: np.ndarray) -> tuple[float, float, float]:
    """The share of padded cells: on both sides, in the source, in the target."""
    cells = np.array([[len(rows) * source[rows].max(), len(rows) * target[rows].max()] for rows in batches]).sum(axis=0)
    real = np.array([source.sum(), target.sum()])
    return 1 - real.sum() / cells.sum(), *(1 - real / cells)


@pytest.mark.parametrize("epoch", [0, 1, 7])
def test_less_than_a_twentieth_is_padding(epoch: int) -> None:
    source, target = captions()
    found = padding(Batches(source, target, tokens=3400, seed=11).epoch(epoch), source, target)
    assert max(found) < 0.05, f"padding in all, source, target: {found}"


def test_real_captions_are_padded_as_little(data_root: Path) -> None:
    items, _ = read_pairs([str(data_root / f"multi30k/train.{side}.gz") for side in ("en", "de")], Layout())
    texts = [[item.source for item in items], [item.target or "" for item in items]]
    tokenizer = Tokenizer.train("word", texts[0][:2000] + texts[1][:2000])
    source, target = (np.array([len(ids) for ids in tokenizer.encode_all(side)]) for side in texts)
    assert max(padding(Batches(source, target, tokens=3400, seed=1).epoch(0), source, target)) < 0.05


@pytest.mark.parametrize(("rows", "tokens"), [(29_000, 3400), (997, 3400), (997, 53), (1, 10), (7, 100_000), (3, 1)])
def test_every_row_is_in_one_batch_that_holds_no_more_than_asked(rows: int, tokens: int) -> None:
    source, target = captions(rows)
    batches = Batches(source, target, tokens=tokens, seed=2).epoch(3)
    assert sorted(row for batch in batches for row in batch) == list(range(rows))
    cost = np.maximum(source, target)
    assert all(cost[batch].sum() <= tokens or len(batch) == 1 for batch in batches)


def test_batches_are_nearly_full() -> None:
    source, target = captions()
    sums = [np.maximum(source, target)[batch].sum() for batch in Batches(source, target, tokens=3400, seed=2).epoch(0)]
    assert np.mean(sums) > 0.93 * 3400 and min(sums) > 0.4 * 3400


def test_the_longer_side_counts() -> None:
    lengths = np.array([10] * 8), np.array([2] * 8)
    for source, target in (lengths, lengths[::-1]):
        assert {len(batch) for batch in Batches(source, target, tokens=20, seed=0).epoch(0)} <= {1, 2}
        assert [len(batch) for batch in Batches(source, target, tokens=80, seed=0).epoch(0)] == [8]


def test_a_row_longer_than_a_batch_is_one_by_itself() -> None:
    batches = Batches([5, 500, 5, 5], [4, 4, 4, 4], tokens=30, seed=1).epoch(0)
    assert [1] in batches and sorted(map(len, batches)) in ([1, 3], [1, 1, 2])


def test_no_rows_make_no_batches() -> None:
    assert Batches([], [], tokens=10, seed=1).epoch(0) == [] and Batches.sequential([], rows=3) == []


def test_an_epoch_is_a_pure_function_of_seed_and_epoch() -> None:
    source, target = captions(2_003)
    batches = Batches(source, target, tokens=400, seed=4)
    late = batches.epoch(9)
    for epoch in (0, 5, 9):
        assert batches.epoch(epoch) == Batches(list(source), list(target), tokens=400, seed=4).epoch(epoch)
    assert batches.epoch(9) == late
    assert batches.epoch(1) != batches.epoch(2)
    assert batches.epoch(1) != Batches(source, target, tokens=400, seed=5).epoch(1)


def test_each_epoch_brings_other_neighbours_in_another_order() -> None:
    source, target = captions()
    batches = Batches(source, target, tokens=3400, seed=3)
    first, second = batches.epoch(0), batches.epoch(1)
    where = np.empty((2, len(source)), dtype=int)
    for number, epoch in enumerate((first, second)):
        for place, rows in enumerate(epoch):
            where[number, rows] = place
    together = np.bincount(where[0] * len(second) + where[1])
    shared = (together * (together - 1)).sum() / sum(len(rows) * (len(rows) - 1) for rows in first)
    assert shared < 0.6, "most neighbours stay the same"
    means = np.array([source[rows].mean() for rows in first])
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.3, "batches come in order of length"
    assert abs(np.corrcoef(where[0], where[1])[0, 1]) < 0.1, "batches come in the order of the last epoch"


def test_rows_of_one_length_meet_others_in_each_epoch() -> None:
    batches = Batches([7] * 600, [5] * 600, tokens=140, seed=3)
    first, second = (sorted(map(sorted, batches.epoch(epoch))) for epoch in (0, 1))
    assert len(set(map(tuple, first)) & set(map(tuple, second))) == 0


def test_prediction_takes_the_longest_first_and_keeps_the_order_of_equals() -> None:
    assert Batches.sequential([3, 5, 3, 9, 5], rows=2) == [[3, 1], [4, 0], [2]]


def test_collate_pads_on_the_right_and_shifts_the_words() -> None:
    batch = collate([([5, 6, EOS], [7, EOS]), (np.array([8, EOS], dtype=np.int32), np.array([9, 10, 11, EOS]))], [4, 2])
    assert batch.rows == (4, 2)
    assert batch.source.tolist() == [[5, 6, EOS], [8, EOS, PAD]] and batch.source.dtype == np.int64
    assert batch.source_valid.tolist() == [[True] * 3, [True, True, False]]
    assert batch.target is not None and batch.target.tolist() == [[7, EOS, PAD, PAD], [9, 10, 11, EOS]]
    assert batch.target_valid is not None and batch.target_valid.sum(1).tolist() == [2, 4]
    assert batch.words.tolist() == [[BOS, 7, EOS, PAD], [BOS, 9, 10, 11]]
    assert batch.tokens == 6


def test_a_batch_of_tensors_shares_the_memory_of_its_arrays() -> None:
    batch = collate([([5, 6, EOS], [7, EOS]), ([8, EOS], [9, EOS])], [4, 2])
    made = to_tensors(batch)
    assert isinstance(made.source, torch.Tensor) and made.source.data_ptr() == batch.source.ctypes.data
    assert made.rows == (4, 2) and made.words.tolist() == batch.words.tolist() and made.tokens == batch.tokens
    assert to_tensors(made).source is made.source  # tensors stay as they are
    assert to_arrays({"looks": (made.source.bfloat16(), None)})["looks"][0].tolist() == batch.source.tolist()


def test_collate_without_targets_is_for_prediction() -> None:
    batch = collate([([5, EOS], None), ([EOS], None)], [0, 1])
    assert batch.target is None and batch.target_valid is None and batch.tokens == 0
    with pytest.raises(ValueError, match="expected a batch with targets"):
        _ = batch.words
    with pytest.raises(ValueError, match="received 1 in 2 pairs"):
        collate([([5, EOS], None), ([EOS], [EOS])], [0, 1])
    with pytest.raises(ValueError, match="at least one pair; received none"):
        collate([], [])


def test_sizes_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"train\.batch_tokens: expected 1 or more; received 0"):
        Batches([1], [1], tokens=0, seed=0)
    with pytest.raises(ConfigError, match="batch size: expected 1 or more; received -1"):
        Batches.sequential([1], rows=-1)
