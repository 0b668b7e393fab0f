"""The rows of a waterfall: any number of spans, their cells made when they are drawn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from mlops_tui.screens.trace_items import duration_text
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Align, Cell, Picture, number
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.waterfall import CRITICAL, Stretch, bar

if TYPE_CHECKING:
    from mlops_tui.analysis.waterfall import Lane, Waterfall

PATH = Token.TITLE
_MOST_GUIDES = 10


def lane_columns(waterfall: Waterfall) -> tuple[Column, ...]:
    """The columns; the time line's title says how long it is."""
    line = f"0 to {duration_text(waterfall.duration_ns)}"
    return (
        Column("span", "SPAN", 22, flex=2, max_width=56, is_sortable=False),
        Column("service", "SERVICE", 10, flex=1, max_width=20, priority=40, is_sortable=False),
        Column("took", "TOOK", 7, align=Align.RIGHT, is_sortable=False),
        Column("line", line, 24, flex=4, is_sortable=False),
    )


@dataclass(frozen=True, eq=False)
class LaneSource:
    """The lanes that are shown, by their places in the waterfall."""

    waterfall: Waterfall
    columns: tuple[Column, ...]
    places: Sequence[int]
    hidden: frozenset[str] = field(default=frozenset())

    @classmethod
    def of(cls, waterfall: Waterfall) -> LaneSource:
        """Every lane."""
        return cls(waterfall, lane_columns(waterfall), range(len(waterfall.lanes)))

    def __len__(self) -> int:
        return len(self.places)

    @property
    def total(self) -> int:
        """How many lanes there are."""
        return len(self.waterfall.lanes)

    def folded(self, keys: frozenset[str]) -> LaneSource:
        """The lanes that stay when what hangs on these is hidden."""
        places: list[int] = []
        place = 0
        while place < len(self.waterfall.lanes):
            lane = self.waterfall.lanes[place]
            places.append(place)
            place += 1 + (lane.below if lane.span_id in keys else 0)
        return replace(self, places=places, hidden=keys)

    def key(self, index: int) -> str:
        """The id of the span, there or not."""
        return self.waterfall.lanes[self.places[index]].span_id

    def index_of(self, key: str) -> int | None:
        """Where a span stands."""
        return self._index.get(key)

    def cells(self, index: int) -> Sequence[Cell]:
        """The cells of one lane."""
        place = self.places[index]
        lane = self.waterfall.lanes[place]
        return (
            self._name(place, lane),
            Cell(lane.span.resource.service if lane.span else "", Token.MUTED),
            number(duration_text(lane.end_ns - lane.start_ns) if lane.span else "", Token.PLAIN),
            self._bar(place, lane),
        )

    @cached_property
    def _index(self) -> Mapping[str, int]:
        return {self.waterfall.lanes[place].span_id: index for index, place in enumerate(self.places)}

    @cached_property
    def critical(self) -> Mapping[int, Sequence[Stretch]]:
        """The parts of the critical path by the place of their lane, as shares of the whole time."""
        parts: dict[int, list[Stretch]] = defaultdict(list)
        for segment in self.waterfall.path:
            parts[segment.place].append((self._share(segment.start_ns), self._share(segment.end_ns)))
        return parts

    def _share(self, at_ns: int) -> float:
        whole = self.waterfall.duration_ns
        return (at_ns - self.waterfall.start_ns) / whole if whole else 0.0

    def _bar(self, place: int, lane: Lane) -> Cell:
        if lane.span is None:
            return Cell("")
        stretch = (self._share(lane.start_ns), self._share(lane.end_ns))
        token = Token.ERROR if lane.span.is_error else Token.MUTED
        parts = self.critical.get(place, ())
        words = f"{CRITICAL} critical" if parts else ""
        return Picture(words, token, draw=lambda width: bar(width, stretch, parts, token, PATH))

    def _name(self, place: int, lane: Lane) -> Cell:
        before = _guides(self.waterfall.lanes, place)
        if lane.below and lane.span_id in self.hidden:
            before += f"{Sign.CRUMB.glyph} "
        if lane.span is None:
            return Cell(f"{before}{Sign.UNKNOWN.glyph} {lane.span_id} is not here", Token.WARNING)
        moved = " ≈" if lane.shift_ns else ""
        if lane.span.is_error:
            return Cell(f"{before}{Sign.FAILED.glyph} {lane.span.name}{moved}", Token.ERROR)
        return Cell(f"{before}{lane.span.name}{moved}", PATH if place in self.critical else Token.PLAIN)


def _guides(lanes: Sequence[Lane], place: int) -> str:
    """The branches before a name; of very deep calls only the last ones."""
    lane = lanes[place]
    if lane.parent is None:
        return ""
    guides = "└╴" if lane.is_last else "├╴"
    above = lanes[lane.parent]
    for _ in range(_MOST_GUIDES):
        if above.parent is None:
            return guides
        guides = ("  " if above.is_last else "│ ") + guides
        above = lanes[above.parent]
    return Sign.ELLIPSIS.glyph + guides if above.parent is not None else guides
