"""In which language a person is told what happens: English, as the code says it, or that of a catalogue in `regard/locale`.

The code holds English alone, as f-strings; a catalogue (gettext's format, .po) holds each as a template, `{0}` where something was put in,
beside its translation.  A sentence is translated where it is told: it is matched with the templates, and what was put in, which may be a
part of a sentence itself, in turn.  What no template knows stays English; English costs nothing.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TextIO

LOCALE = Path(__file__).parents[1] / "locale"
HOLE = re.compile(r"\{\d+\}")
ERROR = re.compile(r"(?s)(?P<what>.+?): expected (?P<expected>.+?); received (?P<rest>.+)")  # `core.errors.message`
COUNTED = re.compile(r"([\d,.]+ [a-z]+) (.+?)(\.?)")
BETWEEN = re.compile(r"(?<=[.!?])\s+(?=\S)")  # sentences
DEEPEST = 5  # parts within parts
LONGEST = 800  # characters of a text that is matched with templates: what is longer quotes data, and matching takes long
VAGUE = 8  # characters of a template below which it fits too much: it holds only where all that is put in is translated


def language() -> str:
    """ "zh" or "en": of REGARD_LANG, else of the locale (LC_ALL, LC_MESSAGES, LANG, as POSIX asks them)."""
    asked = next(filter(None, map(os.environ.get, ("REGARD_LANG", "LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "zh" if re.match(r"zh\b|zh_", asked, re.IGNORECASE) else "en"


def translate(text: str) -> str:
    """The text in the person's language: paragraphs that are known as a whole, and else line by line."""
    catalogue = _catalogue(language())
    return text if catalogue is None else "".join(map(catalogue.paragraph, re.split(r"(\n\s*\n)", text)))


class Translated(io.TextIOBase):
    """A stream that is told English: each text that is printed, as a whole, goes on in the person's language."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(translate(text))

    def flush(self) -> None:
        self._stream.flush()


class Catalogue:
    """Translations of templates.  pairs: English to the other language."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self._whole = {english.strip(): said for english, said in pairs.items() if not HOLE.search(english)}
        self._parted = [
            (english.strip(), max(map(str.strip, HOLE.split(english)), key=len), said)
            for english, said in pairs.items()
            if HOLE.search(english)
        ]
        self._parted.sort(key=lambda one: -len(HOLE.sub("", one[0])))  # who says most of a sentence knows it best
        self._long = [one for one in self._parted if "\n" in one[0]]  # of more lines than one

    def paragraph(self, text: str) -> str:
        """Lines, what leads and ends each of them kept; with one translation, or each with its own."""
        bare = text.strip()
        said = (
            (self._by_template(bare, DEEPEST, self._long) or self._whole.get(bare))
            if "\n" in bare
            else self._found(bare, DEEPEST)
        )
        if said is None and "\n" in text:
            return "\n".join(map(self.paragraph, text.split("\n")))
        return text if said is None else text.replace(bare, said)

    def _part(self, text: str, depth: int) -> str:
        """What was put in; a word alone stays as it is: a file, a key or a value may be called `source` or `text`."""
        bare = text.strip()
        return (self._found(bare, depth) or text) if " " in bare else text

    def _found(self, text: str, depth: int) -> str | None:
        """The translation of a text; None where no part of it is known."""
        if (whole := self._whole.get(text)) is not None:
            return whole
        if text.endswith(".") and (part := self._whole.get(text[:-1])) is not None:
            return f"{part}。"
        if not depth or not re.search("[A-Za-z]{2}", text):
            return None
        if len(text) > LONGEST:
            return self._by_sentences(text, depth)
        made = self._error(text, depth) or self._by_template(text, depth, self._parted)
        return made or self._counted(text, depth) or self._by_sentences(text, depth)

    def _error(self, text: str, depth: int) -> str | None:
        if not (error := ERROR.fullmatch(text)):
            return None
        ends = [found.start() for found in re.finditer(r"\. (?=\S)", error["rest"])]
        known = next((end for end in ends if self._found(error["rest"][end + 2 :], depth - 1)), ends[-1] if ends else None)
        received, do = (
            (error["rest"].removesuffix("."), "") if known is None else (error["rest"][:known], error["rest"][known + 2 :])
        )
        parts = [self._part(part, depth - 1) for part in (error["what"], error["expected"], received, do)]
        return self._frame.format(*parts)

    @cached_property
    def _frame(self) -> str:
        return next(said for english, _, said in self._parted if english == "{0}: expected {1}; received {2}. {3}")

    def _by_template(self, text: str, depth: int, templates: Sequence[tuple[str, str, str]]) -> str | None:
        for english, longest, said in templates:
            if longest not in text or not (found := _pattern(english).fullmatch(text)):
                continue
            parts = {hole: self._part(part, depth - 1) for hole, part in zip(HOLE.findall(english), found.groups(), strict=True)}
            if len(HOLE.sub("", english)) < VAGUE and any(map(_is_english, parts.values())):
                continue
            return re.sub(HOLE, lambda hole: parts[hole[0]], said)  # noqa: B023  it is called at once
        return None

    def _counted(self, text: str, depth: int) -> str | None:
        """`3 lines` and what is said of them."""
        if not (found := COUNTED.fullmatch(text)):
            return None
        many, told = (self._found(part, depth - 1) for part in found.groups()[:2])
        return f"{many}{told}{'。' if found[3] else ''}" if many and told else None

    def _by_sentences(self, text: str, depth: int) -> str | None:
        sentences = BETWEEN.split(text)
        found = [self._found(sentence, depth - 1) for sentence in sentences] if len(sentences) > 1 else []
        if not any(found):
            return None
        return "".join(said or f"{sentence} " for said, sentence in zip(found, sentences, strict=True)).strip()


@cache
def _pattern(english: str) -> re.Pattern[str]:
    hole = r"([\d,.]+)" if re.fullmatch(r"\{0\} [a-z]+", english) else "(.*?)"  # what is counted
    return re.compile("(?s)" + hole.join(map(re.escape, HOLE.split(english))))


def _is_english(text: str) -> bool:
    """Whether words stand there that nobody translated: not a name, a number or code."""
    return bool(re.search(r"[a-z]{2} [a-z]{2}", text))


@cache
def _catalogue(of: str) -> Catalogue | None:
    path = LOCALE / of / "LC_MESSAGES" / "messages.po"
    return Catalogue(dict(read_catalogue(path.read_text("utf-8")))) if path.is_file() else None


def read_catalogue(text: str) -> Iterator[tuple[str, str]]:
    """What stands in a catalogue, as `scripts/messages` writes it: each text on one line."""
    for english, said in re.findall(r'^msgid (".+")\nmsgstr (".+")$', text, re.MULTILINE):
        yield json.loads(english), json.loads(said)
