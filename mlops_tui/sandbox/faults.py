"""Scripted trouble, for tests: the next answers of some paths fail as told. Ours, not GitLab's.

`POST /-/sandbox/faults` takes one fault or a list of them; `DELETE` forgets them all.
"""

from __future__ import annotations

import asyncio
import fnmatch
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from starlette.responses import Response

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.clock import ManualClock, timestamp
from mlops_tui.sandbox.parameters import Kind, declared, optional, required
from mlops_tui.sandbox.rate_limits import SELF_MANAGED
from mlops_tui.sandbox.responses import JsonResponse, no_content
from mlops_tui.sandbox.routing import hook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from mlops_tui.sandbox.request import Context


class Drop(StrEnum):
    """When the connection is cut: before the request is handled, in mid-answer, or handled but never answered."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


@dataclass(slots=True)
class Fault:
    """What happens to the next `count` requests whose decoded path fits the glob `path`.

    Without `status` and `drop` the request is served normally, after `delay` real seconds.
    """

    path: str
    method: str | None = None
    count: int = 1
    status: int | None = None
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: Drop | None = None

    def fits(self, method: str, path: str) -> bool:
        """Tell whether this fault is due for a request."""
        return self.count > 0 and self.method in (None, method) and fnmatch.fnmatchcase(path, self.path)


class FaultScript:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault that is due for a request and count it."""
        if path.startswith("/-/sandbox/"):
            return None
        fault = next((fault for fault in self.faults if fault.fits(method, path)), None)
        if fault is not None:
            fault.count -= 1
            self.faults = [fault for fault in self.faults if fault.count > 0]
        return fault


class FaultInjector:
    """Applies scripted faults in front of an application."""

    def __init__(self, app: ASGIApp, script: FaultScript) -> None:
        self._application = app
        self._script = script

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or spoil it."""
        fault = self._script.take(scope["method"], unquote(scope["path"])) if scope["type"] == "http" else None
        if fault is None:
            await self._application(scope, receive, send)
            return
        if fault.delay:
            # Clients time out by the real clock, so a delay is real too.
            await asyncio.sleep(fault.delay)
        if fault.drop is not None:
            await self._cut(fault, scope, receive, send)
        elif fault.status is not None:
            await Response(fault.body, fault.status, dict(fault.headers))(scope, receive, send)
        else:
            await self._application(scope, receive, send)

    async def _cut(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.drop is Drop.AFTER:
            await self._application(scope, receive, _swallow)
        elif fault.drop is Drop.DURING:
            head = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
            await send({"type": "http.response.start", "status": fault.status or 200, "headers": head})
            await send({"type": "http.response.body", "body": b'{"cut": ', "more_body": True})
        scope["sandbox.abort"]()
        while (await receive())["type"] != "http.disconnect":
            continue


async def _swallow(_message: Message) -> None:
    """Take an answer that is never sent."""


_FAULT = (
    required("path"),
    optional("method"),
    optional("count", Kind.INTEGER, default=1),
    optional("status", Kind.INTEGER),
    optional("body"),
    optional("headers", Kind.HASH),
    optional("delay", Kind.FLOAT),
    optional("drop", values=tuple(Drop)),
)


def _fault(params: Mapping[str, Any]) -> Fault:
    given = {name: value for name, value in declared(params, _FAULT).items() if value is not None}
    if "drop" in given:
        given["drop"] = Drop(given["drop"])
    return Fault(**given)


async def script(context: Context) -> Response:
    """Add faults to the script."""
    given = context.json_body()
    coming = context.services.faults.faults
    coming += [_fault(item) for item in (given if isinstance(given, list) else [given])]
    return JsonResponse({"faults": len(coming)}, 201)


async def forget(context: Context) -> Response:
    """Drop the script."""
    context.services.faults.faults.clear()
    return no_content()


async def advance(context: Context) -> Response:
    """Move a manual clock on by `seconds`."""
    seconds = context.declare(required("seconds", Kind.FLOAT))["seconds"]
    if not isinstance(context.clock, ManualClock):
        raise errors.bad_request("the clock of this sandbox runs by itself")
    await context.clock.advance_on_loop(seconds)
    return JsonResponse({"now": timestamp(context.now())})


async def limit(context: Context) -> Response:
    """Set the rate limits: `{"throttle": [requests, seconds], "application": {name: [requests, seconds]}}`.

    What is left out is switched off; `"application": "defaults"` stands for those of a self-managed instance.
    """
    limits = context.services.rate_limits
    throttle = context.params.get("throttle")
    limits.throttle = (int(throttle[0]), int(throttle[1])) if throttle else None
    application = context.params.get("application", {})
    chosen = SELF_MANAGED if application == "defaults" else application
    limits.application = {name: (int(pair[0]), int(pair[1])) for name, pair in chosen.items()}
    limits.reset()
    return no_content()


ROUTES = [
    hook("POST", "/rate_limits", limit),
    hook("POST", "/faults", script),
    hook("DELETE", "/faults", forget),
    hook("POST", "/clock/advance", advance),
]
