"""What a person is told in Chinese: by REGARD_LANG or the locale, in errors, notes, reports and help; never what goes to programs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time

import pytest

from regard.core import interface_language
from regard.core.interface_language import Catalogue, language, translate

ENGLISH = re.compile(r"\b(?:expected|received|the|is|are|of)\b")


@pytest.fixture
def chinese(monkeypatch):
    monkeypatch.setenv("REGARD_LANG", "zh")


def regard(*words: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    told = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "REGARD_LANG"))}
    return subprocess.run(
        [sys.executable, "-m", "regard", *words], input=given, text=True, capture_output=True, check=False, env=told | environment
    )


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "REGARD_LANG": "en"}, "en"),
        ({"REGARD_LANG": "zh"}, "zh"),
        ({"REGARD_LANG": "zh-Hans"}, "zh"),
        ({"LANG": "zha"}, "en"),
    ],
)
def test_whose_language(environment, wanted, monkeypatch):
    for name in ("REGARD_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
        if name in environment:
            monkeypatch.setenv(name, environment[name])
    assert language() == wanted


PAIRS = {
    "{0}: expected {1}; received {2}. {3}": "{0}：应为{1}；收到的是{2}。{3}",
    "a file": "一个文件",
    "nothing at {0}": "{0} 处没有东西",
    "Give {0} of {1}.": "给出 {1} 的 {0}。",
    " Did you mean '{0}'?": "是否想写 '{0}'？",
    "{0} lines": "{0} 行",
    "Two\nlines.": "两行。",
    "source": "源文",
}


@pytest.mark.parametrize(
    ("english", "wanted"),
    [
        (
            "x.tsv: expected a file; received nothing at x.tsv. Give a file of 3 lines.",
            "x.tsv：应为一个文件；收到的是x.tsv 处没有东西。给出 3 行 的 一个文件。",
        ),
        ("x: expected a file; received 1.5. Give 2 of 3. Did you mean 'y'?", "x：应为一个文件；收到的是1.5。给出 3 的 2。是否想写 'y'？"),
        ("source: expected a file; received source. Give source of 3.", "source：应为一个文件；收到的是source。给出 3 的 source。"),
        ("source", "源文"),
        ("  12 lines\n\n7 lines", "  12 行\n\n7 行"),
        ("Two\nlines.", "两行。"),
        ("what nobody knows", "what nobody knows"),
        ("", ""),
    ],
)  # fmt: skip
def test_parts_within_parts(english, wanted, chinese, monkeypatch):
    monkeypatch.setattr(interface_language, "_catalogue", lambda of: Catalogue(PAIRS))
    assert translate(english) == wanted


def test_english_is_what_the_code_says(monkeypatch):
    monkeypatch.setenv("REGARD_LANG", "en")
    assert translate("x.tsv: expected a file; received nothing.") == "x.tsv: expected a file; received nothing."


def test_an_error_in_chinese(tmp_path):
    words = ("train", "--train", str(tmp_path / "none.tsv"), "--out", str(tmp_path / "run"))
    found = {of: regard(*words, REGARD_LANG=of) for of in ("en", "zh")}
    assert [each.returncode for each in found.values()] == [2, 2]
    assert "expected" in found["en"].stderr and "none.tsv" in found["zh"].stderr
    told = found["zh"].stderr.replace(str(tmp_path), "")
    assert "应为" in told and not ENGLISH.search(told), told


def test_help_in_chinese():
    for words in (["--help"], ["train", "--help"], ["predict", "--help"]):
        told = regard(*words, LANG="zh_CN.UTF-8")
        assert told.returncode == 0 and not told.stderr
        assert "用法" in told.stdout and not ENGLISH.search(told.stdout), told.stdout
        assert "Usage:" in regard(*words, LANG="C.UTF-8").stdout


def test_an_option_that_is_not_there(tmp_path):
    told = regard("info", str(tmp_path), "--frobnicate", REGARD_LANG="zh")
    assert told.returncode == 2 and "--frobnicate" in told.stderr and "No such option" not in told.stderr


def test_data_and_programs_hear_english(tmp_path):
    """A report quotes lines as they are, and --json stays as it is."""
    path = tmp_path / "lines.tsv"
    path.write_text("".join(f"a file {i}\tthe rest {i}\n" for i in range(60)) + "one column\n", "utf-8")
    plain, other = (regard("check", str(path), "--json", REGARD_LANG=of) for of in ("en", "zh"))
    assert json.loads(plain.stdout) == json.loads(other.stdout)
    report = regard("check", str(path), REGARD_LANG="zh").stdout
    assert "one column" in report and re.search("[\u4e00-\u9fff]", report)


def test_a_long_text_takes_no_long_time(chinese):
    begun = time.process_time()
    for text in ("note: " + "very long of and with by in at " * 60, "a, b: c (d); e of f, and g with h by i. " * 50):
        translate(text)
    assert time.process_time() - begun < 2.0
