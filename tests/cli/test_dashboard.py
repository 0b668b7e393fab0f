from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("arguments", [(), ("--context", "work"), ("demo",)])
@pytest.mark.parametrize("kind", ["dumb", "xterm-256color"])
def test_without_a_terminal_the_program_names_the_headless_way(arguments: tuple[str, ...], kind: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mlops_tui", *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "TERM": kind},
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "mlops-tui runs list" in done.stderr


def test_a_dumb_terminal_is_refused_by_its_name() -> None:
    pty = pytest.importorskip("pty")
    main, terminal = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "mlops_tui"],
            stdin=terminal,
            stdout=terminal,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "TERM": "dumb"},
        )
    finally:
        os.close(main)
        os.close(terminal)
    assert done.returncode == 2
    assert "TERM is dumb" in done.stderr
