"""HTTP between the processes of the service, by the standard library: a quarter of the work that httpx is.

The service answers twenty payments a second on a laptop that does something else, so this counts.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_THREADS = 32
_TIMEOUT_SECONDS = 10.0


class UnansweredError(Exception):
    """Nobody answered, or not in time."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> Any:
        """Return the JSON in it."""
        return json.loads(self.body)


class Connections:
    """Connections that stay open, some for each thread."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, "connections")
        self._local = threading.local()

    async def ask(self, verb: str, url: str, document: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Send a request, with JSON if there is any.

        Raises:
            UnansweredError: it failed.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._ask, verb, url, document, dict(headers or {}))

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, verb: str, url: str, document: Any, headers: dict[str, str]) -> Reply:
        parts = urlsplit(url)
        body = None
        if document is not None:
            body = json.dumps(document).encode()
            headers["Content-Type"] = "application/json"
        known: dict[str, http.client.HTTPConnection] = self._local.__dict__
        fresh = http.client.HTTPConnection(parts.netloc, timeout=_TIMEOUT_SECONDS)
        open_ones = [known.pop(parts.netloc)] if parts.netloc in known else []
        for connection in (*open_ones, fresh):
            try:
                connection.request(verb, parts.path, body, headers)
                answer = connection.getresponse()
                found = {name.lower(): value for name, value in answer.getheaders()}
                reply = Reply(answer.status, found, answer.read())
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if connection is fresh or isinstance(error, TimeoutError):
                    raise UnansweredError(str(error) or type(error).__name__) from error
                # What was open had been closed at the other end meanwhile: a fresh connection is tried.
                continue
            known[parts.netloc] = connection
            return reply
        raise UnansweredError("no connection was tried")
