"""Issues that ask for a promotion, the notes on them, and the calls that write both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.errors import InvalidRequestError, NotFoundError
from mlops_tui.domain.projects import ProjectRef, User
from mlops_tui.domain.promotion_requests import REQUEST_SCHEMA, PromotionRequest, read_decision, read_request
from mlops_tui.domain.text import clean_block
from mlops_tui.domain.votes import Note
from mlops_tui.gitlab.payloads import Block, Moment, Name, Payload, read, read_all
from mlops_tui.gitlab.people import Person
from mlops_tui.gitlab.transport import Transport


@dataclass(frozen=True, slots=True)
class RequestIssue:
    """An issue that asks for a promotion; ``request`` is what its description says now."""

    iid: int
    project: ProjectRef
    title: str
    request: PromotionRequest
    author: User
    labels: tuple[str, ...]
    is_open: bool
    created_at: datetime
    updated_at: datetime
    web_url: str
    text: str


class _Issue(Payload):
    iid: int
    title: Name = ""
    description: str | None = None
    state: Name = ""
    labels: tuple[Name, ...] = ()
    author: Person
    created_at: Moment
    updated_at: Moment
    web_url: Name = ""


class NotePayload(Payload):
    """A note; its body is read as it was written, since a decision has one exact form, and cleaned afterwards."""

    id: int
    body: str | None = None
    author: Person
    created_at: Moment
    updated_at: Moment
    system: bool = False
    internal: bool | None = False

    def record(self) -> Note:
        """The note as a record."""
        raw = self.body or ""
        return Note(
            id=self.id,
            author=self.author.record(),
            body=clean_block(raw),
            created_at=self.created_at,
            updated_at=self.updated_at,
            is_system=self.system,
            is_internal=bool(self.internal),
            decision=read_decision(raw),
        )


class _Written(Payload):
    id: int | None = None
    iid: int | None = None
    web_url: Name = ""
    body: Block = ""


async def list_requests(transport: Transport, project: ProjectRef, *, state: str = "opened") -> list[RequestIssue]:
    """The issues that ask for a promotion, newest first; found by their form, since labels can be changed by many.

    ``state`` is GitLab's: opened, closed or all.
    """
    path = f"/api/v4/projects/{project.id}/issues"
    params = {"state": state, "search": REQUEST_SCHEMA, "in": "description"}
    found: list[RequestIssue] = []
    try:
        async for rows in transport.pages(path, params):
            found += [
                issue for row in read_all(_Issue, rows, "the issues") if (issue := _record(row, project)) is not None
            ]
    except NotFoundError:
        return []
    return found


async def get_request(transport: Transport, project: ProjectRef, iid: int) -> RequestIssue:
    """One request; raises NotFoundError for an issue that asks for no promotion."""
    answer = await transport.get(f"/api/v4/projects/{project.id}/issues/{iid}")
    issue = _record(read(_Issue, answer.json(), "the issue"), project)
    if issue is None:
        raise NotFoundError(
            f"Issue {iid} of {project.path} asks for no promotion",
            why="its description does not begin with a request in the form that this program writes",
            remedy="Make one with `mlops-tui approvals request`",
        )
    return issue


async def list_notes(transport: Transport, project: ProjectRef, iid: int, kind: str = "issues") -> tuple[Note, ...]:
    """The notes on an issue (or ``kind="merge_requests"``), the oldest first."""
    notes: list[Note] = []
    path = f"/api/v4/projects/{project.id}/{kind}/{iid}/notes"
    async for rows in transport.pages(path, {"sort": "asc", "order_by": "created_at"}):
        notes += [row.record() for row in read_all(NotePayload, rows, "the notes")]
    return tuple(notes)


def create_call(project: ProjectRef, title: str, text: str, labels: Sequence[str]) -> ApiCall:
    """Make an issue."""
    body = {"title": title, "description": text, "labels": ",".join(labels)}
    return ApiCall(Method.POST, f"/api/v4/projects/{project.id}/issues", body, "ask for the promotion in an issue")


def note_call(project: ProjectRef, iid: int, text: str, purpose: str, kind: str = "issues") -> ApiCall:
    """Write a note."""
    return ApiCall(Method.POST, f"/api/v4/projects/{project.id}/{kind}/{iid}/notes", {"body": text}, purpose)


def label_call(project: ProjectRef, iid: int, add: Sequence[str], remove: Sequence[str]) -> ApiCall:
    """Change an issue's labels, which are for people to see and decide nothing."""
    body = {"add_labels": ",".join(add), "remove_labels": ",".join(remove)}
    return ApiCall(Method.PUT, f"/api/v4/projects/{project.id}/issues/{iid}", body, "show it by a label")


def close_call(project: ProjectRef, iid: int) -> ApiCall:
    """Close an issue whose promotion was started."""
    body = {"state_event": "close"}
    return ApiCall(Method.PUT, f"/api/v4/projects/{project.id}/issues/{iid}", body, "close the request")


def written_note(body: object, status: int) -> int:
    """The id of a note that was written.

    Raises InvalidRequestError when GitLab took the whole text for commands: 202 means that nothing was recorded
    (GitLab: lib/api/helpers/notes_helpers.rb).
    """
    written = read(_Written, body, "the note")
    if status == 202 or written.id is None:
        raise InvalidRequestError(
            "The note was not recorded",
            why="GitLab took all of it for quick actions",
            remedy="Leave out lines that begin with a slash",
            status=status,
        )
    return written.id


def written_issue(body: object) -> tuple[int, str]:
    """The iid and the page of an issue that was made."""
    written = read(_Written, body, "the issue")
    return written.iid or 0, written.web_url


def _record(row: _Issue, project: ProjectRef) -> RequestIssue | None:
    request = read_request(row.description or "")
    if request is None:
        return None
    return RequestIssue(
        iid=row.iid,
        project=project,
        title=row.title,
        request=request,
        author=row.author.record(),
        labels=row.labels,
        is_open=row.state == "opened",
        created_at=row.created_at,
        updated_at=row.updated_at,
        web_url=row.web_url,
        text=clean_block(row.description or ""),
    )
