"""What serves all tasks names none: no file below `tasks` has a task's name as a word of a string, or asks a config for its section."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from regard.config.schema import GeneralConfig
from regard.core.errors import ConfigError
from regard.tasks import registry
from regard.tasks.spec import KEYS, Metric, TaskSpec

SOURCE = Path(__file__).resolve().parents[2] / "src" / "regard"
ROOMS = (
    "core",
    "attention",
    "metrics",
    "data",
    "networks",
    "config",
    "build",
    "training",
    "inference",
    "check",
    "pretrained",
    "compare",
    "cli",
)
NAMES = "|".join(registry.TASKS)
# The name alone, or before a dot: `"tag"`, `"tag.letters"`; or in a text, as a task's: `task: tag`, `--task tag`.
NAME = re.compile(rf"(?:{NAMES})(?:\.[\w*]+)?|.*\btasks?:? (?:{NAMES})\b.*", re.DOTALL)


def named(tree: ast.AST) -> set[str]:
    """The strings of a module that name a task, docstrings left out, and what it asks a config for by the name of one."""
    scopes = (
        node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    )
    docs = {
        id(node.body[0].value) for node in scopes if ast.get_docstring(node) is not None and isinstance(node.body[0], ast.Expr)
    }
    strings = (n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in docs)
    asked = (n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and ast.unparse(n.value).endswith("config"))
    return {text for text in strings if NAME.fullmatch(text.strip())} | {
        f"config.{n.attr}" for n in asked if n.attr in registry.TASKS
    }


def test_what_serves_all_tasks_names_none():
    paths = [path for room in ROOMS for path in (SOURCE / room).rglob("*.py")]
    assert len(paths) > 150
    found = {
        f"{path.relative_to(SOURCE).as_posix()}: {' '.join(text.split())[:60]}"
        for path in paths
        for text in named(ast.parse(path.read_text("utf-8")))
    }
    assert not found, "\n".join(sorted(found))


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("if config.task == 'tag': pass", True),
        ("may = {'tag.letters'}", True),
        ("do = f'Remove it, or write task: tag{end}.'", True),
        ("x = config.language", True),
        ("def f():\n    'pair'\n    return 1", False),
        ("say('cannot be read, in this language')", False),
        ("kind = config.task", False),
    ],
)
def test_the_test_sees(code, seen):
    assert bool(named(ast.parse(code))) == seen


def test_every_key_is_in_one_group():
    """So that a task says whether it uses it."""
    keys = [
        f"{name}.{key}"
        for name in ("data", "model", "train", "decode")
        for key in GeneralConfig.model_fields[name].annotation.model_fields
    ]
    assert sorted(KEYS) == sorted(keys)


def test_a_misspelt_key_is_refused():
    with pytest.raises(ConfigError, match=r"received 'data\.trian'.*Did you mean 'data\.train'"):
        TaskSpec("x", "", "a:B", {"loss": Metric("")}, uses=("data.trian",))
