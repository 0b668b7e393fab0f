"""Sends inferences with OpenTelemetry's own SDK and exporter, gzipped and in batches; prints how many it made.

Usage: export_spans.py URL COUNT PAUSE_SECONDS
"""

from __future__ import annotations

import logging
import sys
import time

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

BATCH = 100


def main(url: str, count: str, pause: str) -> None:
    # What the exporter gives up on it only logs.
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR)
    resource = Resource.create({"service.name": "fraud-api", "deployment.environment.name": "production"})
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(f"{url}/v1/traces", compression=Compression.Gzip)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_export_batch_size=BATCH))
    tracer = provider.get_tracer("fraud", "1.0")
    for number in range(int(count)):
        with tracer.start_as_current_span("predict fraud", kind=SpanKind.SERVER) as span:
            span.set_attributes(
                {
                    "ml.model.name": "fraud",
                    "ml.model.version": "1.2.0",
                    "ml.deployment.track": "canary" if number % 10 == 0 else "stable",
                    "ml.feature.number": number,
                    "ml.prediction.score": number / 1000,
                    "user.email": "not to be stored",
                }
            )
            if number % 50 == 0:
                span.set_status(Status(StatusCode.ERROR, "refused"))
        if number % BATCH == BATCH - 1:
            provider.force_flush()
            time.sleep(float(pause))
    provider.shutdown()
    print(count)


if __name__ == "__main__":
    main(*sys.argv[1:])
