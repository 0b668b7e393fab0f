"""Notes on issues and merge requests (GitLab: lib/api/notes.rb, lib/api/entities/note.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors, issuables, quick_actions
from mlops_tui.sandbox.access import Role
from mlops_tui.sandbox.authentication import Policy
from mlops_tui.sandbox.issuables import MERGE_REQUEST, NOUNS, Issuable, Noun
from mlops_tui.sandbox.paging import paginate
from mlops_tui.sandbox.parameters import Kind, optional, required
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

MAXIMUM_LENGTH = 1_000_000
_SCOPES = ("ai_workflows", "api", "read_api")
_ACTIVITY = {"all_notes": "1", "only_comments": "NOT system", "only_activity": "system"}


def entity(context: Context, issuable: Issuable, row: Row, changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return GitLab's Note."""
    return {
        "id": row["id"],
        "type": None,
        "body": row["body"],
        "author": user_basic(context, row["author_id"]),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "system": bool(row["system"]),
        "noteable_id": row["noteable_id"],
        "noteable_type": row["noteable_type"],
        "project_id": row["project_id"],
        "resolvable": False,
        "confidential": bool(row["internal"]),
        "internal": bool(row["internal"]),
        "imported": False,
        "imported_from": "none",
        "noteable_iid": issuable.row["iid"],
        "commands_changes": changes or {},
    }


def _issuable(context: Context, noun: Noun) -> Issuable:
    iid = context.number("iid")
    return issuables.find(context, noun, context.project(), iid)


def find(context: Context, issuable: Issuable) -> Row:
    """Return the note that the path names.

    Raises:
        ApiError: 404 when missing, or internal to a caller below Reporter.
    """
    row = context.database.one(
        "SELECT * FROM notes WHERE id = ? AND noteable_type = ? AND noteable_id = ?",
        (context.number("note_id"), issuable.noun.type, issuable.id),
    )
    if row is None or (row["internal"] and context.role(issuable.project) < Role.PLANNER):
        raise errors.not_found("Note")
    return row


def _list(noun: Noun) -> Handler:
    async def list_notes(context: Context) -> Response:
        given = context.declare(
            optional("order_by", default="created_at", values=("created_at", "updated_at")),
            optional("sort", default="desc", values=("asc", "desc")),
            optional("activity_filter", default="all_notes", values=tuple(_ACTIVITY)),
        )
        issuable = _issuable(context, noun)
        hidden = "1" if context.role(issuable.project) >= Role.PLANNER else "NOT internal"
        select = (
            f"SELECT * FROM notes WHERE noteable_type = ? AND noteable_id = ? AND {hidden}"  # noqa: S608 - literals
            f" AND {_ACTIVITY[given['activity_filter']]}"
        )
        order = f"{given['order_by']} {given['sort']}, id {given['sort']}"
        return paginate(
            context,
            select,
            (noun.type, issuable.id),
            lambda row: entity(context, issuable, row),
            order=order,
        )

    return list_notes


def _show(noun: Noun) -> Handler:
    async def show_note(context: Context) -> Response:
        issuable = _issuable(context, noun)
        return context.json(entity(context, issuable, find(context, issuable)))

    return show_note


def _create(noun: Noun) -> Handler:
    async def create_note(context: Context) -> Response:
        context.authenticate()
        given = context.declare(
            required("body"),
            optional("internal", Kind.BOOLEAN),
            optional("confidential", Kind.BOOLEAN),
            optional("created_at", Kind.TIME),
        )
        issuable = _issuable(context, noun)
        _check_body(given["body"])
        if issuable.row["discussion_locked"]:
            context.require(issuable.project, Role.REPORTER)
        with context.database.transaction():
            return _record(context, issuable, given)

    return create_note


def _check_body(body: str | None) -> None:
    if not (body or "").strip():
        raise errors.bad_request('Note {:note=>["can\'t be blank"]}')
    if len(body or "") > MAXIMUM_LENGTH:
        raise errors.bad_request(f'Note {{:note=>["is too long (maximum is {MAXIMUM_LENGTH} characters)"]}}')


def _record(context: Context, issuable: Issuable, given: dict[str, Any]) -> Response:
    """Carry out the commands and store what is left; with nothing left there is no note."""
    text, outcome = quick_actions.execute(context, issuable, given["body"])
    if not text:
        if not outcome.summary:
            raise errors.bad_request(" ".join(outcome.failures))
        return context.json({"commands_changes": outcome.changes, "summary": outcome.summary}, 202)
    privileged = context.role(issuable.project) >= Role.OWNER
    note_id = issuables.add_note(
        context,
        issuable,
        text,
        internal=bool(given.get("internal") or given.get("confidential")),
        created_at=given.get("created_at") if privileged else None,
    )
    issuables.touch(context, issuable)
    row = context.database.all("SELECT * FROM notes WHERE id = ?", (note_id,))[0]
    return context.json(entity(context, issuable, row, outcome.changes), 201)


def _editable(context: Context, noun: Noun) -> tuple[Issuable, Row]:
    """Return a note that the caller may change: its author or a Maintainer, and never a system note."""
    user = context.authenticate()
    issuable = _issuable(context, noun)
    row = find(context, issuable)
    if row["author_id"] != user.id:
        context.require(issuable.project, Role.MAINTAINER)
    if row["system"]:
        raise errors.forbidden()
    return issuable, row


def _edit(noun: Noun) -> Handler:
    async def edit_note(context: Context) -> Response:
        context.authenticate()
        given = context.declare(required("body"))
        issuable, row = _editable(context, noun)
        _check_body(given["body"])
        with context.database.transaction():
            changes = {"body": given["body"], "updated_at": context.timestamp()}
            context.database.update("notes", row["id"], changes)
        return context.json(entity(context, issuable, find(context, issuable)))

    return edit_note


def _delete(noun: Noun) -> Handler:
    async def delete_note(context: Context) -> Response:
        _, row = _editable(context, noun)
        with context.database.transaction():
            context.database.execute("DELETE FROM notes WHERE id = ?", (row["id"],))
        return no_content()

    return delete_note


def _routes(noun: Noun) -> list[Route]:
    path = f"/projects/{{id}}/{noun.segment}/{{iid}}/notes"
    reading = Policy(scopes=_SCOPES, job_token=noun is MERGE_REQUEST)
    single = Policy(scopes=_SCOPES)
    return [
        route("GET", path, _list(noun), reading),
        route("POST", path, _create(noun), Policy(scopes=_SCOPES, limiter="notes_create")),
        route("GET", f"{path}/{{note_id}}", _show(noun), single),
        route("PUT", f"{path}/{{note_id}}", _edit(noun), single),
        route("DELETE", f"{path}/{{note_id}}", _delete(noun), single),
    ]


ROUTES = [entry for noun in NOUNS for entry in _routes(noun)]
