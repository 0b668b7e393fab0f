"""Fixtures: the session's sandboxes."""

from tests.sandbox.factory import sandbox

__all__ = ["sandbox"]
