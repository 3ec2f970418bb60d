"""One web page that is a model: its graphs and weights, and the scripts that play them in the browser, with no network at all.

The scripts lie in `page/`: `player.js` plays graphs as `runtime/player.py` does, `search.js` and `tokenizers.js` do what the decoding road
does in Python, and what the picture is drawn with are the scripts of `regard.view`.
"""

from __future__ import annotations

import base64
import html as markup
import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from regard.core.atomic_files import write_bytes
from regard.core.bounded_json import read_json
from regard.core.errors import RunFolderError, message
from regard.data.tokenizer import SPECIALS, Tokenizer
from regard.data.tokenizer_kinds import needs_no_space
from regard.data.vocab import Vocabulary
from regard.export.scripts import join_modules
from regard.runtime.folder import CONFIG, GRAPHS, MANIFEST, WEIGHTS
from regard.view.document import embed, fill, policy, read_part
from regard.view.label import MARKS, SPACE, say_token, show_token
from regard.view.page import PICTURE, read_scripts
from regard.view.save import claim

FOLDER, VIEW = "page", "regard.view"  # of the scripts, beside this file; and whose picture it shows
LACKING = frozenset({"group_norm", "lshift", "rshift"})  # operations that its scripts do not play
EXACT = 2**53  # up to which a browser's numbers are whole
KEPT = {"int64": "int32", "bool": "uint8"}  # in which type others are kept
OFFERED, SHORT = 4, 48  # examples, and their characters at most
Example = tuple[str, Sequence[str]]  # a text and its features


def write_page(folder: Path, out: Path, *, title: str = "", examples: Sequence[Example] = ()) -> None:
    """Write the model of an exported folder to `out`, a new file that ends in .html.

    title: what stands above it; "": the name of the file.  examples: texts to begin with, the first of which is answered at once.
    Errors: UsageError for another ending or a file that exists; RunFolderError for a model that a page cannot run.
    """
    path = claim(out, suffixes=(".html", ".htm"))
    write_bytes(path, make_page(folder, title=title or path.stem, examples=examples).encode("utf-8"))


def make_page(folder: Path, *, title: str, examples: Sequence[Example] = ()) -> str:
    """The page as text.  Errors: see `write_page`."""
    style = read_part(VIEW, "page.css") + read_part(__package__, f"{FOLDER}/page.css")
    script = _script()
    return fill(
        read_part(__package__, f"{FOLDER}/page.html"),
        title=markup.escape(title),
        policy=policy(style, script),
        style=style,
        logo=read_part(VIEW, "logo.html"),
        picture=read_part(VIEW, "picture.html"),
        data=embed({"sentences": [], "weights": []}),
        model=embed({**describe_model(folder), "examples": [[text, list(features)] for text, features in examples]}),
        script=script,
    )


def _script() -> str:
    view = read_scripts(PICTURE)
    return view + join_modules(__package__, FOLDER, "model") + read_part(__package__, f"{FOLDER}/page.js")


def choose_examples(items: Iterable[Any]) -> list[Example]:
    """Some short texts of items: what a person who opens the page can begin with."""
    found: dict[str, Example] = {}
    for item in items:
        text = item if isinstance(item, str) else " ".join(item) if isinstance(item, tuple) else item.source
        if text.strip() and len(text) <= SHORT:
            found.setdefault(text, (text, getattr(item, "features", ())))
        if len(found) == OFFERED:
            break
    return list(found.values())


def describe_model(folder: Path) -> dict[str, Any]:
    """What the page's scripts are told: `task`, `graphs` as they stand in the folder, the packed `weights`, and what the task's own script
    reads.  Errors: see `write_page`."""
    manifest, config, graphs = (read_json(folder / name) for name in (MANIFEST, CONFIG, GRAPHS))
    task = manifest["task"]
    if task not in TASKS:
        do = "Export it as a folder (--format regard), which regard-run answers from."
        raise RunFolderError(
            message(str(folder), f"a run of task {' or '.join(TASKS)}, which a page can run", f"one of {task}", do)
        )
    if config["model"].get("pretrained") is not None:
        do = "Export it as a folder (--format regard)."
        raise RunFolderError(message(str(folder), "a net that reads tokens of its own", "one with a pre-trained reader", do))
    _refuse_operations(folder, graphs)
    return {
        "task": task,
        "graphs": graphs,
        "weights": pack(load_file(folder / WEIGHTS)),
        **TASKS[task](folder, manifest, config),
    }


def _refuse_operations(folder: Path, graphs: Mapping[str, Any]) -> None:
    met = {operation for graph in graphs.values() for operation in _operations(graph)}
    if lacking := sorted(met & LACKING):
        do = "Export it as a folder (--format regard), or train without draws in use (weighting: drawn)."
        raise RunFolderError(message(str(folder), "a net of operations that a page plays", ", ".join(lacking), do))


def _operations(graph: Mapping[str, Any]) -> Iterable[str]:
    for operation, _, _, attributes, _ in graph["nodes"]:
        yield from [operation] if operation != "scan" else _operations(attributes["body"])


def _describe_transducer(folder: Path, manifest: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """What `page/transducer.js` is told."""
    data, decode, room = config["data"], config["decode"], manifest["room"]
    paths = [folder / name for name in ("tokenizer.source.json", "tokenizer.target.json")]
    tokenizers = [Tokenizer.load(path) for path in paths]
    separator = data["features_separator"]
    return {
        "tokenizers": [describe_tokenizer(t, path) for t, path in zip(tokenizers, paths, strict=True)],
        "cleaning": {"lowercase": data["lowercase"], "unicode": data["unicode"]},
        "features": None if data["features"] is None else ";" if separator == "auto" else separator,
        "copies": manifest["network"]["extends"],
        "common": manifest["network"]["common"],
        "prefix": manifest["network"].get("prefix", []),
        "room": {"source": room[0], "target": room[1]},
        "limits": {"least": decode["min_length"], "ratio": decode["max_ratio"], "extra": decode["max_extra"]},
        "beam": max(decode["beam"], decode["n_best"]),
        "lengthPenalty": decode["length_penalty"],
        "tokenLabels": label_tokens(token for t in tokenizers for token in t.tokens(range(len(t)))),
    }


def describe_tokenizer(tokenizer: Tokenizer, path: Path) -> dict[str, Any]:
    """What `page/tokenizers.js` is told: the symbols by number, and what else its kind goes by."""
    model = json.loads(tokenizer.library)["model"]
    kind = tokenizer.word.partition("(")[0]
    more: dict[str, Any] = {"unspaced": _unspaced()} if kind in ("word", "bpe", "unigram") else {}
    if kind == "profile":
        more["graphemes"] = read_json(path)["graphemes"]
    if kind == "bpe":
        more["merges"] = [merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"]]
    if kind == "unigram":
        more["scores"] = [score for _, score in model["vocab"]]
    return {"kind": kind, "symbols": tokenizer.symbols_by_id, "features": list(tokenizer.features), **more}


@cache
def _unspaced() -> str:
    """The characters that need no space before a text that begins with them, as a class of a regular expression."""
    found, begin = [], None
    for code in range(0x40000):
        inside = needs_no_space(chr(code))
        if inside and begin is None:
            begin = code
        elif not inside and begin is not None:
            found.append(f"\\u{{{begin:x}}}-\\u{{{code - 1:x}}}")
            begin = None
    return "".join(found)


def _describe_tagger(folder: Path, manifest: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """What `page/tagger.js` is told."""
    words, letters, tags, labels = (
        list(Vocabulary.load(folder / f"{name}.json")) for name in ("words", "letters", "tags", "labels")
    )
    told = {"words": words, "letters": letters, "tags": tags, "labels": labels}
    own = {"room": manifest["room"][0], "lowercase": config["data"]["lowercase"], "features": None, "beam": 1}
    return {**told, **own, "tokenLabels": label_tokens(words)}


TASKS: Mapping[str, Callable[[Path, Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]] = {
    "transduce": _describe_transducer,
    "tag": _describe_tagger,
}


def label_tokens(tokens: Iterable[str]) -> dict[str, list[str]]:
    """How tokens are written and said where it is not just as they are."""
    told = {token: [show_token(token), say_token(token)] for token in dict.fromkeys(tokens)}
    plain = {token: [token, token.removeprefix(SPACE)] for token in told}
    return {token: told[token] for token in told if told[token] != plain[token] and token not in MARKS and token not in SPECIALS}


def pack(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Arrays as `page/weights.js` reads them: of each its name, its type, the type it is kept in, its shape; and their bytes, deflated, in
    base64.  The first bytes of all numbers of an array stand before their second ones, as the bytes that say how large they are pack well
    together.  Errors: RunFolderError for whole numbers that a browser does not have.
    """
    told, planes = [], []
    for name, array in arrays.items():
        kept = KEPT.get(str(array.dtype), str(array.dtype))
        if array.dtype == np.int64 and array.size and np.abs(array).max() > np.iinfo(np.int32).max:
            kept = "float64"
            if np.abs(array).max() > EXACT:
                do = "Export it as a folder (--format regard)."
                raise RunFolderError(message(f"the numbers {name}", f"whole numbers up to {EXACT:,}", "larger ones", do))
        stored = np.ascontiguousarray(array).astype(np.dtype(kept).newbyteorder("<"))
        told.append([name, str(array.dtype), kept, list(array.shape)])
        planes.append(np.frombuffer(stored.tobytes(), np.uint8).reshape(-1, stored.itemsize).T.tobytes())
    return {"arrays": told, "bytes": base64.b64encode(zlib.compress(b"".join(planes), 9)).decode("ascii")}
