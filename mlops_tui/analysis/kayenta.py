"""Judging as Spinnaker's Kayenta does, for teams that migrate and want to compare.

The rules are those of its judge NetflixACAJudge-v1.0: a Mann-Whitney test of the values of each time stamp, a score of
the metrics that pass, and two thresholds. It controls no error rate when it is watched, and it passes what it cannot
tell apart; that is what the sequential judge is for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from math import isnan, nan

import numpy as np

from mlops_tui.analysis.contrasts import FloatArray, Tally
from mlops_tui.domain.judgements import GuardrailResult, Judgement, JudgePlan, Measurement, Verdict
from mlops_tui.domain.policy import Direction, Guardrail, MarginKind

CONFIDENCE = 0.98
TOLERANCE = 0.25
PASS_SCORE, MARGINAL_SCORE = 95.0, 75.0
_MOST_WITHOUT_DATA = 0.5
_ROOT_TOLERANCE = 1e-4
_NOISE = 1e-5


class Class(Enum):
    """How one metric is classified."""

    ALIKE = "Pass"
    HIGH = "High"
    LOW = "Low"
    NO_DATA = "Nodata"


@dataclass(frozen=True, slots=True)
class Shift:
    """The Mann-Whitney estimate of experiment minus control with its confidence interval."""

    lower: float
    upper: float
    estimate: float


def location_shift(experiment: FloatArray, control: FloatArray, confidence: float = CONFIDENCE) -> Shift:
    """The shift at which the normal approximation of the rank sum, corrected for ties and continuity, is undecided.

    Roots are found to 1e-4 in the unit of the values, as Kayenta does: for metrics of that size it is too coarse.
    """
    from scipy.special import ndtri

    if len(set(experiment)) == 1 and len(set(control)) == 1:
        noise = np.random.default_rng(0)
        experiment = experiment + noise.normal(0.0, _NOISE * max(abs(experiment[0]), 1e-300), len(experiment))
        control = control + noise.normal(0.0, _NOISE * max(abs(control[0]), 1e-300), len(control))
    z = float(ndtri((1.0 + confidence) / 2.0))
    return Shift(
        _root(experiment, control, z, is_corrected=True),
        _root(experiment, control, -z, is_corrected=True),
        _root(experiment, control, 0.0, is_corrected=False),
    )


def classify(experiment: Sequence[float], control: Sequence[float], allowed: float = 1.0) -> Class:
    """Classify a metric; ``allowed`` is the ratio of the means up to which a shift does not count."""
    new, old = (np.array([value for value in values if not isnan(value)]) for values in (experiment, control))
    if not (len(new) and len(old)):
        return Class.NO_DATA
    if len(set(np.concatenate([new, old]))) == 1 or (
        len(new) == len(old) and bool((np.sort(new) == np.sort(old)).all())
    ):
        return Class.ALIKE
    shift = location_shift(new, old)
    tolerated = TOLERANCE * abs(shift.estimate)
    effect = float(new.mean() / old.mean()) if new.mean() and old.mean() else nan
    if shift.lower > tolerated and (isnan(effect) or effect >= allowed):
        return Class.HIGH
    if shift.upper < -tolerated and (isnan(effect) or effect <= 2.0 - allowed):
        return Class.LOW
    return Class.ALIKE


class KayentaJudge:
    """Classifies every guardrail anew after each time stamp; there is one value per time stamp and arm."""

    def __init__(self, plan: JudgePlan) -> None:
        self._plan = plan
        self._values: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self._totals: defaultdict[tuple[str, str], float] = defaultdict(float)

    def observe(self, at: datetime, measurements: Iterable[Measurement]) -> Judgement:
        """Take in everything of one time stamp, which is later than the one before, and judge."""
        added: defaultdict[tuple[str, str], list[Measurement]] = defaultdict(list)
        for measurement in measurements:
            added[measurement.guardrail, measurement.arm].append(measurement)
        for key, parts in added.items():
            tallies = [Tally.of(part.sample) for part in parts]
            n = sum(part.n for part in tallies)
            self._totals[key] += n
            if n:
                self._values[key].append(sum(part.total for part in tallies) / n)
        results = tuple(
            self._result(guardrail, treatment)
            for guardrail in self._plan.guardrails
            for treatment in self._plan.treatments
        )
        return _scored(at, results)

    def _result(self, guardrail: Guardrail, treatment: str) -> GuardrailResult:
        sign = 1 if guardrail.direction is Direction.LOWER else -1
        control = self._values[guardrail.name, self._plan.control]
        experiment = self._values[guardrail.name, treatment]
        found = classify(experiment, control, _allowed(guardrail, control))
        shift = location_shift(np.array(experiment), np.array(control)) if experiment and control else None
        bounds = sorted((sign * shift.lower, sign * shift.upper)) if shift is not None else (None, None)
        return GuardrailResult(
            name=guardrail.name,
            treatment=treatment,
            verdict=_verdict(found, sign),
            difference=sign * shift.estimate if shift is not None else None,
            lower=bounds[0],
            upper=bounds[1],
            margin=guardrail.margin,
            margin_kind=guardrail.margin_kind,
            is_critical=guardrail.is_critical,
            n={arm: self._totals[guardrail.name, arm] for arm in (self._plan.control, treatment)},
            log_e=None,
            reason=f"{guardrail.name} of {treatment} is classified {found.value} by the Mann-Whitney test of "
            f"{len(experiment)} values against {len(control)}",
        )


def _allowed(guardrail: Guardrail, control: Sequence[float]) -> float:
    """Kayenta's allowed increase: a relative margin, or an absolute one as a share of the control's mean."""
    if guardrail.margin_kind is MarginKind.RELATIVE:
        return 1.0 + guardrail.margin
    mean = abs(sum(control) / len(control)) if control else 0.0
    return 1.0 + guardrail.margin / mean if mean else 1.0


def _verdict(found: Class, sign: int) -> Verdict:
    match found:
        case Class.NO_DATA:
            return Verdict.INSUFFICIENT
        case Class.HIGH:
            return Verdict.BREACH if sign > 0 else Verdict.HEALTHY
        case Class.LOW:
            return Verdict.HEALTHY if sign > 0 else Verdict.BREACH
        case Class.ALIKE:
            return Verdict.HEALTHY


def _scored(at: datetime, results: Sequence[GuardrailResult]) -> Judgement:
    counted = [result for result in results if result.verdict is not Verdict.INSUFFICIENT]
    if len(counted) <= len(results) * _MOST_WITHOUT_DATA:
        reason = f"{len(results) - len(counted)} of {len(results)} metrics have no data"
        return Judgement(at, Verdict.INSUFFICIENT, reason, tuple(results))
    passed = sum(result.verdict is Verdict.HEALTHY for result in counted)
    is_critical = any(result.verdict is Verdict.BREACH and result.is_critical for result in counted)
    score = 0.0 if is_critical else 100.0 * passed / len(counted)
    reason = f"The score is {score:.0f}, with {passed} of {len(counted)} metrics passing"
    if score >= PASS_SCORE:
        return Judgement(at, Verdict.HEALTHY, reason, tuple(results))
    verdict = Verdict.CONTINUE if score >= MARGINAL_SCORE else Verdict.BREACH
    return Judgement(at, verdict, reason, tuple(results))


def _root(experiment: FloatArray, control: FloatArray, z: float, *, is_corrected: bool) -> float:
    from scipy.optimize import brentq

    lowest = float(experiment.min() - control.max())
    highest = float(experiment.max() - control.min())

    def distance(shift: float) -> float:
        return _standardised(experiment - shift, control, is_corrected=is_corrected) - z

    if distance(lowest) <= 0.0:
        return lowest
    if distance(highest) >= 0.0:
        return highest
    return float(brentq(distance, lowest, highest, xtol=_ROOT_TOLERANCE))


def _standardised(experiment: FloatArray, control: FloatArray, *, is_corrected: bool) -> float:
    """The rank sum of the experiment in standard deviations from its mean under no shift."""
    _, places, counts = np.unique(np.concatenate([experiment, control]), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[places]
    new, old = len(experiment), len(control)
    excess = float(ranks[:new].sum()) - new * (new + 1) / 2.0 - new * old / 2.0
    ties = float((counts**3 - counts).sum()) / ((new + old) * (new + old - 1))
    variance = new * old / 12.0 * (new + old + 1 - ties)
    correction = 0.5 * float(np.sign(excess)) if is_corrected else 0.0
    return (excess - correction) / variance**0.5 if variance > 0 else 0.0
