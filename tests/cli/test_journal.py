from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

import pytest

from mlops_tui.config.paths import Paths, private_folder
from mlops_tui.domain.actions import ActionKind, CallRecord, Intent, Outcome, Receipt, Subject
from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.storage.journal import Journal
from mlops_tui.storage.journal_entries import intent_draft, receipt_draft
from tests.cli.conftest import Program
from tests.cli.schemas import judge
from tests.clocks import ManualClock

FIRST = "11111111-0000-4000-8000-000000000000"
SECOND = "22222222-0000-4000-8000-000000000000"


def intent(number: str, environment: str) -> Intent:
    subject = Subject("https://gitlab.example.com", "acme/fraud", "fraud", "1.2.0", environment)
    return Intent(number, ActionKind.PROMOTE, subject, datetime(2026, 3, 2, tzinfo=UTC), by="mona")


@pytest.fixture
def journal_file() -> str:
    """A journal with one promotion that was done and one whose outcome is not known."""
    path = Paths.of_user().journal_file
    private_folder(path.parent)
    journal = Journal(path, ManualClock())
    call = ApiCall(Method.POST, "/api/v4/projects/1/pipeline", {"ref": "main"})
    done = intent(FIRST, "staging")
    journal.append_sync(intent_draft(done, [call]))
    record = CallRecord("POST", "https://gitlab.example.com/api/v4/projects/1/pipeline", 201, "01ABC")
    journal.append_sync(receipt_draft(Receipt(done, Outcome.DONE, "Pipeline 611 runs", (record,), ("https://x/611",))))
    journal.append_sync(intent_draft(intent(SECOND, "production"), [call]))
    journal.close()
    return str(path)


def test_actions_are_listed_newest_first(program: Program, journal_file: str) -> None:
    document = program("journal", "list", "--output", "json").document
    judge(document)
    assert document["source"] == journal_file
    assert [(item["intent"], item["outcome"]) for item in document["items"]] == [(SECOND, "unknown"), (FIRST, "done")]
    assert document["items"][1]["links"] == ["https://x/611"]
    assert len(program("journal", "list", "--limit", "1", "-o", "ndjson").out.splitlines()) == 1


@pytest.mark.usefixtures("journal_file")
@pytest.mark.parametrize("which", [FIRST, FIRST[:8], "1", "2"])
def test_an_action_is_shown_with_all_its_entries(program: Program, which: str) -> None:
    document = program("journal", "show", which, "-o", "json").document
    judge(document)
    assert [item["kind"] for item in document["items"]] == ["intent", "receipt"]
    assert document["items"][0]["payload"]["calls"][0]["path"] == "/api/v4/projects/1/pipeline"
    assert document["items"][1]["previous"] == document["items"][0]["hash"]


@pytest.mark.usefixtures("journal_file")
@pytest.mark.parametrize("which", ["9", "", "33333333"])
def test_an_action_that_is_not_there_is_a_usage_error(program: Program, which: str) -> None:
    ended = program("journal", "show", which)
    assert (ended.status, ended.out) == (2, "")


@pytest.mark.usefixtures("journal_file")
def test_a_whole_chain_is_verified(program: Program) -> None:
    ended = program("journal", "verify", "-o", "json")
    judge(ended.document)
    assert ended.status == 0
    assert (ended.document["items"][0]["holds"], ended.document["items"][0]["entries"]) == (True, 3)


def test_a_changed_entry_is_found(program: Program, journal_file: str) -> None:
    with sqlite3.connect(journal_file) as connection:
        table = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%payload%'")
        name = table.fetchone()[0]
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (trigger,) in triggers:
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute(f"UPDATE {name} SET payload = replace(payload, 'Pipeline 611', 'Pipeline 612')")
    ended = program("journal", "verify", "-o", "json")
    judge(ended.document)
    assert ended.status == 1
    assert ended.document["items"][0]["broken_at"] == 2
    assert "changed after it was written" in ended.err


def test_an_empty_journal_is_whole(program: Program) -> None:
    assert program("journal", "verify").status == 0
    assert program("journal", "list", "-o", "json").document["items"] == []
