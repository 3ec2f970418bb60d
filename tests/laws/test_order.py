"""Law 8: without positions an encoder does not know the order of words; with them it does; with `causal` it does not know the future."""

from __future__ import annotations

import pytest
import torch

from regard.build import networks
from regard.config import AttentionSection, ModelSection

pytestmark = pytest.mark.usefixtures("float64")
same = torch.testing.assert_close
ORDER = torch.tensor([3, 0, 4, 1, 2])


def encode(source, valid, *, positions="none", norm="pre", **look):
    model = ModelSection(
        family="transformer", size=6, feedforward=5, heads=3, encoder_layers=2, decoder_layers=1, positions=positions, norm=norm,
        max_positions=9, self_attention=AttentionSection(**look),
    )  # fmt: skip
    torch.manual_seed(0)
    network = networks.transformer(model, 7, 7).eval()
    with torch.no_grad():
        return network.encode(source, valid, weights=True)


@pytest.fixture
def source():
    return torch.tensor([[1, 2, 3, 4, 5], [6, 2, 2, 1, 4]])


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_an_encoder_without_positions_is_equivariant(score_without_places, weighting_without_places, norm, source):
    """encode(x[order]) = encode(x)[order], and each look with it; what reads the places knows the order, as test_reads sees."""
    valid = torch.ones(2, 5, dtype=torch.bool)
    kinds = {"score": score_without_places, "weighting": weighting_without_places, "norm": norm}
    whole, moved = encode(source, valid, **kinds), encode(source[:, ORDER], valid, **kinds)
    same(moved.states, whole.states[:, ORDER])
    for name, look in whole.looks.items():
        same(moved.looks[name], look[..., ORDER, :][..., ORDER])


@pytest.mark.parametrize("positions", ["sinusoidal", "learned", "rotary"])
def test_positions_tell_the_order(positions, source):
    valid = torch.ones(2, 5, dtype=torch.bool)
    whole, moved = (encode(s, valid, positions=positions).states for s in (source, source[:, ORDER]))
    assert ((moved - whole[:, ORDER]).abs().amax(-1) > 1e-3).all()


@pytest.mark.parametrize("positions", ["none", "sinusoidal", "learned", "rotary"])
@pytest.mark.parametrize("behind", ["causal", "causal & window(1)", "window(back=2, ahead=0)"])
def test_with_causal_later_words_change_nothing_before(score_at_once, behind, positions, source):
    valid = torch.ones(2, 5, dtype=torch.bool)
    other = torch.cat([source[:, :3], source[:, 3:] % 6 + 1], 1)
    whole, changed = (encode(s, valid, positions=positions, score=score_at_once, scope=behind).states for s in (source, other))
    same(changed[:, :3], whole[:, :3], rtol=0, atol=0)
    assert not torch.allclose(changed[:, 3:], whole[:, 3:])


def test_a_window_sees_just_its_places(source):
    """window(1) in two layers: word 4 reaches places 2 and later, and no further back."""
    valid = torch.ones(2, 5, dtype=torch.bool)
    other = source.clone()
    other[:, 4] = source[:, 4] % 6 + 1
    whole, changed = (encode(s, valid, positions="learned", scope="window(1)").states for s in (source, other))
    same(changed[:, :2], whole[:, :2], rtol=0, atol=0)
    assert ((changed[:, 2:] - whole[:, 2:]).abs().amax(-1) > 1e-9).all()


def test_with_rotary_positions_only_distances_count(source):
    """Between padding on either side: the same sentence, begun 0 or 2 places later, gives the same states; doubled distances do not."""
    attention = networks.make_attention(query_size=6, memory_size=6, heads=1, project=True, rotary=True)
    x, at = torch.randn(2, 5, 6), torch.arange(5).expand(2, 5)

    def read(at):
        return attention(x, attention.remember(x, at=at), at).context

    same(read(at + 2), read(at), atol=1e-6, rtol=0)  # the angles are float32's
    assert not torch.allclose(read(2 * at), read(at), atol=1e-3)


def test_rotary_steps_are_the_whole(source):
    """Word by word from a state, and all at once: positions go on where they were."""
    model = ModelSection(family="transformer", size=6, feedforward=5, heads=3, positions="rotary")
    network = networks.transformer(model, 7, 7).eval()
    with torch.no_grad():
        state = network.decoder.start(network.encode(source, torch.ones(2, 5, dtype=torch.bool)))
        whole, _ = network.write(source, state)
        for t in range(5):
            written, state = network.write(source[:, t : t + 1], state)
            same(written.states, whole.states[:, t : t + 1])
