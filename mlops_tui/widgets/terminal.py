"""The terminal itself: whether it can show the program, and noticing when it is gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import TextIO

from mlops_tui.domain.errors import UsageError

WATCH_SECONDS = 5.0
_SIGNALS = (signal.SIGTERM, signal.SIGHUP) if sys.platform != "win32" else (signal.SIGTERM,)


def require_terminal(environ: Mapping[str, str], *streams: TextIO | None) -> None:
    """Refuse to draw where nothing can be drawn.

    Raises:
        UsageError: no terminal, or one that cannot move its cursor.
    """
    remedy = "Use a command instead, for instance: mlops-tui runs list"
    if not all(stream is not None and stream.isatty() for stream in streams):
        raise UsageError("The dashboard needs a terminal", why="input or output is not one", remedy=remedy)
    if environ.get("TERM", "") in {"", "dumb", "unknown"}:
        kind = environ.get("TERM") or "not set"
        raise UsageError("This terminal cannot show the dashboard", why=f"TERM is {kind}", remedy=remedy)


def exit_on_signals(leave: Callable[[int], None]) -> None:
    """Call ``leave`` with the exit code when the process is asked to end, so that the terminal is put right first."""
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        with contextlib.suppress(NotImplementedError, RuntimeError):
            loop.add_signal_handler(number, leave, 128 + number)


def is_lost(stream: TextIO | None = sys.__stdin__) -> bool:
    """Whether the terminal has gone away; Textual's reader would spin on it for ever."""
    if stream is None:
        return True
    try:
        return not os.isatty(stream.fileno())
    except (OSError, ValueError):
        return True
