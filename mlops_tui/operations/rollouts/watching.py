"""Watch a rollout, and do by itself what its plan allows: the controller, run by a CI job or a console.

It keeps no state of its own. Every look reads the rollout anew from GitLab, decides by the plan, and acts under the
lease; whoever starts it elsewhere goes on from what GitLab says.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

from mlops_tui.domain.actions import (
    ActionKind,
    Change,
    Confirmation,
    ConfirmationKind,
    Intent,
    Outcome,
    Preview,
    Receipt,
    Subject,
)
from mlops_tui.domain.api_calls import ApiAnswer, ApiCall
from mlops_tui.domain.errors import MlopsError, RemoteError
from mlops_tui.domain.rollout_decisions import Course, Decision, decide
from mlops_tui.domain.rollouts import Rollout
from mlops_tui.domain.text import counted
from mlops_tui.operations.actions import Action, Performed, Sender, run
from mlops_tui.operations.reconciliation import reconcile
from mlops_tui.operations.rollouts.aborts import prepare_abort
from mlops_tui.operations.rollouts.leases import LeaseKeeper, LeaseLostError, NoLeaseError
from mlops_tui.operations.rollouts.listing import renewed, rollout
from mlops_tui.operations.rollouts.steps import prepare_advance, prepare_hold
from mlops_tui.operations.session import Session

INTERVAL = 10.0
_MOST_ABORTS = 3


@dataclass(frozen=True, slots=True)
class Look:
    """One look: how the rollout stands, what the plan says, and what was done about it.

    ``receipt`` is None where nothing was done; ``note`` then says why, where the plan would have something done.
    """

    record: Rollout
    decision: Decision
    receipt: Receipt | None = None
    note: str = ""
    error: MlopsError | None = None


@dataclass(slots=True)
class Watcher:
    """One watcher of one rollout; only ``may_act`` lets it do what the plan allows."""

    session: Session
    name: str
    may_act: bool
    holder: str = ""
    _record: Rollout | None = None
    _keeper: LeaseKeeper | None = None
    _aborts: int = 0

    async def look(self) -> Look:
        """Look once, and act where the plan and the lease allow it.

        Raises UsageError when there is no such rollout, RemoteError when GitLab cannot be asked.
        """
        known = self._record
        found = renewed(self.session, known) if known is not None else rollout(self.session, self.name)
        record = self._record = (await found).data
        self.name = record.id
        decision = decide(record)
        if not self.may_act:
            return Look(record, decision, note="only watching" if decision.course.acts else "")
        return await self._acting(record, decision)

    async def close(self) -> None:
        """Give the lease back."""
        if self._keeper is not None:
            await self.session.uninterrupted.run(self._keeper.give_back())

    async def _acting(self, record: Rollout, decision: Decision) -> Look:
        keeper = self._keeper_of(record)
        try:
            is_ours = decision.course is not Course.OVER and await self.session.uninterrupted.run(keeper.keep())
        except (NoLeaseError, RemoteError) as error:
            if decision.course is Course.ROLL_BACK:
                return await self._done(record, decision, None)
            if isinstance(error, RemoteError):
                raise
            return Look(record, decision, note=str(error), error=error)
        record = replace(record, lease=keeper.other or record.lease)
        if not decision.course.acts:
            return Look(record, decision)
        if not is_ours:
            who = keeper.other.holder if keeper.other else "another watcher"
            return Look(record, decision, note=f"{who} holds the lease, and acts")
        # Nothing may stop an abort half-way, a lost lease least of all.
        return await self._done(record, decision, None if decision.course is Course.ROLL_BACK else keeper)

    async def _done(self, record: Rollout, decision: Decision, keeper: LeaseKeeper | None) -> Look:
        """Carry a decision out; what keeps it from being done is told, and the next look decides anew."""
        try:
            await self._settle()
            action = await self._action(record, decision)
            if action is None:
                return Look(record, decision, note="it was tried often enough: a person has to look")
            if keeper is not None:
                action = leased(action, keeper)
            receipt = await run(self.session, action, action.preview.confirmation.name)
        except MlopsError as error:
            return Look(record, decision, note=str(error), error=error)
        if decision.course is Course.ROLL_BACK and receipt.outcome is Outcome.DONE:
            self._aborts += 1
        fresh = await self._fresh(record)
        return Look(fresh, decision, receipt, note=receipt.message)

    async def _action(self, record: Rollout, decision: Decision) -> Action | None:
        match decision.course:
            case Course.ADVANCE | Course.FINISH:
                return await prepare_advance(self.session, record.address)
            case Course.HOLD:
                return await prepare_hold(self.session, record.address, decision.reason)
            case Course.ROLL_BACK:
                if self._aborts >= _MOST_ABORTS:
                    return None
                return await prepare_abort(self.session, record.address, decision.reason)
            case Course.WAIT | Course.TELL | Course.OVER:
                return None

    async def _settle(self) -> None:
        """Ask what came of actions whose outcome is not known, since they would stand in the way."""
        if await asyncio.to_thread(self.session.journal.unsettled):
            await reconcile(self.session)

    async def _fresh(self, record: Rollout) -> Rollout:
        try:
            return (await renewed(self.session, record)).data
        except RemoteError:
            return record

    def _keeper_of(self, record: Rollout) -> LeaseKeeper:
        if self._keeper is None:
            self.holder = self.holder or f"{self.session.username or 'watcher'}@{socket.gethostname()}"
            unique = f"{self.holder[:80]} {secrets.token_hex(4)}"
            self._keeper = LeaseKeeper(self.session, record.project, record.id, unique)
        return self._keeper


def watch_preview(rollout: Rollout, origin: str) -> Preview:
    """What a person agrees to before the program acts by itself; the intents come with the actions, one each."""
    subject = Subject(origin, rollout.project.path, rollout.model, rollout.version, rollout.environment)
    confirmation = Confirmation(ConfirmationKind.YES)
    if rollout.is_production:
        confirmation = Confirmation(ConfirmationKind.TYPE_NAME, rollout.model)
    plan = rollout.plan
    return Preview(
        intent=Intent("", ActionKind.ADVANCE_ROLLOUT, subject, rollout.progress.since),
        title=f"Watch the rollout of {rollout.model} {rollout.version} in {rollout.environment} from here",
        calls=(),
        changes=(
            Change("next steps", "by hand", "as soon as a step has its time and samples and is HEALTHY"),
            Change("on a breach", "by hand", f"{plan.on_breach.value} at once" if plan else "nothing is planned"),
            Change("too little data", "by hand", plan.on_insufficient.value if plan else "nothing is planned"),
        ),
        confirmation=confirmation,
        is_production=rollout.is_production,
        obstacles=("From now on this program acts without asking, until it is closed or W is pressed again",),
        gaps=("It takes a lease (a feature flag without strategies), so that of several watchers one acts",),
    )


async def watching(watcher: Watcher, interval: float = INTERVAL) -> AsyncGenerator[Look, None]:
    """Look every ``interval`` seconds until the rollout is over; the last look says so.

    A lost connection is waited out. The lease is given back at the end, whatever happens.
    """
    await watcher.session.identify()
    last: Look | None = None
    try:
        while True:
            try:
                last = await watcher.look()
            except RemoteError as error:
                if last is None:
                    raise
                last = replace(last, receipt=None, note=str(error), error=error)
            yield last
            if last.record.state.is_over:
                return
            await watcher.session.clock.sleep(interval)
    finally:
        await watcher.close()


def leased(action: Action, keeper: LeaseKeeper) -> Action:
    """The same action, which looks for the lease right before each of its calls and stops where it was lost."""

    async def perform(sender: Sender) -> Performed:
        guarded = _LeasedSender(sender.session, sender.moment, sender.sent, keeper)
        try:
            return await action.perform(guarded)
        except LeaseLostError as error:
            outcome = Outcome.FAILED if sender.sent else Outcome.REFUSED
            return Performed(f"{error} Made before: {counted(len(sender.sent), 'call')}", outcome=outcome)

    return replace(action, perform=perform)


@dataclass(slots=True)
class _LeasedSender(Sender):
    keeper: LeaseKeeper | None = None

    async def _require(self, keeper: LeaseKeeper) -> None:
        """Only a look: where it fails nothing was sent, so it must not leave open whether the call arrived."""
        try:
            await keeper.require()
        except RemoteError as error:
            why = f"whether the lease is still held could not be read: {error.why or error.what}"
            raise LeaseLostError("Nothing was sent", why=why) from error

    async def send(self, call: ApiCall) -> ApiAnswer:
        if self.keeper is not None:
            await self._require(self.keeper)
        return await Sender.send(self, call)
