"""Pipeline inputs: what `spec:inputs` declares, what a caller gives, and `$[[ inputs.x ]]` filled in.

GitLab: lib/ci/inputs and lib/gitlab/ci/config/interpolation. The texts of refusals are GitLab's.
"""

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MAXIMUM_INPUTS = 20
_BLOCK = re.compile(r"\$\[\[\s*((?:(?!\]\]).)*?)\s*\]\]")
_TRUNCATE = re.compile(r"truncate\(\s*(\d+)\s*,\s*(\d+)\s*\)")
_SHOWN_ERRORS = 3


class InputError(Exception):
    """The inputs do not fit what the configuration declares; the text is one sentence per fault."""


class InputType(StrEnum):
    """The types an input may have."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ARRAY = "array"


_ARTICLES = {InputType.STRING: "a", InputType.NUMBER: "a", InputType.BOOLEAN: "a", InputType.ARRAY: "an"}


@dataclass(frozen=True, slots=True)
class InputSpecification:
    """One declared input.

    `required` is true when no default was declared; a declared default may be None.
    """

    name: str
    type: InputType
    description: str | None
    required: bool
    default: Any
    options: tuple[Any, ...] | None
    regex: str | None

    def check(self, value: Any) -> str | None:
        """Say what is wrong with a value, or return None."""
        if not _fits(self.type, value):
            return f"`{self.name}` input: provided value is not {_ARTICLES[self.type]} {self.type}"
        if self.options is not None and value not in self.options:
            return f"`{self.name}` input: `{value}` cannot be used because it is not in the list of allowed options"
        if self.regex is not None and re.search(self.regex, value) is None:
            return f"`{self.name}` input: provided value does not match required RegEx pattern"
        return None


def _fits(kind: InputType, value: Any) -> bool:
    match kind:
        case InputType.STRING:
            return isinstance(value, str)
        case InputType.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case InputType.BOOLEAN:
            return isinstance(value, bool)
        case InputType.ARRAY:
            return isinstance(value, list)


def read_specifications(header: Mapping[str, Any]) -> tuple[InputSpecification, ...]:
    """Read the inputs a header document (`spec:`) declares, in their order.

    Raises:
        InputError: a declaration has an unknown type or is no mapping.
    """
    declared = (header.get("spec") or {}).get("inputs") or {}
    if not isinstance(declared, Mapping):
        raise InputError("spec inputs config should be a hash")
    return tuple(_specification(str(name), body) for name, body in declared.items())


def _specification(name: str, body: Any) -> InputSpecification:
    if body is None:
        body = {}
    if not isinstance(body, Mapping):
        raise InputError(f"`{name}` input: config should be a hash")
    kind = body.get("type", InputType.STRING.value)
    if kind not in tuple(InputType):
        raise InputError(f"header:spec:inputs:{name} input type unknown value: {kind}")
    options = body.get("options")
    return InputSpecification(
        name=name,
        type=InputType(kind),
        description=body.get("description"),
        required="default" not in body,
        default=body.get("default"),
        options=tuple(options) if isinstance(options, Sequence) and not isinstance(options, str) else None,
        regex=body.get("regex"),
    )


def resolve(specifications: Sequence[InputSpecification], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value for every declared input.

    Raises:
        InputError: a value is missing, unknown or does not fit; at most three faults are named.
    """
    if given and not specifications:
        raise InputError("Given inputs not defined in the `spec` section of the included configuration file")
    errors: list[str] = []
    values: dict[str, Any] = {}
    for specification in specifications:
        if specification.name in given:
            values[specification.name] = given[specification.name]
        elif specification.required:
            errors.append(f"`{specification.name}` input: required value has not been provided")
            continue
        else:
            values[specification.name] = specification.default
        if values[specification.name] is None and not specification.required:
            continue
        fault = specification.check(values[specification.name])
        if fault is not None:
            errors.append(fault)
    unknown = [name for name in given if name not in {one.name for one in specifications}]
    if unknown:
        errors.append(f"unknown input arguments: {', '.join(unknown)}")
    if errors:
        raise InputError(", ".join(errors[:_SHOWN_ERRORS]))
    return values


def interpolate(node: Any, values: Mapping[str, Any], expand: Callable[[str], str]) -> Any:
    """Fill in `$[[ inputs.x ]]` everywhere in a parsed document.

    A scalar that is nothing but one block keeps the input's type; inside other text the value becomes text.

    Args:
        node: The parsed YAML below the header.
        values: What `resolve` returned.
        expand: Expands `$VARIABLE` for the function `expand_vars`.

    Raises:
        InputError: a block names an unknown input or function.
    """
    if isinstance(node, Mapping):
        return {interpolate(key, values, expand): interpolate(value, values, expand) for key, value in node.items()}
    if isinstance(node, list):
        return [interpolate(item, values, expand) for item in node]
    if not isinstance(node, str) or "$[[" not in node:
        return node
    whole = _BLOCK.match(node)
    if whole is not None and whole.end() == len(node):
        return _value(whole[1], values, expand)
    return _BLOCK.sub(lambda block: as_text(_value(block[1], values, expand)), node)


def _value(block: str, values: Mapping[str, Any], expand: Callable[[str], str]) -> Any:
    access, *functions = [part.strip() for part in block.split("|")]
    scope, _, name = access.partition(".")
    if scope != "inputs" or name not in values:
        raise InputError(f"unknown interpolation key: `{name or scope}`")
    value = values[name]
    for function in functions:
        value = _apply(function, as_text(value), expand)
    return value


def _apply(function: str, text: str, expand: Callable[[str], str]) -> str:
    truncated = _TRUNCATE.fullmatch(function)
    if truncated is not None:
        offset, length = int(truncated[1]), int(truncated[2])
        return text[offset : offset + length]
    if function == "expand_vars":
        return expand(text)
    if function == "posix_escape":
        return shlex.quote(text)
    raise InputError(
        f"no function matching `{function}`: check that the function name, arguments, and types are correct"
    )


def as_text(value: Any) -> str:
    """Write a value as GitLab does inside a longer text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value)
