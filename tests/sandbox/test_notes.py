"""Notes, and the quick actions hidden in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox.factory import client, project

if TYPE_CHECKING:
    import httpx

    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory


@pytest.fixture(scope="module")
def server(sandbox: SandboxFactory) -> RunningSandbox:
    return sandbox()


@pytest.fixture
def issue(server: RunningSandbox) -> str:
    """The path of a new issue."""
    made = client(server).post(f"{project(server)}/issues", json={"title": "Talk about it"}).json()
    return f"{project(server)}/issues/{made['iid']}"


def _say(server: RunningSandbox, issue: str, body: str, role: str = "maintainer") -> httpx.Response:
    return client(server, role).post(f"{issue}/notes", json={"body": body})


def test_a_note_is_stored_and_listed_newest_first(server: RunningSandbox, issue: str) -> None:
    first = _say(server, issue, "First").json()
    second = _say(server, issue, "Second", "developer").json()

    listed = client(server).get(f"{issue}/notes").json()

    assert [note["id"] for note in listed] == [second["id"], first["id"]]
    assert listed[0]["author"]["username"] == "dev"
    assert (first["noteable_type"], first["system"], first["commands_changes"]) == ("Issue", False, {})
    ascending = client(server).get(f"{issue}/notes?sort=asc").json()
    assert [note["body"] for note in ascending] == ["First", "Second"]
    assert client(server).get(issue).json()["user_notes_count"] == 2


def test_a_note_of_commands_only_is_done_and_not_stored(server: RunningSandbox, issue: str) -> None:
    answer = _say(server, issue, "/label ~drift\n/close")

    assert answer.status_code == 202
    assert answer.json()["summary"] == ["Added ~drift label.", "Closed this issue."]
    assert answer.json()["commands_changes"]["state_event"] == "close"
    shown = client(server).get(issue).json()
    assert (shown["state"], shown["labels"], shown["user_notes_count"]) == ("closed", ["drift"], 0)


def test_commands_are_taken_out_of_a_note(server: RunningSandbox, issue: str) -> None:
    answer = _say(server, issue, "Done with it.\n/close")

    assert answer.status_code == 201
    assert answer.json()["body"] == "Done with it."
    assert answer.json()["commands_changes"] == {"state_event": "close"}
    assert client(server).get(issue).json()["state"] == "closed"


@pytest.mark.parametrize(
    "body",
    [
        "\\/close",
        " /close",
        "please /close",
        "```\n/close\n```",
        "~~~~\n/close\n```\n/close\n~~~~",
        ">>>\n/close\n>>>",
        "/closing",
        "/tmp/close",
        "`/close`",
    ],
)
def test_what_is_escaped_or_quoted_stays_text(server: RunningSandbox, issue: str, body: str) -> None:
    answer = _say(server, issue, body)

    assert answer.status_code == 201
    assert answer.json()["body"] == body
    assert client(server).get(issue).json()["state"] == "opened"


def test_commands_that_do_nothing_are_refused(server: RunningSandbox, issue: str) -> None:
    answer = _say(server, issue, "/reopen")
    assert answer.status_code == 400
    assert answer.json() == {"message": "400 Bad request - Could not apply reopen command."}


def test_commands_need_the_right_to_change_the_issue(sandbox: SandboxFactory) -> None:
    server = sandbox(fresh=True)
    made = client(server).post(f"{project(server)}/issues", json={"title": "Mine"}).json()
    demote = "UPDATE members SET access_level = 10 WHERE user_id = 5"
    server.call(lambda services: services.database.execute(demote).rowcount)

    answer = _say(server, f"{project(server)}/issues/{made['iid']}", "/close", "reporter")

    assert answer.status_code == 400
    assert client(server).get(f"{project(server)}/issues/{made['iid']}").json()["state"] == "opened"


@pytest.mark.parametrize(
    ("command", "field", "value"),
    [
        ("/title A better one", "title", "A better one"),
        ("/assign @dev", "assignees", ["dev"]),
        ("/assign me", "assignees", ["mona"]),
        ('/label ~"mlops::approved" ~bug', "labels", ["bug", "mlops::approved"]),
        ("/relabel ~data", "labels", ["data"]),
    ],
)
def test_commands_change_the_issue(
    server: RunningSandbox, issue: str, command: str, field: str, value: str | list[str]
) -> None:
    assert _say(server, issue, command).status_code == 202

    shown = client(server).get(issue).json()[field]
    if field == "assignees":
        shown = [person["username"] for person in shown]
    assert shown == value


def test_a_description_is_searched_for_commands_too(server: RunningSandbox) -> None:
    body = {"title": "With commands", "description": "Text\n/label ~bug\n/close"}
    made = client(server).post(f"{project(server)}/issues", json=body).json()
    assert (made["state"], made["labels"], made["description"]) == ("closed", ["bug"], "Text")


def test_a_note_is_changed_by_its_author_or_a_maintainer(server: RunningSandbox, issue: str) -> None:
    note = _say(server, issue, "Mine", "developer").json()
    path = f"{issue}/notes/{note['id']}"

    assert client(server, "reporter").put(path, json={"body": "Yours"}).status_code == 403
    assert client(server, "developer").put(path, json={"body": "Still mine"}).json()["body"] == "Still mine"
    assert client(server).delete(path).status_code == 204
    assert client(server).get(path).json() == {"message": "404 Note Not Found"}


@pytest.mark.parametrize("body", ["", "x" * 1_000_001])
def test_empty_and_endless_notes_are_refused(server: RunningSandbox, issue: str, body: str) -> None:
    assert _say(server, issue, body).status_code == 400


def test_a_system_note_cannot_be_removed(server: RunningSandbox, issue: str) -> None:
    client(server).put(issue, json={"state_event": "close"})
    note = client(server).get(f"{issue}/notes?activity_filter=only_activity").json()[0]
    assert note["system"] is True
    assert client(server).delete(f"{issue}/notes/{note['id']}").status_code == 403
