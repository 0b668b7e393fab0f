"""Evidence of late: windows that start again and again, so that the good time before a fault does not thin it.

Every window is given a share of the evidence when it starts, and all shares ever given add up to that of the whole
chain; what is not given yet is held in cash. A window that is let go leaves the e-value that it had. So the average is
an e-process like each of its parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import log

import numpy as np

from mlops_tui.analysis.contrasts import FloatArray, Side, Tally
from mlops_tui.analysis.windows import Window


@dataclass(frozen=True, slots=True)
class Recent:
    """A window that began late, and the logarithm of its share of the evidence."""

    window: Window
    log_share: float


@dataclass(slots=True)
class RecentWindows:
    """A chain of windows: the first starts at ``first`` buckets, every other at the bucket that ``following`` names.

    ``share`` of all evidence is theirs, ``kept`` of them are watched at a time, and nothing passes as safe while one of
    these has reached the e-value ``doubt``. A window knows what was lasting when the one ``memory`` before it started.
    """

    share: float
    kept: int
    first: int
    following: Callable[[int], int]
    doubt: float
    memory: int
    alive: list[Recent] = field(default_factory=list)
    _next: int = field(init=False)
    _started: int = 0
    _lasting: list[FloatArray] = field(default_factory=list)
    _left: FloatArray | None = None

    def __post_init__(self) -> None:
        """The first window is the next to start."""
        self._next = self.first

    def start(self, whole: Window) -> None:
        """Start another window if it is time; ``whole`` holds all buckets before it."""
        if whole.series.buckets != self._next:
            return
        self._next = self.following(self._next)
        self._started += 1
        share = log(self.share / (self._started * (self._started + 1)))
        known = self._lasting.pop(0) if len(self._lasting) == self.memory else np.ones(1)
        self._lasting.append(whole.lasting())
        self.alive.append(Recent(whole.fresh(known), share))
        if len(self.alive) > self.kept:
            gone = self.alive.pop(0)
            value = gone.log_share + gone.window.log_e(Side.AT_MOST)
            self._left = value if self._left is None else np.logaddexp(self._left, value)

    def add(self, control: Tally, treatment: Tally) -> None:
        """Take in a bucket."""
        for recent in self.alive:
            recent.window.add(control, treatment)

    def average(self) -> FloatArray:
        """The logarithm of their e-values, each times its share, with what was left and what is held in cash."""
        cash = np.full(1, log(self.share / (self._started + 1)))
        parts = [recent.log_share + recent.window.log_e(Side.AT_MOST) for recent in self.alive]
        left = [] if self._left is None else [self._left]
        total = cash
        for part in (*parts, *left):
            total = np.logaddexp(total, part)
        return np.asarray(total, np.float64)

    def doubts(self, own: int) -> bool:
        """Whether one of them speaks against the margin in place ``own``."""
        return any(recent.window.log_e(Side.AT_MOST)[own] >= log(self.doubt) for recent in self.alive)
