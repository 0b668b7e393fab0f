"""Running one of the service's processes: it listens on loopback, says where in one line, and ends with its parent."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp

# Set before NumPy is loaded: matrices of this size are not worth a second thread.
THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class ProcessServer(uvicorn.Server):
    """A server on a free port of loopback that ends on SIGTERM, SIGINT and the end of standard input."""

    def __init__(self, application: ASGIApp, told: Mapping[str, Any]) -> None:
        super().__init__(
            uvicorn.Config(
                application, http="h11", loop="asyncio", ws="none", lifespan="on", log_level="warning",
                access_log=False, server_header=False, date_header=False, timeout_keep_alive=75,
                timeout_graceful_shutdown=2,
            )
        )  # fmt: skip
        self._told = told
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen and say so: one line of JSON on standard output."""
        await super().startup(sockets=sockets)
        sys.stdout.write(json.dumps({"url": self.url, **self._told}) + "\n")
        sys.stdout.flush()

    def run_until_told(self) -> None:
        """Serve until it is told to end."""
        threading.Thread(target=self._end_with_stdin, daemon=True).start()
        self.run(sockets=[self._listener])

    def _end_with_stdin(self) -> None:
        while os.read(0, 4096):
            pass
        self.should_exit = True
