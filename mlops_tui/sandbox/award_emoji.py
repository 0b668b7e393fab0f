"""Reactions to issues, merge requests and their notes (GitLab: lib/api/award_emoji.rb)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors, issuables, notes
from mlops_tui.sandbox.issuables import NOUNS, Noun
from mlops_tui.sandbox.paging import paginate
from mlops_tui.sandbox.parameters import required
from mlops_tui.sandbox.responses import no_content
from mlops_tui.sandbox.routing import route
from mlops_tui.sandbox.users import user_basic

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response
    from starlette.routing import Route

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

    Handler = Callable[[Context], Awaitable[Response]]

_NAME = re.compile(r"[a-z0-9_+-]{1,64}")


def _awardable(context: Context, noun: Noun) -> tuple[str, int]:
    """Return what the path names, as type and id: an issue, a merge request, or a note on one."""
    iid = context.number("iid")
    issuable = issuables.find(context, noun, context.project(), iid)
    if "note_id" in context.path:
        return "Note", int(notes.find(context, issuable)["id"])
    return noun.type, issuable.id


def _entity(context: Context, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "user": user_basic(context, row["user_id"]),
        "created_at": row["created_at"],
        "updated_at": row["created_at"],
        "awardable_id": row["awardable_id"],
        "awardable_type": row["awardable_type"],
        "url": None,
    }


def _find(context: Context, awardable: tuple[str, int]) -> Row:
    row = context.database.one(
        "SELECT * FROM award_emoji WHERE id = ? AND awardable_type = ? AND awardable_id = ?",
        (context.number("award_id"), *awardable),
    )
    if row is None:
        raise errors.not_found("Award Emoji")
    return row


def _list(noun: Noun) -> Handler:
    async def list_award_emoji(context: Context) -> Response:
        awardable = _awardable(context, noun)
        select = "SELECT * FROM award_emoji WHERE awardable_type = ? AND awardable_id = ?"
        return paginate(context, select, awardable, lambda row: _entity(context, row), order="id")

    return list_award_emoji


def _show(noun: Noun) -> Handler:
    async def show_award_emoji(context: Context) -> Response:
        return context.json(_entity(context, _find(context, _awardable(context, noun))))

    return show_award_emoji


def _create(noun: Noun) -> Handler:
    async def create_award_emoji(context: Context) -> Response:
        user = context.authenticate()
        name = context.declare(required("name"))["name"]
        awardable = _awardable(context, noun)
        if not _NAME.fullmatch(name or ""):
            raise errors.not_found("Award Emoji Name is not a valid emoji name")
        taken = "SELECT 1 FROM award_emoji WHERE awardable_type = ? AND awardable_id = ? AND user_id = ? AND name = ?"
        if context.database.value(taken, (*awardable, user.id, name)):
            raise errors.not_found("Award Emoji Name has already been taken")
        values = {"awardable_type": awardable[0], "awardable_id": awardable[1], "user_id": user.id, "name": name}
        with context.database.transaction():
            award_id = context.database.insert("award_emoji", {**values, "created_at": context.timestamp()})
        row = context.database.all("SELECT * FROM award_emoji WHERE id = ?", (award_id,))[0]
        return context.json(_entity(context, row), 201)

    return create_award_emoji


def _delete(noun: Noun) -> Handler:
    async def delete_award_emoji(context: Context) -> Response:
        user = context.authenticate()
        row = _find(context, _awardable(context, noun))
        if row["user_id"] != user.id and not user.admin:
            raise errors.unauthorized()
        with context.database.transaction():
            context.database.execute("DELETE FROM award_emoji WHERE id = ?", (row["id"],))
        return no_content()

    return delete_award_emoji


def _routes(noun: Noun) -> list[Route]:
    owner = f"/projects/{{id}}/{noun.segment}/{{iid}}"
    paths = (f"{owner}/award_emoji", f"{owner}/notes/{{note_id}}/award_emoji")
    return [
        entry
        for path in paths
        for entry in (
            route("GET", path, _list(noun)),
            route("POST", path, _create(noun)),
            route("GET", f"{path}/{{award_id}}", _show(noun)),
            route("DELETE", f"{path}/{{award_id}}", _delete(noun)),
        )
    ]


ROUTES = [entry for noun in NOUNS for entry in _routes(noun)]
