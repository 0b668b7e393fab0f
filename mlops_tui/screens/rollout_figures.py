"""What a rollout's drawings show: the intervals of the newest judgement, and what happened over time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo

from mlops_tui.domain.judgements import GuardrailResult
from mlops_tui.domain.policy import MarginKind
from mlops_tui.domain.rollouts import Rollout, TrafficPoint
from mlops_tui.screens.states import verdict
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.intervals import Interval
from mlops_tui.widgets.track_lines import Track, TrackData

LEAST_ERROR_SCALE = 0.05
_ARMS = (Token.SERIES_1, Token.SERIES_2, Token.SERIES_3, Token.SERIES_4, Token.SERIES_5, Token.SERIES_6)


def amount(value: float | None, kind: MarginKind) -> str:
    """A harm or a margin in a few characters, with its sign: a number, or a percentage of the control."""
    if value is None:
        return "?"
    return f"{value:+.3g}" if kind is MarginKind.ABSOLUTE else f"{100 * value:+.3g}%"


def comparison_name(result: GuardrailResult, treatments: Sequence[str]) -> str:
    """The guardrail, and with several new versions the one it is about."""
    return result.name if len(treatments) < 2 else f"{result.name} {result.treatment}"


def intervals(rollout: Rollout) -> tuple[Interval, ...]:
    """One for each comparison of the newest judgement."""
    if rollout.judgement is None:
        return ()
    treatments = [arm.name for arm in rollout.arms if not arm.is_control]
    return tuple(_interval(result, treatments) for result in rollout.judgement.guardrails)


def _interval(result: GuardrailResult, treatments: Sequence[str]) -> Interval:
    look, kind = verdict(result.verdict), result.margin_kind
    margin = amount(result.margin, kind).lstrip("+")
    bounds = f"{amount(result.lower, kind)} to {amount(result.upper, kind)}"
    said = f"{bounds} of {margin}" if result.difference is not None else "no figure yet"
    name = comparison_name(result, treatments)
    return Interval(
        name if result.is_critical else f"{name} (advisory)",
        result.difference,
        result.lower,
        result.upper,
        result.margin,
        note=f"{look.sign.glyph} {said}",
        token=look.token,
    )


def tracks(rollout: Rollout, now: datetime) -> TrackData:
    """The weight, and under it what was measured at the same time: errors, harm and requests of each arm."""
    end = rollout.progress.since if rollout.state.is_over else now
    moments = [point.start + point.width for point in rollout.traffic]
    last = max([end, *moments]).timestamp()
    measured = (*_errors(rollout), *_harms(rollout), *_requests(rollout)) if rollout.traffic else ()
    rows = (*_weights(rollout), *measured)
    zone = now.astimezone().tzinfo or UTC
    long = last - rollout.begun_at.timestamp() > 7_200
    return TrackData(rows, rollout.begun_at.timestamp(), last, lambda x: _moment(x, zone, long=long), "time")


def _weights(rollout: Rollout) -> Iterator[Track]:
    arms = [arm for arm in rollout.arms if not arm.is_control]
    xs = tuple(point.at.timestamp() for point in rollout.weights)
    for number, arm in enumerate(arms, 1):
        ys = tuple(point.weights.get(arm.name, 0.0) for point in rollout.weights)
        name = "weight" if len(arms) == 1 else f"weight {arm.name}"
        yield Track(name, xs, ys, low=0.0, high=100.0, now=f"{arm.weight:g} %", token=_token(number))


def _errors(rollout: Rollout) -> Iterator[Track]:
    """The share of failed requests; a scale that ends above a few single errors does not make mountains of them."""
    points = rollout.traffic
    xs = tuple(point.start.timestamp() for point in points)
    shares = {arm.name: [_share(point, arm.name) for point in points] for arm in rollout.arms}
    high = max([LEAST_ERROR_SCALE, *(share for found in shares.values() for share in found if math.isfinite(share))])
    for number, arm in enumerate(rollout.arms):
        total = sum(point.spans.get(arm.name, 0) for point in points)
        faults = sum(point.errors.get(arm.name, 0) for point in points)
        said = f"{100 * faults / total:.3g} %" if total else "none"
        ys = tuple(shares[arm.name])
        yield Track(f"errors {arm.name}", xs, ys, _width(rollout), 0.0, high, now=said, token=_token(number))


def _share(point: TrafficPoint, arm: str) -> float:
    spans = point.spans.get(arm, 0)
    return point.errors.get(arm, 0) / spans if spans else math.nan


def _harms(rollout: Rollout) -> Iterator[Track]:
    """How the difference of each comparison went, from one judgement to the next."""
    treatments = [arm.name for arm in rollout.arms if not arm.is_control]
    newest = rollout.judgement.guardrails if rollout.judgement else ()
    for result in newest:
        points = [
            (judgement.at.timestamp(), item.difference)
            for judgement in rollout.verdicts
            for item in judgement.guardrails
            if (item.name, item.treatment) == (result.name, result.treatment) and item.difference is not None
        ]
        if points:
            xs, ys = zip(*points, strict=True)
            name = f"harm {comparison_name(result, treatments)}"
            said = amount(result.difference, result.margin_kind)
            high = max(result.margin, *ys)
            yield Track(name, xs, ys, low=min(0.0, *ys), high=high, now=said, token=verdict(result.verdict).token)


def _requests(rollout: Rollout) -> Iterator[Track]:
    points = rollout.traffic
    xs = tuple(point.start.timestamp() for point in points)
    for number, arm in enumerate(rollout.arms):
        ys = tuple(float(point.spans.get(arm.name, 0)) for point in points)
        said = f"{int(sum(ys)):,}"
        name = f"requests {arm.name}"
        yield Track(name, xs, ys, _width(rollout), 0.0, scale="requests", now=said, token=_token(number))


def _width(rollout: Rollout) -> float:
    return rollout.traffic[0].width.total_seconds() if rollout.traffic else math.inf


def _token(number: int) -> Token:
    return _ARMS[number % len(_ARMS)]


def _moment(seconds: float, zone: tzinfo, *, long: bool) -> str:
    moment = datetime.fromtimestamp(seconds, zone)
    return f"{moment:%m-%d %H:%M}" if long else f"{moment:%H:%M:%S}"
