"""A real little inference service for the sandbox's fraud model: a gateway and two arms, each a process of its own.

It is a program beside the sandbox, not a part of it, and talks to it over HTTP only: it asks which versions serve,
polls the feature flags as any Unleash client does, and exports spans with OpenTelemetry's own SDK.
"""
