"""One version: what its run measured, its files, where it came from and where it went, and its card."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.screens.acting import tell
from mlops_tui.screens.actions import DELETE, EDIT_CARD, VERSION_ACTIONS
from mlops_tui.screens.delivering import Aim, DeliveringView
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.lineage import COLUMNS as LINEAGE_COLUMNS
from mlops_tui.screens.lineage import LineageEntry, lineage_branches
from mlops_tui.screens.listing import BREAKPOINTS
from mlops_tui.screens.live import PROD
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.actions import bindings
from mlops_tui.widgets.cells import Align, Cell, line, number
from mlops_tui.widgets.markdown_view import MarkdownView
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_source import list_source
from mlops_tui.widgets.times import moment_text
from mlops_tui.widgets.tree import Tree

if TYPE_CHECKING:
    from mlops_tui.domain.actions import Receipt
    from mlops_tui.domain.lineage import LineageNode
    from mlops_tui.domain.models import ModelVersion
    from mlops_tui.operations.models import ModelSummary
    from mlops_tui.operations.session import Session
    from mlops_tui.operations.versions import VersionPage

PAGE_INTERVALS = 3
LINEAGE_INTERVALS = 6
MEASURED_COLUMNS = (
    Column("kind", "", 6, is_sortable=False),
    Column("name", "NAME", 12, flex=1, max_width=40, is_sortable=False),
    Column("value", "VALUE", 10, flex=1, max_width=40, is_sortable=False),
)
FILE_COLUMNS = (
    Column("path", "FILE", 14, flex=2, is_sortable=False),
    Column("size", "SIZE", 9, align=Align.RIGHT, is_sortable=False),
    Column("sha256", "SHA256", 14, flex=1, max_width=64, is_sortable=False),
)


class VersionView(DeliveringView):
    """A version.

    Args:
        model: GROUP/PROJECT:NAME.
        version: Its number.
        known: What is known of the model already.
    """

    NAME = "version"
    CSS_PATH = Path(__file__).with_suffix(".tcss")
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS
    AUTO_FOCUS: ClassVar[str | None] = "#lineage-tree"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(VERSION_ACTIONS), *bindings([EDIT_CARD, DELETE])]

    def __init__(self, model: str, version: str, known: ModelSummary | None = None) -> None:
        super().__init__()
        self._summary = known
        self._model = model
        self._version = version
        self._page: VersionPage | None = None
        self._card = ""
        self._lineage: dict[str, LineageEntry] = {}

    @property
    def crumb(self) -> str:
        """The number."""
        return self._version

    @property
    def frame_name(self) -> str:
        """One for each version."""
        return f"version {self._model} {self._version}"

    def body(self) -> ComposeResult:
        """Facts above, four panes below."""
        yield Static("", id="facts")
        with Container(id="columns"):
            with Container(classes="column", id="origin"):
                with Pane("Lineage", id="lineage"):
                    yield Tree(LINEAGE_COLUMNS, empty="Loading…", id="lineage-tree")
                with Pane("Metrics and parameters", id="measured"):
                    yield Table(MEASURED_COLUMNS, empty="Loading…", id="measured-table")
            with Container(classes="column"):
                with Pane("Files", id="files"):
                    yield Table(FILE_COLUMNS, empty="Loading…", id="files-table")
                with Pane("Card", id="card"):
                    yield MarkdownView(empty="This version has no card yet. E writes one.", id="card-text")

    def on_mount(self) -> None:
        """Draw what is known."""
        if self._summary is not None:
            self._draw_facts(self._summary)

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """The version with its evidence, and more rarely its lineage."""
        from mlops_tui.domain.lineage import LineageNode
        from mlops_tui.operations.lineage import version_lineage
        from mlops_tui.operations.versions import VersionPage, show_version

        model, number_, interval = self._model, self._version, session.context.poll_interval
        page = session.cached_view(self.frame_name, VersionPage)
        tree = session.cached_view(f"lineage {model} {number_}", LineageNode)
        slow, slower = interval * PAGE_INTERVALS, interval * LINEAGE_INTERVALS
        yield Feed(lambda: show_version(session, model, number_), self._take, "#measured", slow, page)
        yield Feed(lambda: version_lineage(session, model, number_), self._take_lineage, "#lineage", slower, tree)

    def _take(self, snapshot: Snapshot[VersionPage]) -> None:
        page = self._page = snapshot.data
        self._summary = page.summary
        self._draw_facts(page.summary, page.evidence.gaps)
        self._draw_measured(page)
        self._draw_files(page)

    def _take_lineage(self, snapshot: Snapshot[LineageNode]) -> None:
        branch, self._lineage = lineage_branches(snapshot.data)
        self.query_one(Tree).show_branches([branch])

    def _draw_facts(self, summary: ModelSummary, gaps: Sequence[str] = ()) -> None:
        version = next((item for item in summary.model.versions if item.version == self._version), None)
        if version is None:
            return
        self.query_one("#facts", Static).update(self._facts(summary, version, gaps))
        if self._card != version.card:
            self._card = version.card
            self.query_one(MarkdownView).show_markdown(version.card)

    def _facts(self, summary: ModelSummary, version: ModelVersion, gaps: Sequence[str]) -> Content:
        made = moment_text(version.created_at, self.host.clock.now())
        by = f" by {version.author}" if version.author else ""
        live = [row for row in summary.live if row.live.version == version.version]
        prod = [row.live.environment for row in live if row.is_production]
        other = [row.live.environment for row in live if not row.is_production]
        first = line(
            Cell(f"{version.model} {version.version}", Token.STRONG),
            Cell(f"{PROD} live in {', '.join(prod)}" if prod else "", Token.PRODUCTION),
            Cell(f"live in {', '.join(other)}" if other else "", Token.OK),
            Cell("" if live else "not live anywhere", Token.MUTED),
            Cell(f"made {made}{by}", Token.MUTED),
            separator="  ",
        )
        missing = [line(Cell(f"{Sign.WARNING.glyph} {gap}", Token.WARNING)) for gap in gaps]
        return Content("\n").join([first, *missing])

    def _draw_measured(self, page: VersionPage) -> None:
        run = page.evidence.run
        table = self.query_one("#measured-table", Table)
        metrics = sorted(run.metrics.items()) if run else []
        params = sorted(run.params.items()) if run else []
        rows = [_measured("metric", name, f"{value:.6g}") for name, value in metrics]
        rows += [_measured("param", name, value) for name, value in params]
        table.show_message("Its run logged nothing." if run else "The run it was made from cannot be read.")
        table.show(list_source(MEASURED_COLUMNS, rows))

    def _draw_files(self, page: VersionPage) -> None:
        table = self.query_one("#files-table", Table)
        table.show_message("No files are stored with this version.")
        rows = [
            (item.path, (Cell(item.path), number(size_text(item.size)), Cell(item.sha256 or "not told", Token.MUTED)))
            for item in page.evidence.artifacts
        ]
        table.show(list_source(FILE_COLUMNS, rows))

    def aim(self) -> Aim | None:
        """This version."""
        summary = self._summary
        return Aim(summary.project, summary.model.name, self._version) if summary else None

    def describe(self) -> tuple[str, JsonValue] | None:
        """This version."""
        return (f"{self._model} {self._version}", version_value(self._page)) if self._page else None

    def copy_text(self) -> str | None:
        """The page of the link under the cursor, a file's checksum, or the version's number."""
        focused = self.focused
        if isinstance(focused, Tree):
            entry = self._lineage.get(focused.cursor_key or "")
            return entry.web_url or entry.title if entry else None
        if isinstance(focused, Table) and focused.id == "files-table" and self._page is not None:
            sums = {item.path: item.sha256 for item in self._page.evidence.artifacts}
            return sums.get(focused.cursor_key or "") or focused.cursor_key
        return super().copy_text() if isinstance(focused, Table) else f"{self._model} {self._version}"

    @on(Table.Opened, "#files-table")
    def _open_file(self, event: Table.Opened) -> None:
        from mlops_tui.screens.artifacts import show_text

        files = self._page.evidence.artifacts if self._page else ()
        found = next((item for item in files if item.path == event.key), None)
        if found is not None and self._page is not None:
            show_text(self, self._page.version.project, found)

    @on(Table.Opened, "#lineage-tree")
    def _open_link(self, event: Table.Opened) -> None:
        entry = self._lineage.get(event.key)
        if entry is not None and entry.is_run:
            self.action_open_run()
        elif entry is not None:
            self.notify(f"{entry.web_url} (y copies it)" if entry.web_url else entry.title, markup=False)

    def action_open_run(self) -> None:
        """Open the run that it was made from."""
        from mlops_tui.screens.run import RunView

        if self._page is None or not self._page.version.run_id:
            self.notify("It is not known from which run it was made", severity="warning", markup=False)
            return
        run = self._page.evidence.run
        self.app.push_screen(RunView(self._page.version.run_id, run.name if run else ""))

    def action_download(self) -> None:
        """Save its files on this machine."""
        from mlops_tui.screens.artifacts import download

        if self._page is None or not self._page.evidence.artifacts:
            self.notify("There are no files to download", markup=False)
            return
        version = self._page.version
        folder = f"{version.model}-{version.version}"
        download(self, version.project, self._page.evidence.artifacts, folder, self.query_one("#files", Pane))

    def action_edit_card(self) -> None:
        """Edit its card."""
        from mlops_tui.screens.registering import edit_card

        edit_card(self, self._model, self._version)

    def action_delete(self) -> None:
        """Delete it, after the model's name was typed."""
        from mlops_tui.screens.registering import delete_version

        def leave(receipt: Receipt) -> None:
            tell(self, "Delete", receipt)
            self.app.pop_screen()

        delete_version(self, self._model, self._version, leave)


def _measured(kind: str, name: str, value: str) -> tuple[str, tuple[Cell, ...]]:
    return f"{kind} {name}", (Cell(kind, Token.MUTED), Cell(name), Cell(value, Token.STRONG))


def size_text(size: int) -> str:
    """A number of bytes in a few characters: "812 B", "4.2 kB", "1.3 GB"."""
    amount, unit = float(size), "B"
    for bigger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, bigger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def version_value(page: VersionPage) -> dict[str, JsonValue]:
    """Everything known about a version, for reading."""
    version, evidence = page.version, page.evidence
    made: datetime = version.created_at
    return {
        "model": version.model,
        "version": version.version,
        "id": version.id,
        "project": version.project.path,
        "made": made.isoformat(),
        "author": version.author,
        "run": version.run_id,
        "live in": list(page.summary.live_in(version.version)),
        "metrics": dict(evidence.metrics),
        "params": dict(evidence.run.params) if evidence.run else {},
        "tags": dict(version.tags),
        "files": [{"path": item.path, "size": item.size, "sha256": item.sha256} for item in evidence.artifacts],
        "missing": list(evidence.gaps),
        "card": version.card,
    }
