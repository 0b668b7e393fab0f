"""Runs as items of JSON and as rows of text.

JSON has no numbers for NaN and the infinities: they are written as the texts "nan", "inf" and "-inf".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mlops_tui.cli.tables import Column
from mlops_tui.domain.filters import Field, FieldKind

if TYPE_CHECKING:
    from datetime import datetime

    from mlops_tui.analysis.comparison import MetricCell
    from mlops_tui.domain.artifacts import Artifact
    from mlops_tui.domain.runs import MetricHistory, Run
    from mlops_tui.operations.artifacts import SavedArtifact
    from mlops_tui.operations.runs import ComparedRuns, RunDetail

RUNS = (
    Column("run", "run_id", is_whole=True),
    Column("name", "name"),
    Column("experiment", "experiment"),
    Column("status", "status"),
    Column("started", "started_at"),
)
HISTORY = (
    Column("step", "step", is_number=True),
    Column("value", "value", is_number=True),
    Column("timestamp", "timestamp"),
)
ARTIFACTS = (
    Column("path", "path"),
    Column("bytes", "size", is_number=True),
    Column("sha256", "sha256"),
)
SAVED = (
    Column("path", "path"),
    Column("bytes", "size", is_number=True),
    Column("saved to", "saved_to"),
    Column("verified", "is_verified"),
)
FIELDS = (Column("field", "field"), Column("value", "value"))


def run_item(run: Run) -> dict[str, Any]:
    """A run as `runs list` writes it."""
    return {
        "run_id": run.id,
        "name": run.name,
        "experiment": run.experiment,
        "project": run.project.path,
        "status": run.status,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "metrics": dict(sorted(run.metrics.items())),
        "params": dict(sorted(run.params.items())),
        "tags": dict(sorted(run.tags.items())),
    }


def run_row(run: Run, fields: Sequence[Field]) -> dict[str, Any]:
    """A run as a line of a table with a column for each of these metrics and parameters."""
    row: dict[str, Any] = {
        "run_id": run.id,
        "name": run.name,
        "experiment": run.experiment,
        "status": run.status.lower(),
        "started_at": _minute(run.started_at),
    }
    for field in fields:
        values = run.metrics if field.kind is FieldKind.METRIC else run.params
        row[str(field)] = values.get(field.name)
    return row


def field_columns(fields: Sequence[Field]) -> tuple[Column, ...]:
    """The columns of these metrics and parameters."""
    return tuple(Column(field.name, str(field), is_number=field.kind is FieldKind.METRIC) for field in fields)


def detail_item(detail: RunDetail) -> dict[str, Any]:
    """A run with what belongs to it, as `runs show` writes it."""
    run, job, commit = detail.run, detail.job, detail.commit
    return run_item(run) | {
        "iid": run.iid,
        "url": detail.web_url or None,
        "user_id": run.user_id,
        "job": None
        if job is None
        else {"id": job.id, "name": job.name, "stage": job.stage, "status": job.status, "url": job.web_url},
        "commit": None
        if commit is None
        else {
            "sha": commit.sha,
            "title": commit.title,
            "author": commit.author,
            "committed_at": commit.committed_at,
            "url": commit.web_url,
        },
        "merge_requests": [
            {"iid": item.iid, "title": item.title, "state": item.state, "url": item.web_url}
            for item in detail.merge_requests
        ],
        "artifacts": [artifact_item(artifact) for artifact in detail.artifacts],
        "missing": detail.missing,
    }


def detail_rows(detail: RunDetail) -> Iterator[dict[str, Any]]:
    """The same, one line a fact."""
    item = detail_item(detail)
    for key in ("run_id", "name", "experiment", "project", "status", "started_at", "ended_at", "url"):
        yield {"field": key, "value": item[key]}
    for group in ("metrics", "params", "tags"):
        for name, value in item[group].items():
            yield {"field": f"{group}.{name}", "value": value}
    if detail.job is not None:
        yield {"field": "job", "value": f"{detail.job.id} {detail.job.name}, {detail.job.status.value}"}
    if detail.commit is not None:
        yield {"field": "commit", "value": f"{detail.commit.sha} {detail.commit.title}"}
    for request in detail.merge_requests:
        yield {"field": "merge request", "value": f"!{request.iid} {request.title} ({request.state})"}
    for artifact in detail.artifacts:
        yield {"field": "artifact", "value": f"{artifact.path} ({artifact.size:,} bytes)"}
    for sentence in detail.missing:
        yield {"field": "missing", "value": sentence}


def history_items(history: MetricHistory) -> Iterator[dict[str, Any]]:
    """The logged values in step order."""
    for point in history.points:
        yield {"step": point.step, "value": point.value, "timestamp": point.timestamp}


def artifact_item(artifact: Artifact) -> dict[str, Any]:
    """A file as the registry keeps it."""
    return {"path": artifact.path, "size": artifact.size, "sha256": artifact.sha256}


def saved_item(saved: SavedArtifact) -> dict[str, Any]:
    """A file that was brought onto this machine."""
    received = {"sha256": saved.sha256, "saved_to": str(saved.path), "is_verified": saved.is_verified}
    return artifact_item(saved.artifact) | received


def comparison_items(compared: ComparedRuns) -> Iterator[dict[str, Any]]:
    """One item for each parameter that differs and for each metric, the values in the order of the runs."""
    comparison = compared.comparison
    for param in comparison.params:
        values = [{"run_id": run.id, "value": value} for run, value in zip(compared.runs, param.values, strict=True)]
        yield {"kind": "param", "name": param.name, "direction": None, "values": values}
    for metric in comparison.metrics:
        cells = [
            {
                "run_id": run.id,
                "value": cell.value,
                "absolute": cell.absolute,
                "relative": cell.relative,
                "judgement": cell.judgement,
            }
            for run, cell in zip(compared.runs, metric.cells, strict=True)
        ]
        yield {"kind": "metric", "name": metric.name, "direction": metric.direction, "values": cells}


def comparison_columns(compared: ComparedRuns) -> tuple[Column, ...]:
    """A column for the name and one for each run."""
    baseline = compared.comparison.baseline
    titles = [
        f"{run.name or run.id[:8]} (baseline)" if place == baseline else run.name or run.id[:8]
        for place, run in enumerate(compared.runs)
    ]
    return (Column("", "name"), *(Column(title, str(place)) for place, title in enumerate(titles)))


def comparison_rows(compared: ComparedRuns) -> Iterator[dict[str, Any]]:
    """The same as a table: what differs and by how much."""
    yield {"name": "run", **{str(place): run.id for place, run in enumerate(compared.runs)}}
    for param in compared.comparison.params:
        yield {"name": f"params.{param.name}", **{str(place): value for place, value in enumerate(param.values)}}
    for metric in compared.comparison.metrics:
        cells = {str(place): _cell_text(cell) for place, cell in enumerate(metric.cells)}
        yield {"name": f"metrics.{metric.name}", **cells}


def _cell_text(cell: MetricCell) -> str | None:
    if cell.value is None:
        return None
    if cell.absolute is None:
        return repr(cell.value)
    relative = f" {cell.relative:+.2%}" if cell.relative is not None and math.isfinite(cell.relative) else ""
    word = cell.judgement.value if cell.judgement.value in {"better", "worse", "equal"} else ""
    return " ".join(part for part in (repr(cell.value), f"({cell.absolute:+.6g}{relative})", word) if part)


def _minute(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%d %H:%M}"
