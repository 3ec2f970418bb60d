"""An extra brings what some line of the house uses, and what the house says to install can be installed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
TOOLS = {"dev", "all"}  # for whoever builds the house; all of them together
MODULES = {"pillow": "PIL"}  # where a distribution names its module otherwise


def sources() -> str:
    return "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "src").rglob("*.py")))


def test_every_extra_is_used_by_a_line_of_code():
    text, unused = sources(), list[str]()
    for extra, wanted in EXTRAS.items():
        names = [re.split(r"[^\w-]", requirement)[0] for requirement in wanted]
        modules = [MODULES.get(name, name.replace("-", "_")) for name in names]
        used = [
            re.search(rf"^\s*(import|from) {module}\b|import_module\(\"{module}|module\(\"{module}", text, re.M)
            for module in modules
        ]
        unused += [extra] if extra not in TOOLS and not all(used) else []
    assert not unused


def test_all_holds_every_extra():
    assert set(re.findall(r"\w+", EXTRAS["all"][0])) - {"regard"} == set(EXTRAS) - {"all"}


def test_nothing_is_to_be_installed_by_a_name_that_no_index_has():
    """The distribution is installed from the checkout until it is published."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.py"), *(ROOT / "studies").glob("*.py")]
    found = [path.name for path in pages if re.search(r"pip install\b[^\n]*\bregard\b", path.read_text("utf-8"))]
    assert not found
    named = {extra for path in pages for extra in re.findall(r"pip install[^\n]*\.\[(\w+)\]", path.read_text("utf-8"))}
    assert named and named <= set(EXTRAS)
