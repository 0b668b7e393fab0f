"""Rollouts as data: the item of a list, and everything about one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlops_tui.cli.rollout_verdicts import guardrail_item
from mlops_tui.cli.tables import Column
from mlops_tui.domain.durations import format_duration

if TYPE_CHECKING:
    from mlops_tui.domain.canonical import JsonValue
    from mlops_tui.domain.judgements import Judgement
    from mlops_tui.domain.rollouts import Rollout, StepProgress


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


def rollout_item(record: Rollout) -> dict[str, Any]:
    """One rollout in a list."""
    return {
        "id": record.id,
        "project": record.project.path,
        "model": record.model,
        "version": record.version,
        "control": record.control_version,
        "environment": record.environment,
        "driver": record.driver,
        "step": record.progress.step,
        "steps": len(record.steps),
        "weight": record.weight,
        "state": record.state,
        "verdict": record.verdict,
        "since": record.progress.since,
        "obstacles": [obstacle.text for obstacle in record.obstacles],
    }


def whole_item(record: Rollout, evidence: str, ways: Mapping[str, str]) -> dict[str, Any]:
    """Everything about one rollout.

    ``evidence`` is the file that keeps its measurements, ``ways`` says how each guardrail is measured.
    """
    lease = record.lease
    return rollout_item(record) | {
        "begun_at": record.begun_at,
        "production": record.is_production,
        "plan_digest": record.plan_digest,
        "plan": [
            {"weight": step.weight, "soak": format_duration(step.soak), "min_samples": step.min_samples}
            for step in record.steps
        ],
        "arms": [
            {
                "name": arm.name,
                "version": arm.version,
                "weight": arm.weight,
                "control": arm.is_control,
                "samples": arm.samples,
                "observed": arm.observed,
            }
            for arm in record.arms
        ],
        "needs": _needs_item(record.needs),
        "judgement": judgement_item(record.judgement),
        "measured": dict(ways),
        "weights": [{"at": point.at, "weights": dict(point.weights)} for point in record.weights],
        "events": [{"at": event.at, "kind": event.kind, "text": event.text, "by": event.by} for event in record.events],
        "lease": {"holder": lease.holder, "expires_at": lease.expires_at} if lease else None,
        "evidence": evidence,
        "links": record.links,
    }


def judgement_item(judgement: Judgement | None) -> dict[str, Any] | None:
    """A verdict with what each guardrail says."""
    if judgement is None:
        return None
    return {
        "at": judgement.at,
        "verdict": judgement.verdict,
        "reason": f"{judgement.reason}.",
        "guardrails": [guardrail_item(result) for result in judgement.guardrails],
    }


def page_rows(item: Mapping[str, Any]) -> list[dict[str, JsonValue]]:
    """Everything about one rollout as lines of two columns, for people."""
    rows: list[tuple[str, str]] = [
        ("rollout", f"{item['id']} of {item['model']} {item['version']} over {item['control']}"),
        ("where", f"{item['environment']} of {item['project']}, by {item['driver']}"),
        ("state", f"{item['state']}, step {item['step']} of {item['steps']} since {item['since']}"),
    ]
    rows += [(f"step {number}", _step_text(step)) for number, step in enumerate(item["plan"], 1)]
    rows += [(f"arm {arm['name']}", _arm_text(arm)) for arm in item["arms"]]
    if item["needs"]:
        rows.append(("needs", _needs_text(item["needs"])))
    judgement = item["judgement"]
    rows.append(("verdict", f"{item['verdict']}: {judgement['reason']}" if judgement else str(item["verdict"])))
    if judgement:
        rows += [(f"guardrail {rail['name']}", rail["reason"]) for rail in judgement["guardrails"]]
    rows += [("in the way", text) for text in item["obstacles"]]
    if item["lease"]:
        rows.append(("lease", f"{item['lease']['holder']} until {item['lease']['expires_at']}"))
    rows += [(str(event["at"]), f"{event['text']}{_by(event)}") for event in item["events"]]
    rows.append(("evidence", str(item["evidence"])))
    return [{"what": what, "value": value} for what, value in rows]


def _needs_item(needs: StepProgress | None) -> dict[str, Any] | None:
    if needs is None:
        return None
    return {
        "soak_left": format_duration(needs.soak_left),
        "samples": dict(needs.samples),
        "samples_left": dict(needs.samples_left),
        "eta": needs.eta,
    }


def _step_text(step: Mapping[str, Any]) -> str:
    return f"{step['weight']} % for at least {step['soak']}, {step['min_samples']:,} samples per arm"


def _arm_text(arm: Mapping[str, Any]) -> str:
    seen = f", {arm['observed']} % seen" if arm["observed"] is not None else ""
    return f"{arm['version'] or 'unknown version'} at {arm['weight']} %, {arm['samples']:,} samples{seen}"


def _needs_text(needs: Mapping[str, Any]) -> str:
    left = ", ".join(f"{arm} {count:,}" for arm, count in needs["samples_left"].items() if count) or "none"
    eta = f", complete about {needs['eta']}" if needs["eta"] else ""
    return f"{needs['soak_left']} of its time, samples: {left}{eta}"


def _by(event: Mapping[str, Any]) -> str:
    return f" (by {event['by']})" if event["by"] else ""
