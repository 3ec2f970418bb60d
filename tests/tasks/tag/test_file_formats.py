"""Files of tagged sentences as people have them: each form gives its tokens and its tags, or is refused with the words that help."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from regard.core.errors import DataError
from regard.data.row_parser import RecordError
from regard.tasks.tag.data import TaggedSentence, describe, read_tagged, read_tokens
from regard.tasks.tag.file_formats import TagLayout

UD = """# sent_id = 1
# text = zum Haus gehe
1-2\tzum\t_\t_\t_\t_\t_\t_\t_\t_
1\tzu\tzu\tADP\tAPPR\t_\t4\tcase\t_\t_
2\tdem\tder\tDET\tART\tCase=Dat\t3\tdet\t_\t_
3\tHaus 7\tHaus\tNOUN\tNN\t_\t4\tobl\t_\t_
3.1\tx\tx\tVERB\t_\t_\t_\t_\t4:dep\t_
4\tgehe\tgehen\tVERB\tVVFIN\t_\t0\troot\t_\tSpaceAfter=No

# a comment of any kind

1\tso\tso\tADV\tADV\t_\t0\troot\t_\t_
"""
PLAIN_UD = "\n".join(line for line in UD.splitlines() if not line.startswith("#"))
GERMEVAL = (
    "#\thttp://x.de\t[2009-10-17]\n1\tin\tO\tO\n2\tUlm\tB-LOC\tO\n3\t#\tO\tO\n\n#\thttp://y.de\t[2010]\n1\tja\tO\tO\n2\t!\tO\tO\n"
)
CONLL2012 = (
    "#begin document (bc/x); part 000\nbc/x 0 0 go VB * - - *\nbc/x 0 1 to TO * - - *\n"
    "bc/x 0 2 Ulm NNP * - - (GPE)\n\n#end document\n"
)
MULTI = "# id 5239-a\tdomain=en\nin _ _ O\nUlm _ _ B-LOC\n\n# id 77\tdomain=en\nso _ _ O\n"


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def read(folder: Path, name: str, text: str, layout: TagLayout | None = None) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    found = list(read_tagged([written(folder, name, text)], layout or TagLayout()))
    assert all(isinstance(item, TaggedSentence) for item in found), found
    return [(item.tokens, item.tags) for item in found if isinstance(item, TaggedSentence)]


WORDS = [(("zu", "dem", "Haus 7", "gehe"), ("ADP", "DET", "NOUN", "VERB")), (("so",), ("ADV",))]


@pytest.mark.parametrize("text", [UD, PLAIN_UD])
@pytest.mark.parametrize("name", ["ud.conllu", "ud.conll", "ud.txt", "ud.tsv"])
def test_conllu_by_name_and_by_content(name, text, tmp_path):
    assert read(tmp_path, name, text) == WORDS
    assert list(read_tokens(str(tmp_path / name))) == [tokens for tokens, _ in WORDS]
    (first, *_) = read_tagged([str(tmp_path / name)])
    assert isinstance(first, TaggedSentence) and text.splitlines()[first.tag_at(3).line - 1].startswith("4\tgehe")
    assert list(describe([str(tmp_path / name)])) == [f"{tmp_path / name}: CoNLL-U, tokens from form, tags from upos"]


def test_columns_of_conllu_by_name_and_number(tmp_path):
    for target, tags in (
        ("xpos", ("APPR", "ART", "NN", "VVFIN")),
        ("deprel", ("case", "det", "obl", "root")),
        (6, ("_", "Case=Dat", "_", "_")),
    ):
        assert read(tmp_path, "x.conllu", UD, TagLayout(target=target))[0][1] == tags
    assert read(tmp_path, "x.conllu", UD, TagLayout(source="lemma"))[0][0] == ("zu", "der", "Haus", "gehen")
    with pytest.raises(DataError, match=r"one column 'ups' for data\.target; received 'id', 'form'.*Did you mean 'upos'\?"):
        list(read_tagged([written(tmp_path, "x.conllu", UD)], TagLayout(target="ups")))
    plus = "# global.columns = ID FORM NER\n1\tUlm\tB-LOC\n2\tso\tO\n"
    assert read(tmp_path, "x.conllup", plus, TagLayout(target="ner")) == [(("Ulm", "so"), ("B-LOC", "O"))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1\ta\ta\tX\t_\t_\t0\troot\t_\n", "expected 10 columns with tabs between them (CoNLL-U); received 9."),
        ("1 a a X _ _ 0 root _ _\n", "expected 10 columns with tabs between them (CoNLL-U); received 1."),
        ("1\ta\ta\tX\t_\t_\t0\troot\t_\t_\n" * 2, ":2: expected the ID 2 (sentences are parted by an empty line)"),
        ("1\t\ta\tX\t_\t_\t0\troot\t_\t_\n", "expected a token and its tag"),
    ],
)  # fmt: skip
def test_conllu_at_fault(text, said, tmp_path):
    (fault, good) = read_tagged([written(tmp_path, "x.conllu", text + "\n1\tb\tb\tX\t_\t_\t0\troot\t_\t_\n")])
    assert isinstance(fault, RecordError) and said in str(fault) and isinstance(good, TaggedSentence) and good.tokens == ("b",)


def test_conllu_as_the_library_reads_it(tmp_path):
    conllu = pytest.importorskip("conllu", reason="conllu, the oracle, is not installed: pip install conllu")
    draw, text = random.Random(2), ""
    for i in range(60):
        text += f"# sent_id = {i}\n" * draw.randint(0, 1) + "# text = # 3\n" * draw.randint(0, 1)
        for j in range(1, draw.randint(2, 7)):
            text += f"{j}-{j + 1}\tzum\t_\t_\t_\t_\t_\t_\t_\t_\n" * (draw.random() < 0.2)
            cells = [draw.choice(("a", "#", "1-2", "25\u00a0000", "\u3000", "New York", "_")), draw.choice("NVA_")]
            text += f"{j}\t{cells[0]}\tl\t{cells[1]}\tX\tCase=Nom\t0\troot\t_\t_\n"
            text += f"{j}.1\tx\tx\tVERB\t_\t_\t_\t_\t0:dep\t_\n" * (draw.random() < 0.2)
        text += "\n" * draw.randint(1, 2)
    theirs = []
    for sentence in conllu.parse(text):
        rows = [row for row in sentence if isinstance(row["id"], int)]
        theirs.append((tuple(row["form"] for row in rows), tuple(row["upos"] or "_" for row in rows)))
    assert read(tmp_path, "x.txt", text) == theirs


def test_germeval(tmp_path):
    assert read(tmp_path, "x.tsv", GERMEVAL) == [(("in", "Ulm", "#"), ("O", "B-LOC", "O")), (("ja", "!"), ("O", "O"))]
    assert read(tmp_path, "x.tsv", GERMEVAL, TagLayout(target=4))[0][1] == ("O", "O", "O")
    assert list(read_tokens(str(tmp_path / "x.tsv"), known=("O", "B-LOC"))) == [("in", "Ulm", "#"), ("ja", "!")]


def test_comments_of_files_in_columns_and_tokens_that_look_so(tmp_path):
    assert read(tmp_path, "x", MULTI) == [(("in", "Ulm"), ("O", "B-LOC")), (("so",), ("O",))]
    tabs = "# sent_id = 1\n# a remark of three\n#\tO\nUlm\tB-LOC\n#text\tO\n"
    assert read(tmp_path, "x", tabs) == [(("#", "Ulm", "#text"), ("O", "B-LOC", "O"))]
    blanks = "# text = so # Ulm\n# O\nUlm B-LOC\n#text O\n"
    assert read(tmp_path, "x", blanks) == [(("#", "Ulm", "#text"), ("O", "B-LOC", "O"))]


def test_rows_of_several_widths_between_tabs(tmp_path):
    """As MeCab writes them, which knows no reading of some words (hironsancorpus); a `#` there is a token."""
    text = "2005\t名詞\t数\tB-DAT\n年\t名詞\t接尾\tネン\tI-DAT\n#\t記号\tO\n\u3000\t記号\tO\n"
    assert read(tmp_path, "x", text) == [(("2005", "年", "#", "\u3000"), ("B-DAT", "I-DAT", "O", "O"))]
    assert list(read_tokens(str(tmp_path / "x"), known=("O", "B-DAT"))) == [("2005", "年", "#", "\u3000")]


def test_conll_2012_is_refused_with_words_and_read_by_its_columns(tmp_path):
    with pytest.raises(DataError, match=r"as CoNLL-2012's, whose words are column 4\. Set data\.source: 4, and data\.target: 5"):
        list(read_tagged([written(tmp_path, "x", CONLL2012)]))
    assert read(tmp_path, "x", CONLL2012, TagLayout(source=4, target=5)) == [(("go", "to", "Ulm"), ("VB", "TO", "NNP"))]


def test_other_files_whose_first_column_counts(tmp_path):
    with pytest.raises(DataError, match=r"5 columns, of which the first counts the tokens\. Name the columns"):
        list(read_tagged([written(tmp_path, "x", "1 a b c D\n2 a b c D\n3 e f g H\n")]))
    with pytest.raises(DataError, match="2 columns, of which the first counts"):
        list(read_tagged([written(tmp_path, "x", "1 ich\n2 gehe\n\n1 so\n")]))
    assert read(tmp_path, "x", "1 ich P\n2 gehe V\n\n1 so A\n") == [(("ich", "gehe"), ("P", "V")), (("so",), ("A",))]


def test_columns_by_a_header(tmp_path):
    text = "word\tpos\tner\nin\tAPPR\tO\nUlm\tNE\tB-LOC\n"
    assert read(tmp_path, "x.tsv", text, TagLayout(source="word", target="ner")) == [(("in", "Ulm"), ("O", "B-LOC"))]
    assert read(tmp_path, "x.tsv", text.partition("\n")[2], TagLayout(target=2)) == [(("in", "Ulm"), ("APPR", "NE"))]


@pytest.mark.parametrize("key", ["tags", "ner_tags", "pos_tags", "ner"])
@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x", "x.conll"])
def test_json_lines_as_hugging_face_writes_them(key, name, tmp_path):
    rows = [
        {"id": "0", "tokens": ["in", "New York", "\u3000"], key: ["O", "B-LOC", "O"]},
        {"id": "1", "tokens": ["so"], key: [0]},
    ]
    text = "\n".join(json.dumps(row) for row in rows) + "\n\n"
    assert read(tmp_path, name, text) == [(("in", "New York", "\u3000"), ("O", "B-LOC", "O")), (("so",), ("0",))]
    assert list(read_tokens(str(tmp_path / name))) == [("in", "New York", "\u3000"), ("so",), ()]  # line for line


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow, which reads Parquet, is not installed")
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow, which reads Parquet, is not installed")
    rows = {"id": ["0", "1"], "tokens": [["in", "Ulm"], ["so"]], "ner_tags": [["O", "B-LOC"], ["O", "O"]]}
    parquet.write_table(pyarrow.table(rows), tmp_path / "x.parquet")
    good, fault = read_tagged([str(tmp_path / "x.parquet")])
    assert isinstance(good, TaggedSentence) and (good.tokens, good.tags) == (("in", "Ulm"), ("O", "B-LOC"))
    assert isinstance(fault, RecordError) and ":2, key 'ner_tags': expected as many tags as tokens (1); received 2 tags" in str(
        fault
    )
    assert list(read_tokens(str(tmp_path / "x.parquet"))) == [("in", "Ulm"), ("so",)]
    assert "Parquet, tokens from tokens, tags from ner_tags" in next(iter(describe([str(tmp_path / "x.parquet")])))


def test_json_lines_with_several_keys_and_a_label(tmp_path):
    text = json.dumps({"tokens": ["a"], "pos_tags": ["N"], "ner_tags": ["O"], "intent": 3})
    (item,) = read_tagged([written(tmp_path, "x.jsonl", text)])
    assert isinstance(item, TaggedSentence) and item.tags == ("O",) and item.label == "3"
    assert "tags from ner_tags (also there: pos_tags; data.target names another)" in next(
        iter(describe([str(tmp_path / "x.jsonl")]))
    )
    assert read(tmp_path, "x.jsonl", text, TagLayout(target="pos_tags")) == [(("a",), ("N",))]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ('{"tokens": ["a"], "tags": []}', "key 'tags': expected as many tags as tokens (1); received 0 tags"),
        ('{"tokens": ["a"], "tags": [0.5]}', "expected tags that are texts, or whole numbers; received '[0.5]'"),
        ('{"tokens": ["a"], "tags": [true]}', "expected tags that are texts"),
        ('{"tokens": ["a", ""], "tags": ["O", "O"]}', "expected a list of tokens, none of them empty"),
        ('{"tokens": "a b", "tags": ["O"]}', "key 'tokens': expected a list: tokens that are texts; received '\"a b\"'"),
        (
            '{"tokens": ["a"], "tag": ["O"]}',
            "expected the key 'tags'; received 'tokens', 'tag'. Correct the line. Did you mean 'tag'?",
        ),
        ('["a"]', "expected a JSON object; received '[\"a\"]'"),
        ("{", "expected a JSON object; received '{' ("),
    ],
)
def test_json_lines_at_fault(record, said, tmp_path):
    good, fault = read_tagged([written(tmp_path, "x.jsonl", '{"tokens": ["a"], "tags": ["O"]}\n' + record)])
    assert isinstance(good, TaggedSentence) and isinstance(fault, RecordError) and said in str(fault) and ":2" in str(fault)


def test_only_blanks_and_tabs_part(tmp_path):
    """NBSP, thin and ideographic blanks, line and paragraph separators, NEL, Ogham's: within tokens, as tokens, in tags."""
    for odd in "\u00a0\u2009\u3000\u2028\u2029\u0085\u1680\u200b\x0b\x0c":
        token = f"25{odd}000"
        assert read(tmp_path, "x", f"il O\n{token} B-NUM\n{odd} O\n") == [(("il", token, odd), ("O", "B-NUM", "O"))]
        assert read(tmp_path, "x", f"il\tO\n{token}\tB-NUM\n{odd}\tO\n") == [(("il", token, odd), ("O", "B-NUM", "O"))]
        files = [written(tmp_path, "a", f"il {token} {odd}\n"), written(tmp_path, "b", "O B-NUM O\n")]
        (item,) = read_tagged(files)
        assert isinstance(item, TaggedSentence) and item.tokens == ("il", token, odd)
        assert list(read_tokens(files[0])) == [("il", token, odd)]


def test_a_blank_within_a_token_is_said(tmp_path):
    (fault,) = read_tagged([written(tmp_path, "x", "in O\nNew York B-LOC\n")])
    assert (
        isinstance(fault, RecordError)
        and ":2: expected 2 columns, as in" in str(fault)
        and "needs a tab between the columns" in str(fault)
    )


KNOWN = ("O", "B-LOC", "NN", ".", "VB")


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("go O\nto O\nUlm B-LOC\n\ngo O\n", [("go", "to", "Ulm"), ("go",)]),
        ("go O\nto O\nUlm B-NEW\n\n", [("go", "to", "Ulm")]),  # a tag that training lacks is one
        ("go VB\nman NN\nso XY\nnot NN\n", [("go", "man", "so", "not")]),
        ("\n\nUlm B-LOC\n\nso O\n", [("Ulm",), ("so",)]),
        ("EU NNP B-NP O\nso RB O O\n", [("EU", "so")]),
        ("-DOCSTART- -X- O\n\nEU NNP O\nso RB O\n", [("EU", "so")]),
        ("go to Ulm\nso\n", [("go", "to", "Ulm"), ("so",)]),
        ("go to Ulm .\nstop .\n", [("go", "to", "Ulm", "."), ("stop", ".")]),  # the mark is a tag's name too
        ("stop .\n", [("stop", ".")]),
        ("go\n\nso\n", [("go",), (), ("so",)]),
        ("#hash tags begin\nso\n", [("#hash", "tags", "begin"), ("so",)]),
        ("", []),
    ],
)
def test_what_is_predicted_from_is_read_as_training_reads_it_or_a_sentence_a_line(text, tokens, tmp_path):
    assert list(read_tokens(written(tmp_path, "test.txt", text), known=KNOWN)) == tokens


def test_the_format_can_be_said(tmp_path):
    file = written(tmp_path, "x.txt", "go O\nUlm B-LOC\n")
    assert list(read_tokens(file, TagLayout("lines"), KNOWN)) == [("go", "O"), ("Ulm", "B-LOC")]
    other = written(tmp_path, "y.txt", "go\nUlm\n\nso\n")
    assert list(read_tokens(other, TagLayout("columns"), KNOWN)) == [("go", "Ulm"), ("so",)]
    both = read_tagged([file, file], TagLayout("columns"))
    assert [item.tokens for item in both if isinstance(item, TaggedSentence)] == [("go", "Ulm")] * 2
