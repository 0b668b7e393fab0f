"""Running the intake of traces as a process: its address, its token, its end."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_tui.cli.errors import tell
from mlops_tui.cli.output import json_text, write_line
from mlops_tui.config.paths import PRIVATE_FILE
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.errors import UsageError

if TYPE_CHECKING:
    from mlops_tui.operations.traces import CollectorSettings

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


async def serve(settings: CollectorSettings, host: str, port: int) -> None:
    """Collect traces until SIGTERM; announces the address in one line of JSON."""
    from mlops_tui.operations.traces import collecting
    from mlops_tui.tracing.server import IntakeServer, listen, prepare_process, url_of

    prepare_process()
    async with collecting(settings, SystemClock()) as collector:
        for notice in collector.store.notices:
            tell(notice)
        try:
            listener = listen(host, port)
        except OSError as error:
            raise UsageError(
                f"The collector cannot listen on {host}:{port}",
                why=error.strerror or str(error),
                remedy="Choose another --host or --port",
            ) from None
        server = IntakeServer(collector.application)
        await server.serve_on(listener, lambda: _announce(url_of(listener)))


def _announce(url: str) -> None:
    write_line(json_text({"url": url}))
    sys.stdout.flush()


def sender_token(host: str, file: Path | None, folder: Path) -> str | None:
    """The token that senders show: the one in a file, none on loopback, else one that is made and kept once."""
    if file is None and host in _LOOPBACK:
        return None
    path = file or folder / "sender-token"
    try:
        if file is None and not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE), "w") as made:
                made.write(secrets.token_urlsafe(24))
        token = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The token in {path} cannot be read", why=str(error)) from None
    if not token:
        raise UsageError(f"{path} holds no token")
    tell(f"Senders have to show the token in {path}, as a bearer token or in PRIVATE-TOKEN.")
    return token
