"""GitLab's own Python client walks the sandbox."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import gitlab
import pytest

from mlops_tui.sandbox.settings import Release, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory


@pytest.fixture(scope="module", params=[Release.V18_9, Release.V19], ids=str)
def server(sandbox: SandboxFactory, request: pytest.FixtureRequest) -> RunningSandbox:
    return sandbox(world=World.DEMO, gitlab=request.param)


@pytest.fixture(scope="module")
def connection(server: RunningSandbox) -> Iterator[gitlab.Gitlab]:
    with gitlab.Gitlab(server.url, private_token=server.tokens["maintainer"]) as connection:
        connection.session.trust_env = False
        connection.auth()
        yield connection


def test_who_and_what(connection: gitlab.Gitlab, server: RunningSandbox) -> None:
    assert connection.user is not None
    assert connection.user.username == "mona"
    assert connection.version() == (server.settings.version, "ceb07b24cb0")
    token = connection.personal_access_tokens.get("self")
    assert token.scopes == ["api"]
    assert connection.users.list(username="rita")[0].id == 5


def test_projects_by_id_path_and_keyset(connection: gitlab.Gitlab, server: RunningSandbox) -> None:
    by_path = connection.projects.get("acme/fraud")
    assert by_path.id == server.project_id("acme/fraud")
    assert connection.projects.get(by_path.id).path_with_namespace == "acme/fraud"
    listed = connection.projects.list(iterator=True, pagination="keyset", order_by="id", per_page=2)
    assert {item.path for item in listed} == {"fraud", "churn", "demand"}
    assert len(connection.groups.get("acme").projects.list(get_all=True)) == 3
    assert {member.username for member in by_path.members_all.list(get_all=True)} >= {"mona", "ada"}
    with pytest.raises(gitlab.GitlabGetError) as missing:
        connection.projects.get("acme/none")
    assert (missing.value.response_code, missing.value.error_message) == (404, "404 Project Not Found")


def test_files_and_commits(connection: gitlab.Gitlab) -> None:
    project = connection.projects.get("acme/fraud", lazy=True)
    file = project.files.get(".gitlab/mlops.yml", ref="main")
    assert b"version: 1" in file.decode()
    assert project.files.raw("train.py", ref="main").startswith(b'"""Train')
    commits = project.commits.list(get_all=True, per_page=20)
    assert commits[-1].title == "Start the fraud model"
    commit = project.commits.get(commits[0].id)
    assert commit.stats["total"] >= 0
    assert len(project.repository_tree(recursive=True, get_all=True)) >= 7
    assert project.branches.get("main").protected is True


def test_writing_a_file(connection: gitlab.Gitlab) -> None:
    project = connection.projects.get("acme/churn")
    body = {"file_path": "notes/a b.txt", "branch": "main", "content": "one", "commit_message": "Note"}
    project.files.create(body)
    file = project.files.get("notes/a b.txt", ref="main")
    file.content = base64.b64encode(b"two").decode()
    file.save(branch="main", commit_message="Change", encoding="base64")
    assert project.files.get("notes/a b.txt", ref="main").decode() == b"two"
    file.delete(branch="main", commit_message="Remove")
    with pytest.raises(gitlab.GitlabGetError):
        project.files.get("notes/a b.txt", ref="main")


def test_issues_notes_labels_and_reactions(connection: gitlab.Gitlab) -> None:
    project = connection.projects.get("acme/churn")
    label = project.labels.create({"name": "by client", "color": "#00ff00"})
    issue = project.issues.create({"title": "From the client", "labels": ["by client"]})
    note = issue.notes.create({"body": "A note"})
    assert [item.body for item in issue.notes.list(get_all=True)] == ["A note"]
    note.body = "Another"
    note.save()
    issue.awardemojis.create({"name": "thumbsup"})
    issue.state_event = "close"
    issue.save()
    again = project.issues.get(issue.iid)
    assert (again.state, again.labels, again.upvotes) == ("closed", ["by client"], 1)
    assert [item.iid for item in project.issues.list(labels=["by client"], get_all=True)] == [issue.iid]
    note.delete()
    label.delete()


def test_merge_requests(connection: gitlab.Gitlab) -> None:
    project = connection.projects.get("acme/demand")
    merged = project.mergerequests.list(state="merged", get_all=True)
    assert merged
    request = project.mergerequests.get(merged[0].iid)
    commits = list(request.commits())
    assert request.sha in {commit.id for commit in commits}
    linked = project.commits.get(request.sha).merge_requests()
    assert [item["iid"] for item in linked] == [request.iid]


def test_an_error_is_understood(connection: gitlab.Gitlab) -> None:
    project = connection.projects.get("acme/churn")
    with pytest.raises(gitlab.GitlabCreateError) as refused:
        project.issues.create({"title": " "})
    assert refused.value.response_code == 400
