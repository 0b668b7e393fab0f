"""Who took the lease of a rollout, and when it was given back or ran out: what its flags and this machine know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from mlops_tui.domain.rollout_leases import LeaseNote
from mlops_tui.domain.rollouts import EventKind, Lease, RolloutEvent


def lease_events(leases: Sequence[Lease], notes: Sequence[LeaseNote], now: datetime) -> Iterator[RolloutEvent]:
    """What is known of the leases, in no order.

    ``leases`` are those whose flags GitLab still holds: it deletes a flag with all that it said, so of earlier ones
    only the ``notes`` of this machine's own watchers tell.
    """
    pending = list(notes)
    for lease in leases:
        own = [note for note in pending if _is_taking(note, lease)]
        taken_at = lease.taken_at or (own[-1].at if own else None)
        if own:
            pending.remove(own[-1])
        if taken_at is not None:
            yield _event(taken_at, f"{_taken(lease.number, lease.holder)}{_until(lease, taken_at)}")
        if lease.holder and lease.expires_at <= now:
            yield _event(lease.expires_at, f"lease {lease.number} of {lease.holder} ran out")
    for note in pending:
        given_back = f"lease {note.number} was given back by {note.holder}"
        yield _event(note.at, given_back if note.is_given_back else _taken(note.number, note.holder))


def _is_taking(note: LeaseNote, lease: Lease) -> bool:
    return not note.is_given_back and (note.number, note.holder) == (lease.number, lease.holder)


def _taken(number: int, holder: str) -> str:
    # The first has no number before it; whoever makes a later one found one that had run out.
    return f"lease {number} was taken{' over' if number > 1 else ''} by {holder or 'nobody that its flag names'}"


def _until(lease: Lease, taken_at: datetime) -> str:
    if not lease.holder:
        return ""
    until = lease.expires_at.astimezone(UTC)
    is_same_day = until.date() == taken_at.astimezone(UTC).date()
    return f" until {until.strftime('%H:%M:%S' if is_same_day else '%Y-%m-%d %H:%M:%S')} UTC"


def _event(at: datetime, text: str) -> RolloutEvent:
    return RolloutEvent(at, EventKind.LEASE, text)
