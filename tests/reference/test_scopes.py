"""Law 7: scopes as pictures.  A row for each query, a column for each place; x: in sight."""

from __future__ import annotations

import math

import pytest
import torch

from regard.attention import Attention, AttentionMask, Causal, Dot, Everywhere, Scope, Window
from regard.build.networks import make_scope
from regard.core.errors import ConfigError


def picture(scope: Scope | str, at=range(5), places=range(5)) -> list[str]:
    scope = make_scope(scope, query_size=2) if isinstance(scope, str) else scope
    at, places = torch.tensor([list(at)]), torch.tensor([list(places)])
    mask = scope(torch.zeros(1, at.shape[1], 2), at, places, places.amax(1) + 1).mask[0, 0]
    return ["".join(".x"[int(seen)] for seen in row) for row in mask]


@pytest.mark.parametrize(
    ("scope", "want"),
    [
        ("everywhere", "xxxxx xxxxx xxxxx xxxxx xxxxx"),
        ("causal", "x.... xx... xxx.. xxxx. xxxxx"),
        ("window(1)", "xx... xxx.. .xxx. ..xxx ...xx"),
        ("window(0)", "x.... .x... ..x.. ...x. ....x"),
        ("window(2, 0)", "x.... xx... xxx.. .xxx. ..xxx"),
        ("window(0, 1)", "xx... .xx.. ..xx. ...xx ....x"),
        ("~window(1)", "..xxx ...xx x...x xx... xxx.."),
        ("~causal", ".xxxx ..xxx ...xx ....x ....."),
        ("causal & window(1)", "x.... xx... .xx.. ..xx. ...xx"),
        ("window(1) | causal", "xx... xxx.. xxxx. xxxxx xxxxx"),
        ("~window(1) & causal", "..... ..... x.... xx... xxx.."),
        ("window(0) | ~window(2)", "x..xx .x..x ..x.. x..x. xx..x"),
        ("~(window(0) | causal)", ".xxxx ..xxx ...xx ....x ....."),
        ("local-m(1)", "xx... xxx.. .xxx. ..xxx ...xx"),
        ("dilated(1)", "xxxxx xxxxx xxxxx xxxxx xxxxx"),
        ("dilated(2)", "x.x.x .x.x. x.x.x .x.x. x.x.x"),
        ("dilated(3)", "x..x. .x..x ..x.. x..x. .x..x"),
        ("~dilated(2)", ".x.x. x.x.x .x.x. x.x.x .x.x."),
        ("window(2) & dilated(2)", "x.x.. .x.x. x.x.x .x.x. ..x.x"),
        ("prefix(2)", "xx... xx... xx... xx... xx..."),
        ("causal | prefix(3)", "xxx.. xxx.. xxx.. xxxx. xxxxx"),
        ("global(1)", "xxxxx x.... x.... x.... x...."),
        ("global(2)", "xxxxx xxxxx xx... xx... xx..."),
        ("~global(1)", "..... .xxxx .xxxx .xxxx .xxxx"),
        ("window(1) | global(1)", "xxxxx xxx.. xxxx. x.xxx x..xx"),
        ("causal & (window(1) | global(1))", "x.... xx... xxx.. x.xx. x..xx"),
    ],
)
def test_pictures(scope, want):
    assert picture(scope) == want.split()


def test_true_positions_count_and_not_columns():
    """Places 0, 2, 5 (others were dropped), queries at 2 and 4: causal sees 0 and 2 from both; window(2) sees 0, 2 and 2, 5."""
    assert picture("causal", (2, 4), (0, 2, 5)) == ["xx.", "xx."]
    assert picture("window(2)", (2, 4), (0, 2, 5)) == ["xx.", ".xx"]
    assert picture("~window(2)", (2, 4), (0, 2, 5)) == ["..x", "x.."]
    assert picture("dilated(2)", (2, 5), (0, 2, 5)) == ["xx.", "..x"]
    assert picture("prefix(3)", (2, 4), (0, 2, 5)) == ["xx.", "xx."]
    assert picture("global(3)", (2, 4), (0, 2, 5)) == ["xxx", "xx."]


@pytest.mark.parametrize(
    ("scope", "reach"),
    [
        ("everywhere", (math.inf, math.inf)),
        ("causal", (math.inf, 0)),
        ("window(3)", (3, 3)),
        ("window(3, 1)", (3, 1)),
        ("causal & window(3)", (3, 0)),
        ("window(3, 1) & window(1, 2)", (1, 1)),
        ("window(3, 1) | window(1, 2)", (3, 2)),
        ("window(3) | causal", (math.inf, 3)),
        ("~window(3)", (math.inf, math.inf)),
        ("local-m(3)", (3, 3)),
        ("local-p(2.5)", (math.inf, math.inf)),
        ("local-p(2) & window(4, 1)", (4, 1)),
        ("dilated(3)", (math.inf, math.inf)),
        ("window(4) & dilated(2)", (4, 4)),
        ("prefix(4)", (math.inf, 3)),
        ("causal | prefix(3)", (math.inf, 2)),
        ("global(2)", (math.inf, math.inf)),
        ("causal & (window(8) | global(2))", (math.inf, 0)),
    ],
)
def test_reach(scope, reach):
    assert make_scope(scope, query_size=2).reach == reach


class Light(Scope):
    """Sees the places up to `last`, in half light."""

    fades = True

    def __init__(self, last: int, light: float) -> None:
        super().__init__()
        self.last, self.light = last, light

    def forward(self, query, at, k_at, length):
        seen = (k_at <= self.last)[:, None, None].expand(-1, 1, at.shape[1], -1)
        return AttentionMask(seen, torch.full(seen.shape, self.light))


def seen(scope: Scope) -> AttentionMask:
    places = torch.arange(3)[None]
    return scope(torch.zeros(1, 1, 2), torch.tensor([[1]]), places, torch.tensor([3]))


def test_fades_multiply_in_and_and_the_brighter_wins_in_or():
    """Lights of 1/2 on places 0, 1 and of 1/4 on 0: both, 1/8 on 0; either, 1/2 on 0 and 1.  With a crisp scope: & keeps the light,
    | is 1 where the crisp one sees."""
    half, quarter = Light(1, 0.5), Light(0, 0.25)
    both, either = seen(half & quarter), seen(half | quarter)
    assert both.mask.flatten().tolist() == [True, False, False] and both.fade.flatten()[0] == 0.125
    assert either.mask.flatten().tolist() == [True, True, False] and either.fade.flatten().tolist()[:2] == [0.5, 0.5]
    crisp = seen(Window(0) & half)
    assert crisp.mask.flatten().tolist() == [False, True, False] and crisp.fade.flatten()[1] == 0.5
    lit = seen(Window(0) | half)
    assert lit.mask.flatten().tolist() == [True, True, False] and lit.fade.flatten().tolist()[:2] == [0.5, 1.0]
    assert seen(Everywhere() & Causal()).fade is None and seen(Everywhere() | Causal()).fade is None


def test_a_fade_is_applied_after_the_weighting():
    """Two places in half light weigh 1/2 each, and 1/4 each are taken; they gather (8 + 4) / 4 = 3."""
    look = Attention(1, 1, score=Dot(), scope=Light(1, 0.5))
    reading = look(torch.zeros(1, 1, 1), look.remember(torch.tensor([[[8.0], [4.0], [9.0]]])), torch.tensor([[0]]), weights=True)
    assert reading.weights.flatten().tolist() == [0.25, 0.25, 0.0] and reading.context.item() == 3


def test_refusals():
    with pytest.raises(ConfigError, match="a scope that does not fade"):
        ~Light(1, 0.5)
    with pytest.raises(ConfigError, match="a scope that does not fade"):
        ~(Window(1) & Light(1, 0.5))
    with pytest.raises(ConfigError, match="counts of 0 or more"):
        Window(1, -1)


def test_padding_is_out_of_sight_and_length_is_of_real_places():
    """Places 2 and 3 are padding: equal scores share what is left; the memory is 2 long, and an empty one 0."""
    look = Attention(1, 1, score=Dot())
    valid = torch.tensor([[True, True, False, False], [False] * 4])
    memory = look.remember(torch.zeros(2, 4, 1), valid)
    reading = look(torch.zeros(2, 1, 1), memory, torch.zeros(2, 1, dtype=torch.long), weights=True)
    assert reading.weights[:, 0, 0].tolist() == [[0.5, 0.5, 0, 0], [0, 0, 0, 0]]
    assert memory.length.tolist() == [2, 0]
