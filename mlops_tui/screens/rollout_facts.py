"""What stands above a rollout: how far it is, the verdict with its reason, what is missing, what is in the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from textual.content import Content
from textual.geometry import Size

from mlops_tui.domain.judgements import Verdict
from mlops_tui.domain.rollout_states import Phase
from mlops_tui.domain.rollout_words import breach_course, estimate_of, needs_of
from mlops_tui.domain.rollouts import Rollout
from mlops_tui.screens.live import PROD
from mlops_tui.screens.states import rollout_state, verdict
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Cell, line
from mlops_tui.widgets.text_layout import fold, line_width, text_line
from mlops_tui.widgets.times import age, clock_time

NOT_JUDGED = "nothing was judged yet"
# The lines that obstacles leave to the title, the verdict and what the step needs.
NOT_OBSTACLES = 4


def facts(rollout: Rollout, now: datetime, watched: str | None = None, room: Size | None = None) -> Content:
    """The lines, the most important first; ``watched`` is what this program is about to do itself.

    Where they do not fit into ``room``, the reason of the verdict is cut first, then the estimate goes, then the rest
    from the end.
    """
    own = f"{Sign.MARK.glyph} This program acts by itself (W ends that): {watched}"
    watching = line(Cell(own, Token.WARNING)) if watched is not None else Content("")
    reason, estimate = _verdict(rollout), _estimate(rollout, now)
    needs = _needs_and_watcher(rollout, now, room, is_watched=watched is not None)
    rows = [_title(rollout, now), *_obstacles(rollout, room), reason, watching, needs, estimate]
    rows = [row for row in rows if row]
    return Content("\n").join(rows if room is None else _fitted(rows, rows.index(reason), estimate, room))


def _fitted(rows: list[Content], elastic: int, optional: Content, room: Size) -> list[Content]:
    """The rows in at most as many lines as there are; the elastic one takes what the others leave."""
    lines = [1 if index == elastic else _height(row, room.width) for index, row in enumerate(rows)]
    if optional and sum(lines) > room.height:
        rows, lines = rows[:-1], lines[:-1]
    for index in reversed(range(len(lines))):
        lines[index] = max(1, lines[index] - max(0, sum(lines) - room.height))
    lines[elastic] += max(0, room.height - sum(lines))
    return [_cut(row, room.width, count) for row, count in zip(rows, lines, strict=True)][: room.height]


def _height(row: Content, width: int) -> int:
    return len(fold(text_line(row.plain), width))


def _cut(row: Content, width: int, lines: int) -> Content:
    """The row in that many lines, with an ellipsis where something is left out."""
    pieces = fold(text_line(row.plain), width)
    if len(pieces) <= lines:
        return row
    taken = sum(map(line_width, pieces[: lines - 1])) + min(width, line_width(pieces[lines - 1]))
    return row.truncate(taken, ellipsis=True)


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


def _needs_and_watcher(rollout: Rollout, now: datetime, room: Size | None, *, is_watched: bool) -> Content:
    """What the step needs and who watches; the tree says the former too, so it goes last in a short line."""
    parts = [Cell(needs_of(rollout, lambda moment: clock_time(moment, now)))]
    parts.append(_watcher(rollout, now, is_watched=is_watched))
    whole = line(*parts, separator="  ·  ")
    if room is None or whole.cell_length <= room.width:
        return whole
    return line(*reversed(parts), separator="  ·  ")


def _estimate(rollout: Rollout, now: datetime) -> Content:
    text = estimate_of(rollout, lambda moment: clock_time(moment, now))
    return line(Cell(f"{Sign.WAITING.glyph} {text}", Token.MUTED)) if text else Content("")


def _watcher(rollout: Rollout, now: datetime, *, is_watched: bool) -> Cell:
    """Who watches it; where nobody does, the keys that go on, or after a breach back.

    This program watches also while it has no lease: before its first look, and between two leases.
    """
    holder, is_breached = rollout.watcher(now), rollout.verdict is Verdict.BREACH
    if rollout.state.is_over:
        return Cell("")
    if holder is not None:
        return Cell(f"watched by {holder}" + (f", who {breach_course(rollout)}" if is_breached else ""), Token.MUTED)
    if is_watched:
        return Cell("")
    if is_breached or rollout.progress.phase is Phase.ABORTING:
        return Cell(f"nobody watches it: Z goes back to {rollout.control_version}", Token.WARNING)
    keys = "H resumes it" if rollout.progress.phase is Phase.HELD else "N or W go on"
    return Cell(f"nobody watches it: {keys}", Token.MUTED)


def _obstacles(rollout: Rollout, room: Size | None) -> Iterator[Content]:
    """What is in the way; where there is little room, as much as leaves some for title, verdict and needs."""
    most = len(rollout.obstacles) if room is None else max(1, room.height - NOT_OBSTACLES)
    left = len(rollout.obstacles) - most
    for number, obstacle in enumerate(rollout.obstacles[:most], start=1):
        more = f" (and {left} more: d)" if left > 0 and number == most else ""
        yield line(Cell(f"{Sign.WARNING.glyph}{more} {obstacle.text}", Token.WARNING))
