from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mlops_tui.domain.actions import ActionKind, CallRecord, Intent, Outcome, Receipt, Subject
from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.errors import ExitCode, RefusedError, UnsettledError
from mlops_tui.domain.journal import GENESIS, EntryKind, verify_chain
from mlops_tui.storage.journal import BrokenJournalError, Journal, UnwritableJournalError
from mlops_tui.storage.journal_entries import (
    Draft,
    calls_of,
    intent_draft,
    intent_of,
    receipt_draft,
    receipt_of,
    reconciliation_draft,
)
from tests.clocks import START, ManualClock

FRAUD = Subject("https://gitlab.example.com", "acme/fraud", "fraud", "1.2.0", "production")
CALLS = (ApiCall(Method.POST, "/api/v4/projects/7/pipeline", {"ref": "main"}),)


def make_intent(number: int, subject: Subject = FRAUD) -> Intent:
    expected: dict[str, JsonValue] = {"live": "1.1.0", "metrics": {"auc": 0.93}}
    return Intent(f"intent-{number}", ActionKind.PROMOTE, subject, START, expected, "better", "someone")


def make_receipt(intent: Intent, outcome: Outcome) -> Receipt:
    calls = (CallRecord("POST", "https://gitlab.example.com/api/v4/projects/7/pipeline", 201, "abc"),)
    return Receipt(intent, outcome, "deployed", calls, ("https://gitlab.example.com/p/1",), {"pipeline": 611})


def fill(path: Path, count: int) -> None:
    clock = ManualClock()
    journal = Journal(path, clock)
    for number in range(count):
        journal.append_sync(Draft(EntryKind.INTENT, f"intent-{number}", {"n": number, "text": "x" * 500}))
        clock.tick(60)
    journal.close()


def tamper(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for trigger in ("entries_are_not_changed", "entries_are_not_deleted", "entries_are_appended"):
        connection.execute(f"DROP TRIGGER {trigger}")
    for statement in statements:
        connection.execute(statement)
    connection.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


async def test_entries_are_chained_and_come_back_as_they_were_written(path: Path) -> None:
    clock = ManualClock(START + timedelta(microseconds=1234))
    journal = Journal(path, clock)
    intent = make_intent(1)
    first = await journal.append(intent_draft(intent, CALLS))
    second = await journal.append(receipt_draft(make_receipt(intent, Outcome.DONE)))
    journal.close()
    again = Journal(path, clock)
    assert again.entries() == (first, second)
    assert (first.sequence, first.previous, second.previous) == (1, GENESIS, first.hash)
    assert first.at == START + timedelta(milliseconds=1)
    assert again.verify() == verify_chain([first, second])
    assert again.verify().holds
    assert intent_of(first) == intent
    assert calls_of(first) == CALLS
    assert receipt_of(second, intent) == make_receipt(intent, Outcome.DONE)
    again.close()


def test_entries_are_filtered_and_the_newest_are_kept(path: Path) -> None:
    fill(path, 6)
    journal = Journal(path, ManualClock())
    journal.append_sync(Draft(EntryKind.RECEIPT, "intent-2", {"outcome": "done"}))

    def sequences(**filters: object) -> list[int]:
        return [entry.sequence for entry in journal.entries(**filters)]  # type: ignore[arg-type] # one door for many

    assert sequences() == [1, 2, 3, 4, 5, 6, 7]
    assert sequences(kinds=(EntryKind.RECEIPT,)) == [7]
    assert sequences(intent_id="intent-2") == [3, 7]
    minute = timedelta(minutes=1)
    assert sequences(since=START + 2 * minute, until=START + 4 * minute) == [3, 4]
    assert sequences(limit=2) == [6, 7]
    assert sequences(limit=0) == []
    journal.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET payload = '{}' WHERE sequence = 2",
        "DELETE FROM entries WHERE sequence = 3",
        "INSERT OR REPLACE INTO entries SELECT 2, at, kind, 'other', payload, previous, hash FROM entries LIMIT 1",
        "INSERT INTO entries SELECT 9, at, kind, intent_id, payload, previous, hash FROM entries LIMIT 1",
    ],
)
def test_the_table_refuses_everything_but_appending(path: Path, statement: str) -> None:
    fill(path, 3)
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()
    journal = Journal(path, ManualClock())
    assert journal.verify().holds
    journal.close()


@pytest.mark.parametrize(
    ("statement", "broken_at", "reason"),
    [
        ("UPDATE entries SET payload = '{\"n\":7}' WHERE sequence = 3", 3, "content was changed"),
        ("UPDATE entries SET kind = 'receipt' WHERE sequence = 4", 4, "content was changed"),
        ("UPDATE entries SET at = '2026-03-02T12:00:30.000Z' WHERE sequence = 2", 2, "content was changed"),
        ("UPDATE entries SET kind = 'wish' WHERE sequence = 5", 5, "not an entry"),
        ("UPDATE entries SET at = '2026-03-02T12:01:00.000001Z' WHERE sequence = 2", 2, "not an entry"),
        ("UPDATE entries SET hash = x'00' WHERE sequence = 1", 1, "not an entry"),
        ("DELETE FROM entries WHERE sequence = 3", 3, "missing"),
        ("UPDATE entries SET previous = hash WHERE sequence = 4", 4, "does not follow"),
    ],
)
def test_tampering_with_a_copy_is_found_and_located(
    path: Path, tmp_path: Path, statement: str, broken_at: int, reason: str
) -> None:
    fill(path, 6)
    copied = tmp_path / "copy.db"
    shutil.copy(path, copied)
    tamper(copied, statement)
    journal = Journal(copied, ManualClock())
    report = journal.verify()
    assert (report.broken_at, report.entries) == (broken_at, broken_at - 1)
    assert reason in report.reason
    with pytest.raises(BrokenJournalError, match=f"entry {broken_at}") as refusal:
        journal.append_sync(Draft(EntryKind.INTENT, "next", {}))
    assert refusal.value.exit_code is ExitCode.REFUSED
    assert "journal verify" in refusal.value.remedy
    assert journal.fault is refusal.value
    assert len(journal.entries()) in {5, 6, broken_at - 1}
    journal.close()


async def test_a_last_entry_that_was_cut_off_while_the_program_runs_stops_writes(path: Path) -> None:
    fill(path, 2)
    journal = Journal(path, ManualClock())
    await journal.append(Draft(EntryKind.INTENT, "a", {}))
    await journal.append(Draft(EntryKind.INTENT, "b", {}))
    tamper(path, "DELETE FROM entries WHERE sequence > 2")
    with pytest.raises(BrokenJournalError, match="changed or removed"):
        await journal.append(Draft(EntryKind.INTENT, "c", {}))
    assert len(journal.entries()) == 2
    journal.close()


def test_a_damaged_file_is_read_as_far_as_it_goes_and_never_written(path: Path) -> None:
    fill(path, 60)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 8192] = b"\xff" * 8192
    path.write_bytes(content)
    journal = Journal(path, ManualClock())
    assert isinstance(journal.fault, BrokenJournalError)
    entries = journal.entries()
    assert 0 < len(entries) < 60
    assert verify_chain(entries).holds
    report = journal.verify()
    assert (report.entries, report.broken_at) == (len(entries), len(entries) + 1)
    with pytest.raises(BrokenJournalError):
        journal.append_sync(Draft(EntryKind.INTENT, "next", {}))
    journal.close()
    assert path.read_bytes() == bytes(content)


@pytest.mark.parametrize("content", [b"rubbish" * 900, b"SQLite format 3\x00"])
def test_garbage_is_a_journal_that_refuses(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    journal = Journal(path, ManualClock())
    assert journal.entries() == ()
    assert journal.verify().broken_at == 1
    with pytest.raises(BrokenJournalError):
        journal.unsettled()
    with pytest.raises(BrokenJournalError):
        journal.append_sync(Draft(EntryKind.INTENT, "next", {}))
    journal.close()


def test_a_place_that_cannot_be_written_refuses_without_blaming_the_chain(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    journal = Journal(tmp_path / "file" / "journal.db", ManualClock())
    with pytest.raises(UnwritableJournalError, match="cannot be used"):
        journal.append_sync(Draft(EntryKind.INTENT, "next", {}))
    journal.close()


async def test_an_intent_is_unsettled_until_its_outcome_is_certain(path: Path) -> None:
    journal = Journal(path, ManualClock())
    churn = replace(FRAUD, project="acme/churn", model="churn")
    for number, subject in enumerate((FRAUD, churn, replace(FRAUD, environment="staging"))):
        await journal.append(intent_draft(make_intent(number, subject), CALLS))
    await journal.append(receipt_draft(make_receipt(make_intent(0), Outcome.UNKNOWN)))
    await journal.append(receipt_draft(make_receipt(make_intent(1, churn), Outcome.FAILED)))

    assert [entry.intent_id for entry in journal.unsettled()] == ["intent-0", "intent-2"]
    assert [entry.intent_id for entry in journal.unsettled(replace(FRAUD, version="9.9.9"))] == ["intent-0"]
    assert journal.unsettled(churn) == ()

    await journal.append(reconciliation_draft(make_receipt(make_intent(0), Outcome.DONE)))
    assert [entry.intent_id for entry in journal.unsettled()] == ["intent-2"]
    journal.close()


async def test_an_unsettled_intent_blocks_others_on_its_model_and_environment_only(path: Path) -> None:
    journal = Journal(path, ManualClock())
    first = make_intent(1)
    await journal.append(intent_draft(first, CALLS))
    with pytest.raises(UnsettledError, match=r"fraud in production .* promote intent-1"):
        await journal.append(intent_draft(make_intent(2, replace(FRAUD, version="1.3.0")), CALLS))
    await journal.append(intent_draft(make_intent(3, replace(FRAUD, environment="staging")), CALLS))
    await journal.append(receipt_draft(make_receipt(first, Outcome.DONE)))
    with pytest.raises(RefusedError, match="begun before"):
        await journal.append(intent_draft(first, CALLS))
    await journal.append(intent_draft(make_intent(4), CALLS))
    assert [entry.intent_id for entry in journal.entries()] == ["intent-1", "intent-3", "intent-1", "intent-4"]
    journal.close()


async def test_of_two_that_act_at_once_one_is_refused(path: Path) -> None:
    journals = [Journal(path, ManualClock()) for _ in range(2)]
    results = await asyncio.gather(
        *(journal.append(intent_draft(make_intent(n), CALLS)) for n, journal in enumerate(journals)),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["JournalEntry", "UnsettledError"]
    for journal in journals:
        journal.close()


async def test_appends_that_wait_together_are_chained(path: Path) -> None:
    journals = [Journal(path, ManualClock()) for _ in range(2)]
    entries = await asyncio.gather(
        *(journals[n % 2].append(Draft(EntryKind.INTENT, f"intent-{n}", {"n": n})) for n in range(40))
    )
    report = journals[0].verify()
    assert (report.holds, report.entries) == (True, 40)
    assert {entry.sequence for entry in entries} == set(range(1, 41))
    for journal in journals:
        journal.close()


def start_writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.storage.journal_writer", str(path), name, str(count)]
    root = Path(__file__).parents[2]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)


def test_processes_that_append_at_once_do_not_fork_the_chain(path: Path) -> None:
    writers = [start_writer(path, f"writer{n}", 15) for n in range(3)]
    outputs = [writer.communicate(timeout=60)[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    journal = Journal(path, ManualClock())
    report = journal.verify()
    assert (report.holds, report.entries) == (True, 45)
    acknowledged = {tuple(line.split()) for output in outputs for line in output.splitlines()}
    assert acknowledged == {(str(entry.sequence), entry.hash) for entry in journal.entries()}
    journal.close()


def test_a_killed_process_loses_nothing_that_was_acknowledged(path: Path) -> None:
    for round_ in range(2):
        writer = start_writer(path, f"round{round_}", 100_000)
        assert writer.stdout is not None
        acknowledged = [tuple(writer.stdout.readline().split()) for _ in range(20)]
        writer.kill()
        acknowledged += [tuple(line.split()) for line in writer.stdout if line.endswith("\n")]
        writer.wait()
        writer.stdout.close()
        journal = Journal(path, ManualClock())
        assert journal.verify().holds
        written = [(str(entry.sequence), entry.hash) for entry in journal.entries()]
        assert set(acknowledged) <= set(written)
        assert journal.append_sync(Draft(EntryKind.INTENT, f"after{round_}", {})).sequence == len(written) + 1
        journal.close()
