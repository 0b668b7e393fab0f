"""What the demo brings along: a past in the store, a profile in the registry, and live traffic where it can be had."""

from __future__ import annotations

import asyncio
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from mlops_tui.cli.demo import live_traffic
from mlops_tui.cli.demo_past import make_past
from mlops_tui.cli.demo_settings import reachable
from mlops_tui.cli.demo_traffic import PastTraffic, PastWindow, past_windows
from mlops_tui.cli.sandbox_switches import address
from mlops_tui.cli.sandbox_traces import DEMO_WIDTH, SandboxTraces
from mlops_tui.domain.errors import UsageError
from mlops_tui.sandbox.inference.switches import Switches
from mlops_tui.sandbox.server import RunningSandbox, running
from mlops_tui.sandbox.settings import Settings, World
from tests.cli.conftest import Program
from tests.cli.schemas import judge
from tests.operations.conftest import demo_data
from tests.sandbox.factory import SandboxFactory, sandbox

__all__ = ["demo_data", "sandbox"]

NOW = 1_772_452_805
TRAFFIC = PastTraffic("2.0.0", 101, "acme/fraud", "0" * 40)


def test_the_past_is_the_same_every_time_and_lies_in_the_past() -> None:
    windows = list(past_windows(NOW))
    starts = [window.start for window in windows]
    assert starts == sorted(set(starts), reverse=True)
    assert all(start % DEMO_WIDTH == 0 and start + DEMO_WIDTH <= NOW for start in starts)
    assert NOW - starts[-1] > 40 * 3_600
    for window in (windows[0], windows[-1]):
        spans = TRAFFIC.spans(window)
        assert spans == TRAFFIC.spans(window)
        ends = [span.end_ns // 1_000_000_000 - window.start for span in spans if span.name == "predict fraud"]
        assert len(ends) == window.payments
        assert 0 <= min(ends) <= max(ends) < DEMO_WIDTH
    some = [span for window in windows[:60] for span in TRAFFIC.spans(window)]
    assert len({(span.trace_id, span.span_id) for span in some}) == len(some)


def test_a_fresh_demo_has_profiles_and_windows_that_can_be_compared(
    demo_data: Path, tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "sandbox"
    shutil.copytree(demo_data, data)
    shifted = Switches().changed({"amount_factor": 4.0})
    windows = [PastWindow(NOW // 10 * 10 - 10 * age, 200, 50, shifted if age < 2 else Switches()) for age in range(6)]
    with (
        running(Settings(world=World.DEMO, data=data), traces=SandboxTraces(DEMO_WIDTH)) as server,
        ExitStack() as stack,
    ):
        plan = httpx.get(f"{server.url}/-/sandbox/inference", trust_env=False).json()
        for _ in range(2):
            # Whatever is made twice is there once.
            asyncio.run(make_past(data, server.url, plan, windows))
        stack.enter_context(settings_of(server, data, monkeypatch))
        stats = program("traces", "stats", "-o", "json").document["items"]
        verdicts = [drifting(program, since, until) for since, until in ((-10, 10), (-50, -10))]
    (stable,) = [item for item in stats if item["arm"] == "stable"]
    assert (stable["model"], stable["version"], stable["spans"]) == ("fraud", "2.0.0", 1_200)
    # The predictions follow the amount, everything else is as it was.
    assert verdicts == [{"amount", "score", "label"}, set()]


@contextmanager
def settings_of(server: RunningSandbox, data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use the settings that an open demo leaves for other terminals."""
    announced = {"url": server.url, "tokens": server.tokens, "projects": server.projects}
    with reachable(data, announced, "developer") as config:
        monkeypatch.setenv("MLOPS_TUI_CONFIG", str(config))
        assert {stat.S_IMODE(file.stat().st_mode) for file in (config, config.parent / "token")} == {0o600}
        yield
    assert not config.exists()
    assert not (config.parent / "token").exists()


def drifting(program: Program, since: int, until: int) -> set[str]:
    """The features that drift between two moments, by seconds from the newest window."""
    moments = [datetime.fromtimestamp(NOW // 10 * 10 + seconds, UTC).isoformat() for seconds in (since, until)]
    which = ("--model", "fraud", "--version", "2.0.0", "--window", "/".join(moments))
    items = program("drift", "analyze", *which, "-o", "json").document["items"]
    assert {item["feature"] for item in items} >= {"amount", "merchant_category", "score", "label"}
    return {item["feature"] for item in items if item["verdict"] == "drift"}


def test_without_the_sdk_it_opens_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    nowhere = {"url": "http://127.0.0.1:9", "otlp": "http://127.0.0.1:9/otlp"}
    with live_traffic(tmp_path, nowhere, logs=tmp_path, is_fresh=False):
        said = capsys.readouterr().err
    assert "no live traffic" in said
    assert "mlops-tui[demo]" in said


def test_of_two_open_demos_each_keeps_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLOPS_TUI_HOME", str(tmp_path / "home"))
    announced = {"tokens": {"developer": "one"}, "projects": [{"path": "acme/fraud"}]}
    with reachable(tmp_path / "one", announced | {"url": "http://one"}, "developer") as first:
        with reachable(tmp_path / "two", announced | {"url": "http://two"}, "developer"):
            assert address(None) == "http://two"
        assert address(None) == "http://one"
        assert "http://one" in first.read_text()
    with pytest.raises(UsageError, match="No demo is open"):
        address(None)


def test_switches_are_set_from_the_command_line(sandbox: SandboxFactory, program: Program) -> None:
    server = sandbox(world=World.DEMO, fresh=True)
    url = ("--url", server.url)
    changed = program("sandbox", "switch", "canary_errors=0.6", "amount_factor=2", *url, "-o", "json")
    judge(changed.document)
    assert {item["switch"]: item["value"] for item in changed.document["items"] if item["value"] != item["usual"]} == {
        "canary_errors": 0.6,
        "amount_factor": 2.0,
    }
    again = program("sandbox", "switch", "--reset", "rate=5", *url, "-o", "json").document["items"]
    assert [item["switch"] for item in again if item["value"] != item["usual"]] == ["rate"]
    assert "canary_errors" in program("sandbox", "switch", *url).out
    for wrong, said in (("canary_errors=7", "from 0 to 1"), ("turbo=1", "no switch"), ("rate", "sets nothing")):
        refused = program("sandbox", "switch", wrong, *url)
        assert (refused.status, refused.out) == (2, "")
        assert said in refused.err
    nothing = program("sandbox", "switch", *("--url", sandbox().url))
    assert nothing.status == 2


def test_switches_need_a_sandbox_that_is_there(program: Program) -> None:
    closed = program("sandbox", "switch")
    assert (closed.status, "No demo is open" in closed.err) == (2, True)
    gone = program("sandbox", "switch", "--url", "http://127.0.0.1:9")
    assert (gone.status, "Nothing answers" in gone.err) == (4, True)
