"""Rollouts as data: the item of a list, and everything about one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlops_tui.cli.tables import Column
from mlops_tui.domain.canonical import instant
from mlops_tui.domain.judgements import Verdict
from mlops_tui.domain.rollout_documents import rollout_document
from mlops_tui.domain.rollout_words import breach_course, conditions_of, estimate_of, needs_of, place_of

if TYPE_CHECKING:
    from datetime import datetime

    from mlops_tui.domain.canonical import JsonValue
    from mlops_tui.domain.rollouts import Arm, Rollout


def _joined(values: Sequence[str]) -> str:
    return "; ".join(values)


LIST = (
    Column("id", "id", is_whole=True),
    Column("model", "model"),
    Column("version", "version"),
    Column("over", "control"),
    Column("environment", "environment"),
    Column("driver", "driver"),
    Column("step", "step", is_number=True),
    Column("weight", "weight", is_number=True),
    Column("state", "state"),
    Column("verdict", "verdict"),
    Column("in the way", "obstacles", show=_joined),
)
PAGE = (Column("what", "what"), Column("value", "value"))


def whole_item(record: Rollout, evidence: str, ways: Mapping[str, str]) -> dict[str, Any]:
    """Everything about one rollout.

    ``evidence`` is the file that keeps its measurements, ``ways`` says how each guardrail is measured.
    """
    return rollout_document(record) | {
        "measured": dict(ways),
        "weights": [{"at": point.at, "weights": dict(point.weights)} for point in record.weights],
        "events": [{"at": event.at, "kind": event.kind, "text": event.text, "by": event.by} for event in record.events],
        "evidence": evidence,
    }


def page_rows(record: Rollout, evidence: str, now: datetime) -> list[dict[str, JsonValue]]:
    """Everything about one rollout as lines of two columns, for people."""
    judgement = record.judgement
    rows: list[tuple[str, str]] = [
        ("rollout", f"{record.id} of {record.model} {record.version} over {record.control_version}"),
        ("where", f"{record.environment} of {record.project.path}, by {record.driver}"),
        ("state", f"{record.state.value}, {place_of(record)} since {instant(record.progress.since)}"),
    ]
    rows += [
        (f"step {number}", f"{step.weight} %, {conditions_of(step)}") for number, step in enumerate(record.steps, 1)
    ]
    rows += [(f"arm {arm.name}", _arm_text(arm)) for arm in record.arms]
    rows.append(("now", needs_of(record, instant)))
    rows.append(("verdict", f"{record.verdict.value}: {judgement.reason}." if judgement else record.verdict.value))
    rows.append(("expected", estimate_of(record, instant)))
    rows += [(f"guardrail {rail.name}", f"{rail.reason}.") for rail in (judgement.guardrails if judgement else ())]
    rows += [("in the way", obstacle.text) for obstacle in record.obstacles]
    rows.append(("watched by", _watcher(record, now)))
    rows += [(instant(event.at), event.text + (f" (by {event.by})" if event.by else "")) for event in record.events]
    rows.append(("evidence", evidence))
    return [{"what": what, "value": value} for what, value in rows if value]


def _arm_text(arm: Arm) -> str:
    seen = f", {arm.observed} % seen" if arm.observed is not None else ""
    return f"{arm.version or 'unknown version'} at {arm.weight:g} %, {arm.samples:,} samples{seen}"


def _watcher(record: Rollout, now: datetime) -> str:
    """Who watches it, and where it is breached what comes of that; empty once it is over."""
    holder, is_breached = record.watcher(now), record.verdict is Verdict.BREACH
    if record.state.is_over:
        return ""
    if holder is None:
        return "nobody" + (f": go back with `mlops-tui rollouts abort {record.id}`" if is_breached else "")
    until = f" until {instant(record.lease.expires_at)}" if record.lease else ""
    return f"{holder}{until}" + (f", who {breach_course(record)}" if is_breached else "")
