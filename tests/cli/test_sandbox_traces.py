"""The sandbox takes in traces and answers for them as GitLab's former tracing API did."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mlops_tui.cli.sandbox_traces import SandboxTraces
from mlops_tui.sandbox.application import create_application
from mlops_tui.sandbox.authentication import store_token
from mlops_tui.sandbox.clock import ManualClock
from mlops_tui.sandbox.database import Database
from mlops_tui.sandbox.server import RunningSandbox, running
from mlops_tui.sandbox.settings import Settings, World
from mlops_tui.sandbox.world import build
from tests.cli.conftest import Program
from tests.tracing.requests import MILLISECOND, Sent, inference, json_request, request

JSON = {"content-type": "application/json"}
PROTOBUF = {"content-type": "application/x-protobuf"}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with running(Settings(world=World.EMPTY), traces=SandboxTraces()) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def project(server: RunningSandbox) -> str:
    return str(server.projects[0]["id"])


def call(
    server: RunningSandbox,
    verb: str,
    path: str,
    token: str | None = None,
    headers: dict[str, str] | None = None,
    **how: Any,
) -> httpx.Response:
    shown = {} if token is None else {"PRIVATE-TOKEN": token}
    return httpx.request(verb, server.url + path, headers={**shown, **(headers or {})}, trust_env=False, **how)


def at(now: int, number: int, **changes: Any) -> Sent:
    """One inference that ended some seconds ago."""
    end_ns = now - number * 1_000 * MILLISECOND
    return inference(number, start_ns=end_ns - number * MILLISECOND, end_ns=end_ns, **changes)


@pytest.fixture(scope="module")
def stored(server: RunningSandbox, project: str) -> dict[str, str]:
    """Send twelve inferences through both of the project's routes; answers a developer's headers."""
    now = time.time_ns()
    spans = [at(now, number, status=2 if number % 4 == 0 else 0, track="canary") for number in range(1, 13)]
    token = {"PRIVATE-TOKEN": server.tokens["developer"]}
    resource = {"service.name": "fraud-api"}
    for path, part in (
        (f"/api/v4/projects/{project}/observability/v1/traces", spans[:6]),
        (f"/v3/1/{project}/ingest/traces", spans[6:]),
    ):
        sent = call(server, "POST", path, headers={**PROTOBUF, **token}, content=request(part, resource))
        assert (sent.status_code, sent.content) == (200, b"")
    return token


def test_a_program_on_this_machine_needs_no_token(server: RunningSandbox) -> None:
    sent = call(server, "POST", "/otlp/v1/traces", headers=JSON, json=json_request([]))
    assert (sent.status_code, sent.json()) == (200, {})
    damaged = call(server, "POST", "/otlp/v1/traces", headers=PROTOBUF, content=b"\xff\xff")
    assert damaged.status_code == 400
    assert call(server, "POST", "/otlp/v1/traces", token="glpat-00000000000000000000").status_code == 401


@pytest.mark.parametrize("path", ["/api/v4/projects/{}/observability/v1/traces", "/v3/1/{}/ingest/traces"])
def test_the_project_routes_look_at_token_and_role(server: RunningSandbox, project: str, path: str) -> None:
    def status(token: str | None, reference: str = project) -> int:
        sent = call(server, "POST", path.format(reference), token, PROTOBUF, content=request([]))
        return sent.status_code

    assert status(None) == 401
    assert status(server.tokens["reporter"]) == 404
    assert status(server.make_token(scopes=("read_api",))) == 403
    assert status(server.make_token(scopes=("write_observability",))) == 200
    assert status(server.tokens["developer"], "987654") == 404


@pytest.mark.parametrize("base", ["/api/v4/projects/{}/observability/v1", "/v3/query/{}"])
def test_traces_are_listed_page_by_page(
    server: RunningSandbox, project: str, stored: dict[str, str], base: str
) -> None:
    def pages(**params: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for _ in range(10):
            document = call(server, "GET", f"{base.format(project)}/traces", headers=stored, params=params).json()
            found += document["traces"]
            if "next_page_token" not in document:
                return found
            params["page_token"] = document["next_page_token"]
        raise AssertionError("the pages do not end")

    everything = pages(page_size="5", period="5m")
    assert [trace["duration_nano"] for trace in everything] == [number * MILLISECOND for number in range(1, 13)]
    longest = pages(page_size="5", sort="duration_desc")
    assert [trace["trace_id"] for trace in longest] == [trace["trace_id"] for trace in everything[::-1]]
    assert everything[0]["trace_id"] == "00000000-0000-0000-0000-000000000001"
    (span,) = everything[3]["spans"]
    assert (span["status_code"], span["parent_span_id"], span["service_name"]) == ("STATUS_CODE_ERROR", "", "fraud-api")
    assert span["span_attributes"]["ml.feature.amount"] == "4.0"
    assert span["resource_attributes"]["gitlab.project.id"] == project


@pytest.mark.parametrize(
    ("params", "numbers"),
    [
        ({"status": "error"}, [4, 8, 12]),
        ({"not[status]": "error", "lt[duration_nano]": "4000000"}, [1, 2, 3]),
        ({"gt[duration_nano]": "10000000"}, [11, 12]),
        ({"attr_name": "ml.feature.amount", "attr_value": "7.0"}, [7]),
        ({"operation": "predict fraud", "not[service_name]": "fraud-api"}, []),
        ({"trace_id": "00000000-0000-0000-0000-00000000000A"}, [10]),
        ({"start_time": "2020-01-01T00:00:00Z", "end_time": "2020-01-02T00:00:00Z"}, []),
    ],
)
def test_filters(
    server: RunningSandbox, project: str, stored: dict[str, str], params: dict[str, str], numbers: list[int]
) -> None:
    found = call(server, "GET", f"/api/v4/projects/{project}/observability/v1/traces", headers=stored, params=params)
    assert [int(trace["trace_id"].replace("-", ""), 16) for trace in found.json()["traces"]] == numbers


def test_what_cannot_be_understood_is_refused(server: RunningSandbox, project: str, stored: dict[str, str]) -> None:
    path = f"/api/v4/projects/{project}/observability/v1/traces"
    for params in ({"sort": "name"}, {"period": "2y"}, {"page_token": "x"}, {"page_size": "0"}, {"attr_name": "a"}):
        refused = call(server, "GET", path, headers=stored, params=params)
        assert (refused.status_code, list(refused.json())) == (400, ["error"])


def test_one_trace_its_analytics_services_and_operations(
    server: RunningSandbox, project: str, stored: dict[str, str]
) -> None:
    def ask(path: str) -> httpx.Response:
        return call(server, "GET", f"/api/v4/projects/{project}/observability/v1{path}", headers=stored)

    assert ask("/traces/00000000-0000-0000-0000-000000000003").json()["operation"] == "predict fraud"
    assert ask("/traces/ffffffff-0000-0000-0000-000000000003").status_code == 404
    results = ask("/traces/analytics?period=1h").json()["results"]
    assert (sum(part["count"] for part in results), sum(part["error_count"] for part in results)) == (12, 3)
    assert all(part["p50_duration_nano"] <= part["p95_duration_nano"] for part in results)
    assert ask("/services").json() == {"services": [{"name": "fraud-api"}]}
    assert ask("/services/fraud-api/operations").json() == {"operations": [{"name": "predict fraud"}]}


@pytest.mark.serial
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_acknowledged_span_is_lost(tmp_path: Path, program: Program, number: signal.Signals) -> None:
    line = [sys.executable, "-m", "mlops_tui", "sandbox", "serve", "--world", "empty", "--data", str(tmp_path)]
    acknowledged: list[int] = []
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdout is not None
        otlp = json.loads(child.stdout.readline())["otlp"]
        enough = threading.Event()

        def send() -> None:
            with httpx.Client(trust_env=False) as client:
                for sent in range(1, 100_000):
                    try:
                        body = request([inference(sent)])
                        if client.post(f"{otlp}/v1/traces", content=body, headers=PROTOBUF).status_code != 200:
                            return
                    except httpx.TransportError:
                        return
                    acknowledged.append(sent)
                    if sent == 50:
                        enough.set()

        sender = threading.Thread(target=send)
        sender.start()
        assert enough.wait(30)
        os.kill(child.pid, number)
        sender.join(30)
        child.wait(30)
    ended = program("traces", "stats", "--data", str(tmp_path), "-o", "json")
    (item,) = ended.document["items"]
    assert len(acknowledged) <= item["spans"] <= len(acknowledged) + 1


async def test_another_machine_needs_a_token(tmp_path: Path) -> None:
    clock, database = ManualClock(), Database(tmp_path)
    with database.transaction():
        build(World.EMPTY, database, clock, 1)
        store_token(database, 1, "glpat-00000000000000000000", created_at="2026-01-01T00:00:00.000Z")
    application = create_application(Settings(world=World.EMPTY), database, clock, SandboxTraces())
    async with application.router.lifespan_context(application):
        transport = httpx.ASGITransport(application, client=("192.0.2.7", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=JSON) as remote:
            statuses = [
                (await remote.post("/otlp/v1/traces", json=json_request([]), headers=shown)).status_code
                for shown in ({}, {"PRIVATE-TOKEN": "glpat-00000000000000000000"})
            ]
    database.close()
    assert statuses == [401, 200]
