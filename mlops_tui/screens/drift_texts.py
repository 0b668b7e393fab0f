"""What the view of drift says in words: its summary, the headings of its panes, and a row for each feature."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.drift import DriftResult, DriftVerdict
from mlops_tui.domain.drift_windows import FeatureDrift, ModelDrift, Stretch, WindowVerdict
from mlops_tui.domain.durations import coarse_duration, format_duration
from mlops_tui.domain.inferences import Subject
from mlops_tui.domain.quality import ModelQuality, QualityFigure, QualityMetric
from mlops_tui.screens.listing import Item
from mlops_tui.screens.states import drift_verdict
from mlops_tui.screens.stretches import day_time, stretch_text
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Align, Cell, number
from mlops_tui.widgets.plot_figure import plain_number
from mlops_tui.widgets.sparkline import sparkline
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.text_layout import TextLine

TREND = 8
COLUMNS = (
    Column("verdict", "VERDICT", 12),
    Column("feature", "FEATURE", 10, flex=3, max_width=40),
    Column("severity", "LIMITS", 6, align=Align.RIGHT),
    Column("trend", "TREND", TREND, priority=75, is_sortable=False),
    Column("value", "SCORE", 7, align=Align.RIGHT, priority=65),
    Column("statistic", "BY", 12, priority=40),
    Column("n", "N", 6, align=Align.RIGHT),
    Column("missing", "MISSING", 7, align=Align.RIGHT, priority=60),
    Column("kind", "KIND", 11, priority=10),
    Column("reason", "REMARK", 16, flex=4, max_width=90, priority=30),
)
_SEPARATOR = " · "
# While requests come in, the newest are always still to be counted.
_NEARLY = 0.98


def feature_item(feature: FeatureDrift) -> Item:
    """A row: verdict, how far the feature is beyond its limit, its recent past, and what that rests on."""
    deciding, worst = feature.deciding, feature.worst
    status = drift_verdict(feature.verdict)
    share = deciding.missing_current / deciding.n_current if deciding.n_current else None
    known = worst.value is not None and worst.threshold is not None
    cells = (
        status.cell,
        Cell(feature.feature, Token.STRONG if feature.verdict is DriftVerdict.DRIFT else Token.PLAIN),
        number(f"{feature.severity:.2f}" if known else "-", status.token if known else Token.MUTED),
        Cell(sparkline([part.severity for part in feature.windows][-3 * TREND :], TREND), status.token),
        number("-" if worst.value is None else f"{worst.value:.3g}"),
        Cell(worst.statistic.value, Token.MUTED),
        number(f"{deciding.n_current:,}"),
        number("-" if share is None else f"{100 * share:.1f}%", Token.MUTED if not share else Token.PLAIN),
        Cell(feature.kind.value, Token.MUTED),
        Cell(deciding.reason, Token.MUTED),
    )
    order = {"severity": feature.severity, "value": worst.value, "n": float(deciding.n_current), "missing": share}
    return Item(feature.feature, cells, order)


def summary(drift: ModelDrift, now: datetime) -> list[TextLine]:
    """Whose data these are and what is said of them, what they are compared with, and what was left out."""
    lines = [_verdict_line(drift, now), _reference_line(drift, now)]
    remarks = [remark for remark in drift.remarks if drift.reference is not None]
    if drift.reference is None and drift.subject.version:
        command = f"mlops-tui drift profile --input train.csv --model {drift.model} --version {drift.subject.version}"
        lines.append((Cell("This makes one: ", Token.MUTED), Cell(f"{command} --store", Token.KEY)))
    if remarks:
        lines.append((Cell(f"{Sign.WARNING.glyph} ", Token.WARNING), Cell("; ".join(remarks), Token.MUTED)))
    return lines


def subject_title(subject: Subject) -> str:
    """A version on an arm in an environment, as far as they are known."""
    return _SEPARATOR.join(part for part in (subject.version, subject.arm, subject.environment) if part)


def features_heading(drift: ModelDrift) -> str:
    """What the verdicts rest on; the summary says of which time."""
    return "Features" if drift.current is None else f"Features{_SEPARATOR}n {drift.rows:,}"


def score_heading(drift: ModelDrift, feature: FeatureDrift, chosen: Stretch | None, now: datetime) -> str:
    """The score of a feature in the window that is looked at, with what it rests on."""
    if chosen is None:
        worst, window = feature.worst, drift.current
        words, n = _score(worst.statistic.value, worst.value, worst.threshold), worst.n_current
    else:
        part, window = window_of(feature, chosen), chosen
        words = "no requests" if part is None else _score(feature.statistic.value, part.value, part.threshold)
        n = 0 if part is None else part.n
    place = f"n {n:,}, {stretch_text(window, now)}" if window is not None else ""
    return _SEPARATOR.join(filter(None, (feature.feature, words, place, f"by {format_duration(drift.width)}")))


def distribution_heading(feature: FeatureDrift, chosen: Stretch | None, window: Stretch, now: datetime) -> str:
    """Whose distribution it is, when, and what is said of that window."""
    said = feature.verdict
    if chosen is not None:
        part = window_of(feature, chosen)
        said = DriftVerdict.INSUFFICIENT if part is None else part.verdict
    status = drift_verdict(said)
    return _SEPARATOR.join((feature.feature, status.cell.text, stretch_text(window, now)))


def quality_heading(quality: ModelQuality, metric: QualityMetric, chosen: Stretch | None) -> str:
    """A metric with its interval: in the window that is looked at, or over all of them."""
    window = next((part for part in quality.windows if part.window == chosen), quality.whole)
    figures = [("realised", window.figure(metric)), ("estimated", window.figure(metric, is_estimate=True))]
    words = [f"{name} {figure_text(figure)}" for name, figure in figures if figure is not None]
    share = window.labelled_share
    if share is not None:
        words.append(f"{100 * share:.0f}% of {window.predictions:,} labelled")
    return _SEPARATOR.join((metric.value.replace("_", " "), *words))


def traffic_heading(quality: ModelQuality, chosen: Stretch | None) -> str:
    """Requests, errors and latency in the window that is looked at, or in the newest one."""
    parts = [part for part in quality.traffic if part.window == chosen] or list(quality.traffic[-1:])
    if not parts:
        return f"Traffic{_SEPARATOR}no requests"
    part = parts[0]
    errors = "" if part.error_share is None else f"{100 * part.error_share:.2g}% errors"
    interval = f"({100 * part.error_lower:.2g} to {100 * part.error_upper:.2g})"
    latency = "" if part.p95 is None else f"p95 {1_000 * part.p95:.3g} ms"
    return _SEPARATOR.join(filter(None, (f"Traffic{_SEPARATOR}n {part.requests:,}", f"{errors} {interval}", latency)))


def figure_text(figure: QualityFigure) -> str:
    """A value with its interval and what it rests on."""
    if figure.value is None:
        return figure.reason or "unknown"
    interval = "" if figure.lower is None or figure.upper is None else f" ({figure.lower:.3g} to {figure.upper:.3g})"
    return f"{figure.value:.3g}{interval}, n {figure.n:,}"


def window_of(feature: FeatureDrift, window: Stretch) -> WindowVerdict | None:
    """What is said of a feature in one window, None where nothing was asked then."""
    return next((part for part in feature.windows if part.window == window), None)


def window_near(feature: FeatureDrift, chosen: Stretch | None, steps: int) -> Stretch | None:
    """The window so many steps after the one that is looked at; None, for what is there now, after the last one."""
    windows = [part.window for part in feature.windows]
    places = [place for place, window in enumerate(windows) if chosen is not None and window >= chosen]
    place = (places[0] if places else len(windows)) + steps
    return windows[max(0, place)] if place < len(windows) else None


def feature_value(feature: FeatureDrift) -> JsonValue:
    """Everything known about a feature now."""
    return {
        "kind": feature.kind.value,
        "verdict": feature.verdict.value,
        "reason": feature.deciding.reason,
        "rows": feature.deciding.n_current,
        "rows of the reference": feature.deciding.n_reference,
        "missing": feature.deciding.missing_current,
        "missing in the reference": feature.deciding.missing_reference,
        "statistics": [_result_value(result) for result in feature.results],
    }


def _result_value(result: DriftResult) -> JsonValue:
    return {
        "statistic": result.statistic.value,
        "value": result.value,
        "p": result.p_value,
        "threshold": result.threshold,
        "decides": result.decides,
    }


def _score(statistic: str, value: float | None, threshold: float | None) -> str:
    if value is None:
        return f"{statistic} not known"
    limit = "" if threshold is None else f" of {plain_score(threshold)}"
    return f"{statistic} {plain_score(value)}{limit}"


def plain_score(value: float) -> str:
    """A score in three digits."""
    return plain_number(float(f"{value:.3g}"))


def _verdict_line(drift: ModelDrift, now: datetime) -> TextLine:
    title = Cell(f"{drift.model} {subject_title(drift.subject)}".strip() + "  ", Token.STRONG)
    return (title, *_verdict_cells(drift, now))


def _verdict_cells(drift: ModelDrift, now: datetime) -> Iterator[Cell]:
    if drift.current is None:
        yield Cell(f"{Sign.WAITING.glyph} no requests ", Token.WARNING)
        yield Cell("in these windows; a looks further back, c at another version or arm", Token.MUTED)
        return
    status = drift_verdict(drift.verdict)
    yield Cell(f"{status.sign.glyph} {_sentence(drift)}", status.token)
    yield Cell(f"  n {drift.rows:,}, {stretch_text(drift.current, now)}", Token.MUTED)
    silence = now - drift.current.end
    if silence > 2 * drift.width + timedelta(seconds=30):
        yield Cell(f"  {Sign.WARNING.glyph} no request for {coarse_duration(silence)}", Token.WARNING)


def _sentence(drift: ModelDrift) -> str:
    counts = {verdict: sum(item.verdict is verdict for item in drift.features) for verdict in DriftVerdict}
    total = len(drift.features)
    match drift.verdict:
        case DriftVerdict.DRIFT:
            return f"drift in {counts[DriftVerdict.DRIFT]} of {total} features"
        case DriftVerdict.INVALID if counts[DriftVerdict.INVALID] == total:
            return "nothing to compare with"
        case DriftVerdict.INVALID:
            return f"{counts[DriftVerdict.INVALID]} of {total} features cannot be compared"
        case DriftVerdict.INSUFFICIENT:
            return f"too little data to judge {counts[DriftVerdict.INSUFFICIENT] or total} of {total} features"
        case DriftVerdict.OK:
            return f"no drift in {total} features"


def _reference_line(drift: ModelDrift, now: datetime) -> TextLine:
    reference = drift.reference
    if reference is None:
        why = drift.remarks[0] if drift.remarks else "there is no reference profile"
        return (Cell(f"{Sign.WARNING.glyph} {why}", Token.WARNING),)
    about = f"against the profile {reference.source}, {reference.rows:,} rows, {reference.profile_id[:8]}"
    if reference.counted < _NEARLY * reference.total:
        counted = f"counting its bins: {reference.counted:,} of {reference.total:,} requests"
        return (Cell(about, Token.MUTED), Cell(f"  {Sign.RUNNING.glyph} {counted}", Token.RUNNING))
    since = "" if reference.counted_from is None else f", bins since {day_time(reference.counted_from, now)}"
    alarms = plain_number(float(f"{drift.false_alarms.per_month:.2g}"))
    chance = f"by chance at most {alarms} alarm{'' if alarms == '1' else 's'} in 30 days"
    return (Cell(f"{about}{since}; {chance}", Token.MUTED),)
