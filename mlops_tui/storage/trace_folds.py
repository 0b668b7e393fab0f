"""Counting stored spans into windows, each span exactly once for each way of counting.

A way of counting (a fold) remembers up to which span it has counted, and moves on in the same transaction in which its
windows grow, so that neither a crash nor a second process can count a span twice or forget one. A new profile is a fold
that starts at the first span there is: it catches up in the background by the same steps.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import orjson

from mlops_tui.analysis.window_slices import SliceCounter
from mlops_tui.domain.profiles import Bins, CategoryBins, NumericBins
from mlops_tui.domain.window_slices import NO_PROFILE, WindowProfile, WindowSlice
from mlops_tui.storage.trace_rows import SpanLoader, StoredSpan
from mlops_tui.storage.trace_windows import add_slices

DEFAULT_WIDTH = 300
STEP = 5_000
_MOST_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Fold:
    """A way of counting: by which profile (None: without bins), in windows how wide, and up to which span so far."""

    profile: WindowProfile | None
    width: int
    counted: int

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What identifies it."""
        if self.profile is None:
            return NO_PROFILE, "", "", self.width
        return self.profile.profile_id, self.profile.project, self.profile.model, self.width

    def moved(self, counted: int) -> Fold:
        """The same, having counted up to another span."""
        return replace(self, counted=counted)


@dataclass(frozen=True, slots=True)
class FoldProgress:
    """How far a fold has come: ``counted`` of ``total`` spans, of which the oldest ended at ``since_ns``."""

    fold: Fold
    total: int
    since_ns: int = 0

    @property
    def is_done(self) -> bool:
        """Whether every span is counted."""
        return self.fold.counted >= self.total


class RecentSpans:
    """The spans stored last by this process, so that counting need not read them back; only an optimisation."""

    def __init__(self) -> None:
        self._spans: list[StoredSpan] = []

    def remember(self, spans: Sequence[StoredSpan]) -> None:
        """Keep spans that were just stored, in the order of their numbers."""
        self._spans += spans
        if len(self._spans) > _MOST_REMEMBERED:
            self._spans = []

    def forget(self, counted: int) -> None:
        """Let go of the spans up to a number."""
        if self._spans and self._spans[0].number <= counted:
            self._spans = [stored for stored in self._spans if stored.number > counted]

    def after(self, number: int) -> list[StoredSpan]:
        """The spans that follow a number without a gap; empty when they have to be read."""
        start = number + 1 - self._spans[0].number if self._spans else -1
        if not 0 <= start < len(self._spans) or self._spans[start].number != number + 1:
            return []
        following = self._spans[start : start + STEP]
        return following if following[-1].number == number + len(following) else []


def ensure_fold(connection: sqlite3.Connection, fold: Fold) -> None:
    """Begin a fold where it is not there yet."""
    bins = {} if fold.profile is None else {name: _bins_document(bins) for name, bins in fold.profile.bins.items()}
    (since,) = connection.execute("SELECT coalesce(min(end_ns), 0) FROM spans").fetchone()
    connection.execute(
        "INSERT OR IGNORE INTO folds (profile, project, model, width, bins, counted, since) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*fold.key, orjson.dumps(bins).decode(), fold.counted, since),
    )


def all_folds(connection: sqlite3.Connection) -> tuple[Fold, ...]:
    """Every way of counting, those without bins first."""
    rows = connection.execute(
        "SELECT profile, project, model, bins, width, counted FROM folds ORDER BY profile, project, model, width"
    )
    return tuple(
        Fold(_profile(profile, project, model, bins) if profile else None, width, counted)
        for profile, project, model, bins, width, counted in rows
    )


def all_progress(connection: sqlite3.Connection, total: int) -> tuple[FoldProgress, ...]:
    """How far each way of counting has come of ``total`` spans, those without bins first."""
    since = {
        (profile, project, model, width): since_ns
        for profile, project, model, width, since_ns in connection.execute(
            "SELECT profile, project, model, width, since FROM folds"
        )
    }
    return tuple(FoldProgress(fold, total, since[fold.key]) for fold in all_folds(connection))


def base_fold(folds: Iterable[Fold], width: int | None = None) -> Fold:
    """The way of counting without bins, in windows of ``width`` if that is given, that has come furthest."""
    plain = (fold for fold in folds if fold.profile is None and width in {None, fold.width})
    return max(plain, key=lambda fold: (fold.counted, -fold.width), default=Fold(None, width or DEFAULT_WIDTH, 0))


def count_slices(fold: Fold, spans: Iterable[StoredSpan]) -> tuple[WindowSlice, ...]:
    """The windows of some spans by one fold."""
    counter = SliceCounter(fold.width, fold.profile)
    counter.add((stored.subject, stored.span) for stored in spans)
    return counter.slices()


def uncounted(connection: sqlite3.Connection, fold: Fold, limit: int) -> list[StoredSpan]:
    """The next spans that a fold has to count, read from the database."""
    return SpanLoader(connection).after(fold.counted, limit)


def advance(fold: Fold, slices: Sequence[WindowSlice], counted: int) -> Callable[[sqlite3.Connection], bool]:
    """A change that adds ``slices`` and moves the fold on to ``counted``; False when another process did so."""

    def change(connection: sqlite3.Connection) -> bool:
        moved = connection.execute(
            "UPDATE folds SET counted = ? "
            "WHERE profile = ? AND project = ? AND model = ? AND width = ? AND counted = ?",
            (counted, *fold.key, fold.counted),
        )
        if moved.rowcount != 1:
            return False
        add_slices(connection, slices)
        return True

    return change


def _bins_document(bins: Bins) -> dict[str, list[float] | list[str]]:
    match bins:
        case NumericBins(edges):
            return {"edges": list(edges)}
        case CategoryBins(categories):
            return {"categories": list(categories)}


def _profile(profile_id: str, project: str, model: str, document: str) -> WindowProfile:
    bins: dict[str, Bins] = {
        name: NumericBins(tuple(map(float, entry["edges"])))
        if "edges" in entry
        else CategoryBins(tuple(entry["categories"]))
        for name, entry in orjson.loads(document).items()
    }
    return WindowProfile(profile_id, project, model, bins)
