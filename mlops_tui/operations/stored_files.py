"""Files that monitoring keeps with a model version: which are there, what they hold, and whether one arrived."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from mlops_tui.domain.actions import Intent
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.artifacts import Artifact
from mlops_tui.domain.errors import GateError, InvalidRequestError, NotFoundError
from mlops_tui.domain.models import ModelVersion
from mlops_tui.domain.monitoring_files import is_monitoring_file
from mlops_tui.domain.projects import Project, ProjectRef
from mlops_tui.gitlab.artifacts import list_artifacts, read_artifact
from mlops_tui.operations.models import read_version
from mlops_tui.operations.session import Session
from mlops_tui.storage.cache import CacheEntry

# A profile of a thousand features with a thousand bins each has about 20 MB.
LARGEST = 64 * 1024 * 1024

# Files are the same for every context, and known by their digest.
_EVERY_CONTEXT = ""
_FORMAT = "file"


async def stored_files(session: Session, version: ModelVersion | None) -> dict[str, Artifact]:
    """The files of monitoring that a version has, by their path."""
    if version is None or version.package_id is None:
        return {}
    try:
        files = await list_artifacts(session.transport, version.project, version.package_id)
    except NotFoundError:
        return {}
    return {item.path: item for item in files if is_monitoring_file(item.path)}


async def read_stored_file(session: Session, project: ProjectRef, file: Artifact) -> bytes:
    """What a file holds; it is fetched once and then known by its digest.

    Raises:
        GateError: it is not what the registry keeps the checksum of.
        InvalidRequestError: it is larger than any such file.
    """
    key = f"file {file.sha256}"
    kept = session.cache.get(_EVERY_CONTEXT, key, format=_FORMAT) if file.sha256 else None
    if kept is not None and hashlib.sha256(kept.body).hexdigest() == file.sha256:
        return kept.body
    if file.size > LARGEST:
        raise InvalidRequestError(f"{file.path} is not read", why=f"it has {file.size:,} bytes, more than it may")
    data = await read_artifact(session.transport, project, file, LARGEST)
    digest = hashlib.sha256(data).hexdigest()
    if file.sha256 and digest != file.sha256:
        raise GateError(
            f"{file.path} was not used",
            why=f"its SHA-256 is {digest}, the registry says {file.sha256}",
            remedy="Try again; if it stays so, the stored file is damaged",
        )
    entry = CacheEntry(_FORMAT, session.clock.now(), session.transport.host.name, data)
    await session.cache.put(_EVERY_CONTEXT, f"file {digest}", entry)
    return data


async def traces_of_storing(session: Session, project: Project, intent: Intent, calls: Sequence[ApiCall]) -> list[str]:
    """Whether the files of an intent are there, which are sent after everything else: at most one sentence part."""
    version = await read_version(session, project, intent.subject.model, intent.subject.version)
    there = {item.sha256 for item in (await stored_files(session, version)).values()}
    wanted = {call.file.sha256 for call in calls if call.file is not None}
    return ["what was to be stored"] if wanted <= there else []
