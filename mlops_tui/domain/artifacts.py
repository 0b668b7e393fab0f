"""Artifacts: the files of a run or of a model version."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file.

    ``path`` is decoded ("data/conda.yaml"); ``size`` is in bytes; ``sha256`` is None where the source does not tell;
    ``file_id`` and ``package_id`` are GitLab's, for the download route.
    """

    path: str
    size: int
    sha256: str | None
    package_id: int
    file_id: int


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far a download is; ``total`` is None when the server did not say."""

    received: int
    total: int | None
