"""One trace: what called what and when, what its duration was spent on, and what each span says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.inferences import columns_of
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.screens.actions import TRACE_ACTIONS
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.listing import BREAKPOINTS, NOTHING_FITS
from mlops_tui.screens.span_details import (
    FACT_COLUMNS,
    INFERENCE_COLUMNS,
    fact_rows,
    inference_rows,
    inference_title,
    span_value,
)
from mlops_tui.screens.trace_items import duration_text
from mlops_tui.screens.trace_lanes import LaneSource
from mlops_tui.screens.traces import look_interval
from mlops_tui.screens.view import View
from mlops_tui.widgets.actions import bindings
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_source import ListSource, Row
from mlops_tui.widgets.waterfall import CRITICAL, Waterfall

if TYPE_CHECKING:
    from mlops_tui.analysis.waterfall import Lane
    from mlops_tui.domain.trace_queries import LabelledPrediction
    from mlops_tui.operations.session import Session
    from mlops_tui.operations.trace_details import TraceDetail

LOOK_SECONDS = 30.0
NO_INFERENCE = "No inference: no ml.feature. or ml.prediction. here."


class TraceView(View):
    """A trace.

    Args:
        trace_id: 32 hexadecimal digits.
    """

    NAME = "trace"
    CSS_PATH = Path(__file__).with_suffix(".tcss")
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS
    AUTO_FOCUS: ClassVar[str | None] = "#waterfall-table"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(TRACE_ACTIONS)]

    def __init__(self, trace_id: str) -> None:
        super().__init__()
        self._trace_id = trace_id
        self._detail: TraceDetail | None = None
        self._source: LaneSource | None = None

    @property
    def crumb(self) -> str:
        """The beginning of the id."""
        return f"Trace {self._trace_id[:8]}"

    @property
    def frame_name(self) -> str:
        """One for each trace."""
        return f"trace {self._trace_id}"

    def body(self) -> ComposeResult:
        """The waterfall; what the span under the cursor says, and the inference it stands for."""
        with Pane("Trace", id="waterfall"):
            yield Waterfall(empty="Loading…", id="waterfall-table")
        with Container(id="lower"):
            with Pane("Span", id="span"):
                yield Table(FACT_COLUMNS, empty="", id="span-table", classes="-filtered")
            with Pane("Inference", id="inference"):
                yield Table(INFERENCE_COLUMNS, empty="", id="inference-table", classes="-filtered")

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """The trace, to which spans and labels may still come."""
        from mlops_tui.operations.trace_details import show_trace

        interval = max(LOOK_SECONDS, look_interval(session.context))
        yield Feed(lambda: show_trace(session, self._trace_id), self._take, "#waterfall", interval, is_gitlab=False)

    @property
    def _waterfall(self) -> Waterfall:
        return self.query_one("#waterfall-table", Waterfall)

    def _take(self, snapshot: Snapshot[TraceDetail]) -> None:
        from mlops_tui.analysis.waterfall import waterfall

        self._detail = snapshot.data
        self._source = LaneSource.of(waterfall(snapshot.data.trace))
        self._waterfall.show_tree(self._source)
        self.query_one("#waterfall", Pane).heading = self._heading(self._source)
        self._draw_span()

    def _heading(self, source: LaneSource) -> str:
        whole = source.waterfall
        moved = sum(bool(lane.shift_ns) for lane in whole.lanes)
        failed = sum(lane.span is not None and lane.span.is_error for lane in whole.lanes)
        words = [
            f"Trace {self._trace_id[:8]}, {duration_text(whole.duration_ns)}",
            f"{CRITICAL} critical path",
            f"{failed:,} failed" if failed else "",
            f"{whole.missing:,} missing above" if whole.missing else "",
            f"≈ {moved:,} on clocks put right" if moved else "",
        ]
        return " · ".join(word for word in words if word)

    def _lane(self) -> tuple[int, Lane] | None:
        """The lane under the cursor with its place."""
        shown, index = self._waterfall.source, self._waterfall.cursor_index
        if index is None or not isinstance(shown, LaneSource):
            return None
        place = shown.places[index]
        return place, shown.waterfall.lanes[place]

    def _label(self, lane: Lane) -> LabelledPrediction | None:
        return self._detail.labels.get(lane.span_id) if self._detail is not None else None

    def _draw_span(self) -> None:
        found = self._lane()
        if found is None or self._source is None:
            return
        place, lane = found
        whole = self._source.waterfall
        critical = sum(part.end_ns - part.start_ns for part in whole.path if part.place == place)
        self._fill("span", FACT_COLUMNS, fact_rows(lane, critical, whole.duration_ns), "")
        self.query_one("#span", Pane).heading = lane.span.name if lane.span is not None else "A span that is not here"
        self._draw_inference(place)

    def _draw_inference(self, place: int) -> None:
        """Show the inference under the cursor, or the first that was made within what stands there."""
        lanes = self._source.waterfall.lanes if self._source is not None else ()
        within = lanes[place : place + lanes[place].below + 1]
        shown = next((lane for lane in within if lane.span is not None and columns_of(lane.span)), lanes[place])
        label = self._label(shown)
        rows = inference_rows(shown.span, label) if shown.span is not None else []
        self._fill("inference", INFERENCE_COLUMNS, rows, NO_INFERENCE)
        unlabelled = self._detail.unlabelled if self._detail is not None else ""
        title = inference_title(shown.span, label, unlabelled, self.host.clock.now())
        self.query_one("#inference", Pane).heading = title

    def _fill(self, name: str, columns: tuple[Column, ...], rows: Sequence[Row], empty: str) -> None:
        table = self.query_one(f"#{name}-table", Table)
        kept = self._fitting(rows)
        table.show_message(NOTHING_FITS if rows else empty)
        table.show(ListSource(columns, kept, len(rows)))

    def _fitting(self, rows: Sequence[Row]) -> list[Row]:
        from mlops_tui.domain.filters import TextSearch, parse_query

        search = parse_query(self.filter_text)
        if not isinstance(search, TextSearch):
            return list(rows)
        return [row for row in rows if search.holds(" ".join(cell.text for cell in row.cells))]

    def filter_rows(self, _text: str) -> None:
        """Keep the attributes that fit."""
        self._draw_span()

    @on(Table.Moved, "#waterfall-table")
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        self._draw_span()

    @on(Table.Opened, "#waterfall-table")
    def _opened(self, event: Table.Opened) -> None:
        """Read what the span says."""
        event.stop()
        self.query_one("#span-table", Table).focus()

    @on(Table.Opened, "#span-table")
    @on(Table.Opened, "#inference-table")
    def _value_opened(self, event: Table.Opened) -> None:
        """Show a long value whole."""
        event.stop()
        from mlops_tui.widgets.text_dialog import TextDialog

        source = event.table.source
        index = source.index_of(event.key)
        if index is not None:
            self.app.push_screen(TextDialog(event.key, source.cells(index)[1].text))

    def describe(self) -> tuple[str, JsonValue] | None:
        """The span under the cursor."""
        found = self._lane()
        if found is None:
            return None
        lane = found[1]
        return (lane.span.name if lane.span else lane.span_id), span_value(lane, self._label(lane))

    def copy_text(self) -> str | None:
        """The trace's id, or the value under the cursor where one is looked at."""
        focused = self.focused
        if isinstance(focused, Table) and not isinstance(focused, Waterfall) and focused.cursor_index is not None:
            return focused.source.cells(focused.cursor_index)[1].text
        return self._trace_id

    def action_path(self) -> None:
        """Go to the next span on the critical path, and after the last to the first."""
        source = self._source
        self._go_to_next(sorted(source.critical) if source is not None else [], "Nothing is on the critical path")

    def action_error(self) -> None:
        """Go to the next span that failed, and after the last to the first."""
        lanes = self._source.waterfall.lanes if self._source is not None else ()
        failed = [place for place, lane in enumerate(lanes) if lane.span is not None and lane.span.is_error]
        self._go_to_next(failed, "No span of this trace failed")

    def _go_to_next(self, places: Sequence[int], nothing: str) -> None:
        if not places or self._source is None:
            self.notify(nothing, markup=False)
            return
        found = self._lane()
        here = found[0] if found is not None else -1
        place = next(chain((place for place in places if place > here), places))
        self._waterfall.reveal(self._source.waterfall.lanes[place].span_id)
        self._waterfall.focus()

    def action_go(self) -> None:
        """Go to the model version, rollout, job or commit of the span under the cursor."""
        from mlops_tui.screens.trace_going import go_from_span

        found = self._lane()
        if found is not None and found[1].span is not None:
            go_from_span(self, found[1].span)
        else:
            self.notify("There is no span under the cursor", markup=False)

    def action_log(self) -> None:
        """Follow the log of the job that the span names."""
        from mlops_tui.screens.trace_going import follow_log

        found = self._lane()
        if found is not None and found[1].span is not None:
            follow_log(self, found[1].span)
