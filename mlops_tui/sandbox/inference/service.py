"""The whole service as one application: it runs the arms, follows the sandbox and sends the traffic while it lives.

`POST /payments` scores one payment, `GET /` tells which arms serve what and how many payments each has had.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from mlops_tui.sandbox.inference.flags import Caller
from mlops_tui.sandbox.inference.gateway import Gateway
from mlops_tui.sandbox.inference.processes import ArmProcess
from mlops_tui.sandbox.inference.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

ARMS = ("stable", "canary")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of the service."""

    gateway: Gateway
    traffic: Traffic
    arms: Mapping[str, ArmProcess]

    @classmethod
    def of(cls, sandbox: str, otlp: str, seed: int) -> Service:
        """Put the service together; nothing runs yet."""
        random = Random(seed)  # noqa: S311 - made-up traffic
        arms = {name: ArmProcess(name, otlp, seed + place) for place, name in enumerate(ARMS)}
        gateway = Gateway(sandbox, otlp, arms, random)
        return cls(gateway, Traffic(gateway, seed, random), arms)

    def application(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[Route("/", self._status), Route("/payments", self._score, methods=["POST"])],
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, _application: Starlette) -> AsyncIterator[None]:
        arms = [arm.keep() for arm in self.arms.values()]
        work = (*arms, self.gateway.follow(), self.traffic.run(), self.traffic.tell_the_truth())
        tasks = [asyncio.create_task(_watched(one)) for one in work]
        try:
            yield
        finally:
            for task in reversed(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.gateway.close()

    async def _status(self, _request: Request) -> Response:
        plan = self.gateway.plan
        versions = {arm.name: arm.version for arm in plan.arms} if plan else {}
        return JSONResponse(
            [
                {"arm": name, "pid": arm.pid, "version": versions.get(name), "payments": self.gateway.served[name]}
                for name, arm in self.arms.items()
            ]
        )

    async def _score(self, request: Request) -> Response:
        given = await request.json()
        if not isinstance(given, dict) or not isinstance(given.get("features"), dict):
            return JSONResponse({"error": "a payment has features"}, 400)
        card = given.get("card")
        answer = await self.gateway.predict(given["features"], Caller(user_id=None if card is None else str(card)))
        return JSONResponse({"id": answer.prediction_id, **answer.body}, answer.status)


async def _watched(work: Coroutine[None, None, None]) -> None:
    """Do work that is not meant to end, and say so when it does, which would otherwise go unnoticed."""
    try:
        await work
    except Exception:
        _log.exception("a part of the service ended")
        raise
