"""Alerts as issues: finding those that are open, and the calls that open, tell and close."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mlops_tui.domain.alert_issues import ALERT_LABEL, ALERT_SCHEMA, AlertMark, AlertNote, read_mark, read_note
from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.errors import NotAllowedError, NotFoundError
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.gitlab.issues import NotePayload
from mlops_tui.gitlab.payloads import Moment, Name, Payload, read_all
from mlops_tui.gitlab.transport import Transport


@dataclass(frozen=True, slots=True)
class AlertIssue:
    """An issue that is about a firing of an alert."""

    iid: int
    web_url: str
    mark: AlertMark
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class WrittenNote:
    """A note of ours on such an issue, with who wrote it and when."""

    note: AlertNote
    by: str
    at: datetime


class _Issue(Payload):
    iid: int
    description: str | None = None
    updated_at: Moment
    web_url: Name = ""


async def list_alert_issues(transport: Transport, project: ProjectRef, *, state: str = "opened") -> list[AlertIssue]:
    """The issues about alerts, the oldest first; found by their form. None where issues are turned off."""
    params = {"state": state, "search": ALERT_SCHEMA, "in": "description", "order_by": "created_at", "sort": "asc"}
    found: list[AlertIssue] = []
    try:
        async for rows in transport.pages(f"/api/v4/projects/{project.id}/issues", params):
            for row in read_all(_Issue, rows, "the issues"):
                mark = read_mark(row.description or "")
                if mark is not None:
                    found.append(AlertIssue(row.iid, row.web_url, mark, row.updated_at))
    except (NotFoundError, NotAllowedError):
        return []
    return found


async def list_alert_notes(transport: Transport, project: ProjectRef, iid: int) -> list[WrittenNote]:
    """Our notes on such an issue, the oldest first."""
    found: list[WrittenNote] = []
    path = f"/api/v4/projects/{project.id}/issues/{iid}/notes"
    async for rows in transport.pages(path, {"sort": "asc", "order_by": "created_at"}):
        for row in read_all(NotePayload, rows, "the notes"):
            note = read_note(row.body or "")
            if note is not None:
                found.append(WrittenNote(note, row.author.record().username, row.created_at))
    return found


def open_call(project: ProjectRef, title: str, text: str, *, is_confidential: bool) -> ApiCall:
    """Open an issue for an alert."""
    body: dict[str, JsonValue] = {"title": title, "description": text, "labels": ALERT_LABEL}
    if is_confidential:
        body["confidential"] = True
    return ApiCall(Method.POST, f"/api/v4/projects/{project.id}/issues", body, "open an issue for the alert")


def close_call(project: ProjectRef, iid: int, purpose: str = "close the alert's issue") -> ApiCall:
    """Close an alert's issue."""
    return ApiCall(Method.PUT, f"/api/v4/projects/{project.id}/issues/{iid}", {"state_event": "close"}, purpose)
