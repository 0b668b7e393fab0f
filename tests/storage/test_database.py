from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_tui.storage.database import Database, Durability, Schema
from mlops_tui.storage.errors import (
    BusyFileError,
    ClosedFileError,
    DamagedFileError,
    NewerFileError,
    StorageError,
    UnusableFileError,
)
from mlops_tui.storage.writer import Writer

SCHEMA = Schema((("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)",),))


def add(connection: sqlite3.Connection, text: str) -> int:
    return connection.execute("INSERT INTO notes (text) VALUES (?)", (text,)).lastrowid or 0


def adding(text: str) -> Callable[[sqlite3.Connection], int]:
    return lambda connection: add(connection, text)


def texts(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT text FROM notes ORDER BY id")]


def pragma(path: Path, name: str) -> object:
    with sqlite3.connect(path) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_what_was_written_is_there_after_reopening(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db", SCHEMA, Durability.FULL) as database:
        assert database.write_sync(adding("one")) == 1
        assert database.notices == ()
    with Database(tmp_path / "a.db", SCHEMA, Durability.NORMAL) as database:
        assert database.read_sync(texts) == ["one"]


@pytest.mark.parametrize(("durability", "level"), [(Durability.NORMAL, 1), (Durability.FULL, 2)])
def test_a_write_has_the_chosen_durability(tmp_path: Path, durability: Durability, level: int) -> None:
    with Database(tmp_path / "a.db", SCHEMA, durability) as database:
        found = database.write_sync(
            lambda connection: (
                connection.execute("PRAGMA synchronous").fetchone()[0],
                connection.execute("PRAGMA journal_mode").fetchone()[0],
                connection.execute("PRAGMA busy_timeout").fetchone()[0],
            )
        )
    assert found == (level, "wal", 5000)


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    old_mask = os.umask(0o022)
    try:
        path = tmp_path / "state" / "a.db"
        with Database(path, SCHEMA, Durability.FULL) as database:
            database.write_sync(adding("one"))
            modes = {item.name: stat.S_IMODE(item.stat().st_mode) for item in path.parent.iterdir()}
    finally:
        os.umask(old_mask)
    assert modes == {"a.db": 0o600, "a.db-wal": 0o600, "a.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_may_read_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.touch(mode=0o644)
    with Database(path, SCHEMA, Durability.FULL):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_writes_that_wait_together_share_a_commit_and_keep_their_order(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db", SCHEMA, Durability.FULL) as database:
        statements: list[str] = []
        await database.write(lambda connection: connection.set_trace_callback(statements.append))
        gate = threading.Event()
        first = asyncio.create_task(database.write(lambda _connection: gate.wait(10)))
        await asyncio.sleep(0)
        many = [asyncio.create_task(database.write(adding(f"{n}"))) for n in range(20)]
        await asyncio.sleep(0)
        assert await database.read(texts) == []
        assert not any(task.done() for task in many)
        gate.set()
        assert await first
        assert await asyncio.gather(*many) == list(range(1, 21))
        assert await database.read(texts) == [str(n) for n in range(20)]
        assert statements.count("COMMIT") <= 3
        assert sum(statement.startswith("INSERT") for statement in statements) == 20


async def test_a_change_that_fails_undoes_only_itself(tmp_path: Path) -> None:
    def fail_halfway(connection: sqlite3.Connection) -> None:
        add(connection, "half")
        raise ValueError("no")

    with Database(tmp_path / "a.db", SCHEMA, Durability.FULL) as database:
        results = await asyncio.gather(
            database.write(adding("before")),
            database.write(fail_halfway),
            database.write(adding("before")),
            database.write(adding("after")),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [int, ValueError, sqlite3.IntegrityError, int]
        assert database.read_sync(texts) == ["before", "after"]


async def test_a_cancelled_write_that_had_not_begun_is_not_done(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db", SCHEMA, Durability.FULL) as database:
        gate = threading.Event()
        first = asyncio.create_task(database.write(lambda _connection: gate.wait(10)))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(database.write(adding("never")))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        gate.set()
        await first
    with Database(tmp_path / "a.db", SCHEMA, Durability.FULL) as database:
        assert database.read_sync(texts) == []


def test_closing_writes_what_is_queued_and_refuses_what_comes_later(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    Database(path, SCHEMA, Durability.NORMAL).close()
    writer = Writer(sqlite3.connect(path, isolation_level=None, check_same_thread=False), path)
    gate = threading.Event()
    writer.submit(lambda _connection: gate.wait(10))
    queued = [writer.submit(adding(f"{n}")) for n in range(8)]
    closing = threading.Thread(target=writer.close)
    closing.start()
    gate.set()
    closing.join()
    assert [future.result(0) for future in queued] == list(range(1, 9))
    with pytest.raises(ClosedFileError):
        writer.submit(adding("late"))


def test_a_closed_file_says_so(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db", SCHEMA, Durability.NORMAL)
    database.close()
    database.close()
    with pytest.raises(ClosedFileError):
        database.write_sync(adding("late"))
    with pytest.raises(ClosedFileError):
        database.read_sync(texts)


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db", SCHEMA, Durability.FULL) as database, pytest.raises(UnusableFileError):
        database.read_sync(adding("one"))


def test_a_change_that_queues_another_is_refused_instead_of_waiting_for_ever(tmp_path: Path) -> None:
    with (
        Database(tmp_path / "a.db", SCHEMA, Durability.FULL) as database,
        pytest.raises(RuntimeError, match="wait for itself"),
    ):
        database.write_sync(lambda _connection: database.write_sync(texts))


def test_a_file_that_another_process_holds_is_named_as_busy(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Database(path, SCHEMA, Durability.FULL) as database:
        database.write_sync(lambda connection: connection.execute("PRAGMA busy_timeout=1"))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BusyFileError, match="in use"):
            database.write_sync(adding("one"))
        other.execute("ROLLBACK")
        other.close()
        assert database.write_sync(adding("one")) == 1


def test_migrations_are_taken_from_where_a_file_stands(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Database(path, SCHEMA, Durability.FULL) as database:
        database.write_sync(adding("one"))
    later = Schema((*SCHEMA.steps, ("ALTER TABLE notes ADD COLUMN stars INTEGER DEFAULT 3",)))
    with Database(path, later, Durability.FULL) as database:
        rows = database.read_sync(lambda connection: connection.execute("SELECT text, stars FROM notes").fetchall())
    assert rows == [("one", 3)]
    assert pragma(path, "user_version") == 2
    with pytest.raises(NewerFileError, match="later version"):
        Database(path, SCHEMA, Durability.FULL)


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    Database(path, SCHEMA, Durability.FULL).close()
    wrong = Schema((*SCHEMA.steps, ("CREATE TABLE more (id INTEGER)", "CREATE TABLE notes (id INTEGER)")))
    with pytest.raises(DamagedFileError, match="already exists"):
        Database(path, wrong, Durability.FULL)
    with Database(path, SCHEMA, Durability.FULL) as database:
        tables = database.read_sync(lambda connection: connection.execute("SELECT name FROM sqlite_schema").fetchall())
    assert ("more",) not in tables


@pytest.mark.parametrize("content", [b"garbage " * 1000, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_garbage_is_damage(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match="is damaged"):
        Database(path, SCHEMA, Durability.FULL)
    assert path.read_bytes() == content


def test_a_truncated_file_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Database(path, SCHEMA, Durability.FULL) as database:
        for n in range(40):
            database.write_sync(adding(f"{n}" + "x" * 2000))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 + 100])
    with pytest.raises(DamagedFileError):
        Database(path, SCHEMA, Durability.FULL)


def test_a_folder_in_the_files_place_is_named_as_unusable(tmp_path: Path) -> None:
    (tmp_path / "a.db").mkdir()
    with pytest.raises(UnusableFileError):
        Database(tmp_path / "a.db", SCHEMA, Durability.FULL)
    (tmp_path / "file").touch()
    with pytest.raises(UnusableFileError):
        Database(tmp_path / "file" / "a.db", SCHEMA, Durability.FULL)


def test_a_network_home_gets_no_write_ahead_log_and_a_notice(tmp_path: Path) -> None:
    home = tmp_path / "my home"
    mounts = tmp_path / "mounts"
    escaped = str(home).replace(" ", "\\040")
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/x {escaped} nfs4 rw 0 0\nnone {escaped}/local tmpfs rw 0 0\n")
    with Database(home / "a.db", SCHEMA, Durability.FULL, mounts=mounts) as database:
        assert "network file system (nfs4)" in database.notices[0]
        assert database.write_sync(adding("one")) == 1
        assert database.read_sync(texts) == ["one"]
    assert pragma(home / "a.db", "journal_mode") == "delete"
    with Database(home / "local" / "a.db", SCHEMA, Durability.FULL, mounts=mounts) as database:
        assert database.notices == ()
    with Database(tmp_path / "a.db", SCHEMA, Durability.FULL, mounts=tmp_path / "absent") as database:
        assert database.notices == ()


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    errors: list[Exception] = []

    def open_and_write(number: int) -> None:
        try:
            with Database(path, SCHEMA, Durability.NORMAL) as database:
                database.write_sync(adding(str(number)))
        except (StorageError, sqlite3.Error) as error:
            errors.append(error)

    threads = [threading.Thread(target=open_and_write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with Database(path, SCHEMA, Durability.NORMAL) as database:
        assert sorted(database.read_sync(texts)) == [str(n) for n in range(8)]
