"""The inference service as it runs in the demo: processes, real spans, and what is seen of them in the store."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mlops_tui.cli.sandbox_traces import DEMO_WIDTH, SandboxTraces
from mlops_tui.domain.trace_queries import (
    ArmStatistics,
    LabelledPrediction,
    QuantileMethod,
    SubjectFilter,
    TimeRange,
    WindowQuery,
)
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
    pytest.mark.slow,
    pytest.mark.skipif(not is_installed(), reason="OpenTelemetry's SDK is not installed: requirements/demo.txt"),
]


NOTHING = ArmStatistics("", "", "", 0, 0, None, None, None, 0, 0, QuantileMethod.EXACT)


# Switches are asked for every two seconds, and payments drawn some at a time.
SETTLED_NS = 4_000_000_000


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


def score(gateway: str, **features: Any) -> dict[str, Any]:
    """Have one payment scored."""
    found: dict[str, Any] = httpx.post(f"{gateway}/payments", json={"features": features}, trust_env=False).json()
    return found


def arms(gateway: str) -> dict[str, dict[str, Any]]:
    return {arm["arm"]: arm for arm in httpx.get(gateway, trust_env=False).json()}


def statistics(folder: Path) -> dict[str, ArmStatistics]:
    """The traffic of each arm in the store."""
    with reading_store(folder) as reader:
        found = asyncio.run(reader.statistics(TimeRange(), SubjectFilter(model="fraud")))
    return {part.arm: part for part in found}


def truth(folder: Path) -> list[LabelledPrediction]:
    """The predictions of which the truth is known, the oldest first."""
    with reading_store(folder) as reader:
        found = asyncio.run(reader.labelled(WindowQuery("fraud")))
    return sorted(found, key=lambda part: part.end_ns)


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


def changed_columns(folder: Path) -> dict[str, float]:
    """What the newest window of the stable arm with some traffic looks like."""
    with reading_store(folder) as reader:
        query = WindowQuery("fraud", subjects=SubjectFilter(arm="stable"))
        answer = asyncio.run(reader.windows(query))
        newest = max(row.key.window_start for row in answer.rows if row.values.n > 20)
        rows = {row.key.feature: row.values for row in answer.rows if row.key.window_start == newest}
    amount, hours = rows["amount"], rows["hours_since_last_payment"]
    return {"amount": amount.sum / amount.n, "missing": hours.missing / hours.n}


def since(folder: Path, moment_ns: int) -> list[LabelledPrediction]:
    """The predictions after a moment of which the truth is known."""
    return [part for part in truth(folder) if part.end_ns > moment_ns]


def share_right(labelled: list[LabelledPrediction]) -> float:
    """How many predictions and truths lie on the same side of what is usual."""
    right = [(float(str(part.predicted["score"])) > 0.2) == bool(part.actual["label"]) for part in labelled]
    return sum(right) / len(right)


def test_the_flag_moves_the_traffic_and_switches_show_in_the_store(tmp_path: Path) -> None:
    settings = Settings(world=World.DEMO, data=tmp_path)
    with running(settings, traces=SandboxTraces(DEMO_WIDTH)) as server, service(server) as gateway:
        switch(server, rate=20)
        until(lambda: arms(gateway)["stable"]["payments"] > 20, "traffic")
        assert arms(gateway)["canary"]["payments"] == 0
        until(lambda: "score" in score(gateway, amount=12.5), "a payment that does not fail, as few do")
        assert set(score(gateway)) in ({"id", "score", "label", "version", "arm"}, {"id", "error"})
        give_the_canary(server, "50")
        switch(server, canary_errors=1.0, canary_delay_ms=300)
        until(lambda: statistics(tmp_path).get("canary", NOTHING).errors > 20, "errors of the canary")
        give_the_canary(server, "0")
        switch(server, amount_factor=50, missing_sensor=0.5, changed_concept=1.0)
        changed_ns = time.time_ns()
        before = arms(gateway)["canary"]["pid"]
        os.kill(before, signal.SIGKILL)
        until(lambda: changed_columns(tmp_path)["missing"] > 0.3, "missing values")
        assert changed_columns(tmp_path)["amount"] > 1_000
        found = statistics(tmp_path)
        until(lambda: len(since(tmp_path, changed_ns + SETTLED_NS)) > 30, "labels of the new concept")
        until(lambda: arms(gateway)["canary"]["pid"] != before, "the arm that died")
        pids = [arm["pid"] for arm in arms(gateway).values()]
    assert found["stable"].errors < 0.1 * found["stable"].spans
    assert (found["stable"].p95_ns or 0) < 100_000_000 < (found["canary"].p50_ns or 0)
    assert {part.subject.version for part in truth(tmp_path)} <= {"2.0.0", "2.1.0"}
    assert all(set(one.predicted) == {"score", "label"} and set(one.actual) == {"label"} for one in truth(tmp_path))
    usual = [part for part in truth(tmp_path) if part.end_ns < changed_ns]
    other = since(tmp_path, changed_ns + SETTLED_NS)
    assert share_right(usual) > share_right(other) + 0.2
    with reading_store(tmp_path) as reader:
        services = {one.service for one in asyncio.run(reader.services(TimeRange()))}
    assert services == {"fraud-gateway", "fraud-scoring", "fraud-chargebacks"}
    assert not any(map(is_running, pids))
