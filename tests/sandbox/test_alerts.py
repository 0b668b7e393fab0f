"""The HTTP endpoint for alerts."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sandbox.delivery import Workbench

FIRED = {
    "title": "Drift",
    "severity": "high",
    "fingerprint": "f" * 64,
    "start_time": "2026-03-01T12:00:00Z",
    "hosts": ["one", "two"],
}


class Endpoint:
    """A project's integration, as its page in GitLab shows it."""

    def __init__(self, bench: Workbench) -> None:
        project_id = bench.project.rsplit("/", 1)[1]
        self._page = f"{bench.server.url}/-/sandbox/projects/{project_id}/alerts"
        shown = httpx.get(self._page).json()
        self.url, self.key = shown["url"], shown["token"]

    def post(self, key: str = "", **changes: Any) -> httpx.Response:
        return httpx.post(self.url, json={**FIRED, **changes}, headers={"Authorization": f"Bearer {key or self.key}"})

    def alerts(self, title: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(self._page).json()["alerts"]
        return [alert for alert in found if alert["title"] == title]


@pytest.fixture
def endpoint(bench: Workbench) -> Endpoint:
    return Endpoint(bench)


def test_an_alert_is_made_counted_and_resolved_by_its_fingerprint(endpoint: Endpoint, bench: Workbench) -> None:
    title, mark = f"Drift of {bench.name}", bench.name
    made = endpoint.post(title=title, fingerprint=mark)
    assert (made.status_code, made.json()[0]["status"], made.json()[0]["title"]) == (200, "triggered", title)
    assert endpoint.post(title=title, fingerprint=mark).json()[0]["iid"] == made.json()[0]["iid"]
    (alert,) = endpoint.alerts(title)
    assert (alert["events"], alert["severity"], alert["ended_at"]) == (2, "high", None)
    over = endpoint.post(title=title, fingerprint=mark, end_time="2026-03-01T13:00:00Z")
    assert over.json()[0]["status"] == "resolved"
    endpoint.post(title=title, fingerprint=mark)
    assert [alert["status"] for alert in endpoint.alerts(title)] == ["resolved", "triggered"]


def test_without_a_fingerprint_every_alert_is_one_of_its_own(endpoint: Endpoint, bench: Workbench) -> None:
    title = f"Anonymous {bench.name}"
    for _ in range(2):
        assert endpoint.post(title=title, fingerprint=None, severity="nonsense").status_code == 200
    assert [alert["severity"] for alert in endpoint.alerts(title)] == ["critical", "critical"]


def test_only_the_integrations_key_opens_it(endpoint: Endpoint, bench: Workbench) -> None:
    token = bench.server.tokens["maintainer"]
    assert endpoint.post(token).status_code == 401
    assert httpx.post(endpoint.url, json=FIRED, headers={"PRIVATE-TOKEN": token}).status_code == 401
    elsewhere = endpoint.url.replace(endpoint.url[-12:-5], "0000000")
    assert httpx.post(elsewhere, json=FIRED, headers={"Authorization": f"Bearer {endpoint.key}"}).status_code == 403
    assert endpoint.post(description="x" * 1_100_000).status_code == 400
