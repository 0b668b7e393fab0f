"""Rollouts as data, the same on the command line and where a screen describes one: a line of a list, and everything."""

from __future__ import annotations

from typing import Any

from mlops_tui.domain.durations import format_duration
from mlops_tui.domain.judgements import GuardrailResult, Judgement
from mlops_tui.domain.rollouts import Rollout, StepProgress, VerdictEstimate


def rollout_line(record: Rollout) -> dict[str, Any]:
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


def rollout_document(record: Rollout) -> dict[str, Any]:
    """Everything about one rollout but its histories."""
    lease = record.lease
    return rollout_line(record) | {
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
        "needs": _needs(record.needs),
        "estimate": _estimate(record.estimate),
        "judgement": judgement_document(record.judgement) if record.judgement else None,
        "lease": {"holder": lease.holder, "expires_at": lease.expires_at} if lease else None,
        "links": record.links,
    }


def judgement_document(judgement: Judgement) -> dict[str, Any]:
    """A verdict with what each guardrail says."""
    return {
        "at": judgement.at,
        "verdict": judgement.verdict,
        "reason": f"{judgement.reason}.",
        "guardrails": [_guardrail(result) for result in judgement.guardrails],
    }


def _guardrail(result: GuardrailResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "treatment": result.treatment,
        "verdict": result.verdict,
        "difference": result.difference,
        "lower": result.lower,
        "upper": result.upper,
        "margin": result.margin,
        "margin_kind": result.margin_kind,
        "critical": result.is_critical,
        "n": {arm: int(n) if float(n).is_integer() else n for arm, n in result.n.items()},
        "log_e": result.log_e,
        "reason": f"{result.reason}.",
    }


def _needs(needs: StepProgress | None) -> dict[str, Any] | None:
    if needs is None:
        return None
    return {
        "soak_left": format_duration(needs.soak_left),
        "samples": dict(needs.samples),
        "samples_left": dict(needs.samples_left),
        "eta": needs.eta,
    }


def _estimate(estimate: VerdictEstimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    return {
        "guardrail": estimate.guardrail,
        "treatment": estimate.treatment,
        "samples_left": estimate.samples_left,
        "eta": estimate.eta,
        "why": estimate.why,
    }
