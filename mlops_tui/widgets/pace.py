"""How often the plots of a screen are redrawn: a braille plot is the costliest thing that a slow line can carry."""

from __future__ import annotations

import math

from mlops_tui.domain.clock import Clock, SystemClock

INTERVAL = 15.0
LOW_BANDWIDTH_INTERVAL = 60.0
_TOGETHER = 0.5


class Pace:
    """How often the plots of one screen may be redrawn by themselves; what a person asks for is drawn at once.

    Args:
        clock: The time.
        interval: Seconds between two redraws; plots that are due at the same moment share one.
    """

    def __init__(self, clock: Clock | None = None, interval: float = INTERVAL) -> None:
        self._clock = clock or SystemClock()
        self._interval = interval
        self._last: float | None = None

    def wait(self) -> float:
        """Seconds until the next redraw; 0 takes the turn."""
        now = self._clock.monotonic()
        passed = math.inf if self._last is None else now - self._last
        if passed <= _TOGETHER:
            return 0.0
        if passed < self._interval:
            return self._interval - passed
        self._last = now
        return 0.0
