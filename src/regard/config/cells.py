"""The keys of a config that name a recurrent cell: a word of the table, or a class of the user's."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from regard.config import mechanisms
from regard.config.base import Words


def _decoder(value: Any) -> Any:
    return str(mechanisms.cell(value)) if isinstance(value, str) else value


def _encoder(value: Any) -> Any:
    return str(mechanisms.reader(value)) if isinstance(value, str) else value


DecoderCell = Annotated[str, BeforeValidator(_decoder), Words((*mechanisms.CELLS, mechanisms.A_CLASS))]
EncoderCell = Annotated[str, BeforeValidator(_encoder), Words((*mechanisms.READERS, mechanisms.A_CLASS))]
