"""Users (GitLab: app/graphql/types/user_core_type.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlops_tui.sandbox.graphql.operations import Operation, Resolver


def user(operation: Operation, user_id: int | None, kind: str = "UserCore") -> dict[str, Any] | None:
    """Return a user as the resolvers of its fields expect it, or None."""
    row = operation.database.one("SELECT * FROM users WHERE id = ?", (user_id,))
    if row is None:
        return None
    return {
        "__typename": kind,
        "id": row["id"],
        "username": row["username"],
        "name": row["name"],
        "avatarUrl": None,
        "bot": bool(row["bot"]),
        "publicEmail": None,
        "state": row["state"],
        "webPath": f"{operation.context.settings.root_path}/{row['username']}",
        "webUrl": operation.context.url(f"/{row['username']}"),
    }


def user_in(column: str) -> Callable[[Any, Operation], dict[str, Any] | None]:
    """Return a resolver of the user whose id a row has in a column."""
    return lambda row, operation: user(operation, row[column])


def _current_user(_parent: None, operation: Operation) -> dict[str, Any] | None:
    return user(operation, operation.user.id, "CurrentUser") if operation.user else None


RESOLVERS: dict[str, dict[str, Resolver]] = {"Query": {"currentUser": _current_user}}
GLOBAL_IDS = {"UserID": "User"}
