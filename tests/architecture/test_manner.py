"""The manner of the house, where a program can see it: names, lengths, no pickle, no path of one machine, reasons, a quick --help."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMELESS = {"utils", "util", "helpers", "helper", "misc", "manager", "managers", "common"}
LONGEST = {ast.ClassDef: 150, ast.FunctionDef: 40, ast.AsyncFunctionDef: 40}
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
# Put together here, so that this file does not name what it looks for.
MACHINE = re.compile("|".join(("/" + "work/", "/" + r"home/\w", "/" + r"Users/\w", "/" + "root/", r"[A-Z]:\\\\?" + "Users")))


@cache
def files() -> tuple[Path, ...]:
    """What git has, or would take; without git (an unpacked archive), all that is no environment, cache or run."""
    git = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(git, capture_output=True, check=True, text=True).stdout.split("\0")
        found = [ROOT / name for name in listed if name]
    except (OSError, subprocess.CalledProcessError):
        aside = re.compile(r"(^|/)(\.(?!ci/)[^/]+|__pycache__|runs|[^/]+\.egg-info)/|^(build|dist)/")
        found = [path for path in ROOT.rglob("*") if not aside.search(path.relative_to(ROOT).as_posix())]
    return tuple(sorted(path for path in found if path.is_file()))


def python(*folders: str) -> list[Path]:
    """The Python files under the folders named, under all without a name."""
    return [path for path in files() if path.suffix == ".py" and (not folders or path.relative_to(ROOT).parts[0] in folders)]


def shown(path: Path, line: int | None = None) -> str:
    place = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
    return place if line is None else f"{place}:{line}"


def nameless(paths: list[Path]) -> list[str]:
    return [shown(path) for path in paths if {part.lower() for part in (*path.parts[:-1], path.stem)} & NAMELESS]


def too_long(path: Path) -> Iterator[str]:
    """Files over 300 lines, classes over 150 and functions over 40 (docstrings not counted), unless their first line has a `because`."""
    text = path.read_text("utf-8")
    first, count = text.partition("\n")[0], text.count("\n")
    if count > 300 and "because" not in first:
        yield f"{shown(path)}: {count} lines, and no `because` in the first"
    for node in ast.walk(ast.parse(text)) if path.is_relative_to(ROOT / "src") else ():
        limit = LONGEST.get(type(node))
        if limit and isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            doc = node.body[0] if ast.get_docstring(node) else None
            lines = (node.end_lineno or 0) - node.lineno + 1 - ((doc.end_lineno or 0) - doc.lineno + 1 if doc else 0)
            if lines > limit and "because" not in (ast.get_docstring(node) or "").partition("\n")[0]:
                yield f"{shown(path, node.lineno)}: {node.name} has {lines} lines, and no `because` in its first"


def unpickling(path: Path) -> Iterator[str]:
    """Imports of what unpickles, `torch.load` under whatever name, and `allow_pickle` that is not False."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            modules = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        loads = isinstance(node, ast.Attribute) and ast.unparse(node) == "torch.load"
        allows = isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False"
        if loads or allows or any(name.split(".")[0] in UNPICKLERS or name == "torch.load" for name in modules):
            yield f"{shown(path, getattr(node, 'lineno', 0))}: {ast.unparse(node)}"


def unexplained(path: Path) -> Iterator[str]:
    """Skips and expected failures without a reason; `skip("why")` and `skip(reason="why")` have one, a bare mark has none."""
    tree = ast.parse(path.read_text("utf-8"))
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        name = (
            ast.unparse(node.func if isinstance(node, ast.Call) else node) if isinstance(node, ast.Call | ast.Attribute) else ""
        )
        if not re.fullmatch(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)", name) or id(node) in called:
            continue
        given = [x.value for x in node.keywords if x.arg == "reason"] if isinstance(node, ast.Call) else []
        if isinstance(node, ast.Call) and not name.endswith(("skipif", "importorskip")):
            given += node.args[:1]
        if not any(ast.unparse(x) not in ("''", "None") for x in given):
            yield f"{shown(path, node.lineno)}: {name} without a reason"


def machine_paths(path: Path) -> Iterator[str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        return  # a picture, or data that is compressed
    for number, line in enumerate(lines, 1):
        if MACHINE.search(line):
            yield f"{shown(path, number)}: {line.strip()[:100]}"


HEAVY = """
heavy = {"torch", "matplotlib", "sacrebleu"} & set(sys.modules)
sys.exit(f"loaded: {sorted(heavy)}" if heavy else 0)
"""
HELP = """
from regard.cli.main import main
sys.argv = ["regard", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


def runs_light(program: str) -> None:
    """Runs a program in a fresh interpreter; at its end torch, matplotlib and sacrebleu must not have been loaded."""
    done = subprocess.run([sys.executable, "-c", f"import sys\n{program}\n{HEAVY}"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


def test_no_room_without_a_name_of_its_own():
    assert files() and not nameless([path.relative_to(ROOT) for path in files()])


def test_what_is_long_says_why():
    assert not [x for path in python() for x in too_long(path)]


def test_nothing_is_unpickled():
    assert not [x for path in python() if path.relative_to(ROOT).parts[0] != "tests" for x in unpickling(path)]


def test_no_file_names_a_path_of_one_machine():
    assert not [x for path in files() for x in machine_paths(path)]


def test_messages_are_in_plain_english():
    """What is wrong is fixed, what depends on something does not hang on it: old words are not said."""
    words = ("mend(s|ed|ing)?", "hang(s|ing)? " + "on", "hung " + "on", "oftener", "whence")
    old = re.compile("|".join(rf"\b{word}\b" for word in words), re.IGNORECASE)
    said = [shown(p, n) for p in python("src") for n, line in enumerate(p.read_text("utf-8").splitlines(), 1) if old.search(line)]
    assert not said, "\n".join(said)


def test_every_skip_has_its_reason():
    assert not [x for path in python("tests") for x in unexplained(path)]


@pytest.mark.parametrize("path", ["scripts/check", "scripts/test", "scripts/demo", "scripts/bench", ".ci/run"])
def test_scripts_stop_at_the_first_failure_and_can_be_called(path):
    lines = (ROOT / path).read_text("utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash" and "set -euo pipefail" in lines[:4]
    assert os.access(ROOT / path, os.X_OK)
    assert subprocess.run(["bash", "-n", str(ROOT / path)], capture_output=True).returncode == 0


def test_the_licence_is_whole():
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert (
        "Apache License" in text
        and "9. Accepting Warranty or Additional Liability" in text
        and "END OF TERMS AND CONDITIONS" in text
    )


def test_help_never_loads_torch():
    runs_light(HELP)


@pytest.mark.parametrize(
    "module", ["regard", "regard.config", "regard.cli.main", "regard.tasks.transduce.demo_data", "regard.metrics.text_generation"]
)
def test_what_must_be_quick_to_import_never_loads_torch(module):
    runs_light(f"import {module}")


@pytest.mark.parametrize(
    ("look", "text", "seen"),
    [
        (unpickling, "import pickle", True),
        (unpickling, "from torch import load", True),
        (unpickling, "import torch\ntorch.load('x')", True),
        (unpickling, "np.load('x', allow_pickle=flag)", True),
        (unpickling, "np.load('x', allow_pickle=False)\nfrom safetensors.torch import load_file", False),
        (unexplained, "@pytest.mark.skip\ndef test(): ...", True),
        (unexplained, "@pytest.mark.xfail()\ndef test(): ...", True),
        (unexplained, "@pytest.mark.skipif(True)\ndef test(): ...", True),
        (unexplained, "@pytest.mark.skipif(True, reason='slow')\ndef test(): ...", False),
        (unexplained, "pytest.skip('')", True),
        (unexplained, "pytest.skip(f'no {data}')\n@pytest.mark.xfail(reason='why')\ndef test(): ...", False),
        (machine_paths, "see /" + "home/me/data", True),
        (machine_paths, "see ../shared/data and https://x.org/home", False),
        (too_long, "x = 1\n" * 301, True),
        (too_long, '"""Long, because it is one table."""\n' + "x = 1\n" * 301, False),
    ],
)
def test_the_tests_see(tmp_path, look, text, seen):
    path = tmp_path / "planted.py"
    path.write_text(text, "utf-8")
    assert bool(list(look(path))) == seen


def test_names_are_seen():
    assert nameless([Path("src/regard/utils.py"), Path("src/helpers/x.py"), Path("src/regard/common.js")]) != []
    assert nameless([Path("src/regard/state.py")]) == []
