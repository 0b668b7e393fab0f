"""Verdicts over time: the windows of one subject, counted in the bins of a reference, judged one by one and together.

Counts of windows add up, so that wider windows and whole stretches are judged from the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from mlops_tui.analysis.drift import Observation, compare, decide
from mlops_tui.analysis.thresholds import Limits
from mlops_tui.domain.drift import DriftResult, DriftVerdict
from mlops_tui.domain.drift_windows import FeatureDrift, KnownVerdicts, Stretch, WindowVerdict, severity
from mlops_tui.domain.profiles import CategoryBins, FeatureCounts, FeatureProfile
from mlops_tui.domain.window_slices import column_name
from mlops_tui.domain.windows import WindowRow

# So many rows are taken together to say how a feature is now, so that a quiet model is not judged by a handful.
ENOUGH_ROWS = 500

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WORST_FIRST = (DriftVerdict.DRIFT, DriftVerdict.INVALID, DriftVerdict.INSUFFICIENT, DriftVerdict.OK)

Counts = Mapping[str, FeatureCounts]
"""What one stretch of time holds, by the columns of traffic."""


def stretch_at(moment: datetime, width: timedelta) -> Stretch:
    """The window of that width which a moment (UTC) falls into; windows are counted from the Unix epoch."""
    return Stretch(moment - (moment - _EPOCH) % width, width)


def fold_rows(rows: Iterable[WindowRow], width: timedelta) -> dict[Stretch, Counts]:
    """The rows of one subject as windows of ``width``, the oldest first.

    ``width`` is a multiple of that of the rows. The order of the rows makes no difference.
    """
    windows: dict[Stretch, dict[str, FeatureCounts]] = {}
    for row in sorted(rows, key=lambda row: row.key):
        columns = windows.setdefault(stretch_at(row.key.window_start, width), {})
        known = columns.get(row.key.feature)
        columns[row.key.feature] = row.values if known is None else known.merged(row.values)
    return dict(sorted(windows.items()))


def together(windows: Iterable[Counts]) -> Counts:
    """What several windows hold together."""
    total: dict[str, FeatureCounts] = {}
    for columns in windows:
        for name, values in columns.items():
            total[name] = total[name].merged(values) if name in total else values
    return total


def newest_windows(windows: Mapping[Stretch, Counts], enough: int = ENOUGH_ROWS) -> tuple[Stretch, Counts] | None:
    """The newest windows, as many as it takes to have ``enough`` rows or all there are; None without any."""
    chosen: list[Stretch] = []
    rows = 0
    for window in sorted(windows, reverse=True):
        chosen.append(window)
        rows += rows_of(windows[window])
        if rows >= enough:
            break
    if not chosen:
        return None
    start, end = chosen[-1].start, chosen[0].end
    return Stretch(start, end - start), together(windows[window] for window in reversed(chosen))


def rows_of(columns: Counts) -> int:
    """How many predictions a window holds; every column counts them all."""
    return max((values.n for values in columns.values()), default=0)


def observe_counts(features: Sequence[FeatureProfile], columns: Counts) -> list[Observation]:
    """The features of a profile as a window has them; a column that no request ever brought is missing throughout."""
    rows = rows_of(columns)
    return [_observation(feature, columns.get(column_name(feature)), rows) for feature in features]


def refuse_other_types(seen: Observation) -> Observation:
    """The observation, or why it is none: every value of a numeric column is text or NaN, of which there was little.

    Windows do not tell text from NaN. It is looked at once everything is added up, since a stretch may be mixed.
    """
    feature, values = seen.reference, seen.current
    if values is None or isinstance(feature.bins, CategoryBins) or values.n == values.missing:
        return seen
    if values.nan < values.n - values.missing or 2 * feature.counts.nan >= feature.counts.n:
        return seen
    return Observation(feature, None, "no value is a number any more: the column has changed its type")


def judge(features: Sequence[FeatureProfile], columns: Counts, limits: Limits) -> list[DriftResult]:
    """Every statistic of every feature over one stretch, as ``compare`` gives them."""
    return compare([refuse_other_types(seen) for seen in observe_counts(features, columns)], limits)


def window_verdicts(
    features: Sequence[FeatureProfile],
    windows: Mapping[Stretch, Counts],
    limits: Limits,
    known: KnownVerdicts | None = None,
) -> dict[str, tuple[WindowVerdict, ...]]:
    """The deciding statistic of every feature in each window, each window an analysis of its own."""
    known = known or KnownVerdicts()
    reference = hash(tuple(features))
    series: dict[str, list[WindowVerdict]] = {feature.name: [] for feature in features}
    for window, columns in windows.items():
        key = (window, limits, reference, hash(tuple(columns.items())))
        for name, verdict in known.recall(key, partial(_judge_window, features, window, columns, limits)).items():
            series[name].append(verdict)
    return {name: tuple(verdicts) for name, verdicts in series.items()}


def _judge_window(
    features: Sequence[FeatureProfile], window: Stretch, columns: Counts, limits: Limits
) -> dict[str, WindowVerdict]:
    observations = [refuse_other_types(seen) for seen in observe_counts(features, columns)]
    results = by_feature(decide(observations, limits))
    return {name: _window_verdict(window, found) for name, found in results.items()}


def by_feature(results: Sequence[DriftResult]) -> dict[str, list[DriftResult]]:
    """The results of each feature, in their order."""
    found: dict[str, list[DriftResult]] = {}
    for result in results:
        found.setdefault(result.feature, []).append(result)
    return found


def feature_drifts(
    results: Sequence[DriftResult], series: Mapping[str, Sequence[WindowVerdict]]
) -> tuple[FeatureDrift, ...]:
    """The features with their windows, the worst first: by verdict, then by how far the value is over its threshold."""
    drifts = [
        FeatureDrift(name, found[0].kind, tuple(found), tuple(series.get(name, ())))
        for name, found in by_feature(results).items()
    ]
    return tuple(sorted(drifts, key=lambda item: (_WORST_FIRST.index(item.verdict), -item.severity, item.feature)))


def _window_verdict(window: Stretch, results: Sequence[DriftResult]) -> WindowVerdict:
    deciding, *rates = results
    return WindowVerdict(
        window,
        deciding.value,
        deciding.p_value,
        deciding.threshold,
        deciding.verdict,
        deciding.n_current,
        deciding.missing_current,
        deciding.reason,
        max((severity(rate.value, rate.threshold) for rate in rates), default=0.0),
    )


def _observation(feature: FeatureProfile, values: FeatureCounts | None, rows: int) -> Observation:
    if values is None:
        empty = tuple(0 for _ in range(feature.bins.size))
        return Observation(feature, FeatureCounts(rows, rows, 0, 0, 0, 0.0, 0.0, None, None, empty))
    if len(values.counts) != feature.bins.size:
        return Observation(feature, None, "its windows were counted in other bins than the reference has")
    return Observation(feature, values)
