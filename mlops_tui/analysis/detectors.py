"""Change detectors for a stream of numbers, one number at a time, in memory that does not grow with it.

Both start over when they have detected a change, as in the river library, whose defaults and rules they follow.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

_ADWIN_BUCKETS = 5
_ADWIN_LEAST = 5
_ADWIN_GRACE = 10


@dataclass(frozen=True, slots=True)
class _Bucket:
    """A stretch of the stream: its sum, and the sum of the squared deviations from its mean."""

    total: float
    spread: float


@dataclass(slots=True)
class _Part:
    """Numbers of the window put together."""

    size: int
    total: float

    def take(self, size: int, total: float) -> None:
        self.size += size
        self.total += total


@dataclass(slots=True)
class _Window:
    """An exponential histogram: ``levels[i]`` holds buckets of two to the power of ``i`` numbers, the oldest first."""

    levels: list[deque[_Bucket]] = field(default_factory=lambda: [deque()])
    width: int = 0
    total: float = 0.0
    spread: float = 0.0

    def add(self, value: float) -> None:
        if self.width:
            self.spread += self.width * (value - self.total / self.width) ** 2 / (self.width + 1)
        self.width += 1
        self.total += value
        self.levels[0].append(_Bucket(value, 0.0))
        self._compress()

    def shrink(self, delta: float) -> bool:
        """Drop the oldest buckets for as long as some older part differs from the rest; whether any was dropped."""
        is_changed = False
        while self._has_cut(delta):
            is_changed = True
            self._drop_oldest()
        return is_changed

    def _compress(self) -> None:
        for level, buckets in enumerate(self.levels):
            if len(buckets) <= _ADWIN_BUCKETS:
                return
            first, second = buckets.popleft(), buckets.popleft()
            size = 2**level
            apart = (first.total - second.total) / size
            joined = _Bucket(first.total + second.total, first.spread + second.spread + size * apart**2 / 2)
            if level + 1 == len(self.levels):
                self.levels.append(deque())
            self.levels[level + 1].append(joined)

    def _has_cut(self, delta: float) -> bool:
        older, newer = _Part(0, 0.0), _Part(self.width, self.total)
        for level in range(len(self.levels) - 1, -1, -1):
            for bucket in self.levels[level]:
                older.take(2**level, bucket.total)
                newer.take(-(2**level), -bucket.total)
                if newer.size < _ADWIN_LEAST:
                    return False
                if older.size >= _ADWIN_LEAST and self._is_cut(older, newer, delta):
                    return True
        return False

    def _is_cut(self, older: _Part, newer: _Part, delta: float) -> bool:
        sureness = math.log(2 * math.log(self.width) / delta)
        share = 1 / (older.size - _ADWIN_LEAST + 1) + 1 / (newer.size - _ADWIN_LEAST + 1)
        variance = self.spread / self.width
        bound = math.sqrt(2 * share * variance * sureness) + 2 / 3 * sureness * share
        return abs(older.total / older.size - newer.total / newer.size) > bound

    def _drop_oldest(self) -> None:
        level = len(self.levels) - 1
        bucket = self.levels[level].popleft()
        size = 2**level
        self.width -= size
        self.total -= bucket.total
        if self.width:
            apart = bucket.total / size - self.total / self.width
            self.spread -= bucket.spread + size * self.width * apart**2 / (size + self.width)
        while len(self.levels) > 1 and not self.levels[-1]:
            self.levels.pop()


@dataclass(slots=True)
class Adwin:
    """Adaptive windowing (Bifet and Gavalda, 2007): is the mean of an older part of the window another one?

    ``delta`` bounds the false alarms of one test; a test is made after every ``clock`` numbers. Its bound follows the
    variance of the window and has an added part that suits numbers up to one or larger: far smaller ones hide changes.
    """

    delta: float = 0.002
    clock: int = 32
    _window: _Window = field(default_factory=_Window)
    _ticks: int = 0

    @property
    def width(self) -> int:
        """How many numbers are taken to be of one distribution."""
        return self._window.width

    @property
    def mean(self) -> float | None:
        """Their mean."""
        return self._window.total / self._window.width if self._window.width else None

    def update(self, value: float) -> bool:
        """Take the next number; whether the distribution has changed.

        Raises:
            ValueError: it is NaN or infinite.
        """
        _require_finite(value)
        self._window.add(value)
        self._ticks += 1
        if self._ticks % self.clock or self._window.width <= _ADWIN_GRACE:
            return False
        is_changed = self._window.shrink(self.delta)
        if is_changed:
            self._window = _Window()
            self._ticks = 0
        return is_changed


@dataclass(slots=True)
class PageHinkley:
    """The Page-Hinkley test: has the mean risen or fallen by more than ``delta`` for long enough?

    Not scale-free: ``threshold`` and ``delta`` are in the unit of the stream, and the defaults suit values around one.
    ``fading`` is what the past keeps of its weight with every number.
    """

    least: int = 30
    delta: float = 0.005
    threshold: float = 50.0
    fading: float = 1 - 0.0001
    _count: int = 0
    _mean: float = 0.0
    _risen: float = 0.0
    _fallen: float = 0.0
    _lowest: float = math.inf
    _highest: float = -1.0

    def update(self, value: float) -> bool:
        """Take the next number; whether the mean has changed.

        Raises:
            ValueError: it is NaN or infinite.
        """
        _require_finite(value)
        self._count += 1
        self._mean += (value - self._mean) / self._count
        deviation = value - self._mean
        self._risen = self.fading * self._risen + deviation - self.delta
        self._fallen = self.fading * self._fallen + deviation + self.delta
        self._lowest = min(self._lowest, self._risen)
        self._highest = max(self._highest, self._fallen)
        if self._count < self.least:
            return False
        is_changed = max(self._risen - self._lowest, self._highest - self._fallen) > self.threshold
        if is_changed:
            self._start_over()
        return is_changed

    def _start_over(self) -> None:
        self._count = 0
        self._mean = self._risen = self._fallen = 0.0
        self._lowest, self._highest = math.inf, -1.0


def _require_finite(value: float) -> None:
    if not math.isfinite(value):
        raise ValueError("a detector takes finite numbers")
