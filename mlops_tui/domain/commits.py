"""Commits and merge requests, as far as a run or a version refers to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; ``sha`` in full."""

    sha: str
    title: str
    author: str
    committed_at: datetime | None
    web_url: str

    @property
    def short_sha(self) -> str:
        """The eight digits that people read."""
        return self.sha[:8]


@dataclass(frozen=True, slots=True)
class MergeRequestRef:
    """A merge request by its number within the project; ``state`` is GitLab's word."""

    iid: int
    title: str
    state: str
    web_url: str
