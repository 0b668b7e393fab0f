"""How a program ends when something goes wrong: one message, the right exit status, never a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress

from mlops_tui.cli.logs import keep_error, without_tokens
from mlops_tui.domain.errors import ExitCode, MlopsError
from mlops_tui.domain.text import clean

INTERRUPTED = 130
BROKEN_PIPE = 141
_LONGEST = 4_000


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
        sys.stderr.write(f"mlops-tui: {clean(without_tokens(message), limit=_LONGEST)}\n")
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
        return f"Something unexpected went wrong ({name}). The details are in {keep_error(error)}."
    except OSError:
        return f"Something unexpected went wrong ({name}: {error})."
