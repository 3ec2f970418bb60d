"""Faults that are planted in clean files, each by its name: the data doctor must find each, and nothing in the clean files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from regard.check.examine import CheckReport, examine
from regard.check.form import StatedForm
from tests.cli import clean_files as clean

Lines = list[str]


def at(numbers: tuple[int, ...], change: Callable[[str], str]) -> Callable[[str], str]:
    """Changes some lines of a text, counted from 0."""

    def damage(text: str) -> str:
        lines = text.split("\n")
        for number in numbers:
            lines[number] = change(lines[number])
        return "\n".join(lines)

    return damage


def source(change: Callable[[str], str]) -> Callable[[str], str]:
    """Changes the first cell of a line."""
    return lambda line: "\t".join([change(line.split("\t")[0]), *line.split("\t")[1:]])


def last(change: Callable[[str], str]) -> Callable[[str], str]:
    """Changes the last cell of a line."""
    return lambda line: "\t".join([*line.split("\t")[:-1], change(line.split("\t")[-1])])


def swap(old: str, new: str, times: int = -1) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, times)


SOME, FEW = (5, 50, 300), (17,)
WORDS, FORMS = clean.tsv(clean.words()), clean.tsv(clean.forms())
ENGLISH, GERMAN = ("\n".join(side) + "\n" for side in zip(*clean.sentences(), strict=True))
LONGER = tuple("\n".join(side) + "\n" for side in zip(*clean.sentences(900, 6), strict=True))

PRONUNCIATIONS = {  # fault: (what damages the clean file, the kind that is expected)
    "blank at the end of a target": (at(SOME, lambda line: line + " "), "ends"),
    "blank before a source": (at(SOME, lambda line: " " + line), "ends"),
    "blanks around the tab": (at(SOME, swap("\t", " \t ")), "ends"),
    "no-break space at the end": (at(FEW, lambda line: line + "\u00a0"), "ends"),
    "no-break space among phones": (at(SOME, last(swap(" ", "\u00a0", 1))), "odd-space"),
    "narrow no-break space": (at(SOME, last(swap(" ", "\u202f", 1))), "odd-space"),
    "ideographic space": (at(SOME, last(swap(" ", "\u3000", 1))), "odd-space"),
    "two blanks among phones": (at(SOME, last(swap(" ", "  ", 1))), "double-blank"),
    "carriage returns left over": (at(SOME, lambda line: line + "\r\r"), "ends"),
    "NFD in some lines": (at((3, 9), lambda line: "be\u0301ta" + line), "normal-forms"),
    "Cyrillic a in a word": (at(FEW, source(lambda word: "b\u0430b" + word)), "look-alike"),
    "Greek o in a word": (at(FEW, source(lambda word: "t\u03bft" + word)), "look-alike"),
    "typed g among IPA": (at(SOME, last(lambda cell: cell + " g")), "ipa-mixed"),
    "colon for length": (at(SOME, last(swap("ː", ":"))), "ipa-mixed"),
    "typed g everywhere": (lambda text: "".join(f"{a}\t{b.replace('ɡ', 'g')}\n" for a, b in clean.words()), "ipa-stand-in"),
    "zero-width space": (at(SOME, source(lambda word: word[:2] + "\u200b" + word[2:])), "zero-width"),
    "soft hyphen": (at(SOME, source(lambda word: word[:2] + "\u00ad" + word[2:])), "zero-width"),
    "zero-width non-joiner in Latin": (at(FEW, source(lambda word: word[:2] + "\u200c" + word[2:])), "joiner"),
    "control character": (at(FEW, source(lambda word: word + "\x07")), "control"),
    "BOM inside": (at(FEW, lambda line: "\ufeff" + line), "bom-inside"),
    "letters lost": (at(FEW, source(lambda word: word + "\ufffd")), "replacement"),
    "mark of espeak": (at(SOME, last(lambda cell: "(en) " + cell)), "language-mark"),
    "slashes around": (at(SOME, last(lambda cell: f"/{cell}/")), "brackets"),
    "square brackets around": (at(SOME, last(lambda cell: f"[{cell}]")), "brackets"),
    "mark that is no phone": (at(FEW, last(lambda cell: cell + " *")), "no-phones"),
    "a Cyrillic letter among phones": (at(SOME, last(lambda cell: cell + " е")), "ipa-mixed"),
    "the same reading twice": (at(SOME, last(lambda cell: f"{cell} ~ {cell}")), "several-readings"),
    "readings with a tilde": (at(SOME, last(lambda cell: f"{cell} ~ {cell} s")), "several-readings"),
    "readings with a slash": (at(SOME, last(lambda cell: f"{cell} / {cell} s")), "several-readings"),
    "readings with a comma": (at(SOME, last(lambda cell: f"{cell}, {cell} s")), "several-readings"),
    "target without blanks": (at(FEW, last(lambda cell: cell.replace(" ", ""))), "unsegmented"),
    "symbol that occurs once": (at(FEW, last(lambda cell: cell + " ɮ")), "symbol-once"),
    "header": (lambda text: "word\tpronunciation\n" + text, "header"),
    "comments": (at((0, 100), lambda line: "# checked by hand\n" + line), "comments"),
    "empty line": (at(FEW, lambda line: line + "\n"), "empty-line"),
    "empty target": (at(FEW, last(lambda cell: "")), "empty-target"),
    "empty source": (at(FEW, source(lambda cell: "")), "empty-source"),
    "blanks for a tab": (at(FEW, swap("\t", "    ")), "too-few-columns"),
    "stray tab": (at(FEW, lambda line: line + "\tx"), "too-many-columns"),
    "row twice": (at(SOME, lambda line: line + "\n" + line), "duplicates"),
    "several targets": (at(SOME, lambda line: line + "\n" + line + " s"), "contradictions"),
    "target equal to source": (at(SOME, lambda line: line.split("\t")[0] + "\t" + line.split("\t")[0]), "copies"),
    "very long line": (at(FEW, last(lambda cell: " ".join([cell] * 40))), "very-long"),
    "digits for letters": (at(FEW, source(lambda word: word[:3] + "0" + word[3:])), "digits-in-words"),
    "entities": (at(FEW, source(lambda word: word + "&eacute;")), "html-entity"),
    "tags": (at(FEW, source(lambda word: f"<b>{word}</b>")), "markup"),
    "mojibake": (at(SOME, source(lambda word: word + "Ã©")), "mojibake"),
    "quotes of a spreadsheet": (at(FEW, source(lambda word: f'"{word} ""x"""')), "csv-quotes"),
    "literal backslash t": (at(FEW, source(lambda word: word + "\\t")), "literal-escape"),
    "another script": (at(SOME, source(lambda word: "бабушка")), "other-script"),
    "commas for tabs": (swap("\t", ","), "no-tabs"),
    "CR LF in some lines": (at(SOME, lambda line: line + "\r"), "line-ends"),
    "full width letters": (at(FEW, source(lambda word: "Ａ" + word)), "compatibility"),
}
INFLECTIONS = {
    "features in the middle": (
        lambda text: clean.tsv((a, c, b) for a, b, c in clean.forms()),
        "columns",
    ),
    "features not used": (lambda text: text, "features-column"),
}


def looked(folder: Path, name: str, text: str | bytes, **said: object) -> CheckReport:
    """The report of one file."""
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", errors="surrogatepass"))
    return examine([str(file)], **said)  # type: ignore[arg-type]


def kinds(report: CheckReport) -> set[str]:
    return {finding.kind for finding in report.findings}


@pytest.mark.parametrize("fault", PRONUNCIATIONS)
def test_a_fault_of_pronunciations_is_found(tmp_path: Path, fault: str) -> None:
    damage, kind = PRONUNCIATIONS[fault]
    assert kind not in kinds(looked(tmp_path, "clean.tsv", WORDS))
    assert kind in kinds(looked(tmp_path, "words.tsv", damage(WORDS)))


@pytest.mark.parametrize("fault", INFLECTIONS)
def test_a_fault_of_inflections_is_found(tmp_path: Path, fault: str) -> None:
    damage, kind = INFLECTIONS[fault]
    assert kind in kinds(looked(tmp_path, "forms.tsv", damage(FORMS)))


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "gb18030"])
def test_another_encoding_is_named(tmp_path: Path, encoding: str) -> None:
    text = "été\tete\nhôtel\totel\n" * 40 if encoding != "gb18030" else "机器学习\tji qi xue xi\n" * 40
    report = looked(tmp_path, "words.tsv", text.encode(encoding))
    assert "encoding" in kinds(report) and report.worst == "error"


def aligned(folder: Path, english: str, german: str) -> CheckReport:
    """The report of two line-aligned files."""
    for name, text in (("a.en", english), ("a.de", german)):
        (folder / name).write_text(text, "utf-8")
    return examine([str(folder / "a.en"), str(folder / "a.de")])


def without(text: str, number: int) -> str:
    """A text without one line."""
    lines = text.split("\n")
    return "\n".join(lines[:number] + lines[number + 1 :])


LINES: dict[str, tuple[Callable[[str, str], tuple[str, str]], str]] = {
    "a line is missing on one side": (lambda a, b: (a, without(b, 250)), "shifted"),
    "lines are shifted, counts equal": (lambda a, b: (without(a, 30), without(b, 300)), "shifted"),
    "different numbers of lines": (lambda a, b: (a, without(b, 20)), "line-counts"),
    "an empty line": (lambda a, b: (a, at(FEW, lambda line: "")(b)), "empty-target"),
    "not translated": (lambda a, b: (a, at(SOME, lambda line: a.split("\n")[5])(b)), "copies"),
    "sides of a line exchanged": (lambda a, b: (at(SOME, lambda line: b.split("\n")[9])(a), b), "mixed-up"),
    "lines of one side in another order": (lambda a, b: (a, "\n".join(sorted(b.strip().split("\n"))) + "\n"), "unaligned"),
    "two lines in one": (lambda a, b: (a, at(FEW, lambda line: " ".join([line] * 5))(b)), "odd-lengths"),
    "a special symbol": (lambda a, b: (a, at(SOME, lambda line: line + " <unk>")(b)), "special"),
}


@pytest.mark.parametrize("fault", LINES)
def test_a_fault_of_aligned_lines_is_found(tmp_path: Path, fault: str) -> None:
    damage, kind = LINES[fault]
    assert kind not in kinds(aligned(tmp_path, *LONGER))
    assert kind in kinds(aligned(tmp_path, *damage(*LONGER)))


def test_the_first_shifted_pair_is_named(tmp_path: Path) -> None:
    report = aligned(tmp_path, LONGER[0], without(LONGER[1], 250))
    [found] = [finding for finding in report.findings if finding.kind == "shifted"]
    assert abs(found.seen[0].line - 251) < 15 and found.level == "error"


def test_a_bound_of_decoding_that_cuts_targets_is_an_error(tmp_path: Path) -> None:
    text = "".join(f"{n}\t{' '.join('digit-' + c for c in str(n))}\n" for n in range(10000, 10300))
    given = StatedForm(max_ratio=2.0, max_extra=20, source_tokenizer="char", target_tokenizer="char", source=1, target=2)
    report = looked(tmp_path, "numbers.tsv", text, given=given)
    assert "out-of-bound" in kinds(report) and report.worst == "error"
    assert "out-of-bound" not in kinds(looked(tmp_path, "numbers.tsv", WORDS, given=given))


def test_what_validation_alone_has_is_found(tmp_path: Path) -> None:
    (tmp_path / "valid.tsv").write_text("kazu\tk a z u ʘ\n" + WORDS.split("\n")[3] + "\n", "utf-8")
    report = looked(tmp_path, "train.tsv", WORDS, valid=[str(tmp_path / "valid.tsv")])
    assert {"symbol-only-valid", "shared"} <= kinds(report)


@pytest.mark.parametrize("text", [WORDS, FORMS])
def test_clean_files_give_notes_at_most(tmp_path: Path, text: str) -> None:
    assert looked(tmp_path, "clean.tsv", text).worst in (None, "note")
