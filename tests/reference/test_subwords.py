"""Words read by the pieces of a pre-trained reader: against the same sequence put together by hand."""

import torch

from regard.build.bert import make_bert
from regard.core.arrays import to_tensors
from regard.networks.bert import BertShape, TextPairs, draw
from regard.networks.text_encoder import TextEncoder
from regard.tasks.read.batch import ReadText
from regard.tasks.read.layers import JointReader
from regard.tasks.subword_batches import fit_subwords, side_by_side
from regard.tasks.tag.batch import TagBatch
from regard.tasks.tag.network import TagNetwork

START, END = 1, 2
ONE, TWO = ((5, 6, 7), (8,)), ((9,), (10, 11), (12,))


def bert():
    torch.manual_seed(0)
    made = make_bert(BertShape(20, size=8, layers=2, heads=2, feedforward=12, positions=30, dropout=0.0)).eval()
    draw(made, spread=0.4)
    return made


def test_as_many_words_as_fit():
    assert fit_subwords(ONE, 4) == ONE and fit_subwords(ONE, 3) == ONE[:1]
    assert fit_subwords(ONE, 2) == ((5, 6),), "of a first word that is too long its first pieces"


def test_where_words_begin():
    made = side_by_side([ONE, TWO], (START,), (END,))
    assert made.numbers.tolist() == [[1, 5, 6, 7, 8, 2], [1, 9, 10, 11, 12, 2]]
    assert made.first.tolist() == [[1, 4, 0], [1, 2, 4]] and made.valid.all()
    assert side_by_side([TWO]).first.tolist() == [[0, 1, 3]]


def test_a_tag_is_read_from_the_first_piece_of_its_word():
    net = TagNetwork(bert(), tags=3).eval()
    words = torch.tensor([[3, 3]])
    real = torch.ones(1, 2, dtype=torch.bool)
    batch = TagBatch(
        type("Words", (), {"source": words, "source_valid": real})(),
        words,
        words,
        None,
        to_tensors(side_by_side([ONE], (START,), (END,))),
    )
    alone = TextEncoder.__call__(net.reader, torch.tensor([[1, 5, 6, 7, 8, 2]]), torch.ones(1, 6, dtype=torch.bool))
    torch.testing.assert_close(net(batch).tags, net.scores(alone.states[:, [1, 4]]))


def test_question_and_passage_are_one_sequence():
    inner = bert()
    net = JointReader(TextPairs(inner, start=START, end=END)).eval()
    question, passage = to_tensors((side_by_side([ONE, TWO]), side_by_side([TWO, ONE])))
    texts = [
        ReadText(t.first, torch.arange(3) < torch.tensor([[n], [m]]), torch.zeros(2, 3, 0), None, t)
        for t, n, m in ((passage, 3, 2), (question, 2, 3))
    ]
    read, asked, looks = net(*texts)
    assert not looks
    for row, (first, second) in enumerate(((ONE, TWO), (TWO, ONE))):
        flat = [START, *sum(first, ()), END, *sum(second, ()), END]
        between = len(sum(first, ())) + 2
        kind = torch.tensor([[0] * between + [1] * (len(flat) - between)])
        whole = inner(torch.tensor([flat]), torch.ones(1, len(flat), dtype=torch.bool), segments=kind)
        for told, words, begin in ((asked, first, 1), (read, second, between)):
            at = [begin + len(sum(words[:i], ())) for i in range(len(words))]
            torch.testing.assert_close(told.states[row, : len(words)], whole.states[0, at])
        torch.testing.assert_close(read.final[row], whole.final[0])
        torch.testing.assert_close(asked.final[row], whole.final[0])
