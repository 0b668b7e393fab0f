"""OpenTelemetry's own exporter sends to the collector: nothing is lost and nothing counts twice."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.responses import Response

from mlops_tui.domain.trace_queries import SubjectFilter, TimeRange, TraceQuery
from tests.tracing.collector import running_collector
from tests.tracing.processes import collector_process

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-clients" / "bin" / "python"
SCRIPT = Path(__file__).parent / "scripts" / "export_spans.py"
EXPORTER = "opentelemetry/exporter/otlp/proto/http"

pytestmark = [
    pytest.mark.clients,
    pytest.mark.serial,
    pytest.mark.skipif(
        not any((ROOT / ".venv-clients").glob(f"lib/python*/site-packages/{EXPORTER}")),
        reason="the exporter is not installed in the environment of the foreign clients",
    ),
]


def exporter(url: str, folder: Path, count: int, pause: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [PYTHON, SCRIPT, url, str(count), str(pause)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "NO_PROXY": "*"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(child: subprocess.Popen[str]) -> str:
    """Wait for the exporter; answers what it complained about."""
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert out.strip().isdecimal()
    return err


class Unreliable:
    """Answers every third request with 503 before it was looked at, and every other third after it was stored."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application
        self._turn = 0
        self.refusals = 0
        self.lost_answers = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._turn += 1
        busy = Response(status_code=503, headers={"Retry-After": "1"})
        match self._turn % 3:
            case 1:
                self.refusals += 1
                await busy(scope, receive, send)
            case 2:
                self.lost_answers += 1
                await self._application(scope, receive, _nowhere)
                await busy(scope, receive, send)
            case _:
                await self._application(scope, receive, send)


async def _nowhere(_message: Message) -> None:
    return


def test_the_sdks_spans_arrive_whole(tmp_path: Path) -> None:
    with running_collector(tmp_path / "data") as running:
        assert ended(exporter(running.url, tmp_path, 1_000, 0)) == ""
        stable, canary = sorted(
            running.ask(running.store.reader.statistics(TimeRange(), SubjectFilter())), key=lambda item: -item.spans
        )
        assert (stable.arm, stable.spans, canary.arm, canary.spans) == ("stable", 900, "canary", 100)
        assert stable.errors + canary.errors == 20
        query = TraceQuery(attributes=(("ml.feature.number", "50"),))
        (summary,) = running.ask(running.store.reader.traces(query))
        trace = running.ask(running.store.reader.trace(summary.trace_id))
    assert trace is not None
    (span,) = trace.spans
    assert (span.attributes["ml.prediction.score"], span.status_message, span.withheld) == (0.05, "refused", 1)
    assert span.resource.attributes["telemetry.sdk.name"] == "opentelemetry"
    assert (span.scope.name, span.scope.version) == ("fraud", "1.0")


def test_what_is_answered_with_503_is_sent_again_and_counts_once(tmp_path: Path) -> None:
    with running_collector(tmp_path / "data", wrap=Unreliable) as running:
        assert "Failed to export" not in ended(exporter(running.url, tmp_path, 300, 0))
        assert sum(running.counts().values()) == 300
        assert running.wrapper.refusals >= 3
        assert running.wrapper.lost_answers >= 3


def test_the_collector_is_restarted_and_killed_under_load(tmp_path: Path) -> None:
    with collector_process(tmp_path / "data") as process:
        child = exporter(process.url, tmp_path, 1_500, 0.25)
        for number in (signal.SIGTERM, signal.SIGKILL):
            threading.Event().wait(1.5)
            process.end(number)
            process.start()
        complaints = ended(child)
        assert process.end() == 0
    with sqlite3.connect(tmp_path / "data" / "traces.db") as connection:
        stored, different, counted = connection.execute(
            "SELECT count(*), count(DISTINCT id), (SELECT sum(spans) FROM windows) FROM spans"
        ).fetchone()
    assert "Failed to export" not in complaints
    assert (stored, different, counted) == (1_500, 1_500, 1_500)
