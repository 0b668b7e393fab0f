"""Refusals, to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mlops_tui.sandbox.settings import World
from tests.sandbox.factory import client, project

if TYPE_CHECKING:
    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory


@pytest.fixture(scope="module")
def server(sandbox: SandboxFactory) -> RunningSandbox:
    return sandbox()


def test_an_unknown_route(server: RunningSandbox) -> None:
    answer = client(server).get("/no/such/route")
    assert (answer.status_code, answer.json()) == (404, {"error": "404 Not Found"})


def test_a_known_route_with_the_wrong_verb(server: RunningSandbox) -> None:
    answer = client(server).delete("/version")
    assert (answer.status_code, answer.json()) == (405, {"error": "405 Not Allowed"})


@pytest.mark.parametrize("reference", ["999999", "acme%2Fnothing", "0"])
def test_an_unknown_project(server: RunningSandbox, reference: str) -> None:
    answer = client(server).get(f"/projects/{reference}")
    assert (answer.status_code, answer.json()) == (404, {"message": "404 Project Not Found"})


def test_a_private_project_is_unknown_to_strangers(server: RunningSandbox) -> None:
    answer = client(server, role=None).get(project(server))
    assert (answer.status_code, answer.json()) == (404, {"message": "404 Project Not Found"})


def test_a_path_that_is_not_encoded_is_no_route(sandbox: SandboxFactory) -> None:
    answer = client(sandbox(world=World.DEMO)).get("/projects/acme/fraud")
    assert (answer.status_code, answer.json()) == (404, {"error": "404 Not Found"})


def test_a_record_inside_a_visible_project_is_not_found_with_a_small_f(server: RunningSandbox) -> None:
    answer = client(server).get(f"{project(server)}/issues/4711")
    assert (answer.status_code, answer.json()) == (404, {"message": "404 Not found"})


def test_missing_and_wrong_parameters_are_joined(server: RunningSandbox) -> None:
    api = client(server)
    assert api.post(f"{project(server)}/issues", json={}).json() == {"error": "title is missing"}
    answer = api.get(f"{project(server)}/issues", params={"state": "ajar", "author_id": "mona"})
    assert answer.status_code == 400
    assert answer.json() == {"error": "state does not have a valid value, author_id is invalid"}


def test_an_id_that_is_no_number(server: RunningSandbox) -> None:
    answer = client(server).get(f"{project(server)}/issues/first")
    assert (answer.status_code, answer.json()) == (400, {"error": "issue_iid is invalid"})


def test_a_body_that_is_no_json(server: RunningSandbox) -> None:
    headers = {"Content-Type": "application/json"}
    answer = client(server).post(f"{project(server)}/issues", content=b'{"title": ', headers=headers)
    assert answer.status_code == 400
    assert "message body does not match declared format" in answer.json()["error"]


def test_a_role_that_is_too_low(server: RunningSandbox) -> None:
    answer = client(server, "reporter").put(project(server), json={"description": "Mine"})
    assert (answer.status_code, answer.json()) == (403, {"message": "403 Forbidden"})


def test_a_moved_project_redirects_readers_only(sandbox: SandboxFactory) -> None:
    server = sandbox(fresh=True)
    number = server.projects[0]["id"]
    move = "INSERT INTO project_redirects (full_path, project_id) VALUES ('old/place', ?)"
    server.call(lambda services: services.database.execute(move, (number,)).rowcount)

    reading = client(server).get("/projects/old%2Fplace/issues", follow_redirects=False)
    assert reading.status_code == 301
    assert reading.headers["location"] == f"{server.url}/api/v4/projects/{number}/issues"
    assert reading.text == f"This resource has been moved permanently to {reading.headers['location']}"
    writing = client(server).post("/projects/old%2Fplace/issues", json={"title": "No"})
    assert writing.status_code == 405
    assert writing.json() == {"message": "Non GET methods are not allowed for moved projects"}
