"""Drift of a model's traffic on the command line: how it is now, and what would have been said of the past."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlops_tui.analysis.backtests import Backtest
from mlops_tui.cli.tables import Column
from mlops_tui.domain.canonical import instant
from mlops_tui.domain.drift import DriftVerdict
from mlops_tui.domain.drift_windows import FeatureDrift, ModelDrift, WindowVerdict
from mlops_tui.domain.durations import format_duration
from mlops_tui.domain.policy import AlertRule
from mlops_tui.operations.drift_backtests import DriftBacktest

_BARS = "▁▂▃▄▅▆▇█"
_SHOWN = 24


def _figure(value: Any) -> str:
    return "-" if value is None else f"{value:.4g}"


def _times(moments: Sequence[str]) -> str:
    return f"{moments[0]} .. {moments[-1]}" if len(moments) > 1 else "".join(moments)


def _trend(windows: Sequence[dict[str, Any]]) -> str:
    """The newest windows as bars, whose middle is the threshold; other signs for what could not be judged."""
    return "".join(map(_bar, windows[-_SHOWN:]))


def _bar(window: dict[str, Any]) -> str:
    match DriftVerdict(window["verdict"]):
        case DriftVerdict.INSUFFICIENT:
            return "."
        case DriftVerdict.INVALID:
            return "x"
        case DriftVerdict.OK | DriftVerdict.DRIFT:
            place = int(float(window["severity"]) * len(_BARS) / 2)
            return _BARS[max(0, min(place, len(_BARS) - 1))]


STATUS = (
    Column("feature", "feature", is_whole=True),
    Column("kind", "kind"),
    Column("statistic", "statistic"),
    Column("value", "value", is_number=True, show=_figure),
    Column("threshold", "threshold", is_number=True, show=_figure),
    Column("of it", "severity", is_number=True, show=_figure),
    Column("verdict", "verdict", is_whole=True),
    Column("n", "n_current", is_number=True),
    Column("missing", "missing_current", is_number=True),
    Column("windows", "windows", show=_trend),
    Column("remark", "reason"),
)
BACKTEST = (
    Column("what", "name", is_whole=True),
    Column("figure", "metric"),
    Column("windows", "windows", is_number=True),
    Column("judged", "judged", is_number=True),
    Column("alarms", "alarms", is_number=True),
    Column("by chance", "by_chance", is_number=True, show=_figure),
    Column("when", "alarmed_at", show=_times),
    Column("now", "is_firing", show=lambda is_firing: "firing" if is_firing else "quiet"),
    Column("remark", "reason"),
)


def items(drift: ModelDrift) -> Iterator[dict[str, Any]]:
    """The features as programs read them, the worst first, with their windows."""
    for feature in drift.features:
        yield _subject(drift) | _feature(drift, feature)


def remarks(drift: ModelDrift) -> Iterator[str]:
    """What must be known to understand the figures."""
    subject = drift.subject
    parts = (subject.model, subject.version, subject.arm, subject.environment)
    whose = " ".join(part for part in parts if part)
    if drift.current is None:
        yield f"{whose} had no requests in that time"
    else:
        start, end = instant(drift.current.start), instant(drift.current.end)
        yield f"Now means {drift.rows:,} requests of {whose} from {start} to {end}, in windows of {_width(drift)}"
    if drift.reference is not None:
        reference = drift.reference
        yield f"The reference is {reference.source} ({reference.profile_id[:12]}, {reference.rows:,} rows)"
        if not reference.is_counted:
            yield f"The past is being counted by it: {reference.counted:,} of {reference.total:,} spans"
    promised = drift.false_alarms
    yield (
        f"Of 100 windows of unchanged data at most {100 * promised.level:.2g} say drift; "
        f"one every {format_duration(promised.every)} means at most {promised.per_month:.3g} a month on average"
    )
    others = [item.subject for item in drift.subjects if item.subject != subject]
    if others:
        names = ", ".join(" ".join(filter(None, (item.version, item.arm, item.environment))) for item in others)
        yield f"There were requests of {names}, too"
    yield from drift.remarks


def backtest_items(found: DriftBacktest) -> Iterator[dict[str, Any]]:
    """What would have spoken up, as programs read it: the verdicts first, then rules."""
    subject = _subject(found.drift)
    for result in found.verdicts:
        yield subject | {"kind": "verdict", **_result(result, None)}
    for tested in found.rules:
        yield subject | {"kind": "rule", **_result(tested.result, tested.rule)}


def _subject(drift: ModelDrift) -> dict[str, Any]:
    subject = drift.subject
    return {
        "model": subject.model,
        "version": subject.version or None,
        "arm": subject.arm or None,
        "environment": subject.environment or None,
    }


def _feature(drift: ModelDrift, feature: FeatureDrift) -> dict[str, Any]:
    result = feature.deciding
    return {
        "feature": feature.feature,
        "kind": feature.kind,
        "statistic": result.statistic,
        "value": result.value,
        "p_value": result.p_value,
        "threshold": result.threshold,
        "severity": feature.severity,
        "verdict": feature.verdict,
        "n_reference": result.n_reference,
        "n_current": result.n_current,
        "missing_current": result.missing_current,
        "start": drift.current.start if drift.current else None,
        "end": drift.current.end if drift.current else None,
        "reason": result.reason or None,
        "windows": list(map(_window, feature.windows)),
    }


def _window(item: WindowVerdict) -> dict[str, Any]:
    return {
        "start": item.window.start,
        "end": item.window.end,
        "value": item.value,
        "p_value": item.p_value,
        "threshold": item.threshold,
        "severity": item.severity,
        "verdict": item.verdict,
        "n": item.n,
        "missing": item.missing,
        "reason": item.reason or None,
    }


def _result(result: Backtest, rule: AlertRule | None) -> dict[str, Any]:
    return {
        "name": result.name,
        "metric": rule.metric if rule else None,
        "above": rule.above if rule else None,
        "below": rule.below if rule else None,
        "for": format_duration(rule.hold) if rule else None,
        "windows": result.windows,
        "judged": result.judged,
        "alarms": len(result.alarms),
        "by_chance": result.by_chance,
        "alarmed_at": list(result.alarms),
        "is_firing": result.is_firing,
        "reason": result.reason or None,
    }


def _width(drift: ModelDrift) -> str:
    return format_duration(drift.width)
