"""What all sections of a config share.

Every number has ends, at which nothing overflows: whole numbers fit 32 bits, since PyTorch's kernels and the system's calls count in them;
other numbers lie where float32 still has all its digits, with room for a product.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_serializer, model_validator
from pydantic.fields import FieldInfo

MOST = 2**31 - 1
SMALLEST, LARGEST = 1e-30, 1e30
ENDS = (MOST, SMALLEST, LARGEST)  # these say themselves only where somebody went beyond them

Count = Annotated[int, Field(ge=1, le=MOST)]
Whole = Annotated[int, Field(ge=0, le=MOST)]
Layers = Annotated[int, Field(ge=1, le=1000)]
Threads = Annotated[int, Field(ge=1, le=1024)]
Beam = Annotated[int, Field(ge=1, le=10_000)]
Seed = Annotated[int, Field(ge=0, lt=2**64)]
Positive = Annotated[float, Field(gt=0, ge=SMALLEST, le=LARGEST)]
NotNegative = Annotated[float, Field(ge=0, le=LARGEST)]
Share = Annotated[float, Field(ge=0, lt=1)]
UNSEEN = "share of the words that training reads as unknown, so that it learns what those are"  # of the key `unseen` of tasks
Part = Annotated[float, Field(gt=0, lt=1)]
Column = Annotated[int, Field(ge=1, le=MOST)] | Annotated[str, Field(min_length=1)]


def _nameable(name: str) -> str:
    """A name that a file can have, and that config.yaml can hold."""
    if "\0" in name:
        raise ValueError("no file has a name with a NUL in it")
    name.encode()  # a UnicodeEncodeError is a ValueError: bytes of a command line that are no UTF-8
    return name


Name = Annotated[str, AfterValidator(_nameable)]


def as_tuple(value: Any) -> Any:
    """A text alone as a tuple of one, for a key that holds several."""
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


Files = Annotated[tuple[Name, ...], BeforeValidator(as_tuple)]
Weights = Annotated[dict[Name, Positive], Field(min_length=2)]  # of sources, by their names
Names = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]


AUTO = "auto"  # what stands for a key that is left out and will fit the data


def field(default: Any, description: str) -> Any:
    """A key, what it holds where it is left out, and its line in the docs."""
    return Field(default=default, description=description)


def auto_field(default: Any, description: str) -> Any:
    """A key that fits the data where it is left out, or `auto` (`training/auto_values.py`).  default: its value as long as no data was
    seen, and where nothing is known of how it should fit."""
    return Field(default=default, description=description, json_schema_extra={"fitted": True})


def fits(field: FieldInfo) -> bool:
    """Whether a key fits the data where it is left out."""
    return isinstance(field.json_schema_extra, dict) and bool(field.json_schema_extra.get("fitted"))


@dataclass(frozen=True, slots=True)
class Words:
    """Marks a text that is one of these words, for errors and the docs."""

    words: tuple[str, ...]


DEVICES = ("auto", "cpu", "cuda", "cuda:N", "mps")
Device = Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d{1,3})?|mps)$"), Words(DEVICES)]


class Section(BaseModel):
    """What all sections share: no unknown keys, no change, no silent conversion (`"3"` is not 3)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def left_out(self) -> list[str]:
        """The keys that nobody set and that fit the data."""
        return [key for key, field in type(self).model_fields.items() if fits(field) and key not in self.model_fields_set]

    @model_validator(mode="before")
    @classmethod
    def _auto_is_left_out(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        may = {key for key, field in cls.model_fields.items() if fits(field)}
        return {key: value for key, value in values.items() if value != AUTO or key not in may}

    @model_serializer(mode="wrap")
    def _left_out_is_auto(self, made: Any) -> Any:
        whole = made(self)
        return whole | {key: AUTO for key in self.left_out() if key in whole}
