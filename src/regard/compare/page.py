"""The table of a study as one HTML file that needs nothing else: tables, learning curves, what is missing."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from regard.compare.results import Comparison
from regard.compare.table import NOTES, list_missing, list_tables
from regard.view.document import fill, policy

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem; text-align: right; border-bottom: 1px solid #8884; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
thead th { border-bottom: 2px solid #8888; }
tr.baseline td { font-weight: 600; }
img { max-width: 100%; background: #fff; }
p, li { max-width: 50rem; }
"""
TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="{{policy}}">
<title>{{title}}</title><style>{{style}}</style></head><body><main>
<h1>{{title}}</h1>
<p>Baseline: {{baseline}}. Seeds: {{seeds}}.</p>
{{missing}}{{tables}}
<h2>Learning curves</h2>
{{curves}}
<h2>How to read it</h2>
{{notes}}
</main></body></html>
"""


def to_html(found: Comparison, curves: str, title: str) -> str:
    """The page.  curves: an SVG, "" where it could not be drawn."""
    tables = "".join(_table(name, head, rows, found.baseline) for name, head, rows in list_tables(found))
    missing = [line.removeprefix("* ") for line in list_missing(found)]
    picture = base64.b64encode(curves.encode()).decode()
    meanings = [f"{n}{' (less is better)' if found.metrics[n].lower else ''}: {found.metrics[n].meaning}" for n in found.figures]
    return fill(
        TEMPLATE,
        policy=escape(policy(STYLE, "", images=True)),
        title=escape(title),
        style=STYLE,
        baseline=escape(found.baseline),
        seeds=", ".join(map(str, found.seeds)),
        missing=_items(missing),
        tables=tables,
        curves=f'<img alt="Figures on validation data over updates" src="data:image/svg+xml;base64,{picture}">'
        if curves
        else "<p>They need matplotlib: pip install -e '.[plots]', then the command again with --resume.</p>",
        notes="".join(f"<p>{escape(note)}</p>" for note in NOTES) + _items(meanings),
    )


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], baseline: str) -> str:
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        f"<tr{' class=baseline' if row[0] == baseline else ''}>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
        for row in rows
    )
    table = f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return f'<h2>{escape(title)}</h2><div class="wide">{table}</div>'


def _items(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>" if lines else ""
