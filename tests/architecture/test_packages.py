"""What both packages say of themselves is complete, and agrees; `scripts/release` makes what is given to people of what is committed."""

from __future__ import annotations

import importlib
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLACES = {"regard": ROOT, "regard-runtime": ROOT / "runtime"}


def project(name: str) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((PLACES[name] / "pyproject.toml").read_text("utf-8"))["project"]
    return found


@pytest.mark.parametrize("name", PLACES)
def test_metadata_are_complete(name):
    told = project(name)
    assert (
        told["name"] == name and told["license"] == "Apache-2.0" and told["authors"] and told["keywords"] and told["description"]
    )
    assert (PLACES[name] / told["readme"]).is_file() and told["license-files"] == ["LICENSE"]
    lowest = re.fullmatch(r">=3\.(\d+)", told["requires-python"])
    versions = [c.rpartition(".")[2] for c in told["classifiers"] if c.startswith("Programming Language :: Python :: 3.")]
    assert lowest and versions == [lowest[1], *(str(n) for n in range(int(lowest[1]) + 1, 15))]
    assert (
        told["classifiers"] == sorted(set(told["classifiers"]), key=told["classifiers"].index)
        and "Typing :: Typed" in told["classifiers"]
    )
    assert all(re.match(r"[a-z0-9-]+>=\d", need) for need in told["dependencies"]), "a lower bound for each"
    assert not told.get("urls"), "scripts/release writes REGARD_URL: no address stands here that nobody answers at"


def test_both_are_of_one_version_and_licence():
    one, two = project("regard"), project("regard-runtime")
    assert one["version"] == two["version"] and one["requires-python"] == two["requires-python"]
    assert (ROOT / "LICENSE").read_bytes() == (ROOT / "runtime" / "LICENSE").read_bytes()
    assert set(two["dependencies"]) <= set(one["dependencies"])
    assert f"version: {one['version']}" in (ROOT / "CITATION.cff").read_text("utf-8").replace('"', "")


def test_extras_do_something():
    """Each package of an extra is imported somewhere, or is a tool of the checkout's."""
    extras, source = (
        project("regard")["optional-dependencies"],
        "\n".join(p.read_text("utf-8") for p in (ROOT / "src").rglob("*.py")),
    )
    names = {"pillow": "PIL", "prometheus-client": "prometheus_client"}
    for extra, needs in extras.items():
        for need in needs if extra not in ("dev", "all") else []:
            package = re.split(r"[>=<;\[ ]", need)[0]
            assert re.search(rf"\bimport {names.get(package, package)}\b|\bfrom {names.get(package, package)}\b", source), need


def test_a_release_is_of_what_is_committed(tmp_path):
    """Bash reads the script, and it refuses what is there already before it does anything."""
    script = str(ROOT / "scripts" / "release")
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    for words, said in (([], "expected the new folder OUT"), ([str(tmp_path)], "expected a folder that is not there yet")):
        done = subprocess.run(["bash", script, *words], capture_output=True, text=True)
        assert done.returncode and said in done.stderr


def test_a_library_that_is_open_is_not_written_over(tmp_path, monkeypatch):
    """A checkout is installed anew while a server of it answers: who has the old library open keeps the old one."""
    monkeypatch.syspath_prepend(str(ROOT / "runtime"))
    building = importlib.import_module("building")
    monkeypatch.setattr(building, "SOURCES", {"loops": tmp_path / "library.c"})
    made = tmp_path / "made" / "loops.so"
    made.parent.mkdir()
    made.write_bytes(b"new")
    (tmp_path / "loops.so").write_bytes(b"old")
    monkeypatch.setattr(building.BuildLoops, "_made", lambda self, ext: [made])
    with (tmp_path / "loops.so").open("rb") as held:
        command = building.BuildLoops.__new__(building.BuildLoops)
        command.extensions = [building.Extension("regard.loops", sources=[])]
        command.copy_extensions_to_source()
        assert held.read() == b"old" and (tmp_path / "loops.so").read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["loops.so", "made"]
