"""What one can do with the files of a run or a version: read their text, and bring them onto this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlops_tui.domain.artifacts import Artifact, DownloadProgress
from mlops_tui.domain.errors import GateError, RefusedError, UsageError
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.text import clean_block
from mlops_tui.gitlab.artifacts import download_artifact, read_artifact
from mlops_tui.operations.session import Session

TEXT_LIMIT = 256 * 1024
_MOST_UNREADABLE = 0.02


@dataclass(frozen=True, slots=True)
class SavedArtifact:
    """A file on this machine; ``is_verified`` is whether the registry keeps a checksum and it is this one."""

    artifact: Artifact
    path: Path
    sha256: str
    is_verified: bool


@dataclass(frozen=True, slots=True)
class ArtifactText:
    """The beginning of a file, safe to draw; ``is_whole`` when nothing was left out."""

    artifact: Artifact
    text: str
    is_whole: bool


def target_of(artifact: Artifact, folder: Path, *, overwrite: bool = False) -> Path:
    """Where a file goes inside ``folder``.

    Raises RefusedError where a file is already there (unless ``overwrite``), and for a name that would lead out of the
    folder: names are written by whoever uploaded the file.
    """
    parts = PurePosixPath(artifact.path).parts
    is_plain = bool(parts) and not any(
        part in {"..", "/", "//"} or "\\" in part or ":" in part or not part.isprintable() for part in parts
    )
    root = folder.resolve()
    target = root.joinpath(*parts) if is_plain else root
    if not is_plain or not target.resolve().is_relative_to(root) or target.resolve() == root:
        raise RefusedError(
            f"{artifact.path!r} was not downloaded",
            why="its name leads out of the folder, or could be taken for something else",
            remedy="Download it from GitLab's own page under a name of your choice",
        )
    if target.is_symlink() or (target.exists() and not overwrite):
        raise RefusedError(f"{target} was left as it is", why="a file is already there", remedy="Choose another folder")
    return target


async def download(
    session: Session,
    project: ProjectRef,
    artifact: Artifact,
    folder: Path,
    progress: Callable[[DownloadProgress], None],
    *,
    overwrite: bool = False,
) -> SavedArtifact:
    """Bring a file into ``folder``, which is made where it is missing.

    Raises RefusedError as ``target_of`` does, UsageError when it cannot be written, and GateError when what arrived is
    not what the registry keeps; the target is then untouched.
    """
    target = target_of(artifact, folder, overwrite=overwrite)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        received = await download_artifact(session.transport, project, artifact, target, progress)
    except OSError as error:
        raise UsageError(f"{target} cannot be written", why=error.strerror or str(error)) from error
    return SavedArtifact(artifact, target, received, is_verified=artifact.sha256 is not None)


async def read_text(session: Session, project: ProjectRef, artifact: Artifact) -> ArtifactText:
    """The first ``TEXT_LIMIT`` bytes of a file as text.

    Raises GateError when it is not text.
    """
    content = await read_artifact(session.transport, project, artifact, TEXT_LIMIT + 1)
    is_whole = len(content) <= TEXT_LIMIT
    # A character may be cut in two at the limit, which is no reason to call the file unreadable.
    decoded = content[:TEXT_LIMIT].decode("utf-8", "replace")
    unreadable = decoded.count("\N{REPLACEMENT CHARACTER}")
    if b"\0" in content or unreadable > max(1, len(decoded) * _MOST_UNREADABLE):
        raise GateError(f"{artifact.path} is no text", why="it holds binary data", remedy="Download it instead")
    return ArtifactText(artifact, clean_block(decoded, TEXT_LIMIT), is_whole)
