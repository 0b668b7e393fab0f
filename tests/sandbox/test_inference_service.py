"""The inference service as it runs in the demo: processes, real spans, and what is seen of them in the store."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mlops_tui.cli.sandbox_traces import DEMO_WIDTH, SandboxTraces
from mlops_tui.domain.trace_queries import SubjectFilter, TimeRange, WindowQuery
from mlops_tui.operations.trace_sources import reading_store
from mlops_tui.sandbox.inference.telemetry import is_installed
from mlops_tui.sandbox.server import RunningSandbox, running
from mlops_tui.sandbox.settings import Settings, World
from tests.sandbox.factory import client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.serial,
    pytest.mark.skipif(not is_installed(), reason="OpenTelemetry's SDK is not installed: requirements/demo.txt"),
]


@contextmanager
def service(server: RunningSandbox) -> Iterator[str]:
    """Run the service for the length of a block; gives the gateway's address."""
    line = [
        sys.executable,
        "-m",
        "mlops_tui.sandbox.inference",
        "--sandbox",
        server.url,
        "--otlp",
        f"{server.url}/otlp",
    ]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        try:
            yield json.loads(child.stdout.readline())["url"]
            child.stdin.close()
            assert child.wait(20) == 0
        finally:
            child.kill()


def until(holds: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Look again and again, for as long as a slow machine may take."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.2)


def arms(gateway: str) -> dict[str, dict[str, Any]]:
    return {arm["arm"]: arm for arm in httpx.get(gateway, trust_env=False).json()}


def counts(folder: Path) -> Counter[tuple[str, str]]:
    """How many spans and errors each arm has in the store."""
    with reading_store(folder) as reader:
        found = asyncio.run(reader.statistics(TimeRange(), SubjectFilter(model="fraud")))
    kinds = [
        ((arm.arm, kind), number) for arm in found for kind, number in (("spans", arm.spans), ("errors", arm.errors))
    ]
    return Counter(dict(kinds))


def switch(server: RunningSandbox, **switches: float) -> None:
    assert httpx.post(f"{server.url}/-/sandbox/inference", json=switches, trust_env=False).status_code == 200


def give_the_canary(server: RunningSandbox, percentage: str) -> None:
    flag = f"/projects/{server.project_id('acme/fraud')}/feature_flags/fraud-canary"
    (strategy,) = client(server).get(flag).json()["strategies"]
    parameters = {**strategy["parameters"], "rollout": percentage}
    changed = client(server).put(flag, json={"strategies": [{**strategy, "parameters": parameters}]})
    assert changed.status_code == 200, changed.text


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_flag_moves_the_traffic_and_a_fault_shows_in_its_arm_alone(tmp_path: Path) -> None:
    settings = Settings(world=World.DEMO, data=tmp_path)
    with running(settings, traces=SandboxTraces(DEMO_WIDTH)) as server, service(server) as gateway:
        switch(server, rate=20)
        until(lambda: arms(gateway)["stable"]["payments"] > 20, "traffic")
        assert arms(gateway)["canary"]["payments"] == 0
        give_the_canary(server, "50")
        until(lambda: counts(tmp_path)["canary", "spans"] > 20, "spans of the canary")
        switch(server, canary_errors=1.0)
        until(lambda: counts(tmp_path)["canary", "errors"] > 20, "errors of the canary")
        give_the_canary(server, "0")
        scored = httpx.post(f"{gateway}/payments", json={"features": {"amount": 12.5}}, trust_env=False)
        assert set(scored.json()) >= {"id", "score", "label", "version", "arm"}
        found = counts(tmp_path)
        assert found["stable", "errors"] < 0.1 * found["stable", "spans"]
        pids = [arm["pid"] for arm in arms(gateway).values()]
        with reading_store(tmp_path) as reader:
            until(lambda: len(asyncio.run(reader.labelled(WindowQuery("fraud")))) > 20, "labels")
            labelled = asyncio.run(reader.labelled(WindowQuery("fraud")))
            (service_names,) = [{found.service for found in asyncio.run(reader.services(TimeRange()))}]
    assert {prediction.subject.version for prediction in labelled} <= {"2.0.0", "2.1.0"}
    assert all(set(one.predicted) == {"score", "label"} and set(one.actual) == {"label"} for one in labelled)
    assert service_names == {"fraud-gateway", "fraud-scoring", "fraud-chargebacks"}
    assert not any(map(is_running, pids))
