"""Write-once tags and params: the rules that experiments, runs, models and model versions share.

They are kept as a list of `{"key": …, "value": …}` in the order they were set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAXIMUM_TAG_NAME = 255
MAXIMUM_TAG_VALUE = 5000


def length_complaints(label: str, text: str | None, maximum: int) -> list[str]:
    """Return what Rails says about a text that must be there and not be too long."""
    if not (text or "").strip():
        return [f"{label} can't be blank"]
    if len(text or "") > maximum:
        return [f"{label} is too long (maximum is {maximum} characters)"]
    return []


def duplicate_name(name: str) -> str:
    """Return what GitLab says about a tag that is set already."""
    return f"Name '{name}' already taken"


def merged(
    present: Sequence[Mapping[str, str]],
    added: Sequence[Mapping[str, Any]],
    *,
    maximum_name: int = MAXIMUM_TAG_NAME,
    maximum_value: int = MAXIMUM_TAG_VALUE,
) -> list[dict[str, str]] | None:
    """Append entries as a bulk insert does: names that are there are left alone, the first of several wins.

    Returns None, for "nothing was stored", when the database would refuse one entry.
    """
    result = {entry["key"]: entry["value"] for entry in present}
    for entry in added:
        key, value = entry.get("key"), entry.get("value")
        if key is None or value is None or len(str(key)) > maximum_name or len(str(value)) > maximum_value:
            return None
        result.setdefault(str(key), str(value))
    return [{"key": key, "value": value} for key, value in result.items()]


def created_tags(given: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, str]], list[str]]:
    """Check the tags of a new model or version one by one; return them and the complaints."""
    tags: dict[str, str] = {}
    for entry in given:
        key, value = entry.get("key"), entry.get("value")
        complaints = [
            *length_complaints("Name", key, MAXIMUM_TAG_NAME),
            *length_complaints("Value", value, MAXIMUM_TAG_VALUE),
        ]
        if key in tags:
            complaints.append(duplicate_name(str(key)))
        if complaints:
            return [], [f"Validation failed: {', '.join(complaints)}"]
        tags[str(key)] = str(value)
    return [{"key": key, "value": value} for key, value in tags.items()], []
