"""Word vectors from text files, and a reader that begins with them."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import torch

from regard import runs
from regard.config import read_config
from regard.core.errors import ConfigError, DataError
from regard.data.text_files import lines
from regard.data.word_vectors import read_vectors, vectors_width
from regard.tasks.load_run import load_run

FORMS = {
    "with a head": "3 2\nthe 0.5 -1\ncat 2 3e-1\ndog 1 1\n",
    "without": "the 0.5 -1\ncat 2 3e-1\ndog 1 1\n",
    "tabs, blanks at the end, CRLF": "3\t2\r\nthe\t0.5\t-1 \r\ncat 2 3e-1 \r\ndog 1 1 \r\n",
    "the first of two counts": "the 0.5 -1\ncat 2 3e-1\ncat 9 9\nthe 7 7\n",
    "an empty line": "the 0.5 -1\n\ncat 2 3e-1\n",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("packed", [False, True])
def test_forms(tmp_path, text, packed):
    file = tmp_path / ("v.vec.gz" if packed else "v.vec")
    file.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert vectors_width(str(file)) == 2
    found = read_vectors(str(file), ["the", "cat", "absent"])
    assert set(found) == {"the", "cat"}
    np.testing.assert_array_equal(found["the"], np.float32([0.5, -1]))
    np.testing.assert_array_equal(found["cat"], np.float32([2, 0.3]))


def test_a_word_may_hold_blanks(tmp_path):
    file = tmp_path / "v.txt"
    file.write_text("the 1 2\n. . . 3 4\nat name@domain.com 5 6\n", encoding="utf-8")
    found = read_vectors(str(file), [". . .", "at name@domain.com", "."])
    assert {word: vector.tolist() for word, vector in found.items()} == {". . .": [3, 4], "at name@domain.com": [5, 6]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the 1 2\ncat 1\n", [":2: expected a word and 2 numbers", "1 number behind 'cat'", "Correct the line"]),
        ("the 1 2\ncat 1 2 3\n", [":2: expected a word and 2 numbers", "3 numbers behind 'cat'"]),
        ("2 3\nthe 1 2\n", [":2: expected a word and 3 numbers", "2 numbers"]),
        ("the 1 2\ncat 1 x\n", [":2: expected finite numbers", "'x'"]),
        ("the 1 2\ncat 1 nan\n", [":2: expected finite numbers", "'nan'"]),
        ("the 1 2\ncat 1 1e39\n", [":2: expected finite numbers of 32 bits", "'1e39'"]),  # finite, but not in the net
        ("the 1 2\ncat -3.5e38 1\n", [":2: expected finite numbers of 32 bits"]),
        (f"3 {'9' * 5000}\nthe 1 2\n", [":2: expected a word and 1 number"]),
        ("2 2\ncat 1 2 3\n", [":2: expected a word and 2 numbers", "3 numbers behind 'cat'"]),
        ("", ["expected word vectors", "an empty file"]),
        ("only\n", [":1: expected the count and the width, or a word and its numbers", "'only'"]),
        ("the cat sat\n", [":1: expected the count and the width", "'the cat sat'"]),
    ],
)
def test_files_at_fault(tmp_path, text, said):
    file = tmp_path / "v.vec"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as told:
        vectors_width(str(file))
        read_vectors(str(file), ["the", "cat"])
    for part in (str(file), *said):
        assert part in str(told.value)


ODD = "4 2\nsch\xc3\xb6n 1 2\nfilm 3 4\nk\xc3 5 6\n10 000 7 8\n 9 9\n9 9\n\xc2\xa0 1 1\nlast 2 2\n".encode("latin-1")


def test_lines_that_no_word_can_ask_for_are_passed_by_and_counted(tmp_path):
    (tmp_path / "v.vec").write_bytes(ODD)
    said: list[str] = []
    found = read_vectors(str(tmp_path / "v.vec"), ["schön", "film", "k", "10 000", "\xa0", "last"], say=said.append)
    assert {w: v.tolist() for w, v in found.items()} == {
        "schön": [1, 2], "film": [3, 4], "10 000": [7, 8], "\xa0": [1, 1], "last": [2, 2],
    }  # fmt: skip
    where = tmp_path / "v.vec"
    assert said == [f"note: {where}: 1 line not in UTF-8 passed by ({where}:4 is the first); 1 line without a word passed by."]
    (tmp_path / "w.vec").write_bytes(ODD + b"film 1 x\nlast 1 nan\nnew 1\n")
    with pytest.raises(DataError, match=r"w\.vec:12: expected a word and 2 numbers"):  # its place counts what was passed by
        read_vectors(str(tmp_path / "w.vec"), ["schön"])


def test_a_file_of_another_encoding_is_still_refused(tmp_path):
    (tmp_path / "v.vec").write_bytes("2 2\nfilm 3 4\nschön 1 2\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"v\.vec:3: expected UTF-8; .*Save the file as UTF-8, for example with iconv -f LATIN1"):
        read_vectors(str(tmp_path / "v.vec"), ["film"])


def test_one_damaged_character_among_whole_ones_is_no_other_encoding(tmp_path):
    (tmp_path / "t.tsv").write_bytes("schön\tja\n".encode() + b"k\xc3\tnein\n")
    with pytest.raises(
        DataError, match=r"t\.tsv:2: expected UTF-8; .*The lines before it are UTF-8 \(1 of them .*\): correct or remove"
    ):
        list(lines(str(tmp_path / "t.tsv")))


TEXTS = "good film\tyes\nbad film\tno\nGood day\tyes\nbad day\tno\n" * 3
VECTORS = "good 3 0 0\nbad 0 4 0\nfilm 0 0 5\nunread 1 1 1\n"


def begun(folder, *, tune: bool, out: str = "run", epochs: int = 2, resume: bool = False, **more):
    (folder / "t.tsv").write_text(TEXTS, encoding="utf-8")
    (folder / "v.vec").write_text(VECTORS, encoding="utf-8")
    data = {"train": [str(folder / "t.tsv")], "valid": [str(folder / "t.tsv")], "vectors": str(folder / "v.vec")}
    values = {
        "task": "classify",
        "data": {**data, "tune_vectors": tune, **more.pop("data", {})},
        "model": {"encoder": "bigru", "embedding": 3, "size": 4},
        "train": {"epochs": epochs, "samples": 0, "threads": 1},
        **more,
    }
    told: list[str] = []
    runs.train(read_config(values), folder / out, say=told.append, resume=resume)
    return load_run(folder / out), told


def test_frozen_vectors_stay_as_they_are(tmp_path):
    model, told = begun(tmp_path, tune=False)
    rows = dict(zip(model.vocabulary, model.task.reader.embed.table.weight, strict=True))
    scale = (3 + 3 + 4 + 5) / 4  # the mean length of those of four words, "Good" having that of "good": then they are 1 long
    torch.testing.assert_close(rows["good"], torch.tensor([3.0, 0, 0]) / scale)
    torch.testing.assert_close(rows["Good"], rows["good"])
    torch.testing.assert_close(rows["film"], torch.tensor([0, 0, 5.0]) / scale)
    line = next(line for line in told if line.startswith("vectors:"))
    assert "4 of 5 words have one (80.0%; 1 in lower case only), 3 wide" in line and "none of them trained" in line


def test_tuned_vectors_begin_there_and_move(tmp_path):
    model, told = begun(tmp_path, tune=True)
    rows = dict(zip(model.vocabulary, model.task.reader.embed.table.weight, strict=True))
    want = torch.tensor([3.0, 0, 0]) / 3.75
    assert 0 < (rows["good"] - want).abs().max().item() < 0.1 and any("trained on" in line for line in told)


def test_a_run_folder_needs_the_file_no_more(tmp_path):
    begun(tmp_path, tune=False)
    (tmp_path / "v.vec").unlink()
    assert load_run(tmp_path / "run").predict(["good film"])[0].text in ("yes", "no")


def test_vectors_of_a_tagger(tmp_path):
    (tmp_path / "t.conll").write_text("Paris B-city\nis O\nfar O\n\nRome B-city\nis O\nnear O\n\n" * 3, encoding="utf-8")
    (tmp_path / "v.vec").write_text("Paris 1 0\nRome 0 1\n", encoding="utf-8")
    data = {"train": [str(tmp_path / "t.conll")], "valid": [str(tmp_path / "t.conll")], "vectors": str(tmp_path / "v.vec")}
    values = {
        "task": "tag",
        "data": {**data, "tune_vectors": False},
        "model": {"encoder": "bigru", "embedding": 2, "size": 4},
        "train": {"epochs": 1, "samples": 0},
    }
    runs.train(read_config(values), tmp_path / "run", say=lambda line: None)
    model = load_run(tmp_path / "run")
    rows = dict(zip(model.vocabulary, model.task.reader.embed.table.weight, strict=True))
    torch.testing.assert_close(rows["Paris"], torch.tensor([1.0, 0]))


@pytest.mark.parametrize(
    ("more", "kind", "said"),
    [
        (
            {"model": {"embedding": 5}},
            ConfigError,
            ["data.vectors, model.embedding", "3", "model.embedding 5", "model.embedding: 3"],
        ),
        (
            {"model": {"family": "transformer", "size": 8, "heads": 2}, "classify": {"letters": 2}},
            ConfigError,
            ["model.size 8, of which 2 are for letters", "Set model.size: 5"],
        ),
        ({"data": {"source_tokenizer": "char"}}, ConfigError, ["data.vectors", "a tokenizer of whole words", "char"]),
        ({"data": {"lowercase": False, "unicode": "none", "source": 2, "target": 1}}, DataError, ["none of 2 words"]),
    ],
)
def test_vectors_that_do_not_fit(tmp_path, more, kind, said):
    with pytest.raises(kind) as told:
        begun(tmp_path, tune=True, **more)
    for part in said:
        assert part in str(told.value)


def test_no_vectors_to_leave_as_they_are():
    with pytest.raises(ConfigError, match="a file of vectors to leave as they are"):
        read_config({"task": "classify", "data": {"train": ["x.tsv"], "tune_vectors": False}})


def test_a_task_that_does_not_use_them():
    with pytest.raises(ConfigError, match="no such key with task transduce"):
        read_config({"data": {"train": ["x.tsv"], "vectors": "x.vec"}})
