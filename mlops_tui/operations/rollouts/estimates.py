"""When a verdict can be expected: the samples that a power of 0.8 takes, less those there are, at the present pace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mlops_tui.analysis.power import Baseline, expected_baseline, samples_needed
from mlops_tui.domain.durations import moment_after
from mlops_tui.domain.judgements import GuardrailResult, Judgement, Measurement, Verdict
from mlops_tui.domain.policy import Guardrail, GuardrailKind, RolloutPolicy
from mlops_tui.domain.rollout_words import why_undecidable
from mlops_tui.domain.rollouts import VerdictEstimate
from mlops_tui.operations.measurements import MeasuredWindow
from mlops_tui.operations.rollouts.pace import baseline_of


def verdict_estimate(
    plan: RolloutPolicy,
    judgement: Judgement | None,
    kept: Sequence[Measurement],
    windows: Sequence[MeasuredWindow],
    now: datetime,
) -> VerdictEstimate | None:
    """The critical comparison that is decided last, None where nothing is open or nothing is known of the control.

    ``kept`` is all evidence so far, ``windows`` those of the present step, whose pace counts. It supposes that the new
    version is as good as the control; a harm near the margin takes longer.
    """
    if judgement is None:
        return None
    rails = {rail.name: rail for rail in plan.guardrails}
    estimates = [
        found
        for result in judgement.guardrails
        if result.is_critical and result.verdict in {Verdict.CONTINUE, Verdict.INSUFFICIENT}
        for found in _estimate(plan, rails[result.name], result, kept, _Recently.of(windows), now)
    ]
    return max(estimates, key=_lateness, default=None)


def _lateness(estimate: VerdictEstimate) -> tuple[bool, bool, float]:
    """What is never decided comes last, then what has no pace, then the time or the samples."""
    if estimate.samples_left is None:
        return (True, True, 0.0)
    if estimate.eta is None:
        return (False, bool(estimate.samples_left), float(estimate.samples_left))
    return (False, False, estimate.eta.timestamp())


@dataclass(frozen=True, slots=True)
class _Recently:
    """Some windows: how many, how long they are together, and the observations of each guardrail and arm."""

    windows: int
    seconds: float
    seen: Mapping[tuple[str, str], float]

    @classmethod
    def of(cls, windows: Sequence[MeasuredWindow]) -> _Recently:
        seen: dict[tuple[str, str], float] = {}
        for window in windows:
            for item in window.measurements:
                key = item.guardrail, item.arm
                seen[key] = seen.get(key, 0.0) + item.sample.n
        seconds = sum((window.width for window in windows), timedelta(0)).total_seconds()
        return cls(len(windows), seconds, seen)


def _estimate(
    plan: RolloutPolicy,
    rail: Guardrail,
    result: GuardrailResult,
    kept: Sequence[Measurement],
    recently: _Recently,
    now: datetime,
) -> Iterator[VerdictEstimate]:
    baseline = _baseline(plan, rail, kept)
    at_pace = recently.seen.get((rail.name, result.treatment), 0.0)
    beside = recently.seen.get((rail.name, plan.control), 0.0)
    control, treatment = (beside, at_pace) if at_pace else (result.n[plan.control], result.n[result.treatment])
    # Where only the new version serves, nothing more is compared.
    if baseline is None or not control or not treatment:
        return
    both = control + treatment
    at_once = both / recently.windows if at_pace else None
    needed = samples_needed(rail, baseline, treatment / both, plan.alpha, at_once)
    if needed is None:
        yield VerdictEstimate(rail.name, result.treatment, None, None, why_undecidable(rail, baseline.value))
        return
    wanted = max(needed.treatment, rail.min_samples)
    left = max(0, int(wanted - result.n.get(result.treatment, 0.0)))
    eta = moment_after(now, left * recently.seconds / at_pace) if left and at_pace else None
    yield VerdictEstimate(rail.name, result.treatment, left, eta)


def _baseline(plan: RolloutPolicy, rail: Guardrail, kept: Sequence[Measurement]) -> Baseline | None:
    samples = [item.sample for item in kept if item.guardrail == rail.name and item.arm == plan.control]
    baseline = baseline_of(samples) or expected_baseline(rail)
    is_whole = baseline is not None and (rail.kind is not GuardrailKind.MEAN or baseline.deviation is not None)
    return baseline if is_whole else None
