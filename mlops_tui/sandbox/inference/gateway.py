"""The gateway: it sends each payment to the arm that the feature flags say, and follows what the sandbox wants."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox.inference.connections import Connections, UnansweredError
from mlops_tui.sandbox.inference.flags import Caller, Flags
from mlops_tui.sandbox.inference.plans import ArmPlan, ServicePlan
from mlops_tui.sandbox.inference.telemetry import GATEWAY_DELAY, Origin, Telemetry, fail, headers_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import Span, Tracer

    from mlops_tui.sandbox.inference.processes import ArmProcess

POLL_SECONDS = 2.0
_START_SECONDS = 0.3
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one payment; `status` is that of HTTP, `body` the arm's answer or what is wrong."""

    status: int
    prediction_id: str
    body: Mapping[str, Any]


@dataclass(slots=True)
class _Tracers:
    """The gateway's own spans, and those of the truth that comes later."""

    gateway: Telemetry
    chargebacks: Telemetry


@dataclass(slots=True)
class Gateway:
    """The gateway of one service; belongs to one event loop."""

    sandbox: str
    otlp: str
    arms: Mapping[str, ArmProcess]
    random: Random
    plan: ServicePlan | None = None
    flags: Flags = field(default_factory=Flags)
    served: Counter[str] = field(default_factory=Counter)
    _connections: Connections = field(default_factory=Connections)
    _tracers: _Tracers | None = None
    _configured: dict[str, tuple[str | None, dict[str, Any]]] = field(default_factory=dict)
    _etag: str | None = None

    @property
    def chargebacks(self) -> Tracer | None:
        """The tracer of late labels, None before the first plan."""
        return self._tracers.chargebacks.tracer if self._tracers else None

    async def follow(self) -> None:
        """Keep asking what to serve and which flags are on, until this is cancelled."""
        while True:
            with suppress(UnansweredError):
                await self.refresh()
            await asyncio.sleep(POLL_SECONDS if self._is_complete() else _START_SECONDS)

    async def refresh(self) -> None:
        """Ask once, and tell the arms what has changed.

        Raises:
            UnansweredError: the sandbox or an arm did not answer.
        """
        answer = await self._connections.ask("GET", f"{self.sandbox}/-/sandbox/inference")
        if answer.status != 200:
            return
        self.plan = ServicePlan.from_document(answer.document())
        if self._tracers is None:
            services = ("fraud-gateway", "fraud-chargebacks")
            self._tracers = _Tracers(
                *(Telemetry(self.otlp, self._origin(name, ""), GATEWAY_DELAY) for name in services)
            )
        await self._read_flags(self.plan)
        for arm in self.plan.arms:
            await self._configure(arm)

    async def predict(self, features: Mapping[str, Any], caller: Caller) -> Answer:
        """Have a payment scored by the arm that the flags choose for the caller."""
        prediction_id = uuid.uuid4().hex
        plan, tracers = self.plan, self._tracers
        if plan is None or tracers is None or plan.control is None:
            return Answer(503, prediction_id, {"error": "nothing is deployed"})
        chosen = self.flags.choose(plan.challengers, caller, self.random.random) or plan.control.name
        from opentelemetry.trace import SpanKind

        span = tracers.gateway.tracer.start_span(
            "POST /payments",
            kind=SpanKind.SERVER,
            attributes={"http.route": "/payments", "feature_flag.result.variant": chosen},
        )
        try:
            status, body = await self._ask(chosen, {"id": prediction_id, "features": features}, span)
        finally:
            span.end()
        self.served[chosen] += 1
        return Answer(status, prediction_id, body)

    async def close(self) -> None:
        """Close what is open; the spans that are left are sent."""
        self._connections.close()
        if self._tracers is not None:
            await asyncio.to_thread(self._tracers.gateway.close)
            await asyncio.to_thread(self._tracers.chargebacks.close)

    async def _ask(self, arm: str, payment: Mapping[str, Any], span: Span) -> tuple[int, Mapping[str, Any]]:
        url = self.arms[arm].url if arm in self.arms else None
        try:
            if url is None:
                raise UnansweredError("the arm does not run")
            answer = await self._connections.ask("POST", f"{url}/predict", payment, headers_of(span))
        except UnansweredError as error:
            fail(span, "unanswered", str(error))
            return 502, {"error": "the arm did not answer", "arm": arm}
        if answer.status != 200:
            fail(span, str(answer.status), "the arm failed")
        return answer.status, answer.document()

    async def _read_flags(self, plan: ServicePlan) -> None:
        """Poll the flags as Unleash clients do; the environment is sent as the application's name."""
        headers = {"UNLEASH-INSTANCEID": plan.unleash_instance, "UNLEASH-APPNAME": plan.environment}
        if self._etag is not None:
            headers["If-None-Match"] = self._etag
        answer = await self._connections.ask("GET", f"{plan.unleash_url}/client/features", headers=headers)
        if answer.status == 200:
            self.flags = Flags.from_document(answer.document())
            self._etag = answer.headers.get("etag")

    async def _configure(self, arm: ArmPlan) -> None:
        process = self.arms.get(arm.name)
        if process is None or process.url is None or self.plan is None:
            return
        origin = asdict(self._origin("fraud-scoring", arm.commit))
        wanted = {"version": arm.version, "origin": origin, "switches": self.plan.switches.document()}
        if self._configured.get(arm.name) != (process.url, wanted):
            await self._connections.ask("PUT", f"{process.url}/configuration", wanted)
            self._configured[arm.name] = process.url, wanted
            _log.info("the arm %s serves %s", arm.name, arm.version)

    def _is_complete(self) -> bool:
        return self.plan is not None and all(arm.name in self._configured for arm in self.plan.arms)

    def _origin(self, service: str, commit: str) -> Origin:
        plan = self.plan
        if plan is None:
            raise RuntimeError("nothing is known of the project yet")
        return Origin(service, plan.project_id, plan.project, plan.environment, commit)
