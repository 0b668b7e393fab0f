"""Scalars: global ids, times and numbers as GitLab writes and reads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, GraphQLFloat, GraphQLScalarType

from mlops_tui.sandbox.clock import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

_GLOBAL_ID = re.compile(r"gid://(?P<app>[^/]+)/(?P<model>[A-Za-z:]+)/(?P<id>\d{1,18})")


def global_id(model: str, row_id: int) -> str:
    """Return the global id of a record, e.g. `gid://gitlab/Ml::Model/4`."""
    return f"gid://gitlab/{model}/{row_id}"


def id_reader(model: str) -> Callable[[Any], int]:
    """Return what turns a global id of one class into the record's id."""

    def read(value: Any) -> int:
        found = _GLOBAL_ID.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise GraphQLError(f'"{value}" is not a valid Global ID')
        if found["app"] != "gitlab":
            raise GraphQLError(f'"{value}" is not a Gitlab Global ID')
        if found["model"] != model:
            raise GraphQLError(f'"{value}" does not represent an instance of {model}')
        return int(found["id"])

    return read


def id_writer(model: str) -> Callable[[Any], str]:
    """Return what turns a record's id into its global id; one that is made already is kept."""

    def write(value: Any) -> str:
        return value if isinstance(value, str) else global_id(model, value)

    return write


def write_time(value: Any) -> str:
    """Write a stored time without its milliseconds."""
    return parse_timestamp(str(value)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _lenient_float() -> GraphQLScalarType:
    """Return a `Float` that lets not-a-number pass, which was logged, too; the JSON encoder turns it into null."""
    kind = GraphQLScalarType(
        "LenientFloat",
        description=GraphQLFloat.description,
        coerce_output_value=float,
        coerce_input_value=GraphQLFloat.coerce_input_value,
    )
    # The engine reserves the name for its own type; a field may have another one that calls itself so.
    kind.name = "Float"
    return kind


LENIENT_FLOAT = _lenient_float()
