"""`regard evaluate`: predictions against references, in figures."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from regard.cli import options
from regard.core.errors import UsageError, message
from regard.core.plural import many
from regard.core.printable import printable
from regard.data.report import describe_passed
from regard.tasks import registry

FITTING = 12  # labels whose table a terminal holds
WORDS_WRONG = "share of words that are wrong"
MOST = 40  # kinds that are shown, the most frequent
FIGURES = ("precision", "recall", "f1", "right", "found")
NAMED = 10


def evaluate(
    run: options.Run,
    words: options.Judged,
    others: options.Others = None,
    beam: options.Beam = None,
    batch_size: options.BatchSize = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    errors: Annotated[
        Path | None, typer.Option(metavar="OUT.tsv", help="Write what went wrong, by kind of edit, to a new file.")
    ] = None,
    tokenize: Annotated[
        str | None,
        typer.Option(metavar="WORD", help="How BLEU and TER cut texts: 13a, zh, char, intl, none (default: by script)."),
    ] = None,
    train: Annotated[
        list[str] | None,
        typer.Option("--train", metavar="FILE", help="What the run was trained on, to judge sources it saw and others apart."),
    ] = None,
    precision: options.Precision = options.PlainOption.float32,
    threads: options.Threads = None,
    device: options.Device = "cpu",
    quiet: options.Quiet = False,
    trust: options.Trust = None,
) -> None:
    """Judge predictions against references."""
    from regard.metrics.edits import kinds_path
    from regard.tasks.options import describe_limit

    out, say = _claimed(errors) if errors else None, options.teller(quiet)
    files, settings = _split(run, words)
    model = options.open_model(
        run, others, settings=settings, precision=precision, trust=trust, threads=threads, device=device, say=say
    )
    given = {"beam": beam, "batch_size": batch_size, "tokenize": tokenize, "train": train or None}
    found = _finite(model.evaluate(files, model.evaluation_options(given, spelt=options.spelt), errors=out))
    told = json.dumps(found, ensure_ascii=False, allow_nan=False) if as_json else printable(table(found, model.config.task))
    print(told)
    if found.get("bound"):
        say(describe_limit(found["bound"]))
    if out:
        say(f"What went wrong is in {out}, its kinds are in {kinds_path(out)}.")


def _split(run: Path, words: list[str]) -> tuple[list[str], list[str]]:
    """Files, at least one, and settings."""
    files, settings = options.split_words(words)
    if not files:
        raise UsageError(message("regard evaluate", "FILE", "none", f"Write regard evaluate {run} FILE."))
    return files, settings


def _finite(found: dict[str, Any]) -> dict[str, Any]:
    """Figures that are no numbers as None, which JSON can say."""
    return {**found, "metrics": {name: value if math.isfinite(value) else None for name, value in found["metrics"].items()}}


def _claimed(errors: Path) -> Path:
    """A new file for what went wrong, with room for its kinds beside it."""
    from regard.metrics.edits import kinds_path
    from regard.view.save import claim

    claim(kinds_path(claim(errors, suffixes=(".tsv",))), suffixes=(".tsv",))
    return errors


def table(found: Mapping[str, Any], task: str = registry.USUAL) -> str:
    """The figures for people, one a line, and the signatures that say how they were counted."""
    wide, rows = max(8, *map(len, found["metrics"])), registry.spec(task).metrics
    meanings = {name: row.meaning for name, row in rows.items()}
    lines = [f"{'items':<{wide}} {found['items']:,}"]
    lines += [f"{'skipped':<{wide}} {found['skipped']:<8,} at fault (data.on_bad_line: skip)"] if found.get("skipped") else []
    lines += [f"{'passed by':<{wide}} {describe_passed(found['passed'])}"] if found.get("passed") else []
    spread = {name: f"[{_figure(low)}, {_figure(high)}]" for name, (low, high) in found.get("intervals", {}).items()}
    column = max((len(each) + 1 for each in spread.values()), default=0)
    for name, value in found["metrics"].items():
        meaning = WORDS_WRONG if name == "wer" and found.get("targets", "sentences") != "sentences" else meanings.get(name, "")
        lines.append(f"{name:<{wide}} {_figure(value):<8} {spread.get(name, ''):<{column}}{meaning}".rstrip())
    lines += ["[from, to]: where 95 of 100 samples of items like these would lie"] if spread else []
    lines += [f"{name:<{wide}} {signature}" for name, signature in found.get("signatures", {}).items()]
    for key, title in (("by_source", "source in training"), ("by_features", "features")):
        lines += ["", *shares(title, found[key])] if key in found else []
    lines += _kinds(found)
    lines += ["", *print_confusions(**found["confusion"])] if "confusion" in found else []
    return "\n".join(lines)


def shares(title: str, found: Sequence[Mapping[str, Any]]) -> list[str]:
    """What share of the items of each name is right: those with the most wrong, as many as fit."""
    wide = max(len(title), *(len(each["name"]) for each in found[:FITTING]))
    rows = [f"{each['name']:<{wide}}  {each['exact']:>6.4g}  {each['items']:>7,}" for each in found[:FITTING]]
    more = [f"and {len(found) - FITTING:,} more (--json has all)"] if len(found) > FITTING else []
    return [f"{title:<{wide}}  {'exact':>6}  {'items':>7}", *rows, *more]


def print_confusions(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> list[str]:
    """Which label was taken for which: a table where it fits a terminal, the most frequent mistakes where it does not."""
    from regard.view.label import columns

    if len(labels) > FITTING:
        each = ((n, a, b) for a, row in zip(labels, counts, strict=True) for b, n in zip(labels, row, strict=True))
        wrong = [(n, a, b) for n, a, b in each if n and a != b]
        most = sorted(wrong, key=lambda mistake: -mistake[0])[:FITTING]
        wide = max((columns(a) for _, a, _ in most), default=0)
        return ["taken for another", *(f"{a}{' ' * (wide - columns(a))}  for {b}  {n:,}" for n, a, b in most)]
    wide, widths = max(map(columns, labels)), [max(columns(label), 5) for label in labels]
    head = f"{' ' * wide}  {'  '.join(' ' * (w - columns(b)) + b for b, w in zip(labels, widths, strict=True))}"
    rows = [
        f"{a}{' ' * (wide - columns(a))}  {'  '.join(f'{n:>{w},}' for n, w in zip(row, widths, strict=True))}"
        for a, row in zip(labels, counts, strict=True)
    ]
    return ["right (rows), answered (columns)", head, *rows]


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _kinds(found: Mapping[str, Any]) -> Iterator[str]:
    """What `evaluate` found of single kinds (`types` of spans, `classes`), and of what training never saw."""
    from regard.view.label import columns

    if missing := found.get("unseen"):
        named = ", ".join(f"{name} ({n:,})" for name, n in list(missing.items())[:NAMED])
        more = f", and {len(missing) - NAMED:,} more" if len(missing) > NAMED else ""
        yield (
            f"note: {sum(missing.values()):,} of what is right training never saw: {named}{more}. It counts as wrong; the loss is without "
            "its items."
        )
    if lost := found.get("unreachable"):
        how = "begins or ends within a token, or is" if lost == 1 else "begin or end within a token, or are"
        yield f"note: {many(lost, 'answer')} {how} longer than read.longest: tokens cannot give that exactly."
    for key, head in (("types", "kind"), ("classes", "label")):
        kinds = sorted(found.get(key, {}).items(), key=lambda kind: (-kind[1]["right"], -kind[1]["found"], kind[0]))
        if not kinds:
            continue
        wide = max(len(head), *(columns(name) for name, _ in kinds[:MOST]))
        yield ""
        yield "  ".join([f"{head:<{wide}}", *(f"{name:>9}" for name in FIGURES)])
        for name, figures in kinds[:MOST]:
            cells = [f"{figures[f]:>9.4f}" if f in FIGURES[:3] else f"{figures[f]:>9,}" for f in FIGURES]
            yield "  ".join([name + " " * (wide - columns(name)), *cells])
        if len(kinds) > MOST:
            yield f"and {len(kinds) - MOST:,} more, with --json"
