"""The sandbox's state: one SQLite file and the folder of blobs beside it."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from importlib.resources.abc import Traversable
    from pathlib import Path

Row = sqlite3.Row


class Database:
    """One connection, used in-line by the one event-loop thread.

    Nothing may be awaited inside `transaction()`: another request would join it. An answer is sent only after the
    transaction that it reports was committed.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.files = folder / "files"
        self.files.mkdir(exist_ok=True)
        self._depth = 0
        self._connection = sqlite3.connect(folder / "sandbox.db", isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=5000"):
            self._connection.execute(f"PRAGMA {pragma}")
        for script in schema_scripts():
            self._connection.executescript(script)

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection itself, for bulk inserts."""
        return self._connection

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run a block as one transaction; nested blocks belong to the outermost one."""
        if self._depth:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
            return
        self._connection.execute("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        else:
            self._connection.execute("COMMIT")
        finally:
            self._depth = 0

    def execute(self, statement: str, arguments: Sequence[Any] | Mapping[str, Any] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self._connection.execute(statement, arguments)

    def all(self, statement: str, arguments: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        """Return every row."""
        return self._connection.execute(statement, arguments).fetchall()

    def one(self, statement: str, arguments: Sequence[Any] | Mapping[str, Any] = ()) -> Row | None:
        """Return the first row, or None."""
        row: Row | None = self._connection.execute(statement, arguments).fetchone()
        return row

    def value(self, statement: str, arguments: Sequence[Any] | Mapping[str, Any] = ()) -> Any:
        """Return the first column of the first row, or None without a row."""
        row = self.one(statement, arguments)
        return None if row is None else row[0]

    def insert(self, table: str, values: Mapping[str, Any]) -> int:
        """Insert one row and return its rowid; the names come from our own code, never from a request."""
        columns = ", ".join(values)
        marks = ", ".join("?" for _ in values)
        cursor = self._connection.execute(
            f"INSERT INTO {table} ({columns}) VALUES ({marks})",  # noqa: S608 - names are literals of this package
            tuple(values.values()),
        )
        return cursor.lastrowid or 0

    def update(self, table: str, row_id: int, values: Mapping[str, Any]) -> None:
        """Update one row by its `id`; the names come from our own code, never from a request."""
        if not values:
            return
        assignments = ", ".join(f"{column} = ?" for column in values)
        self._connection.execute(
            f"UPDATE {table} SET {assignments} WHERE id = ?",  # noqa: S608 - names are literals of this package
            (*values.values(), row_id),
        )


def schema_scripts() -> list[str]:
    """Return the text of every `*.sql` of this package and its folders, sorted by name."""
    found: dict[str, str] = {}

    def walk(folder: Traversable, prefix: str) -> None:
        for entry in folder.iterdir():
            name = f"{prefix}{entry.name}"
            if entry.is_dir():
                walk(entry, f"{name}/")
            elif name.endswith(".sql"):
                found[name] = entry.read_text(encoding="utf-8")

    walk(resources.files("mlops_tui.sandbox"), "")
    return [found[name] for name in sorted(found)]
