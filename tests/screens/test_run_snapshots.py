"""How the views of runs look: two sizes, in full colour, in the terminal's own colours, and without colour."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
from textual.pilot import Pilot

from mlops_tui.domain.artifacts import Artifact
from mlops_tui.domain.commits import Commit, MergeRequestRef
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.runs import Run, RunStatus
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.operations.runs import RunDetail
from mlops_tui.screens.comparison import ComparisonView
from mlops_tui.screens.metrics import MetricsView
from mlops_tui.screens.run import RunView
from mlops_tui.widgets.plot import Plot
from tests.clocks import START, ManualClock
from tests.operations.training import Training, sha256, training
from tests.screens.console import Console, console, until

__all__ = ["training"]

SIZES = [(80, 24), (120, 40)]
LOOKS = ["dark", "ansi", "no-colour"]
NOWHERE = "http://127.0.0.1:9"
RUN_ID = "2b7dadf9-7702-480a-9f09-ca01be05cf39"
PROJECT = ProjectRef(101, "acme/fraud")

Before = Callable[[Pilot[Any]], Awaitable[None]]


class Compare(Protocol):
    """The fixture of pytest-textual-snapshot."""

    def __call__(self, app: Console, *, terminal_size: tuple[int, int], run_before: Before) -> bool: ...


class Desk:
    """Makes the program in one look; a key of the view waits for what it opens."""

    def __init__(self, training: Training, folder: Path, look: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._training = training
        self._folder = folder
        self._theme = "ansi" if look == "ansi" else "dark"
        self._environ = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        if look == "no-colour":
            monkeypatch.setenv("NO_COLOR", "1")
            self._environ["NO_COLOR"] = "1"

    def app(self, url: str = "") -> Console:
        company = self._training.company(self._folder)
        return console(company, "runs", url=url, environ=self._environ, theme=self._theme)

    def ids(self, *names: str) -> list[str]:
        return [self._training.runs[name] for name in names]

    async def keep(self, detail: RunDetail) -> None:
        async with self._training.company(self._folder).session(url=NOWHERE) as session:
            kept = Snapshot(detail, START - timedelta(minutes=12), "gitlab.example.com")
            assert await session.cached_view(f"run {detail.run.id}", RunDetail).store(kept)


@pytest.fixture(params=LOOKS)
def desk(request: pytest.FixtureRequest, training: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(training, tmp_path, request.param, monkeypatch)


def console_of(pilot: Pilot[Any]) -> Console:
    assert isinstance(pilot.app, Console)
    return pilot.app


async def runs_shown(pilot: Pilot[Any]) -> Console:
    app = console_of(pilot)
    await until(pilot, lambda: len(app.table("runs-table").source) == 6)
    return app


size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


@size
def test_runs(snap_compare: Compare, desk: Desk, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await runs_shown(pilot)
        await pilot.press("down", "space", "down", "B")

    assert snap_compare(desk.app(), terminal_size=size, run_before=before)


@size
def test_metrics(snap_compare: Compare, desk: Desk, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        app = await runs_shown(pilot)
        await app.push_screen(MetricsView(desk.ids("xgb-large", "xgb-deep", "xgb-now", "logit"), "loss"))
        await until(pilot, lambda: app.screen.query_one(Plot).data.series)
        await pilot.press("z")

    assert snap_compare(desk.app(), terminal_size=size, run_before=before)


@size
def test_comparison(snap_compare: Compare, desk: Desk, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        app = await runs_shown(pilot)
        await app.push_screen(ComparisonView(desk.ids("xgb-large", "xgb-small", "xgb-broken")))
        await until(pilot, lambda: app.rows("comparison-table"))

    assert snap_compare(desk.app(), terminal_size=size, run_before=before)


@size
def test_a_run_of_a_server_that_is_gone(snap_compare: Compare, desk: Desk, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        app = console_of(pilot)
        await until(pilot, lambda: app.session)
        await desk.keep(DETAIL)
        await app.push_screen(RunView(RUN_ID))
        await until(pilot, lambda: app.rows("metrics-table"))
        clock = app.clock
        assert isinstance(clock, ManualClock)
        for _ in range(30):
            await clock.advance(1)
            await pilot.pause()

    assert snap_compare(desk.app(NOWHERE), terminal_size=size, run_before=before)


DETAIL = RunDetail(
    run=Run(
        id=RUN_ID,
        project=PROJECT,
        experiment_iid=3,
        experiment="fraud-training",
        name="spring-data-968",
        status=RunStatus.FINISHED,
        started_at=START - timedelta(hours=5),
        ended_at=START - timedelta(hours=4),
        user_id=3,
        metrics={"auc": 0.931872, "f1": 0.61, "train_loss": 0.115004, "val_loss": float("nan"), "latency_ms": 11.2928},
        params={"learning_rate": "0.005", "batch_size": "256", "optimizer": "adam", "dataset": "s3://" + "long/" * 30},
        tags={"team": "risk", "mlflow.user": "dev", "[/foo]": "[@click=app.quit]x[/]"},
        iid=12,
    ),
    web_url="https://gitlab.example.com/acme/fraud/-/ml/candidates/12",
    job=None,
    commit=Commit("8f80e77244a04b9411733f04b1f144300a31a9c0", "Use the spring data", "Devon Okafor", None, ""),
    merge_requests=(MergeRequestRef(9, "Set the learning rate to 0.005", "merged", ""),),
    artifacts=(
        Artifact("model/MLmodel", 612, sha256(b"1"), 1, 1),
        Artifact("model/model.bin", 48_211_904, None, 1, 2),
    ),
    missing=("No CI job is linked: the run carries no tag gitlab.CI_JOB_ID",),
)
