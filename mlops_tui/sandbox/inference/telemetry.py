"""Spans of the inference service, recorded and exported with OpenTelemetry's own SDK.

The names under `ml.` are those that docs/traces.md describes. The SDK belongs to the extra `demo` of the program.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import Span, Tracer

# Spans wait so long before they are sent together, in milliseconds. Those of the arms come first, so that a trace that
# is looked at while it is new tells of its model.
ARM_DELAY, GATEWAY_DELAY = 1_000, 3_000
_TIMEOUT_SECONDS = 5
MISSING = "OpenTelemetry's SDK is not installed; install the extra: pip install 'mlops-tui[demo]'"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who sends spans: a service of a project in an environment, made of a commit."""

    service: str
    project_id: int
    project: str
    environment: str
    commit: str

    def resource(self) -> dict[str, str]:
        """Return the resource attributes that GitLab asks applications to set."""
        return {
            "service.name": self.service,
            "service.version": self.commit,
            "deployment.environment.name": self.environment,
            "gitlab.project.id": str(self.project_id),
            "gitlab.project.name": self.project,
        }


def is_installed() -> bool:
    """Tell whether the SDK and its exporter are there."""
    try:
        return all(map(find_spec, ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")))
    except ImportError:
        return False


class Telemetry:
    """One origin's tracer; `otlp` is the address to which `/v1/traces` is appended, `delay` in milliseconds."""

    def __init__(self, otlp: str, origin: Origin, delay: int) -> None:
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        exporter = OTLPSpanExporter(
            endpoint=f"{otlp}/v1/traces", timeout=_TIMEOUT_SECONDS, compression=Compression.NoCompression
        )
        self._provider = TracerProvider(resource=Resource(origin.resource()), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=delay))
        self.tracer: Tracer = self._provider.get_tracer("mlops_tui.sandbox.inference")

    def close(self) -> None:
        """Send what is left and stop; takes up to some seconds when nobody listens."""
        self._provider.shutdown()


def headers_of(span: Span) -> dict[str, str]:
    """Return the headers that carry a span to the next service (W3C Trace Context)."""
    from opentelemetry.trace import set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier, set_span_in_context(span))
    return carrier


def context_of(headers: Mapping[str, str]) -> Any:
    """Return the context that came with a request."""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract(dict(headers))


def fail(span: Span, kind: str, message: str) -> None:
    """Mark a span as ended in an error of some kind, such as `timeout`."""
    from opentelemetry.trace import Status, StatusCode

    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, message))
