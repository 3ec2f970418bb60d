"""What is wrong: values of other kinds, files with a value or some bytes changed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

WRONG: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 3, 7, 1.5, -0.5, 1e-320, 1e20, 1e300, 10**5, 2**31, 2**32, 2**63, 2**64, 10**20, 10**40),
    *(
        "",
        "x",
        "none",
        "null",
        "1",
        "dot",
        "a:B",
        "a.b:C(3)",
        "\x00",
        "\x1b]0;x\x07",
        "e" * 300,
        "\ufffe",
        "-",
        ".",
        "/",
        "/dev/zero",
    ),
    *([], [1], ["a"], [[]], [None], {}, {"a": 1}, {"a": {"b": []}}, [{"a": 1}]),
    *("bpe(10)", "bpe(99999999999999999999)", "window(2147483647)", "location(1)", "dilated(3) & causal", "~("),
    "additive(7) + alibi",
]
LINES = [
    *(b"", b"\t", b"a", b"a\tb\tc\td\te", b"{}", b'{"a": 1}', b"[]", b"\xff\xfe\x00", b"\x00", b"a\x00b\tc"),
    *(
        b"\xef\xbb\xbfa\tb",
        b"a\rb\tc",
        b"# a comment",
        b"#\ta",
        b"source\ttarget",
        b"word\tpronunciation",
        b" ",
        b"\xe2\x80\x8b\tx",
    ),
]
DELETED, DEEP = "<deleted>", "<deep>"


def changed_values(text: str, path: Path, draw: random.Random) -> tuple[str, str]:
    """A file of JSON, JSON lines or YAML with one value changed, and where: to one of another kind, or to another of its own."""
    rows = text.splitlines() if path.suffix == ".jsonl" else [text]
    row = draw.randrange(len(rows))
    whole = yaml.safe_load(rows[row]) if path.suffix == ".yaml" else json.loads(rows[row])
    at = draw.choice(list(_places(whole)))
    likely = list(_alike(_at(whole, at), whole))
    new = draw.choice(likely) if likely and draw.random() < 0.5 else draw.choice([*WRONG, DELETED, DEEP])
    if new is DELETED and at:
        parent = _at(whole, at[:-1])
        del parent[at[-1]]
        made = whole
    else:
        made = _put(whole, at, None if new is DELETED else 0 if new is DEEP else new)
    rows[row] = yaml.safe_dump(made, allow_unicode=True) if path.suffix == ".yaml" else json.dumps(made)
    if new is DEEP:
        rows[row] = "[" * 100_000
    return "\n".join(rows) + "\n", f"{path.name} {'.'.join(map(str, at))}={new if new in (DELETED, DEEP) else repr(new)[:40]}"


def _alike(value: Any, whole: Any) -> Iterator[Any]:
    """Other values of a value's own kind."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from (value + 1, value * 2, value - 1, value / 2)
    elif isinstance(value, str):
        others = {each for at in _places(whole) if isinstance(each := _at(whole, at), str)} - {value}
        yield from (
            *sorted(others)[:20],
            f"{value}x",
            value[1:],
            value.upper(),
            "transformer",
            "gru",
            "mean",
            "location",
            "causal",
        )
    elif isinstance(value, list) and value:
        yield from (value[:-1], value[::-1], [*value, value[0]])
    elif isinstance(value, dict) and value:
        yield {key: value[key] for key in list(value)[1:]}


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    each = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in list(each)[:40]:
        yield from _places(below, (*at, key))


def _at(value: Any, at: tuple[Any, ...]) -> Any:
    for key in at:
        value = value[key]
    return value


def _put(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    if not at:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[at[0]] = _put(value[at[0]], at[1:], new)
    return copied


def damaged(data: bytes, draw: random.Random) -> bytes:
    """Bytes changed, cut, doubled, or lines put in that are none."""
    way = draw.randrange(8)
    at = draw.randrange(len(data) + 1)
    if way == 0:
        return data[:at]
    if way == 1:
        return data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :]
    if way == 2:
        start = draw.choice((at, data.rfind(b"\n", 0, at) + 1, 0))
        return data[:start] + draw.choice(LINES) + b"\n" + data[start:]
    if way == 3:
        return b"".join(data[i : i + 1] + b"\x00" for i in range(min(len(data), 2000)))  # UTF-16 without a mark
    if way == 4:
        return data.replace(b"\n", draw.choice([b"\r", b"\r\n", b"\x0b", b""]))
    if way == 5:
        return data[:at] + data[at : at + 1].translate(FLIP[draw.randrange(8)]) + data[at + 1 :]
    if way == 6:
        return data[:at] + data[at + draw.randrange(1, 30) :]
    return data + bytes(draw.randrange(256) for _ in range(draw.randrange(40)))


FLIP = [bytes(byte ^ 1 << bit for byte in range(256)) for bit in range(8)]
