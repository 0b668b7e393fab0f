"""Issues, labels, reactions and merge-request approvals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlops_tui.sandbox.settings import Tier, World
from tests.sandbox.factory import client, project

if TYPE_CHECKING:
    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory


@pytest.fixture(scope="module")
def server(sandbox: SandboxFactory) -> RunningSandbox:
    return sandbox(fresh=True)


def _create(server: RunningSandbox, role: str = "maintainer", **fields: Any) -> dict[str, Any]:
    answer = client(server, role).post(f"{project(server)}/issues", json={"title": "An issue", **fields})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def _path(server: RunningSandbox, issue: dict[str, Any]) -> str:
    return f"{project(server)}/issues/{issue['iid']}"


def test_an_issue_is_made_and_shown(server: RunningSandbox) -> None:
    made = _create(server, labels="drift,new one", description="Seen\n\n- [x] a\n- [ ] b", assignee_ids=[3])
    shown = client(server).get(_path(server, made)).json()

    assert shown == made
    assert shown["labels"] == ["drift", "new one"]
    assert (shown["state"], shown["author"]["username"], shown["assignee"]["username"]) == ("opened", "mona", "dev")
    assert shown["task_completion_status"] == {"count": 2, "completed_count": 1}
    assert shown["references"]["full"] == f"sandbox/empty#{made['iid']}"
    assert shown["web_url"] == f"{server.url}/sandbox/empty/-/issues/{made['iid']}"
    assert "subscribed" not in client(server).get(f"{project(server)}/issues").json()[0]


def test_lists_filter_by_label_state_and_person(server: RunningSandbox) -> None:
    one = _create(server, "developer", title="Filter me", labels=["filter::a", "extra"])
    two = _create(server, title="Filter me too", labels=["filter::a"])
    client(server).put(_path(server, two), json={"state_event": "close"})

    def found(**query: str) -> list[int]:
        listed = client(server).get(f"{project(server)}/issues", params=query)
        return sorted(issue["iid"] for issue in listed.json())

    assert found(labels="filter::a") == [one["iid"], two["iid"]]
    assert found(labels="filter::a,extra") == [one["iid"]]
    assert found(labels="filter::a", state="closed") == [two["iid"]]
    assert found(labels="filter::a", author_username="dev") == [one["iid"]]
    assert found(labels="filter::a", **{"not[labels]": "extra"}) == [two["iid"]]
    assert found(search="filter ME too") == [two["iid"]]
    assert found(**{"iids[]": str(one["iid"])}) == [one["iid"]]
    assert one["iid"] not in found(labels="None")
    details = client(server).get(f"{project(server)}/issues?labels=extra&with_labels_details=true").json()
    assert {label["name"] for label in details[0]["labels"]} == {"filter::a", "extra"}


def test_closing_leaves_a_trace_and_reopening_clears_it(server: RunningSandbox) -> None:
    path = _path(server, _create(server))
    closed = client(server, "approver").put(path, json={"state_event": "close"}).json()
    assert (closed["state"], closed["closed_by"]["username"]) == ("closed", "ada")
    reopened = client(server).put(path, json={"state_event": "reopen"}).json()
    assert (reopened["state"], reopened["closed_at"]) == ("opened", None)
    bodies = [note["body"] for note in client(server).get(f"{path}/notes?activity_filter=only_activity").json()]
    assert bodies == ["reopened", "closed"]


def test_labels_are_added_and_removed(server: RunningSandbox) -> None:
    path = _path(server, _create(server, labels=["a", "b"]))
    changed = client(server).put(path, json={"add_labels": "c", "remove_labels": "a"}).json()
    assert changed["labels"] == ["b", "c"]


@pytest.mark.parametrize(("tier", "left"), [(Tier.PREMIUM, ["s::two"]), (Tier.FREE, ["s::one", "s::two"])])
def test_scoped_labels_exclude_each_other_on_premium_only(sandbox: SandboxFactory, tier: Tier, left: list[str]) -> None:
    server = sandbox(tier=tier)
    path = _path(server, _create(server, labels=["s::one"]))
    assert client(server).put(path, json={"add_labels": "s::two"}).json()["labels"] == left


def test_an_update_needs_something_to_change(server: RunningSandbox) -> None:
    answer = client(server).put(_path(server, _create(server)), json={})
    assert answer.status_code == 400
    assert answer.json()["error"].endswith("are missing, at least one parameter must be provided")


def test_only_an_owner_chooses_the_number(server: RunningSandbox) -> None:
    assert _create(server, iid=900)["iid"] != 900
    project_id = server.projects[0]["id"]
    insert = (
        "INSERT INTO members (source_type, source_id, user_id, access_level, created_at)"
        " VALUES ('project', ?, 3, 50, '2026-01-01T00:00:00.000Z')"
    )
    server.call(lambda services: services.database.execute(insert, (project_id,)).rowcount)

    assert _create(server, "developer", iid=900)["iid"] == 900
    again = client(server, "developer").post(f"{project(server)}/issues", json={"title": "Again", "iid": 900})
    assert (again.status_code, again.json()) == (409, {"message": "Duplicated issue"})
    assert _create(server)["iid"] == 901


def test_a_confidential_issue_is_hidden_from_guests(sandbox: SandboxFactory) -> None:
    server = sandbox(fresh=True)
    made = _create(server, confidential=True)
    assert client(server, "reporter").get(_path(server, made)).status_code == 200
    demote = "UPDATE members SET access_level = 10 WHERE user_id = 5"
    server.call(lambda services: services.database.execute(demote).rowcount)

    assert client(server, "reporter").get(_path(server, made)).status_code == 404
    assert client(server, "reporter").get(f"{project(server)}/issues").json() == []


def test_labels_have_colours_and_counts(server: RunningSandbox) -> None:
    path = f"{project(server)}/labels"
    made = client(server, "developer").post(path, json={"name": "counted", "color": "#112233", "priority": 2})
    assert made.status_code == 201
    assert (made.json()["text_color"], made.json()["priority"]) == ("#FFFFFF", 2)
    _create(server, labels=["counted"])

    shown = next(label for label in client(server).get(f"{path}?with_counts=true").json() if label["name"] == "counted")
    assert (shown["open_issues_count"], shown["closed_issues_count"]) == (1, 0)
    again = client(server).post(path, json={"name": "counted", "color": "#112233"})
    assert (again.status_code, again.json()) == (409, {"message": "Label already exists"})
    bad = client(server).post(path, json={"name": "other", "color": "reddish"})
    assert bad.json() == {"message": {"color": ["must be a valid color code"]}}
    assert client(server).put(f"{path}/counted", json={"new_name": "renamed"}).json()["name"] == "renamed"
    assert client(server).delete(f"{path}/renamed").status_code == 204


def test_a_reaction_is_given_once_and_taken_back_by_its_owner(server: RunningSandbox) -> None:
    path = f"{_path(server, _create(server))}/award_emoji"
    given = client(server, "reporter").post(path, json={"name": "thumbsup"})
    assert (given.status_code, given.json()["user"]["username"]) == (201, "rita")
    again = client(server, "reporter").post(path, json={"name": "thumbsup"})
    assert (again.status_code, again.json()) == (
        404,
        {"message": "404 Award Emoji Name has already been taken Not Found"},
    )
    assert client(server).get(path.removesuffix("/award_emoji")).json()["upvotes"] == 1
    assert client(server).delete(f"{path}/{given.json()['id']}").status_code == 401
    assert client(server, "reporter").delete(f"{path}/{given.json()['id']}").status_code == 204


def _open_merge_request(server: RunningSandbox) -> str:
    opened = client(server).get("/projects/acme%2Fdemand/merge_requests?state=opened").json()
    return f"/projects/acme%2Fdemand/merge_requests/{opened[0]['iid']}"


def test_a_merge_request_is_approved_once_and_not_by_its_author(sandbox: SandboxFactory) -> None:
    server = sandbox(world=World.DEMO)
    path = _open_merge_request(server)

    author = client(server, "developer").post(f"{path}/approve")
    assert (author.status_code, author.json()) == (401, {"message": "401 Unauthorized"})
    head = client(server).get(path).json()["sha"]
    stale = client(server, "approver").post(f"{path}/approve", json={"sha": "0" * 40})
    assert (stale.status_code, stale.json()) == (409, {"message": f"SHA does not match HEAD of source branch: {head}"})
    approved = client(server, "approver").post(f"{path}/approve", json={"sha": head})
    assert approved.status_code == 201
    assert [vote["user"]["username"] for vote in approved.json()["approved_by"]] == ["ada"]
    assert client(server, "approver").post(f"{path}/approve").status_code == 401
    assert client(server, "approver").post(f"{path}/unapprove").status_code == 201
    assert client(server, "approver").post(f"{path}/unapprove").json() == {"message": "404 Not Found"}
