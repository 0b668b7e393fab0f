"""Running the sandbox: as a process that announces itself, or in a thread of a test."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import uvicorn

from mlops_tui.sandbox.application import create_application
from mlops_tui.sandbox.authentication import digest, new_secret, store_token
from mlops_tui.sandbox.clock import Clock, SystemClock, timestamp
from mlops_tui.sandbox.database import Database
from mlops_tui.sandbox.traces import OTLP_PATH
from mlops_tui.sandbox.world import ROLES, build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send

    from mlops_tui.sandbox.request import Services
    from mlops_tui.sandbox.settings import Settings
    from mlops_tui.sandbox.traces import TraceBackend

_START_SECONDS = 60
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a sandbox says when it listens; the only place that shows the tokens."""

    url: str
    tokens: Mapping[str, str]
    projects: Sequence[Mapping[str, Any]]
    otlp: str | None = None

    def line(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(
            {"url": self.url, "tokens": dict(self.tokens), "projects": list(self.projects), "otlp": self.otlp}
        )


@dataclass(frozen=True, slots=True)
class _Prepared:
    settings: Settings
    database: Database
    listener: socket.socket
    application: Starlette
    announcement: Announcement


class _Connections:
    """Lets the application cut a client off, which ASGI has no word for: uvicorn's transport is reached by `send`."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        if scope["type"] == "http" and transport is not None:
            scope["sandbox.abort"] = transport.abort
        await self._application(scope, receive, send)


class _Server(uvicorn.Server):
    """A uvicorn server that calls back once it listens."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._on_started()


def serve(settings: Settings, *, traces: TraceBackend | None = None, end_on_stdin_eof: bool = False) -> None:
    """Serve until SIGTERM, SIGINT or, if wanted, the end of standard input; prints one line of JSON when it listens.

    With `traces` it takes OTLP, at the address announced as `otlp`. Logs go to standard error. Without `settings.data`
    the state lives in a temporary folder and is gone afterwards.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    with _data_folder(settings) as folder:
        prepared = _prepare(settings, folder, SystemClock(settings.speed), traces)

        def announce() -> None:
            sys.stdout.write(prepared.announcement.line() + "\n")
            sys.stdout.flush()

        server = _Server(_uvicorn_config(prepared), announce)
        if end_on_stdin_eof:
            threading.Thread(target=_end_with_stdin, args=(server,), daemon=True).start()
        try:
            server.run(sockets=[prepared.listener])
        finally:
            prepared.database.close()


def _end_with_stdin(server: uvicorn.Server) -> None:
    # Not by the buffered stream: at the end of the process its lock may still be held by this thread.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.should_exit = True


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that runs in a thread of this process."""

    url: str
    tokens: Mapping[str, str]
    projects: Sequence[Mapping[str, Any]]
    clock: Clock
    settings: Settings
    data: Path
    _services: Services
    _loop: asyncio.AbstractEventLoop

    def project_id(self, path: str) -> int:
        """Return the id of a project by its full path."""
        return next(int(project["id"]) for project in self.projects if project["path"] == path)

    def call(self, work: Callable[[Services], Result]) -> Result:
        """Run something on the server's own thread, inside a transaction, and return what it returns."""

        async def run() -> Result:
            with self._services.database.transaction():
                return work(self._services)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(timeout=60)

    def make_token(
        self, username: str = "maintainer", scopes: Sequence[str] = ("api",), expires_at: str | None = None
    ) -> str:
        """Make a further token for a user, by role name or user name."""
        secret = new_secret()

        def register(services: Services) -> None:
            user_id = services.database.value(
                "SELECT id FROM users WHERE username = ?", (ROLES.get(username, username),)
            )
            now = timestamp(services.clock.now())
            store_token(services.database, user_id, secret, created_at=now, scopes=scopes, expires_at=expires_at)

        self.call(register)
        return secret


@contextmanager
def running(
    settings: Settings, clock: Clock | None = None, traces: TraceBackend | None = None
) -> Iterator[RunningSandbox]:
    """Run a sandbox in its own thread for the length of a `with` block, on a free port unless one is set."""
    chosen = clock or SystemClock(settings.speed)
    with _data_folder(settings) as folder:
        prepared = _prepare(settings, folder, chosen, traces)
        listening = threading.Event()
        loops: list[asyncio.AbstractEventLoop] = []

        def started() -> None:
            loops.append(asyncio.get_running_loop())
            listening.set()

        server = _Server(_uvicorn_config(prepared), started)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [prepared.listener]}, name="sandbox")
        thread.start()
        try:
            if not listening.wait(_START_SECONDS):
                raise TimeoutError("the sandbox did not start")
            announced = prepared.announcement
            yield RunningSandbox(
                announced.url,
                announced.tokens,
                announced.projects,
                chosen,
                prepared.settings,
                folder,
                prepared.application.state.services,
                loops[0],
            )
        finally:
            server.should_exit = True
            thread.join()
            prepared.database.close()


def _uvicorn_config(prepared: _Prepared) -> uvicorn.Config:
    return uvicorn.Config(
        _Connections(prepared.application),
        http="h11",
        loop="asyncio",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=2,
    )


@contextmanager
def _data_folder(settings: Settings) -> Iterator[Path]:
    if settings.data is not None:
        settings.data.mkdir(parents=True, exist_ok=True)
        yield settings.data
        return
    with tempfile.TemporaryDirectory(prefix="mlops-tui-sandbox-") as folder:
        yield Path(folder)


def _prepare(settings: Settings, folder: Path, clock: Clock, traces: TraceBackend | None) -> _Prepared:
    listener = _listen(settings)
    actual = replace(settings, port=listener.getsockname()[1], data=folder)
    database = Database(folder)
    tokens = _tokens(folder / "tokens.json")
    with database.transaction():
        if not database.value("SELECT count(*) FROM projects"):
            build(actual.world, database, clock, actual.seed)
        _register_tokens(database, tokens, timestamp(clock.now()))
    rows = database.all("SELECT id, full_path AS path FROM projects ORDER BY id")
    otlp = None if traces is None else actual.base_url + OTLP_PATH
    announcement = Announcement(actual.base_url, tokens, [dict(row) for row in rows], otlp)
    return _Prepared(actual, database, listener, create_application(actual, database, clock, traces), announcement)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where the protocol is named; with it, answers come 40 ms late.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.host, settings.port))
    return listener


def _tokens(file: Path) -> dict[str, str]:
    """Return the four tokens of a data folder, made on first use and readable by the owner only."""
    if file.exists():
        kept: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
        return kept
    made = {role: new_secret() for role in ROLES}
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(made, stream)
    return made


def _register_tokens(database: Database, tokens: Mapping[str, str], now: str) -> None:
    for role, secret in tokens.items():
        if database.value("SELECT 1 FROM personal_access_tokens WHERE digest = ?", (digest(secret),)) is None:
            user_id = database.value("SELECT id FROM users WHERE username = ?", (ROLES[role],))
            store_token(database, user_id, secret, created_at=now, name=f"sandbox {role}")
