"""Names and their numbers, by hand."""

from __future__ import annotations

import json

import pytest

from regard.core.errors import DataError, RunFolderError
from regard.data.vocab import Vocabulary


def test_numbers_by_hand():
    made = Vocabulary.counted("babccc州州", first=["<pad>", "a"])
    assert list(made) == ["<pad>", "a", "c", "b", "州"]  # as often: by code point
    assert len(made) == 5 and "州" in made and "d" not in made
    assert made.get("c", 9) == 2 and made.get("d", 9) == 9 and made.number("州", what="tag", place="x:1") == 4


def test_what_is_rare_is_left_out_and_what_comes_first_stays():
    made = Vocabulary.counted("bbaaac", first=["c"], least=2)
    assert list(made) == ["c", "a", "b"]


def test_a_name_that_is_not_there_is_named_with_its_place():
    made = Vocabulary([f"B-kind{i}" for i in range(15)])
    with pytest.raises(DataError) as caught:
        made.number("B-knid3", what="tag", place="x.conll:7")
    said = str(caught.value)
    assert said.startswith("x.conll:7: expected a tag that training saw (B-kind0, ") and "B-kind11, ...)" in said
    assert "received 'B-knid3'" in said and "Did you mean 'B-kind3'?" in said


def test_saved_and_loaded(tmp_path):
    path, names = tmp_path / "s.json", ["<pad>", "é", "\u2028", "a b", '"']
    Vocabulary(names).save(path)
    assert list(Vocabulary.load(path)) == names


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "symbols that regard wrote; received JSONDecodeError"),
        ("[]", "symbols that regard wrote; received TypeError"),
        ('{"kind": "another", "version": 1, "names": []}', "other content"),
        ('{"kind": "regard symbols", "version": 1}', "KeyError"),
        ('{"kind": "regard symbols", "version": 1, "names": ["a", "a"]}', "other content"),
        ('{"kind": "regard symbols", "version": 1, "names": ["a", 3]}', "other content"),
        ('{"kind": "regard symbols", "version": "1", "names": ["a"]}', "other content"),
        ('{"kind": "regard symbols", "version": 99, "names": ["a"]}', "received 99. Install a newer regard."),
    ],
)
def test_a_damaged_file_is_refused(content, said, tmp_path):
    path = tmp_path / "s.json"
    path.write_text(content)
    with pytest.raises(RunFolderError) as caught:
        Vocabulary.load(path)
    assert str(path) in str(caught.value) and said in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(RunFolderError, match="no such file"):
        Vocabulary.load(tmp_path / "none.json")


def test_what_is_written_is_plain(tmp_path):
    Vocabulary(["O", "郑"]).save(tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text("utf-8")) == {"kind": "regard symbols", "version": 1, "names": ["O", "郑"]}
