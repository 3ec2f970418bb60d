"""What a file is: true answers for the formats of the field, and files that only look like something else."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from regard.core.errors import DataError
from regard.data.column_content import looks_like_features
from regard.data.file_format import recognize

CLDF = """ID,Language_ID,Parameter_ID,Value,Form,Segments,Comment,Source
1,deu,1_hand,Hand,Hand,h a n t,"short, common",Kluge2002
2,deu,2_dog,"Hund, der",Hund,h ʊ n t,,Kluge2002
3,fra,1_hand,main,main,m ɛ̃,,
"""
CMUDICT = """;;; # CMUdict -- Major Version
A  AH0
A(1)  EY1
ABLE  EY1 B AH0 L
'TIL  T IH1 L
READ(2)  R EH1 D
AALBORG  AO1 L B AO0 R G # place, danish
"""
UNIMORPH = "andar\tando\tV;IND;PRS;1;SG\nandar\tandas\tV;IND;PRS;2;SG\n\nser\tsoy\tV;IND;PRS;1;SG\nser\teres\tV;IND;PRS;2;SG\n"
CONLLU = "# sent_id = 1\n# text = Im Haus\n1-2\tIm\t_\t_\t_\t_\t_\t_\t_\t_\n" + "".join(
    f"{i}\t{w}\t{w}\tX\t_\tCase=Dat\t0\troot\t_\t_\n" for i, w in enumerate(("In", "dem", "Haus"), 1)
)

# name, content, and what must be found
KNOWN: dict[str, tuple[str, str, dict[str, Any]]] = {
    "plain pairs": (
        "a.tsv",
        "cat\tk æ t\nword\tw ɜː d\n",
        {"format": "tsv", "header": (), "target": 2, "comment": "", "notes": ()},
    ),
    "pairs without a name": ("pairs", "cat\tk æ t\ndog\td ɒ ɡ\n", {"format": "tsv", "width": 2}),
    "a header": ("a.tsv", "word\tpronunciation\ncat\tk æ t\n", {"header": ("word", "pronunciation"), "source": "word"}),
    "capitals": ("a.tsv", "Source\tTarget\na\tb\n", {"header": ("Source", "Target"), "target": "Target"}),
    "a header of three": (
        "a.tsv",
        "lemma\tform\tfeatures\ngo\twent\tV;PST\nsee\tsaw\tV;PST\n",
        {"source": "lemma", "target": "form", "features": "features"},
    ),
    "names the other way": ("a.tsv", "ipa\tOrthography\nkæt\tcat\n", {"source": "Orthography", "target": "ipa"}),
    "a word that is called word": ("a.tsv", "word\tw ɜː d\ncat\tk æ t\n", {"header": (), "notes": ()}),
    "a dictionary": ("a.tsv", "form\tforme\ntarget\tcible\n", {"header": (), "source": 1}),
    "twins": ("a.tsv", "label\tlabel\nform\tform\n", {"header": ()}),
    "numbers": ("a.tsv", "75284\tseven five\n12\tone two\n", {"header": (), "notes": ()}),
    "comments and a header": (
        "a.tsv",
        "# field notes\n# 2024\nword\tipa\ncat\tkæt\n",
        {"comment": "#", "header": ("word", "ipa")},
    ),
    "hashtags": ("a.tsv", "#metoo yes\tpos\n#no thanks\tneg\nplain\tneg\n", {"comment": "", "header": ()}),
    "commas": ("a.csv", "word,pronunciation\ncat,k æ t\n", {"format": "csv", "separator": ",", "source": "word"}),
    "semicolons and decimal commas": (
        "a.csv",
        "word;ipa;freq\nHaus;haʊs;1,5\nMaus;maʊs;2,25\n",
        {"separator": ";", "decimal_comma": True, "target": "ipa"},
    ),
    "features in a CSV": ("a.csv", "walk,walked,V;PST\nsee,saw,V;PST\n", {"separator": ",", "features": 3}),
    "CLDF": ("forms.csv", CLDF, {"kind": "cldf", "source": "Form", "target": "Segments", "quoted": True, "comment": ""}),
    "sentences with commas": ("a.txt", "Yes, sir.\nNo, sir.\nWell, well.\n", {"format": "lines"}),
    "CSV by its header": ("a.txt", "word,ipa\ncat,kæt\ndog,dɒɡ\n", {"format": "csv", "source": "word"}),
    "CMUdict": ("cmudict-0.7b", CMUDICT, {"format": "cmudict", "comment": ";;;"}),
    "CMUdict in columns": ("a.tsv", "read\tR IY1 D\nread(2)\tR EH1 D\n", {"format": "cmudict"}),
    "ARPAbet in columns": ("a.tsv", "gain\tG EY1 N\ntil\tT IH1 L\n", {"format": "tsv"}),
    "UniMorph": ("spa", UNIMORPH, {"kind": "unimorph", "features": 3, "target": 2, "blanks": True}),
    "SIGMORPHON 2022": ("a.tsv", "go\tV;PST\twent\nsee\tV;PST\tsaw\n", {"kind": "sigmorphon-2022", "features": 2, "target": 3}),
    "a fourth column": ("spa", "hablar\thablo\tV;1;SG\thabl|o\nver\tveo\tV;1;SG\tve|o\n", {"features": 3, "target": 2}),
    "UD features": (
        "a.tsv",
        "go\twent\tTense=Past|VerbForm=Fin\nsee\tsaw\tTense=Past\n",
        {"features": 3, "features_separator": "|"},
    ),
    "features with commas": ("a.tsv", "go\twent\tV,PST\nsee\tsaw\tV,PST\n", {"features": 3, "features_separator": ","}),
    "keys": ("a.jsonl", '{"text": "so", "label": "x"}\n', {"format": "jsonl", "source": "text", "target": "label"}),
    "JSON lines without a name": ("a.txt", '{"source": "so", "target": "x"}\n', {"format": "jsonl", "source": 1, "target": 2}),
    "a translation": (
        "a.jsonl",
        '{"id": "1", "translation": {"en": "dog", "de": "Hund"}}\n',
        {"source": "translation.en", "target": "translation.de"},
    ),
    "SQuAD": ("a.json", '{"version": "1", "data": [{"paragraphs": []}]}', {"format": "json", "kind": "squad"}),
    "CoNLL-U": ("de.conllu", CONLLU, {"format": "conllu", "comment": "#"}),
    "CoNLL-U by what it holds": ("de.txt", CONLLU + "\n" + CONLLU, {"format": "conllu"}),
    "CoNLL by what it holds": ("a.txt", "EU B-ORG\nrejects O\n\nPeter B-PER\nBlackburn I-PER\n", {"format": "conll", "width": 2}),
    "two texts": (
        "a.tsv",
        "premise\thypothesis\tgold_label\na b\tc\tneutral\n",
        {"source": "premise", "second": "hypothesis", "target": "gold_label"},
    ),
    "nothing": ("a.tsv", "", {"format": "tsv", "header": ()}),
}


@pytest.mark.parametrize("case", KNOWN)
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_known_by_its_name_and_its_first_lines(case: str, packed: bool, tmp_path: Path) -> None:
    name, content, told = KNOWN[case]
    raw = content.encode()
    file = tmp_path / (name + ".gz" * packed)
    file.write_bytes(gzip.compress(raw) if packed else raw)
    found = recognize(str(file))
    assert {key: getattr(found, key) for key in told} == told
    assert str(found).startswith(f"{file}: {found.format}")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("# c\nword\tkɔ\n".encode("utf-16"), "looks like UTF-16"),
        ("word\tkɔ\n".encode("utf-16-le"), "iconv -f UTF-16LE"),
        ("# c\nx\ncaf\xe9\tk a f e\n".encode("latin-1"), ":3: expected UTF-8.*iconv -f LATIN1"),
    ],
)
def test_bytes_are_looked_at_before_anything_else(raw: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "a.tsv"
    file.write_bytes(raw)
    with pytest.raises(DataError, match=said):
        recognize(str(file))


def test_a_line_that_may_be_a_header_is_a_note_and_no_header(tmp_path: Path) -> None:
    file = tmp_path / "a.tsv"
    file.write_text("token\tcount\n" + "".join(f"w{i}\t{i}\n" for i in range(9)))
    found = recognize(str(file))
    assert found.header == () and found.notes[0].startswith("line 1 looks like a header (token, count): set data.header: true")


def test_words_in_capitals_are_no_features() -> None:
    assert looks_like_features(["N;SG", "N;PL", "V"]) == ";"
    assert looks_like_features(["Case=Nom|Number=Sing", "Case=Gen|Number=Sing"]) == "|"
    assert looks_like_features(["NATO", "EU", "UNO"]) is None
    assert looks_like_features(["K AE T", "D AO G"]) is None
    assert looks_like_features([f"W{i},X{i}" for i in range(30)]) is None


def test_real_files_are_what_their_source_says(data_root: Path) -> None:
    """No false alarm on clean files."""
    for file in (data_root / "g2p").glob("*/*_valid.tsv"):
        found = recognize(str(file))
        assert (found.format, found.header, found.comment, found.target, found.features, found.notes) == (
            "tsv",
            (),
            "",
            2,
            None,
            (),
        )
    for file in (data_root / "inflection" / "conll2018").glob("*_valid.tsv"):
        found = recognize(str(file))
        assert (found.kind, found.header, found.features, found.notes) == ("unimorph", (), 3, ())
    for name in ("cls/sst2/valid.tsv", "cls/trec6/test.tsv", "cmn-eng/train.tsv.gz", "multi30k/valid.de", "slot/snips/valid.in"):
        found = recognize(str(data_root / name))
        assert (found.header, found.comment, found.features, found.notes) == ((), "", None, ())
    assert recognize(str(data_root / "pairs/sick/valid.tsv")).second == "sentence_B"
