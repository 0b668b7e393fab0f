"""What a token may learn and do about itself (GitLab: lib/api/personal_access_tokens/self_information.rb)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.authentication import Policy, digest, new_secret
from mlops_tui.sandbox.clock import timestamp
from mlops_tui.sandbox.parameters import Kind, optional
from mlops_tui.sandbox.responses import no_content
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

_ANY_SCOPE = Policy(scopes=(), authenticated=True)
_ROTATE = Policy(scopes=("api", "self_rotate"), authenticated=True)


def _row(context: Context) -> Row:
    token = context.token
    if token is None:
        raise errors.unauthorized()
    if token.kind != "personal":
        raise errors.bad_request("This endpoint requires token type to be a personal access token")
    row = context.database.one("SELECT * FROM personal_access_tokens WHERE id = ?", (token.id,))
    if row is None:
        raise errors.unauthorized()
    return row


def _entity(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "revoked": bool(row["revoked"]),
        "created_at": row["created_at"],
        "description": row["description"],
        "scopes": json.loads(row["scopes"]),
        "user_id": row["user_id"],
        "last_used_at": row["last_used_at"],
        "active": not row["revoked"],
        "expires_at": row["expires_at"],
        "last_used_ips": [],
    }


async def show(context: Context) -> Response:
    """`GET /personal_access_tokens/self`."""
    return context.json(_entity(_row(context)))


async def rotate(context: Context) -> Response:
    """`POST /personal_access_tokens/self/rotate`: revokes the token and answers its successor, once in the clear."""
    given = context.declare(optional("expires_at", Kind.DATE))
    old, secret = _row(context), new_secret()
    expires_at = given.get("expires_at") or timestamp(context.now() + timedelta(days=7))[:10]
    with context.database.transaction():
        context.database.update("personal_access_tokens", old["id"], {"revoked": 1})
        values = {name: old[name] for name in ("user_id", "name", "description", "kind", "scopes")}
        values |= {"digest": digest(secret), "created_at": context.timestamp(), "expires_at": expires_at}
        new_id = context.database.insert("personal_access_tokens", values)
    row = context.database.one("SELECT * FROM personal_access_tokens WHERE id = ?", (new_id,))
    if row is None:
        raise errors.not_found()
    return context.json({**_entity(row), "token": secret})


async def revoke(context: Context) -> Response:
    """`DELETE /personal_access_tokens/self`."""
    row = _row(context)
    with context.database.transaction():
        context.database.update("personal_access_tokens", row["id"], {"revoked": 1})
    return no_content()


ROUTES = [
    route("GET", "/personal_access_tokens/self", show, _ANY_SCOPE),
    route("POST", "/personal_access_tokens/self/rotate", rotate, _ROTATE),
    route("DELETE", "/personal_access_tokens/self", revoke, _ANY_SCOPE),
]
