"""What a rollout would take: the time and the samples that each step needs before the judge can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from mlops_tui.analysis.power import ArmSamples, Baseline, expected_baseline, samples_needed
from mlops_tui.domain.actions import Change
from mlops_tui.domain.durations import coarse_duration, format_duration
from mlops_tui.domain.policy import Guardrail, GuardrailKind, RolloutPolicy, RolloutStep


@dataclass(frozen=True, slots=True)
class Pace:
    """What the control's traffic was like lately.

    ``per_second`` is the inferences of all arms together, None where nothing was measured; ``baselines`` are by
    guardrail, without those of which nothing is known.
    """

    per_second: float | None = None
    baselines: Mapping[str, Baseline] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GuardrailNeed:
    """The samples with which a harm of the margin is told from none with power 0.8.

    None where no number is enough or nothing is known of the control; ``why`` then says so.
    """

    guardrail: str
    samples: ArmSamples | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class StepPreview:
    """One step before it is begun.

    ``takes`` is the time for soak and samples at the present pace, ``decides`` the time until every guardrail could be
    decided on this step alone; None where it cannot be told.
    """

    number: int
    step: RolloutStep
    needs: tuple[GuardrailNeed, ...]
    takes: timedelta | None
    decides: timedelta | None


@dataclass(frozen=True, slots=True)
class PlanPreview:
    """A plan before it is begun; ``warnings`` are sentences."""

    steps: tuple[StepPreview, ...]
    warnings: tuple[str, ...]


def preview_of(plan: RolloutPolicy, pace: Pace) -> PlanPreview:
    """What each step needs at a pace."""
    steps = tuple(_step(plan, number, step, pace) for number, step in enumerate(plan.steps, 1))
    warnings: list[str] = []
    if not plan.guardrails:
        warnings.append("The plan has no guardrail: nothing judges the new version")
    elif not any(guardrail.is_critical for guardrail in plan.guardrails):
        warnings.append("No guardrail is critical: nothing can breach, and nothing passes")
    if pace.per_second is None:
        warnings.append("No traffic was measured yet, so how long the steps take is not known")
    return PlanPreview(steps, tuple(warnings))


def step_changes(preview: PlanPreview) -> tuple[Change, ...]:
    """The steps as lines of an action's preview."""
    return tuple(
        Change(f"step {item.number}", f"{item.step.weight} %", f"{_conditions(item)}{_decision(item)}")
        for item in preview.steps
    )


def _conditions(item: StepPreview) -> str:
    parts = [f"at least {format_duration(item.step.soak)}"] if item.step.soak else []
    if item.step.min_samples:
        parts.append(f"{item.step.min_samples:,} samples per arm")
    if item.takes is not None and item.takes > item.step.soak:
        parts.append(f"about {coarse_duration(item.takes)} at the present traffic")
    return ", ".join(parts) or "until somebody goes on"


def _decision(item: StepPreview) -> str:
    known = [need for need in item.needs if need.samples is not None]
    if not known:
        return ""
    most = max(known, key=lambda need: need.samples.treatment if need.samples else 0)
    count = most.samples.treatment if most.samples else 0
    when = f", about {coarse_duration(item.decides)}" if item.decides is not None else ""
    return f"; {most.guardrail} is decided after about {count:,} of the new version{when}"


def _step(plan: RolloutPolicy, number: int, step: RolloutStep, pace: Pace) -> StepPreview:
    arm_share = step.weight / 100.0 / len(plan.treatments)
    control_share = 1.0 - step.weight / 100.0
    needs = tuple(_need(plan, guardrail, arm_share, control_share, pace) for guardrail in plan.guardrails)
    smallest = min(arm_share, control_share) if control_share else arm_share
    counted = _time(step.min_samples / smallest if smallest else 0.0, pace)
    takes = max(step.soak, counted) if counted is not None else None
    decided = [need.samples.treatment / arm_share for need in needs if need.samples is not None]
    decides = _time(max(decided), pace) if decided and len(decided) == len(needs) else None
    return StepPreview(number, step, needs, takes if step.min_samples else step.soak, decides)


def _need(
    plan: RolloutPolicy, guardrail: Guardrail, arm_share: float, control_share: float, pace: Pace
) -> GuardrailNeed:
    if control_share <= 0.0:
        return GuardrailNeed(guardrail.name, None, "nothing is left to compare with at 100 %")
    baseline = pace.baselines.get(guardrail.name) or expected_baseline(guardrail)
    if baseline is None or (guardrail.kind is GuardrailKind.MEAN and baseline.deviation is None):
        return GuardrailNeed(guardrail.name, None, "nothing is known of the control yet")
    samples = samples_needed(guardrail, baseline, arm_share / (arm_share + control_share), plan.alpha)
    why = "" if samples else "with a margin of 0 nobody can prove that there is no harm"
    return GuardrailNeed(guardrail.name, samples, why)


def _time(inferences: float, pace: Pace) -> timedelta | None:
    return timedelta(seconds=inferences / pace.per_second) if pace.per_second else None
