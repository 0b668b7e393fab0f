"""Every rollout of the context's projects: how far it is, what the judge says, and for how long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from textual import events, on
from textual.app import ComposeResult

from mlops_tui.domain.canonical import JsonValue, plain
from mlops_tui.domain.errors import MlopsError
from mlops_tui.domain.rollout_documents import rollout_document
from mlops_tui.domain.rollouts import Rollout
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.listing import Item, ListedView
from mlops_tui.screens.live import PROD
from mlops_tui.screens.states import rollout_state, verdict
from mlops_tui.screens.steering import SteeringView
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Align, Cell, number
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.times import age

if TYPE_CHECKING:
    from mlops_tui.operations.session import Session

NONE_YET = "No rollout. O starts one of a model whose .gitlab/mlops.yml plans it (docs/rollouts.md)."
NOT_SEEN = "Whether there are rollouts is not known: what GitLab said stands below."


class RolloutsView(ListedView, SteeringView):
    """The rollouts, those under way first."""

    NAME = "rollouts"
    LIST = "rollouts-table"
    EMPTY = NONE_YET
    COLUMNS = (
        Column("model", "MODEL", 6, flex=2, max_width=24),
        Column("version", "VERSION", 7, flex=1, max_width=18),
        Column("environment", "ENVIRONMENT", 15, flex=1, max_width=26),
        Column("step", "STEP", 4, align=Align.RIGHT),
        Column("weight", "WEIGHT", 6, align=Align.RIGHT),
        Column("state", "STATE", 13),
        Column("verdict", "VERDICT", 14, priority=60),
        Column("age", "AGE", 4, align=Align.RIGHT, priority=50),
        Column("control", "OVER", 8, flex=1, max_width=18, priority=40),
        Column("holder", "WATCHED BY", 10, flex=1, max_width=24, priority=30),
        Column("driver", "DRIVER", 7, priority=20),
        Column("project", "PROJECT", 10, flex=1, max_width=30, priority=10),
        Column("id", "ID", 8, priority=5),
    )

    def __init__(self) -> None:
        super().__init__()
        self._rollouts: tuple[Rollout, ...] | None = None
        self._error: MlopsError | None = None

    def body(self) -> ComposeResult:
        """The table."""
        with Pane("Rollouts", id="rollouts"):
            yield self.list_table()

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """The rollouts as GitLab shows them."""
        from mlops_tui.operations.rollouts.listing import rollouts

        cached = session.cached_view("rollouts", tuple[Rollout, ...])
        yield Feed(lambda: rollouts(session), self._take, "#rollouts", session.context.poll_interval, cached)

    @on(events.ScreenResume)
    def _look_again(self) -> None:
        """Whoever comes back from a rollout wants to see here what became of it."""
        self.action_refresh()

    def _take(self, snapshot: Snapshot[tuple[Rollout, ...]]) -> None:
        self._rollouts, self._error = snapshot.data, snapshot.error
        self.relist()
        if snapshot.error is not None and not snapshot.data:
            self.listed.show_message(NOT_SEEN)

    def items(self, now: datetime) -> Sequence[Item] | None:
        """One row for each."""
        return None if self._rollouts is None else [_item(rollout, now) for rollout in self._rollouts]

    def steered(self) -> Rollout | None:
        """The one under the cursor."""
        key = self.listed.cursor_key
        return next((rollout for rollout in self._rollouts or () if rollout.id == key), None)

    def describe(self) -> tuple[str, JsonValue] | None:
        """The one under the cursor."""
        rollout = self.steered()
        return (f"{rollout.model} {rollout.version}", plain(rollout_document(rollout))) if rollout else None

    @on(Table.Opened, "#rollouts-table")
    def _open(self, event: Table.Opened) -> None:
        from mlops_tui.screens.rollout import RolloutView

        self.app.push_screen(RolloutView(event.key, self.steered()))


def _item(rollout: Rollout, now: datetime) -> Item:
    place = f"{PROD} {rollout.environment}" if rollout.is_production else rollout.environment
    count = len(rollout.steps)
    muted = Token.MUTED if rollout.state.is_over else Token.PLAIN
    cells = (
        Cell(rollout.model, muted if rollout.state.is_over else Token.STRONG),
        Cell(rollout.version, muted),
        Cell(place, Token.PRODUCTION if rollout.is_production else muted),
        number(f"{rollout.progress.step}/{count or '?'}", muted),
        number(f"{rollout.weight:g} %", muted),
        rollout_state(rollout.state).cell,
        verdict(rollout.verdict).cell if rollout.judgement else Cell("not judged", Token.MUTED),
        number(age(rollout.begun_at, now), Token.MUTED),
        Cell(rollout.control_version, Token.MUTED),
        Cell(rollout.watcher(now) or "nobody", Token.MUTED),
        Cell(rollout.driver, Token.MUTED),
        Cell(rollout.project.path, Token.MUTED),
        Cell(rollout.id, Token.MUTED),
    )
    order = {"age": -rollout.begun_at.timestamp(), "weight": rollout.weight, "step": float(rollout.progress.step)}
    return Item(rollout.id, cells, order)
