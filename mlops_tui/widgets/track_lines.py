"""Values over one time axis as rows of bars: what stands in one column happened at the same time."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Align, Cell, fit
from mlops_tui.widgets.plot_figure import plain_number
from mlops_tui.widgets.sparkline import BARS
from mlops_tui.widgets.text_layout import TextLine, fold, text_line

NAME_WIDTH = 22
LEAST_WIDTH = 12
GAP = 2
_TICK_GAP = 3


@dataclass(frozen=True, slots=True)
class Track:
    """One row: ``ys`` at the moments ``xs``, rising, in the unit of the axis.

    A value holds for ``hold`` or until the next one; what nothing holds for stays blank, as does what is not finite.
    ``low`` and ``high`` are the ends of the scale, None for the least and the greatest of its ``scale``: tracks of one
    scale are drawn alike, so that they can be compared. ``now`` is what it is last, in words.
    """

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    hold: float = math.inf
    low: float | None = None
    high: float | None = None
    scale: str = ""
    now: str = ""
    token: Token = Token.PLAIN


@dataclass(frozen=True, slots=True)
class TrackData:
    """Rows with their common axis from ``start`` to ``end``; ``x_text`` writes a place on it, ``x_title`` names it.

    ``empty`` is the sentence that stands where there are no rows.
    """

    tracks: tuple[Track, ...] = ()
    start: float = 0.0
    end: float = 0.0
    x_text: Callable[[float], str] = field(default=plain_number, compare=False)
    x_title: str = "time"
    empty: str = "Nothing was measured yet."


def track_lines(data: TrackData, width: int) -> list[TextLine]:
    """A line for each track and one for the axis."""
    names = min(NAME_WIDTH, max((len(track.name) for track in data.tracks), default=0))
    notes = max((len(track.now) for track in data.tracks), default=0)
    room = width - names - GAP - (notes + GAP if notes else 0)
    if not data.tracks or room < LEAST_WIDTH or data.end <= data.start:
        return fold(text_line(data.empty if room >= LEAST_WIDTH else "Too narrow.", Token.MUTED), width)
    rows: list[TextLine] = []
    for track in data.tracks:
        low, high = _ends(track, data.tracks)
        note = Cell(" " * GAP + fit(track.now, notes, Align.RIGHT), Token.STRONG)
        bars = Cell(bar_line(track, data.start, data.end, room, low, high), track.token)
        rows.append((Cell(fit(track.name, names) + " " * GAP), bars, note))
    return [*rows, (Cell(" " * (names + GAP)), Cell(_axis(data, room), Token.MUTED))]


def bar_line(track: Track, start: float, end: float, width: int, low: float, high: float) -> str:
    """The track in ``width`` bars from ``start`` to ``end``, each the mean of what holds in its share of the time."""
    share = (end - start) / width
    signs: list[str] = []
    for column in range(width):
        values = list(_held(track, start + column * share, start + (column + 1) * share))
        signs.append(_bar(sum(values) / len(values), low, high) if values else " ")
    return "".join(signs)


def _held(track: Track, start: float, end: float) -> Iterable[float]:
    """The finite values that hold at some moment from ``start`` to before ``end``."""
    first = max(0, bisect_right(track.xs, start) - 1)
    for place in range(first, len(track.xs)):
        begins = track.xs[place]
        if begins >= end:
            return
        following = track.xs[place + 1] if place + 1 < len(track.xs) else math.inf
        if min(begins + track.hold, following) > start and math.isfinite(track.ys[place]):
            yield track.ys[place]


def _ends(track: Track, tracks: Iterable[Track]) -> tuple[float, float]:
    alike = [other for other in tracks if other is track or (track.scale and other.scale == track.scale)]
    values = [value for other in alike for value in other.ys if math.isfinite(value)]
    low = min(values, default=0.0) if track.low is None else track.low
    high = max(values, default=0.0) if track.high is None else track.high
    return low, high


def _bar(value: float, low: float, high: float) -> str:
    spread = high - low
    if not spread > 0 or not math.isfinite(spread):
        return BARS[0]
    return BARS[max(0, min(len(BARS) - 1, int((value - low) / spread * len(BARS))))]


def _axis(data: TrackData, width: int) -> str:
    """Where in time the columns stand: the beginning, the end, and what fits between them."""
    signs = [" "] * width
    for share in (0.0, 1.0, 0.5, 0.25, 0.75):
        text = data.x_text(data.start + share * (data.end - data.start))
        at = min(max(0, round(share * (width - 1)) - (0 if share == 0 else len(text) // 2)), width - len(text))
        if at < 0 or any(sign != " " for sign in signs[max(0, at - _TICK_GAP) : at + len(text) + _TICK_GAP]):
            continue
        signs[at : at + len(text)] = text
    return "".join(signs)
