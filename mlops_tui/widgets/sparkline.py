"""A line of figures as small as a cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int) -> str:
    """The values as bars, at most ``width`` of them; each bar is the mean of its share, a gap where none is finite.

    The lowest bar stands for the least value shown and the highest for the greatest; equal values stand in the middle.
    """
    shares = [_mean(share) for share in _shares(values, width)]
    finite = [value for value in shares if value is not None]
    if not finite:
        return " " * len(shares)
    low, high = min(finite), max(finite)
    return "".join(" " if value is None else _bar(value, low, high) for value in shares)


def _shares(values: Sequence[float], width: int) -> list[Sequence[float]]:
    count = min(max(0, width), len(values))
    edges = [index * len(values) // count for index in range(count + 1)] if count else []
    return [values[start:end] for start, end in pairwise(edges)]


def _mean(values: Sequence[float]) -> float | None:
    finite = [value for value in values if math.isfinite(value)]
    return sum(value / len(finite) for value in finite) if finite else None


def _bar(value: float, low: float, high: float) -> str:
    spread = high - low
    if not spread or not math.isfinite(spread):
        return BARS[len(BARS) // 2]
    return BARS[min(len(BARS) - 1, int((value - low) / spread * len(BARS)))]
