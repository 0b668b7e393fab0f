"""Answers of GitLab on their way to records: validated once, and cleaned of everything that must not be drawn."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from mlops_tui.domain.errors import UnreadableAnswerError
from mlops_tui.domain.text import clean, clean_block

log = logging.getLogger(__name__)


class Payload(BaseModel):
    """A part of an answer; keys that we do not know are left alone, since every release of GitLab adds some."""

    # Most commands read few of these shapes, and building them all costs more than the requests.
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class GraphQLPayload(Payload):
    """A part of a GraphQL answer, whose keys are in camel case."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True, alias_generator=to_camel)


P = TypeVar("P", bound=Payload)


def _name(value: Any) -> Any:
    return "" if value is None else clean(value) if isinstance(value, str) else value


def _block(value: Any) -> Any:
    return "" if value is None else clean_block(value) if isinstance(value, str) else value


Name = Annotated[str, BeforeValidator(_name)]
"""A single line; None becomes the empty text."""
Block = Annotated[str, BeforeValidator(_block)]
"""Several lines; None becomes the empty text."""
Moment = AwareDatetime
"""A time of GitLab's REST and GraphQL answers: ISO 8601 with a zone."""


def read(payload: type[P], value: object, what: str) -> P:
    """Validate one object.

    ``what`` names it for the error ("the job"). Raises UnreadableAnswerError when the answer has another shape.
    """
    try:
        return payload.model_validate(value)
    except ValidationError as error:
        raise _unreadable(what, error) from None


def read_all(payload: type[P], values: object, what: str) -> list[P]:
    """Validate a list, leaving out rows that cannot be read so that one bad row does not hide the others."""
    if not isinstance(values, list):
        raise UnreadableAnswerError(
            f"Could not read {what}", why="GitLab did not answer with a list", remedy="Check the address of the server"
        )
    return list(_readable(payload, values, what))


def _readable(payload: type[P], values: list[object], what: str) -> Iterable[P]:
    for value in values:
        try:
            yield payload.model_validate(value)
        except ValidationError as error:
            log.warning("left out a row of %s: %s", what, _reason(error))


def moment_of(milliseconds: object) -> datetime | None:
    """A time of MLflow's API, in milliseconds since 1970; 0, nothing and what is out of range are None."""
    if not isinstance(milliseconds, (int, float)) or not milliseconds:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _unreadable(what: str, error: ValidationError) -> UnreadableAnswerError:
    return UnreadableAnswerError(
        f"Could not read {what}",
        why=f"the answer is not what GitLab promises ({_reason(error)})",
        remedy="The server may be of a version that is not supported: `mlops-tui doctor` tells it",
    )


def _reason(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the object"
    return clean(f"{place}: {first['msg']}")
