"""Projects, groups and members: what they show to whom, and what gives the tier away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mlops_tui.sandbox.settings import Release, Tier, World
from tests.sandbox.factory import client, project

if TYPE_CHECKING:
    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory


@pytest.fixture(scope="module")
def demo(sandbox: SandboxFactory) -> RunningSandbox:
    return sandbox(world=World.DEMO)


def test_a_project_is_found_by_id_and_by_encoded_path(demo: RunningSandbox) -> None:
    by_path = client(demo).get("/projects/acme%2Ffraud").json()
    by_id = client(demo).get(f"/projects/{demo.project_id('acme/fraud')}").json()

    assert by_path == by_id
    assert by_path["path_with_namespace"] == "acme/fraud"
    assert by_path["default_branch"] == "main"
    assert by_path["web_url"] == f"{demo.url}/acme/fraud"


def test_the_announced_projects_are_those_of_the_world(demo: RunningSandbox, sandbox: SandboxFactory) -> None:
    assert [item["path"] for item in demo.projects] == ["acme/fraud", "acme/churn", "acme/demand"]
    assert [item["path"] for item in sandbox().projects] == ["sandbox/empty"]


@pytest.mark.parametrize(("role", "level"), [("maintainer", 40), ("developer", 30), ("approver", 40), ("reporter", 20)])
def test_permissions_tell_the_callers_role(demo: RunningSandbox, role: str, level: int) -> None:
    permissions = client(demo, role).get("/projects/acme%2Ffraud").json()["permissions"]

    assert permissions["project_access"] is None
    assert permissions["group_access"]["access_level"] == level


@pytest.mark.parametrize(
    ("tier", "present"),
    [
        (Tier.CE, set()),
        (Tier.FREE, set()),
        (Tier.PREMIUM, {"approvals_before_merge", "allow_pipeline_trigger_approve_deployment"}),
        (
            Tier.ULTIMATE,
            {
                "approvals_before_merge",
                "allow_pipeline_trigger_approve_deployment",
                "only_allow_merge_if_all_status_checks_passed",
            },
        ),
    ],
)
def test_the_tier_shows_in_the_keys_of_a_project(sandbox: SandboxFactory, tier: Tier, present: set[str]) -> None:
    server = sandbox(tier=tier)
    telling = {
        "approvals_before_merge",
        "allow_pipeline_trigger_approve_deployment",
        "only_allow_merge_if_all_status_checks_passed",
    }

    assert telling & client(server).get(project(server)).json().keys() == present
    metadata = client(server).get("/metadata").json()
    assert metadata["enterprise"] is (tier is not Tier.CE)
    assert metadata["version"].endswith("-ee") is (tier is not Tier.CE)


@pytest.mark.parametrize(("release", "prefix"), [(Release.V18_9, "18.9."), (Release.V19, "19.")])
def test_version_and_metadata_answer_the_same(sandbox: SandboxFactory, release: Release, prefix: str) -> None:
    server = sandbox(gitlab=release)
    version = client(server).get("/version").json()

    assert version == client(server).get("/metadata").json()
    assert version["version"].startswith(prefix)


def test_lists_show_what_the_caller_may_see(demo: RunningSandbox) -> None:
    names = [item["path"] for item in client(demo).get("/projects?order_by=name&sort=asc").json()]

    assert names == ["churn", "demand", "fraud"]
    assert client(demo, role=None).get("/projects").json() == []
    assert client(demo, "reporter").get("/projects?min_access_level=30").json() == []
    assert len(client(demo, "developer").get("/projects?membership=true&search=fra").json()) == 1


def test_a_group_lists_its_projects(demo: RunningSandbox) -> None:
    group = client(demo).get("/groups/acme").json()
    listed = client(demo).get(f"/groups/{group['id']}/projects?simple=true&include_subgroups=true").json()

    assert {item["path_with_namespace"] for item in listed} == {"acme/fraud", "acme/churn", "acme/demand"}
    assert "permissions" not in listed[0]
    assert client(demo, role=None).get("/groups/acme").status_code == 404


def test_a_public_project_is_seen_by_anyone(sandbox: SandboxFactory) -> None:
    server = sandbox(fresh=True)
    assert client(server).put(project(server), json={"visibility": "public"}).status_code == 200

    answer = client(server, role=None).get(project(server))

    assert answer.status_code == 200
    assert "permissions" not in answer.json()
    assert client(server, role=None).post(f"{project(server)}/issues", json={"title": "No"}).status_code == 401


def test_settings_are_kept(sandbox: SandboxFactory) -> None:
    server = sandbox(fresh=True)
    change = {"ci_pipeline_variables_minimum_override_role": "maintainer", "model_registry_access_level": "disabled"}
    assert client(server).put(project(server), json=change).status_code == 200

    shown = client(server).get(project(server)).json()

    assert {name: shown[name] for name in change} == change


def test_members_are_inherited(demo: RunningSandbox) -> None:
    path = "/projects/acme%2Ffraud/members"

    assert client(demo).get(path).json() == []
    everyone = {member["username"]: member["access_level"] for member in client(demo).get(f"{path}/all").json()}
    assert everyone == {"mona": 40, "dev": 30, "ada": 40, "rita": 20, "sam": 30}
    assert client(demo).get(f"{path}/all/5").json()["access_level"] == 20
    missing = client(demo).get(f"{path}/all/1")
    assert (missing.status_code, missing.json()) == (404, {"message": "404 Not found"})


def test_a_member_added_to_a_project_counts_with_the_highest_level(sandbox: SandboxFactory) -> None:
    server = sandbox(fresh=True)
    path = f"{project(server)}/members"

    assert client(server, "developer").post(path, json={"user_id": 5, "access_level": 30}).status_code == 403
    assert client(server).post(path, json={"user_id": 5, "access_level": 30}).status_code == 201
    assert client(server).post(path, json={"user_id": 5, "access_level": 30}).status_code == 409
    assert client(server).get(f"{path}/all/5").json()["access_level"] == 30
    assert client(server).put(f"{path}/5", json={"access_level": 10}).status_code == 200
    assert client(server).get(f"{path}/all/5").json()["access_level"] == 20
    assert client(server).delete(f"{path}/5").status_code == 204
    assert client(server).get(f"{path}/5").status_code == 404


def test_people_are_found_by_name(demo: RunningSandbox) -> None:
    found = client(demo).get("/users?username=dev").json()

    assert [user["id"] for user in found] == [3]
    assert client(demo).get("/users/3").json()["job_title"] == "Data scientist"
    assert client(demo).get("/users/999").json() == {"message": "404 User Not Found"}
    assert client(demo, role=None).get("/users").status_code == 403
