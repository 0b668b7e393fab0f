"""Request parameters as Rack reads them: query strings, forms and multipart, with `a[]=`, `a[b]=` and `a[0][b]=`."""

from __future__ import annotations

import re
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEY = re.compile(r"\[([^\]]*)\]")


def parse_form(text: str) -> dict[str, Any]:
    """Read a query string or an `application/x-www-form-urlencoded` body."""
    return nest(parse_qsl(text, keep_blank_values=True))


def parse_multipart(content_type: str, body: bytes) -> dict[str, Any]:
    """Read the fields of a `multipart/form-data` body; a file is its bytes."""
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    pairs: list[tuple[str, Any]] = []
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            pairs.append((name, payload if part.get_filename() else payload.decode("utf-8", "replace")))
    return nest(pairs)


def nest(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Fold flat names into lists and hashes; a hash whose keys are all numbers becomes a list."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        head, bracket, rest = name.partition("[")
        _assign(root, [head, *_KEY.findall(bracket + rest)], value)
    return {key: _indexed(value) for key, value in root.items()}


def _assign(target: dict[str, Any], keys: list[str], value: Any) -> None:
    key, *rest = keys
    if not rest:
        target[key] = value
        return
    if rest[0] != "":
        inner = target.setdefault(key, {})
        if isinstance(inner, dict):
            _assign(inner, rest, value)
        return
    items = target.setdefault(key, [])
    if not isinstance(items, list):
        return
    if len(rest) == 1:
        items.append(value)
        return
    if not items or not isinstance(items[-1], dict) or (len(rest) == 2 and rest[1] in items[-1]):
        items.append({})
    _assign(items[-1], rest[1:], value)


def _indexed(value: Any) -> Any:
    if isinstance(value, list):
        return [_indexed(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_indexed(value[key]) for key in sorted(value, key=int)]
    return {key: _indexed(item) for key, item in value.items()}
