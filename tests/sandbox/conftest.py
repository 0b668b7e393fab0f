"""Fixtures: the session's sandboxes."""

from tests.sandbox.delivery import bench, still_sandbox
from tests.sandbox.factory import sandbox

__all__ = ["bench", "sandbox", "still_sandbox"]
