"""A real HTTP server on loopback whose answers a test writes, and a clock that does not wait."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Self

import orjson
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mlops_tui.domain.credentials import Secret, TokenKind
from mlops_tui.gitlab.authentication import Credential
from mlops_tui.gitlab.budget import BudgetOptions
from mlops_tui.gitlab.connection import ConnectionOptions
from mlops_tui.gitlab.hosts import Host
from mlops_tui.gitlab.retries import RetryOptions
from mlops_tui.gitlab.transport import Transport, TransportOptions
from tests.clocks import START

TOKEN = "glpat-" + "q" * 20
SELF = "/api/v4/personal_access_tokens/self"


class PassingClock:
    """Every sleep is over at once and moves the time on; ``waits`` are the lengths asked for."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._elapsed = 0.0
        self.waits: list[float] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._elapsed += seconds
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived; ``path`` is raw, still percent-encoded, with its query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; ``body`` other than bytes and text is sent as JSON."""

    status: int = 200
    body: object = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        if isinstance(self.body, bytes | str):
            headers = {"content-type": "text/plain", **self.headers}
            return Response(self.body, self.status, headers)
        return Response(orjson.dumps(self.body), self.status, {"content-type": "application/json", **self.headers})


Handler = Callable[[Seen], Reply]


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, listening: threading.Event) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._listening.set()

    async def main_loop(self) -> None:
        """Notice the end ten times as fast as usual: every test waits for it."""
        while not self.should_exit:  # noqa: ASYNC110 - another thread sets it
            await asyncio.sleep(0.01)


class ScriptedServer:
    """Answers every request by ``handler`` and remembers it; runs in a thread of its own on a free port."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.seen: list[Seen] = []
        config = uvicorn.Config(
            self._application,
            port=0,
            http="h11",
            loop="asyncio",
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
            date_header=False,
        )
        self.url = ""
        self._listening = threading.Event()
        self._server = _Server(config, self._listening)
        self._thread = threading.Thread(target=self._server.run, name="scripted-server")

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listening.wait(30)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join()

    def paths(self) -> list[str]:
        return [seen.path for seen in self.seen]

    async def _application(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        query = scope["query_string"].decode()
        path = scope["raw_path"].decode() + (f"?{query}" if query else "")
        seen = Seen(request.method, path, dict(request.headers), await request.body())
        self.seen.append(seen)
        await self.handler(seen).response()(scope, receive, send)


def in_turn(*replies: Reply) -> Handler:
    """One reply after the other, the last one for ever."""
    left = list(replies)

    def handler(seen: Seen) -> Reply:
        return left.pop(0) if len(left) > 1 else left[0]

    return handler


def by_path(replies: Mapping[str, Reply | Handler]) -> Handler:
    """Replies by path without its query; 404 for others."""

    def handler(seen: Seen) -> Reply:
        reply = replies.get(seen.path.partition("?")[0], Reply(404, {"error": "404 Not Found"}))
        return reply if isinstance(reply, Reply) else reply(seen)

    return handler


def http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def credential(kind: TokenKind = TokenKind.PERSONAL, token: str = TOKEN) -> Credential:
    return Credential(kind, Secret(token))


def options(**changes: Any) -> TransportOptions:
    """Options for tests: no budget in the way, short time limits, the same chances every time."""
    settings: dict[str, Any] = {
        "connection": ConnectionOptions(connect_timeout=2, read_timeout=2, total_timeout=5),
        "retries": RetryOptions(),
        "budget": BudgetOptions(per_minute=60_000, burst=1_000),
        "seed": 1,
    }
    return TransportOptions(**{**settings, **changes})


def transport_to(
    url: str,
    *,
    kind: TokenKind = TokenKind.PERSONAL,
    clock: PassingClock | None = None,
    **changes: Any,
) -> Transport:
    return Transport(Host.parse(url), credential(kind), clock=clock or PassingClock(), options=options(**changes))
