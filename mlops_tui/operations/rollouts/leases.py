"""Take, keep and give back the lease of a rollout, so that of several watchers only one acts.

The highest number acts. It looks for a higher one right before each write; what remains is the moment between that look
and the write. The next number alone is not enough: whoever has the one after it clears the older ones, and a watcher
that was slow to take its own may find a gap. Aborting needs no lease.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.errors import InvalidRequestError, MlopsError, RefusedError, RemoteError
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.rollout_leases import LeaseNote, lease_name, lease_text, leases_of
from mlops_tui.domain.rollouts import Lease
from mlops_tui.gitlab.feature_flags import (
    change_flag_call,
    create_flag_call,
    delete_flag_call,
    flexible,
    list_flags,
)
from mlops_tui.operations.actions import Performed, Sender, refuse_when_read_only
from mlops_tui.operations.rollouts.sightings import Move, ProjectReading
from mlops_tui.operations.session import Session
from mlops_tui.storage.journal_leases import lease_draft

LASTS = timedelta(seconds=90)
_NOWHERE = "mlops-tui-lease"


class LeaseLostError(RefusedError):
    """Somebody else holds the lease now, so this watcher does nothing."""


class NoLeaseError(RefusedError):
    """GitLab does not let a lease be made, so nothing is done without being asked."""


@dataclass(slots=True)
class LeaseKeeper:
    """One watcher's hold on one rollout; ``holder`` tells it from every other watcher.

    ``held`` is the number it holds, None while it holds none; ``other`` is who holds it instead.
    """

    session: Session
    project: ProjectRef
    rollout: str
    holder: str
    held: int | None = None
    other: Lease | None = None
    _until: datetime | None = field(default=None)

    async def keep(self) -> bool:
        """Take the lease where nobody holds it, or renew it where it is ours; whether it is ours now.

        Raises NoLeaseError where GitLab refuses to make one, and RemoteError.
        """
        refuse_when_read_only(self.session)
        listing = await list_flags(self.session.transport, self.project)
        now = listing.server_time or self.session.clock.now()
        known = leases_of(listing.flags, self.rollout)
        newest = known[-1] if known else None
        if newest is not None and newest.number == self.held and newest.holder == self.holder:
            await self._renew(newest, now)
        elif newest is not None and newest.expires_at > now and newest.holder != self.holder:
            self.held, self.other = None, newest
            return False
        else:
            await self._take(newest, now)
        if self.held is not None:
            await self._forget([lease for lease in known if lease.number < self.held])
        return self.held is not None

    async def require(self) -> None:
        """Look once more, right before a write: ours, not expired, and nobody has taken over.

        Raises LeaseLostError.
        """
        if self.held is None:
            raise self._lost("this watcher does not hold it")
        listing = await list_flags(self.session.transport, self.project)
        leases = leases_of(listing.flags, self.rollout)
        if leases and leases[-1].number > self.held:
            raise self._lost("another watcher has taken over")
        own = next((lease for lease in leases if lease.number == self.held), None)
        if own is None or own.holder != self.holder:
            raise self._lost("its flag is gone")
        if own.expires_at <= (listing.server_time or self.session.clock.now()):
            raise self._lost("it has expired")

    async def give_back(self) -> None:
        """Let the next watcher act at once; what fails here runs out by itself."""
        if self.held is None:
            return
        number, self.held = self.held, None
        try:
            await self._send(delete_flag_call(self.project, lease_name(self.rollout, number), "give the lease back"))
        except RemoteError:
            return
        await self._noted(LeaseNote(number, self.holder, self.session.clock.now(), is_given_back=True))

    def _lost(self, why: str) -> LeaseLostError:
        self.held = None
        return LeaseLostError("Nothing was sent", why=f"the lease of rollout {self.rollout}: {why}")

    async def _renew(self, newest: Lease, now: datetime) -> None:
        """Extend it once half of it has passed; one that ran out meanwhile is still ours while it is the highest."""
        if newest.expires_at - now > LASTS / 2:
            return
        name = lease_name(self.rollout, newest.number)
        await self._send(change_flag_call(self.project, name, self._text(now), (), "keep the lease"))

    async def _take(self, newest: Lease | None, now: datetime) -> None:
        number = newest.number + 1 if newest else 1
        name = lease_name(self.rollout, number)
        try:
            await self._create(name, self._text(now))
        except InvalidRequestError as error:
            if "already been taken" in error.why:
                self.held, self.other = None, newest
                return
            raise NoLeaseError(
                "No lease can be made, so nothing is done by itself",
                why=error.why,
                remedy="Delete feature flags that are no longer used, or step by hand with `rollouts advance`",
            ) from error
        self.held, self.other = number, None
        await self._noted(LeaseNote(number, self.holder, now))

    async def _create(self, name: str, text: str) -> None:
        """Make the flag without strategies; where GitLab wants one, with a share of nothing in no environment."""
        purpose = "take the lease"
        try:
            await self._send(create_flag_call(self.project, name, text, (), purpose))
        except InvalidRequestError as error:
            if "trateg" not in error.why:
                raise
            nothing = flexible("lease", 0, "default") | {"scopes": [{"environment_scope": _NOWHERE}]}
            await self._send(create_flag_call(self.project, name, text, [nothing], purpose))

    async def _forget(self, older: list[Lease]) -> None:
        for lease in older:
            try:
                await self._send(
                    delete_flag_call(self.project, lease_name(self.rollout, lease.number), "clear an old lease")
                )
            except RemoteError:
                return

    async def _noted(self, note: LeaseNote) -> None:
        """Whoever reads the journal sees who acted by themselves, and from when to when."""
        try:
            await self.session.journal.append(lease_draft(self.rollout, note))
        except MlopsError:
            return

    async def _send(self, call: ApiCall) -> None:
        await self.session.transport.send(call)

    def _text(self, now: datetime) -> str:
        return lease_text(self.holder, now + LASTS)


def clearing_leases(move: Move, reading: ProjectReading, rollout: str) -> Move:
    """The same move, which then deletes leases that ran out: nobody renews or clears them once a rollout is over.

    What fails of that is left alone, since nothing rests on it.
    """
    known = leases_of(reading.flags.flags, rollout) if reading.flags else []
    names = [lease_name(rollout, lease.number) for lease in known if lease.expires_at <= reading.now]
    calls = tuple(delete_flag_call(reading.project.ref, name, "clear a lease that ran out") for name in names)

    async def perform(sender: Sender) -> Performed:
        performed = await move.perform(sender)
        for call in calls:
            try:
                await sender.send(call)
            except RemoteError:
                return performed
        return performed

    return Move((*move.calls, *calls), perform)
