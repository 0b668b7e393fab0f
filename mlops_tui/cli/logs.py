"""The log file: what nobody expected, for whoever looks into it later, in a file that only its owner reads."""

from __future__ import annotations

import logging
import os
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TOKEN = re.compile(r"\bgl[a-z]{2,5}-[\w.-]{10,}|\beyJ[\w-]{10,}\.[\w-]+\.[\w-]+")


def without_tokens(text: str) -> str:
    """The text with three stars for whatever has the shape of a token."""
    return _TOKEN.sub("***", text)


def keep_error(error: BaseException) -> Path:
    """Write an error with its traceback into the log file and return where that is; OSError when it cannot be."""
    return _append("".join(traceback.format_exception(error)))


@contextmanager
def logging_to_file() -> Iterator[None]:
    """Let warnings and worse go into the log file: the screen is the dashboard's."""
    handler = _LogFile(logging.WARNING)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


class _LogFile(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Append the record; a log that cannot be written must not be a second failure."""
        with suppress(OSError):
            _append(self.format(record))


def _append(details: str) -> Path:
    from mlops_tui.config.paths import PRIVATE_FILE, Paths, private_folder
    from mlops_tui.domain.canonical import instant
    from mlops_tui.domain.clock import SystemClock

    path = Paths.of_user().log_file
    private_folder(path.parent)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
    with os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"{instant(SystemClock().now())}\n{without_tokens(details)}\n")
    return path
