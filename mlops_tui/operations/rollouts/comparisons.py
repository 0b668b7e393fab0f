"""What a verdict is worth once the control serves nothing: nothing is compared any more, so nothing passes on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from mlops_tui.domain.judgements import Judgement, Verdict
from mlops_tui.domain.rollouts import Rollout, TrafficPoint

_EVERYTHING = 100.0


def is_compared(record: Rollout) -> bool:
    """Whether the control still serves a part of the traffic."""
    return record.weight < _EVERYTHING


def without_control(
    record: Rollout, verdicts: tuple[Judgement, ...], traffic: Sequence[TrafficPoint], since: datetime
) -> tuple[Judgement, ...]:
    """The verdicts, of which those since the control serves nothing are INSUFFICIENT; a breach stays one.

    ``since`` is when the step without a control began.

    The steps before told what their comparison was worth. Of what comes after them it tells nothing, so the reason
    says how many errors there are, for a person to decide.
    """
    if record.state.is_over or is_compared(record) or not verdicts or verdicts[-1].verdict is Verdict.BREACH:
        return verdicts
    before = tuple(item for item in verdicts if item.at <= since)
    known = f"it was {before[-1].verdict.value} until then" if before else "no step before was judged"
    reason = f"no comparison any more: the control serves nothing, and {known}{_errors(record, traffic)}"
    later = tuple(item for item in verdicts if item.at > since) or (replace(verdicts[-1], at=since),)
    return (*before, *(_undecided(item, reason) for item in later))


def _undecided(judgement: Judgement, reason: str) -> Judgement:
    results = tuple(
        result
        if result.verdict is Verdict.BREACH
        else replace(result, verdict=Verdict.INSUFFICIENT, reason="the control serves nothing any more")
        for result in judgement.guardrails
    )
    return replace(judgement, verdict=Verdict.INSUFFICIENT, reason=reason, guardrails=results)


def _errors(record: Rollout, traffic: Sequence[TrafficPoint]) -> str:
    """The share of errors of the new versions on this step and before, empty where they served nothing on it."""
    arms = [arm.name for arm in record.arms if not arm.is_control]
    now = _rate([point for point in traffic if point.start >= record.progress.since], arms)
    before = _rate([point for point in traffic if point.start < record.progress.since], arms)
    if now is None:
        return ""
    return f"; errors are {now:.1%} of the answers now" + (f" and were {before:.1%}" if before is not None else "")


def _rate(points: Sequence[TrafficPoint], arms: Sequence[str]) -> float | None:
    spans = sum(point.spans.get(arm, 0) for point in points for arm in arms)
    errors = sum(point.errors.get(arm, 0) for point in points for arm in arms)
    return errors / spans if spans else None
