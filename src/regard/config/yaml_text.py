"""The YAML of configs: the core schema of YAML 1.2, with the line of every key.

YAML 1.1, PyYAML's own, reads `no` (a language) as false, `1e-3` as text and `12:30` as 750.  Here only `true` and `false` are truth
values, numbers are decimal, and what is none of these is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

KeyPath = tuple[str | int, ...]
LONGEST = 100  # digits of a whole number

_WORDS = {
    "tag:yaml.org,2002:null": (r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    "tag:yaml.org,2002:bool": (r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    "tag:yaml.org,2002:int": (r"^[-+]?[0-9]+$", list("-+0123456789")),
    "tag:yaml.org,2002:float": (
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        list("-+.0123456789"),
    ),
}


class _Loader(yaml.SafeLoader):
    """Composes nodes; nothing is constructed by tag."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 - PyYAML's own name and shape


class _Dumper(yaml.SafeDumper):
    """Quotes what either version of YAML would misread."""

    yaml_implicit_resolvers = {k: list(v) for k, v in yaml.SafeDumper.yaml_implicit_resolvers.items()}  # noqa: RUF012 - as above


for _tag, (_form, _first) in _WORDS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(_tag, re.compile(_form), _first)


@dataclass
class ParsedYaml:
    """What stood in a YAML text: plain values, the line of each key (from 1), and what is wrong: (path, line, expected, received, do)."""

    values: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    wrong: list[tuple[KeyPath, int, str, str, str]] = field(default_factory=list)


def read(text: str) -> ParsedYaml:
    """Parse one document.  Raises yaml.YAMLError where it is not YAML; twice-given keys, aliases and foreign tags are told in `wrong`."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except RecursionError:
        raise yaml.YAMLError("brackets nested too deeply") from None
    found = ParsedYaml()
    found.values = _plain(node, (), found, set()) if node is not None else None
    return found


def dump(values: Any) -> str:
    """YAML that `read` reads back equal; keys in the order given."""
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


def _plain(node: yaml.Node, path: KeyPath, found: ParsedYaml, met: set[int]) -> Any:
    if id(node) in met:  # aliases can multiply without end, and a config is short
        found.wrong.append((path, found.lines.get(path, 1), "a value", "an alias (`*name`) of another", "Write the value out."))
        return None
    met.add(id(node))
    match node:
        case yaml.MappingNode():
            return dict(_entries(node, path, found, met))
        case yaml.SequenceNode():
            items = []
            for i, item in enumerate(node.value):
                found.lines[(*path, i)] = item.start_mark.line + 1
                items.append(_plain(item, (*path, i), found, met))
            return items
    return _scalar(node, path, found)


def _entries(node: yaml.MappingNode, path: KeyPath, found: ParsedYaml, met: set[int]) -> Iterator[tuple[str, Any]]:
    seen: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
        if key in seen:
            here = (*path, key)
            received = f"a second one (the first: line {seen[key]})"
            found.wrong.append((here, line, "each key once", received, "Remove one of them."))
            continue
        seen[key] = line
        found.lines[(*path, key)] = line
        yield key, _plain(value_node, (*path, key), found, met)


def _scalar(node: yaml.Node, path: KeyPath, found: ParsedYaml) -> Any:
    match node.tag:
        case "tag:yaml.org,2002:null":
            return None
        case "tag:yaml.org,2002:bool":
            return node.value.lower() == "true"
        case "tag:yaml.org,2002:int" if len(node.value) <= LONGEST:
            return int(node.value)
        case "tag:yaml.org,2002:float":
            return float(node.value.replace(".inf", "inf").replace(".nan", "nan"))
        case "tag:yaml.org,2002:str":
            return node.value
    line = node.start_mark.line + 1
    if node.tag == "tag:yaml.org,2002:int":  # Python reads no more than 4,300 digits
        received = f"one of {len(node.value):,}"
        found.wrong.append((path, line, f"a number of at most {LONGEST} digits", received, "Write a smaller one, or quote it."))
        return None
    found.wrong.append((path, line, "plain text, a number, true, false or null", f"a value tagged {node.tag}", "Remove the tag."))
    return None
