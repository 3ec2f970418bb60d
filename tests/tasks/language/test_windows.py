"""Texts cut into windows, against cuts that a person can make."""

from __future__ import annotations

import pytest

from regard.data.tokenizer import BOS, EOS
from regard.tasks.language.windows import TokenWindows, lane, parts


def told(windows: TokenWindows, rows: list[int]) -> list[tuple[list[int], list[int], int, bool]]:
    return [(w.words.tolist(), w.targets.tolist(), w.skip, w.first) for w in windows.cut(rows)]


def test_one_running_text_in_two_streams():
    """Ten tokens and the end: chains of six and five, in windows of four; each chain begins with the start sign."""
    text = [*range(10, 20), EOS]
    windows = TokenWindows([text], [True], window=4, streams=2, carried=True)
    assert windows.epoch(0) == [[0, 2], [1, 3]]
    assert told(windows, [0, 2]) == [
        ([BOS, 10, 11, 12], [10, 11, 12, 13], 0, True),
        ([BOS, 16, 17, 18], [16, 17, 18, 19], 0, True),
    ]
    assert told(windows, [1, 3]) == [([13, 14], [14, 15], 0, False), ([19], [EOS], 0, False)]


def test_texts_are_read_whole_those_of_like_length_together():
    texts = [[10, EOS], [11, 12, 13, 14, EOS], [15, 16, EOS], [17, 18, 19, 20, 21, 22, EOS]]
    windows = TokenWindows(texts, [False] * 4, window=3, streams=2, carried=True)
    assert windows.in_order() == [[4, 1], [5, 2], [6], [3, 0]]
    assert told(windows, [6]) == [([22], [EOS], 0, False)]  # the longest stands first, so whoever is over stood last
    for epoch in range(5):
        batches = windows.epoch(epoch)
        assert sorted(row for rows in batches for row in rows) == list(range(7)) and len(batches) == 4
        assert batches == windows.epoch(epoch)
    assert any(windows.epoch(0) != windows.epoch(e) for e in range(1, 9))


def test_where_nothing_is_carried_every_window_begins():
    """Within a line a window begins with the token before it; in a running text with the start sign."""
    for whole, before in ((True, BOS), (False, 12)):
        windows = TokenWindows([[10, 11, 12, 13, EOS]], [whole], window=3, streams=9, carried=False)
        assert windows.in_order() == [[0, 1]]
        assert told(windows, [0, 1]) == [([BOS, 10, 11], [10, 11, 12], 0, True), ([before, 13], [13, EOS], 0, True)]


def test_to_judge_what_stands_before_is_read_and_not_counted():
    """Windows of four, each but the first with the two tokens before what is new."""
    windows = TokenWindows([[*range(10, 17), EOS]], [True], window=4, streams=9, carried=False, before=2)
    assert told(windows, [0, 1, 2]) == [
        ([BOS, 10, 11, 12], [10, 11, 12, 13], 0, True),
        ([BOS, 12, 13, 14], [12, 13, 14, 15], 2, True),
        ([BOS, 14, 15, 16], [14, 15, 16, EOS], 2, True),
    ]
    carried = TokenWindows([[*range(10, 19), EOS]], [True], window=4, streams=2, carried=True, before=4)
    counted = [t for rows in carried.in_order() for w in carried.cut(rows) for t in w.targets[w.skip :].tolist()]
    assert sorted(counted) == [EOS, *range(10, 19)]  # each once


@pytest.mark.parametrize("before", [0, 1, 3])
@pytest.mark.parametrize(("size", "length"), [(1, 4), (4, 4), (5, 4), (9, 4), (10, 6)])
def test_parts_count_everything_once(size, length, before):
    found = list(parts(size, length, before))
    assert [place for _, end, new in found for place in range(new, end)] == list(range(size))
    assert all(end - begin <= length and new - begin == min(before, new) for begin, end, new in found)


def test_few_texts_fill_the_streams():
    assert lane([100], 4, 10) == 25
    assert lane([100], 40, 10) == 10  # no chain is shorter than a window for nothing
    assert lane([5, 7, 9], 2, 4) == 9  # as many texts as streams: none is cut
    length = lane([100, 50], 8, 4)
    assert -(-100 // length) + -(-50 // length) <= 8
