"""Watching a rollout from a job or a console: a line whenever something changed, and an exit status at the end."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_tui.cli.actions import receipt_item
from mlops_tui.cli.errors import tell
from mlops_tui.cli.output import json_text, write_line
from mlops_tui.domain.canonical import plain
from mlops_tui.domain.errors import ExitCode, NotConfirmedError
from mlops_tui.domain.rollout_states import RolloutState

if TYPE_CHECKING:
    from mlops_tui.cli.options import GlobalOptions
    from mlops_tui.operations.rollouts.watching import Look, Watcher
    from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How to watch: until which state (None: until it is over), for how long in seconds, and how often to look."""

    until: RolloutState | None
    timeout: float | None
    interval: float


async def watch(session: Session, name: str, watched: WatchOptions, options: GlobalOptions) -> ExitCode:
    """Watch, act where that was confirmed, and answer how it ended.

    0 when the state that was waited for is reached, or the rollout is done; 1 when it was rolled back or ended
    otherwise; 3 when the time ran out first.
    """
    from mlops_tui.operations.rollouts.listing import rollout
    from mlops_tui.operations.rollouts.watching import Watcher

    record = (await rollout(session, name)).data
    watcher = Watcher(session, record.id, _may_act(session, record.model, record.is_production, options))
    if not watcher.may_act:
        tell("Only watching: nothing is done by itself without --yes, and --confirm NAME in production")
    printer = _Printer()
    try:
        async with asyncio.timeout(watched.timeout):
            return await _looks(watcher, watched, printer)
    except TimeoutError:
        tell(f"The time is over, and the rollout is {printer.state}")
        return ExitCode.INSUFFICIENT


def _may_act(session: Session, model: str, is_production: bool, options: GlobalOptions) -> bool:
    """Whether it was confirmed that the plan is carried out; a wrong name is told, and not passed over."""
    if not options.yes or options.dry_run or session.context.is_read_only:
        return False
    if is_production and options.confirm is not None and options.confirm != model:
        raise NotConfirmedError(
            "Nothing is watched", why="the confirmation does not match", remedy=f"Pass --confirm {model}"
        )
    return not is_production or options.confirm == model


async def _looks(watcher: Watcher, watched: WatchOptions, printer: _Printer) -> ExitCode:
    from mlops_tui.operations.rollouts.watching import watching

    state = RolloutState.STARTING
    looks = watching(watcher, watched.interval)
    try:
        async for look in looks:
            printer.show(look)
            state = look.record.state
            if state is watched.until:
                return ExitCode.DONE
    finally:
        await looks.aclose()
    if watched.until is not None:
        tell(f"The rollout ended as {state.value.replace('_', ' ')}")
        return ExitCode.GATE
    return ExitCode.DONE if state is RolloutState.DONE else ExitCode.GATE


class _Printer:
    """Writes a look as a line of JSON whenever it tells something new."""

    def __init__(self) -> None:
        self._last: dict[str, Any] = {}
        self.state = ""

    def show(self, look: Look) -> None:
        item = look_item(look)
        self.state = str(look.record.state.value)
        told = {key: value for key, value in item.items() if key != "at"}
        if told == self._last:
            return
        self._last = told
        write_line(json_text(plain(item)))
        sys.stdout.flush()
        if look.error is not None:
            tell(str(look.error))


def look_item(look: Look) -> dict[str, Any]:
    """One look as an item of ``mlops-tui/rollouts-watch/1``."""
    record, receipt = look.record, look.receipt
    return {
        "at": record.judgement.at if record.judgement else record.progress.since,
        "id": record.id,
        "project": record.project.path,
        "model": record.model,
        "version": record.version,
        "environment": record.environment,
        "step": record.progress.step,
        "weight": record.weight,
        "state": record.state,
        "verdict": record.verdict,
        "course": look.decision.course,
        "reason": f"{look.decision.reason}.",
        "note": look.note,
        "receipt": receipt_item(receipt) if receipt else None,
        "obstacles": [obstacle.text for obstacle in record.obstacles],
    }
