"""The answer as it is seen in the text: spans, labels with their shares, what was read, a series and what follows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from regard.view.picture import Drawable

LABELS = 6  # that are shown


def show_answer(prediction: Drawable) -> dict[str, Any] | None:
    """What a page shows of an answer beside its text; None where that is all.

    spans: [kind, first token, first token behind] of `tokens`; label.  labels: [name, share], the likeliest first.  texts: what was
    read; start, end: of the answer in the first of them, in characters.  series: columns, times, past, forecast, truth (rows; or None),
    places: of what was looked at, the first row and the first behind.
    """
    details, read, found = prediction.details, prediction.read, dict[str, Any]()
    if "spans" in details:
        found |= {"tokens": list(prediction.source_tokens), "spans": details["spans"]}
        found |= {"label": details["label"]} if "label" in details else {}
    if "probabilities" in details:
        found["labels"] = [[name, round(share, 6)] for name, share in list(details["probabilities"].items())[:LABELS]]
    if "texts" in read:
        found["texts"] = list(read["texts"])
        found |= {name: details[name] for name in ("start", "end") if name in details}
    if "past" in read:
        times = [*read["times"], *details["times"]]
        found["series"] = {"columns": details["columns"], "times": times, "forecast": details["values"], **_rows(read)}
    return found or None


def _rows(read: Mapping[str, Any]) -> dict[str, Any]:
    return {name: read[name] for name in ("past", "truth", "places")}
