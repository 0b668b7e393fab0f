"""What pydantic found, told to a person: the key, its line, what is wrong and what was probably meant."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, get_args, get_origin

from pydantic import BaseModel, ValidationError

from mlops_tui.domain.errors import ConfigError
from mlops_tui.domain.rollout_plans import PlanError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Location: TypeAlias = "tuple[str | int, ...]"
Lines: TypeAlias = "Callable[[Location], int | None]"

_DICTIONARY = re.compile(r"a valid dictionary( or (an )?(instance|object) .*)?")


def problems(error: ValidationError, model: type[BaseModel], source: str, lines: Lines) -> list[ConfigError]:
    """Every problem of a document: unknown keys first, since a missing key is often a mistyped one, then by line.

    ``lines`` tells the line of a key; ``source`` names the file.
    """
    found = error.errors(include_url=False, include_input=False)
    found.sort(key=lambda details: (details["type"] != "extra_forbidden", lines(details["loc"]) or 0))
    return [problem for details in found for problem in _problems(details, model, source, lines)]


def nearest(word: str, known: Sequence[str]) -> str:
    """A sentence part that names what was probably meant, empty when nothing is near."""
    matches = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"Did you mean {matches[0]}" if matches else ""


def dotted(location: Sequence[str | int]) -> str:
    """A key as people write it: ``models.fraud.rollout.steps[0].weight``."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def _problems(details: ErrorDetails, model: type[BaseModel], source: str, lines: Lines) -> Iterator[ConfigError]:
    """What one complaint of pydantic says: several things where parts of a plan contradict each other."""
    error = details.get("ctx", {}).get("error")
    if not isinstance(error, PlanError):
        yield _problem(details, model, source, lines)
        return
    around = _own_parts(details["loc"], model)
    for problem in error.problems:
        location = (*around, *problem.keys)
        key, line = dotted(location), lines(location)
        yield ConfigError(problem.what, why=problem.why, remedy=problem.remedy, source=source, key=key, line=line)


def _problem(details: ErrorDetails, model: type[BaseModel], source: str, lines: Lines) -> ConfigError:
    location = _own_parts(details["loc"], model)
    key, line = dotted(location), lines(location)
    example = _example(model, location)
    match details["type"]:
        case "extra_forbidden":
            known = _known_keys(model, location[:-1])
            remedy = nearest(str(location[-1]), known) or f"Known here: {', '.join(known)}"
            return ConfigError("Unknown key", remedy=remedy, source=source, key=key, line=line)
        case "missing":
            remedy = f"Add it, such as {example}" if example else "Add it"
            return ConfigError("This key is missing", remedy=remedy, source=source, key=key, line=line)
        case "value_error":
            return ConfigError(details["msg"].removeprefix("Value error, "), source=source, key=key, line=line)
        case "literal_error":
            return ConfigError("This value does not fit", why=_why(details), source=source, key=key, line=line)
        case _:
            remedy = f"Write it such as {example}" if example else ""
            return ConfigError(
                "This value does not fit", why=_why(details), remedy=remedy, source=source, key=key, line=line
            )


def _why(details: ErrorDetails) -> str:
    """What a value is not, in a person's words."""
    limits = details.get("ctx", {})
    match details["type"]:
        case "too_short":
            return (
                f"it should hold at least {_items(limits['min_length'])}, and holds {limits['actual_length'] or 'none'}"
            )
        case "too_long":
            return f"it should hold at most {_items(limits['max_length'])}, and holds {limits['actual_length']}"
        case "string_too_short":
            return "it should be a text, and is empty"
        case "string_too_long":
            return f"it should have at most {limits['max_length']} characters"
        case "string_type":
            return "it should be a valid string; put it in quotes"
        case _:
            return "it " + _DICTIONARY.sub("a table of keys and values", details["msg"].removeprefix("Input "))


def _items(count: int) -> str:
    return f"{count} item" if count == 1 else f"{count} items"


def _example(model: type[BaseModel], location: Location) -> str:
    """A key as it may be written, empty where its table gives no example."""
    annotation: Any = model
    for part in location[:-1]:
        annotation = _step(annotation, part)
    for found in _models_in(annotation):
        for name, field in found.model_fields.items():
            if location[-1] == (field.alias or name) and field.examples:
                return f"{location[-1]}: {field.examples[0]}"
    return ""


def _own_parts(location: Location, model: type[BaseModel]) -> Location:
    """Leave out the parts pydantic adds itself: names of union members and "[key]"."""
    own: list[str | int] = []
    annotation: Any = model
    for part in location:
        deeper = _step(annotation, part)
        if deeper is None and own and isinstance(part, str) and part != location[-1]:
            continue
        if part == "[key]":
            continue
        own.append(part)
        annotation = deeper if deeper is not None else annotation
    return tuple(own)


def _known_keys(model: type[BaseModel], location: Location) -> list[str]:
    annotation: Any = model
    for part in location:
        annotation = _step(annotation, part)
    return [name for found in _models_in(annotation) for name in _names(found)]


def _step(annotation: Any, part: str | int) -> Any:
    for found in _models_in(annotation):
        for name, field in found.model_fields.items():
            if part == (field.alias or name):
                return field.annotation
    for candidate in _alternatives(annotation):
        origin = get_origin(candidate)
        if isinstance(origin, type) and issubclass(origin, (Mapping, Sequence)) and get_args(candidate):
            return get_args(candidate)[-1]
    return None


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    for candidate in _alternatives(annotation):
        if isinstance(candidate, type) and get_origin(candidate) is None and issubclass(candidate, BaseModel):
            yield candidate


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is types.UnionType else (annotation,)
