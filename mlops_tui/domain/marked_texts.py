"""Texts in GitLab that programs read back: they begin with a fenced block of one line of canonical JSON.

Whatever follows is for people. A text that differs from this form in one character is a text and nothing else::

    ```mlops-alert
    {"environment":"production","fingerprint":"<64 hex>","schema":"mlops-tui/alert/1",...}
    ```
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from mlops_tui.domain.canonical import canonical_json

HEX64 = re.compile(r"[0-9a-f]{64}")
INTENT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NAME = re.compile(r"[^\s\x00-\x1f\x7f]{1,255}")

_FENCE = "```"
_TICKS = re.compile(r"`{3,}|~{3,}")
_LINE_LIMIT = 2_000


def marked(word: str, values: Mapping[str, str]) -> str:
    """The block that a text begins with; ``word`` names what it is."""
    return f"{_FENCE}{word}\n{canonical_json(values)}\n{_FENCE}"


def read_marked(body: str, word: str, patterns: Mapping[str, re.Pattern[str]]) -> dict[str, str] | None:
    """The values of the first block, if the text begins with one in exactly our form, all fitting their patterns."""
    lines = body.split("\n", 3)
    if len(lines) < 3 or lines[0] != f"{_FENCE}{word}" or lines[2] != _FENCE or len(lines[1]) > _LINE_LIMIT:
        return None
    try:
        parsed: Any = json.loads(lines[1])
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict) or parsed.keys() != patterns.keys():
        return None
    if not all(isinstance(value, str) and patterns[name].fullmatch(value) for name, value in parsed.items()):
        return None
    return parsed if canonical_json(parsed) == lines[1] else None


def fenced(text: str) -> str:
    """People's text in a fence longer than any in it, so that it can neither command, mention nor end the fence."""
    longest = max((len(found.group()) for found in _TICKS.finditer(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text.strip()}\n{fence}"
