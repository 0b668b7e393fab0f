"""Who is let in, with which token, and how others are refused."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from mlops_tui.sandbox.authentication import issue_job_token, revoke_job_token
from mlops_tui.sandbox.settings import World
from tests.sandbox.factory import client, project

if TYPE_CHECKING:
    from mlops_tui.sandbox.request import Services
    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory


@pytest.fixture(scope="module")
def server(sandbox: SandboxFactory) -> RunningSandbox:
    return sandbox()


@pytest.mark.parametrize("way", ["PRIVATE-TOKEN", "Bearer", "private_token", "access_token"])
def test_a_token_is_taken_in_every_way_gitlab_takes_it(server: RunningSandbox, way: str) -> None:
    secret = server.tokens["developer"]
    headers = {"PRIVATE-TOKEN": secret} if way == "PRIVATE-TOKEN" else {}
    headers |= {"Authorization": f"Bearer {secret}"} if way == "Bearer" else {}
    query = {way: secret} if way.endswith("_token") else {}

    answer = client(server, role=None).get("/user", headers=headers, params=query)

    assert answer.status_code == 200
    assert answer.json()["username"] == "dev"


def test_a_token_in_a_form_body_is_taken(server: RunningSandbox) -> None:
    form = {"private_token": server.tokens["developer"], "title": "From a form"}

    answer = client(server, role=None).post(f"{project(server)}/issues", data=form)

    assert answer.status_code == 201
    assert answer.json()["author"]["username"] == "dev"


@pytest.mark.parametrize("headers", [{}, {"PRIVATE-TOKEN": "glpat-" + "x" * 20}])
def test_without_a_good_token_there_is_401(server: RunningSandbox, headers: dict[str, str]) -> None:
    answer = client(server, role=None).get("/user", headers=headers)

    assert (answer.status_code, answer.json()) == (401, {"message": "401 Unauthorized"})


def test_an_expired_token_says_so(server: RunningSandbox) -> None:
    yesterday = (server.clock.now() - timedelta(days=1)).date().isoformat()
    answer = client(server, token=server.make_token(expires_at=yesterday)).get("/user")

    assert answer.status_code == 401
    assert answer.json() == {
        "error": "invalid_token",
        "error_description": "Token is expired. You can either do re-authorization or token refresh.",
    }
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_token_that_revokes_itself_is_refused_afterwards(server: RunningSandbox) -> None:
    api = client(server, token=server.make_token())

    assert api.delete("/personal_access_tokens/self").status_code == 204
    answer = api.get("/user")

    assert answer.status_code == 401
    assert answer.json()["error_description"] == "Token was revoked. You have to re-authorize from the user."


def test_rotation_replaces_a_token(server: RunningSandbox) -> None:
    api = client(server, token=server.make_token(scopes=("self_rotate", "read_user")))

    answer = api.post("/personal_access_tokens/self/rotate")

    assert answer.status_code == 200
    assert api.get("/user").status_code == 401
    assert client(server, token=answer.json()["token"]).get("/user").status_code == 200


def test_a_reading_token_may_not_write(server: RunningSandbox) -> None:
    api = client(server, token=server.make_token(scopes=("read_api",)))

    assert api.get(f"{project(server)}/issues").status_code == 200
    answer = api.post(f"{project(server)}/issues", json={"title": "No"})

    assert answer.status_code == 403
    assert answer.json() == {
        "error": "insufficient_scope",
        "error_description": "The request requires higher privileges than provided by the access token.",
        "scope": "api read_api",
    }


def test_a_refusal_names_every_scope_of_the_route(server: RunningSandbox) -> None:
    api = client(server, token=server.make_token(scopes=("read_repository",)))

    assert api.get(f"{project(server)}/repository/files/README.md?ref=main").status_code == 200
    assert api.get("/user").json()["scope"] == "api read_api read_user"


def test_a_token_tells_about_itself_whatever_its_scope(server: RunningSandbox) -> None:
    answer = client(server, token=server.make_token(scopes=("read_repository",))).get("/personal_access_tokens/self")

    about = answer.json()
    assert about["scopes"] == ["read_repository"]
    assert (about["active"], about["revoked"], about["user_id"]) == (True, False, 2)
    assert "token" not in about


def _job_token(server: RunningSandbox, job_id: int, path: str) -> str:
    def issue(services: Services) -> str:
        return issue_job_token(services.database, job_id, server.project_id(path), 3)

    return server.call(issue)


def test_a_job_token_reaches_only_what_ci_may(server: RunningSandbox) -> None:
    secret = _job_token(server, 1001, server.projects[0]["path"])
    api = client(server, role=None)
    headers = {"JOB-TOKEN": secret}

    assert api.get(f"{project(server)}/issues", headers=headers).status_code == 200
    assert api.get("/user", headers=headers).status_code == 401
    assert api.post(f"{project(server)}/issues", headers=headers, json={"title": "No"}).status_code == 401
    bearer = api.get("/user", headers={"Authorization": f"Bearer {secret}"})
    assert (bearer.status_code, bearer.json()) == (401, {"message": "401 Unauthorized"})


def test_a_job_token_ends_with_its_job(server: RunningSandbox) -> None:
    secret = _job_token(server, 1002, server.projects[0]["path"])
    server.call(lambda services: revoke_job_token(services.database, 1002))

    answer = client(server, role=None).get(f"{project(server)}/issues", headers={"JOB-TOKEN": secret})

    assert answer.status_code == 401


def test_a_job_token_needs_the_consent_of_another_project(sandbox: SandboxFactory) -> None:
    demo = sandbox(world=World.DEMO)
    headers = {"JOB-TOKEN": _job_token(demo, 900_001, "acme/churn")}
    fraud = f"/projects/{demo.project_id('acme/fraud')}/issues"

    answer = client(demo, role=None).get(fraud, headers=headers)

    assert answer.status_code == 403
    assert answer.json() == {
        "message": "403 Forbidden - Authentication by CI/CD job token not allowed from acme/churn to acme/fraud."
    }


def test_tokens_are_stored_as_digests_only(server: RunningSandbox) -> None:
    secrets = [secret.encode() for secret in server.tokens.values()]

    for file in server.data.glob("sandbox.db*"):
        content = file.read_bytes()
        assert not any(secret in content for secret in secrets)


def test_the_version_needs_a_user_but_no_more_than_read_user(server: RunningSandbox) -> None:
    assert httpx.get(f"{server.url}/api/v4/version").status_code == 401
    answer = client(server, token=server.make_token("reporter", scopes=("read_user",))).get("/version")
    assert answer.json()["version"].endswith("-ee")
