"""Feature flags as REST shows them (GitLab: lib/api/entities/feature_flag)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlops_tui.sandbox.database import Database, Row

VERSION = "new_version_flag"


def entity(database: Database, row: Row) -> dict[str, Any]:
    """Return GitLab's FeatureFlag; its own `scopes` are always empty nowadays."""
    strategies = database.all(
        "SELECT * FROM feature_flag_strategies WHERE feature_flag_id = ? ORDER BY id", (row["id"],)
    )
    return {
        "name": row["name"],
        "description": row["description"],
        "active": bool(row["active"]),
        "version": VERSION,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "scopes": [],
        "strategies": [_strategy_entity(database, strategy) for strategy in strategies],
    }


def _strategy_entity(database: Database, row: Row) -> dict[str, Any]:
    user_list = database.one("SELECT * FROM feature_flag_user_lists WHERE id = ?", (row["user_list_id"],))
    shown = {key: user_list[key] for key in ("id", "iid", "name", "user_xids")} if user_list else None
    return {
        "id": row["id"],
        "name": row["name"],
        "parameters": json.loads(row["parameters"]),
        "scopes": [
            {"id": scope["id"], "environment_scope": scope["environment_scope"]}
            for scope in scopes(database, row["id"])
        ],
        "user_list": shown,
    }


def scopes(database: Database, strategy_id: int) -> list[Row]:
    """Return the scopes of a strategy."""
    return database.all("SELECT * FROM feature_flag_scopes WHERE strategy_id = ? ORDER BY id", (strategy_id,))
