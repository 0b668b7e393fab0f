"""Evidence sheets as files of a version's package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.canonical import JsonValue, plain
from mlops_tui.domain.errors import NotAllowedError, NotFoundError
from mlops_tui.domain.evidence_sheets import file_name, is_intact
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.gitlab.transport import Transport


def store_call(project: ProjectRef, version_id: int, evidence: str, sheet: Mapping[str, JsonValue]) -> ApiCall:
    """Keep a sheet beside the model's files (GitLab: lib/api/ml_model_packages.rb)."""
    body = plain(sheet)
    assert isinstance(body, Mapping)  # noqa: S101 - a mapping is spelled as a mapping
    return ApiCall(Method.PUT, _path(project, version_id, evidence), body, "keep the evidence sheet with the version")


async def read_sheet(
    transport: Transport, project: ProjectRef, version_id: int, evidence: str
) -> dict[str, Any] | None:
    """A kept sheet that is still the one its digest names, or None."""
    try:
        answer = await transport.get(_path(project, version_id, evidence))
        kept = json.loads(answer.body)
    except (NotFoundError, NotAllowedError, ValueError):
        return None
    is_it = isinstance(kept, dict) and kept.get("digest") == evidence and is_intact(kept)
    return kept if is_it else None


def _path(project: ProjectRef, version_id: int, evidence: str) -> str:
    return f"/api/v4/projects/{project.id}/packages/ml_models/{version_id}/files/{file_name(evidence)}"
