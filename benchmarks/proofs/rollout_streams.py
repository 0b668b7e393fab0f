"""Simulated traffic of two arms, time stamp by time stamp, for the proof and the tests of the judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from mlops_tui.domain.judgements import EventSample, Measurement, Sample, ValueSample
from mlops_tui.domain.policy import Direction, Guardrail, GuardrailKind, MarginKind

FloatArray: TypeAlias = NDArray[np.float64]
Values: TypeAlias = Callable[[np.random.Generator, int, int], FloatArray]

CONTROL, TREATMENT = "stable", "canary"
_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stream:
    """Values of both arms, one row per time stamp."""

    kind: GuardrailKind
    control: FloatArray
    treatment: FloatArray

    def moments(self) -> Iterator[tuple[datetime, tuple[Measurement, ...]]]:
        """What the judge gets at each time stamp."""
        for number, (control, treatment) in enumerate(zip(self.control, self.treatment, strict=True)):
            at = _START + timedelta(minutes=number)
            yield (
                at,
                tuple(
                    Measurement(at, arm, "measure", self._sample(values))
                    for arm, values in ((CONTROL, control), (TREATMENT, treatment))
                ),
            )

    def _sample(self, values: FloatArray) -> Sample:
        if self.kind is GuardrailKind.MEAN:
            return ValueSample(len(values), float(values.sum()), float(np.square(values).sum()))
        return EventSample(len(values), float(values.sum()))


@dataclass(frozen=True, slots=True)
class Scenario:
    """A way in which traffic comes in: one guardrail, both arms' values, and how many come per time stamp.

    ``size`` come to the control, and to the treatment unless it has a ``treatment_size`` of its own.
    """

    name: str
    kind: GuardrailKind
    margin: float
    size: int
    control: Values
    treatment: Values
    looks: int = 100
    treatment_size: int | None = None
    margin_kind: MarginKind = MarginKind.ABSOLUTE

    @property
    def guardrail(self) -> Guardrail:
        """The guardrail that the stream is judged by."""
        return Guardrail("measure", self.kind, Direction.LOWER, self.margin, self.margin_kind)

    @property
    def sizes(self) -> tuple[int, int]:
        """How many observations come per time stamp to the control and to the treatment."""
        return self.size, self.treatment_size or self.size

    def stream(self, seed: int) -> Stream:
        """One rollout."""
        random = np.random.default_rng([seed, self.size])
        arms = zip((self.control, self.treatment), self.sizes, strict=True)
        control, treatment = (values(random, self.looks, size) for values, size in arms)
        return Stream(self.kind, control, treatment)


def bernoulli(rate: float) -> Values:
    """Independent events at one rate."""
    return lambda random, looks, size: (random.random((looks, size)) < rate).astype(np.float64)


def poisson(mean: float) -> Values:
    """Counts, so many per unit of exposure."""
    return lambda random, looks, size: random.poisson(mean, (looks, size)).astype(np.float64)


def normal(mean: float, deviation: float = 1.0) -> Values:
    """Independent normal values."""
    return lambda random, looks, size: random.normal(mean, deviation, (looks, size))


def lognormal(deviation: float) -> Values:
    """Independent values with a long tail and a median of one, as latencies have."""
    return lambda random, looks, size: random.lognormal(0.0, deviation, (looks, size))


def wandering(mean: float, correlation: float) -> Values:
    """Normal values of deviation one, each correlated with the one before: an autoregressive series of order one."""

    def values(random: np.random.Generator, looks: int, size: int) -> FloatArray:
        return mean + _autoregressive(random, looks * size, correlation).reshape(looks, size)

    return values


def shocked(shock: float, correlation: float) -> Values:
    """Normal values around a level that all of a time stamp share and that wanders from one to the next."""

    def values(random: np.random.Generator, looks: int, size: int) -> FloatArray:
        level = shock * _autoregressive(random, looks, correlation)
        return level[:, None] + random.normal(size=(looks, size))

    return values


def rates_of_stamps(rate: float, deviation: float, correlation: float = 0.0) -> Values:
    """Events at a rate that differs from time stamp to time stamp: by ``deviation`` in standard normal units."""

    def values(random: np.random.Generator, looks: int, size: int) -> FloatArray:
        level = deviation * _autoregressive(random, looks, correlation)
        rates = ndtr(level + ndtri(rate) * (1.0 + deviation**2) ** 0.5)
        return np.asarray(random.random((looks, size)) < rates[:, None], np.float64)

    return values


def slow_stamps(share: float, times: float, values: Values) -> Values:
    """Values that are so many times greater at a share of the time stamps."""
    return lambda random, looks, size: (
        values(random, looks, size) * np.where(random.random((looks, 1)) < share, times, 1.0)
    )


def with_rare(values: Values, rate: float, mean: float) -> Values:
    """Values to some of which, at a rate, an exponential one of a mean is added."""

    def both(random: np.random.Generator, looks: int, size: int) -> FloatArray:
        rare = random.exponential(mean, (looks, size)) * (random.random((looks, size)) < rate)
        return values(random, looks, size) + rare

    return both


def times(factor: float, values: Values) -> Values:
    """Values, each so many times as great."""
    return lambda random, looks, size: factor * values(random, looks, size)


def beyond(threshold: float, values: Values) -> Values:
    """Whether values exceed a threshold."""
    return lambda random, looks, size: (values(random, looks, size) > threshold).astype(np.float64)


def changing(before: Values, after: Values, at: int) -> Values:
    """One kind of values up to a time stamp and another from there on."""

    def values(random: np.random.Generator, looks: int, size: int) -> FloatArray:
        return np.concatenate([before(random, at, size), after(random, looks - at, size)])

    return values


def clumps(share: float) -> Values:
    """Events that come together: at a share of the time stamps some number of all observations, else none."""

    def values(random: np.random.Generator, looks: int, size: int) -> FloatArray:
        events = np.where(random.random((looks, 1)) < share, random.integers(1, size + 1, (looks, 1)), 0)
        return (np.arange(size) < events).astype(np.float64)

    return values


def noisy(mean: float, noise: float) -> Values:
    """Normal values whose deviation is a share of their mean."""
    return normal(mean, mean * noise)


def at_seven_of_ten(usual: Values, bad: Values) -> Values:
    """Values of one kind at seven time stamps of ten, in random order, and of another at the rest."""

    def values(random: np.random.Generator, looks: int, size: int) -> FloatArray:
        is_bad = random.permuted(np.tile(np.arange(10) < 7, (looks // 10, 1)), axis=1).reshape(looks, 1)
        return np.where(is_bad, bad(random, looks, size), usual(random, looks, size))

    return values


def _autoregressive(random: np.random.Generator, length: int, correlation: float) -> FloatArray:
    values = random.normal(size=length)
    innovation = (1.0 - correlation**2) ** 0.5
    for place in range(1, length):
        values[place] = correlation * values[place - 1] + innovation * values[place]
    return values
