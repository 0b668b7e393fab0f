"""When to ask again: a jittered interval, a capped backoff after errors, and what the server asked for."""

from __future__ import annotations

from random import Random

from mlops_tui.domain.errors import MlopsError, RateLimitedError

JITTER = 0.1
SPACING = 0.2

_DOUBLINGS = 16


class Pacing:
    """The moments of the next request, in seconds of a monotonic counter.

    From ``due`` on it is time for it; before ``not_before`` not even a person's wish starts one: five a second are
    enough for a held key, and a server that named a time to wait gets it.
    """

    def __init__(self, interval: float, longest: float, random: Random) -> None:
        self._interval = interval
        self._longest = max(interval, longest)
        self._random = random
        self._failures = 0
        self.due = 0.0
        self.not_before = 0.0

    def begun(self, now: float) -> None:
        """A request starts at ``now``."""
        self.not_before = now + SPACING

    def succeeded(self, now: float) -> None:
        """The request was answered: the next is due after the interval, give or take a tenth of it."""
        self._failures = 0
        self.due = now + self._interval * self._random.uniform(1 - JITTER, 1 + JITTER)

    def failed(self, now: float, error: MlopsError) -> None:
        """It was not: wait twice as long as the last time, up to the longest wait, and as long as the server says."""
        self._failures = min(self._failures + 1, _DOUBLINGS)
        ceiling = min(self._interval * 2**self._failures, self._longest)
        wait = max(self._interval, ceiling * self._random.uniform(0.5, 1.0))
        if isinstance(error, RateLimitedError):
            self.not_before = max(self.not_before, now + error.retry_after)
            wait = max(wait, error.retry_after * self._random.uniform(1.0, 1 + JITTER))
        self.due = now + wait
