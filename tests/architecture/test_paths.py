"""Paths and modules that docs, docstrings, configs and scripts name are there."""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest

from .test_manner import ROOT, files, shown

TOPS = ("src", "tests", "docs", "configs", "scripts", "benchmarks", "studies", "findings")
PACKAGES = "attention|build|check|cli|config|core|data|inference|metrics|networks|pretrained|tasks|training|view"
# `tests/laws`, `docs/config.md`, `attention/score.py`, `tasks/tag`: a path in backticks or in a comment of code
NAMED = re.compile(rf"(?<![\w./{{-])((?:{'|'.join(TOPS)}|{PACKAGES})/[\w./-]*\w)(?![\w/*{{<])")
SUFFIXES = (".po", ".py", ".md", ".yaml", ".sh", ".csv", ".txt", ".svg")
ELSEWHERE = {"configs/rnn_reverse.yaml", "scripts/generate_reverse_task.py", "data/SOURCES.md"}  # JoeyNMT's own; of the data


def missing_paths(text: str) -> list[str]:
    """Paths that begin with a folder of the checkout or a package of Regard, and are neither in the checkout nor in `src/regard` or `docs`.
    `inference/int8.quantize` is the module `inference/int8.py`; what stands for many files (NAME, the beginning of a name) is passed by."""
    found = set()
    for name in set(NAMED.findall(text)) - ELSEWHERE:
        if "." not in name.rpartition("/")[2] and name.split("/")[0] not in TOPS:
            continue  # `train/valid` says that of two things
        path = name if name.endswith(SUFFIXES) or "." not in name.rpartition("/")[2] else name.rpartition(".")[0] + ".py"
        tops = [top / path for top in (ROOT, ROOT / "src" / "regard", ROOT / "docs", ROOT / "tests")]
        if "NAME" not in path and not any(
            top.exists() or ("results" in path and any(top.parent.glob(f"{top.name}*"))) for top in tops
        ):
            found.add(name)
    return sorted(found)


def missing_modules(text: str) -> list[str]:
    """`regard.x.y` of which no module, nor a name in one, can be found."""
    names = set(re.findall(r"\b(regard(?:\.[a-z_0-9]+)+)\b", text))
    return sorted(name for name in names if not (_found(name) or _found(name.rpartition(".")[0])))


def _found(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


TEXTS = [
    path
    for path in files()
    if path.suffix in (".md", ".py", ".yaml", ".sh", ".toml")
    and path.name not in ("CHANGELOG.md", "test_paths.py", "test_manner.py")
]


def test_paths_are_there():
    wrong = {shown(path): missing_paths(path.read_text("utf-8")) for path in TEXTS}
    assert not {path: names for path, names in wrong.items() if names}


def test_modules_are_there():
    wrong = {
        shown(path): missing_modules(path.read_text("utf-8")) for path in TEXTS if path.suffix in (".md", ".yaml", ".sh", ".toml")
    }
    assert not {path: names for path, names in wrong.items() if names}


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("see `attention/score.py` and tests/laws", []),
        ("see `attention/scores.py`", ["attention/scores.py"]),
        ("see tests/law", ["tests/law"]),
        ("and/or data/x, benchmarks/results/*.md", []),
    ],
)
def test_missing_paths_are_seen(text, missing):
    assert missing_paths(text) == missing


def test_missing_modules_are_seen():
    assert missing_modules("from regard.workshop.fit import train; regard.attention.score.Dot; regard.load") == [
        "regard.workshop.fit"
    ]
