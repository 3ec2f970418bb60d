"""Every message that a person may read: the strings of the source that reach one, as templates, `{0}` where something is put in.

What is a message: what is given to `message`, to an error, or to who is told (`say`); what the help of a command says; what functions that
give text return; and what variables held on the way there, in the same function.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from regard.check.finding import LEVELS
from regard.check.screen import SIGNS
from regard.cli.help_language import FRAME, OF_CLICK

SOURCE = Path(__file__).resolve().parents[2] / "src" / "regard"
TOLD = {
    "message",
    "say",
    "_say",
    "tell",
    "_tell",
    "note",
    "refuse",
    "warn",
    "many",
    "print",
    "Finding",
    "Sign",
    "Explanation",
    "translate",
}
ERRORS = re.compile(r"(Error|Problem|Unexportable|Unreadable)$")
# Packages whose functions give text.
ROLES = ("source", "target", "features", "tokens", "tags", "label")
WORDS = ("core", "data", "config", "check", "tasks", "training", "cli", "corpus", "compare", "pretrained", "build")
# Pages and documents.
ELSEWHERE = (
    "view",
    "config/docs.py",
    "config/other_names.py",
    "build/catalogue.py",
    "serve/openapi.py",
    "serve/page.py",
    "check/ranking.py",
)
CHECKS = re.compile(r"^check/|/checks?(_\w+)?\.py$")  # of which every word is for people
NOUNS = ("text", "caption", "label", "answer", "sentence")  # messages of one word
HOLE = re.compile(r"\{\d+\}")


def collect() -> dict[str, list[str]]:
    """Templates, each with the files that hold it."""
    found = {
        **{level: {"check/finding.py"} for level in LEVELS},
        **{f"{{0}} {word}": {"check/finding.py"} for level in LEVELS for word in (level, f"{level}s")},
        **{sign: {"check/screen.py"} for sign in SIGNS.values()},
        **{text: {"check/case.py"} for role in ROLES for text in (role, f"{{0}} {role}", f"{{0}} {role}s")},
        **{text: {"cli/help_language.py"} for text in (*FRAME, *OF_CLICK)},
    }
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if not name.startswith(ELSEWHERE):
            for template in _of_module(
                ast.parse(path.read_text("utf-8")), name.startswith(WORDS), CHECKS.search(name) is not None
            ):
                if _is_message(template):
                    found.setdefault(template, set()).add(name)
    return {template: sorted(files) for template, files in sorted(found.items())}


def _is_message(template: str) -> bool:
    if template in NOUNS:
        return True
    bare = HOLE.sub("", template)
    return (
        bool(re.search(r"[A-Za-z]{2,}", bare)) and " " in template.strip() and not re.search(r"[<>]\w|://|\{\{|\(\?|\\[ps]", bare)
    )


def _of_module(tree: ast.Module, gives_text: bool, checks: bool) -> Iterator[str]:
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    if checks:
        said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}
        yield from (_template(node) for node in _strings(tree) if id(node) not in said)
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and _name(node.target) == "nouns" and isinstance(node.value, ast.Dict):
            for word in map(_template, _strings(ast.Tuple(node.value.values))):
                yield from (word, f"{{0}} {word}", f"{{0}} {word}s")
    for scope in (tree, *functions):
        held = set[str]()
        for node in ast.walk(scope):
            for told in _told(node):
                yield from map(_template, _strings(told))
                held |= {part.id for part in ast.walk(told) if isinstance(part, ast.Name)}
            if isinstance(node, ast.Call) and _name(node.func) == "many":
                yield from _counted(node)
        if gives_text and scope is not tree and scope.returns is not None and "str" in ast.unparse(scope.returns):
            for node in ast.walk(scope):
                if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
                    yield from map(_template, _strings(node.value))
                    held |= {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)}
        assigned = [node for node in ast.walk(scope) if isinstance(node, ast.Assign | ast.AugAssign)]
        while more := [node for node in assigned if held & set(_targets(node))]:  # what a variable is made of, and that in turn
            for node in more:
                yield from map(_template, _strings(node.value))
                held |= {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)}
            assigned = [node for node in assigned if node not in more]
        if scope is not tree and scope.name in _commands(tree) and (docstring := ast.get_docstring(scope)):
            yield from re.split(r"\n\s*\n", docstring)


def _commands(tree: ast.Module) -> set[str]:
    """The functions of a module whose arguments are options of the command line."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {f.name for f in functions if re.search(r"typer\.|options\.[A-Z]", ast.unparse(f.args))}


def _told(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.keyword) and node.arg in ("help", "epilog"):
        yield node.value
    if isinstance(node, ast.Call):
        name, of = _name(node.func), _name(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        if (name in TOLD and name != "many") or ERRORS.search(name) or (name == "at" and ERRORS.search(of)):
            yield from (*node.args, *(keyword.value for keyword in node.keywords))


def _counted(node: ast.Call) -> Iterator[str]:
    """`{0} line` and `{0} lines`."""
    words = [word.value for word in node.args[1:] if isinstance(word, ast.Constant)]
    if words:
        yield f"{{0}} {words[0]}"
        yield f"{{0}} {words[1] if len(words) > 1 else words[0] + 's'}"


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _targets(node: ast.Assign | ast.AugAssign) -> Iterator[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        yield from (part.id for part in ast.walk(target) if isinstance(part, ast.Name))


def _strings(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.JoinedStr):
        yield node
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from _strings(part.value)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node
    elif not isinstance(node, ast.Subscript) and not (isinstance(node, ast.Call) and _name(node.func) == "many"):
        for part in ast.iter_child_nodes(node):
            yield from _strings(part)


def _template(node: ast.AST) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.JoinedStr)
    made, hole = "", 0
    for part in node.values:
        made, hole = (made + str(part.value), hole) if isinstance(part, ast.Constant) else (f"{made}{{{hole}}}", hole + 1)
    return made
