"""What a value of the policy file may be, whichever table it stands in."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from mlops_tui.domain.durations import PATTERN, parse_duration


def _duration(value: object) -> timedelta:
    if isinstance(value, str):
        return parse_duration(value)
    message = "A length of time has a unit; write 90s, 10m, 1h30m or 2d"
    raise ValueError(message)


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": ["90s", "10m", "1h30m", "2d"]}),
]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Margin = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10**12)]

# Of every table of the file: nothing unknown in it, nothing converted.
STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True, serialize_by_alias=True)
