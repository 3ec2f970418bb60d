"""Figures of each kind of span and of each label, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from regard.core.plural import many

MOST = 40  # kinds that are shown, the most frequent
FIGURES = ("precision", "recall", "f1", "right", "found")
NAMED = 10


def by_kind(found: Mapping[str, Any]) -> Iterator[str]:
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
