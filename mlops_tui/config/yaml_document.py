"""YAML as plain data with the line of every value, and without the parts of YAML that surprise.

Words stay words: only ``true`` and ``false`` are booleans, only plain decimal numbers are numbers, dates are text.
Aliases, merge keys, tags, keys that are not text and keys given twice are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from mlops_tui.domain.errors import ConfigError

LARGEST = 262_144
_DEEPEST = 40
_STANDARD_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?(?:0|[1-9]\d{0,17})")
_FLOAT = re.compile(r"[-+]?(?:\d{1,18}\.\d{0,18}|\.\d{1,18}|\d{1,18}(?:\.\d{0,18})?[eE][-+]?\d{1,3})")
_BOOLEANS = {"true": True, "false": False}
_NULLS = frozenset({"", "~", "null"})
_TEXT_LIKE = frozenset({"str", "timestamp", "value", "int", "float", "bool", "null"})


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """The data, and the line (from 1) of each key or list item by its path."""

    data: Any
    lines: dict[tuple[str | int, ...], int]

    def line_of(self, location: tuple[str | int, ...]) -> int | None:
        """The line of a value, or of the nearest thing around it."""
        for length in range(len(location), -1, -1):
            if (line := self.lines.get(location[:length])) is not None:
                return line
        return None


def read_yaml(text: str, source: str) -> YamlDocument:
    """Read a YAML text. Raises ConfigError with the line of what cannot be accepted."""
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        raise ConfigError("The file is too large", why=f"it may hold {LARGEST // 1024} KiB", source=source)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, source) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else "it holds characters YAML forbids"
        raise ConfigError("The file is no valid YAML", why=why, source=source) from None
    if root is None:
        return YamlDocument({}, {})
    reader = _Reader(source)
    data = reader.value(root, ())
    return YamlDocument(data, reader.lines)


class _Reader:
    """Walks the nodes of one text once; a node met twice is an alias."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._seen: set[int] = set()
        self.lines: dict[tuple[str | int, ...], int] = {}

    def value(self, node: yaml.Node, path: tuple[str | int, ...]) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in self._seen:
            raise self._error(node, "Aliases are not accepted", "Write the values out", path)
        self._seen.add(id(node))
        if len(path) > _DEEPEST:
            raise self._error(node, "The file is nested too deeply", "", path[:3])
        tag = node.tag.removeprefix(_STANDARD_TAG)
        match node:
            case yaml.MappingNode() if tag == "map":
                return self._mapping(node, path)
            case yaml.SequenceNode() if tag == "seq":
                return [self.value(child, (*path, index)) for index, child in enumerate(node.value)]
            case yaml.ScalarNode() if tag in _TEXT_LIKE:
                return _scalar(node)
            case _:
                raise self._error(node, f"The tag {node.tag[:40]!r} is not accepted", "Leave it out", path)

    def _mapping(self, node: yaml.MappingNode, path: tuple[str | int, ...]) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, child in node.value:
            key = self._key(key_node, path)
            if key in mapping:
                raise self._error(key_node, "This key stands twice", "Keep one of the two", (*path, key))
            self.lines[(*path, key)] = key_node.start_mark.line + 1
            mapping[key] = self.value(child, (*path, key))
        return mapping

    def _key(self, node: yaml.Node, path: tuple[str | int, ...]) -> str:
        if node.tag == f"{_STANDARD_TAG}merge":
            raise self._error(node, "Merge keys (<<) are not accepted", "Write the values out", path)
        key = _scalar(node) if isinstance(node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            raise self._error(node, "A key has to be text", "Put it in quotes", path)
        return key

    def _error(self, node: yaml.Node, what: str, remedy: str, path: tuple[str | int, ...]) -> ConfigError:
        key = ".".join(str(part) for part in path)
        return ConfigError(what, remedy=remedy, source=self._source, key=key, line=node.start_mark.line + 1)


def _scalar(node: yaml.ScalarNode) -> bool | int | float | str | None:
    text = str(node.value)
    if node.style is not None:
        return text
    if text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    if text.lower() in _NULLS:
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _syntax_error(error: yaml.MarkedYAMLError, source: str) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    return ConfigError(
        "The file is no valid YAML",
        why=(error.problem or "it cannot be read")[:200],
        remedy="Mind the indentation and quotes around special characters",
        source=source,
        line=mark.line + 1 if mark is not None else None,
    )
