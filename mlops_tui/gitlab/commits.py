"""Commits and the merge requests that brought them."""

from __future__ import annotations

from urllib.parse import quote

from mlops_tui.domain.commits import Commit, MergeRequestRef
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.gitlab.payloads import Moment, Name, Payload, read, read_all
from mlops_tui.gitlab.transport import Transport


class _Commit(Payload):
    id: Name
    title: Name = ""
    author_name: Name = ""
    committed_date: Moment | None = None
    web_url: Name = ""


class _MergeRequest(Payload):
    iid: int
    title: Name = ""
    state: Name = ""
    web_url: Name = ""


async def get_commit(transport: Transport, project: ProjectRef, sha: str) -> Commit:
    """One commit by its hash, a branch or a tag."""
    answer = await transport.get(f"/api/v4/projects/{project.id}/repository/commits/{quote(sha, safe='')}")
    row = read(_Commit, answer.json(), "the commit")
    return Commit(row.id, row.title, row.author_name, row.committed_date, row.web_url)


async def merge_requests_of(transport: Transport, project: ProjectRef, sha: str) -> list[MergeRequestRef]:
    """The merge requests that contain a commit."""
    path = f"/api/v4/projects/{project.id}/repository/commits/{quote(sha, safe='')}/merge_requests"
    found: list[MergeRequestRef] = []
    async for rows in transport.pages(path):
        found += [
            MergeRequestRef(row.iid, row.title, row.state, row.web_url)
            for row in read_all(_MergeRequest, rows, "the merge requests")
        ]
    return found
