"""Both kinds of 429, and scripted faults."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mlops_tui.sandbox.clock import ManualClock
from tests.sandbox.factory import client, project

if TYPE_CHECKING:
    from mlops_tui.sandbox.server import RunningSandbox
    from tests.sandbox.factory import SandboxFactory


@pytest.fixture(scope="module")
def server(sandbox: SandboxFactory) -> RunningSandbox:
    return sandbox(clock=ManualClock(datetime(2026, 6, 1, 9, 0, 0, tzinfo=UTC)))


def _hook(server: RunningSandbox, name: str, content: Any) -> None:
    client(server, role=None).post(f"{server.url}/-/sandbox/{name}", json=content).raise_for_status()


def _advance(server: RunningSandbox, seconds: float) -> None:
    _hook(server, "clock/advance", {"seconds": seconds})


def test_the_throttle_counts_warns_and_refuses_in_plain_text(server: RunningSandbox) -> None:
    _hook(server, "rate_limits", {"throttle": [2, 60]})
    answers = [client(server).get("/version") for _ in range(3)]
    _hook(server, "rate_limits", {})

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert [answer.headers["ratelimit-observed"] for answer in answers] == ["1", "2", "3"]
    assert "retry-after" not in answers[0].headers
    assert "ratelimit-resettime" not in answers[0].headers
    refused = answers[2]
    assert (refused.text, refused.headers["content-type"].partition(";")[0]) == ("Retry later\n", "text/plain")
    assert refused.headers["ratelimit-name"] == "throttle_authenticated_api"
    assert refused.headers["retry-after"] == "60"
    assert refused.headers["ratelimit-resettime"] == "Mon, 01 Jun 2026 09:01:00 GMT"


def test_the_throttle_is_per_caller_and_lets_in_again(server: RunningSandbox) -> None:
    _hook(server, "rate_limits", {"throttle": [1, 60]})
    mine = [client(server).get("/version").status_code for _ in range(2)]
    theirs = client(server, "developer").get("/version").status_code
    _advance(server, 60)
    later = client(server).get("/version").status_code
    _hook(server, "rate_limits", {})

    assert (mine, theirs, later) == ([200, 429], 200, 200)
    assert "ratelimit-limit" not in client(server).get("/version").headers


def test_an_application_limit_refuses_in_json(server: RunningSandbox) -> None:
    _hook(server, "rate_limits", {"application": {"project_api": [1, 60]}})
    allowed = client(server).get(project(server))
    refused = client(server).get(project(server))
    _hook(server, "rate_limits", {})

    assert allowed.status_code == 200
    assert refused.status_code == 429
    assert refused.json() == {"message": {"error": "This endpoint has been requested too many times. Try again later."}}
    assert refused.headers["retry-after"] == "60"


def test_the_defaults_of_a_self_managed_instance(server: RunningSandbox) -> None:
    _hook(server, "rate_limits", {"application": "defaults"})
    codes = [client(server).get(project(server)).status_code for _ in range(401)]
    _hook(server, "rate_limits", {})

    assert codes == [200] * 400 + [429]


def test_a_scripted_answer_is_given_as_often_as_told(server: RunningSandbox) -> None:
    fault = {"path": "/api/v4/ver*", "count": 2, "status": 502, "body": "<html>Bad", "headers": {"Retry-After": "7"}}
    _hook(server, "faults", [fault])
    answers = [client(server).get("/version") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [502, 502, 200]
    assert (answers[0].text, answers[0].headers["retry-after"]) == ("<html>Bad", "7")


@pytest.mark.parametrize("drop", ["before", "during", "after"])
def test_a_connection_is_cut(server: RunningSandbox, drop: str) -> None:
    path = f"{project(server)}/issues"
    _hook(server, "faults", {"path": f"/api/v4{path}", "method": "POST", "drop": drop})
    title = f"Cut {drop}"

    with pytest.raises(httpx.TransportError):
        client(server).post(path, json={"title": title})

    found = client(server).get(path, params={"search": title}).json()
    assert len(found) == (1 if drop == "after" else 0)


def test_a_path_is_matched_decoded_and_by_method(server: RunningSandbox) -> None:
    _hook(server, "faults", {"path": "/api/v4/projects/sandbox/empty", "method": "GET", "status": 500})
    assert client(server).put("/projects/sandbox%2Fempty", json={"description": "x"}).status_code == 200
    assert client(server).get("/projects/sandbox%2Fempty").status_code == 500


def test_faults_can_be_forgotten(server: RunningSandbox) -> None:
    _hook(server, "faults", {"path": "*", "status": 500, "count": 100})
    assert client(server, role=None).delete(f"{server.url}/-/sandbox/faults").status_code == 204
    assert client(server).get("/version").status_code == 200


def test_the_clock_is_only_advanced_where_it_stands_still(sandbox: SandboxFactory, server: RunningSandbox) -> None:
    before = server.clock.now()
    _advance(server, 90)
    assert (server.clock.now() - before).total_seconds() == 90
    running = client(sandbox(), role=None).post(f"{sandbox().url}/-/sandbox/clock/advance", json={"seconds": 1})
    assert running.status_code == 400
