"""An alert as an issue of GitLab, and what is told about it there as notes, in a form that programs read back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from mlops_tui.domain.alert_board import Acknowledgement, Alert
from mlops_tui.domain.canonical import instant
from mlops_tui.domain.marked_texts import HEX64, INTENT, fenced, marked, read_marked

ALERT_SCHEMA = "mlops-tui/alert/1"
NOTE_SCHEMA = "mlops-tui/alert-note/1"
ALERT_LABEL = "mlops-alert"

_ISSUE_WORD = "mlops-alert"
_NOTE_WORD = "mlops-alert-note"
_TITLE_LIMIT = 255
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Told(StrEnum):
    """What a note tells of an alert."""

    STILL_FIRING = "still_firing"
    RESOLVED = "resolved"
    ACKNOWLEDGED = "acknowledged"
    SILENCED = "silenced"
    RETRAINED = "retrained"


_ISSUE_FIELDS = {
    "fingerprint": HEX64,
    "fired_at": _MOMENT,
    "intent": INTENT,
    "schema": re.compile(re.escape(ALERT_SCHEMA)),
}
_NOTE_FIELDS = {
    "episode": _MOMENT,
    "fingerprint": HEX64,
    "intent": INTENT,
    "schema": re.compile(re.escape(NOTE_SCHEMA)),
    "told": re.compile("|".join(Told)),
}


@dataclass(frozen=True, slots=True)
class AlertMark:
    """Which firing of which alert an issue is about, and by which action it was opened."""

    fingerprint: str
    fired_at: datetime
    intent: str


@dataclass(frozen=True, slots=True)
class AlertNote:
    """What a note tells of which alert; ``episode`` is when that firing began."""

    fingerprint: str
    episode: datetime
    told: Told
    intent: str


def issue_title(alert: Alert) -> str:
    """The issue's title: one line that mentions nobody, since GitLab looks for mentions in titles too."""
    return f"Alert: {' '.join(alert.title.split())}".replace("@", "(at)")[:_TITLE_LIMIT]


def issue_text(alert: Alert, fired_at: datetime, intent: str) -> str:
    """The issue's description: the mark, and what a person needs to know; names of people and rules are fenced."""
    head = marked(
        _ISSUE_WORD,
        {
            "fingerprint": alert.fingerprint,
            "fired_at": instant(fired_at),
            "intent": intent,
            "schema": ALERT_SCHEMA,
        },
    )
    how = (
        "This issue is closed when the alert is over. Take it on with `mlops-tui alerts ack`, or with `A` in the "
        "dashboard's view of alerts."
    )
    return f"{head}\n\n{how}\n\n{fenced(facts(alert))}\n"


def note_text(alert: Alert, told: Told, intent: str, text: str = "") -> str:
    """A note's body; ``text`` is what a person wrote or a sentence of ours."""
    head = marked(
        _NOTE_WORD,
        {
            "episode": instant(alert.status.fired_at or _NEVER),
            "fingerprint": alert.fingerprint,
            "intent": intent,
            "schema": NOTE_SCHEMA,
            "told": told.value,
        },
    )
    said = told.value.replace("_", " ")
    return f"{head}\n\nThe alert is **{said}**.\n\n{fenced(text or facts(alert))}"


def read_mark(body: str) -> AlertMark | None:
    """What an issue's raw description marks it as, or None."""
    values = read_marked(body, _ISSUE_WORD, _ISSUE_FIELDS)
    if values is None:
        return None
    fired_at = _moment(values["fired_at"])
    return AlertMark(values["fingerprint"], fired_at, values["intent"]) if fired_at else None


def read_note(body: str) -> AlertNote | None:
    """What a note's raw body tells of an alert, or None."""
    values = read_marked(body, _NOTE_WORD, _NOTE_FIELDS)
    if values is None:
        return None
    episode = _moment(values["episode"])
    return AlertNote(values["fingerprint"], episode, Told(values["told"]), values["intent"]) if episode else None


def acknowledged(note: AlertNote, by: str, at: datetime) -> Acknowledgement | None:
    """The acknowledgement that a note makes, if it makes one."""
    return Acknowledgement(note.episode.isoformat(), by, at) if note.told is Told.ACKNOWLEDGED else None


def facts(alert: Alert) -> str:
    """What is known of an alert, line by line."""
    status = alert.status
    lines = [
        f"alert        {alert.rule.name}",
        f"model        {alert.subject.project}:{alert.subject.model}",
        f"environment  {alert.subject.environment or 'all of them'}",
        f"severity     {alert.rule.severity.value}",
        f"figure       {alert.rule.metric}",
        f"limit        {alert.limit}",
        f"value        {value_text(alert)}",
    ]
    if status.fired_at:
        lines.append(f"firing since {instant(status.fired_at)}")
    if status.resolved_at:
        lines.append(f"over since   {instant(status.resolved_at)}")
    return "\n".join(lines)


def value_text(alert: Alert) -> str:
    """The last value with what it rests on."""
    status = alert.status
    if status.value is None:
        return "nothing known"
    unit = f" {alert.metric.unit}" if alert.metric.unit else ""
    return f"{status.value:.4g}{unit} (n = {status.n:,})"


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
