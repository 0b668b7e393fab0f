"""Alerts and training again from the command line: what is printed, and the exit status of the gates."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from mlops_tui.domain.clock import SystemClock
from mlops_tui.storage.traces import TraceStore
from tests.cli.conftest import Program
from tests.cli.schemas import judge
from tests.cli.test_approvals import Desk
from tests.operations.alerting import ERRORS, alert_issues, company, empty_data, failing_span, write_policy
from tests.operations.company import Company

__all__ = ["company", "empty_data"]

SILENCE = "{name: quiet, metric: latency_p95, above: 250}"


@pytest.fixture
def desk(program: Program, company: Company, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    monkeypatch.setenv("MLOPS_TUI_HOME", str(tmp_path / "home"))
    return Desk(program, company, monkeypatch)


def fill(folder: Path, share: float, minutes: int = 5) -> None:
    """Traffic of the last minutes, up to the newest that can be judged, with such a share of errors."""

    async def store() -> None:
        clock = SystemClock()
        traces = TraceStore(folder / "home" / "data" / "traces.db", clock, width=60)
        whole = clock.now().replace(second=0, microsecond=0) - timedelta(minutes=minutes + 1)
        failing = round(100 * share)
        spans = [
            failing_span(100 * minute + place, whole + timedelta(minutes=minute, seconds=place / 2), place < failing)
            for minute in range(minutes)
            for place in range(100)
        ]
        await traces.append(spans)
        await traces.close()

    asyncio.run(store())


def test_the_gate_says_no_while_an_alert_fires_and_tells_gitlab_when_asked(desk: Desk, tmp_path: Path) -> None:
    write_policy(desk.company, ERRORS, SILENCE)
    fill(tmp_path, 0.5)
    ended = desk("maintainer", "alerts", "check", "--output", "json")
    assert ended.status == 1, ended.err
    judge(ended.document)
    (first, _) = ended.document["items"]
    assert (first["rule"], first["state"], first["value"]) == ("errors", "firing", 0.5)
    assert alert_issues(desk.company) == []
    planned = desk("maintainer", "--dry-run", "alerts", "check", "--escalate")
    assert "errors: fraud in production: would open" in planned.err
    assert alert_issues(desk.company) == []
    told = desk("maintainer", "alerts", "check", "--escalate")
    assert (told.status, len(alert_issues(desk.company))) == (1, 1)
    assert "Issue 1 was opened" in told.err
    acknowledged = desk("maintainer", "alerts", "ack", "errors", "--comment", "looking", "--yes", "--output", "json")
    assert acknowledged.status == 0, acknowledged.err
    judge(acknowledged.document)
    silenced = desk("maintainer", "alerts", "silence", first["id"], "--for", "2h", "--reason", "known", "--yes")
    assert silenced.status == 0, silenced.err
    (first, _) = desk.items("maintainer", "alerts", "list")
    assert first["acknowledged_by"] == "mona"
    assert first["silenced_until"] is not None
    assert desk("maintainer", "alerts", "check").status in {0, 3}
    watched = desk("maintainer", "alerts", "watch", "--until", "firing", "--interval", "1s")
    assert watched.status == 1
    assert [json.loads(line)["rule"] for line in watched.out.splitlines()] == ["errors", "quiet"]


def test_too_little_data_is_an_answer_of_its_own_and_so_is_no_rule(desk: Desk) -> None:
    none = desk("maintainer", "alerts", "check")
    assert (none.status, "No rule was checked" in none.err) == (3, True)
    write_policy(desk.company, ERRORS)
    assert desk("maintainer", "alerts", "check").status == 3
    assert "There are no traces" in desk("maintainer", "alerts", "list").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("silence", "errors"),
        ("silence", "errors", "--for", "soon"),
        ("silence", "errors", "--for", "1h", "--end"),
        ("ack", "nothing"),
        ("watch", "--output", "json"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_said_so(desk: Desk, arguments: tuple[str, ...]) -> None:
    assert desk("maintainer", "alerts", *arguments).status == 2


def test_nobody_is_told_without_permission(desk: Desk, tmp_path: Path) -> None:
    write_policy(desk.company)
    fill(tmp_path, 0.5)
    assert desk("maintainer", "--read-only", "alerts", "check", "--escalate").status == 5
    assert desk("maintainer", "alerts", "ack", "errors").status == 5
    assert alert_issues(desk.company) == []


def test_a_training_that_is_due_but_not_automatic_is_a_gates_no(desk: Desk, tmp_path: Path) -> None:
    retrain = "      retrain: {job: train, triggers: [errors], windows: 2}\n"
    write_policy(desk.company, more=retrain)
    fill(tmp_path, 0.5)
    desk("maintainer", "alerts", "list")
    ended = desk("maintainer", "retrain", "--check", "--output", "json")
    assert ended.status == 1, ended.err
    judge(ended.document)
    (item,) = ended.document["items"]
    assert (item["due"], item["automatic"], item["windows"], item["objection"]) == (True, False, 2, None)
    assert desk("maintainer", "retrain").status == 2
    assert desk("maintainer", "retrain", "fraud", "--check").status == 2
