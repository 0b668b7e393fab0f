"""What the evidence of a stretch of time is, whatever it is about."""

from __future__ import annotations

from typing import Protocol, Self

from mlops_tui.analysis.contrasts import FloatArray, Side, Tally
from mlops_tui.analysis.paired_series import PairedSeries


class Window(Protocol):
    """The evidence of a stretch of buckets, at fixed margins."""

    @property
    def margins(self) -> FloatArray:
        """The margins, ascending; the plan's own is one of them."""
        ...

    @property
    def series(self) -> PairedSeries:
        """The buckets."""
        ...

    def add(self, control: Tally, treatment: Tally) -> None:
        """Take in a bucket in which both arms have observations."""
        ...

    def log_e(self, side: Side) -> FloatArray:
        """The natural logarithm of the e-value against a harm on that side of each margin."""
        ...

    def lasting(self) -> FloatArray:
        """What a window that begins much later has to know of how observations hang together."""
        ...

    def fresh(self, lasting: FloatArray) -> Self:
        """An empty window at the same margins, which knows what was ``lasting`` some time ago."""
        ...
