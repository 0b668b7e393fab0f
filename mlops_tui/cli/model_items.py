"""Models, versions and lineages as the items that the command line writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlops_tui.domain.lineage import LineageNode
    from mlops_tui.domain.models import ModelVersion
    from mlops_tui.operations.models import LiveRow, ModelSummary
    from mlops_tui.operations.protections import Responsibility


def summary_item(summary: ModelSummary) -> dict[str, Any]:
    """A model as a row of the list; ``versions`` is how many there are."""
    model = summary.model
    return {
        "name": model.name,
        "project": summary.project.ref.path,
        "latest_version": model.latest.version if model.latest else None,
        "versions": len(model.versions),
        "live": [{"environment": row.live.environment, "version": row.live.version} for row in summary.live],
    }


def model_item(summary: ModelSummary) -> dict[str, Any]:
    """A model with its versions, the lowest first."""
    model = summary.model
    return {
        "name": model.name,
        "project": summary.project.ref.path,
        "latest_version": model.latest.version if model.latest else None,
        "card": model.card,
        "created_at": model.created_at,
        "versions": [_version_item(summary, version) for version in reversed(model.versions)],
    }


def _version_item(summary: ModelSummary, version: ModelVersion) -> dict[str, Any]:
    return {
        "version": version.version,
        "id": version.id,
        "run_id": version.run_id or None,
        "created_at": version.created_at,
        "live_in": summary.live_in(version.version),
        "artifacts": version.artifact_count,
        "author": version.author or None,
    }


def live_item(row: LiveRow, answers_for: Responsibility) -> dict[str, Any]:
    """What serves in one environment, who approved it and on which evidence.

    ``version`` is None where the model never went, ``evidence`` where nobody named any.
    """
    live = row.live
    deployment = live.deployment
    return {
        "model": live.model,
        "environment": live.environment,
        "tier": row.tier,
        "version": live.version,
        "share": live.share,
        "deployment_id": deployment.id if deployment else None,
        "sha": deployment.sha if deployment else None,
        "since": live.since,
        "until": live.until,
        "by": deployment.username or None if deployment else None,
        "approved_by": answers_for.approved_by,
        "evidence": answers_for.evidence or None,
        "unknown_since": live.unknown_since,
    }


def lineage_item(node: LineageNode) -> dict[str, Any]:
    """A link of a lineage with those that follow from it."""
    return {
        "kind": node.kind,
        "title": node.title,
        "detail": node.detail or None,
        "url": node.web_url or None,
        "missing": node.is_missing,
        "children": [lineage_item(child) for child in node.children],
    }


def lineage_rows(node: LineageNode, depth: int = 0) -> list[dict[str, Any]]:
    """A lineage as rows for people, a dot for each step down."""
    mark = "! " if node.is_missing else ""
    rows = [{"link": f"{'.' * depth}{node.kind.value}", "title": f"{mark}{node.title}", "detail": node.detail}]
    return rows + [row for child in node.children for row in lineage_rows(child, depth + 1)]
