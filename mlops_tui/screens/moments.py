"""Asking for a past moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from mlops_tui.domain.durations import parse_duration
from mlops_tui.domain.errors import UsageError
from mlops_tui.screens.view import View
from mlops_tui.widgets.form import FormDialog, TextField

EXAMPLES = "2026-03-14 09:00, or 3d for three days ago"


def ask_moment(view: View, question: str, answer: Callable[[datetime | None], None]) -> None:
    """Ask, and hand over the moment, or None when the person left or wrote none."""

    def read(answers: object) -> None:
        if not isinstance(answers, dict):
            answer(None)
            return
        try:
            answer(read_moment(answers["moment"], view.host.clock.now()))
        except UsageError as error:
            view.notify(str(error), severity="warning", markup=False)
            answer(None)

    view.app.push_screen(FormDialog(question, [TextField("moment", "Moment", placeholder=EXAMPLES)], verb="Show"), read)


def read_moment(text: str, now: datetime) -> datetime:
    """A moment in UTC: a date with or without a time of day, local unless it names a zone, or how long ago.

    Raises UsageError for anything else.
    """
    try:
        return now - parse_duration(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text[:40]} is no moment", remedy=f"Write {EXAMPLES}") from None
    zone = now.astimezone().tzinfo
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
