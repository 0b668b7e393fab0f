"""What a rollout would take: the time and the samples that each step needs before the judge can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from mlops_tui.analysis.power import ArmSamples, Baseline, expected_baseline, samples_needed
from mlops_tui.domain.actions import Change
from mlops_tui.domain.durations import foreseeable, format_duration, waiting_duration
from mlops_tui.domain.guardrail_metrics import ColumnValues, metric_of
from mlops_tui.domain.policy import Guardrail, GuardrailKind, RolloutDriver, RolloutPolicy, RolloutStep
from mlops_tui.domain.rollout_plans import doubts_of
from mlops_tui.domain.rollout_weights import arm_weights, step_weights
from mlops_tui.domain.rollout_words import why_undecidable

_UNMEASURED = "nothing is known of the control yet"


@dataclass(frozen=True, slots=True)
class Pace:
    """What the control's traffic was like lately.

    ``per_second`` is the inferences of all arms together, None where nothing was measured; ``baselines`` are by
    guardrail, without those of which nothing is known; ``window`` is how much time the judge gets at once.
    """

    per_second: float | None = None
    baselines: Mapping[str, Baseline] = field(default_factory=dict)
    window: timedelta | None = None


@dataclass(frozen=True, slots=True)
class GuardrailNeed:
    """The samples with which a harm of the margin is told from none with power 0.8, of the arm with the least traffic.

    None where no number is enough or nothing is known of the control; ``why`` then says so.
    """

    guardrail: str
    is_critical: bool
    samples: ArmSamples | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class StepPreview:
    """One step before it is begun; ``shares`` are what its new versions get, in percent as the driver rounds.

    ``needs`` are of the guardrails that decide, of advisory ones only where nothing does.
    ``takes`` is the time for soak and samples at the present pace, ``decides`` the time until every critical guardrail
    could be decided on this step alone; None where it cannot be told.
    """

    number: int
    step: RolloutStep
    shares: Mapping[str, float]
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
    warnings = [f"{doubt.what}: {doubt.why}" for doubt in doubts_of(plan)]
    if pace.per_second is None:
        columns = [metric.column for metric in map(metric_of, plan.guardrails) if isinstance(metric, ColumnValues)]
        unseen = f", nor whether it has {' and '.join(columns)}" if columns else ""
        warnings.append(f"No traffic was measured yet, so how long the steps take is not known{unseen}")
    return PlanPreview(steps, tuple(warnings))


def step_changes(preview: PlanPreview) -> tuple[Change, ...]:
    """The steps as lines of an action's preview."""
    return tuple(
        Change(f"step {item.number}", f"{item.step.weight} %", f"{_arms(item)}{_conditions(item)}{_decision(item)}")
        for item in preview.steps
    )


def _arms(item: StepPreview) -> str:
    """What each of several new versions gets; of a single one the step's weight says it."""
    if len(item.shares) < 2:
        return ""
    return ", ".join(f"{arm} {share:.3g} %" for arm, share in item.shares.items()) + "; "


def _conditions(item: StepPreview) -> str:
    parts = [f"at least {format_duration(item.step.soak)}"] if item.step.soak else []
    if item.step.min_samples:
        parts.append(f"{item.step.min_samples:,} samples per arm")
    if item.takes is not None and item.takes > item.step.soak:
        parts.append(f"{_about(item.takes)} at the present traffic")
    return ", ".join(parts) or "until somebody goes on"


def _decision(item: StepPreview) -> str:
    """When the slowest guardrail is decided."""
    if item.needs and item.step.weight == 100:
        return "; nothing is left to compare with"
    known = [(need.samples.treatment, need) for need in item.needs if need.samples is not None]
    unknown = [need for need in item.needs if need.samples is None and (known or need.why != _UNMEASURED)]
    said = "".join(f"; {need.guardrail}: {need.why}" for need in unknown)
    if not known:
        return said
    count, most = max(known, key=lambda pair: pair[0])
    name = most.guardrail if most.is_critical else f"{most.guardrail} (advisory)"
    whose = "the new version" if len(item.shares) < 2 else f"each of the {len(item.shares)} new versions"
    when = f", {_about(item.decides)}" if item.decides is not None else ""
    return f"; {name} is decided after about {count:,} of {whose}{when}{said}"


def _about(length: timedelta) -> str:
    return "less than a minute" if length < timedelta(minutes=1) else f"about {waiting_duration(length)}"


def _step(plan: RolloutPolicy, number: int, step: RolloutStep, pace: Pace) -> StepPreview:
    shares = step_weights(plan, step.weight) if plan.driver is RolloutDriver.FLAG else arm_weights(plan, step.weight)
    control_share = max(1.0 - sum(shares.values()) / 100.0, 0.0) if step.weight < 100 else 0.0
    arm_share = min(shares.values()) / 100.0
    deciding = [guardrail for guardrail in plan.guardrails if guardrail.is_critical] or plan.guardrails
    needs = tuple(_need(plan, guardrail, arm_share, control_share, pace) for guardrail in deciding)
    smallest = min(arm_share, control_share) if control_share else arm_share
    counted = _time(step.min_samples / smallest if smallest else 0.0, pace)
    takes = max(step.soak, counted) if counted is not None else None
    decided = [need.samples.treatment / arm_share for need in needs if need.samples is not None and arm_share]
    decides = _time(max(decided), pace) if decided and len(decided) == len(needs) else None
    return StepPreview(number, step, shares, needs, takes if step.min_samples else step.soak, decides)


def _need(
    plan: RolloutPolicy, guardrail: Guardrail, arm_share: float, control_share: float, pace: Pace
) -> GuardrailNeed:
    name, is_critical = guardrail.name, guardrail.is_critical
    if control_share <= 0.0:
        return GuardrailNeed(name, is_critical, None, "nothing is left to compare with")
    baseline = pace.baselines.get(guardrail.name) or expected_baseline(guardrail)
    if baseline is None or (guardrail.kind is GuardrailKind.MEAN and baseline.deviation is None):
        return GuardrailNeed(name, is_critical, None, _UNMEASURED)
    both = arm_share + control_share
    at_once = pace.per_second * pace.window.total_seconds() * both if pace.per_second and pace.window else None
    samples = samples_needed(guardrail, baseline, arm_share / both, plan.alpha, at_once)
    why = "" if samples else why_undecidable(guardrail, baseline.value)
    return GuardrailNeed(name, is_critical, samples, why)


def _time(inferences: float, pace: Pace) -> timedelta | None:
    return foreseeable(inferences / pace.per_second) if pace.per_second else None
