"""The sandbox as one ASGI application."""

from __future__ import annotations

import asyncio
import importlib
import logging
import pkgutil
import time
import uuid
from contextlib import AsyncExitStack, asynccontextmanager
from email.utils import format_datetime
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware

import mlops_tui.sandbox
from mlops_tui.sandbox.clock import Clock, ManualClock
from mlops_tui.sandbox.errors import EXCEPTION_HANDLERS, unknown_route
from mlops_tui.sandbox.faults import FaultInjector, FaultScript
from mlops_tui.sandbox.rate_limits import RateLimits
from mlops_tui.sandbox.request import Services
from mlops_tui.sandbox.traces import keep_backend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from types import ModuleType

    from starlette.routing import Route
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from mlops_tui.sandbox.database import Database
    from mlops_tui.sandbox.settings import Settings
    from mlops_tui.sandbox.traces import TraceBackend

    BackgroundTask = Callable[[Services], Awaitable[None]]

_log = logging.getLogger(__name__)
# What lies in this package and is started as a process of its own.
_OTHER_PROGRAMS = ("mlops_tui.sandbox.__main__", "mlops_tui.sandbox.inference.")


def create_application(
    settings: Settings, database: Database, clock: Clock, traces: TraceBackend | None = None
) -> Starlette:
    """Return the application.

    Every module of this package may have `ROUTES`, a list of routes, and `BACKGROUND`, a list of coroutine functions
    that take the `Services` and run as long as the application does. Without `traces` there are no tracing routes.
    """
    modules = _modules()
    routes: list[Route] = [route for module in modules for route in getattr(module, "ROUTES", ())]
    routes.sort(key=_specificity)
    background: list[BackgroundTask] = [task for module in modules for task in getattr(module, "BACKGROUND", ())]
    services = Services(settings, database, clock, RateLimits(), FaultScript())
    application = Starlette(
        routes=routes,
        middleware=[
            Middleware(Envelope, settings=settings, clock=clock),
            Middleware(FaultInjector, script=services.faults),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=_lifespan(services, background, traces),
    )
    application.router.redirect_slashes = False
    application.state.services = services
    return application


class Envelope:
    """Strips the relative root, keeps path segments encoded for routing, and adds the headers of every answer."""

    def __init__(self, app: ASGIApp, settings: Settings, clock: Clock) -> None:
        self._application = app
        self._root = settings.root_path
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        started = time.perf_counter()
        extra = {
            b"x-request-id": uuid.uuid4().hex[:26].upper().encode(),
            b"date": format_datetime(self._clock.now().replace(microsecond=0), usegmt=True).encode(),
            b"vary": b"Origin",
        }

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                runtime = f"{time.perf_counter() - started:.6f}".encode()
                added = [(name, value) for name, value in extra.items() if name not in present]
                message["headers"] = [*message["headers"], *added, (b"x-runtime", runtime)]
            await send(message)

        path = scope["raw_path"].decode("latin-1").partition("?")[0]
        if not path.startswith(f"{self._root}/"):
            await unknown_route().response()(scope, receive, send_with_headers)
            return
        inner = {**scope, "path": path[len(self._root) :], "root_path": ""}
        await self._application(inner, receive, send_with_headers)


def _modules() -> list[ModuleType]:
    found = pkgutil.walk_packages(mlops_tui.sandbox.__path__, "mlops_tui.sandbox.")
    names = sorted(module.name for module in found if not module.name.startswith(_OTHER_PROGRAMS))
    return [importlib.import_module(name) for name in names]


def _specificity(route: Route) -> tuple[int, ...]:
    """Sort literal segments before single-segment parameters before parameters that swallow the rest."""
    return tuple(
        2 if ":path}" in segment else 1 if "{" in segment else 0 for segment in route.path.strip("/").split("/")
    )


def _lifespan(
    services: Services, background: list[BackgroundTask], traces: TraceBackend | None
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_application: Starlette) -> AsyncIterator[None]:
        if isinstance(services.clock, ManualClock):
            services.clock.bind(asyncio.get_running_loop())
        async with AsyncExitStack() as stack:
            if traces is not None:
                keep_backend(services, await stack.enter_async_context(traces.serving(services.database.folder)))
            tasks = [asyncio.create_task(_watched(task, services)) for task in background]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    return lifespan


async def _watched(task: BackgroundTask, services: Services) -> None:
    """Run a background task and say so when it dies, which would otherwise go unnoticed until the end."""
    try:
        await task(services)
    except Exception:
        _log.exception("the background task %s failed", getattr(task, "__qualname__", task))
        raise
