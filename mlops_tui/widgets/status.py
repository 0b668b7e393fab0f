"""States as people see them: a sign, a word and a colour, so that no one of the three carries the news alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from mlops_tui.domain.runs import RunStatus
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Cell


@dataclass(frozen=True, slots=True)
class Status:
    """One state: sign, word and meaning."""

    sign: Sign
    word: str
    token: Token

    @property
    def cell(self) -> Cell:
        """Sign and word as a cell."""
        return Cell(f"{self.sign.glyph} {self.word}", self.token)


def run_status(status: RunStatus) -> Status:
    """How a run's state looks."""
    match status:
        case RunStatus.RUNNING:
            return Status(Sign.RUNNING, "running", Token.RUNNING)
        case RunStatus.SCHEDULED:
            return Status(Sign.WAITING, "scheduled", Token.MUTED)
        case RunStatus.FINISHED:
            return Status(Sign.OK, "finished", Token.OK)
        case RunStatus.FAILED:
            return Status(Sign.FAILED, "failed", Token.ERROR)
        case RunStatus.KILLED:
            return Status(Sign.STOPPED, "killed", Token.WARNING)
        case RunStatus.UNKNOWN:
            return Status(Sign.UNKNOWN, "unknown", Token.MUTED)
        case _:
            assert_never(status)


def comparison(is_better: bool | None) -> Status:
    """How a change for the better, for the worse, or neither looks."""
    if is_better is None:
        return Status(Sign.UNKNOWN, "", Token.PLAIN)
    return Status(Sign.BETTER, "better", Token.BETTER) if is_better else Status(Sign.WORSE, "worse", Token.WORSE)
