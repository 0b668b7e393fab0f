"""Moments as people write them on the command line."""

from __future__ import annotations

from datetime import UTC, datetime

from mlops_tui.domain.errors import UsageError


def moment_of(text: str) -> datetime:
    """Read ISO 8601; without a zone it is UTC. Raises UsageError for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no moment", remedy="Write it like 2026-02-03T10:00:00Z or 2026-02-03") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
