"""Downloading files from the command line: which ones, where to, and how far it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.text import clean

if TYPE_CHECKING:
    from mlops_tui.domain.artifacts import Artifact, DownloadProgress
    from mlops_tui.domain.projects import ProjectRef
    from mlops_tui.operations.artifacts import SavedArtifact
    from mlops_tui.operations.session import Session


async def download_files(
    session: Session,
    project: ProjectRef,
    found: Sequence[Artifact],
    wanted: Sequence[str],
    folder: Path,
    *,
    overwrite: bool,
) -> tuple[SavedArtifact, ...]:
    """Bring the files with the ``wanted`` paths into ``folder``; nothing is fetched unless all may be written."""
    from mlops_tui.operations.artifacts import download, target_of

    by_path = {artifact.path: artifact for artifact in found}
    for path in wanted:
        if path not in by_path:
            known = ", ".join(list(by_path)[:10]) or "none"
            raise UsageError(f"There is no file {path}", why=f"there are {known}", remedy="Name one of those")
        target_of(by_path[path], folder, overwrite=overwrite)
    return tuple(
        [
            await download(session, project, by_path[path], folder, _shown(by_path[path]), overwrite=overwrite)
            for path in dict.fromkeys(wanted)
        ]
    )


def _shown(artifact: Artifact) -> Callable[[DownloadProgress], None]:
    """Draws how far a download is on standard error, where that is a terminal."""
    is_shown = sys.stderr.isatty()

    def show(progress: DownloadProgress) -> None:
        if is_shown:
            total = progress.total or artifact.size
            share = f"{progress.received / total:4.0%}" if total else f"{progress.received:,} bytes"
            end = "\n" if progress.received == total else ""
            sys.stderr.write(f"\r{share} {clean(artifact.path)}{end}")
            sys.stderr.flush()

    return show
