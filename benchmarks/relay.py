"""A relay between the program and GitLab that counts requests; what passes is left as it is."""

from __future__ import annotations

import re
import socket
import threading
from collections import Counter
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

# The head of a request: bodies are JSON, in which a bare carriage return cannot stand.
_HEAD = re.compile(rb"(GET|POST|PUT|PATCH|DELETE|HEAD) (\S+) HTTP/1\.1\r\n")


class Relay:
    """Listens on loopback and passes everything on to ``url``; a context manager."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def take(self) -> Counter[str]:
        """The requests since the last call, by method and path."""
        with self._lock:
            taken, self._requests = self._requests, Counter()
        return taken

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            threading.Thread(target=self._pass, args=(client, server), kwargs={"counts": True}, daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client), kwargs={"counts": False}, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, *, counts: bool) -> None:
        try:
            while chunk := source.recv(65_536):
                if counts:
                    self._count(chunk)
                target.sendall(chunk)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            source.close()
            target.close()

    def _count(self, chunk: bytes) -> None:
        with self._lock:
            for method, path in _HEAD.findall(chunk):
                self._requests[f"{method.decode()} {path.decode().partition('?')[0]}"] += 1
