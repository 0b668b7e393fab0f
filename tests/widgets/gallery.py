"""Every widget with fixed data, in the real program: for snapshots and for looking at it.

``python -m tests.widgets.gallery`` opens it in a terminal.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal

from mlops_tui.app import MlopsApp
from mlops_tui.config.paths import Paths
from mlops_tui.domain.actions import (
    ActionKind,
    Change,
    Confirmation,
    ConfirmationKind,
    Intent,
    Preview,
    Subject,
)
from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.contexts import Context, ContextKind
from mlops_tui.domain.errors import UnreachableError
from mlops_tui.domain.pipelines import PipelineStatus
from mlops_tui.domain.runs import RunStatus
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.live.logs import LogChunk
from mlops_tui.screens.launch import Launch
from mlops_tui.screens.registry import ViewEntry
from mlops_tui.screens.states import pipeline_status
from mlops_tui.screens.view import View
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.as_of import Freshness
from mlops_tui.widgets.cells import Align, Cell, number
from mlops_tui.widgets.details import Details
from mlops_tui.widgets.log_view import LogView
from mlops_tui.widgets.markdown_view import MarkdownView
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.plot import Plot
from mlops_tui.widgets.plot_figure import PlotData, Series
from mlops_tui.widgets.sparkline import sparkline
from mlops_tui.widgets.status import run_status
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_lines import Sort
from mlops_tui.widgets.table_source import ListSource, list_source
from mlops_tui.widgets.tree import Branch, Tree
from tests.clocks import ManualClock

NOW = datetime(2026, 3, 14, 14, 2, 30, tzinfo=UTC)
HOSTILE = (
    "[/foo]",
    "[@click=app.quit]x[/]",
    "\x1b]52;c;ZXZpbA==\x07title\x1b[2J",
    "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe",
    "שלום מודל",
    "模型 " * 40,
    "a" * 500,
)

COLUMNS = (
    Column("name", "NAME", 14, max_width=32, flex=3),
    Column("status", "STATUS", 11),
    Column("auc", "AUC", 7, align=Align.RIGHT),
    Column("loss", "LOSS", 8, align=Align.RIGHT, priority=40),
    Column("trend", "TREND", 10, priority=20),
    Column("team", "TEAM", 8, max_width=14, flex=1, priority=10),
    Column("age", "AGE", 8, align=Align.RIGHT, priority=30),
)


def runs() -> ListSource:
    """Twenty ordinary runs and the hostile names."""
    states = list(RunStatus)
    rows: list[tuple[str, tuple[Cell, ...]]] = []
    for index in range(20 + len(HOSTILE)):
        name = f"fraud-run-{index:03}" if index < 20 else HOSTILE[index - 20]
        wave = [math.sin(step / 3 + index) for step in range(10)]
        cells = (
            Cell(name),
            run_status(states[index % len(states)]).cell,
            number(f"{0.9 + index / 400:.3f}"),
            number(f"{1 / (index + 2):.4f}", Token.BETTER if index % 2 else Token.WORSE),
            Cell(sparkline(wave, 10), Token.RUNNING),
            Cell("risk" if index % 3 else "payments", Token.MUTED),
            number(f"{index} min"),
        )
        rows.append((f"run-{index}", cells))
    return list_source(COLUMNS, rows)


class TablesView(View):
    """A table with marks, a stale stamp and an error; an empty one beside it."""

    NAME = "tables"

    def body(self) -> ComposeResult:
        with Pane("Runs", id="runs"):
            yield Table(id="runs-table", classes="-filtered")
        with Pane("Nothing", id="nothing"):
            yield Table(COLUMNS, empty="No runs match the filter; esc clears it.", id="empty")

    def on_mount(self) -> None:
        self.query_one("#nothing").styles.height = 6
        table = self.query_one("#runs-table", Table)
        table.show(runs())
        table.sort = Sort("auc", is_descending=True)
        table.set_marks(frozenset({"run-1", "run-3"}))
        table.focus()
        fresh: Snapshot[object] = Snapshot(None, NOW, "gitlab.example.com")
        lost: Snapshot[object] = Snapshot(
            None,
            NOW - timedelta(minutes=7),
            "gitlab.example.com",
            UnreachableError(
                "gitlab.example.com does not answer", why="no answer within 30 s", remedy="It is asked again"
            ),
        )
        self.query_one("#runs", Pane).stamp(Freshness(fresh), NOW)
        self.query_one("#nothing", Pane).stamp(Freshness(lost), NOW)

    def describe(self) -> tuple[str, JsonValue]:
        return "fraud-run-000", {"id": "run-0", "metrics": {"auc": 0.9, "note": "[/foo]"}, "params": {"lr": "0.01"}}


class PlotsView(View):
    """Two lines with a gap, one of them over its raw line."""

    NAME = "plots"
    AUTO_FOCUS: ClassVar[str | None] = "PlotCanvas"

    def body(self) -> ComposeResult:
        with Pane("auc", id="plot-pane"):
            yield Plot(id="plot")

    def on_mount(self) -> None:
        self.query_one(Plot).show(plot_data(), by_person=True)


def plot_data() -> PlotData:
    """Two curves; the second has values that are no numbers."""
    steps = tuple(float(step) for step in range(0, 200, 2))
    rising = tuple(0.95 - 0.4 * math.exp(-step / 40) for step in steps)
    raw = tuple(value + 0.03 * math.sin(step) for step, value in zip(steps, rising, strict=True))
    other = tuple(math.nan if 90 <= step < 110 else 0.6 + step / 1000 for step in steps)
    series = (
        Series("raw", steps, raw, is_faint=True),
        Series("fraud-run-001 [/foo]", steps, rising),
        Series("fraud-run-002", steps, other),
    )
    return PlotData(series, note="100 of 100 points, smoothed over 5")


CARD = """# Fraud classifier

Detects *card fraud* in **under 20 ms**. See [the docs](javascript:app.quit) and ![a picture](http://evil.example/x.png).

1. Trained on `transactions-2026`
   - no personal data [/foo] [@click=app.quit]x[/]
2. Reviewed by the risk team

> Not for credit decisions.

| metric | value |
|---|---|
| auc | 0.953 |
| recall | 0.81 |

```python
model.predict(frame)
```

<script>alert(1)</script>
"""


class TextsView(View):
    """A log, a model card and a description side by side."""

    NAME = "texts"
    AUTO_FOCUS: ClassVar[str | None] = "LogView"

    def body(self) -> ComposeResult:
        with Pane("Log of job 611", id="log-pane"):
            yield LogView(id="log")
        with Horizontal():
            with Pane("Card", id="card-pane"):
                yield MarkdownView(id="card")
            with Pane("Details", id="details-pane"):
                yield Details(self._value(), id="details")

    def on_mount(self) -> None:
        lines = tuple(f"{index:04} epoch {index} loss={1 / (index + 1):.5f}" for index in range(60)) + HOSTILE[:3]
        self.query_one(LogView).take(LogChunk(lines, False, False, 0, False, NOW, None))
        self.query_one(MarkdownView).show_markdown(CARD)

    def _value(self) -> JsonValue:
        return {"name": "fraud", "latest": "1.4.0", "versions": 12, "live_in": ["production", "staging"]}


class TreesView(View):
    """Where a version comes from and where it went."""

    NAME = "trees"
    AUTO_FOCUS: ClassVar[str | None] = "Tree"

    def body(self) -> ComposeResult:
        with Pane("Lineage of fraud 1.4.0", id="lineage"):
            columns = (Column("node", "WHAT", 30, flex=1), Column("status", "STATE", 12), Column("at", "WHEN", 16))
            yield Tree(columns, id="tree")

    def on_mount(self) -> None:
        done = pipeline_status(PipelineStatus.SUCCESS).cell
        run = pipeline_status(PipelineStatus.RUNNING).cell
        job = Branch(
            "job",
            (Cell("job 611 train"), done, Cell("2026-03-14 09:12")),
            (
                Branch(
                    "run",
                    (Cell("run fraud-run-001"), done, Cell("2026-03-14 09:13")),
                    (
                        Branch(
                            "version",
                            (Cell("version 1.4.0"), Cell(""), Cell("2026-03-14 11:40")),
                            (
                                Branch("staging", (Cell("deployment 88 to staging"), done, Cell("2026-03-14 12:01"))),
                                Branch(
                                    "production",
                                    (Cell("deployment 91 to production", Token.PRODUCTION), run, Cell("now")),
                                ),
                            ),
                        ),
                    ),
                ),
            ),
        )
        missing = Branch("data", (Cell("dataset: not recorded", Token.MUTED), Cell(""), Cell("")))
        commit = Branch(
            "commit", (Cell("commit 1f3a9c0 Tune the learning rate [/foo]"), Cell(""), Cell("")), (job, missing)
        )
        self.query_one(Tree).show_branches([commit])


def preview(*, is_production: bool = True) -> Preview:
    """A promotion, to production unless told otherwise."""
    environment = "production" if is_production else "staging"
    subject = Subject("https://gitlab.example.com", "acme/fraud", "fraud", "1.4.0", environment)
    body: Mapping[str, JsonValue] = {"ref": "main", "inputs": {"model": "fraud", "version": "1.4.0"}}
    confirmation = (
        Confirmation(ConfirmationKind.TYPE_NAME, "fraud") if is_production else Confirmation(ConfirmationKind.YES)
    )
    return Preview(
        intent=Intent("3f2a90c1-0000-4000-8000-000000000000", ActionKind.PROMOTE, subject, NOW),
        title=f"Promote fraud 1.4.0 to {environment}",
        calls=(
            ApiCall(Method.POST, "/api/v4/projects/7/pipeline", body, "start the deployment pipeline"),
            ApiCall(Method.PUT, "/api/v4/projects/7/pipelines/{pipeline}/metadata", {"name": "fraud 1.4.0"}, "name it"),
        ),
        changes=(
            Change("live version", "1.3.2", "1.4.0"),
            Change("auc", "0.941", "0.953", is_better=True),
            Change("latency_p95_ms", "18.2", "19.7", is_better=False),
        ),
        confirmation=confirmation,
        is_production=is_production,
        obstacles=("production is protected: one approval by a maintainer is needed",),
        gaps=("the run has no commit, so the training code is not known",),
    )


def _entry(name: str, key: str, place: str) -> ViewEntry:
    return ViewEntry(name, key, name.capitalize(), f"the gallery's {name}", f"{__name__}:{place}")


class GalleryApp(MlopsApp):
    """The program with the gallery's views in place of its own."""

    VIEWS: ClassVar[tuple[ViewEntry, ...]] = (
        _entry("tables", "1", "TablesView"),
        _entry("plots", "2", "PlotsView"),
        _entry("texts", "3", "TextsView"),
        _entry("trees", "4", "TreesView"),
    )


def gallery(folder: Path, *, environ: Mapping[str, str] | None = None, **chosen: Any) -> GalleryApp:
    """The gallery on a context that answers nothing, with its files in ``folder``.

    ``chosen`` are fields of the context.
    """
    context = Context("work", "http://127.0.0.1:9", **{"projects": ("acme/fraud",), "theme": "dark", **chosen})
    paths = Paths(folder / "config", folder / "cache", folder / "state", folder / "data")
    launch = Launch(context, contexts=("work", "prod"), paths=paths, clock=ManualClock(NOW))
    return GalleryApp(launch, environ={"TERM": "xterm-256color"} if environ is None else environ)


if __name__ == "__main__":
    kind = ContextKind.PRODUCTION if "--production" in sys.argv else ContextKind.OTHER
    theme = next((argument for argument in sys.argv[1:] if not argument.startswith("--")), None)
    with tempfile.TemporaryDirectory() as temporary:
        app = gallery(Path(temporary), kind=kind, theme=theme, environ=os.environ)
        result = app.run()
    sys.exit(app.return_code or (result if isinstance(result, int) else 0))
