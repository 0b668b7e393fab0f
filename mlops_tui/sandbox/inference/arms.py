"""One arm: a process that serves one version of the model over HTTP.

`PUT /configuration` says which version it serves and what goes wrong meanwhile, `POST /predict` scores a payment.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from mlops_tui.sandbox.inference.models import FraudModel
from mlops_tui.sandbox.inference.serving import ProcessServer
from mlops_tui.sandbox.inference.switches import Switches
from mlops_tui.sandbox.inference.telemetry import ARM_DELAY, Origin, Telemetry, context_of, fail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from opentelemetry.trace import Span
    from starlette.requests import Request
    from starlette.responses import Response

CANARY = "canary"
# Of a healthy model: what a prediction takes, in seconds, and how often one fails.
_TYPICAL_SECONDS = 0.006
_SPREAD = 0.35
_ERRORS = 0.004


@dataclass(frozen=True, slots=True)
class _Served:
    """What an arm serves since it was last configured."""

    version: str
    origin: Origin
    model: FraudModel
    telemetry: Telemetry


class Arm:
    """One arm; `name` is its track, such as `canary`."""

    def __init__(self, name: str, otlp: str, seed: int) -> None:
        self._name = name
        self._otlp = otlp
        self._random = random.Random(seed)  # noqa: S311 - made-up trouble
        self._served: _Served | None = None
        self._switches = Switches()

    def application(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/configuration", self._configure, methods=["PUT"]),
                Route("/predict", self._predict, methods=["POST"]),
            ],
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, _application: Starlette) -> AsyncIterator[None]:
        yield
        if self._served is not None:
            await asyncio.to_thread(self._served.telemetry.close)

    async def _configure(self, request: Request) -> Response:
        wanted = await request.json()
        self._switches = Switches.from_document(wanted["switches"])
        origin = Origin(**wanted["origin"])
        before = self._served
        if before is None or (before.version, before.origin) != (wanted["version"], origin):
            model = FraudModel.of_version(wanted["version"])
            self._served = _Served(wanted["version"], origin, model, Telemetry(self._otlp, origin, ARM_DELAY))
            if before is not None:
                await asyncio.to_thread(before.telemetry.close)
        return JSONResponse({"arm": self._name, "version": wanted["version"]})

    async def _predict(self, request: Request) -> Response:
        served = self._served
        if served is None:
            return JSONResponse({"error": "no model is loaded"}, 503)
        payment = await request.json()
        from opentelemetry.trace import SpanKind

        span = served.telemetry.tracer.start_span(
            "predict fraud",
            context_of(request.headers),
            kind=SpanKind.SERVER,
            attributes=self._attributes(served, payment),
        )
        try:
            return await self._scored(served, payment, span)
        finally:
            span.end()

    def _attributes(self, served: _Served, payment: Mapping[str, Any]) -> dict[str, Any]:
        features = {f"ml.feature.{name}": value for name, value in payment["features"].items()}
        return {
            "ml.model.name": "fraud",
            "ml.model.version": served.version,
            "ml.deployment.track": self._name,
            "ml.operation.name": "predict",
            "ml.prediction.id": payment["id"],
            **features,
        }

    async def _scored(self, served: _Served, payment: Mapping[str, Any], span: Span) -> Response:
        from opentelemetry.trace import set_span_in_context

        with served.telemetry.tracer.start_as_current_span("load features", set_span_in_context(span)):
            await asyncio.sleep(self._seconds() * 0.4)
        await asyncio.sleep(self._seconds() * 0.6 + self._delay())
        if self._fails():
            fail(span, "ModelError", "the model gave no answer")
            return JSONResponse({"error": "the model gave no answer"}, 500)
        prediction = served.model.predict(payment["features"])
        span.set_attribute("ml.prediction.score", prediction.score)
        span.set_attribute("ml.prediction.label", prediction.label)
        answer = {"score": prediction.score, "label": prediction.label, "version": served.version, "arm": self._name}
        return JSONResponse(answer)

    def _seconds(self) -> float:
        return _TYPICAL_SECONDS * self._random.lognormvariate(0, _SPREAD)

    def _delay(self) -> float:
        if self._name != CANARY:
            return 0.0
        return self._switches.canary_delay_ms / 1_000 * self._random.lognormvariate(0, _SPREAD)

    def _fails(self) -> bool:
        extra = self._switches.canary_errors if self._name == CANARY else 0.0
        return self._random.random() < 1 - (1 - _ERRORS) * (1 - extra)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve one arm until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m mlops_tui.sandbox.inference.arms")
    parser.add_argument("--arm", required=True)
    parser.add_argument("--otlp", required=True, help="the address to which /v1/traces is appended")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    arm = Arm(given.arm, given.otlp, given.seed)
    ProcessServer(arm.application(), {"arm": given.arm}).run_until_told()


if __name__ == "__main__":
    main()
