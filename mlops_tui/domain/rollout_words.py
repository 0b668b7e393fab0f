"""What is said of a rollout, in the same words on a screen, on the command line and in the overview."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import assert_never

from mlops_tui.domain.durations import format_duration
from mlops_tui.domain.judgements import Verdict
from mlops_tui.domain.policy import Guardrail, MarginKind, OnBreach, RolloutStep
from mlops_tui.domain.rollout_decisions import is_automatic
from mlops_tui.domain.rollouts import Rollout

Moment = Callable[[datetime], str]


def place_of(record: Rollout) -> str:
    """How far it is: ``step 2 of 3``; the number of steps is not known without a plan."""
    return f"step {record.progress.step} of {len(record.steps) or '?'}"


def conditions_of(step: RolloutStep) -> str:
    """What a step waits for before anybody goes on."""
    parts = [format_duration(step.soak)] if step.soak else []
    if step.min_samples:
        parts.append(f"{step.min_samples:,} samples per arm")
    return " and ".join(parts) or "until somebody goes on"


def needs_of(record: Rollout, moment: Moment) -> str:
    """What the step still needs, or what it waits for; ``moment`` writes a time.

    Empty where there is no step, and after a breach, when nothing more is needed.
    """
    needs, step = record.needs, record.step
    if needs is None or record.state.is_over or record.verdict is Verdict.BREACH:
        return ""
    missing = [format_duration(needs.soak_left)] if needs.soak_left else []
    missing += [f"{count:,} of {arm}" for arm, count in needs.samples_left.items() if count]
    if missing:
        about = f"ready about {moment(needs.eta)}" if needs.eta else "no pace yet"
        return f"needs {', '.join(missing)}: {about}"
    if step is not None and not is_automatic(step):
        return "the step has neither a time nor samples to wait for, so a person goes on"
    match record.verdict:
        case Verdict.HEALTHY:
            return "the step is complete"
        case Verdict.CONTINUE | Verdict.INSUFFICIENT:
            return "the step has its time and samples, and waits for a verdict"
        case Verdict.BREACH | Verdict.INVALID:
            return "the step has its time and samples"
    assert_never(record.verdict)


def estimate_of(record: Rollout, moment: Moment) -> str:
    """When a verdict can be expected, worded as the estimate it is; empty where nothing is estimated."""
    estimate = record.estimate
    if estimate is None or record.state.is_over:
        return ""
    what = f"a verdict on {estimate.guardrail}"
    if estimate.samples_left is None:
        return f"{what} cannot be expected: {estimate.why}"
    if not estimate.samples_left:
        return f"{what} was expected by now; the difference may lie near the margin"
    when = f", at this pace about {moment(estimate.eta)}" if estimate.eta else "; no pace yet"
    return f"estimate: {what} after about {estimate.samples_left:,} more of {estimate.treatment}{when}"


def why_undecidable(guardrail: Guardrail, control: float) -> str:
    """Why no number of samples decides a guardrail of which the control was measured."""
    if guardrail.margin <= 0.0:
        return "with a margin of 0 nobody can prove that there is no harm"
    if guardrail.margin_kind is MarginKind.RELATIVE and control <= 0.0:
        had = "is below zero" if control else "has had none yet"
        return f"the control {had}, and a share of {'that' if control else 'nothing'} is no margin"
    return "a margin this narrow is never told from none, however many samples there are"


def breach_course(record: Rollout) -> str:
    """What whoever watches does about a breach, by the plan."""
    policy = record.plan.on_breach if record.plan is not None else OnBreach.TELL
    match policy:
        case OnBreach.ROLLBACK:
            return f"goes back to {record.control_version}"
        case OnBreach.HOLD:
            return "holds it and goes no further"
        case OnBreach.TELL:
            return "tells it and does nothing"
    assert_never(policy)
