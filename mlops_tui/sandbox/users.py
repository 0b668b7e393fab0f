"""People and bots (GitLab: lib/api/users.rb, lib/api/entities/user.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.authentication import Policy
from mlops_tui.sandbox.paging import paginate
from mlops_tui.sandbox.parameters import Kind, optional
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

_READ_USER = ("api", "read_api", "read_user")
_SIGNED_IN = Policy(scopes=_READ_USER, authenticated=True)
_SINGLE = Policy(scopes=_READ_USER, limiter="users_get_by_id")
_EMPTY_PROFILE = ("location", "linkedin", "twitter", "discord", "website_url", "github", "pronouns", "organization")


def basic(context: Context, row: Row) -> dict[str, Any]:
    """Return GitLab's UserBasic of a row of `users`."""
    return {
        "id": row["id"],
        "username": row["username"],
        "public_email": None,
        "name": row["name"],
        "state": row["state"],
        "locked": False,
        "avatar_url": None,
        "web_url": context.url(f"/{row['username']}"),
    }


def user_basic(context: Context, user_id: int | None) -> dict[str, Any] | None:
    """Return GitLab's UserBasic of a user by id, or None without one."""
    row = context.database.one("SELECT * FROM users WHERE id = ?", (user_id,))
    return basic(context, row) if row else None


def public(context: Context, row: Row) -> dict[str, Any]:
    """Return GitLab's User of a row of `users`."""
    return {
        **basic(context, row),
        "created_at": row["created_at"],
        "bio": row["bio"],
        **dict.fromkeys(_EMPTY_PROFILE, ""),
        "job_title": row["job_title"],
        "bot": bool(row["bot"]),
        "work_information": row["job_title"] or None,
        "followers": 0,
        "following": 0,
        "is_followed": False,
        "local_time": None,
    }


def _own(context: Context, row: Row) -> dict[str, Any]:
    own = {
        **public(context, row),
        "last_sign_in_at": row["created_at"],
        "confirmed_at": row["created_at"],
        "last_activity_on": row["last_activity_on"],
        "email": row["email"],
        "theme_id": 3,
        "color_scheme_id": 1,
        "projects_limit": 100000,
        "current_sign_in_at": None,
        "identities": [],
        "can_create_group": True,
        "can_create_project": True,
        "two_factor_enabled": False,
        "external": False,
        "private_profile": False,
        "commit_email": row["email"],
        "preferred_language": "en",
    }
    if context.settings.enterprise:
        own |= {"shared_runners_minutes_limit": None, "extra_shared_runners_minutes_limit": None, "scim_identities": []}
    if row["admin"]:
        own |= {"is_admin": True, "note": None, "namespace_id": row["id"], "created_by": None}
    return own


async def show_own(context: Context) -> Response:
    """`GET /user`."""
    user = context.authenticate()
    row = context.database.one("SELECT * FROM users WHERE id = ?", (user.id,))
    if row is None:
        raise errors.not_found("User")
    return context.json(_own(context, row))


async def show(context: Context) -> Response:
    """`GET /users/:id`."""
    user_id = context.number("user_id")
    row = context.database.one("SELECT * FROM users WHERE id = ?", (user_id,))
    if row is None:
        raise errors.not_found("User")
    return context.json(public(context, row))


async def list_users(context: Context) -> Response:
    """`GET /users`; an anonymous caller may only look up a user name."""
    given = context.declare(
        optional("username"), optional("search"), optional("active", Kind.BOOLEAN), optional("humans", Kind.BOOLEAN)
    )
    if context.user is None and not given.get("username"):
        raise errors.forbidden("Not authorized to access /api/v4/users")
    conditions, arguments = ["1"], list[Any]()
    if username := given.get("username"):
        conditions.append("username = ?")
        arguments.append(username)
    if search := given.get("search"):
        conditions.append("(instr(lower(name), lower(?)) OR instr(lower(username), lower(?)) OR email = ?)")
        arguments += [search] * 3
    if given.get("active"):
        conditions.append("state = 'active'")
    if given.get("humans"):
        conditions.append("NOT bot")
    select = f"SELECT * FROM users WHERE {' AND '.join(conditions)}"  # noqa: S608 - literals of this module
    return paginate(context, select, arguments, lambda row: basic(context, row), order="id DESC")


ROUTES = [
    route("GET", "/user", show_own, _SIGNED_IN),
    route("GET", "/users", list_users, Policy(scopes=_READ_USER)),
    route("GET", "/users/{user_id}", show, _SINGLE),
]
