"""The sandbox as a process: what it announces, and what survives its end."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def _process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run a sandbox as a child process and read its announcement."""
    command = [sys.executable, "-m", "mlops_tui.sandbox", "serve", "--world", "empty", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        try:
            assert child.stdout is not None
            yield child, json.loads(child.stdout.readline())
        finally:
            child.kill()


def _api(announced: dict[str, Any]) -> httpx.Client:
    headers = {"PRIVATE-TOKEN": announced["tokens"]["maintainer"]}
    return httpx.Client(base_url=f"{announced['url']}/api/v4", headers=headers, trust_env=False, timeout=20)


def test_it_announces_itself_in_one_line_and_ends_on_sigterm(tmp_path: Path) -> None:
    with _process("--data", str(tmp_path)) as (child, announced):
        assert set(announced) == {"url", "tokens", "projects", "otlp"}
        assert announced["otlp"] is None
        assert set(announced["tokens"]) == {"maintainer", "developer", "approver", "reporter"}
        assert all(re.fullmatch(r"glpat-[A-Za-z0-9]{20}", token) for token in announced["tokens"].values())
        assert [project["path"] for project in announced["projects"]] == ["sandbox/empty"]
        assert announced["url"].startswith("http://127.0.0.1:")
        with _api(announced) as api:
            assert api.get("/user").json()["username"] == "mona"
        child.send_signal(signal.SIGTERM)
        rest, _ = child.communicate(timeout=20)
        assert rest == ""
        assert child.returncode in (0, -signal.SIGTERM)
    assert stat.S_IMODE((tmp_path / "tokens.json").stat().st_mode) == 0o600


def test_it_ends_with_its_standard_input() -> None:
    with _process("--end-on-stdin-eof") as (child, announced):
        assert httpx.get(f"{announced['url']}/api/v4/version").status_code == 401
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(timeout=20) == 0


def test_a_kill_loses_no_acknowledged_write_and_tokens_stay(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    with _process("--data", str(tmp_path)) as (child, first):
        path = f"/projects/{first['projects'][0]['id']}/issues"

        def write() -> None:
            with _api(first) as api:
                for number in range(100_000):
                    try:
                        answer = api.post(path, json={"title": f"Write {number}"})
                    except httpx.TransportError:
                        return
                    if answer.status_code == 201:
                        acknowledged.append(answer.json()["title"])
                    if number == 40:
                        enough.set()

        enough = threading.Event()
        writer = threading.Thread(target=write)
        writer.start()
        assert enough.wait(20)
        os.kill(child.pid, signal.SIGKILL)
        writer.join(20)
    assert len(acknowledged) > 40

    with _process("--data", str(tmp_path)) as (_, second):
        assert second["tokens"] == first["tokens"]
        assert second["projects"] == first["projects"]
        with _api(second) as api:
            there: set[str] = set()
            for page in range(1, len(acknowledged) // 100 + 3):
                listed = api.get(path, params={"per_page": 100, "page": page}).json()
                there |= {issue["title"] for issue in listed}
            assert set(acknowledged) <= there
            made = api.post(path, json={"title": "After the restart"}).json()
            assert made["iid"] > len(acknowledged)
