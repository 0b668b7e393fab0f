"""The published schemas of what commands write."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema

FOLDER = files("mlops_tui.cli") / "schemas"


def schema_of(noun: str) -> dict[str, Any]:
    """The schema of a noun's output."""
    schema: dict[str, Any] = json.loads((FOLDER / f"{noun}.schema.json").read_text("utf-8"))
    return schema


def judge(document: dict[str, Any]) -> None:
    """Fail unless the document is what its own schema promises."""
    noun = document["schema"].split("/")[1]
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema_of(noun), format_checker=checker).validate(document)
