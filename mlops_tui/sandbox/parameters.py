"""Declared request parameters, checked and worded as Grape does (the framework GitLab's API is written in)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.clock import parse_timestamp, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_INTEGER = re.compile(r"[+-]?\d+")
_FLOAT = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_TRUE = {"true", "t", "yes", "1", "on"}
_FALSE = {"false", "f", "no", "0", "off"}


class Kind(Enum):
    """The type a parameter is turned into."""

    TEXT = auto()
    INTEGER = auto()
    FLOAT = auto()
    BOOLEAN = auto()
    DATE = auto()
    TIME = auto()
    TEXTS = auto()
    INTEGERS = auto()
    COMMA_TEXTS = auto()
    COMMA_INTEGERS = auto()
    HASH = auto()
    HASHES = auto()
    ANY = auto()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter; `children` are the keys of a `HASH` or of each element of `HASHES`.

    TIME is kept as our timestamp text, DATE as `YYYY-MM-DD`; the COMMA kinds take a list or one comma-separated text.
    """

    name: str
    kind: Kind = Kind.TEXT
    required: bool = False
    default: Any = None
    values: tuple[Any, ...] | None = None
    blank: bool = True
    minimum: int | None = None
    maximum: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    children: tuple[Parameter, ...] = ()


def required(name: str, kind: Kind = Kind.TEXT, **options: Any) -> Parameter:
    """Declare a parameter without which the request is refused."""
    return Parameter(name, kind, required=True, **options)


def optional(name: str, kind: Kind = Kind.TEXT, **options: Any) -> Parameter:
    """Declare a parameter that may be left out."""
    return Parameter(name, kind, **options)


def declared(params: Mapping[str, Any], parameters: Iterable[Parameter]) -> dict[str, Any]:
    """Return the declared parameters that were given or have a default, converted.

    Raises:
        ApiError: 400 with every complaint, joined with a comma.
    """
    complaints: list[str] = []
    result = _read(params, parameters, complaints, "{}")
    if complaints:
        raise errors.parameter(*complaints)
    return result


def _read(
    params: Mapping[str, Any], parameters: Iterable[Parameter], complaints: list[str], naming: str
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for parameter in parameters:
        name = naming.format(parameter.name)
        if parameter.name not in params:
            if parameter.required:
                complaints.append(f"{name} is missing")
            elif parameter.default is not None:
                result[parameter.name] = parameter.default
            continue
        given = params[parameter.name]
        if (given is None or given == "") and parameter.kind not in {Kind.TEXT, Kind.ANY}:
            given = None
        try:
            value = None if given is None else _convert(given, parameter.kind)
        except (ValueError, TypeError):
            complaints.append(f"{name} is invalid")
            continue
        complaint = _complaint(value, parameter)
        if complaint:
            complaints.append(f"{name} {complaint}")
        elif parameter.children and value is not None:
            value = _read_children(value, parameter, complaints, name)
        result[parameter.name] = value
    return result


def _read_children(value: Any, parameter: Parameter, complaints: list[str], name: str) -> Any:
    if parameter.kind is Kind.HASH:
        return _read(value, parameter.children, complaints, name + "[{}]")
    return [
        _read(element, parameter.children, complaints, f"{name}[{index}][{{}}]") for index, element in enumerate(value)
    ]


def _complaint(value: Any, parameter: Parameter) -> str | None:
    if value in (None, "", [], {}) and not parameter.blank:
        return "is empty"
    if value is None:
        return None
    elements: Sequence[Any] = value if isinstance(value, list) else (value,)
    if parameter.values is not None and any(element not in parameter.values for element in elements):
        return "does not have a valid value"
    if isinstance(value, int | float) and not isinstance(value, bool):
        low = parameter.minimum is not None and value < parameter.minimum
        high = parameter.maximum is not None and value > parameter.maximum
        if low or high:
            return "does not have a valid value"
    if parameter.max_length is not None and len(value) > parameter.max_length:
        return f"is too long (maximum is {parameter.max_length} characters)"
    if parameter.pattern is not None and not re.fullmatch(parameter.pattern, str(value)):
        return "is invalid"
    return None


def _convert(given: Any, kind: Kind) -> Any:
    match kind:
        case Kind.TEXT:
            return _text(given)
        case Kind.INTEGER:
            return _integer(given)
        case Kind.FLOAT:
            return _float(given)
        case Kind.BOOLEAN:
            return _boolean(given)
        case Kind.DATE:
            return date.fromisoformat(_text(given)[:10]).isoformat()
        case Kind.TIME:
            return timestamp(parse_timestamp(_text(given)))
        case Kind.TEXTS:
            return [_text(item) for item in _list(given)]
        case Kind.INTEGERS:
            return [_integer(item) for item in _list(given)]
        case Kind.COMMA_TEXTS:
            return [text for item in _split(given) if (text := _text(item).strip())]
        case Kind.COMMA_INTEGERS:
            return [_integer(item) for item in _split(given)]
        case _:
            return _structure(given, kind)


def _structure(given: Any, kind: Kind) -> Any:
    if kind is Kind.HASH and not isinstance(given, dict):
        raise TypeError
    if kind is Kind.HASHES and not all(isinstance(item, dict) for item in _list(given)):
        raise TypeError
    return given


def _text(given: Any) -> str:
    if isinstance(given, dict | list | bytes):
        raise TypeError
    if isinstance(given, bool):
        return "true" if given else "false"
    return str(given)


def _integer(given: Any) -> int:
    if isinstance(given, bool):
        raise TypeError
    if isinstance(given, int):
        return given
    if isinstance(given, float) and given.is_integer():
        return int(given)
    if isinstance(given, str) and _INTEGER.fullmatch(given.strip()):
        return int(given)
    raise ValueError


def _float(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise TypeError
    # Ruby's Float() reads no words, so "NaN" and "Infinity" are as wrong as "high".
    if isinstance(given, str) and not _FLOAT.fullmatch(given.strip()):
        raise ValueError
    return float(given)


def _boolean(given: Any) -> bool:
    if isinstance(given, bool):
        return given
    lowered = str(given).lower()
    if lowered in _TRUE or lowered in _FALSE:
        return lowered in _TRUE
    raise ValueError


def _list(given: Any) -> list[Any]:
    if not isinstance(given, list):
        raise TypeError
    return given


def _split(given: Any) -> list[Any]:
    return given if isinstance(given, list) else _text(given).split(",")


def at_least_one(given: Mapping[str, Any], names: Sequence[str]) -> None:
    """Refuse a request that gives none of these parameters."""
    if not any(name in given for name in names):
        raise errors.parameter(f"{', '.join(names)} are missing, at least one parameter must be provided")
