"""Watching alerts for as long as somebody wants: judge, tell what is new, train again where the policy allows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.alert_board import Alert
from mlops_tui.domain.errors import MlopsError
from mlops_tui.domain.retraining import RetrainDecision
from mlops_tui.operations.alerts import AlertBoard, evaluate
from mlops_tui.operations.escalation import Escalated, escalate
from mlops_tui.operations.retrain_cases import decide_all
from mlops_tui.operations.retraining import Retrained, retrain_automatically
from mlops_tui.operations.session import Session

# What GitLab refused is not asked again at once: every attempt is an entry of the journal.
RETRY_AFTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How to watch; ``interval`` is in seconds."""

    model: str | None = None
    interval: float = 60.0
    escalates: bool = True
    retrains: bool = True


@dataclass(frozen=True, slots=True)
class WatchRound:
    """One look: the alerts that changed since the last, and what was told; ``error`` where nothing could be read."""

    board: AlertBoard
    changed: tuple[Alert, ...] = ()
    told: tuple[Escalated, ...] = ()
    retrained: tuple[Retrained, ...] = ()
    error: MlopsError | None = None


@dataclass(slots=True)
class AlertWatch:
    """Looks again and again; a connection that is lost is waited for."""

    session: Session
    options: WatchOptions
    _seen: dict[str, tuple[object, ...]] = field(default_factory=dict)
    _failed: dict[str, datetime] = field(default_factory=dict)

    async def rounds(self) -> AsyncIterator[WatchRound]:
        """One look after the other, without an end."""
        while True:
            yield await self._look()
            await self.session.clock.sleep(self.options.interval)

    async def _look(self) -> WatchRound:
        try:
            board = (await evaluate(self.session, self.options.model)).data
            told = tuple([item async for item in self._escalate(board)])
            retrained = tuple([item async for item in self._retrain(board)])
        except MlopsError as error:
            return WatchRound(AlertBoard(()), error=error)
        now = self.session.clock.now()
        changed = tuple(item for item in board.alerts if self._seen.get(item.fingerprint) != _standing(item, now))
        self._seen = {item.fingerprint: _standing(item, now) for item in board.alerts}
        return WatchRound(board, changed, told, retrained)

    async def _escalate(self, board: AlertBoard) -> AsyncIterator[Escalated]:
        now = self.session.clock.now()
        patient = [item for item in board.alerts if self._may_try(item.fingerprint, now)]
        async for item in escalate(self.session, patient if self.options.escalates else ()):
            if item.receipt is None or item.receipt.outcome is not Outcome.DONE:
                self._failed[item.alert.fingerprint] = now
            yield item

    async def _retrain(self, board: AlertBoard) -> AsyncIterator[Retrained]:
        if not self.options.retrains:
            return
        now = self.session.clock.now()
        decisions = (await decide_all(self.session, board)).data
        patient = [item for item in decisions if self._may_try(_model_key(item), now)]
        async for item in retrain_automatically(self.session, patient):
            if item.receipt is None or item.receipt.outcome is not Outcome.DONE:
                self._failed[_model_key(item.decision)] = now
            yield item

    def _may_try(self, key: str, now: datetime) -> bool:
        failed = self._failed.get(key)
        return failed is None or now - failed >= RETRY_AFTER


def _model_key(decision: RetrainDecision) -> str:
    return f"{decision.case.project}:{decision.case.model}"


def _standing(alert: Alert, now: datetime) -> tuple[object, ...]:
    """What a watcher is told when it changes: not every new value."""
    return alert.status.state, alert.status.episode, alert.silence(now), alert.acknowledgement
