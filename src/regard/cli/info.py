"""`regard info`: what a run is, or what `regard export` made of one.  Of weights it reads the shapes, and loads no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli.trust import Trust
from regard.core.bounded_json import is_of, parse, require_keys
from regard.core.errors import RunFolderError, message
from regard.core.plural import many
from regard.core.printable import printable
from regard.tasks import registry
from regard.tasks.spec import TARGET_TEXT, TOKENS, WRITING

if TYPE_CHECKING:
    from regard.config import Config

SYMBOLS = ("words", "letters", "tags", "labels")  # files of a run folder
HEADER = 100_000_000  # bytes: what safetensors reads itself
WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "U8": 1, "I8": 1, "BOOL": 1}  # bytes of a number
PROVED: Mapping[str, type] = {"answers": int, "changed": int, "score": float}  # of `export.json` what is told
MODEL, DAMAGED = "model.safetensors", "Restore it from a copy, or train again into another folder."


def info(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or an exported one.")], trust: Trust = None
) -> None:
    """Say what a run is.

    Its task, data, net, parameters, best figures and size on disk; of an exported folder what was proved of it.
    """
    from regard.runtime.folder import is_exported

    facts = _exported(run) if is_exported(run) else _trained(run, trust or ())
    width = max(map(len, facts)) + 2
    print("\n".join(f"{name:<{width}}{printable(fact)}" for name, fact in facts.items()))


def _trained(run: Path, trust: Iterable[str]) -> dict[str, str]:
    from regard.config import load_config
    from regard.training.checksums import METRICS, USED, refuse_changed
    from regard.training.history import refuse_no_run

    refuse_no_run(run)
    config = load_config(run / "config.yaml", trust=trust)
    facts = {"run": str(run), "task": config.task, **_data(config), **_model(config), **_vocabularies(run)}
    facts |= {"parameters": _parameters(run / MODEL), **_training(run, config), **_made(run), "on disk": _size(run, MODEL)}
    refuse_changed(run, config, [name for name in (*USED, METRICS) if not name.endswith(".safetensors")])
    return facts


def _exported(folder: Path) -> dict[str, str]:
    """The facts of an exported folder, which is opened: what is told is told of what can be used."""
    from regard.runtime.folder import SCALE, WEIGHTS, open_folder

    told = open_folder(folder).manifest
    shapes = {name: _shape(entry) for name, entry in _header(folder / WEIGHTS).items() if name != "__metadata__"}
    count = sum(math.prod(shape) for name, shape in shapes.items() if shape and not name.endswith(SCALE))
    facts = {"exported": str(folder), "task": told["task"], "made by": f"Regard {told['regard']}", "precision": told["precision"]}
    facts |= {**_vocabularies(folder), "parameters": f"{count:,}"}
    proof = require_keys(told.get("proof", {}), PROVED, lacking=frozenset(PROVED), others=True)
    if proof.keys() >= PROVED.keys():
        answers, changed, score = (proof[name] for name in ("answers", "changed", "score"))
        facts["proved"] = f"{answers:,} answers, {changed:,} of them other texts; scores within {score:.1e} a token"
    return {**facts, "on disk": _size(folder, WEIGHTS)}


def _data(config: Config) -> dict[str, str]:
    data = config.data
    valid = " + ".join(data.valid) or f"a share of {data.valid_share:g} of it"
    files = {"training data": " + ".join(data.train) or "none", "validation data": valid}
    uses = set(config.spec.uses)
    if not uses.intersection(TARGET_TEXT):
        return files
    if not uses.issuperset(TOKENS):
        return {**files, "tokens": data.target_tokenizer}
    return {**files, "tokens": f"{data.source_tokenizer} → {data.target_tokenizer}" + (", joint" if data.joint else "")}


def _model(config: Config) -> dict[str, str]:
    """The net as its task tells it, or else as its encoder, or its encoder and decoder."""
    from regard.config.task_section import TaskSection
    from regard.config.trust import flags, modules

    m, own = config.model, config.own
    given = flags(modules(config))
    code = {"code": f"not Regard's alone; where you trust it, open the run with{given}"} if given else {}
    if isinstance(own, TaskSection) and (told := own.net(config)):
        return {**told, **code}
    if not set(config.spec.uses).issuperset(WRITING):
        kind = m.encoder if m.family == "recurrent" else f"{m.family} with {many(m.heads, 'head')}"
        return {"net": f"{m.encoder_layers} x {kind} of {m.size}", **code}
    if m.family != "recurrent":
        net = f"{m.family.capitalize()}, {m.encoder_layers} + {m.decoder_layers} layers of {m.size}, {many(m.heads, 'head')}"
    else:
        net = f"{m.encoder_layers} x {m.encoder} → {m.decoder_layers} x {m.decoder} of {m.size}"
    look = m.attention
    return {"net": net, "attention": "none" if look is None else f"{look.score}, {look.scope}, {look.weighting}", **code}


def _vocabularies(run: Path) -> dict[str, str]:
    from regard.data.tokenizer import Tokenizer
    from regard.data.vocab import Vocabulary

    sizes = {path.stem: len(Tokenizer.load(path)) for path in sorted(run.glob("tokenizer*.json"))}
    sizes |= {path.stem: len(Vocabulary.load(path)) for path in sorted(run.glob("*.json")) if path.stem in SYMBOLS}
    return {"vocabulary": ", ".join(f"{name} {size:,}" for name, size in sizes.items()) or "none yet"}


def _parameters(path: Path) -> str:
    """Counted from the header of the safetensors file: 8 bytes that say how long it is, then JSON."""
    if not path.is_file():
        return "none yet: the run has not been validated"
    try:
        shapes = [_shape(entry) for name, entry in _header(path).items() if name != "__metadata__"]
    except (OSError, ValueError) as error:
        raise RunFolderError(message(f"{path} is damaged", "a safetensors file", str(error), DAMAGED)) from None
    return f"{sum(math.prod(shape) for shape in shapes if shape):,}"  # a number alone is not a weight: a baseline, a count


def _header(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(HEADER, path.stat().st_size):
            raise ValueError("no header")
        header = parse(file.read(length))
    if not isinstance(header, dict):
        raise ValueError("a header that is no object")
    return header


def _shape(entry: Any) -> list[int]:
    shape = require_keys(entry, {"shape": list[int]}, others=True)["shape"]
    if any(n < 0 for n in shape) or math.prod(shape) > 2**48:
        raise ValueError("a shape that no weight has")
    width, span = WIDTHS.get(str(entry.get("dtype"))), entry.get("data_offsets")
    if width and is_of(span, list[int]) and len(span) == 2 and span[1] - span[0] != width * math.prod(shape):
        raise ValueError("a shape that is not as large as its numbers")
    return list(shape)


def _training(run: Path, config: Config) -> dict[str, str]:
    """The best validation and how far training went, from metrics.jsonl."""
    from regard.training.history import read_rows

    figures, rows = registry.figures(config.spec), read_rows(run)
    if not rows:
        return {"trained": "not yet"}
    last = rows[-1]
    minutes = (last.get("seconds") or 0) / 60
    told = {"trained": f"{many(last['step'], 'update')}, {many(last['epoch'], 'epoch')}, {minutes:.1f} minutes"}
    best = next((row for row in reversed(rows) if row.get("best") is True), None)
    if best is None:
        return told

    told_figures = "  ".join(f"{name} {best[name]:.4g}" for name in figures if best.get(name) is not None)
    return {**told, f"best {config.train.metric}": f"{told_figures}  (on validation data, at update {best['step']:,})"}


def _made(run: Path) -> dict[str, str]:
    from regard.training.provenance import join_versions, read_run

    found = read_run(run)
    if found is None:
        return {}
    machine = ", ".join(str(found["machine"][key]) for key in ("processor", "system") if key in found["machine"])
    sessions = f", in {found['sessions']} sessions" if found["sessions"] > 1 else ""
    ended = f" to {found['ended']}" if found["ended"] else ""
    return {
        "made with": join_versions(found),
        "made at": f"{found['begun']}{ended}{sessions}",
        "made on": machine or "an unknown machine",
    }


def _size(run: Path, weights: str) -> str:
    whole = sum(path.stat().st_size for path in run.rglob("*") if path.is_file())
    model = (run / weights).stat().st_size if (run / weights).is_file() else 0
    return f"{whole / 1e6:,.1f} MB, of it {model / 1e6:,.1f} MB the model"
