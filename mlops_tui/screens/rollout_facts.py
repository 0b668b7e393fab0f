"""What stands above a rollout: how far it is, the verdict with its reason, what is missing, what is in the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from textual.content import Content

from mlops_tui.domain.judgements import Verdict
from mlops_tui.domain.rollout_states import Phase
from mlops_tui.domain.rollout_words import breach_course, estimate_of, needs_of
from mlops_tui.domain.rollouts import Rollout
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
    steps = (_needs_and_watcher(rollout, now), _estimate(rollout, now))
    rows = [_title(rollout, now), _verdict(rollout), watching, *steps, *_obstacles(rollout)]
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
    needs = needs_of(rollout, lambda moment: clock_time(moment, now))
    return line(Cell(needs), _watcher(rollout, now), separator="  ·  ")


def _estimate(rollout: Rollout, now: datetime) -> Content:
    text = estimate_of(rollout, lambda moment: clock_time(moment, now))
    return line(Cell(f"{Sign.WAITING.glyph} {text}", Token.MUTED)) if text else Content("")


def _watcher(rollout: Rollout, now: datetime) -> Cell:
    """Who watches it; where nobody does, the keys that go on, or after a breach back."""
    holder, is_breached = rollout.watcher(now), rollout.verdict is Verdict.BREACH
    if rollout.state.is_over:
        return Cell("")
    if holder is not None:
        return Cell(f"watched by {holder}" + (f", who {breach_course(rollout)}" if is_breached else ""), Token.MUTED)
    if is_breached or rollout.progress.phase is Phase.ABORTING:
        return Cell(f"nobody watches it: Z goes back to {rollout.control_version}", Token.WARNING)
    keys = "H resumes it" if rollout.progress.phase is Phase.HELD else "N or W go on"
    return Cell(f"nobody watches it: {keys}", Token.MUTED)


def _obstacles(rollout: Rollout) -> Iterator[Content]:
    for obstacle in rollout.obstacles:
        yield line(Cell(f"{Sign.WARNING.glyph} {obstacle.text}", Token.WARNING))
