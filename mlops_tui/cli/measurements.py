"""Measurements as lines of JSON: read one at a time, checked, and gathered by their time stamp."""

from __future__ import annotations

import codecs
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.json_objects import no_constant, unique_keys
from mlops_tui.domain.judgements import EventSample, JudgePlan, Measurement, Sample, ValueSample
from mlops_tui.domain.policy import GuardrailKind

_ROUNDING = 1e-6
# Whole numbers are told apart up to here, and sums have squares.
_MOST = 2.0**53
_MOST_SUM = 1e100


@dataclass(frozen=True, slots=True)
class Moment:
    """All measurements of one time stamp; ``written`` is how its first line wrote it."""

    at: datetime
    written: str | float
    measurements: tuple[Measurement, ...]


def moments(lines: Iterable[bytes], plan: JudgePlan, source: str) -> Iterator[Moment]:
    """Gather lines into time stamps, each as soon as a later one begins.

    Raises UsageError with the number of a line that is no measurement, does not fit the plan, or goes back in time.
    """
    reader = _Reader(plan, source)
    at: datetime | None = None
    written: str | float = ""
    gathered: list[Measurement] = []
    for number, line in enumerate(lines, 1):
        text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        if not text.strip():
            continue
        stamp, measurement = reader.read(text, number)
        if at is not None and measurement.at < at:
            raise reader.error(number, "at goes back in time", f"{stamp!r} comes after {written!r}")
        if at is not None and measurement.at > at:
            yield Moment(at, written, tuple(gathered))
            gathered = []
        if at != measurement.at:
            at, written = measurement.at, stamp
        gathered.append(measurement)
    if at is not None:
        yield Moment(at, written, tuple(gathered))


class _Reader:
    """Reads single lines against a plan."""

    def __init__(self, plan: JudgePlan, source: str) -> None:
        self._kinds = {guardrail.name: guardrail.kind for guardrail in plan.guardrails}
        self._arms = plan.arms
        self._source = source

    def read(self, line: bytes, number: int) -> tuple[str | float, Measurement]:
        """One line, and its time as it was written."""
        try:
            item = _object(line)
            written, at = _time(item)
            arm = _one_of(item, "arm", self._arms)
            name = _one_of(item, "guardrail", tuple(self._kinds))
            return written, Measurement(at, arm, name, _sample(item, self._kinds[name]))
        except AttributeError:
            raise self.error(number, "This is no measurement of the plan", "it is no JSON object") from None
        except (TypeError, ValueError) as error:
            raise self.error(number, "This is no measurement of the plan", str(error)) from None

    def error(self, number: int, what: str, why: str) -> UsageError:
        """What is wrong with a line."""
        return UsageError(f"{self._source}:{number}: {what}", why=why)


def _object(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8"), object_pairs_hook=unique_keys, parse_constant=no_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _time(item: Mapping[str, Any]) -> tuple[str | float, datetime]:
    match item.get("at"):
        case bool():
            pass
        case int() | float() as seconds:
            try:
                return seconds, datetime.fromtimestamp(seconds, UTC)
            except (OverflowError, OSError, ValueError):
                raise ValueError(f"at is out of range: {seconds!r}") from None
        case str() as text:
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                raise ValueError(f"at is no time in ISO 8601: {text[:40]!r}") from None
            return text, moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    raise ValueError("at has to be a time in ISO 8601 or seconds since 1970")


def _one_of(item: Mapping[str, Any], key: str, known: tuple[str, ...]) -> str:
    value = item.get(key)
    if value not in known:
        raise ValueError(f"the {key} {value!r} is not in the plan, which has {', '.join(known)}")
    return str(value)


def _sample(item: Mapping[str, Any], kind: GuardrailKind) -> Sample:
    n = _number(item, "n", least=0.0)
    if kind is GuardrailKind.MEAN:
        sample = ValueSample(
            _whole(n, "n"), _number(item, "sum", most=_MOST_SUM), _number(item, "sum_sq", 0.0, _MOST_SUM**2)
        )
        if not _is_of_values(sample):
            raise ValueError("no values have this n, sum and sum_sq")
        return sample
    events = _whole(_number(item, "events", least=0.0), "events")
    if kind is GuardrailKind.COUNT:
        if events and not n:
            raise ValueError("there are events but n, the exposure, is 0")
        return EventSample(n, events)
    if events > n:
        raise ValueError(f"there are more events than observations: {events:g} of {n:g}")
    return EventSample(_whole(n, "n"), events)


def _is_of_values(sample: ValueSample) -> bool:
    """Whether there are so many values with this sum and sum of squares."""
    square, most = sample.total**2, sample.squares * sample.n
    if sample.n <= 1.0:
        return math.isclose(square, sample.squares, rel_tol=_ROUNDING) and (sample.n > 0.0 or not square)
    return square <= most * (1.0 + _ROUNDING)


def _number(item: Mapping[str, Any], key: str, least: float = -math.inf, most: float = _MOST) -> float:
    value = item.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{key} is missing" if value is None else f"{key} is no number: {value!r}")
    if value < least:
        raise ValueError(f"{key} is negative: {value!r}")
    if abs(value) > most:
        raise ValueError(f"{key} is too large: {value!r}")
    return float(value)


def _whole(value: float, key: str) -> float:
    if not value.is_integer():
        raise ValueError(f"{key} is no whole number: {value!r}")
    return value
