"""Draw every screen of the program into docs/screenshots, as the program itself draws it.

`python -m tools.screenshots [NAME ...]`. The demo world is made from a fixed seed on a clock that stands still, so a
picture changes only when the program does; in the journal, the numbers of intents and requests are new each time.
Traces, drift and alerts are drawn from what the demo gives a fresh store of traces as its past.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from mlops_tui.app import MlopsApp
from mlops_tui.cli.demo_past import make_past, read_plan
from mlops_tui.cli.demo_traffic import PastTraffic, PastWindow, past_windows
from mlops_tui.cli.sandbox_traces import DEMO_WIDTH
from mlops_tui.config.paths import Paths
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.contexts import Context
from mlops_tui.domain.credentials import FoundCredential, Secret, TokenKind
from mlops_tui.domain.trace_sources import TraceSource
from mlops_tui.domain.traces import Span
from mlops_tui.operations.actions import run
from mlops_tui.operations.promotions import prepare_promotion
from mlops_tui.operations.rollouts.starts import prepare_start
from mlops_tui.operations.session import open_session
from mlops_tui.sandbox.clock import ManualClock
from mlops_tui.sandbox.server import RunningSandbox, running
from mlops_tui.sandbox.settings import Settings, World
from mlops_tui.screens.launch import Launch
from mlops_tui.storage.traces import FILE_NAME, TraceStore

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
SIZE = (120, 36)
SEED = 1
NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
SERVED = timedelta(minutes=2)
_QUIET_SECONDS = 1.0
_PATIENCE_SECONDS = 20.0
_UNDER_WAY = ("Loading…", "loading", "starting")
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture: the view it starts from, with a filter, and the keys that lead on from there.

    ``before`` does something first, so that there is something to see, and answers with what is to be drawn; such a
    picture has a world of its own.
    """

    name: str
    view: str
    keys: tuple[str, ...] = ()
    filter: str = ""
    before: Callable[[Launch, RunningSandbox, Path], Awaitable[Launch]] | None = None


class StandingClock(SystemClock):
    """Waits as long as any clock, but never gets later than ``moment``."""

    def __init__(self, moment: datetime = NOW) -> None:
        super().__init__()
        self._moment = moment

    def now(self) -> datetime:
        """The moment of the pictures."""
        return self._moment


async def draw(server: RunningSandbox, shot: Shot, home: Path) -> str:
    """One picture, as SVG."""
    launch = replace(_launch(server, home), view=shot.view, filter=shot.filter)
    if shot.before is not None:
        launch = await shot.before(launch, server, home)
    app = MlopsApp(launch, {"TERM": "xterm-256color", "COLORTERM": "truecolor"})
    async with app.run_test(size=SIZE) as pilot:
        await _settled(pilot)
        for key in shot.keys:
            await pilot.press(key)
            await _settled(pilot)
        return portable(app.export_screenshot(title="mlops-tui"), server.url)


def _launch(server: RunningSandbox, home: Path) -> Launch:
    projects = tuple(str(project["path"]) for project in server.projects)
    context = Context("demo", server.url, projects, traces=TraceSource(data=home))
    credential = FoundCredential(TokenKind.PERSONAL, Secret(server.tokens["maintainer"]), "the sandbox")
    return Launch(context, credential, paths=Paths(home, home, home, home), clock=StandingClock())


async def _promote(launch: Launch, _server: RunningSandbox, _home: Path) -> Launch:
    """Have a version promoted to staging and another to production."""
    async with open_session(launch.context, launch.credential, launch.clock, paths=launch.paths) as session:
        project = await session.directory.project("acme/fraud")
        for version, environment, typed in (("1.2.1", "staging", ""), ("2.1.0", "production", "fraud")):
            action = await prepare_promotion(session, project, "fraud", version, environment)
            await run(session, action, typed)
    return launch


def portable(picture: str, url: str) -> str:
    """The picture without fonts of the web, without this machine's port, and with ids that do not change."""
    picture = _FONT.sub("", picture).replace("Fira Code", "monospace")
    picture = re.sub(r"terminal-\d+", "terminal", picture)
    port = url.rpartition(":")[2]
    return picture.replace(port, "8" * len(port))


async def _roll_out(launch: Launch, server: RunningSandbox, home: Path) -> Launch:
    """Have the newest version of the fraud model served a share of the traffic for a while."""
    async with open_session(launch.context, launch.credential, launch.clock, paths=launch.paths) as session:
        project = await session.directory.project("acme/fraud")
        action = await prepare_start(session, project, "fraud", ("2.1.0",), "production")
        await run(session, action, "fraud")
    if isinstance(server.clock, ManualClock):
        await asyncio.to_thread(server.clock.advance, SERVED.total_seconds())
    starts = range(int(NOW.timestamp()), int((NOW + SERVED).timestamp()), DEMO_WIDTH)
    stable, canary = (PastTraffic(version, project.ref.id, project.ref.path, "") for version in ("2.0.0", "2.1.0"))
    spans = [span for start in starts for span in stable.spans(PastWindow(start, 110, 0))]
    spans += [_of_canary(span) for start in starts for span in canary.spans(PastWindow(start, 40, 0))]
    later = StandingClock(NOW + SERVED)
    store = TraceStore(home / FILE_NAME, later, width=DEMO_WIDTH)
    try:
        await store.append(spans)
    finally:
        await store.close()
    return replace(launch, clock=later)


def _of_canary(span: Span) -> Span:
    attributes = {**span.attributes, "ml.deployment.track": "canary"}
    return replace(span, trace_id=f"c{span.trace_id[1:]}", span_id=f"c{span.span_id[1:]}", attributes=attributes)


async def _settled(pilot: Pilot[Any]) -> None:
    """Wait until nothing is being loaded, and nothing was drawn anew for a while."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    before, since = "", 0.0
    while (now := asyncio.get_running_loop().time()) < deadline:
        await pilot.pause(0.1)
        drawn = pilot.app.export_screenshot()
        if drawn != before:
            before, since = drawn, now
        elif now - since > _QUIET_SECONDS and not any(word in drawn for word in _UNDER_WAY):
            return


async def _make_past(server: RunningSandbox, home: Path) -> None:
    """Give the store of traces a past, counted into windows."""
    await make_past(home, server.url, read_plan(server.url), past_windows(NOW.timestamp()))
    store = TraceStore(home / FILE_NAME, StandingClock(), width=DEMO_WIDTH)
    await store.close()


async def _draw_all(server: RunningSandbox, shots: Sequence[Shot], home: Path) -> None:
    await _make_past(server, home)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for shot in shots:
        picture = await draw(server, shot, home)
        (FOLDER / f"{shot.name}.svg").write_text(picture, "utf-8")
        sys.stdout.write(f"{shot.name}\n")


FRAUD = "experiment = fraud-training"
SHOTS = (
    Shot("overview", "overview"),
    Shot("runs", "runs"),
    Shot("run", "runs", ("down", "enter")),
    Shot("metrics", "runs", ("space", "down", "space", "down", "space", "m"), FRAUD),
    Shot("comparison", "runs", ("B", "down", "space", "down", "space", "c"), FRAUD),
    Shot("models", "models"),
    Shot("model", "models", ("down", "down", "enter")),
    Shot("version", "models", ("down", "down", "enter", "enter")),
    Shot("promote", "models", ("down", "down", "enter", "enter", "P", "enter", "enter")),
    Shot("environments", "environments"),
    Shot("approvals", "approvals"),
    Shot("approval", "approvals", ("end", "enter")),
    Shot("traces", "traces"),
    Shot("trace", "traces", ("tab", "down", "enter")),
    Shot("drift", "drift"),
    Shot("alerts", "alerts"),
    Shot("help", "models", ("question_mark",)),
    Shot("journal", "journal", before=_promote),
    Shot("rollouts", "rollouts", ("enter",), before=_roll_out),
)


def main(names: Sequence[str]) -> int:
    """Draw the pictures named, or all; returns the exit status."""
    shots = [shot for shot in SHOTS if not names or shot.name in names]
    quiet = [shot for shot in shots if shot.before is None]
    for group in (quiet, *([shot] for shot in shots if shot.before is not None)):
        with (
            tempfile.TemporaryDirectory(prefix="mlops-tui-") as home,
            running(Settings(world=World.DEMO, seed=SEED, data=Path(home)), ManualClock(NOW)) as server,
        ):
            asyncio.run(_draw_all(server, group, Path(home)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
