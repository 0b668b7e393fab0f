"""The last good snapshot of every view, kept on disk as the very records that the view draws."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Generic, Protocol, TypeVar

from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.live.encoding import Codec
from mlops_tui.storage.cache import Cache, CacheEntry

T = TypeVar("T")

CACHED = "cache"


class KeptSnapshot(Protocol[T]):
    """Where the last good snapshot of a view is kept; ``CachedView`` keeps records."""

    def load(self) -> Snapshot[T] | None:
        """What was kept, or None; never raises."""
        ...

    async def store(self, snapshot: Snapshot[T]) -> bool:
        """Keep a snapshot; False when it cannot be kept."""
        ...


class CachedView(Generic[T]):
    """The cached snapshot of one view in one context.

    ``view`` names the view with everything that its query depends on. What another version of the program wrote with
    records of another shape is as good as absent.

    Raises:
        TypeError: ``data_type`` has no encoding (see ``Codec``).
    """

    def __init__(self, cache: Cache, context: str, view: str, data_type: type[T]) -> None:
        self._cache = cache
        self._context = context
        self._view = view
        self._codec: Codec[T] = Codec(data_type)

    def load(self) -> Snapshot[T] | None:
        """Return what was kept, as old as it is and with the source ``CACHED``, or None.

        Never raises. Blocks for as long as reading and decoding take.
        """
        entry = self._cache.get(self._context, self._view, format=self._codec.fingerprint)
        if entry is None:
            return None
        try:
            return Snapshot(self._codec.decode(entry.body), entry.fetched_at, CACHED)
        except Exception:  # noqa: BLE001 - a corrupt entry may break any record's own rules, and is absent all the same
            return None

    async def store(self, snapshot: Snapshot[T]) -> bool:
        """Keep the data of ``snapshot``; False when they are not of the view's type or the cache cannot be written."""
        try:
            body = self._codec.encode(snapshot.data)
        except (TypeError, ValueError, RecursionError):
            return False
        entry = CacheEntry(self._codec.fingerprint, snapshot.fetched_at, snapshot.source, body)
        return await self._cache.put(self._context, self._view, entry)


def alike(one: object, other: object) -> bool:
    """Whether two values would be drawn alike: equal, with NaN equal to NaN."""
    if one is other or one == other:
        return True
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if type(one) is not type(other):
        return False
    match one, other:
        case float(), float():
            # Only NaN differs from itself.
            return one != one and other != other
        case (tuple() | list(), tuple() | list()):
            return len(one) == len(other) and all(map(alike, one, other))
    if not dataclasses.is_dataclass(one) or not _compares_by_value(one):
        return False
    return all(alike(getattr(one, field.name), getattr(other, field.name)) for field in dataclasses.fields(one))


def _compares_by_value(record: object) -> bool:
    """Whether the fields of a record say if it equals another one; large tables are only equal to themselves."""
    return type(record).__eq__ is not object.__eq__
