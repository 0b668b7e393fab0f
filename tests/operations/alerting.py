"""Helpers for tests of alerts: a policy with rules, traffic in the store of one of the people, what GitLab then has."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from mlops_tui.domain.alert_board import Alert
from mlops_tui.domain.traces import Resource, Span
from mlops_tui.operations.alerts import AlertBoard, evaluate
from mlops_tui.operations.session import Session
from mlops_tui.sandbox.clock import ManualClock
from mlops_tui.sandbox.server import running
from mlops_tui.sandbox.settings import Settings, World
from mlops_tui.storage.traces import TraceStore
from tests.operations.approving import raw
from tests.operations.company import Company
from tests.storage.trace_spans import inference

WIDTH = timedelta(minutes=1)
ERRORS = "{name: errors, metric: error_rate, above: 0.1, for: 2m, clear_below: 0.05, severity: high}"
PROJECT = "/projects/sandbox%2Fempty"
_RESOURCE = Resource({"service.name": "fraud-api", "deployment.environment.name": "production"})


@pytest.fixture(scope="session")
def empty_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of the empty world, made once."""
    data = tmp_path_factory.mktemp("empty") / "data"
    with running(Settings(world=World.EMPTY, data=data), ManualClock()):
        return data


@pytest.fixture
def company(empty_data: Path, tmp_path: Path) -> Iterator[Company]:
    """A GitLab with one empty project."""
    data = tmp_path / "sandbox"
    shutil.copytree(empty_data, data)
    clock = ManualClock()
    with running(Settings(world=World.EMPTY, data=data), clock) as server:
        yield Company(server, clock, tmp_path)


def write_policy(company: Company, *alerts: str, more: str = "", project: str = PROJECT) -> None:
    """Let the policy of fraud hold these rules in windows of a minute; ``more`` is further monitoring."""
    rules = "".join(f"        - {alert}\n" for alert in alerts or (ERRORS,))
    text = (
        "version: 1\nmodels:\n  fraud:\n    environments: {production: {production: true}, staging: {}}\n"
        f"    monitoring:\n      window: 1m\n      alerts:\n{rules}{more}"
    )
    body = {"branch": "main", "content": text, "commit_message": "Watch"}
    path = f"{project}/repository/files/{quote('.gitlab/mlops.yml', safe='')}"
    answer = raw(company).put(path, json=body)
    if answer.status_code == 400:
        answer = raw(company).post(path, json=body)
    assert answer.status_code in {200, 201}, answer.text


class Traffic:
    """Requests to fraud in production, stored where a session looks for them, minute by minute from ``start`` on."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._store = TraceStore(session.data / "traces.db", session.clock, width=60)
        self.at = _whole_minute(session.clock.now())
        self._number = 0

    async def minutes(self, *shares: float | None, requests: int = 100, **columns: Any) -> None:
        """One minute after the other with such a share of errors, None for a minute without a request."""
        spans: list[Span] = []
        for share in shares:
            failing = round((share or 0.0) * requests)
            for place in range(requests if share is not None else 0):
                self._number += 1
                end = self.at + timedelta(seconds=60 * place / requests)
                spans.append(
                    inference(
                        self._number,
                        end_ns=int(end.timestamp() * 1e9),
                        is_error=place < failing,
                        resource=_RESOURCE,
                        columns=columns,
                    )
                )
            self.at += WIDTH
        await self._store.append(spans)
        await self._store.fold_all()

    async def judge(self) -> AlertBoard:
        """Go on to when the newest minute can be judged, and judge."""
        waiting = (self.at + WIDTH / 2 + timedelta(seconds=1) - self._session.clock.now()).total_seconds()
        await self._session.clock.sleep(max(0.0, waiting))
        return (await evaluate(self._session)).data

    async def close(self) -> None:
        """Close the store."""
        await self._store.close()


def failing_span(number: int, end: datetime, is_error: bool) -> Span:
    """A request to fraud in production that ended then."""
    return inference(number, end_ns=int(end.timestamp() * 1e9), is_error=is_error, resource=_RESOURCE)


async def judged(traffic: Traffic, *shares: float | None, **options: Any) -> Alert:
    """The one alert after these minutes."""
    await traffic.minutes(*shares, **options)
    (alert,) = (await traffic.judge()).alerts
    return alert


def alert_issues(company: Company, state: str = "all") -> list[dict[str, Any]]:
    """The issues about alerts as GitLab has them, the oldest first."""
    params = {"labels": "mlops-alert", "state": state, "sort": "asc"}
    found: list[dict[str, Any]] = raw(company).get(f"{PROJECT}/issues", params=params).json()
    return found


def notes(company: Company, iid: int) -> list[str]:
    """What people and programs wrote on an issue."""
    found = raw(company).get(f"{PROJECT}/issues/{iid}/notes", params={"sort": "asc"}).json()
    return [note["body"] for note in found if not note["system"]]


def integration(company: Company) -> dict[str, Any]:
    """The HTTP endpoint for alerts of fraud, with what came in."""
    project_id = raw(company).get(PROJECT).json()["id"]
    found: dict[str, Any] = httpx.get(f"{company.server.url}/-/sandbox/projects/{project_id}/alerts").json()
    return found


def _whole_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
