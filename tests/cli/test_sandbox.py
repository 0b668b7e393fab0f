from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlops_tui.cli.demo import running_sandbox
from mlops_tui.domain.errors import UnreachableError
from tests.cli.conftest import Program
from tests.cli.schemas import judge
from tests.config.files import write


@contextmanager
def serving(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``sandbox serve`` for the length of a block."""
    line = [sys.executable, "-m", "mlops_tui", "sandbox", "serve", "--world", "empty", *arguments]
    child = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def test_it_announces_itself_in_one_line_and_ends_on_sigterm(tmp_path: Path) -> None:
    with serving("--data", str(tmp_path)) as child:
        assert child.stdout is not None
        announced = json.loads(child.stdout.readline())
        assert set(announced) == {"url", "tokens", "projects", "otlp"}
        assert set(announced["tokens"]) == {"maintainer", "developer", "approver", "reporter"}
        child.send_signal(signal.SIGTERM)
        out, _ = child.communicate(timeout=30)
    assert (child.returncode, out) == (0, "")


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    with serving("--data", str(tmp_path), "--end-on-stdin-eof") as child:
        assert child.stdout is not None
        child.stdout.readline()
        out, _ = child.communicate("", timeout=30)
    assert out == ""


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with serving("--data", str(tmp_path / "a")) as first:
        assert first.stdout is not None
        port = json.loads(first.stdout.readline())["url"].rsplit(":", 1)[1]
        with serving("--data", str(tmp_path / "b"), "--port", port) as second:
            out, err = second.communicate(timeout=30)
    assert (second.returncode, out) == (2, "")
    assert "cannot listen" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("arguments", [("--world", "flat"), ("--tier", "gold"), ("--port", "-1"), ("--speed", "0")])
def test_a_wrong_option_is_a_usage_error(program: Program, arguments: tuple[str, ...]) -> None:
    assert program("sandbox", "serve", *arguments).status == 2


def test_doctor_finds_nothing_wrong_with_a_sandbox(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_sandbox(tmp_path / "data", "--world", "empty", logs=tmp_path) as announced:
        token = announced["tokens"]["maintainer"]
        project = announced["projects"][0]["path"]
        flags = ("--url", announced["url"], "--project", project)
        ended = program("doctor", *flags, "--token-file", str(write(tmp_path / "token", token)), "-o", "json")
        judge(ended.document)
        assert ended.status == 0
        found = {item["check"]: item["found"] for item in ended.document["items"]}
        assert found["instance"].startswith("GitLab 19.")
        assert found[project] == "Maintainer"
        assert token not in ended.out + ended.err
        wrong = program("doctor", *flags, "--token-file", str(write(tmp_path / "wrong", token[:-1] + "_")))
        assert wrong.status == 4
        assert "wrong" in wrong.out
    monkeypatch.setenv("GITLAB_TOKEN", token)
    monkeypatch.setenv("GITLAB_HOST", announced["url"])
    gone = program("doctor", *flags)
    assert gone.status == 4
    assert "access token from GITLAB_TOKEN" in gone.out


def test_a_child_that_dies_at_once_is_explained(tmp_path: Path) -> None:
    with (
        pytest.raises(UnreachableError, match=r"sandbox\.log"),
        running_sandbox(tmp_path, "--world", "flat", logs=tmp_path),
    ):
        pytest.fail("it cannot have started")


def test_the_child_is_gone_after_the_block(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, "--world", "empty", logs=tmp_path) as announced:
        token = {"PRIVATE-TOKEN": announced["tokens"]["reporter"]}
        request = urllib.request.Request(announced["url"] + "/api/v4/version", headers=token)
        assert "version" in json.load(urllib.request.urlopen(request, timeout=10))
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(request, timeout=10)
    assert os.environ.get("MLOPS_TUI_HOME") is None
