from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mlops_tui.storage.cache import Cache, CacheEntry
from tests.clocks import START

ENTRY = CacheEntry("runs/1", START, "gitlab.example.com", b'{"runs": []}')


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache.db"


async def test_what_is_put_is_what_is_got_also_after_a_restart(path: Path) -> None:
    cache = Cache(path)
    entry = replace(ENTRY, fetched_at=START + timedelta(microseconds=123457), body=bytes(range(256)))
    assert await cache.put("work", "runs", entry)
    assert cache.put_sync("home", "runs", ENTRY)
    assert cache.get("work", "runs", format="runs/1") == entry
    cache.close()
    again = Cache(path)
    assert again.get("work", "runs", format="runs/1") == entry
    assert again.get("home", "runs", format="runs/1") == ENTRY
    assert again.get("work", "models", format="runs/1") is None
    assert again.notices == ()
    again.close()


def test_an_entry_of_another_format_is_absent_and_is_replaced(path: Path) -> None:
    cache = Cache(path)
    cache.put_sync("work", "runs", ENTRY)
    assert cache.get("work", "runs", format="runs/2") is None
    newer = replace(ENTRY, format="runs/2")
    cache.put_sync("work", "runs", newer)
    assert cache.get("work", "runs", format="runs/2") == newer
    assert cache.get("work", "runs", format="runs/1") is None
    cache.close()


def test_the_oldest_entries_go_when_the_limit_is_reached(path: Path) -> None:
    cache = Cache(path, limit=1000)
    for hour in (3, 1, 2, 4):
        cache.put_sync("work", f"view {hour}", CacheEntry("f", START + timedelta(hours=hour), "s", bytes(300)))
    kept = [hour for hour in (1, 2, 3, 4) if cache.get("work", f"view {hour}", format="f")]
    assert kept == [2, 3, 4]
    assert not cache.put_sync("work", "huge", replace(ENTRY, body=bytes(1001)))
    assert cache.get("work", "view 4", format="f")
    cache.close()


@pytest.mark.parametrize("content", [b"nonsense" * 600, b"SQLite format 3\x00" + b"\x01" * 3000])
def test_a_broken_file_is_renamed_and_begun_anew(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    cache = Cache(path)
    assert cache.get("work", "runs", format="runs/1") is None
    assert cache.put_sync("work", "runs", ENTRY)
    assert cache.get("work", "runs", format="runs/1") == ENTRY
    assert "begun anew" in cache.notices[0]
    assert path.with_name("cache.db.broken").read_bytes() == content
    cache.close()
    assert Cache(path).notices == ()


@pytest.mark.parametrize("asynchronous", [True, False])
async def test_damage_that_shows_while_the_program_runs_begins_it_anew(path: Path, asynchronous: bool) -> None:
    cache = Cache(path)
    cache.put_sync("work", "runs", ENTRY)
    other = sqlite3.connect(path)
    other.execute("DROP TABLE entries")
    other.close()
    if asynchronous:
        assert not await cache.put("work", "runs", ENTRY)
    else:
        assert cache.get("work", "runs", format="runs/1") is None
    assert len(cache.notices) == 1
    assert await cache.put("work", "runs", ENTRY)
    assert cache.get("work", "runs", format="runs/1") == ENTRY
    cache.close()


@pytest.mark.parametrize(("column", "value"), [("fetched_at", "yesterday"), ("fetched_at", 10**18), ("body", 12.5)])
def test_a_row_of_nonsense_is_absent(path: Path, column: str, value: object) -> None:
    cache = Cache(path)
    cache.put_sync("work", "runs", ENTRY)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(f"UPDATE entries SET {column} = ?", (value,))
    other.close()
    assert cache.get("work", "runs", format="runs/1") is None
    assert cache.put_sync("work", "runs", ENTRY)
    cache.close()


def test_without_a_usable_folder_there_is_no_cache_and_a_notice(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = Cache(tmp_path / "file" / "cache.db")
    assert not cache.put_sync("work", "runs", ENTRY)
    assert cache.get("work", "runs", format="runs/1") is None
    assert cache.notices[0].startswith("Nothing is cached: ")
    cache.close()


def test_a_later_versions_file_is_left_alone(path: Path) -> None:
    Cache(path).close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version=99")
    other.close()
    cache = Cache(path)
    assert not cache.put_sync("work", "runs", ENTRY)
    assert "later version" in cache.notices[0]
    assert not path.with_name("cache.db.broken").exists()


def test_a_closed_cache_is_empty_and_says_nothing(path: Path) -> None:
    cache = Cache(path)
    cache.put_sync("work", "runs", ENTRY)
    cache.close()
    assert cache.get("work", "runs", format="runs/1") is None
    assert not cache.put_sync("work", "runs", ENTRY)
    assert cache.notices == ()
