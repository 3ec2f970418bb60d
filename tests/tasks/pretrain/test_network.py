"""Pre-training by hand: documents to passages, pairs, masks, word-pieces, the loss."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from regard.build.bert import make_bert, make_masked_words
from regard.core.arrays import to_arrays
from regard.core.errors import ConfigError, DataError
from regard.data.wordpiece import SPECIALS, WordPieces
from regard.networks.bert import BertShape, draw
from regard.tasks.pretrain.batch import BertBatch
from regard.tasks.pretrain.demo_data import stories
from regard.tasks.pretrain.documents import blocks, join_parts, passages, read_documents
from regard.tasks.pretrain.masking import NOTHING, MaskedExamples, MaskingSettings
from regard.tasks.pretrain.network import PretrainNetwork
from regard.tasks.pretrain.predictor import fill_in

WORDS = [*SPECIALS, *"abcdefgh", *(f"##{x}" for x in "abcdefgh"), "."]
PIECES = WordPieces(WORDS)


def documents(tmp_path: Path, *texts: str):
    files = []
    for i, text in enumerate(texts):
        (tmp_path / f"{i}.txt").write_text(text, encoding="utf-8")
        files.append(str(tmp_path / f"{i}.txt"))
    return list(read_documents(files))


def test_blank_lines_and_files_part_documents(tmp_path):
    found = documents(tmp_path, "\n\na b\nc\n \nd\n\n\n", "e\n")
    assert [(d.lines, d.number, d.place.line) for d in found] == [(("a b", "c"), 0, 3), (("d",), 1, 6), (("e",), 2, 1)]


def test_blocks_are_put_together_again(tmp_path):
    (whole,) = documents(tmp_path, "".join(f"{x} {x}\n" for x in "abcdefgh" * 8))
    parts = list(blocks(whole))
    assert [len(p.lines) for p in parts] == [20, 20, 20, 4]
    assert list(join_parts(parts)) == [whole]
    assert [len(d.lines) for d in join_parts([parts[0], parts[2], parts[3]])] == [20, 24]


def test_passages_hold_what_fits_and_long_lines_are_cut_after_sentences(tmp_path):
    found = passages(documents(tmp_path, "a b\nc d e\nf\n\ng\n"), PIECES, room=5)
    assert [[len(p) for p in x.parts] for x in found] == [[2, 3], [1], [1]] and [x.document for x in found] == [0, 0, 1]
    (one,) = passages(documents(tmp_path, "a b c . d e f g h\n"), PIECES, room=9, most=5)
    assert [PIECES.tokens(p) for p in one.parts] == [("a", "b", "c", "."), ("d", "e", "f", "g", "h")]
    words = passages(documents(tmp_path, "abc def gh\n"), PIECES, room=8, most=5)  # no word is cut in two
    assert [PIECES.tokens(p) for x in words for p in x.parts] == [("a", "##b", "##c"), ("d", "##e", "##f", "g", "##h")]


@pytest.fixture(scope="module")
def told():
    texts = [line for story in stories(1, 60)[0] for line in story]
    return WordPieces.learn("wordpiece(220)", texts)


def examples(pieces: WordPieces, manner: MaskingSettings, seed: int = 1) -> MaskedExamples:
    from regard.tasks.pretrain.documents import Document, Place

    made = [Document(tuple(story), i, Place("here", 1)) for i, story in enumerate(stories(1, 60)[0])]
    return MaskedExamples(passages(made, pieces, room=40, most=20), pieces, manner, seed=seed)


def test_shares_of_masks(told):
    """15 % are chosen; of these 80 % are masked, 10 % another word, 10 % stay.  Specials never."""
    drawn = examples(told, MaskingSettings())
    seen = [drawn.draw(epoch, i) for epoch in range(30) for i in range(len(drawn))]
    words, targets = (np.concatenate([getattr(e, name) for e in seen]) for name in ("words", "targets"))
    chosen, special = targets != NOTHING, np.isin(words, [told.first, told.between])
    assert chosen.sum() / (~special).sum() == pytest.approx(0.15, abs=0.01)
    assert (words[chosen] == told.mask).mean() == pytest.approx(0.8, abs=0.02)
    assert (words[chosen] == targets[chosen]).mean() == pytest.approx(0.1, abs=0.02)
    assert not np.isin(targets[chosen], list(told.specials)).any() and not (words[~chosen] == told.mask).any()
    assert np.mean([e.follows for e in seen if e.follows is not None]) == pytest.approx(0.5, abs=0.03)


def test_each_epoch_draws_anew_and_the_same_again(told):
    drawn, again = examples(told, MaskingSettings()), examples(told, MaskingSettings())
    same = [np.array_equal(drawn.draw(0, i).words, again.draw(0, i).words) for i in reversed(range(len(drawn)))]
    assert all(same)
    assert not any(np.array_equal(drawn.draw(0, i).words, drawn.draw(1, i).words) for i in range(len(drawn)))
    other = examples(told, MaskingSettings(), seed=2)
    assert not all(np.array_equal(drawn.draw(0, i).words, other.draw(0, i).words) for i in range(len(drawn)))


def test_pairs_follow_or_come_from_another_document(told):
    drawn = examples(told, MaskingSettings(masked=False, short=0))
    whole = {i: np.concatenate(p.parts).tolist() for i, p in enumerate(drawn.passages)}
    for i in range(len(drawn)):
        e = drawn.draw(0, i)
        first, second = (e.words[e.segments == s].tolist() for s in (0, 1))
        text = first[1:-1] + second[:-1]
        if e.follows is None:
            assert len(drawn.passages[i].parts) == 1 and not second
            continue
        assert e.words[0] == told.first and first[-1] == second[-1] == told.between and len(text) <= len(whole[i])
        assert (text == whole[i]) == e.follows
        assert (e.targets == NOTHING).all()


def test_some_passages_end_early(told):
    """A tenth, so that short texts are known too; never fewer than two parts."""
    drawn = examples(told, MaskingSettings(pairs=False, masked=False, short=0.5))
    long = [i for i, p in enumerate(drawn.passages) if len(p.parts) > 2]
    sizes = [(drawn.draw(e, i).size - 2) / drawn.passages[i].size for e in range(20) for i in long]
    assert 0.4 < np.mean([x < 1 for x in sizes]) < 0.6 and max(sizes) == 1


def test_whole_words_are_masked_with_all_their_pieces():
    text = np.array(PIECES.encode("abc d ef gh a b cdef h a b c d e f g h ab cd"), dtype=np.int32)
    from regard.tasks.pretrain.documents import Passage

    drawn = MaskedExamples([Passage((text,), 0)], PIECES, MaskingSettings(share=0.3, whole=True, pairs=False), seed=1)
    begins = np.array([True, *(PIECES.begins[i] for i in text[1:]), True])
    for epoch in range(50):
        chosen = (drawn.draw(epoch, 0).targets != NOTHING)[1:]
        assert 1 <= chosen.sum() <= round(0.3 * len(text))
        assert (chosen[1:][~begins[1:]] == chosen[:-1][~begins[1:]]).all()


def test_where_every_word_is_long_the_shortest_is_masked_whole():
    from regard.tasks.pretrain.documents import Passage

    text = np.array(PIECES.encode("abcdefgh cdefg abcdefg"), dtype=np.int32)
    drawn = MaskedExamples([Passage((text,), 0)], PIECES, MaskingSettings(share=0.1, whole=True, pairs=False), seed=1)
    for epoch in range(5):
        assert np.flatnonzero(drawn.draw(epoch, 0).targets != NOTHING).tolist() == [9, 10, 11, 12, 13]


def test_a_line_of_a_whole_book_is_cut_in_time_that_grows_with_it(tmp_path):
    """And at the same places as a shorter one."""
    line = "abc d ef gh . " * 20
    short, long = (passages(documents(tmp_path, line * n), PIECES, room=62) for n in (1, 40))
    assert [p.parts[0].tolist() for p in long[: len(short) - 1]] == [p.parts[0].tolist() for p in short[:-1]]
    assert sum(p.size for p in long) == 40 * sum(p.size for p in short)


def test_from_left_to_right_each_place_tells_the_next():
    from regard.tasks.pretrain.documents import Passage

    text = np.array(PIECES.encode("a b c"), dtype=np.int32)
    e = MaskedExamples([Passage((text,), 0)], PIECES, MaskingSettings(pairs=False, ahead=True), seed=1).draw(0, 0)
    assert PIECES.tokens(e.words) == ("[CLS]", "a", "b", "c", "[SEP]")
    assert PIECES.tokens(e.targets[:3]) == ("a", "b", "c") and (e.targets[3:] == NOTHING).all()


def test_the_loss_is_the_mean_word_and_the_mean_pair():
    torch.manual_seed(0)
    bert = make_bert(BertShape(len(PIECES), size=8, layers=1, heads=2, feedforward=8, positions=16, dropout=0.0))
    task = PretrainNetwork(bert, make_masked_words(bert), torch.nn.Linear(8, 2))
    draw(task, spread=0.5)
    words = torch.tensor([[2, 5, 6, 3, 7, 3], [2, 5, 4, 3, 0, 0]])
    targets = torch.tensor([[-1, 9, 6, -1, -1, -1], [-1, -1, 8, -1, -1, -1]])
    valid, segments = torch.arange(6) < torch.tensor([[6], [4]]), torch.tensor([[0, 0, 0, 0, 1, 1], [0] * 6])
    batch = BertBatch(words, valid, segments, targets, torch.tensor([1, -1]))
    found, encoded = task.loss(batch), task(batch)
    log_p = task.words.log_p(encoded.states)
    each = -(log_p[0, 1, 9] + log_p[0, 2, 6] + log_p[1, 2, 8])
    pair = -task.follows(encoded.final).log_softmax(-1)[0, 1]
    assert found.tokens == 3
    torch.testing.assert_close(found.total, each + 2 * pair)  # the row of the pair has two words
    asked = to_arrays(batch).ask(slice(0, 2))
    assert asked.places.tolist() == [[0, 1], [0, 2], [1, 2]]
    told = task.answer(asked)
    assert -told.log_p[[0, 1, 2], [9, 6, 8]].sum() == pytest.approx(each.item(), rel=1e-6)
    assert -told.follows[0, 1] == pytest.approx(pair.item(), rel=1e-6)


def test_the_same_texts_give_the_same_pieces_in_any_process():
    code = "from regard.data.wordpiece import WordPieces; from regard.tasks.pretrain.demo_data import stories; import hashlib; "
    code += "t = [l for s in stories(1, 50)[0] for l in s]; "
    code += "print(hashlib.sha256(' '.join(WordPieces.learn('wordpiece(120)', t).names).encode()).hexdigest())"
    told = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in range(2)}
    assert len(told) == 1


def test_specials_of_a_text_are_text():
    ids = PIECES.encode("[MASK] [CLS] a[SEP]b [PAD]")
    assert not set(ids) & (PIECES.specials - {PIECES.unknown})


def test_letters_are_pieces():
    pieces = WordPieces.learn("char", ["ab b", "去b"])
    assert set(pieces.names[5:]) == {"a", "b", "##b", "去"}
    assert pieces.tokens(pieces.encode("ab去")) == ("a", "##b", "去")
    assert pieces.unseen("ab 到") == ("到",)


def test_a_vocabulary_without_room():
    with pytest.raises(ConfigError, match=r"room for specials and letters; received wordpiece\(6\)"):
        WordPieces.learn("wordpiece(6)", ["abc abc"])
    with pytest.raises(ConfigError, match="wordpiece"):
        WordPieces.learn("bpe(80)", ["abc"])


def test_pieces_fill_masks():
    assert fill_in("a [MASK] is [MASK].", ["cat", "##s"]) == "a cat iss."
    assert fill_in("no", []) == "no" and fill_in("[MASK] [MASK]", ["x"]) == "x [MASK]"


@pytest.mark.parametrize(
    ("texts", "match"),
    [
        (("a\nb\nc\n",), "at least two documents"),
        (("a\n\nb\n\nc\n",), "documents of at least two lines"),
    ],
)
def test_text_too_short_for_pairs(texts, match, tmp_path):
    with pytest.raises(DataError, match=match):
        MaskedExamples(passages(documents(tmp_path, *texts), PIECES, room=8), PIECES, MaskingSettings(), seed=1)
    assert math.isfinite(
        len(MaskedExamples(passages(documents(tmp_path, *texts), PIECES, room=8), PIECES, MaskingSettings(pairs=False), seed=1))
    )


def test_places_begin_as_sinusoids_of_the_spread():
    made = make_bert(BertShape(9, size=8, layers=1, heads=2, feedforward=8, positions=40))
    draw(made, spread=0.1)
    places = made.embed.positions.table.weight.detach()
    torch.testing.assert_close(places[3, :2], torch.tensor([math.sin(3.0), math.cos(3.0)]) * 0.1 * 2**0.5)
    assert abs(float(made.embed.table.weight[1:].detach().std()) - 0.1) < 0.04
    odd = make_bert(BertShape(9, size=3, layers=1, heads=1, feedforward=8, positions=40))
    draw(odd, spread=0.1)
    assert abs(float(odd.embed.positions.table.weight.detach().std()) - 0.1) < 0.04
