"""Inference traces: taken in as OpenTelemetry spans, read from where they are kept."""
