"""Fixtures: a demo company of one's own for every test."""

from __future__ import annotations

from tests.operations.conftest import company, demo_data

__all__ = ["company", "demo_data"]
