"""What the live page is told of models: what is typed for each, and the examples to begin with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from regard.core.errors import message
from regard.serve.models import ServedModel
from regard.serve.problems import HTTPProblem
from regard.serve.requests import ViewBody

TYPED = {"pair": ("first", "second"), "read": ("passage", "question")}  # what a person types, where that is not one text
LONGEST = 120  # characters of an example in a list


def describe_model(served: ServedModel) -> dict[str, Any]:
    """What the page needs: fields: the parts of a text, none where examples alone can be asked for; examples: (what a list says of each,
    its fields); beam, where it searches; touchable: whether its weights can be changed; none of an exported model's can."""
    names = list_fields(served)
    examples = [[_named(item, names)[:LONGEST], fields_of(item, names)] for item in served.examples]
    found = {"name": served.name, "version": served.version, "task": served.task, "fields": list(names), "examples": examples}
    return found | {"beam": served.decode.beam if served.writes else None, "touchable": not served.exported}


def list_fields(served: ServedModel) -> tuple[str, ...]:
    """The names of what is typed for a model."""
    if served.reads_files:
        return ()
    featured = getattr(getattr(served.model.config, "data", None), "features", None) is not None
    return TYPED.get(served.task, ("source", "features") if featured else ("text",))


def fields_of(item: Any, names: Sequence[str]) -> list[str]:
    """How an item reads in the fields of a model."""
    if names in ((), ("text",)):
        whole = item if isinstance(item, str) else " ".join(item) if isinstance(item, tuple) else getattr(item, "source", "")
        return [whole] if names else []
    parts = [getattr(item, name, "") for name in names]
    return [part if isinstance(part, str) else ";".join(part) for part in parts]


def item_of(asked: ViewBody, served: ServedModel) -> Any:
    """The item that is asked for.  HTTPProblem for a text where examples alone may be asked for, and an example that is not there."""
    if asked.example is None:
        refuse_paths(served)
        return asked.text
    if not 0 <= asked.example < len(served.examples):
        expected = f"a number below the {len(served.examples)} that there are" if served.examples else "none, for there are none"
        raise HTTPProblem(422, message("example", expected, str(asked.example), "GET /v1/models tells them."))
    return served.examples[asked.example]


def refuse_paths(served: ServedModel) -> None:
    """HTTPProblem where a text would be the name of a file: a client must not choose what is read here."""
    if served.reads_files:
        do = "Ask /v1/view for an example, of those that the server was started with."
        raise HTTPProblem(422, message(served.name, "a model that reads texts", f"one of task {served.task}", do))


def _named(item: Any, names: Sequence[str]) -> str:
    named = str(getattr(item, "source", item)).rpartition("/")[2]  # of a file, without its folder
    return "  ·  ".join(part for part in fields_of(item, names) if part) or named
