"""The evidence for a version: what its run measured, which files it has, and which links of its history are missing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlops_tui.analysis.comparison import Judgement, MetricCell, compare_runs
from mlops_tui.domain.actions import Change
from mlops_tui.domain.artifacts import Artifact
from mlops_tui.domain.errors import NotAllowedError, NotFoundError
from mlops_tui.domain.evidence_sheets import is_evidence_file
from mlops_tui.domain.models import ModelVersion
from mlops_tui.domain.monitoring_files import is_monitoring_file
from mlops_tui.domain.runs import Run
from mlops_tui.gitlab.artifacts import list_artifacts
from mlops_tui.gitlab.runs import get_run
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class VersionEvidence:
    """What speaks for a version; ``gaps`` are sentences about what is missing."""

    version: ModelVersion
    run: Run | None
    artifacts: tuple[Artifact, ...]
    gaps: tuple[str, ...]

    @property
    def metrics(self) -> Mapping[str, float]:
        """The values its run logged last."""
        return self.run.metrics if self.run else {}


async def read_evidence(session: Session, version: ModelVersion) -> VersionEvidence:
    """Read the run and the files of a version; what cannot be had becomes a gap, not an error."""
    run, artifacts = await asyncio.gather(_run_of(session, version), _artifacts_of(session, version))
    return VersionEvidence(version, run, artifacts, tuple(_gaps(version, run, artifacts)))


def compare_evidence(live: VersionEvidence | None, candidate: VersionEvidence) -> tuple[Change, ...]:
    """The before and after of everything that differs: metrics, parameters, files.

    ``live`` is None when nothing that is known serves yet; then the candidate's own values stand alone.
    """
    runs = [item.run for item in (live, candidate) if item and item.run]
    if candidate.run is None:
        return _file_changes(live, candidate)
    if len(runs) < 2:
        alone = tuple(Change(name, "", f"{value:.6g}") for name, value in sorted(candidate.metrics.items()))
        return alone + _file_changes(live, candidate)
    compared = compare_runs(runs)
    metrics = tuple(
        Change(row.name, _number(row.cells[0]), _delta(row.cells[1]), _is_better(row.cells[1]))
        for row in compared.metrics
    )
    params = tuple(Change(row.name, row.values[0] or "-", row.values[1] or "-") for row in compared.params)
    return metrics + params + _file_changes(live, candidate)


async def _run_of(session: Session, version: ModelVersion) -> Run | None:
    if not version.run_id:
        return None
    try:
        return await get_run(session.transport, version.project, version.run_id)
    except (NotFoundError, NotAllowedError):
        return None


async def _artifacts_of(session: Session, version: ModelVersion) -> tuple[Artifact, ...]:
    if version.package_id is None:
        return ()
    try:
        files = await list_artifacts(session.transport, version.project, version.package_id)
    except (NotFoundError, NotAllowedError):
        return ()
    return tuple(item for item in files if not (is_evidence_file(item.path) or is_monitoring_file(item.path)))


def _gaps(version: ModelVersion, run: Run | None, artifacts: tuple[Artifact, ...]) -> Iterator[str]:
    if not artifacts:
        yield "No artifacts are stored with the version"
    unsigned = [item.path for item in artifacts if not item.sha256]
    if unsigned:
        yield f"No checksum is known of {', '.join(unsigned)}"
    if not version.card.strip():
        yield "The version has no card"
    if run is None:
        yield "The run it was made from cannot be read"
        return
    if not run.metrics:
        yield "Its run logged no metrics"
    if run.job_id is None:
        yield "Its run names no CI job, so who trained it and how is not known"
    if run.job_id is None and run.commit_sha is None:
        yield "Its run names no commit"


def _file_changes(live: VersionEvidence | None, candidate: VersionEvidence) -> tuple[Change, ...]:
    before = {item.path: item.sha256 or "" for item in live.artifacts} if live else {}
    after = {item.path: item.sha256 or "" for item in candidate.artifacts}
    return tuple(
        Change(path, _checksum(before.get(path)), _checksum(after.get(path)))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    )


def _checksum(sha256: str | None) -> str:
    if sha256 is None:
        return "-"
    return f"sha256 {sha256[:12]}" if sha256 else "no checksum"


def _number(cell: MetricCell) -> str:
    return "-" if cell.value is None else f"{cell.value:.6g}"


def _delta(cell: MetricCell) -> str:
    if cell.absolute is None:
        return _number(cell)
    difference = f"{cell.absolute:+.4g}" if cell.relative is None else f"{cell.relative:+.2%}"
    return f"{_number(cell)} {difference}"


def _is_better(cell: MetricCell) -> bool | None:
    match cell.judgement:
        case Judgement.BETTER:
            return True
        case Judgement.WORSE:
            return False
        case _:
            return None
