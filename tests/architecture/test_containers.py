"""The images of docker/: no root, nothing fetched but packages, a health check, and every path that they copy is there and let in."""

from __future__ import annotations

import ast
import fnmatch
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from regard.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
Instructions = list[tuple[str, str]]


def instructions(text: str) -> Instructions:
    """The instructions of a Dockerfile, each with its words; lines that go on are one."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n", " ", "\n".join(lines))
    return [(line.split(None, 1)[0].upper(), line.split(None, 1)[1].strip()) for line in whole.splitlines() if line.strip()]


def stages(told: Instructions) -> list[Instructions]:
    """The instructions of each stage, its FROM first."""
    made: list[Instructions] = []
    for name, words in told:
        if name == "FROM":
            made.append([])
        if made:
            made[-1].append((name, words))
    return made


def let_in(path: str) -> bool:
    """Whether .dockerignore leaves a path in the context: the last line that fits decides, and a folder's line is true of what it holds."""
    kept = True
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        pattern = line.strip().removeprefix("!")
        if (
            line
            and not line.startswith("#")
            and any(fnmatch.fnmatch(part, pattern) for part in (path, *map(str, Path(path).parents)))
        ):
            kept = line.startswith("!")
    return kept


def faults(text: str) -> list[str]:
    """What an image must not do, or lacks."""
    told, found = instructions(text), list[str]()
    each = stages(told)
    last = dict(each[-1])
    users = [words for name, words in each[-1] if name == "USER"]
    if not users or not re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1]):
        found.append("the user is root, or a name that a host cannot tell from root")
    order = [name for name, _ in each[-1]]
    if users and {"RUN", "COPY"}.intersection(order[order.index("USER") :]):
        found.append("something is made behind USER")
    for name in ("HEALTHCHECK", "ENTRYPOINT", "CMD"):
        words = last.get(name, "").partition("CMD ")[2] if name == "HEALTHCHECK" else last.get(name, "")
        if not words or not isinstance(json.loads(words), list):
            found.append(f"no {name} without a shell")
    names = [words.rpartition(" AS ")[2] for name, words in told if name == "FROM" and " AS " in words]
    for name, words in told:
        if name == "ADD":
            found.append("ADD, which fetches and unpacks")
        if name == "FROM" and not re.fullmatch(r"python:(\$\{PYTHON\}|\d+\.\d+)(-slim)?( AS \w+)?", words):
            found.append(f"FROM {words}")
        if name == "COPY":
            found += wrong_copies(words, names)
        if name == "RUN" and re.search(r"\b(curl|wget|sudo|apt-get|chmod 777|git clone)\b", words):
            found.append(f"RUN {words}")
        if name == "RUN" and words.count("pip install") != words.count("pip install --no-cache-dir"):
            found.append("a cache of pip's stays in the image")
    if not each[-1][0][1].endswith("-slim"):
        found.append("what is shipped is not slim")
    return found


def wrong_copies(words: str, names: list[str]) -> list[str]:
    """Sources of a COPY that are not there, or are left out of the context."""
    *sources, _ = [word for word in words.split() if not word.startswith("--")]
    if flag := re.search(r"--from=(\w+)", words):
        return [] if flag[1] in names else [f"no stage {flag[1]}"]
    return [f"COPY {path}" for path in sources if not (ROOT / path).exists() or not let_in(path)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_image_is_as_it_should_be(file):
    assert not faults(file.read_text("utf-8"))


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("USER 10001:10001\n", "", "root"),
        ("USER 10001:10001", "USER root", "root"),
        ("USER 10001:10001\n", "USER 10001:10001\nRUN pip list\n", "behind USER"),
        ("COPY src src", "COPY sources src", "COPY sources"),
        ("COPY src src", "COPY tests src", "COPY tests"),
        ("COPY src src", "ADD https://example.org/x.tar.gz src", "ADD"),
        ("HEALTHCHECK", "LABEL none=yes\n#", "HEALTHCHECK"),
        ("--from=build", "--from=built", "no stage"),
        ("pip install --no-cache-dir", "pip install", "cache"),
        ("FROM python:${PYTHON}-slim\n", "FROM python:latest\n", "FROM python:latest"),
    ],
)
def test_what_an_image_should_not_be_is_seen(right, wrong, said):
    for file in FILES:
        text = file.read_text("utf-8")
        assert right in text and any(said in fault for fault in faults(text.replace(right, wrong)))


def test_the_commands_of_images_are_there():
    runtime, server = ({name: words for name, words in instructions(file.read_text("utf-8"))} for file in FILES)
    scripts = {
        name: tomllib.loads((ROOT / place / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
        for name, place in (("server", "."), ("runtime", "runtime"))
    }
    assert json.loads(runtime["ENTRYPOINT"])[0] in scripts["runtime"]
    command, verb, *options = json.loads(server["ENTRYPOINT"])
    serve = next(c for c in app.registered_commands if c.callback and c.callback.__name__ == verb)
    known = {f"--{name.replace('_', '-')}" for name in serve.callback.__annotations__}
    assert command in scripts["server"] and {word for word in options if word.startswith("--")} <= known
    for words in (runtime["HEALTHCHECK"], server["HEALTHCHECK"]):
        python, flag, code = json.loads(words.partition("CMD ")[2])
        assert (python, flag) == ("python", "-c") and ast.parse(code)


def test_a_server_without_torch_has_what_it_asks_for():
    """What the runtime depends on, the command's own library, and the extra."""
    told = {
        word: subprocess.run(
            [sys.executable, str(ROOT / "docker" / "needs.py"), word], capture_output=True, text=True, check=True
        ).stdout.split("\n")
        for word in ("yes", "no")
    }
    project, runtime = (
        tomllib.loads((ROOT / place / "pyproject.toml").read_text("utf-8"))["project"] for place in (".", "runtime")
    )
    assert set(told["no"]) - {""} == {*runtime["dependencies"], "typer>=0.12", *project["optional-dependencies"]["serve"]}
    assert set(told["yes"]) - {""} == {*project["dependencies"], *project["optional-dependencies"]["serve"]}
    done = subprocess.run([sys.executable, str(ROOT / "docker" / "needs.py"), "maybe"], capture_output=True, text=True)
    assert done.returncode and "expected yes or no" in done.stderr
