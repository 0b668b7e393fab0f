"""Serving an intake over HTTP, as a process or in a thread of a test."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

_BACKLOG = 512
_KEEP_ALIVE_SECONDS = 75
_FAREWELL_SECONDS = 10
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class IntakeServer(uvicorn.Server):
    """Serves until SIGTERM, SIGINT or ``stop``; requests that are under way then are answered first."""

    def __init__(self, application: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                access_log=False,
                log_level="warning",
                lifespan="off",
                loop="asyncio",
                http="h11",
                ws="none",
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_FAREWELL_SECONDS,
            )
        )
        self._on_started: Callable[[], None] = lambda: None

    async def serve_on(self, listener: socket.socket, started: Callable[[], None]) -> None:
        """Serve on an open socket; ``started`` is called when it listens."""
        self._on_started = started
        await self.serve(sockets=[listener])

    def stop(self) -> None:
        """End soon; safe to call from any thread."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets=sockets)
        self._on_started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on a signal without handing it on: what belongs to the server has to be closed after it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)


def listen(host: str, port: int) -> socket.socket:
    """An open socket on an address; port 0 takes any free one.

    Raises:
        OSError: The address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def url_of(listener: socket.socket) -> str:
    """The address to which SDKs append ``/v1/traces``."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def prepare_process() -> None:
    """Set this process up for a stream of spans.

    The writer's thread needs Python's lock between statements and would wait 5 ms for it each time while a message is
    decoded; and spans hold no cycles, so that looking for some after every few hundred is work for nothing.
    """
    sys.setswitchinterval(0.0005)
    gc.set_threshold(100_000, 20, 50)
