"""Law 7: heads that copy and heads that align, against numbers that a person can check."""

from __future__ import annotations

from math import log

import pytest
import torch

from regard.build import networks
from regard.config import ModelSection
from regard.core.errors import ConfigError
from regard.data.tokenizer import Tokenizer
from regard.networks.base import DecoderOutput, EncoderOutput, Places
from regard.networks.copy_head import CopyHead
from regard.networks.heads import WordHead
from regard.networks.marginal_heads import HardMonotonicHead, MarginalHead

A, B_, EOS = 4, 5, 2  # two letters and the end sign of a vocabulary of 6


def even() -> WordHead:
    """Says each of six words with 1/6, whatever the state."""
    head = WordHead(1, 6)
    for x in head.parameters():
        x.data.zero_()
    return head


def copying(look, source, *, bias: float = log(3), twins=(-1, -1, -1, -1, A, B_)) -> torch.Tensor:
    """The probabilities of the next word, where p_gen is sigmoid(bias): 3/4 for ln 3."""
    head = CopyHead(even(), 1, twins)
    head.gate.weight.data.zero_()
    head.gate.bias.data.fill_(bias)
    words = torch.tensor([source])
    encoded = EncoderOutput(torch.zeros(1, len(source), 1), torch.ones_like(words, dtype=torch.bool), torch.zeros(1, 1))
    looks = {"decoder.0.cross": torch.full((1, 1, 1, len(source)), 0.5), "decoder.1.cross": torch.tensor([look])[:, :, None]}
    written = DecoderOutput(torch.ones(1, 1, 1), {**looks, "decoder.1.self": torch.ones(1, 1, 1, 1)})
    return head(written, words[:, :1], head.start(encoded, words))[0][0, 0].exp()


def test_copy():
    """The source says a b a and its end; it is looked at with 0.2, 0.3, 0.4 and 0.1.  The end cannot be copied, so a gets
    0.6 / 0.9 and b 0.3 / 0.9 of the quarter that is copied; all six words get 3/4 of 1/6.  Only the last layer's look counts."""
    p = copying([[0.2, 0.3, 0.4, 0.1]], [A, B_, A, EOS])
    assert p.tolist() == pytest.approx([1 / 8] * 4 + [1 / 8 + 1 / 6, 1 / 8 + 1 / 12])


def test_copy_takes_the_mean_of_the_heads_and_any_sum_of_weights():
    """(0.2, 0.4) and (0.6, 0) are on the average (0.4, 0.2), and so is what fades to half of it."""
    want = [1 / 8] * 4 + [1 / 8 + 1 / 6, 1 / 8 + 1 / 12]
    for heads in ([[0.2, 0.4], [0.6, 0.0]], [[0.1, 0.2], [0.3, 0.0]], [[4.0, 2.0]]):
        assert copying(heads, [A, B_]).tolist() == pytest.approx(want)


@pytest.mark.parametrize(("look", "source"), [([0.0, 0.0], [A, B_]), ([1.0, 0.0], [EOS, A]), ([0.5, 0.5], [EOS, 3])])
def test_where_nothing_can_be_copied_all_is_made_up(look, source):
    """Nothing in sight, only the end sign looked at, nothing but signs: p_gen is 1, and nothing is lost."""
    assert copying([look], source).tolist() == pytest.approx([1 / 6] * 6)


def test_copies_are_told_by_a_table_between_vocabularies():
    """Words 4 and 5 of the source are b and a of the target; with p_gen next to 0 what is looked at is said."""
    p = copying([[0.25, 0.75]], [A, B_], bias=-50.0, twins=(-1, -1, -1, -1, B_, A))
    assert p.tolist() == pytest.approx([0, 0, 0, 0, 0.75, 0.25], abs=1e-6)


def test_what_vocabularies_lack_is_copied_behind_them():
    """Of 6 and 6 words, 12 + place is a string that neither knows, 6 + 5 one that the target alone knows.  Looked at are x b x y and
    the end, with 0.2, 0.3, 0.3, 0.1 and 0.1: of the quarter that is copied x gets 5/9, b 3/9 and y, which the target knows as b, 1/9."""
    p = copying([[0.2, 0.3, 0.3, 0.1, 0.1]], [12 + 0, B_, 12 + 0, 6 + B_, EOS])
    assert p.tolist() == pytest.approx([1 / 8] * 5 + [1 / 8 + 4 / 36, 5 / 36])
    p = copying([[0.5, 0.5]], [A, 12 + 1])  # numbers are those of places: no word has V + 0
    assert p.tolist() == pytest.approx([1 / 8] * 4 + [1 / 8 + 1 / 8, 1 / 8, 0, 1 / 8])


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_loss_of_a_word_that_only_the_source_has(smoothing):
    """Looked at with 1/2, of the quarter that is copied; what is smoothed is spread over the vocabulary alone."""
    head = CopyHead(even(), 1, (-1, -1, -1, -1, A, B_))
    head.gate.weight.data.zero_()
    head.gate.bias.data.fill_(log(3))
    words = torch.tensor([[12 + 0, A]])
    encoded = EncoderOutput(torch.zeros(1, 2, 1), words > 0, torch.zeros(1, 1))
    written, real = DecoderOutput(torch.ones(1, 1, 1), {"decoder.0.cross": torch.full((1, 1, 1, 2), 0.5)}), words[:, :1] > 0
    total, nats = head.loss(written, torch.tensor([[6 + 0]]), real, head.start(encoded, words), smoothing=smoothing)
    assert float(nats) == pytest.approx(log(8))
    assert float(total.detach()) == pytest.approx((1 - smoothing) * log(8) + smoothing * (5 * log(8) + log(4)) / 6)
    assert head.read(words).tolist() == [[3, A]] and head.wrote(torch.tensor([[6, 5]])).tolist() == [[3, 5]]


def test_twins_are_symbols_of_text_alone():
    reader = Tokenizer.train("char", ["aab"], features=["N", "c"])
    writer = Tokenizer.train("char", ["cccbb", "z"])
    found = {reader.tokens([i])[0]: twin for i, twin in enumerate(reader.twins(writer))}
    assert found == {"<pad>": -1, "<s>": -1, "</s>": -1, "<unk>": -1, "a": -1, "b": writer.encode("b")[0], "<N>": -1, "<c>": -1}
    assert reader.twins(reader) == [-1] * 4 + [4, 5] + [-1] * 2


def test_vocabularies_of_two_sizes_need_a_table():
    model = ModelSection(embedding=3, size=2, head="copy")
    with pytest.raises(ConfigError, match="7 source and 6 target words"):
        networks.recurrent(model, 7, 6)
    assert networks.recurrent(model, 7, 6, [-1] * 6 + [4]).head.twins.tolist() == [-1] * 6 + [4]


LETTERS = {"a": 0, "b": 1}


def aligned(head_of, share, said, target: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The probability of each letter of a target, the predictive alignments, and the summed loss.  share: of each step the places'
    weights; said: of each place the probability of a (b has the rest), and last of nothing."""
    words = WordHead(2, 2)
    words.linear.weight.data.copy_(torch.eye(2))
    words.linear.bias.data.zero_()
    states = torch.tensor([[p, 1 - p] for p in said]).log()  # so that the softmax gives them back
    share = torch.tensor([share])
    T, P = share.shape[1:]
    written = DecoderOutput(
        torch.zeros(1, T, 2), {"decoder.0.cross": share[:, None, :, :-1]}, None, Places(states.expand(1, T, P, 2), share)
    )
    head, source = head_of(words), torch.zeros(1, P - 1, dtype=torch.long)
    encoded = EncoderOutput(torch.zeros(1, P - 1, 1), source == 0, torch.zeros(1, 1))
    targets = torch.tensor([[LETTERS[x] for x in target]])
    read = torch.cat([torch.zeros(1, 1, dtype=torch.long), targets[:, :-1]], 1)
    state = head.start(encoded, source)
    log_p, _ = head(written, read, state)
    total, _ = head.loss(written, targets, torch.ones_like(targets, dtype=torch.bool), state)
    return log_p.gather(-1, targets[..., None])[0, :, 0].exp(), head.shown(written, read, state)["decoder.0.cross"][0, 0], total


def monotonic(words: WordHead) -> HardMonotonicHead:
    return HardMonotonicHead(words, 2)


def test_hard_monotonic():
    """Two places, a with 0.9 and with 0.2, weights 1/2 each at both steps; written is "ab".  First look: a with 0.55.  It was then
    at place 1 with 0.45 / 0.55 = 9/11, and from there goes on to either with 1/2; from place 2 (2/11) it stays: place 1 with 9/22,
    place 2 with 13/22.  So b comes with 9/22 * 0.1 + 13/22 * 0.8."""
    p, shown, total = aligned(monotonic, [[0.5, 0.5, 0.0]] * 2, [0.9, 0.2, 0.5], "ab")
    assert p.tolist() == pytest.approx([0.55, (9 * 0.1 + 13 * 0.8) / 22])
    assert shown.flatten().tolist() == pytest.approx([0.5, 0.5, 9 / 22, 13 / 22])
    assert total.item() == pytest.approx(-p.log().sum().item())


def test_hard_monotonic_has_read_all_where_nothing_is_ahead():
    """Place 2 alone is in sight, then place 1 alone: there is no way back, so nothing is read, and nothing after that."""
    p, shown, _ = aligned(monotonic, [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.5, 0.0]], [0.9, 0.2, 0.4], "aaa")
    assert p.tolist() == pytest.approx([0.2, 0.4, 0.4]) and shown.tolist() == [[0, 1], [0, 0], [0, 0]]


def test_hard_monotonic_parts_what_is_stuck():
    """From places 1 and 2 with 1/2 each (both say a with 0.5) only place 1 is in sight: half stays there, half has read all."""
    p, shown, _ = aligned(monotonic, [[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]], [0.5, 0.5, 0.1], "aa")
    assert shown[1].tolist() == pytest.approx([0.5, 0.0]) and p[1].item() == pytest.approx(0.5 * 0.5 + 0.5 * 0.1)


def test_marginal():
    """The same places without an order: 1/4 * 0.9 + 3/4 * 0.2, whatever was before; with nothing in sight what nothing says."""
    p, shown, total = aligned(MarginalHead, [[0.25, 0.75, 0.0], [0.25, 0.75, 0.0], [0.0, 0.0, 1.0]], [0.9, 0.2, 0.4], "aab")
    assert p.tolist() == pytest.approx([0.375, 0.375, 0.6]) and shown[0].tolist() == [0.25, 0.75]
    assert total.item() == pytest.approx(-p.log().sum().item())


def test_far_apart_scores_stay_finite():
    """In float32, with weights down to the smallest and words next to impossible: no gradient is NaN."""
    torch.manual_seed(0)
    words = WordHead(3, 4)
    words.linear.weight.data *= 1e3
    scores = (100 * torch.randn(2, 5, 6)).requires_grad_()
    states = torch.randn(2, 5, 7, 3, requires_grad=True)
    share = torch.cat([scores.softmax(-1), torch.zeros(2, 5, 1)], -1)
    written, source = DecoderOutput(states[:, :, 0], {}, None, Places(states, share)), torch.zeros(2, 6, dtype=torch.long)
    targets = torch.randint(4, (2, 5))
    for head in (HardMonotonicHead(words, 3), MarginalHead(words)):
        state = head.start(EncoderOutput(torch.zeros(2, 6, 1), source == 0, torch.zeros(2, 1)), source)
        total, _ = head.loss(written, targets, torch.ones_like(targets, dtype=torch.bool), state, smoothing=0.1)
        grads = torch.autograd.grad(total, [scores, states, *words.parameters()], retain_graph=True)
        assert total.isfinite() and all(g.isfinite().all() and g.any() for g in grads)
