"""Environments as records: their slug, their tier, and making them when a job first names them.

GitLab: app/models/environment.rb, lib/gitlab/slug/environment.rb.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlops_tui.sandbox.database import Database, Row

TIERS = ("production", "staging", "testing", "development", "other")
STATES = ("available", "stopping", "stopped")
_NAME = re.compile(r"(?!/)[A-Za-z0-9_/${}. -]*(?<!/)")
_TIER_PATTERNS = (
    ("development", re.compile(r"dev|review|trunk", re.IGNORECASE)),
    ("testing", re.compile(r"test|tst|int|ac(ce|)pt|qa|qc|control|quality", re.IGNORECASE)),
    ("staging", re.compile(r"st(a|)g|mod(e|)l|pre|demo|non", re.IGNORECASE)),
    ("production", re.compile(r"pr(o|)d|live", re.IGNORECASE)),
)
_SLUG_LENGTH = 24
_SLUG_CUT = 17
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def guess_tier(name: str) -> str:
    """Return the tier GitLab guesses from a name: the first pattern found anywhere in it."""
    return next((tier for tier, pattern in _TIER_PATTERNS if pattern.search(name)), "other")


def slug(name: str) -> str:
    """Return the slug of a name: lower case, at most 24 characters, with a suffix where it differs from the name."""
    slugified = re.sub(r"-+", "-", re.sub(r"[^a-z0-9]", "-", name.lower()))
    if not slugified[:1].isalpha():
        slugified = f"env-{slugified}"
    slugified = slugified.strip("-")
    if slugified == name and len(slugified) <= _SLUG_LENGTH:
        return slugified
    return f"{slugified[:_SLUG_CUT].rstrip('-')}-{_suffix(name)}"


def _suffix(name: str) -> str:
    number = int(hashlib.sha256(name.encode()).hexdigest(), 16)
    digits = ""
    for _ in range(6):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


def name_complaint(name: str) -> str | None:
    """Say what is wrong with an environment's name, without naming the field."""
    if not name:
        return "can't be blank"
    if len(name) > 255:
        return "is too long (maximum is 255 characters)"
    if not _NAME.fullmatch(name):
        return (
            "can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', and spaces, "
            "but it cannot start or end with '/'"
        )
    return None


def find(database: Database, project_id: int, name: str) -> Row | None:
    """Find an environment by its exact name."""
    return database.one("SELECT * FROM environments WHERE project_id = ? AND name = ?", (project_id, name))


def create(database: Database, project_id: int, name: str, now: str, **values: Any) -> int:
    """Insert an environment and return its id; `values` are further columns, a missing tier is guessed."""
    tier = values.pop("tier", None) or guess_tier(name)
    columns = {"project_id": project_id, "name": name, "slug": slug(name), "tier": tier}
    return database.insert("environments", {**columns, "created_at": now, "updated_at": now, **values})


def find_or_create(database: Database, project_id: int, name: str, now: str, **values: Any) -> int:
    """Return the id of an environment, made if it is new; an old one takes a tier that is given."""
    row = find(database, project_id, name)
    if row is None:
        return create(database, project_id, name, now, **values)
    if values.get("tier") and values["tier"] != row["tier"]:
        database.update("environments", row["id"], {"tier": values["tier"]})
    return int(row["id"])


def basic(row: Row) -> dict[str, Any]:
    """Return GitLab's EnvironmentBasic."""
    return {key: row[key] for key in ("id", "name", "slug", "external_url", "created_at", "updated_at")}
