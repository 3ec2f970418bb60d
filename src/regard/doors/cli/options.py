"""Options of the command that only some tasks have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from regard.ground.errors import UsageError, message

if TYPE_CHECKING:
    from regard.workshop.model import Model


def understood(given: Mapping[str, Any], model: Model) -> dict[str, Any]:
    """The options that were given.  UsageError for one that the run's task has no use for."""
    wanted = {name: value for name, value in given.items() if value is not None}
    for name in wanted:
        if name not in model.options:
            expected = f"a run whose task has it; {model.config.task} knows {', '.join(sorted(model.options))}"
            raise UsageError(message(f"--{name.replace('_', '-')}", expected, str(model.folder), "Leave it out."))
    return wanted
