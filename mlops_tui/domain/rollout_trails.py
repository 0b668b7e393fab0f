"""The trail of a rollout: what it came to and when, short enough to stand in the line that GitLab keeps of it.

``1+0.2+1800.h+2400.r+3000`` is read: step 1 began at once, step 2 after 1800 seconds, it was held after 2400 and
resumed after 3000. ``p`` is a promotion that began, ``a`` an abort. What is noted as it comes has the time of sending
in place of the seconds, which nobody knows before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mlops_tui.domain.api_calls import SECOND, TIME_OF_SENDING
from mlops_tui.domain.rollout_states import WHEN_SENT, Phase, Progress

_LETTERS = {Phase.HELD: "h", Phase.RUNNING: "r", Phase.PROMOTING: "p", Phase.ABORTING: "a"}
_PHASES = {letter: phase for phase, letter in _LETTERS.items()}
_TURN = re.compile(rf"(?P<what>[1-9][0-9]?|[hrpa])\+(?:(?P<seconds>0|[1-9][0-9]{{0,8}})|(?P<at>{SECOND}))")


@dataclass(frozen=True, slots=True)
class Turn:
    """What a rollout came to at ``at``: a step, or with ``step`` 0 a phase; RUNNING without a step is a resumption."""

    phase: Phase
    step: int
    at: datetime


def present_turn(progress: Progress) -> Turn | None:
    """What a rollout's present step or phase began with; None before the first step."""
    match progress.phase:
        case Phase.RUNNING | Phase.HELD:
            return Turn(Phase.RUNNING, progress.step, progress.since) if progress.step else None
        case Phase.PROMOTING | Phase.ABORTING | Phase.DONE | Phase.ABORTED:
            return Turn(progress.phase, 0, progress.since)


def left_behind(trail: Iterable[Turn], before: Progress, after: Progress, at: datetime) -> tuple[Turn, ...]:
    """The trail once a rollout has gone from one progress to another at ``at``.

    What it is now stands beside the trail already, so that only a hold and its end are noted as they come. A step that
    is done once more, because it had stopped half-way, was not left.
    """
    found = list(trail)
    present, coming = present_turn(before), present_turn(after)
    if after.since != before.since:
        is_left = coming is None or present is None or (coming.phase, coming.step) != (present.phase, present.step)
        found += [present] if present is not None and is_left else []
    elif after.phase is not before.phase and after.phase in {Phase.HELD, Phase.RUNNING}:
        found.append(Turn(after.phase, 0, at))
    return tuple(sorted(found, key=lambda turn: turn.at))


def trail_text(trail: Iterable[Turn], begun: datetime) -> str:
    """A trail as it is written, to the second."""
    return ".".join(f"{turn.step or _LETTERS[turn.phase]}+{_when(turn.at, begun)}" for turn in trail)


def read_trail(text: str, begun: datetime) -> tuple[Turn, ...] | None:
    """The trail in a text, None where it is none that this program wrote."""
    found: list[Turn] = []
    for part in text.split("."):
        turn = _TURN.fullmatch(part)
        if turn is None:
            return None
        try:
            at = datetime.fromisoformat(turn["at"]) if turn["at"] else begun + timedelta(seconds=int(turn["seconds"]))
        except ValueError:
            return None
        what = turn["what"]
        found.append(Turn(_PHASES[what], 0, at) if what in _PHASES else Turn(Phase.RUNNING, int(what), at))
    return tuple(found)


def _when(at: datetime, begun: datetime) -> str:
    return TIME_OF_SENDING if at == WHEN_SENT else str(_seconds(at, begun))


def _seconds(at: datetime, begun: datetime) -> int:
    # Both are cut to the second before they are compared: so is what stands beside the trail.
    return max(0, int(_whole(at).timestamp() - _whole(begun).timestamp()))


def _whole(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
