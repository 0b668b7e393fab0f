"""What stands above a rollout: how far it is, the verdict with its reason, what is missing, what is in the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from textual.content import Content

from mlops_tui.domain.durations import format_duration
from mlops_tui.domain.rollouts import Rollout, StepProgress
from mlops_tui.screens.live import PROD
from mlops_tui.screens.states import rollout_state, verdict
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Cell, line
from mlops_tui.widgets.times import age, clock_time

NOT_JUDGED = "nothing was judged yet"


def facts(rollout: Rollout, now: datetime, watched: str | None = None) -> Content:
    """The lines, the most important first; ``watched`` is what this program is about to do itself."""
    own = f"{Sign.MARK.glyph} This program acts by itself (W ends that): {watched}"
    watching = line(Cell(own, Token.WARNING)) if watched is not None else Content("")
    rows = [_title(rollout, now), _verdict(rollout), watching, _needs_and_watcher(rollout, now), *_obstacles(rollout)]
    return Content("\n").join(row for row in rows if row)


def _title(rollout: Rollout, now: datetime) -> Content:
    place = f"{PROD} {rollout.environment}" if rollout.is_production else rollout.environment
    count = len(rollout.steps)
    return line(
        Cell(f"{rollout.model} {rollout.version} over {rollout.control_version}", Token.STRONG),
        Cell(place, Token.PRODUCTION if rollout.is_production else Token.PLAIN),
        Cell(f"step {rollout.progress.step}/{count or '?'}"),
        Cell(f"{rollout.weight:g} %", Token.STRONG),
        rollout_state(rollout.state).cell,
        Cell(f"for {age(rollout.begun_at, now)}", Token.MUTED),
        separator="  ",
    )


def _verdict(rollout: Rollout) -> Content:
    if rollout.judgement is None:
        return line(Cell(f"{Sign.WAITING.glyph} {NOT_JUDGED}", Token.MUTED))
    return line(verdict(rollout.verdict).cell, rollout.judgement.reason, separator="  ")


def _needs_and_watcher(rollout: Rollout, now: datetime) -> Content:
    needs = _needs(rollout.needs, now) if rollout.needs and not rollout.state.is_over else ""
    return line(Cell(needs), _watcher(rollout, now), separator="  ·  ")


def _needs(needs: StepProgress, now: datetime) -> str:
    parts = [format_duration(needs.soak_left)] if needs.soak_left else []
    parts += [f"{count:,} of {arm}" for arm, count in needs.samples_left.items() if count]
    if not parts:
        return "the step is complete"
    about = f"ready about {clock_time(needs.eta, now)}" if needs.eta else "no pace yet"
    return f"needs {', '.join(parts)}: {about}"


def _watcher(rollout: Rollout, now: datetime) -> Cell:
    lease = rollout.lease
    if rollout.state.is_over:
        return Cell("")
    if lease is None or lease.expires_at <= now:
        return Cell("nobody watches it: N or W go on", Token.MUTED)
    return Cell(f"watched by {lease.holder}", Token.MUTED)


def _obstacles(rollout: Rollout) -> Iterator[Content]:
    for obstacle in rollout.obstacles:
        yield line(Cell(f"{Sign.WARNING.glyph} {obstacle.text}", Token.WARNING))
