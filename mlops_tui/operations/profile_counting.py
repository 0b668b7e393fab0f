"""Having the store on this machine count a model's traffic by the bins of its reference, the past included."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from mlops_tui.domain.window_slices import WindowProfile
from mlops_tui.operations.session import Session
from mlops_tui.storage.errors import StorageError
from mlops_tui.storage.trace_folds import FoldProgress
from mlops_tui.storage.trace_reading import FAR_BEHIND, EmbeddedTraces
from mlops_tui.storage.traces import TraceStore
from mlops_tui.tracing.readers import TraceReader


async def counting_progress(reader: TraceReader, profile: WindowProfile) -> FoldProgress | None:
    """How far the store has come in counting by a profile; None where it does not, or keeps no counts at all."""
    if not isinstance(reader, EmbeddedTraces):
        return None
    found = [item for item in await reader.progress() if _is_of(item, profile)]
    return max(found, key=lambda item: item.fold.counted, default=None)


async def keep_counting(session: Session, reader: TraceReader, profile: WindowProfile) -> FoldProgress | None:
    """See to it that the store counts by a profile, and say how far it is.

    What is there of the past is counted in the background while the session lasts. Nothing happens where the store is
    another machine's or cannot be written: figures then come from the spans themselves.
    """
    progress = await counting_progress(reader, profile)
    is_behind = progress is None or progress.total - progress.fold.counted > FAR_BEHIND
    if isinstance(reader, EmbeddedTraces) and is_behind:
        name = f"count {profile.model} by {profile.profile_id}"
        session.in_background(name, lambda: _count(session, reader, profile, lambda _: None))
    return progress


async def count_past(
    session: Session, reader: TraceReader, profile: WindowProfile, tell: Callable[[FoldProgress], None]
) -> None:
    """Count by a profile all that is there, telling of it after every step; nothing where counts are not kept."""
    if isinstance(reader, EmbeddedTraces):
        await _count(session, reader, profile, tell)


async def _count(
    session: Session, reader: EmbeddedTraces, profile: WindowProfile, tell: Callable[[FoldProgress], None]
) -> None:
    with suppress(StorageError):
        store = await asyncio.to_thread(TraceStore, reader.path, session.clock)
        try:
            await store.add_profile(profile)
            while await store.fold():
                progress = await counting_progress(reader, profile)
                if progress is not None:
                    tell(progress)
        finally:
            await store.close(counts=False)


def _is_of(progress: FoldProgress, profile: WindowProfile) -> bool:
    known = progress.fold.profile
    return known is not None and (known.profile_id, known.project, known.model) == (
        profile.profile_id,
        profile.project,
        profile.model,
    )
