"""Summaries, figures and the loss of a classifier, by numbers that a person can check."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch

from regard.attention.pooling import Pool, StructuredPool, hop_overlap
from regard.build import networks
from regard.config import AttentionSection, ModelSection
from regard.core.arrays import to_tensors
from regard.data.batching import collate
from regard.data.tokenizer import BOS, UNK
from regard.data.vocab import Vocabulary
from regard.metrics.classification import class_figures, confusion
from regard.networks.base import EncoderOutput
from regard.networks.pooling import AttentionPooling, FirstPooling, LastPooling, MaxPooling, MeanPooling
from regard.tasks.classify.batch import ClassBatch
from regard.tasks.classify.builder import pool_look
from regard.tasks.classify.demo_data import TELLING, messages
from regard.tasks.classify.network import ClassifyNetwork
from regard.tasks.classify.predictor import _balanced

STATES = torch.tensor([[[1.0, -4.0], [3.0, -2.0], [9.0, 9.0]], [[5.0, 6.0], [7.0, 8.0], [-1.0, 0.0]], [[2.0, 2.0]] * 3])
VALID = torch.tensor([[True, True, False], [True, True, True], [False, False, False]])
ENCODED = EncoderOutput(STATES, VALID, torch.tensor([[3.0, -2.0], [-1.0, 0.0], [0.0, 0.0]]))


@pytest.mark.parametrize(
    ("summing", "want"),
    [
        (LastPooling(2), [[3.0, -2.0], [-1.0, 0.0], [0.0, 0.0]]),
        (FirstPooling(2), [[1.0, -4.0], [5.0, 6.0], [0.0, 0.0]]),
        (MeanPooling(2), [[2.0, -3.0], [11 / 3, 14 / 3], [0.0, 0.0]]),
        (MaxPooling(2), [[3.0, -2.0], [7.0, 8.0], [0.0, 0.0]]),
    ],
)
def test_summaries_by_hand(summing, want):
    vector, weights = summing(ENCODED, weights=True)
    torch.testing.assert_close(vector, torch.tensor(want))
    assert weights is None and vector.shape[1] == summing.size


def test_a_pool_is_a_weighted_mean():
    look = pool_look(AttentionSection(score="key-only"), 2)
    with torch.no_grad():
        look.score.w.copy_(torch.tensor([[[1.0, 0.0]]]))
    vector, weights = AttentionPooling(Pool(look), size=2)(ENCODED, weights=True)
    a, b = math.exp(math.tanh(1)), math.exp(math.tanh(3))
    torch.testing.assert_close(weights[0, 0, 0], torch.tensor([a / (a + b), b / (a + b), 0.0]))
    torch.testing.assert_close(vector[0], (a * STATES[0, 0] + b * STATES[0, 1]) / (a + b))
    assert not vector[2].any()


def test_hops_stand_side_by_side_and_their_overlap_costs():
    """Without the penalty the loss is the cross-entropy alone; with it `||A A^T - I||^2` is added, in training only."""
    torch.manual_seed(1)
    reader = networks.reader(ModelSection(encoder="gru", embedding=4, size=6, dropout=0.0), 9)
    summing = AttentionPooling(StructuredPool(6, inner=5, hops=3), size=6, hops=3)
    assert summing.size == 18
    batch = ClassBatch(to_tensors(collate([([4, 5, 6], None), ([7, 8], None)], [0, 1])), torch.tensor([0, 1]))
    plain, dear = (ClassifyNetwork(reader, summing, labels=2, penalty=penalty) for penalty in (0.0, 0.5))
    dear.load_state_dict(plain.state_dict())
    looked = plain(batch, weights=True).looks["pool"]
    extra = 0.5 * float(hop_overlap(looked.detach()).sum())
    assert dear.loss(batch).total.item() == pytest.approx(plain.loss(batch).total.item() + extra, rel=1e-5)
    assert dear.eval().loss(batch).total.item() == pytest.approx(plain.eval().loss(batch).total.item(), rel=1e-6)


def test_the_symbol_that_sums_up_is_never_read_as_unknown():
    """A share of words is, in training; here nearly all."""
    torch.manual_seed(1)
    reader = networks.reader(ModelSection(encoder="gru", embedding=4, size=6, dropout=0.0), 9)
    task = ClassifyNetwork(reader, FirstPooling(6), labels=2, unseen=1 - 1e-7)
    batch = ClassBatch(to_tensors(collate([([BOS, 5, 6], None)], [0])), torch.tensor([0]))
    unknown = ClassBatch(to_tensors(collate([([BOS, UNK, UNK], None)], [0])), torch.tensor([0]))
    torch.testing.assert_close(task(batch).labels, task.eval()(unknown).labels)


def test_the_loss_weighs_labels_and_smooths():
    torch.manual_seed(1)
    reader = networks.reader(ModelSection(encoder="gru", embedding=4, size=6, dropout=0.0), 9)
    task = ClassifyNetwork(reader, MeanPooling(6), labels=3, smoothing=0.3, weights=[1.0, 2.0, 5.0])
    batch = ClassBatch(to_tensors(collate([([4, 5], None), ([6], None)], [0, 1])), torch.tensor([1, 2]))
    log_p = task(batch).labels.detach().log_softmax(-1)
    smooth = [-(0.7 * log_p[i, y] + 0.3 * log_p[i].mean()) for i, y in enumerate((1, 2))]
    found = task.loss(batch)
    assert found.total.item() == pytest.approx(float(2 * smooth[0] + 5 * smooth[1]), rel=1e-5)
    assert found.nats.item() == pytest.approx(float(-(log_p[0, 1] + log_p[1, 2])), rel=1e-5) and found.tokens == 2


def test_figures_by_hand():
    """Label a: found 2, right 2, both 1, F1 1/2; b: 1, 2, 1: 2/3; c: 1, 0, 0: 0."""
    found, right = ["a", "b", "c", "a"], ["a", "b", "b", "a2"]
    assert class_figures(found[:3], right[:3]) == pytest.approx({"accuracy": 2 / 3, "macro_f1": (1 + 2 / 3 + 0) / 3})
    assert class_figures(found, right)["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 0 + 0) / 4)
    more = class_figures(["a", "a", "b", "b", "a"], ["a", "b", "b", "b", "a"])  # more items than labels: 4/5 of each
    assert more == pytest.approx({"accuracy": 4 / 5, "macro_f1": 4 / 5})
    assert confusion(found, ["a", "b", "b", "b"], ["a", "b", "c"]) == [[1, 0, 0], [1, 1, 1], [0, 0, 0]]
    assert confusion(["", "a"], ["a", "a"], ["a", "b"]) == [[1, 0], [0, 0]]


def test_figures_are_those_of_sklearn():
    metrics = pytest.importorskip("sklearn.metrics", reason="the oracle is scikit-learn")
    draw = torch.Generator().manual_seed(3)
    found, right = ([f"c{n}" for n in torch.randint(0, 6, (200,), generator=draw).tolist()] for _ in range(2))
    want = metrics.f1_score(right, found, average="macro")
    assert class_figures(found, right)["macro_f1"] == pytest.approx(want)


def test_balanced_weights_by_hand(tmp_path):
    (tmp_path / "counts.json").write_text('{"a": 6, "b": 2}', encoding="utf-8")
    assert _balanced(tmp_path / "counts.json", Vocabulary(["a", "b"])) == pytest.approx([8 / 12, 8 / 4])


def test_messages_hang_on_one_word():
    train, valid = messages(1, 400)
    assert (len(train), len(valid)) == (320, 80) and not {m.text for m in train} & {m.text for m in valid}
    words = {word: label for kinds in TELLING.values() for label, each in kinds.items() for word in each}
    for told in (*train, *valid):
        assert {w for w in words if w in told.text} >= {told.word} and words[told.word] == told.label
        assert {words[w] for w in words if w in told.text} == {told.label}
    assert min(Counter(m.label for m in train).values()) > 50 and messages(1, 400) == (train, valid)
