"""One model: its versions, its card, and which version was live when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.screens.actions import MODEL_ACTIONS, REGISTRY_ACTIONS
from mlops_tui.screens.delivering import Aim, DeliveringView
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.listing import BREAKPOINTS, Item, ListedView
from mlops_tui.screens.live import PROD, environment_cell, version_text
from mlops_tui.screens.models import model_value
from mlops_tui.screens.moments import ask_moment
from mlops_tui.screens.retraining import RetrainingView
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.actions import bindings
from mlops_tui.widgets.cells import Align, Cell, number
from mlops_tui.widgets.markdown_view import MarkdownView
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_source import list_source
from mlops_tui.widgets.times import age, moment_text, short_moment

if TYPE_CHECKING:
    from mlops_tui.domain.models import ModelVersion
    from mlops_tui.operations.live_history import LiveHistory
    from mlops_tui.operations.models import LiveRow, ModelSummary
    from mlops_tui.operations.session import Session

HISTORY_COLUMNS = (
    Column("environment", "ENVIRONMENT", 12, flex=1, max_width=24, is_sortable=False),
    Column("version", "VERSION", 9, flex=1, max_width=18, is_sortable=False),
    Column("since", "SINCE", 11, is_sortable=False),
    Column("until", "UNTIL", 11, priority=40, is_sortable=False),
    Column("by", "BY", 8, flex=1, max_width=20, priority=30, is_sortable=False),
    Column("deployment", "DEPLOYMENT", 10, priority=20, align=Align.RIGHT, is_sortable=False),
)
NEVER_LIVE = "No deployment names this model, as far back as they are looked at."


class ModelView(ListedView, DeliveringView, RetrainingView):
    """A model.

    Args:
        name: GROUP/PROJECT:NAME.
        known: What is known of it already, drawn until it is read anew.
    """

    NAME = "model"
    CSS_PATH = Path(__file__).with_suffix(".tcss")
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS
    LIST = "versions-table"
    EMPTY = "No version yet. V makes one from a run."
    COLUMNS = (
        Column("version", "VERSION", 12, flex=2, max_width=24),
        Column("live", "LIVE IN", 20, flex=3, max_width=50),
        Column("age", "AGE", 6, align=Align.RIGHT),
        Column("files", "FILES", 5, priority=40, align=Align.RIGHT),
        Column("author", "AUTHOR", 8, flex=1, max_width=20, priority=30),
        Column("made", "MADE", 16, priority=20),
        Column("run", "RUN", 10, flex=1, max_width=36, priority=10),
    )
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(MODEL_ACTIONS), *bindings(REGISTRY_ACTIONS)]

    def __init__(self, name: str, known: ModelSummary | None = None) -> None:
        super().__init__()
        self._model = name
        self._summary = known
        self._history: LiveHistory | None = None
        self._moment: datetime | None = None
        self._card = ""

    @property
    def crumb(self) -> str:
        """The bare name."""
        return self._model.rpartition(":")[2]

    @property
    def frame_name(self) -> str:
        """One for each model."""
        return f"model {self._model}"

    def body(self) -> ComposeResult:
        """Versions above; what was live when, and the card, below."""
        with Pane("Versions", id="versions"):
            yield self.list_table()
        with Container(id="lower"):
            with Pane("Live when", id="history"):
                yield Table(HISTORY_COLUMNS, empty="Loading…", id="history-table")
            with Pane("Card", id="card"):
                yield MarkdownView(empty="This model has no card yet. E writes one.", id="card-text")

    def on_mount(self) -> None:
        """Draw what is known."""
        if self._summary is not None:
            self._draw_model(self._summary)

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """The model with its versions, and its past."""
        from mlops_tui.operations.live_history import LiveHistory, live_history
        from mlops_tui.operations.models import ModelSummary, show_model

        path, _, model = self._model.rpartition(":")
        interval = session.context.poll_interval
        shown = session.cached_view(f"model {self._model}", ModelSummary)
        past = session.cached_view(f"history {self._model}", LiveHistory)
        yield Feed(lambda: show_model(session, self._model), self._take, "#versions", interval, shown)
        yield Feed(lambda: live_history(session, path, model), self._take_history, "#history", interval, past)

    def items(self, now: datetime) -> Sequence[Item] | None:
        """One row for each version, the highest first."""
        if self._summary is None:
            return None
        versions = self._summary.model.versions
        return [self._item(version, -float(place), now) for place, version in enumerate(versions)]

    def _item(self, version: ModelVersion, rank: float, now: datetime) -> Item:
        cells = (
            Cell(version.version, Token.STRONG),
            self._live_cell(version.version),
            number(age(version.created_at, now)),
            number("?" if version.artifact_count is None else str(version.artifact_count)),
            Cell(version.author, Token.MUTED),
            Cell(moment_text(version.created_at, now), Token.MUTED),
            Cell(version.run_id, Token.MUTED),
        )
        files = float(version.artifact_count or 0)
        made = version.created_at.timestamp()
        return Item(version.version, cells, {"version": rank, "age": -made, "made": made, "files": files})

    def _live_cell(self, version: str) -> Cell:
        rows = [row for row in self._summary.live if row.live.version == version] if self._summary else []
        words = [PROD + " " if row.is_production else "" for row in rows]
        texts = [word + row.live.environment + _share(row) for word, row in zip(words, rows, strict=True)]
        return Cell(", ".join(texts), Token.PRODUCTION if any(row.is_production for row in rows) else Token.PLAIN)

    def _take(self, snapshot: Snapshot[ModelSummary]) -> None:
        self._summary = snapshot.data
        self._draw_model(snapshot.data)

    def _draw_model(self, summary: ModelSummary) -> None:
        self.relist()
        if self._card != summary.model.card:
            self._card = summary.model.card
            self.query_one(MarkdownView).show_markdown(self._card)

    def _take_history(self, snapshot: Snapshot[LiveHistory]) -> None:
        self._history = snapshot.data
        self._draw_history()

    def _draw_history(self) -> None:
        history = self._history
        if history is None:
            return
        now = self.host.clock.now()
        rows = history.periods if self._moment is None else history.at(self._moment)
        pane, table = self.query_one("#history", Pane), self.query_one("#history-table", Table)
        pane.heading = "Live when" if self._moment is None else f"Live at {moment_text(self._moment, now)}, esc ends"
        table.show_message(NEVER_LIVE if self._moment is None else "Nothing was live then, as far as is known.")
        table.show(
            list_source(HISTORY_COLUMNS, [(str(place), self._period(row, now)) for place, row in enumerate(rows)])
        )

    def _period(self, row: LiveRow, now: datetime) -> tuple[Cell, ...]:
        live = row.live
        has_ended = live.until is not None
        plain = Token.MUTED if has_ended else Token.PLAIN
        return (
            environment_cell(live.environment, is_production=row.is_production),
            Cell(version_text(live), plain if has_ended else Token.STRONG),
            Cell(short_moment(live.since, now), plain),
            Cell(short_moment(live.until, now) if has_ended else "still", plain if has_ended else Token.OK),
            Cell(live.deployment.username if live.deployment else "", Token.MUTED),
            number(str(live.deployment.id) if live.deployment else "", Token.MUTED),
        )

    def trained(self) -> tuple[str, str] | None:
        """The model that the keys act on."""
        aim = self.aim()
        return (aim.project.ref.path, aim.model) if aim else None

    def aim(self) -> Aim | None:
        """The version under the cursor."""
        summary = self._summary
        return Aim(summary.project, summary.model.name, self.listed.cursor_key or "") if summary else None

    def describe(self) -> tuple[str, JsonValue] | None:
        """The model."""
        return (self._model, model_value(self._summary)) if self._summary else None

    @on(Table.Opened, "#versions-table")
    def _open(self, event: Table.Opened) -> None:
        from mlops_tui.screens.version import VersionView

        self.app.push_screen(VersionView(self._model, event.key, self._summary))

    @on(Table.Opened, "#history-table")
    def _open_period(self, event: Table.Opened) -> None:
        from mlops_tui.screens.version import VersionView

        rows = (
            (self._history.periods if self._moment is None else self._history.at(self._moment)) if self._history else ()
        )
        version = rows[int(event.key)].live.version if int(event.key) < len(rows) else None
        if version is not None:
            self.app.push_screen(VersionView(self._model, version, self._summary))

    def action_back(self) -> None:
        """Return to the present first."""
        if self._moment is not None and not self.filter_text:
            self._moment = None
            self._draw_history()
        else:
            super().action_back()

    def action_at(self) -> None:
        """Ask what was live at a past moment."""

        def show(moment: datetime | None) -> None:
            if moment is not None:
                self._moment = moment
                self._draw_history()
                self.query_one("#history-table").focus()

        ask_moment(self, "What was live at which moment?", show)

    def action_make_version(self) -> None:
        """Make a version from a run."""
        from mlops_tui.screens.registering import make_version

        make_version(self, model=self._model)

    def action_edit_card(self) -> None:
        """Edit the model's card."""
        from mlops_tui.screens.registering import edit_card

        edit_card(self, self._model)

    def action_delete(self) -> None:
        """Delete the version under the cursor, after the model's name was typed."""
        from mlops_tui.screens.registering import delete_version

        version = self.listed.cursor_key
        if version is not None:
            delete_version(self, self._model, version)


def _share(row: LiveRow) -> str:
    return "" if row.live.share == 100.0 else f" {row.live.share:.0f}%"
