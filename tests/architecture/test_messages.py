"""Every message has its Chinese: one entry for each template of the source, with the same holes, and none that nobody says."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from regard.core.interface_language import HOLE, LOCALE, read_catalogue
from tests.architecture.messages import collect

PATHS = sorted(LOCALE.glob("*/LC_MESSAGES/messages.po"))


def test_there_is_chinese():
    assert [path.parents[1].name for path in PATHS] == ["zh"]


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_every_message_has_both(path):
    """`scripts/messages` brings a catalogue up to date; a msgstr that is empty is left for you to write."""
    said, wanted = dict(read_catalogue(path.read_text("utf-8"))), collect()
    missing, gone = sorted(wanted.keys() - said.keys()), sorted(said.keys() - wanted.keys())
    assert not missing, f"no translation of: {missing[:20]}"
    assert not gone, f"nobody says any more: {gone[:20]}"


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_what_is_put_in_has_its_place(path):
    wrong = [
        (english, said)
        for english, said in read_catalogue(path.read_text("utf-8"))
        if Counter(HOLE.findall(english)) != Counter(HOLE.findall(said))
    ]
    assert not wrong


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_a_sentence_stays_one(path):
    """What ends in a full stop ends in one there; keys, options and files stay as they are written."""
    plain = re.compile(r"--[a-z][\w-]*|\b[a-z_]+\.[a-z_]{3,}(?==|\b)|\b[\w-]+\.(?:tsv|md|yaml|jsonl)\b")
    wrong = list[tuple[str, str]]()
    for english, said in read_catalogue(path.read_text("utf-8")):
        stops = english.rstrip().endswith(".") and not english.rstrip().endswith(("...", "e.g."))
        if stops != said.endswith(("。", "！", "？")) and english.rstrip().endswith(".") and not said.endswith((".", "…")):
            wrong.append((english, said))
        wrong += [(english, said) for word in plain.findall(english) if word not in said]
    assert not wrong, wrong[:20]
