"""What is new in the log of a job that still runs, although GitLab only gives the whole text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mlops_tui.domain.errors import MlopsError

CAPACITY = 10_000


@dataclass(frozen=True, slots=True)
class LogChunk:
    """What is new in a log.

    ``replaces_last``: the last line shown so far has grown, ``lines`` begin with it anew. ``is_restart``: the log is
    another one, forget what was shown. ``dropped`` counts the lines from the start of the log that are kept no more;
    so many may come at once that some were never in any chunk.
    """

    lines: tuple[str, ...]
    replaces_last: bool
    is_restart: bool
    dropped: int
    is_complete: bool
    fetched_at: datetime
    error: MlopsError | None
