"""The judge of a rollout: folds measurements into evidence and says after each time stamp what it amounts to.

Looking, waiting and stopping at any time cost nothing: the chance that a version whose harm is within every margin is
ever called a BREACH is at most alpha for events, and near it for means, whatever the number of looks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from mlops_tui.analysis.contrasts import Tally
from mlops_tui.analysis.guardrails import Assessment, GuardrailEvidence
from mlops_tui.analysis.kayenta import KayentaJudge
from mlops_tui.analysis.reasons import guardrail_reason, mismatch_reason, overall_reason
from mlops_tui.analysis.sample_ratio import LIMIT, mismatch_p
from mlops_tui.domain.judgements import (
    GuardrailResult,
    Judgement,
    JudgePlan,
    Measurement,
    Method,
    Verdict,
)
from mlops_tui.domain.policy import Guardrail, GuardrailKind


class Judge(Protocol):
    """Whoever judges a rollout."""

    def observe(self, at: datetime, measurements: Iterable[Measurement]) -> Judgement:
        """Take in everything of one time stamp, which is later than the one before, and judge."""
        ...


def judge_of(plan: JudgePlan, method: Method = Method.SEQUENTIAL) -> Judge:
    """The judge that weighs evidence by a method."""
    match method:
        case Method.SEQUENTIAL:
            return SequentialJudge(plan)
        case Method.KAYENTA:
            return KayentaJudge(plan)


class SequentialJudge:
    """Always-valid inference, one e-process for each guardrail and treatment.

    They share alpha by Holm's rule: each is held to alpha divided by how many are not breached yet. A breach stays one.
    """

    def __init__(self, plan: JudgePlan) -> None:
        self._plan = plan
        self._evidence = {
            (guardrail.name, treatment): GuardrailEvidence(guardrail)
            for guardrail in plan.guardrails
            for treatment in plan.treatments
        }
        self._totals: defaultdict[tuple[str, str], float] = defaultdict(float)
        self._breached: dict[tuple[str, str], Assessment] = {}

    def observe(self, at: datetime, measurements: Iterable[Measurement]) -> Judgement:
        """Take in everything of one time stamp, which is later than the one before, and judge."""
        self._add(measurements)
        mismatch = self._mismatch()
        assessments = self._assess(may_breach=mismatch is None)
        results = tuple(
            self._result(guardrail, treatment, assessments[guardrail.name, treatment], is_valid=mismatch is None)
            for guardrail in self._plan.guardrails
            for treatment in self._plan.treatments
        )
        verdict = overall_verdict(results)
        if mismatch is not None and verdict is not Verdict.BREACH:
            return Judgement(at, Verdict.INVALID, mismatch, results)
        return Judgement(at, verdict, overall_reason(verdict, results), results)

    def _add(self, measurements: Iterable[Measurement]) -> None:
        tallies: defaultdict[tuple[str, str], Tally] = defaultdict(Tally)
        for measurement in measurements:
            tallies[measurement.guardrail, measurement.arm] += Tally.of(measurement.sample)
        for key, added in tallies.items():
            self._totals[key] += added.n
        for (name, treatment), evidence in self._evidence.items():
            pair = tallies.get((name, self._plan.control), Tally()), tallies.get((name, treatment), Tally())
            if pair[0].n or pair[1].n:
                evidence.add(*pair)

    def _assess(self, *, may_breach: bool) -> dict[tuple[str, str], Assessment]:
        """Assess all, again whenever a new breach leaves more of alpha to the others."""
        while True:
            remaining = max(len(self._evidence) - len(self._breached), 1)
            level = self._plan.alpha / remaining
            assessments = {key: evidence.assess(level, self._plan.alpha) for key, evidence in self._evidence.items()}
            fresh = {
                key: found
                for key, found in assessments.items()
                if found.is_breached and key not in self._breached and may_breach
            }
            if not fresh:
                break
            self._breached |= fresh
        latched = {key: assessments[key].latched(breach) for key, breach in self._breached.items()}
        return assessments | latched

    def _verdict(
        self, guardrail: Guardrail, treatment: str, found: Assessment, n: Mapping[str, float], *, is_valid: bool
    ) -> Verdict:
        if (guardrail.name, treatment) in self._breached:
            return Verdict.BREACH
        if not is_valid:
            return Verdict.INVALID
        if min(n.values()) < max(guardrail.min_samples, 1) or not found.buckets:
            return Verdict.INSUFFICIENT
        return Verdict.HEALTHY if found.is_safe and found.difference is not None else Verdict.CONTINUE

    def _result(self, guardrail: Guardrail, treatment: str, found: Assessment, *, is_valid: bool) -> GuardrailResult:
        n = {arm: self._totals[guardrail.name, arm] for arm in (self._plan.control, treatment)}
        verdict = self._verdict(guardrail, treatment, found, n, is_valid=is_valid)
        return GuardrailResult(
            name=guardrail.name,
            treatment=treatment,
            verdict=verdict,
            difference=found.difference,
            lower=found.lower,
            upper=found.upper,
            margin=guardrail.margin,
            margin_kind=guardrail.margin_kind,
            is_critical=guardrail.is_critical,
            n=n,
            log_e=found.log_e,
            reason=guardrail_reason(guardrail, treatment, verdict, found, n),
        )

    def _mismatch(self) -> str | None:
        """Why the arms cannot be compared, by the guardrail with the most observations; None where they can.

        What a count has is exposure, which may be time: it is asked only where there is nothing else.
        """
        if not self._plan.weights:
            return None
        counted = [item for item in self._plan.guardrails if item.kind is not GuardrailKind.COUNT]
        observed = max(
            (
                {arm: self._totals[item.name, arm] for arm in self._plan.arms}
                for item in counted or self._plan.guardrails
            ),
            key=lambda totals: sum(totals.values()),
        )
        p = mismatch_p(observed, self._plan.weights)
        return mismatch_reason(observed, self._plan.weights, p) if p < LIMIT else None


def overall_verdict(results: Iterable[GuardrailResult]) -> Verdict:
    """What the critical guardrails say together; advisory ones are only shown, and without any nothing passes."""
    verdicts = [result.verdict for result in results if result.is_critical]
    for decisive in (Verdict.BREACH, Verdict.INSUFFICIENT, Verdict.CONTINUE):
        if decisive in verdicts:
            return decisive
    return Verdict.HEALTHY if verdicts else Verdict.CONTINUE
