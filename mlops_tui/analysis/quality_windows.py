"""Quality over time: what labels and scores say of each window, and whether estimates can be believed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from mlops_tui.analysis.drift_windows import Counts, rows_of, stretch_at, together
from mlops_tui.analysis.intervals import wilson
from mlops_tui.analysis.quality_calibration import (
    FEWEST_OF_A_CLASS,
    FEWEST_ROWS,
    Calibrator,
    fit_if_better,
)
from mlops_tui.analysis.quality_estimates import ScoreCounts, check_estimate, estimate_quality
from mlops_tui.analysis.quality_rows import Outcomes
from mlops_tui.analysis.thresholds import LEVEL, benjamini_hochberg
from mlops_tui.domain.drift_windows import Stretch
from mlops_tui.domain.profiles import NumericBins
from mlops_tui.domain.quality import (
    Calibration,
    EstimateCheck,
    QualityFigure,
    QualityTask,
    QualityWindow,
    TrafficFigures,
)
from mlops_tui.domain.trace_queries import WindowTraffic
from mlops_tui.domain.window_slices import Traffic, bucketed_quantile

_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class ScoreSource:
    """How estimates are made: the column of scores, its bins, the threshold, and what past labels said of scores."""

    column: str
    bins: NumericBins
    threshold: float
    calibrator: Calibrator | None = None


@dataclass(frozen=True, slots=True)
class QualityEvidence:
    """All that quality is made from: the windows' counts, the labelled rows, and how to estimate; None for neither."""

    windows: Mapping[Stretch, Counts]
    outcomes: Outcomes | None = None
    scores: ScoreSource | None = None

    def within(self, window: Stretch) -> QualityWindow:
        """What is known of one stretch."""
        counts = self.windows.get(window)
        if counts is None:
            counts = together(part for place, part in self.windows.items() if window.start <= place.start < window.end)
        rows = None if self.outcomes is None else self.outcomes.between(*nanoseconds(window))
        labelled = 0 if rows is None else len(rows)
        return QualityWindow(
            window=window,
            predictions=max(rows_of(counts), labelled),
            labelled=labelled,
            realised=() if rows is None else rows.figures(),
            estimated=self._estimated(counts),
            check=None if rows is None else self._check(rows),
        )

    def _estimated(self, counts: Counts) -> tuple[QualityFigure, ...]:
        source = self.scores
        values = counts.get(source.column) if source else None
        if source is None or values is None or len(values.counts) != source.bins.size:
            return ()
        return estimate_quality(ScoreCounts.of_bins(source.bins, values), source.threshold, source.calibrator)

    def _check(self, rows: Outcomes) -> EstimateCheck | None:
        if rows.task is not QualityTask.BINARY or self.scores is None:
            return None
        return check_estimate(rows.binary, self.scores.calibrator)


def quality_windows(evidence: QualityEvidence, width: timedelta) -> tuple[QualityWindow, ...]:
    """Every window that had predictions or has labels, the oldest first.

    Windows whose labels contradict their scores are marked so that of those marked 5 % are so by chance.
    """
    places = set(evidence.windows)
    if evidence.outcomes is not None:
        seconds = {int(end) // _NANOSECONDS for end in evidence.outcomes.ends}
        places |= {stretch_at(datetime.fromtimestamp(second, UTC), width) for second in seconds}
    windows = [evidence.within(place) for place in sorted(places)]
    checks = [window.check for window in windows if window.check is not None]
    level = benjamini_hochberg([check.p_value for check in checks], LEVEL)
    return tuple(_marked(window, level) for window in windows)


def whole_quality(evidence: QualityEvidence, windows: Iterable[QualityWindow], otherwise: Stretch) -> QualityWindow:
    """All windows as one; ``otherwise`` is the stretch where there are none."""
    stretches = [window.window for window in windows]
    if not stretches:
        return QualityWindow(otherwise, 0, 0)
    start, end = stretches[0].start, stretches[-1].end
    return _marked(evidence.within(Stretch(start, end - start)), LEVEL)


def learn_calibration(past: Outcomes | None) -> tuple[Calibrator | None, Calibration]:
    """What the labels of earlier predictions say about scores; nothing is learned from the windows that are judged."""
    rows = 0 if past is None else len(past)
    if past is None or past.scores is None or not past.binary.has_probabilities:
        return None, Calibration(
            is_fitted=False, rows=0, reason="no earlier label says whether scores are probabilities"
        )
    binary = past.binary
    positives = int(binary.truth.sum())
    if rows < FEWEST_ROWS or min(positives, rows - positives) < FEWEST_OF_A_CLASS:
        needed = f"it takes {FEWEST_ROWS}, {FEWEST_OF_A_CLASS} of either class"
        reason = f"{rows:,} earlier labels are too few to tell whether scores are probabilities; {needed}"
        return None, Calibration(is_fitted=False, rows=rows, reason=reason)
    calibrator = fit_if_better(binary.truth, past.scores)
    if calibrator is None:
        reason = f"scores are probabilities, as {rows:,} earlier labels say"
        return None, Calibration(is_fitted=False, rows=rows, reason=reason)
    return calibrator, Calibration(
        is_fitted=True, rows=rows, reason=f"scores are made probabilities by {rows:,} earlier labels"
    )


def traffic_figures(traffic: Iterable[WindowTraffic], width: timedelta) -> tuple[TrafficFigures, ...]:
    """Requests, errors and latencies in windows of ``width``, whichever services they came from; the oldest first."""
    totals: dict[Stretch, Traffic] = {}
    for part in traffic:
        place = stretch_at(part.window_start, width)
        totals[place] = totals.get(place, Traffic()) + part.traffic
    return tuple(_traffic(place, total) for place, total in sorted(totals.items()))


def nanoseconds(window: Stretch) -> tuple[int, int]:
    """The bounds of a stretch in nanoseconds since the epoch."""
    return round(window.start.timestamp()) * _NANOSECONDS, round(window.end.timestamp()) * _NANOSECONDS


def _marked(window: QualityWindow, level: float) -> QualityWindow:
    if window.check is None or window.check.p_value > level:
        return window
    return replace(window, check=replace(window.check, is_contradicted=True))


def _traffic(window: Stretch, traffic: Traffic) -> TrafficFigures:
    spans = traffic.spans
    lower, upper = wilson(traffic.errors, spans) if spans else (0.0, 1.0)
    latencies = [bucketed_quantile(traffic.latencies, quantile) for quantile in (0.5, 0.95, 0.99)]
    seconds = [None if value is None else value / _NANOSECONDS for value in latencies]
    return TrafficFigures(
        window, spans, traffic.errors, traffic.errors / spans if spans else None, lower, upper, *seconds
    )
