"""How traces get here, told where there are none yet."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from textual.content import Content

from mlops_tui.domain.trace_sources import TraceSource
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Cell, line

if TYPE_CHECKING:
    from mlops_tui.operations.trace_traffic import TrafficBoard

_PORT = 4318


def sending_text(board: TrafficBoard, source: TraceSource | None) -> Content:
    """What to start, and where services have to send; nothing where there is a store."""
    if board.has_store:
        return Content("")
    folder = f" --data {shlex.quote(str(source.data))}" if source is not None and source.data is not None else ""
    lines = (
        line("Nobody has sent traces to this store yet. Take them in with"),
        line(Cell(f"  mlops-tui traces collect{folder} --port {_PORT}", Token.KEY)),
        line("and let the service that serves the model send them there with OpenTelemetry:"),
        line(Cell(f"  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:{_PORT}", Token.KEY)),
        line(Cell("  OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", Token.KEY)),
        line("They appear here within one look.", separator=""),
    )
    return Content("\n").join(lines)
