"""Repository files, commits, branches and tags."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

from mlops_tui.sandbox.settings import World
from tests.sandbox.factory import client, project

if TYPE_CHECKING:
    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory

_FRAUD = "/projects/acme%2Ffraud/repository"


@pytest.fixture(scope="module")
def demo(sandbox: SandboxFactory) -> RunningSandbox:
    return sandbox(world=World.DEMO)


@pytest.fixture(scope="module")
def writable(sandbox: SandboxFactory) -> RunningSandbox:
    return sandbox(fresh=True)


def test_json_raw_and_head_agree(demo: RunningSandbox) -> None:
    path = f"{_FRAUD}/files/.gitlab%2Fmlops.yml"
    shown = client(demo).get(path, params={"ref": "main"}).json()
    content = base64.b64decode(shown["content"])
    raw = client(demo).get(f"{path}/raw")
    head = client(demo).head(path, params={"ref": "main"})

    assert content.startswith(b"# How the fraud model")
    assert raw.content == content
    assert shown["content_sha256"] == hashlib.sha256(content).hexdigest()
    assert shown["size"] == len(content)
    assert head.content == b""
    for name in ("blob_id", "commit_id", "last_commit_id", "content_sha256", "file_path"):
        header = "x-gitlab-" + name.replace("_", "-")
        assert head.headers[header] == raw.headers[header] == shown[name]
    assert raw.headers["content-type"].startswith("text/plain")
    assert "no-store" in raw.headers["cache-control"]
    assert "etag" not in raw.headers


def test_a_blob_has_gits_own_id(demo: RunningSandbox) -> None:
    shown = client(demo).get(f"{_FRAUD}/files/README.md?ref=main").json()
    content = base64.b64decode(shown["content"])
    expected = hashlib.sha1(b"blob " + str(len(content)).encode() + b"\0" + content).hexdigest()

    assert shown["blob_id"] == expected


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("README.md?ref=nowhere", {"message": "404 Commit Not Found"}),
        ("nothing.txt?ref=main", {"message": "404 File Not Found"}),
    ],
)
def test_what_is_missing_is_named(demo: RunningSandbox, path: str, body: dict[str, str]) -> None:
    answer = client(demo).get(f"{_FRAUD}/files/{path}")
    assert (answer.status_code, answer.json()) == (404, body)


def test_the_ref_must_be_given(demo: RunningSandbox) -> None:
    answer = client(demo).get(f"{_FRAUD}/files/README.md")
    assert (answer.status_code, answer.json()) == (400, {"error": "ref is missing"})


def test_an_older_commit_shows_the_older_file(writable: RunningSandbox) -> None:
    path = f"{project(writable)}/repository/files/folder%2Fvalue.txt"
    body = {"branch": "main", "commit_message": "One", "content": "one"}
    created = client(writable).post(path, json=body)
    assert (created.status_code, created.json()) == (201, {"file_path": "folder/value.txt", "branch": "main"})
    first = client(writable).get(path, params={"ref": "main"}).json()["commit_id"]
    two = base64.b64encode(b"two").decode()
    body = {"branch": "main", "commit_message": "Two", "content": two, "encoding": "base64"}
    assert client(writable).put(path, json=body).status_code == 200

    assert client(writable).get(f"{path}/raw").text == "two"
    assert client(writable).get(f"{path}/raw", params={"ref": first[:12]}).text == "one"
    commits = client(writable).get(f"{project(writable)}/repository/commits", params={"path": "folder"}).json()
    assert [commit["title"] for commit in commits] == ["Two", "One"]
    assert commits[0]["parent_ids"] == [first]


def test_a_protected_branch_is_for_maintainers(writable: RunningSandbox) -> None:
    path = f"{project(writable)}/repository/files/mine.txt"
    body = {"branch": "main", "commit_message": "Mine", "content": "mine"}
    refused = client(writable, "developer").post(path, json=body)
    assert refused.json() == {"message": "403 Forbidden - You are not allowed to push into this branch"}

    body |= {"branch": "mine", "start_branch": "main"}
    assert client(writable, "developer").post(path, json=body).status_code == 201
    branch = client(writable).get(f"{project(writable)}/repository/branches/mine").json()
    assert branch["commit"]["title"] == "Mine"
    assert (branch["default"], branch["protected"]) == (False, False)
    assert client(writable).get(f"{path}/raw", params={"ref": "main"}).status_code == 404
    assert client(writable).delete(path, params={"branch": "mine", "commit_message": "Gone"}).status_code == 204
    assert client(writable).get(f"{path}/raw", params={"ref": "mine"}).status_code == 404


def test_a_guest_cannot_read_private_code(sandbox: SandboxFactory) -> None:
    server = sandbox(fresh=True)
    demote = "UPDATE members SET access_level = 10 WHERE user_id = 5"
    server.call(lambda services: services.database.execute(demote).rowcount)

    assert client(server, "reporter").get(project(server)).status_code == 200
    assert client(server, "reporter").get(f"{project(server)}/repository/commits").status_code == 403


def test_the_tree_lists_folders_before_files(demo: RunningSandbox) -> None:
    top = client(demo).get(f"{_FRAUD}/tree").json()
    everything = client(demo).get(f"{_FRAUD}/tree?recursive=true&ref=main").json()

    assert [entry["path"] for entry in top[:2]] == [".gitlab", ".gitlab-ci.yml"]
    assert ".gitlab/mlops.yml" in [entry["path"] for entry in everything]


def test_history_runs_back_from_a_ref(demo: RunningSandbox) -> None:
    commits = client(demo).get(f"{_FRAUD}/commits", params={"per_page": 100}).json()

    assert commits[-1]["title"] == "Start the fraud model"
    assert commits[-1]["parent_ids"] == []
    dates = [commit["committed_date"] for commit in commits]
    assert dates == sorted(dates, reverse=True)
    merges = [commit for commit in commits if len(commit["parent_ids"]) == 2]
    first_parents = client(demo).get(f"{_FRAUD}/commits", params={"per_page": 100, "first_parent": True}).json()
    assert merges
    assert len(first_parents) < len(commits)
    since = client(demo).get(f"{_FRAUD}/commits", params={"since": commits[3]["created_at"], "per_page": 100}).json()
    assert [commit["id"] for commit in since] == [commit["id"] for commit in commits[:4]]


def test_one_commit_by_sha_short_sha_and_branch(demo: RunningSandbox) -> None:
    by_branch = client(demo).get(f"{_FRAUD}/commits/main").json()
    by_short = client(demo).get(f"{_FRAUD}/commits/{by_branch['short_id']}").json()

    assert by_branch["id"] == by_short["id"]
    assert by_branch["stats"]["total"] == by_branch["stats"]["additions"] + by_branch["stats"]["deletions"]
    assert "last_pipeline" in by_branch
    assert "stats" not in client(demo).get(f"{_FRAUD}/commits/main?stats=false").json()
    unknown = client(demo).get(f"{_FRAUD}/commits/{'0' * 40}")
    assert (unknown.status_code, unknown.json()) == (404, {"message": "404 Commit Not Found"})
    bad = client(demo).get(f"{_FRAUD}/commits?ref_name=nowhere")
    assert (bad.status_code, bad.json()) == (400, {"error": "ref_name is invalid"})


def test_a_commit_leads_to_its_merge_request(demo: RunningSandbox) -> None:
    commits = client(demo).get(f"{_FRAUD}/commits", params={"per_page": 100}).json()
    merge = next(commit for commit in commits if len(commit["parent_ids"]) == 2)

    requests = client(demo).get(f"{_FRAUD}/commits/{merge['parent_ids'][1]}/merge_requests").json()

    assert [request["merge_commit_sha"] for request in requests] == [merge["id"]]
    assert requests[0]["state"] == "merged"
    assert client(demo).get(f"{_FRAUD}/commits/{commits[-1]['id']}/merge_requests").json() == []
    path = f"/projects/acme%2Ffraud/merge_requests/{requests[0]['iid']}"
    assert client(demo).get(path).json()["sha"] == merge["parent_ids"][1]
    shas = [commit["id"] for commit in client(demo).get(f"{path}/commits").json()]
    assert merge["parent_ids"][1] in shas


def test_tags_can_be_made_once(writable: RunningSandbox) -> None:
    path = f"{project(writable)}/repository/tags"
    body = {"tag_name": "empty/1.0.0", "ref": "main", "message": "The first"}

    assert client(writable, "developer").post(path, json=body).status_code == 201
    again = client(writable, "developer").post(path, json=body)
    assert again.json() == {"message": "400 Bad request - Tag empty/1.0.0 already exists"}
    tag = client(writable).get(f"{path}/empty%2F1.0.0").json()
    assert tag["target"] == client(writable).get(f"{project(writable)}/repository/commits/empty%2F1.0.0").json()["id"]
    assert client(writable, "reporter").post(path, json=body).status_code == 403
