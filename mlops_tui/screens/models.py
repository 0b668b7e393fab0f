"""Every model of the context's projects: its newest version, and what is live where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.screens.actions import DELETE
from mlops_tui.screens.delivering import Aim, DeliveringView
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.listing import Item, ListedView
from mlops_tui.screens.live import elsewhere_cell, production_cell, version_text
from mlops_tui.screens.retraining import RetrainingView
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.actions import bindings
from mlops_tui.widgets.cells import Align, Cell, number
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.times import age

if TYPE_CHECKING:
    from mlops_tui.operations.models import ModelSummary
    from mlops_tui.operations.session import Session


class ModelsView(ListedView, DeliveringView, RetrainingView):
    """The registry."""

    NAME = "models"
    LIST = "models-table"
    EMPTY = "No models here yet. A model is made in GitLab, or by logging one with MLflow's client."
    COLUMNS = (
        Column("name", "MODEL", 10, flex=3, max_width=40),
        Column("latest", "LATEST", 8, flex=1, max_width=20),
        Column("production", "PRODUCTION", 12, flex=2, max_width=30),
        Column("elsewhere", "ELSEWHERE", 14, flex=2, max_width=40, priority=40),
        Column("versions", "VERSIONS", 8, priority=20, align=Align.RIGHT),
        Column("age", "AGE", 5, priority=30, align=Align.RIGHT),
        Column("project", "PROJECT", 10, flex=2, max_width=40, priority=50),
    )
    BINDINGS: ClassVar[list[BindingType]] = [*bindings([DELETE])]

    def __init__(self) -> None:
        super().__init__()
        self._models: tuple[ModelSummary, ...] | None = None

    def body(self) -> ComposeResult:
        """The table."""
        with Pane("Models", id="models"):
            yield self.list_table()

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """The whole registry."""
        from mlops_tui.operations.models import ModelSummary, list_models

        cached = session.cached_view("models", tuple[ModelSummary, ...])
        yield Feed(lambda: list_models(session), self._take, "#models", session.context.poll_interval, cached)

    def _take(self, snapshot: Snapshot[tuple[ModelSummary, ...]]) -> None:
        self._models = snapshot.data
        self.relist()

    def items(self, now: datetime) -> Sequence[Item] | None:
        """One row for each model."""
        if self._models is None:
            return None
        return [self._item(summary, now) for summary in self._models]

    def _item(self, summary: ModelSummary, now: datetime) -> Item:
        model = summary.model
        production = [row.live for row in summary.live if row.is_production]
        elsewhere = [row.live for row in summary.live if not row.is_production]
        changed = model.latest.created_at if model.latest else model.created_at
        cells = (
            Cell(model.name, Token.STRONG),
            Cell(model.latest.version if model.latest else "none yet", Token.PLAIN if model.latest else Token.MUTED),
            production_cell(production),
            elsewhere_cell(elsewhere),
            number(str(model.version_count)),
            number(age(changed, now), Token.MUTED),
            Cell(summary.project.ref.path, Token.MUTED),
        )
        order = {"versions": float(model.version_count), "age": -changed.timestamp() if changed else None}
        return Item(summary.name, cells, order)

    def current(self) -> ModelSummary | None:
        """The model under the cursor."""
        key = self.listed.cursor_key
        return next((summary for summary in self._models or () if summary.name == key), None)

    def trained(self) -> tuple[str, str] | None:
        """The model that the keys act on."""
        aim = self.aim()
        return (aim.project.ref.path, aim.model) if aim else None

    def aim(self) -> Aim | None:
        """The newest version of the model under the cursor."""
        summary = self.current()
        if summary is None:
            return None
        return Aim(summary.project, summary.model.name, summary.model.latest.version if summary.model.latest else "")

    def describe(self) -> tuple[str, JsonValue] | None:
        """The model under the cursor."""
        summary = self.current()
        return (summary.name, model_value(summary)) if summary else None

    def copy_text(self) -> str | None:
        """The model's name."""
        summary = self.current()
        return summary.model.name if summary else None

    @on(Table.Opened, "#models-table")
    def _open(self) -> None:
        from mlops_tui.screens.model import ModelView

        summary = self.current()
        if summary is not None:
            self.app.push_screen(ModelView(summary.name, summary))

    def action_delete(self) -> None:
        """Delete the model under the cursor, after its name was typed."""
        from mlops_tui.screens.registering import delete_model

        summary = self.current()
        if summary is not None:
            delete_model(self, summary.name)


def model_value(summary: ModelSummary) -> dict[str, JsonValue]:
    """Everything known about a model, for reading."""
    model = summary.model
    return {
        "name": model.name,
        "project": summary.project.ref.path,
        "latest": model.latest.version if model.latest else None,
        "versions": [item.version for item in model.versions],
        "live": {row.live.environment: version_text(row.live) for row in summary.live},
        "your role": summary.project.role.title,
        "card": model.card,
    }
