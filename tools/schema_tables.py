"""JSON Schemas as Markdown tables: the keys of a file, and the items that a command writes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]

_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "null": "null",
    "object": "object",
}
_NOT_FINITE = frozenset({"nan", "inf", "-inf"})
_ISO_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; cells may hold Markdown, but no line ends."""
    lines = [f"| {' | '.join(titles)} |", f"| {' | '.join('---' for _ in titles)} |"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines)


def key_table(schema: Schema, definitions: Schema) -> str:
    """The keys of one table of a file: what may stand there, what holds without it, and what it means."""
    required = set(schema.get("required", ()))
    rows = [
        (
            f"`{name}`",
            _value(key, definitions),
            "required" if name in required else _default(key, definitions),
            key.get("description", ""),
        )
        for name, key in schema["properties"].items()
    ]
    return table(("key", "value", "default", "meaning"), rows)


def item_table(schema: Schema) -> str:
    """The fields of the items of a command's JSON; where there are several kinds of items, one table for each."""
    item = schema["properties"]["items"]["items"]
    kinds = item.get("anyOf") or item.get("oneOf") or [item]
    return "\n\n".join(_fields(_resolved(kind, schema.get("$defs", {})), schema.get("$defs", {})) for kind in kinds)


def _fields(item: Schema, definitions: Schema) -> str:
    required = set(item.get("required", ()))
    rows = [
        (f"`{name}`", shape(field, definitions) + ("" if name in required else " (may be absent)"))
        for name, field in item.get("properties", {}).items()
    ]
    return table(("field", "value"), rows)


def shape(schema: Schema, definitions: Schema, inside: tuple[str, ...] = ()) -> str:
    """What a value of an answer looks like, in a few words; ``inside`` are the definitions that it is a part of."""
    reference = str(schema.get("$ref", ""))
    if reference in inside:
        return "the same"
    inside = (*inside, reference) if reference else inside
    schema = _resolved(schema, definitions)
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        words = list(schema["enum"])
        return '`"nan"`, `"inf"` or `"-inf"`' if set(words) == _NOT_FINITE else _alternatives(words)
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(shape(part, definitions, inside) for part in alternatives))
    kinds = schema.get("type", "object")
    return " or ".join(
        _typed(kind, schema, definitions, inside) for kind in ([kinds] if isinstance(kinds, str) else kinds)
    )


def _typed(kind: str, schema: Schema, definitions: Schema, inside: tuple[str, ...]) -> str:
    if kind == "string" and schema.get("format") == "date-time":
        return "time"
    if kind == "array":
        return f"list of {shape(schema.get('items', {}), definitions, inside)}"
    if kind != "object":
        return _TYPES[kind]
    if inner := schema.get("properties"):
        fields = ", ".join(f"`{name}`: {shape(value, definitions, inside)}" for name, value in inner.items())
        return f"{{{fields}}}"
    values = schema.get("additionalProperties")
    return (
        f"object of {shape(values, definitions, inside)} by name"
        if isinstance(values, Mapping) and values
        else "object"
    )


def _value(key: Schema, definitions: Schema) -> str:
    key = _resolved(key, definitions)
    if alternatives := [part for part in key.get("anyOf", ()) if part.get("type") != "null"]:
        return " or ".join(_value(part, definitions) for part in alternatives)
    if "enum" in key:
        return _alternatives(key["enum"])
    match key.get("type"):
        case "array":
            return f"list of {_plural(_value(key['items'], definitions))}"
        case "object":
            return "table"
        case "string" if "examples" in key:
            return f"length of time (`{'`, `'.join(key['examples'])}`)"
        case str() as kind:
            return _TYPES[kind] + _limits(key)
        case _:
            return "table"


def _limits(key: Schema) -> str:
    low, above = key.get("minimum"), key.get("exclusiveMinimum")
    high, below = key.get("maximum"), key.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f", {low}" if low == high else f", {low:,} to {high:,}"
    named = (("at least", low), ("above", above), ("at most", high), ("below", below))
    return "".join(f", {word} {limit:,}" for word, limit in named if limit is not None)


def _default(key: Schema, definitions: Schema) -> str:
    if "default" not in key:
        return "none"
    default = key["default"]
    if default is None:
        return "none"
    if isinstance(default, str) and (found := _ISO_DURATION.fullmatch(default)) and default.startswith("P"):
        return f"`{_duration(found)}`"
    resolved = _resolved(key, definitions)
    if isinstance(default, dict) and resolved.get("type", "object") == "object":
        return "empty" if not default else "see below"
    return f"`{json.dumps(default)}`"


def _duration(found: re.Match[str]) -> str:
    parts = [f"{int(number)}{unit}" for number, unit in zip(found.groups(), "dhms", strict=True) if number]
    return "".join(part for part in parts if not part.startswith("0")) or "0s"


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    if "allOf" in schema and len(schema["allOf"]) == 1:
        schema = {**schema["allOf"][0], **{name: value for name, value in schema.items() if name != "allOf"}}
    reference = schema.get("$ref")
    if reference is None:
        return schema
    return {**definitions[reference.rpartition("/")[2]], **{k: v for k, v in schema.items() if k != "$ref"}}


def _alternatives(words: Sequence[object]) -> str:
    named = [f"`{json.dumps(word)}`" for word in words]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} or {named[-1]}"


def _plural(value: str) -> str:
    return {"text": "texts", "table": "tables"}.get(value, value)
