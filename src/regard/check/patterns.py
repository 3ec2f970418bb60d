"""Signs of damage in single cells: white space, characters that no eye sees, wrong encodings, markup, what a spreadsheet left."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from regard.check.case import Case
from regard.check.finding import FIX, Block, Finding, Hits
from regard.check.letters import CONTROL, JOINERS, ODD_SPACES, UNSEEN


@dataclass(frozen=True, slots=True)
class Sign:
    """kind; what: what it is; regex: its mark; hints: one of them must stand in the text for it to be looked for, "" the mark itself;
    do: what to do; plain, running: the level in cells of single words or symbols, and in running text ("": not said)."""

    kind: str
    what: str
    regex: re.Pattern[str]
    hints: str = ""
    do: str = FIX
    plain: str = "warning"
    running: str = "warning"


def _of(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)


RARE = 0.005  # share of the rows of running text below which a sign is but worth a note
ENTITY = r"&(amp|lt|gt|quot|apos|nbsp|#\d{1,6}|#x[0-9a-fA-F]{1,5}|[aeiouAEIOUcnCNsz](acute|grave|circ|uml|tilde|cedil|lig));"
MARKUP = r"</?(a|b|i|u|em|strong|br|p|sup|sub|span|div|ref|font|li|ul|td|tr|small|seg|s)( [^<>\n]{0,80})?/?>"
_UNSPACED = r"\u0e00-\u0eff\u3000-\u30ff\u3400-\u9fff\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef"
SIGNS = (
    Sign("bom-inside", "A byte order mark (U+FEFF) inside", _of("\ufeff"), "\ufeff"),
    Sign("control", "Control characters, which no eye sees", _of(f"[{CONTROL}\ufffe\uffff]")),
    Sign("cr-left", "A carriage return", _of("\r"), "\r"),
    Sign(
        "replacement",
        "U+FFFD, letters that an earlier conversion lost",
        _of("\ufffd"),
        "\ufffd",
        "Take them from their source again, in the right encoding",
    ),
    Sign(
        "zero-width",
        "Characters that no eye sees (zero width, soft hyphens, direction marks)",
        _of(f"[{UNSEEN}]"),
        running="note",
    ),
    Sign(
        "joiner",
        "A zero-width joiner or non-joiner outside the scripts that need it",
        _of(f"(?<![\u0600-\u08ff\u0900-\u0dff\u1780-\u17ff\U0001f300-\U0001faff\ufe0f\u2600-\u27bf])[{JOINERS}]"),
        JOINERS,
    ),
    Sign("ends", "White space at an end", _of(r"^[^\S\n]|[^\S\n]$"), "SPACE"),
    Sign(
        "odd-space",
        "White space that is no plain blank (U+00A0, U+202F, U+3000 ...)",
        _of(f"(?<=[^\\s{_UNSPACED}])[{ODD_SPACES}](?=[^\\s{_UNSPACED}])|[\u00a0\u202f]"),
        "ODD",
        running="note",
    ),
    Sign("double-blank", "Two blanks in a row", _of(r"(?<=\S)[^\S\n]{2,}(?=\S)"), "  ", running="note"),
    Sign(
        "mojibake",
        "UTF-8 that was read as Latin-1 (Ã©, â€™)",
        _of(
            "Ã[\u0080-\u00bf\u0192\u0152\u0153\u2018-\u2026\u2039\u203a\u20ac\u2122]|â€[^\\s\\w]|â€$|Â[\u0080-\u00bf]|[ÐÑ][\u0080-\u00bf]|ï»¿"
        ),
        "ÃâÂÐÑï",
    ),
    Sign("html-entity", "Entities of HTML (&amp;)", _of(ENTITY), "&"),
    Sign("markup", "Tags of markup (<b>, </span>)", _of(MARKUP), "<"),
    Sign(
        "special",
        "A special symbol of another program (<unk>, <pad>, [MASK])",
        _of(r"<(unk|UNK|pad|PAD|eos|bos|sos|mask)>|\[(UNK|PAD|CLS|SEP|MASK)\]|⁇"),
        "<[⁇",
        "Write the words that stood there; here these are but text",
    ),
    Sign(
        "literal-escape",
        "A backslash with a letter (\\t, \\n) where a tab or a line end was meant",
        _of(r"(?<!\\)\\([tnr](?![a-z]{2,})|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2})"),
        "\\",
        "Write the file again with what they stand for",
    ),
    Sign(
        "csv-quotes",
        "Quotes that a spreadsheet wrote",
        _of(r'^"[^\n]*""[^\n]*"$|^"[^"\n]*,[^"\n]*"$|^"[^"\s][^"\n]{0,40}"$'),
        '"',
        running="",
    ),
    Sign("csv-quotes", "Quotes that a spreadsheet wrote", _of(r'^"[^\n]*[^"\n]""[^"\n][^\n]*"$'), '"', plain=""),
    Sign(
        "private-use",
        "Characters of the private use area, which each font shows differently",
        _of("[\ue000-\uf8ff]"),
        do="Replace them by characters of Unicode",
        running="note",
    ),
    Sign(
        "compatibility",
        "Ligatures or letters of full width that look like others (ﬁ, Ａ)",
        _of("[\ufb00-\ufb06\uff21-\uff3a\uff41-\uff5a\uff10-\uff19]"),
        running="note",
    ),
)
ODD = re.compile(f"[{ODD_SPACES}]")


class Signs:
    """All signs, in all text cells."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._found = defaultdict[tuple[int, str], Hits](Hits)
        self._rows = 0

    def feed(self, block: Block) -> None:
        self._rows += len(block.lines)
        for role, text, cells in block.texts(role for role in block.cells if role not in self._case.numeric):
            alphabet = set(text)
            strange = "".join(c for c in alphabet if not ("!" <= c <= "~"))
            for number, sign in enumerate(SIGNS):
                if self._level(sign, role) and _hinted(sign, text, alphabet, strange):
                    hits = self._found[number, role]
                    for row in matching(sign.regex, text, cells):
                        hits.add(block.at(role, row))

    def _level(self, sign: Sign, role: str) -> str:
        if sign.kind == "ends" and self._case.labelled(role):
            return "note"  # a training takes it off
        return sign.plain if self._case.plain(role) else sign.running

    def findings(self) -> Iterator[Finding]:
        for (number, role), hits in self._found.items():
            sign = SIGNS[number]
            level = self._level(sign, role)
            placed = self._case.own.annotated and sign.kind in ("html-entity", "markup")  # annotated as they stand
            if not self._case.plain(role) and (placed or hits.count < RARE * self._rows):
                level = "note"
            what = f"{sign.what} in {self._case.many(hits.count, role)}."
            yield from hits.report(sign.kind, level, what, f"{sign.do}.", sign.do == FIX)


def matching(regex: re.Pattern[str], text: str, cells: Sequence[str]) -> Iterator[int]:
    """The rows in which a pattern is found, each once.  text: the cells, joined by line ends."""
    last, row, end = -1, 0, len(cells[0])
    for match in regex.finditer(text):
        start = match.start()
        while start > end:
            row += 1
            end += 1 + len(cells[row])
        if row != last:
            yield row
            last = row


def _hinted(sign: Sign, text: str, alphabet: set[str], strange: str) -> bool:
    """Whether it is worth looking."""
    if sign.hints == "SPACE":
        blanks = [c for c in strange if c != "\n" and c.isspace()]
        return any(f"{c}\n" in text or f"\n{c}" in text or text.startswith(c) or text.endswith(c) for c in blanks)
    if sign.hints == "  ":
        return "  " in text or bool(ODD.search(strange))
    if sign.hints in ("", "ODD"):
        return bool((ODD if sign.hints else sign.regex).search(strange))
    return not alphabet.isdisjoint(sign.hints)
