"""What is remembered of alerts between two looks: how far each was judged, who took it on, what is silenced.

Losing the file loses nothing that GitLab holds: an open issue says that its alert fires. So a broken file is set aside
and begun anew.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mlops_tui.domain.alert_board import Acknowledgement, Handling, Silence
from mlops_tui.domain.alerts import AlertState, AlertStatus
from mlops_tui.storage.database import Database, Durability, Schema
from mlops_tui.storage.errors import DamagedFileError
from mlops_tui.storage.files import MOUNTS, set_aside

FILE_NAME = "alerts.db"

_SCHEMA = Schema(
    steps=(
        (
            "CREATE TABLE statuses (fingerprint TEXT PRIMARY KEY, rule TEXT NOT NULL, status TEXT NOT NULL)",
            """CREATE TABLE handlings (
                fingerprint TEXT PRIMARY KEY,
                acknowledgement TEXT,
                silence TEXT,
                told TEXT
            )""",
        ),
    )
)
_MOMENTS = frozenset({"since", "beyond_until", "judged_until", "fired_at", "resolved_at"})

Change = Callable[[AlertStatus | None], AlertStatus]


class AlertStore:
    """The file at ``path``, shared by every process of the user.

    ``notices`` are sentences for the user about how it had to be opened.

    Raises:
        StorageError: The file cannot be used.
    """

    def __init__(self, path: Path, *, mounts: Path = MOUNTS) -> None:
        self.notices: tuple[str, ...] = ()
        try:
            self._database = Database(path, _SCHEMA, Durability.NORMAL, mounts=mounts)
        except DamagedFileError as error:
            aside = set_aside(path)
            self._database = Database(path, _SCHEMA, Durability.NORMAL, mounts=mounts)
            self.notices = (f"What was remembered of alerts was broken ({error.why}) and is begun anew; see {aside}.",)
        self.notices += self._database.notices

    async def status(self, fingerprint: str, rule: str) -> AlertStatus | None:
        """How far an alert was judged by exactly this ``rule`` (its digest), or None."""
        return await self._database.read(lambda connection: _status(connection, fingerprint, rule))

    async def advance(self, fingerprint: str, rule: str, change: Change) -> AlertStatus:
        """Replace the status by what ``change`` makes of it, with no other process in between."""

        def write(connection: sqlite3.Connection) -> AlertStatus:
            before = _status(connection, fingerprint, rule)
            status = change(before)
            if status != before:
                row = (fingerprint, rule, _to_json(status))
                connection.execute("INSERT OR REPLACE INTO statuses VALUES (?, ?, ?)", row)
            return status

        return await self._database.write(write)

    async def handlings(self) -> dict[str, Handling]:
        """What people said of alerts, by fingerprint."""

        def query(connection: sqlite3.Connection) -> dict[str, Handling]:
            rows = connection.execute("SELECT fingerprint, acknowledgement, silence, told FROM handlings").fetchall()
            return {
                fingerprint: Handling(_acknowledgement(acknowledged), _silence(silenced), told or "")
                for fingerprint, acknowledged, silenced, told in rows
            }

        return await self._database.read(query)

    async def acknowledge(self, fingerprint: str, given: Acknowledgement) -> None:
        """Remember that somebody looks after it."""
        await self._keep(fingerprint, "acknowledgement", _to_json(given))

    async def silence(self, fingerprint: str, given: Silence | None) -> None:
        """Remember a silence, or end one."""
        await self._keep(fingerprint, "silence", None if given is None else _to_json(given))

    async def tell(self, fingerprint: str, episode: str) -> None:
        """Remember which firing was told to somebody other than an issue, "" once that is over."""
        await self._keep(fingerprint, "told", episode)

    def close(self) -> None:
        """Write what is queued and close the file."""
        self._database.close()

    async def _keep(self, fingerprint: str, column: str, value: str | None) -> None:
        statement = (
            f"INSERT INTO handlings (fingerprint, {column}) VALUES (?, ?) "  # noqa: S608 - one of our three columns
            f"ON CONFLICT (fingerprint) DO UPDATE SET {column} = excluded.{column}"
        )

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(statement, (fingerprint, value))

        await self._database.write(write)


def _status(connection: sqlite3.Connection, fingerprint: str, rule: str) -> AlertStatus | None:
    row = connection.execute(
        "SELECT status FROM statuses WHERE fingerprint = ? AND rule = ?", (fingerprint, rule)
    ).fetchone()
    if row is None:
        return None
    stored = json.loads(row[0])
    values: dict[str, Any] = {name: _moment(value) if name in _MOMENTS else value for name, value in stored.items()}
    values["state"] = AlertState(values["state"])
    values["held"] = timedelta(seconds=values["held"])
    return AlertStatus(**values)


def _to_json(record: AlertStatus | Acknowledgement | Silence) -> str:
    return json.dumps({item.name: _plain(getattr(record, item.name)) for item in fields(record)})


def _plain(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case _:
            return value


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _acknowledgement(text: str | None) -> Acknowledgement | None:
    if text is None:
        return None
    values = json.loads(text)
    return Acknowledgement(values["episode"], values["by"], datetime.fromisoformat(values["at"]), values["note"])


def _silence(text: str | None) -> Silence | None:
    if text is None:
        return None
    values = json.loads(text)
    until, at = (datetime.fromisoformat(values[name]) for name in ("until", "at"))
    return Silence(until, values["by"], at, values["reason"])
