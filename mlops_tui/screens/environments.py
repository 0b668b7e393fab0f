"""Every environment of the context's projects: its state, and what is live there, since when and by whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.environments import EnvironmentState
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.screens.acting import act, awaited
from mlops_tui.screens.actions import ENVIRONMENTS_ACTIONS
from mlops_tui.screens.delivering import Aim, DeliveringView
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.listing import Item, ListedView
from mlops_tui.screens.live import environment_cell, version_text
from mlops_tui.screens.states import environment_state
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.actions import Refusal, bindings
from mlops_tui.widgets.cells import EMPTY, Cell
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.times import age, short_moment

if TYPE_CHECKING:
    from mlops_tui.domain.deployments import LiveVersion
    from mlops_tui.operations.actions import Action
    from mlops_tui.operations.environments import EnvironmentSummary
    from mlops_tui.operations.session import Session

NOTHING_KNOWN = "nothing that names a model"


class EnvironmentsView(ListedView, DeliveringView):
    """What runs where: one row for each environment and version that serves in it."""

    NAME = "environments"
    LIST = "environments-table"
    EMPTY = "No environment yet. GitLab makes one with the first deployment to it."
    COLUMNS = (
        Column("environment", "ENVIRONMENT", 15, flex=2, max_width=30),
        Column("model", "MODEL", 8, flex=2, max_width=30),
        Column("version", "LIVE", 9, flex=1, max_width=20),
        Column("tier", "TIER", 11, priority=55),
        Column("state", "STATE", 11, priority=60),
        Column("since", "SINCE", 11, priority=50),
        Column("age", "AGE", 5, priority=30),
        Column("by", "BY", 8, flex=1, max_width=20, priority=40),
        Column("project", "PROJECT", 10, flex=1, max_width=30, priority=20),
        Column("url", "ADDRESS", 20, flex=2, max_width=60, priority=10),
    )

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(ENVIRONMENTS_ACTIONS)]

    def __init__(self) -> None:
        super().__init__()
        self._places: tuple[EnvironmentSummary, ...] | None = None

    def body(self) -> ComposeResult:
        """The table."""
        with Pane("Environments", id="environments"):
            yield self.list_table()

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """Every environment with its deployments."""
        from mlops_tui.operations.environments import EnvironmentSummary, list_environments

        cached = session.cached_view("environments", tuple[EnvironmentSummary, ...])
        interval = session.context.poll_interval
        yield Feed(lambda: list_environments(session), self._take, "#environments", interval, cached)

    def _take(self, snapshot: Snapshot[tuple[EnvironmentSummary, ...]]) -> None:
        self._places = snapshot.data
        # Rows are counted behind the name, and a rollout makes two of one environment.
        is_one_each = all(len(place.live) < 2 for place in snapshot.data)
        heading = "Environments" if is_one_each else f"{len(snapshot.data)} environments, by live version"
        self.query_one("#environments", Pane).heading = heading
        self.relist()

    def items(self, now: datetime) -> Sequence[Item] | None:
        """One row for each environment and version, and one for an environment without any."""
        if self._places is None:
            return None
        return [self._item(place, live, now) for place in self._places for live in (place.live or (None,))]

    def _item(self, place: EnvironmentSummary, live: LiveVersion | None, now: datetime) -> Item:
        environment = place.environment
        deployment = live.deployment if live else None
        since = live.since if live else None
        cells = (
            environment_cell(environment.name, is_production=place.is_production),
            Cell(live.model) if live else Cell(NOTHING_KNOWN, Token.MUTED),
            Cell(version_text(live), Token.STRONG) if live else EMPTY,
            Cell(environment.tier.value, Token.MUTED),
            environment_state(environment.state).cell,
            Cell(short_moment(since, now)),
            Cell(age(since, now), Token.MUTED),
            Cell(deployment.username if deployment else "", Token.MUTED),
            Cell(place.project.ref.path, Token.MUTED),
            Cell(environment.external_url, Token.MUTED),
        )
        began = since.timestamp() if since else None
        return Item(_key(place, live), cells, {"since": began, "age": -began if began is not None else None})

    def _current(self) -> tuple[EnvironmentSummary, LiveVersion | None] | None:
        key = self.listed.cursor_key
        rows = ((place, live) for place in self._places or () for live in (place.live or (None,)))
        return next(((place, live) for place, live in rows if _key(place, live) == key), None)

    def aim(self) -> Aim | None:
        """The model that is live under the cursor, in that environment; any version of it may be promoted there."""
        current = self._current()
        if current is None:
            return None
        place, live = current
        model = live.model if live else place.project.ref.name
        return Aim(place.project, model, environment=place.environment.name)

    def refusal(self, action_id: str) -> Refusal | None:
        """Besides what every view that delivers refuses: no page to open, and what does not run."""
        general = super().refusal(action_id)
        current = self._current()
        if general is not None or current is None:
            return general
        environment = current[0].environment
        if action_id == "environments.open_page" and not environment.external_url:
            return Refusal("no address", f"GitLab knows no address of {environment.name}")
        if action_id == "environments.stop" and environment.state is not EnvironmentState.AVAILABLE:
            return Refusal(environment.state.value, f"{environment.name} is {environment.state.value}")
        return None

    def action_open_page(self) -> None:
        """Open what is deployed there."""
        current = self._current()
        if current is not None:
            self.host.open_address(current[0].environment.external_url)

    def action_stop(self) -> None:
        """Stop the environment."""
        current = self._current()
        if current is not None:
            act(self, "Stop", partial(self._prepare_stop, current[0]))

    async def _prepare_stop(self, place: EnvironmentSummary) -> Action | None:
        from mlops_tui.operations.environments import prepare_stop

        session = self.host.session
        if session is None:
            return None
        action = prepare_stop(session, place.project, place.environment.name)
        return await awaited(self, "Preparing the preview…", action)

    def describe(self) -> tuple[str, JsonValue] | None:
        """The environment under the cursor."""
        current = self._current()
        if current is None:
            return None
        place, _ = current
        environment = place.environment
        value: dict[str, JsonValue] = {
            "id": environment.id,
            "name": environment.name,
            "project": place.project.ref.path,
            "tier": environment.tier.value,
            "production": place.is_production,
            "state": environment.state.value,
            "address": environment.external_url,
            "page": environment.web_url,
            "live": {live.model: version_text(live) for live in place.live},
        }
        return environment.name, value

    def copy_text(self) -> str | None:
        """The environment's address, or its name where it has none."""
        current = self._current()
        return (current[0].environment.external_url or current[0].environment.name) if current else None

    @on(Table.Opened, "#environments-table")
    def _open(self) -> None:
        from mlops_tui.screens.model import ModelView

        current = self._current()
        if current is not None and current[1] is not None:
            self.app.push_screen(ModelView(f"{current[0].project.ref.path}:{current[1].model}"))
        else:
            self.notify("No deployment here names a model", markup=False)


def _key(place: EnvironmentSummary, live: LiveVersion | None) -> str:
    which = f"{live.model} {live.version}" if live else ""
    return f"{place.project.ref.path} {place.environment.name} {which}"
