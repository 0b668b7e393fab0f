"""Processes that the demo starts beside itself: each ends with its standard input, and so however its parent dies."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlops_tui.config.paths import PRIVATE_FILE
from mlops_tui.domain.errors import UnreachableError

_START_SECONDS = 60.0
_END_SECONDS = 10.0


@contextmanager
def child_process(module: str, arguments: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a module of this program as a process of its own for as long as the block lasts; ``log`` takes its errors."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, PRIVATE_FILE)
    try:
        child = subprocess.Popen(  # noqa: S603 - this very program
            (sys.executable, "-m", module, *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=descriptor,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    try:
        yield child
    finally:
        _end(child)


def announcement(child: subprocess.Popen[bytes], what: str, log: Path) -> dict[str, Any]:
    """The line of JSON that a child writes when it is ready; ``what`` names it for people.

    Raises:
        UnreachableError: It ended, or said nothing for a minute.
    """
    assert child.stdout is not None  # noqa: S101 - it was asked for
    ready, _, _ = select.select([child.stdout], [], [], _START_SECONDS)
    line = child.stdout.readline() if ready else b""
    if not line:
        reason = "it ended at once" if ready else f"it said nothing for {_START_SECONDS:.0f} s"
        raise UnreachableError(f"{what} did not start", why=reason, remedy=f"Its log is {log}")
    announced: dict[str, Any] = json.loads(line)
    return announced


def _end(child: subprocess.Popen[bytes]) -> None:
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            stream.close()
    try:
        child.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
