"""Laws 1 and 2: writing in one call or in many, choosing rows of a state, and old states that never change."""

from __future__ import annotations

import pytest
import torch

from regard.core.state import select, tree_map

pytestmark = pytest.mark.usefixtures("float64")
CUTTINGS = ([1, 1, 1, 1], [1, 3], [3, 1], [2, 2])


def test_steps_and_select(any_net):
    """decoder(x, s) is the concatenation over any cutting of x; decoder(x[rows], select(s, rows)) is decoder(x, s)[rows]."""
    with torch.no_grad():
        whole, end = any_net.write(weights=True)
        for cutting in CUTTINGS:
            state, parts = any_net.start(), []
            for part in any_net.words.split(cutting, 1):
                told, state = any_net.write(part, state)
                parts.append(told.states)
            torch.testing.assert_close(torch.cat(parts, 1), whole.states)
            torch.testing.assert_close(state.at, end.at)
        assert set(whole.looks) or "Fixed" in type(any_net.network.decoder).__name__

        rows = torch.tensor([2, 0, 0, 1])
        chosen, _ = any_net.write(any_net.words[rows], select(any_net.start(), rows))
        torch.testing.assert_close(chosen.states, whole.states[rows])
        _, midway = any_net.write(any_net.words[:, :2])
        before = tree_map(torch.clone, midway)
        chosen, _ = any_net.write(any_net.words[rows, 2:], select(midway, rows))
        torch.testing.assert_close(chosen.states, whole.states[rows, 2:])
        for words in (any_net.words[:, 2:], any_net.words[:, :1]):  # two heirs of one state
            any_net.write(words, midway)
        tree_map(lambda a, b: torch.testing.assert_close(a, b, rtol=0, atol=0), midway, before)
