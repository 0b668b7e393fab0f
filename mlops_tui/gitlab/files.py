"""Files of a project's repository."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from mlops_tui.domain.errors import NotFoundError
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.gitlab.transport import Transport


@dataclass(frozen=True, slots=True)
class RepositoryFile:
    """A file's text as it was at ``commit``, the last commit that touched it."""

    path: str
    text: str
    commit: str


async def read_file(transport: Transport, project: ProjectRef, path: str, ref: str) -> RepositoryFile | None:
    """One file, or None when the repository has none of that path at ``ref``; it is not cleaned, only decoded."""
    route = f"/api/v4/projects/{project.id}/repository/files/{quote(path, safe='')}/raw"
    try:
        answer = await transport.get(route, params={"ref": ref})
    except NotFoundError:
        return None
    return RepositoryFile(path, answer.text, answer.headers.get("x-gitlab-last-commit-id", ""))
