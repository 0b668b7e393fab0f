"""Everything about one run as lines and rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from mlops_tui.domain.canonical import JsonValue
from mlops_tui.screens.run_items import run_description, status_cell, took_text
from mlops_tui.screens.run_source import metric_cell
from mlops_tui.screens.states import pipeline_status
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Align, Cell, number
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_source import Row
from mlops_tui.widgets.text_layout import TextLine

if TYPE_CHECKING:
    from mlops_tui.operations.runs import RunDetail

METRIC_COLUMNS = (
    Column("metric", "METRIC", 10, flex=1, is_sortable=False),
    Column("latest", "LATEST", 10, align=Align.RIGHT, is_sortable=False),
)
LOGGED_COLUMNS = (
    Column("name", "NAME", 12, max_width=40, flex=1, is_sortable=False),
    Column("value", "VALUE", 10, flex=2, is_sortable=False),
)
ARTIFACT_COLUMNS = (
    Column("path", "PATH", 16, flex=1, is_sortable=False),
    Column("bytes", "BYTES", 13, align=Align.RIGHT, is_sortable=False),
    Column("sha256", "SHA-256", 12, max_width=64, flex=1, priority=50, is_sortable=False),
)
_LABEL = 12


def fact_lines(detail: RunDetail, now: datetime) -> Iterator[TextLine]:
    """What a run is and where it came from; what is missing is said, not left out."""
    run = detail.run
    yield _fact("run", Cell(run.id))
    took = took_text(run, now)
    began = f", began {run.started_at.astimezone():%Y-%m-%d %H:%M}" if run.started_at else ""
    lasted = "" if not took else f", running for {took}" if run.status.is_live else f", took {took}"
    yield _fact("status", status_cell(run), Cell(began + lasted))
    yield _fact(
        "experiment", Cell(run.experiment or str(run.experiment_iid)), Cell(f" in {run.project.path}", Token.MUTED)
    )
    if detail.job is not None:
        yield _fact(
            "job", pipeline_status(detail.job.status).cell, Cell(f" {detail.job.name} {detail.job.id}, l shows its log")
        )
    if detail.commit is not None:
        author = Cell(f", {detail.commit.author}", Token.MUTED)
        yield _fact("commit", Cell(detail.commit.short_sha, Token.STRONG), Cell(f" {detail.commit.title}"), author)
    for request in detail.merge_requests:
        yield _fact(
            "merge",
            Cell(f"!{request.iid}", Token.STRONG),
            Cell(f" {request.title}"),
            Cell(f", {request.state}", Token.MUTED),
        )
    if detail.web_url:
        yield _fact("page", Cell(detail.web_url, Token.MUTED))
    for sentence in detail.missing:
        yield _fact("missing", Cell(f"{Sign.UNKNOWN.glyph} {sentence}", Token.WARNING))


def metric_rows(detail: RunDetail) -> list[Row]:
    """The metrics by name."""
    return [Row(name, (Cell(name), metric_cell(value))) for name, value in sorted(detail.run.metrics.items())]


def logged_rows(detail: RunDetail) -> list[Row]:
    """The parameters, then the tags."""
    params = [Row(f"params.{name}", (Cell(name), Cell(value))) for name, value in sorted(detail.run.params.items())]
    tags = [
        Row(f"tags.{name}", (Cell(f"tags.{name}", Token.MUTED), Cell(value)))
        for name, value in sorted(detail.run.tags.items())
    ]
    return params + tags


def artifact_rows(detail: RunDetail) -> list[Row]:
    """The files by path."""
    return [
        Row(item.path, (Cell(item.path), number(f"{item.size:,}"), Cell(item.sha256 or "not kept", Token.MUTED)))
        for item in detail.artifacts
    ]


def detail_description(detail: RunDetail) -> Mapping[str, JsonValue]:
    """Everything known, for reading as YAML or JSON."""
    job, commit = detail.job, detail.commit
    return {
        **run_description(detail.run),
        "url": detail.web_url or None,
        "job": None
        if job is None
        else {"id": job.id, "name": job.name, "status": job.status.value, "url": job.web_url},
        "commit": None
        if commit is None
        else {"sha": commit.sha, "title": commit.title, "author": commit.author, "url": commit.web_url},
        "merge_requests": [
            {"iid": item.iid, "title": item.title, "state": item.state, "url": item.web_url}
            for item in detail.merge_requests
        ],
        "artifacts": [{"path": item.path, "size": item.size, "sha256": item.sha256} for item in detail.artifacts],
        "missing": list(detail.missing),
    }


def _fact(label: str, *cells: Cell) -> TextLine:
    return (Cell(label.ljust(_LABEL), Token.MUTED), *cells)
