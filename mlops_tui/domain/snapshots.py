"""What every screen draws: data with its age, its source and what went wrong since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from mlops_tui.domain.errors import MlopsError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[T]):
    """One answer of a source, as it was at ``fetched_at`` (UTC).

    ``source`` names where it came from ("gitlab.example.com", "cache"). ``error`` is what kept a newer answer away;
    the data then still stand, as old as they are.
    """

    data: T
    fetched_at: datetime
    source: str
    error: MlopsError | None = None

    def age(self, now: datetime) -> timedelta:
        """How old the data are, never negative even when clocks disagree."""
        return max(now - self.fetched_at, timedelta(0))

    def is_stale(self, now: datetime, interval: float) -> bool:
        """Whether three polling intervals (``interval`` in seconds) passed without a new answer."""
        return self.age(now).total_seconds() > 3 * interval

    def failed(self, error: MlopsError) -> Snapshot[T]:
        """The same data, with the reason why they could not be renewed."""
        return replace(self, error=error)
