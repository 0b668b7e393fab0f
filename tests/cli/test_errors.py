from __future__ import annotations

import subprocess
import sys

import pytest

from mlops_tui.cli.errors import BROKEN_PIPE, INTERRUPTED, guarded
from mlops_tui.config.paths import Paths
from mlops_tui.domain.errors import ConfigError, ExitCode, GateError, InsufficientDataError, MlopsError, ReadOnlyError
from tests.config.files import TOKEN


def ending(error: BaseException) -> int:
    def program() -> int:
        raise error

    return guarded(program)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (GateError("no"), 1),
        (ConfigError("wrong", source="config.toml", line=3), 2),
        (InsufficientDataError("too few"), 3),
        (MlopsError("away"), 4),
        (ReadOnlyError("not here"), 5),
    ],
)
def test_each_error_has_its_status_and_one_line(
    capsys: pytest.CaptureFixture[str], error: MlopsError, status: int
) -> None:
    assert ending(error) == status
    done = capsys.readouterr()
    assert done.out == ""
    assert done.err == f"mlops-tui: {error}\n"


def test_a_message_never_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    ending(ConfigError("Unknown key", key="\x1b]0;title\x07\x9b31m", source="config.toml\r\n"))
    assert capsys.readouterr().err.removesuffix("\n").isprintable()


def test_an_interrupt_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(KeyboardInterrupt()) == INTERRUPTED == 130
    assert capsys.readouterr().err == ""


def test_the_unexpected_goes_to_a_private_log_and_not_to_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(RuntimeError(f"boom {TOKEN}")) == ExitCode.UNAVAILABLE
    log = Paths.of_user().log_file
    message = capsys.readouterr().err
    assert str(log) in message
    assert "Traceback" not in message
    assert "RuntimeError: boom ***" in log.read_text("utf-8")
    assert TOKEN not in log.read_text("utf-8")
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.parent.stat().st_mode & 0o777 == 0o700


def test_a_log_that_cannot_be_written_is_no_second_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLOPS_TUI_HOME", "/dev/null/nowhere")
    assert ending(RuntimeError("boom")) == ExitCode.UNAVAILABLE
    assert "RuntimeError: boom" in capsys.readouterr().err


def test_a_reader_that_leaves_early_is_no_error() -> None:
    script = (
        "import sys; from mlops_tui.cli.errors import guarded; from mlops_tui.cli.output import write_line\n"
        "sys.exit(guarded(lambda: [write_line('x' * 1000) for _ in range(1000)] and 0))"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.close()
    _, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (BROKEN_PIPE, b"")
