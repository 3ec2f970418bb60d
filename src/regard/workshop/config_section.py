"""What all sections of a config share.

Every number has ends, at which nothing overflows: whole numbers fit 32 bits, since PyTorch's kernels and the system's calls count in them;
other numbers lie where float32 still has all its digits, with room for a product.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

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
Column = Annotated[int, Field(ge=1, le=MOST)] | Annotated[str, Field(min_length=1)]


def _nameable(name: str) -> str:
    """A name that a file can have, and that config.yaml can hold."""
    if "\0" in name:
        raise ValueError("no file has a name with a NUL in it")
    name.encode()  # a UnicodeEncodeError is a ValueError: bytes of a command line that are no UTF-8
    return name


Name = Annotated[str, AfterValidator(_nameable)]


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


Files = Annotated[tuple[Name, ...], BeforeValidator(_listed)]


class Section(BaseModel):
    """What all sections share: no unknown keys, no change, no silent conversion (`"3"` is not 3)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
