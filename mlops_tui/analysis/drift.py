"""Comparing current data with a reference profile: every statistic, calibrated verdicts, a known false-alarm rate.

One statistic decides for each feature: chi-square up to twenty categories, else the population stability index. Beside
it the shares of missing values and of new categories are tested exactly, as few rows of either go under in it. The
Benjamini-Hochberg procedure runs over all of these tests; what is significant is drift only beyond the smallest effect.
The other statistics of a feature carry its verdict and inform.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mlops_tui.analysis.bin_groups import LEAST_EXPECTED, all_groups, full_groups
from mlops_tui.analysis.cumulative_distances import kolmogorov_smirnov, wasserstein
from mlops_tui.analysis.distances import (
    hellinger_distance,
    jensen_shannon_distance,
    l_infinity_distance,
    population_stability_index,
    total_variation_distance,
)
from mlops_tui.analysis.rates import RateTest, rate_tests
from mlops_tui.analysis.significance import (
    NullLaw,
    chi_square,
    chi_square_law,
    kolmogorov_p,
    psi_law,
)
from mlops_tui.analysis.thresholds import Limits, benjamini_hochberg
from mlops_tui.analysis.unseen import most_rare_sightings
from mlops_tui.domain.drift import DriftResult, DriftVerdict, FeatureKind, Statistic
from mlops_tui.domain.profiles import CategoryBins, FeatureCounts, FeatureProfile, NumericBins

MOST_CATEGORIES_FOR_CHI2 = 20
# A rare value that gains such a share of all rows has changed a lot.
_COMMON = 0.1


@dataclass(frozen=True, slots=True)
class Observation:
    """A feature as it is now; ``problem`` says why it cannot be compared, and ``current`` is then None."""

    reference: FeatureProfile
    current: FeatureCounts | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Figure:
    statistic: Statistic
    value: float | None
    p_value: float | None = None


@dataclass(frozen=True, slots=True)
class _Measured:
    """All figures of a feature; the first decides. ``per_effect`` is what one of its effect is in its own unit."""

    observation: Observation
    current: FeatureCounts
    figures: tuple[_Figure, ...]
    law: NullLaw
    per_effect: float

    @property
    def rates(self) -> tuple[RateTest, ...]:
        """The shares that are tested beside it."""
        return tuple(test for test in rate_tests(self.observation.reference, self.current) if test.is_of_something)


def compare(observations: Sequence[Observation], limits: Limits | None = None) -> list[DriftResult]:
    """Compare features with their references; the results come in the order of the features.

    A feature that cannot be compared has one result, which says why.
    """
    return _compared(observations, limits or Limits(), informs=True)


def decide(observations: Sequence[Observation], limits: Limits | None = None) -> list[DriftResult]:
    """What ``compare`` decides by, without the work of the others: the deciding result of each feature comes first.

    A share of missing values or new categories that has grown follows as a result of its own.
    """
    return _compared(observations, limits or Limits(), informs=False)


def _compared(observations: Sequence[Observation], limits: Limits, *, informs: bool) -> list[DriftResult]:
    measured = [_measure(seen, seen.current, informs=informs) for seen in observations if seen.current is not None]
    tested = [entry.figures[0].p_value or 0.0 for entry in measured if entry.law.freedom]
    tested += [test.p_value or 0.0 for entry in measured for test in entry.rates]
    level = benjamini_hochberg(tested, limits.level)
    judged = {id(entry.observation): _judge(entry, level, limits) for entry in measured}
    return [result for seen in observations for result in judged.get(id(seen)) or [_invalid(seen)]]


def deciding_statistic(reference: FeatureProfile) -> Statistic:
    """The statistic that a feature's verdict rests on."""
    match reference.bins:
        case CategoryBins(categories) if len(categories) <= MOST_CATEGORIES_FOR_CHI2:
            return Statistic.CHI2
        case _:
            return Statistic.PSI


def invalid_result(name: str, kind: FeatureKind, reason: str) -> DriftResult:
    """The result for a feature of which the reference knows nothing."""
    verdict = DriftVerdict.INVALID
    return DriftResult(name, kind, Statistic.PSI, None, None, None, verdict, 0, 0, 0, 0, decides=True, reason=reason)


def _invalid(seen: Observation) -> DriftResult:
    reference = seen.reference
    return DriftResult(
        feature=reference.name,
        kind=reference.kind,
        statistic=deciding_statistic(reference),
        value=None,
        p_value=None,
        threshold=None,
        verdict=DriftVerdict.INVALID,
        n_reference=reference.counts.n,
        n_current=0,
        missing_reference=reference.counts.absent,
        missing_current=0,
        decides=True,
        reason=seen.problem,
    )


def _measure(seen: Observation, current: FeatureCounts, *, informs: bool) -> _Measured:
    reference = seen.reference
    groups = full_groups(reference, current)
    n, m = groups.n_reference, groups.n_current
    if not n or not m:
        return _Measured(seen, current, (_Figure(deciding_statistic(reference), None),), psi_law(groups), 1.0)
    shown = groups if len(groups.reference) > 1 else all_groups(reference, current)
    index = population_stability_index(shown.reference / n, shown.current / m)
    law = psi_law(groups)
    psi = _Figure(Statistic.PSI, index, _p_value(law, index))
    others = _figures(reference, current) if informs else ()
    if deciding_statistic(reference) is Statistic.PSI:
        return _Measured(seen, current, (psi, *others), law, 1.0)
    law = chi_square_law(groups)
    statistic = chi_square(shown)
    chi2 = _Figure(Statistic.CHI2, statistic, _p_value(law, statistic))
    others = (psi, *others) if informs else ()
    return _Measured(seen, current, (chi2, *others), law, n * m / (n + m))


def _p_value(law: NullLaw, value: float) -> float | None:
    """None where there is a difference, but in groups too small to test."""
    return law.p_value(value) if law.freedom or not value else None


def _figures(reference: FeatureProfile, current: FeatureCounts) -> tuple[_Figure, ...]:
    groups = all_groups(reference, current)
    ours, theirs = groups.reference / groups.n_reference, groups.current / groups.n_current
    figures = [
        _Figure(Statistic.JS_LN, jensen_shannon_distance(ours, theirs)),
        _Figure(Statistic.JS_2, jensen_shannon_distance(ours, theirs, 2)),
        _Figure(Statistic.HELLINGER, hellinger_distance(ours, theirs)),
        _Figure(Statistic.TVD, total_variation_distance(ours, theirs)),
        _Figure(Statistic.LINF, l_infinity_distance(ours, theirs)),
        *map(_rate_figure, rate_tests(reference, current)),
    ]
    if isinstance(reference.bins, NumericBins):
        return (*_cumulative(reference.bins, reference.counts, current), *figures)
    return tuple(figures)


def _cumulative(bins: NumericBins, reference: FeatureCounts, current: FeatureCounts) -> list[_Figure]:
    if not reference.valid or not current.valid:
        return []
    distance = kolmogorov_smirnov(bins, reference, current).value
    area = wasserstein(bins, reference, current)
    deviation = reference.deviation
    normed = area.value / deviation if area and deviation else None
    return [
        _Figure(Statistic.KS, distance, kolmogorov_p(distance, reference.valid, current.valid)),
        _Figure(Statistic.WASSERSTEIN, area.value if area else None),
        _Figure(Statistic.WASSERSTEIN_NORMED, normed if normed is None or math.isfinite(normed) else None),
    ]


def _judge(measured: _Measured, level: float, limits: Limits) -> list[DriftResult]:
    reference, current = measured.observation.reference, measured.current
    critical = measured.law.critical(level)
    threshold = max(critical, limits.smallest_effect * measured.per_effect)
    grown = [test for test in measured.rates if test.is_drift(level, limits.smallest_effect)]
    verdict, reason = _verdict(measured, critical, threshold, grown, limits)
    figures = (*measured.figures, *(figure for figure in map(_rate_figure, grown) if figure not in measured.figures))
    thresholds = {
        test.statistic: test.threshold(level, limits.smallest_effect)
        for test in measured.rates
        if _rate_figure(test) in figures
    }
    thresholds[figures[0].statistic] = threshold if math.isfinite(threshold) else None
    return [
        DriftResult(
            feature=reference.name,
            kind=reference.kind,
            statistic=figure.statistic,
            value=figure.value,
            p_value=figure.p_value,
            threshold=thresholds.get(figure.statistic),
            verdict=verdict,
            n_reference=reference.counts.n,
            n_current=current.n,
            missing_reference=reference.counts.absent,
            missing_current=current.absent,
            decides=place == 0,
            reason=reason,
        )
        for place, figure in enumerate(figures)
    ]


def _rate_figure(test: RateTest) -> _Figure:
    return _Figure(test.statistic, test.value, test.p_value)


def _verdict(
    measured: _Measured, critical: float, threshold: float, grown: Sequence[RateTest], limits: Limits
) -> tuple[DriftVerdict, str]:
    reference, current = measured.observation.reference.counts, measured.current
    value = measured.figures[0].value
    remark = _remark(reference, current)
    if not reference.n or not current.n or value is None:
        return DriftVerdict.INSUFFICIENT, "there are no rows"
    if value > threshold:
        return DriftVerdict.DRIFT, remark
    if grown:
        return DriftVerdict.DRIFT, "; ".join(test.sentence for test in grown)
    if min(reference.n, current.n) < limits.fewest_rows:
        return DriftVerdict.INSUFFICIENT, f"it takes {limits.fewest_rows} rows on either side to call nothing a change"
    if _has_only_rare(measured.observation.reference):
        return DriftVerdict.INSUFFICIENT, "its categories are too many and too rare to compare"
    is_single = not measured.law.freedom
    if is_single and _stays_single(measured.observation.reference, current):
        return DriftVerdict.INSUFFICIENT, "all but its commonest value are too rare to compare in so few rows"
    if not is_single and critical > limits.largest_unseen * measured.per_effect:
        return DriftVerdict.INSUFFICIENT, "a large change would not have been seen in so few rows"
    if value > critical:
        return DriftVerdict.OK, remark or "a difference for sure, but too small to count as drift"
    return DriftVerdict.OK, remark


def _stays_single(reference: FeatureProfile, current: FeatureCounts) -> bool:
    """Whether the other values of the reference could become common without a group of their own to show it."""
    groups = all_groups(reference, current)
    n, m = groups.n_reference, groups.n_current
    others = n - int(groups.reference.max())
    share_seen = (LEAST_EXPECTED * (n + m) / min(n, m) - others) / m
    return others > 0 and share_seen - others / n > _COMMON


def _has_only_rare(reference: FeatureProfile) -> bool:
    """Whether no category is common enough to be told from those that the reference never saw."""
    counts = reference.counts.counts
    return isinstance(reference.bins, CategoryBins) and max(counts[:-1], default=0) <= most_rare_sightings(counts)


def _remark(reference: FeatureCounts, current: FeatureCounts) -> str:
    if current.absent == current.n and reference.absent < reference.n:
        return "every value is missing"
    is_narrow = reference.min is None or reference.min == reference.max
    if is_narrow and sum(map(bool, reference.counts)) == 1:
        return "the reference holds a single value"
    return ""
