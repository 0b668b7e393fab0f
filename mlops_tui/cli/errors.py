"""How a program ends when something goes wrong: one message, the right exit status, never a traceback."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mlops_tui.domain.errors import ExitCode, MlopsError
from mlops_tui.domain.text import clean

INTERRUPTED = 130
BROKEN_PIPE = 141
_LONGEST = 4_000
_TOKEN = re.compile(r"\bgl[a-z]{2,5}-[\w.-]{10,}|\beyJ[\w-]{10,}\.[\w-]+\.[\w-]+")


def guarded(program: Callable[[], int]) -> int:
    """Run the program and turn whatever leaves it into an exit status and at most one message on stderr."""
    try:
        status = program()
        sys.stdout.flush()
    except MlopsError as error:
        tell(str(error))
        return int(error.exit_code)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return leave_pipe()
    except Exception as error:  # noqa: BLE001 - the last resort of the program
        tell(_unexpected(error))
        return int(ExitCode.UNAVAILABLE)
    return status


def tell(message: str) -> None:
    """Write one line for people, whatever the message was made of; standard output is kept for data."""
    with suppress(BrokenPipeError):
        sys.stderr.write(f"mlops-tui: {clean(_TOKEN.sub('***', message), limit=_LONGEST)}\n")
        sys.stderr.flush()


def leave_pipe() -> int:
    """Let nothing more be written to a pipe whose reader has gone; returns the exit status that says so."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return BROKEN_PIPE


def _unexpected(error: Exception) -> str:
    name = type(error).__name__
    try:
        return f"Something unexpected went wrong ({name}). The details are in {_write_log(error)}."
    except OSError:
        return f"Something unexpected went wrong ({name}: {error})."


def _write_log(error: Exception) -> Path:
    from mlops_tui.config.paths import PRIVATE_FILE, Paths, private_folder
    from mlops_tui.domain.canonical import instant
    from mlops_tui.domain.clock import SystemClock

    path = Paths.of_user().log_file
    private_folder(path.parent)
    details = _TOKEN.sub("***", "".join(traceback.format_exception(error)))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
    with os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"{instant(SystemClock().now())}\n{details}\n")
    return path
