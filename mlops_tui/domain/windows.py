"""A stretch of traffic, folded into counts: all that drift analysis needs to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mlops_tui.domain.profiles import FeatureCounts


@dataclass(frozen=True, slots=True, order=True)
class WindowKey:
    """Which traffic: a stretch of time of one arm of one model, one feature, and the profile whose bins were used.

    ``window_start`` is in UTC; a window holds its start and not its end. A request belongs to the window its end falls
    into.
    """

    window_start: datetime
    width: timedelta
    project: str
    model: str
    version: str
    arm: str
    environment: str
    feature: str
    profile_id: str

    def __post_init__(self) -> None:
        if self.window_start.utcoffset() != timedelta(0):
            raise ValueError("a window starts at a time in UTC")
        if self.width <= timedelta(0):
            raise ValueError("a window has a width")

    @property
    def window_end(self) -> datetime:
        """The first moment after the window."""
        return self.window_start + self.width


@dataclass(frozen=True, slots=True)
class WindowRow:
    """What one feature looked like in one window."""

    key: WindowKey
    values: FeatureCounts
