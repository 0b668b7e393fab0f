"""How old the data on a pane are, in a few words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from mlops_tui.domain.errors import MlopsError
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.live.staleness import age_in_words, stamp
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Cell


@dataclass(frozen=True, slots=True)
class Freshness:
    """What a stamp is made of: the snapshot drawn, how often it is renewed (in seconds), and what went wrong.

    ``snapshot`` is None before the first answer; ``error`` stands for what kept even that away.
    """

    snapshot: Snapshot[object] | None = None
    interval: float = 10.0
    error: MlopsError | None = None
    is_paused: bool = False

    @property
    def failure(self) -> MlopsError | None:
        """What kept newer data away."""
        return self.snapshot.error if self.snapshot else self.error

    def cell(self, now: datetime) -> Cell:
        """The stamp: a time while fresh, an age once three renewals were missed or the last one failed.

        Fresh data show no seconds, so that a healthy screen does not repaint.
        """
        if self.snapshot is None:
            return Cell("no data yet" if self.error else "loading", Token.MUTED)
        mark = stamp(self.snapshot, now, self.interval, _zone(now))
        if self.is_paused:
            return Cell(f"{Sign.PAUSED.glyph} paused, {mark.text}", Token.WARNING)
        if mark.is_stale:
            return Cell(f"{Sign.WARNING.glyph} {mark.text}", Token.WARNING)
        if self.snapshot.error is not None:
            return Cell(f"{Sign.WARNING.glyph} {age_in_words(self.snapshot.age(now))}", Token.WARNING)
        return Cell(mark.text, Token.MUTED)


def _zone(now: datetime) -> tzinfo:
    return now.astimezone().tzinfo or UTC
